"""Training on activations of few levels, so that a spiking network of few time steps can express them.

A neuron that integrates the input z at every step, with threshold c and an initial potential of half a threshold, has
fired about floor(T z / c + 1/2) times after T steps, at most T times and at least none. So a ReLU is replaced, while a
model trains, by the clip-floor-shift function of Bu et al. 2022 ("Optimal ANN-SNN conversion for high-accuracy and
ultra-low-latency spiking neural networks", ICLR, equation 11),

    h(z) = c / L * clip(floor(L z / c + 1/2), 0, L),

with L levels and a ceiling c that each layer learns. The image and the outputs of pooling layers, which neurons stand
for as well, are rounded likewise. In the backward pass the floor counts as the identity. Afterwards each ReLU saturates at its
ceiling: what remains is an ordinary Keras model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from snnviz import conversion
from snnviz._models import check_single_path, rectifies
from snnviz.errors import InputError
from snnviz.sparsity import leaves

START_PERCENTILE = 99.9
"""Of a layer's activations over the first `START_ITEMS` training items: where a ceiling starts, unless the ReLU has one."""
START_ITEMS = 1000
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
    check_single_path(model, "training on levels (`levels`)")
    path = [layer for layer in leaves(model) if not isinstance(layer, keras.layers.InputLayer)]
    for layer in path:
        if not isinstance(layer, keras.layers.ReLU) and rectifies(layer):
            raise InputError(
                "`levels` must be 0 unless all ReLUs are layers of their own. "
                f"Received: {levels}; layer {layer.name!r} has one as its activation"
            )
    starts = iter(_starts(model, images, input_range))
    current = Levels(levels, input_range, trainable=False, name="image_levels")
    inputs = keras.Input(model.input_shape[1:])
    signal = current(inputs)
    ceilings = []
    for layer in path:
        if isinstance(layer, keras.layers.ReLU):
            current = Levels(levels, next(starts), name=f"{layer.name}_levels")
            signal = current(signal)
            ceilings.append((layer, current))
        else:
            signal = layer(signal)
            if isinstance(layer, _POOLS):
                signal = SharedLevels(current, name=f"{layer.name}_levels")(signal)
    return keras.Model(inputs, signal, name=model.name), ceilings


def _starts(model: keras.Model, images: np.ndarray, input_range: float) -> list[float]:
    """Where the ceilings of the ReLUs start, in order."""
    network = conversion.fold(model, input_range)
    found = conversion.measure(network, images, START_PERCENTILE)
    return [
        float(activation if layer.cap is None else layer.cap)
        for layer, activation in zip(network.layers[:-1], found.activations, strict=False)
        if not layer.pools
    ]
