"""`snnviz report`: a file that opens without a network, its plots drawn, its numbers inside."""

import pytest

from snnviz import jobs
from snnviz.cli import main
from snnviz.runs import Store


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    store = Store(folder / "runs")
    ids = []
    for name, network in (("before", "dense-mnist-heuristic"), ("<b>after</b>", "dense-mnist-optimized")):
        options = {"network": network, "limit": 50, "steps": 6, "engine": "event"}
        ids.append(jobs.run({"kind": "simulate", "name": name, "options": options}, store=store).run_id)
    out = folder / "mine.html"
    assert main(["report", *ids, "--out", str(out), "--tracking-uri", str(store.home)]) == 0
    return out, store


def test_it_opens_offline_with_plots_and_numbers(chromium, written):
    out, store = written
    page = chromium.new_page()
    asked, problems = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(out.as_uri())
    page.locator(".bk-Canvas").nth(1).wait_for(state="attached")
    page.get_by_role("heading", name="Compared").wait_for()
    page.get_by_text("snnviz simulate dense-mnist-optimized").first.wait_for()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert problems == []
    text = page.locator("body").inner_text()
    assert f"{store.list()[0].metrics['peak_accuracy']:.6g}" in text
    assert "<b>after</b>" in text, "text stays text"
    assert str(store.home) not in out.read_text(), "no path of this machine"
    page.close()


@pytest.mark.parametrize(
    ("words", "why"), [(["ffff"], "no run begins so"), (["ffff", "--out", "x.txt"], "must end in .html")]
)
def test_mistakes_are_one_line(written, words, why, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["report", *words, "--tracking-uri", str(written[1].home)]) == 2
    error = capsys.readouterr().err
    assert why in error
    assert error.count("\n") == 1
    assert not list(tmp_path.glob("*.html"))
