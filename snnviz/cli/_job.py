"""What the commands that run something have in common: their options become a spec, and `snnviz.jobs` does it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from snnviz._checks import ALSO
from snnviz.cli import _options
from snnviz.errors import InputError
from snnviz.jobs.spec import KINDS


def add_options(parser: argparse.ArgumentParser, track: bool) -> None:
    """Add the options of recording; `track` is the default."""
    group = parser.add_argument_group("recording")
    group.add_argument(
        "--track",
        action=argparse.BooleanOptionalAction,
        help=f"record a run, see `snnviz runs` (default: {'yes' if track else 'no, but with --background'})",
    )
    add_store_option(group)
    group.add_argument("--name", default="", help="name of the run (default: one is made up)")
    group.add_argument(
        "--background",
        action="store_true",
        help="start it as a job of its own, which goes on when this terminal is closed, and return at once",
    )
    parser.set_defaults(track_by_default=track)


@dataclass(frozen=True)
class Order:
    """How a command asks for a job to be done.

    Attributes:
        options: the dataclass that declares the job's options.
        kind: of the job; empty if it is called as the command is.
        out: what it writes where nothing is said, given the command line.
        resume: help of --resume; empty where nothing can be resumed.
        without, changes: see `snnviz.cli._options.add`.
    """

    options: Any
    _: KW_ONLY
    kind: str = ""
    out: Callable[[argparse.Namespace], str] | None = None
    resume: str = ""
    without: Collection[str] = ()
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def add(self, parser: argparse.ArgumentParser, name: str) -> None:
        """Add what the command `name` takes, and let it do the job."""
        _options.add(parser, self.options, without=self.without, **self.changes)
        if self.resume:
            parser.add_argument("--resume", action="store_true", help=self.resume)
        kind, out = self.kind or name, self.out
        add_options(parser, bool(KINDS[kind].track))

        def run(args: argparse.Namespace) -> dict[str, Any]:
            return done(kind, args, **({} if out is None else {"out": args.out or out(args)}))

        parser.set_defaults(run=run)


def add_store_option(parser: Any) -> None:
    """Add the option that says where runs are kept."""
    parser.add_argument(
        "--tracking-uri",
        metavar="FOLDER|URI",
        help="where runs are kept: a folder, or an MLflow server (default: $SNNVIZ_TRACKING_URI, or else snnviz-runs)",
    )


def done(kind: str, args: argparse.Namespace, **changes: Any) -> dict[str, Any]:
    """Do what a command asks for, here or in the background, and return its answer with the run's id.

    Args:
        kind: of the job.
        args: the command line; what the job's options are called alike is taken from it.
        **changes: options that differ from it.
    """
    from snnviz import jobs, runs

    options = {name: value for name, value in vars(args).items() if name in jobs.option_names(kind)}
    spec = jobs.Spec.of({"kind": kind, "options": {**options, **changes}, "name": args.name})
    store = runs.Store(args.tracking_uri)
    resume = getattr(args, "resume", False)
    if args.background:
        if args.track is False or resume:
            given = "--resume" if resume else "--no-track"
            raise InputError(
                f"`--background` cannot go with {given}; `snnviz runs resume` resumes a job. Received: both"
            )
        return {"run": jobs.launch(spec, store=store), "kind": kind, "background": True}
    track = args.track_by_default if args.track is None else args.track
    outcome = jobs.run(spec, store=store, track=track, resume=resume, own=True)
    return {**outcome.answer, "run": outcome.run_id}


def show(text: Callable[[dict[str, Any]], str], answer: Mapping[str, Any]) -> str:
    """The answer for people, of which `text` makes words, and where the run is; of a job that was started, what to do with it."""
    short = (answer.get("run") or "")[:8]
    if "background" in answer:
        return (
            f"job {short} has been started; `snnviz runs list` shows how far it is, `snnviz runs logs {short} --follow` what "
            f"it says, `snnviz runs cancel {short}` stops it"
        )
    return text(dict(answer)) + (f"\nrecorded as run {short} (`snnviz runs show {short}`)" if short else "")


@contextmanager
def in_words_of(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Inside the `with` block, messages about an option call it as on the command line."""
    names = {
        action.dest: action.option_strings[0] if action.option_strings else action.metavar for action in parser._actions
    }
    # what loads or finds something by name, path or id calls it so
    if first := next(
        (action.metavar for action in parser._actions if not action.option_strings and action.metavar), None
    ):
        names |= {"path": first, "run_ids": first}
        if "run_id" not in names:
            names |= {"name": first, "run_id": first}
    for other, own in (("folder", "out"), ("query", "search"), ("run_id", "sources")):
        if own in names:
            names.setdefault(other, names[own])

    def called(found: re.Match[str]) -> str:
        """Of a part, as `stop.level`, the option of its own or that of the whole."""
        word, part = found[1], found[2] or ""
        return f"`{names.get(word + part.replace('.', '_')) or names.get(word) or word + part}`"

    try:
        yield
    except InputError as error:
        said = []
        for sentence in str(error).split(ALSO):
            head, separator, tail = sentence.partition(" Received: ")
            head = re.sub(r"`(\w+)(\.\w+)?`", called, head)
            said.append(head + separator + tail)
        raise InputError(ALSO.join(said)) from error
