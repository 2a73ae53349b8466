"""Training in less than full precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras import Model

BFLOAT16_FEATURES = ("avx512bf16", "amx-bf16", "bf16")
"""LLVM's names of the instructions, on x86 and on ARM, any of which multiplies bfloat16 without converting it first."""


@contextmanager
def computing_in(model: Model, precision: str) -> Iterator[None]:
    """While in the context, all layers of `model` but the last compute in `precision`; afterwards as they did before.

    Variables stay float32, and so does the last layer, whose probabilities a cross-entropy takes the logarithm of. Functions
    compiled in the context keep its precision.

    Args:
        model: the model.
        precision: "float32", which changes nothing, or "bfloat16".
    """
    import keras

    from snnviz.sparsity import leaves

    layers = [] if precision == "float32" else list(leaves(model)[:-1])
    before = [layer.dtype_policy for layer in layers]
    try:
        for layer in layers:
            layer.dtype_policy = keras.DTypePolicy(f"mixed_{precision}")
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy


def warning(precision: str | None) -> str:
    """A sentence for people if this machine's processor will be slow in `precision`; else an empty one."""
    from llvmlite import binding  # numba's, which the event engine needs anyway

    if precision in (None, "float32"):
        return ""
    features = binding.get_host_cpu_features()
    if any(features.get(name, False) for name in BFLOAT16_FEATURES):
        return ""
    return (
        f"this processor has no instructions for {precision} (avx512_bf16 or amx_bf16): without a GPU a step takes about three "
        "times as long as in float32"
    )
