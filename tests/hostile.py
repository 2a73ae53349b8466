"""What `tests/test_hostile.py` walks: every public function and command, valid small arguments for each, and hostile values."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import snnviz
from snnviz.dashboard.page import Page
from snnviz.network import IdentityProjection
from tests.importing import graphs


class Reached(Exception):
    """The work was about to begin: every argument has been taken."""


VALUES: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "''": lambda: "",
    "'x'": lambda: "x",
    "b'x'": lambda: b"x",
    "nan": lambda: float("nan"),
    "inf": lambda: float("inf"),
    "-inf": lambda: -float("inf"),
    "-1": lambda: -1,
    "0": lambda: 0,
    "3": lambda: 3,
    "np.int64(3)": lambda: np.int64(3),
    "1.5": lambda: 1.5,
    "1e308": lambda: 1e308,
    "2**63": lambda: 2**63,
    "2**64": lambda: 2**64,
    "10**30": lambda: 10**30,
    "10**5000": lambda: 10**5000,
    "np.float64(nan)": lambda: np.float64("nan"),
    "'1_0'": lambda: "1_0",
    "'١'": lambda: "١",
    "'--'": lambda: "--",
    "complex": lambda: 1j,
    "[]": list,
    "ragged": lambda: [[1], [1, 2]],
    "[None]": lambda: [None],
    "{}": dict,
    "{1: 2}": lambda: {1: 2},
    "object()": object,
    "lambda": lambda: lambda: None,
    "empty array": lambda: np.array([]),
    "0-d array": lambda: np.array(3.0),
    "object array": lambda: np.array([object()], dtype=object),
    "huge array": lambda: np.full((2, 2), 1e308),
    "texts": lambda: np.array(["a", "b"]),
    "NUL": lambda: "a\0b",
    "surrogate": lambda: "\udcff",
    "long": lambda: "x" * 100_000,
    "folder": lambda: ".",
    "home": lambda: "~nobody-of-this-name/x",
    "set": lambda: {1},
    "class": lambda: int,
    "empty result": lambda: xr.Dataset(),
    "result of no steps": lambda: xr.Dataset({"accuracy": ("time", np.zeros(0))}, {"time": np.zeros(0, int)}),
}
"""Thirty and more; each is made anew for each call."""

WORDS = {
    "empty": "", "x": "x", "nan": "nan", "inf": "inf", "-inf": "-inf", "-1": "-1", "0": "0", "1.5": "1.5", "1e308": "1e308",
    "-1e308": "-1e308", "2**63": str(2**63), "2**64": str(2**64), "10**30": str(10**30), "10**5000": "1" + 5000 * "0",
    "1_0": "1_0", "arabic": "١", "fullwidth": "3", "superscript": "²", "space": " 3", "plus": "+3", "hex": "0x3", "--": "--",
    "-": "-", "None": "None", "[]": "[]", "list": "1,2", "commas": ",,", "json": '{"a": 1}', "surrogate": "\udcff",
    "newline": "a\nb", "long": "x" * 100_000, "folder": ".", "home": "~nobody-of-this-name/x", "True": "True",
    "run": "run:x", "percent": "%s{0}", "url": "ftp://x/y", "fraction": "1/2", "infinity": "infinity",
}  # fmt: skip
"""What commands are handed; a NUL cannot be part of a command line."""


def words(action: Any) -> dict[str, str]:
    """Those that an option is handed: numbers all of them, texts what is no number, flags one."""
    if action.nargs == 0:
        return {"x": "x", "--": "--"}
    return WORDS if action.type is not None else {label: WORDS[label] for label in TEXTS}


TEXTS = (
    "empty", "x", "-1", "nan", "10**5000", "--", "arabic", "commas", "json", "surrogate", "newline", "long", "folder", "home",
    "run", "percent", "url",
)  # fmt: skip


def modules() -> list[str]:
    """The modules with public names: those behind the names of `snnviz`, and those that say what of them is public."""
    found = {module for module, _ in snnviz._PUBLIC.values()} | {f"snnviz.{name}" for name in snnviz._MODULES}
    root = Path(snnviz.__file__).parent
    for entry in pkgutil.walk_packages([str(root)], "snnviz."):
        file = root.joinpath(*entry.name.split(".")[1:])
        file = file / "__init__.py" if entry.ispkg else file.with_suffix(".py")
        if "\n__all__ =" in file.read_text(encoding="utf-8"):
            found.add(entry.name)
    return sorted(found)


def public(module: types.ModuleType) -> list[Any]:
    """What a module offers: what it says, or what is defined in it under a public name."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
    names = getattr(module, "__all__", [name for name in own if not name.startswith("_")])
    return [getattr(module, name) for name in names]


