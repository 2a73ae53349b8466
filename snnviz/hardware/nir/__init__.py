"""NIR, the Neuromorphic Intermediate Representation: networks to other tools and back, as graphs or files (.nir).

A network becomes a chain of nodes: Input, IF, and for every layer Conv2d or (Flatten and) Affine, then IF; the last layer,
which never fires, has none. What NIR 1 has no words for (initial potentials, reset by subtraction, firing at the threshold rather
than above it, names of classes) goes along as metadata, so that snnviz reads back the network it wrote.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._extras import need
from snnviz._files import replacing
from snnviz._hdf5 import check_survived
from snnviz._memory import check_fits, check_hdf5
from snnviz.errors import InputError
from snnviz.network import SpikingNetwork

if TYPE_CHECKING:
    import nir

__all__ = ["from_graph", "load", "save", "to_graph"]

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
def from_graph(graph: nir.NIRGraph) -> SpikingNetwork:
    """The network that a NIR graph describes: the very one if snnviz wrote it, else what its nodes say.

    A graph of another tool must be a chain of Affine, Linear, Conv2d, AvgPool2d or SumPool2d, each with an IF after it, and
    Flatten. An IF at the start is the spiking input layer; one at the end is dropped, since the output layer is read and never
    fires. Resistances and thresholds are absorbed by the weights. Initial potentials are 0.

    Raises:
        InputError: for anything else, naming the node.
    """
    nir = _need_nir()
    from snnviz.hardware.nir.reading import network_of

    if not isinstance(graph, nir.NIRGraph):
        raise InputError(f"`graph` must be a nir.NIRGraph. Received: {check.describe(graph)}")
    return network_of(graph)


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
def load(path: str | os.PathLike[str]) -> SpikingNetwork:
    """Read a NIR graph from a file; see `from_graph`.

    Raises:
        InputError: if the file is missing, damaged, or holds a graph that is no such network.
    """
    nir = _need_nir()
    source = Path(path)
    if not source.is_file():
        raise InputError(f"`path` must be a NIR file ({SUFFIX}). Received: {str(path)!r}, which is not a file")
    try:
        size = source.stat().st_size
        check_fits(str(path), size, size)
        check_survived(source)
        check_hdf5(str(path), source.read_bytes())
        # NIR's own check takes every kernel for square and knows no groups
        graph = nir.read(str(source), type_check=False)
    except InputError:
        raise
    except Exception as error:  # HDF5 and NIR report damage by many kinds of exception
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise InputError(f"`path` must be a whole NIR file. Received: {str(path)!r} ({reason})") from error
    try:
        return from_graph(graph)
    except InputError as error:
        raise InputError(
            f"`path` must hold a network of snnviz's kind. Received: {str(path)!r}, where {error}"
        ) from error


def _need_nir():  # type: ignore[no-untyped-def]  # a module that may not be there
    need("`nir`", "nir", "the package nir", "nir")
    import nir

    return nir
