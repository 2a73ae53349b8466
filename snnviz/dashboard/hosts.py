"""Under which names the server may be asked for, and what every answer of it forbids the browser.

A web page elsewhere can let its own name point at this machine, and would then read the pages and launch jobs as its own. Such
a request carries the foreign name in its Host header, so names that are not known are refused before any handler runs.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Sequence
from typing import Any

from bokeh.resources import Resources
from bokeh.server.views.static_handler import StaticHandler
from tornado import httputil, routing, web

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_EVERY_INTERFACE = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not bound to
_HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
_HOST = re.compile(r"[\w.:\[\]-]+", re.ASCII)
_NONCE = re.compile(rb'<script nonce="([\w-]+)"')


def known(address: str, port: int, origins: Sequence[str]) -> frozenset[str]:
    """Host headers that are answered, in lower case.

    Args:
        address: that the server listens on.
        port: of the server.
        origins: further names, with their port.
    """
    names = [*_LOOPBACK, *([] if address in _EVERY_INTERFACE else [_bracketed(address)])]
    if address in _EVERY_INTERFACE:
        names += [socket.gethostname(), socket.getfqdn(), *map(_bracketed, _own_addresses())]
    return frozenset(_with_port(name) for name in (*(f"{name}:{port}" for name in names), *origins))


def guard(server: Any, names: Collection[str]) -> None:
    """Let a Bokeh server answer under `names` alone, and add the headers that keep other servers' pages and files out."""
    application = server._tornado
    application.resources = _own_resources
    application.transforms.append(_Headers)
    server._http.request_callback = _KnownHosts(application, names)


def _own_resources(absolute_url: Any = None) -> Resources:
    """Where pages find scripts and style sheets: on this server, also where the process was told otherwise (BOKEH_RESOURCES)."""
    root = absolute_url if isinstance(absolute_url, str) else "/"
    needed: Any = ["bokeh", "bokeh-widgets", "bokeh-tables"]  # no WebGL, no formulas
    return Resources(mode="server", root_url=root, path_versioner=StaticHandler.append_version, components=needed)


class _KnownHosts(routing.Router):
    """Hands requests under known names to the application; stands before it, so that no handler is reached otherwise."""

    def __init__(self, application: web.Application, names: Collection[str]) -> None:
        self._application = application
        self._names = names

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> httputil.HTTPMessageDelegate | None:
        if _with_port(request.headers.get("Host", "")) in self._names:
            return self._application.find_handler(request, **kwargs)
        return self._application.get_handler_delegate(request, _Unknown)


class _Unknown(web.RequestHandler):
    """Says that the name is not known."""

    def prepare(self) -> None:
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("The pages are not served under this host name; --origin HOST:PORT (`origins`) allows one more.\n")


class _Headers(web.OutputTransform):
    """Adds to every answer what the browser is to forbid."""

    def __init__(self, request: httputil.HTTPServerRequest) -> None:
        super().__init__(request)
        self._host = request.headers.get("Host", "")

    def transform_first_chunk(
        self, status_code: int, headers: httputil.HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, httputil.HTTPHeaders, bytes]:
        for name, value in _HEADERS.items():
            headers[name] = value
        found = _NONCE.search(chunk) if headers.get("Content-Type", "").startswith("text/html") else None
        headers["Content-Security-Policy"] = policy(self._host, found[1].decode() if found else "")
        return status_code, headers, chunk


def policy(host: str, nonce: str = "") -> str:
    """The Content-Security-Policy of an answer: whatever a page comes to hold, the browser asks no other server.

    Args:
        host: under which the server was asked, and is reached by WebSocket.
        nonce: of the scripts that stand in the answer; no other one runs that stands in a page, nor any in an attribute.
    """
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    marked = f" 'nonce-{nonce}'" if nonce else ""
    return "; ".join(
        [
            "default-src 'self'",
            # Bokeh makes functions of the strings in CustomJS, and Panel modules of the components' code
            f"script-src 'self' 'unsafe-eval' blob:{marked}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            f"connect-src 'self' blob:{sockets}",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        ]
    )


def _with_port(name: str) -> str:
    """A host name in lower case with its port: browsers leave the usual one out."""
    lower = name.strip().lower()
    return lower if lower.rpartition(":")[2].isdigit() else f"{lower}:80"


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address and not address.startswith("[") else address


def _own_addresses() -> list[str]:
    """Addresses of this machine, as far as its own name leads to them."""
    try:
        found = socket.getaddrinfo(socket.gethostname(), None)
    except OSError:
        return []
    return sorted({str(entry[4][0]) for entry in found})
