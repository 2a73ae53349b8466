"""Fan-out maps against an enumeration of every synapse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnviz.errors import InputError
from snnviz.network import Dense
from snnviz.simulation.settings import SYNAPSES
from snnviz.simulation.synops import fanout, synapses
from tests.parity.networks import KINDS, random_network
from tests.parity.reference import enumerate_synapses


def check_layers(network):
    for layer in network.layers:
        every = enumerate_synapses(layer)
        for which in SYNAPSES:
            pres = [pre for pre, _, weight in every if which == "all" or weight != 0]
            expected = np.bincount(pres, minlength=int(np.prod(layer.input_shape))).reshape(layer.input_shape)
            np.testing.assert_array_equal(fanout(layer, which), expected, strict=True)
            assert synapses(layer, which) == len(pres)
        assert synapses(layer) == len(every)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind):
    check_layers(KINDS[kind](1))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000))
def test_random_networks(seed):
    check_layers(random_network(seed))


def test_a_pruned_network_has_fewer_nonzero_synapses():
    layer = KINDS["conv groups"](1).layers[0]
    assert 0 < synapses(layer, "nonzero") < synapses(layer, "all")


def test_mistakes():
    layer = Dense(name="d", input_shape=(2,), weights=np.ones((2, 3)), bias=np.zeros(3))
    with pytest.raises(InputError, match="`synapses` must be one of 'nonzero', 'all'"):
        fanout(layer, "some")
    with pytest.raises(InputError, match="`layer` must be Dense"):
        fanout("layer")
