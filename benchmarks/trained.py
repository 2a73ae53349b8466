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
BATCH = 128
"""Of the classifiers."""


@dataclass(frozen=True)
class Entry:
    """A row.

    Attributes:
        name: a shipped network, or "conv-mnist at 0.017" for a random one whose neurons spike at that share.
        items: test images in a run.
        steps: time steps.
        what: "engine" alone; the "whole" of `simulate`, the classifier's answers computed anew, or "known" from before; "stop", the
            engine with items that end at a softmax margin of 0.9; the "classifier", Keras' predict; or "onnx", ONNX Runtime on the
            same classifier.
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
    Entry("conv-mnist-levels-optimized", 1000, 0, "onnx"),
    Entry("conv-cifar10-levels-optimized", 128, 20, "whole"),
    Entry("conv-cifar10-levels-optimized", 128, 20, "known"),
    Entry("conv-cifar10-levels-optimized", 128, 0, "classifier"),
    Entry("conv-cifar10-levels-optimized", 128, 0, "onnx"),
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
    if entry.what in ("classifier", "onnx"):
        import keras

        model = keras.models.load_model(pretrained.path(CLASSIFIERS[entry.name]), compile=False)
        runs = {"classifier": lambda: model.predict(x, batch_size=BATCH, verbose=0), "onnx": on_onnx_runtime(model, x)}
        run = runs[entry.what]
        return lambda: {"accuracy": float((run().argmax(axis=1) == y).mean())}
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


def on_onnx_runtime(model: Any, x: np.ndarray) -> Callable[[], np.ndarray]:
    """What ONNX Runtime makes of images `x` in batches: the scores of a Keras classifier without branches."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ["OMP_NUM_THREADS"])
    session = onnxruntime.InferenceSession(as_onnx(model), options, providers=["CPUExecutionProvider"])
    images = np.ascontiguousarray(x.transpose(0, 3, 1, 2), np.float32)
    batches = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
    return lambda: np.concatenate([session.run(None, {"image": batch})[0] for batch in batches])


def as_onnx(model: Any) -> bytes:
    """A Keras classifier of convolutions, pooling and dense layers as an ONNX file, channels first, batch normalisation folded."""
    from onnx import TensorProto, checker, helper, numpy_helper

    from snnviz.conversion import fold

    network = fold(model)
    nodes, constants, last = [], [], "image"
    for layer in network.layers:
        name, (projection,) = layer.name, layer.projections
        kernel = np.asarray(projection.weights)
        if kernel.ndim == 2:
            if len(layer.input_shape) == 3:  # our maps end in their channels
                nodes.append(helper.make_node("Transpose", [last], [f"{name}_last"], perm=[0, 2, 3, 1]))
                nodes.append(helper.make_node("Flatten", [f"{name}_last"], [f"{name}_flat"]))
                last = f"{name}_flat"
            nodes.append(helper.make_node("Gemm", [last, f"{name}_weights", f"{name}_bias"], [f"{name}_sum"]))
        else:
            (top, bottom), (left, right) = projection.padding
            nodes.append(
                helper.make_node(
                    "Conv", [last, f"{name}_weights", f"{name}_bias"], [f"{name}_sum"], strides=projection.strides,
                    pads=[top, left, bottom, right], group=projection.groups,
                )
            )  # fmt: skip
            depthwise = projection.kind == "depthwise_conv2d"
            kernel = kernel.transpose(2, 3, 0, 1) if depthwise else kernel.transpose(3, 2, 0, 1)
        bias = np.broadcast_to(layer.bias, (kernel.shape[1] if kernel.ndim == 2 else kernel.shape[0],))
        for label, values in (("weights", kernel), ("bias", bias)):
            constants.append(numpy_helper.from_array(np.ascontiguousarray(values, np.float32), f"{name}_{label}"))
        last = f"{name}_sum"
        if layer is not network.layers[-1]:
            nodes.append(helper.make_node("Relu", [last], [name]))
            last = name
    height, width, channels = network.input_shape
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["items", channels, height, width])
    scores = helper.make_tensor_value_info(last, TensorProto.FLOAT, ["items", network.classes])
    opsets = [helper.make_opsetid("", 17)]
    made = helper.make_model(
        helper.make_graph(nodes, "classifier", [image], [scores], constants), opset_imports=opsets, ir_version=10
    )
    checker.check_model(made)
    return bytes(made.SerializeToString())


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
