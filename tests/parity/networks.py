"""Small random networks on a dyadic grid, on which float32 sums are exact in any order: engines must agree bit for bit.

Weights and biases are multiples of 2^-6, intensities of 2^-4, initial potentials of 2^-3: every membrane potential is a
multiple of 2^-10 and stays far below 2^13.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz.network import (
    Conv2D,
    Conv2DProjection,
    Dense,
    DenseProjection,
    DepthwiseConv2D,
    IdentityProjection,
    Input,
    Layer,
    Population,
    Projection,
    SpikingNetwork,
    Sum,
)
from snnviz.simulation.settings import Settings


def dyadic(rng: np.random.Generator, shape: Any, low: float, high: float, bits: int, zeros: float = 0.0) -> np.ndarray:
    """float32 multiples of 2^-bits in [low, high], a share `zeros` of them set to zero."""
    unit = 2**bits
    values = rng.integers(round(low * unit), round(high * unit), size=shape, endpoint=True) / unit
    return np.where(rng.random(shape) < zeros, 0, values).astype(np.float32)


def weights(rng: np.random.Generator, shape: tuple[int, ...], fan_in: int) -> np.ndarray:
    """Weights of a layer whose neurons have `fan_in` synapses, strong enough to make them fire, a third of them pruned."""
    top = min(2.0, 6 / np.sqrt(fan_in))
    return dyadic(rng, shape, -0.8 * top, top, 6, zeros=1 / 3)


def _bias(rng: np.random.Generator, channels: int) -> np.ndarray:
    return dyadic(rng, channels, -0.25, 0.3, 6)


def dense(rng: np.random.Generator, name: str, input_shape: tuple[int, ...], units: int, **options: Any) -> Dense:
    inputs = int(np.prod(input_shape))
    kernel = weights(rng, (inputs, units), inputs)
    return Dense(name=name, input_shape=input_shape, weights=kernel, bias=_bias(rng, units), **options)


def conv(
    rng: np.random.Generator,
    name: str,
    input_shape: tuple[int, ...],
    channels: int,
    kernel: tuple[int, int] = (3, 3),
    groups: int = 1,
    **options: Any,
) -> Conv2D:
    per_group = input_shape[2] // groups
    values = weights(rng, (*kernel, per_group, channels), kernel[0] * kernel[1] * per_group)
    return Conv2D(
        name=name, input_shape=input_shape, weights=values, bias=_bias(rng, channels), groups=groups, **options
    )


def depthwise(
    rng: np.random.Generator,
    name: str,
    input_shape: tuple[int, ...],
    multiplier: int = 1,
    kernel: tuple[int, int] = (3, 3),
    **options: Any,
) -> DepthwiseConv2D:
    values = weights(rng, (*kernel, input_shape[2], multiplier), kernel[0] * kernel[1])
    bias = _bias(rng, input_shape[2] * multiplier)
    return DepthwiseConv2D(name=name, input_shape=input_shape, weights=values, bias=bias, **options)


def pooling(name: str, input_shape: tuple[int, ...], size: tuple[int, int] = (2, 2), **options: Any) -> DepthwiseConv2D:
    """Average pooling as the conversion writes it."""
    values = np.full((*size, input_shape[2], 1), 1 / (size[0] * size[1]), np.float32)
    return DepthwiseConv2D(
        name=name,
        input_shape=input_shape,
        weights=values,
        bias=np.zeros(input_shape[2], np.float32),
        strides=options.pop("strides", size),
        pooling=True,
        **options,
    )


def network(shape: tuple[int, ...], *make: Callable[[tuple[int, ...]], Layer]) -> SpikingNetwork:
    """A network of layers, each made from the shape before it."""
    layers: list[Layer] = []
    current = shape
    for step in make:
        layers.append(step(current))
        current = layers[-1].output_shape
    return SpikingNetwork(input=Input(shape=shape), layers=tuple(layers))


def _one(
    shape: tuple[int, ...], build: Callable[..., Layer], *args: Any, **options: Any
) -> Callable[[int], SpikingNetwork]:
    """A maker (from a seed) of: the layer in question, then a dense read-out that sees its spikes."""

    def make(seed: int) -> SpikingNetwork:
        rng = np.random.default_rng(seed)
        return network(
            shape,
            lambda before: build(rng, "layer", before, *args, **options),
            lambda before: dense(rng, "output", before, 3),
        )

    return make


def _pooled(size: tuple[int, int], **options: Any) -> Callable[[int], SpikingNetwork]:
    def make(seed: int) -> SpikingNetwork:
        rng = np.random.default_rng(seed)
        return network(
            (6, 7, 2),
            lambda before: conv(rng, "conv", before, 3),
            lambda before: pooling("pool", before, size, **options),
            lambda before: dense(rng, "output", before, 3),
        )

    return make


def _deep(seed: int) -> SpikingNetwork:
    rng = np.random.default_rng(seed)
    same = ((1, 1), (1, 1))
    return network(
        (6, 6, 1),
        lambda before: conv(rng, "conv1", before, 4, padding=same),
        lambda before: conv(rng, "conv2", before, 4, padding=same),
        lambda before: pooling("pool", before),
        lambda before: depthwise(rng, "depthwise", before, padding=same),
        lambda before: conv(rng, "pointwise", before, 6, kernel=(1, 1)),
        lambda before: dense(rng, "dense", before, 8),
        lambda before: dense(rng, "output", before, 4),
    )


def _dense_net(seed: int) -> SpikingNetwork:
    rng = np.random.default_rng(seed)
    return network(
        (12,),
        lambda before: dense(rng, "dense1", before, 9),
        lambda before: dense(rng, "dense2", before, 8),
        lambda before: dense(rng, "output", before, 4),
    )


def _only_output(seed: int) -> SpikingNetwork:
    rng = np.random.default_rng(seed)
    return network((3, 4, 2), lambda before: dense(rng, "output", before, 4))


def with_random_potentials(net: SpikingNetwork, seed: int) -> SpikingNetwork:
    """One initial potential per neuron, some of them above threshold or negative."""
    rng = np.random.default_rng(seed)
    shapes = [net.input_shape, *(layer.output_shape for layer in net.layers)]
    return net.with_initial_potentials([dyadic(rng, shape, -1, 1.5, 3) for shape in shapes])


def _corrected(network: SpikingNetwork) -> SpikingNetwork:
    """The network of an ANN with other biases, which no engine may look at."""
    layers = [replace(layer, ann_bias=1 - layer.bias) for layer in network.layers]
    return replace(network, layers=tuple(layers))


def _each_biased(make: Callable[[int], SpikingNetwork]) -> Callable[[int], SpikingNetwork]:
    """The same with a bias for each neuron of a convolution."""

    def biased(seed: int) -> SpikingNetwork:
        rng, net = np.random.default_rng(seed + 1), make(seed)
        layers = [
            layer if isinstance(layer, Dense) else replace(layer, bias=dyadic(rng, layer.output_shape, -0.25, 0.3, 6))
            for layer in net.layers
        ]
        return replace(net, layers=tuple(layers))

    return biased


KINDS: dict[str, Callable[[int], SpikingNetwork]] = {
    "dense": _dense_net,
    "only output": _only_output,
    "dense on images": _one((3, 4, 2), dense, 6),
    "conv valid": _one((6, 5, 2), conv, 3),
    "conv same": _one((6, 5, 2), conv, 3, padding=((1, 1), (1, 1))),
    "conv even kernel, uneven padding": _one((5, 6, 2), conv, 3, kernel=(2, 4), padding=((0, 1), (1, 2))),
    "conv wide padding": _one((4, 3, 2), conv, 2, padding=((3, 0), (2, 4))),
    "conv stride 2 same": _one((7, 6, 2), conv, 3, strides=(2, 2), padding=((1, 1), (0, 1))),
    "conv uneven strides": _one((8, 7, 1), conv, 2, strides=(3, 2), padding=((1, 0), (0, 0))),
    "conv stride over kernel": _one((7, 7, 2), conv, 2, kernel=(1, 2), strides=(3, 3)),
    "conv dilated": _one((7, 8, 2), conv, 2, dilation=(2, 3), padding=((2, 2), (1, 3))),
    "conv dilated and strided": _one((8, 8, 2), conv, 2, dilation=(2, 2), strides=(2, 1), padding=((1, 2), (0, 2))),
    "conv groups": _one((5, 5, 4), conv, 6, groups=2, padding=((1, 1), (1, 1))),
    "conv groups strided": _one((6, 5, 6), conv, 3, groups=3, strides=(2, 2), dilation=(1, 2)),
    "conv 1x1": _one((4, 4, 3), conv, 5, kernel=(1, 1)),
    "depthwise": _one((5, 6, 3), depthwise, padding=((1, 1), (1, 1))),
    "depthwise multiplier": _one((5, 5, 2), depthwise, 3, padding=((0, 1), (1, 0))),
    "depthwise strided": _one((7, 6, 2), depthwise, 2, strides=(2, 2), padding=((1, 1), (1, 0))),
    "depthwise uneven strides": _one((7, 6, 2), depthwise, 2, strides=(1, 2)),
    "depthwise dilated": _one((7, 7, 2), depthwise, 2, dilation=(2, 2), padding=((2, 0), (1, 1))),
    "depthwise dilated and strided": _one((7, 7, 2), depthwise, 1, dilation=(2, 1), strides=(2, 3)),
    "pooling": _pooled((2, 2)),
    "pooling overlapping": _pooled((2, 4), strides=(1, 2)),
    "pooling padded": _pooled((2, 2), padding=((0, 0), (0, 1))),
    "deep": _deep,
    "conv, a bias for each neuron": _each_biased(_one((5, 6, 2), conv, 3, padding=((1, 1), (1, 1)))),
    "conv of many channels, a bias for each neuron": _each_biased(_one((3, 3, 2), conv, 150, padding=((1, 1), (1, 1)))),
    "conv groups, a bias for each neuron": _each_biased(_one((5, 5, 4), conv, 6, groups=2, padding=((1, 1), (1, 1)))),
    "depthwise, a bias for each neuron": _each_biased(_one((5, 6, 3), depthwise, padding=((1, 1), (1, 1)))),
    "depthwise of many channels, a bias for each neuron": _each_biased(
        _one((3, 2, 70), depthwise, padding=((1, 1), (1, 1)))
    ),
    "deep, a bias for each neuron": _each_biased(_deep),
    "deep, layers that begin later": lambda seed: _deep(seed).with_onsets([0, 1, 1, 3, 2, 4, 5]),
    "deep, biases corrected": lambda seed: _corrected(_deep(seed)),
    "conv, biases corrected": lambda seed: _corrected(_one((8, 8, 2), conv, 4, padding=((1, 1), (1, 1)))(seed)),
}
"""Makers (from a seed) of networks that cover every kind of layer and geometry."""

BIASED_BY_CHANNEL = tuple(kind for kind in KINDS if "for each neuron" not in kind)
"""Those that NIR has nodes for."""

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "reset to zero": {"reset": "zero"},
    "floor": {"floor": -0.125},
    "SpiNNaker": {"reset": "zero", "input_reset": "subtract", "floor": 0.0, "delay": 1},
    "delay": {"delay": 1},
    "refractory": {"refractory": 2},
    "clamp": {"clamp": 2},
    "clamp, every other layer": {"clamp": 0.5},
    "all synapses": {"synapses": "all"},
    "delay, all synapses": {"delay": 1, "synapses": "all"},
    "poisson": {"input": "poisson"},
    "poisson, delay": {"input": "poisson", "delay": 1},
    "spikes": {"input": "spikes"},
    "analog": {"input": "analog"},
    "analog, delay, zero": {"input": "analog", "delay": 1, "reset": "zero"},
    "delay, refractory, clamp, floor": {"floor": 0.25, "delay": 1, "refractory": 1, "clamp": 1},
    "everything": {
        "input": "poisson",
        "delay": 1,
        "refractory": 3,
        "clamp": 1,
        "reset": "zero",
        "floor": -0.5,
        "synapses": "all",
    },
}
"""Settings that cover every option."""


def random_inputs(net: SpikingNetwork, settings: Settings, items: int, seed: int) -> np.ndarray:
    """What `Engine.run` takes: intensities that are multiples of 2^-4, or spikes where they are given."""
    rng = np.random.default_rng(seed)
    if settings.given:
        return (rng.random((items, settings.steps, *net.input_shape)) < 0.4).astype(np.uint8)
    return dyadic(rng, (items, *net.input_shape), 0, 1, 4, zeros=0.2)


def random_network(seed: int) -> SpikingNetwork:
    """A network of up to three random hidden layers of any kind and geometry, half of them with potentials per neuron."""
    rng = np.random.default_rng(seed)
    shape: tuple[int, ...] = (int(rng.integers(4, 8)), int(rng.integers(4, 8)), int(rng.integers(1, 4)))
    layers: list[Layer] = []
    current = shape
    for index in range(int(rng.integers(0, 4))):
        if len(current) == 1 or rng.random() < 0.2:
            layers.append(dense(rng, f"layer{index}", current, int(rng.integers(2, 9))))
        else:
            layers.append(_random_spatial(rng, f"layer{index}", current))
        current = layers[-1].output_shape
    layers.append(dense(rng, "output", current, int(rng.integers(1, 5))))
    net = SpikingNetwork(input=Input(shape=shape), layers=tuple(layers))
    return with_random_potentials(net, seed + 1) if rng.random() < 0.5 else net


def _random_spatial(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Layer:
    def pair(high: int, low: int = 1) -> tuple[int, int]:
        return int(rng.integers(low, high + 1)), int(rng.integers(low, high + 1))

    kernel, dilation = pair(3), pair(2)
    padding = [pair(2, 0), pair(2, 0)]
    for axis in range(2):  # at least as much padding as it takes to fit the kernel in
        lacking = (kernel[axis] - 1) * dilation[axis] + 1 - shape[axis] - sum(padding[axis])
        if lacking > 0:
            padding[axis] = (padding[axis][0] + lacking, padding[axis][1])
    options: dict[str, Any] = {
        "kernel": kernel,
        "strides": pair(2),
        "padding": (padding[0], padding[1]),
        "dilation": dilation,
    }
    if rng.random() < 0.4:
        return depthwise(rng, name, shape, int(rng.integers(1, 3)), **options)
    divisors = [groups for groups in range(1, shape[2] + 1) if shape[2] % groups == 0]
    groups = int(rng.choice(divisors))
    return conv(rng, name, shape, groups * int(rng.integers(1, 4)), groups=groups, **options)


def random_graph(seed: int) -> SpikingNetwork:
    """Two to eight populations behind the input: branches, sums, concatenations of channels, skips over up to four of them."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(3, 7)), int(rng.integers(3, 7)), int(rng.integers(1, 4)))
    shapes: dict[str, tuple[int, ...]] = {"input": shape}
    layers: list[Population] = []
    for index in range(int(rng.integers(1, 8))):
        recent = list(shapes)[-4:]
        first = str(rng.choice(recent))
        made = _random_population(rng, f"layer{index}", first, {name: shapes[name] for name in recent})
        layers.append(made)
        shapes[made.name] = made.output_shape
    heard = {each.source for layer in layers for each in layer.projections}
    loose = [name for name in shapes if name not in heard]
    chosen = [*loose, *(name for name in ("input",) if name not in loose and rng.random() < 0.3)]
    outputs = int(rng.integers(1, 5))
    parts = [_all_to_all(rng, name, shapes[name], outputs) for name in chosen]
    layers.append(Sum(name="output", projections=tuple(parts), bias=_bias(rng, outputs)))
    net = SpikingNetwork(input=Input(shape=shape), layers=tuple(layers))
    return with_random_potentials(net, seed + 1) if rng.random() < 0.5 else net


