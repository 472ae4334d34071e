"""The kernel: one object for equal expressions, at a price that grows with what is built."""

from __future__ import annotations

import copy
import functools
import gc
import itertools
import operator
import pickle
import random
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes import COMPILED
from shapes.base.infinity import int_oo
from shapes.domains import ValueRanges
from shapes.errors import ExpressionTypeError
from shapes.expr.hash_consing import BY_VALUE, LEAST, table_sizes
from shapes.expr.linear import direction
from shapes.expr.nodes import (
    FALSE,
    NE_ZERO,
    OPERATORS,
    TRUE,
    Expr,
    Infinity,
    IntExpr,
    Sum,
    as_expr,
    combine,
    constant,
    existing_relation,
    from_terms,
    make,
    symbol,
)
from shapes.facts.bounds import bounds, congruence
from shapes.facts.store import Facts
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols, walk
from shapes.traversal.parsing import parse
from shapes.traversal.printing import show
from tests.counting import undisturbed
from tests.oracle import Tree, Undefined, ours, same
from tests.strategies import EVERYTHING, any_trees, small_values, trees

x, y, z = (symbol(n) for n in "xyz")
p, q = symbol("p", "bool"), symbol("q", "bool")
t = symbol("t", "float")
DEEP = 20_000


def calls(task: Callable[[], object]) -> int:
    """How many functions a task calls: what it costs, on any machine."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        if event in ("call", "c_call"):
            count += 1

    with undisturbed():
        sys.setprofile(profile)
        try:
            task()
        finally:
            sys.setprofile(None)
    return count


def grows_linearly(task: Callable[[int], object], size: int) -> None:
    """Twice as much may cost a bit more than twice as many calls."""
    task(8)  # what happens once
    one, two = calls(lambda: task(size)), calls(lambda: task(2 * size))
    assert two < 2.6 * one, (one, two)


# ---- identity ----


def test_equal_expressions_are_one_object() -> None:
    assert x + y is y + x
    assert (x + y) + z is x + (y + z)
    assert x - x is constant(0)
    assert 2 * x + 3 * x is 5 * x
    assert make("Neg", -x) is x
    assert 0 * x is constant(0)
    assert x + 0 is x
    assert (x + 1) * (x - 1) is x * x - 1
    assert (x + y) ** 2 is x**2 + 2 * x * y + y**2
    assert x * y * z is z * y * x
    assert (x + y) * (x - y) is x**2 - y**2
    assert x % 8 + 8 * (x // 8) is x
    assert make("Min", x, y, x) is make("Min", y, x)
    assert make("And", p, q, p) is make("And", q, p)
    assert (x < y) is (y > x) is (2 * y - 2 * x >= 1) is make("Not", x >= y)
    assert make("Not", make("Not", p)) is p


def test_a_chain_of_2000_ends_in_the_very_object_of_the_last_symbol() -> None:
    symbols = [symbol(f"n{i}") for i in range(2000)]
    total: Any = symbols[0]
    for sym in symbols[1:]:
        total = total + sym
    assert isinstance(total, Sum)
    for sym in symbols[:-1]:
        total = total - sym
    assert total is symbols[-1]


def test_a_long_sum_is_the_same_in_any_order() -> None:
    symbols = [symbol(f"n{i}") for i in range(300)]
    forwards = sum(symbols[1:], symbols[0])
    backwards = sum(symbols[-2::-1], symbols[-1])
    halves = sum(symbols[1:150], symbols[0]) + sum(symbols[151:], symbols[150])
    assert forwards is backwards is halves
    assert forwards.terms() == dict.fromkeys(symbols, 1)  # type: ignore[attr-defined]


@given(trees("int", 4), trees("int", 4), trees("int", 3))
def test_the_laws_of_a_ring_hold_by_identity(a: Tree, b: Tree, c: Tree) -> None:
    e, f, g = a.built(), b.built(), c.built()
    assert e + f is f + e
    assert (e + f) + g is e + (f + g)
    assert e - e is constant(0)
    assert (e - f) + f is e
    assert -(e - f) is f - e
    assert e * f is f * e
    assert 3 * (e + f) is 3 * e + 3 * f
    assert e * 0 is constant(0)
    assert e * 1 is e


@given(any_trees(4))
def test_building_again_gives_the_same_object(tree: Tree) -> None:
    assert tree.built() is tree.built()


COEFFICIENTS = st.integers(-5, 5)
POLYNOMIALS = st.lists(
    st.tuples(COEFFICIENTS, *[st.integers(0, 3)] * 3), min_size=0, max_size=5
)


def _polynomial(terms: list[tuple[int, int, int, int]]) -> Any:
    total: Any = constant(0)
    for c, i, j, k in terms:
        total = total + c * x**i * y**j * z**k
    return total


@given(POLYNOMIALS, POLYNOMIALS, st.tuples(*[st.integers(-9, 9)] * 3))
def test_polynomials_are_equal_objects_exactly_when_they_are_equal(
    a: list[tuple[int, int, int, int]],
    b: list[tuple[int, int, int, int]],
    point: tuple[int, int, int],
) -> None:
    e, f = _polynomial(a), _polynomial(b)
    product, total = e * f, e + f
    values = dict(zip("xyz", point))
    assert evaluate(product, values) == evaluate(e, values) * evaluate(f, values)
    assert evaluate(total, values) == evaluate(e, values) + evaluate(f, values)
    # Degrees are at most 3 in each of three variables: 4**3 points tell two apart.
    grid = [dict(zip("xyz", g)) for g in itertools.product(range(4), repeat=3)]
    agree = all(evaluate(e, v) == evaluate(f, v) for v in grid)
    assert agree == (e is f)


def test_products_of_long_sums_stay_factored_and_still_meet() -> None:
    a = sum((symbol(f"a{i}") for i in range(1, 40)), symbol("a0"))
    b = sum((symbol(f"b{i}") for i in range(1, 40)), symbol("b0"))
    product = a * b
    assert len(product.terms()) == 1  # type: ignore[attr-defined]
    assert b * a is product
    assert (2 * a) * (-3 * b) is -6 * product
    values = {f"{n}{i}": i for n in "ab" for i in range(40)}
    assert evaluate(product, values) == sum(range(40)) ** 2


def test_huge_constants_do_not_collide() -> None:
    shifts = [0, 31, 53, 63, 64, 127, 128, 129, 256, 10_000]
    numbers = {sign * (1 << s) + d for s in shifts for d in (-1, 0, 1) for sign in (1, -1)}
    sums = {n: x + n for n in numbers}
    assert len(set(map(id, sums.values()))) == len(numbers)
    multiples = [n * x for n in numbers if n]
    assert len(set(map(id, multiples))) == len(multiples)
    for n, e in sums.items():
        assert e - x is constant(n)
        assert evaluate(e, {"x": 1}) == n + 1
    # A constant that is just a symbol's secret point is still another expression.
    assert isinstance(x, IntExpr)
    secret = constant(x.key + 1)
    assert secret is not x + 1 or not secret.is_constant


def test_atoms_never_share_a_point() -> None:
    atoms = [symbol(f"fresh{i}") for i in range(5000)]
    assert len({a.key for a in atoms}) == 5000  # type: ignore[attr-defined]


def test_infinities() -> None:
    up, down = as_expr(int_oo), as_expr(-int_oo)
    assert isinstance(up, Infinity)
    assert -up is down
    assert x + up is up
    assert up - x is up
    assert 3 * up is up
    assert -2 * up is down
    assert (x < up) is TRUE
    assert (up <= x) is FALSE
    assert make("Eq", up, up) is TRUE
    assert make("Ne", up, up) is FALSE
    assert (up < up) is FALSE
    assert (up <= up) is TRUE
    assert make("Min", x, up) is x
    assert make("Max", x, up) is up
    assert make("Min", up) is up


def test_infinity_minus_infinity_has_no_value() -> None:
    zero = constant(0)  # what the difference of equal things would be, were it not for this
    up, down = as_expr(int_oo), as_expr(-int_oo)
    for build in (lambda: up - up, lambda: up + down, lambda: down - down):
        with pytest.raises(ExpressionTypeError, match="int_oo - int_oo has no value"):
            build()
    for op in ("Mul", "FloorDiv", "Mod", "Pow", "TruncDiv", "BitAnd"):
        with pytest.raises(ExpressionTypeError):
            make(op, up, x)
    assert zero.constant == 0


# ---- what is refused ----


def test_an_expression_has_no_truth_value() -> None:
    with pytest.raises(ExpressionTypeError, match="ask an environment"):
        bool(x < y)
    assert not constant(0)
    assert bool(TRUE)


def test_only_constants_have_values_and_only_symbols_names() -> None:
    with pytest.raises(ExpressionTypeError, match="not a constant"):
        _ = x.value
    with pytest.raises(ExpressionTypeError, match="not a symbol"):
        _ = (x + 1).name
    assert x.name == "x"
    assert constant(7).value == 7


@pytest.mark.parametrize("name", ["", None, 3, b"x"])
def test_a_symbol_needs_a_name(name: Any) -> None:
    with pytest.raises(ExpressionTypeError, match="non-empty text"):
        symbol(name)


def test_a_symbol_needs_a_kind() -> None:
    with pytest.raises(ExpressionTypeError, match="'int', 'bool' or 'float'"):
        symbol("x", "real")  # type: ignore[arg-type]


# ---- what it costs ----


def _chain(n: int) -> Any:
    symbols = [symbol(f"n{i}") for i in range(n)]
    total: Any = symbols[0]
    for sym in symbols[1:]:
        total = total + sym
    for sym in symbols[:-1]:
        total = total - sym
    return total


def _interleaved(n: int) -> Any:
    """Sums that are read on the way, which writes their terms out."""
    total: Any = constant(0)
    for i in range(n):
        total = total + symbol(f"n{i}") * (1 + i % 3)
        if i % 64 == 0:
            total.terms()
    return total


def _nested(n: int) -> Any:
    e: Any = x
    for i in range(n):
        e = (e + y) // 2 + i if i % 2 else make("Max", e, y * i)
    return e


def _conjunction(n: int) -> Any:
    e: Any = TRUE
    for i in range(n):
        e = make("And", e, symbol(f"n{i}") <= i)
    return e


def _deep_condition(n: int) -> Any:
    e: Any = p
    for i in range(n):
        e = make("Or", make("And", e, symbol(f"n{i}") <= i), make("Not", q))
    return e


TASKS = (_chain, _interleaved, _nested, _conjunction, _deep_condition)


@pytest.mark.parametrize("task", TASKS)
def test_building_grows_linearly(task: Callable[[int], object]) -> None:
    grows_linearly(task, 500)


@pytest.mark.parametrize("task", [_interleaved, _nested, _conjunction, _deep_condition])
@pytest.mark.parametrize(
    "use",
    [show, lambda e: bounds(Facts(), e), free_symbols],
    ids=["show", "bounds", "free_symbols"],
)
def test_using_grows_linearly(task: Callable[[int], Expr], use: Callable[[Expr], Any]) -> None:
    built = {n: task(n) for n in (8, 300, 600)}
    grows_linearly(lambda n: use(built[n]), 300)


def _deep(n: int) -> Any:
    """Nested so that no normal form flattens it."""
    e: Any = x
    for i in range(n):
        kind = i % 5
        if kind == 0:
            e = make("Max", e * 2, y + i)
        elif kind == 1:
            e = (e + z) // (y * y + 1)
        elif kind == 2:
            e = make("Where", z < i, e, y)
        elif kind == 3:
            e = make("BitXor", e, y + 1)
        else:
            e = make("Abs", e - 3)
    return e


def test_20000_levels_do_not_touch_the_recursion_limit() -> None:
    limit = sys.getrecursionlimit()
    before = _settled()
    e = _deep(DEEP)
    assert sum(1 for _ in walk(e)) > DEEP
    text = show(e)
    assert parse(text) is e
    values = {"x": 5, "y": 3, "z": -2}
    expected: int = evaluate(_deep(10), values)
    assert isinstance(expected, int)
    assert isinstance(evaluate(e, values), int)
    assert isinstance(bounds(Facts(), e), ValueRanges)
    congruence(Facts(), e)
    assert set(map(str, free_symbols(e))) == {"x", "y", "z"}
    assert sys.getrecursionlimit() == limit
    del e
    assert _settled() == before


def test_deep_conditions_do_not_touch_the_recursion_limit() -> None:
    e: Any = p
    for i in range(DEEP):
        e = make("Not", make("And", make("Iff", e, q), x <= i) if i % 2 else make("Iff", e, q))
    assert parse(show(e), {"p": p, "q": q, "x": x}) is e
    assert evaluate(e, {"p": True, "q": False, "x": 3}) in (True, False)
    assert repr(e).endswith("...>")


def test_deep_floats_do_not_touch_the_recursion_limit() -> None:
    e: Any = t
    for _ in range(DEEP):
        e = e * 0.5 + t
    assert parse(show(e), {"t": t}) is e
    assert evaluate(e, {"t": 1.0}) == pytest.approx(2.0)


def test_a_deep_expression_can_be_pickled_and_copied() -> None:
    e = _deep(3000)
    assert pickle.loads(pickle.dumps(e)) is e
    assert copy.deepcopy(e) is e
    assert copy.copy(e) is e


# ---- nothing is kept alive ----


def _settled() -> tuple[int, int]:
    gc.collect()
    return table_sizes()


@pytest.mark.parametrize("task", TASKS)
def test_the_tables_keep_nothing_alive(task: Callable[[int], Any]) -> None:
    before = _settled()
    built = task(400)
    assert table_sizes() != before
    show(built)
    bounds(Facts(), built)
    del built
    assert _settled() == before


def test_empty_entries_of_sums_are_swept_as_the_table_grows() -> None:
    _settled()
    held = len(BY_VALUE)
    most = max(LEAST, 2 * held)
    for k in range(5 * LEAST):
        x + y + (5000 + k)  # made and dropped
        assert len(BY_VALUE) <= most + 16
    again = x + y + 5001
    assert x + y + 5001 is again  # its empty entry was replaced
    _settled()
    assert len(BY_VALUE) <= held + 3


def test_facts_free_what_they_knew() -> None:
    before = _settled()
    facts = Facts().given(*[symbol(f"n{i}") <= symbol(f"n{i + 1}") for i in range(100)])
    bounds(facts, symbol("n3") - symbol("n9"))
    del facts
    assert _settled() == before


def test_random_expressions_are_freed() -> None:
    from tests.strategies import Seeded, grow

    def grown() -> None:
        for seed in range(300):
            built = [grow(Seeded(seed), kind, 5).spelled() for kind in ("int", "bool", "float")]
            [show(e) for e, _ in built]

    grown()  # what is kept for good (constants, caches of bounded size) is made here
    before = _settled()
    grown()
    assert _settled() == before


# ---- threads ----


def _in_threads(count: int, task: Callable[[int], None]) -> None:
    failures: list[BaseException] = []

    def run(index: int) -> None:
        try:
            task(index)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


@pytest.fixture
def _hurried() -> Any:
    """Threads change as often as possible."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("_hurried")
