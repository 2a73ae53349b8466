"""Runs side by side: what differs, their curves over each other, and which settings made the difference."""

from __future__ import annotations

import contextlib
import itertools
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
import panel as pn

from snnviz import plots
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.plot_card import PlotCard
from snnviz.dashboard.report import written_report
from snnviz.dashboard.run_words import comparison_table, less_is_better, seeds_table
from snnviz.dashboard.workspace import RESULT_KINDS, label
from snnviz.errors import InputError
from snnviz.runs import importance, over_seeds, seeds, settings_table
from snnviz.runs.influence import FEWEST

if TYPE_CHECKING:
    from snnviz.runs import Run

MOST_LINES = 300
MOST_AXES = 9
MOST_SHOWN = 7


class Comparison:
    """The runs that are ticked, side by side.

    Args:
        page: has the parameters `chosen`, `metric`, `alike` and `dark`, a `workspace` and the method `say`.

    Attributes:
        view: the cards; not visible while fewer than two runs are ticked.
    """

    def __init__(self, page: Any) -> None:
        self._page = page
        self.words = parts.written("")
        self.histories = PlotCard(
            page, "metric_history", "Side by side", "The same metric of every run that is ticked.",
            self._draw, lambda: plots.metric_history_data(self._histories(), page.metric), redraw=["chosen", "metric"],
            tip="These runs have no metric by step in common.",
            controls=[
                parts.group("Metric", pn.widgets.Select.from_param(page.param.metric, label="", width=220), METRIC_HELP)
            ],
            again=lambda: reproducing.drawn(
                page.workspace, "metric_history",
                reproducing.histories({label(run): run.id for run in self.runs()}, [page.metric]), page.metric,
            ),
        )  # fmt: skip
        self.curves = PlotCard(
            page, "accuracy_over_time", "Their curves", "Accuracy over time of the ticked runs that left a result.",
            self._draw_curves, lambda: plots.accuracy_over_time_data(self._results()), redraw=["chosen"],
            tip="None of these runs left a simulation.",
            again=lambda: reproducing.drawn(
                page.workspace, "accuracy_over_time", reproducing.results(page.workspace, list(self._results())),
                names=list(self._results()), zoom="top", log=True,
            ),
        )  # fmt: skip
        alike = parts.group(
            "Settings", pn.widgets.Toggle.from_param(page.param.alike, label="also those that are equal"), ALIKE_HELP
        )
        self.report = parts.download(
            "Report", "comparison.html", lambda: written_report(page, [run.id for run in self.runs()]), width=110
        )
        self.view = parts.box(
            parts.card(
                parts.heading("Compared", "Settings that differ are marked, and so is the best of each metric."),
                self.words,
                parts.row(alike, self.report, classes=["snn-buttons"]),
                classes=["snn-loose"],
            ),
            parts.grid(self.curves.view, self.histories.view),
            classes=["snn-stack"],
        )
        page.param.watch(lambda *_: self.update(), ["chosen", "alike"])
        self.update()

    def runs(self) -> list[Run]:
        """The runs that are ticked, in the order in which they were."""
        known = {run.id: run for run in self._page.workspace.runs()}
        return [known[run_id] for run_id in self._page.chosen if run_id in known]

    def update(self) -> None:
        """Show the runs that are ticked now."""
        runs, store = self.runs(), self._page.workspace.store
        self.view.visible = len(runs) > 1
        common = sorted(set.intersection(*(set(run.metrics) for run in runs))) if runs else []
        objects: list[Any] = common or [None]
        selector = self._page.param.metric
        first = next((name for name in ("accuracy", "best_loss", "val_accuracy", "loss") if name in common), objects[0])
        keep = self._page.metric if self._page.metric in common else first
        selector.objects = [*dict.fromkeys([*selector.objects, *objects])]
        self._page.metric = keep
        selector.objects = objects
        if len(runs) < 2 or store is None:
            return
        try:
            table = store.compare([run.id for run in runs], self._page.alike)
        except InputError as error:  # deleted a moment ago
            self._page.say(str(error))
            return
        self.curves.view.visible = bool(self._results())
        words = comparison_table(table, [run.name or run.kind for run in runs]) + seeds_table(over_seeds(runs))
        self.words.object = words + self._link(runs)

    @staticmethod
    def _link(runs: list[Run]) -> str:
        with_results = [label(run) for run in runs if run.kind in RESULT_KINDS and run.status == "FINISHED"]
        if not with_results:
            return ""
        names = quote("[" + ",".join(f'"{name}"' for name in with_results) + "]")
        return f"<p><a href='explorer?runs={escape(names)}'>Show their curves in the explorer</a></p>"

    def _results(self) -> dict[str, Any]:
        """The results that the ticked runs left, by name."""
        found = {}
        for run in self.runs():
            with contextlib.suppress(InputError):  # cut off before it left one, or made elsewhere
                if run.kind in RESULT_KINDS and run.status == "FINISHED":
                    found[label(run)] = self._page.workspace.result(label(run))
        return dict(itertools.islice(found.items(), MOST_SHOWN))

    def _histories(self) -> dict[str, pd.DataFrame]:
        store = self._page.workspace.store
        return (
            {label(run): store.history(run.id, [self._page.metric]) for run in self.runs()} if store is not None else {}
        )

    def _draw(self) -> Any:
        if len(self.runs()) < 2 or self._page.metric is None:
            return None
        histories = self._histories()
        if all(len(history) < 2 for history in histories.values()):
            raise InputError("This metric was recorded once and not by step: the table above has it.")
        return plots.metric_history(histories, self._page.metric, dark=self._page.dark)

    def _draw_curves(self) -> Any:
        results = self._results() if len(self.runs()) > 1 else {}
        return plots.accuracy_over_time(results, zoom="top", log=True, dark=self._page.dark) if results else None


