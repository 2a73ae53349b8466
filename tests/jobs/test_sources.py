"""Which data a network is of, which items were held out, and what is said where they are not as expected."""

import json

import numpy as np
import pytest

import snnviz
from snnviz import datasets
from snnviz.cli import main
from snnviz.datasets import held_out_items, validation_split
from snnviz.jobs.work import finetune, optimize, sources, train
from snnviz.training import Recipe, split


@pytest.fixture
def own_data(tmp_path):
    """Data of one's own with two classes that MNIST's networks know nothing of."""
    images = datasets.load("mnist", split="train", limit=300)
    path = tmp_path / "own.npz"
    np.savez(path, x_train=images.x, y_train=images.y, x_test=images.x[::-1], y_test=images.y[::-1])
    return path


def test_a_network_remembers_its_data(own_data, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "dense-mnist", "--data", "own.npz", "--norm-items", "50", "--out", "n.npz"]) == 0
    assert "is of the data set mnist, and runs on own.npz as asked" in capsys.readouterr().err
    assert snnviz.load_network("n.npz").metadata["data"] == str(own_data)
    assert main(["simulate", "n.npz", "--steps", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["data"], answer["items"]) == (str(own_data), 300)


def test_a_network_that_remembers_nothing_says_what_it_runs_on(tmp_path, capsys) -> None:
    network = snnviz.pretrained.network("dense-mnist-optimized")
    bare = type(network)(network.input, network.layers)
    bare.save(tmp_path / "n.npz")
    assert bare.hash == network.hash
    assert main(["simulate", str(tmp_path / "n.npz"), "--limit", "5", "--steps", "2"]) == 0
    said = capsys.readouterr()
    assert "mnist is taken; --data names another" in said.err
    assert "WARNING" in said.out


def test_an_ann_no_better_than_guessing_is_said(tmp_path, capsys) -> None:
    images = datasets.load("mnist", limit=200)
    np.savez(tmp_path / "d.npz", x_train=images.x, y_train=images.y, x_test=1 - images.x, y_test=images.y)
    assert main(["simulate", "dense-mnist-optimized", "--data", str(tmp_path / "d.npz"), "--steps", "2", "--json"]) == 0
    assert "no better than guessing among 10 classes" in json.loads(capsys.readouterr().out)["warnings"][-1]


@pytest.mark.parametrize(("accuracy", "items", "said"), [(0.1, 1000, True), (0.2, 1000, False), (0.1, 20, False)])
def test_chance(accuracy, items, said) -> None:
    assert bool(sources.chance(accuracy, items, 10)) == said


@pytest.mark.parametrize(("items", "held_out"), [(60_000, 10_000), (50_000, 10_000), (20_000, 4_000), (10, 2)])
def test_one_rule_says_what_is_held_out(items, held_out) -> None:
    assert held_out_items(items) == held_out
    options = train.Options(architecture="dense-mnist")
    recipe = train.recipe_from(options, Recipe(), items)
    assert recipe.validation == held_out


@pytest.mark.parametrize("known", [None, {"of": 150, "items": 40, "seed": 3}])
def test_optimisation_judges_on_nothing_that_was_trained_on(known) -> None:
    images = datasets.load("mnist", split="train", limit=200)
    marked = datasets.Images(
        "m", "train", np.arange(200, dtype=np.float32)[:, None] / 200, images.y, images.class_names
    )
    if known is None:
        recipe, of = Recipe(validation=held_out_items(200)), 200
    else:
        recipe, of = Recipe(validation=known["items"], split_seed=known["seed"]), known["of"]
    _, trained_on = split(of, recipe)
    _, judged = optimize._split(marked, known)
    numbers = np.round(judged.x[:, 0] * 200).astype(int)
    assert len(numbers) == recipe.validation
    assert not set(numbers) & set(trained_on)
    assert len(validation_split(marked)[1]) == 40


def test_the_trained_model_is_what_a_name_means() -> None:
    images = datasets.load("mnist", split="train", limit=200)
    recipe = Recipe(schedule=((1, 1e-9),), validation=100, lambda_a=0.0, lambda_w=0.0)
    tuned = snnviz.finetune("dense-mnist", images.x, images.y, recipe, progress=False)
    tests = datasets.load("mnist", limit=300)
    assert snnviz.training.evaluate(tuned.model, tests.x, tests.y, progress=False).accuracy > 0.95


asked = sources.DataOptions


def test_what_was_held_out_of_other_data_says_nothing_of_these(own_data) -> None:
    known = {"data": "mnist", "held_out": {"of": 60_000, "items": 10_000, "seed": 0}}
    assert sources.data_for("n.npz", known, asked(), "train", shape=(28, 28, 1)).held_out == known["held_out"]
    other = sources.data_for("n.npz", known, asked(data=str(own_data)), "train", shape=(28, 28, 1))
    assert other.held_out is None
    assert "is of the data set mnist" in other.note


def test_own_data_is_remembered_from_training_to_simulation(own_data, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained = ["train", "dense-mnist", "--data", "own.npz", "--limit", "200", "--epochs", "1", "1", "--no-track"]
    assert main([*trained, "--out", "m.keras"]) == 0
    assert main(["finetune", "m.keras", "--epochs", "1", "1", "--limit", "200", "--no-track", "--out", "s.keras"]) == 0
    assert main(["convert", "s.keras", "--data", "own.npz", "--out", "n.npz"]) == 0
    known = snnviz.load_network("n.npz").metadata
    assert known["data"] == str(own_data)
    assert known["held_out"] == {"of": 200, "items": 40, "seed": 0}
    capsys.readouterr()
    assert main(["simulate", "n.npz", "--steps", "2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == str(own_data)


def test_every_shipped_model_is_known_to_be_of_a_data_set():
    for name in snnviz.pretrained.names():
        assert sources.remembered(name)["data"] == snnviz.pretrained.card(name)["data"]["name"]


def test_fine_tuning_holds_out_what_the_training_did():
    options, told = finetune.Options(model="dense-mnist"), {"of": 100, "items": 33, "seed": 4}
    recipe = train.recipe_from(options, options.base, 100, told)
    assert (recipe.validation, recipe.split_seed) == (33, 4)
    assert train.recipe_from(options, options.base, 90, told).validation == 18  # of other items
    asked = finetune.Options(model="dense-mnist", validation=5)
    assert train.recipe_from(asked, options.base, 100, told).validation == 5
