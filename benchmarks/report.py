"""Turns result files into a page of tables and a figure.

    python -m benchmarks.report [FOLDER] [PAGE]

Everything is a pure function of the JSON that `benchmarks.run` writes, but for `write`.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snnviz._files import replacing

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("table", "trained", "sparse", "stream", "layers", "density", "scaling", "threads")
COLUMN_TITLES = {"dense-mnist": "dense MNIST", "conv-mnist": "conv MNIST", "conv-cifar10": "conv CIFAR-10"}
Result = Mapping[str, Any]


def seconds(value: float) -> str:
    """A time with two significant digits, three from 10 s on: "0.087 s", "4.3 s", "151 s"."""
    if value <= 0 or not math.isfinite(value):
        return f"{value:g} s"
    digits = max(0, (2 if value >= 10 else 1) - math.floor(math.log10(value)))
    return f"{value:.{digits}f} s"


def scaled(row: Result, items: int, field: str = "median") -> float:
    """The time of a row for `items` items, in proportion to those that were measured."""
    return row["seconds"][field] * items / row["items"]


def through_origin(x: Sequence[float], y: Sequence[float]) -> tuple[float, float]:
    """Slope of the least-squares line through the origin, and the largest distance from it as a share of the largest y."""
    slope = sum(a * b for a, b in zip(x, y, strict=True)) / sum(a * a for a in x)
    return slope, max(abs(b - slope * a) for a, b in zip(x, y, strict=True)) / max(y)


def line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Slope, intercept and R^2 of the least-squares line."""
    count = len(x)
    mean_x, mean_y = sum(x) / count, sum(y) / count
    spread = sum((a - mean_x) ** 2 for a in x)
    slope = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    intercept = mean_y - slope * mean_x
    total = sum((b - mean_y) ** 2 for b in y)
    rest = sum((b - intercept - slope * a) ** 2 for a, b in zip(x, y, strict=True))
    return slope, intercept, 1 - rest / total if total else 1.0


def crossing(x: Sequence[float], first: Sequence[float], second: Sequence[float]) -> float | None:
    """Where `first` and `second` cross, interpolated between points in the logarithms of x and of their ratio; None if nowhere."""
    ratio = [math.log(a / b) for a, b in zip(first, second, strict=True)]
    for left in range(len(x) - 1):
        if ratio[left] == 0:
            return x[left]
        if ratio[left] * ratio[left + 1] < 0:
            share = ratio[left] / (ratio[left] - ratio[left + 1])
            return math.exp(math.log(x[left]) + share * (math.log(x[left + 1]) - math.log(x[left])))
    return x[-1] if ratio and ratio[-1] == 0 else None


def row_of(point: Result, name: str) -> Result | None:
    """The row of that name that was measured, else None."""
    return next((row for row in point["rows"] if row["name"] == name and "missing" not in row), None)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], text: int = 1) -> str:
    """A markdown table; the first `text` columns are text, the others are numbers."""
    ruler = ["---"] * text + ["---:"] * (len(headings) - text)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [headings, ruler, *rows])


def page(results: Mapping[str, Result], figure: str | None = None) -> str:
    """The whole page.

    Args:
        results: result files by name, any of `NAMES`.
        figure: file name of the figure, relative to the page.
    """
    here = [
        result for name, result in results.items() if name not in ("sparse", "stream")
    ]  # which say for themselves where they were measured
    parts = [_machine(here)] if here else [] if results else ["No results."]
    for name, text in (
        ("table", _table_part),
        ("trained", _table_part),
        ("sparse", _sparse_part),
        ("stream", _stream_part),
        ("layers", _layers_part),
    ):
        if name in results:
            parts.append(text(results[name]))
    if "density" in results:
        parts.append(_density_part(results["density"], figure))
    if "scaling" in results:
        parts.append(_scaling_part(results["scaling"]))
    if "threads" in results:
        parts.append(_threads_part(results["threads"]))
    return "<!-- written by python -m benchmarks.report; do not edit -->\n\n" + "\n\n".join(parts) + "\n"


