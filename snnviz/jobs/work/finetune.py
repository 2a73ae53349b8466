"""Make a trained classifier sparse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz.jobs.work import train as common
from snnviz.jobs.work.sources import full_intensity, located, origin, record_data, remembered, say_if_slow, stem

if TYPE_CHECKING:
    from snnviz.jobs.job import Job


NO_ACTIVATION_PENALTY = (
    "activations are not penalised (lambda_a = 0): that takes batch normalisations whose gamma is fixed to 1 "
    "(BatchNormalization(scale=False)) before every ReLU, and layers that follow one another. Weights are"
)

MAIN = "training"


@dataclass(frozen=True, kw_only=True)
class Options(common.Shared):
    """Settings of a fine-tuning.

    Attributes:
        model: a .keras or .onnx file, the name of a shipped model, or run:ID for that of a run.
        lambda_a: weight of the activation penalty.
        lambda_w: weight of the weight penalty.
        weigh: how both are divided among layers, "size" or "events".
        keep_zeros: weights that are zero stay zero.
        epsilon: weights below this are pruned.
    """

    model: str
    lambda_a: float | None = None
    lambda_w: float | None = None
    weigh: str | None = None
    keep_zeros: bool | None = None
    epsilon: float | None = None

    def __post_init__(self) -> None:
        from snnviz.training import default_recipe

        super().__post_init__()
        check.text("model", self.model)
        if self.epsilon is not None:
            check.real("epsilon", self.epsilon, 0)
        common.recipe_from(self, default_recipe(stem(self.model), finetuning=True), items=10**9)


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, fine-tune, prune, measure, save, convert."""
    from snnviz import sparsity
    from snnviz.conversion import load_keras
    from snnviz.training import checked_training, default_recipe, evaluate, finetune, halve, split

    epsilon = sparsity.PAPER_EPSILON if options.epsilon is None else options.epsilon
    base = default_recipe(stem(options.model), finetuning=True)
    model = load_keras(located(options.model, "model.keras", job))
    run_id = origin(options.model)
    known: Mapping[str, Any] = remembered(options.model) if run_id is None else job.store.get(run_id).params
    full = full_intensity(model, options, known)
    data, images, tests = common.training_data(options, known.get("data"), model.input_shape[1:], full)
    recipe = replace(common.recipe_from(options, base, len(images)), input_range=None if full == 1 else full)
    if options.lambda_a is None and recipe.lambda_a and not sparsity.has_activation_penalty(model):
        recipe = replace(recipe, lambda_a=0.0)
        job.say(NO_ACTIVATION_PENALTY)
    checked_training(model, images.x, images.y, recipe, options.anyway)  # mistakes are answered before a run begins
    sparsity.measure(model, images.x[:1], progress=False)  # that it has a sparsity
    held_out, kept = split(len(images), recipe)
    job.begin({"model": options.model, "epsilon": epsilon, **common.settings(recipe, data, images)})
    record_data(job, images, "training")
    say_if_slow(job, recipe.precision)
    out = job.place(options.out, "model.keras")
    measured_on = tests or images
    before = sparsity.measure(model, measured_on.x, epsilon, input_range=full)  # as if pruned alike, to be comparable
    accuracy_before = None if tests is None else evaluate(model, tests.x, tests.y, input_range=full).accuracy
    with common.telling_how_to_resume():
        training = finetune(
            model, images.x, images.y, recipe,
            checkpoint=common.beside(out, "checkpoint.npz"), resume=job.resume, anyway=options.anyway,
            on_epoch=common.job_epoch(job),
        )  # fmt: skip
    unpruned = None if tests is None else evaluate(model, tests.x, tests.y, input_range=full).accuracy
    judged = held_out if len(held_out) else kept
    curve = sparsity.pruning_curve(model, images.x[judged], images.y[judged], input_range=full)
    pruned = sparsity.prune(model, epsilon)
    if options.half:
        halve(model)
    return common.saved(
        job,
        training,
        out,
        options.model,
        common.command_line("finetune", options.model, options, base),
        data,
        images,
        tests,
        epsilon=epsilon,
        pruned_weights=pruned,
        test_accuracy_before=accuracy_before,
        test_accuracy_unpruned=unpruned,
        pruning_curve={"items": "held out" if len(held_out) else "training", "points": curve},
        sparsity_measured_on=measured_on.split,
        sparsity_before=before.as_json(),
        sparsity=sparsity.measure(model, measured_on.x, input_range=full).as_json(),
    )
