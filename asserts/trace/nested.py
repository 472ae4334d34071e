"""A traced program called inside of another trace: one node, with its contract as checks.

The inner program keeps its graph, environment and checks. Its sizes are replaced by those of
the actual arguments; what it requires of its inputs becomes checks of the outer program;
sizes that are known only when it runs become fresh symbols of the outer one, read from the
results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asserts.errors import InputError, TraceError
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from asserts.trace.symarray import SymArray
from shapes import tensors
from shapes.expr import Expr, IntExpr, constant, less_equal
from shapes.traversal import free_symbols, substitute

if TYPE_CHECKING:
    from asserts.graph.graph import Node
    from asserts.trace.tracer import Tracer

__all__ = ["call_program"]

Path = tuple[tuple[Any, ...], ...]


def call_program(
    t: Tracer, program: GraphModule, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Record a call of a traced program; its results as traced values.

    Raises `InputError` for arguments that don't fit, `ShapeError` for sizes that certainly
    don't, `TraceError` for a module that was not traced.
    """
    if "contract" not in program.meta:
        raise TraceError("only programs made by trace() can be called inside of another")
    name = str(program.meta.get("name", "program"))
    values = _bound(program, args, kwargs)
    with t.calling(name, program):
        replaced = _matched(t, program, values)
        needs = tensors.Needs()
        for condition in program.meta["contract"]:
            shown = substitute(condition, replaced)
            needs.add(shown, f"the inputs of '{name}' do not satisfy {condition}")
        t.require(needs.result(()))
        path = _attribute(t, program, name)
        node = t.record(path, values, None, None, op="call_module", name=path)
        return _Results(t, node, replaced, program).made()


