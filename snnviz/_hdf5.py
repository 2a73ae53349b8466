"""HDF5 files that nobody vouches for are first read by a child process: damage can crash the HDF5 library, and its process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snnviz._memory import check_fits, check_hdf5
from snnviz.errors import InputError

SECONDS = 60.0
"""How long the child may take; a damaged file can keep the library busy for ever."""


@contextmanager
def whole(path: Path, kind: str) -> Iterator[None]:
    """Inside the `with` block a file of `kind` is read: check its size before, and call every failure of a library damage."""
    try:
        size = path.stat().st_size
        check_fits(str(path), size, size)
        yield
    except InputError:
        raise
    except Exception as error:  # HDF5 and what builds on it report damage by many kinds of exception
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"`path` must be a whole {kind} file. Received: {str(path)!r} ({reason})") from error


def check_survived(path: Path) -> None:
    """Refuse a file that would crash or hang who reads it; takes about half a second.

    What a child can tell in words, that it is no HDF5 file or claims too much, is left to whoever reads it next.

    Raises:
        InputError: if reading it ends the child by a signal, or takes too long.
    """
    # -P: no module from the folder where the user is
    command = [sys.executable, "-P", "-m", "snnviz._hdf5", str(path.absolute())]
    try:
        done = subprocess.run(  # noqa: S603 - a list, never a shell; this interpreter
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"the HDF5 library is not done with it after {SECONDS:g} s"
    else:
        if done.returncode >= 0:
            return
        reason = "it is damaged in a way that crashes the HDF5 library"
    raise InputError(f"`path` must be a whole HDF5 file. Received: {str(path)!r} ({reason})")


def _read_all(path: str) -> None:
    import h5py

    check_hdf5(path, Path(path).read_bytes())
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, found: found[()] if isinstance(found, h5py.Dataset) else dict(found.attrs))


if __name__ == "__main__":
    _read_all(sys.argv[1])
