"""A store that cannot be used is one sentence with what to do, whatever the reason."""

import sqlite3

import pytest

from snnviz import InputError
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


def test_a_server_that_is_away() -> None:
    with pytest.raises(InputError, match="could not be used"):
        Store("http://127.0.0.1:9").list()
