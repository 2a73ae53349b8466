"""Runs that differ in their seed alone."""

import numpy as np
import pytest

from snnviz import uncertainty
from snnviz.errors import InputError
from snnviz.runs import Run, over_seeds

SETTINGS = {"model": "dense-mnist", "epochs": "2"}


def run(seed, accuracy, name="ft", status="FINISHED", **settings):
    params = {**SETTINGS, "seed": str(seed), "out": f"{seed}.keras", **settings}
    return Run(
        id=f"{name}{seed}", name=f"{name} {seed}", kind="finetune", status=status, started=0.0, params=params,
        metrics={"test_accuracy": accuracy, "wall_time_s": float(seed)},
    )  # fmt: skip


def test_a_group_has_its_mean_and_students_interval():
    runs = [run(0, 0.91), run(1, 0.93), run(2, 0.95), run(0, 0.5, "other", epochs="9")]
    (row,) = over_seeds(runs).itertuples()
    assert (row.run, row.metric, row.n) == ("ft 0", "test_accuracy", 3)
    assert row.mean == pytest.approx(0.93)
    # t of 97.5 % with two degrees of freedom is 4.303 (any table of it), the standard deviation 0.02
    assert (row.low, row.high) == pytest.approx(
        (0.93 - 4.3027 * 0.02 / 3**0.5, 0.93 + 4.3027 * 0.02 / 3**0.5), abs=1e-5
    )


def test_what_is_no_group_is_left_out():
    assert over_seeds([run(0, 0.9), run(0, 0.9)]).empty, "the same run twice says nothing of chance"
    assert over_seeds([run(0, 0.9), run(1, 0.9, epochs="3")]).empty
    assert over_seeds([run(0, 0.9), run(1, 0.9, status="RUNNING")]).empty
    assert over_seeds([run(0, 0.9), run(1, np.nan)]).empty
    assert over_seeds([]).empty


def test_how_often_the_interval_holds_the_mean():
    """By drawing: of normal values, 95 of 100 intervals hold the mean that they were drawn with."""
    drawn = np.random.default_rng(0).normal(0.9, 0.01, (4000, 4))
    held = [low <= 0.9 <= high for low, high in map(uncertainty.mean_interval, drawn)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize("values", [[0.9], [[0.9, 0.8]], [], [0.9, np.inf]])
def test_an_interval_needs_two_numbers(values):
    with pytest.raises(InputError, match="`values` must"):
        uncertainty.mean_interval(values)
