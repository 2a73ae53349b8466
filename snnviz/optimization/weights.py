"""Weights learned by the spiking network itself, unrolled in time.

Conversion takes weights from a network that has no time. In a deep spiking network most of what goes wrong at first is time:
spikes come unevenly, and layers behind act on what has not settled. So here weights, biases and initial potentials move along
surrogate gradients of what the spiking network does (Neftci, Mostafa, Zenke 2019, doi:10.1109/MSP.2019.2931595; that weights
begin from a converted network is Rathi et al. 2020, "Enabling deep spiking neural networks with hybrid conversion and spike timing
dependent backpropagation", ICLR). Synapses that are zero stay zero.

The loss is L_SNN of the first T' steps made smooth,

    sum_t (c_t / 3 + max(0, A_ref - A(t))) (lambda_l + lambda_p E_t)  +  limit * c_inf,

where the mean cross-entropy c_t of the class scores v_t / t, at a temperature learned for each t, counts with E_t held fixed, and
the batch's own shortfall beside it is held fixed itself: the two halves of the product rule. Costs are in units of the start's mean
cost of a step, so that the limit's factor means the same whatever the lambdas. c_inf is the cross-entropy of the analog network,
cut off at rate 1, which the spiking network tends to.

The result has an analog network of its own. It is no longer the classifier that was converted, and may be better or worse.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz.events import Recordings
from snnviz.network import Population, SpikingNetwork
from snnviz.optimization.learner import Learner, Program
from snnviz.optimization.objective import Objective
from snnviz.optimization.scales import checked
from snnviz.optimization.searcher import WEIGHTS, Beginning
from snnviz.optimization.unrolled import Arriving, Tensor, TensorFlow, best_sharpness, fire, read, shown, surrogate
from snnviz.training.recipe import PRECISIONS

NATS_PER_ERROR = 3.0
"""In the first steps of CIFAR-10's network the mean cross-entropy is about three times the share of wrong answers."""

WARM_UP = 30
"""Updates over which the rate rises, while Adam's moments are made up of little."""


