"""The explorer without a browser: parameters in, state and words out."""

import json
import re
import urllib.request

import holoviews as hv
import numpy as np
import pandas as pd
import panel as pn
import pytest
from bokeh.core.serialization import Deserializer, Serializer
from bokeh.events import RangesUpdate
from bokeh.models import ColumnDataSource

from snnviz import dashboard, metrics, plots, uncertainty
from snnviz.dashboard import parts, plot_card
from snnviz.errors import InputError
from snnviz.runs import Store
from tests.apps.words import written
from tests.synthetic import dense_mnist, result_of


@pytest.fixture(scope="module")
def runs():
    return {"before": dense_mnist(title="before"), "after": dense_mnist(title="after", fast=True)}


@pytest.fixture(scope="module")
def workspace(runs):
    """Explorers of one workspace share what they draw first, as sessions do."""
    return dashboard.Workspace(runs)


def drawn_words(root):
    """What the labels of a Bokeh figure say."""
    found = set()
    for source in root.select({"type": ColumnDataSource}):
        found |= set(source.data.get("text", []))
    return found


def test_first_state(workspace):
    explorer = dashboard.Explorer(workspace)
    assert explorer.threshold == 0.98  # the paper's for dense MNIST
    assert explorer.run == "before"
    text = written(explorer)
    assert "Time to 98 %" in text
    assert "never reached" not in text
    assert dashboard.Explorer(result_of([0.5, 0.7], [1, 1], ann=0.7)).threshold == pytest.approx(0.686)


def test_moving_the_threshold_moves_marks_and_numbers_in_place(workspace):
    explorer = dashboard.Explorer(workspace)
    shown = explorer.figures["accuracy_over_time"].figure
    assert "before: step 13" in drawn_words(shown)
    explorer.threshold = 0.99
    assert "Time to 99 %" in written(explorer)
    assert "never reached: an underestimate" in written(explorer)
    assert drawn_words(shown) == {"before, after: never reached", "ANN", "threshold 99 %", ""}
    assert explorer.figures["accuracy_over_time"].figure is shown
    explorer.threshold = 0.98
    assert "before: step 13" in drawn_words(shown)


@pytest.mark.parametrize("change", [{"threshold": 0.95}, {"threshold": 0.9999}, {"zoom": "all"}])
def test_a_plot_changed_in_place_is_the_plot_drawn_anew(workspace, runs, change):
    moved = dashboard.Explorer(workspace, x_scale="log", dark=True)
    moved.param.update(**change)
    anew = dashboard.Explorer(runs, x_scale="log", dark=True, **change)
    for name in ("accuracy_over_time", "accuracy_over_events", "events_over_time"):
        one, other = moved.figures[name].figure, anew.figures[name].figure
        assert (one.y_range.start, one.y_range.end) == (other.y_range.start, other.y_range.end)
        for left, right in zip(one.renderers, other.renderers, strict=True):
            columns = set(left.data_source.data) - {
                "text_color"
            }  # HoloViews' copy of color, where there is more than one
            assert columns == set(right.data_source.data) - {"text_color"}
            for column in columns:
                values = left.data_source.data[column]
                np.testing.assert_array_equal(np.asarray(values), np.asarray(right.data_source.data[column]))


def seen(card):
    """Left, right, bottom and top of a plot as it is looked at."""
    return [end for axis in (card.figure.x_range, card.figure.y_range) for end in (axis.start, axis.end)]


