"""Child processes that simulate on command, one for each row of a table.

All of them stay loaded while their runs are interleaved, so that what disturbs the machine disturbs every row alike.
The protocol is in `benchmarks.peers.common`.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import setup

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / "build" / "benchmarks"
PATIENCE_SECONDS = 600
"""For how long a worker may stay silent before its row is given up."""


class WorkerError(RuntimeError):
    """A worker could not do what it was told; the message is one line fit for a table's footnote."""


@dataclass(frozen=True)
class Row:
    """A simulator with one way of using it.

    Attributes:
        name: what `--rows` takes.
        label: what the table shows.
        script: a file of benchmarks/peers, or a module of `benchmarks` that runs in this environment ("engine").
        environment: the peer's environment (`benchmarks.peers.setup`), "" for this one.
        options: what the worker is told on top of the case.
        batch: items at once, by case; the worker's own choice where nothing stands.
        items: fewer items than the case has, by case, for slow simulators.
        note: what differs from the others, for the table.
    """

    name: str
    label: str
    script: str
    environment: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    batch: Mapping[str, int] = field(default_factory=dict)
    items: Mapping[str, int] = field(default_factory=dict)
    note: str = ""

    @property
    def counts(self) -> bool:
        """Whether it counts synaptic events."""
        return bool(self.options.get("count", True))


class Worker:
    """A child process that answers commands.

    Args:
        row: what to start.
        threads: cores it may use.

    Raises:
        WorkerError: if its environment is not there.
    """

    def __init__(self, row: Row, threads: int = 2) -> None:
        self.row = row
        if row.environment:
            if not setup.ready(row.environment):
                raise WorkerError(f"environment not set up; run: python -m benchmarks.peers.setup {row.environment}")
            command = [str(setup.python_of(row.environment)), str(ROOT / "benchmarks" / "peers" / row.script)]
        else:
            command = [sys.executable, "-m", f"benchmarks.{row.script}"]
        (WORK / "logs").mkdir(parents=True, exist_ok=True)
        self._log = WORK / "logs" / f"{row.name}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=WORK if row.environment else ROOT,
                env=os.environ | _limits(threads),
            )

    def send(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Give a command and wait for its answer.

        Raises:
            WorkerError: if it fails, ends, or stays silent.
        """
        process = self._process
        try:
            process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise WorkerError(self._ended()) from None
        if not select.select([process.stdout], [], [], PATIENCE_SECONDS)[0]:
            process.kill()
            raise WorkerError(f"no answer within {PATIENCE_SECONDS} s")
        line = process.stdout.readline()
        if not line:
            raise WorkerError(self._ended())
        reply = json.loads(line)
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply

    def load(self, case: Case, **options: Any) -> dict[str, Any]:
        """Make the simulator ready for a case; `options` replace what the row says."""
        name = case.name
        arguments = {
            "case": str(case.path),
            "batch": self.row.batch.get(name),
            "items": min(self.row.items.get(name, case.items), case.items),
            **self.row.options,
            **options,
        }
        return self.send("load", **arguments)

    def answer(self) -> tuple[dict[str, Any], np.ndarray]:
        """What the last run gave: events, peak memory and so on, and the predictions (items, steps)."""
        file = WORK / f"predictions-{self.row.name}.npy"
        reply = self.send("answer", file=str(file))
        return reply, np.load(file)

    def close(self) -> None:
        """End the process, now."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def _ended(self) -> str:
        code = self._process.wait()
        lines = self._log.read_text(errors="replace").strip().splitlines()
        return f"ended with code {code}: {lines[-1] if lines else 'no message'}"


@dataclass(frozen=True)
class Case:
    """A case on disk (`benchmarks.case`).

    Attributes:
        name: of the network, a key of `Row.batch`.
        path: the file.
        items: how many it holds.
        steps: number of time steps.
    """

    name: str
    path: Path
    items: int
    steps: int


@dataclass
class Measured:
    """Times of one row for one case.

    Attributes:
        row: the row.
        seconds: wall time of each run.
        cpu_seconds: processor time of each run, all threads.
        replies: the worker's whole answer to each timed "run".
        items: items simulated in a run.
        loaded: the worker's answer to "load".
        answer: its answer to "answer".
        predictions: (items, steps).
        missing: why there is nothing, else "".
    """

    row: Row
    items: int = 0
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    loaded: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, Any] = field(default_factory=dict)
    predictions: np.ndarray | None = None
    missing: str = ""


@contextlib.contextmanager
def crew(rows: Sequence[Row], threads: int = 2) -> Iterator[dict[str, Worker | str]]:
    """Workers for `rows` by name, or the reason why there is none; all are ended on the way out."""
    workers: dict[str, Worker | str] = {}
    try:
        for row in rows:
            try:
                workers[row.name] = Worker(row, threads)
            except WorkerError as error:
                workers[row.name] = str(error)
        yield workers
    finally:
        for worker in workers.values():
            if isinstance(worker, Worker):
                worker.close()


def interleave(
    workers: Mapping[str, Worker | str],
    rows: Sequence[Row],
    case: Case,
    rounds: int,
    tick: Callable[[str], None],
    seed: int = 0,
    **options: Any,
) -> list[Measured]:
    """Time every row on a case: one untimed run each, then `rounds` rounds of all rows, each in another order.

    Args:
        workers: from `crew`.
        rows: which of them.
        case: what to simulate.
        rounds: timed runs of each row.
        tick: called with a row's name after each of its runs, `rounds` + 1 times a row whatever happens.
        seed: of the order.
        **options: replace those of the rows.
    """
    measured = {row.name: Measured(row) for row in rows}

    def attempt(row: Row, work: Callable[[Worker, Measured], None]) -> None:
        worker, mine = workers[row.name], measured[row.name]
        if isinstance(worker, str):
            mine.missing = worker
        if not mine.missing:
            try:
                work(worker, mine)
            except WorkerError as error:
                mine.missing = str(error)
        tick(row.name)

    def prepare(worker: Worker, mine: Measured) -> None:
        mine.loaded = worker.load(case, **options)
        worker.send("run")
        mine.answer, mine.predictions = worker.answer()
        mine.items = len(mine.predictions)

    def time(worker: Worker, mine: Measured) -> None:
        reply = worker.send("run")
        mine.seconds.append(reply["seconds"])
        mine.cpu_seconds.append(reply["cpu_seconds"])
        mine.replies.append(reply)

    for row in rows:
        attempt(row, prepare)
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        for index in rng.permutation(len(rows)):
            attempt(rows[index], time)
    return list(measured.values())


def _limits(threads: int) -> dict[str, str]:
    """Environment variables that hold every library to a number of threads, and to the processor."""
    names = ("OMP_NUM", "MKL_NUM", "OPENBLAS_NUM", "NUMBA_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP", "BENCH")
    return {
        **{f"{name}_THREADS": str(threads) for name in names},
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONHASHSEED": "0",
    }