def test_threads_get_the_same_objects() -> None:
    start = threading.Barrier(8)
    built: list[list[Any]] = [[] for _ in range(8)]

    def task(index: int) -> None:
        start.wait()
        for i in range(150):
            fresh = symbol(f"thread{i}")
            e = fresh * 3 + x // (i + 1) + make("Min", fresh, y)
            built[index] += [fresh, e, e - fresh * 3, e <= i, t * float(i)]
            built[index] += [make("And", p, e <= i), make("FloorDiv", e, y)]

    _in_threads(8, task)
    for others in built[1:]:
        assert all(a is b for a, b in zip(others, built[0]))


@pytest.mark.usefixtures("_hurried")
def test_threads_that_drop_and_make_again_get_the_same_objects() -> None:
    """A node that dies in one thread is made again in another: no entry may be lost."""

    def task(index: int) -> None:
        for i in range(1500):
            k = i % 10
            assert x * 5 + k is x * 5 + k
            assert (x + k) // 11 is (x + k) // 11
            assert (x + 2 <= y * k) is (x + 2 <= y * k)

    _in_threads(6, task)


@pytest.mark.usefixtures("_hurried")
def test_threads_read_one_sum_at_once() -> None:
    for _ in range(40):
        total: Any = sum((symbol(f"n{i}") for i in range(1, 12)), symbol("n0"))
        start = threading.Barrier(4)

        def task(index: int, total: Any = total, start: threading.Barrier = start) -> None:
            start.wait()
            assert len(total.terms()) == 12

        _in_threads(4, task)


