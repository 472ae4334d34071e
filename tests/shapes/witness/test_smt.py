"""z3 as the last method: what it is told, and what it answers."""

from __future__ import annotations

import builtins
import threading
from typing import Any

import pytest
from hypothesis import given, settings

from shapes.expr.booleans import negation
from shapes.expr.nodes import Expr, make, symbol
from shapes.facts.store import Facts
from shapes.traversal.evaluate import evaluate
from shapes.witness.search import satisfies
from shapes.witness.smt import Question, Ready, is_available, script, solve
from tests.oracle import Tree, Undefined, assignments
from tests.shapes.facts.test_store import facts
from tests.strategies import FEW_INTEGERS, trees

x, y, z = (symbol(n) for n in "xyz")
p, t = symbol("p", "bool"), symbol("t", "float")
RLIMIT = 300_000
GRID = list(assignments(dict.fromkeys("xyz", (-3, -1, 0, 1, 2, 5))))


def asked(*conditions: Any, known: Facts | None = None, rlimit: int = RLIMIT) -> Any:
    return solve(Question(conditions), known or Facts(), rlimit)


@settings(max_examples=100)
@given(trees("bool", 3, FEW_INTEGERS))
def test_what_holds_somewhere_is_satisfiable(tree: Tree) -> None:
    """Every operator is translated truly, or not at all: no value may be excluded."""
    held = [v for v in GRID if tree.known(v) is True]
    if not held:
        return
    point = [make("Eq", symbol(n), value) for n, value in held[0].items()]
    answer = asked(tree.built(), *point)
    assert answer.status in ("sat", "unknown"), str(tree)


@settings(max_examples=60)
@given(trees("int", 2, FEW_INTEGERS))
def test_terms_have_the_value_of_the_expression(tree: Tree) -> None:
    """With all symbols fixed, z3 finds no other value than Python's."""
    expr = tree.built()
    for values in GRID[::41]:
        meant = tree.known(values)
        if meant is Undefined:
            continue
        point = [make("Eq", symbol(n), v) for n, v in values.items()]
        other = asked(make("Ne", expr, meant), *point)
        exact = "o!" not in script(Question((make("Ne", expr, meant),)), Facts())
        assert other.status == "unsat" or not exact, (str(tree), values)


@pytest.mark.parametrize("op", ["FloorDiv", "Mod", "TruncDiv", "TruncMod", "CeilDiv"])
@pytest.mark.parametrize("a", [-7, -6, 0, 5, 6])
@pytest.mark.parametrize("b", [-3, -1, 2, 3])
def test_divisions_with_all_signs(op: str, a: int, b: int) -> None:
    value = evaluate(make(op, a, b), {})
    fixed = [make("Eq", x, a), make("Eq", y, b)]
    assert asked(*fixed, make("Ne", make(op, x, y), value)).status == "unsat"
    assert asked(*fixed, make("Eq", make(op, x, y), value)).status == "sat"
    assert asked(fixed[0], make("Ne", make(op, x, b), value)).status == "unsat"


