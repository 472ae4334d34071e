"""Simplification under facts: values are kept, nothing grows, and what people expect."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import ShapeEnv, SymInt
from shapes.errors import ContradictionError, ShapeproofError, UndefinedError
from shapes.expr.nodes import BoolExpr, Expr, constant, make, symbol
from shapes.facts.store import Fact, Facts
from shapes.queries.rules import FAMILIES
from shapes.queries.rules.pattern import pattern
from shapes.queries.simplify import Rewriting, simplify, simplify_traced
from shapes.traversal.cost import Cost, cost
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse, text_size
from shapes.traversal.substitute import substitute
from tests.corpus.questions import load

NAMES = ("x", "y", "z")
SYMBOLS = [symbol(name) for name in NAMES]
DOMAIN = range(-3, 5)
ROWS = [rule for name, family in FAMILIES.items() if name != "rounding" for rule in family]


def facts_of(*claims: str) -> Facts:
    facts = Facts()
    for claim in claims:
        facts = facts.given(Fact(parse(claim)))  # type: ignore[arg-type]
    return facts


@pytest.mark.parametrize(
    ("before", "claims", "after"),
    [
        ("(8*u + 5)//8", (), "u"),
        ("y//4", ("y == 2*a",), "a//2"),
        ("Min(x//2, y//2)", ("x == 2*y + 1", "y >= x"), "y"),
        ("Min(x, y)", ("x <= y",), "x"),
        ("Min(x, y, z, w)", ("x <= y", "w <= x"), "Min(w, z)"),
        ("x // y * y + x % y", (), "x"),
        ("x % 8 + 8*(x // 8) + x % 4", ("x % 4 == 0",), "x"),
        ("(a*b + 7) % b", ("b >= 8",), "7"),
        ("Max(0, Min(n, u))", ("u >= 0", "n >= u"), "u"),
        ("Where(u < 0, u + n, u)", ("u >= 0",), "u"),
        ("Max(x + 3, y + 3) - 3", (), "Max(x, y)"),
        ("Where(x <= y, x, y) + Max(x, y)", (), "x + y"),
        ("u <= 3 and u <= 5 and u >= 0", ("u >= 0",), "u <= 3"),
        ("x <= y and y <= x", (), "Eq(x, y)"),
        ("Where(x == 1, x, 2)", (), "Where(x == 1, 1, 2)"),
        ("(x << 2) | (y & 3)", (), "4*x + y % 4"),
        ("abs(x*x)", (), "x*x"),
        ("Min(x, y) <= n and n >= 0", ("x <= n", "n >= 0"), "True"),
        ("((a // b) // c) // d", ("b >= 1", "c >= 1", "d >= 1"), "a // (b*c*d)"),
        ("2**a * 2**b // 2**b", (), "2**a"),
        ("x == 3 and x*y == 6", (), "x == 3 and y == 2"),
        ("u", ("u == 4*v", "v == 3"), "12"),
        ("TruncDiv(u, 4)*4", ("u >= 0", "u % 4 == 0"), "u"),
        ("(x % (a*b)) // b", ("a >= 1", "b >= 1"), "x // b % a"),
        ("(x % (4*a)) // 4", ("a >= 1",), "x // 4 % a"),
        ("(x % (a*a*b)) // (a*b)", ("a >= 1", "b >= 1"), "x // (a*b) % a"),
    ],
)
def test_expected(before: str, claims: tuple[str, ...], after: str) -> None:
    found = simplify_traced(facts_of(*claims), parse(before))
    assert found.expr is parse(after), (before, str(found.expr), [str(s) for s in found.steps])


@pytest.mark.parametrize(
    "text",
    [
        "x >= -3",
        "x + y >= -40",
        "x*y >= -12",
        "3 * x + y >= -2147483648",
        "x == -3",
        "x != -3",
        "x >= y + 3",
        "x + 3 >= y",
        "x // b % a",
    ],
)
def test_answers_are_no_longer_than_questions(text: str) -> None:
    """A number stands alone on its side, whatever its sign."""
    found = simplify(facts_of("a >= 1", "b >= 1"), parse(text))

    assert parse(str(found)) is found
    assert len(str(found).replace(" ", "")) <= len(text.replace(" ", ""))


FLAT = "((i*b + j)*c + k)*d + l"


@pytest.mark.parametrize(
    ("text", "loop"),
    [
        (f"({FLAT}) // (b*c*d)", "i"),
        (f"({FLAT}) // (c*d) % b", "j"),
        (f"(({FLAT}) % (b*c*d)) // (c*d)", "j"),
        (f"({FLAT}) // d % c", "k"),
        (f"(({FLAT}) % (c*d)) // d", "k"),
        (f"({FLAT}) % d", "l"),
        ("x // (b*c*d)*b*c*d + x // (c*d) % b*c*d + x // d % c*d + x % d", "x"),
        ("x // (b*c)*b*c + (x % (b*c)) // c*c + x % c", "x"),
    ],
)
def test_four_nested_loops_come_back(text: str, loop: str) -> None:
    loops = ("i >= 0", "j >= 0", "j < b", "k >= 0", "k < c", "l >= 0", "l < d")
    facts = facts_of("b >= 1", "c >= 1", "d >= 1", *loops)

    assert simplify(facts, parse(text)) is parse(loop)


def test_effort_goes_into_side_conditions() -> None:
    facts = facts_of("x <= y", "y <= z")
    expr = parse("Min(x, z)")
    assert simplify(facts, expr, effort="default") is parse("x")
    assert simplify(facts, parse("Min(x + 1, z)"), effort="default") is parse("Min(x + 1, z)")
    with pytest.raises(ValueError, match="effort"):
        simplify(facts, expr, effort="heroic")


def test_nearest_misses() -> None:
    """One less known, and the expression has to stay."""
    for text, claims in [
        ("Min(x, y)", ("x <= y + 1",)),
        ("a // b", ("0 <= a", "a <= b")),
        ("a % b", ("0 <= a", "a <= b")),
        ("abs(x)", ("x >= -1",)),
        ("(a // b) // c", ("c >= 0",)),
        ("TruncDiv(a, b)", ("a >= -1", "b >= 1")),
        ("x | y", ("x % 4 == 0", "0 <= y", "y <= 4")),
        ("(u + 5) // 8", ("u % 4 == 0",)),
    ]:
        expr = parse(text)
        found = simplify(facts_of(*claims), expr)
        assert found is expr, (text, str(found))


def test_undefined_parts_stay() -> None:
    """Nothing loses its value: a part that may have none is not put in another's place."""
    x, y = parse("a // b >= 1"), parse("n >= 1")
    both = make("And", y, make("Or", x, y))
    assert simplify(Facts(), both) is y
    swapped = make("And", x, make("Or", x, y))
    for values in ({"a": 1, "b": 0, "n": 0}, {"a": 1, "b": 0, "n": 1}):
        try:
            expected = evaluate(swapped, values)
        except UndefinedError:
            continue
        assert evaluate(simplify(Facts(), swapped), values) is expected


