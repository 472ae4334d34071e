"""Memory: judged by numpy itself; the guard, and the passes that respect it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asserts.conditions.report import Report
from asserts.errors import GraphError
from asserts.graph.equality import graphs_equal
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.runtime import astype, tracepoint
from asserts.graph.values import ArrayValue
from asserts.passes.base import Pass, PassResult, Pipeline
from asserts.passes.functionalize import Functionalize
from asserts.passes.memory.aliasing import Aliasing, Guarded, alias_summary, check_aliasing
from asserts.passes.memory.noops import RemoveNoOps
from asserts.passes.memory.reuse import ReuseBuffers
from asserts.passes.metadata import RefreshMetadata
from asserts.passes.remove import RemoveRuntimeAsserts
from asserts.trace import Spec, trace
from shapes import ShapeEnv
from shapes.tensors import as_shape
from tests.asserts.behaviour import every_program, same_behaviour, same_value, traced
from tests.asserts.programs import Program

# --------------------------------------------------------------------------- graphs by hand


def built(make: Callable[[Graph, Node], Any], shape: Any = (4, 6)) -> GraphModule:
    """A graph with one input x of floats, and full metadata."""
    graph = Graph()
    x = graph.placeholder("x")
    x.meta["val"] = ArrayValue(as_shape(shape), np.dtype(float))
    graph.output(make(graph, x))
    module = GraphModule(None, graph)
    RefreshMetadata()(module, in_place=True)
    return module


def _call(graph: Graph, function: Any, *args: Any, **kwargs: Any) -> Node:
    return graph.call_function(function, args, kwargs)


def shared(module: GraphModule) -> dict[tuple[str, str], str]:
    return {pair: sharing.level for pair, sharing in alias_summary(module).shared.items()}


X = ("output", "input 'x'")


@pytest.mark.parametrize(
    ("function", "args", "level"),
    [
        (np.transpose, (), "always"), (np.reshape, ((24,),), "sometimes"),
        (np.reshape, ((4, 6),), "always"), (np.ravel, (), "sometimes"),
        (np.copy, (), None), (np.exp, (), None), (np.swapaxes, (0, 1), "always"),
        (np.expand_dims, (0,), "always"), (np.broadcast_to, ((2, 4, 6),), "always"),
        (np.flip, (), "always"), (np.atleast_2d, (), "always"), (np.asarray, (), "always"),
        (np.ascontiguousarray, (), "sometimes"), (np.real, (), "always"),
        (np.round, (), "sometimes"), (np.diag, (), "sometimes"), (np.array, (), None),
        (np.where, (1.0, 2.0), None), (np.concatenate, (), None), (np.sort, (), None),
        (astype, ("float64",), None), (operator.add, (1,), None), (np.roll, (1,), None),
        (operator.getitem, (slice(1, 3),), "always"), (operator.getitem, (2,), "always"),
        (operator.getitem, ((2, 3),), None), (operator.getitem, ((2, 3, Ellipsis),), "always"),
        (operator.getitem, (None,), "always"), (operator.getitem, ([0, 1],), None),
        (id, (), "sometimes"),
    ],
)  # fmt: skip
def test_what_a_function_shares(function: Any, args: tuple[Any, ...], level: Any) -> None:
    def make(graph: Graph, x: Node) -> Node:
        return _call(graph, function, [x] if function is np.concatenate else x, *args)

    assert shared(built(make)).get(X) == level


def test_an_array_method_and_an_unknown_module_count() -> None:
    assert shared(built(lambda g, x: g.call_method("transpose", (x,)))) == {X: "always"}
    assert shared(built(lambda g, x: g.call_method("reshape", (x, -1)))) == {X: "sometimes"}
    assert shared(built(lambda g, x: g.call_method("sum", (x,)))) == {}
    sorts = alias_summary(built(lambda g, x: g.call_method("sort", (x,))))
    assert list(sorts.mutated) == ["input 'x'"]


def test_items_of_sequences_are_told_apart() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        both = _call(graph, np.broadcast_arrays, x, y)
        first = _call(graph, operator.getitem, both, 0)
        second = _call(graph, operator.getitem, both, 1)
        where = _call(graph, np.nonzero, x)
        rows = _call(graph, operator.getitem, where, 0)
        columns = _call(graph, operator.getitem, where, 1)
        return first, second, rows, columns, rows

    assert shared(built(make)) == {
        ("output[0]", "input 'x'"): "always",
        ("output[4]", "output[2]"): "always",
    }


class Unhashable:
    """A function that cannot be looked up in a table."""

    __hash__ = None  # type: ignore[assignment]
    __name__ = "unhashable"

    def __call__(self, x: Any) -> Any:
        return x


def test_items_from_the_end_and_unhashable_functions() -> None:
    def make(graph: Graph, x: Node) -> Any:
        both = _call(graph, np.broadcast_arrays, _call(graph, np.exp, x), x)
        return _call(graph, operator.getitem, both, -1)

    assert shared(built(make)) == {X: "always"}
    program = built(lambda g, x: _call(g, Unhashable(), _call(g, np.copy, x)))
    assert shared(program) == {}
    for one in (RemoveNoOps(), ReuseBuffers()):
        assert not one(program).modified


def test_constants_and_numbers() -> None:
    graph = Graph()
    x = graph.placeholder("x")
    c = graph.get_attr("c")
    view = graph.call_function(np.transpose, (c,))
    number = graph.get_attr("n")
    graph.output({"c": view, "x": x, "n": number, "m": number})
    module = GraphModule({"c": np.zeros((2, 3)), "n": 3}, graph)
    RefreshMetadata()(module, in_place=True)
    found = shared(module)
    assert found == {
        ("output['c']", "constant 'c'"): "always",
        ("output['x']", "input 'x'"): "always",
    }


# --------------------------------------------------------------------------- slices


def _sliced(*bounds: slice, checks: tuple[str, ...] = ()) -> dict[tuple[str, str], str]:
    """Whether two slices of x overlap, bounds being texts over n, a and b."""
    env = ShapeEnv()
    env.size("n")
    for name in ("a", "b"):
        env.integer(name)
    for text in checks:
        env.check(text)
    graph = Graph()
    x = graph.placeholder("x")
    size = env.spelled("n").expr
    x.meta.update(val=ArrayValue((size,), np.dtype(float)))  # type: ignore[arg-type]
    nodes = {}
    for name in ("a", "b"):
        nodes[name] = graph.placeholder(name)
        nodes[name].meta.update(val=env[name].expr)
    y = graph.call_function(np.exp, (x,))
    y.meta["val"] = x.meta["val"]
    found = []
    for part in bounds:
        ends = [nodes.get(str(e), e) for e in (part.start, part.stop, part.step)]
        view = graph.call_function(operator.getitem, (y, slice(*ends)))
        view.meta["val"] = ArrayValue(as_shape((1,)), np.dtype(float))
        found.append(view)
    graph.output(tuple(found))
    module = GraphModule(None, graph)
    module.shape_env = env
    return shared(module)


def S(*ends: Any) -> slice:
    return slice(*ends)


@pytest.mark.parametrize(
    ("first", "second", "checks", "overlap"),
    [
        (S(0, 3), S(3, 7), (), False),
        (S(0, 4), S(3, 7), (), True),
        (S(None, "a"), S("a", None), (), False),
        (S(None, "a"), S("b", None), (), True),
        (S(None, "a"), S("b", None), ("a <= b", "a >= 0"), False),
        (S(None, "a"), S("b", None), ("a <= b + 1", "a >= 0"), True),
        (S(None, None, 2), S(1, None, 2), (), False),
        (S(None, None, 2), S(3, None, 4), (), False),
        (S(None, None, 2), S(1, None, 3), (), True),
        (S(2, 2), S(0, 9), (), False),
        (S(None, -1), S(-1, None), (), False),
        (S(None, -1), S(-2, None), (), True),
        (S(None, 3), S(-3, None), ("n >= 6",), False),
        (S(None, 3), S(-3, None), ("n >= 5",), True),
        (S(None, None, -1), S(0, 1), (), True),
    ],
)
def test_overlap_of_symbolic_slices(
    first: slice, second: slice, checks: tuple[str, ...], overlap: bool
) -> None:
    found = _sliced(first, second, checks=checks)
    assert bool(found) == overlap, found


# --------------------------------------------------------------------------- numpy judges

VIEWS: list[tuple[Any, tuple[Any, ...]]] = [
    (np.transpose, ()), (np.ravel, ()), (np.copy, ()), (np.abs, ()), (np.flip, (0,)),
    (np.positive, ()), (np.multiply, (1,)), (np.subtract, (0,)), (np.add, (-0.0,)),
    (np.ascontiguousarray, ()), (np.atleast_1d, ()), (np.asarray, ()), (np.real, ()),
    (np.round, ()), (np.swapaxes, (0, -1)), (np.expand_dims, (0,)), (np.squeeze, ()),
    (operator.getitem, (slice(None),)), (operator.getitem, (slice(1, None),)),
    (operator.getitem, (slice(0, 2),)), (operator.getitem, (slice(None, None, 2),)),
    (operator.getitem, (slice(1, None, 2),)), (operator.getitem, (Ellipsis,)),
    (operator.getitem, ((Ellipsis, slice(0, 1)),)), (operator.getitem, ((Ellipsis, 0),)),
    (operator.getitem, ((None, slice(1, 3)),)), (operator.getitem, ([0, 1],)),
    (np.sin, ()), (np.maximum, (0.5,)), (astype, ("float64",)), (np.diagonal, ()),
]  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A random graph: two inputs, some steps, a few results."""

    module: GraphModule
    inputs: tuple[Any, ...]


