"""Numbers and foreign values as text, however long.

Python refuses to write (and to read) integers of more than 4,300 decimal digits, and a user
may lower that limit. Longer ones are written in hexadecimal, which the grammar reads.
"""

from __future__ import annotations

from typing import Final

__all__ = ["decimal", "digits", "excerpt", "interval", "read_decimal", "short", "written"]

_DECIMAL_BITS: Final = 12_000
"""Integers of so many bits are written in hexadecimal."""
_SHORT: Final = 48
_CHUNK_BITS: Final = 2_000
_CHUNK_DIGITS: Final = 600
"""Below every limit that can be set."""


def digits(value: int) -> str:
    """An integer of any length, exactly, as the grammar reads it."""
    if value.bit_length() < _DECIMAL_BITS:
        try:
            return str(value)
        except ValueError:  # the limit may be lower
            pass
    return hex(value)


def decimal(value: int) -> str:
    """An integer of any length in decimal, for languages that have no other."""
    if value < 0:
        return "-" + decimal(-value)
    if value.bit_length() < _CHUNK_BITS:
        return str(value)
    low = value.bit_length() * 3 // 20  # about half of its digits
    above, below = divmod(value, 10**low)
    return decimal(above) + decimal(below).rjust(low, "0")


def read_decimal(text: str) -> int:
    """The integer that `decimal` wrote."""
    if text.startswith("-"):
        return -read_decimal(text[1:])
    if len(text) <= _CHUNK_DIGITS:
        return int(text)
    low = len(text) // 2
    scale: int = 10**low
    return read_decimal(text[:-low]) * scale + read_decimal(text[-low:])


def interval(lower: object, upper: object) -> str:
    """A range for people."""
    return f"[{short(lower)}, {short(upper)}]"


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
    except Exception:  # a foreign `repr`
        text = f"<{type(value).__name__}>"
    return text if len(text) <= limit else text[: limit - 3] + "..."
