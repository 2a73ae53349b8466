"""Every figure as files: their formats, sizes, words, numbers and origin."""

import hashlib
import io
import json
from dataclasses import asdict

import holoviews as hv
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from pypdf import PdfReader

from snnviz import plots
from snnviz.errors import InputError
from snnviz.figures import FIGURES, Material, make
from snnviz.figures.catalog import caption_of
from snnviz.simulation import Settings
from tests.synthetic import result_of


@pytest.fixture(scope="module")
def drawn(material, tmp_path_factory):
    """The folder, what was made, and the smallest type of each figure."""
    folder, smallest, save = tmp_path_factory.mktemp("figures"), {}, Figure.savefig

    def measured(figure, *arguments, **options):
        words = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
        smallest[figure] = min(text.get_fontsize() for text in words)
        save(figure, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", measured)
        done = make(material, folder, formats=("pdf", "svg", "png"), dpi=80, progress=False)
    return folder, done, dict(zip(done.files, smallest.values(), strict=True))


@pytest.fixture(scope="module")
def made(drawn):
    return drawn[:2]


def test_every_figure_is_made_in_every_format(made, material):
    folder, done = made
    assert not done.left_out
    assert set(done.files) == set(FIGURES)
    for name, files in done.files.items():
        assert [file.name for file in files] == [f"{name}.{suffix}" for suffix in ("pdf", "svg", "png", "txt", "csv")]
        assert (folder / f"{name}.txt").read_text(encoding="utf-8") == caption_of(name, material)
    assert len(list(folder.iterdir())) == 5 * len(FIGURES), "nothing half-written is left"


@pytest.mark.parametrize("name", FIGURES)
def test_pdf_has_its_size_title_and_origin(name, made, recorded):
    folder, _ = made
    document = PdfReader(folder / f"{name}.pdf")
    (page,) = document.pages
    figure = FIGURES[name]
    assert float(page.mediabox.width) == pytest.approx(72 * figure.width, abs=0.5)
    assert float(page.mediabox.height) == pytest.approx(72 * figure.width * figure.ratio, abs=0.5)
    assert document.metadata.title == figure.title
    assert recorded.attrs["network_hash"] in document.metadata.subject
    assert "seed 0" in document.metadata.subject
    assert ("24 items; snnviz" in document.metadata.subject) == (name == "pruning-curve")
    assert page.extract_text().strip(), "words are text, not outlines"


@pytest.mark.parametrize("name", FIGURES)
def test_png_is_not_blank_and_says_where_it_is_from(name, made, recorded):
    folder, _ = made
    picture = Image.open(folder / f"{name}.png")
    assert np.asarray(picture.convert("L")).std() > 5
    assert picture.text["Title"] == FIGURES[name].title
    assert recorded.attrs["network_hash"] in picture.text["Description"]


@pytest.mark.parametrize("name", FIGURES)
def test_csv_is_what_is_drawn(name, made, material):
    folder, _ = made
    table = pd.read_csv(folder / f"{name}.csv", keep_default_na=True)
    drawn = FIGURES[name].data(material)
    assert list(table.columns) == list(drawn.columns)
    assert len(table) == len(drawn)
    for column in drawn.select_dtypes("number"):
        assert np.allclose(table[column], drawn[column], equal_nan=True)


def test_same_material_same_svg(made, material, tmp_path):
    folder, _ = made
    names = ["figure-b", "figure-5", "raster", "layer-graph"]
    make(material, tmp_path, names, formats=["svg"], progress=False)
    for name in names:
        first, second = (hashlib.sha256((place / f"{name}.svg").read_bytes()) for place in (folder, tmp_path))
        assert first.hexdigest() == second.hexdigest(), name


def test_what_cannot_be_drawn_is_left_out_and_said(before_only, tmp_path):
    done = make(before_only, tmp_path, formats=["png"], dpi=40, progress=False)
    assert set(done.files) == {"figure-a", "figure-5", "pareto-front", "spike-rates", "event-shares"}
    assert done.left_out["raster"] == "a result without spikes"
    assert done.left_out["figure-b"] == "a result without prediction"
    assert done.left_out["lambda-grid"] == "no grid of penalties"
    assert "network" in done.left_out["layer-graph"]


@pytest.fixture
def before_only(paper_material):
    return Material(results={"before": paper_material.results["before"]})


def test_width_and_dark(material, tmp_path):
    make(
        material, tmp_path, ["figure-a"], formats=["png"], width=plots.DOUBLE_COLUMN, dark=True, dpi=50, progress=False
    )
    picture = Image.open(tmp_path / "figure-a.png").convert("RGB")
    assert picture.width == pytest.approx(50 * plots.DOUBLE_COLUMN, abs=1)
    assert sum(picture.getpixel((1, 1))) < 120


def test_wrong_arguments_are_refused(material, before_only, tmp_path):
    cases = {
        "`names` must be one of": lambda: make(material, tmp_path, ["figure-z"]),
        "`names` must be of figures": lambda: make(before_only, tmp_path, ["raster"]),
        "`formats` must be one of": lambda: make(material, tmp_path, formats=["jpg"]),
        "`formats` must name": lambda: make(material, tmp_path, formats=[]),
        "`width`": lambda: make(material, tmp_path, width=0.1),
        "`dpi`": lambda: make(material, tmp_path, dpi=3),
        "`material`": lambda: make(Material(), tmp_path),
    }
    for message, call in cases.items():
        with pytest.raises(InputError, match=message):
            call()
    assert not list(tmp_path.iterdir())


def test_bytes_of_a_png_are_the_same(material):
    drawn = FIGURES["confusion"].draw(material, False)
    first, second = (plots.render(drawn, "png", dpi=50) for _ in range(2))
    assert first == second
    assert Image.open(io.BytesIO(first)).size[0] > 100


def test_power_is_on_a_logarithmic_axis_where_it_differs_much():
    def drawn(events):
        pair = {"before": result_of([0.5, 0.9], [100, 100]), "after": result_of([0.6, 0.9], events)}
        return FIGURES["figure-5"].draw(Material(results=pair), False)

    near, far = (
        [curve.opts.get().kwargs for curve in drawn(events).traverse(lambda e: e, [hv.Overlay])]
        for events in ([50, 50], [5, 5])
    )
    assert [bool(each.get("logx")) for each in near] == [False, False]
    assert [bool(each.get("logx")) for each in far] == [False, True]


@pytest.mark.parametrize("name", FIGURES)
def test_caption_says_what_is_shown_on_how_many_items_and_where_from(name, recorded, material):
    words = caption_of(name, material)
    assert words.startswith(f"{FIGURES[name].title}. {FIGURES[name].explained}")
    figure, runs, items = FIGURES[name], list(material.results), f"{recorded.attrs['items']:,}"
    told = words.removeprefix(f"{figure.title}. {figure.explained}").partition("\n\nSource")[0].strip()
    shown = [run for run in runs if f"{run}: " in told]
    assert shown == list(figure.of(material))
    if figure.item is not None:
        assert (
            told == f"{runs[-1 if 'stream' in name else 0]}: item {figure.item(material)} of {items}, counted from 0."
        )
    elif shown:
        assert told.count(f"n = {items} items, {recorded.sizes['time']} steps") == len(shown)
    assert recorded.attrs["network_hash"] in words


def test_caption_has_only_the_settings_that_are_not_the_default(recorded):
    def told(**changed):
        settings = json.dumps(asdict(Settings()) | changed)
        return caption_of("figure-a", Material(results={"one": recorded.assign_attrs(settings=settings)}))

    assert "settings" not in told()
    assert told(steps=30, reset="zero").endswith(", settings steps 30, reset zero.\n")


@pytest.mark.parametrize("name", FIGURES)
def test_type_is_large_enough_to_print(name, drawn):
    assert FIGURES[name].width in (plots.SINGLE_COLUMN, plots.DOUBLE_COLUMN)
    assert drawn[2][name] >= 6.5


def test_family_of_the_type(material, tmp_path):
    fonts = {}
    for family in ("sans", "serif"):
        done = make(material, tmp_path, ["figure-5"], formats=["pdf"], family=family, progress=False)
        page = PdfReader(done.files["figure-5"][0]).pages[0]
        fonts[family] = {font.get_object()["/BaseFont"] for font in page["/Resources"]["/Font"].values()}
    assert all("DejaVuSans" in font for font in fonts["sans"])
    assert all("STIX" in font for font in fonts["serif"])
    with pytest.raises(InputError, match="`family` must be sans, serif or the name of a font"):
        make(material, tmp_path, ["figure-5"], family="Comic Nonsense")
