"""A callback that fails: it is said where it failed, and other sessions never notice."""

import asyncio
import contextlib
import gc
import logging
from types import SimpleNamespace

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.io import doc as bokeh_doc
from bokeh.models import ColumnDataSource
from panel.io.state import set_curdoc

from snnviz import dashboard
from snnviz.dashboard import page as page_module
from snnviz.errors import InputError
from tests.apps.test_server import asked
from tests.synthetic import dense_mnist


@pytest.fixture
def left_behind():
    """Bokeh's current document is one that has ended, as after an exception that passed through Bokeh."""
    document = Document()
    with contextlib.suppress(ZeroDivisionError), bokeh_doc.patch_curdoc(document):
        raise ZeroDivisionError
    del document
    gc.collect()
    with pytest.raises(RuntimeError, match="destroyed"):
        bokeh_doc.curdoc()
    yield
    bokeh_doc._PATCHED_CURDOCS.clear()


def test_plots_are_drawn_whatever_bokeh_takes_for_the_current_document(left_behind):
    explorer = dashboard.Explorer(dense_mnist())
    before = explorer.figures["spike_rates"].figure
    assert before is not None
    explorer.dark = True
    assert explorer.figures["spike_rates"].figure is not before


@pytest.fixture(scope="module")
def one_run():
    """Pages of one workspace share what they draw first."""
    return dashboard.Workspace(dense_mnist())


def test_a_failure_is_said_and_logged(one_run, caplog):
    explorer = dashboard.Explorer(one_run)
    with caplog.at_level(logging.ERROR):
        explorer.guarded(lambda: 1 / 0)()
    assert "ZeroDivisionError" in explorer.notice.object
    assert "ZeroDivisionError" in caplog.text
    explorer.guarded(lambda: explorer.workspace.result("x"))()
    assert "must be one of" in explorer.notice.object, "a mistake of the user's is said in its own words"


def test_a_number_out_of_range_is_a_mistake_of_the_users(caplog):
    """As Panel hands it on from a field that was empty, of which a browser minds no limits."""
    optimize = dashboard.Optimize()
    with caplog.at_level(logging.ERROR):
        optimize.guarded(lambda: optimize.param.update(items=0))()
        assert "Items must be at least 1. Received: 0" in optimize.notice.object
        hardware = dashboard.Hardware()
        hardware.guarded(lambda: hardware.param.update(items=None))()
    assert "Items must be an integer. Received: nothing" in hardware.notice.object
    assert not caplog.text


class Button:
    disabled = loading = False


def test_work_apart_gives_the_button_back_whatever_happens(one_run):
    explorer, button, found = dashboard.Explorer(one_run), Button(), []
    explorer.apart(lambda: 3, found.append, button)
    assert (found, button.disabled) == ([3], False)

    def refuse():
        raise InputError("not <so>")

    explorer.apart(refuse, found.append, button)
    assert (found, button.disabled) == ([3], False)
    assert "not &lt;so&gt;" in explorer.notice.object


def test_one_sessions_failure_leaves_others_whole(one_run, monkeypatch):
    """Callbacks of one session raise, those of Panel and those that Bokeh calls itself, and it ends; another goes on."""
    made = []
    begin = page_module.Page.__init__

    def remember(page, *arguments, **options):
        begin(page, *arguments, **options)
        made.append(page)

    monkeypatch.setattr(page_module.Page, "__init__", remember)
    with dashboard.Serving(one_run) as server:
        made.clear()
        for _ in range(2):
            assert asked(server, "/explorer", f"127.0.0.1:{server.port}")[0] == 200
        failing = made[0]
        context = server._server._tornado._applications["/explorer"]
        session = next(iter(context.sessions))

        async def fail():
            document = session.document
            with set_curdoc(document):
                pn.state.execute(lambda: 1 / 0, schedule=True)  # as Panel calls callbacks
            while not failing.notice.object:
                await asyncio.sleep(0.01)
            failing.say("")

            def fails(attr, old, new):
                raise ZeroDivisionError

            def changed():
                source = ColumnDataSource()
                source.on_change("data", failing.guarded(fails))  # as Bokeh does
                document.add_root(source)
                source.data = {"x": [1]}

            document.add_next_tick_callback(changed)
            while not failing.notice.object:
                await asyncio.sleep(0.01)
            assert not failing.gone
            await context._discard_session(session, lambda _: True)
            assert failing.gone

        asyncio.run_coroutine_threadsafe(fail(), server._server.io_loop.asyncio_loop).result(60)
        assert bokeh_doc._PATCHED_CURDOCS == []
        assert made[1].notice.object == ""


def test_nothing_is_drawn_for_a_browser_that_has_left(one_run):
    page = dashboard.Explorer(one_run)
    shown = {name: each.figure for name, each in page.figures.items()}
    page._served = True
    page._document = SimpleNamespace(session_context=None)  # as Bokeh leaves it
    page.dark = True
    page._document.session_context = SimpleNamespace(destroyed=True)
    page.dark = False
    page.dark = True
    assert {name: each.figure for name, each in page.figures.items()} == shown
    page.dark = False
    page._document.session_context.destroyed = False
    page.dark = True
    assert page.figures["spike_rates"].figure is not shown["spike_rates"]
