"""What Panel has to keep back for a moment reaches the browser, also where it comes just as what came before is through."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from bokeh.document import Document
from panel.io import document as panel

from snnviz.dashboard import delivery


class Socket:
    """One that takes each message when it is told to."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.waiting: list[asyncio.Future[None]] = []

    def write(self, message: str) -> list[asyncio.Future[None]]:
        self.taken.append(message)
        self.waiting.append(asyncio.get_running_loop().create_future())
        return [self.waiting[-1]]


class Connection:
    def __init__(self, socket: Socket) -> None:
        self._socket = socket


def sent(monkeypatch: pytest.MonkeyPatch, *, ours: bool) -> list[str]:
    """What a socket has been given in the end of two changes, the second of which comes just as the first is through."""
    monkeypatch.setattr(panel, "_dispatch_msgs", delivery._write)
    monkeypatch.setitem(panel.extra_socket_handlers, Socket, lambda connection, msg: connection._socket.write(msg))
    if ours:
        delivery.ensure()
    document, socket = Document(), Socket()
    connection: Any = Connection(socket)

    def hand_over(message: str) -> None:  # as `panel.io.document.schedule_write_events`
        panel._WRITE_BLOCK[document] = True
        panel._WRITE_MSGS.setdefault(document, {}).setdefault(connection, []).append(message)
        panel._dispatch_write_task(document, panel._dispatch_msgs, document)

    async def course() -> None:
        hand_over("first")
        await asyncio.sleep(0)
        socket.waiting[0].set_result(None)
        hand_over("second")
        for _ in range(10):
            await asyncio.sleep(0)
            for each in socket.waiting:
                if not each.done():
                    each.set_result(None)

    asyncio.run(course())
    return socket.taken


def test_the_last_change_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent(monkeypatch, ours=True) == ["first", "second"]


def test_panel_alone_keeps_it_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once this fails, `snnviz.dashboard.delivery` can go."""
    assert sent(monkeypatch, ours=False) == ["first"]
