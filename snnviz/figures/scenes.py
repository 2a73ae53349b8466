"""What the animations show: the network firing, and the answer as it evolves over the input seen so far."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz import plots
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.figures.animation import Animation
from snnviz.figures.frames import FADE, answer_strip, canvas, frame_rate, origin, score_bars, scores_of
from snnviz.plots import Results, named, theme

if TYPE_CHECKING:
    import xarray as xr

MOST_NEURONS = 1024
"""Of a larger layer that many neurons are shown, evenly spaced."""


@checked
def firing_animation(
    result: xr.Dataset,
    item: int,
    image: np.ndarray | None = None,
    *,
    layers: Sequence[str] | None = None,
    fps: int = 8,
    dark: bool = True,
) -> Animation:
    """The network firing: a square a neuron that lights up when it fires and then fades, and the class scores.

    Args:
        result: a result with spikes and logits, from
            `simulate(..., record=Record(logits=True, spikes=network.firing_names))`.
        item: index of the item, from 0, among those traced.
        image: its intensities, (height, width[, channels]), whose shape the input's neurons then take.
        layers: names of the layers; None takes all that were recorded.
        fps: time steps a second.
        dark: for a dark background.
    """
    names = plots.recorded_layers(result) if layers is None else list(layers)
    spikes = {name: _spikes(result, item, name) for name in names}
    if not spikes:
        raise InputError(
            "`result` must hold spikes; simulate with record=Record(logits=True, spikes=network.firing_names). "
            f"Received: {sorted(map(str, result.data_vars))}"
        )
    scores = scores_of(result, item)
    label = int(result["label"].values[item])
    classes = result["class"].values.astype(str)
    palette = theme.palette(dark)
    colors = theme.depth_colors(len(names), dark)
    grids = {name: _grid(train.shape[1], image if name == "input" else None) for name, train in spikes.items()}

    with canvas(2.2 * (len(names) + 1), 2.6, palette) as (figure, snap):
        axes = figure.subplots(1, len(names) + 1, width_ratios=[1] * len(names) + [0.85])
        figure.subplots_adjust(left=0.015, right=0.985, top=0.86, bottom=0.1, wspace=0.14)
        lit = {}
        for place, (name, color) in enumerate(zip(names, colors, strict=True)):
            lit[name] = axes[place].imshow(
                np.zeros((*grids[name], 3)), interpolation="nearest", extent=(0, grids[name][1], 0, grids[name][0])
            )
            axes[place].set_axis_off()
            count = spikes[name].shape[1]
            shown = "" if count <= MOST_NEURONS else f" of {int(result[f'spikes_{name}'].shape[2]):,}"
            axes[place].set_title(f"{name}, {count:,}{shown} neurons", color=palette.text, fontsize=8)
            axes[place].set_anchor("N")
            lit[name].color = color
        update = score_bars(axes[-1], classes, scores, label, palette)
        words = figure.text(0.015, 0.025, "", color=palette.text, fontsize=9)
        glow = {name: np.zeros(train.shape[1]) for name, train in spikes.items()}
        frames = []
        for step in range(len(scores)):
            for name, train in spikes.items():
                glow[name] = np.maximum(train[step], FADE * glow[name])
                lit[name].set_data(_lights(glow[name], grids[name], lit[name].color, palette))
            update(step)
            words.set_text(f"step {step + 1}")
            frames.append(snap())
    return Animation(tuple(frames), frame_rate(fps), f"Firing of the network, item {item}", origin([result]))


@checked
def prediction_animation(
    results: Results,
    item: int,
    image: np.ndarray,
    *,
    fps: int = 8,
    dark: bool = True,
) -> Animation:
    """The answer as it evolves: the image, what the input has told of it so far, the class scores, and the answers until now.

    What the input has told is the mean of its spikes up to the step, a rate that comes to the intensity.

    Args:
        results: a result, or several of the same items (e.g. {"before": ..., "after": ...}), with logits and spikes of the
            input, from `simulate(..., record=Record(logits=True, spikes=["input"]))`.
        item: index of the item, from 0, among those traced.
        image: its intensities, (height, width[, channels]).
        fps: time steps a second.
        dark: for a dark background.
    """
    runs = named(results)
    array = np.asarray(image, float)
    array = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    spikes = {name: _spikes(run, item, "input", most=None) for name, run in runs.items()}
    scores = {name: scores_of(run, item) for name, run in runs.items()}
    sizes = {train.shape[1] for train in spikes.values()}
    if array.ndim not in (2, 3) or sizes != {array.size}:
        raise InputError(
            f"`image` must have one intensity for each of the {min(sizes)} input neurons, (height, width[, channels]). "
            f"Received: {check.describe(np.asarray(image))}"
        )
    first = next(iter(runs.values()))
    label, classes = int(first["label"].values[item]), first["class"].values.astype(str)
    palette = theme.palette(dark)
    height = 0.7 + 1.95 * len(runs)  # inches
    with canvas(7.4, height, palette) as (figure, snap):
        grid = figure.add_gridspec(
            2 * len(runs), 3, width_ratios=[1, 1, 1.6], height_ratios=[5, 1] * len(runs),
            left=0.05, right=0.98, top=1 - 0.5 / height, bottom=0.3 / height, hspace=0.3, wspace=0.08,
        )  # fmt: skip
        updates: list[Callable[[int], None]] = []
        for row, name in enumerate(runs):
            updates += [
                _seen(figure, grid, row, array, spikes[name], palette),
                score_bars(
                    figure.add_subplot(grid[2 * row, 2]), classes, scores[name], label, palette, titled=row == 0
                ),
                answer_strip(figure.add_subplot(grid[2 * row + 1, :]), scores[name], classes, label, palette),
            ]
            figure.axes[-1].tick_params(labelbottom=row == len(runs) - 1)
            if len(runs) > 1:
                figure.axes[-4].set_ylabel(name, color=palette.text, fontsize=9)
        words = figure.text(0.05, 1 - 0.2 / height, "", color=palette.text, fontsize=9)
        frames = []
        for step in range(len(next(iter(scores.values())))):
            for update in updates:
                update(step)
            words.set_text(f"step {step + 1}, true class {classes[label]}")
            frames.append(snap())
    return Animation(tuple(frames), frame_rate(fps), f"Prediction over time, item {item}", origin(list(runs.values())))


# --- parts of a frame -------------------------------------------------------------------------------------------------


def _seen(
    figure: Any, grid: Any, row: int, image: np.ndarray, train: np.ndarray, palette: theme.Palette
) -> Callable[[int], None]:
    """The image, and beside it the mean of the input's spikes so far."""
    whole, so_far = (figure.add_subplot(grid[2 * row, column]) for column in (0, 1))
    look = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0, "interpolation": "nearest"}
    whole.imshow(image, **look)
    shown = so_far.imshow(np.zeros_like(image), **look)
    for axes, title in ((whole, "image"), (so_far, "input so far")):
        axes.set(xticks=[], yticks=[])
        axes.set_title(title if row == 0 else "", color=palette.text, fontsize=8)
        for spine in axes.spines.values():
            spine.set_color(palette.grid)
    mean = train.cumsum(axis=0) / np.arange(1, len(train) + 1)[:, None]

    def update(step: int) -> None:
        shown.set_data(mean[step].reshape(image.shape))

    return update


