"""Compiled gradient steps: many batches per call, with no Python between them.

Keras' own `fit` returns to Python after every batch, which for the small models of this package costs more than the
arithmetic. Here a call takes a block of batches and loops over them inside one compiled function, on TensorFlow or JAX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from snnviz._backend import compiled
from snnviz.errors import InputError

if TYPE_CHECKING:
    import keras


WORTH_COMPILING = 10_000
"""From this many gradient steps on compilation by XLA pays: it takes seconds, and makes a step a fifth of a millisecond shorter."""


class Steps(Protocol):
    """One model's compiled training steps and predictions."""

    def run(self, x: np.ndarray, y: np.ndarray, count: int) -> tuple[float, int]:
        """Take `count` gradient steps on the first batches of a block, and update the model and the optimiser.

        Args:
            x: float32 (batches, items, height, width, channels).
            y: integer labels (batches, items).
            count: steps to take; the rest of the block is ignored.

        Returns:
            The sum over steps of the loss (penalties included), and the number of items classified rightly.
        """
        ...

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Outputs of the model in inference mode, float32 (items, classes)."""
        ...


def compiled_steps(model: keras.Model, optimizer: Any, from_logits: bool, updates: int = 0) -> Steps:
    """The steps of `model` under `optimizer` on the running Keras backend, cross-entropy plus the model's penalties.

    Without an optimiser (None) it can only predict. How many `updates` there will be tells how much compiling is worth.

    Raises:
        InputError: on a backend other than TensorFlow and JAX.
    """
    import keras

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _TensorFlowSteps(model, optimizer, loss, _wants_xla(model, updates))
    if backend == "jax":
        return _JaxSteps(model, optimizer, loss)
    raise InputError(f"the Keras backend must be 'tensorflow' or 'jax' for training. Received: {backend!r}")


def _wants_xla(model: keras.Model, updates: int) -> bool:
    """Whether XLA makes so many of TensorFlow's steps quicker.

    It fuses the many small operations of a dense model (0.43 instead of 0.63 ms a step of dense MNIST on one core, batches of
    32). Models with convolutions run without it: assumed, not measured, to be quicker on a CPU.
    """
    return updates >= WORTH_COMPILING and not any(len(weight.shape) == 4 for weight in model.trainable_variables)


class _TensorFlowSteps:
    def __init__(self, model: keras.Model, optimizer: Any, loss: Any, jit: bool) -> None:
        import tensorflow as tf

        variables = model.trainable_variables

        def step(x: Any, y: Any) -> tuple[Any, Any]:
            with tf.GradientTape() as tape:
                outputs = model(x, training=True)
                total = loss(y, outputs) + sum(model.losses)
            optimizer.apply(tape.gradient(total, variables), variables)
            return total, _correct(tf, y, outputs)

        @tf.function(jit_compile=jit, autograph=False)
        def run(x: Any, y: Any, count: Any) -> tuple[Any, Any]:
            def body(index: Any, loss_sum: Any, correct_sum: Any) -> tuple[Any, Any, Any]:
                value, correct = step(x[index], y[index])
                return index + 1, loss_sum + value, correct_sum + correct

            start = (tf.constant(0), tf.constant(0.0), tf.constant(0))
            _, loss_sum, correct_sum = tf.while_loop(
                lambda index, *_: index < count, body, start, parallel_iterations=1
            )
            return loss_sum, correct_sum

        self._tf, self._run, self._predict = tf, run, compiled(model, xla=jit)

    def run(self, x: np.ndarray, y: np.ndarray, count: int) -> tuple[float, int]:
        tf = self._tf
        loss, correct = self._run(tf.constant(x), tf.constant(y), tf.constant(count))
        return float(loss), int(correct)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self._predict(x).numpy()


class _JaxSteps:
    def __init__(self, model: keras.Model, optimizer: Any, loss: Any) -> None:
        import jax
        import jax.numpy as jnp

        def forward(trainable: Any, rest: Any, x: Any, y: Any) -> tuple[Any, Any]:
            outputs, rest, penalties = model.stateless_call(trainable, rest, x, training=True, return_losses=True)
            return loss(y, outputs) + sum(penalties), (rest, _correct(jnp, y, outputs))

        gradient = jax.value_and_grad(forward, has_aux=True)

        @jax.jit
        def run(state: Any, x: Any, y: Any, count: Any) -> Any:
            def body(index: Any, carry: Any) -> Any:
                (trainable, rest, slots), loss_sum, correct_sum = carry
                (value, (rest, correct)), gradients = gradient(trainable, rest, x[index], y[index])
                trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
                return (trainable, rest, slots), loss_sum + value, correct_sum + correct

            return jax.lax.fori_loop(0, count, body, (state, jnp.float32(0), jnp.int32(0)))

        slots = [] if optimizer is None else optimizer.variables  # without one, predictions only
        self._variables = (model.trainable_variables, model.non_trainable_variables, slots)
        self._run = run
        self._predict = compiled(model)

    def _state(self) -> tuple[list[Any], ...]:
        return tuple([variable.value for variable in group] for group in self._variables)

    def run(self, x: np.ndarray, y: np.ndarray, count: int) -> tuple[float, int]:
        state, loss, correct = self._run(self._state(), x, y, count)
        for group, values in zip(self._variables, state, strict=True):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        return float(loss), int(correct)

    def predict(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self._predict(x))


def _correct(ops: Any, y: Any, outputs: Any) -> Any:
    """Number of items whose label has the largest output; `ops` is tensorflow or jax.numpy."""
    if hasattr(ops, "reduce_sum"):
        return ops.reduce_sum(ops.cast(ops.argmax(outputs, axis=-1, output_type=y.dtype) == y, ops.int32))
    return (outputs.argmax(axis=-1) == y).sum(dtype=ops.int32)
