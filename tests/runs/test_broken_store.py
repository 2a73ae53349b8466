"""A store that cannot be used is one sentence with what to do, whatever the reason."""

import contextlib
import errno
import os
import socket
import sqlite3

import pytest

from snnviz import InputError
from snnviz.errors import StoreError
from snnviz.runs import Store, _mlflow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store")
    store = Store(folder)
    _mlflow.create_sqlite(store.place.database)
    return store.place.database.read_bytes()


def broken(tmp_path, content: bytes) -> Store:
    store = Store(tmp_path / "runs")
    store.place.database.parent.mkdir(parents=True)
    store.place.database.write_bytes(content)
    return store


def test_a_store_of_another_schema(tmp_path, made) -> None:
    store = broken(tmp_path, made)
    connection = sqlite3.connect(store.place.database)
    connection.execute("update alembic_version set version_num = '000000000000'")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match=r"could not be used.*schema.*--tracking-uri"):
        store.list()


def test_a_store_that_is_no_database(tmp_path) -> None:
    with pytest.raises(InputError, match=r"could not be used.*--tracking-uri"):
        broken(tmp_path, b"no database at all" * 500).list()


def test_an_emptied_store_is_not_taken_for_a_new_one(tmp_path) -> None:
    store = broken(tmp_path, b"")
    with pytest.raises(InputError, match="the file is empty"):
        store.list()
    assert store.place.database.stat().st_size == 0


def test_a_server_that_is_away(monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    away = Store("http://127.0.0.1:9")
    for asked in (away.list, lambda: away.get("a" * 32)):
        with pytest.raises(
            StoreError, match=r"could not be used: no server answers there.*check the address; --tracking-uri"
        ):
            asked()


def test_a_server_that_hangs(monkeypatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(StoreError, match="it stopped answering: start it"),
    ):
        Store(f"http://127.0.0.1:{silent.getsockname()[1]}").list()


def test_a_store_that_is_locked(tmp_path, made, monkeypatch, capfd) -> None:
    monkeypatch.setattr(_mlflow, "LOCKED_SECONDS", 0)
    store = broken(tmp_path, made)
    with contextlib.closing(sqlite3.connect(store.place.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(
            StoreError, match=r"could not be used: another process keeps the database locked: .*wait.*--tracking"
        ):
            store.create("simulate")
    assert store.create("simulate")
    assert capfd.readouterr().err == ""  # MLflow prints a traceback


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (sqlite3.OperationalError("attempt to write a readonly database"), "cannot write there: change the permissions"),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES)), "cannot write there: change the permissions"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "cannot write there: change the permissions"),
        (sqlite3.OperationalError("database or disk is full"), "may be full: free some space"),
        (sqlite3.OperationalError("disk I/O error"), "may be full: free some space"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "may be full: free some space"),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)), "may be full: free some space"),
        (sqlite3.DatabaseError("database disk image is malformed"), "damaged: bring it back from a copy"),
        (ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)), "no server answers there"),
    ],
)  # fmt: skip
def test_what_libraries_say_is_said_in_our_words(tmp_path, error, words) -> None:
    with pytest.raises(StoreError, match=words) as caught, Store(tmp_path).in_one_sentence():
        raise error
    assert str(error) not in str(caught.value)
