"""A network as a NIR graph."""

from __future__ import annotations

import json
import re

import nir
import numpy as np

from snnviz._memory import check_room
from snnviz.errors import InputError
from snnviz.network import (
    THRESHOLD,
    Convolution,
    DenseProjection,
    IdentityProjection,
    Padding,
    Population,
    Projection,
    Scale,
    Shape,
    SpikingNetwork,
)

METADATA = "snnviz"
"""Key of the graph's metadata under which the network's header is, as JSON; its arrays are beside it.

Of a network with branches "nodes" says for each projection which linear node it became, and behind which neurons."""


def graph_of(network: SpikingNetwork) -> nir.NIRGraph:
    """See `snnviz.hardware.nir.to_graph`."""
    check_room(_bytes(network), "`network` must have a graph that fits into memory", "one that takes")
    nodes: dict[str, nir.NIRNode] = {}
    edges: list[tuple[str, str]] = []

    def add(name: str, node: nir.NIRNode, *before: str) -> str:
        # HDF5 and PyTorch give dots and slashes in names a meaning
        plain = re.sub(r"\W", "_", name)
        while plain in nodes:
            plain += "_"
        nodes[plain] = node
        edges.extend((each, plain) for each in before)
        return plain

    first = add("input", nir.Input(input_type=np.array(first_channels(network.input_shape))))
    sending = [add("input_neurons", _neurons(network.input_shape, network.input.initial_potential, 0), first)]
    written: list[list[tuple[str, str]]] = []
    for layer, sources in zip(network.layers, network.sources, strict=True):
        _check_bias(layer)
        places: list[tuple[str, str]] = []
        for each, source in zip(layer.projections, sources, strict=True):
            shape, before = network.shapes[source], sending[source]
            several = len(layer.projections) > 1
            name = f"{layer.name}_from_{network.layer_names[source]}" if several else layer.name
            if isinstance(each, DenseProjection) and len(shape) > 1:
                # counted from the end, since Norse and snnTorch take the batch for the first dimension
                sizes = np.array(first_channels(shape))
                before = add(f"{name}_flatten", nir.Flatten(sizes, start_dim=-len(shape), end_dim=-1), before)
            bias = np.zeros_like(layer.bias) if places else layer.bias
            places.append((add(name, linear_node(each, bias, shape), before), sending[source]))
        written.append(places)
        arriving = [linear for linear, _ in places]
        if layer is not network.layers[-1]:
            node = _neurons(layer.output_shape, layer.initial_potential, layer.onset)
            sending.append(add(f"{layer.name}_neurons", node, *arriving))
        else:  # nothing fires, so that there is no node of neurons; nir 1.0.4 takes no metadata of an Output
            nodes[arriving[0]].metadata = _said(layer.initial_potential, layer.onset)
            add("output", nir.Output(output_type=np.array(first_channels(layer.output_shape))), *arriving)

    header, arrays = network.encode()
    if not network.is_path:
        header["nodes"] = written
    kept = {name: array for name, array in arrays.items() if not name.startswith(("weights_", "bias_"))}
    metadata = {METADATA: json.dumps(header, allow_nan=False), **kept}
    # NIR's own check takes every kernel for square
    return nir.NIRGraph(nodes=nodes, edges=edges, metadata=metadata, type_check=False)


def _check_bias(layer: Population) -> None:
    if layer.bias.ndim > 1:
        raise InputError(
            "`network` must have one bias per channel in its convolutions, as NIR has. "
            f"Received: one per neuron in {layer.name!r}, from a shift of its input that meets zero padding"
        )


def _bytes(network: SpikingNetwork) -> int:
    """What the arrays of its graph take, at most: neurons one by one, kernels with zeros between groups, dilated and padded."""
    numbers = 4 * sum(network.neurons.values())
    return 4 * (numbers + sum(_numbers(each) for layer in network.layers for each in layer.projections))


def _numbers(each: Projection) -> int:
    if isinstance(each, Convolution):
        height, width = (
            (each.weights.shape[axis] - 1) * each.dilation[axis] + 1 + 2 * max(each.padding[axis]) for axis in (0, 1)
        )
        return each.output_shape[2] * each.input_shape[2] * height * width
    return each.input_shape[-1] * each.output_shape[-1] if isinstance(each, IdentityProjection) else each.weights.size


