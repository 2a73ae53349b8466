"""Sessions take turns: pages are made part by part, and between two parts the server answers whoever asks.

All sessions share one thread. A page made in one go would keep all others waiting; twenty opened at once, for as long as the last
one takes. So parts of pages are made one at a time, with a short pause for everything else: the page that has fewest of them goes
first, so that all have their first plot before any has its second.
"""

from __future__ import annotations

import asyncio
import functools
import heapq
import itertools
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn
from bokeh.application.handlers.handler import Handler
from panel.io.document import hold

_PAUSE = 0.01
"""Seconds; a small request takes a few rounds of the event loop, of which each would otherwise wait for another part."""
_WHILE = 0.1
"""Seconds after which parts at work give way to other sessions. Each time the document is searched for models, which takes as long
as a small part."""
_AWAY = 0.2
"""Seconds between two looks whether a page that was left is shown again."""
_running: set[Any] = set()
_parts: WeakKeyDictionary[Any, deque[Callable[[], None]]] = WeakKeyDictionary()


class _Turns:
    """A lock that goes to whom has had least of it, and among those to the first who came."""

    def __init__(self) -> None:
        self._taken = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._number = itertools.count()

    @asynccontextmanager
    async def after(self, had: int) -> AsyncIterator[None]:
        """Hold the lock, which one who has had `had` turns before asks for."""
        if self._taken:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (had, next(self._number), turn))
            try:
                await turn
            except asyncio.CancelledError:
                if not turn.cancelled():  # it had come already
                    self._pass_on()
                raise
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)  # it stays taken: nobody comes between
                return
        self._taken = False


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turns] = WeakKeyDictionary()


class InTurn(Handler):
    """A handler of an application that lets its sessions begin one at a time."""

    def modify_document(self, doc: Any) -> None:
        """Leave the document as it is."""

    async def on_session_created(self, session_context: Any) -> None:
        """Wait until it is this session's turn."""
        async with _ours().after(0):
            await asyncio.sleep(_PAUSE)


def soon(work: Callable[[], None]) -> None:
    """Do `work` when the browser has the page and it is this session's turn; at once where there is no browser."""
    document = pn.state.curdoc
    if document is None or asyncio._get_running_loop() is None:  # a document alone may be one that was left behind
        work()
        return
    if document not in _parts:
        _parts[document] = deque()
        # parts of a page that was left before it was made lead to its document: they would keep both for ever
        document.on_session_destroyed(lambda _context: _forget(document))
    parts = _parts[document]
    parts.append(work)
    if len(parts) == 1:  # else they are being worked off
        pn.state.onload(lambda: _begin(document, parts))


def _forget(document: Any) -> None:
    _parts.pop(document, None)


def _begin(document: Any, parts: deque[Callable[[], None]]) -> None:
    task = asyncio.ensure_future(_work_off(document, parts))
    _running.add(task)  # the event loop alone would not keep it
    task.add_done_callback(_running.discard)


async def _work_off(document: Any, parts: deque[Callable[[], None]]) -> None:
    for had in itertools.count():
        if not parts:
            return
        if not await _connected(document):
            parts.clear()
            return
        async with _ours().after(had):
            context = document.session_context
            if context is None or context.destroyed:
                parts.clear()
                return
            # under the document's lock, before the pause is over
            pn.state.execute(functools.partial(_some, document, parts), schedule=True)
            await asyncio.sleep(_PAUSE)
            await _sent(context)


async def _connected(document: Any) -> bool:
    """Wait while no browser shows the page, which may come back; False once the session has ended.

    Bokeh keeps the session of a page that was left for a while, and its parts would take the time of those that are looked at.
    """
    while True:
        context = document.session_context
        if context is None or context.destroyed:
            return False
        if context.session.connection_count:
            return True
        await asyncio.sleep(_AWAY)


async def _sent(context: Any) -> None:
    """Wait until the browser has all of what was changed.

    Bokeh writes each array of a message by itself, and the browser draws nothing before it has the last: another part that is made
    in between would keep the plot back.
    """
    for connection in [*context.session._subscribed_connections]:
        with await connection._socket.write_lock.acquire():
            pass


def _some(document: Any, parts: deque[Callable[[], None]]) -> None:
    """Work off parts for a while, one at least, and send what they change when they are done.

    Panel sends every change by itself, and may lose one of many.

    What the document holds is found out once, in the end, which saves a third of the time; and before the message is written, as
    `hold` does not: models found after it would be sent a second time.
    """
    end = time.monotonic() + _WHILE
    with hold(document), document.models.freeze():
        while parts:
            try:
                parts[0]()  # it stays until it is done, as `soon` looks whether any are left
            finally:
                parts.popleft()
            if time.monotonic() > end:
                return


@contextmanager
def in_order() -> Iterator[None]:
    """Changes of Bokeh's models are sent in their place among Panel's. Also a decorator.

    Panel writes a message at once and may send it later, when the browser has taken those before; what Bokeh sends by itself would
    overtake it, and name models that the browser has not heard of. Collected, not combined: a glyph's columns come after its data.
    """
    document = pn.state.curdoc
    if document is None or document.session_context is None:
        yield
        return
    with hold(document, policy="collect"):
        yield


def _ours() -> _Turns:
    """The turns of this thread's sessions."""
    return _turns.setdefault(asyncio.get_running_loop(), _Turns())
