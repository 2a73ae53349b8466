"""The study of searchers: every run a process, done once; figure and page from its files."""

import json

import pytest

from benchmarks import optimizers
from snnviz import pretrained

RUN = ["run", "--minutes", "0.25", "--seeds", "1", "--items", "300", "--methods", "cmaes", "percentile"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study of fifteen seconds a run, which hold the start of a process."""
    folder = tmp_path_factory.mktemp("study")
    optimizers.main([*RUN, "--folder", str(folder)])
    return folder


@pytest.mark.slow
def test_each_run_leaves_a_file_and_is_not_done_again(folder, capsys):
    files = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert set(files) == {"cmaes-0.json", "percentile-0.json"}
    optimizers.main([*RUN, "--folder", str(folder)])
    assert "0 of 2 runs to do" in capsys.readouterr().out
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == files
    run = json.loads((folder / "cmaes-0.json").read_text())
    assert run["settings"]["arguments"] == {"method": "cmaes"}
    assert run["history"]["stage"][0] == "start"
    assert run["network_hash"] == pretrained.card("dense-mnist-heuristic")["network_hash"]
    with pytest.raises(SystemExit, match="another study"):
        optimizers.main([*RUN, "--folder", str(folder), "--items", "301"])


@pytest.mark.slow
def test_the_page_is_filled_and_filled_again(folder, tmp_path):
    page, figure = tmp_path / "page.md", tmp_path / "images" / "searchers.png"
    page.write_text(f"# Before\n\n{optimizers.BEGIN}\nnothing yet\n{optimizers.END}\n\nafter\n")
    command = ["report", "--folder", str(folder), "--page", str(page), "--figure", str(figure)]
    optimizers.main(command)
    text = page.read_text()
    assert text.startswith("# Before")
    assert text.endswith("after\n")
    assert "nothing yet" not in text
    assert "![Best loss against minutes, by searcher](images/searchers.png)" in text
    assert "| cmaes | 1 |" in text
    assert figure.stat().st_size > 5000
    optimizers.main(command)
    assert page.read_text() == text


@pytest.mark.slow
def test_a_folder_without_runs_and_a_page_without_a_place(folder, tmp_path):
    with pytest.raises(SystemExit, match="no runs"):
        optimizers.main(["report", "--folder", str(tmp_path)])
    page = tmp_path / "page.md"
    page.write_text("# Nothing here\n")
    with pytest.raises(SystemExit, match="no place"):
        optimizers.main(
            ["report", "--folder", str(folder), "--page", str(page), "--figure", str(tmp_path / "figure.png")]
        )
    assert page.read_text() == "# Nothing here\n"


def test_every_seed_of_random_methods_and_one_of_the_others():
    runs = optimizers.runs(3, list(optimizers.METHODS))
    assert len(runs) == len(set(runs)) == 14
    assert [name for name, _ in runs[:6]] == list(optimizers.METHODS)
