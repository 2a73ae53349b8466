"""What Keras' backend computes on."""

from __future__ import annotations


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
