"""Results in NeuroBench's form, by hand; against NeuroBench itself in `tests/hardware/test_neurobench.py`."""

import numpy as np
import pytest

from snnviz import neurobench, simulate
from snnviz.errors import InputError
from snnviz.simulation import Settings
from tests.parity.networks import KINDS, random_inputs

STEPS = 4


def simulated(kind="pooling", **settings):
    network = KINDS[kind](seed=3)
    x = random_inputs(network, Settings(), items=5, seed=1)
    result = simulate(network, x, np.zeros(5, int), STEPS, engine="event", **settings)
    return network, result, neurobench.harness(result, network)


def test_by_hand():
    network, result, found = simulated()
    pool = [layer for layer in network.layers if getattr(layer, "pooling", False)]
    others = [layer for layer in network.layers if layer not in pool]
    assert len(pool) == 1
    parameters = sum(layer.weights.size + layer.bias.size for layer in others)
    assert found["ParameterCount"] == parameters
    assert found["Footprint"] == 4 * parameters
    zeros = np.concatenate([(layer.weights == 0).ravel() for layer in others])
    assert found["ConnectionSparsity"] == pytest.approx(zeros.mean(), abs=5e-5)
    assert found["ClassificationAccuracy"] == float(result["accuracy"][-1])
    events = result["synaptic_events"].sum("time")
    operations = found["SynapticOperations"]
    at_others = float(events.sum() - events.sel(layer=pool[0].name))
    assert operations["Effective_ACs"] == pytest.approx(at_others)
    assert operations["Effective_MACs"] == 0
    assert operations["Dense"] >= operations["Effective_ACs"]
    sizes = {"input": network.input.neurons, **{layer.name: layer.neurons for layer in network.layers[:-1]}}
    spikes = sum(float(result["spike_rate"].sel(layer=name).sum()) * size for name, size in sizes.items())
    assert found["ActivationSparsity"] == pytest.approx(1 - spikes / (STEPS * sum(sizes.values())))


def test_an_analog_image_makes_macs():
    network, result, found = simulated("dense", input="analog")
    events = result["synaptic_events"].sum("time")
    first = float(events.sel(layer=network.layers[0].name))
    assert found["SynapticOperations"]["Effective_MACs"] == first > 0
    assert found["SynapticOperations"]["Effective_ACs"] == pytest.approx(float(events.sum()) - first)


def test_another_network_is_refused():
    _, result, _ = simulated("dense")
    with pytest.raises(InputError, match="`network` must be the one that was simulated"):
        neurobench.harness(result, KINDS["dense"](seed=4))
