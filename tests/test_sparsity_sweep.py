"""A sweep over sparsity penalties: its points are fine-tunings, it resumes, and mistakes are answered."""

import shutil
from dataclasses import replace

import keras
import numpy as np
import optuna
import pandas as pd
import pytest

from snnviz import sparsity, sparsity_sweep
from snnviz.conversion.loading import load_keras
from snnviz.errors import InputError
from snnviz.sparsity_sweep import sweep
from snnviz.training import Recipe, TrainingDiverged, evaluate, finetune, split

# Keras' own saving trips over NumPy's newer conversion protocol; nothing here depends on it
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")

RECIPE = Recipe(schedule=((2, 0.1), (1, 0.01)), batch_size=8, validation=30, seed=5)
GRID = {"lambda_a": (0.1, 3.0), "lambda_w": (1.0, 30.0)}


@pytest.fixture(scope="module")
def data():
    """Images whose class is the brightest of three stripes."""
    random = np.random.default_rng(0)
    x = random.random((120, 6, 6, 1)).astype(np.float32) * 0.6
    y = random.integers(0, 3, 120)
    for image, label in zip(x, y, strict=True):
        image[2 * label : 2 * label + 2] += 0.3
    return x, y


@pytest.fixture(scope="module")
def model():
    layers = [
        keras.layers.Flatten(),
        keras.layers.Dense(8, kernel_initializer=keras.initializers.GlorotUniform(seed=1)),
        keras.layers.BatchNormalization(scale=False),
        keras.layers.ReLU(),
        keras.layers.Dense(3, activation="softmax", kernel_initializer=keras.initializers.GlorotUniform(seed=2)),
    ]
    return keras.Sequential([keras.Input((6, 6, 1)), *layers])


def run(model, data, folder, **options):
    return sweep(model, *data, folder, **{**GRID, "recipe": RECIPE, "epsilon": 1e-2, "progress": False, **options})


@pytest.fixture(scope="module")
def whole(model, data, tmp_path_factory):
    """A sweep that nothing interrupts, and its folder."""
    folder = tmp_path_factory.mktemp("whole") / "sweep"
    return run(model, data, folder), folder


