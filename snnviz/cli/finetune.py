"""`snnviz finetune`: make a trained classifier sparse."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from snnviz import _checks as check


def add(subparsers: Any) -> None:
    """Add the parser."""
    from snnviz.cli.train import add_training_options

    parser = subparsers.add_parser(
        "finetune",
        help="make a trained classifier sparse",
        description="Train a classifier on with penalties on active neurons and on weights, then set the weights that "
        "shrank to nothing to zero. Resumable as `snnviz train` is.",
    )
    parser.add_argument("model", metavar="MODEL", help="a .keras file, or the name of a shipped model")
    add_training_options(parser, "that of the shipped MODEL", "MODEL-sparse.keras")
    parser.add_argument("--lambda-a", type=float, metavar="L", help="weight of the activation penalty (default: 0.5)")
    parser.add_argument("--lambda-w", type=float, metavar="L", help="weight of the weight penalty (default: 20)")
    parser.add_argument("--epsilon", type=float, metavar="E", help="weights below this are pruned (default: 0.0001)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, fine-tune, prune, measure, save."""
    from snnviz.cli import train as common

    stem = Path(args.model).stem
    out = common.output_file(args.out or f"{stem}-sparse.keras")
    from snnviz import sparsity
    from snnviz.conversion.loading import load_keras
    from snnviz.training import default_recipe, evaluate, finetune, split

    epsilon = sparsity.PAPER_EPSILON if args.epsilon is None else check.real("--epsilon", args.epsilon, 0)
    base = default_recipe(stem, finetuning=True)
    common.recipe_from(args, base, items=10**9)  # a mistake should be answered before the data are loaded
    model = load_keras(args.model)
    images, tests = common.training_data(args, common.shipped_data(args.model))
    recipe = common.recipe_from(args, base, len(images))
    measured_on = tests or images
    before = sparsity.measure(model, measured_on.x, epsilon)  # as if pruned alike, to be comparable
    accuracy_before = None if tests is None else evaluate(model, tests.x, tests.y).accuracy
    with common.telling_how_to_resume():
        training = finetune(
            model, images.x, images.y, recipe, checkpoint=common.beside(out, "checkpoint.npz"), resume=args.resume
        )
    unpruned = None if tests is None else evaluate(model, tests.x, tests.y).accuracy
    held_out, kept = split(len(images), recipe)
    judged = held_out if len(held_out) else kept
    curve = sparsity.pruning_curve(model, images.x[judged], images.y[judged])
    pruned = sparsity.prune(model, epsilon)
    return common.saved(
        training,
        out,
        args.model,
        common.command_line("finetune", args.model, args, base),
        images,
        tests,
        epsilon=epsilon,
        pruned_weights=pruned,
        test_accuracy_before=accuracy_before,
        test_accuracy_unpruned=unpruned,
        pruning_curve={"items": "held out" if len(held_out) else "training", "points": curve},
        sparsity_measured_on=measured_on.split,
        sparsity_before=before.as_json(),
        sparsity=sparsity.measure(model, measured_on.x).as_json(),
    )


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    from snnviz.cli import train as common

    card = answer["card"]
    before, after = card["sparsity_before"], card["sparsity"]
    lines = [common.show(answer), "", f"sparsity on the {card['sparsity_measured_on']} set, before / after"]
    for key, value in after.items():
        if isinstance(value, float):
            lines.append(f"  {key:50} {before[key]:.3f} / {value:.3f}")
    return "\n".join(lines)
