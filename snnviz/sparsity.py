"""Sparsity of a classifier: the penalties that bring it about, pruning, and measures of it.

With batch normalisation whose gamma is fixed to 1 a pre-activation is about N(beta, 1), so a ReLU is active with
probability Phi(beta). Two penalties are added to the loss (Dutson et al. 2023, section on sparsity):

    activations: lambda_a * (neurons in layer / neurons in model) * mean Phi(beta)
    weights:     lambda_w * (synapses of layer / synapses in model) * mean |w|,  plus the usual L2

Neurons are those of the hidden layers (each followed by ReLU); a convolution's weight counts as many synapses as the
connections it makes, borders taken into account. Where a ReLU follows a sum, as in residual networks, mu / sigma of what it gets
takes the place of beta (`snnviz._activity`).

Layers differ in what an active neuron costs: few neurons of a late layer may cause most synaptic events. Expected events
per item and step are the sum over the weighted layers of

    nonzero synapses * P(active),    P(active) = mean Phi(beta) of the layer that feeds it, 1 for the image,

so with `weigh="events"` a layer's share is what it adds to the derivative of this sum: nonzero synapses it feeds, in place of
its neurons, and synapses * P(active) of what feeds it, in place of its synapses (both as the model is when training begins).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from snnviz import _checks as check
from snnviz import _models, _progress
from snnviz._activity import Activity
from snnviz._arguments import checked
from snnviz._backend import compiled
from snnviz._models import leaves, rectifies
from snnviz._sparsity import WEIGH, ActiveCount, LayerCount, LayerSparsity, Sparsity, from_counts
from snnviz.errors import InputError

if TYPE_CHECKING:
    from keras import Model

__all__ = [
    "PAPER_EPSILON",
    "WEIGH",
    "ActivationPenalty",
    "LayerSparsity",
    "Sparsity",
    "WeightPenalty",
    "Weighted",
    "leaves",
    "measure",
    "normalisations",
    "penalised",
    "prune",
    "pruning_curve",
    "shares",
    "weighted_layers",
    "zeros_kept",
]

_BATCH = 500
_MOST_OUTPUTS = 2**25
"""Of ReLUs at a time, when they are counted."""

PAPER_EPSILON = 1e-4
"""Below this magnitude a weight is pruned; it reproduces the paper's weight sparsity before fine-tuning."""


@keras.saving.register_keras_serializable(package="snnviz")
class ActivationPenalty(keras.regularizers.Regularizer):
    """strength * mean Phi(beta), Phi(beta) = (1 + erf(beta / sqrt 2)) / 2: the expected fraction of active neurons.

    Its gradient is strength / n * exp(-beta ** 2 / 2) / sqrt(2 pi), for n betas.

    Attributes:
        strength: lambda_a times the layer's share of the model's neurons.
    """

    @checked
    def __init__(self, strength: float) -> None:
        self.strength = check.real("strength", strength, 0)

    def __call__(self, beta: Any) -> Any:
        return self.strength * keras.ops.mean(0.5 * (1.0 + keras.ops.erf(beta / math.sqrt(2.0))))

    def get_config(self) -> dict[str, float]:
        """What Keras stores to build the penalty again."""
        return {"strength": self.strength}


@keras.saving.register_keras_serializable(package="snnviz")
class WeightPenalty(keras.regularizers.Regularizer):
    """strength * mean |w| + l2 * sum(w ** 2).

    Its gradient is strength / n * sign(w) + 2 * l2 * w, for n weights.

    Attributes:
        strength: lambda_w times the layer's share of the model's synapses.
        l2: factor of the weight decay.
    """

    @checked
    def __init__(self, strength: float, l2: float = 0.0) -> None:
        self.strength = check.real("strength", strength, 0)
        self.l2 = check.real("l2", l2, 0)

    def __call__(self, weights: Any) -> Any:
        absolute = self.strength * keras.ops.mean(keras.ops.abs(weights))
        return absolute + self.l2 * keras.ops.sum(keras.ops.square(weights))

    def get_config(self) -> dict[str, float]:
        """What Keras stores to build the penalty again."""
        return {"strength": self.strength, "l2": self.l2}


