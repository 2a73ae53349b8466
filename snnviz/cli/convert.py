"""`snnviz convert`: convert a trained model to a spiking network.

Convert a trained image classifier to a spiking network: fold batch normalisation, scale every layer so that a percentile of its
activations is 1, and write a network file (.npz).

Example: snnviz convert dense-mnist --report --out network.npz
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snnviz._amounts import percent, text_of
from snnviz.cli import _job
from snnviz.cli._table import aligned
from snnviz.jobs.work.convert import Options
from snnviz.jobs.work.sources import stem

JOB = _job.Order(Options, out=lambda args: f"{stem(args.model)}.npz")


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    neurons = sum(layer["neurons"] for layer in answer["layers"])
    lines = [
        f"{answer['model']} -> {answer['out']}: {len(answer['layers'])} layers, {neurons} neurons, "
        f"percentile {answer['percentile']:g} per {answer['per']} over {answer['norm_items']} items, "
        f"{_potentials(answer)}"
    ]
    if answer["choice"] is not None:
        lines += ["", *_choice(answer["choice"])]
    if answer["import"] is not None:
        lines.append(proof_lines(answer["import"], answer["report"] is not None))
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
        lines += [
            "",
            f"after {report['steps']} steps on {report['items']} test items",
            *aligned(rows, right=range(2, len(columns))),
            "",
            f"same class: network and model {percent(report['model_agreement'])} before spiking, "
            f"{percent(report['spiking_model_agreement'])} spiking",
            f"accuracy: {percent(report['model_accuracy'])} of the model, {percent(report['spiking_accuracy'])} spiking",
        ]
    return "\n".join(lines)


def _potentials(row: Mapping[str, Any]) -> str:
    steps = row["correct_potential"]
    told = f"potentials {row['initial_potential']:g}" + (f" corrected over {steps} steps" if steps else "")
    return told + (f", clamp {row['clamp']:g}" if row.get("clamp") else "")


SHOWN = (1, 2, 4, 8, 16, 24)
"""Steps of which the table of a choice shows the accuracy."""


def _choice(choice: Mapping[str, Any]) -> list[str]:
    """What was tried, the best first."""
    steps = [step for step in SHOWN if step <= choice["steps"]]
    rows = [
        ("percentile", "per", "potentials", "settled", "P_l", "events", *(f"A({step})" for step in steps), ""),
        *(_tried(row, steps) for row in choice["rows"]),
    ]
    right = "" if choice["labels"] == "given" else ", by the ANN's answers"
    return [
        f"chosen on {choice['items']} held-out items, {choice['input']} input, {choice['steps']} steps, "
        f"the ANN at {percent(choice['ann_accuracy'], 1)}{right}",
        *aligned(rows, right=range(3, len(rows[0]))),
    ]


def _tried(row: Mapping[str, Any], steps: Sequence[int]) -> tuple[str, ...]:
    return (
        f"{row['percentile']:g}",
        row["per"],
        _potentials(row).removeprefix("potentials "),
        "never" if row["settled"] is None else str(row["settled"]),
        f"{row['pareto_latency']:.2f}",
        f"{row['events']:.3g}",
        *(percent(row["accuracy"][step - 1], 1) for step in steps),
        "<- chosen" if row["chosen"] else "",
    )


def proof_lines(proof: dict[str, Any], layers: bool) -> str:
    """What the proof of an import says; layer by layer if asked, or where they part."""
    from snnviz.importing.proof import Proof

    found = Proof.of(proof)
    if not layers and found.parted is None:
        return found.sentence
    rows = [f"  {each.layer:40} {each.node:20} {each.deviation:10.2g} of {each.largest:.3g}" for each in found.layers]
    return "\n".join([found.sentence, "", "largest deviation from the original, layer by layer", *rows])


def _cell(value: Any) -> str:
    return "-" if value is None else text_of(value, digits=4)
