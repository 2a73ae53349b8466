"""Networks as files: a JSON header and arrays in a .npz.

Version 1 holds single paths. A graph, in which layers say whose spikes they take and sums hold several projections, is
version 2; all else is the same, so that files of single paths are what they were.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import numpy as np

from snnviz import _checks as check
from snnviz._arguments import checked
from snnviz._files import replacing
from snnviz._memory import JSON_GROWS, check_fits
from snnviz._npz import Arrays, Unreadable
from snnviz.errors import InputError
from snnviz.network.arrays import Scale
from snnviz.network.graph import SpikingNetwork
from snnviz.network.populations import Input, Layer, Population, Sum
from snnviz.network.projections.base import Projection
from snnviz.network.projections.convolution import Conv2D, Conv2DProjection
from snnviz.network.projections.dense import Dense, DenseProjection
from snnviz.network.projections.depthwise import DepthwiseConv2D, DepthwiseProjection
from snnviz.network.projections.identity import IdentityProjection

FORMAT = "snnviz-network"
FORMAT_VERSION = 1
GRAPH_VERSION = 2

LAYER_KINDS: Mapping[str, type[Layer]] = MappingProxyType(
    {kind.kind: kind for kind in (Dense, Conv2D, DepthwiseConv2D)}
)
PROJECTION_KINDS: Mapping[str, type[Projection]] = MappingProxyType(
    {kind.kind: kind for kind in (DenseProjection, Conv2DProjection, DepthwiseProjection, IdentityProjection)}
)


def encode(network: SpikingNetwork) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """See `SpikingNetwork.encode`."""
    arrays: dict[str, np.ndarray] = {}
    graph = not network.is_path

    def value_or_array(key: str, value: Scale | None) -> float | str | None:
        if value is None or np.ndim(value) == 0:
            return cast("float | None", value)
        arrays[key] = np.asarray(value)
        return key

    def entry(index: int, layer: Population) -> dict[str, Any]:
        parts: list[dict[str, Any]] = []
        for each, source in zip(layer.projections, network.sources[index], strict=True):
            arrays[f"weights_{index}" if isinstance(layer, Layer) else f"weights_{index}_{len(parts)}"] = each.weights
            named = {"source": network.layer_names[source]} if graph else {}
            parts.append({"kind": each.kind, "input_shape": each.input_shape, **named, **each.options})
        arrays[f"bias_{index}"] = layer.bias
        arriving = parts[0] if isinstance(layer, Layer) else {"projections": parts}
        found: dict[str, Any] = {"kind": layer.kind, "name": layer.name}
        found |= {key: value for key, value in arriving.items() if key == "input_shape"}  # the order that files have
        found["initial_potential"] = value_or_array(f"initial_potential_{index}", layer.initial_potential)
        found["cap"] = value_or_array(f"cap_{index}", layer.cap)
        if layer.onset:
            found["onset"] = layer.onset
        if layer.ann_bias is not None:
            found["ann_bias"] = value_or_array(f"ann_bias_{index}", layer.ann_bias)
        return found | arriving

    layers = [entry(index, layer) for index, layer in enumerate(network.layers)]
    header = {
        "format": FORMAT,
        "version": GRAPH_VERSION if graph else FORMAT_VERSION,
        "input": {
            "shape": network.input.shape,
            "name": network.input.name,
            "initial_potential": value_or_array("initial_potential_input", network.input.initial_potential),
        },
        "layers": layers,
        "class_names": network.class_names,
        "metadata": dict(network.metadata),
    }
    return header, arrays


def save(network: SpikingNetwork, target: Path) -> Path:
    """See `SpikingNetwork.save`."""
    if target.suffix != ".npz":
        raise InputError(f"`path` of a network must end in .npz. Received: {str(target)!r}")
    header, arrays = encode(network)
    try:
        text = json.dumps(header, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"`metadata` must hold only what JSON can hold. Received: {error}") from error
    arrays = {name: _narrow(array) for name, array in arrays.items()}
    with replacing(target) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, header=np.frombuffer(text.encode(), np.uint8), **arrays)
    return target


@checked
def load_network(path: str | os.PathLike[str]) -> SpikingNetwork:
    """Read a network written by `SpikingNetwork.save`.

    Raises:
        InputError: if the file is missing, truncated, of another format, or holds shapes or numbers that make no network.
    """
    source = Path(path)
    if not source.is_file():
        raise InputError(
            f"`path` must be a network file (.npz). Received: {str(path)!r}, which is not a file{check.beside(source)}"
        )
    try:
        arrays = Arrays(source)
        text = arrays["header"].tobytes()
        check_fits(str(path), JSON_GROWS * len(text), len(text), "its header")
        header = json.loads(text)
    except Unreadable:
        raise
    except (OSError, ValueError, KeyError, RecursionError) as error:
        raise InputError(f"`path` must be a whole snnviz network file. Received: {str(path)!r} ({error})") from error
    network = decode(header, arrays, str(path))  # which reads the arrays that the header names, and no others
    # a few weights can stand for any number of neurons; each takes a float to simulate
    neurons = sum(network.neurons.values())
    check_fits(str(path), 4 * neurons, source.stat().st_size, f"the state of its {neurons} neurons")
    return network


def network_bytes(network: SpikingNetwork) -> bytes:
    """The bytes of a network's file."""
    with tempfile.TemporaryDirectory() as folder:
        return network.save(Path(folder) / "network.npz").read_bytes()


