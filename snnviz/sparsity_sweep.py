"""A grid over the penalties of sparsity fine-tuning: which accuracy costs which sparsity.

For every pair (lambda_a, lambda_w) the same trained model is fine-tuned, pruned and measured on the items that training held
out; no test set takes part. Optuna keeps the study: its `GridSampler` hands out the points, and its storage, an SQLite file
that `optuna-dashboard` opens as well, says which are done.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz import _processes, _progress
from snnviz._arguments import checked
from snnviz._cluster import Cluster
from snnviz._extras import need
from snnviz._files import replacing
from snnviz._writing import alone
from snnviz.errors import InputError

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from snnviz.training import Recipe

LAMBDA_A = (0.2, 0.5, 1.0, 2.0)
"""The paper's grid of activation penalties."""
LAMBDA_W = (5.0, 10.0, 20.0, 50.0)
"""The paper's grid of weight penalties."""
_NAME = "sparsity sweep"
_OBJECTIVES = ("accuracy", "S_c")


@dataclass(frozen=True)
class Sweep:
    """What a sweep found.

    Attributes:
        table: a row per point, in the order of the grid: `lambda_a`, `lambda_w`, `epsilon`; on the held-out items `accuracy`
            (after pruning) and `accuracy_unpruned`; `S_a`, `S_w`, `S_c` over all hidden layers and `S_a_as_published`,
            `S_c_as_published` without the last one (`snnviz.sparsity.Sparsity`), activations measured on the held-out items;
            `epoch` that was kept, `seconds` it took; `on_front`, whether no other point is better in accuracy or S_c and not
            worse in the other; `model`, the file of the pruned model.
        pruning: for every point accuracy and S_w against epsilon: `lambda_a`, `lambda_w`, `epsilon`, `S_w`, `accuracy`, `items`.
        failed: what became of the points that could not be trained, by (lambda_a, lambda_w).
    """

    table: pd.DataFrame
    pruning: pd.DataFrame
    failed: dict[tuple[float, float], str]


@checked
def sweep(
    model: keras.Model | str | os.PathLike[str],
    x: np.ndarray,
    y: np.ndarray,
    folder: str | os.PathLike[str],
    *,
    lambda_a: Sequence[float] = LAMBDA_A,
    lambda_w: Sequence[float] = LAMBDA_W,
    recipe: Recipe | None = None,
    epsilon: float | None = None,
    workers: int = 1,
    scheduler: str | None = None,
    resume: bool = False,
    anyway: bool = False,
    progress: bool = True,
) -> Sweep:
    """Fine-tune a trained model at every point of a (lambda_a, lambda_w) grid, and compare accuracy with sparsity.

    Every point is `snnviz.finetune` and `snnviz.sparsity.prune` with its own penalties, so it can be made again alone. In
    `folder` lie the study (`study.db`) and, per point, the pruned model and the history of its training; a point that was
    cut off goes on from its last epoch.

    Args:
        model: the trained classifier, or its .keras file; it is not changed.
        x: training images, intensities in [0, 1], (items, height, width, channels).
        y: class indices (items,).
        folder: where the study is kept.
        lambda_a: weights of the activation penalty.
        lambda_w: weights of the weight penalty.
        recipe: the other settings; None as for `snnviz.finetune`. Points are compared on the items it holds out.
        epsilon: weights below this are pruned; None takes `snnviz.sparsity.PAPER_EPSILON`.
        workers: processes that train, one point at a time each, with an even share of the processors. A script that asks for
            more than one needs an `if __name__ == "__main__":` guard.
        scheduler: address of a dask.distributed scheduler whose workers train instead, a point each; they need no folder in
            common with this machine. A point whose worker is lost begins again.
        resume: go on from `folder`; one that is empty is begun.
        anyway: also train a model that cannot be converted.
        progress: show the points done and the time left.

    Raises:
        InputError: if an argument is wrong, Optuna is not installed, nothing is held out, the folder holds another sweep, or
            another one is writing it.
        KeyboardInterrupt: on Ctrl-C, with a message that says how to resume.
    """
    need_optuna()
    from snnviz import sparsity
    from snnviz.training import FINE_TUNING, checked_training, save_model
    from snnviz.training.loop import holding_out

    grid = {"lambda_a": _penalties("lambda_a", lambda_a), "lambda_w": _penalties("lambda_w", lambda_w)}
    recipe = recipe or holding_out(FINE_TUNING, x)
    epsilon = sparsity.PAPER_EPSILON if epsilon is None else check.real("epsilon", epsilon, 0)
    check.integer("workers", workers, 1)
    if recipe.validation < 1:
        raise InputError(
            "`recipe` must hold out items for validation, on which the points are compared. Received: validation = 0"
        )
    trained = _loaded(model)
    largest = replace(recipe, lambda_a=max(grid["lambda_a"]), lambda_w=max(grid["lambda_w"]))
    images, labels = checked_training(trained, x, y, largest, anyway)
    home = Path(folder)
    with alone(home, "folder", folder=True):
        study = _Study(home, grid, resume)
        try:
            study.agree(_settings(trained, images, labels, grid, recipe, epsilon))
            start = home / "start.keras"
            if not start.exists():
                save_model(trained, start)
            jobs = {}
            for number, (active, heavy) in study.left():
                stem = home / f"lambda-a-{active:g}-lambda-w-{heavy:g}"
                jobs[number] = _Point(str(start), replace(recipe, lambda_a=active, lambda_w=heavy), epsilon, str(stem))
            with _progress.bar(study.size, "sweeping", "point", progress, study.size - len(jobs)) as bar:
                if scheduler is not None:
                    _run_on_cluster(scheduler, jobs, images, labels, study, bar)
                else:
                    _run(jobs, images, labels, workers, study, bar, progress)
            return study.outcome()
        except KeyboardInterrupt as interrupt:
            raise KeyboardInterrupt(
                f"Resume with the same arguments and --resume; what is done lies in {os.fspath(folder)}."
            ) from interrupt
        finally:
            study.close()


