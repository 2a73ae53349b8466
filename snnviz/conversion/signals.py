"""What passes through a classifier while it is folded: sums of linear layers, in parts along channels."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from snnviz._visits import Visit
from snnviz.conversion.linear import NO_PADDING, Affine, Linear
from snnviz.network import Padding, Shape


@dataclass(frozen=True, eq=False, kw_only=True)
class Node:
    """The sum of what linear layers make of other nodes' outputs, a population unless it is folded; without terms, the image.

    Attributes:
        shape: of its output for one item.
        terms: (node, linear layer that takes its output), ...; once merged, the nodes' outputs are never negative.
        visit: the layer that made it.
        rectified: a ReLU has been applied, after which nothing can be folded into the terms.
        nonnegative: the output is known not to be negative; true of average pooling without a ReLU too.
        cap: the activation at which a ReLU saturates.
    """

    shape: Shape
    terms: tuple[tuple[Node, Linear], ...] = ()
    visit: Visit | None = None
    rectified: bool = False
    nonnegative: bool = False
    cap: float | None = None

    @classmethod
    def image(cls, shape: Shape) -> Node:
        """The image, whose intensities are as a ReLU leaves them."""
        return cls(shape=shape, rectified=True, nonnegative=True)

    def followed_by(self, affine: Affine) -> Node:
        """This sum with `affine` of its output folded into its terms."""
        factor = replace(affine, shift=np.zeros_like(affine.shift))
        changed = [
            (node, linear.followed_by(factor if place else affine)) for place, (node, linear) in enumerate(self.terms)
        ]
        return replace(self, terms=tuple(changed))


@dataclass(frozen=True, kw_only=True)
class Part:
    """Some of the channels of a signal: a node's output, and the affine map of it that waits for the next linear layer."""

    node: Node
    affine: Affine | None = None
    affine_visit: Visit | None = None

    @property
    def channels(self) -> int:
        """How many."""
        return self.node.shape[-1]

    @property
    def nonnegative(self) -> bool:
        """Whether it is known not to be negative, what waits included."""
        return self.node.nonnegative and (self.affine is None or self.affine.keeps_sign)


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A tensor of the model.

    Attributes:
        shape: of one item.
        parts: what it consists of, side by side along channels.
        pads: zeros around the map, which wait for the next convolution.
        excused: there has been a problem, and no linear layer since: what follows from it is not reported again.
        places: of several parts, where the values of each are in a flattened signal; None one after the other.
    """

    shape: Shape
    parts: tuple[Part, ...]
    pads: Padding = NO_PADDING
    pads_visit: Visit | None = None
    excused: bool = False
    places: tuple[np.ndarray, ...] | None = None

    @property
    def node(self) -> Node:
        """Of a signal in one part."""
        return self.parts[0].node

    @property
    def slices(self) -> list[slice]:
        """The channels of each part."""
        ends = np.cumsum([0, *(part.channels for part in self.parts)]).tolist()
        return [slice(start, stop) for start, stop in itertools.pairwise(ends)]

    @property
    def rows(self) -> list[np.ndarray]:
        """Where the values of each part are in a flat signal."""
        if self.places is not None:
            return list(self.places)
        ends = np.cumsum([0, *(int(np.prod(part.node.shape)) for part in self.parts)])
        return [np.arange(start, stop) for start, stop in itertools.pairwise(ends)]

    def with_parts(self, parts: Iterable[Part]) -> Signal:
        """The same of other parts."""
        return replace(self, parts=tuple(parts))
