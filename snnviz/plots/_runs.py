"""One result or several: what every plot accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from snnviz import _checks as check
from snnviz import metrics
from snnviz._arguments import checked
from snnviz.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Results: TypeAlias = "xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset]"


@checked
def named(results: Results) -> dict[str, xr.Dataset]:
    """Results by name: the keys of a mapping, else their titles, made different from each other.

    Raises:
        InputError: if there is none, or one is no result.
    """
    import xarray as xr

    found: dict[str, xr.Dataset] = {}
    given: Any = [results] if isinstance(results, xr.Dataset) else results  # a Dataset is a Mapping as well
    if isinstance(given, Mapping):
        found = {str(name): result for name, result in given.items()}
    elif isinstance(given, Sequence) and not isinstance(given, str):
        for position, result in enumerate(given, start=1):
            title = str(getattr(result, "attrs", {}).get("title", "")) or f"run {position}"
            name, number = title, 2
            while name in found:
                name, number = f"{title} ({number})", number + 1
            found[name] = result
    else:
        raise InputError(f"`results` must be a result, or several. Received: {check.describe(results)}")
    if not found:
        raise InputError("`results` must hold at least one result. Received: none")
    for name, result in found.items():
        if not isinstance(result, xr.Dataset):
            raise InputError(
                f"`results` must hold the xarray.Datasets of simulations. Received: {check.describe(result)} as {name!r}"
            )
    return found


def single(result: xr.Dataset) -> xr.Dataset:
    """`result`, which must be one result."""
    (found,) = named([result]).values()
    return found


def recorded(result: xr.Dataset, name: str, how: str) -> xr.DataArray:
    """Variable `name` of a result, which `simulate` keeps only on request.

    Raises:
        InputError: if it is not there; `how` is the argument that would have kept it.
    """
    found = single(result)
    if name not in found:
        raise InputError(
            f"`result` must hold {name!r}; simulate with {how}. Received: {sorted(map(str, found.data_vars))}"
        )
    return found[name]


def traced_item(item: int, variable: xr.DataArray, dimension: str = "traced") -> int:
    """`item` as an index into the items of `variable`."""
    return check.integer("item", item, 0, variable.sizes[dimension] - 1)


@checked
def step_unit(results: Results) -> str:
    """What time is counted in: "steps", or "steps of 10 ms" where all results say how long theirs are, and the same."""
    lengths = {metrics.step_milliseconds(result) for result in named(results).values()}
    length = lengths.pop()
    return "steps" if lengths or length is None else f"steps of {length:g} ms"


@checked
def crossings_data(results: Results, threshold: float | Mapping[str, float]) -> pd.DataFrame:
    """Where each run reaches an accuracy: columns run, threshold, time, events, crossed (`snnviz.metrics`).

    Args:
        results: a result, or several.
        threshold: the accuracy, a fraction; or one per run by name, runs left out being skipped.
    """
    import pandas as pd

    rows = []
    for name, result in named(results).items():
        goal = threshold.get(name) if isinstance(threshold, Mapping) else threshold
        if goal is None:
            continue
        time, events = metrics.time_to_accuracy(result, goal), metrics.events_to_accuracy(result, goal)
        rows.append((name, float(goal), int(time.value), events.value, time.crossed))
    return pd.DataFrame(rows, columns=["run", "threshold", "time", "events", "crossed"])


def curves_data(results: Results) -> pd.DataFrame:
    """Accuracy and cost of every run at every step.

    Columns: run, time (step), accuracy (fraction), step_events and cumulative_events (synaptic events per item).
    """
    import numpy as np
    import pandas as pd

    parts = []
    for name, result in named(results).items():
        events = metrics.events_per_step(result)
        parts.append(
            pd.DataFrame(
                {
                    "run": name,
                    "time": np.arange(1, len(events) + 1),
                    "accuracy": result["accuracy"].values,
                    "step_events": events,
                    "cumulative_events": events.cumsum(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
