"""Live: draw something, and watch the network's answer and its cost come, step by step."""

from __future__ import annotations

import base64
import binascii
import contextlib
import time
from html import escape
from typing import Any

import numpy as np
import panel as pn
import param
import xarray as xr

from snnviz import plots, pretrained
from snnviz.dashboard import parts, reproducing, style
from snnviz.dashboard.page import Page
from snnviz.dashboard.plot_card import PlotCard
from snnviz.dashboard.predictions_page import picture
from snnviz.errors import InputError
from snnviz.plots import theme

MOST_NEURONS = 1024
"""Of a larger layer so many neurons are shown, evenly spaced."""
TEST_IMAGES = 100
NETWORK_HELP = "The spiking network that answers: of a result that is open here, or one that ships with snnviz."
STEPS_HELP = "How long the network looks at what is drawn. It answers after every step."
PAUSE = 0.3
"""Seconds without a stroke after which the plots below follow."""


class LiveNetwork(pn.custom.JSComponent):
    """A pad to draw on and the layers of a network that answers, drawn by live.js.

    Args:
        told: called with what was clicked: {"next": True}, or {"layer": name, "neuron": index among those shown}.
    """

    shape: Any = param.List(default=[28, 28, 1], doc="height, width and channels of what is sent")
    classes: Any = param.List(default=[], doc="names of the classes")
    drawn = param.String(default="", doc="number of the message, a colon, and the intensities as bytes in base64")
    given = param.String(default="", doc="an image to show on the pad, a data URI")
    answer: Any = param.Dict(default={}, doc="see `answer_of`")

    _esm = style.source("live.js")
    _stylesheets = [style.sheet("text"), style.sheet("components")]  # noqa: RUF012 - Panel's own

    def __init__(self, told: Any, **options: Any) -> None:
        super().__init__(**options)
        self._told = told

    def _handle_msg(self, msg: Any) -> None:
        if isinstance(msg, dict):
            self._told(msg)


class Live(Page):
    """A network that answers while one draws: its layers as maps over time, the class scores, the synaptic events spent.

    The arguments are those of `Page`.
    """

    network: Any = param.Selector(default=None, objects=[None], doc="the network that answers")
    steps = param.Integer(default=20, bounds=(1, 200), doc="time steps of an answer")
    item = param.Integer(default=0, bounds=(0, TEST_IMAGES - 1), doc="test image that is shown at first")
    layer: Any = param.Selector(default=None, objects=[None], doc="layer whose neurons are looked at")
    neuron = param.Integer(default=0, bounds=(0, None), doc="index of the neuron that is looked at")
    told = param.Integer(default=0, doc="how often the network has answered")

    place, slug = 30, "live"
    title = "Live"
    heading = "Live"
    lead = "Draw a digit, or take a picture, and watch the answer come: which neurons fire, what each class scores, what it costs."
    terms = ("spike rate", "synaptic event", "class score", "time step", "anytime")
    url_state = ("network", "steps", "item", "layer", "neuron")

    def _prepare(self, state: dict[str, Any]) -> None:
        shipped = list(pretrained.names(".npz"))
        shipped.sort(key=lambda name: name != "dense-mnist-optimized")
        names = [*self.workspace.names(), *shipped]
        self.param.network.objects = names
        state["network"] = state["network"] if state.get("network") in names else shipped[0]
        self._result: xr.Dataset | None = None
        self._answered_at, self._serial = 0.0, 0
        self._chosen = "neuron" in state
        with contextlib.suppress(InputError):
            self.param.layer.objects = list(self._network(state["network"]).firing_names)
            state.setdefault("layer", self.param.layer.objects[min(1, len(self.param.layer.objects) - 1)])

    def _network(self, name: str | None = None) -> Any:
        """The network that answers, or the one of that name.

        Raises:
            InputError: if it is not at hand.
        """
        wanted = self.network if name is None else name
        if wanted not in self.workspace.names():
            return self.workspace.remembered(("shipped", wanted), lambda: pretrained.network(wanted))
        found = self.workspace.network(wanted)
        if found is None:
            raise InputError(
                "The network of this result is not at hand: put its .npz file into the folder of the result's."
            )
        return found

    def _body(self) -> list[Any]:
        self.pad = LiveNetwork(self._clicked, sizing_mode="stretch_width", margin=0)
        self.pad.param.watch(self.guarded(lambda event: self._drawn(event.new)), "drawn")
        self.membranes = PlotCard(
            self, "membranes", "Membranes", "Of the neuron clicked and of some others of its layer; marks are spikes.",
            self._draw_membranes, lambda: plots.membranes_data(self._answered(), 0, self.layer, self._neurons()),
            redraw=["layer", "neuron", "told"], again=self._membranes_again, shared=self._of_an_image,
        )  # fmt: skip
        self.param.watch(lambda *_: self._begin(), ["network", "steps", "item"])
        steps = pn.widgets.IntInput.from_param(self.param.steps, label="", width=90)
        self._begin()
        self._answered_at = 0.0  # the plot has yet to be drawn, and will be of this answer
        self.every(self._settle, PAUSE)
        return [
            parts.card(
                parts.row(
                    parts.group(
                        "Network", pn.widgets.Select.from_param(self.param.network, label="", width=280), NETWORK_HELP
                    ),
                    parts.group("Time steps", steps, STEPS_HELP),
                    classes=["snn-buttons"],
                ),
                self.pad,
            ),
            parts.grid(
                self.membranes.view,
                parts.card(
                    parts.heading("The neuron clicked", "Click a place in a layer above."),
                    self.live(self._about, "layer", "neuron", "told", "dark"),
                ),
            ),
        ]

    def _begin(self) -> None:
        """Show a test image, or an empty pad, to another network."""
        try:
            network = self._network()
        except InputError as error:
            self.say(str(error))
            return
        if len(network.input_shape) != 3 or network.input_shape[2] not in (1, 3):
            self.say(f"Only networks of images can be drawn for. This one takes {network.input_shape}.")
            return
        images = self._images(network)
        self.param.layer.objects = list(network.firing_names)
        self.layer = (
            self.layer
            if self.layer in network.firing_names
            else network.firing_names[min(1, len(network.firing_names) - 1)]
        )
        first = np.zeros(network.input_shape, np.float32) if images is None else images[self.item % len(images)]
        self.pad.param.update(
            shape=list(network.input_shape), given="" if images is None else picture(first),
            classes=[str(name) for name in network.class_names or range(network.classes)],
        )  # fmt: skip
        self._answer(first, 0)
        if not self._chosen and self._result is not None:  # one that has something to show
            self.neuron = int(self._result[f"spikes_{self.layer}"].values[0].sum(axis=0).argmax())

    def _images(self, network: Any) -> Any:
        """Some test images of the data set that a network is of; None if they are not here."""
        from snnviz import datasets

        name = _data_of(network)

        def load() -> Any:
            try:
                return datasets.load(name, split="test", limit=TEST_IMAGES).x
            except (InputError, OSError):
                return None

        found = self.workspace.remembered(("images of", name), load)
        return found if found is not None and found.shape[1:] == network.input_shape else None

    def _drawn(self, message: str) -> None:
        """Answer what was drawn."""
        network = self._network()
        self._answer(*intensities(message, network.input_shape))

    def _answer(self, image: np.ndarray, serial: int) -> None:
        from snnviz.simulation import Record, simulate

        network = self._network()
        record = Record(logits=True, events=True, spikes=network.firing_names, potentials=network.layer_names, items=1)
        self._result = simulate(
            network, image[None], np.zeros(1, int), self.steps, engine="event", record=record, progress=False,
            input=_input_of(network),
        )  # fmt: skip
        self._serial = serial
        self.pad.answer = {**answer_of(self._result, network.input_shape, self.dark), "serial": serial}
        self._answered_at = time.monotonic()
        if pn.state.curdoc is None:
            self._settle(pause=0.0)

    def _settle(self, pause: float = PAUSE) -> None:
        """Draw what takes longer than an answer, as soon as nobody has drawn for a moment."""
        if self._answered_at and time.monotonic() - self._answered_at >= pause:
            self._answered_at = 0.0
            self.told += 1

    def _answered(self) -> xr.Dataset:
        if self._result is None:
            raise InputError("Nothing was drawn yet.")
        return self._result

    def _clicked(self, message: dict[str, Any]) -> None:
        if message.get("next"):
            self.item = (self.item + 1) % TEST_IMAGES
        elif message.get("layer") in self.param.layer.objects and isinstance(message.get("neuron"), int):
            count = self._answered()[f"spikes_{message['layer']}"].shape[2]
            kept = _kept(count)
            self._chosen = True
            self.layer = message["layer"]
            self.neuron = int(kept[max(0, min(message["neuron"], len(kept) - 1))])

    def _neurons(self) -> list[int]:
        """The neuron that is looked at and its neighbours."""
        count = self._answered()[f"potential_{self.layer}"].shape[2]
        first = min(self.neuron, count - 1)
        return [(first + step) % count for step in range(min(count, 4))]

    def _of_an_image(self) -> Any:
        """What the plot depends on as long as a test image is answered; None for what was drawn here."""
        return None if self._serial else (self.network, self.steps, self.item, self.layer, self.neuron)

    def _draw_membranes(self) -> Any:
        result = self._answered()
        if f"potential_{self.layer}" not in result:
            raise InputError("The input layer only passes the image on: click a neuron of another layer.")
        return plots.membranes(result, 0, self.layer, self._neurons(), dark=self.dark, height=360)

    def _network_again(self) -> str:
        if self.network in self.workspace.names():
            return reproducing.network(self.workspace, self.network)["network"]
        return reproducing.loading(self.network)

    def _membranes_again(self) -> reproducing.Told | None:
        """Of a test image alone: what was drawn is nowhere but here."""
        if self._serial:
            return None
        network, (name, at) = self._network(), (_data_of(self._network()), self.item)
        return reproducing.drawn(
            self.workspace, "membranes",
            {
                "_images": f"snnviz.datasets.load({name!r}, split='test', limit={TEST_IMAGES})",
                "_record": f"snnviz.Record(spikes={list(network.firing_names)}, potentials=[{self.layer!r}], items=1)",
                "_network": self._network_again(),
                "result": f"snnviz.simulate(_network, _images.x[{at}:{at + 1}], _images.y[{at}:{at + 1}], {self.steps}, "
                f"input={_input_of(network)!r}, engine='event', record=_record)",
            },
            0, self.layer, self._neurons(),
        )  # fmt: skip

    def _about(self) -> str:
        """Rate, first spike and incoming weights of the neuron, in words and a picture."""
        if self._result is None or self.layer is None or f"spikes_{self.layer}" not in self._result:
            return parts.missing("Nothing was drawn yet.")
        train = self._result[f"spikes_{self.layer}"].values[0]
        neuron = min(self.neuron, train.shape[1] - 1)
        fired = train[:, neuron]
        first = f"first at step {int(fired.argmax()) + 1}" if fired.any() else "never"
        words = f"{self.layer}, neuron {neuron}: fires in {int(fired.sum())} of {len(fired)} steps, {first}."
        return f"<p>{escape(words)}</p>{self._weights(neuron)}"

    def _weights(self, neuron: int) -> str:
        """The incoming weights as a picture, where they come from a layer with the shape of an image or as many as make one."""
        network = self._network()
        found = [layer for layer in network.layers if layer.name == self.layer and hasattr(layer, "weights")]
        if not found or np.ndim(found[0].weights) != 2:
            return parts.missing(
                "Incoming weights are shown of dense layers; those of a convolution are shared by its neurons."
            )
        weights = found[0].weights[:, neuron]
        height, width, channels = network.input_shape
        if weights.size == height * width * channels:
            weights = weights.reshape(height, width, channels).mean(axis=-1)
        else:
            weights = np.pad(weights, (0, -weights.size % 16)).reshape(-1, 16)
        image = picture(signed(weights, self.dark))
        most = float(np.abs(weights).max())
        note = f"Its incoming weights, from −{most:.2g} (orange) over 0 to {most:.2g} (blue)."
        return f"<p><img class='weights' alt='incoming weights' src='{image}'></p>{parts.missing(note)}"


def _data_of(network: Any) -> str:
    """Name of the data set whose test images a network is shown."""
    return str(network.metadata.get("data") or network.metadata.get("dataset") or "mnist")


def _input_of(network: Any) -> str:
    """How a network gets its images: as it learned to."""
    from snnviz.simulation.settings import learned_input

    return learned_input(network) or "spiking"


def signed(values: np.ndarray, dark: bool) -> np.ndarray:
    """Numbers (rows, columns) as colours in [0, 1], (rows, columns, 3): blue above 0, orange below, the background at 0."""
    palette = theme.palette(dark)
    most = max(float(np.abs(values).max()), 1e-12)
    ends = [_rgb(color) for color in (palette.background, palette.series[0], palette.series[1])]
    share = np.abs(values)[..., None] / most
    return np.where(
        values[..., None] >= 0, ends[0] + share * (ends[1] - ends[0]), ends[0] + share * (ends[2] - ends[0])
    )


def _rgb(color: str) -> np.ndarray:
    return np.array([int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)])


def intensities(message: str, shape: tuple[int, ...]) -> tuple[np.ndarray, int]:
    """What a browser sends: the image, float32 in [0, 1], and the number of the message.

    What is drawn in one channel of 28 x 28 is moved so that its centre of mass lies in the middle, as MNIST's digits do.

    Raises:
        InputError: if it is no image of `shape`.
    """
    number, _, text = message.partition(":")
    try:
        pixels = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
        serial = int(number)
    except (ValueError, binascii.Error):
        raise InputError(
            "what is drawn must be a number, a colon and bytes in base64. Received: something else"
        ) from None
    if pixels.size != int(np.prod(shape)):
        raise InputError(f"what is drawn must have {int(np.prod(shape))} intensities. Received: {pixels.size}")
    image = pixels.reshape(shape).astype(np.float32) / 255
    return (_centred(image) if tuple(shape) == (28, 28, 1) else image), serial


