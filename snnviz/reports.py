"""The paper's tables beside ours.

`PAPER` holds every published number (Dutson, Li, Gupta, "Spike-Based Anytime Perception", WACV 2023, and its supplement).
Each table is a pandas DataFrame with columns `ours`, `paper`, `difference` (ours - paper) and `note`.

About the published event counts: the published code sums the events of dense layers over a whole batch (128 items by
default) instead of per item, and ours are per item. So events and Pareto power cannot be compared as they stand: their
`difference` is left empty, and rows of their own give ours as that code would have counted them (`published_count`), with the
difference. For the all-dense model the note also gives the published number divided by 128. Ratios of after to before of that
model are not affected.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz import metrics
from snnviz._arguments import checked
from snnviz.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

MODELS = {
    "dense-mnist": "dense MNIST",
    "conv-mnist": "conv MNIST",
    "conv-cifar10": "CIFAR-10",
    "conv-cifar100": "CIFAR-100",
}
VARIANTS = {
    "conv-mnist-levels": "conv-mnist",
    "conv-cifar10-levels": "conv-cifar10",
    "resnet20-cifar10-levels": "conv-cifar10",
}
"""Models of ours that the paper does not have -> the one of the paper, of the same data, whose numbers stand beside theirs."""
STAGES = ("before", "after")
BATCH = 128
"""Items in a batch of the published code, over which it sums the events of dense layers."""
TYPO = "0.00527 as published does not fit the rest of its row; read it as 0.0527"


@dataclass(frozen=True)
class Published:
    """One number of the paper.

    Attributes:
        value: in `unit`.
        unit: "fraction", "time steps", "events", "s" or "".
        crossed: False for a threshold that was never crossed, which makes the value an underestimate.
        remark: what to know about it.
        comparable: whether ours is measured alike, so that a difference means something.
    """

    value: float
    unit: str
    crossed: bool = True
    remark: str = ""
    comparable: bool = True


def _published() -> dict[tuple[str, str, str], Published]:
    """(model, stage, metric) -> number, from one row per model and metric."""
    #            metric                 unit          dense MNIST        conv MNIST         CIFAR-10           CIFAR-100
    rows: list[tuple[str, str, tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]] = [
        ("threshold", "fraction", (0.98, 0.9797), (0.99, 0.9870), (0.88, 0.8629), (0.62, 0.6171)),
        ("time to threshold", "time steps", (12, 3), (26, 4), (1001, 68), (1001, 101)),
        ("events to threshold", "events", (1.75e7, 4.19e6), (1.77e8, 5.15e6), (6.80e9, 1.12e8), (5.89e9, 1.84e8)),
        ("ANN accuracy", "fraction", (0.9836, 0.9829), (0.9955, 0.9925), (0.8939, 0.8768), (0.6368, 0.6339)),
        ("ANN top-5 accuracy", "fraction", (np.nan, np.nan), (np.nan, np.nan), (np.nan, np.nan), (0.8515, 0.8532)),
        ("S_a", "", (0.618, 0.812), (0.535, 0.959), (0.545, 0.781), (0.537, 0.723)),
        ("S_w", "", (0.152, 0.431), (0.013, 0.839), (0.012, 0.615), (0.012, 0.498)),
        ("S_c", "", (0.676, 0.893), (0.541, 0.993), (0.550, 0.916), (0.543, 0.861)),
        ("peak accuracy", "fraction", (0.9832, 0.9829), (0.9943, 0.9922), (0.8747, 0.8704), (0.5988, 0.6245)),
        ("Pareto latency", "time steps", (2.19, 0.00527), (7.02, 0.120), (65.0, 14.6), (154, 28.5)),
        ("Pareto power", "events", (3.14e6, 7.34e4), (4.31e7, 1.51e5), (4.11e8, 1.34e7), (8.68e8, 2.72e7)),
    ]
    never_crossed = {("conv-cifar10", "before"), ("conv-cifar100", "before")}
    table = {}
    for metric, unit, *pairs in rows:
        for model, pair in zip(MODELS, pairs, strict=True):
            for stage, value in zip(STAGES, pair, strict=True):
                if np.isnan(value):
                    continue
                crossed = not ("to threshold" in metric and (model, stage) in never_crossed)
                remark = TYPO if value == 0.00527 else _event_remark(model, value) if unit == "events" else ""
                table[model, stage, metric] = Published(float(value), unit, crossed, remark, unit != "events")
    return table


def _event_remark(model: str, value: float) -> str:
    if model == "dense-mnist":
        return f"published over a batch; / {BATCH} = {value / BATCH:,.0f} per item"
    return "published with dense layers over a batch"


_UNITS = {
    "threshold": "fraction", "time to threshold": "time steps", "events to threshold": "events", "ANN accuracy": "fraction",
    "peak accuracy": "fraction", "Pareto latency": "time steps", "Pareto power": "events",
}  # fmt: skip
"""Of metrics of models that the paper does not have."""
PAPER: Mapping[tuple[str, str, str], Published] = _published()
"""(model, "before" | "after" optimisation, metric) -> the published number."""

PAPER_RUNTIME: Mapping[tuple[str, str], float] = {
    ("NEURON (CPU)", "dense-mnist"): 261.0,
    ("SNN-TB", "dense-mnist"): 23.7,
    ("SNN-TB", "conv-mnist"): 266.0,
    ("SNN-TB", "conv-cifar10"): 1047.0,
    ("SaRNN", "dense-mnist"): 2.93,
    ("SaRNN", "conv-mnist"): 28.5,
    ("SaRNN", "conv-cifar10"): 139.0,
}
"""(simulator, model) -> seconds for 1000 items x 50 steps on an i7-8700K with a GTX 1080."""

# neurons of the input and of every weighted or pooling layer, by which a result is recognised that does not name its model
_NEURONS = {
    "dense-mnist": (784, 128, 128, 10),
    "conv-mnist": (784, 25088, 25088, 6272, 12544, 12544, 3136, 128, 10),
    "conv-cifar10": (3072, *[65536] * 3, 16384, *[32768] * 3, 8192, *[16384] * 3, 4096, 512, 10),
    "conv-cifar100": (3072, *[65536] * 3, 16384, *[32768] * 3, 8192, *[16384] * 3, 4096, 512, 100),
}
# the last layers of each model, which are dense, and of a variant that has others than the paper's
_DENSE_LAYERS = {"dense-mnist": 3, "conv-mnist": 2, "conv-cifar10": 2, "conv-cifar100": 2, "resnet20-cifar10-levels": 1}
_AS_PUBLISHED = ", counted as published"
_CLASSIFIER = ", against the classifier converted"
_NOISE = 3.0
"""Standard errors of an accuracy, within which two are taken for the same."""
_DATASETS = {"dense-mnist": "mnist", "conv-mnist": "mnist", "conv-cifar10": "cifar10", "conv-cifar100": "cifar100"}

_SPARSITIES = ("S_a", "S_w", "S_c", "S_a, all hidden layers", "S_c, all hidden layers")

Entries: TypeAlias = "Mapping[tuple[str, str], xr.Dataset]"


@checked
def paper_model(result: xr.Dataset) -> str | None:
    """Which of the paper's models, or of their `VARIANTS`, a result belongs to, or None.

    By its attribute `model`, else by the numbers of neurons; in both cases the attribute `dataset` must be the paper's.
    """
    named = result.attrs.get("model")
    for model, dataset in _DATASETS.items():
        if result.attrs.get("dataset") != dataset:
            continue
        if named is not None:
            if VARIANTS.get(named, named) == model:
                return str(named)
        elif tuple(json.loads(result.attrs.get("neurons", "{}")).values()) == _NEURONS[model]:
            return model
    return None


@checked
def paper_counterpart(model: str, stage: str) -> dict[str, Published]:
    """Every published number that stands beside `model` at `stage`, by metric."""
    return {metric: number for (name, when, metric), number in PAPER.items() if (name, when) == (_model(model), stage)}


@checked
def paper_threshold(model: str, stage: str = "before") -> float:
    """The accuracy that the paper's threshold metrics ask of `model`, a fraction."""
    return PAPER[_model(model), check.choice("stage", stage, STAGES), "threshold"].value


