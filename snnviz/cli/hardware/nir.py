"""`snnviz hardware nir`: a network to a NIR graph, and back."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz.cli._numbers import real
from snnviz.errors import InputError

if TYPE_CHECKING:
    from snnviz.network import SpikingNetwork


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
    parser.add_argument(
        "--dt",
        type=real,
        metavar="DT",
        help="time step of a graph to read, by which every r is multiplied (default: 1)",
    )
    parser.set_defaults(run=run, show=show, writes=lambda args: (_out(args), False))


def _out(args: argparse.Namespace) -> Path:
    from snnviz.hardware import nir

    return Path(args.out or f"{Path(args.source).stem}{'.npz' if args.source.endswith(nir.SUFFIX) else nir.SUFFIX}")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the one, write the other."""
    from snnviz import pretrained
    from snnviz.hardware import nir

    reading = args.source.endswith(nir.SUFFIX)
    wanted = ".npz" if reading else nir.SUFFIX
    out = _out(args)
    if args.dt is not None and not reading:
        raise InputError(f"`--dt` is for a graph that is read ({nir.SUFFIX}). Received: {args.source!r}")
    if out.suffix != wanted:
        raise InputError(f"`--out` must end in {wanted} here. Received: {check.describe(args.out)}")
    network = _read(args) if reading else pretrained.network(args.source)
    if reading:
        network.save(out)
    else:
        nir.save(network, out)
    return {
        "source": args.source,
        "out": str(out),
        "hash": network.hash,
        "note": nir.settings_meant(network) if reading else "",
        "layers": [{"name": layer.name, "kind": layer.kind, "neurons": layer.neurons} for layer in network.layers],
    }


def _read(args: argparse.Namespace) -> SpikingNetwork:
    from snnviz.hardware import nir

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said by `show`
            return nir.load(args.source, args.dt)
    except InputError as error:
        raise InputError(str(error).replace("`dt`", "`--dt`")) from error


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    layers = ", ".join(f"{layer['name']} ({layer['kind']}, {layer['neurons']})" for layer in answer["layers"])
    lines = [f"{answer['source']} -> {answer['out']}: {layers}", answer["note"]]
    return "\n".join(line for line in lines if line)
