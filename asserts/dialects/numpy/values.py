"""What nodes of numpy graphs stand for, recomputed by the rules of the tracer.

The rule that recorded a call says which shape comes out, so it is asked again: in a scratch
tracer whose environment knows what the program's does and is thrown away. A symbol that the
rule makes (the length of ``np.nonzero(x)``) stands for the symbol that the node binds there,
or for what the node states there.

Guarantees: neither graph nor environment is changed. Limits: what has no rule, and what asks
for a decision on a value that is not known, cannot be recomputed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.graph.graph import Node, map_arg
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from shapes.env import ShapeEnv, SymbolInfo
from shapes.errors import DataDependentError, ShapeproofError
from shapes.expr import BY_MEANING, Expr, as_expr, as_integer, equal
from shapes.prove import entails
from shapes.traversal import free_symbols, substitute

__all__ = ["NumpyInference", "NumpyValues", "describe"]

Path = tuple[tuple[Any, ...], ...]


def describe(value: object) -> str:
    """A value in a few characters: ``f64[b, 3]``, ``u0 + 1``, ``(f64[b], i64[])``."""
    if isinstance(value, (tuple, list)):
        left, right = "()" if isinstance(value, tuple) else "[]"
        return left + ", ".join(map(describe, value)) + right
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {describe(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (ArrayValue, Expr)):
        return str(value)
    return "nothing" if value is None else repr(value)


class NumpyValues:
    """What `metadata` asks of numpy's graphs."""

    def inference(self, graph_module: GraphModule) -> NumpyInference:
        return NumpyInference(graph_module)

    def stated_value(self, node: Node) -> Any:
        return node.meta.get("val")

    def state_value(self, node: Node, value: object) -> None:
        node.meta["val"] = value

    def describe_value(self, value: object) -> str:
        return describe(value)


