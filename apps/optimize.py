"""The page Optimize for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Optimize, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Optimize).servable("snnviz optimise")
