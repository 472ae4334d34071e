"""Constructive disjunction: what all cases of a disjunction say of ranges
(Van Hentenryck, Saraswat & Deville 1998).

A case says of some directions which values they have, as a few intervals (`b == 3` one value,
`b != 3` all but one, a conjunction what its parts have in common). A case that the known
ranges refute drops out. If one is left, it holds. Otherwise every direction that all of them
speak about lies in the union: its ends are ends, the gaps in it are excluded values, and
single values have what they leave modulo some number in common.

Guarantees: what is learned follows from the disjunction, the known ranges that refute its
other cases, and nothing else. Limits: `CASES` cases of a few intervals each; what two
directions say together is left to the methods of proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from shapes.base.budget import spend
from shapes.base.infinity import Bound, IntInfinity, int_oo
from shapes.domains import Congruence
from shapes.expr.linear import direction
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    RELATIONS,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
)
from shapes.facts.abstract_value import Reasons
from shapes.facts.justification import NO_REASONS
from shapes.facts.knowledge import Knowledge
from shapes.facts.narrowing import NoValueError, reach, refuted
from shapes.traversal.interpret import symbols_of

if TYPE_CHECKING:
    from shapes.facts.store import Facts

__all__ = ["CASES", "GAPS", "Lesson", "Union", "is_watched", "lessons"]

CASES: Final = 64
"""Cases of one disjunction that are read."""

CASE: Final = 8
"""Steps (see `budget`) of reading one case."""

INTERVALS: Final = 64
"""Intervals that are kept of one direction; more become their hull."""

GAPS: Final = 32
"""Excluded values that one disjunction teaches of one direction."""

NESTED: Final = 4
"""Conjunctions and disjunctions inside of each other that are read."""

Interval = tuple[Bound, Bound]
Union = list[Interval]
"""Disjoint intervals, in order."""

Said = dict[IntExpr, Union]


class Lesson(NamedTuple):
    """What a direction is known to be: within these intervals, of this congruence."""

    of: IntExpr
    union: Union
    congruence: Congruence

    @property
    def ends(self) -> Interval:
        """The ends of the hull."""
        return self.union[0][0], self.union[-1][1]

    def gaps(self) -> list[int]:
        """The values between the intervals that the congruence admits, if they are few."""
        found: list[int] = []
        m, r = self.congruence
        for (_, before), (after, _) in zip(self.union, self.union[1:]):
            assert isinstance(before, int)
            assert isinstance(after, int)
            if m == 0 or after - before > GAPS * m + 1:
                continue
            found += range(before + 1 + (r - before - 1) % m, after, m)
        return found if len(found) <= GAPS else []


def lessons(
    facts: Facts, claim: Expr, why: Reasons
) -> tuple[list[Lesson], Expr | None, Reasons]:
    """What a disjunction says of directions, or the one case that is left of it; with why
    that holds: why the disjunction does, and the other cases do not. Raises `NoValueError`
    if no case is left."""
    dropped = why
    rewritten: Reasons = NO_REASONS
    left: list[tuple[Expr, Said]] = []
    for case in claim.args if len(claim.args) <= CASES else ():
        spend(CASE)
        normal, used = facts.normalized(case)
        if normal is TRUE:
            return [], None, NO_REASONS
        said = _said(normal, NESTED)
        clash = used if normal is FALSE else _impossible(facts, normal, said)
        if clash is None:
            left.append((case, said))
            rewritten = rewritten | used
        else:
            dropped = dropped | clash | used
    if len(claim.args) > CASES:
        return [], None, NO_REASONS
    if not left:
        raise NoValueError(dropped)
    if len(left) == 1:
        return [], left[0][0], dropped
    return _in_common([said for _, said in left]), None, dropped | rewritten


def is_watched(known: Knowledge, claim: Expr, atom: IntExpr) -> bool:
    """Whether a disjunction may say more than it did before its symbol's range moved: what is
    known of the symbol refutes a case, or a case says more of it than where it lies."""
    for case in claim.args:
        if atom not in symbols_of(case):
            continue
        e = case.args[0]
        if not isinstance(e, IntExpr) or len(e.terms()) != 1 or atom not in e.terms():
            return True
        if _refutes(known, case, e, e.terms()[atom]):
            return True
    return False


def _refutes(known: Knowledge, case: Expr, e: IntExpr, c: int) -> bool:
    """Whether a relation ``c*x + k`` with 0 (c is 1 or -1) is false for all that x may be."""
    value = -e.constant * c
    if case.op is LE_ZERO:
        return known.lower > value if c > 0 else known.upper < value
    if case.op is NE_ZERO:
        return known.lower == value == known.upper
    return case.op is not EQ_ZERO or _excluded(known, [(value, value)]) is not None


def _in_common(cases: Sequence[Said]) -> list[Lesson]:
    found: list[Lesson] = []
    for d in cases[0]:
        unions = [said.get(d) for said in cases]
        present = [u for u in unions if u is not None]
        if len(present) == len(cases):
            united = _united([interval for u in present for interval in u])
            lesson = Lesson(d, united, _congruence(united))
            if lesson.ends != (-int_oo, int_oo) or lesson.gaps():
                found.append(lesson)
    return found


def _congruence(union: Union) -> Congruence:
    """What single values have in common."""
    joined: Congruence | None = None
    for low, high in union:
        if low != high or not isinstance(low, int):
            return Congruence.anything()
        value = Congruence.constant(low)
        joined = value if joined is None else joined.join(value)
    return Congruence.anything() if joined is None else joined


# --------------------------------------------------------------------------- cases


def _said(case: Expr, depth: int) -> Said:
    """What a condition says of directions by itself."""
    e = case.args[0] if case.args else None
    if isinstance(e, IntExpr) and case.op in RELATIONS:
        f, d = direction(e)
        # f*d + k against 0, and f is 1 or -1 because relations are primitive
        value = -e.constant * f
        if case.op is EQ_ZERO:
            return {d: [(value, value)]}
        if case.op is NE_ZERO:
            return {d: [(-int_oo, value - 1), (value + 1, int_oo)]}
        return {d: [(-int_oo, value)] if f > 0 else [(value, int_oo)]}
    if depth and case.op is OPERATORS["And"]:
        return _all_said([_said(part, depth - 1) for part in case.args[:CASES]])
    if depth and case.op is OPERATORS["Or"] and len(case.args) <= CASES:
        inner = [_said(part, depth - 1) for part in case.args]
        return {lesson.of: lesson.union for lesson in _in_common(inner)}
    return {}


def _all_said(parts: Sequence[Said]) -> Said:
    found: Said = {}
    for said in parts:
        for d, union in said.items():
            old = found.get(d)
            found[d] = union if old is None else _met(old, union)
    return found


def _impossible(facts: Facts, case: Expr, said: Said) -> Reasons | None:
    """Why a case cannot be, if the known ranges show it; None if it may be."""
    for d, union in said.items():
        known = reach(facts, d)
        why = _excluded(known, union)
        if why is not None:
            return why
    if case.op is OPERATORS["And"] or case.op is OPERATORS["Or"]:
        return _part_refuted(facts, case)
    return refuted(facts, case) if isinstance(case, BoolExpr) else None


def _part_refuted(facts: Facts, case: Expr) -> Reasons | None:
    """Why a conjunction cannot hold: one part of it cannot."""
    if case.op is OPERATORS["And"]:
        for part in case.args[:CASES]:
            why = refuted(facts, part) if isinstance(part, BoolExpr) else None
            if why is not None:
                return why
    return None


def _excluded(known: Knowledge, union: Union) -> Reasons | None:
    """Why none of these values is among what is known."""
    why: Reasons = NO_REASONS
    excluded = dict(known.excluded)
    for low, high in union:
        if low > known.upper:
            why = why | known.why_upper
        elif high < known.lower:
            why = why | known.why_lower
        elif low == high and isinstance(low, int) and low in excluded:
            why = why | excluded[low]
        elif low == high and isinstance(low, int) and not known.congruence.admits(low):
            why = why | known.why_congruence
        else:
            return None
    return why


# --------------------------------------------------------------------------- intervals


def _united(intervals: Sequence[Interval]) -> Union:
    found: Union = []
    for low, high in sorted(intervals):
        if found and not _apart(found[-1][1], low):
            found[-1] = (found[-1][0], max(found[-1][1], high))
        else:
            found.append((low, high))
    return found if len(found) <= INTERVALS else [(found[0][0], found[-1][1])]


def _apart(before: Bound, after: Bound) -> bool:
    """Whether a value lies between the end of one interval and the start of the next."""
    if isinstance(before, IntInfinity) or isinstance(after, IntInfinity):
        return False
    return after > before + 1


def _met(a: Union, b: Union) -> Union:
    spend(len(a) * len(b))
    found = [(max(l, m), min(h, n)) for l, h in a for m, n in b]  # noqa: E741
    return [(low, high) for low, high in found if low <= high]
