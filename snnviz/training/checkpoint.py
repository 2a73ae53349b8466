"""Checkpoints: everything a training needs to go on as if it had never stopped, in one file without pickle."""

from __future__ import annotations

import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from snnviz._files import replacing
from snnviz.errors import InputError

FORMAT = "snnviz-training"
FORMAT_VERSION = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Checkpoint:
    """The state after a whole number of epochs.

    The order of items in an epoch is a function of seed and epoch, so no generator's state is needed; the seeds of random
    layers such as Dropout are variables of the model.

    Attributes:
        settings: what was asked for (recipe, backend, a fingerprint of model and data); a resumed training must match.
        history: one row of metrics per finished epoch.
        model: values of all the model's variables, in their order.
        optimizer: values of the optimiser's variables.
        best: values of the model's variables after the best epoch so far.
    """

    settings: dict[str, Any]
    history: list[dict[str, float]]
    model: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to `path`, which is replaced in one step."""
        header = {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "settings": self.settings,
            "history": self.history,
            "counts": {group: len(getattr(self, group)) for group in _GROUPS},
        }
        arrays = {f"{group}_{index}": value for group in _GROUPS for index, value in enumerate(getattr(self, group))}
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.savez(file, header=np.array(json.dumps(header)), **arrays)


_GROUPS = ("model", "optimizer", "best")


def load(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        FileNotFoundError: if there is none.
        InputError: if the file is not a whole checkpoint.
    """
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as file:
            header = json.loads(str(file["header"]))
            if header["format"] != FORMAT or header["version"] != FORMAT_VERSION:
                raise ValueError(f"format {header['format']!r}, version {header['version']!r}")
            groups = {
                group: [file[f"{group}_{index}"] for index in range(header["counts"][group])] for group in _GROUPS
            }
            return Checkpoint(settings=header["settings"], history=header["history"], **groups)
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, TypeError, EOFError, OSError, AttributeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"`path` must be a checkpoint of snnviz's training, version {FORMAT_VERSION}. "
            f"Received: {os.fspath(path)!r}, which cannot be read ({error})"
        ) from error
