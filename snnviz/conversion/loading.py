"""Keras models from files."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import itertools
import json
import math
import os
import re
import threading
import unicodedata
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._memory import JSON_GROWS, check_fits, check_hdf5, check_member
from snnviz.conversion.obstacle import UNSUPPORTED
from snnviz.errors import InputError
from snnviz.importing import read_onnx
from snnviz.importing.imported import Import


@checked
def load_keras(path: str | os.PathLike[str]) -> Any:
    """A Keras model from a `.keras` or `.onnx` file, or the shipped one of that name (e.g. "dense-mnist"), not compiled.

    The file is read in Keras' safe mode: code stored in it is never run. An ONNX file is read as `load_source` does. In names of
    layers, what TensorFlow takes in none becomes "_", as "a b" becomes "a_b".

    Raises:
        InputError: if there is no such file or it holds no model that can be read.
    """
    found = load_source(path)
    return found.model if isinstance(found, Import) else found


@checked
def load_source(
    path: str | os.PathLike[str], mean: Sequence[float] | None = None, std: Sequence[float] | None = None
) -> Any:
    """What a model's file holds: a Keras model, or of an `.onnx` file an `Import` that answers as its origin on random items.

    Args:
        path: see `load_keras`.
        mean: of the preprocessing that a network in an ONNX file expects, see `snnviz.importing.read_onnx`.
        std: its deviation.

    Raises:
        InputError: as `load_keras`; also if `mean` or `std` are given for a Keras model.
    """
    if Path(path).suffix == ".onnx":
        found = read_onnx(path, mean, std)
        found.proof().check(str(path))
        return found
    if mean is not None or std is not None:
        raise InputError(
            f"`mean` and `std` must be None for a Keras model, which shows its preprocessing by its layers. Received: {str(path)!r}"
        )
    return _keras(path)


def _keras(path: str | os.PathLike[str]) -> Any:
    source = Path(path)
    from snnviz import pretrained

    # a folder of that name, as commands make them, hides no shipped model
    if not source.suffix and not source.is_file() and (str(path) in pretrained.names() or not source.exists()):
        if str(path) not in pretrained.names():
            check.choice("model", str(path), pretrained.names(".keras"), check.beside(source), "a .keras or .onnx file")
        source = pretrained.path(str(path))
        if source.suffix == ".npz":
            raise InputError(
                f"`model` must be a classifier. Received: {str(path)!r}, which is a spiking network already"
            )
    if not source.exists():
        meant = check.beside(source)
        raise InputError(f"`model` must be a .keras or .onnx file. Received: {str(path)!r}, which is not there{meant}")
    if (kind := _other_format(source)) is not None:
        raise InputError(
            f"`model` must be a .keras file; {_REMEDIES[kind].format(path=str(path), new=source.with_suffix('').name)}. "
            f"Received: {str(path)!r}, {kind}"
        )
    if source.suffix != ".keras":
        raise InputError(
            f"`model` must be a .keras or .onnx file or the name of a shipped model. Received: {str(path)!r}{_remedy(source)}"
        )
    if importlib.util.find_spec("snnviz.sparsity") is not None:
        importlib.import_module("snnviz.sparsity")  # registers the regularisers that fine-tuned models carry
    import keras

    try:
        held = _checked_archive(source, str(path))
        with _weights_within(held, str(path)):
            return _scoped(keras.saving.load_model(source, compile=False, safe_mode=True))
    except InputError:
        raise
    except Exception as error:  # a damaged or foreign file makes Keras raise almost anything
        reason = _foreign(source) or next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise InputError(
            f"`model` must be a whole .keras file of layers that Keras can load. Received: {str(path)!r} ({reason})"
        ) from error


_SCOPE = re.compile(r"[A-Za-z0-9.][\w.\\/>-]*", re.ASCII)
"""What TensorFlow takes for the name of a scope, in which every layer computes."""


def _scoped(model: Any) -> Any:
    """`model`, with names of its layers that TensorFlow takes: Keras makes and saves layers of any name."""
    layers = list(model._flatten_layers())
    taken = {layer.name for layer in layers}
    for layer in layers:
        if not _SCOPE.fullmatch(layer.name):
            plain = unicodedata.normalize("NFKD", layer.name).encode("ascii", "ignore").decode()
            plain = re.sub(r"[^\w.-]", "_", plain, flags=re.ASCII)
            plain = plain if _SCOPE.fullmatch(plain) else f"layer{plain}"
            free = (name for number in itertools.count(2) if (name := f"{plain}_{number}") not in taken)
            layer.name = next(free) if plain in taken else plain
            taken.add(layer.name)
    return model


def _foreign(source: Path) -> str | None:
    """The first layer of a model which Keras has no code for, and what to do; None if that is not what stands in the way."""
    import keras

    try:
        with zipfile.ZipFile(source) as archive:
            waiting = [json.loads(archive.read(_CONFIG))]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    while waiting:
        part = waiting.pop(0)
        if isinstance(part, list):
            waiting[:0] = part
        elif isinstance(part, dict):
            kind, config = part.get("class_name"), part.get("config")
            if isinstance(kind, str) and isinstance(config, dict):
                called = f"{config['name']!r} ({kind})" if "name" in config else repr(kind)
                if kind == "Lambda":
                    reason, remedy = UNSUPPORTED[kind]
                    return f"{called}: {reason}; {remedy}"
                own = not str(part.get("module") or "").startswith("keras") and part.get("registered_name")
                if own and keras.saving.get_registered_object(own) is None:
                    return f"{called}: a class of its own, and the file holds no code; use layers of Keras"
                if not _can_be_made(part):
                    return f"{called}: Keras {keras.__version__} makes no layer of what it saved of it; save the model without it"
            waiting[:0] = [value for key, value in part.items() if key != "compile_config"]
    return None


def _can_be_made(part: Mapping[str, Any]) -> bool:
    """Whether Keras makes a layer of its configuration; anything else is taken for granted, and what consists of layers."""
    import keras

    if part.get("module") != "keras.layers" or {"layer", "layers"} & set(part["config"]):
        return True
    try:  # without what it was built for, which may claim any number of weights
        keras.saving.deserialize_keras_object({**part, "build_config": None}, safe_mode=True)
    except Exception:  # of any kind
        return False
    return True


_CONFIG, _WEIGHTS = "config.json", "model.weights.h5"
_SPARE = 2**20
"""Numbers that layers may have and a file need not hold, such as states of random generators."""
_building = threading.RLock()


def _checked_archive(source: Path, path: str) -> int:
    """Check what a .keras file claims before any of it is unpacked; how many bytes its weights have.

    Raises:
        InputError: if it claims more than memory holds, or than is there.
    """
    size = source.stat().st_size
    check_fits(path, size, size)
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        for member in members:
            check_member(path, member)
        check_fits(path, sum(member.file_size for member in members), size, "the sum of its members")
        config = archive.getinfo(_CONFIG).file_size
        check_fits(path, JSON_GROWS * config, config, _CONFIG)
        if _WEIGHTS not in archive.namelist():
            return size
        check_hdf5(path, archive.read(_WEIGHTS))
        return archive.getinfo(_WEIGHTS).file_size


@contextmanager
def _weights_within(held: int, path: str) -> Iterator[None]:
    """Inside the `with` block, refuse layers that would make more weights than the file has bytes for, before they are made.

    Every weight of a layer is made by `add_weight`, whatever the layer: no other place knows the shapes of all. The weights of
    other threads are theirs.
    """
    import keras

    made, thread = 0, threading.get_ident()
    original = keras.layers.Layer.add_weight

    @functools.wraps(original)
    def add_weight(layer: Any, shape: Any = None, *args: Any, **options: Any) -> Any:
        nonlocal made
        if threading.get_ident() == thread:
            made += math.prod(shape if isinstance(shape, (list, tuple)) else (shape or 1,))
            if made > 2 * held + _SPARE:  # quantised weights may be made twice
                raise InputError(
                    f"`model` must hold the weights of its layers. Received: {path!r}, where {_CONFIG} claims {made} weights up "
                    f"to layer {layer.name!r}, and {held} bytes are there"
                )
        return original(layer, shape, *args, **options)

    with _building:
        keras.layers.Layer.add_weight = add_weight
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = original


def _remedy(source: Path) -> str:
    """What to do with a file of that name: of PyTorch, which holds code to run and is not opened, or of HDF5, which it is not."""
    if source.suffix in (".h5", ".hdf5"):
        made = _REMEDIES[_HDF5].format(path=source, new=source.with_suffix("").name)
        return f", which is no whole HDF5 file; of one, {made}"
    if source.suffix not in (".pt", ".pth"):
        return ""
    return f'; with PyTorch, `torch.onnx.export(module, (example,), "{source.stem}.onnx")` makes one of the module'


_HDF5, _SAVED_MODEL = "an HDF5 file as earlier versions of Keras write it", "a SavedModel folder of TensorFlow"
_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_REMEDIES = {
    # compiled it would want the loss and metrics it was trained with, of which Keras 3 finds not all
    _HDF5: 'in Python, `model = keras.models.load_model("{path}", compile=False)` (its name must end in .h5) and '
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
