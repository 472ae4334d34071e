"""A question written as SMT-LIB text, for z3 and for any other solver.

Shared sub-expressions are written once, as definitions. What the translation does not know
(floats, bit operations, symbolic powers) becomes an unknown of its own with whatever range
holds for it, so "unsat" is always a proof, and a model is only a candidate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from shapes.base.budget import ExhaustedError, limited, remaining
from shapes.base.digits import decimal, read_decimal
from shapes.base.infinity import IntInfinity
from shapes.errors import ContradictionError
from shapes.expr.nodes import (
    CONSTANT,
    PRODUCT,
    BoolExpr,
    Expr,
    IntExpr,
    Op,
    Product,
    Sum,
    Value,
)
from shapes.facts.bounds import bounds_with_reasons
from shapes.facts.store import Facts, Reasons
from shapes.traversal.interpret import interpret
from shapes.traversal.printing import brief

__all__ = ["Question", "Translator", "label", "script", "translated"]

LARGEST_EXPONENT: Final = 4
LARGEST_DEGREE: Final = 8
"""Higher powers, and products of more factors, are unknowns: z3 takes roots of numbers that
grow with them, and neither counts steps meanwhile nor answers an interrupt."""

LONGEST_SUM: Final = 300
"""Sums of more terms, products among them, are unknowns: the time that z3 takes grows with the
cube of their length, in few steps."""

RANGE_STEPS: Final = 50_000
"""Steps (see `budget`) of finding the ranges of the unknowns of one question: each is read
from the whole node, so in a deep nest they take the square of its depth."""

CROWDED: Final = 40
"""Products and quotients up to which z3 may make Groebner bases: it counts none of its steps
while it makes one, which takes seconds where there are more. As many more make each of its
steps that much longer, and it may make that many fewer."""

DIVISIONS: Final = 100
"""So many quotients by constants make steps longer too: each is a row with an integer to
branch on, and z3 counts few of its steps while it looks for cuts among hundreds of them."""

DIGITS: Final = 160
"""Numbers of so many digits, all together, make steps that many times as long, in the square:
z3 multiplies and divides them in one."""

_LONG_NUMBER: Final = re.compile(r"\d{100,}")
_NON_LINEAR: Final = re.compile(r"\((?:\*|div|mod) (?!\d|\(- \d)\S+ (?!\d|\(- \d)")

_DIVISIONS: Final = ("FloorDiv", "Mod", "TruncDiv", "TruncMod")

SHORT: Final = 40
"""Longer terms are written once, as definitions."""


@dataclass(frozen=True)
class Question:
    """Whether `conditions` can hold together with `facts` (each of them named in a core)."""

    conditions: tuple[BoolExpr, ...]
    facts: tuple[tuple[str, BoolExpr], ...] = ()


class Translator:
    """The analysis whose values are SMT-LIB terms.

    If it is to `tell` what is known, ranges of symbols and quotients become constraints, and
    a quotient by a constant a variable of its own. Nothing of that is new to a solver, but it
    saves it the search for it.
    """

    def __init__(self, facts: Facts, tell: bool = False) -> None:
        self._facts = facts
        self._tell = tell
        self.lines: list[str] = []
        self.constraints: list[str] = []
        self.ranges: dict[str, Reasons] = {}
        self.names: dict[Expr, str] = {}
        self._quotients: dict[tuple[str, str], str] = {}
        self._degrees: dict[Expr, int] = {}
        self._fresh = 0
        self._range_steps = RANGE_STEPS
        self._divisions = 0
        self._multiplied = 0

    def copied(self, facts: Facts) -> Translator:
        """The same to go on with, under facts that say the same."""
        new = Translator(facts, self._tell)
        new.lines = list(self.lines)
        new.constraints = list(self.constraints)
        new.ranges = dict(self.ranges)
        new.names = dict(self.names)
        new._quotients = dict(self._quotients)
        new._degrees = dict(self._degrees)
        new._fresh = self._fresh
        new._divisions = self._divisions
        new._multiplied = self._multiplied
        return new

    def length_of_steps(self, *texts: str) -> int:
        """How much longer z3's steps are than usual: 1 for a question with few quotients, few
        products and no number of hundreds of digits; then it may make Groebner bases."""
        products = self._multiplied + sum(len(_NON_LINEAR.findall(text)) for text in texts)
        digits = sum(len(number) for text in texts for number in _LONG_NUMBER.findall(text))
        return 1 + products // CROWDED + self._divisions // DIVISIONS + (digits // DIGITS) ** 2

    # -- leaves

    def constant(self, value: Value) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return decimal(value) if value >= 0 else f"(- {decimal(-value)})"
        return "0"  # a float or an infinity: only ever below something unknown

    def symbol(self, sym: Expr) -> str:
        if sym not in self.names:
            name = f"|{label(sym)}|"
            self.names[sym] = name
            sort = {"int": "Int", "bool": "Bool", "float": "Real"}[sym.kind]
            self.lines.append(f"(declare-const {name} {sort})")
            if self._tell and isinstance(sym, IntExpr):
                self._within_range(name, sym)
        return self.names[sym]

    def unknown(self, op: Op, values: Sequence[str]) -> str:
        return ""  # replaced by `refine`, which sees the node

    # -- integers

    def linear(self, k: int, coefficients: Sequence[int], values: Sequence[str]) -> str:
        terms = [
            value if c == 1 else f"(* {self.constant(c)} {value})"
            for c, value in zip(coefficients, values)
        ]
        if k:
            terms.append(self.constant(k))
        return terms[0] if len(terms) == 1 else f"(+ {' '.join(terms)})"

    def mul(self, a: str, b: str) -> str:
        # A factor may be a power that `pow` does not write out: then nothing is known here.
        return f"(* {a} {b})" if a and b else ""

    def pow(self, a: str, b: str) -> str:
        if len(b) > 1 or not b.isdigit() or not 1 <= int(b) <= LARGEST_EXPONENT:
            return ""
        return f"(* {' '.join([a] * int(b))})" if int(b) > 1 else a

    def floordiv(self, a: str, b: str) -> str:
        if b.isdigit() and b != "0":
            return self._quotient(a, b) if self._tell else f"(div {a} {b})"
        return f"(ite (> {b} 0) (div {a} {b}) (div (- {a}) (- {b})))"

    def mod(self, a: str, b: str) -> str:
        if b.isdigit() and b != "0":
            if self._tell:
                return f"(- {a} (* {b} {self._quotient(a, b)}))"
            return f"(mod {a} {b})"
        return f"(ite (> {b} 0) (mod {a} {b}) (- (mod (- {a}) (- {b}))))"

    def _quotient(self, a: str, b: str) -> str:
        """The variable q with ``b*q <= a < b*q + b``."""
        name = self._quotients.get((a, b))
        if name is None:
            name = self._quotients[a, b] = f"q!{len(self._quotients)}"
            self.lines.append(f"(declare-const {name} Int)")
            last = f"(+ (* {b} {name}) {decimal(read_decimal(b) - 1)})"
            self.constraints.append(f"(assert (and (<= (* {b} {name}) {a}) (<= {a} {last})))")
        return name

    def truncdiv(self, a: str, b: str) -> str:
        size = f"(div (abs {a}) (abs {b}))"
        return f"(ite (= (< {a} 0) (< {b} 0)) {size} (- {size}))"

    def truncmod(self, a: str, b: str) -> str:
        size = f"(mod (abs {a}) (abs {b}))"
        return f"(ite (< {a} 0) (- {size}) {size})"

    def abs(self, a: str) -> str:
        return f"(abs {a})"

    def min(self, *operands: str) -> str:
        return self._chosen("<=", operands)

    def max(self, *operands: str) -> str:
        return self._chosen(">=", operands)

    def _chosen(self, relation: str, operands: Sequence[str]) -> str:
        result = operands[0]
        for operand in operands[1:]:
            if len(result) > SHORT:  # it is written twice
                result = self._define(result, "Int")
            result = f"(ite ({relation} {result} {operand}) {result} {operand})"
        return result

    def where(self, condition: str, a: str, b: str) -> str:
        return f"(ite {condition} {a} {b})"

    # -- conditions

    def le_zero(self, a: str) -> str:
        return f"(<= {a} 0)"

    def eq_zero(self, a: str) -> str:
        return f"(= {a} 0)"

    def ne_zero(self, a: str) -> str:
        return f"(not (= {a} 0))"

    def le(self, a: str, b: str) -> str:
        return ""

    lt = eq = le

    def and_(self, *operands: str) -> str:
        return f"(and {' '.join(operands)})"

    def or_(self, *operands: str) -> str:
        return f"(or {' '.join(operands)})"

    def not_(self, a: str) -> str:
        return f"(not {a})"

    def iff(self, a: str, b: str) -> str:
        return f"(= {a} {b})"

    # -- sharing and unknowns

    def refine(self, node: Expr, term: str) -> str:
        if node.kind == "float":
            return "0.0"
        self._weigh(node)
        if not term or self._degree(node) > LARGEST_DEGREE or _is_too_long(node):
            return self._unknown_node(node)
        if term.startswith("q!") and isinstance(node, IntExpr):
            self._within_range(term, node)
            return term
        if len(term) <= SHORT or node.op is CONSTANT:
            return term
        return self._define(term, "Int" if node.kind == "int" else "Bool")

    def _weigh(self, node: Expr) -> None:
        """Count what makes z3's steps longer: quotients by constants, and the products of
        terms beyond the first that a sum as a factor, or as a divisor, is written out to. (An
        exponent may be far too large to compute that.)"""
        if isinstance(node, Product):
            powers = ((base, min(n, LONGEST_SUM)) for base, n in node.factors)
            terms = math.prod(min(_terms(base) ** n, LONGEST_SUM) for base, n in powers)
            self._multiplied += min(terms, LONGEST_SUM) - 1
        elif len(node.args) == 2 and node.op.name in _DIVISIONS:
            if node.args[1].op is CONSTANT:
                self._divisions += 1
            else:
                self._multiplied += min(_terms(node.args[1]), LONGEST_SUM) - 1

    def _degree(self, node: Expr) -> int:
        """How many symbols are multiplied at most, in a node whose operands were seen; those
        in powers count twice."""
        degrees = self._degrees
        if isinstance(node, Product):
            found = sum(degrees.get(base, 1) * min(n, 2) * n for base, n in node.factors)
        else:
            found = max((degrees.get(child, 1) for child in node.args), default=1)
        # An unknown takes the place of what is of a higher degree.
        degrees[node] = found if found <= LARGEST_DEGREE else 1
        return found

    def _define(self, term: str, sort: str) -> str:
        name = f"d!{len(self.lines)}"
        self.lines.append(f"(define-fun {name} () {sort} {term})")
        return name

    def _unknown_node(self, node: Expr) -> str:
        """A variable of its own, one for each node, within the range that holds for it."""
        self._fresh += 1
        name = f"o!{self._fresh}"
        self.lines.append(f"(declare-const {name} {'Int' if node.kind == 'int' else 'Bool'})")
        if isinstance(node, IntExpr) and node.op is not PRODUCT:
            self._within_range(name, node)
        return name

    def _within_range(self, name: str, node: IntExpr) -> None:
        """A range that rests on facts is a switch of its own, so that a core names them."""
        before = remaining()
        try:
            with limited(self._range_steps):
                value, reasons = bounds_with_reasons(self._facts, node)
        except ContradictionError:
            return  # the facts leave no value: that is for the solver to find
        except ExhaustedError:
            return  # a range helps, and says nothing that the facts do not
        finally:
            self._range_steps -= before - remaining()
        lower, upper = value.int_bounds()
        limits = []
        if not isinstance(lower, IntInfinity):
            limits.append(f"(<= {self.constant(lower)} {name})")
        if not isinstance(upper, IntInfinity):
            limits.append(f"(<= {name} {self.constant(upper)})")
        if not limits:
            return
        within = f"(and {' '.join(limits)})"
        if reasons:
            switch = f"r!{len(self.ranges)}"
            self.ranges[switch] = reasons
            self.lines.append(f"(declare-const {switch} Bool)")
            within = f"(=> {switch} {within})"
        self.constraints.append(f"(assert {within})")


def label(sym: Expr) -> str:
    """A name that no built-in function has (a symbol may be called ``div``)."""
    return f"{sym.name}:{sym.kind}"


def script(question: Question, facts: Facts, check: bool = True) -> str:
    """The question as SMT-LIB text; facts are asserted under names as switches."""
    return translated(question, facts, check)[0]


def translated(
    question: Question, facts: Facts, check: bool
) -> tuple[str, list[str], Translator]:
    """The text, its switches, and what translated it: it knows the ranges, some of which are
    switches."""
    translator = Translator(facts)
    memo: dict[Any, Any] = {}
    asserted: list[str] = []
    switches: list[str] = []
    for name, claim in question.facts:
        term = interpret(translator, {}, claim, memo)
        asserted += [
            f"(declare-const {name} Bool) ; {brief(claim, 200)}",
            f"(assert (=> {name} {term}))",
        ]
        switches.append(name)
    for condition in question.conditions:
        term = interpret(translator, {}, condition, memo)
        asserted += [f"; {brief(condition, 200)}", f"(assert {term})"]
    switches += translator.ranges
    lines = [*translator.lines, *translator.constraints, *asserted]
    if check:
        lines += [f"(check-sat-assuming ({' '.join(switches)}))", "(get-model)"]
    return "\n".join(lines) + "\n", switches, translator


def _is_too_long(node: Expr) -> bool:
    """Whether it is a sum with products and of more terms than are translated."""
    if not isinstance(node, Sum) or len(node.terms()) <= LONGEST_SUM:
        return False
    return any(isinstance(term, Product) for term in node.terms())


def _terms(e: Expr) -> int:
    """The terms of a sum; 1 for anything else."""
    return max(1, len(e.terms())) if isinstance(e, IntExpr) else 1
