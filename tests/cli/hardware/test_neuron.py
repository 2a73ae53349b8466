"""`snnviz hardware neuron`."""

import json

import numpy as np
import pytest

from snnviz import cli, datasets, load_network, results
from snnviz.hardware import neuron
from snnviz.network import Dense, Input, SpikingNetwork
from tests.events import writers


@pytest.mark.usefixtures("pynn_neuron")
def test_the_command_gives_what_the_function_gives(tmp_path, capsys):
    rng = np.random.default_rng(0)
    hidden = Dense(
        name="hidden", input_shape=(28, 28, 1), weights=rng.integers(-8, 12, (784, 12)) / 64, bias=np.zeros(12)
    )
    last = Dense(name="last", input_shape=(12,), weights=rng.integers(-32, 40, (12, 10)) / 64, bias=np.zeros(10))
    file = str(SpikingNetwork(input=Input(shape=(28, 28, 1)), layers=(hidden, last)).save(tmp_path / "n.npz"))
    out = tmp_path / "r.nc"
    words = ["hardware", "neuron", file, "--data", "mnist", "--limit", "3", "--steps", "8", "--delay", "1"]
    assert cli.main([*words, "--compare", "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    images = datasets.load("mnist", limit=3)
    expected = neuron.simulate(load_network(file), images.x, images.y, 8, delay=1)
    assert (expected["synaptic_events"].sum("time").sel(layer=["hidden", "last"]) > 0).all()
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


@pytest.mark.usefixtures("pynn_neuron")
def test_event_recordings_go_in_as_streams(tmp_path, capsys):
    rng = np.random.default_rng(0)
    weights = rng.integers(-8, 9, (2312, 2)) / 16
    only = Dense(name="only", input_shape=(34, 34, 2), weights=weights.astype(np.float32), bias=np.zeros(2, np.float32))
    SpikingNetwork(input=Input(shape=(34, 34, 2)), layers=(only,)).save(tmp_path / "n.npz")
    for name in ("cat", "dog"):
        (tmp_path / "films" / name).mkdir(parents=True)
        t, x, y, p = writers.some(200, seed=len(name), start=0, sensor=(34, 34))
        (tmp_path / "films" / name / "1.bin").write_bytes(writers.nmnist(t, x, y, p))
    words = ["hardware", "neuron", str(tmp_path / "n.npz"), "--data", str(tmp_path / "films"), "--steps", "5"]
    assert cli.main([*words, "--input", "spikes", "--step-ms", "40", "--compare", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["comparison"]["items_with_same_events"] == 1
    assert sum(answer["events_per_step"]) > 300
    assert answer["metrics"]["camera_events_per_item"] == 200
