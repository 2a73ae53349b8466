"""Runs on real SpiNNaker machines: a board on the network, boards from spalloc, or the EBRAINS job queue.

None of this has a counterpart in software: what a run is to give is what `snnviz.hardware.spinnaker.model.expect` computes.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import io
import json
import os
import re
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import _checks as check
from snnviz import _progress
from snnviz._files import replacing
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.hardware.spinnaker import layout, process, program
from snnviz.hardware.spinnaker.dryrun import BOARD
from snnviz.hardware.spinnaker.ebrains import SERVICE, JobQueue, credential, service_address
from snnviz.network import SpikingNetwork
from snnviz.simulation import Engine, Record, Settings, simulate
from snnviz.simulation.encoding import Inputs

if TYPE_CHECKING:
    import xarray as xr

TARGETS = ("board", "spalloc", "ebrains")
TIMEOUT = 4 * 3600.0
"""Seconds for all items; a job may wait in a queue."""


def run(
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    y: np.ndarray,
    steps: int = 50,
    *,
    target: str,
    host: str | None = None,
    server: str | None = None,
    collab: str | None = None,
    state: str | os.PathLike[str] | None = None,
    headroom: str = "exact",
    step_ms: float | None = None,
    timeout: float = TIMEOUT,
    poll: float = 10.0,
    record: Record | Sequence[str] | str | None = None,
    progress: bool = True,
    title: str = "",
) -> xr.Dataset:
    """Run `network` on SpiNNaker, item by item, and return what it answered.

    Credentials come from the environment or the keyring only: SPALLOC_USER and SPALLOC_PASSWORD, or EBRAINS_TOKEN.

    Args:
        network: the network; an average pooling that comes first is done by the host.
        x: intensities in [0, 1], float `(items, *network.input_shape)`; or event recordings.
        y: class indices, int (items,).
        steps: time steps, of 1 ms.
        target: "board", a SpiNN-5 board at `host`; "spalloc", boards that `server` lends; "ebrains", the job queue.
        host: name or IP address of the board.
        server: address of the spalloc server (https), or of the job queue; None for that of EBRAINS.
        collab: EBRAINS collab whose quota the job uses.
        state: file (.json) that remembers the job of target "ebrains": the same call goes on with it after a disconnect.
        headroom: of the stored weights, see `model.quantise`.
        step_ms: of recordings, milliseconds of a step; the chip takes a millisecond for each.
        timeout: seconds for everything.
        poll: seconds between two looks at the queue.
        record: what to keep, see `snnviz.simulate`; potentials are those of the last layer only.
        progress: show a progress bar if it takes more than two seconds.
        title: label of the curves.

    Returns:
        The result (`snnviz.results`), synaptic events counted from the recorded spikes.

    Raises:
        InputError: one sentence on what is wrong: an argument, the host, the credentials, the job.
        KeyboardInterrupt: on Ctrl-C; a job in the queue goes on.
    """
    if not isinstance(network, SpikingNetwork):
        raise InputError(f"`network` must be a SpikingNetwork. Received: {check.describe(network)}")
    check.choice("target", target, TARGETS)
    check.integer("steps", steps, 1)
    check.real("timeout", timeout, 0, above=True)
    check.real("poll", poll, 0, above=True)
    y = check.labels("y", y, len(x), network.classes)
    machine: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    if target == "board":
        machine = {"machine_name": _host(host), **BOARD}
    elif target == "spalloc":
        if server is None:
            raise InputError("`server` must be the address of a spalloc server. Received: none")
        machine = {"spalloc_server": service_address("server", server), **BOARD}
        secrets = {name: credential(name) for name in ("SPALLOC_USER", "SPALLOC_PASSWORD")}
    else:
        queue = JobQueue(server or SERVICE, credential("EBRAINS_TOKEN"))
        if not isinstance(collab, str) or not re.fullmatch(r"[\w.-]+", collab):
            raise InputError(f"`collab` must be the name of an EBRAINS collab. Received: {check.describe(collab)}")
    if target != "ebrains":
        process.require_spynnaker()
    laid = layout.prepare(network, x, steps, headroom, step_ms)
    with tempfile.TemporaryDirectory(prefix="snnviz-spinnaker-") as name:
        folder = Path(name)
        with _progress.bar(len(x), f"SpiNNaker ({target})", "item", progress) as bar:
            if target == "ebrains":
                _queued(queue, laid, str(collab), folder, None if state is None else Path(state), timeout, poll, bar)
            else:
                layout.write(folder, laid, {"Machine": machine, "Mode": {"mode": "Production"}})
                process.run_program(folder, timeout, secrets=secrets, on_line=functools.partial(_count, bar))
        return _result(network, laid, folder / layout.RECORDED, x, y, target, record, title)


def _count(bar: Any, line: str) -> None:
    """Move the bar to what a line of the program says."""
    if line.startswith(program.DONE):
        bar.update(int(line.removeprefix(program.DONE)) - bar.n)


def _host(host: str | None) -> str:
    """A board's name or address, which must exist."""
    if not isinstance(host, str) or not re.fullmatch(r"[\w.:-]+", host):
        raise InputError(f"`host` must be the name or IP address of a board. Received: {check.describe(host)}")
    try:
        socket.getaddrinfo(host, None)
    except OSError as error:
        raise InputError(f"`host` must be a board that can be found. Received: {host!r}, an unknown name") from error
    return host


