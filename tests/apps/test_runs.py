"""The pages about runs without a browser: a real store, real runs made in this process."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import panel as pn
import pytest
from panel.models.file_dropper import UploadEvent

from snnviz import dashboard, jobs, metrics, pretrained, results
from snnviz.dashboard import run_columns, run_details, uploads
from snnviz.dashboard.run_words import comparison_table, less_is_better
from snnviz.errors import InputError
from snnviz.runs import Progress, Store, settings_table
from snnviz.runs.run import SPEC
from tests.apps.words import same_again, written


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A store with two simulations and one that failed."""
    store = Store(tmp_path_factory.mktemp("runs"))
    for title, name in (("first", "dense-mnist-heuristic"), ("second", "dense-mnist-optimized")):
        jobs.run(
            {
                "kind": "simulate",
                "name": title,
                "options": {"network": name, "limit": 60, "steps": 8, "engine": "event"},
            },
            store=store,
        )
    failed = store.create("finetune", "third", spec={"kind": "finetune", "options": {"model": "dense-mnist"}})
    store.set_status(failed, "FAILED", "it was <b>killed</b>")
    return store


@pytest.fixture
def runs(finished):
    """The page of runs, its store read once."""
    workspace = dashboard.Workspace(store=finished)
    workspace.watcher.look_now()
    return dashboard.Runs(workspace)


def ids(store):
    return {run.name: run.id for run in store.list()}


def test_the_list(runs):
    rows = {row["name"]: row for row in runs.table.rows}
    assert list(rows) == ["third", "second", "first"], "newest first"
    assert rows["first"]["state"] == "FINISHED"
    assert rows["first"]["cells"][1].startswith("peak ")
    assert rows["third"]["said"] == "it was <b>killed</b>", "text stays text: the table sets it as text"
    runs.state = "FAILED"
    assert [row["name"] for row in runs.table.rows] == ["third"]
    runs.kind = "simulate"
    assert runs.table.rows == []


def test_how_far_a_run_is_begins_with_what_a_narrow_cell_shows(finished):
    told = Progress(what="training", done=219_392, total=1_920_000, unit="items", seconds_left=180.0)
    run = replace(finished.list()[0], status="RUNNING", progress=told)
    assert run_columns.row(run, [])["said"] == "11 %, 3 min left, training 219,392 of 1,920,000 items"


def test_details_follow_the_opened_run(runs, finished):
    assert not runs.details.view.visible
    runs.table.opened = ids(finished)["first"]
    assert runs.opened == ids(finished)["first"], "a click in the table is the page's state"
    assert runs.details.view.visible
    assert "finished" in written(runs)
    assert "dense-mnist-heuristic" in written(runs), "settings"
    assert runs.details.figure.figure is not None
    assert not runs.details.cancel.visible
    runs.opened = ids(finished)["third"]
    assert "it was &lt;b&gt;killed&lt;/b&gt;" in runs.details._head.object
    assert runs.details.resume.visible
    runs.opened = "nonsense"
    assert not runs.details.view.visible


