"""A store that cannot be used costs the record of the work, and not the work."""

import contextlib
import functools
import sqlite3

import pytest

from snnviz import InputError, cli, jobs, load_network, load_result
from snnviz.errors import StoreError
from snnviz.jobs.work import simulate
from snnviz.runs import Recorder, Store, _mlflow

AWAY = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(_mlflow, "LOCKED_SECONDS", 0)
    # what is said of a store while the work goes on: not on a slow machine either
    monkeypatch.setattr("snnviz.jobs.job._NOTICE_SECONDS", 600.0)
    monkeypatch.setattr(Recorder, "close", functools.partialmethod(Recorder.close, 0.3))


@contextlib.contextmanager
def locked(store):
    with contextlib.closing(sqlite3.connect(store.place.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


def test_a_command_saves_what_came_out_and_says_so_in_one_line(network, data, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = ["simulate", network, "--data", data, "--steps", "3", "--track", "--tracking-uri", AWAY, "--out", "r.nc"]
    assert cli.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("snnviz simulate: the runs in http://127.0.0.1:9 could not be used: no server answers there")
    assert load_result("r.nc").sizes["time"] == 3


def test_a_search_does_too(search, tmp_path):
    out = tmp_path / "better.npz"
    with pytest.raises(StoreError, match="no server answers"):
        jobs.run(search(5, out=str(out)), store=Store(AWAY))
    assert load_network(out).metadata["optimization"]["evaluations"] == 5


def test_a_training_does_too(tmp_path):
    out = tmp_path / "model.keras"
    options = {"architecture": "dense-mnist-pooled", "limit": 60, "validation": 10, "out": str(out)}
    with pytest.raises(StoreError, match="no server answers"):
        jobs.run({"kind": "train", "options": options | {"epochs": [1], "learning_rate": [0.1]}}, store=Store(AWAY))
    assert out.exists()


def test_without_a_file_to_write_nothing_is_begun(network, data, monkeypatch):
    monkeypatch.setattr(simulate, "simulate", None)
    with pytest.raises(StoreError, match="no server answers"):
        jobs.run({"kind": "simulate", "options": {"network": network, "data": data}}, store=Store(AWAY))


@pytest.mark.parametrize("when", ["before", "midway"])
def test_a_store_that_is_locked(network, data, tmp_path, monkeypatch, when):
    store, out, compute = Store(tmp_path / "runs"), tmp_path / "r.nc", simulate.simulate
    _mlflow.create_sqlite(store.place.database)
    spec = {"kind": "simulate", "options": {"network": network, "data": data, "steps": 3, "out": str(out)}}
    with contextlib.ExitStack() as stack:

        def computed(*arguments, **options):
            if when == "midway":
                stack.enter_context(locked(store))
            return compute(*arguments, **options)

        monkeypatch.setattr(simulate, "simulate", computed)
        if when == "before":
            stack.enter_context(locked(store))
        with pytest.raises(StoreError, match="another process keeps the database locked"):
            jobs.run(spec, store=store)
    assert load_result(out).sizes["time"] == 3
    assert [run.status for run in store.list()] == ([] if when == "before" else ["FAILED"])


def test_long_work_says_early_that_it_is_not_recorded(search, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(jobs.job, "_NOTICE_SECONDS", 0.0)
    with pytest.raises(InputError):
        jobs.run(search(5, out=str(tmp_path / "better.npz")), store=Store(AWAY))
    assert "this run is not recorded, but what comes out will be saved: the runs in" in capsys.readouterr().err
