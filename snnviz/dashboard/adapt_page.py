"""Adapt: replace in a classifier what has no spiking counterpart, and see what that costs and what fine-tuning brings back."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import param

from snnviz._options import options_of
from snnviz.dashboard import parts
from snnviz.dashboard.forms import field, parameter
from snnviz.dashboard.launching import Launching
from snnviz.dashboard.workspace import label
from snnviz.errors import InputError
from snnviz.jobs.spec import leaving
from snnviz.jobs.work.adapt import Options
from snnviz.plots import theme

_EPOCHS = 3
_STAGES = {"As it was": "accuracy_before", "Replaced": "accuracy_replaced", "Fine-tuned": "accuracy_adapted"}


class Adapt(Launching):
    """A form that launches an adaptation, and of one that has finished what was replaced and the accuracy at each stage.

    The arguments are those of `Page`; launching needs a store.
    """

    epochs = param.Integer(default=_EPOCHS, bounds=(1, 1000), doc="epochs of each of the two stages")
    limit = parameter(Options, "limit", default=None, bounds=(100, None))
    seed = parameter(Options, "seed")
    mean = param.String(default="", doc="what an ONNX network expects to be subtracted, numbers with commas between")
    std = param.String(default="", doc="what it expects intensities to be divided by then")

    place, slug = 40, "adapt"
    title = "Adapt"
    heading = "Adapt"
    lead = (
        "Spikes add up; they do not compare. So max pooling becomes average pooling and other activations become ReLU, and a "
        "short fine-tuning brings back what that costs."
    )
    terms = ("ANN accuracy", "held out", "run", "waiting", "finished")
    url_state = ("source", "data", "epochs", "limit", "opened")
    launches = "adapt"
    launches_words = "adaptation"
    launches_note = (
        "From a classifier that cannot be converted as it is, e.g. an ONNX file from PyTorch. What can be, keeps its layers and is "
        "fine-tuned."
    )
    suffixes = (".keras", ".onnx")
    upload_words = "Upload a model or data"
    source_kinds = leaving("model")

    def spec(self) -> dict[str, Any]:
        """See `Launching.spec`."""
        shown = {name: _numbers(text) for name, text in (("mean", self.mean), ("std", self.std)) if text.strip()}
        given = {**self.filled("limit", "seed"), **shown}
        return self.named({"model": self.source, **given, "epochs": [self.epochs, self.epochs]})

    def _body(self) -> list[Any]:
        form, opened = self.launch_card(self._widgets), self.follow()
        self.outcome = parts.written("")
        self.param.watch(lambda *_: self._show(), ["opened", "dark"])
        self._show()
        return [form, parts.card(parts.heading("What it costs"), self.outcome), opened]

    def _widgets(self) -> list[Any]:
        """What the form has for this job."""
        return [
            self.source_field("Model", "The trained classifier; it stays as it is, the adaptation is a copy."),
            field(self, Options, "epochs", width=170),
            field(self, Options, "limit", width=110, placeholder="all"),
            field(self, Options, "seed", width=80),
            self._text("mean", "0.485,0.456,0.406"),
            self._text("std", "0.229,0.224,0.225"),
        ]

    def _text(self, name: str, example: str) -> pn.Column:
        each = options_of(Options)[name]
        made = pn.widgets.TextInput.from_param(self.param[name], label="", placeholder=example, width=150)
        return parts.group(each.label, made, each.about)

    def tick(self) -> None:
        """Show what is known of the store now."""
        super().tick()
        self._show()

    def _show(self) -> None:
        words = self._outcome()
        if self.outcome.object != words:
            self.outcome.object = words

    def _outcome(self) -> str:
        """HTML of the accuracies and the replacements of the opened run."""
        run = self.opened_run
        if run is None:
            return parts.missing("Nothing adapted yet: upload a model, choose its data set, and launch.")
        if run.status != "FINISHED":
            return parts.missing(self.awaited("Known once the opened run has finished."))
        try:
            card = self.workspace.card(label(run))
        except InputError as error:  # deleted a moment ago
            return parts.missing(str(error))
        color = theme.series_color(0, self.dark)
        tiles = parts.tiles(
            ("", title, "%", [(parts.percent(card.get(name)), "", color)]) for title, name in _STAGES.items()
        )
        replaced = card.get("replaced") or ["nothing had to be replaced"]
        items = "".join(f"<li>{escape(words)}</li>" for words in replaced)
        where = escape(str(card.get("measured_on", "test")))
        return f"<p class='note'>Accuracy on the {where} set.</p>{tiles}<h3 class='notes'>What was replaced</h3><ul>{items}</ul>"


def _numbers(text: str) -> list[float] | str:
    """Numbers with commas between; what is none stays a text, which the job's options refuse."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        return text
