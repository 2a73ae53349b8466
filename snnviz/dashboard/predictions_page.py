"""Predictions: how the answer to each item comes about, step by step."""

from __future__ import annotations

import base64
import io
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import panel as pn
import param
import xarray as xr

from snnviz import answers, plots
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.components import CheckButtons, Gallery, IntSlider, RadioButtons
from snnviz.dashboard.page import Page
from snnviz.dashboard.plot_card import PlotCard
from snnviz.errors import InputError

PER_PAGE = 20
MOST_COMPARED = 3
PLAY_SECONDS = 0.35
ANY = "any class"


class Predictions(Page):
    """Items with their images; for one of them the answer, the class scores and the spikes over time.

    The arguments are those of `Page`; results must hold predictions (`simulate(..., record=["prediction"])`).
    """

    run: Any = param.Selector(default=None, objects=[None], doc="the run whose answers are shown")
    compared: Any = param.ListSelector(default=[], objects=[], doc="further runs of the same items, in the strip")
    kind: Any = param.Selector(default="late", objects=list(answers.KINDS), doc="which items are listed")
    label: Any = param.Selector(default=ANY, objects=[ANY], doc="true class of the items listed")
    shelf = param.Integer(default=0, bounds=(0, None), doc="page of the list of items, from 0")
    item = param.Integer(default=0, bounds=(0, None), doc="the item that is shown")
    time = param.Integer(default=1, bounds=(1, None), doc="step")
    playing = param.Boolean(default=False, doc="whether the time goes on by itself")
    cost: Any = param.Selector(default="time", objects=["time", "events"], doc="cost of stopping early")
    margin = param.Number(0.9, bounds=(0.0, 1.0), doc="softmax margin at which an item is sure enough to end")

    place, slug = 20, "predictions"
    title = "Predictions"
    heading = "Predictions"
    lead = "How the answer comes about: choose an item, move the time, and see what the network thinks and which neurons fire."
    terms = (
        "prediction strip", "class score", "raster", "confusion matrix", "confidence cut-off", "never right", "late",
        "wavering", "time step",
    )  # fmt: skip
    url_state = ("run", "compared", "kind", "label", "shelf", "item", "time", "cost", "margin")

    def _prepare(self, state: dict[str, Any]) -> None:
        names = self.workspace.names()
        self.param.run.objects = names or [None]
        state["run"] = state["run"] if state.get("run") in names else (names[0] if names else None)
        self._answers: dict[str, pd.DataFrame] = {}
        if state["run"] is None:
            return
        result = self.workspace.result(state["run"])
        self._limits(result)
        alike = self.workspace.of_same_items(state["run"])[:MOST_COMPARED]
        self.param.compared.objects = alike
        state.setdefault("compared", [name for name in alike if name in self.workspace.given()][:1])
        state.setdefault("time", min(5, result.sizes["time"]))
        if "item" not in state:
            listed = self._listed(state["run"], state.get("kind", "late"), None)
            state["item"] = int(listed[0]) if len(listed) else 0

    def _limits(self, result: xr.Dataset) -> None:
        """Bounds and choices that depend on the result."""
        self.param.label.objects = [ANY, *map(str, result["class"].values)]
        self.param.time.bounds = (1, result.sizes["time"])
        self.param.item.bounds = (0, result.sizes["item"] - 1)

    @param.depends("run", watch=True)
    def _change_run(self) -> None:
        result = self.workspace.result(self.run)
        with param.parameterized.batch_call_watchers(self):
            self.param.compared.objects = self.workspace.of_same_items(self.run)[:MOST_COMPARED]
            self.compared = [name for name in self.compared if name in self.param.compared.objects]
            self.label = self.label if self.label in map(str, result["class"].values) else ANY
            self.time = min(self.time, result.sizes["time"])
            self.item = min(self.item, result.sizes["item"] - 1)
            self._limits(result)

    # --- what is shown ------------------------------------------------------------------------------------------------

    def listed(self) -> np.ndarray:
        """Indices of the items of the chosen kind and class."""
        classes = [*map(str, self.workspace.result(self.run)["class"].values)]
        return self._listed(self.run, self.kind, None if self.label == ANY else classes.index(self.label))

    def _listed(self, run: str, kind: str, label: int | None) -> np.ndarray:
        result = self.workspace.result(run)
        if run not in self._answers:
            try:
                self._answers = {run: answers.table(result)}
            except InputError:
                return np.array([], np.int64)
        return answers.select(self._answers[run], kind, result.sizes["time"], label)

    def _one(self, name: str) -> tuple[xr.Dataset, int]:
        """A result that holds what the plot `name` needs of the present item, and the item's index in it.

        What the run has recorded, else what simulating this item alone gives.
        """
        result = self.workspace.result(self.run)
        needed = "spikes" if name == "raster" else "logits"
        if needed == "logits" and "logits" in result:
            return result, self.item
        if needed == "spikes" and plots.recorded_layers(result) and self.item < result.sizes["traced"]:
            return result, self.item
        traced = self.workspace.trace(self.run, self.item)
        if traced is None:
            raise InputError(NOT_RECORDED[needed])
        return traced, 0

    def _holds(self, name: str) -> bool:
        """Whether the result itself has what the plot `name` needs of the present item."""
        return self._one(name)[0] is self.workspace.result(self.run)

    def _streamed(self) -> tuple[xr.Dataset, int, Any]:
        """What a picture of the camera's stream needs: a result with the item's own events, which is it there, and recordings."""
        recordings = self.workspace.recordings(self.run)
        if recordings is None:
            raise InputError(NO_STREAM)
        traced = self.workspace.trace(self.run, self.item)
        if traced is None:
            return self.workspace.result(self.run), self.item, recordings
        return traced, 0, recordings[self.item : self.item + 1]

    def _film(self) -> Any:
        """The card of a camera's stream, shown for as long as the run is of event recordings."""
        place = parts.box(classes=[])

        def show(*_: Any) -> None:
            place.visible = "camera_events" in self.workspace.result(self.run)
            if place.visible and not len(place):
                self.figures["event_stream"] = self._figure("event_stream", ["item"], cursor=True)
                place.append(self.figures["event_stream"].view)

        show()
        self.param.watch(show, "run")
        return place

    def _strip_runs(self) -> dict[str, xr.Dataset]:
        return {name: self.workspace.result(name) for name in [self.run, *self.compared]}

    def _draw(self, name: str) -> Any:
        if name == "prediction_strip":
            images = self.workspace.images(self.run)
            return plots.prediction_strip(self._strip_runs(), [self.item], images, time=self.time, dark=self.dark)
        if name == "confusion":
            return plots.confusion(self.workspace.result(self.run), self.time, dark=self.dark, height=380)
        if name == "confidence_cutoff":
            return plots.confidence_cutoff(
                self._scored("logits", "item_events"), x=self.cost, dark=self.dark, height=380
            )
        if name == "exit_steps":
            return plots.exit_steps(self._stopping(), self._level(), dark=self.dark, height=380)
        if name == "event_stream":
            return plots.event_stream(*self._streamed(), time=self.time, dark=self.dark)
        result, item = self._one(name)
        return getattr(plots, name)(result, item, time=self.time, dark=self.dark, height=380)

    def _recount(self, figure: Any) -> None:
        plots.move_confusion(figure, self.workspace.result(self.run), self.time, dark=self.dark)

    def _data(self, name: str) -> Any:
        if name == "prediction_strip":
            return plots.prediction_strip_data(self._strip_runs(), [self.item])
        if name == "confusion":
            return plots.confusion_data(self.workspace.result(self.run), self.time)
        if name == "confidence_cutoff":
            return plots.confidence_cutoff_data(self._scored("logits", "item_events"))
        if name == "exit_steps":
            return plots.exit_steps_data(self._stopping(), self._level())
        if name == "event_stream":
            return plots.event_stream_data(*self._streamed())
        return getattr(plots, f"{name}_data")(*self._one(name))

    def _scored(self, *needed: str) -> xr.Dataset:
        """The result, which must hold these of all items."""
        result = self.workspace.result(self.run)
        if not set(needed) <= set(result):
            raise InputError(NOT_SCORED)
        return result

    def _stopping(self) -> xr.Dataset:
        """The result, if it says where items ended or would have."""
        return self._scored(*([] if self._level() is None else ["logits"]))

    def _level(self) -> float | None:
        """The margin at which items would have ended, of a result in which they ran on."""
        return None if "exit_step" in self.workspace.result(self.run) else self.margin

    def _figure(self, name: str, redraw: list[str], cursor: bool = False, **options: Any) -> PlotCard:
        title, note = _WORDS[name]
        options["again"] = lambda: self._again(name)
        options["shared"] = lambda: (
            self.run, tuple(self.compared), self.item, self.time, self.cost, self.margin,
            name == "prediction_strip" and self.workspace.images(self.run) is not None,
        )  # fmt: skip
        if cursor:
            options |= {"move": ["time"], "mover": lambda figure: plots.move_cursor(figure, self.time)}
        return PlotCard(
            self, name, title, note, lambda: self._draw(name), lambda: self._data(name), redraw=["run", *redraw],
            **options,
        )  # fmt: skip

    def _again(self, name: str) -> reproducing.Told | None:
        """A plot of the run, or of it and those it is compared with, as Python and as a command; None where the result alone does
        not hold what it shows."""
        if name == "event_stream" or (name in ("class_scores", "answer_margin", "raster") and not self._holds(name)):
            return None
        several = name == "prediction_strip"
        runs = [self.run, *self.compared] if several else [self.run]
        told = reproducing.results(self.workspace, runs) if several else reproducing.result(self.workspace, self.run)
        given: tuple[Any, ...] = {
            "prediction_strip": ([self.item],), "confusion": (self.time,), "confidence_cutoff": (), "exit_steps": (self._level(),),
        }.get(name, (self.item,))  # fmt: skip
        options = {"x": self.cost} if name == "confidence_cutoff" else {}
        return reproducing.drawn(self.workspace, name, told, *given, names=runs, **options)

    # --- layout -------------------------------------------------------------------------------------------------------

    def _body(self) -> list[Any]:
        if self.run is None:
            return [self.empty("No predictions yet", EMPTY)]
        self.gallery = Gallery(sizing_mode="stretch_width", margin=0)
        self.gallery.link(self, chosen="item", bidirectional=True)
        self.figures: dict[str, PlotCard] = {}
        film = self._film()
        strip = self._figure("prediction_strip", ["item", "compared"], cursor=True, least=640)
        self.figures["prediction_strip"] = strip
        self._count = parts.written("")
        self._count.align = "center"
        self._shelves()
        self.param.watch(lambda *_: self._shelves(), ["run", "kind", "label", "shelf"])
        self.param.watch(lambda *_: self._mark(), ["time"])
        self.param.watch(lambda *_: setattr(self, "shelf", 0), ["kind", "label", "run"])
        self.gallery.chosen = self.item
        return [
            self._controls(),
            parts.card(parts.heading("Items", "The frame of a picture is the item shown; below it the true class and the answer."),
                       self._choice(), self.gallery, self._turn()),
            film,
            strip.view,
            self.later(self._rest),
        ]  # fmt: skip

    def _rest(self) -> pn.Column:
        """The plots below the strip."""
        cost = parts.group("Cost", RadioButtons.from_param(self.param.cost, options=_COSTS), COST_HELP)
        margin = parts.group(
            "Sure at a margin of",
            pn.widgets.FloatInput.from_param(self.param.margin, label="", width=110, step=0.05),
            MARGIN,
        )
        further = {
            "class_scores": self._figure("class_scores", ["item"], cursor=True),
            "answer_margin": self._figure("answer_margin", ["item"], cursor=True),
            "raster": self._figure("raster", ["item"], cursor=True),
            "confusion": self._figure("confusion", [], move=["time"], mover=self._recount),
            "confidence_cutoff": self._figure("confidence_cutoff", ["cost"], controls=[cost]),
            "exit_steps": self._figure("exit_steps", ["margin"], controls=[margin]),
        }
        self.figures |= further
        return parts.grid(*(figure.view for figure in further.values()))

    def _play(self) -> None:
        """One step on, while playing."""
        if self.playing:
            self.time = self.time % self.param.time.bounds[1] + 1

    def _controls(self) -> pn.Column:
        steps = self.param.time.bounds[1]
        slider = IntSlider.from_param(self.param.time, label="Time step", start=1, end=steps)
        slider.sizing_mode = "stretch_width"
        play = pn.widgets.Toggle.from_param(self.param.playing, label="▶ Play", width=90)
        self.param.watch(lambda event: setattr(play, "label", "❚❚ Pause" if event.new else "▶ Play"), "playing")
        self.param.watch(lambda *_: setattr(slider, "end", self.workspace.result(self.run).sizes["time"]), "run")
        self.every(self._play, PLAY_SECONDS)
        widgets = [parts.widget(slider), parts.group("Play", play, PLAY_HELP)]
        if len(self.workspace.names()) > 1:
            run = pn.widgets.Select.from_param(self.param.run, label="", width=210)
            widgets.append(parts.group("Run", run, "The result whose answers are shown."))
        if self.param.compared.objects:
            compared = CheckButtons.from_param(self.param.compared, label="")
            widgets.append(parts.group("Compared with", compared, COMPARED_HELP))
        return parts.card(*widgets, classes=["snn-controls"])

    def _choice(self) -> pn.Row:
        return parts.row(
            parts.group("Show", RadioButtons.from_param(self.param.kind), KIND_HELP),
            parts.group("True class", pn.widgets.Select.from_param(self.param.label, label="", width=140), CLASS_HELP),
            classes=["snn-buttons"],
        )

    def _turn(self) -> pn.Row:
        self.back = parts.widget(pn.widgets.Button(label="← Earlier", width=100))
        self.forth = parts.widget(pn.widgets.Button(label="More →", width=100))
        self.back.on_click(lambda *_: setattr(self, "shelf", max(0, self.shelf - 1)))
        self.forth.on_click(lambda *_: setattr(self, "shelf", self.shelf + 1))
        self._shelves()
        return parts.row(self.back, self.forth, self._count, classes=["snn-buttons", "snn-actions"])

    def _shelves(self) -> None:
        """Fill the gallery with the items of the present page."""
        items = self.listed()
        last = max(0, (len(items) - 1) // PER_PAGE)
        shelf = min(self.shelf, last)
        shown = items[shelf * PER_PAGE : (shelf + 1) * PER_PAGE]
        images = self.workspace.images(self.run)
        result = self.workspace.result(self.run)
        classes = [*map(str, result["class"].values)]
        labels = result["label"].values
        self.gallery.items = [
            {
                "item": int(item),
                "label": classes[int(labels[item])],
                "image": None if images is None else picture(plots.as_pictures(images[[item]], self.dark)[0]),
            }
            for item in shown
        ]
        where = f", {shelf * PER_PAGE + 1:,} to {shelf * PER_PAGE + len(shown):,}" if last else ""
        self._count.object = f"<p class='note'>{escape(f'{len(items):,} items{where}')}</p>"
        if hasattr(self, "back"):
            self.back.disabled, self.forth.disabled = shelf == 0, shelf >= last
        self._mark()

    def _mark(self) -> None:
        """Say of each item in the gallery what its answer is now."""
        result = self.workspace.result(self.run)
        if "prediction" not in result:
            return
        classes = [*map(str, result["class"].values)]
        now = result["prediction"].values[:, self.time - 1]
        labels = result["label"].values
        self.gallery.answers = [
            {"answer": classes[int(now[item])], "right": bool(now[item] == labels[item])}
            for item in (entry["item"] for entry in self.gallery.items)
        ]


_WORDS = {
    "event_stream": (
        "Camera and network", "What the camera sends, what the network answers meanwhile, and what both cost so far."
    ),
    "prediction_strip": (
        "Prediction strip", "The answer after each step: right in blue, wrong in orange. The line is the present step."
    ),
    "class_scores": ("Class scores", "The score of every class; the highest is the answer."),
    "answer_margin": (
        "The true class and its rival", "By how much the true class leads the best of the others, or lags behind it."
    ),
    "raster": ("Spikes", "A mark where a neuron fires, a band a layer."),
    "confusion": ("Confusion at this step", "True classes down, answers across; the diagonal is right."),
    "confidence_cutoff": (
        "Confidence cut-off", "Stop each item as soon as the network is sure, instead of all at the same step."
    ),
    "exit_steps": (
        "When items end", "After how many steps the network is sure enough of an item; pale: of these, the wrong answers."
    ),
}  # fmt: skip
NOT_RECORDED = {
    "logits": "This run kept no class scores, and its network or images are not at hand to compute them. Put their .npz "
    'files into the folder of the result\'s, simulate with --record logits (record=["logits"]), or as a run of the store.',
    "spikes": "This run kept no spikes of this item, and its network or images are not at hand to compute them. Put their "
    ".npz files into the folder of the result's, simulate as a run of the store, or in Python with "
    "record=Record(spikes=network.firing_names).",
}
NOT_SCORED = (
    "This run did not keep the class scores and events of all items. Simulate its network again: Simulate this on the page of the "
    "run that made it keeps them where classes are few, as does --record prediction logits events."
)
_COSTS = {"time steps": "time", "synaptic events": "events"}
COST_HELP = "Across: what an answer takes on average, in time steps or in synaptic events."
PLAY_HELP = "Moves the time on by itself, step by step."
COMPARED_HELP = "Further results of the same items, whose answers stand below in the strip."
KIND_HELP = "Which items are listed. Late: right in the end, the latest first. Wavering: whose answer changes, most changes first."
CLASS_HELP = "Lists the items of one class alone."
MARGIN = (
    "An item ends as soon as the best class leads the second by so much, from 0 to 1, in the softmax of the class scores. A result "
    "of snnviz simulate --stop shows where its own items ended."
)
NO_STREAM = (
    "This run is of images, or its recordings are not at hand. Simulate event recordings with --input spikes, and look at the "
    "result where its data are."
)
EMPTY = """<p>Simulate a network, then look at its answers here:</p>
<pre><code>snnviz simulate dense-mnist-optimized --out result.nc
snnviz dashboard result.nc</code></pre>"""


def picture(image: np.ndarray) -> str:
    """Intensities in [0, 1], (height, width[, channels]), as a PNG in a data URI."""
    from PIL import Image

    pixels = (255 * np.clip(image, 0, 1)).round().astype(np.uint8)
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
