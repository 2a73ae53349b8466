"""The first pass: a Keras model as a graph of steps. What a layer does is read from the layer alone and the shape that it takes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz._models import SKIPPED, UnclearRange, meaning_of, numbers, own_call, range_shown
from snnviz._visits import IMAGE, Visit, visits
from snnviz.conversion.graph import (
    Classifier,
    Crop,
    Image,
    Join,
    Pad,
    Rectify,
    Refused,
    Reshape,
    Softmax,
    Step,
    Sum,
    Work,
)
from snnviz.conversion.problem import NO_SPIKES, SUBCLASSED, UNSUPPORTED
from snnviz.conversion.stages import NO_PADDING, Affine, Stage, merged_separable, same_padding
from snnviz.errors import InputError
from snnviz.network import Conv2DProjection, DenseProjection, DepthwiseProjection, Shape


def read(model: Any, input_range: float | None = None) -> Classifier:
    """A Keras model as a graph; what cannot be converted is in it as `Refused`.

    Args:
        model: the model.
        input_range: what it takes for full intensity; None, what it shows (`snnviz.input_range`).

    Raises:
        InputError: if `model` is no Keras model.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise InputError(f"`model` must be a Keras model. Received: {type(model).__name__}")
    whole = Visit(layer=model, name=model.name, place="")
    refused = _refused_whole(model)
    if refused is not None:
        reason, remedy = refused
        return Classifier(
            steps=(Step(work=Refused(reason=reason, remedy=remedy), visit=whole, takes=(), shape=(1,)),), whole=whole
        )
    shape, found = tuple(model.input_shape[1:]), visits(model)
    signals = any(visit.kind.endswith("1D") for visit in found)  # (length, channels), not (height, width)
    steps = [Step(work=Image(), visit=whole, takes=(), shape=shape)]
    full, work = _range(found, input_range)
    if work is not None:
        visit = next((visit for visit in found if visit.layer is work[0]), whole)
        steps.append(Step(work=work[1], visit=visit, takes=(0,), shape=shape))
    elif full != 1:
        scaled = Affine(scale=np.full(shape[-1], full), shift=np.zeros(shape[-1]))
        steps.append(Step(work=scaled, visit=found[0] if found else whole, takes=(0,), shape=shape))
    made = {IMAGE: len(steps) - 1}  # which step each visit ends in
    for place, visit in enumerate(found):
        takes = tuple(made[source] for source in visit.takes)
        shapes = [steps[source].shape for source in takes]
        for step in _steps(visit, takes, shapes, place == len(found) - 1, signals):
            steps.append(step if step.takes else replace(step, takes=(len(steps) - 1,)))
            takes = (len(steps) - 1,)
        made[place] = takes[0]
    if signals:
        steps = [replace(step, shape=_as_map(step.shape)) for step in steps]
    return Classifier(steps=tuple(steps), last=made[len(found) - 1], whole=whole, input_range=full)


def _refused_whole(model: Any) -> tuple[str, str] | None:
    """Why a model cannot be read at all, and the remedy."""
    import keras

    if not isinstance(model, keras.Sequential | keras.Function) or own_call(model):
        return SUBCLASSED
    try:
        inputs, outputs, shape = model.inputs, model.outputs, model.input_shape
    except AttributeError:
        return "its input shape is not known", "start it with keras.Input(shape)"
    if len(inputs) != 1 or len(outputs) != 1:
        return (
            f"it has {len(inputs)} inputs and {len(outputs)} outputs, and one of each is supported",
            "take the part of the model from the image to the classes",
        )
    if None in shape[1:]:
        return f"its input shape {shape} is not fixed", "build it with keras.Input of the size it is used at"
    if len(shape) not in (2, 3, 4):
        return (
            f"its input shape {shape} is not one of (features,), (length, channels), (height, width) or "
            "(height, width, channels)",
            "use a model of single images or signals",
        )
    return None


def _range(found: Sequence[Visit], given: float | None) -> tuple[float, tuple[Any, Refused] | None]:
    """What the model takes for full intensity; or which layer does not say it, and why."""
    try:
        return range_shown([visit.layer for visit in found], given), None
    except UnclearRange as unclear:
        return 1.0 if given is None else given, (unclear.layer, Refused(reason=unclear.reason, remedy=unclear.remedy))


def _steps(visit: Visit, takes: tuple[int, ...], shapes: list[Shape], last: bool, signals: bool) -> list[Step]:
    """The steps of one layer; each but the first takes from the one before, which its empty `takes` stand for."""
    given = [(None, *shape) for shape in shapes]
    try:
        shape = tuple(visit.layer.compute_output_shape(given if len(given) > 1 else given[0])[1:])
    except Exception:  # a layer of any kind may not be able to tell
        shape = shapes[0]
    works = _works(visit, shapes, signals)
    activation = getattr(visit.layer, "activation", None)
    if activation is not None and not any(isinstance(work, Refused) for work in works):
        works += _activation(activation, shape, last)
    return [Step(work=work, visit=visit, takes=() if index else takes, shape=shape) for index, work in enumerate(works)]


