"""Sphinx settings; `make docs` builds into build/docs, and a warning fails the build."""

from snnviz import __version__

project = "snnviz"
author = "The snnviz authors"
copyright = "2026, the snnviz authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "snnviz"
html_theme_options = {"source_repository": ""}

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
suppress_warnings = ["config.cache"]
