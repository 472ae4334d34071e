"""The corpus of questions: its form, its truth by enumeration, an engine never wrong on it."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shapes import UndefinedError, evaluate, parse, symbol
from shapes.prove.ladder import METHODS, Effort
from tests.corpus import grid
from tests.corpus.__main__ import main, percentile
from tests.corpus.ask import Answer, ask, fault, tier
from tests.corpus.generate import section
from tests.corpus.questions import FAMILIES, FOLDER, MARK, Question, load, read
from tests.corpus.terms import integer, read_term
from tests.corpus.verify import problem, table


def _listed(problems: Iterable[str]) -> str:
    return "\n".join(problems)


# --------------------------------------------------------------------------- form


def test_there_are_enough_questions_in_every_family() -> None:
    questions = load()
    assert len(questions) >= 1500
    assert sum(not q.generated for q in questions) >= 400
    counts = Counter(q.family for q in questions)
    assert set(counts) == set(FAMILIES)
    assert min(counts.values()) >= 40
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(FAMILIES)


def test_every_true_claim_has_a_false_neighbour() -> None:
    questions = load()
    beside = {
        (q.family, q.base) for q in questions if q.base is not None and q.verdict != "ALWAYS"
    }
    alone = [
        f"{q.place}: {q}"
        for q in questions
        if q.verdict == "ALWAYS" and (q.family, q.base or q.line) not in beside
    ]
    assert not alone, _listed(alone)


def test_no_question_stands_there_twice() -> None:
    seen: Counter[tuple[object, ...]] = Counter(
        (q.family, q.symbols, q.facts, q.claim) for q in load() if q.base is None
    )
    twice = [str(key) for key, count in seen.items() if count > 1]
    assert not twice, _listed(twice)


@pytest.mark.parametrize(
    "line",
    [
        "x >= 0 : ALWAYS @ linear",
        "x >= 0 |- x >= 0",
        "x >= 0 |- x >= 0 : SOMETIMES @ linear",
        "x >= 0 |- x >= 0 : ALWAYS @ magic",
        "    but x >= 0 : DEPENDS @ search",
    ],
)
def test_a_line_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"linear\.txt:1"):
        list(read("linear", [line]))


def test_a_neighbour_changes_one_thing() -> None:
    lines = [
        "x, y in 0..4; x <= y |- x < y + 1 : ALWAYS @ linear over 0..4",
        "    but x < y : DEPENDS @ search",
        "    but without x <= y : DEPENDS @ search",
        "    but with x <= y + 1 for x <= y : DEPENDS @ search over 0..3",
    ]
    base, claim, without, other = read("linear", lines)
    assert [s.name for s in base.symbols] == ["x", "y"]
    assert (claim.facts, claim.claim) == (("x <= y",), "x < y")
    assert (without.facts, without.claim) == ((), "x < y + 1")
    assert (other.facts, other.claim) == (("x <= y + 1",), "x < y + 1")
    assert [q.base for q in (base, claim, without, other)] == [None, 1, 1, 1]
    assert [q.windows for q in (base, claim, other)] == ["0..4", "0..4", "0..3"]


# --------------------------------------------------------------------------- truth


@pytest.mark.parametrize("family", FAMILIES)
def test_enumeration_confirms_every_answer(family: str) -> None:
    found = ((q, problem(q)) for q in load([family]))
    wrong = [f"{q.place}: {why}: {q}" for q, why in found if why is not None]
    assert not wrong, _listed(wrong)


@pytest.mark.parametrize("family", FAMILIES)
def test_generated_sections_are_reproduced(family: str) -> None:
    written = (FOLDER / f"{family}.txt").read_text(encoding="utf-8")
    assert written.partition(MARK)[2].strip("\n") == section(family).strip("\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("x <= y |- x < y : ALWAYS @ linear", "false for"),
        ("x < y |- x <= y : DEPENDS @ linear", "never false"),
        ("x < y |- x <= y : NEVER @ linear", "never false"),
        ("x < y |- y < x : DEPENDS @ linear", "never true"),
        ("|- x // y == x // y : ALWAYS @ linear", "no `if`"),
        ("|- x // y == x // y : ALWAYS if y > 0 @ linear", "is not where it is defined"),
        ("y >= 1 |- x // y == x // y : ALWAYS if y != 0 @ linear", "needs no `if`"),
        ("x < y; y < x |- x == 0 : ALWAYS @ linear", "no values satisfy"),
        ("x < y |- x == 0 : CONTRADICTION @ linear", "the facts hold"),
        ("|- x // y == 0 : UNDEFINED @ linear", "defined somewhere"),
    ],
)
def test_enumeration_finds_what_is_wrong(line: str, why: str) -> None:
    (question,) = read("linear", [line])
    assert why in (problem(question) or "")


def test_large_values_are_exact() -> None:
    columns = {"x": grid.Column("int", grid.column("int", [2**62, -(2**63)]), np.True_)}
    square = grid.evaluate(read_term("x*x - 2**126"), columns)
    assert list(square.values) == [2**124 - 2**126, 0]
    small = {"x": grid.Column("int", grid.column("int", [2**40, -3]), np.True_)}
    assert list(grid.evaluate(read_term("x*x*x"), small).values) == [2**120, -27]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_engine_reads_and_evaluates_alike(family: str) -> None:
    """On one row of each window the engine's parser and evaluation agree with the grid."""
    wrong = []
    for question in load([family]):
        columns = table(question)
        if not columns or question.verdict == "UNDEFINED":
            continue
        size = len(next(iter(columns.values())).values)
        kinds = {s.name: symbol(s.name, s.kind) for s in question.symbols}
        row = {n: _plain(columns[n].values[question.line * 37 % size]) for n in kinds}
        claim = grid.evaluate(read_term(question.claim), columns)
        expected = _at(claim.values, question.line * 37 % size)
        if not _at(claim.defined, question.line * 37 % size):
            continue
        try:
            said = evaluate(parse(question.claim, kinds), row)
        except UndefinedError as error:
            said = str(error)
        if said is not expected:
            wrong.append(f"{question.place}: {said} for {row}: {question}")
    assert not wrong, _listed(wrong)


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _at(values: np.ndarray, index: int) -> bool:
    return bool(values if np.ndim(values) == 0 else values[index])