@st.composite
def programs(draw: st.DrawFn) -> Made:
    graph = Graph()
    inputs = (np.arange(1.0, 13.0).reshape(3, 4), np.arange(2.0, 8.0))
    known: list[tuple[Node, Any]] = []
    for name, value in zip("xy", inputs):
        node = graph.placeholder(name)
        node.meta["val"] = ArrayValue(as_shape(value.shape), value.dtype)
        known.append((node, value))
    for _ in range(draw(st.integers(1, 8))):
        source, value = draw(st.sampled_from(known))
        function, args = draw(st.sampled_from(VIEWS))
        try:
            result = function(value, *args)
        except (ValueError, IndexError, TypeError):
            continue
        if not isinstance(result, np.ndarray) or not result.ndim:
            continue
        node = graph.call_function(function, (source, *args))
        # The stated value comes from numpy, so that the tables alone are tested.
        node.meta["val"] = ArrayValue(as_shape(result.shape), result.dtype)
        known.append((node, result))
    count = draw(st.integers(1, 3))
    outputs = [draw(st.sampled_from(known))[0] for _ in range(count)]
    graph.output(tuple(outputs))
    return Made(GraphModule(None, graph), inputs)


def observed(made: Made, module: GraphModule) -> set[tuple[str, str]]:
    """What really shares memory."""
    inputs = [np.copy(value) for value in made.inputs]
    results = module(*inputs)
    named = [(f"output[{i}]", value) for i, value in enumerate(results)]
    found = set()
    for i, (name, value) in enumerate(named):
        for label, given_value in zip("xy", inputs):
            if np.shares_memory(value, given_value):
                found.add((name, f"input '{label}'"))
        for other, earlier in named[:i]:
            if np.shares_memory(value, earlier):
                found.add((name, other))
    return found


