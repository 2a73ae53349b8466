"""`snnviz dashboard`: look at results in the browser, launch and watch runs.

Serve the pages until Ctrl-C: results given here and those of the runs that were recorded, and forms to launch further runs, which
go on when the pages are closed.

Example: snnviz dashboard before.nc after.nc
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz.cli import _job
from snnviz.cli._numbers import whole
from snnviz.errors import InputError

if TYPE_CHECKING:
    import xarray as xr

USERS_VARIABLE = "SNNVIZ_DASHBOARD_USERS"


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("results", nargs="*", metavar="RESULT.nc", help="results of `snnviz simulate` or `snnviz demo`")
    parser.add_argument(
        "--data",
        action="append",
        default=[],
        metavar="PATH",
        help="data of your own that the forms offer beside the known data sets; may be given several times",
    )
    parser.add_argument("--port", type=whole, default=5006, help="where the pages are served (default: %(default)s)")
    parser.add_argument("--show", action="store_true", dest="open_browser", help="open the browser")
    _job.add_store_option(parser)
    parser.add_argument("--read-only", action="store_true", help="launch, cancel and resume nothing from the pages")
    group = parser.add_argument_group("serving to others")
    group.add_argument(
        "--address",
        default="127.0.0.1",
        help="address of the network interface (default: %(default)s, this machine alone)",
    )
    group.add_argument(
        "--basic-auth",
        metavar="FILE",
        help='ask for a user and a password: a JSON file {"user": "password", ...} '
        f"(or the same text in the environment variable {USERS_VARIABLE})",
    )
    group.add_argument(
        "--open-to-all", action="store_true", help="serve on another address without a password, e.g. behind a proxy"
    )
    group.add_argument(
        "--origin",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="under which browsers reach the pages; other names are refused",
    )
    parser.set_defaults(after=serve)


def named(paths: list[str]) -> dict[str, str]:
    """Files by name without suffix; a name that occurs twice gets its folder in front."""
    stems = [Path(path).stem for path in paths]
    names = [
        stem if stems.count(stem) == 1 else f"{Path(path).parent.name}/{stem}"
        for path, stem in zip(paths, stems, strict=True)
    ]
    return dict(zip(names, paths, strict=True))


def load_named(paths: list[str]) -> dict[str, xr.Dataset]:
    """Results by the names of their files (`named`)."""
    from snnviz import results

    return {name: results.load(path) for name, path in named(paths).items()}


def load_users(file: str | None) -> dict[str, str] | None:
    """Passwords by user name, from a file or the environment; None if neither says so."""
    text, where = os.environ.pop(USERS_VARIABLE, None), USERS_VARIABLE  # no process started from here needs it
    if file is not None:
        path, where = Path(file), f"`--basic-auth {file}`"
        if not path.is_file():
            raise InputError(f"`--basic-auth` must name a file. Received: {file!r}, which is none")
        text = path.read_text(encoding="utf-8")
    if text is None:
        return None
    try:
        users = json.loads(text)
    except ValueError:
        users = None
    if not isinstance(users, dict) or not users or not all(isinstance(word, str) and word for word in users.values()):
        # what was received is not repeated: it may hold passwords
        raise InputError(f'{where} must hold JSON like {{"user": "password"}}. Received: something else')
    return users


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the results, so that a mistake is answered before anything is served."""
    from snnviz import _checks as check
    from snnviz import runs

    check.integer("--port", args.port, 1, 65535)
    args.loaded = load_named(args.results)
    for path in args.data:
        if not Path(path).exists():
            meant = check.beside(path)
            raise InputError(
                f"`--data` must be a file or folder of images. Received: {path!r}, which is not there{meant}"
            )
    args.users = load_users(args.basic_auth)
    args.store = runs.Store(args.tracking_uri)
    return {
        "results": list(args.loaded),
        "runs": args.store.place.uri,
        "read_only": args.read_only,
        "address": f"http://{args.address}:{args.port}",
    }


def show(answer: dict[str, Any]) -> str:
    """The answer for people; the server says the address itself."""
    found = len(answer["results"])
    return f"{found} result{'s' if found != 1 else ''} given here; runs in {answer['runs']}"


def serve(args: argparse.Namespace, answer: dict[str, Any]) -> None:
    """Serve until Ctrl-C."""
    from snnviz import dashboard

    workspace = dashboard.Workspace(
        args.loaded, store=args.store, read_only=args.read_only, files=named(args.results), data=args.data
    )
    dashboard.serve(
        workspace,
        port=args.port,
        address=args.address,
        show=args.open_browser,
        users=args.users,
        open_to_all=args.open_to_all,
        origins=args.origin,
    )
