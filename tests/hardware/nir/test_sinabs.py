"""An exported graph in another tool: sinabs fires when the reference does."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from benchmarks.peers import setup
from snnviz.hardware import nir as ours
from snnviz.simulation import Record, Settings
from tests.parity.networks import KINDS, random_inputs
from tests.parity.reference import ReferenceEngine

SCRIPT = Path(__file__).parents[1] / "peers" / "nir_in_sinabs.py"
STEPS = 9


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["dense", "conv same", "conv groups", "pooling", "depthwise multiplier", "deep"])
def test_sinabs_fires_when_the_reference_does(kind, tmp_path):
    if not setup.ready("sinabs"):
        pytest.skip("sinabs and PyTorch are not set up: python -m benchmarks.peers.setup sinabs")
    network = KINDS[kind](seed=3)
    x = random_inputs(network, Settings(), items=4, seed=1)
    files = [str(tmp_path / name) for name in ("graph.nir", "inputs.npz", "spikes.npz")]
    ours.save(network, files[0])
    np.savez(files[1], x=np.moveaxis(x, -1, 1) if x.ndim == 4 else x, steps=STEPS, initial_potential=0.5)
    done = subprocess.run(
        [str(setup.python_of("sinabs")), str(SCRIPT), *files], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr

    record = Record(spikes=network.firing_names)
    expected = ReferenceEngine(network, Settings(steps=STEPS), record).run(x, traced=4)
    with np.load(files[2]) as found:
        for name, trains in expected.spike_trains.items():
            spikes = found[f"{name}_neurons"]
            spikes = np.moveaxis(spikes, 2, -1) if spikes.ndim == 5 else spikes
            np.testing.assert_array_equal(spikes.reshape(trains.shape), trains)
        np.testing.assert_array_equal(0.5 + found["currents"].cumsum(axis=1), expected.output)
