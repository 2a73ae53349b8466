"""Simulators that cannot live in this process: our scripts run in another, and networks leave nothing there to rounding."""

from __future__ import annotations

import collections
import subprocess
import threading
from collections.abc import Callable, Sequence
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
_KEPT_LINES = 400


def followed(
    command: Sequence[str], timeout: float, on_line: Callable[[str], None] | None = None, **options: Any
) -> tuple[int | None, str]:
    """Run a program of ours, and listen to it. Interrupted, it is stopped too.

    Args:
        command: its words, which no shell reads.
        timeout: seconds, after which it is stopped.
        on_line: called with each line that it prints.
        **options: of `subprocess.Popen`.

    Returns:
        Its exit code, None if it ran out of time, and the last lines that it printed.

    Raises:
        OSError: if there is no such program.
    """
    lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
    with subprocess.Popen(  # noqa: S603 - a list, never a shell
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, errors="replace", **options
    ) as process:  # fmt: skip
        late = threading.Timer(timeout, process.kill)
        late.start()
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                if on_line is not None:
                    on_line(line)
            code = process.wait()
        finally:  # also when interrupted: the program goes with us
            in_time = late.is_alive()
            late.cancel()
            if process.poll() is None:
                process.kill()
    return (code if in_time else None), "\n".join(lines)


def run(
    script: str,
    folder: Path,
    arguments: Sequence[Path],
    *,
    python: str,
    tool: str,
    install: str,
    on_line: Callable[[str], None] | None = None,
) -> None:
    """Run `script` in `python`, from a file in `folder`.

    Args:
        script: its source.
        folder: a temporary one.
        arguments: files to read and to write.
        python: the interpreter of an environment that has `tool`.
        tool: what is simulated in, for messages.
        install: what pip installs there.
        on_line: called with each line that it prints.

    Raises:
        InputError: if there is no such interpreter or the script fails; the last line that it says is named.
    """
    file = folder / "outside.py"  # not named as a package that it imports
    file.write_text(script, encoding="utf-8")
    try:
        code, said = followed([python, "-W", "ignore", str(file), *map(str, arguments)], TIMEOUT, on_line)
    except OSError as error:
        raise InputError(f"`python` must be a Python that runs {tool}. Received: {python!r} ({error})") from error
    if code is None:
        raise InputError(f"{tool} must be done in time. Received: a network that takes it more than {TIMEOUT:g} s")
    if code:
        last = (said.strip().splitlines() or [f"exit code {code}"])[-1]
        raise InputError(
            f"`python` must be a Python with {tool}: pip install {install}. Received: {python!r}, which says: {last}"
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
