"""`snnviz convert`: a trained model to a spiking network file."""

from __future__ import annotations

import argparse
import math
import re
import sys
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz.cli._numbers import real, whole
from snnviz.cli._settings import MODEL_HELP, add_data_options, add_preprocessing_options, numbers, preprocessing_of
from snnviz.errors import InputError


def add(subparsers: Any) -> None:
    """Add the parser."""
    parser = subparsers.add_parser(
        "convert",
        help="convert a trained model to a spiking network",
        description="Convert a trained image classifier to a spiking network: fold batch normalisation, scale every "
        "layer so that a percentile of its activations is 1, and write a network file (.npz).",
    )
    parser.add_argument("model", metavar="MODEL", help=MODEL_HELP)
    parser.add_argument("--out", metavar="NETWORK.npz", help="file to write (default: MODEL's name in this folder)")
    add_data_options(parser)
    add_preprocessing_options(parser)
    parser.add_argument(
        "--norm-items",
        type=whole,
        default=1000,
        metavar="N",
        help="training items to normalise on (default: %(default)s)",
    )
    parser.add_argument(
        "--percentile",
        type=real,
        metavar="P",
        help="of the activations, in (0, 100] (default: 99; 100, which stands for the caps, where every ReLU is capped)",
    )
    parser.add_argument("--per", default="layer", help="one scale per layer or channel (default: %(default)s)")
    parser.add_argument(
        "--clamp",
        type=real,
        default=0,
        metavar="STEPS",
        help="from one layer's beginning to the next one's, e.g. 0.34 (default: 0, all begin at once)",
    )
    parser.add_argument(
        "--onsets", metavar="T,T,...", help="instead: after how many time steps each layer begins, one number a layer"
    )
    parser.add_argument(
        "--correct-bias",
        type=whole,
        metavar="T",
        help="correct biases by the firing rates of T time steps, e.g. 20 (default: leave them as they are)",
    )
    parser.add_argument("--half", action="store_true", help="round weights to half precision: about half the file")
    parser.add_argument(
        "--title", default="", help="label of the network's curves (default: the model's name, or its file's)"
    )
    parser.add_argument(
        "--class-names", metavar="NAME,NAME,...", help="one name per output, in their order (default: the data's)"
    )
    parser.add_argument("--report", action="store_true", help="compare the network with its ANN, layer by layer")
    parser.add_argument(
        "--report-items", type=whole, default=200, metavar="N", help="test items of the report (default: %(default)s)"
    )
    parser.add_argument(
        "--steps", type=whole, default=50, metavar="T", help="time steps of the report (default: %(default)s)"
    )
    parser.set_defaults(run=run, show=show, writes=lambda args: (_out(args), False))


def _out(args: argparse.Namespace) -> Path:
    return Path(args.out or f"{Path(args.model).stem}.npz")


