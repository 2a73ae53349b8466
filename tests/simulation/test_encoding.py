"""Spikes drawn from images, and spikes that came from a camera."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as some

from snnviz import conversion_report, optimize, simulate
from snnviz.errors import InputError
from snnviz.events import Events, Recordings
from snnviz.hardware.spinnaker import model as spinnaker
from snnviz.simulation import analog
from snnviz.simulation.encoding import one_a_step, poisson_spikes
from tests.parity.networks import KINDS
from tests.parity.reference import ReferenceEngine


def test_rates_are_intensities():
    x = np.array([[0.0, 0.25, 0.9, 1.0]], np.float32)
    trains = poisson_spikes(x, 4000, seed=1)
    assert trains.shape == (1, 4000, 4)
    rates = trains.mean(axis=1)[0]
    assert rates[0] == 0
    assert rates[3] == 1  # a draw is below 1 always
    np.testing.assert_allclose(rates[1:3], x[0, 1:3], atol=4 * 0.5 / np.sqrt(4000))


def test_a_train_depends_on_seed_and_item_alone():
    x = np.full((5, 2, 3), 0.5, np.float32)
    whole = poisson_spikes(x, 20, seed=3)
    np.testing.assert_array_equal(whole[2:4], poisson_spikes(x[2:4], 20, seed=3, first_item=2))
    assert not np.array_equal(whole, poisson_spikes(x, 20, seed=4))
    assert not np.array_equal(whole[0], whole[1])


@given(some.lists(some.integers(0, 5), min_size=1, max_size=12))
def test_of_several_events_in_a_step_one_is_sent_and_the_others_wait(counts):
    sent, waiting = [], 0
    for count in counts:
        waiting += count
        sent.append(min(waiting, 1))
        waiting -= sent[-1]
    found = one_a_step(np.array(counts)[None, :, None])
    assert found.dtype == np.uint8
    assert found.ravel().tolist() == sent
    assert sum(sent) + waiting == sum(counts)


def test_counts_of_a_pixel_leave_the_others_alone():
    counts = np.zeros((2, 3, 2), np.int64)
    counts[1, 0, 1] = 2
    assert one_a_step(counts)[1].tolist() == [[0, 1], [0, 1], [0, 0]]
    assert not one_a_step(counts)[0].any()
    assert one_a_step(counts.astype(bool))[1].tolist() == [[0, 1], [0, 0], [0, 0]]


STEPS = 8


@pytest.fixture(scope="module")
def camera():
    """A network, recordings that it takes, and their labels."""
    network = KINDS["conv same"](seed=3)
    height, width, polarities = network.input_shape
    assert polarities == 2
    rng = np.random.default_rng(1)
    parts = []
    for count in (200, 0, 300, 150, 90):
        t = np.sort(rng.integers(0, 9_000, count))  # some after the last step
        x, y, p = (rng.integers(0, size, count) for size in (width, height, 2))
        parts.append(Events(t, x, y, p, (height, width)))
    recordings = Recordings.of(parts, begins=[0] * len(parts))
    return network, recordings, np.arange(len(parts)) % network.classes


HOW = {"input": "spikes", "step_ms": 1.0, "progress": False}


def simulated(engine, network, x, y, **options):
    return simulate(network, x, y, STEPS, engine=engine, record=["logits", "events"], **HOW | options)


@pytest.mark.parametrize("engine", ["event", "graph"])
def test_recordings_counts_and_the_reference_are_one(engine, camera):
    network, recordings, y = camera
    counts = recordings.counts(STEPS, 1000)
    assert counts.max() > 1
    found = simulated(engine, network, recordings, y)
    xr.testing.assert_equal(found, simulated(ReferenceEngine, network, counts, y))
    if engine == "event":  # the other compiles for each size
        xr.testing.assert_equal(found, simulated(engine, network, counts, y))
        xr.testing.assert_equal(found, simulated(engine, network, recordings, y, batch_size=2))
    np.testing.assert_array_equal(found["camera_events"], counts.sum(axis=(0, 2, 3, 4)) / 5)
    assert found.attrs["step_ms"] == 1
    rates = np.minimum(counts.mean(axis=1, dtype=np.float32), 1)
    assert found.attrs["ann_accuracy"] == analog.accuracy(network, rates, y)


def test_the_engine_is_chosen_for_recordings_too(camera):
    network, recordings, y = camera
    xr.testing.assert_equal(simulated("auto", network, recordings, y), simulated("event", network, recordings, y))


def test_memory_does_not_grow_with_the_number_of_recordings(camera, monkeypatch):
    network, recordings, y = camera
    many = recordings[np.tile(np.arange(5), 40)]
    largest = []
    counted = Recordings.spikes

    def spikes(self, *window):
        largest.append(len(self))
        return counted(self, *window)

    monkeypatch.setattr(Recordings, "spikes", spikes)
    simulated("event", network, many, np.tile(y, 40), batch_size=8)
    assert largest == [8] * 25


@pytest.mark.parametrize(
    ("x", "options", "words"),
    [
        (None, {"input": "spiking"}, "must be 'spikes' for event recordings"),
        (None, {"step_ms": None}, "`step_ms` must say how long a step is"),
        (None, {"step_ms": 0.0005}, "whole number of microseconds"),
        (None, {"step_ms": 0}, "above 0"),
        (np.zeros((2, STEPS, 6, 5, 2)), {}, "booleans or counts of shape"),
        (np.zeros((2, STEPS + 1, 6, 5, 2), int), {}, "must have shape"),
        (np.zeros((0, STEPS, 6, 5, 2), int), {}, "must have shape"),
        (np.full((2, STEPS, 6, 5, 2), -1), {}, "counts from 0"),
        (np.full((2, STEPS, 6, 5, 2), 2**40), {}, "counts below"),
        (Recordings.of([Events(*np.zeros((4, 1), int), (3, 3))]), {}, "which the network takes. Received: 3 x 3 x 2"),
    ],
)
def test_bad_spikes(x, options, words, camera):
    network, recordings, y = camera
    assert network.input_shape == (6, 5, 2)
    with pytest.raises(InputError, match=words):
        simulated("event", network, recordings if x is None else x, y, **options)


def test_where_recordings_cannot_go_says_so(camera):
    network, recordings, y = camera
    with pytest.raises(InputError, match=r"^`step_ms` must say how long a step is"):
        spinnaker.expect(network, recordings, y, STEPS)
    with pytest.raises(InputError, match="must be subplex, cmaes, onsets or weights"):
        optimize(network, recordings, y, method="gradient", step_ms=1.0, progress=False)


def test_a_search_on_recordings(camera):
    network, recordings, y = camera
    found = optimize(
        network,
        recordings,
        y,
        method="subplex",
        per="network",
        steps=STEPS,
        step_ms=1.0,
        budget_evaluations=3,
        progress=False,
    )
    assert len(found.history) == 3
    expected = simulated("event", network, recordings, y)
    assert found.start.peak_accuracy == pytest.approx(float(expected.accuracy.max()))


def test_the_conversion_report_is_of_streams_too(camera):
    network, recordings, _ = camera
    how = {"input": "spikes", "step_ms": 1.0, "engine": "event", "progress": False}
    found = conversion_report(network, recordings, STEPS, **how)
    dense = conversion_report(network, recordings.counts(STEPS, 1000), STEPS, **how)
    pd.testing.assert_frame_equal(found, dense)
    sent = recordings.spikes(STEPS, 1000).mean(axis=1, dtype=np.float64)
    error = sent - recordings.rates(STEPS, 1000)
    assert found.loc[network.input.name, "rate_bias"] == pytest.approx(error.mean())
