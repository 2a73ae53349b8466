"""From a Keras model to a network: read, simplify, fold, merge, emit; each pass a function of what the one before it made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from snnviz.conversion.emitting import image_of, populations, read_out
from snnviz.conversion.folding import fold
from snnviz.conversion.merging import merge
from snnviz.conversion.obstacle import Obstacle, Refusal
from snnviz.conversion.reading import read
from snnviz.conversion.signals import Node
from snnviz.conversion.simplifying import simplify
from snnviz.errors import InputError
from snnviz.network import Input, SpikingNetwork


@dataclass(frozen=True, eq=False, kw_only=True)
class Understood:
    """What is known of a model.

    Attributes:
        last: the node that is read out; None if there are problems.
        image: the node that stands for the image.
        problems: why the model cannot be converted, in the order of the layers.
        input_range: what the model takes for full intensity.
    """

    last: Node | None
    image: Node | None
    problems: list[Obstacle]
    input_range: float

    def network(self, class_names: tuple[str, ...], metadata: Mapping[str, Any]) -> SpikingNetwork:
        """The network with the model's own weights and scales, not normalised.

        Raises:
            InputError: naming the first problem, if there are any.
        """
        if self.last is None or self.image is None:
            more = len(self.problems) - 1
            raise InputError(
                f"`model` must be convertible. Received: {self.problems[0]}"
                + (f" (and {more} more problem{'s' if more > 1 else ''}; `snnviz check` lists all)" if more else "")
            )
        return SpikingNetwork(
            input=Input(shape=self.image.shape),
            layers=tuple(populations(self.last)),
            class_names=class_names,
            metadata=metadata,
        )


def understand(model: Any, input_range: float | None = None) -> Understood:
    """All passes but normalising, over a Keras model.

    Args:
        model: the model.
        input_range: what it takes for full intensity; None, what it shows.

    Raises:
        InputError: if `model` is no Keras model.
    """
    classifier = simplify(read(model, input_range))
    last, problems = fold(classifier)
    image = None
    try:
        if last is not None:
            last = read_out(merge(last), last.visit or classifier.whole)
            image = image_of(last)
    except Refusal as refusal:
        last, problems = None, [refusal.problem]
    return Understood(last=last, image=image, problems=problems, input_range=classifier.input_range)
