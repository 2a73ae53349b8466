"""What an accuracy plot says beside its curves, where no curve lies: thresholds, crossings, accuracies of analog networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import holoviews as hv
import numpy as np
import pandas as pd

from snnviz._amounts import count
from snnviz.plots import theme

_SEGMENT = ("x0", "y0", "x1", "y1", "color")
_POINT = ("x", "accuracy", "color")
WORD = ("x", "accuracy", "text", "color")
_Rows = dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]
_WORDS: dict[str, Callable[[Any], str]] = {
    "time": lambda row: f"step {row.time}",
    "cumulative_events": lambda row: f"{count(row.events)} events",
}
"""What is on the horizontal axis -> the words at a crossing."""
_LETTER, _LINE, _GAP = 0.023, 0.075, 0.025
"""Width of a letter, height of a line, and distance of words from their mark, of the axes of a figure on a phone: there words are
largest."""
_TOP = 1.02
"""How high words may reach: a line is lower than `_LINE` on anything wider than a phone."""
_FAR = 20.0
"""What a line's height between words and their line costs, in points of curves under them: a level line has 15 under a word."""
_SHORT = 24
"""Letters of a run's name that still fits beside a mark."""
_LEGEND = (0.62, 0.0, 1.0, 0.24)
TOGETHER = 0.02
"""Fraction of the accuracy axis within which the lines of analog networks have one name."""


@dataclass(frozen=True)
class Frame:
    """The axes of an accuracy plot, and what of them is taken.

    Attributes:
        x: "time" or "cumulative_events", what is on the horizontal axis.
        ends: of the horizontal axis.
        limits: of the accuracy axis, in percent.
        log: whether the horizontal axis is logarithmic.
        curves: points along the curves, (n, 2), as fractions of the axes.
        boxes: places of words, (left, bottom, right, top), as fractions of the axes.
    """

    x: str
    ends: tuple[float, float]
    limits: tuple[float, float]
    log: bool
    curves: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    boxes: list[tuple[float, float, float, float]] = field(default_factory=list)

    def around(self, data: pd.DataFrame, levels: Iterable[float]) -> Frame:
        """These axes with the curves of `data` (columns run, `x` and accuracy in percent) in them, and lines at `levels`."""
        paths = [self._path(rows) for _, rows in data.groupby("run", sort=False)]
        taken = [_LEGEND] if len(paths) > 1 else []
        across = np.arange(0.0, 1.0, 0.02)
        paths += [np.stack([across, np.full(len(across), self.up(level))], axis=1) for level in levels]
        return Frame(self.x, self.ends, self.limits, self.log, np.concatenate(paths), taken)

    def _path(self, rows: pd.DataFrame) -> np.ndarray:
        corners = np.stack([self.across(rows[self.x]), self.up(rows["accuracy"])], axis=1)
        places = np.arange(0, len(corners) - 1 + 1e-9, max(0.02, len(corners) / 4000))
        return np.stack([np.interp(places, np.arange(len(corners)), column) for column in corners.T], axis=1)

    def across(self, values: Any) -> np.ndarray:
        """Fractions of the horizontal axis, 0 at its first end and 1 at its last."""
        first, last, at = (np.log10(np.maximum(value, 1e-12)) if self.log else value for value in (*self.ends, values))
        return (np.asarray(at, float) - first) / (last - first) if last > first else np.ones(np.shape(at))

    def up(self, values: Any) -> np.ndarray:
        """Fractions of the accuracy axis."""
        return (np.asarray(values, float) - self.limits[0]) / (self.limits[1] - self.limits[0])

    def place(
        self, text: str, spots: Iterable[tuple[float, float, str]], level: float | None = None
    ) -> tuple[float, float, str]:
        """The first of `spots` (across, up, align) where `text` lies on nothing, else the least crowded; then it is taken.

        Words about a line at height `level` rather touch another level line than stand far from their own.
        """
        best, least = (0.0, 0.0, "left"), np.inf
        for spot in spots:
            crowd = self._crowd(_box(text, *spot))
            cost = crowd + (0.0 if level is None else _FAR * abs(spot[1] - level) / _LINE)
            if cost < least:
                best, least = spot, cost
            if not crowd:
                break
        self.boxes.append(_box(text, *best))
        return best

    def _crowd(self, box: tuple[float, float, float, float]) -> float:
        left, bottom, right, top = box
        x, y = self.curves.T
        lying = np.count_nonzero((x > left) & (x < right) & (y > bottom) & (y < top))
        words = sum(left < c and a < right and bottom < d and b < top for a, b, c, d in self.boxes)
        return lying + 1000 * words + 1e6 * (left < -0.01 or right > 1.08 or bottom < 0 or top > _TOP)

    def point(self, spot: tuple[float, float, str]) -> tuple[float, float]:
        """A spot in the units of the axes."""
        first, last = (np.log10(end) if self.log else end for end in self.ends)
        at = first + spot[0] * (last - first)
        return float(10**at if self.log else at), self.limits[0] + spot[1] * (self.limits[1] - self.limits[0])


