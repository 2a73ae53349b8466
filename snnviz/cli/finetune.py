"""`snnviz finetune`: make a trained classifier sparse."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli import _job, train
from snnviz.jobs.work.finetune import Options


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "finetune",
        help="make a trained classifier sparse",
        description="Train a classifier on with penalties on active neurons and on weights, then set the weights that "
        "shrank to nothing to zero. Resumable as `snnviz train` is.",
    )
    train.add_options(parser, Options)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Fine-tune."""
    from snnviz.jobs.work.sources import stem

    return _job.done("finetune", args, out=args.out or f"{stem(args.model)}-sparse.keras")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "background" in answer:
        return _job.show_background(answer)
    card = answer["card"]
    before, after = card["sparsity_before"], card["sparsity"]
    lines = [train.scores(answer), "", f"sparsity on the {card['sparsity_measured_on']} set, before / after"]
    for key, value in after.items():
        if isinstance(value, float):
            lines.append(f"  {key:50} {before[key]:.3f} / {value:.3f}")
    return _job.show(answer, "\n".join(lines))
