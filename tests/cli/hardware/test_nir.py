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
