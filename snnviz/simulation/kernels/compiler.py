"""Compilation of kernels with fixed signatures, once per machine, announced when it takes time."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from numba import njit, types

_log = logging.getLogger("snnviz.simulation")
ANNOUNCE_AFTER_SECONDS = 1.0
"""Loading compiled kernels from the cache takes less; only compiling them takes longer."""

Int = types.int64
Flag = types.boolean


def array(dtype: types.Type, ndim: int = 1, written: bool = False) -> types.Array:
    """The Numba type of a C-contiguous array that a kernel reads only, or also writes."""
    return types.Array(dtype, ndim, "C", readonly=not written)


@cache
def _sources() -> str:
    """A short hash of all kernels' source code."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


class Kernel:
    """A function compiled for one signature when first asked for, and kept in Numba's cache.

    Numba writes its cache beside the source, or, where that is read-only, into the user's cache folder; NUMBA_CACHE_DIR
    names another place. It notices changes of the file a function is in, not of what the function calls in other files; the
    hash of all kernels in the name of the function makes up for that.
    """

    def __init__(self, function: Callable[..., None], signature: Any) -> None:
        self._function = function
        self._signature = signature
        self._compiled: Any = None
        self._lock = threading.Lock()

    def compiled(self) -> Callable[..., None]:
        """The compiled function, compiled or loaded now if it has not been yet."""
        with self._lock:
            if self._compiled is None:
                self._function.__qualname__ = f"{self._function.__name__}-{_sources()}"
                try:
                    dispatcher = njit(cache=True, nogil=True, error_model="numpy")(self._function)
                except RuntimeError:  # no folder to write to
                    dispatcher = njit(nogil=True, error_model="numpy")(self._function)
                with _announced():
                    dispatcher.compile(self._signature)
                dispatcher.disable_compile()
                self._compiled = dispatcher
        return self._compiled


def kernel(*arguments: Any) -> Callable[[Callable[..., None]], Kernel]:
    """Decorator: a `Kernel` with arguments of these Numba types, returning nothing."""
    return lambda function: Kernel(function, types.void(*arguments))


@contextmanager
def _announced() -> Iterator[None]:
    """Say that kernels are being compiled, if it takes long enough for somebody to wonder."""
    timer = threading.Timer(
        ANNOUNCE_AFTER_SECONDS,
        _log.warning,
        ["compiling the event engine's kernels: about half a minute, once on this machine"],
    )
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
