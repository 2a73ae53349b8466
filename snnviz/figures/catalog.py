"""The figures by name: what each needs, how it is drawn, and at which size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from snnviz import metrics, plots, reports
from snnviz.errors import InputError
from snnviz.figures.material import Material
from snnviz.plots import DOUBLE_COLUMN, SINGLE_COLUMN

STRIP_ITEMS = 5
FAR_APART = 10
RASTER_NEURONS = 100
"""Of a layer, so that marks of a journal's column can be told apart."""


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        title: one line, also in the file's metadata.
        explained: what the marks, shades and sizes mean, for the caption.
        draw: material and appearance (dark or not) to what is drawn.
        data: material to the table beside it.
        lacks: says what is missing in a material to draw it, or "".
        of: material to the results that it shows, by name; their items and steps are told in the caption.
        item: material to the item that it shows, for a figure of a single one.
        width: in inches, of a journal's single or double column.
        ratio: height by width.
    """

    title: str
    explained: str
    draw: Callable[[Material, bool], Any]
    data: Callable[[Material], Any]
    lacks: Callable[[Material], str]
    of: Callable[[Material], Mapping[str, Any]]
    item: Callable[[Material], int] | None = None
    width: float = SINGLE_COLUMN
    ratio: float = 0.68


def _figure(
    plot: str,
    title: str,
    explained: str,
    given: Callable[[Material], Sequence[Any]],
    lacks: Callable[[Material], str] = lambda material: "" if material.results else "no result",
    *,
    of: Callable[[Material], Mapping[str, Any]] = lambda material: _named_pair(material),
    item: Callable[[Material], int] | None = None,
    named: Callable[[Material], dict[str, Any]] = lambda _: {},
    look: Callable[[Material], dict[str, Any]] = lambda _: {},
    **size: float,
) -> Figure:
    """The figure of a plot of `snnviz.plots`: it and its table take what `given` and `named` make of a material, it also `look`."""
    return Figure(
        title,
        explained,
        lambda m, dark: getattr(plots, plot)(*given(m), **named(m), **look(m), dark=dark),
        lambda m: getattr(plots, f"{plot}_data")(*given(m), **named(m)),
        lacks,
        of,
        item,
        **size,
    )


def pair(material: Material) -> list[Any]:
    """The results of a before-and-after figure: the first two, or the only one."""
    return list(material.results.values())[:2]


def last(material: Material) -> Any:
    """The result that a figure of a single one shows: the last."""
    return list(material.results.values())[-1]


def first(material: Material) -> Any:
    """The result before: the first."""
    if not material.results:
        raise InputError("`material` must hold a result. Received: none")
    return next(iter(material.results.values()))


def strip_items(material: Material) -> list[int]:
    """Items whose answers come late."""
    return plots.telling_items(_named_pair(material), STRIP_ITEMS)


def latest_item(material: Material) -> int:
    """The item whose answer comes latest before."""
    return plots.telling_items(first(material), 1)[0]


def streamed_item(material: Material) -> int:
    """The item of the last result whose answer comes latest, but is right at the end."""
    return plots.telling_items(last(material), 1)[0]


def _streamed(material: Material) -> tuple[Any, int, Any]:
    return last(material), streamed_item(material), material.recordings


def traced_item(material: Material) -> int:
    """Of the items whose spikes were kept the one whose answer comes latest."""
    result = first(material)
    for name in ("traced", "prediction"):
        if name not in result.sizes and name not in result:
            raise InputError(
                "`material` must hold a result with predictions, and spikes or potentials of some items. "
                f"Received: {sorted(map(str, result.data_vars))}"
            )
    traced = result.sizes["traced"]
    part = result[["label", "prediction"]].isel(item=slice(0, traced)).assign_coords({"class": result["class"]})
    return plots.telling_items(part.assign_attrs(result.attrs), 1)[0]


def _traced(material: Material) -> tuple[Any, int]:
    return first(material), traced_item(material)


def threshold(material: Material) -> float | tuple[float, float] | None:
    """The paper's thresholds where the results are of its models, else the default."""
    models = [reports.paper_model(result) for result in pair(material)]
    if None in models or len(set(models)) != 1:
        return None
    values = tuple(reports.paper_threshold(str(models[0]), stage) for stage in reports.STAGES[: len(models)])
    return values if len(values) == 2 else values[0]


