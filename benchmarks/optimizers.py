"""Searchers at equal wall time on dense MNIST: loss against minutes, median and range of several seeds.

    python -m benchmarks.optimizers run      14 runs of 3 minutes, two at once: about 25 minutes
    python -m benchmarks.optimizers report   the figure and the table, into docs/

Every run is a process of its own on one core, and writes one JSON file when it is done; `run` goes on where it was stopped.
All begin with the same network, and evaluate the same objective on the same training items held out; the gradient learns
from the other training items. The test set takes no part.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.report import ROOT, table
from snnviz._files import replacing

METHODS: dict[str, dict[str, Any]] = {
    "auto": {"method": "auto"},
    "gradient": {"method": "gradient"},
    "cmaes": {"method": "cmaes"},
    "subplex": {"method": "subplex", "per": ["network", "layer", "channel"]},
    "percentile": {"method": "percentile"},
    "auto with potentials": {"method": "auto", "with_potentials": True},
}
"""Name in the figure -> arguments of `optimize`; all but the last search the same scales, one per channel."""
DETERMINISTIC = ("subplex", "percentile")
"""Methods without randomness: one seed is all seeds."""
UPDATES_PER_MINUTE = 1000
"""The gradient's updates for a minute of the budget, fewer than one core does, so that its learning rate falls to 0 in time."""
FOLDER = ROOT / "benchmarks" / "results" / "searchers"
PAGE = ROOT / "docs" / "ablations.md"
FIGURE = ROOT / "docs" / "images" / "searchers.png"
BEGIN, END = "<!-- searchers: written by `python -m benchmarks.optimizers report` -->", "<!-- searchers: end -->"


def runs(seeds: int, methods: Sequence[str]) -> list[tuple[str, int]]:
    """(method, seed) of every run; a first seed of all methods comes first."""
    found = [(name, seed) for seed in range(seeds) for name in methods]
    return [(name, seed) for name, seed in found if seed == 0 or METHODS[name]["method"] not in DETERMINISTIC]


def settings(name: str, seed: int, args: argparse.Namespace) -> dict[str, Any]:
    """What a run's file must say for it to count as done."""
    arguments = dict(METHODS[name])
    if arguments["method"] in ("auto", "gradient"):
        arguments["options"] = {"updates": max(1, round(UPDATES_PER_MINUTE * args.minutes))}
    return {
        "name": name,
        "seed": seed,
        "arguments": arguments,
        "minutes": args.minutes,
        "items": args.items,
        "network": args.network,
    }


def file_of(folder: Path, name: str, seed: int) -> Path:
    """Where a run is kept."""
    return folder / f"{name.replace(' ', '-')}-{seed}.json"


def one(wanted: dict[str, Any], file: Path) -> None:
    """Do a run and keep it."""
    from snnviz import datasets, pretrained
    from snnviz.optimization import optimize
    from snnviz.simulation import simulate

    learned, held_out = datasets.validation_split(datasets.load("mnist", split="train"))
    network = pretrained.network(wanted["network"])
    items = wanted["items"]
    # the simulator's kernels are compiled once on a machine: that is no search's time
    simulate(network, held_out.x[:10], held_out.y[:10], 5, engine="event", progress=False)
    processor = time.process_time()
    found = optimize(
        network,
        held_out.x[:items],
        held_out.y[:items],
        training=(learned.x, learned.y),
        budget_minutes=wanted["minutes"],
        seed=wanted["seed"],
        progress=False,
        **wanted["arguments"],
    )
    answer = {
        "settings": wanted,
        "machine": describe(("numpy", "numba", "nlopt", "cma", "keras", "snnviz")),
        "network_hash": network.hash,
        "objective": vars(found.objective),
        "start": vars(found.start),
        "best": vars(found.best),
        "stopped": found.stopped,
        "processor_seconds": time.process_time() - processor,
        "history": found.history.to_dict("list"),
    }
    with replacing(file) as temporary:
        temporary.write_text(json.dumps(answer))