def _all_to_all(rng: np.random.Generator, source: str, shape: tuple[int, ...], units: int) -> DenseProjection:
    inputs = int(np.prod(shape))
    return DenseProjection(source=source, input_shape=shape, weights=weights(rng, (inputs, units), 2 * inputs))


def _random_population(
    rng: np.random.Generator, name: str, first: str, shapes: dict[str, tuple[int, ...]]
) -> Population:
    """A layer behind `first`, or a sum of it and of others that fit, some of them side by side along channels."""
    shape = shapes[first]
    kind = rng.random()
    if len(shape) == 1 or kind < 0.15:
        made: Layer = dense(rng, name, shape, int(rng.integers(2, 9)))
        return replace(made, source=first)
    if kind < 0.45:
        return replace(_random_spatial(rng, name, shape), source=first)
    alike = [other for other, size in shapes.items() if size[:-1] == shape[:-1] and other != first]
    parts: list[Projection] = []
    if kind < 0.65:  # side by side
        every = [first, *alike[:2]]
        channels = sum(shapes[each][-1] for each in every)
        at = 0
        for each in every:
            kernel = dyadic(rng, shapes[each][-1], 0.25, 1.5, 3, zeros=0.2)
            parts.append(
                IdentityProjection(source=each, input_shape=shapes[each], weights=kernel, first=at, channels=channels)
            )
            at += shapes[each][-1]
        return Sum(name=name, projections=tuple(parts), bias=_bias(rng, channels))
    kernel = dyadic(rng, shape[-1], 0.25, 1.5, 3)
    parts.append(IdentityProjection(source=first, input_shape=shape, weights=kernel))
    for other in [first, *alike][: int(rng.integers(1, 4))]:  # one population may reach another in two ways
        values = weights(rng, (3, 3, shapes[other][-1], shape[-1]), 9 * shapes[other][-1])
        same = ((1, 1), (1, 1))
        parts.append(Conv2DProjection(source=other, input_shape=shapes[other], weights=values, padding=same))
    return Sum(name=name, projections=tuple(parts), bias=_bias(rng, shape[-1]))


