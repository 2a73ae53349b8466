"""`snnviz dashboard`."""

import pytest

from snnviz import cli, results
from snnviz.cli.dashboard import load_named
from snnviz.errors import InputError
from tests.synthetic import dense_mnist


def test_results_are_served_by_name(tmp_path, monkeypatch, capsys):
    first = results.save(dense_mnist(), tmp_path / "one" / "run.nc")
    second = results.save(dense_mnist(fast=True), tmp_path / "two" / "run.nc")
    third = results.save(dense_mnist(), tmp_path / "other.nc")
    served = {}
    monkeypatch.setenv("SNNVIZ_TRACKING_URI", str(tmp_path / "runs"))
    monkeypatch.setattr(
        "snnviz.dashboard.serve", lambda workspace, **options: served.update(workspace=workspace, **options)
    )
    assert cli.main(["dashboard", str(first), str(second), str(third), "--port", "5999", "--read-only"]) == 0
    assert served["workspace"].given() == ["one/run", "two/run", "other"]
    assert served["workspace"].read_only
    assert served["port"] == 5999
    assert "3 results" in capsys.readouterr().out


def test_no_results_are_an_empty_page_not_an_error():
    assert load_named([]) == {}


def test_no_machine_has_such_a_name():
    from snnviz.dashboard.server import _bindable

    with pytest.raises(InputError, match="`address` must be that of a machine"):
        _bindable("é" * 100, 0)
