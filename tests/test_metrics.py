"""Anytime metrics against numbers worked out by hand, and what must hold for any curve."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from snnviz import metrics
from snnviz.errors import InputError
from snnviz.metrics import Crossing
from tests.synthetic import result_of


@pytest.fixture
def four_steps():
    # A_ref 0.8; shortfalls 0.6/0.8, 0.2/0.8, -0.05/0.8, 0.1/0.8 = 0.75, 0.25, -0.0625, 0.125
    return result_of([0.2, 0.6, 0.85, 0.7], [[10, 2], [20, 4], [30, 6], [40, 8]], ann=0.8, title="four")


def test_pareto_metrics_by_hand(four_steps):
    assert metrics.pareto_latency(four_steps) == pytest.approx(0.75 + 0.25 - 0.0625 + 0.125)
    # E = 12, 24, 36, 48
    assert metrics.pareto_power(four_steps) == pytest.approx(0.75 * 12 + 0.25 * 24 - 0.0625 * 36 + 0.125 * 48)


def test_frontier_keeps_the_best_so_far(four_steps):
    assert metrics.pareto_latency(four_steps, frontier=True) == pytest.approx(0.75 + 0.25 - 0.0625 - 0.0625)
    assert metrics.pareto_power(four_steps, frontier=True) == pytest.approx(9 + 6 - 0.0625 * 36 - 0.0625 * 48)


def test_reference_is_the_peak_or_a_number(four_steps):
    against_peak = sum((0.85 - a) / 0.85 for a in (0.2, 0.6, 0.85, 0.7))
    assert metrics.pareto_latency(four_steps, reference="peak") == pytest.approx(against_peak)
    assert metrics.pareto_latency(four_steps, reference=0.5) == pytest.approx((0.3 - 0.1 - 0.35 - 0.2) / 0.5)


@pytest.mark.parametrize("reference", ["best", 0, 1.2, np.nan, True, None])
def test_reference_refuses(four_steps, reference):
    with pytest.raises(InputError, match="`reference` must be"):
        metrics.pareto_latency(four_steps, reference=reference)


def test_reference_of_a_useless_or_unknown_ann(four_steps):
    with pytest.raises(InputError, match="which is 0 here"):
        metrics.pareto_latency(four_steps.assign_attrs(ann_accuracy=0.0))
    del four_steps.attrs["ann_accuracy"]
    with pytest.raises(InputError, match="ann_accuracy"):
        metrics.pareto_power(four_steps)


def test_thresholds_by_hand(four_steps):
    assert metrics.time_to_accuracy(four_steps, 0.6) == Crossing(2, True)
    assert metrics.events_to_accuracy(four_steps, 0.6) == Crossing(12 + 24, True)
    assert metrics.time_to_accuracy(four_steps, 0.86) == Crossing(5, False)
    assert metrics.events_to_accuracy(four_steps, 0.86) == Crossing(120, False)
    assert str(Crossing(5, False)) == "5*"
    assert str(Crossing(2, True)) == "2"


@pytest.mark.parametrize("threshold", [-0.1, 1.1, np.inf, "0.9", None])
def test_thresholds_refuse(four_steps, threshold):
    with pytest.raises(InputError, match="`threshold` must be"):
        metrics.time_to_accuracy(four_steps, threshold)


def test_a_threshold_met_exactly_counts():
    result = result_of([9799 / 10000, 9800 / 10000], [1, 1])
    assert metrics.time_to_accuracy(result, 0.98) == Crossing(2, True)


def test_peak_and_shares(four_steps):
    assert metrics.peak_accuracy(four_steps) == 0.85
    assert metrics.peak_time(four_steps) == 3
    shares = metrics.event_shares(four_steps)
    assert dict(zip(shares["layer"].values, shares.values, strict=True)) == pytest.approx(
        {"input": 0, "dense_1": 100 / 120, "dense_2": 20 / 120}
    )


def test_shares_of_a_silent_network_are_zero():
    assert not metrics.event_shares(result_of([0.1, 0.1], [0, 0])).any()


def test_missing_variables_are_named(four_steps):
    with pytest.raises(InputError, match="'accuracy'"):
        metrics.peak_accuracy(four_steps.drop_vars("accuracy"))
    with pytest.raises(InputError, match="'synaptic_events'"):
        metrics.pareto_power(four_steps.drop_vars("synaptic_events"))
    with pytest.raises(InputError, match=r"xarray\.Dataset"):
        metrics.peak_accuracy(3)
    with pytest.raises(InputError, match="at least one time step"):
        metrics.peak_accuracy(four_steps.isel(time=slice(0)))


def test_summary_holds_what_the_functions_give(four_steps):
    found = metrics.summary(four_steps, [0.6, 0.86], reference="peak", frontier=True)
    assert found["pareto_latency"] == metrics.pareto_latency(four_steps, "peak", True)
    assert found["pareto_power"] == metrics.pareto_power(four_steps, "peak", True)
    assert found["thresholds"] == [
        {"threshold": 0.6, "time": 2, "events": 36.0, "crossed": True},
        {"threshold": 0.86, "time": 5, "events": 120.0, "crossed": False},
    ]
    assert (found["peak_accuracy"], found["peak_time"], found["final_accuracy"]) == (0.85, 3, 0.7)
    assert found["reference_accuracy"] == 0.85
    assert metrics.summary(four_steps)["thresholds"][0]["threshold"] == pytest.approx(0.98 * 0.8)


def test_summary_of_a_hopeless_network_has_no_pareto_metrics(four_steps):
    found = metrics.summary(four_steps.assign_attrs(ann_accuracy=0.0))
    assert found["pareto_latency"] is None
    assert found["pareto_power"] is None
    with pytest.raises(InputError, match="`reference`"):
        metrics.summary(four_steps, reference="other")


def test_summary_frame(four_steps):
    frame = metrics.summary_frame({"a": four_steps, "b": four_steps}, [0.86])
    assert list(frame.columns) == ["a", "b"]
    assert str(frame.loc[("time to 86 %", "time steps"), "a"]) == "5*"
    assert frame.loc[("peak accuracy", "fraction"), "b"] == 0.85
    assert list(metrics.summary_frame(four_steps).columns) == ["four"]
    with pytest.raises(InputError, match="at least one result"):
        metrics.summary_frame({})


curves = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 10**9)), min_size=1, max_size=30)


@given(curves=curves, ann=st.floats(0.01, 1), threshold=st.floats(0, 1))
def test_invariants(curves, ann, threshold):
    accuracy, events = map(np.array, zip(*curves, strict=True))
    result = result_of(accuracy, events, ann=ann)
    steps = len(accuracy)
    time = metrics.time_to_accuracy(result, threshold)
    spent = metrics.events_to_accuracy(result, threshold)
    assert 1 <= time.value <= steps + 1
    assert time.crossed == spent.crossed == (metrics.peak_accuracy(result) >= threshold)
    assert 0 <= spent.value <= events.sum() * (1 + 1e-12)
    # keeping the best so far never costs more
    assert metrics.pareto_latency(result, frontier=True) <= metrics.pareto_latency(result) + 1e-9
    if accuracy.max() > 0:
        assert 0 <= metrics.pareto_latency(result, reference="peak") <= steps
    assert metrics.pareto_latency(result) <= steps + 1e-9
    # twice the work: twice the power, the same latency
    double = result_of(accuracy, 2 * events, ann=ann)
    assert metrics.pareto_power(double) == pytest.approx(2 * metrics.pareto_power(result), abs=1e-6)
    assert metrics.pareto_latency(double) == metrics.pareto_latency(result)


@given(curves=curves)
def test_a_higher_threshold_is_never_reached_earlier(curves):
    accuracy, events = map(np.array, zip(*curves, strict=True))
    result = result_of(accuracy, events)
    times = [metrics.time_to_accuracy(result, threshold).value for threshold in np.linspace(0, 1, 7)]
    assert times == sorted(times)


@pytest.fixture
def two_items():
    # margins of two classes: tanh(d / 2) for a difference of scores d
    difference = np.array([[0.0, 1.0, 3.0], [0.0, -2.0, -4.0]])
    logits = np.stack([difference, np.zeros_like(difference)], axis=2).astype(np.float32)
    events = np.array([[[0, 5], [0, 6], [0, 7]], [[0, 1], [0, 2], [0, 3]]])
    return xr.Dataset(
        {
            "logits": (("item", "time", "class"), logits),
            "item_events": (("item", "time", "layer"), events),
            "label": ("item", [0, 0]),
        }
    )


def test_confidence_cutoff_by_hand(two_items):
    # tanh(0.5) = 0.462, tanh(1) = 0.762, tanh(1.5) = 0.905, tanh(2) = 0.964
    found = metrics.confidence_cutoff(two_items, levels=[0, 0.4, 0.5, 0.95, 1.0])
    # level 0: both at step 1, tie means class 0; 0.4: both at step 2; 0.5: steps 3 and 2; 0.95: 3 (never) and 3; 1: never
    assert found["time"].values.tolist() == [1, 2, 2.5, 3, 3]
    assert found["events"].values.tolist() == [3, 7, (18 + 3) / 2, (18 + 6) / 2, 12]
    assert found["accuracy"].values.tolist() == [1, 0.5, 0.5, 0.5, 0.5]
    assert found["stopped"].values.tolist() == [1, 1, 1, 0.5, 0]


def test_confidence_cutoff_temperature_is_the_unit_of_the_scores(two_items):
    scaled = two_items.assign(logits=two_items["logits"] * 8)
    xr.testing.assert_equal(
        metrics.confidence_cutoff(scaled, temperature=8.0), metrics.confidence_cutoff(two_items, temperature=1.0)
    )


def test_confidence_cutoff_does_not_depend_on_chunks(monkeypatch):
    rng = np.random.default_rng(0)
    result = xr.Dataset(
        {
            "logits": (("item", "time", "class"), rng.normal(size=(7, 5, 3)).cumsum(1).astype(np.float32)),
            "item_events": (("item", "time", "layer"), rng.integers(0, 9, (7, 5, 2))),
            "label": ("item", rng.integers(0, 3, 7)),
        }
    )
    whole = metrics.confidence_cutoff(result)
    monkeypatch.setattr(metrics, "_CHUNK_BYTES", 1)
    xr.testing.assert_identical(metrics.confidence_cutoff(result), whole)
    assert (np.diff(whole["time"]) >= 0).all()
    assert (np.diff(whole["events"]) >= 0).all()
    assert (np.diff(whole["stopped"]) <= 0).all()


@pytest.mark.parametrize("missing", ["logits", "item_events"])
def test_confidence_cutoff_says_what_to_record(two_items, missing):
    with pytest.raises(InputError, match=r'record=\["logits", "events"\]'):
        metrics.confidence_cutoff(two_items.drop_vars(missing))


@pytest.mark.parametrize("options", [{"levels": []}, {"levels": [1.5]}, {"temperature": 0}, {"temperature": np.nan}])
def test_confidence_cutoff_refuses(two_items, options):
    with pytest.raises(InputError, match=r"`levels`|`temperature`"):
        metrics.confidence_cutoff(two_items, **options)