def test_a_zoom_is_in_the_state_for_as_long_as_the_axes_stay(workspace):
    explorer = dashboard.Explorer(workspace)
    card, other = (explorer.figures[name] for name in ("accuracy_over_time", "accuracy_over_events"))
    whole, untouched = seen(card), seen(other)
    window = [2.0, 8.0, 90.0, 97.5]

    def to(ends):
        return RangesUpdate(card.figure, **dict(zip(("x0", "x1", "y0", "y1"), ends, strict=True)))

    card.figure._trigger_event(to(window))
    assert explorer.zoomed == {"accuracy_over_time": window}
    assert (seen(card), seen(other)) == (window, untouched)

    again = dashboard.Explorer(workspace, zoomed=explorer.zoomed).figures["accuracy_over_time"]
    assert seen(again) == window
    assert [again.figure.x_range.reset_start, again.figure.x_range.reset_end] == whole[:2]

    for threshold in (0.985, 0.98):  # moves the axis a little
        explorer.threshold = threshold
        assert seen(card) == window
    explorer.zoomed = {}  # as when somebody goes back
    assert seen(card) == whole
    explorer.zoomed = {"accuracy_over_time": window}
    card.figure._trigger_event(to(whole))  # what a reset tells
    assert explorer.zoomed == {}
    explorer.zoomed = {"accuracy_over_time": window, "accuracy_over_events": untouched}
    explorer.zoom = "all"
    assert explorer.zoomed == {}, "both have other axes now"
    assert seen(card) != window


@pytest.mark.parametrize("zoom", [{"a": [1, 2, 3]}, {"a": [2, 1, 3, 4]}, {"a": [1, 2, 3, np.nan]}, {"a": "b"}, [1], 3])
def test_a_zoom_is_four_ends_of_axes(workspace, zoom):
    with pytest.raises(ValueError, match="zoom"):
        dashboard.Explorer(workspace, zoomed=zoom)


def test_state_redraws(workspace):
    explorer = dashboard.Explorer(workspace)

    def shown():
        return {name: figure.figure for name, figure in explorer.figures.items()}

    first = shown()
    explorer.x_scale = "log"
    assert {name for name, figure in shown().items() if figure is not first[name]} == {"accuracy_over_events"}
    explorer.run = "after"
    assert shown()["event_shares"] is explorer.figures["event_shares"].figure
    explorer.dark = True
    assert all(figure is not first[name] for name, figure in shown().items())
    assert "color-scheme: dark" in explorer.__panel__().stylesheets[1]


def test_choosing_points_of_the_front_chooses_the_curves(workspace):
    explorer = dashboard.Explorer(workspace)
    figure = explorer.figures["pareto_front"].figure
    (points,) = [source for source in figure.select({"type": ColumnDataSource}) if "run" in source.data]
    points.selected.indices = [1]
    assert explorer.runs == ["after"]
    assert explorer.run == "after"


def test_the_front_follows_runs_that_end_while_the_page_is_open(workspace, monkeypatch):
    explorer = dashboard.Explorer(workspace)
    table = explorer.workspace.scores()
    later = pd.concat([table.iloc[:1].assign(run="later"), table], ignore_index=True)
    monkeypatch.setattr(explorer.workspace, "scores", lambda *_: later.copy())
    explorer.plane = "power"
    explorer.dark = True
    (points,) = [
        source for source in explorer.figures["pareto_front"].figure.select({"type": ColumnDataSource}) if "size" in source.data
    ]  # fmt: skip
    assert list(points.data["run"]) == list(later["run"])
    points.selected.indices = [2]
    assert explorer.runs == ["after"], "by what the plot says now"


def test_no_run_chosen_is_said(workspace):
    explorer = dashboard.Explorer(workspace)
    explorer.runs = []
    assert explorer.run is None
    assert "Choose a run above." in written(explorer)


def test_reference_and_frontier_change_the_pareto_metrics(workspace):
    explorer = dashboard.Explorer(workspace)
    assert "the best of their ANNs" in written(explorer), "what is compared is measured against one number"
    assert "2.19" not in written(explorer)
    explorer.reference = "ann"
    before = written(explorer)
    explorer.reference = "peak"
    assert written(explorer) != before
    assert "2.19" in before, "the paper's Pareto latency is shown beside ours"
    assert "2.19" not in written(explorer), "but not when it is measured against something else"


