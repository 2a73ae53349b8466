"""What searches and comparisons leave: Pareto fronts, histories, scales, pruning, grids."""

import io

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from snnviz import metrics, plots, uncertainty
from snnviz.errors import InputError
from snnviz.plots._layer_graph import _lanes
from snnviz.plots._scatter import AXES, front_line, on_front
from tests.parity.networks import KINDS, residual
from tests.synthetic import dense_mnist


def test_pareto_front_of_results(before, after):
    data = plots.pareto_front_data({"b": before, "a": after}).set_index("run")
    assert data.loc["b", "pareto_latency"] == metrics.pareto_latency(before)
    assert data.loc["a", "pareto_power"] == metrics.pareto_power(after)
    assert data.loc["a", "peak_accuracy"] == metrics.peak_accuracy(after)
    assert data["on_front"].to_dict() == {"b": False, "a": True}


def test_pareto_front_of_a_table(before, after):
    table = plots.pareto_front_data([before, after])
    again = plots.pareto_front_data(table.assign(more=1))
    assert again.equals(table)


def test_pareto_front_has_the_intervals_of_the_items():
    answers = np.random.default_rng(0).integers(0, 3, (8, 50))
    runs = {"one": dense_mnist().assign(prediction=(("item", "time"), answers)), "two": dense_mnist(fast=True)}
    data = plots.pareto_front_data(runs, intervals=True).set_index("run")
    told = uncertainty.intervals({"one": runs["one"]}).set_index("figure")
    assert data.loc["one", "pareto_power_low"] == told.loc["pareto_power", "low"]
    assert data.loc["two"].filter(like="_high").isna().all(), "no predictions, no interval"
    assert plots.pareto_front_data(data.reset_index()).equals(data.reset_index()), "as a table"
    drawn = [each for each in plots.pareto_front(runs, intervals=True) if isinstance(each, hv.Segments)]
    assert [len(each) for each in drawn] == [2], "one bar along each axis, of the run that has predictions"
    assert not [each for each in plots.pareto_front(runs) if isinstance(each, hv.Segments)]


def test_names_of_the_front_keep_clear_of_each_others_bars():
    wide = {"peak_accuracy": 0.01, "pareto_latency": 0.4, "pareto_power": 500.0}
    table = pd.DataFrame(
        {"run": ["a", "b"], "peak_accuracy": [0.99, 0.98], "pareto_latency": [0.02, 0.03], "pareto_power": [90.0, 80.0]}
    )
    table = table.assign(**{f"{name}_low": table[name] - by for name, by in wide.items()})
    table = table.assign(**{f"{name}_high": table[name] + by for name, by in wide.items()})
    sides = {
        text: hv.Store.lookup_options("bokeh", each, "style").kwargs["text_align"]
        for each in plots.pareto_front(table, intervals=True)
        if isinstance(each, hv.Labels)
        for text in each["text"]
    }
    assert sides["a"] == "right", "its words end at it, away from the other's"
    assert sides["b"] == "left"


def test_parallel_coordinates_put_each_value_between_the_ends_of_its_axis():
    table = pd.DataFrame(
        {"run": ["x", "y", "z"], "steps": [10.0, 20.0, 50.0], "method": ["b", "a", "b"], "accuracy": [0.5, 0.5, 0.5]}
    )
    data = plots.parallel_coordinates_data(table, "accuracy").set_index(["axis", "run"])["place"]
    assert data["steps"].tolist() == [0.0, 0.25, 1.0]
    assert data["method"].tolist() == [1.0, 0.0, 1.0]
    assert data["accuracy"].tolist() == [0.5, 0.5, 0.5], "the same of all"
    with pytest.raises(InputError, match="column of numbers"):
        plots.parallel_coordinates(table, "method")
    with pytest.raises(InputError, match=r"a setting beside 'accuracy'\. Received: run, accuracy"):
        plots.parallel_coordinates(table[["run", "accuracy"]], "accuracy")


