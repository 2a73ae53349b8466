"""Threshold balancing by percentiles: the rival that learns nothing.

Every layer (or channel) is scaled so that a percentile of its activations is 1, as in conversion, and the percentile itself is
searched: first one for the whole network, on a grid, then one per layer, coordinate by coordinate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz.optimization.scales import ScaleSpace
from snnviz.optimization.searcher import Beginning, Searcher

GRID = (70.0, 80.0, 85.0, 90.0, 93.0, 95.0, 97.0, 98.0, 99.0, 99.5, 99.9, 99.99, 100.0)


class Percentile(Searcher):
    """See the module. It has no randomness, and finishes when no layer's percentile can be bettered on the grid.

    Args:
        space: the vectors; of their entries only the scales are used.
        x: items whose activations are measured, (items, *network.input_shape).
        grid: percentiles to try, in (0, 100].
    """

    name = "percentile"
    title = "percentiles"
    about = "Percentiles tries what the paper calls normalisation, and learns nothing."
    options = ("grid",)
    streams = False
    absolute = True

    @classmethod
    def begin(cls, at: Beginning, **options: Any) -> Percentile:
        if not isinstance(at.space, ScaleSpace):
            raise TypeError("percentiles are of scales")
        return cls(at.space, at.problem.x, **options)

    def __init__(self, space: ScaleSpace, x: np.ndarray, grid: Sequence[float] = GRID) -> None:
        from snnviz.conversion.normalisation import measure

        self._layers = len(space.network.layers) - 1
        grid = [check.real("grid", value, 0, 100, above=True) for value in grid]
        per = "channel" if space.per == "channel" else "layer"
        found = [measure(space.network, x, value, per).scales[:-1] for value in grid]
        self._logs = [[np.log(np.atleast_1d(scale)) for scale in scales] for scales in found]
        self._space = space
        self._chosen: list[int] = []  # index into the grid, by layer
        self._best = np.inf
        self._layer = -1  # -1: the same percentile for all
        self._idle = 0
        self._tried: list[list[int]] = []

    def _vector(self, choice: Sequence[int]) -> np.ndarray:
        vector = self._space.start()
        if self._space.per == "network":
            vector[0] = np.mean([self._logs[index][layer][0] for layer, index in enumerate(choice)])
            return vector
        logs = np.concatenate([self._logs[index][layer] for layer, index in enumerate(choice)])
        vector[: len(logs)] = logs
        return vector

    def ask(self) -> list[np.ndarray]:
        grid = range(len(self._logs))
        if self._layer < 0:
            self._tried = [[index] * self._layers for index in grid]
        elif self._layers < 2 or self._idle >= self._layers or self._space.per == "network":
            return []
        else:
            layer = self._layer
            others = (index for index in grid if index != self._chosen[layer])
            self._tried = [[*self._chosen[:layer], index, *self._chosen[layer + 1 :]] for index in others]
        return [self._vector(choice) for choice in self._tried]

    def tell(self, losses: Sequence[float]) -> None:
        least = int(np.argmin(losses))
        if losses[least] < self._best:
            self._best, self._chosen, self._idle = float(losses[least]), self._tried[least], 0
        else:
            self._idle += 1
        self._layer = (self._layer + 1) % self._layers
