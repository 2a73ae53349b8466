"""The explorer walked in a real browser."""

import pytest

from snnviz import dashboard
from tests.browser.conftest import TOLD_TWICE, watched
from tests.synthetic import dense_mnist

pytestmark = TOLD_TWICE
CANVAS = ".bk-Canvas"


@pytest.fixture(scope="module")
def server():
    runs = {"before": dense_mnist(title="before"), "after": dense_mnist(title="after", fast=True)}
    with dashboard.Serving(runs) as running:
        yield running


def opened(page, url):
    page.goto(url)
    page.locator(CANVAS).nth(3).wait_for(state="attached")  # all four plots
    return page


@pytest.fixture(scope="module")
def explorer(profile, server):
    """A page for tests that leave its state as it is."""
    with watched(profile) as page:
        yield opened(page, server.url)


def wait_for_address(page, part):
    page.wait_for_function("part => location.search.includes(part)", arg=part)


def test_walk(page, server):
    opened(page, server.url)
    assert page.title() == "snnviz explorer"
    page.get_by_text("Time to 98 %").first.wait_for()

    # the threshold, by keyboard: up to the end, which nobody reaches
    handle = page.locator(".noUi-handle")
    handle.focus()
    page.keyboard.press("End")
    page.get_by_text("Time to 100 %").first.wait_for()
    page.get_by_text("never reached: an underestimate").wait_for()
    wait_for_address(page, "threshold=1")

    page.get_by_role("group", name="Events axis").get_by_role("button", name="log").click()
    wait_for_address(page, "x_scale=log")
    page.get_by_role("button", name="after").last.click()  # the first one chooses curves
    wait_for_address(page, "run=after")
    page.get_by_role("button", name="before").first.click()
    wait_for_address(page, "runs=")
    page.get_by_role("button", name="before").first.click()
    wait_for_address(page, "before")
    page.get_by_role("button", name="Dark").click()
    wait_for_address(page, "dark=true")
    ground = "element => getComputedStyle(element).backgroundColor"
    assert {page.locator(place).evaluate(ground) for place in (".snn-page", "html")} == {"rgb(14, 19, 26)"}
    page.locator(".bk-Canvas").first.hover()
    page.mouse.move(0, 5)  # Bokeh hears of the mouse when it moves
    page.locator(".bk-Canvas").first.hover()
    assert page.locator(".bk-Tooltip").first.evaluate(ground) == "rgb(22, 28, 36)"
    assert page.problems == []


def test_every_control_is_reached_by_keyboard(explorer):
    focused = """() => {
        let element = document.activeElement;
        while (element && element.shadowRoot && element.shadowRoot.activeElement) element = element.shadowRoot.activeElement;
        return element ? (element.innerText || element.className) : '';
    }"""
    reached = set()
    for _ in range(60):
        explorer.keyboard.press("Tab")
        words = explorer.evaluate(focused)
        reached.add(words.split("\n")[0].strip())
    wanted = {
        "Dark",
        "linear",
        "log",
        "all",
        "top",
        "best ANN",
        "own ANN",
        "own peak",
        "before",
        "after",
        "PNG",
        "SVG",
        "PDF",
        "CSV",
    }
    assert wanted <= reached
    assert any("noUi-handle" in words for words in reached)
    assert any(words.startswith("Pareto latency") for words in reached), "explanations open on focus"


EXPORTS = {"PNG": b"\x89PNG", "SVG": b"<?xml", "PDF": b"%PDF", "CSV": b"run,time"}


def test_export(explorer):
    for kind, start in EXPORTS.items():
        with explorer.expect_download() as download:
            explorer.get_by_text(kind, exact=True).first.click()
        assert download.value.suggested_filename == f"accuracy-over-time.{kind.lower()}"
        with open(download.value.path(), "rb") as file:  # noqa: PTH123 - a path of playwright's
            assert file.read().startswith(start), kind
    assert explorer.problems == []


def test_nothing_runs_off_the_side(explorer):
    for width in (1440, 390):
        explorer.set_viewport_size({"width": width, "height": 900})
        explorer.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)


def test_the_address_brings_back_the_state(page, server):
    opened(page, f"{server.url}?threshold=0.9&x_scale=log&dark=true&zoom=all&reference=nonsense")
    page.get_by_text("Time to 90 %").first.wait_for()
    assert "bk-active" in page.get_by_role("group", name="Events axis").get_by_role("button", name="log").get_attribute(
        "class"
    )
    assert "bk-active" in page.get_by_role("button", name="all").get_attribute("class")
    assert page.problems == []


SPAN = """() => {
    const figure = Bokeh.documents.flatMap(document => [...document._all_models.values()])
        .find(model => model.html_attributes?.["aria-label"] == "Accuracy over time")
    return [figure.x_range.start, figure.x_range.end, figure.y_range.start, figure.y_range.end]
}"""
"""Left, right, bottom and top of a plot."""


def test_a_zoom_is_in_the_address_and_back_undoes_it(page, server):
    opened(page, server.url)
    whole = page.evaluate(SPAN)
    box = page.locator(".bk-Canvas").first.bounding_box()
    for act, x, y in ((page.mouse.down, 0.4, 0.3), (page.mouse.up, 0.7, 0.6)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
        act()
    wait_for_address(page, "zoomed=")
    window = page.evaluate(SPAN)
    assert whole[0] < window[0] < window[1] < whole[1]
    address = page.url
    page.go_back()
    page.wait_for_function(f"whole => JSON.stringify(({SPAN})()) == JSON.stringify(whole)", arg=whole)
    opened(page, address)
    assert page.evaluate(SPAN) == pytest.approx(window, rel=1e-4)
    assert page.problems == []


def test_empty_state(page):
    with dashboard.Serving() as running:
        page.goto(running.url)
        page.get_by_text("No result yet").wait_for()
        page.get_by_text("snnviz simulate dense-mnist").wait_for()
    assert page.problems == [] or all("WebSocket" in problem for problem in page.problems)