@dataclass(frozen=True)
class _Point:
    """A point to train: the start's file, the whole recipe, the pruning limit and what its files' names begin with."""

    model: str
    recipe: Recipe
    epsilon: float
    stem: str


def need_optuna() -> None:
    """Raise `InputError` with the install command if Optuna is missing."""
    need("a sweep", "optuna", "Optuna", "optimization")


class _Study:
    """The sweep's Optuna study: which points there are, which are left, what came out."""

    def __init__(self, home: Path, grid: dict[str, list[float]], resume: bool) -> None:
        import optuna

        class Grid(optuna.samplers.GridSampler):
            """Here points are asked for and told: there is no loop to stop after the last one."""

            def after_trial(self, *_: Any) -> None:
                return

        file = home / "study.db"
        if home.exists() and not home.is_dir():
            raise InputError(f"`folder` must be a folder. Received: {str(home)!r}, a file")
        if file.exists() and not resume:
            raise InputError(
                f"`folder` must hold no sweep yet, unless `resume` is true. Received: {str(home)!r}, which holds one"
            )
        home.mkdir(parents=True, exist_ok=True)
        self._optuna, self._grid = optuna, grid
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # the bar says enough
        try:
            self._storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
            self._study = optuna.create_study(
                storage=self._storage,
                study_name=_NAME,
                sampler=Grid(grid, seed=0),
                directions=["maximize", "maximize"],
                load_if_exists=True,
            )
        finally:
            optuna.logging.set_verbosity(verbosity)
        self._asked: dict[int, Any] = {}

    @property
    def size(self) -> int:
        """Number of points."""
        return len(self._grid["lambda_a"]) * len(self._grid["lambda_w"])

    def agree(self, settings: dict[str, Any]) -> None:
        """Keep the settings of a new sweep; those of an old one must be the same."""
        from snnviz.training.recipe import completed

        before = self._study.user_attrs.get("settings")
        settings = json.loads(json.dumps(settings))
        if before is None:
            self._study.set_user_attr("settings", settings)
            return
        before = before | {"recipe": _shared(completed(before["recipe"]), before["grid"])}
        if before != settings:
            differ = sorted(name for name in {*before, *settings} if before.get(name) != settings.get(name))
            raise InputError(
                "`folder` must hold a sweep of the same model, data and settings to resume. "
                f"Received: one that differs in {', '.join(differ)}"
            )

    def left(self) -> list[tuple[int, tuple[float, float]]]:
        """Trials to do, with their points: those that an earlier run had begun, then those that nobody has."""
        begun = self._study.get_trials(deepcopy=False)
        for frozen in begun:
            if not frozen.state.is_finished():
                self._asked[frozen.number] = self._optuna.trial.Trial(self._study, frozen._trial_id)
        for _ in range(self.size - len(begun)):
            trial = self._study.ask()
            self._asked[trial.number] = trial
        points = {
            number: [float(trial.suggest_categorical(name, values)) for name, values in self._grid.items()]
            for number, trial in self._asked.items()
        }
        return [(number, (point[0], point[1])) for number, point in points.items()]

    def done(self, number: int, found: dict[str, Any]) -> None:
        """Keep what came out of a point."""
        trial = self._asked.pop(number)
        for name, value in found.items():
            trial.set_user_attr(name, value)
        if "error" in found:
            self._study.tell(trial, state=self._optuna.trial.TrialState.FAIL)
        else:
            self._study.tell(trial, [found[name] for name in _OBJECTIVES])

    def outcome(self) -> Sweep:
        """Everything that has been told."""
        import pandas as pd

        front = {trial.number for trial in self._study.best_trials}
        rows, curves, failed = [], [], {}
        for trial in self._study.get_trials(deepcopy=False):
            point, found = {name: float(trial.params[name]) for name in self._grid}, dict(trial.user_attrs)
            if "error" in found:
                failed[point["lambda_a"], point["lambda_w"]] = str(found["error"])
            elif trial.state.is_finished():
                curves += [point | entry for entry in found.pop("pruning_curve")]
                file = found.pop("model")
                rows.append(point | found | {"on_front": trial.number in front, "model": file})
        if not rows:
            reason = next(iter(failed.values()), "none was trained")
            raise InputError(f"the sweep must have a point whose training succeeds. Received: {reason}")
        order = [*self._grid, "epsilon"]
        table, pruning = (pd.DataFrame(part).sort_values(order, ignore_index=True) for part in (rows, curves))
        return Sweep(table, pruning, failed)

    def close(self) -> None:
        """Let go of the file."""
        self._storage.remove_session()
        self._storage.engine.dispose()