def _thresholds(material: Material) -> Mapping[str, float] | None:
    goals = threshold(material)
    if goals is None:
        return None
    values = goals if isinstance(goals, tuple) else (goals,)
    return dict(zip(_named_pair(material), values, strict=True))


def far_apart(results: Sequence[Any]) -> bool:
    """Whether one result spends so many more synaptic events than another that the latter is a stroke on a linear axis."""
    spent = [float(metrics.events_per_step(result).sum()) for result in results]
    return max(spent) > FAR_APART * min(spent) > 0


def _named_pair(material: Material) -> dict[str, Any]:
    return dict(list(material.results.items())[:2])


def _named_first(material: Material) -> dict[str, Any]:
    return dict(list(material.results.items())[:1])


def _named_last(material: Material) -> dict[str, Any]:
    return dict(list(material.results.items())[-1:])


def _none(_: Material) -> dict[str, Any]:
    return {}


def _network(material: Material) -> Any:
    return material.networks[list(material.results)[-1]]


def _holding(*names: str, only: Callable[[Material], Any] | None = None) -> Callable[[Material], str]:
    """What a figure lacks that needs variables `names` in the results it shows, or in the one that `only` gives."""

    def lacks(material: Material) -> str:
        if not material.results:
            return "no result"
        shown = pair(material) if only is None else [only(material)]
        missing = [name for name in names for result in shown if not _holds(result, name)]
        return f"a result without {missing[0]}" if missing else ""

    return lacks


def _holds(result: Any, name: str) -> bool:
    return any(str(variable) == name or str(variable).startswith(f"{name}_") for variable in result.data_vars)


def _noted(attribute: str, what: str) -> Callable[[Material], str]:
    return lambda material: "" if getattr(material, attribute) is not None else f"no {what}"


def _lacks_strip(material: Material) -> str:
    return _holding("prediction")(material) or (
        "" if material.images is not None else "no images of the results' items"
    )


def _lacks_stream(material: Material) -> str:
    lacking = _holding("prediction", "camera_events", only=last)(material)
    return lacking or ("" if material.recordings is not None else "no event recordings of the results' items")


def lacks_animations(material: Material) -> str:
    """What a material lacks to be animated, or ""."""
    if material.recordings is not None and material.results:
        return _holding("prediction", "logits", only=last)(material)
    return _holding("spikes_input", "logits")(material) or _lacks_strip(material)


def _lacks_network(material: Material) -> str:
    if not material.results:
        return "no result"
    return "" if list(material.results)[-1] in material.networks else "no network of the last result"


def _lacks_choice(material: Material) -> str:
    return _lacks_network(material) or ("" if _network(material).metadata.get("choice") else "no choice of settings")


def _lacks_scales(material: Material) -> str:
    lacking = _lacks_network(material) or (
        "" if "start" in material.networks else "no network that a search began with"
    )
    learned = not lacking and _network(material).metadata.get("optimization", {}).get("method") == "weights"
    return "no scales: the search learned weights" if learned else lacking


