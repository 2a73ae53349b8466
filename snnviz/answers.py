"""How the answer to each item evolves: which are right from the first step on, which late, which never, which waver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

KINDS = ("all", "never right", "wrong at the end", "late", "wavering")
"""What `select` can pick: all items, in order; those that are never right; those wrong after the last step; those that settle on
the right answer, latest first; those whose answer changes, most changes first."""


@checked
def table(result: xr.Dataset) -> pd.DataFrame:
    """One row an item, index `item`.

    Columns:

    - label: the true class, an index;
    - first_right: the first step t after which the answer is right; T + 1 if it never is;
    - settled: the first step from which on the answer stays right; T + 1 if it is wrong after the last;
    - changes: how often the answer changes from one step to the next.

    Args:
        result: a result with `prediction`, from `simulate(..., record=["prediction"])`.

    Raises:
        InputError: if predictions were not recorded.
    """
    import pandas as pd

    if "prediction" not in getattr(result, "data_vars", {}):
        raise InputError(
            "`result` must hold 'prediction'; simulate with record=[\"prediction\"]. "
            f"Received: {', '.join(sorted(map(str, getattr(result, 'data_vars', []))))}"
        )
    prediction = result["prediction"].transpose("item", "time").values
    label = result["label"].values
    right = prediction == label[:, None]
    steps = right.shape[1]
    wrong_last = steps - (~right)[:, ::-1].argmax(axis=1)  # the last wrong step, from 1
    return pd.DataFrame(
        {
            "label": label,
            "first_right": np.where(right.any(axis=1), right.argmax(axis=1) + 1, steps + 1),
            "settled": np.where(right.all(axis=1), 1, wrong_last + 1),
            "changes": (prediction[:, 1:] != prediction[:, :-1]).sum(axis=1),
        },
        index=pd.RangeIndex(len(label), name="item"),
    )


def select(answers: pd.DataFrame, kind: str, steps: int, label: int | None = None) -> np.ndarray:
    """Items of a kind, int64, those most worth a look first.

    Args:
        answers: what `table` returned.
        kind: one of `KINDS`.
        steps: number of steps T of the result.
        label: only items of this true class; None takes all.
    """
    check.choice("kind", kind, KINDS)
    check.integer("steps", steps, 1)
    found = answers if label is None else answers[answers["label"] == check.integer("label", label, 0)]
    if kind == "never right":
        found = found[found["first_right"] > steps]
    elif kind == "wrong at the end":
        found = found[found["settled"] > steps]
    elif kind == "late":
        found = found[(found["settled"] > 1) & (found["settled"] <= steps)]
        found = found.sort_values("settled", ascending=False, kind="stable")
    elif kind == "wavering":
        found = found[found["changes"] > 0].sort_values("changes", ascending=False, kind="stable")
    return found.index.to_numpy(np.int64)
