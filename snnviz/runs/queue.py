"""The queue of jobs on one machine: tickets in a folder, and as many slots as jobs may run at once.

There is no server that hands out turns. Every job waits for itself: the first ticket whose job lives may take a free slot, which
is a lock (`snnviz.runs.lock`), so that a job that is killed gives its slot back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.runs import lock
from snnviz.runs.folder import Folder

VARIABLE = "SNNVIZ_JOBS"
DEFAULT = 1
_POLL_SECONDS = 0.2


def limit() -> int:
    """How many jobs may run at once: what the environment variable SNNVIZ_JOBS says, or one.

    Raises:
        InputError: if the variable holds no number.
    """
    text = os.environ.get(VARIABLE, "") or str(DEFAULT)
    if not text.isdecimal():
        raise InputError(f"`{VARIABLE}` must be a whole number, at least 1. Received: {check.describe(text)}")
    return check.integer(VARIABLE, int(text), 1)


def _tickets(home: Path) -> list[Path]:
    """Tickets of living jobs, first come first served; those of others are removed."""
    found = []
    for ticket in sorted((home / "queue").glob("*.ticket")):
        if Folder(home, ticket.stem.partition(".")[2]).alive():
            found.append(ticket)
        else:
            ticket.unlink(missing_ok=True)
    return found


def ahead(home: Path, run_id: str) -> int | None:
    """How many jobs wait before this one; None if it does not wait."""
    waiting = [ticket.stem.partition(".")[2] for ticket in _tickets(home)]
    return waiting.index(run_id) if run_id in waiting else None


def take_ticket(home: Path, run_id: str) -> None:
    """Put a job at the end of the queue; its lock must be held, or the next who looks takes the ticket away."""
    folder = home / "queue"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{time.time_ns():020d}.{run_id}.ticket").touch()


@contextmanager
def turn(home: Path, run_id: str) -> Iterator[None]:
    """Wait for the job's turn, and keep its slot inside the `with` block."""
    slots = [home / "queue" / f"slot-{number}.lock" for number in range(limit())]
    handle = None
    while handle is None:
        if ahead(home, run_id) in (0, None):
            handle = next((got for slot in slots if (got := lock.claim(slot)) is not None), None)
        if handle is None:
            time.sleep(_POLL_SECONDS)
    try:
        for ticket in (home / "queue").glob(f"*.{run_id}.ticket"):
            ticket.unlink(missing_ok=True)
        yield
    finally:
        lock.release(handle)
