"""Files that are either whole or absent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snnviz.errors import InputError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it takes the place of `path` in one step, on failure it is removed.

    The temporary name keeps the suffix, since several libraries choose a format by it.
    """
    target = Path(path)
    if target.is_dir():
        raise InputError(f"`path` must be a file. Received: {str(path)!r}, a folder")
    if any(parent.is_file() for parent in target.parents):
        raise InputError(f"`path` must be in a folder. Received: {str(path)!r}, which would be inside a file")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)  # mkstemp makes private files; the result is an ordinary one
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
