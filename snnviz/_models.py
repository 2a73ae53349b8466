"""What a Keras model shows of itself: its layers in order, what its activations compute, what it takes for full intensity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError

if TYPE_CHECKING:
    import keras

# layers that do nothing at inference
SKIPPED = (
    "ActivityRegularization", "AlphaDropout", "AugMix", "CutMix", "Dropout", "Equalization", "GaussianDropout", "GaussianNoise",
    "Identity", "InputLayer", "MixUp", "RandAugment", "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter",
    "RandomContrast", "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale",
    "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation", "RandomSaturation",
    "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Solarization", "SpatialDropout1D", "SpatialDropout2D",
)  # fmt: skip

EIGHT_BIT = 255.0
UNIT_TOP, EIGHT_BIT_TOP = (0.0, 4.0), (64.0, 420.0)
"""The brightest value of a model's images, as its first affine map shows it, where they are intensities in [0, 1] or of 8 bits."""


def numbers(value: Any) -> np.ndarray:
    """A Keras variable or tensor as float64."""
    return np.asarray(value, np.float64)


@checked
def leaves(model: keras.Model) -> list[Any]:
    """The layers of `model` in order, those of nested models in the place of their model."""
    import keras

    found: list[Any] = []
    for layer in model.layers:
        found += leaves(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def own_call(model: Any) -> bool:
    """Whether a Sequential or functional model has a `call` of its own class, which its layers do not tell."""
    return not type(model).call.__module__.startswith("keras.")


class UnclearRange(Exception):
    """An affine map that was made for images of no known range."""

    remedy = "give `input_range` (--input-range), what the model takes for full intensity"

    def __init__(self, layer: Any, top: float, mean: float = 0.0) -> None:
        self.layer = layer
        self.reason = f"it was made for images whose brightest values are about {top:.3g}, neither 1 nor 255"
        if mean < 0:
            self.reason = f"it was made for images whose mean is {mean:.3g}, which those of 0 to 1 or 255 cannot have"
            self.remedy = (
                "put a Rescaling before it that makes such images of those from 0 to 1, as Rescaling(2, -1) for -1 to 1"
            )
        super().__init__(self.reason)


def range_shown(layers: Sequence[Any], given: float | None = None) -> float:
    """The input range by the first affine map before any weights; without one, images are in [0, 1].

    Args:
        layers: of a Keras model, in order.
        given: the range as a user said it, which holds for all but images below zero.

    Raises:
        UnclearRange: if that map is of images of another range than 1 and 255, or of images below zero.
    """
    found = _first_map(layers)
    if found is None:
        return 1.0 if given is None else given
    layer, top = found
    if (mean := _mean(layer)) < BELOW_ZERO:
        raise UnclearRange(layer, top, mean)
    if given is not None:
        return given
    if UNIT_TOP[0] <= top <= UNIT_TOP[1]:
        return 1.0
    if EIGHT_BIT_TOP[0] <= top <= EIGHT_BIT_TOP[1]:
        return EIGHT_BIT
    raise UnclearRange(layer, top)


def _first_map(layers: Sequence[Any]) -> tuple[Any, float] | None:
    """The first affine map before any weights that says something of the images, and about their brightest value."""
    for layer in layers:
        if (top := _brightest(layer)) is not None:
            return layer, top
        if type(layer).__name__ not in (*SKIPPED, "Flatten", "Reshape", "ZeroPadding1D", "ZeroPadding2D", *_AFFINE):
            return None
    return None


def shows_preprocessing(model: keras.Model) -> bool:
    """Whether a Keras model begins with a map of its images, from which their range is known."""
    return _first_map(leaves(model)) is not None


@checked
def input_range(model: keras.Model) -> float:
    """What a Keras model takes for full intensity: 255 if it begins with a map of 8-bit images, else 1.

    Args:
        model: a Keras model.

    Raises:
        InputError: if it begins with a map of images of another range.
    """
    try:
        return range_shown(leaves(model))
    except UnclearRange as unclear:
        raise InputError(
            "`model` must show what it takes for full intensity. "
            f"Received: one whose layer {unclear.layer.name!r} does not: {unclear.reason}; {unclear.remedy}"
        ) from unclear


def as_taken(x: np.ndarray, full: float) -> np.ndarray:
    """Intensities in [0, 1] as a model takes them whose full intensity is `full`."""
    return x if full == 1 else x * np.float32(check.input_range(full))


_AFFINE = ("Rescaling", "Normalization", "BatchNormalization")


BELOW_ZERO = -0.01
"""A mean below this is no rounding of a black channel's."""


def _mean(layer: Any) -> float:
    """The least mean of a channel of the images that a normalisation was made for; 0 of a Rescaling, which says nothing of it."""
    name = {"Normalization": "mean", "BatchNormalization": "moving_mean"}.get(type(layer).__name__)
    return 0.0 if name is None else float(numbers(getattr(layer, name)).min())


def _brightest(layer: Any) -> float | None:
    """About the brightest value of the images that an affine layer was made for; None if it says nothing about them.

    Of a normalisation the mean and two standard deviations, of its channels the largest; of a Rescaling the value that becomes 1.
    """
    if type(layer).__name__ == "Rescaling":
        factor = float(np.abs(np.asarray(layer.scale, np.float64)).max())
        return 1 / factor if 0 < factor != 1 else None
    if type(layer).__name__ == "Normalization" and not layer.invert:
        mean, variance = numbers(layer.mean), numbers(layer.variance)
    elif type(layer).__name__ == "BatchNormalization":
        mean, variance = numbers(layer.moving_mean), numbers(layer.moving_variance)
        if not mean.any() and (variance == 1).all():  # never trained
            return None
    else:
        return None
    top = float((mean + 2 * np.sqrt(np.maximum(variance, 0))).max())
    return top if math.isfinite(top) else None


def rectifies(layer: Any) -> bool:
    """Whether a layer ends in a ReLU, capped or not: it is one, or its activation is, whoever wrote it."""
    import keras

    activation = getattr(layer, "activation", None)
    return (
        isinstance(layer, keras.layers.ReLU)
        or isinstance(activation, keras.layers.ReLU)
        or (activation is not None and meaning_of(activation) in ("relu", "relu6"))
    )


_MAGNITUDES = np.concatenate([np.linspace(0, 12, 49), np.logspace(-6, 6, 49)])
_PROBES = np.concatenate([-_MAGNITUDES, _MAGNITUDES]).astype(np.float32).reshape(4, -1)


def meaning_of(activation: Any) -> str:
    """What an activation computes, whoever wrote it: "relu", "relu6", "softmax", "log_softmax", "linear"; "" for anything else.

    Keras, its `ops` and TensorFlow each have functions of their own; so they are told apart by their values on many points.
    """
    import keras

    try:
        found = keras.ops.convert_to_numpy(activation(keras.ops.convert_to_tensor(_PROBES)))
    except Exception:  # a user's function may want other shapes, or anything
        return ""
    exponentials = np.exp(_PROBES.astype(np.float64) - _PROBES.max(axis=-1, keepdims=True))
    known = {
        "linear": _PROBES,
        "relu": np.maximum(_PROBES, 0),
        "relu6": np.clip(_PROBES, 0, 6),
    }
    for name, values in known.items():
        if np.array_equal(found, values):
            return name
    softmax = exponentials / exponentials.sum(axis=-1, keepdims=True)
    if found.shape == softmax.shape and np.allclose(found, softmax, atol=1e-6):
        return "softmax"
    logarithm = _PROBES - _PROBES.max(axis=-1, keepdims=True) - np.log(exponentials.sum(axis=-1, keepdims=True))
    return (
        "log_softmax" if found.shape == logarithm.shape and np.allclose(found, logarithm, rtol=1e-5, atol=1e-5) else ""
    )
