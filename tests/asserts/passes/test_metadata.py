"""Metadata after changes: what is recomputed, where it stops, what no longer holds."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError
from asserts.graph.equality import graphs_equal
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.runtime import size
from asserts.graph.values import ArrayValue
from asserts.passes.metadata import RefreshMetadata, refresh, snapshot
from asserts.trace import Spec, trace
from shapes import ShapeEnv
from shapes.expr.booleans import equal
from shapes.expr.nodes import symbol
from shapes.traversal.interpret import free_symbols
from tests.asserts.behaviour import every_program, traced
from tests.asserts.hand_built import module_with_reads
from tests.asserts.programs import Program
from tests.asserts.tracing_help import run_with_values


def _traced(function: Any, **specs: Any) -> GraphModule:
    return trace(function, **specs)


def chain(x: Any, y: Any) -> Any:
    a = np.tanh(x)
    b = np.concatenate([a, y])
    c = np.exp(b)
    d = c.sum(axis=0)
    e = np.sin(d)
    return np.cos(e), np.sqrt(a)


def _chain() -> GraphModule:
    return _traced(chain, x=("n1", 3), y=("n2", 3))


def _node(module: GraphModule, target: Any) -> Node:
    return module.graph.find_nodes(op="call_function", target=target)[0]


def _val(module: GraphModule, target: Any) -> str:
    return str(_node(module, target).meta["val"])


def _texts(result: Any) -> list[str]:
    return [row.condition for row in result.report]


@every_program
def test_what_the_tracer_states_is_what_is_recomputed(program: Program) -> None:
    result = RefreshMetadata(strict=True)(traced(program))
    assert not result.modified
    assert not result.report.rows


def _same(program: GraphModule, a: Any, b: Any) -> bool:
    """Whether two values are the same under what the program states."""
    if not isinstance(a, ArrayValue) or not isinstance(b, ArrayValue):
        return str(a) == str(b)
    env = program.shape_env
    pairs = zip(a.shape, b.shape, strict=True)
    return a.dtype == b.dtype and all(env.prove(equal(x, y)).proved for x, y in pairs)


@every_program
def test_lost_metadata_comes_back(program: Program) -> None:
    before = traced(program)
    stripped = before.copy()
    for node in stripped.graph.nodes:
        if node.op == "call_function" and not node.meta.get("bindings"):
            node.meta.pop("val", None)
    result = RefreshMetadata()(stripped)
    assert result.modified
    for old, new in zip(before.graph.nodes, result.graph_module.graph.nodes):
        known = new.meta.get("val")
        # A size that another node's result decides is stated, not computed.
        assert known is None or old.op == "output" or _same(before, known, old.meta["val"])
    lost = {
        node.name
        for node in result.graph_module.graph.nodes
        if node.meta.get("val") is None and not NUMPY.is_assert(node)
    }
    assert lost <= {row.place for row in result.report if row.note == "not computed"}


def test_nothing_changed_is_nothing_visited() -> None:
    module = _chain()
    before = snapshot(module)
    assert refresh(module, before.changed(0, module)).visited == []
    result = RefreshMetadata(since=before)(module)
    assert not result.modified
    assert graphs_equal(result.graph_module, module, names=True)


def test_only_what_depends_on_the_change_is_recomputed() -> None:
    module = _chain()
    before = snapshot(module)
    concatenated = _node(module, np.concatenate)
    concatenated.args = (concatenated.args[0], )
    concatenated.kwargs = {"axis": 1}
    module.shape_env.check("n1 == n2")  # type: ignore[attr-defined]

    done = refresh(module, before.changed(0, module))

    assert [n.name for n in done.visited] == ["concatenate", "exp", "sum_1", "sin", "cos",
                                              "output"]  # fmt: skip
    assert _val(module, np.exp) == "f64[n1, 6]"
    assert _val(module, np.cos) == "f64[6]"
    assert _val(module, np.sqrt) == "f64[n1, 3]"


def test_it_stops_where_values_do_not_change_any_more() -> None:
    """The sum over the first axis has the same shape whatever the first axis is."""
    module = _chain()
    before = snapshot(module)
    concatenated = _node(module, np.concatenate)
    x, y = (n for n in module.graph.nodes if n.op == "placeholder")
    concatenated.args = ([x, y, y],)

    done = refresh(module, before.changed(0, module))

    assert [n.name for n in done.visited] == ["concatenate", "exp", "sum_1"]
    assert _val(module, np.concatenate) == "f64[n1 + 2 * n2, 3]"
    assert [c.kind for c in done.changes] == ["changed", "changed"]
    assert not refresh(module, before.changed(0, module)).changes


def test_new_nodes_get_a_value() -> None:
    module = _chain()
    before = snapshot(module)
    sine = _node(module, np.sin)
    with module.graph.inserting_before(sine):
        wide = module.graph.call_function(np.expand_dims, (sine.args[0], 0))
        new = module.graph.call_function(np.broadcast_to, (wide, (5, 3)))
    sine.args = (new,)

    result = RefreshMetadata(since=before)(module)

    found = result.graph_module
    assert _val(found, np.expand_dims) == "f64[1, 3]"
    assert _val(found, np.broadcast_to) == _val(found, np.sin) == "f64[5, 3]"
    assert "expand_dims: is f64[1, 3]" in _texts(result)
    assert "cos: stated f64[3], but is f64[5, 3]" in _texts(result)
    assert str(found.graph.output_node().meta["val"][0]) == "f64[5, 3]"
    assert not RefreshMetadata(since=before)(found).modified


def test_a_stated_shape_that_does_not_hold_is_reported_or_refused() -> None:
    module = _chain()
    _node(module, np.exp).meta["val"] = ArrayValue(
        (symbol("n1", "int"),), np.dtype(float)  # type: ignore[arg-type]
    )
    result = RefreshMetadata()(module)
    assert "exp: stated f64[n1], but is f64[n1 + n2, 3]" in _texts(result)
    assert result.modified
    with pytest.raises(GraphError, match=r"node 'exp': stated f64\[n1\], but is"):
        RefreshMetadata(strict=True)(module)


def test_a_wrong_dtype_is_found() -> None:
    module = _chain()
    val = _node(module, np.exp).meta["val"]
    _node(module, np.exp).meta["val"] = ArrayValue(val.shape, np.dtype("float32"))
    assert _texts(RefreshMetadata()(module)) == [
        "exp: stated f32[n1 + n2, 3], but is f64[n1 + n2, 3]"
    ]


def test_an_equal_size_in_another_spelling_stays() -> None:
    module = _chain()
    env = module.shape_env
    assert isinstance(env, ShapeEnv)
    env.assume("n1 == 2 * n2")
    node = _node(module, np.concatenate)
    m = env["n2"].expr
    stated = ArrayValue((3 * m, node.meta["val"].shape[1]), node.meta["val"].dtype)
    node.meta["val"] = stated
    result = RefreshMetadata()(module)
    assert not result.modified
    assert _node(result.graph_module, np.concatenate).meta["val"] is stated


def test_an_operation_that_certainly_fails_is_reported_or_refused() -> None:
    module = _chain()
    before = snapshot(module)
    _node(module, np.concatenate).kwargs = {"axis": 2}
    result = RefreshMetadata(since=before)(module)
    assert [row.note for row in result.report] == ["fails"]
    assert not result.modified
    with pytest.raises(GraphError, match=r"'concatenate'.*fails"):
        RefreshMetadata(since=before, strict=True)(module)


def test_what_has_no_rule_keeps_what_it_states() -> None:
    module = _chain()
    before = snapshot(module)
    _node(module, np.exp).target = id
    result = RefreshMetadata(since=before)(module)
    assert not result.modified
    assert [row.note for row in result.report] == ["not computed"]
    assert "exp" in result.report.rows[0].condition


def dynamic(x: Any) -> Any:
    (where,) = np.nonzero(x)
    chosen = x[where]
    again = x[x > 0]
    parts = np.unique(x, return_inverse=True)
    return chosen * 2, again, parts[0], parts[1], int(x.sum()) + 1


def test_run_time_symbols_stay_the_same() -> None:
    module = _traced(dynamic, x=Spec(("n",), "int64"))
    names = set(module.shape_env.symbols)  # type: ignore[attr-defined]
    assert not RefreshMetadata(strict=True)(module).modified
    before = snapshot(module)
    multiplied = _node(module, np.multiply)
    with module.graph.inserting_before(multiplied):
        double = module.graph.call_function(np.tile, (multiplied.args[0], 2))
    multiplied.args = (double, 2)

    found = RefreshMetadata(since=before)(module).graph_module

    assert set(module.shape_env.symbols) == names  # type: ignore[attr-defined]
    assert _val(found, np.multiply) == "i64[2 * u0]"


def inner(x: Any) -> Any:
    return np.concatenate([x, x])


def test_a_change_in_a_nested_graph_reaches_its_calls() -> None:
    doubled = trace(inner, x=("k",))
    module = _traced(lambda x: doubled(x) * 2.0, x=("n",))
    assert _val(module, np.multiply) == "f64[2 * n]"
    assert not RefreshMetadata(strict=True)(module).modified
    module = module.copy()
    before = snapshot(module)
    concatenated = _node(module.get_graph_module("inner"), np.concatenate)
    concatenated.args = ([*concatenated.args[0], concatenated.args[0][0]],)

    found = RefreshMetadata(since=before)(module).graph_module

    assert _val(found.get_graph_module("inner"), np.concatenate) == "f64[3 * k]"
    assert _val(found, np.multiply) == "f64[3 * n]"
    _, symbols = run_with_values(found, [np.arange(4.0)])
    assert symbols


def test_a_graph_by_hand_without_values_says_what_it_can() -> None:
    module, env = module_with_reads()
    tokens = next(iter(module.graph.nodes))
    b, columns = (env[name].expr for name in ("b", "tokens.shape[1]"))
    tokens.meta["val"] = ArrayValue((b, columns), np.dtype("int64"))

    result = RefreshMetadata()(module)

    found = result.graph_module
    cut = _node(found, operator.getitem).meta["val"]
    assert cut.shape[0] is b
    assert {s.name for s in free_symbols(cut.shape[1])} == {"u0", "tokens.shape[1]"}
    assert _node(found, size).meta["val"] is b
    assert _node(found, np.max).name in {
        row.place for row in result.report if row.note == "not computed"
    }


def test_asserts_and_tokens_stand_for_nothing() -> None:
    from asserts.passes.functionalize import Functionalize
    from asserts.passes.insert import InsertRuntimeAsserts

    module, env = module_with_reads()
    env.check("u0 <= 128")
    inserted = InsertRuntimeAsserts()(module).graph_module
    for one in (inserted, Functionalize()(inserted).graph_module):
        result = RefreshMetadata()(one)
        assert not [r for r in result.report if "assert" in r.place or "token" in r.place]


def test_snapshots_see_every_kind_of_change() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    c = graph.get_attr("c")
    y = graph.call_function(np.add, (x, c))
    z = graph.call_function(np.clip, (y, -0.0, 1))
    graph.output(z)
    module = GraphModule({"c": np.zeros(3)}, graph)

    def changed(change: Any) -> list[str]:
        copy = module.copy()
        before = snapshot(copy)
        change(copy, {n.name: n for n in copy.graph.nodes})
        return [n.name for n in before.changed(0, copy)]

    assert changed(lambda m, n: None) == []
    assert changed(lambda m, n: setattr(n["clip"], "args", (n["add"], 0.0, 1))) == ["clip"]
    assert changed(lambda m, n: setattr(n["clip"], "args", (n["add"], -0.0, True))) == ["clip"]
    assert changed(lambda m, n: setattr(n["add"], "target", np.subtract)) == ["add"]
    assert changed(lambda m, n: m.set_attr("c", np.zeros(3))) == ["c"]
    assert changed(lambda m, n: setattr(n["clip"], "kwargs", {"dtype": "f4"})) == ["clip"]
    assert changed(lambda m, n: setattr(n["add"], "name", "sum_of")) == ["sum_of", "clip"]
