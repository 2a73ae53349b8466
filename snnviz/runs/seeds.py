"""Runs that differ in their seed alone: how far chance moves what came out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from snnviz import uncertainty
from snnviz._arguments import checked
from snnviz.runs.run import Run

if TYPE_CHECKING:
    import pandas as pd

SEED = "seed"
FILES = ("out", "checkpoint", "history", "plan", "title")
"""What runs are told beside settings: where files lie, and what a result is called."""
_AMOUNTS = ("seconds", "wall_time_s", "lambda_a", "lambda_w", "learning_rate", "best_epoch", "epoch")
"""Metrics that are no result: times, and settings that are recorded by step."""


@checked
def over_seeds(runs: Sequence[Run], level: float = uncertainty.LEVEL) -> pd.DataFrame:
    """The mean of every metric over finished runs whose settings differ in the seed alone, with the interval of that mean.

    Args:
        runs: any; those that have no such companion among them are left out.
        level: see `snnviz.uncertainty.mean_interval`.

    Returns:
        A row for each group of such runs and each metric that all of them have: columns `run` (the name of the group's first),
        `metric`, `mean`, `low`, `high` and `n`, the number of seeds.
    """
    import pandas as pd

    groups: dict[tuple[object, ...], dict[str, Run]] = {}
    for run in runs:
        if run.status == "FINISHED" and SEED in run.params:
            alike = tuple(sorted((name, value) for name, value in run.params.items() if name not in (SEED, *FILES)))
            groups.setdefault((run.kind, alike), {}).setdefault(run.params[SEED], run)
    rows = []
    for of_seed in groups.values():
        group = [*of_seed.values()]
        if len(group) < 2:
            continue
        for name in sorted(set.intersection(*(set(run.metrics) for run in group)) - set(_AMOUNTS)):
            values = [run.metrics[name] for run in group]
            if all(map(math.isfinite, values)):
                low, high = uncertainty.mean_interval(values, level)
                rows.append((group[0].name or group[0].kind, name, sum(values) / len(values), low, high, len(values)))
    return pd.DataFrame(rows, columns=["run", "metric", "mean", "low", "high", "n"])
