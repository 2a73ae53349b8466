"""Who may see the pages, and what a browser may send."""

import asyncio
import gc
import http.client
import io
import json
import logging
import os
import re
import subprocess
import time
import urllib.parse
import urllib.request
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor

import bokeh.settings
import numpy as np
import panel.io.resources
import pytest
from bokeh.client import pull_session
from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

from snnviz import cli, dashboard, jobs, pretrained
from snnviz.dashboard import logins, uploads
from snnviz.dashboard.page import Page
from snnviz.dashboard.server import _BrowserLeft
from snnviz.errors import InputError
from snnviz.runs import Store
from tests.synthetic import dense_mnist


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.7", "example.org"])
def test_others_need_a_password(address):
    with pytest.raises(InputError, match="`address` must be of this machine alone"):
        dashboard.serve(dense_mnist(), port=0, address=address)


def test_served_to_all_only_where_that_is_said():
    with (
        dashboard.Serving(dense_mnist(), address="0.0.0.0", open_to_all=True) as server,
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/explorer", timeout=60) as answer,
    ):
        assert "<title>snnviz explorer</title>" in answer.read().decode()


def asked(server, path, host, method="GET", body=None, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, path, body, headers={"Host": host, **headers})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    connection.close()
    return found


WEBSOCKET = {
    "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "c25udml6c25udml6c24=",
}  # fmt: skip
PATHS = ["/", "/explorer", "/runs/ws", "/metadata", "/explorer/autoload.js", "/static/js/bokeh.min.js", "/nothing"]


@pytest.mark.parametrize("users", [None, {"ada": "engine"}])
def test_a_foreign_host_name_is_refused_everywhere(users):
    with dashboard.Serving(dense_mnist(), users=users, origins=("lab.example:80",)) as server:
        for path in [*PATHS, "/login", "/logout"]:
            for host in (f"elsewhere.example:{server.port}", "127.0.0.1:1", "elsewhere.example", ""):
                for headers in ({}, {**WEBSOCKET, "Origin": f"http://{host}"}):
                    status, _, text = asked(server, path, host, **headers)
                    assert status == 403, (path, host)
                    assert "--origin" in text
        for host in (f"127.0.0.1:{server.port}", f"LOCALHOST:{server.port}", f"[::1]:{server.port}", "lab.example:80"):
            status, headers, _ = asked(server, "/static/js/bokeh.min.js", host)
            assert status == 200
            assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
            assert headers["X-Frame-Options"] == "SAMEORIGIN"


def test_no_page_names_another_server(monkeypatch):
    """Not as it is served, nor as it is made anew for a browser that connects after the first was discarded; whatever the
    process says of where resources come from."""
    monkeypatch.setattr(bokeh.settings.settings.resources, "_user_value", "cdn")
    monkeypatch.setattr(panel.io.resources, "RESOURCE_MODE", "cdn")

    async def made_anew(context):
        (session,) = context.sessions
        request = session.document.session_context.request
        await context._discard_session(session, lambda _: True)
        await context.create_session_if_needed(session.id, request, session.token)
        (again,) = context.sessions
        assert again is not session
        return repr(again.document.to_json())

    with dashboard.Serving() as server:
        loop = server._server.io_loop.asyncio_loop
        for page in dashboard.PAGES:
            _, headers, text = asked(server, f"/{page.slug}", f"127.0.0.1:{server.port}")
            context = server._server._tornado._applications[f"/{page.slug}"]
            text += asyncio.run_coroutine_threadsafe(made_anew(context), loop).result(60)
            assert "static/extensions/panel/css/loading.css" in text
            assert outside(text, server) == []
            assert outside(headers["Content-Security-Policy"], server) == []
            (nonce,) = set(re.findall('<script nonce="([^"]+)"', text))
            assert f"script-src 'self' 'unsafe-eval' blob: 'nonce-{nonce}';" in headers["Content-Security-Policy"]
            assert len(re.findall("<script", text)) == len(re.findall("<script nonce=", text))


