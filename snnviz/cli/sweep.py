"""`snnviz sweep`: fine-tune over a grid of sparsity penalties and compare.

Fine-tune MODEL at every point of a (lambda_a, lambda_w) grid, prune, and measure accuracy and sparsity on the training items held
out; the test set takes no part. The folder holds the Optuna study (study.db), each point's pruned model, the table (sweep.csv,
sweep.json), accuracy and sparsity against epsilon (pruning.csv) and the front of accuracy and sparsity (front.pdf, front.png).

Example: snnviz sweep dense-mnist --lambda-a 0.25,0.5 --lambda-w 0,10 --epochs 2 2
"""

from __future__ import annotations

from typing import Any

from snnviz._amounts import percent
from snnviz.cli import _job
from snnviz.jobs.work.sources import stem
from snnviz.jobs.work.sweep import Options

JOB = _job.Order(
    Options,
    out=lambda args: f"{stem(args.model)}-sweep",
    resume="go on from the folder, if a sweep lies there",
)


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    lines = ["  lambda_a  lambda_w  accuracy    S_a    S_w    S_c  S_a, S_c as published  kept epoch"]
    lines += [
        f"{'*' if point['on_front'] else ' '} {point['lambda_a']:8g}  {point['lambda_w']:8g}  {percent(point['accuracy']):>8}  "
        f"{point['S_a']:.3f}  {point['S_w']:.3f}  {point['S_c']:.3f}  {point['S_a_as_published']:>14.3f}, "
        f"{point['S_c_as_published']:.3f}  {point['epoch']:10}"
        for point in answer["points"]
    ]
    lines += [
        "",
        "* no other point is better in accuracy or S_c and not worse in the other; all on held-out training items",
    ]
    lines += [
        f"lambda_a {each['lambda_a']:g}, lambda_w {each['lambda_w']:g}: {each['error']}" for each in answer["failed"]
    ]
    return "\n".join([*lines, "", "written:", *(f"  {file}" for file in answer["files"])])
