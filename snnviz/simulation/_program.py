"""The program behind `snnviz.simulation.graph`: a whole simulation in `keras.ops`, compiled once per form.

Time goes in chunks. A network is feed-forward, so a layer's linear part is applied to the spikes of a whole chunk of
steps at once, and only the elementwise integrate-and-fire part goes step by step. Membranes, refractory counters and
delayed spikes are carried from chunk to chunk inside the program.

The steps within a chunk are a loop of their own, also where they could be unrolled: what a loop writes XLA computes once, whereas
it would fuse (and so recompute) unrolled firing into each of its readers, the next layer and the two counts.
"""

from __future__ import annotations

import contextlib
import functools
import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from snnviz.errors import InputError
from snnviz.network import Projection, Shape, SpikingNetwork
from snnviz.simulation.neurons import Neurons

Tensor = Any
Parameters = Any

EXACT = 2**24
"""Integers up to here are exact in float32, and so are their sums in any order."""
PATCH_INPUTS = 32
"""Convolutions with at most this many inputs to an output are a matrix product of unfolded patches: on a first layer of one or
three channels the convolutions of XLA and oneDNN reach a few per cent of the matrix rate."""


class Keras:
    """`snnviz.network.Ops` of Keras, on any backend."""

    def __init__(self) -> None:
        self.patch_inputs: float = PATCH_INPUTS
        from keras import ops

        self._ops = ops
        self.reshape, self.matmul, self.pad = ops.reshape, ops.matmul, ops.pad

    def concatenate(self, parts: Sequence[Tensor]) -> Tensor:
        return self._ops.concatenate(parts, axis=-1)

    def split(self, values: Tensor, parts: int) -> Sequence[Tensor]:
        return self._ops.split(values, parts, axis=-1)

    def total(self, terms: Iterable[Tensor]) -> Tensor:
        return functools.reduce(operator.add, terms)

    def convolution(self, padded: Tensor, kernel: Tensor, strides: Shape, dilation: Shape) -> Tensor:
        return self._ops.conv(padded, kernel, strides, "valid", "channels_last", dilation)


@dataclass(frozen=True)
class ProjectionForm:
    """What of a projection shapes the program: everything but the values of its weights.

    Attributes:
        form: see `Projection.form`.
        source: the population that the spikes come from, 0 the input.
        parts: the events are summed over this many equal parts of the presynaptic neurons, each sum exact in float32;
            0 where all of them have the same fan-out, so that their spikes say it all.
        projection: without weights, for its linear part.
    """

    form: tuple[Any, ...]
    source: int
    parts: int
    projection: Projection = field(compare=False)

    @classmethod
    def of(cls, projection: Projection, source: int, fanout: np.ndarray) -> ProjectionForm:
        """The form of `projection` from population `source`, whose neurons have `fanout`."""
        return cls(projection.form, source, _parts(fanout), projection.without_weights())

    @property
    def input_shape(self) -> Shape:
        """Shape of what arrives for one item."""
        return self.projection.input_shape


@dataclass(frozen=True)
class LayerForm:
    """What of a layer shapes the program.

    Attributes:
        bias: its shape, one per channel, or one per neuron.
    """

    projections: tuple[ProjectionForm, ...]
    output_shape: Shape
    bias: Shape


