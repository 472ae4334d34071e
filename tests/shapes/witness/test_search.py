"""The search for small values: whatever it returns satisfies everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from shapes.errors import ContradictionError
from shapes.expr.booleans import conjunction
from shapes.expr.nodes import make, symbol
from shapes.facts.store import Facts
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse
from shapes.witness.search import Search, satisfies, search
from tests.fuzz import stated
from tests.oracle import models
from tests.shapes.facts.test_store import facts
from tests.strategies import FEW, Question, questions

x, y, z = (symbol(n) for n in "xyz")


@given(questions())
def test_what_is_found_satisfies_facts_and_conditions(question: Question) -> None:
    try:
        learned = stated(question)
        claim = conjunction(*question.claim.spelled())
        found = search(learned, [claim], {}, 100)
    except ContradictionError:
        return
    if found is None:
        return
    assert evaluate(claim, found) is True
    for fact in learned.connected(claim):
        assert evaluate(fact.claim, found) is True
    assert set(free_symbols(claim)) <= set(found)


@given(questions(FEW))
def test_floats_and_conditions_are_searched_too(question: Question) -> None:
    try:
        learned = stated(question)
        claim = conjunction(*question.claim.spelled())
        sought = Search(learned, claim, {})
        sought.run(60)
    except ContradictionError:
        return
    for found, truth in ((sought.satisfied, True), (sought.broken, False)):
        if found is not None:
            assert evaluate(claim, found) is truth
            assert satisfies(found, [f.claim for f in learned.connected(claim)])


@given(questions())
def test_small_domains_are_searched_through(question: Question) -> None:
    """With three bounded symbols and a large budget, what is there is found."""
    if not question.bounded or len(question.domains) > 3:
        return
    sizes = [len(d) for d in question.domains.values()]
    if any(size > 4 for size in sizes):
        return
    try:
        learned = stated(question)
        claim = conjunction(*question.claim.spelled())
        found = search(learned, [claim], {}, 5000)
    except ContradictionError:
        return
    there = [v for v in models(question.facts, question.domains)
             if question.claim.known(v) is True]  # fmt: skip
    if there:
        assert found is not None, str(question)


@pytest.mark.parametrize(
    ("stated_", "wanted"),
    [
        ([], "x > y"),
        (["x >= 100", "x <= 110"], "x % 7 == 3"),
        (["x % 64 == 17", "x >= 1000"], "x > y"),
        (["x == 2 * y + 1", "y >= 5"], "x > z"),
        (["x <= -5"], "x * x > 30"),
        ([], "x == 123456789"),
        ([], "x > 2**40"),
        (["x >= 2**63"], "x != 2**63"),
        (["x >= -10", "x <= -1"], "x // 3 == -2"),
    ],
)
def test_typical_values_are_found(stated_: list[str], wanted: str) -> None:
    claim: Any = parse(wanted)
    found = search(facts(*stated_), [claim], {}, 300)
    assert found is not None
    assert evaluate(claim, found) is True


def test_the_budget_is_kept_and_a_search_goes_on() -> None:
    claim: Any = make("Eq", x * y, 35)
    sought = Search(facts("x >= 0", "y >= 0"), claim, {})
    sought.run(3)
    assert sought.broken is not None
    assert sought.satisfied is None
    sought.run(300)
    assert sought.satisfied is not None
    assert search(Facts(), [claim], {}, 0) is None


def test_hints_are_tried() -> None:
    claim: Any = parse("x // 1009 % 1013 == 500 and x % 97 == 7")
    hint = next(v for v in range(504_500, 505_509) if v % 97 == 7)
    assert search(facts("x >= 1000"), [claim], {}, 50) is None
    assert search(facts("x >= 1000"), [claim], {x: hint}, 50) == {x: hint}


def test_conditions_without_a_value_are_not_satisfied() -> None:
    assert not satisfies({x: 1, y: 0}, [make("Eq", x // y, 0)])
    assert satisfies({x: 1, y: 0}, [parse("y == 0 or x // y == 0")])


def test_solved_symbols_get_their_value() -> None:
    found = search(facts("y == 3 * x + 1", "z == y - x"), [y >= 10], {}, 50)
    assert found is not None
    assert found[y] == 3 * found[x] + 1  # type: ignore[operator]
    assert found[z] == found[y] - found[x]  # type: ignore[operator]


def test_searching_is_deterministic() -> None:
    names = [symbol(f"n{i}") for i in range(6)]
    total: Any = sum(names[1:], names[0])
    known = Facts().given(*[n >= 0 for n in names])
    claim = make("Eq", total % 17, 5)
    assert search(known, [claim], {}, 400) == search(known, [claim], {}, 400)  # type: ignore[list-item]