def surface() -> dict[str, Callable[..., Any]]:
    """Every public function, class and method of snnviz that takes an argument, by its name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in modules():
        for value in public(importlib.import_module(module)):
            if inspect.isclass(value) and value.__module__.startswith("snnviz"):
                found |= dict(_of_class(value))
            elif inspect.isfunction(value) and value.__module__.startswith("snnviz"):
                found[f"{value.__module__}.{value.__qualname__}".removeprefix("snnviz.")] = value
    return {name: value for name, value in sorted(found.items()) if arguments(value)}


def _of_class(cls: type) -> Iterator[tuple[str, Callable[..., Any]]]:
    name = f"{cls.__module__}.{cls.__qualname__}".removeprefix("snnviz.")
    if not issubclass(cls, BaseException):
        yield name, cls
    for attribute, value in vars(cls).items():
        if not attribute.startswith("_") and isinstance(value, (classmethod, staticmethod)):
            yield f"{name}.{attribute}", getattr(cls, attribute)
        elif not attribute.startswith("_") and inspect.isfunction(value):
            yield f"{name}.{attribute}", value


def arguments(value: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The arguments of a public function by name, without `self` and those that are passed on."""
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    given = inspect.signature(value).parameters
    return {name: one for name, one in given.items() if name != "self" and one.kind not in kinds}


INTERNAL = {
    "dashboard.explorer_page.Explorer": "a page: made by `create_app` for each session",
    "dashboard.convert_page.Convert": "a page",
    "dashboard.hardware_page.Hardware": "a page",
    "dashboard.live_page.Live": "a page",
    "dashboard.network_page.Network": "a page",
    "dashboard.optimize_page.Optimize": "a page",
    "dashboard.predictions_page.Predictions": "a page",
    "dashboard.runs_page.Runs": "a page",
    "dashboard.sparsity_page.Sparsity": "a page",
    "dashboard.adapt_page.Adapt": "a page",
    "dashboard.workspace.Workspace.": "between the pages and what they show",
    "runs.folder.Folder": "between a job's process and the store",
    "runs.recorder.Recorder": "between a job's process and the store",
    "runs.folder.Progress": "what is read",
    "runs.run.Run": "what is read",
    "hardware.sanafe.Both": "what is returned",
    "optimization.searcher.Searcher": "between a searcher and `optimize`",
    "simulation.engine.Block": "between an engine and `simulate`",
    "simulation.engine.Engine": "between an engine and `simulate`",
    "simulation.stopping.Stop.sure": "between an engine and `simulate`",
    "simulation.stopping.Stop.exits": "between an engine and `simulate`",
    "training.loop.TrainingInterrupted": "what is raised",
    "network.file.decode": "behind `load_network`",
    "network.populations.Population": "its kinds are public",
    "network.populations.Layer": "its kinds are public",
    "network.populations.Sum.": "between a network and its populations",
    "network.projections.base": "its kinds are public",
    "network.projections.convolution.Convolution": "its kinds are public",
    "network.projections.convolution.Conv2DProjection.": "between a projection and what computes with it",
    "network.projections.dense.DenseProjection.": "between a projection and what computes with it",
    "network.projections.depthwise.DepthwiseProjection.": "between a projection and what computes with it",
    "network.projections.identity.IdentityProjection.": "between a projection and what computes with it",
    "optimization.objective.Terms.of": "between the searchers",
    "optimization.objective.Terms.of_one_item": "between the searchers",
    "optimization.objective.Objective": "between the searchers",
    "optimization.scales.ScaleSpace": "between the searchers",
    "runs.store.Store.ask": "passes on to MLflow's client",
    "figures.catalog.Figure": "an entry of the catalogue",
    "plots.inplace": "between the pages and their plots",
    "plots._confusion.move_confusion": "between the pages and their plots",
    "plots._curves.move_threshold": "between the pages and their plots",
    "plots._events_over_time.move_events_threshold": "between the pages and their plots",
    "sparsity.Weighted": "what is measured",
    "energy.Platform": "an entry of the table of constants",
    "energy.readable": "between the pages and what they write",
    "answers.select": "between the pages and their plots",
}
"""Public in name, but called by snnviz itself alone, or what it answers; by the beginning of their names."""


def walked() -> dict[str, Callable[..., Any]]:
    """The public functions whose arguments come from users."""
    found = {}
    for name, value in surface().items():
        internal = any(name == known or name.startswith(f"{known.rstrip('.')}.") for known in INTERNAL)
        if not internal and not _answer(value):
            found[name] = value
    return found


def _answer(value: Callable[..., Any]) -> bool:
    """Whether it is a plain record, that checks nothing and can refuse nothing."""
    return inspect.isclass(value) and hasattr(value, "__dataclass_fields__") and not hasattr(value, "__post_init__")


