"""snnviz's own engines behind the line protocol of the peers (`benchmarks.peers.common`)."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).with_name("peers")))

from common import Answer, Case, serve


def prepare(case: Case):
    """The engine named by the command's "engine", made ready for the case."""
    from snnviz import load_network
    from snnviz.events import Recordings
    from snnviz.simulation import Record, Settings, make_engine
    from snnviz.simulation.encoding import Inputs

    name = case.options["engine"]
    network = load_network(f"{case.options['case']}.network.npz")
    x = case.x
    settings = Settings(steps=case.steps)
    if x is None:
        own = slice(case.starts[-1])
        x = Recordings(case.t[own], case.place[own], case.starts, network.input_shape[:2])
        settings = Settings(steps=case.steps, input="spikes", step_ms=case.step_us / 1000)
    inputs = Inputs.of(network, x, settings)
    if name == "graph" and not case.count:
        from snnviz.simulation.graph import GraphEngine

        engine = GraphEngine(network, settings, Record(), _counting=False)  # a switch for this measurement alone
    elif name == "neuron":
        from snnviz.hardware.neuron import make_engine as make_neuron

        if any(layer.kind != "dense" for layer in network.layers):
            raise ValueError("every synapse is an object in NEURON: measured on the dense network only")
        engine = make_neuron(network, settings, Record())
    else:
        engine = make_engine(name, network, settings, Record())
    # as `simulate` does unless told otherwise: the engine chooses how many items it takes at once
    size = min(case.options.get("batch") or engine.batch_size, case.items)

    def run() -> Answer:
        predictions = np.empty((case.items, case.steps), np.int16)
        events = np.zeros(len(network.layers), np.int64)
        spikes = np.zeros(len(network.layers), np.int64)
        for start in range(0, case.items, size):
            block = engine.run(inputs.part(start, start + size))
            predictions[start : start + size] = block.output.argmax(axis=-1)
            events += block.events.sum(axis=(0, 1))
            spikes += block.spikes.sum(axis=(0, 1))
        neurons = [network.input.neurons, *(layer.neurons for layer in network.layers[:-1])]
        rates = spikes / np.array(neurons) / case.items / case.steps
        extra = {"batch": size, "network_hash": network.hash, "layers": list(network.layer_names)}
        return Answer(predictions, events if case.count else None, spike_rates=rates.tolist(), **extra)

    packages = {"event": ("numpy", "numba"), "neuron": ("pynn", "neuron")}.get(name, ("numpy", "keras", "tensorflow"))
    return run, {package: _version(package) for package in packages}


def _version(package: str) -> str:
    for name in (package, f"{package}-cpu"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "?"


if __name__ == "__main__":
    serve(prepare)
