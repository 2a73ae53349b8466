"""`snnviz hardware neuron`: simulate a network in NEURON, through PyNN.

Build a spiking network in NEURON through PyNN, one synapse at a time, and simulate it on a data set; print the anytime metrics and,
with --out, write the result (netCDF). Needs g++ and make: neurons with reset by subtraction are a mechanism of snnviz's, compiled
when first used.

Example: snnviz hardware neuron dense-mnist-optimized --limit 2 --steps 10
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from snnviz import _checks as check
from snnviz.cli import _options
from snnviz.cli.metrics import of_result
from snnviz.errors import InputError
from snnviz.jobs.work.sources import DataOptions, NetworkOptions
from snnviz.simulation.settings import Settings

ITEMS = 100


def arguments(parser: Any) -> None:
    """What it takes."""
    network, limit = "a network file (.npz), or the name of a shipped network", f"the first N items (default: {ITEMS})"
    _options.add(
        parser,
        NetworkOptions,
        network={"help": network},
        limit={"default": ITEMS, "help": limit},
    )
    _options.add(
        parser,
        Settings,
        input={"help": "how items arrive: spiking, poisson, or recordings as spikes (default: spiking)"},
    )
    parser.add_argument("--compare", action="store_true", help="simulate with snnviz's event engine too, and compare")
    parser.add_argument("--title", default="", help="label of the curves")
    parser.add_argument("--out", metavar="RESULT.nc", help="file to write the result to")
    parser.set_defaults(writes=lambda args: args.out and (args.out, False))


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, simulate, score, save."""
    from snnviz import metrics, pretrained, results
    from snnviz.hardware import neuron
    from snnviz.jobs.work.sources import data_of, recordings
    from snnviz.simulation import Record, simulate

    if args.out is not None and not args.out.endswith(".nc"):
        raise InputError(f"`--out` must end in .nc. Received: {check.describe(args.out)}")
    settings = {name: getattr(args, name) for name in Settings.__dataclass_fields__}
    Settings(**settings)  # a mistake should be answered before anything is compiled
    check.choice("--input", args.input, ("spiking", "poisson", "spikes"))
    asked = DataOptions.of(args)
    network = pretrained.network(args.network)
    data = data_of(network, args.network, asked, args.split, args.limit, args.input)
    images = data.images
    x = recordings(data.name, args.split, args.limit).x if args.input == "spikes" else images.x
    if data.note:
        sys.stderr.write(f"snnviz hardware neuron: {data.note}\n")
    record = Record(events=args.compare)
    result = neuron.simulate(network, x, images.y, record=record, title=args.title, **settings)
    result.attrs["dataset"] = images.name
    if args.out:
        results.save(result, args.out)
    comparison = None
    if args.compare:
        ours = simulate(network, x, images.y, engine="event", record=record, **settings)
        comparison = {
            "same_prediction": float((result["prediction"] == ours["prediction"]).mean()),
            "same_accuracy": bool((result["accuracy"] == ours["accuracy"]).all()),
            "items_with_same_events": float(
                (result["item_events"] == ours["item_events"]).all(("time", "layer")).mean()
            ),
            "events_ratio": _ratio(result, ours),
            "wall_time_s": ours.attrs["wall_time_s"],
        }
    return {
        "network": args.network,
        "items": len(images),
        "steps": args.steps,
        "engine": result.attrs["engine"],
        "wall_time_s": result.attrs["wall_time_s"],
        "accuracy": result["accuracy"].values.tolist(),
        "events_per_step": result["synaptic_events"].sum("layer").values.tolist(),
        "metrics": metrics.summary(result),
        "comparison": comparison,
        "out": args.out,
    }


def _ratio(mine: Any, ours: Any) -> float | None:
    total = float(ours["synaptic_events"].sum())
    return float(mine["synaptic_events"].sum()) / total if total else None


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    lines = []
    found = answer["comparison"]
    if found is not None:
        ratio = "-" if found["events_ratio"] is None else f"{found['events_ratio']:.6f}"
        lines = [
            "",
            f"against snnviz's event engine ({found['wall_time_s']:.2f} s):",
            f"  accuracy curve                   {'the same' if found['same_accuracy'] else 'another'}",
            f"  same prediction, items and steps {100 * found['same_prediction']:.4g} %",
            f"  items with exactly equal events  {100 * found['items_with_same_events']:.4g} %",
            f"  events, NEURON to snnviz         {ratio}",
        ]
    head = f"{answer['items']} items x {answer['steps']} steps in NEURON, {answer['wall_time_s']:.1f} s"
    return of_result(head, answer, *lines)
