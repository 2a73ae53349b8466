"""NIR: what is written is read back to the last bit, other tools' graphs are understood, and the rest is refused by name."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from snnviz import pretrained, simulate
from snnviz.errors import InputError
from snnviz.hardware import nir as ours
from snnviz.simulation import Settings
from tests.parity.networks import BIASED_BY_CHANNEL, KINDS, random_inputs, random_network, with_random_potentials

nir = pytest.importorskip("nir", reason="NIR is not installed: pip install 'snnviz[nir]'")


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
    read = ours.from_graph(without_metadata(ours.to_graph(network)))
    x = random_inputs(network, Settings(), items=3, seed=2)
    y = np.zeros(3, int)
    mine, theirs = (simulate(one, x, y, 9, engine="event", record=("logits",)) for one in (read, zero))
    np.testing.assert_array_equal(mine["logits"], theirs["logits"])


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


LINEAR = nir.Linear(np.ones((2, 3)))
BEGIN, END = nir.Input(np.array([3])), nir.Output(np.array([2]))


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (lambda: chain(BEGIN, LINEAR, LINEAR, END), "IF neurons between linear nodes.*'node_1'"),
        (lambda: chain(BEGIN, nir.Scale(np.ones(3)), LINEAR, END), "Scale 'node_1'"),
        (lambda: chain(BEGIN, nir.LIF(*np.ones((4, 3))), LINEAR, END), "LIF 'node_1'"),
        (lambda: chain(BEGIN, neurons(3, threshold=0), LINEAR, END), "thresholds above 0.*'node_1'"),
        (lambda: chain(BEGIN, neurons(3, reset=-1), LINEAR, END), "resets at 0.*'node_1'"),
        (lambda: chain(BEGIN, neurons(3, threshold=2), LINEAR, END), "linear node before each IF.*'node_1'"),
        (lambda: chain(BEGIN, nir.Linear(np.ones((2, 4))), END), r"weights \(outputs, 3\) in 'node_1'"),
        (lambda: chain(BEGIN, nir.SumPool2d(2, 2, 0), END), "must give 'node_1' images"),
        (lambda: chain(BEGIN, LINEAR, neurons(5), END), "arrays that fit together"),
        (lambda: chain(LINEAR, END), "one Input node. Received: 0"),
        (lambda: chain(BEGIN, END), "at least one layer"),
        (lambda: nir.NIRGraph({"a": BEGIN, "b": LINEAR}, [("a", "b"), ("b", "b")], type_check=False), "chain of nodes"),
        (lambda: "graph", "must be a nir.NIRGraph"),
    ],
)
def test_what_snnviz_has_no_form_for_is_refused_by_name(graph, message):
    with pytest.raises(InputError, match=message):
        ours.from_graph(graph())


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


def test_one_over_a_time_step_is_not_taken_for_a_factor_of_every_weight():
    linear = nir.Linear(weight=np.full((2, 2), 0.3))
    graph = chain(nir.Input(np.array([2])), linear, neurons(2, r=1e4), linear, nir.Output(np.array([2])))
    with pytest.raises(InputError, match=r"dt=1.*Received: r = 10000"):
        ours.from_graph(graph)