# ---- evaluation of what was built ----


@given(any_trees(5), small_values())
def test_the_normal_form_means_what_was_written(tree: Tree, values: dict[str, Any]) -> None:
    expr, defined = tree.spelled()
    meant = tree.known(values)
    if meant is Undefined:
        assert not ours(defined, values)
        return
    assert ours(defined, values) is True
    assert same(ours(expr, values), meant), show(expr)


def test_strategies_reach_every_operator_of_the_grammar() -> None:
    from tests.strategies import Seeded, grow

    kinds = ("int", "bool", "float")
    grown = (grow(Seeded(i), kinds[i % 3], 5, EVERYTHING) for i in range(1500))
    met = {n.op for tree in grown for n in tree.nodes()}
    assert set(OPERATORS) <= met, set(OPERATORS) - met


def test_combine_is_what_it_says() -> None:
    for c, d, k in itertools.product((-2, 0, 1, 3), repeat=3):
        built = combine(c, x, d, y, k)  # type: ignore[arg-type]
        assert evaluate(built, {"x": 7, "y": -11}) == 7 * c - 11 * d + k


def test_terms_are_right_however_a_sum_was_made() -> None:
    """Sums of short parts are written at once, others as ropes; zero factors and what cancels
    leave no term."""
    a, b, c = (symbol(n) for n in ("short_a", "short_b", "short_c"))

    def parts() -> list[Any]:
        short = [constant(3), a, b, 2 * a, -2 * a + 5, b + 1, a - b]
        return [*short, a + 2 * b - c, (a + b) + (c - a), sum((a, b, c, 2 * c), 7)]

    for i, j in itertools.product(range(len(parts())), repeat=2):
        for p, q, k in itertools.product((-2, -1, 0, 1, 3), (-1, 0, 2), (0, 4)):
            one, other = parts()[i], parts()[j]
            built = combine(p, one, q, other, k)
            wanted: dict[Expr, int] = {}
            for factor, part in ((p, one), (q, other)):
                for atom, times in part.terms().items():
                    wanted[atom] = wanted.get(atom, 0) + factor * times
            wanted = {atom: times for atom, times in wanted.items() if times}
            assert built.terms() == wanted, (p, one, q, other, k)
            assert built.constant == p * one.constant + q * other.constant + k
            assert built is from_terms(wanted, built.constant)  # type: ignore[arg-type]


