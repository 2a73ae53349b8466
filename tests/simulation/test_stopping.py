"""Stopping when sure: the same as a cut-off computed afterwards, with both engines."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from snnviz import InputError, Record, metrics, results, simulate
from snnviz.simulation import Stop, event
from snnviz.simulation.event import EventEngine
from snnviz.simulation.settings import Settings
from tests.parity.networks import KINDS, OPTIONS

STEPS, LEVEL = 12, 0.75


def real():
    """A network of any float32 weights, where the order of a sum shows, whose items are sure at different steps."""
    net, rng = KINDS["deep"](seed=5), np.random.default_rng(1)
    layers = [replace(layer, weights=layer.weights + rng.normal(0, 0.003, layer.weights.shape)) for layer in net.layers]
    return replace(net, layers=tuple(layers))


def data(net, items=9, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((items, *net.input_shape), dtype=np.float32), rng.integers(0, net.classes, items)


def held(values, exits):
    """Values (item, time, ...) that stay as they are at each item's end."""
    last = np.minimum(np.arange(1, values.shape[1] + 1), exits[:, None]) - 1
    return np.take_along_axis(values, last.reshape(*last.shape, *[1] * (values.ndim - 2)), axis=1)


def check_against_whole(net, x, y, stop, engine, **settings):
    """Everything that a stopped result says follows from the whole one and the exit steps, which follow from its scores."""
    record = Record(logits=True, events=True, spikes=net.firing_names, potentials=net.layer_names, items=4)
    whole = simulate(net, x, y, STEPS, engine=engine, record=record, **settings)
    ended = results.validate(simulate(net, x, y, STEPS, engine=engine, record=record, stop=stop, **settings))
    exits = Stop.of(stop).exits(whole["logits"].values)
    np.testing.assert_array_equal(ended["exit_step"], exits)
    np.testing.assert_array_equal(ended["logits"], held(whole["logits"].values, exits))
    np.testing.assert_array_equal(ended["prediction"], held(whole["prediction"].values, exits))
    going = np.arange(1, STEPS + 1) <= exits[:, None]
    events = whole["item_events"].values * going[..., None]
    np.testing.assert_array_equal(ended["item_events"], events)
    np.testing.assert_allclose(ended["synaptic_events"], events.mean(axis=0), rtol=1e-12)
    for name in net.firing_names:
        np.testing.assert_array_equal(ended[f"spikes_{name}"], whole[f"spikes_{name}"].values & going[:4, :, None])
    for name in net.layer_names:
        kept = np.where(going[:4, :, None], whole[f"potential_{name}"].values, np.nan)
        np.testing.assert_array_equal(ended[f"potential_{name}"], kept)
    return ended, whole


@pytest.mark.parametrize("engine", ["event", "graph"])
def test_a_margin_is_the_cutoff_computed_afterwards(engine):
    net = real()
    x, y = data(net, 23)
    ended, whole = check_against_whole(net, x, y, LEVEL, engine)
    cutoff = metrics.confidence_cutoff(whole, [LEVEL]).isel(level=0)
    assert float(ended["accuracy"][-1]) == float(cutoff["accuracy"])
    assert float(ended["exit_step"].mean()) == float(cutoff["time"])
    assert float(ended["synaptic_events"].sum()) == pytest.approx(float(cutoff["events"]), rel=1e-12)
    assert len(np.unique(ended["exit_step"])) > 1
    assert json.loads(ended.attrs["stop"]) == {"level": LEVEL, "rule": "margin", "temperature": 1.0}


@pytest.mark.parametrize(
    "options", ["plain", "delay", "refractory", "poisson", "analog", "delay, refractory, clamp, floor"]
)
@pytest.mark.parametrize("kind", ["dense", "deep", "conv groups", "depthwise"])
def test_every_option_with_the_event_engine(kind, options, monkeypatch):
    monkeypatch.setattr(event, "STOP_STEPS", 3)
    net = KINDS[kind](seed=5)
    x, y = data(net)
    check_against_whole(net, x, y, {"level": 2.0, "rule": "gap"}, "event", **OPTIONS[options])


