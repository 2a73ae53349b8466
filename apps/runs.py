"""The page Runs for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Runs, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Runs).servable("snnviz runs")
