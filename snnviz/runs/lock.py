"""File locks that the operating system drops when their holder ends, however it ends.

That makes them the one reliable sign of life of a process: unlike a stored process number, a lock is never mistaken for that of
another process that got the same number later, nor does it survive a restart of the machine.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.02


def claim(path: Path, wait: float = 0.0) -> int | None:
    """Lock `path`, made if missing, and return the open descriptor that holds it; None if another holds it for `wait` seconds."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() >= until:
                os.close(handle)
                return None
            time.sleep(_POLL_SECONDS)
        except BaseException:
            os.close(handle)
            raise


def held(path: Path) -> bool:
    """Whether somebody holds the lock of `path`."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared, so that two who look do not see each other
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock of `path` inside the `with` block, waiting for it as long as it takes."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def release(handle: int) -> None:
    """Give up what `claim` gave."""
    os.close(handle)
