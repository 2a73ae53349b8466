"""Watching the store of runs for all sessions at once."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from snnviz.errors import InputError

if TYPE_CHECKING:
    from snnviz.runs import Run, Store

LOOK_SECONDS = 1.0
_IDLE_SECONDS = 10.0


class Watcher:
    """The runs of a store, read once a second by a thread of its own for as long as anybody looks.

    Sessions read what it knows, which takes no time: a store that is slow or away never stops a page.

    Args:
        store: the store.

    Attributes:
        problem: why the store could not be read the last time; empty if it could.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: list[Run] = []
        self._looked = threading.Event()
        self._asked_at = 0.0
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()
        self.problem = ""

    def runs(self, wait: float = 0.0) -> list[Run]:
        """The runs as they were a second ago, newest first.

        Args:
            wait: seconds to wait for the first look, if there was none yet.
        """
        self._asked_at = time.monotonic()
        self._start()
        if wait:
            self._looked.wait(wait)
        return list(self._runs)

    @property
    def ready(self) -> bool:
        """Whether the store has been read once."""
        return self._looked.is_set()

    def look_now(self) -> None:
        """Read the store now; waits until it is done."""
        self._look()

    def _start(self) -> None:
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="snnviz-watcher", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while time.monotonic() - self._asked_at < _IDLE_SECONDS:
            self._look()
            time.sleep(LOOK_SECONDS)

    def _look(self) -> None:
        try:
            self._runs, self.problem = self._store.list(), ""
        except InputError as error:
            self.problem = str(error)
        self._looked.set()
