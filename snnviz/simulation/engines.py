"""Engines by name: those that come with snnviz, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Callable

from snnviz import _extensions
from snnviz._arguments import checked
from snnviz.network import SpikingNetwork
from snnviz.simulation.engine import Engine
from snnviz.simulation.settings import Record, Settings

_OWN = {"graph": "snnviz.simulation.graph:GraphEngine", "event": "snnviz.simulation.event_graph:event_engine"}
ENGINES = ("auto", *_OWN)
"""The engines that come with snnviz."""
GROUP = "snnviz.engines"
"""Entry points by which other packages bring engines; each is an `EngineMaker`."""
EngineMaker = Callable[[SpikingNetwork, Settings, Record], Engine]


@checked
def make_engine(name: str, network: SpikingNetwork, settings: Settings, record: Record) -> Engine:
    """The engine called `name`, "graph", "event" or one that another package brings, made ready for `network`."""
    maker: EngineMaker = _extensions.load("engine", name, GROUP, _OWN)
    return maker(network, settings, record)


def check_engine(name: str) -> None:
    """Raise `InputError` unless `name` is "auto" or an engine."""
    _extensions.known("engine", name, GROUP, {"auto": "", **_OWN})
