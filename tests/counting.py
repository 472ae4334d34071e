"""Work in steps of Python's own interpreter, and what such a count must not depend on."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import shapes
from shapes.expr import hash_consing


@contextmanager
def undisturbed() -> Iterator[None]:
    """Neither a collection, which runs callbacks of weak references, nor a sweep of the intern
    tables, which all that was made before has paid for, falls into the block."""
    sweep_at = list(hash_consing._sweep_at)
    gc.collect()
    gc.disable()
    hash_consing._sweep_at[:] = [sys.maxsize] * len(sweep_at)
    try:
        yield
    finally:
        hash_consing._sweep_at[:] = sweep_at
        gc.enable()


def steps(task: Callable[[], object], package: ModuleType = shapes) -> int:
    """Bytecode instructions of a package that a task executes."""
    count = 0
    sources = str(Path(str(package.__file__)).parent)

    def local(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal count
        count += event == "opcode"
        return local

    def entered(frame: FrameType, event: str, argument: object) -> Any:
        if not frame.f_code.co_filename.startswith(sources):
            return None
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return local

    before = sys.gettrace()
    with undisturbed():
        sys.settrace(entered)
        try:
            task()
        finally:
            sys.settrace(before)
    return count
