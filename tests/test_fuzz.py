"""The fuzzer: a short attack, and that it sees what is wrong. ``SEED`` in the environment asks
other questions; the same ones are asked otherwise, so that what fails is what was changed."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import pytest

from shapes import ShapeEnv
from shapes.arith import lemma_schemas
from shapes.expr.linear import shift
from shapes.facts.abstract_value import contradiction
from shapes.facts.store import Fact
from shapes.prove.consistency import Model
from tests import fuzz, numpy_programs, sessions
from tests.builds import interpreted_only
from tests.strategies import HUGE, Seeded, ask

SEED = int(os.environ.get("SEED", 20261130))


def test_a_short_attack(capsys: pytest.CaptureFixture[str]) -> None:
    bad = fuzz.run(120, SEED, None, " --sparse")
    assert bad == 0, capsys.readouterr().out


def test_short_sessions() -> None:
    written: list[str] = []
    assert sessions.run(25, SEED, written.append) == 0, "".join(written)


def test_a_few_numpy_programs() -> None:
    written: list[str] = []
    assert numpy_programs.run(6, SEED, written.append) == 0, "".join(written)


@pytest.mark.parametrize("number", [14, 82, 123, 1179])
def test_sessions_that_found_something(number: int) -> None:
    assert sessions.Session(number).run() == []


def test_a_copy_that_forgets_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(env: ShapeEnv) -> ShapeEnv:
        again = ShapeEnv.from_json(env.to_json())
        again._told.model = Model()
        return again

    monkeypatch.setattr(sessions, "COPIES", {"json": forgetful})
    assert sessions.run(6, 0, [].append) > 2


@pytest.mark.parametrize("number", range(len(fuzz.SOILS) * 2))
def test_every_soil_is_asked_of_everything(number: int) -> None:
    chosen: dict[str, Any] = {**fuzz.LADDERS, **fuzz.QUICKLY, **fuzz.WITHOUT}
    if fuzz.has_cvc5():
        chosen[fuzz.CVC5] = None
    question = fuzz.question_of(number)
    assert not list(fuzz.disagreements(question, chosen)), str(question)


def test_what_a_number_is_asked_of_depends_on_it_alone() -> None:
    asked = Counter(name for number in range(1050) for name in fuzz.sparse(number))
    assert set(asked) >= {*fuzz.LADDERS, *fuzz.QUICKLY, *fuzz.WITHOUT}
    assert fuzz.sparse(300) == fuzz.sparse(300)
    assert fuzz.question_of(300) == fuzz.question_of(300)
    alone = [asked[name] for name in fuzz.ALONE]
    assert max(alone) - min(alone) <= 7
    depths = {fuzz.DEPTHS[n // len(fuzz.SOILS) % len(fuzz.DEPTHS)] for n in range(200)}
    assert depths == {2, 3, 4, 5}


def test_huge_questions_are_about_huge_numbers() -> None:
    sizes = [
        max(abs(v) for values in ask(Seeded(n), HUGE).domains.values() for v in values)
        for n in range(40)
    ]
    assert sum(size >= 2**31 - 16 for size in sizes) > 30
    assert max(sizes) >= 10**30 - 16


def _bad(monkeypatch: pytest.MonkeyPatch, questions: int, **ladders: Any) -> int:
    written: list[str] = []
    monkeypatch.setattr(fuzz.sys.stdout, "write", written.append)
    bad = fuzz.run(questions, 500_000, ladders or None, " --effort linear")
    assert bool(bad) == any("--seed 500" in line for line in written)
    return bad


def test_a_wrong_theorem_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = lemma_schemas.SCHEMAS["floor high"]

    def wrong(*operands: Any) -> lemma_schemas.Statement:
        statement = right(*operands)
        side = statement.conclusion.args[0]
        return statement._replace(conclusion=lemma_schemas.le_zero(shift(side, 1)))  # type: ignore[arg-type]

    monkeypatch.setitem(lemma_schemas.SCHEMAS, "floor high", wrong)
    assert _bad(monkeypatch, 200, linear=fuzz.LADDERS["linear"])


@interpreted_only
def test_a_wrong_refusal_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Model, before: object, learned: object, fact: Fact) -> None:
        raise contradiction([fact])

    monkeypatch.setattr(Model, "state", refuse)
    assert _bad(monkeypatch, 20)


def test_a_crash_is_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(fuzz, "prove", crash)
    assert _bad(monkeypatch, 30)


@pytest.mark.skipif(not fuzz.has_cvc5() and not os.environ.get("CI"), reason="no cvc5")
def test_another_solver_is_compared_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[str] = Counter()
    for number in range(14):
        asked = fuzz.question_of(number)
        assert not list(fuzz.disagreements(asked, {fuzz.CVC5: None}, seen))
    assert seen["cvc5 said sat"]
    assert seen["cvc5 said unsat"]
    monkeypatch.setattr(fuzz, "cvc5_answer", lambda text: "unsat")
    assert _bad(monkeypatch, 20, cvc5=None)
