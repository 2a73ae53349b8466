"""What pages show and what they may do: results handed in, the store of runs, and the launching of jobs.

Pages get a `Workspace` handed in and reach files, the store and processes through it alone, so that one place decides what a
browser may ask for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence, Sized
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from snnviz import metrics, results
from snnviz._arguments import checked
from snnviz.dashboard import uploads
from snnviz.dashboard.watching import Watcher
from snnviz.errors import InputError
from snnviz.figures import finding
from snnviz.jobs.spec import leaving
from snnviz.jobs.work.sources import FROM_RUN
from snnviz.plots import Results, named

if TYPE_CHECKING:
    from snnviz.events import Recordings
    from snnviz.network import SpikingNetwork
    from snnviz.runs import Run, Store

T = TypeVar("T")

RESULT_KINDS = leaving("result")
"""Kinds of runs that leave a simulation result."""
MODEL_KINDS = leaving("model")
"""Kinds of runs that leave a Keras model."""
_DATA = "data:"
_KEPT = 64
_LARGE = 4
"""Results kept in memory, beside those handed in: one may take 100 MB."""
READ_ONLY = "these pages are served read-only: nothing is launched, cancelled, resumed or changed from them"


class Workspace:
    """Results and runs by name, shared by all sessions and never changed by them.

    Args:
        results: a result, a sequence of results (named by their titles), or a mapping from names; None for none.
        store: where runs are kept; None for no store, and then nothing can be launched.
        read_only: launch, cancel and resume nothing, whoever asks.
        files: where results handed in were read from, by name: their networks and data are looked for in the same folder.
        data: paths of data sets that forms offer, beside the known ones: browsers cannot name a path.

    Attributes:
        watcher: what is known of the store's runs; None without a store.

    Raises:
        InputError: if `results` holds anything else.
    """

    @checked
    def __init__(
        self,
        results: Results | None = None,
        *,
        store: Store | None = None,
        read_only: bool = False,
        files: Mapping[str, str | os.PathLike[str]] | None = None,
        data: Sequence[str | os.PathLike[str]] = (),
    ) -> None:
        nothing = results is None or (
            isinstance(results, Sized) and not isinstance(results, xr.Dataset) and not len(results)
        )
        self._results: dict[str, xr.Dataset] = {} if nothing else named(results)  # type: ignore[arg-type]
        self.store = store
        self.read_only = read_only
        self.watcher = None if store is None else Watcher(store)
        self._files = {name: Path(file).absolute() for name, file in (files or {}).items()}
        self._data = {f"{_DATA}{number}": str(Path(path).absolute()) for number, path in enumerate(data)}
        self._kept: OrderedDict[Any, Any] = OrderedDict()
        self._guard = threading.RLock()

    @classmethod
    def of(cls, value: Any) -> Workspace:
        """`value` if it is a workspace, else one that holds it as its results."""
        return value if isinstance(value, Workspace) else cls(value)

    # --- runs ---------------------------------------------------------------------------------------------------------

    def runs(self) -> list[Run]:
        """The runs of the store, newest first, as they were a moment ago."""
        return [] if self.watcher is None else self.watcher.runs()

    def run(self, run_id: str) -> Run | None:
        """The run of the store with this id, as it was a moment ago; None if there is none."""
        return next((run for run in self.runs() if run.id == run_id), None)

    @property
    def may_launch(self) -> bool:
        """Whether jobs can be launched from here."""
        return self.store is not None and not self.read_only

    def launch(self, spec: Mapping[str, Any]) -> str:
        """Start a job as a process of its own and return the id of its run; see `snnviz.jobs.launch`."""
        from snnviz import jobs

        def launch(store: Store) -> str:
            options = {name: self._located(store, value) for name, value in spec.get("options", {}).items()}
            return jobs.launch({**spec, "options": options}, store=store)

        return self._act(launch)

    def _located(self, store: Store, value: object) -> object:
        """An option as a job takes it: where pages have a name for a path, the path."""
        return (
            self._data.get(value, value)
            if isinstance(value, str) and value.startswith(_DATA)
            else uploads.located(store.home, value)
        )

    def data_sets(self) -> dict[str, str]:
        """The data sets that forms offer: name -> what a job, or `launch`, calls it."""
        from snnviz import datasets

        here = {record.title: record.name for record in datasets.available() if record.state != "not here"}
        named = {Path(path).name: name for name, path in self._data.items()}
        return here | named | ({} if self.store is None else uploads.known(self.store.home, ".npz", uploads.DATA))

    def data_behind(self, source: str) -> str | None:
        """The data set that a model or network remembers to be of, as forms call what there is to start from; None if none."""
        from snnviz.jobs.work import sources
        from snnviz.network import load_network

        if self.store is None:
            return None
        run_id = sources.origin(source)
        if run_id is not None:
            run = self.run(run_id)
            found = None if run is None else run.params.get("data")
        elif (path := str(uploads.located(self.store.home, source))) != source:
            network = load_network(path) if path.endswith(".npz") else None
            shipped = None if network is None else finding.shipped_name(network.hash)
            known = sources.remembered(shipped) if shipped else {} if network is None else network.metadata
            found = known.get("data")
        else:
            found = sources.remembered(source).get("data")
        return None if found is None else str(found)

    def model_of(self, run: Run) -> dict[str, str] | None:
        """What forms call the model that a conversion began with, and its data if it is an upload; None if it is not at hand."""
        from snnviz import pretrained

        given = (run.spec or {}).get("options", {})
        source = given.get("model")
        if self.store is None or run.kind != "convert" or source is None:
            return None
        runs = {FROM_RUN + one.id for one in self.runs() if one.status == "FINISHED" and one.kind in MODEL_KINDS}
        if source in runs or source in pretrained.names():
            return {"source": source}
        source, data = (uploads.called(Path(given.get(name, ""))) for name in ("model", "data"))
        if source not in {one for suffix in (".keras", ".onnx") for one in self.uploads(suffix).values()}:
            return None
        uploaded = uploads.known(self.store.home, ".npz", uploads.DATA)
        return {"source": source, "data": data if data in uploaded.values() else given.get("data", "")}

    def cancel(self, run_id: str) -> str:
        """Stop a run within five seconds; see `snnviz.jobs.cancel`."""
        from snnviz import jobs

        return self._act(lambda store: jobs.cancel(run_id, store=store).id)

    def resume(self, run_id: str) -> str:
        """Go on with a run that failed or was killed; see `snnviz.jobs.resume`."""
        from snnviz import jobs

        return self._act(lambda store: jobs.resume(run_id, store=store))

    def edit(self, run_id: str, **changes: Any) -> str:
        """Change what is said of a run; see `snnviz.runs.Store.edit`."""

        def change(store: Store) -> str:
            store.edit(run_id, **changes)
            return run_id

        return self._act(change)

    def delete(self, run_ids: Sequence[str]) -> str:
        """Delete runs, all or, if one of them still runs, none; see `snnviz.runs.Store.delete`."""

        def delete(store: Store) -> str:
            found = [store.get(run_id) for run_id in run_ids]
            for run in found:
                store.check_ended(run)
            for run in found:
                store.delete(run.id)
            return ""

        return self._act(delete)

    def restore(self, run_ids: Sequence[str]) -> str:
        """Bring deleted runs back; see `snnviz.runs.Store.restore`."""

        def restore(store: Store) -> str:
            for run_id in run_ids:
                store.restore(run_id)
            return ""

        return self._act(restore)

    def log(self, run_id: str, lines: int = 200) -> str:
        """The last lines of a run's log."""
        from snnviz import jobs

        return "" if self.store is None else jobs.tail(run_id, lines, store=self.store)

    def answer(self, run_id: str) -> dict[str, Any]:
        """What a finished run answered, as `snnviz KIND --json` prints it.

        Raises:
            InputError: for a run that left none.
        """
        if self.store is None:
            raise InputError("these pages have no store of runs")
        found: dict[str, Any] = json.loads(self.store.file(run_id, "answer.json").read_text(encoding="utf-8"))
        return found

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

    def given(self) -> list[str]:
        """Names of the results handed in, which are in memory."""
        return list(self._results)

    def of_same_items(self, name: str) -> list[str]:
        """Names of further results that are of the items of the one called `name`, as far as is known without reading them."""
        wanted = self.result(name)
        about = (str(wanted.attrs.get("dataset", "")), wanted.sizes["item"])
        found = [
            other
            for other, result in self._results.items()
            if other != name and np.array_equal(result["label"].values, wanted["label"].values)
        ]
        for other, run in self._by_name(RESULT_KINDS).items():
            if other != name and (run.params.get("data"), run.params.get("items")) == (about[0], str(about[1])):
                found.append(other)
        return found

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
        return self.remembered(("result", run.id), lambda: store.result(run.id))

    def run_of(self, name: str) -> Run | None:
        """The run that left the result called `name`; None for one handed in."""
        return None if name in self._results else self._by_name(RESULT_KINDS).get(name)

    def scores(self, reference: str | float = "ann") -> pd.DataFrame:
        """The anytime metrics of every result against `reference`: columns run, peak_accuracy, pareto_latency, pareto_power.

        Those of a run of the store come from what it recorded; its result is not read.
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
            if all(column in run.metrics for column in ("ann_accuracy", *columns)):
                rows.append((name, *self._recorded(run, reference)))
        return pd.DataFrame(rows, columns=["run", *columns])

    def _recorded(self, run: Run, reference: str | float) -> tuple[float, float, float]:
        """Peak accuracy, Pareto latency and Pareto power of a run; it recorded them against its own ANN.

        Both Pareto metrics are sums over t of (1 - A(t) / A_ref) w(t), w being 1 or the events of a step, so that all it takes to
        turn them to another A_ref is the sum of w.
        """
        own, peak = run.metrics["ann_accuracy"], run.metrics["peak_accuracy"]
        latency, power = run.metrics["pareto_latency"], run.metrics["pareto_power"]
        target = own if reference == "ann" else peak if reference == "peak" else reference
        if target == own or self.store is None:
            return peak, latency, power
        store, share = self.store, own / float(target)
        events = self.remembered(("events", run.id), lambda: store.history(run.id, ["synaptic_events"]).to_numpy())
        steps, spent = len(events), float(events.sum())
        return peak, steps - share * (steps - latency), spent - share * (spent - power)

    def network(self, name: str) -> SpikingNetwork | None:
        """The network behind the result called `name`, where it is at hand: a run's own, a shipped one, one beside its file."""
        run = self._by_name((*RESULT_KINDS, *MODEL_KINDS)).get(name)
        if run is not None and self.store is not None:
            return self.network_of(run.id)
        digest = str(self.result(name).attrs.get("network_hash", ""))
        return self.network_with(digest, self._folders_of(name))

    def network_of(self, run_id: str) -> SpikingNetwork | None:
        """The network that a run of the store left."""
        store = self.store
        return None if store is None else self.remembered(("network", run_id), lambda: store.network(run_id))

    def network_with(self, digest: str, folders: Sequence[Path] = ()) -> SpikingNetwork | None:
        """The network that has this hash: a shipped one, that of a run, or one among the files of some folders."""
        if not digest:
            return None
        if ("hash", digest) in self._kept:  # one that is not there may come
            return self.remembered(("hash", digest), lambda: None)
        found = self._shipped(digest) or self._of_a_run(digest) or finding.network_among(folders, digest)
        return None if found is None else self.remembered(("hash", digest), lambda: found)

    def start_of(self, run: Run) -> SpikingNetwork | None:
        """The network that an optimisation began with; None where it is nowhere any more."""
        source, digest = run.params.get("network", ""), run.params.get("network_hash", "")
        if source.startswith(FROM_RUN) and self.store is not None:
            return self.store.network(source.removeprefix(FROM_RUN))
        file = Path((run.spec or {}).get("folder", ""), source)
        return self.network_with(digest) or finding.network_in(file, digest)

    def _of_a_run(self, digest: str) -> SpikingNetwork | None:
        """The network with this hash that a run was of."""
        for run in self.runs():
            if self.store is not None and run.kind == "simulate" and run.params.get("network_hash") == digest:
                with contextlib.suppress(InputError):  # one that failed left none
                    found = self.store.network(run.id)
                    if found.hash == digest:
                        return found
        return None

    def _folders_of(self, name: str) -> list[Path]:
        """Where the files behind a result may lie."""
        file = self._files.get(name)
        return [] if file is None else list(dict.fromkeys([file.parent, Path.cwd()]))

    def where(self, name: str) -> tuple[str, str]:
        """Where the result called `name` can be loaded from: ("file", its path), ("run", its id), or ("", "") for one in memory.

        A path is seen from the folder in which the pages were started; of a file elsewhere it is the name alone.
        """
        if name in self._files:
            file, here = self._files[name], Path.cwd()
            return "file", str(file.relative_to(here)) if file.is_relative_to(here) else file.name
        run = self.run_of(name)
        return ("", "") if run is None else ("run", run.id[:12])

    def network_where(self, name: str) -> tuple[str, str]:
        """Where the network of the result called `name` can be loaded from: ("shipped", its name), ("run", the id of one that keeps
        it), or ("", its hash) for a file."""
        run = self._by_name((*RESULT_KINDS, *MODEL_KINDS)).get(name)
        if run is not None and name not in self._results:
            return "run", run.id[:12]
        digest = str(self.result(name).attrs.get("network_hash", ""))
        shipped = finding.shipped_name(digest)
        return ("", digest[:10]) if shipped is None else ("shipped", shipped)

    def card_where(self, name: str) -> str:
        """The Python that reads the card called `name`, of a `store`."""
        run = self._by_name(MODEL_KINDS).get(name)
        if run is None:
            return f"snnviz.pretrained.card({name!r})"
        return f"json.loads(store.file({run.id[:12]!r}, 'card.json').read_text())"

    def images(self, name: str) -> np.ndarray | None:
        """The images that the result called `name` is of, where they are known: (items, height, width, channels)."""
        result = self.result(name)
        run = self._by_name(RESULT_KINDS).get(name)
        spec = None if run is None else run.spec
        options = {} if spec is None or run is None else {**spec["options"], "data": run.params.get("data")}
        network = self.network(name)
        labels = hashlib.sha256(np.ascontiguousarray(result["label"].values).data).hexdigest()
        facts = (result.attrs.get(name) for name in ("dataset", "network_hash"))
        key = ("images", *facts, network is None, labels)

        def load() -> np.ndarray | None:
            found = finding.images_of(result, network, options, self._folders_of(name))
            return None if found is None else found.x

        return self.remembered(key, load)

    def recordings(self, name: str) -> Recordings | None:
        """The event recordings that the result called `name` is of; None for one of images, or where they are not known."""
        result = self.result(name)
        images = self.images(name)
        if _settings(result).get("input") != "spikes" or images is None:
            return None
        return self.remembered(
            ("recordings", result.attrs.get("dataset"), len(images)), lambda: self._recordings(name, result)
        )

    def _recordings(self, name: str, result: xr.Dataset) -> Recordings | None:
        run = self._by_name(RESULT_KINDS).get(name)
        params = {} if run is None else run.params
        return finding.recordings_of(result, self.network(name), params.get("data"), self._folders_of(name))

    def trace(self, name: str, item: int) -> xr.Dataset | None:
        """Scores, spikes and potentials of one item, as the result of simulating it alone; None without network or image.

        It takes milliseconds: the event engine, on one item.
        """
        network, images = self.network(name), self.images(name)
        if network is None or images is None:
            return None
        result = self.result(name)

        def simulate() -> xr.Dataset:
            from snnviz.hardware.spinnaker.model import as_simulated
            from snnviz.simulation import Record
            from snnviz.simulation import simulate as run

            part = slice(item, item + 1)
            recordings = self.recordings(name)
            simulated, x = as_simulated(result, network, images[part] if recordings is None else recordings[part])
            record = Record(
                logits=True, events=True, spikes=simulated.firing_names, potentials=simulated.layer_names, items=1
            )
            return run(
                simulated,
                x,
                result["label"].values[part],
                engine="event",
                record=record,
                progress=False,
                first_item=item,
                **_settings(result),
            )

        return self.remembered(("trace", name, item), simulate)

    def before_and_after(self, run_id: str) -> dict[str, xr.Dataset]:
        """The two simulations that a finished optimisation leaves: of the network it began with, and of the one it found."""
        if self.store is None:
            raise InputError("these pages have no store of runs")
        store = self.store

        def load() -> dict[str, xr.Dataset]:
            return {"before": results.load(store.file(run_id, "start.nc")), "after": store.result(run_id)}

        return self.remembered(("pair", run_id), load)

    def card(self, name: str) -> dict[str, Any]:
        """The card of a shipped model, or of a finished training or fine-tuning by its name on the pages.

        Raises:
            InputError: if there is no such model, or it has no card.
        """
        from snnviz import pretrained

        run = self._by_name(MODEL_KINDS).get(name)
        if run is None or self.store is None:
            return pretrained.card(name)
        store = self.store

        def load() -> dict[str, Any]:
            found: dict[str, Any] = json.loads(store.file(run.id, "card.json").read_text())
            return found

        return self.remembered(("card", run.id), load)

    def models(self) -> list[str]:
        """Names of the models that were fine-tuned: finished runs, newest first, then those shipped."""
        from snnviz import pretrained

        shipped = [name for name in pretrained.names() if "sparsity" in pretrained.card(name)]
        shipped.sort(key=lambda name: name != "dense-mnist-sparse")  # the paper's recipe first
        return [*self._by_name(("finetune",)), *shipped]

    def upload(self, name: str, content: bytes) -> tuple[str, str]:
        """Keep a model or data that a browser sends; return which of both, and what pages call it (`snnviz.dashboard.uploads`)."""
        if self.read_only:
            raise InputError(READ_ONLY)
        if self.store is None:
            raise InputError("these pages have no store of runs, so there is no place for an uploaded model")
        kind, path = uploads.keep(self.store.home, name, content)
        return kind, uploads.called(path)

    def uploads(self, suffix: str) -> dict[str, str]:
        """Uploaded models by the name they had: name -> what pages call it; see `snnviz.dashboard.uploads`."""
        return {} if self.store is None else uploads.known(self.store.home, suffix)

    def report(self, name: str, items: int = 100) -> pd.DataFrame:
        """How well the network of the result called `name` stands for its analog network, on its first items.

        Raises:
            InputError: if the network or the images are not at hand.
        """
        network, images = self.network(name), self.images(name)
        if network is None or images is None:
            raise InputError("the network or the images of this run are not at hand, so there is nothing to compare")
        result = self.result(name)
        settings = _settings(result)

        def compare() -> pd.DataFrame:
            from snnviz.conversion.report import conversion_report
            from snnviz.hardware.spinnaker.model import as_simulated

            recordings = self.recordings(name)
            simulated, x = as_simulated(result, network, (images if recordings is None else recordings)[:items])
            return conversion_report(simulated, x, engine="event", progress=False, **settings)

        return self.remembered(("report", name, items), compare)

    def _by_name(self, kinds: tuple[str, ...]) -> dict[str, Run]:
        """Finished runs of these kinds by the name they have on the pages."""
        return {label(run): run for run in self.runs() if run.status == "FINISHED" and run.kind in kinds}

    def _shipped(self, network_hash: str) -> SpikingNetwork | None:
        """The shipped network whose card has this hash."""
        from snnviz import pretrained

        name = finding.shipped_name(network_hash)
        return None if name is None else self.remembered(("shipped", name), lambda: pretrained.network(name))

    def remembered(self, key: Any, make: Callable[[], T]) -> T:
        """What `make` returns, kept for as long as it is among the last things asked for."""
        with self._guard:
            if key not in self._kept:
                self._kept[key] = make()
                large = [one for one in self._kept if one[0] in ("result", "pair", "images")]
                for one in [*large[:-_LARGE], *list(self._kept)[:-_KEPT]]:
                    self._kept.pop(one, None)
            self._kept.move_to_end(key)
            found: T = self._kept[key]
            return found


def _settings(result: xr.Dataset) -> dict[str, Any]:
    """The settings of a run, with which a page simulates its items anew."""
    found: dict[str, Any] = json.loads(str(result.attrs["settings"]))
    return found


def label(run: Run) -> str:
    """The name of a run on the pages: its own, and the beginning of its id, which tells it from others of that name."""
    return f"{run.name or run.kind} · {run.id[:6]}"
