"""A NIR graph as a network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import nir
import numpy as np

from snnviz.errors import InputError
from snnviz.hardware.nir.writing import METADATA, frame, graph_of
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Input, Layer, Padding, Shape, SpikingNetwork, decode

LINEAR = (nir.Affine, nir.Linear, nir.Conv2d, nir.AvgPool2d, nir.SumPool2d)


def network_of(graph: nir.NIRGraph) -> SpikingNetwork:
    """See `snnviz.hardware.nir.from_graph`."""
    chain = _chain(graph)
    if METADATA in graph.metadata:
        restored = _restored(chain, graph.metadata)
        if restored is not None:
            return restored
    try:
        return _understood(chain)
    except InputError:
        raise
    except (ValueError, TypeError, IndexError, AttributeError, ZeroDivisionError) as error:
        raise InputError(f"`graph` must hold arrays that fit together. Received: {error}") from error


def _chain(graph: nir.NIRGraph) -> list[tuple[str, nir.NIRNode]]:
    """The nodes in the order of the signal, from the input to the output."""
    after: dict[str, str] = {}
    for start, end in graph.edges:
        if start in after or end in after.values():
            raise InputError(f"`graph` must be a single chain of nodes. Received: a branch at {start!r} to {end!r}")
        after[start] = end
    starts = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    if len(starts) != 1:
        raise InputError(f"`graph` must have one Input node. Received: {len(starts)}")
    chain = [starts[0]]
    while chain[-1] in after and len(chain) <= len(graph.nodes):
        chain.append(after[chain[-1]])
    if len(chain) != len(graph.nodes) or any(name not in graph.nodes for name in chain):
        raise InputError(
            f"`graph` must be a single chain of nodes. Received: {len(graph.nodes)}, {len(chain)} in a chain"
        )
    return [(name, graph.nodes[name]) for name in chain]


def _restored(chain: list[tuple[str, nir.NIRNode]], metadata: Mapping[str, Any]) -> SpikingNetwork | None:
    """The network of the metadata with the weights of the nodes, or None where they do not fit together."""
    try:
        header = json.loads(metadata[METADATA])
        arrays = {name: np.asarray(value) for name, value in metadata.items() if name != METADATA}
        nodes: list[nir.NIRNode] = []
        shape: Shape = ()
        for _, node in chain:
            if isinstance(node, nir.IF):
                shape = _last_channels(node.r.shape)
            elif isinstance(node, LINEAR):
                entry = header["layers"][len(nodes)]
                arrays[f"weights_{len(nodes)}"] = _original(entry, node.weight, shape)
                arrays[f"bias_{len(nodes)}"] = np.asarray(node.bias)
                nodes.append(node)
        network = decode(header, arrays, "graph")
        # another tool may have changed any node and kept the metadata
        written = _chain(graph_of(network))
        same = all(_same(mine, theirs) for (_, mine), (_, theirs) in zip(written, chain, strict=True))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, ZeroDivisionError, RecursionError):
        return None
    return network if same else None


def _same(mine: nir.NIRNode, theirs: nir.NIRNode) -> bool:
    """Whether two nodes are of one kind and hold the same numbers."""
    names = [field.name for field in fields(mine) if field.name not in ("input_type", "output_type", "metadata")]
    return type(mine) is type(theirs) and all(
        np.array_equal(np.asarray(getattr(mine, name)), np.asarray(getattr(theirs, name))) for name in names
    )


def _original(entry: Mapping[str, Any], weight: np.ndarray, shape: Shape) -> np.ndarray:
    """The weights as the layer `entry` of a header has them, from those of its node."""
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


@dataclass
class _Pending:
    """A linear node that waits for its neurons."""

    name: str
    node: nir.NIRNode


def _understood(chain: list[tuple[str, nir.NIRNode]]) -> SpikingNetwork:
    """The network that the nodes alone describe."""
    _check_time_unit([node for _, node in chain if isinstance(node, nir.IF)])
    shape = _last_channels(tuple(np.ravel(chain[0][1].input_type["input"])))
    first = Input(shape=shape, initial_potential=0.0)
    layers: list[Layer] = []
    pending: _Pending | None = None
    for name, node in chain[1:]:
        if isinstance(node, nir.Flatten):
            continue  # a dense layer flattens by itself
        if isinstance(node, LINEAR):
            if pending is not None:
                raise InputError(
                    f"`graph` must have IF neurons between linear nodes. Received: none after {pending.name!r}"
                )
            pending = _Pending(name, node)
        elif isinstance(node, (nir.IF, nir.Output)):
            factor = _factor(name, node) if isinstance(node, nir.IF) else np.ones(1, np.float32)
            if pending is not None:
                layers.append(_layer(pending, shape, factor, first.name))
                shape = layers[-1].output_shape
                pending = None
            elif isinstance(node, nir.IF) and (layers or not np.all(factor == 1)):
                raise InputError(f"`graph` must have a linear node before each IF. Received: none before {name!r}")
        else:
            raise InputError(
                "`graph` must be made of Affine, Linear, Conv2d, AvgPool2d, SumPool2d, Flatten and IF nodes. "
                f"Received: {type(node).__name__} {name!r}"
            )
    return SpikingNetwork(input=first, layers=tuple(layers))


def _check_time_unit(neurons: list[nir.IF]) -> None:
    """Refuse one resistance throughout that is not 1: it is one over another tool's time step, and would multiply every weight."""
    values = {float(value) for node in neurons for value in np.unique(node.r)}
    if len(values) == 1 and values != {1.0}:
        (value,) = values
        raise InputError(
            "`graph` must have IF nodes whose r is 1 for one time step, so write it with a time step of 1 (SpikingJelly: dt=1), or "
            f"multiply the weights by r and set r to 1 if r is a resistance. Received: r = {value:g} in every IF node"
        )


