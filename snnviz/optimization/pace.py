"""When a searcher that learns has to hand out its candidate, so that it is evaluated in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from snnviz.optimization.searcher import Searcher

if TYPE_CHECKING:
    from snnviz.optimization.methods import Stage
    from snnviz.optimization.search import Search

FIRST_CANDIDATE = 1 / 3
"""By this fraction of a budget of time a first candidate is wanted."""
TOLD_AFTER = 5
"""Updates after which is said how many there will be; the first ones hold what is compiled."""


class Pace:
    """Whether a searcher that learns has to hand out its candidate now, so that it is evaluated in time; and what is said of it.

    Args:
        search: whose time it is.
        stage: what is run.
        searcher: what runs.
    """

    def __init__(self, search: Search, stage: Stage, searcher: Searcher) -> None:
        self._search, self._stage = search, stage
        self._updates, self._every = getattr(searcher, "updates", 0), getattr(searcher, "every", 0)
        self._seconds: list[float] = []
        self._before = search.seconds

    def enough(self) -> bool:
        """Called after each update."""
        search = self._search
        if search.minutes is None:
            return False
        now = search.seconds
        # the first holds what was compiled, and the first after an evaluation holds that: the least is what one takes
        self._seconds.append(now - self._before)
        self._before, one = now, min(self._seconds)
        budget, first = 60 * search.minutes, len(search.history) < 2
        if len(self._seconds) == TOLD_AFTER:
            self._tell((budget * self._stage.until - now) / one, one)
        until = min(self._stage.until, FIRST_CANDIDATE) if first else self._stage.until
        return now + one + search.evaluation_seconds > budget * until

    def over(self) -> bool:
        """Whether not even one more update could be evaluated in time."""
        search = self._search
        if search.minutes is None or not self._seconds:
            return False
        return search.seconds + min(self._seconds) + search.evaluation_seconds > 60 * search.minutes

    def _tell(self, more: float, one: float) -> None:
        """Say of a method that it will not get far."""
        if TOLD_AFTER + more < min(self._every, self._updates):
            self._search.say(
                f"method {self._stage.name} makes about {TOLD_AFTER + max(0, int(more))} of its {self._updates} updates in the "
                f"time it has (one takes {one:.1f} s here): methods subplex and percentile, which only evaluate "
                f"({self._search.evaluation_seconds:.1f} s each), fit better"
            )
