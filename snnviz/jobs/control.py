"""`launch`, `run`, `cancel`, `resume`, `tail`, `state` and `wait`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.jobs.job import Job
from snnviz.jobs.spec import Spec
from snnviz.runs import Folder, Run, Store, lock, processes, queue
from snnviz.runs.run import HOST, OUT, STATES

LOCK, STORE = "SNNVIZ_JOB_LOCK", "SNNVIZ_JOB_STORE"
"""Environment variables that hand a job's process its lock and its store."""
ASKING_SECONDS, KILLING_SECONDS = 3.7, 1.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What `run` did.

    Attributes:
        run_id: of the run; None if nothing was recorded.
        answer: what the kind of job returns, as JSON holds it; what `snnviz KIND --json` prints.
    """

    run_id: str | None
    answer: dict[str, Any]


@checked
def run(
    spec: Spec | Mapping[str, Any],
    *,
    store: Store | None = None,
    track: bool = True,
    resume: bool = False,
    own: bool = False,
) -> Outcome:
    """Do a job here and now, in this process.

    Args:
        spec: what is asked for, see `Spec.of`.
        store: where the run is recorded; None for the default, see `snnviz.runs.Place.of`.
        track: False records nothing; the spec must then say where to write.
        resume: go on from the checkpoint beside the output, if there is one; with the same settings it is the same run that
            goes on.
        own: this process is there for the job alone, so that `cancel` may kill it if it does not stop when asked.

    Raises:
        InputError: if the spec is wrong, or somebody is writing what it would write; a run that had begun is then FAILED.
        KeyboardInterrupt: on Ctrl-C; the run is then KILLED and can be resumed.
    """
    asked = Spec.of(spec)
    with asked.alone(), Job(asked, store or Store(), track=track, resume=resume, own=own) as job:
        answer = asked.work(asked.options, job)
        job.answer(answer)
        return Outcome(run_id=job.run_id, answer=answer)


@checked
def launch(spec: Spec | Mapping[str, Any], *, store: Store | None = None) -> str:
    """Start a job as a process of its own, which outlives this one, and return the id of its run.

    It waits for its turn (SCHEDULED) while as many jobs run as the environment variable SNNVIZ_JOBS allows, one by default.

    Args:
        spec: what is asked for, see `Spec.of`.
        store: where the run is recorded; None for the default, see `snnviz.runs.Place.of`.

    Raises:
        InputError: if the spec is wrong, or somebody is writing what it would write, or waits to; nothing is started then.
    """
    asked = Spec.of(spec)
    queue.limit()
    with asked.alone():
        pass  # the job's own process holds it from its turn on
    where = store or Store()
    _unclaimed(asked, where)
    run_id = where.create(
        asked.kind, asked.name, parent=asked.origin, spec=asked.as_json(), tags=asked.run_tags(), status="SCHEDULED"
    )
    _start(where, run_id, asked)
    return run_id


def _unclaimed(asked: Spec, store: Store) -> None:
    """Refuse a job whose output one that has not ended writes: the later one would overwrite what both say they have made."""
    out = asked.run_tags().get(OUT)
    for one in store.list(status=("SCHEDULED", "RUNNING")) if out is not None else ():
        if one.tags.get(OUT) == out:
            raise InputError(
                f"`out` must be a file that no other job writes: choose another, or cancel the job. "
                f"Received: {out!r}, which job {one.id[:8]} writes ({STATES[one.status]})"
            )


@checked
def resume(run_id: str, *, store: Store | None = None) -> str:
    """Go on with a run that failed or was killed, from its last checkpoint, as a process of its own; return its id.

    Raises:
        InputError: if there is no such run, it has not ended or has finished, or it was started elsewhere.
    """
    where = store or Store()
    found = where.get(run_id)
    if not found.resumable:
        if found.status in ("FAILED", "KILLED"):
            reason = f"it was started on {found.tags.get(HOST, 'another machine')}, with its checkpoints there"
        else:
            reason = f"it is {STATES[found.status]}"
        raise InputError(
            f"`run_id` must be a run of this machine that failed or was killed. Received: {run_id}; {reason}"
        )
    _start(where, found.id, Spec.of(found.spec or {}), again=True)
    return found.id


@checked
def cancel(run_id: str, *, store: Store | None = None) -> Run:
    """Stop a run within five seconds: ask it to (as Ctrl-C does, so that it saves what it can), then kill it.

    A run that a notebook does in its own process is asked only.

    Returns:
        The run, now KILLED; or FINISHED or FAILED if it ended by itself meanwhile.

    Raises:
        InputError: if there is no such run, it has ended, or it runs on another machine.
    """
    where = store or Store()
    found = where.get(run_id)
    folder = Folder(where.home, found.id)
    if not found.active:
        raise InputError(
            f"`run_id` must be a run that waits or runs. Received: {run_id}, which is {STATES[found.status]}"
        )
    if not folder.exists():
        raise InputError(
            f"`run_id` must be a run of this machine. Received: {run_id}, of {found.tags.get(HOST, 'another')}"
        )
    folder.ask_to_stop()
    until = time.monotonic() + 1
    while not (told := folder.get("state")) and folder.alive() and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
    if told:
        _stop(folder, int(told["pid"]), bool(told["own"]))
    return where.get(found.id)


@checked
def state(run_id: str, *, store: Store | None = None) -> Run:
    """The run as it is now, with its progress."""
    return (store or Store()).get(run_id)


@checked
def tail(run_id: str, lines: int = 40, *, store: Store | None = None) -> str:
    """The last lines of a job's log; empty if it has none on this machine."""
    where = store or Store()
    check.integer("lines", lines, 1)
    return Folder(where.home, where.get(run_id).id).tail(lines)