@dataclass(frozen=True, eq=False)
class Weighted:
    """A weighted layer of a model and the connections its kernel makes.

    Attributes:
        layer: the Keras layer.
        connections: synapses per kernel element, int64, broadcastable against the kernel: ones for a dense layer, for a
            convolution the number of output positions at which the element meets the image rather than the padding.
    """

    layer: Any
    connections: np.ndarray

    @property
    def kernel(self) -> np.ndarray:
        """The kernel's values."""
        return self.layer.kernel.numpy()

    @property
    def synapses(self) -> int:
        """Number of synapses."""
        return int(np.broadcast_to(self.connections, self.layer.kernel.shape).sum())

    def zero_synapses(self, epsilon: float = 0.0) -> int:
        """Number of synapses whose weight is zero, or below `epsilon` in magnitude."""
        kernel = self.kernel
        return int((((kernel == 0) | _below(kernel, epsilon)) * self.connections).sum())


_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.DepthwiseConv1D,
    keras.layers.DepthwiseConv2D,
)


def _below(kernel: np.ndarray, epsilon: float) -> np.ndarray:
    """Where weights are below a limit in magnitude; one that float32 cannot hold is as good as its largest number."""
    return np.abs(kernel) < min(epsilon, float(np.finfo(np.float32).max))


@checked
def weighted_layers(model: Model) -> list[Weighted]:
    """The layers of `model` with a kernel, in order.

    Raises:
        InputError: for a kernel whose connections are not known here (anything but dense layers and
            1-D, 2-D and depthwise convolutions).
    """
    found = []
    for layer in leaves(model):
        if isinstance(layer, _CONVOLUTIONS):
            found.append(Weighted(layer, _convolution_connections(layer)))
        elif isinstance(layer, keras.layers.Dense):
            positions = math.prod(
                layer.output.shape[1:-1]
            )  # a dense layer on an image shares its weights over positions
            found.append(Weighted(layer, np.full((1, 1), positions, np.int64)))
        elif any(weight.path.endswith("kernel") for weight in layer.trainable_weights):
            # either is the same stage of a converted network
            hint = (
                "; DepthwiseConv and Conv of size 1 in a row compute the same"
                if "Separable" in type(layer).__name__
                else ""
            )
            raise InputError(
                f"layer {layer.name!r} must be Dense or a 1-D, 2-D or depthwise convolution for its synapses to be counted{hint}. "
                f"Received: {type(layer).__name__}"
            )
    return found


@checked
def shares(model: Model, weigh: str = "size") -> tuple[list[float], list[float]]:
    """How the penalties are divided among layers, each list adding up to 1.

    Args:
        model: the model.
        weigh: "size", by neurons and synapses, as in the paper; or "events", by the synaptic events that the layer's active
            neurons, and its weights, are expected to cause (this module's introduction has the equation).

    Returns:
        Shares of the activation penalty, one for each ReLU behind batch normalisation or a sum of such, and of the weight penalty,
        one for each weighted layer; both in order.
    """
    check.choice("weigh", weigh, WEIGH)
    weighted, activity = weighted_layers(model), Activity(model)
    synapses = [float(each.synapses) for each in weighted]
    if weigh == "size":
        return _parts([math.prod(visit.layer.output.shape[1:]) for visit in activity.relus]), _parts(synapses)
    active: dict[int | None, float] = {None: 1.0}
    active |= {number: float(each.active) for number, each in enumerate(activity.moments())}
    fed = dict.fromkeys(active, 0.0)
    feeding = activity.feeding()
    for index, each in enumerate(weighted):
        feeders = feeding.get(id(each.layer), {None: 1.0})
        for number, share in feeders.items():
            fed[number] += share * (synapses[index] - each.zero_synapses())
        synapses[index] *= sum(share * active[number] for number, share in feeders.items())
    del fed[None]
    return _parts([*fed.values()]), _parts(synapses)


def _parts(amounts: Sequence[float]) -> list[float]:
    total = sum(amounts)
    return [amount / total if total else 0.0 for amount in amounts]


