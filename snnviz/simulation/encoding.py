"""Input encoding that no engine does for itself: Poisson spike trains."""

from __future__ import annotations

import numpy as np


def poisson_spikes(x: np.ndarray, steps: int, seed: int, first_item: int = 0) -> np.ndarray:
    """Binary spike trains with rate x: a neuron spikes at a step with probability equal to its intensity.

    Every item has a random stream of its own, a function of the seed and its index alone, so that neither the batch
    size nor the engine changes its spikes.

    Args:
        x: intensities in [0, 1], (items, *shape).
        steps: number of steps T.
        seed: seed of the whole data set.
        first_item: index of `x[0]` in the data set.

    Returns:
        uint8 (items, T, *shape), 1 for a spike.
    """
    trains = np.empty((len(x), steps, *x.shape[1:]), np.uint8)
    for offset, intensities in enumerate(x):
        stream = np.random.Generator(np.random.Philox(np.random.SeedSequence((seed, first_item + offset))))
        draws = stream.random((steps, *x.shape[1:]), dtype=np.float32)
        np.less(draws, intensities, out=trains[offset].view(bool))
    return trains
