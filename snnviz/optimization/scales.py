"""The optimiser's view of a network: a vector of numbers, all 0 at the start.

The first entries are the natural logarithms of scales: a neuron whose scale is s gets its incoming weights and bias times s, and
its outgoing weights divided by s. What it stands for stays the same while it fires s times as often, and
saturates s times as early.
The rest, if asked for, are added to initial membrane potentials, in units of the threshold.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network import IdentityProjection, Projection, Scale, Shape, SpikingNetwork

PER = ("network", "layer", "channel")
LARGEST_LOG_SCALE = 20.0
"""Log-scales are clipped to +- this: e^20 leaves float32 weights finite whatever a searcher tries."""


@dataclass(frozen=True)
class Entries:
    """The entries of the vector that belong to a population of neurons.

    Attributes:
        name: the layer's, or "input".
        shape: of its neurons.
        size: number of entries: 1, one per channel, or one per neuron.
    """

    name: str
    shape: Shape
    size: int

    def spread(self, values: np.ndarray) -> Scale:
        """`values` (size,) as one number or one per neuron, in the population's shape."""
        if self.size == 1:
            return float(values[0])
        if self.size == math.prod(self.shape):
            return values.reshape(self.shape)
        return np.broadcast_to(values, self.shape)


class ScaleSpace:
    """Vectors <-> networks, at the granularity that is searched.

    One scale per network, per layer, or per channel (unit of a dense layer) of every hidden layer, and one number for the last
    weighted layer. That one multiplies all class scores alike; it matters only beside initial potentials. With potentials
    come, at the same granularity, those of the input, the hidden layers and the outputs; per "channel" the input has one
    per pixel.

    Args:
        network: the start H_0, whose vector is all zeros.
        per: "network", "layer" or "channel".
        with_potentials: whether initial membrane potentials are searched as well.

    Raises:
        InputError: for an unknown granularity, or a network without hidden layers, which has no scales.
    """

    def __init__(self, network: SpikingNetwork, per: str = "channel", with_potentials: bool = False) -> None:
        check.choice("per", per, PER)
        hidden = network.layers[:-1]
        if not hidden:
            raise InputError("`network` must have hidden layers, whose scales are searched. Received: a single layer")
        self.network, self.per, self.with_potentials = network, per, with_potentials
        each = per == "channel"
        self.scales = [Entries(layer.name, layer.output_shape, layer.channels if each else 1) for layer in hidden]
        self.scales.append(Entries(network.layers[-1].name, network.layers[-1].output_shape, 1))
        self.potentials: list[Entries] = []
        if with_potentials:
            self.potentials.append(
                Entries(network.input.name, network.input.shape, network.input.neurons if each else 1)
            )
            self.potentials += [
                Entries(layer.name, layer.output_shape, layer.channels if each else 1) for layer in network.layers
            ]
        if per == "network":  # the same number for all layers of a kind
            self._index = np.repeat(
                np.arange(1 + with_potentials), (len(self.scales), len(self.potentials))[: 1 + with_potentials]
            )
        else:
            self._index = np.arange(sum(part.size for part in (*self.scales, *self.potentials)))

    @property
    def size(self) -> int:
        """Number of entries of a vector."""
        return int(self._index[-1]) + 1

    def start(self) -> np.ndarray:
        """The vector of H_0: zeros, float64 (size,)."""
        return np.zeros(self.size)

    def apply(self, vector: np.ndarray) -> SpikingNetwork:
        """The network of a vector.

        Raises:
            InputError: if the vector has another size or holds NaN or infinity.
        """
        values = checked(vector, self.size)[self._index]
        scales: list[Scale] = []
        potentials: list[Scale] = []
        position = 0
        for part in self.scales:
            logs = np.clip(values[position : position + part.size], -LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)
            scales.append(float(np.exp(logs[0])) if part.size == 1 else np.exp(logs))
            position += part.size
        found = self.network.scaled(scales)
        if not self.potentials:
            return found
        held = [self.network.input.initial_potential, *(layer.initial_potential for layer in self.network.layers)]
        for part, before in zip(self.potentials, held, strict=True):
            potentials.append(before + part.spread(values[position : position + part.size]))
            position += part.size
        return found.with_initial_potentials(potentials)

    def expansion(self, coarse: ScaleSpace) -> np.ndarray:
        """Where each entry of this space's vectors comes from in a coarser space's: fine = coarse[expansion].

        Raises:
            InputError: if `coarse` is finer, or is of other populations.
        """
        if coarse.with_potentials != self.with_potentials or PER.index(coarse.per) > PER.index(self.per):
            raise InputError(
                f"`coarse` must be of the same kind and not finer than per {self.per!r}. Received: per {coarse.per!r}"
            )
        index = np.empty(self.size, np.int64)
        position = at = 0
        for mine, theirs in zip((*self.scales, *self.potentials), (*coarse.scales, *coarse.potentials), strict=True):
            entries = self._index[position : position + mine.size]
            index[entries] = coarse._index[at : at + theirs.size]
            position, at = position + mine.size, at + theirs.size
        return index


