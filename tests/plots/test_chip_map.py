"""The map of chips and cores."""

import io

import holoviews as hv
import numpy as np
import pytest
from PIL import Image

from snnviz import plots
from snnviz.errors import InputError
from snnviz.hardware.spinnaker.dryrun import Chip, Core, LayerPlan, Plan


def core(x, y, number, population, neurons=10):
    return Core(x, y, number, population, 0, neurons if population else 0, 2048)


@pytest.fixture
def plan():
    """Two layers on two of four chips, one of which has fewer cores."""
    layers = tuple(LayerPlan(name, 10, 1, 2048, 0, 0, 0, 0, 0, None, 0) for name in ("input", "hidden", "output"))
    cores = (core(0, 0, 1, None), core(0, 0, 2, "input"), core(0, 0, 3, "hidden"), core(1, 1, 2, "output"))
    chips = tuple(Chip(x, y, 17 - (x == 1), 2**27, 1, 1023, (0, 0)) for x in (0, 1, 5) for y in (0, 1))
    return Plan(layers, cores, chips, 1, (), 50, 5, 1.0, {})


def test_every_core_once(plan):
    data = plots.chip_map_data(plan)
    assert len(data) == sum(chip.cores for chip in plan.chips) == 4 * 17 + 2 * 16
    assert not data.duplicated(["x", "y", "core"]).any()
    counts = data["population"].value_counts()
    assert counts[["input", "hidden", "output", "tool chain"]].tolist() == [1, 1, 1, 1]
    assert counts["free"] == len(data) - 4
    (row,) = data[data["population"] == "output"].itertuples()
    assert (row.x, row.y, row.core, row.neurons, row.sdram) == (1, 1, 2, 10, 2048)


@pytest.mark.parametrize("zoom", ["board", "used"])
@pytest.mark.parametrize("dark", [False, True])
def test_both_backends_draw_it(plan, zoom, dark):
    drawing = plots.chip_map(plan, zoom=zoom, dark=dark)
    figure = hv.renderer("bokeh").get_plot(drawing).state
    assert {item.label.value for item in figure.legend[0].items} == {"free", "tool chain", "input", "hidden", "output"}
    assert figure.x_range.end == pytest.approx({"board": 6.1, "used": 2.1}[zoom])
    assert np.asarray(Image.open(io.BytesIO(plots.render(drawing, "png", dpi=60)))).std() > 5


def test_zoom_is_one_of_two(plan):
    with pytest.raises(InputError, match=r"`zoom` must be one of 'board', 'used'. Received: 'all'"):
        plots.chip_map(plan, zoom="all")
