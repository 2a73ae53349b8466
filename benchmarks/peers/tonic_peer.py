"""tonic: reads N-MNIST files and makes frames of them, no simulation; the answer holds events by step where others have classes."""

from __future__ import annotations

import importlib.metadata
import tempfile

import numpy as np
from common import Answer, serve, write_nmnist
from tonic.datasets import NMNIST
from tonic.io import read_mnist_file
from tonic.transforms import ToFrame


def prepare(case):
    folder = tempfile.TemporaryDirectory()
    files = write_nmnist(case, folder.name)

    def run():
        found = np.empty((case.items, case.steps), np.int16)
        for index, file in enumerate(files):
            events = read_mnist_file(file, dtype=NMNIST.dtype)
            start = int(events["t"].min())
            frames = ToFrame(
                NMNIST.sensor_size,
                time_window=case.step_us,
                start_time=start,
                end_time=start + case.steps * case.step_us,
            )
            found[index] = frames(events).sum(axis=(1, 2, 3))
        return Answer(found)

    run.folder = folder  # lives as long as what reads it
    return run, {"tonic": importlib.metadata.version("tonic")}


if __name__ == "__main__":
    serve(prepare)