def test_every_point_is_that_finetuning(whole, model, data, tmp_path):
    found, folder = whole
    table = found.table
    assert [tuple(row) for row in table[["lambda_a", "lambda_w"]].to_numpy()] == [
        (a, w) for a in (0.1, 3) for w in (1, 30)
    ]
    assert not found.failed
    row = table.iloc[3]
    model.save(tmp_path / "start.keras")
    again = load_keras(tmp_path / "start.keras")
    recipe = Recipe(**{**RECIPE.as_json(), "lambda_a": 3.0, "lambda_w": 30.0})
    assert finetune(again, *data, recipe, progress=False).best_epoch == row["epoch"]
    held_out, _ = split(120, RECIPE)
    x, y = data[0][held_out], data[1][held_out]
    assert evaluate(again, x, y).accuracy == row["accuracy_unpruned"]
    sparsity.prune(again, 1e-2)
    kept = load_keras(folder / row["model"])
    for ours, theirs in zip(again.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert evaluate(again, x, y).accuracy == row["accuracy"]
    measured = sparsity.measure(again, x)
    assert (row["S_a"], row["S_w"], row["S_c"]) == (measured.activations, measured.weights, measured.combined)


def test_penalties_do_what_they_are_for_and_curves_are_kept(whole):
    table = whole[0].table.set_index(["lambda_a", "lambda_w"])
    assert table.loc[(3.0, 1.0), "S_a"] > table.loc[(0.1, 1.0), "S_a"]
    assert table.loc[(0.1, 30.0), "S_w"] > table.loc[(0.1, 1.0), "S_w"]
    curves = whole[0].pruning
    assert set(curves) == {"lambda_a", "lambda_w", "epsilon", "S_w", "accuracy", "items"}
    at = curves[curves["epsilon"] == 1e-2].set_index(["lambda_a", "lambda_w"])
    pd.testing.assert_series_equal(at["accuracy"], table["accuracy"])


def test_the_front_is_what_nothing_beats(whole):
    table = whole[0].table
    for row in table.itertuples():
        better = (table["accuracy"] >= row.accuracy) & (table["S_c"] >= row.S_c)
        better &= (table["accuracy"] > row.accuracy) | (table["S_c"] > row.S_c)
        assert row.on_front == (not better.any())


@pytest.mark.parametrize("epochs", [5])
def test_cut_off_and_resumed_is_the_same_sweep(whole, model, data, tmp_path, monkeypatch, epochs):
    from snnviz.training import loop

    epoch, done = loop._Run.epoch, []

    def cut_off(self, *arguments):
        if len(done) == epochs:
            raise KeyboardInterrupt
        done.append(1)
        epoch(self, *arguments)

    monkeypatch.setattr(loop._Run, "epoch", cut_off)
    with pytest.raises(KeyboardInterrupt, match="--resume"):
        run(model, data, tmp_path / "s")
    monkeypatch.setattr(loop._Run, "epoch", lambda self, *a: (done.append(1), epoch(self, *a)))
    resumed = run(model, data, tmp_path / "s", resume=True)
    assert len(done) == 12  # four points of three epochs: none was trained twice
    drop = ["seconds"]
    pd.testing.assert_frame_equal(resumed.table.drop(columns=drop), whole[0].table.drop(columns=drop))
    pd.testing.assert_frame_equal(resumed.pruning, whole[0].pruning)
    assert run(model, data, tmp_path / "s", resume=True).table.equals(resumed.table)  # nothing is left to do


@pytest.mark.slow
def test_workers_find_the_same(whole, model, data, tmp_path):
    found = run(model, data, tmp_path / "s", workers=2)
    columns = ["lambda_a", "lambda_w", "accuracy", "S_a", "S_w"]
    # with other numbers of threads sums may round otherwise
    pd.testing.assert_frame_equal(found.table[columns], whole[0].table[columns], atol=0.05)


@pytest.mark.slow
def test_a_cluster_finds_the_same_and_its_files_come_here(whole, model, data, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=50
    ) as cluster:
        found = run(model, data, tmp_path / "s", scheduler=cluster.scheduler_address)
    columns = ["lambda_a", "lambda_w", "accuracy", "S_a", "S_w"]
    pd.testing.assert_frame_equal(found.table[columns], whole[0].table[columns], atol=0.05)  # as above
    assert all((tmp_path / "s" / name).is_file() for name in found.table["model"])
    assert len(list((tmp_path / "s").glob("*.history.csv"))) == len(found.table)
    assert run(model, data, tmp_path / "s", resume=True).table.equals(found.table)


def test_a_point_that_diverges_does_not_end_the_sweep(model, data, tmp_path, monkeypatch):
    from snnviz import training

    def sometimes(model, x, y, recipe, **options):
        if recipe.lambda_a > 1:
            raise TrainingDiverged("the training must not diverge")
        return finetune(model, x, y, recipe, **options)

    monkeypatch.setattr(training, "finetune", sometimes)
    found = run(model, data, tmp_path / "s", lambda_w=(1.0,))
    assert list(found.failed) == [(3.0, 1.0)]
    assert len(found.table) == 1
    with pytest.raises(InputError, match="must not diverge"):
        run(model, data, tmp_path / "t", lambda_a=(3.0,))


def test_another_sweep_in_the_folder_is_left_alone(whole, model, data):
    found, folder = whole
    with pytest.raises(InputError, match="unless `resume`"):
        run(model, data, folder)
    for changed, name in (({"epsilon": 0.1}, "epsilon"), ({"lambda_w": (1.0,)}, "grid")):
        with pytest.raises(InputError, match=f"differs in {name}"):
            run(model, data, folder, resume=True, **changed)
    with pytest.raises(InputError, match="differs in data"):
        run(model, (data[0] * np.float32(0.5), data[1]), folder, resume=True)
    assert run(model, data, folder, resume=True).table.equals(found.table)


def test_a_sweep_from_before_a_setting_came_goes_on(whole, model, data, tmp_path):
    found, folder = whole
    old = shutil.copytree(folder, tmp_path / "old")
    storage = optuna.storages.RDBStorage(f"sqlite:///{old / 'study.db'}")
    study = optuna.load_study(study_name=None, storage=storage)
    settings = study.user_attrs["settings"]
    del settings["recipe"]["weigh"]
    study.set_user_attr("settings", settings)
    storage.engine.dispose()
    assert run(model, data, old, resume=True).table.equals(found.table)
    with pytest.raises(InputError, match="differs in recipe"):
        run(model, data, old, resume=True, recipe=replace(RECIPE, weigh="events"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lambda_a": ()}, "lambda_a"),
        ({"lambda_a": 0.5}, "lambda_a"),
        ({"lambda_a": (-1.0,)}, "lambda_a"),
        ({"lambda_w": (5.0, 5.0)}, "different"),
        ({"epsilon": -1.0}, "epsilon"),
        ({"workers": 0}, "workers"),
        ({"recipe": Recipe(validation=0)}, "hold out"),
        ({"recipe": Recipe(validation=120)}, "validation"),
    ],
)
def test_mistakes_are_answered(model, data, tmp_path, wrong, message):
    with pytest.raises(InputError, match=message):
        run(model, data, tmp_path / "s", **wrong)
    assert not (tmp_path / "s").exists()


def test_a_model_without_fixed_gammas_is_refused(data, tmp_path):
    plain = keras.Sequential([keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    with pytest.raises(InputError, match="gamma"):
        run(plain, data, tmp_path / "s")
    assert not (tmp_path / "s").exists()


def test_a_file_is_no_folder(model, data, tmp_path):
    (tmp_path / "s").write_text("")
    with pytest.raises(InputError, match="folder"):
        run(model, data, tmp_path / "s")


def test_without_optuna_it_says_what_to_install(model, data, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(InputError, match="pip install"):
        run(model, data, tmp_path / "s")
    assert sparsity_sweep.LAMBDA_A == (0.2, 0.5, 1.0, 2.0)
