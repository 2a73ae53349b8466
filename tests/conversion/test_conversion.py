"""Conversion leaves the ANN's function as it is, up to rounding, for every kind of layer."""

import json

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz import InputError, architectures
from snnviz.conversion import check_convertible, convert, fold
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, load_network
from snnviz.simulation import analog
from tests.conversion import models

MODELS = {}


@pytest.fixture(params=models.CONVERTIBLE)
def model(request):
    if request.param not in MODELS:
        MODELS[request.param] = models.CONVERTIBLE[request.param]()
    return MODELS[request.param]


def same_function(network, model, x):
    """Assert that the logits are the model's, up to a constant per item that a softmax does not see."""
    expected = models.logits_of(model, x * np.float32(network.metadata["input_range"]))
    found = analog.logits(network, x.reshape(len(x), *network.input_shape)).astype(np.float64)
    found -= found.mean(axis=1, keepdims=True)
    spread = np.abs(expected).max()
    np.testing.assert_allclose(found / spread, expected / spread, atol=2e-5)
    decided = np.diff(np.sort(expected, axis=1)[:, -2:], axis=1)[:, 0] > 1e-4 * spread
    assert decided.any()
    np.testing.assert_array_equal(found.argmax(axis=1)[decided], expected.argmax(axis=1)[decided])


def test_folding_leaves_the_function_unchanged(model):
    same_function(fold(model), model, models.images(model))


@pytest.mark.parametrize("per", ["layer", "channel"])
def test_normalisation_leaves_the_function_unchanged(model, per):
    network = convert(model, models.images(model, seed=2), 97.0, per)
    same_function(network, model, models.images(model, seed=3))


def test_convertible_models_have_no_problems_and_activations_of_the_right_sign(model):
    assert check_convertible(model) == []
    network = fold(model)
    x = models.images(model).reshape(-1, *network.input_shape)
    hidden = analog.activations(network, x, network.layer_names[1:-1])
    assert all((values >= 0).all() for values in hidden.values())


@pytest.mark.parametrize("name", ["dense-mnist", "conv-mnist", "dense-mnist-pooled"])
def test_the_papers_models_convert(name):
    model = models.randomised(architectures.build(name))
    x = models.images(model, 6)
    network = convert(model, x)
    same_function(network, model, x)
    weighted = [layer.name for layer in model.layers if isinstance(layer, kl.Dense | kl.Conv2D | kl.AveragePooling2D)]
    assert list(network.layer_names) == ["input", *weighted]


def test_a_small_mobilenet_converts():
    model = models.randomised(architectures.build("mobilenet", size=32, alpha=0.25, classes=5))
    x = models.images(model, 6)
    network = convert(model, x, per="channel")
    same_function(network, model, x)
    # a depthwise and a pointwise layer per block, the first convolution, the pooling and the classifier
    assert len(network.layers) == 2 * len(architectures.MOBILENET_BLOCKS) + 3


def test_layers_become_what_they_should():
    network = fold(models.CONVERTIBLE["depthwise"]())
    assert [type(layer) for layer in network.layers] == [
        DepthwiseConv2D,
        DepthwiseConv2D,
        Conv2D,
        DepthwiseConv2D,
        Dense,
    ]
    assert [getattr(layer, "pooling", None) for layer in network.layers] == [False, False, None, True, None]
    assert [layer.cap for layer in network.layers] == [None, None, 6.0, None, None]
    grouped = fold(models.CONVERTIBLE["grouped"]())
    assert [getattr(layer, "groups", None) for layer in grouped.layers] == [2, 3, None]


def test_padding_is_explicit():
    network = fold(models.CONVERTIBLE["zero_padding"]())
    assert network.layers[0].padding == ((0, 1), (2, 0))
    # ZeroPadding2D(1) and ((1, 0), (0, 1)), then one of "same" all around
    assert network.layers[1].padding == ((3, 2), (2, 3))
    assert network.layers[2].padding == ((1, 1), (1, 1))


def test_average_pooling_has_equal_weights_and_neurons_of_its_own():
    layer = fold(models.CONVERTIBLE["pooling_first_and_overlapping"]()).layers[0]
    assert layer.pooling
    np.testing.assert_array_equal(layer.weights, np.full((2, 1, 2, 1), 0.5, np.float32))


def test_the_last_layer_keeps_the_models_logits():
    model = models.CONVERTIBLE["dense"]()
    x = models.images(model)
    np.testing.assert_allclose(analog.logits(convert(model, x), x), np.asarray(model(x)), rtol=1e-4, atol=1e-5)


