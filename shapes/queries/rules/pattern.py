"""Patterns: expressions of the grammar whose symbols stand for expressions.

``c d k`` match integer constants, ``p q r`` conditions, every other name any integer
expression. A pattern is an ordinary normal form, so it meets its subjects in the form in
which the kernel keeps them. At the root, operators that commute (sums and products too)
match some of the operands; the others stay, and are put back around the result. Inside,
one variable takes all operands that are left. A part whose variables are all bound is
instantiated and compared by identity, so ``Where(x <= y, x, y)`` needs no search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

from shapes.base.budget import spend
from shapes.expr.booleans import as_integer, negation
from shapes.expr.linear import multiply, scale
from shapes.expr.nodes import (
    CONSTANT,
    LE_ZERO,
    PRODUCT,
    RELATIONS,
    SUM,
    SYMBOL,
    BoolExpr,
    Expr,
    Infinity,
    IntConstant,
    IntExpr,
    Op,
    Product,
    birth_of,
    combine,
    constant,
    product_of,
    symbol,
)
from shapes.traversal.interpret import symbols_of
from shapes.traversal.parsing import parse
from shapes.traversal.substitute import substitute

__all__ = ["Bindings", "Found", "instantiated", "matches", "pattern"]

Bindings = Mapping[Expr, Expr]
"""Expressions by pattern variable."""

Found = tuple[Bindings, Callable[[Expr], Expr]]
"""What the variables stand for, and how a result is put back among what was not matched."""

_CONSTANTS: Final = frozenset(["?c", "?d", "?k"])
_CONDITIONS: Final = frozenset("pqr")
MATCH: Final = 2
"""Steps (see `budget`) of comparing a part of a pattern with a part of a subject, and of
writing a pattern for its variables."""



def _variable(name: str) -> Expr:
    # No name of a user begins like this, so a variable never meets a symbol of a subject.
    return symbol(f"?{name}", "bool" if name in _CONDITIONS else "int")


@cache
def pattern(text: str) -> Expr:
    """The pattern that the text spells; raises `ExpressionSyntaxError`."""
    return parse(text, _variable)


def instantiated(template: Expr, bindings: Bindings) -> Expr:
    """The template with its variables replaced, in normal form."""
    spend(MATCH)
    return substitute(template, bindings)


def _unchanged(result: Expr) -> Expr:
    return result


def matches(p: Expr, subject: Expr) -> Iterator[Found]:
    """Every way in which the pattern matches the subject at its root."""
    if p.op is SUM:
        yield from _root_sums(p, subject)
    elif subject.op is not p.op:
        return
    elif p.op is PRODUCT:
        yield from _root_products(p, subject)
    elif _is_set(p.op):
        yield from _root_sets(p, subject)
    else:
        for bindings in _match(p, subject, {}):
            yield bindings, _unchanged


def _is_set(op: Op) -> bool:
    """Whether operands come in any number and order."""
    return op.variadic and "commutative" in op.laws


# --------------------------------------------------------------------------- inside


def _variables(p: Expr) -> Sequence[Expr]:
    return [p] if p.op is SYMBOL else symbols_of(p)


def _bound(p: Expr, bindings: Bindings) -> bool:
    return all(v in bindings for v in _variables(p))


def _bind(variable: Expr, subject: Expr, bindings: Bindings) -> Iterator[Bindings]:
    """A variable takes a subject of its kind, or is that already."""
    held = bindings.get(variable)
    if held is not None:
        if held is subject:
            yield bindings
        return
    if subject.kind != variable.kind or type(subject) is Infinity:
        return
    if variable.name in _CONSTANTS and type(subject) is not IntConstant:
        return
    yield {**bindings, variable: subject}


def _match(p: Expr, subject: Expr, bindings: Bindings) -> Iterator[Bindings]:
    """Every way to extend the bindings so that the pattern is the subject."""
    spend(MATCH)
    if p.op is SYMBOL:
        yield from _bind(p, subject, bindings)
    elif _bound(p, bindings):
        if instantiated(p, bindings) is subject:
            yield bindings
    elif p.op is SUM:
        if isinstance(subject, IntExpr) and type(subject) is not Infinity:
            yield from _sums(p, subject, bindings)
    elif p.op.name == "Not" and isinstance(subject, BoolExpr):
        yield from _match(p.args[0], negation(subject), bindings)
    elif p.op is not subject.op:
        return
    elif p.op in RELATIONS:
        yield from _relations(p, subject, bindings)
    elif _is_set(p.op):
        yield from _sets(p, subject, bindings)
    elif p.op is not PRODUCT and p.op is not CONSTANT:
        yield from _operands(p.args, subject.args, bindings)


def _operands(
    patterns: Sequence[Expr], subjects: Sequence[Expr], bindings: Bindings
) -> Iterator[Bindings]:
    """Operand by operand, what is already bound and variables before anything else."""
    if not patterns:
        yield bindings
        return
    order = sorted(
        range(len(patterns)),
        key=lambda i: (not _bound(patterns[i], bindings), patterns[i].op is not SYMBOL),
    )
    first = order[0]
    for found in _match(patterns[first], subjects[first], bindings):
        rest = [i for i in range(len(patterns)) if i != first]
        yield from _operands([patterns[i] for i in rest], [subjects[i] for i in rest], found)


def _relations(p: Expr, subject: Expr, bindings: Bindings) -> Iterator[Bindings]:
    e = subject.args[0]
    assert isinstance(e, IntExpr)
    yield from _match(p.args[0], e, bindings)
    if p.op is not LE_ZERO:
        yield from _match(p.args[0], scale(-1, e), bindings)


# --------------------------------------------------------------------------- sums


def _terms_of(e: IntExpr) -> list[tuple[IntExpr, int]]:
    return sorted(e.terms().items(), key=lambda term: birth_of(term[0]))


def _parts_of(p: Expr) -> tuple[list[tuple[Expr, int]], list[tuple[Expr, int]]]:
    """The terms of a sum pattern: those with an operator, and plain variables."""
    assert isinstance(p, IntExpr)
    terms: list[tuple[Expr, int]] = list(_terms_of(p))
    return (
        [term for term in terms if term[0].op is not SYMBOL],
        [term for term in terms if term[0].op is SYMBOL],
    )


def _sums(p: Expr, subject: IntExpr, bindings: Bindings) -> Iterator[Bindings]:
    compounds, variables = _parts_of(p)
    assert isinstance(p, IntExpr)
    for found, rest in _chosen_terms(compounds, subject, 1, bindings):
        left = combine(1, rest, 0, rest, -p.constant)
        yield from _variables_of_sum(variables, left, found)


def _chosen_terms(
    compounds: Sequence[tuple[Expr, int]], subject: IntExpr, times: int, bindings: Bindings
) -> Iterator[tuple[Bindings, IntExpr]]:
    """Terms of the subject for each of the pattern's, and what is left of the subject."""
    if not compounds:
        yield bindings, subject
        return
    (part, coefficient), rest = compounds[0], compounds[1:]
    for term, c in _terms_of(subject):
        if c != times * coefficient:
            continue
        for found in _match(part, term, bindings):
            yield from _chosen_terms(rest, combine(1, subject, -c, term), times, found)


