"""The analog twin against sums written out one synapse at a time."""

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from snnviz import InputError
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Input, SpikingNetwork
from snnviz.simulation import analog
from snnviz.simulation._silent import Active
from tests.simulation.test_event import pruned

GEOMETRIES = [
    {},
    {"strides": (2, 3), "padding": ((1, 0), (2, 1)), "dilation": (2, 1)},
    {"strides": (1, 2), "padding": ((0, 2), (1, 0)), "dilation": (1, 3)},
    {"strides": (3, 1), "padding": ((2, 2), (2, 2))},
]
KINDS = {
    "plain": (Conv2D, (3, 2, 4, 6), {}),
    "pointwise": (Conv2D, (1, 1, 4, 3), {}),
    "grouped": (Conv2D, (3, 2, 2, 6), {"groups": 2}),
    "one channel a group": (Conv2D, (3, 2, 1, 8), {"groups": 4}),
    "depthwise": (DepthwiseConv2D, (2, 3, 4, 1), {}),
    "depthwise with multiplier": (DepthwiseConv2D, (2, 3, 4, 3), {}),
}


def layer(kind, geometry):
    constructor, shape, options = KINDS[kind]
    channels = shape[3] if constructor is Conv2D else shape[2] * shape[3]
    weights = np.random.default_rng(1).integers(-8, 9, shape) / 8  # on a dyadic grid sums are exact in float32
    return constructor(
        name="layer", input_shape=(8, 9, 4), weights=weights, bias=np.zeros(channels), **options, **geometry
    )


def one_by_one(layer, inputs):
    """The layer's linear part, synapse by synapse."""
    (top, bottom), (left, right) = layer.padding
    padded = np.pad(inputs, ((0, 0), (top, bottom), (left, right), (0, 0))).astype(np.float64)
    kernel = layer.grouped_weights.astype(np.float64)
    per_group, filters = kernel.shape[2], kernel.shape[3] // layer.groups
    outputs = np.zeros((len(inputs), *layer.output_shape))
    for p, q, o in np.ndindex(*layer.output_shape):
        for i, j, c in np.ndindex(*kernel.shape[:3]):
            row, column = p * layer.strides[0] + i * layer.dilation[0], q * layer.strides[1] + j * layer.dilation[1]
            outputs[:, p, q, o] += padded[:, row, column, o // filters * per_group + c] * kernel[i, j, c, o]
    return outputs


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=range(len(GEOMETRIES)))
def test_linear_is_the_sum_over_synapses(kind, geometry):
    made = layer(kind, geometry)
    inputs = (np.random.default_rng(2).integers(0, 9, (3, 8, 9, 4)) / 8).astype(np.float32)
    found = analog.linear(made, inputs)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, one_by_one(made, inputs))


def test_linear_of_a_dense_layer_flattens_row_major():
    made = Dense(name="layer", input_shape=(2, 3, 2), weights=np.eye(12)[:, ::-1], bias=np.ones(12))
    inputs = np.arange(24, dtype=np.float32).reshape(2, 2, 3, 2)
    np.testing.assert_array_equal(analog.linear(made, inputs), inputs.reshape(2, 12)[:, ::-1])


def test_linear_does_not_depend_on_how_it_is_cut(monkeypatch):
    inputs = np.random.default_rng(2).integers(0, 2, (9, 8, 9, 4)).astype(np.float32)
    made = [layer(kind, GEOMETRIES[1]) for kind in KINDS]
    whole = [analog.linear(one, inputs) for one in made]
    monkeypatch.setattr(analog, "PATCH_BUDGET", 1)
    for one, expected in zip(made, whole, strict=True):
        np.testing.assert_array_equal(analog.linear(one, inputs), expected)


@pytest.mark.parametrize(("channels", "outputs"), [(1, 10), (3, 16), (20, 24), (70, 48), (65, 130)])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=range(len(GEOMETRIES)))
@pytest.mark.parametrize("by_neuron", [False, True], ids=["channel", "neuron"])
def test_convolutions_by_the_kernel_are_those_of_numpy(geometry, channels, outputs, by_neuron):
    random = np.random.default_rng(channels)
    weights = random.integers(-8, 9, (3, 2, channels, outputs)) / 8  # on a dyadic grid sums are exact in float32
    made = Conv2D(name="c", input_shape=(8, 9, channels), weights=weights, bias=np.zeros(outputs), **geometry)
    bias = random.integers(-8, 9, made.output_shape if by_neuron else outputs) / 8
    made = replace(made, bias=bias, cap=random.integers(1, 30, outputs) / 4)
    inputs = np.maximum(random.integers(-20, 9, (3, 8, 9, channels)), 0).astype(np.float32) / 8  # most of them 0
    expected = analog.linear(made, inputs) + made.bias
    last = analog._Population(made, rectifies=False)([inputs])
    np.testing.assert_array_equal(last, expected)
    hidden = analog._Population(made, rectifies=True)([inputs])
    np.testing.assert_array_equal(hidden, np.clip(expected, 0, made.cap))
    assert 0 < (hidden == made.cap).mean() < (hidden > 0).mean() < 1


