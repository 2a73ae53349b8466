"""Figure B of the paper's supplement: images, and the class that is predicted for them after each step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.plots import theme
from snnviz.plots._cursor import cursor
from snnviz.plots._polarity import as_pictures
from snnviz.plots._runs import Results, named, recorded, step_unit
from snnviz.plots.inplace import ADDED, Hook

_ROW = 0.42
"""Height of a run's strip, of an item's 1."""
_LOWER = 0.1
"""By how much strips of wrong answers are lower, so that they can be told apart without colours."""
_LETTER = 0.016
"""Width of a letter, of the strip's."""


@checked
def telling_items(results: Results, count: int = 5) -> list[int]:
    """Indices of items whose answers are worth a look: right in the end for every run, after being wrong for longest.

    Args:
        results: results of the same items with `prediction`.
        count: how many.
    """
    check.integer("count", count, 1)
    wrong_until, right_in_the_end = [], []
    for result in _same_items(results).values():
        right = recorded(result, "prediction", 'record=["prediction"]').values == result["label"].values[:, None]
        steps = right.shape[1]
        wrong_until.append(np.where(right.all(axis=1), 0, steps - (~right)[:, ::-1].argmax(axis=1)))
        right_in_the_end.append(right[:, -1])
    late = np.where(np.all(right_in_the_end, axis=0), np.max(wrong_until, axis=0), -1)
    return [int(item) for item in np.argsort(-late, kind="stable")[:count]]


@checked
def prediction_strip_data(results: Results, items: Sequence[int]) -> pd.DataFrame:
    """One row for every stretch of time in which the answer stays the same.

    Columns item, label (true class), run, first and last (steps), prediction (class), right (whether it is the true class).

    Args:
        results: a result, or several of the same items (e.g. {"before": ..., "after": ...}), each with `prediction`.
        items: indices of the items, from 0.
    """
    runs = _same_items(results)
    rows: list[tuple[int, str, str, int, int, str, bool]] = []
    for item in items:
        for name, result in runs.items():
            predictions = recorded(result, "prediction", 'record=["prediction"]')
            check.integer("items", item, 0, predictions.sizes["item"] - 1)
            classes = result["class"].values.astype(str)
            answers = predictions.values[item]
            label = classes[int(result["label"].values[item])]
            starts = np.concatenate([[0], np.flatnonzero(np.diff(answers)) + 1])
            ends = np.append(starts[1:], len(answers))
            for start, end in zip(starts, ends, strict=True):
                answer = classes[int(answers[start])]
                rows.append((int(item), label, name, int(start) + 1, int(end), answer, answer == label))
    if not rows:
        raise InputError("`items` must name at least one item. Received: none")
    return pd.DataFrame(rows, columns=["item", "label", "run", "first", "last", "prediction", "right"])


@checked
def prediction_strip(
    results: Results,
    items: Sequence[int],
    images: np.ndarray | None = None,
    *,
    time: int | None = None,
    dark: bool = False,
    height: int | None = None,
) -> hv.Overlay:
    """For each item its image and, one strip a run, the predicted class after each step: right in blue, wrong in orange and
    lower.

    Args:
        results: as in `prediction_strip_data`; the first run is on top.
        items: indices of the items, from 0.
        images: intensities of all items of the results, (items, height, width[, channels]), or None for no images.
        time: a step to mark with a line, or None.
        dark: for a dark background.
        height: on pages, in pixels; None gives each strip what it needs.
    """
    data = prediction_strip_data(results, items)
    runs = list(dict.fromkeys(data["run"]))
    steps = int(data["last"].max())
    palette = theme.palette(dark)
    fills = {True: palette.series[0], False: palette.series[1]}
    per_item = _ROW * len(runs) + 0.26
    bars, words, names, ticks = [], [], [], []
    for position, (_, rows) in enumerate(data.groupby("item", sort=False)):
        top = -position * per_item
        ticks.append((top - _ROW * len(runs) / 2, rows["label"].iloc[0]))
        for row in rows.itertuples():
            up = top - _ROW * runs.index(row.run)
            color = fills[bool(row.right)]
            said = "right" if row.right else "wrong"
            box = (row.first - 0.5, up - _ROW, row.last + 0.5, up - (0 if row.right else _LOWER))
            bars.append((*box, row.run, row.prediction, said, row.first, row.last, color))
            if len(row.prediction) * _LETTER * steps + 0.4 < row.last - row.first + 1:
                middle = (row.first + row.last) / 2
                words.append((middle, (box[1] + box[3]) / 2, row.prediction, theme.ink(color)))
            if row.first == 1:
                names.append((0.5, up - _ROW / 2, theme.narrow(row.run) if len(runs) > 1 else "", palette.muted))
    bottom = -per_item * len(ticks) + 0.2
    columns = ["run", "prediction", "said", "first", "last", "color"]
    tooltips = [("", "@run"), ("answer", "@prediction, @said"), ("steps", "@first to @last")]
    longest = max(len(line) for run in runs for line in theme.narrow(run).split("\n")) if len(runs) > 1 else 0
    left = -(0.022 * longest + 0.02) * steps
    pictures = None if images is None else _pictures(images, items, data)
    edge = 0.5 + left - (0.16 * steps if pictures is not None else 0)
    key = [(steps + 0.5, 0.16, "right", fills[True])], [(steps + 0.5, 0.16, "wrong (lower)", fills[False])]
    place = ["x", "y"]
    parts: list[Any] = [
        theme.rectangles(
            hv.Rectangles(bars, ["x0", "y0", "x1", "y1"], columns), tooltips=tooltips, edge=palette.background, width=1.5
        ),
        theme.words(words, place, align="center", dx=0, size=11),
        theme.words(names, place, align="right", dx=-6, size=11),
        theme.words(key[0], place, align="right", dx=-92, size=11),  # beside the other
        theme.words(key[1], place, align="right", dx=0, size=11),
        cursor(time, steps, (bottom, 0.02), palette),
    ]  # fmt: skip
    pixels = round(56 * (0.28 - bottom)) + 90 if height is None else height
    drawn = theme.figure(
        hv.Overlay(parts),
        dark=dark,
        xlabel=f"Time ({step_unit(results)})",
        ylabel="True class",
        xlim=(edge, steps + 0.5),
        ylim=(bottom, 0.28),
        xticks=[(step, str(step)) for step in _steps(steps)],
        yticks=ticks,
        grid=False,
        height=pixels,
    )
    if pictures is not None:
        centres = [at for at, _ in ticks]
        room = 0.92 * _ROW * len(runs)
        inner = (pixels - 90) / (0.28 - bottom)  # pixels a unit of height, about
        hooks = (
            _bokeh_pictures(pictures, centres, 0.5 + left, room * inner),
            _mpl_pictures(pictures, centres, 0.5 + left, room),
        )
        theme.add_hooks(drawn, *hooks)
    return drawn


