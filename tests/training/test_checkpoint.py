import json

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.training.checkpoint import Checkpoint, load
from snnviz.training.loop import _check_fit

SAVED = Checkpoint(
    settings={"recipe": {"seed": 1}},
    history=[{"epoch": 1, "loss": 0.1 + 0.2, "accuracy": 0.5}],
    model=[np.arange(3, dtype=np.float32), np.array(2, np.int32)],
    optimizer=[np.array(0.1, np.float32)],
    best=[np.ones((2, 2), np.float32)],
)


def test_round_trip_to_the_bit(tmp_path):
    SAVED.save(tmp_path / "c.npz")
    found = load(tmp_path / "c.npz")
    assert (found.settings, found.history) == (SAVED.settings, SAVED.history)
    for group in ("model", "optimizer", "best"):
        for a, b in zip(getattr(found, group), getattr(SAVED, group), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]  # no temporary file is left


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path):
    SAVED.save(tmp_path / "c.npz")
    broken = Checkpoint(settings={"not JSON": object()}, history=[], model=[], optimizer=[], best=[])
    with pytest.raises(TypeError):
        broken.save(tmp_path / "c.npz")
    assert load(tmp_path / "c.npz").history == SAVED.history
    assert [path.name for path in tmp_path.iterdir()] == ["c.npz"]


def test_damaged_files_are_refused_in_a_sentence(tmp_path):
    path = tmp_path / "c.npz"
    SAVED.save(path)
    whole = path.read_bytes()
    for damaged in (b"", b"nonsense", whole[: len(whole) // 2], whole[:200] + bytes(40) + whole[240:]):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match="must be a checkpoint"):
            load(path)
    np.savez(path, header=np.array('{"format": "other", "version": 1}'))
    with pytest.raises(InputError, match="format 'other'"):
        load(path)
    np.savez(path, header=np.array([object()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="must be a checkpoint"):
        load(path)


def test_no_file_is_not_a_damaged_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.npz")


def test_arrays_that_fit_no_variable_are_refused_before_anything_is_taken(tmp_path):
    class Variable:
        path, shape = "dense/kernel", (2, 3)

    for values, message in (
        ([], "1 arrays for this model"),
        ([np.zeros((3, 2), np.float32)], r"shape \(2, 3\) for dense/kernel"),
        ([np.full((2, 3), "a")], "numbers"),
    ):
        with pytest.raises(InputError, match=message):
            _check_fit([Variable()], values)


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("settings", 3), ("settings", {"recipe": None}), ("history", None), ("history", {}), ("history", [{"epoch": 1}]),
        ("history", [{"epoch": None, "loss": 1, "accuracy": 1}]), ("counts", {"model": 10**12, "optimizer": 0, "best": 0}),
        ("counts", 3),
    ],
)  # fmt: skip
def test_a_header_is_checked(tmp_path, entry, value):
    path = tmp_path / "c.npz"
    SAVED.save(path)
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    arrays["header"] = np.array(json.dumps({**json.loads(str(arrays["header"])), entry: value}))
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="must be a checkpoint"):
        load(path)


def test_random_damage_is_refused_or_does_no_harm(tmp_path):
    SAVED.save(tmp_path / "c.npz")
    whole, rng = (tmp_path / "c.npz").read_bytes(), np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = rng.integers(256)
        (tmp_path / "c.npz").write_bytes(damaged)
        try:
            found = load(tmp_path / "c.npz")
        except InputError:
            refused += 1
            continue
        assert (found.settings, found.history) == (SAVED.settings, SAVED.history)
        for group in ("model", "optimizer", "best"):
            assert all(map(np.array_equal, getattr(found, group), getattr(SAVED, group)))
    assert refused > 100