def test_an_item_alone_gives_what_it_gives_among_others():
    made, x = convolutional(np.random.default_rng(3)), np.random.default_rng(5).random((9, 8, 8, 2), dtype=np.float32)
    whole = analog.activations(made, x, ["conv1", "conv2"])
    for size in (1, 4):
        for name, values in analog.activations(made, x, ["conv1", "conv2"], batch_size=size).items():
            np.testing.assert_array_equal(values, whole[name])


def convolutional(random):
    shapes = {"conv1": (8, 8, 2), "conv2": (8, 8, 21)}
    convs = [
        Conv2D(name=name, input_shape=shape, weights=random.normal(size=(3, 3, shape[-1], 21)), bias=random.normal(size=21),
               padding=((1, 1), (1, 1)))
        for name, shape in shapes.items()
    ]  # fmt: skip
    classes = Dense(name="classes", input_shape=(8, 8, 21), weights=random.normal(size=(1344, 3)), bias=np.zeros(3))
    return SpikingNetwork(Input(shape=(8, 8, 2)), (*convs, classes))


def network(cap=None):
    random = np.random.default_rng(0)
    return SpikingNetwork(
        Input(shape=(4, 4, 1)),
        (
            Conv2D(
                name="conv", input_shape=(4, 4, 1), weights=random.normal(size=(3, 3, 1, 2)), bias=[0.2, -0.1], cap=cap
            ),
            Dense(name="hidden", input_shape=(2, 2, 2), weights=random.normal(size=(8, 5)), bias=random.normal(size=5)),
            Dense(name="classes", input_shape=(5,), weights=random.normal(size=(5, 3)), bias=random.normal(size=3)),
        ),
    )


X = np.random.default_rng(4).random((7, 4, 4, 1), dtype=np.float32)


def by_hand(network):
    conv, hidden, classes = network.layers
    first = np.maximum(one_by_one(conv, X) + conv.bias, 0)
    if conv.cap is not None:
        first = np.minimum(first, conv.cap)
    second = np.maximum(first.reshape(7, -1) @ hidden.weights + hidden.bias, 0)
    return first, second, second @ classes.weights + classes.bias


