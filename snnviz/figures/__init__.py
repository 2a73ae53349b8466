"""Figures and tables by one call: every plot of `snnviz.plots` at journal size, with its numbers and its origin beside it.

`shipped()` or `from_files(...)` gathers what is to be drawn, `make` writes the files. `snnviz figures` and `snnviz tables` do
nothing else.
"""

from snnviz.figures.catalog import FIGURES, Figure
from snnviz.figures.make import make
from snnviz.figures.material import Material, from_files, shipped
from snnviz.figures.tables import TABLES, make_tables, table

__all__ = ["FIGURES", "TABLES", "Figure", "Material", "from_files", "make", "make_tables", "shipped", "table"]