@given(programs())
def test_the_summary_includes_all_that_numpy_shares(made: Made) -> None:
    really = observed(made, made.module)
    summary = alias_summary(made.module).shared
    assert really <= set(summary)
    results = dict(zip((f"output[{i}]" for i in range(9)), made.module(*made.inputs)))
    for (place, other), sharing in summary.items():
        sizes = [results[place].size] + ([results[other].size] if other in results else [])
        # Two outputs that always lie in one block may be parts of it that never overlap.
        if sharing.level == "always" and all(sizes) and "input" in other:
            assert (place, other) in really


@given(programs())
def test_removing_no_ops_changes_neither_values_nor_sharing(made: Made) -> None:
    before = made.module
    result = Guarded(RemoveNoOps(), (Aliasing(),))(before)
    after = result.graph_module
    assert same_value(before(*made.inputs), after(*made.inputs))
    assert observed(made, after) <= observed(made, before)
    assert result.modified == (not graphs_equal(before, after))
    assert not RemoveNoOps()(after).modified


@given(programs())
def test_reuse_changes_neither_values_nor_sharing(made: Made) -> None:
    before = made.module
    result = Guarded(ReuseBuffers(), (Aliasing(writes="temporaries"),))(before)
    after = result.graph_module
    given_inputs = [np.copy(value) for value in made.inputs]
    assert same_value(before(*made.inputs), after(*given_inputs))
    assert same_value(list(made.inputs), given_inputs)
    assert observed(made, after) == observed(made, before)
    assert not ReuseBuffers()(after).modified or result.modified


