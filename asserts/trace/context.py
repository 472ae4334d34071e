"""Which tracer is at work, if one is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asserts.trace.tracer import Tracer

__all__ = ["activated", "current_tracer"]

_active: ContextVar[Tracer | None] = ContextVar("active_tracer", default=None)


def current_tracer() -> Tracer | None:
    """The innermost tracer at work in this context."""
    return _active.get()


@contextmanager
def activated(tracer: Tracer) -> Iterator[None]:
    """The tracer is at work within the block, and watches what is asked of its values."""
    from asserts.trace.introspection import watch

    token = _active.set(tracer)
    env = tracer.env
    outer, env.watch = env.watch, watch
    try:
        yield
    finally:
        env.watch = outer
        _active.reset(token)
