"""`snnviz convert`: a trained Keras model to a spiking network file."""

from __future__ import annotations

from typing import Any

from snnviz.cli import _job
from snnviz.jobs.work.convert import Options
from snnviz.jobs.work.sources import stem


def add(subparsers: Any) -> None:
    """Add the parser."""
    _job.add_command(
        subparsers, "convert", Options, show,
        help="convert a trained Keras model to a spiking network",
        description="Convert a trained Keras image classifier to a spiking network: fold batch normalisation, scale every "
        "layer so that a percentile of its activations is 1, and write a network file (.npz).",
        out=lambda args: f"{stem(args.model)}.npz",
        track=False,
    )  # fmt: skip


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    neurons = sum(layer["neurons"] for layer in answer["layers"])
    lines = [
        f"{answer['model']} -> {answer['out']}: {len(answer['layers'])} layers, {neurons} neurons, "
        f"percentile {answer['percentile']:g} per {answer['per']} over {answer['norm_items']} items"
    ]
    report = answer["report"]
    if report is not None:
        columns = (
            "layer",
            "kind",
            "neurons",
            "synapses",
            "scale",
            "saturated",
            "active",
            "dead",
            "rate_error",
            "rate_bias",
        )
        rows = [columns, *(tuple(_cell(row[column]) for column in columns) for row in report["layers"])]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += [
            "",
            f"after {report['steps']} steps on {report['items']} test items",
            *(
                "  ".join(
                    cell.ljust(width) if index < 2 else cell.rjust(width)
                    for index, (cell, width) in enumerate(zip(row, widths, strict=True))
                )
                for row in rows
            ),
            "",
            f"same class: network and model {report['model_agreement']:.2%} before spiking, "
            f"{report['spiking_model_agreement']:.2%} spiking",
            f"accuracy: {report['model_accuracy']:.2%} of the model, {report['spiking_accuracy']:.2%} spiking",
        ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
