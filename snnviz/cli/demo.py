"""`snnviz demo`: the main job on the embedded MNIST data, then the first page.

Convert the shipped classifier, simulate the MNIST test images, print accuracy over time and the metrics beside the paper's, write
figure A and the results, and serve the first page on this machine.

Example: snnviz demo --out snnviz-out
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from snnviz._options import options_of
from snnviz.cli._numbers import whole
from snnviz.cli._options import help_of
from snnviz.cli._table import aligned
from snnviz.jobs.work.simulate import Options
from snnviz.simulation.engines import check_engine

SHOWN_STEPS = (1, 2, 3, 5, 10, 20, 50)


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument(
        "--out", default="snnviz-out", metavar="FOLDER", help="folder for results and figures (default: %(default)s)"
    )
    parser.add_argument("--limit", type=whole, metavar="N", help="the first N test images only (default: all 10 000)")
    parser.add_argument("--engine", default="auto", help=help_of(options_of(Options)["engine"]))
    parser.add_argument("--no-serve", action="store_true", help="stop before serving the page")
    parser.add_argument("--port", type=whole, default=5006, help="where the page is served (default: %(default)s)")
    parser.set_defaults(writes=lambda args: (args.out, True), after=serve)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Convert, simulate, score, draw, save."""
    from snnviz import _checks as check
    from snnviz import figures, metrics, plots, reports, results
    from snnviz.plots import export

    check.integer("--port", args.port, 1, 65535)
    check_engine(args.engine)
    folder = Path(args.out)
    made = figures.shipped(args.limit, engine=args.engine, traces=False, search=False, say=_say)
    runs = made.results
    files = [results.save(result, folder / f"dense-mnist-{name}.nc") for name, result in runs.items()]
    # where the pages find them
    files += [made.networks[name].save(folder / f"dense-mnist-{name}.npz") for name in runs]
    thresholds = [reports.paper_threshold("dense-mnist", name) for name in runs]
    before, after = runs["before"], runs["after"]
    pair = thresholds[0], thresholds[1]
    figure = plots.figure_a(before, after, threshold=pair, zoom="top")
    files += export.written(export.pictures(figure, {"pdf": {}, "png": {}}), folder / "figure-a")
    files.append(plots.save(plots.figure_a_data(before, after, threshold=pair), folder / "figure-a.csv"))
    return {
        "runs": {
            name: metrics.summary(result, [threshold]) | {"accuracy": result["accuracy"].values.tolist()}
            for (name, result), threshold in zip(runs.items(), thresholds, strict=True)
        },
        "wall_time_s": {name: float(result.attrs["wall_time_s"]) for name, result in runs.items()},
        "engine": {name: f"{r.attrs['engine']} ({r.attrs['engine_choice']})" for name, r in runs.items()},
        "table": reports.readable(reports.comparison("dense-mnist", runs)).to_dict("records"),
        "files": [str(file) for file in files],
    }


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    import pandas as pd

    runs = answer["runs"]
    lines = ["", "accuracy over time (%)", "  step   " + "".join(f"{step:>8}" for step in SHOWN_STEPS)]
    for name, found in runs.items():
        lines.append(f"  {name:<7}" + "".join(f"{100 * found['accuracy'][step - 1]:8.2f}" for step in SHOWN_STEPS))
    table = pd.DataFrame(answer["table"])
    for stage, rows in table.groupby("stage", sort=False):
        shown = rows.drop(columns="stage")
        cells = aligned([list(shown), *shown.to_numpy().tolist()], right=range(1, shown.shape[1] - 2))
        lines += ["", f"{stage} optimisation, beside the paper", *(f"  {line}" for line in cells)]
    lines.append("")
    lines += [f"{name}: engine {text}, {answer['wall_time_s'][name]:.2f} s" for name, text in answer["engine"].items()]
    lines += ["", "written:", *(f"  {file}" for file in answer["files"])]
    return "\n".join(lines)


def serve(args: argparse.Namespace, answer: dict[str, Any]) -> None:
    """Serve the first page until Ctrl-C."""
    if args.no_serve:
        return
    from snnviz import dashboard, results
    from snnviz.runs import Store

    written = [Path(file) for file in answer["files"] if file.endswith(".nc")]
    files = {file.stem.removeprefix("dense-mnist-"): file for file in written}
    runs = {name: results.load(file) for name, file in files.items()}
    dashboard.serve(dashboard.Workspace(runs, store=Store(), files=files), port=args.port)
