"""Random questions against enumeration: ``python -m tests.fuzz --questions N --seed S``.

Every question is asked of each method of the prover alone, of z3 alone, and of the whole
prover; ranges and congruences of the claim's parts are compared too. What disagrees with
enumeration is printed, with the seed that asks it again; the exit code is the number of
disagreements (at most 100).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

from shapes.booleans import conjunction
from shapes.bounds import bounds, congruence
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import BoolExpr, IntExpr
from shapes.facts import Fact, Facts
from shapes.interpret import free_symbols
from shapes.prover import EFFORTS, METHODS, SOLVER, Effort, prove
from shapes.verdict import Counterexample, Status, Verdict
from tests.oracle import Tree, Undefined, assignments, models, reached
from tests.strategies import EQUATIONS, EVERYTHING, INTEGRAL, PLAIN, Question, Seeded, ask

RLIMIT = 300_000
LADDERS: dict[str, Effort] = {
    **{name: Effort((name,), search=0, rlimit=0) for name in METHODS},
    SOLVER: Effort((SOLVER,), search=0, rlimit=RLIMIT),
    "search": Effort((), search=100, rlimit=0),
    "all": Effort((*METHODS, SOLVER), search=100, rlimit=RLIMIT),
}
"""Each method alone, and all of them."""

SOILS = (INTEGRAL, PLAIN, EQUATIONS, EVERYTHING)


def stated(question: Question) -> Facts:
    """The facts as an environment states them: defined and true."""
    facts = Facts()
    for tree in question.facts:
        expr, defined = tree.spelled()
        facts = facts.given(Fact(conjunction(defined, expr), "assumed", str(tree)))
    return facts


def disagreements(question: Question, ladders: dict[str, Effort]) -> Iterator[str]:
    """What the engine says of a question that enumeration denies."""
    known = models(question.facts, question.domains)
    try:
        facts = stated(question)
    except ContradictionError as error:
        if known:
            yield f"facts that hold for {known[0]} are called contradictory: {error}"
        return
    yield from _wrong_ranges(question, facts, known)
    for name, effort in ladders.items():
        for wrong in _wrong_verdict(question, facts, known, effort):
            yield f"{name}: {wrong}"


def _wrong_verdict(
    question: Question, facts: Facts, known: list[dict[str, object]], effort: Effort
) -> Iterator[str]:
    meant = [(values, question.claim.known(values)) for values in known]
    defined = [(values, value) for values, value in meant if value is not Undefined]
    try:
        verdict = prove(facts, question.claim.spelled(), effort=effort)
    except (ContradictionError, UndefinedError) as error:
        if defined:
            yield f"{type(error).__name__} although it holds for {defined[0][0]}: {error}"
        return
    yield from wrong(question, verdict, defined)


def wrong(
    question: Question, verdict: Verdict, defined: list[tuple[dict[str, object], object]]
) -> Iterator[str]:
    """What is wrong with a verdict, given the claim's values."""
    if verdict.status is Status.ALWAYS:
        yield from (f"ALWAYS is false for {v}: {verdict}" for v, held in defined if not held)
    if verdict.status is Status.NEVER:
        yield from (f"NEVER is false for {v}: {verdict}" for v, held in defined if held)
    if verdict.status is Status.DEPENDS:
        held = {bool(value) for _, value in defined}
        if verdict.counterexample is None or verdict.witness is None:
            yield f"DEPENDS without examples: {verdict}"
        # Facts that contradict each other, apart from the claim's symbols, leave nothing.
        if question.bounded and held and held != {True, False}:
            yield f"DEPENDS, but the claim is {held}: {verdict}"
    yield from _wrong_reasons(question, verdict)
    for example, truth in ((verdict.counterexample, False), (verdict.witness, True)):
        if example is not None:
            yield from _wrong_example(question, example, truth)


SAMPLES = 300
"""Assignments from wider domains on which the facts of a proof are tried alone."""


def _wrong_reasons(question: Question, verdict: Verdict) -> Iterator[str]:
    """The facts that a proof names must do, also outside of what the others bound."""
    if verdict.proof is None:
        return
    stated_as = {str(tree): tree for tree in question.facts}
    # What is not stated is a premise, which holds wherever the claim has a value.
    used = [stated_as[f.spelled] for f in verdict.proof.facts if f.spelled in stated_as]
    rng = random.Random(0)
    wider = {name: _widened(domain) for name, domain in question.domains.items()}
    for _ in range(SAMPLES):
        values = {name: rng.choice(domain) for name, domain in wider.items()}
        if any(fact.known(values) is not True for fact in used):
            continue
        held = question.claim.known(values)
        if held is not Undefined and bool(held) is not verdict.proved:
            names = ", ".join(map(str, used))
            yield f"{verdict.status.name} does not follow from {names}: {values}, {verdict}"
            return


