"""Training images, varied."""

from __future__ import annotations

import numpy as np


def mirrored(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Images (B, H, W, C), those with `chosen` (B,) true mirrored left to right."""
    return np.where(chosen[:, None, None, None], images[:, :, ::-1], images)


def shifted(images: np.ndarray, offsets: np.ndarray, reach: int) -> np.ndarray:
    """Images (B, H, W, C) moved by `offsets` (2, B) - reach pixels, zeros coming in at the borders."""
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach), (0, 0)))
    rows = offsets[0][:, None] + np.arange(height)
    columns = offsets[1][:, None] + np.arange(width)
    return padded[np.arange(len(images))[:, None, None], rows[:, :, None], columns[:, None, :]]
