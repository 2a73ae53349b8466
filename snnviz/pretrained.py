"""Trained models that ship with the package, each with a card that says how it was made and what it reaches."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork, load_network

_FOLDER = Path(__file__).parent / "pretrained_models"
_SUFFIXES = (".keras", ".npz")


@dataclass(frozen=True)
class Chain:
    """A classifier that ships, and what it became.

    Attributes:
        title: of the model, for people.
        data: name of its data set.
        classifier: the shipped classifier, trained as usual; converted as it is, it is "before".
        sparse: the same after sparsity fine-tuning.
        optimized: the spiking network made from that, "after".
        steps: time steps of its evaluation.
        horizon: (items, time steps) of another evaluation, for time and events to the threshold accuracy; None for none.
        input: how its images arrive (`snnviz.Settings`).
    """

    title: str
    data: str
    classifier: str
    sparse: str
    optimized: str
    steps: int = 50
    horizon: tuple[int, int] | None = None
    input: str = "spiking"


CHAINS: Mapping[str, Chain] = {
    "dense-mnist": Chain("dense MNIST", "mnist", "dense-mnist", "dense-mnist-sparse-shifted", "dense-mnist-optimized"),
    "conv-mnist": Chain("conv MNIST", "mnist", "conv-mnist", "conv-mnist-sparse", "conv-mnist-optimized"),
    "conv-mnist-levels": Chain(
        "conv MNIST, eight levels", "mnist", "conv-mnist", "conv-mnist-levels", "conv-mnist-levels-optimized"
    ),
    "conv-cifar10": Chain(
        "CIFAR-10",
        "cifar10",
        "conv-cifar10",
        "conv-cifar10-sparse",
        "conv-cifar10-optimized",
        100,
        horizon=(1000, 1000),
    ),
    "conv-cifar10-levels": Chain(
        "CIFAR-10, eight levels",
        "cifar10",
        "conv-cifar10",
        "conv-cifar10-levels",
        "conv-cifar10-levels-optimized",
        100,
        horizon=(1000, 1000),
    ),
    "resnet20-cifar10-levels": Chain(
        "ResNet-20, eight levels",
        "cifar10",
        "resnet20-cifar10",
        "resnet20-cifar10-levels",
        "resnet20-cifar10-levels-optimized",
        32,
        input="analog",
    ),
}
"""The models that ship whole: the paper's by the name of their architecture, then what was made of them otherwise."""


@checked
def names(suffix: str = "") -> tuple[str, ...]:
    """Names of the shipped models, in alphabetical order: only the Keras models with ".keras", the spiking networks with ".npz"."""
    return _names(check.choice("suffix", suffix, ("", *_SUFFIXES)))


@functools.cache
def _names(suffix: str) -> tuple[str, ...]:
    return tuple(
        sorted(card.stem for card in _FOLDER.glob("*.json") if not suffix or card.with_suffix(suffix).exists())
    )


@checked
def chain(model: str) -> Chain:
    """The chain of `model`.

    Raises:
        InputError: for a model that does not ship whole.
    """
    return CHAINS[check.choice("model", model, CHAINS)]


@checked
def path(name: str) -> Path:
    """The file of model `name`: a Keras model (.keras) or a spiking network (.npz).

    Raises:
        InputError: for an unknown name.
    """
    check.choice("name", name, names(), check.beside(name))
    return next(file for suffix in _SUFFIXES if (file := _FOLDER / f"{name}{suffix}").exists())


@checked
def card(name: str) -> dict[str, Any]:
    """The card of model `name`: architecture, command, seeds, accuracies (fractions), versions, date, licence of the data.

    Raises:
        InputError: for an unknown name.
    """
    check.choice("name", name, names())
    found: dict[str, Any] = json.loads(_card(name))
    return found


@functools.cache
def _card(name: str) -> str:
    return (_FOLDER / f"{name}.json").read_text()


@checked
def network(name: str | os.PathLike[str]) -> SpikingNetwork:
    """A spiking network from a file (.npz), or the shipped one of that name.

    Raises:
        InputError: for an unknown name, a Keras model (which must be converted first), or a damaged file.
    """
    file = Path(name)
    if not file.suffix and not file.is_file():
        shipped = os.fspath(name)
        if shipped not in names():
            check.choice("name", shipped, names(".npz"), check.beside(name), "an .npz file")
        file = path(shipped)
    if file.suffix == ".keras":
        raise InputError(
            f"`name` must be a spiking network; make one with `snnviz convert`. Received: {os.fspath(name)!r}, a Keras model"
        )
    return load_network(file)
