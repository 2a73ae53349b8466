"""Results find their networks and images: with own files in a folder, with runs, and what is changed is not taken."""

from dataclasses import replace

import numpy as np
import pytest

from snnviz import cli, dashboard, datasets, jobs, load_network, pretrained, results
from snnviz.runs import Store
from tests.apps.words import written

STEPS = 6


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Somebody's folder: data of his own, a network that remembers them, and what simulating it gave."""
    images = datasets.load("mnist", limit=200)
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "letters.npz", x_test=(255 * images.x).astype(np.uint8), y_test=images.y)
    network = pretrained.network("dense-mnist-heuristic")
    first = replace(network.layers[0], initial_potential=0.25)  # no shipped one
    mine = replace(
        network,
        layers=(first, *network.layers[1:]),
        metadata={"data": str(tmp_path / "letters.npz"), "data_hash": datasets.content_hash("letters.npz")},
    )
    mine.save(tmp_path / "mine.npz")
    words = ["simulate", "mine.npz", "--limit", "50", "--steps", str(STEPS), "--engine", "event", "--out", "mine.nc"]
    assert cli.main(words) == 0
    return tmp_path


def workspace(folder, **options):
    file = folder / "mine.nc"
    return dashboard.Workspace({"mine": results.load(file)}, files={"mine": file}, **options)


def test_a_result_finds_its_network_and_its_data_in_its_folder(folder, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    shown = workspace(folder)
    assert shown.network("mine").hash == load_network(folder / "mine.npz").hash
    assert np.abs(shown.images("mine") - datasets.load("mnist", limit=50).x).max() < 1 / 255
    traced = shown.trace("mine", 3)
    np.testing.assert_array_equal(traced["prediction"].values[0], shown.result("mine")["prediction"].values[3])
    text = written(dashboard.Network(shown))
    assert "not at hand" not in text
    assert "100,352" in text
    page = dashboard.Predictions(shown)
    for name in ("prediction_strip", "class_scores", "raster", "confusion"):
        assert page.figures[name].figure is not None, name


def test_without_the_files_it_says_where_to_put_them(folder):
    shown = workspace(folder)
    (folder / "mine.npz").rename(folder / "mine.bin")
    text = written(dashboard.Network(shown))
    assert "put its .npz file into the folder" in text
    (folder / "mine.bin").rename(folder / "mine.npz")  # the server goes on meanwhile
    assert "not at hand" not in written(dashboard.Network(shown))


def test_data_that_have_changed_are_not_taken(folder):
    images = datasets.load("mnist", limit=200)
    np.savez(folder / "letters.npz", x_test=np.zeros_like(images.x), y_test=images.y)
    assert workspace(folder).images("mine") is None


def test_a_run_on_data_of_ones_own_is_shown_whole(folder):
    store = Store(folder / "runs")
    options = {"network": "mine.npz", "limit": 50, "steps": STEPS, "engine": "event"}
    jobs.run({"kind": "simulate", "name": "own", "options": options}, store=store)
    shown = dashboard.Workspace(store=store)
    shown.watcher.look_now()
    (name,) = shown.names()
    assert shown.images(name).shape == (50, 28, 28, 1)
    (folder / "mine.npz").unlink()
    untracked = workspace(folder, store=store)
    untracked.watcher.look_now()
    assert untracked.network("mine") is not None, "a run has the same network"


def test_the_network_at_the_start_of_a_search_is_found_by_its_hash(folder):
    store = Store(folder / "runs")
    train = datasets.load("mnist", split="train", limit=300)
    tests = datasets.load("mnist", limit=100)
    np.savez(folder / "letters.npz", x_train=train.x, y_train=train.y, x_test=tests.x, y_test=tests.y)
    options = {"network": "mine.npz", "method": "percentile", "evaluations": 3, "steps": 4}
    jobs.run({"kind": "optimize", "options": options}, store=store)
    shown = dashboard.Workspace(store=store)
    shown.watcher.look_now()
    page = dashboard.Optimize(shown)
    assert page.figures["scales"].figure is not None
    pretrained.network("dense-mnist-optimized").save(folder / "mine.npz")
    anew = dashboard.Workspace(store=store)
    anew.watcher.look_now()
    assert "changed since" in written(dashboard.Optimize(anew))
