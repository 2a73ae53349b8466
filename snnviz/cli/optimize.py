"""`snnviz optimize`: scales of a spiking network for early and cheap answers."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz.cli import _job
from snnviz.cli._numbers import real, whole
from snnviz.cli._settings import add_data_options


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "optimize",
        help="tune a network so that it answers early and cheaply",
        description="Search for scales (and, with --with-potentials, initial potentials; or, with --method weights, weights) "
        "that minimise lambda_e (1 - peak accuracy) + lambda_l P_l + lambda_p P_p. The objective is evaluated on training items "
        "held out from training, gradients learn from the others, and the test set is only reported on.",
    )
    parser.add_argument(
        "network", metavar="NETWORK", help="a network file (.npz), the name of a shipped one, or run:ID"
    )
    parser.add_argument(
        "--method", default="auto", help="auto, gradient, subplex, cmaes, percentile, onsets or weights (default: auto)"
    )
    parser.add_argument(
        "--per", default="channel", metavar="WHAT[,WHAT]",
        help="network, layer or channel; several from coarse to fine for stages (default: channel)",
    )  # fmt: skip
    parser.add_argument("--with-potentials", action="store_true", help="search initial membrane potentials too")
    add_data_options(parser)
    parser.add_argument(
        "--items", type=whole, metavar="N", help="of the objective (default: all that the ANN's training held out)"
    )
    parser.add_argument("--steps", type=whole, default=50, metavar="T", help="time steps (default: %(default)s)")
    parser.add_argument("--input", default="spiking", help="spiking, or spikes of event recordings (default: spiking)")
    parser.add_argument("--step-ms", type=real, metavar="MS", help="milliseconds of a step, of event recordings")
    parser.add_argument("--lambda-e", type=real, default=200.0, metavar="L", help="weight of 1 - peak (default: 200)")
    parser.add_argument(
        "--lambda-l", type=real, metavar="L", help="weight of P_l (default: 1 / its value at the start)"
    )
    parser.add_argument(
        "--lambda-p", type=real, metavar="L", help="weight of P_p (default: 1 / its value at the start)"
    )
    parser.add_argument("--evaluations", type=whole, metavar="N", help="stop after N evaluations")
    parser.add_argument(
        "--minutes",
        type=real,
        metavar="M",
        help="stop after M minutes, loading and report included (default without a budget: 10; weights: all updates)",
    )
    for name, kind, metavar, what in (
        ("updates", whole, "N", "of the gradient (default: 4000; weights 2000)"),
        ("batch-size", whole, "N", "items of an update of the gradient (default: 256; weights 128)"),
        ("rate", real, "R", "of the gradient, at the beginning (default: 0.05; weights 0.002)"),
        ("unrolled", whole, "T", "time steps that the gradient computes as spikes (default: 6; weights 5)"),
        ("every", whole, "N", "updates from one candidate to the next (default: 200)"),
        ("shift", whole, "N", "move the gradient's images by up to N pixels each way (default: 1)"),
    ):
        parser.add_argument(f"--{name}", type=kind, metavar=metavar, help=what)
    parser.add_argument("--flip", action="store_true", default=None, help="with weights: mirror images by chance")
    parser.add_argument("--precision", metavar="P", help="with weights: float32, or bfloat16 for quicker updates")
    parser.add_argument(
        "--half", action="store_true", help="round the result's weights to half precision: about half the file"
    )
    parser.add_argument("--target", metavar="CHIP", help="spinnaker: as that chip computes (with subplex or cmaes)")
    parser.add_argument("--seed", type=whole, default=0, help="of the searcher (default: %(default)s)")
    parser.add_argument("--workers", type=whole, default=1, metavar="N", help="processes that evaluate (default: 1)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of dask.distributed, whose workers evaluate instead")
    parser.add_argument("--checkpoint", metavar="DIR", help="folder that holds the search's state (default: the run's)")
    parser.add_argument("--resume", action="store_true", help="go on from --checkpoint")
    parser.add_argument("--history", metavar="FILE.csv", help="file for every evaluation's loss and terms")
    parser.add_argument("--out", metavar="FILE.npz", help="file for the best network (default: NETWORK-optimized.npz)")
    _job.add_options(parser)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Search, report on the test set, save."""
    from snnviz.jobs.work.sources import stem

    return _job.done("optimize", args, out=args.out or f"{stem(args.network)}-optimized.npz")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    if "background" in answer:
        return _job.show_background(answer)
    tried = (
        f"{answer['evaluations']} evaluations in {answer['minutes']:.1f} min ({answer['method']}, {answer['stopped']})"
    )
    lines = [
        tried,
        f"loss {answer['loss']['start']:.4g} -> {answer['loss']['best']:.4g}",
        "",
        f"{'':17}{'held out':^26}  {'test':^26}",
        f"{'':17}{'start':>12}{'best':>14}  {'start':>12}{'best':>14}",
    ]
    for name, label, form in (
        ("peak_accuracy", "peak accuracy", "{:.2%}"),
        ("latency", "Pareto latency", "{:.4g}"),
        ("power", "Pareto power", "{:.4g}"),
    ):
        cells = [form.format(answer[part][when][name]) for part in ("held_out", "test") for when in ("start", "best")]
        lines.append(f"{label:17}{cells[0]:>12}{cells[1]:>14}  {cells[2]:>12}{cells[3]:>14}")
    return _job.show(answer, "\n".join([*lines, "", f"network written to {answer['out']}"]))
