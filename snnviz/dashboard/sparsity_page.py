"""Sparsity: what fine-tuning has made zero, layer by layer, at what price in accuracy; launch the next one."""

from __future__ import annotations

import math
from html import escape
from typing import Any

import pandas as pd
import panel as pn
import param

from snnviz import plots, reports
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.components import RadioButtons
from snnviz.dashboard.forms import field, parameter
from snnviz.dashboard.launching import Launching
from snnviz.dashboard.plot_card import PlotCard
from snnviz.errors import InputError
from snnviz.jobs.spec import leaving
from snnviz.jobs.work.finetune import Options
from snnviz.sparsity_sweep import LAMBDA_A, LAMBDA_W
from snnviz.training.recipe import FINE_TUNING

_PUBLISHED = "without the last hidden layer (as published)"
_VALUES = {
    "val_accuracy": "accuracy on held-out items",
    "S_c": "silent, S_c",
    "S_a": "zero activations, S_a",
    "S_w": "zero synapses, S_w",
}


class Sparsity(Launching):
    """Sparsity of activations and weights before and after fine-tuning, beside the paper's; and a form that launches one.

    The arguments are those of `Page`; launching needs a store.
    """

    model: Any = param.Selector(default=None, objects=[None], doc="the fine-tuned model that is shown")
    value: Any = param.Selector(default="S_c", objects=list(_VALUES), doc="what the grid of strengths shows")
    many = param.Boolean(default=False, doc="launch a sweep over strengths of both penalties")
    lambdas_a = param.String(
        default=",".join(f"{value:g}" for value in LAMBDA_A), doc="strengths of a sweep, activations"
    )
    lambdas_w = param.String(default=",".join(f"{value:g}" for value in LAMBDA_W), doc="strengths of a sweep, weights")
    lambda_a = parameter(Options, "lambda_a", default=FINE_TUNING.lambda_a)
    lambda_w = parameter(Options, "lambda_w", default=FINE_TUNING.lambda_w)
    weigh: Any = parameter(Options, "weigh", default=FINE_TUNING.weigh)
    epsilon = parameter(Options, "epsilon", default=1e-4)
    levels = parameter(Options, "levels", default=FINE_TUNING.levels, bounds=(0, 1000))
    epochs = param.Integer(default=100, bounds=(1, 1000), doc="epochs of each of the two stages")
    limit = parameter(Options, "limit", default=60_000, bounds=(100, None))
    seed = parameter(Options, "seed")

    place, slug = 50, "sparsity"
    title = "Sparsity"
    heading = "Sparsity"
    lead = "A zero activation sends no spike, a zero weight passes none on. Fine-tuning makes many of both and keeps the accuracy."
    terms = ("S_a", "S_w", "S_c", "lambda_a", "lambda_w", "weigh", "epsilon", "levels", "pruning curve", "held out")
    url_state = (
        "source", "data", "model", "value", "many", "lambdas_a", "lambdas_w",
        "lambda_a", "lambda_w", "weigh", "epsilon", "levels", "epochs", "limit", "opened",
    )  # fmt: skip
    launches = "finetune"
    launches_words = "fine-tuning"
    launches_note = (
        "From a trained classifier; 100 epochs a stage on all items take about ten minutes for the dense network."
    )
    suffixes = (".keras", ".onnx")
    upload_words = "Or upload a model or data"
    source_kinds = leaving("model")

    def spec(self) -> dict[str, Any]:
        """See `Launching.spec`."""
        shared = self.filled("weigh", "epsilon", "levels", "limit", "seed")
        shared |= {"model": self.source, "epochs": [self.epochs, self.epochs]}
        if not self.many:
            return self.named({**shared, **self.filled("lambda_a", "lambda_w"), "curves": CURVE_ITEMS})
        grid = {"lambda_a": _strengths("λa", self.lambdas_a), "lambda_w": _strengths("λw", self.lambdas_w)}
        return {**self.named({**shared, **grid}), "kind": "sweep"}

    def _prepare(self, state: dict[str, Any]) -> None:
        self._shown: set[tuple[str, str]] = set()
        self._watched = ""
        self.figures: dict[str, PlotCard] = {}
        super()._prepare(state)
        names = self.workspace.models()
        self.param.model.objects = names
        state["model"] = state["model"] if state.get("model") in names else names[0]

    def tick(self) -> None:
        """Show what is known of the store now."""
        super().tick()
        names = self.workspace.models()
        if names != list(self.param.model.objects):
            self.param.model.objects = names
            self.figures["lambda_grid"].redraw()
        run = self.opened_run
        # the run that was launched from here is shown as soon as it is done
        if run is not None and not run.active and (run.id, run.status) not in self._shown:
            self._shown.add((run.id, run.status))
            self.figures["accuracy_over_time"].redraw()
            done = [name for name in names if name.endswith(run.id[:6])]
            if done and self._watched == run.id:
                self.model = done[0]
        self._watched = run.id if run is not None and run.active else self._watched

    def _body(self) -> list[Any]:
        choice = pn.widgets.Select.from_param(self.param.model, label="", width=320)
        grid_value = pn.widgets.Select.from_param(
            self.param.value, label="", options={words: name for name, words in _VALUES.items()}, width=230
        )
        self.figures = {
            "accuracy_over_time": self.pair_figure(NO_CURVES),
            "layer_sparsity": PlotCard(
                self, "layer_sparsity", "Layer by layer", "Zeros among the activations and the weights of each layer.",
                lambda: plots.layer_sparsity(self._stages(), dark=self.dark), lambda: plots.layer_sparsity_data(self._stages()),
                redraw=["model"], shared=lambda: self.model, again=lambda: self._again("layer_sparsity", stages=_STAGES),
            ),
        }  # fmt: skip
        form, opened = self.launch_card(self._widgets), self.follow()
        self.figures |= {
            "pruning_curve": PlotCard(
                self, "pruning_curve", "Pruning curve", "Accuracy on held-out items once all weights below ε are set to zero.",
                lambda: plots.pruning_curve(self._curve()[0], chosen=self._curve()[1], dark=self.dark),
                lambda: plots.pruning_curve_data(self._curve()[0]), redraw=["model"], shared=lambda: self.model,
                again=lambda: self._again("pruning_curve", chosen=self._curve()[1], curve=_POINTS),
            ),
            "lambda_grid": PlotCard(
                self, "lambda_grid", "Strengths tried",
                "Every fine-tuning of this architecture, by its strengths; the mean where several had the same. A frame: the best.",
                self._grid, lambda: plots.lambda_grid_data(self.tried(), self.value),
                redraw=["value", "model"], tip="No fine-tuning has recorded this yet.",
                again=lambda: reproducing.drawn(
                    self.workspace, "lambda_grid", {"table": reproducing.frame(self._measured())}, self.value,
                    label=_VALUES[self.value],
                ),
                controls=[parts.group("Show", grid_value, VALUE_HELP)],
            ),
        }  # fmt: skip
        table = parts.card(
            parts.heading(
                "Accuracy and zeros", "Of the classifier before and after, on the test set, beside the paper's."
            ),
            parts.group("Model", choice, "The fine-tuned classifier that is shown here and in the plots below."),
            self.live(self._table, "model"),
            classes=["snn-loose"],
        )
        return [form, opened, table, parts.grid(*(figure.view for figure in self.figures.values()))]

    def _widgets(self) -> list[Any]:
        """What the form has for this job."""
        return [
            self.source_field("Model", "The trained classifier that the fine-tuning starts from."),
            parts.group(
                "Launch",
                RadioButtons.from_param(self.param.many, options={"one fine-tuning": False, "a sweep": True}),
                SWEEP,
            ),
            *self._strength_fields(),
            field(self, Options, "weigh", {"the size of layers": "size", "the events of layers": "events"}, width=190),
            field(self, Options, "epsilon", width=150, step=1e-4),
            field(self, Options, "levels", width=110),
            field(self, Options, "epochs", width=170),
            field(self, Options, "limit", width=110),
            field(self, Options, "seed", width=80),
        ]

    def _strength_fields(self) -> list[Any]:
        """The widgets for the strengths of one fine-tuning, and those for a sweep's; either are shown."""
        one = [
            field(self, Options, "lambda_a", width=150, step=0.1),
            field(self, Options, "lambda_w", width=150, step=5),
        ]
        grid = [
            parts.group(words, pn.widgets.TextInput.from_param(self.param[name], label="", width=150), SWEEP)
            for words, name in (("Penalties on activity (λa)", "lambdas_a"), ("Penalties on weights (λw)", "lambdas_w"))
        ]

        def show(*_: Any) -> None:
            for made in (*one, *grid):
                made.visible = (made in grid) == self.many

        self.param.watch(show, "many")
        show()
        return [*one, *grid]

    # --- what is shown ------------------------------------------------------------------------------------------------

    def _stages(self) -> dict[str, dict[str, Any]]:
        card = self.workspace.card(self.model)
        return {"before": card.get("sparsity_before", {}), "after": card.get("sparsity", {})}

    def _curve(self) -> tuple[list[dict[str, float]], float | None]:
        card = self.workspace.card(self.model)
        found = card.get("pruning_curve")
        if not found:
            raise InputError("The card of this model holds no pruning curve.")
        return found["points"] if isinstance(found, dict) else found, card.get("epsilon")

    def tried(self) -> pd.DataFrame:
        """The fine-tunings at hand of the shown model's architecture: columns lambda_a, lambda_w, and what is known of
        val_accuracy, S_a, S_w, S_c."""
        rows = []
        shown = self.workspace.card(self.model).get("architecture")
        for name in self.workspace.models():
            card = self.workspace.card(name)
            if card.get("architecture") != shown:
                continue
            recipe, measured = card.get("recipe", {}), card.get("sparsity", {})
            if "lambda_a" in recipe:
                rows.append(
                    {"lambda_a": recipe["lambda_a"], "lambda_w": recipe["lambda_w"]}
                    | {key: measured.get(key) for key in ("S_a", "S_w", "S_c")}
                    | {"val_accuracy": card.get("validation", {}).get("accuracy")}
                )
        return pd.DataFrame(rows, columns=["lambda_a", "lambda_w", *_VALUES])

    def _again(self, name: str, chosen: float | None = None, **told: str) -> reproducing.Told:
        """A plot of the model's card as Python."""
        return reproducing.drawn(
            self.workspace, name, {"_card": self.workspace.card_where(self.model), **told}, chosen=chosen
        )

    def _measured(self) -> pd.DataFrame:
        """What was tried and has the value that is shown."""
        return self.tried().dropna(subset=[self.value]).astype(float)

    def _grid(self) -> Any:
        found = self._measured()
        if found.empty:
            return None
        return plots.lambda_grid(found, self.value, label=_VALUES[self.value], dark=self.dark)

    def _table(self) -> str:
        """Tables F and G for the model shown."""
        card = self.workspace.card(self.model)
        before, after = card.get("sparsity_before", {}), card.get("sparsity", {})
        accuracy = {"before": card.get("test_accuracy_before"), "after": card.get("test", {}).get("accuracy")}
        architecture = str(card.get("architecture", ""))

        def paper(stage: str, metric: str, percent: bool = False) -> str:
            number = reports.PAPER.get((architecture, stage, metric))
            return "–" if number is None else parts.percent(number.value) if percent else f"{number.value:.3f}"

        def ours(stage: dict[str, Any], key: str) -> str:
            return f"{stage[key]:.3f}" if stage.get(key) is not None else "–"

        rows = [
            [parts.term("ANN accuracy", "Accuracy of the classifier"), "%", parts.percent(accuracy["before"]),
             paper("before", "ANN accuracy", True), parts.percent(accuracy["after"]), paper("after", "ANN accuracy", True)],
        ]  # fmt: skip
        for key, published in (
            ("S_a", True),
            (f"S_a {_PUBLISHED}", False),
            ("S_w", False),
            ("S_c", True),
            (f"S_c {_PUBLISHED}", False),
        ):
            name = key.split()[0]
            words = {"S_a": "Zero activations, S_a", "S_w": "Zero synapses, S_w", "S_c": "Silent, S_c"}[name]
            detail = ", all hidden layers" if published else f", {_PUBLISHED}" if " " in key else ""
            beside = [paper(stage, name) if not published else "–" for stage in ("before", "after")]
            rows.append(
                [
                    parts.term(name, words) + escape(detail),
                    "fraction",
                    ours(before, key),
                    beside[0],
                    ours(after, key),
                    beside[1],
                ]
            )
        head = ["", "", "before", parts.term("", "paper", _TIP), "after", parts.term("", "paper", _TIP)]
        where = escape(str(card.get("sparsity_measured_on", "test")))
        return parts.table(head, rows, words=2) + (
            f"<p class='note notes'>Measured on the {where} set. Made by <code>{escape(str(card.get('command', '')))}</code></p>"
        )


def _strengths(name: str, text: str) -> list[float]:
    """The numbers of a sweep's field."""
    try:
        found = [float(word) for word in text.split(",") if word.strip()]
    except ValueError:
        found = []
    if not found or not all(math.isfinite(value) and value >= 0 for value in found):
        raise InputError(f"{name} of a sweep must be numbers of 0 or more with commas between. Received: {text!r}")
    return found


_STAGES = "{'before': _card['sparsity_before'], 'after': _card['sparsity']}"
_POINTS = "_card['pruning_curve']['points']"
VALUE_HELP = "What is shown of each fine-tuning: its accuracy, or the share of zeros that it came to, from 0 to 1."
CURVE_ITEMS = 1000
NO_CURVES = "Shown once a fine-tuning that was launched here, or with --curves, has ended."
SWEEP = "A sweep fine-tunes once for every pair of strengths, and compares. Several strengths have commas between."
_TIP = "As published (Dutson, Li, Gupta, WACV 2023). The published code leaves the last hidden layer out of S_a."
