"""Who evaluates: this process, worker processes on this machine, or the workers of a dask.distributed cluster.

All give the same counts, bit for bit: items are independent and what is counted is whole numbers. A worker that dies loses no
evaluation; its share is done again by another.
"""

from __future__ import annotations

import itertools
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool

import numpy as np

from snnviz import _checks as check
from snnviz import _processes
from snnviz._cluster import Cluster
from snnviz.optimization.objective import Counts
from snnviz.optimization.problem import Problem

Job = tuple[int, int, int]
"""(candidate, first item, one beyond the last item)."""

MAX_LOSSES = 5
"""Workers that may die without any job getting done in between, before the machine is taken to be at fault."""


class Evaluator(ABC):
    """Evaluates candidates of a problem; a context manager that owns its workers."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @property
    def at_once(self) -> int:
        """How many candidates keep the workers busy."""
        return 1

    @abstractmethod
    def counts(self, vectors: Sequence[np.ndarray]) -> list[Counts]:
        """The counts of each vector over all items of the problem."""

    def close(self) -> None:
        """Let go of the workers. Nothing happens the second time."""
        return

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Local(Evaluator):
    """Evaluates in this process, with the engine's own threads."""

    def counts(self, vectors: Sequence[np.ndarray]) -> list[Counts]:
        return [self.problem.count(vector) for vector in vectors]


def _jobs(candidates: int, items: int, workers: int) -> list[Job]:
    """Whole candidates if there are enough to keep the workers busy, shards of the items if there are not."""
    shards = 1 if candidates % workers == 0 or candidates >= 4 * workers else workers
    edges = np.linspace(0, items, min(shards, items) + 1).astype(int)
    return [
        (candidate, int(start), int(stop))
        for candidate in range(candidates)
        for start, stop in itertools.pairwise(edges)
    ]


def _gathered(candidates: int, done: dict[Job, Counts]) -> list[Counts]:
    totals: list[Counts | None] = [None] * candidates
    for (candidate, _, _), counts in done.items():
        before = totals[candidate]
        totals[candidate] = counts if before is None else before + counts
    return [total for total in totals if total is not None]


_problem: Problem | None = None


def _receive(problem: Problem) -> None:
    """In a worker process, once: keep the problem."""
    global _problem
    _problem = problem


def _count(vector: np.ndarray, start: int, stop: int, threads: int) -> Counts:
    if _problem is None:
        raise RuntimeError("a worker was asked to count before it got its problem")
    return _problem.count(vector, start, stop, threads)


class Processes(Evaluator):
    """Worker processes on this machine, started afresh ("spawn"), which share its processors evenly.

    Args:
        problem: what to evaluate.
        workers: number of processes.
    """

    def __init__(self, problem: Problem, workers: int) -> None:
        super().__init__(problem)
        self.workers = check.integer("workers", workers, 1)
        self._threads = max(1, (os.cpu_count() or 1) // workers)
        self._pool: ProcessPoolExecutor | None = None

    @property
    def at_once(self) -> int:
        return self.workers

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._pool = _processes.start(self.workers, self._threads, _receive, self.problem)
        return self._pool

    def counts(self, vectors: Sequence[np.ndarray]) -> list[Counts]:
        jobs = _jobs(len(vectors), len(self.problem.x), self.workers)
        done: dict[Job, Counts] = {}
        losses = 0
        while len(done) < len(jobs):
            before = len(done)
            try:
                pool = self._started()
                futures = {
                    pool.submit(_count, vectors[job[0]], job[1], job[2], self._threads): job
                    for job in jobs
                    if job not in done
                }
                for future in as_completed(futures):
                    done[futures[future]] = future.result()
            except BrokenProcessPool as error:
                # one death breaks the whole pool: keep what is done, start anew for the rest
                for future, job in futures.items():
                    if future.done() and future.exception() is None:
                        done[job] = future.result()
                self.close()
                losses = losses + 1 if len(done) == before else 0
                if losses >= MAX_LOSSES:
                    raise RuntimeError(
                        f"{losses} worker processes died in a row without finishing an evaluation; memory may be short, or "
                        "the script that calls `optimize` with workers lacks an `if __name__ == '__main__':` guard"
                    ) from error
        return _gathered(len(vectors), done)

    def close(self) -> None:
        if self._pool is not None:
            _processes.stop(self._pool)
            self._pool = None


def _count_remotely(problem: Problem, vector: np.ndarray, start: int, stop: int) -> Counts:
    return problem.count(vector, start, stop, threads=1)


class Dask(Evaluator):
    """Workers of a dask.distributed cluster; each task uses one processor.

    Args:
        problem: what to evaluate.
        scheduler: its address, such as "tcp://10.0.0.5:8786".

    Raises:
        InputError: as `snnviz._cluster.Cluster`.
    """

    def __init__(self, problem: Problem, scheduler: str) -> None:
        super().__init__(problem)
        self._cluster = Cluster(scheduler)
        self._problem = self._cluster.keep(problem, f"snnviz-problem-{problem.hash}")

    @property
    def at_once(self) -> int:
        return self._cluster.processors

    def counts(self, vectors: Sequence[np.ndarray]) -> list[Counts]:
        jobs = _jobs(len(vectors), len(self.problem.x), self.at_once)
        answers = self._cluster.map(
            _count_remotely,
            [(self._problem, vectors[candidate], start, stop) for candidate, start, stop in jobs],
            [f"snnviz-{self.problem.key(vectors[candidate])}-{start}-{stop}" for candidate, start, stop in jobs],
        )
        return _gathered(len(vectors), dict(zip(jobs, answers, strict=True)))

    def close(self) -> None:
        self._cluster.close()


def make_evaluator(problem: Problem, workers: int = 1, scheduler: str | None = None) -> Evaluator:
    """The evaluator for a number of worker processes, or for the cluster at `scheduler`."""
    check.integer("workers", workers, 1)
    if scheduler is not None:
        return Dask(problem, scheduler)
    return Local(problem) if workers == 1 else Processes(problem, workers)
