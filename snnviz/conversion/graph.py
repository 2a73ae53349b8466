"""The classifier as conversion reads it: steps in the order in which an image passes them, each with all of its numbers.

Every pass takes such a graph, or what the pass before made of one, and gives a new one: `snnviz.conversion.passes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from snnviz._visits import Visit
from snnviz.conversion.linear import Affine, Linear
from snnviz.network import Padding, Shape


@dataclass(frozen=True, kw_only=True)
class Image:
    """What the model takes, the first step."""


@dataclass(frozen=True, kw_only=True)
class Pad:
    """Zeros around a map."""

    edges: Padding


@dataclass(frozen=True, kw_only=True)
class Crop:
    """A map without some of its rows and columns."""

    edges: Padding


@dataclass(frozen=True, kw_only=True)
class Rectify:
    """min(max(0, x), cap)."""

    cap: float | None = None


@dataclass(frozen=True, kw_only=True)
class Reshape:
    """The same numbers in another shape."""


@dataclass(frozen=True, kw_only=True)
class WeightedSum:
    """The sum of what several steps make, each times its factor."""

    factors: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Join:
    """What several steps make, side by side along channels."""


@dataclass(frozen=True, kw_only=True)
class Softmax:
    """Probabilities of logits."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Something that cannot be converted.

    Attributes:
        reason: what stands in the way.
        remedy: what to do instead.
        misfit: whether it is the shape of what it takes, for which an earlier problem may be to blame.
    """

    reason: str
    remedy: str = ""
    misfit: bool = False


Work: TypeAlias = Image | Linear | Affine | Pad | Crop | Rectify | Reshape | WeightedSum | Join | Softmax | Refused


@dataclass(frozen=True, eq=False, kw_only=True)
class Step:
    """One step.

    Attributes:
        work: what it does.
        visit: the layer that it is of.
        takes: from which steps it takes, by their places in the graph.
        shape: of what it makes for one item.
    """

    work: Work
    visit: Visit
    takes: tuple[int, ...]
    shape: Shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Classifier:
    """All steps from the image, the first, to the classes; a model that cannot be read at all is one refused step.

    Attributes:
        steps: each behind those that it takes from.
        last: the place of the step whose output is the classes.
        whole: stands for the model as a whole in problems.
        input_range: what the model takes for full intensity.
    """

    steps: tuple[Step, ...]
    last: int = 0
    whole: Visit
    input_range: float = 1.0

    def taken_by(self, place: int) -> list[int]:
        """The places of the steps that take from one."""
        return [index for index, step in enumerate(self.steps) if place in step.takes]

    def without(self, replaced: Mapping[int, int]) -> Classifier:
        """The graph without some steps, for each of which an earlier one stands."""
        places: dict[int, int] = {}
        kept: list[Step] = []
        for place, step in enumerate(self.steps):
            if place in replaced:
                places[place] = places[replaced[place]]
                continue
            places[place] = len(kept)
            kept.append(replace(step, takes=tuple(places[source] for source in step.takes)))
        return replace(self, steps=tuple(kept), last=places[self.last])

    def changed(self, change: Callable[[int, Step], Step]) -> Classifier:
        """The graph with what `change` makes of each step."""
        return replace(self, steps=tuple(change(place, step) for place, step in enumerate(self.steps)))
