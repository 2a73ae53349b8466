"""How sure a network is, from its class scores: what `snnviz.metrics` looks at afterwards and `snnviz.simulation` stops at."""

from __future__ import annotations

import numpy as np


def softmax_margin(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Difference of the two largest values of softmax(scores / temperature) over the last axis, float64."""
    scaled = scores.astype(np.float64, order="C") / temperature
    best = scaled.argmax(axis=-1, keepdims=True)
    scaled -= np.take_along_axis(scaled, best, axis=-1)
    np.exp(scaled, out=scaled)
    total = scaled.sum(axis=-1)
    np.put_along_axis(scaled, best, 0.0, axis=-1)  # it was exp(0) = 1
    return (1.0 - scaled.max(axis=-1)) / total


def gap(scores: np.ndarray) -> np.ndarray:
    """Difference of the two largest scores over the last axis, float64."""
    two = np.partition(scores.astype(np.float64, order="C"), -2, axis=-1)[..., -2:]
    return two[..., 1] - two[..., 0]
