"""`run`: a job in this process, recorded as one of its own would be."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers as kl

from snnviz import InputError, jobs, load_network, results
from snnviz.cli import main
from snnviz.jobs.job import MAIN_SHARE, Job
from snnviz.jobs.work.train import trained_by
from snnviz.runs import Folder
from snnviz.training import Recipe, TrainingInterrupted


@pytest.fixture(scope="module")
def simulated(store, network, data):
    options = {"network": network, "data": data, "steps": 6, "engine": "event"}
    return jobs.run({"kind": "simulate", "name": "first", "options": options, "tags": {"colour": "blue"}}, store=store)


def test_a_simulation_is_recorded(store, simulated, network, data):
    run = store.get(simulated.run_id)
    assert (run.kind, run.name, run.status, run.tags["colour"]) == ("simulate", "first", "FINISHED", "blue")
    assert run.params["steps"] == "6"
    assert run.params["items"] == "40"
    assert run.params["network_hash"] == load_network(network).hash
    assert store.artifacts(run.id) == ("accuracy.png", "accuracy.svg", "answer.json", "network.npz", "result.nc")
    assert store.network(run.id).hash == load_network(network).hash
    result = store.result(run.id)
    assert store.history(run.id)["accuracy"].dropna().tolist() == result["accuracy"].values.tolist()
    assert run.metrics["peak_accuracy"] == float(result["accuracy"].max())
    assert json.loads(store.file(run.id, "answer.json").read_text()) == simulated.answer
    versions = json.loads(run.tags["snnviz.versions"])
    assert versions["numpy"] == np.__version__
    inputs = store.client.get_run(run.id).inputs.dataset_inputs
    assert len(inputs) == 1
    assert len(inputs[0].dataset.digest) == 32
    assert not Folder(store.home, run.id).alive()


def test_the_digest_of_the_data_is_that_of_the_items(store, simulated, network, data):
    options = {"network": network, "data": data, "steps": 2, "engine": "event", "limit": 39}
    other = jobs.run({"kind": "simulate", "options": options}, store=store)
    digests = [
        store.client.get_run(run_id).inputs.dataset_inputs[0].dataset.digest
        for run_id in (simulated.run_id, other.run_id)
    ]
    assert digests[0] != digests[1]


def test_a_run_builds_on_another(store, simulated, data, search):
    found = jobs.run(search(6, network=f"run:{simulated.run_id}"), store=store)
    run = store.get(found.run_id)
    assert run.parent == simulated.run_id
    assert [child.id for child in store.list(parent=simulated.run_id)] == [run.id]
    assert set(store.artifacts(run.id)) == {
        "accuracy.png", "accuracy.svg", "answer.json", "history.csv", "network.npz", "result.nc", "start.nc"
    }  # fmt: skip
    history = store.history(run.id, ["loss", "best_loss"])
    assert len(history) == found.answer["evaluations"]
    assert history["best_loss"].tolist() == np.minimum.accumulate(history["loss"]).tolist()
    assert run.metrics["best_loss"] == found.answer["loss"]["best"]
    assert run.metrics["peak_accuracy"] == found.answer["test"]["best"]["peak_accuracy"]
    assert store.network(run.id).metadata["optimization"]["evaluations"] == found.answer["evaluations"]


def test_without_tracking_nothing_is_kept(store, network, data, tmp_path, search):
    before = store.list()
    out = tmp_path / "r.nc"
    options = {"network": network, "data": data, "steps": 3, "engine": "event", "out": str(out)}
    outcome = jobs.run({"kind": "simulate", "options": options}, store=store, track=False)
    assert outcome.run_id is None
    assert results.load(out).sizes["time"] == 3
    assert [run.id for run in store.list()] == [run.id for run in before]
    with pytest.raises(InputError, match="`out` must be given"):
        jobs.run(search(3), store=store, track=False)


def test_a_mistake_that_is_found_before_the_work_begins_is_no_run(store, network, data):
    before = len(store.list())
    for options in (
        {"network": network, "data": "nowhere"},
        {"network": "missing.npz", "data": data},
        {"network": "run:" + "f" * 32, "data": data},
    ):
        with pytest.raises(InputError, match="Received: "):
            jobs.run({"kind": "simulate", "options": options}, store=store)
    assert len(store.list()) == before


def test_a_run_that_fails_says_why(store, search, tmp_path):
    taken = tmp_path / "checkpoint"
    taken.mkdir()
    (taken / "run.json").write_text("{}")
    with pytest.raises(InputError, match="empty folder"):
        jobs.run(search(3, checkpoint=str(taken)), store=store)
    run = store.list()[0]
    assert run.status == "FAILED"
    assert "empty folder" in run.reason


@pytest.mark.parametrize(
    ("run_id", "done", "words"),
    [
        (None, 30, "interrupted: 30 of 600 epochs are saved in 'm.checkpoint.npz'; give the same command with --resume to go on"),
        ("f" * 32, 30, "cancelled: 30 of 600 epochs are kept; Resume goes on"),
        ("f" * 32, 0, "cancelled: 0 of 600 epochs are kept; Resume begins again"),
    ],
)  # fmt: skip
def test_whoever_has_no_command_is_not_told_one(store, run_id, done, words):
    def cut(*_, checkpoint, **__):
        raise TrainingInterrupted(checkpoint, done, 600)

    spec = jobs.Spec.of({"kind": "finetune", "options": {"model": "dense-mnist"}})
    job, images = Job(spec, store, run_id, track=False), SimpleNamespace(x=None, y=None)
    with pytest.raises(KeyboardInterrupt) as told:
        trained_by(cut, None, images, None, Path("m.keras"), spec.options, job)
    assert job._reason(told.value) == words


def test_ctrl_c_and_resume_is_one_run_and_the_same_outcome(store, search, tmp_path, monkeypatch):
    """Cut off after some evaluations, then resumed with the same spec: the run goes on, each step is there once."""
    from snnviz.optimization.search import Search

    whole = jobs.run(search(15, seed=4, out=str(tmp_path / "whole.npz")), store=store)
    tell = Search._tell

    def interrupted(search):
        tell(search)
        if len(search.history) > 5:
            raise KeyboardInterrupt

    spec = search(15, seed=4, out=str(tmp_path / "cut.npz"))
    with monkeypatch.context() as patch:
        patch.setattr(Search, "_tell", interrupted)
        with pytest.raises(KeyboardInterrupt):
            jobs.run(spec, store=store)
    cut = store.list(status="KILLED")[0]
    assert cut.reason.startswith("interrupted")
    assert cut.resumable
    assert 5 < len(store.history(cut.id, ["loss"])) < 15
    resumed = jobs.run(spec, store=store, resume=True)
    assert resumed.run_id == cut.id
    assert store.get(cut.id).status == "FINISHED"
    assert load_network(tmp_path / "cut.npz").hash == load_network(tmp_path / "whole.npz").hash
    columns = ["loss", "best_loss", "held_out_latency"]
    assert store.history(cut.id, columns).equals(store.history(whole.run_id, columns))
    points = store.client.get_metric_history(cut.id, "loss")
    assert len(points) == len({point.step for point in points}) == whole.answer["evaluations"]


def test_progress_is_kept_while_it_runs(store, search, monkeypatch):
    from snnviz.jobs import job

    monkeypatch.setattr(job, "_TELL_SECONDS", 0.0)
    told = []
    keep = Folder.tell
    monkeypatch.setattr(Folder, "tell", lambda folder, progress: (told.append(progress), keep(folder, progress)))
    jobs.run(search(10), store=store)
    searching = [progress for progress in told if progress.what == "optimising"]
    assert [progress.done for progress in searching] == sorted(progress.done for progress in searching)
    assert searching[-1].total == 10
    assert 0 < searching[0].fraction <= searching[-1].fraction <= 1
    assert any(progress.seconds_left is not None for progress in searching)
    assert told[-1].what == "simulating"
    whole = [progress.fraction for progress in told]
    assert whole == sorted(whole), "of the whole run, not of its last part"
    assert whole[-1] == MAIN_SHARE
    assert told[-1].seconds_left is None, "nobody knows how long what is left takes"


def test_time_left_of_a_budget_in_minutes(store, search, monkeypatch):
    from snnviz.jobs import job

    monkeypatch.setattr(job, "_TELL_SECONDS", 0.0)
    told = []
    monkeypatch.setattr(Folder, "tell", lambda folder, progress: told.append(progress))
    jobs.run(search(None, method="percentile", minutes=30), store=store)  # it ends by itself
    timed = [progress for progress in told if progress.unit == "s"]
    assert timed
    assert all(progress.total == pytest.approx(1800) for progress in timed)
    assert all(progress.seconds_left == pytest.approx(max(0, 1800 - progress.done)) for progress in timed)


def test_the_command_records_the_same(store, network, data, capsys):
    words = ["simulate", network, "--data", data, "--steps", "3", "--engine", "event", "--name", "told"]
    assert main([*words, "--track", "--tracking-uri", str(store.home)]) == 0
    assert "recorded as run" in capsys.readouterr().out
    run = store.list()[0]
    assert (run.name, run.status, run.params["steps"]) == ("told", "FINISHED", "3")
    assert main([*words, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"] is None  # a simulation is recorded on request
    assert main([*words, "--background", "--json", "--tracking-uri", str(store.home)]) == 0
    launched = json.loads(capsys.readouterr().out)
    assert jobs.wait(launched["run"], 120, store=store).status == "FINISHED"
    assert main([*words, "--no-track", "--background"]) == 2
    assert "cannot go with --no-track" in capsys.readouterr().err


def test_a_model_that_cannot_be_converted_is_refused_before_a_run_begins(store, data, tmp_path, monkeypatch, capsys):
    keras = pytest.importorskip("keras")
    monkeypatch.chdir(tmp_path)
    pooled = [keras.layers.MaxPooling2D(2), keras.layers.Flatten()]
    for name, activations in (("own", ("tanh", "relu")), ("none", ("tanh",))):
        dense = [keras.layers.Dense(4, activation=activation) for activation in activations]
        keras.Sequential([keras.Input((4, 4, 1)), *pooled, *dense, keras.layers.Dense(3)]).save(f"{name}.keras")
    before = len(store.list())
    words = ["--data", data, "--lambda-a", "0", "--epochs", "1", "--learning-rate", "0.1"]
    words += ["--tracking-uri", str(store.home)]
    assert main(["finetune", "own.keras", *words]) == 2
    said = capsys.readouterr().err
    assert re.search(r"`MODEL` must be convertible .*, unless `--anyway` .* max pooling .*; .*tanh", said), said
    assert said.count("\n") == 1
    assert main(["finetune", "none.keras", *words, "--anyway"]) == 2
    assert "a hidden ReLU" in capsys.readouterr().err
    assert len(store.list()) == before
    assert not list(tmp_path.glob("*sparse*"))
    assert main(["finetune", "own.keras", *words, "--anyway", "--json"]) == 0
    assert "--anyway" in json.loads(capsys.readouterr().out)["card"]["command"]
    assert "network.npz" not in store.artifacts(store.list()[0].id)


def test_a_sweep_of_such_a_model_is_refused(data, tmp_path, monkeypatch):
    keras = pytest.importorskip("keras")
    from snnviz.sparsity_sweep import sweep

    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.MaxPooling2D(2), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    with pytest.raises(InputError, match=r"`anyway`.*max pooling"):
        sweep(
            model, np.zeros((20, 4, 4, 1), np.float32), np.zeros(20, int), tmp_path / "s", recipe=Recipe(validation=5)
        )
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("always", [0, 1, 2])
def test_a_conversion_is_recorded_and_goes_on_from_there(store, data, tmp_path, always):
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), kl.Flatten(), kl.Dense(5, activation="relu"), kl.Dense(3, name="classes")]
    )
    model.layers[-1].bias.assign(
        100.0 * np.eye(3)[always]
    )  # of the three items simulated below all, or none, are of this class
    model.save(tmp_path / "model.keras")
    options = {"model": str(tmp_path / "model.keras"), "data": data, "per": "channel", "input_range": 1.0}
    found = jobs.run({"kind": "convert", "options": options}, store=store)
    run = store.get(found.run_id)
    assert (run.kind, run.status, run.params["per"]) == ("convert", "FINISHED", "channel")
    assert store.network(run.id).hash == found.answer["hash"]
    options = {"network": f"run:{run.id}", "steps": 2, "limit": 3, "engine": "event"}
    simulated = jobs.run({"kind": "simulate", "options": options}, store=store)
    assert simulated.answer["data"] == data
    recorded = store.get(simulated.run_id).metrics
    assert recorded["ann_accuracy"] == recorded["peak_accuracy"]
    # no share of an accuracy of zero can be missing
    assert ("pareto_latency" in recorded) == (recorded["ann_accuracy"] > 0)
