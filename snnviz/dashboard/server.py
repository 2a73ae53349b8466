"""Serving pages on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import queue
import secrets
import socket
import sys
import threading
import traceback
import warnings
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import panel as pn
from bokeh.util.warnings import BokehUserWarning
from panel.io.document import init_doc
from panel.io.resources import get_dist_path
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.dashboard import hosts, style
from snnviz.dashboard.logins import BODY_BYTES, Logins
from snnviz.dashboard.page import Page, out_of_range, prefers_dark
from snnviz.dashboard.pages import PAGES
from snnviz.dashboard.turns import InTurn
from snnviz.dashboard.workspace import Workspace
from snnviz.errors import InputError

# Panel's own page templates fetch a font; this one is its bare base with what a page needs to fit a narrow screen
_TEMPLATE = """
{% extends base %}
{% block postamble %}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="Accuracy over time and over cost of spiking networks">
<style>{{ frame }}</style>
{{ marked }}>{{ scheme }}</script>
{% endblock %}
{% block js_resources %}{{ bokeh_js | replace("<script", marked) }}{% endblock %}
{% block inner_body %}
<main>{{ embed(roots.page) }}</main>{{ embed(roots.location) }}
{{ plot_script | replace("<script", marked) }}
{{ marked }}>{{ script }}</script>
{% endblock %}
"""
_TALKING = (
    "asyncio",
    "tornado.application",
    "bokeh.server.views.ws",
    "bokeh.server.protocol_handler",
    "panel.reactive",
)
"""Loggers that hear of a browser that has left, and of what was typed into a field."""
MESSAGE_BYTES = 16 * 2**20
"""The largest message that a browser may send: a part of an uploaded model, of which each has at most 10 MB."""


class _BrowserLeft(logging.Filter):
    """Keeps out of the log that a browser left while something was on its way to it or from it: nobody's mistake.

    Tornado, Bokeh and Panel report each as an exception that nothing caught, pages of them when tabs are closed quickly. So does
    Panel report a number out of range, which the page has answered in a sentence.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if (
            isinstance(error, AssertionError) and error.__traceback__ is not None
        ):  # of a connection that never had its session
            last = traceback.extract_tb(error.__traceback__)[-1]
            return not (last.name == "session" and last.filename.endswith("connection.py"))
        # the last when the server stops while it writes
        left = isinstance(error, WebSocketClosedError | StreamClosedError | asyncio.CancelledError)
        return not left and out_of_range(error) is None and "connection was closed" not in record.getMessage()


class _Template(pn.Template):
    """A template whose document names this server's own files, whenever and for whom it is made.

    Panel makes a document with the addresses of a public server and puts its own in their place when it answers with the page. A
    document that is made anew when the browser connects, since the first was discarded while a slow machine had not come that
    far, keeps the public ones. Nor does a setting of the process, which others may change meanwhile, have a say.
    """

    def _init_doc(self, doc: Any = None, *arguments: Any, **options: Any) -> Any:
        document = init_doc(doc or pn.state.curdoc)
        document._template_variables["dist_url"] = get_dist_path(cdn=False)
        return super()._init_doc(document, *arguments, **options)

    def __repr__(self) -> str:
        return "<page>"  # Panel's own goes through all of it whenever a part is added

    def resolve_resources(self, cdn: Any = False, extras: Any = None) -> Any:
        return super().resolve_resources(cdn=False, extras=extras)


@checked
def create_app(workspace: Any = None, page: type[Page] = PAGES[0], **state: Any) -> pn.Template:
    """A page for one session, its state kept in the address.

    Args:
        workspace: see `Page`.
        page: the class of the page.
        **state: initial values of the page's parameters; the address goes before them.
    """
    state.setdefault("dark", prefers_dark())
    made = page(workspace, menu=[(each.slug, each.title) for each in PAGES], **state)
    template = _Template(_TEMPLATE, location=True)
    template.add_panel("page", made)
    if pn.state.curdoc is not None:
        # of this session. Panel keeps it for as long as the document lives, which the page it is of would keep alive for ever
        failed = weakref.WeakMethod(made.failed)
        pn.config.exception_handler = lambda error: tell(error) if (tell := failed()) else None
    template.add_variable("marked", f'<script nonce="{secrets.token_urlsafe(16)}"')  # see `hosts.policy`
    asked = False
    if pn.state.location is not None:
        asked = "dark" in parse_qs(pn.state.location.search.removeprefix("?"))
        _follow(pn.state.location, made)
    template.add_variable("scheme", style.source("scheme.js"))
    template.add_variable("script", style.source("page.js"))
    template.add_variable("frame", style.frame(made.dark, asked or made.dark != prefers_dark()))
    return template