# --------------------------------------------------------------------------- the guard


@dataclass(frozen=True)
class Dropping(Pass):
    """Replaces every call of a function by its first argument."""

    function: Any = None
    name = "dropping"

    def run(self, graph_module: GraphModule) -> PassResult:
        for node in list(graph_module.graph.nodes):
            if node.target is self.function:
                node.replace_all_uses_with(node.all_input_nodes[0])
                graph_module.graph.erase_node(node)
        return PassResult(graph_module, True, Report(self.name))


@dataclass(frozen=True)
class Writing(Pass):
    """Makes every call of a function write into its first argument."""

    function: Any = None
    name = "writing"

    def run(self, graph_module: GraphModule) -> PassResult:
        for node in graph_module.graph.nodes:
            if node.target is self.function:
                node.kwargs = {"out": node.args[0]}
        return PassResult(graph_module, True, Report(self.name))


def test_a_pass_that_returns_an_input_instead_of_a_copy_is_named() -> None:
    program = built(lambda g, x: (_call(g, np.exp, x), _call(g, np.copy, x)))
    pipeline = Pipeline((Guarded(RemoveNoOps()), Guarded(Dropping(function=np.copy))))
    with pytest.raises(
        GraphError,
        match=r"pass 'dropping' breaks the invariant 'aliasing': node 'x' \(output\[1\]\) may "
        r"share memory with input 'x'",
    ):
        pipeline(program)


def test_a_pass_that_makes_a_view_out_of_a_maybe_is_named() -> None:
    program = built(lambda g, x: _call(g, np.ravel, x), (6,))
    with pytest.raises(GraphError, match="always shares memory with input 'x'"):
        Guarded(Dropping(function=np.ravel))(program)


def test_two_outputs_may_not_become_one() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        return y, _call(graph, np.copy, y)

    with pytest.raises(GraphError, match=r"output\[1\]\) may share memory with output\[0\]"):
        Guarded(Dropping(function=np.copy))(built(make))


def test_dropping_what_is_not_returned_is_fine() -> None:
    program = built(lambda g, x: _call(g, np.exp, _call(g, np.copy, x)))
    Guarded(Dropping(function=np.copy))(program)


def test_writing_to_inputs_and_temporaries_is_named() -> None:
    to_input = built(lambda g, x: _call(g, np.exp, x))
    with pytest.raises(GraphError, match=r"'writing' breaks.*node 'exp' \(output\) may share"):
        Guarded(Writing(function=np.exp))(to_input)

    def inner(graph: Graph, x: Node) -> Any:
        return _call(graph, np.sum, _call(graph, np.exp, x))

    with pytest.raises(GraphError, match="node 'exp' writes to input 'x'"):
        Guarded(Writing(function=np.exp))(built(inner))

    def temporary(graph: Graph, x: Node) -> Any:
        return _call(graph, np.sin, _call(graph, np.exp, x))

    with pytest.raises(GraphError, match="node 'sin' writes in place"):
        Guarded(Writing(function=np.sin))(built(temporary))
    late = Aliasing(writes="temporaries")
    Guarded(Writing(function=np.sin), (late,))(built(temporary))


def test_reading_what_was_overwritten_is_named() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        view = _call(graph, np.transpose, y)
        z = _call(graph, np.sin, y)
        return z, _call(graph, np.sum, view)

    late = Aliasing(writes="temporaries")
    with pytest.raises(
        GraphError, match="'sum_1' reads 'transpose' after node 'sin' has overwritten it"
    ):
        Guarded(Writing(function=np.sin), (late,))(built(make))


