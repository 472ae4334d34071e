"""The SMT solver z3 (de Moura & Bjørner, TACAS 2008): the last tactic, and the only module
that imports it.

A question is written as SMT-LIB text (shared sub-expressions once, as definitions), which
z3 parses in one call; the same text is the dump for a bug report, and what any other solver
is asked. What the translation does not know (floats, bit operations, symbolic powers)
becomes an unknown of its own with whatever range holds for it, so "unsat" is always a proof,
and a model is only a candidate that the caller re-evaluates. Budgets are z3's `rlimit`, with
a fixed seed; every exception of z3 is "unknown" with its reason.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final, Literal

from shapes.base.budget import remaining, spend
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
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons
from shapes.traversal.interpret import free_symbols, interpret
from shapes.traversal.printing import brief
from shapes.witness.interrupts import StoppedError, interruptible

__all__ = ["Answer", "Question", "Ready", "is_available", "script", "solve"]

_LOCK: Final = threading.Lock()
"""A context of z3 serves one thread at a time: the default one, and those that facts keep."""


KEPT_RLIMIT: Final = 50000
"""Steps that the kept solver may spend before a fresh one takes over."""

READY_RLIMIT: Final = 200_000
"""Steps that a solver with facts that are ready may spend on one question."""

LARGEST_EXPONENT: Final = 4
LARGEST_DEGREE: Final = 8
"""Higher powers, and products of more factors, are unknowns: z3 takes roots of numbers that
grow with them, and neither counts steps meanwhile nor answers an interrupt."""

LONGEST_SUM: Final = 300
"""Sums of more terms, products among them, are unknowns: the time that z3 takes grows with the
cube of their length, in few steps."""

LARGEST_TEXT: Final = 200_000
"""Longer questions are not asked: reading them is not counted in steps."""

CROWDED: Final = 40
"""Products and quotients up to which z3 may make Groebner bases: it counts none of its steps
while it makes one, which takes seconds where there are more. As many more make each of its
steps that much longer, and it may make that many fewer."""

_NON_LINEAR: Final = re.compile(r"\((?:\*|div|mod) (?!\d|\(- \d)\S+ (?!\d|\(- \d)")

Z3_STEPS: Final = 10
"""So many steps of z3 take the time of one step of ours."""

SHORT: Final = 40
"""Longer terms are written once, as definitions."""

CORE_RLIMIT: Final = 1_000_000
"""Steps that may be spent on naming the facts that a refutation needs."""


@dataclass(frozen=True)
class Question:
    """Whether `conditions` can hold together with `facts` (each of them named in a core)."""

    conditions: tuple[BoolExpr, ...]
    facts: tuple[tuple[str, BoolExpr], ...] = ()


@dataclass(frozen=True)
class Answer:
    """`unsat` with the names of the facts in the core (and the facts behind the ranges in
    it), `sat` with a model's values of the symbols, or `unknown` with the reason."""

    status: Literal["sat", "unsat", "unknown"]
    core: frozenset[str] = frozenset()
    rested: Reasons = NO_REASONS
    model: Mapping[Expr, Value] = field(default_factory=dict)
    reason: str = ""


def is_available() -> bool:
    """Whether z3 can be imported."""
    try:
        import z3  # noqa: F401
    except Exception:
        return False
    return True


class _Translator:
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

    def copied(self, facts: Facts) -> _Translator:
        """The same to go on with, under facts that say the same."""
        new = _Translator(facts, self._tell)
        new.lines = list(self.lines)
        new.constraints = list(self.constraints)
        new.ranges = dict(self.ranges)
        new.names = dict(self.names)
        new._quotients = dict(self._quotients)
        new._degrees = dict(self._degrees)
        new._fresh = self._fresh
        return new

    # -- leaves

    def constant(self, value: Value) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return decimal(value) if value >= 0 else f"(- {decimal(-value)})"
        return "0"  # a float or an infinity: only ever below something unknown

    def symbol(self, sym: Expr) -> str:
        if sym not in self.names:
            name = f"|{_label(sym)}|"
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
        if not term or self._degree(node) > LARGEST_DEGREE or _is_too_long(node):
            return self._unknown_node(node)
        if term.startswith("q!") and isinstance(node, IntExpr):
            self._within_range(term, node)
            return term
        if len(term) <= SHORT or node.op is CONSTANT:
            return term
        return self._define(term, "Int" if node.kind == "int" else "Bool")

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
        try:
            value, reasons = bounds_with_reasons(self._facts, node)
        except ContradictionError:
            return  # the facts leave no value: that is for the solver to find
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


def _label(sym: Expr) -> str:
    """A name that no built-in function has (a symbol may be called ``div``)."""
    return f"{sym.name}:{sym.kind}"


