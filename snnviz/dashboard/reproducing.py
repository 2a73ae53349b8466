"""What to type to get the same again: a run or a plot as a command and as Python."""

from __future__ import annotations

import pprint
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from snnviz._options import options_of, words
from snnviz.errors import InputError
from snnviz.figures.catalog import FIGURES
from snnviz.jobs.spec import KINDS, Spec
from snnviz.jobs.work import spinnaker
from snnviz.jobs.work.sources import FROM_RUN
from snnviz.runs.place import Place

if TYPE_CHECKING:
    import pandas as pd

    from snnviz.dashboard.workspace import Workspace


def command(spec: Mapping[str, Any]) -> str | None:
    """The command that asks for what a run's spec asks for, from the same folder; None for a run that was recorded without its
    options."""
    options = _options(spec)
    if options is None:
        return None
    called, without = _called(spec["kind"], options)
    recorded = [] if KINDS[spec["kind"]].track else ["--track"]
    name = ["--name", spec["name"]] if spec.get("name") else []
    return shlex.join(["snnviz", *called, *words(options, without), *recorded, *name])


def _called(kind: str, options: Any) -> tuple[Sequence[str], Sequence[str]]:
    """The words that call the command of a kind of job, and the options that it has no words for."""
    if kind == "dryrun":
        return ("hardware", "spinnaker"), ()
    if kind != "spinnaker":
        return (kind,), ()
    if options.target == spinnaker.EXPECT:
        return ("hardware", "expect"), spinnaker.OF_MACHINES
    return ("hardware", "spinnaker"), ("engine",)


def python(spec: Mapping[str, Any]) -> str | None:
    """The lines of Python that do; None for a run that was recorded without its options."""
    options = _options(spec)
    if options is None:
        return None
    defaults = {name: each.default for name, each in options_of(type(options)).items()}
    given = {name: value for name, value in spec["options"].items() if value != defaults.get(name)}
    asked: dict[str, Any] = {"kind": spec["kind"], "options": given}
    if spec.get("name"):
        asked["name"] = spec["name"]
    return f"from snnviz import jobs\n\njobs.run({pprint.pformat(asked, sort_dicts=False, width=100)})"


def results(workspace: Workspace, names: Sequence[str]) -> dict[str, str]:
    """The Python that loads results by name, as `drawn` takes it."""
    rows = [f"    {name!r}: {_result(workspace, name)}," for name in names]
    return {"results": "\n".join(["{", *rows, "}"])}


def result(workspace: Workspace, name: str) -> dict[str, str]:
    """The Python that loads one result."""
    return {"result": _result(workspace, name)}


def _result(workspace: Workspace, name: str) -> str:
    kind, where = workspace.where(name)
    ways = {"file": "snnviz.load_result({!r})", "run": "store.result({!r})", "": "...  # from snnviz.simulate{}"}
    return ways[kind].format(where)


def network(workspace: Workspace, name: str) -> dict[str, str]:
    """The Python that loads the network of a result, or a shipped one."""
    kind, where = workspace.network_where(name)
    ways = {"shipped": "snnviz.pretrained.network({!r})", "run": "store.network({!r})"}
    unknown = "snnviz.load_network('NETWORK.npz')  # hash {}"
    return {"network": ways.get(kind, unknown).format(where)}


def loading(source: str) -> str:
    """The Python that loads the network that a run was told: a run's, a file, or a shipped one."""
    if source.startswith(FROM_RUN):
        return f"store.network({source.removeprefix(FROM_RUN)[:12]!r})"
    way = "load_network" if source.endswith(".npz") else "pretrained.network"
    return f"snnviz.{way}({source!r})"


def histories(names: Mapping[str, str], metrics: Sequence[str]) -> dict[str, str]:
    """The Python that reads what runs recorded by step: name shown -> id."""
    rows = [f"    {name!r}: store.history({run_id[:12]!r}, {list(metrics)!r})," for name, run_id in names.items()]
    return {"histories": "\n".join(["{", *rows, "}"])}


def frame(table: pd.DataFrame) -> str:
    """The Python of a table, its numbers in it."""
    columns = pprint.pformat(
        {str(name): table[name].tolist() for name in table}, sort_dicts=False, width=110, compact=True
    )
    return f"pandas.DataFrame({columns})"


def drawn(
    workspace: Workspace, name: str, sources: Mapping[str, str], *given: Any, names: Sequence[str] = (), **options: Any
) -> Told:
    """The Python that draws a plot of `snnviz.plots` and writes it into a file, and the command that does, if there is one.

    Args:
        workspace: of the page.
        name: of the plot.
        sources: name of a variable -> the Python of what it holds; the plot takes them in this order, but for those that begin
            with an underscore, from which others are made.
        *given: what the plot takes after them.
        names: of the results that are drawn, where nothing else is: of those a command may draw a figure.
        **options: what it takes by keyword; None and False are defaults.
    """
    text = "\n".join(sources.values())
    lines = ["import json"] * ("json." in text) + ["import pandas"] * ("pandas." in text) + ["import snnviz", ""]
    if "store." in text:
        place = _place(workspace)
        lines.append(f"store = snnviz.runs.Store({place!r})" if place else "store = snnviz.runs.Store()")
    lines += [f"{variable} = {expression}" for variable, expression in sources.items()]
    words = [
        *(variable for variable in sources if not variable.startswith("_")), *map(repr, given),
        *(f"{key}={value!r}" for key, value in options.items() if value is not None and value is not False),
    ]  # fmt: skip
    lines.append(f"figure = snnviz.plots.{name}({', '.join(words)})")
    lines.append(f"snnviz.plots.save(figure, {name.replace('_', '-') + '.pdf'!r})")
    return "\n".join(lines), _figures_command(workspace, name, names)


def _place(workspace: Workspace) -> str:
    """Where the pages' runs are; "" where that is where they are looked for anyway."""
    store = workspace.store
    return "" if store is None or store.place == Place.of() else store.place.uri


def _figures_command(workspace: Workspace, name: str, names: Sequence[str]) -> str | None:
    """The command that writes the same plot as a journal's figure; None where there is none."""
    figure = _FIGURES.get(name, name.replace("_", "-"))
    found = [workspace.where(each) for each in names]
    if figure not in FIGURES or not all(kind for kind, _ in found) or not found:
        return None
    place = _place(workspace) if any(kind == "run" for kind, _ in found) else ""
    where = ["--tracking-uri", place] if place else []
    return shlex.join(["snnviz", "figures", "--run", *(source for _, source in found), *where, "--names", figure])


Told = tuple[str, str | None]
_FIGURES = {"accuracy_over_time": "figure-a", "accuracy_over_events": "figure-5", "prediction_strip": "figure-b"}


def _options(spec: Mapping[str, Any]) -> Any:
    """What a run was told, checked; None where this snnviz does not know how."""
    try:
        return Spec.of(spec).options
    except InputError:
        return None