def _widened(domain: tuple[object, ...]) -> list[object]:
    numbers = [v for v in domain if isinstance(v, int) and not isinstance(v, bool)]
    if not numbers:
        return list(domain)
    return [*domain, *domain, *range(min(numbers) - 6, max(numbers) + 7), 64, -64]


def _wrong_example(question: Question, example: Counterexample, truth: bool) -> Iterator[str]:
    lacking = _names(question.claim) - set(example)
    if lacking:
        yield f"the example {example} lacks {lacking}"
    # What has cancelled is not mentioned: some value of it will do.
    mentioned = {n: (v,) for n, v in example.items() if n in question.domains}
    among = list(assignments({**question.domains, **mentioned}))
    if all(question.claim.known(v) is Undefined for v in among):
        # Nothing in the domains gives a value to what has cancelled.
        if mentioned.keys() >= {n for n, _ in question.claim.symbols()}:
            yield f"the claim has no value for {example}"
        return
    held = [v for v in among if question.claim.known(v) is truth]
    if not held:
        yield f"the claim is not {truth} for {example}"
    connected = _connected(question)
    if not any(all(fact.known(v) is True for fact in connected) for v in held):
        yield f"the facts {', '.join(map(str, connected))} are broken by {example}"


def _names(tree: Tree) -> set[str]:
    """The symbols that are left in the normal form."""
    return {s.name for s in free_symbols(tree.built())}


def _connected(question: Question) -> list[Tree]:
    """The facts that share a symbol with the claim, directly or not."""
    names = _names(question.claim)
    found: list[Tree] = []
    grown = True
    while grown:
        grown = False
        for fact in question.facts:
            own = {s.name for s in free_symbols(*fact.spelled())}
            if fact not in found and own & names:
                found.append(fact)
                names |= own
                grown = True
    return found


def _wrong_ranges(
    question: Question, facts: Facts, known: list[dict[str, object]]
) -> Iterator[str]:
    for tree in question.claim.nodes():
        expr = tree.built()
        taken = reached(tree, known)
        try:
            found = bounds(facts, expr)
            residues = congruence(facts, expr) if isinstance(expr, IntExpr) else None
        except ContradictionError as error:
            # An expression may have no value at all although the facts are consistent.
            if taken:
                yield f"no range for {tree}, which is {taken[0]}: {error}"
            continue
        for value in taken:
            if isinstance(expr, BoolExpr) != isinstance(value, bool):
                continue
            if value not in found:
                yield f"{tree} is {value}, outside of {found!r}"
                break
            if residues is not None and not residues.admits(value):
                yield f"{tree} is {value}, not {residues}"
                break


def run(questions: int, seed: int, ladders: dict[str, Effort]) -> int:
    """Ask, print what is wrong, and count it."""
    started = time.perf_counter()
    bad = 0
    statuses: Counter[str] = Counter()
    for number in range(seed, seed + questions):
        question = ask(Seeded(number), SOILS[number % len(SOILS)], 2 + number % 3)
        try:
            found = list(disagreements(question, ladders))
        except Exception as error:  # a crash is a disagreement too
            found = [f"crashed: {type(error).__name__}: {error}"]
        statuses["asked"] += 1
        if found:
            bad += 1
            shown = "\n".join(f"  {line}" for line in found[:4])
            sys.stdout.write(f"seed {number}\n{question}\n{shown}\n\n")
            sys.stdout.flush()
        if statuses["asked"] % 1000 == 0:
            elapsed = time.perf_counter() - started
            sys.stderr.write(f"{statuses['asked']} questions, {bad} bad, {elapsed:.0f} s\n")
            sys.stderr.flush()
    sys.stdout.write(f"{questions} questions from seed {seed}: {bad} disagreements\n")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--effort", choices=[*LADDERS, *EFFORTS], action="append")
    arguments = parser.parse_args()
    every = {**EFFORTS, **LADDERS}
    chosen = {name: every[name] for name in arguments.effort or LADDERS}
    return min(run(arguments.questions, arguments.seed, chosen), 100)


if __name__ == "__main__":
    sys.exit(main())
