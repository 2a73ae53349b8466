"""NIR: what is written is read back to the last bit, other tools' graphs are understood, and the rest is refused by name."""

from __future__ import annotations

import dataclasses
import itertools
import math

import h5py
import numpy as np
import pytest

from snnviz import pretrained, simulate
from snnviz.conversion.linear import Linear, composed
from snnviz.errors import InputError
from snnviz.hardware import nir as ours
from snnviz.network import Conv2DProjection, DepthwiseProjection
from snnviz.simulation import Settings, analog
from tests.parity.networks import (
    BIASED_BY_CHANNEL,
    KINDS,
    random_graph,
    random_inputs,
    random_network,
    residual,
    with_random_potentials,
)

nir = pytest.importorskip("nir", reason="NIR is not installed: pip install 'snnviz[nir]'")
meant_otherwise = pytest.mark.filterwarnings("ignore:As the NIR graph means it")


def without_metadata(graph):
    """What another tool would have written."""
    return nir.NIRGraph(nodes=graph.nodes, edges=graph.edges, metadata={}, type_check=False)


@pytest.mark.parametrize("kind", BIASED_BY_CHANNEL)
def test_every_kind_of_layer_comes_back(kind, tmp_path):
    network = with_random_potentials(KINDS[kind](seed=3), seed=1)
    network = dataclasses.replace(network, class_names=[f"class {i}" for i in range(network.classes)])
    back = ours.load(ours.save(network, tmp_path / "graph.nir"))
    assert back.hash == network.hash
    assert back.class_names == network.class_names


def test_a_bias_for_each_neuron_of_a_convolution_is_refused():
    with pytest.raises(InputError, match="one bias per channel in its convolutions, as NIR has"):
        ours.to_graph(KINDS["conv, a bias for each neuron"](seed=1))


@pytest.mark.parametrize("seed", range(8))
def test_random_networks_come_back(seed):
    network = random_network(seed)
    assert ours.from_graph(ours.to_graph(network)).hash == network.hash


def test_a_trained_network_comes_back_with_all_that_belongs_to_it(tmp_path):
    network = pretrained.network("dense-mnist-optimized")
    back = ours.load(ours.save(network, tmp_path / "graph.nir"))
    assert back.hash == network.hash
    assert dict(back.metadata) == dict(network.metadata)


@pytest.mark.parametrize("kind", BIASED_BY_CHANNEL)
def test_nodes_alone_say_the_same_but_for_initial_potentials_and_onsets(kind):
    network = KINDS[kind](seed=3)
    zero = network.with_initial_potentials([0.0] * (len(network.layers) + 1)).clamped(0)
    with pytest.warns(UserWarning, match="simulated with reset 'zero': its neurons reset to 0"):
        read = ours.from_graph(without_metadata(ours.to_graph(network)))
    x = random_inputs(network, Settings(), items=3, seed=2)
    y = np.zeros(3, int)
    mine, theirs = (simulate(one, x, y, 9, engine="event", record=("logits",)) for one in (read, zero))
    np.testing.assert_array_equal(mine["logits"], theirs["logits"])


def biased_by_channel(network):
    layers = [dataclasses.replace(each, bias=each.bias.reshape(-1, each.channels)[0]) for each in network.layers]
    return dataclasses.replace(network, layers=tuple(layers))


GRAPHS = [biased_by_channel(net) for net in (residual(2), *map(random_graph, range(12))) if not net.is_path][:8]


@pytest.mark.parametrize("network", GRAPHS)
def test_networks_with_branches_come_back(network, tmp_path):
    network = with_random_potentials(network, 1)
    assert ours.load(ours.save(network, tmp_path / "graph.nir")).hash == network.hash


@pytest.mark.parametrize("network", GRAPHS)
def test_nodes_and_edges_alone_say_the_same_of_a_network_with_branches(network):
    zero = network.with_initial_potentials([0.0] * (len(network.layers) + 1)).clamped(0)
    with pytest.warns(UserWarning, match="As the NIR graph means it"):
        read = ours.from_graph(without_metadata(ours.to_graph(network)))
    x = random_inputs(network, Settings(), items=3, seed=2)
    mine, theirs = (simulate(one, x, np.zeros(3, int), 9, engine="event", record=("logits",)) for one in (read, zero))
    np.testing.assert_array_equal(mine["logits"], theirs["logits"])
    assert len(read.layers) == len(network.layers)


