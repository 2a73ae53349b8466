"""The plots drawn by both backends, and files of them."""

import io
import re

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from bokeh.models import HoverTool
from PIL import Image
from pypdf import PdfReader

from snnviz import plots
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._curves import _log_ticks
from snnviz.plots._evaluations import _near_start
from snnviz.plots._marks import Frame, ann_words, mark_rows
from tests.synthetic import result_of


def tried():
    """What four runs were told, and what came out."""
    return pd.DataFrame(
        {"run": list("wxyz"), "lambda_a": [0.2, 0.5, 1, 2], "method": ["a", "b", "a", "c"], "accuracy": [0.9, 0.95, 0.97, 0.8]}
    )  # fmt: skip


def ended(recorded):
    exits = 1 + np.arange(recorded.sizes["item"]) % 3
    return recorded.assign(exit_step=("item", exits))


_LOSSES = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.0]}


@pytest.fixture(scope="module")
def drawings(before, after, recorded, images, network, scaled, history, pruned, grid, chosen):
    two = {"before": before, "after": after}
    return {
        "time": plots.accuracy_over_time([before, after], threshold=0.98),
        "time, top, dark, one missed": plots.accuracy_over_time(
            [before, after], threshold=0.9836, zoom="top", dark=True
        ),
        "a run with the name of a column": plots.accuracy_over_time({"accuracy": before, "time": after}),
        "time, no threshold": plots.accuracy_over_time(before),
        "cost": plots.accuracy_over_events([before, after], threshold=0.999),
        "cost, log": plots.accuracy_over_events(before, threshold=0.98, log=True, dark=True),
        "plane": plots.events_over_time([before, after], threshold=0.98),
        "plane, one missed, dark": plots.events_over_time([before, after], threshold=0.9836, dark=True),
        "plane without marks": plots.events_over_time(before),
        "rates": plots.spike_rates(before),
        "shares": plots.event_shares(before, dark=True),
        "figure a": plots.figure_a(before, after, threshold=(0.98, 0.9797)),
        "one step": plots.accuracy_over_time(result_of([0.5], [3]), threshold=0.5),
        "silent": plots.event_shares(result_of([0.5, 0.5], [0, 0])),
        "front": plots.pareto_front(two, selected=["before"]),
        "front, dark": plots.pareto_front(before, x="power", y="latency", dark=True),
        "scores": plots.class_scores(recorded, 3, time=4),
        "strip": plots.prediction_strip({"before": recorded, "after": recorded}, [0, 5], images, time=2),
        "strip without images, dark": plots.prediction_strip(recorded, [3], dark=True),
        "raster": plots.raster(recorded, 1, time=3, dark=True),
        "raster of a silent layer": plots.raster(
            recorded.assign(spikes_hidden=recorded["spikes_hidden"] & False), 1, ["hidden"]
        ),
        "membranes": plots.membranes(recorded, 1, time=3),
        "membranes of the outputs": plots.membranes(recorded, 1, "classifier", dark=True),
        "confusion": plots.confusion(recorded),
        "cut-off": plots.confidence_cutoff(recorded, dark=True),
        "cut-off over events": plots.confidence_cutoff([recorded], x="events"),
        "margin": plots.answer_margin(recorded, 3, time=4),
        "ends, at a level": plots.exit_steps(recorded, 0.5),
        "ends": plots.exit_steps(ended(recorded)),
        "ends, dark": plots.exit_steps(ended(recorded), dark=True),
        "history": plots.optimization_history(history),
        "history over time": plots.optimization_history(history, x="seconds", dark=True),
        "evaluations": plots.evaluations(history),
        "one evaluation": plots.evaluations(history[:1], x="accuracy", y="latency", dark=True),
        "scales": plots.scales(network, scaled),
        "scales, none": plots.scales(network, network, dark=True),
        "settings tried": plots.settings_tried(chosen),
        "settings tried, dark": plots.settings_tried(chosen, dark=True),
        "pruning": plots.pruning_curve(pruned, dark=True),
        "pruning on few items": plots.pruning_curve([point | {"items": 50} for point in pruned]),
        "prunings": plots.pruning_curve({"one": pruned, "two": pruned}),
        "grid": plots.lambda_grid(grid, label="accuracy"),
        "grid, one cell": plots.lambda_grid(grid[:1], best=None, dark=True),
        "settings": plots.parallel_coordinates(tried(), "accuracy"),
        "one run, dark": plots.parallel_coordinates(tried()[:1], "accuracy", dark=True),
        "importance": plots.setting_importance(pd.DataFrame({"setting": ["a", "b"], "importance": [0.7, 0.3]})),
        "layers": plots.layer_graph(network, recorded),
        "layers alone": plots.layer_graph(network, dark=True),
        "losses": plots.metric_history({"one": pd.DataFrame(_LOSSES)}, ["loss", "val_loss"]),
        "cost of accuracy": plots.accuracy_cost(two, threshold=0.98),
    }


