"""Events, binning and recordings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from snnviz.errors import InputError
from snnviz.events import Events, Recordings, frames
from snnviz.simulation.encoding import one_a_step
from tests.events import writers


def events_of(t, sensor=(4, 6), seed=0):
    rng = np.random.default_rng(seed)
    count = len(t)
    return Events(
        np.asarray(t, np.int64), rng.integers(0, sensor[1], count), rng.integers(0, sensor[0], count),
        rng.integers(0, 2, count), sensor,
    )  # fmt: skip


@given(
    t=some.lists(some.integers(-(10**15), 10**15), max_size=40),
    start=some.integers(-(10**15), 10**15),
    length=some.integers(1, 10**9),
    steps=some.integers(1, 50),
)
@settings(deadline=None, max_examples=60)
def test_kept_and_dropped_make_all_and_each_event_is_where_it_belongs(t, start, length, steps):
    events, end = events_of(t), start + length
    found = frames(events, start, end, steps)
    assert found.kept + found.dropped == len(events)
    assert found.counts.sum() == found.kept
    assert found.counts.shape == (steps, 4, 6, 2)
    expected = np.zeros_like(found.counts)
    for when, x, y, p in zip(t, events.x, events.y, events.polarity, strict=True):
        if start <= when <= end:
            expected[min((when - start) * steps // length, steps - 1), y, x, p] += 1
    np.testing.assert_array_equal(found.counts, expected)


def test_parts_are_half_open_and_the_last_is_closed():
    found = frames(events_of([0, 9, 10, 19, 20, 29, 30, 31, -1]), 0, 30, 3)
    assert found.counts.sum(axis=(1, 2, 3)).tolist() == [2, 2, 3]
    assert (found.kept, found.dropped) == (7, 2)


def test_an_empty_part_is_zeros_and_counts_are_wide():
    t = np.concatenate([np.zeros(40_000, np.int64), [99]])
    zeros = np.zeros(len(t), int)
    found = frames(Events(t, zeros, zeros, zeros, (1, 1)), 0, 100, 4)
    assert found.counts.ravel()[::2].tolist() == [40_000, 0, 0, 1]


@pytest.mark.parametrize("polarity", [[True, False], [1, 0], [1, -1]])
def test_polarity_is_one_or_zero(polarity):
    events = Events(np.array([0, 1]), np.array([0, 1]), np.array([0, 0]), np.array(polarity), (2, 2))
    assert events.polarity.tolist() == [1, 0]
    assert frames(events, 0, 1, 1).counts.sum(axis=(0, 1, 2)).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"polarity": [0, 2]}, "-1 or 1"),
        ({"polarity": [-1, 0]}, "-1 or 1"),
        ({"polarity": [0.0, 1.0]}, "true or false"),
        ({"x": [0, 2]}, "pixels of the sensor, 0 to 1. Received: 0 to 2"),
        ({"y": [-1, 0]}, "Received: -1 to 0"),
        ({"t": [0.5, 1.0]}, "whole numbers"),
        ({"t": [1]}, "one value an event"),
        ({"sensor": (2,)}, "a whole number, a whole number"),
        ({"sensor": (0, 2)}, "at least 1|from 1"),
        ({"sensor": (2**20, 2**20)}, "at most"),
    ],
)
def test_bad_events(changes, words):
    columns = {"t": [0, 1], "x": [0, 1], "y": [0, 1], "polarity": [0, 1]}
    sensor = changes.pop("sensor", (2, 2))
    arrays = {name: np.array(values) for name, values in (columns | changes).items()}
    with pytest.raises(InputError, match=words):
        Events(**arrays, sensor=sensor)


@pytest.mark.parametrize(("start", "end", "steps"), [(5, 5, 1), (0, 10, 0), (0, 2**62, 3), (0, 10**6, 2**50)])
def test_bad_windows(start, end, steps):
    with pytest.raises(InputError):
        frames(events_of([1]), start, end, steps)


def test_oddities_are_told():
    events = Events.of(np.array([[5, 1, 1, 1], [3, 0, 0, 0], [5_000_000, 1, 1, 1], [5_000_000, 1, 1, 1]]), (2, 2))
    back, pause, twice = events.odd()
    assert "steps back 1 times, by at most 2" in back
    assert "5 s" in pause
    assert "1 events are there more than once" in twice
    assert events_of([0, 1, 1]).span == (0, 1)
    assert events_of([]).span == (0, 0)


def test_recordings_are_what_their_frames_are():
    parts = [Events(*writers.some(count, seed), writers.SENSOR) for seed, count in enumerate((300, 0, 200))]
    together = Recordings.of(parts, begins=[1_000_000, 0, 1_000_000])
    assert len(together) == 3
    assert together.events.tolist() == [300, 0, 200]
    counts = together.counts(steps=7, step_us=20_000)
    for item, events in enumerate(parts):
        np.testing.assert_array_equal(counts[item], frames(events, 1_000_000, 1_140_000, 7).counts)
    np.testing.assert_array_equal(together[1:3].counts(7, 20_000), counts[1:])
    np.testing.assert_array_equal(together[np.array([2, 0])].counts(7, 20_000), counts[[2, 0]])
    np.testing.assert_array_equal(together.by_step(7, 20_000), counts.sum(axis=(0, 2, 3, 4)))
    early = frames(parts[2], 1_000_000, 1_060_000, 1).counts[0]
    np.testing.assert_allclose(together.rates(np.array([7, 7, 3]), 20_000)[2], np.minimum(early / 3, 1))
    one = together.one(2)
    np.testing.assert_array_equal(one.t + 1_000_000, parts[2].t)
    np.testing.assert_array_equal(one.place, parts[2].place)
    assert Recordings.of(parts).t.min() == 0  # each from its first event on


def test_bad_recordings():
    events = events_of([0, 1])
    with pytest.raises(InputError, match="at least one"):
        Recordings.of([])
    with pytest.raises(InputError, match="one sensor"):
        Recordings.of([events, events_of([0], sensor=(2, 2))])
    with pytest.raises(InputError, match="one time a recording"):
        Recordings.of([events], begins=[0, 1])
    with pytest.raises(InputError, match="`starts` must rise"):
        Recordings(events.t, events.place, np.array([0, 3]), events.sensor)
    with pytest.raises(InputError, match="from 0 to 47"):
        Recordings(events.t, events.place + 48, np.array([0, 2]), events.sensor)
    with pytest.raises(InputError, match="at least one of 1 recordings"):
        Recordings.of([events])[1:1]


@given(
    t=some.lists(some.integers(-3, 60), max_size=80),
    pixels=some.integers(1, 4),
    steps=some.integers(1, 12),
    step_us=some.integers(1, 7),
    seed=some.integers(0, 99),
)
@settings(deadline=None, max_examples=80)
def test_at_most_one_event_a_step_is_sent_and_the_others_wait(t, pixels, steps, step_us, seed):
    """However events are ordered, what is sent straight from them is what counting and then waiting gives."""
    events = events_of(t, (1, pixels), seed)
    together = Recordings(events.t, events.place, np.array([0, len(t) // 3, len(t)]), events.sensor)
    expected = one_a_step(together.counts(steps, step_us))
    np.testing.assert_array_equal(together.spikes(steps, step_us), expected)
