"""Simulation of spiking networks: one function, several engines behind it.

`graph` runs the whole simulation as one compiled graph (TensorFlow or JAX); `event` is an event-driven CPU engine whose
cost is the number of synaptic events. Both have the same semantics (`snnviz.network`, `snnviz.simulation.settings`).
"""

from snnviz.simulation.driver import simulate
from snnviz.simulation.engine import Block, Engine
from snnviz.simulation.engines import ENGINES, make_engine
from snnviz.simulation.settings import Record, Settings
from snnviz.simulation.stopping import Stop

__all__ = ["ENGINES", "Block", "Engine", "Record", "Settings", "Stop", "make_engine", "simulate"]
