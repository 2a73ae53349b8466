"""Checks of arguments: what passes, and one clear sentence for what does not."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snnviz import InputError
from snnviz import _checks as check


@pytest.mark.parametrize("value", [True, 1.0, "1", None, 0, -3, 11])
def test_integer_refuses(value):
    with pytest.raises(InputError, match=r"`steps` must be a whole number, from 1 to 10\. Received: "):
        check.integer("steps", value, 1, 10)


def test_integer_accepts_numpy():
    assert check.integer("steps", np.int16(3), 1) == 3


@pytest.mark.parametrize("value", [True, "1", None, float("nan"), float("inf"), -0.1, 1.1, 0.0])
def test_real_refuses(value):
    with pytest.raises(InputError, match=r"`rate` must be a finite number, above 0 and at most 1\. Received: "):
        check.real("rate", value, 0, 1, above=True)


def test_a_file_that_is_not_there_may_be_one_beside_it(tmp_path, monkeypatch):
    for name in ("result.nc", "result.npz", "mine.keras"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    assert check.beside("resutl.nc") == "; did you mean 'result.nc'?"
    assert check.beside(tmp_path / "resutl.npz") == f"; did you mean {str(tmp_path / 'result.npz')!r}?"
    assert check.beside("mine") == "; did you mean 'mine.keras'?"
    assert check.beside("other.nc") == check.beside("result.onnx") == check.beside("no/where/result.nc") == ""


def test_choice_names_what_is_allowed():
    with pytest.raises(InputError, match=r"must be one of 'a', 'b'\. Received: 'c'"):
        check.choice("kind", "c", ("a", "b"))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 3, 3, 1), np.uint8), "divide 8-bit images by 255"),
        (np.zeros((2, 9)), "must have shape"),
        (np.zeros((0, 3, 3, 1)), "at least one item"),
        (np.full((2, 3, 3, 1), np.nan), "finite"),
        (np.full((2, 3, 3, 1), 255.0), r"in \[0, 1\]. Received: values from 255 to 255"),
        (np.full((2, 3, 3, 1), -0.1), r"in \[0, 1\]"),
        (np.full((2, 3, 3, 1), "a"), "floating-point"),
        (None, "floating-point"),
    ],
)
def test_images_refuses(x, message):
    with pytest.raises(InputError, match=message) as caught:
        check.images("x", x, (3, 3, 1))
    assert "Received" in str(caught.value)
    assert "\n" not in str(caught.value)


@given(
    values=st.lists(st.floats(width=32) | st.just(0.5), min_size=1, max_size=6),
    kind=st.sampled_from(["f4", "f8", "i4", "u1", "O"]),
)
def test_images_either_pass_whole_or_raise_input_error(values, kind):
    with np.errstate(all="ignore"):
        try:
            x = np.array(values).astype(kind)[:, None]
        except (ValueError, OverflowError, RuntimeWarning):
            return
        try:
            passed = check.images("x", x)
        except InputError:
            return
    assert passed.dtype == np.float32
    assert passed.min() >= 0
    assert passed.max() <= 1


def test_booleans_are_black_and_white():
    np.testing.assert_array_equal(check.images("x", np.array([[True, False]])), np.array([[1, 0]], np.float32))


def test_channels_first_are_refused_with_what_to_do():
    for wanted in ((8, 9, 3), (1, 8, 3)):  # images and signals
        x = np.random.default_rng(0).random((2, *(size for size in wanted if size != 1)))
        first = np.moveaxis(x, -1, 1)
        with pytest.raises(InputError, match=r"channels are last, as in np.moveaxis\(x, 1, -1\). Received"):
            check.images("x", first, wanted)
        taken = check.images("x", np.moveaxis(first, 1, -1), wanted)
        np.testing.assert_array_equal(taken, x.astype(np.float32).reshape(2, *wanted))
    grey, colours = (8, 9, 1), (8, 9, 3)
    for wanted, had in ((colours, (8, 9, 4)), (colours, grey), (grey, colours), (grey, (8, 9, 4)), (colours, (216,))):
        x = np.random.default_rng(0).random((2, *had))
        with pytest.raises(InputError) as caught:
            check.images("x", x, wanted)
        said = re.search(r"(?:are|is|by) ((?:np\.|x[.\[]).*)\. Received", str(caught.value))
        assert check.images("x", eval(said[1], {"np": np, "x": x}), wanted).shape == (2, *wanted)
    with pytest.raises(InputError, match=r"\(items, 8, 9, 3\). Received"):
        check.images("x", np.zeros((2, 9, 8, 3)), (8, 9, 3))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([0, 3]), "from 0 to 2. Received: values from 0 to 3"),
        (np.array([0, -1]), "from 0 to 2"),
        (np.array([0]), "one label per item"),
        (np.array([0.0, 1.0]), "class indices"),
        (np.eye(3)[:2], r"one-dimensional array of class indices \(of one-hot labels, y.argmax\(1\)\)"),
        (np.eye(3), "class indices. Received"),
    ],
)
def test_labels_refuses(y, message):
    with pytest.raises(InputError, match=message):
        check.labels("y", y, items=2, classes=3)


def test_labels_take_a_column():
    np.testing.assert_array_equal(check.labels("y", np.array([[2], [1]], np.uint8), 2, 3), [2, 1])
