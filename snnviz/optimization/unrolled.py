"""What a network unrolled in time is made of in TensorFlow: spikes with a derivative, and every layer's linear part."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from snnviz.network import Convolution, DepthwiseConv2D, Layer

Tensor = Any


def surrogate(tf: Any, width: float) -> Any:
    """The spike function v >= 1, with max(0, 1 - |v - 1| / width) / width for a derivative."""

    @tf.custom_gradient
    def spike(v: Tensor) -> Any:
        def backward(upstream: Tensor) -> Tensor:
            return upstream * tf.maximum(0.0, 1.0 - tf.abs(v - 1.0) / width) / width

        return tf.cast(v >= 1.0, tf.float32), backward

    return spike


def fire(
    tf: Any, drive: Sequence[Tensor], potential: Tensor, spike: Callable[[Tensor], Tensor] | None, onset: int = 0
) -> Tensor:
    """Spikes (T', B, *shape) of neurons that get `drive` at each step, and take no notice of it until `onset`.

    `spike` is what `surrogate` gives; None for neurons that nothing is learned through.
    """
    v = tf.broadcast_to(potential, tf.shape(drive[0]))
    spikes = []
    for step, arriving in enumerate(drive):
        if step < onset:
            spikes.append(tf.zeros_like(v))
            continue
        v = v + arriving
        fired = tf.cast(v >= 1.0, tf.float32) if spike is None else spike(v)
        v = v - fired
        spikes.append(fired)
    return tf.stack(spikes)


def read(tf: Any, drive: Tensor, potential: Tensor, onset: int) -> Tensor:
    """Output potentials (T', B, classes) of a last layer that gets `drive` (T', B, classes)."""
    return tf.cumsum(tf.concat([tf.zeros_like(drive[:onset]), drive[onset:]], axis=0), axis=0) + potential


def best_sharpness(logits: np.ndarray, y: np.ndarray) -> np.ndarray:
    """For each of n sets of logits (n, B, classes) the log-temperature, on a grid, at which the labels surprise it least: (n,)."""
    logits = logits.astype(np.float64)
    logits -= logits.max(axis=2, keepdims=True)
    grid = np.linspace(-5, 5, 41)
    scaled = logits[None] * np.exp(grid)[:, None, None, None]
    surprise = np.log(np.exp(scaled).sum(axis=3)) - scaled[:, :, np.arange(len(y)), y]
    return grid[surprise.mean(axis=2).argmin(axis=0)]


def linear(tf: Any, layer: Layer, rows: Tensor, weights: Tensor, precision: str = "float32") -> Tensor:
    """f(rows; W), rows (n, *layer.input_shape); with "bfloat16" plain convolutions are computed in that precision."""
    if not isinstance(layer, Convolution):
        return tf.matmul(tf.reshape(rows, (-1, layer.weights.shape[0])), weights)
    padded = tf.pad(rows, ((0, 0), *layer.padding, (0, 0)))
    if isinstance(layer, DepthwiseConv2D):
        return _depthwise(tf, layer, padded, weights)
    # TensorFlow's CPU kernels have no gradient for groups, nor for strides together with dilation
    if layer.groups > 1 or (max(layer.strides) > 1 and max(layer.dilation) > 1):
        return _by_elements(tf, layer, padded, weights)
    padded, weights = tf.cast(padded, precision), tf.cast(weights, precision)
    return tf.cast(tf.nn.conv2d(padded, weights, layer.strides, "VALID", dilations=layer.dilation), tf.float32)


def _views(layer: Convolution, padded: Tensor) -> list[tuple[int, int, Tensor]]:
    """For each kernel element the inputs that meet it, (n, *output size, channels)."""
    (height, width), (down, right) = layer.output_shape[:2], layer.strides
    found = []
    for i in range(layer.weights.shape[0]):
        for j in range(layer.weights.shape[1]):
            top, left = i * layer.dilation[0], j * layer.dilation[1]
            rows = slice(top, top + (height - 1) * down + 1, down)
            columns = slice(left, left + (width - 1) * right + 1, right)
            found.append((i, j, padded[:, rows, columns]))
    return found


def _depthwise(tf: Any, layer: Convolution, padded: Tensor, weights: Tensor) -> Tensor:
    terms = [view[..., None] * weights[i, j] for i, j, view in _views(layer, padded)]
    return tf.reshape(tf.add_n(terms), (-1, *layer.output_shape))


def _by_elements(tf: Any, layer: Convolution, padded: Tensor, weights: Tensor) -> Tensor:
    """A grouped convolution as one matrix product per group and kernel element."""
    groups = layer.groups
    total = None
    for i, j, view in _views(layer, padded):
        kernels = tf.split(weights[i, j], groups, axis=-1)
        term = tf.concat(
            [part @ kernel for part, kernel in zip(tf.split(view, groups, axis=-1), kernels, strict=True)], axis=-1
        )
        total = term if total is None else total + term
    return total
