"""Bias correction: rates come nearer to the ANN's, which stays what it is."""

import numpy as np
import pytest

import snnviz
from snnviz.conversion import convert, corrected, load_keras
from snnviz.errors import InputError
from snnviz.network import Dense, Input, SpikingNetwork, load_network
from snnviz.simulation import analog, simulate


def one_channel(potential=0.0):
    """A hidden neuron whose activation is 0.3 for every item, and fires too seldom at first: it starts from 0."""
    hidden = Dense(name="hidden", input_shape=(1,), weights=[[0.0]], bias=[0.3], initial_potential=potential)
    last = Dense(name="classes", input_shape=(1,), weights=[[1.0, -1.0]], bias=[0.0, 0.0])
    return SpikingNetwork(input=Input(shape=(1,)), layers=(hidden, last))


def test_the_correction_is_the_mean_error_of_the_rate():
    x = np.full((4, 1), 0.5, np.float32)
    network = corrected(one_channel(), x, 5)  # 1 spike in 5 steps: a rate of 0.2 instead of 0.3
    assert network.layers[0].bias == pytest.approx([0.4])
    assert network.layers[0].ann_bias == pytest.approx([0.3])
    assert network.layers[1].ann_bias is None


def test_rates_since_the_onset_are_corrected():
    x = np.full((2, 1), 0.5, np.float32)
    network = corrected(one_channel().with_onsets([5, 0]), x, 10)
    assert network.layers[0].bias == pytest.approx([0.4])
    with pytest.raises(InputError, match="steps"):
        corrected(one_channel().with_onsets([5, 0]), x, 5)


def test_the_ann_stays_what_it_was(tmp_path):
    network = snnviz.pretrained.network("dense-mnist-heuristic")
    images = snnviz.datasets.load("mnist", split="train", limit=200)
    found = corrected(network, images.x[:50], 4)
    assert found.hash != network.hash
    np.testing.assert_array_equal(analog.logits(found, images.x), analog.logits(network, images.x))
    scaled = found.scaled([2.0] * len(found.layers))
    np.testing.assert_allclose(
        analog.logits(scaled, images.x), 2 * analog.logits(network, images.x), rtol=1e-4, atol=1e-4
    )
    again = load_network(found.save(tmp_path / "network.npz"))
    assert again.hash == found.hash
    np.testing.assert_array_equal(again.layers[0].ann_bias, network.layers[0].bias)


def test_a_graph_keeps_the_biases_of_the_ann(tmp_path):
    pytest.importorskip("nir")
    from snnviz.hardware import nir

    network = corrected(one_channel(), np.full((4, 1), 0.5, np.float32), 5)
    assert nir.load(nir.save(network, tmp_path / "graph.nir")).hash == network.hash


def test_both_engines_see_the_corrected_biases():
    x = np.full((4, 1), 0.5, np.float32)
    y = np.zeros(4, np.int64)
    found = corrected(one_channel(), x, 5)
    event, graph = (simulate(found, x, y, 20, engine=engine, progress=False) for engine in ("event", "graph"))
    np.testing.assert_array_equal(event.synaptic_events, graph.synaptic_events)
    assert (
        event.synaptic_events.sum()
        > simulate(one_channel(), x, y, 20, engine="event", progress=False).synaptic_events.sum()
    )


def test_a_wrong_number_of_steps_is_refused():
    with pytest.raises(InputError, match="steps"):
        corrected(one_channel(), np.zeros((1, 1), np.float32), 0)
    model = load_keras(snnviz.pretrained.path("dense-mnist-sparse-shifted"))
    x = snnviz.datasets.load("mnist", split="train", limit=20).x
    with pytest.raises(InputError, match="correct_bias"):
        convert(model, x, correct_bias=0)
    with pytest.raises(InputError, match="`correct_bias` must be a whole number, at least 5"):
        convert(model, x, clamp=2, correct_bias=4)
    assert convert(model, x, correct_bias=3, progress=False).metadata["correct_bias"] == 3


def test_a_corrected_potential_brings_the_charge_once():
    x = np.full((4, 1), 0.5, np.float32)
    network = corrected(one_channel(), x, 5, what="potential")  # 1 spike in 5 steps instead of 1.5
    assert network.layers[0].initial_potential == pytest.approx([0.5])
    assert network.layers[0].bias == pytest.approx([0.3])
    assert network.layers[0].ann_bias is None


def test_a_corrected_potential_stays_right_where_a_corrected_bias_does_not():
    x = np.full((4, 1), 0.5, np.float32)
    rates = {}
    for what in ("bias", "potential"):
        found = simulate(corrected(one_channel(), x, 5, what=what), x, np.zeros(4, np.int64), 200, progress=False)
        rates[what] = float(found.spike_rate.sel(layer="hidden").mean())
    assert rates["potential"] == pytest.approx(0.3, abs=0.005)
    assert rates["bias"] == pytest.approx(0.4, abs=0.005)


def test_layers_one_by_one_send_what_the_whole_network_does():
    network = snnviz.pretrained.network("dense-mnist-heuristic").clamped(1)
    x = snnviz.datasets.load("mnist", split="train", limit=30).x
    for input in ("spiking", "analog"):
        found = corrected(network, x, 6, what="potential", input=input)
        record = snnviz.simulation.Record(spikes=(network.layers[0].name,), items=30)
        sent = simulate(
            network, x, np.zeros(30, np.int64), 6, engine="event", record=record, input=input, progress=False
        )
        spikes = sent[f"spikes_{network.layers[0].name}"].values.sum(axis=(0, 1))
        wanted = np.minimum(analog.activations(network, x)[network.layers[0].name], 1)
        charge = (
            (wanted.sum(axis=0) * 5 - spikes)
            / 30
            / np.maximum((wanted > 0).mean(axis=0), {"spiking": 0.5, "analog": 0.1}[input])
        )
        np.testing.assert_allclose(found.layers[0].initial_potential, 0.5 + charge, rtol=1e-4, atol=1e-5)
