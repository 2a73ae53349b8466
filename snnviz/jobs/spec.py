"""What a job is asked to do, as plain JSON that was checked."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._options import options_of
from snnviz._writing import alone
from snnviz.errors import InputError

if TYPE_CHECKING:
    from snnviz.jobs.job import Job


@dataclass(frozen=True)
class Kind:
    """A kind of job.

    Attributes:
        module: does it. It has `Options`, a frozen dataclass that declares them (see `snnviz._options`), `work(options, job)`,
            which returns what JSON can hold, and may have `MAIN`, the title of the progress bar of its longest part.
        leaves: what a finished run has for others to begin with, among "model", "network" and "result".
        track: whether the command of its name records a run where nothing is said; None where there is no such command.
    """

    module: str
    leaves: tuple[str, ...] = ()
    track: bool | None = True


KINDS = {
    "train": Kind("snnviz.jobs.work.train", ("model", "network")),
    "finetune": Kind("snnviz.jobs.work.finetune", ("model", "network")),
    "adapt": Kind("snnviz.jobs.work.adapt", ("model", "network")),
    "sweep": Kind("snnviz.jobs.work.sweep", track=False),
    "convert": Kind("snnviz.jobs.work.convert", ("network",), track=False),
    "optimize": Kind("snnviz.jobs.work.optimize", ("network", "result")),
    "simulate": Kind("snnviz.jobs.work.simulate", ("network", "result"), track=False),
    "dryrun": Kind("snnviz.jobs.work.dryrun", track=None),
    "spinnaker": Kind("snnviz.jobs.work.spinnaker", ("result",), track=None),
}
"""The kinds of jobs. A further kind is a further line (in a job's own process only the kinds of this table are known)."""


def leaving(what: str) -> tuple[str, ...]:
    """The kinds whose runs leave a "model", "network" or "result"."""
    return tuple(name for name, kind in KINDS.items() if what in kind.leaves)


_ENTRIES = ("kind", "options", "name", "parent", "tags", "folder")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """A checked spec.

    Attributes:
        kind: what is run, see `KINDS`.
        options: the settings, an instance of the kind's `Options`.
        name: of the run, for people; empty lets one be made up.
        parent: id of the run it builds on.
        tags: further tags of the run.
        folder: relative paths in the options start here; the folder of whoever asked.
    """

    kind: str
    options: Any
    name: str = ""
    parent: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    folder: str = field(default_factory=os.getcwd)

    @classmethod
    def of(cls, given: Spec | Mapping[str, Any]) -> Spec:
        """A spec from JSON: {"kind": "simulate", "options": {"network": "dense-mnist-heuristic", "steps": 20}, ...}.

        Raises:
            InputError: for an unknown kind, entry or option, or a wrong value; nothing has been done then.
        """
        if isinstance(given, Spec):
            return given
        if not isinstance(given, Mapping):
            raise InputError(
                f'`spec` must be a mapping like {{"kind": ..., "options": ...}}. Received: {check.describe(given)}'
            )
        unknown = sorted(str(key) for key in given if key not in _ENTRIES)
        if unknown or "kind" not in given:
            raise InputError(
                f"`spec` must hold 'kind' and may hold {', '.join(map(repr, _ENTRIES[1:]))}. "
                f"Received: {', '.join(map(repr, unknown)) or 'no kind'}"
            )
        kind = check.choice("kind", given["kind"], KINDS)
        tags = given.get("tags") or {}
        if not isinstance(tags, Mapping) or not all(isinstance(item, str) for pair in tags.items() for item in pair):
            raise InputError(f"`tags` must map names to texts. Received: {check.describe(tags)}")
        for entry in ("name", "folder"):
            if not isinstance(given.get(entry, ""), str):
                raise InputError(f"`{entry}` must be a text. Received: {check.describe(given[entry])}")
        parent = given.get("parent")
        if parent is not None:
            from snnviz.runs.folder import checked_id

            parent = checked_id(parent)
        return cls(
            kind=kind,
            options=_options(kind, given.get("options") or {}),
            name=given.get("name", ""),
            parent=parent,
            tags=dict(tags),
            folder=given.get("folder") or str(Path.cwd()),
        )

    def as_json(self) -> dict[str, Any]:
        """The spec as JSON holds it; options that are not given are left out."""
        options = {name: value for name, value in asdict(self.options).items() if value is not None}
        return {
            "kind": self.kind,
            "options": options,
            "name": self.name,
            "parent": self.parent,
            "tags": self.tags,
            "folder": self.folder,
        }

    @property
    def origin(self) -> str | None:
        """The run it builds on: `parent`, or the one whose model or network it takes ("run:ID")."""
        from snnviz.jobs.work.sources import origin

        named = (origin(getattr(self.options, name, None)) for name in ("model", "network"))
        return self.parent or next((run_id for run_id in named if run_id), None)

    def run_tags(self) -> dict[str, str]:
        """Tags of the run: those asked for, and the file it writes."""
        from snnviz.runs.run import OUT  # the package of runs takes longer than what a command needs to be read

        out = getattr(self.options, "out", None)
        return self.tags if out is None else {**self.tags, OUT: str(Path(self.folder, out))}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one that writes what it writes, see `snnviz._writing.alone`."""
        with ExitStack() as locks:
            for name, each in options_of(type(self.options)).items():
                path = getattr(self.options, name)
                if each.writes and path is not None:
                    here = os.path.relpath(Path(self.folder, path)) if not Path(path).is_absolute() else path
                    locks.enter_context(alone(here, name, folder=each.writes == "folder"))
            yield

    @property
    def main(self) -> str:
        """What the progress bar of its longest part says; empty where there is no such part."""
        return str(getattr(_module(self.kind), "MAIN", ""))

    @property
    def work(self) -> Callable[[Any, Job], dict[str, Any]]:
        """What does it."""
        return cast("Callable[[Any, Job], dict[str, Any]]", _module(self.kind).work)


@checked
def option_names(kind: str) -> tuple[str, ...]:
    """Names of the options of a kind of job.

    Raises:
        InputError: for an unknown kind.
    """
    return tuple(options_of(options_class(kind)))


def options_class(kind: str) -> type:
    """The dataclass of a kind's options."""
    return cast("type", _module(check.choice("kind", kind, KINDS)).Options)


def _module(kind: str) -> Any:
    return importlib.import_module(KINDS[kind].module)


def _options(kind: str, given: Any) -> Any:
    """The kind's `Options` from a mapping."""
    if not isinstance(given, Mapping):
        raise InputError(f"`options` must be a mapping. Received: {check.describe(given)}")
    known = options_of(options_class(kind))
    unknown = sorted(str(name) for name in given if name not in known)
    if unknown:
        raise InputError(f"`options` of {kind!r} must be among {', '.join(known)}. Received: {', '.join(unknown)}")
    missing = [name for name, each in known.items() if each.required and name not in given]
    if missing:
        raise InputError(
            f"`options` of {kind!r} must hold {', '.join(missing)}. Received: {check.describe(dict(given))}"
        )
    return options_class(kind)(**given)
