"""A report of runs: one HTML file that opens without a network, its plots interactive, with numbers and provenance inside."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snnviz import __version__, plots, uncertainty
from snnviz._amounts import duration, text_of
from snnviz._arguments import checked
from snnviz.dashboard import parts, reproducing, style
from snnviz.dashboard.plot_card import rendered
from snnviz.dashboard.run_words import CURVES, comparison_table, seeds_table, state
from snnviz.dashboard.workspace import RESULT_KINDS, label
from snnviz.errors import InputError
from snnviz.runs import over_seeds

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from snnviz.runs import Run, Store

SWEEP = "sweep"


@checked
def report(store: Store, run_ids: Sequence[str]) -> str:
    """A whole HTML page about some runs; scripts and styles are inside, and nothing is asked of any server.

    Args:
        store: where the runs are.
        run_ids: see `snnviz.runs.Store.get`.

    Raises:
        InputError: if there is no such run, or none is named.
    """
    if isinstance(run_ids, str) or not run_ids:
        raise InputError("`run_ids` must be one run or more. Received: none")
    runs = [store.get(run_id) for run_id in dict.fromkeys(run_ids)]
    results = {
        label(run): store.result(run.id) for run in runs if run.kind in RESULT_KINDS and run.status == "FINISHED"
    }
    body = [
        f"<h1>{escape(', '.join(run.name or run.kind for run in runs))}</h1>",
        f"<p class='note'>{escape(_made())}</p>",
    ]
    drawn = _drawn(store, runs, results)
    body += [
        f"<section><h2>{escape(title)}</h2><div id='plot-{place}'></div></section>" for place, title in enumerate(drawn)
    ]
    if len(runs) > 1:
        table = store.compare([run.id for run in runs], alike=True)
        words = comparison_table(table, [run.name or run.kind for run in runs])
        body.append(f"<section><h2>Compared</h2>{words}{seeds_table(over_seeds(runs))}</section>")
    caution = uncertainty.caution(results) if results else ""
    body += [f"<p>{escape(caution)}</p>"] if caution else []
    body += [_about(store, run) for run in runs]
    return _page(runs, "".join(body), list(drawn.values()))


def written_report(page: Any, run_ids: Sequence[str]) -> io.BytesIO:
    """The report of some runs (`snnviz report`) as a file."""
    try:
        return io.BytesIO(report(page.workspace.store, run_ids).encode())
    except InputError as error:  # deleted a moment ago
        page.say(str(error))
        return io.BytesIO(str(error).encode())


def _made() -> str:
    return f"Written by snnviz {__version__} on {time.strftime('%Y-%m-%d %H:%M')}. Wheel and box zoom, the legend hides curves."


def _drawn(store: Store, runs: Sequence[Run], results: dict[str, xr.Dataset]) -> dict[str, Any]:
    """The plots, by their titles."""
    found: dict[str, Any] = {}
    if results:
        found["Accuracy over time"] = plots.accuracy_over_time(results, zoom="top", log=True, intervals=True)
        found["Accuracy over cost"] = plots.accuracy_over_events(results, zoom="top", intervals=True)
    for run in runs:
        if run.kind == SWEEP and len(points := _points(store, run)) > 1:
            found[f"{label(run)}: accuracy and zeros"] = plots.sparsity_front(points)
            continue
        names = [name for name in CURVES.get(run.kind, []) if name in run.metrics and run.kind != "simulate"]
        history = store.history(run.id, names) if names else None
        if history is not None and len(history) > 1:
            found[f"{label(run)}: how it went"] = plots.metric_history({label(run): history}, names)
    return found


def _points(store: Store, run: Run) -> pd.DataFrame:
    """The points that a sweep has come to, a row each."""
    return store.history(run.id, ["lambda_a", "lambda_w", "accuracy", "S_a", "S_w", "S_c"]).dropna()


def _identified(store: Store, run: Run) -> dict[str, str]:
    """What tells whether data and files are the very same: SHA-256 digests."""
    found = {f"data {name}": digest for name, digest in store.data(run.id).items()}
    for name in store.artifacts(run.id):
        if Path(name).suffix in (".keras", ".npz", ".nc"):
            with contextlib.suppress(InputError):  # left elsewhere
                found[name] = hashlib.sha256(store.file(run.id, name).read_bytes()).hexdigest()
    return found


def _about(store: Store, run: Run) -> str:
    """Settings, values, versions and how to get a run again."""
    facts = {
        "kind": run.kind, "state": state(run), "id": run.id, "took": duration(run.seconds),
        "started": time.strftime("%Y-%m-%d %H:%M", time.localtime(run.started)), "labels": ", ".join(run.labels), "note": run.note,
    }  # fmt: skip
    known = {name.removeprefix("snnviz."): value for name, value in run.tags.items() if name.startswith("snnviz.")}
    hidden = (
        "spec",
        "home",
        "host",
        "out",
        "labels",
        "star",
        "kind",
        "reason",
        "began",
        "heartbeat",
    )  # of the machine, or said elsewhere
    versions = {name: value for name, value in known.items() if name not in hidden}
    values = {name: text_of(value) for name, value in run.metrics.items()}
    titled = [
        ("Run", facts),
        ("Settings", run.params),
        ("Values", values),
        ("Provenance", versions | _identified(store, run)),
    ]
    points = ""
    if run.kind == SWEEP:  # whose last values are those of one point
        titled = [(title, entries) for title, entries in titled if title != "Values"]
        table = _points(store, run)
        points = parts.table([*table], [[escape(text_of(value)) for value in row] for row in table.to_numpy()])
    lists = "".join(f"<div><h3>{title}</h3><dl>{_entries(entries)}</dl></div>" for title, entries in titled)
    again = ""
    if run.spec is not None:
        ways = (reproducing.command(run.spec), reproducing.python(run.spec))
        again = "<h3>The same again</h3>" + "".join(f"<pre><code>{escape(text)}</code></pre>" for text in ways if text)
    return f"<section><h2>{escape(run.name or run.kind)}</h2>{points}<div class='halves'>{lists}</div>{again}</section>"


def _entries(entries: Mapping[str, Any]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in entries.items() if value)


def _page(runs: Sequence[Run], body: str, elements: Sequence[Any]) -> str:
    from bokeh.embed import components
    from bokeh.embed.bundle import bundle_for_objs_and_resources
    from bokeh.resources import INLINE

    looks = "\n".join([style.properties(False), style.source("text.css")]).replace(":host", "body")
    scripts = placed = ""
    if elements:
        figures = [rendered(element) for element in elements]
        # what these need alone: all that is loaded would bring Panel's, which asks for files that are not there
        scripts = "".join(f"<script>{code}</script>" for code in bundle_for_objs_and_resources(figures, INLINE).js_raw)
        script, places = components(figures)
        for number, place in enumerate(places):
            body = body.replace(f"<div id='plot-{number}'></div>", place)
        placed = script
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(', '.join(run.name or run.kind for run in runs))}</title><style>{looks}{_FRAME}</style>{scripts}"
        f"</head><body>{body}{placed}</body></html>\n"
    )


_FRAME = (
    " body { font-family: system-ui, sans-serif; max-width: 1100px; margin: 24px auto; padding: 0 16px; }"
    " section { background: var(--snn-card); border: 1px solid var(--snn-border); border-radius: 12px; padding: 16px 20px;"
    " margin: 16px 0; } "
    " table { max-width: none; } td, dd { white-space: normal; overflow-wrap: anywhere; }"
    " tbody th, td.words { white-space: nowrap; overflow-wrap: normal; }"
    " pre { white-space: pre-wrap; overflow-wrap: anywhere; } "
)
