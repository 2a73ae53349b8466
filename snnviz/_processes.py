"""Processes: workers that end with whoever started them, however that one ends; and what ends a command."""

from __future__ import annotations

import _thread
import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

_SOON = 0.05
"""Seconds until an interruption that was dropped comes again."""
_THREADS = ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


def start(workers: int, threads: int, receive: Callable[..., None], *given: Any) -> ProcessPoolExecutor:
    """A pool of processes started afresh ("spawn"), each of which is given `receive(*given)` first.

    Args:
        workers: number of processes.
        threads: of each of them, for the libraries that ask the environment.
        receive: a function of a module, called once in each process.
        *given: its arguments.
    """
    return ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(threads, receive, *given)
    )


def stop(pool: ProcessPoolExecutor) -> None:
    """End the processes of a pool now, whatever they do: for work that is done again, or that keeps what it has done itself."""
    for process in list((pool._processes or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


@contextlib.contextmanager
def terminated_as_interrupted() -> Iterator[None]:
    """Inside the `with` block SIGTERM does what Ctrl-C does: whatever saves its work there saves it here.

    Python drops an exception that is raised where nothing can catch it, as in what JAX has called at each garbage collection. An
    interruption that came there comes again.
    """

    def interrupt(*_: object) -> None:
        if not callable(signal.getsignal(signal.SIGINT)):  # a shell's background processes ignore it
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)  # a server has a handler of its own

    def dropped(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_type is not KeyboardInterrupt:
            hook(unraisable)
            return
        again = threading.Timer(_SOON, _thread.interrupt_main, (signal.SIGTERM,))
        again.daemon = True
        again.start()

    if threading.current_thread() is not threading.main_thread():  # no other thread may handle signals
        yield
        return
    before, hook = signal.signal(signal.SIGTERM, interrupt), sys.unraisablehook
    sys.unraisablehook = dropped
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def _begin(threads: int, receive: Callable[..., None], *given: Any) -> None:
    threading.Thread(target=_end_with_parent, name="snnviz-parent", daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    os.environ.update(dict.fromkeys(_THREADS, str(threads)))  # before the libraries are imported
    receive(*given)


def _end_with_parent() -> None:
    """Wait for the end of the parent, then end this process.

    A pool's worker waits for work at a pipe that its siblings hold open too, so that it would wait for ever after a parent that
    had no time to say goodbye.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
