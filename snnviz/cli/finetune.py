"""`snnviz finetune`: make a trained classifier sparse."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli import _job
from snnviz.cli._numbers import real


def add(subparsers: Any) -> None:
    """Add the parser."""
    from snnviz.cli.train import add_sparsity_options, add_training_options

    parser = subparsers.add_parser(
        "finetune",
        help="make a trained classifier sparse",
        description="Train a classifier on with penalties on active neurons and on weights, then set the weights that "
        "shrank to nothing to zero. Resumable as `snnviz train` is.",
    )
    parser.add_argument("model", metavar="MODEL", help="a .keras or .onnx file, the name of a shipped model, or run:ID")
    add_training_options(parser, "that of the shipped MODEL", "MODEL-sparse.keras")
    parser.add_argument("--lambda-a", type=real, metavar="L", help="weight of the activation penalty (default: 0.5)")
    parser.add_argument("--lambda-w", type=real, metavar="L", help="weight of the weight penalty (default: 20)")
    add_sparsity_options(parser)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Fine-tune."""
    from snnviz.jobs.work.sources import stem

    return _job.done("finetune", args, out=args.out or f"{stem(args.model)}-sparse.keras")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    from snnviz.cli import train as common

    if "background" in answer:
        return _job.show_background(answer)
    card = answer["card"]
    before, after = card["sparsity_before"], card["sparsity"]
    lines = [common.scores(answer), "", f"sparsity on the {card['sparsity_measured_on']} set, before / after"]
    for key, value in after.items():
        if isinstance(value, float):
            lines.append(f"  {key:50} {before[key]:.3f} / {value:.3f}")
    return _job.show(answer, "\n".join(lines))
