"""The chip's arithmetic in snnviz's engines, against integers."""

from dataclasses import replace

import numpy as np
import pytest

from snnviz import Record, metrics, pretrained, simulate
from snnviz.errors import InputError
from snnviz.events import Events, Recordings
from snnviz.hardware.spinnaker import layout, model
from tests.hardware.spinnaker import integers
from tests.hardware.spinnaker.networks import (
    conv_network,
    dense_network,
    each_biased_network,
    images,
    pooled_network,
    residual_network,
)
from tests.parity.networks import KINDS

STEPS = 15
NETWORKS = {
    "dense": dense_network,
    "conv": conv_network,
    "each biased": each_biased_network,
    "pooled input": pooled_network,
    "residual": residual_network,
}


CASES = [(name, "exact", "event") for name in NETWORKS]
CASES += [(name, "estimate", "event") for name in NETWORKS if name != "residual"]


def test_recordings_of_an_event_camera():
    net = KINDS["conv same"](seed=3)
    events = Events(*(np.arange(60) * by % to for by, to in ((97, 9_000), (3, 5), (2, 5), (1, 2))), net.input_shape[:2])
    streams = Recordings.of([events, events], begins=[0, 400])
    laid = layout.prepare(net, streams, STEPS, step_ms=0.5)
    np.testing.assert_array_equal(laid.input_spikes, streams.spikes(STEPS, 500).reshape(2, STEPS, -1))
    expected = integers.record(layout.arrays(laid, virtual=False), laid.stored.shifts)
    result = model.expect(net, streams, np.array([0, 1]), STEPS, step_ms=0.5, record=["logits"], progress=False)
    np.testing.assert_array_equal(result["logits"].values, expected["output"])
    assert expected["spikes_1"].any()
    with pytest.raises(InputError, match="`step_ms` must be left out"):
        model.expect(net, np.zeros((1, *net.input_shape)), np.array([0]), STEPS, step_ms=1.0)
    with pytest.raises(InputError, match="must not begin with pooling"):
        model.expect(pooled_network(1), streams, np.array([0, 1]), STEPS, step_ms=0.5)


@pytest.mark.parametrize(
    ("name", "headroom", "engine"), [*CASES, ("conv", "exact", "graph"), ("residual", "exact", "graph")]
)
def test_engines_compute_what_integers_do(name, headroom, engine):
    net = NETWORKS[name](1)
    x, y = images(net, 3)
    laid = layout.prepare(net, x, STEPS, headroom)
    expected = integers.record(layout.arrays(laid, virtual=False), laid.stored.shifts)
    hidden = laid.stored.network.firing_names[1:]
    record = Record(logits=True, spikes=hidden)
    result = model.expect(net, x, y, STEPS, headroom=headroom, engine=engine, record=record, progress=False)
    np.testing.assert_array_equal(result["logits"].values, expected["output"])
    for index, population in enumerate(hidden, start=1):
        np.testing.assert_array_equal(result[f"spikes_{population}"].values, expected[f"spikes_{index}"])
        assert expected[f"spikes_{index}"].any(), "a silent population would prove little"


def test_the_comparison_can_fail():
    net = dense_network(1)
    x, y = images(net, 3)
    laid = layout.prepare(net, x, STEPS)
    expected = integers.record(layout.arrays(laid, virtual=False), laid.stored.shifts)
    settings = model.SETTINGS | {"floor": None}
    other = simulate(laid.stored.network, x, y, STEPS, engine="event", record="logits", progress=False, **settings)
    assert not np.array_equal(other["logits"].values, expected["output"])


@pytest.mark.parametrize("headroom", model.HEADROOMS)
def test_stored_weights_are_the_nearest_and_never_overflow(headroom):
    net = conv_network(2)
    stored = model.quantise(net, headroom)
    for before, after, shifts in zip(net.layers, stored.network.layers, stored.shifts, strict=True):
        for sign, shift in zip((1, -1), shifts, strict=True):
            unit = 2.0 ** (shift - 15)
            mine = np.sign(before.weights) == sign
            units = np.abs(after.weights[mine]) / unit
            assert np.array_equal(units, np.rint(units))
            assert (np.abs(after.weights[mine] - before.weights[mine]) <= unit / 2).all()
        assert np.array_equal(after.bias * 2**15, np.rint(after.bias * 2**15))
    x, _ = images(net, 2)
    arrays = layout.arrays(layout.prepare(net, x, 2, headroom), virtual=False)
    for index, (layer, shifts) in enumerate(zip(net.layers, stored.shifts, strict=True)):
        for sign, shift in zip((1, -1), shifts, strict=True):
            everything = [np.ones(size, bool) for size in net.neurons.values()]
            assert integers._ring_buffer(arrays, index, sign, shift, everything, layer.neurons).max() < 2**16 - 1


