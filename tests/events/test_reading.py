"""Readers of event recordings, on small files written here and one of AEDAT4 that `faery` wrote from the same events."""

from __future__ import annotations

import builtins
import platform
from pathlib import Path

import numpy as np
import pytest

from snnviz import _extras
from snnviz.errors import InputError
from snnviz.events import read
from tests.events import writers

X86 = pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="aedat and evt3 are for x86_64")
WRITTEN = {
    ".dat": writers.dat,
    "evt2.raw": writers.evt2,
    ".aedat": writers.aedat3,
    "evt3.raw": writers.evt3,
}


def same(events, columns, shift=0):
    for name, values in zip(("t", "x", "y", "polarity"), columns, strict=True):
        np.testing.assert_array_equal(getattr(events, name), values + (shift if name == "t" else 0), err_msg=name)


def written(tmp_path, name, content):
    path = tmp_path / f"recording{name}" if name.startswith(".") else tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", [".dat", "evt2.raw", ".aedat", pytest.param("evt3.raw", marks=X86)])
def test_every_event_comes_back(name, tmp_path):
    columns = writers.some()
    events = read(written(tmp_path, name, WRITTEN[name](*columns)))
    same(events, columns)
    assert events.t.dtype == np.int64
    assert events.sensor == ((128, 128) if name == ".aedat" else writers.SENSOR)


@X86
def test_aedat4():
    events = read(Path(__file__).parent / "some.aedat4")
    same(events, writers.some())
    assert events.sensor == writers.SENSOR


@pytest.mark.parametrize(
    ("name", "wrap"),
    [(".dat", 2**32), ("evt2.raw", 2**34), (".aedat", 2**31), pytest.param("evt3.raw", 2**24, marks=X86)],
)
def test_a_clock_that_wraps_goes_on(name, wrap, tmp_path):
    columns = writers.some(start=wrap - 100_000)
    assert (columns[0] < wrap).any()
    assert (columns[0] > wrap).any()
    events = read(written(tmp_path, name, WRITTEN[name](*columns)))
    same(events, columns)


@pytest.mark.parametrize("name", [".dat", "evt2.raw"])
def test_a_small_step_back_is_no_wrap(name, tmp_path):
    t, x, y, p = writers.some()
    t[200:210] -= 500
    events = read(written(tmp_path, name, WRITTEN[name](t, x, y, p)))
    same(events, (t, x, y, p))
    assert any("steps back" in note for note in events.odd())


def test_nmnist_and_its_overflow_word(tmp_path):
    t, x, y, p = writers.some(start=0, sensor=(34, 34))
    same(read(written(tmp_path, ".bin", writers.nmnist(t, x, y, p))), (t, x, y, p))
    y = y.copy()
    y[100] = 240
    kept = np.arange(len(t)) != 100
    later = np.where(np.arange(len(t)) > 100, 8192, 0)
    events = read(written(tmp_path, ".bin", writers.nmnist(t, x, y, p)))
    same(events, ((t + later)[kept], x[kept], y[kept], p[kept]))
    large = read(tmp_path / "recording.bin", sensor=(480, 640))  # here row 240 is a pixel
    same(large, (t, x, y, p))


def test_aedat3_leaves_out_what_is_invalid_and_passes_over_other_packets(tmp_path):
    columns = writers.some()
    events = read(written(tmp_path, ".aedat", writers.aedat3(*columns, invalid=(3, 200))))
    kept = np.delete(np.arange(500), [3, 200])
    same(events, [column[kept] for column in columns])
    assert events.notes == ("2 events are marked invalid and left out",)


def test_evt2_before_the_first_time(tmp_path):
    columns = writers.some()
    raw = writers.evt2(*columns)
    early = np.array([1 << 28 | 5 << 11 | 6], "<u4").tobytes()
    events = read(written(tmp_path, "a.raw", writers.EVT2 + early + raw[len(writers.EVT2) :]))
    same(events, columns)
    assert events.notes == ("1 events come before the first time word and are left out",)