def _factor(name: str, node: nir.IF) -> np.ndarray:
    """What the weights of an IF node's inputs are multiplied by to have threshold 1, channels first."""
    threshold = np.asarray(node.v_threshold, np.float64)
    if np.any(threshold <= 0) or np.any(np.asarray(node.v_reset) != 0):
        raise InputError(
            f"`graph` must have IF nodes with thresholds above 0 and resets at 0. Received: others in {name!r}"
        )
    return np.asarray(node.r / threshold)


def _layer(pending: _Pending, shape: Shape, factor: np.ndarray, taken: str) -> Layer:
    name, node = pending.name, pending.node
    options: dict[str, Any] = {
        "name": f"{name}_layer" if name == taken else name, "input_shape": shape, "initial_potential": 0.0
    }  # fmt: skip
    if isinstance(node, (nir.Affine, nir.Linear)):
        weight = np.asarray(node.weight, np.float64)
        if weight.ndim != 2 or weight.shape[1] != np.prod(shape):
            raise InputError(
                f"`graph` must have weights (outputs, {np.prod(shape)}) in {name!r}. Received: {weight.shape}"
            )
        bias = np.asarray(getattr(node, "bias", np.zeros(len(weight))), np.float64)
        scale = np.broadcast_to(factor.reshape(-1), len(weight))
        return Dense(weights=_rows(weight, shape) * scale, bias=bias * scale, **options)
    if len(shape) != 3:
        raise InputError(f"`graph` must give {name!r} images (channels, height, width). Received: shape {shape}")
    options["strides"] = _pair(node.stride)
    if isinstance(node, nir.Conv2d):
        weight = np.asarray(node.weight, np.float64)
        options["dilation"] = dilation = _pair(node.dilation)
        options["padding"] = _padding(node.padding, weight.shape[2:], dilation)
        scale = np.broadcast_to(_per_channel(name, factor), len(weight))
        weights, bias = weight.transpose(2, 3, 1, 0) * scale, np.asarray(node.bias, np.float64) * scale
        return Conv2D(weights=weights, bias=bias, groups=int(node.groups), **options)
    size = _pair(node.kernel_size)
    one = 1 / (size[0] * size[1]) if isinstance(node, nir.AvgPool2d) else 1.0
    weights = np.full((*size, shape[2], 1), one) * np.broadcast_to(_per_channel(name, factor), shape[2])[:, None]
    options["padding"] = _padding(node.padding, size, (1, 1))
    return DepthwiseConv2D(weights=weights, bias=np.zeros(shape[2]), pooling=isinstance(node, nir.AvgPool2d), **options)


def _per_channel(name: str, factor: np.ndarray) -> np.ndarray:
    """A factor that all neurons of a channel share, (channels,) or (1,)."""
    if factor.ndim < 3:
        return factor.reshape(-1)
    channels = factor.reshape(len(factor), -1)
    if np.any(channels != channels[:, :1]):
        raise InputError(f"`graph` must have one threshold a channel after {name!r}. Received: different ones")
    return channels[:, 0]


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
