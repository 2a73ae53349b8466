"""Random clicks on the pages in a real browser: four sessions that press, type, slide, zoom, go back and reload, with a seed.

    python -m benchmarks.clicks [--minutes 60] [--seed 0] [--results RESULT.nc ...] [--store FOLDER] [--out FILE]

A server of its own shows the results and the runs of a store, which it may change: nothing that launches a job is pressed, all else
is. What counts as found: an exception in the server's log, an error on a browser's console, a notice that something did not work, a
plot that does not come when the page turns dark (asked for every so many actions), and memory of the server that keeps growing.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.dashboard import processor_seconds, resident
from snnviz._files import replacing
from snnviz.dashboard import PAGES
from tests.browser.conftest import ARGUMENTS

SESSIONS = 4
PROBE = 25
"""Actions of a session between two looks at whether its plots still follow."""
OPENING = 600_000
"""Milliseconds that a page may take to open: nothing is timed here, and the machine may be busy."""
PATIENCE = 300.0
"""Seconds within which plots must have followed."""
NOT_PRESSED = re.compile(r"launch|resume|simulate this|log out|search for", re.IGNORECASE)
WORDS = ("", "0", "1", "-3", "20", "1e9", "nan", "dense", "peak_accuracy>0.98", "ö <b>x</b>", "a" * 300)
KEYS = ("ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End", "Tab", "Enter", " ", "Escape")
TARGETS = "button, select, input:not([type=file]), textarea, summary, [tabindex='0'], nav a, .bk-Canvas, a.step"
FIGURES = """() => Bokeh.documents.flatMap(d => d.roots().flatMap(r => [...r.references()]))
    .filter(m => m.type == 'Figure' || m.type == 'Plot').map(f => [`${f.html_attributes['aria-label']} ${f.id}`,
               f.left.concat(f.below).map(a => JSON.stringify(a.major_label_text_color ?? '')).join()])"""
"""Names of a page's plots with the colours of their axes. Of those in the page: a document forgets what has left it once nothing
has changed for a while, which does not come to pass while page Predictions plays."""


class Session:
    """A tab, with what went wrong in it."""

    def __init__(self, browser: Any, url: str, chance: random.Random, found: list[str], number: int) -> None:
        self._chance, self._found, self._url, self.number = chance, found, url, number
        self._context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
        self.page = self._context.new_page()
        self.page.set_default_timeout(5000)
        self.page.on("pageerror", lambda error: self.note(f"page error: {error}"))
        self.page.on("console", lambda told: told.type == "error" and self.note(f"console: {told.text}"))
        self.page.on("dialog", lambda dialog: dialog.dismiss())
        self.last: list[str] = []
        self.done: Counter[str] = Counter()
        self.waits: list[float] = []
        self.visit()

    def note(self, words: str) -> None:
        """Keep what was found, and after what."""
        told = f"session {self.number}, {self.page.url}: {words} [after {'; '.join(self.last[-4:])}]"
        self._found.append(told)
        sys.stderr.write(f"{told}\n")

    def visit(self) -> None:
        """Open a page by its address."""
        self.page.goto(self._url + self._chance.choice(PAGES).slug, timeout=OPENING)
        self._settle()

    def _settle(self) -> None:
        """Wait until the page is whole."""
        self.page.get_by_text("What the words mean").wait_for(timeout=OPENING)

    def act(self) -> None:
        """One action; one that the page's own change makes impossible is none."""
        kind = self._chance.choices(
            ("press", "visit", "back", "forward", "reload", "resize", "probe"), (PROBE, 0.6, 1.5, 0.5, 0.3, 0.5, 1)
        )[0]
        self.done[kind] += 1
        try:
            getattr(self, f"_{kind}", self.visit)()
        except Exception as error:
            if not re.search("Timeout|detached|intercepts|not visible|navigat|context was destroyed", str(error)):
                self.note(f"{kind}: {error}")
            elif kind not in ("press", "resize"):
                self.note(f"{kind} did not end: {str(error)[:200]}")
        notice = self.page.locator(".snn-notice:visible")
        if notice.count() and "did not work" in (told := notice.first.inner_text()):
            self.note(told)

    def _press(self) -> None:
        everything = self.page.locator(TARGETS).locator("visible=true")
        count = everything.count()
        if not count:
            return
        one = everything.nth(self._chance.randrange(count))
        tag, words, kind = one.evaluate("e => [e.tagName, e.innerText || e.value || e.ariaLabel || '', e.type || '']")
        if tag == "BUTTON" and NOT_PRESSED.search(words):
            return
        self.last.append(f"{tag} {words[:40]!r}")
        if tag == "SELECT":
            one.select_option(index=self._chance.randrange(max(1, one.locator("option").count())), timeout=2000)
        elif tag in ("INPUT", "TEXTAREA") and kind not in ("checkbox", "radio", "range", "button"):
            one.fill(self._chance.choice(WORDS), timeout=2000)
            one.press(self._chance.choice(("Enter", "Tab")))
        elif tag == "CANVAS" or "bk-Canvas" in (one.get_attribute("class") or ""):
            self._handle(one)
        else:
            one.click(timeout=2000)
            if self._chance.random() < 0.4:
                self.page.keyboard.press(self._chance.choice(KEYS))

    def _handle(self, canvas: Any) -> None:
        """Click, drag or turn the wheel on a plot."""
        canvas.scroll_into_view_if_needed(timeout=2000)
        place = canvas.bounding_box()
        if place is None:
            return
        x, y = (place[a] + place[b] * self._chance.random() for a, b in (("x", "width"), ("y", "height")))
        self.page.mouse.move(x, y)
        if self._chance.random() < 0.4:
            self.page.mouse.wheel(0, self._chance.choice((-200, 200)))
            return
        self.page.mouse.down()
        if self._chance.random() < 0.5:
            self.page.mouse.move(x + self._chance.uniform(-80, 80), y + self._chance.uniform(-80, 80), steps=4)
        self.page.mouse.up()

    def _back(self) -> None:
        self.page.go_back(timeout=OPENING)
        self._here()

    def _forward(self) -> None:
        self.page.go_forward(timeout=OPENING)
        self._here()

    def _here(self) -> None:
        """Where the way led out of the pages, come back."""
        if not self.page.url.startswith(self._url):
            self.visit()

    def _reload(self) -> None:
        self.page.reload(timeout=OPENING)
        self._settle()

    def _resize(self) -> None:
        self.page.set_viewport_size({"width": self._chance.choice((390, 1024, 1280, 1600)), "height": 900})

    def _probe(self) -> None:
        """Turn the page dark, or light: every plot must follow."""
        self._settle()
        before = dict(self.page.evaluate(FIGURES))
        began = time.perf_counter()
        self.page.get_by_role("button", name="Dark", exact=True).click()
        while time.perf_counter() - began < PATIENCE:
            self.page.wait_for_timeout(100)
            now = dict(self.page.evaluate(FIGURES))
            stuck = [name for name, colors in now.items() if colors and before.get(name) == colors]
            if not stuck:
                self.waits.append(time.perf_counter() - began)
                return
        self.note(f"stuck for {PATIENCE:.0f} s after the colours changed: {', '.join(stuck)} of {len(now)} plots")


