"""What a searcher is: it asks for candidates, and is told their losses.

A searcher is one file: a class that says what its vectors hold, what it can be given and what it is called, and begins itself.
Ours are named in `snnviz.optimization.methods`; other packages add theirs by entry points "snnviz.searchers".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

if TYPE_CHECKING:
    from snnviz.optimization.objective import Objective
    from snnviz.optimization.problem import Problem, Space

SCALES, ONSETS, WEIGHTS = "scales", "onsets", "weights"
"""What a vector may hold: scales and, if asked for, potentials; onsets; or weights, biases and potentials."""


@dataclass(frozen=True, eq=False)
class Beginning:
    """What a searcher may begin from.

    Attributes:
        problem: H_0, the items of the objective and how they are simulated.
        objective: what is minimised, with its weights.
        training: (x, y) to learn from.
        base: the best vector so far, float64 (problem.space.size,).
        space: of the searcher's own vectors, which may be coarser than the problem's.
        expansion: where each entry of the problem's vectors comes from in the searcher's own, int (problem.space.size,). They
            are added to `base`, or to H_0's where the searcher is `absolute`.
        seed: of its randomness.
        progress: whether to show what it does between candidates.
    """

    problem: Problem
    objective: Objective
    training: tuple[Any, np.ndarray]
    base: np.ndarray
    space: Space
    expansion: np.ndarray
    seed: int
    progress: bool

    @property
    def size(self) -> int:
        """Number of entries of the searcher's vectors."""
        return int(self.expansion.max()) + 1


class Searcher(ABC):
    """Looks for the vector of least loss, from a start of its own.

    `ask` and `tell` alternate. A searcher is deterministic: told the same losses, it asks for the same candidates, so that a run
    which was cut off is brought back by telling a new searcher what the old one was told. Randomness comes from an explicit seed,
    never from global state. One thread at a time; the arrays it hands out are the caller's.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """What a form calls it."""
    about: ClassVar[str]
    """What it does, a sentence."""
    options: ClassVar[tuple[str, ...]] = ()
    """Further arguments of `begin`, by name."""
    vary: ClassVar[str] = SCALES
    """What its vectors hold."""
    learns: ClassVar[bool] = False
    """Whether it follows the gradient of the network as it is, which no target's constraints have."""
    streams: ClassVar[bool] = True
    """Whether it can search on event recordings."""
    absolute: ClassVar[bool] = False
    """Whether its vectors are relative to H_0 rather than to the best so far."""
    minutes: ClassVar[float | None] = 10.0
    """The budget where none is given; None for one whose updates are its budget."""
    enough: Callable[[], bool] = staticmethod(lambda: False)
    """Whoever has little time sets this: a searcher that works long on its candidates asks it between the pieces of that work, and
    hands out what it has where it is true."""

    @classmethod
    @abstractmethod
    def begin(cls, at: Beginning, **options: Any) -> Searcher:
        """A searcher at its start.

        Raises:
            InputError: for an option out of range.
        """

    @abstractmethod
    def ask(self) -> list[np.ndarray]:
        """The next candidates, which may be evaluated in any order; none when the searcher has finished.

        A candidate that was evaluated before costs nothing of a budget of evaluations, so a searcher that has nothing new must
        finish.
        """

    @abstractmethod
    def tell(self, losses: Sequence[float]) -> None:
        """The losses of the candidates asked for, in their order."""

    def state(self) -> dict[str, np.ndarray] | None:
        """What `restore` needs to go on from here without being told everything again; None where telling again is cheap."""
        return None

    def restore(self, state: dict[str, np.ndarray]) -> int:
        """Go on from a `state`; returns how many candidates had been told by then."""
        raise NotImplementedError(f"searcher {self.name!r} keeps no state")

    def close(self) -> None:
        """Let go of what it holds. Nothing happens the second time."""
        return
