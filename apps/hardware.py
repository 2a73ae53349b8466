"""The page Hardware for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Hardware, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Hardware).servable("snnviz hardware")
