"""Fine-tune over a grid of sparsity penalties and compare."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnviz import sparsity_sweep
from snnviz._files import replacing
from snnviz._options import option, parameters
from snnviz.jobs.work import finetune
from snnviz.jobs.work.sources import check_cluster, identified, on_cluster, output, record_data

if TYPE_CHECKING:
    from pathlib import Path

    from snnviz.jobs.job import Job
    from snnviz.sparsity_sweep import Sweep

MAIN = "sweeping"


@dataclass(frozen=True, kw_only=True)
class Options(finetune.Shared):
    """Settings of a sweep: those of a fine-tuning, but for the strengths of both penalties."""

    lambda_a: Sequence[float] | None = option(
        None, "weights of the activation penalty", metavar="L[,L]", least=0, commas=True,
        unset=",".join(f"{value:g}" for value in sparsity_sweep.LAMBDA_A),
    )  # fmt: skip
    lambda_w: Sequence[float] | None = option(
        None, "weights of the weight penalty", metavar="L[,L]", least=0, commas=True,
        unset=",".join(f"{value:g}" for value in sparsity_sweep.LAMBDA_W),
    )  # fmt: skip
    workers: int = option(1, "processes that train", metavar="N", least=1, recorded=False)
    scheduler: str | None = on_cluster()
    out: str | None = output("folder of the sweep", "FOLDER", "MODEL-sweep")

    def __post_init__(self) -> None:
        super().__post_init__()
        sparsity_sweep.need_optuna()
        check_cluster(self)


def work(options: Options, job: Job) -> dict[str, Any]:
    """Train at every point, write the tables and the figure."""
    from snnviz.sparsity import has_activation_penalty

    start = finetune.begin_with(options, job)
    model, images, recipe = start.model, start.images, start.recipe
    strengths = options.lambda_a or sparsity_sweep.LAMBDA_A
    if options.lambda_a is None and not has_activation_penalty(model):
        strengths = (0.0,)
        job.say(finetune.NO_ACTIVATION_PENALTY)
    job.begin({**parameters(options), **identified(options.model, job), "data": start.data, "items": len(images)})
    record_data(job, images, "training")
    folder = job.place(options.out, "sweep")
    job.kept = job.WHAT_IS_DONE
    found = sparsity_sweep.sweep(
        model,
        images.x,
        images.y,
        folder,
        lambda_a=strengths,
        lambda_w=options.lambda_w or sparsity_sweep.LAMBDA_W,
        recipe=recipe,
        epsilon=options.epsilon,
        workers=options.workers,
        scheduler=options.scheduler,
        resume=job.resume,
        anyway=options.anyway,
    )
    answer: dict[str, Any] = {
        "model": options.model,
        "recipe": {name: value for name, value in recipe.as_json().items() if not name.startswith("lambda")},
        "points": found.table.to_dict("records"),
        "failed": [{"lambda_a": a, "lambda_w": w, "error": text} for (a, w), text in found.failed.items()],
        "files": [*_drawn(found, folder), str(folder / "sweep.json")],
    }
    with replacing(folder / "sweep.json") as temporary:
        temporary.write_text(json.dumps(answer, indent=1))
    _record(job, found, folder)
    return answer


def _drawn(found: Sweep, folder: Path) -> list[str]:
    """Write both tables and the front; the files."""
    from snnviz import plots
    from snnviz.plots import export

    tables = [plots.save(found.table, folder / "sweep.csv"), plots.save(found.pruning, folder / "pruning.csv")]
    pictures = export.pictures(plots.sparsity_front(found.table), {"pdf": {}, "png": {}})
    return [str(file) for file in (*tables, *export.written(pictures, folder / "front"))]


def _record(job: Job, found: Sweep, folder: Path) -> None:
    """Record every point's metrics, a step each in the order of the table, and what was written."""
    for step, point in enumerate(found.table.to_dict("records")):
        told = ("lambda_a", "lambda_w", "accuracy", "S_a", "S_w", "S_c")
        job.metrics({name: float(point[name]) for name in told}, step)
    for name in ("sweep.csv", "pruning.csv", "sweep.json", "front.png"):
        job.file(folder / name, name)
