"""Normal forms of the integer operators.

Each operator is brought to the fewest kinds of atom that express it, so that equal things
meet: ``a % b`` is ``a - b*(a//b)``, a shift is a product with (a floor division by) a
power of two, a ceiling division is a negated floor division, ``x & (2**k - 1)`` is
``x % 2**k``. A floor division by a constant has a positive divisor, lowest terms, no term
and no part of the constant that divides out, and a positive leading coefficient. Every step
holds for all integers for which the operators are defined; what is lost on the way is the
condition of being defined, which the caller keeps separately (see `definedness`).

Sources: the identities are those of Knuth, TAOCP 1.2.4 (floor, ceiling, mod).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import TYPE_CHECKING

from shapes.base.budget import power_bits
from shapes.errors import ExpressionTypeError
from shapes.expr.linear import content, leading_sign, multiply, power, scale, shift
from shapes.expr.nodes import (
    MINUS_INFINITY,
    OPERATORS,
    PLUS_INFINITY,
    Infinity,
    IntAtom,
    IntConstant,
    IntExpr,
    Op,
    Product,
    Sum,
    birth_of,
    combine,
    constant,
    from_terms,
    int_operands,
    make_atom,
    make_operation,
    make_product,
    product_of,
)
from shapes.expr.quotients import (
    divided,
    exact_quotient,
    monomial_quotient,
    without_shared_factor,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "absolute",
    "bit_and",
    "bit_or",
    "bit_xor",
    "ceiling_division",
    "common_divisor",
    "floor_division",
    "maximum",
    "minimum",
    "modulo",
    "raise_to",
    "truncating_division",
    "truncating_modulo",
]

FLATTEN_LIMIT = 64
"""Nested commutative operators are merged up to this many operands (growth stays linear)."""

LARGEST_POWER_BITS = 1 << 16
"""Powers of constants with more bits than this are not computed while building."""


def _atom(name: str, a: IntExpr, b: IntExpr) -> IntExpr:
    return make_operation(OPERATORS[name], a, b)


def _commutative(name: str, args: Sequence[IntExpr]) -> IntExpr:
    return make_atom(OPERATORS[name], tuple(args), "int", frozenset(args))


def _finite(*operands: IntExpr) -> None:
    for e in operands:
        if type(e) is Infinity:
            raise ExpressionTypeError(
                f"{e} is the end of a range; it can only be compared, added, or put into "
                "Min and Max"
            )


# --------------------------------------------------------------------------- division


def floor_division(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a // b``; a divisor of 0 is kept as it stands, without a value."""
    _finite(a, b)
    if type(b) is IntConstant:
        return _divided_by_constant(a, b.constant)
    return _divided_by_expression(a, b)