def _grid(count: int, image: np.ndarray | None) -> tuple[int, int]:
    """Rows and columns of a layer's squares: those of the image, else nearly square."""
    if image is not None and np.asarray(image).ndim >= 2:
        height, width = np.asarray(image).shape[:2]
        if height * width == count:
            return int(height), int(width)
    columns = math.ceil(math.sqrt(count))
    return math.ceil(count / columns), columns


def _lights(glow: np.ndarray, grid: tuple[int, int], color: str, palette: theme.Palette) -> np.ndarray:
    """RGB squares, from nearly dark to the layer's colour; places beyond the last neuron have the background's."""
    background, dim, bright = (
        np.array([int(text[start : start + 2], 16) for start in (1, 3, 5)]) / 255
        for text in (palette.background, palette.grid, color)
    )
    cells = np.tile(background, (grid[0] * grid[1], 1))
    cells[: len(glow)] = dim + glow[:, None] * (bright - dim)
    return cells.reshape(*grid, 3)


# --- what is shown ----------------------------------------------------------------------------------------------------


def _spikes(result: xr.Dataset, item: int, layer: str, most: int | None = MOST_NEURONS) -> np.ndarray:
    """Spikes of one item, (T, neurons), of `most` neurons at most."""
    name = f"spikes_{layer}"
    if name not in result:
        raise InputError(
            f"`result` must hold {name!r}; simulate with record=Record(logits=True, spikes=[{layer!r}]). "
            f"Received: {sorted(map(str, result.data_vars))}"
        )
    train = result[name].values[check.integer("item", item, 0, result.sizes["traced"] - 1)]
    if most is None or train.shape[1] <= most:
        return train
    return train[:, np.linspace(0, train.shape[1] - 1, most).round().astype(int)]
