"""Sphinx settings; `make docs` builds into build/docs, and a warning fails the build."""

from snnviz import __version__

project = "snnviz"
author = "The snnviz authors"
copyright = "2026, the snnviz authors"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "_generated", "benchmarks_table.md", "converters_table.md", "exchange_table.md"]
html_theme = "furo"
html_title = "snnviz"
html_math_renderer = "mathml"
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


def write_command_page(app):
    """The help of every command, as the command itself prints it."""
    import io
    import os
    from pathlib import Path

    from snnviz import cli

    os.environ["COLUMNS"] = "100"
    page = io.StringIO()
    for words, command in cli.leaves(cli.parser()):
        page.write(f"## snnviz {' '.join(words)}\n\n```text\n{command.format_help()}```\n\n")
    target = Path(app.srcdir) / "_generated" / "cli.md"
    target.parent.mkdir(exist_ok=True)
    if not target.exists() or target.read_text() != page.getvalue():
        target.write_text(page.getvalue())


def write_formula(translator, node):
    """A formula as MathML, which browsers draw by themselves; Sphinx's default loads MathJax from elsewhere."""
    from docutils.nodes import SkipNode
    from latex2mathml.converter import convert

    translator.body.append(convert(node.astext(), display="inline" if node.tagname == "math" else "block"))
    raise SkipNode


def setup(app):
    """Called by Sphinx."""
    app.connect("builder-inited", write_command_page)
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