@pytest.mark.parametrize("cap", [None, 0.5, np.array([0.3, 0.6], np.float32)], ids=["none", "one", "per channel"])
def test_hidden_layers_are_rectified_and_the_last_is_not(cap):
    made = network(cap)
    found = analog.activations(made, X)
    assert list(found) == ["conv", "hidden", "classes"]
    for values, expected in zip(found.values(), by_hand(made), strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    assert (found["classes"] < 0).any()
    np.testing.assert_array_equal(analog.logits(made, X), found["classes"])


def test_chosen_layers_and_batches():
    whole = analog.activations(network(), X, ["input", "hidden"])
    assert list(whole) == ["input", "hidden"]
    np.testing.assert_array_equal(whole["input"], X)
    parts = analog.activations(network(), X, ["input", "hidden"], batch_size=2)
    np.testing.assert_allclose(parts["hidden"], whole["hidden"], rtol=1e-6)


def test_a_memory_budget_cuts_the_batches(monkeypatch):
    monkeypatch.setattr(analog, "MEMORY_BUDGET", 4 * 32 * 3)  # 16 inputs, 8 + 5 + 3 neurons
    assert [part.stop - part.start for part, _ in analog.batches(network(), X)] == [3, 3, 1]


def test_the_data_are_not_written_to():
    before = X.copy()
    analog.logits(network(), X)
    np.testing.assert_array_equal(X, before)


def test_accuracy():
    labels = analog.logits(network(), X).argmax(axis=1)
    assert analog.accuracy(network(), X, labels) == 1
    wrong = labels.copy()
    wrong[:2] = (wrong[:2] + 1) % 3
    assert analog.accuracy(network(), X, wrong) == pytest.approx(5 / 7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: analog.activations(network(), X, ["nothing"]), "`layers` must be one of"),
        (lambda: analog.logits(network(), X[:, :3]), "must have shape"),
        (lambda: analog.logits(network(), X * 2), "intensities in"),
        (lambda: analog.logits(network(), X, batch_size=0), "`batch_size`"),
        (lambda: analog.accuracy(network(), X, np.arange(7)), "class indices from 0 to 2"),
    ],
)
def test_wrong_arguments(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_sparsity_of_a_network_worked_out_by_hand():
    # item (1, 0): hidden 1 = (1, 0, 0, 0), hidden 2 = (1, 0); item (0, 1): (0, 1, 1, 0), (0, 1)
    kernels = [[[1, 0, 0, 0], [0, 1, 1, 0]], [[1, 0], [0, 1], [0, 0], [0, 0]], [[1, 1], [1, 1]]]
    layers = tuple(
        Dense(name=f"d{i}", input_shape=(len(kernel),), weights=kernel, bias=[0.0] * len(kernel[0]))
        for i, kernel in enumerate(kernels)
    )
    network = SpikingNetwork(input=Input(shape=(2,)), layers=layers)
    found = analog.sparsity(network, np.eye(2, dtype=np.float32), batch_size=1)
    assert found.activations_as_published == 5 / 8
    assert found.activations == pytest.approx(7 / 12)
    assert found.weights == (5 + 6) / 20
    assert found.combined == pytest.approx(1 - (5 / 12) * (9 / 20))
    assert [each.activations for each in found.layers] == [5 / 8, 1 / 2, None]
    assert [each.weights for each in found.layers] == [5 / 8, 6 / 8, 0]


def test_sparsity_of_the_shipped_network_is_that_of_its_classifier():
    from snnviz import datasets, pretrained

    x = datasets.load("mnist", split="test").x
    for name in ("dense-mnist-heuristic", "dense-mnist-optimized"):
        card = pretrained.card(pretrained.card(name)["source"])["sparsity"]  # measured on the Keras model
        found = analog.sparsity(pretrained.network(name), x).as_json()
        assert found["S_w"] == card["S_w"]  # scales make nothing zero
        assert found["S_a"] == pytest.approx(card["S_a"], abs=1e-4)  # sums in another order round a few zeros away
        assert [layer["synapses"] for layer in found["layers"]] == [layer["synapses"] for layer in card["layers"]]


def test_sparsity_leaves_pooling_out():
    pool = DepthwiseConv2D(
        name="pool",
        input_shape=(4, 4, 1),
        weights=np.full((2, 2, 1, 1), 0.25),
        bias=[0.0],
        strides=(2, 2),
        pooling=True,
    )
    hidden = Dense(name="hidden", input_shape=(2, 2, 1), weights=np.eye(4), bias=np.full(4, -0.5))
    last = Dense(name="last", input_shape=(4,), weights=np.ones((4, 2)), bias=np.zeros(2))
    x = np.zeros((1, 4, 4, 1), np.float32)
    x[0, :2, :2] = 1
    found = analog.sparsity(SpikingNetwork(input=Input(shape=(4, 4, 1)), layers=(pool, hidden, last)), x)
    assert (found.activations, found.weights) == (3 / 4, 12 / 24)
    assert [each.name for each in found.layers] == ["hidden", "last"]
    flat = Dense(name="last", input_shape=(2, 2, 1), weights=np.ones((4, 2)), bias=np.zeros(2))
    with pytest.raises(InputError, match="hidden layers besides pooling"):
        analog.sparsity(SpikingNetwork(input=Input(shape=(4, 4, 1)), layers=(pool, flat)), x)


def test_answers_are_remembered_for_the_same_network_and_data(monkeypatch):
    net = pruned(1)
    rng = np.random.default_rng(5)
    x, y = rng.random((7, *net.input_shape), dtype=np.float32), rng.integers(0, net.classes, 7)
    first = analog.accuracy(net, x, y)
    calls = []
    computed = analog.logits
    monkeypatch.setattr(analog, "logits", lambda *given: calls.append(given) or computed(*given))
    assert analog.accuracy(net, x.copy(), y) == first
    assert not calls
    changed = x.copy()
    changed[-1, 0, 0, 0] = 1 - changed[-1, 0, 0, 0]
    analog.accuracy(net, changed, y)
    layers = (*net.layers[:-1], replace(net.layers[-1], ann_bias=net.layers[-1].bias + np.arange(net.classes)))
    analog.accuracy(replace(net, layers=layers), x, y)
    assert len(calls) == 2
    for seed in range(analog.REMEMBERED):
        analog.accuracy(pruned(seed + 2), x, y)
    assert len(analog._remembered) == analog.REMEMBERED


@pytest.mark.parametrize("seed", range(4))
def test_channels_that_are_always_zero_change_no_logit(seed):
    net = pruned(seed)
    x = np.random.default_rng(seed).random((9, *net.input_shape), dtype=np.float32)
    assert sum(int((~kept).sum()) for kept in Active.of(net.layers, analog._never_positive).kept) > 4
    for size in (None, 2):
        np.testing.assert_allclose(analog.logits(net, x, size), analog.activations(net, x)["output"], rtol=1e-5)


def test_logits_leave_the_threads_of_the_matrix_library_as_they_were():
    library = ThreadpoolController().select(user_api="blas")
    before = [each.num_threads for each in library.lib_controllers]
    net = pruned(0)
    analog.logits(net, np.zeros((3, *net.input_shape), np.float32))
    assert [each.num_threads for each in library.lib_controllers] == before
