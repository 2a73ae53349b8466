"""A damaged checkpoint is refused by name, or resumed to the very same result."""

import io
import json
import shutil
import zipfile

import numpy as np
import pytest

from snnviz import load_network
from snnviz.errors import InputError
from snnviz.optimization import optimize
from snnviz.optimization.evaluations import Evaluations
from snnviz.optimization.weights import Weights

FILES = {"evaluations.jsonl": 50, "run.json": 100, "stage-0.npz": 150}
"""How often each is damaged."""
GIVEN = {
    "method": "weights", "steps": 6, "lambdas": (1.0, 1.0, 1.0), "progress": False,
    "options": {"updates": 12, "every": 3, "batch": 8, "rate": 0.1, "unrolled": 2},
}  # fmt: skip


@pytest.fixture(scope="module")
def search(toy, toy_data, tmp_path_factory):
    """`search(folder, evaluations)`: resume what is in a folder. All share one searcher, to save compiling."""
    network = toy.scaled([0.3, 0.3, 1.0])  # so that there is much to gain
    made, begin = [], Weights.begin

    def builder(at, **options):
        if not made:
            made.append(begin(at, **options))
            made.append(made[0].state())
        made[0].restore(made[1])
        return made[0]

    def search(folder, evaluations=5):
        return optimize(network, *toy_data, budget_evaluations=evaluations, checkpoint=folder, resume=True, **GIVEN)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Weights, "begin", builder)
        yield search


@pytest.fixture(scope="module")
def whole(search, tmp_path_factory):
    """What comes out when nothing is damaged, and the folder of a search that was cut off."""
    base = tmp_path_factory.mktemp("search")
    found = search(base / "whole")
    search(base / "cut", 3)
    return outcome(found, base / "whole"), base / "cut"


def outcome(found, folder):
    history = found.history.drop(columns="seconds").to_numpy().tolist()
    return found.network.hash, load_network(folder / "best.npz").hash, found.vector.tolist(), history


def damage(content, rng):
    """`content` with bytes changed, cut off, left out, put in or doubled."""
    raw, kind = bytearray(content), rng.integers(5)
    at, other = (int(place) for place in rng.integers(0, len(raw), 2))
    if kind == 0:
        for place in rng.integers(0, len(raw), rng.integers(1, 4)):
            raw[place] = rng.integers(256)
    elif kind == 1:
        del raw[at:]
    elif kind == 2:
        del raw[min(at, other) : max(at, other)]
    elif kind == 3:
        raw[at:at] = rng.bytes(rng.integers(1, 9))
    else:
        raw[at:at] = raw[min(at, other) : max(at, other)]
    return bytes(raw)


@pytest.mark.parametrize(("name", "count"), FILES.items())
def test_random_damage_is_refused_or_does_no_harm(search, whole, tmp_path, name, count):
    expected, cut = whole
    rng = np.random.default_rng(len(name))
    refusals = []
    for number in range(count):
        folder = tmp_path / str(number)
        shutil.copytree(cut, folder)
        (folder / name).write_bytes(damage((cut / name).read_bytes(), rng))
        try:
            found = search(folder)
        except InputError as error:
            refusals.append(str(error))
            continue
        assert outcome(found, folder) == expected
    assert not refusals if name == "evaluations.jsonl" else len(refusals) > count / 3
    assert all(("stage-0.npz" if name == "stage-0.npz" else "`checkpoint`") in refusal for refusal in refusals)


DEEP = b"[" * 100_000
LINES = {
    "not UTF-8": b"\xff\xfe",
    "deep": DEEP,
    "too large a number": b'{"key": "k", "stage": "s", "terms": {"peak_accuracy": 1, "latency": 1, "power": 1}, "seconds": 1'
    + b"0" * 400
    + b"}",
    "NaN": b'{"key": "k", "stage": "s", "terms": {"peak_accuracy": NaN, "latency": 1, "power": 1}, "seconds": 1}',
    "None": b'{"key": "k", "stage": "s", "terms": {"peak_accuracy": null, "latency": 1, "power": 1}, "seconds": 1}',
    "no object": b"[1, 2]",
    "text": b'"text"',
    "no key": b'{"key": null, "stage": "s", "terms": {"peak_accuracy": 1, "latency": 1, "power": 1}, "seconds": 1}',
}