class Material:
    """Small valid things of every kind, made once; `given` has the argument of a function."""

    def __init__(self, folder: Path) -> None:
        import keras
        from PIL import Image

        from snnviz import conversion, datasets, figures, runs, training
        from snnviz.network import Dense, Input, SpikingNetwork
        from snnviz.simulation import Record, Settings, simulate

        self.folder = folder
        random = np.random.default_rng(0)
        self.x = random.random((4, 4, 4, 1)).astype(np.float32)
        self.y = np.array([0, 1, 2, 1])
        layers = (
            Dense(name="a", input_shape=(4, 4, 1), weights=random.random((16, 5)), bias=np.zeros(5)),
            Dense(name="b", input_shape=(5,), weights=random.random((5, 4)), bias=np.zeros(4)),
            Dense(name="c", input_shape=(4,), weights=random.random((4, 3)), bias=np.zeros(3)),
        )
        self.network = SpikingNetwork(Input(shape=(4, 4, 1)), layers)
        self.kept = Record(
            logits=True, events=True, spikes=self.network.firing_names, potentials=self.network.layer_names, items=2
        )
        self.settings = Settings(steps=3)
        self.result = simulate(self.network, self.x, self.y, 3, engine="event", record=self.kept)
        self.result.attrs["dataset"] = "mine"
        snnviz.save_result(self.result, folder / "result.nc")
        self.network.save(folder / "network.npz")
        rows = [
            (0, "subplex", 2.0, 0.5, 0.75, 0.75, 0.5, 1.0, 30.0, 1.0),
            (1, "subplex", 1.5, 0.2, 0.6, 0.7, 0.6, 0.9, 28.0, 2.0),
        ]
        names = (
            "evaluation",
            "stage",
            "loss",
            "accuracy_term",
            "latency_term",
            "power_term",
            "peak_accuracy",
            "latency",
            "power",
        )
        self.history = pd.DataFrame(rows, columns=[*names, "seconds"]).set_index("evaluation")
        self.history.to_csv(folder / "history.csv")
        self.tried = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": ["x", "y", "x", "y"], "loss": [1.0, 2.0, 3.0, 4.0]})
        self.grid = pd.DataFrame({"lambda_a": [0.1, 0.2], "lambda_w": [1.0, 2.0], "value": [0.5, 0.6]})
        self.grid.to_csv(folder / "grid.csv")
        self.front = pd.DataFrame(
            {"lambda_a": [0.1, 0.2], "lambda_w": [1.0, 2.0], "accuracy": [0.5, 0.6], "S_a": [0.1, 0.2], "S_w": [0.1, 0.2],
             "S_c": [0.1, 0.2], "on_front": [True, True]}
        )  # fmt: skip
        self.curve = [{"epsilon": 0.0, "accuracy": 0.5, "S_w": 0.1}, {"epsilon": 0.1, "accuracy": 0.4, "S_w": 0.3}]
        self.model = keras.Sequential(
            [
                keras.layers.Input((4, 4, 1)),
                keras.layers.Flatten(),
                keras.layers.Dense(5),
                keras.layers.BatchNormalization(scale=False),
                keras.layers.ReLU(),
                keras.layers.Dense(3),
            ]
        )
        pictures = folder / "pictures" / "test" / "a"
        pictures.mkdir(parents=True)
        Image.new("RGB", (4, 4)).save(pictures / "1.png")
        self.model_file = folder / "model.keras"
        self.model.save(self.model_file)
        self.onnx_file = graphs.saved(graphs.classifier(), folder)
        self.recipe = training.Recipe(schedule=((1, 0.1),), validation=1, batch_size=2)
        self.images = datasets.Images("mine", "test", self.x, self.y, ("a", "b", "c"))
        more, labels = np.tile(self.x, (3, 1, 1, 1)), np.tile(self.y, 3)
        np.savez(folder / "data.npz", x_train=more, y_train=labels, x_test=self.x, y_test=self.y)
        pictures28 = random.random((10, 28, 28, 1)).astype(np.float32)
        labels = np.arange(10)
        np.savez(folder / "digits.npz", x_train=pictures28, y_train=labels, x_test=pictures28, y_test=labels)
        self.drawing = figures.Material(results={"mine": self.result}, networks={"mine": self.network}, images=self.x)
        self.store = runs.Store(folder / "runs")
        self.run_id = self.store.create("simulate", "mine", spec={"kind": "simulate"})
        self.store.ask("log_metric", self.run_id, "loss", 1.0, step=1)
        for name in ("result.nc", "network.npz"):
            self.store.ask("log_artifact", self.run_id, str(folder / name))
        self.store.set_status(self.run_id, "FINISHED")
        self.doomed = self.fresh_run()
        self.problem = conversion.Obstacle(layer="a", place="1", kind="Dense", reason="it is not known")
        self.table = snnviz.reports.table_g({("dense-mnist", "before"): {"S_a": 0.5}})
        self.card = {"test": {"accuracy": 0.5}, "sparsity": {"S_a": 0.5}, "sparsity_before": {"S_a": 0.5}}
        self.lines = snnviz.plots.accuracy_over_time(self.result)

    def fresh_run(self) -> str:
        """The id of a run that may be deleted."""
        run_id = self.store.create("simulate")
        self.store.set_status(run_id, "FINISHED")
        return run_id

    def deleted_run(self) -> str:
        """The id of a run that was deleted."""
        run_id = self.fresh_run()
        self.store.delete(run_id)
        return run_id

    def given(self, function: str, argument: str) -> Any:
        """A valid argument.

        Raises:
            KeyError: if none is known.
        """
        words = [*function.split("."), argument]
        for key in (".".join(words[start:]) for start in range(len(words))):
            if key in VALID:
                return VALID[key](self)
        raise KeyError(f"a valid {argument} of {function}")