def main() -> None:
    """Click for so long, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", nargs="*", default=[], help="default: those of `snnviz demo` in snnviz-out")
    parser.add_argument("--store", help="folder of runs, which is copied before")
    parser.add_argument("--out", default="benchmarks/results/clicks.json")
    args = parser.parse_args()
    files = args.results or sorted(map(str, Path("snnviz-out").glob("*.nc")))
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch, "store")
        if args.store:
            shutil.copytree(args.store, store)
        told = click(files, store, Path(scratch, "log.txt"), 60 * args.minutes, args.seed)
    sys.stdout.write(json.dumps(told, indent=1) + "\n")
    with replacing(args.out) as temporary:
        temporary.write_text(json.dumps(told, indent=1) + "\n")
    sys.exit(bool(told["found"]))


def click(files: list[str], store: Path, log: Path, seconds: float, seed: int) -> dict[str, Any]:
    """Serve the results, and let four sessions click on them at random for so long."""
    from playwright.sync_api import sync_playwright

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "snnviz", "dashboard", *files, "--tracking-uri", str(store), "--port", str(port)]
    found: list[str] = []
    with log.open("w") as written:
        server = subprocess.Popen([sys.executable, *command], stderr=written, stdout=written)
    try:
        while "The pages are at" not in log.read_text():
            if server.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.2)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
            chance = random.Random(seed)
            sessions = [Session(browser, f"http://127.0.0.1:{port}/", chance, found, n) for n in range(SESSIONS)]
            began, course = time.monotonic(), {}
            while (spent := time.monotonic() - began) < seconds and server.poll() is None:
                for session in sessions:
                    session.act()
                minute = int(spent // 60)
                if minute not in course:
                    course[minute] = round(resident(server.pid) / 2**20)
                    sys.stderr.write(
                        f"{minute} min: {course[minute]} MiB, {len(found)} found, {log.stat().st_size} bytes of log\n"
                    )
            processor = processor_seconds(server.pid)
            browser.close()
    finally:
        server.terminate()
        server.wait(timeout=OPENING / 1000)
    errors = [line for line in log.read_text().splitlines() if "The pages are at" not in line]
    waits = sorted(wait for session in sessions for wait in session.waits)
    return {
        "minutes": seconds / 60, "seed": seed, "actions": dict(sum((session.done for session in sessions), Counter())),
        "server_mib": course, "server_processor_s": processor, "dark_s": {"median": waits[len(waits) // 2], "max": waits[-1]},
        "found": found + ([f"log of the server: {line}" for line in errors[-60:]]),
    }  # fmt: skip


if __name__ == "__main__":
    main()
