"""`snnviz check`."""

import json

import keras
from keras import layers as L

from snnviz.cli import main


def test_every_problem_is_listed(tmp_path, capsys) -> None:
    path = tmp_path / "m.keras"
    layers = [L.Conv2D(2, 3, activation="tanh"), L.MaxPooling2D(), L.Flatten(), L.Dense(3)]
    keras.Sequential([keras.Input((8, 8, 1)), *layers]).save(path)
    assert main(["check", str(path), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert not answer["convertible"]
    assert [problem["kind"] for problem in answer["problems"]] == ["Conv2D", "MaxPooling2D"]
    assert main(["check", str(path)]) == 0
    assert "for 2 reasons" in capsys.readouterr().out


def test_a_shipped_model_converts(capsys) -> None:
    assert main(["check", "dense-mnist"]) == 0
    assert "can be converted" in capsys.readouterr().out
