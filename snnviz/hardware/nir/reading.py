"""A NIR graph as a network."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import nir
import numpy as np

from snnviz.conversion.emitting import populations
from snnviz.conversion.linear import Affine, Linear, composed, joined
from snnviz.conversion.signals import Node
from snnviz.errors import InputError
from snnviz.hardware.nir.writing import METADATA, first_channels, frame, graph_of
from snnviz.network import (
    Conv2DProjection,
    Dense,
    DenseProjection,
    DepthwiseConv2D,
    DepthwiseProjection,
    IdentityProjection,
    Input,
    Padding,
    Shape,
    SpikingNetwork,
    decode,
)

LINEAR = (nir.Affine, nir.Linear, nir.Conv2d, nir.AvgPool2d, nir.SumPool2d)


def network_of(graph: nir.NIRGraph, dt: float | None = None, *, reset_said: bool = True) -> SpikingNetwork:
    """See `snnviz.hardware.nir.from_graph`.

    Args:
        graph: the graph.
        dt: its time step.
        reset_said: whether its neurons' `v_reset` was in the file, not filled in by the package nir.
    """
    order = _order(graph)
    ours = METADATA in graph.metadata
    if ours:
        restored = _restored(graph, order)
        if restored is not None:
            return restored
    try:
        return _understood(graph, order, dt, "zero" if reset_said and not ours else "subtract")
    except InputError:
        raise
    except (ValueError, TypeError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise InputError(f"`graph` must hold arrays that fit together. Received: {error}") from error


def _order(graph: nir.NIRGraph) -> list[str]:
    """The names of the nodes from the input to the output, each behind those that it takes from."""
    before = _before(graph)
    starts = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    if len(starts) != 1:
        raise InputError(f"`graph` must have one Input node. Received: {len(starts)}")
    order: dict[str, None] = {}
    ready = [name for name in starts if not before[name]]
    after: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for name, sources in before.items():
        for source in sources:
            after[source].append(name)
    while ready:
        order[name := ready.pop()] = None
        ready += [each for each in dict.fromkeys(after[name]) if all(source in order for source in before[each])]
    astray = [name for name in graph.nodes if name not in order]
    if astray:
        raise InputError(
            f"`graph` must lead from its Input to its end without a circle. Received: {astray[0]!r}, which it does not reach so"
        )
    ends = [name for name in order if not after[name]]
    if len(ends) > 1:
        raise InputError(f"`graph` must end in one node. Received: {ends[0]!r} and {ends[1]!r}")
    return list(order)


def _before(graph: nir.NIRGraph) -> dict[str, list[str]]:
    """For each node those that it takes from."""
    before: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for start, end in graph.edges:
        if start not in before or end not in before:
            raise InputError(f"`graph` must have edges between its nodes. Received: one from {start!r} to {end!r}")
        before[end].append(start)
    return before


def _restored(graph: nir.NIRGraph, order: list[str]) -> SpikingNetwork | None:
    """The network of the metadata with the weights of the nodes, or None where they do not fit together."""
    metadata = graph.metadata
    try:
        header = json.loads(metadata[METADATA])
        arrays = {name: np.asarray(value) for name, value in metadata.items() if name != METADATA}
        for index, (layer, places) in enumerate(zip(header["layers"], _written(header, graph, order), strict=True)):
            branches = "projections" in layer
            arrays[f"bias_{index}"] = np.asarray(graph.nodes[places[0][0]].bias)
            for place, (linear, neurons) in enumerate(places):
                entry = layer["projections"][place] if branches else layer
                weights = _original(entry, graph.nodes[linear].weight, _last_channels(graph.nodes[neurons].r.shape))
                arrays[f"weights_{index}_{place}" if branches else f"weights_{index}"] = weights
        network = decode(header, arrays, "graph")
        # another tool may have changed any node and kept the metadata
        written = graph_of(network)
        if network.is_path:  # of which tools may rename the nodes
            pairs = zip(_order(written), order, strict=True)
        else:
            pairs = zip(written.nodes, written.nodes, strict=True)
            if sorted(written.edges) != sorted(map(tuple, graph.edges)):
                return None
        same = all(_same(written.nodes[mine], graph.nodes[theirs]) for mine, theirs in pairs)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError, RecursionError):
        return None
    return network if same else None


def _written(header: Mapping[str, Any], graph: nir.NIRGraph, order: list[str]) -> list[list[tuple[str, str]]]:
    """For each layer of a header the linear nodes of its projections, and the neurons behind which they are."""
    if "nodes" in header:
        return [[(linear, neurons) for linear, neurons in places] for places in header["nodes"]]
    neurons = [name for name in order if isinstance(graph.nodes[name], nir.IF)]
    linears = [name for name in order if isinstance(graph.nodes[name], LINEAR)]
    return [[pair] for pair in zip(linears, neurons, strict=True)]


def _same(mine: nir.NIRNode, theirs: nir.NIRNode) -> bool:
    """Whether two nodes are of one kind and hold the same numbers."""
    names = [field.name for field in fields(mine) if field.name not in ("input_type", "output_type", "metadata")]
    if isinstance(mine, nir.Flatten):  # whose dimensions may count from either end; a dense layer takes all of them
        names = []
    return type(mine) is type(theirs) and all(
        np.array_equal(np.asarray(getattr(mine, name)), np.asarray(getattr(theirs, name))) for name in names
    )


def _original(entry: Mapping[str, Any], weight: np.ndarray, shape: Shape) -> np.ndarray:
    """The weights as the layer `entry` of a header has them, from those of its node."""
    if entry["kind"] == IdentityProjection.kind:
        channels = np.arange(weight.shape[1])
        return weight.reshape(weight.shape[:2])[entry["first"] + channels, channels]
    if entry["kind"] == Dense.kind:
        return _rows(weight, shape)
    ((top, bottom), (left, right)), spread = frame(entry["padding"], entry["dilation"])
    kernel = weight[:, :, top : weight.shape[2] - bottom, left : weight.shape[3] - right]
    if spread:
        kernel = kernel[:, :, :: entry["dilation"][0], :: entry["dilation"][1]]
    outputs, channels, height, width = kernel.shape
    depthwise = entry["kind"] == DepthwiseConv2D.kind
    groups = channels if depthwise else entry["groups"]
    per_group = channels // groups
    group = np.arange(outputs) // (outputs // groups)
    kernel = kernel[np.arange(outputs)[:, None], group[:, None] * per_group + np.arange(per_group)].transpose(
        2, 3, 1, 0
    )
    return kernel.reshape(height, width, channels, -1) if depthwise else kernel


def _rows(weight: np.ndarray, shape: Shape) -> np.ndarray:
    """A dense layer's weights (inputs, units) from an Affine node's, whose inputs have their channels first."""
    if len(shape) > 1:
        weight = np.moveaxis(weight.reshape(-1, shape[2], *shape[:2]), 1, 3).reshape(len(weight), -1)
    return weight.T


def _last_channels(shape: Shape) -> Shape:
    return (*map(int, shape[1:]), int(shape[0]))


@dataclass(frozen=True, eq=False)
class _Signal:
    """What a node sends: a node's spikes, or what a linear layer makes of them."""

    node: Node
    shape: Shape
    linear: Linear | None = None

    def term(self, name: str) -> tuple[Node, Linear]:
        """As one of a sum."""
        return self.node, self.linear or Linear.identity(name, self.shape)

    def through(self, linear: Linear) -> _Signal:
        """What another linear layer makes of it."""
        linear = linear if self.linear is None else _folded(self.linear, linear)
        return _Signal(self.node, linear.output_shape, linear)


