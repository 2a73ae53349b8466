"""Addresses of stores."""

from pathlib import Path

import pytest

from snnviz import InputError
from snnviz.runs import Place


def test_the_default_is_a_folder_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SNNVIZ_TRACKING_URI", raising=False)
    place = Place.of()
    assert place.home == tmp_path / "snnviz-runs"
    assert place.database == tmp_path / "snnviz-runs" / "mlflow.db"
    assert place.uri == f"sqlite:///{tmp_path}/snnviz-runs/mlflow.db"
    assert not list(tmp_path.iterdir())


def test_the_environment_and_the_argument(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SNNVIZ_TRACKING_URI", "from-environment")
    assert Place.of().home == tmp_path / "from-environment"
    assert Place.of("given").home == tmp_path / "given"
    assert Place.of(Path("given")).home == tmp_path / "given"


def test_sqlite_files_become_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Place.of("sqlite:///a/b.db").database == tmp_path / "a" / "b.db"
    assert Place.of(f"sqlite:///{tmp_path}/c.db").uri == f"sqlite:///{tmp_path}/c.db"


@pytest.mark.parametrize("uri", ["http://localhost:5000", "https://mlflow.example.org", "postgresql+psycopg://host/db"])
def test_servers(uri, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = Place.of(uri)
    assert (place.uri, place.database, place.home) == (uri, None, tmp_path / "snnviz-runs")


@pytest.mark.parametrize("uri", ["ftp://host", "sqlite://", "sqlite:////", " ", 3, b"x"])
def test_mistakes(uri):
    with pytest.raises(InputError, match=r"`uri` must .* Received: "):
        Place.of(uri)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="a file"):
        Place.of(tmp_path / "file")
