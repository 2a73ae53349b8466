"""Finding runs by words and comparisons, and which settings made the difference."""

import numpy as np
import pandas as pd
import pytest

from snnviz.errors import InputError
from snnviz.runs import Run, importance, matching, settings_table


def made(name, kind="simulate", **known):
    return Run(id=f"{name}-id", name=name, kind=kind, status="FINISHED", started=0.0, **known)


RUNS = [
    made("slow baseline", params={"steps": "50", "engine": "graph"}, metrics={"peak_accuracy": 0.98}),
    made("quick", params={"steps": "8", "engine": "event"}, metrics={"peak_accuracy": 0.99},
         tags={"snnviz.labels": "paper,best", "mlflow.note.content": "for Figure 5"}),
    made("sparse", kind="finetune", params={"lambda_a": "0.5"}, metrics={"steps": 3.0}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["slow baseline", "quick", "sparse"]),
        ("QUICK", ["quick"]),
        ("paper best", ["quick"]),
        ("'figure 5'", ["quick"]),
        ("finetune", ["sparse"]),
        ("graph", ["slow baseline"]),
        ("peak_accuracy>0.98", ["quick"]),
        ("peak_accuracy>=0.98 steps<20", ["quick"]),
        ("steps=8.0", ["quick"]),
        ("steps=3", ["sparse"]),
        ("params.steps=3", []),
        ("engine!=event", ["slow baseline"]),
        ("loss<1", []),
    ],
)
def test_what_a_search_finds(query, names):
    assert [run.name for run in matching(RUNS, query)] == names


@pytest.mark.parametrize(("query", "why"), [("'open", "close each quote"), ("steps<many", "compare numbers by <")])
def test_what_it_refuses(query, why):
    with pytest.raises(InputError, match=why):
        matching(RUNS, query)


def test_the_table_of_settings_holds_those_that_differ():
    table = settings_table(RUNS, "peak_accuracy")
    assert list(table) == ["run", "engine", "steps", "peak_accuracy"]
    assert table["steps"].tolist() == [50.0, 8.0]
    with pytest.raises(InputError, match="one that a run has"):
        settings_table(RUNS, "loss")


def test_the_setting_that_decides_is_the_most_important():
    random = np.random.default_rng(0)
    table = pd.DataFrame({"a": random.random(40), "b": random.random(40), "c": random.choice(["x", "y"], 40)})
    table["accuracy"] = 0.9 + 0.09 * table["b"]
    for high in (True, False):
        found = importance(table, "accuracy", high=high)
        assert found["setting"][0] == "b"
        assert found["importance"].sum() == pytest.approx(1)
        assert found["importance"][0] > 0.6
    with pytest.raises(InputError, match="4 runs or more"):
        importance(table[:3], "accuracy")
    with pytest.raises(InputError, match="a setting that differs"):
        importance(table.assign(a=1, b=1, c="x"), "accuracy")
