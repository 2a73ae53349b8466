"""`snnviz adapt`: what cannot be converted is replaced, and the copy can be converted to the end."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers as kl

import snnviz
from snnviz.cli import main
from snnviz.conversion import check_convertible, convert, fold
from snnviz.errors import InputError
from snnviz.simulation import analog
from snnviz.training import Recipe, adapt

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")
X = np.random.default_rng(5).random((60, 8, 8, 1), dtype=np.float32)
Y = (X.mean(axis=(1, 2, 3)) > 0.5).astype(np.int64)


def sequential(*layers):
    return keras.Sequential([keras.Input((8, 8, 1)), *layers])


REPLACED = {
    "max pooling": lambda: [kl.Conv2D(3, 3, activation="relu"), kl.MaxPooling2D()],
    "max pooling to the border": lambda: [
        kl.Conv2D(3, 3, padding="same", activation="relu"),
        kl.MaxPooling2D(2, padding="same"),
    ],
    "global max pooling": lambda: [kl.Conv2D(3, 3, activation="relu"), kl.GlobalMaxPooling2D()],
    "LeakyReLU": lambda: [kl.Conv2D(3, 3), kl.LeakyReLU()],
    "PReLU": lambda: [kl.Conv2D(3, 3), kl.PReLU()],
    "ELU": lambda: [kl.Conv2D(3, 3), kl.ELU()],
    "ReLU with a slope": lambda: [kl.Conv2D(3, 3), kl.ReLU(6.0, negative_slope=0.1)],
    "ReLU with a threshold": lambda: [kl.Conv2D(3, 3), kl.ReLU(threshold=0.5)],
    "a layer as activation": lambda: [kl.Conv2D(3, 3, activation=kl.LeakyReLU(negative_slope=0.1))],
    **{
        name: (lambda name=name: [kl.Conv2D(3, 3, activation=name)])
        for name in (
            "leaky_relu",
            "elu",
            "selu",
            "gelu",
            "silu",
            "mish",
            "softplus",
            "tanh",
            "sigmoid",
            "hard_silu",
            "squareplus",
            "hard_shrink",
            "log_sigmoid",
        )
    },
    **{
        f"Activation {name}": (lambda name=name: [kl.Conv2D(3, 3), kl.Activation(name)])
        for name in ("gelu", "hard_silu", "tanh")
    },
}


@pytest.mark.parametrize("name", REPLACED)
def test_what_is_replaced_converts_and_keeps_its_weights(name):
    model = sequential(*REPLACED[name](), kl.Flatten(), kl.Dense(2, activation="softmax"))
    problems = check_convertible(model)
    assert problems
    assert any("snnviz adapt" in problem.remedy for problem in problems)
    made = adapt(model)
    assert len(made.replaced) == 1
    assert check_convertible(made.model) == []
    np.testing.assert_array_equal(made.model.get_layer(model.layers[0].name).kernel, model.layers[0].kernel)
    network = convert(made.model, X, progress=False)
    expected = made.model.predict(X, verbose=0).argmax(axis=1)
    assert (analog.logits(network, X).argmax(axis=1) == expected).all()


@pytest.mark.parametrize("ending", [[kl.Dense(1, activation="sigmoid")], [kl.Dense(1), kl.Activation("sigmoid")]])
def test_one_sigmoid_output_becomes_two_classes_that_say_the_same(ending):
    model = sequential(kl.Flatten(), kl.Dense(5, activation="relu"), *ending)
    assert "snnviz adapt" in check_convertible(model)[0].remedy
    made = adapt(model).model
    chance = model.predict(X, verbose=0)[:, 0]
    np.testing.assert_allclose(made.predict(X, verbose=0), np.stack([1 - chance, chance], axis=1), atol=1e-5)
    assert (analog.logits(fold(made), X).argmax(axis=1) == (chance > 0.5)).all()


def test_branches_and_nested_models_are_adapted():
    inner = sequential(kl.Conv2D(2, 3, padding="same"), kl.PReLU(), kl.MaxPooling2D())
    image = keras.Input((8, 8, 1))
    x = inner(image)
    x = kl.Activation("silu")(kl.Add()([x, kl.Conv2D(2, 1)(x)]))
    model = keras.Model(image, kl.Dense(2)(kl.Flatten()(x)))
    before = [np.array(weight) for weight in model.weights]
    made = adapt(model)
    assert len(made.replaced) == 3
    assert check_convertible(made.model) == []
    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_model_that_cannot_be_read_as_a_whole_is_refused_before_it_is_copied():
    with pytest.raises(InputError, match="its input shape is not known; start it with"):
        adapt(keras.Sequential([kl.Flatten(), kl.Dense(2)]))


def test_what_stays_is_refused_by_name():
    model = sequential(kl.Conv2D(2, 3), kl.LayerNormalization(name="norm"), kl.ReLU(), kl.Flatten(), kl.Dense(2))
    with pytest.raises(InputError, match=r"'norm' \(LayerNormalization.*use BatchNormalization"):
        adapt(model)
    with pytest.raises(InputError, match="`x` and `y` must be given together"):
        adapt(sequential(kl.Flatten(), kl.Dense(2)), X)


def test_fine_tuning_says_three_accuracies():
    model = sequential(
        kl.Conv2D(4, 3, activation="gelu"), kl.MaxPooling2D(), kl.Flatten(), kl.Dense(2, activation="softmax")
    )
    made = adapt(model, X, Y, Recipe(schedule=((2, 0.05),), validation=12, batch_size=8), progress=False)
    for value in (made.accuracy_before, made.accuracy_replaced, made.accuracy_adapted):
        assert 0 <= value <= 1


def test_the_command_says_three_accuracies_and_its_model_converts(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    sequential(
        kl.Conv2D(4, 3, activation="gelu"), kl.MaxPooling2D(), kl.Flatten(), kl.Dense(1, activation="sigmoid")
    ).save("mine.keras")
    np.savez("data.npz", x_train=X, y_train=Y, x_test=X[:20], y_test=Y[:20])
    assert main(["check", "mine.keras"]) == 0
    assert "snnviz adapt" in capsys.readouterr().out
    told = {"data": {"name": "data.npz", "items": 60}, "recipe": {"validation": 9, "split_seed": 4}}
    Path("mine.json").write_text(json.dumps(told))
    assert main(["adapt", "mine.keras", "--data", "data.npz", "--epochs", "1", "--no-track", "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["card"]
    assert len(card["replaced"]) == 3
    # nothing is judged on what the model was fitted to
    assert (card["recipe"]["validation"], card["recipe"]["split_seed"]) == (9, 4)
    assert {"accuracy_before", "accuracy_replaced", "accuracy_adapted"} <= set(card)
    assert card["measured_on"] == "test"
    assert main(["convert", "mine-adapted.keras", "--data", "data.npz", "--no-track"]) == 0
    assert snnviz.load_network("mine-adapted.npz").classes == 2
