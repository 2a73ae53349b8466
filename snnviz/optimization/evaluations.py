"""What an optimisation leaves on disk while it runs, so that it can be cut off at any moment.

A checkpoint folder holds `run.json` (what was asked for), `evaluations.jsonl` (a line per evaluation, in order), `stage-N.npz` (the
state of a searcher that keeps one) and `best.npz` (the best network so far). A line is appended in one write, with a checksum; one
that was cut short or damaged is left out when the file is read again, and what it said is evaluated again. Everything else replaces
its file in one step, and is refused by name if it is damaged.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._files import replacing
from snnviz._memory import JSON_GROWS, check_fits
from snnviz._npz import Arrays
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.optimization.objective import Terms


@dataclass(frozen=True)
class Evaluated:
    """One evaluation.

    Attributes:
        key: SHA-256 of its content, see `Problem.key`.
        stage: name of the searcher that asked, or "start".
        terms: what came out.
        seconds: since the optimisation began, times of earlier runs included.
    """

    key: str
    stage: str
    terms: Terms
    seconds: float


_MOST_SETTINGS = 2**20
"""Bytes of a run.json; ours has hundreds."""
_SEAL = "sha256"


class Evaluations:
    """Evaluations by content, in memory and, if a folder is given, on disk.

    Args:
        folder: the checkpoint folder; None keeps nothing on disk.
        settings: what an earlier run must have had in common with this one to be continued.
        resume: continue what is in the folder; nothing there is an empty beginning.

    Raises:
        InputError: if the folder holds another optimisation, or one that is not to be resumed, or damaged files, or `resume` has no
            folder.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, settings: dict[str, Any], resume: bool) -> None:
        self.folder = None if folder is None else Path(folder)
        self.known: dict[str, Evaluated] = {}
        if self.folder is None:
            if resume:
                raise InputError("`checkpoint` must name a folder when `resume` is true. Received: None")
            return
        if self.folder.exists() and not self.folder.is_dir():
            raise InputError(f"`checkpoint` must be a folder. Received: {str(folder)!r}, a file")
        before = self._settings()
        if before is not None and not resume:
            raise InputError(
                "`checkpoint` must be an empty folder, unless `resume` is true. "
                f"Received: {str(folder)!r}, which holds an optimisation"
            )
        settings = json.loads(json.dumps(settings))
        if before is not None and before != settings:
            differ = sorted(name for name in {*before, *settings} if before.get(name) != settings.get(name))
            raise InputError(
                "`checkpoint` must hold an optimisation of the same network, data and settings to resume. "
                f"Received: one that differs in {', '.join(differ)}"
            )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = self.folder / "evaluations.jsonl"
        if before is None:
            with replacing(self.folder / "run.json") as temporary:
                temporary.write_text(json.dumps(settings, indent=1))
        self._read()

    def discard(self) -> None:
        """Leave nothing of a search that did not begin: its folder goes too, if it is empty then."""
        if self.folder is None or self.known:
            return
        for name in ("run.json", "evaluations.jsonl"):
            (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _settings(self) -> dict[str, Any] | None:
        folder = Path(self.folder or "")
        path = folder / "run.json"
        if not path.exists():
            left = [name for name in ("evaluations.jsonl", "stage-0.npz") if (folder / name).exists()]
            if left:
                raise InputError(
                    f"`checkpoint` must hold run.json beside the rest. Received: {str(folder)!r}, which has {left[0]} without it"
                )
            return None
        try:
            size = path.stat().st_size
            if size > _MOST_SETTINGS:
                raise ValueError(f"{size} bytes")
            found = json.loads(path.read_bytes())
            if not isinstance(found, dict):
                raise ValueError(check.describe(found))
        except (OSError, ValueError, RecursionError) as error:
            raise InputError(
                f"`checkpoint` must hold a readable run.json. Received: {str(path)!r} ({' '.join(str(error).split())})"
            ) from error
        return found

    def _read(self) -> None:
        if not self._log.exists():
            return
        try:
            size = self._log.stat().st_size
            check_fits(str(self._log), JSON_GROWS * size, size, "its text")
            content = self._log.read_bytes()
        except OSError as error:
            raise InputError(
                f"`checkpoint` must hold a readable evaluations.jsonl. Received: {str(self._log)!r} ({error.strerror})"
            ) from error
        found = [_parsed(line) for line in content.split(b"\n")[:-1]]  # the last one was cut short, or is empty
        # lines from before there were checksums: all of the file, which is sealed below, or none
        sealed = any(entry is not None and entry[1] for entry in found)
        kept = [entry[0] for entry in found if entry is not None and entry[1] == sealed]
        self.known = {evaluation.key: evaluation for evaluation in kept}
        with replacing(self._log) as temporary:
            temporary.write_text("".join(map(_line, kept)))

    @property
    def seconds(self) -> float:
        """When the last known evaluation was done."""
        return max((evaluation.seconds for evaluation in self.known.values()), default=0.0)

    def add(self, evaluations: Iterable[Evaluated]) -> None:
        """Keep evaluations, on disk before this returns."""
        new = list(evaluations)
        self.known.update({evaluation.key: evaluation for evaluation in new})
        if self.folder is not None and new:
            text = "".join(map(_line, new))
            with self._log.open("a") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def save_state(self, stage: int, arrays: dict[str, np.ndarray]) -> None:
        """Keep the state of stage number `stage`."""
        if self.folder is not None:
            with replacing(self.folder / f"stage-{stage}.npz") as temporary:
                np.savez(temporary, allow_pickle=False, **arrays)

    def state(self, stage: int) -> Mapping[str, np.ndarray] | None:
        """What `save_state` kept, read as it is asked for, or None.

        Raises:
            InputError: here, or when an array is asked for, if the file is damaged.
        """
        path = None if self.folder is None else self.folder / f"stage-{stage}.npz"
        return Arrays(path) if path is not None and path.exists() else None

    def save_network(self, network: SpikingNetwork) -> None:
        """Keep the best network so far."""
        if self.folder is not None:
            network.save(self.folder / "best.npz")


def _line(evaluation: Evaluated) -> str:
    entry = asdict(evaluation)
    return json.dumps({**entry, _SEAL: _seal(entry)}) + "\n"


def _seal(entry: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(entry, sort_keys=True).encode()).hexdigest()[:16]


def _parsed(line: bytes) -> tuple[Evaluated, bool] | None:
    """The evaluation of a line, and whether its checksum stands for it; None for a damaged line."""
    try:
        entry = json.loads(line)
        seal = entry.pop(_SEAL, None)
        if seal is not None and seal != _seal(entry):
            return None
        terms, key, stage = entry.pop("terms"), entry.pop("key"), entry.pop("stage")
        seconds = check.real("seconds", entry.pop("seconds"), 0)
        if entry or not isinstance(key, str) or not isinstance(stage, str):
            return None
        numbers = {field.name: check.real(field.name, terms.pop(field.name)) for field in fields(Terms)}
        if terms or not 0 <= numbers["peak_accuracy"] <= 1:
            return None
        return Evaluated(key, stage, Terms(**numbers), seconds), seal is not None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
