"""`snnviz adapt`: replace what cannot be converted in a classifier, and fine-tune it.

Make a copy of a classifier that can be converted: max pooling becomes average pooling, other activations become ReLU, and a short
fine-tuning brings accuracy back. Resumable as `snnviz train` is.

Example: snnviz adapt model.keras --data fashion-mnist --epochs 3 3 --out adapted.keras
"""

from __future__ import annotations

from typing import Any

from snnviz._amounts import percent
from snnviz.cli import _job, train
from snnviz.jobs.work.adapt import Options
from snnviz.jobs.work.sources import stem

JOB = _job.Order(Options, out=lambda args: f"{stem(args.model)}-adapted.keras", resume=train.RESUME)


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    card = answer["card"]
    before, between, after = (percent(card[f"accuracy_{when}"]) for when in ("before", "replaced", "adapted"))
    lines = [
        *(card["replaced"] or ["nothing had to be replaced"]),
        f"accuracy on the {card['measured_on']} set: {before} before, {between} with all replaced, {after} after fine-tuning",
        f"next: snnviz convert {answer['out']}",
    ]
    return "\n".join(lines)
