"""Divisions and remainders (a remainder ``x % y`` is ``x - y*(x//y)`` in normal form)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shapes.base.infinity import IntInfinity
from shapes.expr.booleans import as_integer
from shapes.expr.integers import floor_division, modulo
from shapes.expr.linear import eq_zero, multiply, scale
from shapes.expr.nodes import (
    OPERATORS,
    Expr,
    IntConstant,
    IntExpr,
    Product,
    birth_of,
    combine,
    constant,
    int_operands,
    make_product,
)
from shapes.expr.quotients import monomial_quotient
from shapes.queries.rules.table import Ask, Example, Rule

__all__ = ["DIVISION"]

QUOTIENTS = 4
"""So many neighbouring constants are tried as the value of a quotient."""


def _constant_quotient(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x // y == q`` if ``q*y <= x < (q + 1)*y``, for the q that the range admits."""
    x, y = int_operands(node)
    lower, upper = ask.bounds(as_integer(node))
    if isinstance(lower, IntInfinity) or isinstance(upper, IntInfinity):
        lower, upper = -1, 1
    if upper - lower >= QUOTIENTS:
        return
    for q in sorted(range(lower, upper + 1), key=abs):
        if not ask.known(scale(q, y) <= x):
            continue
        if ask.known(x < scale(q + 1, y)):
            yield constant(q)


