"""`snnviz simulate`: a network on a data set, to a result file and its metrics."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz import _checks as check
from snnviz.cli._settings import add_settings, settings_of


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "simulate",
        help="simulate a network and count its synaptic events",
        description="Simulate a spiking network on a data set, counting synaptic events; print the anytime metrics and, "
        "with --out, write the result (netCDF).",
    )
    parser.add_argument("network", metavar="NETWORK", help="a network file (.npz), or the name of a shipped network")
    parser.add_argument("--data", default="mnist", metavar="NAME|PATH", help="data set (default: %(default)s)")
    parser.add_argument("--split", default="test", choices=("test", "train"), help="default: %(default)s")
    parser.add_argument("--limit", type=int, metavar="N", help="the first N items only")
    parser.add_argument("--steps", type=int, default=50, metavar="T", help="time steps (default: %(default)s)")
    parser.add_argument("--engine", default="auto", help="auto, graph or event (default: %(default)s)")
    add_settings(parser)
    parser.add_argument(
        "--record", nargs="*", metavar="WHAT", help="prediction, logits, events (default: prediction only)"
    )
    parser.add_argument("--batch-size", type=int, metavar="N", help="items at once (default: the engine's choice)")
    parser.add_argument("--threshold", type=float, metavar="A", help="accuracy to time (default: 0.98 of the ANN's)")
    parser.add_argument("--title", default="", help="label of the curves")
    parser.add_argument("--out", metavar="RESULT.nc", help="file to write the result to")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, simulate, score, save."""
    from snnviz import datasets, metrics, pretrained, results
    from snnviz.errors import InputError
    from snnviz.simulation import simulate

    if args.out is not None and not args.out.endswith(".nc"):
        raise InputError(f"`--out` must end in .nc. Received: {check.describe(args.out)}")
    settings = settings_of(args)  # a mistake should be answered before the data are loaded
    network = pretrained.network(args.network)
    images = datasets.load(args.data, split=args.split, limit=args.limit)
    result = simulate(
        network,
        images.x,
        images.y,
        args.steps,
        engine=args.engine,
        record=args.record,
        batch_size=args.batch_size,
        title=args.title,
        **settings,
    )
    result.attrs["dataset"] = images.name
    if args.out:
        results.save(result, args.out)
    thresholds = None if args.threshold is None else [args.threshold]
    return {
        "network": args.network,
        "items": len(images),
        "steps": args.steps,
        "engine": result.attrs["engine"],
        "engine_choice": result.attrs["engine_choice"],
        "wall_time_s": result.attrs["wall_time_s"],
        "accuracy": result["accuracy"].values.tolist(),
        "events_per_step": result["synaptic_events"].sum("layer").values.tolist(),
        "metrics": metrics.summary(result, thresholds=thresholds),
        "out": args.out,
    }


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    import snnviz.cli.metrics as metrics_command

    lines = [
        f"{answer['items']} items x {answer['steps']} steps, engine {answer['engine']} "
        f"({answer['engine_choice']}), {answer['wall_time_s']:.2f} s",
        "",
        metrics_command.show(answer["metrics"]),
    ]
    if answer["out"]:
        lines += ["", f"result written to {answer['out']}"]
    return "\n".join(lines)
