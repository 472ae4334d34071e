"""Every theorem about non-linear operators holds, by enumeration."""

from __future__ import annotations

import itertools

import pytest

from shapes.arith.certificate import Premise
from shapes.arith.lemma_schemas import SCHEMAS, SchemaError, state
from shapes.arith.system import linear
from shapes.errors import ShapeproofError, UndefinedError
from shapes.expr.nodes import Expr, constant
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse
from tests.shapes.reasoning_help import question

_CONSTANTS = [constant(c) for c in (-2, -1, 0, 1, 2, 3)]
_POSITIVE = [constant(c) for c in (1, 2, 3, 4)]


def _texts(*texts: str) -> tuple[Expr, ...]:
    return tuple(map(parse, texts))


def _with(operands: tuple[Expr, ...], last: list[Expr]) -> list[tuple[Expr, ...]]:
    return [(*operands, c) for c in last]


_PAIRS = [
    _texts("x", "y"),
    _texts("x + 2*y", "y"),
    _texts("2*x - 1", "x - y"),
    _texts("x", "x"),
]
_TRIPLES = [_texts("x", "y", "z"), _texts("x - y", "y", "x"), _texts("2*x", "z", "z + y")]
_SINGLES = [_texts("x"), _texts("2*x - y"), _texts("x - 1")]
_BY_CONSTANT = [row for a in _SINGLES for row in _with(a, _POSITIVE)]  # type: ignore[arg-type]
_POWERS = [(b, *row) for b in _POSITIVE for row in _SINGLES]


def _of(name: str) -> list[tuple[Expr, ...]]:
    """An atom of a variadic operator and each of its operands."""
    made = [parse(f"{name}(x, y)"), parse(f"{name}(x + 1, 2*y, z)"), parse(f"{name}(x, 3)")]
    return [(m, e) for m in made for e in m.args]


_ROUNDINGS = ("FloorToInt", "TruncToInt", "RoundToInt", "CeilToInt")
_HALVES = [[parse(f"{op}({e})") for op in _ROUNDINGS] for e in ("x / 2", "y * 0.75", "-x * 2.5")]
_ROUNDED = [(a, b) for row in _HALVES for a, b in itertools.permutations(row, 2)]


_GCDS = [
    (m, e)
    for m in map(parse, ("gcd(x, y)", "gcd(2*y, x + 1)", "gcd(x, 3)"))
    for e in m.args
]


_FACTORED = [
    _texts("x*y - y*z + 1", "y", "0", "0"),
    _texts("x*y - y*z + 3", "y", "0", "0"),
    _texts("x*y - y*z - 2", "y", "0", "0"),
    _texts("x*y - y*z - 2", "-y", "0", "0"),
    _texts("x*y - z + 1", "y", "z - 2*y", "1"),
    _texts("2*z - x*y + 1", "y", "x*y - z - y", "2"),
    _texts("x*y + x*z - 3*y - 3*z + 2", "y + z", "0", "0"),
]