def _understood(graph: nir.NIRGraph, order: list[str], dt: float | None, reset: str) -> SpikingNetwork:
    """The network that the nodes alone describe.

    Its metadata says under "nir" what no network says itself: with which `reset` and `input` the graph's neurons are simulated.
    """
    step = _time_step([node for node in graph.nodes.values() if isinstance(node, nir.IF)], dt)
    image = Node.image(_input_shape(graph.nodes[order[0]]))
    first = Input(shape=image.shape, initial_potential=0.0)
    made = {order[0]: _Signal(image, image.shape)}
    before, spiking = _before(graph), False
    for name in order[1:]:
        node, taken = graph.nodes[name], [made[source] for source in before[name]]
        shape = taken[0].shape
        if len(taken) > 1:
            _check_sum(name, node, taken)
        if isinstance(node, nir.Flatten):
            _check_shape(name, node.input_type["input"], shape)  # a dense layer flattens by itself
            made[name] = taken[0]
        elif isinstance(node, LINEAR):
            made[name] = taken[0].through(_linear_of(f"{name}_layer" if name == first.name else name, node, shape))
        elif isinstance(node, (nir.IF, nir.LIF)):
            factor = _factor(name, node, shape, step)
            if len(taken) > 1 or taken[0].linear is not None:
                scaled = Affine(scale=factor, shift=np.zeros(len(factor)))
                made[name] = _Signal(_summed(name, taken, shape).followed_by(scaled), shape)
            elif taken[0].node is image and not spiking and np.all(factor == 1) and _alone(before, order[0]):
                spiking, made[name] = True, taken[0]
            else:
                raise InputError(f"`graph` must have a linear node before each IF. Received: none before {name!r}")
        elif isinstance(node, nir.Output):
            _check_shape(name, node.output_type["output"], shape)
            made[name] = _Signal(_summed(name, taken, shape), shape) if len(taken) > 1 else taken[0]
        else:
            raise InputError(
                "`graph` must be made of Affine, Linear, Conv2d, AvgPool2d, SumPool2d, Flatten and IF nodes, or LIF nodes that do "
                f"not leak. Received: {type(node).__name__} {name!r}"
            )
    end = made[order[-1]]
    last = end.node if end.linear is None else _summed(order[-1], [end], end.shape)
    layers = [replace(layer, initial_potential=0.0) for layer in populations(last)] if last.terms else []
    meant = {"reset": reset, "input": "spiking" if spiking else "analog"}
    return SpikingNetwork(input=first, layers=tuple(layers), metadata={"nir": meant})


