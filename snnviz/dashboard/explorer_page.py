"""The explorer: how accurate a spiking network is at every moment, and what that costs."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd
import panel as pn
import param
import xarray as xr
from bokeh.models import ColumnDataSource, TapTool

from snnviz import metrics, plots, reports, uncertainty
from snnviz.dashboard import budget as budgets
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.components import FloatSlider, RadioButtons
from snnviz.dashboard.page import Page
from snnviz.dashboard.plot_card import PlotCard
from snnviz.dashboard.run_details import next_steps
from snnviz.errors import InputError
from snnviz.plots import theme

MOST_SHOWN = 7
"""Curves at once: as many as there are colours."""
_CURVES = {"accuracy_over_time": "time", "accuracy_over_events": "cumulative_events"}
_SCALES = {"accuracy_over_time": "time_scale", "accuracy_over_events": "x_scale"}
_OF_ALL = {*_CURVES, "events_over_time"}
"""Plots of all chosen runs; the others are of one."""


class Explorer(Page):
    """Accuracy against time and against synaptic events, per-layer activity and the metrics of one or more results.

    In a notebook: `Explorer(result)` in a cell after `panel.extension(inline=True)`; as a page: `snnviz.dashboard.serve(result)`.
    The arguments are those of `Page`.
    """

    runs: Any = param.ListSelector(default=[], objects=[], doc="the runs whose curves are shown")
    threshold = param.Number(0.98, bounds=(0.0, 1.0), doc="accuracy to reach, a fraction")
    reference: Any = param.Selector(
        default="common",
        objects=["common", "ann", "peak"],
        doc="A_ref of the Pareto metrics: the best ANN's, each own ANN's or peak",
    )
    budget = param.Number(5.0, bounds=(0, None), inclusive_bounds=(False, True), doc="the most that an answer may take")
    budget_unit: Any = param.Selector(
        default="steps", objects=list(budgets.UNITS.values()), doc="what the budget counts"
    )
    platform: Any = param.Selector(default="Loihi", objects=budgets.PLATFORMS, doc="platform whose energy is estimated")
    frontier = param.Boolean(False, doc="Pareto metrics of the best accuracy so far")
    x_scale: Any = param.Selector(default="linear", objects=["linear", "log"], doc="axis of synaptic events")
    time_scale: Any = param.Selector(default="log", objects=["linear", "log"], doc="axis of time")
    zoom: Any = param.Selector(
        default="top", objects=["all", "top"], doc="accuracy axis: all of it, or where good runs differ"
    )
    plane: Any = param.Selector(default="latency", objects=["latency", "power"], doc="cost axis of the Pareto front")
    run: Any = param.Selector(default=None, objects=[None], doc="the run whose layers are shown")
    runs_told = param.Integer(default=0, doc="triggered when intervals have been computed")

    place, slug = 10, "explorer"
    title = "Explorer"
    heading = "Anytime accuracy explorer"
    lead = (
        "A spiking network has an answer after every time step. This page shows how good the answer is at each moment, "
        "and what it has cost by then."
    )
    terms = (
        "ANN accuracy", "peak accuracy", "threshold", "time to threshold", "events to threshold", "Pareto latency",
        "Pareto power", "Pareto front", "reference", "synaptic event", "spike rate", "event share", "time step", "anytime",
    )  # fmt: skip
    url_state = (
        "runs", "threshold", "reference", "frontier", "x_scale", "time_scale", "zoom", "plane", "run",
        "budget", "budget_unit", "platform",
    )  # fmt: skip

    def _prepare(self, state: dict[str, Any]) -> None:
        names = self.workspace.names()
        self.param.runs.objects = names
        # of what must be read first, no more than two without being asked
        first = self.workspace.given()[:4] or names[:2]
        chosen = self._readable([name for name in state.get("runs") or [] if name in names] or first)
        state["runs"] = chosen
        self.param.run.objects = chosen or [None]
        state.setdefault("run", chosen[0] if chosen else None)
        self._found: dict[Any, dict[str, Any]] = {}
        self._told: dict[Any, dict[tuple[str, str], Any]] = {}
        if chosen:
            state.setdefault("threshold", _first_threshold(self.workspace.result(chosen[0])))

    @property
    def results(self) -> dict[str, xr.Dataset]:
        """The results whose curves are shown, by name."""
        return {name: self.workspace.result(name) for name in self.runs}

    def _readable(self, names: list[str]) -> list[str]:
        """Those of `names` whose results can be read; of others it is said why not."""
        found = []
        for name in names:
            try:
                self.workspace.result(name)
            except InputError as error:
                self.say(f"{name}: {error}")
            else:
                found.append(name)
        return found

    @param.depends("runs", watch=True)
    def _keep_run(self) -> None:
        """The layers shown are those of a run whose curve is shown."""
        readable = self._readable(self.runs[:MOST_SHOWN])
        if readable != self.runs:
            self.runs = readable
            return
        names = list(self.runs) or [None]
        keep = self.run if self.run in names else names[0]
        # what a widget shows is among its options at every moment
        self.param.run.objects = [*dict.fromkeys([*self.param.run.objects, *names])]
        self.run = keep
        self.param.run.objects = names

    # --- what is shown ------------------------------------------------------------------------------------------------

    def plot(self, name: str) -> Any:
        """The plot `name` in the present state, a HoloViews element; None if no run is chosen."""
        if not self.runs:
            return None
        if name == "accuracy_over_time":
            return plots.accuracy_over_time(
                self.results,
                threshold=self.threshold,
                zoom=self.zoom,
                log=self._log(name),
                dark=self.dark,
                intervals=True,
            )
        if name == "accuracy_over_events":
            return plots.accuracy_over_events(
                self.results,
                threshold=self.threshold,
                log=self._log(name),
                zoom=self.zoom,
                dark=self.dark,
                intervals=True,
            )
        if name == "events_over_time":
            return plots.events_over_time(self.results, threshold=self.threshold, dark=self.dark)
        if name == "pareto_front":
            return plots.pareto_front(self._scores(), x=self.plane, selected=self.runs, dark=self.dark)
        return getattr(plots, name)(self.workspace.result(self.run), dark=self.dark)

    def _log(self, name: str) -> bool:
        """Whether a curve's horizontal axis is logarithmic."""
        return bool(getattr(self, _SCALES[name]) == "log")

    def data(self, name: str) -> Any:
        """The table behind the plot `name`."""
        if name == "pareto_front":
            return plots.pareto_front_data(self._scores())
        return getattr(plots, f"{name}_data")(self.results if name in _OF_ALL else self.workspace.result(self.run))

    def _body(self) -> list[Any]:
        if not self.workspace.names():
            return [self.empty("No result yet", EMPTY)]
        time = self._curve(
            "accuracy_over_time", "Accuracy over time", "Stop after any step: this is how often the answer is right."
        )
        self.figures = {"accuracy_over_time": time}
        grid = parts.grid(time.view)
        controls = self.later(self._controls)
        tiles = self.live(self._tiles, "threshold", "reference", "frontier", "dark", "runs")
        return [controls, tiles, grid, self.later(lambda: self._rest(grid))]

    def _rest(self, grid: pn.Column) -> pn.Column:
        """What stands below the first plot."""
        further = {
            "accuracy_over_events": self._curve(
                "accuracy_over_events",
                "Accuracy over cost",
                "The same curve against the work done, in synaptic events per item.",
            ),
            "spike_rates": self._layers(
                "spike_rates", "Spike rates", "How busy the neurons of each layer are at each step."
            ),
            "event_shares": self._layers(
                "event_shares", "Where the events go", "Each layer's share of all synaptic events."
            ),
        }
        grid.extend(figure.view for figure in further.values())
        self.figures |= further | {"events_over_time": self._plane()}
        body = [self.figures["events_over_time"].view]
        if len(self.workspace.names()) > 1:
            self.figures["pareto_front"] = self._front()
            body.append(self.figures["pareto_front"].view)
        return parts.box(
            budgets.card(self),
            *body,
            self._table_card(),
            self._onward(),
            self.live(self._facts, "runs"),
            classes=["snn-stack"],
        )

    def _curve(self, name: str, title: str, note: str) -> PlotCard:
        def move(figure: Any) -> None:
            plots.move_threshold(
                figure, self.results, _CURVES[name], threshold=self.threshold, zoom=self.zoom,
                log=self._log(name), dark=self.dark,
            )  # fmt: skip

        redraw = ["runs", _SCALES[name]]
        return PlotCard(
            self, name, title, note, lambda: self.plot(name), lambda: self.data(name),
            redraw=redraw, move=["threshold", "zoom"], mover=move, tip=CHOOSE,
            again=lambda: self._again(name, threshold=self.threshold, zoom=self.zoom, log=self._log(name), intervals=True),
            shared=lambda: (tuple(self.runs), self.threshold, self.zoom, self._log(name)),
        )  # fmt: skip

    def _again(self, name: str, **options: Any) -> reproducing.Told:
        """A plot of the chosen runs, or of one of them, as Python and as a command."""
        runs = list(self.runs) if name in _OF_ALL else [self.run]
        told = (
            reproducing.results(self.workspace, runs)
            if name in _OF_ALL
            else reproducing.result(self.workspace, self.run)
        )
        return reproducing.drawn(self.workspace, name, told, names=runs, **options)

    def _plane(self) -> PlotCard:
        def move(figure: Any) -> None:
            plots.move_events_threshold(figure, self.results, threshold=self.threshold, dark=self.dark)

        name = "events_over_time"
        return PlotCard(
            self, name, "Time and cost", "How fast events are spent; a mark where the threshold is reached.",
            lambda: self.plot(name), lambda: self.data(name), redraw=["runs"], move=["threshold"], mover=move, tip=CHOOSE,
            again=lambda: self._again(name, threshold=self.threshold),
            shared=lambda: (tuple(self.runs), self.threshold),
        )  # fmt: skip

    def _layers(self, name: str, title: str, note: str) -> PlotCard:
        return PlotCard(
            self, name, title, note, lambda: self.plot(name), lambda: self.data(name), redraw=["run"], tip=CHOOSE,
            shared=lambda: self.run, again=lambda: self._again(name),
        )  # fmt: skip

    def _front(self) -> PlotCard:
        """The Pareto front of all runs; choosing points there chooses the curves."""

        def link(figure: Any) -> None:
            figure.add_tools(TapTool())
            (points,) = [
                source for source in figure.select({"type": ColumnDataSource}) if {"run", "size"} <= set(source.data)
            ]  # fmt: skip

            def choose(_attr: str, _old: list[int], indices: list[int]) -> None:
                names = points.data["run"]  # as they are now: runs end while the page is open
                if indices:
                    self.runs = [str(names[index]) for index in indices[:MOST_SHOWN] if index < len(names)]

            points.selected.on_change("indices", self.guarded(choose))

        choice = parts.group("Cost", RadioButtons.from_param(self.param.plane, label=""), PLANE_HELP)
        return PlotCard(
            self, "pareto_front", "Pareto front",
            "Every run as a point; small and pale where another is as good or better in all. Click one, or several with Shift, and "
            "the curves above are theirs, and bars their 95 % intervals over the items.",
            lambda: self.plot("pareto_front"), lambda: self.data("pareto_front"),
            redraw=["plane", "reference", "frontier", "runs", "runs_told"], linker=link, controls=[choice], least=480,
            again=lambda: reproducing.drawn(
                self.workspace, "pareto_front", {"scores": reproducing.frame(self._scores())},
                x=self.plane, selected=list(self.runs),
            ),
        )  # fmt: skip

    # --- layout -------------------------------------------------------------------------------------------------------

    def _controls(self) -> pn.Column:
        anns = [float(result.attrs.get("ann_accuracy", 1.0)) for result in self.results.values()]
        # from well below the weakest network, in tenths; further down if the address asks for it
        low = min(max(0.0, int(10 * min(anns, default=1.0) - 2) / 10), self.threshold)
        slider = FloatSlider.from_param(
            self.param.threshold, label="Threshold accuracy", start=low, end=1.0, step=0.0005, format="0.00%"
        )
        slider.sizing_mode = "stretch_width"
        reference = RadioButtons.from_param(
            self.param.reference, options={"best ANN": "common", "own ANN": "ann", "own peak": "peak"}
        )
        widgets = [
            parts.widget(slider),
            parts.group("Time axis", RadioButtons.from_param(self.param.time_scale), SCALE_HELP),
            parts.group("Events axis", RadioButtons.from_param(self.param.x_scale), SCALE_HELP),
            parts.group("Accuracy axis", RadioButtons.from_param(self.param.zoom), ZOOM_HELP),
            parts.group("Pareto reference", reference, REFERENCE_HELP),
        ]
        names = self.workspace.names()
        if len(names) > 1:
            few = len(names) <= 3
            kind = RadioButtons if few else pn.widgets.Select
            widgets.append(
                parts.group(
                    "Layers of",
                    kind.from_param(self.param.run, label="", **({} if few else {"width": 240})),
                    LAYERS_HELP,
                )
            )
        card = parts.card(*widgets, classes=["snn-controls"])
        if len(names) < 2:
            return card
        return parts.box(parts.choice("Runs", self.param.runs, RUNS_HELP), card, classes=["snn-stack"])

    def _onward(self) -> pn.pane.HTML:
        """Links to what comes after the run whose layers are shown."""

        def write() -> str:
            run = self.workspace.run_of(self.run) if self.run else None
            steps = next_steps(run, self) if run else ""
            return f"<p class='note'>Go on with {escape(self.run)}:</p>{steps}" if steps else ""

        return self.live(write, "run")

    def _table_card(self) -> pn.Column:
        return parts.card(
            parts.heading("Metrics"),
            self.live(self._table, "threshold", "reference", "frontier", "runs", "runs_told"),
            parts.group(
                "Pareto metrics",
                pn.widgets.Toggle.from_param(self.param.frontier, label="of the best accuracy so far"),
                FRONTIER_HELP,
            ),
            classes=["snn-loose"],
        )

    def _facts(self) -> str:
        lines = []
        for name, result in self.results.items():
            facts = [
                f"{int(result.attrs.get('items', 0)):,} items",
                f"{result.sizes['time']} steps",
                f"engine {result.attrs.get('engine', '?')}",
                f"seed {result.attrs.get('seed', '?')}",
                f"network {str(result.attrs.get('network_hash', ''))[:10]}",
            ]
            told = result.attrs.get("note", "")
            lines.append(f"<p class='note'>{escape(name)}: {escape(', '.join(facts))}</p>")
            if told:
                lines.append(f"<p class='notice'>{escape(name)}: {escape(str(told))}</p>")
        return "".join(lines)

    # --- words --------------------------------------------------------------------------------------------------------

    def _tiles(self) -> str:
        found = {name: self._summary(name) for name in self.runs}
        goal = f"{100 * self.threshold:.4g} %"

        def values(write: Any) -> list[tuple[str, str, str]]:
            return [
                (write(summary), name, theme.series_color(index, self.dark))
                for index, (name, summary) in enumerate(found.items())
            ]

        def crossing(key: str, text: Any) -> Any:
            def value(summary: dict[str, Any]) -> str:
                entry = summary["thresholds"][0]
                return text(entry[key]) if entry["crossed"] else f"<span class='missed'>{text(entry[key])}*</span>"

            return value

        unit = plots.step_unit(self.results) if found else ""
        return parts.tiles([
            ("peak accuracy", "Peak accuracy", "%", values(lambda s: parts.percent(s["peak_accuracy"]))),
            ("time to threshold", f"Time to {goal}", unit, values(crossing("time", str))),
            ("events to threshold", f"Events to {goal}", "per item", values(crossing("events", parts.events))),
            ("Pareto latency", "Pareto latency", unit, values(lambda s: parts.plain(s["pareto_latency"]))),
            ("Pareto power", "Pareto power", "per item", values(lambda s: parts.events(s["pareto_power"]))),
        ])  # fmt: skip

    def _table(self) -> str:
        """Every metric, one column a run, with the paper's number beside ours where there is one."""
        goal = f"{100 * self.threshold:.4g} %"
        rows: list[tuple[str, str, str, str]] = [
            ("ANN accuracy", "ANN accuracy", "%", "ann_accuracy"),
            ("peak accuracy", "Peak accuracy", "%", "peak_accuracy"),
            ("Pareto latency", "Pareto latency", "time steps", "pareto_latency"),
            ("Pareto power", "Pareto power", "events per item", "pareto_power"),
            ("time to threshold", f"Time to {goal}", "time steps", "time"),
            ("events to threshold", f"Events to {goal}", "events per item", "events"),
            ("synaptic event", "Events in all steps", "events per item", "events_per_item"),
        ]
        if any(metrics.step_milliseconds(result) for result in self.results.values()):
            rows.insert(5, ("time to threshold", f"Time to {goal}", "ms", "time_ms"))
            rows.insert(3, ("Pareto latency", "Pareto latency", "ms", "pareto_latency_ms"))
        if any("camera_events" in result for result in self.results.values()):
            rows.append(("camera event", "Camera events", "events per item", "camera_events_per_item"))
        head = ["Metric", ""]
        columns: list[dict[str, str]] = []
        remarks: list[str] = []
        missed = False
        told = self._intervals()
        for name, result in self.results.items():
            head.append(f"{escape(name)}<br><span class='note'>{uncertainty.items(result):,} items</span>")
            summary = self._summary(name)
            entry = summary["thresholds"][0]
            values = summary | entry
            timed = values["step_ms"] is not None
            columns.append({key: _cell(key, values[key]) for _, _, unit, key in rows if timed or unit != "ms"})
            if not entry["crossed"]:
                missed = True
                for key in {"time", "time_ms", "events"} & set(columns[-1]):
                    columns[-1][key] = f"<span class='missed'>{columns[-1][key]}*</span>"
            for figure in uncertainty.FIGURES:
                if (name, figure) in told:
                    columns[-1][figure] += interval(figure, told[name, figure])
            published = self._published(result)
            if published:
                head.append(parts.term("", f"paper, {_stage(result)}", PAPER_TIP))
                cells = {}
                for term, _, measure, key in rows:
                    number = published.get(term)
                    if number is not None and measure != "ms":
                        cells[key] = _cell(key, number.value) + ("" if number.crossed else "*")
                        if number.remark and number.remark not in remarks:
                            remarks.append(f"{term[0].upper()}{term[1:]}, {name}: {number.remark}")
                columns.append(cells)
        body = [
            [parts.term(term, title), unit, *(column.get(key, "–") for column in columns)]
            for term, title, unit, key in rows
        ]
        notes = ["<span class='missed'>*</span> never reached: an underestimate."] if missed else []
        if told:
            notes.append(INTERVALS)
        if isinstance(self._against(), float):
            notes.append(f"Pareto metrics of all against {100 * self._against():.2f} %, the best of their ANNs.")
        caution = self.workspace.remembered(("caution", tuple(self.runs)), lambda: uncertainty.caution(self.results))
        notes += [escape(caution)] if caution else []
        notes += [escape(remark) + "." for remark in remarks]
        return parts.table(head, body, words=2) + f"<p class='note notes'>{'<br>'.join(notes)}</p>"

    def _summary(self, name: str) -> dict[str, Any]:
        """`metrics.summary` of a run in the present state, remembered for the words of one change."""
        key = (name, self.threshold, self._against(), self.frontier)
        if key not in self._found:
            if len(self._found) >= 2 * MOST_SHOWN:
                self._found.clear()
            self._found[key] = metrics.summary(
                self.workspace.result(name), [self.threshold], self._against(), self.frontier
            )
        return self._found[key]

    def _against(self) -> str | float:
        """A_ref of the Pareto metrics, as `snnviz.metrics` takes it: for all runs the same number, where they are compared."""
        if self.reference != "common":
            return str(self.reference)
        common = uncertainty.common_reference(self.results) if len(self.runs) > 1 else None
        return "ann" if common is None else common

    def _intervals(self) -> dict[tuple[str, str], Any]:
        """Intervals of the metrics by run and figure, as far as they are computed; what is not is computed apart."""
        against = self._against()
        key = ("intervals", tuple(self.runs), against, self.frontier)
        if key not in self._told:
            results = {name: result for name, result in self.results.items() if "prediction" in result}
            frontier = self.frontier
            self._told[key] = {}

            def compute() -> dict[tuple[str, str], Any]:
                if not results:
                    return {}
                return self.workspace.remembered(
                    key, lambda: rows_of(uncertainty.intervals(results, against, frontier))
                )

            def show(found: dict[tuple[str, str], Any]) -> None:
                self._told[key] = found
                self.param.trigger("runs_told")

            self.apart(compute, show)
        return self._told[key]

    def _scores(self) -> pd.DataFrame:
        """The metrics of all runs, with the intervals of the chosen ones as far as they are computed."""
        table = self.workspace.scores(self._against())
        for (run, figure), row in ({} if self.frontier else self._intervals()).items():
            table.loc[table["run"] == run, [f"{figure}_low", f"{figure}_high"]] = row.low, row.high
        return table

    def _published(self, result: xr.Dataset) -> dict[str, reports.Published]:
        """The paper's numbers for this result: all of them in the paper's setting, none of its thresholds in another."""
        model = reports.paper_model(result)
        if model is None:
            return {}
        stage = _stage(result)
        same_goal = abs(self.threshold - reports.paper_threshold(model, stage)) < 1e-9
        same_metric = self._against() == "ann" and not self.frontier
        return {
            metric: number
            for metric, number in reports.paper_counterpart(model, stage).items()
            if (same_goal or "threshold" not in metric) and (same_metric or not metric.startswith("Pareto"))
        }


