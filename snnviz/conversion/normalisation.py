"""Data-based normalisation: scales that bring a chosen percentile of every layer's activations to 1.

Scaling the output of a layer by s = 1 / p, where p is the percentile of its activations over a set of items, makes its
largest useful activation that of a neuron that fires at every step (Rueckauer et al. 2017,
doi:10.3389/fnins.2017.00682).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._arguments import checked
from snnviz.network import Scale, SpikingNetwork
from snnviz.simulation import analog

PER = ("layer", "channel")
DEFAULT_PERCENTILE = 99.0
SMALLEST = 1e-6
"""A percentile below this fraction of the maximum counts as zero: dividing by it would leave float32's range."""


class UpperTail:
    """The exact percentile of values that come in pieces, keeping only those at or above it.

    Args:
        total: how many values will come, per column.
        percentile: in (0, 100].
        columns: number of columns; each has a percentile of its own.
    """

    def __init__(self, total: int, percentile: float, columns: int = 1) -> None:
        rank = (total - 1) * percentile / 100  # as numpy's "linear" method
        self._fraction = rank - math.floor(rank)
        self._keep = total - math.floor(rank)
        self._kept = np.empty((0, columns), np.float32)
        self._new: list[np.ndarray] = []
        self._new_rows = 0
        self._least = -math.inf  # of the tail, once it is full

    def add(self, values: np.ndarray) -> None:
        """Take in values of shape (any, columns)."""
        if values.shape[1] == 1:
            values = values[values[:, 0] > self._least]  # the others cannot be in the tail
        self._new.append(values.astype(np.float32, copy=True))
        self._new_rows += len(values)
        if self._new_rows > max(self._keep, 2**16):
            self._merge()

    def _merge(self) -> None:
        rows = np.concatenate([self._kept, *self._new])
        if len(rows) > self._keep:
            rows = np.partition(rows, len(rows) - self._keep, axis=0)[-self._keep :]
        if rows.shape == (self._keep, 1):
            self._least = float(rows.min())
        self._kept, self._new, self._new_rows = rows, [], 0

    def result(self) -> tuple[np.ndarray, np.ndarray]:
        """(percentile, maximum) of every column, float64 (columns,)."""
        self._merge()
        lowest = np.partition(self._kept, min(1, self._keep - 1), axis=0)[:2].astype(np.float64)
        value = lowest[0] + self._fraction * (lowest[-1] - lowest[0])
        return value, self._kept.max(axis=0).astype(np.float64)

    def positive(self, otherwise: float) -> np.ndarray:
        """The percentile, or the maximum where it is (next to) zero, or `otherwise` where that is zero too."""
        percentile, maximum = self.result()
        usable = np.where(percentile > SMALLEST * maximum, percentile, maximum)
        return np.where(usable > 0, usable, otherwise)


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Percentiles of activations, measured on a network.

    Attributes:
        percentile: in (0, 100].
        per: "layer" or "channel".
        items: on how many items.
        activations: for each layer the activation that becomes 1, one number or float64 (channels,); 1 for the last.
    """

    percentile: float
    per: str
    items: int
    activations: tuple[Scale, ...]

    @property
    def scales(self) -> tuple[Scale, ...]:
        """What `SpikingNetwork.scaled` takes: one over `activations`."""
        return tuple(1 / value for value in self.activations)


@checked
def measure(
    network: SpikingNetwork,
    x_norm: np.ndarray,
    percentile: float | None = None,
    per: str = "layer",
    batch_size: int | None = None,
    progress: bool = False,
) -> Normalisation:
    """The percentile of each layer's activations over `x_norm`, exact, in one pass.

    It is taken over all items and positions, zeros included, as in the published SaRNN code (the SNN toolbox leaves
    zeros out, which gives larger values). Where it is zero although some activation is not, as in a very sparse layer
    or channel, the largest activation takes its place; a channel that is never active takes its layer's value, a layer
    that is never active 1. The last layer is read out and keeps its logits: its value is 1.

    The hundredth percentile is the largest value that an activation can take, where the network limits it: the cap of a
    layer, also for averages of its activations; the largest over `x_norm` elsewhere.

    Args:
        network: a network at any scale.
        x_norm: training items, float intensities (items, *network.input_shape).
        percentile: in (0, 100]; None for 100 where every ReLU is capped, and 99 elsewhere.
        per: one value per "layer", or one per "channel" (unit of a dense layer).
        batch_size: items at a time; None lets a memory budget decide. Memory also holds each layer's values above the
            percentile.
        progress: show a progress bar if it takes more than two seconds.
    """
    check.choice("per", per, PER)
    x_norm = check.images("x_norm", x_norm, network.input_shape)
    hidden = network.layers[:-1]
    if percentile is None:
        capped = [layer.cap is not None for layer in hidden if not layer.pools]
        percentile = 100.0 if capped and all(capped) else DEFAULT_PERCENTILE
    check.real("percentile", percentile, 0, 100, above=True)
    whole = {layer.name: UpperTail(len(x_norm) * layer.neurons, percentile) for layer in hidden}
    channels = {
        layer.name: UpperTail(len(x_norm) * (layer.neurons // layer.channels), percentile, layer.channels)
        for layer in (hidden if per == "channel" else ())
    }
    with _progress.bar(len(x_norm), "normalising", "item", progress) as bar:
        for part, values in analog.batches(network, x_norm, batch_size):
            for layer in hidden:
                whole[layer.name].add(values[layer.name].reshape(-1, 1))
                if per == "channel":
                    channels[layer.name].add(values[layer.name].reshape(-1, layer.channels))
            bar.update(part.stop - part.start)
    found: list[Scale] = []
    limits: list[Scale | None] = [None]  # where the input and each layer saturate, averages where their source does
    for layer, sources in zip(hidden, network.sources, strict=False):
        limits.append(limit := limits[sources[0]] if layer.pools else layer.cap)
        value = float(whole[layer.name].positive(1.0)[0])
        if percentile == 100 and limit is not None:
            found.append(limit)
        else:
            found.append(channels[layer.name].positive(value) if per == "channel" else value)
    return Normalisation(percentile=float(percentile), per=per, items=len(x_norm), activations=(*found, 1.0))


@checked
def normalise(
    network: SpikingNetwork,
    x_norm: np.ndarray,
    percentile: float | None = None,
    per: str = "layer",
    batch_size: int | None = None,
    progress: bool = False,
) -> SpikingNetwork:
    """The network scaled so that `percentile` of each layer's activations on `x_norm` is 1; arguments as in `measure`.

    The logits are unchanged beyond rounding, and how the network was scaled before does not matter, except for the last
    layer's own factor, which stays.
    """
    return network.scaled(measure(network, x_norm, percentile, per, batch_size, progress).scales)
