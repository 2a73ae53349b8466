"""Percentiles are exact, per layer and per channel, and do not depend on how the network came scaled."""

from dataclasses import replace

import numpy as np
import pytest

from snnviz import InputError
from snnviz.conversion.normalisation import UpperTail, measure, normalise
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Input, SpikingNetwork
from snnviz.simulation import analog


def network(seed=0, **changes):
    random = np.random.default_rng(seed)
    layers = (
        Conv2D(
            name="conv",
            input_shape=(6, 6, 2),
            weights=random.normal(0, 0.5, (3, 3, 2, 4)),
            bias=changes.get("bias", random.normal(0, 0.3, 4)),
            padding=((1, 1), (1, 1)),
        ),
        DepthwiseConv2D(
            name="pool", input_shape=(6, 6, 4), weights=np.full((2, 2, 4, 1), 0.25), bias=np.zeros(4), strides=(2, 2),
            pooling=True,
        ),
        Dense(name="hidden", input_shape=(3, 3, 4), weights=random.normal(0, 0.1, (36, 5)), bias=np.full(5, 1.0)),
        Dense(name="classes", input_shape=(5,), weights=random.normal(0, 1, (5, 3)), bias=random.normal(0, 1, 3)),
    )  # fmt: skip
    return SpikingNetwork(Input(shape=(6, 6, 2)), layers)


X = np.random.default_rng(5).random((50, 6, 6, 2), dtype=np.float32)


@pytest.mark.parametrize("percentile", [100, 99.9, 99, 73.3, 50, 0.01])
@pytest.mark.parametrize("pieces", [1, 7, 400])
def test_the_upper_tail_gives_numpys_percentile(percentile, pieces):
    random = np.random.default_rng(3)
    values = np.maximum(random.normal(size=(5000, 3)), 0).astype(np.float32)
    for columns in (slice(0, 1), slice(0, 3)):
        part = values[:, columns]
        tail = UpperTail(len(part), percentile, part.shape[1])
        for piece in np.array_split(part, pieces):
            tail.add(piece)
        found, largest = tail.result(percentile)
        np.testing.assert_allclose(found, np.percentile(part.astype(np.float64), percentile, axis=0), rtol=1e-12)
        np.testing.assert_array_equal(largest, part.max(axis=0))
        higher = (percentile + 100) / 2  # which the same tail has too
        expected = np.percentile(part.astype(np.float64), higher, axis=0)
        np.testing.assert_allclose(tail.result(higher)[0], expected, rtol=1e-12)


def test_the_upper_tail_keeps_little():
    tail = UpperTail(10**6, 99.0)
    random = np.random.default_rng(0)
    everything = []
    for _ in range(20):
        piece = random.random((50_000, 1), dtype=np.float32)
        everything.append(piece)
        tail.add(piece)
        assert len(tail._kept[0]) + tail._waiting < 2**17
    assert tail.result(99.0)[0][0] == pytest.approx(np.percentile(np.concatenate(everything).astype(np.float64), 99.0))


def test_the_upper_tail_keeps_no_zeros():
    tail = UpperTail(1000, 50.0, 2)
    values = np.zeros((1000, 2), np.float32)
    values[:10] = [[3, 0]]
    tail.add(values)
    assert tail._waiting == 10
    found, largest = tail.result(50.0)
    assert (found.tolist(), largest.tolist()) == ([0, 0], [3, 0])


@pytest.mark.parametrize("percentile", [99.0, 80.0, 100.0])
def test_the_percentile_of_every_layer_is_one(percentile):
    activity = analog.activations(normalise(network(), X, percentile), X)
    for name in ("conv", "pool", "hidden"):
        assert np.percentile(activity[name].astype(np.float64), percentile) == pytest.approx(1, rel=1e-5)


