"""The paper's tables beside ours."""

import numpy as np
import pytest

from snnviz import metrics, pretrained, reports
from snnviz.errors import InputError
from tests.synthetic import dense_mnist, result_of


@pytest.fixture
def runs():
    return {"before": dense_mnist(title="before"), "after": dense_mnist(title="after", fast=True)}


def test_published_numbers():
    paper = reports.PAPER
    assert paper["dense-mnist", "before", "events to threshold"].value == 1.75e7
    assert paper["conv-cifar10", "before", "time to threshold"] == reports.Published(1001, "time steps", crossed=False)
    assert not paper["conv-cifar100", "before", "events to threshold"].crossed
    assert paper["conv-cifar10", "after", "time to threshold"].crossed
    assert paper["dense-mnist", "after", "Pareto latency"].remark == reports.TYPO
    assert paper["dense-mnist", "before", "Pareto latency"].remark == ""
    assert "136,719 per item" in paper["dense-mnist", "before", "events to threshold"].remark
    assert ("dense-mnist", "before", "ANN top-5 accuracy") not in paper
    assert len(paper) == 4 * 2 * 10 + 2
    # S_c follows from S_a and S_w, to the rounding of three digits
    for model in reports.MODELS:
        for stage in reports.STAGES:
            s_a, s_w, s_c = (paper[model, stage, name].value for name in ("S_a", "S_w", "S_c"))
            assert s_c == pytest.approx(1 - (1 - s_a) * (1 - s_w), abs=0.0015)


def test_comparison(runs):
    table = reports.comparison("dense-mnist", runs)
    latency = table.loc[("before", "Pareto latency")]
    assert latency["ours"] == metrics.pareto_latency(runs["before"])
    assert latency["difference"] == pytest.approx(latency["ours"] - 2.19)
    power = table.loc[("before", "Pareto power")]
    assert power["paper"] == 3.14e6
    assert np.isnan(power["difference"]), "published events are not per item"
    assert table.loc[("after", "threshold"), "ours"] == 0.9797
    assert table.loc[("after", "time to threshold"), "paper"] == 3
    assert np.isnan(table.loc[("before", "events in all steps"), "paper"])


def test_comparison_at_another_threshold_leaves_the_papers_out(runs):
    table = reports.comparison("dense-mnist", runs, threshold=0.5)
    assert np.isnan(table.loc[("before", "time to threshold"), "paper"])
    assert table.loc[("before", "peak accuracy"), "paper"] == 0.9832


def test_tables(runs):
    entries = {("dense-mnist", stage): result for stage, result in runs.items()}
    e = reports.table_e(entries)
    assert e.index.get_level_values("metric").unique().tolist() == [
        "threshold",
        "time to threshold",
        "events to threshold",
        "events to threshold, counted as published",
    ]
    assert e.loc[("dense-mnist", "after", "time to threshold"), "difference"] == (
        metrics.time_to_accuracy(runs["after"], 0.9797).value - 3
    )
    missed = reports.table_e(entries, {("dense-mnist", "before"): 0.99})
    assert "never crossed" in missed.loc[("dense-mnist", "before", "time to threshold"), "note"]
    f = reports.table_f(entries)
    assert f.loc[("dense-mnist", "before", "ANN accuracy"), "difference"] == pytest.approx(0.9836 - 0.9836)
    h = reports.table_h(entries)
    assert h.index.get_level_values("metric").unique().tolist() == [
        "peak accuracy",
        "Pareto latency",
        "Pareto power",
        "Pareto power, counted as published",
    ]
    g = reports.table_g({("conv-mnist", "after"): {"S_a": 0.9, "S_w": 0.8, "S_c": 0.98}})
    assert g.loc[("conv-mnist", "after", "S_a"), "difference"] == pytest.approx(0.9 - 0.959)


def test_events_counted_as_published(runs):
    power = reports.table_h({("dense-mnist", "before"): runs["before"]})["ours"].loc["dense-mnist", "before"]
    # every layer of this model is dense
    assert power["Pareto power, counted as published"] == pytest.approx(128 * power["Pareto power"])
    accuracy, events = [0.5, 0.7, 0.9], [[100.0, 7.0, 3.0], [200.0, 9.0, 5.0], [300.0, 11.0, 7.0]]
    conv = result_of(accuracy, events, layers=["conv", "hidden", "out"], ann=0.9)
    expected = [0.0, 100 + 128 * 10, 200 + 128 * 14, 300 + 128 * 18]
    counted = reports.published_count("conv-mnist", conv)
    assert metrics.events_per_step(counted).tolist() == expected[1:]
    table = reports.table_h({("conv-mnist", "after"): conv})
    row = table.loc[("conv-mnist", "after", "Pareto power, counted as published")]
    assert row["ours"] == pytest.approx(sum((0.9 - a) * e / 0.9 for a, e in zip(accuracy, expected[1:], strict=True)))
    assert row["difference"] == row["ours"] - 1.51e5
    assert np.isnan(table.loc[("conv-mnist", "after", "Pareto power"), "difference"])
    with pytest.raises(InputError, match="more than 3 layers"):
        reports.published_count("dense-mnist", result_of([0.5], [1], layers=["out"]))


