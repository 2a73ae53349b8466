"""What every measured simulator shares: the case it is given, and the line protocol it is driven by.

A simulator is a script that calls `serve(prepare)`. It reads one JSON command a line and answers with one JSON line:

    {"do": "load", "case": FILE, "count": true, "batch": 100, "items": 1000, "steps": 50}   -> {"versions": {...}, ...}
    {"do": "run"}                                             -> {"seconds": ..., "cpu_seconds": ...}
    {"do": "answer", "file": FILE}   -> {"events": ..., "peak_mb": ...}, predictions (items, steps) written to FILE
    {"do": "quit"}

so that several simulators can stay loaded while their runs are interleaved. Needs Python 3.8 and numpy, no more.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from pathlib import Path

import numpy as np


class Case:
    """A network with inputs.

    Attributes:
        layers: one dict a layer: kind ("dense", "conv2d", "depthwise_conv2d"), name, input_shape, output_shape, strides,
            padding, pooling, and the arrays weights, bias and potential (the initial one), laid out as in `snnviz.network`.
        items: how many there are.
        x: float32 (items, *input_shape), intensities; None of recordings, which have t, place and starts as in
            `snnviz.events.Recordings`.
        y: int64 (items,), or None.
        steps: number of time steps.
        batch: items at once, a proposal.
        count: whether synaptic events are to be counted.
        initial_potential: one number for all neurons; of recordings, for those of the input.
        options: anything else that the command carried.
    """

    def __init__(self, command):
        with np.load(command["case"]) as file:
            header = json.loads(str(file["header"]))
            self.layers = header["layers"]
            self.x = file["x"][: command.get("items")] if "x" in file else None
            self.y = file["y"][: command.get("items")] if "y" in file else None
            if self.x is None:
                self.t, self.place = file["t"], file["place"]
                self.starts = file["starts"][: command["items"] + 1 if command.get("items") else None]
            for index, layer in enumerate(self.layers):
                layer["weights"] = file[f"weights{index}"]
                layer["bias"] = file[f"bias{index}"]
                layer["potential"] = file[f"potential{index}"]
        self.items = len(self.starts) - 1 if self.x is None else len(self.x)
        self.step_us = header["step_us"]
        self.input_shape = tuple(header["input_shape"])
        self.initial_potential = header["initial_potential"]
        self.steps = command.get("steps") or header["steps"]
        self.batch = min(command.get("batch") or 100, self.items)
        self.count = command.get("count", True)
        self.options = command

    def batches(self):
        """The start and the inputs of every batch: intensities, or events counted by step, (items, steps, *input_shape)."""
        for start in range(0, self.items, self.batch):
            stop = min(start + self.batch, self.items)
            yield start, self.counts(start, stop) if self.x is None else self.x[start:stop]

    def counts(self, start, stop):
        """Events of recordings `start` to `stop` by step, float32 (items, steps, *input_shape)."""
        starts = self.starts[start : stop + 1]
        own = slice(starts[0], starts[-1])
        items = np.repeat(np.arange(stop - start), np.diff(starts))
        kept = self.t[own] <= self.steps * self.step_us
        step = np.minimum(self.t[own][kept] // self.step_us, self.steps - 1)
        size = int(np.prod(self.input_shape))
        counts = np.zeros((stop - start) * self.steps * size, np.float32)
        np.add.at(counts, (items[kept] * self.steps + step) * size + self.place[own][kept], np.float32(1))
        return counts.reshape(stop - start, self.steps, *self.input_shape)


class Answer:
    """What a run gives back.

    Attributes:
        predictions: int16 (items, steps).
        events: synaptic events of all items and steps together, one number a layer, or None.
        extra: anything else worth keeping; "reply", a dict, goes into the answer to "run".
    """

    def __init__(self, predictions, events=None, **extra):
        self.predictions = np.asarray(predictions, np.int16)
        self.events = None if events is None else [float(value) for value in events]
        self.extra = extra


def fanout(layer):
    """Outgoing synapses of each neuron that feeds `layer`, float32 `input_shape`, border effects included."""
    present = layer["weights"] != 0
    if layer["kind"] == "dense":
        return present.sum(axis=1, dtype=np.float32).reshape(layer["input_shape"])
    height, width, channels = layer["input_shape"]
    rows, columns, _ = layer["output_shape"]
    (top, _), (left, _) = layer["padding"]
    down, right = layer["strides"]
    per_element = present.sum(axis=3)
    total = np.zeros((height, width, channels), np.float32)
    for i in range(present.shape[0]):
        for j in range(present.shape[1]):
            read_rows = [p * down + i - top for p in range(rows)]
            read_columns = [q * right + j - left for q in range(columns)]
            read_rows = [y for y in read_rows if 0 <= y < height]
            read_columns = [x for x in read_columns if 0 <= x < width]
            total[np.ix_(read_rows, read_columns)] += per_element[i, j]
    return total


def write_nmnist(case, folder):
    """The recordings of a case as N-MNIST's files in `folder`, 5 bytes an event; their paths."""
    files = []
    for item in range(case.items):
        own = slice(case.starts[item], case.starts[item + 1])
        t, place = case.t[own], case.place[own]
        pixel = place // 2
        columns = (
            pixel % case.input_shape[1],
            pixel // case.input_shape[1],
            place % 2 << 7 | t >> 16,
            t >> 8 & 0xFF,
            t & 0xFF,
        )
        files.append(str(Path(folder) / f"{item:05}.bin"))
        Path(files[-1]).write_bytes(np.stack(columns, axis=1).astype(np.uint8).tobytes())
    return files


def peak_memory_mb():
    """The most memory this process has held, in MB (1e6 bytes).

    From the kernel's own mark of this address space: `ru_maxrss` starts at the size of the parent process on Linux.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) * 1024 / 1e6
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6


def serve(prepare):
    """Answer commands until "quit" or the end of the input.

    Args:
        prepare: called with a `Case`; returns (run, versions), where run() simulates every item and returns an `Answer`.
    """
    answers = os.fdopen(os.dup(1), "w", 1)
    os.dup2(2, 1)  # what libraries print must not get among the answers
    state = {}
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "quit":
            break
        try:
            reply = _obey(command, state, prepare)
        except Exception as error:
            traceback.print_exc()
            first_line = next(iter(str(error).splitlines()), "")
            reply = {"error": f"{type(error).__name__}: {first_line}"}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def _obey(command, state, prepare):
    if command["do"] == "load":
        state.clear()
        run, versions = prepare(Case(command))
        state["run"] = run
        return {"versions": versions}
    if command["do"] == "run":
        state["answer"] = None
        cpu, wall = time.process_time(), time.perf_counter()
        answer = state["answer"] = state["run"]()
        seconds, cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
        return dict(answer.extra.pop("reply", {}), seconds=seconds, cpu_seconds=cpu_seconds)
    if command["do"] == "answer":
        answer = state["answer"]
        np.save(command["file"], answer.predictions)
        return dict(answer.extra, events=answer.events, peak_mb=peak_memory_mb())
    raise ValueError(f"unknown command {command['do']!r}")
