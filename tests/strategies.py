"""Random expressions, facts and claims, for hypothesis and for `tests.fuzz`.

What grows is written once, in terms of a `Choice`: hypothesis draws (and shrinks) the
choices, the fuzzer draws them from a seeded generator.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st

from shapes.expr.nodes import OPERATORS
from tests.oracle import Tree, leaf, name, node, within

T = TypeVar("T")

INTEGERS = ("x", "y", "z")
CONDITIONS = ("p", "q")
DOUBLES = ("t", "s")
KINDS = {**dict.fromkeys(INTEGERS, "int"), **dict.fromkeys(CONDITIONS, "bool"),
         **dict.fromkeys(DOUBLES, "float")}  # fmt: skip

SMALL = (-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8)
LARGE = (2**31, -(2**31), 2**53, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, -(10**30))
REALS = (0.0, -0.0, 0.5, -0.5, 1.0, -1.5, 2.0, 3.0, 2.5, -7.25, 1e-300, 1e300,
         9007199254740993.0, math.inf, -math.inf, math.nan)  # fmt: skip


class Choice(Protocol):
    """Where choices come from."""

    def pick(self, options: Sequence[T]) -> T: ...
    def integer(self, low: int, high: int) -> int: ...


class Drawn:
    """Choices that hypothesis makes."""

    def __init__(self, draw: Callable[..., Any]) -> None:
        self._draw = draw

    def pick(self, options: Sequence[T]) -> T:
        return self._draw(st.sampled_from(options))  # type: ignore[no-any-return]

    def integer(self, low: int, high: int) -> int:
        return self._draw(st.integers(low, high))  # type: ignore[no-any-return]


class Seeded:
    """Choices from a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        return self._random.choice(options)

    def integer(self, low: int, high: int) -> int:
        return self._random.randint(low, high)


@dataclass(frozen=True)
class Soil:
    """What may grow: names by kind, constants, and whether floats and exotic operators do;
    symbols that are positive, and divide; numbers around which all values lie; whether some
    facts go round in a circle."""

    integers: tuple[str, ...] = INTEGERS
    conditions: tuple[str, ...] = CONDITIONS
    doubles: tuple[str, ...] = DOUBLES
    constants: tuple[int, ...] = SMALL
    large: tuple[int, ...] = LARGE
    floats: bool = True
    powers: bool = True
    equations: bool = False
    positive: tuple[str, ...] = ()
    centres: tuple[int, ...] = ()
    circles: bool = False


EVERYTHING = Soil()
INTEGRAL = Soil(doubles=(), floats=False)
PLAIN = Soil(conditions=(), doubles=(), large=(), floats=False)
EQUATIONS = Soil(
    ("v", "w", "x", "y", "z"), (), (), large=(), floats=False, powers=False, equations=True
)
"""Many facts that define symbols by each other, over many symbols with few values."""
DIVISIONS = Soil(
    ("x", "m", "n"), (), (), large=(), floats=False, powers=False, positive=("m", "n")
)
"""Divisors that are symbols."""
HUGE = Soil(
    ("x", "y", "z"), (), (), large=(), floats=False, powers=False,
    centres=(2**31, -(2**31), 2**53, 2**63, -(2**63), 10**30),
)  # fmt: skip
"""Values and constants on both sides of the ends of machine numbers, and beyond."""
CIRCLES = Soil(("w", "x", "y", "z"), (), (), large=(), floats=False, circles=True)
"""Facts of which some contradict each other."""
FEW = Soil(("x", "y"), ("p",), ("t",))
FEW_INTEGERS = Soil(("x", "y", "z"), (), (), large=(), floats=False)
FEW_CONDITIONS = Soil(("x", "y"), ("p",), (), floats=False)
"""Little to enumerate, for the tests that ask many questions."""

_INT_BINARY = ("Add", "Sub", "Mul", "FloorDiv", "Mod", "CeilDiv", "CleanDiv", "TruncDiv",
               "TruncMod", "Min", "Max", "BitAnd", "BitOr", "BitXor")  # fmt: skip
