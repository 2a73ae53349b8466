"""Processes that a job left behind."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def kill_leftovers(variable: str, value: str) -> int:
    """Kill the processes whose environment has `variable` = `value`, and return how many there were.

    A job that was killed cannot end the worker processes it started. They are recognised by what they inherited, not by a
    process number, which may be another's by now. Without /proc (on macOS) none are found.
    """
    wanted = f"{variable}={value}".encode()
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):  # it has ended, or is another user's
            pid = int(folder.name)
            if pid != os.getpid() and wanted in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(pid, signal.SIGKILL)
                found += 1
    return found