def checked(vector: np.ndarray, size: int) -> np.ndarray:
    """`vector` as float64 (size,).

    Raises:
        InputError: if it has another size or holds NaN or infinity.
    """
    vector = check.finite("vector", np.asarray(vector, np.float64))
    if vector.shape != (size,):
        raise InputError(f"`vector` must have shape ({size},). Received: {check.describe(vector)}")
    return vector


def relative_scales(before: SpikingNetwork, after: SpikingNetwork) -> list[np.ndarray]:
    """The scales that make `after` of `before`, one array (channels,) a layer: after = before.scaled(scales).

    They are read off the weights; a channel without a nonzero incoming weight has NaN.

    Raises:
        InputError: if the networks differ in more than positive scales.
    """
    forms = [[[each.form for each in layer.projections] for layer in network.layers] for network in (before, after)]
    if forms[0] != forms[1] or before.sources != after.sources:
        raise InputError("`after` must have the layers of `before`. Received: networks of different shapes")
    sent: list[Scale] = [1.0]
    found = []
    for old, new, sources in zip(before.layers, after.layers, before.sources, strict=True):
        parts = zip(old.projections, new.projections, sources, strict=True)
        ratios = np.concatenate([_ratios(was, is_, sent[source]) for was, is_, source in parts])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a channel without weights has no median
            scales = np.nanmedian(ratios, axis=0)
            spread = np.nanmax(np.abs(np.log(ratios / scales)), initial=0.0)
        pairs = zip(old.projections, new.projections, strict=True)
        alike = all(np.array_equal(was.weights != 0, is_.weights != 0) for was, is_ in pairs)
        if not alike or not spread < 1e-3 or not (scales[~np.isnan(scales)] > 0).all():
            raise InputError(
                f"`after` must be `before` but for positive scales. Received: other weights in layer {new.name!r}"
            )
        found.append(scales)
        sent.append(np.where(np.isnan(scales), 1.0, scales))
    return found


def _ratios(old: Projection, new: Projection, sent: Scale) -> np.ndarray:
    """What each weight was multiplied by but for its source's scale, (any, channels); NaN where there is no synapse."""
    # what a unit weight becomes by the scales of the source, in this projection's layout
    unit = replace(old, weights=np.ones_like(old.weights)).scaled_weights(1.0, sent)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(old.weights != 0, new.weights.astype(np.float64) / old.weights, np.nan) / unit
    if not isinstance(old, IdentityProjection):
        return ratios.reshape(-1, old.output_shape[-1])
    row = np.full((1, old.output_shape[-1]), np.nan)
    row[0, old.first : old.first + len(ratios)] = ratios
    return row


def granularities(per: str | Sequence[str]) -> tuple[str, ...]:
    """`per` as stages from coarse to fine: one granularity, or several, each finer than the one before.

    Raises:
        InputError: for an unknown one, none, or a wrong order.
    """
    stages = (per,) if isinstance(per, str) else tuple(per)
    for stage in stages:
        check.choice("per", stage, PER)
    order = [PER.index(stage) for stage in stages]
    if not order or order != sorted(set(order)):
        raise InputError(
            f"`per` must name granularities from coarse to fine, each once. Received: {check.describe(per)}"
        )
    return stages