def test_small_requests_are_answered_while_pages_are_made():
    with dashboard.Serving() as server, ThreadPoolExecutor(12) as threads:
        done = []

        def get(path):
            done.append((path, asked(server, path, f"127.0.0.1:{server.port}")[0]))

        waiting = [threads.submit(get, "/explorer") for _ in range(10)]
        while not done:
            time.sleep(0.001)
        waiting.append(threads.submit(get, "/metadata"))
        for each in waiting:
            each.result(60)
    assert {status for _, status in done} == {200}
    assert done.index(("/metadata", 200)) < 10, "not after all pages"


def outside(text, server):
    """Addresses in a text that are not the server's."""
    return [
        url for url in re.findall(r"(?:https?|wss?)://[^\s\"'\\\\)]*", text) if f"//127.0.0.1:{server.port}" not in url
    ]


def test_a_password_is_asked_for_on_every_page():
    with dashboard.Serving(dense_mnist(), users={"ada": "engine"}) as server:
        for slug in ("", *(page.slug for page in dashboard.PAGES)):
            with urllib.request.urlopen(f"{server.url}{slug}", timeout=60) as answer:
                text = answer.read().decode()
            assert "/login" in answer.geturl()
            assert "password" in text.lower()
            assert "snn-page" not in text


def test_every_page_has_its_address_and_title():
    with dashboard.Serving() as server:
        for page in dashboard.PAGES:
            with urllib.request.urlopen(f"{server.url}{page.slug}", timeout=60) as answer:
                assert f"<title>snnviz {page.title.lower()}</title>" in answer.read().decode()


def logged_in(server, password="engine", **headers):
    """Answer to a login: status, headers, text; and the cookie alone."""
    found = asked(
        server, "/login", f"127.0.0.1:{server.port}", method="POST",
        body=urllib.parse.urlencode({"username": "ada", "password": password, "next": "/runs"}),
        **{"Content-Type": "application/x-www-form-urlencoded", **headers},
    )  # fmt: skip
    return *found, (found[1]["Set-Cookie"] or "").split(";")[0]


def test_a_login_lasts_until_the_logout():
    with dashboard.Serving(users={"ada": "engine"}) as server:
        here = f"127.0.0.1:{server.port}"
        status, headers, _, cookie = logged_in(server)
        assert (status, headers["Location"]) == (303, "./runs")
        assert "; HttpOnly" in headers["Set-Cookie"]
        assert "; SameSite=Lax" in headers["Set-Cookie"]
        assert "ada" not in cookie
        other = logged_in(server)[3]
        for each in (cookie, other):
            status, _, text = asked(server, "/runs", here, Cookie=each)
            assert status == 200
            assert "Log out" in asked_document(server, "runs")
        token = re.search(r'"token":"([^"]+)"', text)[1]
        socket = {**WEBSOCKET, "Origin": f"http://{here}", "Sec-WebSocket-Protocol": f"bokeh, {token}"}
        assert asked(server, "/logout", here, Cookie=cookie)[0] == 200
        assert asked(server, "/runs", here, Cookie=cookie)[0] == 302
        assert asked(server, "/runs/ws", here, Cookie=cookie, **socket)[0] == 403
        assert asked(server, "/runs", here, Cookie=other)[0] == 200, "another login goes on"
        assert asked(server, "/runs", here, Cookie=f"{cookie.split('=')[0]}=nonsense")[0] == 302


def asked_document(server, slug):
    """The documents of a page's sessions, as text."""
    sessions = server._server._tornado._applications[f"/{slug}"].sessions
    return "".join(repr(session.document.to_json()) for session in sessions)


def test_wrong_logins_are_answered_later_and_later(monkeypatch):
    waited = []

    async def sleep(seconds):
        waited.append(seconds)

    with dashboard.Serving(users={"ada": "engine"}) as server:
        monkeypatch.setattr(logins.asyncio, "sleep", sleep)
        for _ in range(7):
            status, headers, text, _ = logged_in(server, "wrong")
            assert status == 401
            assert "is wrong" in text
            assert headers["Set-Cookie"] is None
        assert [seconds for seconds in waited if seconds >= 1] == [1, 2, 4, 8, 16, 16, 16]
        assert logged_in(server)[0] == 303
        waited.clear()
        logged_in(server, "wrong")
        assert 1 in waited, "a right one ends it"
        assert logged_in(server, Origin="http://elsewhere.example")[0] == 403


