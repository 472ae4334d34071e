"""How far `bounds` and `congruence` are from what is true and from what `prove` shows:
``python -m tests.bounds_gap [KIND ...]``.

Each line of `KINDS` is ``DECLARATIONS; FACTS |- EXPRESSION`` as in the corpus; ``--corpus``
takes the sides of the corpus's integer relations instead, ``--random N`` so many random sums
under random facts, ``--wide N`` such over ranges that cannot be enumerated. The ends that `bounds` answers are compared with

- the interval arithmetic of the expression as it was written,
- the values that enumeration reaches where every symbol has few,
- the least end that `prove` shows at effort default (``--prove``), and the remainders that it
  shows modulo small numbers.

A range that excludes a value that is reached is wrong; the exit code counts these.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

import numpy as np

from shapes import ContradictionError, ShapeEnv, ShapeproofError, ValueRanges, int_oo, parse
from shapes.base.infinity import Bound
from shapes.domains import Congruence, RangeAnalysis
from shapes.domains.value_ranges import int_range
from shapes.errors import RangeError, UndefinedError
from shapes.expr.booleans import less_equal
from shapes.expr.integers import modulo
from shapes.expr.linear import eq_zero, scale, shift
from shapes.expr.nodes import BoolExpr, IntExpr, constant
from shapes.facts.verdict import Status
from shapes.prove.ladder import prove
from shapes.traversal.definedness import Spelled
from tests.corpus import grid
from tests.corpus.questions import load
from tests.corpus.terms import Term, integer, read_term

KINDS: dict[str, tuple[str, ...]] = {
    "parts": (
        "a in 1..; b in 0.. |- a - a//2",
        "a in 1..50 |- a - a//2",
        "a in 1..40 |- a - a//3",
        "a in 6..40 |- a - 5 % a",
        "a in 1..30 |- a - 5 % a",
        "a in 2..12; b in 0..12 |- (b - 5) % a - a",
        "a in 1..12; b in -9..9 |- a - b % a",
        "x in 0..40 |- x - x//4*4",
        "x in 0..60 |- x//2 - x//3",
        "x in 0..60 |- x//2 + x//3 - x",
        "x in 1..64 |- (x + 3)//4*4 - x",
        "x in 0..; y in 0.. |- x - x//2 + y",
        "x in 3.. |- x - x//3",
        "x in -20..20 |- x - TruncDiv(x, 2)",
        "x in -20..20 |- x - 2*(x//2) - x % 2",
        "z in 1..4096 |- z - 2*(z//4)",
        "x in 0..60; y in 0..9 |- 3*x - 5*(x//2) + Min(x, y)",
        "x in 9.. |- x - 5*(x//7) - x % 12",
        "x in ..16 |- 5*(x//4 + x % 7*6)",
        "x, y in 0..200 |- 2*(((x % 4096)//3) % 7 - x % 100) + y",
    ),
    "factors": (
        "b in 1..9; d in -30..30 |- b*(d//12)*36 - 3*b*d",
        "b in -3..2; d in 0..30 |- b*(d//8)*8 - b*d + 4",
        "b in 0..9; d in 0..30; b >= 2 |- b*d - b*(d//4)*4",
        "x in -9..9; y in 0..3 |- x*x*y - x*x*(y//2)",
    ),
    "choices": (
        "a, b in 0..12; b >= 3 |- b - Max(b - a, 0)",
        "a, b in 1..; |- b - Max(b - a, 0)",
        "a in 0..20; Max(a, 2) >= 6 |- a",
        "a, b in 0..12; Min(a, b) == b - Min(b, 2); b >= 1 |- b",
        "a, b in 0..12; Min(a, b) == b - Min(b, 2); b >= 1 |- a",
        "a, b in 0..12; Min(a, b) >= 4 |- a + b",
        "a, b in 0..12; Max(a, b) <= 5 |- a + b",
        "a, b, d in 0..9; Max(d, a) == b + 3 |- d - b",
        "a, b, d in 0..9; Max(d, a) == b + 3 |- a - b",
        "a, b, d in 0..; Max(d, a) == b + 3 |- d - b",
        "x in 0..30 |- x - Min(x, 2)",
        "x in 0.. |- x - Min(x, 2)",
        "x in -9..30 |- x - Max(x, 4)",
        "x, y in 0..12 |- x + y - Max(x, y)",
        "x, y in 0..12 |- x + y - 2*Min(x, y)",
        "x, y in 0..12; x >= y + 2 |- Max(x, y) - Min(x, y)",
        "x, y in 0..12; abs(x - y) <= 3 |- x - y",
        "x in -9..9; abs(x) >= 4; x >= -3 |- x",
        "x in -9..9; abs(x - 2) <= 4 |- x",
        "x in -9..9 |- abs(x) - x",
        "x in -9..9 |- abs(x - 1) + abs(x + 1)",
        "x, y in 0..9; Min(x, y) == Max(x, y) |- x - y",
    ),
    "bilinear": (
        "a, b in 1..4095 |- 2048*(a + b) - a*b",
        "a, b in 1..15 |- 8*(a + b) - a*b",
        "a in -5..7; b in -3..9 |- 3*a - 2*b + a*b",
        "a, b in 0..9 |- a*b - a - b",
        "x, y in 0..9 |- (y - 1)*x",
        "x, y in -4..9 |- (y - 1)*(x + 2)",
        "x, y in 0..9 |- x*y + x",
        "x, y in 1.. |- x*y + x",
        "x, y in 1.. |- x*y - x",
        "x, y in 2.. |- x*y - x - y",
        "x, y, z in 0..6 |- x*y + x*z - 2*x",
        "x, y, z in 0..5 |- x*y - y*z",
        "x, y, z in -3..5 |- x*y*z - x*y",
        "x in -9..9 |- x*x - 2*x",
        "x in -9..9 |- x*x - x",
        "x in 0..9; y in 0..9; x + y <= 9 |- x*y",
        "x in 0..9; y in 0..9; x <= y |- x*y - y*y",
        "x, y in 0..9; x <= y |- x*x - x*y",
        "x |- (x - 5)*(x - 9)",
        "x in 0.. |- x*x - 7*x",
        "x in 0..; y in ..8 |- x*x + y*y - 4*x*y",
        "x in -500..100000; y; x <= y |- x*y - y*y",
        "x in 1..100; y in 0..100 |- 4*((x % 7)*(y % 6))",
        "x in 1..99; y in 1..40 |- (x % 37 + 7)*(y - 3)",
        "x, y in 1.. |- y*(x//16) - y*x//5",
        "x in -500..4095; y in 1..100000 |- x*(y//5) - x*y",
    ),
    "pieces": (
        "x in 0..100 |- (x % 16)//4*8 + x % 4",
        "x in 0.. |- (x % 16)//4*8 + x % 4",
        "x |- (x % 16)//4*8 + x % 4",
        "x in 0..100 |- x//16*16 + x % 16",
        "x in 0..255 |- x//16 + x % 16*16",
        "x in 0..100 |- (x % 12)//3 + x % 3*4",
        "x in 0..100 |- (x % 32)//8*16 + (x % 8)//2*4 + x % 2",
        "x in 0..63 |- x//8*9 + x % 8",
        "x in 0..63; |- x % 8 + x % 4",
        "x in 0..63; |- x % 8 - x % 4",
        "x in 0..99 |- (x//4) % 5 + x % 4",
    ),
    "as written": (
        "x |- (x % 2 + 5)//2",
        "x in 0..20 |- (x % 2 + 5)//2",
        "x |- (x % 3 + 7)//3",
        "x |- 3*(x % 7) - 5",
        "x in 1..20 |- 3 % x",
        "x in 1.. |- 3 % x",
        "x in 1..20 |- 10 % (x + 2)",
        "x, y in 0..9 |- (x % 4)*(y % 3)",
        "x, y in 0..9 |- (x % 4 + 1)*(y - 2)",
        "x, y in -9..9 |- (x + y) % 5 + (x - y) % 3",
        "x in 0..50 |- (x % 10)//3 + (x % 7)*2",
        "x, y in 1..9 |- x % y + y",
        "x, y in 1..9 |- (x*y) % 7 - 3",
        "x |- (3*x + 1) % 6",
        "a in 0..20 |- (a*10) % 9",
        "a, b in 0..20 |- (a*10 + b*9) % 9",
        "a in 0..5 |- (a*10) % 9",
    ),
    "where": (
        "x in 0..20 |- Where(x < 5, x, 3)",
        "x in -20..20 |- Where(x >= 0, x, -x)",
        "x in -20..20 |- Where(x > 3, x - 3, 0)",
        "x, y in 0..9 |- Where(x < y, y - x, 0)",
        "x, y in 0..9 |- Where(x < y, x, y)",
        "x, y in 0..9 |- Where(x < 3, x, 0) + Where(x < 3, 2, 7)",
        "x, y in 0..9 |- Where(x < y, x, y) - x",
        "x, y in 0..9 |- Where(x < y, 1, 0) + Where(x < y, 0, 1)",
        "x, y in 0..9 |- x - Where(x < y, x, y)",
        "x in 0.. |- x - Where(x > 4, 4, x)",
        "x in 0..30 |- Where(x % 4 == 0, x, x + 4 - x % 4) - x",
        "x in 0..9; p: bool |- Where(p, x, 0) + Where(p, 0, x)",
        "x, y in 0..9; p: bool |- Where(p, x, y) - Where(p, x, 3)",
    ),
    "divisors": (
        "r in 0..; a in 0..; r < a + 2 |- r//(a + 2)",
        "r, a in 0..12; r < a + 2 |- r//(a + 2)",
        "r, a in 0..12; r < a + 2 |- r % (a + 2) - r",
        "x in 0..20; y in 1..5 |- x//y*y - x",
        "x in 0..20; y in 1..5 |- x//y - x",
        "x, y in 1..12; x <= y |- x//y",
        "x, y in 1..12; x <= y |- y//x",
        "x, y in 1..; x <= y |- y//x",
        "x, y in 1..12; y % x == 0 |- y - x",
        "x, n in 1..9; x < n |- n - x % n",
        "x in 0..; n in 1..; x < n*8 |- x//n",
        "x in 0..99; n in 1..9; x < n*8 |- x//n",
        "x in 0..99; n in 1..9; x < n*8 |- x//8 - n",
    ),
    "relations": (
        "x, y, z in 0..9; x + y <= 7; y + z <= 7 |- x + 2*y + z",
        "x, y, z in 0..9; x + y <= 7; y + z <= 7; x + z <= 7 |- x + y + z",
        "x, y in 0..; 3*x + 5*y <= 37 |- x + y",
        "x, y in 0..; 3*x + 5*y <= 37; x >= y |- 2*x + 3*y",
        "x, y in 0..20; 2*x + 3*y == 17 |- x + y",
        "x, y in 0..20; 2*x + 3*y == 17 |- x",
        "x, y in 0..20; x - y >= 2; x + y <= 9 |- y",
        "x, y in 0..20; x % 3 == 1; x <= 3*y; y <= 4 |- x",
        "x, y in 0..; x <= 2*y; y <= 5 |- x//2",
        "x, y in 0..40; x//4 <= y; y <= 3 |- x",
        "x, y in 0..40; x//4 == y; x % 4 == 2; y <= 3 |- x + y",
        "x, y in 0..9; x != y |- abs(x - y)",
        "x, y in 0..9; x <= y; x != y |- y - x",
        "x, y in 0..9; x < 3 or y < 3 |- Min(x, y)",
        "x, y in 0..9; Implies(x > 3, y < 2) |- Min(x, y)",
        "x in 0..20; x < 3 or x > 17; x != 0 |- abs(x - 10)",
        "x in 0..20; x*x <= 50 |- x",
        "x in 0..20; x*x + x >= 100 |- x",
        "x, y in 1..20; x*y == 12 |- x + y",
        "x, y in 1..20; x*y <= 12; x >= 3 |- y",
        "x, y in 8..; x//29 == y//2 |- x - y",
        "x in ..21; y in 9..; Max(x, y) - Min(x, y) <= 4 |- x + y",
        "x in 0..4095; y in 0..1000; x % 4 == y % 6; x != y |- x + y",
        "x in 0..; CeilDiv(x, 8)*7 == x |- x",
        "x in 1..; y in -500..40; 2*x + 5 == y*9 |- x",
        "x, y in 1..; x % 2 == y % 2 |- x*x - y*y",
        "x in 0..4095; TruncMod(x, 9) == 4 |- x",
        "x in -60..200; y in 1..; x % (4*y) == 0 |- x//y",
    ),
}
"""Kinds of expressions whose ends are easily missed."""

VALUES = 200_000
"""Rows that enumeration looks at."""


@dataclass(frozen=True)
class Asked:
    """Symbols with their ends (None: a truth value), facts, and the expression."""

    kind: str
    symbols: tuple[tuple[str, tuple[Bound, Bound] | None], ...]
    facts: tuple[str, ...]
    expression: str

    def __str__(self) -> str:
        ends = [
            f"{n}: bool" if r is None else f"{n} in {_end(r[0])}..{_end(r[1])}"
            for n, r in self.symbols
        ]
        return f"{'; '.join([*ends, *self.facts])} |- {self.expression}"


def _end(value: Bound) -> str:
    return str(value) if isinstance(value, int) else ""


_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?!\w*\()")


def read(kind: str, line: str) -> Asked:
    """The question that a line spells."""
    head, _, expression = line.partition("|-")
    symbols: dict[str, tuple[Bound, Bound] | None] = {}
    facts = []
    for part in filter(None, map(str.strip, head.split(";"))):
        ranged = re.fullmatch(r"(\w+(?:\s*,\s*\w+)*) in (.*?)\.\.(.*)", part)
        if ranged:
            low = integer(ranged[2]) if ranged[2] else -int_oo
            high = integer(ranged[3]) if ranged[3] else int_oo
            symbols.update(dict.fromkeys(re.split(r"\s*,\s*", ranged[1]), (low, high)))
        elif part.endswith(": bool"):
            symbols[part.removesuffix(": bool")] = None
        elif not part.isidentifier():
            facts.append(part)
    for name in _WORD.findall(" ".join([*facts, expression])):
        if name not in ("and", "or", "not", "True", "False"):
            symbols.setdefault(name, (-int_oo, int_oo))
    return Asked(kind, tuple(symbols.items()), tuple(facts), expression.strip())


def varied(asked: Asked, draw: random.Random) -> Asked:
    """The same with other constants in the expression and in the facts."""

    def other(found: re.Match[str]) -> str:
        value = int(found[0])
        return str(max(1, value + draw.choice((-2, -1, 0, 0, 1, 1, 2)))) if value else "0"

    def changed(text: str) -> str:
        return re.sub(r"\b\d+\b", other, text)

    expression, facts = changed(asked.expression), tuple(map(changed, asked.facts))
    return Asked(asked.kind, asked.symbols, facts, expression)


def from_corpus() -> Iterator[Asked]:
    """Left less right of the corpus's integer relations."""
    for q in load():
        relation = re.fullmatch(r"([^<>=!]+)(?:<=|<|>=|>|==)([^<>=!]+)", q.claim)
        if not relation or q.verdict in ("UNDEFINED", "CONTRADICTION") or q.premise:
            continue
        if any(s.kind == "float" for s in q.symbols) or " or " in q.claim:
            continue
        symbols = tuple(
            (s.name, None if s.kind == "bool" else _ends_of(s.lower, s.upper))
            for s in q.symbols
        )
        left, right = relation[1].strip(), relation[2].strip()
        expression = left if right == "0" else f"{left} - ({right})"
        yield Asked(q.family, symbols, q.facts, expression)


