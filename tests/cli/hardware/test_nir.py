"""`snnviz hardware nir`."""

import json

import pytest

from snnviz import cli, load_network, pretrained

pytest.importorskip("nir", reason="NIR is not installed: pip install 'snnviz[nir]'")


def test_there_and_back(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["hardware", "nir", "dense-mnist-optimized"]) == 0
    assert "dense1 (dense, 128)" in capsys.readouterr().out
    assert cli.main(["hardware", "nir", "dense-mnist-optimized.nir", "--out", "back.npz", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    expected = pretrained.network("dense-mnist-optimized").hash
    assert answer["hash"] == load_network("back.npz").hash == expected
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.npz", "dense-mnist-optimized.nir"]
