"""Searches over networks with branches: one scale for each population."""

from dataclasses import replace

import numpy as np
import pytest

from snnviz import InputError, optimize
from snnviz.optimization.gradient import Gradient
from snnviz.optimization.objective import Objective
from snnviz.optimization.scales import ScaleSpace, relative_scales
from snnviz.optimization.weights import Weights, WeightSpace
from snnviz.plots import scales_data
from snnviz.simulation import Record, Settings, analog
from snnviz.simulation.event_graph import GraphEventEngine
from tests.parity.networks import KINDS, random_graph, random_inputs, residual, with_random_potentials

tf = pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def items():
    x = random_inputs(residual(1), Settings(), 24, 5)
    return x, analog.logits(residual(1), x).argmax(axis=1)


@pytest.mark.parametrize("method", ["auto", "percentile", "subplex", "cmaes", "onsets"])
def test_a_search_finds_a_network_of_the_same_function(method, items):
    x, y = items
    options = {"updates": 4, "every": 2, "batch": 8, "unrolled": 2} if method == "auto" else {}
    found = optimize(
        residual(1), x, y, method=method, steps=6, per="layer", budget_evaluations=8, progress=False, options=options
    )
    assert len(found.history) <= 8
    assert found.network.sources == residual(1).sources
    assert found.history["loss"].min() <= found.history["loss"].iloc[0]
    np.testing.assert_array_equal(analog.logits(found.network, x).argmax(axis=1), y)


def test_weights_of_a_graph_are_learned(items):
    """Each projection's own; zeros stay zero, and the search is resumed from what a file holds."""
    options = {"updates": 20, "every": 10, "batch": 12, "unrolled": 3, "rate": 0.01}
    found = optimize(residual(1), *items, method="weights", steps=6, progress=False, options=options)
    space = WeightSpace(residual(1))
    assert space.size == len(found.vector)
    learned = space.apply(np.random.default_rng(0).normal(size=space.size))
    for old, new in zip(residual(1).layers, learned.layers, strict=True):
        for was, is_ in zip(old.projections, new.projections, strict=True):
            np.testing.assert_array_equal(was.weights == 0, is_.weights == 0)
            assert (was.weights != is_.weights).any() != old.pools


def graphs():
    return [residual(1), *(net for seed in range(40) if not (net := random_graph(seed)).is_path)][:6]


@pytest.mark.parametrize("place", range(6))
def test_the_unrolled_graph_is_the_simulators(place):
    """By both learners, bit for bit, layers that begin later too; and what they tend to is the analog network cut off at 1."""
    net = graphs()[place]
    net = with_random_potentials(net.with_onsets([index % 2 for index in range(len(net.layers))]), 3)
    x = random_inputs(net, Settings(), 6, 5)
    y = np.arange(6) % net.classes
    block = GraphEventEngine(net, Settings(steps=5), Record(prediction=False)).run(x)
    aim = Objective(200.0, 1.0, 1e-3)
    learner = Gradient(ScaleSpace(net, "channel", True), aim, x, y, 9, unrolled=5, batch=6, updates=1)._program
    scales, potentials = learner._unpacked()
    weights = Weights(WeightSpace(net), aim, x, y, 1.0, unrolled=5, batch=6, updates=1)._program
    scores, events, limit = weights._forward(tf.constant(x))
    for found, counted in ((scores, events), learner._spiking(tf.constant(x), scales, potentials)):
        np.testing.assert_array_equal(found.numpy().swapaxes(0, 1), block.output)
        np.testing.assert_allclose(counted.numpy(), block.events.sum(axis=2).mean(axis=0), rtol=1e-6)
    cut = replace(net, layers=tuple(replace(layer, cap=1.0) for layer in net.layers))
    for found in (limit, learner._analog(tf.constant(x), scales)):
        np.testing.assert_allclose(found, analog.logits(cut, x), rtol=1e-4, atol=1e-4)


def test_gradients_on_a_graphs_scales_against_finite_differences(items):
    """Through sums and shortcuts, of the analog limit, which has derivatives."""
    net, (x, y) = residual(1), items
    program = Gradient(ScaleSpace(net, "layer"), Objective(200.0, 1.0, 1e-3), x, y, 9, batch=6, updates=1)._program

    def loss():
        scores = program._analog(tf.constant(x), program._unpacked()[0])
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(tf.constant(y), scores))

    program._theta.assign(np.full(program._theta.shape, 0.4, np.float32))  # some saturated, some not
    with tf.GradientTape() as tape:
        value = loss()
    found = tf.convert_to_tensor(tape.gradient(value, program._theta.value)).numpy()
    start, differences = program.vector(), np.empty_like(found)
    for index in range(len(start)):
        sides = []
        for sign in (1, -1):
            moved = start.copy()
            moved[index] += sign * 1e-2
            program._theta.assign(moved)
            sides.append(float(loss()))
        differences[index] = (sides[0] - sides[1]) / 2e-2
    np.testing.assert_allclose(found, differences, atol=5e-3)
    assert np.abs(found[:-1]).max() > 1e-2


@pytest.mark.parametrize("per", ["layer", "channel"])
def test_scales_are_read_off_a_graphs_weights(per):
    space = ScaleSpace(residual(1), per)
    vector = np.random.default_rng(0).normal(0, 0.3, space.size)
    after = space.apply(vector)
    found = relative_scales(residual(1), after)
    expected = np.concatenate(
        [np.broadcast_to(np.exp(vector[i]), layer.channels) for i, layer in enumerate(after.layers)]
        if per == "layer"
        else [np.exp(vector[:-1]), np.full(4, np.exp(vector[-1]))]
    )
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-5)
    assert scales_data(residual(1), after)["layer"].unique().tolist() == [layer.name for layer in after.layers]
    with pytest.raises(InputError, match="different shapes"):
        relative_scales(KINDS["deep"](1), after)
    with pytest.raises(InputError, match="other weights in layer 'stem'"):
        relative_scales(residual(2), after)
