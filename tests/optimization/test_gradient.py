"""The unrolled network against the simulator, and its gradient at work."""

from dataclasses import replace

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.network import DepthwiseConv2D, Input, SpikingNetwork
from snnviz.optimization.gradient import Gradient
from snnviz.optimization.objective import Objective
from snnviz.optimization.scales import ScaleSpace
from snnviz.optimization.unrolled import surrogate
from snnviz.simulation import Record, Settings, analog
from snnviz.simulation.event import EventEngine
from tests.parity.networks import conv, dense, dyadic

tf = pytest.importorskip("tensorflow")
AIM = Objective(200.0, 1.0, 1e-3)


def convolutional():
    """Every kind of layer; dyadic, so that sums are exact."""
    rng = np.random.default_rng(7)
    average = np.full((2, 2, 8, 1), 0.25, np.float32)
    each = dyadic(np.random.default_rng(8), (8, 8, 8), -0.25, 0.3, 6)  # a bias for each neuron
    layers = (
        replace(conv(rng, "conv", (8, 8, 2), 8, padding=((1, 1), (1, 1))), bias=each),
        DepthwiseConv2D(
            name="pool", input_shape=(8, 8, 8), weights=average, bias=np.zeros(8), strides=(2, 2), pooling=True
        ),
        conv(rng, "grouped", (4, 4, 8), 4, groups=2, padding=((0, 1), (1, 0))),
        dense(rng, "hidden", (3, 3, 4), 9),
        dense(rng, "last", (9,), 3),
    )
    return SpikingNetwork(input=Input(shape=(8, 8, 2)), layers=layers)


def gradient_of(network, x, y, with_potentials=False, **options):
    space = ScaleSpace(network, "channel", with_potentials)
    return Gradient(space, AIM, x, y, 20, **{"updates": 8, "every": 2, "batch": 16, **options})


@pytest.fixture
def made():
    network = convolutional()
    shape = network.layers[2].input_shape, network.layers[2].output_shape
    assert shape == ((4, 4, 8), (3, 3, 4)), shape
    x = np.random.default_rng(1).integers(0, 17, (12, 8, 8, 2)).astype(np.float32) / 16
    return network, x, np.arange(12) % 3


@pytest.mark.parametrize(
    ("with_potentials", "unrolled", "steps", "input"),
    [(False, 6, 6, "spiking"), (True, 6, 6, "spiking"), (True, 9, 9, "spiking"), (True, 30, 20, "spiking"), (True, 6, 6, "analog")],
)  # fmt: skip
@pytest.mark.parametrize("onset", [0, 2])
def test_the_unrolled_network_is_the_simulators(made, with_potentials, unrolled, steps, onset, input):
    network, x, y = made
    network = network.with_onsets([onset * depth for depth in range(len(network.layers))])
    direct = input == "analog"
    program = gradient_of(network, x, y, with_potentials, unrolled=unrolled, direct=direct)._program  # of 20 steps
    scales, potentials = program._unpacked()
    scores, events = program._spiking(tf.constant(x), scales, potentials)
    block = EventEngine(network, Settings(steps=steps, input=input), Record(prediction=False)).run(x)
    np.testing.assert_array_equal(scores.numpy().swapaxes(0, 1), block.output)
    np.testing.assert_allclose(events.numpy(), block.events.sum(axis=2).mean(axis=0), rtol=1e-6)


def test_scales_enter_as_the_simulator_has_them(toy, toy_data):
    x, y = toy_data
    gradient = gradient_of(toy, x, y, with_potentials=True)
    vector = np.random.default_rng(2).normal(0, 0.2, gradient._program._theta.shape).astype(np.float32)
    gradient._program._theta.assign(vector)
    scales, potentials = gradient._program._unpacked()
    scores, _ = gradient._program._spiking(tf.constant(x), scales, potentials)
    network = ScaleSpace(toy, "channel", True).apply(vector)
    block = EventEngine(network, Settings(steps=6), Record(prediction=False)).run(x)
    # a spike at the very threshold may fall either way in another order of rounding
    assert np.isclose(scores.numpy().swapaxes(0, 1), block.output, atol=1e-4).all(axis=2).mean() > 0.98


def test_the_limit_is_the_analog_network_cut_off_at_rate_one(made):
    network, x, y = made
    program = gradient_of(network, x, y)._program
    np.testing.assert_allclose(program._analog(tf.constant(x), None), analog.logits(network, x), rtol=1e-4, atol=1e-4)
    scales, _ = program._unpacked()
    cut = program._analog(tf.constant(x), [scale * 1e-3 for scale in scales])  # saturation far away
    np.testing.assert_allclose(cut, analog.logits(network, x), rtol=1e-4, atol=1e-4)
    near = program._analog(tf.constant(x), [scale * 1e3 for scale in scales])  # nothing gets through
    np.testing.assert_allclose(near, np.broadcast_to(network.layers[-1].bias, near.shape), atol=0.05)