def _machine(results: Sequence[Result]) -> str:
    result, machine = results[0], results[0]["machine"]
    dates = " and ".join(sorted({each["date"][:10] for each in results}))
    warning = "**A quick check with few items and runs, not a measurement.** " if result.get("quick") else ""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{warning}Measured {dates} on {machine['cpu']}, {machine['cores']} cores of which each simulator "
        f"used {result['threads']}, {machine['memory_gb']:.0f} GB of memory, {machine['os']}, Python {machine['python']} "
        f"({versions}). Times are medians over runs in which all rows took turns; brackets hold the fastest and the slowest run."
    )


def _limits(limits: Result) -> str:
    return (
        f"float32 matrix products {limits['gemm_flops']['median'] / 1e9:.0f} GFLOP/s; "
        f"synaptic adds {limits['adds_per_second']['max'] / 1e9:.1f} billion a second on all cores at best, "
        f"{limits['adds_per_second_one_core']['max'] / 1e9:.1f} on one "
        "(the quickest way to add that we know of, with everything in the first-level cache)"
    )


def _table_part(result: Result) -> str:
    trained = result["name"] == "trained"
    columns = result["columns"]
    titles = [column.get("title") or COLUMN_TITLES.get(column["network"], column["network"]) for column in columns]
    target = columns[0]["target_items"]
    labels = {row["name"]: row["label"] for column in columns for row in column["rows"]}
    notes: list[str] = []
    missing: dict[str, str] = {}
    times, ratios, details = [], [], []
    for name, label in labels.items():
        rows = [row_of(column, name) for column in columns]
        every = [next(row for row in column["rows"] if row["name"] == name) for column in columns]
        if not any(rows):
            missing[label] = every[0]["missing"]
            continue
        note = every[0].get("note")
        mark = ""
        if note:
            if note not in notes:
                notes.append(note)
            mark = f" ({notes.index(note) + 1})"
        times.append([label + mark, *(_time(row, target) for row in rows)])
        ratios.append([label, *(_ratio(column, row) for column, row in zip(columns, rows, strict=True))])
        for title, column, row in zip(titles, columns, rows, strict=True):
            if row is not None:
                details.append([title, label, *_detail(column, row, trained)])
    what = (
        "trained networks" if trained else f"random networks, {result['density']:.0%} of the neurons firing in a step"
    )
    measured = "; ".join(f"{title}: {column['items']} items" for title, column in zip(titles, columns, strict=True))
    text = [
        f"## {'Trained' if trained else 'Random'} networks",
        f"Time for {target} items and {result['steps']} steps, {what}. Measured on fewer items where marked * and "
        f"extrapolated in proportion ({measured}; a row that was given fewer says so in the result file).",
        table(["simulator", *titles], times),
    ]
    text += [f"({number}) {note}." for number, note in enumerate(notes, 1)]
    text += [f"Not measured: {label}: {reason}." for label, reason in missing.items()]
    if any(row_of(column, "event") for column in columns):
        text += ["Times as multiples of the event engine's:", table(["simulator", *titles], ratios)]
    headings = [
        "network",
        "simulator",
        "peak memory",
        "events an item",
        "ratio to ours",
        "same answer, last step",
        "all steps",
    ]
    details.sort(key=lambda cells: titles.index(cells[0]))
    text += [table([*headings, *(["accuracy", "peak"] if trained else [])], details, text=2)]
    if columns[0].get("limits"):
        text.append(
            "The machine between these runs: "
            + "; ".join(f"{title}: {_limits(column['limits'])}" for title, column in zip(titles, columns, strict=True))
            + "."
        )
        shares = [_share(title, column) for title, column in zip(titles, columns, strict=True)]
        if any(shares):
            text.append("The event engine's adds beside that limit: " + "; ".join(filter(None, shares)) + ".")
    return "\n\n".join(text)


def _share(title: str, column: Result) -> str:
    """How near the whole network's rate comes to the add limit of the same run."""
    event = row_of(column, "event")
    if event is None:
        return ""
    rate, limit = event["events"] / event["seconds"]["median"], column["limits"]["adds_per_second"]["max"]
    return f"{title}: {rate / 1e9:.1f} billion a second, {rate / limit:.0%}"


def _time(row: Result | None, target: int) -> str:
    if row is None:
        return "-"
    mark = "*" if row["items"] < target else ""
    low, high = scaled(row, target, "min"), scaled(row, target, "max")
    return f"{seconds(scaled(row, target))}{mark} [{seconds(low)[:-2]} - {seconds(high)[:-2]}]"


