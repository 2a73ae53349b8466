"""The pages there are, in the order of the menu: every module `..._page` here defines one, which says its place."""

import importlib
import pkgutil

from snnviz.dashboard.page import Page


def _found() -> list[type[Page]]:
    package = __name__.rpartition(".")[0]
    folder = importlib.import_module(package).__path__
    modules = [
        importlib.import_module(f"{package}.{each.name}")
        for each in pkgutil.iter_modules(folder)
        if each.name.endswith("_page")
    ]
    return [
        made
        for module in modules
        for made in vars(module).values()
        if isinstance(made, type) and issubclass(made, Page) and made.__module__ == module.__name__ and made.slug
    ]


PAGES: tuple[type[Page], ...] = tuple(sorted(_found(), key=lambda page: page.place))
