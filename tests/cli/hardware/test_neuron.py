"""`snnviz hardware neuron`."""

import json

import numpy as np
import pytest

from snnviz import cli, datasets, pretrained, results
from snnviz.hardware import neuron


@pytest.mark.usefixtures("pynn_neuron")
def test_the_command_gives_what_the_function_gives(tmp_path, capsys):
    out = tmp_path / "r.nc"
    words = ["hardware", "neuron", "dense-mnist-optimized", "--limit", "3", "--steps", "8", "--delay", "1"]
    assert cli.main([*words, "--compare", "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    images = datasets.load("mnist", limit=3)
    expected = neuron.simulate(pretrained.network("dense-mnist-optimized"), images.x, images.y, 8, delay=1)
    stored = results.load(out)
    np.testing.assert_array_equal(stored["item_events"].mean("item"), expected["synaptic_events"])
    np.testing.assert_array_equal(answer["accuracy"], expected["accuracy"])
    assert stored.attrs["engine"] == answer["engine"] == "pyNN.neuron"
    assert stored.attrs["dataset"] == "mnist"
    assert answer["comparison"]["same_prediction"] == 1
    assert answer["comparison"]["events_ratio"] == pytest.approx(1, rel=1e-3)

    assert cli.main([*words, "--compare"]) == 0
    printed = capsys.readouterr().out
    assert "3 items x 8 steps in NEURON" in printed
    assert "accuracy curve                   the same" in printed