def _ratio(column: Result, row: Result | None) -> str:
    event = row_of(column, "event")
    return "-" if row is None or event is None else f"{scaled(row, 1) / scaled(event, 1):.2f}"


def _detail(column: Result, row: Result, trained: bool) -> list[str]:
    agreement = row.get("agreement")
    cells = [
        f"{row['peak_mb']:.0f} MB",
        "-" if row["events"] is None else f"{row['events'] / row['items']:.5g}",
        f"{row['events_ratio']:.6f}" if "events_ratio" in row else "-",
        f"{agreement['last_step']:.1%}" if agreement else "-",
        f"{agreement['all_steps']:.1%}" if agreement else "-",
    ]
    if trained:
        accuracy = row.get("accuracy")
        cells += [f"{accuracy[key]:.2%}" if accuracy else "-" for key in ("last_step", "peak")]
    return cells


def _load(result: Result) -> str:
    """How busy the machine was."""
    return (
        " Load at the beginning and at the end: {:.1f} and {:.1f}.".format(*result["load"]) if "load" in result else ""
    )


def _sparse_part(result: Result) -> str:
    words = {
        "engine": "event engine",
        "stop": "event engine, each item until sure (margin 0.9)",
        "whole": "all of `simulate`",
        "known": "all of `simulate`, the classifier's answers known",
        "classifier": "Keras' predict of its classifier",
        "onnx": "ONNX Runtime on its classifier",
    }
    rows = []
    for point in result["points"]:
        events = point.get("events")
        rates = "-" if "rates" not in point else "{:.3f} to {:.3f}".format(*point["rates"])
        steps = "-" if point["what"] in ("classifier", "onnx") else f"{point.get('mean_exit', point['steps']):.3g}"
        rows.append(
            [
                point["name"],
                words[point["what"]],
                steps,
                rates,
                "-" if events is None else f"{events / 1e6:.2f} M",
                f"{1e3 * point['wall_s']:.3f} ms",
                f"{1e3 * point['cpu_s']:.3f} ms",
                "-" if events is None else f"{events / point['cpu_s'] / 1e9:.2f} G",
            ]
        )
    headings = ["network", "what", "steps", "mean rates", "events an item", "wall", "CPU", "events a CPU second"]
    return "\n\n".join(
        [
            "## Trained, sparse networks",
            _machine([result]) + _load(result),
            f"Test images; medians of {result['points'][0]['runs']} runs in turn: an item's share of the time on the clock, and of "
            "the processors' time. Random networks of the same architecture stand beside them, at the share of neurons that spike "
            "in a step.",
            table(headings, rows, text=2),
        ]
    )


def _stream_part(result: Result) -> str:
    """Simulators and readers on recordings of an event camera, beside the time that the camera took."""

    def rows(name: str) -> list[list[str]]:
        first = result[name][0]
        cells = []
        for row in result[name]:
            if "missing" in row:
                cells.append([row["label"], *["-"] * 6, row["missing"]])
                continue
            cpu, wall = row["cpu_seconds"], row["seconds"]["median"]
            version = (
                ""
                if row["name"] in ("event", "graph", "read")
                else ", ".join(f"{package} {number}" for package, number in row["versions"].items())
            )
            cells.append(
                [
                    row["label"],
                    f"{1e3 * cpu / row['items']:.2f} ms",
                    f"{1e3 * wall / row['items']:.2f} ms",
                    f"{result['camera_events'] / cpu / 1e6:.2f} M",
                    f"{result['stream_s'] / cpu:.0f}",
                    f"{cpu / first['cpu_seconds']:.1f}",
                    f"{row['agreement']['all_steps']:.1%}",
                    version,
                ]
            )
        return cells

    facts = [
        "CPU a recording",
        "wall",
        "camera events a CPU second",
        "real-time factor",
        "to ours",
        "same at all steps",
        "version",
    ]
    return "\n\n".join(
        [
            "## The stream of an event camera",
            _machine([result]) + _load(result),
            f"{result['rows'][0].get('items', 0)} test recordings of saccade MNIST ({result['camera_events']:,} events in "
            f"{result['stream_s']:g} s of stream) through conv-saccade-mnist-optimized, from events to answers in steps of "
            f"{result['step_ms']:g} ms, synaptic events counted unless the row says otherwise. Putting events into steps is part "
            "of the time; the real-time factor is stream time by processor time.",
            table(["simulator", *facts[:5], "same answer, all steps", "version"], rows("rows")),
            "The same recordings as N-MNIST files, read and counted by step, not simulated; what is compared are events by step:",
            table(["reader", *facts], rows("readers")),
        ]
    )


