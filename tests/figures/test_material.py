"""Material from result files, folders of runs, benchmarks and the shipped models."""

import json
from dataclasses import replace

import numpy as np
import pytest

from snnviz import datasets, pretrained, results
from snnviz.errors import InputError
from snnviz.figures import FIGURES, from_files, make, shipped
from snnviz.figures.loading import runtimes
from snnviz.figures.material import promised
from snnviz.runs import Folder, Recorder, Store, lock
from tests.synthetic import dense_mnist


@pytest.fixture
def folder(tmp_path, recorded, network, history):
    run = tmp_path / "run"
    results.save(recorded, run / "result.nc")
    network.save(run / "network.npz")
    history.to_csv(run / "history.csv", index=False)
    return run


def test_folder_of_a_run(folder, network, tmp_path):
    found = from_files([folder])
    assert list(found.results) == ["small"]
    assert found.networks["small"].hash == network.hash
    assert found.history is not None
    assert found.images is None, "the data set is not known"
    assert network.hash in found.origin
    make(found, tmp_path / "out", ["layer-graph", "optimization-history"], formats=["svg"], progress=False)


def test_the_network_of_a_result_is_found_by_its_hash(tmp_path, recorded, network):
    results.save(recorded, tmp_path / "result.nc")
    assert not from_files([tmp_path / "result.nc"]).networks
    network.save(tmp_path / "mine.npz")
    assert from_files([tmp_path / "result.nc"]).networks["small"].hash == network.hash
    shipped_one = pretrained.network("dense-mnist-optimized")
    results.save(dense_mnist(title="shipped").assign_attrs(network_hash=shipped_one.hash), tmp_path / "shipped.nc")
    assert from_files([tmp_path / "shipped.nc"]).networks["shipped"].hash == shipped_one.hash


def test_files_have_names_of_their_own(tmp_path):
    for name in ("a", "b"):
        results.save(dense_mnist(title="same"), tmp_path / f"{name}.nc")
    results.save(dense_mnist(title=""), tmp_path / "c.nc")
    assert list(from_files([tmp_path / f"{name}.nc" for name in "abc"]).results) == ["same", "same (2)", "c"]


def test_a_tracked_optimisation_is_before_and_after(tmp_path, recorded, network, history):
    store = Store(tmp_path / "runs")
    run_id = store.create("optimize", "my search", spec={"kind": "optimize", "options": {}})
    kept = Folder(store.home, run_id)
    kept.make()
    handle = kept.claim()
    recorder = Recorder(store, run_id)
    for name in ("start.nc", "result.nc"):
        recorder.file(results.save(recorded, tmp_path / name), name)
    recorder.file(network.save(tmp_path / "network.npz"), "network.npz")
    history.to_csv(tmp_path / "history.csv")
    recorder.file(tmp_path / "history.csv", "history.csv")
    assert recorder.close() == ""
    store.set_status(run_id, "FINISHED")
    lock.release(handle)

    found = from_files([run_id[:8]], tracking_uri=tmp_path / "runs")
    assert list(found.results) == ["before", "after"]
    assert list(found.networks) == ["after"]
    assert len(found.history) == len(history)
    assert f"after: run {run_id}" in found.origin
    with pytest.raises(InputError, match="must be a run of"):
        from_files(["f" * 32], tracking_uri=tmp_path / "runs")
    with pytest.raises(InputError, match="neither file nor folder"):
        from_files(["f" * 32], tracking_uri=tmp_path / "none")


def test_a_trainings_history_is_no_searchs(folder):
    (folder / "history.csv").write_text("epoch,loss\n0,1.5\n")
    assert from_files([folder]).history is None


