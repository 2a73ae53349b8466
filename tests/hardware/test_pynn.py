"""PyNN export on other simulators than NEURON: what is built, and NEST's answer."""

from __future__ import annotations

import types

import numpy as np
import pytest

from snnviz import Record
from snnviz.errors import InputError
from snnviz.hardware import pynn
from snnviz.hardware.synapses import synapse_list
from snnviz.simulation import Settings, simulate
from tests.parity.networks import KINDS, random_inputs, residual
from tests.parity.reference import ReferenceEngine

# PyNN 0.13 calls functions that NEST 3.10 has others for
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:nest.lib.hl_api_helper")
STEPS = 9
LIKE_NEST = {"delay": 1, "reset": "zero"}


@pytest.fixture
def pynn_simulator(request):
    """A simulator by the name of its fixture, skipped where it is not installed."""
    return request.getfixturevalue(request.param)


SUBTRACTS = {"delay": 1, "reset": "subtract"}
CASES = [
    ("pynn_nest", LIKE_NEST),
    ("pynn_nest", {**LIKE_NEST, "refractory": 2}),
    ("pynn_nest", SUBTRACTS),
    ("pynn_brian2", LIKE_NEST),
    ("pynn_brian2", SUBTRACTS),
    ("pynn_neuron", LIKE_NEST),
    ("pynn_neuron", SUBTRACTS),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Brian 2 on newer numpy
@pytest.mark.parametrize(("pynn_simulator", "options"), CASES, indirect=["pynn_simulator"], ids=str)
@pytest.mark.parametrize("kind", ["dense", "conv same", "pooling", "depthwise multiplier", "deep", "residual"])
def test_every_simulator_fires_when_the_reference_does(pynn_simulator, kind, options):
    network = residual(3, side=4) if kind == "residual" else KINDS[kind](seed=3)
    settings = Settings(steps=STEPS, **options)
    inputs = random_inputs(network, settings, items=2, seed=1)
    record = Record(spikes=network.firing_names, potentials=network.layer_names)
    expected = ReferenceEngine(network, settings, record).run(inputs, 2)
    found = pynn.PyNNEngine(network, settings, record, pynn_simulator).run(inputs, 2)
    for name, trains in expected.spike_trains.items():
        np.testing.assert_array_equal(found.spike_trains[name], trains)
    np.testing.assert_array_equal(found.events, expected.events)
    # NEST's neuron leaks one millionth a step
    np.testing.assert_allclose(found.output, expected.output, atol=STEPS * 1e-5)


def test_simulate_gives_a_result(pynn_nest):
    network = KINDS["dense"](seed=2)
    x = random_inputs(network, Settings(), items=3, seed=1)
    result = pynn.simulate(network, x, [0, 1, 2], 5, simulator=pynn_nest, title="on NEST", **LIKE_NEST)
    assert result.attrs["engine"] == "pyNN.nest"
    assert result.attrs["title"] == "on NEST"
    assert '"NEST"' in result.attrs["versions"]


def test_populations_projections_delays_and_signs(pynn_neuron):
    network = KINDS["pooling"](seed=3)
    cells = pynn.cells_for(pynn_neuron)(pynn_neuron, Settings(), len(network.layers))
    built = pynn.build(network, cells)
    assert {name: population.size for name, population in built.populations.items()} == {
        "input": network.input.neurons, **{layer.name: layer.neurons for layer in network.layers}
    }  # fmt: skip
    labels = [projection.label for projection in built.projections]
    assert "conv to pool, excitatory" in labels
    assert "conv to pool, inhibitory" not in labels  # pooling has positive weights only
    listed = {layer.name: synapse_list(layer) for layer in network.layers}
    for projection in built.projections:
        sign = projection.receptor_type
        synapses = getattr(listed[projection.post.label], sign)
        found = sorted(projection.get(["weight", "delay"], format="list"))
        expected = sorted(
            (int(pre), int(post), float(weight), cells.delay)
            for pre, post, weight in zip(synapses.pre, synapses.post, synapses.weight, strict=True)
        )
        assert [tuple(row) for row in found] == expected
    output = built.populations["output"]
    np.testing.assert_array_equal(output.get("bias"), network.layers[-1].bias)
    assert output.get("fires") == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"delay": 0},
        {"refractory": 1, **SUBTRACTS},
        {"clamp": 1, **LIKE_NEST},
        {"floor": 0.0, **LIKE_NEST},
        {"input_reset": "subtract", **LIKE_NEST},
        {"input_reset": "zero", **SUBTRACTS},
        {"input": "poisson", **LIKE_NEST},
        {"input": "spikes", **LIKE_NEST},
    ],
    ids=str,
)
def test_what_standard_cells_cannot_do_is_refused(pynn_nest, settings):
    network = KINDS["dense"](seed=2)
    with pytest.raises(InputError, match=r"must be .* on pyNN\.nest"):
        pynn.PyNNEngine(network, Settings(**settings), Record(), pynn_nest)


@pytest.mark.parametrize("options", [LIKE_NEST, SUBTRACTS], ids=str)
def test_neuron_takes_streams_from_the_first_step_on(pynn_neuron, options):
    network = KINDS["conv same"](seed=3)
    x = np.random.default_rng(5).random((2, STEPS, *network.input_shape)) < 0.4
    how = {"input": "spikes", "progress": False, **options}
    found = pynn.simulate(network, x, np.array([0, 1]), STEPS, simulator=pynn_neuron, **how)
    expected = simulate(network, x, np.array([0, 1]), STEPS, engine="event", **how)
    assert x[:, 0].any()
    np.testing.assert_array_equal(found["synaptic_events"], expected["synaptic_events"])


def test_all_that_standard_cells_cannot_do_is_said_at_once(pynn_nest):
    with pytest.raises(InputError, match=r"`delay` and `refractory` must be 1 and 0 on pyNN\.nest\. Received: 0 and 2"):
        pynn.PyNNEngine(KINDS["dense"](seed=2), Settings(refractory=2), Record(), pynn_nest)


def test_standard_cells_begin_at_once(pynn_nest):
    network = KINDS["dense"](seed=2).with_onsets([0, 2, 0])
    with pytest.raises(InputError, match=r"`onset` of layer 'dense2' must be 0 on pyNN\.nest.* Received: 2"):
        pynn.PyNNEngine(network, Settings(**LIKE_NEST), Record(), pynn_nest)


def test_another_object_is_no_simulator():
    network = KINDS["dense"](seed=2)
    with pytest.raises(InputError, match="`simulator` must be a PyNN simulator module"):
        pynn.simulate(network, np.zeros((1, 12)), [0], simulator=types)


def test_a_simulator_without_the_cells_is_refused():
    mock = pytest.importorskip("pyNN.mock")
    with pytest.raises(InputError, match=r"IF_curr_delta.* Received: pyNN\.mock"):
        pynn.cells_for(mock)