_INT_BINARY += tuple(
    op.name
    for op in OPERATORS.values()
    if (op.operands, op.result) == ("ii", "int")
    and op.name not in (*_INT_BINARY, "LShift", "RShift")  # (whose operands stay small)
)
_INT_UNARY = ("Neg", "BitNot", "Abs")
_ROUNDING = ("FloorToInt", "CeilToInt", "TruncToInt", "RoundToInt")
_RELATIONS = ("Le", "Lt", "Ge", "Gt", "Eq", "Ne")
_FLOAT_RELATIONS = (*_RELATIONS, "FloatLe", "FloatLt", "FloatEq")
_FLOAT_BINARY = ("Add", "Sub", "Mul", "FloorDiv", "Mod", "Pow", "Min", "Max", "TrueDiv",
                 "FloatAdd", "FloatSub", "FloatMul", "FloatTrueDiv", "FloatFloorDiv",
                 "FloatMod", "FloatPow", "FloatMin", "FloatMax")  # fmt: skip
_FLOAT_UNARY = ("Neg", "Abs", "FloatNeg", "FloatAbs", "sqrt", "exp", "log", "log2", "sin",
                "cos", "tan", "sinh", "cosh", "tanh", "asin", "acos", "atan",
                "asinh")  # fmt: skip


def grow(choice: Choice, kind: str, depth: int, soil: Soil = EVERYTHING) -> Tree:
    """A tree of that kind, at most that deep."""
    if depth <= 0 or choice.integer(0, 7) == 0:
        return _leaf(choice, kind, soil)
    if kind == "int":
        return _integer(choice, depth - 1, soil)
    if kind == "bool":
        return _condition(choice, depth - 1, soil)
    return _double(choice, depth - 1, soil)


def _leaf(choice: Choice, kind: str, soil: Soil) -> Tree:
    if kind == "float":
        if soil.doubles and choice.integer(0, 2):
            return name(choice.pick(soil.doubles), "float")
        return leaf(choice.pick(REALS))
    if kind == "bool":
        if soil.conditions and choice.integer(0, 5):
            return name(choice.pick(soil.conditions), "bool")
        return leaf(choice.pick((False, True)))
    if choice.integer(0, 2):
        return name(choice.pick(soil.integers))
    if soil.large and choice.integer(0, 7) == 0:
        return leaf(choice.pick(soil.large))
    return leaf(choice.pick(soil.constants))


def _integer(choice: Choice, depth: int, soil: Soil) -> Tree:
    shape = choice.integer(0, 15)
    a = grow(choice, "int", depth, soil)
    if soil.positive and shape in (6, 7, 9):
        divisor = name(choice.pick(soil.positive))
        return node(choice.pick(("FloorDiv", "Mod", "CeilDiv", "TruncDiv")), a, divisor)
    if shape < 8:
        return node(choice.pick(_INT_BINARY), a, grow(choice, "int", depth, soil))
    if shape == 8:
        return node("Mul", leaf(choice.pick(SMALL)), a)
    if shape == 9:
        return node(choice.pick(("FloorDiv", "Mod", "TruncDiv", "TruncMod")), a,
                    leaf(choice.pick(SMALL)))  # fmt: skip
    if shape == 10:
        return node(choice.pick(_INT_UNARY), a)
    if shape == 11:
        condition = grow(choice, "bool", depth, soil)
        return node("Where", condition, a, grow(choice, "int", depth, soil))
    if shape == 12 and soil.powers:
        exponent = leaf(choice.pick((0, 1, 2, 3, 5, 17, -1)))
        if choice.integer(0, 1):
            exponent = _exponent(choice, soil)
        return node(choice.pick(("Pow", "LShift", "RShift")), _tame(choice, soil), exponent)
    if shape == 13 and soil.floats:
        return node(choice.pick(_ROUNDING), grow(choice, "float", depth, soil))
    if shape == 14:
        three = [a, grow(choice, "int", depth, soil), grow(choice, "int", depth - 1, soil)]
        return node(choice.pick(("Min", "Max", "BitAnd", "BitOr", "BitXor")), *three)
    return node("Add", a, grow(choice, "int", depth, soil))


def _exponent(choice: Choice, soil: Soil) -> Tree:
    """Something that stays small (powers of powers have no end)."""
    sym = name(choice.pick(soil.integers))
    if choice.integer(0, 1):
        return sym
    return node(choice.pick(("Mod", "Min")), sym, leaf(choice.pick((3, 4, 5))))


def _tame(choice: Choice, soil: Soil) -> Tree:
    return _leaf(choice, "int", Soil(soil.integers, large=()))


