"""Anytime metrics: what a result is worth when it may be stopped at any step.

A(t) is the accuracy after step t = 1..T, E(t) the mean synaptic events per item in step t, and A_ref a reference accuracy,
by default that of the analog network. Every function takes a result as `snnviz.simulate` returns it (`snnviz.results`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._margins import softmax_margin
from snnviz.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

REFERENCES = ("ann", "peak")
DEFAULT_THRESHOLD = 0.98
"""Where no threshold is given: this fraction of the ANN's accuracy."""
DEFAULT_LEVELS = (0.0, *np.round(np.arange(0.05, 0.951, 0.05), 2).tolist(), 0.975, 0.99, 0.995, 0.999, 0.9999)
"""Levels of the softmax margin at which `confidence_cutoff` looks."""
_CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Crossing:
    """What it took to reach an accuracy.

    Attributes:
        value: time steps, or synaptic events per item.
        crossed: False if the accuracy was never reached, which makes `value` an underestimate.
    """

    value: float
    crossed: bool

    def __str__(self) -> str:
        return f"{self.value:.6g}{'' if self.crossed else '*'}"


@checked
def peak_accuracy(result: xr.Dataset) -> float:
    """The best accuracy at any step, max over t of A(t), a fraction."""
    return float(_accuracy(result).max())


@checked
def peak_time(result: xr.Dataset) -> int:
    """The first step at which the accuracy is at its peak."""
    return int(_accuracy(result).argmax()) + 1


@checked
def reference_accuracy(result: xr.Dataset, reference: str | float = "ann") -> float:
    """The accuracy A_ref that the Pareto metrics measure against.

    Args:
        result: a result.
        reference: "ann", the analog network's accuracy on the same items (attribute `ann_accuracy`); "peak", the best
            A(t); or a number in (0, 1].

    Raises:
        InputError: if the reference is unknown, not in (0, 1], or not in the result.
    """
    if isinstance(reference, str):
        check.choice("reference", reference, REFERENCES)
        if reference == "peak":
            value = peak_accuracy(result)
        elif "ann_accuracy" in result.attrs:
            value = float(result.attrs["ann_accuracy"])
        else:
            raise InputError(
                '`reference="ann"` needs the attribute "ann_accuracy" of a result; choose "peak" or a number instead. '
                f"Received: a result with attributes {sorted(map(str, result.attrs))}"
            )
        if not 0 < value <= 1:
            raise InputError(
                f"`reference` must be an accuracy above 0 and at most 1. Received: {reference!r}, which is {value:g} here"
            )
        return value
    return check.real("reference", reference, 0, 1, above=True)


@checked
def pareto_latency(result: xr.Dataset, reference: str | float = "ann", frontier: bool = False) -> float:
    """Pareto latency: the time lost to wrong answers, in time steps.

        P_l = sum over t = 1..T of (A_ref - A(t)) / A_ref

    It is the area between the reference and the accuracy curve: 0 if every step were as accurate as the reference, T if none
    were ever right, negative if the network is better than its reference. (Dutson, Li, Gupta, WACV 2023.)

    Args:
        result: a result.
        reference: A_ref, see `reference_accuracy`.
        frontier: take the best accuracy so far instead of A(t), as for a reader who keeps the best stopping time.
    """
    return float(_shortfall(result, reference, frontier).sum())


@checked
def pareto_power(result: xr.Dataset, reference: str | float = "ann", frontier: bool = False) -> float:
    """Pareto power: the synaptic events spent while answers were wrong, in synaptic events per item.

        P_p = sum over t = 1..T of (A_ref - A(t)) E(t) / A_ref

    Args:
        result: a result.
        reference: A_ref, see `reference_accuracy`.
        frontier: take the best accuracy so far instead of A(t).
    """
    return float(np.dot(_shortfall(result, reference, frontier), events_per_step(result)))


@checked
def time_to_accuracy(result: xr.Dataset, threshold: float) -> Crossing:
    """The first step t with A(t) >= `threshold`, in time steps; if there is none, T + 1, marked as not crossed."""
    accuracy = _accuracy(result)
    reached = accuracy >= check.real("threshold", threshold, 0, 1)
    if not reached.any():
        return Crossing(float(len(accuracy) + 1), False)
    return Crossing(float(reached.argmax() + 1), True)