SHARED_SUMS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "doubled": lambda last, before, atom: last + last,
    "tripled with an atom": lambda last, before, atom: last + 2 * last + atom,
    "with the one before": lambda last, before, atom: last + before,
    "less the one before": lambda last, before, atom: 3 * last - before + atom,
    "scaled": lambda last, before, atom: -3 * last + atom - 2,
}


@pytest.mark.parametrize("kind", SHARED_SUMS)
def test_sums_whose_parts_are_shared_are_not_read_as_trees(kind: str) -> None:
    """The tree of each is exponentially larger than what was made."""
    step = SHARED_SUMS[kind]
    atoms = [symbol(f"shared{i % 40}") for i in range(300)]
    e = [atoms[0] + 2 * atoms[1], atoms[1] - atoms[2] + atoms[3] + 5]
    values = {f"shared{i}": 7 * i - 50 for i in range(40)}
    wanted = [evaluate(one, values) for one in e]
    for atom in atoms[2:]:
        e.append(step(e[-1], e[-2], atom))
        wanted.append(step(wanted[-1], wanted[-2], evaluate(atom, values)))
    for one, value in zip(reversed(e), reversed(wanted)):
        assert isinstance(one, IntExpr)
        found = sum(c * evaluate(atom, values) for atom, c in one.terms().items())
        assert one.constant + found == value


