"""What a job works on: a model or network by name, by file, or from another run, which data; and on what processor."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz._amounts import percent
from snnviz._cluster import need_scheduler
from snnviz._options import check_options, one_of, option
from snnviz.errors import InputError

if TYPE_CHECKING:
    import argparse

    import keras

    from snnviz.datasets import Images, Recorded
    from snnviz.jobs.job import Job
    from snnviz.network import SpikingNetwork

FROM_RUN = "run:"
"""Begins what a job calls the model or network of a run (`origin`)."""


def origin(reference: Any) -> str | None:
    """The run that a reference "run:ID" names; None for anything else."""
    return reference.removeprefix(FROM_RUN) if isinstance(reference, str) and reference.startswith(FROM_RUN) else None


def located(reference: str, file: str, job: Job) -> str:
    """A name or path as it is; of "run:ID" the path of the file that the run left.

    Raises:
        InputError: if nothing ships under such a name, there is no such run, or it left no such file.
    """
    from snnviz import pretrained
    from snnviz.jobs.spec import leaving

    what, suffix = Path(file).stem, Path(file).suffix
    run_id = origin(reference)
    if run_id is None:
        unknown = check.is_path(reference) and reference not in pretrained.names() and not Path(reference).suffix
        if unknown and not Path(reference).exists():
            files = "an .npz file" if suffix == ".npz" else "a .keras or .onnx file"
            check.choice(what, reference, pretrained.names(suffix), check.beside(reference), f"{files}, {FROM_RUN}ID")
        return reference
    found = job.store.get(run_id)
    if file not in job.store.artifacts(found.id):
        raise InputError(
            f"`{what}` must be of a run that left a {what}, as of {one_of(leaving(what))}. "
            f"Received: {reference!r}, a run of {found.kind} that left none"
        )
    return str(job.store.file(found.id, file))


def stem(reference: str) -> str:
    """A short name of a reference, fit for a file name."""
    run_id = origin(reference)
    return Path(reference).stem if run_id is None else f"run-{run_id[:8]}"


def known_name(data: str) -> str:
    """A data set's name, or the absolute path of a file or folder, so that it is found from any folder."""
    from snnviz.datasets.catalog import CATALOG

    name = data.lower().replace("-", "_")
    return name if name in CATALOG else str(Path(os.path.expanduser(data)).absolute())  # noqa: PTH111


def remembering(network: SpikingNetwork, known: Mapping[str, Any]) -> SpikingNetwork:
    """The network with what is known of its data, as `known_of` has it, in its metadata; its hash stays."""
    return replace(network, metadata={**network.metadata, **known})


