"""Brute force: the judge of everything else.

A `Tree` is an expression as it is written: an operator's name over operands. It knows how to
be built (`built`, `spelled`), how to be written as text, and what it means: `value` computes
with Python's own numbers, by a table of meanings that is written here and shares nothing with
the engine. Connectives and `Where` look at their operands from the left, as far as needed;
every other operation has no value (`Undefined`) where an operand has none.

What is claimed of all values is decided by trying all values of small domains.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

from shapes.base.infinity import int_oo
from shapes.errors import UndefinedError
from shapes.expr.nodes import OPERATORS, Expr, as_expr, symbol
from shapes.traversal.definedness import Spelled, spell
from shapes.traversal.evaluate import evaluate

Values = Mapping[str, Any]
Domains = Mapping[str, Sequence[Any]]


class Undefined(Exception):  # noqa: N818  (a value that is missing, not a failure)
    """What is written has no value."""


# ---- what the operators mean ----


def _number(a: Any) -> Any:
    return int(a) if isinstance(a, bool) else a


def _integer(a: Any) -> int:
    assert not isinstance(a, float), a
    return int(a)


def _ints(meaning: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *operands: meaning(*map(_integer, operands))


def _floats(meaning: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *operands: meaning(*[float(a) for a in operands])


def _numbers(on_ints: Callable[..., Any], on_floats: Callable[..., Any]) -> Callable[..., Any]:
    def meaning(*operands: Any) -> Any:
        numbers = [_number(a) for a in operands]
        if not any(isinstance(a, float) for a in numbers):
            return on_ints(*numbers)
        doubles = [float(a) for a in numbers]
        result = doubles[0] if len(doubles) > 1 else on_floats(doubles[0])
        for b in doubles[1:]:
            result = on_floats(result, b)
        return result

    return meaning


def _trunc_div(a: int, b: int) -> int:
    quotient, remainder = divmod(a, b)
    return quotient + 1 if quotient < 0 and remainder else quotient


def _clean_div(a: int, b: int) -> int:
    if a % b:
        raise ValueError("not divisible")
    return a // b


def _natural(meaning: Callable[[int, int], int]) -> Callable[[int, int], int]:
    def checked(a: int, b: int) -> int:
        if b < 0:
            raise ValueError("negative")
        return meaning(a, b)

    return checked


def _float_power(a: float, b: float) -> float:
    try:
        return math.pow(a, b)
    except (OverflowError, ValueError):
        pass
    odd = math.isfinite(b) and float(b).is_integer() and int(b) % 2 == 1
    if a == 0:
        return math.copysign(math.inf, a) if odd else math.inf
    if a < 0 and not float(b).is_integer():
        return math.nan
    return -math.inf if a < 0 and odd else math.inf


def _round_decimal(x: float, digits: int) -> float:
    if not math.isfinite(x):
        return x
    try:
        return round(x, digits)
    except OverflowError:
        return math.copysign(math.inf, x)


def _equal(a: Any, b: Any) -> bool:
    return bool(a == b)


def _fold(meaning: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    def folded(*operands: Any) -> Any:
        result = operands[0]
        for operand in operands[1:]:
            result = meaning(result, operand)
        return result

    return folded


def _bits(on_ints: Callable[[int, int], int]) -> Callable[..., Any]:
    """Python's operators give a bool for bools and an integer otherwise."""
    return _fold(lambda a, b: on_ints(a, b))


def _domain(
    function: Callable[[float], float],
    inside: Callable[[float], bool] = math.isfinite,
    outside: Callable[[float], float] = lambda x: math.nan,
) -> Callable[[float], float]:
    """A function of `math` on its domain, NaN for NaN, something else outside."""

    def total(x: float) -> float:
        if math.isnan(x):
            return x
        if not inside(x):
            return outside(x)
        try:
            return function(x)
        except OverflowError:
            return -math.inf if function is math.sinh and x < 0 else math.inf

    return total


def _always(x: float) -> bool:
    return True


_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sqrt": _domain(math.sqrt, lambda x: x >= 0),
    "exp": _domain(math.exp, _always),
    "log": _domain(math.log, lambda x: x > 0, lambda x: -math.inf if x == 0 else math.nan),
    "log2": _domain(math.log2, lambda x: x > 0, lambda x: -math.inf if x == 0 else math.nan),
    "sin": _domain(math.sin),
    "cos": _domain(math.cos),
    "tan": _domain(math.tan),
    "sinh": _domain(math.sinh, _always),
    "cosh": _domain(math.cosh, _always),
    "tanh": _domain(math.tanh, _always),
    "asin": _domain(math.asin, lambda x: -1 <= x <= 1),
    "acos": _domain(math.acos, lambda x: -1 <= x <= 1),
    "atan": _domain(math.atan, _always),
    "asinh": _domain(math.asinh, _always),
}


def _add(a: Any, b: Any) -> Any:
    return a + b


def _sub(a: Any, b: Any) -> Any:
    return a - b


def _mul(a: Any, b: Any) -> Any:
    return a * b


def _neg(a: Any) -> Any:
    return -a


