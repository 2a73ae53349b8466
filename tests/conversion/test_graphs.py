"""Models with branches: what populations and projections they become, and that the network computes what Keras does."""

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz.conversion import check_convertible, convert, corrected, fold
from snnviz.network import DepthwiseConv2D, IdentityProjection, Sum, load_network
from snnviz.simulation import Record, Settings, analog, simulate
from snnviz.simulation.engines import make_engine
from tests.conversion import models


def kinds(layer):
    return [each.kind for each in layer.projections]


@pytest.mark.parametrize(
    "name", ["residual_of_twenty_layers", "side_by_side", "inverted_residual", "residual_before_activation"]
)
@pytest.mark.parametrize("per", ["layer", "channel"])
def test_the_analog_twin_is_keras(name, per):
    model = models.CONVERTIBLE[name]()
    x = models.images(model, 8)
    network = convert(model, models.images(model, 16, seed=3), 99.0, per)
    expected = np.asarray(model(x), np.float64)
    np.testing.assert_allclose(analog.logits(network, x), expected, atol=1e-4 * np.abs(expected).max())


def test_a_residual_block_becomes_a_sum():
    """A convolution and the identity, or a projection where shapes change; the ReLU is the firing of what adds them up."""
    network = fold(models.CONVERTIBLE["residual_of_twenty_layers"]())
    sums = [layer for layer in network.layers if isinstance(layer, Sum)]
    assert [kinds(layer) for layer in sums] == [
        ["conv2d", "conv2d" if block in (3, 6) else "identity"] for block in range(9)
    ]
    assert len(network.layers) == 20 + 1  # the pooling has neurons of its own, the two shortcuts with weights none
    shortcut = sums[0].projections[1]
    np.testing.assert_array_equal(shortcut.weights, np.ones(4))
    assert shortcut.source == network.layers[0].name


def test_an_identity_carries_the_scale_of_its_source_over_that_of_its_sum():
    model = models.CONVERTIBLE["residual_of_twenty_layers"]()
    network = convert(model, models.images(model, 16), 99.0, "channel")
    scales = network.metadata["scales"]
    block = next(layer for layer in network.layers if isinstance(layer, Sum))
    expected = np.array(scales[block.name]) / np.array(scales[block.projections[1].source])
    np.testing.assert_allclose(block.projections[1].weights, expected, rtol=1e-6)


def test_what_lies_side_by_side_needs_no_neurons_of_its_own():
    network = fold(models.CONVERTIBLE["side_by_side"]())
    assert not any("concatenate" in name for name in network.layer_names)
    pools = [layer for layer in network.layers if layer.pools]
    assert len(pools) == 3 + 1 + 1  # of each part, of the branch alone, and of the map at the end, whose parts are one
    assert all(isinstance(layer, DepthwiseConv2D) for layer in pools)


def test_groups_that_cut_across_branches_get_neurons_that_pass_spikes_on():
    network = fold(models.CONVERTIBLE["side_by_side_then_grouped"]())
    relay = next(layer for layer in network.layers if layer.name == "grouped_input")
    assert all(isinstance(each, IdentityProjection) for each in relay.projections)
    assert [(each.first, each.channels) for each in relay.projections] == [(0, 8), (3, 8)]


def test_a_linear_bottleneck_is_multiplied_out():
    network = fold(models.CONVERTIBLE["inverted_residual"]())
    assert all(layer.cap == 6 or layer.pools for layer in network.layers[:-1]), "a population of what may be negative"
    expansions = [layer for layer in network.layers if isinstance(layer, Sum)]
    assert [len(layer.projections) for layer in expansions] == [2, 3]
    assert all(set(kinds(layer)) == {"conv2d"} for layer in expansions)


def test_a_converted_graph_fires_as_its_twin_says(tmp_path):
    """After many steps firing rates are near the activations that do not saturate, and a file brings the same network back."""
    image = keras.Input((6, 6, 1))
    x = kl.Conv2D(3, 3, padding="same", activation="relu")(image)
    x = kl.ReLU()(kl.Add(name="sum")([kl.Conv2D(3, 3, padding="same")(x), x]))
    model = models.randomised(keras.Model(image, kl.Dense(3)(kl.Flatten()(x))))
    items = models.images(model, 6)
    network = convert(model, items, 100.0)
    assert load_network(network.save(tmp_path / "network.npz")).hash == network.hash
    result = simulate(network, items, np.zeros(6, int), 200, progress=False, record="logits")
    assert result.attrs["engine"] == "event"
    twin = analog.activations(network, items)
    rates = result["spike_rate"].sel(layer="sum").mean("time").item()
    assert abs(rates - twin["sum"].mean()) < 0.02
    found = (result["logits"].isel(time=-1) / 200).values
    np.testing.assert_allclose(found, analog.logits(network, items), atol=0.1 * np.abs(found).max())


