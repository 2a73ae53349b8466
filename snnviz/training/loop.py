"""Training and fine-tuning of Keras classifiers, reproducible and resumable to the bit."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from snnviz import _checks as check
from snnviz import _progress, architectures
from snnviz._amounts import percent
from snnviz._arguments import checked
from snnviz._augment import mirrored, shifted
from snnviz._backend import on_cpu
from snnviz._files import replacing
from snnviz._models import as_taken, leaves, meaning_of
from snnviz._models import input_range as input_range_of
from snnviz._writing import alone
from snnviz.datasets.images import drawn, held_out_items
from snnviz.errors import InputError
from snnviz.training import checkpoint as checkpoints
from snnviz.training.precision import computing_in
from snnviz.training.recipe import FINE_TUNING, Recipe, completed
from snnviz.training.steps import Steps, compiled_steps

if TYPE_CHECKING:
    import keras

# Work of one compiled call, in multiply-adds, on a processor and on an accelerator: a fraction of a second, so that Ctrl-C and
# the progress bar stay prompt.
_WORK_PER_CALL = 3e9
_WORK_PER_CALL_ACCELERATED = 2e12
_MAX_STEPS_PER_CALL = 256
_EVALUATION_BATCH = 1000
_CLIP = 1e-7  # smallest probability in a cross-entropy, Keras' own

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during a training; its message says how to resume.

    Attributes:
        saved: what was saved, in a sentence without a full stop.
        kept: the same, without the place.
        resumable: whether there is anything to resume from.
    """

    def __init__(self, checkpoint: str | os.PathLike[str] | None, done: int, epochs: int) -> None:
        self.resumable = checkpoint is not None and done > 0
        self.kept = f"{done} of {epochs} epochs are kept"
        self.saved = f"{done} of {epochs} epochs are saved in {os.fspath(checkpoint or '')!r}"
        if not self.resumable:
            self.saved = "nothing was saved: " + (
                "no `checkpoint` was named" if checkpoint is None else "the first epoch was not finished"
            )
        super().__init__(self.saved + ("; call again with `resume=True` to go on" if self.resumable else ""))


class TrainingDiverged(InputError):
    """The loss became infinite or NaN."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Training:
    """What a training gave.

    Attributes:
        model: the trained model, with the weights of `best_epoch`; the same object that went in.
        history: per epoch a row of `epoch` (from 1), `learning_rate`, `loss` and `accuracy` (training data, as the
            weights changed) and, with held-out items, `val_loss` (penalties included), `val_cross_entropy` and
            `val_accuracy`.
        best_epoch: the epoch (from 1) with the lowest `val_loss`; the last one when nothing was held out.
        recipe: the settings.
    """

    model: keras.Model
    history: tuple[dict[str, float], ...]
    best_epoch: int
    recipe: Recipe

    @property
    def best(self) -> dict[str, float]:
        """The history's row of the best epoch."""
        return self.history[self.best_epoch - 1]

    @checked
    def save_history(self, path: str | os.PathLike[str]) -> None:
        """Write the history as CSV, or as JSON where `path` ends in .json."""
        with replacing(path) as temporary, temporary.open("w", newline="") as file:
            if Path(path).suffix == ".json":
                json.dump(list(self.history), file, indent=1)
            else:
                writer = csv.DictWriter(file, fieldnames=list(self.history[0]))
                writer.writeheader()
                writer.writerows(self.history)


@dataclass(frozen=True)
class Evaluation:
    """How a classifier does on labelled items.

    Attributes:
        accuracy: fraction of items classified rightly.
        cross_entropy: mean negative log-probability of the right class, natural logarithm.
        items: number of items.
    """

    accuracy: float
    cross_entropy: float
    items: int


