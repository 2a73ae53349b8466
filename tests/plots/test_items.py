"""What single items show: scores, strips, spikes, potentials, confusions."""

import holoviews as hv
import numpy as np
import pytest

from snnviz import metrics, plots, uncertainty
from snnviz.errors import InputError
from tests.plots.conftest import ITEMS, STEPS, TRACED


def test_class_scores(recorded):
    data = plots.class_scores_data(recorded, 5)
    assert len(data) == 3 * STEPS
    owl = data[data["class"] == "owl"]
    assert np.array_equal(owl["score"], recorded["logits"].values[5, :, 2])
    leaders = data[data["leads"]].sort_values("time")["class"]
    assert leaders.tolist() == [recorded["class"].values[index] for index in recorded["prediction"].values[5]]
    (label,) = data.loc[data["is_label"], "class"].unique()
    assert label == recorded["class"].values[recorded["label"].values[5]]


def test_strips_are_the_predictions(recorded):
    items = [3, 0, 11]
    data = plots.prediction_strip_data({"a": recorded, "b": recorded}, items)
    assert data["item"].drop_duplicates().tolist() == items
    for (item, _), rows in data.groupby(["item", "run"]):
        assert rows["first"].iloc[0] == 1
        assert rows["last"].iloc[-1] == STEPS
        told = np.repeat(rows["prediction"], rows["last"] - rows["first"] + 1)
        assert told.tolist() == [recorded["class"].values[index] for index in recorded["prediction"].values[item]]
        assert (rows["prediction"].values[1:] != rows["prediction"].values[:-1]).all()
        assert (rows["right"] == (rows["prediction"] == rows["label"])).all()


def test_telling_items_are_right_late(recorded):
    right = recorded["prediction"].values == recorded["label"].values[:, None]
    chosen = plots.telling_items(recorded, 3)
    late = [max((step + 1 for step in range(STEPS) if not right[item, step]), default=0) for item in range(ITEMS)]
    late = [steps if right[item, -1] else -1 for item, steps in enumerate(late)]
    assert sorted((late[item] for item in chosen), reverse=True) == sorted(late, reverse=True)[:3]


def test_raster_is_the_spikes(recorded):
    data = plots.raster_data(recorded, 2)
    assert list(dict.fromkeys(data["layer"])) == ["input", "conv", "pool", "hidden"]
    for layer in ("input", "hidden"):
        spikes = np.zeros(recorded[f"spikes_{layer}"].shape[1:], bool)
        rows = data[data["layer"] == layer]
        spikes[rows["time"] - 1, rows["neuron"]] = True
        assert np.array_equal(spikes, recorded[f"spikes_{layer}"].values[2])


def test_raster_of_some_neurons(recorded):
    some = plots.raster_data(recorded, 2, ["conv"], neurons=16)
    every = plots.raster_data(recorded, 2, ["conv"], neurons=None)
    kept = np.unique(np.linspace(0, 63, 16).round().astype(int))
    assert set(some["neuron"]) <= set(kept)
    assert len(some) == every["neuron"].isin(kept).sum()


def test_membranes_are_the_potentials(recorded):
    data = plots.membranes_data(recorded, 1, "hidden", [4, 2])
    assert list(dict.fromkeys(data["neuron"])) == [4, 2]
    four = data[data["neuron"] == 4]
    assert np.array_equal(four["potential"], recorded["potential_hidden"].values[1, :, 4])
    assert np.array_equal(four["spike"].astype(bool), recorded["spikes_hidden"].values[1, :, 4])
    outputs = plots.membranes_data(recorded, 1, "classifier", range(3))
    assert outputs["spike"].isna().all(), "the outputs never fire"
    chosen = plots.membranes_data(recorded, 1, "conv")
    assert chosen["layer"].eq("conv").all()
    assert chosen["neuron"].nunique() == 5


@pytest.mark.parametrize("time", [1, 7, None])
def test_confusion(recorded, time):
    data = plots.confusion_data(recorded, time)
    step = STEPS if time is None else time
    assert data["count"].sum() == ITEMS
    right = data.loc[data["label"] == data["prediction"], "count"].sum()
    assert right / ITEMS == pytest.approx(float(recorded["accuracy"].sel(time=step)))
    for label, rows in data.groupby("label"):
        assert rows["share"].sum() == pytest.approx(1 if rows["count"].sum() else 0), label


def test_confidence_cutoff(recorded):
    data = plots.confidence_cutoff_data({"one": recorded}, [0.0, 0.5, 0.9])
    found = metrics.confidence_cutoff(recorded, [0.0, 0.5, 0.9])
    assert data["run"].eq("one").all()
    for name in ("level", "accuracy", "time", "events", "stopped"):
        assert np.array_equal(data[name], found[name])
    after_one_step = uncertainty.accuracy_interval(recorded)[:, 0]
    assert (data["low"][0], data["high"][0]) == pytest.approx(tuple(after_one_step)), "at margin 0 all stop there"


def test_exit_steps(recorded):
    exits = np.where(np.arange(ITEMS) < 3, 2, STEPS)
    data = plots.exit_steps_data(recorded.assign(exit_step=("item", exits))).set_index("step")
    assert data["items"].to_dict() == {step: {2: 3, STEPS: ITEMS - 3}.get(step, 0) for step in range(1, STEPS + 1)}
    assert data["share"].sum() == pytest.approx(1)
    assert data["right"].sum() == pytest.approx(float(recorded["accuracy"][-1]))


