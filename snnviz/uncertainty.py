"""How far measured figures can be trusted: intervals over the items they were measured on, and what a budget buys.

A result is a sample of the images there are: other items would have given other figures. An accuracy is a fraction, with Wilson's
interval. The Pareto metrics are sums over a whole curve, whose steps depend on each other, and have a bootstrap's: items are drawn
again, with all their steps, and each draw is scored. Networks that were run on the same items are compared on the same draws, which
shows differences far smaller than either interval (a paired bootstrap).
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz import energy, metrics
from snnviz._arguments import checked
from snnviz.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

LEVEL = 0.95
DRAWS = 1000
FIGURES = ("peak_accuracy", "pareto_latency", "pareto_power")
UNITS = ("steps", "events", "joules")
_CHUNK_BYTES = 32 * 2**20


@checked
def accuracy_interval(result: xr.Dataset, level: float = LEVEL) -> np.ndarray:
    """The interval of the accuracy after each step: float64 (2, T), the lower and the upper ends, fractions; see `wilson`.

    Args:
        result: a result; its items are `attrs["items"]`, or the size of `item`.
        level: how often such intervals hold the true accuracy, in (0, 1).
    """
    return wilson(metrics._accuracy(result), items(result), level)


@checked
def wilson(share: float | np.ndarray, items: int, level: float = LEVEL) -> np.ndarray:
    """Wilson's interval of shares that were measured: float64 (2, ...), the lower and the upper ends, fractions.

    With p the share, n items and z the normal quantile of (1 + level) / 2:
    (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n). (E. B. Wilson, 1927.)

    Args:
        share: the fraction of the items of which something holds, e.g. that the answer is right; one, or an array of them.
        items: on how many it was measured.
        level: how often such intervals hold the true share, in (0, 1).
    """
    p = check.finite("share", np.asarray(share, np.float64))
    if p.size and not 0 <= p.min() <= p.max() <= 1:
        raise InputError(f"`share` must be in [0, 1]. Received: values from {p.min():g} to {p.max():g}")
    n, z = check.integer("items", items, 1), _quantile(level)
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return np.clip(np.stack([middle - half, middle + half]), 0.0, 1.0)


@checked
def mean_interval(values: Sequence[float], level: float = LEVEL) -> np.ndarray:
    """Student's interval of a mean, e.g. over seeds: float64 (2,), the lower and the upper end.

    With m the mean of n values, s their standard deviation (divided by n - 1) and t the quantile of (1 + level) / 2 of Student's
    distribution with n - 1 degrees of freedom: m -+ t s / sqrt(n). (W. S. Gosset, 1908.) Of two values it is wide: t is 12.7.

    Args:
        values: one for each seed, at least two.
        level: how often such intervals hold the true mean, in (0, 1).
    """
    from scipy.special import stdtrit

    _quantile(level)  # that it is one
    given = check.finite("values", np.asarray(values, np.float64))
    if given.ndim != 1 or given.size < 2:
        raise InputError(f"`values` must be two numbers or more. Received: {check.describe(given)}")
    half = stdtrit(given.size - 1, (1 + level) / 2) * given.std(ddof=1) / np.sqrt(given.size)
    return np.array([given.mean() - half, given.mean() + half])


@checked
def items(result: xr.Dataset) -> int:
    """On how many items a result was measured."""
    found = int(result.attrs.get("items", 0)) or int(result.sizes.get("item", 0))
    if found < 1:
        raise InputError(
            '`result` must say on how many items it was measured (attribute "items"). Received: one that does not'
        )
    return found


@checked
def intervals(
    results: xr.Dataset | Mapping[str, xr.Dataset],
    reference: str | float = "ann",
    frontier: bool = False,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> pd.DataFrame:
    """Peak accuracy, Pareto latency and power, each with a bootstrap interval over items, and differences to the first result.

    Args:
        results: a result, or several by name; with `prediction` (`simulate(..., record=["prediction"])`), and with `item_events`
            (`record=["events"]`) the events are drawn with their items, else their mean is taken as known.
        reference: A_ref, see `snnviz.metrics.reference_accuracy`; it is taken as known.
        frontier: see `snnviz.metrics.pareto_latency`.
        level: how often such intervals hold the true figure, in (0, 1).
        draws: samples of the bootstrap.
        seed: of the draws: the same for all results, so that those of the same items are compared on the same draws.

    Returns:
        A row for each result and figure, columns `run`, `figure` (peak_accuracy at the step of the measured peak, pareto_latency,
        pareto_power), `value`, `low`, `high`, `items`, and `difference`, `difference_low`, `difference_high`: the figure minus the
        first result's on the same draws; NaN for the first, and where the items are others.

    Raises:
        InputError: if a result holds no predictions, or an argument is out of range.
    """
    import pandas as pd
    import xarray as xr

    check.integer("draws", draws, 10, 100_000)
    check.integer("seed", seed, 0)
    tail = 50 * (1 - check.real("level", level, 0, 1, above=True))
    named = (
        {str(results.attrs.get("title", "")) or "result": results} if isinstance(results, xr.Dataset) else dict(results)
    )
    if not named:
        raise InputError("`results` must hold at least one result. Received: none")
    first = next(iter(named.values()))
    rows: list[dict[str, Any]] = []
    begun: dict[str, np.ndarray] = {}
    for name, result in named.items():
        target = metrics.reference_accuracy(result, reference)
        drawn = _drawn(result, target, frontier, draws, seed)
        measured = (
            metrics.peak_accuracy(result),
            metrics.pareto_latency(result, target, frontier),
            metrics.pareto_power(result, target, frontier),
        )
        paired = result is not first and same_items(result, first)
        for figure, value in zip(FIGURES, measured, strict=True):
            row: dict[str, Any] = {"run": name, "figure": figure, "value": value, "items": items(result)}
            row["low"], row["high"] = np.percentile(drawn[figure], [tail, 100 - tail])
            row |= {"difference": np.nan, "difference_low": np.nan, "difference_high": np.nan}
            if paired:
                row["difference"] = value - next(r["value"] for r in rows if r["figure"] == figure)
                ends = np.percentile(drawn[figure] - begun[figure], [tail, 100 - tail])
                row["difference_low"], row["difference_high"] = ends
            rows.append(row)
        begun = begun or drawn
    columns = ["run", "figure", "value", "low", "high", "items", "difference", "difference_low", "difference_high"]
    return pd.DataFrame(rows)[columns]


@checked
def same_items(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Whether two results are of the same items, as far as their data sets' names and labels say."""
    if "label" not in one or "label" not in other:
        return False
    return one.attrs.get("dataset") == other.attrs.get("dataset") and bool(
        np.array_equal(one["label"].values, other["label"].values)
    )


