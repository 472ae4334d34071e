"""Which checks stay where others imply them, judged by brute force over small programs."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import asserts
from asserts.conditions.known import Statement
from asserts.conditions.report import Report
from asserts.dialects.numpy.graph import assert_holds
from asserts.errors import RuntimeAssertionError
from asserts.graph.equality import explain_difference
from asserts.graph.module import GraphModule
from asserts.passes.discharge import Policy, discharge, obligations_of
from asserts.passes.premises import NOTHING
from asserts.trace import Spec, trace
from shapes import ShapeEnv
from shapes.errors import ContradictionError
from shapes.expr import BoolExpr
from shapes.traversal import parse

NAMES = ("a", "b", "c")
AXIS = np.arange(-12, 13)
GRID = dict(zip(NAMES, np.meshgrid(AXIS, AXIS, AXIS, indexing="ij")))

Line = tuple[tuple[int, int, int], str, int]


def _text(line: Line) -> str:
    coefficients, relation, k = line
    terms = " + ".join(f"{c}*{name}" for c, name in zip(coefficients, NAMES) if c)
    return f"{terms} {relation} {k}"


def _holds(line: Line) -> np.ndarray:
    coefficients, relation, k = line
    total = sum(c * GRID[name] for c, name in zip(coefficients, NAMES))
    return total <= k if relation == "<=" else total == k


LINES = st.tuples(
    st.tuples(*[st.integers(-1, 1)] * 3).filter(any),
    st.sampled_from(("<=", "<=", "<=", "==")),
    st.integers(-2, 3),
)


def _decided(
    lines: list[Line], places: list[int], one_stretch: bool, policy: Policy
) -> list[tuple[int, int, bool]] | None:
    """For every line that is no contradiction: its number, its point, and whether it stays."""
    env = ShapeEnv()
    for name in NAMES:
        env.unbacked(name)
    number: dict[str, int] = {}
    for index, line in enumerate(lines):
        try:
            env.check(_text(line), f"check {index}")
        except ContradictionError:
            return None
    placed = [
        (places[index], obligation) for index, obligation in enumerate(obligations_of(env))
    ]
    for index, (_, obligation) in enumerate(placed):
        number[obligation.message or ""] = index
    decisions = discharge(
        env,
        placed,
        lambda _: 0,
        policy=policy,
        stretch_of=(lambda _: 1) if one_stretch else (lambda point: point),
    )
    return [(number[d.obligation.message or ""], d.point, d.proof is None) for d in decisions]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(LINES, min_size=2, max_size=6),
    st.lists(st.integers(1, 3), min_size=6, max_size=6),
    st.booleans(),
    st.sampled_from(("strict", "preserve-user")),
)
def test_what_stays_is_irredundant_and_the_first_written(
    lines: list[Line], places: list[int], one_stretch: bool, policy: Policy
) -> None:
    found = _decided(lines, places, one_stretch, policy)
    if found is None:
        return
    truth = [_holds(line) for line in lines]
    everything = np.ones_like(truth[0])

    def together(numbers: list[int]) -> np.ndarray:
        return np.logical_and.reduce([everything, *(truth[n] for n in numbers)])

    if not together(list(range(len(lines)))).any():
        return  # a contradiction (or one as far as the box shows)

    kept = [n for n, _, stays in found if stays]
    assert (together(kept) == together(list(range(len(lines))))).all()
    points = {n: point for n, point, _ in found}

    def before(n: int) -> list[int]:
        if one_stretch:
            return [m for m in kept if m != n]
        return [m for m in kept if m != n and points[m] <= points[n]]

    for n in kept:
        assert not (together(before(n)) <= truth[n]).all(), ("implied", _text(lines[n]))
    for n, point, stays in found:
        if stays:
            continue
        assert (together(before(n)) <= truth[n]).all()
        for later in kept:
            # Of two that can stand for each other, the first written stays.
            if later > n and (one_stretch or points[later] == point):
                swapped = together([*before(later), n])
                assert not (swapped <= truth[later]).all(), (
                    _text(lines[n]),
                    _text(lines[later]),
                )


def test_a_smaller_set_is_taken_although_its_checks_were_written_later() -> None:
    lines: list[Line] = [((1, -1, 0), "<=", 0), ((-1, 1, 0), "<=", 0), ((1, -1, 0), "==", 0)]

    found = _decided(lines, [1, 1, 1], True, "preserve-user")

    assert found is not None
    assert [n for n, _, stays in found if stays] == [2]


# --------------------------------------------------------------------------- real programs


def _kept(report: Report) -> list[str | None]:
    return [
        row.message
        for row in report
        if row.outcome == "inserted" and row.stated_by == "the program"
    ]


def _same_check_twice(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    asserts.check(x.shape[0] != 0, "first")
    z = np.exp(x)
    asserts.check(x.shape[0] != 0, "second")
    return z + counts.sum()


def _weaker_written_first(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    asserts.check(x.shape[0] >= 1, "weak")
    asserts.check(x.shape[0] >= 2, "strong")
    return x + counts.sum()


def _two_counts(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    a, b = int(counts[0]), int(counts[1])
    asserts.check(b >= 0, "b")
    asserts.check(a >= 0, "a")
    asserts.check(a + b == x.shape[0], "sum")
    asserts.check(a <= x.shape[0], "implied")
    return x[:a].sum() + x[a:].sum()


def _two_counts_the_other_way(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    a, b = int(counts[0]), int(counts[1])
    asserts.check(a <= x.shape[0], "rows")
    asserts.check(a + b == x.shape[0], "sum")
    asserts.check(a >= 0, "a")
    asserts.check(b >= 0, "implied")
    return x[:a].sum() + x[a:].sum()


def _an_effect_in_between(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    a = int(counts[0])
    asserts.check(a <= x.shape[0], "rows")
    head = x[:a]  # made with a, before b is read
    b = int(counts[1] + int(head.sum()))
    asserts.check(b >= 0, "b")
    asserts.check(a + b == x.shape[0], "sum")
    return head


def _read_through_arithmetic(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    a, b = int(counts[0]), int((counts * 2)[1])
    asserts.check(b >= 0, "b")
    asserts.check(a + b <= x.shape[0], "sum")
    asserts.check(a <= x.shape[0], "implied")
    return x[:a]


@pytest.mark.parametrize(
    ("program", "kept"),
    [
        (_same_check_twice, ["first"]),
        (_weaker_written_first, ["strong"]),
        (_two_counts, ["a", "b", "sum"]),
        (_two_counts_the_other_way, ["a", "rows", "sum"]),
        (_an_effect_in_between, ["rows", "b", "sum"]),
        (_read_through_arithmetic, ["b", "sum"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_which_check_stays(program: Callable[..., object], kept: list[str]) -> None:
    result = asserts.insert(trace(program, x=("n",), counts=Spec((2,), "int64")))

    assert _kept(result.report) == kept
    again = asserts.insert(result.program)
    assert not again.modified


@pytest.mark.parametrize("program", [_two_counts, _two_counts_the_other_way])
def test_the_same_inputs_are_accepted(program: Callable[..., object]) -> None:
    result = asserts.insert(trace(program, x=("n",), counts=Spec((2,), "int64")))
    for n, a, b in itertools.product(range(4), range(-2, 5), range(-2, 5)):
        x, counts = np.ones(n), np.array([a, b])
        right = a >= 0 and b >= 0 and a + b == n
        try:
            result.program(x, counts)
        except asserts.RuntimeAssertionError:
            assert not right, (n, a, b)
        else:
            assert right, (n, a, b)


def _running_ends(where: str) -> Callable[..., object]:
    """Counts whose sum is the number of rows, so the end of every part is within them; the
    sum is checked before the ends, behind them, or before the counts."""

    def program(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
        ns = [int(c) for c in counts]
        start, parts = 0, []
        if where == "first":
            asserts.check(sum(ns) == x.shape[0])
        for n in ns:
            asserts.check(n >= 0)
        if where == "before":
            asserts.check(sum(ns) == x.shape[0])
        for n in ns:
            end = start + n
            asserts.check(end <= x.shape[0])
            parts.append(x[start:end])
            start = end
        if where == "behind":
            asserts.check(sum(ns) == x.shape[0])
        return np.concatenate(parts)

    return program


@pytest.mark.parametrize("where", ["first", "before", "behind"])
@pytest.mark.parametrize("n", [3, 12, 60])
def test_running_ends_follow_from_the_sum(where: str, n: int) -> None:
    program = trace(_running_ends(where), x=("n",), counts=Spec((n,), "int64"))

    kept = _kept(asserts.insert(program).report)

    assert len(kept) == n + 1


def _within_the_rows(x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Twice as many checks that nothing implies, then as many that the sum implies."""
    ns = [int(c) for c in counts]
    for n in ns:
        asserts.check(n >= 0)
        asserts.check(n <= 8)
    asserts.check(sum(ns) == x.shape[0])
    for n in ns:
        asserts.check(n <= x.shape[0])
    return x


