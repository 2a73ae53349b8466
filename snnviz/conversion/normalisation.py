"""Data-based normalisation: scales that bring a chosen percentile of every layer's activations to 1.

Scaling the output of a layer by s = 1 / p, where p is the percentile of its activations over a set of items, makes its
largest useful activation that of a neuron that fires at every step (Rueckauer et al. 2017,
doi:10.3389/fnins.2017.00682).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
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
    """Exact percentiles of values >= 0 that come in pieces, keeping only those at or above the lowest of them, and no zeros.

    Pieces may come from several threads, in any order.

    Args:
        total: how many values will come, per column.
        percentile: the lowest that will be asked for, in (0, 100].
        columns: number of columns; each has percentiles of its own.
    """

    def __init__(self, total: int, percentile: float, columns: int = 1) -> None:
        self._total, self._keep = total, total - math.floor(_rank(total, percentile))
        self._kept = [np.empty(0, np.float32)] * columns
        self._least = np.zeros(columns, np.float32)  # of each column's tail, once it is full
        self._columns = np.min_scalar_type(columns)
        self._new: list[tuple[np.ndarray, np.ndarray]] = []  # columns and values
        self._waiting = 0
        self._lock = threading.Lock()

    def add(self, values: np.ndarray) -> None:
        """Take in values of shape (any, columns)."""
        places = np.flatnonzero(values > self._least)  # the others cannot be in the tail
        piece = (places % len(self._kept)).astype(self._columns), values.reshape(-1)[places]
        with self._lock:
            self._new.append(piece)
            self._waiting += len(places)
            if self._waiting > max(self._keep, 2**14) * len(self._kept):
                self._merge()

    def _merge(self) -> None:
        if not self._new:
            return
        columns, values = (np.concatenate(each) for each in zip(*self._new, strict=True))
        ends = np.cumsum(np.bincount(columns, minlength=len(self._kept)))
        pieces = np.split(values[np.argsort(columns, kind="stable")], ends[:-1])
        for column, (kept, piece) in enumerate(zip(self._kept, pieces, strict=True)):
            tail = np.concatenate([kept, piece])
            if len(tail) > self._keep:
                tail = np.partition(tail, len(tail) - self._keep)[-self._keep :]
            self._kept[column] = tail
            if len(tail) == self._keep:
                self._least[column] = tail.min()
        self._new, self._waiting = [], 0

    def result(self, percentile: float) -> tuple[np.ndarray, np.ndarray]:
        """(percentile, maximum) of every column, float64 (columns,)."""
        with self._lock:
            self._merge()
        rank = _rank(self._total, percentile)
        fraction = rank - math.floor(rank)
        place = math.floor(rank) - (self._total - self._keep)
        tails = np.zeros((len(self._kept), self._keep), np.float32)
        for tail, kept in zip(tails, self._kept, strict=True):
            tail[self._keep - len(kept) :] = np.sort(kept)
        low, high = (tails[:, min(index, self._keep - 1)].astype(np.float64) for index in (place, place + 1))
        return low + fraction * (high - low), tails[:, -1].astype(np.float64)

    def positive(self, percentile: float, otherwise: float) -> np.ndarray:
        """The percentile, or the maximum where it is (next to) zero, or `otherwise` where that is zero too."""
        value, maximum = self.result(percentile)
        usable = np.where(value > SMALLEST * maximum, value, maximum)
        return np.where(usable > 0, usable, otherwise)


def _rank(total: int, percentile: float) -> float:
    return (total - 1) * percentile / 100  # as numpy's "linear" method


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
    return measure_each(network, x_norm, [(percentile, per)], batch_size, progress)[0]


@checked
def measure_each(
    network: SpikingNetwork,
    x_norm: np.ndarray,
    wanted: Sequence[tuple[float | None, str]],
    batch_size: int | None = None,
    progress: bool = False,
) -> list[Normalisation]:
    """What `measure` says for several pairs of `percentile` and `per`, in one pass; the other arguments are as there."""
    for percentile, per in wanted:
        check.choice("per", per, PER)
        if percentile is not None:
            check.real("percentile", percentile, 0, 100, above=True)
    x_norm = check.images("x_norm", x_norm, network.input_shape)
    usual = default_percentile(network)
    chosen = [(usual if percentile is None else float(percentile), per) for percentile, per in wanted]
    hidden = network.layers[:-1]
    tails: dict[str, dict[str, UpperTail]] = {"layer": {}, "channel": {}}
    for layer in hidden:
        values = len(x_norm) * layer.neurons
        tails["layer"][layer.name] = UpperTail(values, min(percentile for percentile, _ in chosen))
        lowest = min((percentile for percentile, per in chosen if per == "channel"), default=None)
        if lowest is not None:
            tails["channel"][layer.name] = UpperTail(values // layer.channels, lowest, layer.channels)

    def take(values: dict[str, np.ndarray]) -> None:
        for per in tails:
            for name, tail in tails[per].items():
                tail.add(values[name].reshape(-1, 1 if per == "layer" else values[name].shape[-1]))

    with _progress.bar(len(x_norm), "normalising", "item", progress) as bar:
        for items in analog.spread(network, x_norm, take, batch_size):
            bar.update(items)
    return [_found(network, tails, percentile, per, len(x_norm)) for percentile, per in chosen]


def default_percentile(network: SpikingNetwork) -> float:
    """100, which stands for the caps, where every ReLU is capped, and 99 elsewhere."""
    capped = [layer.cap is not None for layer in network.layers[:-1] if not layer.pools]
    return 100.0 if capped and all(capped) else DEFAULT_PERCENTILE


def _found(
    network: SpikingNetwork, tails: dict[str, dict[str, UpperTail]], percentile: float, per: str, items: int
) -> Normalisation:
    found: list[Scale] = []
    limits: list[Scale | None] = [None]  # where the input and each layer saturate, averages where their source does
    for layer, sources in zip(network.layers[:-1], network.sources, strict=False):
        limits.append(limit := limits[sources[0]] if layer.pools else layer.cap)
        value = float(tails["layer"][layer.name].positive(percentile, 1.0)[0])
        if percentile == 100 and limit is not None:
            found.append(limit)
        elif per == "channel":
            found.append(tails["channel"][layer.name].positive(percentile, value))
        else:
            found.append(value)
    return Normalisation(percentile=percentile, per=per, items=items, activations=(*found, 1.0))


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