def test_what_was_there_before_is_no_fault_of_the_pass() -> None:
    def make(graph: Graph, x: Node) -> Any:
        return x, _call(graph, np.exp, x, out=x)

    program = built(make)
    assert alias_summary(program).mutated == {"input 'x'": "exp"}
    Guarded(Dropping(function=np.copy))(program)
    summary = alias_summary(program)
    check_aliasing(summary, summary)


@every_program
def test_passes_of_this_package_keep_the_invariant(program: Program) -> None:
    before = traced(program)
    late = (Aliasing(writes="temporaries"),)
    pipeline = Pipeline(
        (
            Guarded(RemoveRuntimeAsserts()),
            Guarded(RemoveNoOps()),
            Guarded(ReuseBuffers(), late),
        )
    )
    pipeline(before)
    Guarded(Functionalize(), late)(before)


# --------------------------------------------------------------------------- nested graphs


def _nested(inner_result: Callable[[Graph, Node], Any], outer: Any = None) -> GraphModule:
    inner = built(inner_result)

    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        call = graph.call_module("body", (y,))
        call.meta["val"] = inner.graph.output_node().meta.get("val")
        return outer(graph, x, y, call) if outer else call

    graph = Graph()
    x = graph.placeholder("x")
    x.meta["val"] = ArrayValue(as_shape((4, 6)), np.dtype(float))
    graph.output(make(graph, x))
    return GraphModule({"body": inner}, graph)


def test_sharing_is_followed_through_nested_graphs() -> None:
    def both(graph: Graph, x: Node) -> Any:
        return _call(graph, np.transpose, x), _call(graph, np.cos, x)

    def outer(graph: Graph, x: Node, y: Node, call: Node) -> Any:
        first = _call(graph, operator.getitem, call, 0)
        second = _call(graph, operator.getitem, call, 1)
        return y, first, second

    assert shared(_nested(both, outer)) == {("output[1]", "output[0]"): "always"}
    writes = _nested(lambda g, x: _call(g, np.exp, x, out=x), lambda g, x, y, c: (x, c))
    assert alias_summary(writes).mutated == {}
    assert alias_summary(writes).writers == {"body"}
    to_input = _nested(lambda g, x: _call(g, np.exp, x, out=x), lambda g, x, y, c: c)
    next(n for n in to_input.graph.nodes if n.op == "call_module").args = (
        next(iter(to_input.graph.nodes)),
    )
    assert list(alias_summary(to_input).mutated) == ["input 'x'"]


def test_passes_work_in_nested_graphs_too() -> None:
    def inner(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.transpose, _call(graph, np.transpose, x))
        return _call(graph, np.sin, _call(graph, np.exp, y))

    program = _nested(inner)
    found = Pipeline((RemoveNoOps(), ReuseBuffers()))(program).graph_module
    body = found.get_graph_module("body")
    assert [n.target for n in body.graph.nodes if n.op == "call_function"] == [np.exp, np.sin]
    assert "out" in body.graph.find_nodes(op="call_function", target=np.sin)[0].kwargs
    x = np.arange(24.0).reshape(4, 6) / 10
    assert same_value(program(x), found(x))


# --------------------------------------------------------------------------- no-ops


def _returned(function: Any, *args: Any) -> Callable[[Graph, Node], Any]:
    """The step on new memory, returned."""
    return lambda g, x: _call(g, function, _call(g, np.exp, x), *args)


def _targets(module: GraphModule) -> list[Any]:
    return [n.target for n in module.graph.nodes if n.op == "call_function"]


@pytest.mark.parametrize(
    ("function", "args", "removed"),
    [
        (np.add, (0,), False),  # -0.0 + 0 is 0.0
        (np.add, (-0.0,), True),
        (np.subtract, (0,), True),
        (np.subtract, (-0.0,), False),
        (np.multiply, (1,), True),
        (np.multiply, (1.0,), True),
        (operator.mul, (1,), True),
        (np.true_divide, (1,), True),
        (np.floor_divide, (1,), False),
        (np.copy, (), True),
        (np.positive, (), True),
        (astype, ("float64",), True),
        (astype, ("float32",), False),
        (np.reshape, ((4, 6),), True),
        (np.reshape, ((6, 4),), False),
        (np.transpose, (), False),
        (np.transpose, ((0, 1),), True),
        (np.swapaxes, (1, 1), True),
        (np.broadcast_to, ((4, 6),), False),  # the result must stay read-only
        (operator.getitem, (slice(None),), True),
        (operator.getitem, ((slice(0, 4), slice(None)),), True),
        (operator.getitem, ((Ellipsis, slice(0, 6)),), False),
        (operator.getitem, (slice(0, 3),), False),
        (operator.getitem, ((None,),), False),
        (np.squeeze, (), True),
        (np.atleast_2d, (), True),
        (np.atleast_3d, (), False),
        (np.asarray, (), True),
        (np.maximum, (0,), False),
    ],
)
def test_which_calls_do_nothing(function: Any, args: Any, removed: bool) -> None:
    program = built(_returned(function, *args))
    result = RemoveNoOps()(program)
    assert result.modified == removed
    assert _targets(result.graph_module) == ([np.exp] if removed else [np.exp, function])


