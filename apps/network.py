"""The page Network for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Network, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Network).servable("snnviz network")
