"""`snnviz sweep`: which accuracy costs which sparsity."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from snnviz._files import replacing
from snnviz.cli._numbers import real, whole
from snnviz.cli._settings import numbers
from snnviz.sparsity_sweep import LAMBDA_A, LAMBDA_W

_RECIPE = (
    "data", "channels", "size", "input_range", "limit",
    "epochs", "learning_rate", "batch_size", "l2", "momentum", "shift", "flip", "anneal",
    "precision", "levels", "validation", "seed", "weigh", "keep_zeros", "epsilon",
)  # fmt: skip


def add(subparsers: Any) -> None:
    """Add the parser."""
    from snnviz.cli.train import add_recipe_options, add_sparsity_options

    parser = subparsers.add_parser(
        "sweep",
        help="fine-tune over a grid of sparsity penalties and compare",
        description="Fine-tune MODEL at every point of a (lambda_a, lambda_w) grid, prune, and measure accuracy and sparsity "
        "on the training items held out; the test set takes no part. The folder holds the Optuna study (study.db), each "
        "point's pruned model, the table (sweep.csv, sweep.json), accuracy and sparsity against epsilon (pruning.csv) and "
        "the front of accuracy and sparsity (front.pdf, front.png).",
    )
    parser.add_argument("model", metavar="MODEL", help="a .keras or .onnx file, or the name of a shipped model")
    for name, penalty, grid in (("a", "activation", LAMBDA_A), ("w", "weight", LAMBDA_W)):
        parser.add_argument(
            f"--lambda-{name}", dest=f"grid_{name}", metavar="L[,L]",
            help=f"weights of the {penalty} penalty (default: {','.join(f'{value:g}' for value in grid)})",
        )  # fmt: skip
    add_recipe_options(parser, "that of the shipped MODEL")
    add_sparsity_options(parser)
    parser.add_argument("--workers", type=whole, default=1, metavar="N", help="processes that train (default: 1)")
    parser.add_argument("--out", metavar="FOLDER", help="folder of the sweep (default: MODEL-sweep)")
    parser.add_argument("--resume", action="store_true", help="go on from the folder, if a sweep lies there")
    parser.set_defaults(run=run, show=show, writes=lambda args: (_folder(args), True))


def _folder(args: argparse.Namespace) -> Path:
    return Path(args.out or f"{Path(args.model).stem}-sweep")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Train at every point, write the tables and the figure."""
    from snnviz import plots
    from snnviz.conversion import load_keras
    from snnviz.jobs.work import train as common
    from snnviz.jobs.work.finetune import NO_ACTIVATION_PENALTY, Options
    from snnviz.jobs.work.sources import full_intensity, remembered
    from snnviz.sparsity import has_activation_penalty
    from snnviz.sparsity_sweep import need_optuna, sweep
    from snnviz.training import default_recipe

    need_optuna()
    stem = Path(args.model).stem
    asked = {name: getattr(args, f"grid_{name}") for name in ("a", "w")}
    grid = {name: numbers(f"--lambda-{name}", words, real) for name, words in asked.items() if words is not None}
    given = Options(model=args.model, **{name: getattr(args, name) for name in _RECIPE})
    model, known = load_keras(args.model), remembered(args.model)
    full = full_intensity(model, given, known)
    _, images, _ = common.training_data(given, known.get("data"), model.input_shape[1:], full)
    folder = _folder(args)
    if "a" not in grid and not has_activation_penalty(model):
        grid["a"] = [0.0]
        sys.stderr.write(f"snnviz sweep: {NO_ACTIVATION_PENALTY}\n")
    recipe = common.recipe_from(given, default_recipe(stem, finetuning=True), len(images))
    found = sweep(
        model,
        images.x,
        images.y,
        folder,
        lambda_a=grid.get("a", LAMBDA_A),
        lambda_w=grid.get("w", LAMBDA_W),
        recipe=recipe,
        epsilon=given.epsilon,
        workers=args.workers,
        resume=args.resume,
        anyway=args.anyway,
    )
    figure = plots.sparsity_front(found.table)
    drawn = [(found.table, "sweep.csv"), (found.pruning, "pruning.csv"), (figure, "front.pdf"), (figure, "front.png")]
    answer: dict[str, Any] = {
        "model": args.model,
        "recipe": {name: value for name, value in recipe.as_json().items() if not name.startswith("lambda")},
        "points": found.table.to_dict("records"),
        "failed": [{"lambda_a": a, "lambda_w": w, "error": text} for (a, w), text in found.failed.items()],
        "files": [str(plots.save(what, folder / name)) for what, name in drawn] + [str(folder / "sweep.json")],
    }
    with replacing(folder / "sweep.json") as temporary:
        temporary.write_text(json.dumps(answer, indent=1))
    return answer


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    lines = ["  lambda_a  lambda_w  accuracy    S_a    S_w    S_c  S_a, S_c as published  kept epoch"]
    lines += [
        f"{'*' if point['on_front'] else ' '} {point['lambda_a']:8g}  {point['lambda_w']:8g}  {point['accuracy']:8.2%}  "
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
