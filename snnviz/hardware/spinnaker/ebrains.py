"""A client of the EBRAINS neuromorphic job queue (version 3): submit a job, watch it, fetch what it left.

Its `hbp-neuromorphic-platform` package is not used: it asks for passwords at the terminal, writes the token to a file, and has no
timeouts. The token comes from the environment (EBRAINS_TOKEN) or the keyring, goes to the queue's own address only, and is
neither stored nor logged.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from snnviz import _checks as check
from snnviz._files import replacing
from snnviz.errors import InputError

SERVICE = "https://nmpi-v3.hbpneuromorphic.eu"
PLATFORM = "SpiNNaker"
WAITING = ("submitted", "validated", "mapped", "running")
LARGEST_FILE = 2**30
"""Bytes of a result; more is not what we asked for."""
LARGEST_PROGRAM = 8 * 2**20
"""Bytes of a program with its network and spikes in it."""


def credential(name: str) -> str:
    """The secret called `name`, from the environment or, where the package is installed, the keyring's service "snnviz".

    Raises:
        InputError: if there is none.
    """
    found = os.environ.get(name, "")
    if not found:
        try:
            import keyring

            found = keyring.get_password("snnviz", name) or ""
        except ImportError:
            pass
        except Exception:  # a keyring without a backend raises kinds of its own
            found = ""
    if not found:
        raise InputError(
            f"`{name}` must be set in the environment, or stored with `keyring set snnviz {name}` (pip install keyring). "
            "Received: none"
        )
    return found


def service_address(name: str, url: str) -> str:
    """`url` of a service, which must be encrypted unless it is on this machine, and hold no credentials.

    Raises:
        InputError: if it is not.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise InputError(
            f"`{name}` must not hold a user or password: they come from the environment or the keyring. "
            f"Received: an address at {host}"
        )
    local = host in ("127.0.0.1", "::1", "localhost")
    if (
        not host
        or any(letter.isspace() for letter in url)
        or parts.scheme not in (("http", "https") if local else ("https",))
    ):
        raise InputError(f"`{name}` must be an https address. Received: {check.describe(url)}")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


