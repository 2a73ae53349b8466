"""Signals, (length, channels), convert as maps of height 1, whatever Keras layer of one dimension stands in their way."""

import keras
import numpy as np
import pytest
from keras import layers as kl

import snnviz
from snnviz import cli
from snnviz.conversion import check_convertible, convert, fold
from snnviz.errors import InputError
from snnviz.simulation import analog, simulate

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
X = np.random.default_rng(3).random((40, 24, 3), dtype=np.float32)


def model_of(*layers, shape=(24, 3), last=True):
    end = [kl.Flatten(), kl.Dense(4)] if last else []
    made = keras.Sequential([keras.Input(shape), *layers, *end])
    for layer in made.layers:  # no number is as Keras begins with
        rng = np.random.default_rng(len(layer.weights))
        layer.set_weights([value + rng.uniform(0.1, 0.3, value.shape) for value in layer.get_weights()])
    return made


LAYERS = {
    "convolution": [kl.Conv1D(5, 3, activation="relu")],
    "same": [kl.Conv1D(5, 4, padding="same", activation="relu")],
    "causal and dilated": [kl.Conv1D(5, 3, padding="causal", dilation_rate=2, activation="relu")],
    "padded, then causal": [kl.ZeroPadding1D((2, 1)), kl.Conv1D(5, 3, padding="causal", activation="relu")],
    "strides": [kl.Conv1D(5, 5, strides=3, padding="same", activation="relu")],
    "groups": [kl.Conv1D(6, 3, groups=3, activation="relu")],
    "depthwise": [kl.DepthwiseConv1D(3, depth_multiplier=2, activation="relu")],
    "separable": [kl.SeparableConv1D(5, 3, strides=2, activation="relu")],
    "normalised": [kl.Conv1D(5, 3), kl.BatchNormalization(axis=2), kl.ReLU(), kl.Conv1D(4, 2, activation="relu")],
    "rescaled": [kl.Rescaling(1 / 255), kl.Conv1D(5, 3, activation="relu")],
    "pooling": [kl.Conv1D(5, 3, activation="relu"), kl.AveragePooling1D(2), kl.SpatialDropout1D(0.2)],
    "a dense layer at each position": [kl.Dense(6, activation="relu"), kl.Conv1D(5, 3, activation="relu")],
    "there and back": [kl.Conv1D(5, 3, activation="relu"), kl.Reshape((1, 22, 5)), kl.Reshape((22, 5)), kl.Conv1D(2, 2)],
}  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_folded_it_computes_what_keras_computes(name):
    model = model_of(*[type(layer).from_config(layer.get_config()) for layer in LAYERS[name]])
    assert check_convertible(model) == []
    network = fold(model)
    assert network.input_shape == (1, 24, 3)
    expected = model.predict(X * network.metadata["input_range"], verbose=0)
    np.testing.assert_allclose(analog.logits(network, X), expected, rtol=1e-4, atol=1e-4)


def test_branches_meet_and_the_mean_of_all_positions_ends_them():
    signal = keras.Input((24, 3))
    first = kl.Conv1D(4, 3, padding="same", activation="relu")(signal)
    added = kl.ReLU()(kl.Add()([first, kl.Conv1D(4, 1)(first)]))
    both = kl.Concatenate(axis=2)([added, first])
    model = keras.Model(signal, kl.Dense(3)(kl.GlobalAveragePooling1D()(both)))
    np.testing.assert_allclose(analog.logits(fold(model), X), model.predict(X, verbose=0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("before", [[kl.Reshape((24, 3))], [kl.Reshape((1, 24, 3)), kl.Reshape((24, 3))]], ids=len)
def test_flat_items_are_made_signals(before):
    layers = [type(layer).from_config(layer.get_config()) for layer in before]
    model = model_of(*layers, kl.Conv1D(4, 3, activation="relu"), shape=(72,))
    flat = X.reshape(len(X), -1)
    np.testing.assert_allclose(analog.logits(fold(model), X), model.predict(flat, verbose=0), rtol=1e-4, atol=1e-5)


def test_both_engines_take_signals_as_they_are_and_agree_spike_for_spike():
    model = model_of(kl.Conv1D(4, 3, activation="relu"), kl.AveragePooling1D(2))
    network = convert(model, X, progress=False)
    y = model.predict(X, verbose=0).argmax(axis=1)
    found = [simulate(network, X, y, 30, engine=engine, progress=False) for engine in ("event", "graph")]
    np.testing.assert_array_equal(found[0]["synaptic_events"], found[1]["synaptic_events"])
    assert found[0]["accuracy"].values[-1] > 0.9
    swapped = X.transpose(0, 2, 1)
    with pytest.raises(InputError, match=r"\(items, 1, 24, 3\)"):
        simulate(network, swapped, y, 3, progress=False)


def test_max_pooling_of_signals_is_refused_by_name_and_adapted():
    model = model_of(
        kl.Conv1D(4, 3, activation="gelu"), kl.MaxPooling1D(2), kl.GlobalMaxPooling1D(), kl.Dense(3), last=False
    )
    assert [problem.kind for problem in check_convertible(model)] == ["Conv1D", "MaxPooling1D", "GlobalMaxPooling1D"]
    made = snnviz.adapt(model)
    assert made.replaced[1:] == (
        f"{model.layers[1].name!r}: max pooling by average pooling",
        f"{model.layers[2].name!r}: global max pooling by global average pooling",
    )
    assert check_convertible(made.model) == []


def test_an_image_that_is_no_signal_is_not_taken_for_one():
    model = keras.Sequential([keras.Input((8, 9)), kl.Flatten(), kl.Dense(3)])
    assert fold(model).input_shape == (8, 9, 1)
    model = keras.Sequential([keras.Input((8, 9)), kl.Dense(3), kl.ReLU(), kl.Flatten(), kl.Dense(3)])
    assert "neither flat nor a map" in check_convertible(model)[0].reason


def test_the_commands_adapt_and_simulate_signals(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    layers = keras.layers.Conv1D(4, 3), keras.layers.MaxPooling1D(), keras.layers.LeakyReLU(), keras.layers.Flatten()
    keras.Sequential([keras.Input((12, 1)), *layers, keras.layers.Dense(3)]).save("net.keras")
    data = {}
    for split in ("train", "test"):
        data |= {f"x_{split}": np.random.default_rng(1).random((30, 12, 1)), f"y_{split}": np.arange(30) % 3}
    np.savez("data.npz", **data)
    given = ["--data", "data.npz", "--no-track"]
    assert cli.main(["adapt", "net.keras", *given, "--epochs", "1", "--out", "adapted.keras"]) == 0
    for varied in (["--shift", "1"], ["--flip"]):
        assert cli.main(["finetune", "adapted.keras", *given, "--epochs", "1", *varied, "--out", "f.keras"]) == 2
    assert cli.main(["convert", "adapted.keras", *given, "--out", "net.npz"]) == 0
    assert cli.main(["simulate", "net.npz", *given, "--steps", "4"]) == 0
