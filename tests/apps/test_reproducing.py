"""A run as a command and as Python asks for the same again."""

import shlex

import pytest

from snnviz import cli, dashboard, jobs, plots, results
from snnviz.dashboard import reproducing
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
]


@pytest.mark.parametrize("asked", SPECS, ids=lambda spec: spec["kind"])
def test_the_same_again(asked, monkeypatch):
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


def test_kinds_without_a_command_have_python():
    spec = {"kind": "spinnaker", "options": {"network": "x.npz", "target": "expect", "steps": 50}}
    assert reproducing.command(spec) is None
    assert "'steps'" not in reproducing.python(spec), "a default"


def test_a_plot_of_a_page_is_drawn_again_from_its_python(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs = {"it's": dense_mnist(title="before"), "after": dense_mnist(title="after", fast=True)}
    for place, run in enumerate(runs.values()):
        results.save(run, tmp_path / f"{place}.nc")
    page = dashboard.Explorer(
        dashboard.Workspace(runs, files={name: tmp_path / f"{place}.nc" for place, name in enumerate(runs)})
    )
    for name in ("accuracy_over_time", "spike_rates"):
        python, command = page.figures[name]._again()
        found = {}
        exec(python, found)
        assert plots.render(found["figure"], "svg") == plots.render(page.figures[name]._draw(), "svg")
        assert (tmp_path / f"{name.replace('_', '-')}.pdf").stat().st_size > 1000
        assert cli.parser().parse_args(shlex.split(command)[1:]).names == [
            "figure-a" if name == "accuracy_over_time" else "spike-rates"
        ]
    held = reproducing.plot("accuracy_over_time", {"mine": ("", "")})
    assert "from snnviz.simulate" in held
    assert reproducing.figures_command("accuracy_over_time", {"mine": ("", "")}) is None
