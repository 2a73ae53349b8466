"""Event recordings as data: made from digits, kept, and from folders of files."""

from __future__ import annotations

import numpy as np
import pytest

from snnviz import cli, datasets, pretrained, results
from snnviz.datasets import saccades
from snnviz.datasets.recorded import CachedRecordings
from snnviz.errors import InputError
from tests.events import writers


@pytest.fixture(scope="module")
def digits():
    return datasets.load("mnist", limit=6)


def test_the_camera_sends_what_its_model_says(digits):
    digit = digits.x[0]
    way = saccades.path()
    events = saccades._contrast_events(saccades._field(digit), way, saccades.DARK, saccades.CONTRAST, saccades.SAMPLE)
    assert way[0].tolist() == list(saccades.CORNERS[0])
    np.testing.assert_allclose(way[-1], way[0], atol=1e-6)
    # every pixel, written plainly: its log intensity over time, and how often it crosses a level of its own
    padded = np.pad(digit[..., 0], 10)
    found = np.zeros((34, 34), int)
    np.add.at(found, (events[:, 2], events[:, 1]), 1)
    for row, column in ((12, 15), (17, 17), (20, 14), (3, 3), (15, 20)):
        seen = []
        for x, y in way.astype(float):
            up, left = row + 7 - y, column + 7 - x
            i, j = int(np.floor(up)), int(np.floor(left))
            a, b = up - i, left - j
            patch = padded[i : i + 2, j : j + 2]
            seen.append(np.array([1 - a, a]) @ patch @ np.array([1 - b, b]))
        level, reference, count = np.log(np.array(seen) + saccades.DARK), None, 0
        for now in level:
            reference = now if reference is None else reference
            while abs(now - reference) >= saccades.CONTRAST - 1e-9:
                reference += saccades.CONTRAST * np.sign(now - reference)
                count += 1
        assert abs(found[row, column] - count) <= 1  # the last bit may decide where the way closes


def test_noise_depends_on_seed_and_item_alone(digits):
    first, again, other = (saccades.recorded(digits.x[0], seed, 3) for seed in (1, 1, 2))
    for one, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, same)
    assert len(first[0]) != len(other[0]) or (first[0] != other[0]).any()
    assert (np.diff(first[0]) >= 0).all()
    assert first[0].max() < saccades.DURATION


def test_what_is_made_is_kept_and_read_back(digits, tmp_path):
    pixels = (255 * digits.x).round().astype(np.uint8)
    store = CachedRecordings(tmp_path / "films")
    assert not store.present()
    for _ in range(2):
        store.make({"train": (pixels[:4], digits.y[:4]), "test": (pixels[4:], digits.y[4:])}, progress=False)
    assert store.present()
    x, y = store.read("train")
    np.testing.assert_array_equal(y, digits.y[:4])
    assert isinstance(x.t, np.memmap) or isinstance(x.t.base, np.memmap)
    t, column, row, p = saccades.recorded(pixels[2].astype(np.float32) / 255, 1, 2)
    one = x.one(2)
    for found, made in ((one.t, t), (one.x, column), (one.y, row), (one.polarity, p)):
        np.testing.assert_array_equal(found, made)
    (tmp_path / "films" / "train-t.bin").write_bytes(b"")
    assert not store.present()


def test_windows_to_train_on_and_whole_recordings(digits, tmp_path):
    pixels = (255 * digits.x).round().astype(np.uint8)
    store = CachedRecordings(tmp_path)
    store.make({"test": (pixels, digits.y)}, progress=False)
    found = datasets.Recorded("films", "test", *store.read("test"), digits.class_names)
    assert found.steps == 30
    whole, some = found.summed(30), found.summed(30, seed=0)
    counts = found.x.counts(30, 10_000)
    np.testing.assert_allclose(whole.x, np.minimum(counts.mean(axis=1), 1), atol=1e-6)
    assert (whole.x != some.x).any()
    np.testing.assert_array_equal(some.x, found.summed(30, seed=0).x)


@pytest.fixture
def films(tmp_path):
    """A folder with recordings of two classes."""
    for label in ("left", "right"):
        (tmp_path / "films" / label).mkdir(parents=True)
        for number in range(3):
            columns = writers.some(150, number, start=5_000, sensor=(34, 34))
            (tmp_path / "films" / label / f"{number}.bin").write_bytes(writers.nmnist(*columns))
    return tmp_path / "films"


def test_a_folder_of_recordings(films):
    found = datasets.events(films)
    assert found.class_names == ("left", "right")
    assert found.y.tolist() == [0, 1, 0, 1, 0, 1]
    assert len(found.take(2)) == 2
    assert len(datasets.events(films, limit=4)) == 4
    assert found.x.one(0).span[0] == 0  # from the first event on
    images = datasets.load(films)
    assert images.x.shape == (6, 34, 34, 2)
    assert images.x.max() > 0


def test_recordings_of_two_sensors_are_refused(films):
    columns = writers.some(50)
    (films / "left" / "9.dat").write_bytes(writers.dat(*columns))
    with pytest.raises(InputError, match=r"of one sensor\. Received: 34x34 and 48x64"):
        datasets.events(films)


def test_what_is_no_recording_is_refused(tmp_path):
    with pytest.raises(InputError, match="'saccade_mnist', or a folder"):
        datasets.events("mnist")
    (tmp_path / "a").mkdir()
    with pytest.raises(InputError, match="or a folder"):
        datasets.events(tmp_path)


def test_the_command_takes_a_folder(films, tmp_path, capsys):
    network = str(pretrained.path("conv-saccade-mnist-optimized"))
    out = tmp_path / "result.nc"
    words = ["simulate", network, "--data", str(films), "--steps", "4", "--engine", "event", "--out", str(out)]
    assert cli.main([*words, "--input", "spikes", "--step-ms", "50"]) == 0
    said = capsys.readouterr().out
    assert "camera events" in said
    assert " ms" in said
    assert "summed to still pictures" not in said
    assert cli.main(words) == 0
    assert "summed to still pictures; `snnviz simulate --input spikes` takes them as streams" in capsys.readouterr().out
    assert cli.main([*words, "--input", "spikes"]) == 2
    errors = capsys.readouterr().err.strip().splitlines()
    assert "`--step-ms` must say how long a step is" in errors[-1] or "`step_ms`" in errors[-1]


def test_one_recording_has_the_class_of_its_folder(tmp_path):
    for name in ("cat", "dog", "owl"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.bin").write_bytes(bytes([1, 2, 0, 0, 3]))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "readme.txt").write_text("not a class")
    one = datasets.events(tmp_path / "dog" / "1.bin")
    assert (one.class_names, one.y.tolist(), len(one)) == (("cat", "dog", "owl"), [1], 1)
    assert datasets.is_recorded(tmp_path / "dog" / "1.bin")
    assert datasets.load(tmp_path / "dog" / "1.bin").x.shape == (1, 34, 34, 2)
    with pytest.raises(InputError, match="must be a folder for split 'train'"):
        datasets.events(tmp_path / "dog" / "1.bin", "train")


def test_a_command_takes_one_recording(tmp_path, capsys):
    for name in map(str, range(10)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.bin").write_bytes(bytes([1, 2, 0, 0, 3]))
    how = ["--input", "spikes", "--step-ms", "10", "--steps", "2", "--out", str(tmp_path / "r.nc")]
    assert cli.main(["simulate", "conv-saccade-mnist-optimized", "--data", str(tmp_path / "7" / "1.bin"), *how]) == 0
    assert "camera events" in capsys.readouterr().out
    assert results.load(tmp_path / "r.nc")["label"].values.tolist() == [7]
