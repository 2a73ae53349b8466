"""`snnviz simulate`: simulate a network and count its synaptic events.

Simulate a spiking network on a data set, counting synaptic events; print the anytime metrics and, with --out, write the result
(netCDF).
"""

from __future__ import annotations

from typing import Any

from snnviz.cli import _job
from snnviz.jobs.work.simulate import Options

JOB = _job.Job(Options, track=False, changes={"record": {"nargs": "*"}})


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    import snnviz.cli.metrics as metrics_command

    lines = [
        f"{answer['items']} items x {answer['steps']} steps, engine {answer['engine']} "
        f"({answer['engine_choice']}), {answer['wall_time_s']:.2f} s",
        "",
        metrics_command.show(answer["metrics"]),
    ]
    lines += [f"WARNING: {text}" for text in answer["warnings"]]
    if answer["out"]:
        lines += ["", f"result written to {answer['out']}"]
    return "\n".join(lines)
