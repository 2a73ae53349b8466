"""Labelled images as everything else takes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz.errors import InputError

if TYPE_CHECKING:
    from snnviz.datasets.recorded import Recorded

Labelled = TypeVar("Labelled", "Images", "Recorded")


class MissingSplit(InputError):
    """Data of one's own without the split that was asked for."""


@dataclass(frozen=True, eq=False)
class Images:
    """Images with their labels.

    Attributes:
        name: name of the data set, e.g. "mnist".
        split: which part of it, "train", "validation" or "test".
        x: float32 intensities in [0, 1], (items, height, width, channels) for pictures, (items, features) otherwise.
        y: int64 class indices, (items,).
        class_names: name of each class, in the order of the indices.
    """

    name: str
    split: str
    x: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "class_names", tuple(str(name) for name in self.class_names))
        check.different("class_names", self.class_names)
        object.__setattr__(self, "x", check.images("x", self.x))
        object.__setattr__(self, "y", check.labels("y", self.y, len(self.x), len(self.class_names)))

    def __len__(self) -> int:
        return len(self.x)

    @checked
    def take(self, n: int) -> Images:
        """The first `n` items, or all of them where there are fewer; the arrays are views of these."""
        n = check.integer("n", n, 1)
        return replace(self, x=self.x[:n], y=self.y[:n])


MOST_HELD_OUT = 10_000


@checked
def held_out_items(items: int) -> int:
    """How many of `items` training items are held out where nobody says: a fifth, at most 10 000.

    Whatever is not to be judged on items that it was fitted to goes by this rule: training, fine-tuning, sweeps, optimisation, the
    pages. Of the same items, the same are held out (`validation_split` with seed 0).
    """
    return min(MOST_HELD_OUT, items // 5)


def drawn(items: int, held_out: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the items that are held out, and of those that are kept, each ascending: the one place where they are drawn."""
    order = np.random.default_rng(seed).permutation(items)
    return np.sort(order[:held_out]), np.sort(order[held_out:])


@checked
def validation_split(images: Labelled, held_out: int | None = None, seed: int = 0) -> tuple[Labelled, Labelled]:
    """Split training images in two: what is trained on, and what is held out for validation.

    The held-out items are drawn by a permutation with a seed of its own, since many data sets are sorted (by class, or
    by who wrote the digits), so that their last items are no fair sample. Both parts keep the order of `images`.

    Args:
        images: the training images, or event recordings.
        held_out: how many items to hold out, at least one on either side; None for `held_out_items`, at least one.
        seed: of the permutation.

    Returns:
        (training images, validation images).
    """
    if not hasattr(images, "class_names"):
        raise InputError(f"`images` must be Images or Recorded. Received: {check.describe(images)}")
    if len(images) < 2:
        raise InputError(f"`images` must hold at least two items to be split. Received: {len(images)}")
    usual = max(1, held_out_items(len(images)))
    held_out = usual if held_out is None else check.integer("held_out", held_out, 1, len(images) - 1)
    out, kept = drawn(len(images), held_out, check.integer("seed", seed, 0))
    return (
        replace(images, x=images.x[kept], y=images.y[kept]),
        replace(images, split="validation", x=images.x[out], y=images.y[out]),
    )
