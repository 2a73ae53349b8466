"""Jobs launched, watched and cancelled from a page, which is closed meanwhile."""

import time

import pytest

from snnviz import dashboard, jobs
from snnviz.runs import Store
from tests.browser.conftest import TOLD_TWICE

pytestmark = TOLD_TWICE


@pytest.fixture
def served(tmp_path):
    store = Store(tmp_path / "runs")
    workspace = dashboard.Workspace(store=store)
    workspace.watcher.look_now()
    with dashboard.Serving(workspace) as running:
        yield running, store
    for run in store.list():
        if run.active:
            jobs.cancel(run.id, store=store)


def the_run(store, name):
    return next((run for run in store.list() if run.name == name), None)


def wait_for(store, name, statuses, seconds=250.0):
    until = time.monotonic() + seconds
    while (run := the_run(store, name)) is None or run.status not in statuses:
        assert time.monotonic() < until, f"{name}: {run}"
        time.sleep(0.3)
    return run


def test_fine_tuning_from_launch_to_end_while_the_page_is_closed(page, served):
    server, store = served
    page.goto(f"{server.url}sparsity?epochs=1&limit=400&lambda_a=1.0")
    page.get_by_placeholder("a name, if you like").fill("from the page")
    page.get_by_placeholder("a name, if you like").press("Tab")
    page.get_by_role("button", name="Launch").click()
    page.get_by_text("Launched.").wait_for()
    page.get_by_role("heading", name="from the page").first.wait_for()
    page.wait_for_function("location.search.includes('opened=')")
    assert page.problems == []
    address = page.url
    again = page.context.browser.new_page()
    again.set_default_timeout(180_000)
    page.goto("about:blank")  # the tab is closed

    run = wait_for(store, "from the page", ("FINISHED", "FAILED"))
    assert run.status == "FINISHED", run.reason
    assert run.params["lambda_a"] == "1.0"
    again.goto(address)
    again.get_by_text("finished", exact=True).first.wait_for()
    again.get_by_role("heading", name="Log").wait_for()
    again.close()


def test_cancel_and_resume_are_on_the_page(page, served):
    server, store = served
    options = {"model": "dense-mnist", "epochs": [500, 1], "limit": 2000, "validation": 500}
    jobs.launch({"kind": "finetune", "name": "long", "options": options}, store=store)
    page.goto(f"{server.url}runs")
    page.get_by_role("button", name="long", exact=True).click()
    wait_for(store, "long", ("RUNNING",))
    page.get_by_text("running", exact=True).first.wait_for()
    page.get_by_role("button", name="Cancel", exact=True).click()
    run = wait_for(store, "long", ("KILLED",), 15)
    assert run.resumable
    page.get_by_text("The run was cancelled.").wait_for()
    page.get_by_role("button", name="Resume", exact=True).wait_for()
    assert page.problems == []


def test_from_a_search_on_to_the_curve_of_what_it_found(page, served):
    """Optimised, looked at, simulated again and explored: each step is a button where the last one's result is shown."""
    server, store = served
    options = {
        "network": "dense-mnist-heuristic", "method": "cmaes", "per": "network", "items": 200, "steps": 4, "evaluations": 3,
        "lambda_l": 1.0, "lambda_p": 1.0,
    }  # fmt: skip
    jobs.run({"kind": "optimize", "name": "searched", "options": options}, store=store)
    page.goto(f"{server.url}optimize")
    for plot in ("Loss", "Everything tried", "Scales", "Before and after"):
        page.get_by_role("figure", name=plot, exact=True).wait_for(state="attached")
    page.get_by_role("button", name="Simulate this").click()
    page.get_by_role("link", name="Follow it").click()
    page.wait_for_url("**/runs?opened=*")
    assert wait_for(store, "searched, simulated", ("FINISHED", "FAILED")).params["steps"] == "4"
    page.get_by_role("link", name="Explore", exact=True).click()
    page.get_by_role("figure", name="Accuracy over time", exact=True).wait_for(state="attached")
    page.get_by_role("link", name="Optimise it").click()
    page.wait_for_url("**/optimize?source=run*")
    assert page.problems == []
