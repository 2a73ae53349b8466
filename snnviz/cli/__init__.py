"""The `snnviz` command: one module per subcommand, see `snnviz.cli._command`.

Here they get `--json`, and a user's mistake becomes one line and exit code 2.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from snnviz import __version__
from snnviz._checks import suggestion
from snnviz._processes import terminated_as_interrupted
from snnviz._writing import alone
from snnviz.cli import _command
from snnviz.cli._job import in_words_of
from snnviz.errors import InputError

COMMANDS = (
    "demo", "train", "import", "finetune", "sweep", "check", "adapt", "convert", "simulate", "metrics", "optimize",
    "runs", "report", "figures", "tables", "reproduce", "hardware", "data", "dashboard", "info",
)  # fmt: skip
USER_MISTAKE = 2
INTERRUPTED = 130
_LONGEST = 2000


class Parser(argparse.ArgumentParser):
    """As argparse's, but a mistake is one line, as all mistakes are, and help ends with an example."""

    _in_json = False

    def format_help(self) -> str:
        """As argparse's, and the example, on a line of its own, to be copied."""
        example = self.get_default("example")
        return super().format_help() + (f"\nexample:\n  {example}\n" if example else "")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse's, which takes the "--" of "--option=--" for the end of options and loses it."""
        words = sys.argv[1:] if args is None else list(args)
        own = words[: words.index("--")] if "--" in words else words
        self._in_json = "--json" in own
        for word in own if self._subparsers is None else ():
            if re.fullmatch(r"--[\w-]+=--", word):
                self.error(f"argument {word.removesuffix('=--')}: must have a value. Received: '--'")
        return super().parse_known_args(words, namespace)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and where to read on, and exit."""
        message = re.sub(r"^argument (--[\w-]+)\S*: must ", r"`\1` must ", message)
        if wrong := re.search(r"^unrecognized arguments: (--[\w-]+)", message):
            message += suggestion(wrong[1], [*self._option_string_actions])
        elif wrong := re.search(r"invalid choice: '(.*?)' \(choose from (.*)\)", message):
            message += suggestion(wrong[1], re.findall(r"[\w-]+", wrong[2]))
        self.exit(USER_MISTAKE, mistake(self.prog, f"{message.rstrip('.')}; see {self.prog} --help", self._in_json))


def mistake(prog: str, message: str, in_json: bool) -> str:
    """What is wrong, as one line that any terminal can show, or as a line of JSON."""
    if in_json:
        return json.dumps({"command": prog, "error": " ".join(message.split())}) + "\n"
    text = " ".join(message.split())
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
    return _shown(f"{prog}: {text}\n")


def _shown(text: str) -> str:
    """`text` without what is no character, as in names of files that are no UTF-8."""
    return text.encode(errors="backslashreplace").decode()


def parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """The whole command's parser, or that of some of its subcommands, which is there sooner."""
    top = Parser(prog="snnviz", description="Anytime perception with spiking neural networks.", allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"snnviz {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in commands:
        _command.add(subparsers, command, __name__)
    for _, leaf in leaves(top):
        leaf.add_argument("--json", action="store_true", help="print the answer as JSON")
        leaf.set_defaults(parser=leaf)
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
    words = sys.argv[1:] if arguments is None else list(arguments)
    named = (words[0],) if words and words[0] in COMMANDS else COMMANDS
    try:
        with terminated_as_interrupted():  # from here on, for a command's module takes a while to load
            args, rest = parser(named).parse_known_args(words)
            if rest:  # the command's own parser knows what could have been meant
                args.parser.error(f"unrecognized arguments: {' '.join(rest)}")
            return _run(args)
    except KeyboardInterrupt as interrupt:
        text = f"interrupted{'. ' + str(interrupt) if str(interrupt) else ''}"
        sys.stderr.write(mistake(" ".join(["snnviz", *words[: len(named) == 1]]), text, "--json" in words))
        return INTERRUPTED


def _alone(args: argparse.Namespace) -> contextlib.AbstractContextManager[None]:
    """Be the only one that writes what the command writes, (path, whether it is a folder)."""
    written = args.writes(args) if hasattr(args, "writes") else None
    return contextlib.nullcontext() if not written else alone(written[0], "--out", folder=written[1])


def _run(args: argparse.Namespace) -> int:
    try:
        with in_words_of(args.parser), _alone(args):
            answer = args.run(args)
        text = json.dumps(answer, indent=2) if args.json else args.show(answer)
        if text:
            sys.stdout.write(_shown(text) + "\n")
            sys.stdout.flush()
        if hasattr(args, "after"):
            args.after(args, answer)
    except BrokenPipeError:  # the reader, e.g. `head`, has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InputError, OSError) as error:
        sys.stderr.write(mistake(f"snnviz {args.command}", str(error), args.json))
        return USER_MISTAKE
    return 0
