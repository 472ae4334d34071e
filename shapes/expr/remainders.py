"""How a normal form is read: the remainders inside a sum, the two sides of a relation.

The kernel keeps ``a % b`` as ``a - b*(a//b)``, which is what makes equal things meet. A
reader (a bound, printed text, emitted code) wants the remainder back: ``x - 8*(x//8)`` is
at most 7, however large x is. `parts` finds them; the choice is one of presentation, since
every reading builds the same node again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from shapes.base.budget import spend
from shapes.expr.linear import multiply
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    MANY,
    OPERATORS,
    SYMBOL,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    Product,
    Sum,
    birth_of,
    combine,
    constant,
    from_terms,
    make_view,
    side_of,
)

__all__ = ["Parts", "may_hide_remainder", "parts", "sides", "whole"]

Parts = tuple[int, tuple[IntExpr, ...], tuple[int, ...]]
"""A constant, the operands of a sum, and their coefficients."""

MERGED_LIMIT: Final = 16
"""In sums of more divisions, a remainder of a quotient is not looked for."""

SEARCHED: Final = 6_000
"""Terms of dividends, all together, that are looked for in one sum; in longer ones the
remainders of the eldest divisions are not found."""

_REMAINDERS: Final = {"FloorDiv": "Mod", "TruncDiv": "TruncMod"}


def parts(e: Sum) -> Parts:
    """The constant, operands (eldest first) and coefficients of a sum, in which remainders
    stand as operands ``Mod(a, b)`` of their own."""
    if e._view is None:
        e._view = _read(e)
    return e._view


def _read(e: Sum) -> Parts:
    written = e.terms()
    if len(written) > MANY:
        spend(len(written))
    if not may_hide_remainder(written):
        operands = tuple(sorted(written, key=birth_of))
        return e.constant, operands, tuple([written[t] for t in operands])
    divisions = _divisions(e)
    terms = dict(written)
    k = e.constant
    found: dict[IntExpr, int] = {}
    others = divisions if len(divisions) <= MERGED_LIMIT else []
    for division in _searched(divisions):
        times, a, b = _found_remainder(division, others, terms)
        if not times or (type(a) is IntConstant and not _brings_nearer(k, times * a.constant)):
            continue
        _subtract(terms, times, a)
        _subtract(terms, -times, multiply(b, division))
        k -= times * a.constant
        floors = division.op is OPERATORS["FloorDiv"]
        if floors and times < 0 and type(b) is IntConstant and a.constant == b.constant - 1:
            # -(a % b) == (b - 1 - a) % b - (b - 1), which reads better here
            k += times * (b.constant - 1)
            a, times = combine(-1, a, 0, a, b.constant - 1), -times
        a.terms()  # (written out: what it was made of may hold e, and e is to hold it)
        remainder = make_view(OPERATORS[_REMAINDERS[division.op.name]], (a, b))
        found[remainder] = found.get(remainder, 0) + times
    terms.update({remainder: times for remainder, times in found.items() if times})
    operands = tuple(sorted(terms, key=_age))
    return k, operands, tuple(terms[t] for t in operands)


def _age(e: IntExpr) -> int:
    if isinstance(e, IntAtom):
        return e.birth
    if e.args and isinstance(e.args[0], IntExpr):
        return min(map(birth_of, e.args[0].terms()), default=0)
    return birth_of(e)


def _divisions(e: Sum) -> list[IntAtom]:
    """The divisions in a sum, alone or as factors, youngest (outermost) first."""
    found: dict[IntAtom, None] = {}
    for atom in e.terms():
        if atom.op is SYMBOL:
            continue
        candidates = atom.args if isinstance(atom, Product) else (atom,)
        for candidate in candidates:
            if candidate.op.name in _REMAINDERS and isinstance(candidate, IntAtom):
                divisor = candidate.args[1]
                if type(divisor) is not IntConstant or divisor.constant:
                    found[candidate] = None
    return sorted(found, key=birth_of, reverse=True)


def _searched(divisions: list[IntAtom]) -> list[IntAtom]:
    """Those of which remainders are looked for, youngest first; what that takes is spent."""
    total, number = 0, len(divisions)
    for place, division in enumerate(divisions):
        dividend = division.args[0]
        assert isinstance(dividend, IntExpr)
        total += len(dividend.terms()) + 1
        if total > SEARCHED:
            total, divisions = SEARCHED, divisions[:place]
            break
    spend(total * number if number <= MERGED_LIMIT else total)
    return divisions


def may_hide_remainder(terms: Mapping[IntExpr, int]) -> bool:
    """Whether `parts` may find remainders in a sum of these terms; a sure no costs little.

    A remainder of ``a // b`` is there only if every atom of a is a term too, or if a
    quotient was merged into it: then the divisor of another division divides b. If b is a
    constant, the division has to be a term, and not once: ``a - b*(a//b)`` has it b times.
    """
    divisions: dict[IntExpr, int] = {}
    likely: list[int] = []
    for atom in terms:
        for division in atom.args if type(atom) is Product else (atom,):
            if division.op.name not in _REMAINDERS:
                continue
            a, b = division.args
            c = b.constant if type(b) is IntConstant else 0
            divisions[division] = c
            if not c or abs(terms.get(division, 0)) > 1:
                if _has_terms_of(terms, a):
                    return True
                likely.append(c)
    if not likely or not 1 < len(divisions) <= MERGED_LIMIT:
        return False
    if 0 in likely:
        return True
    divisors = set(divisions.values())
    return any(b > d > 0 and b % d == 0 for b in likely for d in divisors)


def _has_terms_of(terms: Mapping[IntExpr, int], e: Expr) -> bool:
    """Whether every atom of an expression is among the terms."""
    assert isinstance(e, IntExpr)
    return e in terms if isinstance(e, IntAtom) else e.terms().keys() <= terms.keys()


def _found_remainder(
    division: IntAtom, others: Sequence[IntAtom], terms: dict[IntExpr, int]
) -> tuple[int, IntExpr, IntExpr]:
    """``(times, a, b)``: how often which remainder of that division is in the terms."""
    a, b = division.args
    assert isinstance(a, IntExpr)
    assert isinstance(b, IntExpr)
    for inner in others:
        floors = inner.op is division.op is OPERATORS["FloorDiv"]
        if floors and inner is not division and inner in terms:
            unmerged = _unmerged(a, b, inner)
            times = 0 if unmerged is None else _remainder_times(division, *unmerged, terms)
            if unmerged is not None and times:
                return times, *unmerged
    return _remainder_times(division, a, b, terms), a, b


def _unmerged(a: IntExpr, b: IntExpr, inner: IntExpr) -> tuple[IntExpr, IntExpr] | None:
    """``a // b`` as ``(x//d + s) // c``, where `inner` is ``x//d``: then ``b == c*d`` and
    ``a == x + d*s``. So ``x//3 % 4``, which the kernel keeps as ``x//3 - 4*(x//12)``, is
    found again."""
    x, d = inner.args
    assert isinstance(x, IntExpr)
    assert isinstance(d, IntExpr)
    c, s = _ratio(b, d), _ratio(combine(1, a, -1, x), d)
    if c is None or s is None or type(c) is not IntConstant or c.constant < 2:
        return None
    return combine(1, inner, 1, s), c


def _ratio(a: IntExpr, d: IntExpr) -> IntExpr | None:
    """``a / d`` if d divides a: as a constant its coefficients, otherwise a as a whole."""
    if type(d) is IntConstant:
        n = d.constant
        if not n or a.constant % n or any(c % n for c in a.terms().values()):
            return None
        return from_terms({t: c // n for t, c in a.terms().items()}, a.constant // n)
    t, c = next(iter(d.terms().items()))
    quotient = a.terms().get(t, 0) // c
    return constant(quotient) if combine(quotient, d, 0, d) is a else None


def _remainder_times(
    division: IntAtom, a: IntExpr, b: IntExpr, terms: dict[IntExpr, int]
) -> int:
    """How often ``a - b*(a//b)`` is taken out of the terms so that all of a's terms shrink:
    as often as it uses up the division, or else as it uses up a."""
    if any(t not in terms for t in a.terms()):
        return 0
    product = multiply(b, division).terms()
    if any(t not in terms for t in product):
        return 0
    for t, c in product.items():
        times, remainder = divmod(-terms[t], c)
        used_up = not remainder and all(terms[u] == -times * d for u, d in product.items())
        if used_up and times and _shrinks(terms, times, a):
            return times
        break
    if type(a) is IntConstant:
        return 0
    t, c = next(iter(a.terms().items()))
    times, remainder = divmod(terms[t], c)
    if remainder or any(terms[u] != times * d for u, d in a.terms().items()):
        return 0
    if all(abs(terms[t] + times * c) < abs(terms[t]) for t, c in product.items()):
        return times
    return 0


def _brings_nearer(k: int, part: int) -> bool:
    """Whether a constant is smaller without a part of it."""
    return abs(k - part) < abs(k)


def _shrinks(terms: dict[IntExpr, int], times: int, a: IntExpr) -> bool:
    return all(abs(terms[t] - times * c) < abs(terms[t]) for t, c in a.terms().items())


def _subtract(terms: dict[IntExpr, int], times: int, a: IntExpr) -> None:
    for t, c in a.terms().items():
        left = terms.get(t, 0) - times * c
        if left:
            terms[t] = left
        else:
            terms.pop(t, None)


def whole(operand: IntExpr) -> IntExpr:
    """The normal form of an operand of `parts`."""
    if operand.op.name in ("Mod", "TruncMod") and not isinstance(operand, IntAtom):
        build = operand.op.build
        assert build is not None
        built = build(*operand.args)
        assert isinstance(built, IntExpr)
        return built
    return operand


def sides(relation: Expr) -> tuple[str, IntExpr, IntExpr]:
    """An integer relation as (handler, left, right): what is added left, what is subtracted
    right; ``x + 1 <= y`` is read as ``x < y``."""
    e = side_of(relation)
    k, operands, coefficients = parts(e) if type(e) is Sum else (e.constant, (e,), (1,))
    left, right = constant(0), constant(0)
    for operand, c in zip(operands, coefficients):
        if c > 0:
            left = combine(1, left, c, whole(operand))
        else:
            right = combine(1, right, -c, whole(operand))
    if relation.op is LE_ZERO:
        if k == 1 and _varies(left) and _varies(right):
            return "lt", left, right
        handler = "le"
    else:
        handler = "eq" if relation.op is EQ_ZERO else "ne"
    # The constant goes to the side where it is positive, but to a side that has nothing else.
    if not _varies(left) or (k > 0 and _varies(right)):
        left = combine(1, left, 0, left, k)
    else:
        right = combine(1, right, 0, right, -k)
    return handler, left, right


def _varies(e: IntExpr) -> bool:
    return type(e) is not IntConstant