def _ends_of(lower: str | None, upper: str | None) -> tuple[Bound, Bound]:
    low = -int_oo if lower is None else integer(lower)
    return low, int_oo if upper is None else integer(upper)


def at_random(count: int, seed: int) -> Iterator[Asked]:
    """Random sums of random terms over small boxes, under up to two relations."""
    for number in range(seed, seed + count):
        draw = random.Random(number)
        names = "xyz"[: draw.choice((1, 2, 2, 3))]
        symbols = []
        for n in names:
            low = draw.choice((-6, -2, 0, 0, 1, 1, 2))
            symbols.append((n, (low, low + draw.choice((1, 4, 8, 12)))))
        yield _drawn("random", draw, names, symbols)


WIDE: Final[tuple[tuple[Bound, Bound], ...]] = (
    (0, int_oo), (1, int_oo), (1, int_oo), (2, int_oo), (-int_oo, int_oo), (-int_oo, 40),
    (0, 4095), (1, 4096), (1, 1000), (-500, 500),
)  # fmt: skip
"""Ranges of which nobody looks at all values."""


def at_random_wide(count: int, seed: int) -> Iterator[Asked]:
    """The same over ranges that are not enumerated."""
    for number in range(seed, seed + count):
        draw = random.Random(number)
        names = "xyz"[: draw.choice((1, 2, 2, 3))]
        yield _drawn("wide", draw, names, [(n, draw.choice(WIDE)) for n in names])


