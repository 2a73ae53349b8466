"""Weights learned through the unrolled network: against the simulator, finite differences, and at work."""

from dataclasses import replace

import numpy as np
import pytest

from snnviz import metrics, simulate
from snnviz.errors import InputError
from snnviz.network import load_network
from snnviz.optimization import optimize
from snnviz.optimization.objective import Objective
from snnviz.optimization.weights import Weights, WeightSpace
from snnviz.simulation import Record, Settings, analog
from snnviz.simulation.event import EventEngine

from .test_gradient import convolutional, made  # noqa: F401

tf = pytest.importorskip("tensorflow")
AIM_WEIGHTS = 200.0, 1.0, 1e-3
AIM = Objective(*AIM_WEIGHTS)


def weights_of(network, x, y, **options):
    given = {"updates": 6, "every": 2, "batch": 16, "progress": False, **options}
    return Weights(WeightSpace(network), AIM, x, y, 1.0, **given)


def test_the_start_is_the_vector_of_zeros():
    network = convolutional()
    space = WeightSpace(network)
    assert space.apply(space.start()) is network
    pooling = network.layers[1]
    learned = [layer for layer in network.layers if layer is not pooling]
    channels = [layer.channels for layer in network.layers]
    assert space.size == sum((layer.weights != 0).sum() + layer.channels for layer in learned) + sum(channels)


def test_a_vector_changes_what_it_says_and_no_absent_synapse():
    network = convolutional()
    first = network.layers[0]
    holes = first.weights * (np.random.default_rng(0).random(first.weights.shape) < 0.5)
    network = replace(network, layers=(replace(first, weights=holes, ann_bias=first.bias + 1), *network.layers[1:]))
    space = WeightSpace(network)
    vector = np.random.default_rng(1).normal(size=space.size)
    changed = space.apply(vector)
    for old, new, (weights, biases, potentials) in zip(
        network.layers, changed.layers, space.split(vector), strict=True
    ):
        present = old.weights != 0
        assert (new.weights[~present] == 0).all()
        if len(weights):
            unit = np.sqrt(np.mean(old.weights[present] ** 2))
            np.testing.assert_allclose(
                new.weights[present], old.weights[present] + unit * weights, rtol=1e-5, atol=1e-6
            )
            np.testing.assert_allclose(new.bias, old.bias + biases, rtol=1e-6)
        else:
            np.testing.assert_array_equal(new.weights, old.weights)
        np.testing.assert_allclose(
            new.initial_potential, np.broadcast_to(0.5 + potentials, new.output_shape), rtol=1e-6
        )
        assert new.ann_bias is None


@pytest.mark.parametrize("input", ["spiking", "analog"])
@pytest.mark.parametrize("onset", [0, 2])
@pytest.mark.parametrize("steps", [1, 9])
def test_the_unrolled_network_is_the_simulators(made, steps, onset, input):  # noqa: F811
    network, x, y = made
    network = network.with_onsets([onset * depth for depth in range(len(network.layers))])
    program = weights_of(network, x, y, unrolled=steps, direct=input == "analog")._program
    scores, events, limit = program._forward(tf.constant(x))
    block = EventEngine(network, Settings(steps=steps, input=input), Record(prediction=False)).run(x)
    np.testing.assert_array_equal(scores.numpy().swapaxes(0, 1), block.output)
    np.testing.assert_allclose(events.numpy(), block.events.sum(axis=2).mean(axis=0), rtol=1e-6)
    capped = replace(network, layers=tuple(replace(layer, cap=1.0) for layer in network.layers))
    np.testing.assert_allclose(limit.numpy(), analog.logits(capped, x), rtol=1e-4, atol=1e-5)


def test_learned_values_enter_as_the_simulator_has_them(toy, toy_data):
    x, y = toy_data
    program = weights_of(toy, x, y, unrolled=6)._program
    rng = np.random.default_rng(5)
    for variable, mean in zip(program._learned, program._means, strict=True):
        variable.assign(rng.normal(0, 0.2, variable.shape).astype(np.float32))
        mean.assign(variable.value)
    scores, _, _ = program._forward(tf.constant(x))
    network = WeightSpace(toy).apply(program.mean())
    block = EventEngine(network, Settings(steps=6), Record(prediction=False)).run(x)
    # a spike at the very threshold may fall either way in another order of rounding
    assert np.isclose(scores.numpy().swapaxes(0, 1), block.output, atol=1e-4).all(axis=2).mean() > 0.98


