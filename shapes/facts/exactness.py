"""Whether interval arithmetic reaches its ends, seen at a glance.

Where every symbol occurs once and no fact speaks of it besides the ends of its range, the
operands of every operator take their values independently of each other. Sums, quotients by
positive numbers, minima and maxima increase or decrease in each operand, so their ends are
reached where those of the operands are (Moore 1966); remainders of a symbol by a number have
exact hulls.
"""

from __future__ import annotations

from typing import Final

from shapes.base.infinity import int_oo
from shapes.domains.value_ranges import ValueRanges, int_range
from shapes.expr.nodes import MANY, OPERATORS, Expr, IntConstant, IntSymbol, Sum
from shapes.expr.remainders import parts
from shapes.facts.store import Facts

__all__ = ["at_a_glance", "reaches_its_ends"]

DEPTH: Final = 8
"""Operators inside of operators that are looked at."""

_FLOOR_DIV: Final = OPERATORS["FloorDiv"]
_MOD: Final = OPERATORS["Mod"]
_MONOTONE: Final = (OPERATORS["Min"], OPERATORS["Max"])
_HIGHEST: Final = int_oo
_LOWEST: Final = -int_oo


def at_a_glance(facts: Facts, e: Sum) -> ValueRanges | None:
    """The range of a short sum of symbols, and of one quotient of a multiple of a symbol by a
    number, of which `reaches_its_ends` sees that both ends are reached; None for any other.
    It is what `interval` answers, and sooner read from the symbols than kept."""
    terms = e._terms or e.terms()
    if len(terms) > MANY:
        return None
    lower = upper = e.constant
    below = above = True
    quotient = False
    about, ranges = facts.by_symbol(), facts._known
    for atom, c in terms.items():
        x: Expr = atom
        factor, shift, divisor = 1, 0, 1
        if type(x) is not IntSymbol:
            if quotient or x.op is not _FLOOR_DIV:
                return None
            quotient = True
            by = x.args[1]
            x = x.args[0]
            if type(x) is Sum:
                multiple = x._terms or x.terms()
                if len(multiple) > 1:
                    return None
                shift = x.constant
                for symbol in multiple:  # (the only one)
                    x, factor = symbol, multiple[symbol]
            if x in terms or type(by) is not IntConstant or by.constant <= 0:
                return None
            divisor = by.constant
        if type(x) is not IntSymbol or about.get(x) is not None:
            return None
        known = ranges.get(x)
        if known is None:
            below = above = False
            continue
        low, high = known.lower, known.upper
        if factor < 0:
            low, high = high, low
        if c < 0:
            low, high = high, low
        if type(low) is not int:
            below = False
        elif x is atom:
            lower += c * low
        else:
            lower += c * ((factor * low + shift) // divisor)
        if type(high) is not int:
            above = False
        elif x is atom:
            upper += c * high
        else:
            upper += c * ((factor * high + shift) // divisor)
    return int_range(lower if below else _LOWEST, upper if above else _HIGHEST)


def reaches_its_ends(facts: Facts, e: Expr) -> bool:
    """Whether both ends of the interval of an expression are known to be reached; False says
    nothing."""
    if type(e) is IntSymbol:
        return facts.stands_alone(e)
    if type(e) is Sum:
        terms = e._terms or e.terms()
        quotient = False
        for atom in terms:
            x: Expr = atom
            if type(x) is not IntSymbol and not quotient and x.op is _FLOOR_DIV:
                x, divisor = x.args  # one quotient, of a symbol that is not in the sum
                quotient = True
                if type(x) is Sum:  # (or of a multiple of it)
                    multiple = x._terms or x.terms()
                    if len(multiple) > 1:
                        break
                    (x,) = multiple
                if x in terms or type(divisor) is not IntConstant or divisor.constant <= 0:
                    break
            if type(x) is not IntSymbol or not facts.stands_alone(x):
                break
        else:
            return True
        if len(terms) > MANY:
            return False
    return _exact(facts, e, set(), DEPTH)


def _exact(facts: Facts, e: Expr, seen: set[Expr], depth: int) -> bool:
    if type(e) is IntSymbol:
        if e in seen or not facts.stands_alone(e):
            return False
        seen.add(e)
        return True
    if type(e) is IntConstant:
        return True
    if depth == 0:
        return False
    if type(e) is Sum:
        return all(_exact(facts, x, seen, depth - 1) for x in parts(e)[1])
    if e.op is _FLOOR_DIV or e.op is _MOD:
        a, b = e.args
        if type(b) is not IntConstant or b.constant <= 0:
            return False
        plain = e.op is _FLOOR_DIV or type(a) is IntSymbol
        return plain and _exact(facts, a, seen, depth - 1)
    return e.op in _MONOTONE and all(_exact(facts, x, seen, depth - 1) for x in e.args)
