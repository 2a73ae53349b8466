"""Intervals over items: against formulas, against the delta method, and on samples of a known truth."""

import numpy as np
import pytest

from snnviz import metrics, uncertainty
from snnviz.errors import InputError
from tests.synthetic import result_of


def recorded(right, events=None, **attrs):
    """A result of items that are right (class 0) or wrong after each step, (items, steps) of truth."""
    right = np.asarray(right)
    count, steps = right.shape
    spent = np.full((count, steps), 100) if events is None else np.asarray(events)
    made = result_of(right.mean(axis=0), spent.mean(axis=0), **attrs)
    made = made.drop_dims("item") if "item" in made.dims else made
    layers = made.sizes["layer"]
    each = np.zeros((count, steps, layers), np.int64)
    each[..., -1] = spent
    made = made.assign(
        prediction=(("item", "time"), np.where(right, 0, 1)), label=("item", np.zeros(count, int)),
        item_events=(("item", "time", "layer"), each),
    )  # fmt: skip
    made.attrs |= {"items": count, "dataset": "mine", "ann_accuracy": 0.95} | attrs
    return made


@pytest.fixture(scope="module")
def pair():
    """Two networks on the same 2000 items; the second is right wherever the first is, and a little more often."""
    random = np.random.default_rng(0)
    ease = random.random((2000, 1))
    first = ease < np.linspace(0.6, 0.9, 8)
    second = ease < np.linspace(0.7, 0.91, 8)
    events = random.integers(50, 150, (2000, 8))
    return {"a": recorded(first, events), "b": recorded(second, events)}


def test_wilsons_interval():
    result = recorded(np.array([[True]] * 90 + [[False]] * 10))
    low, high = uncertainty.accuracy_interval(result)
    assert (low[0], high[0]) == pytest.approx((0.8256, 0.9448), abs=1e-4), (
        "Wilson's for 90 of 100, from a textbook's table"
    )
    assert uncertainty.accuracy_interval(recorded(np.ones((50, 1), bool)))[1, 0] == 1.0
    narrow, wide = (np.diff(uncertainty.accuracy_interval(result, level), axis=0)[0, 0] for level in (0.5, 0.99))
    assert narrow < wide


def test_the_bootstrap_agrees_with_the_delta_method(pair):
    """To first order an item adds to a Pareto metric what the derivative says; both ways give the same intervals."""
    table = uncertainty.intervals(pair, draws=2000).set_index(["run", "figure"])
    target = 0.95
    influence = {}
    for name, result in pair.items():
        right = (result["prediction"].values == 0).astype(float)
        spent = result["item_events"].sum("layer").values
        accuracy, mean = right.mean(axis=0), spent.mean(axis=0)
        influence[name, "pareto_latency"] = -right.sum(axis=1) / target
        influence[name, "pareto_power"] = ((1 - accuracy / target) * spent - right * mean / target).sum(axis=1)
    count = 2000
    for (name, figure), values in influence.items():
        row = table.loc[(name, figure)]
        half = 1.96 * values.std() / np.sqrt(count)
        assert (row.high - row.low) / 2 == pytest.approx(half, rel=0.08), (name, figure)
        assert row.low < row.value < row.high
    gap = influence["b", "pareto_latency"] - influence["a", "pareto_latency"]
    row = table.loc[("b", "pareto_latency")]
    paired = (row.difference_high - row.difference_low) / 2
    assert paired == pytest.approx(1.96 * gap.std() / np.sqrt(count), rel=0.08)
    assert paired < 0.6 * (row.high - row.low) / 2, "on the same items differences are better known than either figure"
    assert row.difference_high < 0


def test_values_are_those_of_the_metrics_and_draws_are_seeded(pair):
    once, again, other = (uncertainty.intervals(pair, draws=50, seed=seed) for seed in (1, 1, 2))
    assert once.equals(again)
    assert not once.equals(other)
    value = once.set_index(["run", "figure"])["value"]
    assert value["a", "pareto_power"] == metrics.pareto_power(pair["a"])
    assert value["b", "peak_accuracy"] == metrics.peak_accuracy(pair["b"])
    assert np.isnan(once["difference"][:3]).all()


def test_draws_that_do_not_fit_at_once_are_the_same(pair, monkeypatch):
    whole = uncertainty.intervals(pair, draws=20)
    monkeypatch.setattr(uncertainty, "_CHUNK_BYTES", 8 * 2000 * 3)
    assert uncertainty.intervals(pair, draws=20).equals(whole)


def test_other_items_are_not_paired(pair):
    elsewhere = pair["b"].assign_attrs(dataset="another")
    table = uncertainty.intervals({"a": pair["a"], "b": elsewhere}, draws=20)
    assert np.isnan(table["difference"]).all()
    with pytest.raises(InputError, match="answers to each item"):
        uncertainty.intervals(pair["a"].drop_vars("prediction"))


def test_what_a_budget_buys(pair):
    told = uncertainty.within_budget(pair, 3)
    assert told["run"].tolist() == ["b", "a"]
    assert told["time"].tolist() == [3, 3]
    assert told["accuracy"][0] == pair["b"]["accuracy"].values[2]
    gap = told["behind"][1]
    assert gap == pytest.approx(told["accuracy"][0] - told["accuracy"][1])
    assert told["behind_low"][1] > 0
    spent = metrics.events_per_step(pair["a"]).cumsum()
    by_events = uncertainty.within_budget(pair, spent[4], "events")
    assert by_events["time"].tolist() == [5, 5]
    by_energy = uncertainty.within_budget(pair, float(by_events["joules"][0]), "joules")
    assert by_energy["time"].tolist() == [5, 5]
    none = uncertainty.within_budget(pair, spent[0] / 2, "events")
    assert none["time"].tolist() == [0, 0]
    assert np.isnan(none["accuracy"]).all()
    with pytest.raises(InputError, match="`unit` must be one of"):
        uncertainty.within_budget(pair, 3, "volts")


def test_few_items_are_said_and_many_are_not(pair):
    few = {name: recorded(result["prediction"].values[:40] == 0) for name, result in pair.items()}
    assert "cannot be told from" in uncertainty.caution(few)
    assert "40 items" in uncertainty.caution(few)
    sure = {"a": recorded(np.ones((20000, 2), bool)), "b": recorded(np.zeros((20000, 2), bool))}
    assert uncertainty.caution(sure) == ""


def test_one_reference_for_all(pair):
    assert uncertainty.common_reference({"a": pair["a"], "b": pair["b"].assign_attrs(ann_accuracy=0.97)}) == 0.97
