"""What a count of the kernel's work must not depend on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from shapes.expr import hash_consing


@contextmanager
def undisturbed() -> Iterator[None]:
    """Neither a collection, which runs callbacks of weak references, nor a sweep of the intern
    tables, which all that was made before has paid for, falls into the block."""
    sweep_at = list(hash_consing._sweep_at)
    gc.collect()
    gc.disable()
    hash_consing._sweep_at[:] = [sys.maxsize, sys.maxsize]
    try:
        yield
    finally:
        hash_consing._sweep_at[:] = sweep_at
        gc.enable()
