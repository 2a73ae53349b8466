"""One walk over an ONNX graph, which makes a Keras layer of each node that computes something."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from snnviz.errors import InputError
from snnviz.importing.constants import FOLDED, folded
from snnviz.importing.held import Disorder, Held
from snnviz.importing.refusal import refuse, refuse_unknown

if TYPE_CHECKING:
    import onnx

Reader: TypeAlias = "Callable[[Walk, OnnxNode], Held | Sequence[Held]]"
_OWN_DOMAINS = ("", "ai.onnx")


@dataclass(frozen=True, eq=False)
class OnnxNode:
    """A node of the graph."""

    proto: Any

    @property
    def op(self) -> str:
        """Its operator."""
        domain = "" if self.proto.domain in _OWN_DOMAINS else f"{self.proto.domain}."
        return f"{domain}{self.proto.op_type}"

    @property
    def inputs(self) -> list[str]:
        """The names of what it takes; empty for what is left out."""
        return list(self.proto.input)

    @property
    def outputs(self) -> list[str]:
        """The names of what it makes."""
        return list(self.proto.output)

    @property
    def name(self) -> str:
        """Its own name, else that of what it makes."""
        return self.proto.name or next(iter(self.outputs), "") or self.op

    @property
    def said(self) -> str:
        """The node in a message."""
        return f"node {self.name[:80]!r} ({self.op})"

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Its attributes by name; texts as str."""
        import onnx

        found = {each.name: onnx.helper.get_attribute_value(each) for each in self.proto.attribute}
        return {
            name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            for name, value in found.items()
        }

    def attribute(self, name: str, default: Any = None) -> Any:
        """One of its attributes."""
        return self.attributes.get(name, default)

    def refuse(self, reason: str, remedy: str) -> InputError:
        """The error that says why it cannot be read."""
        return refuse(self, reason, remedy)


@dataclass(frozen=True, eq=False, kw_only=True)
class KerasOutput:
    """What a node has made by a layer: the name of its output, and where Keras holds it."""

    node: OnnxNode
    output: str
    held: Held
    layer: str


