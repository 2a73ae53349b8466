"""Trained models that ship with the package, each with a card that says how it was made and what it reaches."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork, load_network

_FOLDER = Path(__file__).parent / "pretrained_models"
_SUFFIXES = (".keras", ".npz")


def names() -> tuple[str, ...]:
    """Names of the shipped models, in alphabetical order."""
    return tuple(sorted(card.stem for card in _FOLDER.glob("*.json")))


def path(name: str) -> Path:
    """The file of model `name`: a Keras model (.keras) or a spiking network (.npz).

    Raises:
        InputError: for an unknown name.
    """
    check.choice("name", name, names())
    return next(file for suffix in _SUFFIXES if (file := _FOLDER / f"{name}{suffix}").exists())


def card(name: str) -> dict[str, Any]:
    """The card of model `name`: architecture, command, seeds, accuracies (fractions), versions, date, licence of the data.

    Raises:
        InputError: for an unknown name.
    """
    check.choice("name", name, names())
    found: dict[str, Any] = json.loads((_FOLDER / f"{name}.json").read_text())
    return found


def network(name: str | os.PathLike[str]) -> SpikingNetwork:
    """A spiking network from a file (.npz), or the shipped one of that name.

    Raises:
        InputError: for an unknown name, a Keras model (which must be converted first), or a damaged file.
    """
    shipped = not Path(name).suffix and not Path(name).is_file()
    file = path(os.fspath(name)) if shipped else Path(name)
    if file.suffix == ".keras":
        raise InputError(
            f"`name` must be a spiking network; make one with `snnviz convert`. Received: {os.fspath(name)!r}, a Keras model"
        )
    return load_network(file)