def _drawn(
    kind: str,
    draw: random.Random,
    names: str,
    symbols: Sequence[tuple[str, tuple[Bound, Bound] | None]],
) -> Asked:
    facts = [
        f"{_random(draw, names, 1)} {draw.choice(('<=', '<=', '==', '!='))} "
        f"{_random(draw, names, 1)}"
        for _ in range(draw.choice((0, 0, 1, 1, 2)))
    ]
    depth = draw.choice((1, 2, 2, 3))
    return Asked(kind, tuple(symbols), tuple(facts), _random(draw, names, depth))


_FORMS = (
    "({} + {})", "({} - {})", "({} - {})", "(2*{} + {})", "({}//3 + {})", "({} - {}//2)",
    "({}%4 + {})", "({} // Max({}, 1))", "({} % Max({}, 1))", "Min({}, {})", "Max({}, {})",
    "(abs({}) - {})", "({} * {})", "Where({0} < {1}, {1}, {0})", "Where({} > 0, {}, 1)",
    "CeilDiv({}, 2) - {}", "TruncMod({}, 3) + {}", "({} & 3) + {}",
)  # fmt: skip


def _random(draw: random.Random, names: str, depth: int) -> str:
    if depth == 0 or draw.random() < 0.15:
        if draw.random() < 0.75:
            return draw.choice(names)
        return str(draw.choice((0, 1, 2, 3, 4, 5, 8)))
    parts = [_random(draw, names, depth - 1) for _ in range(2)]
    return draw.choice(_FORMS).format(*parts)