def _run(
    jobs: dict[int, _Point],
    images: np.ndarray,
    labels: np.ndarray,
    workers: int,
    study: _Study,
    bar: Any,
    progress: bool,
) -> None:
    """Do the jobs and tell the study of each as it ends."""
    if workers == 1 or len(jobs) == 1:
        for number, job in jobs.items():
            study.done(number, _point(job, images, labels, progress))
            bar.update(1)
        return
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = _processes.start(min(workers, max(1, len(jobs))), threads, _receive, images, labels)
    try:
        waiting: dict[Future[dict[str, Any]], int] = {pool.submit(_remote, job): number for number, job in jobs.items()}
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                study.done(waiting.pop(future), future.result())
                bar.update(1)
    except BrokenProcessPool as error:
        raise RuntimeError(
            "a worker process died; memory may be short, or the script that calls `sweep` with workers lacks an "
            "`if __name__ == '__main__':` guard. What is done is kept: call again with `resume=True`"
        ) from error
    finally:
        _processes.stop(pool)  # every epoch that is done is in its checkpoint


def _run_on_cluster(
    scheduler: str, jobs: dict[int, _Point], images: np.ndarray, labels: np.ndarray, study: _Study, bar: Any
) -> None:
    """As `_run`, on the workers of a cluster; their files come back as bytes."""
    if not jobs:
        return
    numbers, points = list(jobs), list(jobs.values())
    start = Path(points[0].model).read_bytes()
    known_as = hashlib.sha256(start)
    for part in (images, labels):
        known_as.update(np.ascontiguousarray(part).data)
    with Cluster(scheduler) as cluster:
        shared = cluster.keep((start, images, labels), f"snnviz-sweep-{known_as.hexdigest()}")
        for place, (found, files) in cluster.as_done(_elsewhere, [(shared, point) for point in points]):
            for ending, content in files.items():
                with replacing(f"{points[place].stem}{ending}") as temporary:
                    temporary.write_bytes(content)
            study.done(numbers[place], found)
            bar.update(1)


