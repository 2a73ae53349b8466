"""What would not fit into memory is refused before it is taken."""

import multiprocessing

import numpy as np
import pytest
from PIL import Image

import snnviz
from snnviz import InputError, _backend, _memory, datasets
from snnviz.simulation import driver


def test_recording_more_than_memory_is_refused_before_anything_runs(monkeypatch) -> None:
    network = snnviz.pretrained.network("dense-mnist-optimized")
    images = datasets.load("mnist", limit=50)
    monkeypatch.setattr(_memory, "available", lambda: 2**20)
    monkeypatch.setattr(driver, "make_engine", None)  # never reached
    wanted = snnviz.Record(potentials=network.layer_names, items=50)
    with pytest.raises(InputError, match=r"GiB"):
        snnviz.simulate(network, images.x, images.y, 50, engine="event", record=wanted, progress=False)


def test_available_memory_is_some() -> None:
    assert _memory.available() > 2**20


def test_labels_beyond_any_data_set_are_refused(tmp_path) -> None:
    x = np.zeros((2, 4), np.float32)
    y = np.array([0, 10**12])
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    with pytest.raises(InputError, match="class indices below"):
        datasets.load(tmp_path / "d.npz")


def test_arrays_larger_than_memory_are_refused_unread(tmp_path, monkeypatch) -> None:
    np.savez_compressed(tmp_path / "d.npz", x_test=np.zeros((1000, 100), np.float32), y_test=np.zeros(1000, int))
    monkeypatch.setattr(datasets.formats, "available", lambda: 1000)
    with pytest.raises(InputError, match="must fit into memory"):
        datasets.load(tmp_path / "d.npz")


def test_pictures_that_claim_to_be_huge_are_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "a").mkdir()
    Image.new("L", (40, 40)).save(tmp_path / "a" / "0.png")
    monkeypatch.setattr(datasets.folders, "MOST_PIXELS", 1000)
    with pytest.raises(InputError, match="at most 1000 pixels"):
        datasets.load(tmp_path)


def _use_in_child() -> str:
    try:
        _backend.use()
    except InputError as refusal:
        return str(refusal)
    return "used"


def test_a_forked_process_is_told_instead_of_waiting_for_ever(monkeypatch) -> None:
    monkeypatch.setattr(_backend, "_USED_BY", -1)  # as in a child of a process that used it
    assert "spawn" in _use_in_child()
    monkeypatch.setattr(_backend, "_USED_BY", None)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_use_in_child) == "used"


def test_parts_of_the_time_are_kept_apart() -> None:
    images = datasets.load("mnist", limit=20)
    network = snnviz.pretrained.network("dense-mnist-optimized")
    result = snnviz.simulate(network, images.x, images.y, 5, progress=False)
    parts = [result.attrs[name] for name in ("engine_choice_s", "engine_start_s", "wall_time_s", "ann_s")]
    assert all(part >= 0 for part in parts)