@checked
def published_count(model: str, result: xr.Dataset) -> xr.Dataset:
    """`result` with synaptic events as the published code counts them: those of dense layers over a batch of `BATCH` items.

    Args:
        model: one of `MODELS` or `VARIANTS`.
        result: of a network of that model.

    Raises:
        InputError: if the result has too few layers for the model.
    """
    dense = _DENSE_LAYERS.get(model) or _DENSE_LAYERS[_model(model)]
    layers = result.sizes["layer"]
    if layers <= dense:
        raise InputError(f"`result` must have more than {dense} layers to be of {model!r}. Received: {layers}")
    factors = np.where(np.arange(layers) < layers - dense, 1, BATCH)
    events = result["synaptic_events"].transpose("time", "layer")
    return result.assign(synaptic_events=events.copy(data=events.values * factors))


@checked
def comparison(model: str, results: Mapping[str, xr.Dataset], threshold: float | None = None) -> pd.DataFrame:
    """All metrics of one model that a simulation gives, beside the paper's.

    Args:
        model: one of `MODELS` or `VARIANTS`.
        results: by stage, "before" and / or "after".
        threshold: accuracy to reach, a fraction; None takes the paper's for each stage. With another threshold than the
            paper's its numbers are left out.

    Returns:
        Table indexed by (stage, metric) with columns ours, paper, difference, unit, note.
    """
    _model(model)
    rows = []
    for stage, result in results.items():
        goal = paper_threshold(model, stage) if threshold is None else threshold
        for metric, (value, crossed) in _ours(model, result, goal).items():
            comparable = "threshold" not in metric or goal == paper_threshold(model, stage)
            published = _counterpart(model, stage, metric) if comparable else None
            rows.append(((stage, metric), _row(value, crossed, published)))
        events = float(metrics.events_per_step(result).sum())
        rows.append(((stage, "events in all steps"), _row(events, True, None) | {"unit": "events"}))
    return _frame(rows, ["stage", "metric"])