@pytest.mark.slow
@pytest.mark.parametrize("depth", [3, 5])
def test_deeper_residual_networks(depth):
    model = models.randomised(models.resnet20(32, 8, depth))
    x = models.images(model, 4)
    expected = np.asarray(model(x), np.float64)
    found = analog.logits(convert(model, x), x)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_averages_saturate_where_their_source_does():
    """Whatever population stands before them."""
    image = keras.Input((6, 6, 1))
    capped = kl.Conv2D(2, 3, activation="relu6", name="capped")(image)
    free = kl.Conv2D(2, 3, activation="relu", name="free")(image)
    pooled = kl.AveragePooling2D(2, name="pooled")(capped)
    x = kl.Concatenate()([kl.Flatten()(each) for each in (capped, free, pooled)])
    model = models.randomised(keras.Model(image, kl.Dense(3)(x)))
    network = convert(model, models.images(model), 100.0)
    assert network.layer_names[1:4] == ("capped", "free", "pooled")
    assert network.metadata["scales"]["pooled"] == pytest.approx(1 / 6)
    assert network.metadata["scales"]["free"] != pytest.approx(1 / 6)


def test_biases_of_a_graph_are_corrected_towards_its_twin():
    model = models.CONVERTIBLE["residual_of_twenty_layers"]()
    x = models.images(model, 24)
    network = convert(model, x, 99.0, "channel")
    better = corrected(network, x, 12)
    assert [layer.ann_bias is not None for layer in better.layers] == [
        not layer.pools and layer is not network.layers[-1] for layer in network.layers
    ]
    np.testing.assert_array_equal(analog.logits(better, x), analog.logits(network, x))

    def error(each):
        record = Record(spikes=each.firing_names, items=len(x))
        trains = make_engine("event", each, Settings(steps=12), record).run(x, len(x)).spike_trains
        twin = analog.activations(network, x, each.firing_names)
        wanted = {name: np.minimum(values.reshape(len(x), -1), 1).mean(axis=0) for name, values in twin.items()}
        return np.mean([np.abs(trains[name].mean(axis=(0, 1)) - wanted[name]).mean() for name in wanted])

    assert error(better) < error(network)


def test_what_can_be_negative_before_windows_becomes_one_pair_of_populations():
    network = fold(models.CONVERTIBLE["sum_of_what_can_be_negative_before_windows"]())
    names = network.layer_names
    pair = ["difference", "difference_negative"]
    assert [names.count(name) for name in pair] == [1, 1]
    takers = [layer for layer in network.layers if {"difference"} <= {each.source for each in layer.projections}]
    assert len(takers) == 3  # the window, and neurons of either sign that pass spikes on to the groups
    for layer in takers:
        (plus,), (minus,) = ([each for each in layer.projections if each.source == name] for name in pair)
        np.testing.assert_array_equal(plus.weights, -minus.weights)
    x = np.random.default_rng(0).random((5, 7, 7, 2)).astype(np.float32)
    above, below = (analog.activations(network, x, pair)[name] for name in pair)
    assert above.any()
    assert below.any()
    assert not (above * below).any()


def test_a_pair_fires_as_its_twin_says():
    model = models.CONVERTIBLE["window_behind_a_linear_window"]()
    items = models.images(model, 6)
    network = convert(model, items, 100.0)
    result = simulate(network, items, np.zeros(6, int), 400, progress=False, record="logits")
    twin = analog.logits(network, items)
    found = (result["logits"].isel(time=-1) / 400).values
    np.testing.assert_allclose(found, twin, atol=0.1 * np.abs(twin).max())