def remembered(reference: str, job: Job | None = None) -> Mapping[str, Any]:
    """What the card of a model says of its data: that of a shipped one, of a run, or of a file which has one beside it.

    Returns:
        As `known_of` of the card; empty where there is none, or none of ours.
    """
    from snnviz import pretrained

    try:
        if reference in pretrained.names():
            return known_of(pretrained.card(reference))
        run_id = origin(reference)
        card = Path(reference) if job is None or run_id is None else job.store.file(run_id, "card.json")
        return known_of(json.loads(card.with_suffix(".json").read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def known_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of data.

    Returns:
        "data", the data set by name or path; of data of one's own "data_hash" (`snnviz.datasets.content_hash`); and, of a model
        trained here, "held_out": of the first "of" training items, how many
        ("items") it held out, drawn with which "seed" (`snnviz.training.split`); and "input_range", where one was given.
    """
    known: dict[str, Any] = {"data": str(card["data"]["name"])}
    if "hash" in card["data"]:
        known["data_hash"] = str(card["data"]["hash"])
    # what was searched for, and not trained, has a recipe that holds nothing out
    if (recipe := card.get("recipe")) and "validation" in recipe:
        if recipe.get("input_range"):
            known["input_range"] = recipe["input_range"]
        known["held_out"] = {"of": card["data"]["items"], "items": recipe["validation"], "seed": recipe["split_seed"]}
    return known


def of_data(network: SpikingNetwork, data: Data) -> SpikingNetwork:
    """The network that remembers the data it was made on (`known_of`)."""
    from snnviz import datasets

    known: dict[str, Any] = {"data": known_name(data.name)}
    if content := datasets.content_hash(data.name):
        known["data_hash"] = content
    if data.held_out is not None:
        known["held_out"] = dict(data.held_out)
    return remembering(network, known)


def of_other_data(known: Mapping[str, Any], asked: str | None) -> bool:
    """Whether data asked for are others than those that a model or network is known to be of (`known_of`)."""
    own = known.get("data")
    return own is not None and asked is not None and known_name(asked) != known_name(str(own))


def on_cluster() -> Any:
    """The option of a kind of work that a cluster can do."""
    return option(
        None, "address of a dask.distributed scheduler, whose workers do it instead", metavar="ADDRESS", recorded=False,
    )  # fmt: skip


def titled() -> Any:
    """The option of a kind of work that leaves a result: what plots call it."""
    return option("", "what plots call its curves", recorded=False)


def output(help: str, metavar: str, unset: str = "") -> Any:
    """The option that names what a kind of work writes: a file that ends as `metavar` does, or a folder if that has no ending."""
    suffix = Path(metavar).suffix or None
    writes = "file" if suffix else "folder"
    return option(None, help, metavar=metavar, suffix=suffix, writes=writes, unset=unset, recorded=False)


def check_cluster(options: Any) -> None:
    """Raise `InputError` with the install command if `scheduler` is given and what it needs is missing."""
    if options.scheduler is not None:
        need_scheduler()


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """What a network in an ONNX file was trained to get, where the file does not hold it."""

    mean: Sequence[float] | None = option(
        None, "of the preprocessing that the network in an .onnx file expects: what is subtracted from intensities in [0, 1], one "
        "number or one per channel", metavar="V,V,V", commas=True, unset="nothing beyond what the file holds",
        label="Mean of the images",
        about="Of an .onnx file: what was subtracted from intensities between 0 and 1 when the network was trained, one number or "
        "one per colour, with commas between. Empty: nothing beyond what the file holds.",
    )  # fmt: skip
    std: Sequence[float] | None = option(
        None, "what they are divided by then", metavar="V,V,V", commas=True, unset="nothing beyond what the file holds",
        label="Their deviation",
        about="Of an .onnx file: what intensities were divided by then, one number or one per colour, with commas between. "
        "Empty: nothing beyond what the file holds.",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Which data to work on, and how they are read; None for what the model or network is of, takes, or is known to want."""

    data: str | None = option(
        None, "data set, a file or a folder", metavar="NAME|PATH", unset="the one that it was made for"
    )
    channels: int | None = option(
        None, "pictures in folders as grey (1) or in colour (3)", metavar="1|3", unset="as the model or network takes them",
    )  # fmt: skip
    size: int | Sequence[int] | None = option(
        None, "scale pictures in folders to this height (and width)", metavar="N", unset="as the model or network takes them",
    )  # fmt: skip
    input_range: float | None = option(
        None, "what stands for full intensity in the data's file and in the model trained on it, e.g. 255 or 16", metavar="R",
        unset="seen from the model; of a file, 255 for integers and 1 for others",
    )  # fmt: skip

    @classmethod
    def of(cls, args: argparse.Namespace) -> DataOptions:
        """What a command line says of the data."""
        return cls(**{name: getattr(args, name) for name in cls.__dataclass_fields__})

    def __post_init__(self) -> None:
        from snnviz.datasets import folders

        if self.channels is not None:
            folders.check_channels(self.channels)
        folders.check_size(_pair(self.size))
        if self.input_range is not None:
            check.input_range(self.input_range)
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(DataOptions):
    """Which network to work on, and which items of the data."""

    network: str = option(help="a network file (.npz), the name of a shipped one, or run:ID", metavar="NETWORK")
    split: str = option("test", "items", choices=("test", "train"))
    limit: int | None = option(None, "the first N items only", metavar="N", least=1, unset="all")


def _pair(size: Any) -> Any:
    """A size as `snnviz.datasets.load` takes it; a command gives a list of one number or two."""
    if isinstance(size, (list, tuple)):
        return size[0] if len(size) == 1 else tuple(size)
    return size


def load_images(
    name: str,
    asked: DataOptions,
    split: str,
    limit: int | None,
    shape: Sequence[int] = (),
    input_range: float | None = None,
) -> Images:
    """A data set by name or path, as options, or else a model or network, want it.

    Args:
        name: as `snnviz.datasets.load` takes it.
        asked: the options.
        split: see `snnviz.datasets.load`.
        limit: see `snnviz.datasets.load`.
        shape: of one item of the model's or network's input; channels and size of pictures follow from (height, width, channels).
        input_range: what the model or network was made for, if the options don't say.
    """
    from snnviz import datasets

    wanted = len(shape) == 3
    channels = asked.channels or (shape[2] if wanted and shape[2] in (1, 3) else 3)
    size = _pair(asked.size) if asked.size is not None else ((shape[0], shape[1]) if wanted else None)
    full = asked.input_range if asked.input_range is not None else input_range if input_range != 1 else None
    with _called_data():
        found = datasets.load(name, split=split, limit=limit, channels=channels, size=size, input_range=full)
    if len(shape) == 2 and found.x.shape[1:] == (*shape, 1):
        found = replace(found, x=found.x[..., 0])  # signals, (length, channels), which a data set has as grey pictures
    return found


def recordings(name: str, split: str, limit: int | None = None) -> Recorded:
    """The event recordings of a data set, see `snnviz.datasets.events`."""
    from snnviz import datasets

    with _called_data():
        return datasets.events(name, split, limit)


@contextmanager
def _called_data() -> Iterator[None]:
    """Inside the `with` block, messages about the name of a data set call it as the option does."""
    from snnviz.datasets.images import MissingSplit

    try:
        yield
    except InputError as error:
        kind = MissingSplit if isinstance(error, MissingSplit) else InputError
        raise kind(str(error).replace("`name`", "`data`", 1)) from error


@dataclass(frozen=True)
class Data:
    """The images to work on.

    Attributes:
        name: of the data set, or its path.
        images: of the split asked for.
        other: loads another split of it alike, given the split and a limit.
        note: what the user should know of the choice; empty where it is as expected.
        held_out: what the training of the ANN held out of these very data, see `known_of`; None where nothing tells.
    """

    name: str
    images: Images
    other: Callable[[str, int | None], Images]
    note: str
    held_out: Mapping[str, int] | None


def data_for(
    reference: str,
    metadata: Mapping[str, Any],
    asked: DataOptions,
    split: str,
    limit: int | None = None,
    *,
    shape: Sequence[int],
    class_names: Sequence[str] = (),
    input_range: float | None = None,
) -> Data:
    """The data set that a network or model is to work on, loaded.

    Args:
        reference: the network or model as the user named it.
        metadata: what it remembers itself; its card is asked otherwise.
        asked: what the options say; what they leave open follows from the network or model.
        split: see `snnviz.datasets.load`.
        limit: see `snnviz.datasets.load`.
        shape: of one item of the network's or model's input.
        class_names: of the network's outputs, with which the data's are compared.
        input_range: what the model takes for full intensity; None for what a network's metadata says.
    """
    from snnviz import datasets

    known = metadata if "data" in metadata else remembered(reference)
    own, given = known.get("data"), asked.data
    full = metadata.get("input_range") if input_range is None else input_range
    classes = tuple(class_names)
    notes, name = [], given or str(own)
    if own is None and given is None:
        name = "mnist"
        notes.append(f"{reference} does not say which data set it is of: mnist is taken; --data names another")
    if other := of_other_data(known, given):
        notes.append(f"{reference} is of the data set {own}, and runs on {given} as asked")

    def load(split: str, limit: int | None) -> Images:
        return load_images(name, asked, split, limit, shape, full)

    images, pictures = load(split, limit), datasets.picture_shape(name, split)
    if not other and (then := known.get("data_hash")) and then != datasets.content_hash(name):
        notes.append(f"the data in {name} have changed since {reference} was made of them")
    if classes and classes != images.class_names:
        notes.append(
            f"the classes of {reference} are {_listed(classes)}, those of {name} {_listed(images.class_names)}"
        )
    if pictures not in (None, images.x.shape[1:]):
        notes.append(f"the pictures in {name}, {_title(pictures)}, are taken as {_title(images.x.shape[1:])}")
    of_events = images.x.ndim == 4 and images.x.shape[-1] == 2  # two polarities: rates, which are small
    if (brightest := float(images.x.max())) < DARK and not of_events:
        notes.append(
            f"the brightest value in {name} is {brightest:.3g} of full intensity; --input-range says what full intensity is there"
        )
    return Data(name, images, load, "; ".join(notes), None if other else known.get("held_out"))


def data_of(
    network: SpikingNetwork,
    reference: str,
    asked: DataOptions,
    split: str,
    limit: int | None = None,
    input: str | None = None,
) -> Data:
    """The data set that a network is to work on, loaded; arguments are those of `data_for`, and how items come in."""
    from snnviz import datasets

    found = data_for(
        reference,
        network.metadata,
        asked,
        split,
        limit,
        shape=network.input_shape,
        class_names=network.class_names,
    )
    check.images("data", found.images.x, network.input_shape)
    if (input or getattr(asked, "input", None)) == "spikes" or not datasets.is_recorded(found.name):
        return found
    summed = f"the recordings of {found.name} are summed to still pictures; `snnviz simulate --input spikes` takes them as streams"
    return replace(found, note="; ".join(filter(None, [found.note, summed])))


DARK = 0.5
"""Data whose brightest value is below this share of full intensity have probably another one."""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _title(shape: Any) -> str:
    return "x".join(map(str, shape))


def few_classes(images: Images) -> str:
    """A sentence where the items hold less than half of the classes, so that their accuracy says little; else nothing."""
    held, classes = len(np.unique(images.y)), len(images.class_names)
    if 2 * held >= classes:
        return ""
    items = f"the {len(images)} items hold" if len(images) > 1 else "the one item holds"
    return f"{items} {held} of {classes} classes, which says little of the others"


def chance(accuracy: float, items: int, classes: int) -> str:
    """A sentence where an ANN does no better than guessing, within three standard errors; else nothing."""
    guess = 1 / classes
    if items < CHANCE_ITEMS or accuracy > guess + 3 * math.sqrt(guess * (1 - guess) / items):
        return ""
    return (
        f"the ANN itself has an accuracy of {percent(accuracy)} on these {items} items, no better than guessing among {classes} "
        "classes: is this the data set, and the range of intensities, that it was trained on?"
    )


CHANCE_ITEMS = 100


def full_intensity(model: keras.Model, asked: DataOptions, known: Mapping[str, Any]) -> float:
    """What a model takes for full intensity: as the options say, else as its card does, else as the model shows."""
    from snnviz.conversion import input_range

    return float(asked.input_range or known.get("input_range") or input_range(model))


def unshown(reference: str, model: keras.Model, remedy: str = "give --mean and --std") -> str:
    """A sentence where a network from an .onnx file does not show its preprocessing; else nothing.

    Args:
        reference: the model as the user named it.
        model: what was read of it.
        remedy: what says what was done, a phrase.
    """
    from snnviz._models import shows_preprocessing

    if not reference.endswith(".onnx") or shows_preprocessing(model):
        return ""
    return (
        f"{reference} does not show how images were prepared for it, so it gets intensities from 0 to 1; {remedy} if a mean was "
        "subtracted, as by torchvision"
    )


def check_range(model: keras.Model, images: Images, input_range: float, given: bool, unclear: str = "") -> float:
    """Whether labelled images tell that a model takes another range than the one it is taken to have.

    A model without a map of its images before its first weights does not show its range. Where it was guessed, what it answers to
    both usual ranges is compared.

    Args:
        model: a Keras classifier.
        images: labelled, intensities in [0, 1].
        input_range: what it is taken to want for full intensity.
        given: whether a user said so.
        unclear: what else may be the reason, see `unshown`.

    Returns:
        Its accuracy on the images.

    Raises:
        InputError: if the range was a guess and another one is better by more than chance allows, three standard errors; or the
            images are of another shape.
    """
    from snnviz.conversion.report import model_classes

    x = check.images("--data", images.x, tuple(model.input_shape[1:]))

    def accuracy(full: float) -> float:
        return float((model_classes(model, x, full) == images.y).mean())

    found = accuracy(input_range)
    if not given and len(images) >= CHANCE_ITEMS:
        for other in {1.0, 255.0} - {input_range}:
            better = accuracy(other)
            if better > found + 3 * math.sqrt(0.5 / len(images)):  # of a difference of two fractions, at most
                raise InputError(
                    f"`--input-range` must be given, since the model does not show what it takes for full intensity: on "
                    f"{len(images)} items its accuracy is {percent(found)} at {input_range:g} and {percent(better)} at {other:g}"
                    f"{f' ({unclear})' if unclear else ''}. Received: none"
                )
    return found


def record_data(job: Job, images: Images, use: str) -> None:
    """Record which data a job uses, as an MLflow dataset with a digest of the very items."""
    digest = hashlib.sha256(np.ascontiguousarray(images.x).data)
    digest.update(np.ascontiguousarray(images.y).data)
    job.data(images.name, digest.hexdigest()[:32], len(images), use)


def identified(reference: str, job: Job) -> dict[str, str]:
    """The SHA-256 of the file of a model, as a setting of the run: names and paths do not tell whether it is the same one."""
    from snnviz import pretrained

    file = Path(located(reference, "model.keras", job))
    file = file if file.is_file() else pretrained.path(str(file))
    return {"model_hash": hashlib.sha256(file.read_bytes()).hexdigest()}


def say_if_slow(job: Job, precision: str | None) -> None:
    """Tell whoever asked for a precision that this processor only imitates."""
    from snnviz.training.precision import warning

    if text := warning(precision):
        job.say(text)
