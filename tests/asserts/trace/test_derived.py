"""Inputs whose sizes are expressions: solved for their names, and checked at entry."""

from __future__ import annotations

from contextlib import suppress
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.cli import main
from asserts.dialects.numpy.codec import load, save
from asserts.errors import GraphError, InputError, TraceError
from asserts.graph.module import GraphModule
from asserts.passes.metadata import RefreshMetadata
from asserts.trace import Spec, trace
from asserts.trace.sources import traced_from
from shapes import Dim, ShapeEnv
from shapes.errors import GuardError, UndefinedError
from shapes.traversal.evaluate import evaluate
from shapes.traversal.interpret import free_symbols
from shapes.traversal.parsing import parse


def total(**arrays: Any) -> Any:
    return sum(array.sum() for array in arrays.values())


def checked(program: GraphModule) -> GraphModule:
    found = asserts.insert(program).graph_module
    assert isinstance(found, GraphModule)
    return found


def accepts(program: GraphModule, *inputs: Any) -> bool:
    try:
        program(*inputs)
    except (asserts.RuntimeAssertionError, InputError, GuardError):
        return False
    return True


SPECS: list[tuple[str, ...]] = [
    ("2*a",),
    ("2*a + 1",),
    ("a + 1",),
    ("3*a - 2",),
    ("8 - a",),
    ("7 - 2*a",),
    ("2*a", "3*b + 1"),
    ("2*a", "2*a"),
    ("2*a", "3*a"),
    ("2*a", "a + 1"),
    ("a", "2*a + 1"),
    ("2*a", "a"),
    ("a + b", "a"),
    ("a + b", "2*b"),
    ("a + b", "a - b"),
    ("a + b", "a + 2*b", "b"),
    ("a + b", "b + c", "a + c"),
    ("2*a", "a*b"),
    ("a", "a*b"),
    ("a + 1", "a*b + b"),
    ("a", "b*a + 1"),
    ("h", "h//2"),
    ("2*h", "h//2"),
    ("h + 1", "h % 3"),
    ("2*a", "Max(a, 3)"),
    ("(a + 1)*2", "3*(b + a)"),
    ("a", "8//a"),
    ("2*a", "8 % a + 1"),
    ("a", "8//a + b"),
    ("a", "b - 6//a"),
]


def fits(texts: tuple[str, ...], sizes: tuple[int, ...]) -> bool:
    """Whether there are names of which the sizes are made, and only one for each: a factor of
    0 would leave a name open."""
    exprs = [parse(text) for text in texts]
    names = free_symbols(*exprs)
    found = []
    for values in product(range(20 if len(names) < 3 else 13), repeat=len(names)):
        with suppress(UndefinedError):
            named = dict(zip(names, values))
            if all(evaluate(e, named) == size for e, size in zip(exprs, sizes)):
                found.append(values)
    return len(found) == 1


@pytest.mark.parametrize("texts", SPECS, ids=" ; ".join)
def test_exactly_the_sizes_that_are_made_of_such_names_are_accepted(
    texts: tuple[str, ...],
) -> None:
    names = "xyz"[: len(texts)]
    specs = {name: (text,) for name, text in zip(names, texts)}
    program = trace(total, **specs)
    inserted = asserts.insert(program)
    module = inserted.graph_module
    again = load(save(module))
    small = asserts.minimise(module).graph_module
    for sizes in product(range(9 if len(texts) < 3 else 5), repeat=len(texts)):
        arrays = [np.ones(size) for size in sizes]
        wanted = fits(texts, sizes)
        assert accepts(module, *arrays) == wanted, (sizes, inserted.report)
        assert accepts(again, *arrays) == wanted
        assert accepts(small, *arrays) == wanted
        if wanted:
            assert module(*arrays) == sum(sizes)


@pytest.mark.parametrize("texts", SPECS, ids=" ; ".join)
def test_the_passes_take_them(texts: tuple[str, ...]) -> None:
    names = "xyz"[: len(texts)]
    program = trace(total, **{name: (text,) for name, text in zip(names, texts)})
    module = checked(program)

    assert not asserts.insert(module).modified
    assert str(asserts.remove(module).graph_module.graph) == str(program.graph)
    assert not RefreshMetadata()(module).modified
    swept = module.copy()
    swept.graph.eliminate_dead_code()
    assert len(swept.graph.nodes) == len(module.graph.nodes)
    found = asserts.verify(module, load(save(module)), trials=10)
    assert found.equal
    assert found.accepted > 1
    assert found.rejected


UNSOLVABLE = [
    (("h//2",), "h"),
    (("a*a",), "a"),
    (("a*b",), "a"),
    (("a + b",), "b"),
    (("2*a", "a + b + c"), "c"),
    (("a + b", "2*a + 2*b"), "b"),
    (("Max(a, 3)",), "a"),
    (("a % 4",), "a"),
    (("2*b", "c % b"), "c"),
    (("8 // a",), "a"),
    (("0*a + 3", "a // 1 - a + b*0 + h//3"), "h"),
]


