"""Methods of `optimize` by name, and the stages of a search."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz import _extensions
from snnviz._options import one_of, typed
from snnviz.errors import InputError
from snnviz.optimization.objective import Objective
from snnviz.optimization.problem import TARGETS, Problem, Space
from snnviz.optimization.scales import ScaleSpace, granularities
from snnviz.optimization.searcher import SCALES, Beginning, Searcher

GROUP = "snnviz.searchers"
OWN = {
    "gradient": "snnviz.optimization.gradient:Gradient",
    "subplex": "snnviz.optimization.subplex:Subplex",
    "cmaes": "snnviz.optimization.cmaes:CMAES",
    "percentile": "snnviz.optimization.percentile:Percentile",
    "onsets": "snnviz.optimization.onsets:Onsets",
    "weights": "snnviz.optimization.weights:Weights",
}
AUTO = "auto"
"""The gradient, then subplex from the best it found."""
METHODS = (AUTO, *OWN)
"""Methods that snnviz brings."""
GRADIENT_SHARE = 0.8
"""How much of the budget "auto" leaves to the gradient; the rest polishes on the true objective."""
POLISH_STEP = 0.02


def methods() -> tuple[str, ...]:
    """All methods, those of other packages included."""
    return (AUTO, *_extensions.names(GROUP, OWN))


def searcher(method: str) -> type[Searcher]:
    """What searches; the first that does, of "auto".

    Raises:
        InputError: for an unknown method, or one whose package cannot be imported.
    """
    if method == AUTO:
        method = "gradient"
    elif not isinstance(method, str) or method not in OWN:
        check.choice("method", method, methods())
    return _extensions.load("method", method, GROUP, OWN)


def titles() -> dict[str, str]:
    """What forms call our own methods."""
    return {"choose for me": AUTO, **{searcher(name).title: name for name in OWN}}


def about() -> str:
    """What our own methods do, in sentences."""
    first = "Choose for me: along a gradient, then polished without one."
    return " ".join((first, *(searcher(name).about for name in OWN)))


def fitting(fits: Callable[[type[Searcher]], Any]) -> tuple[str, ...]:
    """The methods whose searcher fits."""
    return tuple(name for name in methods() if fits(searcher(name)))


def taking(option: str) -> tuple[str, ...]:
    """The methods whose searcher has an option."""
    return fitting(lambda one: option in one.options)


def usual(option: str) -> str:
    """What our own methods take where an option is not given: the first that has it, and those that take something else."""
    taken = {
        name: inspect.signature(searcher(name)).parameters[option].default
        for name in OWN
        if option in searcher(name).options
    }
    first = next(iter(taken.values()))
    differ = [f"{name} {typed(value)}" for name, value in taken.items() if value != first]
    return "; ".join([typed(first), *differ])


def check_options(method: str, options: Mapping[str, Any] | None) -> None:
    """Raise `InputError` unless a method takes all of the options."""
    allowed = searcher(method).options
    unknown = sorted(set(options or {}) - set(allowed))
    if unknown:
        raise InputError(
            f"`options` of method {method!r} must be among {', '.join(allowed)}. Received: {', '.join(unknown)}"
        )


def check_streams(method: str, target: str | None) -> None:
    """Raise `InputError` unless `method` can search on event recordings."""
    if not searcher(method).streams or target is not None:
        able = one_of(fitting(lambda one: one.streams))
        raise InputError(
            f"`method` must be {able}, without a target, for event recordings. "
            f"Received: {method!r}" + (f", target {target!r}" if target else "")
        )


def check_input(input: str, target: str | None) -> None:
    """Raise `InputError` unless images can arrive so."""
    check.choice("input", input, ("spiking", "analog"))
    if target is not None and input != "spiking":
        raise InputError(f"`input` must be 'spiking' with a target. Received: {input!r}")


def check_target(target: str | None, method: str) -> None:
    """Raise `InputError` unless networks can be evaluated as `target` computes them, by `method`."""
    if target is None:
        return
    check.choice("target", target, TARGETS)
    if not _constrained(searcher(method)):
        able = one_of(fitting(_constrained))
        raise InputError(f"`method` with a target must be {able}, which evaluate its constraints. Received: {method!r}")


def _constrained(one: type[Searcher]) -> bool:
    return one.vary == SCALES and not one.learns


def check_potentials(with_potentials: bool, method: str) -> None:
    """Raise `InputError` if initial potentials are asked for where a method never, or always, searches them."""
    if with_potentials and vary(method) != SCALES:
        raise InputError(
            f"`with_potentials` must be False for method {method!r}, whose vectors hold {vary(method)}. Received: True"
        )


def default_minutes(method: str) -> float | None:
    """The budget of a search for which none is given; None for a method whose updates are one."""
    return searcher(method).minutes


def vary(method: str) -> str:
    """What the vectors of a method hold, see `Problem`."""
    return searcher(method).vary


def stages_of(method: str, per: str | Sequence[str]) -> tuple[str, ...]:
    """The granularities of a method's stages: `per`, checked, or "layer" where vectors hold no scales."""
    stages = granularities(per)
    return stages if vary(method) == SCALES else ("layer",)


@dataclass(frozen=True)
class Stage:
    """A searcher and its part of the budget.

    Attributes:
        name: of the searcher.
        expansion: where each entry of the problem's vectors comes from in those it asks for (`ScaleSpace.expansion`).
        until: fraction of the budget at which the stage ends.
        build: makes the searcher, given the best vector so far.
        absolute: its vectors are relative to H_0 rather than to the best so far.
    """

    name: str
    expansion: np.ndarray
    until: float
    build: Callable[[np.ndarray], Searcher]
    absolute: bool = False


def stages(
    method: str,
    per: Sequence[str],
    problem: Problem,
    objective: Objective,
    training: tuple[Any, np.ndarray],
    seed: int,
    options: Mapping[str, Any],
    progress: bool,
) -> list[Stage]:
    """The stages of a method: one, or one for each granularity of its scales; of "auto" two for each."""
    found: list[Stage] = []
    spaces = _spaces(problem, per)
    for number, (space, expansion) in enumerate(spaces):

        def stage(
            name: str,
            until: float,
            begins: str,
            given: Mapping[str, Any],
            own: tuple[Space, np.ndarray] = (space, expansion),
        ) -> Stage:
            def build(base: np.ndarray) -> Searcher:
                return searcher(begins).begin(
                    Beginning(problem, objective, training, base, own[0], own[1], seed, progress), **given
                )  # fmt: skip

            return Stage(name, own[1], until, build, searcher(begins).absolute)

        ends = (number + 1) / len(spaces)
        if method == AUTO:
            found.append(stage("gradient", (number + GRADIENT_SHARE) / len(spaces), "gradient", options))
            found.append(stage("polish", ends, "subplex", {"step": POLISH_STEP}))
        else:
            found.append(stage(method, ends, method, options))
    return found


def _spaces(problem: Problem, per: Sequence[str]) -> list[tuple[Space, np.ndarray]]:
    """For each stage the space of its vectors, and where the problem's entries come from in them."""
    whole = problem.space
    if not isinstance(whole, ScaleSpace):
        return [(whole, np.arange(whole.size))]
    coarse = [ScaleSpace(problem.network, each, problem.with_potentials) for each in per]
    return [(space, whole.expansion(space)) for space in coarse]
