"""Messages name what was typed, and what was probably meant; defaults follow what is given."""

import json

import keras
import numpy as np
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
        (["convert", "dense-mnist-optimized"], "which is a spiking network already", None),
        (["convert", "dense-mnst"], "`MODEL` must be a .keras or .onnx file, run:ID or one of", "'dense-mnist'"),
        (["check", "dense-mnst"], "`MODEL` must be a .keras or .onnx file or one of", "'dense-mnist'"),
        (["train", "dense-mnist", "--epochs", "0"], "`--epochs` must", None),
        (["simulate", "dense-mnist-optimized", "--stop", "2"], "`--stop` must", None),
        (["simulate", "dense-mnist-optimized", "--stop-temperature", "-1"], "`--stop-temperature` must", None),
        (["simulate", "dense-mnist-optimized", "--stop-rule", "gap"], "`--stop-rule` must go with `--stop`", None),
        (["simulate", "dense-mnist-optimized", "--decay", "0.5"], "`--decay` must go with `--readout` decay", None),
        (["simulate", "dense-mnist-optimized", "--input", "spikes"], "`--data` must be 'saccade_mnist', or", None),
        (["simulate", "run:ffff"], "`NETWORK` must be a run of", None),
        (["data", "fetch", "cifr10"], "`NAME` must", "'cifar10'"),
        (["runs", "compare", "ffff", "eeee"], "`RUN` must", None),
        (["runs", "compare", "ffff"], "`RUN` must be two runs", None),
        (["runs", "restore", "ffff"], "`RUN` must", None),
        (["runs", "list", "--status", "Finnished"], "'waiting', 'running', 'finished', 'failed'", "'finished'"),
        (["runs", "list", "--kind", "trian"], "`--kind` must", "'train'"),
        (["hardware", "neuron", "dense-mnist-optimised"], "`NETWORK` must", "'dense-mnist-optimized'"),
        (["convert", "missing.keras"], "`MODEL` must", None),
        (["check", "missing.keras"], "`MODEL` must", None),
        (["info", "dense-mnist-optimised"], "`FILE` must be an .npz file or one of", "'dense-mnist-optimized'"),
        (["train", "dense-mnits"], "`ARCH` must", "'dense-mnist'"),
        (["simulate", "dense-mnist-optimized", "--data", "mnits"], "`--data` must", "'mnist'"),
        (["simulate", "dense-mnist-optimized", "--input", "poison"], "`--input` must", "'poisson'"),
        (["simulate", "dense-mnist-optimized", "--stesp", "3"], "--stesp", "'--steps'"),
        (["simulat", "dense-mnist-optimized"], "simulat", "'simulate'"),
        (["hardware", "neuro", "dense-mnist-optimized"], "neuro", "'neuron'"),
    ],
)
def test_a_mistake_is_named_as_typed(words, called, meant, capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SNNVIZ_TRACKING_URI", str(tmp_path / "runs"))
    line = said(capsys, *words)
    assert called in line
    assert ("did you mean" in line) == (meant is not None)
    assert meant is None or f"did you mean {meant}?" in line


def test_only_what_would_do_is_named(capsys) -> None:
    networks, models = said(capsys, "simulate", "dense"), said(capsys, "convert", "dense")
    assert "`NETWORK` must be an .npz file, run:ID or one of" in networks
    assert "'dense-mnist'" not in networks
    assert "'dense-mnist-optimized'" not in models


def test_data_of_another_shape_are_named_as_typed(tmp_path, capsys) -> None:
    path = str(tmp_path / "small.npz")
    x, y = np.zeros((2, 8, 8), np.float32), np.zeros(2, np.int64)
    np.savez(path, x_train=x, y_train=y, x_test=x, y_test=y)
    line = said(capsys, "simulate", "dense-mnist-optimized", "--data", path)
    assert "`--data` must have shape (items, 28, 28, 1). Received: an array of shape (2, 8, 8" in line


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
