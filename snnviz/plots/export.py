"""Plots and their data as files: PDF, SVG and PNG through Matplotlib, CSV for the numbers."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import holoviews as hv
import pandas as pd
import xarray as xr

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._files import replacing
from snnviz.errors import InputError
from snnviz.plots import theme

PICTURES = ("pdf", "svg", "png")
FORMATS = (*PICTURES, "csv")
SINGLE_COLUMN, DOUBLE_COLUMN = 3.5, 7.16
"""Widths of journal columns in inches."""
_NARROW = 2.5
"""Inches of a plot's width, below which plots stand below each other instead of side by side."""
_LAYOUT_DPI = 300
"""At which plots are laid out: letters are hinted, and so not as wide at every resolution, but a PDF or SVG knows none."""
# Matplotlib keeps settings and open figures in the process; two sessions of a page may export at once
_LOCK = threading.Lock()


@checked
def render(
    drawn: Any,
    format: str,
    *,
    width: float = SINGLE_COLUMN,
    height: float | None = None,
    dpi: int = 300,
    family: str = "sans",
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """A plot as the bytes of a file.

    Args:
        drawn: a HoloViews element for "pdf", "svg" and "png"; a table (pandas or xarray) for "csv".
        format: "pdf" (fonts embedded as TrueType), "svg" (text as outlines), "png" or "csv".
        width: in inches.
        height: in inches; None gives 0.68 of the width. A plot that needs more, as one of many layers or two below each
            other, gets it.
        dpi: of PNG, in dots per inch.
        family: of the type: "sans", "serif" (both come with snnviz, so that figures look the same everywhere) or the name of a
            font that Matplotlib finds on this system.
        metadata: what the file should say about its origin, e.g. {"Title": ...}, in the keys of the format.

    Returns:
        The same bytes for the same drawing and Matplotlib version.

    Raises:
        InputError: if the format is unknown or does not fit what is drawn, or the font is not there.
    """
    check.choice("format", format, FORMATS)
    width = check.real("width", width, 0, above=True)
    height = 0.68 * width if height is None else check.real("height", height, 0, above=True)
    if format == "csv":
        return _table(drawn).to_csv(index=False, lineterminator="\n").encode()
    if not isinstance(drawn, (hv.Element, hv.Overlay, hv.Layout)):
        raise InputError(
            f"`drawn` must be a HoloViews element for {format!r}; tables go to 'csv'. Received: {check.describe(drawn)}"
        )
    return pictures(drawn, {format: metadata or {}}, width=width, height=height, dpi=dpi, family=family)[format]


def pictures(
    drawn: Any,
    metadata: Mapping[str, Mapping[str, str]],
    *,
    width: float = SINGLE_COLUMN,
    height: float = 0.68 * SINGLE_COLUMN,
    dpi: int = 300,
    family: str = "sans",
) -> dict[str, bytes]:
    """What `render` makes of a HoloViews element in each format that `metadata` has something for.

    The plot is built and laid out once, which takes most of the time, and so looks the same in all of them.
    """
    import matplotlib
    from matplotlib import pyplot

    font = font_of(family)
    settings: Any = {
        "font.family": font,
        "mathtext.fontset": "stix" if font == theme.FAMILIES["serif"] else "dejavusans",
        "pdf.fonttype": 42,
        "svg.fonttype": "path",
        "svg.hashsalt": "snnviz",
        "axes.formatter.use_mathtext": True,
    }
    made = {}
    with _LOCK, matplotlib.rc_context(settings):
        rows = len(drawn) if isinstance(drawn, hv.Layout) and width < _NARROW * len(drawn) else 1
        height = max(height, theme.needed_inches(drawn), 0.62 * width * rows if rows > 1 else 0.0)
        figure = hv.renderer("matplotlib").get_plot(drawn).state
        try:
            figure.set_size_inches(width, height)
            figure.set_dpi(_LAYOUT_DPI)
            if isinstance(drawn, hv.Layout):
                _arrange(figure, len(drawn), rows, width, height)
            else:
                figure.set_layout_engine("constrained", w_pad=0.06, h_pad=0.04)
                figure.draw_without_rendering()
                figure.set_layout_engine("none")
            for format, told in metadata.items():
                buffer = io.BytesIO()
                undated = {"pdf": {"CreationDate": None}, "svg": {"Date": None}, "png": {}}[format]
                figure.savefig(
                    buffer, format=format, dpi=dpi, facecolor=figure.get_facecolor(), metadata={**undated, **told}
                )
                made[format] = buffer.getvalue()
        finally:
            pyplot.close(figure)
    return made


def written(made: Mapping[str, bytes], stem: Path) -> list[Path]:
    """Write what `pictures` made, each format in a file named `stem` with the format as its suffix; the files."""
    files = []
    for format, content in made.items():
        files.append(stem.with_name(f"{stem.name}.{format}"))
        with replacing(files[-1]) as temporary:
            temporary.write_bytes(content)
    return files


def font_of(family: str) -> str:
    """The font of a kind of type, or of this name."""
    from matplotlib import font_manager

    known = {*font_manager.get_font_names(), *theme.FAMILIES}
    if not isinstance(family, str) or family not in known:
        raise InputError(
            "`family` must be sans, serif or the name of a font that Matplotlib finds here. "
            f"Received: {check.describe(family)}"
        )
    return theme.FAMILIES.get(family, family)


def _arrange(figure: Any, count: int, rows: int, width: float, height: float) -> None:
    """Put the plots of a layout in one row or below each other; no layout engine of Matplotlib's takes HoloViews' grid."""
    left, right, bottom, top = 0.48, 0.14, 0.42, 0.08  # inches around each plot: what the labels need
    wide, high = width * rows / count, height / rows
    for place, axes in enumerate(figure.axes[:count]):
        across, down = (0, place) if rows > 1 else (place, 0)
        axes.set_position(
            [
                (across * wide + left) / width,
                (height - (down + 1) * high + bottom) / height,
                (wide - left - right) / width,
                (high - bottom - top) / height,
            ]
        )


@checked
def save(drawn: Any, path: str | os.PathLike[str], **options: Any) -> Path:
    """Write a plot (.pdf, .svg, .png) or its data (.csv) to `path` and return the path.

    Args:
        drawn: what a plot function or a `..._data` function returned.
        path: the file; its suffix chooses the format.
        **options: see `render`.
    """
    target = Path(path)
    suffix = target.suffix.removeprefix(".").lower()
    if suffix not in FORMATS:
        raise InputError(f"`path` must end in .pdf, .svg, .png or .csv. Received: {str(path)!r}")
    content = render(drawn, suffix, **options)
    with replacing(target) as temporary:
        temporary.write_bytes(content)
    return target


def _table(drawn: Any) -> pd.DataFrame:
    if isinstance(drawn, pd.DataFrame):
        return drawn
    if isinstance(drawn, (xr.Dataset, xr.DataArray)) and drawn.dims:
        return drawn.to_dataframe().reset_index()
    raise InputError(
        "`drawn` must be a table for 'csv': what the plot's `..._data` function returns. "
        f"Received: {check.describe(drawn)}"
    )