def test_exit_steps_of_a_result_that_ran_on(recorded):
    level = 0.3
    data = plots.exit_steps_data(recorded, level).set_index("step")
    found = metrics.confidence_cutoff(recorded, [level])
    assert data["right"].sum() == pytest.approx(found["accuracy"].item())
    assert (data.index * data["share"]).sum() == pytest.approx(found["time"].item())


def test_settings_that_a_conversion_tried(chosen, network):
    data = plots.settings_tried_data(chosen)
    assert data["setting"].unique().tolist() == ["channel 99.9 %, corrected", "layer 99.9 %", "channel 99.9 %"]
    assert data["time"].tolist() == [1, 2, 3] * 3
    assert data["accuracy"].tolist() == [0.5, 0.9, 0.9, 0.1, 0.5, 0.9, 0.1, 0.2, 0.3]
    last = data.groupby("setting", sort=False).last()
    assert last["chosen"].tolist() == [True, False, False]
    assert np.array_equal(last["settled"], [2, 3, np.nan], equal_nan=True)
    drawn = plots.settings_tried(chosen)
    curves = drawn.traverse(lambda each: each.label, [hv.Curve])
    assert curves == ["channel 99.9 %, corrected: chosen", "layer 99.9 %", "channel 99.9 %"]
    (dots,) = drawn.traverse(lambda each: each.dframe()[["time", "accuracy"]].to_numpy().tolist(), [hv.Points])
    assert dots == [[2, 90], [3, 90]], "where a setting settles; none for the one that never does"
    with pytest.raises(InputError, match="without a choice"):
        plots.settings_tried(network)


def test_answer_margin(recorded):
    data = plots.answer_margin_data(recorded, 5)
    scores, label = recorded["logits"].values[5], int(recorded["label"][5])
    others = np.delete(scores, label, axis=1)
    assert np.allclose(data["margin"], scores[:, label] - others.max(axis=1))
    assert (data["right"].to_numpy() == (recorded["prediction"].values[5] == label)).all()
    names = recorded["class"].values
    assert [names[label]] == data["label"].unique().tolist()
    for step, rival in enumerate(data["rival"]):
        assert rival != names[label]
        assert scores[step, list(names).index(rival)] == others[step].max()


def test_what_was_not_recorded_is_asked_for(before, recorded):
    for draw in (
        lambda: plots.class_scores(before, 0),
        lambda: plots.confidence_cutoff(before),
        lambda: plots.exit_steps(before),
        lambda: plots.confusion(before),
        lambda: plots.answer_margin(before, 0),
        lambda: plots.exit_steps(before, 0.5),
        lambda: plots.prediction_strip(before, [0]),
        lambda: plots.telling_items(before),
        lambda: plots.raster(before, 0),
        lambda: plots.membranes(before, 0),
    ):
        with pytest.raises(InputError, match="simulate with"):
            draw()


def test_wrong_arguments_are_refused(recorded, images):
    cases = {
        "`item`": lambda: plots.class_scores(recorded, ITEMS),
        "`item` must be a whole number": lambda: plots.raster(recorded, TRACED),
        "`layers`": lambda: plots.raster(recorded, 0, ["classifier"]),
        "`layers` must name": lambda: plots.raster(recorded, 0, []),
        "`neurons`": lambda: plots.raster(recorded, 0, neurons=0),
        "`layer`": lambda: plots.membranes(recorded, 0, "dense"),
        "`neurons` must be": lambda: plots.membranes(recorded, 0, "hidden", [8]),
        "`neurons` must name": lambda: plots.membranes(recorded, 0, "hidden", []),
        "`time`": lambda: plots.raster(recorded, 0, time=STEPS + 1),
        "`time` must be": lambda: plots.confusion(recorded, 0),
        "`items`": lambda: plots.prediction_strip(recorded, [ITEMS]),
        "`items` must name": lambda: plots.prediction_strip(recorded, []),
        "`images` must hold every": lambda: plots.prediction_strip(recorded, [9], images[:5]),
        "`images` must have shape": lambda: plots.prediction_strip(recorded, [0], images[..., 0, 0]),
        "`x`": lambda: plots.confidence_cutoff(recorded, x="cost"),
        "same items": lambda: plots.prediction_strip([recorded, recorded.assign(label=recorded["label"] * 0)], [0]),
    }
    for message, draw in cases.items():
        with pytest.raises(InputError, match=message):
            draw()


def test_a_moved_confusion_is_the_one_drawn_anew(recorded):
    def shown(time):
        return hv.renderer("bokeh").get_plot(plots.confusion(recorded, time)).state

    moved = shown(1)
    plots.move_confusion(moved, recorded, STEPS)
    for one, other in zip(moved.renderers, shown(STEPS).renderers, strict=True):
        had, wanted = one.data_source.data, other.data_source.data
        read = wanted.keys() - {"x0", "y0", "x1", "y1"}  # HoloViews leaves these beside those that Bokeh reads
        assert read
        assert all(list(had[column]) == list(wanted[column]) for column in read)
