"""The pages in a real browser: first paint, time of a change on the server, bytes sent, memory over many sessions.

    python -m benchmarks.dashboard [--quick] [--sessions 100] [--out benchmarks/results/dashboard.json]

A server in a process of its own shows a simulation of 10 000 items and 200 steps and a store of 50 runs. Chromium opens the
pages and moves their widgets. What is measured:

- first paint: from the request until the first plot of the page is drawn, the server having served one page before;
- server: from the arrival of a widget's message until the server has handled it, the plots included (Panel's own log);
- sent: bytes from the server to the browser after a change (websocket frames);
- memory: resident set of the server after the sessions, and how far it has grown since the tenth.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import websocket_connect

from benchmarks import machine
from snnviz import dashboard, datasets, pretrained, results, simulate
from snnviz._files import replacing
from snnviz.runs import Store
from tests.browser.conftest import ARGUMENTS

ITEMS, STEPS, RUNS = 10_000, 200, 50
LIMITS = {"first_paint_s": 2.0, "server_ms": 150.0, "sent_bytes": 2 * 2**20}
PLOTS = 6
"""Of the explorer."""
_PAINTED = ".bk-Canvas"
_PATIENCE = 60
"""Seconds for which an answer is waited for."""


def prepare(folder: Path) -> None:
    """Simulate the result and fill the store, where that was not done before."""
    if (folder / "after.nc").exists():
        return
    images = datasets.load("mnist", split="test", limit=ITEMS)
    for title, name in (("before", "dense-mnist-heuristic"), ("after", "dense-mnist-optimized")):
        result = simulate(
            pretrained.network(name), images.x, images.y, STEPS, engine="event",
            record=("prediction", "logits", "events"), title=title,
        )  # fmt: skip
        result.attrs["dataset"] = "mnist"
        results.save(result, folder / f"{title}.nc")
    store = Store(folder / "runs")
    small = results.load(folder / "after.nc").isel(item=slice(0, 10)).drop_vars(["logits", "item_events"])
    file = results.save(small, folder / "result.nc")
    for number in range(RUNS):
        run_id = store.create("simulate", f"run {number}")
        for name, value in (("peak_accuracy", 0.98), ("pareto_latency", 0.1), ("pareto_power", 900.0)):
            store.client.log_metric(run_id, name, value * (1 + number / 1000))
        store.client.log_artifact(run_id, str(file))
        store.set_status(run_id, "FINISHED")


class Clock(logging.Handler):
    """Writes how long each widget's message took, by Panel's own log."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file, self._began = file, {}

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        session = message.split()[1] if message.startswith("Session") else ""
        if "received events" in message:
            self._began[session] = time.perf_counter()
        elif "finished processing events" in message and session in self._began:
            took = time.perf_counter() - self._began.pop(session)
            with self._file.open("a") as file:
                file.write(f"{1000 * took:.2f} {record.name.rpartition('.')[2]}\n")


def serve(folder: Path) -> None:
    """Serve until the process is ended; prints the address."""
    logger = logging.getLogger("panel")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [Clock(folder / "times.txt")]
    runs = {name: results.load(folder / f"{name}.nc") for name in ("before", "after")}
    workspace = dashboard.Workspace(runs, store=Store(folder / "runs"))
    workspace.watcher.look_now()
    with dashboard.Serving(workspace) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


def times(folder: Path, skip: int) -> list[float]:
    """Milliseconds of every message of a widget since the first `skip`; those of the address bar are left out."""
    file = folder / "times.txt"
    rows = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [float(took) for took, kind in rows[skip:] if kind != "Location"]


def lines(folder: Path) -> int:
    """How many messages there were."""
    file = folder / "times.txt"
    return len(file.read_text().splitlines()) if file.exists() else 0


def resident(pid: int) -> int:
    """Resident set of a process, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def opened(browser: Any, url: str, painted: str = _PAINTED) -> tuple[Any, float]:
    """A page, and the seconds until its first plot, or else what `painted` selects, was drawn."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(120_000)
    page.received = 0

    def count(payload: Any) -> None:
        page.received += len(payload)

    page.on("websocket", lambda socket: socket.on("framereceived", count))
    began = time.perf_counter()
    page.goto(url, timeout=120_000)
    page.locator(painted).first.wait_for(state="attached", timeout=120_000)
    return page, time.perf_counter() - began