class Blank(Page):
    """A page with nothing on it."""

    slug, title = "blank", "Blank"

    def __init__(self, *_: Any, **__: Any) -> None:
        raise Reached


V = Callable[[Material], Any]
_PATH: V = lambda m: m.folder / "mine.json"  # noqa: E731
VALID: dict[str, V] = {
    # things
    "network": lambda m: m.network,
    "projection": lambda m: IdentityProjection(input_shape=(3,), weights=np.ones(3)),
    "model": lambda m: m.model,
    "x": lambda m: m.x,
    "confidence_cutoff.x": lambda m: "time",
    **dict.fromkeys(("settings_tried.network", "settings_tried_data.network"), lambda m: _chosen(m)),
    "evaluations.x": lambda m: "latency",
    "evaluations.y": lambda m: "power",
    "optimization_history.x": lambda m: "evaluation",
    "pareto_front.x": lambda m: "latency",
    "pareto_front.y": lambda m: "accuracy",
    "from_files.network": lambda m: m.folder / "network.npz",
    "resets_to_zero.input_layer": lambda m: True,
    "resume": lambda m: False,
    "stream.path": lambda m: m.folder / "pictures",
    "Material.images": lambda m: m.x,
    "create_app.page": lambda m: Blank,
    "y": lambda m: m.y,
    "x_norm": lambda m: m.x,
    "result": lambda m: m.result,
    "results": lambda m: {"mine": m.result},
    "before": lambda m: m.result,
    "history": lambda m: m.history,
    "table": lambda m: m.grid,
    "recipe": lambda m: m.recipe,
    "validation_split.images": lambda m: m.images,
    "settings": lambda m: m.settings,
    "record": lambda m: m.kept,
    "store": lambda m: m.store,
    "material": lambda m: m.drawing,
    "SpikingNetwork.layers": lambda m: m.network.layers,
    "workspace": lambda m: m.result,
    "plan": lambda m: _plan(),
    # event cameras
    "events": lambda m: _streams().one(0),
    "Record.events": lambda m: True,
    "recordings": lambda m: _streams(),
    "Recordings.of.recordings": lambda m: [_streams().one(0)],
    "Recordings.of.begins": lambda m: [0],
    "sensor": lambda m: (4, 4),
    "Events.of.array": lambda m: np.ones((3, 4), int),
    **{
        f"{cls}.{name}": (lambda m: np.array([0, 1]))
        for cls in ("Events", "Recordings")
        for name in ("t", "x", "y", "place")
    },
    "Events.polarity": lambda m: np.array([0, 1]),
    "Recordings.starts": lambda m: np.array([0, 2]),
    "frames.start": lambda m: 0,
    "frames.end": lambda m: 10,
    "step_us": lambda m: 1000,
    "events.reading.read.path": lambda m: _written(m),
    "datasets.events.name": lambda m: _written(m).parents[1],
    "Recorded.name": lambda m: "mine",
    "Recorded.split": lambda m: "test",
    "Recorded.x": lambda m: _streams(),
    "Recorded.class_names": lambda m: ("a", "b", "c"),
    "Recorded.y": lambda m: np.array([0, 1]),
    **dict.fromkeys(
        ("event_stream.result", "event_stream_data.result", "stream_animation.result"), lambda m: _filmed()
    ),
    "as_pictures.images": lambda m: np.ones((2, 4, 4, 2)),
    # numbers and words
    "steps": lambda m: 3,
    "items": lambda m: 4,
    "item": lambda m: 1,
    "n": lambda m: 2,
    "progress": lambda m: False,
    "engine": lambda m: "event",
    "threshold": lambda m: 0.5,
    "shape": lambda m: (4, 4, 1),
    "name": lambda m: "mine",
    "run_id": lambda m: m.run_id,
    "kind": lambda m: "simulate",
    "clamp": lambda m: 0.5,
    "depth": lambda m: 1,
    "batch_size": lambda m: 2,
    "path": _PATH,
    "folder": lambda m: m.folder / "made",
    "epoch": lambda m: 0,
    "percentile": lambda m: 99.0,
    "strength": lambda m: 0.5,
    "bias": lambda m: np.zeros(2),
    "input_shape": lambda m: (4,),
    "weights": lambda m: np.ones((4, 2)),
    # of single functions
    "validation_split.held_out": lambda m: 1,
    "split.items": lambda m: 4,
    "load_network.path": lambda m: m.folder / "network.npz",
    "synapse_list.layer": lambda m: m.network.layers[0],
    **dict.fromkeys(("exit_steps.result", "exit_steps_data.result"), lambda m: _stopped(m)),
    **dict.fromkeys(("Conv2D.input_shape", "Conv2DProjection.input_shape"), lambda m: (4, 4, 1)),
    **dict.fromkeys(("DepthwiseConv2D.input_shape", "DepthwiseProjection.input_shape"), lambda m: (4, 4, 2)),
    **dict.fromkeys(("Conv2D.weights", "Conv2DProjection.weights"), lambda m: np.ones((2, 2, 1, 2))),
    **dict.fromkeys(("DepthwiseConv2D.weights", "DepthwiseProjection.weights"), lambda m: np.ones((2, 2, 2, 1))),
    "IdentityProjection.weights": lambda m: np.ones(4),
    "Sum.projections": lambda m: (_projection(),),
    "single_path.who": lambda m: "mine",
    "network.populations.Input.name": lambda m: "input",
    "SpikingNetwork.input": lambda m: m.network.input,
    "save.path": lambda m: m.folder / "mine.npz",
    "results.save.path": lambda m: m.folder / "mine.nc",
    "results.load.path": lambda m: m.folder / "result.nc",
    "plots.export.save.path": lambda m: m.folder / "mine.csv",
    "hardware.nir.save.path": lambda m: m.folder / "mine.nir",
    "hardware.nir.load.path": lambda m: _graph(m),
    "from_graph.graph": lambda m: snnviz_nir().to_graph(m.network),
    "SpikingNetwork.scaled.scales": lambda m: [1.0, 2.0, 1.0],
    "with_initial_potentials.potentials": lambda m: [0.5] * 4,
    "with_onsets.onsets": lambda m: [0, 1, 1],
    "scaled.output_scale": lambda m: 2.0,
    "scaled.input_scale": lambda m: 1.0,
    "datasets.load.name": lambda m: m.folder / "data.npz",
    "is_recorded.name": lambda m: m.folder / "data.npz",
    "content_hash.name": lambda m: m.folder / "data.npz",
    "picture_shape.name": lambda m: m.folder / "data.npz",
    "fetch.name": lambda m: "mnist",
    "Images.name": lambda m: "mine",
    "Images.split": lambda m: "test",
    "Images.class_names": lambda m: ("a", "b", "c"),
    "load_keras.path": lambda m: m.model_file,
    "load_source.path": lambda m: m.model_file,
    "read_onnx.path": lambda m: m.onnx_file,
    "from_torch.module": lambda m: object(),
    "mean": lambda m: None,
    "std": lambda m: None,
    "optimize.method": lambda m: "subplex",
    "optimize.target": lambda m: None,
    "optimize.budget_evaluations": lambda m: 1,
    "optimize.lambdas": lambda m: (1.0, 1.0, 1.0),
    "objective.Objective.at.start": lambda m: _terms(),
    "make_engine.name": lambda m: "event",
    "Record.of.value": lambda m: ["logits"],
    "Stop.level": lambda m: 0.5,
    "Stop.of.value": lambda m: {"level": 0.5, "rule": "gap"},
    "Stop.check.classes": lambda m: 2,
    "build.name": lambda m: "dense-mnist",
    "describe.name": lambda m: "dense-mnist",
    "default_recipe.architecture": lambda m: "dense-mnist",
    "card.name": lambda m: "dense-mnist",
    "pretrained.path.name": lambda m: "dense-mnist",
    "chain.model": lambda m: "dense-mnist",
    "pretrained.network.name": lambda m: m.folder / "network.npz",
    "model_card.training": lambda m: _training(m),
    "model_card.architecture": lambda m: "mine",
    "model_card.command": lambda m: "mine",
    "model_card.data": lambda m: {"name": "mine", "items": 4},
    "model_card.test": lambda m: None,
    "save_card.card": lambda m: m.card,
    "save_model.path": lambda m: m.folder / "mine.keras",
    "option_names.kind": lambda m: "simulate",
    "spec": lambda m: {"kind": "simulate", "options": {"network": "dense-mnist-heuristic"}},
    "Spec.of.given": lambda m: {"kind": "simulate", "options": {"network": "dense-mnist-heuristic"}},
    "wait.seconds": lambda m: 0.0,
    "Store.uri": lambda m: m.folder / "runs",
    "Place.of.given": lambda m: m.folder / "runs",
    "Store.file.name": lambda m: "result.nc",
    "Store.compare.run_ids": lambda m: [m.run_id, m.run_id],
    "Store.export.out": lambda m: m.folder / f"export-{len(list(m.folder.iterdir()))}",
    "Store.unfinished.spec": lambda m: {"kind": "simulate"},
    "Store.unfinished.tags": lambda m: {},
    "Store.delete.run_id": lambda m: m.fresh_run(),
    "Store.set_status.status": lambda m: "FINISHED",
    "accuracy_interval.level": lambda m: 0.95,
    "wilson.level": lambda m: 0.95,
    "wilson.share": lambda m: 0.5,
    "wilson.items": lambda m: 10,
    "mean_interval.values": lambda m: [0.9, 0.8],
    "mean_interval.level": lambda m: 0.95,
    "over_seeds.level": lambda m: 0.95,
    "intervals.level": lambda m: 0.95,
    "within_budget.level": lambda m: 0.95,
    "caution.level": lambda m: 0.95,
    "draws": lambda m: 10,
    "budget": lambda m: 3.0,
    "within_budget.unit": lambda m: "steps",
    "platform": lambda m: "Loihi",
    "same_items.one": lambda m: m.result,
    "same_items.other": lambda m: m.result,
    "common_reference.results": lambda m: {"mine": m.result},
    "caution.results": lambda m: {"mine": m.result},
    "Store.restore.run_id": lambda m: m.deleted_run(),
    "Store.edit.name": lambda m: "mine",
    "Store.edit.labels": lambda m: ["mine"],
    "Store.edit.note": lambda m: "mine",
    "runs": lambda m: m.store.list(),
    "query": lambda m: "loss<2 mine",
    "settings_table.metric": lambda m: "loss",
    "importance.table": lambda m: m.tried,
    "target": lambda m: "loss",
    "parallel_coordinates.table": lambda m: m.tried,
    "parallel_coordinates_data.table": lambda m: m.tried,
    "importances": lambda m: pd.DataFrame({"setting": ["a", "b"], "importance": [0.7, 0.3]}),
    "Store.check_ended.one": lambda m: m.store.get(m.run_id),
    "cancel.run_id": lambda m: m.run_id,
    "tail.lines": lambda m: 3,
    # plots
    "plots._curves.accuracy_over_time.results": lambda m: m.result,
    "metric_history.metrics": lambda m: "loss",
    "metric_history_data.metrics": lambda m: "loss",
    "histories": lambda m: {"mine": m.history},
    "metric_history.histories": lambda m: {"mine": m.history},
    "sparsity_front.table": lambda m: m.front,
    "sparsity_front_data.table": lambda m: m.front,
    "pruning_curve.curves": lambda m: m.curve,
    "pruning_curve_data.curves": lambda m: m.curve,
    "measured": lambda m: {"mine": {"layers": [{"name": "a", "S_a": 0.5, "S_w": 0.5}]}},
    "prediction_strip.items": lambda m: [0, 1],
    "prediction_strip_data.items": lambda m: [0, 1],
    "prediction_strip.images": lambda m: m.x,
    "scales.after": lambda m: m.network.scaled([2.0, 1.0, 1.0]),
    "scales_data.after": lambda m: m.network.scaled([2.0, 1.0, 1.0]),
    "scales.before": lambda m: m.network,
    "scales_data.before": lambda m: m.network,
    "drawn": lambda m: m.grid,
    "format": lambda m: "csv",
    "telling_items.results": lambda m: {"mine": m.result},
    "count": lambda m: 1,
    # reports and figures
    "stage": lambda m: "before",
    "reports.readable.table": lambda m: m.table,
    "comparison.model": lambda m: "dense-mnist",
    "comparison.results": lambda m: {"before": m.result},
    "paper_counterpart.model": lambda m: "dense-mnist",
    "paper_threshold.model": lambda m: "dense-mnist",
    "published_count.model": lambda m: "dense-mnist",
    "published_count.result": lambda m: m.result,
    "table_a.seconds": lambda m: {("mine", "dense-mnist"): 1.0},
    "table_e.results": lambda m: {("dense-mnist", "before"): m.result},
    "table_f.results": lambda m: {("dense-mnist", "before"): 0.5},
    "table_g.sparsity": lambda m: {("dense-mnist", "before"): {"S_a": 0.5}},
    "table_h.results": lambda m: {("dense-mnist", "before"): m.result},
    "table_own.results": lambda m: {("mine", "before"): m.result},
    "table_own.name": lambda m: "h",
    "classifiers.model": lambda m: "mine",
    "classifiers.before": lambda m: m.card,
    "classifiers.after": lambda m: m.card,
    "firing_animation.item": lambda m: 0,
    "firing_animation.image": lambda m: m.x[0],
    "prediction_animation.item": lambda m: 0,
    "prediction_animation.image": lambda m: m.x[0],
    "from_files.history": lambda m: m.folder / "history.csv",
    "from_files.grid": lambda m: m.folder / "grid.csv",
    "from_files.sources": lambda m: [m.folder / "result.nc"],
    "make.names": lambda m: ["confusion"],
    "make.formats": lambda m: ["svg"],
    "make_animations.formats": lambda m: ["gif"],
    "make_tables.folder": lambda m: None,
    "make_tables.names": lambda m: [],
    "figures.tables.table.name": lambda m: "g",
    "together.materials": lambda m: {"mine": m.drawing},
    "shipped.model": lambda m: "dense-mnist",
    "shipped.limit": lambda m: 2,
    "Animation.frames": lambda m: (),
    "Animation.fps": lambda m: 8,
    "Animation.save.path": lambda m: m.folder / "mine.gif",
    # training and sparsity
    "sweep.folder": lambda m: m.folder / "sweep",
    "Training.save_history.path": lambda m: m.folder / "history.json",
    "pruning_curve.epsilons": lambda m: [0.0, 0.1],
    "epsilons": lambda m: [0.0, 0.1],
    "measure.x": lambda m: m.x,
    # dashboard
    "create_app.workspace": lambda m: m.result,
    "serve.port": lambda m: 0,
    "shared_workspace.arguments": lambda m: (str(m.folder / "result.nc"),),
    "Workspace.name": lambda m: "mine",
    "Workspace.of.value": lambda m: m.result,
    "Workspace.upload.content": lambda m: b"x",
    "Workspace.upload.name": lambda m: "mine.npz",
    "Workspace.uploads.suffix": lambda m: ".npz",
    "Workspace.card.name": lambda m: "dense-mnist",
}
"""Valid arguments by name, or by function and name where one name means several things."""


