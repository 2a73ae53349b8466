"""Files that are either whole or absent."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import platform
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from snnviz.errors import InputError

_HOST = hashlib.sha256(platform.node().encode()).hexdigest()[:6]
"""Tells the processes of this machine from those of others that write into the same folder."""


_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path` in one step, on failure it is removed.

    The temporary name keeps the suffix, since several libraries choose a format by it. What killed processes left of earlier tries
    is removed.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(f"`path` must be a file. Received: {str(path)!r}, a folder")
    if any(parent.is_file() for parent in target.parents):
        raise InputError(f"`path` must be in a folder. Received: {str(path)!r}, which would be inside a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    _clean(target)
    begin = f".{target.stem}-{_HOST}-{os.getpid()}-"
    handle, name = tempfile.mkstemp(prefix=begin, suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes private files; the result is an ordinary one
        temporary.replace(target)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise InputError(f"{target} must fit on its disk. Received: {error.strerror}, nothing was written") from error
    finally:
        temporary.unlink(missing_ok=True)


def _clean(target: Path) -> None:
    """Remove temporary files for `target` of processes of this machine that are no more."""
    if os.name != "posix":  # elsewhere there is no harmless way to ask for a process
        return
    for left in target.parent.glob(f".{glob.escape(target.stem)}-{_HOST}-*{glob.escape(target.suffix)}"):
        found = re.fullmatch(r"(\d+)-\w+", left.name.removesuffix(target.suffix).rpartition(f"-{_HOST}-")[2])
        if found and not _lives(int(found[1])):
            with suppress(OSError):
                left.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
