"""What each kind of layer does, read from the layer alone and the shape that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz._models import SKIPPED, meaning_of, numbers
from snnviz._visits import Visit
from snnviz.conversion.graph import Crop, Join, Pad, Rectify, Refused, Reshape, Softmax, WeightedSum, Work
from snnviz.conversion.linear import NO_PADDING, Affine, Linear, merged_separable, same_padding
from snnviz.conversion.obstacle import IN_ITS_PLACE, NO_SPIKES, SUBCLASSED, UNSUPPORTED
from snnviz.network import Conv2DProjection, DenseProjection, DepthwiseProjection, Shape


def refuse(reason: str, remedy: str = "", misfit: bool = False) -> list[Work]:
    """What cannot be converted, as all that a layer does; arguments as of `Refused`."""
    return [Refused(reason=reason, remedy=remedy, misfit=misfit)]


_LAYER_INSTEAD = "use the Keras layer that does the same, as Rescaling for a sum or product with a number"


def unsupported(visit: Visit) -> Refused:
    """A layer that nothing reads."""
    import keras

    if isinstance(visit.layer, keras.Model):
        reason, remedy = SUBCLASSED
    elif isinstance(visit.layer, keras.layers.Layer):
        reason, remedy = UNSUPPORTED.get(visit.kind, ("layers of this kind are not supported", IN_ITS_PLACE))
    else:
        reason, remedy = "operations outside a layer are not supported", _LAYER_INSTEAD
    return Refused(reason=reason, remedy=remedy)


# weighted layers


def _dense(visit: Visit, shape: Shape) -> list[Work]:
    layer = visit.layer
    weights = numbers(layer.kernel)
    if len(shape) not in (1, 3):
        return refuse(f"its input of shape {shape} is neither flat nor a map", "put Flatten before it", misfit=True)
    if len(shape) == 1:
        return [_linear_of(visit, DenseProjection, shape, weights, _bias(layer, weights.shape[1]))]
    # Keras applies it to the last axis at every position: a 1x1 convolution
    return [_linear_of(visit, Conv2DProjection, shape, weights[None, None], _bias(layer, weights.shape[1]))]


def _convolve(visit: Visit, shape: Shape) -> list[Work]:
    layer = visit.layer
    if len(shape) != 3:
        return _no_map(shape)
    kind = DepthwiseProjection if visit.kind.startswith("Depthwise") else Conv2DProjection
    if visit.kind.startswith("Separable"):
        weights = merged_separable(_kernel(layer.depthwise_kernel), _kernel(layer.pointwise_kernel))
    else:
        weights = _kernel(layer.kernel)
    channels = weights.shape[3] * (weights.shape[2] if kind is DepthwiseProjection else 1)
    strides, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
    linear = _linear_of(visit, kind, shape, weights, _bias(layer, channels))
    groups = layer.groups if visit.kind in ("Conv1D", "Conv2D") else 1
    padding = _same(shape, weights.shape[:2], strides, dilation) if layer.padding == "same" else NO_PADDING
    if layer.padding == "causal":  # of signals
        padding = (0, 0), (dilation[1] * (weights.shape[1] - 1), 0)
    return [replace(linear, strides=strides, dilation=dilation, groups=groups, padding=padding)]


def _pool(visit: Visit, shape: Shape) -> list[Work]:
    layer = visit.layer
    if len(shape) != 3:
        return _no_map(shape)
    if visit.kind.startswith("Global"):
        window, strides, padding = shape[:2], (1, 1), "valid"
    else:
        window, strides, padding = _pair(layer.pool_size), _pair(layer.strides), layer.padding
    if padding == "same" and _same(shape, window, strides, (1, 1)) != NO_PADDING:
        return refuse(
            "padding='same' puts incomplete windows at the border here, which Keras averages over fewer values",
            "use padding='valid', behind zero padding if the map shall keep its size, and retrain",
        )
    weights = np.full((*window, shape[2], 1), 1 / math.prod(window))
    linear = _linear_of(visit, DepthwiseProjection, shape, weights, np.zeros(shape[2]))
    works: list[Work] = [replace(linear, strides=strides, pooling=True)]
    return works if not visit.kind.startswith("Global") or layer.keepdims else [*works, Reshape()]


def _linear_of(visit: Visit, kind: Any, shape: Shape, weights: np.ndarray, bias: np.ndarray) -> Linear:
    return Linear(kind=kind, name=visit.base, input_shape=shape, weights=weights, bias=bias)


def _bias(layer: Any, channels: int) -> np.ndarray:
    return numbers(layer.bias) if layer.use_bias else np.zeros(channels)


def _no_map(shape: Shape) -> list[Work]:
    return refuse(f"it needs a map, and its input has shape {shape}", misfit=True)


def _same(shape: Shape, kernel: Sequence[int], strides: tuple[int, int], dilation: tuple[int, int]) -> Any:
    """The zeros that padding="same" puts around a map."""
    return tuple(same_padding(*each) for each in zip(shape[:2], kernel, strides, dilation, strict=True))


def _pair(value: Any) -> tuple[int, int]:
    """(vertical, horizontal); a signal has only the second."""
    first, second = (value, value) if isinstance(value, int) else value if len(value) == 2 else (1, value[0])
    return int(first), int(second)


def _kernel(weights: Any) -> np.ndarray:
    """A kernel of maps; that of signals has height 1."""
    values = numbers(weights)
    return values if values.ndim == 4 else values[None]


def _edges(value: Any) -> Any:
    """((top, bottom), (left, right)); a signal has only the second."""
    return ((0, 0), value) if isinstance(value[0], int) else value


# affine maps


def _normalise_batch(visit: Visit, shape: Shape) -> list[Work]:
    layer = visit.layer
    axes = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
    if tuple(axes) not in ((-1,), (len(shape),)):
        return refuse(f"it normalises along axis {layer.axis}", "normalise channels, axis=-1")
    scale = 1 / np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * numbers(layer.gamma)
    shift = -numbers(layer.moving_mean) * scale
    if layer.center:
        shift = shift + numbers(layer.beta)
    return [Affine(scale=scale, shift=shift)]


def _scale_channels(visit: Visit, shape: Shape) -> list[Work]:
    scale = numbers(visit.layer.gamma)
    return [Affine(scale=scale, shift=np.zeros_like(scale))]


def _rescale(visit: Visit, shape: Shape) -> list[Work]:
    factor, offset = (np.asarray(each, np.float64) for each in (visit.layer.scale, visit.layer.offset))
    if not (_by_channel(factor, shape[-1]) and _by_channel(offset, shape[-1])):
        return refuse("it treats positions differently", "rescale by one number, or one per channel")
    scale, shift = (np.broadcast_to(each.reshape(-1), shape[-1]) for each in (factor, offset))
    return [Affine(scale=scale, shift=shift)]


def _normalise_data(visit: Visit, shape: Shape) -> list[Work]:
    layer, channels = visit.layer, shape[-1]
    mean, variance = numbers(layer.mean), numbers(layer.variance)
    if layer.invert:
        return refuse("it turns a normalisation back (invert=True)", "use Rescaling, by one number or one per channel")
    if not (_by_channel(mean, channels) and _by_channel(variance, channels)):
        return refuse("it does not normalise channels", "normalise along the last axis, axis=-1")
    deviation = np.maximum(np.sqrt(variance.reshape(-1)), 1e-7)
    scale = np.broadcast_to(1 / deviation, channels)
    return [Affine(scale=scale, shift=np.broadcast_to(-mean.reshape(-1) / deviation, channels))]


def _by_channel(values: np.ndarray, channels: int) -> bool:
    """Whether `values`, broadcast to a map, are one number or one per channel, the last axis; sizes alone don't tell."""
    return (
        bool(np.isfinite(values).all()) and values.size == (values.shape or (1,))[-1] and values.size in (1, channels)
    )