def _floor_div(a: Any, b: Any) -> Any:
    return a // b


def _mod(a: Any, b: Any) -> Any:
    return a % b


def _true_div(a: Any, b: Any) -> Any:
    return a / b


def _rounding(rule: Callable[[float], int]) -> Callable[[Any], int]:
    return lambda x: rule(_number(x))


MEANINGS: dict[str, Callable[..., Any]] = {
    "Add": _numbers(_add, _add),
    "Sub": _numbers(_sub, _sub),
    "Neg": _numbers(_neg, _neg),
    "Mul": _numbers(_mul, _mul),
    "FloorDiv": _numbers(_floor_div, _floor_div),
    "Mod": _numbers(_mod, _mod),
    "CeilDiv": _ints(lambda a, b: -(-a // b)),
    "CleanDiv": _ints(_clean_div),
    "TruncDiv": _ints(_trunc_div),
    "TruncMod": _ints(lambda a, b: a - b * _trunc_div(a, b)),
    "Pow": _numbers(_natural(lambda a, b: a**b), _float_power),
    "LShift": _ints(_natural(lambda a, b: a << b)),
    "RShift": _ints(_natural(lambda a, b: a >> b)),
    "BitAnd": _bits(lambda a, b: a & b),
    "BitOr": _bits(lambda a, b: a | b),
    "BitXor": _bits(lambda a, b: a ^ b),
    "BitNot": lambda a: not a if isinstance(a, bool) else ~a,
    "Abs": _numbers(abs, abs),
    "gcd": _ints(math.gcd),
    "Min": _numbers(lambda *a: min(a), lambda a, b: min(a, b)),
    "Max": _numbers(lambda *a: max(a), lambda a, b: max(a, b)),
    "Le": lambda a, b: a <= b,
    "Lt": lambda a, b: a < b,
    "Ge": lambda a, b: a >= b,
    "Gt": lambda a, b: a > b,
    "Eq": _equal,
    "Ne": lambda a, b: not _equal(a, b),
    "FloatLe": lambda a, b: a <= b,
    "FloatLt": lambda a, b: a < b,
    "FloatEq": _equal,
    "Not": lambda a: not a,
    "Iff": lambda a, b: bool(a) == bool(b),
    "FloatAdd": _floats(_add),
    "FloatSub": _floats(_sub),
    "FloatMul": _floats(_mul),
    "FloatNeg": _floats(_neg),
    "FloatTrueDiv": _floats(_true_div),
    "FloatFloorDiv": _floats(_floor_div),
    "FloatMod": _floats(_mod),
    "FloatPow": _floats(_float_power),
    "FloatAbs": _floats(abs),
    "FloatMin": _floats(min),
    "FloatMax": _floats(max),
    "TrueDiv": _numbers(_true_div, _true_div),
    "IntTrueDiv": _ints(_true_div),
    "ToFloat": _floats(lambda a: a),
    "FloorToInt": _rounding(math.floor),
    "CeilToInt": _rounding(math.ceil),
    "TruncToInt": _rounding(math.trunc),
    "RoundToInt": _rounding(round),
    "RoundDecimal": lambda x, n: _round_decimal(x, _integer(n)),
    **{name: _floats(function) for name, function in _FUNCTIONS.items()},
}
"""Every operator but those that do not look at all of their operands."""

LAZY = ("And", "Or", "Implies", "Where")


# ---- expressions as they are written ----


@dataclass(frozen=True)
class Tree:
    """An operator over operands, a constant (`op` is "constant") or a symbol ("symbol")."""

    op: str
    args: tuple[Any, ...]
    kind: str

    def value(self, values: Values) -> Any:
        """The value; raises `Undefined` where there is none."""
        return self._run(values)

    @cached_property
    def _run(self) -> Callable[[Values], Any]:
        """The value as a function of the symbols' values; each node is looked at once."""
        if self.op == "constant":
            constant = self.args[0]
            return lambda values: constant
        if self.op == "symbol":
            return itemgetter(self.args[0])
        if self.op in LAZY:
            return self._lazy
        meaning = MEANINGS[self.op]
        operands = [a._run for a in self.args]

        def run(values: Values) -> Any:
            found = [operand(values) for operand in operands]
            try:
                return meaning(*found)
            except (ArithmeticError, ValueError):
                raise Undefined from None

        return run

    def _lazy(self, values: Values) -> Any:
        first, *rest = self.args
        decided = bool(first.value(values))
        if self.op == "Where":
            # The other arm decides of which kind the result is, but it need not have a value.
            chosen = _number(rest[0 if decided else 1].value(values))
            if self.kind == "bool":
                return bool(chosen)
            try:
                return float(chosen) if self.kind == "float" else chosen
            except OverflowError:
                raise Undefined from None
        if self.op == "Implies":
            return not decided or bool(rest[0].value(values))
        stop = self.op == "Or"
        for operand in rest:
            if decided is stop:
                break
            decided = bool(operand.value(values))
        return decided

    def known(self, values: Values) -> Any:
        """The value, or the exception class `Undefined` where there is none."""
        try:
            return self.value(values)
        except Undefined:
            return Undefined

    def spelled(self) -> Spelled:
        """What the engine makes of it, with its condition of being defined."""
        if self.op == "constant":
            return Spelled(as_expr(self.args[0]))
        if self.op == "symbol":
            return Spelled(symbol(self.args[0], self.kind))  # type: ignore[arg-type]
        return spell(OPERATORS[self.op], [a.spelled() for a in self.args])

    def built(self) -> Expr:
        """What the engine makes of it."""
        return self.spelled().expr

    def nodes(self) -> Iterator[Tree]:
        """This tree and all trees in it."""
        yield self
        if self.op not in ("constant", "symbol"):
            for a in self.args:
                yield from a.nodes()

    def symbols(self) -> list[tuple[str, str]]:
        """Names and kinds of the symbols in it, each once."""
        found = [(n.args[0], n.kind) for n in self.nodes() if n.op == "symbol"]
        return list(dict.fromkeys(found))

    def text(self) -> str:
        """In the grammar, every operator by its name."""
        if self.op == "symbol":
            return str(self.args[0])
        if self.op == "constant":
            return _constant_text(self.args[0])
        return f"{self.op}({', '.join(a.text() for a in self.args)})"

    __str__ = text


def _constant_text(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "(1e999 - 1e999)" if math.isnan(value) else f"({'-' * (value < 0)}1e999)"
    return f"({value!r})"


def leaf(value: Any) -> Tree:
    """A constant."""
    kinds = {bool: "bool", int: "int", float: "float"}
    return Tree("constant", (value,), kinds[type(value)])


def name(text: str, kind: str = "int") -> Tree:
    """A symbol."""
    return Tree("symbol", (text,), kind)


def node(op: str, *args: Tree) -> Tree:
    """An operator on operands, with the kind that the result has."""
    return Tree(op, args, result_kind(op, [a.kind for a in args]))


def result_kind(op: str, kinds: Sequence[str]) -> str:
    """The kind of the result for operands of these kinds."""
    if op in ("BitAnd", "BitOr", "BitXor", "BitNot"):
        return "bool" if all(kind == "bool" for kind in kinds) else "int"
    if op == "Where":
        arms = kinds[1:]
        if all(kind == "bool" for kind in arms):
            return "bool"
        return "float" if "float" in arms else "int"
    record = OPERATORS[op]
    if "n" in record.operands and record.result == "int":
        return "float" if "float" in kinds else "int"
    return record.result


# ---- trying everything ----


def assignments(domains: Domains) -> Iterator[dict[str, Any]]:
    """All choices of one value for every symbol."""
    names = list(domains)
    for choice in itertools.product(*[domains[n] for n in names]):
        yield dict(zip(names, choice))


def same(a: Any, b: Any) -> bool:
    """Equal values of one kind: -0.0 is not 0.0, NaN is NaN, True is not 1."""
    if a is Undefined or b is Undefined:
        return a is b
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return a == b and math.copysign(1.0, a) == math.copysign(1.0, b)
    return bool(a == b)


def ours(expr: Expr, values: Values) -> Any:
    """The engine's own value, or `Undefined`."""
    try:
        return evaluate(expr, values)
    except UndefinedError:
        return Undefined


def models(facts: Iterable[Tree], domains: Domains) -> list[dict[str, Any]]:
    """The assignments for which all facts have a value and hold, in the order of
    `assignments`; each fact cuts as soon as its symbols have values."""
    waiting = [(fact, {n for n, _ in fact.symbols()}) for fact in facts]
    rows: list[dict[str, Any]] = [{}]
    bound: set[str] = set()
    for sym in (None, *domains):
        if sym is not None:
            rows = [{**row, sym: value} for row in rows for value in domains[sym]]
            bound.add(sym)
        ready = [fact for fact, names in waiting if names <= bound]
        waiting = [pair for pair in waiting if not pair[1] <= bound]
        rows = [
            row
            for row in rows
            if all(fact.known(row) not in (Undefined, False) for fact in ready)
        ]
    assert not waiting, "a fact about a symbol without a domain"
    return rows


def reached(tree: Tree, among: Iterable[Values]) -> list[Any]:
    """The values that it takes, where it has one."""
    found = [tree.known(values) for values in among]
    return [value for value in found if value is not Undefined]


def holds_always(claim: Tree, among: Iterable[Values]) -> bool:
    """Whether the claim is true wherever it has a value."""
    return all(bool(value) for value in reached(claim, among))


def holds_never(claim: Tree, among: Iterable[Values]) -> bool:
    """Whether the claim is false wherever it has a value."""
    return not any(bool(value) for value in reached(claim, among))


def within(tree: Tree, lower: Any, upper: Any) -> list[Tree]:
    """The two facts that bound an integer; an infinite end says nothing."""
    facts = []
    if lower is not -int_oo:
        facts.append(node("Ge", tree, leaf(lower)))
    if upper is not int_oo:
        facts.append(node("Le", tree, leaf(upper)))
    return facts
