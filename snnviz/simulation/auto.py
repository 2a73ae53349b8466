"""`engine="auto"`: which engine is quicker for this network, on this machine, at this density; said in words."""

from __future__ import annotations

import math
import time
from pathlib import Path

import numpy as np

from snnviz._amounts import in_units
from snnviz._backend import on_cpu
from snnviz.network import SpikingNetwork
from snnviz.simulation.encoding import Inputs, Spikes
from snnviz.simulation.engine import Engine
from snnviz.simulation.settings import Record, Settings

GRAPH_START_SECONDS = 6.0
"""The graph engine takes at least this to import its framework and to compile, on any machine seen so far."""
ENOUGH_SECONDS = 0.2
"""A measurement may stop when it has taken so long."""


def choose(network: SpikingNetwork, settings: Settings, x: Inputs | Spikes) -> tuple[str, str]:
    """The engine to take for simulating all of `x`.

    The event engine is timed on a few items. The graph engine is only started where it could win: on a GPU, or where
    the event engine will need longer than the graph engine needs to start, and longer than the processor's matrix rate
    allows the graph engine to be.

    Args:
        network: the network.
        settings: the options.
        x: all that is to be simulated.

    Returns:
        the name of the engine, and a sentence that says why.
    """
    if _gpu():
        return "graph", "graph: there is a GPU"
    if settings.input == "analog" and any(0 in sources and len(sources) > 1 for sources in network.sources):
        return "graph", "graph: event takes no analog image beside spikes"
    from snnviz.simulation.event_graph import event_engine

    items = len(x)
    event = _seconds_per_item(event_engine(network, settings, Record()), x)
    found = f"event takes {_duration(event)} an item"
    if event * items < GRAPH_START_SECONDS:
        return "event", f"event: {found}, {_duration(event * items)} in all, less than graph needs to start"
    bound = 2 * settings.steps * sum(layer.synapses() for layer in network.layers) / _matrix_rate()
    if event < bound:
        return "event", f"event: {found}, graph at least {_duration(bound)} at this processor's matrix rate"
    from snnviz.simulation.graph import GraphEngine

    graph = _seconds_per_item(GraphEngine(network, settings, Record()), x)
    name = "graph" if graph < event else "event"
    return name, f"{name}: {found}, graph {_duration(graph)}"


def _seconds_per_item(engine: Engine, x: Inputs | Spikes) -> float:
    """Time of an item in a large batch: after a call that compiles, more and more items until it takes long enough."""
    taken = min(2, len(x))
    _seconds(engine, x, taken)
    while True:
        seconds = _seconds(engine, x, taken)
        if seconds > ENOUGH_SECONDS or taken == len(x):
            return seconds / taken
        taken = min(len(x), math.ceil(taken * min(8.0, max(2.0, 1.5 * ENOUGH_SECONDS / max(seconds, 1e-6)))))


def _seconds(engine: Engine, x: Inputs | Spikes, taken: int) -> float:
    """Time that `engine` needs for `taken` items, picked evenly from `x`."""
    inputs = x.take(np.linspace(0, len(x) - 1, taken).astype(int))
    began = time.perf_counter()
    engine.run(inputs)
    return time.perf_counter() - began


def _matrix_rate() -> float:
    """float32 operations per second of a matrix product, two for a multiply-add."""
    size = 768
    matrix = np.random.default_rng(0).random((size, size), dtype=np.float32)
    best = math.inf
    for _ in range(6):
        began = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - began)
    return 2 * size**3 / best


def _gpu() -> bool:
    """Whether Keras' backend can use a GPU; nothing is imported where the system has none."""
    return any(Path("/dev").glob("nvidia[0-9]*")) and not on_cpu()


def _duration(seconds: float) -> str:
    """A time in three digits."""
    return in_units(seconds, ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")))
