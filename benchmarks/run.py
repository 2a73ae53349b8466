"""Measures the simulators on this machine.

    python -m benchmarks.run                          everything, into benchmarks/results and docs (about 20 minutes)
    python -m benchmarks.run --quick                  a check of the whole in two minutes, into build/benchmarks/quick
    python -m benchmarks.run --rows event torch       only these simulators
    python -m benchmarks.run --engines                only snnviz's own engines
    python -m benchmarks.run --sections density       only this part
    python -m benchmarks.run --network network.npz    the table for a trained network and its test images

Peers that `python -m benchmarks.peers.setup` has not set up are listed as missing.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import machine, report, stream, trained
from benchmarks.case import save_case
from benchmarks.networks import ARCHITECTURES, DENSITY, random_images, random_network
from benchmarks.rows import LIMITS, REFERENCES, ROWS, named
from benchmarks.workers import ROOT, WORK, Case, Measured, Row, Worker, crew, interleave
from snnviz import _progress
from snnviz._files import replacing
from snnviz.network import SpikingNetwork

RESULTS = ROOT / "benchmarks" / "results"
TARGET_ITEMS, STEPS = 1000, 50
ENGINES = ("event", "graph")
SECTIONS = ("table", "sparse", "stream", "layers", "density", "scaling", "threads")


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes:
        items: of each column of the table; fewer than `TARGET_ITEMS` are extrapolated in proportion.
        rounds: timed runs of each row, for each column.
        stream_items: recordings of an event camera.
        sweep_items: items of the sweeps over density, steps and threads.
        sweep_rounds: timed runs of each point of a sweep.
        densities: spikes per neuron and step.
        item_counts: of the sweep over items.
        step_counts: of the sweep over steps.
        share_processes: use the same processes throughout; peak memory is then that of everything so far.
    """

    items: dict[str, int]
    rounds: dict[str, int]
    stream_items: int
    sweep_items: int
    sweep_rounds: int
    densities: tuple[float, ...]
    item_counts: tuple[int, ...]
    step_counts: tuple[int, ...]
    share_processes: bool = False


FULL = Effort(
    items={"dense-mnist": 1000, "conv-mnist": 64, "conv-cifar10": 16},
    rounds={"dense-mnist": 7, "conv-mnist": 5, "conv-cifar10": 5},
    stream_items=200,
    sweep_items=64,
    sweep_rounds=5,
    densities=(0.005, 0.01, 0.017, 0.05, 0.1, 0.17, 0.3, 0.5),
    item_counts=(16, 64, 256),
    step_counts=(10, 25, 50, 100),
)
QUICK = Effort(
    items={"dense-mnist": 64, "conv-mnist": 4, "conv-cifar10": 1},
    rounds={"dense-mnist": 2, "conv-mnist": 1, "conv-cifar10": 1},
    stream_items=20,
    sweep_items=4,
    sweep_rounds=1,
    densities=(0.01, 0.17),
    item_counts=(2, 4),
    step_counts=(25, 50),
    share_processes=True,
)


