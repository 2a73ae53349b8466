"""The runs: what was run, how far it is, what came out; find, mark, compare, stop, go on, delete."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from snnviz.dashboard import parts, run_columns
from snnviz.dashboard.comparing import Comparison, Influence
from snnviz.dashboard.components import RadioButtons, RunTable
from snnviz.dashboard.page import Page
from snnviz.dashboard.run_details import RunDetails
from snnviz.errors import InputError
from snnviz.runs import matching
from snnviz.runs.run import STATES

if TYPE_CHECKING:
    from snnviz.runs import Run

ALL = "all"
_STATES = {ALL: ALL} | {words: status for status, words in STATES.items()}


class Runs(Page):
    """The runs of a store: list with state and progress, details with log, comparison of those that are ticked.

    The arguments are those of `Page`; the workspace needs a store.
    """

    kind: Any = param.Selector(default=ALL, objects=[ALL], doc="kind of runs that are listed")
    state: Any = param.Selector(default=ALL, objects=list(_STATES.values()), doc="state of runs that are listed")
    search = param.String(default="", doc="words and comparisons that listed runs fit, see snnviz.runs.matching")
    starred = param.Boolean(default=False, doc="list those with a star alone")
    sort = param.String(default="-started", doc="column that the list is sorted by, with a minus for falling values")
    columns: Any = param.ListSelector(default=run_columns.DEFAULT, objects=run_columns.DEFAULT, doc="further columns")
    opened = param.String(default="", doc="id of the run whose details are shown")
    chosen: Any = param.List(default=[], doc="ids of runs to compare")
    alike = param.Boolean(default=False, doc="compare settings that are alike, too")
    metric: Any = param.Selector(default=None, objects=[None], doc="metric of the ticked runs that is drawn by step")
    target: Any = param.Selector(default=None, objects=[None], doc="metric of the listed runs that settings explain")
    shown: Any = param.List(default=[], doc="ids of the runs that are listed")

    place, slug = 100, "runs"
    title = "Runs"
    heading = "Runs"
    lead = "Everything that was run: what it was told, how far it is, what came out. A run goes on when you close this page."
    terms = ("run", "waiting", "finished", "failed", "cancelled")
    url_state = ("kind", "state", "search", "starred", "sort", "columns", "opened", "chosen", "alike")

    def _prepare(self, state: dict[str, Any]) -> None:
        kinds = {run.kind for run in self.workspace.runs()} | {"train", "finetune", "optimize", "simulate"}
        self.param.kind.objects = [ALL, *sorted(kinds)]
        self.param.columns.objects = run_columns.known(self.workspace.runs())
        self._deleted: list[str] = []

    def _body(self) -> list[Any]:
        if self.workspace.store is None:
            return [parts.empty("No store of runs", NO_STORE)]
        star = self._star if self.workspace.may_launch else None
        self.table = RunTable(star, sort=self.sort, sizing_mode="stretch_width", margin=0)
        self.table.link(self, chosen="chosen", opened="opened", sort="sort", picked="columns", bidirectional=True)
        self.table.picked = self.columns
        self.table.chosen, self.table.opened = self.chosen, self.opened
        self.nothing = parts.empty("No run yet", EMPTY)
        self._found = parts.written("")
        self._list = parts.card(*self._filters(), self.table, self._found, self._deleting(), classes=["snn-loose"])
        self.details = RunDetails(self)
        self.editor = Editor(self)
        self.comparison = Comparison(self)
        self.influence = Influence(self)
        self.param.watch(
            lambda *_: self.tick(), ["kind", "state", "search", "starred", "sort", "columns", "chosen", "opened"]
        )
        self.tick()
        self.every(self.tick)

        def below(card: Any) -> pn.Column:
            return self.later(lambda: card.view, shown=False)

        cards = (self.comparison, self.details, self.editor, self.influence)
        return [self.nothing, self._list, *map(below, cards)]

    def _filters(self) -> list[Any]:
        search = pn.widgets.TextInput.from_param(
            self.param.search, label="", placeholder="peak_accuracy>0.98", width=260
        )
        return [
            parts.row(
                parts.group("Search", search, SEARCH_HELP),
                parts.group("Kind", RadioButtons.from_param(self.param.kind), KIND_HELP),
                parts.group("State", RadioButtons.from_param(self.param.state, options=_STATES), STATE_HELP),
                parts.group(
                    "Marked", pn.widgets.Toggle.from_param(self.param.starred, label="★ only", width=80), STAR_HELP
                ),
                classes=["snn-buttons"],
            ),
        ]

    def tick(self) -> None:
        """Show what is known of the store now."""
        runs = self.workspace.runs()
        watcher = self.workspace.watcher
        if watcher is not None and watcher.problem:
            self.say(watcher.problem)
        ready = watcher is not None and watcher.ready
        self.nothing.visible, self._list.visible = ready and not runs and not self._deleted, bool(runs or self._deleted)
        self._offer(runs)
        listed = self._listed(runs)
        keys = list(self.columns)
        heads = [*run_columns.FIXED, *keys]
        self.table.param.update(
            keys=heads,
            words=[key for key in heads if run_columns.column(key).words],
            columns=[run_columns.column(key).title for key in heads],
        )
        rows = [run_columns.row(run, keys) for run in listed]
        if rows != self.table.rows:
            self.table.rows = rows
        self.shown = [run.id for run in listed if run.status == "FINISHED"]
        self.remove.visible = bool(self.chosen) and self.workspace.may_launch
        self.details.update()
        self.editor.update()

    def _listed(self, runs: list[Run]) -> list[Run]:
        """The runs that are asked for, in the order that is."""
        fits = [
            run
            for run in runs
            if self.kind in (ALL, run.kind) and self.state in (ALL, run.status) and (run.starred or not self.starred)
        ]
        try:
            found = run_columns.ordered(matching(fits, self.search), self.sort)
        except (InputError, ValueError) as error:
            self._found.object = parts.missing(str(error).replace("`query`", "A search"))
            return []
        some = "" if len(found) == len(runs) else f"{len(found)} of {len(runs)} runs"
        self._found.object = parts.missing(some) if some else ""
        return found

    def _offer(self, runs: list[Run]) -> None:
        """Offer the columns that the runs have something for."""
        known = run_columns.known(runs)
        for key in set(self.columns) - set(known.values()):  # of runs that are no more
            known[key.split(".", 1)[-1]] = key
        if dict(self.param.columns.names or {}) != known:
            self.param.columns.objects = known
        offered = [[title, key] for title, key in known.items()]
        if self.table.offered != offered:
            self.table.offered = offered

    # --- what changes runs ----------------------------------------------------------------------------------------------

    def _star(self, run_id: str) -> None:
        run = self.workspace.run(run_id)
        if run is not None:
            star = not run.starred
            self.apart(lambda: self.workspace.edit(run_id, star=star), lambda _: self.tick(), self.remove)

    def _deleting(self) -> Any:
        self.remove = parts.widget(pn.widgets.Button(label=_DELETE, width=190, visible=False))
        self.undo = parts.widget(pn.widgets.Button(label="Undo: bring them back", width=190, visible=False))
        self.remove.on_click(lambda _event: self._delete())
        self.undo.on_click(lambda _event: self._restore())

        def calm(*_: Any) -> None:
            self.remove.label = _DELETE

        self.param.watch(calm, "chosen")
        return parts.row(self.remove, self.undo, classes=["snn-buttons"])

    def _delete(self) -> None:
        """Delete the ticked runs, when asked a second time."""
        ids = list(self.chosen)
        if self.remove.label == _DELETE:
            self.remove.label = f"Really delete {len(ids)} {'run' if len(ids) == 1 else 'runs'}?"
            return

        def gone(_run_id: str) -> None:
            self._deleted = ids
            self.undo.visible = True
            self.chosen = []
            self.opened = "" if self.opened in ids else self.opened
            self.say("Deleted. Undo brings all but their logs and checkpoints back; `mlflow gc` removes them for good.")
            self.tick()

        self.apart(functools.partial(self.workspace.delete, ids), gone, self.remove)

    def _restore(self) -> None:
        def back(_run_id: str) -> None:
            self._deleted = []
            self.undo.visible = False
            self.say("The runs are back.")
            self.tick()

        self.apart(functools.partial(self.workspace.restore, self._deleted), back, self.undo)


class Editor:
    """A card to say something of the opened run: its name, labels, a note.

    Args:
        page: has the parameter `opened`, a `workspace`, and the methods `say`, `apart` and `tick`.

    Attributes:
        view: the card; not visible while no run is opened, or nothing may be changed.
    """

    def __init__(self, page: Any) -> None:
        self._page, self._of = page, ""
        self.name = pn.widgets.TextInput(width=260)
        self.labels = pn.widgets.TextInput(width=260, placeholder="baseline, paper")
        self.note = pn.widgets.TextAreaInput(height=70, sizing_mode="stretch_width", max_length=5000)
        self.save = parts.widget(pn.widgets.Button(label="Save", width=110))
        self.save.on_click(lambda _event: self._save())
        self.view = parts.card(
            parts.heading("Name, labels and note"),
            parts.row(
                parts.group("Name", self.name, "What lists and plots call the run."),
                parts.group("Labels", self.labels, "Words to find it by, with commas between."),
                classes=["snn-buttons"],
            ),
            parts.group("Note", self.note, "Whatever is worth remembering of the run."),
            parts.row(self.save, classes=["snn-buttons"]),
        )
        self.update()

    def update(self) -> None:
        """Show what the opened run has; what is being written stays."""
        run = self._page.details.run
        self.view.visible = run is not None and self._page.workspace.may_launch
        if run is not None and run.id != self._of:
            self.name.value, self.labels.value, self.note.value = run.name, ", ".join(run.labels), run.note
        self._of = "" if run is None else run.id

    def _save(self) -> None:
        words = [word.strip() for word in str(self.labels.value).split(",") if word.strip()]
        name, note, run_id = self.name.value, self.note.value, self._page.opened
        change: Callable[[], str] = functools.partial(
            self._page.workspace.edit, run_id, name=name, labels=words, note=note
        )

        def saved(_run_id: str) -> None:
            self._page.say("Saved.")
            self._page.tick()

        self._page.apart(change, saved, self.save)


_DELETE = "Delete what is ticked"
SEARCH_HELP = (
    "Words that stand in a run's name, settings, labels or note; peak_accuracy>0.98 or steps=50 compare a metric or a setting. "
    "All must fit."
)
KIND_HELP = "What was done, as the commands are called: train, finetune, convert, optimize, simulate and others."
STATE_HELP = "Whether the run waits, is at work, or how it has ended; the glossary at the end says more."
STAR_HELP = "Lists the runs with a star alone; a click on its star marks a run."
NO_STORE = """<p>This page shows the runs of a store. Serve it with one:</p>
<pre><code>snnviz dashboard --tracking-uri snnviz-runs</code></pre>"""
EMPTY = """<p>Launch one from the pages <a href='sparsity'>Sparsity</a> or <a href='optimize'>Optimise</a>,
or on the command line:</p>
<pre><code>snnviz simulate dense-mnist-heuristic --limit 1000 --track --out result.nc
snnviz optimize dense-mnist-heuristic --minutes 2</code></pre>
<p class='note'>Every one appears here, with its log and its progress.</p>"""
