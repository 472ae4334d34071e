"""Random questions against enumeration: ``python -m tests.fuzz --questions N --seed S``.

Every question is asked of each method of the prover alone, of z3 alone, of cvc5 (where it is
installed), and of the whole prover; ranges and congruences of the claim's parts and the
refusal of contradictory statements are compared too. ``--sparse`` is for long runs: each
question is asked of one method alone, in turn; every 2nd also of the prover up to linear
reasoning, every 10th of the whole prover without a solver, every 50th of z3 alone and the
whole prover with it, every 150th of cvc5. What a number is asked of depends on it alone.
In two questions of three, facts that leave no values are dropped.

``--sessions N`` plays sessions instead of single questions (see `tests.sessions`),
``--programs N`` traces numpy programs (see `tests.numpy_programs`).

What disagrees with enumeration is printed, with the command that asks it again; the exit
code is the number of disagreements (at most 100).
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from shapes.errors import ContradictionError, UndefinedError
from shapes.expr.booleans import conjunction, negation
from shapes.expr.nodes import BoolExpr, IntExpr
from shapes.facts.bounds import bounds
from shapes.facts.store import Fact, Facts
from shapes.facts.verdict import Counterexample, Status, Verdict
from shapes.prove.consistency import Model
from shapes.prove.ladder import EFFORTS, METHODS, SOLVER, Effort, prove
from shapes.queries.tight_bounds import tight_bounds
from shapes.queries.tight_residues import tight_congruence
from shapes.traversal.interpret import free_symbols
from shapes.witness.smt import Question as Script
from shapes.witness.smt import script
from tests import numpy_programs, sessions
from tests.oracle import Domains, Tree, Undefined, assignments, models, reached
from tests.strategies import (
    CIRCLES,
    DIVISIONS,
    EQUATIONS,
    EVERYTHING,
    HUGE,
    INTEGRAL,
    PLAIN,
    Question,
    Seeded,
    ask,
)

RLIMIT = 300_000
ALONE: dict[str, Effort] = {
    **{name: Effort((name,), search=0, rlimit=0) for name in METHODS},
    "search": Effort((), search=100, rlimit=0),
}
LADDERS: dict[str, Effort] = {
    **ALONE,
    SOLVER: Effort((SOLVER,), search=0, rlimit=RLIMIT),
    "all": Effort((*METHODS, SOLVER), search=100, rlimit=RLIMIT),
}
"""Each method alone, and all of them."""

CVC5 = "cvc5"
CVC5_STEPS = 4_000
QUICKLY = {"up to linear": Effort(tuple(METHODS)[:3], search=60, rlimit=0)}
WITHOUT = {"without solver": Effort(tuple(METHODS), search=100, rlimit=0)}
QUICKLY_EVERY = 2
WITHOUT_EVERY = 10
SOLVER_EVERY = 50
CVC5_EVERY = 150

SOILS = (INTEGRAL, PLAIN, DIVISIONS, EQUATIONS, HUGE, EVERYTHING, CIRCLES)


ROWS = 800
"""Assignments among which facts are looked for that hold together."""

DEPTHS = (2, 3, 2, 2, 4, 2, 3, 2, 5)
"""How deep expressions are nested, from number to number: most are shallow."""


def question_of(number: int) -> Question:
    """The question of that number, with symbols that occur and no others."""
    depth = DEPTHS[number // len(SOILS) % len(DEPTHS)]
    question = ask(Seeded(number), SOILS[number % len(SOILS)], depth)
    used = {n for tree in (*question.facts, question.claim) for n, _ in tree.symbols()}
    domains = {n: values for n, values in question.domains.items() if n in used}
    facts = question.facts
    if number % 3:
        facts = tuple(_consistent(facts, domains, number))
    return replace(question, facts=facts, domains=domains)


def _consistent(facts: Sequence[Tree], domains: Domains, number: int) -> Iterator[Tree]:
    """The facts one after the other, without those that leave nothing (of many values: of a
    sample)."""
    rng = random.Random(number)
    if math.prod(map(len, domains.values())) <= ROWS:
        rows = list(assignments(domains))
    else:
        rows = [{n: rng.choice(among) for n, among in domains.items()} for _ in range(ROWS)]
    for fact in facts:
        left = [values for values in rows if fact.known(values) is True]
        if left:
            rows = left
            yield fact


def sparse(number: int) -> dict[str, Effort | None]:
    """What a question of a long run is asked of."""
    name = list(ALONE)[number // len(SOILS) % len(ALONE)]
    chosen: dict[str, Effort | None] = {name: ALONE[name]}
    if number % QUICKLY_EVERY == 0:
        chosen.update(QUICKLY)
    if number % WITHOUT_EVERY == 0:
        chosen.update(WITHOUT)
    if number % SOLVER_EVERY == 0:
        chosen.update({name: LADDERS[name] for name in (SOLVER, "all")})
    if number % CVC5_EVERY == 0 and has_cvc5():
        chosen[CVC5] = None
    return chosen


def stated(question: Question) -> Facts:
    """The facts as an environment states them: defined and true."""
    facts = Facts()
    for fact in _facts(question):
        facts = facts.given(fact)
    return facts


def _facts(question: Question) -> Iterator[Fact]:
    for tree in question.facts:
        expr, defined = tree.spelled()
        yield Fact(conjunction(defined, expr), "assumed", str(tree))


def watched(question: Question) -> Facts:
    """The same, where statements that are seen to contradict the others are refused."""
    model, facts = Model(), Facts()
    for fact in _facts(question):
        facts = model.learned(facts, fact)
    return facts


def disagreements(
    question: Question,
    ladders: Mapping[str, Effort | None],
    seen: Counter[str] | None = None,
) -> Iterator[str]:
    """What the engine says of a question that enumeration denies; `seen` counts what was
    asked and answered."""
    seen = Counter() if seen is None else seen
    known = models(question.facts, question.domains)
    try:
        facts = watched(question)
    except ContradictionError as error:
        seen["contradictions refused at the statement"] += 1
        yield from _wrong_culprits(question, known, error)
        return
    if question.bounded and not known:
        seen["contradictions not seen at the statement"] += 1
    yield from _wrong_ranges(question, facts, known)
    meant = [(values, question.claim.known(values)) for values in known]
    defined = [(values, value) for values, value in meant if value is not Undefined]
    for name, effort in ladders.items():
        seen[f"asked of {name}"] += 1
        if effort is None:
            wrongs = _wrong_cvc5(question, facts, known, defined, seen)
        else:
            wrongs = _wrong_verdict(question, facts, defined, effort, name, seen)
        for wrong in wrongs:
            yield f"{name}: {wrong}"


def _wrong_culprits(
    question: Question, known: list[dict[str, object]], error: ContradictionError
) -> Iterator[str]:
    """Statements that are refused must have culprits that cannot hold together."""
    if known:
        yield f"facts that hold for {known[0]} are called contradictory: {error}"
        return
    blamed = {fact.spelled for fact in error.culprits}
    trees = [tree for tree in question.facts if str(tree) in blamed]
    held = models(trees, question.domains)
    if held:
        yield f"the culprits hold for {held[0]}: {error}"


def _wrong_verdict(
    question: Question,
    facts: Facts,
    defined: list[tuple[dict[str, object], object]],
    effort: Effort,
    name: str,
    seen: Counter[str],
) -> Iterator[str]:
    try:
        verdict = prove(facts, question.claim.spelled(), effort=effort)
    except (ContradictionError, UndefinedError) as error:
        if defined:
            yield f"{type(error).__name__} although it holds for {defined[0][0]}: {error}"
        return
    seen[f"{name} said {verdict.status.name}"] += 1
    yield from wrong(question, verdict, defined)


def has_cvc5() -> bool:
    """Whether cvc5 can be imported."""
    return importlib.util.find_spec("cvc5") is not None


def cvc5_answer(text: str) -> str:
    """cvc5's answer to SMT-LIB text, within a limit of its own steps."""
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("rlimit-per", str(CVC5_STEPS))
    parser = cvc5.InputParser(solver)
    text = "(set-logic ALL)\n" + text.replace("(get-model)\n", "")
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "question")
    symbols = parser.getSymbolManager()
    answers = []
    while True:
        command = parser.nextCommand()
        if command.isNull():
            return "".join(answers).strip()
        answers.append(command.invoke(solver, symbols))


