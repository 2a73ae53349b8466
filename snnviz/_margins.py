"""How sure a network is, from its class scores: what `snnviz.metrics` looks at afterwards and `snnviz.simulation` stops at."""

from __future__ import annotations

import numpy as np

_ROWS = 4096
"""Taken at once: their scores stay in the processor's cache."""


def softmax_margin(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Difference of the two largest values of softmax(scores / temperature) over the last axis, float64."""
    rows = scores.reshape(-1, scores.shape[-1])
    margins = [_margin(rows[start : start + _ROWS], temperature) for start in range(0, len(rows), _ROWS)]
    return np.concatenate(margins or [np.zeros(0)]).reshape(scores.shape[:-1])


def _margin(scores: np.ndarray, temperature: float) -> np.ndarray:
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
