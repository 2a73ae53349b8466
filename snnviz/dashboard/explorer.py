"""The explorer: how accurate a spiking network is at every moment, and what that costs."""

from __future__ import annotations

import functools
import io
from collections.abc import Sized
from html import escape
from typing import Any, ClassVar

import holoviews as hv
import panel as pn
import param
import xarray as xr

from snnviz import metrics, plots, reports
from snnviz.dashboard import style
from snnviz.dashboard.glossary import TERMS
from snnviz.plots import Results, named, theme

URL_STATE = ("threshold", "reference", "frontier", "x_scale", "zoom", "run", "dark")
"""Parameters that a page keeps in its address."""
_EXPORTS = ("png", "svg", "pdf", "csv")


class Explorer(pn.viewable.Viewer):
    """Accuracy against time and against synaptic events, per-layer activity and the metrics of one or more results.

    In a notebook: `Explorer(result)` in a cell after `panel.extension()`; as a page: `snnviz.dashboard.serve(result)`.

    Args:
        results: a result, a sequence of results (named by their titles), or a mapping from names; None or an empty one
            shows what to do next.
        **state: initial values of the parameters below.
    """

    threshold = param.Number(0.98, bounds=(0.0, 1.0), doc="accuracy to reach, a fraction")
    reference: Any = param.Selector(default="ann", objects=["ann", "peak"], doc="A_ref of the Pareto metrics")
    frontier = param.Boolean(False, doc="Pareto metrics of the best accuracy so far")
    x_scale: Any = param.Selector(default="linear", objects=["linear", "log"], doc="axis of synaptic events")
    zoom: Any = param.Selector(
        default="top", objects=["all", "top"], doc="accuracy axis: all of it, or where good runs differ"
    )
    run: Any = param.Selector(default=None, objects=[None], doc="the run whose layers are shown")
    dark = param.Boolean(False, doc="dark appearance")

    _plots: ClassVar[dict[str, tuple[str, str]]] = {
        "accuracy_over_time": ("Accuracy over time", "Stop after any step: this is how often the answer is right."),
        "accuracy_over_events": (
            "Accuracy over cost",
            "The same curve against the work done, in synaptic events per item.",
        ),
        "spike_rates": ("Spike rates", "How busy the neurons of each layer are at each step."),
        "event_shares": ("Where the events go", "Each layer's share of all synaptic events."),
    }

    def __init__(self, results: Results | None = None, **state: Any) -> None:
        empty = results is None or (
            isinstance(results, Sized) and not isinstance(results, xr.Dataset) and not len(results)
        )
        self.results: dict[str, xr.Dataset] = {} if empty else named(results)  # type: ignore[arg-type]
        names = list(self.results)
        self.param.run.objects = names or [None]
        state.setdefault("run", names[0] if names else None)
        state.setdefault("threshold", self._first_threshold())
        super().__init__(**state)
        self._view = self._layout()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view

    # --- what is shown ------------------------------------------------------------------------------------------------

    def plot(self, name: str) -> hv.Overlay:
        """The plot `name` in the present state: accuracy_over_time, accuracy_over_events, spike_rates or event_shares."""
        dark = self.dark
        if name == "accuracy_over_time":
            return plots.accuracy_over_time(self.results, threshold=self.threshold, zoom=self.zoom, dark=dark)
        if name == "accuracy_over_events":
            return plots.accuracy_over_events(
                self.results, threshold=self.threshold, log=self.x_scale == "log", zoom=self.zoom, dark=dark
            )
        return getattr(plots, name)(self.results[self.run], dark=dark)

    def export(self, name: str, format: str) -> io.BytesIO:
        """The plot `name`, as it is shown, as a file: "png", "svg", "pdf", or its numbers as "csv"."""
        if format == "csv":
            data = getattr(plots, f"{name}_data")
            drawn = data(self.results if name.startswith("accuracy") else self.results[self.run])
        else:
            drawn = self.plot(name)
        return io.BytesIO(plots.render(drawn, format, width=plots.DOUBLE_COLUMN / 1.4))

    def _first_threshold(self) -> float:
        """The paper's threshold where the model is one of the paper's, else the default of the first result."""
        for result in self.results.values():
            model = reports.paper_model(result)
            return round(metrics.default_threshold(result), 3) if model is None else reports.paper_threshold(model)
        return type(self).threshold

    # --- layout -------------------------------------------------------------------------------------------------------

    def _layout(self) -> pn.Column:
        body: list[Any] = [self._header()]
        if self.results:
            body += [self._controls(), self._live(self._tiles, "threshold", "reference", "frontier", "dark"), self._cards(),
                     self._table_card(), self._glossary(), self._footer()]  # fmt: skip
        else:
            body += [_written(EMPTY, card=True), self._glossary()]
        page = pn.Column(*body, css_classes=["snn-page"], sizing_mode="stretch_width", margin=0)
        layout_sheet = style.sheet("layout")

        def recolor(dark: bool) -> None:
            page.stylesheets = [layout_sheet, style.properties(dark)]

        recolor(self.dark)
        self.param.watch(lambda event: recolor(event.new), "dark")
        return page

    def _header(self) -> pn.Row:
        words = _written(
            "<h1>Anytime accuracy explorer</h1><p class='lead'>A spiking network has an answer after every time step. "
            "This page shows how good the answer is at each moment, and what it has cost by then.</p>"
        )
        switch = _widget(pn.widgets.Toggle.from_param(self.param.dark, name="Dark", width=72, height=32))
        switch.sizing_mode = "fixed"
        return pn.Row(words, switch, css_classes=["snn-header"], stylesheets=[style.sheet("layout")],
                      sizing_mode="stretch_width", margin=0)  # fmt: skip

    def _controls(self) -> pn.Column:
        anns = [float(result.attrs.get("ann_accuracy", 1.0)) for result in self.results.values()]
        # from well below the weakest network, in tenths; further down if the address asks for it
        low = min(max(0.0, int(10 * min(anns) - 2) / 10), self.threshold)
        widgets = [
            pn.widgets.FloatSlider.from_param(
                self.param.threshold, name="Threshold accuracy", start=low, end=1.0, step=0.0005, format="0.00%"
            ),
            _group("Cost axis", pn.widgets.RadioButtonGroup.from_param(self.param.x_scale)),
            _group("Accuracy axis", pn.widgets.RadioButtonGroup.from_param(self.param.zoom)),
            _group(
                "Pareto reference",
                pn.widgets.RadioButtonGroup.from_param(
                    self.param.reference, options={"ANN": "ann", "own peak": "peak"}
                ),
            ),
        ]
        widgets[0].sizing_mode = "stretch_width"
        if len(self.results) > 1:
            widgets.append(_group("Layers of", pn.widgets.RadioButtonGroup.from_param(self.param.run)))
        return _card(_widget(widgets[0]), *widgets[1:], classes=["snn-controls"])

    def _cards(self) -> pn.Column:
        cards = []
        for name, (title, explanation) in self._plots.items():
            words = _written(f"<h2>{escape(title)}</h2><p class='note'>{escape(explanation)}</p>")
            cards.append(_card(words, self._pane(name), self._export_row(name)))
        return pn.Column(*cards, css_classes=["snn-grid"], stylesheets=[style.sheet("layout")],
                         sizing_mode="stretch_width", margin=0)  # fmt: skip

    def _pane(self, name: str) -> pn.pane.HoloViews:
        """A plot that follows the state: moving the threshold changes only the marks; other changes draw it anew."""
        curves = name.startswith("accuracy")
        pane = pn.pane.HoloViews(backend="bokeh", sizing_mode="stretch_width", linked_axes=False, margin=0)
        moves = [hv.streams.Params(self, ["threshold"])] if curves else []

        def draw(*_: Any) -> None:
            pane.object = hv.DynamicMap(lambda threshold: self.plot(name), streams=moves) if curves else self.plot(name)

        draw()
        self.param.watch(draw, ["dark", *(("zoom", "x_scale") if curves else ("run",))])
        return pane

    def _export_row(self, name: str) -> pn.Row:
        title = self._plots[name][0]
        buttons = [
            _widget(
                pn.widgets.FileDownload(
                    callback=functools.partial(self.export, name, kind),
                    filename=f"{name.replace('_', '-')}.{kind}",
                    label=kind.upper(),
                    description=None,
                    width=52,
                    height=26,
                    css_classes=["snn-small"],
                )
            )
            for kind in _EXPORTS
        ]
        return pn.Row(_written(f"<span class='label' aria-label='Export {escape(title)}'>Export</span>", stretch=False),
                      *buttons, css_classes=["snn-export"], stylesheets=[style.sheet("layout")], margin=0)  # fmt: skip

    def _table_card(self) -> pn.Column:
        return _card(
            _written("<h2>Metrics</h2>"),
            self._live(self._table, "threshold", "reference", "frontier"),
            _widget(
                pn.widgets.Checkbox.from_param(self.param.frontier, name="Pareto metrics of the best accuracy so far")
            ),
            classes=["snn-loose"],
        )

    def _live(self, write: Any, *parameters: str) -> pn.pane.HTML:
        """Words that are written anew when one of `parameters` changes."""
        pane = _written(write())
        self.param.watch(lambda *_: setattr(pane, "object", write()), list(parameters))
        return pane

    def _glossary(self) -> pn.Column:
        entries = "".join(f"<dt>{escape(term)}</dt><dd>{escape(words)}</dd>" for term, words in TERMS.items())
        return _card(_written(f"<details><summary>What the words mean</summary><dl>{entries}</dl></details>"))

    def _footer(self) -> pn.pane.HTML:
        lines = []
        for name, result in self.results.items():
            facts = [
                f"{int(result.attrs.get('items', 0)):,} items",
                f"{result.sizes['time']} steps",
                f"engine {result.attrs.get('engine', '?')}",
                f"seed {result.attrs.get('seed', '?')}",
                f"network {str(result.attrs.get('network_hash', ''))[:10]}",
            ]
            lines.append(f"<p class='note'>{escape(name)}: {escape(', '.join(facts))}</p>")
        return _written("".join(lines), margin=0)

    # --- words --------------------------------------------------------------------------------------------------------

    def _tiles(self) -> str:
        found = {name: self._summary(result) for name, result in self.results.items()}
        goal = f"{100 * self.threshold:.4g} %"

        def tile(term: str, title: str, unit: str, value: Any) -> str:
            many = " many" if len(found) > 1 else ""
            rows = []
            for index, (name, summary) in enumerate(found.items()):
                color = theme.series_color(index, self.dark)
                dot = f"<span class='dot' style='background:{color}'></span>" if many else ""
                who = f"<span class='who'>{escape(name)}</span>" if many else ""
                rows.append(f"<div class='run'>{dot}<span class='value'>{value(summary)}</span>{who}</div>")
            words = f"{_term(term, title)}<span class='unit'>{unit}</span>"
            return f"<div class='tile'><div class='name'>{words}</div><div class='{many}'>{''.join(rows)}</div></div>"

        def crossing(key: str, text: Any) -> Any:
            def value(summary: dict[str, Any]) -> str:
                entry = summary["thresholds"][0]
                return text(entry[key]) if entry["crossed"] else f"<span class='missed'>{text(entry[key])}*</span>"

            return value

        return "<div class='tiles'>" + "".join(
            [
                tile("peak accuracy", "Peak accuracy", "%", lambda s: f"{100 * s['peak_accuracy']:.2f}"),
                tile("time to threshold", f"Time to {goal}", "steps", crossing("time", str)),
                tile("events to threshold", f"Events to {goal}", "per item", crossing("events", theme.count)),
                tile("Pareto latency", "Pareto latency", "steps", lambda s: _plain(s["pareto_latency"])),
                tile("Pareto power", "Pareto power", "per item", lambda s: _events(s["pareto_power"])),
            ]
        ) + "</div>"  # fmt: skip

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
        head = ["<th scope='col'>Metric</th><th scope='col'></th>"]
        columns: list[dict[str, str]] = []
        remarks: list[str] = []
        missed = False
        for name, result in self.results.items():
            head.append(f"<th scope='col'>{escape(name)}</th>")
            summary = self._summary(result)
            entry = summary.pop("thresholds")[0]
            columns.append({key: _cell(key, (summary | entry)[key]) for _, _, _, key in rows})
            if not entry["crossed"]:
                missed = True
                for key in ("time", "events"):
                    columns[-1][key] = f"<span class='missed'>{columns[-1][key]}*</span>"
            published = self._published(result)
            if published:
                head.append(f"<th scope='col'>{_term('', 'paper', PAPER_TIP)}</th>")
                cells = {}
                for term, _, _, key in rows:
                    number = published.get(term)
                    if number is not None:
                        cells[key] = _cell(key, number.value) + ("" if number.crossed else "*")
                        if number.remark and number.remark not in remarks:
                            remarks.append(f"{term[0].upper()}{term[1:]}, {name}: {number.remark}")
                columns.append(cells)
        body = "".join(
            f"<tr><th scope='row'>{_term(term, title)}</th><td class='unit'>{unit}</td>"
            + "".join(f"<td>{column.get(key, '–')}</td>" for column in columns)
            + "</tr>"
            for term, title, unit, key in rows
        )
        notes = ["<span class='missed'>*</span> never reached: an underestimate."] if missed else []
        notes += [escape(remark) + "." for remark in remarks]
        return (
            f"<div class='scroll'><table><thead><tr>{''.join(head)}</tr></thead><tbody>{body}</tbody></table></div>"
            f"<p class='note notes'>{'<br>'.join(notes)}</p>"
        )

    def _summary(self, result: xr.Dataset) -> dict[str, Any]:
        return metrics.summary(result, [self.threshold], self.reference, self.frontier)

    def _published(self, result: xr.Dataset) -> dict[str, reports.Published]:
        """The paper's numbers for this result: all of them in the paper's setting, none of its thresholds in another."""
        model = reports.paper_model(result)
        if model is None:
            return {}
        stage = str(result.attrs.get("title", ""))
        stage = stage if stage in reports.STAGES else "before"
        same_goal = abs(self.threshold - reports.paper_threshold(model, stage)) < 1e-9
        same_metric = self.reference == "ann" and not self.frontier
        return {
            metric: number
            for (name, when, metric), number in reports.PAPER.items()
            if (name, when) == (model, stage)
            and (same_goal or "threshold" not in metric)
            and (same_metric or not metric.startswith("Pareto"))
        }


