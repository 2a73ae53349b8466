"""Folders of images or event recordings: one subfolder a class, as ImageNet is laid out.

    root/<class>/*.png                         unsplit: all of it is the "test" split
    root/train/<class>/*.png, root/val/...     split: "test" is root/test, else root/val or root/validation

Items are taken from the classes in turn (the first file of every class, then the second of every class, ...), so that the first
n items are a fair sample. Classes and files are in alphabetical order.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._memory import check_room
from snnviz.datasets.images import Images, MissingSplit
from snnviz.errors import InputError

MOST_PIXELS = 50_000_000
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".webp"})
SPLIT_FOLDERS = {"train": ("train",), "test": ("test", "val", "validation")}

Size = tuple[int, int]


@dataclass(frozen=True)
class Listing:
    """The files of a folder, in order, none of them opened yet."""

    name: str
    split: str
    files: tuple[tuple[Path, int], ...]
    class_names: tuple[str, ...]

    def first(self, limit: int | None) -> Listing:
        """At most the first `limit` files."""
        return Listing(self.name, self.split, self.files[:limit], self.class_names)


def listing(root: Path, split: str, suffixes: Collection[str] = SUFFIXES, what: str = "image") -> Listing:
    """The files of `split` under `root` with these suffixes, with their class indices.

    Raises:
        InputError: if there are no class folders, if one of them is empty, or if the split is not there.
    """
    parts = _split_folders(root)
    if not parts:
        if split != "test":
            raise MissingSplit(
                f"{root} must have a subfolder {split!r} that holds the class folders. Received: one without it"
            )
        folder, class_names = root, _subfolders(root)
    elif split not in parts:
        raise MissingSplit(
            f"{root} must have a subfolder {' or '.join(map(repr, SPLIT_FOLDERS[split]))} that holds the class folders. "
            f"Received: {', '.join(part.name for part in parts.values())}"
        )
    else:
        # over all splits, so that a class missing from one of them shifts no index
        folder = parts[split]
        class_names = sorted({name for part in parts.values() for name in _subfolders(part)})
    if not class_names:
        raise InputError(f"{root} must hold one folder of {what}s per class. Received: a folder without subfolders")
    by_class = []
    for index, name in enumerate(class_names):
        if (folder / name).is_dir():
            files = sorted(entry for entry in (folder / name).iterdir() if entry.suffix.lower() in suffixes)
            files = [file for file in files if not file.name.startswith(".") and file.is_file()]
            if not files:
                kinds = ", ".join(sorted(suffixes))
                raise InputError(f"{folder / name} must hold at least one {what} ({kinds}). Received: none")
            by_class.append([(file, index) for file in files])
    turns = itertools.chain.from_iterable(itertools.zip_longest(*by_class))
    return Listing(root.name or str(root), split, tuple(item for item in turns if item is not None), tuple(class_names))


def holds(root: Path, suffixes: Collection[str]) -> bool:
    """Whether the first file in the class folders under `root`, of any split, has one of these suffixes."""
    folders = [root, *(root / name for names in SPLIT_FOLDERS.values() for name in names)]
    for folder in folders:
        for name in _subfolders(folder) if folder.is_dir() else ():
            if (first := _first_file(folder / name)) is not None:
                return first.suffix.lower() in suffixes
    return False


def single(path: Path, suffixes: Collection[str]) -> Listing:
    """One file of a folder with one subfolder a class, as a listing of itself: its class is its own folder among the others."""
    root = path.absolute().parent.parent
    names = [name for name in _subfolders(root) if _is_class(root / name, suffixes)]
    own = path.absolute().parent.name
    classes = tuple(sorted({own, *names}))
    return Listing(path.name, "test", ((path, classes.index(own)),), classes)


def _is_class(folder: Path, suffixes: Collection[str]) -> bool:
    try:
        first = _first_file(folder)
    except OSError:  # a folder of someone else's
        return False
    return first is not None and first.suffix.lower() in suffixes


def _first_file(folder: Path) -> Path | None:
    return next((e for e in sorted(folder.iterdir()) if e.is_file() and not e.name.startswith(".")), None)


def read(files: Listing, size: Size | None, channels: int, progress: bool) -> Images:
    """All images of `files` at once.

    Raises:
        InputError: if a file cannot be read, if sizes differ and no `size` is given, or if they do not fit into memory.
    """
    first = read_image(files.files[0][0], size, channels)
    check_room(
        4 * first.size * len(files.files),
        "`limit` must be so small that images, unless `snnviz.datasets.stream` reads them, fit into memory",
        f"{len(files.files)} images of {_title(first)}, which take",
    )
    x = np.empty((len(files.files), *first.shape), np.float32)
    with _progress.bar(len(x), f"reading {files.name}", "image", progress) as bar:
        for row, (path, _) in enumerate(files.files):
            pixels = first if row == 0 else read_image(path, size, channels)
            if pixels.shape != first.shape:
                raise InputError(
                    f"The images of {files.name} must have one size, or `size` must be given to scale them. "
                    f"Received: {_title(first)} and {_title(pixels)} ({path})"
                )
            np.divide(pixels, np.float32(255), out=x[row], dtype=np.float32)
            bar.update()
    y = np.array([label for _, label in files.files], dtype=np.int64)
    return Images(files.name, files.split, x, y, files.class_names)


def batches(files: Listing, batch_size: int, size: Size, channels: int) -> Iterator[Images]:
    """The images of `files` in batches, each read when it is asked for."""
    for start in range(0, len(files.files), batch_size):
        part = Listing(files.name, files.split, files.files[start : start + batch_size], files.class_names)
        yield read(part, size, channels, progress=False)


def read_image(path: Path, size: Size | None, channels: int) -> np.ndarray:
    """The image in `path`, uint8 (height, width, channels), 3 channels for colours or 1 for brightness.

    With `size` (height, width) it is scaled, keeping its proportions, until it covers that size, and the middle is
    cut out.

    Raises:
        InputError: if the file is truncated, no image, or has more than 8 bits a channel.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            if math.prod(file.size) > MOST_PIXELS:  # the size that the header claims; nothing is unpacked yet
                raise InputError(
                    f"{path} must have at most {MOST_PIXELS} pixels. Received: {file.size[0]}x{file.size[1]}"
                )
            if file.mode in ("I", "F") or file.mode.startswith("I;"):
                raise InputError(f"{path} must be an image of 8 bits a channel. Received: mode {file.mode}")
            # a palette may carry transparency, which is dropped
            picture = (file.convert("RGBA") if file.mode == "P" else file).convert("RGB" if channels == 3 else "L")
            if size is not None:
                picture = ImageOps.fit(picture, (size[1], size[0]), method=Image.Resampling.BILINEAR)
            pixels = np.asarray(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} must be a whole image file. Received: {error}") from error
    return pixels.reshape(*pixels.shape[:2], channels)


