"""Saccade MNIST: the digits as an event camera of 34 x 34 pixels would see them during three small eye movements. A model.

N-MNIST (Orchard et al. 2015, doi:10.3389/fnins.2015.00437) was recorded by moving a camera before a screen. This is made, not
recorded, from the embedded MNIST, so that it needs no download and is the same everywhere. The model, per pixel:

- The digit, 28 x 28 with intensity I in [0, 1], lies in the middle of a dark field and moves along a triangle
  (`CORNERS`, in pixels), an edge each 100 ms, s(u) = (1 - cos(pi u)) / 2 of the way after the share u of that time.
  A pixel sees I at its place by bilinear interpolation.
- Its photoreceptor gives L = ln(I + `DARK`), taken every `SAMPLE` microseconds and straight between.
- An event comes whenever L has moved by the contrast threshold `CONTRAST` from where the last event was (or from L at time 0):
  polarity 1 up, 0 down. Several may come between two samples; each has its own time.
- Noise events come by a Poisson process of `NOISE` a pixel and second, of either polarity alike.

The way ends where it began, so that the last event of many pixels, which brings L back, comes in the very last microsecond.
There is no refractory period, no mismatch between pixels and no bandwidth limit, which real cameras have.
"""

from __future__ import annotations

import numpy as np
from numba import njit

SIDE = 34
SENSOR = (SIDE, SIDE)
DURATION = 300_000
"""Microseconds, for three movements."""
CORNERS = ((-1.5, -1.0), (0.0, 1.5), (1.5, -1.0))
"""(x, y) of the triangle, in pixels; the digit begins at the first corner and comes back to it."""
DARK = 0.1
CONTRAST = 0.6
NOISE = 0.5
SAMPLE = 2_000


def path(corners: tuple[tuple[float, float], ...] = CORNERS) -> np.ndarray:
    """Where the digit is at each sample, float32 (samples + 1, 2): x, y in pixels."""
    samples = DURATION // SAMPLE
    share = np.arange(samples + 1) / samples * len(corners)
    edge = np.minimum(share.astype(int), len(corners) - 1)
    along = (1 - np.cos(np.pi * (share - edge))) / 2
    points = np.array([*corners, corners[0]])
    return (points[edge] + along[:, None] * (points[edge + 1] - points[edge])).astype(np.float32)


def recorded(digit: np.ndarray, seed: int, item: int, way: np.ndarray | None = None) -> tuple[np.ndarray, ...]:
    """What the camera gives of one digit.

    Args:
        digit: intensities in [0, 1], float32 (28, 28).
        seed: of the noise of the whole data set.
        item: index of the digit, which with the seed determines its noise.
        way: of `path`, where it is at hand.

    Returns:
        t (int64 microseconds from 0), x, y (int16) and p (int8, 0 or 1), in order of time.
    """
    return _with_noise(
        _contrast_events(_field(digit), path() if way is None else way, DARK, CONTRAST, SAMPLE), seed, item
    )


def _field(digit: np.ndarray) -> np.ndarray:
    """The digit on a dark field so large that no movement sees its border."""
    margin = (SIDE - 28) // 2 + 4
    return np.pad(digit.reshape(28, 28).astype(np.float32), margin)


def _with_noise(events: np.ndarray, seed: int, item: int) -> tuple[np.ndarray, ...]:
    stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, item))))
    count = stream.poisson(NOISE * SIDE * SIDE * DURATION / 1e6)
    noise = stream.integers(0, (DURATION, SIDE, SIDE, 2), (count, 4))
    together = np.concatenate([events, noise])
    t, x, y, p = together[np.argsort(together[:, 0], kind="stable")].T
    return t.astype(np.int64), x.astype(np.int16), y.astype(np.int16), p.astype(np.int8)


@njit(cache=True, nogil=True)
def _contrast_events(field: np.ndarray, way: np.ndarray, dark: float, contrast: float, sample: int) -> np.ndarray:
    margin = (field.shape[0] - SIDE) // 2
    found = np.empty((1024, 4), np.int64)
    count = 0
    for row in range(SIDE):
        for column in range(SIDE):
            top, left = row + margin, column + margin
            if not field[top - 3 : top + 4, left - 3 : left + 4].any():
                continue
            before = 0.0
            reference = 0.0
            for k in range(len(way)):
                y, x = top - way[k, 1], left - way[k, 0]
                i, j = int(np.floor(y)), int(np.floor(x))
                down, right = y - i, x - j
                seen = (1 - down) * ((1 - right) * field[i, j] + right * field[i, j + 1]) + down * (
                    (1 - right) * field[i + 1, j] + right * field[i + 1, j + 1]
                )
                now = np.log(seen + dark)
                if k == 0:
                    before = reference = now
                    continue
                while abs(now - reference) >= contrast:
                    polarity = 1 if now > reference else 0
                    reference += contrast if polarity else -contrast
                    share = (reference - before) / (now - before)
                    if count == len(found):
                        larger = np.empty((2 * count, 4), np.int64)
                        larger[:count] = found
                        found = larger
                    found[count, 0] = min(int((k - 1 + share) * sample), (len(way) - 1) * sample - 1)
                    found[count, 1] = column
                    found[count, 2] = row
                    found[count, 3] = polarity
                    count += 1
                before = now
    return found[:count]
