"""Questions against many facts: the same answers as without what is kept, and checked."""

from __future__ import annotations

import gc
import random
import weakref
from itertools import pairwise, product

import pytest

from shapes import IntExpr, make, symbol
from shapes.arith.branch_and_bound import LinearSystem, prepared_system
from shapes.arith.certificate import Split
from shapes.arith.checker import check
from shapes.expr.booleans import conjunction, negation
from shapes.expr.nodes import BoolExpr
from shapes.facts.store import Facts
from shapes.facts.verdict import Status
from shapes.prove.ladder import EFFORTS, Effort, decide, entails, prove
from shapes.prove.solving import MANY
from shapes.witness.search import models_of, satisfies

NAMES = tuple(symbol(f"body_{name}") for name in "abcdef")
A, B, C, D, E, F = NAMES
TOP = 3
FREE, OTHER = symbol("body_free"), symbol("body_other")


def le(a: IntExpr | int, b: IntExpr | int) -> BoolExpr:
    return make("Le", a, b)  # type: ignore[return-value]


def boxed(names: tuple[IntExpr, ...] = NAMES) -> list[BoolExpr]:
    return [p for x in names for p in (le(0, x), le(x, TOP))]


def drawn(rng: random.Random) -> BoolExpr:
    """A relation of a kind that facts and questions have."""
    x, y, z = rng.sample(NAMES, 3)
    p, q, r = (rng.randrange(1, 5) for _ in range(3))
    kind = rng.randrange(5)
    if kind == 0:
        return le(x // (q + 1) + y, rng.randrange(1, 6))
    if kind == 1:
        return make("Eq", x % (p + 1), rng.randrange(p + 1))  # type: ignore[return-value]
    if kind == 2:
        return make("Eq", p * x + q * y, rng.randrange(12) + r * z)  # type: ignore[return-value]
    if kind == 3:
        return make("Ne", x + p, q * y)  # type: ignore[return-value]
    return le(p * x + q * y, r * z + rng.randrange(14))


def many(rng: random.Random) -> list[BoolExpr]:
    """Facts about all of the symbols that hold at a point."""
    point = {x: rng.randrange(TOP + 1) for x in NAMES}
    claims = boxed()
    while len(claims) < MANY + 6:
        claim = drawn(rng)
        if satisfies(point, [claim]):
            claims.append(claim)
    return claims


def truths(claims: list[BoolExpr], claim: BoolExpr) -> set[bool]:
    """What becomes of a claim wherever the facts hold."""
    found: set[bool] = set()
    for values in product(range(TOP + 1), repeat=len(NAMES)):
        point = dict(zip(NAMES, values))
        if satisfies(point, claims):
            found.add(satisfies(point, [claim]))
    return found


def made(facts: Facts, claim: BoolExpr) -> LinearSystem:
    known = prepared_system(facts, claim, MANY)
    assert known is not None
    return known


@pytest.mark.parametrize("seed", range(12))
def test_answers_are_those_of_brute_force(seed: int) -> None:
    rng = random.Random(seed)
    claims = many(rng)
    facts = Facts().given(*claims)
    for _ in range(8):
        claim = drawn(rng)
        stated = [fact.claim for fact in facts.connected(claim)]
        verdict = prove(facts, claim)
        expected = {
            frozenset((True,)): Status.ALWAYS,
            frozenset((False,)): Status.NEVER,
            frozenset((True, False)): Status.DEPENDS,
        }[frozenset(truths(claims, claim))]
        assert verdict.status is expected, (seed, str(claim))
        if verdict.proof is not None and verdict.proof.certificate is not None:
            told = claim if verdict.status is Status.ALWAYS else negation(claim)
            check(verdict.proof.certificate, verdict.proof.facts, told)  # type: ignore[arg-type]
        for values, truth in ((verdict.counterexample, False), (verdict.witness, True)):
            if values is not None:
                point = {x: values[x.name] for x in NAMES if x.name in values}
                assert satisfies(point, [claim]) is truth
                assert satisfies(point, stated)
        assert (entails(facts, claim) is not None) == (expected is Status.ALWAYS)


@pytest.mark.parametrize("seed", range(12))
def test_what_a_body_answers_is_true_by_itself(seed: int) -> None:
    """Values satisfy, refutations are certificates that hold without the body; what a body
    leaves open is what the ranges settle, so that a question has no rows left."""
    rng = random.Random(100 + seed)
    claims = many(rng)
    facts = Facts().given(*claims)
    known = made(facts, le(A + B + C + D + E, F))
    for _ in range(12):
        claim = drawn(rng)
        outcome = known.ask(facts, negation(claim), 150)
        if outcome.values is not None:
            assert satisfies(outcome.values, [negation(claim), *claims])
        proof = outcome.proof(facts, claim)
        if proof is None and outcome.values is None:
            assert decide(facts, claim) is not None
        if proof is not None:
            assert outcome.values is None
            assert truths(claims, claim) == {True}
            check(proof.certificate, proof.facts, claim)  # type: ignore[arg-type]
            assert all(fact in list(facts) for fact in proof.facts)


def test_the_order_of_questions_changes_no_status() -> None:
    rng = random.Random(7)
    claims = many(rng)
    questions = [drawn(rng) for _ in range(20)]
    alone = [prove(Facts().given(*claims), q).status for q in questions]
    for order in (questions, questions[::-1], questions[7:] + questions[:7]):
        facts = Facts().given(*claims)
        answers = {q: prove(facts, q).status for q in order}
        assert [answers[q] for q in questions] == alone


def test_the_same_questions_get_the_same_values() -> None:
    rng = random.Random(8)
    claims = many(rng)
    questions = [drawn(rng) for _ in range(12)]

    def told() -> list[dict[str, object]]:
        facts = Facts().given(*claims)
        return [dict(prove(facts, q).counterexample or {}) for q in questions]

    assert told() == told()


def halves() -> list[BoolExpr]:
    """Many facts that leave much room."""
    ring = list(pairwise([*NAMES, A]))
    sums = [le(x + y, TOP + i % 2) for i, (x, y) in enumerate(ring)]
    return [*boxed(), *sums, *(le(x, y + TOP) for x, y in ring)]


def test_what_only_integers_exclude_is_split_into_cases() -> None:
    """``3*a + 5*b == 7`` has rational points at which both are at least 0, and no integer
    one; nor do a and b solve it as long as c, which is even, is in it."""
    facts = Facts().given(*halves(), le(3 * A + 5 * B, C + 7), le(C + 7, 3 * A + 5 * B))
    claim = le(1, C)
    outcome = made(facts, claim).ask(facts, negation(claim), 150)
    assert outcome.values is None
    proof = outcome.proof(facts, claim)
    assert proof is not None
    assert proof.method == "cases"
    assert isinstance(proof.certificate, Split)
    check(proof.certificate, proof.facts, claim)
    assert prove(facts, claim).status is Status.ALWAYS


def test_values_that_are_excluded_are_avoided_or_split() -> None:
    """``e != 0`` is no row: where a point meets it, e is below or above."""
    apart = [make("Ne", A + B, k + 0 * C) for k in (0, 1, 2)]
    facts = Facts().given(*halves(), *apart)  # type: ignore[arg-type]
    known = made(facts, le(A, B))
    outcome = known.ask(facts, le(C, 1), 150)
    assert outcome.values is not None
    assert outcome.values[A] + outcome.values[B] == TOP  # type: ignore[operator]
    claim = le(2 * TOP, 2 * A + 2 * B + C)
    proof = known.ask(facts, negation(claim), 150).proof(facts, claim)
    assert proof is not None
    check(proof.certificate, proof.facts, claim)  # type: ignore[arg-type]


def test_few_facts_have_no_body() -> None:
    facts = Facts().given(le(0, A), le(A, B))
    assert prepared_system(facts, le(A, B + 1), MANY) is None


def test_it_is_made_once() -> None:
    facts = Facts().given(*halves())
    known = made(facts, le(A + B + C, 5))
    assert prepared_system(facts, le(D, E), MANY) is known


@pytest.mark.parametrize("prepare", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_earlier_questions_choose_no_method(seed: int, prepare: bool) -> None:
    """The proof of a claim is the same whatever was asked before of the same facts."""
    rng = random.Random(60 + seed)
    claims = many(rng)
    questions = [drawn(rng) for _ in range(10)]

    def proofs(facts: Facts, claim: BoolExpr) -> list[str]:
        verdict = prove(facts, claim, prepare=prepare)
        proof = entails(facts, claim, prepare=prepare)
        found = [verdict.proof, proof]
        return [str(verdict.status), *(f"{p.method}: {p.facts}" for p in found if p)]

    alone = [proofs(Facts().given(*claims), q) for q in questions]
    facts = Facts().given(*claims)
    for claim in reversed(questions):
        proofs(facts, claim)
    assert [proofs(facts, q) for q in questions] == alone


def test_small_bodies_beside_it_take_part() -> None:
    """A symbol of its own, one with facts of its own, and a new atom."""
    facts = Facts().given(*halves(), le(2, OTHER), le(OTHER, 4))
    assert prove(facts, le(A + B, OTHER + 3)).status is Status.ALWAYS
    assert prove(facts, le(A + B + 2, OTHER + C)).status is Status.DEPENDS
    verdict = prove(facts, le(A + B, FREE))
    assert verdict.status is Status.DEPENDS
    assert verdict.counterexample is not None
    made(facts, le(A, B))
    assert prove(facts, le((A + B) // 2, A)).status is Status.DEPENDS
    assert prove(facts, le((A + B) // 7, 0)).status is Status.ALWAYS
    outcome = made(facts, le(A, B)).ask(facts, le(1, (A + B) // 7), 150)
    assert outcome.values is None


def test_what_is_kept_does_not_depend_on_the_first_question() -> None:
    claims = [*halves(), le(2, OTHER), le(OTHER, 4)]
    questions = [le(A + B, C), le(A + B + 2, OTHER + C), le(A + C, OTHER + 1)]
    told = []
    for first in questions:
        facts = Facts().given(*claims)
        made(facts, first)
        answers = [prove(facts, q) for q in questions]
        told.append([(v.status, dict(v.counterexample or {}).keys()) for v in answers])
    assert told[0] == told[1] == told[2]


def test_equalities_are_proved_from_both_sides() -> None:
    """Each side by itself, where no bound of the difference closes it."""
    facts = Facts().given(*halves(), le(3 * A + 5 * B, C + 7), le(C + 7, 3 * A + 5 * B + D))
    facts = facts.given(le(C + D, E), le(E, F), le(F, C + D))
    claim: BoolExpr = make("Eq", C + D, F)  # type: ignore[assignment]
    outcome = made(facts, claim).ask(facts, negation(claim), 150)
    proof = outcome.proof(facts, claim)
    assert proof is not None
    check(proof.certificate, proof.facts, claim)  # type: ignore[arg-type]
    assert truths([fact.claim for fact in facts], claim) == {True}


def test_conditions_that_are_no_relations_are_left_to_others() -> None:
    facts = Facts().given(*halves())
    known = made(facts, le(A, B))
    either = negation(conjunction(le(A, 1), le(B, 1)))
    outcome = known.ask(facts, either, 150)
    assert outcome.values is None
    assert outcome.refutation is None
    assert prove(facts, either).status is Status.DEPENDS


def test_facts_that_rows_say_nothing_about_are_evaluated() -> None:
    """A point of the rows that breaks such a fact is not an answer."""
    product_of_two = le(A * B, 0)
    facts = Facts().given(*halves(), product_of_two)
    known = made(facts, le(A, B))
    for low in range(TOP + 1):
        condition = conjunction(le(low, A), le(1, B))
        values = known.ask(facts, condition, 150).values
        assert values is None or satisfies(values, [condition, product_of_two])
    assert prove(facts, conjunction(le(1, A), le(1, B))).status is Status.NEVER


def test_equalities_without_unit_coefficients() -> None:
    facts = Facts().given(
        *halves(),
        make("Eq", 2 * A + 3 * B, 6 + 0 * C),  # type: ignore[arg-type]
        make("Eq", 4 * C + 6 * D + 3 * E, 12 + 0 * C),  # type: ignore[arg-type]
    )
    claims = [fact.claim for fact in facts]
    for claim in (le(A, 0), le(1, B), le(C + D, 2), le(A + B, 2), le(3 * D, 2 * E + 9)):
        found = truths(claims, claim)
        verdict = prove(facts, claim)
        assert (verdict.status is Status.ALWAYS) == (found == {True})
        assert (verdict.status is Status.DEPENDS) == (found == {True, False})


def test_contradictory_facts_are_not_believed() -> None:
    claims = [*halves(), le(5 * A + 7 * B, 3 * C + 1), le(3 * C + 2, 5 * A + 7 * B)]
    try:
        facts = Facts().given(*claims)
        prove(facts, le(A + D, E + 1))
    except Exception as error:
        assert type(error).__name__ == "ContradictionError"
    else:
        pytest.fail("the contradiction went unnoticed")


def test_nothing_outlives_the_facts() -> None:
    facts = Facts().given(*halves())
    known = weakref.ref(made(facts, le(A, B)))
    assert prove(facts, le(A + B + C, 5)).status is Status.DEPENDS
    del facts
    gc.collect()
    assert known() is None


def test_models_are_bounded_and_evaluated_again() -> None:
    facts = Facts().given(*halves())
    wrong = dict.fromkeys(NAMES, TOP)
    models_of(facts).append(dict(wrong))
    claim = le(A + B, TOP + 5)  # the wrong values are not even needed to break it
    assert prove(facts, claim).status is Status.ALWAYS
    broken = prove(facts, le(A + B, TOP - 1))
    assert broken.counterexample is not None
    assert dict(broken.counterexample) != {x.name: TOP for x in NAMES}
    for bound in range(80):
        prove(facts, le((bound % 7) * A + (bound % 5) * B + C, bound % 9 + D))
    assert len(models_of(facts)) <= 32


def test_without_a_search_nothing_is_made() -> None:
    facts = Facts().given(*halves())
    effort = Effort(EFFORTS["default"].methods, search=0, rlimit=EFFORTS["default"].rlimit)
    assert entails(facts, le(A + B + C, 5), effort) is None
    assert entails(facts, le(A + B + C + D, 2 * TOP + 1), effort) is not None
