"""The explorer for `panel serve apps/explorer.py --args RESULT.nc ...`."""

import sys
from pathlib import Path

from snnviz import results
from snnviz.dashboard import create_app

files = [Path(name) for name in sys.argv[1:]] or sorted(Path("snnviz-out").glob("*.nc"))
create_app({file.stem: results.load(file) for file in files}).servable(title="snnviz explorer")
