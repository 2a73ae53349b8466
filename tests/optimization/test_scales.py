"""Vectors and networks."""

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.optimization.scales import ScaleSpace, granularities
from snnviz.simulation import analog
from tests.parity.networks import conv, dense


@pytest.fixture
def convolutional():
    rng = np.random.default_rng(0)
    from snnviz.network import Input

    first = conv(rng, "conv", (6, 6, 2), 3, padding=((1, 1), (1, 1)))
    return SpikingNetwork(
        input=Input(shape=(6, 6, 2)), layers=(first, dense(rng, "hidden", (6, 6, 3), 7), dense(rng, "last", (7,), 4))
    )


@pytest.mark.parametrize(
    ("per", "with_potentials", "size"),
    [
        ("network", False, 1), ("layer", False, 3), ("channel", False, 3 + 7 + 1),
        ("network", True, 2), ("layer", True, 3 + 4), ("channel", True, 11 + 72 + 3 + 7 + 4),
    ],
)  # fmt: skip
def test_size_of_the_vector(convolutional, per, with_potentials, size):
    space = ScaleSpace(convolutional, per, with_potentials)
    assert space.size == size


@pytest.mark.parametrize("per", ["network", "layer", "channel"])
@pytest.mark.parametrize("with_potentials", [False, True])
def test_zeros_are_the_start(convolutional, per, with_potentials):
    space = ScaleSpace(convolutional, per, with_potentials)
    made = space.apply(space.start())
    for before, after in zip(convolutional.layers, made.layers, strict=True):
        np.testing.assert_array_equal(before.weights, after.weights)
        np.testing.assert_array_equal(np.broadcast_to(before.initial_potential, before.output_shape), after.initial_potential
                                      if np.ndim(after.initial_potential) else np.full(after.output_shape, 0.5))  # fmt: skip


def test_log_scales_scale_channels_and_leave_the_analog_network_alone(convolutional):
    space = ScaleSpace(convolutional, "channel")
    vector = np.random.default_rng(1).normal(0, 0.5, space.size)
    made = space.apply(vector)
    np.testing.assert_allclose(made.layers[0].weights, convolutional.layers[0].weights * np.exp(vector[:3]), rtol=1e-5)
    x = np.random.default_rng(2).random((5, 6, 6, 2), dtype=np.float32)
    np.testing.assert_allclose(
        analog.logits(made, x), analog.logits(convolutional, x) * np.exp(vector[-1]), rtol=1e-4, atol=1e-5
    )


def test_potentials_are_added(convolutional):
    space = ScaleSpace(convolutional, "channel", with_potentials=True)
    vector = space.start()
    vector[11:83] = np.linspace(-1, 1, 72)  # one per pixel
    vector[83:86] = [0.1, 0.2, 0.3]  # one per channel of the convolution
    made = space.apply(vector)
    np.testing.assert_allclose(made.input.initial_potential.ravel(), 0.5 + np.linspace(-1, 1, 72), rtol=1e-6)
    np.testing.assert_allclose(made.layers[0].initial_potential[4, 2], [0.6, 0.7, 0.8], rtol=1e-6)


@pytest.mark.parametrize("with_potentials", [False, True])
@pytest.mark.parametrize(("coarse", "fine"), [("network", "layer"), ("network", "channel"), ("layer", "channel")])
def test_a_coarse_vector_spreads_to_the_same_network(convolutional, coarse, fine, with_potentials):
    small = ScaleSpace(convolutional, coarse, with_potentials)
    large = ScaleSpace(convolutional, fine, with_potentials)
    vector = np.random.default_rng(5).normal(0, 0.3, small.size)
    assert small.apply(vector).layers[1].weights == pytest.approx(
        large.apply(vector[large.expansion(small)]).layers[1].weights, rel=1e-6
    )
    with pytest.raises(InputError, match="not finer"):
        small.expansion(large)


def test_mistakes_are_answered(convolutional, toy):
    with pytest.raises(InputError, match="`per` must be one of"):
        ScaleSpace(toy, "neuron")
    alone = SpikingNetwork(input=toy.input, layers=(dense(np.random.default_rng(0), "only", (4,), 3),))
    with pytest.raises(InputError, match="hidden layers"):
        ScaleSpace(alone)
    with pytest.raises(InputError, match="shape"):
        ScaleSpace(toy, "layer").apply(np.zeros(7))
    with pytest.raises(InputError, match="finite"):
        ScaleSpace(toy, "layer").apply(np.array([0, np.nan, 0]))


def test_granularities():
    assert granularities("layer") == ("layer",)
    assert granularities(["network", "channel"]) == ("network", "channel")
    for wrong in ([], ["channel", "layer"], ["layer", "layer"], "neuron"):
        with pytest.raises(InputError, match="`per`"):
            granularities(wrong)
