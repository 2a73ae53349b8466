"""Search for scales of a spiking network for early and cheap answers."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from snnviz import _checks as check
from snnviz._amounts import percent
from snnviz._options import like, one_of, option, parameters
from snnviz.errors import InputError
from snnviz.jobs.work.simulate import record_result
from snnviz.jobs.work.sources import (
    DataOptions,
    check_cluster,
    data_of,
    located,
    of_data,
    on_cluster,
    output,
    record_data,
    recordings,
    remembered,
    say_if_slow,
)
from snnviz.optimization import methods
from snnviz.optimization.objective import checked_lambdas
from snnviz.simulation import Settings
from snnviz.training.recipe import PRECISIONS

if TYPE_CHECKING:
    import xarray as xr

    from snnviz.datasets import Images, Recorded
    from snnviz.jobs.job import Job
    from snnviz.network import SpikingNetwork

REPORT_SHARE = 0.25
"""How much of a budget of time that the user gave may go to the report on the test set."""
PROBE_ITEMS = 64
"""Items on which that report is timed."""
SAVING_SECONDS = 3.0
"""What is kept back of such a budget for files and figures, but at most a tenth."""
ITEM_WEIGHT = 0.1
"""Above this share of both Pareto terms one item is a reason to warn: at lambda_e = 200, below 1 000 items."""
SEARCHER_OPTIONS = {
    "updates": "updates", "batch_size": "batch", "rate": "rate", "unrolled": "unrolled", "every": "every", "shift": "shift",
    "flip": "flip", "precision": "precision",
}  # fmt: skip
"""Settings that are further arguments of searchers, and what those call them."""

MAIN = "optimising"


@dataclass(frozen=True, kw_only=True)
class Options(DataOptions):
    """Settings of an optimisation."""

    network: str = option(help="a network file (.npz), the name of a shipped one, or run:ID", metavar="NETWORK")
    method: str = option(
        "auto", f"how to search: {one_of(methods.METHODS)}", choices=methods.methods,
        label="Method", about=f"How to search. {methods.about()}",
    )  # fmt: skip
    per: str | Sequence[str] = option(
        "channel", "network, layer or channel; several from coarse to fine for stages", metavar="WHAT[,WHAT]", commas=True,
        label="One scale for each",
        about="What has a scale of its own: the whole network, every layer, or every channel. More scales find more and take "
        "longer.",
    )  # fmt: skip
    with_potentials: bool = option(
        False, "search initial membrane potentials too", label="initial potentials",
        about="Where membrane potentials begin is searched as well.",
    )  # fmt: skip
    items: int | None = option(
        None, "held-out training items that the loss is measured on", metavar="N", least=1,
        unset="all that the ANN's training held out", label="Held-out items",
        about="On how many training items the loss is measured, of those that the training held out. Empty: all of them.",
    )  # fmt: skip
    steps: int = option(
        50, "time steps", metavar="T", least=1, label="Time steps",
        about="How long the network looks at each item. It answers after every step.",
    )  # fmt: skip
    input: str = option(
        "spiking", "how items arrive; analog is direct coding", choices=("spiking", "analog", "spikes"), label="Input",
        about="Images as spikes (spiking) or as they are (analog), or the events of a camera (spikes).",
    )  # fmt: skip
    step_ms: float | None = like(Settings(), "step_ms")
    lambda_e: float = option(
        200.0, "weight of 1 - peak accuracy in the loss", metavar="L", label="Weight of accuracy",
        about="How much accuracy counts in the loss: this times (1 - peak accuracy). At 200, half a percent of accuracy counts as "
        "much as all of the latency at the start.",
    )  # fmt: skip
    lambda_l: float | None = option(
        None, "weight of the Pareto latency P_l", metavar="L", unset="1 / its value at the start", label="Weight of latency",
        about="How much each time step of Pareto latency counts in the loss. Empty, as usual: one over the latency at the start, "
        "so that the term begins at 1.",
    )  # fmt: skip
    lambda_p: float | None = option(
        None, "weight of the Pareto power P_p", metavar="L", unset="1 / its value at the start", label="Weight of power",
        about="How much each synaptic event per item of Pareto power counts in the loss. Empty, as usual: one over the power at "
        "the start, so that the term begins at 1.",
    )  # fmt: skip
    evaluations: int | None = option(None, "stop after N networks were tried", metavar="N", least=1)
    minutes: float | None = option(
        None, "stop after M minutes, loading and report included", metavar="M", least=0, above=True,
        unset="10 without any budget; weights: all updates", label="Minutes",
        about="How long all of it may take, with loading and with the report on the test set.",
    )  # fmt: skip
    updates: int | None = option(
        None, "updates of a search along gradients", metavar="N", least=1, unset=methods.usual("updates")
    )
    batch_size: int | None = option(
        None, "items of one update", metavar="N", least=1, unset=methods.usual("batch"),
    )  # fmt: skip
    rate: float | None = option(
        None, "learning rate of the updates, at the beginning", metavar="R", least=0, above=True, unset=methods.usual("rate"),
    )  # fmt: skip
    unrolled: int | None = option(
        None, "time steps through which gradients go as spikes", metavar="T", least=1, unset=methods.usual("unrolled"),
    )  # fmt: skip
    every: int | None = option(
        None, "updates from one candidate to the next", metavar="N", least=1, unset=methods.usual("every")
    )
    shift: int | None = option(
        None, "move the gradient's images by up to N pixels each way", metavar="N", least=0, unset=methods.usual("shift"),
    )  # fmt: skip
    flip: bool | None = option(None, "with --method weights: mirror images by chance")
    precision: str | None = option(
        None, "with --method weights: precision of the arithmetic; bfloat16 makes quicker updates", metavar="P", choices=PRECISIONS,
    )  # fmt: skip
    searcher: Sequence[str] | None = option(
        None, "further arguments of the method's searcher, as step=0.1", metavar="NAME=VALUE",
    )  # fmt: skip
    half: bool = option(False, "round the result's weights to half precision: about half the file")
    target: str | None = option(
        None, "search for the network as a chip computes it: spinnaker (with --method subplex or cmaes)", metavar="CHIP"
    )
    seed: int = option(0, "seed of the search", least=0)
    workers: int = option(1, "processes that evaluate", metavar="N", least=1, recorded=False)
    scheduler: str | None = on_cluster()
    checkpoint: str | None = option(
        None, "folder that holds the search's state", metavar="DIR", writes="folder", unset="the run's", recorded=False,
    )  # fmt: skip
    history: str | None = option(
        None, "file for every evaluation's loss and terms", metavar="FILE.csv", writes="file", recorded=False,
    )  # fmt: skip
    out: str | None = output("file for the best network", "FILE.npz", "NETWORK-optimized.npz")

    def __post_init__(self) -> None:
        super().__post_init__()
        self.granularities()
        methods.check_potentials(self.with_potentials, self.method)
        checked_lambdas(self.lambdas)
        for name, called in SEARCHER_OPTIONS.items():
            if getattr(self, name) is not None and called not in methods.searcher(self.method).options:
                able = _methods(methods.taking(called))
                raise InputError(f"`{name}` is of {able}. Received: method {self.method!r}")
        methods.check_options(self.method, self.further())
        methods.check_target(self.target, self.method)
        if self.input == "spikes":
            methods.check_streams(self.method, self.target)
        else:
            methods.check_input(self.input, self.target)
        Settings(steps=self.steps, step_ms=self.step_ms)
        check_cluster(self)

    @property
    def lambdas(self) -> tuple[float, float | None, float | None]:
        """(lambda_e, lambda_l, lambda_p)."""
        return self.lambda_e, self.lambda_l, self.lambda_p

    def further(self) -> dict[str, Any]:
        """Further arguments of the searcher."""
        given = {called: getattr(self, name) for name, called in SEARCHER_OPTIONS.items()}
        found = {called: value for called, value in given.items() if value is not None}
        for text in self.searcher or ():
            name, _, value = text.partition("=")
            try:
                found[name] = json.loads(value)
            except ValueError as error:
                raise InputError(
                    f"`searcher` must be NAME=VALUE with a number, list or text of JSON. Received: {text!r}"
                ) from error
        return found

    def granularities(self) -> tuple[str, ...]:
        """`per` as a tuple; onsets are always searched by layer, and weights have no granularity."""
        if not isinstance(self.per, Sequence):
            raise InputError(f"`per` must be a text or a sequence of texts. Received: {check.describe(self.per)}")
        return methods.stages_of(self.method, tuple(self.per.split(",")) if isinstance(self.per, str) else self.per)


def _methods(names: Sequence[str]) -> str:
    *others, last = names
    return f"methods {', '.join(others)} and {last}" if others else f"method {last}"


def work(options: Options, job: Job) -> dict[str, Any]:
    """Load, search, report on the test set, save."""
    from snnviz import pretrained, results
    from snnviz.hardware.spinnaker import model
    from snnviz.optimization import optimize
    from snnviz.simulation import simulate

    began = time.perf_counter()
    per = options.granularities()
    network = pretrained.network(located(options.network, "network.npz", job))
    data = data_of(network, options.network, options, "train")
    images: Images | Recorded = data.images
    tests: Images | Recorded = data.other("test", None)
    given: dict[str, Any] = {}
    if options.input == "spikes":
        images, tests = (recordings(data.name, split) for split in ("train", "test"))
        given = {"step_ms": options.step_ms}
    elif not options.target:
        given = {"input": options.input}
    learned, held_out = _split(images, data.held_out)
    items = options.items or len(held_out)
    if items > len(held_out):
        raise InputError(f"`items` must be at most {len(held_out)}, the items held out. Received: {options.items}")
    unlimited = options.evaluations is None and options.minutes is None
    minutes = methods.default_minutes(options.method) if unlimited else options.minutes
    notes = [data.note] if data.note else []
    as_computed: Any = model.expect if options.target else simulate

    def report(one: SpikingNetwork, items: int = len(tests)) -> xr.Dataset:
        how = {**given, "input": options.input} if given else {}
        return as_computed(one, tests.x[:items], tests.y[:items], options.steps, engine="event", **how)

    reported, beside = len(tests), 0.0
    if options.minutes is not None:
        seconds = 60 * options.minutes
        each = _seconds_per_item(lambda items: report(network, items))
        reported = max(1, int(min(REPORT_SHARE * seconds / (2 * each), len(tests))))
        if reported < len(tests):
            notes.append(
                f"the report is on the first {reported} of {len(tests)} test items: all would take {2 * each * len(tests):.0f} s "
                f"of the {seconds:.0f} s asked for; `snnviz simulate` simulates them all"
            )
        kept_back = 2 * each * reported + min(SAVING_SECONDS, seconds / 10)
        beside = kept_back + time.perf_counter() - began
        if beside >= seconds:
            raise InputError(
                f"`minutes` must leave time for the search, after loading and beside the report, which take {beside:.0f} s here. "
                f"Received: {options.minutes:g}"
            )
    job.begin(
        {
            **parameters(options), "network_hash": network.hash, "per": ",".join(per), "data": data.name, "items": items,
            "held_out": len(held_out), "minutes": minutes,
        }
    )  # fmt: skip
    record_data(job, data.images, "optimization")
    for note in notes:
        job.say(note)
    if data.held_out is not None and not data.held_out["items"]:
        job.say(
            "the training of this network's ANN held nothing out, so the search is judged on items that the ANN was fitted to"
        )
    say_if_slow(job, options.precision)

    best_loss = math.inf

    def record(number: int, row: Mapping[str, Any]) -> None:
        nonlocal best_loss
        if number == 0 and (share := _weight_of_an_item(options.lambda_e, items, row)) > ITEM_WEIGHT:
            job.say(
                f"one of {items} items weighs {percent(share, 0)} of Pareto latency and power together: a search learns so few "
                "by heart. Search on more, or believe only what comes out on the test set"
            )
        best_loss = min(best_loss, row["loss"])
        if minutes is not None:
            job.spent(row["seconds"], 60 * minutes)
        held_out = {f"held_out_{name}": row[name] for name in ("peak_accuracy", "latency", "power")}
        loss = {name: row[name] for name in ("loss", "accuracy_term", "latency_term", "power_term", "seconds")}
        job.metrics({**loss, "best_loss": best_loss, **held_out}, number, log=True)

    folder = None if job.folder is None else str(job.folder / "checkpoint")
    job.kept = job.WHAT_IS_DONE
    found = optimize(
        network,
        held_out.x[:items],
        held_out.y[:items],
        method=options.method,
        per=per,
        steps=options.steps,
        lambdas=options.lambdas,
        budget_evaluations=options.evaluations,
        budget_minutes=options.minutes,
        beside_minutes=beside / 60,
        seed=options.seed,
        with_potentials=options.with_potentials,
        workers=options.workers,
        scheduler=options.scheduler,
        training=(learned.x, learned.y),
        target=options.target,
        options=options.further(),
        checkpoint=options.checkpoint or folder,
        resume=job.resume,
        on_evaluation=record,
        say=job.say,
        **given,
    )
    best = found.network.halved() if options.half else found.network
    if "data" not in best.metadata and (options.data or remembered(options.network, job)):
        best = of_data(best, data)
    out = best.save(job.place(options.out, "network.npz"))
    if options.history:
        found.history.to_csv(options.history)
    before, after = (report(one, reported) for one in (network, best))
    if job.recorded:
        record_result(job, after)
        job.file(results.save(after, job.place(None, "result.nc")), "result.nc")
        job.file(results.save(before, job.place(None, "start.nc")), "start.nc")
        job.network(best)
        job.figure(before, after)
        job.frame(found.history, "history.csv")
    return {
        "network": options.network,
        "out": str(out),
        "method": options.method,
        "per": list(per),
        "evaluations": len(found.history),
        "minutes": found.seconds / 60,
        "stopped": found.stopped,
        "objective": vars(found.objective),
        "loss": {"start": found.objective.loss(found.start), "best": found.objective.loss(found.best)},
        "held_out": {"items": items, "start": vars(found.start), "best": vars(found.best)},
        "test": {
            "items": reported,
            # one reference for both: learned weights have an ANN of their own
            **{name: _terms(one, before.attrs["ann_accuracy"]) for name, one in (("start", before), ("best", after))},
        },
    }


def _split(images: Any, held_out: Mapping[str, int] | None) -> tuple[Any, Any]:
    """What may be learned from, and what the search is judged on: items that the ANN was not fitted to.

    Args:
        images: all training images, or recordings.
        held_out: what the training held out (`snnviz.jobs.work.sources.known_of`); the common rule stands where nothing tells.
    """
    from snnviz import datasets

    if held_out and held_out["items"] and held_out["of"] <= len(images):
        return datasets.validation_split(images.take(held_out["of"]), held_out["items"], held_out["seed"])
    return datasets.validation_split(images)


def _seconds_per_item(simulated: Callable[[int], object]) -> float:
    """How long an item takes, seen on a few; what has to be compiled first is left out."""
    simulated(1)
    found = []
    for _ in range(3):  # the least: a moment's hiccup would be multiplied
        began = time.perf_counter()
        simulated(PROBE_ITEMS)
        found.append(time.perf_counter() - began)
    return min(found) / PROBE_ITEMS


def _weight_of_an_item(lambda_e: float, items: int, start: Mapping[str, Any]) -> float:
    """What one more item at the peak is worth to the loss, beside both Pareto terms of the start."""
    others = start["latency_term"] + start["power_term"]
    return lambda_e / items / others if others > 0 else 0.0


def _terms(result: xr.Dataset, reference: float) -> dict[str, float]:
    from snnviz import metrics

    return {
        "ann_accuracy": result.attrs["ann_accuracy"],
        "peak_accuracy": metrics.peak_accuracy(result),
        "latency": metrics.pareto_latency(result, reference),
        "power": metrics.pareto_power(result, reference),
    }
