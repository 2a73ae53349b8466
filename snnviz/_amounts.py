"""Amounts as people read them, in commands, pages, plots and messages alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Units = Sequence[tuple[float, str]]
"""What is one of each unit, the largest first."""
_MANY: Units = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1, ""))


def in_units(value: float, units: Units) -> str:
    """A number in three digits, in the largest unit of which it holds one, or else the smallest: 4.51 µJ."""
    size, unit = next((each for each in units if abs(value) >= each[0]), units[-1])
    return f"{value / size:.3g} {unit}".rstrip()


def count(value: float) -> str:
    """A number of events in three digits: 950, 13.7 k, 1.37 M."""
    return in_units(value, _MANY)


def percent(share: float, digits: int = 2) -> str:
    """A fraction as a percentage: 98.40 %."""
    return f"{100 * share:.{digits}f} %"


def duration(seconds: float) -> str:
    """How long something takes: 8 s, 3 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def text_of(value: Any, longest: int | None = None, digits: int = 6) -> str:
    """A setting or metric, of whatever type, in as many digits and characters at most."""
    text = f"{value:.{digits}g}" if isinstance(value, float) else str(value)
    return text if longest is None or len(text) <= longest else f"{text[: longest - 1]}…"