def test_arrays(tmp_path):
    t, x, y, p = writers.some()
    np.save(tmp_path / "a.npy", np.stack([t, x, y, 2 * p - 1], axis=1))  # polarity -1 and 1
    same(read(tmp_path / "a.npy", sensor=(48, 64)), (t, x, y, p))
    rows = np.zeros(len(t), [("t", "i8"), ("x", "i2"), ("y", "i2"), ("p", "?")])
    rows["t"], rows["x"], rows["y"], rows["p"] = t, x, y, p
    np.save(tmp_path / "a.npy", rows)
    same(read(tmp_path / "a.npy", sensor=(48, 64)), (t, x, y, p))


@pytest.mark.parametrize("name", [".dat", "evt2.raw", ".aedat"])
def test_what_is_cut_off_is_said(name, tmp_path):
    columns = writers.some()
    events = read(written(tmp_path, name, WRITTEN[name](*columns)[:-47]))
    assert len(events) < 500
    same(events, [column[: len(events)] for column in columns])
    assert events.notes


@pytest.mark.parametrize("name", [*WRITTEN, ".aedat4", ".bin"])
def test_no_bytes_at_all_end_in_one_sentence_or_in_nothing(name, tmp_path):
    path = written(tmp_path, name, b"")
    if name == ".bin":  # has no header that could be missing
        assert not len(read(path))
        return
    with pytest.raises(InputError, match=r"^[^\n]*must[^\n]*Received: [^\n]*$"):
        read(path)


@pytest.mark.parametrize("name", [*WRITTEN, ".aedat4"])
def test_another_kind_of_file_is_refused_in_one_sentence(name, tmp_path):
    path = written(tmp_path, name, bytes(range(256)) * 20)
    with pytest.raises(InputError, match=r"^[^\n]*must[^\n]*Received: [^\n]*$") as error:
        read(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (".dat", writers.dat(*writers.some(), header=b"% Version 1\n"), "version 2 of DAT"),
        (".dat", writers.dat(*writers.some(), header=b"% Version 2\n"), "`sensor` must be given"),
        (".dat", writers.dat(*writers.some(), kind=40), "type 0 or 12"),
        ("a.raw", writers.evt2(*writers.some(), header=b"% evt 2.1\n"), "`sensor` must be given"),
        ("a.raw", writers.evt2(*writers.some(), header=b"% nothing\n"), "EVT 2 or EVT 3"),
        (".aedat", writers.AEDAT.replace(b"DVS128", b"Other"), "`sensor` must be given"),
        (".aedat", writers.AEDAT + writers.packet(1, 12, 0, b"", 5), "whole packets"),
        (".aedat", writers.AEDAT + writers.packet(1, 8, -1, b"", 0), "whole packets"),
        (".aedat", b"#!AER-DAT2.0\r\n", "AEDAT 3.1"),
        (".bin", writers.nmnist(*writers.some(start=0, sensor=(34, 60))), "pixels of the sensor"),
        (".txt", b"", "must end in one of .bin"),
    ],
)
def test_bad_files(name, content, words, tmp_path):
    with pytest.raises(InputError, match=words):
        read(written(tmp_path, name, content))


def test_a_sensor_that_contradicts_the_file(tmp_path):
    path = written(tmp_path, ".dat", writers.dat(*writers.some()))
    with pytest.raises(InputError, match=r"what the file says, 48 x 64\. Received: 34 x 34"):
        read(path, sensor=(34, 34))
    with pytest.raises(InputError, match="can be read"):
        read(tmp_path / "none.dat")


@pytest.mark.parametrize("package", ["evt3", "aedat"])
def test_what_to_install(package, tmp_path, monkeypatch):
    path = written(tmp_path, {"evt3": "a.raw", "aedat": "a.aedat4"}[package], writers.evt3(*writers.some()))
    monkeypatch.setattr(_extras.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(InputError, match=r"snnviz\[events\]"):
        read(path)
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(InputError, match="for x86_64 only"):
        read(path)


def test_nothing_but_its_own_decoder_is_imported(tmp_path, monkeypatch):
    def refused(name, *arguments, **options):
        if name in ("aedat", "evt3"):
            raise ImportError(name)
        return imported(name, *arguments, **options)

    imported = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refused)
    assert len(read(written(tmp_path, ".dat", writers.dat(*writers.some())))) == 500
