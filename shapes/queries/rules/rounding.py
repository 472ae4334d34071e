"""Integer divisions that were spelled with doubles.

``floor(x / y)`` is ``x // y`` while ``|x| + |y| < 2**53``: let ``n - 1 < x/y < n``. Then
``n - x/y >= 1/|y|``, and half the distance of the doubles next to n is at most
``|n| * 2**-53 < 1/|y|``, since ``|n*y| <= |x| + |y|``. So the quotient is not rounded up to
n, and by symmetry not down to ``n - 1``; a quotient that is an integer is exact.
"""

from __future__ import annotations

from shapes.queries.rules.table import Example, Rule

__all__ = ["ROUNDING"]

_EXACT = "abs(x) + abs(y) < 2**53"

ROUNDING = (
    Rule(
        "floor of a quotient", "FloorToInt(x / y)", "x // y", _EXACT,
        Example("FloorToInt(a / b)", "0 <= a and a < 1000 and 1 <= b and b < 1000", "a // b"),
    ),
    Rule(
        "ceiling of a quotient", "CeilToInt(x / y)", "ceildiv(x, y)", _EXACT,
        Example("CeilToInt(a / 8)", "0 <= a and a < 2**40", "ceildiv(a, 8)"),
    ),
    Rule(
        "truncated quotient", "TruncToInt(x / y)", "TruncDiv(x, y)", _EXACT,
        Example("TruncToInt(a / b)", "-99 <= a and a < 99 and -9 <= b and b < 0",
                "TruncDiv(a, b)"),
    ),
    Rule(
        "floor of an integer", "FloorToInt(ToFloat(x))", "x", "abs(x) <= 2**53",
        Example("FloorToInt(ToFloat(a))", "0 <= a and a < 1000", "a"),
    ),
    Rule(
        "ceiling of an integer", "CeilToInt(ToFloat(x))", "x", "abs(x) <= 2**53",
        Example("CeilToInt(ToFloat(a))", "0 <= a and a < 1000", "a"),
    ),
    Rule(
        "truncated integer", "TruncToInt(ToFloat(x))", "x", "abs(x) <= 2**53",
        Example("TruncToInt(ToFloat(a))", "0 <= a and a < 1000", "a"),
    ),
    Rule(
        "rounded integer", "RoundToInt(ToFloat(x))", "x", "abs(x) <= 2**53",
        Example("RoundToInt(ToFloat(a))", "0 <= a and a < 1000", "a"),
    ),
)  # fmt: skip
