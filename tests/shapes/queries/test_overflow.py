"""Fitting into machine integers, judged by a machine that checks every operation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr.nodes import Expr, Op, constant, make, symbol
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Status
from shapes.queries.overflow import Fit, fits_int64, intermediates
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols, interpret
from shapes.traversal.parsing import parse

TOP = {32: 2**31 - 1, 64: 2**63 - 1}


def facts_of(*claims: str) -> Facts:
    facts = Facts()
    for claim in claims:
        facts = facts.given(Fact(parse(claim)))  # type: ignore[arg-type]
    return facts


def fit(text: str, *claims: str, bits: int = 64) -> Fit:
    return fits_int64(facts_of(*claims), parse(text), bits)


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(
    ("text", "claims", "status"),
    [
        ("8*u", ("0 <= u", "8*u <= {top}"), Status.ALWAYS),
        ("8*u", ("0 <= u", "u <= ({top} + 1)//8"), Status.DEPENDS),
        ("8*u", ("-8*u <= {top} + 1", "u <= 0"), Status.ALWAYS),
        ("8*u", ("-8*u <= {top} + 9", "u <= 0"), Status.DEPENDS),
        ("u + 1", ("u < {top}",), Status.ALWAYS),
        ("u + 1", ("u <= {top}",), Status.DEPENDS),
        ("u - 1", ("u >= -{top}",), Status.ALWAYS),
        ("u - 1", (), Status.DEPENDS),
        ("-u", ("u >= -{top}",), Status.ALWAYS),
        ("-u", (), Status.DEPENDS),
        ("abs(u)", ("u >= -{top}",), Status.ALWAYS),
        ("abs(u)", (), Status.DEPENDS),
        ("u // v", ("v >= 1",), Status.ALWAYS),
        ("u // v", ("v != 0",), Status.DEPENDS),
        ("u // v", ("v != 0", "u >= -{top}"), Status.ALWAYS),
        ("u % v", ("v >= 1",), Status.ALWAYS),
        ("u + 1 <= v", (), Status.ALWAYS),
        ("u + v - w", ("u == w",), Status.DEPENDS),
        ("u + v - w", ("0 <= w", "w <= u", "v <= 0"), Status.ALWAYS),
        ("u + v - w", ("0 <= w", "w <= u", "v <= 1"), Status.DEPENDS),
        ("Min(u, 1000)*v", ("u >= 0", "v >= 0", "1000*v <= {top}"), Status.ALWAYS),
        ("Min(u, 1001)*v", ("u >= 0", "v >= 0", "1000*v <= {top}"), Status.DEPENDS),
        ("Where(u < 5, u*u, 0)", ("u >= 0",), Status.DEPENDS),
        ("({top} + 1) * u", ("u >= 0",), Status.NEVER),
        ("u", ("u > {top}",), Status.NEVER),
        ("u + v", ("u == {top}", "v >= 1"), Status.NEVER),
        ("x | y", (), Status.ALWAYS),
        ("2**u", ("0 <= u", "2**u <= {top}"), Status.ALWAYS),
        ("5", (), Status.ALWAYS),
        ("{top} + 1", (), Status.NEVER),
    ],
)
def test_ends(text: str, claims: tuple[str, ...], status: Status, bits: int) -> None:
    top = TOP[bits]
    claims = tuple(claim.format(top=top) for claim in claims)
    found = fit(text.format(top=top), *claims, bits=bits)
    assert found.status is status, found.explain()
    assert bool(found) is (status is Status.ALWAYS)
    if status is Status.DEPENDS:
        assert found.counterexample is not None
        assert found.value == evaluate(found.intermediate, found.counterexample)  # type: ignore[arg-type]
        assert not -top - 1 <= found.value <= top
        assert str(found.intermediate) in found.explain()


def test_products_at_the_end() -> None:
    small = ("0 <= u", "0 <= v", "u <= 2**31", "v <= 2**32 - 2")
    assert fit("u*v", *small).status is Status.ALWAYS
    large = ("0 <= u", "0 <= v", "u <= 2**31", "v <= 2**32")
    assert fit("u*v", *large).status is Status.DEPENDS
    assert fit("u**3", "0 <= u", "u <= 2**21 - 1").status is Status.ALWAYS
    assert fit("u**3", "0 <= u", "u <= 2**21").value == 2**63
    assert fit("u*v // w", "0 <= u*v", "u*v <= 2**62", "w >= 1").status is Status.ALWAYS


def test_intermediates_are_those_of_the_code() -> None:
    """What is added first, then what is subtracted; each partial sum is one."""
    found = intermediates(Facts(), parse("x + y - z + 5"))
    sums = [e for e in found if not e.is_symbol]
    assert sums == [parse(text) for text in ("x + y", "x + y - z", "x + y - z + 5")]
    assert intermediates(facts_of("0 <= x", "x <= 9"), parse("3*x")) == []


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="at least 2 bits"):
        fit("u", bits=1)
    with pytest.raises(ValueError, match="effort"):
        fits_int64(Facts(), parse("2*u"), effort="heroic")


def test_explanations() -> None:
    assert fit("u + 1", "u <= 5").explain().endswith("every intermediate result fits")
    assert "does not fit for u = " in fit("u + 1").explain()
    assert "`u`" in fit("u", "u >= 2**64").explain()


def test_growth() -> None:
    """A long sum and a deep chain are gone through once."""
    total: Any = constant(0)
    facts = Facts()
    for index in range(1200):
        sym = symbol(f"long{index}")
        facts = facts.given(Fact(make("Ge", sym, 0)), Fact(make("Le", sym, 2**20)))  # type: ignore[arg-type]
        total = total + sym
    assert fits_int64(facts, total).status is Status.ALWAYS
    deep: Any = symbol("long0")
    for index in range(1200):
        deep = make("Min", deep + 1, 5 + index % 3)
    assert fits_int64(facts, deep).status is Status.ALWAYS


# --------------------------------------------------------------------------- brute force

BITS = 4
LOWER, UPPER = -8, 7
NAMES = {symbol(name): name for name in "xyz"}


class OverflowFoundError(Exception):
    pass


class Machine:
    """What an emitted graph does: an operation for every node, each result checked, both
    arms of a choice computed; None where something has no value."""

    def constant(self, value: Any) -> Any:
        return self.checked(value)

    def unknown(self, op: Op, values: list[Any]) -> Any:
        if any(value is None for value in values):
            return None
        assert op.python is not None
        try:
            return self.checked(op.python(*values))
        except (ZeroDivisionError, ValueError):
            return None

    def checked(self, value: Any) -> Any:
        if not isinstance(value, bool) and not LOWER <= value <= UPPER:
            raise OverflowFoundError(value)
        return value


def overflows(expr: Expr, values: dict[str, int]) -> bool:
    try:
        interpret(Machine(), values, expr)
    except OverflowFoundError:
        return True
    return False


def points(symbols: list[Expr], held: list[Expr]) -> Iterator[dict[str, int]]:
    for choice in itertools.product(range(LOWER, UPPER + 1), repeat=len(symbols)):
        values = {NAMES[s]: v for s, v in zip(symbols, choice)}
        try:
            if all(evaluate(claim, values) for claim in held):
                yield values
        except ShapeproofError:
            continue


leaves = st.one_of(st.sampled_from(list(NAMES)), st.integers(-4, 7).map(constant))
names = ["Add", "Sub", "Mul", "FloorDiv", "Mod", "Min", "Max", "TruncDiv", "BitAnd"]
exprs = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(make, st.sampled_from(names), inner, inner),
        st.builds(lambda a: make("Abs", a), inner),
        st.builds(lambda a, b, c: make("Where", make("Le", a, b), b, c), inner, inner, inner),
    ),
    max_leaves=5,
)
claims = st.one_of(
    st.builds(make, st.sampled_from(["Le", "Ge"]), st.sampled_from(list(NAMES)),
              st.integers(-4, 5)),
    st.builds(make, st.sampled_from(["Le", "Lt", "Eq"]), st.sampled_from(list(NAMES)),
              st.sampled_from(list(NAMES))),
)  # fmt: skip


@settings(max_examples=80)
@given(exprs, st.lists(claims, max_size=4))
def test_by_running_it(expr: Expr, given_claims: list[Expr]) -> None:
    facts, held = Facts(), []
    for claim in given_claims:
        try:
            facts = facts.given(Fact(claim))  # type: ignore[arg-type]
        except ContradictionError:
            return
        held.append(claim)
    symbols = free_symbols(expr, *held)
    if len(symbols) > 2 and len(held) < 2:
        return  # keeps the enumeration small
    every = list(points(symbols, held))
    found = fits_int64(facts, expr, BITS)
    broken = [values for values in every if overflows(expr, values)]
    shown = (str(expr), [str(c) for c in held], found.explain())
    if found.status is Status.ALWAYS:
        assert not broken, (*shown, broken[0])
    elif found.status is Status.DEPENDS:
        assert found.counterexample is not None
        values = {name: int(v) for name, v in found.counterexample.items()}  # type: ignore[arg-type]
        assert found.intermediate is not None
        assert overflows(found.intermediate, values), shown
        about = [c for c in held if {s.name for s in free_symbols(c)} <= set(values)]
        assert set(values) >= {s.name for s in free_symbols(found.intermediate)}
        assert all(evaluate(claim, values) for claim in about), shown
    elif found.status is Status.NEVER:
        assert len(broken) == len(every), shown
