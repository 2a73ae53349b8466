import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.training.checkpoint import Checkpoint, load

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