FIGURES: Mapping[str, Figure] = MappingProxyType(
    {
        "figure-a": _figure(
            "figure_a",
            "Accuracy over time, before and after (figure A)",
            "Accuracy after each time step. Shaded: its 95 % interval (Wilson). Dashed grey: the accuracy to reach; dots "
            "and dotted lines down from them: the step at which it is first reached. Dotted, level: the accuracy of the "
            "analog network (ANN) that each was converted from.",
            pair,
            named=lambda m: {"threshold": threshold(m)},
            look=lambda m: {"zoom": "top", "intervals": True},
        ),
        "figure-b": _figure(
            "prediction_strip",
            "How predictions evolve, before and after (figure B)",
            "The class answered after each time step, for the items whose answers come latest: right answers in blue, wrong "
            "ones in orange and lower. Each item's image and true class stand at the left. A stretch too short "
            "for the name of its class has it in the table beside this caption.",
            lambda m: (_named_pair(m), strip_items(m)),
            _lacks_strip,
            width=DOUBLE_COLUMN,
            ratio=0.55,
            look=lambda m: {"images": m.images},
        ),
        "figure-5": _figure(
            "accuracy_cost",
            "Accuracy against latency and against power (figure 5)",
            "Accuracy against time (left) and against the synaptic events spent so far (right, mean per item). Shaded: its "
            "95 % interval (Wilson). Dashed grey: the accuracy to reach, with dotted lines down from where it is first "
            "reached. Dotted, level: the accuracy of the analog network (ANN); the area between it and a curve, as a share "
            "of it, is the Pareto latency (left) and the Pareto power (right).",
            lambda m: (_named_pair(m),),
            width=DOUBLE_COLUMN,
            ratio=0.36,
            look=lambda m: {"threshold": _thresholds(m), "log": far_apart(pair(m)), "intervals": True},
        ),
        "pareto-front": _figure(
            "pareto_front",
            "Runs by accuracy, Pareto latency and Pareto power",
            "Peak accuracy against Pareto latency (sum over the steps of the share of the ANN's accuracy that is still "
            "missing). Large points: no other network is at least as good in accuracy, latency and power and better "
            "in one; small, pale ones: another is. Dotted, between several: the best of both axes. Bars: 95 % intervals over the "
            "items (bootstrap).",
            lambda m: (m.results,),
            named=lambda _: {"intervals": True},
            of=lambda m: m.results,
        ),
        "spike-rates": _figure(
            "spike_rates",
            "Spike rates of the layers over time",
            "Mean spikes per neuron and step, of the input and of each hidden layer. The output layer does not fire.",
            lambda m: (last(m),),
            of=_named_last,
        ),
        "event-shares": _figure(
            "event_shares",
            "Where the synaptic events arrive",
            "Share of all synaptic events that arrive at each layer, over all steps and items.",
            lambda m: (last(m),),
            of=_named_last,
        ),
        "layer-graph": _figure(
            "layer_graph",
            "The network: layers, synapses, spike rates, events",
            "The layers from the input down. The bands between them are as wide as the share of all synaptic events that "
            "runs through them. Synapses: those that are not zero, of all. Spike rate: mean spikes per neuron and step.",
            lambda m: (_network(m), last(m)),
            _lacks_network,
            width=DOUBLE_COLUMN,
            ratio=0.36,
            of=_named_last,
        ),
        "event-stream": _figure(
            "event_stream",
            "The stream of an event camera, answers and costs",
            "The events of one recording by pixel row, brighter (on) and darker (off). Below them the answer after each step, in "
            "blue where it is right; below that the events so far, of camera (dashed) and network, as shares of their sums.",
            _streamed,
            _lacks_stream,
            width=DOUBLE_COLUMN,
            ratio=0.45,
            of=_named_last,
            item=streamed_item,
        ),
        "class-scores": _figure(
            "class_scores",
            "Class scores of an item over time",
            "The score of every class after each step, of the item whose answer comes latest. The highest is the answer. "
            "The unit is the firing threshold.",
            lambda m: (first(m), latest_item(m)),
            _holding("logits", "prediction"),
            of=_named_first,
            item=latest_item,
        ),
        "raster": _figure(
            "raster",
            "Spikes of an item",
            "The spikes of one item: a mark where a neuron fires. Of larger layers 100 neurons are drawn, evenly spaced.",
            _traced,
            _holding("spikes", "prediction"),
            width=DOUBLE_COLUMN,
            ratio=0.5,
            named=lambda _: {"neurons": RASTER_NEURONS},
            of=_named_first,
            item=traced_item,
        ),
        "membranes": _figure(
            "membranes",
            "Membrane potentials of an item",
            "Membrane potentials of five neurons of the first hidden layer, after the reset, on one scale. Dashed: the "
            "firing threshold. Diamonds: spikes.",
            _traced,
            _holding("potential", "prediction"),
            of=_named_first,
            item=traced_item,
        ),
        "confusion": _figure(
            "confusion",
            "Confusion matrix after the last step",
            "Items by true class (down) and predicted class (across) after the last step. Shade: the square root of the "
            "share of the true class's items.",
            lambda m: (last(m),),
            _holding("prediction"),
            ratio=0.9,
            of=_named_last,
        ),
        "confidence-cutoff": _figure(
            "confidence_cutoff",
            "Stopping when sure, beside stopping at a fixed time",
            "Accuracy against the mean time to the answer. Lines with marks: each item stops once the margin of its two "
            "best softmax scores reaches a level, a mark for each level; shaded: their 95 % interval (Wilson). Dotted: all items "
            "stop at the same step.",
            lambda m: (_named_pair(m),),
            _holding("logits", "item_events"),
        ),
        "exit-steps": _figure(
            "exit_steps",
            "Steps after which items ended, each when sure",
            "Share of items that ended after each step, each as soon as the network was sure. Pale: of these, the wrong "
            "answers.",
            lambda m: (last(m),),
            _holding("exit_step", "prediction", only=last),
            of=_named_last,
        ),
        "scales": _figure(
            "scales",
            "Scales that the optimisation found",
            "Scale of each channel, a point each: how many times as often its neurons fire after the search as before, for "
            "the same input. Bars: the layer's median. Dashed: as before. Points are spread sideways only to be seen.",
            lambda m: (m.networks["start"], _network(m)),
            _lacks_scales,
            of=_none,
        ),
        "settings-tried": _figure(
            "settings_tried",
            "Settings that the conversion tried",
            "Accuracy after each time step with every setting that the conversion tried, on items held out of the "
            "normalisation. A setting is what has a scale of its own, the percentile that its highest rate stands for, and whether "
            "initial potentials are corrected. Thick: the chosen one. Dots: the step from which on the accuracy stays within 1 "
            "% of that of the analog network (ANN), which is dotted.",
            lambda m: (_network(m),),
            _lacks_choice,
            of=_none,
        ),
        "optimization-history": _figure(
            "optimization_history",
            "Loss of a search and its terms",
            "Loss of every evaluation of the search (points), the lowest so far (line), and its three terms. Evaluations "
            "much worse than the start are beyond the axis.",
            lambda m: (m.history,),
            _noted("history", "history of an optimisation"),
            width=DOUBLE_COLUMN,
            ratio=0.34,
            of=_none,
        ),
        "evaluations": _figure(
            "evaluations",
            "Every network that a search tried",
            "Every network that the search tried. Darker points came later (on a dark background: brighter). Diamonds: the "
            "start, and the evaluation of least loss. Dotted, between several: the best of both axes. Evaluations far "
            "beyond the start are off the axes.",
            lambda m: (m.history,),
            _noted("history", "history of an optimisation"),
            of=_none,
        ),
        "pruning-curve": _figure(
            "pruning_curve",
            "Accuracy against weight sparsity",
            "Accuracy against the share of synapses that are zero once weights smaller than epsilon are set to zero, a "
            "point an epsilon. Diamond: the largest epsilon that costs less than one percentage point. "
            "Shaded: its 95 % interval (Wilson), behind the line where items are many.",
            lambda m: (m.pruning,),
            _noted("pruning", "pruning curve"),
            of=_none,
        ),
        "lambda-grid": _figure(
            "lambda_grid",
            "What the strengths of the penalties lead to",
            "What a fine-tuning with each pair of penalties led to. Darker is more (on a dark background: brighter). "
            "Framed: the best.",
            lambda m: (m.grid,),
            _noted("grid", "grid of penalties"),
            of=_none,
        ),
    }
)
"""Name -> figure, in the order in which they are made."""

_NOTED = {"optimization-history": "history", "evaluations": "history", "pruning-curve": "pruning"}


def caption_of(name: str, material: Material) -> str:
    """The caption of figure `name`: what it shows, of which runs and items, and where its numbers come from."""
    figure = FIGURES[name]
    shown = {run: result for run, result in figure.of(material).items() if "items" in result.attrs}
    if figure.item is None:
        measured = [
            f"{run}: n = {int(result.attrs['items']):,} items, {result.sizes['time']:,} steps"
            for run, result in shown.items()
        ]
    else:
        measured = [
            f"{run}: item {figure.item(material)} of {int(result.attrs['items']):,}, counted from 0"
            for run, result in shown.items()
        ]
    told = [figure.title + ".", figure.explained, *([f"{'; '.join(measured)}."] if measured else [])]
    return f"{' '.join(told)}\n\nSource: {_with_note(name, material, material.source)}.\n"


def origin_of(name: str, material: Material) -> str:
    """What the metadata of figure `name` says about its origin."""
    return _with_note(name, material, material.origin)


def _with_note(name: str, material: Material, origin: str) -> str:
    note = material.notes.get(_NOTED.get(name, ""), "")
    return f"{note}; {origin}" if note else origin