def _convolution_connections(layer: Any) -> np.ndarray:
    """Per place in the kernel, the number of output positions where it meets the map: (kh, kw, 1, 1), of signals (k, 1, 1)."""
    if layer.data_format != "channels_last":
        raise InputError(f"layer {layer.name!r} must have data_format 'channels_last'. Received: {layer.data_format!r}")
    per_axis = []
    for axis in range(len(layer.kernel_size)):
        size, positions = layer.input.shape[1 + axis], layer.output.shape[1 + axis]
        if size is None:
            raise InputError(f"the input of layer {layer.name!r} must have a fixed size. Received: {layer.input.shape}")
        kernel, stride, dilation = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
        span = (kernel - 1) * dilation + 1
        before = max(0, (positions - 1) * stride + span - size) // 2 if layer.padding == "same" else 0
        before = span - 1 if layer.padding == "causal" else before
        where = np.arange(positions) * stride - before + np.arange(kernel)[:, None] * dilation
        per_axis.append(((where >= 0) & (where < size)).sum(axis=1))
    return functools.reduce(np.multiply.outer, per_axis).astype(np.int64)[..., None, None]


@checked
def normalisations(model: Model) -> list[Any]:
    """The batch normalisations of `model`, in order."""
    return [layer for layer in leaves(model) if isinstance(layer, keras.layers.BatchNormalization)]


@checked
@contextmanager
def penalised(
    model: Model, *, l2: float = 0.0, lambda_a: float = 0.0, lambda_w: float = 0.0, weigh: str = "size"
) -> Iterator[None]:
    """While in the context, `model.losses` holds this module's penalties; afterwards the model is as it was.

    The penalties hang on the variables, not on the layers' configurations, so a model saved after training loads without
    this package.

    Args:
        model: the model; the regularisers of its kernels, and with `lambda_a` those of beta, are set aside.
        l2: factor of sum(w ** 2) for every kernel.
        lambda_a: weight of the activation penalty.
        lambda_w: weight of the weight penalty.
        weigh: how both are divided among layers (`shares`).

    Raises:
        InputError: for a negative weight, or `lambda_a` on a model without batch normalisation of fixed gamma.
    """
    plan: list[tuple[Any, Any]] = []
    for_activations, for_weights = shares(model, weigh) if l2 or lambda_w or lambda_a else ([], [])
    if l2 or lambda_w:
        plan += [
            (each.layer.kernel, WeightPenalty(lambda_w * share, l2))
            for each, share in zip(weighted_layers(model), for_weights, strict=True)
        ]
    if lambda_a:
        plan += _activation_penalties(_penalisable(model), [lambda_a * share for share in for_activations])
    before = [variable.regularizer for variable, _ in plan]
    try:
        for variable, penalty in plan:
            variable.regularizer = penalty
        yield
    finally:
        for (variable, _), regularizer in zip(plan, before, strict=True):
            variable.regularizer = regularizer


@checked
@contextmanager
def zeros_kept(model: Model) -> Iterator[None]:
    """While in the context, weights of `model` that are zero stay zero when an optimiser changes the others.

    It is a constraint on the kernels' variables, after those that they have; afterwards the model is as it was.
    """
    kernels = [each.layer.kernel for each in weighted_layers(model)]
    before = [kernel.constraint for kernel in kernels]
    try:
        for kernel, earlier in zip(kernels, before, strict=True):
            kernel.constraint = _ZerosKept(kernel, earlier)
        yield
    finally:
        for kernel, earlier in zip(kernels, before, strict=True):
            kernel.constraint = earlier


class _ZerosKept:
    def __init__(self, kernel: Any, earlier: Any) -> None:
        self._kept = keras.ops.cast(keras.ops.not_equal(kernel.value, 0), kernel.dtype)
        self._earlier = earlier

    def __call__(self, weights: Any) -> Any:
        return self._kept * (weights if self._earlier is None else self._earlier(weights))


@checked
def has_activation_penalty(model: Model) -> bool:
    """Whether the activation penalty is defined for a model: its batch normalisations all have gamma fixed to 1 and a beta, and
    there is a ReLU behind one, or behind a sum of such."""
    return not any(layer.scale or not layer.center for layer in normalisations(model)) and bool(Activity(model).relus)


