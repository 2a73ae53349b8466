"""The page Live without a browser: what is drawn is answered as `simulate` answers it."""

import base64
from dataclasses import replace

import numpy as np
import pytest

from snnviz import dashboard, datasets, pretrained, simulate
from snnviz.dashboard.live_page import intensities, signed
from snnviz.errors import InputError
from snnviz.simulation import Record
from tests.apps.words import written


def message(image, serial=1):
    pixels = (255 * image).round().astype(np.uint8)
    return f"{serial}:{base64.b64encode(pixels.tobytes()).decode()}"


@pytest.fixture(scope="module")
def page():
    return dashboard.Live(network="dense-mnist-optimized", steps=10)


def test_what_is_drawn_is_answered(page):
    image = np.zeros((28, 28, 1))
    image[6:22, 13:15] = 1  # a one, in the middle
    page.pad.drawn = message(image, 7)
    answer = page.pad.answer
    assert answer["serial"] == 7
    alone = simulate(
        pretrained.network("dense-mnist-optimized"), image[None].astype(np.float32), [1], 10, engine="event",
        record=Record(logits=True, spikes=["input"]), progress=False,
    )  # fmt: skip
    np.testing.assert_allclose(answer["scores"], alone["logits"].values[0], atol=1e-4)
    layer = answer["layers"][0]
    bits = np.unpackbits(np.frombuffer(base64.b64decode(layer["bits"]), np.uint8))[: 10 * layer["shown"]]
    spikes = bits.reshape(10, 28, 28)
    assert (layer["rows"], layer["columns"]) == (28, 28)
    assert np.array_equal(spikes.reshape(10, -1), alone["spikes_input"].values[0])
    assert spikes[:, image[..., 0] > 0].all(), "a bright pixel fires at every step"
    page.pad.drawn = "nonsense"
    assert "must be a number, a colon" in page.notice.object
    page.pad.drawn = "1:AAAA"
    assert "784 intensities" in page.notice.object


def test_a_click_chooses_a_neuron(page):
    page.pad._handle_msg({"layer": "dense2", "neuron": 5})
    assert (page.layer, page.neuron) == ("dense2", 5)
    assert "dense2, neuron 5: fires in" in written(page)
    assert page.membranes.figure is not None
    page.pad._handle_msg({"layer": "../x", "neuron": 5})
    page.pad._handle_msg({"layer": "dense1", "neuron": "x"})
    assert (page.layer, page.neuron) == ("dense2", 5), "what is not there is not chosen"
    page.pad._handle_msg({"next": True})
    assert page.item == 1
    page.network = "conv-mnist-optimized"
    assert len(page.pad.answer["layers"]) == len(pretrained.network(page.network).firing_names)
    assert page.layer in page.param.layer.objects


def test_a_drawing_is_moved_to_the_middle():
    image = np.zeros((28, 28, 1))
    image[0:10, 0:4] = 1
    moved, _ = intensities(message(image), (28, 28, 1))
    rows, columns = np.nonzero(moved[..., 0])
    assert (rows.min() + rows.max(), columns.min() + columns.max()) == (27, 27)
    assert moved.sum() == image.sum(), "nothing falls off the edge"
    digits = datasets.load("mnist", split="test", limit=20).x
    for digit in digits:
        moved, _ = intensities(message(digit), (28, 28, 1))
        best = min(
            np.abs(np.roll(moved, step, axis=(0, 1)) - digit).max()
            for step in [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
        )
        assert best < 0.01, "MNIST's digits lie there already, but for a pixel"
    with pytest.raises(InputError, match="784 intensities"):
        intensities(message(np.zeros((3, 3))), (28, 28, 1))


def test_weights_are_blue_above_zero_and_orange_below():
    colors = signed(np.array([[1.0, 0.0, -1.0]]), dark=False)
    assert colors[0, 0, 2] > colors[0, 0, 0]
    assert colors[0, 2, 0] > colors[0, 2, 2]
    assert np.allclose(colors[0, 1], 1)


def test_a_network_gets_its_images_as_it_learned_to(monkeypatch):
    network = pretrained.network("dense-mnist-optimized")
    learned = replace(network, metadata={**network.metadata, "optimization": {"input": "analog"}})
    monkeypatch.setattr(dashboard.Live, "_network", lambda self, name=None: learned)
    page = dashboard.Live(network="dense-mnist-optimized", steps=5)
    image = datasets.load("mnist", split="test", limit=1).x
    alone = simulate(learned, image, [1], 5, engine="event", record=["logits"], input="analog", progress=False)
    np.testing.assert_allclose(page.pad.answer["scores"], alone["logits"].values[0], atol=1e-4)
    assert "input='analog'" in page._membranes_again()[0]
