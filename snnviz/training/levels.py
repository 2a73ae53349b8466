"""Training on activations of few levels, so that a spiking network of few time steps can express them.

A neuron that integrates the input z at every step, with threshold c and an initial potential of half a threshold, has
fired about floor(T z / c + 1/2) times after T steps, at most T times and at least none. So a ReLU is replaced, while a
model trains, by the clip-floor-shift function of Bu et al. 2022 ("Optimal ANN-SNN conversion for high-accuracy and
ultra-low-latency spiking neural networks", ICLR, equation 11),

    h(z) = c / L * clip(floor(L z / c + 1/2), 0, L),

with L levels and a ceiling c that each layer learns. The image and the outputs of pooling layers, which neurons stand
for as well, are rounded likewise, the latter where their inputs have one ceiling. In the backward pass the floor counts as the
identity. Afterwards each ReLU saturates at its ceiling: what remains is an ordinary Keras model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from snnviz import conversion
from snnviz._backend import compiled
from snnviz._models import SKIPPED, as_taken, rectifies
from snnviz._visits import Visit, through, visits
from snnviz.conversion.normalisation import UpperTail
from snnviz.errors import InputError

START_PERCENTILE = 99.9
"""Of a layer's activations over the first `START_ITEMS` training items: where a ceiling starts, unless the ReLU has one."""
START_ITEMS = 1000
_BATCH = 100
_KEEP = (*SKIPPED, "Flatten", "Reshape", "ZeroPadding2D", "Concatenate")
"""Kinds of layers that leave a signal below the ceilings of what they take."""
_POOLS = (keras.layers.AveragePooling2D, keras.layers.GlobalAveragePooling2D)


class Levels(keras.layers.Layer):
    """h(z) of this module for signals of one ceiling.

    Args:
        levels: L.
        start: the ceiling at first.
        trainable: whether it is learned.
    """

    def __init__(self, levels: int, start: float, trainable: bool = True, **options: Any) -> None:
        super().__init__(trainable=trainable, **options)
        self.levels = levels
        # its logarithm, so that it stays positive
        self.log_ceiling = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(math.log(start)), name="log_ceiling"
        )

    @property
    def ceiling(self) -> float:
        """c as it stands."""
        return math.exp(float(keras.ops.convert_to_numpy(self.log_ceiling)))

    def call(self, signal: Any) -> Any:
        """Round a signal."""
        ceiling = keras.ops.exp(self.log_ceiling)
        rates = keras.ops.clip(signal / ceiling, 0, 1)
        rounded = keras.ops.floor(rates * self.levels + 0.5) / self.levels
        return ceiling * (rates + keras.ops.stop_gradient(rounded - rates))


class SharedLevels(keras.layers.Layer):
    """h(z) with the ceiling of another layer: for averages of its outputs, which cannot exceed it."""

    def __init__(self, source: Levels, **options: Any) -> None:
        super().__init__(**options)
        self.source = source

    def call(self, signal: Any) -> Any:
        """Round a signal."""
        return self.source.call(signal)


@contextmanager
def rounding(model: keras.Model, levels: int, images: np.ndarray, input_range: float = 1.0) -> Iterator[keras.Model]:
    """A model that shares all layers of `model` but the ReLUs, and rounds where neurons will stand; for training.

    When the context ends, the ReLUs of `model` have got the ceilings of that model as `max_value`.

    Args:
        model: a model that can be converted, with ReLUs as layers of their own.
        levels: L; 0 gives `model` itself, and changes nothing.
        images: training items, intensities in [0, 1], (items, *input shape), whose activations the ceilings start from.
        input_range: what the model takes for full intensity.

    Raises:
        InputError: for a model that cannot be converted, or with a ReLU that is no layer of its own.
    """
    if not levels:
        yield model
        return
    twin, ceilings = _twin(model, levels, images, input_range)
    try:
        yield twin
    finally:
        for layer, rounded in ceilings:
            layer.max_value = rounded.ceiling


def _twin(
    model: keras.Model, levels: int, images: np.ndarray, input_range: float
) -> tuple[keras.Model, list[tuple[Any, Levels]]]:
    problems = conversion.check_convertible(model)
    if problems:
        raise InputError(f"`levels` must be 0 for a model that cannot be converted. Received: {levels}; {problems[0]}")
    path = visits(model)
    for visit in path:
        if not isinstance(visit.layer, keras.layers.ReLU) and rectifies(visit.layer):
            raise InputError(
                "`levels` must be 0 unless all ReLUs are layers of their own. "
                f"Received: {levels}; layer {visit.name!r} has one as its activation"
            )
    starts = _starts(model, path, images, input_range)
    ceilings = {place: Levels(levels, start, name=_named(path[place])) for place, start in starts.items()}
    of_layer = {id(path[place].layer): each for place, each in ceilings.items()}

    def rounded(visit: Visit, taken: list[_Rounded]) -> _Rounded:
        limits = {id(each.levels): each.levels for each in taken}
        limit = next(iter(limits.values())) if len(limits) == 1 else None
        if own := of_layer.get(id(visit.layer)):
            return _Rounded(own(taken[0].signal), own)
        made = visit.called([each.signal for each in taken])
        if isinstance(visit.layer, _POOLS) and limit is not None:
            return _Rounded(SharedLevels(limit, name=_named(visit))(made), limit)
        return _Rounded(made, limit if visit.kind in _KEEP else None)

    image = Levels(levels, input_range, trainable=False, name="image_levels")
    inputs = keras.Input(model.input_shape[1:])
    made = through(path, _Rounded(image(inputs), image), rounded)
    return keras.Model(inputs, made[len(path) - 1].signal, name=model.name), [
        (path[place].layer, each) for place, each in ceilings.items()
    ]


def _named(visit: Visit) -> str:
    return f"{visit.name.replace('/', '_')}_levels"


@dataclass(frozen=True, eq=False)
class _Rounded:
    """A signal, and what it was rounded by, or an average of such; None for what can have any value."""

    signal: Any
    levels: Levels | None


def _starts(model: keras.Model, path: list[Visit], images: np.ndarray, input_range: float) -> dict[int, float]:
    """Where the ceilings of the ReLUs start, by place; a ReLU that is there twice has one."""
    places = {id(visit.layer): place for place, visit in enumerate(path) if isinstance(visit.layer, keras.layers.ReLU)}
    inputs = keras.Input(model.input_shape[1:])
    made = through(path, inputs, Visit.called)
    outputs = [made[place] for place in places.values()]
    measuring = compiled(keras.Model(inputs, outputs))
    tails = [UpperTail(len(images) * math.prod(output.shape[1:]), START_PERCENTILE) for output in outputs]
    for start in range(0, len(images), _BATCH):
        found = measuring(as_taken(images[start : start + _BATCH], input_range))
        for tail, values in zip(tails, found if isinstance(found, list) else [found], strict=True):
            tail.add(keras.ops.convert_to_numpy(values).reshape(-1, 1))
    caps = [path[place].layer.max_value for place in places.values()]
    starts = [
        float(tail.positive(START_PERCENTILE, 1.0)[0] if cap is None else cap)
        for tail, cap in zip(tails, caps, strict=True)
    ]
    return dict(zip(places.values(), starts, strict=True))
