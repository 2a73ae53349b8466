"""The first pass: a Keras model as a graph of steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz._models import UnclearRange, own_call, range_shown
from snnviz._visits import IMAGE, Visit, visits
from snnviz.conversion.graph import Classifier, Image, Refused, Step, Work
from snnviz.conversion.layers import ELSEWHERE, JOINS, OF_MAPS, READERS, read_activation, refuse, unsupported
from snnviz.conversion.linear import Affine
from snnviz.conversion.obstacle import SUBCLASSED
from snnviz.errors import InputError
from snnviz.network import Shape


def read(model: Any, input_range: float | None = None) -> Classifier:
    """A Keras model as a graph; what cannot be converted is in it as `Refused`.

    Args:
        model: the model.
        input_range: what it takes for full intensity; None, what it shows (`snnviz.input_range`).

    Raises:
        InputError: if `model` is no Keras model.
    """
    import keras

    if not isinstance(model, keras.Model):
        raise InputError(f"`model` must be a Keras model. Received: {type(model).__name__}")
    whole = Visit(layer=model, name=model.name, place="")
    refused = _refused_whole(model)
    if refused is not None:
        reason, remedy = refused
        return Classifier(
            steps=(Step(work=Refused(reason=reason, remedy=remedy), visit=whole, takes=(), shape=(1,)),), whole=whole
        )
    shape, found = tuple(model.input_shape[1:]), visits(model)
    signals = any(visit.kind.endswith("1D") for visit in found)  # (length, channels), not (height, width)
    steps = [Step(work=Image(), visit=whole, takes=(), shape=shape)]
    full, work = _range(found, input_range)
    if work is not None:
        visit = next((visit for visit in found if visit.layer is work[0]), whole)
        steps.append(Step(work=work[1], visit=visit, takes=(0,), shape=shape))
    elif full != 1:
        scaled = Affine(scale=np.full(shape[-1], full), shift=np.zeros(shape[-1]))
        steps.append(Step(work=scaled, visit=found[0] if found else whole, takes=(0,), shape=shape))
    made = {IMAGE: len(steps) - 1}  # which step each visit ends in
    for place, visit in enumerate(found):
        takes = tuple(made[source] for source in visit.takes)
        shapes = [steps[source].shape for source in takes]
        for step in _steps(visit, takes, shapes, place == len(found) - 1, signals):
            steps.append(step if step.takes else replace(step, takes=(len(steps) - 1,)))
            takes = (len(steps) - 1,)
        made[place] = takes[0]
    if signals:
        steps = [replace(step, shape=_as_map(step.shape)) for step in steps]
    return Classifier(steps=tuple(steps), last=made[len(found) - 1], whole=whole, input_range=full)


def _refused_whole(model: Any) -> tuple[str, str] | None:
    """Why a model cannot be read at all, and the remedy."""
    import keras

    if not isinstance(model, keras.Sequential | keras.Function) or own_call(model):
        return SUBCLASSED
    try:
        inputs, outputs, shape = model.inputs, model.outputs, model.input_shape
    except AttributeError:
        return "its input shape is not known", "start it with keras.Input(shape)"
    if len(inputs) != 1 or len(outputs) != 1:
        return (
            f"it has {len(inputs)} inputs and {len(outputs)} outputs, and one of each is supported",
            "take the part of the model from the image to the classes",
        )
    if None in shape[1:]:
        remedy = "keras.Sequential([keras.Input(size), model]) makes one of the size that it is used at"
        return f"its input shape {shape} is not fixed", remedy
    if len(shape) not in (2, 3, 4):
        return (
            f"its input shape {shape} is not one of (features,), (length, channels), (height, width) or "
            "(height, width, channels)",
            "use a model of single images or signals",
        )
    return None


def _range(found: Sequence[Visit], given: float | None) -> tuple[float, tuple[Any, Refused] | None]:
    """What the model takes for full intensity; or which layer does not say it, and why."""
    try:
        return range_shown([visit.layer for visit in found], given), None
    except UnclearRange as unclear:
        return 1.0 if given is None else given, (unclear.layer, Refused(reason=unclear.reason, remedy=unclear.remedy))


def _steps(visit: Visit, takes: tuple[int, ...], shapes: list[Shape], last: bool, signals: bool) -> list[Step]:
    """The steps of one layer; each but the first takes from the one before, which its empty `takes` stand for."""
    given = [(None, *shape) for shape in shapes]
    try:
        shape = tuple(visit.layer.compute_output_shape(given if len(given) > 1 else given[0])[1:])
    except Exception:  # a layer of any kind may not be able to tell
        shape = shapes[0]
    works = _works(visit, shapes, signals)
    activation = getattr(visit.layer, "activation", None)
    if activation is not None and not any(isinstance(work, Refused) for work in works):
        works += read_activation(activation, shape, last)
    return [Step(work=work, visit=visit, takes=() if index else takes, shape=shape) for index, work in enumerate(works)]


def _works(visit: Visit, shapes: list[Shape], signals: bool) -> list[Work]:
    """What a layer does before its activation; in a model of signals, as the maps that they are."""
    import keras

    layer = visit.layer
    reader, join = READERS.get(visit.kind), JOINS.get(visit.kind)
    # a user's own class may carry the name of one of Keras'
    elsewhere = visit.kind in ELSEWHERE.get(type(layer).__module__, ())
    known = elsewhere or type(layer) is getattr(keras.layers, visit.kind, None)
    if (reader is None and join is None) or not known:
        return [unsupported(visit)]
    if visit.training:
        return refuse("it is called with training=True", "call it without, for inference")
    if getattr(layer, "quantization_mode", None) is not None:
        return refuse(
            f"its weights are quantised ({layer.quantization_mode}), and weights are read as they were trained",
            "convert the model as it was before model.quantize(...)",
        )
    if getattr(layer, "data_format", None) == "channels_first":
        return refuse("its data_format is 'channels_first'", "build the model with 'channels_last'")
    if reader is None:
        return join(visit, shapes) if join is not None else []
    return reader(visit, _as_map(shapes[0]) if signals and reader in OF_MAPS else shapes[0])


def _as_map(shape: Shape) -> Shape:
    """The shape of a signal, (length, channels), as that of a map of height 1; any other as it is."""
    return (1, *shape) if len(shape) == 2 else shape