@cache
def _stopped(m: Material) -> Any:
    return snnviz.simulate(m.network, m.x, m.y, 3, engine="event", stop=0.5, progress=False)


@cache
def _chosen(m: Material) -> Any:
    row = {"per": "layer", "percentile": 99.0, "initial_potential": 0.5, "correct_potential": 0, "settled": None}
    row |= {"pareto_latency": 1.0, "events": 10, "accuracy": [0.5, 0.5], "chosen": True}
    about = {"input": "analog", "items": 4, "steps": 2, "labels": "given", "ann_accuracy": 0.9, "rows": [row]}
    return replace(m.network, metadata={"choice": about})


def _projection() -> Any:
    return snnviz.DenseProjection(source="a", input_shape=(4,), weights=np.ones((4, 2)))


def snnviz_nir() -> Any:
    from snnviz.hardware import nir

    return nir


def _graph(m: Material) -> Path:
    return snnviz_nir().save(m.network, m.folder / "graph.nir")


def _terms() -> Any:
    from snnviz.optimization import Terms

    return Terms(0.5, 1.0, 2.0)


def _training(m: Material) -> Any:
    from snnviz.training import Training

    row = dict.fromkeys(("loss", "accuracy", "val_loss", "val_cross_entropy", "val_accuracy", "learning_rate"), 0.5)
    return Training(model=m.model, history=({"epoch": 1.0, **row},), best_epoch=1, recipe=m.recipe)


