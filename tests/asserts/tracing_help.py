"""Running a traced program beside the plain function, and its metadata beside the values."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from asserts.graph.graph import Node, map_arg
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from shapes.expr.nodes import Expr
from shapes.traversal.evaluate import evaluate


def run_with_values(program: GraphModule, inputs: list[Any]) -> tuple[Any, dict[Expr, Any]]:
    """The result, and the value of every symbol; all metadata is compared on the way."""
    values: dict[Node, Any] = {}
    symbols: dict[Expr, Any] = {}
    given = iter(inputs)
    for node in program.graph.nodes:
        if node.op == "output":
            return map_arg(node.args[0], values.__getitem__), symbols
        if node.op == "placeholder":
            values[node] = next(given)
        else:
            values[node] = program._run_node(node, values)
        for symbol, path in node.meta.get("bindings", {}).items():
            symbols[symbol] = follow(values[node], path)
        compare(node, node.meta["val"], values[node], symbols)
    raise AssertionError("no output")


def follow(value: Any, path: tuple[tuple[Any, ...], ...]) -> Any:
    for kind, index in path:
        value = value.shape[index] if kind == "size" else value[index]
    return value


def compare(node: Node, val: Any, value: Any, symbols: dict[Expr, Any]) -> None:
    """What the metadata says of a value, against the value."""
    if isinstance(val, ArrayValue):
        sizes = tuple(evaluate(size, symbols) for size in val.shape)
        assert sizes == np.shape(value), (node.format_node(), sizes, np.shape(value))
        assert np.asarray(value).dtype == val.dtype, (node.format_node(), value.dtype)
    elif isinstance(val, (tuple, list)):
        assert len(val) == len(value), node.format_node()
        for inner, item in zip(val, value):
            compare(node, inner, item, symbols)
    elif isinstance(val, dict):
        for key, inner in val.items():
            compare(node, inner, value[key], symbols)
    elif isinstance(val, Expr):
        found = evaluate(val, symbols)
        same = found == value or (found != found and value != value)
        assert same, (node.format_node(), found, value)


def same(a: Any, b: Any) -> bool:
    """Equal in structure, dtypes and values."""
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (np.ndarray, np.generic)):
        other = np.asarray(b)
        is_float = a.dtype.kind in "fc"
        return a.dtype == other.dtype and np.array_equal(a, other, equal_nan=is_float)
    return type(a) is type(b) and (a == b or (a != a and b != b))


def agree(program: GraphModule, fn: Callable[..., Any], *inputs: Any) -> None:
    """The program and the function do the same with these inputs: both compute the same, or
    both raise; what the environment states is true when they compute."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            expected = fn(*[np.copy(i) if isinstance(i, np.ndarray) else i for i in inputs])
        except Exception as error:
            expected = error
        if isinstance(expected, Exception):
            raises(program, list(inputs), expected)
            return
        result, symbols = run_with_values(program, list(inputs))
    assert same(expected, result), (expected, result)
    env = program.shape_env
    for check in env.checks:  # type: ignore[attr-defined]
        assert evaluate(check.claim, symbols), (check.text, symbols)
    for fact in env.axioms:  # type: ignore[attr-defined]
        assert evaluate(fact.claim, symbols), (fact.spelled, symbols)


def raises(program: GraphModule, inputs: list[Any], expected: Exception) -> None:
    """The program must fail where the function does: when run, or by one of its checks."""
    try:
        _, symbols = run_with_values(program, inputs)
    except Exception:
        return
    env = program.shape_env
    failing = [c for c in env.checks if not evaluate(c.claim, symbols)]  # type: ignore[attr-defined]
    assert failing, f"the function raised {expected!r}, but the program did not"
