"""What the plots draw, as tables."""

import numpy as np
import pytest

from snnviz import metrics, plots
from snnviz.errors import InputError
from snnviz.plots import named
from tests.synthetic import result_of


def test_curves(before, after):
    data = plots.accuracy_over_time_data([before, after])
    assert list(data.columns) == ["run", "time", "accuracy", "low", "high", "items"]
    assert data["run"].unique().tolist() == ["before", "after"]
    assert np.array_equal(data.loc[data["run"] == "after", "accuracy"], after["accuracy"])
    cost = plots.accuracy_over_events_data(before)
    assert cost["cumulative_events"].iloc[-1] == pytest.approx(float(before["synaptic_events"].sum()))
    assert (np.diff(cost["cumulative_events"]) >= 0).all()


def test_marks_of_the_plane_are_the_metrics(before, after):
    """A dot at (time, events) where the threshold is reached, a cross at the end of a run that never reaches it."""
    *_, dots, crosses = plots.events_over_time({"b": before, "a": after}, threshold={"b": 0.98, "a": 0.99})
    reached = metrics.time_to_accuracy(before, 0.98).value, metrics.events_to_accuracy(before, 0.98).value
    assert dots.array(["time", "cumulative_events"]).tolist() == [pytest.approx(reached)]
    end = after.sizes["time"], float(metrics.events_per_step(after).sum())
    assert crosses.array(["time", "cumulative_events"]).tolist() == [pytest.approx(end)]
    data = plots.events_over_time_data(before)
    assert list(data.columns) == ["run", "time", "cumulative_events", "accuracy"]
    assert data["cumulative_events"].iloc[-1] == pytest.approx(float(before["synaptic_events"].sum()))


def test_crossings(before, after):
    data = plots.crossings_data({"b": before, "a": after}, {"b": 0.98, "a": 0.99}).set_index("run")
    assert data.loc["b", "time"] == metrics.time_to_accuracy(before, 0.98).value
    assert data.loc["b", "events"] == metrics.events_to_accuracy(before, 0.98).value
    assert data["crossed"].to_dict() == {"b": True, "a": False}
    assert data.loc["a", "time"] == 51
    assert list(plots.crossings_data({"b": before, "a": after}, {"a": 0.5})["run"]) == ["a"]


def test_layers(before):
    rates = plots.spike_rates_data(before)
    assert rates["layer"].unique().tolist() == ["input", "dense_1", "dense_2"]
    assert np.array_equal(
        rates.loc[rates["layer"] == "dense_1", "spike_rate"], before["spike_rate"].sel(layer="dense_1")
    )
    shares = plots.event_shares_data(before)
    assert shares["layer"].tolist() == ["dense_1", "dense_2", "dense_3"]
    assert shares["share"].sum() == pytest.approx(1)


def test_figure_a(before, after):
    data = plots.figure_a_data(before, after, threshold=(0.98, 0.9797))
    assert data.groupby("run")["threshold"].first().to_dict() == {"before": 0.98, "after": 0.9797}
    assert data.groupby("run")["crossing"].first().to_dict() == {
        "before": metrics.time_to_accuracy(before, 0.98).value,
        "after": metrics.time_to_accuracy(after, 0.9797).value,
    }
    assert plots.figure_a_data(before, threshold=0.999)["crossing"].isna().all()
    assert plots.figure_a_data(before)["threshold"].iloc[0] == pytest.approx(0.98 * 0.9836)


def test_names_are_made_different():
    one, other = result_of([0.1], [1], title="same"), result_of([0.2], [1], title="same")
    assert list(named([one, other, result_of([0.3], [1])])) == ["same", "same (2)", "run 3"]


@pytest.mark.parametrize("results", [[], {}, 3, "x", [3], {"a": 3}])
def test_what_is_no_result_is_refused(results):
    with pytest.raises(InputError, match="`results` must"):
        named(results)
