"""The checker takes what is proved, and nothing that was tampered with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from shapes.arith.certificate import (
    Certificate,
    CertificateError,
    Combination,
    Definition,
    Denial,
    Lemma,
    Linear,
    Parameter,
    Parts,
    Premise,
    Refutation,
    Rests,
    Split,
    Squeeze,
    Step,
    Strict,
)
from shapes.arith.checker import _RULES, check
from shapes.arith.system import linear
from shapes.env import ShapeEnv
from shapes.errors import ShapeproofError
from shapes.expr.linear import eq_zero, le_zero, shift
from shapes.expr.nodes import FALSE, TRUE, BoolExpr, side_of, symbol
from shapes.facts.store import Fact
from shapes.prove.case_split import cases
from shapes.prove.ladder import METHODS, Effort, entails
from shapes.traversal.parsing import parse
from tests.shapes.reasoning_help import Question, question

LINEAR = [
    ("u - 3*b <= 64", ["u <= 4*b", "b <= 64"]),
    ("x >= 3", ["2*x == 3*y", "y >= 1"]),
    ("x % 6 == 0", ["x % 2 == 0", "x % 3 == 0"]),
    ("x < y", ["x <= y", "x != y"]),
    ("(x + 3)//4 >= x//4", []),
    ("a//b <= n", ["b >= 1", "a <= n*b"]),
    ("s0*s1 >= s0", ["s1 >= 1", "s0 >= 0"]),
    ("k <= m", ["n == 4*m", "k <= n//4"]),
    ("Min(x, y) + Max(x, y) == x + y", []),
    ("(x - y) % 2 == 0", ["x + y == z", "z % 2 == 0"]),
    ("x == 3*z", ["x <= y", "y <= 3*z", "z <= w", "2*x >= 6*w"]),
]
BY_CASES = [
    ("abs(x + y) <= abs(x) + abs(y)", []),
    ("x*x >= 9", ["x >= 3 or x <= -3"]),
    ("x*x % 4 != 2", []),
    ("y >= 3", ["(x >= 3) == (y >= 3)", "x >= 5"]),
    ("x < z and x != z", ["x < y", "y < z"]),
    ("Where(x > y, x, y) == Max(x, y)", []),
    ("x != 2", ["x*x*x*x == 625", "0 <= x", "x <= 7"]),
    ("TruncDiv(x, y)*y <= abs(x)", ["y != 0"]),
]


def _proved(claim: str, facts: list[str]) -> tuple[Question, Certificate]:
    asked = question(claim, *facts)
    proof = linear(asked.facts, asked.claim) or cases(asked.facts, asked.claim)
    assert proof is not None
    return asked, proof.certificate  # type: ignore[return-value]


def _inside(certificate: Certificate) -> Iterator[Certificate]:
    """A certificate and all that are nested in it."""
    yield certificate
    inner: list[Certificate] = []
    if isinstance(certificate, Parts):
        inner = [part for _, part in certificate.parts]
    elif isinstance(certificate, (Refutation, Denial)):
        inner = [certificate.inner]
    elif isinstance(certificate, Split):
        inner = list(certificate.branches)
    for part in inner:
        yield from _inside(part)


@pytest.mark.parametrize(("claim", "facts"), LINEAR + BY_CASES)
def test_what_is_proved_is_accepted(claim: str, facts: list[str]) -> None:
    asked, certificate = _proved(claim, facts)
    check(certificate, list(asked.facts), asked.claim)


@pytest.mark.parametrize(("claim", "facts"), LINEAR + BY_CASES)
def test_another_claim_is_not_proved_by_it(claim: str, facts: list[str]) -> None:
    asked, certificate = _proved(claim, facts)
    other = parse("x + y + a + u + k + s0 <= 12345")
    if isinstance(certificate, Refutation) and isinstance(certificate.inner, Rests):
        return
    with pytest.raises(ShapeproofError):
        check(certificate, list(asked.facts), other)  # type: ignore[arg-type]


@pytest.mark.parametrize(("claim", "facts"), [row for row in LINEAR + BY_CASES if row[1]])
def test_a_fact_that_is_missing_is_noticed(claim: str, facts: list[str]) -> None:
    asked = question(claim, *facts)
    proof = linear(asked.facts, asked.claim) or cases(asked.facts, asked.claim)
    assert proof is not None
    for dropped in proof.facts:
        kept = [fact for fact in asked.facts if fact is not dropped]
        with pytest.raises(CertificateError):
            check(proof.certificate, kept, asked.claim)  # type: ignore[arg-type]


def _tampered(step: Step) -> Iterator[Step]:
    if isinstance(step, Combination):
        for place, (multiplier, index) in enumerate(step.parts):
            for other in (multiplier + 1, -multiplier, 0):
                parts = list(step.parts)
                parts[place] = (other, index)
                yield replace(step, parts=tuple(parts))
        yield replace(step, divisor=step.divisor + 1)
        yield replace(step, parts=(*step.parts, (1, 999)))
    elif isinstance(step, Premise):
        stronger = parse("x + y + u + k <= -1")
        yield replace(step, claim=stronger)  # type: ignore[arg-type]
        yield replace(step, facts=(*step.facts, Fact(stronger)))  # type: ignore[arg-type]
    elif isinstance(step, Lemma):
        yield replace(step, schema="square")
        yield replace(step, operands=step.operands[:-1])
        yield replace(step, operands=(parse("v"), *step.operands[1:]))
        if step.premises:
            yield replace(step, premises=())
    elif isinstance(step, Squeeze):
        yield Squeeze(step.upper, step.upper)
    elif isinstance(step, Strict):
        yield Strict(step.disequality, step.row)
    elif isinstance(step, Definition):
        yield replace(step, terms=(*step.terms, (step.parameter, 1)))


@pytest.mark.parametrize(("claim", "facts"), LINEAR)
def test_a_step_that_was_changed_is_noticed(claim: str, facts: list[str]) -> None:
    """Changed multipliers, divisors, premises, theorems: refused, or else still a proof of
    the same claim (zero times an unneeded row), which no change here may be."""
    asked, certificate = _proved(claim, facts)
    tried = 0
    for part in _inside(certificate):
        if not isinstance(part, Linear):
            continue
        goal = asked.claim
        if isinstance(certificate, Parts):
            goal = next(p for p, inner in certificate.parts if inner is part)
        for place, step in enumerate(part.steps):
            for changed in _tampered(step):
                steps = (*part.steps[:place], changed, *part.steps[place + 1 :])
                if isinstance(changed, Combination) and _still_impossible(steps, asked, goal):
                    continue
                tried += 1
                with pytest.raises(CertificateError):
                    check(Linear(steps), list(asked.facts), goal)
    assert tried


def _still_impossible(steps: tuple[Step, ...], asked: Question, goal: object) -> bool:
    """A change of a multiplier may leave a proof: then the claim does follow all the same,
    and enumeration says so."""
    try:
        check(Linear(steps), list(asked.facts), goal)  # type: ignore[arg-type]
    except CertificateError:
        return False
    assert asked.counterexample(4) is None
    return True


@pytest.mark.parametrize(("claim", "facts"), LINEAR)
def test_steps_that_are_cut_off_prove_nothing(claim: str, facts: list[str]) -> None:
    asked, certificate = _proved(claim, facts)
    if isinstance(certificate, Linear):
        with pytest.raises(CertificateError):
            check(Linear(certificate.steps[:-1]), list(asked.facts), asked.claim)
        with pytest.raises(CertificateError):
            check(Linear(()), list(asked.facts), asked.claim)


@pytest.mark.parametrize(("claim", "facts"), BY_CASES)
def test_a_case_that_is_left_out_is_noticed(claim: str, facts: list[str]) -> None:
    asked, certificate = _proved(claim, facts)
    if not isinstance(certificate, Refutation) or not isinstance(certificate.inner, Split):
        return
    split = certificate.inner
    for place in range(len(split.cases)):
        fewer = replace(
            split,
            cases=split.cases[:place] + split.cases[place + 1 :],
            branches=split.branches[:place] + split.branches[place + 1 :],
        )
        with pytest.raises(CertificateError):
            check(replace(certificate, inner=fewer), list(asked.facts), asked.claim)
    wrong = replace(split, rule="no such rule")
    with pytest.raises(CertificateError):
        check(replace(certificate, inner=wrong), list(asked.facts), asked.claim)
    wrong = replace(split, branches=split.branches[:-1])
    with pytest.raises(CertificateError):
        check(replace(certificate, inner=wrong), list(asked.facts), asked.claim)


def test_an_invented_range_is_refused() -> None:
    asked = question("x <= 5", "x <= 7")
    invented = Premise(le_zero(parse("x - 5")), "range", tuple(asked.facts))  # type: ignore[arg-type]
    goal = Premise(le_zero(parse("6 - x")), "goal")  # type: ignore[arg-type]
    steps = (invented, goal, Combination(((1, 0), (1, 1))))
    with pytest.raises(CertificateError, match="step 0"):
        check(Linear(steps), list(asked.facts), asked.claim)


def test_methods_without_steps_are_asked_again() -> None:
    asked = question("x <= 5", "x <= 7")
    for method in ("ranges", "contradiction"):
        with pytest.raises(CertificateError):
            check(Rests(method, tuple(asked.facts)), list(asked.facts), asked.claim)
    easy = question("x <= 9", "x <= 7")
    check(Rests("ranges", tuple(easy.facts)), list(easy.facts), easy.claim)


def test_an_inequality_times_a_negative_number_is_refused() -> None:
    asked = question("x >= 3", "x <= 5")
    given, goal = (
        Premise(le_zero(parse("x - 5")), "fact", tuple(asked.facts)),  # type: ignore[arg-type]
        Premise(le_zero(parse("x - 2")), "goal"),  # type: ignore[arg-type]
    )
    steps = (given, goal, Combination(((-1, 0), (1, 1))))
    with pytest.raises(CertificateError, match="negative"):
        check(Linear(steps), list(asked.facts), asked.claim)


@pytest.mark.parametrize("oldest", [("eq_x", "eq_y"), ("eq_y", "eq_x")])
@pytest.mark.parametrize(
    "claim",
    [
        "Min(3 - eq_x, eq_y) <= Max(eq_x, eq_y, eq_x + eq_y)",
        "3*eq_y + eq_z >= 2*eq_x + eq_w",
        "eq_z*eq_y - eq_z*eq_w >= 0",
        "eq_y*eq_y >= 2*eq_x - 1",
    ],
)
def test_whichever_symbol_of_an_equality_is_replaced(
    claim: str, oldest: tuple[str, str]
) -> None:
    kept = [symbol(name) for name in oldest]
    env = ShapeEnv()
    for name in ("eq_x", "eq_y", "eq_z", "eq_w"):
        env.integer(name)
    for fact in ("eq_x <= eq_y", "eq_y <= eq_x", "0 <= eq_z", "0 <= eq_w", "eq_w <= eq_x"):
        env.assume(fact)
    asked = env.spelled(claim).expr
    assert isinstance(asked, BoolExpr)
    certified = 0
    for method in METHODS:
        proof = entails(env.facts, asked, Effort((method,), search=0, rlimit=0))
        if proof is not None and proof.certificate is not None:
            check(proof.certificate, proof.facts, asked)
            certified += 1
    assert certified
    assert kept


MIXED = (
    ("0 <= x % y and x % y < y", ("y >= 1",)),
    ("x + 2*y + z <= 20 and x - z <= 10", ("x + y <= 10", "y + z <= 10", "x <= 5 - y", "y >= -z")),
    ("x // y * y <= x and z >= 1 and x % y <= 2 * y", ("z >= 1", "y >= 1")),
)


@pytest.mark.parametrize(("claim", "given"), MIXED)
def test_conjunctions_have_the_certificates_of_their_parts(
    claim: str, given: tuple[str, ...]
) -> None:
    """Parts by ranges and parts by steps together; and nothing less, nothing else."""
    env = ShapeEnv()
    for name in "xyz":
        env.integer(name)
    for fact in given:
        env.assume(fact)
    proof = env.prove(claim).proof
    asked = env.spelled(claim).expr
    assert proof is not None
    assert isinstance(asked, BoolExpr)
    whole = proof.certificate
    assert isinstance(whole, Parts)
    check(whole, proof.facts, asked)
    for place, (part, inner) in enumerate(whole.parts):
        others = whole.parts[:place], whole.parts[place + 1 :]
        stronger = eq_zero(shift(side_of(part), -1))
        for parts in (
            (*others[0], *others[1]),  # one part is left out
            (*others[0], (part, Rests("ranges", ())), *others[1]),  # it rests on nothing
            (*others[0], (stronger, inner), *others[1]),  # it says something else
            tuple((p, inner) for p, _ in whole.parts),  # one proof for all
        ):
            with pytest.raises(CertificateError):
                check(Parts(parts), proof.facts, asked)
    with pytest.raises(CertificateError):
        check(whole, (), asked)


def test_premises_in_a_case_that_leaves_no_values() -> None:
    env = ShapeEnv()
    env.integer("a", min=-2, max=11)
    env.integer("b", min=-2, max=11)
    env.assume("a*(b//6)*6 - a*b > -4")
    env.assume("b*a > b")
    env.assume("(a//3 - 2*(a//6))*(b*b) == b")
    claim = env.spelled("(b <= -2 and -4 <= a) or b + 2*a > b").expr
    assert isinstance(claim, BoolExpr)
    proof = entails(env.facts, claim, Effort(("cases",), search=0, rlimit=0))
    assert proof is not None
    check(proof.certificate, proof.facts, claim)  # type: ignore[arg-type]


x = symbol("x")
AT_MOST = Fact(x <= 5, "given")
STATED = Premise(AT_MOST.claim, "fact", (AT_MOST,))
HALF: Any = Fraction(1, 2)
NAME = Parameter("half")
NOTHING_FOLLOWS: dict[str, Any] = {
    "an atom is given another meaning": Linear(
        (Definition(x, (), 7), STATED, Combination(((1, 0), (1, 1))))  # type: ignore[arg-type]
    ),
    "a name for no integer": Linear(
        (
            Definition(NAME, ((x, HALF),), 0),
            Premise(eq_zero(shift(x, -1)), "fact", (Fact(eq_zero(shift(x, -1)), "given"),)),
            Combination(((2, 0), (1, 1))),
        )
    ),
    "a constant that is no integer": Linear((Definition(NAME, (), HALF),)),
    "a multiplier that is no integer": Linear((STATED, Combination(((0.5, 0),)))),  # type: ignore[arg-type]
    "a divisor that is no integer": Linear((STATED, Combination(((1, 0),), 1.0))),  # type: ignore[arg-type]
    "steps of another kind": Linear((None,)),  # type: ignore[arg-type]
    "a lemma about something else": Linear((Lemma("floor low", (x <= 5, x), x <= 5),)),
    **{f"{rule} of nothing": Split(rule, (), (), (), ()) for rule in _RULES},
    **{f"{rule} of a truth": Split(rule, (), (Premise(TRUE, "fact"),), (), ()) for rule in _RULES},
    **{f"{rule} of a symbol": Split(rule, (x,), (STATED,), (), ()) for rule in _RULES},
    **{f"{rule} of a condition": Split(rule, (x <= 5, x), (STATED,), (), ()) for rule in _RULES},
}


@pytest.mark.parametrize("certificate", NOTHING_FOLLOWS.values(), ids=NOTHING_FOLLOWS)
def test_what_does_not_follow_is_refused_as_such(certificate: Certificate) -> None:
    """False is not proved; whatever is in the certificate, that is the error."""
    with pytest.raises(CertificateError):
        check(certificate, [AT_MOST, *_facts_in(certificate)], FALSE)


def _facts_in(certificate: Certificate) -> list[Fact]:
    steps = certificate.steps if isinstance(certificate, Linear) else ()
    return [fact for step in steps if isinstance(step, Premise) for fact in step.facts]


def test_ranges_show_no_remainder_whose_divisor_may_be_0() -> None:
    """``x % z`` is 0 for a z of 0 or 1 where it has a value; but nobody asked for it."""
    stated = tuple(Fact(parse(c), "given") for c in ("z >= 0", "z <= 1", "z*z == z"))
    remainder, squared = parse("x % z == 0"), stated[2].claim
    by_z, by_quotient = parse("x*z == z*z*(x//z)"), parse("z*z*(x//z) == z*(x//z)")
    steps = (
        Premise(remainder, "range", stated[:2]),
        Lemma("product with zero", (side_of(remainder), parse("z")), by_z, (0,)),
        Premise(squared, "fact", stated[2:]),
        Lemma("product with zero", (side_of(squared), parse("x//z")), by_quotient, (2,)),
        Premise(parse("x*z < x"), "goal"),
        Combination(((1, 4), (1, 0), (-1, 1), (1, 3))),
    )
    with pytest.raises(CertificateError, match="may have no value"):
        check(Linear(steps), stated, parse("x*z >= x"))
    check(Linear(steps), (*stated, Fact(parse("x//z <= 9"), "given")), parse("x*z >= x"))
