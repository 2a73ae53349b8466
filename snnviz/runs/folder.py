"""What a run keeps on the machine it runs on: a folder with its lock, state, progress, log and checkpoints.

    jobs/RUN_ID/lock            held by the run's process while it lives
                spec.json       what was asked for
                state.json      process number, phase
                progress.json   how far it is
                heartbeat       touched every second
                cancel          somebody asked it to stop
                log.txt         what it printed
                work/           checkpoints and outputs

Everything but the log replaces its file in one step, and only the holder of the lock writes, so that anybody may read at any time.
"""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz._files import replacing
from snnviz.errors import InputError
from snnviz.runs import lock


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a run is.

    Attributes:
        what: what it is doing, e.g. "training".
        done: units done.
        total: units in all; None if unknown.
        unit: what is counted, e.g. "items".
        seconds_left: until this is done, an estimate; None if unknown.
        text: what else there is to say, e.g. the best loss so far.
        at: when this was written, in seconds since 1970.
        whole: how much of the whole run is done, from 0 to 1, where `what` is only a part of it; None if unknown.
    """

    what: str
    done: float = 0.0
    total: float | None = None
    unit: str = ""
    seconds_left: float | None = None
    text: str = ""
    at: float = 0.0
    whole: float | None = None

    @property
    def fraction(self) -> float | None:
        """How much of the run is done, from 0 to 1; None if unknown."""
        if self.whole is not None:
            return self.whole
        return None if not self.total else min(1.0, max(0.0, self.done / self.total))


def checked_id(run_id: Any) -> str:
    """`run_id` if it can be one; nothing else becomes part of a path or a query."""
    if not isinstance(run_id, str) or not re.fullmatch(r"[0-9a-zA-Z_-]{1,64}", run_id):
        raise InputError(f"`run_id` must be the id of a run. Received: {check.describe(run_id)}")
    return run_id


class Folder:
    """The folder of a run.

    Args:
        home: the folder of the runs, e.g. snnviz-runs.
        run_id: of the run.
    """

    def __init__(self, home: Path, run_id: str) -> None:
        self.run_id = checked_id(run_id)
        self.path = home / "jobs" / self.run_id
        self.log = self.path / "log.txt"
        self.work = self.path / "work"

    def exists(self) -> bool:
        """Whether the run was started on this machine, in this home."""
        return self.path.is_dir()

    def make(self) -> None:
        """Make the folder."""
        self.work.mkdir(parents=True, exist_ok=True)

    def claim(self, wait: float = 1.0) -> int | None:
        """Become the run's process: see `snnviz.runs.lock.claim`."""
        return lock.claim(self.path / "lock", wait)

    def alive(self) -> bool:
        """Whether the run's process lives."""
        return lock.held(self.path / "lock")

    def put(self, name: str, content: dict[str, Any]) -> None:
        """Write `name`.json."""
        with replacing(self.path / f"{name}.json") as temporary:
            temporary.write_text(json.dumps(content))

    def get(self, name: str) -> dict[str, Any]:
        """Read `name`.json; empty if there is none."""
        try:
            found: dict[str, Any] = json.loads((self.path / f"{name}.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def tell(self, progress: Progress) -> None:
        """Keep how far the run is."""
        self.put("progress", asdict(progress))

    def progress(self) -> Progress | None:
        """How far the run is, if it ever said."""
        found = self.get("progress")
        return Progress(**found) if found else None

    def beat(self) -> None:
        """Leave a sign of life."""
        path = self.path / "heartbeat"
        path.touch()

    def silence(self) -> float | None:
        """Seconds since the last sign of life; None if there was none."""
        try:
            return max(0.0, time.time() - (self.path / "heartbeat").stat().st_mtime)
        except FileNotFoundError:
            return None

    def ask_to_stop(self) -> None:
        """Leave word that somebody wants the run to stop."""
        (self.path / "cancel").touch()

    def forget_stop(self) -> None:
        """Remove that word."""
        (self.path / "cancel").unlink(missing_ok=True)

    @property
    def asked_to_stop(self) -> bool:
        """Whether somebody wants the run to stop."""
        return (self.path / "cancel").exists()

    def tail(self, lines: int) -> str:
        """The last `lines` lines of the log, of a progress bar what it showed last."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(0, size - 400 * lines))
                text = file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""
        shown = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
        return "\n".join([line for line in shown if line.strip()][-lines:])
