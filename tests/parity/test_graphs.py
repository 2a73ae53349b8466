"""Networks with sums and branches: the graph engine against the plain simulator, bit for bit, and the analog twin against sums."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snnviz import InputError, load_network
from snnviz.network import Sum
from snnviz.simulation import analog
from snnviz.simulation.event_graph import GraphEventEngine
from snnviz.simulation.graph import GraphEngine
from snnviz.simulation.settings import Record, Settings
from tests.parity.networks import OPTIONS, random_graph, random_inputs, residual, with_random_potentials
from tests.parity.reference import check_parity, enumerate_synapses

STEPS = 6


def check_graph(net, name, seed, chunk=3, jit=False):
    options = Settings(steps=STEPS, **OPTIONS[name])
    return check_parity(GraphEngine, net, options, random_inputs(net, options, 2, seed), 2, chunk=chunk, jit=jit)


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_on_a_residual_network(name):
    block = check_graph(with_random_potentials(residual(2), 3), name, 4)
    assert block.events.any()


def test_a_residual_network_compiled():
    block = check_graph(residual(2), "plain", 4, jit=True)
    assert block.spikes.sum(axis=0).all(), "a silent population would prove little"


RANDOM = {"seed": st.integers(0, 10_000), "name": st.sampled_from(list(OPTIONS)), "chunk": st.integers(1, STEPS)}


@settings(max_examples=6, deadline=None, derandomize=True)
@given(**RANDOM)
def test_random_graphs(seed, name, chunk):
    check_graph(random_graph(seed), name, seed, chunk)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(**RANDOM, jit=st.booleans())
def test_more_random_graphs(seed, name, chunk, jit):
    check_graph(random_graph(seed), name, seed, chunk, jit)


def takes(net, name):
    """Whether the event engine takes a graph with these options."""
    mixed = any(0 in sources and len(sources) > 1 for sources in net.sources)
    return not (mixed and OPTIONS[name].get("input") == "analog")


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_of_the_event_engine(name):
    net, options = with_random_potentials(residual(2), 3), Settings(steps=STEPS, **OPTIONS[name])
    check_parity(GraphEventEngine, net, options, random_inputs(net, options, 3, 4), 2)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(list(OPTIONS)))
def test_random_graphs_on_the_event_engine(seed, name):
    net, options = random_graph(seed), Settings(steps=STEPS, **OPTIONS[name])
    assume(takes(net, name))
    check_parity(GraphEventEngine, net, options, random_inputs(net, options, 2, seed), 1)


def test_an_analog_image_beside_spikes_is_refused_by_the_event_engine():
    seed = next(seed for seed in range(100) if not takes(random_graph(seed), "analog"))
    with pytest.raises(InputError, match=r"engine 'event' \(or take engine='graph'\).*Received: 'analog'"):
        GraphEventEngine(random_graph(seed), Settings(input="analog"), Record())


def test_random_graphs_are_graphs():
    made = [random_graph(seed) for seed in range(40)]
    assert sum(not net.is_path for net in made) > 30
    assert any(len(layer.projections) > 1 for net in made for layer in net.layers[:-1])
    assert {each.kind for net in made for layer in net.layers for each in layer.projections} == {
        "dense", "conv2d", "depthwise_conv2d", "identity",
    }  # fmt: skip
    assert {len(net.layers) for net in made} == set(range(2, 9))


def by_synapses(net, x):
    """The analog network of one item, synapse by synapse, in double precision."""
    values = [x.astype(np.float64).ravel()]
    for layer, sources in zip(net.layers, net.sources, strict=True):
        total = np.broadcast_to(layer.bias, layer.output_shape).astype(np.float64).ravel().copy()
        for source, each in zip(sources, layer.projections, strict=True):
            for pre, post, weight in enumerate_synapses(each):
                total[post] += values[source][pre] * weight
        values.append(total if layer is net.layers[-1] else np.maximum(total, 0))
    return values


@pytest.mark.parametrize("seed", [*range(6), None])
def test_the_analog_twin_sums_what_arrives(seed, tmp_path):
    net = residual(1) if seed is None else random_graph(seed)
    x = random_inputs(net, Settings(), 2, 5)
    found = analog.activations(net, x)
    for item, image in enumerate(x):
        for layer, expected in zip(net.layers, by_synapses(net, image)[1:], strict=True):
            np.testing.assert_allclose(found[layer.name][item].ravel(), expected, rtol=1e-5, atol=1e-5)
    assert load_network(net.save(tmp_path / "net.npz")).hash == net.hash


@pytest.mark.parametrize("channelwise", [False, True])
def test_scaling_leaves_the_function_of_a_graph(channelwise):
    """One scale for each population, whichever way spikes take."""
    net, random = residual(1), np.random.default_rng(0)
    scales = [random.uniform(0.5, 2, layer.channels) if channelwise else random.uniform(0.5, 2) for layer in net.layers]
    scales[-1] = 2.0
    x = random_inputs(net, Settings(), 3, 5)
    before, after = analog.activations(net, x), analog.activations(net.scaled(scales), x)
    for layer, scale in zip(net.layers, scales, strict=True):
        np.testing.assert_allclose(after[layer.name], before[layer.name] * scale, rtol=1e-4, atol=1e-5)


def test_synapses_of_every_projection_are_those_enumerated():
    for net in (residual(1), *(random_graph(seed) for seed in range(8))):
        for layer in net.layers:
            for each in layer.projections:
                mine, theirs = (
                    each.synapse_list(pruned=True),
                    sorted(enumerate_synapses(each), key=lambda s: (s[1], s[0])),
                )
                assert [*zip(mine.pre.tolist(), mine.post.tolist(), mine.weight.tolist(), strict=True)] == theirs
                counted = np.bincount(each.synapse_list().pre, minlength=int(np.prod(each.input_shape)))
                np.testing.assert_array_equal(each.fanout().ravel(), counted)
                assert len(mine) == each.fanout("all").sum()
            assert isinstance(layer, Sum) or len(layer.projections) == 1
