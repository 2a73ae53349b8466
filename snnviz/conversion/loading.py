"""Keras models from files."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Any

from snnviz._arguments import checked
from snnviz.errors import InputError


@checked
def load_keras(path: str | os.PathLike[str]) -> Any:
    """A Keras model from a `.keras` file, or the shipped one of that name (e.g. "dense-mnist"), not compiled.

    The file is read in Keras' safe mode: code stored in it is never run.

    Raises:
        InputError: if there is no such file or it holds no Keras model.
    """
    source = Path(path)
    from snnviz import pretrained

    # a folder of that name, as commands make them, hides no shipped model
    if not source.suffix and not source.is_file() and (str(path) in pretrained.names() or not source.exists()):
        source = Path(pretrained.path(str(path)))
    if not source.exists():
        raise InputError(f"`model` must be a .keras file. Received: {str(path)!r}, which is not there")
    if (kind := _other_format(source)) is not None:
        raise InputError(
            f"`model` must be a .keras file; {_REMEDIES[kind].format(path=str(path), new=source.with_suffix('').name)}. "
            f"Received: {str(path)!r}, {kind}"
        )
    if source.suffix != ".keras":
        raise InputError(f"`model` must be a .keras file or the name of a shipped model. Received: {str(path)!r}")
    if importlib.util.find_spec("snnviz.sparsity") is not None:
        importlib.import_module("snnviz.sparsity")  # registers the regularisers that fine-tuned models carry
    import keras

    try:
        return keras.saving.load_model(source, compile=False, safe_mode=True)
    except Exception as error:  # a damaged or foreign file makes Keras raise almost anything
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"`model` must be a whole .keras file of layers that Keras can load. Received: {str(path)!r} ({reason[0]})"
        ) from error


_HDF5, _SAVED_MODEL = "an HDF5 file as earlier versions of Keras write it", "a SavedModel folder of TensorFlow"
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_REMEDIES = {
    _HDF5: 'in Python, `model = keras.models.load_model("{path}")` (its name must end in .h5) and '
    '`model.save("{new}-new.keras")` make one of it',
    _SAVED_MODEL: "it keeps a computation and no layers; in Python, build the model as it was trained, load its weights, and "
    '`model.save("{new}.keras")`',
}
"""How a model of another format becomes a .keras file."""


def _other_format(source: Path) -> str | None:
    """The format of a model that is no .keras file, by what it holds; None if it is none that is known."""
    if source.is_dir():
        return _SAVED_MODEL if (source / "saved_model.pb").is_file() else None
    with source.open("rb") as file:
        return _HDF5 if file.read(len(_HDF5_SIGNATURE)) == _HDF5_SIGNATURE else None