def _drawn(result: xr.Dataset, target: float, frontier: bool, draws: int, seed: int) -> dict[str, np.ndarray]:
    """Every figure of every draw, float64 (draws) each."""
    right = _right(result)
    events = metrics.events_per_step(result)
    own = None
    if "item_events" in result:
        own = result["item_events"].sum("layer").transpose("item", "time").values.astype(np.float32)
    peak = metrics.peak_time(result) - 1
    count = len(right)
    random = np.random.default_rng(seed)
    found: dict[str, list[np.ndarray]] = {figure: [] for figure in FIGURES}
    most = max(1, _CHUNK_BYTES // (8 * count))
    for start in range(0, draws, most):
        size = min(most, draws - start)
        chosen = random.integers(0, count, (size, count))
        # how often each item is in each draw
        chosen += count * np.arange(size)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=size * count).reshape(size, count).astype(np.float32)
        accuracy = (weights @ right).astype(np.float64) / count
        spent = events if own is None else (weights @ own).astype(np.float64) / count
        found["peak_accuracy"].append(accuracy[:, peak])
        if frontier:
            accuracy = np.maximum.accumulate(accuracy, axis=1)
        short = (target - accuracy) / target
        found["pareto_latency"].append(short.sum(axis=1))
        found["pareto_power"].append((short * spent).sum(axis=1))
    return {figure: np.concatenate(parts) for figure, parts in found.items()}


def _right(result: xr.Dataset) -> np.ndarray:
    """Whether each item is right after each step, float32 (items, steps)."""
    if "prediction" not in result or "label" not in result:
        raise InputError(
            '`results` must hold the answers to each item; simulate with record=["prediction"]. '
            f"Received: {', '.join(sorted(map(str, result.data_vars)))}"
        )
    answers = result["prediction"].transpose("item", "time").values
    return np.asarray(answers == result["label"].values[:, None], np.float32)


