"""Optimise: launch a search for better scales, watch its loss, see all that it tried."""

from __future__ import annotations

from typing import Any

import pandas as pd
import panel as pn
import param

from snnviz import plots
from snnviz.dashboard import parts
from snnviz.dashboard.components import RadioButtons
from snnviz.dashboard.figure import Figure
from snnviz.dashboard.launching import Launching
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork

_METHODS = {
    "choose for me": "auto",
    "gradient": "gradient",
    "Subplex": "subplex",
    "CMA-ES": "cmaes",
    "percentiles": "percentile",
    "onsets of layers": "onsets",
    "learn the weights": "weights",
}
_HELP = {
    "source": "The spiking network that the search starts from.",
    "method": "How to search. Choose for me: along a gradient, then polished without one. Subplex and CMA-ES need no gradient; "
    "percentiles tries what the paper calls normalisation; onsets says when each layer begins; learn the weights goes furthest.",
    "per": "What has a scale of its own: the whole network, every layer, or every channel. More scales find more and take longer.",
    "minutes": "The whole budget, with loading and with the report on the test set.",
    "lambda_e": "How much accuracy counts in the loss: this times (1 - peak accuracy).",
    "lambda_l": "How much Pareto latency counts, per time step. Usual: one over the size of that of the network at the start.",
    "lambda_p": "How much Pareto power counts, per event and item. Usual: one over the size of that of the network at the start.",
    "steps": "How long each item is shown to the network.",
    "items": "How many held-out training items the loss is measured on. Empty: all of them.",
    "with_potentials": "Where membrane potentials begin is searched as well.",
}
_TERMS = {"peak_accuracy": "held_out_peak_accuracy", "latency": "held_out_latency", "power": "held_out_power"}