def test_the_front_is_what_nothing_dominates():
    costs = np.array([[1, 1, 1], [1, 1, 1], [0, 2, 1], [2, 2, 2], [np.nan, 0, 0], [1, 1, 0.5]])
    assert on_front(costs).tolist() == [False, False, True, False, False, True]
    rng = np.random.default_rng(0)
    costs = rng.integers(0, 5, (40, 3)).astype(float)
    by_hand = [not any(all(o <= c) and any(o < c) for o in costs) for c in costs]
    assert on_front(costs).tolist() == by_hand


def test_the_line_of_the_front_is_a_staircase():
    data = pd.DataFrame({"pareto_latency": [1.0, 2.0, 3.0], "peak_accuracy": [90.0, 89.0, 95.0]})
    line = front_line(data, AXES["latency"], AXES["accuracy"], "#000000")
    assert line.array().tolist() == [[1, 90], [3, 90], [3, 95]]


def test_history(history):
    data = plots.optimization_history_data(history)
    assert data["best_loss"].tolist() == [4, 4, 3, 3, 3]
    assert data["best_accuracy_term"].tolist() == [2, 2, 1.5, 1.5, 1.5]
    terms = data[["best_accuracy_term", "best_latency_term", "best_power_term"]].sum(axis=1)
    assert np.allclose(terms, data["best_loss"])
    assert data["seconds"].tolist() == history["seconds"].tolist()


def test_evaluations(history):
    data = plots.evaluations_data(history)
    assert data["is_start"].tolist() == [True, False, False, False, False]
    assert data["is_best"].tolist() == [False, False, True, False, False]
    assert data["on_front"].tolist() == [False, False, True, True, True]


def test_a_real_history_is_drawn(network, images):
    from snnviz.optimization import optimize

    labels = np.arange(len(images)) % 3
    found = optimize(
        network, images, labels, method="percentile", per="layer", steps=6, lambdas=(1, 1, 1), budget_evaluations=4,
        progress=False,
    )  # fmt: skip
    data = plots.optimization_history_data(found.history)
    assert data["best_loss"].iloc[-1] == pytest.approx(found.objective.loss(found.best))
    assert plots.evaluations_data(found.history)["peak_accuracy"].iloc[0] == found.start.peak_accuracy
    plots.scales(network, found.network)


def test_scales_are_found_again(network, scaled):
    data = plots.scales_data(network, scaled)
    expected = [0.5, 2.0, 1.25, 4.0, *[0.75] * 4, *np.linspace(0.5, 3.0, 8), *[2.0] * 3]
    # pool is depthwise: its scales stand beside those of the layer before
    assert data["layer"].tolist() == ["conv"] * 4 + ["pool"] * 4 + ["hidden"] * 8 + ["classifier"] * 3
    assert np.allclose(data["scale"], expected, rtol=1e-5)
    assert np.allclose(plots.scales_data(network, network)["scale"], 1)


def test_scales_of_another_network_are_refused(network, scaled):
    from dataclasses import replace

    first = scaled.layers[0]
    other = replace(first, weights=first.weights + 0.5)
    with pytest.raises(InputError, match="but for positive scales"):
        plots.scales(network, replace(scaled, layers=(other, *scaled.layers[1:])))
    flipped = replace(first, weights=-first.weights)
    with pytest.raises(InputError, match="but for positive scales"):
        plots.scales(network, replace(scaled, layers=(flipped, *scaled.layers[1:])))
    with pytest.raises(InputError, match="different shapes"):
        plots.scales(network, replace(scaled, layers=scaled.layers[2:], input=replace(scaled.input, shape=(2, 2, 4))))
    with pytest.raises(InputError, match="`after` must be a SpikingNetwork"):
        plots.scales(network, 3)


def test_pruning_curve(pruned):
    data = plots.pruning_curve_data({"one": pruned, "two": pd.DataFrame(pruned)[::-1]})
    assert data["model"].tolist() == ["one"] * 3 + ["two"] * 3
    assert data["epsilon"].tolist() == [0, 1e-3, 1e-1] * 2
    assert data[["low", "high"]].isna().all(axis=None), "nothing says on how many items these were measured"
    measured = plots.pruning_curve_data([point | {"items": 200} for point in pruned])
    assert np.array_equal(measured[["low", "high"]].T, uncertainty.wilson(measured["accuracy"].to_numpy(), 200))
    for curve, shades in ((pruned, 0), ([point | {"items": 200} for point in pruned], 1)):
        assert len(plots.pruning_curve(curve).traverse(lambda e: e, ["Area"])) == shades
    words = plots.pruning_curve(pruned, chosen=0.1).traverse(lambda e: e, ["Labels"])
    assert [label.dimension_values("text").tolist() for label in words] == [["ε = 0.1"]]