@meant_otherwise
def test_an_edge_from_neurons_to_neurons_in_a_sum_is_a_shortcut():
    weights = np.arange(4.0).reshape(2, 2)
    nodes = {
        "in": nir.Input(np.array([2])), "first": nir.Linear(weights), "a": neurons(2), "second": nir.Linear(weights),
        "b": neurons(2, threshold=2.0), "last": nir.Linear(weights), "out": nir.Output(np.array([2])),
    }  # fmt: skip
    edges = [
        ("in", "first"),
        ("first", "a"),
        ("a", "second"),
        ("second", "b"),
        ("a", "b"),
        ("b", "last"),
        ("last", "out"),
    ]
    network = ours.from_graph(nir.NIRGraph(nodes, edges, type_check=False))
    assert network.sources == ((0,), (1, 1), (2,))
    dense, shortcut = sorted(network.layers[1].projections, key=lambda each: each.kind)
    assert (dense.kind, shortcut.kind) == ("dense", "identity")
    np.testing.assert_array_equal(dense.weights, weights.T / 2)
    np.testing.assert_array_equal(shortcut.weights, [0.5, 0.5])


def test_a_changed_edge_or_shortcut_is_not_overridden_by_metadata():
    network = GRAPHS[0]
    graph = ours.to_graph(network)
    sums = next(layer for layer in network.layers if len(layer.projections) > 1)
    name = next(name for name in graph.nodes if name.startswith(f"{sums.name}_from_"))
    graph.nodes[name].weight = graph.nodes[name].weight * 2
    assert ours.from_graph(graph).hash != network.hash
    graph = ours.to_graph(network)
    graph.edges.remove(next(edge for edge in graph.edges if edge[0] == name))
    with pytest.raises(InputError, match="end in one node"):
        ours.from_graph(graph)


def test_changed_weights_are_not_overridden_by_metadata():
    graph = ours.to_graph(KINDS["conv groups"](seed=1))
    conv = graph.nodes["layer"]
    conv.weight = conv.weight + 1  # between the groups, too
    changed = ours.from_graph(graph)
    np.testing.assert_array_equal(changed.layers[0].weights, conv.weight.transpose(2, 3, 1, 0))


def chain(*nodes):
    names = [f"node_{index}" for index in range(len(nodes))]
    edges = list(itertools.pairwise(names))
    return nir.NIRGraph(nodes=dict(zip(names, nodes, strict=True)), edges=edges, type_check=False)


def neurons(*shape, r=1.0, threshold=1.0, reset=0.0):
    return nir.IF(r=np.full(shape, r), v_threshold=np.full(shape, threshold), v_reset=np.full(shape, reset))


@meant_otherwise
def test_a_graph_of_another_tool_is_understood():
    graph = chain(
        nir.Input(np.array([2, 4, 4])),
        nir.Conv2d((4, 4), np.ones((3, 2, 3, 3)), 1, "same", 1, 1, np.full(3, 0.5)),
        neurons(3, 4, 4, r=2.0, threshold=4.0),
        nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0])),
        neurons(3, 2, 2),
        nir.SumPool2d(np.array([1, 2]), np.array([1, 2]), np.array([0, 0])),
        neurons(3, 2, 1),
        nir.Flatten(np.array([3, 2, 1]), 0, -1),
        nir.Linear(np.arange(12.0).reshape(2, 6)),
        neurons(2, threshold=2.0),
        nir.Output(np.array([2])),
    )
    network = ours.from_graph(graph)
    conv, average, total, linear = network.layers
    assert network.input_shape == (4, 4, 2)
    assert conv.padding == ((1, 1), (1, 1))
    assert (conv.weights == 0.5).all()
    assert (conv.bias == 0.25).all()
    assert (average.weights == 0.25).all()
    assert average.pooling
    assert (total.weights == 1).all()
    assert not total.pooling
    # channel, row -> row, channel
    np.testing.assert_array_equal(linear.weights[:, 0], np.array([0, 2, 4, 1, 3, 5]) / 2)
    assert network.input.initial_potential == 0


def joined(ends, units=2):
    """Two linear nodes behind the input, of which the first, and the second, lead to `ends`."""
    nodes = {"in": BEGIN, "left": LINEAR, "right": nir.Linear(np.ones((units, 3))), "out": END}
    edges = [("in", "left"), ("in", "right"), *(("left", end) for end in ends)]
    edges += [("right", "out")] if ends else []
    names = {name for edge in edges for name in edge}
    return nir.NIRGraph({name: nodes[name] for name in names}, edges, type_check=False)


