"""Stopping when sure: each item ends at its own step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import check_fields, checked
from snnviz._margins import gap, softmax_margin
from snnviz.errors import InputError
from snnviz.simulation.settings import Settings

RULES = ("margin", "gap")


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When an item ends: after the first step at which the network is sure enough of its answer, or after the last.

    Attributes:
        level: how sure; one number, or with rule "gap" one for each step.
        rule: "margin", the difference of the two largest values of softmax(z / temperature) is at least `level`, in [0, 1],
            z being the class scores (as `snnviz.metrics.confidence_cutoff` computes it afterwards); or "gap", the difference
            of the two largest scores is above `level`, the top-k cut-off of SNNCutoff (Wu et al. 2025,
            doi:10.3389/fnins.2025.1522788), which learns one level for each step.
        temperature: of the margin, in units of the class scores.
    """

    level: float | tuple[float, ...]
    rule: str = "margin"
    temperature: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        check.choice("stop.rule", self.rule, RULES)
        check.real("stop.temperature", self.temperature, 0, above=True)
        if isinstance(self.level, tuple):
            if self.rule == "margin":
                raise InputError("`stop.level` of rule 'margin' must be one number. Received: several")
            if not self.level:
                raise InputError("`stop.level` must hold at least one number. Received: none")
            for level in self.level:
                check.real("stop.level", level)
        elif self.rule == "margin":
            check.real("stop.level", self.level, 0, 1)
        else:
            check.real("stop.level", self.level)

    @classmethod
    @checked
    def of(cls, value: Stop | Mapping[str, Any] | float | None) -> Stop | None:
        """`value` as a Stop: one already, a number for a softmax margin, a mapping of the fields, or None."""
        if value is None or isinstance(value, Stop):
            return value
        if isinstance(value, Mapping):
            unknown = sorted(set(map(str, value)) - set(cls.__dataclass_fields__))
            if unknown or "level" not in value:
                allowed = ", ".join(cls.__dataclass_fields__)
                raise InputError(
                    f"`stop` must hold a level, and may hold {allowed}. Received: {sorted(map(str, value))}"
                )
            level = value["level"]
            several = isinstance(level, Sequence) and not isinstance(level, str)
            return cls(**{**value, "level": tuple(level) if several else level})
        return cls(level=check.real("stop", value, 0, 1))

    @checked
    def check(self, settings: Settings, classes: int) -> None:
        """Raise `InputError` where there are no two scores to compare, or a number of levels that is not that of the steps."""
        if classes < 2:
            raise InputError(f"`stop` needs at least two classes. Received: a network of {classes}")
        if isinstance(self.level, tuple) and len(self.level) != settings.steps:
            raise InputError(
                f"`stop.level` must be one number, or one for each of the {settings.steps} steps. Received: {len(self.level)}"
            )

    def sure(self, scores: np.ndarray, first: int = 0) -> np.ndarray:
        """Whether items are sure enough: bool (items, steps), from scores (items, steps, classes) of the steps from `first` on,
        counted from 0. Scores are taken as a result keeps them, float32."""
        scores = np.asarray(scores, np.float32)
        if self.rule == "margin":
            return softmax_margin(scores, self.temperature) >= self.level
        level = np.asarray(self.level, np.float64)
        return gap(scores) > (level[first : first + scores.shape[1]] if level.ndim else level)

    def exits(self, scores: np.ndarray) -> np.ndarray:
        """The step, from 1, after which each item ends: int64 (items,), from scores (items, time, classes)."""
        sure = self.sure(scores)
        return np.where(sure.any(axis=1), sure.argmax(axis=1), scores.shape[1] - 1) + 1


def read_out(output: np.ndarray, settings: Settings) -> np.ndarray:
    """Class scores from the output layer's membrane potentials, both (items, time, classes); see `Settings.readout`."""
    if settings.readout == "membrane":
        return output
    if settings.readout == "cumulative":
        return np.cumsum(output, axis=1, dtype=np.float64)
    average = np.empty(output.shape, np.float64)
    state = np.zeros_like(output[:, 0], np.float64)
    for step in range(output.shape[1]):
        state = settings.decay * state + (1 - settings.decay) * output[:, step]
        average[:, step] = state
    return average
