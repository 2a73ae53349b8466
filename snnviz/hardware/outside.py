"""Simulators that cannot live in this Python: our scripts run in another, and networks leave nothing there to rounding."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from snnviz.errors import InputError
from snnviz.network import SpikingNetwork

DYADIC = 2.0**10
"""Weights that are multiples of its inverse have sums that float32 holds exactly, in any order."""
TIMEOUT = 3600.0
"""Seconds after which a script is stopped."""


def run(script: str, folder: Path, arguments: Sequence[Path], *, python: str, tool: str, install: str) -> None:
    """Run `script` in `python`, from a file in `folder`.

    Args:
        script: its source.
        folder: a temporary one.
        arguments: files to read and to write.
        python: the interpreter of an environment that has `tool`.
        tool: what is simulated in, for messages.
        install: what pip installs there.

    Raises:
        InputError: if there is no such interpreter or the script fails; the last line that it says is named.
    """
    file = folder / "outside.py"  # not named as a package that it imports
    file.write_text(script, encoding="utf-8")
    command = [python, "-W", "ignore", str(file), *map(str, arguments)]
    try:
        done = subprocess.run(  # noqa: S603 - a script of ours
            command, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"`python` must be a Python that runs {tool}. Received: {python!r} ({error})") from error
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise InputError(
            f"`python` must be a Python with {tool}: pip install {install}. Received: {python!r}, which says: {said}"
        )


def dyadic(network: SpikingNetwork) -> SpikingNetwork:
    """The network with weights, biases and initial potentials rounded to multiples of 1 / `DYADIC`, whose sums are exact."""

    def rounded(values: Any) -> Any:
        found = np.rint(np.asarray(values, np.float64) * DYADIC) / DYADIC
        return found if found.ndim else float(found)

    layers = [
        layer.with_weights(
            [rounded(each.weights) for each in layer.projections],
            bias=rounded(layer.bias),
            initial_potential=rounded(layer.initial_potential),
        )
        for layer in network.layers
    ]
    return replace(network, layers=tuple(layers))