def _summed(name: str, taken: Sequence[_Signal], shape: Shape) -> Node:
    """The population that adds up what arrives; a sum of several has the name of its node."""
    terms = [signal.term(name) for signal in taken]
    if len(terms) > 1:
        terms = [(node, replace(linear, name=name)) for node, linear in terms]
    return Node(shape=shape, terms=tuple(terms))


def _alone(before: Mapping[str, list[str]], name: str) -> bool:
    """Whether one node alone takes what `name` sends."""
    return sum(sources.count(name) for sources in before.values()) == 1


def _check_sum(name: str, node: nir.NIRNode, taken: Sequence[_Signal]) -> None:
    if not isinstance(node, (nir.IF, nir.LIF, nir.Output)):
        raise InputError(
            "`graph` must add up what several nodes send in neurons, or at its Output. "
            f"Received: {len(taken)} edges to {type(node).__name__} {name!r}"
        )
    shapes = [first_channels(each.shape) for each in taken]
    if len(set(shapes)) > 1:
        raise InputError(
            f"`graph` must add up signals of one shape. Received: {shapes[0]} and {next(s for s in shapes if s != shapes[0])} "
            f"at {name!r}"
        )


def _folded(first: Linear, second: Linear) -> Linear:
    """Two linear nodes without neurons between them as one layer.

    Raises:
        InputError: if they make none.
    """
    made = joined(first, second) if second.kind is DenseProjection else [composed(first, second)]
    product = made[0] if made else None
    if product is None or product.output_shape != second.output_shape:
        raise InputError(
            f"`graph` must have IF neurons between {first.name!r} and {second.name!r}, which make no layer together: it would be "
            "too large, or zeros are padded where a window still sees the image. Received: no neurons there"
        )
    return product


def _time_step(neurons: list[nir.IF], dt: float | None) -> float:
    """The time step: `dt`, or 1.

    Raises:
        InputError: if there is none but one resistance throughout that is not 1: that is one over another tool's time step, and
            would multiply every weight.
    """
    values = {float(value) for node in neurons for value in np.unique(node.r)}
    if dt is None and len(values) == 1 and values != {1.0}:
        (value,) = values
        raise InputError(
            "`dt` must be given for a graph whose neurons all have one r that is not 1: SpikingJelly writes one over its time "
            f"step there, so that `dt` is 1 / r; 1 takes r for a resistance. Received: none, and r = {value:g} in every IF node"
        )
    return 1.0 if dt is None else dt


def _without_batch(shape: Shape) -> Shape:
    """A shape without a first dimension of 1 beyond those of an item, (features,) or (channels, height, width)."""
    return shape[1:] if len(shape) in (2, 4) and shape[0] == 1 else shape


def _input_shape(node: nir.Input) -> Shape:
    declared = node.input_type["input"]
    given = () if declared is None else tuple(int(size) for size in np.ravel(declared))
    shape = _without_batch(given)
    if len(shape) not in (1, 3):
        raise InputError(
            "`graph` must have an Input node that says the shape of an item, (features,) or (channels, height, width), which "
            f"the `infer_types` of a NIRGraph may find. Received: {given or 'none'}"
        )
    return _last_channels(shape)


def _check_shape(name: str, declared: Any, shape: Shape) -> None:
    """Raise `InputError` unless a node's shape is, flattened or not, that of the signal that reaches it."""
    if declared is None:
        return
    given = _without_batch(tuple(int(size) for size in np.ravel(declared)))
    if given not in (first_channels(shape), (math.prod(shape),)):
        raise InputError(
            f"`graph` must have shapes that follow from one another, {first_channels(shape)} at {name!r}. Received: {given}"
        )


