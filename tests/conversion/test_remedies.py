"""The remedy that a refusal names, followed, leads to a conversion."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz.conversion import check_convertible, fold
from snnviz.simulation import analog
from tests.conversion.test_check import REFUSED, conv, dense_ending, sequential

# case of `REFUSED`: the layers as its remedy says
FOLLOWED = {
    "max pooling": [conv(), kl.AveragePooling2D(2)],
    "global max pooling": [conv(), kl.GlobalAveragePooling2D()],
    "leaky relu": [conv(activation=None), kl.ReLU()],
    "leaky slope": [conv(activation=None), kl.ReLU()],
    "relu threshold": [conv(activation=None), kl.ReLU()],
    "relu that silences": [conv(activation=None), kl.ReLU(6.0)],
    "elu": [conv(activation="relu")],
    "sigmoid": [conv(activation="relu")],
    "tanh layer": [conv(activation=None), kl.Activation("relu")],
    "softmax in the middle": [conv(activation="relu"), conv(name="y")],
    "pooling same at the border": [kl.AveragePooling2D(3, padding="valid")],
    "layer norm": [conv(activation=None), kl.BatchNormalization(), kl.ReLU()],
    "upsampling": [conv(), conv(name="y")],
    "transposed": [conv()],
    "a layer that nothing reads": [conv(), conv(name="y")],
    "adaptive pooling": [conv(), kl.AveragePooling2D(4)],
    "permute": [],
    "channels first": [conv(data_format="channels_last")],
    "batch norm of another axis": [conv(activation=None), kl.BatchNormalization(), kl.ReLU()],
    "batch norm after relu, then padded pooling": [conv(), kl.BatchNormalization(), kl.AveragePooling2D(2)],
    "batch norm of zero padding": [conv(activation=None), kl.BatchNormalization(), kl.ReLU(), kl.ZeroPadding2D(), conv(name="y")],
    "batch norm of a flattened map": [conv(activation=None), kl.BatchNormalization(), kl.Flatten(), kl.ReLU()],
    "padding of nothing": [conv()],
    "reshaped map": [conv(), kl.Flatten()],
    "lambda": [kl.Rescaling(2.0)],
}  # fmt: skip


def shifting(model):
    """Statistics that shift: fresh ones would fold away."""
    for layer in model.layers:
        if isinstance(layer, kl.BatchNormalization):
            layer.beta.assign(np.linspace(-0.5, 0.5, layer.beta.shape[0]))
    return model


def test_every_refusal_of_a_layer_has_its_remedy_followed():
    assert set(FOLLOWED) == set(REFUSED)


@pytest.mark.parametrize("case", FOLLOWED)
def test_the_remedy_of_a_layer_leads_to_a_conversion(case):
    layers = FOLLOWED[case]
    assert all(problem.remedy for problem in check_convertible(shifting(dense_ending(*REFUSED[case][0]))))
    assert not check_convertible(shifting(dense_ending(*layers)))


@pytest.mark.parametrize(
    "layers",
    [
        [kl.Flatten(), kl.Dense(2, activation="softmax")],  # for one output with a sigmoid
        [kl.Conv2D(3, 3), kl.Flatten(), kl.Dense(3)],  # for a model that ends in a map
        [kl.Flatten(), kl.Dense(3)],  # for one without weights, and one with a ReLU at its end
    ],
)
def test_the_remedy_of_an_ending_leads_to_a_conversion(layers):
    assert not check_convertible(shifting(sequential(*layers)))


def test_the_remedies_of_a_whole_model_lead_to_a_conversion():
    image = keras.Input((8, 8, 2))
    model = keras.Model(image, kl.Dense(3)(kl.Flatten()(image)))
    assert not check_convertible(model)
    assert not check_convertible(keras.Sequential([keras.Input((4,)), kl.Dense(3)]))


def test_the_remedy_of_a_model_of_no_fixed_size_keeps_what_it_computes():
    given = [keras.Input((None, None, 2)), conv(), kl.GlobalAveragePooling2D(), kl.Dense(3)]
    model = keras.Sequential(given)
    (problem,) = check_convertible(model)
    assert "keras.Sequential([keras.Input(size), model])" in problem.remedy
    fixed = keras.Sequential([keras.Input((8, 8, 2)), model])
    assert not check_convertible(fixed)
    x = np.random.default_rng(0).random((20, 8, 8, 2), np.float32)
    np.testing.assert_allclose(analog.logits(fold(fixed), x), model.predict(x, verbose=0), atol=1e-5)
