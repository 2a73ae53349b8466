"""`snnviz train`: train an image classifier.

Train one of the paper's architectures. After each epoch all that is needed to go on is saved beside the model; Ctrl-C and --resume
continue where it stopped. The epoch with the lowest validation loss is kept.

Example: snnviz train dense-mnist --epochs 20 --out model.keras
"""

from __future__ import annotations

import argparse
from typing import Any

from snnviz._amounts import percent
from snnviz.cli import _job
from snnviz.errors import InputError
from snnviz.jobs.work.train import Options

RESUME = "go on from the checkpoint beside the output, if there is one"


JOB = _job.Order(Options, resume=RESUME, changes={"architecture": {"nargs": "?"}})


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("--list", action="store_true", help="list the architectures")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """List, or train."""
    from snnviz import architectures

    if args.list:
        return {"architectures": {name: architectures.describe(name) for name in architectures.names()}}
    if args.architecture is None:
        raise InputError("`ARCH` must be given; `snnviz train --list` shows the architectures. Received: none")
    return _job.done("train", args, out=args.out or f"{args.architecture}.keras")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "architectures" in answer:
        width = max(map(len, answer["architectures"]))
        return "\n".join(f"{name:{width}}  {text}" for name, text in answer["architectures"].items())
    return scores(answer)


def scores(answer: dict[str, Any]) -> str:
    """What a training reached."""
    card = answer["card"]
    lines = [f"epoch {card['epoch']} of {sum(stage[0] for stage in card['recipe']['schedule'])} kept"]
    if card["validation"]:
        lines.append(
            f"validation accuracy {percent(card['validation']['accuracy'])}, loss {card['validation']['loss']:.4f}"
        )
    if card["test"]:
        lines.append(f"test accuracy       {percent(card['test']['accuracy'])} ({card['test']['items']} items)")
    return "\n".join([*lines, f"model written to {answer['out']}, with its card and history beside it"])