def _variables_of_sum(
    variables: Sequence[tuple[Expr, int]], left: IntExpr, bindings: Bindings
) -> Iterator[Bindings]:
    """The variables of a sum share what the terms have left: those that are bound their
    value, a constant's the constant, one other the rest."""
    open_variables: list[tuple[Expr, int]] = []
    for variable, c in variables:
        value = bindings.get(variable)
        if isinstance(value, IntExpr):
            left = combine(1, left, -c, value)
        else:
            open_variables.append((variable, c))
    taken = dict(bindings)
    general = [v for v in open_variables if v[0].name not in _CONSTANTS]
    for variable, c in open_variables:
        if (variable, c) in general or c not in (1, -1):
            continue
        taken[variable] = constant(c * left.constant)
        left = combine(1, left, 0, left, -left.constant)
    if not general:
        if left is constant(0):
            yield taken
        return
    variable, c = general[0]
    if len(general) == 1 and c in (1, -1):
        yield {**taken, variable: scale(c, left)}


def _root_sums(p: Expr, subject: Expr) -> Iterator[Found]:
    """Some of a sum's terms, any number of times the pattern."""
    if not isinstance(subject, IntExpr) or subject.is_constant:
        return
    compounds, variables = _parts_of(p)
    assert not variables, p
    part, coefficient = compounds[0]
    for term, c in _terms_of(subject):
        if c % coefficient:
            continue
        times = c // coefficient
        for found in _match(part, term, {}):
            left = combine(1, subject, -c, term)
            for bindings, rest in _chosen_terms(compounds[1:], left, times, found):
                yield bindings, _added(times, rest)


