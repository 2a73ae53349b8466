"""What the optimiser minimises: one number for how early, how cheaply and how well a spiking network answers.

    L_SNN(H) = lambda_e (1 - peak accuracy) + lambda_l P_l + lambda_p P_p

P_l and P_p are the Pareto latency and power (`snnviz.metrics`), measured against the accuracy of the analog network. By default
lambda_l = 1 / P_l(H_0) and lambda_p = 1 / P_p(H_0) for the start H_0, so that both begin at 1; lambda_e = 200 lets half a per
cent of accuracy balance them (Dutson, Li, Gupta, WACV 2023). A start that is as good as the analog network has terms of zero: the
unit then is what one item more would add, answered wrongly at every step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from snnviz import _checks as check
from snnviz import metrics
from snnviz.errors import InputError

Lambdas = tuple[float, float, float]

LAMBDA_E = 200.0
"""Weight of the accuracy term for MNIST; the paper takes 50 for CIFAR and ImageNet."""


@dataclass(frozen=True, eq=False)
class Counts:
    """What a simulation of some items came to, in whole numbers, so that shards add up exactly.

    Attributes:
        correct: int64 (T,), items classified rightly after each step.
        events: int64 (T,), synaptic events of all items in each step.
        items: number of items.
    """

    correct: np.ndarray
    events: np.ndarray
    items: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.correct + other.correct, self.events + other.events, self.items + other.items)


@dataclass(frozen=True)
class Terms:
    """How a network does on the items of the objective.

    Attributes:
        peak_accuracy: best accuracy at any step, a fraction.
        latency: Pareto latency P_l, time steps.
        power: Pareto power P_p, synaptic events per item.
    """

    peak_accuracy: float
    latency: float
    power: float

    @classmethod
    def of(cls, counts: Counts, reference: float) -> Terms:
        """The terms of a simulation, against the accuracy `reference` of the analog network."""
        import xarray as xr

        curves = xr.Dataset(
            {
                "accuracy": ("time", counts.correct / counts.items),
                "synaptic_events": (("time", "layer"), counts.events[:, None] / counts.items),
            }
        )
        return cls(
            metrics.peak_accuracy(curves),
            metrics.pareto_latency(curves, reference),
            metrics.pareto_power(curves, reference),
        )

    @classmethod
    def of_one_item(cls, counts: Counts, reference: float) -> Terms:
        """The terms that one item more makes which is answered wrongly at every step: the least that so many items can tell."""
        share = 1 / (counts.items * reference)
        return cls(1 / counts.items, len(counts.events) * share, float(counts.events.sum()) / counts.items * share)


@dataclass(frozen=True)
class Objective:
    """L_SNN with its weights fixed.

    Attributes:
        lambda_e: weight of the error 1 - peak accuracy.
        lambda_l: weight of P_l, per time step.
        lambda_p: weight of P_p, per synaptic event and item.
    """

    lambda_e: float
    lambda_l: float
    lambda_p: float

    @classmethod
    def at(
        cls, start: Terms, lambdas: Sequence[float | None] = (LAMBDA_E, None, None), least: Terms | None = None
    ) -> Objective:
        """The objective whose open weights (None) are one over the sizes of the start's terms.

        A term below zero, of a start that is better than its analog network, is a unit as good as one above: what counts is by how
        much of it a network is better or worse.

        Args:
            start: terms of H_0.
            lambdas: (lambda_e, lambda_l, lambda_p), each at least 0; the last two may be None.
            least: units where a term of the start is zero up to rounding, as it may be of few items.

        Raises:
            InputError: for a negative weight, or an open one where the start's term is zero and there is no unit else.
        """
        error, *given = checked_lambdas(lambdas)
        terms = {"lambda_l": start.latency, "lambda_p": start.power}
        if least is not None:
            units = (least.latency, least.power)
            terms = {
                name: unit if abs(term) <= ZERO * unit else term
                for (name, term), unit in zip(terms.items(), units, strict=True)
            }
        filled = []
        for (name, term), weight in zip(terms.items(), given, strict=True):
            if weight is None and term == 0:
                raise InputError(f"`{name}` must be given where nothing says how large its term is. Received: none")
            filled.append(1 / abs(term) if weight is None else weight)
        return cls(float(error or 0), *filled)

    def parts(self, terms: Terms) -> Lambdas:
        """The three terms of the loss, weighted: accuracy, latency, power."""
        return (
            self.lambda_e * (1 - terms.peak_accuracy),
            self.lambda_l * terms.latency,
            self.lambda_p * terms.power,
        )

    def loss(self, terms: Terms) -> float:
        """L_SNN."""
        return float(sum(self.parts(terms)))


ZERO = 1e-6
"""Up to which share of the least unit a term is a rounding error: one more wrong answer is worth a share of 1 / steps or so."""


def checked_lambdas(lambdas: Sequence[float | None]) -> tuple[float, float | None, float | None]:
    """`lambdas` as (lambda_e, lambda_l, lambda_p), of which the last two may be None.

    Raises:
        InputError: if there are not three, or one is negative.
    """
    if not isinstance(lambdas, Sequence) or isinstance(lambdas, str) or len(lambdas) != 3:
        raise InputError(
            "`lambdas` must be three weights (lambda_e, lambda_l, lambda_p), the last two numbers or None. "
            f"Received: {check.describe(lambdas)}"
        )
    error, latency, power = lambdas
    return (
        check.real("lambda_e", error, 0),
        None if latency is None else check.real("lambda_l", latency, 0),
        None if power is None else check.real("lambda_p", power, 0),
    )
