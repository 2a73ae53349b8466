"""`snnviz figures` and `snnviz tables`."""

import json

import pytest

from snnviz import cli, results
from snnviz.figures import FIGURES
from tests.synthetic import dense_mnist


@pytest.fixture
def files(tmp_path):
    runs = [dense_mnist(title="before"), dense_mnist(title="after", fast=True)]
    return [str(results.save(run, tmp_path / f"{run.title}.nc")) for run in runs]


def test_figures_of_results(files, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["figures", "--run", *files, "--format", "svg,png", "--dpi", "40", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert f"{out}/figure-a.svg" in told
    assert "left out: raster, for there is a result without spikes" in told
    assert {file.name for file in out.glob("figure-*")} == {
        f"figure-{name}.{suffix}" for name in "a5" for suffix in ("svg", "png", "csv", "txt")
    }


def test_one_figure_in_one_format(files, tmp_path, capsys):
    words = ["figures", "--run", *files, "--names", "figure-a", "--format", "pdf", "--width", "double", "--json"]
    assert cli.main([*words, "--out", str(tmp_path / "out")]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert list(answer["files"]) == ["figure-a"]
    assert answer["left_out"] == {}
    assert "before: network 0000" in answer["origin"]


@pytest.mark.parametrize("option", ["--history", "--grid"])
def test_a_table_without_its_columns_is_refused_before_anything_is_drawn(files, tmp_path, capsys, option):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    out = tmp_path / "out"
    assert cli.main(["figures", "--run", *files, option, str(tmp_path / "bad.csv"), "--out", str(out)]) == 2
    assert f"`{option}` must have rows and columns" in capsys.readouterr().err
    assert not list(out.glob("*"))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--names", "raster"],
            "`--names` must be of figures that can be drawn. Received: 'raster', but there is a result",
        ),
        (
            ["--names", "figure-a", "--animate", "gif"],
            "firing_names)` and their images, or of an event camera. Received: some where there is a result without spikes",
        ),
        (
            ["--animate", "gif,mp5"],
            "`--animate` must be one of 'gif', 'mp4', 'webm'. Received: 'mp5'",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_before_anything_is(words, told, files, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["figures", "--run", *files, *words, "--out", str(out)]) == 2
    assert told in capsys.readouterr().err
    assert not out.exists()


def test_what_no_shipped_model_can_show_is_refused_before_it_is_simulated(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["figures", "--names", "figure-a", "exit-steps", "--json"]) == 2
    error = json.loads(capsys.readouterr().err)["error"]  # one object: nothing was said before it
    assert "'exit-steps', but there is a result without exit_step" in error


def test_list_of_figures(capsys):
    assert cli.main(["figures", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(FIGURES)


def test_tables_of_results(files, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["tables", "--run", *files, "--format", "tex", "--out", str(out)]) == 0
    told = capsys.readouterr().out
    assert "| dense-mnist | before | time to threshold | 13 | 12 | +1 |" in told
    assert sorted(file.name for file in out.iterdir()) == [f"table-{name}.tex" for name in "aefh"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["figures", "--names", "figure-z"], "--names"),
        (["figures", "--format", "jpg"], "--format"),
        (["figures", "--width", "wide"], "--width"),
        (["figures", "--dpi", "1"], "--dpi"),
        (["figures", "--limit", "0"], "--limit"),
        (["figures", "--model", "resnet"], "dense-mnist"),
        (["tables", "--model", "dense-mnist", "resnet"], "dense-mnist"),
        (["reproduce", "resnet"], "dense-mnist"),
        (["reproduce", "--limit", "0"], "--limit"),
        (["figures", "--network", "x.npz"], "--network"),
        (["figures", "--run", "no.nc"], "not a file"),
        (["figures", "--run", "no.nc", "--limit", "3"], "--limit"),
        (["figures", "--model", ""], "--model"),
        (["figures", "--width", "0"], "--width"),
        (["figures", "--run", "no.nc", "--model", "dense-mnist"], "`--model` must come without --run"),
        (["tables", "--names", "b"], "--names"),
        (["tables", "--format", "html"], "--format"),
        (["tables", "--run", "no.nc", "--benchmarks", "no.json"], "not a file"),
    ],
)
def test_mistakes_are_one_line(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(words) == 2
    told = capsys.readouterr().err
    assert message in told
    assert told.count("\n") == 1
    assert not list(tmp_path.iterdir())