@dataclass
class JobQueue:
    """The queue, as one user.

    Attributes:
        service: its address.
        token: of the user.
        timeout: seconds that an answer may take.
        attempts: how often a request is tried when the service fails or is unreachable.
        pause: seconds before the second attempt; each further pause is twice as long.
    """

    service: str = SERVICE
    token: str = field(default="", repr=False)
    timeout: float = 30.0
    attempts: int = 5
    pause: float = 2.0

    def __post_init__(self) -> None:
        self.service = service_address("service", self.service)
        check.real("timeout", self.timeout, 0, above=True)
        check.integer("attempts", self.attempts, 1)

    def submit(self, code: str, collab: str, command: str = "run.py") -> int:
        """Hand in a program.

        Args:
            code: the program's text; the service saves it as run.py.
            collab: the EBRAINS collab whose quota the job uses.
            command: what to run.

        Returns:
            The job's number.

        Raises:
            InputError: if the service refuses it, or cannot be reached.
        """
        if len(code.encode()) > LARGEST_PROGRAM:
            raise InputError(
                f"`items` must be fewer: the program with its spikes may take {LARGEST_PROGRAM / 2**20:.0f} MiB. "
                f"Received: {len(code.encode()) / 2**20:.1f} MiB"
            )
        job = {"code": code, "command": command, "collab": collab, "hardware_platform": PLATFORM, "hardware_config": {}}
        # not tried again once it may have arrived: two jobs would run
        answer = self._json("POST", "/jobs/", json=job, again=False)
        number = answer.get("id")
        if number is None:
            number = str(answer.get("resource_uri", "")).rstrip("/").rpartition("/")[2]
        try:
            return int(number)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"`service` must answer with the job's number. Received: {check.describe(answer)}"
            ) from error

    def job(self, number: int) -> dict[str, Any]:
        """All that the service says about a job, its log included."""
        return self._json("GET", f"/jobs/{number}?with_log=true")

    def wait(
        self, number: int, timeout: float, poll: float = 10.0, on_status: Callable[[str], None] | None = None
    ) -> dict[str, Any]:
        """Wait until a job has finished.

        Args:
            number: the job.
            timeout: seconds after which to give up; the job goes on.
            poll: seconds between two questions.
            on_status: called with every status that is new.

        Returns:
            The finished job.

        Raises:
            InputError: if it failed or was removed, or is not done in time.
        """
        deadline, last = time.monotonic() + timeout, ""
        while True:
            job = self.job(number)
            status = str(job.get("status", "none"))
            if status != last and on_status is not None:
                on_status(status)
            last = status
            if status == "finished":
                return job
            if status == "removed":
                raise InputError(f"`job` {number} must finish. Received: it was removed from the queue before it had")
            if status not in WAITING:
                raise InputError(f"`job` {number} must finish. Received: status {status!r}{_log_end(job)}")
            if time.monotonic() + poll > deadline:
                raise InputError(
                    f"`job` {number} must finish within {timeout:g} s. Received: status {status!r}; it goes on, and the same "
                    "command takes it up again"
                )
            time.sleep(poll)

    def fetch(self, job: dict[str, Any], name: str, path: Path) -> None:
        """Download the file `name` that a finished job left, whole or not at all.

        Raises:
            InputError: if the job left no such file, or it cannot be fetched.
        """
        url = _file_url(job, name)
        if url is None:
            raise InputError(f"`job` {job.get('id', '')} must leave {name}. Received: other files{_log_end(job)}")
        address = service_address("output", url.partition("?")[0]) + (f"?{url.partition('?')[2]}" if "?" in url else "")
        own = urlsplit(address)[:2] == urlsplit(self.service)[:2]
        for attempt in range(self.attempts):
            try:
                with self._send("GET", address, with_token=own, stream=True) as answer, replacing(path) as temporary:
                    size = 0
                    with temporary.open("wb") as file:
                        for block in answer.iter_content(2**16):
                            size += len(block)
                            if size > LARGEST_FILE:
                                raise InputError(f"`{name}` must be below {LARGEST_FILE // 2**20} MiB. Received: more")
                            file.write(block)
                    expected = answer.headers.get("Content-Length")
                    if expected is not None and "Content-Encoding" not in answer.headers and size != int(expected):
                        raise ConnectionError("the file ended early")
                return
            except (OSError, ConnectionError) as error:  # requests' errors are OSErrors
                if attempt == self.attempts - 1:
                    raise InputError(
                        f"`{name}` of job {job.get('id', '')} must be fetched. Received: {_why(error)}; the same command "
                        "tries again"
                    ) from error
                time.sleep(self.pause * 2**attempt)

    def _json(self, method: str, path: str, *, again: bool = True, **options: Any) -> dict[str, Any]:
        import requests

        attempt = 0
        while True:
            last = attempt == self.attempts - 1
            attempt += 1
            try:
                answer = self._send(method, self.service + path, with_token=True, **options)
            except requests.RequestException as error:
                # a connection that never came about has delivered nothing
                if last or not (again or isinstance(error, requests.ConnectTimeout)):
                    raise InputError(f"`service` {self.service} must be reachable. Received: {_why(error)}") from error
            else:
                if answer.status_code < 500 or not again or last:
                    return self._read(answer, path)
            time.sleep(self.pause * 2 ** (attempt - 1))

    def _send(self, method: str, url: str, *, with_token: bool, stream: bool = False, **options: Any) -> Any:
        import requests

        headers = {"Authorization": f"Bearer {self.token}"} if with_token else {}
        answer = requests.request(method, url, headers=headers, timeout=self.timeout, stream=stream, **options)
        if stream and not answer.ok:
            self._read(answer, urlsplit(url).path)
        return answer

    def _read(self, answer: Any, path: str) -> dict[str, Any]:
        """The answer's JSON, or one sentence on what is wrong with it."""
        if answer.status_code in (401, 403):
            raise InputError(
                "`EBRAINS_TOKEN` must be a valid token with access to the collab; get a new one from EBRAINS. "
                f"Received: {answer.status_code} from {self.service}"
            )
        if answer.status_code == 404:
            raise InputError(f"`job` must exist. Received: {self.service}{path.partition('?')[0]}, which does not")
        try:
            found = answer.json()
        except ValueError:
            found = None
        if not answer.ok:
            detail = found.get("detail", "") if isinstance(found, dict) else ""
            raise InputError(
                f"`service` {self.service} must accept the request. Received: {answer.status_code} {str(detail)[:200]}".rstrip()
            )
        if not isinstance(found, dict):
            raise InputError(f"`service` {self.service} must answer in JSON. Received: something else")
        return found


def _file_url(job: dict[str, Any], name: str) -> str | None:
    """Where a job's file `name` lies; the service lists files plainly, or as those of a repository."""
    listed = job.get("output_data") or []
    files = listed.get("files", []) if isinstance(listed, dict) else listed
    for item in files:
        if isinstance(item, dict) and isinstance(item.get("url"), str):
            shown = str(item.get("path") or urlsplit(item["url"]).path)
            if shown.rpartition("/")[2] == name:
                return item["url"]
    return None


def _log_end(job: dict[str, Any]) -> str:
    lines = [line.strip() for line in str(job.get("log") or "").splitlines() if line.strip()]
    return f" ({lines[-1][:200]})" if lines else ""


def _why(error: BaseException) -> str:
    """The kind of a network error, in a few words."""
    import requests

    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.SSLError):
        return "a certificate that is not trusted"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return str(error)[:200] or type(error).__name__
