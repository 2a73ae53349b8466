"""From a Keras model to linear stages: one walk that folds what can be folded and notes what cannot be converted."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz._models import SKIPPED, UnclearRange, meaning_of, numbers, own_call, range_shown
from snnviz.conversion.folding import DENSE_LIMIT, NO_PADDING, Affine, Stage, joined, merged_separable, same_padding
from snnviz.conversion.path import Visit, single_path
from snnviz.conversion.problem import NO_SPIKES, SUBCLASSED, UNSUPPORTED, Problem
from snnviz.errors import InputError
from snnviz.network import Conv2D, Dense, DepthwiseConv2D, Input, Layer, Padding, Shape, SpikingNetwork


class Reading:
    """What a walk through a Keras model found.

    The walk carries the stages so far, the affine map and the zero padding that wait for the next weighted layer, and
    the present shape. An affine map (batch normalisation, Rescaling) behind a linear stage is folded back into it at
    once; behind one whose output is not negative (a ReLU, average pooling, the input) it waits: a ReLU that follows
    sends it back into the pooling, a weighted layer takes it in.

    Attributes:
        input_shape: shape of one item of the network's input.
        input_range: what the model takes for full intensity.
        stages: the weighted layers found.
        problems: why the model cannot be converted, in the order of the layers.
    """

    def __init__(self, model: Any, input_range: float | None = None) -> None:
        import keras

        self.problems: list[Problem] = []
        self.stages: list[Stage] = []
        self.input_shape: Shape = ()
        self.input_range = 1.0 if input_range is None else input_range
        self._visits: list[Visit] = []
        self._stage_visit: Visit | None = None
        self._softmax: Visit | None = None
        self._affine: Affine | None = None
        self._affine_visit: Visit | None = None
        self._pads: Padding = NO_PADDING
        self._pads_visit: Visit | None = None
        self._excused = False  # after a problem, until the next stage: what follows from it is not reported again
        if not isinstance(model, keras.Model):
            raise InputError(f"`model` must be a Keras model. Received: {type(model).__name__}")
        shape = self._model_shape(model)
        if shape is None:
            return
        visits, junctions = single_path(model)
        opaque = [visit.problem(*SUBCLASSED) for visit in visits if isinstance(visit.layer, keras.Model)]
        self._visits = visits
        if opaque or junctions:
            self._read_apart(model, [*opaque, *junctions])
            return
        self._shape: Shape = shape  # of one item, at the present place
        self.input_shape = shape if len(shape) != 2 else (*shape, 1)
        self._previous_shape = self.input_shape  # of the last stage's neurons
        self._settle_range(input_range)
        for visit in visits:
            self._read(visit)
        if not self._excused:
            self._end(model)

    def network(self, class_names: tuple[str, ...], metadata: dict[str, Any]) -> SpikingNetwork:
        """The network with the model's own weights and scales, not normalised.

        Raises:
            InputError: naming the first problem, if there are any.
        """
        if self.problems:
            more = len(self.problems) - 1
            raise InputError(
                f"`model` must be convertible. Received: {self.problems[0]}"
                + (f" (and {more} more problem{'s' if more > 1 else ''}; `snnviz check` lists all)" if more else "")
            )
        stages = list(self.stages)
        if stages[-1].kind is not Dense:
            stages[-1] = stages[-1].dense()
        layers: list[Layer] = [stage.layer() for stage in stages]
        return SpikingNetwork(
            input=Input(shape=self.input_shape), layers=tuple(layers), class_names=class_names, metadata=metadata
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
                f"its input shape {shape} is not one of (features,), (height, width) or (height, width, channels)",
                "use a model of single images",
            )
            return None
        return sizes

    def _read_apart(self, model: Any, junctions: list[Problem]) -> None:
        """Report the unsupported layers of a model that is no single path, without following the signal."""
        import keras

        known = {problem.layer for problem in junctions}
        self.problems += junctions
        for index, layer in enumerate(model.layers):
            if isinstance(layer, keras.Sequential | keras.Function) or layer.name in known:
                continue
            if type(layer).__name__ not in _READERS:
                self._unsupported(Visit(layer=layer, name=layer.name, place=f"layers[{index}]"))

    def _settle_range(self, input_range: float | None) -> None:
        self._infer_range(input_range)
        if self.input_range != 1:
            channels = self._shape[-1]
            self._affine = Affine(scale=np.full(channels, self.input_range), shift=np.zeros(channels))
            self._affine_visit = self._visits[0] if self._visits else None

    def _infer_range(self, given: float | None) -> None:
        try:
            self.input_range = range_shown([visit.layer for visit in self._visits], given)
        except UnclearRange as unclear:
            visit = next(visit for visit in self._visits if visit.layer is unclear.layer)
            self._refuse(visit, unclear.reason, unclear.remedy)

    def _end(self, model: Any) -> None:
        last = self._stage_visit
        if last is None:
            whole = Visit(layer=model, name=model.name, place="")
            self._refuse(whole, "it has no weighted layer", "end it in a Dense layer with one output per class")
            return
        stage = self.stages[-1]
        if stage.rectified:
            self._refuse(
                last,
                "the last layer is read out, not rectified, but a ReLU follows it",
                "leave its logits as they are, or put a softmax there",
            )
        elif self._pads != NO_PADDING:
            self._refuse(self._pads_visit or last, "no convolution follows this padding", "leave it out")
        elif len(self._previous_shape) == 3 and self._previous_shape[:2] != (1, 1):
            self._refuse(
                last,
                f"the model must end in one value per class, and this layer's output is {self._previous_shape}",
                "end it in a Dense layer",
            )
        elif stage.kind is not Dense and math.prod(stage.input_shape) * self._previous_shape[-1] > DENSE_LIMIT:
            self._refuse(last, "it is too large to be written as a dense layer", "end the model in a Dense layer")
        elif self._previous_shape[-1] < 2:
            self._refuse(
                last,
                "the class is the argmax of the outputs, and there is one output",
                "use one output per class with a softmax",
            )
        elif self._affine is not None:
            self._fold_back()

    # problems

    def _misfit(self, visit: Visit, reason: str, remedy: str = "") -> None:
        """Refuse a layer for the shape it gets, unless an earlier problem is to blame for that."""
        if not self._excused:
            self._refuse(visit, reason, remedy)

    def _refuse(self, visit: Visit, reason: str, remedy: str = "") -> None:
        self.problems.append(visit.problem(reason, remedy))
        self._excused = True
        self._affine, self._pads = None, NO_PADDING

    def _unsupported(self, visit: Visit) -> None:
        import keras

        if isinstance(visit.layer, keras.layers.Layer):
            reason, remedy = UNSUPPORTED.get(visit.kind, ("layers of this kind are not supported", ""))
        else:
            reason, remedy = "operations outside a layer are not supported", "use the Keras layer that does the same"
        self._refuse(visit, reason, remedy)

    # one layer

    def _read(self, visit: Visit) -> None:
        import keras

        layer, before, known = visit.layer, self._shape, len(self.problems)
        read = _READERS.get(visit.kind)
        # a user's own class may carry the name of one of Keras'
        if read is None or type(layer) is not getattr(keras.layers, visit.kind, None):
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
        else:
            if self._softmax is not None and read not in (Reading._reshape, Reading._skip):
                self._refuse(self._softmax, "a softmax must come last", "use ReLU between layers")
                self._softmax = None
            read(self, visit)
        if len(self.problems) > known:
            # the signal goes on as if the problem were solved, so that one look shows every problem
            try:
                self._shape = tuple(layer.compute_output_shape((None, *before))[1:])
            except Exception:  # a layer of any kind may not be able to tell
                self._shape = before
            self._previous_shape = self._shape

    def _push(self, visit: Visit, stage: Stage, shape: Shape | None = None) -> None:
        """Take in a weighted or pooling layer; `shape` is that of its Keras output, None if it is a map."""
        if self.stages and not self.stages[-1].nonnegative and not self._excused:
            if (product := self._joined(stage)) is not None:
                self.stages[-1:] = product
                self._previous_shape = product[-1].output_shape
                self._pads, self._stage_visit = NO_PADDING, visit
                self._shape = self._previous_shape if shape is None else shape
                return
            self._refuse(
                self._stage_visit or visit,
                f"its outputs can be negative where {visit.name!r} needs spikes, and {NO_SPIKES}",
                "put a ReLU between the two",
            )
        waiting = self._affine
        if waiting is not None and stage.padded and stage.pooling and not waiting.linear:
            self._refuse(
                self._affine_visit or visit,
                f"its shift cannot pass {visit.name!r}, which averages zeros of the padding too",
                f"leave the padding before {visit.name!r} out, or {self._without_shift()}",
            )
        elif waiting is not None and not stage.pooling:  # through average pooling it passes unchanged
            resized = waiting.resized(stage.weights.shape[0] if stage.kind is Dense else stage.input_shape[2])
            if resized is None:
                self._refuse(self._affine_visit or visit, f"it does not match the channels of {visit.name!r}")
            else:
                stage = stage.preceded_by(resized)
            self._affine = None
        try:
            self._previous_shape = stage.output_shape
        except InputError as error:
            self._refuse(visit, str(error))
            return
        self.stages.append(stage)
        self._stage_visit = visit
        self._pads = NO_PADDING
        self._shape = self._previous_shape if shape is None else shape
        self._excused = False

    def _joined(self, stage: Stage) -> list[Stage] | None:
        """The last stage, which is linear, and `stage` in other words that need no spikes between; None if there are none."""
        try:
            return joined(self.stages[-1], stage)
        except InputError:  # shapes that do not fit, which are said elsewhere
            return None

    def _fold_back(self) -> bool:
        """Fold the waiting affine map into the last stage; False if it does not fit its channels."""
        affine = self._affine
        if affine is None:
            return True
        fitting = affine.resized(self._previous_shape[-1])
        if fitting is None:
            self._refuse(
                self._affine_visit or self._visits[-1],
                "it treats the positions of a map differently, which one weight shared by all positions cannot",
                "put it before Flatten",
            )
            return False
        self.stages[-1] = self.stages[-1].followed_by(fitting)
        self._affine = None
        return True

    def _take_affine(self, visit: Visit, affine: Affine) -> None:
        if self._excused:
            return
        if self._pads != NO_PADDING and not affine.linear:
            self._refuse(visit, "it follows zero padding, whose zeros it would shift", "put the padding after it")
            return
        self._affine = affine if self._affine is None else self._affine.then(affine)
        if self._affine.trivial:
            self._affine = None
            return
        self._affine_visit = visit
        if self.stages and not self.stages[-1].nonnegative:
            self._fold_back()

    # readers, one per kind of layer

    def _skip(self, visit: Visit) -> None:
        """Nothing happens at inference."""

    def _dense(self, visit: Visit) -> None:
        layer = visit.layer
        weights = numbers(layer.kernel)
        bias = numbers(layer.bias) if layer.use_bias else np.zeros(weights.shape[1])
        kind: type[Layer]
        if len(self._shape) == 1:
            if self._pads != NO_PADDING:
                self._refuse(visit, "it follows zero padding", "leave the padding out")
                return
            kind, padding = Dense, NO_PADDING
        elif len(self._shape) == 3:  # Keras applies it to the last axis at every position: a 1x1 convolution
            kind, padding, weights = Conv2D, self._pads, weights[None, None]
        else:
            self._misfit(visit, f"its input of shape {self._shape} is neither flat nor a map", "put Flatten before it")
            return
        stage = Stage(
            kind=kind,
            name=self._name(visit),
            input_shape=self._previous_shape,
            weights=weights,
            bias=bias,
            padding=padding,
        )
        self._push(visit, stage)
        self._activate(visit, layer.activation)

    def _convolve(self, visit: Visit) -> None:
        layer = visit.layer
        groups = 1
        kind: type[Layer] = Conv2D
        if visit.kind == "SeparableConv2D":
            weights = merged_separable(numbers(layer.depthwise_kernel), numbers(layer.pointwise_kernel))
        else:
            weights = numbers(layer.kernel)
            if visit.kind == "DepthwiseConv2D":
                kind = DepthwiseConv2D
            else:
                groups = layer.groups
        if len(self._shape) != 3:
            self._misfit(visit, f"it needs a map, and its input has shape {self._shape}")
            return
        strides, dilation = _pair(layer.strides), _pair(layer.dilation_rate)
        channels = weights.shape[2] * weights.shape[3] if kind is DepthwiseConv2D else weights.shape[3]
        stage = Stage(
            kind=kind,
            name=self._name(visit),
            input_shape=self._previous_shape,
            weights=weights,
            bias=numbers(layer.bias) if layer.use_bias else np.zeros(channels),
            strides=strides,
            dilation=dilation,
            padding=self._padding(weights.shape[:2], strides, dilation, layer.padding),
            groups=groups,
        )
        self._push(visit, stage)
        self._activate(visit, layer.activation)

    def _pool(self, visit: Visit) -> None:
        layer = visit.layer
        if len(self._shape) != 3:
            self._misfit(visit, f"it needs a map, and its input has shape {self._shape}")
            return
        if visit.kind == "GlobalAveragePooling2D":
            # `_pad` has added its zeros to the shape: Keras averages over them too
            window, strides, padding = self._shape[:2], (1, 1), "valid"
        else:
            window, strides, padding = _pair(layer.pool_size), _pair(layer.strides), layer.padding
        edges = self._padding(window, strides, (1, 1), padding)
        if edges != self._pads:
            self._refuse(
                visit,
                "padding='same' puts incomplete windows at the border here, which Keras averages over fewer values",
                "use padding='valid', or a window and strides that divide the size of the map",
            )
            return
        channels = self._shape[2]
        stage = Stage(
            kind=DepthwiseConv2D,
            name=self._name(visit),
            input_shape=self._previous_shape,
            weights=np.full((*window, channels, 1), 1 / math.prod(window)),
            bias=np.zeros(channels),
            strides=strides,
            padding=edges,
            pooling=True,
            nonnegative=True,
        )
        keeps_map = visit.kind != "GlobalAveragePooling2D" or layer.keepdims
        self._push(visit, stage, None if keeps_map else (channels,))

    def _normalise_batch(self, visit: Visit) -> None:
        layer = visit.layer
        axes = layer.axis if isinstance(layer.axis, (list, tuple)) else (layer.axis,)
        if tuple(axes) not in ((-1,), (len(self._shape),)):
            self._refuse(visit, f"it normalises along axis {layer.axis}", "normalise channels, axis=-1")
            return
        scale = 1 / np.sqrt(numbers(layer.moving_variance) + layer.epsilon)
        if layer.scale:
            scale = scale * numbers(layer.gamma)
        shift = -numbers(layer.moving_mean) * scale
        if layer.center:
            shift = shift + numbers(layer.beta)
        self._take_affine(visit, Affine(scale=scale, shift=shift))

    def _rescale(self, visit: Visit) -> None:
        channels = self._shape[-1]
        factor, offset = (np.asarray(each, np.float64) for each in (visit.layer.scale, visit.layer.offset))
        if not (_by_channel(factor, channels) and _by_channel(offset, channels)):
            self._refuse(visit, "it treats positions differently", "rescale by one number, or one per channel")
            return
        scale, shift = (np.broadcast_to(each.reshape(-1), channels) for each in (factor, offset))
        self._take_affine(visit, Affine(scale=scale, shift=shift))

    def _normalise_data(self, visit: Visit) -> None:
        layer, channels = visit.layer, self._shape[-1]
        mean, variance = numbers(layer.mean), numbers(layer.variance)
        if layer.invert:
            self._refuse(
                visit, "it turns a normalisation back (invert=True)", "use Rescaling, by one number or one per channel"
            )
            return
        if not (_by_channel(mean, channels) and _by_channel(variance, channels)):
            self._refuse(visit, "it does not normalise channels", "normalise along the last axis, axis=-1")
            return
        deviation = np.maximum(np.sqrt(variance.reshape(-1)), 1e-7)
        scale = np.broadcast_to(1 / deviation, channels)
        shift = np.broadcast_to(-mean.reshape(-1) / deviation, channels)
        self._take_affine(visit, Affine(scale=scale, shift=shift))

    def _pad(self, visit: Visit) -> None:
        (top, bottom), (left, right) = visit.layer.padding
        (t, b), (l, r) = self._pads  # noqa: E741
        self._pads = ((t + top, b + bottom), (l + left, r + right))
        self._pads_visit = visit
        self._shape = (self._shape[0] + top + bottom, self._shape[1] + left + right, self._shape[2])

    def _reshape(self, visit: Visit) -> None:
        shape = tuple(visit.layer.compute_output_shape((None, *self._shape))[1:])
        if shape == self._shape:
            return
        if not self.stages and len(shape) == 3:  # only the image changes its shape: the network takes the new one
            self.input_shape = self._previous_shape = shape
        elif len(shape) != 1 and shape != self._previous_shape:
            self._refuse(visit, f"it makes a map of shape {shape} of neurons of another shape", "use Flatten")
            return
        if len(shape) == 1 and self._pads != NO_PADDING:
            self._refuse(self._pads_visit or visit, "no convolution follows this padding", "leave it out")
            return
        if self._affine is not None:
            resized = self._affine.resized(shape[-1])
            if resized is None:
                self._refuse(visit, "it mixes channels that batch normalisation has scaled differently", "use Flatten")
                return
            self._affine = resized
        self._shape = shape

    def _relu(self, visit: Visit) -> None:
        layer = visit.layer
        if layer.negative_slope or layer.threshold:
            self._refuse(
                visit,
                f"its negative_slope is {float(layer.negative_slope):g} and its threshold {float(layer.threshold):g}, "
                f"and {NO_SPIKES}",
                "use a plain ReLU and retrain",
            )
            return
        self._rectify(visit, None if layer.max_value is None else float(layer.max_value))

    def _activation(self, visit: Visit) -> None:
        self._activate(visit, visit.layer.activation)

    def _softmax_layer(self, visit: Visit) -> None:
        if visit.layer.axis not in (-1, len(self._shape)):
            self._refuse(visit, f"its axis is {visit.layer.axis}", "use axis=-1")
        else:
            self._softmax = visit

    def _activate(self, visit: Visit, activation: Any) -> None:
        import keras

        if type(activation) is keras.layers.ReLU:
            self._relu(Visit(layer=activation, name=visit.name, place=visit.place))
            return
        meaning = meaning_of(activation)
        if meaning in ("relu", "relu6"):
            self._rectify(visit, 6.0 if meaning == "relu6" else None)
        elif meaning == "softmax":
            self._softmax = visit
        elif meaning != "linear":
            name = getattr(activation, "__name__", type(activation).__name__)
            last = visit is self._visits[-1]
            one = last and self._shape[-1] == 1
            remedy = (
                "use one output per class with a softmax, two for a yes or no, and retrain" if one
                else "leave the activation out or use softmax" if last
                else "use ReLU and retrain"
            )  # fmt: skip
            self._refuse(visit, f"its activation is {name!r}, and {NO_SPIKES}", remedy)

    def _rectify(self, visit: Visit, cap: float | None) -> None:
        """min(max(0, x), cap) of the present signal."""
        if cap is not None and cap <= 0:
            self._refuse(visit, f"its max_value is {cap:g}, which silences the layer")
            return
        if self.stages and not self.stages[-1].rectified:
            if self._fold_back():
                capped = self.stages[-1].cap if cap is None else cap
                self._set_last(rectified=True, nonnegative=True, cap=capped)
            return
        # rectified already (an image is): a second time changes nothing unless something waits in between
        affine = self._affine
        if affine is not None and (cap is not None or not affine.keeps_sign):
            self._refuse(
                self._affine_visit or visit,
                f"it stands between a rectified signal and the ReLU of {visit.name!r}, where nothing can take it in",
                "put it between a weighted layer and its ReLU",
            )
        elif cap is not None and self.stages:
            present = self.stages[-1].cap
            self._set_last(cap=cap if present is None else min(cap, present))
        elif cap is not None and cap < 1:
            self._refuse(visit, f"it limits the image to {cap:g}", "limit the data instead")

    def _set_last(self, **changes: Any) -> None:
        self.stages[-1] = replace(self.stages[-1], **changes)

    # small things

    def _without_shift(self) -> str:
        """How to do without the shift of the affine map that waits."""
        if self.stages:
            return "put batch normalisation between the weighted layer and its ReLU, and retrain"
        return "train on images that are only scaled, as by Rescaling(1 / 255), not shifted"

    def _name(self, visit: Visit) -> str:
        """A name no other population has: the layer's own, with a number if it is taken."""
        base = visit.name.rpartition("/")[2]
        taken = {"input", *(stage.name for stage in self.stages)}
        name, number = base, 2
        while name in taken:
            name, number = f"{base}_{number}", number + 1
        return name

    def _padding(
        self, kernel: tuple[int, ...], strides: tuple[int, int], dilation: tuple[int, int], padding: str
    ) -> Padding:
        """The zeros around the last stage's map: those of ZeroPadding2D and, outside them, those of padding="same"."""
        if padding != "same":
            return self._pads
        edges = []
        for axis in range(2):
            before, after = same_padding(self._shape[axis], kernel[axis], strides[axis], dilation[axis])
            edges.append((before + self._pads[axis][0], after + self._pads[axis][1]))
        return edges[0], edges[1]


