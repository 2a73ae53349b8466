"""Animations: a frame a step, in each format."""

import io
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import panel as pn
import pytest
from PIL import Image

from snnviz.errors import InputError
from snnviz.figures import Material, firing_animation, make_animations, prediction_animation, stream_animation
from tests.plots.conftest import STEPS, TRACED


@pytest.fixture(scope="module")
def film(recorded, images):
    return prediction_animation({"before": recorded, "after": recorded}, 2, images[2])


def test_a_frame_a_step(film, recorded, images):
    fires = firing_animation(recorded, 2, images[2])
    for found in (film, fires):
        assert len(found.frames) == STEPS
        (size,) = {frame.size for frame in found.frames}
        assert size[0] % 2 == size[1] % 2 == 0
        assert np.asarray(found.frames[0]).std() > 5
        assert (np.asarray(found.frames[0]) != np.asarray(found.frames[-1])).any()
        assert recorded.attrs["network_hash"] in found.origin


def test_input_seen_so_far_comes_to_the_image(recorded, images):
    seen = recorded["spikes_input"].values[2].mean(axis=0).reshape(6, 6)
    assert np.abs(seen - images[2][..., 0]).max() <= 1 / STEPS


def test_gif(film, tmp_path):
    path = film.save(tmp_path / "a.gif")
    with Image.open(path) as moving:
        assert moving.n_frames == STEPS
        assert moving.info["loop"] == 0
        assert moving.info["duration"] == 120, "an eighth of a second in hundredths"
        assert b"Prediction over time" in moving.info["comment"]
    assert film.gif() == path.read_bytes(), "the same frames give the same bytes"
    assert "data:image/gif;base64," in film._repr_html_()


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
@pytest.mark.parametrize("suffix", ["mp4", "webm"])
def test_video(film, tmp_path, suffix):
    path = film.save(tmp_path / f"a.{suffix}")
    told = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "stream=nb_read_frames,width,height", "-of", "csv=p=0", path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    width, height = film.frames[0].size
    assert told.stdout.strip() == f"{width},{height},{STEPS}"


def test_video_needs_ffmpeg(film, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(InputError, match="apt-get install ffmpeg"):
        film.save(tmp_path / "a.mp4")
    assert not list(tmp_path.iterdir())


def test_player_shows_the_step_it_stands_on(film):
    picture, control = film.player()
    assert isinstance(control, pn.widgets.Player)
    first = picture.object
    control.value = STEPS
    assert picture.object != first
    assert Image.open(io.BytesIO(picture.object)).size == film.frames[0].size


def test_made_from_material(material, tmp_path):
    files = make_animations(replace(material, recordings=None), tmp_path, formats=["gif"], dark=False)
    assert [file.name for file in files] == ["animation-firing.gif", "animation-prediction.gif"]
    with Image.open(files[0]) as moving:
        frame = moving.convert("RGB")
    assert sum(frame.getpixel((1, 1))) > 740


def test_the_stream_of_a_camera(material, tmp_path):
    [file] = make_animations(material, tmp_path)
    assert file.name == "animation-stream.gif"
    film = stream_animation(material.results["after"], 3, material.recordings)
    assert len(film.frames) == STEPS
    lit = [np.asarray(frame)[100:420, 60:460] for frame in film.frames[:4]]
    assert all((lit[step] != lit[step + 1]).any() for step in range(3))  # what was sent fades


def test_wrong_arguments_are_refused(film, material, recorded, before, images, tmp_path):
    cases = {
        "`path`": lambda: film.save(tmp_path / "a.avi"),
        "`item`": lambda: firing_animation(recorded, TRACED),
        "`fps`": lambda: firing_animation(recorded, 0, fps=0),
        "`image`": lambda: prediction_animation(recorded, 0, images[0][:3]),
        "spikes": lambda: firing_animation(before, 0),
        "spikes_input": lambda: prediction_animation(before, 0, images[0]),
        "`formats`": lambda: make_animations(material, tmp_path, formats=["avi"]),
        "images": lambda: make_animations(Material(results=material.results), tmp_path),
        "no result": lambda: make_animations(Material(images=images), tmp_path),
    }
    for message, call in cases.items():
        with pytest.raises(InputError, match=message):
            call()
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def before(paper_material):
    return paper_material.results["before"]
