"""Serving pages on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import queue
import socket
import sys
import threading
from typing import Any

import panel as pn

from snnviz import _checks as check
from snnviz.dashboard.explorer import URL_STATE, Explorer
from snnviz.errors import InputError
from snnviz.plots import Results

TITLE = "snnviz explorer"
# Panel's own page templates fetch a font; this one is its bare base with what a page needs to fit a narrow screen
_TEMPLATE = """
{% extends base %}
{% block postamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Accuracy over time and over cost of spiking networks">
{% endblock %}
{% block contents %}<main>{{ embed(roots.page) }}</main>{{ embed(roots.location) }}{% endblock %}
"""


def create_app(results: Results | None = None, **state: Any) -> pn.Template:
    """The explorer as a page for one session, its state kept in the address.

    Args:
        results: see `Explorer`.
        **state: initial values of the page's parameters; the address goes before them.
    """
    explorer = Explorer(results, **state)
    page = pn.Template(_TEMPLATE, location=True)
    page.add_panel("page", explorer)
    if pn.state.location is not None:
        known = {name: name for name in URL_STATE if name != "run" or len(explorer.results) > 1}
        pn.state.location.sync(explorer, known, on_error=functools.partial(_apply_valid, explorer))
    return page


def _apply_valid(explorer: Explorer, wanted: dict[str, Any]) -> None:
    """Take from an address what the page understands and leave the rest, as for any web page."""
    for name, value in wanted.items():
        with contextlib.suppress(ValueError):
            explorer.param.update(**{name: value})


def serve(
    results: Results | None = None, port: int = 5006, address: str = "127.0.0.1", show: bool = False, **state: Any
) -> None:
    """Serve the explorer until Ctrl-C.

    The page has no password; on the default address only this machine can open it.

    Args:
        results: a result, a sequence of results, or a mapping from names; shared by all sessions and never changed.
        port: of the page; 0 takes a free one.
        address: of the network interface.
        show: open a browser.
        **state: initial values of the page's parameters.

    Raises:
        InputError: if the port is taken or out of range.
    """
    server = _server(results, port, address, show, state)
    server.start()
    sys.stderr.write(f"The explorer is at http://{address}:{server.port}/ (Ctrl-C ends it)\n")
    server.io_loop.start()  # Panel makes Ctrl-C stop the loop
    server.stop()


class Serving:
    """The explorer served from a thread of its own, for notebooks and tests; leave the `with` block or call `stop` to end it.

    Args:
        results: see `serve`.
        port: of the page; 0 takes a free one.
        address: of the network interface.
        **state: initial values of the page's parameters.

    Attributes:
        port: where it listens.
        url: of the page.

    Raises:
        InputError: if the port is taken or out of range.
    """

    def __init__(self, results: Results | None = None, port: int = 0, address: str = "127.0.0.1", **state: Any) -> None:
        handed: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, args=(handed, results, port, address, state), daemon=True)
        self._thread.start()
        self._server = handed.get()
        if isinstance(self._server, BaseException):
            self._thread.join()
            raise self._server
        self.port: int = self._server.port
        self.url = f"http://{address}:{self.port}/"

    @staticmethod
    def _work(
        handed: queue.SimpleQueue[Any], results: Results | None, port: int, address: str, state: dict[str, Any]
    ) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            server = _server(results, port, address, False, state)
            server.start()
        except BaseException as error:  # raised again where someone waits
            loop.close()
            handed.put(error)
            return
        handed.put(server)
        server.io_loop.start()
        server.stop()
        server.io_loop.close(all_fds=True)

    def stop(self) -> None:
        """End all sessions and free the port."""
        if self._thread.is_alive():
            self._server.io_loop.add_callback(self._server.io_loop.stop)
            self._thread.join()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _server(results: Results | None, port: int, address: str, show: bool, state: dict[str, Any]) -> Any:
    """A bound server in the current thread's event loop, not started."""
    from panel.io.server import get_server

    check.integer("port", port, 0, 65535)
    Explorer(results, **state)  # a mistake should be answered here, not by an empty page
    wanted = _bindable(address, port)

    def session() -> pn.Template:  # Panel takes a function, but not a functools.partial, for a page made per session
        return create_app(results, **state)

    return get_server(
        {"/": session},
        port=wanted,
        address=address,
        websocket_origin=[f"{address}:{wanted}", f"localhost:{wanted}"],
        show=show,
        title=TITLE,
        verbose=False,
        start=False,
    )


def _bindable(address: str, port: int) -> int:
    """`port`, or a free one for 0, if a server can listen there.

    The number must be known before the server is made, since it is part of the origins that may talk to the page.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise InputError(f"`port` must be free on {address}. Received: {port} ({error.strerror})") from error
        return int(probe.getsockname()[1])
