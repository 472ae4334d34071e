"""The normal form of choices: it has the value of what was written, and identities meet in it."""

from __future__ import annotations

import itertools
import random

import pytest

from shapes import Facts, parse
from shapes.base.budget import limited
from shapes.errors import ShapeproofError, UndefinedError
from shapes.expr.booleans import negation
from shapes.expr.nodes import TRUE, BoolExpr, Expr
from shapes.facts.store import Fact
from shapes.prove.choice_forms import (
    _FORMS,
    _kept,
    by_choice_form,
    in_choice_form,
    in_choice_form_again,
    in_choice_form_of_remainders,
)
from shapes.prove.ladder import METHODS, Effort, prove
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from tests.benchmarks.composed import claims, ours, theirs

IDENTITIES = (
    "Max(x, y) + Min(x, y) == x + y",
    "Max(x, y) - Min(x, y) == abs(x - y)",
    "Max(Max(x, z) + Min(x, z), y) - Min(x + z, y) == abs(x + z - y)",
    "Min(Max(x, y), Max(x, z)) == Max(x, Min(y, z))",
    "Max(x + z, y + z)//4 == Max((x + z)//4, (y + z)//4)",
    "CeilDiv(Min(x, y)//3, 8)*8 - Min(x, y)//3 == -Min(x//3, y//3) % 8",
    "Where(x < y, x, y) == Min(x, y)",
    "Where(y < Max(x + y, x + x), y, Max(x + y, x + x))//2 == Min(y, Max(y, x) + x)//2",
    "((9*x) % 8 % 6)//3 + Max(x, y) + Min(x, y) == (x % 8)//3 % 2 + x + y",
    "Max(0, (y % 2 + 2)//4) + Max(x//2, z) == Max(z, x//2)",
    "Max(x, (y % 3 + 2*(y % 2) + 8*x + 3)//8) == x",
    "Where(x % 3 == 0, x//3, x//3 + 1) == CeilDiv(x, 3)",
    "Where(x % 2 != 0, x//2 + 1, x//2) == CeilDiv(x, 2)",
    "Where(x >= 0, x//4, -(-x//4)) == Max(x, 0)//4 - Max(-x, 0)//4",
    "Where(Max(x, y) >= 0, Max(x, y)//4, -(-Max(x, y)//4)) + Max(-Max(x, y), 0)//4 == Max(x, y, 0)//4",
    "Min(z, Max(z, x)//4*4)//8 == Min(z//8, Max(z//4*4, x//4*4)//8)",
    "Max(Where(x >= 0, x//4, -(-x//4)), y)//8*8 == Max((Max(x, 0)//4 - Max(-x, 0)//4)//8*8, y//8*8)",
    "Max(z, Where(y > x, y - x, 0)) + Min(z, Where(y > x, y - x, 0)) == z + Max(y - x, 0)",
    "Max(y, (z + 2*z)//2) == Max(y, z//2 + z)",
    "(((2*z + z % 2)//2) % 6)//2 == z//2 % 3",
    "Where(x == y, x, y) == y",
    "Max(3*x, 3*y, 3*z) == 3*Max(x, y, z)",
    "Max(x, y, z) == -Min(-x, -y, -z)",
    "CeilDiv(Where(x % 3 == 0, x//3, x//3 + 1), 2) == (CeilDiv(x, 3) + 1)//2",
    "Where(x//32 % 8 == 0, x//256, x//256 + 1) == CeilDiv(x//32, 8)",
    "Where(Min(x, y)//8 % 2 == 0, Min(x, y)//16, Min(x, y)//16 + 1) == CeilDiv(Min(x//8, y//8), 2)",
    "Where(x//6 >= 0, x//12, -(-(x//6)//2)) + Max(-(x//6), 0)//2 == Max(x//6, 0)//2",
    "Where(x//3*3 >= 0, x//3*3//8, -(-(x//3*3)//8)) == Max(x//3*3, 0)//8 - Max(-(x//3*3), 0)//8",
    "Where(Max(y, z)//2*2 >= 0, Max(y, z)//2*2//4, -(-(Max(y, z)//2*2)//4)) + Max(-(Max(y//2*2, z//2*2)), 0)//4 == Max(y//2*2, z//2*2, 0)//4",
    "Min(4*(Max(z, y)//8)//3, x)//8 == Min(Max(z//8*8, y//8*8)//48, x//8)",
    "y//4 + (y + 2)//4 == y//2",
    "(x - 3*(x//4))//2 == 5*x//8 - 2*(x//4)",
    "x//3 + (x + 1)//3 + (x + 2)//3 == x",
    "(x + x//3)//2 == x//3 + (x + 1)//3",
    "((y + 2)//3 - (y + 1)//3)//3 == 0",
    "(y + (y + 2)//3 - y//3 + 2)//3 == (y + 2)//3",
    "(x + 2*y + 2*((x + 2*y)//6) + (x + 2*y + 3)//6)//3 == (x + 2*y)//6 + (x + 2*y + 1)//6 + (x + 2*y + 3)//6",
    "Where(Min(-x % 3, x)//2 % 2 == 0, Min(-x % 3, x)//4, Min(-x % 3, x)//4 + 1) == CeilDiv(Min((-x % 3)//2, x//2), 2)",
)  # fmt: skip

