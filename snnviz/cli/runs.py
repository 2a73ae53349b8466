"""`snnviz runs`: list, compare, cancel and resume runs.

Runs that `snnviz train`, `finetune`, `optimize` and `simulate --track` recorded, and jobs in the background. A run is named by its
id or the beginning of it, at least 4 letters. MLflow's own pages open on the same store: `mlflow ui --backend-store-uri
sqlite:///snnviz-runs/mlflow.db`.

Example: snnviz runs list --search 'peak_accuracy>0.98'
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from typing import Any

from snnviz import _checks as check
from snnviz._amounts import duration, percent, text_of
from snnviz.cli import _job
from snnviz.cli._numbers import whole
from snnviz.cli._table import aligned

_FOLLOW_SECONDS = 0.5
_SHOWN = ("peak_accuracy", "pareto_latency", "pareto_power", "test_accuracy", "best_loss", "S_c")


def arguments(parser: Any) -> None:
    """What it takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _action(actions, "list", "the runs, newest first", list_runs, show_list, "--search 'peak_accuracy>0.98'")
    listing.add_argument("--kind", metavar="KIND", help="train, finetune, optimize, simulate, ...")
    listing.add_argument("--status", metavar="STATUS", help="waiting, running, finished, failed or cancelled")
    listing.add_argument(
        "--search", default="", metavar="WORDS",
        help="words of its name, settings, labels or note, and comparisons, e.g. 'paper peak_accuracy>0.98'",
    )  # fmt: skip
    listing.add_argument("--limit", type=whole, default=50, metavar="N", help="at most N (default: %(default)s)")
    _with_run(_action(actions, "show", "all that is known of a run", show_run, show_details, "3fa92c10"))
    comparing = _action(actions, "compare", "runs side by side", compare, show_comparison, "3fa92c10 77bd01e4")
    comparing.add_argument("runs", nargs="+", metavar="RUN", help="two runs or more")
    logs = _action(actions, "logs", "what a job printed", read_log, show_log, "3fa92c10 --follow")
    _with_run(logs)
    logs.add_argument("--lines", type=whole, default=40, metavar="N", help="the last N lines (default: %(default)s)")
    logs.add_argument("--follow", action="store_true", help="go on until it ends (Ctrl-C stops following, not the job)")
    logs.set_defaults(after=follow)
    editing = _action(
        actions,
        "edit",
        "rename a run, label it, write a note, mark it with a star",
        edit,
        show_edited,
        "3fa92c10 --labels baseline,paper --star",
    )
    _with_run(editing)
    editing.add_argument("--name", metavar="NAME", help="a new name")
    editing.add_argument("--labels", metavar="L[,L]", help="words to find it by, in place of those it has")
    editing.add_argument("--note", metavar="TEXT", help="what there is to say of it")
    editing.add_argument("--star", action=argparse.BooleanOptionalAction, help="mark it, or no longer")
    _with_run(_action(actions, "cancel", "stop a run; what it saved stays", cancel, show_status, "3fa92c10"))
    _with_run(
        _action(
            actions,
            "resume",
            "go on with a run that failed or was cancelled, as a job",
            resume,
            show_status,
            "3fa92c10",
        )
    )
    text = "delete runs; `snnviz runs restore` brings them back"
    deleting = _action(actions, "delete", text, delete, show_deleted, "3fa92c10 77bd01e4")
    deleting.add_argument("runs", nargs="+", metavar="RUN", help="runs that have ended")
    restoring = _action(
        actions,
        "restore",
        "bring deleted runs back, all but their logs",
        restore,
        show_restored,
        "3fa92c10b5d64f7c8e1d2a9b0c4e6f81",
    )
    restoring.add_argument("runs", nargs="+", metavar="RUN", help="whole ids of runs that were deleted")
    exporting = _action(
        actions, "export", "write a run's files and numbers into a folder", export, show_export, "3fa92c10 --out my-run"
    )
    _with_run(exporting)
    exporting.add_argument("--out", metavar="FOLDER", help="new folder (default: run-ID)")


