"""Simulate a network on a data set, counting synaptic events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnviz._options import one_of, option, options_of, parameters, typed
from snnviz.errors import InputError
from snnviz.jobs.work.sources import (
    NetworkOptions,
    chance,
    check_cluster,
    data_of,
    few_classes,
    located,
    on_cluster,
    output,
    record_data,
    recordings,
    titled,
)
from snnviz.simulation import Record, Settings, Stop, simulate
from snnviz.simulation.engines import ENGINES, check_engine
from snnviz.simulation.settings import other_input
from snnviz.simulation.stopping import RULES

if TYPE_CHECKING:
    import xarray as xr

    from snnviz.jobs.job import Job
    from snnviz.network import SpikingNetwork

MAIN = "simulating"


@dataclass(frozen=True, kw_only=True)
class Options(Settings, NetworkOptions):
    """Settings of a simulation: those of `snnviz.simulation.Settings`, the network and its data, and when and what to keep."""

    engine: str = option("auto", f"what computes: {one_of(ENGINES)}")
    record: Sequence[str] | None = option(
        None, "what to keep of each item: prediction, logits, events", metavar="WHAT", unset="prediction only"
    )
    stop: float | None = option(
        None, "end each item when the network is so sure of its answer (0.9, for example)", metavar="LEVEL",
    )  # fmt: skip
    stop_rule: str = option(
        "margin",
        "what LEVEL is of: margin, between the two largest values of the scores' softmax, or gap, between the two largest "
        "scores",
        choices=RULES,
    )  # fmt: skip
    stop_temperature: float = option(1.0, "temperature of the margin's softmax", metavar="T")
    batch_size: int | None = option(None, "items at once", metavar="N", least=1, unset="the engine's choice")
    scheduler: str | None = on_cluster()
    threshold: float | None = option(
        None, "accuracy to reach; the metrics tell when it is, and at what cost", metavar="A", least=0, most=1,
        unset="0.98 of the ANN's", recorded=False,
    )  # fmt: skip
    title: str = titled()
    out: str | None = output("file to write the result to", "RESULT.nc")

    def __post_init__(self) -> None:
        super().__post_init__()
        NetworkOptions.__post_init__(self)
        check_engine(self.engine)
        Record.of(self.record)
        self.when()
        self._check_used()
        check_cluster(self)

    def when(self) -> Stop | None:
        """When items end."""
        # the other two must be right without a level, too
        stop = Stop(
            level=1.0 if self.stop is None else self.stop, rule=self.stop_rule, temperature=self.stop_temperature
        )
        return None if self.stop is None else stop

    def _check_used(self) -> None:
        """Refuse what would change nothing as the other options are."""
        used = {
            "decay": (self.readout == "decay", "`readout` decay"),
            "stop_rule": (self.stop is not None, "`stop`"),
            "stop_temperature": (self.stop is not None and self.stop_rule == "margin", "`stop` by rule margin"),
        }
        for name, (fits, other) in used.items():
            value = getattr(self, name)
            if not fits and value != options_of(Options)[name].default:
                raise InputError(f"`{name}` must go with {other}. Received: {typed(value)} without it")


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, simulate, score, save."""
    from snnviz import metrics, pretrained

    network = pretrained.network(located(options.network, "network.npz", job))
    data = data_of(network, options.network, options, options.split, options.limit)
    images = data.images
    notes = [text for text in (data.note, of_graph(network, options), other_input(network, options.input)) if text]
    for text in notes:
        job.say(text)
    job.begin({**parameters(options), "data": data.name, "network_hash": network.hash, "items": len(images)})
    record_data(job, images, options.split)
    spikes = options.input == "spikes"
    x = recordings(data.name, options.split, options.limit).x if spikes else images.x
    settings = {name: getattr(options, name) for name in Settings.__dataclass_fields__ if name != "steps"}
    result = simulate(
        network,
        x,
        images.y,
        options.steps,
        engine=options.engine,
        record=options.record,
        batch_size=options.batch_size,
        stop=options.when(),
        scheduler=options.scheduler,
        title=options.title or job.spec.name,
        **settings,
    )
    result.attrs["dataset"] = images.name
    warnings = [
        text
        for text in (chance(result.attrs["ann_accuracy"], len(images), network.classes), few_classes(images))
        if text
    ]
    for text in warnings:
        job.say(text)
    keep(job, result, network, options.out)
    if job.recorded:
        job.figure(result)
    thresholds = None if options.threshold is None else [options.threshold]
    summary = metrics.summary(result, thresholds=thresholds)
    return {
        "network": options.network,
        "data": data.name,
        "warnings": [*notes, *warnings],
        "items": len(images),
        "steps": options.steps,
        "engine": result.attrs["engine"],
        "engine_choice": result.attrs["engine_choice"],
        "wall_time_s": result.attrs["wall_time_s"],
        "accuracy": result["accuracy"].values.tolist(),
        "events_per_step": result["synaptic_events"].sum("layer").values.tolist(),
        "metrics": summary,
        "out": options.out,
    }


def of_graph(network: SpikingNetwork, settings: Settings) -> str:
    """A sentence where a network that was read from a NIR graph is simulated otherwise than the graph means; else nothing."""
    from snnviz.hardware import nir

    meant = network.metadata.get("nir")
    same = not isinstance(meant, Mapping) or all(
        meant.get(name) in (None, getattr(settings, name)) for name in ("reset", "input")
    )
    return "" if same else nir.settings_meant(network)


def keep(job: Job, result: xr.Dataset, network: SpikingNetwork, out: str | None) -> None:
    """Save a result where the user wants it, and record it with its network."""
    from snnviz import results

    if out or job.recorded:
        file = results.save(result, job.place(out, "result.nc"))
    if job.recorded:
        record_result(job, result)
        job.file(file, "result.nc")
        job.network(network)


def record_result(job: Job, result: xr.Dataset) -> None:
    """Record a result's curves by time step, and its anytime metrics."""
    events = result["synaptic_events"].sum("layer").values
    for step, (accuracy, count) in enumerate(zip(result["accuracy"].values, events, strict=True), start=1):
        job.metrics({"accuracy": float(accuracy), "synaptic_events": float(count)}, step)
    job.metrics({**anytime(result), "wall_time_s": float(result.attrs["wall_time_s"])})


def anytime(result: xr.Dataset) -> dict[str, float]:
    """A result's metrics that are one number; without the Pareto terms where the ANN is never right."""
    from snnviz import metrics

    found = metrics.summary(result, [])
    names = ("ann_accuracy", "peak_accuracy", "pareto_latency", "pareto_power")
    return {name: float(found[name]) for name in names if found[name] is not None}