def test_both_backends_draw_everything(drawings):
    for name, drawing in drawings.items():
        if isinstance(drawing, hv.Overlay):
            figure = hv.renderer("bokeh").get_plot(drawing).state
            assert figure.renderers, name
            told = hv.Store.lookup_options("bokeh", drawing, "plot").kwargs
            assert {"xlim", "ylim"} <= set(told), f"{name}: what is refreshed in place would keep its first axes"
            assert not figure.xaxis[0].visible or figure.xaxis[0].axis_label, name
        else:
            assert len(hv.renderer("bokeh").get_plot(drawing).state.children) == 2, name
        content = plots.render(drawing, "png", dpi=60)
        assert np.asarray(Image.open(io.BytesIO(content))).std() > 5, f"{name} is blank"


def test_pdf_has_journal_width_embedded_fonts_and_its_words(before, after, tmp_path):
    drawing = plots.figure_a(before, after, threshold=(0.98, 0.9797))
    path = plots.save(drawing, tmp_path / "a.pdf", width=plots.SINGLE_COLUMN, metadata={"Title": "Figure A"})
    document = PdfReader(path)
    (page,) = document.pages
    assert float(page.mediabox.width) == pytest.approx(72 * plots.SINGLE_COLUMN, abs=0.5)
    text = page.extract_text()
    for word in ("Time (steps)", "Accuracy (%)", "before", "after", "step 13"):
        assert word in text
    assert document.metadata.title == "Figure A"
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        inner = font["/DescendantFonts"][0].get_object() if "/DescendantFonts" in font else font
        assert "/FontFile2" in inner["/FontDescriptor"].get_object(), "a font is not embedded as TrueType"


def test_layers_are_told_apart_without_their_colours():
    many = result_of([0.5, 0.9], np.ones((2, 11)))
    lines = [curve for curve in plots.spike_rates(many) if isinstance(curve, hv.Curve) and curve.label]
    assert len(lines) == 11
    for backend, dash, width in (("bokeh", "line_dash", "line_width"), ("matplotlib", "linestyle", "linewidth")):
        looks = [hv.Store.lookup_options(backend, line, "style").kwargs for line in lines]
        assert len({(str(look[dash]), look[width]) for look in looks}) == 11
    lengths = [pattern[1] for pattern in theme._MPL_DASHES.values() if pattern != "-"]
    turned = {frozenset(each[at:] + each[:at] for at in range(0, len(each), 2)) for each in lengths}
    assert len(turned) == len(theme.DASHES) - 1, "one begun elsewhere looks the same"


def test_long_names_of_runs_leave_room_for_what_is_drawn(recorded):
    name = "dense MNIST, percentile normalisation, of a search"
    strip = plots.prediction_strip({name: recorded, "after": recorded}, [0])
    assert "dense MNIST, percentile\nnormalisation, of a …" in words(strip)
    steps = recorded.sizes["time"]
    left, _ = hv.Store.lookup_options("matplotlib", strip, "plot").kwargs["xlim"]
    assert -left < 0.6 * steps


def test_same_drawing_same_svg(before):
    first, second = (plots.render(plots.spike_rates(before), "svg") for _ in range(2))
    assert first == second
    assert b"<svg" in first
    assert not re.search(rb'href="https?:', first), "an SVG must not fetch anything"


def test_csv_is_the_data(before, tmp_path):
    data = plots.accuracy_over_time_data(before)
    path = plots.save(data, tmp_path / "a.csv")
    lines = path.read_text().splitlines()
    assert lines[0] == "run,time,accuracy,low,high,items"
    assert len(lines) == 51
    assert b"accuracy" in plots.render(before["accuracy"], "csv")


def test_wrong_files_are_refused(before, tmp_path):
    drawing = plots.spike_rates(before)
    with pytest.raises(InputError, match=r"\.pdf, \.svg, \.png or \.csv"):
        plots.save(drawing, tmp_path / "a.jpg")
    with pytest.raises(InputError, match="_data"):
        plots.save(drawing, tmp_path / "a.csv")
    with pytest.raises(InputError, match="HoloViews"):
        plots.save(plots.spike_rates_data(before), tmp_path / "a.pdf")
    with pytest.raises(InputError, match="`width`"):
        plots.render(drawing, "pdf", width=0)
    assert list(tmp_path.iterdir()) == []