# --------------------------------------------------------------------------- the judges


def stated(asked: Asked) -> ShapeEnv:
    """The environment of a question."""
    env = ShapeEnv()
    for name, ends in asked.symbols:
        if ends is None:
            env.boolean(name)
        else:
            env.integer(name, min=ends[0], max=ends[1])
    for fact in asked.facts:
        env.assume(fact)
    return env


_NAMES = {
    "Add": "add", "Sub": "sub", "Neg": "neg", "Mul": "mul", "FloorDiv": "floordiv",
    "Mod": "mod", "CeilDiv": "ceildiv", "TruncDiv": "truncdiv", "TruncMod": "truncmod",
    "CleanDiv": "cleandiv", "Abs": "abs", "Min": "min", "Max": "max", "Where": "where",
    "BitAnd": "bitand", "BitOr": "bitor", "BitXor": "bitxor", "Pow": "pow", "Lt": "lt",
    "Le": "le", "Eq": "eq", "Ne": "ne", "And": "and_", "Or": "or_", "Not": "not_",
}  # fmt: skip


def as_written(term: Term, ranges: dict[str, ValueRanges]) -> ValueRanges:
    """Interval arithmetic of the expression as it was written."""
    if term.op == "Constant":
        return RangeAnalysis.constant(term.value)  # type: ignore[arg-type]
    if term.op == "Symbol":
        return ranges[str(term.value)]
    operands = [as_written(arg, ranges) for arg in term.args]
    if term.op in ("Gt", "Ge"):
        operands.reverse()
        return RangeAnalysis.lt(*operands) if term.op == "Gt" else RangeAnalysis.le(*operands)
    if term.op not in _NAMES:
        return ValueRanges.unknown_int()
    return getattr(RangeAnalysis, _NAMES[term.op])(*operands)  # type: ignore[no-any-return]


