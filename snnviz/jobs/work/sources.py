"""What a job works on: a model or network by name, by file, or from another run, which data; and on what processor."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
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
    return name if name in CATALOG else str(Path(data).expanduser().absolute())


def remembering(network: SpikingNetwork, data: str, held_out: Mapping[str, int] | None = None) -> SpikingNetwork:
    """The network with, in its metadata, the data set it was made for, and the training items its ANN was not fitted to."""
    known = {"data": data} | ({"held_out": dict(held_out)} if held_out else {})
    return replace(network, metadata={**network.metadata, **known})


def remembered(reference: str) -> Mapping[str, Any]:
    """What the card of a model says: {"data": name, "held_out": ...}; of a shipped one, or of a file that has one beside it."""
    from snnviz import pretrained

    if reference in pretrained.names():
        return {"data": str(pretrained.card(reference)["data"]["name"])}
    try:
        card = json.loads(Path(reference).with_suffix(".json").read_text())
        return {"data": str(card["data"]["name"])} | ({"held_out": card["held_out"]} if "held_out" in card else {})
    except (OSError, ValueError, KeyError, TypeError):  # no card, or no card of ours
        return {}


def data_for(reference: str, metadata: Mapping[str, Any], given: str | None) -> tuple[str, str]:
    """The data set to use, and what to say of it where it is not as the user may expect.

    Args:
        reference: the network or model as the user named it.
        metadata: what it remembers itself.
        given: the data set asked for; None for the one that the network or model is of.
    """
    known = metadata.get("data") or remembered(reference).get("data")
    if given is None and known is None:
        return "mnist", f"{reference} does not say which data set it is of: mnist is taken; --data names another"
    if given is None:
        return str(known), ""
    if known is not None and known_name(given) != known_name(str(known)):
        return given, f"{reference} is of the data set {known}, and runs on {given} as asked"
    return given, ""


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
