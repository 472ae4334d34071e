"""Settings shared by all tests: one reproducible hypothesis profile, and a clean start."""

from __future__ import annotations

import gc
import signal

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

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # (Where the tests run in the background of a script: processes would inherit it, and those
    # that a test interrupts would go on.)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module", autouse=True)
def _collected() -> None:
    """Each module starts without the symbols of the modules before: the text of an expression
    names its symbols in the order in which they were made, and a symbol lives as long as any
    graph that mentions it; graphs are cyclic, so they go when the collector runs. What is
    left (a million objects of the modules themselves) is looked at once."""
    gc.collect()
    if not gc.get_freeze_count():
        gc.freeze()
