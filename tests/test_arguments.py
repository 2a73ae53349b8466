"""Arguments are checked by their annotations."""

from __future__ import annotations

import json

import numpy as np
import pytest

from snnviz import InputError
from snnviz._arguments import checked, kind_of


@checked
def whole(count: int, *rest: int, flag: bool = False, share: float = 0.5) -> tuple[object, ...]:
    return count, rest, flag, share


def test_numbers_of_numpy_become_pythons():
    found = whole(np.int64(3), flag=np.bool_(True), share=np.float32(0.5))
    assert json.dumps(found) == "[3, [], true, 0.5]"


@pytest.mark.parametrize("count", [True, 1.0, "1", None, np.array(1), 2**63, -(2**63) - 1, 10**100])
def test_what_is_no_whole_number_is_named(count):
    with pytest.raises(
        InputError, match=r"^`count` must be a whole number(, of at most 64 bits)?\. Received: "
    ) as caught:
        whole(count)
    assert len(str(caught.value)) < 200


def test_too_many_or_too_few_are_pythons_own_mistake():
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        whole()
    with pytest.raises(TypeError, match="unexpected keyword"):
        whole(1, colour=2)


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("str | None", ["", "a", None], [3, b"a", "a\0b", "\udcff"]),
        ("str | os.PathLike[str]", ["a", "\udcff", "a/b"], ["", "a\0", "x" * 300, "a/" * 3000, b"a", 3]),
        ("np.ndarray", [[1, 2], np.zeros(3), 2], [[[1], [1, 2]], ["a"], [1j], [None], None]),
        ("Sequence[int]", [[], (1, 2), np.array([1, 2])], ["12", {1}, [True], [1.5], 3, np.array(3)]),
        ("Iterable[float]", [{1.0}, (x for x in [1])], ["1", 3, [float("nan")]]),
        ("Collection[str]", [{"a"}, ["a"]], ["a", [1]]),
        ("tuple[int, float]", [(1, 2.0), [1, 2]], [(1,), (1, "a"), 3]),
        ("Mapping[str, float]", [{}, {"a": 1}], [{1: 1}, {"a": "b"}, []]),
        ("str | Sequence[str]", ["a", ["a"]], [3, [3]]),
        ("type[Exception]", [ValueError], [int, 3]),
    ],
)
def test_what_an_annotation_allows(annotation, good, bad):
    words, take = kind_of(annotation, __name__)
    refused = take(object())
    assert words
    assert all(take(value) is not refused for value in good)
    assert all(take(value) is refused for value in bad)


def test_what_only_the_function_can_tell_is_left_to_it():
    assert kind_of("Any", __name__) is None
    assert kind_of("Any | None", __name__) is None
