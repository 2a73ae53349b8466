"""`snnviz hardware nir`: a network to a NIR graph, and back."""

from __future__ import annotations

import argparse
from typing import Any

from snnviz import _checks as check
from snnviz.errors import InputError


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "nir",
        help="write a network as a NIR graph, or read one",
        description="Write a spiking network as a graph of the Neuromorphic Intermediate Representation (.nir), which sinabs, "
        "snnTorch, Norse, Lava and others read, or read such a graph as a network (.npz): SOURCE's ending tells which.",
    )
    parser.add_argument(
        "source", metavar="SOURCE", help="a network (.npz, or a shipped one's name), or a NIR graph (.nir)"
    )
    parser.add_argument(
        "--out", metavar="FILE", help="file to write, .nir or .npz (default: SOURCE's name in this folder)"
    )
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the one, write the other."""
    raise InputError(f"`nir` must wait: it is being built. Received: {check.describe(args.source)}")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    return f"{answer['source']} -> {answer['out']}"