def test_lambda_grid(grid):
    data = plots.lambda_grid_data(grid)
    assert len(data) == 4
    assert data.loc[(data["lambda_a"] == 2) & (data["lambda_w"] == 20), "value"].item() == pytest.approx(0.96)


def test_layer_graph(network, recorded):
    data = plots.layer_graph_data(network, recorded).set_index("layer")
    assert data["kind"].tolist() == ["input", "convolution", "average pooling", "dense", "dense"]
    assert data.loc["conv", ["shape", "neurons", "synapses"]].tolist() == ["4 × 4 × 4", 64, 4 * 4 * 9 * 4]
    assert data.loc["hidden", "nonzero"] == int((network.layers[2].weights != 0).sum())
    assert data["event_share"].sum() == pytest.approx(1)
    assert data.loc["conv", "events"] == pytest.approx(float(recorded["synaptic_events"].sel(layer="conv").sum()))
    assert data["sources"].tolist() == ["", *data.index[:-1]]
    alone = plots.layer_graph_data(network)
    assert alone["spike_rate"].isna().all()


def test_a_file_of_many_layers_is_high_enough_for_their_words():
    deep = KINDS["deep"](1)  # eight rows
    sizes = []
    for height in (None, 2.0, 9.0):
        image = Image.open(io.BytesIO(plots.render(plots.layer_graph(deep), "png", height=height, dpi=50)))
        sizes.append(image.height / 50)
    assert sizes == pytest.approx([0.43 * 8 + 0.3, 0.43 * 8 + 0.3, 9.0], abs=0.03)


def test_the_layer_graph_shows_what_passes_layers_by():
    network = residual(1)
    data = plots.layer_graph_data(network).set_index("layer")
    assert data.loc["one", ["kind", "sources"]].tolist() == ["sum", "first, stem"]
    path, graph = (plots.layer_graph(each).get(0) for each in (KINDS["deep"](1), network))
    assert len(path) == 7
    assert len(graph) == 7 + 2 * 3  # two shortcuts, of three lines each


def test_lanes_beside_the_layers_never_overlap():
    edges = [(0, 2), (0, 4), (1, 3), (2, 4), (5, 7), (0, 7)]
    found = _lanes(edges)
    assert sorted(edge for _, edge in found) == sorted(edges)
    for place, (lane, (a, b)) in enumerate(found):
        for other, (c, d) in found[:place]:
            assert lane != other or b <= c or d <= a
    assert (0, (5, 7)) in found


def test_accuracy_cost(before, after):
    data = plots.accuracy_cost_data({"before": before, "after": after})
    assert list(data.columns) == ["run", "time", "step_events", "cumulative_events", "accuracy", "low", "high", "items"]
    assert len(plots.accuracy_cost([before, after])) == 2


def test_wrong_arguments_are_refused(before, history, pruned, grid, network):
    cases = {
        "`results` as|`results` must have": lambda: plots.pareto_front(pd.DataFrame({"run": [1]})),
        "`x`": lambda: plots.pareto_front(before, x="energy"),
        "`y` must differ": lambda: plots.evaluations(history, x="power", y="power"),
        "`history` must be a table": lambda: plots.evaluations(3),
        "`history` must have rows": lambda: plots.optimization_history(history.drop(columns="loss")),
        "`history` must have the column seconds": lambda: plots.optimization_history(
            history.drop(columns="seconds"), x="seconds"
        ),
        "`curves` must": lambda: plots.pruning_curve([]),
        "`curves` must hold": lambda: plots.pruning_curve({}),
        "`table` must": lambda: plots.lambda_grid(grid, "accuracy"),
        "`best`": lambda: plots.lambda_grid(grid, best="least"),
        "`network`": lambda: plots.layer_graph(3),
        "`result` must be of this network": lambda: plots.layer_graph(network, before),
    }
    for message, draw in cases.items():
        with pytest.raises(InputError, match=message):
            draw()