class NumpyInference:
    """The values of one module's nodes."""

    why = ""

    def __init__(self, graph_module: GraphModule) -> None:
        from asserts.trace.tracer import Tracer

        self._module = graph_module
        env = graph_module.shape_env
        self._env = _scratch(env if isinstance(env, ShapeEnv) else None, graph_module)
        self._known = dict(self._env.symbols)
        self._tracer = Tracer(self._env, "metadata")
        for info in self._env.symbols.values():
            place = self._tracer.graph.placeholder("symbol")
            self._tracer.emitter.bind(info.symbol, place, ())

    # ------------------------------------------------------------------ comparing

    def same(self, a: object, b: object) -> bool:
        a, b = (_of_constant(v) if isinstance(v, np.ndarray) else v for v in (a, b))
        if isinstance(a, ArrayValue) and isinstance(b, ArrayValue):
            return (
                a.dtype == b.dtype
                and a.ndim == b.ndim
                and all(map(self._same_expr, a.shape, b.shape))
            )
        if isinstance(a, Expr) and isinstance(b, Expr):
            return self._same_expr(a, b)
        if isinstance(a, (tuple, list)) and isinstance(b, (tuple, list)):
            # numpy returns lists here and tuples there, so the kind is not compared.
            return len(a) == len(b) and all(map(self.same, a, b))
        if isinstance(a, dict) and isinstance(b, dict):
            return a.keys() == b.keys() and all(self.same(a[k], b[k]) for k in a)
        if isinstance(a, Expr) or isinstance(b, Expr):
            return _plain(a) == _plain(b) and type(_plain(a)) is type(_plain(b))
        return type(a) is type(b) and bool(a is b or np.all(a == b))

    def _same_expr(self, a: Expr, b: Expr) -> bool:
        if a is b:
            return True
        if a.kind != b.kind or a.kind == "float":
            return False
        try:
            return entails(self._env.facts, equal(a, b), "quick") is not None
        except ShapeproofError:
            return False

    # ------------------------------------------------------------------ recomputing

    def infer(self, node: Node) -> Any:
        """The value of a node; `NotImplemented` where it cannot be said.

        Raises `ShapeproofError` if the operation certainly fails on such operands.
        """
        if node.op == "placeholder":
            return NotImplemented
        if node.op == "output":
            values = [self._stated(source) for source in node.all_input_nodes]
            if node.meta.get("val") is None and None in values:
                return NotImplemented
            return map_arg(node.args[0], self._stated)
        if node.op == "get_attr":
            return _of_constant(self._module.find_attr(str(node.target)))
        if node.op == "call_function" and _rule_of(node.target) is _nothing:
            return None
        symbol = _symbol_read(node)
        if symbol is not None:
            return symbol
        if any(self._stated(source) is None for source in node.all_input_nodes):
            return NotImplemented
        try:
            found = self._called(node)
        except (TraceError, DataDependentError):
            return NotImplemented
        except ShapeproofError:
            raise
        except (TypeError, ValueError, IndexError, ArithmeticError) as error:
            raise ShapeproofError(f"{type(error).__name__}: {error}") from error
        if found is NotImplemented:
            return found
        return self._with_known_symbols(node, found)

    def _called(self, node: Node) -> Any:
        from asserts.trace.context import activated

        with activated(self._tracer):
            args = map_arg(node.args, self._operand)
            kwargs = map_arg(dict(node.kwargs), self._operand)
            if node.op == "call_module":
                return self._described(self._nested(node, args, kwargs))
            if node.op == "call_method":
                method = getattr(args[0], str(node.target), None)
                return NotImplemented if method is None else self._described(
                    method(*args[1:], **kwargs)
                )
            rule = _rule_of(node.target)
            if rule is None:
                return NotImplemented
            return self._described(rule(self._tracer, node.target, args, kwargs))

    def _nested(self, node: Node, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
        from asserts.trace.nested import call_program

        found = self._module.find_attr(str(node.target))
        if not isinstance(found, GraphModule) or "contract" not in found.meta:
            return NotImplemented
        return call_program(self._tracer, found, args, kwargs)

    def _stated(self, node: Node) -> Any:
        """What is known of an input; None for nothing."""
        val = node.meta.get("val")
        if val is None and node.op == "get_attr":
            found = self.infer(node)
            return None if found is NotImplemented else found
        return val

    def _operand(self, node: Node) -> Any:
        return self._value(self._stated(node))

    def _value(self, val: object) -> Any:
        from asserts.trace.symarray import SymArray

        if isinstance(val, ArrayValue):
            t = self._tracer
            node = t.graph.placeholder("operand")
            node.meta["val"] = val
            return SymArray(t, node, val.shape, val.dtype)
        if isinstance(val, Expr):
            return self._env.wrap(val)
        if isinstance(val, (tuple, list)):
            return type(val)(map(self._value, val))
        if isinstance(val, dict):
            return {key: self._value(inner) for key, inner in val.items()}
        return val

    def _described(self, result: object) -> Any:
        from asserts.trace.symarray import SymArray
        from shapes.env import Symbolic

        if isinstance(result, SymArray):
            return ArrayValue(result._dims, result.dtype)
        if isinstance(result, Symbolic):
            return result.expr
        if isinstance(result, (tuple, list)):
            items = [self._described(item) for item in result]
            return tuple(items) if isinstance(result, tuple) else items
        if isinstance(result, dict):
            return {key: self._described(item) for key, item in result.items()}
        return _of_constant(result) if isinstance(result, np.ndarray) else result

    def _with_known_symbols(self, node: Node, found: object) -> Any:
        """The value with the symbols that the rule made replaced by those of the program."""
        made: dict[Expr, Expr] = {}
        places = _places(found)
        stated = _places(node.meta.get("val"))
        bound = {path: sym for sym, path in (node.meta.get("bindings") or {}).items()}
        for path, expr in places.items():
            known = bound.get(path, stated.get(path))
            if self._is_new(expr) and known is not None:
                made.setdefault(expr, known)
        result = _mapped(found, lambda expr: substitute(expr, made))
        symbols = free_symbols(*_places(result).values())
        return NotImplemented if any(map(self._is_new, symbols)) else result

    def _is_new(self, expr: Expr) -> bool:
        return expr.is_symbol and expr.name not in self._known


def _scratch(env: ShapeEnv | None, module: GraphModule) -> ShapeEnv:
    """An environment with the same knowledge, which may be changed."""
    made = ShapeEnv()
    if env is not None:
        made.facts = env.facts
        made.symbols = dict(env.symbols)
    for node in module.graph.nodes:
        places = _places(node.meta.get("val"))
        for expr in (*(node.meta.get("bindings") or {}), *places.values()):
            for sym in free_symbols(expr):
                made.symbols.setdefault(sym.name, SymbolInfo(sym, backed=False))
    return made


def _symbol_read(node: Node) -> Expr | None:
    """The symbol that is bound at the place which a node reads, if it reads one."""
    from asserts.dialects.numpy import NUMPY

    path: Path = ()
    while (read := NUMPY.read_of(node)) is not None:
        node, path = read[0], (read[1], *path)
        for symbol, place in NUMPY.bindings(node).items():
            if place == path:
                return symbol
    return None


def _plain(value: object) -> Any:
    return value.value if isinstance(value, Expr) and value.is_constant else value


def _of_constant(value: object) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        from shapes.tensors import as_shape

        return ArrayValue(as_shape(value.shape), value.dtype)
    return NotImplemented if isinstance(value, GraphModule) else value


def _places(value: object, path: Path = ()) -> dict[Path, Expr]:
    """The expressions in a value, by their places."""
    if isinstance(value, ArrayValue):
        return {(*path, ("size", i)): size for i, size in enumerate(value.shape)}
    if isinstance(value, Expr):
        return {path: value}
    items: Any = ()
    if isinstance(value, (tuple, list)):
        items = enumerate(value)
    elif isinstance(value, dict):
        items = value.items()
    found: dict[Path, Expr] = {}
    for key, inner in items:
        found.update(_places(inner, (*path, ("item", key))))
    return found


def _mapped(value: object, change: Callable[[Expr], Expr]) -> Any:
    if isinstance(value, ArrayValue):
        shape = tuple(as_integer(change(size)) for size in value.shape)
        return ArrayValue(shape, value.dtype)
    if isinstance(value, Expr):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(_mapped(item, change) for item in value)
    if isinstance(value, dict):
        return {key: _mapped(item, change) for key, item in value.items()}
    return value


# --------------------------------------------------------------------------- rules by target

Rule = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]