PAPER_TIP = (
    "As published (Dutson, Li, Gupta, WACV 2023). Threshold rows appear when the slider stands on the paper's threshold. "
    "Events are not comparable as they stand: see the notes below the table."
)
SCALE_HELP = (
    "Linear: every step, or event, takes the same room. Log: every factor of ten does, which spreads the first steps."
)
ZOOM_HELP = "All: from 0 to 100 %. Top: the part in which good networks differ."
REFERENCE_HELP = (
    "The accuracy that Pareto latency and power are measured against: the best ANN of the chosen runs, each run's own ANN, or the "
    "best accuracy of the run itself."
)
LAYERS_HELP = "The run whose spike rates and events are drawn, layer by layer."
RUNS_HELP = f"The results whose curves are drawn, at most {MOST_SHOWN} at once."
PLANE_HELP = "Across: the Pareto latency, in time steps, or the Pareto power, in synaptic events per item."
FRONTIER_HELP = (
    "Counts at every step the best accuracy reached until then, as if the network could keep an earlier answer: a later fall costs "
    "nothing."
)
CHOOSE = "Choose a run above."
EMPTY = """<p>Simulate a network, then open its result here. The shipped MNIST classifier is a good start:</p>
<pre><code>snnviz simulate dense-mnist --out result.nc
snnviz dashboard result.nc</code></pre>
<p class='note'>In Python: <code>snnviz.dashboard.serve(snnviz.simulate(network, x, y))</code></p>"""


