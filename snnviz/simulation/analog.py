"""The analog twin of a spiking network: the ANN it stands for.

Each layer but the last is a rectified linear unit, a(i) = min(max(0, sum_k f_k(a(k); W_k) + b), cap), and the last is linear: its
outputs are the logits. A spiking layer's firing rates approach min(a, 1) as the number of steps grows (Rueckauer et al.
2017, doi:10.3389/fnins.2017.00682), so this is the reference of every spiking result.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from snnviz import _checks as check
from snnviz._sparsity import ActiveCount, LayerCount, Sparsity, from_counts
from snnviz.errors import InputError
from snnviz.network import Conv2DProjection, Layer, Numpy, Population, Projection, SpikingNetwork
from snnviz.simulation._rows import LANES, WeightRows, aligned, beside, geometry, laid_beside
from snnviz.simulation._silent import Active

MEMORY_BUDGET = 256 * 2**20
"""Bytes that the activations of one batch may take, all layers together."""
LOGITS_BUDGET = 8 * 2**20
"""The same of a batch of which the logits alone are wanted: as they are computed, they stay near the processor's caches."""
REMEMBERED = 16
"""Pairs of a network and data whose answers are remembered, 4 bytes an item."""
PATCH_BUDGET = 4 * 2**20
"""Bytes of unfolded convolution patches at one time; small enough to stay near the processor's caches."""


_NUMPY = Numpy()