def test_trace_and_budget() -> None:
    expr = parse("Min(x, y, z)")
    facts = facts_of("x <= y")
    found = simplify_traced(facts, expr)
    assert isinstance(found, Rewriting)
    assert str(found.steps[0]).startswith("least: Min(x, y, z) -> ")
    starved = simplify_traced(facts, expr, budget=1)
    assert starved.exhausted
    assert starved.expr is expr
    assert simplify_traced(facts, expr).steps == found.steps


def test_other_kinds() -> None:
    """Conditions, doubles and the ends of ranges pass through, and what is known is used."""
    kinds = {"p": symbol("p", "bool"), "q": symbol("q", "bool"), "t": symbol("t", "float")}

    def read(text: str) -> Expr:
        return parse(text, lambda name: kinds[name] if name in kinds else symbol(name))

    facts = facts_of("x >= 1").given(Fact(kinds["p"]))  # type: ignore[arg-type]
    for before, after in [
        ("Where(p, t, t + 1.0)", "t"),
        ("Where(q, t, t)", "t"),
        ("Where(q, t, t + 1.0)", "Where(q, t, t + 1.0)"),
        ("q and t < 1.0 and p", "q and t < 1.0"),
        ("q and not (q and t < 1.0)", "q and not t < 1.0"),
        ("FloorToInt(t) + abs(x)", "FloorToInt(t) + x"),
        ("Where(q, Where(q, x, y), 3)", "Where(q, x, 3)"),
        ("Where(not q, 1, 0) + Where(q, 1, 0)", "1"),
        ("sqrt(t) * ToFloat(Min(x, 1))", "sqrt(t) * 1.0"),
    ]:
        assert simplify(facts, read(before)) is read(after), before