def enumerated(asked: Asked) -> list[int] | None:
    """The values of the expression, in order; None if there are too many to look at."""
    choices: list[list[object]] = []
    size = 1
    for _, ends in asked.symbols:
        low, high = (0, 1) if ends is None else ends
        if not isinstance(low, int) or not isinstance(high, int):
            return None
        size *= high - low + 1
        if size > VALUES:
            return None
        choices.append([False, True] if ends is None else list(range(low, high + 1)))
    rows = list(itertools.product(*choices))
    columns = {}
    for index, (name, ends) in enumerate(asked.symbols):
        kind = "bool" if ends is None else "int"
        values = grid.column(kind, [row[index] for row in rows])
        columns[name] = grid.Column(kind, values, np.True_)
    held = np.ones(len(rows), dtype=bool)
    for fact in asked.facts:
        found = grid.evaluate(read_term(fact), columns)
        held &= np.asarray(found.values, dtype=bool) & found.defined
    value = grid.evaluate(read_term(asked.expression), columns)
    held &= value.defined
    return sorted({int(v) for v in np.broadcast_to(value.values, held.shape)[held]})


def shown_by_prove(env: ShapeEnv, text: str, found: ValueRanges) -> tuple[Bound, Bound]:
    """The ends that `prove` shows, one below the answer's and farther as long as it does."""
    e, defined = env.spelled(text)
    assert isinstance(e, IntExpr)
    lower, upper = found.int_bounds()
    low = _least_shown(env, scale(-1, e), defined, -lower)
    return -low, _least_shown(env, e, defined, upper)


