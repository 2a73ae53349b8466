"""The forms of pages that launch jobs, from what the kind of job declares of its options (`snnviz._options`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import panel as pn
import param

from snnviz._amounts import text_of
from snnviz._options import Option, options_of
from snnviz.dashboard import parts
from snnviz.dashboard.components import RadioButtons
from snnviz.dashboard.page import out_of_range


def parameter(options: Any, name: str, **changes: Any) -> Any:
    """A page's parameter for an option: its type, default, range and choices; `changes` stand instead of what is derived."""
    each = options_of(options)[name]
    told = {"default": each.default, "allow_None": each.default is None, "doc": each.help, **changes}
    if each.choices is not None or "objects" in told:
        del told["allow_None"]
        return param.Selector(**{"objects": list(_choices(each)), **told})
    if each.kind == "bool":
        return param.Boolean(**{**told, "default": bool(told["default"])})
    if each.kind == "str":
        return param.String(**told)
    most = each.most if each.most is None or math.isfinite(each.most) else None
    limits = {"bounds": (each.least, most), "inclusive_bounds": (not each.above or "bounds" in changes, True)}
    return (param.Integer if each.kind == "int" else param.Number)(**{**limits, **told})


def _choices(each: Option) -> Any:
    return each.choices() if callable(each.choices) else each.choices or ()


def field(page: Any, options: Any, name: str, names: Mapping[str, Any] | None = None, **changes: Any) -> pn.Column:
    """An option's widget below its label, which explains it.

    Args:
        page: has the parameter.
        options: the dataclass that declares the option.
        name: of the option.
        names: what choices are called; they are buttons where there are few.
        **changes: of the widget, e.g. its width.
    """
    each, own = options_of(options)[name], page.param[name]
    made: Any
    label = each.label
    if isinstance(own, param.Selector):
        choices = {} if names is None else {"options": dict(names)}
        if len(own.objects) > _MOST_BUTTONS or "width" in changes:
            made = pn.widgets.Select.from_param(own, label="", **choices, **changes)
        else:
            made = RadioButtons.from_param(own, **choices)
    elif isinstance(own, param.Boolean):
        made, label = pn.widgets.Toggle.from_param(own, label=label, **changes), "Search too"
    elif isinstance(own, param.String):
        made = pn.widgets.TextInput.from_param(own, label="", **changes)
    else:
        made = number(page, name, label, **changes)
    return parts.group(label, made, each.about)


def number(page: Any, name: str, label: str, **changes: Any) -> pn.widgets.FloatInput:
    """The widget of a number, which says what it does not take, keeps it in sight, and is in the way of a launch until then.

    A browser is told no limits, and nothing of whole numbers: it would put the former number back and say nothing.

    Args:
        page: has the parameter, and `refuse`.
        name: of the parameter.
        label: what the page calls it.
        **changes: of the widget.
    """
    whole = isinstance(page.param[name], param.Integer)
    made = pn.widgets.FloatInput(**{"value": getattr(page, name), "step": 1 if whole else 0.1, **changes})

    def take(event: Any) -> None:
        given = int(event.new) if whole and event.new is not None and event.new == event.new // 1 else event.new
        try:
            setattr(page, name, given)
        except ValueError as error:
            typed = out_of_range(error)
            allowed = typed["allowed"] if typed else "must be a number"
            if "integer" in allowed:
                allowed = "must be a whole number"
            page.refuse(name, f"{label} {allowed}. Received: {'nothing' if given is None else text_of(event.new)}.")
        else:
            page.refuse(name, "")

    made.param.watch(take, "value")
    page.param.watch(lambda event: made.param.update(value=event.new), name)
    return made


_MOST_BUTTONS = 3
