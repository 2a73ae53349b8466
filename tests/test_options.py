"""An option is declared once: checks, arguments of a command, parameters and the command that makes a thing again follow."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from snnviz._options import check_options, like, option, options_of, parameters, words
from snnviz.cli import _options
from snnviz.errors import InputError
from snnviz.jobs import KINDS
from snnviz.jobs.spec import Spec, options_class
from snnviz.optimization import methods


@dataclass(frozen=True, kw_only=True)
class Baking:
    """Options of every sort."""

    cake: str = option(help="what to bake", metavar="CAKE")
    minutes: float = option(40.0, "how long", metavar="M", least=0, above=True)
    eggs: int | None = option(None, "how many", least=1, most=12, unset="as the recipe says")
    oven: str = option("gas", "which oven", choices=("gas", "wood"))
    layers: Sequence[int] | None = option(None, "of dough, in per cent: 100%", least=0, commas=True)
    note: str = option("", "for whoever eats it", recorded=False)
    vegan: bool | None = option(None, "without eggs")

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True, kw_only=True)
class Party:
    """Options that stand for those of something else."""

    minutes: float | None = like(Baking(cake="plum", minutes=20), "minutes")

    def __post_init__(self) -> None:
        check_options(self)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"minutes": 0}, "`minutes` must be a finite number, above 0. Received: 0"),
        ({"eggs": 13}, "`eggs` must be a whole number, from 1 to 12. Received: 13"),
        ({"oven": "wod"}, "`oven` must be one of 'gas', 'wood'. Received: 'wod'; did you mean 'wood'?"),
        ({"layers": [1, -1]}, "`layers` must be a whole number, at least 0. Received: -1"),
        ({"layers": 3}, "`layers` must be a sequence of whole numbers or None. Received: 3"),
        ({"cake": " "}, "`cake` must be a text that is not empty. Received: ' '"),
        ({"vegan": 1}, "`vegan` must be true or false or None. Received: 1"),
    ],
)
def test_what_is_declared_is_checked(given, said):
    with pytest.raises(InputError) as caught:
        Baking(**{"cake": "plum", **given})
    assert str(caught.value) == said


def test_numbers_are_taken_as_declared():
    assert isinstance(Baking(cake="plum", minutes=3).minutes, float)


def test_a_command_takes_what_is_declared():
    parser = argparse.ArgumentParser()
    _options.add(parser, Baking, without=("note",))
    given = vars(parser.parse_args(["plum", "--eggs", "2", "--layers", "50,50", "--vegan"]))
    assert given == {
        "cake": "plum", "minutes": 40.0, "eggs": 2, "oven": "gas", "layers": [50, 50], "vegan": True,
    }  # fmt: skip
    text = " ".join(parser.format_help().split())
    for part in (
        "how long (default: 40)",
        "how many (default: as the recipe says)",
        "which oven: gas or wood (default: gas)",
    ):
        assert part in text


def test_only_what_is_recorded_is_a_parameter():
    assert "note" not in parameters(Baking(cake="plum"))
    assert parameters(Baking(cake="plum"))["minutes"] == 40


def test_the_words_of_a_command_read_back_as_what_they_were_made_of():
    baking = Baking(cake="plum", minutes=12.5, layers=[20, 80], vegan=True, note="warm, with cream")
    parser = argparse.ArgumentParser()
    _options.add(parser, Baking)
    assert Baking(**vars(parser.parse_args(words(baking)))) == baking
    assert words(Baking(cake="plum")) == ["plum"]


def test_an_option_may_stand_for_the_value_of_another():
    assert Party().minutes is None
    assert options_of(Party)["minutes"].unset == "20"
    with pytest.raises(InputError, match="above 0"):
        Party(minutes=-1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_of_every_kind_of_work_is_declared_with_help(kind):
    cls = options_class(kind)
    assert set(options_of(cls)) == set(cls.__dataclass_fields__)
    assert all(each.help for each in options_of(cls).values())


ASKED = {
    "train": {"architecture": "dense-mnist-pooled", "limit": 50},
    "finetune": {"model": "dense-mnist", "limit": 50},
    "adapt": {"model": "dense-mnist", "limit": 50},
    "sweep": {"model": "dense-mnist", "limit": 50},
    "convert": {"model": "dense-mnist", "norm_items": 50},
    "simulate": {"network": "dense-mnist-heuristic", "limit": 5},
    "optimize": {"network": "dense-mnist-heuristic", "items": 10},
    "spinnaker": {"network": "dense-mnist-pooled-spinnaker", "limit": 5},
}


@pytest.mark.parametrize("kind", ASKED)
def test_a_further_option_is_one_line(kind):
    """It is recorded, taken by the command and part of the words that make the same again."""

    @dataclass(frozen=True, kw_only=True)
    class More(options_class(kind)):
        frosting: str = option("thick", "of the cake", choices=("thick", "thin"))

    recorded = {}

    def begin(params, tags=None):
        recorded.update(params)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Spec.of({"kind": kind, "options": ASKED[kind]}).work(
            More(**ASKED[kind], frosting="thin"), SimpleNamespace(begin=begin, say=lambda text: None, store=None)
        )
    assert recorded["frosting"] == "thin"
    assert words(More(**ASKED[kind], frosting="thin"))[-2:] == ["--frosting", "thin"]
    parser = argparse.ArgumentParser()
    _options.add(parser, More)
    assert "of the cake: thick or thin (default: thick)" in " ".join(parser.format_help().split())


def test_what_searchers_take_is_said_from_what_they_declare():
    assert methods.usual("updates") == "4000; weights 2000"
    assert methods.usual("every") == "200"
