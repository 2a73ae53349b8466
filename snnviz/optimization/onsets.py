"""When each layer begins: a deep layer that waits does not integrate what the layers before it send before they have settled.

The vector has one entry per layer of the network, added to the layer's onset (`snnviz.network.Layer`). Scales, weights and
potentials stay what they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz.network import SpikingNetwork, onset_at
from snnviz.optimization.scales import checked
from snnviz.optimization.searcher import ONSETS, Beginning, Searcher

CLAMPS = (0.0, 0.2, 0.25, 0.34, 0.4, 0.5, 0.67, 0.75, 1.0)
"""From one layer's beginning to the next one's, in time steps: what is tried first."""
Vector = tuple[int, ...]


class OnsetSpace:
    """Vectors <-> networks: whole numbers of time steps that are added to the onsets of H_0, which stay at least 0.

    Args:
        network: the start H_0, whose vector is all zeros.
    """

    def __init__(self, network: SpikingNetwork) -> None:
        self.network = network

    @property
    def size(self) -> int:
        """Number of entries of a vector."""
        return len(self.network.layers)

    def start(self) -> np.ndarray:
        """The vector of H_0: zeros, float64 (size,)."""
        return np.zeros(self.size)

    def apply(self, vector: np.ndarray) -> SpikingNetwork:
        """The network of a vector, whose entries are rounded.

        Raises:
            InputError: if the vector has another size or holds NaN or infinity.
        """
        entries = checked(vector, self.size).tolist()
        onsets = [layer.onset + round(entry) for layer, entry in zip(self.network.layers, entries, strict=True)]
        return self.network.with_onsets([max(0, onset) for onset in onsets])


class Onsets(Searcher):
    """Coordinate descent over whole numbers, from the last layer to the first.

    First come the onsets that one clamp gives all layers (`SpikingNetwork.clamped`). Then each layer in turn begins a step
    earlier or later, alone or together with all layers behind it, as long as that helps. It has no randomness, and finishes
    when no layer's change helps.

    Args:
        onsets: those of H_0, one per layer.
        clamps: which clamps to try.

    Raises:
        InputError: for a negative clamp.
    """

    name = "onsets"
    title = "onsets of layers"
    about = "Onsets says when each layer begins."
    options = ("clamps",)
    vary = ONSETS

    @classmethod
    def begin(cls, at: Beginning, **options: Any) -> Onsets:
        return cls([layer.onset for layer in at.problem.network.layers], **options)

    def __init__(self, onsets: Sequence[int], clamps: Sequence[float] = CLAMPS) -> None:
        self._from = tuple(onsets)
        clamps = [check.real("clamps", clamp, 0) for clamp in clamps]
        depths = range(1, len(self._from) + 1)
        self._clamped = [tuple(onset_at(depth, clamp) for depth in depths) for clamp in clamps]
        self._best, self._least = self._from, np.inf
        self._layer = len(self._from)  # one beyond the last: the clamps
        self._idle = 0
        self._seen: set[Vector] = set()
        self._asked: list[Vector] = []

    def ask(self) -> list[np.ndarray]:
        layers = len(self._from)
        while self._idle < layers:
            wanted = [self._from, *self._clamped] if self._layer == layers else self._moves(self._layer)
            self._asked = [onsets for onsets in dict.fromkeys(wanted) if onsets not in self._seen]
            if self._asked:
                return [np.subtract(onsets, self._from).astype(np.float64) for onsets in self._asked]
            self._go_on()
        return []

    def tell(self, losses: Sequence[float]) -> None:
        self._seen.update(self._asked)
        least = int(np.argmin(losses))
        if losses[least] < self._least:
            self._best, self._least, self._idle = self._asked[least], float(losses[least]), 0
            if self._layer < len(self._from):
                return  # the same layer once more
        self._go_on()

    def _go_on(self) -> None:
        """To the layer before, or after the first to the last again."""
        if self._layer < len(self._from):
            self._idle += 1
        self._layer = (self._layer or len(self._from)) - 1

    def _moves(self, layer: int) -> list[Vector]:
        found = []
        for change in (-1, 1):
            for end in (layer + 1, len(self._from)):
                moved = tuple(onset + change * (layer <= index < end) for index, onset in enumerate(self._best))
                if min(moved) >= 0:
                    found.append(moved)
        return found
