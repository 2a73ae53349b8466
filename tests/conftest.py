"""Shared by all tests."""

import os

import pytest

# before anything imports them: quiet start-up, no GPU hunting
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


@pytest.fixture(scope="session", autouse=True)
def runs_of_the_tests(tmp_path_factory):
    """Commands that record a run do so here, not in the folder the tests are started in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNNVIZ_TRACKING_URI", str(tmp_path_factory.mktemp("runs")))
        yield
