"""The normal form's arithmetic: products of combinations, and integer relations.

Products are multiplied out over monomials as long as the result stays small, so
polynomials that are equal are one object. A relation is one primitive combination compared
with zero: ``e <= 0``, ``e == 0`` or ``e != 0``, with the coefficients divided by their gcd
and the constant tightened (``4*x - 2*y <= 3`` becomes ``2*x - y <= 1``, since the left side
is even). ``x < y``, ``y > x``, ``2*y - 2*x >= 1`` and ``not x >= y`` are one node.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Final

from shapes.base.budget import LARGEST_BITS, power_bits, spend
from shapes.errors import ExpressionTypeError, TooLargeError
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    MANY,
    MINUS_INFINITY,
    NE_ZERO,
    PLUS_INFINITY,
    TRUE,
    BoolExpr,
    Expr,
    Infinity,
    IntConstant,
    IntExpr,
    Op,
    Product,
    Sum,
    combine,
    constant,
    from_terms,
    make_product,
    make_relation,
    product_of,
)

__all__ = [
    "content",
    "direction",
    "eq_zero",
    "le_zero",
    "leading_sign",
    "multiply",
    "ne_zero",
    "power",
    "scale",
    "shift",
]

_LARGE: Final = 1 << 1024
_LARGEST: Final = pow(2, LARGEST_BITS)  # (mypyc would write out a folded constant)

EXPANSION_LIMIT: Final = 512
"""Products of sums with more pairs of terms than this stay factored."""

EXPANSION_WORK: Final = 2 * EXPANSION_LIMIT
"""The same for pairs times the degree of a term: a product inside of a product inside of a
product, each a little longer, is not multiplied out again and again."""

MOST_FACTORS: Final = 8
"""Higher powers of sums stay factored."""

HIGH_DEGREE: Final = 64
"""A power adds no more than this to a degree: what it costs does not grow with it."""


def scale(factor: int, a: IntExpr) -> IntExpr:
    """``factor * a``."""
    if factor == 1:
        return a
    if type(a) is Infinity:
        return _scaled_infinity(factor, a)
    if factor == 0:
        return constant(0)
    return combine(factor, a, 0, a)


def shift(a: IntExpr, k: int) -> IntExpr:
    """``a + k``."""
    return combine(1, a, 0, a, k) if k else a


def _scaled_infinity(factor: int, a: Infinity) -> IntExpr:
    if factor == 0:
        raise ExpressionTypeError("0 * int_oo has no value")
    return PLUS_INFINITY if (factor > 0) == (a.value.sign > 0) else MINUS_INFINITY


def multiply(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a * b``, multiplied out when that stays small.

    Raises `ExpressionTypeError` for a product of `int_oo` with an expression whose sign
    is not known here, `TooLargeError` for numbers of too many bits.
    """
    if type(a) is IntConstant:
        return _multiple(a.constant, b)
    if type(b) is IntConstant:
        return _multiple(b.constant, a)
    if type(a) is Infinity or type(b) is Infinity:
        raise ExpressionTypeError("int_oo times an expression has no integer value")
    left, right = a.terms(), b.terms()
    pairs = len(left) * len(right)
    if pairs > 1 and (
        pairs > EXPANSION_LIMIT or pairs * (_degree(left) + _degree(right)) > EXPANSION_WORK
    ):
        return factored(a, b)
    k, m = a.constant, b.constant
    terms: dict[IntExpr, int] = {}
    if m:
        for atom, c in left.items():
            terms[atom] = c * m
    if k:
        for atom, d in right.items():
            terms[atom] = terms.get(atom, 0) + k * d
    for x, c in left.items():
        for y, d in right.items():
            atom = monomial(x, y)
            terms[atom] = terms.get(atom, 0) + c * d
    k *= m
    if not all(-_LARGEST < c < _LARGEST for c in (k, *terms.values())):
        raise _too_large()
    return from_terms(terms, k)


