"""`snnviz import`: make a Keras model of a network in an ONNX file.

Read a network from an ONNX file, as PyTorch and others export it, run both on random items, and write a Keras model (.keras) with
channels last, which every other command takes. `snnviz convert`, `check`, `finetune` and `sweep` read .onnx files themselves; this
is for a preprocessing that the file does not hold.

Example: snnviz import model.onnx --out model.keras
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz.cli import _options
from snnviz.errors import InputError
from snnviz.jobs.work.sources import Preprocessing


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument(
        "model", metavar="MODEL.onnx", help="the file; weights it keeps in others are read from its own folder"
    )
    _options.add(parser, Preprocessing)
    parser.add_argument("--out", metavar="MODEL.keras", help="file to write (default: MODEL's name in this folder)")
    parser.set_defaults(writes=lambda args: (_out(args), False))


def _out(args: argparse.Namespace) -> Path:
    return Path(args.out or f"{Path(args.model).stem}.keras")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read, prove and write."""
    out = _out(args)
    if out.suffix != ".keras":
        raise InputError(f"`--out` must end in .keras. Received: {check.describe(args.out)}")
    if Path(args.model).suffix != ".onnx":
        raise InputError(f"`MODEL.onnx` must be an .onnx file. Received: {check.describe(args.model)}")

    from snnviz.importing import read_onnx
    from snnviz.training import save_model

    found = read_onnx(args.model, args.mean, args.std)
    proof = found.proof()
    proof.check(args.model)
    save_model(found.model, out)
    return {
        "model": args.model,
        "out": str(out),
        "input_shape": list(found.model.input_shape[1:]),
        "layers": len(found.model.layers),
        "import": proof.as_json(),
    }


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    from snnviz.cli.convert import proof_lines

    shape = "x".join(map(str, answer["input_shape"]))
    line = f"{answer['model']} -> {answer['out']}: {answer['layers']} layers, input {shape}, channels last"
    return "\n".join([line, proof_lines(answer["import"], layers=True)])
