"""What is said of a precision that the processor lacks."""

import pytest
from llvmlite import binding

from snnviz.training.precision import warning


@pytest.mark.parametrize(
    ("precision", "features", "said"),
    [
        ("float32", {}, False),
        ("bfloat16", {"avx512f": True, "avx512bf16": False}, True),
        ("bfloat16", {"avx512bf16": True}, False),
        ("bfloat16", {"amx-bf16": True}, False),
    ],
)
def test_a_processor_without_bfloat16_is_told_of(monkeypatch, precision, features, said):
    monkeypatch.setattr(binding, "get_host_cpu_features", lambda: features)
    assert ("no instructions for bfloat16" in warning(precision)) == said