def _plan() -> Any:
    from snnviz.hardware.spinnaker.dryrun import Chip, Core, LayerPlan, Plan

    layers = tuple(LayerPlan(name, 10, 1, 2048, 0, 0, 0, 0, 0, None, 0) for name in ("input", "hidden", "output"))
    cores = (Core(0, 0, 1, None, 0, 0, 2048), Core(0, 0, 2, "input", 0, 10, 2048))
    return Plan(layers, cores, (Chip(0, 0, 17, 2**27, 1, 1023, (0, 0)),), 1, (), 50, 5, 1.0, {})


def _small(command: str, place: str = "") -> V:
    """A command on the small network and data."""
    words = [*command.split(), "{network}", "--data", "{data}", *place.split()]
    return lambda m: [word.format(network=m.folder / "network.npz", data=m.folder / "data.npz") for word in words]


def _trained(command: str, more: str = "") -> V:
    """A command on the small classifier and data."""
    return lambda m: [command, str(m.model_file), "--data", str(m.folder / "data.npz"), *more.split()]


def _runs(command: str, times: int = 1, run: V = lambda m: m.run_id) -> V:
    return lambda m: ["runs", command, *[run(m)] * times, "--tracking-uri", str(m.folder / "runs")]


COMMANDS: dict[str, V] = {
    "demo": lambda m: ["demo", "--no-serve", "--limit", "2"],
    "train": lambda m: ["train", "dense-mnist", "--data", str(m.folder / "digits.npz"), "--no-track"],
    "adapt": _trained("adapt", "--no-track"),
    "finetune": _trained("finetune", "--no-track"),
    "sweep": _trained("sweep", "--no-track"),
    "check": lambda m: ["check", str(m.model_file)],
    "convert": _trained("convert", "--no-track"),
    "import": lambda m: ["import", str(m.onnx_file), "--out", str(m.folder / "imported.keras")],
    "simulate": _small("simulate", "--steps 2 --engine event"),
    "metrics": lambda m: ["metrics", str(m.folder / "result.nc")],
    "optimize": _small("optimize", "--steps 2 --no-track"),
    "runs list": _runs("list", 0),
    "runs show": _runs("show"),
    "runs compare": _runs("compare", 2),
    "runs logs": _runs("logs"),
    "runs cancel": _runs("cancel"),
    "runs resume": _runs("resume"),
    "runs delete": _runs("delete", run=lambda m: m.doomed),
    "runs edit": _runs("edit"),
    "runs restore": _runs("restore", run=lambda m: m.deleted_run()),
    "runs export": _runs("export"),
    "report": lambda m: [
        "report",
        m.run_id,
        "--out",
        str(m.folder / "mine.html"),
        "--tracking-uri",
        str(m.folder / "runs"),
    ],
    "figures": lambda m: ["figures", "--run", str(m.folder / "result.nc"), "--names", "confusion"],
    "tables": lambda m: ["tables", "--run", str(m.folder / "result.nc")],
    "reproduce": lambda m: ["reproduce", "--limit", "2"],
    "hardware neuron": _small("hardware neuron"),
    "hardware nir": lambda m: ["hardware", "nir", str(m.folder / "network.npz"), "--out", str(m.folder / "mine.nir")],
    "hardware spinnaker": _small("hardware spinnaker", "--no-track"),
    "hardware expect": _small("hardware expect", "--steps 2 --no-track"),
    "hardware sanafe": _small("hardware sanafe", "--steps 2"),
    "data": lambda m: ["data", "fetch", "mnist"],
    "dashboard": lambda m: ["dashboard", str(m.folder / "result.nc")],
    "info": lambda m: ["info", str(m.folder / "network.npz")],
}
"""A valid call of each command, which takes a moment."""