def test_attempts_at_once_wait_for_each_other():
    known, slept = logins.Logins({"ada": "engine"}, "cookie"), []

    async def attempts():
        gate = asyncio.Event()

        async def sleep(seconds):
            slept.append(seconds)
            await gate.wait()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(logins.asyncio, "sleep", sleep)
            tries = [asyncio.ensure_future(known.check("a", "ada", "no")) for _ in range(10)]
            for _ in range(50):
                await asyncio.wait([asyncio.ensure_future(gate_check())])
            assert len(slept) == 1, "one is looked at after another"
            assert await known.check("b", "ada", "engine"), "another address does not wait"
            gate.set()
            return await asyncio.gather(*tries)

    async def gate_check():
        return None

    assert asyncio.run(attempts()).count(None) == 2, "more than eight do not even wait"
    assert len(slept) == 8
    assert known._attempts == {}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("/runs?dark=true", "/runs?dark=true"),
        ("//elsewhere.example", "/"),
        ("/\\elsewhere.example", "/"),
        ("http://elsewhere.example", "/"),
        ("runs", "/"),
        ("/\nrun", "/"),
    ],
)
def test_where_a_login_leads_to(wanted, found):
    assert logins._wanted(wanted) == found


def test_the_form_says_back_nothing_as_html():
    with dashboard.Serving(users={"ada": "engine"}) as server:
        here = f"127.0.0.1:{server.port}"
        text = asked(server, "/login?next=/%22%3E%3Cscript%3E", here)[2]
        assert "<script" not in text
        assert outside(text, server) == []


def test_a_large_body_is_refused_before_it_arrives():
    with dashboard.Serving(users={"ada": "engine"}) as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connection.putrequest("POST", "/login")
        connection.putheader("Content-Length", str(10**9))
        connection.endheaders()
        assert connection.getresponse().status in (400, 413)
        connection.close()


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"lovelace": 3}', '{"lovelace": ""}', "not json"],
)  # fmt: skip
def test_users_that_are_none(text, tmp_path, capsys):
    (tmp_path / "users.json").write_text(text)
    assert cli.main(["dashboard", "--basic-auth", str(tmp_path / "users.json"), "--tracking-uri", str(tmp_path)]) == 2
    answer = capsys.readouterr().err
    assert "must hold JSON" in answer
    assert "lovelace" not in answer, "what may be a secret is not repeated"


def test_users_from_the_environment(monkeypatch):
    from snnviz.cli.dashboard import USERS_VARIABLE, load_users

    assert load_users(None) is None
    monkeypatch.setenv(USERS_VARIABLE, json.dumps({"ada": "engine"}))
    assert load_users(None) == {"ada": "engine"}
    assert USERS_VARIABLE not in os.environ


def test_no_passwords_in_the_environment_of_a_job(tmp_path, monkeypatch):
    started = []
    monkeypatch.setenv("SNNVIZ_DASHBOARD_USERS", json.dumps({"ada": "engine"}))
    real = subprocess.Popen

    def start(command, **options):
        if "snnviz.jobs" not in command:
            return real(command, **options)
        started.append(options["env"])
        return Ended()

    monkeypatch.setattr(subprocess, "Popen", start)
    jobs.launch({"kind": "simulate", "options": {"network": "dense-mnist-heuristic"}}, store=Store(tmp_path))
    assert "PATH" in started[0]
    assert not any("engine" in value for value in started[0].values())


class Ended:
    def wait(self):
        return 0


def test_the_command_refuses_another_address_without_a_password(tmp_path, capsys):
    assert cli.main(["dashboard", "--address", "0.0.0.0", "--tracking-uri", str(tmp_path)]) == 2
    assert "--basic-auth" in capsys.readouterr().err


def archive(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "."), content)
    return buffer.getvalue()


def pickled():
    buffer = io.BytesIO()
    np.savez(buffer, header=np.array([{"a": 1}], dtype=object))
    return buffer.getvalue()


