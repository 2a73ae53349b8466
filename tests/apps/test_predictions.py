"""The predictions page without a browser."""

import numpy as np
import panel as pn
import pytest
from bokeh.models import Segment

from snnviz import answers, dashboard, datasets, pretrained, results, simulate
from snnviz.conversion.report import conversion_report
from snnviz.hardware.spinnaker import model
from snnviz.runs import Store
from snnviz.simulation import Record
from tests.apps.words import written
from tests.synthetic import dense_mnist


@pytest.fixture
def page(pair):
    return dashboard.Predictions(pair)


@pytest.fixture(scope="module")
def untouched(pair):
    """A page that tests look at and leave as it is."""
    return dashboard.Predictions(pair)


def cursor(figure):
    line = [renderer for renderer in figure.renderers if isinstance(renderer.glyph, Segment)][-1]
    return line.data_source.data["x0"][0]


def test_first_state(untouched, pair):
    page = untouched
    assert page.run == "before"
    assert page.compared == ["after"]
    late = answers.select(answers.table(pair["before"]), "late", pair["before"].sizes["time"])
    assert page.item == late[0], "the item that takes longest comes first"
    assert [entry["item"] for entry in page.gallery.items] == late[: len(page.gallery.items)].tolist()
    assert page.gallery.items[0]["image"].startswith("data:image/png;base64,")
    assert all(figure.figure is not None for figure in page.figures.values())


def test_time_moves_the_lines_and_marks_the_gallery(page, pair):
    drawn = {name: figure.figure for name, figure in page.figures.items()}
    for step in (2, 9):
        page.time = step
        assert {cursor(drawn[name]) for name in ("prediction_strip", "class_scores", "raster")} == {step}
        now = pair["before"]["prediction"].values[:, step - 1] == pair["before"]["label"].values
        assert [mark["right"] for mark in page.gallery.answers] == [now[entry["item"]] for entry in page.gallery.items]
    assert all(page.figures[name].figure is drawn[name] for name in drawn), "nothing drawn anew"


