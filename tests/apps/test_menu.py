"""The pages that there are, and their order in the menu."""

from pathlib import Path

from snnviz import dashboard


def test_every_page_module_is_a_page_with_a_place_of_its_own():
    modules = {file.stem for file in Path(dashboard.__file__).parent.glob("*_page.py")}
    assert {page.__module__.rpartition(".")[2] for page in dashboard.PAGES} == modules
    assert len({page.slug for page in dashboard.PAGES}) == len(dashboard.PAGES) == len(modules)
    places = [page.place for page in dashboard.PAGES]
    assert places == sorted(set(places))
    assert dashboard.PAGES[0] is dashboard.Explorer
