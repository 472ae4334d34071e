"""Dead-code elimination drops nothing that can raise; judged by running everything for real."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest

import asserts
from asserts.dialects.numpy import assert_holds
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from asserts.graph.raising import Raising
from asserts.graph.runtime import item, size
from asserts.trace import Spec, trace

SIZES = range(4)


def x_of(*sizes: int) -> Any:
    return np.arange(np.prod(sizes), dtype=float).reshape(sizes)


UNUSED: dict[str, tuple[Callable[..., Any], bool]] = {
    # what is not used, and whether it may go
    "element": (lambda x, n, m: x[2], False),
    "element of a column": (lambda x, n, m: x[:, 1], False),
    "element by a size": (lambda x, n, m: x[n - 1], False),
    "elements": (lambda x, n, m: x[np.array([0, 2])], False),
    "slice": (lambda x, n, m: x[1:3], True),
    "slice of columns": (lambda x, n, m: x[:, 1:], True),
    "slice by a size": (lambda x, n, m: x[: n - 1], True),
    "new axis": (lambda x, n, m: x[None], True),
    "ellipsis": (lambda x, n, m: x[...], True),
    "reshape": (lambda x, n, m: np.reshape(x, (m, n)), True),
    "reshape that may not fit": (lambda x, n, m: np.reshape(x, (2, 3)), False),
    "reshape with an open size": (lambda x, n, m: np.reshape(x, (n, -1)), False),
    "a sum": (lambda x, n, m: x.sum(axis=0), True),
    "a mean": (lambda x, n, m: np.mean(x), True),
    "a maximum": (lambda x, n, m: x.max(), False),
    "a maximum along an axis": (lambda x, n, m: x.max(axis=1), False),
    "a place of the maximum": (lambda x, n, m: np.argmax(x, axis=0), False),
    "a maximum of something": (lambda x, n, m: np.zeros((n + 1, 2)).max(), True),
    "an item": (lambda x, n, m: int(x.reshape(n * m)[:1].sum()), True),
    "an item of many": (lambda x, n, m: int(x), False),
    "zeros": (lambda x, n, m: np.zeros((n, m + 1)), True),
    "zeros of a difference": (lambda x, n, m: np.zeros(n - m), False),
    "zeros alike": (lambda x, n, m: np.zeros_like(x), True),
    "elementwise": (lambda x, n, m: np.exp(x) * 2 + x, True),
    "elementwise of two shapes": (lambda x, n, m: x + x.T, False),
    "elementwise with a row": (lambda x, n, m: x + x.sum(axis=0), True),
    "elementwise with a column": (lambda x, n, m: x + x.sum(axis=1), False),
    "where": (lambda x, n, m: np.where(x > 1, x, 0.0), True),
    "integer power": (lambda x, n, m: np.arange(n) ** (np.arange(n) - m), False),
    "matrix product": (lambda x, n, m: x @ x, False),
    "concatenation": (lambda x, n, m: np.concatenate([x, x.T]), False),
    "stack": (lambda x, n, m: np.stack([x, x.T]), False),
    "squeeze": (lambda x, n, m: np.squeeze(x, axis=0), False),
    "split": (lambda x, n, m: np.split(x, 2), False),
    "transpose": (lambda x, n, m: x.T, True),
    "sort": (lambda x, n, m: np.sort(x, axis=1), True),
    "nonzero": (lambda x, n, m: np.nonzero(x), True),
    "take": (lambda x, n, m: np.take(x, [1], axis=0), False),
    "broadcast": (lambda x, n, m: np.broadcast_to(x, (3, m)), False),
    "small integers": (lambda x, n, m: np.zeros(m, np.int8) + n, False),
    "astype": (lambda x, n, m: x.astype(np.int8), True),
    "linspace": (lambda x, n, m: np.linspace(0, 1, n - 1), False),
}


def raises(run: Any, *inputs: Any) -> bool:
    try:
        with np.errstate(all="ignore"):
            run(*inputs)
    except (ValueError, IndexError, TypeError, ArithmeticError, asserts.RuntimeAssertionError):
        return True
    except DeprecationWarning as warning:  # (numpy up to 2.3: an error from then on)
        assert "Out of bound index" in str(warning)
        return True
    return False


@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning")
@pytest.mark.parametrize(("unused", "may_go"), UNUSED.values(), ids=UNUSED)
def test_what_is_not_used_still_raises(unused: Callable[..., Any], may_go: bool) -> None:
    def program(x: Any) -> Any:
        unused(x, *x.shape)
        return 0

    module = trace(program, ("n", "m"))
    passed = [asserts.remove(module).graph_module, asserts.minimise(module).graph_module]
    swept = module.copy()
    swept.graph.eliminate_dead_code()
    for sizes in product(SIZES, repeat=2):
        wanted = raises(module, x_of(*sizes))
        for other in (swept, *passed):
            assert raises(other, x_of(*sizes)) == wanted, (sizes, other)
    left = [n for n in swept.graph.nodes if n.op == "call_function"]
    assert (not left) == may_go, swept.graph


SCALARS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "floordiv": (operator.floordiv, ("n", "d")),
    "floordiv of a number": (operator.floordiv, (7, "d")),
    "mod": (operator.mod, ("n", "d")),
    "truediv": (operator.truediv, ("n", "d")),
    "lshift": (operator.lshift, (1, "e")),
    "rshift": (operator.rshift, ("n", "e")),
}


@pytest.mark.parametrize(("function", "operands"), SCALARS.values(), ids=SCALARS)
@pytest.mark.parametrize("stated", [True, False])
def test_partial_operators_on_sizes_stay(
    function: Callable[..., Any], operands: tuple[Any, ...], stated: bool
) -> None:
    def program(x: Any) -> Any:
        asserts.check(x.shape[0] >= 0)
        asserts.check(x.shape[1] - 1 <= 100)
        return x + 0

    module = asserts.insert(trace(program, ("n", "d"))).graph_module
    nodes = {str(n.meta.get("val")): n for n in module.graph.nodes}
    last = module.graph.output_node()
    with module.graph.inserting_before(last):
        x = next(iter(module.graph.nodes))
        n = module.graph.call_function(size, (x, 0))
        d = nodes["d"]
        e = module.graph.call_function(operator.sub, (d, 1))
        if stated:
            n.meta["val"] = module.shape_env["n"].expr  # type: ignore[index]
            e.meta["val"] = d.meta["val"] - 1
        named = {"n": n, "d": d, "e": e}
        module.graph.call_function(function, tuple(named.get(o, o) for o in operands))
    module.recompile()
    for changed in (
        asserts.remove(module),
        asserts.minimise(module),
        asserts.minimise(asserts.insert(module).graph_module),
    ):
        for sizes in product(SIZES, repeat=2):
            wanted = raises(module, x_of(*sizes))
            assert raises(changed.graph_module, x_of(*sizes)) == wanted


def test_what_cannot_fail_goes() -> None:
    graph = Graph()
    module = GraphModule(None, graph)
    x = graph.placeholder("x")
    for function, args in (
        (operator.floordiv, (x, 2)),
        (operator.mod, (x, -3)),
        (operator.lshift, (x, 3)),
        (operator.add, (x, 1)),
    ):
        graph.call_function(function, args)
    stays = [
        graph.call_function(operator.floordiv, (x, 0)),
        graph.call_function(operator.mod, (1, x)),
        graph.call_function(operator.rshift, (x, -1)),
        graph.call_function(item, (x,)),
        graph.call_function(np.reshape, (x, (2, 3))),
        graph.call_function(np.add, (x, 1), {"out": x}),
        graph.call_method("item", (x,)),
        graph.call_method("reshape", (x, 2, 3)),
    ]
    graph.output(x)
    assert module.graph.eliminate_dead_code()
    assert [n for n in graph.nodes if n.op.startswith("call")] == stays


def test_a_nested_program_that_can_raise_stays() -> None:
    def picks(x: Any) -> Any:
        return x[2]

    inner = trace(picks, ("k",))

    def outer(x: Any) -> Any:
        inner(x)
        return x

    module = trace(outer, ("n",))
    swept = module.copy()
    swept.graph.eliminate_dead_code()
    assert [n.op for n in swept.graph.nodes].count("call_module") == 1
    (call,) = swept.graph.find_nodes(op="call_module")
    assert Raising().can_raise(call)


def test_nodes_of_the_insertion_go_again() -> None:
    def program(x: Any, d: Any) -> Any:
        asserts.check(x.shape[0] % d == 0, "multiple")
        asserts.check((d == 0) | (x.shape[0] // d >= 1), "ratio")
        return x

    module = trace(program, ("n",), Spec.int())
    checked = asserts.insert(module).graph_module
    assert any(n.target is assert_holds for n in checked.graph.nodes)
    back = asserts.remove(checked).graph_module
    assert str(back.graph) == str(module.graph)
