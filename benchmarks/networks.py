"""Random networks of the three architectures of Table A, with a chosen share of neurons spiking in each step.

Weights are random, and each layer's bias (one number for all of its neurons) is tuned on a short simulation so that the
layer spikes at the wanted density. Pooling layers keep their zero bias: they pass on the density of the layer before them.
"""

from __future__ import annotations

import numpy as np

from snnviz import _checks as check
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Input, Layer, SpikingNetwork
from snnviz.simulation.analog import linear

# an int is a 3x3 'same' convolution, "pool" 2x2 average pooling, ("dense", n) a dense layer
ARCHITECTURES: dict[str, tuple[tuple[int, ...], tuple[int | str | tuple[str, int], ...]]] = {
    "dense-mnist": ((28, 28, 1), (("dense", 128), ("dense", 128), ("dense", 10))),
    "conv-mnist": ((28, 28, 1), (32, 32, "pool", 64, 64, "pool", ("dense", 128), ("dense", 10))),
    "conv-cifar10": (
        (32, 32, 3),
        (64, 64, 64, "pool", 128, 128, 128, "pool", 256, 256, 256, "pool", ("dense", 512), ("dense", 10)),
    ),
    # one convolution on spikes of as many channels and little else: the inner loop of an engine
    "layer-32": ((28, 28, 32), (32, ("dense", 10))),
    "layer-64": ((28, 28, 64), (64, ("dense", 10))),
    "layer-128": ((16, 16, 128), (128, ("dense", 10))),
    "layer-256": ((8, 8, 256), (256, ("dense", 10))),
}
DENSITY = 0.17
"""Share of neurons that spike in a step in the paper's networks before sparsity, and in Table A's random ones."""
CALIBRATION_STEPS = 50
CALIBRATION_PIXELS = 6000
"""As many images are simulated for the tuning as have about so many pixels: a sparse layer needs many to be measured."""


def random_images(network: SpikingNetwork, items: int, seed: int = 0, density: float = DENSITY) -> np.ndarray:
    """float32 intensities (items, *network.input_shape) of mean `density`, so that the spiking input layer has that density.

    Below `DENSITY` a share of the pixels is black and the others are as bright as at `DENSITY`: a uniformly dim image would
    hardly make an input neuron fire within a simulation.
    """
    return _images(np.random.default_rng(seed), items, network.input_shape, density)


def _images(rng: np.random.Generator, items: int, shape: tuple[int, ...], density: float) -> np.ndarray:
    bright = max(density, DENSITY)
    top = min(1.0, 2 * bright)
    low = 2 * bright - top
    values = (low + (top - low) * rng.random((items, *shape))).astype(np.float32)
    return np.where(rng.random(values.shape) < density / bright, values, np.float32(0))


def random_network(architecture: str, density: float = DENSITY, seed: int = 0) -> SpikingNetwork:
    """A random network of an architecture of Table A in which about `density` of the neurons spike in each step.

    Args:
        architecture: "dense-mnist", "conv-mnist", "conv-cifar10", or a single layer, "layer-64" for example.
        density: mean spikes per neuron and step, above 0 and at most 0.5.
        seed: seed of the weights and of the images that the biases are tuned on.

    Raises:
        InputError: if an argument is not allowed.
    """
    check.choice("architecture", architecture, ARCHITECTURES)
    check.real("density", density, 0, 0.5, above=True)
    rng = np.random.default_rng(seed)
    shape, items = ARCHITECTURES[architecture]
    layers: list[Layer] = []
    current: tuple[int, ...] = shape
    images = _images(rng, max(1, round(CALIBRATION_PIXELS / np.prod(shape))), shape, density)
    spikes = _fire(np.broadcast_to(images, (CALIBRATION_STEPS, *images.shape)), 0.0)
    for index, item in enumerate(items):
        layer = _layer(rng, index, item, current, density)
        drive = linear(layer, spikes.reshape(-1, *current)).reshape(*spikes.shape[:2], *layer.output_shape)
        if item != "pool" and index < len(items) - 1:
            bias = np.full(layer.channels, _tuned_bias(drive, density), np.float32)
            layer = _with_bias(layer, bias)
        spikes = _fire(drive, layer.bias)
        layers.append(layer)
        current = layer.output_shape
    metadata = {"title": f"random {architecture}, density {density:g}, seed {seed}"}
    return SpikingNetwork(input=Input(shape=shape), layers=tuple(layers), metadata=metadata)


def _layer(
    rng: np.random.Generator, index: int, item: int | str | tuple[str, int], shape: tuple[int, ...], density: float
) -> Layer:
    if item == "pool":
        return DepthwiseConv2D(
            name=f"pool_{index}",
            input_shape=shape,
            weights=np.full((2, 2, shape[2], 1), 0.25, np.float32),
            bias=np.zeros(shape[2], np.float32),
            strides=(2, 2),
            pooling=True,
        )
    convolution = isinstance(item, int)
    units = item if isinstance(item, int) else int(item[1])
    fan_in = 9 * shape[2] if convolution else int(np.prod(shape))
    # of the order of one half: the standard deviation of a neuron's drive in a step
    spread = 0.5 / np.sqrt(fan_in * density)
    if convolution:
        return Conv2D(
            name=f"conv_{index}",
            input_shape=shape,
            weights=rng.normal(0, spread, (3, 3, shape[2], units)),
            bias=np.zeros(units, np.float32),
            padding=((1, 1), (1, 1)),
        )
    return Dense(
        name=f"dense_{index}",
        input_shape=shape,
        weights=rng.normal(0, spread, (fan_in, units)),
        bias=np.zeros(units, np.float32),
    )


def _with_bias(layer: Layer, bias: np.ndarray) -> Layer:
    from dataclasses import replace

    return replace(layer, bias=bias)


def _fire(drive: np.ndarray, bias: np.ndarray | float) -> np.ndarray:
    """Spikes (steps, ...) of integrate-and-fire neurons driven by `drive` (steps, ...)."""
    v = np.full(drive.shape[1:], 0.5, np.float32)
    spikes = np.empty(drive.shape, np.float32)
    for step, arriving in enumerate(drive):
        v += arriving + bias
        spikes[step] = v >= 1
        v -= spikes[step]
    return spikes


def _tuned_bias(drive: np.ndarray, density: float) -> float:
    """The bias at which neurons driven by `drive` spike at `density`, by bisection."""
    low, high = -float(np.abs(drive).max()), 1.0
    for _ in range(14):
        middle = (low + high) / 2
        if _fire(drive, middle).mean() > density:
            high = middle
        else:
            low = middle
    return (low + high) / 2