def script(question: Question, facts: Facts, check: bool = True) -> str:
    """The question as SMT-LIB text; facts are asserted under names as switches."""
    return _translated(question, facts, check)[0]


def _translated(
    question: Question, facts: Facts, check: bool
) -> tuple[str, list[str], dict[str, Reasons]]:
    """The text, its switches, and the reasons of those that stand for ranges."""
    translator = _Translator(facts)
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
    return "\n".join(lines) + "\n", switches, translator.ranges


class Ready:
    """Facts in a solver of their own, translated once and asked often.

    The solver is asked between push and pop, so it keeps what it found out about the facts.
    Its answers are proofs and models like those of `solve`; how many steps it takes may
    depend on what was asked before, so where it gives up, `solve` is to be asked.
    """

    def __init__(self, facts: Facts, stated: Sequence[tuple[str, BoolExpr]]) -> None:
        translator = _Translator(facts, tell=True)
        self._memo: dict[Any, Any] = {}
        self.stated = tuple(stated)
        asserted: list[str] = []
        for name, claim in stated:
            term = interpret(translator, {}, claim, self._memo)
            asserted += [f"(declare-const {name} Bool)", f"(assert (=> {name} {term}))"]
        self._translator = translator.copied(Facts())  # the facts own what is made ready
        self._text = "\n".join([*translator.lines, *translator.constraints, *asserted])
        self._solver: Any = None
        self._switches: list[Any] = []

    def solve(self, condition: BoolExpr, facts: Facts, rlimit: int) -> Answer:
        """The same as `solve` with the condition and these facts."""
        translator = self._translator.copied(facts)
        known = len(translator.constraints)
        term = interpret(translator, {}, condition, dict(self._memo))
        lines = [*translator.lines, *translator.constraints[known:], f"(assert {term})"]
        question = Question((condition,), self.stated)
        new = [name for name in translator.ranges if name not in self._translator.ranges]
        text = "\n".join(lines)
        if len(self._text) + len(text) > LARGEST_TEXT:
            return Answer("unknown", reason=_too_long(len(self._text) + len(text)))
        answer = _alone(lambda: self._solved(text, new, question, rlimit))
        return _with_ranges(answer, translator.ranges)

    def _solved(self, text: str, new: list[str], question: Question, rlimit: int) -> Answer:
        import z3

        if self._solver is None:
            own = z3.Context()
            self._solver = z3.Solver(ctx=own)
            self._solver.add(z3.parse_smt2_string(self._text, ctx=own))
            names = [*(name for name, _ in self.stated), *self._translator.ranges]
            self._switches = [z3.Bool(name, own) for name in names]
        solver = self._solver
        try:
            with _pushed(solver):
                asserted = z3.parse_smt2_string(text, ctx=solver.ctx)
                assumptions = [*self._switches, *(z3.Bool(name, solver.ctx) for name in new)]
                effort = _length_of_steps(self._text, text)
                steps = min(rlimit, max(READY_RLIMIT // effort, KEPT_RLIMIT))
                return _checked(solver, asserted, assumptions, question, steps, effort)
        except StoppedError as stopped:
            if stopped.left_behind:
                self._solver = None
            raise


def _with_ranges(answer: Answer, ranges: Mapping[str, Reasons]) -> Answer:
    """The answer with the facts behind the ranges in its core instead of their switches."""
    rested = NO_REASONS.union(*(ranges[name] for name in answer.core if name in ranges))
    return replace(answer, core=answer.core - ranges.keys(), rested=rested)


def solve(question: Question, facts: Facts, rlimit: int) -> Answer:
    """z3's answer within a budget of its own steps."""
    text, switches, ranges = _translated(question, facts, check=False)
    if len(text) > LARGEST_TEXT:
        return Answer("unknown", reason=_too_long(len(text)))
    answer = _alone(lambda: _solved(text, switches, question, rlimit))
    return _with_ranges(answer, ranges)


def _too_long(characters: int) -> str:
    return f"z3: the question has {characters} characters"


def _alone(ask: Callable[[], Answer]) -> Answer:
    """What z3 answers to one thread at a time; whatever z3 raises is an answer: unknown."""
    with _LOCK:
        try:
            return ask()
        except StoppedError as stopped:
            raised = stopped.raised
        except Exception as error:
            return Answer("unknown", reason=f"z3: {str(error)[:200]}")
    raise raised


def _solved(text: str, switches: list[str], question: Question, rlimit: int) -> Answer:
    import z3

    # The kept solver answers small questions in half the time, because making a solver costs
    # more than the question; a fresh one has stronger methods for products, and the rest of
    # the budget.
    effort = _length_of_steps(text)
    kept = _kept_solver()
    asserted = z3.parse_smt2_string(text, ctx=kept.ctx)
    assumptions = [z3.Bool(name, kept.ctx) for name in switches]
    try:
        with _pushed(kept):
            steps = min(rlimit, KEPT_RLIMIT)
            answer = _checked(kept, asserted, assumptions, question, steps, effort)
    except StoppedError as stopped:
        if stopped.left_behind:
            _kept_solver.cache_clear()
        raise
    rlimit = rlimit // effort
    if answer.status != "unknown" or rlimit <= KEPT_RLIMIT:
        return answer
    # z3's heuristics look at the age of terms: in a context of its own, the same text gets
    # the same answer whatever was asked before.
    own = z3.Context()
    asserted = z3.parse_smt2_string(text, ctx=own)
    assumptions = [z3.Bool(name, own) for name in switches]
    # Facts that are asserted, and not assumed, can be simplified before the search. Which of
    # them a refutation needs is asked afterwards, and all are named if that takes too long.
    plain = z3.Solver(ctx=own)
    plain.add(assumptions)
    answer = _checked(plain, asserted, [], question, rlimit - KEPT_RLIMIT, effort)
    if answer.status != "unsat":
        return answer
    solver = z3.Solver(ctx=own)
    named = _checked(solver, asserted, assumptions, question, CORE_RLIMIT // effort, effort)
    return named if named.status == "unsat" else replace(answer, core=frozenset(switches))


@cache
def _kept_solver() -> Any:
    import z3

    return z3.Solver(ctx=z3.Context())


def _checked(
    solver: Any,
    asserted: Any,
    assumptions: list[Any],
    question: Question,
    rlimit: int,
    effort: int,
) -> Answer:
    import z3

    rlimit = max(1, min(rlimit, remaining() * Z3_STEPS // effort))
    solver.set("rlimit", rlimit)
    solver.set("random_seed", 0)
    solver.set("smt.arith.nl.grobner", effort == 1)
    # z3 would take the signal over, and lose it where it ends by itself.
    solver.set("ctrl_c", False)
    solver.add(asserted)
    before = _steps_of(solver)
    try:
        result = interruptible(solver, lambda: solver.check(*assumptions))
    except StoppedError as stopped:
        if stopped.left_behind:
            _left_behind.append((solver, asserted, assumptions))
        raise
    spend(max(0, _steps_of(solver) - before) * effort // Z3_STEPS)
    if result == z3.unsat:
        return Answer("unsat", frozenset(str(name) for name in solver.unsat_core()))
    if result != z3.sat:
        reason = solver.reason_unknown()
        if "interrupted" in reason:
            raise KeyboardInterrupt
        over = reason in ("canceled", "max. resource limit exceeded")
        return Answer("unknown", reason=f"budget of {rlimit} z3 steps" if over else reason)
    symbols = {_label(sym): sym for sym in _symbols(question)}
    model = solver.model()
    values: dict[Expr, Value] = {}
    for declaration in model.decls():
        sym = symbols.get(declaration.name())
        if sym is None:
            continue
        value = model[declaration]
        if sym.kind == "int":
            values[sym] = read_decimal(value.as_string())
        elif sym.kind == "bool":
            values[sym] = bool(z3.is_true(value))
    for sym in symbols.values():
        values.setdefault(sym, {"int": 0, "bool": False, "float": 0.0}[sym.kind])
    return Answer("sat", model=values)


def _is_too_long(node: Expr) -> bool:
    """Whether it is a sum with products and of more terms than are translated."""
    if not isinstance(node, Sum) or len(node.terms()) <= LONGEST_SUM:
        return False
    return any(isinstance(term, Product) for term in node.terms())


def _length_of_steps(*texts: str) -> int:
    """How much longer z3's steps are than usual: 1 for a question with few products, and
    quotients by what is not a constant; then it may make Groebner bases."""
    return 1 + sum(len(_NON_LINEAR.findall(text)) for text in texts) // CROWDED


def _steps_of(solver: Any) -> int:
    """The steps that z3 has made in a solver's context."""
    statistics = solver.statistics()
    name = "rlimit count"
    return int(statistics.get_key_value(name)) if name in statistics.keys() else 0  # noqa: SIM118


_left_behind: Final[list[Any]] = []
"""What such threads are working on, so that nothing else releases it."""


@contextmanager
def _pushed(solver: Any) -> Iterator[None]:
    """A block after which a solver forgets what was asserted inside."""
    solver.push()
    try:
        yield
    except StoppedError as stopped:
        if not stopped.left_behind:
            solver.pop()
        raise
    except BaseException:
        solver.pop()
        raise
    solver.pop()


def _symbols(question: Question) -> list[Expr]:
    return free_symbols(*question.conditions, *(claim for _, claim in question.facts))
