"""What a searcher is: it asks for candidates, and is told their losses."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np


class Searcher(ABC):
    """Looks for the vector of least loss, from a start of its own.

    `ask` and `tell` alternate. A searcher is deterministic: told the same losses, it asks for the same candidates, so that a run
    which was cut off is brought back by telling a new searcher what the old one was told. Randomness comes from an explicit seed,
    never from global state. One thread at a time; the arrays it hands out are the caller's.
    """

    name: ClassVar[str]
    enough: Callable[[], bool] = staticmethod(lambda: False)
    """Whoever has little time sets this: a searcher that works long on its candidates asks it between the pieces of that work, and
    hands out what it has where it is true."""

    @abstractmethod
    def ask(self) -> list[np.ndarray]:
        """The next candidates, which may be evaluated in any order; none when the searcher has finished."""

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
