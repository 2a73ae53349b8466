"""Processes that a job left behind."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

RUN = "SNNVIZ_JOB_RUN"
"""Environment variable by which processes of a job are recognised; its value is the run's id."""


def kill_leftovers(run_id: str) -> int:
    """Kill the processes that a run's job has started, and return how many there were.

    A job that was killed cannot end the worker processes it started. They are recognised by what they inherited, not by a
    process number, which may be another's by now. Without /proc (on macOS) none are found.
    """
    wanted = f"{RUN}={run_id}".encode()
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):  # it has ended, or is another user's
            pid = int(folder.name)
            if pid != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                found += 1
    return found