def _layers_part(result: Result) -> str:
    rows = []
    for point in result["points"]:
        event, limits = row_of(point, "event"), point["limits"]
        if event is None:
            continue
        rate = event["events"] / event["seconds"]["median"]
        limit = limits["adds_per_second"]["max"]  # the median of our runs against the best that the machine ever did
        rows.append(
            [
                point["network"].removeprefix("layer-"),
                *(f"{value / 1e9:.1f}" for value in (rate, limit)),
                f"{rate / limit:.0%}",
            ]
        )
    return "\n\n".join(
        [
            "## Against the add limit",
            "A single 3x3 convolution on spikes of as many channels (with its input layer and a small read-out), event engine, "
            "billions of synaptic adds a second on all cores, beside the limit: the most that the machine did in the same minute.",
            table(["channels", "engine", "limit", "share"], rows),
        ]
    )


def _events_and_times(result: Result, name: str) -> tuple[list[float], list[float], list[float]]:
    """Densities, events an item and seconds an item of an engine, where it was measured and there were events."""
    densities, events, times = [], [], []
    for point in result["points"]:
        row = row_of(point, name)
        if row is not None and row["events"]:
            densities.append(point["density"])
            events.append(row["events"] / row["items"])
            times.append(row["seconds"]["median"] / row["items"])
    return densities, events, times


def _density_part(result: Result, figure: str | None) -> str:
    rows = []
    for point in result["points"]:
        event, graph = row_of(point, "event"), row_of(point, "graph")
        measured = event or graph
        if measured is None:
            continue
        rows.append(
            [
                f"{point['density']:.1%}",
                "-" if not measured["events"] else f"{measured['events'] / measured['items']:.3g}",
                *(
                    "-" if row is None else f"{1e3 * row['seconds']['median'] / row['items']:.2f}"
                    for row in (event, graph)
                ),
            ]
        )
    text = [
        "## Cost against events",
        f"{COLUMN_TITLES[result['network']]} network with biases set for each density; "
        f"milliseconds an item for {result['steps']} steps.",
        table(["neurons firing in a step", "events an item", "event engine", "graph engine"], rows),
    ]
    if figure:
        text.append(f"![Time against events, and against density]({figure})")
    text += [f"- {sentence}" for sentence in _density_findings(result)]
    return "\n\n".join(text[:3]) + ("\n\n" + "\n".join(text[3:]) if len(text) > 3 else "")


def _density_findings(result: Result) -> list[str]:
    densities, events, times = _events_and_times(result, "event")
    found = []
    if len(events) > 1:
        slope, deviation = through_origin(events, times)
        _, intercept, r2 = line(events, times)
        found.append(
            f"Event engine: {1e9 * slope:.3f} ns an event on a line through the origin, which misses no point by more than "
            f"{deviation:.1%} of the longest time; a line with an intercept has {1e3 * intercept:.2f} ms an item at no events "
            f"(R^2 {r2:.4f})."
        )
        found += _savings(densities, events, times)
    graph_densities, _, graph_times = _events_and_times(result, "graph")
    if len(times) > 1 and graph_densities == densities:
        where = crossing(densities, times, graph_times)
        if where is not None:
            found.append(f"The two engines take equally long at {where:.1%} of the neurons firing in a step.")
        else:
            faster = "event" if times[0] < graph_times[0] else "graph"
            found.append(
                f"The engines do not cross between {densities[0]:.1%} and {densities[-1]:.1%}: "
                f"the {faster} engine is faster throughout."
            )
    return found


