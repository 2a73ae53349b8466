"""The graph engine's own business: batches, padding, shared compilation, memory, exact counts.

Its numbers are held against the plain simulator in tests/parity/test_graph.py.
"""

import numpy as np
import pytest

from snnviz import simulate
from snnviz.errors import InputError
from snnviz.network import Conv2D, Dense, Input, SpikingNetwork
from snnviz.simulation import _program, graph
from snnviz.simulation.graph import GraphEngine
from snnviz.simulation.settings import Record, Settings
from snnviz.simulation.synops import synapses
from tests.parity.networks import KINDS, random_inputs
from tests.parity.reference import assert_equal


@pytest.fixture
def network():
    return KINDS["dense"](1)


@pytest.fixture
def options():
    return Settings(steps=6)


def test_padding_is_dropped_and_never_counted(network, options):
    inputs = random_inputs(network, options, 5, 1)
    loud = network.with_initial_potentials([0.5, 4.0, 4.0, 0.5])  # a padded item would fire from the first step
    one_by_one = GraphEngine(loud, options, Record(), batch_size=1, jit=False).run(inputs)
    padded = GraphEngine(loud, options, Record(), batch_size=8, jit=False).run(inputs)
    assert_equal(padded, one_by_one)
    assert padded.output.shape == (5, 6, 4)


def test_a_ragged_batch_reuses_the_program_of_a_full_one(network, options):
    _program.compiled.cache_clear()
    engine = GraphEngine(network, options, Record(), batch_size=4, jit=False)
    inputs = random_inputs(network, options, 7, 1)
    engine.run(inputs)
    engine.run(inputs[:1])
    assert _program.compiled.cache_info().misses == 1


def test_few_items_get_a_small_program(network, options):
    engine = GraphEngine(network, options, Record(), batch_size=100, jit=False)
    engine.run(random_inputs(network, options, 3, 1))
    assert engine._sizes == {4}


def test_rescaled_networks_share_one_compilation(network, options):
    _program.compiled.cache_clear()
    inputs = random_inputs(network, options, 4, 1)
    blocks = [
        GraphEngine(each, options, Record(), jit=False).run(inputs)
        for each in (network, network.scaled([2.0, 1.0, 1.0]), network.scaled([0.5, np.linspace(1, 2, 8), 3.0]))
    ]
    assert _program.compiled.cache_info().misses == 1
    assert not np.array_equal(blocks[0].output, blocks[1].output)


def test_traces_of_the_traced_items_only(network, options):
    record = Record(spikes=("input", "dense2"), potentials=("output",))
    engine = GraphEngine(network, options, record, batch_size=2, jit=False)
    inputs = random_inputs(network, options, 5, 1)
    block = engine.run(inputs, 3)
    assert {name: train.shape for name, train in block.spike_trains.items()} == {
        "input": (3, 6, 12),
        "dense2": (3, 6, 8),
    }
    assert block.potentials["output"].shape == (3, 6, 4)
    np.testing.assert_array_equal(block.potentials["output"], block.output[:3])
    untraced = engine.run(inputs)
    assert untraced.spike_trains["input"].shape == (0, 6, 12)
    assert untraced.spike_trains["input"].dtype == bool
    assert untraced.potentials["output"].dtype == np.float32
    np.testing.assert_array_equal(untraced.events, block.events)


def test_counts_beyond_the_integers_of_float32():
    """Every input neuron fires over a pruned convolution: more events than 2^24 in one step, an odd number of them."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(3, 3, 48, 64)) * (rng.random((3, 3, 48, 64)) < 0.9)
    wide = Conv2D(
        name="wide",
        input_shape=(32, 32, 48),
        weights=weights,
        bias=np.zeros(64),
        padding=((1, 1), (1, 1)),
        strides=(1, 1),
    )
    read = Dense(name="output", input_shape=(32 * 32 * 64,), weights=np.zeros((32 * 32 * 64, 1)), bias=np.zeros(1))
    net = SpikingNetwork(input=Input(shape=wide.input_shape), layers=(wide, read))
    block = GraphEngine(net, Settings(steps=1), Record(), jit=False).run(np.ones((1, 32, 32, 48), np.float32))
    assert synapses(wide, "nonzero") > 2**24
    assert block.events[0, 0].tolist() == [synapses(wide, "nonzero"), 0]
    assert block.spikes[0, 0, 0] == 32 * 32 * 48


def test_batch_follows_the_memory_budget(network, options):
    sizes = [GraphEngine(network, options, Record(), memory=memory).batch_size for memory in (1, 10**5, 10**6)]
    assert sizes[0] == 1
    assert sizes[0] < sizes[1] < sizes[2]


def test_chunks_are_even(network):
    for steps, chunk, expected in ((50, None, 5), (7, None, 4), (11, None, 4), (7, 3, 3), (10, 7, 5), (4, 100, 4)):
        assert GraphEngine(network, Settings(steps=steps), Record(), chunk=chunk)._chunk == expected


def test_counting_can_be_left_out_for_benchmarks(network, options):
    block = GraphEngine(network, options, Record(), jit=False, _counting=False).run(
        random_inputs(network, options, 2, 1)
    )
    assert not block.events.any()
    assert block.output.any()


@pytest.mark.parametrize("name", ["memory", "batch_size", "chunk"])
def test_mistakes(network, options, name):
    with pytest.raises(InputError, match=f"`{name}` must be a whole number, at least 1. Received: 0"):
        GraphEngine(network, options, Record(), **{name: 0})


def test_too_many_neurons_to_count(monkeypatch, network, options):
    monkeypatch.setattr(graph, "EXACT", 11)
    with pytest.raises(InputError, match=r"at most 11 neurons in a layer. Received: 12"):
        GraphEngine(network, options, Record())


def test_other_backends_are_refused(monkeypatch, network, options):
    import keras

    _program.compiled.cache_clear()
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(InputError, match="needs Keras on TensorFlow or JAX"):
        GraphEngine(network, options, Record(), batch_size=1).run(random_inputs(network, options, 1, 1))


def test_compilation_is_told_apart_from_the_simulation():
    network = KINDS["conv stride 2 same"](11)
    x = random_inputs(network, Settings(), items=3, seed=1)
    engine = GraphEngine(network, Settings(steps=17), Record())
    first = engine.run(x)
    compiling = engine.compiling_s
    again = engine.run(x)
    assert engine.compiling_s == compiling > 0
    np.testing.assert_array_equal(first.output, again.output)
    other = GraphEngine(network, Settings(steps=17), Record())
    other.run(x)
    assert other.compiling_s == 0  # programs are shared
    found = simulate(network, x, [0, 1, 2], 19, engine="graph", progress=False)
    assert found.attrs["engine_start_s"] > found.attrs["wall_time_s"] > 0
