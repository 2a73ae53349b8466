"""Who is logged in: sessions that the server knows and ends, in a cookie that scripts and other sites cannot use.

The cookie holds a random number and nothing else, so that a logout, after which the number is not known any more, ends a session
wherever its cookie went. A wrong password is answered late, and the later the more of them came from an address; one attempt of an
address is looked at after another, so that asking many at once does not help.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from html import escape
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakSet

from bokeh.server.auth_provider import AuthProvider
from tornado import web
from tornado.websocket import WebSocketHandler

LONGEST_DELAY = 16.0
"""Seconds."""
_LASTS = 24 * 3600.0
_MOST_SESSIONS = 10_000
_MOST_ADDRESSES = 10_000
_MOST_WAITING = 8
BODY_BYTES = 64 * 2**10
"""The largest body of a request: a login form is the only one."""


class Logins(AuthProvider):
    """The sessions of a server.

    Args:
        users: passwords by user name.
        name: of the cookie; browsers do not tell the ports of a machine apart.
    """

    def __init__(self, users: Mapping[str, str], name: str) -> None:
        self._users = dict(users)
        self.name = name
        self._sessions: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._sockets: defaultdict[str, WeakSet[Any]] = defaultdict(WeakSet)
        self._wrong: OrderedDict[str, int] = OrderedDict()
        self._attempts: dict[str, asyncio.Lock] = {}
        self._waiting: defaultdict[str, int] = defaultdict(int)
        super().__init__()

    @property
    def get_user(self) -> Any:
        """The user of a request, or None."""
        return self._user

    @property
    def login_url(self) -> str:
        """Where the form is."""
        return "/login"

    @property
    def logout_url(self) -> str:
        """What ends a session."""
        return "/logout"

    @property
    def login_handler(self) -> type[web.RequestHandler]:
        """The form."""
        return _Login

    @property
    def logout_handler(self) -> type[web.RequestHandler]:
        """The end of a session."""
        return _Logout

    def begin(self, user: str) -> str:
        """Begin a session and return its number."""
        token = secrets.token_urlsafe(32)
        self._sessions[token] = user, time.monotonic() + _LASTS
        while len(self._sessions) > _MOST_SESSIONS:
            self.end(next(iter(self._sessions)))
        return token

    def end(self, token: str | None) -> None:
        """End a session and close what it has open."""
        if token is None or self._sessions.pop(token, None) is None:
            return
        for socket in self._sockets.pop(token, ()):
            socket.close()

    async def check(self, address: str, user: str, password: str) -> bool | None:
        """Whether it is the user's password, answered late if it is not; None if too many attempts of the address wait.

        Args:
            address: of the browser, as far as the server sees.
            user: as typed.
            password: as typed.
        """
        if self._waiting[address] >= _MOST_WAITING:
            return None
        self._waiting[address] += 1
        try:
            async with self._attempts.setdefault(address, asyncio.Lock()):
                known = self._users.get(user)
                right = hmac.compare_digest(password.encode(), (known or secrets.token_urlsafe()).encode())
                if right and known is not None:
                    self._wrong.pop(address, None)
                    return True
                times = self._wrong[address] = self._wrong.pop(address, 0) + 1
                while len(self._wrong) > _MOST_ADDRESSES:
                    self._wrong.popitem(last=False)
                await asyncio.sleep(delay(times))
                return False
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address], self._attempts[address]

    def _user(self, handler: web.RequestHandler) -> str | None:
        token = handler.get_cookie(self.name)
        user, until = self._sessions.get(token or "", (None, 0.0))
        if user is None or token is None:
            return None
        if time.monotonic() > until:
            self.end(token)
            return None
        if isinstance(handler, WebSocketHandler):
            self._sockets[token].add(handler)
        return user


def delay(times: int) -> float:
    """Seconds until the answer to a wrong password, after so many of them."""
    return float(min(2.0 ** min(times - 1, 10), LONGEST_DELAY))


class _Handler(web.RequestHandler):
    """What the form and the end of a session share."""

    @property
    def logins(self) -> Logins:
        return self.application.auth_provider  # type: ignore[attr-defined]

    def _page(self, title: str, content: str) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(_PAGE.format(title=escape(title), content=content))


class _Login(_Handler):
    """Asks for a user and a password."""

    def get(self) -> None:
        self._ask("")

    async def post(self) -> None:
        origin = self.request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc.lower() != self.request.host.lower():
            raise web.HTTPError(403)
        user, password = self.get_body_argument("username", ""), self.get_body_argument("password", "", strip=False)
        right = await self.logins.check(self.request.remote_ip or "", user, password)
        if not right:
            self.set_status(429 if right is None else 401)
            self._ask(
                "Too many attempts: try again in a while." if right is None else "The user or the password is wrong."
            )
            return
        self.logins.end(self.get_cookie(self.logins.name))
        self.set_cookie(
            self.logins.name,
            self.logins.begin(user),
            httponly=True,
            samesite="Lax",
            secure=self.request.protocol == "https",
        )
        self.redirect(f".{_wanted(self.get_body_argument('next', '/'))}", status=303)

    def _ask(self, problem: str) -> None:
        wanted = escape(_wanted(self.get_argument("next", "/")))
        words = f"<p class='problem' role='alert'>{problem}</p>" if problem else ""
        self._page("Log in", _FORM.format(problem=words, wanted=wanted))


class _Logout(_Handler):
    """Ends the session."""

    def get(self) -> None:
        self.logins.end(self.get_cookie(self.logins.name))
        self.clear_cookie(self.logins.name)
        self._page("Logged out", "<p>You are logged out.</p><p><a href='./login'>Log in again</a></p>")


def _wanted(address: str) -> str:
    """Where to go after the login: a page of this server, whatever the address says."""
    parts = urlsplit(address)
    plain = address.isprintable() and "\\" not in address and not parts.scheme and not parts.netloc
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"


_FORM = """{problem}<form method="post" action="./login">
<label>User <input name="username" autocomplete="username" autofocus required></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<input type="hidden" name="next" value="{wanted}"><button>Log in</button></form>"""
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>snnviz: {title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark;
  --page: #f5f7f9; --card: #fff; --line: #dde3ea; --text: #1b2430; --accent: #0b63a5; --on: #fff; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #0e131a; --card: #161c24; --line: #2c3743; --text: #e6eaf0; --accent: #6cb8ee; --on: #0e131a; }}
}}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, sans-serif; }}
main {{ width: min(320px, 88vw); background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 28px; }}
h1 {{ margin: 0 0 16px; font-size: 22px; }}
form, label {{ display: grid; gap: 6px; }} form {{ gap: 16px; }}
input, button {{ font: inherit; padding: 8px 10px; border-radius: 8px; border: 1px solid var(--line); color: inherit;
  background: transparent; }}
button {{ background: var(--accent); border: 0; color: var(--on); }} a {{ color: var(--accent); }}
.problem {{ margin: 0 0 16px; padding: 8px 12px; border: 1px solid var(--line); border-radius: 8px; }}
</style></head><body><main><h1>snnviz: {title}</h1>{content}</main></body></html>
"""
