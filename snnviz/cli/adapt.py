"""`snnviz adapt`: a classifier with what has no spiking counterpart replaced, and fine-tuned."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli import _job
from snnviz.jobs.work.adapt import Options


def add(subparsers: Any) -> None:
    """Add the parser."""
    from snnviz.cli.train import add_options

    parser = subparsers.add_parser(
        "adapt",
        help="replace what cannot be converted in a classifier, and fine-tune it",
        description="Make a copy of a classifier that can be converted: max pooling becomes average pooling, other activations "
        "become ReLU, and a short fine-tuning brings accuracy back. Resumable as `snnviz train` is.",
    )
    add_options(parser, Options)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Adapt."""
    from snnviz.jobs.work.sources import stem

    return _job.done("adapt", args, out=args.out or f"{stem(args.model)}-adapted.keras")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "background" in answer:
        return _job.show_background(answer)
    card = answer["card"]
    lines = [
        *(card["replaced"] or ["nothing had to be replaced"]),
        f"accuracy on the {card['measured_on']} set: {card['accuracy_before']:.2%} before, {card['accuracy_replaced']:.2%} with "
        f"everything replaced, {card['accuracy_adapted']:.2%} after fine-tuning",
        f"next: snnviz convert {answer['out']}",
    ]
    return _job.show(answer, "\n".join(lines))
