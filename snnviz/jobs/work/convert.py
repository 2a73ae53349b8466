"""Convert a trained classifier to a spiking network."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz._options import option, parameters
from snnviz.errors import InputError
from snnviz.jobs.work.sources import (
    DataOptions,
    Preprocessing,
    chance,
    check_range,
    data_for,
    identified,
    located,
    of_data,
    output,
    record_data,
    remembered,
    unshown,
)

HALF = 0.5

if TYPE_CHECKING:
    import keras

    from snnviz.datasets import Images
    from snnviz.jobs.job import Job
    from snnviz.network import SpikingNetwork


@dataclass(frozen=True, kw_only=True)
class Options(Preprocessing, DataOptions):
    """Settings of a conversion."""

    model: str = option(
        help="a .keras or .onnx file, the name of a shipped model, e.g. dense-mnist, or run:ID", metavar="MODEL"
    )
    norm_items: int = option(
        1000, "training items to normalise on", metavar="N", least=1, label="Training items",
        about="How many training items are shown to the classifier, to see how large the activations of each layer become.",
    )  # fmt: skip
    setting: str = option(
        "auto", "auto chooses what is not given of percentile, per and potentials by a short simulation; paper takes percentile 99 "
        "(100, which stands for the caps, where every ReLU is capped) per layer and potentials of half the threshold",
        choices=("auto", "paper"), label="Settings",
        about="How activations become firing rates, and where membrane potentials begin: tried out in a short simulation on images "
        "that are held out, or as in the paper, by the 99th percentile of each layer.",
    )  # fmt: skip
    percentile: float | None = option(
        None, "percentile of a layer's activations that the highest firing rate stands for, in (0, 100]", metavar="P", least=0,
        above=True, most=100, unset="chosen",
        label="Percentile (%)",
        about="So many percent of a layer's activations can be told by firing rates; larger ones are cut off, at one spike a step. "
        "Empty: chosen.",
    )  # fmt: skip
    per: str | None = option(None, "what has a scale of its own", choices=("layer", "channel"), unset="chosen")
    initial_potential: float | None = option(
        None, "what every membrane potential begins at", metavar="V", unset="half the threshold"
    )
    correct_potential: int | None = option(
        None, "correct initial potentials by the firing rates of T time steps, e.g. 4; 0, do not", metavar="T", least=0,
        unset="chosen",
    )  # fmt: skip
    input: str = option(
        "spiking", "how images will come in, for that choice; analog is direct coding", choices=("spiking", "analog"),
        label="Images come in",
        about="As the spikes of a neuron for each pixel, or as they are, which costs multiplications in the first layer.",
    )  # fmt: skip
    clamp: float | None = option(
        None, "time steps from one layer's beginning to the next one's, e.g. 0.34; 0, all begin at once", metavar="STEPS", least=0,
        unset="chosen",
    )  # fmt: skip
    onsets: Sequence[int] | None = option(
        None, "instead: after how many time steps each layer begins, one number a layer", metavar="T,T,...", least=0,
        commas=True,
    )  # fmt: skip
    correct_bias: int | None = option(
        None, "correct biases by the firing rates of T time steps, e.g. 20, for answers not much later than that",
        metavar="T", least=1,
        unset="leave them as they are",
    )  # fmt: skip
    half: bool = option(False, "round weights to half precision: about half the file")
    title: str = option("", "label of the network's curves", unset="the model's name, or its file's", recorded=False)
    class_names: str | Sequence[str] | None = option(
        None, "one name per output, in their order", metavar="NAME,NAME,...", commas=True, unset="the data's",
    )  # fmt: skip
    report: bool = option(False, "compare the network with its ANN, layer by layer", recorded=False)
    report_items: int = option(200, "test items of the report", metavar="N", least=1, recorded=False)
    steps: int = option(50, "time steps of the report", metavar="T", least=1, recorded=False)
    out: str | None = output("file to write", "NETWORK.npz", "MODEL's name in this folder")

    def __post_init__(self) -> None:
        super().__post_init__()
        same = (Path(name) for name in (self.data, self.out) if name is not None and Path(name).exists())
        if len(found := list(same)) == 2 and found[0].samefile(found[1]):
            raise InputError(f"`out` must name another file than the data's, {self.data}. Received: {self.out}")

    def names(self, classes: int) -> tuple[str, ...]:
        """The names of the classes; empty where none are given."""
        given = self.class_names.split(",") if isinstance(self.class_names, str) else self.class_names or ()
        names = tuple(name.strip() for name in given)
        check.different("class_names", names)
        if names and (len(names) != classes or not all(names)):
            raise InputError(
                f"`class_names` must be {classes} names with commas between. Received: {self.class_names!r}"
            )
        return names


DRIFTS = (
    "biases that are right after {steps} steps are not much later: each step adds the correction again, and accuracy may fall; "
    "--correct-potential corrects once, for all steps"
)


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, convert, save and, if asked, compare."""
    from snnviz import conversion

    source = conversion.load_source(located(options.model, "model.keras", job), options.mean, options.std)
    model = getattr(source, "model", source)
    known = remembered(options.model, job)
    given = options.input_range or known.get("input_range")
    folded = conversion.fold(model, given)  # what cannot be converted is said before data are read
    names, full = options.names(folded.classes), folded.metadata["input_range"]
    data = data_for(
        options.model, known, options, "train", options.norm_items, shape=folded.input_shape, input_range=full
    )
    images = data.images
    test = data.other("test", options.report_items) if options.report else None  # its lack is said before the work
    unclear = unshown(options.model, model)
    try:
        accuracy = check_range(model, images, full, given is not None, unclear)
    except InputError as error:
        raise InputError(f"{error}; {data.note}" if data.note else str(error)) from None
    late = DRIFTS.format(steps=options.correct_bias) if options.correct_bias else ""
    notes = (data.note, unclear, chance(accuracy, len(images), folded.classes), late)
    warnings = [text for text in notes if text]
    for text in warnings:
        job.say(text)
    job.begin({**parameters(options), **identified(options.model, job), "data": data.name, "items": len(images)})
    record_data(job, images, "normalisation")
    network = conversion.convert(
        source,
        images.x,
        options.percentile,
        options.per,
        setting=options.setting,
        initial_potential=options.initial_potential,
        correct_potential=options.correct_potential,
        input=options.input,
        y_norm=images.y,
        input_range=full,
        clamp=options.clamp,
        onsets=options.onsets,
        correct_bias=options.correct_bias,
        class_names=names or (images.class_names if len(images.class_names) == folded.classes else ()),
        title=options.title or _title(model, options.model),
    )
    network = of_data(network.halved() if options.half else network, data)
    out = job.place(options.out, "network.npz")
    network.save(out)
    job.file(out, "network.npz")
    return {
        "model": options.model,
        "out": str(out),
        "data": data.name,
        "hash": network.hash,
        "input_shape": list(network.input_shape),
        "classes": network.classes,
        "percentile": network.metadata["percentile"],
        "per": network.metadata["per"],
        "initial_potential": network.metadata.get("initial_potential", HALF),
        "correct_potential": network.metadata.get("correct_potential", 0),
        "norm_items": network.metadata["norm_items"],
        "layers": [_layer(network, layer) for layer in network.layers],
        "choice": network.metadata.get("choice"),
        "import": network.metadata.get("import"),
        "warnings": warnings,
        "report": None if test is None else _report(network, model, test, options.steps),
    }


def _title(model: keras.Model, source: str) -> str:
    """What curves are called: the model's name, unless Keras made it up, which it does for all alike."""
    return Path(source).stem if re.fullmatch(r"(sequential|functional|model)(_\d+)?", model.name) else str(model.name)


def _layer(network: SpikingNetwork, layer: Any) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "neurons": layer.neurons,
        "scale": network.metadata["scales"][layer.name],
        "onset": layer.onset,
    }


def _report(network: SpikingNetwork, model: keras.Model, test: Images, steps: int) -> dict[str, Any]:
    """The network beside its ANN on test items."""
    from snnviz import conversion

    report = conversion.conversion_report(network, test.x, steps, model, y=test.y)
    rows = report.reset_index().to_dict("records")
    told = (
        "items", "steps", "model_agreement", "spiking_agreement", "spiking_model_agreement", "model_accuracy",
        "spiking_accuracy",
    )  # fmt: skip
    return {
        **{name: report.attrs[name] for name in told},
        # JSON has no NaN
        "layers": [{key: _number(value) for key, value in row.items()} for row in rows],
    }


def _number(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