def test_intervals_and_a_budget(pair):
    explorer = dashboard.Explorer(pair)
    text = written(explorer)
    assert "300 items" in text
    told = uncertainty.intervals(pair, explorer._against())
    row = told[told["figure"] == "peak_accuracy"].iloc[1]
    assert f"{100 * row.low:.2f} to {100 * row.high:.2f}" in text
    assert "Δ" in text
    curve = explorer.figures["accuracy_over_time"]
    csv = curve.export("csv").getvalue().decode()
    low, _ = uncertainty.accuracy_interval(pair["before"])
    assert len(curve._element.traverse(lambda area: area, [hv.Area])) == 2
    assert csv.splitlines()[0] == "run,time,accuracy,low,high,items"
    assert float(csv.splitlines()[1].split(",")[3]) == pytest.approx(low[0])
    explorer.budget = 2
    assert "Stopped at step" in written(explorer)
    assert f"{100 * float(pair['after']['accuracy'][:2].max()):.2f} %" in written(explorer)
    explorer.budget_unit = "joules"
    explorer.budget = 0.001
    assert "None of them has an answer" in written(explorer)


def test_the_papers_thresholds_show_at_the_papers_threshold_only(runs):
    explorer = dashboard.Explorer(runs["before"])
    assert "17.5 M" in written(explorer)
    explorer.threshold = 0.97
    assert "17.5 M" not in written(explorer)


@pytest.mark.parametrize(
    "name", ["accuracy_over_time", "accuracy_over_events", "events_over_time", "spike_rates", "event_shares"]
)
def test_exports(workspace, runs, name):
    explorer = dashboard.Explorer(workspace)
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF", "csv": b""}
    for kind, start in starts.items():
        content = explorer.figures[name].export(kind).getvalue()
        assert content.startswith(start)
        assert len(content) > 50
    rows = explorer.figures[name].export("csv").getvalue().decode().count("\n")
    data = getattr(plots, f"{name}_data")(runs if "_over_" in name else runs["before"])
    assert rows == len(data) + 1


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_empty_state_says_what_to_do(nothing):
    text = written(dashboard.Explorer(nothing))
    assert "No result yet" in text
    assert "snnviz simulate" in text


def test_who_may_launch_is_led_from_an_empty_page_to_the_first_step(tmp_path):
    menu = [("explorer", "Explorer"), ("convert", "Convert")]
    workspace = dashboard.Workspace(store=Store(tmp_path))
    for page in (dashboard.Explorer, dashboard.Predictions, dashboard.Network):
        assert "Convert a classifier" in written(page(workspace, menu))
    workspace = dashboard.Workspace(store=Store(tmp_path), read_only=True)
    assert "Convert a classifier" not in written(dashboard.Predictions(workspace, menu))


def test_names_are_escaped():
    explorer = dashboard.Explorer({"<script>x</script>": result_of([0.5, 0.9], [1, 1])})
    html = " ".join(pane.object for pane in explorer.__panel__().select(pn.pane.HTML))
    assert "<script>" not in html


def test_one_run_needs_no_choice_of_run(workspace, runs):
    alone = dashboard.Explorer(runs["before"])
    assert "pareto_front" not in alone.figures
    assert not alone.__panel__().select(pn.widgets.CheckButtonGroup)
    assert dashboard.Explorer(workspace).__panel__().select(pn.widgets.CheckButtonGroup)


def test_results_are_never_changed(workspace, runs):
    untouched = {name: result.copy(deep=True) for name, result in runs.items()}
    explorer = dashboard.Explorer(workspace)
    explorer.threshold, explorer.x_scale, explorer.zoom = 0.9, "log", "top"
    assert all(result.identical(untouched[name]) for name, result in runs.items())


def test_create_app_is_a_page(workspace):
    assert isinstance(dashboard.create_app(workspace), pn.Template)


def test_serving_frees_its_port_and_refuses_a_taken_one(workspace):
    with dashboard.Serving(workspace) as server:
        with urllib.request.urlopen(server.url, timeout=30) as answer:
            assert "<title>snnviz explorer</title>" in answer.read().decode()
        with pytest.raises(InputError, match="must be free"):
            dashboard.serve(workspace, port=server.port)
        with pytest.raises(InputError, match="must be free"):
            dashboard.Serving(workspace, port=server.port)
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(server.url, timeout=5)