def press(page: Any, key: str, count: int) -> None:
    """Move the first slider by keys, one at a time."""
    page.locator(".noUi-handle").first.focus()
    for _ in range(count):
        page.keyboard.press(key)
        page.wait_for_timeout(400)


def walk(browser: Any, url: str, folder: Path, rounds: int) -> dict[str, Any]:
    """First paint of every page; changes of the explorer's and the predictions' widgets."""
    found: dict[str, Any] = {}
    page, _ = opened(browser, url)  # what a server does once
    page.close()
    for one in dashboard.PAGES:
        # these have no plot until a run is opened, or a model given
        plain = dict.fromkeys(("optimize", "adapt", "convert"), "h1") | {"runs": "progress, table td"}
        painted = plain.get(one.slug, _PAINTED)
        seconds = []
        for _ in range(rounds):
            page, took = opened(browser, url + one.slug, painted)
            seconds.append(took)
            page.close()
        found[f"first paint, {one.slug}"] = {"median_s": median(seconds), "max_s": max(seconds)}

    def change(name: str, page: Any, act: Any) -> None:
        page.wait_for_timeout(1500)
        before, sent = lines(folder), page.received
        act()
        page.wait_for_timeout(1500)
        for _ in range(_PATIENCE):  # on a busy machine the answer may take long
            if times(folder, before):
                break
            page.wait_for_timeout(1000)
        took = times(folder, before)
        found[name] = {
            "messages": len(took), "median_ms": median(took), "max_ms": max(took), "sent_bytes": page.received - sent,
        }  # fmt: skip

    page, _ = opened(browser, url + "explorer")
    change("explorer, threshold (20 moves)", page, lambda: press(page, "ArrowLeft", 20))
    change("explorer, axis", page, lambda: page.get_by_role("button", name="all", exact=True).click())
    change("explorer, layers of", page, lambda: page.get_by_label("Layers of").select_option(index=1))
    page.close()
    page, _ = opened(browser, url + "predictions?kind=all")
    change("predictions, time (20 moves)", page, lambda: press(page, "ArrowRight", 20))
    pictures = page.get_by_role("group", name="Items").get_by_role("button")
    change("predictions, item", page, lambda: pictures.nth(5).click())
    change("predictions, another item", page, lambda: pictures.nth(9).click())
    change("predictions, filter", page, lambda: page.get_by_role("button", name="late", exact=True).click())
    page.close()
    return found


def ten_at_once(browser: Any, url: str, folder: Path) -> dict[str, Any]:
    """Ten sessions open, each moving its slider."""
    pages = [opened(browser, url + "explorer")[0] for _ in range(10)]
    for page in pages:  # whole: else the parts that are still made are measured
        page.locator(_PAINTED).nth(PLOTS - 1).wait_for(state="attached", timeout=120_000)
    pages[0].wait_for_timeout(5000)
    before = lines(folder)
    for page in pages:
        page.locator(".noUi-handle").first.focus()
        page.keyboard.press("ArrowLeft")
    pages[0].wait_for_timeout(4000)
    took = times(folder, before)
    for page in pages:
        page.close()
    return {"messages": len(took), "median_ms": median(took), "max_ms": max(took)}