@pytest.mark.parametrize("line", LINES)
def test_a_damaged_line_is_left_out_and_the_others_stay(tmp_path, line):
    given = {"method": "x"}
    Evaluations(tmp_path, given, False)
    log = tmp_path / "evaluations.jsonl"
    old = '{"key": "%s", "stage": "s", "terms": {"peak_accuracy": 0.5, "latency": 1.0, "power": 2.0}, "seconds": 3.0}\n'
    log.write_bytes((old % "a").encode() + LINES[line] + b"\n" + (old % "b").encode())
    assert list(Evaluations(tmp_path, given, True).known) == ["a", "b"]  # lines of before there were checksums
    sealed = log.read_bytes()
    assert sealed.count(b"sha256") == 2
    log.write_bytes(sealed.replace(b"0.5", b"0.6", 1) + LINES[line] + b"\n")
    assert list(Evaluations(tmp_path, given, True).known) == ["b"]


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b"null", b"\xff", DEEP, b"{" + b" " * 2**21 + b"}"])
def test_a_damaged_run_is_refused_by_name(tmp_path, content):
    Evaluations(tmp_path, {"method": "x"}, False)
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(InputError, match=r"readable run\.json"):
        Evaluations(tmp_path, {"method": "x"}, True)


def test_a_folder_without_its_run_is_refused(tmp_path):
    Evaluations(tmp_path, {"method": "x"}, False)
    (tmp_path / "run.json").rename(tmp_path / "evaluations.jsonl")
    for resume in (False, True):
        with pytest.raises(InputError, match=r"run\.json"):
            Evaluations(tmp_path, {"method": "x"}, resume)


def claiming(shape, dtype="<f8"):
    """An array file that claims a shape and holds eight bytes."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue() + bytes(8)


def saved(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


STATES = {
    "a shape of 8 TB": ("best_vector", claiming((10**12,))),
    "a negative shape": ("best_vector", claiming((-1, -1))),
    "another shape": ("best_vector", saved(np.zeros(3))),
    "NaN": ("best_vector", lambda array: saved(np.full_like(array, np.nan))),
    "text": ("best_vector", lambda array: saved(np.array(["a"] * len(array)))),
    "a vector that was never evaluated": ("best_vector", lambda array: saved(array + 1)),
    "a pickle": ("best_vector", claiming((), "|O")),
    "nothing": ("used", None),
    "another type": ("searcher_last", saved(np.array(2.5))),
    "more updates than there are": ("searcher_last", saved(np.array(10**6))),
    "several numbers": ("searcher_told", saved(np.arange(3))),
    "another layer": ("searcher_learned_0", saved(np.zeros((2, 2), np.float32))),
    "infinite weights": ("searcher_learned_0", lambda array: saved(np.full_like(array, np.inf))),
    "weights of double precision": ("searcher_learned_0", lambda array: saved(array.astype(np.float64))),
    "no weights": ("searcher_learned_0", None),
}


@pytest.mark.parametrize("what", STATES)
def test_a_state_is_checked(search, whole, tmp_path, what):
    name, change = STATES[what]
    folder = tmp_path / "run"
    shutil.copytree(whole[1], folder)
    with zipfile.ZipFile(whole[1] / "stage-0.npz") as old, zipfile.ZipFile(folder / "stage-0.npz", "w") as new:
        for member in old.namelist():
            content = old.read(member)
            if member == f"{name}.npy":
                content = change(np.load(io.BytesIO(content))) if callable(change) else change
            if content is not None:
                new.writestr(member, content)
    with pytest.raises(InputError, match=r"stage-0\.npz"):
        search(folder)


def test_lines_are_json_with_a_checksum(whole):
    lines = (whole[1] / "evaluations.jsonl").read_text().splitlines()
    assert len(lines) == 3
    assert all(len(json.loads(line)["sha256"]) == 16 for line in lines)
