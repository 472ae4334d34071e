"""What the refutation of ``e > at`` says of ``e > c`` for other numbers c.

A linear certificate adds up rows, of which those that stem from the goal grow with its number:
the same multipliers refute ``e > c`` for every c that leaves the sum positive (a point of the
dual program bounds the primal one, whatever its right-hand side). So one refutation far out
tells the end that its rows prove.

Limits: divisions that round up are taken without rounding, theorems whose premises are the
goal as if they did not depend on it; so the number is one to ask about, and not proved.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from shapes.arith.certificate import (
    Combination,
    Denial,
    Lemma,
    Linear,
    Premise,
    Refutation,
    Replacement,
    Split,
    Squeeze,
    Step,
    Strict,
)
from shapes.expr.nodes import RELATIONS, BoolExpr, side_of

__all__ = ["implied_end"]

Growing: TypeAlias = tuple[Fraction, Fraction]
"""The constant of a row for an end of 0, and by how much it grows with the end."""

_NONE = Fraction(0), Fraction(0)


def implied_end(
    certificate: object, denied: BoolExpr, at: int, slope: Fraction
) -> int | None:
    """The least number c for which the rows of a proof of ``e <= at`` are likely to show
    ``e <= c``; None if they do not tell. `denied` is the negation ``e > at`` in normal form,
    whose constant grows by `slope` with the end."""
    if isinstance(certificate, Linear):
        return _end_of_rows(certificate, denied, at, slope)
    if isinstance(certificate, Split):
        ends = [implied_end(inner, denied, at, slope) for inner in certificate.branches]
        return max((end for end in ends if end is not None), default=None)
    if isinstance(certificate, Refutation | Denial | Replacement):
        return implied_end(certificate.inner, denied, at, slope)
    return None


def _end_of_rows(
    certificate: Linear, denied: BoolExpr, at: int, slope: Fraction
) -> int | None:
    rows: list[Growing] = []
    for step in certificate.steps:
        rows.append(_row(step, rows, denied, at, slope))
    start, growth = rows[-1]
    return (-start / growth) // 1 + 1 if growth > 0 else None


def _row(
    step: Step, rows: list[Growing], denied: BoolExpr, at: int, slope: Fraction
) -> Growing:
    if isinstance(step, Premise | Lemma):
        claim = step.claim if isinstance(step, Premise) else step.conclusion
        if claim.op not in RELATIONS:
            return _NONE
        k = Fraction(side_of(claim).constant)
        if claim is denied or (isinstance(step, Premise) and step.source == "goal"):
            return k - slope * at, slope
        return k, Fraction(0)
    if isinstance(step, Combination):
        start = sum((m * rows[place][0] for m, place in step.parts), Fraction(0))
        growth = sum((m * rows[place][1] for m, place in step.parts), Fraction(0))
        return start / step.divisor, growth / step.divisor
    if isinstance(step, Squeeze):
        return rows[step.upper]
    if isinstance(step, Strict):
        start, growth = rows[step.row]
        return start + 1, growth
    return _NONE