def _same_items(results: Results) -> dict[str, Any]:
    runs = named(results)
    first, *others = (result["label"].values for result in runs.values())
    if not all(np.array_equal(first, other) for other in others):
        raise InputError("`results` must be of the same items. Received: results whose labels differ")
    return runs


def _steps(steps: int) -> list[int]:
    """Steps to name on the axis: the first, then round ones."""
    stride = next(size for size in (1, 2, 5, 10, 20, 50, 100, 200, 500, steps) if steps / size <= 8)
    return [1, *(step for step in range(stride, steps + 1, stride) if step > 1)]


def _pictures(images: np.ndarray, items: Sequence[int], data: pd.DataFrame) -> list[np.ndarray]:
    """The images as 8-bit RGBA (height, width, 4)."""
    array = as_pictures(check.images("images", images))
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[3] not in (1, 3):
        raise InputError(
            f"`images` must have shape (items, height, width[, 1 or 3 channels]). Received: {check.describe(np.asarray(images))}"
        )
    if len(array) <= max(items):
        raise InputError(
            f"`images` must hold every item of the results. Received: {len(array)} images, item {max(items)}"
        )
    pictures = []
    for item in dict.fromkeys(data["item"]):
        picture = np.full((*array.shape[1:3], 4), 255, np.uint8)
        picture[..., :3] = np.round(255 * array[item])
        pictures.append(picture)
    return pictures


def _bokeh_pictures(
    pictures: list[np.ndarray], centres: list[float], right: float, size: float
) -> Callable[[Any, Any], None]:
    """Images in screen units, so that they are square whatever the page's width."""
    from bokeh.models import ColumnDataSource

    packed = [np.ascontiguousarray(picture[::-1]).view(np.uint32)[..., 0] for picture in pictures]

    def show(figure: Any) -> None:
        drawn = next((renderer for renderer in figure.renderers if renderer.name == ADDED), None)
        if drawn is None:
            drawn = figure.image_rgba(
                image="image", x="x", y="y", dw=size, dh=size, dw_units="screen", dh_units="screen", name=ADDED,
                anchor="center_right", source=ColumnDataSource({"image": [], "x": [], "y": []}),
            )  # fmt: skip
        drawn.data_source.data = {"image": packed, "x": [right] * len(packed), "y": centres}
        drawn.glyph.dw = drawn.glyph.dh = size

    return Hook(show)


def _mpl_pictures(
    pictures: list[np.ndarray], centres: list[float], right: float, room: float
) -> Callable[[Any, Any], None]:
    """Images in axes of their own, which keep them square."""

    def hook(plot: Any, element: Any) -> None:
        axes = plot.handles["axis"]
        width = right - axes.get_xlim()[0]
        for picture, centre in zip(pictures, centres, strict=True):
            box = axes.inset_axes([right - width, centre - room / 2, width, room], transform=axes.transData)
            box.imshow(picture, aspect="equal", interpolation="none")
            box.set_anchor("E")
            box.set_axis_off()

    return hook
