"""An event camera's stream as animation: what the camera sends, the answer meanwhile, and what both have cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from snnviz import plots
from snnviz._amounts import count
from snnviz._arguments import checked
from snnviz.events import Recordings
from snnviz.figures.animation import Animation
from snnviz.figures.frames import FADE, answer_strip, canvas, frame_rate, origin, score_bars, scores_of
from snnviz.plots import theme
from snnviz.plots._event_stream import stream_costs

if TYPE_CHECKING:
    import xarray as xr


@checked
def stream_animation(
    result: xr.Dataset, item: int, recordings: Recordings, *, fps: int = 8, dark: bool = True
) -> Animation:
    """The stream as it comes, a frame a time step: events of the sensor's pixels, class scores, answers, events so far.

    A pixel lights up in the colour of its polarity (on green, off purple) and then fades.

    Args:
        result: of input "spikes" with `step_ms`, with class scores (`record=["logits"]`); with events of each item
            (`record=["logits", "events"]`) the network's are the item's own, else the mean of all.
        item: index of the item, from 0.
        recordings: those of the result's items.
        fps: time steps a second.
        dark: for a dark background.
    """
    data = plots.event_stream_data(result, item, recordings)
    scores, step_ms = scores_of(result, item), float(result.attrs["step_ms"])
    label, classes = int(result["label"].values[item]), result["class"].values.astype(str)
    sent = np.zeros((len(scores), *recordings.shape), np.float32)
    sent[data["step"] - 1, data["y"], data["x"], (data["polarity"] == "on").astype(int)] = 1
    camera, network, _ = stream_costs(result, item, data)
    palette = theme.palette(dark)
    with canvas(5.4, 3.1, palette) as (figure, snap):
        grid = figure.add_gridspec(
            2,
            2,
            width_ratios=[1, 1.15],
            height_ratios=[6, 1],
            left=0.05,
            right=0.97,
            top=0.84,
            bottom=0.13,
            hspace=0.22,
        )
        sensor = figure.add_subplot(grid[0, 0])
        sensor.set(xticks=[], yticks=[])
        sensor.set_title("camera", color=palette.text, fontsize=8)
        for spine in sensor.spines.values():
            spine.set_color(palette.grid)
        shown = sensor.imshow(np.zeros((*recordings.sensor, 3)), interpolation="nearest")
        updates = [
            score_bars(figure.add_subplot(grid[0, 1]), classes, scores, label, palette),
            answer_strip(figure.add_subplot(grid[1, :]), scores, classes, label, palette),
        ]
        figure.axes[-1].xaxis.set_major_formatter(lambda step, _: f"{step * step_ms:g}")
        figure.axes[-1].set_xlabel("time (ms)", color=palette.muted, fontsize=7, labelpad=1)
        words = figure.text(0.05, 0.935, "", color=palette.text, fontsize=9)
        glow, frames = np.zeros(recordings.shape, np.float32), []
        for step in range(len(scores)):
            glow = np.maximum(sent[step], FADE * glow)
            lit = np.append(glow, np.ones_like(glow[:1]), axis=0)  # a row of full light, by which pictures are scaled
            shown.set_data(plots.as_pictures(lit[None], dark)[0, :-1])
            for update in updates:
                update(step)
            words.set_text(
                f"{(step + 1) * step_ms:g} ms, true class {classes[label]}: {count(camera[: step + 1].sum())} camera events, "
                f"{count(network[: step + 1].sum())} synaptic events"
            )
            frames.append(snap())
    title = f"Stream of the camera, item {item}"
    return Animation(tuple(frames), frame_rate(fps), title, origin([result]))
