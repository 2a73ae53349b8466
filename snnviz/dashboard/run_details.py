"""One run on a page: its state, how far it is, its log, what came out, and the buttons to stop it or go on with it."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pandas as pd
import panel as pn

from snnviz import plots
from snnviz._amounts import duration, text_of
from snnviz.dashboard import parts, reproducing, uploads
from snnviz.dashboard.plot_card import PlotCard
from snnviz.dashboard.report import written_report
from snnviz.dashboard.run_words import CURVES, state, state_words
from snnviz.dashboard.workspace import MODEL_KINDS, RESULT_KINDS, label
from snnviz.errors import InputError
from snnviz.jobs.spec import leaving
from snnviz.jobs.work.sources import FROM_RUN
from snnviz.simulation.settings import INPUTS, Settings

if TYPE_CHECKING:
    from snnviz.runs import Run

_LOG_LINES = 200
_TIMES = ("epoch", "seconds")
MOST_SCORES = 5000
"""Class scores of an item, classes times steps, that Simulate this keeps: 200 MB for 10 000 items."""


class RunDetails:
    """A card about the run whose id is the page's parameter `opened`; the page calls `update` every second.

    Args:
        page: has the parameters `opened` and `dark`, a `workspace`, a `menu`, a `slug` and the methods `say`, `apart` and `tick`.
        curves: draw the metrics that the run records by step.

    Attributes:
        view: the card; not visible while no run is opened.
    """

    def __init__(self, page: Any, curves: bool = True) -> None:
        self._page = page
        self._history = pd.DataFrame()
        self._shown: Run | None = None
        self._seen: tuple[Any, ...] = ()
        self._head, self._facts, self._log = parts.written(""), parts.written(""), parts.written("")
        self._next = parts.written("")
        self.cancel = self._button("Cancel", self._cancel)
        self.resume = self._button("Resume", self._resume)
        self.simulate = self._button("Simulate this", self._simulate)
        self.report = parts.download("Report", "run.html", lambda: written_report(page, [page.opened]), width=110)
        self.figure = PlotCard(
            page, "metric_history", "How it goes", "What the run records, step by step.",
            self._draw, lambda: plots.metric_history_data({self._name: self._history}, self._metrics()),
            tip="Nothing recorded by step yet.", again=self._curves_again,
        )  # fmt: skip
        self._buttons = parts.box(
            parts.row(
                self.cancel, self.resume, self.simulate, self.report, self._next, classes=["snn-buttons", "snn-actions"]
            ),
            classes=[],
        )
        log = parts.card(parts.heading("Log"), self._log)
        self._alone = None if curves else log
        self.view = parts.box(
            parts.card(self._head, self._buttons, self._facts),
            parts.grid(self.figure.view, log) if curves else log,
            classes=["snn-stack"],
        )
        page.param.watch(lambda *_: self.update(), "opened")
        self.update()

    @property
    def run(self) -> Run | None:
        """The run that is opened, as it is known now."""
        found: Run | None = self._page.workspace.run(self._page.opened)
        return found

    @property
    def _name(self) -> str:
        return self._shown.name or self._shown.kind if self._shown else ""

    def update(self) -> None:
        """Show what is known now, where it differs from what is shown."""
        run = self.run
        self.view.visible = run is not None
        if run is None:
            self._shown, self._seen = None, ()
            return
        seen = (run.id, run.status, run.progress, tuple(run.metrics.items()), run.ahead)
        self._shown = run
        if seen != self._seen:
            self._read(run, self._seen)
            self._seen = seen
        may = self._page.workspace.may_launch
        self.cancel.visible, self.resume.visible = may and run.active, may and run.resumable
        self.simulate.visible = may and run.status == "FINISHED" and run.kind in _NETWORKS
        self.report.visible, self.report.filename = not run.active, f"{run.id[:12]}.html"
        self._next.object = next_steps(run, self._page)
        self._buttons.visible = any(
            (self.cancel.visible, self.resume.visible, self.simulate.visible, self.report.visible, self._next.object)
        )
        self._head.object = _head(run)
        log = self._page.workspace.log(run.id, _LOG_LINES)
        words = f"<pre class='log' tabindex='0'><code>{escape(log)}</code></pre>" if log else _no_log(run)
        if self._log.object != words:
            self._log.object = words
        if self._alone is not None:  # a row of its own, to say that there is none?
            self._alone.visible = bool(log) or run.active

    def _read(self, run: Run, before: tuple[Any, ...]) -> None:
        """Read what takes the store a moment: only when the run has moved."""
        store = self._page.workspace.store
        if store is not None and (not before or before[:1] != (run.id,) or before[3] != tuple(run.metrics.items())):
            try:
                self._history = store.history(run.id, self._metrics() + list(_TIMES))
            except InputError as error:  # deleted a moment ago
                self._history = pd.DataFrame()
                self._page.say(str(error))
            self.figure.redraw()
        self._facts.object = _facts(run)

    def _metrics(self) -> list[str]:
        run = self._shown or self.run
        if run is None:
            return []
        wanted = [name for name in CURVES.get(run.kind, []) if name in run.metrics]
        return wanted or [name for name in run.metrics if name not in _TIMES][:3]

    def _draw(self) -> Any:
        names = [name for name in self._metrics() if name in self._history]
        if not names or len(self._history[names].dropna(how="all")) < 2:
            return None
        return plots.metric_history({self._name: self._history}, names, dark=self._page.dark)

    def _curves_again(self) -> reproducing.Told:
        names = [name for name in self._metrics() if name in self._history]
        told = reproducing.histories({self._name: self._page.opened}, names)
        return reproducing.drawn(self._page.workspace, "metric_history", told, names)

    def _button(self, label: str, work: Callable[[str], tuple[str, str]]) -> Any:
        button = parts.widget(pn.widgets.Button(label=label, width=110, visible=False))
        button.on_click(functools.partial(self._act, work, button))
        return button

    def _act(self, work: Callable[[str], tuple[str, str]], button: Any, _event: Any) -> None:
        """Do what a button says, in a thread, since it may take seconds; it gives words, and the id of a run to lead to."""

        def done(told: tuple[str, str]) -> None:
            self._page.say(*told)
            self._page.tick()

        self._page.apart(functools.partial(work, self._page.opened), done, button)

    def _cancel(self, run_id: str) -> tuple[str, str]:
        self._page.workspace.cancel(run_id)
        return "The run was cancelled. What it had saved is there, and Resume goes on from it.", ""

    def _simulate(self, run_id: str) -> tuple[str, str]:
        """Simulate the network that the opened run left, on the test set, for as many steps and with the input that it knows of.

        Of each item all is kept that page Predictions shows.
        """
        run = self._shown
        told = {} if run is None else run.params
        options: dict[str, Any] = {"network": FROM_RUN + run_id}
        if told.get("steps", "").isdecimal():
            options["steps"] = int(told["steps"])
        if told.get("input") in INPUTS:
            options["input"] = told["input"]
        with contextlib.suppress(InputError):
            classes = self._page.workspace.network_of(run_id).classes
            if classes * options.get("steps", Settings().steps) <= MOST_SCORES:
                options["record"] = ["prediction", "logits", "events"]
        name = f"{self._name}, simulated" if self._name else ""
        made = self._page.workspace.launch({"kind": "simulate", "options": options, "name": name})
        return "Launched. The page Runs lists it; when it has ended, the pages Explorer and Predictions show it.", made

    def _resume(self, run_id: str) -> tuple[str, str]:
        self._page.workspace.resume(run_id)
        return "The run goes on from its last checkpoint.", ""


def next_steps(run: Run, page: Any) -> str:
    """Links to what comes after a finished run, with the forms filled in; nothing where there is no menu, as in a notebook."""
    if run.status != "FINISHED" or not page.menu:
        return ""
    name, source = label(run), FROM_RUN + run.id
    steps = []
    if run.kind in RESULT_KINDS:
        steps += [
            ("Explore", "explorer", {"runs": json.dumps([name])}),
            ("Look at its answers", "predictions", {"run": name}),
            ("Look at its network", "network", {"run": name}),
        ]
    if run.kind in _NETWORKS:
        steps += [
            ("Optimise it", "optimize", {"source": source}),
            ("Map it to SpiNNaker", "hardware", {"source": source}),
        ]
    if run.kind in MODEL_KINDS:
        steps[:0] = [("Fine-tune it", "sparsity", {"source": source}), ("Convert it", "convert", {"source": source})]
    elif (began := page.workspace.model_of(run)) is not None:
        steps[:0] = [("Fine-tune it", "sparsity", began)]
    links = "".join(
        f"<a class='step' href='{escape(slug)}?{escape(urlencode(state))}'>{escape(words)}</a>"
        for words, slug, state in steps
        if slug != page.slug
    )
    return f"<p class='steps'>{links}</p>" if links else ""


_NETWORKS = leaving("network")
"""Kinds of runs that leave a spiking network."""


def _no_log(run: Run) -> str:
    told = "No log was kept: what this run said stood in the terminal or notebook that started it."
    return f"<p class='note missing'>{'Nothing said yet.' if run.active else told}</p>"


def _head(run: Run) -> str:
    fraction = None if run.progress is None else run.progress.fraction
    bar = "" if fraction is None or not run.active else f"<progress max='1' value='{fraction:.4f}'></progress>"
    told = f"{bar} {escape(state_words(run))}".strip()
    return (
        f"<h2>{escape(run.name or run.kind)} <span class='state {escape(run.status)}'>{escape(state(run))}</span></h2>"
        f"<p class='note' role='status'>{escape(run.kind)} · {escape(run.id[:12])} · {duration(run.seconds)}</p>"
        + (f"<p class='progress'>{told}</p>" if told else "")
    )


def _facts(run: Run) -> str:
    """Settings and results side by side."""
    settings = {name: uploads.shown(value) for name, value in run.params.items()}
    results = {name: text_of(value) for name, value in run.metrics.items()}
    halves = []
    for title, entries in (("Settings", settings), ("Last values", results)):
        rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in sorted(entries.items()))
        halves.append(f"<div><h3>{title}</h3><dl>{rows or '<dt>none yet</dt><dd></dd>'}</dl></div>")
    facts = f"<details><summary>Settings and values</summary><div class='halves'>{''.join(halves)}</div></details>"
    return facts + _again(run)


def _again(run: Run) -> str:
    """How to get the same run again."""
    if run.spec is None:
        return ""
    ways = [("the command", reproducing.command(run.spec)), ("as Python", reproducing.python(run.spec))]
    shown = "".join(parts.copied(title, text) for title, text in ways if text)
    return f"<details><summary>The same again</summary>{shown}</details>"