def _title(model: Any, source: str) -> str:
    """What curves are called: the model's name, unless Keras made it up, which it does for all alike."""
    return Path(source).stem if re.fullmatch(r"(sequential|functional|model)(_\d+)?", model.name) else str(model.name)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load, convert, save and, if asked, compare."""
    out = _out(args)
    if out.suffix != ".npz":
        raise InputError(f"`--out` must end in .npz. Received: {check.describe(args.out)}")
    if args.data is not None and Path(args.data).exists() and out.exists() and out.samefile(args.data):
        raise InputError(
            f"`--out` must name another file than the data's, {args.data}. Received: {args.out or 'none, for ' + str(out)}"
        )
    # a mistake should be answered before TensorFlow and the data are loaded
    check.integer("--norm-items", args.norm_items, 1)
    if args.percentile is not None:
        check.real("--percentile", args.percentile, 0, 100, above=True)
    check.choice("--per", args.per, ("layer", "channel"))
    check.real("--clamp", args.clamp, 0)
    onsets = None
    if args.onsets is not None:
        onsets = [check.integer("--onsets", each, 0) for each in numbers("--onsets", args.onsets, whole)]
    if args.correct_bias is not None:
        check.integer("--correct-bias", args.correct_bias, 1)
    check.integer("--report-items", args.report_items, 1)
    check.integer("--steps", args.steps, 1)

    from snnviz import conversion, datasets
    from snnviz.jobs.work import sources

    asked = sources.DataOptions.of(args)

    source = conversion.load_source(args.model, **preprocessing_of(args))
    model = getattr(source, "model", source)
    given = args.input_range or sources.remembered(args.model).get("input_range")
    folded = conversion.fold(model, given)  # what cannot be converted is said before data are read
    names = () if args.class_names is None else tuple(name.strip() for name in args.class_names.split(","))
    if names and (len(names) != folded.classes or not all(names)):
        raise InputError(
            f"`--class-names` must be {folded.classes} names with commas between. Received: {args.class_names!r}"
        )
    input_range = folded.metadata["input_range"]
    data = sources.data_for(
        args.model, {}, asked, "train", args.norm_items, shape=folded.input_shape, input_range=input_range
    )
    images = data.images
    try:
        accuracy = sources.check_range(model, images, input_range, given is not None)
    except InputError as error:
        raise InputError(f"{error}; {data.note}" if data.note else str(error)) from None
    warnings = [text for text in (data.note, sources.chance(accuracy, len(images), folded.classes)) if text]
    for text in warnings:
        sys.stderr.write(f"snnviz convert: {text}\n")
    network = conversion.convert(
        source,
        images.x,
        args.percentile,
        args.per,
        input_range=input_range,
        clamp=args.clamp,
        onsets=onsets,
        correct_bias=args.correct_bias,
        class_names=names or (images.class_names if len(images.class_names) == folded.classes else ()),
        title=args.title or _title(model, args.model),
    )
    if args.half:
        network = network.halved()
    known: dict[str, Any] = {"data": sources.known_name(data.name)}
    if content := datasets.content_hash(data.name):
        known["data_hash"] = content
    if data.held_out is not None:
        known["held_out"] = dict(data.held_out)
    network = sources.remembering(network, known)
    network.save(out)
    answer: dict[str, Any] = {
        "model": args.model,
        "out": str(out),
        "data": data.name,
        "hash": network.hash,
        "input_shape": list(network.input_shape),
        "classes": network.classes,
        "percentile": network.metadata["percentile"],
        "per": args.per,
        "norm_items": network.metadata["norm_items"],
        "layers": [
            {
                "name": layer.name,
                "kind": layer.kind,
                "neurons": layer.neurons,
                "scale": network.metadata["scales"][layer.name],
                "onset": layer.onset,
            }
            for layer in network.layers
        ],
        "import": network.metadata.get("import"),
        "warnings": warnings,
        "report": None,
    }
    if args.report:
        test = data.other("test", args.report_items)
        report = conversion.conversion_report(network, test.x, args.steps, model, y=test.y)
        rows = report.reset_index().to_dict("records")
        answer["report"] = {
            "items": report.attrs["items"],
            "steps": report.attrs["steps"],
            "model_agreement": report.attrs["model_agreement"],
            "spiking_agreement": report.attrs["spiking_agreement"],
            "spiking_model_agreement": report.attrs["spiking_model_agreement"],
            "model_accuracy": report.attrs["model_accuracy"],
            "spiking_accuracy": report.attrs["spiking_accuracy"],
            # JSON has no NaN
            "layers": [{key: _number(value) for key, value in row.items()} for row in rows],
        }
    return answer


def _number(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def show(answer: dict[str, Any]) -> str:
    """The answer for people."""
    neurons = sum(layer["neurons"] for layer in answer["layers"])
    lines = [
        f"{answer['model']} -> {answer['out']}: {len(answer['layers'])} layers, {neurons} neurons, "
        f"percentile {answer['percentile']:g} per {answer['per']} over {answer['norm_items']} items"
    ]
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


def proof_lines(proof: dict[str, Any], layers: bool) -> str:
    """What the proof of an import says; layer by layer if asked, or where they part."""
    from snnviz.importing.proof import Proof

    found = Proof.of(proof)
    if not layers and found.parted is None:
        return found.sentence
    rows = [f"  {each.layer:40} {each.node:20} {each.deviation:10.2g} of {each.largest:.3g}" for each in found.layers]
    return "\n".join([found.sentence, "", "largest deviation from the original, layer by layer", *rows])


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
