"""The page Explorer for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Explorer, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Explorer).servable("snnviz explorer")
