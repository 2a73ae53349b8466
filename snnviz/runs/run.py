"""One run as it is read from the store."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from snnviz.runs.folder import Progress

STATES = {
    "SCHEDULED": "waiting", "RUNNING": "running", "FINISHED": "finished", "FAILED": "failed", "KILLED": "cancelled",
}  # fmt: skip
"""Status of a run, as MLflow calls it -> the word for people."""
STATUSES = tuple(STATES)
ACTIVE = ("SCHEDULED", "RUNNING")

# tags, beside MLflow's own
KIND, SPEC, REASON, HOST, HOME, OUT, BEGAN = (
    f"snnviz.{name}" for name in ("kind", "spec", "reason", "host", "home", "out", "began")
)
LABELS, STAR = "snnviz.labels", "snnviz.star"
PARENT, NAME, NOTE = "mlflow.parentRunId", "mlflow.runName", "mlflow.note.content"


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run at the moment it was read.

    Attributes:
        id: of the run, as MLflow's.
        name: for people.
        kind: "train", "finetune", "optimize", "simulate", or another job's kind.
        status: SCHEDULED (waits for its turn), RUNNING, FINISHED, FAILED or KILLED (cancelled, Ctrl-C), as MLflow's.
        started: when it was asked for, in seconds since 1970.
        began: when its work began, the last time where it was resumed; None while it waits for its turn, or where nobody said.
        ended: when it ended; None while it runs.
        params: its settings, as MLflow stores them: strings.
        metrics: the last value of each metric.
        tags: everything else that is known of it, versions and commit included.
        parent: id of the run it builds on; None if there is none.
        reason: why it failed or was killed; empty otherwise.
        progress: how far it is, while it runs on this machine.
        silence: seconds since its process last gave a sign of life, while it runs on this machine.
        ahead: number of jobs that wait for their turn before it; None if it does not wait.
        resumable: whether `snnviz.jobs.resume` would go on with it from here.
    """

    id: str
    name: str
    kind: str
    status: str
    started: float
    began: float | None = None
    ended: float | None = None
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    parent: str | None = None
    reason: str = ""
    progress: Progress | None = None
    silence: float | None = None
    ahead: int | None = None
    resumable: bool = False

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.status in ACTIVE

    @property
    def seconds(self) -> float:
        """From when its work began until it ended, or until now: how long it waited for its turn is left out; 0 while it waits."""
        if self.status == "SCHEDULED":
            return 0.0
        return max(0.0, (self.ended or time.time()) - (self.began or self.started))

    @property
    def labels(self) -> tuple[str, ...]:
        """Words that somebody gave it, to find it again."""
        return tuple(word for word in self.tags.get(LABELS, "").split(",") if word)

    @property
    def note(self) -> str:
        """What somebody wrote about it: MLflow's description."""
        return self.tags.get(NOTE, "")

    @property
    def starred(self) -> bool:
        """Whether somebody marked it with a star."""
        return self.tags.get(STAR) == "true"

    @property
    def spec(self) -> dict[str, Any] | None:
        """What was asked for, as `snnviz.jobs.launch` takes it; None for a run that was not made by snnviz."""
        found = self.tags.get(SPEC)
        return None if found is None else json.loads(found)

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON holds it."""
        fraction = None if self.progress is None else self.progress.fraction
        return {**asdict(self), "seconds": self.seconds, "fraction": fraction}
