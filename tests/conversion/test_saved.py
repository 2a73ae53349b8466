"""Models that earlier versions of Keras 3 saved (by its PyTorch backend) give their answers once they are folded."""

from pathlib import Path

import numpy as np
import pytest

from snnviz.conversion import fold, load_keras
from snnviz.simulation import analog

FOLDER = Path(__file__).with_name("saved")


@pytest.mark.parametrize("version", ["3.0.5", "3.3.3"])
def test_a_model_of_an_earlier_keras_answers_as_it_did(version):
    with np.load(FOLDER / "answers.npz") as held:
        x, expected = held["x"], held["y"]
    network = fold(load_keras(FOLDER / f"keras-{version}.keras"))
    scores = np.exp(analog.logits(network, x))
    np.testing.assert_allclose(scores / scores.sum(axis=1, keepdims=True), expected, atol=1e-6)
