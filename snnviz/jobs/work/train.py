"""Train one of the paper's architectures on a data set; also what fine-tuning has in common with it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz import architectures
from snnviz._options import like, option, parameters, words
from snnviz.errors import InputError
from snnviz.jobs.work.simulate import anytime
from snnviz.jobs.work.sources import (
    DataOptions,
    full_intensity,
    known_name,
    known_of,
    load_images,
    of_other_data,
    record_data,
    remembered,
    remembering,
    say_if_slow,
)
from snnviz.training.recipe import Recipe

if TYPE_CHECKING:
    import keras
    import numpy as np

    from snnviz.datasets import Images
    from snnviz.jobs.job import Job
    from snnviz.network import SpikingNetwork
    from snnviz.training import Training

NORMALISATION_ITEMS = 1000
CURVE_STEPS = 50

MAIN = "training"


@dataclass(frozen=True, kw_only=True)
class Shared(DataOptions):
    """What training and fine-tuning have in common; None stands for the recipe's default."""

    limit: int | None = option(
        None, "the first N training items only", metavar="N", least=1, label="Training items",
        about="How many items are taken, the first ones of the data set. A fifth of them, at most 10 000, is held out.",
    )  # fmt: skip
    epochs: Sequence[int] | None = option(
        None, "epochs of each stage", metavar="N", least=1, label="Epochs in each of 2 stages",
        about="How often all training items are gone through in each of the two stages; the second learns in smaller steps.",
    )  # fmt: skip
    learning_rate: Sequence[float] | None = option(
        None, "learning rate of each stage", metavar="R", least=0, above=True
    )
    batch_size: int | None = like(Recipe, "batch_size")
    l2: float | None = like(Recipe, "l2")
    momentum: float | None = like(Recipe, "momentum")
    shift: int | None = like(Recipe, "shift")
    flip: bool | None = like(Recipe, "flip")
    anneal: bool | None = like(Recipe, "anneal")
    precision: str | None = like(Recipe, "precision")
    levels: int | None = like(
        Recipe, "levels", label="Activation levels",
        about="While the model trains, activations are rounded to so many values above zero, as many as spikes in few time steps "
        "can tell: the network then answers early. 0: no rounding.",
    )  # fmt: skip
    validation: int | None = like(Recipe, "validation", unset="10000, at most a fifth")
    anyway: bool = option(False, "also train a model that cannot be converted, see `snnviz check`")
    seed: int = option(
        0, "seed of the first weights and of the order of items", metavar="S", least=0, most=2**63 - 1, label="Seed",
        about="Chooses the random numbers: the same seed gives the same model.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        for name in ("epochs", "learning_rate"):
            given = getattr(self, name)
            if given is not None and (isinstance(given, str) or not isinstance(given, Sequence)):
                raise InputError(f"`{name}` must have one number per stage. Received: {check.describe(given)}")
        super().__post_init__()


@dataclass(frozen=True, kw_only=True)
class Options(Shared):
    """Settings of a training."""

    architecture: str = option(
        help="see `--list`, e.g. dense-mnist", metavar="ARCH", choices=lambda: architectures.names(),
    )  # fmt: skip
    data: str | None = option(
        None, "data set, a file or a folder", metavar="NAME|PATH", unset="the one ARCH was made for"
    )
    half: bool | None = option(None, "round kernels to half precision: about half the file")
    out: str | None = option(
        None, "file to write; its card, history and checkpoint go beside it", metavar="FILE.keras", suffix=".keras",
        writes="file", unset="ARCH.keras", recorded=False,
    )  # fmt: skip
    alpha: float | None = option(None, "width multiplier of mobilenet", metavar="A", least=0, above=True, unset="1")

    def __post_init__(self) -> None:
        from snnviz.training import default_recipe

        super().__post_init__()
        if self.alpha is not None and self.architecture != "mobilenet":
            raise InputError(f"`alpha` must be left out: only mobilenet has a width. Received: {self.alpha}")
        if self.data is None and self.architecture not in architectures.DATA:
            raise InputError("`data` must be given for this model. Received: none")
        recipe_from(self, default_recipe(self.architecture), items=10**9)


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, train, save, convert."""
    from snnviz.training import default_recipe, halve, train

    name = options.architecture
    base = default_recipe(name)
    # the size of a MobileNet follows from the data, that of pictures in a folder from any other model
    model = None if name == "mobilenet" else architectures.build(name, seed=options.seed)
    shape = () if model is None else model.input_shape[1:]
    data, images, tests = training_data(options, architectures.DATA.get(name), shape)
    recipe = recipe_from(options, base, len(images))
    if model is None:
        model = architectures.build(name, seed=options.seed, **_mobilenet_options(options, images))
    check_training(model, images, tests, recipe, options)
    job.begin({**parameters(options), **settings(recipe, data, images)})
    record_data(job, images, "training")
    say_if_slow(job, recipe.precision)
    out = job.place(options.out, "model.keras")
    training = trained_by(train, model, images, recipe, out, options, job)
    if options.half:
        halve(model)
    return saved(job, options, training, out, data, images, tests)


def check_training(model: Any, images: Images, tests: Images | None, recipe: Recipe, options: Shared) -> None:
    """Answer mistakes before a run begins: of the training, and of the items that it is measured on when it has ended."""
    from snnviz.training import checked_data, checked_training

    checked_training(model, images.x, images.y, recipe, options.anyway)
    if tests is not None:
        try:
            checked_data(model, tests.x, tests.y)
        except InputError as error:
            raise InputError(f"{error}, of the test items") from error


def job_epoch(job: Job) -> Any:
    """What a training calls after each epoch: its row becomes metrics of the run."""

    def record(row: Mapping[str, float]) -> None:
        job.metrics({key: value for key, value in row.items() if key != "epoch"}, int(row["epoch"]), log=True)

    return record


def settings(recipe: Recipe, data: str, images: Images) -> dict[str, Any]:
    """A recipe as a run's settings."""
    given = recipe.as_json()
    stages = given.pop("schedule")
    return {
        "data": data,
        "items": len(images),
        "epochs": " + ".join(str(stage[0]) for stage in stages),
        "learning_rate": " + ".join(f"{stage[1]:g}" for stage in stages),
        **given,
    }


def trained_by(
    how: Callable[..., Training], model: Any, images: Images, recipe: Recipe, out: Path, options: Shared, job: Job
) -> Training:
    """What `how` makes of a model that will be written to `out`; it says of an interruption how the command goes on."""
    from snnviz.training import TrainingInterrupted

    try:
        return how(
            model, images.x, images.y, recipe,
            checkpoint=beside(out, "checkpoint.npz"), resume=job.resume, anyway=options.anyway, on_epoch=job_epoch(job),
        )  # fmt: skip
    except TrainingInterrupted as interrupt:
        job.kept = interrupt.kept + ("; Resume goes on" if interrupt.resumable else "; Resume begins again")
        raise KeyboardInterrupt(
            interrupt.saved + ("; give the same command with --resume to go on" if interrupt.resumable else "")
        ) from interrupt


def beside(out: Path, kind: str) -> Path:
    """The file of another kind that belongs to model file `out`."""
    return out.with_name(f"{out.stem}.{kind}")


def recipe_from(options: Shared, base: Recipe, items: int, held_out: Mapping[str, int] | None = None) -> Recipe:
    """`base` with what the options say instead, for `items` training items.

    Unless the options say how many are held out, they are those that the model's earlier training held out (`held_out`, see
    `snnviz.jobs.work.sources.known_of`), so that nothing is judged on items that it was fitted to; else the common rule stands.
    """
    from snnviz.datasets import held_out_items

    given = {name: getattr(options, name, None) for name in Recipe.__dataclass_fields__}
    # a sweep has lists of strengths, which are no recipe's
    changes: dict[str, Any] = {
        name: value for name, value in given.items() if value is not None and not isinstance(value, (list, tuple))
    }
    if options.epochs is not None or options.learning_rate is not None:
        # as many stages as are given; what is left open is the recipe's of the same stage, or of its last
        stages = len(options.epochs or options.learning_rate or ())
        usual = [base.schedule[min(stage, len(base.schedule) - 1)] for stage in range(stages)]
        epochs: Sequence[int] = options.epochs or [stage[0] for stage in usual]
        rates: Sequence[float] = options.learning_rate or [stage[1] for stage in usual]
        if len(epochs) != len(rates):
            raise InputError(
                "`epochs` and `learning_rate` must have one number per stage each. "
                f"Received: {len(epochs)} and {len(rates)} stages"
            )
        changes["schedule"] = tuple(zip(epochs, rates, strict=True))
    judged = {"validation": held_out_items(items)}
    if held_out and held_out["items"] and held_out["of"] == items and options.validation is None:
        judged = {"validation": held_out["items"], "split_seed": held_out["seed"]}
    return replace(base, **{**judged, **changes})


def training_data(
    options: Shared, default: str | None, shape: Sequence[int] = (), input_range: float | None = None
) -> tuple[str, Images, Images | None]:
    """The data set's name or absolute path, its training images and, where it has them, its test images.

    `shape` is that of one item of the model's input, `input_range` what it takes for full intensity.
    """

    from snnviz.datasets.images import MissingSplit

    def load(split: str, limit: int | None = None) -> Images:
        return load_images(name, options, split, limit, shape, input_range)

    given = options.data or default
    if given is None:
        raise InputError("`data` must be given for this model. Received: none")
    name = given
    images = load("train", options.limit)
    if shape:
        check.images("data", images.x, tuple(shape))
    try:
        return known_name(name), images, load("test")
    except MissingSplit:  # files of a user need not have a test split
        return known_name(name), images, None


@dataclass(frozen=True)
class Start:
    """What the training of a trained model begins with.

    Attributes:
        model: the classifier.
        data: the data set's name or path.
        images: to train on.
        tests: to measure on, where the data set has such.
        recipe: for these images, with what the model takes for full intensity.
    """

    model: keras.Model
    data: str
    images: Images
    tests: Images | None
    recipe: Recipe

    @property
    def full(self) -> float:
        """What the model takes for full intensity."""
        return self.recipe.input_range or 1.0


def start_with(model: keras.Model, reference: str, options: Shared, base: Recipe, job: Job) -> Start:
    """A model, which the user named `reference`, with its data, and `base` as the options want it for them."""
    known = remembered(reference, job)
    full = full_intensity(model, options, known)
    data, images, tests = training_data(options, known.get("data"), model.input_shape[1:], full)
    held_out = None if of_other_data(known, options.data) else known.get("held_out")
    recipe = recipe_from(options, base, len(images), held_out)
    return Start(model, data, images, tests, replace(recipe, input_range=None if full == 1 else full))


def _mobilenet_options(options: Options, images: Images) -> dict[str, Any]:
    height, width, channels = images.x.shape[1:]
    if height != width:
        raise InputError(f"`data` must have square images for mobilenet. Received: {height}x{width}")
    alpha = {} if options.alpha is None else {"alpha": options.alpha}
    return {"size": height, "channels": channels, "classes": len(images.class_names), **alpha}


def _command_line(command: str, options: Shared) -> str:
    """The command that makes the same model again: everything that is not a default, and the seed."""
    return shlex.join(["snnviz", command, *words(options, ("out", "seed")), "--seed", str(options.seed)])


def saved(
    job: Job,
    options: Shared,
    training: Training,
    out: Path,
    data: str,
    images: Images,
    tests: Images | None,
    start: SpikingNetwork | None = None,
    curves: int = 0,
    **more: Any,
) -> dict[str, Any]:
    """Write model, history and card, record them and the converted network; return what the command answers.

    Where there is a network that it began with (`start`), the anytime curves of both on so many test items (`curves`) are recorded.
    """
    from snnviz import datasets
    from snnviz.training import evaluate, model_card, save_card, save_model

    given = vars(options)
    licence = {record.name: record.licence for record in datasets.available()}.get(images.name)
    card = model_card(
        training,
        architecture=given.get("architecture") or given["model"],
        command=_command_line(job.spec.kind, options),
        data={
            "name": data,
            "items": len(images),
            **({"licence": licence} if licence else {}),
            **({"hash": content} if (content := datasets.content_hash(data)) else {}),
        },
        test=None
        if tests is None
        else evaluate(training.model, tests.x, tests.y, input_range=training.recipe.input_range),
        **more,
    )
    save_model(training.model, out)
    training.save_history(beside(out, "history.csv"))
    save_card(card, beside(out, "json"))
    if job.recorded:
        network = _record(job, training, out, card, images)
        if start is not None and network is not None and tests is not None:
            _record_curves(job, start, network, tests.x[:curves], tests.y[:curves])
    return {"out": str(out), "history": str(beside(out, "history.csv")), "card": card}


def converted(model: keras.Model, images: Images, full: float | None, title: str = "") -> SpikingNetwork | None:
    """The spiking network of a model, by the paper's recipe; None for one that cannot be converted."""
    from snnviz.conversion import check_convertible, convert

    if check_convertible(model):
        return None
    classes = images.class_names if len(images.class_names) == model.output_shape[-1] else ()
    items = images.x[:NORMALISATION_ITEMS]
    return convert(model, items, setting="paper", class_names=classes, title=title, input_range=full)


def _record_curves(job: Job, before: SpikingNetwork, after: SpikingNetwork, x: np.ndarray, y: np.ndarray) -> None:
    """Simulate the network from before and the one from after on the same items, and record results and metrics."""
    from snnviz import results, simulate

    for network, title, name in ((before, "before", "start.nc"), (after, "after", "result.nc")):
        found = simulate(network, x, y, CURVE_STEPS, engine="event", record=("prediction", "events"), title=title)
        job.file(results.save(found, job.place(None, name)), name)
    job.metrics(anytime(found))


def _record(job: Job, training: Training, out: Path, card: Mapping[str, Any], images: Images) -> SpikingNetwork | None:
    totals = {"best_epoch": float(card["epoch"])}
    if card["test"] is not None:
        totals |= {"test_accuracy": card["test"]["accuracy"], "test_cross_entropy": card["test"]["cross_entropy"]}
    totals |= {name: value for name, value in card.get("sparsity", {}).items() if isinstance(value, float)}
    job.metrics(totals)
    for file, name in (
        (out, "model.keras"),
        (beside(out, "json"), "card.json"),
        (beside(out, "history.csv"), "history.csv"),
    ):
        job.file(file, name)
    network = converted(training.model, images, training.recipe.input_range, job.spec.name)
    if network is not None:
        network = remembering(network, known_of(card))
        job.network(network)
    return network
