"""Work on the machines of a dask.distributed cluster.

Its workers need snnviz, and may come and go: what a lost worker had is done again elsewhere. Answers come in the order of the
questions, so that nothing depends on how many workers there are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from snnviz import _checks as check
from snnviz._extras import need
from snnviz.errors import InputError

Answer = TypeVar("Answer")
_ADDRESS = re.compile(r"([a-z]+://)?[^\s/]+:\d+")
RETRIES = 100
"""Workers that a task may lose."""


def need_scheduler() -> None:
    """Raise `InputError` with the install command if dask.distributed is missing."""
    need("`scheduler`", "distributed", "dask.distributed", "distributed")


class Cluster:
    """A connection to a scheduler; a context manager.

    Args:
        scheduler: its address, such as "tcp://10.0.0.5:8786".

    Raises:
        InputError: if dask.distributed is not installed, or no scheduler answers at the address.
    """

    def __init__(self, scheduler: str) -> None:
        need_scheduler()
        from distributed import Client

        refused = InputError(
            "`scheduler` must be the address of a running dask scheduler, such as tcp://10.0.0.5:8786. "
            f"Received: {check.describe(scheduler)}"
        )
        if not _ADDRESS.fullmatch(scheduler):  # else a name is looked up for ten seconds
            raise refused
        try:
            self._client: Any = Client(scheduler, timeout=10, set_as_default=False)
        except (OSError, ValueError, TimeoutError) as error:
            raise refused from error

    @property
    def processors(self) -> int:
        """How many tasks keep its workers busy, at least 1."""
        return max(1, sum(self._client.nthreads().values()))

    def keep(self, value: Any, key: str) -> Any:
        """`value` on the cluster, as an argument of tasks.

        It travels inside a task's graph, not as scattered data, so that a lost worker can be made good.
        """
        return self._client.submit(_same, value, key=key, retries=RETRIES)

    def map(
        self, function: Callable[..., Answer], tasks: Sequence[tuple[Any, ...]], keys: Sequence[str] | None = None
    ) -> list[Answer]:
        """What `function` answers to the arguments of each task, in their order; equal keys stand for equal answers."""
        return list(self._client.gather(self._submit(function, tasks, keys)))

    def as_done(
        self, function: Callable[..., Answer], tasks: Sequence[tuple[Any, ...]]
    ) -> Iterator[tuple[int, Answer]]:
        """(place of the task, answer), whichever comes first."""
        from distributed import as_completed

        waiting = self._submit(function, tasks, None)
        places = {future.key: place for place, future in enumerate(waiting)}
        try:
            with self._client.as_current():
                arriving = as_completed(waiting)
            for future in arriving:
                yield places[future.key], future.result()
        finally:
            self._client.cancel(waiting)

    def _submit(
        self, function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], keys: Sequence[str] | None
    ) -> Any:
        # without a key of its own, a task is not the same as one before with equal arguments
        named: Sequence[Mapping[str, Any]] = (
            [{"pure": False}] * len(tasks) if keys is None else [{"key": key} for key in keys]
        )
        return [
            self._client.submit(function, *task, **name, retries=RETRIES)
            for task, name in zip(tasks, named, strict=True)
        ]

    def close(self) -> None:
        """Let go of it. Nothing happens the second time."""
        self._client.close()

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _same(value: Any) -> Any:
    return value