def _least_shown(env: ShapeEnv, e: IntExpr, defined: BoolExpr, upper: Bound) -> Bound:
    if not isinstance(upper, int):
        guesses = (1 << 70, 1 << 40, 1 << 16, 256, 64, 16, 4, 0)
        for guess in guesses:
            if not _shows(env, e, defined, guess):
                return upper
            upper = guess
    step = 1
    while _shows(env, e, defined, upper - step):
        upper -= step
        step *= 2
    while step > 1:
        step //= 2
        if _shows(env, e, defined, upper - step):
            upper -= step
    return upper


def _shows(env: ShapeEnv, e: IntExpr, defined: BoolExpr, end: int) -> bool:
    claim = Spelled(less_equal(e, constant(end)), defined)
    return prove(env.facts, claim).status is Status.ALWAYS


def residues_shown_by_prove(env: ShapeEnv, text: str, found: Congruence) -> Congruence:
    """The congruence that `prove` shows modulo powers of small primes, beyond the answer's."""
    spelled = env.spelled(text)
    e = spelled.expr
    assert isinstance(e, IntExpr)
    for prime in (2, 3, 5, 7):
        while found.modulus:
            m = found.modulus * prime
            remainders = range(found.residue, m, found.modulus)
            proved = [r for r in remainders if _leaves(env, e, spelled.defined, m, r)]
            if len(proved) != 1:
                break
            found = Congruence.of(m, proved[0])
    return found


def _leaves(env: ShapeEnv, e: IntExpr, defined: BoolExpr, m: int, r: int) -> bool:
    claim = Spelled(eq_zero(shift(modulo(e, constant(m)), -r)), defined)
    return prove(env.facts, claim).status is Status.ALWAYS


@dataclass
class Score:
    """The counts of one kind."""

    number: int = 0
    interval: int = 0
    proved: int = 0
    loose: int = 0
    residues: int = 0
    wrong: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, other: Score) -> None:
        """Count the other's too."""
        self.number += other.number
        self.interval += other.interval
        self.proved += other.proved
        self.loose += other.loose
        self.residues += other.residues
        self.wrong += other.wrong
        self.seconds += other.seconds


def looser(found: ValueRanges, lower: Bound, upper: Bound) -> bool:
    """Whether an end of the answer is farther out."""
    low, high = found.int_bounds()
    return low < lower or high > upper


def scored(asked: Asked, with_prove: bool) -> tuple[Score, list[str]] | None:
    """One question's score, and lines about what is missed; None for a question that has no
    answer."""
    try:
        values = enumerated(asked)
        env = stated(asked)
        if values == []:
            return None
        started = time.process_time()
        found = env.bounds(asked.expression)
        if found.kind != "int":
            return None
        elapsed = time.process_time() - started
    except ContradictionError as error:
        if values:
            return Score(number=1, wrong=1), [f"WRONG {asked}: {error}"]
        return None
    except (ShapeproofError, grid.Undecided, RangeError):
        return None
    score = Score(number=1, seconds=[elapsed])
    lines = []
    if values is not None:
        wrong, lines = _compared(score, env, asked, values, found)
        score.wrong = wrong
    ranges = {
        name: ValueRanges.unknown_bool() if r is None else int_range(*r)
        for name, r in asked.symbols
    }
    try:
        own = as_written(read_term(asked.expression), ranges)
    except RangeError:
        own = found
    if own.kind == "int" and looser(found, *own.int_bounds()):
        score.interval = 1
        lines.append(f"interval {own}: {found} {asked}")
    if with_prove:
        try:
            lines += _beside_prove(score, env, asked, found, values is None)
        except (ContradictionError, UndefinedError):  # that only the solver sees
            return None
    return score, lines


