"""What frames of animations are made of: a canvas, class scores as bars, answers as a strip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import __version__
from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.plots import theme

if TYPE_CHECKING:
    import xarray as xr
    from PIL.Image import Image

FADE = 0.55
"""What is left of a spike's light one step later."""


@contextmanager
def canvas(width: float, height: float, palette: theme.Palette) -> Iterator[tuple[Any, Callable[[], Image]]]:
    """A figure of its own, outside pyplot's state, and a function that takes its picture."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    with rc_context({"font.family": theme.EXPORT_FONT}):
        figure = Figure(
            (2 * round(width * 100) / 200, 2 * round(height * 100) / 200), dpi=200, facecolor=palette.background
        )
        canvas = FigureCanvasAgg(figure)

        def snap() -> Image.Image:
            canvas.draw()
            picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
            return picture.crop((0, 0, picture.width // 2 * 2, picture.height // 2 * 2))  # video wants even sizes

        yield figure, snap


def score_bars(
    axes: Any, classes: np.ndarray, scores: np.ndarray, label: int, palette: theme.Palette, titled: bool = True
) -> Callable[[int], None]:
    """Class scores as bars, relative to the best and the worst of the step; the answer in blue if right, else in orange."""
    places = np.arange(len(classes))
    bars = axes.barh(places, np.zeros(len(classes)), color=palette.muted, height=0.75)
    axes.set(xlim=(0, 1.02), ylim=(len(classes) - 0.4, -0.6), yticks=places if len(classes) <= 20 else [], xticks=[])
    if len(classes) <= 20:
        axes.set_yticklabels(classes)
    axes.tick_params(colors=palette.muted, labelsize=7, length=0)
    axes.set_facecolor(palette.background)
    axes.set_title("class scores" if titled else "", color=palette.text, fontsize=8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    rest = theme.blend(palette.muted, palette.background, 0.4)

    def update(step: int) -> None:
        now = scores[step]
        span = now.max() - now.min()
        answer = int(now.argmax())
        for place, bar in enumerate(bars):
            bar.set_width(0.05 + 0.95 * (now[place] - now.min()) / span if span else 0.05)
            bar.set_color(verdict(answer == label, palette) if place == answer else rest)

    return update


def answer_strip(
    axes: Any, scores: np.ndarray, classes: np.ndarray, label: int, palette: theme.Palette
) -> Callable[[int], None]:
    """The answers until now, a cell a step."""
    answers = scores.argmax(axis=1)
    axes.set(xlim=(0.5, len(answers) + 0.5), ylim=(0, 1), yticks=[])
    axes.tick_params(colors=palette.muted, labelsize=7, length=2)
    axes.set_facecolor(theme.blend(palette.background, palette.grid, 0.5))
    for spine in axes.spines.values():
        spine.set_visible(False)
    short = max(map(len, classes)) <= 2

    def update(step: int) -> None:
        color = verdict(answers[step] == label, palette)
        axes.add_patch(_cell(step, color))
        new = step == 0 or answers[step] != answers[step - 1]
        if short and new:
            axes.text(
                step + 1, 0.46, classes[answers[step]], ha="center", va="center", fontsize=7, color=theme.ink(color)
            )

    return update


def _cell(step: int, color: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((step + 0.5, 0), 1, 1, color=color, linewidth=0)


def verdict(right: bool, palette: theme.Palette) -> str:
    """The colour of an answer: blue where it is right, else orange."""
    return palette.series[0] if right else palette.series[1]


def scores_of(result: xr.Dataset, item: int) -> np.ndarray:
    """Class scores of one item, (T, classes)."""
    if "logits" not in result:
        raise InputError(
            "`result` must hold 'logits'; simulate with record=Record(logits=True, ...). "
            f"Received: {sorted(map(str, result.data_vars))}"
        )
    return result["logits"].values[item]


def frame_rate(value: int) -> int:
    """Frames a second, checked."""
    return check.integer("fps", value, 1, 60)


def origin(results: Sequence[xr.Dataset]) -> str:
    """Where a film of these results comes from."""
    hashes = [str(result.attrs.get("network_hash", "?")) for result in results]
    return f"snnviz {__version__}; network {', '.join(hashes)}"