class Influence:
    """Which settings made the difference among the runs that are listed.

    Args:
        page: has the parameters `shown` (ids), `target` and `dark`, and a `workspace`.

    Attributes:
        view: the cards, which are not visible where no setting differs.
    """

    def __init__(self, page: Any) -> None:
        self._page = page
        choice = parts.group(
            "What came out", pn.widgets.Select.from_param(page.param.target, label="", width=220), TARGET_HELP
        )
        self.lines = PlotCard(
            page, "parallel_coordinates", "Settings and what came out",
            "A line for each listed run, across its settings to what came out.",
            lambda: plots.parallel_coordinates(self._told(), page.target, dark=page.dark),
            lambda: plots.parallel_coordinates_data(self._told(), page.target), redraw=["shown", "target"], controls=[choice],
            size=(plots.DOUBLE_COLUMN, None),
            again=lambda: reproducing.drawn(page.workspace, "parallel_coordinates", self._table_again(), page.target),
        )  # fmt: skip
        self.bars = PlotCard(
            page, "setting_importance", "Which setting decides",
            "How much each decides whether a listed run is among the best (PED-ANOVA). A hint, where runs are few.",
            lambda: plots.setting_importance(self._importances(), dark=page.dark), self._importances,
            redraw=["shown", "target"],
            again=lambda: reproducing.drawn(
                page.workspace, "setting_importance", {"importances": reproducing.frame(self._importances())}
            ),
        )  # fmt: skip
        self.view = parts.grid(self.lines.view, self.bars.view)
        page.param.watch(lambda *_: self.update(), "shown")
        self.update()

    def runs(self) -> list[Run]:
        """The finished runs that are listed, of the kind that most of them are of: others have other settings."""
        known = {run.id: run for run in self._page.workspace.runs() if run.status == "FINISHED"}
        found = [known[run_id] for run_id in self._page.shown if run_id in known]
        kinds = [run.kind for run in found]
        return [run for run in found if run.kind == max(kinds, key=kinds.count)]

    def update(self) -> None:
        """Offer the metrics of the runs that are listed now."""
        runs = self.runs()
        counts = pd.Series([name for run in runs for name in run.metrics], dtype=object).value_counts()
        names = [str(name) for name, count in counts.items() if count > 2]
        objects: list[Any] = sorted(names) or [None]
        selector = self._page.param.target
        wanted = ("peak_accuracy", "test_accuracy", "val_accuracy", "best_loss")
        keep = self._page.target if self._page.target in names else next((n for n in wanted if n in names), objects[0])
        selector.objects = [*dict.fromkeys([*selector.objects, *objects])]
        self._page.target = keep
        selector.objects = objects
        told = bool(names) and len(self.table().columns) > 2
        self.view.visible = told

    def table(self) -> pd.DataFrame:
        """Settings and what came out, of what the runs that are listed have in common."""
        if self._page.target is None:
            raise InputError("Three finished runs with a metric in common are needed.")
        found = settings_table(self.runs()[:MOST_LINES], self._page.target)
        return found[[name for name in found if name not in _NO_SETTINGS]]

    def _table_again(self) -> dict[str, str]:
        """The Python that reads the table that is drawn, from the runs."""
        ids = [run.id[:12] for run in self.runs()[:MOST_LINES]]
        return {
            "_runs": f"[store.get(run_id) for run_id in {ids}]",
            "table": f"snnviz.runs.settings_table(_runs, {self._page.target!r})[{list(self._told())}]",
        }

    def _told(self) -> pd.DataFrame:
        """The table with no more settings than can be drawn: the most important ones."""
        table = self.table()
        if len(table.columns) <= MOST_AXES + 2:
            return table
        try:
            first = list(self._importances()["setting"][:MOST_AXES])
        except InputError:  # Optuna is not installed
            first = [name for name in table if name not in ("run", self._page.target)][:MOST_AXES]
        return table[["run", *first, self._page.target]]

    def _importances(self) -> pd.DataFrame:
        table = self.table()
        if len(table) < FEWEST:
            raise InputError(f"{FEWEST} finished runs of one kind are needed to tell; {len(table)} are listed.")
        return importance(table, self._page.target, high=not less_is_better(self._page.target))


METRIC_HELP = "What is drawn of each ticked run, step by step. Listed are the metrics that all of them recorded."
ALIKE_HELP = "The table shows the settings in which the ticked runs differ; switched on, it shows all of them."
TARGET_HELP = "The metric, of the listed runs, that is set against their settings."
_NO_SETTINGS = ("network_hash", "model_hash", "data_hash", *seeds.FILES)
"""What runs are told beside settings: names of files, and what identifies what they were given."""
