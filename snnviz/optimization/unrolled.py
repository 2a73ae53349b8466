"""What a network unrolled in time is made of in TensorFlow: spikes with a derivative, and the operations of linear parts."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from snnviz.network import Population, Shape
from snnviz.simulation.neurons import Neurons

Tensor = Any


def surrogate(tf: Any, width: float) -> Any:
    """The spike function v >= 1, with max(0, 1 - |v - 1| / width) / width for a derivative."""

    @tf.custom_gradient
    def spike(v: Tensor) -> Any:
        def backward(upstream: Tensor) -> Tensor:
            return upstream * tf.maximum(0.0, 1.0 - tf.abs(v - 1.0) / width) / width

        return tf.cast(v >= 1.0, tf.float32), backward

    return spike


def fire(
    tf: Any, drive: Sequence[Tensor], potential: Tensor, spike: Callable[[Tensor], Tensor] | None, onset: int = 0
) -> Tensor:
    """Spikes (T', B, *shape) of neurons that get `drive` at each step, and take no notice of it until `onset`.

    `spike` is what `surrogate` gives; None for neurons that nothing is learned through.
    """
    v, neurons = tf.broadcast_to(potential, tf.shape(drive[0])), Neurons(frozen=onset)
    spikes = []
    for step, arriving in enumerate(drive, start=1):
        v, fired, _ = neurons.step(v, [arriving], step, spike=spike)
        spikes.append(fired)
    return tf.stack(spikes)


def shown(
    tf: Any, x: Tensor, steps: int, potential: Tensor, spike: Callable[[Tensor], Tensor] | None, direct: bool
) -> tuple[Tensor, Tensor]:
    """What images send at each step, and where it is an event, (T', B, *shape) each: spikes, or themselves with direct coding."""
    if direct:
        return tf.repeat(x[None], steps, axis=0), tf.repeat(tf.cast(x != 0, tf.float32)[None], steps, axis=0)
    spikes = fire(tf, [x] * steps, potential, spike)
    return spikes, spikes


def read(tf: Any, drive: Tensor, potential: Tensor, onset: int) -> Tensor:
    """Output potentials (T', B, classes) of a last layer that gets `drive` (T', B, classes)."""
    return tf.cumsum(tf.concat([tf.zeros_like(drive[:onset]), drive[onset:]], axis=0), axis=0) + potential


def best_sharpness(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The log inverse temperature, on a grid, at which labels surprise each of n sets of logits (n, B, classes) least: (n,)."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=2, keepdims=True)
    grid = np.linspace(-5, 5, 41)
    scaled = logits[None] * np.exp(grid)[:, None, None, None]
    surprise = np.log(np.exp(scaled).sum(axis=3)) - scaled[:, :, np.arange(len(y)), y]
    return grid[surprise.mean(axis=2).argmin(axis=0)]


class Arriving:
    """What a population takes of those before it.

    Args:
        layer: the population.
        sources: the places of its projections' sources, of which 0 is the input.
    """

    def __init__(self, layer: Population, sources: Sequence[int]) -> None:
        self._projections, self._sources = layer.projections, sources
        self._fanouts = [each.fanout().reshape(-1, 1).astype(np.float32) for each in self._projections]

    def counted(self, tf: Any, events: Tensor, spikes: Sequence[Tensor]) -> Tensor:
        """`events` (T',) and the mean of those that arrive here; `spikes` (T', B, *shape) are of every population before."""
        for source, fanout in zip(self._sources, self._fanouts, strict=True):
            rows = tf.reshape(spikes[source], (-1, len(fanout)))
            events += tf.reduce_mean(tf.reshape(tf.matmul(rows, fanout), (events.shape[0], -1)), axis=1)
        return events

    def drive(self, ops: TensorFlow, values: Sequence[Tensor], weights: Sequence[Tensor]) -> Tensor:
        """What the projections bring in all, (n, *output_shape), of `values` (..., *shape) of every population before."""
        terms = [
            each.linear(ops, ops.reshape(values[source], (-1, *each.input_shape)), own)
            for each, source, own in zip(self._projections, self._sources, weights, strict=True)
        ]
        return reduce(operator.add, terms)


class TensorFlow:
    """`snnviz.network.Ops` of TensorFlow; with "bfloat16" plain convolutions are computed in that precision."""

    def __init__(self, precision: str = "float32") -> None:
        self.patch_inputs: float = 0
        import tensorflow as tf

        self._tf, self._precision = tf, precision
        self.reshape, self.matmul, self.pad = tf.reshape, tf.matmul, tf.pad

    def concatenate(self, parts: Sequence[Tensor]) -> Tensor:
        return self._tf.concat(parts, axis=-1)

    def split(self, values: Tensor, parts: int) -> Sequence[Tensor]:
        return self._tf.split(values, parts, axis=-1)

    def total(self, terms: Iterable[Tensor]) -> Tensor:
        return self._tf.add_n(list(terms))

    def convolution(self, padded: Tensor, kernel: Tensor, strides: Shape, dilation: Shape) -> Tensor:
        padded, kernel = (self._tf.cast(each, self._precision) for each in (padded, kernel))
        return self._tf.cast(self._tf.nn.conv2d(padded, kernel, strides, "VALID", dilations=dilation), "float32")