def test_comparison(runs, finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = ids(finished)
    runs.table.chosen = [found["first"]]
    assert not runs.comparison.view.visible
    runs.table.chosen = [found["first"], found["second"]]
    assert runs.comparison.view.visible
    assert "dense-mnist-optimized" in runs.comparison.words.object
    assert "explorer?runs=" in runs.comparison.words.object
    assert "≠ network" in runs.comparison.words.object
    assert " steps" not in runs.comparison.words.object, "they do not differ"
    runs.alike = True
    assert " steps" in runs.comparison.words.object.replace(">steps<", "> steps<")
    assert "★" in runs.comparison.words.object, "the best of a metric is marked"
    names = {label.split(" · ")[0] for label in runs.comparison._results()}
    assert names == {"first", "second"}
    assert runs.comparison.curves.figure is not None
    assert runs.comparison.histories.figure is not None
    assert runs.metric == "accuracy"
    assert same_again(runs.comparison.curves)
    assert same_again(runs.comparison.histories)
    runs.opened = found["first"]
    assert same_again(runs.details.figure)
    assert "snnviz.runs.Store('sqlite:" in runs.details.figure._again()[0], "not where they are looked for"


def test_the_best_of_a_metric_is_the_smallest_where_less_is_better():
    table = pd.DataFrame(
        {"a": [1.0, 0.9], "b": [2.0, 0.8]},
        index=pd.MultiIndex.from_tuples([("metric", "best_loss"), ("metric", "peak_accuracy")]),
    )
    words = comparison_table(table, ["a", "b"])
    assert "<b title='best'>1 ★</b>" in words
    assert "<b title='best'>0.9 ★</b>" in words
    assert words.count("★") == 2
    assert "one reference" not in words
    table.loc[("metric", "ann_accuracy"), :] = [0.99, 0.98]
    table.loc[("metric", "pareto_power"), :] = [5.0, 4.0]
    words = comparison_table(table, ["a", "b"])
    assert words.count("★") == 3, "powers against two references have no best"
    assert "one reference" in words
    assert less_is_better("pareto_power")
    assert not less_is_better("val_accuracy")


def test_finding_sorting_and_columns(runs):
    runs.search = "network=dense-mnist-optimized"
    assert [row["name"] for row in runs.table.rows] == ["second"]
    runs.search = "peak_accuracy>0.5"
    assert {row["name"] for row in runs.table.rows} == {"first", "second"}
    assert "2 of 3 runs" in runs._found.object
    runs.search = 'steps>"many'
    assert "must close each quote" in runs._found.object
    runs.search = ""
    runs.table.sort = "name"
    assert [row["name"] for row in runs.table.rows] == ["first", "second", "third"]
    runs.sort = "-metrics.peak_accuracy"
    assert runs.table.rows[-1]["name"] == "third", "what has no value comes last"
    runs.columns = ["metrics.peak_accuracy", "params.steps"]
    assert runs.table.columns[-2:] == ["peak_accuracy", "steps"]
    assert runs.table.rows[0]["cells"][1] == "8"


def test_marking_naming_deleting_and_bringing_back(store):
    made = [store.create("simulate", name) for name in ("one", "two")]
    for run_id in made:
        store.set_status(run_id, "FINISHED")
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    page = dashboard.Runs(workspace, opened=made[0])
    assert page.editor.view.visible
    page.editor.name.value, page.editor.labels.value = "renamed", "paper, best"
    page.editor.note.value = "a note"
    page.editor._save()
    page.table._handle_msg({"star": made[0]})
    run = store.get(made[0])
    assert (run.name, run.labels, run.note, run.starred) == ("renamed", ("paper", "best"), "a note", True)
    page.starred = True
    assert [row["name"] for row in page.table.rows] == ["renamed"]
    page.starred = False
    page.chosen = [made[1]]
    page._delete()
    assert len(store.list()) == 2, "asked twice"
    assert page.remove.label == "Really delete 1 run?"
    page.chosen = [made[0], made[1]]
    assert page.remove.label == "Delete what is ticked", "of others it is asked anew"
    page._delete()
    page._delete()
    assert store.list() == []
    assert page.opened == ""
    assert page.undo.visible
    page._restore()
    assert {run.name for run in store.list()} == {"renamed", "two"}
    assert not page.undo.visible
    served = dashboard.Runs(dashboard.Workspace(store=store, read_only=True), opened=made[0])
    assert not served.editor.view.visible
    assert not served.table.editable


def test_which_settings_made_the_difference(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number in range(6):
        run_id = store.create("finetune", f"try {number}")
        store.ask("log_param", run_id, "lambda_a", str(number / 10))
        store.ask("log_param", run_id, "seed", "0")
        store.ask("log_metric", run_id, "val_accuracy", 0.9 + number / 100)
        store.set_status(run_id, "FINISHED")
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    page = dashboard.Runs(workspace)
    assert page.target == "val_accuracy"
    assert list(page.influence.table()) == ["run", "lambda_a", "val_accuracy"], "a seed that all share explains nothing"
    assert page.influence.lines.figure is not None
    assert same_again(page.influence.lines)
    assert same_again(page.influence.bars)
    page.search = "lambda_a>0.25"
    assert "4 finished runs of one kind are needed" in page.influence.bars._words.object


def test_of_settings_that_say_the_same_the_one_that_was_given_is_kept(finished):
    some = finished.list(kind="simulate")[0]
    runs = [
        replace(
            some, tags={SPEC: json.dumps({"options": {"limit": items, "rate": rate}})}, metrics={"accuracy": 0.9},
            params={"items": str(items), "limit": str(items), "lr": str(rate), "rate": f"{rate} a step", "per": f"layer {rate}"},
        )
        for items, rate in ((10, 1), (20, 2), (20, 3), (30, 4))
    ]  # fmt: skip
    assert list(settings_table(runs, "accuracy")) == ["run", "limit", "rate", "accuracy"]
    for run in runs:
        run.tags.clear()  # nobody knows what was asked for
    assert list(settings_table(runs, "accuracy")) == ["run", "items", "lr", "per", "rate", "accuracy"]


def test_runs_without_a_setting_that_differs_are_listed(store):
    for number in range(3):
        run_id = store.create("simulate", f"run {number}")
        store.ask("log_metric", run_id, "peak_accuracy", 0.9 + number / 100)
        store.set_status(run_id, "FINISHED")
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    page = dashboard.Runs(workspace)
    assert page.target == "peak_accuracy"
    assert "must hold a setting beside" in page.influence.lines._words.object
    assert not page.influence.view.visible


def test_pages_show_the_results_of_runs(finished):
    workspace = dashboard.Workspace(store=finished)
    workspace.watcher.look_now()
    names = workspace.names()
    assert [name.split(" · ")[0] for name in names] == ["second", "first"]
    explorer = dashboard.Explorer(workspace)
    assert explorer.runs == names
    assert workspace.result(names[0]).sizes["item"] == 60
    assert workspace.network(names[1]).hash == pretrained.network("dense-mnist-heuristic").hash
    assert workspace.images(names[0]).shape[0] == 60
    scores = workspace.scores()
    assert list(scores["run"]) == names
    for reference in ("ann", "peak", 0.999):  # recorded against the ANN, and turned to others
        for row in workspace.scores(reference).itertuples():
            result = workspace.result(row.run)
            own = [metrics.pareto_latency(result, reference), metrics.pareto_power(result, reference)]
            np.testing.assert_allclose([row.pareto_latency, row.pareto_power], own, rtol=1e-9, atol=1e-9)
    with pytest.raises(InputError, match="must be one of"):
        workspace.result("../../etc/passwd")


def test_nothing_is_launched_where_nothing_may_be(finished, pair):
    for workspace, why in (
        (dashboard.Workspace(store=finished, read_only=True), "read-only"),
        (dashboard.Workspace(pair), "no store"),
    ):
        with pytest.raises(InputError, match=why):
            workspace.launch({"kind": "simulate", "options": {"network": "dense-mnist-heuristic"}})
        with pytest.raises(InputError, match=why):
            workspace.cancel("0" * 32)
        with pytest.raises(InputError, match=why):
            workspace.resume("0" * 32)
        with pytest.raises(InputError, match=why):
            workspace.upload("a.npz", b"x")
        for page in (dashboard.Optimize(workspace), dashboard.Sparsity(workspace)):
            assert not hasattr(page, "button")
            assert why in written(page)
    assert len(finished.list()) == 3


@pytest.mark.parametrize("page", [dashboard.Optimize, dashboard.Sparsity, dashboard.Adapt])
def test_what_a_form_launches(page, finished, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "launch", lambda spec, store: asked.append(jobs.Spec.of(spec)) or "f" * 32)
    workspace = dashboard.Workspace(store=finished)
    workspace.watcher.look_now()
    made = page(workspace, run_name="  mine ")
    made._launch()
    assert made.opened == "f" * 32
    assert "Launched" in written(made)
    assert asked[0].kind == page.launches
    assert asked[0].name == "mine"
    assert not made.button.disabled


def test_a_form_says_what_is_wrong(finished):
    workspace = dashboard.Workspace(store=finished)
    page = dashboard.Optimize(workspace)
    with pytest.raises(ValueError, match="source"):
        page.source = "../secret.npz"  # what is not offered cannot be chosen, whatever a browser sends
    with pytest.raises(ValueError, match="minutes"):
        page.minutes = -1
    page.source = "dense-mnist-heuristic"
    page.apart(lambda: workspace.launch({"kind": "nonsense"}), page._launched, page.button)
    assert "`kind` must be one of" in written(page)


def test_a_number_that_is_not_taken_is_said_kept_in_sight_and_in_the_way(finished, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "launch", lambda spec, store: asked.append(jobs.Spec.of(spec).options) or "f" * 32)
    page = dashboard.Sparsity(dashboard.Workspace(store=finished))
    found = {each.label: each for each in page._view.select(pn.widgets.FloatInput)}
    epochs, items, seed = (found[name] for name in ("Epochs in each of 2 stages", "Training items", "Seed"))
    assert all(each.start is each.end is None for each in found.values()), "a browser would put the former number back"
    epochs.value = -3
    assert "Epochs in each of 2 stages must be at least 1. Received: -3." in page.notice.object
    items.value, seed.value = 2.5, 1e30
    page._launch()
    assert asked == []
    assert "Nothing was launched. Epochs" in page.notice.object
    assert "Training items must be a whole number. Received: 2.5." in page.notice.object
    assert "Seed must be at most" in page.notice.object
    assert (epochs.value, page.epochs) == (-3, 100), "what was typed is still seen"
    epochs.value, items.value = 2.0, 3000
    assert "Epochs" not in page.notice.object
    seed.value = None
    assert "Received: nothing" in page.notice.object
    seed.value = 7
    assert not page.notice.visible
    page._launch()
    assert (asked[0].epochs, asked[0].limit, asked[0].seed) == ([2, 2], 3000, 7)
    page.seed = 8
    assert seed.value == 8, "as when an address asks for it"


class Dropped:
    """What the drop field tells its page."""

    def __init__(self, **files):
        self.new = {name.replace("__", "."): content for name, content in files.items()}


@pytest.mark.parametrize(
    "files", [{"mine__npz": b"nonsense"}, {"mine__keras": b"nonsense"}, {"mine__txt": b""}], ids=str
)
def test_nothing_is_launched_after_an_upload_that_was_refused(files, finished, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "launch", lambda spec, store: asked.append(spec) or "f" * 32)
    made = dashboard.Optimize(dashboard.Workspace(store=finished))
    made._uploaded(Dropped(**files))
    made._launch()
    assert asked == []
    assert "Nothing was launched" in made.notice.object
    made._uploaded(Dropped())  # taken out of the field again
    made._launch()
    assert len(asked) == 1


def arrive(made, name, sizes, of=None):
    """Let a file arrive in parts of these sizes, as a browser sends it."""
    for number, size in enumerate(sizes, 1):
        data = {"name": name, "chunk": number, "total_chunks": of or len(sizes), "data": bytes(size), "type": ""}
        made.dropper._process_event(UploadEvent(None, data))


@pytest.mark.parametrize(
    ("sizes", "of", "why"),
    [
        ([10_000_000] * 4, 4, "at most 32 MiB"),  # counted, whatever was said
        ([10_000_000], 400, "at most 32 MiB"),  # said with the first part
        ([10_000_000], 2, "not arrived in full"),
        ([40_000_000], 1, "at most 32 MiB"),
    ],
)
def test_nothing_is_launched_while_an_upload_arrives_or_after_too_large_a_one(sizes, of, why, finished, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "launch", lambda spec, store: asked.append(spec) or "f" * 32)
    made = dashboard.Optimize(dashboard.Workspace(store=finished))
    arrive(made, "large.npz", sizes, of)
    if "at most" in why:
        assert made.dropper._file_buffer == {}, "nothing of it is kept"
    made._launch()
    assert asked == []
    assert "Nothing was launched" in made.notice.object
    assert why in made.notice.object
    arrive(made, "further.npz", [5, 5])
    made._launch()
    assert asked == [], "the next one is no network"
    content = pretrained.path("dense-mnist-heuristic").read_bytes()
    data = {"name": "mine.npz", "chunk": 1, "total_chunks": 1, "data": content, "type": ""}
    made.dropper._process_event(UploadEvent(None, data))
    made._launch()
    assert Path(asked[0]["options"]["network"]).read_bytes() == content
    assert str(finished.home) not in made.source, "what goes into the address"
    with pytest.raises(InputError, match="an upload that is kept"):
        made.workspace.launch({"kind": "optimize", "options": {"network": "upload:../../x.npz"}})


def test_another_choice_ends_a_refused_upload(finished, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs, "launch", lambda spec, store: asked.append(spec) or "f" * 32)
    made = dashboard.Optimize(dashboard.Workspace(store=finished))
    made._uploaded(Dropped(mine__npz=b"nonsense"))
    made.source = list(made.param.source.objects)[1]
    made._launch()
    assert len(asked) == 1


def test_forms_offer_finished_runs_and_uploads(finished, tmp_path):
    workspace = dashboard.Workspace(store=finished)
    workspace.watcher.look_now()
    page = dashboard.Optimize(workspace)
    offered = page.offered
    assert "dense-mnist-heuristic" in offered
    assert f"run:{ids(finished)['first']}" in offered.values()
    content = pretrained.path("dense-mnist-heuristic").read_bytes()
    page.dropper.value = {"my network.npz": content}
    assert "is chosen" in written(page)
    assert page.source.endswith(".npz")
    page.dropper.value = {"evil.npz": b"PK nonsense"}
    assert "cannot be read" in written(page)


def test_optimisation_page_shows_a_search(tmp_path, monkeypatch):
    """A real search, of a few evaluations."""
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path)
    options = {"network": "dense-mnist-heuristic", "method": "percentile", "evaluations": 4, "items": 100, "steps": 5}
    jobs.run({"kind": "optimize", "name": "short", "options": options}, store=store)
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    page = dashboard.Optimize(workspace)
    assert page.opened == store.list()[0].id, "the newest is shown"
    history = page.history()
    assert len(history) >= 2
    assert np.isfinite(history["loss"]).all()
    for name, figure in page.figures.items():
        assert same_again(figure), name
        assert figure.export("csv").getvalue()
    curves = workspace.before_and_after(page.opened)
    assert curves["after"].identical(results.load(store.file(page.opened, "result.nc")))


def test_a_fine_tuning_ends_with_its_curve_beside_the_one_before(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store(tmp_path)
    asked = {"model": "dense-mnist", "epochs": [1, 1], "limit": 200, "curves": 30, "lambda_a": 0.0, "lambda_w": 0.0}
    jobs.run({"kind": "finetune", "name": "short", "options": asked}, store=store)
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    page = dashboard.Sparsity(workspace)
    pair = workspace.before_and_after(page.opened)
    assert pair["before"]["label"].equals(pair["after"]["label"]), "of the same items"
    assert pair["after"].sizes["item"] == 30
    assert (
        pair["after"].attrs["network_hash"] == store.network(page.opened).hash != pair["before"].attrs["network_hash"]
    )
    assert same_again(page.figures["accuracy_over_time"])
    assert page.spec()["options"]["curves"] == 1000, "what is launched from the page has them"


def test_sparsity_page_shows_the_shipped_model(finished, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = dashboard.Sparsity(dashboard.Workspace(store=finished))
    assert page.model == "dense-mnist-sparse"
    text = written(page)
    card = pretrained.card("dense-mnist-sparse")
    assert f"{card['sparsity']['S_w']:.3f}" in text
    assert "0.431" in text, "the paper's"
    assert json.dumps(card["command"])[1:-1] in text
    tried = page.tried()
    assert card["recipe"]["lambda_a"] in tried["lambda_a"].tolist()
    page.model = "dense-mnist-pooled-sparse"
    assert page.tried()["lambda_a"].tolist() == [pretrained.card(page.model)["recipe"]["lambda_a"]], (
        "other architectures are not"
    )
    for name, figure in page.figures.items():
        if name != "accuracy_over_time":  # of a run, and none is opened
            assert same_again(figure)
            assert figure.export("csv").getvalue().count(b"\n") > 1


def test_a_search_that_failed_says_so_where_its_plots_would_be(store):
    for status, reason, words in (
        ("FAILED", "no room left.", "failed: no room left. Resume it"), ("KILLED", "", "was cancelled. Resume it"),
    ):  # fmt: skip
        run_id = store.create("optimize", "short", spec={"kind": "optimize", "options": {}})
        store.set_status(run_id, status, reason)
        workspace = dashboard.Workspace(store=store)
        workspace.watcher.look_now()
        page = dashboard.Optimize(workspace, opened=run_id)
        for name, figure in page.figures.items():
            assert f"This optimisation {words}" in figure._words.object, name


def test_uploaded_data_keep_their_name(store):
    written_to = io.BytesIO()
    np.savez(written_to, x_test=np.zeros((3, 28, 28)), y_test=np.arange(3))
    _, path = uploads.keep(store.home, "shoes.npz", written_to.getvalue())
    run_id = store.create("simulate", "of shoes")
    store.ask("log_param", run_id, "data", str(path))
    store.set_status(run_id, "FINISHED")
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    page = dashboard.Optimize(workspace, source=f"run:{run_id}")
    assert "shoes.npz (what it is of)" in page.param.data.names
    runs = dashboard.Runs(workspace, opened=run_id)
    assert "<dd>shoes.npz</dd>" in runs.details._facts.object
    assert run_columns.row(workspace.run(run_id), ["params.data"])["cells"] == ["shoes.npz"]
    assert uploads.shown("mnist") == "mnist"


def test_empty_states_say_what_to_do(tmp_path):
    assert "snnviz dashboard" in written(dashboard.Runs())
    workspace = dashboard.Workspace(store=Store(tmp_path))
    workspace.watcher.look_now()
    page = dashboard.Runs(workspace)
    assert page.nothing.visible
    assert "snnviz simulate" in written(page)
    assert "Nothing tried yet" in written(dashboard.Optimize(workspace))


def test_nothing_is_repeated_before_the_browser_has_the_page(monkeypatch):
    from bokeh.document import Document
    from panel.io.state import set_curdoc

    page = dashboard.Runs()
    loaded, begun, done = [], [], []
    monkeypatch.setattr(pn.state, "onload", loaded.append)
    monkeypatch.setattr(pn.state, "add_periodic_callback", lambda work, period: begun.append((work, period)))
    with set_curdoc(Document()):
        page.every(lambda: done.append(1 / len(begun)), 0.5)
    assert begun == []
    (when_loaded,) = loaded
    when_loaded()
    ((work, period),) = begun
    assert period == 500
    work()
    assert done == [1]
    begun.clear()
    work()
    assert "ZeroDivisionError" in page.notice.object, "what fails is said, and the next time comes"


def test_data_are_chosen_where_a_network_remembers_none(finished, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(jobs, "launch", lambda spec, store: asked.append(spec) or "f" * 32)
    network = pretrained.network("dense-mnist-heuristic")
    first = replace(network.layers[0], initial_potential=0.25)  # no shipped one
    unknown = replace(network, layers=(first, *network.layers[1:])).save(tmp_path / "unknown.npz")
    own = tmp_path / "letters.npz"
    np.savez(own, x_test=np.zeros((3, 28, 28)), y_test=np.arange(3))
    made = dashboard.Optimize(dashboard.Workspace(store=finished, data=[own]))
    assert made.param.data.names["mnist (what it is of)"] == ""
    made._uploaded(Dropped(unknown__npz=unknown.read_bytes()))
    made._launch()
    assert asked == []
    assert "choose the data set" in made.notice.object
    made.data = "mnist"
    made._launch()
    assert asked[0]["options"]["data"] == "mnist"
    made.data = made.param.data.names["letters.npz"]
    made._launch()
    assert asked[1]["options"]["data"] == str(own), "named on the command line"
    assert str(tmp_path) not in made.data, "what goes into the address"
    made._uploaded(Dropped(letters__npz=own.read_bytes()))
    assert "as the data set" in made.notice.object
    made._launch()
    assert Path(asked[2]["options"]["data"]).read_bytes() == own.read_bytes()
    assert Path(asked[2]["options"]["network"]).read_bytes() == unknown.read_bytes()


def test_what_a_run_left_is_simulated_as_it_was_meant(store, monkeypatch):
    run_id = store.create("optimize", "found")
    for name, value in (("steps", "7"), ("input", "analog")):
        store.client.log_param(run_id, name, value)
    store.set_status(run_id, "FINISHED")
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    menu = [("runs", "Runs"), ("explorer", "Explorer")]
    page, launched = dashboard.Runs(workspace, menu, opened=run_id), []
    workspace.launch = lambda spec: launched.append(spec) or "made"
    page.details.simulate.clicks += 1
    assert "runs?opened=made" in page.notice.object, "and where to follow it is a click away"
    assert launched[0]["options"] == {"network": f"run:{run_id}", "steps": 7, "input": "analog"}
    workspace.network_of = lambda run: pretrained.network("dense-mnist-heuristic")
    page.details.simulate.clicks += 1
    assert launched[1]["options"]["record"] == ["prediction", "logits", "events"], "page Predictions is whole"
    monkeypatch.setattr(run_details, "MOST_SCORES", 69)
    page.details.simulate.clicks += 1
    assert "record" not in launched[2]["options"], "of many classes they would fill the disk"