def _savings(densities: list[float], events: list[float], times: list[float]) -> list[str]:
    """What about ten times fewer events save, from the densest point and from the density of Table A."""
    found = []
    for start in sorted({max(densities), min(densities, key=lambda density: abs(density - 0.17))}, reverse=True):
        most = densities.index(start)
        fewer = [index for index in range(len(events)) if events[index] < events[most]]
        if fewer:
            tenth = min(fewer, key=lambda index: abs(math.log(events[index] * 10 / events[most])))
            found.append(
                f"{events[most] / events[tenth]:.1f} times fewer events ({start:.1%} to {densities[tenth]:.1%}) take "
                f"{times[most] / times[tenth]:.1f} times less time."
            )
    return found


def _scaling_part(result: Result) -> str:
    text = [
        "## Items and steps",
        f"{COLUMN_TITLES[result['network']]} network, milliseconds for an item and a step; peak memory so far.",
    ]
    for field in ("items", "steps"):
        rows = []
        for point in result[field]:
            cells = []
            for name in ("event", "graph"):
                row = row_of(point, name)
                per = "-" if row is None else f"{1e3 * row['seconds']['median'] / row['items'] / point['steps']:.4f}"
                cells += [per, "-" if row is None else f"{row['peak_mb']:.0f} MB"]
            rows.append([str(point[field]), *cells])
        text.append(table([field, "event engine", "memory", "graph engine", "memory"], rows))
    return "\n\n".join(text)


def _threads_part(result: Result) -> str:
    rows = []
    networks = dict.fromkeys(point["network"] for point in result["points"])
    for network in networks:
        points = [point for point in result["points"] if point["network"] == network]
        for name, title in (("event", "event engine"), ("graph", "graph engine")):
            measured = [(point["threads"], row_of(point, name)) for point in points]
            times = [(threads, scaled(row, 1000)) for threads, row in measured if row is not None]
            if times:
                cells = ", ".join(f"{threads}: {seconds(time)}" for threads, time in times)
                rows.append([COLUMN_TITLES[network], title, cells, f"{times[0][1] / times[-1][1]:.2f}"])
    return "\n\n".join(
        [
            "## Threads",
            "Time for 1000 items by number of threads, and how much faster the most are than one.",
            table(["network", "engine", "time", "speed-up"], rows),
        ]
    )


def draw(result: Result, path: Path) -> None:
    """The figure of the density sweep: time against events, and against density."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    styles = {"event": ("event engine", "#0072b2", "o"), "graph": ("graph engine", "#d55e00", "s")}
    for name, (label, colour, marker) in styles.items():
        densities, events, times = _events_and_times(result, name)
        if not times:
            continue
        milliseconds = [1e3 * time for time in times]
        left.plot([count / 1e6 for count in events], milliseconds, marker, color=colour, label=label)
        right.loglog([100 * density for density in densities], milliseconds, f"{marker}-", color=colour, label=label)
        if name == "event" and len(events) > 1:
            slope, _ = through_origin(events, times)
            top = max(events)
            left.plot(
                [0, top / 1e6],
                [0, 1e3 * slope * top],
                "-",
                color=colour,
                linewidth=1,
                label=f"{1e9 * slope:.2f} ns an event",
            )
    left.set(xlabel="synaptic events an item (millions)", ylabel="ms an item", xlim=(0, None), ylim=(0, None))
    right.set(xlabel="neurons firing in a step (%)", ylabel="ms an item")
    for axis in (right.xaxis, right.yaxis):
        axis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter(ticker.NullFormatter())
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})
    pyplot.close(figure)


def read(folder: Path) -> dict[str, Result]:
    """The result files of a folder by name."""
    files = {name: folder / f"{name}.json" for name in NAMES}
    return {name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}


def write(folder: Path, target: Path) -> None:
    """Write the page for a folder of results, and the figure beside it if there is a density sweep."""
    results = read(folder)
    figure = None
    if "density" in results:
        figure = "benchmarks_events.svg"
        draw(results["density"], target.with_name(figure))
    with replacing(target) as temporary:
        temporary.write_text(page(results, figure))


def main(arguments: list[str] | None = None) -> int:
    """Write the page from the results that are there."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("page", nargs="?", type=Path, default=ROOT / "docs" / "benchmarks_table.md")
    options = parser.parse_args(arguments)
    write(options.folder, options.page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