def network_from_bytes(content: bytes) -> SpikingNetwork:
    """The network whose file has these bytes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.npz"
        path.write_bytes(content)
        return load_network(path)


def decode(header: Any, arrays: Mapping[str, np.ndarray], path: str) -> SpikingNetwork:
    """The network that `SpikingNetwork.encode` gave `header` and `arrays` of; errors name the file, `path`."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"`path` must be a snnviz network file. Received: {path!r}, another kind of npz file")
    if header.get("version") not in (FORMAT_VERSION, GRAPH_VERSION):
        raise InputError(
            f"`path` must be a network file of version {FORMAT_VERSION} or {GRAPH_VERSION}. "
            f"Received: {path!r} of version {header.get('version')!r}; a newer snnviz may read it"
        )

    def scale(value: Any) -> Any:
        return arrays[value] if isinstance(value, str) else value

    def options(kind: type[Any], entry: Any) -> dict[str, Any]:
        known = {item.name for item in fields(kind)} - {"projections"}
        found = {key: _tuples(value) for key, value in entry.items() if key in known}
        for key in {"initial_potential", "cap", "ann_bias"} & set(found):
            found[key] = scale(entry[key])
        return found

    def population(index: int, entry: Any) -> Population:
        bias = arrays[f"bias_{index}"]
        if entry["kind"] != Sum.kind:
            kind = LAYER_KINDS[entry["kind"]]
            return kind(weights=arrays[f"weights_{index}"], bias=bias, **options(kind, entry))
        projections = []
        for place, one in enumerate(entry["projections"]):
            part = PROJECTION_KINDS[one["kind"]]
            projections.append(part(weights=arrays[f"weights_{index}_{place}"], **options(part, one)))
        return Sum(projections=tuple(projections), bias=bias, **options(Sum, entry))

    try:
        layers = [population(index, entry) for index, entry in enumerate(header["layers"])]
        first = header["input"]
        return SpikingNetwork(
            input=Input(
                shape=tuple(first["shape"]), initial_potential=scale(first["initial_potential"]), name=first["name"]
            ),
            layers=tuple(layers),
            class_names=tuple(header["class_names"]),
            metadata=header["metadata"],
        )
    except Unreadable:
        raise
    except InputError as error:
        raise InputError(f"`path` must hold a valid network. Received: {path!r}, where {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"`path` must hold a whole network. Received: {path!r}, lacking {error}") from error


def _narrow(array: np.ndarray) -> np.ndarray:
    """`array` in half precision if that changes nothing."""
    with np.errstate(over="ignore"):
        half = array.astype(np.float16)
    return half if np.array_equal(half, array) else array


def _tuples(value: Any) -> Any:
    """JSON's lists back to tuples."""
    return (
        tuple(_tuples(item) for item in value) if isinstance(value, Iterable) and not isinstance(value, str) else value
    )
