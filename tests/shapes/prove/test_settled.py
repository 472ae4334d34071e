"""What facts settle, and choices that are divided as a whole: the values are those of what was
written, wherever the facts hold."""

from __future__ import annotations

import itertools
import random

import pytest

from shapes import Facts, ShapeEnv, parse
from shapes.errors import UndefinedError
from shapes.expr.nodes import BoolExpr, Expr, symbol
from shapes.facts.store import Fact
from shapes.prove.inner_choices import _Outside, of_divided_choices
from shapes.prove.ladder import Effort
from shapes.prove.settled import settled
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols, interpret
from shapes.traversal.substitute import substitute
from tests.shapes.prove.test_choice_forms import written

ALONE = Effort(("choice form",), search=0, rlimit=0)

SETTLED = (
    ("x >= 0", "Max(x, x//3)", "x"),
    ("x >= 0", "Min(x + y, x//3 + y)", "x//3 + y"),
    ("x >= 0", "Where(4*(x//4) <= 5*x//4, y, z)", "y"),
    ("x <= -1", "Where(x + x//3 >= 0, y, z)", "z"),
    ("x <= 0", "abs(x + x//2)", "-x - x//2"),
    ("x >= y", "Max(x, y, z)", "Max(x, z)"),
    ("s >= 1", "Where(x % (2*s) < s, y, z)", "y + (z - y)*(x//s % 2)"),
    ("s >= 1", "Where(x % (2*s) >= s, y, z)", "z + (y - z)*(x//s % 2)"),
    ("s >= 1", "Where(x % (2*s) < s, x % (2*s), x % (2*s) - s)", "x % s"),
    ("0 <= x and x < n and 0 <= y and y < n", "Where(x + y < n, 0, 1) + (x + y) % n", "Where(x + y < n, 0, 1) + Where(x + y < n, x + y, x + y - n)"),
    ("0 <= x and x < n and 0 <= y and y < n", "Where(x >= y, 0, 1) + (x - y) % n", "Where(x >= y, 0, 1) + Where(x >= y, x - y, x - y + n)"),
    ("n % 32 == 0", "(b*n + 32*a + y)//32", "b*(n//32) + a + y//32"),
    ("n % 8 == 5", "(3*n + y)//4", "6*(n//8) + 3*(n % 8 // 4) + (3 + y)//4"),
    ("0 <= y and y < n", "(b*n + y)//n", "b"),
    ("n >= 1 and m >= 1 and 0 <= x and x < n and 0 <= y and y < m", "((b*n + x)*m + y)//(n*m)", "b"),
    ("m >= 1 and 0 <= x and x <= 63", "(64*y + x)//(64*m)", "y//m"),
    ("x % 4 == 2", "Where(x % 2 != 0, y, z)", "z"),
    ("x >= 0", "Max(x//6, x//3)", "x//3"),
)  # fmt: skip
OPEN = (
    ("x >= -2", "Max(x, x//3)"),
    ("x >= 0", "Min(x + y, (x + 1)//3 + 1 + y)"),
    ("x >= 0", "Where(4*(x//4) < 5*x//4, y, z)"),
    ("x <= 1", "abs(x + x//2)"),
    ("x >= y - 1", "Max(x, y)"),
    ("s >= 0", "Where(x % (2*s) < s, y, z)"),
    ("0 <= x and x <= n and 0 <= y and y <= n", "Where(x + y < n, 0, 1) + (x + y) % n"),
    ("0 <= x and x < n and 0 <= y and y <= n + 1", "Where(x >= y, 0, 1) + (x - y) % n"),
    ("s >= 1", "Where(x % (2*s) <= s, y, z)"),
    ("s >= 1", "Where(x % (3*s) < s, y, z)"),
    ("n % 16 == 8", "(b*n + y)//32"),
    ("0 <= y and y <= n", "(b*n + y)//n"),
    ("n >= 1 and 0 <= x and x < n and 0 <= y and y <= m", "((b*n + x)*m + y)//(n*m)"),
    ("m != 0 and 0 <= x and x <= 63", "(64*y + x)//(64*m)"),
    ("x % 4 != 2", "Where(x % 2 != 0, y, z)"),
)  # fmt: skip


def stated(text: str) -> tuple[Facts, Fact]:
    claim = parse(text)
    assert isinstance(claim, BoolExpr)
    fact = Fact(claim)
    return Facts().given(fact), fact


@pytest.mark.parametrize(("fact", "text", "left"), SETTLED)
def test_what_is_settled_is_left_out(fact: str, text: str, left: str) -> None:
    facts, given = stated(fact)
    claim = parse(f"w == {text}")
    assert isinstance(claim, BoolExpr)
    assert settled(facts, claim) == (parse(f"w == {left}"), {given})
    assert settled(Facts(), claim)[0] is claim


@pytest.mark.parametrize(("fact", "text"), OPEN)
def test_what_is_not_settled_stays(fact: str, text: str) -> None:
    facts, _ = stated(fact)
    claim = parse(f"w == {text}")
    assert isinstance(claim, BoolExpr)
    assert settled(facts, claim)[0] is claim


