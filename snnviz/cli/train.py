"""`snnviz train`: one of the paper's architectures on a data set."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz.errors import InputError

if TYPE_CHECKING:
    from snnviz.datasets import Images
    from snnviz.training import Recipe, Training

VALIDATION = 10_000


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
    parser.add_argument("--alpha", type=float, metavar="A", help="width multiplier of mobilenet (default: 1)")
    add_training_options(parser, "the one ARCH was made for", "ARCH.keras")
    parser.set_defaults(run=run, show=show)


def add_training_options(parser: argparse.ArgumentParser, data: str, out: str) -> None:
    """Add what `train` and `finetune` have in common; the texts name their defaults."""
    add_recipe_options(parser, data)
    parser.add_argument("--out", metavar="FILE.keras", help=f"file to write (default: {out})")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint beside the output, if there is one"
    )


def add_recipe_options(parser: argparse.ArgumentParser, data: str) -> None:
    """Add the data and how to train on them."""
    parser.add_argument("--data", metavar="NAME|PATH", help=f"data set (default: {data})")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N training items only")
    parser.add_argument("--epochs", type=int, nargs="+", metavar="N", help="epochs of each stage")
    parser.add_argument("--learning-rate", type=float, nargs="+", metavar="R", help="learning rate of each stage")
    parser.add_argument("--batch-size", type=int, metavar="N", help="items per step (default: 32)")
    parser.add_argument("--l2", type=float, metavar="L", help="weight decay of kernels (default: 0.001)")
    parser.add_argument("--momentum", type=float, metavar="M", help="default: 0")
    parser.add_argument("--shift", type=int, metavar="N", help="move images by up to N pixels each way (default: 0)")
    parser.add_argument(
        "--validation", type=int, metavar="N", help=f"items held out (default: {VALIDATION}, at most a fifth)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of weights and order (default: %(default)s)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, train, save."""
    from snnviz import architectures

    if args.list:
        return {"architectures": {name: architectures.describe(name) for name in architectures.names()}}
    if args.architecture is None:
        raise InputError("`ARCH` must be given; `snnviz train --list` shows the architectures. Received: none")
    name = check.choice("ARCH", args.architecture, architectures.names())
    if args.alpha is not None and name != "mobilenet":
        raise InputError(f"`--alpha` must be left out: only mobilenet has a width. Received: {args.alpha}")
    out = output_file(args.out or f"{name}.keras")
    from snnviz.training import default_recipe, train

    base = default_recipe(name)
    recipe_from(args, base, items=10**9)  # a mistake should be answered before the data are loaded
    images, tests = training_data(args, architectures.DATA.get(name))
    recipe = recipe_from(args, base, len(images))
    options = _mobilenet_options(args, images) if name == "mobilenet" else {}
    model = architectures.build(name, seed=recipe.seed, **options)
    with telling_how_to_resume():
        training = train(
            model, images.x, images.y, recipe, checkpoint=beside(out, "checkpoint.npz"), resume=args.resume
        )
    return saved(training, out, name, command_line("train", name, args, base), images, tests)


@contextmanager
def telling_how_to_resume() -> Iterator[None]:
    """Turn the library's word on `resume=True` into the command's."""
    from snnviz.training import TrainingInterrupted

    try:
        yield
    except TrainingInterrupted as interrupt:
        raise KeyboardInterrupt(
            interrupt.saved + ("; give the same command with --resume to go on" if interrupt.resumable else "")
        ) from interrupt


def output_file(path: str) -> Path:
    """The model file to write."""
    if not path.endswith(".keras"):
        raise InputError(f"`--out` must end in .keras. Received: {check.describe(path)}")
    return Path(path)


def beside(out: Path, kind: str) -> Path:
    """The file of another kind that belongs to model file `out`."""
    return out.with_name(f"{out.stem}.{kind}")