@checked
def table_a(seconds: Mapping[tuple[str, str], float]) -> pd.DataFrame:
    """Table A, runtime: seconds for 1000 items x 50 steps, by (simulator, model), ours below the paper's.

    Args:
        seconds: (simulator, model) -> seconds measured here.

    Returns:
        One row per simulator and where it was measured ("paper" or "here"), one column per model.
    """
    entries = [("paper", simulator, model, value) for (simulator, model), value in PAPER_RUNTIME.items()]
    entries += [("here", simulator, _model(model), float(value)) for (simulator, model), value in seconds.items()]
    frame = pd.DataFrame(entries, columns=["measured", "simulator", "model", "seconds"])
    order = list(dict.fromkeys(zip(frame["measured"], frame["simulator"], strict=True)))
    table = frame.pivot_table(index=["measured", "simulator"], columns="model", values="seconds", sort=False)
    return table.reindex(index=pd.MultiIndex.from_tuples(order, names=["measured", "simulator"])).rename_axis(
        columns=None
    )


@checked
def table_e(results: Entries, thresholds: Mapping[tuple[str, str], float] | None = None) -> pd.DataFrame:
    """Table E, threshold metrics: time and events to the threshold accuracy.

    Args:
        results: (model, stage) -> result.
        thresholds: (model, stage) -> accuracy; those left out are the paper's.

    Returns:
        Table indexed by (model, stage, metric) with columns ours, paper, difference, unit, note.
    """

    def ours(key: tuple[str, str], result: xr.Dataset) -> dict[str, tuple[float, bool]]:
        goal = (thresholds or {}).get(key, paper_threshold(*key))
        return {name: value for name, value in _ours(key[0], result, goal).items() if "threshold" in name}

    return _table(results, ours)


@checked
def table_f(results: Mapping[tuple[str, str], xr.Dataset | float]) -> pd.DataFrame:
    """Table F, accuracy of the ANN before and after sparsity fine-tuning.

    Args:
        results: (model, stage) -> result, or the accuracy itself, a fraction.

    Returns:
        As `table_e`.
    """

    def accuracy(entry: xr.Dataset | float) -> float:
        return (
            check.real("results", entry, 0, 1)
            if isinstance(entry, (int, float))
            else float(entry.attrs["ann_accuracy"])
        )

    return _table(results, lambda key, entry: {"ANN accuracy": (accuracy(entry), True)})


