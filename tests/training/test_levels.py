"""Rounding in training: the function itself, its gradient, and that spiking neurons do what it says."""

import keras
import numpy as np
import pytest

from snnviz import conversion, simulation
from snnviz.errors import InputError
from snnviz.network import Dense, Input, SpikingNetwork
from snnviz.training import Recipe, levels, train

from .test_loop import CLASSES, RECIPE, check_resumed_training, data, dense_model, started

LEVELS, CEILING = 4, 2.0
SIGNAL = np.array([-1.0, 0.0, 0.2, 0.25, 0.74, 0.75, 1.7, 1.75, 2.25, 9.0], np.float32)
ROUNDED = np.array([0.0, 0.0, 0.0, 0.5, 0.5, 1.0, 1.5, 2.0, 2.0, 2.0], np.float32)


def with_levels(recipe=RECIPE, count=LEVELS, **changes):
    return Recipe(**{**recipe.as_json(), "levels": count, **changes})


def pooled_model(seed=0):
    layers = [
        keras.layers.AveragePooling2D(2, name="first_pool"),
        keras.layers.Conv2D(4, 3, padding="same"),
        keras.layers.BatchNormalization(scale=False),
        keras.layers.ReLU(),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(CLASSES),
    ]
    return started(keras.Sequential([keras.Input((6, 6, 1)), *layers]), seed)


def test_signals_are_rounded_to_levels_below_the_ceiling():
    layer = levels.Levels(LEVELS, CEILING)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(layer(SIGNAL)), ROUNDED, atol=1e-6)
    assert layer.ceiling == pytest.approx(CEILING)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="takes gradients with TensorFlow")
def test_gradients_pass_between_zero_and_the_ceiling():
    import tensorflow as tf

    layer = levels.Levels(LEVELS, CEILING)
    signal = tf.constant(SIGNAL)
    with tf.GradientTape() as tape:
        tape.watch(signal)
        rounded = layer(signal)
    to_signal, to_ceiling = tape.gradient(rounded, [signal, layer.log_ceiling.value])
    inside = (SIGNAL > 0) & (SIGNAL < CEILING)
    np.testing.assert_allclose(to_signal.numpy()[2:8], 1)
    np.testing.assert_array_equal(to_signal.numpy()[[0, -1]], 0)
    # d h / d c is 1 above the ceiling and the rounding error over c within; c's own derivative by its logarithm is c
    by_ceiling = np.where(SIGNAL >= CEILING, 1, np.where(inside, (ROUNDED - SIGNAL) / CEILING, 0))
    assert float(to_ceiling) == pytest.approx(CEILING * by_ceiling.sum(), rel=1e-5)


def test_a_layer_of_neurons_fires_as_often_as_the_function_says():
    """After L steps of constant input, for dyadic signals to the bit."""
    network = SpikingNetwork(
        Input(shape=(len(SIGNAL),)),
        (
            Dense(name="hidden", input_shape=(len(SIGNAL),), weights=np.diag(SIGNAL / CEILING), bias=np.zeros(len(SIGNAL))),
            Dense(name="out", input_shape=(len(SIGNAL),), weights=np.eye(len(SIGNAL)), bias=np.zeros(len(SIGNAL)),
                  initial_potential=0.0),
        ),
    )  # fmt: skip
    found = simulation.simulate(
        network,
        np.ones((1, len(SIGNAL)), np.float32),
        [0],
        LEVELS,
        input="analog",
        record=simulation.Record(logits=True),
    )
    fired = found["logits"].values[0, -1]
    np.testing.assert_array_equal(fired * CEILING / LEVELS, ROUNDED)


def test_a_converted_network_gives_the_answers_it_was_trained_for_after_as_many_steps():
    """One hidden layer behind the image: the potentials of the outputs over L are the logits of the rounded model."""
    x, y = data(items=40)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Flatten(),
            keras.layers.Dense(8),
            keras.layers.ReLU(),
            keras.layers.Dense(3),
        ]
    )
    started(model, 3)
    # an image of whole levels, which spiking inputs give in even trains of one length
    x = np.round(x).astype(np.float32)
    with levels.rounding(model, LEVELS, x) as rounded:
        expected = keras.ops.convert_to_numpy(rounded(x))
    network = conversion.convert(model, x, setting="paper", progress=False)
    assert network.metadata["percentile"] == 100
    network = network.with_initial_potentials([0.5, 0.5, 0.0])
    found = simulation.simulate(network, x, y, LEVELS, record=simulation.Record(logits=True))
    np.testing.assert_allclose(found["logits"].values[:, -1] / LEVELS, expected, rtol=1e-4, atol=1e-4)


def test_training_leaves_an_ordinary_model_whose_relus_saturate(tmp_path):
    x, y = data()
    model = pooled_model()
    found = train(model, x, y, with_levels(), progress=False)
    assert found.model is model
    (relu,) = (layer for layer in model.layers if isinstance(layer, keras.layers.ReLU))
    assert relu.max_value > 0
    model.save(tmp_path / "m.keras")
    loaded = conversion.load_keras(tmp_path / "m.keras")
    outputs = keras.ops.convert_to_numpy(model(x))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(loaded(x)), outputs, rtol=1e-5)
    network = conversion.fold(loaded)
    assert [layer.cap for layer in network.layers if layer.cap is not None] == pytest.approx([relu.max_value])