def _stage(result: xr.Dataset) -> str:
    """The stage of the paper whose numbers stand beside a result's: what it is called, else the first."""
    title = str(result.attrs.get("title", ""))
    return title if title in reports.STAGES else "before"


def _first_threshold(result: xr.Dataset) -> float:
    """The paper's threshold where the model is one of the paper's, else the default of the result."""
    model = reports.paper_model(result)
    return round(metrics.default_threshold(result), 3) if model is None else reports.paper_threshold(model)


INTERVALS = (
    "Below a figure its 95 % interval over items (bootstrap, 1,000 draws, reference taken as known); "
    "Δ: of the difference to the first run on the same items, ≠ where it leaves out 0."
)


def rows_of(table: Any) -> dict[tuple[str, str], Any]:
    """The rows of `snnviz.uncertainty.intervals` by run and figure."""
    return {(row.run, row.figure): row for row in table.itertuples()}


def interval(figure: str, row: Any) -> str:
    """HTML of an interval, and of the difference to the first run."""
    low, high = _cell(figure, row.low), _cell(figure, row.high)
    words = f"<br><span class='note'>{low} to {high}</span>"
    if row.difference == row.difference:
        ends = (_cell(figure, row.difference_low), _cell(figure, row.difference_high))
        apart = "" if row.difference_low <= 0 <= row.difference_high else " ≠"
        words += f"<br><span class='note'>Δ {ends[0]} to {ends[1]}{apart}</span>"
    return words


def _cell(key: str, value: Any) -> str:
    if key in ("ann_accuracy", "peak_accuracy"):
        return parts.percent(value)
    if key in ("pareto_power", "events", "events_per_item", "camera_events_per_item"):
        return parts.events(value)
    return parts.plain(value)
