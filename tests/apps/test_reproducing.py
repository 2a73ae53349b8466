"""A run as a command and as Python asks for the same again."""

import shlex

import numpy as np
import pytest

from snnviz import cli, dashboard, jobs, results
from snnviz.dashboard import reproducing
from snnviz.hardware.spinnaker import process
from tests.apps.words import same_again
from tests.synthetic import dense_mnist

SPECS = [
    {"kind": "simulate", "options": {"network": "a b.npz", "steps": 7, "record": ["logits", "events"], "clamp": 0.5}},
    {
        "kind": "optimize",
        "options": {"network": "x.npz", "method": "subplex", "per": ["layer", "channel"], "minutes": 2.5},
    },
    {
        "kind": "optimize",
        "options": {"network": "x.npz", "method": "weights", "flip": True, "lambda_l": 0.1},
        "name": "it's",
    },
    {"kind": "finetune", "options": {"model": "dense-mnist", "epochs": [3, 4], "lambda_a": 0.5, "levels": 8}},
    {"kind": "train", "options": {"architecture": "dense-mnist", "epochs": [1], "learning_rate": [0.5], "shift": 1}},
    {"kind": "dryrun", "options": {"network": "x.npz", "limit": 20, "headroom": "estimate"}, "name": "dry"},
    {"kind": "spinnaker", "options": {"network": "x.npz", "steps": 20, "engine": "event"}},
    {"kind": "spinnaker", "options": {"network": "x.npz", "target": "board", "host": "10.0.0.2"}},
]


@pytest.mark.parametrize("asked", SPECS, ids=lambda spec: spec["kind"])
def test_the_same_again(asked, monkeypatch):
    monkeypatch.setattr(process, "require_spynnaker", lambda: None)
    spec = jobs.Spec.of(asked)
    found = []
    monkeypatch.setattr(jobs, "run", lambda given, **_: found.append(jobs.Spec.of(given)) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        exec(reproducing.python(spec.as_json()))
    words = shlex.split(reproducing.command(spec.as_json()))
    assert words[0] == "snnviz"
    with pytest.raises(ZeroDivisionError):
        cli.main(words[1:])
    for again in found:
        mine, theirs = spec.as_json(), again.as_json()
        theirs["options"].pop("out", None)  # the command's own default
        mine["options"] = {name: list(v) if isinstance(v, tuple) else v for name, v in mine["options"].items()}
        per = theirs["options"].get("per")
        if isinstance(mine["options"].get("per"), list) and isinstance(per, str):
            theirs["options"]["per"] = per.split(",")
        assert theirs == mine
    assert len(found) == 2


def test_defaults_are_left_out():
    spec = {"kind": "spinnaker", "options": {"network": "x.npz", "target": "expect", "steps": 50}}
    assert reproducing.command(spec) == "snnviz hardware expect x.npz --track"
    assert "'steps'" not in reproducing.python(spec)


def test_a_plot_of_a_page_is_drawn_again_from_its_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = {"it's": dense_mnist(title="before"), "after": dense_mnist(title="after", fast=True)}
    for place, run in enumerate(runs.values()):
        results.save(run, tmp_path / f"{place}.nc")
    page = dashboard.Explorer(
        dashboard.Workspace(runs, files={name: tmp_path / f"{place}.nc" for place, name in enumerate(runs)})
    )
    for name in ("accuracy_over_time", "spike_rates"):
        assert same_again(page.figures[name])
        _, command = page.figures[name]._again()
        assert (tmp_path / f"{name.replace('_', '-')}.pdf").stat().st_size > 1000
        assert cli.parser().parse_args(shlex.split(command)[1:]).names == [
            "figure-a" if name == "accuracy_over_time" else "spike-rates"
        ]
    assert same_again(page.figures["pareto_front"])


def test_what_only_this_process_has_is_told_as_such(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    python, command = dashboard.Explorer(dense_mnist()).figures["accuracy_over_time"]._again()
    assert "from snnviz.simulate" in python
    assert command is None


def test_networks_and_plans_come_from_where_they_lie(pair, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    files = {name: results.save(result, tmp_path / "out" / f"{name}.nc") for name, result in pair.items()}
    page = dashboard.Network(dashboard.Workspace(pair, files=files))
    assert "'out/before.nc'" in page.figures["layer_graph"]._again()[0]
    for figure in page.figures.values():
        assert same_again(figure)
    assert same_again(dashboard.Live(steps=6, item=3).membranes)


def test_what_was_drawn_by_hand_has_no_python():
    page = dashboard.Live(steps=6)
    page._answer(np.ones((28, 28, 1), np.float32), 1)
    assert page.membranes._again() is None