@dataclass(frozen=True)
class Form:
    """Everything that shapes the program; equal forms share one compilation.

    Attributes:
        neurons: of each population (0 the input).
        batch: items in the program.
        chunk: steps in a chunk; the last chunk may run past `steps`, and what it gives there is to be dropped.
        traced: for how many of the first items traces are kept.
        trains: populations (0 the input) whose spikes are kept.
        potentials: populations whose membranes after reset are kept.
        counting: False leaves events and spikes uncounted (for measuring what counting costs).
        jit: compile with XLA; JAX always does.
    """

    input_shape: Shape
    layers: tuple[LayerForm, ...]
    steps: int
    input: str
    neurons: tuple[Neurons, ...]
    delay: int
    batch: int
    chunk: int
    traced: int
    trains: tuple[int, ...]
    potentials: tuple[int, ...]
    counting: bool
    jit: bool

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.steps // self.chunk)

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Shape of each population's neurons."""
        return (self.input_shape, *(layer.output_shape for layer in self.layers))

    def fires(self, population: int) -> bool:
        """Whether a population has neurons that fire: not the last, nor an input without membranes."""
        return self.neurons[population].fires if population else self.input == "spiking"

    def spikes(self, population: int) -> bool:
        """Whether what a population sends is spikes: an analog input sends numbers."""
        return population > 0 or self.input != "analog"

    def arriving(self) -> Iterator[tuple[int, int, ProjectionForm]]:
        """Every projection, with the layer that it leads to (from 0) and its place there."""
        for index, layer in enumerate(self.layers):
            for place, each in enumerate(layer.projections):
                yield index, place, each

    def kept(self) -> dict[str, tuple[Shape, str]]:
        """Name, shape within a chunk (chunk, ...) and type of everything that the program returns."""
        kept: dict[str, tuple[Shape, str]] = {"output": ((self.chunk, self.batch, *self.shapes[-1]), "float32")}
        if self.counting:
            for index in range(len(self.layers)):
                if self.spikes(index):
                    kept[f"spikes_{index}"] = ((self.chunk, self.batch), "float32")
            for index, place, each in self.arriving():
                if each.parts and self.spikes(each.source):
                    kept[f"events_{index}_{place}"] = ((self.chunk, self.batch, each.parts), "float32")
        for prefix, populations, kind in (("train", self.trains, "bool"), ("potential", self.potentials, "float32")):
            for i in populations:
                kept[f"{prefix}_{i}"] = ((self.chunk, self.traced, math.prod(self.shapes[i])), kind)
        return kept


def count_unit(fanout: np.ndarray) -> int:
    """The largest power of two that divides every fan-out: events are summed in this unit.

    Without pruned synapses fan-outs are multiples of the number of channels, which keeps large sums within float32.
    """
    bits = int(np.bitwise_or.reduce(fanout, axis=None))
    return max(bits & -bits, 1)


def _parts(fanout: np.ndarray) -> int:
    if fanout.min() == fanout.max():
        return 0
    units = fanout.ravel() // count_unit(fanout)
    parts = 1
    while max(units[a:b].sum() for a, b in _ranges(units.size, parts)) > EXACT:
        parts += 1
    return parts


