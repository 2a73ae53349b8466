"""What a job works on: a model or network by name, by file, or from another run, which data; and on what processor."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from snnviz.datasets import Images
    from snnviz.jobs.job import Job

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