def test_contradictory_context() -> None:
    """A part that cannot hold beside the others makes the conjunction false, at no risk."""
    expr = parse("x >= 4 and y >= x and y <= 2")
    assert simplify(Facts(), expr) is parse("False")
    assert simplify(facts_of("x <= 3"), parse("Where(x >= 4, a // b, n)")) is parse("n")


def test_cost() -> None:
    assert cost(parse("x")) == Cost(1, 1)
    assert cost(parse("x % 8")).nodes == 3
    assert cost(parse("y - x")).nodes == 3
    assert cost(parse("x | y")) > cost(parse("x + y"))
    assert cost(parse("(a//b)//c")) > cost(parse("a//(b*c)"))


def test_deep_and_wide() -> None:
    """Depth costs no recursion, and a budget that runs out leaves an equal expression."""
    expr: Any = symbol("x0")
    for index in range(1, 700):
        expr = make("Min", make("Mul", expr, 2), symbol(f"x{index % 7}")) + 1
    found = simplify(Facts(), expr, budget=300)
    assert cost(found) <= cost(expr)
    wide = constant(0)
    for index in range(400):
        wide = wide + make("FloorDiv", symbol(f"w{index}"), 3)  # type: ignore[assignment]
    assert simplify(Facts(), wide, budget=300) is wide


# --------------------------------------------------------------------------- brute force

leaves = st.one_of(st.sampled_from(SYMBOLS), st.integers(-4, 6).map(constant))


def _combined(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    names = ["Add", "Sub", "Mul", "FloorDiv", "Mod", "Min", "Max", "TruncDiv", "BitAnd",
             "BitOr", "BitXor", "CeilDiv"]  # fmt: skip
    return st.one_of(
        st.builds(make, st.sampled_from(names), inner, inner),
        st.builds(lambda a: make("Abs", a), inner),
        st.builds(
            lambda a, b, c, d: make("Where", make("Le", a, b), c, d),
            inner, inner, inner, inner,
        ),
    )  # fmt: skip


small_ints = st.recursive(leaves, _combined, max_leaves=3)
ints = st.recursive(leaves, _combined, max_leaves=7)
relations = st.builds(
    make, st.sampled_from(["Le", "Lt", "Eq", "Ne"]), small_ints, small_ints
)
conditions = st.recursive(
    relations,
    lambda inner: st.one_of(
        st.builds(make, st.sampled_from(["And", "Or", "Iff"]), inner, inner),
        st.builds(lambda p: make("Not", p), inner),
    ),
    max_leaves=4,
)
simple_facts = st.one_of(
    st.builds(
        lambda r, s, k: make(r, s, k),
        st.sampled_from(["Le", "Ge"]), st.sampled_from(SYMBOLS), st.integers(-3, 4),
    ),
    st.builds(
        lambda r, s, t, k: make(r, s, t + k),
        st.sampled_from(["Le", "Eq", "Ne"]), st.sampled_from(SYMBOLS),
        st.sampled_from(SYMBOLS), st.integers(-1, 2),
    ),
    st.builds(
        lambda s, m, r: make("Eq", make("Mod", s, m), r),
        st.sampled_from(SYMBOLS), st.integers(2, 4), st.integers(0, 1),
    ),
    relations,
)  # fmt: skip


@st.composite
def row_instances(draw: st.DrawFn) -> tuple[Expr, list[Expr]]:
    """The left side of a row with expressions for its variables, and maybe its condition."""
    rule = draw(st.sampled_from(ROWS))
    before = pattern(rule.before)
    when = pattern(rule.when) if rule.when else None
    chosen: dict[Expr, Expr] = {}
    for variable in free_symbols(before):
        if variable.kind == "bool":
            chosen[variable] = draw(relations)
        elif variable.name in ("?c", "?d", "?k"):
            chosen[variable] = constant(draw(st.integers(-3, 4)))
        else:
            chosen[variable] = draw(small_ints)
    facts = [substitute(when, chosen)] if when is not None and draw(st.booleans()) else []
    return substitute(before, chosen), facts


def checked(expr: Expr, claims: list[Expr]) -> None:
    """Simplified under facts: equal wherever there was a value, and not larger."""
    facts = Facts()
    held: list[Expr] = []
    for claim in claims:
        assert isinstance(claim, BoolExpr)
        try:
            facts = facts.given(Fact(claim))
        except ContradictionError:
            return
        held.append(claim)
    found = simplify_traced(facts, expr, budget=600)
    assert cost(found.expr) <= cost(expr), (str(expr), str(found.expr))
    if found.expr is expr:
        return
    symbols = free_symbols(expr, found.expr, *held)
    for choice in itertools.product(DOMAIN, repeat=len(symbols)):
        values = dict(zip(symbols, choice))
        try:
            if not all(evaluate(claim, values) for claim in held):
                continue
            expected = evaluate(expr, values)
        except ShapeproofError:
            continue
        shown = (str(expr), str(found.expr), values, [str(s) for s in found.steps])
        try:
            assert evaluate(found.expr, values) == expected, shown
        except UndefinedError:
            raise AssertionError(shown) from None


@given(st.one_of(ints, conditions), st.lists(simple_facts, max_size=3))
def test_values_are_kept(expr: Expr, claims: list[Expr]) -> None:
    checked(expr, claims)


@given(row_instances(), st.lists(simple_facts, max_size=2))
def test_rows_keep_values(instance: tuple[Expr, list[Expr]], claims: list[Expr]) -> None:
    expr, when = instance
    checked(expr, [*when, *claims])


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("(a + b)*(c + d)", "(a + b)*(c + d)"),
        (" a*(b + c) ", "a*(b + c)"),
        ("(a - b)*(a + b)", "a**2 - b**2"),
        ("(a + b)*(c + d) >= 5*(a + b)", "(a + b)*(c + d) >= 5*(a + b)"),
        ("a*(b % 1 + c)", "a * c"),
    ],
)
def test_what_is_written_stands_where_the_normal_form_is_larger(text: str, shown: str) -> None:
    env = ShapeEnv()
    for name in "abcd":
        env.integer(name)
    found = env.simplify(text)
    assert str(found) == shown
    assert shown in repr(found)
    assert found.expr is env.spelled(shown).expr
    assert found._repr_html_()
    assert str(found + 0 if isinstance(found, SymInt) else ~~found) == str(found.expr)