def test_a_cap_scales_with_its_layer():
    model = models.CONVERTIBLE["relu6_that_saturates"]()
    x = models.images(model)
    network = convert(model, x, per="channel")
    first, second = (network.metadata["scales"][name] for name in network.layer_names[1:3])
    np.testing.assert_allclose(network.layers[0].cap, 6 * np.array(first), rtol=1e-6)
    np.testing.assert_allclose(network.layers[1].cap, 2 * np.array(second), rtol=1e-6)
    raw = fold(model)
    assert (analog.activations(raw, x)[raw.layer_names[1]] == 6).any(), "nothing saturates: the test sees nothing"


def test_names_are_unique_and_never_that_of_the_input():
    assert fold(models.CONVERTIBLE["nested"]()).layer_names[:4] == ("input", "twice", "twice_2", "twice_3")
    image = keras.Input((4,))
    model = keras.Model(image, kl.Dense(2)(kl.Dense(3, activation="relu", name="input")(image)))
    assert fold(model).layer_names[1] == "input_2"


def test_metadata_say_how_and_survive_a_file(tmp_path):
    model = models.CONVERTIBLE["dense"]()
    network = convert(
        model, models.images(model), 98.5, "channel", class_names=["a", "b", "c", "d"], title="mine", progress=False
    )
    path = network.save(tmp_path / "network.npz")
    metadata = load_network(path).metadata
    assert metadata["source"] == model.name
    assert (metadata["title"], metadata["percentile"], metadata["per"], metadata["norm_items"]) == (
        "mine", 98.5, "channel", 40,
    )  # fmt: skip
    assert set(metadata["scales"]) == set(network.layer_names[1:])
    assert len(metadata["scales"][network.layer_names[1]]) == 12
    assert set(metadata["versions"]) == {"snnviz", "keras"}
    assert load_network(path).class_names == ("a", "b", "c", "d")
    json.dumps(dict(metadata))


def test_eight_bit_images_are_noticed_and_the_range_can_be_given():
    model = models.CONVERTIBLE["eight_bit_images"]()
    assert fold(model).metadata["input_range"] == 255
    assert fold(model, input_range=100.0).metadata["input_range"] == 100
    plain = models.CONVERTIBLE["dense"]()
    assert fold(plain).metadata["input_range"] == 1
    network = fold(plain, input_range=255.0)
    same_function(network, plain, models.images(plain))


def test_vectors_and_flat_images_are_brought_into_the_networks_shape():
    model = models.CONVERTIBLE["image_without_channel"]()
    x = models.images(model)
    assert x.shape[1:] == (6, 5)
    assert convert(model, x).input_shape == (6, 5, 1)
    assert convert(model, x[..., None]).hash == convert(model, x).hash


def test_converting_twice_gives_the_same_network():
    model = models.CONVERTIBLE["convolution_same_and_pooling"]()
    x = models.images(model)
    assert convert(model, x).hash == convert(model, x).hash


def test_the_model_is_left_alone():
    model = models.CONVERTIBLE["convolution_same_and_pooling"]()
    before = [np.array(weights) for weights in model.get_weights()]
    convert(model, models.images(model))
    assert all((old == new).all() for old, new in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"percentile": 0}, "`percentile` must be"),
        ({"percentile": 100.1}, "`percentile` must be"),
        ({"percentile": float("nan")}, "`percentile` must be"),
        ({"per": "neuron"}, "`per` must be one of"),
        ({"input_range": 0.0}, "`input_range` must be"),
        ({"class_names": ["one"]}, "`class_names` must have"),
        ({"x_norm": np.zeros((3, 6, 5, 1), np.uint8)}, "divide 8-bit images by 255"),
        ({"x_norm": np.zeros((0, 6, 5, 1), np.float32)}, "at least one item"),
        ({"x_norm": np.zeros((3, 5, 5, 1), np.float32)}, "must have shape"),
        ({"x_norm": np.full((3, 6, 5, 1), np.nan)}, "finite"),
        ({"x_norm": None}, "`x_norm` must be"),
        ({"model": 3}, "`model` must be a Keras model"),
        (
            {"model": "model.keras"},
            "`model` must be a .keras or .onnx file. Received: 'model.keras', which is not there",
        ),
    ],
)
def test_a_wrong_argument_is_answered(change, message):
    if "dense" not in MODELS:
        MODELS["dense"] = models.CONVERTIBLE["dense"]()
    arguments = {"model": MODELS["dense"], "x_norm": models.images(MODELS["dense"])} | change
    with pytest.raises(InputError, match=message):
        convert(**arguments)