@functools.cache
def shared_workspace(arguments: tuple[str, ...]) -> Workspace:
    """The workspace of all sessions of `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`.

    Args:
        arguments: result files, by default those of `snnviz demo`; and --read-only, if nothing is to be launched.
    """
    from snnviz import results
    from snnviz.runs import Store

    names = [name for name in arguments if name != "--read-only"]
    found = [Path(name) for name in names] or sorted(Path("snnviz-out").glob("*.nc"))
    files = {file.stem: file for file in found}
    loaded = {name: results.load(file) for name, file in files.items()}
    return Workspace(loaded, store=Store(), read_only="--read-only" in arguments, files=files)


def titled(page: type[Page]) -> str:
    """What the browser writes on a page's tab."""
    return f"snnviz {page.title.lower()}"


def _follow(location: Any, page: Page) -> None:
    """Keep the state of a page in its address, and take it from there; say what an address asks for in vain."""
    known = {name: name for name in (*page.url_state, "dark", "zoomed")}
    asked = [name for name in parse_qs(location.search.removeprefix("?")) if not name.startswith("bokeh-")]
    unknown = [name for name in asked if name not in known]
    told = ""
    if unknown:
        told = f"The address asks for what this page does not know: {', '.join(unknown)}. It knows {', '.join(known)}."
        page.say(told)
    location.sync(page, known, on_error=functools.partial(_apply_valid, location, page, told))
    first = {name: getattr(page, name) for name in known}

    def went_back(event: Any) -> None:
        """What the browser's address says no more is as it was at first: addresses tell what was changed alone."""
        if location._syncing:  # this server's own doing
            return
        said = parse_qs(event.new.removeprefix("?"))
        for name, value in first.items():
            if name not in said and getattr(page, name) != value:
                with contextlib.suppress(ValueError, TypeError):  # a run that is no more
                    page.param.update(**{name: value})

    location.param.watch(went_back, "search")


def _apply_valid(location: Any, page: Page, told: str, wanted: dict[str, Any]) -> None:
    """Take from an address what the page understands, and say what it does not, after what was `told` of it before.

    Panel reads numbers and lists where it can, so that a name that looks like a number comes as one.
    """
    typed = {name: values[-1] for name, values in parse_qs(location.search.removeprefix("?")).items()}
    wrong = []
    for name, value in wanted.items():
        for meant in (value, typed.get(name)):
            try:
                page.param.update(**{name: meant})
            except (ValueError, TypeError):
                continue
            break
        else:
            wrong.append(f"{name}={typed.get(name, value)}")
    if wrong:
        page.say(f"{told} The address asks for what cannot be shown here: {', '.join(wrong)}.".strip())


@checked
def serve(
    workspace: Any = None,
    port: int = 5006,
    address: str = "127.0.0.1",
    show: bool = False,
    users: Mapping[str, str] | None = None,
    open_to_all: bool = False,
    origins: Sequence[str] = (),
    **state: Any,
) -> None:
    """Serve the pages until Ctrl-C.

    Args:
        workspace: a `Workspace`; or a result, a sequence of results, or a mapping from names; shared by all sessions and
            never changed by them.
        port: of the pages; 0 takes a free one.
        address: of the network interface. On the default one only this machine can open the pages; another needs `users`.
        show: open a browser.
        users: passwords by user name, asked for before any page is shown.
        open_to_all: serve on another address without asking for a password, e.g. behind a proxy that does.
        origins: host names (with port) under which browsers reach the pages, beside `address`; other names are refused.
        **state: initial values of the first page's parameters.

    Raises:
        InputError: if the port is taken or out of range, or the pages would be open to others without a password.
    """
    server = _server(workspace, port, address, show, users, open_to_all, origins, state)
    server.start()
    sys.stderr.write(f"The pages are at http://{address}:{server.port}/ (Ctrl-C ends them)\n")
    server.io_loop.start()  # Panel makes Ctrl-C stop the loop
    server.stop()


