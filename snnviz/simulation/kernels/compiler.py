"""Compilation of kernels with fixed signatures, once per machine, announced when it takes time."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from numba import config, njit, types
from numba.core import event

_log = logging.getLogger("snnviz.simulation")

OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
"""How kernels and the functions in them are compiled. Without Numba's run time for memory: kernels allocate nothing,
and counting references to arrays that all threads share, at every call in a kernel, costs more than most of the calls."""

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

    Numba writes its cache beside the source, or, where that is read-only, into the user's cache folder;
    NUMBA_CACHE_DIR names another place. It notices changes of the file a function is in, not of what the function
    calls in other files; the hash of all kernels in the name of the function makes up for that.
    """

    def __init__(self, function: Callable[..., None], signature: Any) -> None:
        self._function = function
        self._signature = signature
        self._compiled: Callable[..., None] | None = None
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: Any) -> None:
        """Run the kernel, compiling it if need be. It holds no lock on the interpreter."""
        if self._compiled is None:
            prepare(self)
        self._compiled(*arguments)  # type: ignore[misc]

    def compile(self) -> None:
        """Compile the kernel or load it from the cache, if that has not been done."""
        if self._compiled is not None:
            return
        self._function.__qualname__ = f"{self._function.__name__}-{_sources()}"
        try:
            dispatcher = njit(cache=True, nogil=True, **OPTIONS)(self._function)
        except RuntimeError:  # there is no folder to keep it in
            dispatcher = njit(nogil=True, **OPTIONS)(self._function)
        dispatcher.compile(self._signature)
        dispatcher.disable_compile()
        self._compiled = dispatcher


def kernel(*arguments: Any) -> Callable[[Callable[..., None]], Kernel]:
    """Decorator: a `Kernel` with arguments of these Numba types, returning nothing."""
    return lambda function: Kernel(function, types.void(*arguments))


class _Announcer(event.Listener):
    """Says once that there is something to compile; loading from the cache is no such event."""

    said = False

    def on_start(self, event: event.Event) -> None:
        if not self.said:
            self.said = True
            _log.warning("compiling the event engine for this processor: about 20 seconds, once (%s)", _where())

    def on_end(self, event: event.Event) -> None:
        pass


_preparing = threading.Lock()
_announcer = _Announcer()


def prepare(*kernels: Kernel) -> None:
    """Compile kernels, which is announced, or load them from the cache."""
    with _preparing, event.install_listener("numba:compile", _announcer):
        for one in kernels:
            one.compile()


def _where() -> str:
    folder = getattr(config, "CACHE_DIR", "")
    return f"kept in {folder}" if folder else "kept beside the package or in the user's cache folder"
