"""What is said where a package is missing that not everybody needs: at once, with a command that works."""

import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest

from snnviz import _extras, cli, jobs
from snnviz.errors import InputError
from snnviz.optimization.subplex import Subplex

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


def missing(monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)


@pytest.mark.parametrize(
    ("package", "spec", "extra"),
    [
        ("distributed", {"kind": "optimize", "options": {"network": "x.npz", "scheduler": "tcp://x:1"}}, "distributed"),
        ("spynnaker", {"kind": "dryrun", "options": {"network": "x.npz"}}, "spinnaker"),
        (
            "spynnaker",
            {"kind": "spinnaker", "options": {"network": "x.npz", "target": "board", "host": "x"}},
            "spinnaker",
        ),
    ],
)
def test_a_job_is_refused_before_it_begins(package, spec, extra, monkeypatch):
    missing(monkeypatch, package)
    with pytest.raises(InputError, match=re.escape(f"pip install 'snnviz[{extra}]'")):
        jobs.Spec.of(spec)


def test_a_sweep_is_refused_before_anything_is_read(monkeypatch, capsys):
    missing(monkeypatch, "optuna")
    assert cli.main(["sweep", "nothing-there.keras"]) == 2
    assert "snnviz[optimization]" in capsys.readouterr().err


def test_every_command_named_is_of_an_extra_that_exists(monkeypatch):
    for extra in PROJECT["optional-dependencies"]:
        assert f"'snnviz[{extra}]'" in _extras.install(extra)
        assert f"-e '.[{extra}]'" in _extras.install(extra)
    used = set()
    for file in (Path(__file__).parents[1] / "snnviz").rglob("*.py"):
        used |= set(re.findall(r"\bneed\([^)]*\"(\w+)\"\)", file.read_text())) | set(
            re.findall(r"\binstall\(\"(\w+)\"\)", file.read_text())
        )
    assert used
    assert used <= set(PROJECT["optional-dependencies"])


def test_what_the_forms_offer_is_in_the_base_installation():
    base = {re.split(r"[<>=!;\[ ]", each)[0] for each in PROJECT["dependencies"]}
    assert {"nlopt", "cma"} <= base
    assert importlib.metadata.version("nlopt")


def test_a_searcher_that_cannot_be_loaded_says_so_instead_of_waiting(monkeypatch):
    missing(monkeypatch, "nlopt")
    with pytest.raises(ImportError, match="nlopt"):
        Subplex([0.0, 0.0])
