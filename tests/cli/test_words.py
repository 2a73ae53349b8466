"""Messages name what was typed, and what was probably meant; defaults follow what is given."""

import json

import keras
import pytest
from keras import layers as L

from snnviz.cli import main
from snnviz.jobs.work import train
from snnviz.jobs.work.finetune import NO_ACTIVATION_PENALTY, Options
from snnviz.training import FINE_TUNING


def said(capsys, *words) -> str:
    try:
        code = main(list(words))
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("snnviz")]
    return line


@pytest.mark.parametrize(
    ("words", "called", "meant"),
    [
        (["simulate", "dense-mnist-optimised"], "`NETWORK` must", "'dense-mnist-optimized'"),
        (["simulate", "missing.npz"], "`NETWORK` must", None),
        (["optimize", "dense-mnist"], "`NETWORK` must be a spiking network", None),
        (["hardware", "neuron", "dense-mnist-optimised"], "`NETWORK` must", "'dense-mnist-optimized'"),
        (["convert", "missing.keras"], "`MODEL` must", None),
        (["check", "missing.keras"], "`MODEL` must", None),
        (["info", "dense-mnst"], "`FILE` must", "'dense-mnist'"),
        (["train", "dense-mnits"], "`ARCH` must", "'dense-mnist'"),
        (["simulate", "dense-mnist-optimized", "--data", "mnits"], "`--data` must", "'mnist'"),
        (["simulate", "dense-mnist-optimized", "--input", "poison"], "`--input` must", "'poisson'"),
        (["simulate", "dense-mnist-optimized", "--stesp", "3"], "--stesp", "'--steps'"),
        (["simulat", "dense-mnist-optimized"], "simulat", "'simulate'"),
        (["hardware", "neuro", "dense-mnist-optimized"], "neuro", "'neuron'"),
    ],
)
def test_a_mistake_is_named_as_typed(words, called, meant, capsys) -> None:
    line = said(capsys, *words)
    assert called in line
    assert ("did you mean" in line) == (meant is not None)
    assert meant is None or f"did you mean {meant}?" in line


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"epochs": [3]}, ((3, 5e-3),)),
        ({"epochs": [3, 2]}, ((3, 5e-3), (2, 1e-3))),
        ({"epochs": [3, 2, 1]}, ((3, 5e-3), (2, 1e-3), (1, 1e-3))),
        ({"learning_rate": [0.1]}, ((100, 0.1),)),
        ({"epochs": [3], "learning_rate": [0.1]}, ((3, 0.1),)),
        ({}, FINE_TUNING.schedule),
    ],
)
def test_as_many_stages_as_are_given(given, wanted) -> None:
    assert train.recipe_from(Options(model="m.keras", **given), FINE_TUNING, 1000).schedule == wanted


def own(path, *layers) -> None:
    keras.Sequential([keras.Input((28, 28, 1)), L.Conv2D(4, 3, strides=3, activation="relu"), *layers]).save(path)


def test_the_first_fine_tuning_of_ones_own_model_meets_no_wall(tmp_path, capsys) -> None:
    path, out = str(tmp_path / "own.keras"), str(tmp_path / "sparse.keras")
    own(path, L.Flatten(), L.Dense(10, activation="softmax"))
    given = ["--data", "mnist", "--limit", "200", "--no-track", "--out", out]
    assert main(["finetune", path, "--epochs", "1", *given, "--json"]) == 0
    found = capsys.readouterr()
    assert NO_ACTIVATION_PENALTY in found.err
    recipe = json.loads(found.out)["card"]["recipe"]
    assert (recipe["schedule"], recipe["lambda_a"], recipe["lambda_w"]) == ([[1, 0.005]], 0, 20)
    assert "`--lambda-a` must be 0 unless" in said(capsys, "finetune", path, "--lambda-a", "1", "--epochs", "1", *given)


def test_all_that_is_wrong_is_said_at_once_and_leaves_no_run(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    own("own.keras", L.MaxPooling2D(2), L.Flatten(), L.Dense(10))
    store = ["--tracking-uri", str(tmp_path / "runs")]
    given = ["--data", "mnist", "--limit", "100", "--validation", "100", "--lambda-a", "1", *store]
    line = said(capsys, "finetune", "own.keras", *given)
    for wrong in (
        "`MODEL` must be convertible",
        "MaxPooling2D",
        "`--validation` must be below",
        "`--lambda-a` must be 0",
    ):
        assert wrong in line
    assert main(["runs", "list", "--json", *store]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == []
