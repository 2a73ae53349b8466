"""What pages that launch jobs share: the button, the check of who may, the run that was launched."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from snnviz import plots, pretrained
from snnviz.dashboard import parts, reproducing, uploads
from snnviz.dashboard.components import Dropper
from snnviz.dashboard.page import Page
from snnviz.dashboard.plot_card import PlotCard
from snnviz.dashboard.run_details import RunDetails
from snnviz.dashboard.uploads import MODEL, MOST_BYTES
from snnviz.dashboard.workspace import READ_ONLY, label
from snnviz.errors import InputError
from snnviz.jobs.work.sources import FROM_RUN

if TYPE_CHECKING:
    from snnviz.runs import Run


class Launching(Page):
    """A page that launches jobs of one kind and shows the one that is opened.

    Attributes:
        details: the card of the opened run.
        offered: what there is to start from, name -> what a job calls it.
    """

    source: Any = param.Selector(default=None, objects=[None], doc="the model or network to start from")
    data: Any = param.Selector(default="", objects=[""], doc="the data set; empty for the one that the source is of")
    opened = param.String(default="", doc="id of the run whose details are shown")
    run_name = param.String(default="", doc="name of the next run")

    launches = ""
    """Kind of job."""
    suffixes: tuple[str, ...] = (".npz",)
    """Of the shipped files that it can start from."""
    source_kinds: tuple[str, ...] = ()
    """Kinds of runs that it can start from."""

    def _prepare(self, state: dict[str, Any]) -> None:
        if pn.state.curdoc is not None:
            pn.extension("filedropper")  # the page's head names its scripts, and is written before the form is made
        self.offered: dict[str, str] = {}
        self._wrong: dict[str, str] = {}
        self._offer()
        objects = list(self.param.source.objects)
        state["source"] = state["source"] if state.get("source") in objects else objects[0]
        self._offer_data(state["source"])
        state["data"] = state["data"] if state.get("data") in self.param.data.objects else ""
        if not state.get("opened"):
            mine = [run for run in self.workspace.runs() if run.kind == self.launches]
            state["opened"] = mine[0].id if mine else ""

    def _offer(self) -> None:
        """Set what there is to start from: uploads, finished runs, shipped models. A browser can name nothing else."""
        shipped = [name for name in pretrained.names() if pretrained.path(name).suffix in self.suffixes]
        shipped.sort(key=lambda name: not name.startswith("dense"))  # first those that take minutes, not hours
        runs = [run for run in self.workspace.runs() if run.kind in self.source_kinds and run.status == "FINISHED"]
        offered = {name: name for name in shipped} | {label(run): FROM_RUN + run.id for run in runs}
        for suffix in self.suffixes:
            offered |= self.workspace.uploads(suffix)
        if offered != self.offered:
            self.offered = offered
            self.param.source.objects = offered

    def _offer_data(self, source: str) -> None:
        """Set which data sets there are to choose from, and say which one `source` is of."""
        self._of = self.workspace.data_behind(source)
        own = "choose one"
        if self._of is not None:
            name = uploads.shown(self._of)
            own = f"{name if name != self._of else Path(name).stem} (what it is of)"
        self.param.data.objects = {own: ""} | self.workspace.data_sets()

    def spec(self) -> dict[str, Any]:
        """What would be launched now, as `snnviz.jobs.launch` takes it."""
        raise NotImplementedError

    def source_field(self, label: str, about: str, width: int = 220) -> pn.Column:
        """The widget that chooses what to start from."""
        return parts.group(label, pn.widgets.Select.from_param(self.param.source, label="", width=width), about)

    def filled(self, *names: str) -> dict[str, Any]:
        """The parameters of these names that are filled in, as options of the job; a switch that is off is not."""
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None and value is not False}

    def launch_card(self, widgets: Callable[[], Sequence[Any]]) -> pn.Column:
        """The place of the form: `widgets` and the button; words instead where nothing may be launched.

        It is made after the plots that were begun before: a form holds more models than they do.
        """
        return self.later(lambda: self._form(widgets))

    def _form(self, widgets: Callable[[], Sequence[Any]]) -> pn.Column:
        title = parts.heading(f"New {self.launches_words}", self.launches_note)
        if not self.workspace.may_launch:
            why = READ_ONLY if self.workspace.read_only else NO_STORE
            return parts.card(title, parts.written(f"<p class='note missing'>{why}</p>"))
        self.button = parts.widget(pn.widgets.Button(label="Launch", width=130, css_classes=["snn-primary"]))
        self.button.on_click(self._launch)
        # no list of types: browsers know no media type for these files. Nor is the browser told the limit: it would keep to itself
        # that it refused a file, and the choice before it would be launched
        self.dropper = Dropper(MOST_BYTES, self._block, width=230, height=62)
        parts.widget(self.dropper)
        self.dropper.param.watch(self._uploaded, "value")
        name = pn.widgets.TextInput.from_param(
            self.param.run_name, label="", placeholder="a name, if you like", width=190
        )
        return parts.card(
            title,
            parts.row(
                *widgets(),
                parts.group("Data set", pn.widgets.Select.from_param(self.param.data, label="", width=190), DATA_HELP),
                parts.box(parts.group(self.upload_words, self.dropper, UPLOAD_HELP), classes=["snn-upload"]),
                parts.group(
                    "Name of the run", name, "What the page Runs calls it; one is made up where this is empty."
                ),
                pn.Column(parts.written("<span class='label'>&nbsp;</span>"), self.button, margin=0),
                classes=["snn-buttons"],
            ),
        )

    upload_words = "Or upload a network or data"
    launches_words = ""
    launches_note = ""
    _refused = ""
    """Why the last upload was not taken; empty if it was, or another source was chosen since."""

    @param.depends("source", watch=True)
    def _chosen(self) -> None:
        self._refused = ""
        self._offer_data(self.source)

    def _uploaded(self, event: Any) -> None:
        """Keep what was uploaded and start from it; what is refused is in the way of a launch until something is chosen."""
        self._refused = ""
        for name, content in (event.new or {}).items():
            try:
                models = " or ".join(self.suffixes)
                if not name.lower().endswith((*self.suffixes, ".npz")):
                    allowed = models if ".npz" in self.suffixes else f"{models} or .npz"
                    raise InputError(f"an upload must be a {allowed} file here. Received: {name}")
                kind, found = self.workspace.upload(name, content.encode() if isinstance(content, str) else content)
                if kind == MODEL and not name.lower().endswith(self.suffixes):
                    raise InputError(f"a model must be a {models} file here. Received: {name}, a spiking network")
            except InputError as error:
                self._block(str(error))
                continue
            self._offer()
            self._offer_data(self.source)
            setattr(self, "source" if kind == MODEL else "data", found)
            further = (
                "" if self.data or self._of is not None else " It does not say which data set it is of: choose one."
            )
            self.say(f"{name} was uploaded and is chosen{'' if kind == MODEL else ' as the data set'}.{further}")

    def _block(self, words: str) -> None:
        """An upload that was refused, or has not arrived, is in the way of a launch."""
        self._refused = words
        self.say(words)

    def refuse(self, name: str, words: str) -> None:
        """Say why what was typed for a parameter is not taken, which is in the way of a launch until it is; empty where it is."""
        before = self._wrong.pop(name, "")
        if words:
            self._wrong[name] = words
        if before != words:
            self.say(" ".join(self._wrong.values()))

    def _launch(self, _event: Any = None) -> None:
        """Launch in a thread, since checking what is asked for takes a moment."""
        if self._wrong:
            self.say(f"Nothing was launched. {' '.join(self._wrong.values())}")
            return
        if self._refused:
            self.say(
                f"Nothing was launched, since the upload was not taken ({self._refused}). Upload another, or choose a source."
            )
            return
        if self._of is None and not self.data:
            self.say(
                f"Nothing was launched: choose the data set, since {self._source_name()} does not say which one it is of."
            )
            return
        try:
            spec = self.spec()
        except InputError as error:
            self.say(str(error))
            return
        self.apart(functools.partial(self.workspace.launch, spec), self._launched, self.button)

    def _source_name(self) -> str:
        """What the form calls the source."""
        return next((name for name, source in self.offered.items() if source == self.source), "it")

    def _launched(self, run_id: str) -> None:
        self.say("Launched. It goes on when this page is closed; the page Runs lists it.")
        self.opened = run_id
        self.tick()

    def tick(self) -> None:
        """Show what is known of the store now."""
        self._offer()
        if not self.opened:
            mine = [run for run in self.workspace.runs() if run.kind == self.launches]
            self.opened = mine[0].id if mine else ""
        self.details.update()

    def follow(self, curves: bool = True) -> pn.Column:
        """The place of the card about the opened run, kept up to date; see `RunDetails`."""
        self.details = RunDetails(self, curves)
        self.every(self.tick)
        return self.later(lambda: self.details.view, shown=False)

    @property
    def opened_run(self) -> Run | None:
        """The run that is opened, as it is known now."""
        return self.workspace.run(self.opened)

    def awaited(self, words: str) -> str:
        """What stands where something of the opened run will be: `words`, or that it comes no more and what helps."""
        run = self.opened_run
        if run is None or run.kind != self.launches or run.status not in ("FAILED", "KILLED"):
            return words
        why = f"failed: {run.reason.rstrip('.')}" if run.status == "FAILED" else "was cancelled"
        return f"This {self.launches_words} {why}. Resume it, or launch another with other settings."

    def pair_figure(self, tip: str) -> PlotCard:
        """The anytime curves of the networks that the opened run began and ended with; `tip` stands there until they are known."""

        def curves(plot: Any, **options: Any) -> Any:
            run = self.opened_run
            if run is None or run.status != "FINISHED" or "peak_accuracy" not in run.metrics:
                raise InputError(self.awaited(tip))
            return plot(self.workspace.before_and_after(run.id), **options)

        def again() -> reproducing.Told:
            own = repr(self.opened[:12])
            pair = f"{{'before': snnviz.load_result(store.file({own}, 'start.nc')), 'after': store.result({own})}}"
            return reproducing.drawn(self.workspace, "accuracy_over_time", {"results": pair}, zoom="top", log=True)

        return PlotCard(
            self, "accuracy_over_time", "Before and after", "The anytime curves of both spiking networks, on test items.",
            lambda: curves(plots.accuracy_over_time, zoom="top", log=True, dark=self.dark),
            lambda: curves(plots.accuracy_over_time_data), redraw=["opened"], tip=tip, again=again,
        )  # fmt: skip

    def named(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """A spec of this page's kind with these options, and the run's name where one was given."""
        return {
            "kind": self.launches,
            "options": {
                name: value for name, value in {**options, "data": self.data or None}.items() if value is not None
            },
            "name": self.run_name.strip(),
        }


DATA_HELP = (
    "The images to work on: those that the network or model remembers, unless another set is chosen. snnviz dashboard --data PATH "
    "offers data of your own."
)
UPLOAD_HELP = (
    f"At most {MOST_BYTES // 2**20} MiB. A network is an .npz file of snnviz, a model a .keras or .onnx file; data are an .npz "
    "file with the arrays x_train, y_train, x_test and y_test, as of Keras; class_names may name the "
    "classes."
)
NO_STORE = "these pages have no store of runs, so nothing can be launched from them; serve them with `snnviz dashboard`"
