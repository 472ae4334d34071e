"""Numbers of any length as text: nothing that shows one fails, and what is shown is read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import Congruence, Dim, RangeError, ShapeEnv, ValueRanges, evaluate, parse, show
from shapes.base.digits import decimal, digits, excerpt, read_decimal, short, written

HUGE = 10**5000


@given(st.integers(-(10**1500), 10**1500))
def test_decimal_text_is_python_s(value: int) -> None:
    assert decimal(value) == str(value)
    assert read_decimal(decimal(value)) == value


def test_decimal_text_of_any_length() -> None:
    for value in (HUGE, -HUGE, HUGE - 1, 10**9999 + 7, 2**40_000):
        text = decimal(value)
        assert read_decimal(text) == value
        assert set(text) <= set("-0123456789")
    assert decimal(HUGE) == "1" + "0" * 5000


@pytest.mark.parametrize("value", [0, -1, 10**4000, HUGE, -HUGE, 3**100_000], ids=short)
def test_exact_text_is_read_by_the_grammar(value: int) -> None:
    assert parse(digits(value)).value == value
    assert parse(show(parse(f"x + {digits(value)}"))) is parse(f"x + {digits(value)}")


def test_what_is_short_stays_as_it_is() -> None:
    assert short(10**40) == str(10**40)
    assert short(HUGE).endswith("... (16610 bits)")
    assert (short(True), short(2.5), written("x")) == ("True", "2.5", "'x'")
    assert len(excerpt([HUGE])) <= 60


def shown(env: ShapeEnv) -> Iterator[Callable[[], Any]]:
    """Everything that shows something."""
    n = env["n"]
    yield from (
        lambda: str(env), lambda: repr(env), env._repr_html_, lambda: repr(env.bounds("n")),
        lambda: str(env.bounds("n * n")), lambda: str(env.explain_bounds("n")),
        lambda: repr(env.explain_bounds("n")), lambda: str(env.prove(n < 10**4999)),
        lambda: repr(env.prove(n < 10**4999)), lambda: str(env.prove(f"n <= {HUGE:#x}")),
        lambda: env.prove("n <= 10**4999")._repr_html_(), lambda: repr(n + HUGE),
        lambda: (n * HUGE)._repr_html_(), lambda: str(env.congruence(n * HUGE)),
        lambda: repr(env.fits_int64(n * HUGE)), lambda: str(env.suggest("n <= 10**4000")),
        lambda: env.smtlib(n * HUGE >= 10**4998), lambda: env.to_json(),
        lambda: [str(fact) for fact in env.facts], lambda: repr(env.facts),
        lambda: str(env.check(n * HUGE >= 0, "long")), lambda: [c.text for c in env.checks],
        lambda: repr(Dim("a", max=HUGE)), lambda: repr(Congruence(HUGE, HUGE - 1)),
        lambda: str(env.simplify("Max(n, 10**5000) + n")), lambda: repr(env.checks),
    )  # fmt: skip


@pytest.fixture
def env() -> ShapeEnv:
    env = ShapeEnv()
    env.size("n", hint=10**4998, max=10**6000)
    env.assume("n < 10**5000")
    assert env["n"] > 10**4500
    return env


@pytest.mark.parametrize("place", range(26))
def test_nothing_that_shows_a_number_fails(env: ShapeEnv, place: int) -> None:
    assert list(shown(env))[place]() is not None


def test_nothing_fails_under_a_lower_limit(env: ShapeEnv) -> None:
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        for one in shown(env):
            assert one() is not None
        assert parse("1" * 3000).value == (10**3000 - 1) // 9
    finally:
        sys.set_int_max_str_digits(before)


def test_long_numbers_are_saved_and_guarded(env: ShapeEnv) -> None:
    again = ShapeEnv.from_json(env.to_json())
    assert again.symbols["n"].hint == 10**4998
    assert again.bounds("n") == env.bounds("n")
    guard = env.guard_function()
    assert guard(n=10**4998)
    assert not guard(n=10**4000)
    assert "(16" not in guard.explain(n=10**4000)  # type: ignore[operator]
    with pytest.raises(Exception, match="n is '3'"):
        guard(n="3")


def test_solvers_read_long_numbers() -> None:
    env = ShapeEnv()
    n = env.integer("n")
    env.assume(n * n * n >= HUGE)
    verdict = env.prove(n * n >= 0)
    assert verdict
    assert evaluate(n.expr * HUGE, {"n": 2}) == 2 * HUGE


def test_errors_name_long_numbers() -> None:
    env = ShapeEnv()
    for call in (
        lambda: env.size("a", min=HUGE, max=1),
        lambda: ValueRanges(HUGE, 1),
        lambda: Dim("a", min=-HUGE),
    ):
        with pytest.raises(RangeError):
            call()
