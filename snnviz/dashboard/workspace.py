"""What pages show and what they may do: results handed in, the store of runs, and the launching of jobs.

Pages get a `Workspace` handed in and reach files, the store and processes through it alone, so that one place decides what a
browser may ask for.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sized
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from snnviz import metrics
from snnviz.dashboard.watching import Watcher
from snnviz.errors import InputError
from snnviz.plots import Results, named

if TYPE_CHECKING:
    from snnviz.network import SpikingNetwork
    from snnviz.runs import Run, Store

T = TypeVar("T")

RESULT_KINDS = ("simulate", "optimize")
"""Kinds of runs that leave a simulation result."""
MODEL_KINDS = ("train", "finetune")
"""Kinds of runs that leave a Keras model."""
_KEPT = 8
READ_ONLY = "these pages are served read-only: nothing is launched, cancelled or resumed from them"


class Workspace:
    """Results and runs by name, shared by all sessions and never changed by them.

    Args:
        results: a result, a sequence of results (named by their titles), or a mapping from names; None for none.
        store: where runs are kept; None for no store, and then nothing can be launched.
        read_only: launch, cancel and resume nothing, whoever asks.

    Attributes:
        watcher: what is known of the store's runs; None without a store.

    Raises:
        InputError: if `results` holds anything else.
    """

    def __init__(
        self, results: Results | None = None, *, store: Store | None = None, read_only: bool = False
    ) -> None:
        nothing = results is None or (
            isinstance(results, Sized) and not isinstance(results, xr.Dataset) and not len(results)
        )
        self._results: dict[str, xr.Dataset] = {} if nothing else named(results)  # type: ignore[arg-type]
        self.store = store
        self.read_only = read_only
        self.watcher = None if store is None else Watcher(store)
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._guard = threading.Lock()

    @classmethod
    def of(cls, value: Any) -> Workspace:
        """`value` if it is a workspace, else one that holds it as its results."""
        return value if isinstance(value, Workspace) else cls(value)

    # --- runs ---------------------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """The runs of the store, newest first, as they were a moment ago."""
        return [] if self.watcher is None else self.watcher.runs()

    @property
    def may_launch(self) -> bool:
        """Whether jobs can be launched from here."""
        return self.store is not None and not self.read_only

    def launch(self, spec: Mapping[str, Any]) -> str:
        """Start a job as a process of its own and return the id of its run; see `snnviz.jobs.launch`."""
        from snnviz import jobs

        return self._act(lambda store: jobs.launch(spec, store=store))

    def cancel(self, run_id: str) -> str:
        """Stop a run within five seconds; see `snnviz.jobs.cancel`."""
        from snnviz import jobs

        return self._act(lambda store: jobs.cancel(run_id, store=store).id)

    def resume(self, run_id: str) -> str:
        """Go on with a run that failed or was killed; see `snnviz.jobs.resume`."""
        from snnviz import jobs

        return self._act(lambda store: jobs.resume(run_id, store=store))

    def log(self, run_id: str, lines: int = 200) -> str:
        """The last lines of a run's log."""
        from snnviz import jobs

        return "" if self.store is None else jobs.tail(run_id, lines, store=self.store)

    def _act(self, act: Callable[[Store], str]) -> str:
        if self.read_only:
            raise InputError(READ_ONLY)
        if self.store is None:
            raise InputError("these pages have no store of runs, so nothing can be launched from them")
        done = act(self.store)
        if self.watcher is not None:
            self.watcher.look_now()
        return done

    # --- results ------------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """Names of the results at hand: those handed in, then those of finished runs, newest first."""
        return [*self._results, *self._by_name(RESULT_KINDS)]

    def result(self, name: str) -> xr.Dataset:
        """The result called `name`.

        Raises:
            InputError: for an unknown name, or a run that left no result.
        """
        if name in self._results:
            return self._results[name]
        run = self._by_name(RESULT_KINDS).get(name)
        if run is None or self.store is None:
            raise InputError(f"`name` must be one of {', '.join(self.names()) or 'no result'}. Received: {name!r}")
        store = self.store
        return self._remembered(("result", run.id), lambda: store.result(run.id))

    def scores(self, reference: str = "ann") -> pd.DataFrame:
        """The anytime metrics of every result: columns run, peak_accuracy, pareto_latency, pareto_power.

        For a run of the store they are those that it recorded, measured against its ANN, whatever the reference.
        """
        rows: list[tuple[Any, ...]] = [
            (
                name,
                metrics.peak_accuracy(result),
                metrics.pareto_latency(result, reference),
                metrics.pareto_power(result, reference),
            )
            for name, result in self._results.items()
        ]
        columns = ("peak_accuracy", "pareto_latency", "pareto_power")
        for name, run in self._by_name(RESULT_KINDS).items():
            if all(column in run.metrics for column in columns):
                rows.append((name, *(run.metrics[column] for column in columns)))
        return pd.DataFrame(rows, columns=["run", *columns])

    def network(self, name: str) -> SpikingNetwork | None:
        """The network behind the result called `name`, where it is at hand: a run's own, or a shipped one."""
        run = self._by_name((*RESULT_KINDS, *MODEL_KINDS)).get(name)
        if run is not None and self.store is not None:
            store = self.store
            return self._remembered(("network", run.id), lambda: store.network(run.id))
        return self._shipped().get(str(self.result(name).attrs.get("network_hash", "")))

    def images(self, name: str) -> np.ndarray | None:
        """The images that the result called `name` is of, where they are known: (items, height, width, channels)."""
        result = self.result(name)
        dataset = str(result.attrs.get("dataset", ""))
        if not dataset:
            return None

        def load() -> np.ndarray | None:
            from snnviz import datasets

            for split in ("test", "train"):
                try:
                    found = datasets.load(dataset, split=split)
                except InputError:
                    continue
                labels = result["label"].values
                if len(found) >= len(labels) and np.array_equal(found.y[: len(labels)], labels):
                    return found.x[: len(labels)]
            return None

        return self._remembered(("images", dataset, result.attrs.get("network_hash"), result.sizes.get("item")), load)

    def trace(self, name: str, item: int) -> xr.Dataset | None:
        """Scores, spikes and potentials of one item, as the result of simulating it alone; None without network or image.

        It takes milliseconds: the event engine, on one item.
        """
        network, images = self.network(name), self.images(name)
        if network is None or images is None:
            return None
        result = self.result(name)

        def simulate() -> xr.Dataset:
            import json

            from snnviz.simulation import Record
            from snnviz.simulation import simulate as run

            record = Record(
                logits=True, events=True, spikes=network.firing_names, potentials=network.layer_names, items=1
            )
            part = slice(item, item + 1)
            settings = json.loads(str(result.attrs["settings"]))
            return run(
                network, images[part], result["label"].values[part], engine="event", record=record, progress=False, **settings
            )

        return self._remembered(("trace", name, item), simulate)

    def _by_name(self, kinds: tuple[str, ...]) -> dict[str, Run]:
        """Finished runs of these kinds by the name they have on the pages."""
        return {label(run): run for run in self.runs() if run.status == "FINISHED" and run.kind in kinds}

    def _shipped(self) -> dict[str, SpikingNetwork]:
        def load() -> dict[str, SpikingNetwork]:
            from snnviz import pretrained

            found = [pretrained.network(name) for name in pretrained.names() if pretrained.path(name).suffix == ".npz"]
            return {network.hash: network for network in found}

        return self._remembered("shipped", load)

    def _remembered(self, key: Any, make: Callable[[], T]) -> T:
        """What `make` returns, kept for as long as it is among the last things asked for."""
        with self._guard:
            if key not in self._kept:
                self._kept[key] = make()
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            found: T = self._kept[key]
            return found


def label(run: Run) -> str:
    """The name of a run on the pages: its own, and the beginning of its id, which tells it from others of that name."""
    return f"{run.name or run.kind} · {run.id[:6]}"