def _added(times: int, rest: IntExpr) -> Callable[[Expr], Expr]:
    def put_back(result: Expr) -> Expr:
        assert isinstance(result, IntExpr)
        return combine(times, result, 1, rest)

    return put_back


# --------------------------------------------------------------------------- products, sets


def _root_products(p: Expr, subject: Expr) -> Iterator[Found]:
    assert isinstance(p, Product)
    assert isinstance(subject, Product)
    exponents = dict(p.factors)
    wanted = sorted(p.args, key=lambda base: base.op is SYMBOL)
    yield from _chosen_factors(
        [(base, exponents[base]) for base in wanted],
        dict(subject.factors),
        {},
    )


def _chosen_factors(
    wanted: Sequence[tuple[Expr, int]], left: dict[IntExpr, int], bindings: Bindings
) -> Iterator[Found]:
    if not wanted:
        rest = _product_of(left)
        yield bindings, lambda result: multiply(as_integer(result), rest)
        return
    (part, exponent), others = wanted[0], wanted[1:]
    if part.op is SYMBOL and part not in bindings and not others and exponent == 1:
        for found in _bind(part, _product_of(left), bindings):
            yield found, _unchanged
        return
    for base in sorted(left, key=birth_of):
        if left[base] < exponent:
            continue
        for found in _match(part, base, bindings):
            less = {b: e - exponent if b is base else e for b, e in left.items()}
            yield from _chosen_factors(others, {b: e for b, e in less.items() if e}, found)


def _product_of(factors: Mapping[IntExpr, int]) -> IntExpr:
    return product_of(factors) if factors else constant(1)


def _root_sets(p: Expr, subject: Expr) -> Iterator[Found]:
    build = p.op.build
    assert build is not None
    for bindings, rest in _chosen(p.args, list(subject.args), {}):

        def put_back(result: Expr, rest: list[Expr] = rest) -> Expr:
            return build(result, *rest) if rest else result

        yield bindings, put_back


def _sets(p: Expr, subject: Expr, bindings: Bindings) -> Iterator[Bindings]:
    """All operands: the last variable that is not bound takes what is left."""
    build = p.op.build
    assert build is not None
    free = [a for a in p.args if a.op is SYMBOL and a not in bindings]
    taker = free[-1] if free else None
    wanted = [a for a in p.args if a is not taker]
    for found, rest in _chosen(wanted, list(subject.args), bindings):
        if taker is None:
            if not rest:
                yield found
        elif rest:
            yield from _bind(taker, build(*rest), found)


def _chosen(
    wanted: Sequence[Expr], among: list[Expr], bindings: Bindings
) -> Iterator[tuple[Bindings, list[Expr]]]:
    """One operand for each part, and the operands that are left."""
    if not wanted:
        yield bindings, among
        return
    order = sorted(wanted, key=lambda part: (part.op is SYMBOL, part not in bindings))
    for index, operand in enumerate(among):
        for found in _match(order[0], operand, bindings):
            yield from _chosen(order[1:], among[:index] + among[index + 1 :], found)
