"""Subplex, the paper's searcher: the simplex method on a succession of low-dimensional subspaces (Rowan 1990), from NLopt."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz.optimization.searcher import Beginning, Searcher


class _Ended(Exception):
    """Ends NLopt's loop from within the function that it calls."""


class Subplex(Searcher):
    """NLopt's LN_SBPLX turned inside out: it runs in a thread of its own, which waits for the loss of each candidate.

    It has no randomness.

    Args:
        start: the first candidate.
        step: first step along each coordinate.
        tolerance: it has finished when a step gains less than this fraction of the loss, or moves less than it.
    """

    name = "subplex"
    title = "Subplex"
    about = "Subplex, the paper's method, needs no gradient."
    options = ("step", "tolerance")

    @classmethod
    def begin(cls, at: Beginning, **options: Any) -> Subplex:
        return cls(np.zeros(at.size), **options)

    def __init__(self, start: np.ndarray, step: float = 0.3, tolerance: float = 1e-6) -> None:
        import nlopt  # here, so that a failure to load it is not one of the thread, for which nobody would wait

        self._nlopt = nlopt
        self._start = np.array(start, np.float64)
        self._step = check.real("step", step, 0, above=True)
        self._tolerance = check.real("tolerance", tolerance, 0)
        self._candidates: queue.Queue[np.ndarray | BaseException | None] = queue.Queue()
        self._losses: queue.Queue[float | None] = queue.Queue()
        self._thread: threading.Thread | None = None
        self._waiting = False
        self._over = False

    def _search(self) -> None:
        nlopt = self._nlopt

        def loss(vector: np.ndarray, _: Any) -> float:
            self._candidates.put(vector.copy())
            answer = self._losses.get()
            if answer is None:
                raise _Ended
            return answer

        search = nlopt.opt(nlopt.LN_SBPLX, len(self._start))
        search.set_min_objective(loss)
        search.set_initial_step(self._step)
        search.set_ftol_rel(self._tolerance)
        search.set_xtol_abs(self._tolerance)
        try:
            search.optimize(self._start)
        except _Ended:
            return
        except BaseException as error:  # handed to the thread that asks
            self._candidates.put(error)
        else:
            self._candidates.put(None)

    def ask(self) -> list[np.ndarray]:
        if self._over:
            return []
        if self._thread is None:
            self._thread = threading.Thread(target=self._search, name="snnviz-subplex", daemon=True)
            self._thread.start()
        found = self._candidates.get()
        if isinstance(found, np.ndarray):
            self._waiting = True
            return [found]
        self._over = True
        if found is not None:
            raise RuntimeError(f"NLopt gave up: {found}") from found
        return []

    def tell(self, losses: Sequence[float]) -> None:
        (loss,) = losses
        self._waiting = False
        self._losses.put(float(loss))

    def close(self) -> None:
        if self._thread is not None and not self._over:
            if not self._waiting:  # NLopt is about to offer a candidate, or the end
                self._candidates.get()
            self._losses.put(None)
        if self._thread is not None:
            self._thread.join(timeout=10)
        self._over, self._thread = True, None
