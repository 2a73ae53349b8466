"""Sessions take turns: pages are made part by part, and between two parts the server answers whoever asks.

All sessions share one thread. A page made in one go would keep all others waiting; twenty opened at once, for as long as the last
one takes. So parts of pages are made one at a time, each session's after another's, with a short pause for everything else.
"""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import panel as pn
from bokeh.application.handlers.handler import Handler
from panel.io.document import hold

_PAUSE = 0.01
"""Seconds; a small request takes a few rounds of the event loop, of which each would otherwise wait for another part."""
_locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
_running: set[Any] = set()
_parts: WeakKeyDictionary[Any, deque[Callable[[], None]]] = WeakKeyDictionary()


class InTurn(Handler):
    """A handler of an application that lets its sessions begin one at a time."""

    def modify_document(self, doc: Any) -> None:
        """Leave the document as it is."""

    async def on_session_created(self, session_context: Any) -> None:
        """Wait until it is this session's turn."""
        async with _lock():
            await asyncio.sleep(_PAUSE)


def soon(work: Callable[[], None]) -> None:
    """Do `work` when the browser has the page and it is this session's turn; at once where there is no browser."""
    document = pn.state.curdoc
    if document is None or asyncio._get_running_loop() is None:  # a document alone may be one that was left behind
        work()
        return
    parts = _parts.setdefault(document, deque())
    parts.append(work)
    if len(parts) == 1:  # else they are being worked off
        pn.state.onload(lambda: _begin(document, parts))


def _begin(document: Any, parts: deque[Callable[[], None]]) -> None:
    task = asyncio.ensure_future(_work_off(document, parts))
    _running.add(task)  # the event loop alone would not keep it
    task.add_done_callback(_running.discard)


async def _work_off(document: Any, parts: deque[Callable[[], None]]) -> None:
    while parts:
        async with _lock():
            context = document.session_context
            if context is None or context.destroyed:
                parts.clear()
                return
            # under the document's lock, before the pause is over
            pn.state.execute(functools.partial(_whole, document, parts[0]), schedule=True)
            await asyncio.sleep(_PAUSE)
        parts.popleft()


def _whole(document: Any, work: Callable[[], None]) -> None:
    """Send what `work` changes when it is done, by Bokeh: Panel sends every change by itself, and may lose one of many.

    What the document holds is found out once, in the end, which saves a third of the time.
    """
    with hold(document, freeze=True):
        work()


def _lock() -> asyncio.Lock:
    """Held by the session whose turn it is; in the order in which they came."""
    return _locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