INTEGERS: list[tuple[Any, Any, bool]] = [
    (np.add, 0, True), (np.add, 0.0, False), (np.add, False, False), (np.bitwise_or, 0, True),
    (np.bitwise_and, -1, True), (np.bitwise_and, 1, False), (np.left_shift, 0, True),
    (np.floor_divide, 1, True), (np.true_divide, 1, False), (np.power, 1, True),
    (np.bitwise_xor, 0, True),
]  # fmt: skip


@pytest.mark.parametrize(("function", "e", "removed"), INTEGERS)
@pytest.mark.parametrize("swapped", [False, True])
def test_neutral_integers(function: Any, e: Any, removed: bool, swapped: bool) -> None:
    def body(x: Any) -> Any:
        y = x * 2
        return function(e, y) if swapped else function(y, e)

    program = trace(body, x=Spec(("n",), "int64"))
    commutes = function in (np.add, np.bitwise_or, np.bitwise_and, np.bitwise_xor)
    expected = removed and (commutes or not swapped)
    assert RemoveNoOps()(program).modified == expected


def test_a_copy_of_an_input_stays_if_it_is_returned_and_goes_otherwise() -> None:
    returned = built(lambda g, x: _call(g, np.copy, x))
    result = RemoveNoOps()(returned)
    assert not result.modified
    assert "its source is other memory" in result.report.rows[0].note
    viewed = built(lambda g, x: _call(g, np.transpose, _call(g, np.copy, x)))
    assert not RemoveNoOps()(viewed).modified
    used = built(lambda g, x: _call(g, np.exp, _call(g, np.copy, x)))
    assert _targets(RemoveNoOps()(used).graph_module) == [np.exp]


def test_copies_of_copies_leave_one() -> None:
    def make(graph: Graph, x: Node) -> Any:
        return _call(graph, np.copy, _call(graph, np.copy, _call(graph, np.copy, x)))

    assert _targets(RemoveNoOps()(built(make)).graph_module) == [np.copy]


def test_a_copy_beside_its_returned_source_stays() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        return y, _call(graph, np.copy, y), _call(graph, np.multiply, y, 1)

    assert not RemoveNoOps()(built(make)).modified


def test_a_copy_that_is_written_to_stays() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        z = _call(graph, np.copy, y)
        changed = _call(graph, np.sin, z, out=z)
        return _call(graph, np.sum, _call(graph, np.add, changed, y))

    result = RemoveNoOps()(built(make))
    assert not result.modified
    assert "written to" in result.report.rows[0].note


def test_transpositions_that_cancel() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.transpose, x, (1, 2, 0))
        z = _call(graph, np.moveaxis, y, 2, 0)
        wide = _call(graph, np.flip, _call(graph, np.flip, x, 1), 1)
        return _call(graph, np.add, z, wide), y

    found = RemoveNoOps()(built(make, (2, 3, 4))).graph_module
    assert _targets(found) == [np.transpose, np.add]


def test_array_scalars_are_left_alone() -> None:
    program = built(lambda g, x: _call(g, np.multiply, _call(g, np.sum, x), 1))
    assert not RemoveNoOps()(program).modified


