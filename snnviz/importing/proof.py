"""Proof at the door: what was read, run against what it was read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from snnviz._amounts import percent
from snnviz.errors import InputError

FEWEST_AGREE = 0.999
"""The least agreement of answers with which an import passes."""
PARTS = 1e-3
"""A layer parts from its origin where its largest deviation is above this fraction of its largest value."""
TIE = 1e-5
"""Scores this close to the largest, as a fraction of the largest magnitude, are as good an answer: rounding decides."""


@dataclass(frozen=True, kw_only=True)
class LayerProof:
    """One layer beside its origin.

    Attributes:
        layer: the Keras layer's name.
        node: the ONNX node's operator.
        deviation: largest absolute difference over items and numbers.
        largest: the largest magnitude of the origin's values.
    """

    layer: str
    node: str
    deviation: float
    largest: float

    @property
    def parts(self) -> bool:
        """Whether it parts from its origin."""
        return not self.deviation <= PARTS * self.largest + 1e-6


@dataclass(frozen=True, kw_only=True)
class Proof:
    """How closely a model that was read stands for its origin.

    Attributes:
        judge: what ran the origin.
        items: how many items were run.
        given: whether they were the user's own; random ones otherwise.
        deviation: largest absolute difference of a class score.
        largest: the largest magnitude of a class score.
        agreement: the fraction of items with the same answer (class of the largest score; scores within `TIE` are ties).
        layers: each layer, on the first items.
        folded: the same agreement of the network that the model was folded to; None before that.
    """

    judge: str
    items: int
    given: bool
    deviation: float
    largest: float
    agreement: float
    layers: tuple[LayerProof, ...]
    folded: float | None = None

    @property
    def parted(self) -> LayerProof | None:
        """The first layer that parts from its origin."""
        return next((layer for layer in self.layers if layer.parts), None)

    @property
    def sentence(self) -> str:
        """What it says, in one sentence."""
        items = f"{self.items} {'of your' if self.given else 'random'} items"
        text = (
            f"same answers as the original on {percent(self.agreement)} of {items} ({self.judge}), largest deviation of a score "
            f"{self.deviation:.2g} of {self.largest:.3g}"
        )
        if self.folded is not None:
            text += f", {percent(self.folded)} when folded"
        if (parted := self.parted) is None:
            return text
        return f"{text}; they part at layer {parted.layer!r} ({parted.node}), by {parted.deviation:.2g} of {parted.largest:.3g}"

    @classmethod
    def of(cls, numbers: Mapping[str, Any]) -> Proof:
        """The proof whose numbers `as_json` gave."""
        return cls(**{**numbers, "layers": tuple(LayerProof(**each) for each in numbers["layers"])})

    def as_json(self) -> dict[str, Any]:
        """The numbers, as JSON can hold them."""
        return {**asdict(self), "layers": [asdict(each) for each in self.layers]}

    def check(self, source: str) -> None:
        """Let nothing pass silently that answers otherwise than its origin.

        Raises:
            InputError: if the answers agree on less than `FEWEST_AGREE`.
        """
        if not min(self.agreement, 1.0 if self.folded is None else self.folded) >= FEWEST_AGREE:
            raise InputError(
                f"`model` must be read so that it answers as its original on {percent(FEWEST_AGREE, 1)} of items or more. "
                f"Received: {source!r}: {self.sentence}"
            )


def agreement(origin: np.ndarray, scores: np.ndarray) -> float:
    """The fraction of items to which scores (items, classes) give an answer that is the origin's, or as good by its scores."""
    best = origin.max(axis=1)
    ours = np.take_along_axis(origin, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    return float((ours >= best - TIE * np.abs(origin).max(axis=1)).mean())