def _condition(choice: Choice, depth: int, soil: Soil) -> Tree:
    shape = choice.integer(0, 11)
    if shape < 6:
        a, b = grow(choice, "int", depth, soil), grow(choice, "int", depth, soil)
        return node(choice.pick(_RELATIONS), a, b)
    if shape == 6 and soil.floats:
        a = grow(choice, "float", depth, soil)
        b = grow(choice, choice.pick(("float", "int")), depth, soil)
        return node(choice.pick(_FLOAT_RELATIONS), *choice.pick(((a, b), (b, a))))
    if shape == 7:
        return node(choice.pick(("Not", "BitNot")), grow(choice, "bool", depth, soil))
    if shape == 8:
        arms = [grow(choice, "bool", depth, soil) for _ in range(3)]
        return node("Where", *arms)
    two = [grow(choice, "bool", depth, soil) for _ in range(2 + (choice.integer(0, 4) == 0))]
    if len(two) == 3:
        return node(choice.pick(("And", "Or")), *two)
    return node(choice.pick(("And", "Or", "Implies", "Iff", "Eq", "Ne", "BitAnd", "BitOr",
                             "BitXor")), *two)  # fmt: skip


def _double(choice: Choice, depth: int, soil: Soil) -> Tree:
    shape = choice.integer(0, 11)
    if shape < 5:
        a = grow(choice, "float", depth, soil)
        b = grow(choice, choice.pick(("float", "float", "int")), depth, soil)
        return node(choice.pick(_FLOAT_BINARY), *choice.pick(((a, b), (b, a))))
    if shape < 8:
        return node(choice.pick(_FLOAT_UNARY), grow(choice, "float", depth, soil))
    if shape == 8:
        op = choice.pick(("TrueDiv", "IntTrueDiv"))
        return node(op, grow(choice, "int", depth, soil), grow(choice, "int", depth, soil))
    if shape == 9:
        return node("ToFloat", grow(choice, "int", depth, soil))
    if shape == 10:
        digits = leaf(choice.pick((0, 1, 2, -1, 400, -308)))
        return node("RoundDecimal", grow(choice, "float", depth, soil), digits)
    a, b = grow(choice, "float", depth, soil), grow(choice, "float", depth, soil)
    return node("Where", grow(choice, "bool", depth, soil), a, b)


# ---- questions over small domains ----


@dataclass(frozen=True)
class Question:
    """Facts and a claim, and the domains on which enumeration decides.

    `facts` include the ranges of the symbols that are `bounded`; for the others the domain is
    only a sample, on which what always holds must hold too.
    """

    facts: tuple[Tree, ...]
    claim: Tree
    domains: dict[str, tuple[Any, ...]]
    bounded: bool

    def __str__(self) -> str:
        lines = [f"    {fact}" for fact in self.facts]
        return "\n".join([f"claim {self.claim}", "facts", *lines, f"domains {self.domains}"])


_TYPICAL = ("Le", "Lt", "Ge", "Gt", "Eq", "Ne")


def ask(choice: Choice, soil: Soil = INTEGRAL, depth: int = 3) -> Question:
    """A question."""
    domains: dict[str, tuple[Any, ...]] = {}
    facts: list[Tree] = []
    bounded = True
    centre = choice.pick(soil.centres) if soil.centres else 0
    if soil.centres:
        near = tuple(centre + c for c in SMALL)
        soil = replace(soil, constants=(*near, *SMALL), centres=(centre,))
    for sym in soil.integers:
        low = choice.integer(-4, 2)
        if soil.centres and choice.integer(0, 2):
            low += centre
        if sym in soil.positive:
            low = max(low, 1)
        high = low + choice.integer(0, 6 if len(soil.integers) <= 3 else 3)
        domains[sym] = tuple(range(low, high + 1))
        stated = choice.integer(0, 5)
        if stated == 0:
            bounded = False
            facts += within(name(sym), low, high)[: choice.integer(0, 1)]
        else:
            facts += within(name(sym), low, high)
    domains.update(dict.fromkeys(soil.conditions, (False, True)))
    domains.update(dict.fromkeys(soil.doubles, (-1.5, 0.0, 2.0, math.inf, math.nan)))
    for _ in range(choice.integer(2, 7) if soil.equations else choice.integer(0, 4)):
        facts.append((_equation if soil.equations else _stated)(choice, soil, depth))
    if soil.circles:
        facts += _circle(choice, soil)
    claim = _stated(choice, soil, depth)
    return Question(tuple(facts), claim, domains, bounded and not soil.doubles)


