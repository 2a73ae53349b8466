"""NEURON, which shares nothing with our engines, against them: spike for spike wherever sums are exact."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import xarray as xr

from snnviz import Record, SpikingNetwork, _memory, datasets, pretrained, results, simulate
from snnviz.errors import InputError
from snnviz.hardware import neuron
from snnviz.simulation import Settings
from tests.parity.networks import (
    KINDS,
    OPTIONS,
    dyadic,
    random_graph,
    random_inputs,
    random_network,
    residual,
    with_random_potentials,
)
from tests.parity.reference import check_parity

pytestmark = pytest.mark.usefixtures("pynn_neuron")
STEPS = 9
DENSE_AND_CONV = ("dense", "conv same", "pooling", "depthwise multiplier", "deep")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind):
    network = KINDS[kind](seed=3)
    settings = Settings(steps=STEPS, delay=1)
    block = check_parity(neuron.make_engine, network, settings, random_inputs(network, settings, items=2, seed=1))
    assert (block.events > 0).any()


@pytest.mark.parametrize("options", [name for name, option in OPTIONS.items() if option.get("input") != "analog"])
@pytest.mark.parametrize("kind", ["dense", "pooling"])
def test_every_option(kind, options):
    network = KINDS[kind](seed=5)
    settings = Settings(steps=STEPS, **OPTIONS[options])
    check_parity(neuron.make_engine, network, settings, random_inputs(network, settings, items=2, seed=2))


@pytest.mark.parametrize("seed", range(4))
def test_random_networks_without_delay(seed):
    network = with_random_potentials(random_network(seed), seed)
    settings = Settings(steps=STEPS)
    check_parity(neuron.make_engine, network, settings, random_inputs(network, settings, items=2, seed=seed))


@pytest.mark.parametrize("options", ["plain", "delay", "floor", "reset to zero", "clamp, every other layer"])
def test_a_residual_network_spike_for_spike(options):
    network = with_random_potentials(residual(2), 3)
    settings = Settings(steps=STEPS, **OPTIONS[options])
    block = check_parity(neuron.make_engine, network, settings, random_inputs(network, settings, items=2, seed=4))
    assert block.events.any(axis=(0, 1)).sum() >= 5


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_random_graphs(seed):
    network, settings = random_graph(seed), Settings(steps=STEPS)
    assert not network.is_path
    check_parity(neuron.make_engine, network, settings, random_inputs(network, settings, items=2, seed=seed))


@pytest.mark.parametrize("kind", DENSE_AND_CONV)
def test_the_result_is_that_of_simulate(kind):
    network = KINDS[kind](seed=7)
    x = random_inputs(network, Settings(), items=6, seed=3)
    y = np.arange(6) % network.classes
    record = Record(logits=True, events=True, spikes=network.firing_names, potentials=network.layer_names, items=4)
    mine = neuron.simulate(network, x, y, 12, delay=1, record=record, readout="cumulative")
    ours = simulate(network, x, y, 12, delay=1, record=record, readout="cumulative", engine="event")
    xr.testing.assert_identical(mine.drop_attrs(deep=False), ours.drop_attrs(deep=False))
    assert results.validate(mine).attrs["engine"] == "pyNN.neuron"
    assert mine.attrs["network_hash"] == ours.attrs["network_hash"]
    assert {"NEURON", "pynn"} <= set(versions(mine))


def versions(result):
    return json.loads(result.attrs["versions"])


def test_engines_take_turns_and_old_networks_are_let_go():
    from neuron import h

    network = KINDS["dense"](seed=1)
    settings = Settings(steps=STEPS)
    inputs = random_inputs(network, settings, items=3, seed=1)
    first = neuron.make_engine(network, settings, Record())
    expected = first.run(inputs).output
    neurons = sum(layer.neurons for layer in network.layers) + network.input.neurons
    for _ in range(2):
        neuron.make_engine(KINDS["deep"](seed=1), settings, Record()).run(inputs[:1].repeat(3).reshape(1, 6, 6, 1))
        np.testing.assert_array_equal(first.run(inputs).output, expected)
        assert h.List("SnnvizIF").count() == neurons


def on_a_grid(network: SpikingNetwork) -> SpikingNetwork:
    """The network with all its numbers rounded to multiples of 2^-10: float32 sums of such are exact."""

    def rounded(values):
        return np.round(values * 1024) / 1024

    layers = tuple(
        dataclasses.replace(layer, weights=rounded(layer.weights), bias=rounded(layer.bias)) for layer in network.layers
    )
    potentials = [rounded(np.asarray(one.initial_potential)) for one in (network.input, *network.layers)]
    return dataclasses.replace(network, layers=layers).with_initial_potentials(potentials)


def compare_on_mnist(network, items, steps, delay):
    images = datasets.load("mnist", limit=items)
    x = np.round(images.x * 256) / np.float32(256)
    record = Record(events=True, logits=True)
    mine = neuron.simulate(network, x, images.y, steps, delay=delay, record=record, progress=False)
    ours = simulate(network, x, images.y, steps, delay=delay, record=record, engine="event", progress=False)
    return mine, ours


def test_dense_mnist_on_a_grid_to_the_last_bit():
    network = on_a_grid(pretrained.network("dense-mnist-optimized"))
    mine, ours = compare_on_mnist(network, 10, 20, delay=1)
    xr.testing.assert_identical(mine.drop_attrs(deep=False), ours.drop_attrs(deep=False))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("delay", [0, 1])
def test_dense_mnist_over_100_images_has_the_same_accuracy_curve(delay):
    mine, ours = compare_on_mnist(pretrained.network("dense-mnist-heuristic"), 100, 50, delay)
    np.testing.assert_array_equal(mine["accuracy"], ours["accuracy"])
    # trained weights are on no grid: single sums may round to the other side of the threshold
    np.testing.assert_allclose(mine["synaptic_events"].sum(), ours["synaptic_events"].sum(), rtol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_dense_mnist_on_a_grid_over_100_images_to_the_last_bit():
    mine, ours = compare_on_mnist(on_a_grid(pretrained.network("dense-mnist-heuristic")), 100, 50, delay=1)
    xr.testing.assert_identical(mine.drop_attrs(deep=False), ours.drop_attrs(deep=False))


def test_analog_input_is_refused():
    network = KINDS["dense"](seed=1)
    x = dyadic(np.random.default_rng(0), (1, 12), 0, 1, 4)
    with pytest.raises(InputError, match="`input` must be 'spiking', 'poisson' or 'spikes'"):
        neuron.simulate(network, x, [0], 3, input="analog")


def test_a_network_that_does_not_fit_into_memory_is_refused(monkeypatch):
    monkeypatch.setattr(_memory, "available", lambda: 1e5)
    with pytest.raises(
        InputError, match=r"each synapse, 0\.0 GiB now. Received: [\d,]+ synapses, which take about 0\.0 GiB"
    ):
        neuron.make_engine(KINDS["dense"](seed=1), Settings(), Record())