def _works(visit: Visit, shapes: list[Shape], signals: bool) -> list[Work]:
    """What a layer does before its activation; in a model of signals, as the maps that they are."""
    import keras

    layer = visit.layer
    reader, join = _READERS.get(visit.kind), _JOINS.get(visit.kind)
    # a user's own class may carry the name of one of Keras'
    known = type(layer) is getattr(keras.layers, visit.kind, None) or type(layer).__module__ in _ELSEWHERE
    if (reader is None and join is None) or not known:
        return [_unsupported(visit)]
    if visit.training:
        return _refuse("it is called with training=True", "call it without, for inference")
    if getattr(layer, "quantization_mode", None) is not None:
        return _refuse(
            f"its weights are quantised ({layer.quantization_mode}), and weights are read as they were trained",
            "convert the model as it was before model.quantize(...)",
        )
    if getattr(layer, "data_format", None) == "channels_first":
        return _refuse("its data_format is 'channels_first'", "build the model with 'channels_last'")
    if reader is None:
        return join(layer, shapes) if join is not None else []
    return reader(visit, _as_map(shapes[0]) if signals and reader in _OF_MAPS else shapes[0])


def _as_map(shape: Shape) -> Shape:
    """The shape of a signal, (length, channels), as that of a map of height 1; any other as it is."""
    return (1, *shape) if len(shape) == 2 else shape


def _refuse(reason: str, remedy: str = "", misfit: bool = False) -> list[Work]:
    return [Refused(reason=reason, remedy=remedy, misfit=misfit)]


def _unsupported(visit: Visit) -> Refused:
    import keras

    if isinstance(visit.layer, keras.Model):
        reason, remedy = SUBCLASSED
    elif isinstance(visit.layer, keras.layers.Layer):
        reason, remedy = UNSUPPORTED.get(visit.kind, ("layers of this kind are not supported", ""))
    else:
        reason, remedy = "operations outside a layer are not supported", "use the Keras layer that does the same"
    return Refused(reason=reason, remedy=remedy)


# weighted layers


def _dense(visit: Visit, shape: Shape) -> list[Work]:
    layer = visit.layer
    weights = numbers(layer.kernel)
    if len(shape) not in (1, 3):
        return _refuse(f"its input of shape {shape} is neither flat nor a map", "put Flatten before it", misfit=True)
    if len(shape) == 1:
        return [_stage(visit, DenseProjection, shape, weights, _bias(layer, weights.shape[1]))]
    # Keras applies it to the last axis at every position: a 1x1 convolution
    return [_stage(visit, Conv2DProjection, shape, weights[None, None], _bias(layer, weights.shape[1]))]


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
    stage = _stage(visit, kind, shape, weights, _bias(layer, channels))
    groups = layer.groups if visit.kind in ("Conv1D", "Conv2D") else 1
    padding = _same(shape, weights.shape[:2], strides, dilation) if layer.padding == "same" else NO_PADDING
    if layer.padding == "causal":  # of signals
        padding = (0, 0), (dilation[1] * (weights.shape[1] - 1), 0)
    return [replace(stage, strides=strides, dilation=dilation, groups=groups, padding=padding)]


def _pool(visit: Visit, shape: Shape) -> list[Work]:
    layer = visit.layer
    if len(shape) != 3:
        return _no_map(shape)
    if visit.kind.startswith("Global"):
        window, strides, padding = shape[:2], (1, 1), "valid"
    else:
        window, strides, padding = _pair(layer.pool_size), _pair(layer.strides), layer.padding
    if padding == "same" and _same(shape, window, strides, (1, 1)) != NO_PADDING:
        return _refuse(
            "padding='same' puts incomplete windows at the border here, which Keras averages over fewer values",
            "use padding='valid', behind zero padding if the map shall keep its size, and retrain",
        )
    weights = np.full((*window, shape[2], 1), 1 / math.prod(window))
    stage = _stage(visit, DepthwiseProjection, shape, weights, np.zeros(shape[2]))
    works: list[Work] = [replace(stage, strides=strides, pooling=True)]
    return works if not visit.kind.startswith("Global") or layer.keepdims else [*works, Reshape()]


def _stage(visit: Visit, kind: Any, shape: Shape, weights: np.ndarray, bias: np.ndarray) -> Stage:
    return Stage(kind=kind, name=visit.base, input_shape=shape, weights=weights, bias=bias)


