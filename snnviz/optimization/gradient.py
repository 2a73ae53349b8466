"""Surrogate gradients through the network unrolled in time.

For T' early steps the spiking network itself is computed, forwards exactly, backwards with a triangle about the
threshold in place of the spike's derivative (Neftci, Mostafa, Zenke 2019, doi:10.1109/MSP.2019.2931595). For the steps after it
stands what the network tends to: its analog twin with every activation cut off at rate 1. Weights stay as they are; only the
vector of `ScaleSpace` moves. The loss is L_SNN made smooth, its first sum multiplied by `early`,

    sum_{t <= T'} c_t (lambda_l + lambda_p E_t)  +  c_inf ((T - T') (lambda_l + lambda_p E_T') + lambda_e),

where the divergence c_t of the class scores v_t / t (of the analog logits for c_inf), at a temperature learned for each t, from
a target takes the place of the shortfall A_ref - A, and E_t is the batch's mean of synaptic events. The target is the label
mixed with the network's own analog answer; divergence is cross-entropy less the target's entropy, 0 where they agree, as the
shortfall is. By the product rule the gradient of (A_ref - A) E has two halves: that of c_t, weighted by E_t, and that of E_t,
weighted by the shortfall counted in the batch (c_t is several times the shortfall and would save events at accuracy's cost).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz.network import DenseProjection
from snnviz.optimization.learner import Learner, Program
from snnviz.optimization.objective import Objective
from snnviz.optimization.scales import LARGEST_LOG_SCALE, ScaleSpace
from snnviz.optimization.searcher import Beginning
from snnviz.optimization.unrolled import Arriving, TensorFlow, best_sharpness, fire, read, shown, surrogate

Tensor = Any

UNROLLED = 6
"""Steps computed as spikes by default: few enough that a batch of a dense network takes milliseconds, enough that what follows
changes slowly."""


WORTH_COMPILING = 300
"""From this many updates on, compilation by XLA pays."""


class Gradient(Learner):
    """Adam on the smooth loss over minibatches; a candidate is the running mean after every `every` updates.

    Further arguments are those of `Learner`.

    Args:
        space: the vectors.
        objective: gives the weights of the terms.
        steps: T of the objective.
        base: the vector to start from; None for H_0.
        expansion: where each entry of a vector comes from in this searcher's own, coarser, vectors, which start at 0 and are
            added to `base` (`ScaleSpace.expansion`); None searches every entry.
        distilled: how much of the target is the analog network's answer; the rest is the label.
        early: factor of the divergences of the unrolled steps, c_1 ... c_T'; above 1 it favours the first answers.
        width: half the base of the surrogate's triangle, in units of the threshold.
        unrolled: T', the steps that are computed as spikes, at most `steps`; time and memory grow with them.
        direct: images reach the first layer as they are (direct coding), not as spikes.

    Raises:
        InputError: if an argument is out of range.
    """

    name = "gradient"
    title = "gradient"
    about = "Gradient follows surrogate gradients through time."
    options = ("updates", "every", "batch", "rate", "shift", "distilled", "early", "width", "unrolled", "recency")
    learns = True
    streams = False
    doing = "learning scales"

    @classmethod
    def begin(cls, at: Beginning, **options: Any) -> Gradient:
        problem = at.problem
        if not isinstance(problem.space, ScaleSpace):
            raise TypeError("the gradient is of scales")
        given = {"base": at.base, "expansion": at.expansion, "seed": at.seed, "progress": at.progress, **options}
        given["direct"] = problem.settings.input == "analog"
        return cls(problem.space, at.objective, *at.training, problem.settings.steps, **given)

    def __init__(
        self,
        space: ScaleSpace,
        objective: Objective,
        x: np.ndarray,
        y: np.ndarray,
        steps: int = 50,
        *,
        base: np.ndarray | None = None,
        expansion: np.ndarray | None = None,
        updates: int = 4000,
        every: int = 200,
        batch: int = 256,
        rate: float = 0.05,
        seed: int = 0,
        shift: int = 1,
        distilled: float = 0.5,
        early: float = 10.0,
        width: float = 0.5,
        unrolled: int = UNROLLED,
        recency: float = 3.0,
        progress: bool = True,
        direct: bool = False,
    ) -> None:
        super().__init__(
            space.network, x, y, updates=updates, every=every, batch=batch, rate=rate, seed=seed, shift=shift, flip=False,
            recency=recency, progress=progress,
        )  # fmt: skip
        check.real("distilled", distilled, 0, 1)
        check.real("early", early, 0)
        check.real("width", width, 0, above=True)
        unrolled = min(check.integer("unrolled", unrolled, 1), check.integer("steps", steps, 1))
        base = space.start() if base is None else base
        expansion = np.arange(space.size) if expansion is None else expansion
        self._program = _Program(
            space,
            objective,
            steps,
            unrolled,
            distilled,
            early,
            width,
            base,
            expansion,
            updates,
            check.flag("direct", direct),
        )
        self._program.begin(*self._items(0))


class _Program(Program):
    """The compiled update: variables, forward pass, loss and optimiser."""

    def __init__(
        self,
        space: ScaleSpace,
        objective: Objective,
        steps: int,
        unrolled: int,
        distilled: float,
        early: float,
        width: float,
        base: np.ndarray,
        expansion: np.ndarray,
        updates: int,
        direct: bool,
    ) -> None:
        import keras
        import tensorflow as tf

        self._space, self._unrolled, self._direct = space, unrolled, direct
        self._layers, self._sources = space.network.layers, space.network.sources
        self._objective, self._steps, self._distilled, self._early = objective, steps, distilled, early
        self._spike, self._ops = surrogate(tf, width), TensorFlow()
        self._arriving = [Arriving(layer, sources) for layer, sources in zip(self._layers, self._sources, strict=True)]
        self._weights = [[tf.constant(each.weights) for each in layer.projections] for layer in self._layers]
        self._biases = [tf.constant(layer.bias) for layer in self._layers]
        self._potentials = [
            tf.constant(np.broadcast_to(potential, shape), tf.float32)
            for potential, shape in (
                (space.network.input.initial_potential, space.network.input_shape),
                *((layer.initial_potential, layer.output_shape) for layer in self._layers),
            )
        ]
        self._base, self._expansion = tf.constant(base, tf.float32), expansion
        self._theta = keras.Variable(np.zeros(int(expansion.max()) + 1, np.float32), name="vector")
        # the logarithms of the inverse temperatures of steps 1..T' and, last, of the analog limit
        sharpness = keras.Variable(np.zeros(unrolled + 1, np.float32), name="sharpness")
        self._own_sharpness = keras.Variable(1.0, trainable=False, name="own_sharpness")
        # XLA fuses the many small operations of a dense network, once it has compiled for some seconds; its convolutions on a
        # CPU are slow
        xla = updates >= WORTH_COMPILING and all(
            isinstance(each, DenseProjection) for layer in self._layers for each in layer.projections
        )
        super().__init__([self._theta], sharpness, {"own_sharpness": self._own_sharpness}, xla)

    def begin(self, x: np.ndarray, y: np.ndarray) -> None:
        """Set every temperature to the one that suits the analog network best on a batch."""
        best = float(best_sharpness(self._analog(self._tf.constant(x), None).numpy()[None], y)[0])
        self._sharpness.assign(np.full(self._unrolled + 1, best, np.float32))
        self._own_sharpness.assign(math.exp(best))

    def vector(self) -> np.ndarray:
        return self._theta.numpy().astype(np.float64)

    def mean(self) -> np.ndarray:
        return self._means[0].numpy().astype(np.float64)

    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        tf, aim = self._tf, self._objective
        scales, potentials = self._unpacked()
        scores, events = self._spiking(x, scales, potentials)
        limit = self._analog(x, scales)
        own = tf.nn.softmax(self._analog(x, None) * self._own_sharpness.value)
        target = self._distilled * own + (1 - self._distilled) * tf.one_hot(y, scores.shape[-1])
        time = tf.range(1, self._unrolled + 1, dtype=tf.float32)[:, None, None]
        sharp = tf.exp(self._sharpness.value)
        by_step = scores / time * sharp[:-1, None, None]  # (T', B, classes)
        entropy = -tf.reduce_mean(tf.reduce_sum(tf.math.xlogy(target, target), axis=1))
        surprise = tf.nn.softmax_cross_entropy_with_logits(tf.broadcast_to(target, tf.shape(by_step)), by_step)
        errors = tf.reduce_mean(surprise, axis=1) - entropy
        rest = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, limit * sharp[-1])) - entropy
        cost = aim.lambda_l + aim.lambda_p * tf.stop_gradient(events)
        remaining = (self._steps - self._unrolled) * cost[-1] + aim.lambda_e
        # the product rule for shortfall x events: in this half the shortfall is the batch's own, which is exact
        rightly = tf.argmax(by_step, axis=-1, output_type=tf.int32) == tf.cast(y, tf.int32)
        reference = tf.argmax(own, axis=-1, output_type=tf.int32) == tf.cast(y, tf.int32)
        right = tf.reduce_mean(tf.cast(rightly, tf.float32), axis=1)
        shortfall = tf.nn.relu(tf.reduce_mean(tf.cast(reference, tf.float32)) - right)
        spent = aim.lambda_p * tf.reduce_sum(shortfall * events)
        # in units of one step's cost, so that the rate means the same whatever the lambdas; 1e-12 for all zeros
        return (self._early * tf.reduce_sum(errors * cost) + rest * remaining + spent) / (tf.reduce_mean(cost) + 1e-12)

    def _unpacked(self) -> tuple[list[Tensor], list[Tensor]]:
        """The vector's scales by layer, and the initial potentials of the input and every layer."""
        tf, space = self._tf, self._space
        vector = self._base + tf.gather(self._theta.value, self._expansion)
        values = tf.gather(vector, space._index)
        position, scales, potentials = 0, [], []
        for part in space.scales:
            logs = values[position : position + part.size]
            scales.append(tf.exp(tf.clip_by_value(logs, -LARGEST_LOG_SCALE, LARGEST_LOG_SCALE)))
            position += part.size
        for index, before in enumerate(self._potentials):
            if not space.potentials:
                potentials.append(before)
                continue
            part = space.potentials[index]
            mine = values[position : position + part.size]
            position += part.size
            shape = part.shape if part.size == math.prod(part.shape) else (part.size,)
            potentials.append(before + tf.reshape(mine, shape))
        return scales, potentials

    def _spiking(self, x: Tensor, scales: list[Tensor], potentials: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Output potentials (T', B, classes) and mean events per item (T',)."""
        tf, steps = self._tf, self._unrolled
        spike = self._spike if self._space.potentials else None
        image, active = shown(tf, x, steps, potentials[0], spike, self._direct)
        sent, spikes, events = [image], [active], tf.zeros(steps)
        for index, layer in enumerate(self._layers):
            events = self._arriving[index].counted(tf, events, spikes)
            drive = self._drive(index, sent) * scales[index]
            drive = tf.reshape(drive, (steps, -1, *layer.output_shape))
            if index == len(self._layers) - 1:
                return read(tf, drive, potentials[-1], layer.onset), events
            spikes.append(fire(tf, tf.unstack(drive), potentials[index + 1], self._spike, layer.onset))
            sent.append(spikes[-1] * (1 / scales[index]))
        raise RuntimeError("a network has a last layer")

    def _drive(self, index: int, values: list[Tensor], bias: Tensor = None) -> Tensor:
        """What a population adds up, (n, *output_shape), of `values` of every population before it."""
        bias = self._biases[index] if bias is None else bias
        return self._arriving[index].drive(self._ops, values, self._weights[index]) + bias

    def _analog(self, x: Tensor, scales: list[Tensor] | None) -> Tensor:
        """Logits of the analog network; with `scales`, of one whose activations are cut off where neurons saturate."""
        tf = self._tf
        values = [x]
        for index, layer in enumerate(self._layers):
            ann = scales is None and layer.ann_bias is not None
            z = self._drive(index, values, tf.constant(layer.ann_bias) if ann else None)
            if index == len(self._layers) - 1:
                return z
            made = tf.nn.relu(z)
            if scales is not None:
                made = tf.minimum(made, 1 / scales[index])
            elif layer.cap is not None:
                made = tf.minimum(made, tf.constant(layer.cap, tf.float32))
            values.append(made)
        raise RuntimeError("a network has a last layer")
