"""The layers of a Keras model in the order in which an image passes them, and what each takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from snnviz._models import own_call

IMAGE = -1
"""Stands for the image among what a layer takes."""


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One layer on the way from the image to the classes.

    Attributes:
        layer: the Keras layer (or operation).
        name: its name; within a nested model "outer/inner".
        place: where it stands, e.g. "layers[3]".
        training: True if the model calls it in training mode even at inference.
        takes: whose outputs it takes, by their places in the list of visits; `IMAGE` for the image.
    """

    layer: Any
    name: str
    place: str
    training: bool = False
    takes: tuple[int, ...] = (IMAGE,)

    @property
    def kind(self) -> str:
        """The layer's class name."""
        return type(self.layer).__name__

    @property
    def base(self) -> str:
        """The layer's own name."""
        return self.name.rpartition("/")[2]

    def called(self, signals: Sequence[Any]) -> Any:
        """What the layer makes of the signals that it takes."""
        if self.kind == "InputLayer":
            return signals[0]
        return self.layer(signals[0] if len(signals) == 1 else list(signals))


def visits(model: Any) -> list[Visit]:
    """The layers of a Sequential or functional model, each behind those that it takes from, nested models opened up.

    The last is the model's output. A nested model that is called twice is there twice.
    """
    found: list[Visit] = []
    _walk(model, [IMAGE], found, "", "")
    return found


T = TypeVar("T")


def through(found: Sequence[Visit], image: T, make: Callable[[Visit, list[T]], T]) -> dict[int, T]:
    """What `make` gives for each visit of that which it gave for those that the visit takes from, by place; at `IMAGE`, `image`."""
    made = {IMAGE: image}
    for place, visit in enumerate(found):
        made[place] = make(visit, [made[source] for source in visit.takes])
    return made


def _walk(model: Any, given: Sequence[int], found: list[Visit], prefix: str, place: str) -> list[int]:
    """Append the visits of `model`, which is given the outputs of some visits, and return which visits its outputs are."""
    import keras

    positions = {id(layer): index for index, layer in enumerate(model.layers)}

    def go(layer: Any, takes: Sequence[int], training: bool) -> list[int]:
        # operations written as functions of tensors, such as x / 255, are not among model.layers
        where = f"layers[{positions[id(layer)]}]" if id(layer) in positions else "an operation"
        name, where = prefix + layer.name, place + where
        if isinstance(layer, keras.Sequential | keras.Function) and not own_call(layer):
            return _walk(layer, takes, found, f"{name}/", f"{where}.")
        found.append(Visit(layer=layer, name=name, place=where, training=training, takes=tuple(takes)))
        return [len(found) - 1]

    if isinstance(model, keras.Sequential):
        here = list(given)
        for layer in model.layers:
            here = go(layer, here[:1], False)
        return here
    known: dict[Any, int] = {}  # which visit makes a tensor
    inputs = {_key(tensor): source for tensor, source in zip(model.inputs, given, strict=False)}
    waiting = list(model.outputs)
    while waiting:
        history = waiting[-1]._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        missing = [tensor for tensor in node.input_tensors if _key(tensor) not in known]
        if missing and _key(waiting[-1]) not in known:
            waiting += missing[::-1]  # so that the first is followed to its beginning first
            continue
        if (key := _key(waiting.pop())) not in known:
            takes = [inputs.get(key, IMAGE)] if node.is_input else [known[_key(each)] for each in node.input_tensors]
            training = bool(not node.is_input and node.arguments.kwargs.get("training"))
            made = go(history.operation, takes, training)
            for index, tensor in enumerate(node.output_tensors):
                known[_key(tensor)] = made[min(index, len(made) - 1)]
    return [known[_key(tensor)] for tensor in model.outputs]


def _key(tensor: Any) -> tuple[int, int, int]:
    history = tensor._keras_history
    return id(history.operation), history.node_index, history.tensor_index