@checked
def within_budget(
    results: xr.Dataset | Mapping[str, xr.Dataset],
    budget: float,
    unit: str = "steps",
    level: float = LEVEL,
    platform: str = "Loihi",
) -> pd.DataFrame:
    """What each network can do within a budget: stopped at its most accurate step that the budget allows.

    Args:
        results: a result, or several by name.
        budget: the most that an answer may take.
        unit: "steps"; "events" (synaptic events per item, mean over items); or "joules" per item, an estimate.
        level: of the intervals, in (0, 1).
        platform: whose energy is estimated, a spiking one of `snnviz.energy.PLATFORMS`.

    Returns:
        A row a result, the most accurate first: `run`, `time` (step at which it is stopped), `events` and `joules` (per item, by
        then), `accuracy`, `low`, `high` (Wilson's interval), `items`; and against the first row `behind`, `behind_low`,
        `behind_high`: how much less accurate, with the normal interval of paired answers where both are of the same items and
        recorded, else of two samples. A network that has no answer within the budget has step 0 and NaN.

    Raises:
        InputError: if the budget is not above 0, or `unit` is another.
    """
    import pandas as pd
    import xarray as xr

    check.choice("unit", unit, UNITS)
    check.choice("platform", platform, [name for name, known in energy.PLATFORMS.items() if known.spiking])
    most = check.real("budget", budget, 0, above=True)
    named = (
        {str(results.attrs.get("title", "")) or "result": results} if isinstance(results, xr.Dataset) else dict(results)
    )
    if not named:
        raise InputError("`results` must hold at least one result. Received: none")
    rows = []
    for name, result in named.items():
        spent = metrics.events_per_step(result).cumsum()
        allowed = bisect.bisect_right(range(1, len(spent) + 1), most, key=_cost(result, spent, unit, platform))
        row: dict[str, Any] = dict.fromkeys(("events", "joules", "accuracy", "low", "high"), np.nan)
        row = {"run": name, "time": 0, **row}
        if allowed:
            accuracy = metrics._accuracy(result)[:allowed]
            at = int(accuracy.argmax())
            low, high = accuracy_interval(result, level)[:, at]
            row |= {"time": at + 1, "events": spent[at], "accuracy": accuracy[at], "low": low, "high": high}
            row["joules"] = _joules(result, at + 1, platform)
        rows.append(row | {"items": items(result)})
    rows.sort(key=lambda row: -np.nan_to_num(row["accuracy"], nan=-1.0))
    for row in rows:
        row |= dict(zip(("behind", "behind_low", "behind_high"), _behind(rows[0], row, named, level), strict=True))
    return pd.DataFrame(rows)


def _cost(result: xr.Dataset, spent: np.ndarray, unit: str, platform: str) -> Callable[[int], float]:
    """What stopping after a step takes; it never falls from step to step."""
    if unit == "steps":
        return float
    if unit == "events":
        return lambda step: float(spent[step - 1])
    return lambda step: _joules(result, step, platform)


def _joules(result: xr.Dataset, step: int, platform: str) -> float:
    table = energy.estimate(result, step).set_index("platform")
    return float(table.loc[platform, "energy"])


def _behind(
    best: dict[str, Any], row: dict[str, Any], named: Mapping[str, Any], level: float
) -> tuple[float, float, float]:
    """By how much a network is less accurate than the best, and the interval of that."""
    if row is best or not row["time"]:
        return (np.nan, np.nan, np.nan)
    first, other = named[best["run"]], named[row["run"]]
    gap = best["accuracy"] - row["accuracy"]
    if same_items(first, other) and "prediction" in first and "prediction" in other:
        ahead = _right(first)[:, best["time"] - 1] - _right(other)[:, row["time"] - 1]
        spread = float(ahead.std() / np.sqrt(len(ahead)))
    else:
        parts = [entry["accuracy"] * (1 - entry["accuracy"]) / entry["items"] for entry in (best, row)]
        spread = float(np.sqrt(sum(parts)))
    half = _quantile(level) * spread
    return gap, gap - half, gap + half


@checked
def common_reference(results: Mapping[str, xr.Dataset]) -> float | None:
    """One A_ref for results that are compared: the best of their ANN accuracies; None where none has one."""
    known = [float(result.attrs.get("ann_accuracy", np.nan)) for result in results.values()]
    known = [value for value in known if np.isfinite(value) and value > 0]
    return max(known) if known else None


@checked
def caution(results: Mapping[str, xr.Dataset], level: float = LEVEL) -> str:
    """A sentence where so few items were taken that the order of results may be chance; empty where all stand apart.

    Two peaks stand apart if the interval of their difference leaves out 0.
    """
    named = {name: result for name, result in results.items() if items(result)}
    if not named:
        return ""
    told = within_budget(named, float(max(result.sizes["time"] for result in named.values())), "steps", level)
    near = [str(row.run) for row in told.itertuples() if row.behind_low <= 0]
    fewest = min(told["items"])
    half = 100 * float((told["high"] - told["low"]).max()) / 2
    if not near and half < 1.0:
        return ""
    words = f"On {fewest:,} items an accuracy is known to ± {half:.2g} points"
    if not near:
        return f"{words}."
    best = told["run"][0]
    return f"{words}, and by its peak {best} cannot be told from {', '.join(near)}: take more items before choosing."


def _quantile(level: float) -> float:
    value = check.real("level", level, 0, 1, above=True)
    if value >= 1:
        raise InputError(f"`level` must be below 1. Received: {check.describe(level)}")
    return NormalDist().inv_cdf((1 + value) / 2)
