"""The runs: what was run, how far it is, what came out; compare, stop, go on."""

from __future__ import annotations

import time
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import param

from snnviz import plots
from snnviz.dashboard import parts
from snnviz.dashboard.components import RadioButtons, RunTable
from snnviz.dashboard.figure import Figure
from snnviz.dashboard.page import Page
from snnviz.dashboard.run_details import CURVES, STATES, RunDetails, duration, state, state_words
from snnviz.dashboard.workspace import RESULT_KINDS, label
from snnviz.errors import InputError

if TYPE_CHECKING:
    from snnviz.runs import Run

ALL = "all"
_LONGEST = 28
COLUMNS = ["Run", "State", "Progress", "Kind", "Best", "Started", "Took"]
_STATES = {ALL: ALL} | {words: status for status, words in STATES.items()}
_BEST = {
    "simulate": ("peak_accuracy", "peak {:.2%}"),
    "optimize": ("best_loss", "loss {:.4g}"),
    "train": ("val_accuracy", "held out {:.2%}"),
    "finetune": ("val_accuracy", "held out {:.2%}"),
    "adapt": ("val_accuracy", "held out {:.2%}"),
}


class Runs(Page):
    """The runs of a store: list with state and progress, details with log, comparison of those that are ticked.

    The arguments are those of `Page`; the workspace needs a store.
    """

    kind: Any = param.Selector(default=ALL, objects=[ALL], doc="kind of runs that are listed")
    state: Any = param.Selector(default=ALL, objects=list(_STATES.values()), doc="state of runs that are listed")
    opened = param.String(default="", doc="id of the run whose details are shown")
    chosen: Any = param.List(default=[], doc="ids of runs to compare")

    slug = "runs"
    title = "Runs"
    heading = "Runs"
    lead = "Everything that was run: what it was told, how far it is, what came out. A run goes on when you close this page."
    terms = ("run", "waiting", "finished", "failed", "cancelled")
    url_state = ("kind", "state", "opened", "chosen")

    def _prepare(self, state: dict[str, Any]) -> None:
        self._seen: Any = None
        kinds = {run.kind for run in self.workspace.runs()} | {"train", "finetune", "optimize", "simulate"}
        self.param.kind.objects = [ALL, *sorted(kinds)]

    def _body(self) -> list[Any]:
        if self.workspace.store is None:
            return [parts.empty("No store of runs", NO_STORE)]
        self.table = RunTable(columns=COLUMNS, sizing_mode="stretch_width", margin=0)
        self.table.link(self, chosen="chosen", opened="opened", bidirectional=True)
        self.table.chosen, self.table.opened = self.chosen, self.opened
        self.nothing = parts.empty("No run yet", EMPTY)
        self._list = parts.card(
            parts.row(
                parts.group("Kind", RadioButtons.from_param(self.param.kind)),
                parts.group("State", RadioButtons.from_param(self.param.state, options=_STATES)),
                classes=["snn-buttons"],
            ),
            self.table,
        )
        self.details = RunDetails(self)
        self._comparison = parts.written("")
        self.histories = Figure(
            self, "metric_history", "Side by side", "The same metric of every run that is ticked.",
            self._draw, lambda: plots.metric_history_data(*self._compared()), redraw=["chosen"],
            tip="These runs have no metric by step in common.",
        )  # fmt: skip
        self.comparison = parts.box(
            parts.card(parts.heading("Compared", "Settings that differ, and what came out."), self._comparison),
            self.histories.view,
            classes=["snn-stack"],
        )
        self.param.watch(lambda *_: self.tick(), ["kind", "state"])
        self.param.watch(lambda *_: self._compare(), "chosen")
        self._compare()
        self.tick()
        self.every(self.tick)
        return [self.nothing, self._list, self.comparison, self.details.view]

    def tick(self) -> None:
        """Show what is known of the store now."""
        runs = self.workspace.runs()
        watcher = self.workspace.watcher
        if watcher is not None and watcher.problem:
            self.say(watcher.problem)
        ready = watcher is not None and watcher.ready
        self.nothing.visible, self._list.visible = ready and not runs, bool(runs)
        listed = [run for run in runs if self.kind in (ALL, run.kind) and self.state in (ALL, run.status)]
        rows = [_row(run) for run in listed]
        if rows != self.table.rows:
            self.table.rows = rows
        self.details.update()

    # --- comparison ---------------------------------------------------------------------------------------------------

    def _runs_chosen(self) -> list[Run]:
        known = {run.id: run for run in self.workspace.runs()}
        return [known[run_id] for run_id in self.chosen if run_id in known]

    def _compare(self) -> None:
        runs, store = self._runs_chosen(), self.workspace.store
        self.comparison.visible = len(runs) > 1
        if len(runs) < 2 or store is None:
            return
        table = store.compare([run.id for run in runs])
        head = ["", "", *(escape(run.name or run.kind) for run in runs)]
        rows = [
            [escape(str(name)), escape(str(part)), *(escape(_value(value)) for value in row)]
            for (part, name), row in zip(table.index, table.to_numpy(), strict=True)
            if name != "name"
        ]
        with_results = [label(run) for run in runs if run.kind in RESULT_KINDS and run.status == "FINISHED"]
        link = ""
        if with_results:
            names = quote("[" + ",".join(f'"{name}"' for name in with_results) + "]")
            link = f"<p><a href='explorer?runs={escape(names)}'>Show their curves in the explorer</a></p>"
        self._comparison.object = parts.table(head, rows, words=2) + link

    def _compared(self) -> tuple[dict[str, Any], str]:
        """Histories by run, and the first metric that all of them tell."""
        runs, store = self._runs_chosen(), self.workspace.store
        if store is None or not runs:
            return {}, ""
        wanted = [name for run in runs for name in CURVES.get(run.kind, [])]
        common = [name for name in wanted if all(name in run.metrics for run in runs)]
        if not common:
            return {}, ""
        return {label(run): store.history(run.id, [common[0]]) for run in runs}, common[0]

    def _draw(self) -> Any:
        histories, metric = self._compared()
        if len(histories) < 2:
            return None
        try:
            return plots.metric_history(histories, metric, dark=self.dark)
        except InputError:
            return None


def _row(run: Run) -> dict[str, Any]:
    metric, text = _BEST.get(run.kind, ("", ""))
    best = text.format(run.metrics[metric]) if metric in run.metrics else ""
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started))
    took = "" if run.status == "SCHEDULED" else duration(run.seconds)
    fraction = run.progress.fraction if run.active and run.progress is not None else None
    return {
        "id": run.id,
        "name": run.name or run.kind,
        "state": run.status,
        "word": state(run),
        "fraction": fraction,
        "cells": ["", state_words(run), run.kind, best, started, took],
    }


def _value(value: Any) -> str:
    if value is None or value != value:
        return "–"
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 2]} …"


NO_STORE = """<p>This page shows the runs of a store. Serve it with one:</p>
<pre><code>snnviz dashboard --tracking-uri snnviz-runs</code></pre>"""
EMPTY = """<p>Launch one from the pages <a href='sparsity'>Sparsity</a> or <a href='optimize'>Optimise</a>,
or on the command line:</p>
<pre><code>snnviz simulate dense-mnist-heuristic --limit 1000 --track --out result.nc
snnviz optimize dense-mnist-heuristic --minutes 2</code></pre>
<p class='note'>Every one appears here, with its log and its progress.</p>"""