def _factor(name: str, node: nir.IF | nir.LIF, shape: Shape, dt: float) -> np.ndarray:
    """What the weights before neurons are multiplied by to have threshold 1: (channels,), or one for each of flat neurons.

    Raises:
        InputError: if they are no such neurons, or not as many as the signal that reaches them.
    """
    threshold = _each(name, "v_threshold", node.v_threshold, shape)
    if np.any(threshold <= 0) or np.any(np.asarray(node.v_reset) != 0):
        raise InputError(
            f"`graph` must have IF nodes with thresholds above 0 and resets at 0. Received: others in {name!r}"
        )
    if isinstance(node, nir.IF):
        return dt * _each(name, "r", node.r, shape) / threshold
    # snnTorch writes tau = dt / (1 - beta) and r = tau / dt, so a neuron without a leak, beta = 1, has both infinite
    if not (np.all(np.isposinf(node.tau)) and np.all(np.isposinf(node.r))):
        raise InputError(
            "`graph` must have neurons without a leak: IF nodes, or LIF nodes whose tau and r are infinite. Received: LIF "
            f"{name!r} with tau {np.min(node.tau):g} and r {np.min(node.r):g}"
        )
    return 1 / threshold


def _each(name: str, field: str, values: Any, shape: Shape) -> np.ndarray:
    """A parameter of neurons, (channels,), or (neurons,) of flat ones.

    It may be one number, one of each channel, (channels, 1, 1), or one of each neuron.
    """
    array = np.asarray(values, np.float64)
    size = shape[-1]
    if array.size == 1:
        return np.full(size, float(array.reshape(())))
    given = _without_batch(array.shape)
    if given not in (first_channels(shape), (size, 1, 1)):
        raise InputError(
            f"`graph` must have one {field} for all neurons of {name!r}, or {first_channels(shape)} of them. Received: {given}"
        )
    channels = array.reshape(size, -1)
    if np.any(channels != channels[:, :1]):
        raise InputError(f"`graph` must have one {field} a channel in {name!r}. Received: different ones")
    return channels[:, 0]


def _linear_of(name: str, node: nir.NIRNode, shape: Shape) -> Linear:
    """A linear node as what folds."""
    if isinstance(node, (nir.Affine, nir.Linear)):
        weight = np.asarray(node.weight, np.float64)
        if weight.ndim != 2 or weight.shape[1] != math.prod(shape):
            raise InputError(
                f"`graph` must have weights (outputs, {math.prod(shape)}) in {name!r}. Received: {weight.shape}"
            )
        bias = np.asarray(getattr(node, "bias", np.zeros(len(weight))), np.float64)
        return Linear(kind=DenseProjection, name=name, input_shape=shape, weights=_rows(weight, shape), bias=bias)
    if len(shape) != 3:
        raise InputError(f"`graph` must give {name!r} images (channels, height, width). Received: shape {shape}")
    common: dict[str, Any] = {"name": name, "input_shape": shape, "strides": _pair(node.stride)}
    if isinstance(node, nir.Conv2d):
        if node.input_shape is not None and _pair(node.input_shape) != shape[:2]:
            raise InputError(
                f"`graph` must have shapes that follow from one another, {shape[:2]} at {name!r}. "
                f"Received: {_pair(node.input_shape)}"
            )
        weight = np.asarray(node.weight, np.float64)
        dilation = _pair(node.dilation)
        return Linear(
            kind=Conv2DProjection,
            weights=weight.transpose(2, 3, 1, 0),
            bias=np.asarray(node.bias, np.float64),
            padding=_padding(node.padding, weight.shape[2:], dilation),
            dilation=dilation,
            groups=int(node.groups),
            **common,
        )
    size, average = _pair(node.kernel_size), isinstance(node, nir.AvgPool2d)
    return Linear(
        kind=DepthwiseProjection,
        weights=np.full((*size, shape[2], 1), 1 / math.prod(size) if average else 1.0),
        bias=np.zeros(shape[2]),
        padding=_padding(node.padding, size, (1, 1)),
        pooling=average,
        **common,
    )


def _pair(value: Any) -> tuple[int, int]:
    both = np.broadcast_to(np.asarray(value), 2)
    return int(both[0]), int(both[1])


def _padding(value: Any, kernel: tuple[int, ...], dilation: tuple[int, int]) -> Padding:
    if not isinstance(value, str):
        high, wide = _pair(value)
        return (high, high), (wide, wide)
    if value == "valid":
        return (0, 0), (0, 0)
    total = [dilation[axis] * (kernel[axis] - 1) for axis in range(2)]  # "same", as PyTorch splits it
    return (total[0] // 2, total[0] - total[0] // 2), (total[1] // 2, total[1] - total[1] // 2)
