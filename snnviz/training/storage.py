"""Models on disk: small files that any Keras opens."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

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

    Keras stores its archive uncompressed, and reads either kind.
    """
    with replacing(path) as temporary, tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "model.keras"
        model.save(plain)  # never compiled, so no optimiser state goes along
        with zipfile.ZipFile(plain) as stored, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as packed:
            for entry in stored.infolist():
                # an entry of its own, since the stored one says that it is uncompressed
                target = zipfile.ZipInfo(entry.filename, entry.date_time)
                target.compress_type = zipfile.ZIP_DEFLATED
                with stored.open(entry) as source, packed.open(target, "w") as sink:
                    shutil.copyfileobj(source, sink)
