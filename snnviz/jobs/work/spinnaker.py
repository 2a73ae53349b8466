"""Run a network on SpiNNaker, or compute what to expect of it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnviz._options import like, option, parameters
from snnviz.errors import InputError
from snnviz.jobs.work import simulate
from snnviz.jobs.work.simulate import keep
from snnviz.jobs.work.sources import Data, NetworkOptions, data_of, located, output, record_data, recordings, titled
from snnviz.simulation.engines import check_engine
from snnviz.simulation.settings import MOST_MS

if TYPE_CHECKING:
    import numpy as np

    from snnviz.events import Recordings
    from snnviz.jobs.job import Job

EXPECT = "expect"
OF_MACHINES = ("target", "timeout", "host", "server", "collab", "job")
"""Options that say nothing of what is only computed."""


@dataclass(frozen=True, kw_only=True)
class Shared(NetworkOptions):
    """Settings of whatever is about SpiNNaker."""

    limit: int | None = option(
        500, "the first N items", metavar="N", least=1, label="Items",
        about="How many items are shown, the first ones of the test set.",
    )  # fmt: skip
    steps: int = option(
        50, "time steps of 1 ms", metavar="T", least=1, label="Time steps",
        about="How long each item is shown, in time steps of 1 ms.",
    )  # fmt: skip
    step_ms: float | None = option(
        None, "milliseconds of a stream in each step: event recordings go in as streams", metavar="MS", least=0, above=True,
        most=MOST_MS, unset="recordings are summed to still pictures", label="Milliseconds of a stream in a step",
        about="Event recordings go in as streams, so many of their milliseconds in each of the chip's steps.",
    )  # fmt: skip
    headroom: str = option(
        "exact", "how sums of weights are bounded", choices=("exact", "estimate"), label="Weights are rounded",
        about="The chip keeps weights and their sums in 16 bits each: fine weights leave little room for sums. So that no sum "
        "overflows: as finely as that allows. As sPyNNaker estimates: as its own software does when it is told nothing.",
    )  # fmt: skip
    timeout: float | None = option(
        None, "seconds after which it is given up", metavar="S", least=0, above=True, recorded=False,
        unset="540 dry or what its synapses need, 14400 on a machine",
    )  # fmt: skip

    @property
    def input(self) -> str:
        """How items come in."""
        return "spiking" if self.step_ms is None else "spikes"

    def items(self, data: Data) -> np.ndarray | Recordings:
        """Images, or event recordings as streams."""
        from snnviz import datasets

        if self.step_ms is None:
            return data.images.x
        if not datasets.is_recorded(data.name):
            raise InputError(
                f"`step_ms` must be left out where data are no event recordings. Received: {self.step_ms:g}"
            )
        return recordings(data.name, self.split, self.limit).x


@dataclass(frozen=True, kw_only=True)
class Options(Shared):
    """Settings of a run on SpiNNaker. Credentials are none of them: they come from the environment or the keyring."""

    target: str = option(
        EXPECT, "where it runs", choices=(EXPECT, "board", "spalloc", "ebrains"), label="Where it runs",
        about="A virtual board says whether the network fits. What to expect computes what the chip would answer. A board that "
        "stands near you, or the queue of EBRAINS, a service for researchers, runs it.",
    )  # fmt: skip
    engine: str = like(simulate.Options, "engine", default="auto")
    host: str | None = option(
        None, "name or address of the board, with --target board", metavar="IP", label="Address of the board",
        about="Its name or IP address in your network.",
    )  # fmt: skip
    server: str | None = option(
        None, "address of the service, with --target spalloc or ebrains", metavar="URL", unset="for ebrains, its own"
    )
    collab: str | None = option(
        None, "EBRAINS collab whose quota target ebrains uses", metavar="NAME", label="Collab",
        about="The EBRAINS workspace whose computing time is used.",
    )  # fmt: skip
    job: str | None = option(
        None, "remembers the job of target ebrains, to take it up again", metavar="FILE.json", suffix=".json", recorded=False,
    )  # fmt: skip
    title: str = titled()
    out: str | None = output("file for the result of a run", "RESULT.nc")

    def __post_init__(self) -> None:
        from snnviz.hardware.spinnaker.process import require_spynnaker

        super().__post_init__()
        check_engine(self.engine)
        if self.target in ("board", "spalloc"):
            require_spynnaker()


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, run, score, save."""
    from snnviz import metrics, pretrained
    from snnviz.hardware.spinnaker import model, targets

    network = pretrained.network(located(options.network, "network.npz", job))
    data = data_of(network, options.network, options, options.split, options.limit)
    images, x = data.images, options.items(data)
    job.begin({**parameters(options), "data": data.name, "network_hash": network.hash, "items": len(images)})
    record_data(job, images, options.split)
    given = (network, x, images.y, options.steps)
    named: dict[str, Any] = {
        "headroom": options.headroom,
        "step_ms": options.step_ms,
        "title": options.title or job.spec.name,
    }
    if options.target == EXPECT:
        result = model.expect(*given, engine=options.engine, **named)
    else:
        state = options.job or (None if job.folder is None else str(job.folder / "job.json"))
        result = targets.run(
            *given,
            target=options.target,
            host=options.host,
            server=options.server,
            collab=options.collab,
            state=state,
            timeout=options.timeout or targets.TIMEOUT,
            **named,
        )
    result.attrs["dataset"] = images.name
    if data.note:  # beside the result: a mistake is answered by one line alone
        job.say(data.note)
    keep(job, result, network, options.out)
    stored = model.quantise(model.with_pooled_input(network), options.headroom)
    return {
        "network": options.network,
        "target": options.target,
        "items": len(images),
        "steps": options.steps,
        "engine": result.attrs["engine"],
        "headroom": options.headroom,
        "shifts": dict(zip(stored.network.layer_names[1:], map(list, stored.shifts), strict=True)),
        "lost_weights": sum(stored.lost),
        "accuracy": result["accuracy"].values.tolist(),
        "events_per_step": result["synaptic_events"].sum("layer").values.tolist(),
        "metrics": metrics.summary(result),
        "out": options.out,
    }
