"""`snnviz hardware nir`."""

import itertools
import json

import numpy as np
import pytest

from snnviz import cli, load_network, pretrained

nir = pytest.importorskip("nir", reason="NIR is not installed: pip install 'snnviz[nir]'")


def test_there_and_back(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["hardware", "nir", "dense-mnist-optimized"]) == 0
    assert "dense1 (dense, 128)" in capsys.readouterr().out
    assert cli.main(["hardware", "nir", "dense-mnist-optimized.nir", "--out", "back.npz", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    expected = pretrained.network("dense-mnist-optimized").hash
    assert answer["hash"] == load_network("back.npz").hash == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.npz", "dense-mnist-optimized.nir"]


def test_a_graph_of_another_tool(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, graph = np.ones(2), tmp_path / "other.nir"
    nodes = {
        "input": nir.Input(np.array([4])),
        "a": nir.Linear(np.full((2, 4), 0.5)),
        "n": nir.IF(r=1e4 * one, v_threshold=one),
        "b": nir.Linear(np.ones((10, 2))),
        "output": nir.Output(np.array([10])),
    }
    nir.write(str(graph), nir.NIRGraph(nodes, list(itertools.pairwise(nodes))))
    assert cli.main(["hardware", "nir", "other.nir"]) == 2
    assert "`--dt` must be given" in capsys.readouterr().err
    assert cli.main(["hardware", "nir", "other.nir", "--dt", "1e-4"]) == 0
    assert "simulated with reset 'zero' and input 'analog'" in capsys.readouterr().out
    x = np.full((2, 4), 0.5, np.float32)
    np.savez(tmp_path / "data.npz", x_train=x, y_train=np.arange(2), x_test=x, y_test=np.arange(2))
    options = ["--data", "data.npz", "--steps", "2", "--json"]
    assert cli.main(["simulate", "other.npz", *options]) == 0
    assert "reset 'zero'" in json.loads(capsys.readouterr().out)["warnings"][1]
    assert cli.main(["simulate", "other.npz", "--reset", "zero", "--input", "analog", *options]) == 0
    assert not any("reset" in text for text in json.loads(capsys.readouterr().out)["warnings"])
    assert cli.main(["hardware", "nir", "dense-mnist-optimized", "--dt", "1"]) == 2
    assert "`--dt` is for a graph that is read" in capsys.readouterr().err


def test_for_one_tool(tmp_path, capsys, monkeypatch):
    from snnviz.hardware.nir import tools

    monkeypatch.chdir(tmp_path)
    assert cli.main(["hardware", "nir", "dense-mnist-heuristic"]) == 0
    assert "NIR has no words for initial potentials (0.5)" in capsys.readouterr().out
    assert cli.main(["hardware", "nir", "dense-mnist-heuristic", "--for", "norse"]) == 0
    assert "dense-mnist-heuristic_norse.py loads it" in capsys.readouterr().out
    assert (tmp_path / "dense-mnist-heuristic_norse.py").read_text() == tools.loader("norse")

    same = tools.LayerSpikes("input", 7, 7, None)
    other = tools.LayerSpikes("dense1", 7, 8, (0, 3, 5))
    answers = [tools.Agreement(4, 20, 4, (same, other)), tools.Agreement(4, 20, 4, (same, same))]
    monkeypatch.setattr(tools, "compare", lambda *_: answers.pop(0))
    command = ["hardware", "nir", "dense-mnist-heuristic", "--for", "norse", "--check", "--limit", "4"]
    assert cli.main(command) == 0
    text = capsys.readouterr().out
    assert "norse: 4 of 4 predictions after 20 steps are snnviz's" in text
    assert "item 0, step 3, neuron 5" in text
    assert "the rest is rounding" in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--for", "rockpool"], "`--for` must be one of 'sinabs'"),
        (["--check"], "`--check` needs --for"),
        (["--for", "norse", "--python", "python3"], "`--python` is for --check"),
        (["--for", "norse", "--check", "--python", "/no/python"], "`--python` must be a Python that runs norse"),
    ],
)
def test_mistakes(tmp_path, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["hardware", "nir", "dense-mnist-heuristic", *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