class Bench:
    """One run of the benchmark: makes cases, measures rows, gathers numbers.

    Args:
        rows: the simulators.
        effort: how much to measure.
        threads: cores each may use.
    """

    def __init__(self, rows: list[Row], effort: Effort, threads: int) -> None:
        self.rows, self.effort, self.threads = rows, effort, threads
        self.engines = [row for row in rows if row.name in ENGINES]
        self._stack = contextlib.ExitStack()
        self._shared: dict[int, dict[str, Worker | str]] = {}

    def close(self) -> None:
        """End whatever processes are left."""
        self._stack.close()

    def table(self, columns: list[str]) -> dict[str, Any]:
        """Every row on the random networks of Table A."""
        cases = [(self._random(name, self.effort.items[name]), name) for name in columns]
        return {"columns": self._columns(cases)}

    def trained(self, files: list[str]) -> dict[str, Any]:
        """Every row on trained networks and the test images they were trained for."""
        columns = self._columns([_trained_case(file, self.effort.items) for file in files])
        return {"columns": [column | {"title": Path(file).stem} for column, file in zip(columns, files, strict=True)]}

    def sparse(self) -> dict[str, Any]:
        """Trained networks, whose neurons spike rarely: the event engine, `simulate` and the classifier."""
        rounds, share = (1, 0.02) if self.effort.share_processes else (5, 1.0)
        with _progress.bar(len(trained.ENTRIES) * (rounds + 1), "trained networks", "run") as bar:
            return trained.measure(rounds, self.threads, share, _tick(bar))

    def stream(self) -> dict[str, Any]:
        """Recordings of an event camera: simulators from events to answers, and readers of their files."""
        case, rounds = stream.case(self.effort.stream_items), self.effort.sweep_rounds
        load = [os.getloadavg()[0]]
        parts = {"rows": (stream.rows([row.name for row in self.rows]), "event"), "readers": (stream.READERS, "read")}
        points = {}
        for name, (rows, reference) in parts.items():
            with (
                crew(rows, self.threads) as workers,
                _progress.bar(len(rows) * (rounds + 1), f"stream: {name}", "run") as bar,
            ):
                found = interleave(workers, rows, case, rounds, _tick(bar))
            points[name] = _point(case, found, reference)["rows"]
        return stream.about(case) | points | {"load": [*load, os.getloadavg()[0]]}

    def layers(self) -> dict[str, Any]:
        """Single convolutions: how near the event engine comes to the machine's add limit."""
        names = [name for name in ARCHITECTURES if name.startswith("layer-")]
        cases = [(self._random(name, self.effort.sweep_items), {}) for name in names]
        return {"points": self._sweep("layers", cases, [*(row for row in self.engines if row.name == "event"), LIMITS])}

    def density(self) -> dict[str, Any]:
        """Both engines over the share of neurons that fire."""
        cases = [
            (self._random("conv-mnist", self.effort.sweep_items, density), {"density": density})
            for density in self.effort.densities
        ]
        return {"network": "conv-mnist", "points": self._sweep("density", cases, self.engines)}

    def scaling(self) -> dict[str, Any]:
        """Both engines over the number of items and of steps."""
        network, effort = "conv-mnist", self.effort
        many = self._random(network, max(effort.item_counts))
        items = [(replace(many, items=count), {}) for count in effort.item_counts]
        few = self._random(network, effort.sweep_items)
        steps = [(replace(few, steps=count), {}) for count in effort.step_counts]
        return {
            "network": network,
            "items": self._sweep("items", items, self.engines),
            "steps": self._sweep("steps", steps, self.engines),
        }

    def over_threads(self) -> dict[str, Any]:
        """Both engines on one core and on all."""
        cases = [self._random(name, self.effort.items[name]) for name in ("dense-mnist", "conv-mnist")]
        points = []
        for threads in sorted({1, self.threads}):
            points += self._sweep(
                f"threads: {threads}", [(case, {"threads": threads}) for case in cases], self.engines, threads
            )
        return {"points": points}

    def _columns(self, cases: list[tuple[Case, str]]) -> list[dict[str, Any]]:
        """The table's columns: every row on each case, in processes of their own, since peak memory is one of the numbers."""
        rows, columns = [*self.rows, LIMITS], []
        for case, network in cases:
            rounds = self.effort.rounds[network]
            runs = len(rows) * (rounds + 1)
            with self._crew(rows) as workers, _progress.bar(runs, f"table: {case.name}", "run") as bar:
                found = interleave(workers, rows, case, rounds, _tick(bar))
            columns.append(_point(case, found) | {"target_items": TARGET_ITEMS})
        return columns

    def _sweep(
        self, title: str, cases: list[tuple[Case, dict[str, Any]]], rows: list[Row], threads: int | None = None
    ) -> list[dict[str, Any]]:
        """Points measured one after another by the same processes; each gets the values that come with its case."""
        points, rounds = [], self.effort.sweep_rounds
        runs = len(cases) * len(rows) * (rounds + 1)
        with self._crew(rows, threads) as workers, _progress.bar(runs, title, "run") as bar:
            for case, values in cases:
                found = interleave(workers, rows, case, rounds, _tick(bar), items=case.items, steps=case.steps)
                points.append(_point(case, found) | values)
        return points

    @contextlib.contextmanager
    def _crew(self, rows: list[Row], threads: int | None = None) -> Iterator[dict[str, Worker | str]]:
        """Workers for `rows`: new ones, or with `share_processes` those that are there already."""
        threads = threads or self.threads
        if not self.effort.share_processes:
            with crew(rows, threads) as workers:
                yield workers
            return
        if threads not in self._shared:
            everybody = [*self.rows, LIMITS] if threads == self.threads else rows
            self._shared[threads] = self._stack.enter_context(crew(everybody, threads))
        yield self._shared[threads]

    def _random(self, name: str, items: int, density: float = DENSITY) -> Case:
        """A case with a random network, kept for later runs of the benchmark."""
        path = WORK / "cases" / f"{name}-{density:g}-{items}.npz"
        network = random_network(name, density)
        save_case(path, network, random_images(network, items, density=density), None, STEPS)
        return Case(name, path, items, STEPS)