def shape_of(path: Path) -> tuple[int, int, int]:
    """(height, width, channels) of the image in `path` by its header, 1 channel for brightness and 3 for colours.

    Raises:
        InputError: if it is no image.
    """
    from PIL import Image

    try:
        with Image.open(path) as file:
            return file.size[1], file.size[0], 1 if file.mode in ("1", "L", "LA") else 3
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path} must be a whole image file. Received: {error}") from error


def check_size(size: int | Size | None) -> Size | None:
    """`size` as (height, width)."""
    if size is None:
        return None
    pair = (size, size) if isinstance(size, (int, np.integer)) else size
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise InputError(f"`size` must be a whole number or (height, width). Received: {check.describe(size)}")
    return check.integer("size", pair[0], 1), check.integer("size", pair[1], 1)


def check_channels(channels: int) -> int:
    """`channels`, 1 or 3."""
    if isinstance(channels, bool) or not isinstance(channels, (int, np.integer)) or channels not in (1, 3):
        raise InputError(f"`channels` must be 1 (brightness) or 3 (colours). Received: {check.describe(channels)}")
    return int(channels)


def _split_folders(root: Path) -> dict[str, Path]:
    """The folder of each split, where `root` has such folders and they hold class folders."""
    found = {}
    for split, names in SPLIT_FOLDERS.items():
        folder = next((root / name for name in names if (root / name).is_dir() and _subfolders(root / name)), None)
        if folder is not None:
            found[split] = folder
    return found


def _subfolders(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _title(pixels: np.ndarray) -> str:
    return f"{pixels.shape[0]}x{pixels.shape[1]}"