def _action(actions: Any, name: str, text: str, run: Any, show: Any, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    _job.add_store_option(parser)
    parser.set_defaults(run=run, show=show, example=f"snnviz runs {name} {example}")
    return parser


def _with_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN", help="id of the run, or at least 4 letters of its beginning")


def _store(args: argparse.Namespace) -> Any:
    from snnviz import runs

    return runs.Store(args.tracking_uri)


def list_runs(args: argparse.Namespace) -> dict[str, Any]:
    """The runs; where none fits, of how many."""
    from snnviz.jobs.spec import KINDS
    from snnviz.runs import matching
    from snnviz.runs.run import STATES
    from snnviz.runs.search import check_compared

    store = _store(args)
    called = {word: status for status, word in STATES.items()} | {status.lower(): status for status in STATES}
    if args.status is not None and args.status.lower() not in called:
        check.choice("status", args.status, STATES.values())
    if args.kind is not None and args.kind not in KINDS:
        check.choice("kind", args.kind, dict.fromkeys([*KINDS, *(run.kind for run in store.list())]))
    status = None if args.status is None else called[args.status.lower()]
    limit = None if args.search else args.limit
    found = matching(store.list(kind=args.kind, status=status, limit=limit), args.search)
    if found:
        return {"runs": [run.as_json() for run in found[: args.limit]]}
    everything = store.list()
    if everything:
        check_compared(everything, args.search)
    return {"runs": [], "of": len(everything)}


def show_list(answer: Mapping[str, Any]) -> str:
    """A table."""
    if not answer["runs"]:
        if of := answer["of"]:
            return f"none of {of} runs matches" if of > 1 else "the one run there is does not match"
        return "no runs; `snnviz train`, `finetune` and `optimize` record them, `snnviz simulate --track` too"
    rows = [("id", "name", "kind", "status", "started", "took", "how far, or what came out")]
    for run in answer["runs"]:
        started = time.strftime("%Y-%m-%d %H:%M", time.localtime(run["started"]))
        took, status = duration(run["seconds"]), _word(run["status"])
        rows.append((run["id"][:8], text_of(run["name"], 24), run["kind"], status, started, took, _state(run)))
    return "\n".join(aligned(rows))


def _word(status: str) -> str:
    """A status for people; JSON has MLflow's."""
    from snnviz.runs.run import STATES

    return STATES.get(status, status)


def show_run(args: argparse.Namespace) -> dict[str, Any]:
    """One run."""
    store = _store(args)
    run = store.get(args.run_id)
    return {**run.as_json(), "files": list(store.artifacts(run.id)), "spec": run.spec}


def show_details(run: Mapping[str, Any]) -> str:
    """One run for people."""
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run["started"]))
    rows = [
        ("run", run["id"]),
        ("name", run["name"]),
        ("kind", run["kind"]),
        ("status", f"{_word(run['status'])}{', can be resumed' if run['resumable'] else ''}"),
        ("started", f"{started}, {'took' if run['ended'] else 'for'} {duration(run['seconds'])}"),
        ("state", _state(run)),
        ("builds on", run["parent"] or ""),
        ("commit", run["tags"].get("snnviz.commit", "")),
        ("files", ", ".join(run["files"])),
    ]
    lines = aligned([row for row in rows if row[1]])
    for title, values in (("settings", run["params"]), ("metrics", run["metrics"])):
        if values:
            lines += ["", title, *aligned(sorted((f"  {name}", text_of(value)) for name, value in values.items()))]
    return "\n".join(lines)


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """Runs side by side; `over_seeds` where some differ in their seed alone."""
    from snnviz.runs import over_seeds

    store = _store(args)
    frame = store.compare(args.runs)
    alike = over_seeds([store.get(run_id) for run_id in frame]).to_dict("records")
    return {
        run_id: {
            part: {name: value for (group, name), value in column.items() if group == part and value == value}
            for part in ("run", "setting", "metric")
        }
        for run_id, column in frame.to_dict().items()
    } | ({OVER_SEEDS: alike} if alike else {})


OVER_SEEDS = "over_seeds"


def show_comparison(answer: Mapping[str, Any]) -> str:
    """A table, a column per run; below it what differs by the seed alone."""
    runs = {run_id: column for run_id, column in answer.items() if run_id != OVER_SEEDS}
    rows = [("", *(run_id[:8] for run_id in runs))]
    for part in ("run", "setting", "metric"):
        for name in dict.fromkeys(name for column in runs.values() for name in column[part]):
            values = [column[part].get(name) for column in runs.values()]
            if (part, name) == ("run", "seconds"):  # a metric may be called so, too
                name, values = "took", [duration(value) for value in values]
            rows.append((name, *(text_of("-" if value in (None, "") else value) for value in values)))
    lines = aligned(rows)
    if OVER_SEEDS in answer:
        table = [("over seeds", "like", "mean", "95 % interval", "seeds")]
        for row in answer[OVER_SEEDS]:
            interval = f"{text_of(row['low'])} to {text_of(row['high'])}"
            table.append((row["metric"], row["run"], text_of(row["mean"]), interval, str(row["n"])))
        lines += ["", *aligned(table)]
    return "\n".join(lines)


def read_log(args: argparse.Namespace) -> dict[str, Any]:
    """The last lines of a log."""
    from snnviz import jobs

    store = _store(args)
    run = store.get(args.run_id)
    return {"run": run.id, "status": run.status, "log": jobs.tail(run.id, args.lines, store=store)}


