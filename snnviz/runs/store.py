"""`Store`: what was run, with which settings, and what came out; an MLflow tracking store and the folders of its jobs."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import re
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError, StoreError
from snnviz.runs import _mlflow, edits, lock, processes, queue, run
from snnviz.runs.folder import Folder, checked_id
from snnviz.runs.place import Place
from snnviz.runs.run import ACTIVE, STATUSES, Run

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from snnviz.network import SpikingNetwork

LOST = "the process ended without a word: it was killed, or the machine restarted"
CANCELLED = "cancelled"
_GRACE_SECONDS = 15.0
_PAGE = 500
_LEAST = 4
"""Letters of an id that name its run: fewer are easily one of another's, which might then be deleted."""
REASONS = (
    (r"database is locked", "another process keeps the database locked: end that one, or wait for it"),
    (
        r"readonly|read-only|permission denied|unable to open database",
        "this user cannot write there: change the permissions",
    ),
    (
        r"disk is full|no space left|quota|file too large|disk i/o error",
        "the disk cannot take what is written, it may be full: free some space",
    ),
    (
        r"max retries|connection (refused|reset|aborted|error)|timed out|failed to (resolve|establish)|remote end closed",
        "no server answers there, or it stopped answering: start it, or check the address",
    ),
    (r"not a database|malformed", "the database is damaged: bring it back from a copy"),
    (
        r"out-of-date database schema|locate revision",
        "the schema is another MLflow's: `mlflow db upgrade` renews an older one",
    ),
)
"""What the libraries say, as regular expressions, and what that means to a user."""