def recipe_from(args: argparse.Namespace, base: Recipe, items: int) -> Recipe:
    """`base` with what the command line says instead, for `items` training items."""
    from dataclasses import replace

    changes: dict[str, Any] = {
        field: getattr(args, field)
        for field in ("batch_size", "l2", "momentum", "shift", "lambda_a", "lambda_w")
        if getattr(args, field, None) is not None
    }
    if args.epochs is not None or args.learning_rate is not None:
        epochs: Sequence[int] = args.epochs or [stage[0] for stage in base.schedule]
        rates: Sequence[float] = args.learning_rate or [stage[1] for stage in base.schedule]
        if len(epochs) != len(rates):
            raise InputError(
                "`--epochs` and `--learning-rate` must have one number per stage each. "
                f"Received: {len(epochs)} and {len(rates)} stages"
            )
        changes["schedule"] = tuple(zip(epochs, rates, strict=True))
    validation = min(VALIDATION, items // 5) if args.validation is None else args.validation
    return replace(base, seed=args.seed, validation=validation, **changes)


def training_data(args: argparse.Namespace, default: str | None) -> tuple[Images, Images | None]:
    """Training images and, where the data set has them, test images."""
    from snnviz import datasets

    name = args.data or default
    if name is None:
        raise InputError("`--data` must be given for this model. Received: none")
    images = datasets.load(name, split="train", limit=args.limit)
    try:
        return images, datasets.load(name, split="test")
    except InputError:  # files of a user need not have a test split
        return images, None


def shipped_data(model: str) -> str | None:
    """The data set that the shipped model of that name was trained on; None for a file."""
    from snnviz import pretrained

    return str(pretrained.card(model)["data"]["name"]) if model in pretrained.names() else None


def _mobilenet_options(args: argparse.Namespace, images: Images) -> dict[str, Any]:
    height, width, channels = images.x.shape[1:]
    if height != width:
        raise InputError(f"`--data` must have square images for mobilenet. Received: {height}x{width}")
    alpha = {} if args.alpha is None else {"alpha": args.alpha}
    return {"size": height, "channels": channels, "classes": len(images.class_names), **alpha}


def command_line(command: str, what: str, args: argparse.Namespace, base: Recipe) -> str:
    """The command that makes the same model again: everything that is not a default."""
    words = ["snnviz", command, what]
    for option in (
        "data",
        "limit",
        "alpha",
        "epochs",
        "learning_rate",
        "batch_size",
        "l2",
        "momentum",
        "shift",
        "validation",
    ):
        value = getattr(args, option, None)
        if value is not None:
            words += [f"--{option.replace('_', '-')}", *map(str, value if isinstance(value, list) else [value])]
    for option in ("lambda_a", "lambda_w", "epsilon"):
        value = getattr(args, option, None)
        if value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    words += ["--seed", str(args.seed)]
    return shlex.join(words)


def saved(
    training: Training,
    out: Path,
    architecture: str,
    command: str,
    images: Images,
    tests: Images | None,
    **more: Any,
) -> dict[str, Any]:
    """Write model, history and card; return what the command answers."""
    from snnviz import datasets
    from snnviz._files import replacing
    from snnviz.training import evaluate, model_card, save_card

    licence = {record.name: record.licence for record in datasets.available()}.get(images.name)
    card = model_card(
        training,
        architecture=architecture,
        command=command,
        data={"name": images.name, "items": len(images), **({"licence": licence} if licence else {})},
        test=None if tests is None else evaluate(training.model, tests.x, tests.y),
        **more,
    )
    with replacing(out) as temporary:
        training.model.save(temporary)  # never compiled, so no optimiser state goes along
    training.save_history(beside(out, "history.csv"))
    save_card(card, beside(out, "json"))
    return {"out": str(out), "history": str(beside(out, "history.csv")), "card": card}


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "architectures" in answer:
        width = max(map(len, answer["architectures"]))
        return "\n".join(f"{name:{width}}  {text}" for name, text in answer["architectures"].items())
    card = answer["card"]
    lines = [f"epoch {card['epoch']} of {sum(stage[0] for stage in card['recipe']['schedule'])} kept"]
    if card["validation"]:
        lines.append(f"validation accuracy {card['validation']['accuracy']:.2%}, loss {card['validation']['loss']:.4f}")
    if card["test"]:
        lines.append(f"test accuracy       {card['test']['accuracy']:.2%} ({card['test']['items']} items)")
    return "\n".join([*lines, f"model written to {answer['out']}, with its card and history beside it"])
