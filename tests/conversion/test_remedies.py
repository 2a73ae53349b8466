"""The remedy that a refusal names, followed, leads to a conversion."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz.conversion import check_convertible
from tests.conversion.test_check import REFUSED, conv, dense_ending, sequential

# case of `REFUSED`: the layers as its remedy says; None where there is no remedy short of another model
FOLLOWED = {
    "max pooling": [conv(), kl.AveragePooling2D(2)],
    "global max pooling": [conv(), kl.GlobalAveragePooling2D()],
    "leaky relu": [conv(activation=None), kl.ReLU()],
    "leaky slope": [conv(activation=None), kl.ReLU()],
    "relu threshold": [conv(activation=None), kl.ReLU()],
    "relu that silences": None,
    "elu": [conv(activation="relu")],
    "sigmoid": [conv(activation="relu")],
    "tanh layer": [conv(activation=None), kl.Activation("relu")],
    "softmax in the middle": [conv(activation="relu"), conv(name="y")],
    "pooling same at the border": [kl.AveragePooling2D(3, padding="valid")],
    "layer norm": [conv(activation=None), kl.BatchNormalization(), kl.ReLU()],
    "upsampling": None,
    "transposed": [conv()],
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


@pytest.mark.parametrize("case", [case for case in FOLLOWED if FOLLOWED[case] is not None])
def test_the_remedy_of_a_layer_leads_to_a_conversion(case):
    layers = FOLLOWED[case]
    assert not check_convertible(shifting(dense_ending(*layers)))


def test_without_a_remedy_none_is_named():
    layers = REFUSED["relu that silences"][0]
    assert all(not problem.remedy for problem in check_convertible(dense_ending(*layers)))


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
