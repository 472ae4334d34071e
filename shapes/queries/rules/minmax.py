"""Minima, maxima and magnitudes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd

from shapes.expr.booleans import as_integer, where
from shapes.expr.integers import absolute, maximum, minimum
from shapes.expr.linear import multiply, scale
from shapes.expr.nodes import (
    Expr,
    Infinity,
    IntAtom,
    IntExpr,
    Product,
    birth_of,
    combine,
    constant,
    from_terms,
    int_operands,
)
from shapes.queries.rules.table import Ask, Example, Rule

__all__ = ["MINMAX", "common_factor", "common_terms"]


def common_terms(operands: Sequence[IntExpr]) -> IntExpr:
    """What every operand has: the smaller part of each term (and of the constant) in which
    all agree on the sign."""
    first, others = operands[0], operands[1:]
    terms = {}
    for term, c in sorted(first.terms().items(), key=lambda t: birth_of(t[0])):
        coefficients = [c, *(e.terms().get(term, 0) for e in others)]
        if all(v > 0 for v in coefficients):
            terms[term] = min(coefficients)
        elif all(v < 0 for v in coefficients):
            terms[term] = max(coefficients)
    constants = [e.constant for e in operands]
    return from_terms(terms, constants[0] if len(set(constants)) == 1 else 0)


def common_factor(operands: Sequence[IntExpr]) -> int:
    """The greatest integer that divides every operand, negative if all lead with minus."""
    g = 0
    for e in operands:
        g = gcd(g, e.constant, *e.terms().values())
    if all(e.constant <= 0 and all(c < 0 for c in e.terms().values()) for e in operands):
        return -g
    return g


def _built(node: Expr, operands: Sequence[IntExpr], flipped: bool = False) -> IntExpr:
    """The same kind of choice (or, flipped, the other extremum) on other operands."""
    if node.op.name == "Where":
        return as_integer(where(node.args[0], *operands))
    return (minimum if (node.op.name == "Min") != flipped else maximum)(*operands)


def _operands(node: Expr) -> list[IntExpr]:
    """The integers to choose from; none if one is the end of a range, or a double."""
    chosen = node.args[1:] if node.op.name == "Where" else node.args
    finite = [e for e in chosen if isinstance(e, IntExpr) and type(e) is not Infinity]
    return finite if len(finite) == len(chosen) else []


def terms_pulled_out(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Min(x + z, y + z) -> Min(x, y) + z``."""
    operands = _operands(node)
    common = common_terms(operands) if operands else constant(0)
    if common is not constant(0):
        rests = [combine(1, e, -1, common) for e in operands]
        yield combine(1, _built(node, rests), 1, common)


