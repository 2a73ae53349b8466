"""NIR, the Neuromorphic Intermediate Representation: networks to other tools and back, as graphs or files (.nir).

A network becomes nodes: Input, IF, and for every projection Conv2d or (Flatten and) Affine, then IF, to which all edges of a sum
lead; the last layer, which never fires, has none. What NIR 1 has no words for (initial potentials, reset by subtraction, firing at
the threshold rather than above it, names of classes) goes along as metadata, so that snnviz reads back the network it wrote.
"""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._extras import need
from snnviz._files import replacing
from snnviz._hdf5 import check_survived, whole
from snnviz._memory import check_hdf5
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork

if TYPE_CHECKING:
    import nir

__all__ = ["from_graph", "load", "save", "settings_meant", "to_graph"]

SUFFIX = ".nir"


@checked
def to_graph(network: SpikingNetwork) -> nir.NIRGraph:
    """The network as a NIR graph: channels first, kernels (out channels, in channels, height, width).

    Depthwise, pooling and grouped convolutions are written in full, with zeros between the groups, and uneven padding as zeros
    around the kernel: NIR 1 has no uneven padding, and what reads it mistakes the groups.

    Raises:
        InputError: if `nir` is not installed.
    """
    _need_nir()
    from snnviz.hardware.nir.writing import graph_of

    if not isinstance(network, SpikingNetwork):
        raise InputError(f"`network` must be a SpikingNetwork. Received: {check.describe(network)}")
    return graph_of(network)


@checked
def from_graph(graph: nir.NIRGraph, dt: float | None = None) -> SpikingNetwork:
    """The network that a NIR graph describes: the very one if snnviz wrote it, else what its nodes say.

    A graph of another tool must be made of Affine, Linear, Conv2d, AvgPool2d, SumPool2d, Flatten and IF; a LIF with an infinite
    tau and r is an IF. Linear nodes without neurons between them, as pooling is elsewhere, become one layer. Several edges to
    neurons are a sum, in which one from neurons to neurons is a shortcut. Neurons at the start are the spiking input layer; those
    at the end are dropped, since the output layer is read and never fires. Resistances and thresholds are absorbed by the weights.
    Initial potentials are 0.

    What a network cannot say is warned of and stands in its metadata under "nir", the settings that simulate it as the graph
    means: "reset" is "zero" where neurons have a `v_reset` (0, or the graph is refused), "input" is "analog" where it begins
    without neurons.

    Args:
        graph: the graph.
        dt: its time step, by which resistances are multiplied; None for 1.

    Raises:
        InputError: for anything else, naming the node.
    """
    nir = _need_nir()
    if not isinstance(graph, nir.NIRGraph):
        raise InputError(f"`graph` must be a nir.NIRGraph. Received: {check.describe(graph)}")
    return _read(graph, dt, reset_said=True)


def _read(graph: nir.NIRGraph, dt: float | None, *, reset_said: bool) -> SpikingNetwork:
    from snnviz.hardware.nir.reading import network_of

    if dt is not None:
        check.real("dt", dt, 0, above=True)
    network = network_of(graph, dt, reset_said=reset_said)
    if text := settings_meant(network):
        warnings.warn(text, stacklevel=4)
    return network


@checked
def settings_meant(network: SpikingNetwork) -> str:
    """With which settings a network that was read from a NIR graph answers as the graph means, in a sentence; "" for the usual."""
    meant = network.metadata.get("nir")
    if not isinstance(meant, Mapping):
        return ""
    why = {
        ("reset", "zero"): "its neurons reset to 0 after a spike",
        ("input", "analog"): "it begins without neurons, where the image itself arrives",
    }
    found = [key for key in why if meant.get(key[0]) == key[1]]
    if not found:
        return ""
    settings = " and ".join(f"{name} {value!r}" for name, value in found)
    return f"As the NIR graph means it, the network is simulated with {settings}: {', and '.join(why[key] for key in found)}"


@checked
def save(network: SpikingNetwork, path: str | os.PathLike[str]) -> Path:
    """Write the network to `path` (.nir, HDF5) as a NIR graph and return the path."""
    target = Path(path)
    if target.suffix != SUFFIX:
        raise InputError(f"`path` of a NIR graph must end in {SUFFIX}. Received: {str(path)!r}")
    graph = to_graph(network)
    import h5py
    import nir

    # not straight to its place: the HDF5 library crashes where a disk is full
    with tempfile.TemporaryDirectory() as folder, replacing(target) as temporary:
        made = Path(folder) / "graph.nir"
        nir.write(str(made), graph)
        with h5py.File(made, "r+") as file:
            # zero is what NIR takes where there is none, and sinabs, with its nir 1.0.4, does not know the word
            for node in file["node/nodes"].values():
                if "v_reset" in node:
                    del node["v_reset"]
        temporary.write_bytes(made.read_bytes())
    return target


@checked
def load(path: str | os.PathLike[str], dt: float | None = None) -> SpikingNetwork:
    """Read a NIR graph from a file; see `from_graph`.

    Files of nir before 1.0.6 have no `v_reset`, and their neurons subtract the threshold.

    Args:
        path: the file.
        dt: its time step, see `from_graph`.

    Raises:
        InputError: if the file is missing, damaged, or holds a graph that is no such network.
    """
    nir = _need_nir()
    source = Path(path)
    if not source.is_file():
        raise InputError(
            f"`path` must be a NIR file ({SUFFIX}). Received: {str(path)!r}, which is not a file{check.beside(source)}"
        )
    with whole(source, "NIR"):
        check_survived(source)
        check_hdf5(str(path), source.read_bytes())
        # NIR's own check takes every kernel for square and knows no groups
        graph = nir.read(str(source), type_check=False)
        reset_said = _says_reset(source)
    try:
        return _read(graph, dt, reset_said=reset_said)
    except InputError as error:
        if str(error).startswith("`dt`"):
            raise
        raise InputError(
            f"`path` must hold a network of snnviz's kind. Received: {str(path)!r}, where {error}"
        ) from error


def _says_reset(path: Path) -> bool:
    """Whether any neurons of a file have a `v_reset`, which the package nir fills in where there is none."""
    import h5py

    with h5py.File(path, "r") as file:
        return any("v_reset" in node for node in file["node/nodes"].values())


def _need_nir():  # type: ignore[no-untyped-def]  # a module that may not be there
    need("`nir`", "nir", "the package nir", "nir")
    import nir

    return nir
