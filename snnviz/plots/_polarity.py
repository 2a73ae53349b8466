"""Colours of the two polarities of an event camera."""

from __future__ import annotations

import numpy as np

from snnviz._arguments import checked
from snnviz.plots import theme


def polarity_colors(dark: bool = False) -> dict[str, str]:
    """Colours of events: neither those of right and wrong answers, nor alike to the colour-blind."""
    return {"on": theme.series_color(2, dark), "off": theme.series_color(3, dark)}


@checked
def as_pictures(images: np.ndarray, dark: bool = False) -> np.ndarray:
    """Images of two polarities, (items, height, width, 2), as colours (items, height, width, 3) in [0, 1]; any other as they are.

    Off comes in one colour and on in another over the background, each pixel as strongly as its share of the picture's maximum.
    """
    if images.ndim != 4 or images.shape[-1] != 2:
        return images
    back, off, on = (
        np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        for color in (theme.palette(dark).background, polarity_colors(dark)["off"], polarity_colors(dark)["on"])
    )
    strongest = np.maximum(images.max(axis=(1, 2, 3), keepdims=True), 1e-9)
    shares = np.sqrt(images / strongest)
    total = np.maximum(shares.sum(axis=-1, keepdims=True), 1e-9)
    ink = (shares[..., :1] * off + shares[..., 1:] * on) / total
    cover = shares.max(axis=-1, keepdims=True)
    return np.asarray(back + cover * (ink - back), np.float32).clip(0, 1)