@dataclass(frozen=True, eq=False)
class _Part:
    """A population's numbers: changes of nonzero weights and biases (none of a pooling layer), and of each channel's potential.

    Attributes:
        layer: of H_0.
        kept: of each projection, which weights are not zero; nothing of a pooling layer, whose weights are given.
        units: what a change of 1 adds to a weight: the root of the mean square of those that are not zero.
    """

    layer: Population
    kept: tuple[np.ndarray, ...]
    units: tuple[float, ...]

    @classmethod
    def of(cls, layer: Population) -> _Part:
        kept = tuple(each.weights != 0 for each in layer.projections)
        if layer.pools or not any(each.any() for each in kept):
            return cls(layer, (), ())
        return cls(layer, kept, tuple(_rms(each.weights) for each in layer.projections))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of weights, biases and potentials."""
        weights = sum(int(each.sum()) for each in self.kept)
        return weights, self.layer.channels if weights else 0, self.layer.channels

    def moved(self, weights: np.ndarray) -> list[np.ndarray]:
        """The weights of each projection when those that are not zero have changed by `weights`, one after the other."""
        found, at = [], 0
        for each, kept, unit in zip(self.layer.projections, self.kept, self.units, strict=True):
            whole = each.weights.astype(np.float64)
            mine = int(kept.sum())
            whole[kept] += unit * weights[at : at + mine]
            found.append(whole)
            at += mine
        return found


def _rms(weights: np.ndarray) -> float:
    """The root of the mean square of those that are not zero; 0 if all are."""
    return math.sqrt(np.square(weights[weights != 0], dtype=np.float64).mean()) if weights.any() else 0.0


class WeightSpace:
    """Vectors <-> networks: changes of the nonzero weights, biases and initial potentials of H_0.

    Layer by layer come its weights, those of each projection in units of their own root mean square, its biases and its
    channels' potentials, both in units of the threshold. Pooling layers have potentials only.

    Args:
        network: the start H_0, whose vector is all zeros.
    """

    def __init__(self, network: SpikingNetwork) -> None:
        self.network = network
        self.parts = [_Part.of(layer) for layer in network.layers]

    @property
    def size(self) -> int:
        """Number of entries of a vector."""
        return sum(sum(part.sizes) for part in self.parts)

    def start(self) -> np.ndarray:
        """The vector of H_0: zeros, float64 (size,)."""
        return np.zeros(self.size)

    def split(self, vector: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """For each layer the entries of its weights, biases and potentials."""
        at = 0
        for part in self.parts:
            ends = at + np.cumsum(part.sizes)
            yield vector[at : ends[0]], vector[ends[0] : ends[1]], vector[ends[1] : ends[2]]
            at = int(ends[2])

    def apply(self, vector: np.ndarray) -> SpikingNetwork:
        """The network of a vector.

        Raises:
            InputError: if the vector has another size or holds NaN or infinity.
        """
        values = checked(vector, self.size)
        if not values.any():
            return self.network
        layers = []
        for part, (weights, biases, potentials) in zip(self.parts, self.split(values), strict=True):
            old = part.layer
            changed = replace(
                old, initial_potential=old.initial_potential + np.broadcast_to(potentials, old.output_shape)
            )
            if part.kept:
                # its analog network is the new one: biases corrected once are now simply biases
                changed = changed.with_weights(part.moved(weights), bias=old.bias + biases, ann_bias=None)
            layers.append(changed)
        return replace(self.network, layers=tuple(layers))


class Weights(Learner):
    """Adam on the smooth loss over minibatches; a candidate is the running mean after every `every` updates.

    Further arguments are those of `Learner`. The analog network of recordings is that of their mean over the steps computed.

    Args:
        space: the vectors.
        objective: gives lambda_l and lambda_p.
        reference: A_ref, a fraction.
        base: the vector to start from.
        unrolled: T', the steps that are computed; time and memory grow with them.
        limit: factor of the analog network's cross-entropy.
        width: half the base of the surrogate's triangle, in units of the threshold.
        precision: "float32", or "bfloat16" for convolutions, on processors that have it.
        step_us: microseconds of a step of recordings.
        direct: images reach the first layer as they are (direct coding), not as spikes.

    Raises:
        InputError: if an argument is out of range.
    """

    name = "weights"
    title = "learn the weights"
    about = "Learn the weights goes furthest: weights, biases and potentials follow surrogate gradients."
    options = (
        "updates", "every", "batch", "rate", "shift", "flip", "unrolled", "limit", "width", "precision", "recency",
    )  # fmt: skip
    vary = WEIGHTS
    learns = True
    minutes = None
    doing = "learning weights"
    warm_up = WARM_UP

    @classmethod
    def begin(cls, at: Beginning, **options: Any) -> Weights:
        problem = at.problem
        if not isinstance(problem.space, WeightSpace):
            raise TypeError("what is learned is weights")
        given = {"base": at.base, "seed": at.seed, "progress": at.progress, **options}
        given["direct"] = problem.settings.input == "analog"
        if isinstance(problem.x, Recordings):  # what comes later is no more of the same, as with images
            given = {"unrolled": problem.settings.steps, "step_us": problem.settings.step_us} | given
        return cls(problem.space, at.objective, *at.training, problem.reference, **given)

    def __init__(
        self,
        space: WeightSpace,
        objective: Objective,
        x: np.ndarray | Recordings,
        y: np.ndarray,
        reference: float,
        *,
        base: np.ndarray | None = None,
        updates: int = 2000,
        every: int = 200,
        batch: int = 128,
        rate: float = 0.002,
        seed: int = 0,
        shift: int = 1,
        flip: bool = False,
        unrolled: int = 5,
        limit: float = 3.0,
        width: float = 1.0,
        precision: str = "float32",
        recency: float = 8.0,
        progress: bool = True,
        step_us: int = 0,
        direct: bool = False,
    ) -> None:
        super().__init__(
            space.network, x, y, updates=updates, every=every, batch=batch, rate=rate, seed=seed, shift=shift, flip=flip,
            recency=recency, progress=progress, window=(unrolled, step_us),
        )  # fmt: skip
        self._program = _Program(
            space,
            objective,
            check.real("reference", reference, 0, 1),
            space.start() if base is None else base,
            check.integer("unrolled", unrolled, 1),
            check.real("limit", limit, 0),
            check.real("width", width, 0, above=True),
            check.choice("precision", precision, PRECISIONS),
            check.flag("direct", direct),
        )
        self._program.begin(*self._items(0))


class _Program(Program):
    """The compiled update: variables, forward pass, loss and optimiser."""

    def __init__(
        self,
        space: WeightSpace,
        objective: Objective,
        reference: float,
        base: np.ndarray,
        unrolled: int,
        limit: float,
        width: float,
        precision: str,
        direct: bool,
    ) -> None:
        import keras
        import tensorflow as tf

        self._space, self._objective, self._reference = space, objective, reference
        self._unrolled, self._limit, self._direct, self._ops = unrolled, limit, direct, TensorFlow(precision)
        self._spike = surrogate(tf, width)
        start = space.apply(base)
        self._input_potential = tf.constant(start.input.initial_potential, tf.float32)
        self._arriving = [Arriving(layer, sources) for layer, sources in zip(start.layers, start.sources, strict=True)]
        self._first = [
            (
                [tf.constant(each.weights) for each in layer.projections],
                tf.constant(layer.bias),
                tf.constant(layer.initial_potential, tf.float32),
            )
            for layer in start.layers
        ]
        # a change of a weight in units of its projection, 0 where there is no synapse
        self._units = [
            [tf.constant(unit * kept, tf.float32) for unit, kept in zip(part.units, part.kept, strict=True)]
            for part in space.parts
        ]

        def changes(shape: tuple[int, ...], name: str) -> Any:
            return keras.Variable(np.zeros(shape, np.float32), name=name)

        self._changes: list[tuple[list[Any], Any, Any]] = [
            (
                [changes(kept.shape, "weights") for kept in part.kept],
                changes((part.layer.channels,), "biases") if part.kept else None,
                changes((part.layer.channels,), "potentials"),
            )
            for part in space.parts
        ]
        # the start's mean cost of a step
        self._unit_of_cost = keras.Variable(1.0, trainable=False, name="unit_of_cost")
        # the log inverse temperatures of all steps and, last, of the analog limit
        sharpness = changes((unrolled + 1,), "sharpness")
        learned = [
            variable
            for weights, biases, potentials in self._changes
            for variable in (*weights, biases, potentials)
            if variable is not None
        ]
        super().__init__(learned, sharpness, {"unit_of_cost": self._unit_of_cost})

    def begin(self, x: np.ndarray, y: np.ndarray) -> None:
        """Set every temperature to the one that suits the start best on a batch, and take its mean cost of a step for a unit."""
        scores, events, limit = self._forward(self._tf.constant(x))
        time = np.arange(1, self._unrolled + 1)[:, None, None]
        self._sharpness.assign(best_sharpness(np.concatenate([scores.numpy() / time, limit.numpy()[None]]), y))
        cost = self._objective.lambda_l + self._objective.lambda_p * events.numpy()
        self._unit_of_cost.assign(cost.mean() + 1e-12)  # for a network without events and lambda_l = 0

    def mean(self) -> np.ndarray:
        """The running mean of what has been added to the start's vector."""
        values = iter(np.asarray(mean, np.float64) for mean in self._means)
        entries = []
        for part in self._space.parts:
            entries += [next(values)[kept] for kept in part.kept]
            if part.kept:
                entries.append(next(values))
            entries.append(next(values))
        return np.concatenate(entries)

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        tf, aim = self._tf, self._objective
        scores, events, limit = self._forward(x)
        time = tf.range(1, self._unrolled + 1, dtype=tf.float32)[:, None, None]
        sharp = tf.exp(self._sharpness.value)
        by_step = scores / time * sharp[:-1, None, None]  # (T', B, classes)
        right = tf.reduce_mean(tf.cast(tf.argmax(by_step, axis=-1, output_type=y.dtype) == y, tf.float32), axis=1)
        shortfall = tf.nn.relu(self._reference - right)  # has no gradient
        cost = (aim.lambda_l + aim.lambda_p * events) / self._unit_of_cost.value
        errors = self._surprise(y, by_step) / NATS_PER_ERROR
        loss = tf.reduce_sum(errors * tf.stop_gradient(cost) + shortfall * cost)
        return loss + self._limit * tf.reduce_mean(self._surprise(y, (limit * sharp[-1])[None]))

    def _surprise(self, y: Tensor, logits: Tensor) -> Tensor:
        """Mean cross-entropy, (n,) of logits (n, B, classes)."""
        tf = self._tf
        labels = tf.broadcast_to(y, tf.shape(logits)[:2])
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), axis=1)

    def _forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Output potentials (T', B, classes), mean events per item (T',), and the analog network's logits (B, classes)."""
        tf, steps = self._tf, self._unrolled
        if len(x.shape) == len(self._space.network.input_shape) + 2:  # spikes of recordings, (B, T', ...)
            image, value = tf.einsum("bt...->tb...", x), tf.reduce_mean(x, axis=1)
            spikes = [image]
        else:
            image, active = shown(tf, x, steps, self._input_potential, None, self._direct)
            value, spikes = x, [active]
        sent, events = [tf.concat([image, value[None]], axis=0)], tf.zeros(steps)
        for part, arriving, (weights, bias, potential) in zip(
            self._space.parts, self._arriving, self._now(), strict=True
        ):
            layer = part.layer
            events = arriving.counted(tf, events, spikes)
            drive = arriving.drive(self._ops, sent, weights) + bias
            *drive, made = tf.unstack(tf.reshape(drive, (steps + 1, -1, *layer.output_shape)))
            if part is self._space.parts[-1]:
                return read(tf, tf.stack(drive), potential, layer.onset), events, made
            spikes.append(fire(tf, drive, potential, self._spike, layer.onset))
            # one call for both: the analog network's activations are a step of their own
            sent.append(tf.concat([spikes[-1], tf.clip_by_value(made, 0.0, 1.0)[None]], axis=0))
        raise RuntimeError("a network has a last layer")

    def _now(self) -> Iterator[tuple[list[Tensor], Tensor, Tensor]]:
        """Weights of each projection, biases and initial potentials of every layer as they stand."""
        for (weights, biases, potentials), units, (to_weights, to_biases, to_potentials) in zip(
            self._first, self._units, self._changes, strict=True
        ):
            learned = zip(weights, units, to_weights, strict=True) if to_weights else ()
            yield (
                [old + unit * change.value for old, unit, change in learned] or weights,
                biases + to_biases.value if to_weights else biases,
                potentials + to_potentials.value,
            )
