"""Interval analysis of an expression under facts (Moore 1966), before rounding to residues.

`Ranges` is the analysis that meets, at every node, what the operators say with what the
facts know of that node; the one traversal runs it on any expression. Nearly every size is a
linear combination of symbols, of floor divisions and remainders by constants, of products,
minima and maxima of such: `interval` walks these itself, with ends as plain numbers, and
hands to the traversal what is none of them.

Guarantees: `interval` answers what the traversal does (a test compares them); its own calls
are nested no deeper than `DEPTH`; what is kept with the facts has a limit.
"""

from __future__ import annotations

from typing import Final

from shapes.base.budget import spend
from shapes.base.infinity import Bound, int_oo
from shapes.domains import RangeAnalysis, ValueRanges, int_ranges
from shapes.domains.value_ranges import int_range
from shapes.errors import ContradictionError
from shapes.expr.linear import direction
from shapes.expr.nodes import (
    MANY,
    OPERATORS,
    SYMBOL,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    IntSymbol,
    Product,
    Sum,
)
from shapes.expr.remainders import may_hide_remainder, parts
from shapes.facts.cache import Part
from shapes.facts.store import Facts, Knowledge, Reasons, scaled
from shapes.traversal.interpret import interpret

__all__ = [
    "CACHE_LIMIT", "DEPTH", "Ranges", "impossible", "interval", "met", "traversed",
]  # fmt: skip

CACHE_LIMIT: Final = 20_000
"""Answers of one kind that are kept with a set of facts."""

DEPTH: Final = 24
"""Operators inside of operators that are walked directly."""

Ends = tuple[Bound, Bound]
Known = dict[IntExpr, Ends]

_RANGES: Final[Part[Expr, ValueRanges]] = Part("ranges", CACHE_LIMIT)
_ENDS: Final[Part[IntExpr, Ends]] = Part("ends", CACHE_LIMIT)

_MINUS_OO: Final = -int_oo
_ANY: Final[Ends] = (_MINUS_OO, int_oo)
_FLOOR_DIV: Final = OPERATORS["FloorDiv"]
_MOD: Final = OPERATORS["Mod"]
_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]


class Ranges(RangeAnalysis):
    """Ranges that meet what is known of every direction; `used` collects reasons."""

    def __init__(self, facts: Facts, used: list[Reasons] | None = None) -> None:
        self._facts = facts
        self._used = used

    def refine(self, node: Expr, value: ValueRanges) -> ValueRanges:
        f, k = 1, 0
        d: IntExpr
        if type(node) is Sum:
            if not self._facts.has_relations:
                return value
            f, d = direction(node)
            k = node.constant
        elif isinstance(node, IntAtom):
            d = node
        elif node.kind == "float" and node.is_symbol:
            found, why = self._facts.double_range(node)
            if self._used is not None:
                self._used.append(why)
            return found
        else:
            return value
        known = self._facts.known(d)
        if known is None:
            return value
        if self._used is None and node.op is SYMBOL:
            return int_range(known.lower, known.upper)
        low, high = scaled(known.lower, f, k), scaled(known.upper, f, k)
        if f < 0:
            low, high = high, low
        lower, upper = value.int_bounds()
        if low <= lower and high >= upper:
            return value
        if self._used is not None:
            if low > lower:
                self._used.append(known.why_lower if f > 0 else known.why_upper)
            if high < upper:
                self._used.append(known.why_upper if f > 0 else known.why_lower)
        return ValueRanges(*met(max(low, lower), min(high, upper), node))


def impossible(node: Expr) -> ContradictionError:
    """The error for facts under which an expression can have no value."""
    return ContradictionError(f"the facts leave no value for `{node}`")


def met(lower: Bound, upper: Bound, node: Expr) -> Ends:
    """The ends, where they leave a value; raises `ContradictionError` where they do not."""
    if lower > upper:
        raise impossible(node)
    return lower, upper


def traversed(facts: Facts, e: Expr) -> ValueRanges:
    """The range of any expression, by the one traversal."""
    return interpret(Ranges(facts), {}, e, _RANGES.of(facts))


def interval(facts: Facts, e: Expr) -> ValueRanges:
    """The range of an expression in which solved symbols are replaced: what `traversed` says,
    sooner where the expression is a size as most are.

    Raises `ContradictionError` if the facts leave no value.
    """
    known = facts.cache.get(_ENDS)
    if known is None or len(known) > CACHE_LIMIT:
        known = _ENDS.of(facts)
    if type(e) is Sum:
        lower, upper = _of_sum(facts, known, e, DEPTH)
    elif isinstance(e, IntAtom):
        lower, upper = _of_atom(facts, known, e, DEPTH)
    else:
        return traversed(facts, e)
    return int_range(lower, upper)


def _ends(facts: Facts, known: Known, e: Expr, depth: int) -> Ends:
    """Both ends of an operand; those of atoms are kept."""
    if type(e) is Sum:
        if e._bulk <= MANY:
            return _of_sum(facts, known, e, depth)
        found = known.get(e)  # a long one that is a factor of many products
        if found is None:
            found = known[e] = _of_sum(facts, known, e, depth)
        return found
    if type(e) is IntConstant:
        return e.constant, e.constant
    assert isinstance(e, IntExpr)
    return known.get(e) or _of_atom(facts, known, e, depth)


