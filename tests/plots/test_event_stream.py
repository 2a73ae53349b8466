"""The camera's stream over time."""

import holoviews as hv
import numpy as np
import pytest

from snnviz import plots, simulate
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.network import Dense, Input, SpikingNetwork
from snnviz.plots import theme


@pytest.fixture(scope="module")
def film():
    return Recordings(np.array([0, 500, 2500, 9000, 10]), np.array([3, 8, 31, 1, 0]), np.array([0, 4, 5]), (4, 4))


@pytest.fixture(scope="module")
def result(film):
    weights = np.arange(96, dtype=np.float32).reshape(32, 3)
    only = Dense(name="only", input_shape=(4, 4, 2), weights=weights, bias=np.zeros(3))
    network = SpikingNetwork(Input(shape=(4, 4, 2)), (only,))
    how = {"engine": "event", "input": "spikes", "step_ms": 1.0, "progress": False}
    return simulate(network, film, np.array([0, 2]), 3, record=["prediction", "events"], **how)


def test_the_numbers(result, film):
    data = plots.event_stream_data(result, 0, film)
    assert data["time_ms"].tolist() == [0, 0.5, 2.5]  # the fourth comes after the end
    assert data["step"].tolist() == [1, 1, 3]
    assert data["polarity"].tolist() == ["on", "off", "on"]
    assert data["x"].tolist() == [1, 0, 3]
    assert data["y"].tolist() == [0, 1, 3]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("item", [0, 1])
def test_it_is_drawn(result, film, item, dark, tmp_path):
    drawn = plots.event_stream(result, item, film, time=2, dark=dark)
    points = next(element for element in drawn if isinstance(element, hv.Points))
    assert len(points) == (3 if item == 0 else 1)
    if item == 0:
        palette = theme.palette(dark)
        assert points.dimension_values("color").tolist() == [palette.series[2], palette.series[3], palette.series[2]]
        words = [
            str(text)
            for element in drawn
            if isinstance(element, hv.Labels)
            for text in element.dimension_values("text")
        ]
        assert "camera, dashed: 3" in words
        plots.save(drawn, tmp_path / "a.png")
        hv.render(drawn, backend="bokeh")


def test_the_mean_stands_where_items_have_no_events_of_their_own(result, film):
    drawn = plots.event_stream(result.drop_vars("item_events"), 0, film)
    assert any(
        "(mean)" in str(text) for each in drawn if isinstance(each, hv.Labels) for text in each.dimension_values("text")
    )


def test_what_it_needs(result, film):
    with pytest.raises(InputError, match="of input 'spikes'"):
        plots.event_stream(result.assign_attrs(settings='{"input": "spiking"}'), 0, film)
    with pytest.raises(InputError, match="the result's 2 items"):
        plots.event_stream(result, 0, film[:1])


def test_pictures_of_two_polarities():
    images = np.zeros((1, 2, 2, 2), np.float32)
    images[0, 0, 0, 1] = images[0, 1, 1, 0] = 0.1
    colours = plots.as_pictures(images)
    assert colours.shape == (1, 2, 2, 3)
    np.testing.assert_allclose(colours[0, 0, 1], 1)  # the background
    found = ["#" + "".join(f"{round(255 * value):02x}" for value in colours[0][place]) for place in ((0, 0), (1, 1))]
    assert found == [theme.LIGHT.series[2], theme.LIGHT.series[3]]
    grey = np.zeros((1, 2, 2, 1))
    assert plots.as_pictures(grey) is grey
