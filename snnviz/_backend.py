"""What Keras' backend computes on, and compiled functions on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from snnviz.errors import InputError

if TYPE_CHECKING:
    import keras
    import numpy as np


_USED_BY: int | None = None


def use() -> None:
    """Note that this process uses the backend; a process forked from one that did must not, as the threads did not come along.

    Raises:
        InputError: in such a process, where the backend would wait for ever.
    """
    global _USED_BY
    if _USED_BY not in (None, os.getpid()):
        raise InputError(
            'Keras\' backend must not be used in a process forked from one that has used it: start processes by "spawn" '
            '(multiprocessing.get_context("spawn")), or simulate with engine="event". '
            f"Received: process {os.getpid()}, forked from {_USED_BY}"
        )
    _USED_BY = os.getpid()


def on_cpu() -> bool:
    """Whether the backend has no accelerator."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return bool(jax.default_backend() == "cpu")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.config.list_logical_devices("GPU")
    return True


def compiled(model: keras.Model, xla: bool = False) -> Callable[[np.ndarray], Any]:
    """A compiled function from images to the outputs of `model` in inference mode, as the backend's arrays.

    Called by itself a model computes layer by layer, and holds every layer's output until the last is there. The function
    sees weights that change later.

    Args:
        model: the model.
        xla: on TensorFlow, compile with XLA; JAX always does.

    Raises:
        InputError: in a process forked from one that has used the backend.
    """
    use()
    import keras

    if keras.backend.backend() == "jax":
        import jax

        def forward(trainable: Any, rest: Any, x: Any) -> Any:
            return model.stateless_call(trainable, rest, x, training=False)[0]

        jitted = jax.jit(forward)

        def run(x: np.ndarray) -> Any:
            trainable, rest = (
                [variable.value for variable in group]
                for group in (model.trainable_variables, model.non_trainable_variables)
            )
            return jitted(trainable, rest, x)

        return run
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        @tf.function(jit_compile=xla, autograph=False, reduce_retracing=True)
        def predict(x: Any) -> Any:
            return model(x, training=False)

        return lambda x: predict(tf.constant(x))
    return lambda x: model(x, training=False)
