"""`snnviz optimize`: tune a network so that it answers early and cheaply.

Search for scales (and, with --with-potentials, initial potentials; or, with --method weights, weights) that minimise lambda_e (1 -
peak accuracy) + lambda_l P_l + lambda_p P_p. The objective is evaluated on training items held out from training, gradients learn
from the others, and the test set is only reported on.

Example: snnviz optimize dense-mnist-heuristic --minutes 2 --out optimized.npz
"""

from __future__ import annotations

from functools import partial
from typing import Any

from snnviz._amounts import percent, text_of
from snnviz.cli import _job
from snnviz.jobs.work.optimize import Options
from snnviz.jobs.work.sources import stem

JOB = _job.Order(Options, out=lambda args: f"{stem(args.network)}-optimized.npz", resume="go on from --checkpoint")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
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
    four = partial(text_of, digits=4)
    for name, label, form in (
        ("peak_accuracy", "peak accuracy", percent),
        ("latency", "Pareto latency", four),
        ("power", "Pareto power", four),
    ):
        cells = [form(answer[part][when][name]) for part in ("held_out", "test") for when in ("start", "best")]
        lines.append(f"{label:17}{cells[0]:>12}{cells[1]:>14}  {cells[2]:>12}{cells[3]:>14}")
    return "\n".join([*lines, "", f"network written to {answer['out']}"])