INSTANCES: dict[str, V] = {
    "SpikingNetwork": lambda m: m.network, "Store": lambda m: m.store, "Images": lambda m: m.images, "Record": lambda m: m.kept,
    "Settings": lambda m: m.settings, "Recipe": lambda m: m.recipe, "Training": _training, "Animation": lambda m: _film(),
    "Stop": lambda m: _stop(), "Recordings": lambda m: _streams(), "Recorded": lambda m: _recorded(),
}  # fmt: skip
"""Whose methods are called."""


def _streams() -> Any:
    from snnviz.events import Recordings

    return Recordings(np.array([0, 500, 2500, 10]), np.array([3, 8, 31, 0]), np.array([0, 3, 4]), (4, 4))


def _recorded() -> Any:
    from snnviz.datasets import Recorded

    return Recorded("mine", "test", _streams(), np.array([0, 1]), ("a", "b", "c"))


def _written(m: Material) -> Path:
    """A file of N-MNIST's format, in a folder of a class in a folder."""
    path = m.folder / "films" / "a" / "1.bin"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes([1, 2, 0, 0, 3]))
    return path


@cache
def _filmed() -> Any:
    """A result of recordings."""
    from snnviz.network import Dense, Input, SpikingNetwork

    only = Dense(name="only", input_shape=(4, 4, 2), weights=np.ones((32, 3)), bias=np.zeros(3))
    network = SpikingNetwork(Input(shape=(4, 4, 2)), (only,))
    how = {"engine": "event", "input": "spikes", "step_ms": 1.0, "progress": False}
    return snnviz.simulate(network, _streams(), np.array([0, 1]), 3, record=["prediction", "logits"], **how)


def _stop() -> Any:
    from snnviz.simulation import Stop

    return Stop(level=0.5)


def _film() -> Any:
    from PIL import Image

    from snnviz.figures import Animation

    return Animation((Image.new("RGB", (4, 4)),), 8)