def _of_sum(facts: Facts, known: Known, e: Sum, depth: int) -> Ends:
    """A sum is monotone in each of its terms; if what it hides are remainders, in those.

    Alone, a symbol and a quotient by a constant hide none (see `may_hide_remainder`).
    """
    lower = upper = e.constant
    bounded_below = bounded_above = True
    terms = e._terms or e.terms()
    if len(terms) > MANY:
        spend(len(terms))
    asked = False
    for atom, c in terms.items():
        if type(atom) is not IntSymbol and not (asked or (atom.plain and -2 < c < 2)):
            if may_hide_remainder(terms):
                return _of_parts(facts, known, e, depth)
            asked = True
        ends = known.get(atom)
        if ends is None:
            ends = _of_atom(facts, known, atom, depth)
        if c > 0:
            low, high = ends
        else:
            high, low = ends
        if type(low) is int:
            lower += c * low
        else:
            bounded_below = False
        if type(high) is int:
            upper += c * high
        else:
            bounded_above = False
    found = (lower if bounded_below else _MINUS_OO, upper if bounded_above else int_oo)
    return _refined_sum(facts, e, found) if facts.has_relations else found


def _of_parts(facts: Facts, known: Known, e: Sum, depth: int) -> Ends:
    """The same for a sum as it is read, with remainders among its operands."""
    k, operands, coefficients = parts(e)
    spend(4 * len(operands))
    ranges = [int_range(*_ends(facts, known, operand, depth)) for operand in operands]
    value = int_ranges.linear(k, coefficients, ranges)
    found = value.int_bounds()
    return _refined_sum(facts, e, found) if facts.has_relations else found


def _of_atom(facts: Facts, known: Known, e: IntExpr, depth: int) -> Ends:
    """The ends of what is not a sum, which are kept."""
    if type(e) is IntSymbol:
        own = facts.known(e)
        found = _ANY if own is None else (own.lower, own.upper)
        known[e] = found
        return found
    if depth > 0 and e.op is _FLOOR_DIV and type(e.args[1]) is IntConstant:
        # Quotients by a positive constant, rounded down, increase; by 0 there are none.
        a, c = e.args[0], e.args[1].constant
        ends = _of_sum(facts, known, a, depth - 1) if type(a) is Sum else None
        lower, upper = ends or _ends(facts, known, a, depth - 1)
        if c <= 0:
            lower, upper = _ANY
        if type(lower) is int:
            lower //= c
        if type(upper) is int:
            upper //= c
        found = lower, upper
    else:
        found = _of_operator(facts, known, e, depth)
    if facts.has_operators:
        own = facts.known(e)
        if own is not None:
            found = _meeting(found, own, 1, 0, e)
    known[e] = found
    return found


def _of_operator(facts: Facts, known: Known, e: IntExpr, depth: int) -> Ends:
    """What an operator says of its operands' ends (see `int_ranges` for why): the traversal
    answers where it is none of the usual ones, and below many others."""
    op, args = e.op, e.args
    if depth > 0:
        if op is _MOD:
            c = args[1]
            if type(c) is IntConstant and c.constant > 0:
                ends = _ends(facts, known, args[0], depth - 1)
                return _remainders(ends, c.constant)
        elif op is _MIN or op is _MAX:
            return _extremum(op is _MIN, [_ends(facts, known, x, depth - 1) for x in args])
        elif type(e) is Product:
            return _of_product(facts, known, e, depth - 1)
    return traversed(facts, e).int_bounds()


def _remainders(ends: Ends, c: int) -> Ends:
    """Remainders by a positive constant."""
    return int_ranges.mod(int_range(*ends), int_range(c, c)).int_bounds()


def _extremum(least: bool, ends: list[Ends]) -> Ends:
    """`Min` and `Max` increase in every operand."""
    choose = min if least else max
    return choose([low for low, _ in ends]), choose([high for _, high in ends])


def _of_product(facts: Facts, known: Known, e: Product, depth: int) -> Ends:
    """Powers of the factors, multiplied in their order."""
    exponents = dict(e.factors)
    result: ValueRanges | None = None
    for base in e.args:
        value = int_range(*_ends(facts, known, base, depth))
        exponent = exponents[base]
        if exponent > 1:
            value = int_ranges.power(value, int_range(exponent, exponent))
        result = value if result is None else int_ranges.mul(result, value)
    assert result is not None
    return result.int_bounds()


def _refined_sum(facts: Facts, e: Sum, ends: Ends) -> Ends:
    """A sum's ends, met with what is known of its direction."""
    f, d = direction(e)
    own = facts.known(d)
    return ends if own is None else _meeting(ends, own, f, e.constant, e)


def _meeting(ends: Ends, own: Knowledge, f: int, k: int, node: Expr) -> Ends:
    """Ends of ``f*d + k`` met with what is known of d."""
    lower, upper = ends
    low, high = own.lower, own.upper
    if f != 1 or k:
        low, high = scaled(low, f, k), scaled(high, f, k)
        if f < 0:
            low, high = high, low
    return met(max(low, lower), min(high, upper), node)
