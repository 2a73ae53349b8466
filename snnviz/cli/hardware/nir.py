"""`snnviz hardware nir`: write a network as a NIR graph, or read one.

Write a spiking network as a graph of the Neuromorphic Intermediate Representation (.nir), which sinabs, snnTorch, Norse, Lava and
others read, or read such a graph as a network (.npz): SOURCE's ending tells which. With --for, also a script that loads the graph
in one tool so that it gives the same spikes.

Example: snnviz hardware nir dense-mnist-optimized --out network.nir
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz.cli import _options
from snnviz.cli._numbers import real
from snnviz.errors import InputError
from snnviz.jobs.work.sources import DataOptions

if TYPE_CHECKING:
    from snnviz.network import SpikingNetwork


def arguments(parser: Any) -> None:
    """What it takes."""
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
    group = parser.add_argument_group("for one tool")
    group.add_argument(
        "--for",
        dest="tool",
        metavar="TOOL",
        help="sinabs, spikingjelly, norse or snntorch: write a script that loads it there",
    )
    group.add_argument("--check", action="store_true", help="run it there and here, and compare every spike")
    _options.add_outside(group, "the tool", 100)
    parser.set_defaults(writes=lambda args: (_out(args), False))


def _out(args: argparse.Namespace) -> Path:
    from snnviz.hardware import nir

    return Path(args.out or f"{Path(args.source).stem}{'.npz' if args.source.endswith(nir.SUFFIX) else nir.SUFFIX}")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the one, write the other."""
    from snnviz import pretrained
    from snnviz.hardware import nir

    reading = args.source.endswith(nir.SUFFIX)
    _check(args, reading)
    out = _out(args)
    network = _read(args) if reading else pretrained.network(args.source)
    answer = {
        "source": args.source,
        "out": str(out),
        "hash": network.hash,
        "note": nir.settings_meant(network) if reading else "",
        "layers": [{"name": layer.name, "kind": layer.kind, "neurons": layer.neurons} for layer in network.layers],
        "script": None,
        "check": None,
    }
    if reading:
        network.save(out)
        return answer
    from snnviz.hardware.nir import tools

    nir.save(network, out)
    if args.tool is None:
        return {**answer, "note": tools.left_behind(network)}
    script = tools.save_loader(args.tool, out)
    return {**answer, "script": str(script), "check": _compared(args, network) if args.check else None}


def _check(args: argparse.Namespace, reading: bool) -> None:
    from snnviz.hardware import nir
    from snnviz.hardware.nir.loaders import TOOLS

    wanted = ".npz" if reading else nir.SUFFIX
    if args.dt is not None and not reading:
        raise InputError(f"`--dt` is for a graph that is read ({nir.SUFFIX}). Received: {args.source!r}")
    if args.tool is not None:
        check.choice("--for", args.tool, TOOLS)
        if reading:
            raise InputError(f"`--for` is for a network that is written. Received: {args.source!r}")
    if args.check and args.tool is None:
        raise InputError("`--check` needs --for, the tool to check. Received: none")
    if args.python is not None and not args.check:
        raise InputError(f"`--python` is for --check. Received: {args.python!r} without it")
    if _out(args).suffix != wanted:
        raise InputError(f"`--out` must end in {wanted} here. Received: {check.describe(args.out)}")


def _read(args: argparse.Namespace) -> SpikingNetwork:
    from snnviz.hardware import nir

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said by `show`
        return nir.load(args.source, args.dt)


def _compared(args: argparse.Namespace, network: SpikingNetwork) -> dict[str, Any]:
    """What the tool makes of the network and, where that differs, of the network with weights that leave nothing to rounding."""
    from snnviz.hardware import outside
    from snnviz.hardware.nir import tools
    from snnviz.jobs.work.sources import data_of

    data = data_of(network, args.source, DataOptions.of(args), "test", args.limit)
    python = args.python or sys.executable
    found = tools.compare(network, args.tool, python, data.images.x, args.steps)
    exact = (
        found if found.equal else tools.compare(outside.dyadic(network), args.tool, python, data.images.x, args.steps)
    )
    return {
        "tool": args.tool,
        "data": data.name,
        "note": data.note,
        **asdict(found),
        "equal": found.equal,
        "rounded": asdict(exact),
    }


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    layers = ", ".join(f"{layer['name']} ({layer['kind']}, {layer['neurons']})" for layer in answer["layers"])
    lines = [f"{answer['source']} -> {answer['out']}: {layers}", answer["note"]]
    if answer["script"]:
        lines.append(f"{answer['script']} loads it")
    return "\n".join([*(line for line in lines if line), *_show_check(answer["check"])])


def _show_check(found: dict[str, Any] | None) -> list[str]:
    if found is None:
        return []
    lines = [
        "",
        *([found["note"]] if found["note"] else []),
        f"{found['tool']}: {found['equal_predictions']} of {found['items']} predictions after {found['steps']} steps are snnviz's",
        *_table(found["layers"]),
    ]
    if found["equal"]:
        return [*lines, "every spike is the same"]
    rounded = found["rounded"]
    said = f"With weights rounded to multiples of 1/1024, {rounded['equal_predictions']} predictions are the same"
    if all(layer["first"] is None for layer in rounded["layers"]):
        return [*lines, f"{said}, and so is every spike: the rest is rounding"]
    return [*lines, f"{said}, and spikes are not:", *_table(rounded["layers"])]


def _table(layers: list[dict[str, Any]]) -> list[str]:
    lines = [f"{'layer':16}{'spikes here':>14}{'there':>14}  first difference"]
    for layer in layers:
        first = "-" if layer["first"] is None else "item {}, step {}, neuron {}".format(*layer["first"])
        lines.append(f"{layer['name']:16}{layer['ours']:>14}{layer['theirs']:>14}  {first}")
    return lines
