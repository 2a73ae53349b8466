"""Compilation of kernels with fixed signatures, once per machine, announced when it takes time."""

from __future__ import annotations

import hashlib
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

from numba import config, njit, types
from numba.core import event

_log = logging.getLogger("snnviz.simulation")

OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
"""How kernels and the functions in them are compiled. Without Numba's run time for memory: kernels allocate nothing,
and counting references to arrays that all threads share, at every call in a kernel, costs more than most of the calls."""

inner: Any = njit(**OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True})
"""Decorator of functions that kernels call: nobody calls them from Python, which need not be made possible."""

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

    def fixed(self, name: str, **values: Any) -> Kernel:
        """The same kernel, called `name`, with other values of global constants: branches that they rule out are not compiled."""
        function = FunctionType(self._function.__code__, self._function.__globals__ | values, name)
        function.__doc__ = self.__doc__
        return Kernel(function, self._signature)

    @property
    def ready(self) -> bool:
        """Whether it has been compiled or loaded."""
        return self._compiled is not None

    @property
    def name(self) -> str:
        """Module and name, as in "package.module:name"."""
        return f"{self._function.__module__}:{self._function.__name__}"

    @property
    def cached(self) -> bool:
        """Whether there is a folder to keep it in."""
        try:
            njit(cache=True, **OPTIONS)(self._function)
        except RuntimeError:
            return False
        return True

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
    """Says once that there is something to compile, and starts `others`; loading from the cache is no such event."""

    said = False
    others: Callable[[], None] | None = None

    def on_start(self, event: event.Event) -> None:
        if not self.said:
            self.said = True
            _log.warning("compiling the event engine for this processor: a few seconds, once (%s)", _where())
        if self.others is not None:
            start, self.others = self.others, None
            start()

    def on_end(self, event: event.Event) -> None:
        pass


_preparing = threading.Lock()
_announcer = _Announcer()
HELP_SECONDS = 120.0
"""How long another process is waited for."""
_HELP = """
import importlib, sys
for name in sys.argv[1:]:
    module, _, kernel = name.partition(":")
    getattr(importlib.import_module(module), kernel).compile()
"""


def prepare(*kernels: Kernel) -> None:
    """Compile kernels, which is announced, or load them from the cache.

    Where the first has to be compiled, another process compiles the others meanwhile, for the cache that they are then loaded from:
    Numba compiles one function at a time.
    """
    missing = [one for one in kernels if not one.ready]
    helper: list[subprocess.Popen[bytes]] = []
    with _preparing, event.install_listener("numba:compile", _announcer):
        _announcer.others = lambda: helper.extend(_start_helper(missing[1:]))
        try:
            for index, one in enumerate(missing):
                if index and helper:
                    _end(helper.pop())
                one.compile()
        finally:
            _announcer.others = None
            for process in helper:
                _end(process)


def _start_helper(kernels: Sequence[Kernel]) -> list[subprocess.Popen[bytes]]:
    """A process that compiles kernels into the cache, where there is a processor for it and a cache; or none."""
    if not kernels or not sys.executable or (os.cpu_count() or 1) < 2 or not kernels[0].cached:
        return []
    root = Path(__file__).parents[3]
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    nothing = subprocess.DEVNULL
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, our own names
            [sys.executable, "-P", "-c", _HELP, *(one.name for one in kernels)],
            stdin=nothing, stdout=nothing, stderr=nothing, env=os.environ | {"PYTHONPATH": path},
        )  # fmt: skip
    except OSError:  # it would only have been quicker
        return []
    return [process]


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(HELP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _where() -> str:
    folder = getattr(config, "CACHE_DIR", "")
    return f"kept in {folder}" if folder else "kept beside the package or in the user's cache folder"
