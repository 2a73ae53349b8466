"""Networks from elsewhere on their way to a conversion: read, and proved on the items that they are normalised on."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from snnviz import _memory
from snnviz.conversion.loading import load_source
from snnviz.conversion.report import model_scores
from snnviz.errors import InputError
from snnviz.importing import from_torch
from snnviz.importing.imported import Import
from snnviz.importing.proof import Proof, agreement
from snnviz.importing.pytorch import is_torch
from snnviz.network import SpikingNetwork
from snnviz.simulation import analog

ITEMS = 256
"""Items that an import is proved on, if there are as many."""


def taken(
    model: Any, x: Any = None, mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> tuple[Any, Import | None]:
    """What a user may give for a model, as a Keras model and, if it was read from elsewhere, its import.

    Args:
        model: a Keras model, an `Import`, the path of a .keras or .onnx file or the name of a shipped model, or a PyTorch module.
        x: items, by which a PyTorch module is exported.
        mean: see `snnviz.importing.read_onnx`.
        std: see `snnviz.importing.read_onnx`.
    """
    if is_torch(model):
        if x is None:
            raise InputError(
                "`model` must be read with items if it is a PyTorch module: `snnviz.importing.from_torch(module, x)`. "
                f"Received: {type(model).__name__}"
            )
        found: Any = from_torch(model, x, mean, std)
    elif isinstance(model, (str, os.PathLike)):
        found = load_source(model, mean, std)
    elif mean is not None or std is not None:
        raise InputError(
            "`mean` and `std` must be None for a model that has been read, which shows its preprocessing by its layers. "
            f"Received: {type(model).__name__}"
        )
    else:
        found = model
    return (found.model, found) if isinstance(found, Import) else (found, None)


def proved(imported: Import, folded: SpikingNetwork, x: np.ndarray) -> Proof:
    """The proof of an import before and after folding, on intensities (items, *folded.input_shape), `ITEMS` at most.

    Raises:
        InputError: if its answers are not those of its origin.
    """
    x = x[:ITEMS]
    shape = tuple(imported.model.input_shape[1:])
    items = (x * np.float32(folded.metadata["input_range"])).reshape(len(x), *shape)
    scores = model_scores(imported.model, items)
    logits = np.concatenate([values[folded.layer_names[-1]] for _, values in analog.batches(folded, x)])
    found = replace(imported.proof(items), folded=agreement(scores, logits.reshape(len(x), -1)))
    found.check(imported.source)
    _memory.give_back()
    return found


def check_items(x: np.ndarray) -> None:
    """Say what to do with items that are normalised already, as they often are beside PyTorch.

    Raises:
        InputError: if intensities are outside [0, 1].
    """
    if not x.size or x.dtype.kind != "f":
        return
    low, high = float(x.min()), float(x.max())
    if math.isfinite(low) and math.isfinite(high) and low < -1e-6:
        raise InputError(
            "`x_norm` must hold intensities in [0, 1]; give items before their normalisation, and its `mean` and `std`. "
            f"Received: values from {low:.9g} to {high:.9g}"
        )
