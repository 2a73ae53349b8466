"""Former names of public things: they work, and warn."""

import pytest

from snnviz import conversion, datasets


@pytest.mark.parametrize(
    ("module", "former", "now"), [(datasets, "Record", "Available"), (conversion, "Problem", "Obstacle")]
)
def test_a_former_name_warns_and_works(module, former, now):
    with pytest.warns(DeprecationWarning, match=f"{module.__name__}.{former} is called {now} now"):
        assert getattr(module, former) is getattr(module, now)
    assert former not in module.__all__


def test_an_unknown_name_is_unknown():
    with pytest.raises(AttributeError, match="has no attribute 'Recrod'"):
        datasets.Recrod  # noqa: B018
