"""A dialect that answers the core questions and nothing else.

It speaks for graphs whose assert, reads and operators are functions of this file. The passes
over asserts run on it; each of the others refuses it and names what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import pytest

from asserts.dialects.base import AssertInfo, Claim, Dialect, Path
from asserts.dialects.interfaces import Interface
from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError, RuntimeAssertionError
from asserts.graph.equality import graphs_equal
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, Pipeline
from asserts.passes.constant_folding import FoldConstants
from asserts.passes.constraints import AddConstraintAsserts
from asserts.passes.functionalize import Defunctionalize, Functionalize
from asserts.passes.insert import InsertRuntimeAsserts
from asserts.passes.memory.aliasing import Aliasing, Guarded, alias_summary
from asserts.passes.memory.noops import RemoveNoOps
from asserts.passes.memory.reuse import ReuseBuffers
from asserts.passes.metadata import RefreshMetadata, refresh
from asserts.passes.minimise import MinimiseRuntimeAsserts
from asserts.passes.remove import RemoveRuntimeAsserts
from asserts.passes.tracepoints import CollectTracepoints
from shapes import ShapeEnv
from shapes.expr import OPERATORS, Expr, Op

# ---------------------------------------------------------------- the framework


def stop_unless(condition: Any, text: str) -> None:
    """The assert of this framework."""
    if not condition:
        raise RuntimeAssertionError(text, {}, {})


stop_unless.__shapeproof_impure__ = True  # type: ignore[attr-defined]


def length(x: Any, axis: int) -> int:
    """How a size is read."""
    return int(x.shape[axis])


def widest(x: Any) -> int:
    """A number that is known at run time only."""
    return int(x.max(initial=0))


def apply(name: str, *operands: Any) -> Any:
    """Every operator of this framework, by name."""
    python = OPERATORS[name].python
    assert python is not None
    return python(*operands)


class Toy(Dialect):
    """The answers: the core questions only."""

    name = "toy"

    def accepts(self, program: object) -> bool:
        return isinstance(program, GraphModule)

    def modules(self, graph_module: GraphModule) -> Iterable[GraphModule]:
        return [graph_module]

    def copy(self, graph_module: GraphModule) -> GraphModule:
        return graph_module.copy()

    def lint(self, graph_module: GraphModule) -> None:
        graph_module.graph.lint()

    def sweep(self, graph: Graph) -> bool:
        dead = [n for n in reversed(graph.nodes) if n.target in (length, apply)]
        erased = [graph.erase_node(n) for n in dead if not n.users]
        return bool(erased)

    def is_node(self, argument: object) -> bool:
        return isinstance(argument, Node)

    def is_assert(self, node: Node) -> bool:
        return node.target is stop_unless

    def claim_of(self, node: Node, expr_of: Callable[[Any], Expr | None]) -> Claim:
        return Claim.of(node.args[0], expr_of)

    def info_of(self, node: Node) -> AssertInfo:
        return AssertInfo(str(node.args[1]))

    def create_assert(
        self, graph: Graph, condition: Any, info: AssertInfo, values: Mapping[str, Any]
    ) -> Node:
        return graph.call_function(stop_unless, (condition, info.condition))

    def create_read(self, graph: Graph, node: Node, step: tuple[Any, ...]) -> Node:
        return graph.call_function(length, (node, step[1]))

    def read_of(self, node: Node) -> tuple[Node, tuple[Any, ...]] | None:
        return (node.args[0], ("size", node.args[1])) if node.target is length else None  # type: ignore[return-value]

    def create_call(
        self, graph: Graph, target: Callable[..., Any], arguments: tuple[Any, ...]
    ) -> Node:
        return graph.call_function(target, arguments)

    def create_operator(
        self, call: Callable[..., Any], op: Op, arguments: Sequence[Any]
    ) -> Any:
        return call(apply, op.name, *arguments)

    def computation_of(
        self, node: Node
    ) -> tuple[Callable[..., Expr], Sequence[Any]] | None:
        if node.target is not apply:
            return None
        build = OPERATORS[str(node.args[0])].build
        return None if build is None else (build, node.args[1:])

    def bindings(self, node: Node) -> Mapping[Expr, Path]:
        return node.meta.get("bindings", {})  # type: ignore[no-any-return]

    def value_of(self, node: Node) -> Expr | None:
        return node.meta.get("value")

    def set_value(self, node: Node, value: Expr | None) -> None:
        node.meta["value"] = value

    def metadata_beside(self, node: Node, location: Any) -> Mapping[str, Any]:
        return {}

    def environment(self, graph_module: GraphModule) -> Any:
        return graph_module.shape_env


TOY = Toy()


def program() -> GraphModule:
    """``x`` of n rows, of which a number is read that must be less than n, and even."""
    env = ShapeEnv()
    n = env.size("n", min=2, max=64, source="x.shape[0]")
    u = env.unbacked("u")
    env.check(u < n, "too wide")
    env.check(u <= 100)
    env.check(u % 2 == 0)
    graph = Graph()
    x = graph.placeholder("x")
    x.meta["bindings"] = {n.expr: (("size", 0),)}
    read = graph.call_function(widest, (x,))
    read.meta.update(bindings={u.expr: ()}, value=u.expr)
    graph.output(read)
    module = GraphModule(None, graph)
    module.shape_env = env
    return module


# ---------------------------------------------------------------- what runs on it


def texts(module: GraphModule) -> list[str]:
    return [str(n.args[1]) for n in module.graph.nodes if TOY.is_assert(n)]


def test_it_has_no_interface() -> None:
    assert all(getattr(TOY, name) is None for name in get_args(Interface))
    assert all(getattr(NUMPY, name) is not None for name in get_args(Interface))


def test_checks_are_inserted_or_proved() -> None:
    done = InsertRuntimeAsserts(dialect=TOY)(program())

    assert texts(done.graph_module) == ["n >= 2", "n <= 64", "u % 2 == 0", "u < n"]
    outcomes = {row.condition: row.outcome for row in done.report}
    assert outcomes["u <= 100"] == "discharged"
    assert done.graph_module(np.array([1, 2, 1])) == 2
    with pytest.raises(RuntimeAssertionError, match="u < n"):
        done.graph_module(np.array([1, 8, 1]))


def test_removal_is_the_inverse() -> None:
    checked = InsertRuntimeAsserts(dialect=TOY)(program()).graph_module
    assert not InsertRuntimeAsserts(dialect=TOY)(checked).modified

    removed = RemoveRuntimeAsserts(dialect=TOY)(checked)

    assert removed.modified
    assert graphs_equal(removed.graph_module.graph, program().graph)


@pytest.mark.parametrize(
    "one", [MinimiseRuntimeAsserts(dialect=TOY), RemoveRuntimeAsserts(dialect=TOY, only="proved")]
)
def test_what_is_implied_goes(one: Pass) -> None:
    full = InsertRuntimeAsserts(dialect=TOY, policy="keep-all")(program()).graph_module
    assert "u <= 100" in texts(full)

    done = one(full)

    assert texts(done.graph_module) == ["n >= 2", "n <= 64", "u % 2 == 0", "u < n"]
    (gone,) = done.report.with_outcome("discharged")
    assert {fact.spelled for fact in gone.proof.facts} >= {"n <= 64", "u < n"}  # type: ignore[union-attr]


# ---------------------------------------------------------------- what refuses it

OTHERS: list[tuple[Pass, str]] = [
    (AddConstraintAsserts(dialect=TOY, ranges={"u": (0, 3)}), "constraints"),
    (Functionalize(dialect=TOY), "effects"),
    (Defunctionalize(dialect=TOY), "effects"),
    (FoldConstants(dialect=TOY), "folding` and `memory` and `values"),
    (RemoveNoOps(dialect=TOY), "memory"),
    (ReuseBuffers(dialect=TOY), "memory"),
    (Guarded(ReuseBuffers(dialect=TOY)), "memory"),
    (RefreshMetadata(dialect=TOY), "values"),
    (CollectTracepoints(dialect=TOY), "tracepoints"),
]


@pytest.mark.parametrize(("one", "missing"), OTHERS, ids=lambda p: getattr(p, "name", None))
def test_other_passes_refuse_it_by_name(one: Pass, missing: str) -> None:
    module = program()

    with pytest.raises(GraphError) as error:
        one(module)

    assert f"the pass '{one.name}' needs `{missing}`" in str(error.value)
    assert "'toy'" in str(error.value)
    with pytest.raises(GraphError, match="'toy'"):
        Pipeline([InsertRuntimeAsserts(dialect=TOY), one])(module)
    assert graphs_equal(module.graph, program().graph)


def test_every_pass_is_tried() -> None:
    tried = {type(one) for one, _ in OTHERS}
    core = {InsertRuntimeAsserts, RemoveRuntimeAsserts, MinimiseRuntimeAsserts}
    own = {one for one in Pass.__subclasses__() if one.__module__.startswith("asserts.")}
    assert own == tried | core
    assert {one for one in own if not one.needs} == core | {Guarded}


def test_functions_beside_the_passes_refuse_it_too() -> None:
    module = program()
    for asked in (
        lambda: alias_summary(module, TOY),
        lambda: Aliasing(TOY).observe(module),
        lambda: refresh(module, module.graph.nodes, TOY),
    ):
        with pytest.raises(GraphError, match="dialect 'toy'"):
            asked()
