"""`snnviz optimize`: a network file in, a better one out; mistakes answered with one line."""

import json

import numpy as np
import pytest

from snnviz import datasets, load_network
from snnviz.cli import main
from snnviz.network import Dense, Input, SpikingNetwork


@pytest.fixture
def network(tmp_path):
    """784 - 12 - 10 neurons: a bank of random features, enough to be better than chance at the objective's mechanics."""
    rng = np.random.default_rng(0)
    hidden = Dense(name="hidden", input_shape=(28, 28, 1), weights=rng.normal(0, 0.05, (784, 12)), bias=np.zeros(12))
    last = Dense(name="last", input_shape=(12,), weights=rng.normal(0, 1, (12, 10)), bias=np.zeros(10))
    path = tmp_path / "network.npz"
    return SpikingNetwork(input=Input(shape=(28, 28, 1)), layers=(hidden, last)).save(path)


@pytest.fixture
def few_tests(monkeypatch):
    """A report on 300 test images instead of 10 000."""
    load = datasets.load
    whole = load("mnist").take(300)
    monkeypatch.setattr(
        datasets,
        "load",
        lambda name, split="test", **options: whole if split == "test" else load(name, split=split, **options),
    )


def arguments(network, *more):
    return ["optimize", str(network), "--items", "60", "--steps", "6", "--lambda-l", "1", "--lambda-p", "0.001", *more]


def test_it_searches_reports_and_saves(network, tmp_path, capsys):
    out, history = tmp_path / "better.npz", tmp_path / "history.csv"
    given = arguments(network, "--method", "cmaes", "--per", "layer", "--evaluations", "12", "--out", str(out))
    assert main([*given, "--history", str(history), "--half", "--json"]) == 0
    said = capsys.readouterr()
    assert "one of 60 items weighs" in said.err
    answer = json.loads(said.out)
    assert answer["evaluations"] <= 12
    assert answer["loss"]["best"] <= answer["loss"]["start"]
    assert answer["test"]["items"] == 10_000
    better = load_network(out)
    assert better.metadata["optimization"]["per"] == ["layer"]
    assert better.halved().hash == better.hash
    assert "data" not in better.metadata, "which data it is of was a guess"
    assert len(history.read_text().splitlines()) == answer["evaluations"] + 1


@pytest.mark.usefixtures("few_tests")
def test_what_is_found_remembers_the_data(tmp_path):
    """As a network that ships does by its card, which the new file has not."""
    out = tmp_path / "better.npz"
    given = arguments("dense-mnist-heuristic", "--method", "subplex", "--evaluations", "3")
    assert main([*given, "--out", str(out), "--json"]) == 0
    assert load_network(out).metadata["data"] == "mnist"


def test_a_budget_of_time_holds_the_report_too(network, tmp_path, capsys, monkeypatch):
    from snnviz.jobs.work import optimize

    monkeypatch.setattr(optimize, "_seconds_per_item", lambda simulated: simulated(1) and 1.0)
    given = arguments(
        network, "--method", "cmaes", "--evaluations", "3", "--no-track", "--out", str(tmp_path / "o.npz")
    )
    assert main([*given, "--minutes", "2", "--json"]) == 0
    said = capsys.readouterr()
    assert "the first 15 of 10000 test items: all would take 20000 s of the 120 s asked for" in said.err
    assert json.loads(said.out)["test"]["items"] == 15  # 30 s for both
    monkeypatch.setattr(optimize, "_seconds_per_item", lambda simulated: simulated(1) and 100.0)
    assert main([*given, "--minutes", "2"]) == 2
    assert "`--minutes` must leave time for the search" in capsys.readouterr().err


@pytest.mark.usefixtures("few_tests")
def test_weights_are_learned(network, tmp_path, capsys):
    pytest.importorskip("tensorflow")
    out = tmp_path / "better.npz"
    given = arguments(
        network, "--method", "weights", "--lambda-e", "0", "--updates", "40", "--every", "20", "--unrolled", "3"
    )
    assert main([*given, "--rate", "0.05", "--shift", "1", "--flip", "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["evaluations"] == 3
    assert answer["test"]["best"]["latency"] < answer["test"]["start"]["latency"] - 0.2
    start, better = load_network(network), load_network(out)
    assert better.metadata["optimization"]["method"] == "weights"
    assert not np.array_equal(better.layers[0].weights, start.layers[0].weights)


@pytest.mark.usefixtures("few_tests")
def test_it_resumes(network, tmp_path, capsys):
    run = arguments(
        network, "--method", "subplex", "--out", str(tmp_path / "o.npz"), "--checkpoint", str(tmp_path / "run")
    )
    run += ["--lambda-e", "0.1"]
    assert main([*run, "--evaluations", "3"]) == 0
    said = capsys.readouterr()
    assert "3 evaluations" in said.out
    assert "items weighs" not in said.err
    assert main([*run, "--evaluations", "3"]) == 2
    assert "empty folder" in capsys.readouterr().err
    assert main([*run, "--evaluations", "5", "--resume"]) == 0
    assert "5 evaluations" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--method", "annealing"], "--method"),
        (["--per", "neuron"], "--per"),
        (["--per", "channel,layer"], "coarse to fine"),
        (["--lambda-e", "-1"], "--lambda-e"),
        (["--items", "0"], "--items"),
        (["--items", "20000"], "--items"),
        (["--out", "better.keras"], "--out"),
        (["--method", "cmaes", "--updates", "5"], "--updates"),
        (["--method", "cmaes", "--batch-size", "5"], "--batch-size"),
        (["--batch-size", "0"], "--batch-size"),
        (["--method", "subplex", "--rate", "0.1"], "--rate"),
        (["--rate", "0"], "--rate"),
        (["--unrolled", "0"], "--unrolled"),
        (["--every", "0"], "--every"),
        (["--shift", "-1"], "--shift"),
        (["--method", "onsets", "--shift", "1"], "--shift"),
        (["--flip"], "--flip"),
        (["--precision", "bfloat16"], "--precision"),
        (["--method", "weights", "--precision", "float16"], "--precision"),
        (["--method", "weights", "--with-potentials"], "--with-potentials"),
        (["--method", "weights", "--target", "spinnaker"], "--method"),
        (["--minutes", "0"], "--minutes"),
    ],
)
def test_mistakes_are_answered_with_one_line(network, more, message, capsys):
    assert main(arguments(network, *more)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
