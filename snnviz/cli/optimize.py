"""`snnviz optimize`: scales of a spiking network for early and cheap answers."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli import _job, _options
from snnviz.jobs.work.optimize import Options


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "optimize",
        help="tune a network so that it answers early and cheaply",
        description="Search for scales (and, with --with-potentials, initial potentials; or, with --method weights, weights) "
        "that minimise lambda_e (1 - peak accuracy) + lambda_l P_l + lambda_p P_p. The objective is evaluated on training items "
        "held out from training, gradients learn from the others, and the test set is only reported on.",
    )
    _options.add(parser, Options)
    parser.add_argument("--resume", action="store_true", help="go on from --checkpoint")
    _job.add_options(parser)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Search, report on the test set, save."""
    from snnviz.jobs.work.sources import stem

    return _job.done("optimize", args, out=args.out or f"{stem(args.network)}-optimized.npz")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "background" in answer:
        return _job.show_background(answer)
    tried = (
        f"{answer['evaluations']} evaluations in {answer['minutes']:.1f} min ({answer['method']}, {answer['stopped']})"
    )
    lines = [
        tried,
        f"loss {answer['loss']['start']:.4g} -> {answer['loss']['best']:.4g}",
        "",
        f"{'':17}{'held out':^26}  {'test':^26}",
        f"{'':17}{'start':>12}{'best':>14}  {'start':>12}{'best':>14}",
    ]
    for name, label, form in (
        ("peak_accuracy", "peak accuracy", "{:.2%}"),
        ("latency", "Pareto latency", "{:.4g}"),
        ("power", "Pareto power", "{:.4g}"),
    ):
        cells = [form.format(answer[part][when][name]) for part in ("held_out", "test") for when in ("start", "best")]
        lines.append(f"{label:17}{cells[0]:>12}{cells[1]:>14}  {cells[2]:>12}{cells[3]:>14}")
    return _job.show(answer, "\n".join([*lines, "", f"network written to {answer['out']}"]))
