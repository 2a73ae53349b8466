"""Results that the plots draw."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from snnviz.network import Input, SpikingNetwork
from snnviz.simulation import Record, simulate
from tests.parity.networks import conv, dense, dyadic, pooling
from tests.synthetic import dense_mnist

STEPS, ITEMS, TRACED = 12, 24, 4


@pytest.fixture(scope="session")
def before():
    return dense_mnist(title="before")


@pytest.fixture(scope="session")
def after():
    return dense_mnist(title="after", fast=True)


@pytest.fixture(scope="session")
def network():
    """A small network with a layer of every kind."""
    rng = np.random.default_rng(7)
    layers = (
        conv(rng, "conv", (6, 6, 1), 4),
        pooling("pool", (4, 4, 4)),
        dense(rng, "hidden", (2, 2, 4), 8),
        dense(rng, "classifier", (8,), 3),
    )
    return SpikingNetwork(Input(shape=(6, 6, 1)), layers, class_names=("cat", "dog", "owl"))


@pytest.fixture(scope="session")
def chosen(network):
    """The network with three settings that a conversion tried: one settles, one settles later, one never does."""
    rows = [
        {"per": per, "percentile": 99.9, "initial_potential": 0.5, "correct_potential": steps, "settled": settled,
         "pareto_latency": 1.0, "events": 100 * (index + 1), "accuracy": accuracy, "chosen": index == 0}
        for index, (per, steps, settled, accuracy) in enumerate(
            [("channel", 4, 2, [0.5, 0.9, 0.9]), ("layer", 0, 3, [0.1, 0.5, 0.9]), ("channel", 0, None, [0.1, 0.2, 0.3])]
        )
    ]  # fmt: skip
    about = {"input": "analog", "items": 40, "steps": 3, "labels": "given", "ann_accuracy": 0.9, "rows": rows}
    return replace(network, metadata={"choice": about})


@pytest.fixture(scope="session")
def scaled(network):
    """The same network with other scales, none of them 1."""
    scales = [np.array([0.5, 2.0, 1.25, 4.0]), 0.75, np.linspace(0.5, 3.0, 8), 2.0]
    return network.scaled(scales)


@pytest.fixture(scope="session")
def images():
    return dyadic(np.random.default_rng(1), (ITEMS, 6, 6, 1), 0.0, 1.0, 4)


@pytest.fixture(scope="session")
def recorded(network, images):
    """A real simulation with everything kept."""
    kept = Record(logits=True, events=True, spikes=network.firing_names, potentials=network.layer_names, items=TRACED)
    labels = np.random.default_rng(2).integers(0, 3, ITEMS)
    return simulate(network, images, labels, STEPS, engine="event", record=kept, progress=False, title="small")


@pytest.fixture(scope="session")
def history():
    """A search's history with a worse, a better and an equal evaluation, and one that is traded off."""
    rows = [
        # loss, accuracy, latency and power terms, peak accuracy, latency, power
        (4.0, 2.0, 1.0, 1.0, 0.98, 0.50, 1000.0),
        (5.0, 2.5, 1.5, 1.0, 0.97, 0.75, 1000.0),
        (3.0, 1.5, 0.8, 0.7, 0.985, 0.40, 700.0),
        (3.0, 1.5, 0.8, 0.7, 0.985, 0.40, 700.0),
        (3.5, 1.0, 1.2, 1.3, 0.99, 0.60, 1300.0),
    ]
    columns = ["loss", "accuracy_term", "latency_term", "power_term", "peak_accuracy", "latency", "power"]
    return pd.DataFrame(rows, columns=columns).assign(stage="cmaes", seconds=[0.5, 1.0, 1.5, 2.0, 2.5])


@pytest.fixture(scope="session")
def pruned():
    return [
        {"epsilon": 0.0, "S_w": 0.1, "accuracy": 0.98},
        {"epsilon": 1e-3, "S_w": 0.6, "accuracy": 0.979},
        {"epsilon": 1e-1, "S_w": 0.95, "accuracy": 0.6},
    ]


@pytest.fixture(scope="session")
def grid():
    rows = [(0.5, 5, 0.97), (0.5, 20, 0.98), (2.0, 5, 0.96), (2.0, 20, 0.95), (2.0, 20, 0.97)]
    return pd.DataFrame(rows, columns=["lambda_a", "lambda_w", "value"])