def test_a_division_by_zero_may_be_anything() -> None:
    """Nothing follows from what has no value."""
    for value in (-3, 0, 7):
        assert asked(make("Eq", y, 0), make("Eq", x // y, value)).status == "sat"
        assert asked(make("Eq", y, 0), make("Eq", x % y, value)).status == "sat"


@pytest.mark.parametrize("exponent", [1, 2, 16, 17, 40])
def test_powers_are_true_or_unknown(exponent: int) -> None:
    one = [make("Eq", x, 1), make("Eq", y, 3)]
    for e in (x**exponent, x**exponent * y, -(x**exponent) * y + 2, y * x**exponent * z):
        value = evaluate(e, {"x": 1, "y": 3, "z": 1})
        fixed = [*one, make("Eq", z, 1), make("Eq", e, value)]
        assert asked(*fixed).status == "sat"
    two = [make("Eq", x, 2), make("Eq", x**exponent * y, 2**exponent * 3)]
    assert asked(*two).status == "sat"


def test_what_it_does_not_know_is_within_its_range() -> None:
    known = facts("x >= 0", "x <= 7")
    answer = asked((x & y) >= 8, known=known)
    assert answer.status == "unsat"
    assert {f.spelled for f in answer.rested} == {"x >= 0", "x <= 7"}
    assert answer.core == frozenset()
    assert asked((x & y) >= 7, known=known).status == "sat"


def test_one_unknown_is_one_unknown() -> None:
    assert asked(make("Ne", x ^ y, y ^ x)).status == "unsat"
    assert asked((x ^ y) < (x | y), (x ^ y) > (x | y)).status == "unsat"


def test_floats_are_unknown() -> None:
    assert asked(t < t).status == "sat"
    assert asked(make("FloorToInt", t) >= 3, make("FloorToInt", t) <= 2).status == "unsat"
    assert asked(make("And", t < 1.0, make("Not", t < 1.0))).status in ("sat", "unsat")


def test_a_core_names_the_facts() -> None:
    named = (("a", x >= 3), ("b", y >= 0), ("c", x <= 2))
    answer = solve(Question((make("Ne", z, 0),), named), Facts(), RLIMIT)
    assert answer.status == "unsat"
    assert answer.core == {"a", "c"}


def test_a_model_gives_every_symbol_a_value() -> None:
    conditions = (make("Eq", x * x, 49), x < 0, make("Or", p, y > 3))
    answer = asked(*conditions)
    assert answer.status == "sat"
    assert satisfies(answer.model, conditions)
    assert set(answer.model) == {x, y, p}


def test_the_budget_is_steps() -> None:
    hard = make("Eq", x**3 + y**3 + z**3, 33)
    answer = asked(hard, rlimit=100)
    assert answer.status == "unknown"
    assert "100 z3 steps" in answer.reason
    again = asked(hard, rlimit=100)
    assert again == answer


def test_what_was_asked_before_does_not_matter() -> None:
    """The kept solver forgets: the same question gets the same answer."""
    conditions = (make("Eq", 3 * x + 5 * y, 17), x > y, make("Eq", x % 4, 1))
    first = asked(*conditions)
    for i in range(20):
        asked(make("Eq", x * i, y + 1), x > i)
        asked(x * y > i, x < 0, y > 0)
    assert asked(*conditions).status == first.status == "sat"


def ready(known: Facts) -> tuple[Ready, tuple[tuple[str, Any], ...]]:
    """The facts in a solver of their own, and their names there."""
    stated = tuple((f"f!{i}", fact.claim) for i, fact in enumerate(known))
    return Ready(known, stated), stated


@settings(max_examples=60)
@given(trees("bool", 3, FEW_INTEGERS))
def test_facts_that_are_ready_get_the_same_answers(tree: Tree) -> None:
    known = facts(
        "x >= -3", "x <= 5", "y >= -3", "y <= 5", "x//3 + y <= 4", "(x + y) % 4 == 1"
    )
    kept, stated = ready(known)
    claim = tree.built()
    for condition in (claim, negation(claim), make("And", claim, x < y)):
        answer = kept.solve(condition, known, RLIMIT)
        fresh = solve(Question((condition,), stated), known, RLIMIT)
        if "unknown" not in (answer.status, fresh.status):
            assert answer.status == fresh.status, str(tree)
        held = [v for v in GRID if tree.known(v) is (condition is not negation(claim))]
        if answer.status == "unsat" and condition in (claim, negation(claim)):
            for values in held:
                point = {symbol(n): v for n, v in values.items()}
                assert not satisfies(point, [claim for _, claim in stated])


def test_a_question_leaves_facts_that_are_ready_as_they_were() -> None:
    """Quotients, unknowns and ranges of one question mean nothing to the next."""
    known = facts("x >= 0", "x <= 40", "x % 4 == 3", "y == x // 7")
    kept, _ = ready(known)
    for _ in range(2):
        assert kept.solve(make("Eq", x // 5, 9), known, RLIMIT).status == "unsat"
        assert kept.solve(make("Eq", (x + z) // 3, 2), known, RLIMIT).status == "sat"
        assert kept.solve(make("Eq", (x * z) // 3, 2), known, RLIMIT).status != "unsat"
        found = kept.solve(make("Eq", z // 5, 2), known, RLIMIT)
        assert found.status == "sat"
        assert 10 <= found.model[z] <= 14
        assert satisfies(found.model, [fact.claim for fact in known])


def test_ranges_in_the_core_of_ready_facts_are_told_by_their_facts() -> None:
    known = facts("x >= 2", "y >= 3", "z >= 1")
    kept, _ = ready(known)
    answer = kept.solve(x + y <= 4, known, RLIMIT)
    assert answer.status == "unsat"
    assert not any(name.startswith("r!") for name in answer.core)
    used = {fact.claim for fact in answer.rested}
    used |= {claim for name, claim in kept.stated if name in answer.core}
    assert used == {x >= 2, y >= 3}


def test_contradictory_facts_that_are_ready_imply_anything() -> None:
    known = facts("x < y", "y < z", "z < x")
    kept, stated = ready(known)
    for condition in (x > 3, x <= 3, y // 2 < z):
        fresh = solve(Question((condition,), stated), known, RLIMIT)
        assert kept.solve(condition, known, RLIMIT).status in (fresh.status, "unknown")


def test_the_script_is_text_for_any_solver() -> None:
    named = (("f0", x >= 1),)
    text = script(Question((negation(x // 8 * 8 <= x),), named), facts("x >= 1"))
    assert text.endswith("(check-sat-assuming (f0))\n(get-model)\n")
    assert "|x:int|" in text
    assert "; x >= 1" in text
    assert text == script(Question((negation(x // 8 * 8 <= x),), named), facts("x >= 1"))


def test_shared_parts_are_written_once() -> None:
    e: Expr = x
    for i in range(60):
        e = make("Max", e * 2 + y, e // 3 + i)
    text = script(Question((e >= 0,)), Facts())
    assert len(text) < 100_000


@pytest.mark.parametrize(("n", "translated"), [(300, True), (301, False)])
def test_long_sums_with_products_are_unknowns(n: int, translated: bool) -> None:
    """z3 counts few steps while it reasons about them; linear ones are translated."""
    total = symbol("a") * symbol("b") + sum((symbol(f"s{i}") for i in range(n - 1)), start=0)
    text = script(Question((total >= 0,)), Facts())
    assert ("o!" not in text) is translated
    linear = sum((symbol(f"s{i}") for i in range(2 * n)), start=0)
    assert isinstance(linear, Expr)
    assert "o!" not in script(Question((linear >= 0,)), Facts())


def test_deep_questions_are_translated() -> None:
    e: Expr = x
    for i in range(3000):
        e = make("Max", e + y, i)
    assert asked(e < -1, rlimit=1000).status in ("unsat", "unknown")


def test_whatever_z3_raises_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    import z3

    def broken(*arguments: Any, **named: Any) -> None:
        raise z3.Z3Exception("out of order")

    monkeypatch.setattr(z3, "parse_smt2_string", broken)
    monkeypatch.setattr(z3.Solver, "from_string", broken)
    answer = asked(x > 1)
    assert answer.status == "unknown"
    assert "out of order" in answer.reason


def test_without_z3_everything_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "z3" or name.startswith("z3."):
            raise ImportError("no z3 here")
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    assert not is_available()
    answer = asked(x > 1)
    assert answer.status == "unknown"
    assert "no z3 here" in answer.reason


def test_threads_take_turns() -> None:
    answers: list[str] = []

    def ask(index: int) -> None:
        answers.append(asked(make("Eq", x * x, index * index), x > 0).status)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == ["sat"] * 5