# --------------------------------------------------------------------------- the engine


@pytest.mark.parametrize("family", FAMILIES)
def test_the_engine_is_never_wrong(family: str) -> None:
    found = ((q, fault(q, ask(q, "quick"))) for q in load([family]))
    wrong = [f"{q.place}: {why}: {q}" for q, why in found if why is not None]
    assert not wrong, _listed(wrong)


@pytest.mark.parametrize("method", METHODS)
def test_no_tier_alone_is_wrong(method: str) -> None:
    alone = Effort((method,), search=0, rlimit=0)
    found = ((q, fault(q, ask(q, alone))) for q in load()[:: 5 if method == "cases" else 3])
    wrong = [f"{q.place}: {why}: {q}" for q, why in found if why is not None]
    assert not wrong, _listed(wrong)


def _first(verdict: str) -> Question:
    return next(q for q in load(["linear"]) if q.verdict == verdict)


def test_a_wrong_answer_would_be_seen() -> None:
    true = _first("ALWAYS")
    answer = ask(true, "quick")
    assert answer.verdict is not None
    assert fault(true, replace(answer, word="DEPENDS")) == "DEPENDS, not ALWAYS"
    assert fault(true, Answer("CONTRADICTION", 0.0)) == "CONTRADICTION, not ALWAYS"
    assert fault(true, replace(answer, word="UNKNOWN")) is None
    depends = _first("DEPENDS")
    shown = ask(depends, "quick")
    assert shown.verdict is not None
    turned = replace(
        shown.verdict,
        counterexample=shown.verdict.witness,
        witness=shown.verdict.counterexample,
    )
    assert "the claim is not" in (fault(depends, replace(shown, verdict=turned)) or "")


def test_the_score_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["differences", "--effort", "quick", "--no-z3"]) == 0
    printed = capsys.readouterr().out
    assert "differences" in printed
    assert "median" in printed
    assert "without z3" in printed


def test_methods_are_counted_by_their_tier() -> None:
    assert tier("normal form") == "canonical"
    assert tier("ranges and congruences") == "ranges"
    assert tier("a known fact and z3") == "z3"
    assert tier("sorcery") == "sorcery"
    assert percentile([0.001, 0.002, 0.003], 0.5) == pytest.approx(2.0)
    assert integer("2**63 - 1") == 2**63 - 1


# --------------------------------------------------------------------------- what stays

_KEPT = """
import gc
import asserts.trace
from shapes import OPERATORS, show
from shapes.expr.hash_consing import BY_OPERANDS, BY_SIDE
from shapes.traversal.compose import composed
from shapes.traversal.evaluate import Evaluation
from shapes.traversal.interpret import free_symbols
from tests.corpus.ask import ask
from tests.corpus.questions import load
SAMPLES = {"b": True, "f": 2.5}
for op in OPERATORS.values():
    if op.simpler is not None:
        composed(Evaluation(), op, [SAMPLES.get(kind, 3) for kind in op.operands])
for question in load()[::20]:
    ask(question)
del question
gc.collect()
alive = [node() for table in (BY_OPERANDS, *BY_SIDE) for node in table.values()]
names = {show(one) for node in alive if node is not None for one in free_symbols(node)}
print(*sorted(name for name in names if not name.startswith("?")))
"""


def test_no_answer_leaves_a_symbol_behind() -> None:
    """Texts are in the order in which symbols were made: one that a table of ours keeps would
    be older than the symbols of whoever asks next. (No user's name begins with a mark.)"""
    done = subprocess.run(
        [sys.executable, "-c", _KEPT], capture_output=True, text=True, check=False,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "")