def test_no_simplified_claim_of_the_corpus_is_longer() -> None:
    for question in list(load())[::23]:
        if any(asked.kind != "int" for asked in question.symbols):
            continue
        env = ShapeEnv()
        for asked in question.symbols:
            env.integer(asked.name)
        simple = str(env.simplify(question.claim))
        if simple not in ("True", "False"):
            pairs = zip(text_size(simple), text_size(question.claim))
            assert all(found <= written for found, written in pairs), (question.claim, simple)


EQUALITIES = (
    "y == 2*a", "y == 4*a", "y == a + 1", "y == 2*a + 1", "x == y", "x == 3*y", "x == 2*y + 1",
    "y == 2*a + 2*b", "a == 2*b", "y // 2 == a", "y % 2 == 0", "Max(x, y) == a", "y >= x",
)  # fmt: skip
SIDES = (
    "y // 4", "y % 4", "x // 2", "(x + y) // 2", "Max(y, a)", "(y + 3) // 4", "y // 2 * 2",
    "Min(x // 2, y // 2)", "(4*x + y) // 2", "Where(y > a, y, a)", "CeilDiv(y, 2)", "x + y - a",
    "(y + a) // 3", "y // 2 // 2",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_what_is_simplified_is_as_simple_as_it_gets(seed: int) -> None:
    """Simplified again it is the same: solved equalities are read in what was found, too."""
    draw = random.Random(seed)
    for _ in range(30):
        stated = draw.sample(EQUALITIES, draw.choice((1, 1, 2, 3)))
        text = draw.choice(SIDES)
        if draw.random() < 0.5:
            text = f"({text}) {draw.choice('+-')} ({draw.choice(SIDES)}) // {draw.choice((1, 2))}"
        try:
            facts = facts_of(*stated)
        except ContradictionError:
            continue
        before = parse(text)
        found = simplify(facts, before)
        assert simplify(facts, found) is found, (stated, text)
        claims = [parse(fact) for fact in stated]
        symbols = free_symbols(before, *claims)
        for values in itertools.product(range(-3, 4), repeat=len(symbols)):
            named = dict(zip(symbols, values))
            if all(evaluate(claim, named) for claim in claims):
                assert evaluate(found, named) == evaluate(before, named), (stated, text)
