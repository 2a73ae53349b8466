"""`simulate`: what it checks, gathers and keeps. A fake engine stands in where only the driver is looked at."""

import json

import numpy as np
import pytest

from snnviz import Dense, Input, InputError, Record, SpikingNetwork, results, simulate
from snnviz.simulation import driver
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.settings import Settings

STEPS = 4


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    return SpikingNetwork(
        input=Input(shape=(3,)),
        layers=(
            Dense(name="hidden", input_shape=(3,), weights=rng.normal(size=(3, 5)), bias=np.zeros(5)),
            Dense(name="out", input_shape=(5,), weights=rng.normal(size=(5, 2)), bias=np.zeros(2)),
        ),
        class_names=("cat", "dog"),
    )


class Fake(Engine):
    """Predicts class 1 from step 2 on; an item's events are its first intensity in tenths, times the step."""

    name = "fake"
    batch_size = 2

    def run(self, inputs, traced=0):
        items = len(inputs)
        output = np.zeros((items, STEPS, 2), np.float32)
        output[:, 0, 0] = 1
        output[:, 1:, 1] = 1
        tenths = np.rint(inputs.reshape(items, -1)[:, 0] * 10).astype(np.int64)
        events = tenths[:, None, None] * np.arange(1, STEPS + 1)[:, None] * np.array([1, 100])
        spikes = np.full((items, STEPS, 2), 3, np.int64)
        trains = {name: np.ones((traced, STEPS, 3), bool) for name in self.record.spikes}
        return Block(output=output, events=events, spikes=spikes, spike_trains=trains)


@pytest.fixture
def fake(monkeypatch):
    monkeypatch.setattr(driver, "make_engine", lambda name, *rest: Fake(*rest))


def data(items=5):
    x = np.zeros((items, 3), np.float32)
    x[:, 0] = np.arange(items) / 10
    return x, np.arange(items) % 2


def test_means_and_kept_values(network, fake):
    x, y = data()
    kept = Record(logits=True, events=True, spikes=("input",), items=3)
    result = results.validate(simulate(network, x, y, STEPS, engine="event", record=kept, title="t"))
    np.testing.assert_array_equal(result.accuracy, [0.6, 0.4, 0.4, 0.4])
    np.testing.assert_array_equal(result.synaptic_events.sel(layer="hidden"), [2, 4, 6, 8])  # mean of 0..4 is 2
    np.testing.assert_array_equal(result.synaptic_events.sel(layer="out"), [200, 400, 600, 800])
    np.testing.assert_array_equal(result.synaptic_events.sel(layer="input"), 0)
    np.testing.assert_array_equal(result.spike_rate.sel(layer="input"), 1)
    np.testing.assert_array_equal(result.spike_rate.sel(layer="hidden"), 0.6)
    np.testing.assert_array_equal(result.spike_rate.sel(layer="out"), 0)
    np.testing.assert_array_equal(result.item_events.sel(item=3, layer="out"), 300 * np.arange(1, 5))
    assert result["prediction"].values.tolist() == [[0, 1, 1, 1]] * 5
    assert result["spikes_input"].shape == (3, STEPS, 3)
    assert result["class"].values.tolist() == ["cat", "dog"]
    assert result.attrs["title"] == "t"
    assert result.attrs["network_hash"] == network.hash
    assert json.loads(result.attrs["neurons"]) == {"input": 3, "hidden": 5, "out": 2}
    assert json.loads(result.attrs["settings"])["steps"] == STEPS


def test_batch_size_changes_nothing(network, fake):
    x, y = data(7)
    whole = simulate(network, x, y, STEPS, engine="event", record=["events", "logits"], batch_size=7)
    for size in (1, 3, 100):
        part = simulate(network, x, y, STEPS, engine="event", record=["events", "logits"], batch_size=size)
        assert part.equals(whole)


def test_records_by_name(network, fake):
    x, y = data()
    assert "prediction" in simulate(network, x, y, STEPS, engine="event")
    named = simulate(network, x, y, STEPS, engine="event", record="logits")
    assert "logits" in named
    assert "prediction" not in named


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": None}, "`network` must be a SpikingNetwork"),
        ({"steps": 0}, "`steps`"),
        ({"steps": 2.5}, "`steps`"),
        ({"engine": "quantum"}, "`engine` must be one of 'auto', 'graph', 'event'"),
        ({"record": "everything"}, "`record` must be one of"),
        ({"record": Record(spikes=("out",))}, "`record.spikes` must be one of 'input', 'hidden'"),
        ({"record": Record(potentials=("nowhere",))}, "`record.potentials`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"input": "rate"}, "`input` must be one of"),
        ({"reset": None}, "`reset` must be one of"),
        ({"delay": 2}, "`delay`"),
        ({"refractory": -1}, "`refractory`"),
        ({"clamp": -0.5}, "`clamp`"),
        ({"readout": "mean"}, "`readout`"),
        ({"decay": 1.0}, "`decay` must be below 1"),
        ({"synapses": "some"}, "`synapses`"),
        ({"seed": -1}, "`seed`"),
        ({"leak": 0.1}, "`settings` must be among .* Received: leak"),
        ({"x": np.zeros((0, 3)), "y": np.zeros(0, int)}, "at least one item"),
        ({"x": np.zeros((5, 4))}, "must have shape"),
        ({"x": np.zeros((5, 3), int)}, "divide 8-bit"),
        ({"y": np.full(5, 2)}, "from 0 to 1"),
    ],
)
def test_mistakes_get_one_sentence(network, fake, change, message):
    x, y = data()
    arguments = {"network": network, "x": x, "y": y, "steps": STEPS, "engine": "event"} | change
    with pytest.raises(InputError, match=message) as caught:
        simulate(**arguments)
    assert "Received" in str(caught.value)


def test_read_outs():
    output = np.array([1.0, 2.0, -1.0], np.float32).reshape(1, 3, 1)
    assert driver.read_out(output, Settings(steps=3)).ravel().tolist() == [1, 2, -1]
    assert driver.read_out(output, Settings(steps=3, readout="cumulative")).ravel().tolist() == [1, 3, 2]
    decayed = driver.read_out(output, Settings(steps=3, readout="decay", decay=0.5)).ravel().tolist()
    assert decayed == [0.5, 1.25, 0.125]
    assert driver.read_out(output, Settings(steps=3, readout="decay", decay=0.0)).ravel().tolist() == [1, 2, -1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"floor": 1.0}, r"`floor` must be below the threshold, 1. Received: 1"),
        ({"floor": float("nan")}, r"`floor` must be a finite number, at least -1e\+38. Received: nan"),
        ({"input_reset": "half"}, r"`input_reset` must be one of 'subtract', 'zero'. Received: 'half'"),
    ],
)
def test_settings_that_make_no_sense(wrong, message):
    with pytest.raises(InputError, match=message):
        Settings(**wrong)


def test_an_engine_of_ones_own(network):
    x, y = np.full((2, 3), 0.5, np.float32), [0, 1]
    result = simulate(network, x, y, STEPS, engine=Fake)
    assert result["prediction"].values.tolist() == [[0] + [1] * (STEPS - 1)] * 2
    assert result.attrs["engine"] == Fake.name
    with pytest.raises(InputError, match="`engine` must be one of"):
        simulate(network, x, y, STEPS, engine=3)