def _bias(layer: Any, channels: int) -> np.ndarray:
    return numbers(layer.bias) if layer.use_bias else np.zeros(channels)


def _no_map(shape: Shape) -> list[Work]:
    return _refuse(f"it needs a map, and its input has shape {shape}", misfit=True)


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
        return _refuse(f"it normalises along axis {layer.axis}", "normalise channels, axis=-1")
    scale = 1 / np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
    if layer.scale:
        scale = scale * numbers(layer.gamma)
    shift = -numbers(layer.moving_mean) * scale
    if layer.center:
        shift = shift + numbers(layer.beta)
    return [Affine(scale=scale, shift=shift)]


def _rescale(visit: Visit, shape: Shape) -> list[Work]:
    factor, offset = (np.asarray(each, np.float64) for each in (visit.layer.scale, visit.layer.offset))
    if not (_by_channel(factor, shape[-1]) and _by_channel(offset, shape[-1])):
        return _refuse("it treats positions differently", "rescale by one number, or one per channel")
    scale, shift = (np.broadcast_to(each.reshape(-1), shape[-1]) for each in (factor, offset))
    return [Affine(scale=scale, shift=shift)]


def _normalise_data(visit: Visit, shape: Shape) -> list[Work]:
    layer, channels = visit.layer, shape[-1]
    mean, variance = numbers(layer.mean), numbers(layer.variance)
    if layer.invert:
        return _refuse("it turns a normalisation back (invert=True)", "use Rescaling, by one number or one per channel")
    if not (_by_channel(mean, channels) and _by_channel(variance, channels)):
        return _refuse("it does not normalise channels", "normalise along the last axis, axis=-1")
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
            remedy="use a plain ReLU and retrain",
        )
    if layer.max_value is not None and layer.max_value <= 0:
        return Refused(reason=f"its max_value is {layer.max_value:g}, which silences the layer")
    return Rectify(cap=None if layer.max_value is None else float(layer.max_value))


def _nothing(visit: Visit, shape: Shape) -> list[Work]:
    """What a layer does at inference that does nothing, or has only an activation, which is read of all layers alike."""
    return []


def _softmax(visit: Visit, shape: Shape) -> list[Work]:
    if visit.layer.axis not in (-1, len(shape)):
        return _refuse(f"its axis is {visit.layer.axis}", "use axis=-1")
    return [Softmax()]


def _activation(activation: Any, shape: Shape, last: bool) -> list[Work]:
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
    return _refuse(f"its activation is {name!r}, and {NO_SPIKES}", remedy)


# where several signals come together


def _sum(layer: Any, shapes: list[Shape]) -> list[Work]:
    count = len(shapes)
    factors = {"Subtract": (1.0, -1.0), "Average": (1 / count,) * count}.get(type(layer).__name__, (1.0,) * count)
    return [Sum(factors=factors)]


def _scaled_sum(layer: Any, shapes: list[Shape]) -> list[Work]:
    """What `keras.applications.InceptionResNetV2` adds up by."""
    return [Sum(factors=(1.0, float(layer.scale)))]


def _concatenate(layer: Any, shapes: list[Shape]) -> list[Work]:
    if layer.axis not in (-1, len(shapes[0])):
        return _refuse(f"it joins along axis {layer.axis}", "join channels, axis=-1")
    return [Join()]


_ELSEWHERE = ("keras.src.applications.inception_resnet_v2",)
"""Modules of Keras with layers that are not among `keras.layers`."""

_READERS: dict[str, Callable[[Visit, Shape], list[Work]]] = {
    **dict.fromkeys((*SKIPPED, "Activation"), _nothing),
    "AveragePooling1D": _pool,
    "AveragePooling2D": _pool,
    "BatchNormalization": _normalise_batch,
    "Conv1D": _convolve,
    "Conv2D": _convolve,
    "Cropping1D": _crop,
    "Cropping2D": _crop,
    "Dense": _dense,
    "DepthwiseConv1D": _convolve,
    "DepthwiseConv2D": _convolve,
    "Flatten": _reshape,
    "GlobalAveragePooling1D": _pool,
    "GlobalAveragePooling2D": _pool,
    "Normalization": _normalise_data,
    "ReLU": _relu,
    "Rescaling": _rescale,
    "Reshape": _reshape,
    "SeparableConv1D": _convolve,
    "SeparableConv2D": _convolve,
    "Softmax": _softmax,
    "ZeroPadding1D": _pad,
    "ZeroPadding2D": _pad,
}

_OF_MAPS = (_convolve, _crop, _dense, _pad, _pool)

_JOINS: dict[str, Callable[[Any, list[Shape]], list[Work]]] = {
    **dict.fromkeys(("Add", "Average", "Subtract"), _sum),
    "Concatenate": _concatenate,
    "CustomScaleLayer": _scaled_sum,
}