def test_the_percentile_of_every_channel_is_one():
    activity = analog.activations(normalise(network(), X, 99.0, "channel"), X)
    for name in ("conv", "pool", "hidden"):
        values = activity[name].reshape(-1, activity[name].shape[-1]).astype(np.float64)
        np.testing.assert_allclose(np.percentile(values, 99.0, axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("per", ["layer", "channel"])
def test_scaling_first_makes_no_difference(per):
    random = np.random.default_rng(8)
    scales = [random.uniform(0.2, 5, layer.channels) for layer in network().layers[:-1]]
    direct = normalise(network(), X, per=per)
    scaled = network().scaled([*scales, 1.0])
    again = normalise(scaled, X, per=per)
    if per == "layer":  # one scale a layer cannot undo one a channel
        again = normalise(network().scaled([*(float(scale[0]) for scale in scales), 1.0]), X, per=per)
    for one, other in zip(direct.layers, again.layers, strict=True):
        np.testing.assert_allclose(one.weights, other.weights, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(one.bias, other.bias, rtol=1e-4, atol=1e-6)


def test_normalising_twice_is_normalising_once():
    once = normalise(network(), X)
    np.testing.assert_allclose(measure(once, X).activations, 1, rtol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 7, 50])
@pytest.mark.parametrize("per", ["layer", "channel"])
def test_batches_do_not_matter(batch_size, per):
    whole = measure(network(), X, per=per)
    parts = measure(network(), X, per=per, batch_size=batch_size)
    for one, other in zip(whole.activations, parts.activations, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_the_logits_stay():
    raw = network()
    for per in ("layer", "channel"):
        np.testing.assert_allclose(
            analog.logits(normalise(raw, X, per=per), X), analog.logits(raw, X), rtol=1e-4, atol=1e-4
        )


def test_caps_are_the_hundredth_percentile_and_the_default_where_all_are_capped():
    plain = network()
    layers = list(plain.layers)
    for index, cap in ((0, np.array([5.0, 6.0, 7.0, 8.0])), (2, 9.0)):
        layers[index] = replace(layers[index], cap=cap)
    capped = SpikingNetwork(plain.input, tuple(layers))
    found = measure(capped, X)
    assert found.percentile == 100
    np.testing.assert_array_equal(found.activations[0], layers[0].cap)
    np.testing.assert_array_equal(found.activations[1], layers[0].cap)  # averages of them
    assert found.activations[2:] == (9.0, 1.0)
    assert measure(plain, X).percentile == 99
    one = SpikingNetwork(plain.input, (layers[0], *plain.layers[1:]))
    assert measure(one, X).percentile == 99
    activity = analog.activations(one, X, ["hidden"])["hidden"]
    np.testing.assert_array_equal(measure(one, X, 100).activations[0], layers[0].cap)
    assert measure(one, X, 100).activations[2] == pytest.approx(activity.max())


def test_dead_and_sparse_channels_get_a_safe_scale():
    # channel 0 is never active, channel 1 in far fewer than one value of a hundred
    quiet = network(bias=np.array([-100.0, 0.0, 0.1, 0.2]))
    activity = analog.activations(quiet, X, ["conv"])["conv"].astype(np.float64)
    assert not activity[..., 0].any()
    bias = quiet.layers[0].bias.astype(np.float64).copy()
    bias[1] = -(activity[..., 1].max() - 0.05)  # only what comes close to the largest remains
    quiet = network(bias=bias)
    activity = analog.activations(quiet, X, ["conv"])["conv"].astype(np.float64)
    assert 0 < (activity[..., 1] > 0).mean() < 0.01
    found = measure(quiet, X, 99.0, "channel").activations[0]
    assert found[0] == pytest.approx(np.percentile(activity, 99.0))
    assert found[1] == pytest.approx(activity[..., 1].max())
    assert found[2] == pytest.approx(np.percentile(activity[..., 2], 99.0))
    scaled = normalise(quiet, X, 99.0, "channel")
    assert all(np.isfinite(layer.weights).all() for layer in scaled.layers)


def test_a_dead_layer_stays_as_it_is():
    dead = network(bias=np.full(4, -100.0))
    found = measure(dead, X)
    assert found.activations[:2] == (1.0, 1.0)
    np.testing.assert_array_equal(normalise(dead, X).layers[0].weights, dead.layers[0].weights)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"percentile": 0.0}, "`percentile`"),
        ({"percentile": 101}, "`percentile`"),
        ({"per": "unit"}, "`per`"),
        ({"batch_size": 0}, "`batch_size`"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(InputError, match=message):
        measure(network(), X, **arguments)
