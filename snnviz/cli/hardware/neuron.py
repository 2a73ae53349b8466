"""`snnviz hardware neuron`: a network simulated by NEURON, an independent judge of snnviz's own engines."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz import _checks as check
from snnviz.errors import InputError


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "neuron",
        help="simulate a network in NEURON, through PyNN",
        description="Build a spiking network in NEURON through PyNN, one synapse at a time, and simulate it on a data set; "
        "print the anytime metrics and, with --out, write the result (netCDF). Needs g++ and make: neurons with reset by "
        "subtraction are a mechanism of snnviz's, compiled when first used.",
    )
    parser.add_argument("network", metavar="NETWORK", help="a network file (.npz), or the name of a shipped network")
    parser.add_argument("--data", default="mnist", metavar="NAME|PATH", help="data set (default: %(default)s)")
    parser.add_argument("--split", default="test", choices=("test", "train"), help="default: %(default)s")
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="the first N items (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=50, metavar="T", help="time steps (default: %(default)s)")
    parser.add_argument("--input", default="spiking", help="spiking or poisson (default: %(default)s)")
    parser.add_argument("--reset", default="subtract", help="subtract or zero (default: %(default)s)")
    parser.add_argument("--delay", type=int, default=0, metavar="0|1", help="steps of delay a layer")
    parser.add_argument("--refractory", type=int, default=0, metavar="STEPS", help="refractory period")
    parser.add_argument("--clamp", type=int, default=0, metavar="STEPS", help="frozen steps per layer of depth")
    parser.add_argument("--readout", default="membrane", help="membrane, cumulative or decay (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the Poisson input (default: %(default)s)")
    parser.add_argument("--compare", action="store_true", help="simulate with snnviz's event engine too, and compare")
    parser.add_argument("--title", default="", help="label of the curves")
    parser.add_argument("--out", metavar="RESULT.nc", help="file to write the result to")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, simulate, score, save."""
    raise InputError(f"`neuron` must wait: it is being built. Received: {check.describe(args.network)}")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    return str(answer)
