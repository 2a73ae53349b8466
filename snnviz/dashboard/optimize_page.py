"""Optimise: launch a search for better scales, watch its loss, see all that it tried."""

from __future__ import annotations

from typing import Any

import pandas as pd
import param

from snnviz import plots
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.components import RadioButtons
from snnviz.dashboard.forms import field, parameter
from snnviz.dashboard.launching import Launching
from snnviz.dashboard.plot_card import PlotCard
from snnviz.errors import InputError
from snnviz.jobs.spec import leaving
from snnviz.jobs.work.optimize import Options
from snnviz.network import SpikingNetwork
from snnviz.optimization.methods import titles
from snnviz.runs import Run

_TERMS = {"peak_accuracy": "held_out_peak_accuracy", "latency": "held_out_latency", "power": "held_out_power"}


class Optimize(Launching):
    """Launch an optimisation, follow its loss, and compare the network before and after.

    The arguments are those of `Page`; the workspace needs a store.
    """

    method: Any = parameter(Options, "method")
    per: Any = parameter(Options, "per", objects=["network", "layer", "channel"])
    with_potentials = parameter(Options, "with_potentials")
    lambda_e = parameter(Options, "lambda_e", bounds=(0, None))
    lambda_l: Any = parameter(Options, "lambda_l", bounds=(0, None))
    lambda_p: Any = parameter(Options, "lambda_p", bounds=(0, None))
    minutes = parameter(Options, "minutes", default=2.0, bounds=(0.05, 600), allow_None=False)
    items: Any = parameter(Options, "items")
    steps = parameter(Options, "steps", bounds=(1, 1000))
    x: Any = param.Selector(default="evaluation", objects=["evaluation", "seconds"], doc="axis of the history")
    plane: Any = param.Selector(
        default="latency", objects=["latency", "accuracy"], doc="axis of the scatter, against power"
    )

    place, slug = 70, "optimize"
    title = "Optimise"
    heading = "Optimise for the anytime curve"
    lead = "Search for firing scales, or weights, that make the right answer come earlier and at less cost, and watch the search."
    terms = ("L_SNN", "scale", "evaluation", "Pareto latency", "Pareto power", "peak accuracy", "held out")
    url_state = ("source", "data", "method", "per", "lambda_e", "minutes", "steps", "opened", "x", "plane")
    launches = "optimize"
    launches_words = "optimisation"
    launches_note = "The loss is measured on training items that are held out; the test set is used once, at the end."
    source_kinds = leaving("network")

    def spec(self) -> dict[str, Any]:
        """See `Launching.spec`."""
        names = (
            "method", "per", "with_potentials", "lambda_e", "lambda_l", "lambda_p", "minutes", "items", "steps",
        )  # fmt: skip
        return self.named({"network": self.source, **self.filled(*names)})

    def _body(self) -> list[Any]:
        if self.workspace.store is None:
            return [self.launch_card(self._widgets)]
        axis = parts.group("Against", RadioButtons.from_param(self.param.x, options=_AXES), AXIS_HELP)
        plane = parts.group("Power against", RadioButtons.from_param(self.param.plane), PLANE_HELP)
        self.figures = {
            "optimization_history": PlotCard(
                self, "optimization_history", "Loss",
                "Every network that was tried, the best so far, and the three terms that the best is made of.",
                lambda: self._history_plot("optimization_history", x=self.x), lambda: self._data("optimization_history"),
                redraw=["opened", "x"], controls=[axis],
                again=lambda: self._again("optimization_history", x=self.x),
            )
        }  # fmt: skip
        form = self.launch_card(self._widgets)
        opened = self.follow(curves=False)  # the loss is drawn below, with its terms
        self.figures |= {
            "evaluations": PlotCard(
                self, "evaluations", "Everything tried",
                "Each network that was tried, in what it costs and how well it does; later ones are stronger in colour.",
                lambda: self._history_plot("evaluations", x=self.plane, y="power"), lambda: self._data("evaluations"),
                redraw=["opened", "plane"], controls=[plane],
                again=lambda: self._again("evaluations", x=self.plane, y="power"),
            ),
            "scales": PlotCard(
                self, "scales", "Scales", "How much more often the neurons of each channel fire after than before.",
                self._scales, lambda: plots.scales_data(*self._networks()), redraw=["opened"],
                again=lambda: self._again("scales"),
            ),
            "accuracy_over_time": self.pair_figure(AT_THE_END),
        }  # fmt: skip
        self._evaluated = self._known()
        return [form, opened, parts.grid(*(figure.view for figure in self.figures.values()))]

    def _widgets(self) -> list[Any]:
        """What the form has for this job."""
        usual: dict[str, Any] = {"width": 120, "placeholder": "usual"}
        return [
            self.source_field("Network", "The spiking network that the search starts from."),
            field(self, Options, "method", titles(), width=190),
            field(self, Options, "per"),
            field(self, Options, "minutes", width=80),
            field(self, Options, "lambda_e", width=120),
            field(self, Options, "lambda_l", **usual),
            field(self, Options, "lambda_p", **usual),
            field(self, Options, "steps", width=80),
            field(self, Options, "items", width=100, placeholder="all"),
            field(self, Options, "with_potentials", width=130),
        ]

    def tick(self) -> None:
        """Show what is known of the store now."""
        super().tick()
        if self._known() != self._evaluated:
            self._evaluated = self._known()
            for figure in self.figures.values():
                figure.redraw()

    def _known(self) -> Any:
        """What the plots depend on."""
        run = self.opened_run
        return None if run is None else (run.id, run.status, dict(run.metrics))

    # --- what is shown ------------------------------------------------------------------------------------------------

    def history(self) -> pd.DataFrame | None:
        """The evaluations of the opened run so far; None before the first two."""
        run, store = self.opened_run, self.workspace.store
        if run is None or store is None or run.kind != self.launches or "loss" not in run.metrics:
            return None
        found = store.history(run.id, self._columns(run))
        found = found.rename(columns={kept: name for name, kept in _TERMS.items()}).reset_index(drop=True)
        return found if len(found) > 1 else None

    @staticmethod
    def _columns(run: Run) -> list[str]:
        """What a search records of every evaluation."""
        columns = ["loss", "accuracy_term", "latency_term", "power_term", "seconds", *_TERMS.values()]
        return [name for name in columns if name in run.metrics]

    def _again(self, name: str, **options: Any) -> reproducing.Told | None:
        """A plot of the opened run as Python."""
        run = self.opened_run
        if run is None:
            return None
        own = repr(run.id[:12])
        renamed = {kept: term for term, kept in _TERMS.items()}
        history = f"store.history({own}, {self._columns(run)}).rename(columns={renamed}).reset_index(drop=True)"
        told = {"history": history}
        if name == "scales":
            told = {"before": reproducing.loading(run.params.get("network", "")), "after": f"store.network({own})"}
        return reproducing.drawn(self.workspace, name, told, **options)

    def _history_plot(self, name: str, **options: Any) -> Any:
        return getattr(plots, name)(self._needed(), dark=self.dark, **options)

    def _data(self, name: str) -> Any:
        return getattr(plots, f"{name}_data")(self._needed())

    def _needed(self) -> pd.DataFrame:
        history = self.history()
        if history is None:
            run = self.opened_run
            raise InputError(self.awaited(BEGINS if run is not None and run.active else NOTHING))
        return history

    def _networks(self) -> tuple[SpikingNetwork, SpikingNetwork]:
        """The network of the opened run before and after."""
        run, store = self.opened_run, self.workspace.store
        if run is None or store is None or run.status != "FINISHED":
            raise InputError(self.awaited(AT_THE_END))
        if run.params.get("method") == "weights":
            raise InputError("This search learned weights, one by one: there are no scales to show.")
        before = self.workspace.start_of(run)
        if before is None:
            raise InputError(
                "The network that this run began with is not at hand: its file was moved, deleted or changed since."
            )
        return before, store.network(run.id)

    def _scales(self) -> Any:
        return plots.scales(*self._networks(), dark=self.dark)


_AXES = {"networks tried": "evaluation", "seconds": "seconds"}
AXIS_HELP = "Across: how many networks had been tried, or how many seconds the search had taken."
PLANE_HELP = (
    "Across: Pareto latency, in time steps, or peak accuracy. Upwards: Pareto power, in synaptic events per item."
)
NOTHING = "Nothing tried yet: launch an optimisation above, or open one on the page Runs."
BEGINS = "Shown once two networks have been tried."
AT_THE_END = "Shown once the search has ended."