def _penalisable(model: Model) -> Activity:
    if not has_activation_penalty(model):
        layers = normalisations(model)
        raise InputError(
            "`lambda_a` must be 0 unless the model has batch normalisations before its ReLUs and all have gamma fixed to 1 and a "
            f"beta (scale=False, center=True). Received: lambda_a on {len(layers)} batch normalisations, "
            f"{sum(layer.scale for layer in layers)} of them with a gamma"
        )
    return Activity(model)


def _activation_penalties(activity: Activity, strengths: Sequence[float]) -> list[tuple[Any, Any]]:
    """Which betas get which penalty: of ReLUs behind batch normalisation each its own; those behind sums depend on many, and are
    penalised together, with the first."""
    got = activity.moments()
    own, sums = {}, {}
    for number, (each, strength) in enumerate(zip(got, strengths, strict=True)):
        if each.plain and id(each.normalised) not in own:
            own[id(each.normalised)] = (each.normalised.beta, ActivationPenalty(strength))
        else:
            sums[number] = strength
    (first, plain), *others = own.values() or [(got[0].normalised.beta, ActivationPenalty(0.0))]
    if not sums:
        return [(first, plain), *others]

    def together(beta: Any) -> Any:
        now = activity.moments()
        return plain(beta) + sum(strength * now[number].active for number, strength in sums.items())

    return [(first, together), *others]


@checked
def prune(model: Model, epsilon: float = PAPER_EPSILON) -> int:
    """Set every weight of magnitude below `epsilon` to zero, in place.

    Args:
        model: the model; biases and batch normalisations are left alone.
        epsilon: the limit.

    Returns:
        The number of weights that became zero and were not before.
    """
    epsilon = check.real("epsilon", epsilon, 0)
    pruned = 0
    for each in weighted_layers(model):
        kernel = each.kernel.copy()
        small = _below(kernel, epsilon) & (kernel != 0)
        pruned += int(small.sum())
        kernel[small] = 0
        each.layer.kernel.assign(kernel)
    return pruned


