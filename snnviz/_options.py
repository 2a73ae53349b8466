"""Options that are declared once.

A kind of work has a frozen dataclass of options. Each field says with `option` what it means, what it may be and what stands
for it where it is not given. Checks, the command's parser and its help, the parameters of a run, the command that makes a thing
again and the forms of pages are derived from that, see `docs/decisions/options.md`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

from snnviz import _checks as check
from snnviz._arguments import check_fields

_KEY = "option"


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is declared of a field, and what follows from its annotation and default.

    Attributes:
        name: of the field.
        kind: its type but for None and sequences: "int", "float", "bool" or "str".
        many: whether it holds a sequence of them.
        default: of the field; `dataclasses.MISSING` where it must be given.
        help: what it means, a phrase.
        label: what a form calls it.
        about: what a form says of it, in whole sentences.
        metavar: what stands for its value in help.
        unset: what holds where it is not given, in words; empty where that needs none.
        least, most: the range of numbers, both included; None for no end. `above` excludes `least` itself.
        choices: the texts allowed, or a function that knows them; None for any.
        suffix: what the name of a file ends in; None if it is no file, or any.
        writes: "file" or "folder" if it names one that no other may write meanwhile; empty otherwise.
        commas: a command takes its values as one word with commas between.
        recorded: whether it is a parameter of the run.
    """

    name: str
    kind: str
    many: bool
    default: Any
    help: str
    label: str
    about: str
    metavar: str | None
    unset: str
    least: float | None
    most: float | None
    above: bool
    choices: Sequence[str] | Callable[[], Sequence[str]] | None
    suffix: str | None
    writes: str
    commas: bool
    recorded: bool

    @property
    def flag(self) -> str:
        """What the command calls it."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is MISSING

    def check(self, value: Any) -> Any:
        """A value, or each of several, as it is taken; types of sequences are left to `check_fields`.

        Raises:
            InputError: if it is out of range, or none of the choices.
        """
        if self.many and isinstance(value, Sequence) and not isinstance(value, str):
            return type(value)([self._one(each) for each in value]) if isinstance(value, (list, tuple)) else value
        return self._one(value)

    def _one(self, value: Any) -> Any:
        if self.choices is not None:
            return check.choice(self.name, value, self.choices() if callable(self.choices) else self.choices)
        if self.suffix is not None:
            return check.file(self.name, value, self.suffix)
        if self.kind == "int" and self.least is not None:
            return check.integer(self.name, value, int(self.least), None if self.most is None else int(self.most))
        if self.kind == "float" and self.least is not None:
            most = math.inf if self.most is None else self.most
            return check.real(self.name, value, self.least, most, above=self.above)
        if self.kind == "str" and not self.many and (self.default is None or self.required):
            return check.text(self.name, value)
        return value


def option(
    default: Any = MISSING,
    help: str = "",
    *,
    label: str = "",
    about: str = "",
    metavar: str | None = None,
    unset: str = "",
    least: float | None = None,
    most: float | None = None,
    above: bool = False,
    choices: Sequence[str] | Callable[[], Sequence[str]] | None = None,
    suffix: str | None = None,
    writes: str = "",
    commas: bool = False,
    recorded: bool = True,
) -> Any:
    """A dataclass's field that is an option; the arguments are the attributes of `Option`."""
    told = {
        "help": help, "label": label, "about": about, "metavar": metavar, "unset": unset, "least": least, "most": most,
        "above": above, "choices": choices, "suffix": suffix, "writes": writes, "commas": commas, "recorded": recorded,
    }  # fmt: skip
    return field(default=default, metadata={_KEY: told})


def like(other: Any, name: str, **changes: Any) -> Any:
    """A field as `other`, a dataclass or an instance of one, declares it, but None by default, which stands for the value there."""
    told, own = other.__dataclass_fields__[name], getattr(other, name)
    own = "" if isinstance(own, bool) or own is None else own
    return option(**{"default": None, **told.metadata[_KEY], "unset": typed(own), **changes})


def options_of(cls: type) -> Mapping[str, Option]:
    """The options that a dataclass and its bases declare, by name, in the order of its fields."""
    return _options_of(cls)


@functools.cache
def _options_of(cls: Any) -> Mapping[str, Option]:
    return {each.name: _declared(each) for each in fields(cls) if _KEY in each.metadata}


def _declared(told: Field[Any]) -> Option:
    kind = str(told.type).removesuffix(" | None").rpartition(" | ")[2]
    one = kind.removeprefix("Sequence[").removesuffix("]")
    return Option(name=told.name, kind=one, many=kind != one, default=told.default, **told.metadata[_KEY])


def check_options(instance: Any) -> None:
    """Check the fields of a dataclass by what is declared of them, then by their annotations.

    Raises:
        InputError: for the first that is wrong.
    """
    for name, each in options_of(type(instance)).items():
        value = getattr(instance, name)
        if value is not None or each.default is not None:
            object.__setattr__(instance, name, each.check(value))
    check_fields(instance)


def one_of(names: Sequence[str]) -> str:
    """Names as a phrase: "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def typed(value: Any) -> str:
    """A value as a command takes it."""
    if isinstance(value, (list, tuple)):
        return ",".join(map(typed, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def parameters(options: Any) -> dict[str, Any]:
    """The options that are parameters of a run, with their values."""
    return {name: getattr(options, name) for name, each in options_of(type(options)).items() if each.recorded}


def words(options: Any, without: Collection[str] = ()) -> list[str]:
    """The words of a command: what must be given, as it stands, then what differs from its default.

    Args:
        options: an instance of a dataclass that declares options.
        without: names of those to leave out.
    """
    first, others = [], []
    for name, each in options_of(type(options)).items():
        value = getattr(options, name)
        if name in without:
            continue
        if each.required:
            first.append(str(value))
        elif value is True:
            others.append(each.flag)
        elif value is not None and value is not False and value != each.default:
            many = isinstance(value, (list, tuple))
            texts = [str(one) for one in value] if many else [str(value)]
            others += [each.flag, *([",".join(texts)] if each.commas else texts)]
    return [*first, *others]