def test_symbolic_sizes_decide_by_identity() -> None:
    def body(x: Any, y: Any) -> Any:
        return x.reshape(x.shape[0], 3) + y.reshape(x.shape[0], 3), x[0 : x.shape[0]]

    program = trace(body, x=("n", 3), y=("m", 3))
    found = RemoveNoOps()(program).graph_module
    reshapes = found.graph.find_nodes(op="call_function", target=np.reshape)
    assert [n.args[0].name for n in reshapes] == ["y"]
    assert not found.graph.find_nodes(op="call_function", target=operator.getitem)


def test_a_binder_of_a_symbol_stays() -> None:
    program = built(lambda g, x: _call(g, np.exp, _call(g, np.copy, x)))
    program.graph.find_nodes(op="call_function", target=np.copy)[0].meta["bindings"] = {1: ()}
    assert not RemoveNoOps()(program).modified


@every_program
def test_programs_compute_the_same_without_no_ops(program: Program) -> None:
    before = traced(program)
    after = Guarded(RemoveNoOps())(before).graph_module
    same_behaviour(program, before, after, rounds=40)


# --------------------------------------------------------------------------- reuse


def test_a_chain_needs_one_buffer() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        z = _call(graph, np.sin, y)
        return _call(graph, np.add, z, 1)

    found = ReuseBuffers()(built(make)).graph_module
    outs = {n.name: getattr(n.kwargs.get("out"), "name", None) for n in found.graph.nodes}
    assert (outs["exp"], outs["sin"], outs["add"]) == (None, "exp", "sin")
    x = np.linspace(0, 1, 24).reshape(4, 6)
    assert same_value(found(x), np.sin(np.exp(x)) + 1)
    assert not ReuseBuffers()(found).modified


def test_what_is_still_used_or_returned_or_viewed_is_not_overwritten() -> None:
    def used_later(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        return _call(graph, np.add, _call(graph, np.sin, y), y)

    found = ReuseBuffers()(built(used_later)).graph_module
    outs = {n.name: getattr(n.kwargs.get("out"), "name", None) for n in found.graph.nodes}
    assert outs["sin"] is None
    assert outs["add"] in ("sin", "exp")

    def returned(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        return y, _call(graph, np.sin, y)

    assert not ReuseBuffers()(built(returned)).modified

    def viewed(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        view = _call(graph, np.transpose, y)
        return _call(graph, np.sin, y), _call(graph, np.sum, view)

    assert not ReuseBuffers()(built(viewed)).modified

    def unknown(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        kept = _call(graph, id, y)
        return _call(graph, np.sin, y), kept

    assert not ReuseBuffers()(built(unknown)).modified


def test_shape_and_dtype_must_be_the_same() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        whole = _call(graph, np.less, y, 1)
        row = _call(graph, np.logical_not, whole)
        column = _call(graph, np.sum, row, axis=0)
        return _call(graph, np.sqrt, column)

    found = ReuseBuffers()(built(make)).graph_module
    reused = {n.name for n in found.graph.nodes if "out" in n.kwargs}
    assert reused == {"logical_not"}


def test_operands_may_overlap_with_the_result() -> None:
    def make(graph: Graph, x: Node) -> Any:
        y = _call(graph, np.exp, x)
        return _call(graph, np.add, y, _call(graph, np.transpose, y))

    program = built(make, (5, 5))
    found = ReuseBuffers()(program).graph_module
    assert "out" in found.graph.find_nodes(op="call_function", target=np.add)[0].kwargs
    x = np.random.default_rng(0).normal(size=(5, 5))
    assert same_value(program(x), found(x))


def test_nothing_to_do_is_unmodified() -> None:
    program = built(lambda g, x: _call(g, np.exp, x))
    for one in (RemoveNoOps(), ReuseBuffers()):
        result = one(program)
        assert not result.modified
        assert graphs_equal(result.graph_module, program, names=True)


@every_program
def test_programs_compute_the_same_in_reused_memory(program: Program) -> None:
    before = traced(program)
    late = (Aliasing(writes="temporaries"),)
    after = Guarded(ReuseBuffers(), late)(before).graph_module
    same_behaviour(program, before, after, rounds=40)


def test_markers_share_what_they_mark() -> None:
    def make(graph: Graph, x: Node) -> Any:
        marker = _call(graph, tracepoint, "inputs", "a", x)
        return _call(graph, operator.getitem, marker, 0)

    assert shared(built(make)) == {X: "always"}