@pytest.mark.parametrize("readout", ["cumulative", "decay"])
def test_other_read_outs(readout):
    net = real()
    x, y = data(net)
    check_against_whole(net, x, y, {"level": 0.8, "temperature": 2.0}, "event", readout=readout)


def test_a_level_for_each_step():
    net = real()
    x, y = data(net)
    levels = [3.0, *np.linspace(2, 0.1, STEPS - 1)]
    ended, _ = check_against_whole(net, x, y, {"level": levels, "rule": "gap"}, "event")
    assert int(ended["exit_step"].min()) < STEPS


@pytest.mark.parametrize("length", [1, 5, STEPS])
def test_how_often_is_looked_changes_nothing(length, monkeypatch):
    net = real()
    x, y = data(net, 23)
    expected = simulate(net, x, y, STEPS, engine="event", record=["logits", "events"], stop=LEVEL)
    monkeypatch.setattr(event, "STOP_STEPS", length)
    monkeypatch.setattr(event, "STOP_BUDGET", 1)
    again = simulate(net, x, y, STEPS, engine="event", record=["logits", "events"], stop=LEVEL)
    assert again.equals(expected)


def test_steps_after_the_end_are_saved():
    net = KINDS["dense"](seed=5)
    x, _ = data(net, 3)
    engine = EventEngine(net, Settings(steps=STEPS), Record(), threads=1)
    engine.stop = Stop(level=0.0)
    block = engine.run(x)
    assert block.events[:, : event.STOP_STEPS].all(axis=(0, 1)).any()
    assert not block.events[:, event.STOP_STEPS :].any()


@pytest.mark.parametrize(
    ("stop", "message"),
    [
        (1.5, "`stop` must be"),
        ("sure", "`stop` must be"),
        ({"level": 2.0}, "`stop.level` must be"),
        ({"level": 0.5, "rule": "luck"}, "`stop.rule` must be one of 'margin', 'gap'"),
        ({"level": 0.5, "temperature": 0}, "`stop.temperature` must be"),
        ({"level": [0.5, 0.6]}, "`stop.level` of rule 'margin' must be one number"),
        ({"level": [0.5, 0.6], "rule": "gap"}, "one for each of the 12 steps. Received: 2"),
        ({"level": [], "rule": "gap"}, "at least one number"),
        ({"rule": "gap"}, "`stop` must hold a level"),
        ({"level": 0.5, "patience": 3}, "`stop` must hold a level"),
    ],
)
def test_mistakes_get_one_sentence(stop, message):
    net = real()
    x, y = data(net)
    with pytest.raises(InputError, match=message) as caught:
        simulate(net, x, y, STEPS, engine="event", stop=stop)
    assert "Received" in str(caught.value)


def test_one_class_cannot_be_sure():
    net = KINDS["dense"](seed=1)
    with pytest.raises(InputError, match="at least two classes"):
        Stop(level=0.5).check(Settings(steps=3), 1)
    assert net.classes > 1


def test_an_engine_may_be_told_to_stop_after_it_has_run_without():
    network = KINDS["conv same"](seed=3)
    x = np.random.default_rng(2).integers(0, 9, (40, *network.input_shape)).astype(np.float32) / 8
    engine, fresh = (EventEngine(network, Settings(steps=12), Record()) for _ in range(2))
    for stop in (None, Stop(level=0.6), None):
        engine.stop = fresh.stop = stop
        fresh._free.clear()
        mine, theirs = engine.run(x), fresh.run(x)
        ends = np.full(len(x), 12) if stop is None else stop.exits(theirs.output)
        for item, end in enumerate(ends):
            np.testing.assert_array_equal(mine.output[item, :end], theirs.output[item, :end])
            np.testing.assert_array_equal(mine.events[item, :end], theirs.events[item, :end])