ALONE = Effort(("choice form",), search=0, rlimit=0)
REMAINDERS = (
    "Min(CeilDiv(z, 8)*8 - z, z)//24 == Min((-z % 8)//3, z//3)//8",
    "((Min(x, y)//8) % 16)//8 + z == ((Min(x//8, y//8)//8) % 2) + z",
    "Max(z, (Min(x, y)//8 % 16)//8) + Min(z, (Min(x, y)//8 % 16)//8) == z + Min(x//8, y//8)//8 % 2",
    "CeilDiv(Min(Max(x, y), Max(x, z)), 3)*3 - Min(Max(x, y), Max(x, z)) == -Max(x, Min(y, z)) % 3",
    "(Max(x//3*3, z)//4*4) % 12 // 3 == (Max(x//3*3//4*4, z//4*4)//3) % 4",
    "Min(x//3, z//3) % 8//3 % 2 == Min(x, z) % 24//9 % 2",
    "Max(x, Min(z, y)//16 % 4)//3 == Max(x//3, Min(z//2, y//2) % 32//24)",
    "(Max(x//4 + y, 1) % 6)//3 == (Max(x + 4*y, 4) % 24)//12",
    "(Max(CeilDiv(x, 2), z)//2*2 + 3*y) % 3 == Max((x + 1)//2//2*2, z//2*2) % 3",
)
"""What is divided is the same choice on both sides, or is not before it goes into quotients."""


STEPS = " + ".join(f"(2*(x//6) + y + {i})//6" for i in range(6))
"""``2*(x//6) + y``."""


@pytest.mark.parametrize(("text", "proved"), [
    (f"Max(z, {STEPS} - 2*(x//6) + (x + 1)//6) == Max(y + (x + 1)//6, z)", True),
    (f"Max(z, {STEPS} - 2*(x//6) + (x + 1)//6) == Max(y + (x + 2)//6, z)", False),
    (f"{STEPS} - 2*(x//6) + (x + 1)//6 <= y + (x + 1)//6", True),
    (f"{STEPS} - 2*(x//6) + (x + 1)//6 <= y + x//6", False),
    (f"{STEPS} - 3*(x//6) + (x + 1)//6 <= y + (x + 2)//6", False),
])  # fmt: skip
def test_steps_that_cancel_are_counted_no_more(text: str, proved: bool) -> None:
    """What one group of quotients is written as may cancel one of the next group."""
    claim = parse(text)
    assert isinstance(claim, BoolExpr)
    assert prove(Facts(), claim, effort=ALONE).proved is proved


@pytest.mark.parametrize("text", IDENTITIES)
def test_identities_meet(text: str) -> None:
    claim = parse(text)
    assert in_choice_form(claim) is TRUE
    off_by_one = parse(text.replace("==", "== 1 +"))
    assert not prove(Facts(), off_by_one, effort=ALONE).proved  # type: ignore[arg-type]


@pytest.mark.parametrize("text", REMAINDERS)
def test_remainders_of_choices_meet(text: str) -> None:
    claim = parse(text)
    assert isinstance(claim, BoolExpr)
    assert prove(Facts(), claim, effort=ALONE).proved
    off_by_one = parse(text.replace("==", "== 1 +"))
    assert not prove(Facts(), off_by_one, effort=ALONE).proved  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "proved"), [
    ("Max(Max(x, z) + Min(x, z), y) - Min(x + z, y) == abs(x + z - y)", True),
    ("Max(x, y)//4 == Max(x//4, y//4)", True),
    ("Max(x, y) - Min(x, y) == abs(x - y)", False),
])  # fmt: skip
def test_only_what_is_nested_is_asked(text: str, proved: bool) -> None:
    """Of other claims the methods that come next have proofs with certificates."""
    verdict = prove(Facts(), parse(text), effort=ALONE)  # type: ignore[arg-type]
    assert verdict.proved is proved


@pytest.mark.parametrize(
    "text", ["Max(x, Min(y, z)//3)//2 <= x + y", "y <= Max(x, Min(y, z))"]
)
def test_no_earlier_question_decides_how_a_claim_is_written(text: str) -> None:
    claim = parse(text)
    assert isinstance(claim, BoolExpr)
    first, second = Facts(), Facts()
    for one in (claim, ~claim):
        _kept(first, one, in_choice_form)
    for one in (~claim, claim):
        _kept(second, one, in_choice_form)
    kept = _FORMS[in_choice_form]
    assert kept.of(first) == kept.of(second)
    assert len(kept.of(first)) == 1
    assert _kept(first, claim, in_choice_form) is _kept(second, claim, in_choice_form)


