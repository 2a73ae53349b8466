"""A search in progress: what has been tried, the best so far, the clock and the budget."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from snnviz import __version__, _progress
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork
from snnviz.optimization.evaluations import Evaluated, Evaluations
from snnviz.optimization.methods import Stage
from snnviz.optimization.objective import ZERO, Objective, Terms
from snnviz.optimization.pace import FIRST_CANDIDATE, Pace
from snnviz.optimization.problem import Problem
from snnviz.optimization.scales import checked as checked_vector
from snnviz.optimization.searcher import Searcher
from snnviz.optimization.workers import Evaluator

if TYPE_CHECKING:
    import pandas as pd

SAVE_EVERY_SECONDS = 10.0
BESIDE_GROWS = 1.4
PROBE_ITEMS, PROBE_SECONDS = 64, 0.05
"""Items on which an evaluation is timed before the first is begun."""
LOOK_EVERY_SECONDS = 1.0
"""So often, or after each evaluation, a search with a budget of time looks at the clock."""


def now() -> float:
    """Seconds on the clock of searches."""
    return time.perf_counter()


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


def _to_standard_error(text: str) -> None:
    sys.stderr.write(f"\rsnnviz: {text}\n")


class Search:
    """A search in progress: the best so far, the history, the clock."""

    def __init__(
        self,
        problem: Problem,
        evaluator: Evaluator,
        record: Evaluations,
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
        self.history: list[Evaluated] = []
        self.on_evaluation: Callable[[int, dict[str, Any]], None] | None = None
        self.say: Callable[[str], None] = _to_standard_error
        self._told = 0
        self.evaluation_seconds = 0.0  # that one takes
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
        return self._earlier + now() - self._began

    def begin(self) -> None:
        """Evaluate the start, which fixes the objective."""
        vector = self.problem.space.start()
        if self.minutes is not None and self.problem.key(vector) not in self.record.known:
            self._probe(self.minutes, vector)
        self.start = self._terms([vector], "start")[0]
        least = None
        if min(abs(self.start.latency), abs(self.start.power)) < ZERO:
            counts = self.problem.count(vector, 0, len(self.problem.x))
            least = Terms.of_one_item(counts, self.problem.reference)
        self.objective = Objective.at(self.start, self.lambdas, least)
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
        spent = self.seconds
        self.evaluation_seconds = least * items
        needed = spent + 2 * self.evaluation_seconds
        if needed <= 60 * minutes * FIRST_CANDIDATE:
            return
        each, budget = 2 * self.evaluation_seconds / items, 60 * minutes
        fit = int(max(budget * FIRST_CANDIDATE - spent, (budget - spent) / 2) / each)
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
        one = self.evaluation_seconds
        left = self.evaluations is None or len(self.used) < self.evaluations
        if self.minutes is not None and self.stopped == "budget" and left and len(self.history) < 2:
            raise InputError(
                f"method {method} needs more time: its first candidate was there after {self.seconds:.1f} s, and an evaluation "
                f"takes {one:.1f} s; allow {self._enough(self.seconds + one)} minutes, or take method "
                f"subplex or percentile, which only evaluate. Received: {self.minutes + self._beside:.3g} minutes"
            )

    def run(self, number: int, stage: Stage) -> None:
        """Run a stage until its searcher has finished or its part of the budget is spent."""
        base = self.problem.space.start() if stage.absolute else self.vector
        if self._spent(stage.until):
            self.stopped = "budget"
            return
        searcher = stage.build(base)  # may learn or measure for a while
        try:
            self._restore(searcher, number)
            pace = Pace(self, stage, searcher)
            searcher.enough = pace.enough
            try:
                self._go(number, stage, searcher, base, pace)
            except KeyboardInterrupt:
                self._keep(number, searcher)  # what has been learned since the last candidate
                raise
        finally:
            searcher.close()

    def _go(self, number: int, stage: Stage, searcher: Searcher, base: np.ndarray, pace: Pace) -> None:
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

    def _losses_in_time(self, vectors: Sequence[np.ndarray], stage: Stage) -> list[float]:
        """The losses of the vectors, or of the first of them for which there is time."""
        if self.minutes is None:
            return self._losses(vectors, stage.name)
        losses: list[float] = []
        while len(losses) < len(vectors):
            at_once = self.evaluator.at_once
            batches = LOOK_EVERY_SECONDS / (at_once * self.evaluation_seconds) if self.evaluation_seconds else 1.0
            some = vectors[len(losses) :][: at_once * max(1, int(batches))]
            new = sum(self.problem.key(vector) not in self.record.known for vector in some)
            if new and self.seconds + new * self.evaluation_seconds > 60 * self.minutes:
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
            self.evaluation_seconds = (seconds - before) / len(new)
            self.record.add(
                Evaluated(key, stage, Terms.of(count, self.problem.reference), seconds)
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
        if self._unsaved and now() - self._saved_at > SAVE_EVERY_SECONDS:
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
        self._unsaved, self._saved_at = False, now()

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
            "input": self.problem.settings.input,
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

    def _row(self, evaluation: Evaluated) -> dict[str, Any]:
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
