"""What is simulated, as engines take it, batch by batch: images, spikes drawn from them, or spikes that came from elsewhere."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.network import SpikingNetwork
from snnviz.simulation.settings import Settings

RATE_BUDGET = 2**26
"""Bytes of the rates that the analog network takes at a time."""


def poisson_spikes(x: np.ndarray, steps: int, seed: int, first_item: int = 0) -> np.ndarray:
    """Binary spike trains with rate x: a neuron spikes at a step with probability equal to its intensity.

    Every item has a random stream of its own, a function of the seed and its index alone, so that neither the batch
    size nor the engine changes its spikes.

    Args:
        x: intensities in [0, 1], (items, *shape).
        steps: number of steps T.
        seed: seed of the whole data set.
        first_item: index of `x[0]` in the data set.

    Returns:
        uint8 (items, T, *shape), 1 for a spike.
    """
    trains = np.empty((len(x), steps, *x.shape[1:]), np.uint8)
    for offset, intensities in enumerate(x):
        stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, first_item + offset))))
        draws = stream.random((steps, *x.shape[1:]), dtype=np.float32)
        np.less(draws, intensities, out=trains[offset].view(bool))
    return trains


def one_a_step(counts: np.ndarray) -> np.ndarray:
    """Counts of events as spikes, at most one a step: what is more waits for the next steps.

    A pixel is an integrate-and-fire neuron of threshold 1 that begins at 0 and is driven by its counts: v <- v + c, then a spike
    and v <- v - 1 where v >= 1. What still waits after the last step is never sent.

    Args:
        counts: booleans or whole numbers from 0, (items, steps, *shape).

    Returns:
        uint8 of the same shape.
    """
    if counts.dtype == bool or not counts.size or counts.max() <= 1:
        return counts.astype(np.uint8)
    spikes = np.empty(counts.shape, np.uint8)
    waiting = np.zeros((len(counts), *counts.shape[2:]), np.int64)
    for step in range(counts.shape[1]):
        waiting += counts[:, step]
        np.greater(waiting, 0, out=spikes[:, step].view(bool))
        waiting -= spikes[:, step]
    return spikes


@dataclass(frozen=True, eq=False)
class Inputs:
    """Images and how they come in, checked.

    Attributes:
        x: intensities, float32 (items, *shape).
        settings: of the simulation.
        first_item: index of `x[0]` in the data set.
    """

    x: np.ndarray
    settings: Settings
    first_item: int = 0

    @staticmethod
    def of(
        network: SpikingNetwork, x: np.ndarray | Recordings, settings: Settings, first_item: int = 0, name: str = "x"
    ) -> Inputs | Spikes:
        """What `settings.input` makes of `x`, called `name` in messages, for `network`.

        Raises:
            InputError: for an `x` that is not what the input takes.
        """
        if settings.input == "spikes":
            return Spikes.of(network, x, settings)
        if isinstance(x, Recordings):
            raise InputError(f"`input` must be 'spikes' for event recordings. Received: {settings.input!r}")
        return Inputs(check.images(name, x, network.input_shape), settings, first_item)

    def __len__(self) -> int:
        return len(self.x)

    def part(self, start: int, stop: int) -> np.ndarray:
        """Items `start` to `stop` as an engine takes them."""
        return self._arranged(self.x[start:stop], self.first_item + start)

    def take(self, items: np.ndarray) -> np.ndarray:
        """Some items as an engine takes them, to time it."""
        return self._arranged(self.x[items], 0)

    def _arranged(self, x: np.ndarray, first: int) -> np.ndarray:
        if self.settings.input == "poisson":
            return poisson_spikes(x, self.settings.steps, self.settings.seed, first)
        return x

    def rates(self, start: int, stop: int) -> np.ndarray:
        """Items `start` to `stop` as the analog network takes them."""
        return self.x[start:stop]

    def accuracy(self, network: SpikingNetwork, y: np.ndarray) -> float:
        """That of the analog network on them."""
        from snnviz.simulation import analog

        return analog.accuracy(network, self.x, y)


@dataclass(frozen=True, eq=False)
class Spikes:
    """Events that came from a camera or elsewhere; see `Inputs`.

    Attributes:
        x: recordings, or counts (items, steps, *shape).
        settings: of the simulation.
        shape: of the network's input.
    """

    x: np.ndarray | Recordings
    settings: Settings
    shape: tuple[int, ...]

    @classmethod
    def of(cls, network: SpikingNetwork, x: np.ndarray | Recordings, settings: Settings) -> Spikes:
        """See `Inputs.of`."""
        if not isinstance(x, Recordings):
            return cls(_checked_counts(x, settings.steps, network.input_shape), settings, network.input_shape)
        if x.shape != network.input_shape:
            raise InputError(
                f"`x` must be recordings of {' x '.join(map(str, network.input_shape))} (height, width, polarities), which the "
                f"network takes. Received: {' x '.join(map(str, x.shape))}"
            )
        if settings.step_ms is None:
            raise InputError("`step_ms` must say how long a step is, for recordings. Received: None")
        return cls(x, settings, network.input_shape)

    def __len__(self) -> int:
        return len(self.x)

    def part(self, start: int, stop: int) -> np.ndarray:
        """Items `start` to `stop` as an engine takes them: spikes, uint8 (items, steps, *shape)."""
        if isinstance(self.x, Recordings):
            return self.x[start:stop].spikes(self.settings.steps, self.settings.step_us)
        return one_a_step(self.x[start:stop])

    def take(self, items: np.ndarray) -> np.ndarray:
        """Some items as an engine takes them, to time it."""
        if isinstance(self.x, Recordings):
            return self.x[items].spikes(self.settings.steps, self.settings.step_us)
        return one_a_step(self.x[items])

    def sent(self) -> np.ndarray:
        """Events that arrived in each step, a mean over items, float64 (T,)."""
        if isinstance(self.x, Recordings):
            return self.x.by_step(self.settings.steps, self.settings.step_us) / len(self)
        return self.x.sum(axis=(0, *range(2, self.x.ndim)), dtype=np.int64) / len(self)

    def accuracy(self, network: SpikingNetwork, y: np.ndarray) -> float:
        """That of the analog network on their `rates`."""
        from snnviz.simulation import analog

        size = max(1, RATE_BUDGET // (4 * math.prod(self.shape) * self.settings.steps))
        right = 0.0
        for start in range(0, len(self), size):
            rates = self.rates(start, start + size)
            right += analog.accuracy(network, rates, y[start : start + size]) * len(rates)
        return right / len(self)

    def rates(self, start: int, stop: int) -> np.ndarray:
        """Items `start` to `stop` as the analog network takes them: events a step of each pixel over all steps, at most 1."""
        if isinstance(self.x, Recordings):
            return self.x[start:stop].rates(self.settings.steps, self.settings.step_us)
        return np.minimum(self.x[start:stop].mean(axis=1, dtype=np.float32), 1)


def _checked_counts(x: np.ndarray, steps: int, shape: tuple[int, ...]) -> np.ndarray:
    """`x` as counts (items, steps, *shape)."""
    counts = np.asarray(x)
    wanted = f"(items, {', '.join(map(str, (steps, *shape)))})"
    if counts.dtype.kind not in "biu":
        raise InputError(
            f"`x` must be event recordings, or booleans or counts of shape {wanted}, for input 'spikes'. "
            f"Received: {check.describe(counts)}"
        )
    if counts.ndim < 2 or counts.shape[1:] != (steps, *shape) or not len(counts):
        raise InputError(f"`x` must have shape {wanted} for input 'spikes'. Received: {counts.shape}")
    if counts.dtype.kind == "i" and counts.min() < 0:
        raise InputError(f"`x` must hold counts from 0. Received: {int(counts.min())}")
    if counts.dtype.kind != "b" and counts.max() >= 2**31:
        raise InputError(f"`x` must hold counts below 2^31. Received: {int(counts.max())}")
    return counts
