"""What a budget buys: a card of the explorer that says which network to take, and how sure that is."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd
import panel as pn

from snnviz import energy, uncertainty
from snnviz.dashboard import parts
from snnviz.dashboard.components import RadioButtons

PLATFORMS = [name for name, known in energy.PLATFORMS.items() if known.spiking]
UNITS = {"steps": "steps", "events per item": "events", "nanojoules per item": "joules"}
_SIZES = {"steps": 1.0, "events": 1.0, "joules": 1e-9}


def card(page: Any) -> Any:
    """The card.

    Args:
        page: has the parameters `budget`, `budget_unit`, `platform`, `runs` and `dark`, `results` by name, and the method `live`.
    """
    amount = pn.widgets.FloatInput.from_param(page.param.budget, label="", width=130)
    unit = RadioButtons.from_param(page.param.budget_unit, options=UNITS)
    platform = parts.group(
        "Platform", pn.widgets.Select.from_param(page.param.platform, label="", width=170), _ESTIMATE
    )

    def show(*_: Any) -> None:
        platform.visible = page.budget_unit == "joules"

    page.param.watch(show, "budget_unit")
    show()
    return parts.card(
        parts.heading("Within a budget", "Which network answers best if an answer may take no more, and how sure that is."),
        parts.row(
            parts.group("Budget", amount, _BUDGET), parts.group("Counted in", unit, _UNIT), platform, classes=["snn-buttons"]
        ),
        page.live(lambda: words(page), "budget", "budget_unit", "platform", "runs"),
    )  # fmt: skip


def words(page: Any) -> str:
    """HTML of the table of the networks within the page's present budget."""
    if not page.runs or not page.budget:
        return parts.missing("Choose a run, and a budget above 0.")
    told = uncertainty.within_budget(
        page.results, page.budget * _SIZES[page.budget_unit], page.budget_unit, platform=page.platform
    )
    head = [
        "Network",
        "Stopped at step",
        "Events per item",
        "Energy per item, ≈",
        "Accuracy",
        "95 % interval",
        "Behind the first by",
    ]
    rows = []
    for row in told.itertuples():
        if not row.time:
            rows.append([escape(str(row.run)), *["–"] * 4, "no answer so soon", "–"])
            continue
        rows.append([
            escape(str(row.run)), str(row.time), parts.events(row.events), energy.readable(row.joules),
            f"{100 * row.accuracy:.2f} %", f"{100 * row.low:.2f} to {100 * row.high:.2f} %", behind(row),
        ])  # fmt: skip
    note = f"{told['items'].min():,} items. Energy on {page.platform}, an estimate."
    return parts.table(head, rows) + f"<p class='note notes'>{escape(note)} {escape(advice(told))}</p>"


def behind(row: Any) -> str:
    """By how many points of accuracy a network is behind the best."""
    if pd.isna(row.behind):
        return "–"
    return f"{100 * row.behind:.2f} points ({100 * row.behind_low:+.2f} to {100 * row.behind_high:+.2f})"


def advice(told: pd.DataFrame) -> str:
    """Which one to take, in a sentence."""
    answering = told[told["time"] > 0]
    if answering.empty:
        return "None of them has an answer within this budget."
    best = answering.iloc[0]
    near = [str(row.run) for row in answering[1:].itertuples() if row.behind_low <= 0]
    if near:
        return f"{best['run']} is ahead, but these items cannot tell it from {', '.join(near)}."
    return f"Take {best['run']}." if len(answering) > 1 else f"{best['run']} is the only one that answers."


_BUDGET = "The most that the answer to one item may take. Each network is stopped at its most accurate step within it."
_UNIT = "Time steps, synaptic events, or energy. A nanojoule is a billionth of a joule."
_ESTIMATE = "Energy is an estimate from published constants; the page Network says which."
