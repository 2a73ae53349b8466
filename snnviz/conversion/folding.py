"""The third pass: affine maps and zero padding go into the weighted layers beside them, and what is side by side becomes sums.

A step makes a `Signal` of one or several. A signal is a sum of linear layers, or such sums side by side, with an affine map and the
zero padding that wait for the next weighted layer. An affine map (batch normalisation, Rescaling) behind a linear layer belongs to
that; behind one whose output is not negative (a ReLU, average pooling, the input) it waits: a ReLU that follows sends it back into
the pooling, a weighted layer takes it in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz._visits import Visit
from snnviz.conversion.graph import Classifier, Crop, Image, Join, Pad, Rectify, Refused, Reshape, Step, WeightedSum
from snnviz.conversion.linear import NO_PADDING, Affine, Linear
from snnviz.conversion.obstacle import Obstacle, Refusal
from snnviz.conversion.signals import Node, Part, Signal
from snnviz.errors import InputError
from snnviz.network import DenseProjection, DepthwiseProjection, Padding


def fold(classifier: Classifier) -> tuple[Node | None, list[Obstacle]]:
    """The node that the classes are read from, and all problems in the order of the steps; no node if there are any."""
    problems: list[Obstacle] = []
    signals: list[Signal] = []
    for step in classifier.steps:
        taken = [signals[source] for source in step.takes]
        try:
            signals.append(_folded(step, taken))
        except Refusal as refusal:
            own = isinstance(step.work, Refused) and not step.work.misfit
            if (own or not any(signal.excused for signal in taken)) and refusal.problem not in problems:
                problems.append(refusal.problem)
            # it goes on as if the problem were solved, so that one look shows every problem
            signals.append(replace(_image(step, None, ()), excused=True))
    if signals[classifier.last].excused:
        return None, problems
    try:
        node = _end(signals[classifier.last], classifier)
    except Refusal as refusal:
        return None, [*problems, refusal.problem]
    return (None if problems else node), problems


def _folded(step: Step, taken: Sequence[Signal]) -> Signal:
    made = _FOLDS[type(step.work)](step, step.work, taken)
    return replace(
        made, excused=not isinstance(step.work, Linear | WeightedSum) and any(signal.excused for signal in taken)
    )


def _image(step: Step, work: Any, taken: Sequence[Signal]) -> Signal:
    inner = step.shape if len(step.shape) != 2 else (*step.shape, 1)
    return Signal(shape=step.shape, parts=(Part(node=Node.image(inner)),))


def _refused(step: Step, work: Refused, taken: Sequence[Signal]) -> Signal:
    raise Refusal(step.visit, work.reason, work.remedy)


def _end(signal: Signal, classifier: Classifier) -> Node:
    node, last = signal.node, signal.node.visit
    if last is None or not node.terms:
        raise Refusal(classifier.whole, "it has no weighted layer", "end it in a Dense layer with one output per class")
    if len(signal.parts) > 1:
        raise Refusal(
            classifier.steps[classifier.last].visit,
            "the last layer is read out, and here several end side by side",
            "end it in a Dense layer",
        )
    if node.rectified:
        raise Refusal(
            last,
            "the last layer is read out, not rectified, but a ReLU follows it",
            "leave its logits as they are, or put a softmax there",
        )
    if signal.pads != NO_PADDING:
        raise Refusal(signal.pads_visit or last, "no convolution follows this padding", "leave it out")
    if len(node.shape) == 3 and node.shape[:2] != (1, 1):
        raise Refusal(
            last,
            f"the model must end in one value per class, and this layer's output is {node.shape}",
            "end it in a Dense layer",
        )
    if node.shape[-1] < 2:
        raise Refusal(
            last,
            "the class is the argmax of the outputs, and there is one output",
            "use one output per class with a softmax, as `snnviz adapt` makes of one with a sigmoid",
        )
    return _folded_back(last, signal.parts[0]).node


# linear layers


def _linear(step: Step, work: Linear, taken: Sequence[Signal]) -> Signal:
    """Mixed channels are one sum over the parts; channels that stay apart are parts as before."""
    signal = taken[0] if work.groups == 1 else _one_part(step.visit, taken[0])
    linears = _by_part(work, signal)
    each = [(part, linear, _term(step.visit, part, linear)) for part, linear in zip(signal.parts, linears, strict=True)]
    if work.kind is not DepthwiseProjection:
        parts = [Part(node=_node(step.visit, [term for _, _, term in each]))]
    else:
        parts = []
        for part, linear, term in each:
            kept = linear.pooling and part.node.nonnegative
            node = _node(step.visit, [term], nonnegative=kept)
            parts.append(replace(part, node=node) if kept else Part(node=node))  # an affine map passes an average
    channels = sum(part.channels for part in parts)
    return Signal(shape=(*parts[0].node.shape[:-1], channels), parts=tuple(parts))


def _by_part(linear: Linear, signal: Signal) -> list[Linear]:
    """What a linear layer makes of each part of what it takes."""
    if linear.kind is not DenseProjection:
        linear = replace(linear, padding=_both(linear.padding, signal.pads))
    if len(signal.parts) == 1:
        return [replace(linear, input_shape=signal.node.shape)]
    found, depthwise = [], linear.kind is DepthwiseProjection
    for place, (part, own) in enumerate(zip(signal.parts, signal.slices, strict=True)):
        weights = linear.weights[signal.rows[place]] if linear.kind is DenseProjection else linear.weights[:, :, own]
        bias = linear.bias if place == 0 else np.zeros_like(linear.bias)
        if depthwise:
            bias = linear.bias.reshape(-1, linear.weights.shape[-1])[own].ravel()
        found.append(replace(linear, input_shape=part.node.shape, weights=weights, bias=bias))
    return found


def _both(inner: Padding, outer: Padding) -> Padding:
    """Zeros within others."""
    (top, bottom), (left, right) = inner
    (t, b), (l, r) = outer  # noqa: E741
    return (top + t, bottom + b), (left + l, right + r)


def _node(visit: Visit, terms: Sequence[tuple[Node, Linear]], nonnegative: bool = False) -> Node:
    try:
        shape = terms[0][1].output_shape
    except InputError as error:
        raise Refusal(visit, str(error)) from error
    return Node(shape=shape, terms=tuple(terms), visit=visit, nonnegative=nonnegative)


def _term(visit: Visit, part: Part, linear: Linear) -> tuple[Node, Linear]:
    """What `linear` makes of a part, its affine map taken in."""
    node, waiting = part.node, part.affine
    if waiting is None or (linear.pooling and (waiting.linear or not linear.padded)):
        return node, linear
    if linear.pooling:
        without = (
            "put batch normalisation between the weighted layer and its ReLU, and retrain" if node.terms
            else "train on images that are only scaled, as by Rescaling(1 / 255), not shifted"
        )  # fmt: skip
        raise Refusal(
            part.affine_visit or visit,
            f"its shift cannot pass {visit.name!r}, which averages zeros of the padding too",
            f"leave the padding before {visit.name!r} out, or {without}",
        )
    resized = waiting.resized(linear.weights.shape[0] if linear.kind is DenseProjection else linear.input_shape[-1])
    if resized is None:
        raise Refusal(part.affine_visit or visit, f"it does not match the channels of {visit.name!r}")
    return node, linear.preceded_by(resized)


def _crop(step: Step, work: Crop, taken: Sequence[Signal]) -> Signal:
    """A depthwise convolution, one of whose weights is 1: what is kept is passed on."""
    (top, bottom), (left, right) = work.edges
    channels = taken[0].shape[-1]
    weights = np.zeros((top + bottom + 1, left + right + 1, channels, 1))
    weights[top, left] = 1
    shape, bias = taken[0].shape, np.zeros(channels)
    linear = Linear(kind=DepthwiseProjection, name=step.visit.base, input_shape=shape, weights=weights, bias=bias)
    made = _linear(step, linear, taken)
    return made.with_parts(
        replace(part, node=replace(part.node, nonnegative=before.nonnegative))
        for part, before in zip(made.parts, taken[0].parts, strict=True)
    )


# affine maps


def _affine(step: Step, work: Affine, taken: Sequence[Signal]) -> Signal:
    signal = taken[0]
    if signal.pads != NO_PADDING and not work.linear:
        raise Refusal(step.visit, "it follows zero padding, whose zeros it would shift", "put the padding after it")
    if len(signal.parts) == 1:
        return signal.with_parts([_waiting(step.visit, signal.parts[0], work)])
    if work.scale.size != sum(part.channels for part in signal.parts):
        raise Refusal(step.visit, "it treats the positions of maps side by side differently", "put it before Flatten")
    return signal.with_parts(
        _waiting(step.visit, part, Affine(scale=work.scale[own], shift=work.shift[own]))
        for part, own in zip(signal.parts, signal.slices, strict=True)
    )


def _waiting(visit: Visit, part: Part, affine: Affine) -> Part:
    both = affine if part.affine is None else part.affine.then(affine)
    if both.trivial:
        return Part(node=part.node)
    part = replace(part, affine=both, affine_visit=visit)
    return part if part.node.nonnegative else _folded_back(visit, part)


def _folded_back(visit: Visit, part: Part) -> Part:
    """The part with the affine map that waits folded into its node."""
    affine, node = part.affine, part.node
    if affine is None:
        return part
    fitting = affine.resized(part.channels)
    if fitting is None:
        raise Refusal(
            part.affine_visit or visit,
            "it treats the positions of a map differently, which one weight shared by all positions cannot",
            "put it before Flatten",
        )
    if node.nonnegative:
        return Part(node=node.followed_by(fitting))
    linear = Linear.identity(node.terms[0][1].name, node.shape).followed_by(fitting)
    return Part(node=replace(node, terms=((node, linear),)))  # to be multiplied out


# what moves numbers


def _pad(step: Step, work: Pad, taken: Sequence[Signal]) -> Signal:
    return replace(taken[0], shape=step.shape, pads=_both(work.edges, taken[0].pads), pads_visit=step.visit)


def _reshape(step: Step, work: Reshape, taken: Sequence[Signal]) -> Signal:
    signal, shape = taken[0], step.shape
    first = signal.parts[0]
    if not first.node.terms and len(shape) == 3:  # only the image changes its shape: the network takes the new one
        first = replace(first, node=replace(Node.image(shape), visit=step.visit))
    elif len(shape) != 1 and (shape != first.node.shape or len(signal.parts) > 1):
        raise Refusal(step.visit, f"it makes a map of shape {shape} of neurons of another shape", "use Flatten")
    if len(shape) == 1 and signal.pads != NO_PADDING:
        raise Refusal(signal.pads_visit or step.visit, "no convolution follows this padding", "leave it out")
    if len(signal.parts) > 1:
        index = np.arange(math.prod(shape)).reshape(-1, signal.shape[-1])
        places = signal.places or tuple(index[:, own].ravel() for own in signal.slices)
        return replace(signal, shape=shape, places=places)
    if first.affine is not None:
        resized = first.affine.resized(shape[-1])
        if resized is None:
            raise Refusal(
                step.visit, "it mixes channels that batch normalisation has scaled differently", "use Flatten"
            )
        first = replace(first, affine=resized)
    return replace(signal.with_parts([first]), shape=shape)


# ReLU


def _rectify(step: Step, work: Rectify, taken: Sequence[Signal]) -> Signal:
    return taken[0].with_parts(_rectified(step.visit, part, work.cap) for part in taken[0].parts)


def _rectified(visit: Visit, part: Part, cap: float | None) -> Part:
    if not part.node.rectified:
        folded = _folded_back(visit, part)
        capped = folded.node.cap if cap is None else cap
        return Part(node=replace(folded.node, rectified=True, nonnegative=True, cap=capped))
    # rectified already (an image is): a second time changes nothing unless something waits in between
    affine, node = part.affine, part.node
    if affine is not None and (cap is not None or not affine.keeps_sign):  # neurons of their own take it in
        term = _term(visit, part, Linear.identity(visit.base, node.shape))
        return Part(node=Node(shape=node.shape, terms=(term,), visit=visit, rectified=True, nonnegative=True, cap=cap))
    if cap is not None and node.terms:
        return replace(part, node=replace(node, cap=cap if node.cap is None else min(cap, node.cap)))
    if cap is not None and cap < 1:
        raise Refusal(visit, f"it limits the image to {cap:g}", "limit the data instead")
    return part


# where several signals come together


def _add(step: Step, work: WeightedSum, taken: Sequence[Signal]) -> Signal:
    _check_joinable(step.visit, taken)
    if len({tuple(part.node.shape for part in signal.parts) for signal in taken}) > 1:
        taken = [_one_part(step.visit, signal) for signal in taken]
    if len({(signal.shape, signal.node.shape) for signal in taken}) > 1:
        shapes = dict.fromkeys(signal.shape for signal in taken)
        if len(shapes) == 1:  # flattened from others
            shapes = dict.fromkeys(signal.node.shape for signal in taken)
        found = " and ".join(map(str, shapes))
        raise Refusal(
            step.visit,
            f"what it adds up differs in shape, {found}",
            "bring all to one shape, of neurons in one order",
        )
    parts = []
    for each in zip(*(signal.parts for signal in taken), strict=True):
        terms = []
        for part, factor in zip(each, work.factors, strict=True):
            linear = Linear.identity(step.visit.base, part.node.shape)
            scaled = Affine(scale=np.full(part.channels, factor), shift=np.zeros(part.channels))
            terms.append(_term(step.visit, part, linear.followed_by(scaled)))
        nonnegative = all(part.nonnegative for part in each) and min(work.factors) >= 0
        parts.append(Part(node=_node(step.visit, terms, nonnegative)))
    return Signal(shape=taken[0].shape, parts=tuple(parts), places=taken[0].places)


def _join(step: Step, work: Join, taken: Sequence[Signal]) -> Signal:
    _check_joinable(step.visit, taken)
    places = None
    if any(signal.places is not None for signal in taken):
        starts = np.cumsum([0, *(signal.shape[-1] for signal in taken)])
        places = tuple(rows + start for signal, start in zip(taken, starts, strict=False) for rows in signal.rows)
    parts = tuple(part for signal in taken for part in signal.parts)
    return Signal(shape=step.shape, parts=parts, places=places)


def _check_joinable(visit: Visit, taken: Sequence[Signal]) -> None:
    if any(signal.pads != NO_PADDING for signal in taken):
        raise Refusal(visit, "it follows zero padding, which has to wait for a convolution", "put the padding after it")


def _one_part(visit: Visit, signal: Signal) -> Signal:
    """A signal in one part: neurons that pass on the spikes of several, side by side."""
    if len(signal.parts) == 1:
        return signal
    channels = sum(part.channels for part in signal.parts)
    terms = [
        _term(visit, part, Linear.identity(visit.base, part.node.shape, own.start, channels))
        for part, own in zip(signal.parts, signal.slices, strict=True)
    ]
    node = Node(
        shape=(*signal.node.shape[:-1], channels),
        terms=tuple(terms),
        visit=replace(visit, name=f"{visit.name}_input"),
        nonnegative=all(part.nonnegative for part in signal.parts),
    )
    return replace(signal, parts=(Part(node=node),), places=None)


_FOLDS: dict[type, Callable[[Step, Any, Sequence[Signal]], Signal]] = {
    Affine: _affine,
    Crop: _crop,
    Image: _image,
    Join: _join,
    Pad: _pad,
    Rectify: _rectify,
    Refused: _refused,
    Reshape: _reshape,
    Linear: _linear,
    WeightedSum: _add,
}