class Store:
    """The runs of a tracking store.

    Reading never blocks writing. Whoever reads also sets right what a process could no longer say: a run whose process is gone
    becomes FAILED, in the store too. Objects may be shared between threads; any number of processes may use one store.

    Args:
        uri: a folder, the address of a tracking store, or None; see `snnviz.runs.place.Place.of`.

    Attributes:
        place: where the store is.

    Raises:
        InputError: for an address that is no tracking store's.
    """

    @checked
    def __init__(self, uri: str | os.PathLike[str] | None = None) -> None:
        self.place = Place.of(uri)
        self._experiment: str | None = None
        self._guard = threading.Lock()

    def __repr__(self) -> str:
        return f"Store({self.place.uri!r})"

    @property
    def home(self) -> Path:
        """The folder for what jobs leave on this machine."""
        return self.place.home

    def exists(self) -> bool:
        """Whether anything was ever kept here; a server is taken to exist."""
        return self.place.database is None or self.place.database.exists()

    # reading

    @checked
    def list(
        self,
        *,
        kind: str | None = None,
        status: str | Sequence[str] | None = None,
        parent: str | None = None,
        limit: int | None = None,
    ) -> list[Run]:
        """The runs, newest first.

        Args:
            kind: only those of this kind.
            status: only those of this status, or of these.
            parent: only those that build on this run.
            limit: at most so many.

        Raises:
            InputError: if an argument is wrong or the server cannot be reached.
        """
        wanted = (status,) if isinstance(status, str) else status
        for name in wanted or ():
            check.choice("status", name, STATUSES)
        if limit is not None:
            check.integer("limit", limit, 1)
        conditions = []
        for tag, value in ((run.KIND, kind), (run.PARENT, parent)):
            if value is not None:
                conditions.append(f"tags.`{tag}` = '{checked_id(value)}'")
        if not self.exists():
            return []
        found: list[Run] = []
        token = None
        while True:
            page = self.ask(
                "search_runs",
                [self.experiment()],
                filter_string=" and ".join(conditions),
                max_results=_PAGE,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            for stored in page:
                one = self._read(stored)
                if not wanted or one.status in wanted:
                    found.append(one)
            token = page.token
            if not token or (limit is not None and len(found) >= limit):
                return found[:limit]

    @checked
    def get(self, run_id: str) -> Run:
        """A run by its id, or by the beginning of its id, at least 4 letters, where only one begins so.

        Raises:
            InputError: if there is no such run.
        """
        return self._read(self._stored(run_id))

    @checked
    def history(self, run_id: str, metrics: Sequence[str] | None = None) -> pd.DataFrame:
        """Metrics over steps (epochs of a training, evaluations of an optimisation).

        Args:
            run_id: see `get`.
            metrics: their names; None for all.

        Returns:
            A column per metric, index `step`; NaN where a step has no value.
        """
        import pandas as pd

        stored = self._stored(run_id)
        names = list(stored.data.metrics) if metrics is None else list(metrics)
        columns = {}
        for name in names:
            points = self.ask("get_metric_history", stored.info.run_id, name)
            columns[name] = pd.Series({point.step: point.value for point in points}, dtype=float)
        frame = pd.DataFrame(columns).sort_index()
        frame.index = frame.index.astype(int)
        frame.index.name = "step"
        return frame

    @checked
    def data(self, run_id: str) -> dict[str, str]:
        """The data sets that a run used, by name: a digest of the very items."""
        stored = self._stored(run_id)
        return {entry.dataset.name: entry.dataset.digest for entry in stored.inputs.dataset_inputs}

    @checked
    def artifacts(self, run_id: str) -> tuple[str, ...]:
        """Names of the files that a run left, e.g. "network.npz"."""
        stored = self._stored(run_id)

        def walk(folder: str | None) -> Iterator[str]:
            for entry in self.ask("list_artifacts", stored.info.run_id, folder):
                if entry.is_dir:
                    yield from walk(entry.path)
                else:
                    yield entry.path

        return tuple(sorted(walk(None)))

    @checked
    def file(self, run_id: str, name: str) -> Path:
        """A file that a run left, on this machine (fetched if need be); it is not to be changed.

        Raises:
            InputError: if the run left no such file.
        """
        stored = self._stored(run_id)
        names = self.artifacts(stored.info.run_id)
        if name not in names:
            raise InputError(
                f"`name` must be a file of the run: {', '.join(names) or 'it has none'}. Received: {name!r}"
            )
        uri = stored.info.artifact_uri
        if (
            uri.startswith("file://") or "://" not in uri
        ):  # MLflow would leave a copy in the temporary folder, each time
            return _mlflow.local(uri) / name
        target = self.home / "fetched" / stored.info.run_id
        target.mkdir(parents=True, exist_ok=True)
        return Path(self.ask("download_artifacts", stored.info.run_id, name, str(target)))

    @checked
    def result(self, run_id: str) -> xr.Dataset:
        """The simulation result of a run (result.nc), with its title set to the run's name where it has none."""
        from snnviz import results

        return results.load(self.file(run_id, "result.nc"))

    @checked
    def network(self, run_id: str) -> SpikingNetwork:
        """The spiking network of a run (network.npz)."""
        from snnviz.network import load_network

        return load_network(self.file(run_id, "network.npz"))

    @checked
    def compare(self, run_ids: Sequence[str], alike: bool = False) -> pd.DataFrame:
        """Runs side by side: a column per run, a row per setting that differs and per metric.

        Args:
            run_ids: two or more, see `get`.
            alike: also the settings that all of them share.

        Returns:
            Rows indexed by (`part`, `name`), part being "run", "setting" or "metric".
        """
        import pandas as pd

        if isinstance(run_ids, str) or len(run_ids) < 2:
            raise InputError(f"`run_ids` must be two runs or more. Received: {check.describe(run_ids)}")
        found = [self.get(run_id) for run_id in run_ids]
        columns = {}
        settings = sorted({name for one in found for name in one.params})
        differ = [name for name in settings if alike or len({one.params.get(name) for one in found}) > 1]
        for one in found:
            rows: dict[tuple[str, str], Any] = {
                ("run", "name"): one.name,
                ("run", "kind"): one.kind,
                ("run", "status"): one.status,
                ("run", "seconds"): round(one.seconds, 1),
            }
            rows |= {("setting", name): one.params.get(name) for name in differ}
            rows |= {
                ("metric", name): one.metrics.get(name) for name in sorted({n for each in found for n in each.metrics})
            }
            columns[one.id] = rows
        frame = pd.DataFrame({key: pd.Series(rows, dtype=object) for key, rows in columns.items()})
        order = list(next(iter(columns.values())))
        frame = frame.reindex(pd.MultiIndex.from_tuples(order))
        frame.index.names = ["part", "name"]
        return frame

    @checked
    def export(self, run_id: str, out: str | os.PathLike[str]) -> Path:
        """Write a run's files, `run.json` and `history.csv` of its metrics into a new folder, and return it.

        Raises:
            InputError: if the folder is there and not empty.
        """
        one = self.get(run_id)
        target = Path(out)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise InputError(f"`out` must be a new or empty folder. Received: {str(out)!r}")
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.parent / f".{target.name}-{os.getpid()}"
        try:
            scratch.mkdir()
            for name in self.artifacts(one.id):
                copy = scratch / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.file(one.id, name), copy)
            (scratch / "run.json").write_text(json.dumps(one.as_json(), indent=2) + "\n")
            history = self.history(one.id)
            if len(history):
                history.to_csv(scratch / "metrics.csv", quoting=csv.QUOTE_MINIMAL)
            if target.exists():
                target.rmdir()
            scratch.replace(target)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        return target

    # writing

    @checked
    def create(
        self,
        kind: str,
        name: str = "",
        *,
        parent: str | None = None,
        spec: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        status: str = "RUNNING",
    ) -> str:
        """Begin a run and return its id. Jobs do this by themselves.

        Args:
            kind: what is run.
            name: for people; MLflow makes one up where it is empty.
            parent: id of the run it builds on.
            spec: what was asked for.
            tags: whatever else is known.
            status: "RUNNING" or "SCHEDULED".
        """
        known = {
            run.KIND: _given("kind", kind),
            run.HOST: socket.gethostname(),
            run.HOME: str(self.home),
            "mlflow.source.name": f"snnviz {kind}",
            "mlflow.source.type": "LOCAL",
            **({} if parent is None else {run.PARENT: self.get(parent).id}),
            **({} if spec is None else {run.SPEC: check.as_json("spec", spec)}),
            **(tags or {}),
        }
        made = self.ask("create_run", self.experiment(), tags=known, run_name=name or None)
        run_id = str(made.info.run_id)
        if status != "RUNNING":
            self.set_status(run_id, status)
        return run_id

    @checked
    def unfinished(self, kind: str, spec: Mapping[str, Any], tags: Mapping[str, str]) -> str | None:
        """Id of the newest run that was asked for in the same words and did not finish; None if there is none."""
        for one in self.list(kind=kind, status=("FAILED", "KILLED")):
            if one.resumable and one.spec == spec and tags.items() <= one.tags.items():
                return one.id
        return None

    @checked
    def set_status(self, run_id: str, status: str, reason: str = "") -> None:
        """Set a run's status, with the reason where it failed or was killed."""
        check.choice("status", status, STATUSES)
        self.ask("set_tag", run_id, run.REASON, reason)
        if status == "RUNNING":
            self.ask("set_tag", run_id, run.BEGAN, str(time.time()))
        if status in ACTIVE:
            self.ask("update_run", run_id, status=status)
        else:
            self.ask("set_terminated", run_id, status)

    @checked
    def edit(
        self,
        run_id: str,
        *,
        name: str | None = None,
        labels: Sequence[str] | None = None,
        note: str | None = None,
        star: bool | None = None,
    ) -> None:
        """Change what people say of a run; what is None stays.

        Args:
            run_id: see `get`.
            name: a new name.
            labels: words to find it by, in place of those it has; none with a comma, nor longer than 50 characters.
            note: a text, MLflow's description; empty takes it away.
            star: whether it is marked with a star.

        Raises:
            InputError: if one of them is too long, or no text, or the run is not there.
        """
        changes = edits.tags(name, labels, note, star)
        run_id = self.get(run_id).id
        if run.NAME in changes:
            self.ask("update_run", run_id, name=changes[run.NAME])
        for key, value in changes.items():
            self.ask("set_tag", run_id, key, value)

    @checked
    def restore(self, run_id: str) -> None:
        """Bring a deleted run back, as long as `mlflow gc` has not removed it: all but its log and checkpoints.

        Args:
            run_id: the whole id.

        Raises:
            InputError: if no run was deleted that has this id.
        """
        checked_id(run_id)
        try:
            if self.exists():
                self.ask("restore_run", run_id)
                return
        except StoreError as error:
            if getattr(error.__cause__, "error_code", "") not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
        raise InputError(f"`run_id` must be the whole id of a run that was deleted. Received: {run_id!r}")

    @checked
    def delete(self, run_id: str) -> None:
        """Delete a run with its log and checkpoints; `restore` brings the rest back until `mlflow gc` removes it for good.

        Raises:
            InputError: if it still waits or runs.
        """
        one = self.get(run_id)
        self.check_ended(one)
        self.ask("delete_run", one.id)
        shutil.rmtree(Folder(self.home, one.id).path, ignore_errors=True)

    @checked
    def check_ended(self, one: Run) -> None:
        """Refuse a run that waits or runs.

        Raises:
            InputError: if it does.
        """
        if one.active or Folder(self.home, one.id).alive():
            raise InputError(
                f"`run_id` must be a run that has ended; cancel it first. Received: {one.id} ({one.status})"
            )

    # within

    @property
    def client(self) -> Any:
        """MLflow's client of this store, for whatever is not covered here."""
        with self.in_one_sentence():
            if self.place.database is not None:
                _mlflow.create_sqlite(self.place.database)
                _mlflow.come_along(self.place.database)
            return _mlflow.client(self.place.uri)

    def experiment(self) -> str:
        """Id of MLflow's experiment that holds the runs."""
        with self._guard:
            if self._experiment is None:
                found = self.ask("get_experiment_by_name", _mlflow.EXPERIMENT)
                made = None if found is not None else self.ask("create_experiment", _mlflow.EXPERIMENT)
                self._experiment = str(made if found is None else found.experiment_id)
            return self._experiment

    def ask(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call MLflow's client, its errors being one sentence."""
        client = self.client
        with self.in_one_sentence():
            return getattr(client, method)(*arguments, **options)

    @contextlib.contextmanager
    def in_one_sentence(self) -> Iterator[None]:
        """Inside the `with` block, what MLflow, its database and the disk raise becomes `StoreError`, with a remedy."""
        _mlflow.prepare()
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError) as error:
            said = str(error)
            first = (said.strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            reason = next((words for sign, words in REASONS if re.search(sign, said, re.IGNORECASE)), first)
            raise StoreError(
                f"the runs in {self.place.uri} could not be used: {reason}; --tracking-uri names another store"
            ) from error

    def _stored(self, run_id: str) -> Any:
        """MLflow's own record of a run."""
        checked_id(run_id)
        if self.exists():
            if len(run_id) == 32:
                try:
                    found = self.ask("get_run", run_id)
                except StoreError as error:
                    if getattr(error.__cause__, "error_code", "") != "RESOURCE_DOES_NOT_EXIST":
                        raise
                    found = None
                if found is not None and found.info.lifecycle_stage == "active":
                    return found
            elif len(run_id) >= _LEAST:
                return self._beginning_with(run_id)
        few = f"; at least {_LEAST} letters of its id are needed" if len(run_id) < _LEAST else ""
        raise InputError(f"`run_id` must be a run of {self.place.uri}. Received: {run_id!r}{few}")

    def _beginning_with(self, start: str) -> Any:
        page = self.ask(
            "search_runs", [self.experiment()], filter_string=f"attributes.run_id LIKE '{start}%'", max_results=2
        )
        if len(page) != 1:
            what = "no run begins so" if not len(page) else "several runs begin so"
            raise InputError(f"`run_id` must be a run of {self.place.uri}. Received: {start!r}; {what}")
        return page[0]

    def _read(self, stored: Any) -> Run:
        """A run from MLflow's record and what its folder says, after setting right what its process could no longer say."""
        info, tags = stored.info, dict(stored.data.tags)
        folder = Folder(self.home, info.run_id)
        status, reason = info.status, tags.get(run.REASON, "")
        ended = None if info.end_time is None else info.end_time / 1000
        alive = status in ACTIVE and folder.alive()
        if status in ACTIVE and not alive:
            status, reason, ended = self._reconciled(info.run_id, folder, tags, info.start_time / 1000)
        progress, silence, ahead = None, None, None
        if alive:
            progress, silence = folder.progress(), folder.silence()
            ahead = queue.ahead(self.home, info.run_id) if status == "SCHEDULED" else None
        return Run(
            id=info.run_id,
            name=tags.get(run.NAME, info.run_name or ""),
            kind=tags.get(run.KIND, ""),
            status=status,
            started=info.start_time / 1000,
            began=float(tags[run.BEGAN]) if run.BEGAN in tags else None,
            ended=None if status in ACTIVE else ended,
            params=dict(stored.data.params),
            metrics=dict(stored.data.metrics),
            tags=tags,
            parent=tags.get(run.PARENT),
            reason=reason if status in ("FAILED", "KILLED") else "",
            progress=progress,
            silence=silence,
            ahead=ahead,
            resumable=status in ("FAILED", "KILLED") and run.SPEC in tags and self._is_ours(tags),
        )

    def _is_ours(self, tags: Mapping[str, str]) -> bool:
        """Whether a run was started on this machine, in this home."""
        return tags.get(run.HOST) == socket.gethostname() and tags.get(run.HOME) == str(self.home)

    def _reconciled(
        self, run_id: str, folder: Folder, tags: Mapping[str, str], started: float
    ) -> tuple[str, str, float | None]:
        """Status, reason and end of a run that the store takes for alive, and whose lock nobody holds."""
        if not self._is_ours(tags):
            return self._as_stored(run_id)
        if not folder.exists():
            if time.time() - started < _GRACE_SECONDS:  # whoever launches it is about to make the folder
                return self._as_stored(run_id)
            self.set_status(run_id, "FAILED", LOST)
            return self._as_stored(run_id)
        handle = folder.claim(wait=0.0)
        if handle is None:  # someone has just resumed it, or sets it right too
            return self._as_stored(run_id)
        try:
            found = self._as_stored(run_id)
            if found[0] in ACTIVE:  # as the lock is ours, nobody else will change it
                processes.kill_leftovers(run_id)
                if folder.asked_to_stop:
                    self.set_status(run_id, "KILLED", CANCELLED)
                else:
                    self.set_status(run_id, "FAILED", LOST)
                found = self._as_stored(run_id)
            return found
        finally:
            lock.release(handle)

    def _as_stored(self, run_id: str) -> tuple[str, str, float | None]:
        stored = self.ask("get_run", run_id)
        ended = stored.info.end_time
        return stored.info.status, stored.data.tags.get(run.REASON, ""), None if ended is None else ended / 1000


def _given(name: str, value: Any) -> str:
    """`value`, which must be a text that is not empty."""
    text = check.text(name, value)
    if text is None:
        raise InputError(f"`{name}` must be a text that is not empty. Received: None")
    return text