LAMBDA = json.dumps({"config": {"layers": [{"class_name": "Lambda", "config": {}}]}, "class_name": "Sequential"})
MEMBERS = {"metadata__json": "{}", "model__weights__h5": "x"}


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.pkl", b"x", r"a \.keras, \.onnx or \.npz file"),
        ("a.npz", b"", "1 byte to 32 MiB"),
        ("a.npz", b"x" * (uploads.MOST_BYTES + 1), "1 byte to 32 MiB"),
        ("a.npz", b"PK\x03\x04 and then nothing", "cannot be read"),
        ("a.npz", pickled(), "file of plain arrays"),
        ("a.keras", b"nonsense", "cannot be read"),
        ("a.keras", archive(**MEMBERS), "must hold config.json"),
        ("a.keras", archive(config__json="{}", evil__py="x", **MEMBERS), "must hold config.json"),
        ("a.keras", archive(config__json="{", **MEMBERS), "readable config.json"),
        ("a.keras", archive(config__json=LAMBDA, **MEMBERS), "Lambda"),
        (
            "a.keras",
            archive(config__json="{}", metadata__json="{}", model__weights__h5=b"\0" * 540 * 2**20),
            "unpack to at most",
        ),
    ],
    ids=[
        "suffix",
        "empty",
        "large",
        "truncated",
        "pickle",
        "no zip",
        "no config",
        "other members",
        "bad json",
        "code",
        "bomb",
    ],
)
def test_uploads_that_are_refused(tmp_path, name, content, why):
    with pytest.raises(InputError, match=why):
        uploads.keep(tmp_path, name, content)
    assert not [file for file in tmp_path.rglob("*") if file.is_file()], "nothing of it is kept"


@pytest.mark.parametrize("name", ["dense-mnist-heuristic", "dense-mnist"])
def test_uploads_lie_under_the_hash_of_their_content(tmp_path, name):
    file = pretrained.path(name)
    kind, kept = uploads.keep(tmp_path, f"../../../etc/evil\n{file.suffix}", file.read_bytes())
    assert kind == uploads.MODEL
    assert kept.parent == tmp_path / "uploads"
    assert kept.read_bytes() == file.read_bytes()
    assert uploads.keep(tmp_path, f"again{file.suffix}", file.read_bytes()) == (kind, kept)
    (shown,) = uploads.known(tmp_path, file.suffix)
    assert shown.startswith("again")
    assert uploads.known(tmp_path, ".other") == {}


def data_file(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


GRAY = np.zeros((4, 8, 8), np.uint8)


def test_data_are_uploads_too(tmp_path):
    kind, kept = uploads.keep(tmp_path, "letters.npz", data_file(x_test=GRAY, y_test=np.arange(4)))
    assert kind == uploads.DATA
    assert uploads.known(tmp_path, ".npz") == {}, "no network"
    (reference,) = uploads.known(tmp_path, ".npz", uploads.DATA).values()
    assert uploads.located(tmp_path, reference) == str(kept)
    for wrong in (
        {"x_test": GRAY},
        {"x_train": GRAY, "y_train": np.arange(3)},
        {"x_test": GRAY, "y_test": -np.arange(4)},
    ):
        with pytest.raises(InputError, match="an upload must hold"):
            uploads.keep(tmp_path, "wrong.npz", data_file(**wrong))
    assert len(uploads.known(tmp_path, ".npz", uploads.DATA)) == 1


def opened(server, address, monkeypatch):
    """The page that a server makes for an address."""
    made = []
    begin = dashboard.explorer_page.Page.__init__

    def remember(page, *arguments, **options):
        begin(page, *arguments, **options)
        made.append(page)

    monkeypatch.setattr(dashboard.explorer_page.Page, "__init__", remember)
    assert asked(server, address, f"127.0.0.1:{server.port}")[0] == 200
    return made[-1]


@pytest.fixture(scope="module")
def of_digits():
    """A server of two runs, whose names and classes are digits."""
    digits = {"class": ["1", "2", "3"]}
    shown = {"1": dense_mnist().assign_coords(digits), "2": dense_mnist(fast=True).assign_coords(digits)}
    with dashboard.Serving(shown) as server:
        yield server


@pytest.mark.parametrize(
    ("address", "state"),
    [
        ("/predictions?label=3", {"label": "3"}),  # a class, and no number
        ("/predictions?item=3&time=2&kind=all", {"item": 3, "time": 2, "kind": "all"}),
        ("/explorer?runs=%5B%221%22%5D&run=1", {"runs": ["1"], "run": "1"}),
        ("/explorer?threshold=0.5&dark=true", {"threshold": 0.5, "dark": True}),
        ("/runs?opened=12345678901234567890123456789012", {"opened": "12345678901234567890123456789012"}),
    ],
)
def test_addresses_are_understood(address, state, of_digits, monkeypatch):
    page = opened(of_digits, address, monkeypatch)
    assert {name: getattr(page, name) for name in state} == state
    assert page.notice.object == ""


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/explorer?colour=red&threshold=0.5", "does not know: colour"),
        ("/explorer?x_scale=cubic&threshold=0.5", "cannot be shown here: x_scale=cubic"),
        ("/explorer?colour=red&x_scale=cubic&threshold=0.5", "does not know: colour"),
        ("/explorer?colour=red&x_scale=cubic&threshold=0.5", "cannot be shown here: x_scale=cubic"),
        ("/predictions?item=9999999", "item=9999999"),
    ],
)
def test_what_an_address_asks_for_in_vain_is_said(address, words, of_digits, monkeypatch):
    page = opened(of_digits, address, monkeypatch)
    assert words in page.notice.object
    assert getattr(page, "threshold", 0.5) == 0.5, "the rest is taken"


