"""Network: its layers, where the events go, how well it stands for its classifier, and what it might cost in energy."""

from __future__ import annotations

import functools
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import param

from snnviz import energy, plots
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.components import IntSlider
from snnviz.dashboard.page import Page
from snnviz.dashboard.plot_card import PlotCard
from snnviz.errors import InputError

REPORT_ITEMS = 100


class Network(Page):
    """The network behind a result: layers with shapes, neurons, synapses, spike rates and shares of the events, and estimates.

    The arguments are those of `Page`.
    """

    run: Any = param.Selector(default=None, objects=[None], doc="the run whose network is shown")
    time = param.Integer(default=1, bounds=(1, None), doc="step at which it is stopped, for the estimate of energy")

    place, slug = 80, "network"
    title = "Network"
    heading = "Network"
    lead = "The layers of a spiking network: how large they are, how busy, and where its synaptic events go."
    terms = (
        "synapse", "synaptic event", "event share", "spike rate", "energy estimate", "layer scale", "saturated", "active", "dead",
        "rate error", "rate bias", "time step",
    )  # fmt: skip
    url_state = ("run", "time")

    def _prepare(self, state: dict[str, Any]) -> None:
        names = self.workspace.names()
        self.param.run.objects = names or [None]
        state["run"] = state["run"] if state.get("run") in names else (names[0] if names else None)
        if state["run"] is not None:
            steps = self.workspace.result(state["run"]).sizes["time"]
            self.param.time.bounds = (1, steps)
            state.setdefault("time", steps)

    @param.depends("run", watch=True)
    def _change_run(self) -> None:
        steps = self.workspace.result(self.run).sizes["time"]
        self.time = min(self.time, steps)
        self.param.time.bounds = (1, steps)

    def _body(self) -> list[Any]:
        if self.run is None:
            return [self.empty("No network yet", EMPTY)]
        self.figures = {
            "layer_graph": PlotCard(
                self, "layer_graph", "Layers", "From the input down; a band is as wide as its share of all synaptic events.",
                self._graph, lambda: plots.layer_graph_data(self._network(), self.workspace.result(self.run)), redraw=["run"],
                shared=lambda: self.run, size=(plots.DOUBLE_COLUMN, None), least=520,
                again=lambda: self._again("layer_graph", network=True),
            )
        }  # fmt: skip
        body = [
            self.figures["layer_graph"].view,
            parts.card(parts.heading("Layer table"), self.live(self._layers, "run")),
            self.later(self._rest),
        ]
        if len(self.workspace.names()) > 1:
            run = pn.widgets.Select.from_param(self.param.run, label="", width=320)
            body.insert(0, parts.card(parts.group("Run", run, "The result whose network is shown.")))
        return body

    def _rest(self) -> pn.Column:
        """What stands below the layers."""
        rates = self._of_result("spike_rates", "Spike rates", "How busy the neurons of each layer are at each step.")
        shares = self._of_result("event_shares", "Where the events go", "Each layer's share of all synaptic events.")
        self.figures |= {"spike_rates": rates, "event_shares": shares}
        result = self.workspace.result(self.run)
        slider = IntSlider.from_param(self.param.time, label="Stopped after step", start=1, end=result.sizes["time"])
        slider.sizing_mode = "stretch_width"
        self._report = parts.written("")
        self.compare = parts.widget(pn.widgets.Button(label=f"Compare on {REPORT_ITEMS} items", width=190))
        self.compare.on_click(self._compare)

        def change(*_: Any) -> None:
            slider.end = self.workspace.result(self.run).sizes["time"]
            self._report.object = ""

        self.param.watch(change, "run")
        return parts.box(
            parts.grid(rates.view, shares.view),
            parts.card(
                parts.written(
                    f"<h2>{parts.term('energy estimate', 'Energy per item, an estimate')}</h2>"
                    f"<p class='note'>{escape(_NOT_MEASURED)}</p>"
                ),
                parts.widget(slider),
                self.live(self._energy, "run", "time"),
                classes=["snn-loose"],
            ),
            parts.card(
                parts.heading(
                    "Conversion report", "How well firing rates stand for the activations of the analog network."
                ),
                parts.row(self.compare, classes=["snn-buttons"]),
                self._report,
                classes=["snn-loose"],
            ),
            classes=["snn-stack"],
        )

    def _of_result(self, name: str, title: str, note: str) -> PlotCard:
        return PlotCard(
            self, name, title, note, lambda: getattr(plots, name)(self.workspace.result(self.run), dark=self.dark),
            lambda: getattr(plots, f"{name}_data")(self.workspace.result(self.run)), redraw=["run"], shared=lambda: self.run,
            again=lambda: self._again(name),
        )  # fmt: skip

    def _again(self, name: str, network: bool = False) -> reproducing.Told:
        """A plot as Python and as a command."""
        told = reproducing.network(self.workspace, self.run) if network else {}
        told |= reproducing.result(self.workspace, self.run)
        return reproducing.drawn(self.workspace, name, told, names=[self.run])

    # --- what is shown ------------------------------------------------------------------------------------------------

    def _network(self) -> Any:
        network = self.workspace.network(self.run)
        if network is None:
            raise InputError(
                "The network of this result is not at hand: put its .npz file into the folder of the result's, or simulate it "
                "as a run of the store, and it comes along."
            )
        return network

    def _graph(self) -> Any:
        return plots.layer_graph(self._network(), self.workspace.result(self.run), dark=self.dark)

    def _layers(self) -> str:
        try:
            found = plots.layer_graph_data(self._network(), self.workspace.result(self.run))
        except InputError as error:
            return f"<p class='note missing'>{escape(str(error))}</p>"
        head = [
            "Layer", "", "", "Neurons", parts.term("synapse", "Synapses"), "Nonzero",
            parts.term("spike rate", "Spike rate"), "Events per item", parts.term("event share", "Share"),
        ]  # fmt: skip
        rows = [
            [
                escape(row.layer), escape(row.kind), escape(row.shape), f"{row.neurons:,}", f"{row.synapses:,}",
                f"{100 * row.nonzero / row.synapses:.1f} %" if row.synapses else "–",
                _number(row.spike_rate, ".4f"), parts.events(row.events), f"{100 * row.event_share:.1f} %",
            ]
            for row in found.itertuples()
        ]  # fmt: skip
        return parts.table(head, rows, words=3)

    def _energy(self) -> str:
        found = energy.estimate(self.workspace.result(self.run), self.time, self.workspace.network(self.run))
        counts = found.attrs["macs"] > 0  # multiplications
        rows = []
        for row in found.itertuples():
            low, high = energy.readable(row.low), energy.readable(row.high)
            multiplied = "–" if not row.multiplications > 0 else energy.readable(row.multiplications)
            rows.append([
                escape(row.platform), f"<span class='source'>{escape(row.source)}; {escape(row.note)}</span>",
                f"≈ {energy.readable(row.energy)}", "–" if low == high else f"{low} to {high}",
                energy.readable(row.synaptic), energy.readable(row.updates), *([multiplied] if counts else []),
            ])  # fmt: skip
        head = [
            "Platform", "Source of the constants", "Estimate", "Range", "Synaptic events", "Neuron updates",
            *(["Multiplications"] if counts else []),
        ]  # fmt: skip
        counted = found.attrs
        spent = (
            f"{parts.events(counted['events'])} synaptic events and {counted['neurons']:,} neurons, {self.time} steps"
        )
        if counted["macs"]:
            spent += f"; {parts.events(counted['macs'])} multiply-accumulates of the image, which are no events"
        return f"<p class='note'>{escape(spent)}</p>{parts.table(head, rows, words=2)}"

    def _compare(self, _event: Any = None) -> None:
        run = self.run

        def show(found: pd.DataFrame) -> None:
            if run == self.run:
                self._report.object = report_table(found)

        self.apart(functools.partial(self.workspace.report, run, REPORT_ITEMS), show, self.compare)