LINEAR = nir.Linear(np.ones((2, 3)))
BEGIN, END = nir.Input(np.array([3])), nir.Output(np.array([2]))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (lambda: chain(BEGIN, LINEAR, LINEAR, END), r"weights \(outputs, 2\) in 'node_2'"),
        (lambda: pooled(3, 2, padding=1), "IF neurons between 'node_2' and 'node_3'.*no neurons there"),
        (lambda: pooled(2, 2, padding=1, size=5), "IF neurons between 'node_2' and 'node_3'"),
        (lambda: chain(BEGIN, nir.Scale(np.ones(3)), LINEAR, END), "Scale 'node_1'"),
        (lambda: chain(BEGIN, nir.LIF(*np.ones((4, 3))), LINEAR, END), "LIF 'node_1'"),
        (lambda: chain(BEGIN, neurons(3, threshold=0), LINEAR, END), "thresholds above 0.*'node_1'"),
        (lambda: chain(BEGIN, neurons(3, reset=-1), LINEAR, END), "resets at 0.*'node_1'"),
        (lambda: chain(BEGIN, neurons(3, threshold=2), LINEAR, END), "linear node before each IF.*'node_1'"),
        (lambda: chain(BEGIN, nir.Linear(np.ones((2, 4))), END), r"weights \(outputs, 3\) in 'node_1'"),
        (lambda: chain(BEGIN, nir.SumPool2d(2, 2, 0), END), "must give 'node_1' images"),
        (lambda: chain(BEGIN, LINEAR, neurons(5), END), r"one v_threshold for all neurons of 'node_2', or \(2,\)"),
        (lambda: chain(BEGIN, neurons(4), LINEAR, END), r"of 'node_1', or \(3,\) of them. Received: \(4,\)"),
        (lambda: chain(BEGIN, LINEAR, nir.Output(np.array([3]))), r"\(2,\) at 'node_2'. Received: \(3,\)"),
        (lambda: chain(BEGIN, nir.Flatten(np.array([4]), 0), LINEAR, END), r"\(3,\) at 'node_1'. Received: \(4,\)"),
        (lambda: chain(nir.Input(np.array([3, 2])), LINEAR, END), r"shape of an item.*Received: \(3, 2\)"),
        (lambda: pooled(2, 2, declared=(3, 3)), r"\(2, 2\) at 'node_3'. Received: \(3, 3\)"),
        (lambda: chain(LINEAR, END), "one Input node. Received: 0"),
        (lambda: chain(BEGIN, nir.Output(np.array([3]))), "at least one layer"),
        (
            lambda: nir.NIRGraph({"a": BEGIN, "b": LINEAR}, [("a", "b"), ("b", "b")], type_check=False),
            "without a circle.*'b'",
        ),
        (lambda: joined([]), "must end in one node"),
        (lambda: joined(["right"]), "neurons, or at its Output. Received: 2 edges to Linear 'right'"),
        (lambda: joined(["out"], units=3), r"of one shape. Received: \(2,\) and \(3,\) at 'out'"),
        (lambda: "graph", "must be a nir.NIRGraph"),
    ],
)
def test_what_snnviz_has_no_form_for_is_refused_by_name(graph, message):
    with pytest.raises(InputError, match=message):
        ours.from_graph(graph())


def pooled(window, stride, padding=0, size=4, declared=None):
    """Neurons, a pooling without any, a convolution of 2 x 2, as other libraries have it."""
    kernel = np.arange(16.0).reshape(2, 2, 2, 2) / 8
    between = (size - window) // stride + 1
    after = between + 2 * padding - 1
    return chain(
        nir.Input(np.array([2, size, size])),
        neurons(2, size, size),
        nir.AvgPool2d(np.array([window] * 2), np.array([stride] * 2), np.array([0, 0])),
        nir.Conv2d(declared, kernel, 1, padding, 1, 1, np.array([0.5, -0.25])),
        neurons(2, after, after),
        nir.Linear(np.ones((2, 2 * after**2))),
        nir.Output(np.array([2])),
    )


@meant_otherwise
def test_pooling_without_neurons_becomes_one_layer_with_what_follows():
    network = ours.from_graph(pooled(2, 2, size=6))
    assert [layer.name for layer in network.layers] == ["node_3", "node_5"]
    conv = network.layers[0]
    assert (conv.weights.shape, conv.strides) == ((4, 4, 2, 2), (2, 2))
    kernel = np.arange(16.0).reshape(2, 2, 2, 2).transpose(2, 3, 1, 0) / 8
    np.testing.assert_array_equal(conv.weights, kernel.repeat(2, axis=0).repeat(2, axis=1) / 4)
    np.testing.assert_array_equal(conv.bias, [0.5, -0.25])