def _beside_prove(
    score: Score, env: ShapeEnv, asked: Asked, found: ValueRanges, with_residues: bool
) -> Iterator[str]:
    ends = shown_by_prove(env, asked.expression, found)
    if looser(found, *ends):
        score.proved = 1
        yield f"prove    {ends}: {found} {asked}"
    if with_residues:
        residues = env.congruence(asked.expression)
        shown = residues_shown_by_prove(env, asked.expression, residues)
        if shown != residues:
            score.residues = 1
            yield f"residue  {tuple(shown)}: {tuple(residues)} {asked}"


def _compared(
    score: Score, env: ShapeEnv, asked: Asked, values: list[int], found: ValueRanges
) -> tuple[int, list[str]]:
    lines = []
    wrong = 0
    reached = values[0], values[-1]
    residues = env.congruence(asked.expression)
    if reached[0] not in found or reached[1] not in found:
        wrong = 1
        lines.append(f"WRONG    {reached} reached: {found} {asked}")
    if not all(map(residues.admits, values)):
        wrong = 1
        lines.append(f"WRONG    {values[:6]} reached: {residues} {asked}")
    if looser(found, *reached):
        score.loose = 1
        lines.append(f"loose    {reached} reached: {found} {asked}")
    common = int(np.gcd.reduce([v - values[0] for v in values[:100_000]] or [0]))
    if common != residues.modulus and not (common > 1 and residues.modulus == common):
        score.residues = int(common == 0 or common > residues.modulus > 0)
        if score.residues:
            lines.append(f"residue  mod {common}: {tuple(residues)} {asked}")
    return wrong, lines


def percentile(seconds: Sequence[float], share: float) -> float:
    """The time that this share of the questions does not exceed, in milliseconds."""
    ordered = sorted(seconds)
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the score; returns how many answers are wrong."""
    parser = argparse.ArgumentParser(prog="tests.bounds_gap", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--corpus", action="store_true", help="sides of the corpus's claims")
    parser.add_argument("--random", type=int, default=0, metavar="N", help="random sums")
    parser.add_argument("--wide", type=int, default=0, metavar="N", help="over wide ranges")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--varied", type=int, default=0, help="variations of each line")
    parser.add_argument("--prove", action="store_true", help="compare with prove (slow)")
    parser.add_argument("--show", action="store_true", help="list what is missed")
    chosen = parser.parse_args(arguments)
    if chosen.corpus:
        questions = list(from_corpus())
    elif chosen.random:
        questions = list(at_random(chosen.random, chosen.seed))
    elif chosen.wide:
        questions = list(at_random_wide(chosen.wide, chosen.seed))
    else:
        kinds = chosen.kinds or KINDS
        questions = [read(kind, line) for kind in kinds for line in KINDS[kind]]
        draw = random.Random(chosen.seed)
        questions += [varied(q, draw) for q in list(questions) for _ in range(chosen.varied)]
    scores: dict[str, Score] = {}
    total = Score()
    prove(ShapeEnv().facts, read_claim())
    for asked in questions:
        found = scored(asked, chosen.prove)
        if found is None:
            continue
        score, lines = found
        for line in lines:
            if chosen.show or line.startswith("WRONG"):
                print(line)
        scores.setdefault(asked.kind, Score()).add(score)
        total.add(score)
    heads = ("number", "interval", "prove", "loose", "residues", "wrong", "median", "99 %")
    print(f"{'':16}", *(f"{head:>9}" for head in heads))
    for kind, s in {**scores, "all": total}.items():
        cells = [s.number, s.interval, s.proved, s.loose, s.residues, s.wrong]
        times = [f"{1000 * median(s.seconds):.3f}", f"{percentile(s.seconds, 0.99):.2f}"]
        print(f"{kind:16}", *(f"{cell:>9}" for cell in [*cells, *times]))
    return total.wrong


def read_claim() -> BoolExpr:
    """A question for z3, so that it is loaded."""
    claim = parse("x*x*y >= 10 and y*y*x <= 90 and x*x*x != 6*y + 3")
    assert isinstance(claim, BoolExpr)
    return claim


if __name__ == "__main__":
    sys.exit(main())