def test_a_relation_that_nobody_holds_is_not_made_by_looking_for_it() -> None:
    e = symbol("looked_for") - 3
    assert isinstance(e, IntExpr)
    gc.collect()
    before = table_sizes()
    assert existing_relation(NE_ZERO, e) is None
    assert table_sizes() == before
    held = make("Ne", symbol("looked_for"), 3)
    assert existing_relation(NE_ZERO, e) is held
    del held
    gc.collect()
    assert existing_relation(NE_ZERO, e) is None


def test_texts_of_numbered_symbols_do_not_depend_on_which_of_them_was_made_first() -> None:
    u1, s9, u10, u2 = (symbol(name) for name in ("u901", "s909", "u910", "u902"))

    assert str(u10 * u2 * s9) == "s909 * u902 * u910"
    assert str(u10 - 3 * u1 + s9) == "s909 + u910 - 3 * u901"
    assert str(make("Eq", u10, u2)) == "u902 == u910"
    assert str(make("Eq", u10 // u1, u2)) == "u902 == u910 // u901"
    assert symbol("u0901") is not u1


def test_symbols_leave_little_to_the_collector() -> None:
    """A symbol is one object that the garbage collector follows, with a weak reference for
    each table; its key is none. In the compiled build it follows none of these."""
    gc.collect()
    gc.disable()
    try:
        old = gc.get_objects()  # (held, so that no new one stands in an old one's place)
        before = {id(o) for o in (old, *old)}
        kept = [symbol(f"followed{n}") for n in range(50)]
        gc.collect()
        new = [o for o in gc.get_objects() if id(o) not in before]
        names = [type(o).__name__ for o in new if not isinstance(o, (dict, set, list))]
    finally:
        gc.enable()

    assert len(kept) == 50
    assert names.count("IntSymbol") == (0 if COMPILED else 50)
    assert len(names) <= (0 if COMPILED else 3 * 50) + 10


@pytest.mark.skipif(not COMPILED, reason="the interpreter's own objects are all followed")
def test_the_collector_does_not_follow_what_is_in_no_cycle() -> None:
    x, y = symbol("unfollowed_x"), symbol("unfollowed_y")
    for e in (x, x + 2 * y, x // 3, x * y, make("Le", x, y), constant(987_654), x % y):
        assert not gc.is_tracked(e), e
        assert isinstance(e, Sum) or not gc.is_tracked(e.args), e  # (a sum's are made anew)
    terms = (x + 2 * y).terms()  # type: ignore[attr-defined]
    assert terms == {x: 1, y: 2}
    assert not gc.is_tracked(terms)


@pytest.mark.parametrize("deep", [False, True])
def test_nodes_go_with_the_cycle_that_held_them(deep: bool) -> None:
    """Collecting what refers to itself lets go of its nodes, of those inside of them, and of
    their entries."""
    gc.collect()
    before = table_sizes()
    e: Any = symbol("held_in_a_cycle")
    for n in range(20_000 if deep else 3):
        e = make("Max", e // 3 + n, symbol("held_too") - n)
    held: list[Any] = [e, make("Le", e, 4)]
    held.append(held)
    del e, held

    gc.collect()

    assert table_sizes() == before


def test_no_node_is_part_of_a_cycle() -> None:
    """What was asked of nodes makes them refer to each other in one direction only: they go
    without the collector, which does not follow them in the compiled build."""
    gc.collect()
    before = table_sizes()
    gc.disable()
    try:
        x, y = symbol("acyclic_x"), symbol("acyclic_y")
        e = x + (y + 1)
        d = e - 1  # a sum that is not written out, from e
        assert direction(e) == (1, d)  # type: ignore[arg-type]
        del x, y, d, e
        assert table_sizes() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("seed", range(4))
def test_random_nodes_go_without_the_collector(seed: int) -> None:
    rng = random.Random(seed)
    questions: list[Callable[[Any], object]] = [direction, str, lambda e: make("Eq", e, 3)]
    gc.collect()
    before = table_sizes()
    gc.disable()
    try:
        for _ in range(200):
            made: list[Any] = [symbol("random_x"), symbol("random_y")]
            for _ in range(30):
                a, b, k = rng.choice(made), rng.choice(made), rng.randint(1, 4)
                ways = [a + b, a - b, a + k, a - k, k * a, a // k, a % k, make("Max", a, b)]
                made.append(rng.choice(ways))
                asked = rng.choice(made)
                rng.choice(questions)(asked)
            del made, a, b, ways, asked
        assert table_sizes() == before
    finally:
        gc.enable()


class Name(str):
    """A name that holds what is called so."""

    __slots__ = ("held",)
    held: Any

    def __str__(self) -> str:
        return "another"


def test_a_symbols_name_is_plain_text() -> None:
    gc.collect()
    before = table_sizes()
    name = Name("plain_name")
    name.held = symbol(name)
    assert name.held is symbol("plain_name")
    assert type(name.held.name) is str
    del name
    gc.collect()
    assert table_sizes() == before


def test_symbols_that_are_gone_come_back_anew() -> None:
    """The empty entry of a symbol is found and filled again."""
    first = symbol("comes_back")
    old = first.birth  # type: ignore[attr-defined]
    del first
    gc.collect()

    again = symbol("comes_back")

    assert again is symbol("comes_back")
    assert again.birth > old  # type: ignore[attr-defined]
    assert symbol("comes_back", "bool") is not again


def test_factors_are_in_order_of_age_whatever_their_points_are() -> None:
    """What is tried factor by factor, and so what a budget reaches, is the same in each run."""
    old = [symbol(f"factor_{n}") for n in range(12)]
    for count in range(2, 12):
        atoms = [*old[:count], *(a // b for a, b in itertools.pairwise(old[:count]))]
        product = functools.reduce(operator.mul, atoms[::-1])

        assert [base for base, _ in product.factors] == list(product.args) == atoms