class Walk:
    """What the nodes so far have made.

    Attributes:
        opset: the version of ONNX' operators that the graph is written in.
        batch: items at a time that the graph was written for; 1 where it takes any number.
        values: what each name stands for: a constant, or a tensor.
        made: what layers made, in order, for a comparison with the origin, by the identity of the Keras tensor.
    """

    def __init__(self, opset: int, batch: int, values: dict[str, np.ndarray | Held], uses: Counter[str]) -> None:
        self.opset = opset
        self.batch = batch
        self.values = values
        self.made: dict[int, KerasOutput] = {}
        self._uses = uses
        self._names: set[str] = set()
        self.latest = ""

    def go(self, nodes: Sequence[OnnxNode], readers: Mapping[str, Reader]) -> None:
        """Read all nodes, in order.

        Raises:
            InputError: for the first that cannot be expressed.
        """
        unknown = [node for node in nodes if node.op not in readers and node.op not in FOLDED]
        if unknown:
            raise refuse_unknown(unknown)
        for node in nodes:
            self._read(node, readers)

    def _read(self, node: OnnxNode, readers: Mapping[str, Reader]) -> None:
        missing = [name for name in node.inputs if name and name not in self.values]
        if missing:
            raise InputError(
                f"`model` must be a whole graph. Received: {node.said}, which takes {missing[0][:80]!r} before it is made"
            )
        given = [self.values[name] if name else None for name in node.inputs]
        tensors = [value for value in given if isinstance(value, Held)]
        if node.op == "Shape" and tensors:
            full = np.asarray(self.full_shape(tensors[0]), np.int64)
            self.values[node.outputs[0]] = full[node.attribute("start", 0) : node.attribute("end", None)]
            return
        if not tensors and node.op in FOLDED:
            constants = [value for value in given if not isinstance(value, Held)]
            self.values |= zip(node.outputs, folded(node, constants, self.opset), strict=False)
            return
        if node.op not in readers or not tensors:
            raise refuse_unknown([node])
        try:
            found = readers[node.op](self, node)
        except Disorder:
            raise node.refuse(
                "what it takes has been reordered in a way that no layer undoes",
                "leave the reordering before it out and retrain",
            ) from None
        for name, held in zip(node.outputs, [found] if isinstance(found, Held) else found, strict=False):
            self._keep(node, name, held)

    def _keep(self, node: OnnxNode, name: str, held: Held) -> None:
        if self._uses[name] != 1:
            held = replace(held, layer=None, affine=None)  # others take what it makes: nothing can be folded into it
        self.values[name] = held
        self.made.setdefault(id(held.tensor), KerasOutput(node=node, output=name, held=held, layer=self.latest))

    def full_shape(self, held: Held) -> tuple[int, ...]:
        """The shape of a tensor in the graph, with its items."""
        return (self.batch, *held.shape)

    # what readers ask

    def tensor(self, node: OnnxNode, place: int = 0) -> Held:
        """The tensor that a node takes, where it must not be a constant."""
        found = self.values.get(node.inputs[place]) if place < len(node.inputs) else None
        if not isinstance(found, Held):
            raise node.refuse(f"its input {place} is constant", "fold constants when exporting")
        return found

    def constant(self, node: OnnxNode, place: int, attribute: str = "", default: Any = None) -> Any:
        """What a node takes at a place where it must be constant, or by an attribute as earlier opsets wrote it."""
        if place < len(node.inputs) and node.inputs[place]:
            found = self.values[node.inputs[place]]
            if isinstance(found, Held):
                raise node.refuse(f"its input {place} depends on the image", "use one that is constant")
            return found
        return node.attribute(attribute, default)

    def numbers(self, node: OnnxNode, place: int, attribute: str = "") -> list[int] | None:
        """The whole numbers of such a constant; None where it is left out."""
        found = self.constant(node, place, attribute)
        return None if found is None else [int(value) for value in np.asarray(found).ravel()]

    def axes(self, node: OnnxNode, given: Sequence[int], rank: int) -> list[int]:
        """Axes of the graph's tensor as those of one item, counted from 0; the axis of the items is refused."""
        found = [axis + rank + 1 if axis < 0 else axis for axis in given]
        if any(not 1 <= axis <= rank for axis in found):
            raise node.refuse(
                f"it works along axes {list(given)}, of which one is that of the items", "keep items apart"
            )
        return [axis - 1 for axis in found]

    def channels_last(self, node: OnnxNode, held: Held) -> Any:
        """A tensor's Keras tensor, with the graph's channels last."""
        return self.arranged(node, held, held.last_first)

    def arranged(self, node: OnnxNode, held: Held, order: tuple[int, ...]) -> Any:
        """A tensor's Keras tensor with the graph's axes in `order`."""
        return held.arranged(order, lambda source, channels: self._picked(node, source, channels))

    def _picked(self, node: OnnxNode, held: Held, channels: np.ndarray) -> Any:
        """Chosen channels of a tensor: a convolution of one position with weights of 0 and 1, whose neurons pass spikes on."""
        rank, size = len(held.inner) - 1, held.inner[-1]
        kernel = (np.arange(size)[:, None] == channels).reshape(*(1,) * rank, size, len(channels))
        kind = f"Conv{rank}D" if rank else "Dense"
        config: dict[str, Any] = {"filters": len(channels), "kernel_size": 1} if rank else {"units": len(channels)}
        activation = "relu" if held.nonnegative else None
        tensor, layer = self.layer(kind, node, held.tensor, "pick", use_bias=False, activation=activation, **config)
        layer.kernel.assign(kernel)
        return tensor

    def layer(self, kind: str, node: OnnxNode, tensors: Any, part: str = "", **config: Any) -> tuple[Any, Any]:
        """What a new Keras layer makes of tensors, and the layer.

        Args:
            kind: the layer's class.
            node: it is named after this.
            tensors: one or a list.
            part: distinguishes several layers of one node.
            **config: its arguments.
        """
        import keras

        layer = getattr(keras.layers, kind)(name=self._name(f"{node.name}_{part}" if part else node.name), **config)
        made = layer(tensors)
        self.latest = layer.name
        return made, layer

    def _name(self, wanted: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_.-]+", "_", wanted).strip("_.-")[:120] or "layer"
        name, number = base, 2
        while name in self._names:
            name, number = f"{base}_{number}", number + 1
        self._names.add(name)
        return name

    def changed(self, held: Held) -> None:
        """Note that a layer computes something else than it did: what is made next is compared instead."""
        self.made.pop(id(held.tensor), None)


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX' own operators that a model is written in."""
    return next((int(each.version) for each in model.opset_import if each.domain in _OWN_DOMAINS), 1)
