"""Run a network on SpiNNaker, or compute what to expect of it there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz._arguments import check_fields
from snnviz.jobs.work.simulate import keep
from snnviz.jobs.work.sources import DataOptions, data_of, located, record_data

if TYPE_CHECKING:
    from snnviz.jobs.job import Job

EXPECT = "expect"


@dataclass(frozen=True, kw_only=True)
class Shared(DataOptions):
    """Settings of whatever is about SpiNNaker.

    Attributes:
        network: a network file (.npz), the name of a shipped network, or run:ID for that of a run.
        split: "test" or "train".
        limit: the first so many items only.
        steps: time steps.
        headroom: "exact" or "estimate", see `snnviz.hardware.spinnaker.model.quantise`.
        timeout: seconds for everything on a machine or on the virtual board; None for the usual.
    """

    network: str
    split: str = "test"
    limit: int | None = 500
    steps: int = 50
    headroom: str = "exact"
    timeout: float | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        from snnviz.hardware.spinnaker.model import HEADROOMS

        check.text("network", self.network)
        self.check_data()
        check.choice("split", self.split, ("test", "train"))
        if self.limit is not None:
            check.integer("limit", self.limit, 1)
        check.integer("steps", self.steps, 1)
        check.choice("headroom", self.headroom, HEADROOMS)
        if self.timeout is not None:
            check.real("timeout", self.timeout, 0, above=True)


@dataclass(frozen=True, kw_only=True)
class Options(Shared):
    """Settings of a run on SpiNNaker. Credentials are none of them: they come from the environment or the keyring.

    Attributes:
        target: "expect" (computed here), "board", "spalloc" or "ebrains".
        engine: of snnviz, for target "expect".
        host: of target "board".
        server: of targets "spalloc" and "ebrains".
        collab: of target "ebrains".
        job: file (.json) that remembers the job of target "ebrains"; None takes one in the run's folder.
        title: label of the curves.
        out: result file (.nc) to write; None writes into the run's folder.
    """

    target: str = EXPECT
    engine: str = "auto"
    host: str | None = None
    server: str | None = None
    collab: str | None = None
    job: str | None = None
    title: str = ""
    out: str | None = None

    def __post_init__(self) -> None:
        from snnviz.hardware.spinnaker.process import require_spynnaker
        from snnviz.hardware.spinnaker.targets import TARGETS
        from snnviz.simulation.driver import ENGINES

        super().__post_init__()
        check.choice("target", self.target, (EXPECT, *TARGETS))
        if self.target in ("board", "spalloc"):
            require_spynnaker()
        for name in ("host", "server", "collab"):
            check.text(name, getattr(self, name))
        check.choice("engine", self.engine, ENGINES)
        check.file("job", self.job, ".json")
        check.file("out", self.out, ".nc")


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, run, score, save."""
    from snnviz import metrics, pretrained
    from snnviz.hardware.spinnaker import model, targets

    network = pretrained.network(located(options.network, "network.npz", job))
    data = data_of(network, options.network, options, options.split, options.limit)
    images = data.images
    given = {name: value for name, value in asdict(options).items() if name not in ("out", "job", "title", "timeout")}
    job.begin({**given, "data": data.name, "network_hash": network.hash, "items": len(images)})
    record_data(job, images, options.split)
    title = options.title or job.spec.name
    if options.target == EXPECT:
        result = model.expect(
            network, images.x, images.y, options.steps, headroom=options.headroom, engine=options.engine, title=title
        )
    else:
        state = options.job or (None if job.folder is None else str(job.folder / "job.json"))
        result = targets.run(
            network,
            images.x,
            images.y,
            options.steps,
            target=options.target,
            host=options.host,
            server=options.server,
            collab=options.collab,
            state=state,
            headroom=options.headroom,
            timeout=options.timeout or targets.TIMEOUT,
            title=title,
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
