"""`snnviz check`: list what stands in the way of converting a model.

List every reason why a model cannot be converted to a spiking network, with its remedy. A model that cannot be converted is an
answer, not a mistake: the exit code is 0 either way, and --json says `convertible`.

Example: snnviz check model.keras
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument(
        "model", metavar="MODEL", help="a .keras or .onnx file, or the name of a shipped model, e.g. dense-mnist"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load and check."""
    from snnviz import conversion

    problems = conversion.check_convertible(args.model)
    return {
        "model": args.model,
        "convertible": not problems,
        "problems": [{**asdict(problem), "text": str(problem)} for problem in problems],
    }


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if answer["convertible"]:
        return f"{answer['model']} can be converted (`snnviz convert {answer['model']}`)"
    count = len(answer["problems"])
    lines = [f"{answer['model']} cannot be converted, for {count} reason{'s' if count > 1 else ''}:"]
    return "\n".join([*lines, *(f"- {problem['text']}" for problem in answer["problems"])])