def _centred(image: np.ndarray) -> np.ndarray:
    """The image, moved by whole pixels so far as nothing falls off its edge."""
    mass = image[..., 0]
    if not mass.any():
        return image
    moved = image
    for axis in (0, 1):
        profile = mass.sum(axis=1 - axis)
        inked = np.flatnonzero(profile)
        middle = float(np.dot(np.arange(len(profile)), profile) / profile.sum())
        shift = round((len(profile) - 1) / 2 - middle)
        moved = np.roll(moved, int(np.clip(shift, -inked[0], len(profile) - 1 - inked[-1])), axis=axis)
    return moved


def answer_of(result: xr.Dataset, shape: tuple[int, ...], dark: bool) -> dict[str, Any]:
    """A result of one item as live.js draws it.

    Returns:
        `steps`; `scores`, of each class after each step; `events`, words for the synaptic events spent after each; `layers`, a dict
        each: name, neurons, shown (how many of them), rows and columns of their map, color, and
        bits (spikes, steps by shown, packed, in base64).
    """
    names = plots.recorded_layers(result)
    colors = theme.depth_colors(len(names), dark)
    layers = []
    for name, color in zip(names, colors, strict=True):
        train = result[f"spikes_{name}"].values[0]
        shown = train[:, _kept(train.shape[1])]
        count = shown.shape[1]
        columns = shape[1] if name == "input" and count == shape[0] * shape[1] else int(np.ceil(np.sqrt(count)))
        layers.append(
            {
                "name": name, "neurons": f"{train.shape[1]:,}", "shown": count, "rows": -(-count // columns), "columns": columns,
                "color": color, "bits": base64.b64encode(np.packbits(shown).tobytes()).decode(),
            }
        )  # fmt: skip
    spent = result["item_events"].values[0].sum(axis=-1).cumsum()
    return {
        "steps": result.sizes["time"],
        "scores": result["logits"].values[0].astype(float).round(4).tolist(),
        "events": [parts.events(float(value)) for value in spent],
        "layers": layers,
    }


def _kept(count: int) -> np.ndarray:
    """Indices of the neurons that are shown, evenly spaced."""
    return np.arange(count) if count <= MOST_NEURONS else np.linspace(0, count - 1, MOST_NEURONS).round().astype(int)
