"""Keras models from files."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from snnviz.errors import InputError


def load_keras(path: str | os.PathLike[str]) -> Any:
    """A Keras model from a `.keras` file, or the shipped one of that name (e.g. "dense-mnist"), not compiled.

    The file is read in Keras' safe mode: code stored in it is never run.

    Raises:
        InputError: if there is no such file or it holds no Keras model.
    """
    source = Path(path)
    if not source.is_file() and not source.suffix:
        from snnviz import pretrained

        source = Path(pretrained.path(str(path)))
    if source.suffix != ".keras":
        raise InputError(f"`model` must be a .keras file or the name of a shipped model. Received: {str(path)!r}")
    if not source.is_file():
        raise InputError(f"`model` must be a .keras file. Received: {str(path)!r}, which is not there")
    if importlib.util.find_spec("snnviz.sparsity") is not None:
        importlib.import_module("snnviz.sparsity")  # registers the regularisers that fine-tuned models carry
    import keras

    try:
        return keras.saving.load_model(source, compile=False, safe_mode=True)
    except Exception as error:  # a damaged or foreign file makes Keras raise almost anything
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(f"`model` must be a whole .keras file. Received: {str(path)!r} ({reason[0]})") from error