class Serving:
    """The pages served from a thread of their own, for notebooks and tests; leave the `with` block or call `stop` to end it.

    Args:
        workspace: see `serve`, like the other arguments.
        port: of the pages; 0 takes a free one.
        address: of the network interface.
        **options: further arguments of `serve`.

    Attributes:
        port: where it listens.
        url: of the pages.

    Raises:
        InputError: see `serve`.
    """

    @checked
    def __init__(self, workspace: Any = None, port: int = 0, address: str = "127.0.0.1", **options: Any) -> None:
        handed: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._work, args=(handed, workspace, port, address, options), daemon=True
        )
        self._thread.start()
        self._server = handed.get()
        if isinstance(self._server, BaseException):
            self._thread.join()
            raise self._server
        self.port: int = self._server.port
        self.url = f"http://{address}:{self.port}/"

    @staticmethod
    def _work(handed: queue.SimpleQueue[Any], workspace: Any, port: int, address: str, options: dict[str, Any]) -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        known = {name: options.pop(name, default) for name, default in _OPTIONS.items()}
        try:
            server = _server(workspace, port, address, False, state=options, **known)
            server.start()
        except BaseException as error:  # raised again where someone waits
            loop.close()
            handed.put(error)
            return
        handed.put(server)
        server.io_loop.start()
        server.stop()
        under_way = asyncio.all_tasks(loop)  # cancelled, as by `asyncio.run`, and not left to be complained of
        for task in under_way:
            task.cancel()
        if under_way:
            loop.run_until_complete(asyncio.wait(under_way))
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


_OPTIONS: dict[str, Any] = {"users": None, "open_to_all": False, "origins": ()}


def _server(
    workspace: Any,
    port: int,
    address: str,
    show: bool,
    users: Mapping[str, str] | None,
    open_to_all: bool,
    origins: Sequence[str],
    state: dict[str, Any],
) -> Any:
    """A bound server in the current thread's event loop, not started."""
    from panel.io.server import get_server

    check.integer("port", port, 0, 65535)
    if not _is_loopback(address) and not users and not open_to_all:
        raise InputError(
            "`address` must be of this machine alone (127.0.0.1), unless a password is asked for (`users`, --basic-auth) or "
            f"the pages are meant to be open to all (`open_to_all`, --open-to-all). Received: {address!r}"
        )
    shared = Workspace.of(workspace)
    PAGES[0](shared, **state)  # a mistake should be answered here, not by an empty page
    wanted = _bindable(address, port)

    def session(page: type[Page]) -> Any:
        # Panel takes a function, but not a functools.partial, for a page made per session
        return lambda: create_app(shared, page, **(state if page is PAGES[0] else {}))

    guarded: dict[str, Any] = {}
    if users:
        guarded = {"auth_provider": Logins(users, f"snnviz_{wanted}")}
    pages = {"/": PAGES[0], **{f"/{page.slug}": page for page in PAGES}}
    answered = sorted(hosts.known(address, wanted, origins))
    server = get_server(
        {slug: session(page) for slug, page in pages.items()},
        title={slug: titled(page) for slug, page in pages.items()},
        port=wanted,
        address=address,
        websocket_origin=[name for name in answered if "[" not in name],  # Bokeh knows no IPv6 origins
        websocket_max_message_size=MESSAGE_BYTES,
        http_server_kwargs={"max_body_size": BODY_BYTES},
        show=show,
        verbose=False,
        start=False,
        **guarded,
    )
    for context in server._tornado._applications.values():
        context.application.add(InTurn())
    hosts.guard(server, answered)
    for name in _TALKING:
        logger = logging.getLogger(name)
        if not any(isinstance(one, _BrowserLeft) for one in logger.filters):
            logger.addFilter(_BrowserLeft())
    # a browser may tell in full of a model that this server knows, and takes as it should
    warnings.filterwarnings("ignore", "reference already known", BokehUserWarning)
    return server


def _is_loopback(address: str) -> bool:
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a host name
        return False


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
        except (UnicodeError, TypeError) as error:  # no name of a machine is so long
            raise InputError(f"`address` must be that of a machine. Received: {check.describe(address)}") from error
        return int(probe.getsockname()[1])