def test_wrong_options_are_refused(before):
    with pytest.raises(InputError, match="`zoom`"):
        plots.accuracy_over_time(before, zoom="half")
    with pytest.raises(InputError, match="`log`"):
        plots.accuracy_over_events(result_of([0.5, 0.5], [0, 0]), log=True)
    with pytest.raises(InputError, match="`threshold`"):
        plots.accuracy_over_time(before, threshold=98)


def words(drawing):
    found = []
    for element in drawing.traverse(lambda e: e, [hv.Labels]):
        found += [text for text in element.dimension_values("text") if text]
    return found


def test_marks_say_where_and_whether(before, after):
    ann = "ANN"  # both have one accuracy
    crossed = words(plots.accuracy_over_time([before, after], threshold=0.98))
    assert crossed == [ann, "after: step 5", "before: step 13", "threshold 98 %"]
    missed = words(plots.accuracy_over_time([before, after], threshold=0.99))
    assert missed == [ann, "threshold 99 %", "before, after: never reached"]
    assert words(plots.accuracy_over_events(before, threshold=0.98)) == [ann, "174 k events", "threshold 98 %"]
    merged = words(plots.figure_a(before, after, threshold=(0.98, 0.9797), zoom="top"))
    assert "thresholds 98 and 97.97 %" in merged


def test_a_threshold_between_two_close_lines_is_named_at_its_own():
    """The name of the analog network's line above takes no place below the threshold's, though it touches it a little."""
    curve = pd.DataFrame({"run": "one", "time": range(1, 51), "accuracy": [90.0, *[98.46, 98.6] * 24, 98.6]})
    frame = Frame("time", (1.0, 50.0), (94.0, 99.4), True).around(curve, [98.0, 98.43])
    colors = {"one": "black"}
    (ann,) = ann_words(frame, {"one": 98.43}, colors, theme.palette(False))
    crossing = pd.DataFrame({"run": ["one"], "threshold": [0.98], "time": [2], "events": [9.0], "crossed": [True]})
    rows = mark_rows(crossing, frame, colors, theme.palette(False))
    threshold = next(word for word in rows["right"][1] if word[2] == "threshold 98 %")
    assert 98.0 < ann[1] < 98.43
    assert 97.4 < threshold[1] < 98.0


@pytest.mark.parametrize(
    ("second", "limits", "told"),
    [
        (98.2, (93.4, 98.8), ["ANN, dense", "ANN, sparse"]),
        (98.2, (0.0, 102.0), ["ANNs"]),
        (98.0, (93.4, 98.8), ["ANN"]),
    ],
)
def test_lines_of_analog_networks_have_a_name_each_where_they_can_be_told_apart(second, limits, told):
    frame = Frame("time", (1.0, 50.0), limits, False)
    colors = {"dense": "blue", "sparse": "orange"}
    found = ann_words(frame, {"dense": 98.0, "sparse": second}, colors, theme.palette(False))
    assert [word[2] for word in found] == told


def test_lines_of_analog_networks_with_long_names_are_told_apart_by_how_good_they_are():
    accuracies = {"dense MNIST, optimized · 1a2b3c": 98.0, "convolutional MNIST · 4d5e6f": 98.21}
    found = ann_words(
        Frame("time", (1.0, 50.0), (93.4, 98.8), False),
        accuracies,
        dict.fromkeys(accuracies, "blue"),
        theme.palette(False),
    )
    assert [word[2] for word in found] == ["ANN, 98.00 %", "ANN, 98.21 %"]


@pytest.mark.parametrize(("last", "told"), [(60_000, ["2k", "5k", "10k", "20k", "50k"]), (60_000_000, None)])
def test_a_short_logarithmic_axis_of_events_has_more_than_powers_of_ten(last, told):
    found = _log_ticks("cumulative_events", (1_500.0, float(last)))
    assert told == (found and [text for _, text in found])


def test_no_accuracy_above_100_percent_is_named(recorded):
    right = recorded.assign(
        logits=recorded["logits"] * 0 + 10.0 * (recorded["class"] == recorded["class"][recorded["label"]])
    )
    top = hv.Store.lookup_options("matplotlib", plots.confidence_cutoff(right), "plot").kwargs["ylim"][1]
    assert 100.0 < top < 102.0, "the line is not cut"


def test_no_mark_is_cut_at_the_border(recorded):
    drawn = plots.membranes(recorded, 1)
    low, high = hv.Store.lookup_options("matplotlib", drawn, "plot").kwargs["ylim"]
    band = (high - low) / 5.04
    (marks,) = (element for element in drawn if isinstance(element, hv.Points))
    assert high - max(marks.dimension_values("height")) > 0.15 * band
    tried = pd.DataFrame({"loss": [5.0, 3.0, 4.0, 6.1, 6.42, 9.0]})
    low, high = _near_start(tried, "loss", -1)
    assert low < 3 < 6.1 < high < 9
    assert abs(tried["loss"] - high).min() > 0.08, "a mark's radius"


