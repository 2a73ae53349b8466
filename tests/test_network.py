"""Networks as data: checks, scaling, files."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snnviz import (
    Conv2D,
    Dense,
    DenseProjection,
    DepthwiseConv2D,
    IdentityProjection,
    Input,
    InputError,
    SpikingNetwork,
    Sum,
    load_network,
)
from tests.parity.networks import KINDS, residual


def small(seed=0, **dense_options):
    rng = np.random.default_rng(seed)
    return SpikingNetwork(
        input=Input(shape=(6, 6, 4), initial_potential=rng.random((6, 6, 4))),
        layers=(
            Conv2D(
                name="conv", input_shape=(6, 6, 4), weights=rng.normal(size=(3, 3, 2, 6)), bias=rng.normal(size=6),
                padding=((1, 1), (0, 1)), strides=(1, 2), groups=2, cap=6.0,
            ),
            DepthwiseConv2D(
                name="pool", input_shape=(6, 3, 6), weights=np.full((2, 3, 6, 1), 1 / 6), bias=np.zeros(6),
                strides=(2, 3), pooling=True,
            ),
            Dense(name="out", input_shape=(3, 1, 6), weights=rng.normal(size=(18, 3)), bias=rng.normal(size=3), **dense_options),
        ),
        class_names=("a", "b", "c"),
        metadata={"title": "small", "scales": [1.0, 2.0]},
    )  # fmt: skip


def test_shapes_and_names():
    network = small()
    assert [layer.output_shape for layer in network.layers] == [(6, 3, 6), (3, 1, 6), (3,)]
    assert network.layer_names == ("input", "conv", "pool", "out")
    assert network.firing_names == ("input", "conv", "pool")
    assert network.classes == 3


def test_arrays_are_read_only_copies():
    weights = np.ones((2, 2), np.float32)
    layer = Dense(name="d", input_shape=(2,), weights=weights, bias=[0, 0])
    weights[:] = 7
    assert layer.weights.max() == 1
    with pytest.raises(ValueError, match="read-only"):
        layer.weights[0, 0] = 2


def test_a_convolution_may_have_a_bias_for_each_neuron(tmp_path):
    net = KINDS["conv groups, a bias for each neuron"](1)
    loaded = load_network(net.save(tmp_path / "n.npz"))
    assert loaded.hash == net.hash
    assert loaded.layers[0].bias.shape == loaded.layers[0].output_shape
    scaled = net.scaled([2.0, 1.0]).layers[0]
    np.testing.assert_array_equal(scaled.bias, 2 * net.layers[0].bias)
    with pytest.raises(InputError, match="bias of layer 'layer'"):
        replace(net.layers[0], bias=np.zeros((1, 1, 6)))


def test_save_and_load_give_the_same_network(tmp_path):
    network = small(initial_potential=np.array([0.1, 0.2, 0.3]))
    again = load_network(network.save(tmp_path / "network.npz"))
    assert again.hash == network.hash
    assert again.class_names == network.class_names
    assert again.metadata == network.metadata
    for layer, copy in zip(network.layers, again.layers, strict=True):
        assert type(layer) is type(copy)
        np.testing.assert_array_equal(layer.weights, copy.weights)
        assert layer.options == copy.options
        assert layer.cap == copy.cap
    assert [path.name for path in tmp_path.iterdir()] == ["network.npz"]


def test_a_halved_network_is_near_and_its_file_half_as_large(tmp_path):
    rng = np.random.default_rng(0)
    layer = Dense(name="d", input_shape=(100,), weights=rng.normal(size=(100, 50)), bias=rng.normal(size=50))
    network = SpikingNetwork(input=Input(shape=(100,)), layers=(layer,))
    halved = network.halved()
    weights = halved.layers[0].weights
    np.testing.assert_array_equal(weights, weights.astype(np.float16))
    np.testing.assert_allclose(weights, layer.weights, rtol=2.0**-11, atol=2.0**-24)
    np.testing.assert_array_equal(halved.layers[0].bias, layer.bias)
    small = halved.save(tmp_path / "small.npz")
    assert load_network(small).hash == halved.hash
    assert small.stat().st_size < 0.6 * network.save(tmp_path / "large.npz").stat().st_size


def test_a_weight_beyond_half_precision_is_refused():
    layer = Dense(name="d", input_shape=(1,), weights=[[1e5]], bias=[0])
    with pytest.raises(InputError, match=r"at most 65504 in magnitude .* Received: 100000"):
        SpikingNetwork(input=Input(shape=(1,)), layers=(layer,)).halved()


def test_onsets_are_kept_and_a_network_without_them_is_the_file_it_was(tmp_path):
    network = small().with_onsets([0, 2, 1])
    again = load_network(network.save(tmp_path / "network.npz"))
    assert [layer.onset for layer in again.layers] == [0, 2, 1]
    assert again.hash == network.hash
    header, _ = small().encode()
    assert not any("onset" in layer for layer in header["layers"])


def test_a_clamp_lets_layers_begin_one_after_the_other():
    network = small()
    assert [layer.onset for layer in network.clamped(0.5).layers] == [0, 1, 1]
    assert [layer.onset for layer in network.clamped(2).layers] == [2, 4, 6]
    assert network.clamped(2).clamped(0).hash == network.hash
    for call, argument, message in (
        (network.clamped, -0.1, "clamp"),
        (network.with_onsets, [1, 1], "one entry per layer"),
        (network.with_onsets, [1, 1, -1], "onset"),
    ):
        with pytest.raises(InputError, match=message):
            call(argument)


def test_hash_changes_with_what_a_simulation_reads():
    network = small()
    assert small().hash == network.hash
    assert small(seed=1).hash != network.hash
    assert network.with_initial_potentials([0.5] * 4).hash != network.hash
    assert network.with_onsets([0, 0, 1]).hash != network.hash
    assert network.scaled([2.0, 1.0, 1.0]).hash != network.hash


def test_scaling_there_and_back_is_the_identity_on_powers_of_two():
    network = small()
    channels = 2.0 ** np.arange(-2, 4)
    scaled = network.scaled([channels, channels[::-1], 4.0])
    back = scaled.scaled([1 / channels, 1 / channels[::-1], 0.25])
    for layer, other in zip(network.layers, back.layers, strict=True):
        np.testing.assert_array_equal(layer.weights, other.weights)
        np.testing.assert_array_equal(layer.bias, other.bias)
    np.testing.assert_array_equal(back.layers[0].cap, np.full(6, 6.0))  # one number has become one per channel
    assert scaled.hash != network.hash


@pytest.mark.parametrize(
    ("scales", "message"),
    [
        ([1.0, 1.0], "one entry per layer"),
        ([0.0, 1.0, 1.0], "positive"),
        ([np.nan, 1.0, 1.0], "positive"),
        ([1.0, np.ones(5), 1.0], "positive number or 6"),
        ([1.0, 1.0, np.ones(3)], "last layer must be one number"),
    ],
)
def test_wrong_scales(scales, message):
    with pytest.raises(InputError, match=message):
        small().scaled(scales)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.full((4, 2), np.nan)}, "finite"),
        ({"weights": np.full((4, 2), np.inf)}, "finite"),
        ({"weights": np.ones((5, 2))}, "one row per input"),
        ({"weights": np.ones(4)}, "2 dimensions"),
        ({"weights": "heavy"}, "array of numbers"),
        ({"bias": np.ones(3)}, "shape"),
        ({"name": ""}, "non-empty string"),
        ({"initial_potential": np.ones(3)}, "shape"),
        ({"initial_potential": np.inf}, "finite"),
        ({"cap": 0.0}, "above 0"),
        ({"onset": -1}, "onset of layer 'd'.*at least 0"),
        ({"onset": 1.5}, "onset"),
        ({"input_shape": (2, 0)}, "at least 1"),
    ],
)
def test_wrong_layers(change, message):
    arguments = {"name": "d", "input_shape": (4,), "weights": np.ones((4, 2)), "bias": np.zeros(2)} | change
    with pytest.raises(InputError, match=message) as caught:
        Dense(**arguments)
    assert "Received" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strides": (0, 1)}, "at least 1"),
        ({"padding": "same"}, "top, bottom"),
        ({"padding": ((-1, 0), (0, 0))}, "at least 0"),
        ({"dilation": (4, 1)}, "fit into the padded input"),
        ({"groups": 2}, "input channels"),
    ],
)
def test_wrong_convolutions(change, message):
    arguments = {"name": "c", "input_shape": (5, 5, 3), "weights": np.ones((3, 3, 3, 2)), "bias": np.zeros(2)} | change
    with pytest.raises(InputError, match=message):
        Conv2D(**arguments)


def test_wrong_networks():
    layer = Dense(name="d", input_shape=(4,), weights=np.ones((4, 2)), bias=np.zeros(2))
    with pytest.raises(InputError, match="shape of the layer before it"):
        SpikingNetwork(input=Input(shape=(5,)), layers=(layer,))
    second = Dense(name="d", input_shape=(2,), weights=np.ones((2, 2)), bias=np.zeros(2))
    with pytest.raises(InputError, match="different names"):
        SpikingNetwork(input=Input(shape=(4,)), layers=(layer, second))
    with pytest.raises(InputError, match="at least one layer"):
        SpikingNetwork(input=Input(shape=(4,)), layers=())
    with pytest.raises(InputError, match="one name per output"):
        SpikingNetwork(input=Input(shape=(4,)), layers=(layer,), class_names=("only",))
    with pytest.raises(InputError, match=r"`class_names` must have different names\. Received: 'a' more than once"):
        SpikingNetwork(input=Input(shape=(4,)), layers=(layer,), class_names=("a", "a"))
    conv = Conv2D(name="c", input_shape=(5, 5, 3), weights=np.ones((3, 3, 3, 2)), bias=np.zeros(2))
    with pytest.raises(InputError, match="one value per class"):
        SpikingNetwork(input=Input(shape=(5, 5, 3)), layers=(conv,))


def test_saving_asks_for_npz_and_json(tmp_path):
    with pytest.raises(InputError, match=r"\.npz"):
        small().save(tmp_path / "network.h5")
    unjson = SpikingNetwork(input=small().input, layers=small().layers, metadata={"made": object()})
    with pytest.raises(InputError, match="JSON"):
        unjson.save(tmp_path / "network.npz")
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return small().save(tmp_path_factory.mktemp("network") / "network.npz").read_bytes()


def rewritten(path, change):
    """The network file at `path` with its header changed by `change`."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays["header"].tobytes())
    change(header, arrays)
    arrays["header"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda header, arrays: header.update(version=99),
        lambda header, arrays: header.update(format="other"),
        lambda header, arrays: header.pop("layers"),
        lambda header, arrays: header["layers"][0].update(kind="lstm"),
        lambda header, arrays: header["layers"][1].pop("name"),
        lambda header, arrays: header["layers"][0].update(strides=[0, 1]),
        lambda header, arrays: header["layers"][0].update(input_shape="big"),
        lambda header, arrays: header["input"].update(shape=[6, 6]),
        lambda header, arrays: header["input"].update(initial_potential="weights_9"),
        lambda header, arrays: header.update(metadata=3),
        lambda header, arrays: arrays.pop("bias_1"),
        lambda header, arrays: arrays.update(weights_2=np.full((18, 3), np.nan)),
        lambda header, arrays: arrays.update(weights_2=np.ones((17, 3))),
    ],
)
def test_damaged_headers_and_arrays(tmp_path, stored, change):
    path = tmp_path / "network.npz"
    path.write_bytes(stored)
    with pytest.raises(InputError, match="path"):
        load_network(rewritten(path, change))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_bytes_never_give_another_error(tmp_path, stored, data):
    """Truncated or overwritten files: an InputError, or (a change in zip's unread fields) the very same network."""
    damaged = bytearray(stored[: data.draw(st.integers(0, len(stored)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "network.npz"
    path.write_bytes(bytes(damaged))
    try:
        network = load_network(path)
    except InputError:
        return
    assert network.hash == small().hash


def test_pickles_are_refused(tmp_path):
    path = tmp_path / "network.npz"
    np.savez(path, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError):
        load_network(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.npy", b"not an array")
    with pytest.raises(InputError):
        load_network(path)


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="not a file"):
        load_network(tmp_path / "none.npz")


def two_ways(**changes):
    """An input of four, a hidden layer, and a read-out that adds up what both send."""
    parts = [
        DenseProjection(source="hidden", input_shape=(3,), weights=np.ones((3, 2))),
        DenseProjection(source="input", input_shape=(4,), weights=np.ones((4, 2))),
    ]
    hidden = Dense(name="hidden", input_shape=(4,), weights=np.ones((4, 3)), bias=np.zeros(3))
    output = Sum(name="output", projections=changes.pop("projections", parts), bias=np.zeros(2), **changes)
    return SpikingNetwork(input=Input(shape=(4,)), layers=(hidden, output))


def test_a_graph_says_where_its_projections_come_from():
    network = two_ways()
    assert network.sources == ((0,), (1, 0))
    assert network.depths == (0, 1, 2)
    assert not network.is_path
    assert [layer.onset for layer in residual(1).clamped(1).layers] == [1, 2, 3, 4, 5, 6, 7]
    assert small().is_path


def test_a_graph_is_a_file_of_version_2_and_a_path_one_of_version_1(tmp_path):
    for network, version in ((residual(1), 2), (small(), 1)):
        header, arrays = network.encode()
        assert header["version"] == version
        again = load_network(network.save(tmp_path / "network.npz"))
        assert again.hash == network.hash
        assert again.sources == network.sources
        assert set(again.encode()[1]) == set(arrays)
    scaled = residual(1).scaled([2.0] * 7)
    assert scaled.hash != residual(1).hash


def test_a_path_that_names_its_sources_is_the_path():
    first, *rest = small().layers
    named = [replace(first, source="input"), replace(rest[0], source="conv"), replace(rest[1], source="pool")]
    again = replace(small(), layers=tuple(named))
    assert again.hash == small().hash
    assert again.encode()[0] == small().encode()[0]


def test_hash_of_a_graph_changes_with_its_wiring():
    network = residual(1)
    one = network.layers[2]
    wired = replace(one, projections=(one.projections[0], replace(one.projections[1], source="first")))
    changed = replace(network, layers=(*network.layers[:2], wired, *network.layers[3:]))
    assert changed.hash != network.hash


def test_wrong_graphs():
    hidden = Dense(name="hidden", input_shape=(4,), weights=np.ones((4, 3)), bias=np.zeros(3))
    other = Dense(name="other", source="input", input_shape=(4,), weights=np.ones((4, 2)), bias=np.zeros(2))
    wide = IdentityProjection(source="input", input_shape=(4,), weights=np.ones(4))
    narrow = DenseProjection(source="hidden", input_shape=(3,), weights=np.ones((3, 2)))
    cases = {
        r"one read-out.*'hidden', whose spikes nothing takes, beside 'other'": (hidden, other),
        r"must not run in a circle. Received: 'hidden', which takes those of 'other'": (
            replace(hidden, source="other"),
            other,
        ),
        r"'hidden' must be the name of a population before it. Received: 'inptu'; did you mean 'input'": (
            replace(hidden, source="inptu"),
        ),
        r"\('other'\) must take the shape of its source, 'input': \(4,\). Received: \(5,\)": (
            hidden,
            replace(other, input_shape=(5,), weights=np.ones((5, 2))),
        ),
    }
    for message, layers in cases.items():
        with pytest.raises(InputError, match=message):
            SpikingNetwork(input=Input(shape=(4,)), layers=layers)
    for message, projections in {
        r"neurons of one shape. Received: \(2,\) from 'hidden', and \(4,\) from 'input'": (narrow, wide),
        "at least one": (),
        "name their source": (replace(narrow, source=None),),
        "projections that name their source.*Dense": (replace(hidden, source="input"),),
    }.items():
        with pytest.raises(InputError, match=message):
            two_ways(projections=projections)


def test_wrong_identities():
    fine = IdentityProjection(source="a", input_shape=(2, 2, 3), weights=np.ones(3), first=1, channels=5)
    assert fine.output_shape == (2, 2, 5)
    for change, message in (
        ({"weights": np.ones(4)}, "one for each of 3 input channels"),
        ({"first": 3}, "channels that there are. Received: 3, from channel 3 of 5 on"),
        ({"first": -1}, "first of the projection from 'a'"),
    ):
        with pytest.raises(InputError, match=message):
            replace(fine, **change)


@pytest.mark.parametrize(
    "change",
    [
        lambda header, arrays: header["layers"][2]["projections"][0].update(source="nobody"),
        lambda header, arrays: header["layers"][2]["projections"][0].update(kind="lstm"),
        lambda header, arrays: header["layers"][2].update(projections=3),
        lambda header, arrays: header["layers"][2].update(projections=[]),
        lambda header, arrays: header["layers"][2].pop("projections"),
        lambda header, arrays: header["layers"][1].update(source="two"),
        lambda header, arrays: header["layers"][1].update(source=7),
        lambda header, arrays: arrays.pop("weights_2_1"),
        lambda header, arrays: arrays.update(weights_2_1=np.ones(9)),
        lambda header, arrays: header.update(version=3),
    ],
)
def test_damaged_graphs(tmp_path, change):
    path = rewritten(residual(1).save(tmp_path / "network.npz"), change)
    with pytest.raises(InputError, match="network") as caught:
        load_network(path)
    assert "\n" not in str(caught.value)


def test_what_knows_single_paths_alone_refuses_a_graph_in_the_same_words():
    """None of it may take a graph for a path."""
    from snnviz.hardware.spinnaker import model
    from snnviz.simulation import Record, Settings
    from snnviz.simulation.event import EventEngine

    network = residual(1)
    x, y = np.zeros((2, 8, 8, 2), np.float32), np.zeros(2, int)
    for who, call in {
        r"EventEngine \(`make_engine` takes graphs\)": lambda: EventEngine(network, Settings(), Record()),
        "headroom 'estimate' on SpiNNaker": lambda: model.expect(network, x, y, 2, headroom="estimate"),
    }.items():
        with pytest.raises(
            InputError, match=rf"single path of layers for {who}. Received: a graph, in which 'one' takes"
        ):
            call()
