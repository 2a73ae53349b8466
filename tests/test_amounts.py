"""One way to write an amount."""

import pytest

from snnviz._amounts import count, duration, text_of
from snnviz.cli._table import aligned


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (950, "950"), (13_700, "13.7 k"), (1.37e6, "1.37 M"), (6.8e9, "6.8 G"), (-2e3, "-2 k")],
)
def test_count(value, text):
    assert count(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h"), (9000, "2.5 h")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_settings_and_metrics():
    assert [text_of(each) for each in (60_000, 1 / 3, "mnist", None, True)] == [
        "60000",
        "0.333333",
        "mnist",
        "None",
        "True",
    ]
    assert text_of(1 / 3, digits=2) == "0.33"
    assert text_of("conv-mnist", 5) == "conv…"
    assert text_of("mnist", 5) == "mnist"


def test_columns_lie_under_each_other():
    assert aligned([("name", "items"), ("a", "7"), ("longest", "")], right=[1]) == [
        "name     items",
        "a            7",
        "longest",
    ]
