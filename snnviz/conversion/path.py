"""The layers of a Keras model in the order in which an image passes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from snnviz._models import own_call
from snnviz.conversion.problem import UNSUPPORTED, Problem


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One layer on the path from the image to the classes.

    Attributes:
        layer: the Keras layer (or operation).
        name: its name; within a nested model "outer/inner".
        place: where it stands, e.g. "layers[3]".
        training: True if the model calls it in training mode even at inference.
    """

    layer: Any
    name: str
    place: str
    training: bool = False

    @property
    def kind(self) -> str:
        """The layer's class name."""
        return type(self.layer).__name__

    def problem(self, reason: str, remedy: str = "") -> Problem:
        """A problem with this layer."""
        return Problem(layer=self.name, place=self.place, kind=self.kind, reason=reason, remedy=remedy)


def single_path(model: Any, prefix: str = "", place: str = "") -> tuple[list[Visit], list[Problem]]:
    """The layers of `model` in order, nested models opened up.

    Args:
        model: a Sequential or functional Keras model.
        prefix: put before layer names (a nested model's name and "/").
        place: put before places.

    Returns:
        the visits, and the problems that keep the model from being one path; where there are some, the visits hold what
        lies between the output and the first junction.
    """
    import keras

    if isinstance(model, keras.Sequential):
        steps = [(layer, False) for layer in model.layers]
        problems: list[Problem] = []
    else:
        steps, problems = _walk_back(model, prefix, place)
    positions = {id(layer): index for index, layer in enumerate(model.layers)}
    visits: list[Visit] = []
    for layer, training in steps:
        name, where = prefix + layer.name, place + _place(positions, layer)
        if isinstance(layer, keras.Sequential | keras.Function) and not own_call(layer):
            inner, more = single_path(layer, f"{name}/", f"{where}.")
            visits += inner
            problems += more
        else:
            visits.append(Visit(layer=layer, name=name, place=where, training=training))
    return visits, problems


def _place(positions: dict[int, int], layer: Any) -> str:
    # operations written as functions of tensors, such as x / 255, are not among model.layers
    return f"layers[{positions[id(layer)]}]" if id(layer) in positions else "an operation"


def _walk_back(model: Any, prefix: str, place: str) -> tuple[list[tuple[Any, bool]], list[Problem]]:
    """The operations of a functional model from input to output, and the layers that join several tensors."""
    positions = {id(layer): index for index, layer in enumerate(model.layers)}
    problems = []
    for operation in model.operations:
        joins = any(len(node.input_tensors) > 1 for node in operation._inbound_nodes)
        if joins:
            kind = type(operation).__name__
            reason, remedy = UNSUPPORTED.get(kind, UNSUPPORTED["Concatenate"])
            where = place + _place(positions, operation)
            problems.append(
                Problem(layer=prefix + operation.name, place=where, kind=kind, reason=reason, remedy=remedy)
            )
    steps: list[tuple[Any, bool]] = []
    tensor = model.outputs[0]
    while True:
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        training = bool(node.arguments.kwargs.get("training")) if not node.is_input else False
        steps.append((history.operation, training))
        if node.is_input or len(node.input_tensors) != 1:
            break
        tensor = node.input_tensors[0]
    return steps[::-1], problems
