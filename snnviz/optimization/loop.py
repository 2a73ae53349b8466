"""`optimize`: searchers, evaluations, budget and record put together."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import __version__, _progress
from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._writing import alone
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.hardware.spinnaker import model as spinnaker
from snnviz.network import SpikingNetwork
from snnviz.optimization.objective import LAMBDA_E, Objective, Terms, checked_lambdas
from snnviz.optimization.onsets import Onsets, OnsetSpace
from snnviz.optimization.problem import TARGETS, Problem
from snnviz.optimization.record import Evaluation, Record
from snnviz.optimization.scales import ScaleSpace, granularities
from snnviz.optimization.scales import checked as checked_vector
from snnviz.optimization.searcher import Searcher
from snnviz.optimization.weights import Weights, WeightSpace
from snnviz.optimization.workers import Evaluator, make_evaluator
from snnviz.simulation.encoding import Inputs

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("auto", "gradient", "subplex", "cmaes", "percentile", "onsets", "weights")
OPTIONS = {
    "gradient": ("updates", "every", "batch", "rate", "shift", "distilled", "early", "width", "unrolled", "recency"),
    "subplex": ("step", "tolerance"),
    "cmaes": ("step", "population"),
    "percentile": ("grid",),
    "onsets": ("clamps",),
    "weights": (
        "updates",
        "every",
        "batch",
        "rate",
        "shift",
        "flip",
        "unrolled",
        "limit",
        "width",
        "precision",
        "recency",
    ),
}
"""The searchers' further arguments, by method; "auto" takes the gradient's."""
DEFAULT_MINUTES = 10.0
GRADIENT_SHARE = 0.8
"""How much of the budget "auto" leaves to the gradient; the rest polishes on the true objective."""
POLISH_STEP = 0.02
SAVE_EVERY_SECONDS = 10.0
FIRST_CANDIDATE = 1 / 3
"""By this fraction of a budget of time a first candidate is wanted."""
BESIDE_GROWS = 1.4
PROBE_ITEMS, PROBE_SECONDS = 64, 0.05
"""Items on which an evaluation is timed before the first is begun."""
LOOK_EVERY_SECONDS = 1.0
"""So often, or after each evaluation, a search with a budget of time looks at the clock."""


@dataclass(frozen=True)
class OptimizationResult:
    """What `optimize` found.

    Attributes:
        network: the best network, the start's if nothing was better.
        vector: its vector, see `ScaleSpace`.
        start: terms of the start, on the items of the objective.
        best: terms of the best network on the same items.
        objective: L_SNN with its weights.
        reference: A_ref, accuracy of the analog network on the same items.
        history: a row per evaluation in the order asked for (index `evaluation`; 0 is the start), with `stage`, `loss`, its parts
            `accuracy_term`, `latency_term` and `power_term`, what they are made of, `peak_accuracy`, `latency` and `power`,
            and `seconds` since the beginning.
        stopped: "finished" if the searchers had nothing left to ask, or "budget".
        seconds: since the beginning, earlier runs included. The network does not hold them, so that the same search gives the same
            file.
    """

    network: SpikingNetwork
    vector: np.ndarray
    start: Terms
    best: Terms
    objective: Objective
    reference: float
    history: pd.DataFrame
    stopped: str
    seconds: float


@dataclass(frozen=True)
class _Stage:
    """A searcher and its part of the budget.

    Attributes:
        name: of the searcher.
        expansion: where each entry of the problem's vectors comes from in those it asks for (`ScaleSpace.expansion`).
        until: fraction of the budget at which the stage ends.
        build: makes the searcher, given the best vector so far and the expansion of the stage's vectors.
        absolute: its vectors are relative to H_0 rather than to the best so far.
    """

    name: str
    expansion: np.ndarray
    until: float
    build: Callable[[np.ndarray, np.ndarray], Searcher]
    absolute: bool = False


@checked
def optimize(
    network: SpikingNetwork,
    x: np.ndarray | Recordings,
    y: np.ndarray,
    *,
    method: str = "auto",
    per: str | Sequence[str] = "channel",
    steps: int = 50,
    lambdas: Sequence[float | None] = (LAMBDA_E, None, None),
    budget_evaluations: int | None = None,
    budget_minutes: float | None = None,
    beside_minutes: float = 0.0,
    seed: int = 0,
    with_potentials: bool = False,
    workers: int = 1,
    scheduler: str | None = None,
    training: tuple[np.ndarray | Recordings, np.ndarray] | None = None,
    engine: str = "event",
    target: str | None = None,
    options: Mapping[str, Any] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
    progress: bool = True,
    on_evaluation: Callable[[int, dict[str, Any]], None] | None = None,
    say: Callable[[str], None] | None = None,
    step_ms: float | None = None,
) -> OptimizationResult:
    """Search for scales that let the right answer come out early and cheaply: minimise L_SNN (module `objective`).

    Unless the method is "weights", the network's weights stay what they are but for one scale per network, layer or channel, which
    changes how often neurons fire and not what they stand for; the ANN remains the same. Nothing random is taken from global
    state: the same arguments ask for the same evaluations, whatever the number of workers, and an interrupted search that is
    resumed goes on as if it had not been interrupted (on the same machine; a budget in minutes makes it end where time ends it).

    Args:
        network: H_0, as `snnviz.convert` gives it.
        x: items of the training set on which the objective is evaluated: intensities in [0, 1],
            `(items, *network.input_shape)`; or event recordings, which "weights", "subplex", "cmaes" and "onsets" take.
            Best are items that the ANN was not fitted to, as those held out for validation.
        y: their classes (items,).
        method: "gradient" (surrogate gradients, see `snnviz.optimization.gradient`), "subplex" (the paper's), "cmaes",
            "percentile" (learns nothing), "onsets" (when each layer begins, see `snnviz.optimization.onsets`; no scales, so
            `per` is always "layer"), "weights" (weights, biases and potentials, see `snnviz.optimization.weights`; P_l and P_p are
            measured against the ANN of the start, while the result has another), or
            "auto": gradient, then subplex from the best it found.
        per: one scale per "network", "layer" or "channel"; or several of these from coarse to fine, which share the budget and
            begin where the one before ended.
        steps: time steps T of the objective.
        lambdas: (lambda_e, lambda_l, lambda_p); None for one over the start's term.
        budget_evaluations: stop after this many evaluations, the start's included.
        budget_minutes: stop after this many minutes: no evaluation is begun that would end later, and updates are cut short so that
            a first candidate is evaluated in the first third; without any budget, 10, but "weights" makes all its updates.
        beside_minutes: how much of them the caller needs for something else; the search has the rest.
        seed: of the searcher.
        with_potentials: also search initial membrane potentials; not with "onsets", nor "weights", which has them anyway.
        workers: processes that evaluate; 1 evaluates here, with the engine's threads. A script that asks for more needs an
            `if __name__ == "__main__":` guard.
        scheduler: address of a dask.distributed scheduler whose workers evaluate instead.
        training: (x, y) for the gradient's minibatches; None takes the items of the objective.
        engine: "event" or "graph".
        target: "spinnaker" evaluates every network as that chip would compute it (`snnviz.hardware.spinnaker.model`): reset to
            zero, a membrane floor, a step of delay per layer, stored weights. Not for the methods that use the gradient, whose
            network is the unconstrained one (begin with what they found), nor for onsets, which the chip has not.
        options: further arguments of the searcher (`OPTIONS`), e.g. {"updates": 500}.
        checkpoint: folder that holds the search's state after each evaluation, and its best network so far (`best.npz`).
        resume: go on from `checkpoint`; one that is empty is begun.
        progress: show evaluations, the best loss and its three parts, and the time left.
        on_evaluation: called with number and row of `OptimizationResult.history` of each evaluation, those of an earlier run that
            is resumed included.
        step_ms: milliseconds of a step, of recordings.
        say: called with a sentence where the budget of time is small for the method; None writes it to standard error, where
            `progress` is true.

    Raises:
        InputError: if an argument is wrong, the network has no hidden layers, the checkpoint is another search's, another
            search is writing it, or no candidate can be evaluated in `budget_minutes`.
        KeyboardInterrupt: on Ctrl-C, with a message that says how to resume.
    """
    began = time.perf_counter()
    if not isinstance(network, SpikingNetwork):
        raise InputError(f"`network` must be a SpikingNetwork. Received: {check.describe(network)}")
    check.choice("method", method, METHODS)
    stages_per = stages_of(method, per)
    weights = checked_lambdas(lambdas)
    check.integer("seed", seed, 0)
    allowed = OPTIONS["gradient" if method == "auto" else method]
    unknown = sorted(set(options or {}) - set(allowed))
    if unknown:
        raise InputError(
            f"`options` of method {method!r} must be among {', '.join(allowed)}. Received: {', '.join(unknown)}"
        )
    if budget_evaluations is not None:
        check.integer("budget_evaluations", budget_evaluations, 1)
    if budget_minutes is not None:
        check.real("budget_minutes", budget_minutes, check.real("beside_minutes", beside_minutes, 0), above=True)
    if budget_evaluations is None and budget_minutes is None:
        budget_minutes = default_minutes(method)
    check_potentials(with_potentials, method)
    whole = network
    check_target(target, method)
    if isinstance(x, Recordings):
        check_streams(method, target)
    if target is not None:
        network, x = spinnaker.with_pooled_input(whole), spinnaker.pooled(whole, np.asarray(x))
        if training is not None:
            training = spinnaker.pooled(whole, np.asarray(training[0])), training[1]
    problem = Problem(network, x, y, steps, stages_per[-1], with_potentials, engine, target, vary(method), step_ms)
    if training is not None:
        learn_x = Inputs.of(network, training[0], problem.settings, name="training").x
        training = learn_x, check.labels("training", training[1], len(learn_x), network.classes)
    settings = {
        "problem": problem.hash,
        "method": method,
        "per": stages_per,
        "lambdas": weights,
        "seed": seed,
        "options": dict(options or {}),
        "training": None if training is None else [len(training[0]), _mark(training[0])],
    }
    with nullcontext() if checkpoint is None else alone(checkpoint, "checkpoint", folder=True):
        record = Record(checkpoint, settings, resume)
        with make_evaluator(problem, workers, scheduler) as evaluator:
            search = _Search(
                problem, evaluator, record, weights, budget_evaluations, budget_minutes, progress, began, beside_minutes
            )
            search.on_evaluation = on_evaluation
            if say is not None or not progress:
                search.say = say or (lambda _: None)
            try:
                search.begin()
                learned = training or (problem.x, problem.y)
                stages = _plan(method, stages_per, problem, search.objective, learned, seed, options or {}, progress)
                for number, stage in enumerate(stages):
                    search.run(number, stage)
                search.check_found(method)
            except InputError:
                if not search.history:
                    record.discard()  # nothing was begun
                raise
            except KeyboardInterrupt as interrupt:
                search.close()  # what is on disk is named
                raise KeyboardInterrupt(_how_to_resume(checkpoint)) from interrupt
            finally:
                search.close()
    result = search.result(method, stages_per, seed)
    return replace(result, network=spinnaker.with_pooling_of(whole, result.network)) if target else result


def _mark(x: np.ndarray | Recordings) -> float:
    """What tells data from others."""
    return float((x.t if isinstance(x, Recordings) else x).sum(dtype=np.float64))


def check_streams(method: str, target: str | None) -> None:
    """Raise `InputError` unless `method` can search on event recordings."""
    if method in ("auto", "gradient", "percentile") or target is not None:
        raise InputError(
            "`method` must be weights, subplex, cmaes or onsets, without a target, for event recordings. "
            f"Received: {method!r}" + (f", target {target!r}" if target else "")
        )


def check_target(target: str | None, method: str) -> None:
    """Raise `InputError` unless networks can be evaluated as `target` computes them, by `method`."""
    if target is None:
        return
    check.choice("target", target, TARGETS)
    if method in ("auto", "gradient", "onsets", "weights"):
        raise InputError(
            f"`method` with a target must be subplex, cmaes or percentile, which evaluate its constraints. Received: {method!r}"
        )


def check_potentials(with_potentials: bool, method: str) -> None:
    """Raise `InputError` if initial potentials are asked for where a method never, or always, searches them."""
    if with_potentials and method == "onsets":
        raise InputError(
            "`with_potentials` must be False for method 'onsets', which changes onsets alone. Received: True"
        )
    if with_potentials and method == "weights":
        raise InputError("`with_potentials` must be False for method 'weights', which always has them. Received: True")


def default_minutes(method: str) -> float | None:
    """The budget of a search for which none is given; None for a method whose updates are one."""
    return None if method == "weights" else DEFAULT_MINUTES


def vary(method: str) -> str:
    """What the vectors of a method hold, see `Problem`."""
    return method if method in ("onsets", "weights") else "scales"


def stages_of(method: str, per: str | Sequence[str]) -> tuple[str, ...]:
    """The granularities of a method's stages: `per`, checked, or "layer" where vectors hold no scales."""
    stages = granularities(per)
    return stages if vary(method) == "scales" else ("layer",)


def _how_to_resume(checkpoint: str | os.PathLike[str] | None) -> str:
    if checkpoint is None:
        return "Nothing is kept without a checkpoint folder."
    best = Path(checkpoint) / "best.npz"
    found = f"the best network so far is {best}" if best.is_file() else "no network is better than the first so far"
    return f"Resume with the same arguments and --resume; {found}."


def _plan(
    method: str,
    stages_per: Sequence[str],
    problem: Problem,
    objective: Objective,
    training: tuple[Any, np.ndarray],
    seed: int,
    options: Mapping[str, Any],
    progress: bool,
) -> list[_Stage]:
    """The stages of a method."""
    network, potentials = problem.network, problem.with_potentials
    if isinstance(problem.space, OnsetSpace):

        def onsets(base: np.ndarray, expansion: np.ndarray) -> Searcher:
            return Onsets([layer.onset for layer in network.layers], **options)

        return [_Stage(method, np.arange(problem.space.size), 1.0, onsets)]
    if isinstance(problem.space, WeightSpace):
        space = problem.space

        def weights(base: np.ndarray, expansion: np.ndarray) -> Searcher:
            given = {"base": base, "seed": seed, "progress": progress, **options}
            if isinstance(problem.x, Recordings):  # what comes later is no more of the same, as with images
                given = {"unrolled": problem.settings.steps, "step_us": problem.settings.step_us} | given
            return Weights(space, objective, *training, problem.reference, **given)

        return [_Stage(method, np.arange(space.size), 1.0, weights)]
    whole = problem.space

    def gradient(base: np.ndarray, expansion: np.ndarray) -> Searcher:
        from snnviz.optimization.gradient import Gradient

        given = {"base": base, "expansion": expansion, "seed": seed, "progress": progress, **options}
        return Gradient(whole, objective, *training, problem.settings.steps, **given)

    def subplex(base: np.ndarray, expansion: np.ndarray) -> Searcher:
        from snnviz.optimization.subplex import Subplex

        return Subplex(np.zeros(int(expansion.max()) + 1), **options)

    def polish(base: np.ndarray, expansion: np.ndarray) -> Searcher:
        from snnviz.optimization.subplex import Subplex

        return Subplex(np.zeros(int(expansion.max()) + 1), POLISH_STEP)

    def cmaes(base: np.ndarray, expansion: np.ndarray) -> Searcher:
        from snnviz.optimization.cmaes import CMAES

        return CMAES(np.zeros(int(expansion.max()) + 1), seed=seed, **options)

    builders: dict[str, Callable[[np.ndarray, np.ndarray], Searcher]] = {
        "gradient": gradient,
        "subplex": subplex,
        "cmaes": cmaes,
    }
    stages = []
    for number, per in enumerate(stages_per, start=1):
        coarse = ScaleSpace(network, per, potentials)
        expanded = whole.expansion(coarse)
        begins, ends = (number - 1) / len(stages_per), number / len(stages_per)
        if method == "auto":
            stages.append(_Stage("gradient", expanded, begins + GRADIENT_SHARE * (ends - begins), gradient))
            stages.append(_Stage("polish", expanded, ends, polish))
        elif method == "percentile":

            def percentile(base: np.ndarray, expansion: np.ndarray, space: ScaleSpace = coarse) -> Searcher:
                from snnviz.optimization.percentile import Percentile

                return Percentile(space, problem.x, **options)

            stages.append(_Stage(method, expanded, ends, percentile, absolute=True))
        else:
            stages.append(_Stage(method, expanded, ends, builders[method]))
    return stages


TOLD_AFTER = 5
"""Updates after which is said how many there will be; the first ones hold what is compiled."""


class _Pace:
    """Whether a searcher that learns has to hand out its candidate now, so that it is evaluated in time; and what is said of it.

    Args:
        search: whose time it is.
        stage: what is run.
        searcher: what runs.
    """

    def __init__(self, search: _Search, stage: _Stage, searcher: Searcher) -> None:
        self._search, self._stage = search, stage
        self._updates, self._every = getattr(searcher, "updates", 0), getattr(searcher, "every", 0)
        self._seconds: list[float] = []
        self._before = search.seconds

    def enough(self) -> bool:
        """Called after each update."""
        search = self._search
        if search.minutes is None:
            return False
        now = search.seconds
        # the first holds what was compiled, and the first after an evaluation holds that: the least is what one takes
        self._seconds.append(now - self._before)
        self._before, one = now, min(self._seconds)
        budget, first = 60 * search.minutes, len(search.history) < 2
        if len(self._seconds) == TOLD_AFTER:
            self._tell((budget * self._stage.until - now) / one, one)
        until = min(self._stage.until, FIRST_CANDIDATE) if first else self._stage.until
        return now + one + search._evaluation > budget * until

    def over(self) -> bool:
        """Whether not even one more update could be evaluated in time."""
        search = self._search
        if search.minutes is None or not self._seconds:
            return False
        return search.seconds + min(self._seconds) + search._evaluation > 60 * search.minutes

    def _tell(self, more: float, one: float) -> None:
        """Say of a method that it will not get far."""
        if TOLD_AFTER + more < min(self._every, self._updates):
            self._search.say(
                f"method {self._stage.name} makes about {TOLD_AFTER + max(0, int(more))} of its {self._updates} updates in the "
                f"time it has (one takes {one:.1f} s here): methods subplex and percentile, which only evaluate "
                f"({self._search._evaluation:.1f} s each), fit better"
            )


def _to_standard_error(text: str) -> None:
    sys.stderr.write(f"\rsnnviz: {text}\n")


class _Search:
    """A search in progress: the best so far, the history, the clock."""

    def __init__(
        self,
        problem: Problem,
        evaluator: Evaluator,
        record: Record,
        lambdas: Sequence[float | None],
        evaluations: int | None,
        minutes: float | None,
        progress: bool,
        began: float,
        beside: float,
    ) -> None:
        self.problem, self.evaluator, self.record, self.lambdas = problem, evaluator, record, lambdas
        self.evaluations, self.minutes = evaluations, None if minutes is None else minutes - beside
        self._beside = beside
        self.history: list[Evaluation] = []
        self.on_evaluation: Callable[[int, dict[str, Any]], None] | None = None
        self.say: Callable[[str], None] = _to_standard_error
        self._told = 0
        self._evaluation = 0.0  # seconds that one takes
        self.used: set[str] = set()
        self.stopped = "finished"
        self._earlier = record.seconds
        self._began = began
        self._saved_at = -np.inf
        self._unsaved = False
        self._bar = _progress.bar(evaluations, "optimising", "evaluation", progress)

    @property
    def seconds(self) -> float:
        """Since the beginning, earlier runs included."""
        return self._earlier + time.perf_counter() - self._began

    def begin(self) -> None:
        """Evaluate the start, which fixes the objective."""
        vector = self.problem.space.start()
        if self.minutes is not None and self.problem.key(vector) not in self.record.known:
            self._probe(self.minutes, vector)
        self.start = self._terms([vector], "start")[0]
        self.objective = Objective.at(self.start, self.lambdas)
        self.best, self.best_loss, self.vector = self.start, self.objective.loss(self.start), vector
        self._tell()

    def _probe(self, minutes: float, vector: np.ndarray) -> None:
        """Time an evaluation on a few items, and say or refuse, before the first, a budget that is too small for two.

        Raises:
            InputError: if the start and a candidate cannot be evaluated in time.
        """
        items = len(self.problem.x)
        few = min(PROBE_ITEMS, items)
        reference = self.problem.reference
        self.problem.count(vector, 0, 1)  # compiles what has to be compiled
        least = math.inf
        while True:  # a moment's hiccup would be multiplied, so the least of three, on enough items
            for _ in range(3):
                before = self.seconds
                Terms.of(self.problem.count(vector, 0, few), reference)
                took = self.seconds - before
                least = min(least, took / few)
                if took >= 0.5:
                    break
            if few == items or least * few > PROBE_SECONDS:
                break
            few = min(4 * few, items)
        now = self.seconds
        self._evaluation = least * items
        needed = now + 2 * self._evaluation
        if needed <= 60 * minutes * FIRST_CANDIDATE:
            return
        each, budget = 2 * self._evaluation / items, 60 * minutes
        fit = int(max(budget * FIRST_CANDIDATE - now, (budget - now) / 2) / each)
        fewer = f", or take at most {fit} items" if 1 <= fit < items else ""
        fact = f"evaluating the start and a candidate takes about {needed:.1f} s here, with {items} items"
        remedy = f"allow {self._enough(needed)} minutes{fewer}"
        if needed > 60 * minutes:
            raise InputError(
                f"a search needs more time: {fact}; {remedy}. Received: {minutes + self._beside:.3g} minutes"
            )
        self.say(f"{minutes + self._beside:.3g} minutes are few for this search: {fact}; better {remedy}")

    def _enough(self, seconds: float) -> str:
        """A budget in whose first third so many seconds fit, rounded up; what is needed beside the search may grow with it."""
        whole = seconds / FIRST_CANDIDATE + 60 * self._beside
        return f"{math.ceil(whole * (BESIDE_GROWS if self._beside else 1) / 6) / 10:g}"

    def check_found(self, method: str) -> None:
        """Refuse a search that had time for its start alone.

        Raises:
            InputError: if it had.
        """
        left = self.evaluations is None or len(self.used) < self.evaluations
        if self.minutes is not None and self.stopped == "budget" and left and len(self.history) < 2:
            raise InputError(
                f"method {method} needs more time: its first candidate was there after {self.seconds:.1f} s, and an evaluation "
                f"takes {self._evaluation:.1f} s; allow {self._enough(self.seconds + self._evaluation)} minutes, or take method "
                f"subplex or percentile, which only evaluate. Received: {self.minutes + self._beside:.3g} minutes"
            )

    def run(self, number: int, stage: _Stage) -> None:
        """Run a stage until its searcher has finished or its part of the budget is spent."""
        expansion = stage.expansion
        base = self.problem.space.start() if stage.absolute else self.vector
        if self._spent(stage.until):
            self.stopped = "budget"
            return
        searcher = stage.build(base, expansion)  # may learn or measure for a while
        try:
            self._restore(searcher, number)
            pace = _Pace(self, stage, searcher)
            searcher.enough = pace.enough
            try:
                self._go(number, stage, searcher, base, pace)
            except KeyboardInterrupt:
                self._keep(number, searcher)  # what has been learned since the last candidate
                raise
        finally:
            searcher.close()

    def _go(self, number: int, stage: _Stage, searcher: Searcher, base: np.ndarray, pace: _Pace) -> None:
        """Ask and tell until the searcher has finished or the stage's part of the budget is spent."""
        while not self._spent(stage.until) and not pace.over():
            asked = searcher.ask()
            if not asked:
                return
            vectors = [base + candidate[stage.expansion] for candidate in asked]
            left = len(vectors)
            if self.evaluations is not None:
                left = self._affordable(vectors, round(self.evaluations * stage.until))
            losses = self._losses_in_time(vectors[:left], stage)
            if len(losses) < len(vectors):
                break
            searcher.tell(losses)
            self._keep(number, searcher)
        self.stopped = "budget"

    def _losses_in_time(self, vectors: Sequence[np.ndarray], stage: _Stage) -> list[float]:
        """The losses of the vectors, or of the first of them for which there is time."""
        if self.minutes is None:
            return self._losses(vectors, stage.name)
        losses: list[float] = []
        while len(losses) < len(vectors):
            at_once = self.evaluator.at_once
            batches = LOOK_EVERY_SECONDS / (at_once * self._evaluation) if self._evaluation else 1.0
            some = vectors[len(losses) :][: at_once * max(1, int(batches))]
            new = sum(self.problem.key(vector) not in self.record.known for vector in some)
            if new and self.seconds + new * self._evaluation > 60 * self.minutes:
                break
            losses += self._losses(some, stage.name)
        return losses

    def _affordable(self, vectors: Sequence[np.ndarray], allowed: int) -> int:
        """How many of the vectors can be evaluated before the budget of evaluations is spent."""
        used = set(self.used)
        for count, vector in enumerate(vectors):
            used.add(self.problem.key(vector))
            if len(used) > allowed:
                return count
        return len(vectors)

    def _spent(self, until: float) -> bool:
        """Whether the part `until` of the budget is spent. What an earlier run evaluated is looked up first, at no cost."""
        if self.evaluations is not None and len(self.used) >= round(self.evaluations * until):
            return True
        replaying = len(self.used) < len(self.record.known)
        return self.minutes is not None and not replaying and self.seconds >= 60 * self.minutes * until

    def _losses(self, vectors: Sequence[np.ndarray], stage: str) -> list[float]:
        found = self._terms(vectors, stage)
        losses = [self.objective.loss(terms) for terms in found]
        for vector, terms, loss in zip(vectors, found, losses, strict=True):
            if loss < self.best_loss:
                self.best, self.best_loss, self.vector = terms, loss, vector
                self._unsaved = True
        self._show()
        self._tell()
        return losses

    def _terms(self, vectors: Sequence[np.ndarray], stage: str) -> list[Terms]:
        """The terms of vectors: looked up if known, evaluated if not."""
        keys = [self.problem.key(vector) for vector in vectors]
        new = {key: vector for key, vector in zip(keys, vectors, strict=True) if key not in self.record.known}
        if new:
            before = self.seconds
            counts = self.evaluator.counts(list(new.values()))
            seconds = self.seconds
            self._evaluation = (seconds - before) / len(new)
            self.record.add(
                Evaluation(key, stage, Terms.of(count, self.problem.reference), seconds)
                for key, count in zip(new, counts, strict=True)
            )
        found = [self.record.known[key] for key in keys]
        for evaluation in found:
            if evaluation.key not in self.used:
                self.used.add(evaluation.key)
                self.history.append(evaluation)
                self._bar.update(1)
        return [evaluation.terms for evaluation in found]

    def _keep(self, number: int, searcher: Searcher) -> None:
        state = searcher.state()
        if state is not None:
            own = {f"searcher_{name}": array for name, array in state.items()}
            self.record.save_state(number, own | {"best_vector": self.vector, "used": np.array(self._keys())})
        if self._unsaved and time.perf_counter() - self._saved_at > SAVE_EVERY_SECONDS:
            self._save()

    def _keys(self) -> list[str]:
        return [evaluation.key for evaluation in self.history]

    def _restore(self, searcher: Searcher, number: int) -> None:
        """Put a searcher that keeps its state, and what was found so far, back to where they were in stage `number`."""
        prefix = "searcher_"
        try:
            state = self.record.state(number)
            if state is None:
                return
            keys = [str(key) for key in state["used"].ravel()]
            if any(key not in self.record.known for key in keys):
                return  # the log has lost lines that the state builds on: begin the stage anew, from the cache
            vector = checked_vector(state["best_vector"], self.problem.space.size)
            best = self.problem.key(vector)
            if best not in keys:
                raise InputError("the best vector must be one that was evaluated. Received: another one")
            searcher.restore({name.removeprefix(prefix): state[name] for name in state if name.startswith(prefix)})
        except (ValueError, KeyError) as error:
            what = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(
                f"`checkpoint` must hold a whole stage-{number}.npz. Received: {str(self.record.folder)!r}, where {what}"
            ) from error
        for key in keys:
            if key not in self.used:
                self.used.add(key)
                self.history.append(self.record.known[key])
                self._bar.update(1)
        self.vector, self.best = vector, self.record.known[best].terms
        self.best_loss = self.objective.loss(self.best)
        # whatever has become of the file of the best network
        self._unsaved = self.best_loss < self.objective.loss(self.start)
        self._tell()

    def _show(self) -> None:
        parts = self.objective.parts(self.best)
        text = (
            f"best loss {self.best_loss:.4g} = accuracy {parts[0]:.3g} + latency {parts[1]:.3g} + power {parts[2]:.3g}"
        )
        if self.minutes is not None:
            text += f", {max(0.0, self.minutes - self.seconds / 60):.1f} min left"
        self._bar.set_postfix_str(text, refresh=False)

    def _save(self) -> None:
        self.record.save_network(self.problem.space.apply(self.vector))
        self._unsaved, self._saved_at = False, time.perf_counter()

    def close(self) -> None:
        """Leave everything on disk."""
        self._bar.close()
        if self._unsaved:
            self._save()

    def result(self, method: str, per: Sequence[str], seed: int) -> OptimizationResult:
        """The outcome."""
        network = self.problem.space.apply(self.vector)
        about = {
            "method": method,
            "per": list(per),
            "with_potentials": self.problem.with_potentials,
            "target": self.problem.target,
            "seed": seed,
            "steps": self.problem.settings.steps,
            "items": len(self.problem.x),
            "lambdas": [self.objective.lambda_e, self.objective.lambda_l, self.objective.lambda_p],
            "evaluations": len(self.history),
            "start": vars(self.start),
            "best": vars(self.best),
            "snnviz": __version__,
        }
        network = replace(network, metadata={**network.metadata, "optimization": about})
        return OptimizationResult(
            network=network,
            vector=self.vector,
            start=self.start,
            best=self.best,
            objective=self.objective,
            reference=self.problem.reference,
            history=self._frame(),
            stopped=self.stopped,
            seconds=self.seconds,
        )

    def _tell(self) -> None:
        """Tell who listens of the evaluations that are new."""
        new, self._told = self.history[self._told :], len(self.history)
        if self.on_evaluation is not None:
            for number, evaluation in enumerate(new, start=len(self.history) - len(new)):
                self.on_evaluation(number, self._row(evaluation))

    def _row(self, evaluation: Evaluation) -> dict[str, Any]:
        parts = self.objective.parts(evaluation.terms)
        return {
            "stage": evaluation.stage,
            "loss": sum(parts),
            "accuracy_term": parts[0],
            "latency_term": parts[1],
            "power_term": parts[2],
            **vars(evaluation.terms),
            "seconds": evaluation.seconds,
        }

    def _frame(self) -> pd.DataFrame:
        import pandas as pd

        frame = pd.DataFrame([self._row(evaluation) for evaluation in self.history])
        frame.index.name = "evaluation"
        return frame