@meant_otherwise
def test_pooling_before_a_dense_layer_becomes_part_of_it():
    pool = nir.AvgPool2d(np.array([2, 2]), np.array([2, 2]), np.array([0, 0]))
    rows = np.arange(8.0).reshape(2, 4)
    flatten = nir.Flatten(np.array([1, 2, 2]), 0, -1)
    graph = chain(nir.Input(np.array([1, 4, 4])), neurons(1, 4, 4), pool, flatten, nir.Linear(rows), END)
    (dense,) = ours.from_graph(graph).layers
    np.testing.assert_array_equal(
        dense.weights.reshape(4, 4, 2)[::2, ::2], np.moveaxis(rows.reshape(2, 2, 2), 0, -1) / 4
    )


def random_stage(rng, kind, shape):
    """A convolution with dyadic weights that takes `shape`."""
    size, groups = rng.integers(1, 4, 2), 1
    outputs = int(rng.integers(1, 4))
    weights = rng.integers(-4, 5, (*size, shape[2], outputs if kind is Conv2DProjection else 1)) / 8
    numbers = rng.integers(0, 2, 4).tolist()
    return Linear(
        kind=kind, name="linear", input_shape=shape, weights=weights, groups=groups,
        bias=rng.integers(-3, 4, weights.shape[3] if kind is Conv2DProjection else shape[2]) / 8 * float(rng.integers(0, 2)),
        strides=tuple(rng.integers(1, 4, 2).tolist()), dilation=tuple(rng.integers(1, 3, 2).tolist()),
        padding=((numbers[0], numbers[1]), (numbers[2], numbers[3])),
    )  # fmt: skip


