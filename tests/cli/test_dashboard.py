"""`snnviz dashboard`."""

from snnviz import cli, results
from snnviz.cli.dashboard import load_named
from tests.synthetic import dense_mnist


def test_results_are_served_by_name(tmp_path, monkeypatch, capsys):
    first = results.save(dense_mnist(), tmp_path / "one" / "run.nc")
    second = results.save(dense_mnist(fast=True), tmp_path / "two" / "run.nc")
    third = results.save(dense_mnist(), tmp_path / "other.nc")
    served = {}
    monkeypatch.setattr("snnviz.dashboard.serve", lambda runs, **options: served.update(runs=runs, **options))
    assert cli.main(["dashboard", str(first), str(second), str(third), "--port", "5999"]) == 0
    assert list(served["runs"]) == ["one/run", "two/run", "other"]
    assert served["port"] == 5999
    assert "3 results" in capsys.readouterr().out


def test_no_results_are_an_empty_page_not_an_error():
    assert load_named([]) == {}
