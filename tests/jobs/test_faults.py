"""SIGKILL at random moments, of the job and of the server that launched it: no run is lost, no store is corrupted, and a resumed
run ends as one that was never cut off, with the same network and the same record of every step."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from snnviz import jobs
from snnviz.runs import Folder, Store

SERVER = """
import json, sys, time
from snnviz import dashboard
from snnviz.runs import Store
workspace = dashboard.Workspace(store=Store(sys.argv[2]))
with dashboard.Serving(workspace):
    print("serving", flush=True)
    workspace.launch(json.loads(sys.argv[1]))
    time.sleep(1e4)
"""
"""Serves the pages and launches what a page's button would."""


class Trial:
    """A kind of job with its undisturbed outcome."""

    def __init__(self, store, spec, columns):
        self.store, self.spec, self.columns = store, spec, columns
        began = time.monotonic()
        self.whole = jobs.launch(spec, store=store)
        assert jobs.wait(self.whole, 600, store=store).status == "FINISHED", jobs.tail(self.whole, store=store)
        self.seconds = time.monotonic() - began

    def check_same(self, run_id):
        """The outcome is that of the undisturbed run."""
        store = self.store
        assert store.network(run_id).hash == store.network(self.whole).hash
        assert store.history(run_id, self.columns).equals(store.history(self.whole, self.columns))
        points = store.client.get_metric_history(run_id, self.columns[0])
        assert len({point.step for point in points}) == len(points)
        assert store.artifacts(run_id) == store.artifacts(self.whole)
        if "model.keras" in store.artifacts(run_id):
            assert _weights(store.file(run_id, "model.keras")) == _weights(store.file(self.whole, "model.keras"))


def _weights(path):
    from snnviz.conversion import load_keras

    return [variable.numpy().tobytes() for variable in load_keras(path).variables]


def whole_store(store):
    """The database is sound and every run in it says what became of it."""
    connection = sqlite3.connect(store.place.database)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
    for run in store.list():
        assert run.status in ("FINISHED", "KILLED") or run.resumable, run


def killed_job_round(trial, chance):
    """Kill the job's process at a random moment of its life, maybe again after it was resumed, then let it end."""
    store = trial.store
    run_id = jobs.launch(trial.spec, store=store)
    for _ in range(chance.choice((1, 2))):
        time.sleep(chance.uniform(0, trial.seconds))
        folder = Folder(store.home, run_id)
        pid = folder.get("state").get("pid")
        if pid is None or not folder.alive():
            continue
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 600
        while store.get(run_id).status not in ("FAILED", "FINISHED"):
            assert time.monotonic() < end
            time.sleep(0.05)
        whole_store(store)
        if store.get(run_id).status == "FAILED":
            jobs.resume(run_id, store=store)
    run = jobs.wait(run_id, 600, store=store)
    assert run.status == "FINISHED", (run.reason, jobs.tail(run_id, store=store))
    trial.check_same(run_id)


def killed_server_round(trial, chance):
    """Kill the server of the pages at a random moment; what it had begun ends, or can be resumed, and none is forgotten."""
    store = trial.store
    before = {run.id for run in store.list()}
    command = [sys.executable, "-c", SERVER, json.dumps(trial.spec), str(store.home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout.readline()
        time.sleep(chance.uniform(0, trial.seconds))
        server.kill()
    began = [run.id for run in store.list() if run.id not in before]
    assert len(began) <= 1
    for run_id in began:
        end = time.monotonic() + 600
        while (run := store.get(run_id)).active:
            assert time.monotonic() < end
            time.sleep(0.1)
        if run.status == "FAILED":
            jobs.resume(run_id, store=store)
            run = jobs.wait(run_id, 600, store=store)
        assert run.status == "FINISHED", (run.reason, jobs.tail(run_id, store=store))
        trial.check_same(run_id)
    whole_store(store)


def optimisation(store, search):
    return Trial(store, search(300, seed=3), ["loss", "best_loss", "held_out_power"])


def training(store):
    options = {
        "architecture": "dense-mnist-pooled", "limit": 600, "epochs": [60], "learning_rate": [0.05], "validation": 100
    }  # fmt: skip
    return Trial(store, {"kind": "train", "options": options}, ["loss", "val_loss", "val_accuracy"])


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_two_rounds(store, search):
    chance = random.Random(11)
    trial = optimisation(store, search)
    killed_job_round(trial, chance)
    killed_server_round(trial, chance)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_twenty_rounds(tmp_path, search):
    chance = random.Random(12)
    store = Store(tmp_path / "runs")
    trials = [optimisation(store, search), training(store)]
    for number in range(20):
        trial = trials[number % 2]
        (killed_server_round if number % 5 == 4 else killed_job_round)(trial, chance)
