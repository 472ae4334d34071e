"""Conditions that have no value everywhere, as premises: `a < y // a` says nothing of `a != 0`,
for where `a` is 0 something else is computed. What guards a division stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import asserts
from asserts.conditions.lift import lift
from asserts.dialects.numpy.graph import NumpyGraphs
from asserts.errors import GraphError, TraceError
from asserts.graph.equality import explain_difference
from asserts.graph.module import GraphModule
from asserts.trace import Spec, trace
from shapes import ShapeproofError
from tests.asserts.behaviour import every_program, traced
from tests.asserts.programs import Program
from tests.numpy_programs import NumpyProgram, _outcome, _wrong

SIZES = [(a, wide, n) for a in range(4) for wide in (2 * a, 2 * a + 1) for n in range(9)]


def blocks(x: Any, y: Any) -> Any:
    """The block size must not be 0, and the last check would say so where it has a value."""
    block = x.shape[0]
    whole = y.reshape(block, -1)
    asserts.check(whole.shape[1] > block, "wide blocks")
    return whole.sum(axis=0)


def tails(x: Any, y: Any) -> Any:
    flat = y.reshape(x.shape[1], -1).ravel()
    rest = flat[x.shape[0] :]
    asserts.check(y.shape[0] + rest.shape[0] <= y.shape[0] + x.shape[1])
    asserts.check(rest.shape[0] <= 3, "short")
    return rest.max()


def parts(x: Any, y: Any) -> Any:
    count = x.shape[0]
    asserts.check(y.shape[0] % 2 == 0)
    asserts.check(count >= 1, "no parts")
    asserts.check(y.shape[0] // count >= 2, "two for each part")
    return y[: y.shape[0] // count]


def total(x: Any, y: Any) -> Any:
    """A remainder of a sum: no operation, only checks."""
    a, n = x.shape[0], y.shape[0]
    asserts.check(n % (a + a) < 2, "nearly")
    asserts.check(n // a - 1 >= n % a, "far")
    return y + n // a


def accepted(run: Any, inputs: tuple[Any, ...]) -> bool | None:
    """Whether a program accepts them; None where it fails by anything but a check."""
    try:
        run(*inputs)
    except asserts.RuntimeAssertionError:
        return False
    except (ValueError, ZeroDivisionError, IndexError):
        return None
    return True


@pytest.mark.parametrize("policy", ["strict", "preserve-user"])
@pytest.mark.parametrize("function", [blocks, tails, parts, total])
def test_what_guards_a_division_stays(function: Any, policy: Any) -> None:
    program = trace(function, x=Spec(("a", "2*a")), y=Spec(("2*b",)))
    checked = asserts.insert(program, policy=policy).graph_module
    everything = asserts.insert(program, policy="keep-all").graph_module
    fewer = asserts.minimise(everything, policy=policy).graph_module

    twice = asserts.insert(checked, policy=policy).graph_module
    assert explain_difference(twice, checked) is None
    for a, wide, n in SIZES:
        inputs = np.ones((a, wide)), np.ones(n)
        fits = wide == 2 * a and n % 2 == 0
        wanted = fits and accepted(function, inputs) is True
        for run in (checked, everything, fewer):
            assert accepted(run, inputs) is wanted, inputs


def windows(x: Any, y: Any) -> Any:
    """What guards the division is implied by what comes behind it."""
    n, d = x.shape[0], y.shape[0]
    asserts.check(d >= 1, "no parts")
    asserts.check(n // d >= 2, "small parts")
    asserts.check(d >= 3, "few parts")
    return x[: n // d]


def read_windows(x: Any, y: Any) -> Any:
    n, d = x.shape[0], int(y[0])
    asserts.check(d >= 1, "no parts")
    asserts.check(n // d >= 2, "small parts")
    e = int(y[1])
    asserts.check(e <= 2, "much")
    asserts.check(d + e >= 5, "few parts")
    return x[: n // d]


@pytest.mark.parametrize("policy", ["strict", "preserve-user"])
@pytest.mark.parametrize("function", [windows, read_windows])
def test_what_guards_a_division_is_not_dropped_for_a_later_check(
    function: Any, policy: Any
) -> None:
    program = trace(function, x=Spec(("n",)), y=Spec(("m",), "int64"))
    everything = asserts.insert(program, policy="keep-all").graph_module
    fewer = asserts.minimise(everything, policy=policy).graph_module
    for first in range(-2, 5):
        for second in range(-2, 5):
            for m in (0, 1, 2, 5):
                y = np.array([first, second, *range(9)][:m], "int64")
                wanted = accepted(function, (np.ones(9), y)) is True
                assert accepted(fewer, (np.ones(9), y)) is wanted, y
                assert accepted(everything, (np.ones(9), y)) is wanted, y


def first_row(x: Any) -> Any:
    asserts.check(x.shape[0] > 2, "three rows")
    return x[0]


def test_a_check_stands_before_the_row_that_it_guards() -> None:
    run = asserts.insert(trace(first_row, x=("n",))).graph_module
    with pytest.raises(asserts.RuntimeAssertionError, match="three rows"):
        run(np.ones(0))


def told(x: Any) -> Any:
    halves = x.reshape(2, -1)
    asserts.check(x.shape[0] % 2 == 0, "no halves")
    asserts.check(halves.shape[1] >= 2)
    return halves[:, :2]


def test_minimising_keeps_what_a_person_wrote_as_insertion_does() -> None:
    checked = asserts.insert(trace(told, x=("n",))).graph_module
    everything = asserts.insert(trace(told, x=("n",)), policy="keep-all").graph_module

    assert not asserts.minimise(checked).modified
    with pytest.raises(asserts.RuntimeAssertionError, match="no halves"):
        asserts.minimise(everything).graph_module(np.ones(5))


def repeated(x: Any, y: Any) -> Any:
    """What is implied by the last check is told where the repetition would stop, too."""
    first = int(y[0])
    asserts.check(first >= 1, "the first")
    rows = np.repeat(x, y)
    asserts.check(rows.shape[0] + first >= 99, "many")
    asserts.check(rows.shape[0] <= 50, "not so many")
    return rows


def gathered(x: Any, y: Any) -> Any:
    first = int(y[0])
    asserts.check(first >= 1, "the first")
    rows = x[y]
    last = int(rows[0].astype("int64"))
    asserts.check(last + first >= 99, "many")
    asserts.check(last <= 50, "not so many")
    return rows


def counted(x: Any, y: Any) -> Any:
    first = int(y[0])
    asserts.check(first >= 1, "the first")
    rows = np.bincount(y)
    asserts.check(rows.shape[0] + first >= 99, "many")
    asserts.check(rows.shape[0] <= 50, "not so many")
    return rows


@pytest.mark.parametrize("policy", ["strict", "preserve-user"])
@pytest.mark.parametrize("function", [repeated, gathered, counted])
def test_an_operation_that_refuses_values_ends_a_stretch(function: Any, policy: Any) -> None:
    program = trace(function, x=Spec((2,), "int64"), y=Spec((2,), "int64"))
    everything = asserts.insert(program, policy="keep-all").graph_module
    for run in (
        asserts.insert(program, policy=policy).graph_module,
        asserts.minimise(everything, policy=policy).graph_module,
    ):
        with pytest.raises(asserts.RuntimeAssertionError, match="the first"):
            run(np.array([1, 2]), np.array([-7, 3]))


def conditions(module: GraphModule) -> list[str]:
    dialect = NumpyGraphs()
    return sorted(
        str(one.claim) for m in dialect.modules(module) for one in lift(m.graph, dialect)
    )


@pytest.mark.parametrize("policy", ["strict", "preserve-user"])
@every_program
def test_minimising_everything_is_inserting_what_is_needed(program: Program, policy: Any) -> None:
    checked = asserts.insert(trace(program.function, **program.specs), policy=policy)
    fewer = asserts.minimise(traced(program), policy=policy)

    assert conditions(fewer.graph_module) == conditions(checked.graph_module)
    assert not asserts.minimise(fewer.graph_module, policy=policy).modified


@pytest.mark.parametrize("number", range(0, 120, 3))
def test_minimising_leaves_no_more_than_insertion(number: int) -> None:
    """Unless insertion has simplified a condition, which minimising leaves as it is."""
    written = NumpyProgram(number)
    try:
        program = trace(written, **written.specs())
    except (ShapeproofError, TraceError, GraphError, ArithmeticError, ValueError, IndexError):
        return
    everything = asserts.insert(program, policy="keep-all").graph_module
    for policy in ("strict", "preserve-user"):
        checked = conditions(asserts.insert(program, policy=policy).graph_module)  # type: ignore[arg-type]
        fewer = asserts.minimise(everything, policy=policy).graph_module  # type: ignore[arg-type]
        if set(checked) <= set(conditions(everything)):
            assert len(conditions(fewer)) <= len(checked)
        assert not asserts.minimise(fewer, policy=policy).modified  # type: ignore[arg-type]
        for place in range(12):
            inputs = written.inputs(place)
            wanted, is_specified = _outcome(written, inputs), written.fits(inputs)
            assert _wrong(_outcome(fewer, inputs), wanted, is_specified) is None, inputs