# what moves numbers


def _pad(visit: Visit, shape: Shape) -> list[Work]:
    return [Pad(edges=_edges(visit.layer.padding))]


def _crop(visit: Visit, shape: Shape) -> list[Work]:
    return [Crop(edges=_edges(visit.layer.cropping))]


def _reshape(visit: Visit, shape: Shape) -> list[Work]:
    return [Reshape()]


# activations


def _relu(visit: Visit, shape: Shape) -> list[Work]:
    return [_rectifier(visit.layer)]


def _rectifier(layer: Any) -> Work:
    if layer.negative_slope or layer.threshold:
        return Refused(
            reason=f"its negative_slope is {float(layer.negative_slope):g} and its threshold {float(layer.threshold):g}, "
            f"and {NO_SPIKES}",
            remedy="use a plain ReLU and retrain, as `snnviz adapt` does",
        )
    if layer.max_value is not None and layer.max_value <= 0:
        reason = f"its max_value is {layer.max_value:g}, which silences the layer"
        return Refused(reason=reason, remedy="use one above 0, or none, and retrain")
    return Rectify(cap=None if layer.max_value is None else float(layer.max_value))


def _nothing(visit: Visit, shape: Shape) -> list[Work]:
    """What a layer does at inference that does nothing, or has only an activation, which is read of all layers alike."""
    return []


