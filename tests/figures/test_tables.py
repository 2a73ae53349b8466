"""Tables as text: the paper's numbers beside ours, in three formats."""

import io

import pandas as pd
import pytest

from snnviz import metrics
from snnviz.errors import InputError
from snnviz.figures import TABLES, Material, make_tables, table
from snnviz.figures.tables import text


def test_every_table_is_made(paper_material, tmp_path):
    made = make_tables(paper_material, tmp_path, formats=("md", "csv", "tex"))
    assert list(made) == list(TABLES)
    assert len(list(tmp_path.iterdir())) == 15


def test_csv_has_every_digit(paper_material):
    found = table("h", paper_material)
    rows = pd.read_csv(io.StringIO(text("h", found, "csv"))).set_index(["stage", "metric"])
    before = paper_material.results["before"]
    assert rows.loc[("before", "Pareto latency"), "ours"] == metrics.pareto_latency(before)
    assert rows.loc[("before", "Pareto latency"), "paper"] == 2.19


def test_markdown(paper_material):
    lines = text("g", table("g", paper_material), "md", paper_material.origin).splitlines()
    assert lines[0] == "**Table G. Sparsity before and after fine-tuning**"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0][:5] == ["model", "stage", "metric", "ours", "paper"]
    assert rows[2][2:5] == ["S_a", "0.620", "0.618"]
    assert rows[5][2:5] == ["S_a, all hidden layers", "0.500", "-"]
    assert len({len(row) for row in rows}) == 1
    assert paper_material.results["before"].attrs["network_hash"] in lines[-1]


def test_latex_is_escaped_and_balanced(paper_material):
    written = text("e", table("e", paper_material), "tex", "origin")
    assert written.startswith("% origin\n\\begin{table}")
    assert "98.00 & 98.00 & 0.00 & \\% &" in written
    assert text("g", table("g", paper_material), "tex").count("S\\_a") == 2
    assert written.count("\\begin") == written.count("\\end") == 2
    rows = [line for line in written.splitlines() if line.endswith("\\\\")]
    assert {line.count(" & ") for line in rows} == {7}


def test_table_a_has_ours_where_measured(paper_material):
    written = text("a", table("a", paper_material), "md")
    assert "| paper | SaRNN | 2.93 | 28.5 | 139 |" in written
    assert "| here | snnviz, event | 0.05 | - | - |" in written
    assert "here" not in text("a", table("a", Material()), "md")


def test_what_there_is_nothing_for(paper_material, tmp_path):
    assert list(make_tables(Material())) == ["a"]
    only_results = Material(results=paper_material.results)
    assert list(make_tables(only_results)) == ["a", "e", "f", "h"]
    assert table("f", only_results)["ours"].tolist() == [0.9836, 0.9836]
    with pytest.raises(InputError, match="'g', for which nothing is given"):
        make_tables(only_results, tmp_path, ["g"])
    with pytest.raises(InputError, match="`names`"):
        make_tables(only_results, names=["b"])
    with pytest.raises(InputError, match="`formats`"):
        make_tables(only_results, formats=["html"])
    assert not list(tmp_path.iterdir())


def test_models_of_your_own_have_rows_with_nothing_beside_them(paper_material):
    runs = {name: run.assign_attrs(model="mine", dataset="flowers") for name, run in paper_material.results.items()} | {
        "third": paper_material.results["after"].assign_attrs(model="mine", dataset="flowers", title="third")
    }
    found = table("e", Material(results=runs))
    assert set(found.index.droplevel("metric")) == {("mine", "before"), ("mine", "after"), ("third", "-")}
    goal = metrics.default_threshold(runs["before"])
    assert found.loc[("mine", "after", "threshold"), "ours"] == goal
    assert (
        found.loc[("mine", "after", "time to threshold"), "ours"] == metrics.time_to_accuracy(runs["after"], goal).value
    )
    assert found["paper"].isna().all()
    assert found.loc[("mine", "before", "events to threshold"), "unit"] == "events"
    assert table("h", Material(results=runs)).loc[
        ("mine", "before", "Pareto latency"), "ours"
    ] == metrics.pareto_latency(runs["before"])
    both = table("h", Material(results={**runs, "before": paper_material.results["before"]}))
    assert {"dense-mnist", "mine", "third"} == set(both.index.get_level_values("model"))
    assert "mine" in text("f", table("f", Material(results=runs)), "md")