class Optimize(Launching):
    """Launch an optimisation, follow its loss, and compare the network before and after.

    The arguments are those of `Page`; the workspace needs a store.
    """

    method: Any = param.Selector(default="auto", objects=list(_METHODS.values()), doc="how to search")
    per: Any = param.Selector(
        default="channel", objects=["network", "layer", "channel"], doc="what has a scale of its own"
    )
    with_potentials = param.Boolean(default=False, doc="search initial membrane potentials too")
    lambda_e = param.Number(default=200.0, bounds=(0, None), doc="weight of accuracy in the loss")
    lambda_l: Any = param.Number(
        default=None, allow_None=True, bounds=(0, None), doc="weight of latency; None for the usual"
    )
    lambda_p: Any = param.Number(
        default=None, allow_None=True, bounds=(0, None), doc="weight of power; None for the usual"
    )
    minutes = param.Number(default=2.0, bounds=(0.05, 600), doc="budget, in minutes")
    items: Any = param.Integer(
        default=None, allow_None=True, bounds=(1, None), doc="held-out training items of the loss; None for all of them"
    )
    steps = param.Integer(default=50, bounds=(1, 1000), doc="time steps")
    x: Any = param.Selector(default="evaluation", objects=["evaluation", "seconds"], doc="axis of the history")
    plane: Any = param.Selector(
        default="latency", objects=["latency", "accuracy"], doc="axis of the scatter, against power"
    )

    slug = "optimize"
    title = "Optimise"
    heading = "Optimise for the anytime curve"
    lead = "Search for firing scales, or weights, that make the right answer come earlier and at less cost, and watch the search."
    terms = ("L_SNN", "scale", "evaluation", "Pareto latency", "Pareto power", "peak accuracy", "held out")
    url_state = ("source", "data", "method", "per", "lambda_e", "minutes", "steps", "opened", "x", "plane")
    launches = "optimize"
    launches_words = "optimisation"
    launches_note = "The loss is measured on training items that are held out; the test set is used once, at the end."
    source_kinds = ("train", "finetune", "optimize", "simulate")

    def spec(self) -> dict[str, Any]:
        """See `Launching.spec`."""
        return self.named({
            "network": self.source, "method": self.method, "per": self.per, "with_potentials": self.with_potentials or None,
            "lambda_e": float(self.lambda_e), "lambda_l": self.lambda_l, "lambda_p": self.lambda_p,
            "minutes": float(self.minutes), "items": self.items, "steps": self.steps,
        })  # fmt: skip

    def _body(self) -> list[Any]:
        number, whole = pn.widgets.FloatInput.from_param, pn.widgets.IntInput.from_param
        usual = {"label": "", "width": 120, "placeholder": "usual"}
        methods = pn.widgets.Select.from_param(self.param.method, label="", options=_METHODS, width=190)
        widgets = [
            parts.group("Network", pn.widgets.Select.from_param(self.param.source, label="", width=220), _HELP["source"]),
            parts.group("Method", methods, _HELP["method"]),
            parts.group("One scale for each", RadioButtons.from_param(self.param.per), _HELP["per"]),
            parts.group("Minutes", number(self.param.minutes, label="", width=80), _HELP["minutes"]),
            parts.group("Weight of accuracy", number(self.param.lambda_e, label="", width=120), _HELP["lambda_e"]),
            parts.group("Weight of latency", number(self.param.lambda_l, **usual), _HELP["lambda_l"]),
            parts.group("Weight of power", number(self.param.lambda_p, **usual), _HELP["lambda_p"]),
            parts.group("Time steps", whole(self.param.steps, label="", width=80), _HELP["steps"]),
            parts.group("Items", whole(self.param.items, label="", width=100, placeholder="all"), _HELP["items"]),
            parts.group(
                "Search too", pn.widgets.Toggle.from_param(self.param.with_potentials, label="initial potentials", width=130),
                _HELP["with_potentials"],
            ),
        ]  # fmt: skip
        form = self.launch_card(*widgets)
        if self.workspace.store is None:
            return [form]
        self.follow(curves=False)  # the loss is drawn below, with its terms
        axis = parts.group("Against", RadioButtons.from_param(self.param.x))
        plane = parts.group("Power against", RadioButtons.from_param(self.param.plane))
        self.figures = {
            "optimization_history": Figure(
                self, "optimization_history", "Loss",
                "Every network that was tried, the best so far, and the three terms that the best is made of.",
                lambda: self._history_plot("optimization_history", x=self.x), lambda: self._data("optimization_history"),
                redraw=["opened", "x"], tip=NOTHING, controls=[axis],
            ),
            "evaluations": Figure(
                self, "evaluations", "Everything tried",
                "Each network that was tried, in what it costs and how well it does; later ones are stronger in colour.",
                lambda: self._history_plot("evaluations", x=self.plane, y="power"), lambda: self._data("evaluations"),
                redraw=["opened", "plane"], tip=NOTHING, controls=[plane],
            ),
            "scales": Figure(
                self, "scales", "Scales", "How much more often the neurons of each channel fire after than before.",
                self._scales, lambda: plots.scales_data(*self._networks()), redraw=["opened"], tip=AT_THE_END,
            ),
            "accuracy_over_time": Figure(
                self, "accuracy_over_time", "Before and after", "On the test set, once the search has ended.",
                lambda: self._curve(plots.accuracy_over_time, zoom="top", dark=self.dark),
                lambda: self._curve(plots.accuracy_over_time_data), redraw=["opened"], tip=AT_THE_END,
            ),
        }  # fmt: skip
        self._evaluated = self._known()
        return [form, self.details.view, parts.grid(*(figure.view for figure in self.figures.values()))]

    def tick(self) -> None:
        """Show what is known of the store now."""
        super().tick()
        if self._known() != self._evaluated:
            self._evaluated = self._known()
            for figure in self.figures.values():
                figure.redraw()

    def _known(self) -> Any:
        """What the plots depend on."""
        run = self.details.run
        return None if run is None else (run.id, run.status, dict(run.metrics))

    # --- what is shown ------------------------------------------------------------------------------------------------

    def history(self) -> pd.DataFrame | None:
        """The evaluations of the opened run so far; None before the first two."""
        run, store = self.details.run, self.workspace.store
        if run is None or store is None or run.kind != self.launches or "loss" not in run.metrics:
            return None
        columns = ["loss", "accuracy_term", "latency_term", "power_term", "seconds", *_TERMS.values()]
        found = store.history(run.id, [name for name in columns if name in run.metrics])
        found = found.rename(columns={kept: name for name, kept in _TERMS.items()}).reset_index(drop=True)
        return found if len(found) > 1 else None

    def _history_plot(self, name: str, **options: Any) -> Any:
        history = self.history()
        return None if history is None else getattr(plots, name)(history, dark=self.dark, **options)

    def _data(self, name: str) -> Any:
        history = self.history()
        if history is None:
            raise InputError(NOTHING)
        return getattr(plots, f"{name}_data")(history)

    def _networks(self) -> tuple[SpikingNetwork, SpikingNetwork]:
        """The network of the opened run before and after."""
        run, store = self.details.run, self.workspace.store
        if run is None or store is None or run.status != "FINISHED":
            raise InputError(AT_THE_END)
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

    def _curve(self, plot: Any, **options: Any) -> Any:
        run, store = self.details.run, self.workspace.store
        if run is None or store is None or run.status != "FINISHED":
            return None
        return plot(self.workspace.before_and_after(run.id), **options)


NOTHING = "Nothing tried yet: launch an optimisation above, or open one on the page Runs."
AT_THE_END = "Shown once the search has ended."
