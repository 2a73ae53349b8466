"""`snnviz dashboard`: look at results in the browser."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "dashboard",
        help="look at results in the browser",
        description="Serve the explorer for one or more results on this machine, until Ctrl-C.",
    )
    parser.add_argument("results", nargs="*", metavar="RESULT.nc", help="results of `snnviz simulate` or `snnviz demo`")
    parser.add_argument("--port", type=int, default=5006, help="default: %(default)s")
    parser.add_argument("--show", action="store_true", help="open the browser")
    parser.set_defaults(run=run, show=show, after=serve)


def load_named(paths: list[str]) -> dict[str, xr.Dataset]:
    """Results by file name without suffix; a name that occurs twice gets its folder in front."""
    from snnviz import results

    stems = [Path(path).stem for path in paths]
    names = [
        stem if stems.count(stem) == 1 else f"{Path(path).parent.name}/{stem}"
        for path, stem in zip(paths, stems, strict=True)
    ]
    return {name: results.load(path) for name, path in zip(names, paths, strict=True)}


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the results, so that a mistake is answered before anything is served."""
    from snnviz import _checks as check

    check.integer("--port", args.port, 1, 65535)
    args.loaded = load_named(args.results)
    return {"results": list(args.loaded), "address": f"http://127.0.0.1:{args.port}"}


def show(answer: dict[str, Any]) -> str:
    """The answer for people; the server says the address itself."""
    return f"{len(answer['results'])} result{'s' if len(answer['results']) != 1 else ''}"


def serve(args: argparse.Namespace, answer: dict[str, Any]) -> None:
    """Serve until Ctrl-C."""
    from snnviz import dashboard

    dashboard.serve(args.loaded, port=args.port, show=args.show)
