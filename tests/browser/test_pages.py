"""Every page walked in a real browser: its main widgets, no error on the console, nothing from outside."""

import io
import json
import re
from collections import Counter

import pytest
from pypdf import PdfReader

from snnviz import dashboard, datasets, jobs, pretrained, simulate
from snnviz.runs import Store
from tests.browser.conftest import TOLD_TWICE

pytestmark = TOLD_TWICE
EVIL = "<img src=x onerror=console.error('evil')>"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    images = datasets.load("mnist", split="test", limit=200)
    results = {}
    for title, name in (("before", "dense-mnist-heuristic"), ("after", "dense-mnist-optimized")):
        results[title] = simulate(
            pretrained.network(name), images.x, images.y, 10, engine="event",
            record=("prediction", "logits", "events"), progress=False, title=title,
        )  # fmt: skip
        results[title].attrs["dataset"] = "mnist"
    store = Store(tmp_path_factory.mktemp("runs"))
    for name in ("plain", EVIL):
        options = {"network": "dense-mnist-heuristic", "limit": 50, "steps": 6, "engine": "event"}
        opened = jobs.run({"kind": "simulate", "name": name, "options": options}, store=store).run_id
    workspace = dashboard.Workspace(results, store=store)
    workspace.watcher.look_now()
    with dashboard.Serving(workspace) as running:
        running.opened = opened
        yield running


