"""Synapse lists against an enumeration of every synapse from the equations, and against the fan-out maps."""

from __future__ import annotations

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.hardware.synapses import synapse_list
from snnviz.simulation.synops import fanout
from tests.parity.networks import KINDS, conv, random_network
from tests.parity.reference import enumerate_synapses


def assert_enumerated(network):
    for layer in network.layers:
        for pruned in (False, True):
            found = synapse_list(layer, pruned=pruned)
            expected = sorted(
                (post, pre, weight) for pre, post, weight in enumerate_synapses(layer) if pruned or weight != 0
            )
            assert list(zip(found.post, found.pre, found.weight, strict=True)) == expected
            counts = np.bincount(found.pre, minlength=int(np.prod(layer.input_shape)))
            np.testing.assert_array_equal(counts, fanout(layer, "all" if pruned else "nonzero").ravel())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind):
    assert_enumerated(KINDS[kind](seed=3))


@pytest.mark.parametrize("seed", range(10))
def test_random_networks(seed):
    assert_enumerated(random_network(seed))


def test_signs_are_split_and_types_are_small():
    layer = KINDS["conv groups"](seed=1).layers[0]
    found = synapse_list(layer)
    excitatory, inhibitory = found.excitatory, found.inhibitory
    assert (excitatory.weight > 0).all()
    assert (inhibitory.weight < 0).all()
    assert len(excitatory) + len(inhibitory) == len(found) > len(excitatory) > 0
    assert (found.pre.dtype, found.post.dtype, found.weight.dtype) == (np.int32, np.int32, np.float32)


def test_a_large_convolution_is_listed_whole():
    layer = conv(np.random.default_rng(0), "conv", (28, 28, 16), 16, padding=((1, 1), (1, 1)))
    found = synapse_list(layer, pruned=True)
    assert len(found) == (3 * 28 - 2) ** 2 * 16 * 16  # 1.7 million: each border loses one row of the kernel's three


def test_another_kind_of_layer_is_refused():
    with pytest.raises(InputError, match="`layer` must be Dense, Conv2D or DepthwiseConv2D"):
        synapse_list("dense")
