"""Hardware: map a network to SpiNNaker, run it there, and hold the curves of board, NEURON and simulator side by side."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import panel as pn
import param

from snnviz import plots
from snnviz._options import options_of
from snnviz.dashboard import parts, reproducing
from snnviz.dashboard.components import RadioButtons
from snnviz.dashboard.forms import field, number, parameter
from snnviz.dashboard.launching import Launching
from snnviz.dashboard.plot_card import PlotCard
from snnviz.errors import InputError
from snnviz.jobs.work.spinnaker import Options
from snnviz.plots import theme

if TYPE_CHECKING:
    from snnviz.hardware.spinnaker.dryrun import Plan

# what a browser can ask for: no address but a board's, lest credentials go where a visitor of the page wants them
TARGETS = {
    "Dry run on a virtual board": "dry-run",
    "What to expect, computed here": "expect",
    "Board": "board",
    "EBRAINS job queue": "ebrains",
}


class Hardware(Launching):
    """Dry runs of a network on a virtual SpiNNaker board, runs on real ones, and their curves beside the simulator's.

    The arguments are those of `Page`, and `plan`, a plan to show where there is no store.
    """

    target: Any = param.Selector(default="dry-run", objects=list(TARGETS.values()), doc="where the network goes")
    headroom: Any = parameter(Options, "headroom")
    items = parameter(Options, "limit", allow_None=False)
    steps = parameter(Options, "steps", bounds=(1, 1000))
    host = param.String(default="", doc="name or IP address of the board")
    collab = param.String(default="", doc="EBRAINS collab")
    zoom: Any = param.Selector(default="board", objects=["board", "used"], doc="chips shown")
    shown: Any = param.ListSelector(default=[], objects=[], doc="results whose curves are compared")

    place, slug = 90, "hardware"
    title = "Hardware"
    heading = "Hardware"
    lead = "SpiNNaker computes a network on thousands of small cores. Map one to a virtual board first; then run it, and compare."
    terms = (
        "core", "routing entry", "fan-in", "fan-out", "burst", "arrivals", "shifts", "lost weights", "synapse", "synaptic event",
        "time step",
    )  # fmt: skip
    url_state = ("source", "data", "target", "headroom", "items", "steps", "zoom", "shown", "opened")
    launches_words = "run"
    launches_note = (
        "A dry run takes about ten seconds and no hardware. Credentials come from the server's environment or keyring."
    )
    suffixes = (".npz",)
    source_kinds = ("convert", "optimize", "simulate", "spinnaker", "dryrun")

    @property
    def launches(self) -> str:  # type: ignore[override]
        """Kind of job that the chosen target takes."""
        return "dryrun" if self.target == "dry-run" else "spinnaker"

    def __init__(self, workspace: Any = None, *arguments: Any, plan: Plan | None = None, **state: Any) -> None:
        self._given = plan
        self._plans: dict[str, Plan] = {}
        super().__init__(workspace, *arguments, **state)

    def _prepare(self, state: dict[str, Any]) -> None:
        state.setdefault("source", PREFERRED)
        if not state.get("opened"):
            mine = [run.id for run in self.workspace.runs() if run.kind in ("dryrun", "spinnaker")]
            state["opened"] = mine[0] if mine else ""
        super()._prepare(state)
        names = self.workspace.names()
        self.param.shown.objects = names
        state["shown"] = [name for name in state.get("shown", names[:4]) if name in names]

    def spec(self) -> dict[str, Any]:
        """See `Launching.spec`."""
        options: dict[str, Any] = {
            "network": self.source, "limit": self.items, **self.filled("headroom", "steps"),
        }  # fmt: skip
        if self.target != "dry-run":
            options["target"] = self.target
        if self.target == "board":
            options["host"] = self.host.strip() or None
        if self.target == "ebrains":
            options["collab"] = self.collab.strip() or None
        return self.named(options)

    def _body(self) -> list[Any]:
        zoom = parts.group("Show", RadioButtons.from_param(self.param.zoom, options=_ZOOMS), ZOOM_HELP)
        self.figures = {
            "chip_map": PlotCard(
                self, "chip_map", "Chips and cores",
                "One square is a chip, one small square a core, in the colour of the layer that it holds.",
                self._map, lambda: plots.chip_map_data(self._needed()), redraw=["opened", "zoom"], tip=NO_PLAN, controls=[zoom],
                again=self._map_again, shared=self._mapped,
            ),
            "accuracy_over_time": PlotCard(
                self, "accuracy_over_time", "Board, NEURON, simulator",
                "What was expected, what a machine gave, and what other simulators give: the same curve from each.",
                lambda: self._curves(plots.accuracy_over_time, zoom="top", log=True, dark=self.dark),
                lambda: self._curves(plots.accuracy_over_time_data), redraw=["shown"], tip=NO_RESULTS,
                shared=lambda: tuple(self.shown),
                again=lambda: reproducing.drawn(
                    self.workspace, "accuracy_over_time", reproducing.results(self.workspace, self.shown), zoom="top",
                    log=True, names=self.shown,
                ),
            ),
        }  # fmt: skip
        self._words = {name: parts.written("") for name in ("tiles", "warnings", "layers")}
        self._write()
        self.param.watch(lambda *_: self._write(), ["opened", "dark"])
        body: list[Any] = [self.launch_card(self._widgets), self._words["tiles"]]
        if self.workspace.store is not None:
            body.append(self.follow(curves=False))
        body += [
            parts.card(
                parts.heading("Warnings", "What may go wrong on the machine, and what helps."), self._words["warnings"]
            ),
            parts.grid(self.figures["chip_map"].view, self.figures["accuracy_over_time"].view),
            parts.card(parts.heading("Layers on the machine"), self._words["layers"]),
        ]
        self._choice = parts.choice("Curves", self.param.shown, SHOWN_HELP)
        self._choice.visible = len(self.param.shown.objects) > 1
        return [*body, self._choice]

    def _widgets(self) -> list[Any]:
        """What the form has for this job."""
        return [
            self.source_field("Network", "The spiking network that goes to the machine.", width=260),
            field(self, Options, "target", TARGETS, width=260),
            field(self, Options, "headroom", _HEADROOMS),
            parts.group(
                "Items",
                number(self, "items", "Items", width=80),
                options_of(Options)["limit"].about,
            ),
            field(self, Options, "steps", width=80),
            self._only_for("board", "host"),
            self._only_for("ebrains", "collab"),
        ]

    def _only_for(self, target: str, name: str) -> pn.Column:
        """The widget of an option that is there for one target only."""
        made = field(self, Options, name, width=180)
        made.visible = self.target == target
        self.param.watch(lambda event: setattr(made, "visible", event.new == target), "target")
        return made

    def tick(self) -> None:
        """Show what is known of the store now."""
        super().tick()
        names = self.workspace.names()
        if names != list(self.param.shown.objects):
            new = [name for name in names if name not in self.param.shown.objects]
            self.param.shown.objects = names
            self.shown = [*new, *self.shown][:6]
            self._choice.visible = len(names) > 1
        run = self.opened_run
        if run is not None and run.status == "FINISHED" and run.id not in self._plans and run.kind == "dryrun":
            self._write()
            self.figures["chip_map"].redraw()

    # --- what is shown ------------------------------------------------------------------------------------------------

    def _planned(self) -> Any:
        """The dry run that is opened, else the last one; None before there is one."""
        done = [run for run in self.workspace.runs() if run.kind == "dryrun" and run.status == "FINISHED"]
        return next((run for run in done if run.id == self.opened), done[0] if done else None)

    def plan(self) -> Plan | None:
        """The plan of the opened dry run, else of the last one, or the one handed in; None before there is one."""
        found, store = self._planned(), self.workspace.store
        if found is None or store is None:
            return self._given
        if found.id not in self._plans:
            from snnviz.hardware.spinnaker.dryrun import Plan

            self._plans[found.id] = Plan.load(store.file(found.id, "plan.json"))
        return self._plans[found.id]

    def _needed(self) -> Plan:
        plan = self.plan()
        if plan is None:
            raise InputError(NO_PLAN)
        return plan

    def _map_again(self) -> reproducing.Told | None:
        run = self._planned()
        if run is None:
            return None
        plan = f"snnviz.hardware.spinnaker.dryrun.Plan.load(store.file({run.id[:12]!r}, 'plan.json'))"
        return reproducing.drawn(self.workspace, "chip_map", {"plan": plan}, zoom=self.zoom)

    def _mapped(self) -> Any:
        """What the map depends on; None for a plan that was handed in."""
        run = self._planned()
        return None if run is None else (run.id, self.zoom)

    def _map(self) -> Any:
        plan = self.plan()
        return None if plan is None else plots.chip_map(plan, zoom=self.zoom, dark=self.dark)

    def _curves(self, plot: Any, **options: Any) -> Any:
        if not self.shown:
            return None
        return plot({name: self.workspace.result(name) for name in self.shown}, **options)

    def _write(self) -> None:
        plan = self.plan()
        nothing = f"<p class='note missing'>{NO_PLAN}</p>"
        made = {"tiles": "", "warnings": nothing, "layers": nothing}
        if plan is not None:
            made = {"tiles": self._tiles(plan), "warnings": self._warnings(plan), "layers": self._layers(plan)}
        for name, words in made.items():
            if self._words[name].object != words:
                self._words[name].object = words

    def _tiles(self, plan: Plan) -> str:
        entries = [
            ("", "Boards", "of 48 chips", str(plan.boards)),
            ("", "Chips", f"of {len(plan.chips)}", str(plan.used_chips)),
            ("core", "Cores", f"of {sum(chip.cores for chip in plan.chips)}", str(plan.application_cores)),
            ("", "Memory", "MiB", f"{plan.sdram / 2**20:.2f}"),
            ("routing entry", "Routing entries", f"of {plan.chips[0].router} on a chip", str(plan.routing_entries)),
        ]
        return parts.tiles(
            (name, title, unit, [(value, "", theme.series_color(0, self.dark))]) for name, title, unit, value in entries
        )

    @staticmethod
    def _warnings(plan: Plan) -> str:
        if not plan.warnings:
            return (
                "<p class='note notes'>None: the network fits, and no burst of spikes is too large for its items.</p>"
            )
        return "<ul>" + "".join(f"<li>{escape(warning)}</li>" for warning in plan.warnings) + "</ul>"

    @staticmethod
    def _layers(plan: Plan) -> str:
        head = [
            "Layer", "Neurons", parts.term("core", "Cores"), "Memory (KiB)", parts.term("synapse", "Synapses"),
            parts.term("fan-in", "Fan-in"), parts.term("fan-out", "Fan-out"), parts.term("burst", "Largest burst (spikes)"),
            parts.term("arrivals", "Arrivals at a core (spikes)"), parts.term("shifts", "Shifts (bits)"),
            parts.term("lost weights", "Lost weights"),
        ]  # fmt: skip
        rows = [
            [
                escape(layer.name), f"{layer.neurons:,}", str(layer.cores), f"{layer.sdram / 1024:.1f}", f"{layer.synapses:,}",
                str(layer.fan_in), str(layer.fan_out), str(layer.burst), str(layer.arrivals),
                "–" if layer.shifts is None else f"{layer.shifts[0]}, {layer.shifts[1]}", str(layer.lost),
            ]
            for layer in plan.layers
        ]  # fmt: skip
        note = f"sPyNNaker {plan.versions.get('sPyNNaker', '?')}, {plan.items} items of {plan.steps} steps, {plan.seconds:.0f} s"
        return f"{parts.table(head, rows)}<p class='note notes'>{escape(note)}</p>"


PREFERRED = "dense-mnist-pooled-spinnaker"
_HEADROOMS = {"so that no sum overflows": "exact", "as sPyNNaker estimates": "estimate"}
_ZOOMS = {"whole board": "board", "chips in use": "used"}
ZOOM_HELP = "All chips of the board, or only those that hold neurons."
SHOWN_HELP = "The results whose accuracy over time is compared above."
NO_PLAN = "No plan yet: launch a dry run above, or open one on the page Runs."
NO_RESULTS = "No result yet: launch a run, or simulate a network."