def study(args: argparse.Namespace) -> None:
    """Do all runs that are not done yet, `at_once` at a time, each on a core of its own."""
    wanted = [(file_of(args.folder, *which), settings(*which, args)) for which in runs(args.seeds, args.methods)]
    left = []
    for file, what in wanted:
        if not file.exists():
            left.append((file, what))
        elif json.loads(file.read_text())["settings"] != what:
            raise SystemExit(f"{file} is of another study: move it away, or choose another --folder")
    cores: queue.Queue[int] = queue.Queue()
    for core in sorted(os.sched_getaffinity(0))[: args.at_once]:
        cores.put(core)
    environment = os.environ | {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}

    def run(job: tuple[Path, dict[str, Any]]) -> int:
        file, what = job
        core = cores.get()
        try:
            command = [sys.executable, "-m", "benchmarks.optimizers", "one", json.dumps(what), str(file), str(core)]
            print(f"{what['name']}, seed {what['seed']}: started on core {core}", flush=True)
            return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        finally:
            cores.put(core)

    print(f"{len(left)} of {len(wanted)} runs to do, {args.minutes:g} min each, {cores.qsize()} at once", flush=True)
    with ThreadPoolExecutor(cores.qsize()) as pool:
        failed = sum(code != 0 for code in pool.map(run, left))
    if failed:
        raise SystemExit(f"{failed} runs failed; the same command does them again")


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The runs of a folder by method, in the order of `METHODS`."""
    found = {name: [json.loads(file.read_text()) for file in sorted(_files(folder, name))] for name in METHODS}
    found = {name: group for name, group in found.items() if group}
    if not found:
        raise SystemExit(f"{folder} holds no runs: `python -m benchmarks.optimizers run` makes them")
    shared = {
        json.dumps([run["settings"][key] for key in ("minutes", "items", "network")])
        for g in found.values()
        for run in g
    }
    if len(shared) > 1:
        raise SystemExit(f"{folder} holds runs of different studies")
    return found


def _files(folder: Path, name: str) -> list[Path]:
    return [file for seed in range(100) if (file := file_of(folder, name, seed)).exists()]


def section(found: dict[str, list[dict[str, Any]]], figure: str) -> str:
    """The part of the page that the study fills: where it ran, the figure, the table."""
    import numpy as np

    first = next(iter(found.values()))[0]
    what, machine = first["settings"], first["machine"]
    rows = []
    for name, group in found.items():
        losses = [min(run["history"]["loss"]) for run in group]
        middle = {key: float(np.median([run["best"][key] for run in group])) for key in first["best"]}
        spread = f" ({min(losses):.2f} to {max(losses):.2f})" if len(group) > 1 else ""
        rows.append(
            [
                name,
                str(len(group)),
                f"{np.median([len(run['history']['loss']) for run in group]):.0f}",
                f"{np.median(losses):.2f}{spread}",
                f"{100 * middle['peak_accuracy']:.2f} %",
                f"{middle['latency']:.4f}",
                f"{middle['power']:.0f}",
            ]
        )
    start = first["start"]
    headings = ["searcher", "seeds", "evaluations", "loss", "peak accuracy", "P_l (steps)", "P_p (events per item)"]
    where = f"{machine['cpu']}, one core a run, {machine['os']}, Python {machine['python']}"
    begins = (
        f"loss {first['history']['loss'][0]:.2f}, peak accuracy {100 * start['peak_accuracy']:.2f} %, "
        f"P_l {start['latency']:.4f}, P_p {start['power']:.0f}"
    )
    text = (
        f"Measured on {where}: {what['minutes']:g} minutes a run from `{what['network']}`, {what['items']} held-out training "
        f"items. All begin at {begins}. Numbers are medians over seeds, with their range; so are lines and bands."
    )
    return "\n\n".join([text, f"![Best loss against minutes, by searcher]({figure})", table(headings, rows)])


def report(args: argparse.Namespace) -> None:
    """Draw the figure and fill the page."""
    import pandas as pd

    from snnviz import plots

    found = read(args.folder)
    minutes = next(iter(found.values()))[0]["settings"]["minutes"]
    histories = {name: [pd.DataFrame(run["history"]) for run in group] for name, group in found.items()}
    plots.save(plots.search_progress(histories, minutes=minutes), args.figure, width=6.0, height=3.4, dpi=160)
    page = args.page.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{args.page} has no place for the study: {BEGIN} ... {END}")
    text = section(found, os.path.relpath(args.figure, args.page.parent))
    with replacing(args.page) as temporary:
        temporary.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    print(f"written: {args.page}, {args.figure}")


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="do the runs that are not done")
    run.add_argument("--minutes", type=float, default=3.0, help="of each run (default: 3)")
    run.add_argument("--seeds", type=int, default=3, help="of each method that has any randomness (default: 3)")
    run.add_argument("--at-once", type=int, default=2, help="runs at a time, a core each (default: 2)")
    run.add_argument("--items", type=int, default=10_000, help="of the objective (default: 10 000)")
    run.add_argument("--network", default="dense-mnist-heuristic", help="a network file, or the name of a shipped one")
    run.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="NAME")
    write = actions.add_parser("report", help="draw the figure and fill the page")
    write.add_argument("--page", type=Path, default=PAGE)
    write.add_argument("--figure", type=Path, default=FIGURE)
    for action in (run, write):
        action.add_argument("--folder", type=Path, default=FOLDER)
    single = actions.add_parser("one")
    for name, kind in (("what", json.loads), ("file", Path), ("core", int)):
        single.add_argument(name, type=kind)
    args = parser.parse_args(arguments)
    if args.action == "one":
        os.sched_setaffinity(0, {args.core})  # before TensorFlow and Numba count the cores
        one(args.what, args.file)
    elif args.action == "run":
        study(args)
    else:
        report(args)


if __name__ == "__main__":
    main()
