"""`snnviz hardware expect`: what to expect of a network on SpiNNaker, computed on this machine.

Simulate a network with SpiNNaker's arithmetic: fixed point, weights as the tool chain stores them, reset to zero, membranes that
never fall below zero, a step of delay per layer. Print the anytime metrics and, with --out, write the result (netCDF), to be
compared with a run on a board.

Example: snnviz hardware expect dense-mnist-pooled-spinnaker --limit 100
"""

from __future__ import annotations

from typing import Any

from snnviz.cli import _job
from snnviz.cli.metrics import of_result
from snnviz.jobs.work.spinnaker import OF_MACHINES, Options

JOB = _job.Order(Options, kind="spinnaker", without=OF_MACHINES)


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    return of_result(
        f"{answer['items']} items x {answer['steps']} steps as SpiNNaker would compute them ({answer['engine']} engine); "
        f"{answer['lost_weights']} weights round to zero",
        answer,
    )