OPERANDS: dict[str, list[tuple[Expr, ...]]] = {
    "floor low": _PAIRS + _BY_CONSTANT,
    "floor high": _PAIRS + _BY_CONSTANT,
    "floor low, negative divisor": _PAIRS,
    "floor high, negative divisor": _PAIRS,
    "floor monotone": [row for t in _TRIPLES for row in _with(t, _CONSTANTS)],  # type: ignore[arg-type]
    "floor of divisors": _TRIPLES,
    "floor of divisors, negative": _TRIPLES,
    "floor sized": [row for t in _PAIRS for row in _with(t, _POSITIVE)],  # type: ignore[arg-type]
    "floor is": [row for t in _PAIRS for row in _with(t, _CONSTANTS)],  # type: ignore[arg-type]
    "floor at least": [*_TRIPLES, *_with(_PAIRS[0], _CONSTANTS)],  # type: ignore[arg-type]
    "floor at most": [*_TRIPLES, *_with(_PAIRS[0], _CONSTANTS)],  # type: ignore[arg-type]
    "floor of equals": [
        _texts("x + z", "y", "x - 2*y", "1"),
        _texts("x*z", "y", "x - y*z", "z"),
        _texts("z - x", "3", "2*x + y", "y"),
    ],
    "floor nested": _TRIPLES,
    "shift nested": [
        (parse("x"), b, *row)
        for b in _POSITIVE
        for row in (_texts("s", "t"), _texts("s", "1"))
    ],
    "truncation floors": _PAIRS,
    "truncation ceils": _PAIRS,
    "truncation floors, both negative": _PAIRS,
    "truncation ceils, negative divisor": _PAIRS,
    "truncation low": _BY_CONSTANT,
    "truncation high": _BY_CONSTANT,
    "minimum below": _of("Min"),
    "minimum is": _of("Min"),
    "maximum above": _of("Max"),
    "maximum is": _of("Max"),
    "minimum and maximum": _PAIRS,
    "absolute above": _SINGLES,
    "absolute above negated": _SINGLES,
    "absolute is": _SINGLES,
    "absolute is negated": _SINGLES,
    "where then": [_texts("x < y", "x", "2*z"), _texts("x == 0 or y > 1", "y", "z")],
    "where else": [_texts("x < y", "x", "2*z"), _texts("x == 0 or y > 1", "y", "z")],
    "rounding order": [
        (a, b)
        for a, b in _ROUNDED
        if a.op.name == "FloorToInt" != b.op.name or a.op.name != "CeilToInt" == b.op.name
    ],
    "rounding distance": _ROUNDED,
    **dict.fromkeys(
        ("gcd positive", "gcd divides", "gcd below", "gcd below negated", "gcd of multiples"),
        _GCDS,
    ),
    "rounding exact": [
        (parse(f"{op}(ToFloat({n}))"),) for op in _ROUNDINGS for n in ("x", "x*2**52 + 1")
    ],
    **dict.fromkeys(("multiple of multiple", "quotient of multiples"), _TRIPLES),
    **dict.fromkeys(("without factor", "equal without factor"), _FACTORED),
    "product": [*_PAIRS, _texts("x", "y*z")],
    "product with zero": [*_PAIRS, _texts("x", "y*z")],
    "square": [*_SINGLES, _texts("x*y")],
    "consecutive": [*_SINGLES, _texts("x*y")],
    "power grows": [row for row in _POWERS if row[0].value != 1],
    "power monotone": [(b, *row) for b in _POSITIVE for row in _PAIRS],
    "power shift": [(b, *row, k) for b in _POSITIVE for row in _SINGLES for k in _POSITIVE],
    "power product": [(b, *_texts("s", "t")) for b in (*_POSITIVE, constant(-2))],
    "power above base": [_texts("x", "s"), _texts("x + 1", "s"), (constant(3), parse("s"))],
    "mask": [(parse("x"), constant(m)) for m in (*range(-20, 40), 64, 170, -171)],
    "disjoint": [
        row
        for pair in (_texts("8*x", "y"), _texts("x", "y"), _texts("4*x + 4", "y"))
        for row in _with(pair, [constant(k) for k in (0, 1, 2, 3)])
    ],
    "and below": [(m, e) for m, e in _of("BitAnd") if m.op.name == "BitAnd"],
    "lowest bit": _SINGLES,
    "or above": _of("BitOr"),
    "or within": [(m,) for m in (parse("x | y"), parse("x | y | 2*z"))],
    "xor within": [(m,) for m in (parse("x ^ y"), parse("x ^ y ^ 2*z"))],
    "or and and": _PAIRS,
    "xor and and": _PAIRS,
}


def test_every_schema_is_tested() -> None:
    assert set(OPERANDS) == set(SCHEMAS)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_conclusion_follows_from_the_premises(schema: str) -> None:
    reached = 0
    for operands in OPERANDS[schema]:
        statement = state(schema, operands)
        conditions = [*statement.premises, statement.conclusion]
        symbols = free_symbols(*conditions)
        reach = 6 if len(symbols) < 3 else 4
        for values in itertools.product(range(-reach, reach + 1), repeat=len(symbols)):
            bound = dict(zip(symbols, values))
            try:
                if not all(evaluate(p, bound) for p in statement.premises):
                    continue
                reached += 1
                assert evaluate(statement.conclusion, bound), (schema, operands, bound)
            except UndefinedError:
                continue
    assert reached > 20