def test_another_item_changes_the_plots_in_place(page):
    drawn = page.figures["class_scores"].figure
    before = [np.array(renderer.data_source.data.get("score", [])) for renderer in drawn.renderers]
    page.item = (page.item + 7) % 300
    assert page.figures["class_scores"].figure is drawn
    after = [np.array(renderer.data_source.data.get("score", [])) for renderer in drawn.renderers]
    assert any(not np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    anew = dashboard.Predictions(page.workspace, item=page.item, time=page.time).figures["class_scores"].figure
    assert [item.label.value for item in drawn.legend[0].items] == [item.label.value for item in anew.legend[0].items]
    assert drawn.y_range.end == pytest.approx(anew.y_range.end)


def test_another_item_changes_the_data_alone(page):
    """A browser would take a glyph's new column of colours before the data it is in, for as many words as there were."""

    def colours():
        """By glyph, as texts: a look that is a constant has another type than a column's name."""
        glyphs = [part.glyph for figure in page.figures.values() for part in figure.figure.renderers]
        return {
            glyph.id: {name: repr(getattr(glyph, name)) for name in glyph.properties() if name.endswith("_color")}
            for glyph in glyphs
        }

    before = colours()
    page.item = (page.item + 7) % 300
    after = colours()
    same = set(before) & set(after)
    assert len(same) > 10
    assert {name: before[name] for name in same} == {name: after[name] for name in same}


@pytest.mark.parametrize("name", ["prediction_strip", "class_scores", "answer_margin", "raster"])
def test_the_plot_of_another_item_is_the_plot_drawn_anew(page, pair, name):
    drawn, ticker = page.figures[name].figure, page.figures[name].figure.yaxis[0].ticker
    labels = pair["before"]["label"].values
    page.item = int(np.flatnonzero(labels != labels[page.item])[3])  # of another class, so that the axis says so
    assert page.figures[name].figure is drawn
    assert drawn.yaxis[0].ticker is ticker, "another model has Bokeh search the document"
    anew = dashboard.Predictions(page.workspace, item=page.item, time=page.time).figures[name].figure
    assert drawn.yaxis.axis_label == anew.yaxis.axis_label
    assert drawn.yaxis.major_label_overrides == anew.yaxis.major_label_overrides
    assert (drawn.y_range.start, drawn.y_range.end) == pytest.approx((anew.y_range.start, anew.y_range.end))
    if name == "prediction_strip":
        assert drawn.yaxis.ticker.ticks == anew.yaxis.ticker.ticks
    for one, other in zip(drawn.renderers, anew.renderers, strict=True):
        left, right = one.data_source.data, other.data_source.data
        for column in set(right) - {"text_color"}:
            np.testing.assert_array_equal(np.asarray(left[column]), np.asarray(right[column]))


def test_no_run_is_read_that_is_not_shown(pair, tmp_path, monkeypatch):
    store = Store(tmp_path / "runs")
    run_id = store.create("simulate", "another")
    store.client.log_artifact(run_id, str(results.save(pair["after"].isel(item=[0, 1]), tmp_path / "result.nc")))
    store.set_status(run_id, "FINISHED")
    read = []
    monkeypatch.setattr(Store, "result", lambda _, run_id: read.append(run_id))
    page = dashboard.Predictions(dashboard.Workspace(pair, store=store))
    assert len(page.workspace.names()) == 3
    assert page.run in pair
    assert not read


def test_the_camera_s_card_is_there_for_recordings_alone(pair):
    steps = pair["after"].sizes["time"]
    filmed = pair["after"].assign(camera_events=("time", np.full(steps, 2.0))).assign_attrs(step_ms=10.0)
    page = dashboard.Predictions({"still": pair["before"], "film": filmed}, run="still")
    assert "event_stream" not in page.figures
    page.run = "film"
    card = page.figures["event_stream"]
    (place,) = (box for box in page.__panel__().select(pn.Column) if card.view in box)
    assert place.visible
    page.run = "still"
    assert not place.visible
    page.run = "film"
    assert place.visible
    assert page.figures["event_stream"] is card


def test_scores_and_spikes_that_were_not_kept_are_simulated_for_the_item(pair):
    bare = {name: result.drop_vars(["logits", "item_events"]) for name, result in pair.items()}
    page = dashboard.Predictions(bare, item=5)
    assert "Simulate this" in page.figures["confidence_cutoff"]._words.object
    kept, one = pair["before"]["logits"].values[5], page.workspace.trace("before", 5)
    np.testing.assert_allclose(one["logits"].values[0], kept, atol=1e-4)
    assert page.figures["class_scores"].figure is not None
    assert page.figures["raster"].figure is not None
    assert "record" in page.figures["confidence_cutoff"]._words.object, "what cannot be had says how to get it"


def test_filters(page, pair):
    page.kind = "never right"
    found = page.listed()
    right = (pair["before"]["prediction"].values == pair["before"]["label"].values[:, None]).any(axis=1)
    assert found.tolist() == np.flatnonzero(~right).tolist()
    page.kind, page.label = "all", "7"
    assert (pair["before"]["label"].values[page.listed()] == 7).all()
    page.shelf = 10**6
    assert page.gallery.items, "beyond the last page is the last page"


def test_playing_goes_round(page):
    page.playing, page.time = True, 12
    page._play()
    assert page.time == 1
    page.playing = False
    page._play()
    assert page.time == 1


def test_another_run_keeps_what_fits(page):
    page.param.update(time=12, item=250, run="after")
    assert (page.time, page.item, page.run) == (12, 250, "after")
    assert page.param.compared.objects == ["before"]
    assert page.compared == []


@pytest.mark.parametrize("name", ["prediction_strip", "class_scores", "raster", "confusion", "confidence_cutoff"])
def test_exports(untouched, name):
    page = untouched
    for kind, start in {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}.items():
        assert page.figures[name].export(kind).getvalue().startswith(start)
    assert page.figures[name].export("csv").getvalue().count(b"\n") > 1


def test_a_result_without_predictions_says_what_to_record():
    page = dashboard.Predictions(dense_mnist())
    assert 'record=["prediction"]' in written(page).replace("&quot;", '"').replace("&#x27;", "'")


def test_empty_state():
    assert "No predictions yet" in written(dashboard.Predictions())


SETTINGS = [
    {"input": "poisson", "seed": 3}, {"input": "analog"}, {"reset": "zero"}, {"input_reset": "zero"}, {"floor": -1.0},
    {"delay": 1}, {"clamp": 1.5}, {"refractory": 1},
    {"input": "poisson", "reset": "zero", "delay": 1, "readout": "cumulative", "clamp": 0.5},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_what_a_page_simulates_anew_is_the_run(settings):
    network = pretrained.network("dense-mnist-heuristic")
    images = datasets.load("mnist", split="test", limit=10)
    record = Record(prediction=True, logits=True, events=True, spikes=network.firing_names, items=10)
    run = simulate(network, images.x, images.y, 10, engine="event", record=record, progress=False, **settings)
    run.attrs["dataset"] = "mnist"
    workspace = dashboard.Workspace({"run": run})
    one = workspace.trace("run", 7)
    for name in [key for key in run if str(key).startswith(("prediction", "logits", "item_events", "spikes_"))]:
        if name in one:
            np.testing.assert_array_equal(one[name].values[0], run[name].values[7], err_msg=name)
    expected = conversion_report(network, images.x, 10, engine="event", progress=False, **settings)
    found = workspace.report("run", 10)
    assert found.equals(expected)
    assert found.attrs == expected.attrs


@pytest.mark.parametrize("headroom", model.HEADROOMS)
@pytest.mark.parametrize("name", ["dense-mnist-heuristic", "dense-mnist-pooled-spinnaker"])
def test_what_a_page_simulates_anew_of_spinnaker_is_the_run(name, headroom, monkeypatch):
    network = pretrained.network(name)
    images = datasets.load("mnist", split="test", limit=10)
    firing = model.with_pooled_input(network).firing_names
    record = Record(prediction=True, logits=True, events=True, spikes=firing, items=10)
    run = model.expect(
        network, images.x, images.y, 10, headroom=headroom, engine="event", record=record, progress=False
    )
    run.attrs["dataset"] = "mnist"
    workspace = dashboard.Workspace({"run": run})
    monkeypatch.setattr(workspace, "network", lambda name: network)  # a run in a store has its own
    one = workspace.trace("run", 7)
    for name in ("prediction", "logits", "item_events", *(f"spikes_{each}" for each in firing)):
        np.testing.assert_array_equal(one[name].values[0], run[name].values[7], err_msg=name)
    assert workspace.report("run", 10).attrs["steps"] == 10
