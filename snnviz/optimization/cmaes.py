"""Separable CMA-ES: an evolution strategy that adapts one step size per coordinate (Ros and Hansen 2008), from pycma."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz.optimization.searcher import Beginning, Searcher


class CMAES(Searcher):
    """pycma with a diagonal covariance matrix, which takes hundreds of coordinates.

    The first generation holds the start itself, so that a search never ends worse than it began.

    Args:
        start: mean of the first generation.
        step: standard deviation of the first generation.
        seed: of its own random stream.
        population: candidates per generation; None takes pycma's 4 + 3 log(size).
    """

    name = "cmaes"
    title = "CMA-ES"
    about = "CMA-ES, an evolution strategy, needs no gradient."
    options = ("step", "population")

    @classmethod
    def begin(cls, at: Beginning, **options: Any) -> CMAES:
        return cls(np.zeros(at.size), seed=at.seed, **options)

    def __init__(self, start: np.ndarray, step: float = 0.2, seed: int = 0, population: int | None = None) -> None:
        import cma

        self._start = np.array(start, np.float64)
        check.real("step", step, 0, above=True)
        stream = np.random.default_rng(check.integer("seed", seed, 0))
        options = {
            "CMA_diagonal": True,
            "randn": lambda *shape: stream.standard_normal(shape),
            "seed": np.nan,  # leaves numpy's global stream alone
            # accuracies come in steps of one item: equal losses are no sign that the search is over
            "tolfun": 0,
            "tolfunhist": 0,
            "tolflatfitness": np.inf,
            "verbose": -9,
            "verb_log": 0,
        }
        if population is not None:
            options["popsize"] = check.integer("population", population, 4)
        # pycma refuses a single coordinate: a second one, which nothing reads, keeps it company
        mean = self._start if self._start.size > 1 else np.append(self._start, 0.0)
        self._strategy = cma.CMAEvolutionStrategy(mean, step, options)
        self._asked: list[np.ndarray] = []
        self._first = True

    def ask(self) -> list[np.ndarray]:
        if self._strategy.stop():
            return []
        self._asked = list(self._strategy.ask())
        candidates = [candidate[: self._start.size].copy() for candidate in self._asked]
        return [self._start.copy(), *candidates] if self._first else candidates

    def tell(self, losses: Sequence[float]) -> None:
        told = list(losses[1:] if self._first else losses)
        self._first = False
        self._strategy.tell(self._asked, told)
