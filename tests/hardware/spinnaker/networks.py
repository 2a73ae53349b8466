"""Networks of ordinary float32 weights, small enough to be simulated in Python integers."""

from dataclasses import replace

import numpy as np

from snnviz.network import SpikingNetwork
from tests.parity.networks import conv, dense, depthwise, network, pooling, residual


def roughened(net, seed):
    """`net` with weights, biases and potentials off any grid."""
    rng = np.random.default_rng(seed)
    layers = []
    for layer in net.layers:
        pooled = layer.pools
        weights = [
            each.weights * (1 if pooled else rng.uniform(0.5, 1.5, each.weights.shape)) for each in layer.projections
        ]
        bias = layer.bias if pooled else layer.bias + rng.normal(0, 0.05, layer.bias.shape)
        layers.append(layer.with_weights(weights, bias=bias, initial_potential=0.5 + rng.normal(0, 0.1)))
    return SpikingNetwork(input=net.input, layers=tuple(layers))


def dense_network(seed=0):
    rng = np.random.default_rng(seed)
    return roughened(
        network(
            (12,),
            lambda before: dense(rng, "hidden1", before, 40),
            lambda before: dense(rng, "hidden2", before, 20),
            lambda before: dense(rng, "output", before, 4),
        ),
        seed,
    )


def conv_network(seed=0):
    rng = np.random.default_rng(seed)
    return roughened(
        network(
            (6, 6, 2),
            lambda before: conv(rng, "conv", before, 4, padding=((1, 1), (1, 1))),
            lambda before: pooling("pool", before),
            lambda before: depthwise(rng, "depthwise", before, padding=((1, 1), (1, 1))),
            lambda before: dense(rng, "output", before, 3),
        ),
        seed,
    )


def each_biased_network(seed=0):
    """The convolutional one with a bias for each neuron."""
    net, rng = conv_network(seed), np.random.default_rng(seed + 1)
    first = replace(net.layers[0], bias=rng.normal(0, 0.1, net.layers[0].output_shape))
    return replace(net, layers=(first, *net.layers[1:]))


def pooled_network(seed=0):
    """One that begins with average pooling, as the paper's network for SpiNNaker."""
    rng = np.random.default_rng(seed)
    return roughened(
        network(
            (8, 6, 1),
            lambda before: pooling("pool", before),
            lambda before: dense(rng, "hidden", before, 30),
            lambda before: dense(rng, "output", before, 4),
        ),
        seed,
    )


def residual_network(seed=0):
    """One with an identity, and a projection with strides, into sums."""
    return roughened(residual(seed), seed)


def images(net, items, seed=0):
    """Intensities and labels."""
    rng = np.random.default_rng(seed)
    x = rng.random((items, *net.input_shape), dtype=np.float32)
    return x, rng.integers(0, net.classes, items)
