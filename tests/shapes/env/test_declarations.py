"""Declarations become facts when facts are asked for: nobody sees the difference."""

from __future__ import annotations

import copy
import sys
import threading
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes import ContradictionError, Fact, Facts, ShapeEnv, ValueRanges, int_oo, symbol
from shapes.base.location import Location, SaidAt
from shapes.errors import HintError, RangeError
from shapes.expr import equal
from shapes.prove import prove

NAMES = "abcd"
ENDS = st.one_of(st.none(), st.integers(-3, 6))


@st.composite
def declared(draw: Any) -> tuple[str, str, Any, Any, Any]:
    """How a symbol is declared: its kind, its name, its ends and its example."""
    kind = draw(st.sampled_from(("size", "integer", "unbacked", "sizelike", "boolean")))
    low, high = sorted((draw(st.integers(-3, 6)), draw(st.integers(-3, 6))))
    return (
        kind,
        draw(st.sampled_from(NAMES)),
        draw(st.sampled_from((None, low))),
        draw(st.sampled_from((None, high))),
        draw(st.sampled_from((None, low, high, 9))),
    )


STATEMENTS = ("a <= b", "a == b", "b == c + 1", "a + d == 4", "c != 2", "a % 2 == 1", "b <= 3",
              "a >= 1", "d - a <= 2", "Min(a, c) >= 2")  # fmt: skip
SCRIPTS = st.lists(
    st.one_of(declared(), st.sampled_from(STATEMENTS), st.just("scope"), st.just("end")),
    max_size=14,
)


def declare(env: ShapeEnv, how: tuple[str, str, Any, Any, Any]) -> None:
    kind, name, low, high, hint = how
    most = int_oo if high is None else high
    if kind == "size":
        env.size(name, hint=hint, min=0 if low is None else low, max=most)
    elif kind == "integer":
        env.integer(name, hint=hint, min=-int_oo if low is None else low, max=most)
    elif kind == "boolean":
        env.boolean(name)
    else:
        env.unbacked(name, size_like=kind == "sizelike", min=low, max=high)


def run(script: list[Any], then: Callable[[ShapeEnv], object]) -> list[str]:
    """What a script leaves behind, with something done after each declaration."""
    env = ShapeEnv()
    scopes: list[Any] = []
    log: list[str] = []
    for step in script:
        try:
            if step == "scope":
                scopes.append(env.scope())
                scopes[-1].__enter__()
            elif step == "end":
                if scopes:
                    scopes.pop().__exit__(None, None, None)
            elif isinstance(step, str):
                env.check(step)
            else:
                declare(env, step)
                env = then(env) or env  # type: ignore[assignment]
        except Exception as error:
            log.append(f"{type(error).__name__}: {error}")
    log.append(env.to_json())
    log.append(str([str(fact) for fact in env.axioms]))
    log.append(str([(str(f), f.origin) for f in env.facts]))
    for name in env.symbols:
        if env.symbols[name].kind == "int":
            log.append(f"{name}: {env.bounds(name)} {env.congruence(name)}")
            log.append(str(env.explain_bounds(name)))
            log.append(env.prove(f"{name} >= 2").explain())
    return log


@settings(max_examples=150, deadline=None)
@given(SCRIPTS)
def test_declared_late_is_declared_at_once(script: list[Any]) -> None:
    late = run(script, lambda env: None)
    assert run(script, lambda env: env.facts and None) == late
    assert run(script, lambda env: str(env.axioms) and None) == late


@settings(max_examples=60, deadline=None)
@given(st.lists(declared(), max_size=4))
def test_copies_and_files_have_what_waits(script: list[Any]) -> None:
    plain = run(script, lambda env: None)
    assert run([*script], copy.copy) == plain
    assert run([*script], lambda env: ShapeEnv.from_json(env.to_json())) == plain


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), ENDS, ENDS), max_size=6))
def test_several_at_once_are_one_after_the_other(ranges: list[Any]) -> None:
    """Of symbols about which something is known, too, contradictions included."""
    a, b, c, d = (symbol(name) for name in NAMES)
    for known in ([], [a <= b, c >= 4], [equal(a, b), equal(d, c + 1)]):
        base = Facts().given(*map(Fact, known))
        together, one_by_one = [], base
        for place, (name, low, high) in enumerate(ranges):
            x = symbol(name)
            ends = [Fact(x >= low)] if low is not None else []
            ends += [Fact(x <= high)] if high is not None else []
            together.append((x, True, place, ends))
        try:
            for entry in together:
                one_by_one = one_by_one.declaring(*entry)
        except ContradictionError as error:
            with pytest.raises(ContradictionError) as found:
                base.with_each(together)
            assert [f.claim for f in found.value.culprits] == [f.claim for f in error.culprits]
            continue
        if not together:
            continue
        at_once = base.with_each(together)
        assert list(at_once) == list(one_by_one)
        for x in (a, b, c, d):
            assert at_once.knowledge(x) == one_by_one.knowledge(x)


