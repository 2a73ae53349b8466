"""What the benchmark of converters says of a recorded run."""

import numpy as np

from benchmarks import converters


def test_settled_is_the_first_step_of_the_last_stretch():
    assert converters.settled([0.1, 0.98, 0.5, 0.979, 0.99], 0.98) == 4
    assert converters.settled([0.98], 0.98) == 1
    assert converters.settled([0.98, 0.1], 0.98) is None


def test_the_table_says_when_where_and_what_failed():
    labels = np.array([3, 4])
    accuracy_rises = np.array([[3] * 64, [0] * 10 + [4] * 54])
    found = converters.row("good", accuracy_rises, labels, np.full(64, 1e6), 0.002)
    assert found["accuracy"][9:11] == [0.5, 1.0]
    record = {
        "networks": {
            "dense-mnist": {
                "items": 2, "ann": 1.0, "date": "2026-11-29",
                "rows": [found, {"setting": "bad", "error": "ValueError: no"}],
            }
        }
    }  # fmt: skip
    lines = converters.table(record).splitlines()
    assert "`dense-mnist`, 2 test images, ANN 100.0 %" in lines[0]
    good = next(line for line in lines if line.startswith("| good"))
    assert [cell.strip() for cell in good.strip("|").split("|")] == [
        "good", *["50.0"] * 4, *["100.0"] * 3, "11", "11 M", "2"
    ]  # fmt: skip
    bad = next(line for line in lines if line.startswith("| bad"))
    assert "`ValueError: no`" in bad
    assert bad.count("|") == good.count("|")