def test_names_are_solved_in_the_order_in_which_they_are_written() -> None:
    """Not in that of the terms of an expression that was built somewhere else before."""
    for names in permutations(("a_1", "b_1", "c_1")):
        kept = parse(" + ".join(names))  # (it is the same expression while it is held)
        with pytest.raises(TraceError, match=r"`c_1`, which no dimension determines"):
            trace(total, x=("2*a_1",), y=("a_1 + b_1 + c_1",))
        assert kept is not None


@pytest.mark.parametrize(("texts", "name"), UNSOLVABLE)
def test_what_no_dimension_determines_is_named(texts: tuple[str, ...], name: str) -> None:
    with pytest.raises(TraceError, match=f"`{name}`"):
        trace(total, **{key: (text,) for key, text in zip("xyz", texts)})


def test_the_contract_is_said_in_sizes() -> None:
    report = asserts.insert(trace(total, x=("2*a",), y=("3*b + 1",))).report

    assert [row.condition for row in report.with_outcome("inserted")] == [
        "x.shape[0] % 2 == 0",
        "(y.shape[0] + 2) % 3 == 0",
    ]
    assert all(row.place == "" for row in report)


def test_a_wrong_size_is_told_of_the_size() -> None:
    module = checked(trace(total, x=("2*a",)))
    with pytest.raises(asserts.RuntimeAssertionError, match=r"x\.shape\[0\] % 2 == 0"):
        module(np.ones(3))


def halves(x: Any) -> Any:
    half = x.shape[0] // 2
    asserts.check(half <= 4, "short")
    return x.reshape(2, half)


def test_the_program_computes_with_the_name() -> None:
    inserted = asserts.insert(trace(halves, x=("2*a",)))
    module = inserted.graph_module

    assert [row.condition for row in inserted.report.with_outcome("inserted")] == [
        "x.shape[0] % 2 == 0",
        "a <= 4",
    ]
    assert module(np.arange(6)[::1] * 1.0).shape == (2, 3)
    with pytest.raises(asserts.RuntimeAssertionError, match="short"):
        module(np.ones(10))


def test_ranges_of_names_elsewhere() -> None:
    program = trace(total, x=("a + b",), y=(Dim("a", min=2, max=3),))
    module = checked(program)

    assert accepts(module, np.ones(5), np.ones(3))
    assert not accepts(module, np.ones(5), np.ones(4))
    assert not accepts(module, np.ones(1), np.ones(2))


def test_names_that_the_environment_knows() -> None:
    env = ShapeEnv()
    a = env.size("a", hint=3, min=2)
    b = env.size("b")
    env.contract(a == b + 1)
    program = trace(total, x=("2*a + 4",), y=("3*b",), env=env)
    module = checked(program)
    for sizes in product(range(15), repeat=2):
        wanted = any(sizes == (2 * n + 4, 3 * (n - 1)) for n in range(2, 10))
        assert accepts(module, *map(np.ones, sizes)) == wanted
    assert env.symbols["x.shape[0]"].hint == 10
    assert accepts(load(save(module)), np.ones(8), np.ones(3))


def test_an_integer_input_can_be_named() -> None:
    module = checked(trace(lambda x, k: x * k, x=("2*k + 1",), k=Spec.int(min=0)))

    assert accepts(module, np.ones(5), 2)
    assert not accepts(module, np.ones(4), 2)


def branching(x: Any) -> Any:
    return x[:3] if x.shape[0] > 5 else x


def test_a_guard_on_a_derived_name() -> None:
    env = ShapeEnv()
    env.size("a", hint=4)
    program = trace(branching, x=("2*a",), env=env)
    module = checked(program)

    assert env.guards
    for one in (module, load(save(module))):
        assert accepts(one, np.ones(6))
        assert not accepts(one, np.ones(4))


def test_a_nested_program() -> None:
    inner = trace(halves, x=("2*a",))
    outer = checked(trace(lambda y: inner(y) + 1, y=("n",)))

    assert accepts(outer, np.ones(4))
    assert not accepts(outer, np.ones(5))


@asserts.inputs(x=("2*a", 3), y=("a + 1",))
def decorated(x: Any, y: Any) -> Any:
    return x.sum() + y.sum()


def test_the_decorator_and_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert accepts(checked(traced_from(f"{__name__}:decorated")), np.ones((4, 3)), np.ones(3))
    text = f"{__name__}:decorated"
    assert main(["report", text, "--input", "x=2*a,3", "--input", "y=3*b + 1"]) == 0
    assert "x.shape[0] % 2 == 0" in capsys.readouterr().out
    assert main(["report", text, "--input", "x=h//2,3"]) == 2
    assert "`h`" in capsys.readouterr().err


def test_text_that_is_a_name_after_all() -> None:
    module = checked(trace(total, x=("(n)",), y=("n",)))

    assert accepts(module, np.ones(2), np.ones(2))
    assert not accepts(module, np.ones(2), np.ones(3))


def test_no_name_no_symbol() -> None:
    with pytest.raises(TraceError, match="not an integer expression"):
        trace(total, x=("a > 2",))
    with pytest.raises(TraceError, match="not an expression"):
        trace(total, x=("a +",))
    with pytest.raises(GraphError):
        asserts.verify(trace(total, x=("2*a",)), trace(total, x=("2*a", 3)))