def _ranges(size: int, parts: int) -> list[tuple[int, int]]:
    return [(size * part // parts, size * (part + 1) // parts) for part in range(parts)]


def parameters(network: SpikingNetwork, fanouts: Sequence[Sequence[np.ndarray]]) -> Parameters:
    """The network's arrays as the program takes them: input potential, then per layer (weights, fan-out) of each projection,
    bias and potential."""
    from keras import ops

    def tensor(value: np.ndarray) -> Tensor:
        return ops.convert_to_tensor(np.ascontiguousarray(value, np.float32))

    layers = [
        (
            tuple(
                (tensor(each.weights), tensor(fanout.reshape(-1, 1) / count_unit(fanout)))
                for each, fanout in zip(layer.projections, maps, strict=True)
            ),
            tensor(layer.bias),
            tensor(np.broadcast_to(layer.initial_potential, layer.output_shape)),
        )
        for layer, maps in zip(network.layers, fanouts, strict=True)
    ]
    return tensor(np.broadcast_to(network.input.initial_potential, network.input_shape)), tuple(layers)


@functools.lru_cache(maxsize=64)
def compiled(form: Form) -> Callable[[Parameters, np.ndarray], dict[str, np.ndarray]]:
    """The compiled program of `form`.

    Returns:
        a function of the parameters and the inputs, intensities (batch, *input_shape) or Poisson spikes
        (chunks, chunk, batch, *input_shape). It returns arrays (chunks, *shape) as `Form.kept` lists them.

    Raises:
        InputError: if Keras runs on a backend other than TensorFlow and JAX.
    """
    import keras

    backend = keras.backend.backend()
    program = functools.partial(_simulate, form)
    if backend == "tensorflow":
        return _on_tensorflow(form, program)
    if backend == "jax":
        import jax

        run = jax.jit(program)

        def on_jax(parameters: Parameters, inputs: np.ndarray) -> dict[str, np.ndarray]:
            with jax.default_matmul_precision("float32"):  # some accelerators would round factors to fewer bits
                return {name: np.asarray(value) for name, value in run(parameters, inputs).items()}

        return on_jax
    raise InputError(
        f"`engine` 'graph' needs Keras on TensorFlow or JAX (KERAS_BACKEND). Received: backend {backend!r}"
    )


def _on_tensorflow(
    form: Form, program: Callable[..., Any]
) -> Callable[[Parameters, np.ndarray], dict[str, np.ndarray]]:
    import tensorflow as tf

    def tensor(*shape: int) -> tf.TensorSpec:
        return tf.TensorSpec(shape, tf.float32)

    layers = tuple(
        (
            tuple(
                (tensor(*each.projection.weights.shape), tensor(math.prod(each.input_shape), 1))
                for each in layer.projections
            ),
            tensor(*layer.bias),
            tensor(*layer.output_shape),
        )
        for layer in form.layers
    )
    inputs = tensor(form.batch, *form.input_shape)
    if form.input == "given":
        inputs = tf.TensorSpec((form.chunks, form.chunk, form.batch, *form.input_shape), tf.uint8)
    with _full_precision():
        # one concrete function a form: a tf.function would warn of "retracing", since all forms share its code
        function = tf.function(program, jit_compile=form.jit, autograph=False)
        concrete = function.get_concrete_function((tensor(*form.input_shape), layers), inputs)

    def on_tensorflow(parameters: Parameters, inputs: np.ndarray) -> dict[str, np.ndarray]:
        with _full_precision():
            return {name: value.numpy() for name, value in concrete(parameters, tf.constant(inputs)).items()}

    return on_tensorflow


@contextlib.contextmanager
def _full_precision() -> Iterator[None]:
    """Keep TensorFlow from rounding float32 factors to 10 bits on a GPU: event counts would not be exact."""
    import tensorflow as tf

    before = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(before)


def _simulate(form: Form, parameters: Parameters, inputs: Tensor) -> dict[str, Tensor]:
    """The program: a loop over chunks, carrying the state and the arrays of everything kept."""
    from keras import ops

    state = _start(form, parameters)
    kept = {name: ops.zeros((form.chunks, *shape), kind) for name, (shape, kind) in form.kept().items()}
    constants = {  # by an analog input, the same drive at every step
        (index, place): each.projection.linear(
            Keras(), ops.reshape(inputs, (form.batch, *each.input_shape)), parameters[1][index][0][place][0]
        )
        for index, place, each in form.arriving()
        if not form.spikes(each.source)
    }

    def advance(index: Tensor, state: dict[str, Tensor], kept: dict[str, Tensor]) -> tuple[dict[str, Tensor], ...]:
        chunk = _Chunk(form, index * form.chunk + 1, state)
        chunk.run(parameters, inputs, constants, index)
        kept = {name: _put(array, index, chunk.kept[name]) for name, array in kept.items()}
        return chunk.state, kept

    _, kept = _loop(form.chunks, advance, state, kept)
    return kept


def _start(form: Form, parameters: Parameters) -> dict[str, Tensor]:
    """The state before the first step."""
    from keras import ops

    potentials = [parameters[0], *(layer[2] for layer in parameters[1])]
    state = {}
    for i, (shape, potential) in enumerate(zip(form.shapes, potentials, strict=True)):
        last = i == len(form.layers)
        if form.fires(i) or last:
            state[f"v_{i}"] = ops.broadcast_to(potential, (form.batch, *shape))
        if form.fires(i) and form.neurons[i].refractory:
            state[f"rest_{i}"] = ops.zeros((form.batch, *shape), "int32")
        if form.delay and not last and form.spikes(i):
            state[f"sent_{i}"] = ops.zeros((form.batch, *shape))
    return state


class _Chunk:
    """One chunk of steps, layer by layer.

    Attributes:
        first: the first step, from 1.
        state: the state, replaced as the layers advance.
        kept: what has been kept so far, (chunk, ...).
    """

    def __init__(self, form: Form, first: Tensor, state: Mapping[str, Tensor]) -> None:
        self.form, self.first, self.state = form, first, dict(state)
        self.kept: dict[str, Tensor] = {}

    def run(
        self, parameters: Parameters, inputs: Tensor, constants: Mapping[tuple[int, int], Tensor], index: Tensor
    ) -> None:
        """Advance every population by a chunk; `constants` are the drives by an analog input."""
        form = self.form
        arriving = {0: self._delayed(0, self._input(inputs, index))}
        for i, (layer, (synapses, bias, _)) in enumerate(zip(form.layers, parameters[1], strict=True)):
            drives: list[Callable[[Tensor], Tensor]] = []
            for place, (each, (weights, fanout)) in enumerate(zip(layer.projections, synapses, strict=True)):
                if form.spikes(each.source):
                    drives.append(self._drive(i, place, arriving[each.source], weights, fanout))
                else:
                    drives.append(self._steady(constants[i, place]))
            sent = self._integrate(i + 1, drives, bias)
            arriving[i + 1] = None if sent is None else self._delayed(i + 1, sent)

    def _drive(self, i: int, place: int, rows: Tensor, weights: Tensor, fanout: Tensor) -> Callable[[Tensor], Tensor]:
        """What arrives at layer `i` by one of its projections, counted."""
        from keras import ops

        form = self.form
        each = form.layers[i].projections[place]
        rows = ops.reshape(rows, (form.chunk * form.batch, *each.input_shape))
        if form.counting and each.parts:
            flat = ops.reshape(rows, (form.chunk * form.batch, -1))
            events = [ops.matmul(flat[:, a:b], fanout[a:b]) for a, b in _ranges(flat.shape[1], each.parts)]
            self.kept[f"events_{i}_{place}"] = ops.reshape(
                ops.concatenate(events, axis=1), (form.chunk, form.batch, each.parts)
            )
        arrived = each.projection.linear(Keras(), rows, weights)
        return functools.partial(_get, ops.reshape(arrived, (form.chunk, form.batch, *form.layers[i].output_shape)))

    def _input(self, inputs: Tensor, index: Tensor) -> Tensor | None:
        """Spikes of the input (chunk, batch, ...), or None where it is analog."""
        from keras import ops

        form = self.form
        neurons = math.prod(form.input_shape)
        if 0 in form.potentials and form.input != "spiking":  # there are no membranes
            self.kept["potential_0"] = ops.full((form.chunk, form.traced, neurons), math.nan)
        if form.input == "spiking":
            return self._integrate(0, [lambda j: inputs], None)
        sent = ops.cast(_get(inputs, index), "float32") if form.input == "given" else None
        if 0 in form.trains:
            none = ops.zeros((form.chunk, form.traced, neurons), "bool")
            self.kept["train_0"] = none if sent is None else self._train(sent)
        return sent

    def _steady(self, constant: Tensor) -> Callable[[Tensor], Tensor]:
        """The drive by an analog input, the same at every step from when it arrives."""
        from keras import ops

        if not self.form.delay:
            return lambda j: constant
        return lambda j: ops.where(self.first + j > 1, constant, 0.0)

    def _delayed(self, population: int, sent: Tensor | None) -> Tensor | None:
        """What of the spikes `sent`, counted, and of earlier ones arrives during the chunk."""
        from keras import ops

        if sent is None:
            return None
        if self.form.counting:  # a matrix product, which XLA does not fuse with what precedes
            steps = (self.form.chunk, self.form.batch)
            flat = ops.reshape(sent, (math.prod(steps), -1))
            spikes = ops.matmul(flat, ops.ones((flat.shape[1], 1)))
            self.kept[f"spikes_{population}"] = ops.reshape(spikes, steps)
        if not self.form.delay:
            return sent
        before = self.state[f"sent_{population}"]
        self.state[f"sent_{population}"] = sent[-1]
        return ops.concatenate([before[None], sent[:-1]], axis=0)

    def _integrate(self, i: int, drives: Sequence[Callable[[Tensor], Tensor]], bias: Tensor | None) -> Tensor | None:
        """Advance population i step by step under the sum of `drives`.

        Returns:
            its spikes (chunk, batch, ...), None if it is the last.
        """
        from keras import ops

        form, neurons = self.form, self.form.neurons[i]
        shape = (form.batch, *form.shapes[i])
        state = {key: self.state[f"{key}_{i}"] for key in ("v", "rest") if f"{key}_{i}" in self.state}
        made: dict[str, Tensor] = {}
        made["spikes" if neurons.fires else "output"] = ops.zeros((form.chunk, *shape))
        if i in form.potentials:
            made["potentials"] = ops.zeros((form.chunk, form.traced, *form.shapes[i]))

        def step(
            j: Tensor, state: dict[str, Tensor], made: dict[str, Tensor]
        ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
            currents = [functools.reduce(operator.add, (drive(j) for drive in drives))]
            if bias is not None:
                currents.append(bias)
            v, spikes, rest = neurons.step(state["v"], currents, self.first + j, state.get("rest"))
            values = {"output": v} if spikes is None else {"spikes": spikes}
            if "potentials" in made:
                values["potentials"] = v[: form.traced]
            after = {"v": v} if rest is None else {"v": v, "rest": rest}
            return after, {name: _put(made[name], j, value) for name, value in values.items()}

        state, made = _loop(form.chunk, step, state, made)
        self.state |= {f"{key}_{i}": value for key, value in state.items()}
        if i in form.potentials:
            self.kept[f"potential_{i}"] = ops.reshape(made["potentials"], (form.chunk, form.traced, -1))
        if not neurons.fires:
            self.kept["output"] = made["output"]
            return None
        if i in form.trains:
            self.kept[f"train_{i}"] = self._train(made["spikes"])
        return made["spikes"]

    def _train(self, spikes: Tensor) -> Tensor:
        from keras import ops

        return ops.reshape(spikes[:, : self.form.traced] > 0, (self.form.chunk, self.form.traced, -1))


def _loop(count: int, body: Callable[..., tuple[dict[str, Tensor], ...]], *carried: dict[str, Tensor]) -> Any:
    """`carried = body(index, *carried)` for index 0 .. count - 1, as a loop of the program."""
    from keras import ops

    keys = [list(part) for part in carried]

    def flat(parts: Sequence[Mapping[str, Tensor]]) -> list[Tensor]:
        return [part[key] for part, names in zip(parts, keys, strict=True) for key in names]

    def nested(values: Sequence[Tensor]) -> list[dict[str, Tensor]]:
        rest = iter(values)
        return [{key: next(rest) for key in names} for names in keys]

    def step(index: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        return (index + 1, *flat(body(index, *nested(values))))

    start = ops.convert_to_tensor(0, "int32")
    return nested(ops.while_loop(lambda index, *_: index < count, step, (start, *flat(carried)))[1:])


def _get(array: Tensor, index: Tensor) -> Tensor:
    """array[index], with an index known only when the program runs."""
    from keras import ops

    part = ops.slice(array, (index, *[0] * (len(array.shape) - 1)), (1, *array.shape[1:]))
    return ops.reshape(part, array.shape[1:])


def _put(array: Tensor, index: Tensor, value: Tensor) -> Tensor:
    """`array` with array[index] = value."""
    from keras import ops

    return ops.slice_update(array, (index, *[0] * len(value.shape)), value[None])
