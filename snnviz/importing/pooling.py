"""Readers of pooling, means over positions, and padding."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz.importing.graph import OnnxNode, Reader, Walk
from snnviz.importing.held import Held
from snnviz.importing.padding import Window, padded, pads_of, same, window

_RETRAIN = "use padding that is counted, or none, and retrain"


def pooling(walk: Walk, node: OnnxNode) -> Held:
    """AveragePool and MaxPool."""
    held = walk.tensor(node)
    size, shape = tuple(node.attribute("kernel_shape") or ()), held.shape[1:]
    if len(size) not in (1, 2, 3) or len(shape) != len(size):
        raise node.refuse(f"its window {size} does not fit its input of shape {held.shape}", "export the network again")
    found = window(node, size, shape)
    maximum = node.op == "MaxPool"
    if max(found.dilations) > 1:
        raise node.refuse("its window has gaps (dilations)", "use a window without, and retrain")
    if len(node.outputs) > 1 and any(node.outputs[1:]):
        raise node.refuse("it gives the places of the maxima as well", "leave what uses them out")
    tensor, pad = walk.channels_last(node, held), "valid"
    rest = _rest(node, found, shape)
    kept = maximum and held.nonnegative  # no zero is larger than what a ReLU leaves
    counted = node.attribute("count_include_pad", 0) == 1 and not any(map(any, rest))
    if not any(map(any, (*found.pads, *rest))):
        pass
    elif kept or (not maximum and counted):
        ends = tuple((before, after + more) for (before, after), (_, more) in zip(found.pads, rest, strict=True))
        tensor = padded(walk, node, tensor, ends)
    elif same(_with_rest(found, rest), shape):
        pad = "same"
    else:
        raise node.refuse("its windows at the border are incomplete, in a way that Keras does not have", _RETRAIN)
    kind = f"{'Max' if maximum else 'Average'}Pooling{len(size)}D"
    tensor, _ = walk.layer(kind, node, tensor, pool_size=size, strides=found.strides, padding=pad)
    return Held.channels_last(tensor, nonnegative=held.nonnegative)


def _rest(node: OnnxNode, found: Window, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """How far the last window reaches beyond the padded map, where the number of windows is rounded up (ceil_mode)."""
    rest = []
    for axis, length in enumerate(shape):
        before, after = found.pads[axis]
        stride, size = found.strides[axis], found.size[axis]
        over = length + before + after - size
        steps = -(-over // stride) if node.attribute("ceil_mode", 0) else over // stride
        if steps * stride >= length + before:  # a window of padding alone is left out
            steps -= 1
        rest.append((0, max(0, steps * stride - over)))
    return rest


def _with_rest(found: Window, rest: list[tuple[int, int]]) -> Window:
    pads = tuple((before, after + more) for (before, after), (_, more) in zip(found.pads, rest, strict=True))
    return replace(found, pads=pads)


def whole_map(walk: Walk, node: OnnxNode) -> Held:
    """GlobalAveragePool and GlobalMaxPool."""
    held = walk.tensor(node)
    return _over_positions(walk, node, held, list(range(1, len(held.shape))), node.op == "GlobalMaxPool")


def reduction(walk: Walk, node: OnnxNode) -> Held:
    """ReduceMean and ReduceMax over positions."""
    held = walk.tensor(node)
    given = walk.numbers(node, 1, "axes")
    axes = walk.axes(node, given, len(held.shape)) if given else list(range(len(held.shape)))
    if not given and not node.attribute("noop_with_empty_axes", 0):
        raise node.refuse("it takes the mean over items too", "keep items apart")
    if not given:
        return held
    made = _over_positions(walk, node, held, sorted(axes), node.op == "ReduceMax")
    if node.attribute("keepdims", 1):
        return made
    return made.reshaped(tuple(size for axis, size in enumerate(made.shape) if axis not in axes))


def _over_positions(walk: Walk, node: OnnxNode, held: Held, axes: list[int], maximum: bool) -> Held:
    """The mean or maximum over axes of a map but that of its channels, which are kept with size 1."""
    others = [axis for axis in range(len(held.shape)) if axis not in axes]
    order = held.axes if held.axes is not None and held.axes[-1] not in axes else held.last_first
    if order[-1] in axes or not others or len(order) not in (2, 3, 4):
        raise node.refuse(
            f"it takes the {'maximum' if maximum else 'mean'} over channels", "pool positions only, and retrain"
        )
    tensor = walk.arranged(node, held, order)
    size = tuple(held.shape[axis] if axis in axes else 1 for axis in order[:-1])
    name, rank = "Max" if maximum else "Average", len(size)
    if all(axis in axes for axis in order[:-1]):
        tensor, _ = walk.layer(f"Global{name}Pooling{rank}D", node, tensor, keepdims=True)
    else:
        tensor, _ = walk.layer(f"{name}Pooling{rank}D", node, tensor, pool_size=size, strides=size)
    shape = tuple(1 if axis in axes else length for axis, length in enumerate(held.shape))
    return Held(tensor=tensor, shape=shape, axes=order, nonnegative=held.nonnegative)


def padding(walk: Walk, node: OnnxNode) -> Held:
    """Pad with zeros, around positions."""
    held = walk.tensor(node)
    pads = pads_of(walk, node, len(held.shape))
    value: Any = walk.constant(node, 2, "value", 0.0)
    value = 0.0 if value is None or not np.size(value) else float(np.ravel(value)[0])
    mode = node.attribute("mode", "constant")
    if not pads.any():
        return held
    if mode != "constant" or not (value == 0 or (math.isinf(value) and value < 0 and held.nonnegative)):
        raise node.refuse(f"it pads with {mode if mode != 'constant' else value}", "pad with zeros and retrain")
    order = held.axes if held.axes is not None else held.last_first
    by_axis = pads[list(order)]
    if by_axis[-1].any() or len(order) not in (2, 3, 4):
        raise node.refuse(
            "it pads channels", "use a convolution of one position that makes as many channels, and retrain"
        )
    tensor = padded(walk, node, walk.arranged(node, held, order), tuple((int(a), int(b)) for a, b in by_axis[:-1]))
    shape = tuple(int(size + sum(each)) for size, each in zip(held.shape, pads, strict=True))
    return Held(tensor=tensor, shape=shape, axes=order, nonnegative=held.nonnegative)


READERS: dict[str, Reader] = {
    **dict.fromkeys(("AveragePool", "MaxPool"), pooling),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), whole_map),
    **dict.fromkeys(("ReduceMax", "ReduceMean"), reduction),
    "Pad": padding,
}
