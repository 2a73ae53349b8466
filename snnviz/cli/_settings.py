"""The options of a simulation as options of a command, and lists of numbers as options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeVar

from snnviz import _checks as check
from snnviz.cli._numbers import real, whole
from snnviz.errors import InputError

Number = TypeVar("Number", int, float)


def add_settings(parser: argparse.ArgumentParser, inputs: str = "spiking, poisson or analog") -> None:
    """Add an option for each field of `snnviz.simulation.Settings` but `steps`; `inputs` are the inputs allowed."""
    parser.add_argument("--input", default="spiking", help=f"{inputs} (default: %(default)s)")
    parser.add_argument("--reset", default="subtract", help="subtract or zero (default: %(default)s)")
    parser.add_argument("--input-reset", metavar="RESET", help="of the input layer alone (default: as --reset)")
    parser.add_argument("--floor", type=real, metavar="V", help="hidden membranes never fall below it (default: none)")
    parser.add_argument("--delay", type=whole, default=0, metavar="0|1", help="steps of delay a layer")
    parser.add_argument("--refractory", type=whole, default=0, metavar="STEPS", help="refractory period")
    parser.add_argument("--clamp", type=real, default=0, metavar="STEPS", help="frozen steps per layer of depth")
    parser.add_argument("--readout", default="membrane", help="membrane, cumulative or decay (default: %(default)s)")
    parser.add_argument("--decay", type=real, default=0.9, help="of the decaying read-out (default: %(default)s)")
    parser.add_argument("--synapses", default="nonzero", help="count events of nonzero or all synapses")
    parser.add_argument("--seed", type=whole, default=0, help="of the Poisson input (default: %(default)s)")


def add_data_options(parser: argparse.ArgumentParser, default: str = "the one that it is of") -> None:
    """Add the options that name data and say how they are read (`snnviz.jobs.work.sources.Asked`)."""
    parser.add_argument("--data", metavar="NAME|PATH", help=f"data set (default: {default})")
    parser.add_argument(
        "--channels",
        type=whole,
        metavar="1|3",
        help="pictures in folders as grey (1) or in colour (3) (default: as it takes them)",
    )
    parser.add_argument(
        "--size",
        type=whole,
        nargs="+",
        metavar="N",
        help="scale pictures in folders to this height (and width) (default: as it takes them)",
    )
    parser.add_argument(
        "--input-range",
        type=real,
        metavar="R",
        help="what stands for full intensity in the data's file and in the model trained on it, e.g. 255 or 16 (default: seen from "
        "the model; of a file, 255 for integers and 1 for others)",
    )


MODEL_HELP = "a .keras or .onnx file, or the name of a shipped model, e.g. dense-mnist"


def add_preprocessing_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say what a network from an .onnx file expects of its images."""
    for name, what in (
        ("mean", "what is subtracted from intensities in [0, 1]"),
        ("std", "what they are divided by then"),
    ):
        parser.add_argument(
            f"--{name}",
            metavar="V,V,V",
            help=f"of the preprocessing that the network in an .onnx file was trained with: {what}, one number or one per channel "
            "(default: none beyond what the file holds)",
        )


def preprocessing_of(args: argparse.Namespace) -> dict[str, list[float] | None]:
    """What those options say."""
    given = {name: getattr(args, name) for name in ("mean", "std")}
    return {name: None if text is None else numbers(f"--{name}", text, real) for name, text in given.items()}


def settings_of(args: argparse.Namespace) -> dict[str, Any]:
    """What those options say, checked.

    Raises:
        InputError: if one is out of range.
    """
    from snnviz.simulation.settings import Settings

    settings = {name: getattr(args, name) for name in Settings.__dataclass_fields__ if name != "steps"}
    Settings(steps=args.steps, **settings)
    return settings


def numbers(option: str, text: str, kind: Callable[[str], Number]) -> list[Number]:
    """The numbers of an option like 0,1,2.

    Raises:
        InputError: if a word is no `kind`, `whole` or `real`.
    """
    try:
        return [kind(word) for word in text.split(",")]
    except argparse.ArgumentTypeError:
        which = "whole numbers" if kind is whole else "numbers"
        raise InputError(f"`{option}` must be {which} with commas between. Received: {check.describe(text)}") from None