def _softmax(visit: Visit, shape: Shape) -> list[Work]:
    if visit.layer.axis not in (-1, len(shape)):
        return refuse(f"its axis is {visit.layer.axis}", "use axis=-1")
    return [Softmax()]


def read_activation(activation: Any, shape: Shape, last: bool) -> list[Work]:
    """What an activation does behind a layer whose output has `shape`; `last` if that is the model's."""
    import keras

    if type(activation) is keras.layers.ReLU:
        return [_rectifier(activation)]
    meaning = meaning_of(activation)
    if meaning in ("relu", "relu6"):
        return [Rectify(cap=6.0 if meaning == "relu6" else None)]
    if meaning in ("softmax", "log_softmax"):
        return [Softmax()]
    if meaning == "linear":
        return []
    name = getattr(activation, "__name__", type(activation).__name__)
    remedy = (
        "use one output per class with a softmax, two for a yes or no, as `snnviz adapt` makes of one"
        if last and shape[-1] == 1
        else "leave the activation out or use softmax" if last
        else "use ReLU and retrain, as `snnviz adapt` does"
    )  # fmt: skip
    return refuse(f"its activation is {name!r}, and {NO_SPIKES}", remedy)


# where several signals come together


def _sum(visit: Visit, shapes: list[Shape]) -> list[Work]:
    count = len(shapes)
    if count == 1:  # an operator between a tensor and a number
        return [unsupported(visit)]
    factors = {"Subtract": (1.0, -1.0), "Average": (1 / count,) * count}.get(visit.kind, (1.0,) * count)
    return [WeightedSum(factors=factors)]


def _scaled_sum(visit: Visit, shapes: list[Shape]) -> list[Work]:
    return [WeightedSum(factors=(1.0, float(visit.layer.scale)))]


def _concatenate(visit: Visit, shapes: list[Shape]) -> list[Work]:
    if visit.layer.axis not in (-1, len(shapes[0])):
        return refuse(f"it joins along axis {visit.layer.axis}", "join channels, axis=-1")
    return [Join()]


ELSEWHERE = {
    "keras.src.applications.convnext": ("LayerScale",),
    "keras.src.applications.inception_resnet_v2": ("CustomScaleLayer",),
    "keras.src.ops.numpy": ("Add", "Subtract"),
}
"""What is read though it is not among `keras.layers`, by module: layers of known networks, and the operators + and -."""

_SPATIAL = {
    "AveragePooling": _pool, "Conv": _convolve, "Cropping": _crop, "DepthwiseConv": _convolve, "GlobalAveragePooling": _pool,
    "SeparableConv": _convolve, "ZeroPadding": _pad,
}  # fmt: skip
READERS: dict[str, Callable[[Visit, Shape], list[Work]]] = {
    **dict.fromkeys((*SKIPPED, "Activation"), _nothing),
    **{f"{name}{rank}D": reader for name, reader in _SPATIAL.items() for rank in (1, 2)},
    **dict.fromkeys(("Flatten", "Reshape"), _reshape),
    "BatchNormalization": _normalise_batch,
    "Dense": _dense,
    "LayerScale": _scale_channels,
    "Normalization": _normalise_data,
    "ReLU": _relu,
    "Rescaling": _rescale,
    "Softmax": _softmax,
}

OF_MAPS = (_convolve, _crop, _dense, _pad, _pool)
"""Readers that take a signal for a map of height 1."""

JOINS: dict[str, Callable[[Visit, list[Shape]], list[Work]]] = {
    **dict.fromkeys(("Add", "Average", "Subtract"), _sum),
    "Concatenate": _concatenate,
    "CustomScaleLayer": _scaled_sum,
}