PAPER_TIP = (
    "As published (Dutson, Li, Gupta, WACV 2023). Threshold rows appear when the slider stands on the paper's threshold. "
    "Events are not comparable as they stand: see the notes below the table."
)
EMPTY = """<div class='empty'><h2>No result yet</h2>
<p>Simulate a network, then open its result here. The shipped MNIST classifier is a good start:</p>
<pre><code>snnviz simulate dense-mnist --out result.nc
snnviz dashboard result.nc</code></pre>
<p class='note'>In Python: <code>snnviz.dashboard.serve(snnviz.simulate(network, x, y))</code></p></div>"""


def _term(term: str, text: str, tip: str | None = None) -> str:
    """Words with their explanation, which opens on hovering and on keyboard focus."""
    explanation = tip or TERMS.get(term, "")
    if not explanation:
        return escape(text)
    place = " below" if tip else ""
    bubble = f"<span class='tip' role='tooltip'>{escape(explanation)}</span>"
    return f"<span class='term{place}' tabindex='0'>{escape(text)}{bubble}</span>"


def _cell(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if key in ("ann_accuracy", "peak_accuracy"):
        return f"{100 * value:.2f}"
    if key in ("pareto_power", "events", "events_per_item"):
        return _events(value)
    return _plain(value)


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"


def _events(value: float | None) -> str:
    return "–" if value is None else theme.count(value)


def _written(html: str, card: bool = False, stretch: bool = True, margin: Any = 0) -> Any:
    pane = pn.pane.HTML(
        html, sizing_mode="stretch_width" if stretch else None, margin=margin, stylesheets=[style.sheet("text")]
    )
    return _card(pane) if card else pane


def _card(*content: Any, classes: list[str] | None = None) -> pn.Column:
    return pn.Column(
        *content,
        css_classes=["snn-card", *(classes or [])],
        stylesheets=[style.sheet("layout")],
        sizing_mode="stretch_width",
        margin=0,
    )


def _widget(widget: Any) -> Any:
    widget.stylesheets = [*widget.stylesheets, style.sheet("widget")]
    widget.margin = 0
    return widget


def _group(label: str, widget: Any) -> pn.Column:
    return pn.Column(_written(f"<span class='label'>{escape(label)}</span>"), _widget(widget), margin=0)
