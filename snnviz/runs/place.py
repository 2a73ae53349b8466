"""Where runs are kept: a tracking store by its address, and a folder on this machine for what its jobs leave."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from snnviz import _checks as check
from snnviz.errors import InputError

VARIABLE = "SNNVIZ_TRACKING_URI"
DEFAULT = "snnviz-runs"
DATABASE = "mlflow.db"
SERVERS = ("http", "https", "databricks", "postgresql", "mysql", "mssql")


@dataclass(frozen=True)
class Place:
    """Where runs are kept.

    Attributes:
        uri: of the tracking store, as MLflow takes it.
        home: folder for what jobs leave on this machine.
        database: the file of a SQLite store; None for a server.
    """

    uri: str
    home: Path
    database: Path | None

    @classmethod
    def of(cls, given: str | os.PathLike[str] | None = None) -> Place:
        """The place that `given` names.

        Args:
            given: a folder, which holds a SQLite store; the address of a store, e.g. sqlite:///runs/mlflow.db or
                https://mlflow.example.org; None for what the environment variable SNNVIZ_TRACKING_URI says, or else the folder
                snnviz-runs here.

        Raises:
            InputError: for an address that is no tracking store's.
        """
        if given is not None and not check.is_path(given):
            raise InputError(f"`uri` must be a folder or the address of a store. Received: {check.describe(given)}")
        text = os.fspath(given) if given is not None else os.environ.get(VARIABLE, "") or DEFAULT
        scheme, separator, rest = text.partition("://")
        if not text.strip():
            raise InputError(f"`uri` must be a folder or the address of a store. Received: {check.describe(text)}")
        if separator and scheme != "sqlite":
            if scheme.partition("+")[0] not in SERVERS:
                raise InputError(
                    f"`uri` must be a folder, sqlite:///FILE, or an address that begins with {', '.join(SERVERS)}. "
                    f"Received: {check.describe(text)}"
                )
            return cls(text, Path(DEFAULT).resolve(), None)
        if separator and not rest.lstrip("/"):
            raise InputError(f"`uri` must name a file: sqlite:///FILE. Received: {check.describe(text)}")
        database = Path(rest.removeprefix("/")) if separator else Path(text) / DATABASE
        database = database.resolve()  # jobs may run in another folder
        if database.parent.exists() and not database.parent.is_dir():
            raise InputError(f"`uri` must name a folder. Received: {check.describe(text)}, a file")
        return cls(f"sqlite:///{database}", database.parent, database)