def _known_part(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``(S + T) // d -> (S - r)//d + (T + r)//d`` if S is known to leave r modulo d."""
    x, divisor = int_operands(node)
    if type(divisor) is not IntConstant or divisor.constant < 2:
        return
    d = divisor.constant
    whole, rest, r = constant(0), constant(x.constant), 0
    for term, c in sorted(x.terms().items(), key=lambda t: birth_of(t[0])):
        m, residue = ask.congruence(scale(c, term))
        if m % d == 0:
            whole, r = combine(1, whole, c, term), r + residue
        else:
            rest = combine(1, rest, c, term)
    r %= d
    if whole.is_constant or (rest.is_constant and rest.constant + r == 0):
        return
    exact = floor_division(combine(1, whole, 0, whole, -r), constant(d))
    yield combine(1, exact, 1, floor_division(combine(1, rest, 0, rest, r), constant(d)))


def _exact_multiple(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``m*d*(x//d) -> m*(x - r)`` if x is known to leave r modulo d."""
    assert isinstance(node, IntExpr)
    for term, c in sorted(node.terms().items(), key=lambda t: birth_of(t[0])):
        if term.op is not OPERATORS["FloorDiv"]:
            continue
        x, divisor = int_operands(term)
        d = divisor.constant if type(divisor) is IntConstant else 0
        if d == 0 or c % d:
            continue
        m, r = ask.congruence(x)
        if m % d == 0:
            others = combine(1, node, -c, term)
            yield combine(1, others, c // d, x, -(c // d) * (r % d))


def _factor_by_factor(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x // (f*g) -> (x // f) // g`` for g >= 1, f a factor or the coefficient: what is left
    of x may be short."""
    x, divisor = int_operands(node)
    if not x.terms() or len(divisor.terms()) != 1 or divisor.constant:
        return
    ((product, c),) = divisor.terms().items()
    powers = dict(product.factors) if isinstance(product, Product) else {product: 1}
    if c == 1 and sum(powers.values()) == 1:
        return
    if c > 1 and ask.known(product >= 1):
        yield floor_division(floor_division(x, constant(c)), product)
    for f in powers:
        left = tuple((b, e - (b is f)) for b, e in powers.items() if e > (b is f))
        g = scale(c, make_product(left)) if left else constant(c)
        if ask.known(g >= 1):
            yield floor_division(floor_division(x, f), g)


def _factors_of_the_numerator(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x // d`` as ``(x // f) // (d // f)`` for d, f >= 1, where f is a factor of a term of x
    that is known to divide d."""
    x, d = int_operands(node)
    if d.is_constant or not x.terms() or not ask.known(d >= 1):
        return
    tried: dict[IntExpr, None] = {}
    for term in x.terms():
        if isinstance(term, Product):
            tried.update(dict.fromkeys(base for base, _ in term.factors if base is not d))
    for f in sorted(tried, key=birth_of):
        if ask.known(f >= 1) and ask.known(eq_zero(modulo(d, f))):
            yield floor_division(floor_division(x, f), floor_division(d, f))


def _merged_quotients(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``(x // y) // z`` as ``x // (y*z)`` for z >= 1, everywhere in a sum at once."""
    assert isinstance(node, IntExpr)
    replaced: dict[Expr, IntExpr] = {}
    for atom in _quotients(node):
        inner, z = atom.args
        if inner.op is not atom.op or z.is_constant:
            continue
        x, y = int_operands(inner)
        assert isinstance(z, IntExpr)
        if ask.known(z >= 1):
            replaced[atom] = floor_division(x, multiply(y, z))
    if replaced:
        yield _with_atoms(node, replaced)


def _remainders_of_quotients(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x//f - g*(x // (f*g))`` as ``(x//f) % g`` for g >= 1, as compilers write the index of
    an inner loop."""
    assert isinstance(node, IntExpr)
    quotients = _quotients(node, numbers=True)
    nested = {atom: _nested(ask, atom) for atom in quotients} if len(quotients) > 1 else {}
    for inner in nested:
        x, f = int_operands(inner)
        replaced: dict[Expr, IntExpr] = {}
        for atom, (y, divisor) in nested.items():
            g = _cofactor(divisor, f) if y is x and atom.args[0] is not inner else None
            if g is not None and ask.known(g >= 1):
                replaced[atom] = floor_division(inner, g)
        if replaced:
            yield _with_atoms(node, replaced)


def _nested(ask: Ask, atom: IntExpr) -> tuple[Expr, IntExpr]:
    """A quotient of quotients as the quotient by one product: ``(x // y) // z`` is
    ``x // (y*z)`` for z >= 1."""
    x, divisor = int_operands(atom)
    while x.op is atom.op and ask.known(divisor >= 1):
        x, y = int_operands(x)
        divisor = multiply(y, divisor)
    return x, divisor


def _cofactor(product: IntExpr, f: IntExpr) -> IntExpr | None:
    """What a product of symbols and a number has besides the factor; None if it has not that
    factor, or nothing else but a number."""
    if len(product.terms()) != 1 or product.constant:
        return None
    ((whole, c),) = product.terms().items()
    factor, d = (constant(1), f.constant) if f.is_constant else next(iter(f.terms().items()))
    if len(f.terms()) > 1 or (f.constant and not f.is_constant) or not d or c % d:
        return None
    left = monomial_quotient(whole, factor)
    return None if left is None or left.is_constant else scale(c // d, left)


def _divisible_factors(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``f*((s*x + t) // f)`` as ``f*(s//f*x + t//f)`` if f is known to divide s."""
    assert isinstance(node, IntExpr)
    replaced: dict[Expr, IntExpr] = {}
    for atom in _quotients(node):
        numerator, f = int_operands(atom)
        whole, rest = constant(0), constant(numerator.constant)
        for term, c in numerator.terms().items():
            exact = _divided(ask, term, f)
            if exact is None:
                rest = combine(1, rest, c, term)
            else:
                whole = combine(1, whole, c, exact)
        if not whole.is_constant:
            replaced[atom] = combine(1, whole, 1, floor_division(rest, f))
    if replaced:
        yield _with_atoms(node, replaced)


def _exact_factors(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``(n*b) // d -> (n//d)*b`` where d divides n, in a sum in which that is shorter."""
    assert isinstance(node, IntExpr)
    replaced: dict[Expr, IntExpr] = {}
    for atom in _quotients(node, numbers=True):
        x, d = int_operands(atom)
        parts = [(_divided(ask, term, d), c) for term, c in x.terms().items()]
        if x.constant or not all(part is not None for part, _ in parts):
            continue
        total: IntExpr = constant(0)
        for part, c in parts:
            assert part is not None
            total = combine(1, total, c, part)
        replaced[atom] = total
    if replaced:
        yield _with_atoms(node, replaced)


def _multiples_of_the_divisor(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``(n*b//d + x) // (n//d)`` as ``b + x // (n//d)`` where d divides n: ``n*b//d`` is
    ``(n//d)*b``."""
    x, y = int_operands(node)
    if y.op is not OPERATORS["FloorDiv"]:
        return
    n, d = int_operands(y)
    replaced: dict[Expr, IntExpr] = {}
    for atom in _quotients(x, numbers=True):
        numerator, divisor = int_operands(atom)
        factor = None if divisor is not d else _without_factor(numerator, n)
        if factor is not None:
            replaced[atom] = multiply(y, factor)
    if replaced and ask.known(eq_zero(modulo(n, d))):
        yield floor_division(_with_atoms(x, replaced), y)


def _without_factor(e: IntExpr, n: IntExpr) -> IntExpr | None:
    """A sum of multiples of n, divided by n; None if it is none, or n itself."""
    total: IntExpr = constant(0)
    for term, c in e.terms().items():
        left = monomial_quotient(term, n)
        if left is None:
            return None
        total = combine(1, total, c, left)
    return None if e.constant or total.is_constant else total


def _divided(ask: Ask, term: IntExpr, f: IntExpr) -> IntExpr | None:
    """A product divided by f, if f is known to divide one of its factors."""
    if not isinstance(term, Product):
        return None
    for base, _ in term.factors:
        if base is not f and ask.known(eq_zero(modulo(base, f))):
            left = tuple((b, e - (b is base)) for b, e in term.factors if e > (b is base))
            return multiply(make_product(left), floor_division(base, f))
    return None


def _quotients(node: IntExpr, numbers: bool = False) -> list[IntExpr]:
    """The quotients in a sum and in its products: those by something that is not a number, or
    all."""
    found: dict[IntExpr, None] = {}
    for term in node.terms():
        bases = term.args if isinstance(term, Product) else (term,)
        for base in bases:
            if base.op is OPERATORS["FloorDiv"] and (numbers or not base.args[1].is_constant):
                found[base] = None
    return list(found)


def _with_atoms(node: IntExpr, replaced: Mapping[Expr, IntExpr]) -> IntExpr:
    """A sum with some of its atoms, also those in its products, replaced."""
    total: IntExpr = constant(node.constant)
    for term, c in node.terms().items():
        factors = term.factors if isinstance(term, Product) else ((term, 1),)
        product: IntExpr = constant(1)
        for base, exponent in factors:
            for _ in range(exponent):
                product = multiply(product, replaced.get(base, base))
        total = combine(1, total, c, product)
    return total


DIVISION = (
    Rule(
        "quotient 0", "x // y", "0", "0 <= x and x < y",
        Example("a // b", "0 <= a and a < b", "0"),
    ),
    Rule(
        "quotient 0, below", "x // y", "0", "y < x and x <= 0",
        Example("a // b", "a <= 0 and b < a", "0"),
    ),
    Rule(
        "quotient -1", "x // y", "-1", "-y <= x and x < 0",
        Example("a // b", "a < 0 and -b <= a", "-1"),
    ),
    Rule(
        "quotient within its range", "x // y", _constant_quotient,
        example=Example("a // b", "b <= a and a < 2*b and b >= 1", "1"),
    ),
    Rule(
        "no carry", "(x + c) // d", "x // d", "d >= 1 and 0 <= x % d + c and x % d + c < d",
        Example("(a + 5) // 8", "a % 8 == 0", "a // 8"),
    ),
    Rule(
        "a part that is known modulo the divisor", "x // d", _known_part, grows=True,
        example=Example("(a + b) // 8", "a % 8 == 0 and 0 <= b and b < 8", "a // 8"),
    ),
    Rule(
        "floor of floor", "(x // y) // z", "x // (y*z)", "z >= 1",
        Example("(a // b) // n", "n >= 1", "a // (b*n)"),
    ),
    Rule(
        "factor by factor", "x // (y*z)", _factor_by_factor, grows=True,
        example=Example("(a*b + n) // (b*8)", "b >= 1 and 0 <= n and n < b", "a // 8"),
    ),
    Rule(
        "by a factor that divides the divisor", "x // y", _factors_of_the_numerator,
        grows=True,
        example=Example(
            "(a*b + n) // m",
            "b >= 1 and m >= 1 and m % b == 0 and 0 <= n and n < b and 0 <= a and a < m // b",
            "0",
        ),
    ),
    Rule(
        "multiples of the divisor", "x // y", _multiples_of_the_divisor, grows=True,
        example=Example(
            "(n*b // 2 + a) // (n // 2)",
            "n >= 1 and n % 2 == 0 and 0 <= a and a < n // 2",
            "b",
        ),
    ),
    Rule(
        "quotients of quotients in a sum", "x + c*(x // d)", _merged_quotients, grows=True,
        example=Example(
            "a // (b*n)*b + (a // n) % b", "b >= 1 and n >= 1", "a // n"
        ),
    ),
    Rule(
        "remainder of a quotient", "x + c*(x // d)", _remainders_of_quotients,
        example=Example("(a % (b*n)) // b", "b >= 1 and n >= 1", "a // b % n"),
    ),
    Rule(
        "a factor that the divisor divides", "y * (x // y)", _divisible_factors, grows=True,
        example=Example("a*n // b*b", "a % b == 0", "a*n"),
    ),
    Rule(
        "a factor that the divisor divides, in a sum", "x + c*(x // d)", _divisible_factors,
        grows=True, example=Example("(a*n) % b + n", "a % b == 0", "n"),
    ),
    Rule(
        "factor that the divisor divides", "x + c*(y // d)", _exact_factors, grows=True,
        example=Example("a*n // 8 - a*(n // 8) + b", "n % 8 == 0", "b"),
    ),
    Rule(
        "multiple restored", "x + c*(x // d)", _exact_multiple,
        example=Example("8*(a // 8) + b", "a % 8 == 3", "a + b - 3"),
    ),
    Rule(
        "symbolic multiple restored", "y * (x // y)", "x", "Eq(x % y, 0)",
        Example("b*(a // b)*n", "a % b == 0", "a*n"),
    ),
    Rule(
        "symbolic multiple restored, rounded up", "y * (-x // y)", "-x", "Eq(x % y, 0)",
        Example("b*ceildiv(a, b)*n", "a % b == 0", "a*n"),
    ),
    Rule(
        "exact ceiling", "-((-x) // y)", "x // y", "Eq(x % y, 0)",
        Example("ceildiv(a, b) + n", "a % b == 0", "a // b + n"),
    ),
    Rule(
        "truncation of equal signs", "TruncDiv(x, y)", "x // y", "x >= 0 and y >= 1",
        Example("TruncDiv(a, b)", "a >= 0 and b >= 1", "a // b"),
    ),
    Rule(
        "truncation of equal signs, below", "TruncDiv(x, y)", "x // y", "x <= 0 and y <= -1",
        Example("TruncDiv(a, b)", "a <= 0 and b <= -1", "a // b"),
    ),
    Rule(
        "exact truncation", "TruncDiv(x, y)", "x // y", "Eq(x % y, 0)",
        Example("TruncDiv(a, b)", "a % b == 0", "a // b"),
    ),
    Rule(
        "truncated to 0", "TruncDiv(x, y)", "0", "-y < x and x < y",
        Example("TruncDiv(a, b)", "-b < a and a < b", "0"),
    ),
    Rule(
        "quotient at least", "x // y >= z", "x >= y*z", "y >= 1",
        Example("a // b >= n", "b >= 1", "a >= b*n"),
    ),
    Rule(
        "quotient at most", "x // y <= z", "x < y*z + y", "y >= 1",
        Example("a // 8 <= 3", "", "a <= 31"),
    ),
)  # fmt: skip
