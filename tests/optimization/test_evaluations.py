"""What is on disk while a search runs."""

import numpy as np
import pytest

from snnviz.errors import InputError
from snnviz.optimization.evaluations import Evaluated, Evaluations
from snnviz.optimization.objective import Terms

SETTINGS = {"method": "cmaes", "per": ("channel",), "lambdas": (200.0, None, None)}


def evaluation(index):
    return Evaluated(f"key{index}", "cmaes", Terms(0.1 * index, 1 / 3, 2 / 7), float(index))


def test_evaluations_come_back_exactly(tmp_path):
    Evaluations(tmp_path / "run", SETTINGS, False).add([evaluation(1), evaluation(2)])
    again = Evaluations(tmp_path / "run", SETTINGS, True)
    assert again.known == {"key1": evaluation(1), "key2": evaluation(2)}
    assert again.seconds == 2.0


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_a_line_cut_short_is_left_out(tmp_path, cut):
    Evaluations(tmp_path, SETTINGS, False).add([evaluation(1), evaluation(2)])
    log = tmp_path / "evaluations.jsonl"
    log.write_text(log.read_text()[:-cut])
    again = Evaluations(tmp_path, SETTINGS, True)
    assert list(again.known) == ["key1"]
    again.add([evaluation(3)])
    assert list(Evaluations(tmp_path, SETTINGS, True).known) == ["key1", "key3"]


def test_states_come_back(tmp_path):
    record = Evaluations(tmp_path, SETTINGS, False)
    assert record.state(1) is None
    record.save_state(1, {"a": np.arange(3), "b": np.array(["x", "yz"])})
    found = Evaluations(tmp_path, SETTINGS, True).state(1)
    np.testing.assert_array_equal(found["a"], [0, 1, 2])
    assert found["b"].tolist() == ["x", "yz"]


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record = Evaluations(None, SETTINGS, False)
    record.add([evaluation(1)])
    record.save_state(0, {"a": np.zeros(1)})
    assert record.state(0) is None
    assert not list(tmp_path.iterdir())


def test_mistakes_are_answered(tmp_path):
    Evaluations(tmp_path / "run", SETTINGS, False)
    with pytest.raises(InputError, match="differs in method"):
        Evaluations(tmp_path / "run", {**SETTINGS, "method": "subplex"}, True)
    with pytest.raises(InputError, match="empty folder"):
        Evaluations(tmp_path / "run", SETTINGS, False)
    with pytest.raises(InputError, match="must name a folder"):
        Evaluations(None, SETTINGS, True)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file"):
        Evaluations(tmp_path / "file", SETTINGS, False)
    (tmp_path / "run" / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"readable run\.json"):
        Evaluations(tmp_path / "run", SETTINGS, True)
