"""The door: symbols, statements, scopes, branches; and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from shapes import (
    ContradictionError,
    DataDependentError,
    Dim,
    ExpressionSyntaxError,
    ExpressionTypeError,
    HintError,
    Max,
    Min,
    RangeError,
    ShapeEnv,
    ShapeproofError,
    Status,
    SymInt,
    UndefinedError,
    UnknownSymbolError,
    ValueRanges,
    Where,
    ceildiv,
    evaluate,
    int_oo,
)
from shapes.domains import Congruence
from shapes.expr.nodes import symbol


def state(env: ShapeEnv) -> Any:
    """Everything that a statement may change."""
    return (
        dict(env.symbols), list(env.facts), env.axioms, env.guards, env.checks,
        [env.bounds(info.symbol) for info in env.symbols.values()],
    )  # fmt: skip


@pytest.fixture
def env() -> ShapeEnv:
    made = ShapeEnv()
    made.size("b", hint=8, min=1, max=64, source="tokens.shape[0]")
    made.integer("k", hint=3, min=-4, max=int_oo)
    made.unbacked("u", size_like=True, source="nonzero")
    made.boolean("flag", hint=True)
    made.real("scale", hint=0.5)
    return made


# ---- what people type (the design's own example) ----


def test_what_people_type() -> None:
    env = ShapeEnv()
    b = env.size("b", hint=3, min=1, max=64, source="tokens.shape[0]")
    k = env.integer("k", hint=3, min=-4, max=int_oo)
    u = env.unbacked("u", size_like=True)
    env.assume(u <= 4 * b)
    env.check(u % 8 == 0, "packed by eights")
    assert env.bounds(2 * u + 1) == ValueRanges(lower=1, upper=513)
    assert env.congruence(u + 3) == (8, 3)
    v = env.prove(u // 8 * 8 == u)
    assert v.status is Status.ALWAYS
    assert v.proof is not None
    assert v.counterexample is None
    assert "always holds" in v.explain()
    assert env.prove("u < b", given=["b >= 2"]).status is Status.DEPENDS
    suggestions = env.suggest("u < b")
    assert all(env.prove("u < b", given=s.claim).proved for s in suggestions)
    with env.scope():
        env.assume(b > 16)
        assert env.bounds(b).lower == 17
    assert env.bounds(b).lower == 1
    if b > 4:
        raise AssertionError("the hint is 3")
    with pytest.raises(DataDependentError):
        bool(u > 4)
    (guard,) = env.guards
    assert str(guard) == "b <= 4"
    assert env.guard_function()(b=3) is True
    assert env.guard_function()(b=5) is False
    again = ShapeEnv.from_json(env.to_json())
    assert again.to_json() == env.to_json()
    assert isinstance(k, SymInt)
    assert str(Min(b, k)) == "Min(b, k)"
    assert env.prove(Max(b, k) >= b).proved
    assert env.prove(Where(b > k, b, k) == Max(b, k)).proved
    assert env.prove(ceildiv(b, 8) * 8 >= b).proved


# ---- symbols ----


def test_symbols_and_their_ranges(env: ShapeEnv) -> None:
    assert env.bounds("b") == ValueRanges(1, 64)
    assert env.bounds("k") == ValueRanges(-4, int_oo)
    assert env.bounds("u") == ValueRanges(0, int_oo)
    assert env.bounds("flag") == ValueRanges(False, True)
    assert env.bounds("scale").nan
    assert env["b"].expr is symbol("b")
    info = env.symbols["b"]
    assert (info.name, info.kind, info.backed, info.hint, info.size_like) == (
        "b", "int", True, 8, True
    )  # fmt: skip
    assert info.source == "tokens.shape[0]"
    assert not env.symbols["u"].backed


def test_a_size_is_never_negative() -> None:
    env = ShapeEnv()
    assert env.bounds(env.size("a")) == ValueRanges(0, int_oo)
    assert env.bounds(env.size("b", min=-7, max=9)) == ValueRanges(0, 9)
    assert env.bounds(env.unbacked("u", size_like=True, min=-3)) == ValueRanges(0, int_oo)
    with pytest.raises(RangeError):
        env.size("c", max=-1)


def test_zero_and_one_are_not_special() -> None:
    env = ShapeEnv()
    b = env.size("b", hint=5)
    assert env.prove(b >= 2).status is Status.DEPENDS
    assert env.guards == ()


def test_unbacked_symbols_get_the_next_free_name() -> None:
    env = ShapeEnv()
    env.size("u1")
    names = [str(env.unbacked()) for _ in range(3)]
    assert names == ["u0", "u2", "u3"]
    assert env.unbacked("v", kind="bool").expr.kind == "bool"
    assert env.unbacked("w", kind="float").expr.kind == "float"


def test_the_range_of_a_symbol_states_facts_with_their_origin() -> None:
    env = ShapeEnv()
    env.size("b", min=2, max=9)
    origins = {fact.spelled: fact.origin for fact in env.facts}
    assert origins == {"b >= 0": "operation", "b >= 2": "declared", "b <= 9": "declared"}


# ---- strings, expressions, symbolic values ----


def test_strings_anywhere_an_expression_is_accepted(env: ShapeEnv) -> None:
    env.assume("u <= b * 2")
    assert env.bounds("u") == ValueRanges(0, 128)
    assert env.prove("u <= 128").proved
    assert env.prove(env["u"].expr <= 128).proved
    assert env.decide("u <= 128") is True
    assert env.congruence("4 * u + 1") == Congruence(4, 1)
    assert env.prove(True).proved
    assert env.prove(False).disproved


def test_the_users_spelling_is_kept(env: ShapeEnv) -> None:
    env.assume("b*2 > u")
    assert [f.spelled for f in env.axioms][-1] == "b*2 > u"
    assert "`u   <   b*9`" in env.prove("u   <   b*9").explain()


def test_facts_given_with_a_question_stay_with_it(env: ShapeEnv) -> None:
    before = state(env)
    assert env.prove("u < 10", given="u < 5").proved
    assert env.prove("u < b", given=["u < 5", "b > 5"]).proved
    assert env.prove("u < 10", given=env["u"] < 5).proved
    with pytest.raises(ContradictionError):
        env.prove("u < 10", given=["u > 5", "u < 3"])
    assert state(env) == before


def test_inputs_stay_and_what_is_read_is_replaced() -> None:
    """Nodes are shared between environments; their age elsewhere must not matter."""
    elsewhere = ShapeEnv()
    older = elsewhere.unbacked("u0")
    env = ShapeEnv()
    u, b = env.unbacked("u1"), env.size("b")
    v = env.unbacked("u0")
    env.assume(v == b)
    env.assume(u == 2 * b + 1)
    assert older.expr is v.expr
    for known in (env.facts, ShapeEnv.from_json(env.to_json()).facts):
        assert str(known.normalized((u + v + b).expr)[0]) == "4 * b + 1"


# ---- statements ----


def test_statements_tell_who_made_them(env: ShapeEnv) -> None:
    env.assume("b != 7")
    env.contract("b % 2 == 0")
    env.guarantee("u <= 64 * b", "nonzero", node="nonzero_1")
    env.check("u % 4 == 0", "by fours")
    by_text = {fact.spelled: fact for fact in env.facts}
    assert by_text["b != 7"].origin == "assumed"
    assert by_text["b % 2 == 0"].origin == "contract"
    assert by_text["u <= 64 * b"].operation == "nonzero"
    assert by_text["u <= 64 * b"].node == "nonzero_1"
    assert by_text["u % 4 == 0"].origin == "check"
    location = by_text["b != 7"].location
    assert location is not None
    assert location.function == "test_statements_tell_who_made_them"
    (check,) = env.checks
    assert (check.text, check.message, check.origin) == ("u % 4 == 0", "by fours", "user")
    assert check.fact is by_text["u % 4 == 0"]
    assert check.fact not in env.axioms
    assert env.congruence("u") == Congruence(4, 0)


def test_a_check_includes_its_condition_of_being_defined(env: ShapeEnv) -> None:
    env.check("b // k >= 1")
    (check,) = env.checks
    assert str(check.claim) == "k != 0 and b // k >= 1"
    assert env.prove("k != 0").proved


def test_an_operation_may_state_its_checks(env: ShapeEnv) -> None:
    env.check("u == b", origin="operation", operation="add")
    (check,) = env.checks
    assert (check.origin, check.operation) == ("operation", "add")


# ---- scopes ----


def test_a_scope_forgets_everything(env: ShapeEnv) -> None:
    before = state(env)
    facts = env.facts
    with env.scope():
        env.assume("b > 16")
        env.check("u < 3")
        env.size("n", hint=4)
        assert env["b"] > 20 or True
        with env.scope():
            env.assume("k == 5")
            assert env.bounds("k") == ValueRanges(5, 5)
        assert env.bounds("k").lower == -4
        assert env.bounds("u") == ValueRanges(0, 2)
    assert state(env) == before
    assert env.facts is facts


@pytest.mark.parametrize("again", [None, "integer", "boolean"])
def test_nothing_is_stated_about_what_ended_with_its_scope(again: str | None) -> None:
    """A value may outlive its scope; what is said of it would be about no symbol of the
    environment, and an environment that was saved so could not be read."""
    env = ShapeEnv()
    x = env.integer("x", hint=3)
    with env.scope():
        y = env.integer("y", hint=2)
        whole = y // x
    if again == "boolean":
        env.boolean("y", hint=True)
    before = env.to_json()
    stated: list[Callable[[], object]] = [
        lambda: env.assume(y <= 3),
        lambda: env.contract(y + x <= 3),
        lambda: env.check(whole <= 3, "a message"),
        lambda: env.guarantee(y >= 0, "op"),
        lambda: env.prove("x > 3", given=[y > 1]),
        lambda: bool(y <= 3),
        lambda: int(y),
        lambda: bool(whole >= 1),
    ]
    if again == "integer":
        env.integer("y", hint=2)  # the same symbol, by its name
        for call in stated:
            call()
    else:
        for call in stated:
            with pytest.raises((UnknownSymbolError, DataDependentError, ExpressionTypeError)):
                call()
        assert env.to_json().split('"model"')[0] == before.split('"model"')[0]
    assert ShapeEnv.from_json(env.to_json()).to_json() == env.to_json()


def test_a_scope_forgets_when_an_error_leaves_it(env: ShapeEnv) -> None:
    before = state(env)

    def failing() -> None:
        with env.scope():
            env.assume("b > 16")
            env.assume("b < 3")

    with pytest.raises(ContradictionError):
        failing()
    assert state(env) == before


# ---- branches ----


def test_a_branch_on_an_input_records_a_guard(env: ShapeEnv) -> None:
    b = env["b"]
    assert (b > 4) if b > 4 else False
    assert not b > 20
    assert [str(g) for g in env.guards] == ["b >= 5", "b <= 20"]
    assert env.bounds(b) == ValueRanges(5, 20)
    assert env.guards[0].location is not None
    assert "b > 4" in str(env.guards[0].location)


def test_what_is_known_needs_no_guard(env: ShapeEnv) -> None:
    assert env["b"] >= 1
    assert not env["b"] > 64
    assert env["u"] + 1 > 0
    assert env.guards == ()


def test_a_branch_with_a_partial_operator_guards_its_value(env: ShapeEnv) -> None:
    assert env["b"] // env["k"] == 2
    assert str(env.guards[0]) == "k != 0 and b // k == 2"
    fresh = ShapeEnv()
    n, zero = fresh.size("n", hint=4), fresh.size("zero", hint=0)
    with pytest.raises(UndefinedError):
        bool(n // zero > 1)
    assert fresh.guards == ()


def test_flags_and_floats_branch_too(env: ShapeEnv) -> None:
    assert env["flag"]
    assert env["scale"] < 1.0
    assert env["scale"] * env["b"] >= 2
    assert str(env.guards[0]) == "flag"
    function = env.guard_function()
    assert function(flag=True, scale=0.5, b=8)
    assert not function(flag=True, scale=math.nan, b=8)


def test_a_number_in_a_branch_is_asked_for_not_being_zero(env: ShapeEnv) -> None:
    assert env["k"]
    assert [str(g) for g in env.guards] == ["k != 0"]
    assert env["b"]
    assert len(env.guards) == 1  # b is at least 1


def test_a_decision_on_an_unbacked_value_names_everything(env: ShapeEnv) -> None:
    before = state(env)
    with pytest.raises(DataDependentError) as caught:
        bool(env["u"] > env["b"] * 2)  # the line that is named
    text = str(caught.value)
    assert "cannot decide `2 * b < u` before the program runs" in text
    assert "test_shape_env.py" in text
    assert "the line that is named" in text
    assert "u from nonzero: known only when the program runs, in [0, int_oo]" in text
    assert "b from tokens.shape[0]: an input, in [1, 64]" in text
    assert "known: b <= 64  [declared range]" in text
    assert "asserts.check(2 * b < u)" in text
    assert "asserts.check(u <= 2 * b)" in text
    assert state(env) == before


def test_the_suggested_check_settles_it(env: ShapeEnv) -> None:
    u = env["u"]
    with pytest.raises(DataDependentError):
        bool(u > 4)
    env.check("u > 4")
    assert u > 4
    assert env.guards == ()


# ---- concrete values ----


def test_an_integer_is_read_with_a_guard(env: ShapeEnv) -> None:
    assert int(env["b"]) == 8
    assert list(range(env["b"])) == list(range(8))
    assert [str(g) for g in env.guards] == ["b == 8"]
    assert env.bounds("b") == ValueRanges(8, 8)


def test_a_known_integer_needs_no_guard(env: ShapeEnv) -> None:
    env.assume("u == 5")
    assert int(env["u"] * 2) == 10
    assert env.guards == ()


def test_a_cancelled_division_is_still_guarded(env: ShapeEnv) -> None:
    """The value is 0 whatever k is, but the program divides by k."""
    b, k = env["b"], env["k"]
    assert int(b // k * 0) == 0
    assert [str(g) for g in env.guards] == ["k != 0"]
    assert int(k // k) == 1


def test_a_float_is_read_with_a_guard(env: ShapeEnv) -> None:
    assert float(env["scale"] * 2) == 1.0
    assert [str(g) for g in env.guards] == ["scale * 2.0 == 1.0"]
    assert int(env["scale"] + 1.7) == 2


def test_nan_is_read_with_a_guard_of_its_own() -> None:
    env = ShapeEnv()
    t = env.real("t", hint=math.nan)
    assert math.isnan(float(t))
    function = env.guard_function()
    assert function(t=math.nan)
    assert not function(t=1.0)


def test_an_unbacked_value_cannot_be_read(env: ShapeEnv) -> None:
    with pytest.raises(DataDependentError) as caught:
        int(env["u"] + 1)
    assert "the value of `u + 1` is needed before the program runs" in str(caught.value)
    assert "asserts.check(u + 1 == <the value>)" in str(caught.value)
    with pytest.raises(DataDependentError):
        float(env.unbacked("w", kind="float"))


# ---- what is refused leaves everything as it was ----

BAD: list[tuple[str, Callable[[ShapeEnv], Any], type[Exception], str]] = [
    ("malformed text", lambda e: e.assume("b >"), ExpressionSyntaxError, "column 4"),
    ("malformed check", lambda e: e.check("b ++"), ExpressionSyntaxError, "column 5"),
    ("malformed question", lambda e: e.prove("(b"), ExpressionSyntaxError, "column 1"),
    (
        "malformed given",
        lambda e: e.prove("b > 0", given="b ="),
        ExpressionSyntaxError,
        "column 3",
    ),
    ("malformed bounds", lambda e: e.bounds("2b"), ExpressionSyntaxError, "column 2"),
    ("unknown symbol", lambda e: e.assume("w > 0"), UnknownSymbolError, "`w` \\(known: b, k"),
    ("unknown in bounds", lambda e: e.bounds("w"), UnknownSymbolError, "unknown symbol `w`"),
    ("unknown by index", lambda e: e["w"], UnknownSymbolError, "unknown symbol `w`"),
    ("unknown expression", lambda e: e.prove(symbol("w") > 0), UnknownSymbolError, "`w`"),
    (
        "another kind",
        lambda e: e.prove(symbol("b", "bool")),
        ExpressionTypeError,
        "another kind",
    ),
    ("contradiction", lambda e: e.assume("b > 64"), ContradictionError, "b <= 64"),
    ("contradictory check", lambda e: e.check("b == 0"), ContradictionError, "b >= 1"),
    ("contradictory contract", lambda e: e.contract("k < -4"), ContradictionError, "k >= -4"),
    ("never", lambda e: e.assume("b < b"), ContradictionError, "can never hold"),
    ("no square", lambda e: e.assume("k * k == -1"), ContradictionError, "can never hold"),
    ("no power", lambda e: e.check("b == -(2 ** b)"), ContradictionError, "b >= 1"),
    ("undefined", lambda e: e.assume("b // 0 == 1"), ContradictionError, "never hold"),
    (
        "empty range",
        lambda e: e.size("n", min=5, max=3),
        RangeError,
        "`n` is empty: 5 is above 3",
    ),
    ("no integer", lambda e: e.integer("n", min=int_oo), RangeError, "`n` is empty"),
    ("range of text", lambda e: e.size("n", min="3"), RangeError, "'3', not an integer"),  # type: ignore[arg-type]
    ("range of None", lambda e: e.size("n", min=None), RangeError, "None, not an integer"),  # type: ignore[arg-type]
    ("range of floats", lambda e: e.size("n", max=3.0), RangeError, "3.0, not an integer"),  # type: ignore[arg-type]
    ("infinite float", lambda e: e.size("n", max=math.inf), RangeError, "inf, not an"),  # type: ignore[arg-type]
    (
        "range of a flag",
        lambda e: e.unbacked("n", kind="bool", max=3),
        RangeError,
        "not an integer",
    ),
    ("size-like text", lambda e: e.unbacked("n", size_like=True, min="1"), RangeError, "'1'"),  # type: ignore[arg-type]
    (
        "hint outside",
        lambda e: e.size("n", hint=9, max=8),
        HintError,
        "9 of `n` is outside of",
    ),
    ("negative hint", lambda e: e.size("n", hint=-1), HintError, "-1 of `n`"),
    ("hint of text", lambda e: e.size("n", hint="8"), HintError, "'8', not an integer"),  # type: ignore[arg-type]
    ("hint of a float", lambda e: e.integer("n", hint=2.0), HintError, "2.0"),  # type: ignore[arg-type]
    ("hint of a flag", lambda e: e.boolean("n", hint=3), HintError, "3, not a bool"),  # type: ignore[arg-type]
    ("hint of a real", lambda e: e.real("n", hint="3"), HintError, "'3', not a float"),  # type: ignore[arg-type]
    ("a flag for a size", lambda e: e.size("n", hint=True), HintError, "True"),
    ("the name again", lambda e: e.size("b"), ExpressionTypeError, "a symbol `b` already"),
    ("no name", lambda e: e.size("2x"), ExpressionTypeError, "'2x' cannot be the name"),
    ("a keyword", lambda e: e.size("if"), ExpressionTypeError, "'if'"),
    ("a function's name", lambda e: e.size("Min"), ExpressionTypeError, "'Min'"),
    ("a number for a name", lambda e: e.size(7), ExpressionTypeError, "7 cannot be"),  # type: ignore[arg-type]
    (
        "another kind of symbol",
        lambda e: e.unbacked("n", kind="real"),
        ShapeproofError,
        "real",
    ),  # type: ignore[arg-type]
    (
        "a source",
        lambda e: e.size("n", source=5),
        ExpressionTypeError,
        "source of `n` is text, not int",
    ),  # type: ignore[arg-type]
    (
        "a message",
        lambda e: e.check("b > 2", 5),
        ExpressionTypeError,
        "a message is text, not int",
    ),  # type: ignore[arg-type]
    (
        "no condition",
        lambda e: e.assume("b + 1"),
        ExpressionTypeError,
        "`b \\+ 1` is not a condition",
    ),
    ("no condition asked", lambda e: e.prove("b"), ExpressionTypeError, "`b` is not a condition"),
    (
        "no integer asked",
        lambda e: e.congruence("b > 1"),
        ExpressionTypeError,
        "not an integer",
    ),
    ("nothing", lambda e: e.assume(None), ExpressionTypeError, "None"),  # type: ignore[arg-type]
    ("no effort", lambda e: e.prove("b > 2", effort="huge"), ValueError, "'huge'"),
    ("never a value", lambda e: e.prove("b // 0 > 1"), UndefinedError, "never has a value"),
    (
        "a foreign symbol",
        lambda e: e.assume(ShapeEnv().size("b") > 2),
        ExpressionTypeError,
        "another environment",
    ),
    (
        "mixed environments",
        lambda e: e["b"] + ShapeEnv().size("c"),
        ExpressionTypeError,
        "another environment",
    ),
]


@pytest.mark.parametrize(
    ("bad", "error", "text"), [c[1:] for c in BAD], ids=[c[0] for c in BAD]
)
def test_bad_input_has_one_clear_error_and_changes_nothing(
    env: ShapeEnv, bad: Callable[[ShapeEnv], Any], error: type[Exception], text: str
) -> None:
    before = state(env)
    facts = env.facts
    with pytest.raises(error, match=text) as caught:
        bad(env)
    assert isinstance(caught.value, (ShapeproofError, ValueError))
    assert state(env) == before
    assert env.facts is facts
    env.size("n")  # a refused name is still free


def test_contradictions_name_their_culprits(env: ShapeEnv) -> None:
    env.assume("u <= 2 * b")
    env.contract("k >= 300")
    with pytest.raises(ContradictionError) as caught:
        env.check("u >= k")
    culprits = [fact.spelled for fact in caught.value.culprits]
    assert set(culprits) == {"b <= 64", "u <= 2 * b", "k >= 300", "u >= k"}
    assert culprits[-1] == "u >= k"


# ---- dimensions ----


def test_dimensions() -> None:
    assert Dim("batch", min=1, max=64, hint=8).max == 64
    with pytest.raises(RangeError, match="empty"):
        Dim("batch", min=5, max=3)
    with pytest.raises(RangeError, match="as small as -1"):
        Dim("batch", min=-1)
    with pytest.raises(HintError, match="outside"):
        Dim("batch", max=3, hint=8)


# ---- costs ----


def test_a_scope_costs_nothing_and_questions_touch_what_is_connected() -> None:
    from tests.shapes.expr.test_nodes import calls

    def asking(n: int) -> int:
        env = ShapeEnv()
        for i in range(n):
            env.size(f"n{i}", min=1, max=100)
            env.unbacked(f"u{i}", size_like=True)
            env.assume(f"u{i} <= 2 * n{i}")
        with env.scope():
            env.assume("n3 >= 7")
        return calls(
            lambda: (env.prove("u3 <= 200"), env.bounds("u4"), env.scope().__enter__())
        )

    few, many = asking(20), asking(200)
    assert many < 1.5 * few


@pytest.mark.parametrize("said", [5, b"text", ["text"], object()])
def test_what_is_said_is_text(said: Any) -> None:
    env = ShapeEnv()
    env.size("n")
    for call in (
        lambda: env.size("k", source=said),
        lambda: env.check("n > 1", said),
        lambda: env.check("n > 1", operation=said),
        lambda: env.check("n > 1", origin=said),
        lambda: env.check("n > 1", written=said),
        lambda: env.guarantee("n > 1", said),
        lambda: env.guarantee("n > 1", "op", node=said),
    ):
        with pytest.raises(ExpressionTypeError, match="is text, not"):
            call()
    assert len(env.facts) == 1
    assert list(env.symbols) == ["n"]


@pytest.mark.parametrize(
    "text", ["x // (x - x)", "x // z", "x % z + 1", "1 << (-1 - x)", "2**(-1 - x) + x"]
)
def test_a_part_without_a_value_is_left_by_itself(text: str) -> None:
    env = ShapeEnv()
    env.integer("x", min=0, max=9)
    env.integer("z")
    env.assume("z == 0")
    simplified = env.spelled(env.simplify(text))
    for x in range(10):
        with pytest.raises(UndefinedError):
            evaluate(simplified.expr, {"x": x, "z": 0})
    assert env.fits_int64(text)
    with pytest.raises(UndefinedError, match="never has a value"):
        env.prove(f"{text} >= 0")
    assert str(env.simplify(f"({text}) % 4 // 4")) == "0"  # (around it, nothing is promised)
