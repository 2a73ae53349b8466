"""The look of the pages: custom properties for light and dark, and one style sheet that uses them."""

from __future__ import annotations

import functools
from importlib import resources

from snnviz.plots import theme

_SURFACES = {
    # page, card, raised, border, text, muted, accent, on accent
    "light": ("#f5f7f9", "#ffffff", "#eef2f6", "#dde3ea", "#1b2430", "#566171", "#0b63a5", "#ffffff"),
    "dark": ("#0e131a", "#161c24", "#212a35", "#2c3743", "#e6eaf0", "#a3aebb", "#6cb8ee", "#0e131a"),
}
_NAMES = ("page", "card", "raised", "border", "text", "muted", "accent", "on-accent")


def properties(dark: bool) -> str:
    """CSS custom properties of one appearance, for the root of a page; they reach every component below it."""
    colors = dict(zip(_NAMES, _SURFACES["dark" if dark else "light"], strict=True))
    colors["missed"] = theme.palette(dark).missed
    colors["wrong"] = theme.series_color(1, dark)
    lines = [f"--snn-{name}: {value};" for name, value in colors.items()]
    # the names that Panel's own style sheets look up first
    lines += [
        f"--design-background-color: {colors['card']};",
        f"--design-background-text-color: {colors['text']};",
        f"--design-surface-color: {colors['raised']};",
        f"--design-surface-text-color: {colors['text']};",
        f"--design-primary-color: {colors['accent']};",
        f"--design-primary-text-color: {colors['on-accent']};",
        f"color-scheme: {'dark' if dark else 'light'};",
        f"background: {colors['page']};",
    ]
    return ":host { " + " ".join(lines) + " }"


def frame(dark: bool, asked: bool) -> str:
    """The style of what is around a page: nothing flashes white before it is there, and a bar shows that the server works.

    Args:
        dark: the page's appearance.
        asked: whether somebody chose it. What the server was told of the system may be older than the system's setting, so that
            the browser's own knowledge goes before it until the page is made anew (scheme.js).
    """
    accent = _SURFACES["dark" if dark else "light"][6]
    own, other = (_ground("dark" if way else "light") for way in (dark, not dark))
    system = "" if asked else f"@media (prefers-color-scheme: {'light' if dark else 'dark'}) {{ {other} }} "
    chosen = " ".join(_chosen(scheme) for scheme in _SURFACES)
    return (
        f"{own} {system}{chosen} body {{ margin: 0; }} "
        f".snn-busy {{ position: fixed; inset: 0 0 auto 0; height: 3px; z-index: 100; background: {accent}; "
        "animation: snn-busy 1.2s ease-in-out infinite; transform-origin: left; } .snn-busy[hidden] { display: none; } "
        "@keyframes snn-busy { from { transform: scaleX(0.05); } to { transform: scaleX(1); opacity: 0.2; } }"
    )


def _ground(scheme: str, root: str = "html") -> str:
    return f"{root} {{ background: {_SURFACES[scheme][0]}; color-scheme: {scheme}; }}"


def _chosen(scheme: str) -> str:
    """What is around a page that has this appearance now, and the boxes that Bokeh puts beside it when plots are hovered over."""
    root = f"html:has(.snn-{scheme})"
    _, card, _, border, text, *_ = _SURFACES[scheme]
    colors = {"background-color": card, "tooltip-arrow-color": card, "divider-color": border, "color": text}
    boxes = " ".join(f"--{name}: {value};" for name, value in colors.items())
    return f"{_ground(scheme, root)} {root} .bk-Tooltip {{ {boxes} }}"


@functools.cache
def source(name: str) -> str:
    """A file of this package, e.g. "gallery.js"."""
    return resources.files("snnviz.dashboard").joinpath(name).read_text(encoding="utf-8")


def sheet(name: str) -> str:
    """A style sheet of this package, e.g. "page" for page.css."""
    return source(f"{name}.css")