def test_the_last_layers_gradient_is_that_of_the_loss(toy, toy_data):
    """Its weights meet no spike's derivative, and its costs are the spikes' before it, so finite differences agree."""
    x, y = map(tf.constant, toy_data)
    program = weights_of(toy, *toy_data)._program
    program._reference = 0.0  # no shortfall: it has steps
    (weights,), biases, _ = program._changes[-1]
    with tf.GradientTape() as tape:
        loss = program._loss(x, y)
    for variable, gradient in zip((weights, biases), tape.gradient(loss, [weights.value, biases.value]), strict=True):
        before = variable.numpy()
        differences = np.empty_like(before)
        for at in np.ndindex(before.shape):
            sides = []
            for sign in (1, -1):
                moved = before.copy()
                moved[at] += sign * 1e-2
                variable.assign(moved)
                sides.append(float(program._loss(x, y)))
            differences[at] = (sides[0] - sides[1]) / 2e-2
        variable.assign(before)
        np.testing.assert_allclose(gradient.numpy(), differences, rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("short", [False, True])
def test_spikes_cost_only_while_answers_fall_short(toy, toy_data, short):
    """Without cross-entropies the loss is shortfall times cost: it lowers events if A_ref is above A(t), else nothing moves."""
    program = weights_of(toy, *toy_data, limit=0.0)._program
    program._surprise = lambda y, logits: tf.zeros(logits.shape[0])
    program._reference = 1.5 if short else 0.0
    x, y = map(tf.constant, toy_data)
    potentials = [changes for *_, changes in program._changes[:-1]]
    with tf.GradientTape() as tape:
        loss = program._loss(x, y)
    gradients = tape.gradient(loss, [each.value for each in potentials])
    assert (float(loss) > 0) == short
    assert all((np.asarray(each) > 0).any() == short for each in gradients)  # a higher potential fires more


def test_it_lowers_the_loss_of_a_careless_network(slow_network, mnist):
    found = optimize(
        slow_network, mnist.x[:400], mnist.y[:400], method="weights", steps=20, training=(mnist.x[400:], mnist.y[400:]),
        budget_evaluations=5, progress=False, options={"updates": 120, "every": 30, "unrolled": 3, "rate": 0.01},
    )  # fmt: skip
    assert found.best.latency < 0.8 * found.start.latency
    assert found.best.power < 0.8 * found.start.power
    assert found.best.peak_accuracy > found.start.peak_accuracy - 0.01
    zeros = [
        (old.weights == 0) <= (new.weights == 0)
        for old, new in zip(slow_network.layers, found.network.layers, strict=True)
    ]
    assert all(each.all() for each in zeros)
    assert found.network.metadata["optimization"]["method"] == "weights"


def test_a_resumed_search_goes_where_an_uninterrupted_one_goes(toy, toy_data, tmp_path):
    x, y = toy_data
    options = {"updates": 8, "every": 2, "batch": 10, "unrolled": 2}
    given = {"method": "weights", "steps": 10, "progress": False, "options": options, "seed": 3}
    whole = optimize(toy, x, y, budget_evaluations=5, checkpoint=tmp_path / "whole", **given)
    optimize(toy, x, y, budget_evaluations=3, checkpoint=tmp_path / "cut", **given)
    resumed = optimize(toy, x, y, budget_evaluations=5, checkpoint=tmp_path / "cut", resume=True, **given)
    assert resumed.history.drop(columns="seconds").equals(whole.history.drop(columns="seconds"))
    np.testing.assert_array_equal(resumed.vector, whole.vector)
    if whole.vector.any():
        assert load_network(tmp_path / "cut" / "best.npz").hash == replace(whole.network, metadata={}).hash


def test_without_a_budget_all_updates_are_made(toy, toy_data):
    options = {"updates": 5, "every": 2, "batch": 10, "unrolled": 2}
    found = optimize(toy, *toy_data, method="weights", steps=5, progress=False, options=options)
    assert (len(found.history), found.stopped) == (4, "finished")


@pytest.mark.parametrize("method", ["weights", "gradient", "subplex"])
def test_a_search_counts_what_direct_coding_brings(toy, toy_data, method):
    options = {"updates": 4, "every": 2, "batch": 16} if method != "subplex" else {}
    found = optimize(
        toy,
        *toy_data,
        method=method,
        steps=12,
        budget_evaluations=3,
        input="analog",
        options=options,
        lambdas=AIM_WEIGHTS,
        progress=False,
    )
    for network, terms in ((toy, found.start), (found.network, found.best)):
        result = simulate(network, *toy_data, 12, input="analog", progress=False)
        assert terms.peak_accuracy == metrics.peak_accuracy(result)
        assert terms.power == pytest.approx(metrics.pareto_power(result, found.reference))


def test_hardware_takes_no_direct_coding(toy, toy_data):
    with pytest.raises(InputError, match=r"`input` must be 'spiking' with a target\. Received: 'analog'"):
        optimize(toy, *toy_data, method="subplex", target="spinnaker", input="analog")
    with pytest.raises(InputError, match=r"`input` must be one of 'spiking', 'analog'\. Received: 'poisson'"):
        optimize(toy, *toy_data, input="poisson")


def test_items_vary_by_seed_and_number_alone(made):  # noqa: F811
    network, x, y = made
    one, other = (weights_of(network, x, y, seed=4, shift=2, flip=True) for _ in range(2))
    for update in (0, 5):
        for a, b in zip(one._items(update), other._items(update), strict=True):
            np.testing.assert_array_equal(a, b)
    assert not np.array_equal(one._items(0)[0], one._items(1)[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unrolled": 0}, "`unrolled`"),
        ({"limit": -1.0}, "`limit`"),
        ({"rate": 0.0}, "`rate`"),
        ({"precision": "float16"}, "`precision`"),
        ({"flip": 2}, "`flip`"),
    ],
)
def test_bad_options_are_refused(toy, toy_data, options, message):
    with pytest.raises(InputError, match=message):
        weights_of(toy, *toy_data, **options)
