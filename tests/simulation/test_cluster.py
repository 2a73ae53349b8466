"""Simulation on the workers of a dask cluster: the result is that of this machine, for any number of workers."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from snnviz import Record, simulate
from snnviz.errors import InputError
from snnviz.simulation import cluster
from tests.parity.networks import KINDS

distributed = pytest.importorskip("distributed")
ITEMS, STEPS = 11, 6


@pytest.fixture
def network():
    return KINDS["conv same"](seed=3)


@pytest.fixture
def items(network):
    rng = np.random.default_rng(2)
    x = rng.integers(0, 9, (ITEMS, *network.input_shape)).astype(np.float32) / 8
    return x, rng.integers(0, network.classes, ITEMS)


@pytest.fixture(scope="module")
def scheduler():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as local:
        yield local


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(cluster, "PART", 2)
    monkeypatch.setattr(cluster, "WAITING", 2)


@pytest.mark.parametrize(
    "options",
    [
        {"engine": "event"},
        {"engine": "event", "stop": 0.6},
        {"engine": "event", "input": "poisson", "delay": 1, "seed": 4},
    ],
    ids=str,
)
def test_the_result_is_that_of_this_machine(network, items, scheduler, options):
    record = Record(logits=True, events=True, spikes=network.firing_names, potentials=network.layer_names, items=5)
    given = {"record": record, "progress": False, **options}
    here = simulate(network, *items, STEPS, **given)
    there = simulate(network, *items, STEPS, scheduler=scheduler.scheduler_address, **given)
    assert here.identical(there.assign_attrs(here.attrs))
    assert there.attrs["engine"] == "event"
    assert "distributed" in there.attrs["versions"]


def test_a_lost_worker_loses_nothing(network, items, scheduler, monkeypatch):
    x, y = (np.concatenate([part] * 20) for part in items)
    here = simulate(network, x, y, STEPS, engine="event", progress=False)
    victim = next(iter(scheduler.workers.values())).pid
    run, calls = cluster.ClusterEngine.run, []

    def losing_one(self, *arguments, **named):
        calls.append(1)
        if len(calls) == 3:  # midway, with its tasks on their way
            threading.Timer(0.02, os.kill, (victim, signal.SIGKILL)).start()
        return run(self, *arguments, **named)

    monkeypatch.setattr(cluster.ClusterEngine, "run", losing_one)
    there = simulate(network, x, y, STEPS, engine="event", progress=False, scheduler=scheduler.scheduler_address)
    assert len(calls) > 4
    assert here.identical(there.assign_attrs(here.attrs))


def test_what_a_cluster_cannot_do_is_one_sentence(network, items):
    with pytest.raises(InputError, match="`scheduler` must be the address of a running dask scheduler"):
        simulate(network, *items, STEPS, engine="event", scheduler="not an address")
    with pytest.raises(InputError, match="`engine` must be among auto, graph, event on a cluster"):
        simulate(network, *items, STEPS, engine=lambda *_: None, scheduler="tcp://127.0.0.1:1")