def linear(layer: Projection, inputs: np.ndarray) -> np.ndarray:
    """The linear part f(inputs; W) of a layer or another projection, without bias and rectification.

    Args:
        layer: the layer.
        inputs: (items, *layer.input_shape); any shape of as many values for a dense layer.

    Returns:
        float32 (items, *layer.output_shape).
    """
    inputs = np.asarray(inputs, np.float32).reshape(len(inputs), *layer.input_shape)
    chunk = max(1, PATCH_BUDGET // (4 * layer.scratch)) if layer.scratch else len(inputs)
    if chunk >= len(inputs):
        return layer.linear(_NUMPY, inputs, layer.weights)
    outputs = np.empty((len(inputs), *layer.output_shape), np.float32)
    for start in range(0, len(inputs), chunk):
        outputs[start : start + chunk] = layer.linear(_NUMPY, inputs[start : start + chunk], layer.weights)
    return outputs


def _rectified(layer: Population, potentials: np.ndarray) -> np.ndarray:
    """min(max(0, potentials), layer.cap), in place; what a hidden layer makes of f(inputs; W) + b."""
    np.maximum(potentials, 0, out=potentials)
    if layer.cap is not None:
        np.minimum(potentials, np.asarray(layer.cap, np.float32), out=potentials)
    return potentials


def batches(
    network: SpikingNetwork, x: np.ndarray, batch_size: int | None = None
) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
    """Run the network over `x` batch by batch.

    Args:
        network: the network.
        x: float intensities `(items, *network.input_shape)`.
        batch_size: items at a time; None takes as many as `MEMORY_BUDGET` allows.

    Yields:
        the slice of the items and, for "input" and every layer, its activations float32 (batch, *output_shape); the last
        layer's are the logits.
    """
    x = check.images("x", x, network.input_shape)
    if batch_size is None:
        batch_size = max(1, min(len(x), MEMORY_BUDGET // (4 * sum(network.neurons.values()))))
    check.integer("batch_size", batch_size, 1)
    computed = _Twin(network.layers, network.sources)
    for start in range(0, len(x), batch_size):
        part = slice(start, min(start + batch_size, len(x)))
        yield part, dict(zip(network.layer_names, computed(x[part]), strict=True))


class _Twin:
    """Populations made ready to be computed again and again."""

    def __init__(self, layers: Sequence[Population], sources: Sequence[Sequence[int]]) -> None:
        self._sources = sources
        self._populations = [_Population(layer, rectifies=layer is not layers[-1]) for layer in layers]

    def __call__(self, x: np.ndarray) -> list[np.ndarray]:
        """The activations of the input and of each population, of the last one the logits; from any thread."""
        values = [x]
        for population, sources in zip(self._populations, self._sources, strict=True):
            values.append(population([values[source] for source in sources]))
        return values


class _Population:
    """What a population makes of the activations of its sources: convolutions by a kernel, the rest in numpy."""

    def __init__(self, layer: Population, rectifies: bool) -> None:
        self._layer, self._rectifies = layer, rectifies
        self._bias = layer.bias if layer.ann_bias is None else layer.ann_bias
        self._convolutions = {
            place: _Convolution(each, layer)
            for place, each in enumerate(layer.projections)
            if isinstance(each, Conv2DProjection) and each.groups == 1
        }

    def __call__(self, sources: Sequence[np.ndarray]) -> np.ndarray:
        current, last = self._bias, max(self._convolutions, default=-1)
        for place, (each, values) in enumerate(zip(self._layer.projections, sources, strict=True)):
            if place not in self._convolutions:
                current = linear(each, values) + current
        for place, convolution in self._convolutions.items():
            current = convolution(sources[place], current, self._rectifies and place == last)
        return _rectified(self._layer, current) if self._rectifies and not self._convolutions else current


class _Convolution:
    """A convolution in the form that the kernel takes."""

    def __init__(self, projection: Conv2DProjection, layer: Population) -> None:
        # a dense network need not wait for Numba
        from snnviz.simulation.kernels.activations import SLACK, convolve

        side = beside(projection)
        if side > 1:
            options = {**projection.options, **laid_beside(projection, side)}
            projection = Conv2DProjection(input_shape=projection.input_shape, **options)
        self._kernel, self._rows, self._shape = convolve, WeightRows.of(projection), layer.output_shape
        self._geometry = geometry(projection, self._rows.lanes, len(self._rows.blocks))
        rows, columns, outputs = projection.output_shape
        self._positions, self._outputs = rows * columns, outputs
        cap = np.inf if layer.cap is None else layer.cap
        self._caps = np.tile(np.broadcast_to(np.asarray(cap, np.float32), (self._shape[-1],)), side)
        self._list = math.prod(projection.input_shape) + SLACK
        self._starts = math.prod(projection.input_shape[:2]) + 1

    def __call__(self, values: np.ndarray, start: np.ndarray, rectifies: bool) -> np.ndarray:
        """min(max(0, start + f(values)), cap), or without limits if it is not to rectify; `start` is a bias, or one sum an item."""
        outputs = np.empty((len(values), *self._shape), np.float32)
        flat, shared = np.ascontiguousarray(values, np.float32).reshape(-1), start.ndim == 1
        self._kernel(
            flat, len(values), self._geometry, self._rows.blocks, self._rows.weights,
            np.tile(start, self._outputs // len(start)) if shared else start.reshape(-1),
            self._positions * self._outputs if start.ndim > len(self._shape) else 0, 0 if shared else self._outputs,
            rectifies, self._caps, outputs.reshape(-1),
            np.empty(self._list, np.uint32), np.empty(self._starts, np.uint32), aligned(LANES[-1], np.float32),
        )  # fmt: skip
        return outputs


def activations(
    network: SpikingNetwork, x: np.ndarray, layers: Sequence[str] | None = None, batch_size: int | None = None
) -> dict[str, np.ndarray]:
    """The analog activations of chosen layers; for the last layer the logits.

    Args:
        network: the network.
        x: float intensities `(items, *network.input_shape)`, in [0, 1].
        layers: names among "input" and the layers; None takes every layer but the input.
        batch_size: items at a time; None lets a memory budget decide. The numbers do not depend on it beyond rounding.

    Returns:
        float32 (items, *output_shape) per name.

    Raises:
        InputError: for an unknown name, or an `x` that is no array of intensities of the right shape.
    """
    names = network.layer_names[1:] if layers is None else tuple(layers)
    for name in names:
        check.choice("layers", name, network.layer_names)
    shapes = dict(zip(network.layer_names, network.shapes, strict=True))
    answer = {name: np.empty((len(x), *shapes[name]), np.float32) for name in names}
    for part, values in batches(network, x, batch_size):
        for name in names:
            answer[name][part] = values[name]
    return answer


def logits(network: SpikingNetwork, x: np.ndarray, batch_size: int | None = None) -> np.ndarray:
    """The class scores of the analog network, float32 (items, classes).

    Batches are spread over the processors, one thread of the matrix library each: it would spend most of its time on waiting for
    the threads of its own. The numbers do not depend on how many there are.
    """
    x = check.images("x", x, network.input_shape)
    layers = network.layers
    if network.is_path:
        layers = Active.of(network.single_path("the analog twin"), _never_positive).layers
    if batch_size is None:
        neurons = network.input.neurons + sum(layer.neurons for layer in layers)
        batch_size = max(1, LOGITS_BUDGET // (4 * neurons))
    size = check.integer("batch_size", batch_size, 1)

    computed = _Twin(layers, network.sources)
    return np.concatenate(
        list(_in_threads(lambda start: computed(x[start : start + size])[-1], range(0, len(x), size)))
    )


def spread(
    network: SpikingNetwork,
    x: np.ndarray,
    work: Callable[[dict[str, np.ndarray]], object],
    batch_size: int | None = None,
) -> Iterator[int]:
    """Do `work` with what `batches` yields of each batch, spread over the processors as in `logits`.

    Args:
        network: the network.
        x: float intensities `(items, *network.input_shape)`, checked.
        work: is called from several threads, with the activations of a batch by name.
        batch_size: items at a time; None lets a memory budget decide.

    Yields:
        the number of items of each batch that is done.
    """
    if not any(
        each.scratch for layer in network.layers for each in layer.projections
    ):  # dense: quick, and best at once
        for part, values in batches(network, x, batch_size):
            work(values)
            yield part.stop - part.start
        return
    if batch_size is None:
        batch_size = max(1, LOGITS_BUDGET // (4 * sum(network.neurons.values())))
    size = check.integer("batch_size", batch_size, 1)

    computed = _Twin(network.layers, network.sources)

    def done(start: int) -> int:
        values = computed(x[start : start + size])
        work(dict(zip(network.layer_names, values, strict=True)))
        return len(values[0])

    yield from _in_threads(done, range(0, len(x), size))


T = TypeVar("T")


def _in_threads(work: Callable[[int], T], starts: Sequence[int]) -> Iterator[T]:
    """What `work` makes of each of `starts`, in their order; each thread with one thread of the matrix library."""
    with one_thread() as threads, ThreadPoolExecutor(threads, "snnviz-analog") as pool:
        yield from pool.map(work, starts)


@contextmanager
def one_thread() -> Iterator[int]:
    """Inside the `with` block the matrix library has one thread; gives how many it had.

    Its products here are too small for more: 64 images through CIFAR-10's network took 1.6 s of processor time with two threads
    and 0.44 s with one, on a machine with other work.
    """
    with _one_at_a_time:
        library = ThreadpoolController().select(user_api="blas")
        threads = max((each.num_threads for each in library.lib_controllers), default=1)
        with library.limit(limits=1):
            yield threads


_one_at_a_time = threading.Lock()
"""The number of threads of the matrix library is the whole process's."""


def _never_positive(layer: Layer) -> np.ndarray:
    """Which channels of a layer are zero if nothing reaches them, bool (channels,)."""
    bias = layer.bias if layer.ann_bias is None else layer.ann_bias
    return np.asarray(bias.reshape(-1, layer.channels).max(axis=0) <= 0)


def accuracy(network: SpikingNetwork, x: np.ndarray, y: np.ndarray, batch_size: int | None = None) -> float:
    """The fraction of items whose largest logit is their label's: the ANN's accuracy.

    Args:
        network: the network.
        x: float intensities `(items, *network.input_shape)`, in [0, 1].
        y: class indices (items,).
        batch_size: as in `activations`.
    """
    y = check.labels("y", y, len(x), network.classes)
    return float(np.mean(_predicted(network, x, batch_size) == y))


def _predicted(network: SpikingNetwork, x: np.ndarray, batch_size: int | None) -> np.ndarray:
    """The class of the largest logit of each item; remembered, as the same network meets the same data again and again: with
    other settings, in other searches, on pages."""
    x = np.ascontiguousarray(check.images("x", x, network.input_shape))
    key = (network.hash, hashlib.sha256(x.data).hexdigest(), x.shape, batch_size)
    with _remembering:
        if key in _remembered:
            _remembered.move_to_end(key)
            return _remembered[key]
    answers = logits(network, x, batch_size).argmax(axis=1).astype(np.int32)
    with _remembering:
        _remembered[key] = answers
        while len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)
    return answers


def forget() -> None:
    """Forget the answers of networks on data that `accuracy` has met."""
    with _remembering:
        _remembered.clear()


_remembered: OrderedDict[tuple[object, ...], np.ndarray] = OrderedDict()
_remembering = threading.Lock()


def sparsity(network: SpikingNetwork, x: np.ndarray, batch_size: int | None = None) -> Sparsity:
    """Fractions of zero activations (S_a) of the analog network, of zero synapses (S_w), and S_c = 1 - (1 - S_a)(1 - S_w).

    What `snnviz.sparsity.measure` says of the Keras model that was converted, pruned as it is: pooling layers are left out, as
    they are there; scales change nothing.

    Args:
        network: the network.
        x: float intensities `(items, *network.input_shape)`, in [0, 1].
        batch_size: as in `activations`.

    Raises:
        InputError: for a network without hidden layers, or bad images.
    """
    weighted = [layer for layer in network.layers if not layer.pools]
    hidden = [layer for layer in weighted if layer is not network.layers[-1]]
    if not hidden:
        raise InputError("`network` must have hidden layers besides pooling. Received: a network without")
    active = dict.fromkeys((layer.name for layer in hidden), 0)
    for _, values in batches(network, x, batch_size):
        for name in active:
            active[name] += int(np.count_nonzero(values[name]))
    layers = []
    for layer in weighted:
        total = layer.synapses()
        layers.append(LayerCount(layer.name, layer.neurons, total, total - layer.synapses("nonzero")))
    return from_counts(layers, [ActiveCount(each.name, each.neurons, active[each.name]) for each in hidden], len(x))