def _divided_by_constant(a: IntExpr, c: int) -> IntExpr:
    if c == 0:
        return _atom("FloorDiv", a, constant(0))
    if c < 0:
        a, c = scale(-1, a), -c
    if c == 1:
        return a
    if isinstance(a, IntAtom) and a.op is not OPERATORS["FloorDiv"]:
        return _atom("FloorDiv", a, constant(c))
    divides = OPERATORS["FloorDiv"]
    terms = a.terms()
    if len(terms) == 1:
        ((atom, coefficient),) = terms.items()
        if atom.op is not divides:
            return _divided_term(a, atom, coefficient, c)
    elif _is_in_lowest_terms(terms, c):
        quotient = a.constant // c
        if not quotient:
            return _atom("FloorDiv", a, constant(c))
        return shift(_atom("FloorDiv", shift(a, -quotient * c), constant(c)), quotient)
    nested = False
    whole: dict[IntExpr, int] = {}
    rest: dict[IntExpr, int] = {}
    for atom, coefficient in terms.items():
        if coefficient % c:
            rest[atom] = coefficient
            nested = nested or atom.op is divides
        else:
            whole[atom] = coefficient // c
    k = a.constant
    if not rest:
        return from_terms(whole, k // c)
    g = gcd(c, *rest.values())
    if g > 1:
        # floor((g*S + k) / (g*c)) == floor((S + floor(k/g)) / c)
        rest = {atom: coefficient // g for atom, coefficient in rest.items()}
        c //= g
        k //= g
    quotient, k = divmod(k, c)
    merged = _nested_division(rest, k, c) if nested else None
    if merged is None:
        merged = _signed_division(rest, k, c, nested)
    if whole:
        return combine(1, from_terms(whole, quotient), 1, merged)
    return shift(merged, quotient)


def _is_in_lowest_terms(terms: dict[IntExpr, int], c: int) -> bool:
    """Whether a sum of these terms, divided by c, needs no more than its constant reduced:
    no term divides out, none is a quotient, nothing is common to all, the sign is right."""
    divides = OPERATORS["FloorDiv"]
    g = c
    for atom, coefficient in terms.items():
        if not coefficient % c or atom.op is divides:
            return False
        g = gcd(g, coefficient)
    return g == 1 and leading_sign(terms) > 0


def _divided_term(a: IntExpr, atom: IntExpr, coefficient: int, c: int) -> IntExpr:
    """``a // c`` for ``a == coefficient*atom + k``, where the atom isn't a quotient: the usual
    case, with nothing to merge and one term to look at."""
    k = a.constant
    if not coefficient % c:
        return combine(coefficient // c, atom, 0, atom, k // c)
    g = gcd(c, coefficient)
    if g > 1:
        coefficient, c, k = coefficient // g, c // g, k // g
    quotient, remainder = divmod(k, c)
    sign = 1
    if coefficient < 0:
        sign, coefficient, remainder = -1, -coefficient, c - 1 - remainder
    if g > 1 or sign < 0 or quotient:
        a = combine(coefficient, atom, 0, atom, remainder)
    division = _atom("FloorDiv", a, constant(c))
    if sign > 0 and not quotient:
        return division
    return combine(sign, division, 0, division, quotient)


def _nested_division(rest: Mapping[IntExpr, int], k: int, c: int) -> IntExpr | None:
    """``(x//d + S + k) // c == (x + d*S + d*k) // (d*c)`` for a constant ``d > 0``, and
    ``(x//d + k) // c == (x + d*k) // (d*c)`` for any d: floor(floor(y)/c) == floor(y/c)."""
    inner = [t for t, v in rest.items() if v in (1, -1) and t.op is OPERATORS["FloorDiv"]]
    if len(inner) != 1 or rest[inner[0]] < 0:
        return None
    x, d = inner[0].args
    assert isinstance(x, IntExpr)
    assert isinstance(d, IntExpr)
    others = {t: v for t, v in rest.items() if t is not inner[0]}
    if type(d) is not IntConstant:
        if others:
            return None
        return floor_division(combine(1, x, k, d), scale(c, d))
    if d.constant <= 0:
        return None
    numerator = combine(1, x, d.constant, from_terms(others, k))
    return _divided_by_constant(numerator, c * d.constant)


def _signed_division(rest: dict[IntExpr, int], k: int, c: int, nested: bool) -> IntExpr:
    """``floor((S + k)/c) == -floor((-S - k + c - 1)/c)``: the latter if there is a division
    inside that can be merged, otherwise the one with a positive leading coefficient."""
    positive = leading_sign(rest) > 0
    if positive and not nested:
        return _atom("FloorDiv", from_terms(rest, k), constant(c))
    flipped = {t: -v for t, v in rest.items()}
    merged = _nested_division(flipped, c - 1 - k, c) if nested else None
    if merged is None and positive:
        return _atom("FloorDiv", from_terms(rest, k), constant(c))
    if merged is None:
        merged = _atom("FloorDiv", from_terms(flipped, c - 1 - k), constant(c))
    return scale(-1, merged)


def _divided_by_expression(a: IntExpr, b: IntExpr) -> IntExpr:
    """Cancel what numerator and divisor share; all of it holds wherever ``b != 0``."""
    if type(a) is IntConstant and a.constant == 0:
        return a
    g = gcd(a.constant, b.constant, *a.terms().values(), *b.terms().values())
    if leading_sign(b.terms()) < 0:
        g = -g
    if g != 1:
        a, b = _divided_exactly(a, g), _divided_exactly(b, g)
    if type(b) is IntConstant:
        return _divided_by_constant(a, b.constant)
    pulled, a = _whole_multiples(a, b)
    left, divisor = _without_common_factors(a, b)
    if divisor is not b:
        return combine(1, pulled, 1, floor_division(left, divisor))
    if type(a) is IntConstant and a.constant == 0:
        return pulled
    if type(b) is Sum and (type(a) is Sum or type(a) is Product):
        return combine(1, pulled, 1, _divided_by_sum(a, b))
    return combine(1, pulled, 1, _atom("FloorDiv", a, b))


def _divided_by_sum(a: IntExpr, b: IntExpr) -> IntExpr:
    """Take out what the sum divides, and what both are multiples of."""
    pulled, a = divided(a, b) if type(a) is Sum else (constant(0), a)
    if type(a) is not IntConstant:
        left, divisor = without_shared_factor(a, b)
        if divisor is not b:
            return combine(1, pulled, 1, floor_division(left, divisor))
    if type(a) is IntConstant and a.constant == 0:
        return pulled
    return combine(1, pulled, 1, _atom("FloorDiv", a, b))


def _divided_exactly(a: IntExpr, g: int) -> IntExpr:
    return from_terms({t: c // g for t, c in a.terms().items()}, a.constant // g)


def _whole_multiples(a: IntExpr, b: IntExpr) -> tuple[IntExpr, IntExpr]:
    """``(q, r)`` with ``a == q*b + r``, where q collects the parts of a that b divides."""
    terms = b.terms()
    if len(terms) == 1 and b.constant == 0:
        ((divisor, c),) = terms.items()
        whole: dict[IntExpr, int] = {}
        k = 0
        rest = {}
        for atom, coefficient in a.terms().items():
            quotient = monomial_quotient(atom, divisor) if coefficient % c == 0 else None
            if quotient is None:
                rest[atom] = coefficient
            elif type(quotient) is IntConstant:
                k += coefficient // c
            else:
                whole[quotient] = whole.get(quotient, 0) + coefficient // c
        return from_terms(whole, k), from_terms(rest, a.constant)
    eldest = min(terms, key=birth_of)
    q, remainder = divmod(a.terms().get(eldest, 0), terms[eldest])
    if q and not remainder and all(a.terms().get(t, 0) == q * c for t, c in terms.items()):
        return constant(q), combine(1, a, -q, b)
    return constant(0), a


def _without_common_factors(a: IntExpr, b: IntExpr) -> tuple[IntExpr, IntExpr]:
    """Cancel the atoms that every term of both has: ``(x*y)//(x*z) == y//z``, as x != 0."""
    if a.constant or b.constant:
        return a, b
    common: dict[IntExpr, int] | None = None
    for atom in (*b.terms(), *a.terms()):
        powers = dict(atom.factors) if isinstance(atom, Product) else {atom: 1}
        if common is None:
            common = powers
        else:
            common = {t: min(e, powers[t]) for t, e in common.items() if t in powers}
        if not common:
            return a, b
    if not common or not a.terms():
        return a, b
    divisor = product_of(common)
    return _monomials_divided(a, divisor), _monomials_divided(b, divisor)


def _monomials_divided(a: IntExpr, divisor: IntExpr) -> IntExpr:
    result = constant(0)
    for atom, c in a.terms().items():
        quotient = monomial_quotient(atom, divisor)
        assert quotient is not None
        result = combine(1, result, c, quotient)
    return result


def modulo(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a % b`` as ``a - b*(a//b)``; the reader of a sum finds it again (see `views`)."""
    _finite(a, b)
    if type(b) is IntConstant:
        if b.constant == 0:
            return _atom("Mod", a, b)
        return combine(1, a, -b.constant, _divided_by_constant(a, b.constant))
    return combine(1, a, -1, multiply(b, _divided_by_expression(a, b)))


def ceiling_division(a: IntExpr, b: IntExpr) -> IntExpr:
    """The quotient rounded up: ``-((-a)//b)``."""
    return scale(-1, floor_division(scale(-1, a), b))


def truncating_division(a: IntExpr, b: IntExpr) -> IntExpr:
    """The quotient rounded to zero; odd in both operands, so signs are moved outside."""
    _finite(a, b)
    if type(b) is IntConstant and b.constant == 0:
        return _atom("TruncDiv", a, b)
    if type(a) is IntConstant and type(b) is IntConstant:
        magnitude = abs(a.constant) // abs(b.constant)
        return constant(magnitude if (a.constant < 0) == (b.constant < 0) else -magnitude)
    g = gcd(a.constant, b.constant, *a.terms().values(), *b.terms().values())
    if g > 1:
        a, b = _divided_exactly(a, g), _divided_exactly(b, g)
    sign = 1
    if type(b) is IntConstant:
        if b.constant < 0:
            sign, b = -sign, scale(-1, b)
        if b.constant == 1:
            return scale(sign, a)
    elif leading_sign(b.terms()) < 0:
        sign, b = -sign, scale(-1, b)
    exact = exact_quotient(a, b)
    if exact is not None:
        return scale(sign, exact)
    left, divisor = without_shared_factor(a, b)
    if divisor is not b:
        return scale(sign, truncating_division(left, divisor))
    if type(a) is IntConstant:
        if a.constant == 0:
            return a
        if a.constant < 0:
            sign, a = -sign, scale(-1, a)
    elif leading_sign(a.terms()) < 0:
        sign, a = -sign, scale(-1, a)
    return scale(sign, _atom("TruncDiv", a, b))


def truncating_modulo(a: IntExpr, b: IntExpr) -> IntExpr:
    """``a - b*TruncDiv(a, b)``: the remainder with the sign of a."""
    if type(b) is IntConstant and b.constant == 0:
        return _atom("TruncMod", a, b)
    return combine(1, a, -1, multiply(b, truncating_division(a, b)))


def common_divisor(a: IntExpr, b: IntExpr) -> IntExpr:
    """``gcd(a, b)``, at least 0 and only of zeros 0. Signs do not matter, and what all
    coefficients share is moved outside."""
    _finite(a, b)
    factor = gcd(a.constant, b.constant, *a.terms().values(), *b.terms().values())
    if factor == 0:
        return a
    a, b = _divided_exactly(a, factor), _divided_exactly(b, factor)
    if type(a) is IntConstant:
        a, b = b, a
    if type(b) is IntConstant:
        return scale(factor, _common_divisor_with(a, abs(b.constant)))
    a = a if leading_sign(a.terms()) > 0 else scale(-1, a)
    b = b if leading_sign(b.terms()) > 0 else scale(-1, b)
    if a is b:
        return scale(factor, absolute(a))
    shared = _shared_monomial(a, b)
    if shared is not None:
        rest = [exact_quotient(x, shared) for x in (a, b)]
        if rest[0] is not None and rest[1] is not None:
            return scale(factor, multiply(absolute(shared), common_divisor(rest[0], rest[1])))
    return scale(factor, _commutative("gcd", (a, b)))


def _shared_monomial(a: IntExpr, b: IntExpr) -> IntExpr | None:
    """The product of the atoms that are factors of all terms of both, each as often as it is
    in all; None if there is none."""
    if a.constant or b.constant:
        return None
    shared: dict[IntExpr, int] | None = None
    for t in (*a.terms(), *b.terms()):
        powers = dict(t.factors) if type(t) is Product else {t: 1}
        if shared is None:
            shared = powers
        else:
            shared = {x: min(n, powers[x]) for x, n in shared.items() if x in powers}
        if not shared:
            return None
    assert shared is not None
    return make_product(tuple(shared.items()))


def _common_divisor_with(a: IntExpr, c: int) -> IntExpr:
    """The same beside a constant that shares no factor with all coefficients of a: residues
    are enough, and what they share is prime to the constant."""
    if c == 0:
        return absolute(a)
    a = content(a)[1]
    a = from_terms({t: v % c for t, v in a.terms().items()}, a.constant % c)
    if type(a) is IntConstant:
        return constant(gcd(a.constant, c))
    return _commutative("gcd", (content(a)[1], constant(c)))


# --------------------------------------------------------------------------- powers, sizes


def raise_to(base: IntExpr, exponent: IntExpr) -> IntExpr:
    """``base ** exponent``; a negative exponent is kept, without a value."""
    _finite(base, exponent)
    if type(exponent) is not IntConstant:
        return constant(1) if base is constant(1) else _atom("Pow", base, exponent)
    n = exponent.constant
    if n < 0:
        return _atom("Pow", base, exponent)
    if n == 0:
        return constant(1)
    if type(base) is not IntConstant:
        return power(base, n)
    if power_bits(base.constant, n) > LARGEST_POWER_BITS:
        return _atom("Pow", base, exponent)
    return constant(base.constant**n)


def absolute(a: IntExpr) -> IntExpr:
    """``abs(a)``, with the content moved outside."""
    if type(a) is Infinity:
        return PLUS_INFINITY
    if type(a) is IntConstant:
        return constant(abs(a.constant))
    factor, primitive = content(a)
    if isinstance(primitive, IntAtom) and primitive.op is OPERATORS["Abs"]:
        return scale(abs(factor), primitive)
    magnitude = make_atom(OPERATORS["Abs"], (primitive,), "int")
    return scale(abs(factor), magnitude)


# --------------------------------------------------------------------------- lattice


def minimum(*operands: IntExpr) -> IntExpr:
    """The least operand: merged, without repetition, ``x + 1`` beside ``x + 3`` dropped."""
    return _extremum("Min", min, PLUS_INFINITY, MINUS_INFINITY, operands)


def maximum(*operands: IntExpr) -> IntExpr:
    """The greatest operand, merged like `minimum`."""
    return _extremum("Max", max, MINUS_INFINITY, PLUS_INFINITY, operands)


def _extremum(
    name: str,
    choose: Callable[[int, int], int],
    neutral: IntExpr,
    absorbing: IntExpr,
    operands: Iterable[IntExpr],
) -> IntExpr:
    op = OPERATORS[name]
    # Operands that differ by a constant have the same key once it is taken off.
    best: dict[int, IntExpr] = {}
    for e in _flattened(op, operands):
        if e is absorbing:
            return absorbing
        if e is neutral:
            continue
        direction = e.key - e.constant
        held = best.get(direction)
        if held is None or choose(e.constant, held.constant) != held.constant:
            best[direction] = e
    if not best:
        return neutral
    kept = tuple(best.values())
    if len(kept) == 1:
        return kept[0]
    return _commutative(name, kept)


def _flattened(op: Op, operands: Iterable[IntExpr]) -> list[IntExpr]:
    flat: list[IntExpr] = []
    for e in operands:
        nested = int_operands(e) if e.op is op else ()
        if nested and len(flat) + len(nested) <= FLATTEN_LIMIT:
            flat.extend(nested)
        else:
            flat.append(e)
    return flat


# --------------------------------------------------------------------------- bits


def bit_and(*operands: IntExpr) -> IntExpr:
    """``&`` on two's complement without end; ``x & (2**k - 1)`` is ``x % 2**k``."""
    mask, rest = _bits("BitAnd", -1, lambda a, b: a & b, operands)
    if mask == 0:
        return constant(0)
    if len(rest) == 1 and mask > 0 and mask & (mask + 1) == 0:
        return modulo(rest[0], constant(mask + 1))
    return _bit_atom("BitAnd", -1, mask, rest)


def bit_or(*operands: IntExpr) -> IntExpr:
    """``|`` on two's complement without end."""
    mask, rest = _bits("BitOr", 0, lambda a, b: a | b, operands)
    return constant(-1) if mask == -1 else _bit_atom("BitOr", 0, mask, rest)


def bit_xor(*operands: IntExpr) -> IntExpr:
    """``^`` on two's complement without end; equal operands cancel, ``x ^ -1`` is ``~x``."""
    mask, rest = _bits("BitXor", 0, lambda a, b: a ^ b, operands, cancel=True)
    if mask < 0 and rest:
        # ~(x ^ y) == -1 - (x ^ y), and x ^ m == ~(x ^ ~m)
        return shift(scale(-1, _bit_atom("BitXor", 0, ~mask, rest)), -1)
    return _bit_atom("BitXor", 0, mask, rest)


def _bits(
    name: str,
    unit: int,
    fold: Callable[[int, int], int],
    operands: Iterable[IntExpr],
    cancel: bool = False,
) -> tuple[int, list[IntExpr]]:
    """The constants folded into one, and the other operands without repetition."""
    mask = unit
    rest: dict[IntExpr, None] = {}
    for e in _flattened(OPERATORS[name], operands):
        _finite(e)
        if type(e) is IntConstant:
            mask = fold(mask, e.constant)
        elif cancel and e in rest:
            del rest[e]
        else:
            rest[e] = None
    return mask, list(rest)


def _bit_atom(name: str, unit: int, mask: int, rest: list[IntExpr]) -> IntExpr:
    parts = [*rest, constant(mask)] if mask != unit or not rest else rest
    if len(parts) == 1:
        return parts[0]
    return _commutative(name, parts)
