"""Small real jobs: a data set of 4 x 4 images in a file, a network for it, and a store."""

import numpy as np
import pytest

from snnviz.network import Dense, Input, SpikingNetwork
from snnviz.runs import Store


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """300 training and 40 test images of three classes, each with a bright band of its own."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "bands.npz"
    y = rng.integers(0, 3, 400)
    x = rng.integers(0, 120, (400, 4, 4, 1))
    x[np.arange(400), y] += 130
    np.savez(
        path, x_train=x[:300].astype(np.uint8), y_train=y[:300], x_test=x[300:340].astype(np.uint8), y_test=y[300:340]
    )
    return str(path)


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """16 - 12 - 3 neurons; the weights are multiples of 1/64, so that sums are exact."""
    rng = np.random.default_rng(1)
    hidden = Dense(
        name="hidden", input_shape=(4, 4, 1), weights=rng.integers(-16, 32, (16, 12)) / 64, bias=np.zeros(12)
    )
    last = Dense(name="last", input_shape=(12,), weights=rng.integers(-32, 32, (12, 3)) / 64, bias=np.zeros(3))
    path = tmp_path_factory.mktemp("network") / "network.npz"
    return str(SpikingNetwork(input=Input(shape=(4, 4, 1)), layers=(hidden, last)).save(path))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="session")
def search(network, data):
    """Makes specs of an optimisation."""

    def made(evaluations=20, seed=0, **options):
        given = {
            "network": network, "data": data, "items": 60, "steps": 8, "method": "cmaes", "per": "channel",
            "lambda_l": 1.0, "lambda_p": 0.001, "evaluations": evaluations, "seed": seed, **options,
        }  # fmt: skip
        return {"kind": "optimize", "options": given}

    return made
