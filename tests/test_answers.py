"""How answers evolve, against a plain loop over items."""

import numpy as np
import pytest

from snnviz import answers
from snnviz.errors import InputError
from tests.synthetic import result_of

LABELS = [0, 1, 2, 0, 1]
PREDICTIONS = [
    [0, 0, 0, 0],  # right throughout
    [0, 1, 1, 1],  # right from step 2
    [0, 0, 1, 1],  # never
    [0, 1, 0, 1],  # wavers, wrong at the end
    [0, 2, 0, 1],  # right at the last step only
]


@pytest.fixture
def result():
    found = result_of(np.full(4, 0.5), np.ones(4)).drop_vars("label")
    found["label"] = ("item", np.array(LABELS))
    found["prediction"] = (("item", "time"), np.array(PREDICTIONS, np.int16))
    return found


def test_table(result):
    found = answers.table(result)
    assert found["first_right"].tolist() == [1, 2, 5, 1, 4]
    assert found["settled"].tolist() == [1, 2, 5, 5, 4]
    assert found["changes"].tolist() == [0, 1, 1, 3, 3]


def test_table_is_what_a_plain_loop_finds():
    rng = np.random.default_rng(3)
    result = result_of(np.full(9, 0.5), np.ones(9)).drop_vars("label")
    result["label"] = ("item", rng.integers(0, 3, 200))
    result["prediction"] = (("item", "time"), rng.integers(0, 3, (200, 9)).astype(np.int16))
    found = answers.table(result)
    for item in range(200):
        row, label = result["prediction"].values[item], int(result["label"][item])
        right = [step for step in range(1, 10) if row[step - 1] == label]
        settled = next((step for step in range(1, 10) if all(row[step - 1 :] == label)), 10)
        assert found.loc[item].tolist() == [label, min(right, default=10), settled, sum(row[1:] != row[:-1])]


def test_select(result):
    found = answers.table(result)
    expected = {
        "all": [0, 1, 2, 3, 4], "never right": [2], "wrong at the end": [2, 3], "late": [4, 1], "wavering": [3, 4, 1, 2],
    }  # fmt: skip
    assert {kind: answers.select(found, kind, 4).tolist() for kind in answers.KINDS} == expected
    assert answers.select(found, "late", 4, label=1).tolist() == [4, 1]
    assert answers.select(found, "late", 4, label=2).tolist() == []


def test_bad_input(result):
    with pytest.raises(InputError, match="record"):
        answers.table(result.drop_vars("prediction"))
    with pytest.raises(InputError, match="`kind`"):
        answers.select(answers.table(result), "early", 4)
    with pytest.raises(InputError, match="`label`"):
        answers.select(answers.table(result), "all", 4, label=-1)