@checked
def train(
    model: keras.Model | str,
    x: np.ndarray,
    y: np.ndarray,
    recipe: Recipe | None = None,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    anyway: bool = False,
    progress: bool = True,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> Training:
    """Train a classifier by stochastic gradient descent and keep the epoch with the lowest validation loss.

    No global random state is read or set: the order of items in an epoch is a function of (`recipe.seed`, epoch) alone.
    A run that was interrupted and resumed ends with the same weights, bit for bit, as one that was not, on the same
    machine and number of threads.

    Args:
        model: a Keras model of one image input whose output is class probabilities or logits, changed in place; or a name
            of `snnviz.architectures`, built with `recipe.seed`. Regularisers of its kernels (and, with `recipe.lambda_a`,
            of its batch normalisations' beta) are replaced by the recipe's while it trains.
        x: intensities in [0, 1], (items, height, width, channels).
        y: class indices (items,).
        recipe: the settings; None for the paper's, with `snnviz.datasets.held_out_items` of the items held out.
        checkpoint: file written after each epoch, with all that `resume` needs.
        resume: go on from `checkpoint` if the file is there; start afresh if it is not. Without it a finished training is written
            over, and one that stopped on its way is refused.
        anyway: also train a model that `snnviz.check_convertible` says cannot become a spiking network.
        progress: show a progress bar with the time left.
        on_epoch: called with the row of `Training.history` of each epoch when it is saved; on a resumed training at once with
            those of the epochs before.

    Raises:
        InputError: for bad data, a held-out part as large as the data, a checkpoint of another training or that another one
            is writing, a model that cannot be converted (unless `anyway`, without penalties weighed by events), or a loss that
            diverges (`TrainingDiverged`).
        TrainingInterrupted: on Ctrl-C, with a message that says how to resume; it is a KeyboardInterrupt.
    """
    from snnviz import sparsity  # loads Keras, which a recipe alone does not need
    from snnviz.training.levels import START_ITEMS, rounding

    recipe = recipe or holding_out(Recipe(), x)
    if isinstance(model, str):
        model = architectures.build(model, seed=recipe.seed)
    images, labels = checked_training(model, x, y, recipe, anyway)
    full = input_range_of(model) if recipe.input_range is None else recipe.input_range
    fed = as_taken(images, full)
    held_out, kept = split(len(images), recipe)
    if resume and checkpoint is None:
        raise InputError("`checkpoint` must name a file when `resume` is true. Received: None")

    with (
        nullcontext() if checkpoint is None else alone(checkpoint, "checkpoint"),
        rounding(model, recipe.levels, images[kept[:START_ITEMS]], full) as trained,
        sparsity.penalised(model, l2=recipe.l2, lambda_a=recipe.lambda_a, lambda_w=recipe.lambda_w, weigh=recipe.weigh),
        sparsity.zeros_kept(model) if recipe.keep_zeros else nullcontext(),
        computing_in(trained, recipe.precision),
    ):
        updates = recipe.epochs * math.ceil(len(kept) / recipe.batch_size)
        run = _Run(trained, recipe, _fingerprint(trained, images, labels), updates)
        if checkpoint is not None and Path(checkpoint).exists():
            found = checkpoints.load(checkpoint)
            if resume:
                run.restore(found)
            elif len(found.history) < found.epochs:
                raise InputError(
                    "`checkpoint` must not hold a training that stopped on its way, unless `resume` is true; delete the file to "
                    f"begin afresh. Received: {os.fspath(checkpoint)!r}, {len(found.history)} of "
                    f"{found.epochs} epochs"
                )
        saved = len(run.history)
        with _progress.bar(recipe.epochs * len(kept), "training", "item", progress, saved * len(kept)) as bar:
            if on_epoch is not None:
                for row in run.history:
                    on_epoch(dict(row))
            try:
                for epoch in range(saved, recipe.epochs):
                    run.epoch(epoch, fed, labels, kept, held_out, bar)
                    if checkpoint is not None:
                        run.checkpoint().save(checkpoint)
                    saved = epoch + 1
                    if on_epoch is not None:
                        on_epoch(dict(run.history[epoch]))
            except KeyboardInterrupt as interrupt:
                raise TrainingInterrupted(checkpoint, saved, recipe.epochs) from interrupt
        run.finish()
    return Training(model=model, history=tuple(run.history), best_epoch=run.best_epoch, recipe=recipe)


@checked
def finetune(
    model: keras.Model | str,
    x: np.ndarray,
    y: np.ndarray,
    recipe: Recipe | None = None,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    anyway: bool = False,
    progress: bool = True,
    on_epoch: Callable[[dict[str, float]], None] | None = None,
) -> Training:
    """Train a trained model on with the sparsity penalties of `snnviz.sparsity`, so that fewer neurons fire over fewer synapses.

    As `train`, with `snnviz.training.FINE_TUNING` (lambda_a = 0.5, lambda_w = 20, 100 epochs at 5e-3 then 100 at 1e-3) as
    the default recipe. Use the same `split_seed` and `validation` as the first training had. Afterwards
    `snnviz.sparsity.prune` sets the weights that shrank to nothing to zero.

    The model is a trained one, changed in place; or a file or the name of a shipped model, whose trained weights are taken,
    as by the command.

    Raises:
        InputError: as `train`; also for a model with nothing to penalise (no batch normalisation with gamma fixed to 1).
    """
    if isinstance(model, str):  # a name means the trained model here, where `train` builds a fresh one
        from snnviz.conversion.loading import load_keras

        model = load_keras(model)
    return train(
        model, x, y, recipe or holding_out(FINE_TUNING, x),
        checkpoint=checkpoint, resume=resume, anyway=anyway, progress=progress, on_epoch=on_epoch,
    )  # fmt: skip


@checked
def checked_training(
    model: keras.Model, x: np.ndarray, y: np.ndarray, recipe: Recipe, anyway: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """The data of a training, as `checked_data` has them, if the training can begin: see `train` for what is refused."""
    from snnviz import conversion, sparsity

    images, labels = checked_data(model, x, y)
    check.flag("anyway", anyway)
    if images.ndim != 4 and (recipe.shift or recipe.flip):
        raise InputError(
            f"`shift` and `flip` must be left out for items that are no pictures. Received: items of shape {images.shape[1:]}"
        )
    problems = conversion.check_convertible(model, recipe.input_range)

    def can_be_converted() -> None:
        if problems and not anyway:
            raise InputError(
                "`model` must be convertible to a spiking network, unless `anyway` is given. "
                f"Received: {'; '.join(map(str, problems))}"
            )
        if problems and recipe.weigh == "events":
            raise InputError(
                f"`weigh` must be 'size' for a model that cannot be converted. Received: {recipe.weigh!r}; {problems[0]}"
            )

    def fits_the_penalties() -> None:
        if not problems or recipe.weigh != "events":
            with sparsity.penalised(
                model, l2=recipe.l2, lambda_a=recipe.lambda_a, lambda_w=recipe.lambda_w, weigh=recipe.weigh
            ):
                pass

    check.all_of(can_be_converted, lambda: split(len(images), recipe), fits_the_penalties)
    return images, labels


@checked
def evaluate(
    model: keras.Model, x: np.ndarray, y: np.ndarray, progress: bool = True, input_range: float | None = None
) -> Evaluation:
    """Accuracy and cross-entropy of `model`, in inference mode.

    Args:
        model: as for `train`; it is not changed.
        x: intensities in [0, 1], (items, height, width, channels).
        y: class indices (items,).
        progress: show the items classified and the time left.
        input_range: what the model takes for full intensity; None for what it shows (`snnviz.conversion.input_range`).
    """
    images, labels = checked_data(model, x, y)
    images = as_taken(images, input_range_of(model) if input_range is None else input_range)
    from_logits = _gives_logits(model)
    steps = compiled_steps(model, None, from_logits)
    with _progress.bar(len(images), "evaluating", "item", progress) as bar:
        return _evaluated(steps, from_logits, images, labels, np.arange(len(images)), bar.update)


class _Run:
    """A training in progress."""

    def __init__(self, model: keras.Model, recipe: Recipe, fingerprint: dict[str, Any], updates: int) -> None:
        import keras

        self.model = model
        self.recipe = recipe
        self.settings = {"recipe": recipe.as_json(), "backend": keras.backend.backend(), **fingerprint}
        self.history: list[dict[str, float]] = []
        self.optimizer = keras.optimizers.SGD(recipe.learning_rate(0), momentum=recipe.momentum)
        self.optimizer.build(model.trainable_variables)
        self.from_logits = _gives_logits(model)
        self.steps = compiled_steps(model, self.optimizer, self.from_logits, updates)
        self.best_values = _values(model.variables)

    def restore(self, saved: checkpoints.Checkpoint) -> None:
        theirs = saved.settings | {"recipe": completed(saved.settings["recipe"])}
        if theirs != self.settings:
            keys = [key for key in self.settings if theirs.get(key) != self.settings[key]]
            raise InputError(
                "`checkpoint` must be of the same model, data and recipe to resume. "
                f"Received: one that differs in {', '.join(keys)}"
            )
        weights, moments = self.model.variables, self.optimizer.variables
        for variables, values in ((weights, saved.model), (moments, saved.optimizer), (weights, saved.best)):
            _check_fit(variables, values)
        _assign(weights, saved.model)
        _assign(moments, saved.optimizer)
        self.best_values = saved.best
        self.history = list(saved.history)

    def checkpoint(self) -> checkpoints.Checkpoint:
        return checkpoints.Checkpoint(
            settings=self.settings,
            history=self.history,
            model=_values(self.model.variables),
            optimizer=_values(self.optimizer.variables),
            best=self.best_values,
        )

    def epoch(
        self, epoch: int, images: np.ndarray, labels: np.ndarray, kept: np.ndarray, held_out: np.ndarray, bar: Any
    ) -> None:
        rate = self.recipe.learning_rate(epoch)
        self.optimizer.learning_rate.assign(rate)
        order = kept[np.random.default_rng((self.recipe.seed, epoch)).permutation(len(kept))]
        # one draw per item of the data, so that they do not depend on the blocks
        reach, stream = self.recipe.shift, np.random.default_rng((self.recipe.seed, epoch, 1))
        offsets = stream.integers(0, 2 * reach + 1, (2, len(images))) if reach else None
        flips = stream.random(len(images)) < 0.5 if self.recipe.flip else None
        loss, correct, steps = 0.0, 0, 0

        def varied(block: tuple[np.ndarray, int]) -> tuple[np.ndarray, np.ndarray, int]:
            indices, count = block
            items = indices.ravel()
            x = images[items]
            if offsets is not None:
                x = shifted(x, offsets[:, items], reach)
            if flips is not None:
                x = mirrored(x, flips[items])
            return x.reshape(*indices.shape, *images.shape[1:]), labels[indices], count

        blocks = _blocks(order, self.recipe.batch_size, _steps_per_call(self.model, self.recipe))
        for x, y, count in _ahead(varied, blocks):
            block_loss, block_correct = self.steps.run(x, y, count)
            loss, correct, steps = loss + block_loss, correct + block_correct, steps + count
            bar.update(count * y.shape[1])
        row = {
            "epoch": epoch + 1,
            "learning_rate": rate,
            "loss": loss / steps,
            "accuracy": correct / len(kept),
        }
        if not math.isfinite(loss):
            known = {name: getattr(self.recipe, name) for name in ("l2", "lambda_a", "lambda_w")}
            strengths = {name: weight for name, weight in known.items() if weight}
            too = "".join(f" or `{name}`" for name in strengths)
            received = ", ".join(
                [f"learning rate {rate:g}", *(f"{name} {weight:g}" for name, weight in strengths.items())]
            )
            raise TrainingDiverged(
                f"the training must not diverge: the loss became {loss:g} in epoch {epoch + 1}; lower the learning rate{too}. "
                f"Received: {received}"
            )
        if len(held_out):
            found = _evaluated(self.steps, self.from_logits, images, labels, held_out)
            penalties = sum(float(penalty) for penalty in self.model.losses)
            row["val_loss"] = found.cross_entropy + penalties
            row["val_cross_entropy"] = found.cross_entropy
            row["val_accuracy"] = found.accuracy
            bar.set_postfix_str(f"epoch {epoch + 1}, validation {percent(found.accuracy)}", refresh=False)
        self.history.append(row)
        if self.best_epoch == epoch + 1:
            self.best_values = _values(self.model.variables)

    @property
    def best_epoch(self) -> int:
        if "val_loss" not in self.history[-1]:
            return len(self.history)
        return 1 + int(np.argmin([row["val_loss"] for row in self.history]))

    def finish(self) -> None:
        """Give the model the weights of the best epoch."""
        _assign(self.model.variables, self.best_values)


@checked
def checked_data(model: keras.Model, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels as `train` takes them for `model`, float32 and int32.

    Raises:
        InputError: if they do not fit it, or the model is no image classifier.
    """
    shapes = (model.input_shape, model.output_shape) if model.built else ((), ())
    if not all(isinstance(shape, tuple) for shape in shapes) or len(shapes[0]) < 2 or len(shapes[1]) != 2:
        raise InputError(
            "`model` must have one input of known shape and one output of shape (items, classes). "
            + (f"Received: input {shapes[0]}, output {shapes[1]}" if model.built else "Received: a model not built yet")
        )
    images = check.images("x", x, tuple(model.input_shape[1:]))
    return images, check.labels("y", y, len(images), int(model.output_shape[1])).astype(np.int32)


def holding_out(recipe: Recipe, x: np.ndarray) -> Recipe:
    """A recipe that nobody gave, with as many items of `x` held out as are where nobody says."""
    return replace(recipe, validation=held_out_items(len(np.atleast_1d(x))))


@checked
def split(items: int, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the items that a training with `recipe` holds out, and of those it trains on, each ascending.

    The same items as `snnviz.datasets.validation_split(images, recipe.validation, recipe.split_seed)` gives.
    """
    if recipe.validation >= items:
        raise InputError(
            f"`validation` must be below the number of training items, {items}. Received: {recipe.validation}"
        )
    return drawn(items, recipe.validation, recipe.split_seed)


def _blocks(order: np.ndarray, batch: int, steps: int) -> Iterator[tuple[np.ndarray, int]]:
    """Blocks of item indices (batches, items) with the number of batches in use; the last batch has its own shape.

    All blocks of whole batches have one shape (short ones are filled up with the first batch again), so that one
    compilation serves them.
    """
    whole = order[: len(order) // batch * batch].reshape(-1, batch)
    steps = min(steps, max(1, len(whole)))
    for start in range(0, len(whole), steps):
        block = whole[start : start + steps]
        missing = steps - len(block)
        yield (np.concatenate([block, np.repeat(whole[:1], missing, axis=0)]) if missing else block), len(block)
    rest = order[len(order) // batch * batch :]
    if len(rest):
        yield rest[None], 1


def _ahead(function: Callable[[_Given], _Made], values: Iterable[_Given]) -> Iterator[_Made]:
    """`map`, each value but the first made while the one before is in use: an accelerator should not wait for images."""
    with ThreadPoolExecutor(1) as pool:
        coming: Future[_Made] | None = None
        for value in values:
            ready, coming = coming, pool.submit(function, value)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


def _steps_per_call(model: keras.Model, recipe: Recipe) -> int:
    from snnviz import sparsity

    work = 3 * recipe.batch_size * sum(layer.synapses for layer in sparsity.weighted_layers(model))
    allowed = _WORK_PER_CALL if on_cpu() else _WORK_PER_CALL_ACCELERATED
    return int(min(_MAX_STEPS_PER_CALL, max(1, allowed // max(work, 1))))


def _evaluated(
    steps: Steps,
    from_logits: bool,
    images: np.ndarray,
    labels: np.ndarray,
    indices: np.ndarray,
    told: Callable[[int], Any] = lambda items: None,
) -> Evaluation:
    """Accuracy and cross-entropy on some of the items; `told` hears how many, after every batch."""
    correct, negative_log = 0, 0.0
    for start in range(0, len(indices), _EVALUATION_BATCH):
        batch = indices[start : start + _EVALUATION_BATCH]
        outputs = steps.predict(images[batch]).astype(np.float64)
        right = labels[batch]
        correct += int((outputs.argmax(axis=1) == right).sum())
        if from_logits:
            outputs -= outputs.max(axis=1, keepdims=True)
            chosen = outputs[np.arange(len(batch)), right] - np.log(np.exp(outputs).sum(axis=1))
        else:
            chosen = np.log(np.maximum(outputs[np.arange(len(batch)), right], _CLIP))
        negative_log -= float(chosen.sum())
        told(len(batch))
    return Evaluation(correct / len(indices), negative_log / len(indices), len(indices))


def _gives_logits(model: keras.Model) -> bool:
    import keras

    last = leaves(model)[-1]
    activation = getattr(last, "activation", None)
    return not isinstance(last, keras.layers.Softmax) and (activation is None or meaning_of(activation) != "softmax")


def _values(variables: list[Any]) -> list[np.ndarray]:
    return [np.array(variable.numpy()) for variable in variables]


def _check_fit(variables: list[Any], values: list[np.ndarray]) -> None:
    """Raise `InputError` unless a checkpoint's arrays are what the variables can be assigned."""
    if len(variables) != len(values):
        raise InputError(
            f"`checkpoint` must hold {len(variables)} arrays for this model. Received: {len(values)} arrays"
        )
    for variable, value in zip(variables, values, strict=True):
        if tuple(variable.shape) != value.shape or value.dtype.kind not in "biuf":
            raise InputError(
                f"`checkpoint` must hold numbers of shape {tuple(variable.shape)} for {variable.path}. "
                f"Received: {check.describe(value)}"
            )


def _assign(variables: list[Any], values: list[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _fingerprint(model: keras.Model, images: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """What tells one training from another: initial weights, data."""
    weights = hashlib.sha256()
    for value in _values(model.variables):
        weights.update(np.ascontiguousarray(value).tobytes())
    data = hashlib.sha256(labels.tobytes())
    data.update(np.ascontiguousarray(images[:: max(1, len(images) // 1000)]).tobytes())  # a thousand will do
    return {"initial_weights": weights.hexdigest()[:16], "data": f"{len(images)} items, {data.hexdigest()[:16]}"}
