"""The types of arguments, checked by the annotations that declare them, so that each is said once.

`checked` is put on what users call, `check_fields` is the first line of a dataclass that checks itself; ranges are left to
`snnviz._checks`. It is no general type checker: those import what is annotated, which would load TensorFlow, and answer in
several lines. Numbers of numpy become Python's, so that what is stored as JSON can hold them.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import math
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np

from snnviz import _checks as check
from snnviz.errors import InputError

P = ParamSpec("P")
R = TypeVar("R")
_NO = object()
Kind = tuple[str, Callable[[Any], Any]]
"""What is allowed, in words, and a function that returns a value as it is taken, or `_NO`."""


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, which answers an argument of another type than is annotated with an `InputError` that names it."""
    signature = inspect.signature(function)
    kinds: dict[str, Kind | None] = {}

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError:  # one too many, or too few: Python says so better
            return function(*args, **kwargs)
        for name, value in given.arguments.items():
            if name not in kinds:
                one = signature.parameters[name]
                packed = one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
                kinds[name] = None if packed else kind_of(one.annotation, function.__module__)
            given.arguments[name] = _taken(name, value, kinds[name])
        return function(*given.args, **given.kwargs)

    return call


def shows_fields(cls: Any, but: Collection[str] = ()) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator of a function that takes the fields of dataclass `cls` as its last keywords: its signature shows them."""

    def shown(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)
        own = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        fields = [
            one.replace(kind=one.KEYWORD_ONLY)
            for one in inspect.signature(cls).parameters.values()
            if one.name not in but
        ]
        function.__signature__ = signature.replace(parameters=[*own, *fields])  # type: ignore[attr-defined]
        return function

    return shown


def check_fields(instance: Any) -> None:
    """Check the fields of a dataclass by their annotations, those of its bases too.

    Raises:
        InputError: for one of another type.
    """
    for name, kind in _kinds_of_fields(instance.__class__).items():
        object.__setattr__(instance, name, _taken(name, getattr(instance, name), kind))


@functools.cache
def _kinds_of_fields(cls: Any) -> dict[str, Kind | None]:
    modules = {
        name: base.__module__ for base in reversed(cls.__mro__) for name in vars(base).get("__annotations__", {})
    }
    return {field.name: kind_of(field.type, modules[field.name]) for field in dataclasses.fields(cls) if field.init}


def _taken(name: str, value: Any, kind: Kind | None) -> Any:
    if kind is None:
        return value
    words, take = kind
    found = take(value)
    if found is _NO:
        if isinstance(value, int) and not isinstance(value, bool) and take(0) is not _NO:
            words += ", of at most 64 bits"
        raise InputError(f"`{name}` must be {words}. Received: {check.describe(value)}")
    return found


def kind_of(annotation: Any, module: str) -> Kind | None:
    """What an annotation, a text, allows; None for whatever only the function itself can tell."""
    if not isinstance(annotation, str):
        return None
    return _of_node(ast.parse(annotation, mode="eval").body, module)


def _of_node(node: ast.expr, module: str) -> Kind | None:
    text = ast.unparse(node)
    if isinstance(node, ast.BinOp):
        return _either(_options(node), module)
    if text in _SIMPLE:
        return _SIMPLE[text]
    if isinstance(node, ast.Subscript):
        of = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _container(ast.unparse(node.value), of, module)
    if text in _LEFT:
        return None
    if isinstance(node, ast.Name):
        meant = vars(sys.modules[module]).get(text)
        if isinstance(meant, str):  # an alias
            return kind_of(meant, module)
        if meant is not None and not isinstance(meant, type):
            return None
    return _instance(text.rpartition(".")[2])


def _options(node: ast.expr) -> list[ast.expr]:
    return [*_options(node.left), *_options(node.right)] if isinstance(node, ast.BinOp) else [node]


def _either(nodes: list[ast.expr], module: str) -> Kind | None:
    if any(ast.unparse(node) == "os.PathLike[str]" for node in nodes):  # a text beside it is a path as well
        nodes = [node for node in nodes if ast.unparse(node) != "str"]
    kinds = [kind for node in nodes if (kind := _of_node(node, module)) is not None]
    if len(kinds) < len(nodes):
        return None

    def take(value: Any) -> Any:
        return next((found for _, each in kinds if (found := each(value)) is not _NO), _NO)

    words = [phrase for phrase, _ in kinds]
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0], take


def _container(of: str, nodes: list[ast.expr], module: str) -> Kind | None:
    kinds = [
        _of_node(node, module) or ("anything", lambda value: value) for node in nodes if ast.unparse(node) != "..."
    ]
    if of in ("Mapping", "dict"):
        return _mapping(*kinds)
    if of == "tuple" and len(kinds) == len(nodes) and len(kinds) > 1:
        return _fixed(kinds)
    if of in _SERIES:
        return _series(kinds[0], _SERIES[of])
    if of == "type":
        return _subclass(ast.unparse(nodes[0]))
    return _SIMPLE["Callable"] if of == "Callable" else None


def _mapping(keys: Kind, values: Kind) -> Kind:
    def take(value: Any) -> Any:
        if not isinstance(value, Mapping):
            return _NO
        pairs = [(keys[1](key), values[1](each)) for key, each in value.items()]
        return _NO if any(_NO in (key, each) for key, each in _identities(pairs)) else dict(pairs)

    return f"a mapping from {_plural(keys[0])} to {_plural(values[0])}", take


def _identities(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(each if each is _NO else None for each in pair) for pair in pairs]  # arrays have no plain ==


def _fixed(kinds: list[Kind]) -> Kind:
    def take(value: Any) -> Any:
        if not _is_series(value) or len(value) != len(kinds):
            return _NO
        return _all([take_one(each) for (_, take_one), each in zip(kinds, value, strict=True)], value)

    return f"({', '.join(words for words, _ in kinds)})", take


def _series(kind: Kind, endless: bool) -> Kind:
    def take(value: Any) -> Any:
        loose = endless and isinstance(value, Iterable) and not isinstance(value, (str, bytes, np.ndarray))
        if not loose and not _is_series(value):
            return _NO
        return _all([kind[1](each) for each in value], value)

    return f"a sequence of {_plural(kind[0])}", take


def _is_series(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _all(found: list[Any], value: Any) -> Any:
    if any(each is _NO for each in found):
        return _NO
    return tuple(found) if isinstance(value, tuple) else found


def _plural(words: str) -> str:
    head, _, tail = words.partition(" or ")
    many = {
        "a whole number": "whole numbers", "a finite number": "finite numbers", "a text": "texts", "a path": "paths",
        "true or false": "flags", "an array of numbers": "arrays of numbers",
    }.get(head, f"{head.removeprefix('a ')}s" if head.startswith("a ") else head)  # fmt: skip
    return f"{many} or {tail}" if tail and words != "true or false" else many


def _instance(name: str) -> Kind:
    """By name, so that nothing is imported to look."""

    def take(value: Any) -> Any:
        if not any(cls.__name__ == name for cls in type(value).__mro__):
            return _NO
        if name == "Dataset" and not value.sizes.get("time"):  # results may be parts, but of some time
            return _NO
        return value

    return _NAMES.get(name, f"a {name}"), take


def _subclass(name: str) -> Kind:
    def take(value: Any) -> Any:
        return value if isinstance(value, type) and any(cls.__name__ == name for cls in value.__mro__) else _NO

    return f"a class of {name}", take


def _whole(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not -(2**63) <= value < 2**63:
        return _NO
    return int(value)


def _real(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return _NO
    try:
        number = float(value)
    except OverflowError:
        return _NO
    if not math.isfinite(number):
        return _NO
    return int(value) if _whole(value) is not _NO else number


def _flag(value: Any) -> Any:
    return bool(value) if isinstance(value, (bool, np.bool_)) else _NO


def _text(value: Any) -> Any:
    if not isinstance(value, str) or "\0" in value:
        return _NO
    try:
        value.encode()
    except UnicodeEncodeError:
        return _NO
    return value


def _path(value: Any) -> Any:
    return value if check.is_path(value) else _NO


def _array(value: Any) -> Any:
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, OverflowError):  # of lists of several lengths, among others
        return _NO
    return array if array.dtype.kind in "biuf" else _NO


_SIMPLE: dict[str, Kind] = {
    "None": ("None", lambda value: None if value is None else _NO),
    "int": ("a whole number", _whole),
    "float": ("a finite number", _real),
    "bool": ("true or false", _flag),
    "str": ("a text", _text),
    "bytes": ("bytes", lambda value: value if isinstance(value, bytes) else _NO),
    "Path": ("a path", _path),
    "os.PathLike[str]": ("a path", _path),
    "np.ndarray": ("an array of numbers", _array),
    "Callable": ("a function", lambda value: value if callable(value) else _NO),
}
_SERIES = {"Sequence": False, "list": False, "tuple": False, "Iterable": True, "Collection": True}
"""Kinds of series, and whether sets and what can be read only once will do."""
_LEFT = ("Any", "object", "pd.DataFrame")  # a list of mappings is a table as well: `plots._tables`
_NAMES = {
    "Dataset": "the xarray.Dataset of a simulation, of at least one time step",
    "Model": "a Keras model",
    "Recordings": "event recordings (`snnviz.events.Recordings`)",
    "NIRGraph": "a nir.NIRGraph",
}
