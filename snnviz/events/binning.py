"""Events into time steps: how many at each pixel and polarity, none lost unseen."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._memory import check_room
from snnviz.errors import InputError
from snnviz.events.events import Events

MOST = 2**62
"""Bound of products of times and steps, so that 64 bits hold them."""


@dataclass(frozen=True, eq=False)
class Binned:
    """Counts by step, and what became of every event.

    Attributes:
        counts: uint32 (steps, height, width, 2): OFF events in [..., 0], ON events in [..., 1].
        kept: events counted.
        dropped: events before the start or after the end; kept and dropped make all.
    """

    counts: np.ndarray
    kept: int
    dropped: int


@checked
def frames(events: Events, start: int, end: int, steps: int) -> Binned:
    """How many events of each polarity each pixel had in each of `steps` equal parts of the time from `start` to `end`.

    Event at t is in part floor((t - start) steps / (end - start)), in whole numbers: parts include their beginning and not their
    end, but for the last, which includes both. A part without events is all zeros.

    Args:
        events: the recording.
        start: microseconds, as the events' own times.
        end: microseconds, after `start`.
        steps: number of parts.

    Raises:
        InputError: for an end that is not after the start, or counts that do not fit into memory.
    """
    steps = check.integer("steps", steps, 1)
    check_window(start, end, steps)
    height, width = events.sensor
    needed = 4 * steps * height * width * 2
    check_room(needed, "`steps` must be so few that counts fit into memory", f"{steps}, which take")
    counts = np.zeros((1, steps, height * width * 2), np.uint32)
    kept = count(events.t, events.place, np.array([0, len(events)]), start, end, counts)
    return Binned(counts.reshape(steps, height, width, 2), kept, len(events) - kept)


def check_window(start: int, end: int, steps: int) -> None:
    """Raise `InputError` unless `end` is after `start`, and products of both with `steps` are safe."""
    if end <= start:
        raise InputError(f"`end` must be after `start`, {start} µs. Received: {end}")
    if (end - start) * steps > MOST or max(abs(start), abs(end)) > MOST:
        raise InputError(f"`end` must be less than {MOST // steps} µs after `start`. Received: {start} to {end}")


def count(t: np.ndarray, place: np.ndarray, starts: np.ndarray, start: int, end: int, counts: np.ndarray) -> int:
    """Add events to `counts` (items, steps, places), those of item i from starts[i] to starts[i + 1]; how many were in time."""
    return int(_compiled(_count)(t, place, starts, start, end, counts))


def send(t: np.ndarray, place: np.ndarray, starts: np.ndarray, end: int, spikes: np.ndarray) -> None:
    """Set `spikes` (items, steps, places; zeros) to 1 where an event is sent, at most one a step: what is more waits.

    Each event takes the first step from its own on that its place has free. Which steps are taken in the end does not depend on
    the order of events, as with linear probing: they are those at which `snnviz.simulation.encoding.one_a_step` sends.
    """
    _compiled(_send)(t, place, starts, end, spikes)


@functools.cache
def _compiled(function: Callable[..., Any]) -> Any:
    from numba import njit  # here, so that a data set's name can be checked without it

    return njit(cache=True, nogil=True)(function)


def _count(t: np.ndarray, place: np.ndarray, starts: np.ndarray, start: int, end: int, counts: np.ndarray) -> int:
    steps, kept = counts.shape[1], 0
    for item in range(len(starts) - 1):
        for index in range(starts[item], starts[item + 1]):
            when = np.int64(t[index])
            if start <= when <= end:
                part = min((when - start) * steps // (end - start), steps - 1)
                counts[item, part, place[index]] += 1
                kept += 1
    return kept


def _send(t: np.ndarray, place: np.ndarray, starts: np.ndarray, end: int, spikes: np.ndarray) -> None:
    steps = spikes.shape[1]
    for item in range(len(starts) - 1):
        for index in range(starts[item], starts[item + 1]):
            when = np.int64(t[index])
            if 0 <= when <= end:
                part = min(when * steps // end, steps - 1)
                while part < steps and spikes[item, part, place[index]]:
                    part += 1
                if part < steps:
                    spikes[item, part, place[index]] = 1
