"""`Recorder`: writes a run's settings, metrics and files to the store from a thread of its own, so that work never waits for it."""

from __future__ import annotations

import json
import math
import queue
import re
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from snnviz.runs.store import Store

HEARTBEAT = "snnviz.heartbeat"
_HEARTBEAT_SECONDS = 10.0
_BATCH = 500
_SHORT_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_REFUSED = re.compile(r"[^\w\-. :/]", re.ASCII)
_HOPELESS = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "BAD_REQUEST", "PERMISSION_DENIED")
"""Answers of a store that will be the same next time."""
_STOP = object()


class Recorder:
    """Writes to one run of a store.

    What is put is written in order, in batches, each in one transaction. While the store cannot be reached it is kept and tried
    again. Steps that the store already has (of a run that was cut off and resumed) are left out.

    Args:
        store: where the run is.
        run_id: of the run.
        resumed: whether the run was begun by an earlier process.
    """

    def __init__(self, store: Store, run_id: str, resumed: bool = False) -> None:
        self.store, self.run_id = store, run_id
        self._resumed = resumed
        self._written: dict[str, int] = {}
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._problem = ""
        self._closing: float | None = None
        self._patience, self._ending = 0.0, threading.Event()
        self._waiting: list[Any] = []
        self._thread = threading.Thread(target=self._work, name="snnviz-recorder", daemon=True)
        self._thread.start()

    def params(self, params: Mapping[str, Any]) -> None:
        """Record settings; a run's settings never change."""
        self._queue.put(("params", {key: str(value) for key, value in params.items() if value is not None}))

    def tags(self, tags: Mapping[str, Any]) -> None:
        """Record what else is known."""
        self._queue.put(("tags", {key: str(value) for key, value in tags.items()}))

    def metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Record the values of a step; those that are not finite are left out, and characters of names that MLflow refuses."""
        finite = {_REFUSED.sub("", key): float(value) for key, value in values.items() if math.isfinite(value)}
        self._queue.put(("metrics", (int(time.time() * 1000), int(step), finite)))

    def data(self, name: str, digest: str, items: int, use: str) -> None:
        """Record which data the run uses, as MLflow's users know it: a dataset with a digest of its content."""
        self._queue.put(("data", (name, digest, items, use)))

    def file(self, path: Path, name: str) -> None:
        """Record a file under a name; it is read before this returns.

        Raises:
            StoreError: if the store or the disk does not take it.
        """
        with self.store.in_one_sentence():
            scratch = Path(tempfile.mkdtemp(prefix="snnviz-"))
            try:
                copy = scratch / name
                shutil.copyfile(path, copy)
                self.store.ask("log_artifact", self.run_id, str(copy))
            finally:
                shutil.rmtree(scratch, ignore_errors=True)

    def close(self, seconds: float = 8.0) -> str:
        """Write what is left and end; after `seconds` a write that fails is the last. Returns what went wrong, or nothing."""
        self._patience, self._closing = seconds, time.monotonic() + seconds
        self._ending.set()
        self._queue.put(_STOP)
        # a write ends by itself, well or badly; the second limit is for one that does not
        while seconds and self._thread.is_alive() and time.monotonic() < self._closing + _LONGEST_PAUSE:
            self._thread.join(0.1)
        if self._thread.is_alive() and not self._problem:
            self._problem = f"the runs in {self.store.place.uri} could not be written in time"
        return self._problem

    @property
    def left(self) -> bool:
        """After `close`: whether it left something unwritten."""
        return self._thread.is_alive() or bool(self._waiting)

    def _work(self) -> None:
        pause = _SHORT_PAUSE
        waiting = self._waiting
        beat = 0.0
        stop = False
        while not (stop and not waiting):
            stop = self._gather(waiting, _HEARTBEAT_SECONDS if not waiting else 0.0) or stop
            if time.monotonic() - beat > _HEARTBEAT_SECONDS and not stop:
                waiting.append(("tags", {HEARTBEAT: f"{time.time():.0f}"}))
                beat = time.monotonic()
            if not waiting:
                continue
            try:
                self._write(waiting[:_BATCH])
            except Exception as error:  # a server that is away comes in many shapes; the work goes on
                self._problem = " ".join(str(error).split())
                if getattr(error.__cause__, "error_code", "") in _HOPELESS:  # e.g. the run was deleted meanwhile
                    sys.stderr.write(f"snnviz: something was not recorded: {self._problem}\n")
                    del waiting[:_BATCH]
                    continue
                if self._closing is not None and time.monotonic() + _SHORT_PAUSE > self._closing:
                    return
                if pause == _SHORT_PAUSE:
                    sys.stderr.write(f"snnviz: what this run does is not recorded for now: {self._problem}\n")
                if self._closing is not None or self._ending.wait(pause):
                    time.sleep(_SHORT_PAUSE)
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                del waiting[:_BATCH]
                self._problem, pause = "", _SHORT_PAUSE
                if self._closing is not None:  # it is slow, and not away
                    self._closing = time.monotonic() + self._patience

    def _gather(self, waiting: list[Any], seconds: float) -> bool:
        """Move what was put to `waiting`, after at most `seconds` without any; whether the end was among it."""
        try:
            item = self._queue.get(timeout=seconds) if seconds else self._queue.get_nowait()
            while item is not _STOP:
                waiting.append(item)
                item = self._queue.get_nowait()
        except queue.Empty:
            return False
        return True

    def _write(self, items: list[Any]) -> None:
        """Write items in one transaction."""
        from mlflow.entities import Metric, Param, RunTag

        params: dict[str, str] = {}
        tags: dict[str, str] = {}
        metrics = []
        for kind, content in items:
            if kind == "params":
                params |= content
            elif kind == "tags":
                tags |= content
            elif kind == "data":
                self._write_data(*content)
            else:
                at, step, values = content
                metrics += [
                    Metric(name, value, at, step) for name, value in values.items() if step > self._last_step(name)
                ]
        self.store.ask(
            "log_batch",
            self.run_id,
            metrics=metrics[:1000],
            params=[Param(key, value) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        for start in range(1000, len(metrics), 1000):
            self.store.ask("log_batch", self.run_id, metrics=metrics[start : start + 1000])
        for metric in metrics:
            self._written[metric.key] = metric.step

    def _write_data(self, name: str, digest: str, items: int, use: str) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        about = Dataset(name, digest, "snnviz", json.dumps({"name": name}), profile=json.dumps({"items": items}))
        self.store.ask("log_inputs", self.run_id, [DatasetInput(about, [InputTag("mlflow.data.context", use)])])

    def _last_step(self, name: str) -> int:
        """The last step of a metric that the store has, -1 for none."""
        if name not in self._written:
            points = self.store.ask("get_metric_history", self.run_id, name) if self._resumed else []
            self._written[name] = max((point.step for point in points), default=-1)
        return self._written[name]
