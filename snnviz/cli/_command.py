"""What a command is: a module, named as the command is called, that holds only what is its own.

- Its docstring: "`snnviz NAME`: what it does.", shown in the list of commands; then what its help says at length; then, if need
  be, what else there is to know; at last "Example: snnviz NAME ...".
- `arguments(parser)`: adds what it takes. It may set two defaults: `after(args, answer)` goes on once the answer is printed (to
  serve a page), `writes(args)` names the file or folder (true) that no other command may write meanwhile; jobs look after that
  themselves.
- `run(args)`: does the work and returns what JSON can hold.
- `show(answer)`: renders that for people.
- `JOB`: of a command that does a job, the options and, in place of `run`, how it is asked for.

A command with subcommands has `arguments` alone, which adds them.
"""

from __future__ import annotations

import functools
import importlib
import keyword
from typing import Any

from snnviz.cli import _job


def add(subparsers: Any, name: str, package: str) -> None:
    """Add the parser of the command that is called `name`; its module is in `package`, with "_" behind a keyword of Python."""
    module = importlib.import_module(f"{package}.{name}{'_' * keyword.iskeyword(name)}")
    told = [" ".join(each.split()) for each in (module.__doc__ or "").split("\n\n")]
    example = told.pop().removeprefix("Example: ") if told[-1].startswith("Example: ") else ""
    head, description, epilog = [*told, "", "", ""][:3]
    parser = subparsers.add_parser(
        name, help=head.partition(": ")[2].removesuffix("."), description=description, epilog=epilog or None
    )
    parser.set_defaults(example=example)
    own = vars(module)
    if job := own.get("JOB"):
        job.add(parser, name)
    if "arguments" in own:
        own["arguments"](parser)
    if "run" in own:
        parser.set_defaults(run=own["run"])
    if "show" in own:
        parser.set_defaults(show=functools.partial(_job.show, own["show"]) if job else own["show"])
