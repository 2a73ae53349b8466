"""Map a network to a virtual SpiNNaker board."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz.jobs.work.sources import located, record_data

if TYPE_CHECKING:
    from snnviz.jobs.job import Job

PICTURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True, kw_only=True)
class Options:
    """Settings of a dry run.

    Attributes:
        network: a network file (.npz), the name of a shipped network, or run:ID for that of a run.
        data: data set, by name or path, whose spikes are counted.
        split: "test" or "train".
        limit: the first so many items only.
        steps: time steps.
        headroom: "exact" or "estimate", see `snnviz.hardware.spinnaker.model.quantise`.
        timeout: seconds for the tool chain; None for the usual.
        plan: file (.json) for what was found; None writes into the run's folder.
    """

    network: str
    data: str = "mnist"
    split: str = "test"
    limit: int | None = 500
    steps: int = 50
    headroom: str = "exact"
    timeout: float | None = None
    plan: str | None = None

    def __post_init__(self) -> None:
        from snnviz.hardware.spinnaker.model import HEADROOMS

        check.text("network", self.network)
        check.text("data", self.data)
        check.choice("split", self.split, ("test", "train"))
        if self.limit is not None:
            check.integer("limit", self.limit, 1)
        check.integer("steps", self.steps, 1)
        check.choice("headroom", self.headroom, HEADROOMS)
        if self.timeout is not None:
            check.real("timeout", self.timeout, 0, above=True)
        check.file("plan", self.plan, ".json")


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, map, save."""
    from snnviz import datasets, pretrained
    from snnviz.hardware.spinnaker import dryrun

    network = pretrained.network(located(options.network, "network.npz", job))
    images = datasets.load(options.data, split=options.split, limit=options.limit)
    given = {name: value for name, value in asdict(options).items() if name not in ("plan", "timeout")}
    job.begin({**given, "network_hash": network.hash, "items": len(images)})
    record_data(job, images, options.split)
    plan = dryrun.dry_run(
        network, images.x, options.steps, headroom=options.headroom, timeout=options.timeout or dryrun.TIMEOUT
    )
    if options.plan or job.recorded:
        path = job.place(options.plan, "plan.json")
        plan.save(path)
    if job.recorded:
        job.file(path, "plan.json")
        job.network(network)
        job.metrics(
            {
                "cores": float(plan.application_cores),
                "chips": float(plan.used_chips),
                "boards": float(plan.boards),
                "sdram_bytes": float(plan.sdram),
                "routing_entries": float(plan.routing_entries),
                "warnings": float(len(plan.warnings)),
            }
        )
    return {"network": options.network, "target": "dry-run", **plan.as_json(), "plan": options.plan}
