"""A store whose folder was moved or copied: MLflow keeps whole paths in its database."""

import shutil
import sqlite3

import pytest

from snnviz.runs import Store


@pytest.fixture
def first(tmp_path):
    """A store with a run that left a file, and the run's id; whoever made it has ended."""
    store = Store(tmp_path / "first")
    run_id = left(store, "a run")
    store.client._tracking_client.store.engine.dispose()  # which writes the log into the database
    return store, run_id


def left(store, name):
    run_id = store.create("simulate", name)
    file = store.home.parent / "result.nc"
    file.write_text(name)
    store.client.log_artifact(run_id, str(file))
    store.set_status(run_id, "FINISHED")
    return run_id


def test_a_moved_store_brings_its_files_along(first, tmp_path):
    store, run_id = first
    shutil.move(store.home, tmp_path / "second")
    moved = Store(tmp_path / "second")
    assert moved.file(run_id, "result.nc").read_text() == "a run"
    another = left(moved, "another")
    assert moved.file(another, "result.nc").is_relative_to(tmp_path / "second")
    assert not store.home.exists(), "nothing is written where it was"


def test_a_copy_and_what_it_was_copied_from_have_their_own(first, tmp_path):
    store, run_id = first
    shutil.copytree(store.home, tmp_path / "copy")
    copy = Store(tmp_path / "copy")
    another = left(copy, "another")
    assert {copy.file(each, "result.nc").is_relative_to(copy.home) for each in (run_id, another)} == {True}
    assert store.file(run_id, "result.nc").is_relative_to(store.home)
    assert len(store.list()) == 1


def test_files_that_lie_elsewhere_on_purpose_stay_there(first, tmp_path):
    store, run_id = first
    (tmp_path / "alone").mkdir()
    shutil.copy(store.home / "mlflow.db", tmp_path / "alone")
    assert Store(tmp_path / "alone").file(run_id, "result.nc").is_relative_to(store.home)


def test_nobody_waits_for_a_store_that_cannot_be_written(first, tmp_path, monkeypatch):
    store, run_id = first
    shutil.copytree(store.home, tmp_path / "copy")
    connect = sqlite3.connect

    def for_reading(path, *arguments, **options):
        return connect(f"file:{path}?mode=ro", *arguments, uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", for_reading)
    assert Store(tmp_path / "copy").get(run_id).name == "a run"