def test_serve_refuses_what_it_cannot_use(runs):
    with pytest.raises(InputError, match="`port`"):
        dashboard.serve(runs, port=70000)
    with pytest.raises(InputError, match="`results`"):
        dashboard.serve(3)


def test_a_run_that_left_no_result_is_said_and_left_out(runs, tmp_path):
    from snnviz.runs import Store

    store = Store(tmp_path)
    lost = store.create("simulate", "lost")
    store.set_status(lost, "FINISHED")
    workspace = dashboard.Workspace(runs, store=store)
    workspace.watcher.look_now()
    explorer = dashboard.Explorer(workspace)
    name = f"lost · {lost[:6]}"
    assert name in explorer.param.runs.objects
    explorer.runs = ["before", name]
    assert explorer.runs == ["before"]
    assert "lost" in explorer.notice.object


def test_sessions_share_the_work_of_drawing(monkeypatch):
    workspace = dashboard.Workspace({"before": dense_mnist(), "after": dense_mnist(fast=True)})
    first = dashboard.Explorer(workspace)
    drawn = []
    render = plot_card.rendered
    monkeypatch.setattr(plot_card, "rendered", lambda element: drawn.append(1) or render(element))
    second = dashboard.Explorer(workspace)
    assert len(drawn) == 1, "the Pareto front, which follows the store"
    for name in ("accuracy_over_time", "event_shares"):
        one, other = first.figures[name], second.figures[name]
        ids = [{model.id for model in each.figure.references()} for each in (one, other)]
        assert ids[0].isdisjoint(ids[1]), "a document, and the browser with it, keeps one model an id"
        anew = plot_card._lean(render(second.plot(name)))
        anew.margin, anew.html_attributes = 0, one.figure.html_attributes  # as Panel's pane and ours set them
        anew.subscribed_events = one.figure.subscribed_events
        if other._mover is not None:
            other._mover(anew)
        assert told(one.figure) == told(other.figure) == told(anew)
    dashboard.Explorer(workspace, threshold=0.9)
    assert len(drawn) == 5, "what depends on the threshold, and the Pareto front"


def test_a_curve_in_the_legend_can_still_be_muted():
    """And nothing else can be, so that its other looks need not be sent."""
    runs = {"before": dense_mnist(), "after": dense_mnist(fast=True)}
    shown = dashboard.Explorer(runs).figures["accuracy_over_time"].figure
    assert shown.legend[0].click_policy == "mute"
    curves = [renderer for item in shown.legend[0].items for renderer in item.renderers]
    others = [renderer for renderer in shown.renderers if renderer not in curves]
    assert curves
    assert all(curve.muted_glyph.line_alpha < 1 for curve in curves)
    assert others
    assert not any(other.muted_glyph for other in others)
    assert not any(renderer.nonselection_glyph for renderer in shown.renderers)


def told(shown):
    """All that a browser is told of a figure, whatever the ids are, and whether or not what is set is the default."""
    ids = {}
    shown = Deserializer().decode(Serializer(deferred=False).encode(shown))
    words = json.dumps(Serializer(deferred=False).encode(shown))
    return re.sub(r"\bp\d+\b", lambda found: ids.setdefault(found[0], f"#{len(ids)}"), words)


def test_times_in_milliseconds_where_a_step_has_a_length(workspace, runs):
    one = runs["after"]
    steps = one.sizes["time"]
    filmed = one.assign(camera_events=("time", np.full(steps, 2.0))).assign_attrs(step_ms=10.0)
    text = written(dashboard.Explorer({"film": filmed}))
    assert "steps of 10 ms" in text
    latency = metrics.pareto_latency(filmed)
    assert re.search(rf"Pareto latency\W.*?ms\W.*?{parts.plain(10 * latency)}", text, re.S)
    assert re.search(rf"Camera events\W.*?events per item\W.*?{parts.events(2.0 * steps)}", text, re.S)
    both = written(dashboard.Explorer({"film": filmed, "still": runs["before"]}))  # and a dash for what has no unit
    assert "steps of 10 ms" not in both
    assert "ms" in both
    assert "Camera events" not in written(dashboard.Explorer(workspace))
