"""The prover against enumeration: no verdict may be wrong, by any method, with any effort."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings

from shapes.errors import ContradictionError, UndefinedError
from shapes.expr.booleans import negation
from shapes.expr.nodes import TRUE, make, symbol
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Status, Verdict
from shapes.prove.ladder import (
    CHEAP,
    EFFORTS,
    METHODS,
    SOLVER,
    STEPS,
    Asker,
    Cost,
    Effort,
    decide,
    entails,
    prove,
)
from shapes.traversal.definedness import Spelled
from shapes.traversal.parsing import parse_spelled
from shapes.witness.smt import Question as Asked
from shapes.witness.smt import script
from tests.fuzz import LADDERS, cvc5_answer, disagreements, stated
from tests.oracle import Undefined, models
from tests.shapes.facts.test_store import facts
from tests.strategies import EVERYTHING, FEW, INTEGRAL, PLAIN, Question, Seeded, ask, questions

x, y, z, u = (symbol(n) for n in ("x", "y", "z", "u"))
p, t = symbol("p", "bool"), symbol("t", "float")


def asked(claim: str, *given_: str, effort: Any = "default") -> Verdict:
    symbols = {n: symbol(n, "bool" if n in "pqr" else "float" if n in "ts" else "int")
               for n in "pqrtsxyzu"}  # fmt: skip
    known = Facts()
    for text in given_:
        expr, defined = parse_spelled(text, symbols)
        known = known.given(make("And", defined, expr))  # type: ignore[arg-type]
    return prove(known, parse_spelled(claim, symbols), claim, effort)


# ---- generated questions ----


@settings(max_examples=120)
@given(questions())
@pytest.mark.parametrize("ladder", sorted(LADDERS))
def test_no_verdict_is_wrong(ladder: str, question: Question) -> None:
    wrong = list(disagreements(question, {ladder: LADDERS[ladder]}))
    assert not wrong, f"{question}\n" + "\n".join(wrong)


@settings(max_examples=40)
@given(questions(FEW))
@pytest.mark.parametrize("effort", ["cheap", "quick"])
def test_no_verdict_with_floats_is_wrong(effort: str, question: Question) -> None:
    wrong = list(disagreements(question, {effort: EFFORTS[effort]}))
    assert not wrong, f"{question}\n" + "\n".join(wrong)


@pytest.mark.parametrize("seed", [38, 50, 101, 131, 1079, 1732, 1900, 3425, 4031, 105458])
def test_what_the_fuzzer_found(seed: int) -> None:
    """Crashes of three-fold bit operations, of ToFloat by name, of a shared negation, ..."""
    soil = EVERYTHING if seed % 4 == 3 else PLAIN if seed % 4 else INTEGRAL
    question = ask(Seeded(seed), soil, 2 + seed % 3)
    ladders = {"cheap": EFFORTS["cheap"], "search": LADDERS["search"]}
    assert not list(disagreements(question, ladders))


@settings(max_examples=100)
@given(questions())
def test_cheap_decisions_and_entailment_are_right(question: Question) -> None:
    known = models(question.facts, question.domains)
    if not known:
        return
    learned = stated(question)
    expr, defined = question.claim.spelled()
    if defined is not TRUE:
        return
    held = {bool(question.claim.value(values)) for values in known}
    found = decide(learned, expr)  # type: ignore[arg-type]
    assert found is None or held == {found}, str(question)
    proof = entails(learned, expr, "quick")  # type: ignore[arg-type]
    assert proof is None or held == {True}, str(question)


@settings(max_examples=60)
@given(questions())
def test_a_question_changes_nothing(question: Question) -> None:
    try:
        learned = stated(question)
        first = prove(learned, question.claim.spelled(), effort="quick")
        second = prove(learned, question.claim.spelled(), effort="quick")
    except (ContradictionError, UndefinedError):
        return
    assert (first.status, first.premises) == (second.status, second.premises)
    assert first.counterexample == second.counterexample or first.counterexample is None
    assert str(first) == str(second)


@settings(max_examples=60)
@given(questions())
def test_premises_are_what_does_not_follow(question: Question) -> None:
    try:
        learned = stated(question)
        verdict = prove(learned, question.claim.spelled(), effort="cheap")
    except (ContradictionError, UndefinedError):
        return
    from shapes.traversal.evaluate import evaluate

    for values in models(question.facts, question.domains):
        has_value = question.claim.known(values) is not Undefined
        try:
            assumed = all(evaluate(premise, values) for premise in verdict.premises)
        except UndefinedError:
            assumed = False
        assert assumed is has_value, str(question)


# ---- an independent solver ----


@pytest.mark.parametrize("seed", range(60))
def test_cvc5_denies_no_proof(seed: int) -> None:
    """Where a solver of other people finds values, none of our methods may have proved."""
    pytest.importorskip("cvc5")
    question = ask(Seeded(seed + 77_000), INTEGRAL, 3)
    try:
        learned = stated(question)
        verdict = prove(learned, question.claim.spelled(), effort="default")
    except (ContradictionError, UndefinedError):
        return
    if verdict.status not in (Status.ALWAYS, Status.NEVER):
        return
    denied = verdict.claim if verdict.disproved else negation(verdict.claim)
    known = learned.given(*verdict.premises)
    named = tuple((f"f!{i}", f.claim) for i, f in enumerate(known.connected(denied)))
    answer = cvc5_answer(script(Asked((denied,), named), known))
    # Unknown operators are unconstrained in the script, so "sat" needs none of them.
    if "o!" not in script(Asked((denied,), named), known):
        assert answer != "sat", f"{question}\n{verdict}"


# ---- questions by hand ----


@pytest.mark.parametrize(
    ("claim", "given_", "status"),
    [
        ("x // 8 * 8 == x", ["x % 8 == 0"], Status.ALWAYS),
        ("x % 8 < 8", [], Status.ALWAYS),
        ("x * x >= 0", [], Status.ALWAYS),
        ("x * x == -1", [], Status.NEVER),
        ("x <= y", [], Status.DEPENDS),
        ("Min(x, y) <= x", [], Status.ALWAYS),
        ("Max(x, y) + Min(x, y) == x + y", [], Status.ALWAYS),
        ("abs(x) >= x", [], Status.ALWAYS),
        ("x // y * y <= x", ["y >= 1"], Status.ALWAYS),
        ("x < y or y <= x", [], Status.ALWAYS),
        ("x != x", [], Status.NEVER),
        ("p or not p", [], Status.ALWAYS),
        ("p", ["not p"], Status.NEVER),
        ("x >= 3", ["p", "Where(p, x, y) >= 3"], Status.ALWAYS),
        ("x + y >= 5", ["x >= 2", "y >= 3"], Status.ALWAYS),
        ("(x + 1) * (x + 1) == x * x + 2 * x + 1", [], Status.ALWAYS),
        ("2 * x != 2 * y + 1", [], Status.ALWAYS),
        ("x <= 1", ["x <= 2"], Status.DEPENDS),
        ("x % 4 == 2", ["x % 8 == 6"], Status.ALWAYS),
        ("x >= 1", ["x >= 0", "x != 0"], Status.ALWAYS),
    ],
)
def test_typical_questions(claim: str, given_: list[str], status: Status) -> None:
    verdict = asked(claim, *given_)
    assert verdict.status is status, verdict
    assert verdict.proved is (status is Status.ALWAYS) is bool(verdict)
    assert verdict.disproved is (status is Status.NEVER)
    assert (verdict.proof is not None) is (status in (Status.ALWAYS, Status.NEVER))
    if status is Status.DEPENDS:
        assert verdict.counterexample is not None
        assert verdict.witness is not None
    assert claim in str(verdict)


@pytest.mark.parametrize("ladder", sorted(LADDERS))
def test_what_others_get_wrong(ladder: str) -> None:
    """Each of these was answered wrongly by somebody."""
    effort = LADDERS[ladder]

    def proved(claim: str, *given_: str) -> bool:
        return asked(claim, *given_, effort=effort).proved

    assert not proved("x <= 1", "x <= 2", "x >= 0")
    assert not proved("x * x >= 1", "x >= -1", "x <= 1")
    assert not proved("x >= 2**53 + 2", "x >= 2**53 + 1")
    assert not proved("x**17 * y <= 5", "y <= 5")
    assert not proved("x**17 * y == y")
    assert not proved("t == t")
    assert not proved("t >= s or t < s")
    assert not proved("not t < s", "t > s or t < s")
    assert not proved("(x + y) // 2 == x // 2 + y // 2")
    assert not proved("x // y >= 0", "x >= 0")
    assert not proved("TruncDiv(x, 2) == x // 2")
    assert not proved("x % y >= 0", "x >= 0")
    assert not proved("x >= 2", "x >= 0", "x != 1")


def test_refuting_needs_no_wrong_proof_of_a_power() -> None:
    """A power beyond what z3 is told stays unknown, also as a factor."""
    only = Effort((SOLVER,), search=0, rlimit=200_000)
    verdict = asked("x**17 * y <= 5", "y <= 5", effort=only)
    assert verdict.status in (Status.UNKNOWN, Status.DEPENDS)


def test_a_solvers_proof_names_the_facts_behind_ranges_of_unknowns() -> None:
    """z3 knows nothing of bits: what their range rests on belongs to the proof."""
    only = Effort((SOLVER,), search=0, rlimit=200_000)
    verdict = asked("(x & y) * 2 <= 14", "x >= 0", "x <= 7", effort=only)
    assert verdict.proved
    assert verdict.proof is not None
    assert {f.spelled for f in verdict.proof.facts} == {"x >= 0", "x <= 7"}


def test_names_of_builtin_functions_are_names() -> None:
    for n in ("div", "mod", "true", "ite", "let", "forall"):
        sym = symbol(n, "bool" if n == "true" else "int")
        if n == "true":
            claim = make("Or", sym, x * x * x >= x)
            known = Facts().given(sym)  # type: ignore[arg-type]
        else:
            claim = make("Eq", (sym + x) * (sym - x), sym * sym - x * x)
            known = Facts().given(sym >= 1)
        only = Effort((SOLVER,), search=0, rlimit=200_000)
        assert prove(known, claim, effort=only).proved  # type: ignore[arg-type]


# ---- definedness ----


def test_a_question_assumes_its_own_definedness() -> None:
    verdict = asked("x // y * y + x % y == x")
    assert verdict.proved
    assert verdict.premises == (make("Ne", y, 0),)
    assert "assuming that it has a value: `y != 0`" in verdict.explain()
    assert asked("x // y * y + x % y == x", "y >= 1").premises == ()
    assert asked("y == 0 or x // y * y <= x + 100", "y >= 0").premises == ()


def test_what_never_has_a_value_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="never has a value: it needs `y != 0`"):
        asked("x // y > 1", "y == 0")
    with pytest.raises(UndefinedError):
        asked("x // 0 > 1")
    with pytest.raises(UndefinedError):
        asked("2 ** x > 1", "x <= -3")


# ---- the ladder ----


def test_efforts_are_named() -> None:
    assert set(EFFORTS) == {"cheap", "quick", "default", "thorough"}
    with pytest.raises(ValueError, match="cheap, quick, default, thorough"):
        asked("x > 0", effort="huge")
    assert EFFORTS["cheap"].methods == CHEAP
    assert set(CHEAP) <= set(METHODS)


def test_every_method_can_be_turned_off() -> None:
    nothing = Effort((), search=0, rlimit=0)
    assert asked("x >= 1", "x >= 3", effort=nothing).status is Status.UNKNOWN
    by_ranges = asked("x >= 1", "x >= 3", effort=Effort(("ranges",), 0, 0))
    assert by_ranges.proof is not None
    assert by_ranges.proof.method == "ranges"


def test_what_could_not_be_decided_says_what_was_tried() -> None:
    tight = Effort((*METHODS, SOLVER), search=2, rlimit=50)
    verdict = asked("x**3 + y**3 != z**3 + 33", effort=tight)
    if verdict.status is Status.UNKNOWN:
        assert "search with 2" in verdict.explain()
        assert any(line.startswith("z3") for line in verdict.tried)


def test_contradictions_surface_as_errors_not_as_proofs() -> None:
    known = facts("x * x - 2 * x == 4", "y >= 3")
    with pytest.raises(ContradictionError) as caught:
        prove(known, x >= 1, effort=Effort((SOLVER,), search=0, rlimit=200_000))
    assert "y >= 3" not in str(caught.value)


def test_hints_help_the_search_and_prove_nothing() -> None:
    known = facts("x * x * x - 5 * x * x == 123456 * x - 617280")
    claim = make("Ne", x, 5)
    verdict = prove(known, claim, hints={x: 5}, effort=Effort(CHEAP, 20, 0))  # type: ignore[arg-type]
    assert verdict.status in (Status.DEPENDS, Status.UNKNOWN)
    if verdict.counterexample is not None:
        assert verdict.counterexample["x"] == 5
    assert not prove(Facts(), make("Eq", x, 5), hints={x: 5}).proved  # type: ignore[arg-type]


def test_a_cheap_question_does_not_import_the_solver() -> None:
    code = (
        "import sys; from shapes import ShapeEnv; env = ShapeEnv(); x = env.size('x', max=9);"
        "assert env.prove(x // 3 <= 3); assert env.prove(x <= 8).counterexample;"
        "assert 'z3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_spelled_claim_brings_its_condition() -> None:
    claim = Spelled(x >= 0, y >= 1)
    verdict = prove(Facts(), claim)
    assert verdict.premises == (y >= 1,)


def test_conjunctions_are_proved_part_by_part() -> None:
    verdict = asked("x >= 1 and y * y >= 0 and z % 2 == 0", "x >= 3", "z == 2 * u")
    assert verdict.proved
    assert asked("x >= 1 and y >= 1", "x >= 3").status is Status.DEPENDS


# ---- what a verdict tells ----


def test_examples_say_what_found_them() -> None:
    verdict = asked("x <= y", "y >= 0")
    assert verdict.counterexample is not None
    assert verdict.witness is not None
    assert verdict.counterexample.found_by == verdict.witness.found_by == "search"
    assert verdict.explain().count("(found by search)") == 2
    solver = Effort((SOLVER,), search=0, rlimit=3_000_000)
    found = asked("x * x != 123 * y + 4 * z", "x >= 50", "y >= 70", effort=solver)
    assert found.counterexample is not None
    assert found.counterexample.found_by == "z3"
    assert "(found by z3)" in found.explain()


AROUND_X = ["y <= 64", "x <= 4*y", "z <= y", "x >= 2*z + 1", "z >= 3", "x % 8 == 0"]
"""What the range of x rests on, all together."""


@pytest.mark.parametrize(
    ("claim", "given_", "named"),
    [
        ("x <= 9", ["x >= 0", "x <= 9", "x % 3 == 0"], ["x <= 9"]),
        ("3*x - 2*y <= 30", ["x >= 0", "x <= 10", "y >= 0", "y <= 10"], ["x <= 10", "y >= 0"]),
        ("x // 8 <= 4", ["x >= 0", "x <= 39", "x % 8 == 0"], ["x <= 39"]),
        ("x // 4 * 4 <= x", ["x >= 0"], []),
        ("x * y <= 48", ["x >= 2", "x <= 6", "y >= 1", "y <= 8"], None),
        ("Min(x, y) <= 5", ["x >= 0", "x <= 5", "y >= 2", "y <= 9"], ["x <= 5"]),
        ("x % 4 == 0", ["x >= 0", "x % 8 == 0"], ["x % 8 == 0"]),
        ("x != 2", ["x >= 0", "x <= 100", "x % 2 == 1"], ["x % 2 == 1"]),
        ("x != -1", ["x >= 0", "x <= 100"], ["x >= 0"]),
        (
            "x - 3*y <= 64",
            ["y >= 1", "y <= 64", "x >= 0", "x <= 4*y"],
            ["x <= 4*y", "y <= 64"],
        ),
        ("2*x + z <= 200", ["x >= 0", "z >= 0", "x + z <= 100"], ["z >= 0", "x + z <= 100"]),
        ("x % 4 == 0", AROUND_X, ["x % 8 == 0"]),
        ("x * y % 4 == 0", AROUND_X, ["x % 8 == 0"]),
        ("Max(x, 3) % 4 >= 0", AROUND_X, []),
        ("x // 2 >= 3", AROUND_X, ["x >= 2*z + 1", "z >= 3"]),
        ("Min(x, 300) == x", AROUND_X, ["x <= 4*y", "y <= 64"]),
    ],
)
def test_a_proof_names_no_fact_that_it_does_not_need(
    claim: str, given_: list[str], named: list[str] | None
) -> None:
    symbols = {n: symbol(n) for n in "xyz"}
    stated_ = {}
    known = Facts()
    for text in given_:
        expr, _ = parse_spelled(text, symbols)
        stated_[text] = Fact(expr, text=text)  # type: ignore[arg-type]
        known = known.given(stated_[text])
    verdict = prove(known, parse_spelled(claim, symbols), claim)
    assert verdict.proof is not None
    found = {fact.spelled for fact in verdict.proof.facts}
    if named is not None:
        assert found == set(named)
    for left_out in found:
        rest = Facts().given(*[stated_[text] for text in found if text != left_out])
        again = prove(rest, parse_spelled(claim, symbols), claim, Effort(CHEAP, 0, 0))
        assert again.proof is None or verdict.proof.method not in ("ranges", "a known fact")


@pytest.mark.parametrize(
    ("claim", "given_", "premises"),
    [
        ("x // y * y <= x", ["y >= z", "z >= 1"], 0),
        ("x // (y - z) * (y - z) <= x", ["y >= x", "x >= z + 1"], 0),
        ("x // (y - z) * (y - z) <= x", ["y >= x", "x >= z"], 1),
        ("x % (2*y + 4*z + 1) >= 0", ["2*y + 4*z >= 0"], 0),
        ("Implies(y >= 1, x // y * y <= x)", [], 0),
        ("y > 0 and x // y > 3 or y <= 0", [], 0),
        ("x // y == x // y", [], 1),
        ("2 ** (x - y) >= 1", ["x >= z", "z >= y"], 0),
        ("2 ** (x - y) >= 1", ["x >= z", "z >= y - 1"], 1),
    ],
)
def test_premises_that_follow_are_not_listed(
    claim: str, given_: list[str], premises: int
) -> None:
    verdict = asked(claim, *given_, effort="quick")
    assert len(verdict.premises) == premises
    assert verdict.status is not Status.UNKNOWN


@pytest.mark.parametrize(
    ("claim", "given_"),
    [
        ("(x // y) // z == x // (y * z)", ["y >= 1", "z >= 1"]),
        ("(x // y) // z == (x // z) // y", ["y >= 1", "z >= 1"]),
        ("(x // (2*y)) // z == x // (2 * y * z)", ["y >= 1", "z >= 1"]),
        ("(x // y) // (z + 1) == x // (y * z + y)", ["y >= 1", "z >= 0"]),
    ],
)
def test_nested_divisions_need_no_solver(claim: str, given_: list[str]) -> None:
    verdict = asked(claim, *given_, effort=Effort(tuple(METHODS), search=100, rlimit=0))
    assert verdict.proved, verdict


def test_a_premise_that_cannot_hold_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="never has a value"):
        asked("x // (y - z) >= 0", "y <= z", "y >= z")
    with pytest.raises(UndefinedError, match="never has a value"):
        asked("2 ** (x - y) >= 1", "x <= z", "z <= y - 1", effort="quick")


@pytest.mark.parametrize("asker", Asker)
@pytest.mark.parametrize("crowded", [False, True])
def test_every_reader_of_the_table_comes_to_every_method(asker: Asker, crowded: bool) -> None:
    class Asked:
        """Notes the methods of proof that a step tries."""

        def __init__(self) -> None:
            self.tried: list[str] = []

        def by_methods(self, names: tuple[str, ...]) -> None:
            self.tried.extend(names)

    asked = Asked()
    rows = [s for s in STEPS if asker in s.askers and s.crowded in (None, crowded)]
    for step in rows:
        if step.run.__name__ == "<lambda>":
            step.run(asked)  # type: ignore[arg-type]
    expected = list(METHODS)
    if not crowded:  # then what looks at all connected facts comes later
        expected.remove("linear")
        expected.insert(expected.index("choices") + 1, "linear")
    assert asked.tried == expected
    names = [step.name for step in rows if step.prepared is not False]
    assert names.index("tableau") < names.index("linear arithmetic")  # if it is prepared
    names = [step.name for step in rows if step.prepared is not True]
    assert names.index("tableau") > names.index("linear arithmetic")
    assert rows[-1].cost is Cost.SOLVER
    assert all(step.cost is not Cost.SOLVER for step in rows[:-1])
