"""Peers get the same network as snnviz: what a case holds, and the fan-out maps that they count with."""

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import rows
from benchmarks.case import save_case
from benchmarks.networks import random_images, random_network
from snnviz.events import Events, Recordings, read
from snnviz.network import Dense, Input, SpikingNetwork
from snnviz.simulation.synops import fanout


@pytest.fixture
def common(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(rows.__file__).with_name("peers")))
    import common

    yield common
    sys.modules.pop("common", None)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    network = random_network("conv-mnist")
    images = random_images(network, 3)
    path = tmp_path_factory.mktemp("case") / "case.npz"
    save_case(path, network, images, np.arange(3), 7)
    return network, images, path


def test_case_holds_the_network_and_the_inputs(common, saved):
    network, images, path = saved
    case = common.Case({"case": str(path), "items": 2})
    np.testing.assert_array_equal(case.x, images[:2])
    assert (case.steps, case.batch, case.initial_potential) == (7, 2, 0.5)
    for mine, theirs in zip(case.layers, network.layers, strict=True):
        np.testing.assert_array_equal(mine["weights"], theirs.weights)
        assert tuple(mine["output_shape"]) == theirs.output_shape


def test_peers_count_with_the_same_fan_out(common, saved):
    network, _, path = saved
    case = common.Case({"case": str(path)})
    for mine, theirs in zip(case.layers, network.layers, strict=True):
        np.testing.assert_array_equal(common.fanout(mine), fanout(theirs))


def test_rows_are_found_by_name_and_in_order():
    assert [row.name for row in rows.named(["torch", "event"])] == ["event", "torch"]
    with pytest.raises(ValueError, match="Received: brian"):
        rows.named(["brian"])


def test_sparse_images_have_the_density_in_their_mean(saved):
    network, _, _ = saved
    for density in (0.005, 0.17, 0.5):
        images = random_images(network, 50, density=density)
        assert images.mean() == pytest.approx(density, rel=0.1)
        assert images.max() <= 1


def test_recordings_are_counted_by_step_as_snnviz_counts_them(common, tmp_path):
    events = Events(
        np.array([0, 9, 10, 20, 31, 5]), np.array([0, 1, 2, 0, 0, 2]), np.zeros(6, int), np.ones(6, int), (1, 3)
    )
    recordings = Recordings(events.t, events.place, np.array([0, 4, 6]), events.sensor)
    layer = Dense(name="out", input_shape=(1, 3, 2), weights=np.ones((6, 2), np.float32), bias=np.zeros(2, np.float32))
    network = SpikingNetwork(input=Input(shape=(1, 3, 2)), layers=(layer,))
    save_case(tmp_path / "case.npz", network, recordings, np.arange(2), 2, step_us=10)
    case = common.Case({"case": str(tmp_path / "case.npz")})
    [(start, counts)] = case.batches()
    assert start == 0
    np.testing.assert_array_equal(counts, recordings.counts(2, 10))
    again = [read(file, (1, 3)) for file in common.write_nmnist(case, tmp_path)]
    np.testing.assert_array_equal(np.concatenate([one.t for one in again]), events.t)
    np.testing.assert_array_equal(np.concatenate([one.place for one in again]), events.place)
