"""Index arithmetic in mixed radix: what loops that are tiled, flattened and packed leave.

A numerator is read as digits, ``16*m - 256*(m//16)`` as ``16*(m % 16)``, so that those below
the divisor's place fall away. The other rows know pairs of quotients, and indices that wrap
around once.

Sources: Knuth, The Art of Computer Programming, 4.1 (mixed radix), 1.2.4 (exercises 36 to 38:
sums of floors).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd
from typing import Final, NamedTuple

from shapes.arith.residues import residue_of_polynomial
from shapes.base.infinity import Bound, IntInfinity
from shapes.expr.booleans import equal, negation
from shapes.expr.integers import ceiling_division, floor_division, modulo
from shapes.expr.linear import multiply, scale, shift
from shapes.expr.nodes import (
    EQ_ZERO,
    LE_ZERO,
    OPERATORS,
    RELATIONS,
    TRUE,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    Product,
    birth_of,
    combine,
    constant,
    from_terms,
    int_operands,
    make_product,
    side_of,
)
from shapes.queries.rules.table import Ask, Example, Rule
from shapes.traversal.interpret import walk
from shapes.traversal.substitute import substitute

__all__ = ["MIXED_RADIX", "residue"]

LARGEST_MODULUS: Final = 16
"""Polynomials are looked at modulo so much."""


class _Digit(NamedTuple):
    """A part of a numerator: ``weight*value``, and between which numbers the value is."""

    value: IntExpr
    weight: int
    low: Bound
    high: Bound


def residue(ask: Ask, x: IntExpr, d: int) -> int | None:
    """What x is known to leave modulo d >= 2: from facts, or as a polynomial."""
    m, r = ask.congruence(x)
    if m % d == 0:
        return r % d
    return residue_of_polynomial(x, d) if d <= LARGEST_MODULUS else None


def _sorted_terms(e: IntExpr) -> list[tuple[IntExpr, int]]:
    return sorted(e.terms().items(), key=lambda t: birth_of(t[0]))


def _numeric_quotients(e: IntExpr) -> list[tuple[IntExpr, IntExpr, int]]:
    """The quotients among the terms whose divisor is a number above 1: atom, numerator,
    divisor; small divisors first."""
    found = []
    for term in e.terms():
        if term.op is OPERATORS["FloorDiv"]:
            x, divisor = int_operands(term)
            if type(divisor) is IntConstant and divisor.constant > 1:
                found.append((term, x, divisor.constant))
    return sorted(found, key=lambda q: (q[2], birth_of(q[0])))


# --------------------------------------------------------------------------- digits


def _digits(ask: Ask, x: IntExpr, d: int) -> tuple[list[_Digit], int]:
    """The parts of a sum and its constant, with remainders where they bring weights nearer to
    multiples of d: ``a*m + b*(m//c)`` is ``a*(m % c) + (a*c + b)*(m//c)``."""
    left, k, found = shift(x, -x.constant), x.constant, []
    quotients = _numeric_quotients(x)
    for atom, m, c in quotients:
        for parent, ratio in _parents(quotients, m, c):
            a, b = _times(left, parent), left.terms().get(atom, 0)
            if a and b and gcd(a * ratio + b, d) > gcd(b, d):
                rest = combine(1, left, -a, shift(parent, -parent.constant))
                left, k = combine(1, rest, a * ratio, atom), k - a * parent.constant
                found.append(_Digit(combine(1, parent, -ratio, atom), a, 0, ratio - 1))
                break
    found += [_Digit(term, c, *ask.bounds(term)) for term, c in _sorted_terms(left)]
    return found, k


def _parents(
    quotients: list[tuple[IntExpr, IntExpr, int]], m: IntExpr, c: int
) -> Iterator[tuple[IntExpr, int]]:
    """What ``m // c`` is a quotient of, and by how much: ``m // e`` by c/e, and m by c."""
    for other, n, e in reversed(quotients):
        if n is m and e < c and c % e == 0:
            yield other, c // e
    yield m, c


def _times(x: IntExpr, part: IntExpr) -> int:
    """How many times the terms of a part are in a sum; 0 if not all of them equally often."""
    terms, found = x.terms(), 0
    for t, c in part.terms().items():
        times, rest = divmod(terms.get(t, 0), c)
        if rest or not times or (found and times != found):
            return 0
        found = times
    return found


def _lower_digits(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``(g*S + T) // d -> (S + t) // (d/g)`` for g that divides d and ``T // g == t``."""
    x, divisor = int_operands(node)
    d = divisor.constant if type(divisor) is IntConstant else 0
    if d < 2 or len(x.terms()) < 2:
        return
    digits, k = _digits(ask, x, d)
    places = sorted({gcd(digit.weight, d) for digit in digits} | {d}, reverse=True)
    for g in places:
        if g == 1:
            break
        whole = constant(0)
        low: Bound = k
        high: Bound = k
        for value, weight, *ends in digits:
            if weight % g == 0:
                whole = combine(1, whole, weight // g, value)
            else:
                low += min(weight * end for end in ends)
                high += max(weight * end for end in ends)
        if isinstance(low, IntInfinity) or isinstance(high, IntInfinity):
            continue
        if low // g == high // g:
            yield floor_division(shift(whole, low // g), constant(d // g))


def _smaller_coefficients(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``(k*x) // d`` as ``k//d*x + (k % d*x) // d``, in a sum in which that is shorter."""
    assert isinstance(node, IntExpr)
    for atom, x, d in _numeric_quotients(node):
        b = node.terms()[atom]
        whole = from_terms({t: c // d for t, c in x.terms().items()}, 0)
        if whole is constant(0):
            continue
        others = combine(1, combine(1, node, -b, atom), b, whole)
        rest = combine(1, x, -d, whole)
        yield combine(1, others, b, floor_division(rest, constant(d)))


# --------------------------------------------------------------------------- pairs


def _complements(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x//d + (-x - 1)//d -> -1`` for d >= 1, as ``(n - 1)//d + 1`` beside a ceiling."""
    assert isinstance(node, IntExpr)
    atoms = [t for t, _ in _sorted_terms(node) if t.op is OPERATORS["FloorDiv"]]
    for index, first in enumerate(atoms):
        x, d = int_operands(first)
        c = node.terms()[first]
        for second in atoms[index + 1 :]:
            y, e = int_operands(second)
            both = combine(1, x, 1, y)
            if e is not d or not both.is_constant or both.constant != -1:
                continue
            if ask.known(d >= 1):
                rest = combine(1, node, -c, first, -c)
                yield combine(1, rest, -c, second)


def _all_shifts(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x//d + (x + 1)//d + ... + (x + d - 1)//d -> x``."""
    assert isinstance(node, IntExpr)
    found: dict[tuple[IntExpr, int], dict[int, IntExpr]] = {}
    for atom, x, d in _numeric_quotients(node):
        start = shift(x, -(x.constant % d))
        found.setdefault((start, d), {})[x.constant % d] = atom
    for (start, d), shifts in found.items():
        if len(shifts) != d:
            continue
        for c in dict.fromkeys(node.terms()[atom] for atom in shifts.values()):
            rest = combine(1, node, c, start)
            for atom in shifts.values():
                rest = combine(1, rest, -c, atom)
            yield rest


def _exact_products(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``m*d*y*(x//d) -> m*y*(x - r)`` where x leaves r modulo d, also as a polynomial."""
    assert isinstance(node, IntExpr)
    for term, c in _sorted_terms(node):
        factors = term.factors if isinstance(term, Product) else ((term, 1),)
        for base, exponent in factors:
            if base.op is not OPERATORS["FloorDiv"] or exponent != 1:
                continue
            x, divisor = int_operands(base)
            d = divisor.constant if type(divisor) is IntConstant else 0
            r = residue(ask, x, d) if d > 1 and c % d == 0 else None
            if r is None:
                continue
            left = tuple(f for f in factors if f[0] is not base)
            product = scale(c // d, shift(x, -r))
            if left:
                product = multiply(product, make_product(left))
            yield combine(1, combine(1, node, -c, term), 1, product)


# --------------------------------------------------------------------------- once around


def _wrapped_once(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Where(n <= x, x - n, x) -> x % n`` if ``0 <= x < 2*n``."""
    if not isinstance(node, IntExpr):  # a choice of doubles
        return
    for term, c in _sorted_terms(node):
        if term.op.name != "Where" or abs(c) != 1:
            continue
        condition, a, b = term.args
        assert isinstance(condition, BoolExpr)
        assert isinstance(a, IntExpr)
        assert isinstance(b, IntExpr)
        rest = combine(1, node, -c, term)
        over, under = combine(1, rest, c, a), combine(1, rest, c, b)
        for x, wrapped, chosen in ((under, over, condition), (over, under, ~condition)):
            n = combine(1, x, -1, wrapped)
            if chosen is (n <= x) and _is_below_twice(ask, x, n):
                yield modulo(x, n)


def _is_below_twice(ask: Ask, x: IntExpr, n: IntExpr) -> bool:
    """Whether ``0 <= x < 2*n`` is known, of x or of two parts of it."""
    parts = [(t, combine(1, x, -1, t)) for t, c in _sorted_terms(x) if c == 1]
    natural = (ask.known(t >= 0) and ask.known(rest >= 0) for t, rest in parts)
    if not ask.known(x >= 0) and not any(natural):
        return False
    if ask.known(x < scale(2, n)):
        return True
    both = (pair for t, rest in parts for pair in ((t, rest), (rest, t)))
    return any(ask.known(one < n) and ask.known(other <= n) for one, other in both)


def _rounded_up(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Where(x % d == 0, x//d, x//d + 1) -> ceildiv(x, d)``, whatever the quotients are part
    of: where d does not divide x, ``x//d`` is ``ceildiv(x, d) - 1``."""
    if not isinstance(node, IntExpr):  # a choice of doubles
        return
    for term, c in _sorted_terms(node):
        found = _divisibility(term.args[0]) if term.op.name == "Where" else None
        if found is None:
            continue
        quotient, divides = found
        condition, arms = term.args[0], int_operands(term)
        assert isinstance(condition, BoolExpr)
        if not ask.total(condition):
            continue
        rest = combine(1, node, -c, term)
        where_exact = condition if divides else negation(condition)
        for inside in dict.fromkeys((rest, constant(0))):
            outside = combine(1, rest, -1, inside)
            sums = (combine(1, inside, c, arm) for arm in arms)
            exact, other = sums if divides else reversed(tuple(sums))
            rounded = _with_ceiling(other, quotient)
            same = equal(rounded, exact)
            if rounded is not other and ask.under(where_exact, same) is TRUE:
                yield combine(1, outside, 1, rounded)


def _with_ceiling(e: IntExpr, quotient: IntExpr) -> IntExpr:
    """A sum with ``ceildiv(x, d) - 1`` for the quotient ``x // d``."""
    less = shift(ceiling_division(*int_operands(quotient)), -1)
    times = e.terms().get(quotient)
    if times is None:
        return substitute(e, {quotient: less})
    return combine(1, combine(1, e, -times, quotient), times, less)


def _divisibility(condition: Expr) -> tuple[IntExpr, bool] | None:
    """The quotient ``x // d`` of a condition whether d divides x, and whether it says so."""
    if condition.op not in RELATIONS:
        return None
    e = side_of(condition)
    for term in walk(e):
        if term.op is OPERATORS["FloorDiv"] and isinstance(term, IntExpr):
            x, d = int_operands(term)
            rest = modulo(x, d)
            if condition.op is not LE_ZERO:
                if e is rest or e is scale(-1, rest):
                    return term, condition.op is EQ_ZERO
            elif type(d) is IntConstant and d.constant > 0:
                if e is rest:
                    return term, True
                if e is shift(scale(-1, rest), 1):
                    return term, False
    return None


MIXED_RADIX = (
    Rule(
        "lower digits", "x // d", _lower_digits, grows=True,
        example=Example("(8*a + b % 8) // 16", "", "a // 2"),
    ),
    Rule(
        "coefficients within the divisor", "x + c*(y // d)", _smaller_coefficients,
        example=Example("(6*a) % 4", "", "2*(a % 2)"),
    ),
    Rule(
        "quotients of complements", "x + c*(y // d)", _complements,
        example=Example("(a - 1) // b + 1 - ceildiv(a, b)", "b >= 1", "0"),
    ),
    Rule(
        "quotients of all shifts", "x + c*(y // d)", _all_shifts,
        example=Example("a // 2 + (a + 1) // 2 + b", "", "a + b"),
    ),
    Rule(
        "multiple restored in products", "x + c*(y // d)", _exact_products,
        example=Example("8*b*(a // 8)", "a % 8 == 0", "a*b"),
    ),
    Rule(
        "wrapped once", "Where(p, x, y)", _wrapped_once,
        example=Example("Where(b <= a, a - b, a)", "a >= 0 and a < 2*b", "a % b"),
    ),
    Rule(
        "wrapped once, in a sum", "x + Where(p, y, z)", _wrapped_once,
        example=Example("a + Where(b <= a, -b, 0)", "a >= 0 and a < 2*b", "a % b"),
    ),
    Rule(
        "rounded up where it must be", "Where(p, x, y)", _rounded_up,
        example=Example("Where(a % 4 == 0, a, a + 4 - a % 4)", "", "ceildiv(a, 4)*4"),
    ),
    Rule(
        "rounded up where it must be, in a sum", "x + Where(p, y, z)", _rounded_up,
        example=Example("a // 4 + Where(a % 4 == 0, 0, 1)", "", "ceildiv(a, 4)"),
    ),
)  # fmt: skip