@checked
def wait(run_id: str, seconds: float | None = None, *, store: Store | None = None) -> Run:
    """Wait until a run has ended, or for so many seconds, and return it."""
    where = store or Store()
    until = None if seconds is None else time.monotonic() + check.real("seconds", seconds, 0)
    folder = Folder(where.home, where.get(run_id).id)
    while folder.alive() and (until is None or time.monotonic() < until):
        time.sleep(_POLL_SECONDS)
    return where.get(run_id)


def _start(store: Store, run_id: str, spec: Spec, again: bool = False) -> None:
    """Start the process of a run."""
    folder = Folder(store.home, run_id)
    folder.make()
    handle = folder.claim()
    if handle is None:
        raise InputError(f"`run_id` must be a run that has ended. Received: {run_id}, which is being resumed already")
    try:
        folder.forget_stop()
        folder.put("spec", spec.as_json())
        for name in ("state", "progress"):
            (folder.path / f"{name}.json").unlink(missing_ok=True)
        queue.take_ticket(store.home, run_id)
        if again:
            processes.kill_leftovers(run_id)
            store.set_status(run_id, "SCHEDULED")
        environment = {
            # a job is nobody's page, and may show or record what it was started with: no passwords of the pages' users
            **{name: value for name, value in os.environ.items() if not name.startswith("SNNVIZ_DASHBOARD_")},
            LOCK: str(handle),
            STORE: store.place.uri if store.place.database is None else str(store.place.database.parent),
            processes.RUN: run_id,
            "PYTHONUNBUFFERED": "1",
        }
        # -P: a file of the user's where he is, say click.py, is not taken for the package of that name and run
        command = [sys.executable, "-P", "-m", "snnviz.jobs", run_id, *(["--resume"] if again else [])]
        # only the lock goes along, and from now on the child holds it too: it is never free while the job lives
        with folder.log.open("ab") as log:
            child = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=spec.folder if Path(spec.folder).is_dir() else None,
                env=environment,
                pass_fds=(handle,),
                start_new_session=True,
            )
    finally:
        lock.release(handle)
    # a child that nobody waits for would stay as a zombie for as long as this process lives
    threading.Thread(target=child.wait, name="snnviz-job", daemon=True).start()


def _stop(folder: Folder, pid: int, own: bool) -> None:
    """Ask, then kill (SIGTERM would ask again); a process that a user's notebook lives in is asked only."""
    if _ended(folder, pid, signal.SIGINT, ASKING_SECONDS) or not own:
        return
    _ended(folder, pid, signal.SIGKILL, KILLING_SECONDS)
    processes.kill_leftovers(folder.run_id)


def _ended(folder: Folder, pid: int, sign: signal.Signals, seconds: float) -> bool:
    """Send a signal to the run's process; whether it has ended within `seconds`."""
    if not folder.alive():
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sign)  # the lock was held a moment ago, so the number is still that of its holder
    until = time.monotonic() + seconds
    while folder.alive():
        if time.monotonic() > until:
            return False
        time.sleep(_POLL_SECONDS)
    return True