def show_log(answer: Mapping[str, Any]) -> str:
    """The lines themselves."""
    return str(answer["log"] or "no log: only jobs in the background keep one, on the machine they run on")


def follow(args: argparse.Namespace, answer: Mapping[str, Any]) -> None:
    """Print what comes until the job ends."""
    if not args.follow:
        return
    from snnviz.runs import Folder

    folder = Folder(_store(args).home, answer["run"])
    if not folder.log.exists():
        return
    with folder.log.open(encoding="utf-8", errors="replace") as log:
        log.seek(0, 2)
        alive = True
        while alive:
            alive = folder.alive()
            text = log.read()
            if text:
                sys.stdout.write(text)
                sys.stdout.flush()
            elif alive:
                time.sleep(_FOLLOW_SECONDS)


def cancel(args: argparse.Namespace) -> dict[str, Any]:
    """Stop a run."""
    from snnviz import jobs

    run = jobs.cancel(args.run_id, store=_store(args))
    return {"run": run.id, "status": run.status, "resumable": run.resumable}


def resume(args: argparse.Namespace) -> dict[str, Any]:
    """Go on with a run."""
    from snnviz import jobs

    store = _store(args)
    run = store.get(jobs.resume(args.run_id, store=store))
    return {"run": run.id, "status": run.status, "resumable": run.resumable}


def show_status(answer: Mapping[str, Any]) -> str:
    """What the run is now."""
    more = f"; `snnviz runs resume {answer['run'][:8]}` goes on with it" if answer["resumable"] else ""
    return f"run {answer['run'][:8]} is {_word(answer['status'])}{more}"


def delete(args: argparse.Namespace) -> dict[str, Any]:
    """Delete runs, all or, if one of them cannot be, none."""
    store = _store(args)
    found = [store.get(run_id) for run_id in args.runs]
    for run in found:
        store.check_ended(run)
    for run in found:
        store.delete(run.id)
    return {"deleted": [run.id for run in found]}


def edit(args: argparse.Namespace) -> dict[str, Any]:
    """Change what is said of a run."""
    store = _store(args)
    labels = None if args.labels is None else [word.strip() for word in args.labels.split(",") if word.strip()]
    store.edit(args.run_id, name=args.name, labels=labels, note=args.note, star=args.star)
    run = store.get(args.run_id)
    return {"run": run.id, "name": run.name, "labels": list(run.labels), "note": run.note, "star": run.starred}


def show_edited(answer: Mapping[str, Any]) -> str:
    """What is said of it now."""
    star = "★ " if answer["star"] else ""
    labels = f" [{', '.join(answer['labels'])}]" if answer["labels"] else ""
    return f"{star}{answer['run'][:8]} {answer['name']}{labels} {answer['note']}".rstrip()


def restore(args: argparse.Namespace) -> dict[str, Any]:
    """Bring deleted runs back."""
    store = _store(args)
    for run_id in args.runs:
        store.restore(run_id)
    return {"restored": args.runs}


def show_restored(answer: Mapping[str, Any]) -> str:
    """Which ones."""
    return "\n".join(f"restored {run_id[:8]}" for run_id in answer["restored"])


def show_deleted(answer: Mapping[str, Any]) -> str:
    """Which ones."""
    return "\n".join(f"deleted {run_id}; `snnviz runs restore {run_id}` brings it back" for run_id in answer["deleted"])


def export(args: argparse.Namespace) -> dict[str, Any]:
    """Write a run's files."""
    store = _store(args)
    run = store.get(args.run_id)
    out = store.export(run.id, args.out or f"run-{run.id[:8]}")
    return {"run": run.id, "out": str(out), "files": sorted(path.name for path in out.iterdir())}


def show_export(answer: Mapping[str, Any]) -> str:
    """Where they are."""
    return f"{len(answer['files'])} files written to {answer['out']}: {', '.join(answer['files'])}"


def _state(run: Mapping[str, Any]) -> str:
    """How far a run is, why it failed, or the best of what came out."""
    if run["status"] == "SCHEDULED":
        return f"waits for {run['ahead'] + 1} other" if run["ahead"] is not None else "waits for its turn"
    if run["reason"]:
        return str(run["reason"])
    progress = run["progress"]
    if progress is not None:
        parts = [progress["what"]]
        if run["fraction"] is not None:
            parts.append(percent(run["fraction"], 0))
        if progress["seconds_left"] is not None:
            parts.append(f"{duration(progress['seconds_left'])} left")
        return ", ".join(parts)
    best = [f"{name} {run['metrics'][name]:.4g}" for name in _SHOWN if name in run["metrics"]]
    return ", ".join(best[:3])
