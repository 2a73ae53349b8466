"""Figures as files: each in every format asked for, with its caption as text and the numbers it draws as CSV."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnviz import __version__, _progress, plots
from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._files import replacing
from snnviz.errors import InputError
from snnviz.figures import animation, scenes
from snnviz.figures.catalog import (
    FIGURES,
    caption_of,
    first,
    lacks_animations,
    last,
    origin_of,
    streamed_item,
    traced_item,
)
from snnviz.figures.material import Material
from snnviz.figures.stream import stream_animation
from snnviz.plots import export


@dataclass(frozen=True)
class Made:
    """What `make` did.

    Attributes:
        files: figure name -> the files written, the caption and the CSV last.
        left_out: figure name -> why it could not be drawn.
    """

    files: Mapping[str, tuple[Path, ...]]
    left_out: Mapping[str, str]


@checked
def make(
    material: Material,
    folder: str | os.PathLike[str],
    names: Sequence[str] | None = None,
    *,
    formats: Sequence[str] = ("pdf", "svg", "png"),
    width: float | None = None,
    dark: bool = False,
    dpi: int = 300,
    family: str = "sans",
    progress: bool = True,
) -> Made:
    """Write figures and, beside each, its caption and the numbers it draws.

    Every picture carries its title and its origin (network, seed, engine, settings, version) in its metadata.

    Args:
        material: what to draw.
        folder: where to write NAME.pdf, NAME.txt (the caption), NAME.csv and so on.
        names: of `FIGURES`; None makes all for which there is material.
        formats: of "pdf" (fonts embedded), "svg" (the same bytes for the same data) and "png".
        width: of all figures, in inches; None takes each figure's own, that of a journal's single or double column.
        dark: for a dark background.
        dpi: of PNG.
        family: of the type, see `snnviz.plots.render`.
        progress: show a progress bar if it takes more than two seconds.

    Raises:
        InputError: if a name or a format is unknown, or a figure asked for by name lacks its material.
    """
    formats = [check.choice("formats", format, plots.PICTURES) for format in dict.fromkeys(formats)]
    if not formats:
        raise InputError(f"`formats` must name at least one of {', '.join(plots.PICTURES)}. Received: none")
    if width is not None:
        check.real("width", width, 1, 40)
    check.integer("dpi", dpi, 20, 2400)
    export.font_of(family)
    asked = list(FIGURES) if names is None else [check.choice("names", name, FIGURES) for name in dict.fromkeys(names)]
    left_out = {name: reason for name in asked if (reason := FIGURES[name].lacks(material))}
    if names is not None:
        check_drawable("names", asked, material)
    if len(left_out) == len(asked):
        raise InputError("`material` must hold something to draw. Received: none of the figures can be drawn from it")
    files: dict[str, tuple[Path, ...]] = {}
    drawable = [name for name in asked if name not in left_out]
    with _progress.bar(len(drawable), "drawing", "figure", progress) as bar:
        for name in drawable:
            files[name] = _write(name, material, Path(folder), formats, width, dark, dpi=dpi, family=family)
            bar.update(1)
    return Made(files, left_out)


def check_drawable(argument: str, names: Sequence[str], material: Material) -> None:
    """Refuse figures, which `argument` asked for, that lack their material.

    Raises:
        InputError: naming the first, and what it lacks.
    """
    for name in names:
        if reason := FIGURES[name].lacks(material):
            raise InputError(
                f"`{argument}` must be of figures that can be drawn. Received: {name!r}, but there is {reason}"
            )


def _write(
    name: str,
    material: Material,
    folder: Path,
    formats: Sequence[str],
    width: float | None,
    dark: bool,
    *,
    dpi: int,
    family: str,
) -> tuple[Path, ...]:
    figure = FIGURES[name]
    size = width or figure.width
    height = figure.ratio * max(size, figure.width)  # what is made narrower keeps its rows, and these their height
    told = {format: metadata(format, figure.title, origin_of(name, material)) for format in formats}
    made = export.pictures(figure.draw(material, dark), told, width=size, height=height, dpi=dpi, family=family)
    written = export.written(made, folder / name)
    words = folder / f"{name}.txt"
    with replacing(words) as temporary:
        temporary.write_text(caption_of(name, material), encoding="utf-8")
    written.append(words)
    written.append(plots.save(figure.data(material), folder / f"{name}.csv"))
    return tuple(written)


@checked
def make_animations(
    material: Material,
    folder: str | os.PathLike[str],
    *,
    formats: Sequence[str] = ("gif",),
    fps: int = 8,
    dark: bool = True,
) -> list[Path]:
    """Write the network firing (the first result) and the prediction as it evolves (the first two), of a traced item.

    With event recordings it is the camera's stream with the answers to it (the last result) instead.

    Args:
        material: with results that hold spikes and logits, and images; or with logits and recordings.
        folder: where to write animation-firing.gif and animation-prediction.gif, or animation-stream.gif.
        formats: of "gif", and "mp4" and "webm" where ffmpeg is installed.
        fps: time steps a second.
        dark: for a dark background.

    Raises:
        InputError: for an unknown format, a material without what is shown, or a video without ffmpeg.
    """
    formats = animation.check_formats("formats", formats)
    if lacking := lacks_animations(material):
        raise InputError(f"`material` must hold what is animated. Received: one where there is {lacking}")
    if material.recordings is not None and material.results:
        item = streamed_item(material)
        shown = {"stream": stream_animation(last(material), item, material.recordings, fps=fps, dark=dark)}
    else:
        item, images = traced_item(material), material.images
        image: Any = None if images is None else images[item]  # it is there, or else lacking
        runs = dict(list(material.results.items())[:2])
        shown = {
            "firing": scenes.firing_animation(first(material), item, image, fps=fps, dark=dark),
            "prediction": scenes.prediction_animation(runs, item, image, fps=fps, dark=dark),
        }
    return [
        made.save(Path(folder) / f"animation-{name}.{format}") for name, made in shown.items() for format in formats
    ]


def metadata(format: str, title: str, origin: str) -> dict[str, str]:
    """`title` and `origin` under the names that a format has for them."""
    program = f"snnviz {__version__}"
    return {
        "pdf": {"Title": title, "Subject": origin, "Creator": program},
        "svg": {"Title": title, "Description": origin, "Creator": program},
        "png": {"Title": title, "Description": origin, "Software": program},
    }[format]