def _circle(choice: Choice, soil: Soil) -> list[Tree]:
    """Differences that come back to where they started: with a sum of steps below 0 they
    cannot hold together."""
    start = choice.integer(0, len(soil.integers) - 1)
    length = choice.integer(2, len(soil.integers))
    names = [soil.integers[(start + i) % len(soil.integers)] for i in range(length)]
    steps = [choice.integer(-2, 2) for _ in names[1:]]
    last = choice.pick((-1, -1, 0, 1)) - sum(steps)
    ends = zip(names, [*names[1:], names[0]], [*steps, last])
    return [node("Le", name(a), node("Add", name(b), leaf(c))) for a, b, c in ends]


def _stated(choice: Choice, soil: Soil, depth: int) -> Tree:
    """The shapes that programs have: a comparison of sums, a divisibility, or anything."""
    shape = choice.integer(0, 5)
    if shape == 0:
        divisor = leaf(choice.pick((2, 3, 4, 8, -2)))
        remainder = node("Mod", grow(choice, "int", 1, soil), divisor)
        return node(choice.pick(("Eq", "Ne")), remainder, leaf(choice.integer(0, 2)))
    if shape == 1:
        a, b = _sum(choice, soil), _sum(choice, soil)
        return node(choice.pick(_TYPICAL), a, b)
    if shape == 2:
        a = grow(choice, "int", depth, soil)
        return node(choice.pick(_TYPICAL), a, _sum(choice, soil))
    if shape == 3:
        two = name(choice.pick(soil.integers)), grow(choice, "int", depth - 1, soil)
        return node("Eq", *two)
    return grow(choice, "bool", depth, soil)


def _equation(choice: Choice, soil: Soil, depth: int) -> Tree:
    """What defines or relates symbols."""
    shape = choice.integer(0, 7)
    sym = name(choice.pick(soil.integers))
    if shape < 3:
        return node("Eq", sym, _sum(choice, soil))
    if shape == 3:
        return node("Eq", sym, grow(choice, "int", min(depth, 2), soil))
    if shape == 4:
        return node("Eq", _sum(choice, soil), _sum(choice, soil))
    if shape == 5:
        two = [node(choice.pick(_TYPICAL), _sum(choice, soil), sym) for _ in range(2)]
        return node(choice.pick(("And", "Or")), *two)
    return _stated(choice, soil, min(depth, 2))


def _sum(choice: Choice, soil: Soil) -> Tree:
    total = leaf(choice.integer(-4, 8))
    if soil.centres and choice.integer(0, 1):
        total = leaf(choice.integer(-4, 8) + soil.centres[0] * choice.pick((-1, 1, 2)))
    for _ in range(choice.integer(1, 2)):
        sym = name(choice.pick(soil.integers))
        total = node("Add", total, node("Mul", leaf(choice.pick((-2, -1, 1, 1, 2, 3))), sym))
    return total


# ---- for hypothesis ----


@st.composite
def trees(
    draw: Callable[..., Any], kind: str = "int", depth: int = 5, soil: Soil = EVERYTHING
) -> Tree:
    """Expressions of a kind."""
    return grow(Drawn(draw), kind, depth, soil)


@st.composite
def any_trees(draw: Callable[..., Any], depth: int = 5, soil: Soil = EVERYTHING) -> Tree:
    """Expressions of every kind."""
    kinds = ("int", "bool", "float") if soil.floats else ("int", "bool")
    return grow(Drawn(draw), draw(st.sampled_from(kinds)), depth, soil)


@st.composite
def questions(draw: Callable[..., Any], soil: Soil | None = None, depth: int = 3) -> Question:
    """Facts and a claim over small domains."""
    chosen = draw(st.sampled_from((FEW_INTEGERS, FEW_CONDITIONS))) if soil is None else soil
    return ask(Drawn(draw), chosen, depth)


_VALUES = {
    "int": st.one_of(st.integers(-6, 9), st.sampled_from(LARGE)),
    "bool": st.booleans(),
    "float": st.one_of(st.sampled_from(REALS), st.floats()),
}


def values(names: dict[str, str] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """Values of the symbols, small and large ones."""
    wanted = KINDS if names is None else names
    return st.fixed_dictionaries({n: _VALUES[kind] for n, kind in wanted.items()})


def small_values() -> st.SearchStrategy[dict[str, Any]]:
    """Values of the symbols whose powers can be computed."""
    kinds = {"int": st.integers(-6, 9), "bool": st.booleans(), "float": _VALUES["float"]}
    return st.fixed_dictionaries({n: kinds[kind] for n, kind in KINDS.items()})