@pytest.mark.parametrize("seed", range(8))
def test_values_are_kept_where_the_facts_hold(seed: int) -> None:
    draw, changed = random.Random(seed), 0
    for _ in range(40):
        lows = [draw.randint(-6, 6) for _ in "xyz"]
        boxes = [range(low, low + draw.choice((1, 3, 8))) for low in lows]
        env = ShapeEnv()
        for name, box in zip("xyz", boxes):
            env.integer(name, min=box[0], max=box[-1])
        relation = env.spelled(f"{draw.choice('xyz')} <= {draw.choice('xyz')} + 2").expr
        assert isinstance(relation, BoolExpr)
        facts = env.facts.extended(Fact(relation))
        claim = parse(f"{written(draw, 2)} {draw.choice(('==', '<=', '!='))} {written(draw, 2)}")
        if not isinstance(facts, Facts) or not isinstance(claim, BoolExpr):
            continue
        made, used = settled(facts, claim)
        changed += made is not claim
        known = Facts().given(*used)
        assert used <= frozenset(facts)
        for values in itertools.product(*boxes):
            named = dict(zip("xyz", values))
            if not all(evaluate(fact.claim, named) for fact in known):
                continue
            try:
                expected = evaluate(claim, named)
            except UndefinedError:
                continue
            assert evaluate(made, named) == expected, (str(claim), str(made), named)
    assert changed > 5


PARTS = (
    "(b*n + x) // n", "((b*n + x)*m + y) // (n*m)", "((b*n + x)*m + y) % (n*m)", "x // m",
    "(4*b + y) // (4*m)", "(b*n + 2*x + y) // 4", "(3*n - x) // 2", "x % (2*m)", "n % 4 - y",
    "Where(x % (2*m) < m, x, y)", "Where(x % (2*n) >= n, x % n, m)", "(b*n + y) % n // m",
    "Where(b != 0, y // b, x)", "Where(x < y, 0, 1) + (x - y) % n", "Where(x >= m, (x + m) % m, x % m)",
    "Where(x + y >= n, 1, 0) - (x + y) % n", "Where(x % (2*m) < m, x // b, y)", "(x*n*m + y*m + b) // m",
)  # fmt: skip


@pytest.mark.parametrize("seed", range(10))
def test_values_are_kept_for_symbolic_divisors(seed: int) -> None:
    draw, changed = random.Random(seed), 0
    for _ in range(30):
        boxes = {}
        for name in "bnmxy":
            low = draw.choice((-2, 0, 0, 1, 1))
            boxes[name] = range(low, low + draw.choice((1, 3, 5)))
        env = ShapeEnv()
        for name, box in boxes.items():
            env.integer(name, min=box[0], max=box[-1])
        k = draw.choice((2, 4))
        stated = [f"n % {k} == {draw.randrange(k)}", "x < n", "y < m", "0 <= x", "m >= 1"]
        facts = env.facts
        for text in draw.sample(stated, 3):
            relation = env.spelled(text).expr
            assert isinstance(relation, BoolExpr)
            further = facts.extended(Fact(relation))
            facts = further if isinstance(further, Facts) else facts
        claim = parse(f"{draw.choice(PARTS)} <= {draw.choice(PARTS)}")
        assert isinstance(claim, BoolExpr)
        made, used = settled(facts, claim)
        changed += made is not claim
        known = Facts().given(*used)
        assert used <= frozenset(facts)
        for values in itertools.product(*boxes.values()):
            named = dict(zip(boxes, values))
            try:
                if not all(evaluate(fact.claim, named) for fact in known):
                    continue
                expected = evaluate(claim, named)
            except UndefinedError:
                continue
            assert evaluate(made, named) == expected, (str(claim), str(made), named)
    assert changed > 5


@pytest.mark.parametrize("seed", range(8))
def test_what_is_divided_as_a_whole_has_the_same_value(seed: int) -> None:
    draw, changed = random.Random(seed), 0
    for _ in range(40):
        k = draw.choice((2, 3, 8))
        arms = [f"({written(draw, 1)})//{k}" for _ in "ab"]
        arms += draw.choice(([], ["3"], [f"({written(draw, 1)} + {k}*z)//{k}"]))
        text = f"{draw.choice(('Min', 'Max'))}({', '.join(arms)}) % 6 // 4"
        claim = parse(f"{text} == {written(draw, 2)}")
        assert isinstance(claim, BoolExpr)
        outside = interpret(_Outside(), {}, claim)
        found = of_divided_choices(claim)
        changed += found is not None
        for _ in range(20):
            values: dict[Expr, int] = {s: draw.randint(-40, 40) for s in free_symbols(claim)}
            try:
                expected = evaluate(claim, values)
            except UndefinedError:
                continue
            assert evaluate(outside, values) == expected, text
    assert changed > 20


def test_a_symbol_takes_the_place_of_what_is_divided() -> None:
    claim = parse("Min(x//3, y//3) % 8 // 3 == Max(z, Min(x, y) % 24 // 9)")
    assert isinstance(claim, BoolExpr)
    found = of_divided_choices(claim)
    assert found is not None
    (made,) = set(free_symbols(found)) - set(free_symbols(claim))
    back = substitute(found, {made: parse("Min(x, y)")})
    assert back is interpret(_Outside(), {}, claim)


def test_a_symbol_of_that_name_is_no_other_choice() -> None:
    """A name that no text can spell may be made by hand; then nothing takes its place."""
    mine = symbol("choice 0")
    claim = substitute(parse("Min(x, y) % 8 // 3 == z"), {parse("z"): mine})
    assert isinstance(claim, BoolExpr)
    assert of_divided_choices(claim) is None


def test_nothing_is_left_to_be_proved_by_a_false_neighbour() -> None:
    env = ShapeEnv()
    env.integer("x", min=0)
    for name in "yz":
        env.integer(name)
    for text, proved in (
        ("Where(x + x//3 >= 0, (x + x//3)//4, -(-(x + x//3)//4)) == x//3", True),
        ("Where(x + x//3 >= 2, (x + x//3)//4, -(-(x + x//3)//4)) == x//3", False),
        ("Max(x//3, x)//2 + Min(y, z)//2//2 == x//2 + Min(y, z)//4", True),
        ("Max(x//3, x - 1)//2 + Min(y, z)//2//2 == x//2 + Min(y, z)//4", False),
    ):
        assert env.prove(text, effort=ALONE).proved is proved, text