def _by_channel(values: np.ndarray, channels: int) -> bool:
    """Whether `values`, broadcast to a map, are one number or one per channel, the last axis; sizes alone don't tell."""
    return (
        bool(np.isfinite(values).all()) and values.size == (values.shape or (1,))[-1] and values.size in (1, channels)
    )


def _pair(value: Any) -> tuple[int, int]:
    return (int(value), int(value)) if isinstance(value, int) else (int(value[0]), int(value[1]))


_READERS: dict[str, Callable[[Reading, Visit], None]] = {
    **dict.fromkeys(SKIPPED, Reading._skip),
    "Activation": Reading._activation,
    "AveragePooling2D": Reading._pool,
    "BatchNormalization": Reading._normalise_batch,
    "Conv2D": Reading._convolve,
    "Dense": Reading._dense,
    "DepthwiseConv2D": Reading._convolve,
    "Flatten": Reading._reshape,
    "GlobalAveragePooling2D": Reading._pool,
    "Normalization": Reading._normalise_data,
    "ReLU": Reading._relu,
    "Rescaling": Reading._rescale,
    "Reshape": Reading._reshape,
    "SeparableConv2D": Reading._convolve,
    "Softmax": Reading._softmax_layer,
    "ZeroPadding2D": Reading._pad,
}
