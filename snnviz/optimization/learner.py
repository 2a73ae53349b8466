"""What searchers that learn along a gradient have in common: minibatches, the rate's course, a running mean, their state.

A candidate is not the vector of the last update but a running mean of all so far that leans on the later ones (polynomial-decay
averaging; Shamir, Zhang 2013, arXiv:1212.1824): from update to update spikes of a few items come and go, and so do their answers.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._augment import mirrored, shifted
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.network import SpikingNetwork
from snnviz.optimization.searcher import Searcher
from snnviz.optimization.unrolled import Tensor


class Learner(Searcher):
    """Updates of a program over minibatches; a candidate after every `every` of them, or earlier where time presses (`enough`).

    A subclass builds its program last, and has it `begin` on the items of update 0.

    Args:
        network: whose items they are.
        x: items to learn from, intensities in [0, 1], (items, *network.input_shape), or recordings.
        y: their classes (items,).
        updates: how many in all; the rate rises over the first `warm_up` and falls to zero along a cosine.
        every: updates from one candidate to the next.
        batch: items of an update.
        rate: of Adam: by about how much an entry of a vector moves in an update, at the beginning.
        seed: of the choice of items and their variations.
        shift: images are moved by up to this many pixels each way.
        flip: images are mirrored, left to right, or not, by chance.
        recency: the running mean gives update t a weight of about t ** recency: 0 makes it the plain mean, and the larger it
            is, the more it is the last vector alone.
        progress: show updates and the time left.
        window: of recordings: how many steps of them are taken, and microseconds of a step.

    Raises:
        InputError: if an argument is out of range.
    """

    doing: ClassVar[str]
    """What the updates do, for the progress bar."""
    warm_up: ClassVar[int] = 1
    _program: Program

    def __init__(
        self,
        network: SpikingNetwork,
        x: np.ndarray | Recordings,
        y: np.ndarray,
        *,
        updates: int,
        every: int,
        batch: int,
        rate: float,
        seed: int,
        shift: int,
        flip: bool,
        recency: float,
        progress: bool,
        window: tuple[int, int] = (0, 0),
    ) -> None:
        self.updates, self.every = check.integer("updates", updates, 1), check.integer("every", every, 1)
        self._seed, self._shift = check.integer("seed", seed, 0), check.integer("shift", shift, 0)
        self._flip, self._progress = check.flag("flip", flip), check.flag("progress", progress)
        self._rate = check.real("rate", rate, 0, above=True)
        self._recency = check.real("recency", recency, 0)
        self._x = x if isinstance(x, Recordings) else check.images("x", x, network.input_shape)
        self._window = window
        self._y = check.labels("y", y, len(self._x), network.classes)
        self._batch = min(check.integer("batch", batch, 1), len(self._x))
        self._told = self._last = 0  # candidates, and the update of the last of them

    def _items(self, update: int) -> tuple[np.ndarray, np.ndarray]:
        """The minibatch of an update, a function of the seed and its number alone."""
        stream = np.random.default_rng((self._seed, update))
        chosen = stream.integers(0, len(self._x), self._batch)
        images, each = self._given(chosen)
        if images.ndim == 4:
            if self._flip:
                images = mirrored(images, np.repeat(stream.random(self._batch) < 0.5, each))
            if self._shift:
                offsets = stream.integers(0, 2 * self._shift + 1, (2, self._batch))
                images = shifted(images, np.repeat(offsets, each, axis=1), self._shift)
        return images.reshape(self._batch, *((each,) if each > 1 else ()), *images.shape[1:]), self._y[chosen]

    def _given(self, chosen: np.ndarray) -> tuple[np.ndarray, int]:
        """Images of items, and how many each has: one, or of a recording one a step, its spikes."""
        if not isinstance(self._x, Recordings):
            return self._x[chosen], 1
        spikes = self._x[chosen].spikes(*self._window).astype(np.float32)
        return spikes.reshape(-1, *self._x.shape), self._window[0]

    def _rate_of(self, update: int) -> float:
        warm = min(1.0, (update + 1) / self.warm_up)
        return self._rate * warm * 0.5 * (1 + math.cos(math.pi * update / self.updates))

    def ask(self) -> list[np.ndarray]:
        if self._last >= self.updates:
            return []
        done, end = self._program.updates, min((self._last // self.every + 1) * self.every, self.updates)
        with _progress.bar(self.updates, self.doing, "update", self._progress, done) as bar:
            for update in range(done, end):
                share = (self._recency + 1) / (update + 1 + self._recency)
                self._program.update(*self._items(update), self._rate_of(update), share)
                bar.update(1)
                if self.enough():
                    break
        return [self._program.mean()]

    def tell(self, losses: Sequence[float]) -> None:
        self._told, self._last = self._told + len(losses), self._program.updates

    def state(self) -> dict[str, np.ndarray]:
        return {"told": np.array(self._told), "last": np.array(self._last), **self._program.state()}

    def restore(self, state: dict[str, np.ndarray]) -> int:
        last = "last" if "last" in state else "done"  # the latter as 0.1.0 had it
        done, told = (_whole(name, state[name]) for name in (last, "told"))
        check.integer(last, done, 0, self.updates)
        self._program.restore(state)
        self._last, self._told = done, told
        return told


class Program:
    """A compiled update: variables, their running means, and the optimiser.

    Args:
        learned: variables (Keras) that candidates are made of.
        sharpness: logarithms of the inverse temperatures of class scores, which are learned beside them.
        fixed: variables that `begin` sets, by name, for the state.
        xla: compile with XLA.
    """

    def __init__(self, learned: Sequence[Any], sharpness: Any, fixed: dict[str, Any], xla: bool = False) -> None:
        import keras
        import tensorflow as tf

        self._tf, self._learned, self._sharpness, self._fixed = tf, list(learned), sharpness, fixed
        self._means = [keras.Variable(np.zeros(v.shape, np.float32), trainable=False) for v in learned]
        self._optimizer = keras.optimizers.Adam(1e-3)
        self._optimizer.build([*self._learned, sharpness])
        self._step = tf.function(self._update, jit_compile=xla, autograph=False, reduce_retracing=True)

    @property
    def updates(self) -> int:
        """How many have been made. An update counts itself, so that one which is interrupted has been made or has not."""
        return int(self._optimizer.iterations)

    @abstractmethod
    def begin(self, x: np.ndarray, y: np.ndarray) -> None:
        """Set what is best seen from a batch."""

    @abstractmethod
    def mean(self) -> np.ndarray:
        """The running mean, as a searcher's vector."""

    @abstractmethod
    def _loss(self, x: Tensor, y: Tensor) -> Tensor:
        """What an update lowers."""

    def update(self, x: np.ndarray, y: np.ndarray, rate: float, share: float) -> float:
        """One update at a rate of Adam; the new values enter the running mean with a share."""
        tf = self._tf
        numbers = (tf.constant(value, tf.float32) for value in (rate, share))
        return float(self._step(tf.constant(x), tf.constant(y), *numbers))

    def _update(self, x: Tensor, y: Tensor, rate: Tensor, share: Tensor) -> Tensor:
        variables = [*self._learned, self._sharpness]
        with self._tf.GradientTape() as tape:
            loss = self._loss(x, y)
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self._optimizer.learning_rate.assign(rate)
        self._optimizer.apply(gradients, variables)
        for mean, variable in zip(self._means, self._learned, strict=True):
            mean.assign(mean.value + share * (variable.value - mean.value))
        return loss

    def state(self) -> dict[str, np.ndarray]:
        """Everything that `restore` needs."""
        return {name: np.asarray(variable) for name, variable in self._named().items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Go on from a `state`, of which all is checked before any of it is taken."""
        variables = self._named()
        for name, variable in variables.items():
            now, then = np.asarray(variable), state[name]
            if then.shape != now.shape or then.dtype != now.dtype:
                raise InputError(
                    f"`{name}` must be an array of shape {now.shape} and type {now.dtype}. Received: {check.describe(then)}"
                )
            check.finite(name, then)
        for name, variable in variables.items():
            variable.assign(state[name])

    def _named(self) -> dict[str, Any]:
        groups = {"learned": self._learned, "mean": self._means, "slot": self._optimizer.variables}
        numbered = {f"{name}_{i}": variable for name, group in groups.items() for i, variable in enumerate(group)}
        return numbered | {"sharpness": self._sharpness} | self._fixed


def _whole(name: str, array: np.ndarray) -> int:
    """The whole number in an array of no dimensions."""
    return check.integer(name, array.item() if array.ndim == 0 else array, 0)
