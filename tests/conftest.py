"""Settings shared by all tests: one reproducible hypothesis profile, and a clean start."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "shapeproof",
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("shapeproof")


@pytest.fixture(scope="module", autouse=True)
def _collected() -> None:
    """Each module starts without the symbols of the modules before: the text of an expression
    names its symbols in the order in which they were made, and a symbol lives as long as any
    graph that mentions it; graphs are cyclic, so they go when the collector runs. What is
    left (a million objects of the modules themselves) is looked at once."""
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()