def test_two_convolutions_as_one_do_the_same_or_are_refused():
    rng, made = np.random.default_rng(7), 0
    for trial in range(200):
        kinds = [(Conv2DProjection, DepthwiseProjection)[index] for index in (trial % 2, trial // 2 % 2)]
        first = random_stage(rng, kinds[0], (25, 26, 2))
        second = random_stage(rng, kinds[1], first.output_shape)
        one = composed(first, second)
        if one is None:
            continue
        made += 1
        x = rng.integers(0, 2, (3, 25, 26, 2)).astype(np.float32)
        between = analog.linear(first.layer(), x) + first.bias.astype(np.float32)
        expected = analog.linear(second.layer(), between) + second.bias.astype(np.float32)
        np.testing.assert_array_equal(analog.linear(one.layer(), x) + one.bias.astype(np.float32), expected)
    assert made > 60


def test_groups_stay_groups_after_pooling():
    rng = np.random.default_rng(1)
    pool = Linear(
        kind=DepthwiseProjection, name="a", input_shape=(4, 4, 4), weights=np.full((2, 2, 4, 1), 0.25), bias=np.zeros(4),
        strides=(2, 2), pooling=True,
    )  # fmt: skip
    conv = Linear(
        kind=Conv2DProjection,
        name="b",
        input_shape=(2, 2, 4),
        weights=rng.integers(-4, 5, (2, 1, 2, 6)) / 8,
        bias=np.zeros(6),
        groups=2,
    )
    one = composed(pool, conv)
    assert one.groups == 2
    x = rng.integers(0, 2, (3, 4, 4, 4)).astype(np.float32)
    expected = analog.linear(conv.layer(), analog.linear(pool.layer(), x))
    np.testing.assert_array_equal(analog.linear(one.layer(), x), expected)


@meant_otherwise
def test_one_threshold_for_all_a_batch_of_one_and_no_leak_are_read():
    """As snnTorch writes a Leaky with beta 1, whose tau and r are dt / 0, and a tool that leaves the batch in."""
    zero, inf = np.zeros(()), np.asarray(np.inf)
    lif = nir.LIF(tau=inf, r=inf, v_leak=zero, v_threshold=np.asarray(2.0), v_reset=zero)
    graph = chain(nir.Input(np.array([1, 3])), LINEAR, lif, nir.Linear(np.ones((2, 2))), nir.Output(np.array([1, 2])))
    network = ours.from_graph(graph)
    assert (network.layers[0].weights == 0.5).all()
    batch = chain(BEGIN, LINEAR, neurons(1, 2, threshold=2.0), nir.Linear(np.ones((2, 2))), END)
    assert ours.from_graph(batch).hash == network.hash


@pytest.mark.parametrize(("tau", "r"), [(1e6, 1e6), (math.inf, 1.0), (0.002, 20.0)])
def test_neurons_that_leak_are_refused(tau, r):
    lif = nir.LIF(*(np.full(2, value) for value in (tau, r, 0.0, 1.0)))
    with pytest.raises(InputError, match=r"neurons without a leak.*LIF 'node_2'"):
        ours.from_graph(chain(BEGIN, LINEAR, lif, nir.Linear(np.ones((2, 2))), END))


def test_what_a_graph_means_that_a_network_cannot_say_is_warned_of_and_kept(tmp_path):
    graph = chain(BEGIN, LINEAR, neurons(2), nir.Linear(np.ones((2, 2))), END)
    with pytest.warns(UserWarning, match=r"reset 'zero' and input 'analog': .*, and it begins without neurons"):
        network = ours.from_graph(graph)
    assert network.metadata["nir"] == {"reset": "zero", "input": "analog"}
    nir.write(str(tmp_path / "old.nir"), graph)
    with h5py.File(tmp_path / "old.nir", "r+") as file:  # as nir before 1.0.6 wrote
        del file["node/nodes/node_2/v_reset"]
    with pytest.warns(UserWarning, match="simulated with input 'analog': it begins"):
        assert ours.load(tmp_path / "old.nir").metadata["nir"] == {"reset": "subtract", "input": "analog"}


def test_flatten_may_count_from_either_end():
    network = KINDS["conv same"](seed=1)
    graph = ours.to_graph(network)
    (flatten,) = [node for node in graph.nodes.values() if isinstance(node, nir.Flatten)]
    assert (flatten.start_dim, flatten.end_dim) == (-3, -1)  # a batch before it stays
    flatten.start_dim = 0  # as snnviz wrote before
    assert ours.from_graph(graph).hash == network.hash


def test_files_that_are_none(tmp_path):
    network = KINDS["dense"](seed=1)
    with pytest.raises(InputError, match="which is not a file"):
        ours.load(tmp_path / "missing.nir")
    path = ours.save(network, tmp_path / "graph.nir")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InputError, match="must be a whole NIR file"):
        ours.load(path)
    with pytest.raises(InputError, match=r"must end in \.nir"):
        ours.save(network, tmp_path / "graph.h5")
    with pytest.raises(InputError, match="`network` must be a SpikingNetwork"):
        ours.to_graph("network")
    nir.write(str(path), chain(BEGIN, nir.Scale(np.ones(3)), LINEAR, END))
    with pytest.raises(InputError, match=r"must hold a network of snnviz's kind.*Scale"):
        ours.load(path)


@pytest.mark.parametrize("field", ["v_threshold", "r"])
def test_a_changed_neuron_is_not_overridden_by_metadata(field):
    network = pretrained.network("dense-mnist-pooled-heuristic")
    graph = ours.to_graph(network)
    node = graph.nodes["dense1_neurons"]
    setattr(node, field, getattr(node, field) * 2)
    read = ours.from_graph(graph)
    factor = 2 if field == "r" else 0.5
    assert read.hash != network.hash
    np.testing.assert_array_equal(read.layers[1].weights, network.layers[1].weights * factor)
    np.testing.assert_array_equal(read.layers[1].bias, network.layers[1].bias * factor)


@pytest.mark.parametrize(("name", "field", "value"), [("pool1", "stride", (1, 1)), ("dense1_neurons", "v_reset", -1.0)])
def test_a_change_that_leaves_no_network_is_refused(name, field, value):
    graph = ours.to_graph(pretrained.network("dense-mnist-pooled-heuristic"))
    node = graph.nodes[name]
    setattr(node, field, value if isinstance(value, tuple) else np.full_like(node.v_reset, value))
    with pytest.raises(InputError, match=r"`graph` must have"):
        ours.from_graph(graph)


def test_one_over_a_time_step_is_not_taken_for_a_factor_of_every_weight(tmp_path):
    linear = nir.Linear(weight=np.full((2, 2), 0.3))
    graph = chain(nir.Input(np.array([2])), linear, neurons(2, r=1e4), linear, nir.Output(np.array([2])))
    with pytest.raises(InputError, match=r"^`dt` must be given.*r = 10000"):
        ours.from_graph(graph)
    nir.write(str(tmp_path / "graph.nir"), graph)
    with pytest.raises(InputError, match=r"^`dt` must be given"):
        ours.load(tmp_path / "graph.nir")
    with pytest.warns(UserWarning, match="As the NIR graph means it"):
        network = ours.load(tmp_path / "graph.nir", dt=1e-4)
    np.testing.assert_allclose(network.layers[0].weights, 0.3, rtol=1e-7)
    with pytest.raises(InputError, match="`dt` must be a finite number, above 0"):
        ours.from_graph(graph, dt=0.0)