def averages(layer):
    """An average pooling in the place of any; one with padding="same" as its refusal says, behind zero padding."""
    if isinstance(layer, (kl.MaxPooling2D, kl.AveragePooling2D)):
        pool = kl.AveragePooling2D(layer.pool_size, layer.strides, name=layer.name)
        if layer.padding == "valid":
            return pool
        return keras.Sequential([kl.ZeroPadding2D([(size - 1) // 2 for size in layer.pool_size]), pool])
    return type(layer).from_config(layer.get_config())


SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
"""The least that these take; the others are tried at 64."""
SPIKING = (
    "DenseNet121", "DenseNet169", "InceptionResNetV2", "InceptionV3", "MobileNet", "MobileNetV2", "NASNetMobile", "ResNet50",
    "ResNet101", "ResNet152", "ResNet50V2", "ResNet101V2", "ResNet152V2", "VGG16", "VGG19", "Xception",
)  # fmt: skip
QUICK = {"MobileNet": {"alpha": 0.25}, "MobileNetV2": {"alpha": 0.35}, "ResNet50V2": {}}


def with_statistics(model):
    """The model with batch-norm statistics that keep signals alive."""
    random = np.random.default_rng(0)
    for variable in model.weights:
        if variable.name in ("moving_variance", "gamma"):
            variable.assign(random.uniform(0.5, 1.0, variable.shape))
        elif variable.name in ("moving_mean", "beta", "bias"):
            variable.assign(random.normal(0, 0.1, variable.shape))
    return model


def same_twin(model):
    x = np.random.default_rng(1).random((2, *model.input_shape[1:])).astype(np.float32)
    network = fold(model)
    expected = np.asarray(model(x * network.metadata["input_range"]), np.float64)
    np.testing.assert_allclose(analog.logits(network, x), expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in SPIKING]
)
def test_the_analog_twins_of_known_networks_are_keras(name):
    """Those of `keras.applications` in which nothing but pooling lacks a spiking counterpart, with averages in its place."""
    size = SMALLEST.get(name, 64)
    made = getattr(keras.applications, name)(
        weights=None, input_shape=(size, size, 3), classes=10, classifier_activation=None, **QUICK.get(name, {})
    )
    same_twin(with_statistics(keras.models.clone_model(made, clone_function=averages)))


# of each family without spiking counterpart: the kinds of layers that are refused, and a piece of the first reason
REFUSED = {
    "EfficientNetB0": ({"Activation", "Conv2D", "Multiply"}, "its activation is 'silu'"),
    "EfficientNetV2B0": ({"Activation", "Conv2D", "Multiply"}, "its activation is 'silu'"),
    "MobileNetV3Small": ({"Activation", "Add", "Multiply"}, "its activation is 'hard_silu'"),
    "ConvNeXtTiny": ({"Activation", "LayerNormalization"}, "statistics of each item"),
}  # fmt: skip


def followed(layer):
    """A layer as the remedy of its refusal says: ReLU, batch normalisation, averages."""
    config = layer.get_config()
    if isinstance(layer, kl.LayerNormalization):
        return kl.BatchNormalization(name=layer.name)
    if config.get("activation") not in (None, "linear", "relu"):
        config["activation"] = "relu"
        return type(layer).from_config(config)
    return averages(layer)


def without_gates(layer, *args, **kwargs):
    """What a layer gives, the products left out; a sum or product with a number by Rescaling."""
    if isinstance(layer, kl.Multiply):
        return max(args[0], key=lambda tensor: tensor.shape[1])
    if not isinstance(layer, kl.Layer) and isinstance(args[1], float):
        return kl.Rescaling(*((1.0, args[1]) if type(layer).__name__ == "Add" else (args[1],)))(args[0])
    return layer(*args, **kwargs)


@pytest.mark.slow
@pytest.mark.parametrize("name", REFUSED)
def test_known_networks_without_a_spiking_counterpart_are_refused_and_the_remedies_work(name):
    made = getattr(keras.applications, name)(
        weights=None, input_shape=(64, 64, 3), classes=10, classifier_activation=None
    )
    problems = check_convertible(made)
    kinds, reason = REFUSED[name]
    assert {problem.kind for problem in problems} == kinds
    assert reason in problems[0].reason
    assert all(problem.remedy for problem in problems)
    nested = name.startswith("ConvNeXt")
    model = keras.models.clone_model(made, clone_function=followed, call_function=without_gates, recursive=nested)
    same_twin(with_statistics(model))
