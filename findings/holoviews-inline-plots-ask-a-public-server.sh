#!/bin/sh
# HoloViews 1.23.2 with Panel 1.9.4: `hv.extension("bokeh", inline=True)` is there to load all that plots need from the notebook itself. Each
# plot shown still asks Panel's public server for four style sheets, also after `pn.extension(inline=True)`; the same plot in a pane of
# Panel's asks for none. Where there is no network they are missing; where there is one, it is told of every plot.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile holoviews==1.23.2 panel==1.9.4 bokeh==3.9.2 ipython==9.18.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import re
import sys

import holoviews as hv
import panel as pn

ADDRESS = re.compile(r"https://[^\"'\\ ]+/([a-z]+\.css)")
hv.extension("bokeh", inline=True)
pn.extension(inline=True)
curve = hv.Curve([1, 2, 3])

plot, _ = hv.renderer("bokeh").components(curve)  # what HoloViews gives to a notebook
pane, _ = pn.pane.HoloViews(curve)._repr_mimebundle_()  # what Panel gives to it
asked = {name: sorted(set(ADDRESS.findall(str(shown)))) for name, shown in (("plot", plot), ("pane", pane))}
print(asked)
expected = {"plot": ["default.css", "listpanel.css", "loading.css", "native.css"], "pane": []}
sys.exit("changed" if asked != expected else 0)
PYTHON
echo "as found: a plot asks for four style sheets, a pane for none"
