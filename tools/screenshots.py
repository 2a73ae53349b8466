"""Pictures of all pages for the documentation, light and dark, wide and on a phone: python tools/screenshots.py URL FOLDER.

The server at URL is `snnviz dashboard` with results and a store of runs; Playwright and a Chromium are needed.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from snnviz.dashboard import PAGES

SIZES = {"": (1440, 1000, 1100), "-phone": (390, 844, 390)}
"""Ending of the file's name -> width and height of the window, and width of the picture."""


def main(url: str, folder: Path) -> None:
    """Write page-NAME[-phone][-dark].webp for each page."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            for ending, (width, height, shown) in SIZES.items():
                page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
                page.set_default_timeout(120_000)
                for one in PAGES:
                    name = f"page-{one.slug}{ending}{'-dark' if scheme == 'dark' else ''}.webp"
                    page.goto(f"{url.rstrip('/')}/{one.slug}")
                    _small(_settled(page), shown).save(folder / name, quality=75, method=6)
                page.close()
        browser.close()


def _settled(page: Page) -> bytes:
    """A picture once the page has stopped changing."""
    page.get_by_text("What the words mean").wait_for()
    before = b""
    for _ in range(20):
        page.wait_for_timeout(1500)
        now = page.screenshot()
        if now == before:
            break
        before = now
    return before


def _small(content: bytes, width: int) -> Image.Image:
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
