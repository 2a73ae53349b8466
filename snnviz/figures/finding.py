"""Where the network and the images behind a result are: results hold a hash and a name, and neither weights nor pixels."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

    from snnviz.datasets import Images
    from snnviz.events import Recordings
    from snnviz.network import SpikingNetwork

MOST_FILES = 100
"""Network files of a folder that are looked at."""


def shipped_name(digest: str) -> str | None:
    """The name of the shipped network with this hash; None if none has it."""
    return _shipped_hashes().get(digest)


@functools.cache
def _shipped_hashes() -> dict[str, str]:
    """The shipped networks by the hashes in their cards."""
    from snnviz import pretrained

    cards = {name: pretrained.card(name) for name in pretrained.names()}
    return {card["network_hash"]: name for name, card in cards.items() if "network_hash" in card}


def network_at_hand(folders: Iterable[Path], digest: str) -> SpikingNetwork | None:
    """The network with this hash: a shipped one, or one among the .npz files of some folders; None if it is neither."""
    from snnviz import pretrained

    name = shipped_name(digest)
    return network_among(folders, digest) if name is None else pretrained.network(name)


def network_among(folders: Iterable[Path], digest: str) -> SpikingNetwork | None:
    """The network with this hash among the .npz files of some folders; None if it is in none of them."""
    for folder in folders:
        for file in sorted(folder.glob("*.npz"))[:MOST_FILES]:
            if (found := network_in(file, digest)) is not None:
                return found
    return None


def network_in(file: Path, digest: str) -> SpikingNetwork | None:
    """The network of a file, if it is the one with this hash."""
    from snnviz.network import load_network

    try:
        status = file.stat()
        if _hash(file, status.st_mtime_ns, status.st_size) != digest:
            return None
        return load_network(file)
    except (InputError, OSError):  # data, something else, or just deleted
        return None


@functools.lru_cache(maxsize=4 * MOST_FILES)
def _hash(file: Path, _changed: int, _size: int) -> str:
    """The hash of the network in a file, as long as the file stays as it is; empty where it holds none."""
    from snnviz.network import load_network

    try:
        return load_network(file).hash
    except InputError:
        return ""


def images_of(
    result: xr.Dataset, network: SpikingNetwork | None, options: Mapping[str, Any], folders: Iterable[Path]
) -> Images | None:
    """The images that a result is of: the first items of a split with the very labels; None where they are not at hand.

    Args:
        result: the result.
        network: its network, which remembers where data of one's own are, and which shape they have to be given.
        options: of the job that made the result, where there was one (`snnviz.jobs.work.sources.DataOptions`, `split`).
        folders: where data of one's own may lie, under the name that the result has of them.
    """
    from snnviz.jobs.work.sources import DataOptions, load_images

    asked = DataOptions(**{name: options.get(name) for name in DataOptions.__dataclass_fields__})
    shape = () if network is None else network.input_shape
    full = None if network is None else network.metadata.get("input_range")
    labels = result["label"].values
    for name in _names(str(result.attrs.get("dataset", "")), network, asked.data, folders):
        for split in (options.get("split", "test"), "test", "train"):
            try:
                found = load_images(name, asked, split, len(labels), shape, full)
            except (InputError, OSError):
                continue
            if np.array_equal(found.y, labels):
                return found
    return None


def recordings_of(
    result: xr.Dataset, network: SpikingNetwork | None, given: str | None, folders: Iterable[Path]
) -> Recordings | None:
    """The event recordings that a result is of, as `images_of` finds images; None where they are not at hand."""
    from snnviz import datasets

    labels = result["label"].values
    for name in _names(str(result.attrs.get("dataset", "")), network, given, folders):
        for split in ("test", "train"):
            try:
                found = datasets.events(name, split, len(labels), progress=False)
            except (InputError, OSError):
                continue
            if np.array_equal(found.y, labels):
                return found.x
    return None


def _names(dataset: str, network: SpikingNetwork | None, given: str | None, folders: Iterable[Path]) -> Iterable[str]:
    """Names and paths under which a result's data may be known, the surest first."""
    from snnviz import datasets
    from snnviz.datasets.catalog import CATALOG

    if given is not None:
        yield given
    if not dataset:
        return
    if dataset in CATALOG:
        yield dataset
        return
    known = {} if network is None else network.metadata
    own = Path(str(known.get("data", "")))
    places = [folder / each for folder in folders for each in (f"{dataset}.npz", dataset)]
    for place in [own, *places]:
        if place.stem == dataset and place.exists():
            changed = place == own and known.get("data_hash") not in (None, datasets.content_hash(place))
            if not changed:
                yield str(place)
