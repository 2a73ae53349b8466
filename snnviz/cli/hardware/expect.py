"""`snnviz hardware expect`: what a network would do on SpiNNaker, computed here."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli.hardware import spinnaker


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "expect",
        help="what to expect of a network on SpiNNaker, computed on this machine",
        description="Simulate a network with SpiNNaker's arithmetic: fixed point, weights as the tool chain stores them, reset to "
        "zero, membranes that never fall below zero, a step of delay per layer. Print the anytime metrics and, with --out, "
        "write the result (netCDF), to be compared with a run on a board.",
    )
    spinnaker.add_network_options(parser)
    parser.add_argument("--engine", default="auto", help="auto, graph or event (default: %(default)s)")
    parser.add_argument("--out", metavar="RESULT.nc", help="file to write the result to")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, simulate, score, save."""
    from snnviz import datasets, metrics, pretrained, results
    from snnviz.hardware.spinnaker import model

    spinnaker.ends_in("--out", args.out, (".nc",))
    network = pretrained.network(args.network)
    images = datasets.load(args.data, split=args.split, limit=args.limit)
    stored = model.quantise(model.with_pooled_input(network), args.headroom)
    result = model.expect(
        network, images.x, images.y, args.steps, headroom=args.headroom, engine=args.engine, title=args.title
    )
    result.attrs["dataset"] = images.name
    if args.out:
        results.save(result, args.out)
    return {
        "network": args.network,
        "items": len(images),
        "steps": args.steps,
        "engine": result.attrs["engine"],
        "headroom": args.headroom,
        "shifts": dict(zip(stored.network.layer_names[1:], map(list, stored.shifts), strict=True)),
        "lost_weights": sum(stored.lost),
        "accuracy": result["accuracy"].values.tolist(),
        "events_per_step": result["synaptic_events"].sum("layer").values.tolist(),
        "metrics": metrics.summary(result),
        "out": args.out,
    }


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    import snnviz.cli.metrics as metrics_command

    lines = [
        f"{answer['items']} items x {answer['steps']} steps as SpiNNaker would compute them ({answer['engine']} engine); "
        f"{answer['lost_weights']} weights round to zero",
        "",
        metrics_command.show(answer["metrics"]),
    ]
    return "\n".join([*lines, *([f"\nresult written to {answer['out']}"] if answer["out"] else [])])