def residual_model(inside=False):
    image = keras.Input((6, 6, 1))
    x = keras.layers.ReLU(name="stem_relu")(keras.layers.Conv2D(4, 3, padding="same", name="stem")(image))
    y = keras.layers.ReLU(name="first_relu")(keras.layers.Conv2D(4, 3, padding="same", name="first")(x))
    y = keras.layers.Conv2D(4, 3, padding="same", name="second")(y)
    x = keras.layers.ReLU(name="sum_relu")(keras.layers.Add(name="sum")([y, x]))
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    model = keras.Model(image, keras.layers.Dense(CLASSES, name="out")(x))
    return started(keras.Sequential([keras.Input((6, 6, 1)), model]) if inside else model, 3)


@pytest.mark.parametrize("inside", [False, True])
def test_a_residual_model_is_rounded_behind_its_sums(inside):
    x, _ = data(items=40)
    model = residual_model(inside)
    whole = model.layers[0] if inside else model
    with levels.rounding(model, LEVELS, x) as rounded:
        found = keras.ops.convert_to_numpy(rounded(x))
    layer = {each.name: each for each in whole.layers}

    def at(signal, ceiling):
        return ceiling / LEVELS * np.clip(np.floor(LEVELS * np.asarray(signal) / ceiling + 0.5), 0, LEVELS)

    ceilings = {name: each.max_value for name, each in layer.items() if isinstance(each, keras.layers.ReLU)}
    assert all(each > 0 for each in ceilings.values())
    stem = at(layer["stem"](at(x, 1.0)), ceilings["stem_relu"])
    inner = at(layer["first"](stem), ceilings["first_relu"])
    both = at(np.asarray(layer["second"](inner)) + stem, ceilings["sum_relu"])
    expected = layer["out"](at(both.mean(axis=(1, 2)), ceilings["sum_relu"]))
    # a value at the edge of two levels may fall either way in another order of rounding
    assert np.isclose(found, expected, atol=1e-4).all(axis=1).mean() > 0.9


def test_ceilings_start_at_the_percentile_of_the_activations():
    x, _ = data(items=40)
    model = residual_model()
    outputs = keras.Model(model.inputs[0], [model.get_layer(name).output for name in ("stem_relu", "sum_relu")])(x)
    with levels.rounding(model, LEVELS, x):
        pass
    for name, values in zip(("stem_relu", "sum_relu"), outputs, strict=True):
        expected = np.percentile(np.asarray(values), levels.START_PERCENTILE)
        assert model.get_layer(name).max_value == pytest.approx(expected, rel=1e-5)


def test_a_residual_model_trains_on_levels_and_converts():
    x, y = data()
    model = train(residual_model(), x, y, with_levels(), progress=False).model
    network = conversion.convert(model, x, setting="paper", progress=False)
    assert network.metadata["percentile"] == 100
    assert not network.is_path
    assert [layer.cap is not None for layer in network.layers] == [True, True, True, False, False]


def test_the_ceiling_is_learned_and_taken_up_again():
    x, y = data()
    model = dense_model()
    (relu,) = (layer for layer in model.layers if isinstance(layer, keras.layers.ReLU))
    with levels.rounding(model, LEVELS, x):
        pass
    start = relu.max_value
    train(model, x, y, with_levels(), progress=False)
    learned = relu.max_value
    assert learned != pytest.approx(start)
    with levels.rounding(model, LEVELS, x):
        pass
    assert relu.max_value == pytest.approx(learned)


def test_without_levels_the_model_is_left_alone():
    model = dense_model()
    with levels.rounding(model, 0, data()[0]) as same:
        assert same is model
    assert all(layer.max_value is None for layer in model.layers if isinstance(layer, keras.layers.ReLU))


def test_resumed_training_equals_an_uninterrupted_one(tmp_path, monkeypatch):
    check_resumed_training(pooled_model, 2, 30, tmp_path, monkeypatch, levels=LEVELS)


def test_rounding_goes_with_less_precision():
    x, y = data()
    found = train(pooled_model(), x, y, with_levels(precision="bfloat16"), progress=False)
    assert {layer.compute_dtype for layer in found.model.layers} == {"float32"}


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([keras.layers.Flatten, lambda: keras.layers.Dense(4, activation="relu", name="hidden")], "'hidden' has one"),
        ([keras.layers.MaxPooling2D, keras.layers.Flatten], "cannot be converted.*max pooling"),
    ],
)
def test_models_that_it_does_not_suit_are_refused(layers, message):
    x, y = data()
    model = keras.Sequential([keras.Input((6, 6, 1)), *(make() for make in layers), keras.layers.Dense(CLASSES)])
    with pytest.raises(InputError, match=f"`levels` must be 0.*{message}"):
        train(model, x, y, with_levels(), anyway=True, progress=False)