def _tick(bar: Any) -> Callable[[str], None]:
    """What tells a progress bar that a row has run."""

    def tick(name: str) -> None:
        bar.set_postfix_str(name, refresh=False)
        bar.update()

    return tick


def _point(case: Case, found: list[Measured], *references: str) -> dict[str, Any]:
    """What a result file holds about one case: its rows, and the machine's limits if they took turns with them."""
    reference = next(
        (m for name in references or REFERENCES for m in found if m.row.name == name and not m.missing), None
    )
    point: dict[str, Any] = {"network": case.name, "items": case.items, "steps": case.steps}
    if reference is not None and "spike_rates" in reference.answer:
        point["spike_rates"] = dict(zip(reference.answer["layers"], reference.answer["spike_rates"], strict=False))
        point["network_hash"] = reference.answer["network_hash"]
    for measured in found:
        if measured.row is LIMITS and not measured.missing:
            rates = [reply["rates"] for reply in measured.replies]
            point["limits"] = {name: _statistics([rate[name] for rate in rates]) for name in rates[0]}
    labels = _labels(case)
    return point | {"rows": [_numbers(each, reference, labels) for each in found if each.row is not LIMITS]}


def _trained_case(file: str, sizes: dict[str, int]) -> tuple[Case, str]:
    """A case of a network in a file with its test images, and the column of Table A that it belongs to."""
    from snnviz import datasets, pretrained

    network = pretrained.network(file)
    column = _nearest_column(network)
    dataset = str(network.metadata.get("dataset", "mnist" if network.input_shape[:1] == (28,) else "cifar10"))
    images = datasets.load(dataset, "test", limit=sizes[column])
    path = WORK / "cases" / f"trained-{Path(file).stem}.npz"
    save_case(path, network, images.x.reshape(len(images.x), *network.input_shape), images.y, STEPS)
    return Case(column, path, len(images.x), STEPS), column


def _nearest_column(network: SpikingNetwork) -> str:
    if not any(layer.kind == "conv2d" for layer in network.layers):
        return "dense-mnist"
    return "conv-mnist" if network.input_shape[0] == 28 else "conv-cifar10"


def _labels(case: Case) -> np.ndarray | None:
    with np.load(case.path) as file:
        return file.get("y")


def _statistics(values: list[float]) -> dict[str, Any]:
    return {"median": float(np.median(values)), "min": min(values), "max": max(values), "runs": len(values)}