@checked
def events_to_accuracy(result: xr.Dataset, threshold: float) -> Crossing:
    """The events spent until A(t) >= `threshold`, in synaptic events per item.

    With t* the first such step it is the sum of E(t) over t = 1..t*; if there is none, the sum over all steps, marked as not
    crossed.
    """
    time = time_to_accuracy(result, threshold)
    return Crossing(float(events_per_step(result)[: int(time.value)].sum()), time.crossed)


@checked
def events_per_step(result: xr.Dataset) -> np.ndarray:
    """E(t): synaptic events per item in each step, over all layers; float64 (T,)."""
    return _curve(result, "synaptic_events").sum("layer").values.astype(np.float64)


@checked
def event_shares(result: xr.Dataset) -> xr.DataArray:
    """Each layer's share of all synaptic events over the whole simulation: fractions (layer) that sum to 1.

    All are 0 if no event occurred.
    """
    by_layer = _curve(result, "synaptic_events").sum("time").astype(np.float64)
    total = float(by_layer.sum())
    shares = by_layer / total if total > 0 else by_layer
    return shares.rename("event_share").assign_attrs(long_name="share of synaptic events", units="1")


@checked
def confidence_cutoff(
    result: xr.Dataset, levels: Iterable[float] | None = None, temperature: float = 1.0
) -> xr.Dataset:
    """Stop each item as soon as the network is sure enough: accuracy, time and events over the level of sureness.

    The margin of an item at step t is the difference between the two largest values of softmax(z_t / temperature), where
    z_t are its class scores. Item i stops at the first step with margin >= level, or at T if there is none; its answer is the
    class predicted there.

    About the temperature: the scores of the default read-out are membrane potentials in units of the firing threshold. They
    grow about in proportion to t, so the margin grows as evidence comes in, and the same temperature suits every step. How
    fast depends on the normalisation of the last layer, which is arbitrary: the temperature is the potential difference that
    counts as one unit of log-odds. The curve of accuracy against time hardly depends on it; the levels belonging to its
    points do. 1 (the firing threshold) is the default. The "cumulative" read-out grows as t squared and wants more.

    Args:
        result: a result with `logits` and `item_events`, i.e. from `simulate(..., record=["logits", "events"])`.
        levels: margins in [0, 1]; None takes `DEFAULT_LEVELS`. At level 0 every item stops at step 1.
        temperature: positive, in units of the class scores.

    Returns:
        Dataset over `level`: `accuracy` (fraction right when stopped), `time` (mean steps), `events` (mean synaptic events
        per item until stopped) and `stopped` (fraction of items whose margin reached the level by step T).

    Raises:
        InputError: if what it needs was not recorded, or an argument is out of range.
    """
    import xarray as xr

    chosen = DEFAULT_LEVELS if levels is None else levels
    checked = np.array([check.real("levels", level, 0, 1) for level in chosen])
    if checked.size == 0:
        raise InputError("`levels` must hold at least one margin in [0, 1]. Received: none")
    temperature = check.real("temperature", temperature, 0, above=True)
    for name, what in (("logits", "logits"), ("item_events", "events")):
        if name not in result:
            raise InputError(
                f'`result` must hold {name!r}; simulate with record=["logits", "events"]. '
                f"Received: a result without {what} of each item"
            )
    scores = result["logits"].transpose("item", "time", "class").values
    if scores.shape[2] < 2:
        raise InputError(f"`result` must have at least two classes for a margin. Received: {scores.shape[2]}")
    events = result["item_events"].transpose("item", "time", "layer").values
    label = _variable(result, "label").values
    items, steps = scores.shape[:2]
    right, time, spent, stopped = (np.zeros(len(checked)) for _ in range(4))
    chunk = max(1, _CHUNK_BYTES // (8 * steps * max(scores.shape[2], events.shape[2])))
    for start in range(0, items, chunk):
        part = slice(start, start + chunk)
        margin = softmax_margin(scores[part], temperature)
        predicted = scores[part].argmax(axis=2)
        cumulative = events[part].sum(axis=2).cumsum(axis=1)
        row = np.arange(len(margin))
        for index, level in enumerate(checked):
            sure = margin >= level
            passed = sure.any(axis=1)
            stop = np.where(passed, sure.argmax(axis=1), steps - 1)
            right[index] += (predicted[row, stop] == label[part]).sum()
            time[index] += (stop + 1).sum()
            spent[index] += cumulative[row, stop].sum()
            stopped[index] += passed.sum()
    return xr.Dataset(
        {
            "accuracy": ("level", right / items, {"long_name": "accuracy when stopped", "units": "1"}),
            "time": ("level", time / items, {"long_name": "mean time when stopped", "units": "time steps"}),
            "events": ("level", spent / items, {"long_name": "mean events when stopped", "units": "events per item"}),
            "stopped": ("level", stopped / items, {"long_name": "items stopped by the margin", "units": "1"}),
        },
        coords={"level": ("level", checked, {"long_name": "softmax margin", "units": "1"})},
        attrs={"temperature": temperature},
    )


@checked
def summary(
    result: xr.Dataset,
    thresholds: Iterable[float] | None = None,
    reference: str | float = "ann",
    frontier: bool = False,
) -> dict[str, Any]:
    """Every metric of a result, as JSON can hold it.

    Args:
        result: a result.
        thresholds: accuracies to reach; None takes `DEFAULT_THRESHOLD` of the ANN's accuracy.
        reference: A_ref of the Pareto metrics, see `reference_accuracy`.
        frontier: see `pareto_latency`.

    Returns:
        A dict with `title`, `items`, `steps`, `ann_accuracy`, `reference`, `reference_accuracy`, `frontier`, `peak_accuracy`,
        `peak_time`, `final_accuracy`, `exit_time` (mean step after which items ended, None where all took every step),
        `pareto_latency`, `pareto_power`, `events_per_item`, `thresholds` (a list of dicts with `threshold`, `time`, `events`,
        `crossed`) and `event_shares` (layer to fraction). The Pareto metrics are None
        if the reference accuracy of the result is 0. Where time has a unit, `step_ms` and `pareto_latency_ms` are numbers and each
        threshold has its `time_ms`, in milliseconds; where events came from a camera, `camera_events_per_item` is one.
    """
    accuracy, step_ms = _accuracy(result), step_milliseconds(result)
    if thresholds is None:
        thresholds = [default_threshold(result)]
    crossings: list[dict[str, Any]] = []
    for threshold in thresholds:
        time, events = time_to_accuracy(result, threshold), events_to_accuracy(result, threshold)
        crossings.append(
            {"threshold": float(threshold), "time": int(time.value), "events": events.value, "crossed": time.crossed}
            | ({} if step_ms is None else {"time_ms": time.value * step_ms})
        )
    hopeless = isinstance(reference, str) and _hopeless(result, reference)
    latency = None if hopeless else pareto_latency(result, reference, frontier)
    return {
        "title": str(result.attrs.get("title", "")),
        "items": int(result.attrs.get("items", result.sizes.get("item", 0))),
        "steps": len(accuracy),
        "ann_accuracy": _ann_accuracy(result),
        "reference": reference if isinstance(reference, str) else "number",
        "reference_accuracy": None if hopeless else reference_accuracy(result, reference),
        "frontier": bool(frontier),
        "peak_accuracy": peak_accuracy(result),
        "peak_time": peak_time(result),
        "final_accuracy": float(accuracy[-1]),
        "exit_time": float(result["exit_step"].mean()) if "exit_step" in result else None,
        "pareto_latency": latency,
        "pareto_power": None if hopeless else pareto_power(result, reference, frontier),
        "events_per_item": float(events_per_step(result).sum()),
        "thresholds": crossings,
        "event_shares": {str(share["layer"].item()): float(share) for share in event_shares(result)},
        "step_ms": step_ms,
        "pareto_latency_ms": None if latency is None or step_ms is None else latency * step_ms,
        "camera_events_per_item": float(result["camera_events"].sum()) if "camera_events" in result else None,
    }


@checked
def summary_frame(
    results: xr.Dataset | Mapping[str, xr.Dataset],
    thresholds: Iterable[float] | None = None,
    reference: str | float = "ann",
    frontier: bool = False,
) -> pd.DataFrame:
    """`summary` as a table: one row per metric (index `metric`, with its `unit`), one column per result.

    Args:
        results: a result, or several by name.
        thresholds: accuracies to reach, the same for all; None takes the first result's default.
        reference: see `reference_accuracy`.
        frontier: see `pareto_latency`.
    """
    import pandas as pd
    import xarray as xr

    if isinstance(results, xr.Dataset):  # a Mapping as well, of its variables
        results = {str(results.attrs.get("title", "")) or "result": results}
    if not results:
        raise InputError("`results` must hold at least one result. Received: none")
    chosen = [default_threshold(next(iter(results.values())))] if thresholds is None else list(thresholds)
    columns: dict[str, dict[tuple[str, str], Any]] = {}
    timed = any(step_milliseconds(result) is not None for result in results.values())
    filmed = any("camera_events" in result for result in results.values())
    for name, result in results.items():
        found = summary(result, chosen, reference, frontier)
        column: dict[tuple[str, str], Any] = {
            ("ANN accuracy", "fraction"): found["ann_accuracy"],
            ("peak accuracy", "fraction"): found["peak_accuracy"],
            ("Pareto latency", "time steps"): found["pareto_latency"],
            **({("Pareto latency", "ms"): found["pareto_latency_ms"]} if timed else {}),
            ("Pareto power", "synaptic events per item"): found["pareto_power"],
        }
        for entry in found["thresholds"]:
            label = f"{100 * entry['threshold']:.6g} %"
            column[f"time to {label}", "time steps"] = Crossing(entry["time"], entry["crossed"])
            if timed:
                found_ms = entry.get("time_ms")
                column[f"time to {label}", "ms"] = None if found_ms is None else Crossing(found_ms, entry["crossed"])
            column[f"events to {label}", "synaptic events per item"] = Crossing(entry["events"], entry["crossed"])
        column["events in all steps", "synaptic events per item"] = found["events_per_item"]
        if filmed:
            column["camera events", "events per item"] = found["camera_events_per_item"]
        columns[str(name)] = column
    frame = pd.DataFrame(columns, dtype=object)
    frame.index = pd.MultiIndex.from_tuples(frame.index, names=["metric", "unit"])
    return frame


@checked
def default_threshold(result: xr.Dataset) -> float:
    """The accuracy to reach if none is asked for: `DEFAULT_THRESHOLD` of the ANN's accuracy (of the peak without one)."""
    ann = _ann_accuracy(result)
    return DEFAULT_THRESHOLD * (peak_accuracy(result) if ann is None else ann)


@checked
def step_milliseconds(result: xr.Dataset) -> float | None:
    """How long a time step of a result is, in milliseconds; None where time has no unit (`Settings.step_ms`)."""
    found = result.attrs.get("step_ms")
    return None if found is None else float(found)


def _shortfall(result: xr.Dataset, reference: str | float, frontier: bool) -> np.ndarray:
    """(A_ref - A(t)) / A_ref for every step, float64 (T,)."""
    target = reference_accuracy(result, reference)
    accuracy = _accuracy(result)
    if frontier:
        accuracy = np.maximum.accumulate(accuracy)
    return (target - accuracy) / target


def _ann_accuracy(result: xr.Dataset) -> float | None:
    value = float(result.attrs.get("ann_accuracy", np.nan))
    return value if np.isfinite(value) else None


def _hopeless(result: xr.Dataset, reference: str) -> bool:
    """Whether the named reference accuracy is 0, so that nothing can be measured against it."""
    check.choice("reference", reference, REFERENCES)
    return (peak_accuracy(result) if reference == "peak" else _ann_accuracy(result)) == 0


def _accuracy(result: xr.Dataset) -> np.ndarray:
    """A(t), float64 (T,)."""
    return _curve(result, "accuracy").values.astype(np.float64)


def _curve(result: xr.Dataset, name: str) -> xr.DataArray:
    curve = _variable(result, name)
    if curve.sizes.get("time", 0) == 0:
        raise InputError(f"`result[{name!r}]` must hold at least one time step. Received: sizes {dict(curve.sizes)}")
    return curve


def _variable(result: xr.Dataset, name: str) -> xr.DataArray:
    if not hasattr(result, "data_vars"):
        raise InputError(f"`result` must be the xarray.Dataset of a simulation. Received: {check.describe(result)}")
    if name not in result:
        raise InputError(
            f"`result` must hold {name!r}, which every simulation records. "
            f"Received: {', '.join(sorted(map(str, result.data_vars))) or 'no variables'}"
        )
    return result[name]