def _bound(
    program: GraphModule, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> list[Any]:
    args, kwargs = program.taken_apart(args, kwargs)
    names = [str(node.target) for node in program.graph.find_nodes(op="placeholder")]
    given = dict(zip(names, args)) | kwargs
    if len(args) > len(names) or set(given) != set(names):
        raise InputError(f"the program takes {', '.join(names) or 'no inputs'}")
    return [given[name] for name in names]


def _matched(t: Tracer, program: GraphModule, values: list[Any]) -> dict[Expr, Expr]:
    """What the inner sizes are outside."""
    from asserts.trace.inputs import accepted_input, derived_names

    replaced: dict[Expr, Expr] = {}
    for node, value in zip(program.graph.find_nodes(op="placeholder"), values):
        wanted = node.meta["val"]
        if isinstance(wanted, ArrayValue) or not isinstance(value, SymArray):
            value = accepted_input(str(node.target), wanted, value)
        if isinstance(wanted, ArrayValue):
            sizes = t.shape_of(value)
        for symbol, path in node.meta["bindings"].items():
            replaced[symbol] = sizes[path[0][1]] if path else t.dim_of(value)
    for symbol, value in derived_names(program.graph):
        replaced[symbol] = substitute(value, replaced)
    return replaced


def _attribute(t: Tracer, program: GraphModule, name: str) -> str:
    """The attribute of the outer module that holds the program."""
    for path, held in t.module.attributes.items():
        if held is program:
            return path
    stem = name if name.isidentifier() else "program"
    path, number = stem, 0
    while t.module.find_attr(path) is not None or hasattr(GraphModule, path):
        number += 1
        path = f"{stem}_{number}"
    t.module.set_attr(path, program)
    return path


class _Results:
    """The results of a nested program in the outer one."""

    def __init__(
        self, t: Tracer, node: Node, replaced: dict[Expr, Expr], program: GraphModule
    ) -> None:
        self._t = t
        self._node = node
        self._replaced = dict(replaced)
        self._program = program
        self._bindings: dict[Expr, Path] = {}

    def made(self) -> Any:
        output = self._program.graph.output_node().args[0]
        self._define_symbols(output, ())
        values = self._value(output, ())
        self._node.meta["val"] = values
        self._t.bind(self._node, self._bindings)
        self._state_guarantees()
        return self._result(values, self._node)

    def _define_symbols(self, output: Any, path: Path) -> None:
        """First of all the sizes and numbers that are a symbol by themselves."""
        for expr, place in self._places(output, path):
            if expr.is_symbol and expr not in self._replaced:
                self._fresh(expr, place)

    def _places(self, output: Any, path: Path) -> list[tuple[Expr, Path]]:
        if isinstance(output, (tuple, list)):
            inner = [self._places(o, (*path, ("item", i))) for i, o in enumerate(output)]
            return [place for places in inner for place in places]
        if isinstance(output, dict):
            inner = [self._places(o, (*path, ("item", k))) for k, o in output.items()]
            return [place for places in inner for place in places]
        val = getattr(output, "meta", {}).get("val")
        if isinstance(val, ArrayValue):
            return [(size, (*path, ("size", i))) for i, size in enumerate(val.shape)]
        return [(val, path)] if isinstance(val, Expr) else []

    def _fresh(self, expr: Expr, path: Path) -> None:
        source = f"{self._node.name}{''.join(_step(s) for s in path)}"
        is_size = bool(path) and path[-1][0] == "size"
        made = self._t.unbacked(source, expr.kind, size_like=is_size)
        self._replaced[expr] = made.expr
        self._bindings[made.expr] = path

    def _outside(self, expr: Expr, path: Path) -> Expr:
        unknown = [s for s in free_symbols(expr) if s not in self._replaced]
        if unknown:
            self._fresh(expr, path)
            return self._replaced[expr]
        return substitute(expr, self._replaced)

    def _value(self, output: Any, path: Path) -> Any:
        if isinstance(output, (tuple, list)):
            items = [self._value(o, (*path, ("item", i))) for i, o in enumerate(output)]
            return tuple(items) if isinstance(output, tuple) else items
        if isinstance(output, dict):
            return {k: self._value(o, (*path, ("item", k))) for k, o in output.items()}
        val = getattr(output, "meta", {}).get("val", output)
        if isinstance(val, ArrayValue):
            shape = [
                self._outside(size, (*path, ("size", i))) for i, size in enumerate(val.shape)
            ]
            return ArrayValue(tensors.as_shape(shape), val.dtype)
        return self._outside(val, path) if isinstance(val, Expr) else val

    def _state_guarantees(self) -> None:
        """What the inner program's operations guarantee of the symbols that came out."""
        inner = [*self._program.meta["guarantees"]]
        for condition in inner:
            symbols = free_symbols(condition)
            if symbols and all(s in self._replaced for s in symbols):
                self._t.guarantee(substitute(condition, self._replaced), self._node)
        for expr in self._bindings:
            if isinstance(expr, IntExpr) and self._bindings[expr][-1:] == (("size", 0),):
                self._t.guarantee(less_equal(constant(0), expr), self._node)

    def _result(self, value: Any, node: Node) -> Any:
        if isinstance(value, (tuple, list)):
            return type(value)(self._part(node, i, v) for i, v in enumerate(value))
        if isinstance(value, dict):
            return {key: self._part(node, key, v) for key, v in value.items()}
        if isinstance(value, ArrayValue):
            return SymArray(self._t, node, value.shape, value.dtype)
        return self._t.env.wrap(value) if isinstance(value, Expr) else value

    def _part(self, node: Node, index: Any, value: Any) -> Any:
        if not isinstance(value, (tuple, list, dict, ArrayValue)):
            return self._t.env.wrap(value) if isinstance(value, Expr) else value
        import operator

        part = self._t.record(operator.getitem, (node, index), None, value)
        return self._result(value, part)


def _step(step: tuple[Any, ...]) -> str:
    kind, index = step
    return f".shape[{index}]" if kind == "size" else f"[{index!r}]"
