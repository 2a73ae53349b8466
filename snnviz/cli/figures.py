"""`snnviz figures`: journal figures (PDF, SVG, PNG) and their numbers (CSV).

Draw figures from the shipped models, or from results, with the numbers of each as CSV beside it. Every picture says in its metadata
where it comes from.

Example: snnviz figures --run before.nc after.nc --names figure-a --format pdf --out figures
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from snnviz.cli._job import add_store_option
from snnviz.cli._numbers import real, whole

_MODEL = "dense-mnist"


def arguments(parser: Any) -> None:
    """What it takes."""
    add_source(parser, help=f"without --run: a model that ships whole (default: {_MODEL})")
    parser.add_argument(
        "--data", metavar="NAME|PATH",
        help="with --run: the data that the results are of, for figures that show images (default: looked for by its name, and "
        "beside the results)",
    )  # fmt: skip
    parser.add_argument("--names", nargs="+", metavar="NAME", help="which figures (default: all that can be drawn)")
    parser.add_argument("--list", action="store_true", help="print the figures' names and titles, and draw none")
    parser.add_argument(
        "--format",
        default="pdf,svg,png",
        metavar="LIST",
        help="file formats, of pdf, svg and png (default: %(default)s)",
    )
    parser.add_argument(
        "--width",
        metavar="INCHES",
        help="of a journal's column: single (3.5 in), double (7.16 in), or a number (default: each figure its own)",
    )
    parser.add_argument("--dark", action="store_true", help="draw on a dark background")
    parser.add_argument("--dpi", type=whole, default=300, help="dots per inch of png files (default: %(default)s)")
    parser.add_argument(
        "--family", default="sans", metavar="FONT",
        help="typeface: sans, serif, or the name of a font on this system (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--animate", metavar="LIST", help="also animations, of gif, and mp4 and webm where ffmpeg is installed"
    )
    parser.add_argument(
        "--out", default="snnviz-figures", metavar="FOLDER", help="folder for the figures (default: %(default)s)"
    )
    parser.set_defaults(writes=lambda args: None if args.list else (args.out, True))


def add_source(parser: argparse.ArgumentParser, **model: Any) -> None:
    """The arguments that say what to draw or to tell about, `model` of them as argparse is told of it."""
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--all", action="store_true", help="everything, from the shipped models (the default without --run)"
    )
    source.add_argument(
        "--run", dest="sources", nargs="+", metavar="RESULT",
        help="results (.nc), folders of runs with result.nc, network.npz and history.csv, or ids of tracked runs; the first two "
        "are before and after",
    )  # fmt: skip
    parser.add_argument(
        "--network",
        metavar="NETWORK",
        help="with --run: the network of the last result (.npz), where it is no shipped one and not beside the result",
    )
    parser.add_argument(
        "--history", metavar="CSV", help="with --run: history of an optimisation (snnviz optimize --history)"
    )
    parser.add_argument(
        "--grid", metavar="CSV", help="with --run: a table of a sweep, with columns lambda_a, lambda_w, value"
    )
    add_store_option(parser)
    parser.add_argument("--limit", type=whole, metavar="N", help="without --run: the first N test images only")
    parser.add_argument("--model", metavar="NAME", **model)


def material_of(
    args: argparse.Namespace,
    models: Sequence[str],
    *,
    traces: bool,
    search: bool,
    benchmarks: str | None = None,
    asked: Sequence[str] = (),
) -> Any:
    """The material that the arguments name; without results, that of shipped models, of which figures can be made."""
    from dataclasses import replace

    from snnviz import figures
    from snnviz.errors import InputError
    from snnviz.figures.loading import runtimes
    from snnviz.figures.make import check_drawable
    from snnviz.figures.material import promised

    if args.sources is None:
        for name in ("network", "history", "grid", "data"):
            if getattr(args, name, None) is not None:
                raise InputError(f"`--{name}` must come with --run. Received: {getattr(args, name)!r}")
        found = {} if benchmarks is None else runtimes(benchmarks)
        for model in models:
            check_drawable("--names", asked, promised(model, traces=traces, search=search))
        made = {
            model: figures.shipped(args.limit, model, traces=traces, search=search, say=lambda text: _say(text))
            for model in models
        }
        return replace(figures.together(made) if len(made) > 1 else made[models[0]], runtimes=found)
    for name in ("limit", "model"):
        if (given := getattr(args, name)) is not None:
            raise InputError(f"`--{name}` must come without --run. Received: {given!r}")
    return figures.from_files(
        args.sources,
        network=args.network,
        history=args.history,
        grid=args.grid,
        benchmarks=benchmarks,
        data=getattr(args, "data", None),
        tracking_uri=args.tracking_uri,
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Gather, draw, write."""
    from snnviz import _checks as check
    from snnviz import figures, plots
    from snnviz.errors import InputError
    from snnviz.figures.animation import check_formats
    from snnviz.figures.catalog import lacks_animations
    from snnviz.figures.make import check_drawable
    from snnviz.plots.export import font_of

    if args.list:
        return {"figures": {name: figure.title for name, figure in figures.FIGURES.items()}}
    # a mistake should be answered before anything is simulated
    formats = [check.choice("--format", format, plots.PICTURES) for format in args.format.split(",")]
    for name in args.names or ():
        check.choice("--names", name, figures.FIGURES)
    check.integer("--dpi", args.dpi, 20, 2400)
    font_of(args.family)
    moving = check_formats("--animate", args.animate.split(",")) if args.animate else []
    width = _width(args.width)
    if args.limit is not None:
        check.integer("--limit", args.limit, 1)
    names = set(args.names or figures.FIGURES)
    model = _MODEL if args.model is None else args.model
    traces = bool(moving or names & {"raster", "membranes"})
    search = bool(names & {"optimization-history", "evaluations"})
    material = material_of(args, [model], traces=traces, search=search, asked=args.names or ())
    check_drawable("--names", args.names or (), material)
    if moving and (lacking := lacks_animations(material)):
        raise InputError(
            "`--animate` must come with results of `snnviz.Record(logits=True, spikes=network.firing_names)` and their images, or "
            f"of an event camera. Received: some where there is {lacking}"
        )
    made = figures.make(
        material, args.out, args.names, formats=formats, width=width, dark=args.dark, dpi=args.dpi, family=args.family
    )
    films = figures.make_animations(material, args.out, formats=moving, dark=args.dark) if moving else []
    return {
        "files": {name: [str(file) for file in files] for name, files in made.files.items()},
        "animations": [str(film) for film in films],
        "left_out": dict(made.left_out),
        "origin": material.origin,
    }


def _width(text: str | None) -> float | None:
    from snnviz import _checks as check
    from snnviz import plots
    from snnviz.errors import InputError

    if text in ("single", "double", None):
        return {"single": plots.SINGLE_COLUMN, "double": plots.DOUBLE_COLUMN}.get(text or "")
    try:
        return check.real("--width", real(text), 1, 40)
    except (argparse.ArgumentTypeError, InputError):
        raise InputError(
            f"`--width` must be single, double or a number of inches, from 1 to 40. Received: {text!r}"
        ) from None


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "figures" in answer:
        width = max(map(len, answer["figures"]))
        return "\n".join(f"{name:<{width}}  {title}" for name, title in answer["figures"].items())
    lines = [f"written: {', '.join(files)}" for files in [*answer["files"].values(), answer["animations"]] if files]
    lines += [f"left out: {name}, for there is {reason}" for name, reason in answer["left_out"].items()]
    return "\n".join(lines)