def test_a_network_that_is_no_longer_its_classifier_is_measured_against_both():
    accuracy, events = [0.5, 0.7, 0.9], [[100.0, 7.0, 3.0], [200.0, 9.0, 5.0], [300.0, 11.0, 7.0]]
    learned = result_of(accuracy, events, layers=["conv", "hidden", "out"], ann=0.9)
    learned = learned.assign_attrs(items=10_000)
    key = ("conv-mnist", "after")
    table = reports.table_h({key: learned}, {key: 0.8}).loc[key]
    against = ", against the classifier converted"
    shortfalls = [(0.8 - a) / 0.8 for a in accuracy]
    per_step = [110, 214, 318]
    assert table.loc[f"Pareto latency{against}", "ours"] == pytest.approx(sum(shortfalls))
    power = sum(s * e for s, e in zip(shortfalls, per_step, strict=True))
    assert table.loc[f"Pareto power{against}", "ours"] == pytest.approx(power)
    counted = sum(s * e for s, e in zip(shortfalls, [1380, 1992, 2604], strict=True))
    assert table.loc[f"Pareto power{against}, counted as published", "ours"] == pytest.approx(counted)
    assert table.loc[f"Pareto latency{against}", "paper"] == 0.12
    assert table.loc["Pareto latency", "ours"] > table.loc[f"Pareto latency{against}", "ours"]
    for few, classifier in ((10_000, 0.9), (10_000, 0.893), (40, 0.8)):  # three standard errors are 0.009 and 0.19
        same = reports.table_h({key: learned.assign_attrs(items=few)}, {key: classifier})
        assert not any(against in metric for *_, metric in same.index)


def test_table_a():
    table = reports.table_a({("snnviz event", "dense-mnist"): 0.1})
    assert table.loc[("paper", "SaRNN"), "dense-mnist"] == 2.93
    assert table.loc[("here", "snnviz event"), "dense-mnist"] == 0.1
    assert np.isnan(table.loc[("here", "snnviz event"), "conv-mnist"])
    assert table.index.get_level_values("measured").tolist() == ["paper"] * 3 + ["here"]


def test_unknown_names_are_refused(runs):
    with pytest.raises(InputError, match="`model`"):
        reports.comparison("resnet", runs)
    with pytest.raises(InputError, match="`stage`"):
        reports.table_h({("dense-mnist", "later"): runs["before"]})
    with pytest.raises(InputError, match="`stage`"):
        reports.paper_threshold("dense-mnist", "later")
    with pytest.raises(InputError, match="`sparsity`"):
        reports.table_g({("dense-mnist", "before"): {"S_x": 0.1}})
    with pytest.raises(InputError, match="at least one"):
        reports.table_h({})


def test_a_result_is_recognised_by_what_it_says_or_by_its_neurons(runs):
    known = runs["before"]
    assert reports.paper_model(known) == "dense-mnist"
    assert reports.paper_model(known.assign_attrs(model="dense-mnist")) == "dense-mnist"
    assert reports.paper_model(known.assign_attrs(model="my own")) is None
    assert reports.paper_model(known.assign_attrs(dataset="fashion_mnist")) is None
    assert reports.paper_model(result_of([0.5], [1], dataset="mnist")) is None
    assert reports.paper_model(result_of([0.5], [1])) is None


def test_a_variant_of_a_model_stands_beside_the_same_numbers_under_its_own_name(runs):
    variant = dense_mnist(model="conv-mnist-levels")
    assert reports.paper_model(variant) == "conv-mnist-levels"
    assert reports.paper_threshold("conv-mnist-levels") == reports.paper_threshold("conv-mnist") == 0.99
    rows = [
        reports.table_h({(model, "after"): variant})["paper"].loc[model]
        for model in ("conv-mnist", "conv-mnist-levels")
    ]
    assert rows[0].equals(rows[1])
    assert (
        rows[0]["after", "Pareto latency"] == reports.paper_counterpart("conv-mnist", "after")["Pareto latency"].value
    )
    assert reports.VARIANTS.keys() <= pretrained.CHAINS.keys()


def test_readable_tables_hold_the_same_numbers(runs):
    table = reports.comparison("dense-mnist", {"before": runs["before"]})
    text = reports.readable(table)
    assert len(text) == len(table)
    peak = text.set_index("metric").loc["peak accuracy"]
    assert float(peak["ours"]) == pytest.approx(100 * table.loc[("before", "peak accuracy"), "ours"], abs=0.005)
    assert peak["paper"] == "98.32"
    assert peak["unit"] == "%"
    assert text.set_index("metric").loc["events in all steps", "paper"] == "-"
