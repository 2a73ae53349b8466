"""Which settings made the difference between runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._extras import need
from snnviz.errors import InputError
from snnviz.runs.run import Run
from snnviz.runs.search import as_number

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 4
"""Runs below which nothing is said of importance."""


@checked
def settings_table(runs: Sequence[Run], metric: str) -> pd.DataFrame:
    """The settings in which runs differ, beside a metric of theirs: a row a run that has it, in their order.

    Of settings that say the same one is left: equal ones once, and none that follows one to one from what a run was asked for.

    Returns:
        Columns `run` (its name), the settings (numbers where all of them are, else texts; a setting that a run has not is
        "none"), and `metric`'s, all of which are numbers.

    Raises:
        InputError: if no run has that metric.
    """
    import pandas as pd

    known = [run for run in runs if np.isfinite(run.metrics.get(metric, np.nan))]
    if not known:
        raise InputError(f"`metric` must be one that a run has. Received: {check.describe(metric)}")
    names = sorted({name for run in known for name in run.params if name not in run.metrics} - {metric, "run"})
    asked = {name for run in known for name in (run.spec or {}).get("options", {})}
    columns: dict[str, Any] = {"run": [run.name or run.kind for run in known]}
    kept: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: name not in asked):
        values = [run.params.get(name, "none") for run in known]
        told = any(
            values == others or (one in asked and name not in asked and _paired(values, others))
            for one, others in kept.items()
        )
        if len(set(values)) > 1 and not told:
            kept[name] = values
    for name in filter(kept.__contains__, names):
        numbers = [as_number(value) for value in kept[name]]
        columns[name] = kept[name] if any(number is None for number in numbers) else numbers
    return pd.DataFrame(columns | {metric: [run.metrics[metric] for run in known]})


def _paired(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether each value of one setting goes with one of another's, and the other way round."""
    return len(set(zip(some, others, strict=True))) == len(set(some)) == len(set(others))


@checked
def importance(table: pd.DataFrame, target: str, high: bool = True) -> pd.DataFrame:
    """How much each setting decides whether a run is among the best: Optuna's PED-ANOVA.

    It compares how a setting is distributed among the best tenth of runs and among all of them. With few runs it is a hint at
    most; settings that were changed together share what one of them did.

    Args:
        table: a row a run, as `settings_table` gives it, or `snnviz.sparsity_sweep.Sweep.table`: settings and `target`.
        target: column to be explained.
        high: whether more of it is better.

    Returns:
        Columns setting and importance, which sums to 1, the largest first. Settings with one value are left out.

    Raises:
        InputError: if there are fewer than four rows, `target` is no column of finite numbers, or Optuna is not installed.
    """
    high = check.flag("high", high)
    settings = _varying(table, target)
    need("the importance of settings", "optuna", "Optuna", "optimization")
    import optuna
    import pandas as pd
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    space: dict[str, Any] = {}
    for name in settings:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column):
            space[name] = FloatDistribution(float(column.min()), float(column.max()))
        else:
            space[name] = CategoricalDistribution(sorted(set(column.astype(str))))
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(direction="maximize" if high else "minimize")
        for _, row in table.iterrows():
            numbers = {
                name: float(row[name]) if isinstance(kind, FloatDistribution) else str(row[name])
                for name, kind in space.items()
            }
            study.add_trial(optuna.create_trial(params=numbers, distributions=space, value=float(row[target])))
        judge = optuna.importance.PedAnovaImportanceEvaluator()
        found = optuna.importance.get_param_importances(study, evaluator=judge)
    finally:
        optuna.logging.set_verbosity(verbosity)
    return pd.DataFrame({"setting": list(found), "importance": [float(value) for value in found.values()]})


def _varying(table: Any, target: Any) -> list[str]:
    """The settings of a table that have more than one value."""
    import pandas as pd

    if not isinstance(table, pd.DataFrame) or len(table) < FEWEST:
        what = f"{len(table)} rows" if isinstance(table, pd.DataFrame) else check.describe(table)
        raise InputError(f"`table` must be a table of {FEWEST} runs or more. Received: {what}")
    if (
        target not in list(table)
        or not pd.api.types.is_numeric_dtype(table[target])
        or not np.isfinite(table[target]).all()
    ):
        raise InputError(f"`target` must be a column of finite numbers. Received: {check.describe(target)}")
    settings = [str(name) for name in table if name not in ("run", target) and table[name].astype(str).nunique() > 1]
    if not settings:
        raise InputError("`table` must hold a setting that differs between runs. Received: none")
    return settings
