"""Results in NeuroBench's form, by hand; against NeuroBench itself in `tests/hardware/test_neurobench.py`."""

import numpy as np
import pytest

from snnviz import neurobench, simulate
from snnviz.errors import InputError
from snnviz.network import Conv2D, Conv2DProjection, Dense, IdentityProjection, Input, SpikingNetwork, Sum
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


def graph(source):
    """A convolution and an identity from it, or from the image, that are added up."""
    same, rng = ((1, 1), (1, 1)), np.random.default_rng(0)
    shape = (4, 4, 2)
    conv = Conv2DProjection(source="first", input_shape=shape, weights=rng.normal(size=(3, 3, 2, 2)), padding=same)
    return SpikingNetwork(
        input=Input(shape=shape),
        layers=(
            Conv2D(
                name="first", input_shape=shape, weights=rng.normal(size=(3, 3, 2, 2)), bias=np.zeros(2), padding=same
            ),
            Sum(
                name="sum",
                projections=(conv, IdentityProjection(source=source, input_shape=shape, weights=[1.0, 0.0])),
                bias=np.zeros(2),
            ),
            Dense(name="out", input_shape=shape, weights=rng.normal(size=(32, 3)), bias=np.zeros(3)),
        ),
    )


def test_a_graph_counts_every_projection():
    network = graph("first")
    x = random_inputs(network, Settings(), items=5, seed=1)
    result = simulate(network, x, np.zeros(5, int), STEPS, progress=False)
    found = neurobench.harness(result, network)
    assert found["ParameterCount"] == 36 + 2 + 36 + 2 + 2 + 96 + 3
    assert found["ConnectionSparsity"] == round(1 / (36 + 36 + 2 + 96), 4)
    operations = found["SynapticOperations"]
    assert operations["Effective_ACs"] == pytest.approx(float(result["synaptic_events"].sum()))
    assert operations["Dense"] == STEPS * sum(layer.synapses() for layer in network.layers)
    result = simulate(network, x, np.zeros(5, int), STEPS, input="analog", progress=False)
    events = result["synaptic_events"].sum("time")
    assert neurobench.harness(result, network)["SynapticOperations"]["Effective_MACs"] == float(
        events.sel(layer="first")
    )


def test_an_analog_image_added_up_with_spikes_is_refused():
    network = graph("input")
    x = random_inputs(network, Settings(), items=2, seed=1)
    settings = {"steps": STEPS, "input": "analog", "engine": "graph", "progress": False}
    result = simulate(network, x, np.zeros(2, int), **settings)
    with pytest.raises(InputError, match="Received: 'sum', which takes spikes of 'first' too"):
        neurobench.harness(result, network)
