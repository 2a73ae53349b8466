"""`snnviz simulate`: a network on a data set, to a result file and its metrics."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli import _job, _options
from snnviz.jobs.work.simulate import Options


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "simulate",
        help="simulate a network and count its synaptic events",
        description="Simulate a spiking network on a data set, counting synaptic events; print the anytime metrics and, "
        "with --out, write the result (netCDF).",
    )
    _options.add(parser, Options, record={"nargs": "*"})
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
