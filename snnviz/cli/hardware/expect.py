"""`snnviz hardware expect`: what to expect of a network on SpiNNaker, computed on this machine.

Simulate a network with SpiNNaker's arithmetic: fixed point, weights as the tool chain stores them, reset to zero, membranes that
never fall below zero, a step of delay per layer. Print the anytime metrics and, with --out, write the result (netCDF), to be
compared with a run on a board.
"""

from __future__ import annotations

from typing import Any

from snnviz.cli import _job
from snnviz.jobs.work.spinnaker import Options

JOB = _job.Job(Options, kind="spinnaker", track=False, without=("target", "timeout", "host", "server", "collab", "job"))


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    import snnviz.cli.metrics as metrics_command

    lines = [
        f"{answer['items']} items x {answer['steps']} steps as SpiNNaker would compute them ({answer['engine']} engine); "
        f"{answer['lost_weights']} weights round to zero",
        "",
        metrics_command.show(answer["metrics"]),
    ]
    return "\n".join([*lines, *([f"\nresult written to {answer['out']}"] if answer["out"] else [])])
