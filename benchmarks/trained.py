"""Trained, sparse networks: what an item costs the event engine, the whole of `simulate`, and the classifier it came from.

Run as a script it answers one request a line (JSON) with one measurement, in a process of its own. Everything takes turns, as on a
shared machine each number drifts; processor time stands beside the time on the clock.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from benchmarks.networks import random_images, random_network
from benchmarks.workers import ROOT

STEPS = 50


@dataclass(frozen=True)
class Entry:
    """A row.

    Attributes:
        name: a shipped network, or "conv-mnist at 0.017" for a random one whose neurons spike at that share.
        items: test images in a run.
        steps: time steps.
        what: "engine" alone; the "whole" of `simulate`, the classifier's answers computed anew, or "known" from before; "stop", the
            engine with items that end at a softmax margin of 0.9; or the "classifier", Keras' predict.
    """

    name: str
    items: int
    steps: int = STEPS
    what: str = "engine"


CLASSIFIERS = {
    "conv-mnist-levels-optimized": "conv-mnist-sparse",
    "conv-cifar10-levels-optimized": "conv-cifar10-sparse",
}
ENTRIES = (
    Entry("conv-mnist-optimized", 256),
    Entry("conv-mnist-levels-optimized", 256),
    Entry("conv-cifar10-optimized", 32),
    Entry("conv-cifar10-levels-optimized", 32),
    Entry("dense-mnist-optimized", 2000),
    Entry("conv-mnist at 0.17", 64),
    Entry("conv-mnist at 0.017", 64),
    Entry("conv-mnist-levels-optimized", 256, STEPS, "stop"),
    Entry("conv-mnist-levels-optimized", 1000, 3, "whole"),
    Entry("conv-mnist-levels-optimized", 1000, 3, "known"),
    Entry("conv-mnist-levels-optimized", 1000, 0, "classifier"),
    Entry("conv-cifar10-levels-optimized", 128, 20, "whole"),
    Entry("conv-cifar10-levels-optimized", 128, 20, "known"),
    Entry("conv-cifar10-levels-optimized", 128, 0, "classifier"),
)


def measure(
    rounds: int, threads: int, share: float = 1.0, tick: Callable[[str], None] = lambda name: None
) -> dict[str, Any]:
    """Medians of `rounds` runs of every entry, after one that does not count.

    Args:
        rounds: timed runs.
        threads: cores, for the libraries that ask.
        share: of the items.
        tick: told what has run.
    """
    entries = [Entry(one.name, max(2, round(one.items * share)), one.steps, one.what) for one in ENTRIES]
    load = [os.getloadavg()[0]]
    with _processes(entries, threads) as ask:
        found: list[list[dict[str, Any]]] = [[] for _ in entries]
        for turn in range(rounds + 1):
            for index, entry in enumerate(entries):
                answer = ask(index)
                if turn:
                    found[index].append(answer)
                tick(f"{entry.name}, {entry.what}")
    points = []
    for entry, answers in zip(entries, found, strict=True):
        medians = {name: float(np.median([one[name] for one in answers])) for name in ("wall_s", "cpu_s")}
        points.append(asdict(entry) | answers[0] | medians | {"runs": len(answers)})
    return {"points": points, "load": [*load, os.getloadavg()[0]]}


@contextmanager
def _processes(entries: list[Entry], threads: int) -> Iterator[Callable[[int], dict[str, Any]]]:
    """One process for each entry; the answer to its number is its next run."""
    names = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"} | dict.fromkeys(names, str(threads))
    made = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.trained"],
            cwd=ROOT, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )
        for _ in entries
    ]  # fmt: skip

    def ask(index: int) -> dict[str, Any]:
        process = made[index]
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("no pipe to a benchmark process")
        process.stdin.write(json.dumps(asdict(entries[index])) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"a benchmark process ended: {entries[index]}")
        return dict(json.loads(line))

    try:
        yield ask
    finally:
        for process in made:
            process.communicate()


def _prepare(entry: Entry) -> Callable[[], dict[str, Any]]:
    """The run of an entry, made ready; it returns its facts."""
    from snnviz import datasets, pretrained, simulate
    from snnviz.simulation import Record, Settings, Stop, analog
    from snnviz.simulation.event import EventEngine

    architecture, _, density = entry.name.partition(" at ")
    if density:
        network = random_network(architecture, float(density))
        x, y = random_images(network, entry.items, density=float(density)), np.zeros(entry.items, np.int64)
    else:
        network = pretrained.network(entry.name)
        images = datasets.load("mnist" if network.input_shape[0] == 28 else "cifar10", "test", limit=entry.items)
        x, y = images.x.reshape(-1, *network.input_shape), images.y
    if entry.what == "classifier":
        import keras

        model = keras.models.load_model(pretrained.path(CLASSIFIERS[entry.name]), compile=False)
        return lambda: {"accuracy": float((model.predict(x, batch_size=128, verbose=0).argmax(axis=1) == y).mean())}
    if entry.what in ("whole", "known"):

        def whole() -> dict[str, Any]:
            if entry.what == "whole":
                analog.forget()
            result = simulate(network, x, y, entry.steps, engine="event", progress=False)
            return {"accuracy": float(result["accuracy"][-1])}

        return whole
    engine = EventEngine(network, Settings(steps=entry.steps), Record())
    engine.stop = Stop(level=0.9) if entry.what == "stop" else None

    def alone() -> dict[str, Any]:
        block = engine.run(x)
        facts: dict[str, Any] = {"events": float(block.events.sum()) / len(x)}
        if engine.stop is not None:
            return facts | {"mean_exit": float(engine.stop.exits(block.output).mean())}
        neurons = [layer.neurons for layer in network.layers[:-1]]
        rates = block.spikes[..., 1:].sum(axis=(0, 1)) / (len(x) * entry.steps * np.array(neurons))
        facts["rates"] = [float(rates.min()), float(rates.max())]
        return facts

    return alone


def main() -> None:
    """Answer requests, each for the same entry."""
    run: Callable[[], dict[str, Any]] | None = None
    for line in sys.stdin:
        entry = Entry(**json.loads(line))
        run = run or _prepare(entry)
        wall, cpu = time.perf_counter(), time.process_time()
        facts = run()
        times = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        print(json.dumps(facts | {name: value / entry.items for name, value in times.items()}), flush=True)


if __name__ == "__main__":
    main()
