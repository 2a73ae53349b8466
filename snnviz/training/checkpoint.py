"""Checkpoints: everything a training needs to go on as if it had never stopped, in one file without pickle."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnviz._files import replacing
from snnviz._npz import Arrays
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

    @property
    def epochs(self) -> int:
        """Of the whole training."""
        return sum(int(epochs) for epochs, _ in self.settings["recipe"]["schedule"])

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
        file = Arrays(path)
        header = json.loads(str(file["header"]))
        if header["format"] != FORMAT or header["version"] != FORMAT_VERSION:
            raise ValueError(f"format {header['format']!r}, version {header['version']!r}")
        groups = {group: [file[f"{group}_{index}"] for index in range(header["counts"][group])] for group in _GROUPS}
        settings, history = header["settings"], header["history"]
        if not isinstance(settings, dict) or not isinstance(settings["recipe"], dict) or not _is_history(history):
            raise ValueError("settings or a history of another kind")
        return Checkpoint(settings=settings, history=history, **groups)
    except FileNotFoundError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"`checkpoint` must be a checkpoint of snnviz's training, version {FORMAT_VERSION}. "
            f"Received: {os.fspath(path)!r}, which cannot be read ({error})"
        ) from error


def _is_history(found: Any) -> bool:
    """Whether it is rows of numbers, as `Training.history` has them."""
    return isinstance(found, list) and all(
        isinstance(row, dict)
        and {"epoch", "loss", "accuracy"} <= row.keys() == found[0].keys()
        and all(type(value) in (int, float) for value in row.values())
        for row in found
    )