def test_wrong_files_are_refused(folder, tmp_path):
    with pytest.raises(InputError, match="not a file"):
        from_files([tmp_path / "no.nc"])
    with pytest.raises(InputError, match="by its hash"):
        from_files([folder], network="dense-mnist-optimized")
    with pytest.raises(InputError, match="`network` must come with"):
        from_files([], network="dense-mnist-optimized")
    with pytest.raises(InputError, match="CSV"):
        from_files([folder], grid=tmp_path / "no.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="CSV"):
        from_files([folder], history=tmp_path / "empty.csv")


def test_benchmarks(tmp_path):
    row = {"label": "snnviz, event", "seconds": {"median": 0.5}, "items": 100}
    missing = {"label": "sinabs", "missing": "not installed"}
    column = {"network": "dense-mnist", "target_items": 1000, "rows": [row, missing]}
    (tmp_path / "table.json").write_text(json.dumps({"columns": [column]}))
    for path in (tmp_path, tmp_path / "table.json"):
        assert runtimes(path) == {("snnviz, event", "dense-mnist"): pytest.approx(5.0)}
    (tmp_path / "table.json").write_text("{}")
    with pytest.raises(InputError, match="lacking 'columns'"):
        runtimes(tmp_path)
    with pytest.raises(InputError, match="not there"):
        runtimes(tmp_path / "no.json")


def test_shipped_models(tmp_path):
    found = shipped(60, search=False)
    assert list(found.results) == ["before", "after"]
    assert found.results["after"].attrs["network_hash"] == pretrained.network("dense-mnist-optimized").hash
    assert found.images.shape == (60, 28, 28, 1)
    assert np.array_equal(found.results["before"]["spikes_input"].shape, (16, 50, 784))
    lacking = {name for name, figure in FIGURES.items() if figure.lacks(found)}
    told = promised("dense-mnist", traces=True, search=False)
    assert lacking == {name for name, figure in FIGURES.items() if figure.lacks(told)}
    assert lacking == {
        "optimization-history",
        "evaluations",
        "lambda-grid",
        "exit-steps",
        "event-stream",
        "settings-tried",
    }
    # the last network is the optimised one, and the search began with the heuristic one: scales there are
    make(found, tmp_path, ["scales", "figure-b", "membranes"], formats=["png"], dpi=40, progress=False)
    after = found.networks["after"]
    learned = replace(after, metadata={**after.metadata, "optimization": {"method": "weights"}})
    assert "weights" in FIGURES["scales"].lacks(replace(found, networks={**found.networks, "after": learned}))


def test_shipped_models_have_the_names_of_the_classes(monkeypatch):
    load, names = datasets.load, tuple("abcdefghij")
    monkeypatch.setattr(datasets, "load", lambda *args, **kwargs: replace(load(*args, **kwargs), class_names=names))
    found = shipped(5, traces=False, search=False)
    told = promised("dense-mnist", traces=False, search=False)
    assert all(figure.lacks(found) == figure.lacks(told) for figure in FIGURES.values())
    assert tuple(found.results["before"]["class"].values) == names


@pytest.mark.parametrize("model", ["dense-mnist", pytest.param("conv-mnist", marks=pytest.mark.slow)])
def test_a_search_began_with_the_start_that_is_shown(model):
    found = shipped(20, model, traces=False, search=False).networks
    assert found["start"].metadata["scales"] == pytest.approx(found["after"].metadata["scales"], rel=1e-4)


@pytest.mark.slow
def test_all_figures_of_the_shipped_models_take_less_than_two_minutes(tmp_path):
    import time

    began = time.perf_counter()
    done = make(shipped(), tmp_path)
    assert time.perf_counter() - began < 120
    assert set(done.left_out) == {"lambda-grid", "exit-steps", "event-stream", "settings-tried"}


def test_own_data_give_the_images_of_figure_b(tmp_path, images, recorded):
    labels = recorded["label"].values
    np.savez(tmp_path / "mine.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    shifted = (labels + 1) % 3
    np.savez(tmp_path / "other.npz", x_train=images, y_train=shifted, x_test=images, y_test=shifted)
    results.save(recorded.assign_attrs(dataset="elsewhere"), tmp_path / "result.nc")
    assert from_files([tmp_path / "result.nc"]).images is None
    found = from_files([tmp_path / "result.nc"], data=tmp_path / "mine.npz")
    assert np.allclose(found.images, np.asarray(images).reshape(found.images.shape))
    assert not FIGURES["figure-b"].lacks(found)
    results.save(recorded.assign_attrs(dataset="mine"), tmp_path / "result.nc")
    assert from_files([tmp_path / "result.nc"]).images is not None, "it lies beside the result, under its name"
    with pytest.raises(InputError, match="`data` must be what the results were simulated on"):
        from_files([tmp_path / "result.nc"], data=tmp_path / "other.npz")
    with pytest.raises(InputError, match="`data` must come with a result"):
        from_files([], data="mnist")
