"""`snnviz simulate`: a network on a data set, to a result file and its metrics."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli import _job
from snnviz.cli._numbers import real, whole
from snnviz.cli._settings import add_data_options, add_settings


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "simulate",
        help="simulate a network and count its synaptic events",
        description="Simulate a spiking network on a data set, counting synaptic events; print the anytime metrics and, "
        "with --out, write the result (netCDF).",
    )
    parser.add_argument(
        "network", metavar="NETWORK", help="a network file (.npz), the name of a shipped one, or run:ID"
    )
    add_data_options(parser)
    parser.add_argument("--split", default="test", choices=("test", "train"), help="default: %(default)s")
    parser.add_argument("--limit", type=whole, metavar="N", help="the first N items only")
    parser.add_argument("--steps", type=whole, default=50, metavar="T", help="time steps (default: %(default)s)")
    parser.add_argument("--engine", default="auto", help="auto, graph or event (default: %(default)s)")
    add_settings(parser)
    parser.add_argument(
        "--record", nargs="*", metavar="WHAT", help="prediction, logits, events (default: prediction only)"
    )
    parser.add_argument(
        "--stop",
        type=real,
        metavar="LEVEL",
        help="end each item when the network is so sure of its answer (0.9, for example)",
    )
    parser.add_argument(
        "--stop-rule",
        default="margin",
        help="what LEVEL is of: margin, between the two largest values of the scores' softmax, or gap, between the two largest "
        "scores (default: %(default)s)",
    )
    parser.add_argument(
        "--stop-temperature", type=real, default=1.0, metavar="T", help="the margin's softmax (default: %(default)s)"
    )
    parser.add_argument("--batch-size", type=whole, metavar="N", help="items at once (default: the engine's choice)")
    parser.add_argument("--threshold", type=real, metavar="A", help="accuracy to time (default: 0.98 of the ANN's)")
    parser.add_argument("--title", default="", help="label of the curves")
    parser.add_argument("--out", metavar="RESULT.nc", help="file to write the result to")
    _job.add_options(parser, track=False)  # recording would take longer than most simulations
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Simulate, score, save."""
    return _job.done("simulate", args)


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    import snnviz.cli.metrics as metrics_command

    if "background" in answer:
        return _job.show_background(answer)
    lines = [
        f"{answer['items']} items x {answer['steps']} steps, engine {answer['engine']} "
        f"({answer['engine_choice']}), {answer['wall_time_s']:.2f} s",
        "",
        metrics_command.show(answer["metrics"]),
    ]
    lines += [f"WARNING: {text}" for text in answer["warnings"]]
    if answer["out"]:
        lines += ["", f"result written to {answer['out']}"]
    return _job.show(answer, "\n".join(lines))