def test_every_page_opens_from_the_menu(page, server):
    """Nothing runs off the side, on a narrow screen either, and what can be used has a name that a screen reader reads."""
    page.goto(server.url)
    for one in dashboard.PAGES:
        page.locator("nav").get_by_role("link", name=one.title, exact=True).click()
        page.get_by_role("heading", level=1, name=one.heading).wait_for()
        page.wait_for_url(f"**/{one.slug}*")
        page.get_by_text("What the words mean").wait_for()
        for width in (390, 1024, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
        tree = page.locator("body").aria_snapshot()
        assert (
            re.findall(
                r"- (?:button|combobox|textbox|spinbutton|checkbox|link|listbox|figure)(?:$|:| \[).*", tree, re.M
            )
            == []
        )
    assert page.problems == []


def test_a_bar_shows_that_the_server_works_and_back_undoes_what_was_changed(page, server):
    page.goto(f"{server.url}explorer")
    page.locator(".bk-Canvas").nth(5).wait_for(state="attached")
    page.evaluate("""() => {
      const bar = document.querySelector(".snn-busy")
      const note = () => { if (!bar.hidden) window.shown = true }
      new MutationObserver(note).observe(bar, { attributes: true })
    }""")
    axis = page.get_by_role("group", name="Time axis")
    axis.get_by_role("button", name="linear").click()
    page.wait_for_function("window.shown")
    page.wait_for_function("document.querySelector('.snn-busy').hidden")
    page.wait_for_function("location.search.includes('time_scale=linear')")
    page.go_back()
    page.wait_for_function("location.search.includes('time_scale=log')")
    axis.locator(".bk-active", has_text="log").wait_for()
    page.go_forward()
    axis.locator(".bk-active", has_text="linear").wait_for()
    assert page.problems == []


# the field is the same on all pages
UPLOADS = [
    ("optimize", "dense-mnist-heuristic"), ("sparsity", "dense-mnist"),
    pytest.param("adapt", "dense-mnist", marks=pytest.mark.slow),
    pytest.param("hardware", "dense-mnist-heuristic", marks=pytest.mark.slow),
]  # fmt: skip


@pytest.mark.parametrize(("slug", "name"), UPLOADS)
def test_real_files_are_taken(page, server, slug, name):
    """Chromium knows no media type for them."""
    page.goto(f"{server.url}{slug}")
    page.get_by_text("What the words mean").wait_for()
    page.wait_for_function("Bokeh.documents[0].is_idle")
    page.locator("input[type=file]").set_input_files(pretrained.path(name))
    file = pretrained.path(name).name
    page.get_by_text(f"{file} was uploaded and is chosen.").wait_for()
    page.wait_for_function("location.search.includes('upload%3A')")
    shown = page.locator(".filepond--file-info-main")
    assert shown.inner_text() == file
    ink, paper = (
        shown.evaluate(f"shown => getComputedStyle(shown{where}).{what}")
        for where, what in (("", "color"), (".closest('.filepond--root')", "backgroundColor"))
    )
    assert luminance(ink) < luminance(paper) / 4, f"{ink} on {paper}"
    assert page.problems == []


def luminance(colour):
    return sum(float(part) for part in re.findall(r"[\d.]+", colour)[:3])


def test_predictions(page, server):
    page.goto(f"{server.url}predictions?kind=all&dark=true")
    pictures = page.get_by_role("group", name="Items").get_by_role("button")
    pictures.nth(3).click()
    page.wait_for_function("location.search.includes('item=3')")
    handle = page.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("End")
    page.wait_for_function("location.search.includes('time=10')")
    page.get_by_role("button", name="wavering").click()
    page.wait_for_function("location.search.includes('kind=wavering')")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("location.search.includes('time=2')")
    page.get_by_role("button", name="Pause").click()
    page.locator(".bk-Canvas").nth(6).wait_for(state="attached")
    assert page.locator(".bk-Canvas").count() == 7
    assert page.problems == []


def test_network(page, server):
    page.goto(f"{server.url}network")
    page.get_by_role("button", name="Compare on 100 items").click()
    page.get_by_text("The spiking network gives the analog network's answer").wait_for()
    handle = page.locator(".noUi-handle").first
    handle.focus()
    page.keyboard.press("Home")
    page.get_by_text("128 neurons, 1 steps").or_(page.get_by_text("266 neurons, 1 steps")).wait_for()
    assert page.problems == []


def test_runs_compared_and_exported(page, server):
    page.goto(f"{server.url}runs")
    page.get_by_role("checkbox").nth(0).check()
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_role("heading", name="Side by side").wait_for()
    page.wait_for_function("location.search.includes('chosen')")
    page.get_by_role("button", name="plain", exact=True).click()
    page.get_by_role("heading", name="Log").wait_for()
    with page.expect_download() as download:
        page.get_by_text("PDF", exact=True).first.click()
    with open(download.value.path(), "rb") as file:  # noqa: PTH123 - a path of playwright's
        document = PdfReader(io.BytesIO(file.read()))
    assert "Accuracy" in document.pages[0].extract_text()
    page.get_by_role("link", name="Show their curves in the explorer").click()
    page.get_by_text("Time to").first.wait_for()
    page.locator(".bk-Canvas").nth(3).wait_for(state="attached")
    assert page.problems == [], "not even by a run with an evil name"


def test_runs_found_sorted_marked_and_deleted(page, server):
    page.goto(f"{server.url}runs")
    page.get_by_role("button", name="plain", exact=True).wait_for()
    page.get_by_text("What the words mean").wait_for()
    page.wait_for_timeout(1000)
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function("location.search.includes('sort=name')")
    page.get_by_label("Search").fill("plain")
    page.get_by_label("Search").press("Enter")
    page.get_by_text(re.compile(r"1 of \d+ runs")).wait_for()
    page.get_by_role("checkbox", name="compare plain").check()
    page.get_by_role("button", name="Delete what is ticked").click()
    page.get_by_role("button", name="Really delete 1 run?").click()
    page.get_by_text(re.compile(r"0 of \d+ runs")).wait_for()
    page.get_by_role("button", name="Undo: bring them back").click()
    page.get_by_role("button", name="plain", exact=True).wait_for()
    assert page.problems == []


def test_a_stroke_is_answered(page, server):
    page.goto(f"{server.url}live?network=dense-mnist-optimized")
    page.get_by_text(re.compile("step .* of 20")).wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text(re.compile("From stroke to picture")).wait_for()
    pad = page.get_by_role("img", name="Pad to draw on").bounding_box()
    page.mouse.move(pad["x"] + 112, pad["y"] + 40)
    page.mouse.down()
    page.mouse.move(pad["x"] + 112, pad["y"] + 180, steps=8)
    page.mouse.up()
    page.get_by_text(re.compile("step 20 of 20: 1,")).wait_for()
    page.get_by_role("button", name="Play").click()  # at the end: from the beginning
    page.get_by_text(re.compile("step 1?[0-9] of 20")).wait_for()
    page.get_by_text(re.compile("step 20 of 20: 1,")).wait_for()
    page.get_by_role("button", name="layer dense2").click()
    page.wait_for_function("location.search.includes('layer=dense2')")
    page.get_by_text(re.compile("dense2, neuron .*: fires in")).wait_for()
    page.get_by_role("slider", name="Time step").fill("3")
    page.get_by_text(re.compile("step 3 of 20")).wait_for()
    assert page.problems == []


def test_a_camera_is_answered_and_a_missing_one_is_said(page, server):
    page.goto(f"{server.url}live?network=dense-mnist-optimized")
    page.get_by_text(re.compile("step .* of 20")).wait_for()
    page.get_by_role("button", name="Camera", exact=True).click()  # Chromium's own, a green picture that moves
    page.get_by_text(re.compile("From stroke to picture")).wait_for()
    page.get_by_role("button", name="Stop camera").click()
    page.get_by_role("button", name="Camera", exact=True).wait_for()
    for error, words in (("NotAllowedError", "was not allowed"), ("NotFoundError", "No camera was found")):
        page.evaluate(
            "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)) }", error
        )
        page.get_by_role("button", name="Camera", exact=True).click()
        page.get_by_text(words).wait_for()
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    page.get_by_role("button", name="Camera", exact=True).click()
    page.get_by_text("localhost or over https").wait_for()
    assert page.problems == []


def test_an_optimisation_page_without_a_search_says_what_to_do(page, server):
    page.goto(f"{server.url}optimize")
    page.get_by_text("Nothing tried yet").first.wait_for()
    page.get_by_text("What the words mean").wait_for()  # the last part: a click before it may come to nothing
    page.get_by_role("button", name="layer", exact=True).click()
    page.wait_for_function("location.search.includes('per=layer')")
    assert page.problems == []


def test_sparsity(page, server):
    page.goto(f"{server.url}sparsity")
    page.get_by_text("without the last hidden layer (as published)").first.wait_for()
    page.get_by_label("Show").or_(page.locator("select").last).first.select_option(label="zero synapses, S_w")
    page.wait_for_function("location.search.includes('value=S_w')")
    assert page.problems == []


@pytest.mark.parametrize(
    "slug", [pytest.param(one.slug, marks=[] if one.slug == "runs" else pytest.mark.slow) for one in dashboard.PAGES]
)
def test_narrow_screens(page, server, slug):
    """As pages are first drawn there; `test_every_page_opens_from_the_menu` makes wide ones narrow."""
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{server.url}{slug}{'?opened=' + server.opened if slug == 'runs' else ''}")
    page.get_by_text("What the words mean").wait_for()
    if slug == "runs":
        page.get_by_text("Look at its network").wait_for()
    page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
    page.set_viewport_size({"width": 1024, "height": 900})
    page.wait_for_function("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.problems == []


def test_nothing_is_white_for_those_whose_system_is_dark(chromium, server):
    """Nor before the browser has told so, nor before a plot is there, which has a grey place until then."""
    page = chromium.new_page(color_scheme="dark")
    page.add_init_script(SEEN)
    page.goto(f"{server.url}explorer")
    page.locator(".skeleton").first.wait_for()
    page.locator(".bk-Canvas").nth(3).wait_for(state="attached")
    page.wait_for_function("sessionStorage.seen")
    assert page.evaluate("JSON.parse(sessionStorage.seen)") == ["rgb(14, 19, 26)"]
    page.close()


def models(message):
    """Ids of the models that are told in full in a message of the server."""
    if isinstance(message, dict):
        if message.get("type") == "object" and "id" in message:
            yield message["id"]
        message = list(message.values())
    if isinstance(message, list):
        for part in message:
            yield from models(part)


def test_the_browser_is_told_each_model_once(page, server):
    told = Counter()

    def note(frame):
        if isinstance(frame, str) and frame.startswith("{"):
            told.update(models(json.loads(frame)))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    page.goto(f"{server.url}explorer")
    page.locator(".bk-Canvas").nth(5).wait_for(state="attached")
    page.get_by_role("button", name="Dark").click()
    page.wait_for_function("location.search.includes('dark=')")
    page.get_by_text("What the words mean").wait_for()
    assert len(told) > 500
    assert [name for name, times in told.items() if times > 1] == []


SEEN = """(() => {
  const note = () => {
    const seen = JSON.parse(sessionStorage.seen ?? "[]"), now = getComputedStyle(document.documentElement).backgroundColor
    if (document.styleSheets.length && !seen.includes(now)) sessionStorage.seen = JSON.stringify([...seen, now])
    requestAnimationFrame(note)
  }
  requestAnimationFrame(note)
})()"""
"""Notes the grounds of all frames that are painted, those before the page asks once more included."""


def test_the_browser_asks_no_other_server(page, server):
    page.goto(f"{server.url}optimize")
    page.get_by_role("heading", level=1).wait_for()
    page.evaluate("""() => {
        window.seen = []
        document.addEventListener("securitypolicyviolation", event => seen.push(event.effectiveDirective))
        const put = html => document.body.insertAdjacentHTML("beforeend", html)
        put("<img src='http://127.0.0.1:1/'>")
        put("<link rel='stylesheet' href='http://127.0.0.1:1/'>")
        put("<div id='attribute' onclick='window.ran = 1'>")
        fetch("http://127.0.0.1:1/").catch(() => 0)
        const script = document.createElement("script")
        script.textContent = "window.ran = 1"
        document.body.append(script)
    }""")
    directives = ["connect-src", "img-src", "script-src-elem", "style-src-elem"]
    page.wait_for_function("named => named.every(name => seen.includes(name))", arg=directives)
    page.evaluate("document.querySelector('#attribute').click()")
    assert page.evaluate("window.ran") is None
