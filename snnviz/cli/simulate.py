"""`snnviz simulate`: simulate a network and count its synaptic events.

Simulate a spiking network on a data set, counting synaptic events; print the anytime metrics and, with --out, write the result
(netCDF).

Example: snnviz simulate dense-mnist-optimized --limit 1000 --steps 20 --out result.nc
"""

from __future__ import annotations

from typing import Any

from snnviz.cli import _job, _options
from snnviz.cli.metrics import of_result
from snnviz.jobs.work.simulate import Options

JOB = _job.Order(Options, changes={"record": {"nargs": "*", "action": _options.Words}})


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    head = (
        f"{answer['items']} items x {answer['steps']} steps, engine {answer['engine']} "
        f"({answer['engine_choice']}), {answer['wall_time_s']:.2f} s"
    )
    return of_result(head, answer, *(f"WARNING: {text}" for text in answer["warnings"]))