def _degree(terms: Mapping[IntExpr, int]) -> int:
    """The most factors that a term has, those in powers (up to `HIGH_DEGREE`) counted each."""
    return max([_factors(t.factors) if isinstance(t, Product) else 1 for t in terms])


def _factors(factors: tuple[tuple[IntExpr, int], ...]) -> int:
    return sum([n if n < HIGH_DEGREE else HIGH_DEGREE for _, n in factors])


def _multiple(factor: int, a: IntExpr) -> IntExpr:
    """``factor * a``, unless that has numbers which are too large."""
    if not -_LARGE < factor < _LARGE:
        numbers = [a.constant, *a.terms().values()] if type(a) is not Infinity else []
        most = max((n.bit_length() for n in numbers), default=0)
        if factor.bit_length() + most > LARGEST_BITS:
            raise _too_large()
    return scale(factor, a)


def _too_large() -> TooLargeError:
    return TooLargeError(f"a number of more than {LARGEST_BITS} bits is not computed")


def monomial(x: IntExpr, y: IntExpr) -> IntExpr:
    """The product of two atoms or products as one atom."""
    powers: dict[IntExpr, int] = {}
    for part in (x, y):
        for base, exponent in part.factors if isinstance(part, Product) else ((part, 1),):
            powers[base] = powers.get(base, 0) + exponent
    if len(powers) > MANY:
        spend(2 * len(powers))
    return product_of(powers)


def factored(a: IntExpr, b: IntExpr) -> IntExpr:
    """The product of two expressions that vary as a monomial, over sums themselves."""
    factor_a, primitive_a = content(a)
    factor_b, primitive_b = content(b)
    if factor_a.bit_length() + factor_b.bit_length() > 2 * LARGEST_BITS:
        raise _too_large()
    return scale(factor_a * factor_b, monomial(primitive_a, primitive_b))


