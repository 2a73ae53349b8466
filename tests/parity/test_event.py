"""The event engine against the reference: bit for bit on dyadic networks, every kind of layer and every option."""

from __future__ import annotations

import pytest

from snnviz.simulation.event import EventEngine
from snnviz.simulation.settings import Settings
from tests.parity.networks import KINDS, OPTIONS, random_inputs, random_network, with_random_potentials
from tests.parity.reference import check_parity

STEPS = 9


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind):
    network = KINDS[kind](seed=3)
    settings = Settings(steps=STEPS)
    block = check_parity(EventEngine, network, settings, random_inputs(network, settings, items=3, seed=1))
    assert (block.events > 0).any()


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("kind", ["dense", "conv groups", "depthwise multiplier", "deep", "only output"])
def test_every_option(kind, options):
    network = KINDS[kind](seed=5)
    settings = Settings(steps=STEPS, **OPTIONS[options])
    check_parity(EventEngine, network, settings, random_inputs(network, settings, items=2, seed=2))


@pytest.mark.parametrize("kind", ["dense", "conv same", "pooling", "depthwise strided"])
def test_a_potential_for_each_neuron(kind):
    network = with_random_potentials(KINDS[kind](seed=7), seed=8)
    settings = Settings(steps=STEPS, refractory=1)
    check_parity(EventEngine, network, settings, random_inputs(network, settings, items=2, seed=3))


@pytest.mark.parametrize("seed", range(12))
def test_random_networks(seed):
    network = random_network(seed)
    settings = Settings(steps=STEPS, **list(OPTIONS.values())[seed % len(OPTIONS)])
    check_parity(EventEngine, network, settings, random_inputs(network, settings, items=2, seed=seed))


def test_the_later_of_clamp_and_onset_counts():
    network = KINDS["dense"](seed=5).with_onsets([0, 3, 1])
    settings = Settings(steps=STEPS, clamp=0.75)
    assert settings.frozen_steps(network) == (0, 0, 3, 2)
    check_parity(EventEngine, network, settings, random_inputs(network, settings, items=2, seed=2))


def test_traces_of_the_first_items_only():
    network = KINDS["deep"](seed=1)
    settings = Settings(steps=STEPS)
    check_parity(EventEngine, network, settings, random_inputs(network, settings, items=5, seed=4), traced=2)


def test_nothing_traced():
    network = KINDS["deep"](seed=1)
    settings = Settings(steps=STEPS)
    check_parity(EventEngine, network, settings, random_inputs(network, settings, items=2, seed=4), traced=0)