def _result(
    network: SpikingNetwork,
    laid: layout.Laid,
    recorded: Path,
    x: np.ndarray | Recordings,
    y: np.ndarray,
    target: str,
    record: Record | Sequence[str] | str | None,
    title: str,
) -> xr.Dataset:
    """What was recorded, as a result."""

    def engine(stored: SpikingNetwork, settings: Settings, record: Record) -> Engine:
        return layout.Replay(stored, settings, record, laid, recorded)

    result = simulate(
        laid.stored.network,
        laid.x,
        y,
        laid.settings,
        engine=engine,
        record=record,
        progress=False,
        title=title or f"SpiNNaker, {target}",
    )
    # of the network before anything was rounded
    result.attrs["ann_accuracy"] = Inputs.of(network, x, laid.settings).accuracy(network, y)
    result.attrs["target"] = f"spinnaker, {target}"
    result.attrs["headroom"] = laid.stored.headroom
    return result


def _queued(
    queue: JobQueue,
    laid: layout.Laid,
    collab: str,
    folder: Path,
    state: Path | None,
    timeout: float,
    poll: float,
    bar: Any,
) -> None:
    """Submit the run, or take up the job that `state` remembers, wait for it and fetch what it recorded."""
    code = program_text(laid)
    run_hash = hashlib.sha256(code.encode()).hexdigest()
    number = _remembered(state, queue.service, run_hash)
    if number is None:
        number = queue.submit(code, collab)
        if state is not None:
            with replacing(state) as temporary:
                temporary.write_text(json.dumps({"service": queue.service, "job": number, "run": run_hash}))
    try:
        job = queue.wait(number, timeout, poll, on_status=lambda status: bar.set_postfix_str(f"job {number} {status}"))
        queue.fetch(job, layout.RECORDED, folder / layout.RECORDED)
    except KeyboardInterrupt as interrupt:
        again = (
            "The same command takes it up again."
            if state is not None
            else "Without a state file it cannot be taken up."
        )
        raise KeyboardInterrupt(f"Job {number} goes on in the queue. {again}") from interrupt


def _remembered(state: Path | None, service: str, run_hash: str) -> int | None:
    """The number of the job in the file `state`, if there is one."""
    if state is None:
        return None
    if state.suffix != ".json":
        raise InputError(f"`state` must end in .json. Received: {str(state)!r}")
    if not state.exists():
        return None
    try:
        found = json.loads(state.read_text())
        number, known = int(found["job"]), (found["service"], found["run"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"`state` must be a file that this command wrote. Received: {str(state)!r}") from error
    if known != (service, run_hash):
        raise InputError(
            f"`state` must be of this very run: network, items, steps and service. Received: {str(state)!r}, of another; "
            "name another file"
        )
    return number


def program_text(laid: layout.Laid) -> str:
    """The program with the network and its input spikes in it, as the one file that the queue takes."""
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **layout.arrays(laid, virtual=False))
    source = Path(program.__file__).read_text(encoding="utf-8")
    before, main, after = source.rpartition('if __name__ == "__main__":')
    data = base64.b64encode(packed.getvalue()).decode()
    unpack = f'    import base64\n\n    Path("{layout.NETWORK}").write_bytes(base64.b64decode(NETWORK))'
    return f'{before}NETWORK = "{data}"\n\n{main}\n{unpack}{after}'
