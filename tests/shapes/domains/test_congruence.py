"""`Congruence` and `CongruenceAnalysis`, judged by enumeration of small sets."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes.base.infinity import int_oo
from shapes.domains import Congruence, CongruenceAnalysis
from shapes.errors import RangeError
from shapes.expr.nodes import make, symbol
from shapes.traversal.interpret import interpret

C = Congruence
ANY = Congruence.anything()
ANALYSIS = CongruenceAnalysis()

SETS = [C.of(m, r) for m in range(1, 9) for r in range(m)] + [
    C.constant(value) for value in range(-9, 10)
]


def members(value: Congruence, reach: int = 20) -> list[int]:
    """Its integers around 0, more than a period of any modulus here."""
    return [x for x in range(-reach, reach + 1) if value.admits(x)]


def truncdiv(a: int, b: int) -> int | None:
    if b == 0:
        return None
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def truncmod(a: int, b: int) -> int | None:
    return None if b == 0 else a - b * truncdiv(a, b)


class Binary(NamedTuple):
    handler: str
    meaning: Callable[[int, int], int | None]


BINARY = [
    Binary("add", operator.add),
    Binary("sub", operator.sub),
    Binary("mul", operator.mul),
    Binary("floordiv", lambda a, b: a // b if b else None),
    Binary("ceildiv", lambda a, b: -((-a) // b) if b else None),
    Binary("truncdiv", truncdiv),
    Binary("cleandiv", lambda a, b: a // b if b and a % b == 0 else None),
    Binary("mod", lambda a, b: a % b if b else None),
    Binary("truncmod", truncmod),
    Binary("pow", lambda a, b: a**b if b >= 0 else None),
    Binary("bitand", operator.and_),
    Binary("bitor", operator.or_),
    Binary("bitxor", operator.xor),
    Binary("min", min),
    Binary("max", max),
]
by_handler = pytest.mark.parametrize("row", BINARY, ids=lambda row: row.handler)


@by_handler
def test_two_operands(row: Binary) -> None:
    """No reached value is left out, for all sets with a modulus up to 8 and constants."""
    handler = getattr(ANALYSIS, row.handler)
    inside = {a: members(a, 11) for a in SETS}
    for a, b in itertools.product(SETS, repeat=2):
        found = handler(a, b)
        assert found == C.of(*found)
        for x, y in itertools.product(inside[a], inside[b]):
            value = row.meaning(x, y)
            assert value is None or found.admits(value), (a, b, x, y, value, found)


@by_handler
def test_constants_are_computed(row: Binary) -> None:
    for x, y in itertools.product(range(-9, 10), repeat=2):
        value = row.meaning(x, y)
        if value is not None:
            found = getattr(ANALYSIS, row.handler)(C.constant(x), C.constant(y))
            assert found == C.constant(value)


def best(values: Iterable[int]) -> Congruence:
    """The smallest congruence that includes all of these."""
    first, *rest = values
    return C.of(math.gcd(*(value - first for value in rest)), first)


@pytest.mark.parametrize("handler", ["add", "sub", "mul", "cleandiv", "mod"])
def test_exact_by_a_constant(handler: str) -> None:
    """With a constant second operand these give the smallest set there is."""
    meaning = next(row.meaning for row in BINARY if row.handler == handler)
    for a, c in itertools.product(SETS, range(-6, 7)):
        found = [meaning(x, c) for x in members(a, 400)]
        reached = [value for value in found if value is not None]
        if reached:
            assert getattr(ANALYSIS, handler)(a, C.constant(c)) == best(reached), (a, c)


@pytest.mark.parametrize(
    ("handler", "operands", "expected"),
    [
        ("floordiv", [(8, 3), (0, 4)], (2, 0)),
        ("floordiv", [(8, 3), (0, -4)], (2, 1)),
        ("floordiv", [(8, 3), (0, 3)], (1, 0)),
        ("ceildiv", [(8, 3), (0, 4)], (2, 1)),
        ("truncdiv", [(8, 4), (0, 4)], (2, 1)),
        ("truncdiv", [(8, 3), (0, 4)], (1, 0)),
        ("cleandiv", [(1, 0), (0, 4)], (1, 0)),
        ("cleandiv", [(8, 4), (0, 4)], (2, 1)),
        ("mod", [(8, 3), (0, 4)], (0, 3)),
        ("mod", [(8, 3), (0, 6)], (2, 1)),
        ("mod", [(8, 3), (4, 0)], (4, 3)),
        ("truncmod", [(8, 4), (0, 4)], (0, 0)),
        ("pow", [(2, 1), (0, 2)], (4, 1)),
        ("pow", [(2, 1), (1, 0)], (2, 1)),
        ("pow", [(0, -1), (2, 0)], (0, 1)),
        ("pow", [(0, -1), (2, 1)], (0, -1)),
        ("bitand", [(8, 3), (0, 7)], (0, 3)),
        ("bitand", [(12, 3), (0, 7)], (4, 3)),
        ("bitand", [(1, 0), (0, 8)], (8, 0)),
        ("bitand", [(24, 3), (0, -8)], (24, 0)),
        ("bitor", [(8, 3), (0, 4)], (8, 7)),
        ("bitor", [(24, 3), (0, 7)], (24, 7)),
        ("bitxor", [(8, 3), (0, 1)], (8, 2)),
        ("bitxor", [(5, 1), (0, -1)], (5, 3)),
    ],
)
def test_what_is_known(
    handler: str, operands: list[tuple[int, int]], expected: tuple[int, int]
) -> None:
    assert getattr(ANALYSIS, handler)(*(C(*operand) for operand in operands)) == expected


def test_undefined_operands_give_anything() -> None:
    zero = C.constant(0)
    for handler in ("floordiv", "ceildiv", "truncdiv", "cleandiv", "mod", "truncmod"):
        assert getattr(ANALYSIS, handler)(C.constant(7), zero) == ANY
        assert getattr(ANALYSIS, handler)(C(8, 3), zero) == ANY
    assert ANALYSIS.pow(C.constant(2), C.constant(-1)) == ANY
    assert ANALYSIS.cleandiv(C(8, 3), C.constant(4)) == ANY


def test_huge_powers_are_not_computed() -> None:
    huge = 10**30
    assert ANALYSIS.pow(C.constant(2), C.constant(huge)) == ANY
    assert ANALYSIS.pow(C.constant(-1), C.constant(huge + 1)) == C.constant(-1)
    assert ANALYSIS.pow(C(7, 3), C.constant(huge)) == C(7, pow(3, huge, 7))


@given(st.lists(st.tuples(st.integers(-5, 5), st.sampled_from(SETS)), max_size=3))
def test_linear(terms: list[tuple[int, Congruence]]) -> None:
    coefficients, values = [c for c, _ in terms], [value for _, value in terms]
    found = ANALYSIS.linear(7, coefficients, values)
    for point in itertools.product(*(members(value, 8) for value in values)):
        assert found.admits(7 + sum(map(operator.mul, coefficients, point)))


def test_linear_of_a_known_residue() -> None:
    assert ANALYSIS.linear(3, [1], [C(8, 0)]) == (8, 3)
    assert ANALYSIS.linear(1, [4, 6], [ANY, ANY]) == (2, 1)
    assert ANALYSIS.linear(1, [], []) == (0, 1)


def test_one_operand() -> None:
    for a in SETS:
        for x in members(a):
            assert ANALYSIS.abs(a).admits(abs(x))
            assert ANALYSIS.neg(a).admits(-x)
    assert ANALYSIS.abs(C(8, 4)) == (8, 4)
    assert ANALYSIS.abs(C(8, 3)) == (2, 1)


@pytest.mark.parametrize("handler", ["min", "max", "bitand", "bitor", "bitxor"])
@given(st.tuples(*[st.sampled_from(SETS)] * 3))
def test_three_operands(handler: str, operands: tuple[Congruence, ...]) -> None:
    meaning = next(row.meaning for row in BINARY if row.handler == handler)
    found = getattr(ANALYSIS, handler)(*operands)
    for x, y, z in itertools.product(*(members(a, 9) for a in operands)):
        assert found.admits(meaning(meaning(x, y), z))


@given(
    st.tuples(*[st.integers(0, 2**70)] * 2),
    st.tuples(*[st.integers(-(2**70), 2**70)] * 4),
    st.sampled_from([row for row in BINARY if row.handler != "pow"]),
)
def test_large_operands(
    moduli: tuple[int, int], rest: tuple[int, int, int, int], row: Binary
) -> None:
    (m, n), (r, s, i, j) = moduli, rest
    x, y = r + m * i, s + n * j
    value = row.meaning(x, y)
    if value is not None:
        assert getattr(ANALYSIS, row.handler)(C.of(m, r), C.of(n, s)).admits(value)


# ---- relations, connectives, choice, leaves ----

RELATIONS = {"le": operator.le, "lt": operator.lt, "eq": operator.eq, "ne": operator.ne}


@pytest.mark.parametrize("handler", RELATIONS)
def test_relations(handler: str) -> None:
    """Decided exactly where all the members agree (every set but a constant is unbounded)."""
    inside = {a: members(a, 60) for a in SETS}
    for a, b in itertools.product(SETS, repeat=2):
        found = {RELATIONS[handler](x, y) for x in inside[a] for y in inside[b]}
        expected = found.pop() if len(found) == 1 else None
        assert getattr(ANALYSIS, handler)(a, b) is expected, (a, b)


def test_one_sided_relations() -> None:
    assert ANALYSIS.eq_zero(C(8, 3)) is False
    assert ANALYSIS.ne_zero(C(8, 3)) is True
    assert ANALYSIS.eq_zero(C(8, 0)) is None
    assert ANALYSIS.eq_zero(C.constant(0)) is True
    assert ANALYSIS.le_zero(C.constant(1)) is False
    assert ANALYSIS.le_zero(C(2, 0)) is None


def test_floats_are_never_compared() -> None:
    for handler in RELATIONS:
        assert getattr(ANALYSIS, handler)(C.constant(1), None) is None


TRUTHS: list[tuple[bool | None, list[bool]]] = [
    (True, [True]),
    (False, [False]),
    (None, [False, True]),
]


@pytest.mark.parametrize(
    ("handler", "meaning", "count"),
    [
        ("and_", lambda *p: all(p), 3),
        ("or_", lambda *p: any(p), 3),
        ("iff", operator.is_, 2),
        ("not_", operator.not_, 1),
    ],
)
def test_connectives(handler: str, meaning: Callable[..., bool], count: int) -> None:
    for operands in itertools.product(TRUTHS, repeat=count):
        found = {meaning(*p) for p in itertools.product(*(truths for _, truths in operands))}
        expected = found.pop() if len(found) == 1 else None
        assert getattr(ANALYSIS, handler)(*(value for value, _ in operands)) is expected


def test_where() -> None:
    a, b = C(8, 3), C(12, 7)
    assert ANALYSIS.where(True, a, b) is a
    assert ANALYSIS.where(False, a, b) is b
    assert ANALYSIS.where(None, a, b) == (4, 3)
    assert ANALYSIS.where(None, True, True) is True
    assert ANALYSIS.where(None, True, False) is None
    assert ANALYSIS.where(None, None, None) is None
    with pytest.raises(RangeError, match="condition"):
        ANALYSIS.where(a, a, b)


def test_leaves() -> None:
    assert ANALYSIS.constant(5) == (0, 5)
    assert ANALYSIS.constant(True) is True
    assert ANALYSIS.constant(1.0) is None
    assert ANALYSIS.constant(int_oo) == ANY
    for kind, expected in (("int", ANY), ("bool", None), ("float", None)):
        assert ANALYSIS.symbol(SimpleNamespace(name="s", kind=kind)) == expected
        assert ANALYSIS.unknown(SimpleNamespace(result_kind=kind), ()) == expected


def test_floats_know_nothing() -> None:
    t = symbol("t", "float")
    for name in ("FloatAdd", "FloatMod"):
        assert interpret(ANALYSIS, {t: None}, make(name, t, t)) is None
    assert interpret(ANALYSIS, {}, make("ToFloat", symbol("x"))) is None
    assert interpret(ANALYSIS, {t: None}, make("FloorToInt", t)) == ANY


def test_bool_operands_count_as_numbers() -> None:
    assert ANALYSIS.add(True, C(8, 3)) == (8, 4)
    assert ANALYSIS.add(None, C(8, 3)) == ANY


# ---- the value type ----


def test_values_are_normalised() -> None:
    assert C(8, 3) == (8, 3)
    assert C.of(8, -5) == (8, 3)
    assert C.of(-8, 11) == (8, 3)
    assert C.of(0, -5) == C.constant(-5) == (0, -5)
    assert C.of(1, 9) == ANY == (1, 0)
    assert C.constant(4).is_constant
    assert not ANY.is_constant


def test_lattice() -> None:
    inside = {a: frozenset(members(a, 60)) for a in SETS}
    for a, b in itertools.product(SETS, repeat=2):
        met = a.meet(b)
        assert (frozenset() if met is None else frozenset(members(met, 60))) == (
            inside[a] & inside[b]
        )
        assert a.join(b) == best(sorted(inside[a] | inside[b]))
        assert a.issubset(b) == (inside[a] <= inside[b])
        if met is not None:
            assert met == C.of(*met)


def test_meet_of_large_moduli() -> None:
    a, b = C.of(10**30, 12345), C.of(7**40, 999)
    met = a.meet(b)
    assert met is not None
    assert met.modulus == 10**30 * 7**40
    assert a.admits(met.residue)
    assert b.admits(met.residue)
