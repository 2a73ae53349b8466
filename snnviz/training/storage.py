"""Models on disk: small files that any Keras opens."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._files import replacing

if TYPE_CHECKING:
    from keras import Model


@checked
def halve(model: Model) -> None:
    """Round every kernel to the nearest number of half precision (IEEE 754 binary16), in place.

    Kernels stay float32 arrays, whose lower 13 bits are zero: `save_model` stores them in about half the space.

    Args:
        model: the model; biases and batch normalisations are left alone.

    Raises:
        InputError: for a kernel beyond half precision's largest number, 65 504.
    """
    from snnviz.sparsity import weighted_layers

    layers = weighted_layers(model)
    halves = [check.half(f"kernel of layer {each.layer.name!r}", each.kernel) for each in layers]
    for each, half in zip(layers, halves, strict=True):
        each.layer.kernel.assign(half.astype(np.float32))


@checked
def save_model(model: Model, path: str | os.PathLike[str]) -> None:
    """Write `model` to `path` (.keras), compressed; the file is whole or absent.

    The same model always gives the same bytes: the date and the addresses of objects, which Keras adds, are left out. Keras stores
    its archive uncompressed, and reads either kind.
    """
    with replacing(path) as temporary, tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "model.keras"
        model.save(plain)  # never compiled, so no optimiser state goes along
        with zipfile.ZipFile(plain) as stored, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
            for entry in stored.infolist():
                # an entry of its own: the stored one says when it was made, and that it is uncompressed
                target = zipfile.ZipInfo(entry.filename)
                target.compress_type = zipfile.ZIP_DEFLATED
                if settle := _SETTLED.get(entry.filename):
                    packed.writestr(target, json.dumps(settle(json.loads(stored.read(entry)))))
                    continue
                with stored.open(entry) as source, packed.open(target, "w") as sink:
                    shutil.copyfileobj(source, sink)


def _dateless(metadata: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name != "date_saved"}


def _numbered(config: Any) -> Any:
    """A configuration in which objects that are shared are numbered from 0, where Keras takes their addresses."""
    numbers: dict[Any, int] = {}

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(each) for each in node]
        if not isinstance(node, dict):
            return node
        return {
            name: numbers.setdefault(value, len(numbers)) if name == "shared_object_id" else walk(value)
            for name, value in node.items()
        }

    return walk(config)


_SETTLED: dict[str, Callable[[Any], Any]] = {"metadata.json": _dateless, "config.json": _numbered}
