"""The page Convert for `panel serve apps/*.py --args [RESULT.nc ...] [--read-only]`."""

import sys

from snnviz.dashboard import Convert, create_app, shared_workspace

create_app(shared_workspace(tuple(sys.argv[1:])), Convert).servable("snnviz convert")