@pytest.mark.parametrize("n", [13, 40])
def test_what_many_checks_imply_is_found_behind_many_that_nothing_implies(
    n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asserts.passes.redundant.EXACT", n)  # (more would be left)
    monkeypatch.setattr("asserts.conditions.known.LOCAL_FACTS", n)
    program = trace(_within_the_rows, x=("n",), counts=Spec((n,), "int64"))

    kept = _kept(asserts.insert(program).report)

    assert len(kept) == 2 * n + 1


# --------------------------------------------------------------------------- order of writing


def _same_sides(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    n = int(y.sum())
    y = y[:n]
    asserts.check(n + n == y.shape[0], "half")
    return x[: y.shape[0]]


def _needs_a_later_check(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    a, b = x.shape[0], y.shape[0]
    asserts.check(b % a == 0, "exact")
    asserts.check(a == a**2 + a * b + a**2 * (b // a) + a * b * (b // a), "single")
    return x


def _guarded_by_implication(x: np.ndarray, y: np.ndarray) -> int:
    a, b = x.shape[0], y.shape[0]
    asserts.check(b >= 2, "two")
    quotient = b // a
    asserts.check(a // b >= 5, "wide")
    return quotient


PROGRAMS = [_same_sides, _needs_a_later_check, _guarded_by_implication]


def _traced(function: Callable[..., object]) -> GraphModule:
    specs = {name: Spec((size,), "int8") for name, size in (("x", "a"), ("y", "b"))}
    return trace(function, **specs)


def _asserts(program: GraphModule) -> int:
    return sum(node.target is assert_holds for node in program.graph.nodes)


@pytest.mark.parametrize("policy", ["keep-all", "preserve-user", "strict"])
@pytest.mark.parametrize("function", PROGRAMS)
def test_a_condition_that_becomes_a_conjunction_is_found_again(
    function: Callable[..., object], policy: Policy
) -> None:
    once = asserts.insert(_traced(function), policy=policy).graph_module
    twice = asserts.insert(once, policy=policy).graph_module
    assert explain_difference(twice, once) is None


@pytest.mark.parametrize("function", PROGRAMS)
def test_minimising_all_checks_leaves_what_insertion_writes(
    function: Callable[..., object],
) -> None:
    program = _traced(function)
    everything = asserts.insert(program, policy="keep-all").graph_module
    inserted = asserts.insert(program).graph_module
    left = asserts.minimise(everything).graph_module
    assert _asserts(left) == _asserts(inserted) == _asserts(asserts.minimise(left).graph_module)
    for a, b, kind in itertools.product(range(13), range(5), (-1, 0, 1)):
        inputs = np.zeros(a, "int8"), np.full(b, kind, "int8")
        outcomes = [_accepted(graph, inputs) for graph in (everything, inserted, left)]
        assert len(set(outcomes)) == 1, (a, b, kind, outcomes)


def _accepted(program: GraphModule, inputs: tuple[np.ndarray, ...]) -> bool:
    try:
        program(*inputs)
    except RuntimeAssertionError:
        return False
    return True


SINGLE = "a == a**2 + a*b + a**2 * (b // a) + a*b * (b // a)"
"""(Compared as an expression: how it is written depends on what else is alive.)"""


def test_a_check_that_needs_another_for_its_value_counts_in_any_order() -> None:
    report = asserts.insert(_traced(_needs_a_later_check), policy="strict").report
    rows = {row.condition: row for row in report.rows}
    proof = rows["b % a == 0"].proof
    assert proof is not None
    assert parse(SINGLE) in [fact.claim for fact in proof.facts]


def test_a_report_names_why_a_condition_holds_and_not_why_it_has_a_value() -> None:
    everything = asserts.insert(_traced(_needs_a_later_check), policy="keep-all").graph_module
    report = asserts.minimise(everything).report
    (row,) = [row for row in report.rows if row.condition == "b % a == 0"]
    assert row.proof is not None
    assert parse(SINGLE) in [fact.claim for fact in row.proof.facts]


@pytest.mark.parametrize("for_user", list(itertools.product((False, True), repeat=3)))
def test_statements_count_in_whatever_order_they_arrive(
    for_user: tuple[bool, bool, bool],
) -> None:
    texts = ("c // b >= 1", "b // a >= 3", "a >= 1")
    made: list[Statement] = []
    for text, user in zip(texts, for_user):
        claim = parse(text)
        assert isinstance(claim, BoolExpr)
        made.append(Statement(claim, user))
    found = set()
    for order in itertools.permutations(made):
        stated = NOTHING
        for statement in order:
            stated = stated.given(statement)
        found.add(
            (
                frozenset(fact.claim for fact in stated.all),
                frozenset(fact.claim for fact in stated.user),
            )
        )
    assert len(found) == 1
    assert len(found.pop()[0]) == 3