def test_dark_follows_the_system(monkeypatch):
    with dashboard.Serving(dense_mnist()) as server:
        here = f"127.0.0.1:{server.port}"
        _, _, text = asked(server, "/explorer", here, Cookie="snnviz_scheme=dark")
        assert "html { background: #0e131a" in text
        assert "html { background: #f5f7f9" in asked(server, "/explorer", here)[2]
        _, _, text = asked(server, "/explorer?dark=false", here, Cookie="snnviz_scheme=dark")
        assert "html { background: #f5f7f9" in text
        assert "@media (prefers-color-scheme" not in text, "somebody chose it"
        _, _, text = asked(server, "/explorer", here)  # of a browser that comes for the first time
        assert "@media (prefers-color-scheme: dark) { html { background: #0e131a" in text


def test_a_browser_that_left_is_no_exception_in_the_log():
    def kept(error=None, words="Task exception was never retrieved"):
        info = None if error is None else (type(error), error, error.__traceback__)
        return _BrowserLeft().filter(logging.LogRecord("asyncio", logging.ERROR, "", 0, words, (), info))

    assert not kept(WebSocketClosedError())
    assert not kept(StreamClosedError())
    assert not kept(words="Failed sending message as connection was closed")
    with pytest.raises(ValueError) as typed:
        dashboard.Optimize(dense_mnist()).items = 0
    assert not kept(typed.value)
    assert kept(ValueError("ours"))
    with pytest.raises(AssertionError) as caught:
        raise AssertionError("ours")
    assert kept(caught.value)


def test_a_page_whose_browser_left_before_it_was_made_is_forgotten(monkeypatch):
    """A server that kept it would grow with every click in the menu."""
    made = []
    begin = Page.__init__

    def noted(self, *arguments, **options):
        begin(self, *arguments, **options)
        made.append(weakref.ref(self))

    monkeypatch.setattr(Page, "__init__", noted)
    with dashboard.Serving(dense_mnist()) as server:
        made.clear()  # one was made to find mistakes
        applications = server._server._tornado._applications.values()
        session = pull_session(url=f"{server.url}explorer")
        assert [type(one()) for one in made] == [dashboard.Explorer]
        session.close()

        async def forget():
            for application in applications:
                await application._cleanup_sessions(0)

        until = time.monotonic() + 60
        while made[0]() is not None and time.monotonic() < until:
            asyncio.run_coroutine_threadsafe(forget(), server._server.io_loop.asyncio_loop).result(60)
            time.sleep(0.2)
            gc.collect()
        assert made[0]() is None