def content(a: IntExpr) -> tuple[int, IntExpr]:
    """``(c, p)`` with ``a == c*p``, p primitive and with a positive leading coefficient."""
    c = gcd(a.constant, *a.terms().values())
    if leading_sign(a.terms()) < 0:
        c = -c
    if c in (0, 1):
        return 1, a
    return c, from_terms({t: v // c for t, v in a.terms().items()}, a.constant // c)


def direction(e: IntExpr) -> tuple[int, IntExpr]:
    """``(f, d)`` with ``e == f*d + e.constant``: d is primitive, without a constant, and its
    eldest atom has a positive coefficient. What is known about d answers for e."""
    if type(e) is not Sum:
        return 1, e
    if e._direction is None:
        terms = e.terms()
        f = _signed_content(terms)
        if f == 1 and e.constant == 0:
            e._direction = (1, None)
        else:
            primitive = from_terms({t: c // f for t, c in terms.items()}, 0)
            if type(primitive) is Sum:
                primitive.terms()  # (its rope may hold e, and no node is part of a cycle)
            e._direction = (f, primitive)
    f, d = e._direction
    return f, e if d is None else d


def leading_sign(terms: dict[IntExpr, int]) -> int:
    """The sign of the coefficient of the eldest atom."""
    eldest: IntExpr | None = None
    leading = 1
    for x, c in terms.items():
        if eldest is None or x.birth < eldest.birth:
            eldest, leading = x, c
    return 1 if leading > 0 else -1


def _signed_content(terms: dict[IntExpr, int]) -> int:
    """The greatest factor that all coefficients have, with the sign of the leading one: what
    makes the terms primitive and the eldest atom's coefficient positive."""
    eldest: IntExpr | None = None
    leading = g = 0
    for x, c in terms.items():
        if c == 1 or c == -1:
            g = 1
        elif g != 1:
            g = gcd(g, c)
        if eldest is None or x.birth < eldest.birth:
            eldest, leading = x, c
    return g if leading > 0 else -g


def power(a: IntExpr, n: int) -> IntExpr:
    """``a**n`` for a non-constant `a` and ``n >= 1``: a monomial is raised by its exponents,
    a sum is multiplied out while that stays small. Raises `TooLargeError` for a coefficient
    of too many bits."""
    terms = a.terms()
    if len(terms) == 1 and a.constant == 0:
        ((atom, c),) = terms.items()
        if power_bits(c, n) > LARGEST_BITS:
            raise _too_large()
        factors = atom.factors if isinstance(atom, Product) else ((atom, 1),)
        return scale(c**n, make_product(tuple((b, e * n) for b, e in factors)))
    if n <= MOST_FACTORS and (len(terms) + 1) ** n <= EXPANSION_LIMIT:
        result = a
        for _ in range(n - 1):
            result = multiply(result, a)
        return result
    return factored_power(a, n)


def factored_power(a: IntExpr, n: int) -> IntExpr:
    """``a**n`` for an atom or a sum, which is not multiplied out, and ``n >= 1``."""
    factor, primitive = content(a)
    if power_bits(factor, n) > LARGEST_BITS:
        raise _too_large()
    return scale(factor**n, make_product(((primitive, n),)))


def stays_factored(product: Product) -> bool:
    """Whether a product has no sums, or may be too long for being multiplied out: so for each
    that `multiply` or `power` made, and not for short ones."""
    sums = [(base.terms(), n) for base, n in product.factors if type(base) is Sum]
    pairs = 1
    for terms, n in sums:
        pairs *= (len(terms) + 1) ** n if n <= MOST_FACTORS else EXPANSION_LIMIT + 1
    if pairs > EXPANSION_LIMIT or not sums:
        return True
    factors = _factors(product.factors) + sum([n * (_degree(terms) - 1) for terms, n in sums])
    return pairs * factors > EXPANSION_WORK


# --------------------------------------------------------------------------- relations


def le_zero(e: IntExpr) -> BoolExpr:
    """``e <= 0``, divided by the gcd of its coefficients and tightened."""
    if type(e) is Infinity:
        return TRUE if e is MINUS_INFINITY else FALSE
    terms = e.terms()
    if not terms:
        return TRUE if e.constant <= 0 else FALSE
    g = _common_factor(terms)
    if g > 1:
        e = from_terms({t: c // g for t, c in terms.items()}, -(-e.constant // g))
    return make_relation(LE_ZERO, e)


def eq_zero(e: IntExpr) -> BoolExpr:
    """``e == 0``, primitive and with a positive leading coefficient."""
    return _equality(EQ_ZERO, e)


def ne_zero(e: IntExpr) -> BoolExpr:
    """``e != 0``, primitive and with a positive leading coefficient."""
    return _equality(NE_ZERO, e)


def _equality(op: Op, e: IntExpr) -> BoolExpr:
    if type(e) is Infinity:
        return FALSE if op is EQ_ZERO else TRUE
    terms = e.terms()
    if not terms:
        return TRUE if (e.constant == 0) == (op is EQ_ZERO) else FALSE
    g = _signed_content(terms)
    if e.constant and e.constant % g:
        return FALSE if op is EQ_ZERO else TRUE
    if g != 1:
        e = from_terms({t: c // g for t, c in terms.items()}, e.constant // g)
    return make_relation(op, e)


def _common_factor(terms: dict[IntExpr, int]) -> int:
    g = 0
    for c in terms.values():
        if c == 1 or c == -1:
            return 1
        g = gcd(g, c)
    return g


_RELATIONS: Final = frozenset((LE_ZERO, EQ_ZERO, NE_ZERO))


def negated_relation(p: Expr) -> BoolExpr | None:
    """The complement of an integer relation, which is one too; None for anything else."""
    e = p.args[0] if p.op in _RELATIONS else None
    if not isinstance(e, IntExpr):
        return None
    if p.op is LE_ZERO:
        return make_relation(LE_ZERO, combine(-1, e, 0, e, 1))
    return make_relation(NE_ZERO if p.op is EQ_ZERO else EQ_ZERO, e)
