"""Convert: from a trained classifier to a spiking network, with a report of how well rates stand for activations."""

from __future__ import annotations

from html import escape
from typing import Any

import pandas as pd

from snnviz import plots
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.forms import field, parameter
from snnviz.dashboard.launching import Launching
from snnviz.dashboard.network_page import report_table
from snnviz.dashboard.plot_card import PlotCard
from snnviz.errors import InputError
from snnviz.jobs.spec import leaving
from snnviz.jobs.work.convert import Options
from snnviz.jobs.work.sources import FROM_RUN


class Convert(Launching):
    """A form that launches a conversion, and the report of the one that is opened.

    The arguments are those of `Page`; launching needs a store.
    """

    setting: Any = parameter(Options, "setting")
    percentile = parameter(Options, "percentile")
    norm_items = parameter(Options, "norm_items")
    input: Any = parameter(Options, "input")

    place, slug = 60, "convert"
    title = "Convert"
    heading = "Convert"
    lead = "Drop a trained classifier, or take a shipped one, and get a spiking network that stands for it, neuron by neuron."
    terms = ("layer scale", "saturated", "active", "dead", "rate error", "rate bias", "spike rate", "held out")
    url_state = ("source", "data", "setting", "percentile", "norm_items", "input", "opened")
    launches = "convert"
    launches_words = "conversion"
    launches_note = "Takes seconds to minutes; then simulate the network, or look for a better one."
    suffixes = (".keras", ".onnx")
    upload_words = "Or upload a model or data"
    source_kinds = leaving("model")

    def spec(self) -> dict[str, Any]:
        """See `Launching.spec`."""
        given = self.filled("setting", "percentile", "norm_items", "input")
        return self.named({"model": self.source, **given, "report": True})

    def _body(self) -> list[Any]:
        form = self.launch_card(self._widgets)
        if self.workspace.store is None:
            return [form]
        self.report = parts.written("")
        self._told = ""
        self._network: Any = None
        self.tried = PlotCard(
            self, "settings_tried", "Settings tried",
            "Accuracy over time of each setting, on items held out of the normalisation; from its dot on within 1 % of the ANN.",
            self._tried, lambda: plots.settings_tried_data(self._network), again=self._tried_again,
            tip="Here once a conversion has ended that chose its settings itself.",
        )  # fmt: skip
        opened = self.follow(curves=False)
        about = "How well firing rates stand for the activations of the model, measured on test items."
        return [
            form,
            opened,
            self.tried.view,
            parts.card(parts.heading("Conversion report", about), self.report, classes=["snn-loose"]),
        ]  # fmt: skip

    def _widgets(self) -> list[Any]:
        """What the form has for this job."""
        return [
            self.source_field("Model", "The trained classifier."),
            field(self, Options, "setting", {"chosen for me": "auto", "as in the paper": "paper"}),
            field(self, Options, "percentile", width=110, placeholder="chosen"),
            field(self, Options, "norm_items", width=120),
            field(self, Options, "input", {"as spikes": "spiking", "as they are": "analog"}),
        ]

    def tick(self) -> None:
        """Show what is known of the store now."""
        super().tick()
        run = self.opened_run
        done = run.id if run is not None and run.kind == self.launches and run.status == "FINISHED" else ""
        if done != self._told or not self.report.object:
            self._told = done
            try:
                self._network = self.workspace.network_of(done) if done else None
                self.tried.redraw()
            finally:
                # last: each change is sent as it comes, and who sees the report should not still read that nothing was tried
                self.report.object = self._words(done)

    def _tried(self) -> Any:
        if self._network is None or not self._network.metadata.get("choice"):
            return None
        return plots.settings_tried(self._network, dark=self.dark)

    def _tried_again(self) -> reproducing.Told:
        told = {"network": reproducing.loading(FROM_RUN + self._told)}
        return reproducing.drawn(self.workspace, "settings_tried", told)

    def _words(self, run_id: str) -> str:
        """HTML of the report of a run that has ended."""
        if not run_id:
            return parts.missing(self.awaited("Here once the conversion has ended."))
        try:
            told = self.workspace.answer(run_id)
        except InputError as error:
            return parts.missing(str(error))
        found = told.get("report")
        notes = "".join(f"<p class='note'>{escape(str(text))}</p>" for text in told.get("warnings") or ())
        if not isinstance(found, dict):
            return notes + parts.missing("This conversion was asked for without a report.")
        rows = pd.DataFrame(found["layers"]).astype(dict.fromkeys(_NUMBERS, float)).set_index("layer")
        rows.attrs |= found
        return report_table(rows) + _accuracies(found) + notes


_NUMBERS = ("scale", "saturated", "active", "dead", "rate_error", "rate_bias")


def _accuracies(report: dict[str, Any]) -> str:
    kept = [report.get(name) for name in ("model_accuracy", "spiking_accuracy")]
    if None in kept:
        return ""
    model, spiking = (parts.percent(value) for value in kept)
    return f"<p class='note'>The model is right on {model} % of these items, the spiking network on {spiking} %.</p>"
