"""Map a network to a virtual SpiNNaker board."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnviz._options import option, parameters
from snnviz.jobs.work.sources import data_of, located, record_data
from snnviz.jobs.work.spinnaker import Shared

if TYPE_CHECKING:
    from snnviz.jobs.job import Job


@dataclass(frozen=True, kw_only=True)
class Options(Shared):
    """Settings of a dry run; of the items, the spikes are counted."""

    plan: str | None = option(
        None, "file for what the dry run found", metavar="FILE.json", suffix=".json", writes="file", recorded=False,
    )  # fmt: skip

    def __post_init__(self) -> None:
        from snnviz.hardware.spinnaker.process import require_spynnaker

        super().__post_init__()
        require_spynnaker()


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, map, save."""
    from snnviz import pretrained
    from snnviz.hardware.spinnaker import dryrun

    network = pretrained.network(located(options.network, "network.npz", job))
    data = data_of(network, options.network, options, options.split, options.limit)
    images, x = data.images, options.items(data)
    if data.note:
        job.say(data.note)
    job.begin({**parameters(options), "data": data.name, "network_hash": network.hash, "items": len(images)})
    record_data(job, images, options.split)
    job.say(f"sPyNNaker maps {dryrun.cost(network)}")
    plan = dryrun.dry_run(
        network,
        x,
        options.steps,
        headroom=options.headroom,
        step_ms=options.step_ms,
        timeout=options.timeout,
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
