"""Networks on SANA-FE's model of Loihi: what it is given, what its answer becomes, the same spikes where it is installed."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.peers import setup
from snnviz import _memory, pretrained
from snnviz.cli import main
from snnviz.datasets import load
from snnviz.errors import InputError
from snnviz.hardware import outside, sanafe
from snnviz.simulation import Record, Settings
from tests.parity.networks import KINDS, random_inputs, with_random_potentials
from tests.parity.reference import ReferenceEngine, enumerate_synapses

STEPS = 7


def given(kind, items=2):
    network = with_random_potentials(KINDS[kind](seed=3), seed=1)
    return network, random_inputs(network, Settings(), items=items, seed=1), np.zeros(items, np.int64)


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["dense", "conv same", "conv stride 2 same", "conv groups", "pooling", "depthwise multiplier", "deep"]
)
def test_the_chip_fires_when_snnviz_does_and_delivers_what_snnviz_counts(kind):
    if not setup.ready("sanafe"):
        pytest.skip("SANA-FE is not set up: python -m benchmarks.peers.setup sanafe")
    found = sanafe.simulate(*given(kind), STEPS, python=str(setup.python_of("sanafe"))).there
    assert found["same_spikes"].all()
    assert (found["prediction"] == found["prediction_here"]).all()
    assert (found["deliveries"].values[:, :-1] == found["events"].values[:, 1:]).all()
    assert (found["energy"].sum("part") > 0).all()


class Chip:
    """What the script would do, by the plain reference simulator; it keeps what it was given."""

    def __init__(self, network, x):
        record = Record(spikes=network.firing_names, items=len(x))
        self.block = ReferenceEngine(network, Settings(steps=STEPS, delay=1), record).run(x, traced=len(x))
        self.network, self.x = network, x

    def __call__(self, script, folder, arguments, *, python, tool, install, on_line):
        for _ in self.x:
            on_line(f"{sanafe.DONE}\n")
        self.given = dict(np.load(arguments[0]))
        shape = (len(self.x), STEPS)
        found = {f"energy_{part}": np.full(shape, 1e-9 * power) for power, part in enumerate(sanafe.PARTS, 1)}
        found |= {
            "latency": np.full(shape, 1e-6),
            "deliveries": np.ones(shape, np.int64),
            "fired": np.ones(shape, np.int64),
        }
        for place, name in enumerate(self.network.firing_names):
            found[f"spikes{place}"] = self.block.spike_trains[name].reshape(*shape, -1)
        found["output"] = self.block.output.reshape(*shape, -1)
        np.savez(arguments[1], **found)


def test_every_synapse_bias_and_potential_is_given_scaled(monkeypatch):
    network, x, y = given("conv groups")
    monkeypatch.setattr(outside, "run", chip := Chip(network, x))
    found, here = sanafe.simulate(network, x, y, STEPS)
    assert here.sizes["item"] == len(x)
    assert found["same_spikes"].all()
    assert float(found["energy"].sum("part")[0, 0]) == pytest.approx(1e-8)
    told = chip.given
    scale = 4096.0
    assert told["sizes"].tolist() == [network.input.neurons, *(layer.neurons for layer in network.layers)]
    assert told["threshold"] == scale - 1 / 128
    for place, layer in enumerate(network.layers, 1):
        k = place - 1
        arriving = np.zeros((told["sizes"][place - 1], layer.neurons))
        np.add.at(arriving, (told[f"pre{k}"], told[f"post{k}"]), told[f"weight{k}"])
        expected = np.zeros_like(arriving)
        for pre, post, weight in enumerate_synapses(layer):
            expected[pre, post] += scale * weight
        np.testing.assert_array_equal(arriving, expected)
        assert len(told[f"pre{k}"]) == layer.synapses("nonzero")
        bias = np.broadcast_to(layer.bias, layer.output_shape).reshape(-1)
        np.testing.assert_array_equal(told[f"bias{place}"], scale * bias)
        assert told[f"ends{k}"].tolist() == [place - 1, place]


def test_a_wrong_spike_is_seen(monkeypatch):
    network, x, y = given("dense")
    chip = Chip(network, x)
    name = network.firing_names[1]
    chip.block.spike_trains[name] = ~chip.block.spike_trains[name]
    monkeypatch.setattr(outside, "run", chip)
    assert sanafe.simulate(network, x, y, STEPS).there["same_spikes"].values.tolist()[:2] == [True, False]


def test_potentials_that_would_not_fit_in_32_bits_are_scaled_less(monkeypatch):
    network, x, y = given("dense")
    first = network.layers[0]
    large = replace(network, layers=(first.with_weights([first.weights * 2.0**14]), *network.layers[1:]))
    monkeypatch.setattr(outside, "run", chip := Chip(large, x))
    sanafe.simulate(large, x, y, STEPS)
    scale = float(chip.given["threshold"]) + 1 / 128
    most = np.abs(first.weights).max() * 2.0**14 * first.input_shape[0]
    assert STEPS * most * scale * 64 < 2**31
    assert scale == 2.0 ** round(np.log2(scale)) < 4096


def test_what_cannot_be_done_is_one_sentence(monkeypatch):
    network, x, y = given("dense")
    with pytest.raises(
        InputError, match=r"from the first step in SANA-FE; convert with a clamp of 0.*Received: onsets, of"
    ):
        sanafe.simulate(network.with_onsets([1] * len(network.layers)), x, y, STEPS)
    with pytest.raises(InputError, match=r"pip install sanafe==2.2.9 numpy. Received: .*No module named 'sanafe'"):
        sanafe.simulate(network, x, y, STEPS, python=sys.executable)
    monkeypatch.setattr(_memory, "available", lambda: 1e9)
    with pytest.raises(InputError, match=r"0\.9 GiB now. Received: [\d,]+ synapses, which take about \d+\.\d GiB"):
        sanafe.simulate(network, x, y, STEPS)


def test_the_command_sets_both_estimates_side_by_side(monkeypatch, capsys):
    network = pretrained.network("dense-mnist-optimized")
    x = load("mnist", split="test", limit=2).x
    monkeypatch.setattr(outside, "run", Chip(network, x))
    command = ["hardware", "sanafe", "dense-mnist-optimized", "--limit", "2", "--steps", str(STEPS)]
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["energy"]["soma"] == pytest.approx(STEPS * 3e-9)
    assert answer["latency"] == pytest.approx(STEPS * 1e-6)
    assert answer["estimate"]["low"] <= answer["estimate"]["energy"] <= answer["estimate"]["high"]
    assert not answer["same_events"]  # one a step, says the stand-in
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "2 of 2" in said
    assert "snnviz's estimate" in said
