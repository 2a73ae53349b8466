"""What pages are made of: written words, cards, widgets with labels, terms that explain themselves, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import panel as pn

from snnviz._amounts import count
from snnviz.dashboard import style
from snnviz.dashboard.components import CheckButtons, Named, NamedRow, Written
from snnviz.dashboard.glossary import TERMS

_BUTTONS = 8
_FIELDS = (
    pn.widgets.Select,
    pn.widgets.MultiSelect,
    pn.widgets.TextAreaInput,
    pn.widgets.TextInput,
    pn.widgets.FloatInput,
    pn.widgets.IntInput,
)


def written(html: str, *, stretch: bool = True, classes: Sequence[str] = ()) -> pn.pane.HTML:
    """A pane of HTML in the type of the pages; what comes from outside must be escaped before."""
    return Written(
        html,
        sizing_mode="stretch_width" if stretch else None,
        margin=0,
        css_classes=list(classes),
        stylesheets=[style.sheet("text")],
    )


def box(*content: Any, classes: Sequence[str]) -> pn.Column:
    """Content laid out by the classes of layout.css."""
    return pn.Column(
        *content,
        css_classes=list(classes),
        stylesheets=[style.sheet("layout")],
        sizing_mode="stretch_width",
        margin=0,
    )


def row(*content: Any, classes: Sequence[str], name: str = "") -> pn.Row:
    """Content in a row, laid out by the classes of layout.css; `name` is what a screen reader calls it."""
    made = NamedRow(*content, css_classes=list(classes), stylesheets=[style.sheet("layout")], margin=0)
    return made.called(name) if name else made


def card(*content: Any, classes: Sequence[str] = ()) -> pn.Column:
    """Content on a raised surface."""
    return box(*content, classes=["snn-card", *classes])


def download(label: str, filename: str, made: Callable[[], Any], **looks: Any) -> Any:
    """A button that gives a file, made when it is asked for."""
    button = pn.widgets.FileDownload(callback=made, filename=filename, label=label, description=None, **looks)
    return widget(button)


def grid(*cards: Any) -> pn.Column:
    """Cards side by side, two in a row where there is room."""
    return box(*cards, classes=["snn-grid"])


def widget(made: Any) -> Any:
    """A widget in the colours of the page."""
    made.stylesheets = [*made.stylesheets, style.sheet("widget")]
    made.margin = 0
    return made


def group(label: str, made: Any, tip: str) -> pn.Column:
    """A widget below its label, which explains itself (`tip`) on hovering and on keyboard focus."""
    if isinstance(made, Named):
        made.called(label)
    elif isinstance(made, _FIELDS):  # their own label is the one that a screen reader reads; it is not shown
        made.label, made.css_classes = label, [*made.css_classes, "snn-named"]
    return pn.Column(written(f"<span class='label'>{term('', label, tip)}</span>"), widget(made), margin=0)


def choice(label: str, parameter: Any, tip: str) -> pn.Column:
    """A card to choose some of the objects of a `param.ListSelector`: buttons for a few, a list for many; `tip` explains it."""
    made: Any
    if len(parameter.objects) <= _BUTTONS:
        made = CheckButtons.from_param(parameter, label=label)
    else:
        made = pn.widgets.MultiSelect.from_param(parameter, label="", size=5, sizing_mode="stretch_width")
    return card(group(label, made, tip), classes=["snn-choice"])


def heading(title: str, note: str = "") -> pn.pane.HTML:
    """The head of a card: a title, which explains itself if it is a term, and a sentence."""
    below = f"<p class='note'>{escape(note)}</p>" if note else ""
    return written(f"<h2>{escape(title)}</h2>{below}")


SKELETON = "<div class='skeleton' role='status' aria-label='Being drawn'></div>"
"""HTML of what stands where something is still being made."""


def missing(words: str) -> str:
    """HTML of a sentence in small type; `words` are text."""
    return f"<p class='note'>{escape(words)}</p>"


def empty(title: str, words: str) -> pn.Column:
    """A card for when there is nothing to show: what to do next; `words` are HTML."""
    return card(written(f"<div class='empty'><h2>{escape(title)}</h2>{words}</div>"))


def glossary(terms: Iterable[str]) -> pn.Column:
    """The words of a page, each with its explanation, folded away."""
    entries = "".join(f"<dt>{escape(term)}</dt><dd>{escape(TERMS[term])}</dd>" for term in terms)
    return card(written(f"<details><summary>What the words mean</summary><dl>{entries}</dl></details>"))


def term(name: str, text: str, tip: str | None = None) -> str:
    """HTML of words with their explanation (that of `name`, or `tip`), which opens on hovering and on keyboard focus."""
    explanation = tip or TERMS.get(name, "")
    if not explanation:
        return escape(text)
    bubble = f"<span class='tip' role='tooltip'>{escape(explanation)}</span>"
    return f"<span class='term' tabindex='0'>{escape(text)}{bubble}</span>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """HTML of a table.

    Args:
        head: HTML of the column heads.
        rows: HTML of the cells, row by row.
        words: how many columns, from the left, hold words and not numbers.
    """
    titles = "".join(f"<th scope='col'{_left(index, words)}>{cell}</th>" for index, cell in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(
            f"<th scope='row'>{cell}</th>" if index == 0 else f"<td{_left(index, words)}>{cell}</td>"
            for index, cell in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return f"<div class='scroll'><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>"


def _left(index: int, words: int) -> str:
    return " class='words'" if 0 < index < words else ""


def copied(title: str, text: str) -> str:
    """HTML of a text to take along: shown, and copied by its button where a server gives the page (page.js)."""
    button = f"<button type='button' class='copy' data-copy='{escape(text)}'>Copy {escape(title)}</button>"
    return f"{button if pn.state.curdoc else ''}<pre tabindex='0'><code>{escape(text)}</code></pre>"


def copier(title: str, text: str, name: str) -> str:
    """HTML of a small button that copies a text (page.js); `name` is what a screen reader calls it."""
    told = f"data-copy='{escape(text)}' aria-label='Copy {escape(name)}'"
    return f"<button type='button' class='copy small' {told}>Copy {escape(title)}</button>"


def tiles(entries: Iterable[tuple[str, str, str, Sequence[tuple[str, str, str]]]]) -> str:
    """HTML of large numbers side by side.

    Args:
        entries: (term, title, unit, values), and each value (HTML, whose, colour); with one value the last two are not shown.
    """
    made = []
    for name, title, unit, values in entries:
        many = " many" if len(values) > 1 else ""
        rows = []
        for value, who, color in values:
            dot = f"<span class='dot' style='background:{escape(color)}'></span>" if many else ""
            whose = f"<span class='who'>{escape(who)}</span>" if many else ""
            rows.append(f"<div class='run'>{dot}<span class='value'>{value}</span>{whose}</div>")
        words = f"{term(name, title)}<span class='unit'>{escape(unit)}</span>"
        made.append(f"<div class='tile'><div class='name'>{words}</div><div class='{many}'>{''.join(rows)}</div></div>")
    return f"<div class='tiles'>{''.join(made)}</div>"


def plain(value: float | None) -> str:
    """A number in three digits."""
    return "–" if value is None else _minus(f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}")


def events(value: float | None) -> str:
    """A number of events: 950, 13.7 k."""
    return "–" if value is None else _minus(count(value))


def percent(value: float | None, digits: int = 2) -> str:
    """A fraction in percent, without the sign."""
    return "–" if value is None else _minus(f"{100 * value:.{digits}f}")


def _minus(number: str) -> str:
    """A number with the minus sign that axes have; a hyphen looks like a bullet before it."""
    return number.replace("-", "−")
