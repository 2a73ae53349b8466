"""MLflow's client, made quiet, and its SQLite store, made so that reading never blocks writing."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from snnviz._files import replacing
from snnviz.errors import StoreError
from snnviz.runs.lock import exclusive

EXPERIMENT = "snnviz"
LOCKED_SECONDS = 4
"""So long a database that somebody else writes is waited for."""
ARTIFACTS = "artifacts"
"""The folder of the runs' files, beside the database."""
_at_home: set[Path] = set()
_guard = threading.Lock()


def prepare() -> Any:
    """Import MLflow (2 to 5 s the first time) with its telemetry off, and return its tracking module."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    # a server that is away is said within seconds, not after minutes of trying again
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "4")
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # no complaint where git is not installed
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with _guard:
        import mlflow.telemetry
        import mlflow.tracking

        mlflow.telemetry.set_telemetry_client()  # ends it where somebody imported MLflow before
        for name in ("mlflow", "alembic"):  # after the import, which sets levels of its own
            logging.getLogger(name).setLevel(logging.WARNING)
        logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # prints what it raises
        return mlflow.tracking


@functools.lru_cache(maxsize=16)
def client(uri: str) -> Any:
    """The client of a tracking store; a SQLite file must have been made by `create_sqlite`."""
    made = prepare().MlflowClient(uri)
    if uri.startswith("sqlite:"):
        from sqlalchemy import event

        event.listen(made._tracking_client.store.engine, "before_cursor_execute", _no_long_wait, retval=True)
    return made


def _no_long_wait(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool
) -> tuple[str, Any]:
    """MLflow waits for a locked database 20 s, each time; it has no setting for that."""
    return statement.replace("busy_timeout = 20000", f"busy_timeout = {LOCKED_SECONDS * 1000}"), parameters


def create_sqlite(path: Path) -> None:
    """Make MLflow's tables in a new SQLite file, unless it is there; whole or not at all, whoever is killed meanwhile.

    The file keeps a write-ahead log (a property of the file, so it holds for `mlflow ui` too): readers see the last whole
    state while somebody writes, and neither waits for the other.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with exclusive(path.parent / ".create.lock"):
        if path.exists():
            if path.stat().st_size == 0:  # SQLite would take it for a new database, and the runs for never made
                raise StoreError(
                    f"the runs in {path} are gone: the file is empty. Bring it back from a copy, or delete it to begin anew"
                )
            return
        with replacing(path) as temporary:
            tracking = prepare()
            made = tracking.MlflowClient(f"sqlite:///{temporary}")
            made.create_experiment(EXPERIMENT, artifact_location=(path.parent / ARTIFACTS).resolve().as_uri())
            made._tracking_client.store.engine.dispose()
            connection = sqlite3.connect(temporary)
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()


def come_along(path: Path) -> None:
    """Have the runs of a SQLite file that was moved or copied with its folder find their files there, and write new ones there.

    MLflow keeps whole paths: it would find none of the files, and write those of new runs into the place where the folder was.
    """
    if path in _at_home:
        return
    here = (path.parent / ARTIFACTS).resolve()
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=LOCKED_SECONDS)) as connection, connection:
            found = connection.execute(
                "SELECT artifact_location FROM experiments WHERE name = ?", (EXPERIMENT,)
            ).fetchone()
            before, now = "" if found is None else str(found[0]), here.as_uri()
            if (
                before != now
                and before.startswith("file:")
                and before.endswith(f"/{ARTIFACTS}")
                and _with(here, before)
            ):
                connection.execute("UPDATE experiments SET artifact_location = ? WHERE name = ?", (now, EXPERIMENT))
                connection.execute(
                    "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE substr(artifact_uri, 1, ?) = ?",
                    (now, len(before) + 1, len(before), before),
                )
    except sqlite3.OperationalError:  # somebody else's, to be read alone; or locked, and tried again the next time
        return
    _at_home.add(path)


def _with(here: Path, before: str) -> bool:
    """Whether the files moved along, or are nowhere; where they alone lie elsewhere, somebody meant it."""
    return here.is_dir() or not local(before).is_dir()


def local(uri: str) -> Path:
    """The path of a folder on this machine that MLflow names by a file: address, or as it is."""
    return Path(url2pathname(urlsplit(uri).path)) if uri.startswith("file:") else Path(uri)
