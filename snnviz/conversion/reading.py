"""From a Keras model to linear stages: one walk that folds what can be folded and notes what cannot be converted."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz._models import SKIPPED, UnclearRange, meaning_of, numbers, own_call, range_shown
from snnviz._visits import Visit, through, visits
from snnviz.conversion.folding import DENSE_LIMIT, NO_PADDING, Affine, Stage, joined, merged_separable, same_padding
from snnviz.conversion.problem import NO_SPIKES, SUBCLASSED, UNSUPPORTED, Problem
from snnviz.conversion.signal import Node, Part, Signal, populations
from snnviz.errors import InputError
from snnviz.network import (
    Conv2DProjection,
    DenseProjection,
    DepthwiseProjection,
    Input,
    Padding,
    Projection,
    Shape,
    SpikingNetwork,
)

_Reader = Callable[["Reading", Visit, Signal], Signal | None]


def _on_maps(read: _Reader) -> _Reader:
    """A reader of maps that reads signals too: (length, channels) is a map of height 1."""

    @functools.wraps(read)
    def either(self: Reading, visit: Visit, signal: Signal) -> Signal | None:
        if len(signal.shape) != 2 or len(signal.node.shape) != 3 or signal.node.shape[0] != 1:
            return read(self, visit, signal)
        made = read(self, visit, replace(signal, shape=_as_map(signal.shape)))
        return made if made is None or len(made.shape) != 3 else replace(made, shape=made.shape[1:])

    return either


class Reading:
    """What a walk through a Keras model found.

    Each layer makes a `Signal` of one or several. A signal is a sum of linear stages, or such sums side by side, with an affine
    map and the zero padding that wait for the next weighted layer. An affine map (batch normalisation, Rescaling) behind a
    linear stage is folded back into it at once; behind one whose output is not negative (a ReLU, average pooling, the input) it
    waits: a ReLU that follows sends it back into the pooling, a weighted layer takes it in. A sum whose output may be negative
    is never a population: it goes on into other sums, or is multiplied out with the layer that takes it.

    Attributes:
        input_shape: shape of one item of the network's input.
        input_range: what the model takes for full intensity.
        problems: why the model cannot be converted, in the order of the layers.
    """

    def __init__(self, model: Any, input_range: float | None = None) -> None:
        import keras

        self.problems: list[Problem] = []
        self.input_shape: Shape = ()
        self.input_range = 1.0 if input_range is None else input_range
        self._visits: list[Visit] = []
        self._excused = False  # of the present layer, see `Signal`
        self._last: Node | None = None
        if not isinstance(model, keras.Model):
            raise InputError(f"`model` must be a Keras model. Received: {type(model).__name__}")
        shape = self._model_shape(model)
        if shape is None:
            return
        self._visits = visits(model)
        signals = any(visit.kind.endswith("1D") for visit in self._visits)  # (length, channels), not (height, width)
        self.input_shape = _as_map(shape) if signals else shape if len(shape) != 2 else (*shape, 1)
        image = Signal(shape=shape, parts=(Part(node=Node.image(self.input_shape)),))
        made = through(self._visits, self._settle_range(image, input_range), self._read)
        last = made[len(self._visits) - 1]
        if not last.excused:
            self._end(model, last)

    def network(self, class_names: tuple[str, ...], metadata: dict[str, Any]) -> SpikingNetwork:
        """The network with the model's own weights and scales, not normalised.

        Raises:
            InputError: naming the first problem, if there are any.
        """
        if self.problems or self._last is None:
            more = len(self.problems) - 1
            raise InputError(
                f"`model` must be convertible. Received: {self.problems[0]}"
                + (f" (and {more} more problem{'s' if more > 1 else ''}; `snnviz check` lists all)" if more else "")
            )
        return SpikingNetwork(
            input=Input(shape=self.input_shape),
            layers=tuple(populations(self._last)),
            class_names=class_names,
            metadata=metadata,
        )

    # the model as a whole

    def _model_shape(self, model: Any) -> Shape | None:
        import keras

        def refuse(reason: str, remedy: str) -> None:
            problem = Problem(layer=model.name, place="", kind=type(model).__name__, reason=reason, remedy=remedy)
            self.problems.append(problem)

        if not isinstance(model, keras.Sequential | keras.Function) or own_call(model):
            refuse(*SUBCLASSED)
            return None
        try:
            inputs, outputs, shape = model.inputs, model.outputs, model.input_shape
        except AttributeError:
            refuse("its input shape is not known", "start it with keras.Input(shape)")
            return None
        if len(inputs) != 1 or len(outputs) != 1:
            refuse(
                f"it has {len(inputs)} inputs and {len(outputs)} outputs, and one of each is supported",
                "take the part of the model from the image to the classes",
            )
            return None
        sizes = tuple(shape[1:])
        if None in sizes:
            refuse(f"its input shape {shape} is not fixed", "build it with keras.Input of the size it is used at")
            return None
        if len(sizes) not in (1, 2, 3):
            refuse(
                f"its input shape {shape} is not one of (features,), (length, channels), (height, width) or "
                "(height, width, channels)",
                "use a model of single images or signals",
            )
            return None
        return sizes

    def _settle_range(self, image: Signal, input_range: float | None) -> Signal:
        self._infer_range(input_range)
        if self.input_range != 1:
            channels = image.shape[-1]
            affine = Affine(scale=np.full(channels, self.input_range), shift=np.zeros(channels))
            visit = self._visits[0] if self._visits else None
            image = image.with_parts([replace(image.parts[0], affine=affine, affine_visit=visit)])
        return replace(image, excused=self._excused)

    def _infer_range(self, given: float | None) -> None:
        try:
            self.input_range = range_shown([visit.layer for visit in self._visits], given)
        except UnclearRange as unclear:
            visit = next(visit for visit in self._visits if visit.layer is unclear.layer)
            self._refuse(visit, unclear.reason, unclear.remedy)

    def _end(self, model: Any, signal: Signal) -> None:
        node, last = signal.node, signal.node.visit
        if last is None or not node.terms:
            whole = Visit(layer=model, name=model.name, place="")
            self._refuse(whole, "it has no weighted layer", "end it in a Dense layer with one output per class")
            return
        size = math.prod(node.terms[0][0].shape) * node.shape[-1]
        if len(signal.parts) > 1:
            self._refuse(
                self._visits[-1],
                "the last layer is read out, and here several end side by side",
                "end it in a Dense layer",
            )
        elif node.rectified:
            self._refuse(
                last,
                "the last layer is read out, not rectified, but a ReLU follows it",
                "leave its logits as they are, or put a softmax there",
            )
        elif signal.pads != NO_PADDING:
            self._refuse(signal.pads_visit or last, "no convolution follows this padding", "leave it out")
        elif len(node.shape) == 3 and node.shape[:2] != (1, 1):
            self._refuse(
                last,
                f"the model must end in one value per class, and this layer's output is {node.shape}",
                "end it in a Dense layer",
            )
        elif any(stage.kind is not DenseProjection for _, stage in node.terms) and size > DENSE_LIMIT:
            self._refuse(last, "it is too large to be written as a dense layer", "end the model in a Dense layer")
        elif node.shape[-1] < 2:
            self._refuse(
                last,
                "the class is the argmax of the outputs, and there is one output",
                "use one output per class with a softmax, as `snnviz adapt` makes of one with a sigmoid",
            )
        elif (part := self._folded_back(signal.parts[0])) is not None:
            # read out as one value per class, whatever shape the model gives them
            terms = tuple(
                (source, stage if stage.kind is DenseProjection else stage.dense()) for source, stage in part.node.terms
            )
            self._last = replace(part.node, terms=terms, shape=node.shape[-1:])

    # problems

    def _misfit(self, visit: Visit, reason: str, remedy: str = "") -> None:
        """Refuse a layer for the shape it gets, unless an earlier problem is to blame for that."""
        if not self._excused:
            self._refuse(visit, reason, remedy)

    def _refuse(self, visit: Visit, reason: str, remedy: str = "") -> None:
        problem = Problem(layer=visit.name, place=visit.place, kind=visit.kind, reason=reason, remedy=remedy)
        self.problems.append(problem)
        self._excused = True

    def _unsupported(self, visit: Visit) -> None:
        import keras

        if isinstance(visit.layer, keras.Model):
            reason, remedy = SUBCLASSED
        elif isinstance(visit.layer, keras.layers.Layer):
            reason, remedy = UNSUPPORTED.get(visit.kind, ("layers of this kind are not supported", ""))
        else:
            reason, remedy = "operations outside a layer are not supported", "use the Keras layer that does the same"
        self._refuse(visit, reason, remedy)

    # one layer

    def _read(self, visit: Visit, signals: Sequence[Signal]) -> Signal:
        """What `visit` makes of the signals that it takes."""
        layer, known = visit.layer, len(self.problems)
        self._excused = any(signal.excused for signal in signals)
        signals = [self._past_softmax(visit, signal) for signal in signals]
        made = self._understood(visit, signals)
        if made is None:
            made = signals[0]
        if len(self.problems) == known:
            return replace(made, excused=self._excused)
        # the signal goes on as if the problem were solved, so that one look shows every problem
        before = [(None, *signal.shape) for signal in signals]
        try:
            shape = tuple(layer.compute_output_shape(before if len(before) > 1 else before[0])[1:])
        except Exception:  # a layer of any kind may not be able to tell
            shape = made.shape
        nodes = [part.node for part in made.parts]
        node = replace(nodes[0], shape=_as_map(shape), nonnegative=all(node.nonnegative for node in nodes))
        return Signal(shape=shape, parts=(Part(node=node),), softmax=made.softmax, excused=self._excused)

    def _understood(self, visit: Visit, signals: Sequence[Signal]) -> Signal | None:
        import keras

        layer = visit.layer
        read, join = _READERS.get(visit.kind), _JOINS.get(visit.kind)
        # a user's own class may carry the name of one of Keras'
        if (read is None and join is None) or type(layer) is not getattr(keras.layers, visit.kind, None):
            self._unsupported(visit)
        elif visit.training:
            self._refuse(visit, "it is called with training=True", "call it without, for inference")
        elif getattr(layer, "quantization_mode", None) is not None:
            self._refuse(
                visit,
                f"its weights are quantised ({layer.quantization_mode}), and weights are read as they were trained",
                "convert the model as it was before model.quantize(...)",
            )
        elif getattr(layer, "data_format", None) == "channels_first":
            self._refuse(visit, "its data_format is 'channels_first'", "build the model with 'channels_last'")
        elif join is not None:
            return join(self, visit, signals)
        elif read is not None:
            return read(self, visit, signals[0])
        return None

    def _past_softmax(self, visit: Visit, signal: Signal) -> Signal:
        known = visit.kind in _READERS or visit.kind in _JOINS
        if signal.softmax is None or not known or _READERS.get(visit.kind) in (Reading._reshape, Reading._skip):
            return signal
        self._refuse(signal.softmax, "a softmax must come last", "use ReLU between layers")
        return replace(signal, softmax=None)

    # stages

    def _mixed(
        self, visit: Visit, signal: Signal, stages: Sequence[Stage], shape: Shape | None = None
    ) -> Signal | None:
        """The sum of what each of `stages` makes of a part; `shape` is that of the Keras output, None if it is a map."""
        terms = [
            term for part, stage in zip(signal.parts, stages, strict=True) for term in self._terms(visit, part, stage)
        ]
        node = self._node(visit, terms)
        return None if node is None else self._behind(signal, [Part(node=node)], shape)

    def _each(self, visit: Visit, signal: Signal, stages: Sequence[Stage], shape: Shape | None = None) -> Signal | None:
        """What each of `stages` makes of a part, side by side; `shape` as in `_mixed`."""
        parts = []
        for part, stage in zip(signal.parts, stages, strict=True):
            node = self._node(visit, self._terms(visit, part, stage), averages=stage.pooling)
            if node is None:
                return None
            # through average pooling an affine map passes unchanged
            parts.append(replace(part, node=node) if stage.pooling and part.node.nonnegative else Part(node=node))
        return self._behind(signal, parts, shape)

    def _behind(self, signal: Signal, parts: Sequence[Part], shape: Shape | None) -> Signal:
        """The signal of new parts."""
        self._excused = False
        if shape is None:
            shape = (*parts[0].node.shape[:-1], sum(part.channels for part in parts))
        return Signal(shape=shape, parts=tuple(parts), softmax=signal.softmax)

    def _node(self, visit: Visit, terms: Sequence[tuple[Node, Stage]], averages: bool = False) -> Node | None:
        try:
            shape = terms[0][1].output_shape
        except InputError as error:
            self._refuse(visit, str(error))
            return None
        nonnegative = averages and all(stage.pooling for _, stage in terms)
        return Node(shape=shape, terms=tuple(terms), visit=visit, nonnegative=nonnegative)

    def _terms(self, visit: Visit, part: Part, stage: Stage) -> list[tuple[Node, Stage]]:
        """What `stage` makes of a part, as terms of a sum."""
        node, waiting = part.node, part.affine
        if not node.nonnegative and not self._excused:
            if (composed := _composed(node, stage)) is not None:
                return composed
            blamed, remedy = node.visit or visit, "put a ReLU between the two"
            if any(known.layer == blamed.name and known.remedy == remedy for known in self.problems):
                return [(node, stage)]  # on another branch
            self._refuse(
                blamed, f"its outputs can be negative where {visit.name!r} needs spikes, and {NO_SPIKES}", remedy
            )
        if waiting is not None and stage.padded and stage.pooling and not waiting.linear:
            self._refuse(
                part.affine_visit or visit,
                f"its shift cannot pass {visit.name!r}, which averages zeros of the padding too",
                f"leave the padding before {visit.name!r} out, or {_without_shift(node)}",
            )
        elif waiting is not None and not stage.pooling:
            dense = stage.kind is DenseProjection
            resized = waiting.resized(stage.weights.shape[0] if dense else stage.input_shape[-1])
            if resized is None:
                self._refuse(part.affine_visit or visit, f"it does not match the channels of {visit.name!r}")
            else:
                stage = stage.preceded_by(resized)
        return [(node, stage)]

    def _folded_back(self, part: Part) -> Part | None:
        """The part with the affine map that waits folded into its node; None, and a problem, if it does not fit its channels."""
        affine = part.affine
        if affine is None:
            return part
        fitting = affine.resized(part.channels)
        if fitting is None:
            self._refuse(
                part.affine_visit or self._visits[-1],
                "it treats the positions of a map differently, which one weight shared by all positions cannot",
                "put it before Flatten",
            )
            return None
        return Part(node=part.node.followed_by(fitting))

    def _take_affine(self, visit: Visit, signal: Signal, affine: Affine) -> Signal | None:
        if self._excused:
            return None
        if signal.pads != NO_PADDING and not affine.linear:
            self._refuse(visit, "it follows zero padding, whose zeros it would shift", "put the padding after it")
            return None
        if len(signal.parts) > 1 and affine.scale.size != sum(part.channels for part in signal.parts):
            self._refuse(visit, "it treats the positions of maps side by side differently", "put it before Flatten")
            return None
        parts = []
        for part, channels in zip(signal.parts, signal.slices, strict=True):
            own = affine
            if len(signal.parts) > 1:
                own = Affine(scale=affine.scale[channels], shift=affine.shift[channels])
            taken: Part | None = self._waiting(visit, part, own)
            if taken is None:
                return None
            parts.append(taken)
        return signal.with_parts(parts)

    def _waiting(self, visit: Visit, part: Part, affine: Affine) -> Part | None:
        both = affine if part.affine is None else part.affine.then(affine)
        if both.trivial:
            return Part(node=part.node)
        part = replace(part, affine=both, affine_visit=visit)
        return part if part.node.nonnegative else self._folded_back(part)

    # readers, one per kind of layer

    def _skip(self, visit: Visit, signal: Signal) -> Signal:
        """Nothing happens at inference."""
        return signal

    @_on_maps
    def _dense(self, visit: Visit, signal: Signal) -> Signal | None:
        layer = visit.layer
        weights = numbers(layer.kernel)
        bias = numbers(layer.bias) if layer.use_bias else np.zeros(weights.shape[1])
        kind: type[Projection]
        if len(signal.shape) == 1:
            if signal.pads != NO_PADDING:
                self._refuse(visit, "it follows zero padding", "leave the padding out")
                return None
            kind, padding = DenseProjection, NO_PADDING
            kernels = [weights[rows] for rows in signal.rows] if len(signal.parts) > 1 else [weights]
        elif len(signal.shape) == 3:  # Keras applies it to the last axis at every position: a 1x1 convolution
            kind, padding, weights = Conv2DProjection, signal.pads, weights[None, None]
            kernels = [weights[:, :, channels] for channels in signal.slices] if len(signal.parts) > 1 else [weights]
        else:
            self._misfit(visit, f"its input of shape {signal.shape} is neither flat nor a map", "put Flatten before it")
            return None
        stages = [
            Stage(
                kind=kind,
                name=visit.base,
                input_shape=part.node.shape,
                weights=kernel,
                bias=np.zeros_like(bias) if place else bias,
                padding=padding,
            )
            for place, (part, kernel) in enumerate(zip(signal.parts, kernels, strict=True))
        ]
        made = self._mixed(visit, signal, stages)
        return made if made is None else self._activate(visit, made, layer.activation)

    @_on_maps
    def _convolve(self, visit: Visit, signal: Signal) -> Signal | None:
        layer = visit.layer
        groups = 1
        kind: type[Projection] = Conv2DProjection
        if visit.kind.startswith("Separable"):
            weights = merged_separable(_kernel(layer.depthwise_kernel), _kernel(layer.pointwise_kernel))
        else:
            weights = _kernel(layer.kernel)
            if visit.kind.startswith("Depthwise"):
                kind = DepthwiseProjection
            else:
                groups = layer.groups
        if len(signal.shape) != 3:
            self._misfit(visit, f"it needs a map, and its input has shape {signal.shape}")
            return None
        if groups > 1:
            signal = self._one_part(visit, signal)
        strides, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
        depthwise = kind is DepthwiseProjection
        channels = weights.shape[2] * weights.shape[3] if depthwise else weights.shape[3]
        bias = numbers(layer.bias) if layer.use_bias else np.zeros(channels)
        stages = []
        for place, (part, own) in enumerate(zip(signal.parts, signal.slices, strict=True)):
            multiplier = weights.shape[3]
            if len(signal.parts) == 1:
                here = bias
            elif depthwise:
                here = bias[own.start * multiplier : own.stop * multiplier]
            else:
                here = np.zeros_like(bias) if place else bias
            stages.append(
                Stage(
                    kind=kind,
                    name=visit.base,
                    input_shape=part.node.shape,
                    weights=weights if len(signal.parts) == 1 else weights[:, :, own],
                    bias=here,
                    strides=strides,
                    dilation=dilation,
                    padding=_padding(signal, weights.shape[:2], strides, dilation, layer.padding),
                    groups=groups,
                )
            )
        made = (self._each if depthwise else self._mixed)(visit, signal, stages)
        return made if made is None else self._activate(visit, made, layer.activation)

    @_on_maps
    def _pool(self, visit: Visit, signal: Signal) -> Signal | None:
        layer = visit.layer
        if len(signal.shape) != 3:
            self._misfit(visit, f"it needs a map, and its input has shape {signal.shape}")
            return None
        if visit.kind.startswith("Global"):
            # `_pad` has added its zeros to the shape: Keras averages over them too
            window, strides, padding = signal.shape[:2], (1, 1), "valid"
        else:
            window, strides, padding = _pair(layer.pool_size), _pair(layer.strides), layer.padding
        edges = _padding(signal, window, strides, (1, 1), padding)
        if edges != signal.pads:
            self._refuse(
                visit,
                "padding='same' puts incomplete windows at the border here, which Keras averages over fewer values",
                "use padding='valid', behind zero padding if the map shall keep its size, and retrain",
            )
            return None
        sizes = [part.channels for part in signal.parts] if len(signal.parts) > 1 else [signal.shape[2]]
        stages = [
            Stage(
                kind=DepthwiseProjection,
                name=visit.base,
                input_shape=part.node.shape,
                weights=np.full((*window, channels, 1), 1 / math.prod(window)),
                bias=np.zeros(channels),
                strides=strides,
                padding=edges,
                pooling=True,
            )
            for part, channels in zip(signal.parts, sizes, strict=True)
        ]
        keeps_map = not visit.kind.startswith("Global") or layer.keepdims
        return self._each(visit, signal, stages, None if keeps_map else (signal.shape[2],))

    def _normalise_batch(self, visit: Visit, signal: Signal) -> Signal | None:
        layer = visit.layer
        axes = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
        if tuple(axes) not in ((-1,), (len(signal.shape),)):
            self._refuse(visit, f"it normalises along axis {layer.axis}", "normalise channels, axis=-1")
            return None
        scale = 1 / np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
        if layer.scale:
            scale = scale * numbers(layer.gamma)
        shift = -numbers(layer.moving_mean) * scale
        if layer.center:
            shift = shift + numbers(layer.beta)
        return self._take_affine(visit, signal, Affine(scale=scale, shift=shift))

    def _rescale(self, visit: Visit, signal: Signal) -> Signal | None:
        channels = signal.shape[-1]
        factor, offset = (np.asarray(each, np.float64) for each in (visit.layer.scale, visit.layer.offset))
        if not (_by_channel(factor, channels) and _by_channel(offset, channels)):
            self._refuse(visit, "it treats positions differently", "rescale by one number, or one per channel")
            return None
        scale, shift = (np.broadcast_to(each.reshape(-1), channels) for each in (factor, offset))
        return self._take_affine(visit, signal, Affine(scale=scale, shift=shift))

    def _normalise_data(self, visit: Visit, signal: Signal) -> Signal | None:
        layer, channels = visit.layer, signal.shape[-1]
        mean, variance = numbers(layer.mean), numbers(layer.variance)
        if layer.invert:
            self._refuse(
                visit, "it turns a normalisation back (invert=True)", "use Rescaling, by one number or one per channel"
            )
            return None
        if not (_by_channel(mean, channels) and _by_channel(variance, channels)):
            self._refuse(visit, "it does not normalise channels", "normalise along the last axis, axis=-1")
            return None
        deviation = np.maximum(np.sqrt(variance.reshape(-1)), 1e-7)
        scale = np.broadcast_to(1 / deviation, channels)
        shift = np.broadcast_to(-mean.reshape(-1) / deviation, channels)
        return self._take_affine(visit, signal, Affine(scale=scale, shift=shift))

    @_on_maps
    def _pad(self, visit: Visit, signal: Signal) -> Signal:
        given = visit.layer.padding
        (top, bottom), (left, right) = ((0, 0), given) if isinstance(given[0], int) else given
        (t, b), (l, r) = signal.pads  # noqa: E741
        shape = (signal.shape[0] + top + bottom, signal.shape[1] + left + right, signal.shape[2])
        return replace(signal, shape=shape, pads=((t + top, b + bottom), (l + left, r + right)), pads_visit=visit)

    def _reshape(self, visit: Visit, signal: Signal) -> Signal | None:
        shape = tuple(visit.layer.compute_output_shape((None, *signal.shape))[1:])
        if shape == signal.shape:
            return signal
        first = signal.parts[0]
        if not first.node.terms and len(shape) > 1:  # only the image changes its shape: the network takes the new one
            self.input_shape = _as_map(shape)
            first = replace(first, node=Node.image(self.input_shape))
        elif len(shape) != 1 and (_as_map(shape) != first.node.shape or len(signal.parts) > 1):
            self._refuse(visit, f"it makes a map of shape {shape} of neurons of another shape", "use Flatten")
            return None
        if len(shape) == 1 and signal.pads != NO_PADDING:
            self._refuse(signal.pads_visit or visit, "no convolution follows this padding", "leave it out")
            return None
        if len(signal.parts) > 1:
            index = np.arange(math.prod(shape)).reshape(-1, signal.shape[-1])
            places = signal.places or tuple(index[:, own].ravel() for own in signal.slices)
            return replace(signal, shape=shape, places=places)
        if first.affine is not None:
            resized = first.affine.resized(shape[-1])
            if resized is None:
                self._refuse(visit, "it mixes channels that batch normalisation has scaled differently", "use Flatten")
                return None
            first = replace(first, affine=resized)
        return replace(signal.with_parts([first]), shape=shape)

    def _relu(self, visit: Visit, signal: Signal) -> Signal | None:
        layer = visit.layer
        if layer.negative_slope or layer.threshold:
            self._refuse(
                visit,
                f"its negative_slope is {float(layer.negative_slope):g} and its threshold {float(layer.threshold):g}, "
                f"and {NO_SPIKES}",
                "use a plain ReLU and retrain",
            )
            return signal
        return self._rectify(visit, signal, None if layer.max_value is None else float(layer.max_value))

    def _activation(self, visit: Visit, signal: Signal) -> Signal | None:
        return self._activate(visit, signal, visit.layer.activation)

    def _softmax_layer(self, visit: Visit, signal: Signal) -> Signal | None:
        if visit.layer.axis not in (-1, len(signal.shape)):
            self._refuse(visit, f"its axis is {visit.layer.axis}", "use axis=-1")
            return None
        return replace(signal, softmax=visit)

    def _activate(self, visit: Visit, signal: Signal, activation: Any) -> Signal | None:
        import keras

        if type(activation) is keras.layers.ReLU:
            return self._relu(replace(visit, layer=activation), signal)
        meaning = meaning_of(activation)
        if meaning in ("relu", "relu6"):
            return self._rectify(visit, signal, 6.0 if meaning == "relu6" else None)
        if meaning in ("softmax", "log_softmax"):
            return replace(signal, softmax=visit)
        if meaning != "linear":
            name = getattr(activation, "__name__", type(activation).__name__)
            last = visit is self._visits[-1]
            one = last and signal.shape[-1] == 1
            remedy = (
                "use one output per class with a softmax, two for a yes or no, as `snnviz adapt` makes of one" if one
                else "leave the activation out or use softmax" if last
                else "use ReLU and retrain, as `snnviz adapt` does"
            )  # fmt: skip
            self._refuse(visit, f"its activation is {name!r}, and {NO_SPIKES}", remedy)
        return signal

    def _rectify(self, visit: Visit, signal: Signal, cap: float | None) -> Signal | None:
        """min(max(0, x), cap) of a signal."""
        if cap is not None and cap <= 0:
            self._refuse(visit, f"its max_value is {cap:g}, which silences the layer")
            return signal
        parts = [self._rectified(visit, part, cap) for part in signal.parts]
        return signal.with_parts([part for part in parts if part is not None]) if all(parts) else None

    def _rectified(self, visit: Visit, part: Part, cap: float | None) -> Part | None:
        if not part.node.rectified:
            folded = self._folded_back(part)
            if folded is None:
                return None
            capped = folded.node.cap if cap is None else cap
            return Part(node=replace(folded.node, rectified=True, nonnegative=True, cap=capped))
        # rectified already (an image is): a second time changes nothing unless something waits in between
        affine, node = part.affine, part.node
        if affine is not None and (cap is not None or not affine.keeps_sign):  # neurons of their own take it in
            stage = Stage.identity(visit.base, node.shape)
            terms = self._terms(visit, part, stage)
            return Part(
                node=Node(shape=node.shape, terms=tuple(terms), visit=visit, rectified=True, nonnegative=True, cap=cap)
            )
        if cap is not None and node.terms:
            return replace(part, node=replace(node, cap=cap if node.cap is None else min(cap, node.cap)))
        if cap is not None and cap < 1:
            self._refuse(visit, f"it limits the image to {cap:g}", "limit the data instead")
        return part

    # where several signals come together

    def _add(self, visit: Visit, signals: Sequence[Signal]) -> Signal | None:
        factors = {"Subtract": [1.0, -1.0], "Average": [1 / len(signals)] * len(signals)}.get(
            visit.kind, [1.0] * len(signals)
        )
        if self._cannot_join(visit, signals):
            return None
        if len({tuple(part.node.shape for part in signal.parts) for signal in signals}) > 1:
            signals = [self._one_part(visit, signal) for signal in signals]
        shapes = {(signal.shape, signal.node.shape) for signal in signals}
        if len(shapes) > 1:
            found = " and ".join(str(shape) for shape in dict.fromkeys(signal.shape for signal in signals))
            self._misfit(
                visit, f"what it adds up differs in shape, {found}", "bring all to one shape, of neurons in one order"
            )
            return None
        parts = []
        for each in zip(*(signal.parts for signal in signals), strict=True):
            terms: list[tuple[Node, Stage]] = []
            for part, factor in zip(each, factors, strict=True):
                stage = Stage.identity(visit.base, part.node.shape)
                scale = np.full(part.channels, factor)
                stage = stage.followed_by(Affine(scale=scale, shift=np.zeros(part.channels)))
                terms += self._terms(visit, part, stage)
            kept = [part.node.nonnegative and (part.affine is None or part.affine.keeps_sign) for part in each]
            nonnegative = all(kept) and min(factors) >= 0
            parts.append(
                Part(node=Node(shape=each[0].node.shape, terms=tuple(terms), visit=visit, nonnegative=nonnegative))
            )
        self._excused = False
        return Signal(shape=signals[0].shape, parts=tuple(parts), places=signals[0].places)

    def _concatenate(self, visit: Visit, signals: Sequence[Signal]) -> Signal | None:
        shape = signals[0].shape
        if self._cannot_join(visit, signals):
            return None
        if visit.layer.axis not in (-1, len(shape)):
            self._refuse(visit, f"it joins along axis {visit.layer.axis}", "join channels, axis=-1")
            return None
        parts = [part for signal in signals for part in signal.parts]
        joined_shape = (*shape[:-1], sum(signal.shape[-1] for signal in signals))
        places = None
        if any(signal.places is not None for signal in signals):
            starts = np.cumsum([0, *(signal.shape[-1] for signal in signals)])
            places = tuple(rows + start for signal, start in zip(signals, starts, strict=False) for rows in signal.rows)
        return Signal(shape=joined_shape, parts=tuple(parts), places=places)

    def _cannot_join(self, visit: Visit, signals: Sequence[Signal]) -> bool:
        padded = next((signal for signal in signals if signal.pads != NO_PADDING), None)
        if padded is not None:
            self._refuse(
                visit, "it follows zero padding, which has to wait for a convolution", "put the padding after it"
            )
        return padded is not None

    def _one_part(self, visit: Visit, signal: Signal) -> Signal:
        """A signal in one part: neurons that pass on the spikes of several, side by side."""
        if len(signal.parts) == 1:
            return signal
        channels, terms = sum(part.channels for part in signal.parts), []
        for part, own in zip(signal.parts, signal.slices, strict=True):
            stage = Stage.identity(visit.base, part.node.shape, own.start, channels)
            terms += self._terms(visit, part, stage)
        shape = (*signal.node.shape[:-1], channels)
        nonnegative = all(part.affine is None or part.affine.keeps_sign for part in signal.parts)
        node = Node(
            shape=shape, terms=tuple(terms), visit=replace(visit, name=f"{visit.name}_input"), nonnegative=nonnegative
        )
        return replace(signal, parts=(Part(node=node),), places=None)


def _composed(node: Node, stage: Stage) -> list[tuple[Node, Stage]] | None:
    """What `stage` makes of a node whose output can be negative, in terms that need no spikes between; None if there are none."""
    found: list[tuple[Node, Stage]] = []
    for place, (source, before) in enumerate(node.terms):
        after = replace(stage, bias=np.zeros_like(stage.bias)) if place else stage
        try:
            product = joined(before, after)
        except InputError:  # shapes that do not fit, which are said elsewhere
            return None
        if product is None:
            return None
        for first in product[:-1]:
            source = Node(shape=first.output_shape, terms=((source, first),), visit=node.visit, nonnegative=True)
        found.append((source, product[-1]))
    return found


def _without_shift(node: Node) -> str:
    """How to do without the shift of an affine map that waits behind a node."""
    if node.terms:
        return "put batch normalisation between the weighted layer and its ReLU, and retrain"
    return "train on images that are only scaled, as by Rescaling(1 / 255), not shifted"


def _padding(
    signal: Signal, kernel: tuple[int, ...], strides: tuple[int, int], dilation: tuple[int, int], padding: str
) -> Padding:
    """The zeros around a signal's map: those of ZeroPadding and, outside them, those of padding="same" or "causal"."""
    if padding == "causal":
        across, (before, after) = signal.pads
        return across, (before + dilation[1] * (kernel[1] - 1), after)
    if padding != "same":
        return signal.pads
    edges = []
    for axis in range(2):
        before, after = same_padding(signal.shape[axis], kernel[axis], strides[axis], dilation[axis])
        edges.append((before + signal.pads[axis][0], after + signal.pads[axis][1]))
    return edges[0], edges[1]