def _box(text: str, across: float, up: float, align: str) -> tuple[float, float, float, float]:
    width = _GAP + _LETTER * len(text)
    left = across if align == "left" else across - width
    return left, up - _LINE / 2, left + width, up + _LINE / 2


def ann_words(
    frame: Frame, anns: Mapping[str, float], colors: Mapping[str, str], palette: theme.Palette
) -> list[tuple[Any, ...]]:
    """Names of the lines of analog networks; one for lines that lie together."""
    heights = {name: float(frame.up(ann)) for name, ann in anns.items() if np.isfinite(ann)}
    groups: list[list[str]] = []
    for name, height in heights.items():
        group = next((found for found in groups if abs(heights[found[0]] - height) <= TOGETHER), None)
        groups.append([name]) if group is None else group.append(name)
    words = []
    for group in groups:
        text = "ANNs" if len({anns[name] for name in group}) > 1 else "ANN"
        names = " and ".join(group)
        if len(group) < len(anns):  # which: the runs if there is room, else how good
            text += f", {names}" if len(names) <= _SHORT else f", {_range([anns[name] for name in group])}"
        spot = frame.place(text, _beside(heights[group[0]]), heights[group[0]])
        words.append((*frame.point(spot), text, colors[group[0]] if len(group) == 1 else palette.muted))
    return words


def _range(accuracies: list[float]) -> str:
    """Accuracies in percent, in words."""
    low, high = f"{min(accuracies):.2f}", f"{max(accuracies):.2f}"
    return f"{low} %" if low == high else f"{low} to {high} %"


def _beside(height: float) -> list[tuple[float, float, str]]:
    """Spots above and below a level line, the nearest first."""
    return [
        (place, height + side * (0.6 + step) * _LINE, "right")
        for step in (0.0, 0.4, 0.8, 1.3, 2.0, 3.0, 4.0)
        for place in (1.0, 0.8, 0.6, 0.4, 0.2)
        for side in (1, -1)
    ]