def _numbers(measured: Measured, reference: Measured | None, labels: np.ndarray | None) -> dict[str, Any]:
    """What a result file holds about one row."""
    row = measured.row
    numbers: dict[str, Any] = {"name": row.name, "label": row.label, "note": row.note}
    if measured.missing or not measured.seconds:
        return numbers | {"missing": measured.missing or "not run"}
    answer, predictions = measured.answer, measured.predictions
    events = answer.get("events")
    numbers |= {
        "versions": measured.loaded.get("versions", {}),
        "items": measured.items,
        "batch": answer.get("batch", row.batch.get(str(measured.loaded.get("network")))),
        "seconds": _statistics(measured.seconds) | {"all": measured.seconds},
        "cpu_seconds": float(np.median(measured.cpu_seconds)),
        "peak_mb": answer["peak_mb"],
        "events": None if events is None else sum(events),
    }
    if reference is not None and predictions is not None:
        same = predictions == reference.predictions[: measured.items]
        numbers["agreement"] = {"last_step": float(same[:, -1].mean()), "all_steps": float(same.mean())}
        theirs = reference.answer.get("events")
        if events is not None and theirs is not None and measured.items == reference.items:
            numbers["events_ratio"] = sum(events) / sum(theirs)
    if labels is not None:
        right = predictions == labels[: measured.items, None]
        numbers["accuracy"] = {"last_step": float(right[:, -1].mean()), "peak": float(right.mean(axis=0).max())}
    return numbers


def main(arguments: list[str] | None = None) -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few items, few runs: a check, not a measurement")
    parser.add_argument("--rows", nargs="+", metavar="ROW", help=f"of {', '.join(row.name for row in ROWS)}")
    parser.add_argument("--engines", action="store_true", help="snnviz's own engines only, with and without counting")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS), help="parts to measure")
    columns = ["dense-mnist", "conv-mnist", "conv-cifar10"]
    parser.add_argument(
        "--columns",
        nargs="+",
        choices=columns,
        help="columns of the table (default: all; without the last with --quick)",
    )
    parser.add_argument(
        "--network",
        nargs="+",
        default=[],
        metavar="FILE",
        help="trained networks instead, files or names of shipped ones",
    )
    parser.add_argument("--threads", type=int, default=2, help="cores each simulator may use (default: 2)")
    parser.add_argument("--out", type=Path, help="folder for the results")
    options = parser.parse_args(arguments)
    try:
        names = [row.name for row in ROWS if row.options.get("engine") in ENGINES] if options.engines else options.rows
        rows = named(names)
    except ValueError as error:
        parser.error(str(error))

    wanted = options.columns or (columns[:2] if options.quick else columns)
    partial = names is not None or wanted != columns
    folder = options.out or (WORK / "quick" if options.quick else WORK / "partial" if partial else RESULTS)
    if folder != RESULTS:
        for name in report.NAMES:  # what an earlier check left there is not part of this one
            (folder / f"{name}.json").unlink(missing_ok=True)
    bench = Bench(rows, QUICK if options.quick else FULL, options.threads)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "table": lambda: bench.table(wanted),
        "sparse": bench.sparse,
        "stream": bench.stream,
        "layers": bench.layers,
        "density": bench.density,
        "scaling": bench.scaling,
        "threads": bench.over_threads,
    }
    if options.network:
        parts = {"trained": lambda: bench.trained(options.network)}
    command = "python -m benchmarks.run " + " ".join(arguments if arguments is not None else sys.argv[1:])
    with contextlib.closing(bench):
        for name, part in parts.items():
            if name not in options.sections and name != "trained":
                continue
            began = time.perf_counter()
            result = _header(name, command.strip(), options) | part()
            result["took_s"] = round(time.perf_counter() - began, 1)
            with replacing(folder / f"{name}.json") as temporary:
                temporary.write_text(json.dumps(result, indent=1) + "\n")
            print(f"{name}: {result['took_s']:.0f} s", file=sys.stderr, flush=True)
    page = ROOT / "docs" / "benchmarks_table.md" if folder == RESULTS else folder / "benchmarks_table.md"
    report.write(folder, page)
    print(page.read_text() if folder != RESULTS else f"written: {page.relative_to(ROOT)}")
    return 0


def _header(name: str, command: str, options: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": name,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": command,
        "quick": options.quick,
        "threads": options.threads,
        "steps": STEPS,
        "density": DENSITY,
        "machine": machine.describe(),
    }


if __name__ == "__main__":
    raise SystemExit(main())
