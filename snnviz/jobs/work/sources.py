"""What a job works on: a model or network by name, by file, or from another run, which data; and on what processor."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from snnviz.datasets import Images
    from snnviz.jobs.job import Job
    from snnviz.network import SpikingNetwork

FROM_RUN = "run:"


def origin(reference: Any) -> str | None:
    """The run that a reference "run:ID" names; None for anything else."""
    return reference.removeprefix(FROM_RUN) if isinstance(reference, str) and reference.startswith(FROM_RUN) else None


def located(reference: str, file: str, job: Job) -> str:
    """A name or path as it is; of "run:ID" the path of the file that the run left.

    Raises:
        InputError: if there is no such run or it left no such file.
    """
    run_id = origin(reference)
    if run_id is None:
        return reference
    return str(job.store.file(run_id, file))


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


def remembered(reference: str) -> Mapping[str, Any]:
    """What the card of a model says of its data: that of a shipped one, or of a file which has one beside it.

    Returns:
        As `known_of` of the card; empty where there is none, or none of ours.
    """
    from snnviz import pretrained

    try:
        if reference in pretrained.names():
            return known_of(pretrained.card(reference))
        return known_of(json.loads(Path(reference).with_suffix(".json").read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def known_of(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says of data.

    Returns:
        "data", the data set by name or path; and, of a model trained here, "held_out": of the first "of" training items, how many
        ("items") it held out, drawn with which "seed" (`snnviz.training.split`).
    """
    known: dict[str, Any] = {"data": str(card["data"]["name"])}
    if recipe := card.get("recipe"):
        known["held_out"] = {"of": card["data"]["items"], "items": recipe["validation"], "seed": recipe["split_seed"]}
    return known


@dataclass(frozen=True)
class Data:
    """The images to work on.

    Attributes:
        name: of the data set, or its path.
        images: of the split asked for.
        note: what the user should know of the choice; empty where it is as expected.
        held_out: what the training of the ANN held out of these very data, see `known_of`; None where nothing tells.
    """

    name: str
    images: Images
    note: str
    held_out: Mapping[str, int] | None


def data_for(
    reference: str, metadata: Mapping[str, Any], given: str | None, split: str, limit: int | None = None
) -> Data:
    """The data set that a network or model is to work on, loaded.

    Args:
        reference: the network or model as the user named it.
        metadata: what it remembers itself; its card is asked otherwise.
        given: the data set asked for; None for the one that the network or model is of.
        split: see `snnviz.datasets.load`.
        limit: see `snnviz.datasets.load`.
    """
    from snnviz import datasets

    known = metadata if "data" in metadata else remembered(reference)
    own = known.get("data")
    note, name = "", given or str(own)
    if own is None and given is None:
        name = "mnist"
        note = f"{reference} does not say which data set it is of: mnist is taken; --data names another"
    other = own is not None and known_name(name) != known_name(str(own))
    if other:
        note = f"{reference} is of the data set {own}, and runs on {given} as asked"
    return Data(name, datasets.load(name, split=split, limit=limit), note, None if other else known.get("held_out"))


def chance(accuracy: float, items: int, classes: int) -> str:
    """A sentence where an ANN does no better than guessing, within three standard errors; else nothing."""
    guess = 1 / classes
    if items < CHANCE_ITEMS or accuracy > guess + 3 * math.sqrt(guess * (1 - guess) / items):
        return ""
    return (
        f"the ANN itself has an accuracy of {accuracy:.2%} on these {items} items, no better than guessing among {classes} "
        "classes: is this the data set, and the range of intensities, that it was trained on?"
    )


CHANCE_ITEMS = 100


def record_data(job: Job, images: Images, use: str) -> None:
    """Record which data a job uses, as an MLflow dataset with a digest of the very items."""
    digest = hashlib.sha256(np.ascontiguousarray(images.x).data)
    digest.update(np.ascontiguousarray(images.y).data)
    job.data(images.name, digest.hexdigest()[:32], len(images), use)


def say_if_slow(job: Job, precision: str | None) -> None:
    """Tell whoever asked for a precision that this processor only imitates."""
    from snnviz.training.precision import warning

    if text := warning(precision):
        job.say(text)