def report_table(report: pd.DataFrame) -> str:
    """HTML of what `snnviz.conversion_report` returns."""
    head = [
        "Layer", "", parts.term("layer scale", "Scale"), parts.term("saturated", "Saturated"), parts.term("active", "Active"),
        parts.term("dead", "Dead"), parts.term("rate error", "Rate error"), parts.term("rate bias", "Rate bias"),
    ]  # fmt: skip
    rows = [
        [
            escape(str(row.Index)), escape(str(row.kind)), _number(row.scale, ".4g"), _share(row.saturated, 2),
            _share(row.active, 1), _share(row.dead, 1), _number(row.rate_error, ".4f"), _number(row.rate_bias, "+.4f"),
        ]
        for row in report.itertuples()
    ]  # fmt: skip
    agreement = report.attrs["spiking_agreement"]
    words = f"{report.attrs['items']} items, {report.attrs['steps']} steps. "
    words += "The spiking network gives the analog network's answer to "
    return (
        parts.table(head, rows, words=2) + f"<p class='note notes'>{escape(words)}{100 * agreement:.1f} % of them.</p>"
    )


def _number(value: float, form: str) -> str:
    shown = "–" if value != value else f"{value:{form}}"
    return shown.lstrip("+-") if shown != "–" and float(shown) == 0 else shown.replace("-", "−")


def _share(value: float, digits: int) -> str:
    return "–" if value != value else f"{100 * value:.{digits}f} %"


_NOT_MEASURED = (
    "Counted events times constants that others published. Good for an order of magnitude and for comparing networks on one "
    "platform; not a measurement, and no ranking of platforms."
)
EMPTY = """<p>Simulate a network, then look at it here:</p>
<pre><code>snnviz simulate dense-mnist-optimized --out result.nc
snnviz dashboard result.nc</code></pre>"""
