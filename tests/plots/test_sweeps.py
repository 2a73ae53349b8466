"""Pictures of a sweep and of searches."""

import io

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from snnviz import plots
from snnviz.errors import InputError

TABLE = pd.DataFrame(
    {
        "lambda_a": [0.5, 0.5, 1.0, 1.0],
        "lambda_w": [5.0, 20.0, 5.0, 20.0],
        "S_c": [0.80, 0.85, 0.84, 0.90],
        "S_a": [0.9, 0.8, 0.7, 0.6],
        "accuracy": [0.984, 0.983, 0.982, 0.981],
    }
)


def history(losses, seconds):
    return pd.DataFrame({"loss": losses, "seconds": seconds})


HISTORIES = {
    "quick": [history([5.0, 3.0, 4.0], [0.0, 60.0, 120.0]), history([5.0, 2.0], [0.0, 90.0])],
    "slow": history([5.0, 4.5, 4.0], [0.0, 100.0, 170.0]),
}


def test_front_of_a_sweep():
    front = plots.sparsity_front_data(TABLE).set_index(["lambda_a", "lambda_w"])["on_front"]
    assert front.to_dict() == {(0.5, 5): True, (0.5, 20): True, (1, 5): False, (1, 20): True}
    assert plots.sparsity_front_data(TABLE, measure="S_a")["on_front"].tolist() == [True, False, False, False]


def test_progress_is_the_best_so_far():
    data = plots.search_progress_data(HISTORIES, minutes=2)
    quick = data[data["run"] == "quick"].set_index("minutes")
    at = lambda minutes: quick.iloc[int(np.searchsorted(quick.index, minutes + 1e-9)) - 1]  # noqa: E731
    assert at(0.5)[["median", "low", "high"]].tolist() == [5, 5, 5]
    assert at(1.0)[["median", "low", "high"]].tolist() == [4, 3, 5]
    assert at(2.0)[["median", "low", "high"]].tolist() == [2.5, 2, 3]  # a worse evaluation changes nothing
    assert data[data["run"] == "slow"]["median"].iloc[-1] == 4.5
    assert plots.search_progress_data(HISTORIES)["minutes"].max() == pytest.approx(170 / 60)


@pytest.mark.parametrize("dark", [False, True])
def test_both_backends_draw_them(dark):
    alone = TABLE.iloc[:1].assign(S_c=0.5)
    for drawing in (
        plots.sparsity_front(TABLE, dark=dark),
        plots.sparsity_front(alone, dark=dark),
        plots.search_progress(HISTORIES, dark=dark),
    ):
        assert hv.renderer("bokeh").get_plot(drawing).state.xaxis[0].axis_label
        assert np.asarray(Image.open(io.BytesIO(plots.render(drawing, "png", dpi=60)))).std() > 5


def test_what_is_neither_is_refused():
    for wrong in (None, TABLE.iloc[:0], TABLE.drop(columns="accuracy")):
        with pytest.raises(InputError, match="`table` must"):
            plots.sparsity_front(wrong)
    with pytest.raises(InputError, match="`measure`"):
        plots.sparsity_front(TABLE, measure="S_x")
    for wrong in ({}, {"a": []}, {"a": history([], [])}, {"a": [TABLE]}, 3):
        with pytest.raises(InputError, match="`histories` must"):
            plots.search_progress(wrong)
    with pytest.raises(InputError, match="minutes"):
        plots.search_progress(HISTORIES, minutes=0)
