"""Other simulators, each a small script that runs in an environment of its own (see `setup.py`)."""
