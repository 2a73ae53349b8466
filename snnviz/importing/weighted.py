"""Readers of what has weights: convolutions, dense layers, batch normalisation, and sums and products with constants."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz.importing.graph import OnnxNode, Reader, Walk
from snnviz.importing.held import Disorder, Held
from snnviz.importing.padding import padded, same, window

_ZEROS = {"kernel_initializer": "zeros"}


def convolution(walk: Walk, node: OnnxNode) -> Held:
    """Conv: weights (filters, channels / groups, *kernel) become (*kernel, channels / groups, filters)."""
    held = walk.tensor(node)
    weights = np.asarray(walk.constant(node, 1), np.float64)
    bias = walk.constant(node, 2)
    rank, groups = weights.ndim - 2, int(node.attribute("group", 1))
    if rank not in (1, 2, 3) or len(held.shape) != rank + 1 or held.shape[0] != weights.shape[1] * groups:
        raise node.refuse(
            f"its weights {weights.shape} do not fit its input of shape {held.shape}",
            "export channels before positions",
        )
    kernel = weights.shape[2:]
    shape = window(node, kernel, held.shape[1:])
    if max(shape.strides) > 1 and max(shape.dilations) > 1:
        raise node.refuse("it has strides and dilations above 1 at once", "use one of both")
    # TensorFlow's depthwise convolution strides alike in both directions
    depthwise = rank == 2 and groups == held.shape[0] > 1 and len({*shape.strides}) == 1
    tensor, pad = walk.channels_last(node, held), "same"
    if not same(shape, held.shape[1:]):
        tensor, pad = padded(walk, node, tensor, shape.pads), "valid"
    config: dict[str, Any] = {
        "kernel_size": kernel, "strides": shape.strides, "dilation_rate": shape.dilations, "padding": pad, "use_bias": True,
    }  # fmt: skip
    values = weights.transpose(*range(2, rank + 2), 1, 0)
    if depthwise:
        many = weights.shape[0] // groups
        tensor, layer = walk.layer(
            "DepthwiseConv2D", node, tensor, depth_multiplier=many, depthwise_initializer="zeros", **config
        )
        values = values.reshape(*kernel, groups, many)
    else:
        tensor, layer = walk.layer(
            f"Conv{rank}D", node, tensor, filters=weights.shape[0], groups=groups, **_ZEROS, **config
        )
    _assign(layer, values, np.zeros(weights.shape[0]) if bias is None else bias)
    return Held.channels_last(tensor, layer=layer)


def _assign(layer: Any, kernel: np.ndarray, bias: np.ndarray) -> None:
    layer.kernel.assign(np.asarray(kernel, np.float32))
    layer.bias.assign(np.asarray(bias, np.float32).reshape(-1))


def general_product(walk: Walk, node: OnnxNode) -> Held:
    """Gemm: alpha x W + beta c, W transposed or not."""
    weights = np.asarray(walk.constant(node, 1), np.float64)
    if node.attribute("transA", 0):
        raise node.refuse("it transposes items (transA)", "keep items apart")
    weights = (weights.T if node.attribute("transB", 0) else weights) * float(node.attribute("alpha", 1.0))
    bias = walk.constant(node, 2)
    shift = 0.0 if bias is None else np.asarray(bias, np.float64) * float(node.attribute("beta", 1.0))
    return _dense(walk, node, weights, np.broadcast_to(np.squeeze(shift), weights.shape[-1:]))


def product(walk: Walk, node: OnnxNode) -> Held:
    """MatMul with constant weights on its right."""
    if not isinstance(walk.values[node.inputs[0]], Held) or isinstance(walk.values[node.inputs[1]], Held):
        raise node.refuse(
            "it multiplies activations by one another, or items",
            "use constant weights (units in, units out) on its right",
        )
    weights = np.asarray(walk.constant(node, 1), np.float64)
    return _dense(walk, node, weights, np.zeros(weights.shape[-1:]))


def _dense(walk: Walk, node: OnnxNode, weights: np.ndarray, bias: np.ndarray) -> Held:
    held = walk.tensor(node)
    if weights.ndim != 2 or not held.shape or held.shape[-1] != weights.shape[0]:
        raise node.refuse(
            f"its weights {weights.shape} do not fit its input of shape {held.shape}",
            "use weights (units in, units out)",
        )
    if len(held.shape) == 1:
        tensor, size = held.flat(), math.prod(held.inner)
        rows = np.zeros((size, weights.shape[1]))
        if len(np.unique(held.places)) < held.size:
            raise Disorder
        rows[held.places] = weights  # rows in Keras' order, zero for what is not taken
    else:
        tensor, rows = walk.arranged(node, held, tuple(range(len(held.shape)))), weights
    tensor, layer = walk.layer("Dense", node, tensor, units=weights.shape[1], **_ZEROS)
    _assign(layer, rows, bias)
    return Held.in_order(tensor, layer=layer)


def normalisation(walk: Walk, node: OnnxNode) -> Held:
    """BatchNormalization as it computes at inference."""
    held = walk.tensor(node)
    if node.attribute("training_mode", 0):
        raise node.refuse("it normalises by the statistics of its items", "export the network in evaluation mode")
    extra = (1,) * (len(held.shape) - 1)
    given = [np.asarray(walk.constant(node, place), np.float64).reshape(-1, *extra) for place in (1, 2, 3, 4)]
    held, (gamma, beta, mean, variance) = per_channel(node, held, given)
    epsilon = float(node.attribute("epsilon", 1e-5))
    tensor, layer = walk.layer("BatchNormalization", node, held.tensor, epsilon=epsilon)
    for variable, values in (
        (layer.gamma, gamma),
        (layer.beta, beta),
        (layer.moving_mean, mean),
        (layer.moving_variance, variance),
    ):
        variable.assign(values.astype(np.float32))
    return held.computed(tensor)


def per_channel(node: OnnxNode, held: Held, values: Sequence[np.ndarray]) -> tuple[Held, list[np.ndarray]]:
    """Values that broadcast to a tensor as one per channel each, and the tensor, flattened where units are what they differ by."""
    found = [held.by_channel(each) for each in values]
    if len(held.shape) == 1 and any(each is None for each in found):
        held = held.units()
        found = [held.by_channel(each) for each in values]
    known = [each for each in found if each is not None]
    if len(known) < len(found):
        raise node.refuse("it treats positions differently", "use one number, or one per channel")
    return held, known


def affine(walk: Walk, node: OnnxNode, held: Held, scale: np.ndarray, shift: np.ndarray) -> Held:
    """scale x + shift of a tensor, both broadcasting to it: folded into the linear layer before it, else a layer of its own."""
    held, (factor, offset) = per_channel(node, held, (scale, shift))
    if held.layer is not None or held.affine is not None:
        walk.changed(held)
    if (layer := held.layer) is not None:
        kernel, bias = np.asarray(layer.kernel, np.float64), np.asarray(layer.bias, np.float64)
        own = factor.reshape(kernel.shape[2:]) if "Depthwise" in type(layer).__name__ else factor
        _assign(layer, kernel * own, bias * factor + offset)
        return held
    source = held.tensor
    if held.affine is not None:  # two affine maps are one
        source, before, shifted = held.affine
        factor, offset = factor * before, factor * shifted + offset
    tensor = affine_layer(walk, node, source, factor, offset)
    nonnegative = held.nonnegative and held.affine is None and bool((factor >= 0).all() and (offset >= 0).all())
    return replace(held.computed(tensor, nonnegative), affine=(source, factor, offset))


def affine_layer(walk: Walk, node: OnnxNode, source: Any, factor: np.ndarray, offset: np.ndarray) -> Any:
    """A Rescaling by one number, or by one per channel a Normalization, which shows the mean that it was made for."""
    if (factor == factor[0]).all() and (offset == offset[0]).all():
        return walk.layer("Rescaling", node, source, scale=float(factor[0]), offset=float(offset[0]))[0]
    if (factor > 0).all():
        mean, variance = -offset / factor, factor**-2.0
        return walk.layer("Normalization", node, source, axis=-1, mean=mean.tolist(), variance=variance.tolist())[0]
    return walk.layer("Rescaling", node, source, scale=factor.tolist(), offset=offset.tolist())[0]


def arithmetic(walk: Walk, node: OnnxNode) -> Held:
    """Add, Sub, Mul and Div: with a constant an affine map, of two tensors the layer that joins them."""
    first, second = (walk.values[name] for name in node.inputs[:2])
    if isinstance(first, Held) and isinstance(second, Held):
        return _joined(walk, node, [first, second])
    held = walk.tensor(node, 0 if isinstance(first, Held) else 1)
    value = for_items(node, held, np.asarray(second if isinstance(first, Held) else first, np.float64))
    backwards = held is second
    zero, one = np.zeros(1), np.ones(1)
    if node.op == "Div" and backwards:
        raise node.refuse("it divides by activations", "synapses only add; leave it out and retrain")
    scale, shift = {
        "Add": (one, value),
        "Sub": (-one, value) if backwards else (one, -value),
        "Mul": (value, zero),
        "Div": (1 / value if (value != 0).all() else zero, zero),
    }[node.op]
    return affine(walk, node, held, scale, shift)


def negation(walk: Walk, node: OnnxNode) -> Held:
    """Neg."""
    return affine(walk, node, walk.tensor(node), -np.ones(1), np.zeros(1))


def for_items(node: OnnxNode, held: Held, value: np.ndarray) -> np.ndarray:
    """A constant that broadcasts to a tensor of the graph, without the axis of items."""
    if value.ndim == len(held.shape) + 1 and value.shape[0] == 1:
        value = value[0]
    try:
        fits = np.broadcast_shapes(value.shape, held.shape) == held.shape
    except ValueError:
        fits = False
    if not fits:
        raise node.refuse(
            f"its constant of shape {value.shape} does not fit a tensor of shape {held.shape}",
            "use one number, or one per channel",
        )
    return value


_JOINS = {
    "Add": "Add",
    "Sum": "Add",
    "Sub": "Subtract",
    "Mul": "Multiply",
    "Mean": "Average",
    "Max": "Maximum",
    "Min": "Minimum",
}


def joining(walk: Walk, node: OnnxNode) -> Held:
    """Sum, Mean, Max and Min of several tensors; the maximum of one and 0 is a ReLU."""
    values = [walk.values[name] for name in node.inputs]
    tensors = [value for value in values if isinstance(value, Held)]
    if len(values) == 1:
        return tensors[0]
    if (
        node.op == "Max"
        and len(tensors) == 1
        and not any(np.any(value) for value in values if not isinstance(value, Held))
    ):
        return tensors[0].computed(walk.layer("ReLU", node, tensors[0].tensor)[0], nonnegative=True)
    return _joined(walk, node, [walk.tensor(node, place) for place in range(len(node.inputs))])


def _joined(walk: Walk, node: OnnxNode, parts: list[Held]) -> Held:
    if node.op not in _JOINS:
        raise node.refuse("it divides activations by one another", "synapses only add; leave it out and retrain")
    if node.op == "Mul" and (gated := _gated(walk, node, parts)) is not None:
        return gated
    first = parts[0]
    if len({len(part.shape) for part in parts}) > 1:
        raise node.refuse("what it joins differs in the number of axes", "reshape all to one shape")
    nonnegative = all(part.nonnegative for part in parts) and node.op != "Sub"
    if all(part.inner == first.inner and np.array_equal(part.places, first.places) for part in parts[1:]):
        tensor, _ = walk.layer(_JOINS[node.op], node, [part.tensor for part in parts])
        return first.computed(tensor, nonnegative)
    order = next((part.axes for part in parts if part.axes is not None), first.last_first)
    tensor, _ = walk.layer(_JOINS[node.op], node, [walk.arranged(node, part, order) for part in parts])
    inner = tuple(tensor.shape[1:])
    shape = tuple(int(inner[order.index(axis)]) for axis in range(len(order)))
    return Held(tensor=tensor, shape=shape, axes=order, nonnegative=nonnegative)


_GATED = {"sigmoid": "silu", "hard_sigmoid": "hard_silu"}


def _gated(walk: Walk, node: OnnxNode, parts: list[Held]) -> Held | None:
    """x sigmoid(x) as the activation that it is."""
    for gate, other in (parts, parts[::-1]):
        if gate.gated is not None and gate.gated[1] is other.tensor:
            tensor, _ = walk.layer("Activation", node, other.tensor, activation=_GATED[gate.gated[0]])
            return other.computed(tensor)
    return None


READERS: dict[str, Reader] = {
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), arithmetic),
    **dict.fromkeys(("Max", "Mean", "Min", "Sum"), joining),
    "BatchNormalization": normalisation,
    "Conv": convolution,
    "Gemm": general_product,
    "MatMul": product,
    "Neg": negation,
}
