"""Evaluators: one process, several, a cluster; and what happens when one of them dies."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.optimization import optimize, workers
from snnviz.optimization.problem import Problem
from snnviz.optimization.workers import Dask, Local, Processes, _jobs, make_evaluator


@pytest.fixture
def problem(toy, toy_data):
    return Problem(toy, *toy_data, steps=30, per="channel")


@pytest.fixture
def vectors(problem):
    rng = np.random.default_rng(0)
    return [rng.normal(0, 0.3, problem.space.size) for _ in range(6)]


def until(condition, seconds=280.0):
    """Wait for `condition()` to be true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def numbers(counts):
    return [(each.correct.tolist(), each.events.tolist(), each.items) for each in counts]


@pytest.mark.parametrize(("candidates", "count"), [(1, 2), (2, 2), (3, 2), (7, 2), (8, 2), (1, 5), (9, 4)])
def test_jobs_cover_every_item_of_every_candidate_once(candidates, count):
    seen = np.zeros((candidates, 11), int)
    for candidate, start, stop in _jobs(candidates, 11, count):
        seen[candidate, start:stop] += 1
    assert (seen == 1).all()
    assert len(_jobs(candidates, 11, count)) >= min(count, candidates * 11)


def test_shards_count_what_the_whole_counts(problem, vectors):
    whole = problem.count(vectors[0])
    assert numbers([problem.count(vectors[0], 0, 13) + problem.count(vectors[0], 13)]) == numbers([whole])


def test_counts_are_the_simulations(problem, vectors):
    from snnviz.simulation import simulate

    result = simulate(problem.space.apply(vectors[1]), problem.x, problem.y, 30, engine="event", progress=False)
    counts = problem.count(vectors[1])
    np.testing.assert_allclose(counts.correct / counts.items, result["accuracy"])
    np.testing.assert_allclose(counts.events / counts.items, result["synaptic_events"].sum("layer"))


def test_keys_are_of_the_content(problem, toy, toy_data, vectors):
    x, y = toy_data
    same = Problem(toy, x.copy(), y.copy(), steps=30, per="channel")
    assert same.key(vectors[0].copy()) == problem.key(vectors[0])
    others = (
        Problem(toy, x, y, steps=31),
        Problem(toy, x * np.float32(0.5), y, steps=30),
        Problem(toy, x, (y + 1) % 3, steps=30),
        Problem(toy.scaled([1.1, 1, 1]), x, y, steps=30),
    )
    assert len({problem.hash, *(other.hash for other in others)}) == 5
    assert problem.key(vectors[0] + 1e-12) != problem.key(vectors[0])


def test_processes_count_as_one_does(problem, vectors):
    with Processes(problem, 2) as two:
        assert numbers(two.counts(vectors)) == numbers(Local(problem).counts(vectors))
        assert numbers(two.counts(vectors[:1])) == numbers(Local(problem).counts(vectors[:1]))


def test_a_worker_killed_midway_costs_no_evaluation(problem, vectors):
    many = vectors * 10
    wanted = numbers(Local(problem).counts(many))
    with Processes(problem, 2) as two:
        two.counts(vectors[:2])  # both are up
        victim = next(iter(two._pool._processes))
        timer = threading.Timer(0.02, os.kill, (victim, signal.SIGKILL))
        timer.start()
        found = numbers(two.counts(many))
        timer.join()
        until(lambda: two._pool._broken or victim not in (two._pool._processes or {}))  # its death has been noticed
        assert numbers(two.counts(vectors)) == wanted[:6]  # whether it died during or after the first call
        assert victim not in (two._pool._processes or {})
    assert found == wanted


def _dies(*_):
    os._exit(1)


def test_workers_that_all_die_are_reported(problem, vectors, monkeypatch):
    monkeypatch.setattr(workers, "_count", _dies)
    monkeypatch.setattr(workers, "MAX_LOSSES", 2)
    with Processes(problem, 1) as evaluator, pytest.raises(RuntimeError, match="died"):
        evaluator.counts(vectors[:1])


def test_dask_survives_the_loss_of_a_worker(problem, vectors):
    distributed = pytest.importorskip("distributed")
    many = [vector + 1e-3 * shift for shift in range(8) for vector in vectors]
    wanted = numbers(Local(problem).counts(many))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
        ) as cluster,
        Dask(problem, cluster.scheduler_address) as evaluator,
    ):
        assert numbers(evaluator.counts(vectors)) == numbers(Local(problem).counts(vectors))
        victim = next(iter(cluster.workers.values())).pid
        timer = threading.Timer(0.1, os.kill, (victim, signal.SIGKILL))
        timer.start()
        assert numbers(evaluator.counts(many)) == wanted
        timer.join()


def test_a_search_on_a_cluster_that_loses_a_worker_ends_where_it_would_have(toy, toy_data, monkeypatch):
    distributed = pytest.importorskip("distributed")
    arguments = {"method": "cmaes", "steps": 30, "budget_evaluations": 60, "seed": 2, "progress": False}
    wanted = optimize(toy, *toy_data, **arguments)
    counts, calls = Dask.counts, []
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        victim = next(iter(cluster.workers.values())).pid

        def losing_one(self, vectors):
            calls.append(len(vectors))
            if len(calls) == 3:  # midway, with this generation's tasks on their way
                threading.Timer(0.02, os.kill, (victim, signal.SIGKILL)).start()
            return counts(self, vectors)

        monkeypatch.setattr(Dask, "counts", losing_one)
        found = optimize(toy, *toy_data, **arguments, scheduler=cluster.scheduler_address)
    assert len(calls) > 4
    np.testing.assert_array_equal(found.vector, wanted.vector)
    assert found.network.hash == wanted.network.hash
    columns = ["stage", "loss", "peak_accuracy", "latency", "power"]
    assert found.history[columns].equals(wanted.history[columns])


def test_mistakes_are_answered(problem, toy, toy_data):
    with pytest.raises(InputError, match="workers"):
        make_evaluator(problem, 0)
    with pytest.raises(InputError, match="at least one item"):
        Problem(toy, toy_data[0][:0], toy_data[1][:0])
    with pytest.raises(InputError, match="engine"):
        Problem(toy, *toy_data, engine="auto")


def test_no_scheduler_at_the_address(problem):
    pytest.importorskip("distributed")
    with pytest.raises(InputError, match="scheduler"):
        make_evaluator(problem, scheduler="not an address")
