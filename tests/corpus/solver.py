"""z3 as a second judge of what is always (never) true, over all integers.

The translation is the corpus's own: every partial operation has a condition of being defined
beside its value, floor division is stated by its quotient and remainder. What it does not
translate (floats, bits, variable powers without a small range) raises `Untranslated`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tests.corpus.questions import Question
from tests.corpus.terms import CONNECTIVES, Term, integer, read_term

__all__ = ["Untranslated", "refutes"]


class Untranslated(Exception):  # noqa: N818  (an outcome, not an error)
    """Not in the part of the language that z3 is asked about."""


class _Pair(NamedTuple):
    """A z3 term and the condition under which it has a value."""

    value: Any
    defined: Any


def refutes(question: Question, seconds: float) -> bool | None:
    """Whether z3 shows that the question's answer (ALWAYS or NEVER) has no exception; None
    where it gives up."""
    import z3

    translator = _Translator(z3)
    solver = z3.Solver()
    solver.set("timeout", int(seconds * 1000))
    for sym in question.symbols:
        value = translator.symbol(sym.name, sym.kind).value
        if sym.lower is not None:
            solver.add(value >= integer(sym.lower))
        if sym.upper is not None:
            solver.add(value <= integer(sym.upper))
    for fact in question.facts:
        pair = translator.read(read_term(fact))
        solver.add(pair.value, pair.defined)
    claim = translator.read(read_term(question.claim))
    exception = z3.Not(claim.value) if question.verdict == "ALWAYS" else claim.value
    solver.add(exception, claim.defined)
    solver.add(*translator.definitions)
    answer = solver.check()
    return None if answer == z3.unknown else bool(answer == z3.unsat)


class _Translator:
    def __init__(self, z3: Any) -> None:
        self._z3 = z3
        self._symbols: dict[str, _Pair] = {}
        self._known: dict[Term, _Pair] = {}
        self.definitions: list[Any] = []

    def symbol(self, name: str, kind: str) -> _Pair:
        if kind == "float":
            raise Untranslated("floats")
        make = self._z3.Bool if kind == "bool" else self._z3.Int
        return self._symbols.setdefault(name, _Pair(make(name), self._z3.BoolVal(True)))

    def read(self, term: Term) -> _Pair:
        if term not in self._known:
            self._known[term] = self._read(term)
        return self._known[term]

    def _read(self, term: Term) -> _Pair:
        z3 = self._z3
        if term.op == "Constant":
            if isinstance(term.value, bool):
                return _Pair(z3.BoolVal(term.value), z3.BoolVal(True))
            if isinstance(term.value, int):
                return _Pair(z3.IntVal(term.value), z3.BoolVal(True))
            raise Untranslated("floats")
        if term.op == "Symbol":
            return self._symbols[str(term.value)]
        operands = [self.read(arg) for arg in term.args]
        if term.op in CONNECTIVES:
            return self._connective(term.op, operands)
        if term.op == "Where":
            p, a, b = operands
            x, y = a.value, b.value
            if z3.is_bool(x) != z3.is_bool(y):
                x, y = self._number(x), self._number(y)
            chosen = z3.If(p.value, a.defined, b.defined)
            return _Pair(z3.If(p.value, x, y), z3.And(p.defined, chosen))
        defined = z3.And(*[operand.defined for operand in operands])
        value, own = self._strict(term.op, [operand.value for operand in operands])
        return _Pair(value, z3.And(defined, own))

    def _connective(self, op: str, operands: Sequence[_Pair]) -> _Pair:
        z3 = self._z3
        if op == "Implies":
            operands = [operands[0]._replace(value=z3.Not(operands[0].value)), operands[1]]
        stops = op != "And"
        value, defined = operands[0]
        for operand in operands[1:]:
            decided = value if stops else z3.Not(value)
            defined = z3.And(defined, z3.Or(decided, operand.defined))
            value = (z3.Or if stops else z3.And)(value, operand.value)
        return _Pair(value, defined)

    def _number(self, x: Any) -> Any:
        return self._z3.If(x, 1, 0) if self._z3.is_bool(x) else x

    def _strict(self, op: str, values: Sequence[Any]) -> tuple[Any, Any]:
        z3 = self._z3
        true = z3.BoolVal(True)
        if all(z3.is_bool(v) for v in values):
            on_conditions: dict[str, Callable[..., Any]] = {
                "Not": lambda a: z3.Not(a), "BitNot": lambda a: z3.Not(a),
                "Eq": lambda a, b: a == b, "Iff": lambda a, b: a == b,
                "Ne": lambda a, b: a != b, "BitXor": lambda a, b: a != b,
                "BitAnd": lambda a, b: z3.And(a, b), "BitOr": lambda a, b: z3.Or(a, b),
            }  # fmt: skip
            if op in on_conditions:
                return on_conditions[op](*values), true
        numbers = [self._number(v) for v in values]
        total: dict[str, Callable[..., Any]] = {
            "Add": lambda a, b: a + b, "Sub": lambda a, b: a - b, "Mul": lambda a, b: a * b,
            "Neg": lambda a: -a, "BitNot": lambda a: -a - 1,
            "Abs": lambda a: z3.If(a < 0, -a, a),
            "Lt": lambda a, b: a < b, "Le": lambda a, b: a <= b, "Gt": lambda a, b: a > b,
            "Ge": lambda a, b: a >= b, "Eq": lambda a, b: a == b, "Ne": lambda a, b: a != b,
        }  # fmt: skip
        if op in total:
            return total[op](*numbers), true
        if op in ("Min", "Max"):
            result = numbers[0]
            for other in numbers[1:]:
                smaller = result <= other if op == "Min" else result >= other
                result = z3.If(smaller, result, other)
            return result, true
        if op in ("Pow", "LShift", "RShift"):
            return self._power(op, *numbers)
        if op not in ("FloorDiv", "Mod", "CeilDiv", "CleanDiv", "TruncDiv", "TruncMod"):
            raise Untranslated(op)
        return self._division(op, *numbers)

    def _power(self, op: str, a: Any, b: Any) -> tuple[Any, Any]:
        z3 = self._z3
        if not z3.is_int_value(b) or not 0 <= b.as_long() <= 64:
            raise Untranslated("variable powers")
        if op == "Pow":
            result = z3.IntVal(1)
            for _ in range(b.as_long()):
                result = result * a
            return result, z3.BoolVal(True)
        factor = z3.IntVal(2 ** b.as_long())
        if op == "LShift":
            return a * factor, z3.BoolVal(True)
        return self._division("FloorDiv", a, factor)

    def _division(self, op: str, a: Any, b: Any) -> tuple[Any, Any]:
        z3 = self._z3
        if op == "CeilDiv":
            quotient, nonzero = self._division("FloorDiv", -a, b)
            return -quotient, nonzero
        if op in ("TruncDiv", "TruncMod"):
            floor, nonzero = self._division("FloorDiv", a, b)
            exact = a == floor * b
            trunc = z3.If(z3.Or(floor >= 0, exact), floor, floor + 1)
            return (trunc if op == "TruncDiv" else a - b * trunc), nonzero
        quotient = z3.FreshInt("q")
        remainder = a - b * quotient
        positive = z3.And(b > 0, remainder >= 0, remainder < b)
        negative = z3.And(b < 0, b < remainder, remainder <= 0)
        self.definitions.append(z3.Or(b == 0, positive, negative))
        if op == "Mod":
            return remainder, b != 0
        if op == "CleanDiv":
            return quotient, z3.And(b != 0, remainder == 0)
        return quotient, b != 0