def _elsewhere(shared: tuple[bytes, np.ndarray, np.ndarray], job: _Point) -> tuple[dict[str, Any], dict[str, bytes]]:
    """In a worker of a cluster: what came out of a point, and its files by their endings."""
    content, images, labels = shared
    name = Path(job.stem).name
    with tempfile.TemporaryDirectory(prefix="snnviz-sweep-") as folder:
        start = Path(folder) / "start.keras"
        start.write_bytes(content)
        here = replace(job, model=str(start), stem=str(Path(folder) / name))
        found = _point(here, images, labels, progress=False)
        files = sorted(path for path in Path(folder).glob(f"{name}.*") if "checkpoint" not in path.name)
        return found, {path.name.removeprefix(name): path.read_bytes() for path in files}


_data: tuple[np.ndarray, np.ndarray] | None = None


def _receive(images: np.ndarray, labels: np.ndarray) -> None:
    """In a worker process, once: keep the data."""
    global _data
    _data = images, labels


def _remote(job: _Point) -> dict[str, Any]:
    if _data is None:
        raise RuntimeError("a worker was asked to train before it got its data")
    return _point(job, *_data, progress=False)


def _point(job: _Point, images: np.ndarray, labels: np.ndarray, progress: bool) -> dict[str, Any]:
    """Fine-tune, prune and measure one point; what came out, as JSON holds it."""
    from snnviz import sparsity
    from snnviz.conversion.loading import load_keras
    from snnviz.training import TrainingDiverged, evaluate, finetune, save_model, split

    began = time.perf_counter()
    model = load_keras(job.model)
    checkpoint = Path(f"{job.stem}.checkpoint.npz")
    try:
        training = finetune(
            model, images, labels, job.recipe, checkpoint=checkpoint, resume=True, anyway=True, progress=progress
        )  # what `sweep` was given has been checked there
    except TrainingDiverged as error:
        return {"error": str(error)}
    held_out, _ = split(len(images), job.recipe)
    x, y, full = images[held_out], labels[held_out], job.recipe.input_range
    curve = sparsity.pruning_curve(model, x, y, progress=progress, input_range=full)
    unpruned = evaluate(model, x, y, progress, full).accuracy
    sparsity.prune(model, job.epsilon)
    measured = sparsity.measure(model, x, progress=progress, input_range=full)
    training.save_history(f"{job.stem}.history.csv")
    save_model(model, f"{job.stem}.keras")
    checkpoint.unlink(missing_ok=True)
    return {
        "epsilon": job.epsilon,
        "accuracy": evaluate(model, x, y, progress, full).accuracy,
        "accuracy_unpruned": unpruned,
        "S_a": measured.activations,
        "S_w": measured.weights,
        "S_c": measured.combined,
        "S_a_as_published": measured.activations_as_published,
        "S_c_as_published": measured.combined_as_published,
        "epoch": training.best_epoch,
        "seconds": round(time.perf_counter() - began, 1),
        "pruning_curve": curve,
        "model": f"{Path(job.stem).name}.keras",
    }


def _penalties(name: str, values: Any) -> list[float]:
    """Weights of a penalty: each at least 0, none twice."""
    given = list(values) if isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, str) else []
    numbers = [check.real(name, value, 0) for value in given]
    if not numbers or len(set(numbers)) != len(numbers):
        raise InputError(f"`{name}` must hold one or more different weights. Received: {check.describe(values)}")
    return numbers


def _loaded(model: Any) -> keras.Model:
    if isinstance(model, (str, os.PathLike)):
        from snnviz.conversion.loading import load_keras

        return load_keras(model)
    return model


def _shared(recipe: Mapping[str, Any], grid: Mapping[str, Any]) -> dict[str, Any]:
    """What all points of `grid` have in common of a recipe."""
    return {name: value for name, value in recipe.items() if name not in grid}


def _settings(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    grid: dict[str, list[float]],
    recipe: Recipe,
    epsilon: float,
) -> dict[str, Any]:
    """What two runs must have in common to be one sweep."""
    weights, data = hashlib.sha256(), hashlib.sha256(labels.tobytes())
    for value in model.get_weights():
        weights.update(np.ascontiguousarray(value).tobytes())
    data.update(images.data)
    return {
        "model": weights.hexdigest(),
        "data": data.hexdigest(),
        "grid": grid,
        "recipe": _shared(recipe.as_json(), grid),
        "epsilon": epsilon,
    }
