"""The hardware page without a browser."""

import pytest

from snnviz import dashboard, plots
from snnviz.dashboard.hardware_page import TARGETS
from snnviz.errors import InputError
from snnviz.hardware.spinnaker.dryrun import Chip, Core, LayerPlan, Plan
from tests.apps.words import written


@pytest.fixture
def plan():
    layers = (
        LayerPlan("input", 784, 1, 2048, 0, 0, 120, 300, 0, None, 0),
        LayerPlan("hidden", 128, 1, 524_288, 46_111, 413, 10, 20, 300, (3, 3), 7),
        LayerPlan("output", 10, 1, 2048, 1279, 128, 0, 0, 20, (4, 1), 0),
    )
    cores = tuple(Core(0, 0, 3 + i, layer.name, 0, layer.neurons, layer.sdram) for i, layer in enumerate(layers))
    chips = tuple(Chip(x, 0, 17, 2**27, 3 if x == 0 else 0, 1023, (0, 0)) for x in range(3))
    warnings = ("input sends <many> spikes. Remedy: pool the input.",)
    return Plan(layers, cores, chips, 1, warnings, 50, 500, 9.6, {"sPyNNaker": "1!7.4.1"})


def test_nothing_yet():
    text = written(dashboard.Hardware())
    assert "No plan yet" in text
    assert "No result yet" in text
    assert "nothing can be launched" in text


def test_a_plan(plan):
    page = dashboard.Hardware(plan=plan)
    text = written(page)
    for words in (
        "of 1023 on a chip 3",
        "of 51 3",
        "46,111",
        "3, 3",
        "sPyNNaker 1!7.4.1, 500 items",
    ):
        assert words in text, words
    assert "Remedy: pool the input." in text
    html = " ".join(pane.object for pane in page._words.values())
    assert "&lt;many&gt;" in html  # whatever the tool chain says, it is not markup
    whole = page.figures["chip_map"].figure
    page.zoom = "used"
    assert page.figures["chip_map"].figure.x_range.end < 3 <= whole.x_range.end
    assert page.figures["chip_map"].export("csv").read().startswith(b"x,y,core,population")
    page.dark = True
    assert page.figures["chip_map"].figure is not None


def test_curves_side_by_side(pair, plan):
    page = dashboard.Hardware(pair, plan=plan)
    assert page.shown == ["before", "after"]
    page.shown = ["after"]
    assert set(page._curves(plots.accuracy_over_time_data)["run"]) == {"after"}
    page.shown = []
    assert page.figures["accuracy_over_time"].figure is None


def test_what_is_launched_follows_the_target(workspace):
    page = dashboard.Hardware(workspace)
    assert page.source == "dense-mnist-pooled-spinnaker"
    assert page.spec()["kind"] == "dryrun"
    assert "target" not in page.spec()["options"]
    page.target, page.host = "board", " 192.0.2.1 "
    assert page.spec()["kind"] == "spinnaker"
    assert page.spec()["options"]["host"] == "192.0.2.1"
    page.target, page.collab = "ebrains", "my-collab"
    options = page.spec()["options"]
    assert options["collab"] == "my-collab"
    # an address that a visitor may choose would get the credentials of the server
    assert "server" not in options
    assert "spalloc" not in TARGETS.values()


def test_a_launch_that_is_refused_says_why(workspace):
    page = dashboard.Hardware(workspace, target="ebrains")
    page.collab = ""
    page.items = 2
    with pytest.raises(InputError):
        workspace.launch(page.spec() | {"options": {**page.spec()["options"], "headroom": "none"}})


def test_a_dry_run_of_the_store_is_shown(workspace, plan, store, tmp_path):
    from snnviz.runs import Store

    recorded = _recorded(store, plan, tmp_path)
    assert isinstance(store, Store)
    workspace.watcher.look_now()
    page = dashboard.Hardware(workspace)
    page.tick()
    assert page.opened == recorded
    assert page.plan() == plan
    assert "46,111" in written(page)


def _recorded(store, plan, folder):
    """A finished run of kind "dryrun" with this plan, as its job leaves it."""
    from snnviz import jobs
    from snnviz.hardware.spinnaker import dryrun

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dryrun, "dry_run", lambda *arguments, **options: plan)
        spec = {"kind": "dryrun", "options": {"network": "dense-mnist-pooled-spinnaker", "limit": 2}}
        return jobs.run(spec, store=store, track=True).run_id
