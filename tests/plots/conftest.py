"""Results that the plots draw."""

import pytest

from tests.synthetic import dense_mnist


@pytest.fixture(scope="session")
def before():
    return dense_mnist(title="before")


@pytest.fixture(scope="session")
def after():
    return dense_mnist(title="after", fast=True)
