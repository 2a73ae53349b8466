"""`snnviz train`: one of the paper's architectures on a data set."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz._sparsity import WEIGH
from snnviz.cli import _job
from snnviz.cli._numbers import real, whole
from snnviz.cli._settings import add_data_options
from snnviz.errors import InputError


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "train",
        help="train an image classifier",
        description="Train one of the paper's architectures. After each epoch all that is needed to go on is saved beside "
        "the model; Ctrl-C and --resume continue where it stopped. The epoch with the lowest validation loss is kept.",
    )
    parser.add_argument("architecture", metavar="ARCH", help="see `--list`, e.g. dense-mnist", nargs="?")
    parser.add_argument("--list", action="store_true", help="list the architectures")
    parser.add_argument("--alpha", type=real, metavar="A", help="width multiplier of mobilenet (default: 1)")
    add_training_options(parser, "the one ARCH was made for", "ARCH.keras")
    parser.set_defaults(run=run, show=show)


def add_training_options(parser: argparse.ArgumentParser, data: str, out: str) -> None:
    """Add what `train` and `finetune` have in common; the texts name their defaults."""
    add_recipe_options(parser, data)
    parser.add_argument(
        "--half", action="store_true", default=None, help="round kernels to half precision: about half the file"
    )
    parser.add_argument("--out", metavar="FILE.keras", help=f"file to write (default: {out})")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint beside the output, if there is one"
    )
    _job.add_options(parser)


def add_recipe_options(parser: argparse.ArgumentParser, data: str) -> None:
    """Add the data and how to train on them."""
    add_data_options(parser, data)
    parser.add_argument("--limit", type=whole, metavar="N", help="the first N training items only")
    parser.add_argument(
        "--anyway", action="store_true", help="also train a model that cannot be converted, see `snnviz check`"
    )
    parser.add_argument("--epochs", type=whole, nargs="+", metavar="N", help="epochs of each stage")
    parser.add_argument("--learning-rate", type=real, nargs="+", metavar="R", help="learning rate of each stage")
    parser.add_argument("--batch-size", type=whole, metavar="N", help="items per step (default: 32)")
    parser.add_argument("--l2", type=real, metavar="L", help="weight decay of kernels (default: 0.001)")
    parser.add_argument("--momentum", type=real, metavar="M", help="default: 0")
    parser.add_argument("--shift", type=whole, metavar="N", help="move images by up to N pixels each way (default: 0)")
    parser.add_argument("--flip", action="store_true", default=None, help="mirror images by chance")
    parser.add_argument(
        "--anneal", action="store_true", default=None, help="the last stage's learning rate falls along half a cosine"
    )
    parser.add_argument("--precision", metavar="P", help="float32, or bfloat16 for quicker steps (default: float32)")
    parser.add_argument(
        "--levels",
        type=whole,
        metavar="L",
        help="train on activations of L levels, for few time steps (default: 0, any value)",
    )
    parser.add_argument(
        "--validation", type=whole, metavar="N", help="items held out (default: 10000, at most a fifth)"
    )
    parser.add_argument(
        "--seed", type=whole, default=0, metavar="S", help="of weights and order (default: %(default)s)"
    )


def add_sparsity_options(parser: argparse.ArgumentParser) -> None:
    """Add what goes with the strengths of both penalties."""
    parser.add_argument(
        "--weigh",
        choices=WEIGH,
        help="divide both penalties among layers by their neurons and synapses, as in the paper, or by the synaptic events "
        "expected of them (default: size)",
    )
    parser.add_argument(
        "--keep-zeros", action="store_true", default=None, help="weights of MODEL that are zero stay zero"
    )
    parser.add_argument("--epsilon", type=real, metavar="E", help="weights below this are pruned (default: 0.0001)")


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
    if "background" in answer:
        return _job.show_background(answer)
    return _job.show(answer, scores(answer))


def scores(answer: dict[str, Any]) -> str:
    """What a training reached."""
    card = answer["card"]
    lines = [f"epoch {card['epoch']} of {sum(stage[0] for stage in card['recipe']['schedule'])} kept"]
    if card["validation"]:
        lines.append(f"validation accuracy {card['validation']['accuracy']:.2%}, loss {card['validation']['loss']:.4f}")
    if card["test"]:
        lines.append(f"test accuracy       {card['test']['accuracy']:.2%} ({card['test']['items']} items)")
    return "\n".join([*lines, f"model written to {answer['out']}, with its card and history beside it"])
