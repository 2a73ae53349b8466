"""The stream of an event camera: recordings through the shipped network for saccade MNIST, from events to answers, and their files.

Counting events by step is part of each run. Run as a script it reads files behind the line protocol of the peers.
"""

from __future__ import annotations

import importlib.metadata
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.case import save_case
from benchmarks.rows import named
from benchmarks.workers import WORK, Case, Row
from snnviz import datasets, pretrained

sys.path.insert(0, str(Path(__file__).with_name("peers")))

from common import Answer, serve, write_nmnist

NETWORK, NAME = "conv-saccade-mnist-optimized", "stream"
STEPS, STEP_US = 30, 10_000
SIMULATORS = ("event", "graph", "torch", "torch-uncounted", "sinabs", "sinabs-uncounted")
READERS = (
    Row(name="read", label="snnviz", script="stream"),
    Row(name="tonic", label="tonic", script="tonic_peer.py", environment="tonic"),
)


def rows(names: list[str]) -> list[Row]:
    """The simulators that take part, of those called `names`."""
    return named([name for name in SIMULATORS if name in names])


def case(items: int) -> Case:
    """The first test recordings of saccade MNIST and the network for them."""
    network, found = pretrained.network(NETWORK), datasets.events("saccade-mnist", "test", items)
    path = WORK / "cases" / f"{NAME}-{items}.npz"
    save_case(path, network, found.x, found.y, STEPS, STEP_US)
    return Case(NAME, path, items, STEPS)


def about(measured: Case) -> dict[str, Any]:
    """What times are held against: events of the camera, and how long the recordings are together, in seconds."""
    with np.load(measured.path) as file:
        sent = int(np.count_nonzero(file["t"] <= STEPS * STEP_US))
    return {
        "steps": STEPS,
        "camera_events": sent,
        "stream_s": measured.items * STEPS * STEP_US / 1e6,
        "step_ms": STEP_US / 1000,
    }


def prepare(case: Any) -> tuple[Any, dict[str, str]]:
    """Read N-MNIST files and count their events by step; the answer holds counts where simulators have classes."""
    from snnviz.events import Recordings, read

    folder = tempfile.TemporaryDirectory()
    files = write_nmnist(case, folder.name)

    def run() -> Answer:
        found = np.empty((case.items, case.steps), np.int16)
        for index, file in enumerate(files):
            counts = Recordings.of([read(file)]).counts(case.steps, case.step_us)
            found[index] = counts.sum(axis=(0, 2, 3, 4))
        return Answer(found)

    run.folder = folder  # type: ignore[attr-defined]  # lives as long as what reads it
    return run, {"snnviz": importlib.metadata.version("snnviz")}


if __name__ == "__main__":
    serve(prepare)
