"""`snnviz metrics`: anytime metrics of a result.

Accuracy, Pareto latency and power, and what it took to reach an accuracy, of a simulation's result. A value marked * was never
reached, which makes it an underestimate.

Example: snnviz metrics result.nc --threshold 0.98
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from snnviz.cli._numbers import real


def arguments(parser: Any) -> None:
    """What it takes."""
    parser.add_argument("result", metavar="RESULT.nc", help="a result file, as `snnviz simulate --out` writes it")
    parser.add_argument(
        "--threshold", type=real, action="append", metavar="A",
        help="accuracy to reach, a fraction; may be given several times (default: 0.98 of the ANN's)",
    )  # fmt: skip
    parser.add_argument(
        "--reference", default="ann", metavar="ann|peak|NUMBER",
        help="accuracy that the Pareto metrics measure against (default: the ANN's)",
    )  # fmt: skip
    parser.add_argument("--frontier", action="store_true", help="Pareto metrics of the best accuracy so far")
    parser.add_argument(
        "--neurobench", metavar="NETWORK",
        help="the results of NeuroBench's harness instead, as the JSON that it writes; NETWORK is the one that was simulated",
    )  # fmt: skip


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read the file and score it."""
    from snnviz import metrics, results

    if args.neurobench is not None:
        return _neurobench(args)
    reference = _reference(args.reference)
    result = results.load(args.result)
    found = metrics.summary(result, args.threshold, reference, args.frontier)
    return {"file": args.result, **found, "intervals": _intervals(result, found)}


def _intervals(result: Any, found: dict[str, Any]) -> dict[str, list[float]]:
    """The 95 % interval over items of each metric that has one; none where the answers to each item were not kept."""
    from snnviz import uncertainty

    if "prediction" not in result or found["reference_accuracy"] is None:
        return {}
    table = uncertainty.intervals(result, found["reference_accuracy"], found["frontier"])
    return {str(row.figure): [row.low, row.high] for row in table.itertuples()}


def _neurobench(args: argparse.Namespace) -> dict[str, Any]:
    from snnviz import neurobench, pretrained, results
    from snnviz.errors import InputError

    for option, given in (("--threshold", args.threshold), ("--frontier", args.frontier)):
        if given:
            raise InputError(f"`{option}` is for snnviz's metrics. Received: it and --neurobench")
    return neurobench.harness(results.load(args.result), pretrained.network(args.neurobench))


def _reference(text: str) -> str | float:
    from snnviz.errors import InputError

    if text in ("ann", "peak"):
        return text
    try:
        return real(text)
    except argparse.ArgumentTypeError:
        raise InputError(f"`--reference` must be ann, peak or a number in (0, 1]. Received: {text!r}") from None


def of_result(head: str, answer: dict[str, Any], *more: str) -> str:
    """What a simulation came to, for people: a line about it, its metrics, what else there is to say, and the file."""
    lines = [head, "", show(answer["metrics"]), *more]
    return "\n".join([*lines, *(["", f"result written to {answer['out']}"] if answer["out"] else [])])


def show(answer: dict[str, Any]) -> str:
    """A `snnviz.metrics.summary` for people, or NeuroBench's results as its harness writes them."""
    if "SynapticOperations" in answer:
        return json.dumps(answer, indent=4)
    against = "the ANN's accuracy" if answer["reference"] == "ann" else "the peak accuracy"
    if answer["reference"] == "number":
        against = "the accuracy given"
    rows: list[tuple[str, str, str]] = [
        ("ANN accuracy", _percent(answer["ann_accuracy"]), ""),
        (
            "peak accuracy",
            _percent(answer["peak_accuracy"]),
            f"at step {answer['peak_time']} of {answer['steps']}{_between(answer, 'peak_accuracy', _percent)}",
        ),
        (
            "Pareto latency",
            _number(answer["pareto_latency"]),
            f"time steps, against {against}{_between(answer, 'pareto_latency', _number)}",
        ),
        *_in_ms("Pareto latency", answer.get("pareto_latency_ms")),
        (
            "Pareto power",
            _number(answer["pareto_power"]),
            f"synaptic events per item, against {against}{_between(answer, 'pareto_power', _number)}",
        ),
    ]
    if answer.get("exit_time") is not None:
        rows.append(("accuracy when ended", _percent(answer["final_accuracy"]), "each item when the network was sure"))
        rows.append(("mean end", _number(answer["exit_time"]), "time steps"))
    missed = False
    for entry in answer["thresholds"]:
        mark = "" if entry["crossed"] else "*"
        missed |= not entry["crossed"]
        label = f"{100 * entry['threshold']:.4g} %"
        rows.append((f"time to {label}", f"{entry['time']}{mark}", "time steps"))
        rows += _in_ms(f"time to {label}", entry.get("time_ms"), mark)
        rows.append((f"events to {label}", f"{_number(entry['events'])}{mark}", "synaptic events per item"))
    rows.append(("events in all steps", _number(answer["events_per_item"]), "synaptic events per item"))
    if answer.get("camera_events_per_item") is not None:
        rows.append(("camera events", _number(answer["camera_events_per_item"]), "events per item, in all steps"))
    name_width = max(len(name) for name, _, _ in rows)
    value_width = max(len(value) for _, value, _ in rows)
    lines = [f"{name:<{name_width}}  {value:>{value_width}}  {unit}".rstrip() for name, value, unit in rows]
    shares = [
        f"{layer} {100 * share:.1f} %" for layer, share in answer["event_shares"].items() if layer != "input" or share
    ]
    lines.append(f"{'share of events':<{name_width}}  {', '.join(shares)}")
    if answer.get("intervals"):
        lines.append(
            f"in brackets: 95 % intervals over {answer['items']:,} items (bootstrap; the reference taken as known)"
        )
    if missed:
        lines.append("* never reached: an underestimate")
    return "\n".join(lines)


def _between(answer: dict[str, Any], figure: str, write: Callable[[float], str]) -> str:
    ends = answer.get("intervals", {}).get(figure)
    return "" if ends is None else f" [{write(ends[0])} to {write(ends[1])}]"


def _in_ms(name: str, value: float | None, mark: str = "") -> list[tuple[str, str, str]]:
    """A row of a time in milliseconds, where it has that unit."""
    return [] if value is None else [(name, f"{_number(value)}{mark}", "ms")]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
