"""Nests of minima and maxima as one sum and one choice (for `choice_forms`).

A nest is read as a minimum of maxima without those that others make superfluous, and written
as its least operand and a choice among the differences from it, of which one is 0.

Source: Quine, The problem of simplifying truth functions, 1952.
Guarantees: every step is an identity of all integers; what is written has at most `OPERANDS`
operands for each choice, or it is left as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Final, TypeAlias

from shapes.base.budget import spend
from shapes.expr.integers import maximum, minimum
from shapes.expr.linear import scale
from shapes.expr.nodes import OPERATORS, IntExpr, combine, constant, int_operands
from shapes.prove.quotient_forms import divided, first

__all__ = [
    "EXTREMA", "SUMMED", "Clauses", "Reader", "TooManyError", "choices_in", "extremum",
    "greatest", "one_choice", "written",
]  # fmt: skip

OPERANDS: Final = 12
"""Operands of one choice, repetitions included."""
CLAUSES: Final = 8
"""Maxima in one minimum."""
WRITTEN: Final = 8
"""Steps of writing one maximum."""
SUMMED: Final = 4
"""Minima of maxima with so many operands together are written as sums."""

_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]
EXTREMA: Final = (_MIN, _MAX)
_ZERO: Final = constant(0)

Clauses: TypeAlias = "list[frozenset[IntExpr]]"
"""The minimum of the maxima of sets."""


class TooManyError(Exception):
    """More operands or clauses than the limits."""


def extremum(e: IntExpr) -> IntExpr:
    """A minimum, maximum or magnitude, or a sum with one, as a sum and a choice whose first
    operand is 0."""
    if e.op not in EXTREMA:
        return e
    operands = int_operands(e)
    if not any(map(choices_in, operands)):
        if e.op is _MAX:
            return written([greatest(frozenset(operands))])
        opposites = frozenset(scale(-1, x) for x in operands)
        return scale(-1, written([greatest(opposites)]))
    common = _common_choices(operands)
    try:
        clauses = Reader().clauses(e, common)
        if all(len(clause) == 1 for clause in clauses):
            opposite = [frozenset(scale(-1, x) for (x,) in clauses)]
        elif len(clauses) > 1:
            opposite = _opposite(clauses)
        else:
            return combine(1, common, 1, written(clauses))
    except TooManyError:
        return e
    if _size(opposite) < _size(clauses):
        return combine(1, common, -1, written(opposite))
    return combine(1, common, 1, written(clauses))


def _size(clauses: Clauses) -> tuple[int, int]:
    """How much is written: the maxima, and their operands."""
    return len(clauses), sum(map(len, clauses))


def _common_choices(operands: Sequence[IntExpr]) -> IntExpr:
    """The choices that are added to every operand alike."""
    common = _ZERO
    for atom in operands[0].terms():
        if atom.op in EXTREMA:
            times = [x.terms().get(atom, 0) for x in operands]
            if all(t > 0 for t in times) or all(t < 0 for t in times):
                common = combine(1, common, min(times, key=abs), atom)
    return common


class Reader:
    """Reads a nest of extrema as a minimum of maxima, within a limit."""

    def __init__(self) -> None:
        self._left = OPERANDS

    def clauses(self, e: IntExpr, without: IntExpr = _ZERO) -> Clauses:
        """The maxima whose minimum an extremum is, less what is added to its operands; a
        sum of several choices is an operand like others."""
        spend(1 + len(e.terms()))
        chosen = one_choice(e)
        if chosen is not None:
            atom, c = chosen
            rest = combine(1, combine(1, e, -c, atom), -1, without)
            parts = [self.clauses(combine(1, rest, c, x)) for x in int_operands(atom)]
            least = (atom.op is _MIN) is (c > 0)
            return _least_clauses(_both(parts) if least else _either(parts))
        self._left -= 1
        if self._left < 0:
            raise TooManyError
        return [frozenset((e,))]


def one_choice(e: IntExpr) -> tuple[IntExpr, int] | None:
    """The extremum that a sum is one with: the only one, or one of which an operand undoes
    others, as in ``a + Max(0, b - a)``."""
    choices = choices_in(e)
    if len(choices) <= 1 or len(choices) > SUMMED:
        return choices[0] if len(choices) == 1 else None
    for atom, c in choices:
        rest = combine(1, e, -c, atom)
        arms = (combine(1, rest, c, x) for x in int_operands(atom))
        for arm in arms:
            if len(choices_in(arm)) < len(choices) - 1:
                return atom, c
    return None


def choices_in(e: IntExpr) -> list[tuple[IntExpr, int]]:
    return [(atom, c) for atom, c in e.terms().items() if atom.op in EXTREMA]


def _both(parts: list[Clauses]) -> Clauses:
    return [clause for part in parts for clause in part]


def _either(parts: list[Clauses]) -> Clauses:
    found: Clauses = [frozenset()]
    for part in parts:
        if len(found) * len(part) > 4 * CLAUSES:
            raise TooManyError
        found = _smallest([a | b for a in found for b in part])
    return found


def _smallest(clauses: Clauses) -> Clauses:
    """Without sets that contain others."""
    if len(clauses) == 1:
        return clauses
    found = list(dict.fromkeys(clauses))
    return [c for c in found if not any(d < c for d in found)]


def _opposite(clauses: Clauses) -> Clauses:
    """The maxima whose minimum the opposite of such a minimum is."""
    return _least_clauses(
        _either([[frozenset((scale(-1, x),)) for x in clause] for clause in clauses])
    )


def _least_clauses(clauses: Clauses) -> Clauses:
    """Without operands and maxima that others make superfluous."""
    spend(len(clauses) * len(clauses))
    if len(clauses) == 1:
        return [greatest(clauses[0])]
    clauses = _smallest([greatest(clause) for clause in clauses])
    if len(clauses) > CLAUSES:
        raise TooManyError
    return [c for c in clauses if not any(d is not c and _below(d, c) for d in clauses)]


def greatest(clause: frozenset[IntExpr]) -> frozenset[IntExpr]:
    """Without operands that are less than others by a number."""
    if len(clause) == 1:
        return clause
    # (What differs by a number has the same key once that is taken off.)
    kept: dict[int, IntExpr] = {}
    for x in clause:
        direction = x.key - x.constant
        known = kept.get(direction)
        if known is None or known.constant < x.constant:
            kept[direction] = x
    return clause if len(kept) == len(clause) else frozenset(kept.values())


def _below(a: frozenset[IntExpr], b: frozenset[IntExpr]) -> bool:
    """Whether a maximum is never above another one, operand by operand."""
    least = {x.key - x.constant: x.constant for x in b}
    for x in a:
        known = least.get(x.key - x.constant)
        if known is None or known < x.constant:
            return False
    return True


def written(clauses: Clauses) -> IntExpr:
    """The least operand, and a multiple of the choice among the differences from it."""
    operands = list(dict.fromkeys(x for clause in clauses for x in clause))
    spend(WRITTEN * (1 + len(operands)))
    if len(operands) == 1:
        return operands[0]
    if len(operands) == 2 and len(clauses) == 1:
        return _written_of_two(*operands)
    base = first(operands)
    differences = {x: combine(1, x, -1, base) for x in operands}
    g = 0
    for d in differences.values():
        g = gcd(g, d.constant, *d.terms().values())
    short = {x: divided(d, g) for x, d in differences.items()}
    maxima = [maximum(*(short[x] for x in clause)) for clause in clauses]
    return combine(1, base, g, minimum(*maxima) if len(maxima) > 1 else maxima[0])


def _written_of_two(x: IntExpr, y: IntExpr) -> IntExpr:
    """The same for the maximum of two."""
    base = first([x, y])
    d = combine(1, y if base is x else x, -1, base)
    g = gcd(d.constant, *d.terms().values())
    return combine(1, base, g, maximum(_ZERO, divided(d, g)))