def test_facts_that_are_used_are_named() -> None:
    fact = Fact(parse("x >= 3"))  # type: ignore[arg-type]
    facts = Facts().given(fact)
    claim = parse("Max(Max(x, y) + Min(x, y), z) + Min(x + y, z) - y - z >= 3")
    assert isinstance(claim, BoolExpr)
    proof = by_choice_form(facts, claim)
    assert proof is not None
    assert proof.facts == (fact,)


def test_arms_keep_the_condition_that_gives_them_a_value() -> None:
    for text in ("Where(y != 0, x // y, 0) + Max(x, 2)", "Where(y > 0, Max(x % y, 1), x)"):
        made = in_choice_form(parse(text))
        assert evaluate(made, {"x": 5, "y": 0}) == evaluate(parse(text), {"x": 5, "y": 0})


FORMS = (
    "({}//{k})", "({} % {k})", "({k}*{})", "({} + {})", "({} - {})", "({} + 1)", "Min({}, {})",
    "Max({}, {})", "Min({}, {}, {})", "Max({}, {} + 1, {})", "abs({} - {})", "CeilDiv({}, {k})",
    "Where({} < {}, {}, {})", "Where({a} >= {b}, {a} - {b}, 0)", "TruncDiv({}, {k})",
    "Where({a} % {k} == 0, {}, {})", "Where({a} % {k} != 0, {a}//{k} + 1, {a}//{k})",
    "Where({a} >= 0, {a}//{k}, -(-{a}//{k}))", "Where({a} > 0, -(-{a}//{k}), {a}//{k})",
    "({}*{})", "({}//{})", "Where({a} == {b}, {a}, {b})",
)  # fmt: skip


def written(draw: random.Random, depth: int) -> str:
    if depth == 0 or draw.random() < 0.12:
        return (
            draw.choice("xyz") if draw.random() < 0.8 else str(draw.choice((-3, 0, 1, 2, 5)))
        )
    form = draw.choice(FORMS)
    shared = {"{a}": written(draw, depth - 1), "{b}": written(draw, 0), "{k}": str(draw.choice((2, 3, 4, 6)))}  # fmt: skip
    for name, text in shared.items():
        form = form.replace(name, text)
    return form.format(*(written(draw, depth - 1) for _ in range(form.count("{}"))))


@pytest.mark.parametrize("seed", range(12))
def test_values_are_kept(seed: int) -> None:
    draw, changed = random.Random(seed), 0
    for _ in range(40):
        text = written(draw, draw.choice((2, 3, 3)))
        before = parse(text)
        after = in_choice_form(before)
        read = in_choice_form_of_remainders(before)
        forms = after, read, in_choice_form_again(after), in_choice_form_again(before)
        changed += after is not before
        symbols = free_symbols(before, *forms)
        for _ in range(20):
            values = {s: draw.randint(*draw.choice(((-4, 5), (-40, 40)))) for s in symbols}
            assert all(same_value(before, form, values) for form in forms), (text, values)
    assert changed > 10


def same_value(before: Expr, after: Expr, values: dict[Expr, int]) -> bool:
    try:
        expected = evaluate(before, values)
    except UndefinedError:
        return True
    return evaluate(after, values) == expected


def test_what_takes_long_is_left() -> None:
    sums = " + ".join(f"Max(x{i}, y{i}, z)" for i in range(40))
    claim = parse(f"Min({sums}, Max({sums}, z) + 1, x)//3 <= Max({sums}, x)//3")
    assert isinstance(claim, BoolExpr)
    try:
        with limited(400_000):
            by_choice_form(Facts(), claim)
    except ShapeproofError as error:
        raise AssertionError from error


def test_composed_claims_are_decided_as_z3_decides_them() -> None:
    assert METHODS["choice form"]
    for claim in claims(24, 77):
        assert (ours(claim)[0] == "ALWAYS") is (theirs(claim, 5)[0] == "ALWAYS"), claim


BESIDE_DOUBLES = (
    "x >> 5 != Where(Min(y, z) >= (y & x), -7.25, tan(Where(x <= y, 2.0, z)))",
    "Where(x//3 <= Max(y, z), 2.5, x) <= Where(y % 4 == 0, z, 1.5)",
    "Max(x, Where(y <= z, y, z))//2 != Where(x == 0, 0.5, Where(Max(x, y)//2 <= z, 1.5, x))",
    "Max(x//2, Min(y, z)) >= 3 or Where(Min(x, y)//2 == z, x, 0.5) == 0.5",
)


@pytest.mark.parametrize("text", BESIDE_DOUBLES)
@pytest.mark.parametrize("method", METHODS)
def test_choices_between_doubles_are_left_as_they_are(method: str, text: str) -> None:
    claim = parse(text)
    assert isinstance(claim, BoolExpr)
    facts = Facts().given(*(parse(f"0 <= {name} and {name} <= 3") for name in "xyz"))  # type: ignore[arg-type]
    for side in (claim, negation(claim)):
        proof = METHODS[method](facts, side)
        if proof is not None:
            for x, y, z in itertools.product(range(4), repeat=3):
                assert evaluate(side, {"x": x, "y": y, "z": z})
