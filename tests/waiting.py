"""Waiting for what must happen at last: how long it takes is no verdict on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["until"]

LONGEST = 300
"""Seconds after which something does not happen at all, on however slow a machine."""

T = TypeVar("T")


def until(happened: Callable[[], T], seconds: float = LONGEST, pause: float = 0.05) -> T:
    """What `happened` returns as soon as it is true. Raises `AssertionError` with its last
    answer if it never is."""
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, f"this has not happened: {found!r}"
        time.sleep(pause)
    return found
