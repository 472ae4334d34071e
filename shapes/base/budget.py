"""How much work a question may cost, in steps; and how many bits a number may have.

Whatever can be long `spend`s steps as it goes: nodes that are visited, terms that are made,
rows that are combined, digits of large numbers. A question is asked within `limited`; where
its steps run out, `ExhaustedError` ends it, and the caller answers with what is known
without: "unknown", a wider range, the expression as it was. Blocks may be nested: what the
inner one spends counts for the outer one too.

Python's operations on integers cannot be interrupted, so the size of a result is estimated
before it is computed, and nothing of more than `LARGEST_BITS` is.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Final, TypeVar

__all__ = [
    "ATTEMPT",
    "LARGEST_BITS",
    "WORD",
    "ExhaustedError",
    "attempted",
    "limited",
    "power_bits",
    "remaining",
    "spend",
    "uncounted",
    "weight",
]

T = TypeVar("T")

LARGEST_BITS: Final = 1 << 17
"""Numbers with more bits than this are not computed."""

WORD: Final = 1 << 10
"""Operations on numbers of so few bits cost what they cost for small ones."""

ATTEMPT: Final = 4
"""Steps of a call that is `attempted`, beside those which it spends."""


class ExhaustedError(Exception):
    """The steps of a question are used up (inside of the engine; people see "unknown")."""


class _Meter:
    """The steps that are left to what one thread is doing."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = sys.maxsize


_thread: Final = threading.local()
"""The meter of each thread."""


def _own_meter() -> _Meter:
    """The meter of this thread: looked up once for a block, since what is local to a thread is
    slow to read."""
    try:
        meter: _Meter = _thread.meter
    except AttributeError:
        meter = _thread.meter = _Meter()
    return meter


def spend(steps: int) -> None:
    """Count some steps; raises `ExhaustedError` where they are not left."""
    try:
        meter: _Meter = _thread.meter
    except AttributeError:
        meter = _own_meter()
    meter.left = left = meter.left - steps
    if left < 0:
        raise ExhaustedError


def remaining() -> int:
    """The steps that are left."""
    return _own_meter().left


class limited:  # noqa: N801 (it is used like a function)
    """A block that may spend so many steps, and no more than are left around it."""

    __slots__ = ("_allowed", "_meter", "_outer")

    def __init__(self, steps: int) -> None:
        self._meter = meter = _own_meter()
        self._outer = outer = meter.left
        allowed = steps if steps < outer else outer
        self._allowed = allowed if allowed > 0 else 0

    def __enter__(self) -> None:
        self._meter.left = self._allowed

    def __exit__(self, *error: object) -> None:
        self._meter.left += self._outer - self._allowed


class uncounted:  # noqa: N801 (it is used like a function)
    """A block whose steps are not the question's that it stands in: what somebody stated
    before, and is read now."""

    __slots__ = ("_meter", "_outer")

    def __enter__(self) -> None:
        self._meter = meter = _own_meter()
        self._outer = meter.left
        meter.left = sys.maxsize

    def __exit__(self, *error: object) -> None:
        self._meter.left = self._outer


def attempted(steps: int, run: Callable[..., T], *arguments: object) -> T | None:
    """What a call returns that may spend so many steps, or None where it needs more. Where no
    more than these are left around it, it has all of them, and raises `ExhaustedError`. The
    call itself takes `ATTEMPT` of them."""
    try:
        meter: _Meter = _thread.meter
    except AttributeError:
        meter = _own_meter()
    outer = meter.left
    if outer <= steps:
        meter.left = outer - ATTEMPT
        if outer < ATTEMPT:
            raise ExhaustedError
        return run(*arguments)
    meter.left = steps - ATTEMPT
    try:
        return run(*arguments)
    except ExhaustedError:
        return None
    finally:
        meter.left += outer - steps


def power_bits(base: int, exponent: int) -> int:
    """A number of bits that ``base ** exponent`` does not exceed, for ``exponent >= 0``."""
    return 1 if -2 < base < 2 else base.bit_length() * exponent


def weight(bits: int) -> int:
    """The steps of a multiplication or division of numbers of so many bits."""
    words = bits // WORD
    return words * words // 2
