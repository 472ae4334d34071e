"""Facts: an immutable value that learns, and knows what it rests on."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from shapes.base.infinity import int_oo
from shapes.base.location import Location
from shapes.domains import Congruence, ValueRanges
from shapes.errors import ContradictionError
from shapes.expr.booleans import conjunction
from shapes.expr.nodes import TRUE, BoolExpr, make, symbol
from shapes.facts.bounds import bounds, congruence
from shapes.facts.store import Fact, Facts
from shapes.traversal.evaluate import evaluate
from shapes.traversal.parsing import parse
from tests.fuzz import stated
from tests.oracle import Undefined, models, reached
from tests.strategies import FEW, Question, questions

a, b, c, d = (symbol(f"input{i}") for i in range(4))  # older than the following
x, y, z, u = (symbol(n) for n in ("x", "y", "z", "u"))
p = symbol("p", "bool")


def fact(text: str, **options: Any) -> Fact:
    claim = parse(text, lambda n: symbol(n, "bool" if n in "pqr" else "int"))
    assert isinstance(claim, BoolExpr)
    return Fact(claim, text=text, **options)


def facts(*texts: str) -> Facts:
    return Facts().given(*map(fact, texts))


# ---- ranges, congruences and equalities, against enumeration ----


@given(questions())
def test_ranges_under_facts_exclude_no_reached_value(question: Question) -> None:
    known = models(question.facts, question.domains)
    if not known:
        return
    learned = stated(question)
    for tree in question.claim.nodes():
        expr = tree.built()
        found = bounds(learned, expr)
        for value in reached(tree, known):
            assert value in found, (str(question), str(tree))
            if expr.kind == "int":
                assert congruence(learned, expr).admits(value)  # type: ignore[arg-type]


@given(questions(FEW))
def test_facts_that_hold_for_something_are_not_called_contradictory(
    question: Question,
) -> None:
    known = models(question.facts, question.domains)
    try:
        stated(question)
    except ContradictionError:
        assert not known, str(question)


@given(questions())
def test_solved_equalities_keep_every_value(question: Question) -> None:
    known = models(question.facts, question.domains)
    if not known:
        return
    learned = stated(question)
    for tree in (question.claim, *question.facts):
        normal, why = learned.normalized(tree.built())
        assert why <= set(learned)
        for values in known:
            meant = tree.known(values)
            if meant is not Undefined:
                assert evaluate(normal, values) == meant, str(question)


@given(questions())
def test_culprits_contradict_each_other_and_none_is_superfluous(question: Question) -> None:
    try:
        stated(question)
    except ContradictionError as error:
        culprits = error.culprits
    else:
        return
    assert culprits
    with pytest.raises(ContradictionError):
        Facts().given(*culprits)
    for left_out in culprits:
        # What is left may only be contradictory if it is not seen.
        Facts().given(*[f for f in culprits if f is not left_out])
    trees = {str(tree): tree for tree in question.facts}
    blamed = [trees[f.spelled] for f in culprits]
    assert not models(blamed, question.domains), str(question)


# ---- facts are a value ----


def _state(known: Facts) -> Any:
    ranges = [known.knowledge(e) for e in (x, y, z, u, x - y)]  # type: ignore[arg-type]
    return ranges, list(known), [known.normalized(e) for e in (x, y, z, u)], len(known)


@given(questions())
def test_learning_and_asking_leave_old_facts_as_they_were(question: Question) -> None:
    old = facts("x <= 7", "y == x + 2", "z % 4 == 1", "x != 3", "u <= z or p")
    before = _state(old)
    for tree in (*question.facts, question.claim):
        expr, defined = tree.spelled()
        try:
            new = old.given(Fact(conjunction(defined, expr)))
            bounds(new, expr)
        except ContradictionError:
            pass
        bounds(old, expr)
    assert _state(old) == before


def test_statements_are_iterated_in_their_order() -> None:
    stated_ = [fact("x <= 3"), fact("y <= x"), fact("x >= 0")]
    known = Facts().given(*stated_)
    assert list(known) == stated_
    assert len(known) == 3
    assert len(Facts()) == 0


def test_a_plain_claim_is_a_fact_given_with_the_question() -> None:
    (only,) = Facts().given(x <= 3)
    assert only.origin == "given"
    assert only.spelled == "x <= 3"


# ---- directions ----


def test_a_bound_answers_for_every_multiple() -> None:
    known = facts("2 * x - 4 * y <= 6")
    assert known.range_of(x - 2 * y) == (-int_oo, 3)  # type: ignore[arg-type]
    assert known.range_of(4 * y - 2 * x + 1) == (-5, int_oo)  # type: ignore[arg-type]
    assert bounds(known, 6 * y - 3 * x) == ValueRanges(-9, int_oo)
    assert bounds(known, x - 2 * y + 10).upper == 13


def test_bounds_are_rounded_by_congruences() -> None:
    known = facts("x % 8 == 3", "x >= 5", "x <= 40")
    assert bounds(known, x) == ValueRanges(11, 35)
    assert congruence(known, x) == Congruence(8, 3)  # type: ignore[arg-type]
    assert congruence(known, 3 * x + 1) == Congruence(24, 10)  # type: ignore[arg-type]


def test_congruences_meet() -> None:
    known = facts("x % 4 == 2", "x % 6 == 4")
    assert congruence(known, x) == Congruence(12, 10)  # type: ignore[arg-type]
    with pytest.raises(ContradictionError) as caught:
        known.given(fact("x % 3 == 2"))
    # x % 6 == 4 alone says that x % 3 is 1
    assert [f.spelled for f in caught.value.culprits] == ["x % 6 == 4", "x % 3 == 2"]


def test_excluded_ends_move() -> None:
    known = facts("x >= 0", "x <= 9", "x != 0", "x != 9")
    assert bounds(known, x) == ValueRanges(1, 8)


@pytest.mark.parametrize(
    ("stated_", "asked", "lower", "upper"),
    [
        (["x + y <= 10", "x >= 3", "y >= 2"], "x", 3, 8),
        (["2 * x + 3 * y == 12", "x >= 0", "y >= 0"], "y", 0, 4),
        (["x // 4 <= 2"], "x", -int_oo, 11),
        (["x // 4 >= 2", "x // 4 <= 5"], "x", 8, 23),
        (["Max(x, y) <= 5"], "x", -int_oo, 5),
        (["Min(x, y) >= 5"], "y", 5, int_oo),
        (["x <= y", "y <= z", "z <= 4"], "x", -int_oo, 4),
        (["x == 2 * y", "y >= 3"], "x", 6, int_oo),
        (["y >= 3", "x == 2 * y"], "x", 6, int_oo),
        (["x == 5"], "2 * x + 1", 11, 11),
        (["x >= 1 and x <= 4"], "x", 1, 4),
        (["not (x < 1 or x > 4)"], "x", 1, 4),
    ],
)
def test_ranges_are_spread(stated_: list[str], asked: str, lower: Any, upper: Any) -> None:
    found = bounds(facts(*stated_), parse(asked))
    assert (found.lower, found.upper) == (lower, upper)


def test_inputs_stay_and_younger_symbols_are_replaced() -> None:
    known = facts("u == 2 * input0 + 1")
    assert known.normalized(u)[0] is 2 * a + 1
    assert known.normalized(a)[0] is a
    known = facts("input0 == u - 3")
    assert known.normalized(u)[0] is a + 3


def test_equalities_chain() -> None:
    known = facts("x == y + 1", "y == z + 1", "z == 2 * u")
    normal, why = known.normalized(x)
    assert {s.name for s in normal.args} < {"x", "y", "z", "u"} or normal.is_symbol
    assert len(why) >= 1
    assert known.normalized(x - z)[0] is make("Add", 2, 0)


def test_a_symbol_inside_its_own_value_is_not_solved() -> None:
    known = facts("x == Max(x, y) + z")
    assert known.normalized(x)[0] is x or x not in known.normalized(x)[0].args
    known = facts("x == x // 2 + 3", "x >= 0", "x <= 20")
    assert bounds(known, x).lower >= 0


def test_conditions_are_solved_too() -> None:
    known = facts("p", "not q")
    assert known.normalized(p)[0] is TRUE
    with pytest.raises(ContradictionError):
        known.given(fact("q"))
    with pytest.raises(ContradictionError):
        known.given(fact("not p"))


def test_a_condition_that_decides_a_choice_states_it() -> None:
    known = facts("Where(p, x, y) <= 3", "p")
    assert bounds(known, make("Where", p, x, y)).upper == 3
    assert bounds(known, x).upper == 3


# ---- contradictions name their culprits ----


@pytest.mark.parametrize(
    ("stated_", "culprits"),
    [
        (["x >= 1", "y >= 0", "x <= 0"], ["x >= 1", "x <= 0"]),
        (["z == 3", "x <= y", "y < x"], ["x <= y", "y < x"]),
        (["x <= y", "y <= z", "p", "z <= 3", "x >= 4"],
         ["x <= y", "y <= z", "z <= 3", "x >= 4"]),
        (["x % 2 == 0", "y >= 0", "x % 4 == 1"], ["x % 2 == 0", "x % 4 == 1"]),
        (["x == 2 * y", "z >= 1", "x == 7"], ["x == 2 * y", "x == 7"]),
        (["x == 3", "x != 3"], ["x == 3", "x != 3"]),
        (["p or x > 3", "not (p or x > 3)"], ["p or x > 3", "not (p or x > 3)"]),
        (["1 > 2"], ["1 > 2"]),
        (["x >= 0", "Max(x, y) < 0"], ["x >= 0", "Max(x, y) < 0"]),
    ],
)  # fmt: skip
def test_culprits(stated_: list[str], culprits: list[str]) -> None:
    known = facts(*stated_[:-1])
    with pytest.raises(ContradictionError) as caught:
        known.given(fact(stated_[-1]))
    assert {f.spelled for f in caught.value.culprits} == set(culprits)
    assert all(text in str(caught.value) for text in culprits)


def test_what_can_never_hold_says_so() -> None:
    with pytest.raises(ContradictionError, match="this can never hold"):
        facts("x < x")


# ---- provenance ----


def test_a_fact_tells_whence_it_comes() -> None:
    here = Location("model.py", 7, "forward")
    assert fact("x >= 0", origin="declared").provenance == "declared range"
    assert fact("x >= 0", origin="operation", operation="nonzero").provenance == (
        "guaranteed by nonzero"
    )
    located = fact("x >= 0", origin="check", location=here)
    assert located.provenance == "checked (model.py:7 in forward)"
    assert str(located) == "x >= 0  [checked (model.py:7 in forward)]"
    assert Fact(x >= 0).spelled == "x >= 0"


def test_facts_are_told_apart_by_identity() -> None:
    one, two = fact("x >= 0"), fact("x >= 0")
    assert one != two
    assert len({one, two}) == 2


def test_only_connected_facts_are_found() -> None:
    known = facts("x <= y", "z >= 3", "y <= 7", "u != 2", "p or u > 3")
    found = [f.spelled for f in known.connected(x >= 0)]
    assert found == ["x <= y", "y <= 7"]
    assert [f.spelled for f in known.connected(p)] == ["u != 2", "p or u > 3"]
    assert known.connected(parse("w > 0")) == []


def test_what_was_stated_is_found_in_its_normal_form() -> None:
    known = facts("2 * x < 2 * y")
    assert known.holds(parse("y > x")) is not None
    assert known.holds(parse("y >= x")) is None


@pytest.mark.parametrize("count", [200])
def test_stating_many_facts_costs_little_each(count: int) -> None:
    from tests.shapes.expr.test_nodes import grows_linearly

    def chain(n: int) -> Facts:
        known = Facts()
        for i in range(n):
            known = known.given(symbol(f"n{i}") >= i, symbol(f"m{i}") <= symbol(f"n{i}"))
        return known

    grows_linearly(chain, count)
