"""A headless Chromium, or a reason why there is none."""

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

TOLD_TWICE = pytest.mark.filterwarnings("ignore:reference already known")
"""BokehJS (3.9) may tell in full of a model that has just come into the page, and `snnviz dashboard` says nothing of it. As an
error it would pass through Bokeh, and what was clicked be lost."""
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
]  # fmt: skip


@pytest.fixture(scope="module")
def chromium():
    """A browser for one file of tests: Playwright keeps an event loop running, which would fail later files' `asyncio.run`."""
    playwright_api = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed (pip install playwright)"
    )
    with playwright_api.sync_playwright() as playwright:
        program = _program(playwright.chromium.executable_path)
        if program is None:
            pytest.skip("no Chromium here (apt-get install chromium, or playwright install --with-deps chromium)")
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def _program(own: str) -> str | None:
    """The system's Chromium, else Playwright's `own`; Ubuntu's package is a script that asks for another package."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        path = shutil.which(name)
        if path is not None and not subprocess.run([path, "--version"], capture_output=True).returncode:
            return path
    return own if Path(own).exists() else None


@pytest.fixture(scope="module")
def profile(chromium):
    """One profile for a file of tests: what a page has loaded, the next takes from the browser's cache."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def page(profile):
    """See `watched`."""
    with watched(profile) as page:
        yield page


@contextmanager
def watched(profile):
    """A page that notes errors on the console and requests that leave this machine."""
    profile.clear_cookies()
    page = profile.new_page()
    page.set_viewport_size({"width": 1440, "height": 900})
    page.set_default_timeout(180_000)
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(f"page error: {error}"))
    page.on("console", lambda message: message.type == "error" and page.problems.append(f"console: {message.text}"))

    def note(request):
        if not request.url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")):
            page.problems.append(f"outside: {request.url}")

    page.on("request", note)
    try:
        yield page
    finally:
        page.close()
