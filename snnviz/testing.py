"""Whether a kind of projection keeps its promises: hand it over, and everything that the house relies on is tried.

    from snnviz.testing import check_projection

    def test_my_kind():
        check_projection(MyProjection(input_shape=(5, 4, 2), weights=..., source="before"))

A failure is an `AssertionError` that says which promise it was. Weights are rounded to a grid on which sums are exact, so that what
must be equal is compared bit for bit. snnviz's own kinds are tested so.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.network import Dense, Input, Numpy, Ops, Projection, SpikingNetwork, Sum, load_network
from snnviz.simulation import Record, Settings

__all__ = ["check_projection"]

GRID = 2.0**6
"""Weights are multiples of its inverse."""
ITEMS, STEPS = 3, 7
LARGEST = 4096
"""Neurons on either side, at most: each of them is tried alone."""


@checked
def check_projection(projection: Projection, seed: int = 0) -> None:
    """Try everything that the package relies on of a projection.

    Its linear part has one result in numpy, Keras and TensorFlow, is linear, and is what its list of synapses says; fan-outs count
    that list; scaled weights scale its output; a file brings it back; and a network with it gives the same spikes, events and
    potentials on both engines and in a plain loop over its synapses, whole or with weights pruned.

    Args:
        projection: one with some weights other than 0, and at most 4096 neurons on either side.
        seed: of weights that are pruned, and of what arrives.

    Raises:
        InputError: if it is no projection, or too large.
        AssertionError: for the first promise that it does not keep.
    """
    rng = np.random.default_rng(check.integer("seed", seed, 0))
    exact = replace(projection, source=Input(shape=(1,)).name, weights=_on_grid(projection.weights))
    sizes = int(np.prod(exact.input_shape)), int(np.prod(exact.output_shape))
    if max(sizes) > LARGEST:
        raise InputError(f"`projection` must have at most {LARGEST} neurons on either side. Received: {max(sizes)}")
    pruned = exact.weights * (rng.random(exact.weights.shape) < 0.6)
    for each in (exact, replace(exact, weights=pruned)):
        matrix = _shapes_and_linear_part(each, rng)
        _synapses_and_fanouts(each, matrix)
        _file(each)
        _engines(each, matrix, rng)
    _scaling(exact, rng)


def _on_grid(weights: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(weights, -4, 4) * GRID) / GRID


def _equal(promise: str, found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(found, expected, err_msg=promise, strict=True)


def _shapes_and_linear_part(each: Projection, rng: np.random.Generator) -> np.ndarray:
    """Check them, and return the linear part as a matrix float32 (inputs, outputs), from one neuron at a time."""
    promised = (ITEMS, *each.output_shape)
    rows = (rng.integers(0, 17, (ITEMS, *each.input_shape)) / 16).astype(np.float32)
    made = np.asarray(each.linear(Numpy(), rows, each.weights))
    _equal("`output_shape` is the shape of what `linear` gives", np.array(made.shape), np.array(promised))
    for name, ops, tensor in _frameworks():
        found = np.asarray(each.without_weights().linear(ops, tensor(rows), tensor(each.weights)))
        _equal(f"`linear` gives on {name} what it gives in numpy, of weights handed to it", found, made)
    flat = rows.reshape(ITEMS, -1)
    alone = np.eye(flat.shape[1], dtype=np.float32).reshape(-1, *each.input_shape)
    matrix = np.asarray(each.linear(Numpy(), alone, each.weights)).reshape(flat.shape[1], -1)
    _equal("`linear` is linear, and each item is its own", made.reshape(ITEMS, -1), flat @ matrix)
    _equal("`takes` says yes to `input_shape`", each.takes(each.input_shape), True)
    return matrix


def _frameworks() -> Iterator[tuple[str, Ops, Callable[[np.ndarray], Any]]]:
    from keras import ops

    from snnviz.simulation._program import Keras

    yield "Keras", Keras(), ops.convert_to_tensor
    import tensorflow as tf

    from snnviz.optimization.unrolled import TensorFlow

    yield "TensorFlow", TensorFlow(), tf.constant


def _synapses_and_fanouts(each: Projection, matrix: np.ndarray) -> None:
    every, present = each.synapse_list(pruned=True), each.synapse_list()
    place = every.post.astype(np.int64) * len(matrix) + every.pre
    _equal("synapses stand in order, by `post` and then by `pre`, each once", place, np.unique(place))
    found = np.zeros_like(matrix)
    found[every.pre, every.post] = every.weight
    _equal("synapses are what `linear` makes of one neuron at a time", found, matrix)
    for name in ("pre", "post", "weight"):
        kept = getattr(every, name)[every.weight != 0]
        _equal(f"without `pruned` the list lacks the weights of 0 ({name})", getattr(present, name), kept)
    for counted, synapses in (("nonzero", present), ("all", every)):
        fanout = np.bincount(synapses.pre, minlength=len(matrix)).reshape(each.input_shape)
        _equal(
            f"`fanout({counted!r})` counts the synapses of each neuron", each.fanout(counted), fanout.astype(np.int64)
        )


def _scaling(each: Projection, rng: np.random.Generator) -> None:
    rows = (rng.integers(0, 17, (ITEMS, *each.input_shape)) / 16).astype(np.float32)
    before = np.asarray(each.linear(Numpy(), rows, each.weights))
    into, out = (2.0 ** rng.integers(-2, 3, shape[-1]) for shape in (each.input_shape, each.output_shape))
    for taken, sent in ((0.5, 2.0), (into, 2.0), (0.5, out), (into, out)):
        scaled = replace(each, weights=each.scaled_weights(sent, taken))
        found = np.asarray(scaled.linear(Numpy(), (rows * taken).astype(np.float32), scaled.weights))
        _equal(
            "`scaled_weights` scale what comes out as asked, whatever the scale of what comes in",
            found,
            before * np.float32(sent),
        )


def _file(each: Projection) -> None:
    network = _network(each)
    with tempfile.TemporaryDirectory() as folder:
        read = load_network(network.save(Path(folder) / "network.npz"))
    (back,) = read.layers[0].projections
    _equal("a file brings the weights back", back.weights, each.weights)
    _equal("a file brings the options back", np.array(str(back.form)), np.array(str(each.form)))


def _network(each: Projection) -> SpikingNetwork:
    """The input, the projection, and something that reads its spikes."""
    bias = np.full(each.output_shape[-1], 1 / 16)
    read = (np.arange(3 * np.prod(each.output_shape)) % 5 - 2).reshape(-1, 3) / 8
    layers = (
        Sum(name="tried", projections=(each,), bias=bias),
        Dense(name="read", input_shape=each.output_shape, weights=read, bias=np.zeros(3)),
    )
    return SpikingNetwork(input=Input(shape=each.input_shape), layers=layers)


def _engines(each: Projection, matrix: np.ndarray, rng: np.random.Generator) -> None:
    """Both against a loop over steps, with the matrix in the place of the projection."""
    from snnviz.simulation.event_graph import GraphEventEngine
    from snnviz.simulation.graph import GraphEngine

    network, settings = _network(each), Settings(steps=STEPS)
    images = (rng.integers(0, 17, (ITEMS, *each.input_shape)) / 16).astype(np.float32)
    trains, output, events = _by_matrix(network, matrix, images.reshape(ITEMS, -1))
    record = Record(spikes=network.firing_names, items=ITEMS)
    for engine in (GraphEngine(network, settings, record, jit=False), GraphEventEngine(network, settings, record)):
        name, block = engine.name, engine.run(images, ITEMS)
        _equal(f"engine {name!r} fires as its synapses say", block.spike_trains["tried"], trains)
        _equal(f"engine {name!r} counts the events of its synapses", block.events[..., 0], events)
        _equal(f"engine {name!r} reads out what its synapses say", block.output, output)


def _by_matrix(network: SpikingNetwork, matrix: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spikes (items, steps, neurons) of "tried", output potentials (items, steps, 3), and events at "tried" (items, steps)."""
    tried, read = network.layers
    weights = tried.projections[0].fanout().ravel()
    potentials = [np.full((len(x), size), np.float32(0.5)) for size in (*matrix.shape, 3)]
    trains, outputs, events = [], [], []
    for _ in range(STEPS):
        first = _fired(potentials[0], x)
        bias = np.broadcast_to(tried.bias, tried.output_shape).reshape(-1)
        second = _fired(potentials[1], first @ matrix + bias)
        potentials[2] += second @ read.projections[0].weights
        trains.append(second.astype(bool))
        outputs.append(potentials[2].copy())
        events.append(first.astype(np.int64) @ weights)
    return np.stack(trains, axis=1), np.stack(outputs, axis=1), np.stack(events, axis=1)


def _fired(v: np.ndarray, current: np.ndarray) -> np.ndarray:
    """A step of neurons, in place; their spikes."""
    v += current
    spikes = (v >= 1).astype(np.float32)
    v -= spikes
    return spikes
