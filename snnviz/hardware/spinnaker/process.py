"""The program in a process of its own, with a home folder and a working folder of its own."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from snnviz._extras import need
from snnviz.errors import InputError
from snnviz.hardware import outside
from snnviz.hardware.spinnaker.layout import PROGRAM

# what sPyNNaker, SpiNNMan and the operating system say, and what that means to a user
_REASONS: tuple[tuple[str, str], ...] = (
    (
        r"PacmanTooBigToPlace|PacmanPlaceException|PacmanPartitionException|not enough resources|MinimisationFailed",
        "the network does not fit the machine: prune it, make it narrower, or pool its input",
    ),
    (r"PacmanElementAllocationException|MulticastRoutingTable.*too|router.*full", "its routing tables do not fit the chips"),
    (r"is incompatible with this transceiver", "the board runs another system software than this sPyNNaker needs"),
    (r"SpallocBoardUnavailable|No boards? available", "spalloc has no board free"),
    (
        r"401|403|Unauthorized|Forbidden|Access is denied",
        "the server refused the credentials: set SPALLOC_USER and SPALLOC_PASSWORD anew",
    ),
    (
        r"Failed to communicate|SpinnmanTimeoutException|SpinnmanBootException|SpinnmanIOException|Connection refused"
        r"|No route to host|Name or service not known|ConnectionError|Max retries|gaierror|timed out|Failed to resolve",
        "the machine does not answer: check its address, its power and the network",
    ),
    (r"ExecutableFailedToS|CoresNotInState", "cores stopped with an error while the network ran"),
    (r"MemoryError|Killed", "this computer ran out of memory while the network was mapped"),
)  # fmt: skip


def require_spynnaker() -> None:
    """Raise `InputError` with the install command if sPyNNaker is missing."""
    need("`target`", "spynnaker", "sPyNNaker", "spinnaker")


def run_program(
    folder: Path, timeout: float, *, secrets: dict[str, str] | None = None, on_line: Callable[[str], None] | None = None
) -> str:
    """Run the program in `folder` and return the last lines that it printed.

    Args:
        folder: as `layout.write` wrote it; its sub-folder `home` is the program's home.
        timeout: seconds, after which it is stopped.
        secrets: environment variables with credentials, handed to this process alone.
        on_line: called with each line that it prints.

    Raises:
        InputError: one sentence on why it failed or that it ran out of time. Interrupted, the program is stopped too.
    """
    require_spynnaker()
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / ".spynnaker.cfg").touch()  # without one, sPyNNaker writes a template and stops
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SPALLOC_")}
    environment |= {"HOME": str(home), "MPLCONFIGDIR": str(_matplotlib_cache()), **(secrets or {})}
    code, text = outside.followed([sys.executable, PROGRAM], timeout, on_line, cwd=folder, env=environment)
    if code != 0:
        raise InputError(f"`target` failed: {f'not done after {timeout:g} s' if code is None else _reason(text)}")
    return text


def _reason(text: str) -> str:
    """Why a run failed, in words, from what it printed."""
    tail = text[text.rfind("Traceback (most recent call last)") :] if "Traceback" in text else text
    errors = re.findall(r"^(?:\w+\.)*(\w*(?:Error|Exception|\w+Region)\w*: .*)$", tail, re.MULTILINE)
    said = " ".join((errors[-1] if errors else (tail.strip().splitlines() or ["nothing"])[-1]).split())
    for pattern, words in _REASONS:
        if re.search(pattern, tail):
            return f"{words} ({said[:200]})"
    return said[:300]


def _matplotlib_cache() -> Path:
    """Where Matplotlib, which sPyNNaker imports, keeps its list of fonts: in a new home it would take a minute to make it anew."""
    import platformdirs

    folder = Path(platformdirs.user_cache_dir("snnviz")) / "matplotlib"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