def residual(seed: int, side: int = 8) -> SpikingNetwork:
    """A residual network as conversion writes it: a block with an identity, one with a projection and strides, pooling, dense.

    Args:
        seed: of the weights.
        side: rows and columns of the images, an even number.
    """
    rng, half = np.random.default_rng(seed), side // 2
    same = ((1, 1), (1, 1))
    stem = conv(rng, "stem", (side, side, 2), 4, padding=same)
    first = conv(rng, "first", (side, side, 4), 4, padding=same)
    kernel = weights(rng, (3, 3, 4, 4), 36)
    one = Sum(
        name="one",
        projections=(
            Conv2DProjection(source="first", input_shape=(side, side, 4), weights=kernel, padding=same),
            IdentityProjection(source="stem", input_shape=(side, side, 4), weights=dyadic(rng, 4, 0.5, 1, 3)),
        ),
        bias=_bias(rng, 4),
    )
    second = conv(rng, "second", (side, side, 4), 6, padding=same, strides=(2, 2))
    two = Sum(
        name="two",
        projections=(
            Conv2DProjection(
                source="second", input_shape=(half, half, 6), weights=weights(rng, (3, 3, 6, 6), 54), padding=same
            ),
            Conv2DProjection(
                source="one", input_shape=(side, side, 4), weights=weights(rng, (1, 1, 4, 6), 4), strides=(2, 2)
            ),
        ),
        bias=dyadic(rng, (half, half, 6), -0.25, 0.3, 6),
    )
    pool = pooling("pool", (half, half, 6), (half, half))
    layers = (stem, first, one, second, two, pool, dense(rng, "output", (1, 1, 6), 4))
    return SpikingNetwork(input=Input(shape=(side, side, 2)), layers=layers)
