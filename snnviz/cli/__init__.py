"""The `snnviz` command: one module per subcommand, each with `add(subparsers)`.

A subcommand's parser sets two defaults: `run(args)`, which does the work and returns what JSON can hold, and `show(answer)`,
which renders that answer for people; a third, `after(args, answer)`, may go on once the answer is printed (to serve a page), and
a fourth, `writes(args)`, may name the file or folder that no other command may write meanwhile (jobs see to that themselves). Here
they get `--json`, and a user's mistake becomes one line and exit code 2.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from snnviz import __version__
from snnviz._writing import alone
from snnviz.errors import InputError

COMMANDS = (
    "demo", "train", "finetune", "sweep", "check", "convert", "simulate", "metrics", "optimize",
    "runs", "figures", "tables", "reproduce", "hardware", "data", "dashboard", "info",
)  # fmt: skip
USER_MISTAKE = 2
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """The whole command's parser."""
    top = argparse.ArgumentParser(
        prog="snnviz", description="Anytime perception with spiking neural networks.", allow_abbrev=False
    )
    top.add_argument("--version", action="version", version=f"snnviz {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        importlib.import_module(f"snnviz.cli.{command}").add(subparsers)
    for _, leaf in leaves(top):
        leaf.add_argument("--json", action="store_true", help="print the answer as JSON")
    return top


def leaves(parser: argparse.ArgumentParser, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The commands that do something, each with the words that call it: of a command with subcommands, those."""
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield words, parser
    for group in groups:
        for name, subparser in group.choices.items():
            yield from leaves(subparser, (*words, name))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 2 for a user's mistake, 130 for Ctrl-C and SIGTERM."""
    # quiet TensorFlow's start-up notes; a user who wants them sets the variable
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    args = parser().parse_args(arguments)
    with _terminated_as_interrupted():
        return _run(args)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Inside the `with` block SIGTERM does what Ctrl-C does: whatever saves its work there saves it here."""

    def interrupt(*_: object) -> None:
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as in what a shell starts in the background
            raise KeyboardInterrupt
        signal.raise_signal(signal.SIGINT)  # not KeyboardInterrupt itself: a server has a handler of its own

    if threading.current_thread() is not threading.main_thread():  # no other thread may handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)


def _alone(args: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """Be the only one that writes what the command writes, (path, whether it is a folder)."""
    written = args.writes(args) if hasattr(args, "writes") else None
    return contextlib.nullcontext() if not written else alone(written[0], "--out", folder=written[1])


def _run(args: argparse.Namespace) -> int:
    try:
        with _alone(args):
            answer = args.run(args)
        text = json.dumps(answer, indent=2) if args.json else args.show(answer)
        if text:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        if hasattr(args, "after"):
            args.after(args, answer)
    except BrokenPipeError:  # the reader, e.g. `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as error:
        message = " ".join(str(error).split())
        sys.stderr.write(f"snnviz {args.command}: {message}\n")
        return USER_MISTAKE
    except KeyboardInterrupt as interrupt:
        sys.stderr.write(f"snnviz {args.command}: interrupted{'. ' + str(interrupt) if str(interrupt) else ''}\n")
        return INTERRUPTED
    return 0
