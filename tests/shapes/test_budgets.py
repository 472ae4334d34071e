"""Whatever text is asked about, an answer comes: budgets bound the work, in steps."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

import shapes
import shapes.env.serialize
import shapes.queries.exact_bounds
from shapes import (
    ExpressionSyntaxError,
    ShapeEnv,
    Status,
    TooLargeError,
    UndefinedError,
    evaluate,
    make,
    parse,
    show,
    symbol,
)
from shapes.base.budget import (
    ATTEMPT,
    LARGEST_BITS,
    ExhaustedError,
    attempted,
    limited,
    power_bits,
    remaining,
    spend,
)
from shapes.env.serialize import expr_from_json
from shapes.expr.nodes import BoolExpr, IntExpr
from shapes.facts.store import Facts
from shapes.prove.ladder import Effort, entails, prove
from shapes.queries.exact_bounds import EXPLAINING_STEPS, REASONS_STEPS
from shapes.traversal.definedness import defined
from shapes.traversal.printing import BRIEF_STEPS
from shapes.witness.enumeration import enumerated
from shapes.witness.smtlib import RANGE_STEPS, translated
from shapes.witness.smtlib import Question as Script
from tests.shapes.attacks import TEXTS, environment

# --------------------------------------------------------------------------- the meter


def test_what_an_inner_block_spends_counts_for_the_outer_one() -> None:
    before = remaining()
    with limited(100):
        with limited(60):
            spend(50)
            assert remaining() == 10
        assert remaining() == 50
        with pytest.raises(ExhaustedError), limited(1000):
            spend(51)
        assert remaining() < 0
    assert remaining() == before - 101


def test_a_call_is_attempted_within_its_steps_or_within_those_that_are_left() -> None:
    def spent(steps: int) -> int:
        spend(steps)
        return steps

    with limited(100):
        assert attempted(60, spent, 46) == 46
        assert remaining() == 50
        assert attempted(20, spent, 17) is None
        assert remaining() == 29
        assert attempted(29, spent, 5) == 5
        assert remaining() == 20
        with pytest.raises(ExhaustedError):
            attempted(40, spent, 17)


@pytest.mark.parametrize("left", range(ATTEMPT))
def test_there_are_steps_for_the_call_itself_or_it_is_not_made(left: int) -> None:
    with limited(left), pytest.raises(ExhaustedError):
        attempted(60, pytest.fail, "called")


def test_a_thread_has_steps_of_its_own() -> None:
    found: list[int] = []
    with limited(100):
        thread = threading.Thread(target=lambda: found.append(remaining()))
        thread.start()
        thread.join()
        spend(40)
    assert found == [sys.maxsize]


def test_power_bits_is_an_upper_bound() -> None:
    for base, exponent in itertools.product((-9, -2, -1, 0, 1, 2, 3, 255, 256), range(9)):
        assert (base**exponent).bit_length() <= power_bits(base, exponent) or exponent == 0


# --------------------------------------------------------------------------- large numbers

LARGE = [
    "2**x", "x**x", "(x**x)**x", "1 << x", "3 << x", "x << (x << x)", "2**2**2**x",
    "x**4 * 2**x", "(2**x)**2 - 1", "2**x // 3", "2**x % 7", "(1 << x) & 5", "~(1 << x)",
    "abs(-(2**x))", "Min(2**x, 3)", "Where(x > 3, 2**x, 1)", "2**x + x", "(x*x*x)**x",
]  # fmt: skip


@pytest.mark.parametrize("text", LARGE)
@pytest.mark.parametrize("value", [10**6, 10**9, 1 << 70])
def test_what_is_too_large_is_refused_before_it_is_computed(text: str, value: int) -> None:
    with pytest.raises(TooLargeError):
        evaluate(parse(text), {"x": value})


@pytest.mark.parametrize("text", LARGE)
def test_what_is_small_enough_is_computed(text: str) -> None:
    if "2**2**2" not in text and "x << (x" not in text:
        assert isinstance(evaluate(parse(text), {"x": 5}), int)


def test_too_large_is_not_undefined_in_connectives() -> None:
    huge, x = parse("2**x > 3"), symbol("x")
    for value in (10**9,):
        assert evaluate(parse("x < 3 and 2**x > 3"), {x: value}) is False
        assert evaluate(parse("x > 3 or 2**x > 3"), {x: value}) is True
        with pytest.raises(TooLargeError):
            evaluate(huge, {x: value})
        # What has no value does not decide, what is not known may.
        with pytest.raises(TooLargeError):
            evaluate(parse("1 // (x - x) > 3 and 2**x > 3"), {x: value})


def test_a_fact_that_cannot_be_evaluated_excludes_nothing() -> None:
    """Every value tried: where the claim fails, a fact that is too large to be computed may
    hold all the same."""
    x = symbol("x")
    assert isinstance(x, IntExpr)
    facts = Facts().given(x >= 10**7, x <= 10**7 + 3, parse("2**x != 7"))  # type: ignore[arg-type]
    claim = parse("x % 7 != 4")
    assert isinstance(claim, BoolExpr)
    assert any(v % 7 == 4 for v in range(10**7, 10**7 + 4))
    assert enumerated(facts, claim) is None
    assert prove(facts, claim).status is Status.DEPENDS or not prove(facts, claim).proved


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (f"(0x{'f' * 9000}*x)**4000", 9007),
        ("1 + (9**10000*x*9**10000)**4", 26),
        ("(2*x)**200000", 6),
        ("(6*x + 4*y)**200000", 12),
    ],
)
def test_coefficients_that_are_too_large_are_refused_with_their_column(
    text: str, column: int
) -> None:
    with pytest.raises(ExpressionSyntaxError, match="bits") as caught:
        parse(text)
    assert caught.value.column == column


def test_products_of_large_numbers_are_refused() -> None:
    x, large = symbol("x"), (1 << LARGEST_BITS - 10)
    assert isinstance(x, IntExpr)
    assert (x * large).terms() == {x: large}  # type: ignore[attr-defined]
    with pytest.raises(TooLargeError):
        make("Mul", x * large, large)
    with pytest.raises(TooLargeError):
        make("Mul", x * large + 1, x * large + 3)


# --------------------------------------------------------------------------- questions

QUESTIONS: dict[str, Callable[[ShapeEnv], object]] = {
    "prove": lambda env: env.prove("x**y % 7 != 3"),
    "prove nested": lambda env: env.prove("(x**y)**2 + x != 5"),
    "shift": lambda env: env.prove("(x << y) * (y << x) != 5"),
    "bounds": lambda env: env.bounds("Min(x**y, 5) + (x << y) % 3"),
    "exact": lambda env: env.bounds("Min(x**y, 5)", effort="exact"),
    "congruence": lambda env: env.congruence("4 * x**y + (x << y << y)"),
    "simplify": lambda env: env.simplify("x**y % 2 + x**y // 2 + (2**y << x)"),
    "suggest": lambda env: env.suggest("x**y <= 5"),
    "fits": lambda env: env.fits_int64("x**y - (x << y)"),
    "assume": lambda env: (env.assume("x**y % 7 != 3"), env.assume("x**y > (y << y)")),
    "tower": lambda env: env.prove("x**(x**(x**y)) >= 2**(1 << y)"),
    "consecutive": lambda env: env.prove("(x+1)*(x+2)*(x+3)*(x+4)*(x+5)*(x+6) % 720 == 0"),
    "degree": lambda env: env.prove("x**6*y + 19*x**2*y**4 + 7*x*y + x != 64200"),
}


def test_powers_of_large_ranges_are_not_computed() -> None:
    _run("""