def _terms_taken_in(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Min(x + z, y) - z -> Min(x, y - z)``, which writes z once."""
    assert isinstance(node, IntExpr)
    for atom, c in sorted(node.terms().items(), key=lambda t: birth_of(t[0])):
        operands = _operands(atom) if atom.op.name in ("Min", "Max") else []
        if abs(c) != 1:
            continue
        inside = [scale(c, e).terms() for e in operands]
        taken = {
            t: k
            for t, k in node.terms().items()
            if t is not atom and any(terms.get(t) == -k for terms in inside)
        }
        if taken:
            z = from_terms(taken, 0)
            chosen = _built(atom, [combine(1, e, c, z) for e in operands])
            rest = combine(1, combine(1, node, -c, atom), -1, z)
            yield combine(1, rest, c, chosen)


def factor_pulled_out(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Min(c*x, c*y) -> c*Min(x, y)``; a negative factor makes it a maximum."""
    operands = _operands(node)
    g = common_factor(operands) if operands else 1
    if g in (0, 1) or (node.op.name == "Where" and g == -1):
        return
    rests = [
        from_terms({t: c // g for t, c in e.terms().items()}, e.constant // g)
        for e in operands
    ]
    yield scale(g, _built(node, rests, flipped=g < 0))


def symbol_pulled_out(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Min(x*z, y*z) -> Min(x, y)*z`` if z is known to be at least 0."""
    operands = _operands(node)
    for z in _shared_factors(operands):
        flipped = False
        if node.op.name != "Where" and not ask.known(z >= 0):
            if not ask.known(z <= 0):
                continue
            flipped = True
        rests = [_without(e, z) for e in operands]
        yield multiply(z, _built(node, rests, flipped))


def _shared_factors(operands: Sequence[IntExpr]) -> list[IntExpr]:
    """The atoms that are a factor of every term of every operand."""
    shared: list[IntExpr] | None = None
    for e in operands:
        if e.constant or not e.terms():
            if e is constant(0):
                continue
            return []
        for term in e.terms():
            bases = [b for b, _ in term.factors] if isinstance(term, Product) else [term]
            shared = bases if shared is None else [b for b in shared if b in bases]
    return sorted(shared or [], key=birth_of)


def _without(e: IntExpr, z: IntExpr) -> IntExpr:
    result = constant(0)
    for term, c in e.terms().items():
        factors = term.factors if isinstance(term, Product) else ((term, 1),)
        part = constant(c)
        for base, exponent in factors:
            for _ in range(exponent - (base is z)):
                part = multiply(part, base)
        result = combine(1, result, 1, part)
    return result


def _opposite(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Max(x, -x) -> abs(x)``, ``Min(x, -x) -> -abs(x)``."""
    if len(node.args) != 2:
        return
    x, y = int_operands(node)
    if scale(-1, x) is y:
        yield scale(1 if node.op.name == "Max" else -1, absolute(x))


def _difference(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Max(x, y) - Min(x, y) -> abs(x - y)``."""
    assert isinstance(node, IntExpr)
    terms = node.terms()
    for top in sorted(terms, key=birth_of):
        if not isinstance(top, IntAtom) or top.op.name != "Max" or len(top.args) != 2:
            continue
        x, y = int_operands(top)
        low = minimum(x, y)
        c = terms[top]
        if terms.get(low, 0) == -c:
            rest = combine(1, combine(1, node, -c, top), c, low)
            yield combine(1, rest, c, absolute(combine(1, x, -1, y)))


def _shifted(ask: Ask, node: Expr) -> Iterator[Expr]:
    """``Min(x + z, y + z) - Min(x, y) -> z``, as sizes of tiles at the end of an array have
    it."""
    assert isinstance(node, IntExpr)
    chosen = [
        (atom, c)
        for atom, c in sorted(node.terms().items(), key=lambda t: birth_of(t[0]))
        if atom.op.name in ("Min", "Max") and _operands(atom)
    ]
    for index, (first, c) in enumerate(chosen):
        for second, d in chosen[index + 1 :]:
            z = _distance(first, second) if c == -d else None
            if z is not None:
                rest = combine(1, combine(1, node, -c, first), -d, second)
                yield combine(1, rest, d, z)


def _distance(first: IntExpr, second: IntExpr) -> IntExpr | None:
    """What all operands of one choice are more than those of another, in some order."""
    xs, ys = int_operands(first), int_operands(second)
    if first.op is not second.op or len(xs) != len(ys):
        return None
    for y in ys:
        z = combine(1, y, -1, xs[0])
        if {combine(1, x, 1, z) for x in xs} == set(ys):
            return z
    return None


MINMAX = (
    Rule("least", "Min(x, y)", "x", "x <= y", Example("Min(a, b, n)", "a <= b", "Min(a, n)")),
    Rule(
        "greatest", "Max(x, y)", "x", "y <= x",
        Example("Max(a, b, n)", "b <= a", "Max(a, n)"),
    ),
    Rule(
        "least of a greater one", "Min(x, Max(y, z))", "x", "x <= y",
        Example("Min(a, Max(b, n))", "a <= b", "a"),
    ),
    Rule(
        "greatest of a lesser one", "Max(x, Min(y, z))", "x", "y <= x",
        Example("Max(a, Min(b, n))", "b <= a", "a"),
    ),
    Rule(
        "minimum of maxima", "Min(Max(x, y), Max(x, z))", "Max(x, Min(y, z))",
        example=Example("Min(Max(a, b), Max(a, n))", "", "Max(a, Min(b, n))"),
    ),
    Rule(
        "maximum of minima", "Max(Min(x, y), Min(x, z))", "Min(x, Max(y, z))",
        example=Example("Max(Min(a, b), Min(a, n))", "", "Min(a, Max(b, n))"),
    ),
    Rule(
        "terms out of a minimum", "Min(x + z, y + z)", terms_pulled_out,
        example=Example("Min(a + b, n + b, b)", "", "b + Min(a, n, 0)"),
    ),
    Rule(
        "terms out of a maximum", "Max(x + z, y + z)", terms_pulled_out,
        example=Example("Max(a + 1, b + 1)", "", "Max(a, b) + 1"),
    ),
    Rule(
        "terms taken into a minimum or maximum", "x + c*Min(y, z)", _terms_taken_in,
        example=Example("Min(a + b, n) - b", "", "Min(a, n - b)"),
    ),
    Rule(
        "factor out of a minimum", "Min(c*x, c*y)", factor_pulled_out,
        example=Example("Min(-4*a, -4*b)", "", "-4*Max(a, b)"),
    ),
    Rule(
        "factor out of a maximum", "Max(c*x, c*y)", factor_pulled_out,
        example=Example("Max(4*a, 4*b)", "", "4*Max(a, b)"),
    ),
    Rule(
        "symbol out of a minimum", "Min(x*z, y*z)", symbol_pulled_out,
        example=Example("Min(a*n, b*n)", "n >= 0", "n*Min(a, b)"),
    ),
    Rule(
        "symbol out of a maximum", "Max(x*z, y*z)", symbol_pulled_out,
        example=Example("Max(a*n, b*n)", "n <= 0", "n*Min(a, b)"),
    ),
    Rule(
        "minimum of quotients", "Min(x // z, y // z)", "Min(x, y) // z", "z >= 1",
        Example("Min(a // n, b // n)", "n >= 1", "Min(a, b) // n"),
    ),
    Rule(
        "maximum of quotients", "Max(x // z, y // z)", "Max(x, y) // z", "z >= 1",
        Example("Max(a // 4, b // 4)", "", "Max(a, b) // 4"),
    ),
    Rule(
        "maximum of opposites", "Max(x, -x)", _opposite,
        example=Example("Max(a, -a)", "", "abs(a)"),
    ),
    Rule(
        "minimum of opposites", "Min(x, -x)", _opposite,
        example=Example("Min(a - b, b - a)", "", "-abs(a - b)"),
    ),
    Rule(
        "both extrema", "Min(x, y) + Max(x, y)", "x + y",
        example=Example("2*Min(a, b) + 2*Max(a, b) + n", "", "2*a + 2*b + n"),
    ),
    Rule(
        "distance of the extrema", "Max(x, y) - Min(x, y)", _difference,
        example=Example("Max(a, b) - Min(a, b)", "", "abs(a - b)"),
    ),
    Rule(
        "extrema one beside the other", "x + c*Min(y, z)", _shifted,
        example=Example("Max(a, b - 8) + n - Max(a + 8, b)", "", "n - 8"),
    ),
    Rule("magnitude", "abs(x)", "x", "x >= 0", Example("abs(a - b)", "b <= a", "a - b")),
    Rule(
        "magnitude, below", "abs(x)", "-x", "x <= 0",
        Example("abs(a - b)", "a <= b", "b - a"),
    ),
    Rule(
        "minimum at least", "Min(x, y) >= z", "x >= z and y >= z", grows=True,
        example=Example("Min(a, b) >= n", "a >= n", "b >= n"),
    ),
    Rule(
        "minimum at most", "Min(x, y) <= z", "x <= z or y <= z", grows=True,
        example=Example("Min(a, b) <= n", "a > n", "b <= n"),
    ),
    Rule(
        "maximum at most", "Max(x, y) <= z", "x <= z and y <= z", grows=True,
        example=Example("Max(a, b) <= n", "a <= n", "b <= n"),
    ),
    Rule(
        "maximum at least", "Max(x, y) >= z", "x >= z or y >= z", grows=True,
        example=Example("Max(a, b) >= n", "a < n", "b >= n"),
    ),
    Rule(
        "is the minimum", "Eq(Min(x, y), x)", "x <= y",
        example=Example("Eq(Min(a, b), a)", "", "a <= b"),
    ),
    Rule(
        "is the maximum", "Eq(Max(x, y), x)", "y <= x",
        example=Example("Eq(Max(a, b), a)", "", "b <= a"),
    ),
    Rule(
        "is below the other operand", "Eq(Min(x, y), z)", "Eq(x, z)", "z < y",
        example=Example("Eq(Min(a, b), n)", "n < b", "Eq(a, n)"),
    ),
    Rule(
        "is above the other operand", "Eq(Max(x, y), z)", "Eq(x, z)", "z > y",
        example=Example("Eq(Max(a, b), n)", "n > b", "Eq(a, n)"),
    ),
    Rule(
        "is not what is below the other operand", "Ne(Min(x, y), z)", "Ne(x, z)", "z < y",
        example=Example("Ne(Min(a, b), n)", "n < b", "Ne(a, n)"),
    ),
    Rule(
        "is not what is above the other operand", "Ne(Max(x, y), z)", "Ne(x, z)", "z > y",
        example=Example("Ne(Max(a, b), n)", "n > b", "Ne(a, n)"),
    ),
    Rule(
        "is not the minimum", "Ne(Min(x, y), x)", "y < x",
        example=Example("Ne(Min(a, b), a)", "", "b < a"),
    ),
    Rule(
        "is not the maximum", "Ne(Max(x, y), x)", "x < y",
        example=Example("Ne(Max(a, b), a)", "", "a < b"),
    ),
)  # fmt: skip