def test_words_lie_on_no_curve_and_on_no_other_words():
    data = pd.DataFrame({"run": "one", "time": range(1, 51), "accuracy": [50, 90, *[97.0] * 48]})
    frame = Frame("time", (1.0, 50.0), (0.0, 102.0), False).around(data, [20.0])
    spots = [
        (0.8, 0.2, "left"),
        (0.8, 0.95, "right"),
        (0.8, 0.5, "right"),
        (0.8, 0.35, "left"),
    ]  # on a level line, on the curve
    assert frame.place("step 2", spots) == spots[2]
    assert frame.place("step 3", spots) == spots[3], "the other is taken"
    assert frame.point(spots[2]) == pytest.approx((1 + 0.8 * 49, 51.0))


@pytest.mark.parametrize("dark", [False, True])
def test_colours_stand_out_from_the_background(dark):
    """WCAG asks 3:1 for graphics and 4.5:1 for words."""

    def luminance(color):
        channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    def contrast(color):
        pair = sorted([luminance(color), luminance(palette.background)])
        return (pair[1] + 0.05) / (pair[0] + 0.05)

    palette = theme.palette(dark)
    assert min(contrast(color) for color in (palette.text, palette.muted, palette.missed)) >= 4.5
    # the first four runs; later ones also differ by line style
    assert min(contrast(color) for color in palette.series[:4]) >= 3


def test_only_words_on_the_background_hide_what_is_behind_them(drawings):
    def backed(name):
        figure = hv.renderer("matplotlib").get_plot(drawings[name]).state
        return {text.get_bbox_patch() is not None for axes in figure.axes for text in axes.texts if text.get_text()}

    assert backed("time") == backed("front") == {True}
    for name in ("confusion", "strip without images, dark", "grid"):
        assert backed(name) == {False}, f"{name}: its words stand on colours"


def test_one_tooltip_tells_of_all_curves_at_a_step(before, after):
    longer = before.isel(time=slice(0, 10))
    figure = hv.renderer("bokeh").get_plot(plots.accuracy_over_time({"one": longer, "other @x": after}, log=True)).state
    (hover,) = figure.select({"type": HoverTool})
    assert [label for label, _ in hover.tooltips] == ["step", "one", "other @x"]
    (renderer,) = hover.renderers
    told = renderer.data_source.data
    np.testing.assert_allclose(told["accuracy_1"], 100 * after["accuracy"].values)
    assert np.isnan(told["accuracy_0"][10:]).all(), "it ended earlier"
    assert list(figure.xaxis[0].major_label_overrides.values())[:4] == ["1", "2", "5", "10"]


def test_plots_of_several_lines_have_one_tooltip_of_all_of_them(drawings):
    lines = {
        "time": ["before", "after"], "cost": ["before", "after"], "plane": ["before", "after"],
        "rates": ["input", "dense_1", "dense_2"], "membranes of the outputs": None, "scores": None, "losses": ["loss", "val loss"],
    }  # fmt: skip
    for name, told in lines.items():
        figure = hv.renderer("bokeh").get_plot(drawings[name]).state
        (hover,) = figure.select({"type": HoverTool})
        assert hover.mode == "vline", name
        (renderer,) = hover.renderers
        fields = re.findall(r"@(\w+)", " ".join(words for _, words in hover.tooltips))
        assert set(fields) <= set(renderer.data_source.data), name
        assert told is None or [label for label, _ in hover.tooltips][1:] == told
        assert len(hover.tooltips) > 2, name


def test_at_a_cost_the_tooltip_tells_where_each_curve_stood(before, after):
    figure = hv.renderer("bokeh").get_plot(plots.accuracy_over_events([before, after])).state
    (hover,) = figure.select({"type": HoverTool})
    told = hover.renderers[0].data_source.data
    own = plots.accuracy_over_events_data([before, after])
    spent = told["cumulative_events"]
    for index, name in enumerate(["before", "after"]):
        rows = own[own["run"] == name]
        steps = [rows["time"][rows["cumulative_events"] <= at].max() for at in spent]
        steps = np.where(spent <= rows["cumulative_events"].max(), steps, np.nan)
        np.testing.assert_array_equal(told[f"time_{index}"], steps)


def test_a_run_without_an_event_has_no_curve_beside_one_that_has(before):
    silent = before.copy(deep=True)
    silent["synaptic_events"][:] = 0
    drawn = plots.accuracy_over_events({"before": before, "silent": silent}, log=True, intervals=True)
    told = next(iter(drawn)).data
    assert told["accuracy_1"].isna().all()
    assert told["accuracy_0"].notna().all()
