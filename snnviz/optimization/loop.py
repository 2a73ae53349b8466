"""`optimize`: searchers, evaluations, budget and record put together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz import pretrained
from snnviz._arguments import checked
from snnviz._writing import alone
from snnviz.errors import InputError
from snnviz.events import Recordings
from snnviz.hardware.spinnaker import model as spinnaker
from snnviz.network import SpikingNetwork
from snnviz.optimization import methods
from snnviz.optimization.evaluations import Evaluations
from snnviz.optimization.objective import LAMBDA_E, checked_lambdas
from snnviz.optimization.problem import Problem
from snnviz.optimization.search import OptimizationResult, Search, now
from snnviz.optimization.workers import make_evaluator
from snnviz.simulation.encoding import Inputs


@checked
def optimize(
    network: SpikingNetwork | str | os.PathLike[str],
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
    input: str = "spiking",
) -> OptimizationResult:
    """Search for scales that let the right answer come out early and cheaply: minimise L_SNN (module `objective`).

    Unless the method is "weights", the network's weights stay what they are but for one scale per network, layer or channel, which
    changes how often neurons fire and not what they stand for; the ANN remains the same. Nothing random is taken from global
    state: the same arguments ask for the same evaluations, whatever the number of workers, and an interrupted search that is
    resumed goes on as if it had not been interrupted (on the same machine; a budget in minutes makes it end where time ends it).

    Args:
        network: H_0: as `snnviz.convert` gives it, a file, or the name of a shipped one.
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
        options: further arguments of the searcher (its `options`), e.g. {"updates": 500}.
        checkpoint: folder that holds the search's state after each evaluation, and its best network so far (`best.npz`).
        resume: go on from `checkpoint`; one that is empty is begun.
        progress: show evaluations, the best loss and its three parts, and the time left.
        on_evaluation: called with number and row of `OptimizationResult.history` of each evaluation, those of an earlier run that
            is resumed included.
        step_ms: milliseconds of a step, of recordings.
        input: how images arrive: "spiking", or "analog", which is direct coding; not with a target.
        say: called with a sentence where the budget of time is small for the method; None writes it to standard error, where
            `progress` is true.

    Raises:
        InputError: if an argument is wrong, the network has no hidden layers, the checkpoint is another search's, another
            search is writing it, or no candidate can be evaluated in `budget_minutes`.
        KeyboardInterrupt: on Ctrl-C, with a message that says how to resume.
    """
    began = now()
    if not isinstance(network, SpikingNetwork):
        network = pretrained.network(network)
    stages_per = methods.stages_of(method, per)
    weights = checked_lambdas(lambdas)
    check.integer("seed", seed, 0)
    methods.check_options(method, options)
    if budget_evaluations is not None:
        check.integer("budget_evaluations", budget_evaluations, 1)
    if budget_minutes is not None:
        check.real("budget_minutes", budget_minutes, check.real("beside_minutes", beside_minutes, 0), above=True)
    if budget_evaluations is None and budget_minutes is None:
        budget_minutes = methods.default_minutes(method)
    methods.check_potentials(with_potentials, method)
    whole = network
    methods.check_target(target, method)
    methods.check_input(input, target)
    if isinstance(x, Recordings):
        methods.check_streams(method, target)
    if target is not None:
        network, x = spinnaker.with_pooled_input(whole), spinnaker.pooled(whole, np.asarray(x))
        if training is not None:
            training = spinnaker.pooled(whole, np.asarray(training[0])), training[1]
    problem = Problem(
        network, x, y, steps, stages_per[-1], with_potentials, engine, target, methods.vary(method), step_ms, input
    )
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
        record = Evaluations(checkpoint, settings, resume)
        with make_evaluator(problem, workers, scheduler) as evaluator:
            search = Search(
                problem, evaluator, record, weights, budget_evaluations, budget_minutes, progress, began, beside_minutes
            )
            search.on_evaluation = on_evaluation
            if say is not None or not progress:
                search.say = say or (lambda _: None)
            try:
                search.begin()
                learned = training or (problem.x, problem.y)
                stages = methods.stages(
                    method, stages_per, problem, search.objective, learned, seed, options or {}, progress
                )
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


def _how_to_resume(checkpoint: str | os.PathLike[str] | None) -> str:
    if checkpoint is None:
        return "Nothing is kept without a checkpoint folder."
    best = Path(checkpoint) / "best.npz"
    found = f"the best network so far is {best}" if best.is_file() else "no network is better than the first so far"
    return f"Resume with the same arguments and --resume; {found}."
