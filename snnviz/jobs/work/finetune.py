"""Make a trained classifier sparse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from snnviz._options import like, option, parameters
from snnviz.jobs.work import train as common
from snnviz.jobs.work.sources import identified, located, record_data, say_if_slow, stem, unshown
from snnviz.training.recipe import FINE_TUNING, Recipe, default_recipe

if TYPE_CHECKING:
    from snnviz.jobs.job import Job

NO_ACTIVATION_PENALTY = (
    "activations are not penalised (lambda_a = 0): that takes batch normalisations whose gamma is fixed to 1 "
    "(BatchNormalization(scale=False)) before every ReLU, and layers that follow one another. Weights are"
)

MAIN = "training"


@dataclass(frozen=True, kw_only=True)
class Shared(common.Shared):
    """What a fine-tuning and a sweep of them have in common."""

    model: str = option(help="a .keras or .onnx file, the name of a shipped model, or run:ID", metavar="MODEL")
    data: str | None = option(
        None, "data set, a file or a folder", metavar="NAME|PATH", unset="that of the shipped MODEL"
    )
    weigh: str | None = like(
        FINE_TUNING, "weigh", label="Penalties by",
        about="How both penalties are divided among layers: by their numbers of neurons and synapses, as in the paper, or by the "
        "synaptic events expected of them.",
    )  # fmt: skip
    keep_zeros: bool | None = like(FINE_TUNING, "keep_zeros")
    epsilon: float | None = option(
        None, "weights below this are pruned", metavar="E", least=0, unset="0.0001", label="Prune weights below (ε)",
        about="Weights smaller than this are set to zero once the training has ended.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        super().__post_init__()
        common.recipe_from(self, self.base, items=10**9)

    @property
    def base(self) -> Recipe:
        """The recipe that stands where nothing is given."""
        return default_recipe(stem(self.model), finetuning=True)


@dataclass(frozen=True, kw_only=True)
class Options(Shared):
    """Settings of a fine-tuning."""

    lambda_a: float | None = like(
        FINE_TUNING, "lambda_a", label="Penalty on activity (λa)",
        about="How strongly active neurons are penalised in training. More of it makes more activations zero, and fewer spikes.",
    )  # fmt: skip
    lambda_w: float | None = like(
        FINE_TUNING, "lambda_w", label="Penalty on weights (λw)",
        about="How strongly large weights are penalised in training. More of it lets more weights be pruned.",
    )  # fmt: skip
    half: bool | None = like(common.Options, "half")
    curves: int = option(
        0, "at the end simulate the networks from before and after on N test items; a run keeps both curves", metavar="N",
        least=0, recorded=False,
    )  # fmt: skip
    out: str | None = like(common.Options, "out", unset="MODEL-sparse.keras")


def begin_with(options: Shared, job: Job) -> common.Start:
    """Load the model and its data."""
    from snnviz.conversion import load_keras

    model = load_keras(located(options.model, "model.keras", job))
    if unclear := unshown(options.model, model, "`snnviz import` takes --mean and --std"):
        job.say(unclear)
    return common.start_with(model, options.model, options, options.base, job)


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, fine-tune, prune, measure, save, convert."""
    from snnviz import sparsity
    from snnviz.training import evaluate, finetune, halve, split

    epsilon = sparsity.PAPER_EPSILON if options.epsilon is None else options.epsilon
    start = begin_with(options, job)
    model, data, images, tests, recipe = start.model, start.data, start.images, start.tests, start.recipe
    full = start.full
    if options.lambda_a is None and recipe.lambda_a and not sparsity.has_activation_penalty(model):
        recipe = replace(recipe, lambda_a=0.0)
        job.say(NO_ACTIVATION_PENALTY)
    common.check_training(model, images, tests, recipe, options)
    sparsity.measure(model, images.x[:1], progress=False)  # that it has a sparsity
    held_out, kept = split(len(images), recipe)
    known = {"epsilon": epsilon, **identified(options.model, job)}
    job.begin({**parameters(options), **known, **common.settings(recipe, data, images)})
    record_data(job, images, "training")
    say_if_slow(job, recipe.precision)
    out = job.place(options.out, "model.keras")
    start_network = common.converted(model, images, recipe.input_range) if options.curves and job.recorded else None
    measured_on = tests or images
    before = sparsity.measure(model, measured_on.x, epsilon, input_range=full)  # as if pruned alike, to be comparable
    accuracy_before = None if tests is None else evaluate(model, tests.x, tests.y, input_range=full).accuracy
    training = common.trained_by(finetune, model, images, recipe, out, options, job)
    unpruned = None if tests is None else evaluate(model, tests.x, tests.y, input_range=full).accuracy
    judged = held_out if len(held_out) else kept
    curve = sparsity.pruning_curve(model, images.x[judged], images.y[judged], input_range=full)
    pruned = sparsity.prune(model, epsilon)
    if options.half:
        halve(model)
    told: dict[str, Any] = {
        "epsilon": epsilon,
        "pruned_weights": pruned,
        "test_accuracy_before": accuracy_before,
        "test_accuracy_unpruned": unpruned,
        "pruning_curve": {"items": "held out" if len(held_out) else "training", "points": curve},
        "sparsity_measured_on": measured_on.split,
        "sparsity_before": before.as_json(),
        "sparsity": sparsity.measure(model, measured_on.x, input_range=full).as_json(),
    }
    return common.saved(job, options, training, out, data, images, tests, start_network, options.curves, **told)