def _by_channel(values: np.ndarray, channels: int) -> bool:
    """Whether `values`, broadcast to a map, are one number or one per channel, the last axis; sizes alone don't tell."""
    return (
        bool(np.isfinite(values).all()) and values.size == (values.shape or (1,))[-1] and values.size in (1, channels)
    )


def _pair(value: Any) -> tuple[int, int]:
    """(vertical, horizontal); a signal has only the second."""
    first, second = (value, value) if isinstance(value, int) else value if len(value) == 2 else (1, value[0])
    return int(first), int(second)


def _kernel(weights: Any) -> np.ndarray:
    """A kernel of maps; that of signals has height 1."""
    values = numbers(weights)
    return values if values.ndim == 4 else values[None]


def _as_map(shape: Shape) -> Shape:
    """The shape of a signal, (length, channels), as the map that it is; any other as it is."""
    return (1, *shape) if len(shape) == 2 else shape


_READERS: dict[str, _Reader] = {
    **dict.fromkeys(SKIPPED, Reading._skip),
    "Activation": Reading._activation,
    "AveragePooling1D": Reading._pool,
    "AveragePooling2D": Reading._pool,
    "BatchNormalization": Reading._normalise_batch,
    "Conv1D": Reading._convolve,
    "Conv2D": Reading._convolve,
    "Dense": Reading._dense,
    "DepthwiseConv1D": Reading._convolve,
    "DepthwiseConv2D": Reading._convolve,
    "Flatten": Reading._reshape,
    "GlobalAveragePooling1D": Reading._pool,
    "GlobalAveragePooling2D": Reading._pool,
    "Normalization": Reading._normalise_data,
    "ReLU": Reading._relu,
    "Rescaling": Reading._rescale,
    "Reshape": Reading._reshape,
    "SeparableConv1D": Reading._convolve,
    "SeparableConv2D": Reading._convolve,
    "Softmax": Reading._softmax_layer,
    "ZeroPadding1D": Reading._pad,
    "ZeroPadding2D": Reading._pad,
}

_JOINS: dict[str, Callable[[Reading, Visit, Sequence[Signal]], Signal | None]] = {
    **dict.fromkeys(("Add", "Average", "Subtract"), Reading._add),
    "Concatenate": Reading._concatenate,
}
