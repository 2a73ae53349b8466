"""Serving pages on this machine."""

from __future__ import annotations

import socket
from typing import Any

import panel as pn

from snnviz import _checks as check
from snnviz.dashboard.explorer import URL_STATE, Explorer
from snnviz.errors import InputError
from snnviz.plots._runs import Results, named

TITLE = "snnviz explorer"
# Panel's own page templates fetch a font; this one is its bare base with what a page needs to fit a narrow screen
_TEMPLATE = """
{% extends base %}
{% block postamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Accuracy over time and over cost of spiking networks">
{% endblock %}
{% block contents %}<main>{{ embed(roots.page) }}</main>{% endblock %}
"""


def create_app(results: Results | None = None, **state: Any) -> pn.Template:
    """The explorer as a page for one session, its state kept in the address.

    Args:
        results: see `Explorer`.
        **state: initial values of the page's parameters; the address goes before them.
    """
    explorer = Explorer(results, **state)
    page = pn.Template(_TEMPLATE)
    page.add_panel("page", explorer)
    if pn.state.location is not None:
        known = {name: name for name in URL_STATE if name != "run" or len(explorer.results) > 1}
        pn.state.location.sync(explorer, known)
    return page


def serve(
    results: Results | None = None,
    port: int = 5006,
    address: str = "127.0.0.1",
    show: bool = False,
    threaded: bool = False,
    **state: Any,
) -> Any:
    """Serve the explorer until Ctrl-C.

    The page has no password; on the default address only this machine can open it.

    Args:
        results: a result, a sequence of results, or a mapping from names; shared by all sessions and never changed.
        port: of the page; 0 takes a free one.
        address: of the network interface.
        show: open a browser.
        threaded: return at once, with the server running in a thread of its own (`.stop()` ends it; `.port` is its port).
        **state: initial values of the page's parameters.

    Raises:
        InputError: if the port is taken or out of range.
    """
    check.integer("port", port, 0, 65535)
    shared = {} if results is None else named(results) if not _none(results) else {}
    if port == 0:
        port = _free_port(address)
    elif not _is_free(address, port):
        raise InputError(f"`port` must be free on {address}. Received: {port}, which another program uses")

    def session() -> pn.Template:  # Panel takes a function, but not a functools.partial, for a page made per session
        return create_app(shared, **state)

    server = pn.serve(
        {"/": session},
        port=port,
        address=address,
        websocket_origin=[f"{address}:{port}", f"localhost:{port}"],
        show=show,
        title=TITLE,
        threaded=threaded,
        verbose=False,
        start=True,
    )
    if threaded:
        server.port = port
    return server


def _none(results: Results) -> bool:
    import xarray as xr

    return not isinstance(results, xr.Dataset) and len(results) == 0


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