@checked
def table_g(sparsity: Mapping[tuple[str, str], Mapping[str, float]]) -> pd.DataFrame:
    """Table G, sparsity of activations (S_a), weights (S_w) and synaptic events (S_c).

    Args:
        sparsity: (model, stage) -> {"S_a": ..., "S_w": ..., "S_c": ...}, fractions. S_a and S_c are compared with the paper's,
            which leave the last hidden layer out; "S_a, all hidden layers" and "S_c, all hidden layers" stand beside them.

    Returns:
        As `table_e`.
    """

    def ours(key: tuple[str, str], measured: Mapping[str, float]) -> dict[str, tuple[float, bool]]:
        for name in measured:
            check.choice("sparsity", name, _SPARSITIES)
        return {name: (float(value), True) for name, value in measured.items()}

    return _table(sparsity, ours)


@checked
def table_h(results: Entries, classifiers: Mapping[tuple[str, str], float] | None = None) -> pd.DataFrame:
    """Table H, anytime metrics: peak accuracy, Pareto latency and power.

    The Pareto terms are measured against the network's own ANN. After learning weights (`snnviz.optimization.weights`) that is
    another one than the classifier, which the paper measures against; rows of their own then tell of the classifier.

    Args:
        results: (model, stage) -> result.
        classifiers: (model, stage) -> accuracy of the classifier that was converted; it counts where it is further from that of the
            network's own ANN than three standard errors.

    Returns:
        Table as of `table_e`.
    """

    def ours(key: tuple[str, str], result: xr.Dataset) -> dict[str, tuple[float, bool]]:
        values = {name: value for name, value in _ours(key[0], result, None).items() if name != "ANN accuracy"}
        accuracy = (classifiers or {}).get(key)
        return values if accuracy is None else values | _against(accuracy, key[0], result)

    return _table(results, ours)


_ANYTIME = ("ANN accuracy", "peak accuracy", "Pareto latency", "Pareto power")


def _ours(model: str | None, result: xr.Dataset, threshold: float | None) -> dict[str, tuple[float, bool]]:
    """Metric -> (value, whether it was crossed), in the order of the tables; of a model of the paper also as published."""
    goals = [] if threshold is None else [threshold]
    found = metrics.summary(result, goals)
    theirs = found if model is None else metrics.summary(published_count(model, result), goals)
    values = {name: (found[name.lower().replace(" ", "_")], True) for name in _ANYTIME}
    values[f"Pareto power{_AS_PUBLISHED}"] = (theirs["pareto_power"], True)
    for entry, counted in zip(found["thresholds"], theirs["thresholds"], strict=True):
        values["threshold"] = (entry["threshold"], True)
        values["time to threshold"] = (entry["time"], entry["crossed"])
        values["events to threshold"] = (entry["events"], entry["crossed"])
        values[f"events to threshold{_AS_PUBLISHED}"] = (counted["events"], entry["crossed"])
    return {
        name: (np.nan if value is None else value, crossed)
        for name, (value, crossed) in values.items()
        if model is not None or not name.endswith(_AS_PUBLISHED)
    }


def _against(accuracy: float, model: str, result: xr.Dataset) -> dict[str, tuple[float, bool]]:
    """The Pareto terms against a classifier's accuracy, if it is another one than that of the network's own ANN."""
    noise = math.sqrt(accuracy * (1 - accuracy) / int(result.attrs["items"]))
    if abs(float(result.attrs["ann_accuracy"]) - accuracy) <= _NOISE * noise:
        return {}
    power = metrics.pareto_power(published_count(model, result), accuracy)
    return {
        f"Pareto latency{_CLASSIFIER}": (metrics.pareto_latency(result, accuracy), True),
        f"Pareto power{_CLASSIFIER}": (metrics.pareto_power(result, accuracy), True),
        f"Pareto power{_CLASSIFIER}{_AS_PUBLISHED}": (power, True),
    }


def _counterpart(model: str, stage: str, metric: str) -> Published | None:
    """The published number that stands beside `metric`."""
    found = PAPER.get((_model(model), stage, metric.removesuffix(_AS_PUBLISHED).removesuffix(_CLASSIFIER)))
    return replace(found, remark="", comparable=True) if found and metric.endswith(_AS_PUBLISHED) else found


