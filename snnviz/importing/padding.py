"""Windows of convolutions and pooling, and the padding around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from snnviz.importing.graph import OnnxNode, Walk

Pairs = tuple[tuple[int, int], ...]
"""Of each spatial axis, how much before and after."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """How a window goes over a map, along each spatial axis."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: Pairs

    def reaches(self) -> tuple[int, ...]:
        """How many positions a window covers, gaps included."""
        return tuple((size - 1) * dilation + 1 for size, dilation in zip(self.size, self.dilations, strict=True))


def window(node: OnnxNode, size: tuple[int, ...], shape: tuple[int, ...]) -> Window:
    """The window of a node over a map of `shape`, with its padding in numbers."""
    rank = len(size)
    strides, dilations = (tuple(node.attribute(name) or (1,) * rank) for name in ("strides", "dilations"))
    given, auto = node.attribute("pads") or (0,) * (2 * rank), node.attribute("auto_pad", "NOTSET")
    if (
        not len(strides) == len(dilations) == len(given) / 2 == len(shape) == rank
        or min((*strides, *dilations, *size)) < 1
    ):
        raise node.refuse(f"its window of {rank} axes does not fit a map of shape {shape}", "export the network again")
    pads: Pairs = tuple(zip(map(int, given[:rank]), map(int, given[rank:]), strict=True))
    found = Window(size=size, strides=strides, dilations=dilations, pads=pads)
    if auto == "VALID":
        return Window(size=size, strides=strides, dilations=dilations, pads=((0, 0),) * rank)
    if auto.startswith("SAME"):
        totals = _same_totals(found, shape)
        pads = tuple((total // 2, total - total // 2) for total in totals)
        pads = tuple(pair[::-1] for pair in pads) if auto == "SAME_LOWER" else pads
        return Window(size=size, strides=strides, dilations=dilations, pads=pads)
    if min(min(pair) for pair in pads) < 0:
        raise node.refuse(f"its padding {pads} is negative", "crop the data instead")
    return found


def _same_totals(found: Window, shape: tuple[int, ...]) -> list[int]:
    steps = zip(shape, found.strides, found.reaches(), strict=True)
    return [max(0, (-(-size // stride) - 1) * stride + reach - size) for size, stride, reach in steps]


def same(found: Window, shape: tuple[int, ...]) -> bool:
    """Whether a window's padding is what Keras calls "same", and not none."""
    wanted = tuple((total // 2, total - total // 2) for total in _same_totals(found, shape))
    return found.pads == wanted and any(map(any, wanted))


def padded(walk: Walk, node: OnnxNode, tensor: Any, pads: Pairs) -> Any:
    """A Keras map with zeros around it."""
    if not any(map(any, pads)):
        return tensor
    given: Any = pads[0] if len(pads) == 1 else pads
    return walk.layer(f"ZeroPadding{len(pads)}D", node, tensor, "pad", padding=given)[0]


def pads_of(walk: Walk, node: OnnxNode, rank: int) -> np.ndarray:
    """What a Pad node puts around a tensor of one item's `rank`, (rank, 2); the items' own axis is refused."""
    given = walk.numbers(node, 1, "pads") or node.attribute("paddings") or []
    axes = walk.numbers(node, 3)
    count = rank + 1 if axes is None else len(axes)
    if len(given) != 2 * count:
        raise node.refuse(
            f"its {len(given)} numbers do not fit a tensor of {rank + 1} axes", "export the network again"
        )
    full = np.zeros((rank + 1, 2), int)
    full[list(range(rank + 1)) if axes is None else axes] = np.reshape(given, (2, count)).T
    if full[0].any() or full.min() < 0:
        raise node.refuse("it pads items, or by less than nothing", "leave it out")
    return full[1:]
