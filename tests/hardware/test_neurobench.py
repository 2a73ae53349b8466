"""Synaptic events against NeuroBench's SynapticOperations, with the differences that its definition makes.

NeuroBench counts what reaches a Linear or Conv layer: accumulations (ACs) where the input of a step is all 0 and 1,
multiply-accumulates (MACs) where it is not, nonzero inputs times nonzero weights in both. So

- with spiking input its ACs are our events, but for those that arrive at pooling: AvgPool2d is no layer of NeuroBench's;
- with analog input the first layer's are MACs, one for each synapse of a pixel above 0: our events of analog input.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.case import save_case
from benchmarks.peers import setup
from snnviz import datasets, neurobench, pretrained, simulate
from snnviz.simulation import Settings
from tests.parity.networks import KINDS, random_inputs

SCRIPT = Path(__file__).parent / "peers" / "synops_in_neurobench.py"
STEPS = 8

pytestmark = pytest.mark.slow


def both(network, x, kind, folder):
    """NeuroBench's numbers per item, and our events per item and layer; what we say in its form is what it says."""
    if not setup.ready("neurobench"):
        pytest.skip("NeuroBench and PyTorch are not set up: python -m benchmarks.peers.setup neurobench")
    case, answer = folder / "case.npz", folder / "answer.json"
    save_case(case, network, x, None, STEPS)
    command = [str(setup.python_of("neurobench")), "-W", "ignore", str(SCRIPT), str(case), kind, str(answer)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = simulate(network, x, np.zeros(len(x), int), STEPS, engine="event", input=kind)
    theirs, ours = json.loads(answer.read_text()), neurobench.harness(result, network)
    assert ours["SynapticOperations"] == pytest.approx(theirs["SynapticOperations"], rel=1e-12)
    assert {name: ours[name] for name in theirs} == {**theirs, "SynapticOperations": ours["SynapticOperations"]}
    return theirs["SynapticOperations"], result["synaptic_events"].sum("time")


def pruned_mnist():
    return pretrained.network("dense-mnist-heuristic"), datasets.load("mnist", limit=10).x


def pooled():
    network = KINDS["pooling"](seed=3)
    return network, random_inputs(network, Settings(), items=6, seed=1)


def test_spiking_input(tmp_path):
    network, x = pruned_mnist()
    theirs, events = both(network, x, "spiking", tmp_path)
    assert theirs["Effective_ACs"] == pytest.approx(float(events.sum()), rel=1e-12)
    assert theirs["Effective_MACs"] == 0


def test_analog_input(tmp_path):
    network, x = pruned_mnist()
    theirs, events = both(network, x, "analog", tmp_path)
    assert theirs["Effective_MACs"] == pytest.approx(float(events.sel(layer="dense1")), rel=1e-12)
    assert theirs["Effective_ACs"] == pytest.approx(float(events.sel(layer=["dense2", "classifier"]).sum()), rel=1e-12)


def test_pooling_is_left_out(tmp_path):
    network, x = pooled()
    theirs, events = both(network, x, "spiking", tmp_path)
    at_pooling = float(events.sel(layer="pool"))
    assert at_pooling > 0
    assert theirs["Effective_ACs"] == pytest.approx(float(events.sum()) - at_pooling, rel=1e-12)