def _wrong_cvc5(
    question: Question,
    facts: Facts,
    known: list[dict[str, object]],
    defined: list[tuple[dict[str, object], object]],
    seen: Counter[str],
) -> Iterator[str]:
    """What cvc5 makes of the text that the prover would give to z3."""
    claim, condition = question.claim.spelled()
    for truth in (False, True):
        goal = claim if truth else negation(claim)  # type: ignore[arg-type]
        whole = conjunction(condition, goal)
        named = {f"f!{i}": fact.claim for i, fact in enumerate(facts.connected(whole))}
        text = script(Script((whole,), tuple(named.items())), facts)
        answer = cvc5_answer(text)
        held = [values for values, value in defined if bool(value) is truth]
        seen[f"{CVC5} said {answer[:7]}"] += 1
        if answer == "unsat" and held:
            yield f"unsat, but {truth} for {held[0]}"
        # An operator that the text does not know is an unknown there, and may be anything.
        if answer == "sat" and question.bounded and known and not held and "o!" not in text:
            yield f"sat, but never {truth}"


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


SAMPLES = 120
"""Assignments from wider domains on which the facts of a proof are tried alone, and those on
which ranges are."""


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
    among = known[:: 1 + len(known) // SAMPLES]
    for tree in question.claim.nodes():
        expr, defined = tree.spelled()
        taken = reached(tree, among)
        try:
            ranges = [bounds(facts, expr)]
            residues = None
            if isinstance(expr, IntExpr):
                ranges.append(tight_bounds(facts, expr, defined).range)
                residues = tight_congruence(facts, expr, defined)
        except ContradictionError as error:
            # An expression may have no value at all although the facts are consistent.
            if taken:
                yield f"no range for {tree}, which is {taken[0]}: {error}"
            continue
        for value in taken:
            if isinstance(expr, BoolExpr) != isinstance(value, bool):
                continue
            outside = [found for found in ranges if value not in found]
            if outside:
                yield f"{tree} is {value}, outside of {outside[0]!r}"
                break
            if residues is not None and not residues.admits(value):
                yield f"{tree} is {value}, not {residues}"
                break


def run(
    questions: int, seed: int, ladders: Mapping[str, Effort | None] | None, options: str
) -> int:
    """Ask, print what is wrong, and count it."""
    started = time.perf_counter()
    bad = 0
    seen: Counter[str] = Counter()
    for count, number in enumerate(range(seed, seed + questions), 1):
        question = question_of(number)
        chosen = sparse(number) if ladders is None else ladders
        try:
            found = list(disagreements(question, chosen, seen))
        except Exception as error:  # a crash is a disagreement too
            found = [f"crashed: {type(error).__name__}: {error}"]
        if found:
            bad += 1
            shown = "\n".join(f"  {line}" for line in found[:4])
            again = f"python -m tests.fuzz --questions 1 --seed {number}{options}"
            sys.stdout.write(f"seed {number}: {again}\n{question}\n{shown}\n\n")
            sys.stdout.flush()
        if count % 1000 == 0:
            elapsed = time.perf_counter() - started
            sys.stderr.write(f"{count} questions, {bad} bad, {elapsed:.0f} s\n")
            sys.stderr.flush()
    for name, times in sorted(seen.items()):
        sys.stdout.write(f"    {times:8} {name}\n")
    sys.stdout.write(f"{questions} questions from seed {seed}: {bad} disagreements\n")
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--sessions", type=int, default=0, help="play sessions instead")
    parser.add_argument("--programs", type=int, default=0, help="trace numpy programs instead")
    parser.add_argument("--seed", type=int, default=0)
    every: dict[str, Effort | None] = {
        **EFFORTS,
        **LADDERS,
        **QUICKLY,
        **WITHOUT,
        CVC5: None,
    }
    parser.add_argument("--effort", choices=list(every), action="append")
    parser.add_argument("--sparse", action="store_true", help="for long runs")
    arguments = parser.parse_args()
    if arguments.sessions:
        return min(sessions.run(arguments.sessions, arguments.seed, sys.stdout.write), 100)
    if arguments.programs:
        found = numpy_programs.run(arguments.programs, arguments.seed, sys.stdout.write)
        return min(found, 100)
    chosen: dict[str, Effort | None] | None = {**LADDERS}
    assert chosen is not None
    if has_cvc5():
        chosen[CVC5] = None
    options = ""
    if arguments.effort:
        chosen = {name: every[name] for name in arguments.effort}
        options = "".join(f" --effort '{name}'" for name in arguments.effort)
    elif arguments.sparse:
        chosen, options = None, " --sparse"
    return min(run(arguments.questions, arguments.seed, chosen, options), 100)


if __name__ == "__main__":
    sys.exit(main())