class Client:
    """A session as a browser has it, without drawing: the page, the document, and what comes after."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.served = self.plotted = self.whole = 0.0

    async def open(self, plots: int) -> None:
        """Open the page; note the seconds until it was served, its first plot had come, and all had."""
        began = time.perf_counter()
        answer = await AsyncHTTPClient().fetch(self._url, request_timeout=120)
        token = re.search(r'"token":"([^"]+)"', answer.body.decode())[1]
        self.served = time.perf_counter() - began
        socket = await websocket_connect(
            self._url.replace("http", "ws") + "/ws", subprotocols=["bokeh", token], max_message_size=2**28
        )
        await self._receive(socket)  # ACK
        for number, kind, content in (
            (1, "PULL-DOC-REQ", {}),
            (2, "PATCH-DOC", {"events": [{"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": _READY}]}),
        ):
            for part in ({"msgid": str(number), "msgtype": kind}, {}, content):
                await socket.write_message(json.dumps(part))
        seen = 0
        while seen < plots:
            seen += (await self._receive(socket)).count('"name": "Figure"') or 0
            if seen and not self.plotted:
                self.plotted = time.perf_counter() - began
        self.whole = time.perf_counter() - began
        socket.close()

    @staticmethod
    async def _receive(socket: Any) -> str:
        """The content of the next message; the arrays after it are left."""
        header = json.loads(await socket.read_message())
        await socket.read_message()
        content = await socket.read_message()
        for _ in range(2 * header.get("num_buffers", 0)):
            await socket.read_message()
        return str(content).replace('"name":"Figure"', '"name": "Figure"')


_READY = {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}}


def many_at_once(browser: Any, url: str, pid: int, sessions: int) -> dict[str, Any]:
    """So many openings of the explorer at once, of which the last one is Chromium's; and small requests meanwhile."""
    waits: list[float] = []
    clients = [Client(f"{url}explorer") for _ in range(sessions - 1)]
    began, spent = threading.Event(), processor_seconds(pid)

    async def ask(everything: asyncio.Future) -> None:
        while not everything.done():
            asked = time.perf_counter()
            await AsyncHTTPClient(force_instance=True).fetch(f"{url}metadata", request_timeout=120)
            waits.append(time.perf_counter() - asked)
            await asyncio.sleep(0.1)

    async def work() -> None:
        AsyncHTTPClient.configure(None, max_clients=100)
        everything = asyncio.gather(*(client.open(PLOTS) for client in clients))
        began.set()
        await asyncio.gather(ask(everything), everything)

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    began.wait()
    page, painted = opened(browser, f"{url}explorer")
    thread.join()
    page.close()
    found: dict[str, Any] = {"first paint of the last, in Chromium, s": painted}
    for name in ("served", "plotted", "whole"):
        found[f"{name}, last of the others, s"] = max(getattr(client, name) for client in clients)
    return found | {
        "metadata_max_s": max(waits), "metadata_median_s": median(waits),
        "server_processor_s": processor_seconds(pid) - spent,
    }  # fmt: skip


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(browser: Any, url: str, pid: int, sessions: int) -> dict[str, Any]:
    """The server's memory while so many sessions come and go."""
    course = {}
    for number in range(1, sessions + 1):
        page, _ = opened(browser, url + "explorer")
        page.close()
        if number % 10 == 0:
            course[str(number)] = resident(pid)
    time.sleep(40)  # Bokeh discards a session some time after its tab has closed
    course["after a pause"] = resident(pid)
    first = course.get("10", course["after a pause"])
    return {"bytes": course, "grown_since_the_tenth": course["after a pause"] - first}


def main() -> None:
    """Run the benchmark, print the figures, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument(
        "--openings", action="store_true", help="measure only twenty openings at once, and write no file"
    )
    parser.add_argument("--quick", action="store_true", help="go through everything once and write no file")
    parser.add_argument("--folder", help="where the data are kept between two runs of the benchmark")
    parser.add_argument("--out", default="benchmarks/results/dashboard.json")
    parser.add_argument("--serve", metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve(Path(args.serve))
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(args.folder or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        prepare(folder)
        (folder / "times.txt").unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks.dashboard", "--serve", str(folder)]
        server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            url = server.stdout.readline().strip()
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
                found = {"machine": machine.describe(), "limits": LIMITS}
                found["twenty opened at once"] = many_at_once(browser, url, server.pid, 3 if args.quick else 20)
                if args.openings:
                    sys.stdout.write(json.dumps(found, indent=1) + "\n")
                    return
                found["pages"] = walk(browser, url, folder, 1 if args.quick else 3)
                found["ten at once"] = ten_at_once(browser, url, folder)
                found["memory"] = memory(browser, url, server.pid, 10 if args.quick else args.sessions)
                browser.close()
        finally:
            server.stdin.close()
            server.terminate()
            server.wait(timeout=30)
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    if args.quick:
        return
    with replacing(args.out) as temporary:
        temporary.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
