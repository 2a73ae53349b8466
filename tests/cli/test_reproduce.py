"""`snnviz reproduce`."""

import json

import pandas as pd
import pytest

from snnviz import pretrained
from snnviz.cli import main, reproduce
from snnviz.runs import Store


def test_every_number_comes_from_a_recorded_run(tmp_path, capsys):
    store, out = tmp_path / "runs", tmp_path / "report"
    assert main(["reproduce", "--limit", "60", "--out", str(out), "--tracking-uri", str(store), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    commands = answer["commands"]["dense-mnist"]
    recorded = [each for each in commands if each["run"]]
    assert [each["command"].split()[:2] for each in recorded] == [["snnviz", "simulate"]] * 2
    rows = pd.read_csv(out / "table-h.csv").set_index(["model", "stage", "metric"])["ours"]
    for stage, each in zip(("before", "after"), recorded, strict=True):
        run = Store(store).get(each["run"])
        assert run.metrics["peak_accuracy"] == rows["dense-mnist", stage, "peak accuracy"]
        assert run.metrics["pareto_latency"] == pytest.approx(rows["dense-mnist", stage, "Pareto latency"])
    report = (out / "report.md").read_text()
    assert all(each["command"] in report for each in commands)
    assert "dense-mnist/figure-a.png" in report
    assert (out / "dense-mnist" / "figure-a.png").is_file()


@pytest.mark.parametrize("model", pretrained.CHAINS)
def test_the_cards_hold_the_commands_to_make_each_model_anew(model):
    from snnviz.cli import parser

    chain = pretrained.chain(model)
    kinds = {
        chain.classifier: ("command", "train"),
        chain.sparse: ("command", "finetune"),
        chain.optimized: ("command", "optimize"),
    }
    for name, (key, kind) in kinds.items():
        words = reproduce._words(pretrained.card(name)[key], None)
        assert parser().parse_args(words).command == kind
    assert parser().parse_args(reproduce._words(pretrained.card(chain.optimized)["start"], None)).command == "convert"


def test_what_a_cards_command_works_on_is_replaced(tmp_path):
    words = reproduce._words("snnviz convert a.keras --out b.npz --data mnist --per channel", tmp_path / "c.keras")
    assert words == ["convert", str(tmp_path / "c.keras"), "--per", "channel"]
