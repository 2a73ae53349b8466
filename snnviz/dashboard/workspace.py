"""What pages show and what they may do: results handed in, the store of runs, and the launching of jobs.

Pages get a `Workspace` handed in and reach files, the store and processes through it alone, so that one place decides what a
browser may ask for.
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Any

import pandas as pd
import xarray as xr

from snnviz import metrics
from snnviz.errors import InputError
from snnviz.plots import Results, named


class Workspace:
    """Results and runs by name, shared by all sessions and never changed by them.

    Args:
        results: a result, a sequence of results (named by their titles), or a mapping from names; None for none.
        read_only: launch, cancel and resume nothing, whoever asks.

    Raises:
        InputError: if `results` holds anything else.
    """

    def __init__(self, results: Results | None = None, *, read_only: bool = False) -> None:
        nothing = results is None or (
            isinstance(results, Sized) and not isinstance(results, xr.Dataset) and not len(results)
        )
        self._results: dict[str, xr.Dataset] = {} if nothing else named(results)  # type: ignore[arg-type]
        self.read_only = read_only

    @classmethod
    def of(cls, value: Any) -> Workspace:
        """`value` if it is a workspace, else one that holds it as its results."""
        return value if isinstance(value, Workspace) else cls(value)

    def names(self) -> list[str]:
        """Names of the results at hand."""
        return list(self._results)

    def result(self, name: str) -> xr.Dataset:
        """The result called `name`.

        Raises:
            InputError: for an unknown name.
        """
        if name not in self._results:
            raise InputError(f"`name` must be one of {', '.join(self.names()) or 'no result'}. Received: {name!r}")
        return self._results[name]

    def scores(self, reference: str = "ann") -> pd.DataFrame:
        """The anytime metrics of every result: columns run, peak_accuracy, pareto_latency, pareto_power."""
        rows = [
            (
                name,
                metrics.peak_accuracy(result),
                metrics.pareto_latency(result, reference),
                metrics.pareto_power(result, reference),
            )
            for name, result in self._results.items()
        ]
        return pd.DataFrame(rows, columns=["run", "peak_accuracy", "pareto_latency", "pareto_power"])
