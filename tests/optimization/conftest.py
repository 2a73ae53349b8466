"""A small real network: the shipped dense MNIST model, normalised carelessly, so that there is much to gain."""

import numpy as np
import pytest

from snnviz import datasets, pretrained
from snnviz.conversion import convert
from snnviz.conversion.loading import load_keras
from snnviz.network import Dense, Input, SpikingNetwork


@pytest.fixture(scope="session")
def mnist():
    return datasets.load("mnist", split="train", limit=1500)


@pytest.fixture(scope="session")
def slow_network(mnist):
    """Scales taken from the largest activation, halved: neurons fire rarely and the answer comes late."""
    network = convert(load_keras(pretrained.path("dense-mnist")), mnist.x[:300], percentile=100, progress=False)
    return network.scaled([0.5] * (len(network.layers) - 1) + [1.0])


@pytest.fixture(scope="session")
def toy():
    """4 - 6 - 5 - 3 neurons with random weights."""
    rng = np.random.default_rng(3)
    sizes = (4, 6, 5, 3)
    layers = tuple(
        Dense(
            name=f"dense{index}",
            input_shape=(sizes[index - 1],),
            weights=rng.normal(0.2, 0.6, (sizes[index - 1], sizes[index])),
            bias=rng.normal(0, 0.05, sizes[index]),
        )
        for index in (1, 2, 3)
    )
    return SpikingNetwork(input=Input(shape=(4,)), layers=layers)


@pytest.fixture(scope="session")
def toy_data(toy):
    """Items labelled as the analog network does, so that its accuracy is 1."""
    from snnviz.simulation import analog

    x = np.random.default_rng(4).random((40, 4)).astype(np.float32)
    return x, analog.logits(toy, x).argmax(axis=1)