def test_the_target_is_the_ann_whose_biases_were_corrected(made):
    network, x, y = made
    layers = [replace(layer, ann_bias=layer.bias + 0.25) for layer in network.layers]
    network = replace(network, layers=tuple(layers))
    program = gradient_of(network, x, y)._program
    np.testing.assert_allclose(program._analog(tf.constant(x), None), analog.logits(network, x), rtol=1e-4, atol=1e-4)
    scales, _ = program._unpacked()
    cut = program._analog(tf.constant(x), [scale * 1e-3 for scale in scales])
    assert np.abs(cut - analog.logits(network, x)).max() > 0.1  # the limit of the spiking network has its own biases


def test_surrogate_is_a_step_forwards_and_a_triangle_backwards():
    v = tf.constant([0.0, 0.5, 0.999, 1.0, 1.5, 3.0])
    spike = surrogate(tf, 1.0)
    with tf.GradientTape() as tape:
        tape.watch(v)
        fired = spike(v)
    np.testing.assert_array_equal(fired, [0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(tape.gradient(fired, v), [0, 0.5, 0.999, 1, 0.5, 0], atol=1e-6)


def test_gradient_of_the_analog_limit_against_finite_differences(toy, toy_data):
    x, y = toy_data
    program = gradient_of(toy, x, y)._program
    program._theta.assign(np.full(program._theta.shape, 0.4, np.float32))  # some units saturated, some not

    def loss():
        scales, _ = program._unpacked()
        return tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(tf.constant(y), program._analog(tf.constant(x), scales))
        )

    with tf.GradientTape() as tape:
        value = loss()
    found = tape.gradient(value, program._theta.value)
    found = tf.convert_to_tensor(found).numpy()
    start, differences = program.vector(), []
    for index in range(len(start)):
        sides = []
        for sign in (1, -1):
            moved = start.copy()
            moved[index] += sign * 1e-2
            program._theta.assign(moved)
            sides.append(float(loss()))
        differences.append((sides[0] - sides[1]) / 2e-2)
    np.testing.assert_allclose(found, differences, atol=3e-3)
    assert np.abs(found).max() > 1e-2


def test_state_brings_back_the_same_candidates(toy, toy_data):
    def candidates(searcher, rounds):
        found = []
        for _ in range(rounds):
            (vector,) = searcher.ask()
            searcher.tell([0.0])
            found.append(vector)
        return found

    whole = candidates(gradient_of(toy, *toy_data, with_potentials=True), 4)
    first = gradient_of(toy, *toy_data, with_potentials=True)
    candidates(first, 2)
    second = gradient_of(toy, *toy_data, with_potentials=True)
    assert second.restore(first.state()) == 2
    np.testing.assert_array_equal(candidates(second, 2), whole[2:])
    assert second.ask() == []


@pytest.mark.parametrize("recency", [0.0, 3.0])
def test_a_candidate_is_the_running_mean(toy, toy_data, recency):
    searcher = gradient_of(toy, *toy_data, with_potentials=True, updates=6, every=1, recency=recency)
    mean = np.zeros(searcher._program.vector().shape)
    for update in range(1, 7):
        (candidate,) = searcher.ask()
        searcher.tell([0.0])
        mean += (recency + 1) / (update + recency) * (searcher._program.vector() - mean)
        np.testing.assert_allclose(candidate, mean, atol=1e-6)
    assert np.abs(candidate - searcher._program.vector()).max() > 1e-3


def test_coarse_vectors_move_all_channels_together(toy, toy_data):
    fine, coarse = ScaleSpace(toy, "channel"), ScaleSpace(toy, "layer")
    base = np.linspace(-0.1, 0.1, fine.size)
    searcher = Gradient(fine, AIM, *toy_data, 20, base=base, expansion=fine.expansion(coarse), updates=3, every=3)
    (vector,) = searcher.ask()
    assert vector.shape == (3,)
    assert np.abs(vector).max() > 0


def test_a_convolution_learns(made):
    network, x, y = made
    searcher = gradient_of(network, x, y, with_potentials=True, updates=2)
    (vector,) = searcher.ask()
    assert np.isfinite(vector).all()
    assert np.abs(vector).max() > 0


def test_mistakes_are_answered(toy, toy_data):
    for name, value in (
        ("updates", 0),
        ("every", 0),
        ("batch", 0),
        ("rate", 0),
        ("distilled", 1.5),
        ("width", 0),
        ("recency", -1),
    ):
        with pytest.raises(InputError, match=name):
            gradient_of(toy, *toy_data, **{name: value})
