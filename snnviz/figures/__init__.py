"""Figures and tables by one call: every plot of `snnviz.plots` at journal size, with its numbers and its origin beside it.

`shipped()` or `from_files(...)` gathers what is to be drawn, `make` writes the files. `snnviz figures` and `snnviz tables` do
nothing else.
"""

from snnviz.figures.animation import Animation
from snnviz.figures.catalog import FIGURES, Figure
from snnviz.figures.loading import from_files
from snnviz.figures.make import Made, make, make_animations
from snnviz.figures.material import Material, classifiers, shipped, together
from snnviz.figures.scenes import firing_animation, prediction_animation
from snnviz.figures.stream import stream_animation
from snnviz.figures.tables import TABLES, make_tables, table

__all__ = [
    "FIGURES",
    "TABLES",
    "Animation",
    "Figure",
    "Made",
    "Material",
    "classifiers",
    "firing_animation",
    "from_files",
    "make",
    "make_animations",
    "make_tables",
    "prediction_animation",
    "shipped",
    "stream_animation",
    "table",
    "together",
]
