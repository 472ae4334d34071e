"""Numbers and foreign values as text, however long.

Python refuses to write (and to read) integers of more than 4,300 decimal digits, and a user
may lower that limit. Longer ones are written in hexadecimal, which the grammar reads.
"""

from __future__ import annotations

from typing import Final

__all__ = ["digits", "excerpt", "short", "written"]

_DECIMAL_BITS: Final = 12_000
"""Integers of so many bits are written in hexadecimal."""
_SHORT: Final = 48


def digits(value: int) -> str:
    """An integer of any length, exactly, as the grammar reads it."""
    if value.bit_length() < _DECIMAL_BITS:
        try:
            return str(value)
        except ValueError:  # the limit may be lower
            pass
    return hex(value)


def written(value: object) -> str:
    """`repr`, for numbers of any length."""
    return digits(value) if type(value) is int else repr(value)


def short(value: object) -> str:
    """The number, or how long it is with its first digits: for tables and messages."""
    text = written(value)
    if type(value) is not int or len(text) <= _SHORT:
        return text
    return f"{text[: _SHORT // 2]}... ({value.bit_length()} bits)"


def excerpt(value: object, limit: int = 60) -> str:
    """The beginning of what `repr` says of a value that may be anything."""
    try:
        text = written(value)
    except Exception:  # somebody else's `repr`
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."