def _rule_of(target: object) -> Rule | None:
    """How a call of that function is recomputed."""
    from asserts.dialects.numpy.graph import assert_holds
    from asserts.trace.registry import RULES, apply_rule

    try:
        own = _OWN.get(target)
        if own is not None:
            return own
        if target in RULES or isinstance(target, np.ufunc):
            return apply_rule
        if target is assert_holds:
            return _nothing
        return _operator if target in BY_MEANING else None
    except TypeError:  # cannot be hashed: nothing of ours
        return None


def _operator(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An operator: on numbers by its record, on arrays as the traced array does it."""
    from asserts.trace.symarray import SymArray
    from shapes.env import Symbolic

    if any(isinstance(a, (SymArray, np.ndarray, np.generic)) for a in args) or kwargs:
        return target(*args, **kwargs)
    build = BY_MEANING[target].build
    assert build is not None
    expr = build(*[a.expr if isinstance(a, Symbolic) else as_expr(a) for a in args])
    return t.env.wrap(expr)


def _power(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.elementwise import power
    from asserts.trace.symarray import SymArray

    if isinstance(args[0], SymArray):
        return power(t, args[0], args[1])
    return _operator(t, target, args, kwargs)


def _nothing(t: object, target: Any, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
    return None


def _getitem(t: object, target: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    whole, key = args
    return whole[key]


def _array(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.create import from_values
    from asserts.trace.symarray import SymArray

    if len(args) == 1 and not kwargs and not isinstance(args[0], SymArray):
        return from_values(t, args[0])
    from asserts.trace.registry import apply_rule

    return apply_rule(t, target, args, kwargs)


def _size(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return t.env.wrap(t.shape_of(args[0])[args[1]])


def _item(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return t.read(args[0])


def _count(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.dynamic import count_of

    return t.env.wrap(count_of(t, t.lift(args[0])))


def _astype(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.elementwise import cast

    return cast(t, t.lift(args[0]), *args[1:], **kwargs)


def _first(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`set_item`: the shape stays, if the value fits."""
    from asserts.trace.rules.index import set_item

    x, key, value = args
    array = t.lift(x).copy()
    set_item(t, array, tuple(key) if isinstance(key, list) else key, value)
    return array


def _update(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.elementwise import update

    name, x, other = args
    array = t.lift(x).copy()
    update(t, array, getattr(np, name), other, "x ?= ...")
    return array


def _method_of_ufunc(method: str, *names: str) -> Rule:
    """A method that is called with these further arguments (`outer` takes two arrays)."""

    def rule(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from asserts.trace.rules.elementwise import apply_ufunc

        name, *operands = args
        if method != "outer":
            operands[0] = t.lift(operands[0])
            kwargs = {**dict(zip(names, operands[1:])), **kwargs}
            operands = operands[:1]
        return apply_ufunc(t, getattr(np, name), method, tuple(operands), kwargs)

    return rule


def _at(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.elementwise import apply_ufunc

    name, x, key, *operands = args
    array = t.lift(x).copy()
    place = tuple(key) if isinstance(key, list) else key
    apply_ufunc(t, getattr(np, name), "at", (array, place, *operands), kwargs)
    return array


def _written(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.registry import apply_rule

    name, x, *others = args
    array = t.lift(x).copy()
    apply_rule(t, getattr(np, name), (array, *others), kwargs)
    return array


def _joined(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.tricks import joined

    name, items = args
    return joined(t, getattr(np, name), tuple(items))


def _math(t: Any, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from asserts.trace.rules.mathematics import apply_math
    from asserts.trace.symarray import is_symbolic

    name, *numbers = args
    if not is_symbolic(numbers):
        return target(*args, **kwargs)
    return apply_math(t, name, tuple(numbers), kwargs)


def _values(t: object, target: Any, args: tuple[object, ...], kwargs: dict[str, Any]) -> Any:
    """`tracepoint`."""
    return tuple(args[2:])


_OWN: Final[Mapping[Any, Rule]] = {
    operator.getitem: _getitem,
    operator.pow: _power,
    np.array: _array,
    runtime.size: _size,
    runtime.item: _item,
    runtime.astype: _astype,
    runtime.count_nonzero: _count,
    runtime.set_item: _first,
    runtime.update: _update,
    runtime.reduce_with: _method_of_ufunc("reduce", "axis", "keepdims"),
    runtime.accumulate_with: _method_of_ufunc("accumulate", "axis"),
    runtime.reduceat_with: _method_of_ufunc("reduceat", "indices", "axis"),
    runtime.outer_with: _method_of_ufunc("outer"),
    runtime.at_with: _at,
    runtime.written_with: _written,
    runtime.joined_with: _joined,
    runtime.math_of: _math,
    runtime.make_token: _nothing,
    runtime.functional_assert: _nothing,
    runtime.tracepoint: _values,
}