# A theorem with one premise too few is not true: the premises are needed.
@pytest.mark.parametrize(
    "schema", [name for name in SCHEMAS if not name.startswith(("power", "shift"))]
)
def test_without_its_premises_a_theorem_fails(schema: str) -> None:
    statements = [state(schema, operands) for operands in OPERANDS[schema]]
    if all(not s.premises or all(p.is_constant for p in s.premises) for s in statements):
        return
    for statement in statements:
        symbols = free_symbols(statement.conclusion)
        for values in itertools.product(range(-4, 5), repeat=len(symbols)):
            try:
                if not evaluate(statement.conclusion, dict(zip(symbols, values))):
                    return
            except UndefinedError:
                continue
    pytest.fail(f"{schema} never needs its premises")


@pytest.mark.parametrize(
    ("schema", "operands"),
    [
        ("nothing of the kind", _texts("x")),
        ("floor low", _texts("x")),
        ("minimum below", _texts("Min(x, y)", "z")),
        ("minimum is", _texts("Max(x, y)", "x")),
        ("truncation low", _texts("x", "y")),
        ("truncation high", (parse("x"), constant(0))),
        ("power grows", (constant(1), parse("s"))),
        ("power shift", (constant(2), parse("s"), constant(-1))),
        ("floor sized", (parse("a"), parse("b"), constant(0))),
        ("xor within", _texts("x | y")),
        ("rounding order", _texts("CeilToInt(x / 2)", "FloorToInt(x / 2)")),
        ("rounding order", _texts("FloorToInt(x / 2)", "CeilToInt(y / 2)")),
        ("rounding distance", _texts("FloorToInt(x / 2)", "x")),
        ("rounding exact", _texts("FloorToInt(x / 2)")),
    ],
)
def test_operands_that_a_schema_is_not_about_are_refused(
    schema: str, operands: tuple[Expr, ...]
) -> None:
    with pytest.raises(SchemaError):
        state(schema, operands)
    assert issubclass(SchemaError, ShapeproofError)


def test_a_theorem_names_the_facts_behind_its_premises() -> None:
    asked = question("x % y < y", "y >= 1", "x >= 0", "x <= 100")
    proof = linear(asked.facts, asked.claim)
    assert proof is not None
    assert [fact.text for fact in proof.facts] == ["y >= 1"]
    premises = [s for s in proof.certificate.steps if isinstance(s, Premise)]  # type: ignore[attr-defined]
    assert {p.source for p in premises} <= {"goal", "fact", "range"}


# Ranges say of a remainder what it is where its divisor is not 0, and `x % z` is not asked for.
@pytest.mark.parametrize("claim", ["gcd(x, z) <= z", "gcd(x, z) == z", "3*gcd(x, z) < 5*z + 1"])
def test_ranges_of_remainders_show_nothing_of_a_divisor_that_may_be_0(claim: str) -> None:
    asked = question(claim, "z >= 0", "z <= 1")
    assert linear(asked.facts, asked.claim) is None


@pytest.mark.parametrize(
    "schema", ["multiple of multiple", "quotient of multiples", "gcd of multiples"]
)
def test_multiples_are_spoken_of_where_no_divisor_is_0(schema: str) -> None:
    for operands in OPERANDS[schema]:
        statement = state(schema, operands)
        symbols = free_symbols(*statement.premises, statement.conclusion)
        for values in itertools.product(range(-3, 4), repeat=len(symbols)):
            bound = dict(zip(symbols, values))
            try:
                evaluate(statement.conclusion, bound)
            except UndefinedError:
                assert any(_is_refuted(p, bound) for p in statement.premises), bound


def _is_refuted(premise: Expr, values: dict[Expr, int]) -> bool:
    try:
        return not evaluate(premise, values)
    except UndefinedError:
        return False