import resource
resource.setrlimit(resource.RLIMIT_CPU, (600, 610))
from tests.shapes.test_budgets import QUESTIONS, wide
for name, question in QUESTIONS.items():
    print(name, question(wide()), flush=True)
""")


def wide() -> ShapeEnv:
    """Two symbols with ranges at whose ends powers have 2**24 and more bits."""
    env = ShapeEnv()
    env.integer("x", min=0, max=10**18)
    env.integer("y", min=0, max=16_000_000)
    return env


def _run(program: str, *arguments: str) -> str:
    root = shapes.__file__.rsplit("shapes", 1)[0]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=root, capture_output=True, text=True, check=False, timeout=3600,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stdout[-300:], done.stderr[-2000:])
    return done.stdout


def test_a_question_that_runs_out_of_steps_is_unknown_and_says_so() -> None:
    env = _dense(12, 14)
    few = Effort(("canonical", "ranges", "linear", "cases", "values"), 60, 0, steps=400)
    verdict = env.prove("s0 + s1 + s2 + s3 + s4 + s5 <= 200", effort=few)
    assert verdict.status is Status.UNKNOWN
    assert any("400 steps" in line for line in verdict.tried)
    claim = env.spelled("s0 + s1 + s2 <= 100").expr
    assert isinstance(claim, BoolExpr)
    assert entails(env.facts, claim, few) is None


def _dense(n: int, m: int) -> ShapeEnv:
    draw = random.Random(0)
    env = ShapeEnv()
    symbols = [env.integer(f"s{i}", min=-50, max=50) for i in range(n)]
    for _ in range(m):
        total = sum(draw.randint(-5, 5) * x for x in symbols)
        env.assume(total <= draw.randint(0, 60))
    return env


@pytest.mark.parametrize("n", [8, 20, 30])
def test_dense_linear_facts_are_answered_within_the_steps(n: int) -> None:
    env = _dense(n, n)
    before = remaining()
    env.prove(" + ".join(f"s{i}" for i in range(n)) + " <= 200", effort="quick")
    assert before - remaining() < 150_000


def test_asking_within_few_steps_changes_nothing() -> None:
    env = _dense(10, 12)
    claim = "s0 + 2*s1 - s3 <= 130"
    fresh = str(_dense(10, 12).prove(claim).status)
    for steps in (1, 10, 100, 1000, 10_000):
        env.prove(claim, effort=Effort(("canonical", "ranges", "linear"), 60, 0, steps=steps))
    assert str(env.prove(claim).status) == fresh


# --------------------------------------------------------------------------- residues

RESIDUES = [
    ("(x+1)*(x+2)*(x+3)*(x+4)*(x+5)*(x+6) % 720 == 0", [], True),
    ("x*(x+1)*(x+2) % 6 == 0", [], True),
    ("x*(x+1)*(x+2) % 12 == 0", [], False),
    ("(x**7 - x) % 7 == 0", [], True),
    ("(x*x + y*y) % 4 != 3", [], True),
    ("(x*x + y*y) % 4 != 2", [], False),
    ("x**2 % 8 == 1", ["x % 2 == 1"], True),
    ("x**4 % 16 <= 1", [], True),
    ("x**2 % 3 + y**2 % 4 <= 2", [], True),
    ("x**2 % 3 + y**2 % 4 <= 1", [], False),
    ("(x**2 - y**2) % 8 == 0", ["x % 2 == 1", "y % 4 == 3"], True),
    ("(x**2 - y**2) % 16 == 0", ["x % 2 == 1", "y % 4 == 3"], False),
    ("(2*x + x*x*x*x*x*x*x*x*3 - 7) % 5 != 4", [], None),
]


@pytest.mark.parametrize(("text", "facts", "always"), RESIDUES)
def test_remainders_of_polynomials_are_decided_by_residues(
    text: str, facts: list[str], always: bool | None
) -> None:
    env = ShapeEnv()
    env.integer("x")
    env.integer("y")
    for fact in facts:
        env.assume(fact)
    claim, stated = env.spelled(text).expr, [env.spelled(fact).expr for fact in facts]
    assert isinstance(claim, BoolExpr)
    broken = any(
        not evaluate(claim, {"x": x, "y": y})
        for x, y in itertools.product(range(-24, 25), repeat=2)
        if all(evaluate(fact, {"x": x, "y": y}) for fact in stated)
    )
    if always is not None:
        assert broken is not always
    proof = enumerated(env.facts, claim)
    assert (proof is not None) is not broken
    if not broken:
        verdict = env.prove(text)
        assert verdict.proved
        assert {fact.spelled for fact in (proof.facts if proof else ())} <= set(facts)


def test_random_remainders_of_polynomials() -> None:
    draw = random.Random(5)
    x, y = symbol("x"), symbol("y")
    for _ in range(300):
        m = draw.choice([2, 3, 4, 5, 6, 8, 9])
        powers = [f"{draw.randint(-9, 9)}*x**{i}*y**{draw.randint(1, 3)}" for i in range(1, 4)]
        relation = f"{draw.choice(['==', '!=', '<='])} {draw.randrange(m)}"
        claim = parse(f"({' + '.join(powers)} + {draw.randint(-9, 9)}*x) % {m} {relation}")
        assert isinstance(claim, BoolExpr)
        if claim.is_constant:
            continue
        points = itertools.product(range(m), repeat=2)
        holds = all(evaluate(claim, {x: i, y: j}) for i, j in points)
        assert (enumerated(Facts(), claim) is not None) <= holds


# --------------------------------------------------------------------------- exact bounds


def _counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked = [0]
    plain = shapes.queries.exact_bounds.prove

    def counted(*arguments: object, **named: object) -> object:
        asked[0] += 1
        return plain(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(shapes.queries.exact_bounds, "prove", counted)
    return asked


EXACT: dict[str, tuple[dict[str, tuple[int, int]], list[str], str]] = {
    "product": ({"a": (0, 40), "b": (0, 40)}, ["a + b <= 40"], "a*b"),
    "square": ({"a": (0, 300)}, [], "a*a - 50*a"),
    "remainders": ({"a": (0, 400)}, [], "a - a//3*2 + a//7"),
    "weighted": ({"a": (0, 90), "b": (0, 90)}, ["3*a + 2*b <= 100"], "2*a + 2*b"),
    "halves": ({"a": (0, 90), "b": (0, 90)}, ["a//2 + b//3 <= 20"], "a + b"),
    "difference of quotients": ({"a": (1, 30), "b": (1, 30)}, [], "a*8//b - a//b*8"),
    "shifts": ({"a": (2, 5), "b": (0, 9)}, ["2*a <= b"], "(b << a) - (a << b)"),
    "choices": ({"a": (-20, 20), "b": (-20, 20)}, ["a < b"], "Where(a > 3, b - a, a*b)"),
}


@pytest.mark.parametrize("name", EXACT)
def test_exact_bounds_hold_and_take_few_questions(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranges, facts, text = EXACT[name]
    env = ShapeEnv()
    for sym, (low, high) in ranges.items():
        env.integer(sym, min=low, max=high)
    for fact in facts:
        env.assume(fact)
    expr, stated = env.spelled(text).expr, [env.spelled(fact).expr for fact in facts]
    values = []
    for point in itertools.product(*(range(a, b + 1) for a, b in ranges.values())):
        bound = dict(zip(ranges, point))
        if all(evaluate(fact, bound) for fact in stated):
            values.append(evaluate(expr, bound))
    asked = _counted(monkeypatch)
    found = env.explain_bounds(text, effort="exact")
    lower, upper = found.range.int_bounds()
    assert lower <= min(values) <= max(values) <= upper
    assert not found.lower_exact or lower == min(values)
    assert not found.upper_exact or upper == max(values)
    assert asked[0] <= 120


def test_exact_bounds_do_not_walk(monkeypatch: pytest.MonkeyPatch) -> None:
    env = ShapeEnv()
    x = env.integer("x", min=3, max=9)
    y, z = env.integer("y", min=2, max=5), env.unbacked("z", min=-3, max=5)
    env.check(x - 3 * y == 2 * z)
    asked = _counted(monkeypatch)
    env.bounds("(x << x) * (4*y)", effort="exact")
    assert asked[0] <= 120


# --------------------------------------------------------------------------- attacks

_ATTACK = """
import sys
import threading
from tests.shapes.attacks import main
main(["250", *sys.argv[1:]])
"""

QUICK = "parse,show,decide,bounds,congruence,assume"


@pytest.mark.parametrize("part", range(2))
def test_no_text_keeps_the_engine_busy(part: int) -> None:
    """Every text, with what is asked most; the operating system ends what does not end by
    itself (it takes seconds; a machine may be slow)."""
    _run(_ATTACK, "250", QUICK, ",".join(list(TEXTS)[part::2]))


@pytest.mark.parametrize(
    ("action", "names"),
    [
        (
            "prove",
            "deep modulus,product of symbols,sum of quotients by symbols,sum of remainders",
        ),
        ("prove", "deep right shift,chain of quotients,minimum of many"),
        ("suggest", "sum of squares,huge modulus"),
        ("simplify", "sum of choices,huge modulus"),
        ("exact", "polynomial"),
        ("explain", "polynomial,maximum of quotients"),
        ("save", "deep min and max,chain of powers"),
    ],
)
def test_long_questions_end(action: str, names: str) -> None:
    _run(_ATTACK, "800", action, names)


@pytest.mark.parametrize("name", ["deep product", "deep modulus", "product of two-term sums"])
def test_products_in_products_are_not_multiplied_out_again_and_again(name: str) -> None:
    """A text of twice the length takes about twice the steps."""
    spent = []
    for size in (2_000, 4_000, 8_000):
        before = remaining()
        parse(TEXTS[name](size))
        spent.append(before - remaining())
    assert spent[1] <= 3 * spent[0] + 1000
    assert spent[2] <= 3 * spent[1] + 1000


@pytest.mark.parametrize("name", ["deep constant tower", "deep ceildiv", "huge right shift"])
def test_exact_bounds_of_what_is_too_large_hold(name: str) -> None:
    text = f"Min({TEXTS[name](800).split(' <= ')[0].split(' != ')[0]}, 5)"
    found = environment(text).explain_bounds(text, effort="exact")
    assert found.range.upper <= 5


@pytest.mark.parametrize("name", ["product of two-term sums", "product of sums of few"])
def test_reasons_of_bounds_are_sought_within_a_budget_of_their_own(name: str) -> None:
    """Without it, the steps of the range itself once more for each end."""
    text = TEXTS[name](4_000).split(" % ")[0].split(" != ")[0]
    env = environment(text)
    before = remaining()
    env.bounds(text)
    spent = before - remaining()
    env = environment(text)
    before = remaining()
    env.explain_bounds(text)
    assert before - remaining() <= 2 * spent + 2 * REASONS_STEPS + EXPLAINING_STEPS // 4


def test_numbers_of_many_digits_are_translated_for_the_solver() -> None:
    """Longer ones than Python reads without complaint."""
    env = ShapeEnv()
    env.integer("x")
    env.integer("y")
    for text in (f"x << 0x{'f' * 9000} != 5", f"(x + y*y) // 0x{'f' * 9000} != y"):
        assert env.prove(text).status is not Status.NEVER


DISJUNCTIONS: dict[str, Callable[[int], str]] = {
    "excluded values": lambda i: f"u0 != {i} or u{i + 1} == 1",
    "gaps": lambda i: f"u0 < {3 * i} or u0 > {3 * i + 1}",
    "an end that moves": lambda i: (
        f"u0 >= {i // 2}" if i % 2 else f"u0 != {i // 2} or u{i} > 1"
    ),
    "values between": lambda i: (
        f"u0 != {i * 607 % 503}" if i % 2 else f"u0 != {i} or u{i} == 1"
    ),
}


@pytest.mark.parametrize("kind", DISJUNCTIONS)
def test_disjunctions_about_one_symbol_are_stated_in_linear_steps(kind: str) -> None:
    spent = []
    for n in (200, 400, 800):
        env = ShapeEnv()
        for i in range(n + 2):
            env.unbacked(f"u{i}", min=0)
        before = remaining()
        for i in range(n):
            env.assume(DISJUNCTIONS[kind](i))
        spent.append(before - remaining())
    assert spent[2] - spent[1] <= 2.4 * (spent[1] - spent[0])


def test_gaps_of_values_far_apart_are_not_walked_through() -> None:
    """The number between is not near either."""
    env = ShapeEnv()
    x = env.integer("x")
    far = 10**40
    env.assume(f"x == 3 or x == {3 + far} or x == {3 + 3 * far}")
    assert env.congruence(x) == (far, 3)
    assert env.prove(f"x != {3 + 2 * far}").proved


def test_a_disjunction_wakes_where_one_case_is_left() -> None:
    """Every order of stating: the disjunctions, and what refutes all cases but one."""
    for n in (3, 14):
        env = ShapeEnv()
        for i in range(n + 1):
            env.unbacked(f"u{i}", min=0, max=500)
        for i in range(1, n + 1):
            env.assume(f"u0 >= {i} or u{i} == {i}")
            env.assume(f"u0 != {n + 3} or u{i} <= {i + 7}")
        env.assume("u0 <= 2")
        for i in range(3, n + 1):
            assert env.bounds(f"u{i}") == env.bounds(str(i))
        other = ShapeEnv()
        x, y = other.unbacked("x"), other.unbacked("y")
        other.assume("x != 3 or y == 4")
        other.assume("x != 4 or y == 5")
        other.assume("x % 7 == 4 or y <= 9")
        other.assume("x >= 3")
        other.assume("x <= 3")
        assert other.prove(y == 4).proved
        assert other.bounds(x).is_singleton


def test_suggestions_that_are_too_long_to_be_written_are_none() -> None:
    """A claim whose normal form shares more than can be written out."""
    text = TEXTS["deep square"](2500)
    assert all(isinstance(s.text, str) for s in environment(text).suggest(text))


def test_the_beginning_of_a_text_takes_a_bounded_number_of_steps() -> None:
    """Of sums in sums, which are as long together as the square of the text; what is short
    is written as it was."""
    text = TEXTS["chain of remainders"](9_000)
    e = environment(text).spelled(text).expr
    before = remaining()
    assert repr(e) == "<bool ...>"
    assert before - remaining() <= BRIEF_STEPS + 3_000
    with pytest.raises(TooLargeError, match="too many characters"):
        show(e)
    short = TEXTS["chain of remainders"](200)
    assert "..." not in repr(environment(short).spelled(short).expr)


def test_undefined_is_still_told_apart() -> None:
    with pytest.raises(UndefinedError) as caught:
        evaluate(parse("x // (x - x)"), {"x": 1})
    assert not isinstance(caught.value, TooLargeError)


@pytest.mark.parametrize("name", ["deep tower", "deep shift of one", "deep bits"])
def test_smtlib_text_reads_ranges_within_a_budget(name: str) -> None:
    """Each unknown's range is read from its whole node: without a budget of all of them
    together, the square of the depth."""
    spent = []
    for size in (2_000, 8_000):
        text = TEXTS[name](size)
        env = environment(text)
        before = remaining()
        assert "(check-sat-assuming" in env.smtlib(text)
        spent.append(before - remaining())
    assert spent[1] <= 5 * spent[0] + 4 * RANGE_STEPS


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("equal remainders", 9_000),
        ("long sum in a modulus", 3_000),
        ("product of sums", 500),
        ("huge modulus", 1_000),
        ("huge factor", 1_000),
    ],
)
def test_steps_of_the_solver_are_longer_among_many_divisions_and_long_factors(
    name: str, size: int
) -> None:
    text = TEXTS[name](size)
    claim = environment(text).spelled(text).expr
    assert isinstance(claim, BoolExpr)
    written, _, translator = translated(Script((claim,)), Facts(), check=False)
    assert translator.length_of_steps(written) > 1
    short, _, translator = translated(
        Script((parse("x % 7 == y // 3 and x*y <= 3"),)), Facts(), check=False
    )
    assert translator.length_of_steps(short) == 1


def test_a_power_of_a_sum_is_not_computed_to_tell_how_long_steps_are() -> None:
    lengths = []
    for exponent in (400, 10**9):
        claim = parse(f"(x + y + z)**{exponent}*w <= w*w*x")
        written, _, translator = translated(Script((claim,)), Facts(), check=False)
        lengths.append(translator.length_of_steps(written))
    assert lengths[0] == lengths[1] > 1


def test_where_something_has_a_value_is_written_within_a_budget() -> None:
    text = TEXTS["deep division by symbols"](6_000)
    claim = environment(text).spelled(text).expr
    with limited(3_000), pytest.raises(ExhaustedError):
        defined(claim)
    with limited(60_000):
        assert defined(claim) is not None


def test_a_saved_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    env = ShapeEnv()
    env.size("a")
    env.size("b")
    env.check("a % 4 == 0 and b // 3 <= 7 or a == b", "a message")
    read: list[str] = []

    def reading(data: object, symbols: object) -> object:
        read.append(str(data))
        return expr_from_json(data, symbols)  # type: ignore[arg-type]

    monkeypatch.setattr(shapes.env.serialize, "expr_from_json", reading)
    saved = env.to_json()
    assert ShapeEnv.from_json(saved).to_json() == saved
    assert len(read) == len(set(read)) > 0
