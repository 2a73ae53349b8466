"""Readers of activations: of what Keras has, whether it spikes or not; `snnviz check` says what does not."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz.importing.graph import OnnxNode, Reader, Walk
from snnviz.importing.held import Disorder, Held
from snnviz.importing.weighted import for_items, per_channel


def rectifier(walk: Walk, node: OnnxNode) -> Held:
    """Relu."""
    held = walk.tensor(node)
    return held.computed(walk.layer("ReLU", node, held.tensor)[0], nonnegative=True)


def clip(walk: Walk, node: OnnxNode) -> Held:
    """Clip from 0 on, a capped ReLU."""
    held = walk.tensor(node)
    low, high = (
        _bound(walk.constant(node, place, name), otherwise)
        for place, name, otherwise in ((1, "min", -math.inf), (2, "max", math.inf))
    )
    if low == -math.inf and high == math.inf:
        return held
    if low == 0 or (low < 0 and held.nonnegative):
        cap = None if high > _NO_CAP else high
        return held.computed(walk.layer("ReLU", node, held.tensor, max_value=cap)[0], nonnegative=True)
    if (low, high) == (-1, 1):
        return held.computed(walk.layer("Activation", node, held.tensor, activation="hard_tanh")[0])
    raise node.refuse(f"it limits values to {low:g} to {high:g}", "use ReLU or ReLU6 and retrain")


_NO_CAP = 1e30
"""Exporters write the largest number for no limit."""


def _bound(value: Any, otherwise: float) -> float:
    return otherwise if value is None or not np.size(value) else float(np.ravel(value)[0])


def _activation(name: str, nonnegative: bool = False, gate: bool = False) -> Callable[[Walk, OnnxNode], Held]:
    def read(walk: Walk, node: OnnxNode) -> Held:
        held = walk.tensor(node)
        tensor, _ = walk.layer("Activation", node, held.tensor, activation=name)
        return held.computed(tensor, nonnegative, (name, held.tensor) if gate else None)

    return read


def _own(kind: str, name: str, default: float) -> Callable[[Walk, OnnxNode], Held]:
    """A reader of an activation that is a layer of `kind`, whose parameter has this name; ONNX calls it alpha."""

    def read(walk: Walk, node: OnnxNode) -> Held:
        held = walk.tensor(node)
        config: dict[str, Any] = {name: float(node.attribute("alpha", default))}
        return held.computed(walk.layer(kind, node, held.tensor, **config)[0])

    return read


def gelu(walk: Walk, node: OnnxNode) -> Held:
    """Gelu."""
    if node.attribute("approximate", "none") != "none":
        raise node.refuse("it approximates Gelu by tanh", "use ReLU and retrain")
    return _activation("gelu")(walk, node)


def hard_sigmoid(walk: Walk, node: OnnxNode) -> Held:
    """HardSigmoid of slope 1 / 6, as Keras has it."""
    slope, offset = float(node.attribute("alpha", 0.2)), float(node.attribute("beta", 0.5))
    if not (math.isclose(slope, 1 / 6, rel_tol=1e-5) and offset == 0.5):
        raise node.refuse(f"its slope is {slope:g} and its offset {offset:g}", "use ReLU and retrain")
    return _activation("hard_sigmoid", nonnegative=True, gate=True)(walk, node)


def parametric(walk: Walk, node: OnnxNode) -> Held:
    """PRelu, with a slope for each channel."""
    held = walk.tensor(node)
    held, (slope,) = per_channel(node, held, [for_items(node, held, np.asarray(walk.constant(node, 1), np.float64))])
    shared = list(range(1, len(held.inner))) or None
    tensor, layer = walk.layer("PReLU", node, held.tensor, shared_axes=shared)
    layer.alpha.assign(np.broadcast_to(slope, layer.alpha.shape).astype(np.float32))
    return held.computed(tensor)


def probabilities(walk: Walk, node: OnnxNode) -> Held:
    """Softmax and LogSoftmax along channels, or along all that an item has."""
    held = walk.tensor(node)
    axis = int(node.attribute("axis", -1 if walk.opset >= _ALONG_ONE_AXIS else 1))
    (along,) = walk.axes(node, [axis], len(held.shape))
    others = [size for place, size in enumerate(held.shape) if place != along]
    if walk.opset < _ALONG_ONE_AXIS and math.prod(held.shape[along:]) != held.shape[along]:
        raise node.refuse("it goes over positions too", "put it behind the last layer")
    if len(held.shape) == 1 or all(size == 1 for size in others):
        if held.size != math.prod(held.inner):
            raise Disorder
        tensor, made = held.flat(), replace(held, at=held.places, axes=None)
    else:
        order = (*(place for place in range(len(held.shape)) if place != along), along)
        tensor = walk.arranged(node, held, order)
        made = replace(held, axes=order, at=None)
    activation = "softmax" if node.op == "Softmax" else "log_softmax"
    tensor, _ = walk.layer("Activation", node, tensor, activation=activation)
    return made.computed(tensor)


_ALONG_ONE_AXIS = 13
"""The opset from which on Softmax goes along one axis, and no longer over all behind it."""

READERS: dict[str, Reader] = {
    "Clip": clip,
    "Elu": _own("ELU", "alpha", 1.0),
    "Gelu": gelu,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": _activation("hard_silu"),
    "LeakyRelu": _own("LeakyReLU", "negative_slope", 0.01),
    "LogSoftmax": probabilities,
    "Mish": _activation("mish"),
    "PRelu": parametric,
    "Relu": rectifier,
    "Selu": _activation("selu"),
    "Sigmoid": _activation("sigmoid", nonnegative=True, gate=True),
    "Softmax": probabilities,
    "Softplus": _activation("softplus", nonnegative=True),
    "Softsign": _activation("softsign"),
    "Swish": _activation("silu"),
    "Tanh": _activation("tanh"),
}
