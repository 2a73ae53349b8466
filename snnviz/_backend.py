"""What Keras' backend computes on, and compiled functions on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import numpy as np


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
    """
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