def first_channels(shape: Shape) -> Shape:
    """A shape with its channels first."""
    return (shape[-1], *shape[:-1])


def _neurons(shape: Shape, potential: Scale, onset: int) -> nir.IF:
    ones = np.ones(first_channels(shape), np.float32)
    said = _said(potential, onset)
    return nir.IF(r=ones, v_threshold=THRESHOLD * ones, v_reset=np.zeros_like(ones), metadata=said)


def _said(potential: Scale, onset: int) -> dict[str, np.ndarray]:
    """What NIR has no words for and `snnviz.hardware.nir.loaders` set, as a node's metadata, channels first."""
    values = np.atleast_1d(np.asarray(potential, np.float32))  # nir writes no array without dimensions
    return {"initial_potential": np.moveaxis(values, -1, 0) if values.ndim == 3 else values, "onset": np.array([onset])}


def linear_node(each: Projection, bias: np.ndarray, shape: Shape) -> nir.Affine | nir.Conv2d:
    """The linear part of a projection whose source has `shape`, and a bias, as a node."""
    if isinstance(each, IdentityProjection):
        weight = np.zeros((each.output_shape[-1], len(each.weights)), np.float32)
        weight[each.first + np.arange(len(each.weights)), np.arange(len(each.weights))] = each.weights
        if len(shape) == 1:
            return nir.Affine(weight=weight, bias=bias.copy())
        return nir.Conv2d(tuple(map(int, shape[:2])), weight[:, :, None, None], (1, 1), (0, 0), (1, 1), 1, bias.copy())
    if isinstance(each, DenseProjection):
        rows = each.weights.reshape(*shape, -1)
        if len(shape) > 1:  # flattened with the channels first
            rows = np.moveaxis(rows, 2, 0)
        weight = rows.reshape(-1, each.output_shape[-1]).T
        return nir.Affine(weight=np.ascontiguousarray(weight), bias=bias.copy())
    if not isinstance(each, Convolution):
        raise InputError(f"`network` must hold projections that NIR has nodes for. Received: {each.kind!r}")
    zeros, spread = frame(each.padding, each.dilation)
    kernel = _ungrouped(each)
    if spread:
        kernel = _spread(kernel, each.dilation)
    return nir.Conv2d(
        input_shape=tuple(map(int, shape[:2])),
        weight=np.pad(kernel, ((0, 0), (0, 0), *zeros)),
        stride=each.strides,
        padding=tuple(max(edges) for edges in each.padding),
        dilation=(1, 1) if spread else each.dilation,
        groups=1,
        bias=bias.copy(),
    )


def _ungrouped(layer: Convolution) -> np.ndarray:
    """The kernel (out, in, height, width), with zeros between channels of different groups."""
    grouped = layer.grouped_weights.transpose(3, 2, 0, 1)
    outputs, per_group, height, width = grouped.shape
    full = np.zeros((outputs, layer.input_shape[2], height, width), np.float32)
    group = np.arange(outputs) // (outputs // layer.groups)
    full[np.arange(outputs)[:, None], group[:, None] * per_group + np.arange(per_group)] = grouped
    return full


def frame(layer_padding: Padding, dilation: tuple[int, int]) -> tuple[Padding, bool]:
    """The zeros around a kernel that make up for more padding on a side than the layer has, ((top, bottom), (left, right)).

    And whether they are no multiples of the dilation, so that the kernel must be spread out first.
    """
    lacking = [[max(edges) - edge for edge in edges] for edges in layer_padding]
    spread = any(size % step for sizes, step in zip(lacking, dilation, strict=True) for size in sizes)
    steps = (1, 1) if spread else dilation
    (top, bottom), (left, right) = (
        tuple(size // step for size in sizes) for sizes, step in zip(lacking, steps, strict=True)
    )
    return ((top, bottom), (left, right)), spread


def _spread(kernel: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    """A kernel (out, in, height, width) with the zeros of its dilation written out."""
    height, width = ((size - 1) * step + 1 for size, step in zip(kernel.shape[2:], dilation, strict=True))
    wide = np.zeros((*kernel.shape[:2], height, width), np.float32)
    wide[:, :, :: dilation[0], :: dilation[1]] = kernel
    return wide
