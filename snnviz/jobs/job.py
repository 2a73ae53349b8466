"""`Job`: what the work of a job sees of the world: where to put files, whom to tell how it goes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from snnviz import _progress
from snnviz._files import replacing
from snnviz._versions import versions
from snnviz.errors import InputError, StoreError
from snnviz.jobs.spec import Spec
from snnviz.runs import Folder, Progress, Recorder, Store, _mlflow, lock

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from snnviz.network import SpikingNetwork

MAIN_SHARE = 0.95
"""How much of a run its main part counts for; what comes after it, as measuring and drawing, has the rest."""
_TELL_SECONDS = 0.5
_BEAT_SECONDS = 1.0
_NOTICE_SECONDS = 5.0
"""Work that goes on for longer than this without a record says so before it ends."""


class Job:
    """A job while it is done, a context manager around its work.

    A store that fails costs the record and not the work, where the user named a file for what comes out: that is saved, and the end
    of the `with` block raises `StoreError`.

    A run that this process begins itself appears in the store when its work calls `begin`, that is when all mistakes of the user
    have been found. One that was launched is there already.

    Args:
        spec: what is asked for.
        store: where runs are kept.
        track: False records nothing.
        run_id: of the run, if it was begun by another process; its lock is then held by this process.
        resume: whether to go on from a checkpoint.
        own: whether this process is there for the job alone, so that it may be killed to cancel it.

    Attributes:
        resume: whether to go on from a checkpoint, if there is one.
        run_id: id of the run; None until it is recorded.
        kept: what is said of a launched run that is cut off, set by work that goes on from a checkpoint: whoever reads it has a
            button and no command to give again.
    """

    WHAT_IS_DONE = "what is done is kept; Resume goes on"

    def __init__(
        self,
        spec: Spec,
        store: Store,
        run_id: str | None = None,
        *,
        track: bool = True,
        resume: bool = False,
        own: bool = False,
    ) -> None:
        self.spec, self.store, self.run_id, self.resume, self.own = spec, store, run_id, resume, own
        self.kept = ""
        self._track, self._launched = track, run_id is not None
        self._folder = None if run_id is None else Folder(store.home, run_id)
        self._lock: int | None = None
        self._recorder: Recorder | None = None
        self._lost: StoreError | None = None
        self._notice = threading.Timer(_NOTICE_SECONDS, self._say_lost)
        self._notice.daemon = True
        self._budget: tuple[float, float] | None = None
        self._main_done = 0.0
        self._told_at = 0.0
        self._ended = threading.Event()
        self._listening = _progress.listening(self._hear, draw=not self._launched)
        if track:  # MLflow's import takes seconds: meanwhile the work can load its data
            threading.Thread(target=_mlflow.prepare, name="snnviz-mlflow", daemon=True).start()

    # for the work

    def begin(self, params: Mapping[str, Any], tags: Mapping[str, Any] | None = None) -> None:
        """Say that everything has been checked and loaded and the work begins.

        Args:
            params: the settings in force, defaults filled in; values that are None are left out.
            tags: what else is known, e.g. a hash of the data.
        """
        if self._track:
            with self._unless_lost():
                self._start_recording()
        if self._recorder is not None and self.recorded:
            self._recorder.params(params)
            self._recorder.tags({**_versions(), **(tags or {})})

    def metrics(self, values: Mapping[str, float], step: int = 0, *, log: bool = False) -> None:
        """Record the values of a step, each step once; a step that is there already is left out. `log` tells the log too."""
        if self._recorder is not None:
            self._recorder.metrics(values, step)
            if self._launched and log:
                shown = ", ".join(f"{name} {value:.5g}" for name, value in values.items())
                self.say(f"step {step}: {shown}")

    def data(self, name: str, digest: str, items: int, use: str) -> None:
        """Record which data the work uses, as an MLflow dataset."""
        if self._recorder is not None:
            self._recorder.data(name, digest, items, use)

    def spent(self, seconds: float, budget: float) -> None:
        """Say how much of a budget of time is spent, where nothing better tells how far the work is."""
        self._budget = (seconds, budget)

    def file(self, path: str | os.PathLike[str], name: str) -> None:
        """Record a file under a name."""
        if self._recorder is not None and self.recorded:
            with self._unless_lost():
                self._recorder.file(Path(path), name)

    def network(self, network: SpikingNetwork) -> None:
        """Record a network as network.npz."""
        if self._folder is not None and self.recorded:
            with self._unless_lost():
                self.file(network.save(self._folder.work / "network.npz"), "network.npz")

    def figure(self, before: xr.Dataset, after: xr.Dataset | None = None) -> None:
        """Record accuracy over time, as figure A, in a PNG and an SVG file."""
        if self._folder is not None and self.recorded:
            from snnviz import plots
            from snnviz.plots import export

            made = export.pictures(plots.figure_a(before, after), {"png": {}, "svg": {}})
            with self._unless_lost():
                for path in export.written(made, self._folder.work / "accuracy"):
                    self.file(path, path.name)

    def frame(self, frame: pd.DataFrame, name: str) -> None:
        """Record a table as a CSV file."""
        if self._folder is not None and self.recorded:
            with self._unless_lost():
                with replacing(self._folder.work / name) as temporary:
                    frame.to_csv(temporary)
                self.file(self._folder.work / name, name)

    @property
    def recorded(self) -> bool:
        """Whether the work is recorded."""
        return self._recorder is not None and self._lost is None

    def place(self, out: str | None, name: str) -> Path:
        """Where to write an output: where the user wants it, or else in the run's folder.

        Raises:
            InputError: if the user does not say, and nothing is recorded.
        """
        if out is not None:
            return Path(out)
        if self._folder is None:
            raise InputError("`out` must be given where a run is not recorded. Received: None")
        return self._folder.work / name

    @property
    def folder(self) -> Path | None:
        """The folder for checkpoints; None where nothing is recorded."""
        return None if self._folder is None else self._folder.work

    @staticmethod
    def say(text: str) -> None:
        """Write a line to the log, over a progress bar that stands there."""
        sys.stderr.write(f"\r{time.strftime('%H:%M:%S')} {text}\n")
        sys.stderr.flush()

    # for whoever runs it

    def __enter__(self) -> Job:
        self._listening.__enter__()
        if self.run_id is not None:
            self._start_recording()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listening.__exit__(kind, error, trace)
        self._ended.set()
        self._notice.cancel()
        try:
            self._end_recording(error)
        except StoreError as problem:  # whoever reads the store next sets the status right
            self._lost = self._lost or problem
        finally:
            if self._lock is not None:
                lock.release(self._lock)
        if self._lost is not None and error is None:
            raise self._lost
        if self._lost is not None:
            self.say(str(self._lost))

    def _end_recording(self, error: BaseException | None) -> None:
        """Write what is left and say how the run ended."""
        if self._recorder is None or self.run_id is None:
            return
        if self._lost is not None:
            self._recorder.close(0.0)
            return
        if self._launched and self._folder is not None:
            if error is not None and not isinstance(error, (InputError, KeyboardInterrupt)):
                traceback.print_exception(error)
            self.say(self._reason(error) or "finished")
            self._recorder.file(self._folder.log, "log.txt")
        problem = self._recorder.close()
        if self._recorder.left:
            raise StoreError(problem)
        status = "FINISHED" if error is None else "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
        self.store.set_status(self.run_id, status, self._reason(error))
        if problem:
            self.say(f"something was not recorded: {problem}")

    def _reason(self, error: BaseException | None) -> str:
        """Why a run ended; empty where it finished."""
        if error is None:
            return ""
        text = str(error)
        if isinstance(error, KeyboardInterrupt):
            word, text = ("cancelled", self.kept or text) if self._launched else ("interrupted", text)
            text = f"{word}: {text}".removesuffix(": ")
        elif not isinstance(error, InputError):
            text = f"{type(error).__name__}: {text}"
        return " ".join(text.split())

    @contextlib.contextmanager
    def _unless_lost(self) -> Iterator[None]:
        """Inside the `with` block, a store or disk that fails loses the record, and the work goes on if it is saved elsewhere."""
        try:
            with self.store.in_one_sentence():
                yield
        except StoreError as problem:
            if getattr(self.spec.options, "out", None) is None:
                raise
            if self._recorder is None:
                self._folder = None
            if self._lost is None:
                self._lost = problem
                self._notice.start()

    def _say_lost(self) -> None:
        self.say(f"this run is not recorded, but what comes out will be saved: {self._lost}")

    def answer(self, answer: Mapping[str, Any]) -> None:
        """Keep what the work returned."""
        if self._folder is not None and self.recorded:
            with self._unless_lost():
                self._folder.put("answer", dict(answer))
            self.file(self._folder.path / "answer.json", "answer.json")

    def _start_recording(self) -> None:
        if self._recorder is not None:
            return
        store = self.store
        if self.run_id is None:
            spec = self.spec
            earlier = store.unfinished(spec.kind, spec.as_json(), spec.run_tags()) if self.resume else None
            self.run_id = earlier or store.create(
                spec.kind, spec.name, parent=spec.origin, spec=spec.as_json(), tags=spec.run_tags()
            )
            self._folder = Folder(store.home, self.run_id)
            self._folder.make()
            self._lock = self._folder.claim()
            if self._lock is None:
                raise InputError(
                    f"a run cannot be resumed twice at once. Received: {self.run_id}, which is being resumed"
                )
        folder = Folder(store.home, self.run_id)
        folder.put("state", {"pid": os.getpid(), "own": self.own})
        store.set_status(self.run_id, "RUNNING")
        self._recorder = Recorder(store, self.run_id, resumed=self.resume)
        threading.Thread(target=self._beat, args=(folder,), name="snnviz-heartbeat", daemon=True).start()

    def _beat(self, folder: Folder) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):  # a disk that is full
                folder.beat()
            self._ended.wait(_BEAT_SECONDS)

    def _hear(self, heard: Mapping[str, Any]) -> None:
        """Keep what a progress bar says, twice a second."""
        now = time.monotonic()
        whole = heard["total"] is not None and heard["n"] >= heard["total"]
        if self._folder is None or self._recorder is None or (now - self._told_at < _TELL_SECONDS and not whole):
            return
        self._told_at = now
        done, total, rate = heard["n"], heard["total"], heard["rate"]
        if not rate and heard["elapsed"]:
            rate = (done - heard["initial"]) / heard["elapsed"]
        unit = _many(heard["unit"].strip(), total)
        left = (total - done) / rate if rate and total is not None else None
        what = heard["prefix"].removesuffix(": ")
        main = self.spec.main
        if what == main and total:
            self._main_done = done / total
        whole = MAIN_SHARE * self._main_done if main else None
        if self._budget is not None:
            spent, budget = self._budget
            whole, left = min(1.0, spent / budget), max(0.0, budget - spent)
            if total is None:
                done, total, unit = spent, budget, "s"
        elif main and what != main:
            left = None  # of this part alone
        told = Progress(
            what=what,
            done=done,
            total=total,
            unit=unit,
            seconds_left=left,
            text=heard["postfix"] or "",
            at=time.time(),
            whole=whole,
        )
        with contextlib.suppress(OSError):  # a disk that is full
            self._folder.tell(told)


def _many(unit: str, total: float | None) -> str:
    """What a bar counts, which it calls as one: items, but s and MB."""
    return unit if total == 1 or len(unit) <= 2 else f"{unit}s"


def _commit() -> str:
    """The commit of this very code, with "-dirty" where files were changed since; empty for an installed package."""
    git = shutil.which("git")
    if git is None:
        return ""
    ask = [git, "-C", str(Path(__file__).parents[1])]
    try:
        # an installed package may lie within a repository of somebody else's
        subprocess.run([*ask, "ls-files", "--error-unmatch", "errors.py"], capture_output=True, timeout=10, check=True)  # noqa: S603
        describe = [*ask, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        done = subprocess.run(describe, capture_output=True, text=True, timeout=10, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def _versions() -> dict[str, str]:
    """Versions of the code: packages, and the commit where the package lies in a git repository."""
    tags = {"snnviz.versions": json.dumps(versions())}
    commit = _commit()
    if commit:
        tags |= {"mlflow.source.git.commit": commit.removesuffix("-dirty"), "snnviz.commit": commit}
    return tags