@checked
def pruning_curve(
    model: Model,
    x: np.ndarray,
    y: np.ndarray,
    epsilons: Sequence[float] = (0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    progress: bool = True,
    input_range: float | None = None,
) -> list[dict[str, float]]:
    """Accuracy and weight sparsity against the limit of pruning; the model itself is left as it was.

    Args:
        model: a Keras model whose largest output is its answer.
        x: intensities in [0, 1], (items, height, width, channels); held-out items, if epsilon is to be chosen by them.
        y: class indices (items,).
        epsilons: the limits.
        progress: show the items classified, over all limits, and the time left.
        input_range: what the model takes for full intensity; None for what it shows (`snnviz.conversion.input_range`).

    Returns:
        Per limit, from the smallest: `epsilon`, `S_w` and `accuracy` (fractions), and `items`, on how many it was measured.
    """
    images = _as_taken(model, x, input_range)
    labels = check.labels("y", y, len(images), int(model.output_shape[-1]))
    limits = sorted(check.real("epsilons", epsilon, 0) for epsilon in epsilons)
    layers = weighted_layers(model)
    kernels = [each.kernel.copy() for each in layers]
    answer = compiled(model)
    curve = []
    try:
        with _progress.bar(len(limits) * len(images), "pruning curve", "item", progress) as bar:
            for epsilon in limits:  # ascending, so each pruning goes on from the one before
                prune(model, epsilon)
                zero = sum(each.zero_synapses() for each in layers) / sum(each.synapses for each in layers)
                accuracy = _accuracy(answer, images, labels, bar)
                curve.append({"epsilon": epsilon, "S_w": zero, "accuracy": accuracy, "items": len(images)})
    finally:
        for each, kernel in zip(layers, kernels, strict=True):
            each.layer.kernel.assign(kernel)
    return curve


def _accuracy(answer: Callable[[np.ndarray], Any], images: np.ndarray, labels: np.ndarray, bar: Any) -> float:
    correct = 0
    for start in range(0, len(images), _BATCH):
        outputs = keras.ops.convert_to_numpy(answer(images[start : start + _BATCH]))
        correct += int((outputs.argmax(axis=1) == labels[start : start + _BATCH]).sum())
        bar.update(len(outputs))
    return correct / len(images)


@checked
def measure(
    model: Model, x: np.ndarray, epsilon: float = 0.0, progress: bool = True, input_range: float | None = None
) -> Sparsity:
    """Sparsity of `model` on images `x`.

    Activations are the outputs of ReLU, as layers of their own or as `activation="relu"`. Weights count by the synapses
    they make.

    Args:
        model: a Keras model; hidden ReLU layers are those before the last weighted layer.
        x: intensities in [0, 1], (items, height, width, channels).
        epsilon: weights below this magnitude count as zero, as `prune` would make them; 0 counts exact zeros.
        progress: show the items whose activations are counted, and the time left.
        input_range: what the model takes for full intensity; None for what it shows (`snnviz.conversion.input_range`).

    Raises:
        InputError: for bad images, a negative epsilon, or a model without a hidden ReLU.
    """
    epsilon = check.real("epsilon", epsilon, 0)
    images = _as_taken(model, x, input_range)
    layers = weighted_layers(model)
    rectified = _rectified(model)
    if not layers or not rectified:
        raise InputError("`model` must have weighted layers and a hidden ReLU. Received: one without")
    active = _active_counts(model, [layer for _, layer in rectified], images, progress)
    return from_counts(
        [
            LayerCount(
                each.layer.name,
                math.prod(each.layer.output.shape[1:]),
                each.synapses,
                each.zero_synapses(epsilon),
            )
            for each in layers
        ],
        [
            ActiveCount(owner, math.prod(layer.output.shape[1:]), count)
            for (owner, layer), count in zip(rectified, active, strict=True)
        ],
        len(images),
    )


def _as_taken(model: Model, x: Any, input_range: float | None) -> np.ndarray:
    images = check.images("x", x, tuple(model.input_shape[1:]))
    return _models.as_taken(images, _models.input_range(model) if input_range is None else input_range)


def _rectified(model: Model) -> list[tuple[str, Any]]:
    """The layers that end in ReLU, each with the name of the weighted layer before it."""
    found = []
    owner = ""
    weighted = {each.layer.name for each in weighted_layers(model)}
    for layer in leaves(model):
        if layer.name in weighted:
            owner = layer.name
        if rectifies(layer):
            found.append((owner, layer))
    return found


def _outputs(model: Model, layers: Sequence[Any]) -> tuple[Any, list[Any]]:
    """An input and what `layers` of `model` make of it, in one graph.

    A Sequential model builds its graph anew for every layer it gets, and a layer's `output` stays in the first: those of n
    layers together would compute what comes before them n times.
    """
    if not _sequential(model):
        return model.inputs[0], [layer.output for layer in layers]
    inputs = signal = keras.Input(model.input_shape[1:])
    found = {}
    for layer in leaves(model):
        signal = layer(signal)
        found[id(layer)] = signal
    return inputs, [found[id(layer)] for layer in layers]


def _sequential(model: Model) -> bool:
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    return isinstance(model, keras.Sequential) and all(map(_sequential, nested))


def _active_counts(model: Model, layers: Sequence[Any], images: np.ndarray, progress: bool) -> list[int]:
    """For each layer, the number of nonzero outputs over all images."""
    inputs, outputs = _outputs(model, layers)
    active = [
        keras.ops.sum(keras.ops.cast(output > 0, "int32"), axis=tuple(range(1, len(output.shape))))
        for output in outputs
    ]
    counting = compiled(keras.Model(inputs, active))
    totals = np.zeros(len(layers), np.int64)
    batch = min(_BATCH, max(1, _MOST_OUTPUTS // sum(math.prod(layer.output.shape[1:]) for layer in layers)))
    with _progress.bar(len(images), "measuring sparsity", "item", progress) as bar:
        for start in range(0, len(images), batch):
            found = counting(images[start : start + batch])
            counts = found if isinstance(found, list) else [found]  # Keras unwraps a single output
            totals += [int(keras.ops.convert_to_numpy(count).sum()) for count in counts]
            bar.update(min(batch, len(images) - start))
    return totals.tolist()