def mark_rows(crossings: pd.DataFrame, frame: Frame, colors: Mapping[str, str], palette: theme.Palette) -> _Rows:
    """The thresholds, a dotted line down from each crossing, and a red cross at the end for runs that never cross.

    Returns:
        Columns and rows of each kind of mark, in the order of drawing.
    """
    bottom, end = frame.limits[0], frame.ends[1]
    column = "time" if frame.x == "time" else "events"
    crossed = crossings[crossings["crossed"]].sort_values(column)
    drops = [
        (float(getattr(row, column)), bottom, float(getattr(row, column)), 100 * row.threshold, colors[row.run])
        for row in crossed.itertuples()
    ]
    dots = [(at, height, color) for at, _, _, height, color in drops]
    crosses: list[tuple[Any, ...]] = []
    words: dict[str, list[tuple[Any, ...]]] = {"left": [], "right": []}

    def write(text: str, color: str, spots: Iterable[tuple[float, float, str]], level: float | None = None) -> None:
        spot = frame.place(text, spots, level)
        words[spot[2]].append((*frame.point(spot), text, color))

    # first: words of a crossing stand anywhere along its line, those of a threshold at it or nowhere
    goals = sorted({100 * goal for goal in crossings["threshold"]}, reverse=True)
    for text, height in _goal_words(goals, frame.limits[1] - frame.limits[0]):
        level = float(frame.up(height))
        write(text, palette.muted, _beside(level), level)
    lines = sorted(float(frame.across(at)) for at, *_ in drops)
    for row in crossed.itertuples():
        text = _named(row.run, _WORDS[frame.x](row), colors)
        write(text, colors[row.run], _under(frame, float(getattr(row, column)), row.threshold, lines))
    for goal, missed in crossings[~crossings["crossed"]].groupby("threshold"):
        crosses.append((end, 100 * goal, palette.missed))
        text = _named(", ".join(missed["run"]), "never reached", colors)
        level = float(frame.up(100 * goal))
        write(text, palette.missed, _beside(level), level)
    # a mark that is not there keeps its element, with a row that draws nothing: pages update elements in place, and a column
    # without colours could not be told from one of numbers
    nowhere = (np.nan, np.nan)
    return {
        "goals": (_SEGMENT, [(frame.ends[0], goal, end, goal, palette.muted) for goal in goals]),
        "drops": (_SEGMENT, drops or [(*nowhere, *nowhere, palette.muted)]),
        "dots": (_POINT, dots or [(*nowhere, palette.muted)]),
        "crosses": (_POINT, crosses or [(*nowhere, palette.muted)]),
        "left": (WORD, words["left"] or [(*nowhere, "", palette.muted)]),
        "right": (WORD, words["right"] or [(*nowhere, "", palette.muted)]),
    }


def _named(run: str, text: str, colors: Mapping[str, str]) -> str:
    """`text` with the name of its run before it, where there are several and it is short: colours alone do not print."""
    return f"{run}: {text}" if len(colors) > 1 and len(run) <= _SHORT else text


def _under(frame: Frame, at: float, threshold: float, lines: Sequence[float]) -> list[tuple[float, float, str]]:
    """Spots for the words of a crossing: right of its line, right of lines that these would cross, left of it; high to low."""
    start, height = float(frame.across(at)), float(frame.up(100 * threshold))
    reach = start
    for line in lines:  # beyond the lines that stand so near that the words would lie on them
        if start < line < reach + 0.1:
            reach = line
    levels = [height - (1.0 + step) * _LINE for step in range(int(max(height, 0) / _LINE))] or [height + _LINE]
    return [(place, level, align) for place, align in ((reach, "left"), (start, "right")) for level in levels]


def _goal_words(goals: Sequence[float], span: float) -> list[tuple[str, float]]:
    """Names of thresholds, the highest first; one for those that lie together."""
    groups: list[list[float]] = []
    for goal in goals:
        if groups and groups[-1][-1] - goal < 0.06 * span:
            groups[-1].append(goal)
        else:
            groups.append([goal])
    return [
        (f"threshold{'s' if len(group) > 1 else ''} {' and '.join(f'{goal:.4g}' for goal in group)} %", group[0])
        for group in groups
    ]


def marks(rows: _Rows) -> list[Any]:
    """The elements of `mark_rows`."""
    place = ["x", "accuracy"]
    made = {name: values for name, (_, values) in rows.items()}
    return [
        theme.lines(made["goals"], dash="dashed", width=1.2),
        theme.lines(made["drops"], dash="dotted", width=1.8),
        theme.points(hv.Points(made["dots"], place, "color")),
        theme.points(hv.Points(made["crosses"], place, "color"), marker="x", size=11),
        theme.words(made["left"], place, dx=8, size=11, clear=True),
        theme.words(made["right"], place, align="right", dx=-8, size=11, clear=True),
    ]
