"""`snnviz finetune`: make a trained classifier sparse.

Train a classifier on with penalties on active neurons and on weights, then set the weights that shrank to nothing to zero.
Resumable as `snnviz train` is.

Example: snnviz finetune dense-mnist --lambda-a 0.5 --epochs 5 5 --out sparse.keras
"""

from __future__ import annotations

from typing import Any

from snnviz.cli import _job, train
from snnviz.jobs.work.finetune import Options
from snnviz.jobs.work.sources import stem

JOB = _job.Order(Options, out=lambda args: f"{stem(args.model)}-sparse.keras", resume=train.RESUME)


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    card = answer["card"]
    before, after = card["sparsity_before"], card["sparsity"]
    lines = [train.scores(answer), "", f"sparsity on the {card['sparsity_measured_on']} set, before / after"]
    for key, value in after.items():
        if isinstance(value, float):
            lines.append(f"  {key:50} {before[key]:.3f} / {value:.3f}")
    return "\n".join(lines)
