"""The page Live for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Live, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Live).servable("snnviz live")