def test_what_is_refused_is_refused_at_once() -> None:
    env = ShapeEnv()
    with pytest.raises(RangeError):
        env.size("a", min=3, max=2)
    with pytest.raises(HintError):
        env.size("a", hint=5, max=4)
    assert not env.symbols
    assert not env.axioms


def test_where_it_was_said_is_noted_at_once() -> None:
    env = ShapeEnv()
    with SaidAt(Location("--size", 0, "")):
        env.size("n", min=1)
    assert [str(f.location) for f in env.axioms if f.location] == ["from --size"]


def test_what_a_scope_declared_is_gone() -> None:
    env = ShapeEnv()
    n = env.size("n", min=2)
    with env.scope():
        env.size("m", min=3)
    env.check(n <= 7)
    assert [f.spelled for f in env.facts] == ["n >= 0", "n >= 2", "n <= 7"]
    assert [f.spelled for f in env.axioms] == ["n >= 0", "n >= 2"]


def test_threads_declare_once() -> None:
    for _ in range(20):
        env = ShapeEnv()
        for i in range(50):
            env.size(f"x{i}", min=1)
        seen: list[int] = []
        threads = [
            threading.Thread(target=lambda e=env, s=seen: s.append(len(e.facts)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert seen == [100] * 4
        assert len(env.axioms) == 100


def test_threads_that_share_an_environment_lose_nothing() -> None:
    """Declarations, names, checks, axioms and questions at once: each symbol is one value,
    each statement is known, and the environment can be saved."""
    env = ShapeEnv()
    named: list[str] = []

    def state(number: int) -> None:
        for i in range(30):
            size = env.size(f"s{number}_{i}", min=1)
            env.check(size <= 50 + i, "a message")
            unbacked = env.unbacked(max=9)
            named.append(str(unbacked))
            env.assume(unbacked % 2 == 0)
            assert env.prove(unbacked <= 8).proved
            assert env.bounds(size) == ValueRanges(1, 50 + i)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=state, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(named) == len(set(named)) == 180
    assert len(env.symbols) == 360
    assert len(env.checks) == 180
    assert sum(f.origin == "check" for f in env.facts) == 180
    assert sum(f.spelled.endswith("% 2 == 0") for f in env.axioms) == 180
    again = ShapeEnv.from_json(env.to_json())
    assert [f.claim for f in again.facts] == [f.claim for f in env.facts]
    for name in env.symbols:
        assert again.bounds(name) == env.bounds(name)


VALUES = range(-4, 7)


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(*[st.integers(-4, 6)] * 4),
    st.sampled_from((1, -1)),
    st.integers(-3, 3),
    st.sampled_from(("x", "y")),
)
def test_what_is_equal_shares_its_range(
    ends: tuple[int, ...], sign: int, shift: int, last: str
) -> None:
    """``x == sign*y + shift`` under ranges of both, whichever is solved for: all values that
    there are lie in the ranges, which are as narrow as they can be, and rest on facts that
    suffice."""
    env = ShapeEnv()
    for name in sorted("xy", key=lambda n: n == last):
        low, high = sorted(ends[:2] if name == "x" else ends[2:])
        env.integer(name, min=low, max=high)
    lows = {name: sorted(ends[:2] if name == "x" else ends[2:]) for name in "xy"}
    x, y = env["x"], env["y"]
    pairs = [
        (a, b)
        for a, b in product(VALUES, VALUES)
        if lows["x"][0] <= a <= lows["x"][1] and lows["y"][0] <= b <= lows["y"][1]
        if a == sign * b + shift
    ]
    if not pairs:
        with pytest.raises(ContradictionError):
            env.assume(x == sign * y + shift)
        return
    env.assume(x == sign * y + shift)
    for value, column in ((x, 0), (y, 1)):
        reached = [pair[column] for pair in pairs]
        found = env.explain_bounds(value)
        assert found.range.int_bounds() == (min(reached), max(reached))
        for end, facts in ((value >= min(reached), found.lower_reasons),
                           (value <= max(reached), found.upper_reasons)):  # fmt: skip
            alone = Facts().given(*facts)
            claim = end if isinstance(end, bool) else end.expr
            if claim is not True:
                assert prove(alone, claim).proved
