"""The graph engine against the plain simulator, bit for bit: spikes, potentials, event counts and outputs.

Most cases run uncompiled (jit=False), the same program without the seconds that XLA takes to compile it; some run compiled.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snnviz.simulation import _program
from snnviz.simulation.graph import GraphEngine
from snnviz.simulation.settings import Record, Settings
from tests.parity.networks import KINDS, OPTIONS, random_inputs, random_network, with_random_potentials
from tests.parity.reference import assert_equal, check_parity

STEPS = 7


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer(kind):
    net, options = KINDS[kind](1), Settings(steps=STEPS)
    block = check_parity(GraphEngine, net, options, random_inputs(net, options, 3, 2), 2, chunk=3, jit=False)
    assert block.spikes.sum(axis=(0, 1)).all(), "a silent population would prove little"


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option(name):
    net = with_random_potentials(KINDS["pooling"](2), 3)
    options = Settings(steps=STEPS, **OPTIONS[name])
    check_parity(GraphEngine, net, options, random_inputs(net, options, 3, 4), 2, chunk=3, jit=False)


@pytest.mark.parametrize("name", ["plain", "everything"])
def test_compiled_deep_network(name):
    net = with_random_potentials(KINDS["deep"](2), 5)
    options = Settings(steps=STEPS, **OPTIONS[name])
    block = check_parity(GraphEngine, net, options, random_inputs(net, options, 3, 6), 2, chunk=3)
    assert block.spikes.sum(axis=(0, 1)).all()


def test_analog_input_of_a_layer_with_several_outputs_a_channel():
    """Found by `test_random_networks`: the constant drive kept the axes of the depthwise sum."""
    net, options = KINDS["depthwise multiplier"](1), Settings(steps=STEPS, **OPTIONS["analog"])
    check_parity(GraphEngine, net, options, random_inputs(net, options, 3, 2), 2, chunk=3, jit=False)


def check_random(seed: int, name: str, chunk: int, jit: bool) -> None:
    net, options = random_network(seed), Settings(steps=STEPS, **OPTIONS[name])
    inputs = random_inputs(net, options, 3, seed)
    check_parity(GraphEngine, net, options, inputs, 3, batch_size=2, chunk=chunk, jit=jit)


RANDOM = {"seed": st.integers(0, 10_000), "name": st.sampled_from(list(OPTIONS)), "chunk": st.integers(1, STEPS)}


@settings(max_examples=6, deadline=None, derandomize=True)
@given(**RANDOM)
def test_random_networks(seed, name, chunk):
    check_random(seed, name, chunk, jit=False)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(**RANDOM, jit=st.booleans())
def test_more_random_networks(seed, name, chunk, jit):
    check_random(seed, name, chunk, jit)


@pytest.mark.parametrize("name", ["delay, refractory, clamp, floor", "poisson"])
def test_batch_and_chunk_change_nothing(name):
    net, options = KINDS["conv same"](7), Settings(steps=STEPS, **OPTIONS[name])
    inputs = random_inputs(net, options, 7, 8)
    record = Record(spikes=net.firing_names, potentials=net.layer_names)
    first, *others = (
        GraphEngine(net, options, record, batch_size=batch, chunk=chunk, jit=False).run(inputs, 3)
        for batch, chunk in ((7, 7), (2, 3), (1, 1))
    )
    for other in others:
        assert_equal(other, first)


def test_counts_summed_in_parts(monkeypatch):
    monkeypatch.setattr(_program, "EXACT", 40)  # stands for 2^24
    net, options = KINDS["conv same"](3), Settings(steps=STEPS)
    engine = GraphEngine(net, options, Record())
    assert all(layer.projections[0].parts > 2 for layer in engine._layers)
    check_parity(GraphEngine, net, options, random_inputs(net, options, 2, 1), chunk=3, jit=False)


JAX = """
import keras
from snnviz.simulation.graph import GraphEngine
from snnviz.simulation.settings import Settings
from tests.parity.networks import KINDS, OPTIONS, random_inputs, with_random_potentials
from tests.parity.reference import check_parity

assert keras.backend.backend() == "jax"
for kind, name in (("pooling", "everything"), ("conv groups", "analog")):
    net, options = with_random_potentials(KINDS[kind](1), 2), Settings(steps=5, **OPTIONS[name])
    check_parity(GraphEngine, net, options, random_inputs(net, options, 3, 4), 2, batch_size=2, chunk=2)
print("equal")
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="needs jax: pip install 'snnviz[jax]'")
def test_jax_backend():
    root = Path(__file__).parents[2]
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(
        [sys.executable, "-c", JAX], cwd=root, env=environment, capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split() == ["equal"]


def test_the_comparison_can_fail():
    """A reference that agreed with anything would prove nothing: one flipped weight must show."""
    net, options = KINDS["dense"](1), Settings(steps=STEPS)
    inputs = random_inputs(net, options, 2, 2)

    class Wrong(GraphEngine):
        def __init__(self, network, *rest, **options):
            potentials = [network.input.initial_potential, *(layer.initial_potential for layer in network.layers)]
            potentials[1] = np.full(network.layers[0].output_shape, 0.625, np.float32)
            super().__init__(network.with_initial_potentials(potentials), *rest, **options)

    with pytest.raises(AssertionError, match=r"potentials|output|events|spikes"):
        check_parity(Wrong, net, options, inputs, jit=False)