def test_shifts_of_a_sum_leave_room_for_all_that_it_adds_up():
    net = residual_network(1)
    stored = model.quantise(net)
    for before, after, shifts in zip(net.layers, stored.network.layers, stored.shifts, strict=True):
        for sign, shift in zip((1, -1), shifts, strict=True):
            total = np.zeros(before.neurons)
            for each in after.projections:
                synapses = each.synapse_list()
                mine = np.sign(synapses.weight) == sign
                np.add.at(total, synapses.post[mine], np.abs(synapses.weight[mine]))
            assert total.max() / 2.0 ** (shift - 15) < 2**16
            assert shift == 0 or total.max() / 2.0 ** (shift - 16) > 2**16 * (1 - 1e-3)
    with pytest.raises(InputError, match="single path of layers for headroom 'estimate'"):
        model.quantise(net, "estimate")


def test_layers_that_begin_later_are_refused():
    net = dense_network(3)
    late = net.with_onsets([0] * (len(net.layers) - 1) + [2])
    with pytest.raises(InputError, match=r"`onset` of layer .* must be 0 on SpiNNaker.* Received: 2"):
        model.quantise(late)
    assert model.quantise(late.clamped(0)).network.hash == model.quantise(net).network.hash


def test_exact_headroom_is_the_smallest():
    net = dense_network(3)
    for layer, shifts in zip(net.layers, model.quantise(net).shifts, strict=True):
        for sign, shift in zip((1, -1), shifts, strict=True):
            largest = np.maximum(sign * layer.weights, 0).sum(axis=0).max()
            assert largest <= 2.0 ** (shift + 1)
            assert shift == 0 or largest > 2.0**shift * (1 - 1e-3)


def test_weights_that_become_zero_are_counted_and_make_no_synapses():
    net = dense_network(4)
    weights = net.layers[0].weights.copy()
    weights[0, :3] = 1e-6
    net = replace(net, layers=(replace(net.layers[0], weights=weights), *net.layers[1:]))
    stored = model.quantise(net)
    assert stored.lost == (3, 0, 0)
    assert np.count_nonzero(stored.network.layers[0].weights) == np.count_nonzero(weights) - 3


def test_pooling_moves_to_the_host_and_back():
    net = pooled_network(5)
    x, _ = images(net, 2)
    folded = model.with_pooled_input(net)
    assert folded.layer_names == ("input", "hidden", "output")
    assert folded.input_shape == (4, 3, 1)
    expected = x.reshape(2, 4, 2, 3, 2, 1).mean(axis=(2, 4))
    np.testing.assert_allclose(model.pooled(net, x), expected, atol=1e-6)
    assert model.with_pooling_of(net, folded).hash == net.hash
    plain = dense_network()
    assert model.with_pooled_input(plain) is plain
    assert model.with_pooling_of(plain, plain) is plain


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": np.full(40, 7e4)}, r"`bias of layer 'hidden1'` must be within SpiNNaker's range.* Received: 70000"),
        ({"weights": np.full((12, 40), 1e6)}, r"`weights` of layer 'hidden1' must have sums below 65536 .*1e\+06 each"),
    ],
)
def test_numbers_beyond_the_chip(change, message):
    net = dense_network()
    net = replace(net, layers=(replace(net.layers[0], **change), *net.layers[1:]))
    with pytest.raises(InputError, match=message):
        model.quantise(net)


def test_wrong_arguments():
    net = dense_network()
    x, y = images(net, 2)
    with pytest.raises(InputError, match=r"`headroom` must be one of 'exact', 'estimate'. Received: 'ample'"):
        model.quantise(net, "ample")
    with pytest.raises(InputError, match=r"`network` must be a SpikingNetwork. Received: 3"):
        model.expect(3, x, y)
    with pytest.raises(InputError, match=r"`x` must have shape"):
        model.expect(net, x[:, :5], y)


def test_the_reference_is_the_network_as_it_was():
    net = pretrained.network("dense-mnist-heuristic")
    x = np.zeros((2, 28, 28, 1), np.float32)
    result = model.expect(net, x, np.array([0, 1]), 3, progress=False)
    assert result.attrs["ann_accuracy"] == simulate(net, x, np.array([0, 1]), 3, progress=False).attrs["ann_accuracy"]
    assert metrics.summary(result)["title"] == "SpiNNaker, expected"
