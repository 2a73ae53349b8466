"""An ONNX graph as a Keras model, and the proof that both answer alike."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.importing import activations, files, moving, pooling, weighted
from snnviz.importing.graph import KerasOutput, OnnxNode, Reader, Walk, opset_of
from snnviz.importing.held import Disorder, Held
from snnviz.importing.origin import Origin
from snnviz.importing.proof import LayerProof, Proof, agreement

if TYPE_CHECKING:
    import keras
    import onnx

READERS: dict[str, Reader] = {**weighted.READERS, **pooling.READERS, **moving.READERS, **activations.READERS}
"""Who reads which operator."""
RANDOM_ITEMS = 8
"""Items that a model is proved on where there are none."""
LAYER_ITEMS = 4
"""Items on which every layer is compared."""
_BUDGET = 2**28
"""Bytes of activations at a time while comparing."""
_COLOURS = (1, 3, 4)


@dataclass(frozen=True, eq=False, kw_only=True)
class Import:
    """A network that was read.

    Attributes:
        model: the Keras model, channels last; its input is what the graph takes, or, with mean and deviation given, intensities.
        source: where it is from.
        original: gives the scores of items as the graph takes them, where the graph was made of something else, a PyTorch module.
        judge: what that is run by, with its version.
    """

    model: keras.Model
    source: str
    original: Callable[[np.ndarray], np.ndarray] | None = None
    judge: str = ""
    _origin: Origin
    _input: Held
    _kind: np.dtype[Any]
    _mean: np.ndarray
    _std: np.ndarray
    _made: tuple[KerasOutput, ...]
    _output: str

    def proof(self, x: np.ndarray | None = None) -> Proof:
        """Run model and origin on the same items.

        Args:
            x: items as the Keras model takes them, (items, *model.input_shape[1:]); None draws `RANDOM_ITEMS` in [0, 1).
        """
        items, taken = self._items(x)
        expected = np.asarray(self._answers(taken), np.float64).reshape(len(items), -1)
        scores = np.asarray(self.model.predict(items, batch_size=self._batch_size(), verbose=0), np.float64)
        scores = scores.reshape(len(items), -1)
        return Proof(
            judge=self.judge or self._origin.judge,
            items=len(items),
            given=x is not None,
            deviation=float(np.abs(expected - scores).max()),
            largest=float(np.abs(expected).max()),
            agreement=agreement(expected, scores),
            layers=self._by_layer(items[:LAYER_ITEMS], taken[:LAYER_ITEMS]),
        )

    def _answers(self, taken: np.ndarray) -> np.ndarray:
        return self.original(taken) if self.original else self._origin.runner([self._output])(taken)[0]

    def channels_last(self, x: np.ndarray) -> np.ndarray:
        """Items as Keras takes them, given so, or with channels first as the graph has them."""
        own, theirs = tuple(self.model.input_shape[1:]), self._input.shape
        if own == theirs or x.shape[1:] != theirs or self._input.axes is None:
            return x
        return x.transpose(0, *(axis + 1 for axis in self._input.axes))

    def _items(self, x: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Items as the Keras model takes them, and as the graph does."""
        shape = tuple(self.model.input_shape[1:])
        whole = self._kind.kind in "iu"
        if x is None:
            x = np.random.default_rng(0).random((RANDOM_ITEMS, *shape)) * (255 if whole else 1)
        items = np.asarray(x, np.float32).reshape(len(x), *shape)
        items = np.rint(items) if whole else items
        normalised = (items - self._mean) / self._std
        return items, normalised.reshape(len(items), -1)[:, self._input.places].astype(self._kind)

    def _batch_size(self) -> int:
        numbers = sum(math.prod(made.held.inner) for made in self._made)
        return max(1, min(64, _BUDGET // (4 * numbers + 1)))

    def _by_layer(self, items: np.ndarray, taken: np.ndarray) -> tuple[LayerProof, ...]:
        """Every layer beside its node, an item at a time, since all activations of a large network are many."""
        import keras

        run = self._origin.runner([made.output for made in self._made])
        inner = keras.Model(self.model.inputs, [made.held.tensor for made in self._made])
        found = np.zeros((len(self._made), 2))
        for item in range(len(items)):
            read = inner([items[item : item + 1]], training=False)
            for row, made, ours, theirs in zip(found, self._made, read, run(taken[item : item + 1]), strict=True):
                expected = np.asarray(theirs, np.float64).ravel()
                ours = np.asarray(ours, np.float64).ravel()[made.held.places.ravel()]
                row[:] = np.maximum(row, (np.abs(ours - expected).max(initial=0), np.abs(expected).max(initial=0)))
        return tuple(
            LayerProof(layer=made.layer, node=made.node.op, deviation=float(deviation), largest=float(largest))
            for made, (deviation, largest) in zip(self._made, found, strict=True)
        )


@checked
def read_onnx(
    path: str | os.PathLike[str], mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> Import:
    """Read an ONNX file as a Keras model with channels last, layers named after nodes.

    Args:
        path: the .onnx file; weights that it keeps in further files are read from its own folder only.
        mean: what is subtracted from intensities in [0, 1] before the graph, one number or one per channel; None, nothing.
        std: what they are divided by then; None, nothing.

    Raises:
        InputError: if it is no whole ONNX file, or has what no Keras layer expresses, naming the node, its operator and a remedy.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(
            f"`model` must be an .onnx file. Received: {str(path)!r}, which is not there{check.beside(path)}"
        )
    return build(files.read(file), str(path), mean, std)


def build(
    proto: onnx.ModelProto, source: str, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> Import:
    """Read an ONNX model that is in memory; arguments as in `read_onnx`, `source` names it in messages."""
    import keras
    import onnx

    graph = proto.graph
    if len(proto.functions) or len(graph.sparse_initializer):
        raise InputError(
            f"`model` must be a plain graph of ONNX operators. Received: {source!r}, with functions of its own or sparse tensors; "
            "`onnx.inliner.inline_local_functions(model)` makes one of functions"
        )
    nodes = [OnnxNode(each) for each in graph.node]
    constants = {each.name: _array(each) for each in graph.initializer}
    given = _only([each for each in graph.input if each.name not in constants], "input", source)
    output = _only(graph.output, "output", source).name
    batch, shape = _shape(given, source)
    order = _order(shape, nodes, given.name)
    entry = keras.Input(tuple(shape[axis] for axis in order), name="image")
    held = Held(tensor=entry, shape=shape, axes=order)
    walk = Walk(opset_of(proto), batch, {**constants}, _uses(nodes, output))
    kind = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(given.type.tensor_type.elem_type))
    shift, scale = (_preprocessing(name, value, held) for name, value in (("mean", mean), ("std", std)))
    before = held
    if mean is not None or std is not None:
        before = held.computed(weighted.affine_layer(walk, _PREPROCESSING, entry, 1 / scale, -shift / scale))
    walk.values[given.name] = before
    walk.go(nodes, READERS)
    scores = _scores(walk, output, source)
    model = keras.Model(entry, scores, name=Path(source).stem.replace("/", "_") or "model")
    made = tuple(each for each in walk.made.values() if each.held.tensor is not entry)
    return Import(
        model=model,
        source=source,
        _origin=Origin(proto, batch),
        _input=held,
        _kind=kind,
        _mean=shift.astype(np.float32),
        _std=scale.astype(np.float32),
        _made=made,
        _output=output,
    )


def _named(name: str) -> Any:
    """Stands for a node, where there is none to name a layer after."""
    return type("Named", (), {"name": name})()


_PREPROCESSING, _OUTPUT = _named("preprocessing"), _named("scores")


def _array(tensor: Any) -> np.ndarray:
    import onnx

    try:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    except Exception as error:  # of whatever kind numpy or onnx raises
        raise InputError(
            f"`model` must have all its weights. Received: one whose {tensor.name!r} of {list(tensor.dims)} cannot be read"
        ) from error


def _only(values: Sequence[Any], what: str, source: str) -> Any:
    if len(values) != 1:
        names = ", ".join(repr(each.name) for each in values[:4])
        raise InputError(
            f"`model` must have one {what}. Received: {source!r} with {len(values)} ({names}); "
            "`onnx.utils.extract_model(path, new, [input], [output])` takes the part from image to class scores"
        )
    return values[0]


def _uses(nodes: Sequence[OnnxNode], output: str) -> Counter[str]:
    return Counter([*(name for node in nodes for name in node.inputs), output])


def _shape(given: Any, source: str) -> tuple[int, tuple[int, ...]]:
    """How many items the graph takes at a time, and the shape of one."""
    sizes = [int(dim.dim_value) for dim in given.type.tensor_type.shape.dim]
    if len(sizes) not in (2, 3, 4, 5) or min(sizes[1:]) < 1:
        said = [dim.dim_param or dim.dim_value or "?" for dim in given.type.tensor_type.shape.dim]
        raise InputError(
            f"`model` must take items of one size, (items, channels, height, width). Received: {source!r}, whose input "
            f"{given.name!r} is {said}; export it for the size it is used at, with only the first axis free"
        )
    return max(1, sizes[0]), tuple(sizes[1:])


def _order(shape: tuple[int, ...], nodes: Sequence[OnnxNode], name: str) -> tuple[int, ...]:
    """The graph's axes in the order in which Keras holds its input: channels last.

    What first takes the image tells where its channels are; where that is a dense layer, the sizes do.
    """
    rank = len(shape)
    here, last_first = tuple(range(rank)), (*range(1, rank), 0)
    for node in nodes:
        if name not in node.inputs:
            continue
        if node.op == "Transpose":
            return here
        if node.op in _BY_CHANNEL:
            return last_first
        if node.op not in _POINTWISE:
            break
        name = node.outputs[0]
    colours_last = shape[-1] in _COLOURS and shape[0] not in _COLOURS
    return here if rank != 3 or colours_last else last_first


_BY_CHANNEL = ("Conv", "AveragePool", "MaxPool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "LRN")
_POINTWISE = ("Add", "Sub", "Mul", "Div", "Cast", "Identity", "Relu", "Clip", "Dropout", "Pad")


def _preprocessing(name: str, given: Sequence[float] | None, held: Held) -> np.ndarray:
    """A mean or deviation, one number per channel."""
    channels = held.inner[-1]
    if given is None:
        return np.full(channels, 0.0 if name == "mean" else 1.0)
    values = [check.real(name, value, 0, 2**32, above=name == "std") for value in given]
    if len(values) not in (1, channels):
        raise InputError(
            f"`{name}` must be one number, or {channels}, one per channel. Received: {check.describe(list(given))}"
        )
    return np.broadcast_to(np.asarray(values, np.float64), channels)


def _scores(walk: Walk, output: str, source: str) -> Any:
    """The Keras tensor of class scores."""
    held = walk.values.get(output)
    if not isinstance(held, Held):
        raise InputError(f"`model` must compute its output from its input. Received: {source!r}, which does not")
    classes = max(held.shape, default=1)
    if held.size > classes:  # no classifier: `check_convertible` says so
        return held.tensor
    try:
        flat = held.reshaped((held.size,))
        return walk.arranged(_OUTPUT, flat, (0,))
    except Disorder:
        raise InputError(
            f"`model` must give class scores in the order of its last layer. Received: {source!r}, which reorders them"
        ) from None
