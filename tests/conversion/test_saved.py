"""Models that earlier versions of Keras 3 saved (by its PyTorch backend) give their answers once they are folded; odd names."""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz.conversion import fold, load_keras
from snnviz.conversion.report import model_scores
from snnviz.simulation import analog

ODD = "a b.c-d_é"
FOLDER = Path(__file__).with_name("saved")


@pytest.mark.parametrize("version", ["3.0.5", "3.3.3"])
def test_a_model_of_an_earlier_keras_answers_as_it_did(version):
    with np.load(FOLDER / "answers.npz") as held:
        x, expected = held["x"], held["y"]
    network = fold(load_keras(FOLDER / f"keras-{version}.keras"))
    scores = np.exp(analog.logits(network, x))
    np.testing.assert_allclose(scores / scores.sum(axis=1, keepdims=True), expected, atol=1e-6)


def test_names_that_tensorflow_takes_for_no_scope_become_others(tmp_path):
    inner = keras.Sequential([keras.Input((6, 6, 2)), kl.Flatten(name="a_b"), kl.Dense(3, name="x,y")], name="ä ö")
    given = keras.Input((8, 8, 1))
    keras.Model(given, inner(kl.Conv2D(2, 3, activation="relu", name=ODD)(given)), name="层").save(tmp_path / "m.keras")
    model = load_keras(tmp_path / "m.keras")
    x = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
    scores = model_scores(model, x)
    network = fold(model)
    assert network.layer_names[1:] == ("a_b.c-d_e", "x_y")
    np.testing.assert_allclose(analog.logits(network, x), scores, atol=1e-5)


def test_names_that_become_alike_are_told_apart(tmp_path):
    names = ["a b", "a_b", "a;b", "é"]
    keras.Sequential([keras.Input((4,)), *(kl.Dense(4, name=name) for name in names)]).save(tmp_path / "m.keras")
    assert [layer.name for layer in load_keras(tmp_path / "m.keras").layers] == ["a_b_2", "a_b", "a_b_3", "e"]
