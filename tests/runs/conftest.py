"""One store for the tests of a module: its tables take a second to make."""

import pytest

from snnviz.runs import Store


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("store"))
