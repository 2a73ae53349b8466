"""What a model takes for full intensity, seen from its first affine map."""

import keras
import numpy as np
import pytest
from keras import layers as L

from snnviz import conversion
from snnviz.errors import InputError

SHAPE = (4, 4, 1)


def model(first: keras.layers.Layer, *, mean: float = 0.0, variance: float = 1.0) -> keras.Model:
    made = keras.Sequential([keras.Input(SHAPE), first, L.Flatten(), L.Dense(4, activation="relu"), L.Dense(3)])
    if isinstance(first, L.BatchNormalization):
        first.moving_mean.assign([mean])
        first.moving_variance.assign([variance])
    return made


@pytest.mark.parametrize(
    ("first", "settings", "wanted"),
    [
        (L.BatchNormalization, {"mean": 33.0, "variance": 78.0**2}, 255),
        (L.BatchNormalization, {"mean": 0.13, "variance": 0.095}, 1),
        (L.BatchNormalization, {}, 1),  # never trained: says nothing
        (lambda: L.Normalization(axis=None, mean=33.0, variance=78.0**2), {}, 255),
        (lambda: L.Normalization(axis=None, mean=0.13, variance=0.095), {}, 1),
        (lambda: L.Rescaling([1 / 255.0]), {}, 255),
        (lambda: L.Rescaling(1 / 127.5, offset=-1), {}, 255),
        (lambda: L.Rescaling(2.0, offset=-1), {}, 1),
    ],
)
def test_range_follows_from_the_first_affine_map(first, settings, wanted) -> None:
    network = conversion.fold(model(first(), **settings))
    assert network.metadata["input_range"] == wanted


@pytest.mark.parametrize(
    "first", [lambda: L.Rescaling(1 / 16), lambda: L.Normalization(axis=None, mean=4.9, variance=36)]
)
def test_a_range_that_is_neither_is_asked_for_and_taken(first) -> None:
    made = model(first())
    with pytest.raises(InputError, match="input_range"):
        conversion.fold(made)
    assert conversion.fold(made, input_range=16).metadata["input_range"] == 16


def test_labels_and_the_models_own_images_show_a_wrong_range() -> None:
    rng = np.random.default_rng(0)
    keras.utils.set_random_seed(9)  # a model that gives every image one class would agree with itself at any range
    made = model(L.BatchNormalization(), mean=33.0, variance=78.0**2)
    x = rng.integers(0, 256, (60, *SHAPE)).astype(np.float32)
    y = made.predict(x, verbose=0).argmax(axis=1)
    assert len(np.unique(y)) == 3
    right, wrong = (conversion.fold(made, input_range=each) for each in (255, 1))

    def report(network, **more):
        return conversion.conversion_report(network, x / 255, 2, made, y=y, progress=False, **more).attrs

    assert report(right, x_model=x)["model_agreement"] == report(right)["model_accuracy"] == 1
    assert report(wrong)["model_agreement"] == 1  # by the shared assumption
    assert report(wrong, x_model=x)["model_agreement"] < 0.9
    assert report(wrong)["model_accuracy"] < 0.9


def test_items_of_the_model_must_be_the_same_items() -> None:
    made = model(L.BatchNormalization())
    network = conversion.fold(made)
    with pytest.raises(InputError, match="x_model"):
        conversion.conversion_report(
            network, np.ones((2, *SHAPE)), 2, made, x_model=np.ones((1, *SHAPE)), progress=False
        )


@pytest.mark.parametrize(
    "first", [L.BatchNormalization(), L.Normalization(axis=None, mean=-0.7, variance=0.3)], ids=["trained", "adapted"]
)
def test_images_below_zero_are_seen_and_refused(first) -> None:
    made = model(first, mean=-0.7, variance=0.3)
    (problem,) = conversion.check_convertible(made)
    assert "images whose mean is -0.7" in problem.reason
    assert "Rescaling(2, -1)" in problem.remedy
    # followed, it converts, and is the model on the images as it had them
    remedied = keras.Sequential([keras.Input(SHAPE), L.Rescaling(2, -1), *made.layers])
    x = np.random.default_rng(0).random((20, *SHAPE), np.float32)
    network = conversion.fold(remedied)
    report = conversion.conversion_report(network, x, 2, made, x_model=2 * x - 1, progress=False)
    assert report.attrs["model_agreement"] == 1
