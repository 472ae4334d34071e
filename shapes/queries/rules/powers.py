"""Powers and products of powers (a shift is a product with, or a division by, ``2**s``)."""

from __future__ import annotations

from collections.abc import Iterator

from shapes.expr.booleans import as_integer
from shapes.expr.integers import raise_to
from shapes.expr.linear import eq_zero, le_zero, multiply, ne_zero
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
from shapes.queries.rules.table import Ask, Example, Rule

__all__ = ["POWERS"]

_RELATIONS = {"LeZero": le_zero, "EqZero": eq_zero, "NeZero": ne_zero}


def _logarithm(base: int, value: int) -> int | None:
    """The k >= 1 with ``base**k == value``."""
    if base < 2 or value < base:
        return None
    k = 0
    while value % base == 0:
        value //= base
        k += 1
    return k if value == 1 else None


def _constant_base(power: Expr) -> int:
    """The base of ``c**x``; 0 for anything else."""
    if power.op is not OPERATORS["Pow"] or type(power.args[0]) is not IntConstant:
        return 0
    return power.args[0].constant


def _coefficient_raised(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``4 * 2**x -> 2**(x + 2)``."""
    assert isinstance(node, IntExpr)
    for term, c in sorted(node.terms().items(), key=lambda t: birth_of(t[0])):
        factors = term.factors if isinstance(term, Product) else ((term, 1),)
        for base, exponent in factors:
            k = _logarithm(_constant_base(base), abs(c))
            if k is None or exponent != 1:
                continue
            x = base.args[1]
            assert isinstance(x, IntExpr)
            raised = raise_to(as_integer(base.args[0]), combine(1, x, 0, x, k))
            others = tuple(f for f in factors if f[0] is not base)
            rest = make_product(others) if others else constant(1)
            left = combine(1, node, -c, term)
            yield combine(1, left, 1 if c > 0 else -1, multiply(raised, rest))


def _quotient_by_constant(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``2**x // 4 -> 2**(x - 2)`` if x is known to be at least 2."""
    power, divisor = node.args
    if type(divisor) is not IntConstant:
        return
    k = _logarithm(_constant_base(power), divisor.constant)
    if k is None:
        return
    base, x = int_operands(power)
    if ask.known(x >= k):
        yield raise_to(base, combine(1, x, 0, x, -k))


def _repeated_power(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``(x**y)**k -> x**(k*y)`` and ``abs(x)**2 -> x**2`` as factors of a product."""
    assert isinstance(node, Product)
    for base, exponent in node.factors:
        replaced: IntExpr | None = None
        if base.op is OPERATORS["Pow"] and exponent > 1:
            x, y = int_operands(base)
            replaced = raise_to(x, combine(exponent, y, 0, y))
        elif base.op is OPERATORS["Abs"] and exponent > 1:
            (x,) = int_operands(base)
            replaced = raise_to(x, constant(exponent - exponent % 2))
            if exponent % 2:
                replaced = multiply(replaced, base)
        if replaced is None:
            continue
        others = tuple(f for f in node.factors if f[0] is not base)
        yield multiply(replaced, make_product(others)) if others else replaced


def _root_of_equality(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x**k == 0 -> x == 0``, and factors that are known not to be 0 go."""
    product = node.args[0]
    if not isinstance(product, Product):
        return
    kept = []
    for base, _ in product.factors:
        if not ask.known(ne_zero(base)):
            kept.append((base, 1))
    build = eq_zero if node.op.name == "EqZero" else ne_zero
    if kept:
        yield build(make_product(tuple(kept)))


def _positive_factor(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``x*y <= x*z -> y <= z`` if x is known to be at least 1 (for ``==``: not 0)."""
    e = node.args[0]
    assert isinstance(e, IntExpr)
    if e.constant:
        return
    shared: list[IntExpr] | None = None
    for term in e.terms():
        bases = [b for b, _ in term.factors] if isinstance(term, Product) else [term]
        shared = bases if shared is None else [b for b in shared if b in bases]
    for x in sorted(shared or [], key=birth_of):
        wanted = x >= 1 if node.op.name == "LeZero" else ne_zero(x)
        if not ask.known(wanted):
            continue
        rest = constant(0)
        for term, c in e.terms().items():
            rest = combine(1, rest, c, _less_one(term, x))
        yield _RELATIONS[node.op.name](rest)


def _less_one(term: IntExpr, x: IntExpr) -> IntExpr:
    """term / x for a factor x of the term."""
    result = constant(1)
    for base, exponent in term.factors if isinstance(term, Product) else ((term, 1),):
        for _ in range(exponent - (base is x)):
            result = multiply(result, base)
    return result


POWERS = (
    Rule(
        "repeated factor", "x**c * y", _repeated_power,
        example=Example("abs(a)*abs(a)*b", "", "a**2*b"),
    ),
    Rule(
        "product of powers", "x**y * x**z", "x**(y + z)",
        example=Example("2**a * 2**b * n", "", "2**(a + b) * n"),
    ),
    Rule(
        "factor and power", "x * x**y", "x**(y + 1)",
        example=Example("a * a**n", "", "a**(n + 1)"),
    ),
    Rule(
        "powers to one exponent", "x**z * y**z", "(x*y)**z",
        example=Example("a**n * b**n", "", "(a*b)**n"),
    ),
    Rule(
        "coefficient and power", "c * 2**x + y", _coefficient_raised,
        example=Example("4 * 2**n + a", "", "2**(n + 2) + a"),
    ),
    Rule(
        "power of a power", "(x**y)**z", "x**(y*z)",
        example=Example("(a**b)**n", "", "a**(b*n)"),
    ),
    Rule(
        "product of magnitudes", "abs(x) * abs(y)", "abs(x*y)",
        example=Example("abs(a)*abs(b)", "", "abs(a*b)"),
    ),
    Rule(
        "quotient of powers", "x**y // x**z", "x**(y - z)", "y >= z",
        Example("2**a // 2**b", "a >= b", "2**(a - b)"),
    ),
    Rule(
        "power by its base", "x**y // x", "x**(y - 1)", "y >= 1",
        Example("a**n // a", "n >= 1", "a**(n - 1)"),
    ),
    Rule(
        "power by a power of its base", "c**x // d", _quotient_by_constant,
        example=Example("2**n // 8", "n >= 3", "2**(n - 3)"),
    ),
    Rule(
        "order of powers", "c**x <= c**y", "x <= y", "c >= 2",
        Example("2**a <= 2**b", "", "a <= b"),
    ),
    Rule(
        "equal powers", "Eq(c**x, c**y)", "Eq(x, y)", "c >= 2",
        Example("Eq(2**a, 2**b)", "", "Eq(a, b)"),
    ),
    Rule(
        "product is 0", "Eq(x, 0)", _root_of_equality,
        example=Example("Eq(a*b**2, 0)", "a >= 1", "Eq(b, 0)"),
    ),
    Rule(
        "product is not 0", "Ne(x, 0)", _root_of_equality,
        example=Example("Ne(a*b**2, 0)", "", "Ne(a*b, 0)"),
    ),
    Rule(
        "positive factor of an order", "x*y <= x*z", _positive_factor,
        example=Example("a*b <= a*n", "a >= 1", "b <= n"),
    ),
    Rule(
        "factor of an equality", "Eq(x*y, x*z)", _positive_factor,
        example=Example("Eq(a*b, a*n)", "a >= 1", "Eq(b, n)"),
    ),
    Rule(
        "factor of a difference", "Ne(x*y, x*z)", _positive_factor,
        example=Example("Ne(a*b, a*n)", "a <= -1", "Ne(b, n)"),
    ),
)  # fmt: skip
