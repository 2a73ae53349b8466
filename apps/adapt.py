"""The page Adapt for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Adapt, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Adapt).servable("snnviz adapt")
