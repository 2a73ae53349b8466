"""What an optimisation leaves on disk while it runs, so that it can be cut off at any moment.

A checkpoint folder holds `run.json` (what was asked for), `evaluations.jsonl` (a line per evaluation, in order), `stage-N.npz` (the
state of a searcher that keeps one) and `best.npz` (the best network so far). A line is appended in one write; one that was cut
short is left out when the file is read again. Everything else replaces its file in one step.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._files import replacing
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.optimization.objective import Terms


@dataclass(frozen=True)
class Evaluation:
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


class Record:
    """Evaluations by content, in memory and, if a folder is given, on disk.

    Args:
        folder: the checkpoint folder; None keeps nothing on disk.
        settings: what an earlier run must have had in common with this one to be continued.
        resume: continue what is in the folder; nothing there is an empty beginning.

    Raises:
        InputError: if the folder holds another optimisation, or one that is not to be resumed, or `resume` has no folder.
    """

    def __init__(self, folder: str | os.PathLike[str] | None, settings: dict[str, Any], resume: bool) -> None:
        self.folder = None if folder is None else Path(folder)
        self.known: dict[str, Evaluation] = {}
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

    def _settings(self) -> dict[str, Any] | None:
        path = Path(self.folder or "") / "run.json"
        if not path.exists():
            return None
        try:
            found: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise InputError(f"`checkpoint` must hold a readable run.json. Received: {check.describe(path)}") from error
        return found

    def _read(self) -> None:
        if not self._log.exists():
            return
        whole = []
        for line in self._log.read_text().splitlines(keepends=True):
            try:
                entry: Any = json.loads(line) if line.endswith("\n") else None
                found = Evaluation(entry["key"], entry["stage"], Terms(**entry["terms"]), float(entry["seconds"]))
            except (ValueError, TypeError, KeyError):
                break  # cut short by whatever stopped the run: what follows is done again
            self.known[found.key] = found
            whole.append(line)
        with replacing(self._log) as temporary:
            temporary.write_text("".join(whole))

    @property
    def seconds(self) -> float:
        """When the last known evaluation was done."""
        return max((evaluation.seconds for evaluation in self.known.values()), default=0.0)

    def add(self, evaluations: Iterable[Evaluation]) -> None:
        """Keep evaluations, on disk before this returns."""
        new = list(evaluations)
        self.known.update({evaluation.key: evaluation for evaluation in new})
        if self.folder is not None and new:
            text = "".join(json.dumps(asdict(evaluation)) + "\n" for evaluation in new)
            with self._log.open("a") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())

    def save_state(self, stage: int, arrays: dict[str, np.ndarray]) -> None:
        """Keep the state of stage number `stage`."""
        if self.folder is not None:
            with replacing(self.folder / f"stage-{stage}.npz") as temporary:
                np.savez(temporary, allow_pickle=False, **arrays)

    def state(self, stage: int) -> dict[str, np.ndarray] | None:
        """What `save_state` kept, or None."""
        path = None if self.folder is None else self.folder / f"stage-{stage}.npz"
        if path is None or not path.exists():
            return None
        with np.load(path, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}

    def save_network(self, network: SpikingNetwork) -> None:
        """Keep the best network so far."""
        if self.folder is not None:
            network.save(self.folder / "best.npz")
