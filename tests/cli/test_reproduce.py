"""`snnviz reproduce`."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from snnviz import datasets, figures, metrics, pretrained, results
from snnviz.cli import main, reproduce
from snnviz.runs import Store


@pytest.fixture
def one_format(monkeypatch):
    """Figures in one format, of few dots: the others take time and are tested elsewhere."""
    make = figures.make
    monkeypatch.setattr(figures, "make", lambda *args, formats: make(*args, formats=("png",), dpi=40))


@pytest.fixture
def lighter(one_format, monkeypatch):
    """400 test images instead of 10 000, on which each fine-tuning is measured before and after."""
    load = datasets.load
    monkeypatch.setattr(
        datasets,
        "load",
        lambda name, split="test", **how: load(name, split, **({"limit": 400} if split == "test" else {}) | how),
    )


def test_every_number_comes_from_a_recorded_run(one_format, tmp_path, capsys, monkeypatch):
    longer = replace(pretrained.CHAINS["dense-mnist"], horizon=(20, 60))
    monkeypatch.setattr(pretrained, "CHAINS", {"dense-mnist": longer})
    store, out = tmp_path / "runs", tmp_path / "report"
    assert main(["reproduce", "--limit", "60", "--out", str(out), "--tracking-uri", str(store), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    commands = answer["commands"]["dense-mnist"]
    recorded = [each for each in commands if each["run"]]
    assert [each["command"].split()[:2] for each in recorded] == [["snnviz", "simulate"]] * 4
    rows = pd.read_csv(out / "table-h.csv").set_index(["model", "stage", "metric"])["ours"]
    for stage, each in zip(("before", "after"), recorded[:2], strict=True):
        run = Store(store).get(each["run"])
        assert run.metrics["peak_accuracy"] == rows["dense-mnist", stage, "peak accuracy"]
        assert run.metrics["pareto_latency"] == pytest.approx(rows["dense-mnist", stage, "Pareto latency"])
    # table E has a horizon of its own
    assert all("--steps 60" in each["command"] and "--limit 20" in each["command"] for each in recorded[2:])
    rows = pd.read_csv(out / "table-e.csv").set_index(["model", "stage", "metric"])["ours"]
    long = results.load(out / "dense-mnist" / "after-60.nc")
    assert long.sizes["item"] == 20
    assert rows["dense-mnist", "after", "time to threshold"] == metrics.time_to_accuracy(long, 0.9797).value
    report = (out / "report.md").read_text()
    assert "Table E of dense-mnist is of 20 test images and 60 time steps." in report
    assert all(each["command"] in report for each in commands)
    assert "dense-mnist/figure-a.png" in report
    assert (out / "dense-mnist" / "figure-a.png").is_file()


@pytest.mark.parametrize("model", pretrained.CHAINS)
def test_the_cards_hold_the_commands_to_make_each_model_anew(model):
    from snnviz.cli import parser

    chain = pretrained.chain(model)
    searched = model != "conv-cifar10"  # which is converted, and no more
    kinds = {
        chain.classifier: ("command", "train"),
        chain.sparse: ("command", "finetune"),
        chain.optimized: ("command", "optimize" if searched else "convert"),
    }
    for name, (key, kind) in kinds.items():
        words = reproduce._words(pretrained.card(name)[key])
        assert parser().parse_args(words).command == kind
    optimized = pretrained.card(chain.optimized)
    assert ("start" in optimized) == ("search" in optimized) == searched
    to_its_start = [parser().parse_args(reproduce._words(command)).command for command in optimized.get("start", ())]
    assert to_its_start[:1] == ["convert"] * searched
    assert set(to_its_start[1:]) <= {"optimize"}
    for command in pretrained.card(chain.sparse).get("start", ()):
        assert parser().parse_args(reproduce._words(command)).command == "finetune"


SHORT = {
    "dense-mnist": {"command": "snnviz train dense-mnist --limit 300 --epochs 1 --learning-rate 0.1"},
    "dense-mnist-sparse-shifted": {
        "start": [
            "snnviz finetune dense-mnist --limit 300 --epochs 1 --learning-rate 0.05 --shift 1 --anneal",
            "snnviz finetune start.keras --limit 300 --epochs 1 --learning-rate 0.01 --epsilon 0.01",
        ],
        "command": "snnviz finetune start.keras --limit 300 --epochs 1 --learning-rate 0.01 --levels 3 --epsilon 0.03",
    },
    "dense-mnist-optimized": {
        "start": [
            "snnviz convert dense-mnist-sparse-shifted --setting paper --percentile 99.5 --norm-items 200 --out start.npz",
            "snnviz optimize start.npz --method percentile --items 50 --evaluations 2 --steps 5 --out better.npz",
        ],
        "command": "snnviz optimize better.npz --method onsets --items 50 --evaluations 2 --steps 5",
    },
}
"""Commands as on the cards, but of seconds."""
SHORT_CONVERSION = "snnviz convert dense-mnist-sparse-shifted --setting paper --norm-items 200 --half"


def test_models_are_made_from_scratch_and_not_twice(lighter, tmp_path, capsys, monkeypatch):
    whole = pretrained.card
    monkeypatch.setattr(pretrained, "card", lambda name: whole(name) | SHORT[name])
    out = tmp_path / "report"
    words = [
        "reproduce",
        "--from-scratch",
        "--limit",
        "40",
        "--out",
        str(out),
        "--tracking-uri",
        str(tmp_path / "runs"),
    ]
    assert main([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    done = [each["command"].split()[1] for each in answer["commands"]["dense-mnist"]]
    assert done == ["train", *["finetune"] * 3, "convert", *["optimize"] * 2, "convert", *["simulate"] * 2]
    made = out / "dense-mnist"
    first, second = (
        json.loads((made / f"dense-mnist-sparse-shifted{end}.json").read_text()) for end in ("-start-1", "")
    )
    rows = pd.read_csv(out / "table-g.csv").set_index(["model", "stage", "metric"])["ours"]
    assert rows["dense-mnist", "before", "S_w"] == first["sparsity_before"]["S_w"]
    assert rows["dense-mnist", "after", "S_w"] == second["sparsity"]["S_w"] > first["sparsity"]["S_w"]
    card = json.loads((made / "dense-mnist-optimized.json").read_text())
    network = pretrained.network(made / "dense-mnist-optimized.npz")
    assert card["network_hash"] == network.hash != whole("dense-mnist-optimized")["network_hash"]
    assert network.metadata["percentile"] == 99.5
    rows = pd.read_csv(out / "table-h.csv").set_index(["model", "stage", "metric"])["ours"]
    assert card["test"]["peak_accuracy"] == rows["dense-mnist", "after", "peak accuracy"]
    assert card["test"]["items"] == 40
    # called again it goes on where it was, which is at the end; its figures would be the same
    monkeypatch.setattr(figures, "make", lambda *args, formats: figures.Made({}, {}))
    model = (made / "dense-mnist.checkpoint.npz").stat().st_mtime_ns
    assert main([*words, "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["tables"]["f"] == answer["tables"]["f"]
    assert (made / "dense-mnist.checkpoint.npz").stat().st_mtime_ns == model
    assert pretrained.network(made / "dense-mnist-optimized.npz").hash == network.hash


@pytest.mark.slow
def test_a_network_that_is_only_converted_is_made_without_a_search(lighter, tmp_path, capsys, monkeypatch):
    whole, short = pretrained.card, SHORT | {"dense-mnist-optimized": {"command": SHORT_CONVERSION}}
    without = {"dense-mnist-optimized": ("start", "search", "test_of_the_start")}
    monkeypatch.setattr(
        pretrained,
        "card",
        lambda name: (
            {key: value for key, value in whole(name).items() if key not in without.get(name, ())} | short[name]
        ),
    )
    out = tmp_path / "report"
    words = ["reproduce", "--from-scratch", "--limit", "40", "--out", str(out)]
    assert main([*words, "--tracking-uri", str(tmp_path / "runs"), "--json"]) == 0
    done = [each["command"].split()[1] for each in json.loads(capsys.readouterr().out)["commands"]["dense-mnist"]]
    assert done == ["train", *["finetune"] * 3, "convert", "convert", "simulate", "simulate"]
    card = json.loads((out / "dense-mnist" / "dense-mnist-optimized.json").read_text())
    network = pretrained.network(out / "dense-mnist" / "dense-mnist-optimized.npz")
    assert card["network_hash"] == network.hash == network.halved().hash
    assert card["command"] == SHORT_CONVERSION
    assert not {"start", "search", "test_of_the_start"} & card.keys()


def test_what_a_cards_command_works_on_is_replaced(tmp_path):
    words = reproduce._words("snnviz convert a.keras --out b.npz --data mnist --per channel", tmp_path / "c.keras")
    assert words == ["convert", str(tmp_path / "c.keras"), "--per", "channel"]
