"""Conversion of trained models to spiking networks: read, check, fold, normalise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import __version__
from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._deprecated import renamed
from snnviz._models import input_range
from snnviz._versions import installed
from snnviz.conversion.choice import HALF, Setting, choose
from snnviz.conversion.correction import ITEMS, check_steps, corrected
from snnviz.conversion.loading import load_keras, load_source
from snnviz.conversion.normalisation import PER, Normalisation, default_percentile, measure, normalise
from snnviz.conversion.obstacle import Obstacle
from snnviz.conversion.proving import check_items, proved, taken
from snnviz.conversion.report import conversion_report
from snnviz.errors import InputError
from snnviz.importing.refusal import Inexpressible
from snnviz.network import SpikingNetwork
from snnviz.simulation.settings import LOWEST

SETTINGS = ("auto", "paper")

__all__ = [
    "Normalisation",
    "Obstacle",
    "check_convertible",
    "conversion_report",
    "convert",
    "corrected",
    "fold",
    "input_range",
    "load_keras",
    "load_source",
    "measure",
    "normalise",
]


@checked
def check_convertible(model: Any, input_range: float | None = None) -> list[Obstacle]:
    """Every reason why a model cannot be converted; an empty list if it can.

    Args:
        model: a Keras model, or the path of a .keras or .onnx file.
        input_range: what the model takes for full intensity, see `convert`.

    Raises:
        InputError: if `model` is not such a model.
    """
    from snnviz.conversion.passes import understand

    try:
        model, _ = taken(model)
    except Inexpressible as error:
        return [Obstacle(layer=error.node, place="", kind=error.operator, reason=error.reason, remedy=error.remedy)]
    return understand(model, None if input_range is None else check.input_range(input_range)).problems


@checked
def fold(
    model: Any, input_range: float | None = None, class_names: Sequence[str] = (), title: str = ""
) -> SpikingNetwork:
    """A model as a network with the model's own activations: everything `convert` does but normalisation.

    Arguments, conversion rules and errors are those of `convert`.
    """
    from snnviz.conversion.passes import understand

    if input_range is not None:
        check.input_range(input_range)
    model, _ = taken(model)
    understood = understand(model, input_range)
    metadata = {
        "source": model.name,
        "title": title or model.name,
        "input_range": understood.input_range,
        "versions": {"snnviz": __version__, **installed(["keras"])},
    }
    return understood.network(tuple(class_names), metadata)


@checked
def convert(
    model: Any,
    x_norm: np.ndarray,
    percentile: float | None = None,
    per: str | None = None,
    *,
    setting: str = "auto",
    initial_potential: float | None = None,
    correct_potential: int | None = None,
    input: str = "spiking",
    y_norm: np.ndarray | None = None,
    input_range: float | None = None,
    clamp: float | None = None,
    onsets: Sequence[int] | None = None,
    correct_bias: int | None = None,
    class_names: Sequence[str] = (),
    title: str = "",
    batch_size: int | None = None,
    progress: bool = True,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> SpikingNetwork:
    """Convert a trained image classifier to a spiking network.

    Batch normalisation is folded into the weights before it, or, behind a ReLU, into those after it; average pooling
    becomes a depthwise convolution with a layer of neurons of its own; a SeparableConv2D becomes the one Conv2D that
    it equals; zero padding goes into the next convolution; what does nothing at inference is left out; so is a final
    softmax. Then every layer is scaled so that `percentile` of its activations on `x_norm` is 1 (see
    `snnviz.conversion.normalise`). The class scores are those of the model: the logits, unscaled.

    What is not given of `percentile`, `per` and initial potentials is chosen by a short simulation on items of `x_norm` that are
    held out of the normalisation (`snnviz.conversion.choice`), unless `setting` is "paper". The network's metadata says what was
    tried, under "choice".

    Accepted are Sequential and functional models, nested or not, with a ReLU (capped or not) after every weighted layer but the
    last. Paths may branch and meet in sums and concatenations (Add, Average, Subtract, Concatenate): what is added up before a
    ReLU becomes one population with several projections. `check_convertible` lists what stands in the way of converting a
    model.

    Args:
        model: the Keras model; the path of a .keras or .onnx file; or a PyTorch module, which is exported to ONNX here. What is
            read from ONNX is run beside its origin on `x_norm`, and has to answer alike (`snnviz.importing.Proof`).
        x_norm: items of the training set (about 1000 will do), float intensities in [0, 1], `(items, *input shape)`. An
            input shape (height, width) becomes (height, width, 1). For a network from elsewhere channels may come first.
        percentile: in (0, 100], of which 100 stands for the cap of a capped ReLU.
        per: one scale per "layer" or one per "channel" (unit of a dense layer).
        setting: "auto" chooses what is not given; "paper" takes percentile 99 (100 where every ReLU is capped) per layer, and
            potentials of half the threshold, uncorrected.
        initial_potential: the membrane potential that every neuron begins with.
        correct_potential: correct initial potentials by the rates of this many time steps, on the first
            `choice.CORRECTED_ITEMS` items (`snnviz.conversion.corrected`); 0, leave them alike.
        input: how images will come in, for choice and correction of potentials: "spiking" or "analog" (direct coding).
        y_norm: labels of `x_norm`, by which accuracy is judged; None takes the answers of the ANN for right.
        input_range: what the model takes for full intensity: 1, or 255 for a model trained on 8-bit images. None means what
            the model shows before its first weights (`input_range`), else 1. The network takes intensities in [0, 1] in any case.
        clamp: layers begin one after the other, that at depth d after clamp * d time steps, rounded down
            (`SpikingNetwork.clamped`); 0, all at once; None, chosen, where the network is deep and hears spikes.
        onsets: after how many time steps each layer begins, one number a layer, instead of a clamp.
        correct_bias: correct biases by the rates of this many time steps, on the first `correction.ITEMS` items of `x_norm`
            (`snnviz.conversion.corrected`); None, leave them as the ANN has them.
        class_names: one name per output.
        title: a name for curves made with the network; the model's if empty.
        batch_size: items at a time during normalisation; None lets a memory budget decide.
        progress: show a progress bar if normalising takes more than two seconds.
        mean: of the preprocessing that a network from elsewhere was trained with, one number or one per channel, in intensities.
        std: the deviation of that preprocessing: the network gets (x - mean) / std.

    Returns:
        The network. Its metadata holds the source model's name, the settings, the scales and the versions, and of a network from
        elsewhere the proof as "import".

    Raises:
        InputError: if the model cannot be converted, naming the layer, the reason and the remedy, or an argument is
            wrong.
    """
    check.choice("setting", setting, SETTINGS)  # before the work of folding
    check.choice("input", input, ("spiking", "analog"))
    if percentile is not None:
        check.real("percentile", percentile, 0, 100, above=True)
    if per is not None:
        check.choice("per", per, PER)
    if initial_potential is not None:
        check.real("initial_potential", initial_potential, LOWEST, -LOWEST)
    if clamp is not None:
        check.real("clamp", clamp, 0)
    if onsets is not None and clamp:
        raise InputError(f"`onsets` must be None beside a clamp. Received: a clamp of {clamp:g} as well")
    model, imported = taken(model, x_norm, mean, std)
    folded = fold(model, input_range, class_names, title)
    folded = folded.clamped(clamp or 0.0) if onsets is None else folded.with_onsets(onsets)
    if correct_bias is not None:
        check_steps("correct_bias", correct_bias, folded)
    if correct_potential:
        check_steps("correct_potential", correct_potential, folded)
    images = np.asarray(x_norm)
    if imported is not None:
        images = imported.channels_last(images)
        check_items(images)
    if images.ndim >= 2 and images[0:1].size == folded.input.neurons:  # a model may reshape its images first
        images = images.reshape(len(images), *folded.input_shape)
    images = check.images("x_norm", images, folded.input_shape)
    proof = {} if imported is None else {"import": proved(imported, folded, images).as_json()}
    if y_norm is not None:
        y_norm = check.labels("y_norm", y_norm, len(images), folded.classes)
    asked = Setting(
        per=per,
        percentile=percentile,
        initial_potential=initial_potential,
        # a bias takes the same errors for its own
        correct_potential=0 if correct_potential is None and correct_bias is not None else correct_potential,
        clamp=clamp if onsets is None else 0.0,
    )
    if setting == "paper":
        asked = Setting(
            per=per or "layer",
            percentile=default_percentile(folded) if percentile is None else percentile,
            initial_potential=HALF if initial_potential is None else initial_potential,
            correct_potential=correct_potential or 0,
            clamp=clamp or 0.0,
        )
    best, choice = choose(folded, images, y_norm, asked, input, batch_size, progress)
    network = best.network
    if correct_bias is not None:
        network = corrected(network, images[:ITEMS], correct_bias, progress)
    metadata = {
        **folded.metadata,
        **proof,
        "percentile": best.found.percentile,
        "per": best.found.per,
        "clamp": best.setting.clamp,
        "correct_bias": correct_bias,
        "norm_items": best.found.items,
        "scales": {name: _plain(scale) for name, scale in zip(network.layer_names[1:], best.found.scales, strict=True)},
    }
    if choice is not None or best.setting.initial_potential != HALF or best.setting.correct_potential:
        metadata["initial_potential"] = best.setting.initial_potential
        metadata["correct_potential"] = best.setting.correct_potential
    if choice is not None:
        metadata["choice"] = choice
    return replace(network, metadata=metadata)


def _plain(scale: Any) -> float | list[float]:
    return float(scale) if np.ndim(scale) == 0 else [float(value) for value in scale]


if not TYPE_CHECKING:  # which would let any name pass
    __getattr__ = renamed(__name__, Problem="Obstacle")