def _row(value: float, crossed: bool, published: Published | None) -> dict[str, object]:
    notes = [] if crossed else ["ours never crossed: an underestimate"]
    difference = np.nan
    if published is not None:
        if not published.crossed:
            notes.append("paper's never crossed: an underestimate")
        if published.remark:
            notes.append(published.remark)
        if published.comparable:
            difference = value - published.value
    return {
        "ours": value,
        "paper": np.nan if published is None else published.value,
        "difference": difference,
        "unit": "" if published is None else published.unit,
        "note": "; ".join(notes),
    }


def _table(
    entries: Mapping[tuple[str, str], object], ours: Callable[..., dict[str, tuple[float, bool]]]
) -> pd.DataFrame:
    rows = []
    for key, entry in entries.items():
        model, stage = key
        _model(model)
        check.choice("stage", stage, STAGES)
        for metric, (value, crossed) in ours(key, entry).items():
            rows.append(((model, stage, metric), _row(value, crossed, _counterpart(model, stage, metric))))
    return _frame(rows, ["model", "stage", "metric"])


def _frame(rows: Sequence[tuple[tuple[str, ...], dict[str, object]]], names: list[str]) -> pd.DataFrame:
    if not rows:
        raise InputError("`results` must hold at least one entry. Received: none")
    index = pd.MultiIndex.from_tuples([key for key, _ in rows], names=names)
    return pd.DataFrame([row for _, row in rows], index=index)


@checked
def table_own(results: Mapping[tuple[str, str], xr.Dataset], name: str) -> pd.DataFrame:
    """The rows of table E, F or H for models that the paper does not have: ours alone.

    Args:
        results: (model, stage) -> result; the names are free.
        name: "e" (thresholds, each model's from its first result: `snnviz.metrics.default_threshold`), "f" (the ANN's accuracy) or
            "h" (anytime metrics).

    Returns:
        Table as of `table_e`, in which paper and difference are empty.
    """
    check.choice("name", name, ("e", "f", "h"))
    rows: list[tuple[tuple[str, ...], dict[str, object]]] = []
    goals: dict[str, float] = {}
    for (model, stage), result in results.items():
        goal = goals.setdefault(model, metrics.default_threshold(result))
        for metric, (value, crossed) in _ours(None, result, goal).items():
            kind = "e" if "threshold" in metric else "f" if metric == "ANN accuracy" else "h"
            if kind == name:
                rows.append(((model, stage, metric), _row(value, crossed, None) | {"unit": _UNITS[metric]}))
    return _frame(rows, ["model", "stage", "metric"])


@checked
def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A table of this module as people read it: percentages, thousands separated, nothing where nothing is known.

    Args:
        table: what `comparison` or a `table_...` function returned.

    Returns:
        The same rows as text, with columns metric, unit, ours, paper, difference, note (and stage or model where there are
        several); of table A simulator, measured and the models.
    """
    columns = ("ours", "paper", "difference", "note")
    if not isinstance(table, pd.DataFrame) or ("unit" in table and not set(columns) <= set(table)):
        raise InputError(f"`table` must be one of this module. Received: {check.describe(table)}")
    if "unit" not in table:  # table A, all of it in seconds
        return table.map(lambda value: _text(value, "s")).reset_index().rename(columns=MODELS)
    flat = table.reset_index()
    rows = []
    for _, row in flat.iterrows():
        unit = "%" if row["unit"] == "fraction" else row["unit"]
        rows.append(
            {name: row[name] for name in table.index.names}
            | {name: _text(row[name], unit) for name in ("ours", "paper")}
            | {"difference": _signed(row["difference"], unit), "unit": unit, "note": row["note"]}
        )
    return pd.DataFrame(rows)


def _text(value: float, unit: str) -> str:
    if pd.isna(value):
        return "-"
    if unit == "%":
        return f"{100 * value:.2f}"
    if unit == "":  # a fraction that the paper gives as such
        return f"{value:.3f}"
    return f"{value:,.0f}" if abs(value) >= 100 or float(value).is_integer() else f"{value:.3g}"


def _signed(value: float, unit: str) -> str:
    text = _text(value, unit)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def _model(model: str) -> str:
    """The model of the paper that `model` is compared with."""
    return VARIANTS.get(check.choice("model", model, (*MODELS, *VARIANTS)), model)
