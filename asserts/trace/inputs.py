"""The inputs of a traced program: how they are specified, and what is known of them.

Every size of an input is a symbol of its own, so that every one of them is checked: the
first size that is called ``b`` is the symbol `b`; a further one, a constant or a text
expression is the symbol of its place (``lengths.shape[0]``), with the contract that it is
equal to what was specified. The traced program computes with what was specified.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from asserts.errors import InputError, TraceError
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from asserts.trace.dtypes import as_dtype
from asserts.trace.symarray import SymArray
from asserts.trace.tracer import Tracer
from shapes.base import Bound, IntInfinity, int_oo
from shapes.base.foreign import as_integer
from shapes.env import Dim, ShapeEnv
from shapes.env.dims import exact_hint, exact_range
from shapes.errors import ShapeproofError
from shapes.expr import Expr, IntExpr, as_expr, constant, equal, less_equal
from shapes.traversal import free_symbols, is_name, parse

__all__ = ["Spec", "bound_specs", "check_inputs", "make_inputs"]


@dataclass(frozen=True, init=False)
class Spec:
    """An array input: its sizes (names, numbers, `Dim`s, or text such as ``"2*b"``), dtype.

    `Spec.int` specifies a symbolic integer instead. Raises `TraceError` for sizes that are
    none of these.
    """

    shape: tuple[Any, ...]
    dtype: np.dtype[Any]

    def __init__(self, shape: Any, dtype: Any = "float64") -> None:
        sizes = (shape,) if isinstance(shape, (str, int, Dim)) else tuple(shape)
        for size in sizes:
            _require_size(size)
        object.__setattr__(self, "shape", sizes)
        object.__setattr__(self, "dtype", as_dtype(dtype))

    @staticmethod
    def int(
        name: str | None = None,
        min: Bound = -int_oo,
        max: Bound = int_oo,
        hint: int | None = None,
    ) -> IntSpec:
        """A symbolic integer of any sign (named like its parameter by default)."""
        return IntSpec(name, min, max, hint)


@dataclass(frozen=True)
class IntSpec:
    """A symbolic integer input."""

    name: str | None = None
    min: Bound = -int_oo
    max: Bound = int_oo
    hint: int | None = None

    def __post_init__(self) -> None:
        lower, upper = exact_range(self.name or "an input", self.min, self.max)
        hint = exact_hint(self.name or "an input", self.hint, lower, upper)
        for field, value in (("min", lower), ("max", upper), ("hint", hint)):
            object.__setattr__(self, field, value)


def _require_size(size: Any) -> None:
    if isinstance(size, (str, Dim)):
        return
    if as_integer(size) is None:
        raise TraceError(
            f"{size!r} is no size; a size is a name, a number, a Dim, or text like '2*b'"
        )
    if int(size) < 0:
        raise TraceError(f"a size cannot be negative: {size!r}")


def bound_specs(
    function: Callable[..., Any], specs: Sequence[Any], named: Mapping[str, Any]
) -> tuple[dict[str, Any], Callable[[Mapping[str, Any]], Any]]:
    """The specification of every parameter by name, and how to call the function on values.

    Raises `TraceError` for specifications that don't fit the parameters.
    """
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*specs, **named)
    except (TypeError, ValueError) as error:
        raise TraceError(f"the specified inputs don't fit the function: {error}") from None
    flat: dict[str, Any] = {}
    places: list[tuple[str, str | None]] = []
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            for i, one in enumerate(value):
                flat[f"{name}_{i}"] = one
                places.append((f"{name}_{i}", None))
        elif kind is inspect.Parameter.VAR_KEYWORD:
            flat.update(value)
            places += [(key, key) for key in value]
        else:
            flat[name] = value
            keyword = name if kind is inspect.Parameter.KEYWORD_ONLY else None
            places.append((name, keyword))

    def call(values: Mapping[str, Any]) -> Any:
        positional = [values[name] for name, keyword in places if keyword is None]
        keywords = {keyword: values[name] for name, keyword in places if keyword is not None}
        return function(*positional, **keywords)

    return flat, call


def _normal(spec: Any) -> Any:
    """A `Spec`, an `IntSpec`, or a constant as it is."""
    if isinstance(spec, (tuple, list)):
        return Spec(spec)
    if isinstance(spec, np.ndarray):
        return Spec(spec.shape, spec.dtype)
    if isinstance(spec, Dim):
        return IntSpec(spec.name, spec.min, spec.max, spec.hint)
    return spec


def make_inputs(t: Tracer, specs: Mapping[str, Any]) -> dict[str, Any]:
    """The placeholders; the value of every parameter."""
    normal = {name: _normal(spec) for name, spec in specs.items()}
    table = _Sizes(t, normal)
    table.name_sizes()
    values: dict[str, Any] = {}
    for name, spec in normal.items():
        if isinstance(spec, Spec):
            values[name] = table.array_input(name, spec)
        elif isinstance(spec, IntSpec):
            values[name] = table.integer_input(name, spec)
        else:
            values[name] = spec
    table.state_contracts()
    return values


class _Sizes:
    """The symbols of all sizes, and what they are specified to be."""

    def __init__(self, t: Tracer, specs: Mapping[str, Any]) -> None:
        self._t = t
        self._specs = specs
        self._named: dict[str, IntExpr] = {}
        self._first: dict[str, tuple[str, int | None]] = {}
        self._contracts: list[tuple[Expr, Expr]] = []

    def name_sizes(self) -> None:
        """A symbol for every name, at the place where it occurs first."""
        for name, spec in self._specs.items():
            if isinstance(spec, IntSpec):
                self._declare(spec.name or name, name, None, spec)
            elif isinstance(spec, Spec):
                for axis, size in enumerate(spec.shape):
                    if isinstance(size, Dim) or (isinstance(size, str) and is_name(size)):
                        wanted = size.name if isinstance(size, Dim) else size
                        self._declare(wanted, name, axis, size)

    def _declare(self, name: str, place: str, axis: int | None, size: Any) -> None:
        if not is_name(name) or "." in name or "[" in name:
            raise TraceError(f"{name!r} cannot be the name of a size")
        if name in self._first:
            return
        self._first[name] = (place, axis)
        dims = self._dims_called(name)
        lower: Bound = max((d.min for d in dims), default=0 if axis is not None else -int_oo)
        upper: Bound = min((d.max for d in dims), default=int_oo)
        hint = next((d.hint for d in dims if d.hint is not None), None)
        source = place if axis is None else f"{place}.shape[{axis}]"
        if name in self._t.env.symbols:
            made = self._t.env[name]
        elif axis is None:
            made = self._t.env.integer(name, hint, lower, upper, source)
        else:
            made = self._t.env.size(name, hint, lower, upper, source)  # type: ignore[arg-type]
        expr = made.expr
        assert isinstance(expr, IntExpr)
        self._named[name] = expr
        self._t.contracts += _declared(expr, lower, upper)

    def _dims_called(self, name: str) -> list[Any]:
        """All that is said of a name anywhere."""
        found: list[Any] = []
        for parameter, spec in self._specs.items():
            if isinstance(spec, IntSpec) and (spec.name or parameter) == name:
                found.append(spec)
            elif isinstance(spec, Spec):
                found += [d for d in spec.shape if isinstance(d, Dim) and d.name == name]
        return found

    def array_input(self, name: str, spec: Spec) -> SymArray:
        """The placeholder of an array."""
        sizes: list[IntExpr] = []
        bindings: dict[Expr, Any] = {}
        for axis, size in enumerate(spec.shape):
            meant = self._meant(size)
            own = self._own(name, axis, size, meant)
            bindings[own] = (("size", axis),)
            sizes.append(meant)
        node = self._placeholder(name, ArrayValue(tuple(sizes), spec.dtype), bindings)
        self._t.inputs[name] = tuple(bindings)
        return SymArray(self._t, node, tuple(sizes), spec.dtype)

    def integer_input(self, name: str, spec: IntSpec) -> Any:
        """The placeholder of an integer."""
        wanted = spec.name or name
        meant = self._named[wanted]
        own = meant
        if self._first[wanted] != (name, None):
            own = self._t.env.integer(name, source=name).expr  # type: ignore[assignment]
            self._contracts.append((own, meant))
        self._placeholder(name, own, {own: ()})
        self._t.inputs[name] = own
        return self._t.env.wrap(meant)

    def _placeholder(self, name: str, val: Any, bindings: dict[Expr, Any]) -> Node:
        node = self._t.record(name, (), None, val, op="placeholder", name=name)
        node.meta.pop("stack_trace")
        self._t.bind(node, bindings)
        return node

    def _meant(self, size: Any) -> IntExpr:
        """What a size is specified to be."""
        if isinstance(size, Dim):
            return self._named[size.name]
        if not isinstance(size, str):
            return constant(int(size))
        if size in self._named:
            return self._named[size]
        try:
            expr = parse(size)
        except ShapeproofError as error:
            raise TraceError(f"the size {size!r} is no expression: {error}") from None
        unknown = [s.name for s in free_symbols(expr) if s.name not in self._named]
        if unknown:
            raise TraceError(
                f"the size {size!r} names `{unknown[0]}`, which is itself no size of an input"
            )
        if not isinstance(expr, IntExpr):
            raise TraceError(f"the size {size!r} is no integer expression")
        return expr

    def _own(self, name: str, axis: int, size: Any, meant: IntExpr) -> Expr:
        """The symbol of this very place."""
        wanted = size.name if isinstance(size, Dim) else size
        if self._first.get(wanted) == (name, axis):
            return meant
        path = f"{name}.shape[{axis}]"
        hint = int(size) if not isinstance(size, (str, Dim)) else None
        if hint is None and meant.is_symbol:
            found = self._t.env.symbols[meant.name].hint
            hint = found if isinstance(found, int) else None
        own = self._t.env.size(path, hint, source=path).expr
        self._contracts.append((own, meant))
        return own

    def state_contracts(self) -> None:
        """Every place is what it was specified to be."""
        for own, meant in self._contracts:
            self._t.contract(equal(own, meant))


def _declared(expr: IntExpr, lower: Bound, upper: Bound) -> list[Expr]:
    found: list[Expr] = []
    if not isinstance(lower, IntInfinity) and lower != 0:
        found.append(less_equal(as_expr(lower), expr))
    if not isinstance(upper, IntInfinity):
        found.append(less_equal(expr, as_expr(upper)))
    return found


# --------------------------------------------------------------------------- when it runs


def check_inputs(module: GraphModule, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Verify rank and kind of every input, and the guards of the trace, before a run; the
    inputs to run with, integers of other libraries as Python's.

    Raises `InputError` with the input's name, `GuardError` for sizes for which the program
    would have branched otherwise.
    """
    placeholders = [node for node in module.graph.nodes if node.op == "placeholder"]
    for node, value in zip(placeholders, values):
        require_input(str(node.target), node.meta.get("val"), value)
    values = tuple(map(_exact_input, placeholders, values))
    env = module.shape_env
    if isinstance(env, ShapeEnv) and env.guards:
        env.guard_function().check(_sizes(placeholders, values))
    return values


def _exact_input(node: Node, value: Any) -> Any:
    """An integer input as an integer of Python's: numpy's would wrap around in the graph."""
    return as_integer(value) if isinstance(node.meta.get("val"), IntExpr) else value


def _sizes(placeholders: Sequence[Node], values: Sequence[Any]) -> dict[str, Any]:
    """The value of every symbol of the inputs, by name."""
    sizes: dict[str, Any] = {}
    for node, value in zip(placeholders, values):
        for sym, path in node.meta.get("bindings", {}).items():
            sizes[sym.name] = value.shape[path[0][1]] if path else value
    return sizes


def require_input(name: str, wanted: Any, value: Any) -> None:
    """One input against what was specified for it."""
    if isinstance(wanted, ArrayValue):
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is None or dtype is None:
            raise InputError(
                f"input '{name}' must be an array {wanted.describe()}, not "
                f"{type(value).__name__}"
            )
        if len(shape) != wanted.ndim:
            raise InputError(
                f"input '{name}' must have {wanted.ndim} axes ({wanted.describe()}), but has "
                f"shape {tuple(shape)}"
            )
        if dtype.kind != wanted.dtype.kind:
            raise InputError(
                f"input '{name}' must be of kind {wanted.dtype.name}, but is {dtype}"
            )
        return
    if isinstance(wanted, IntExpr) and as_integer(value) is None:
        raise InputError(f"input '{name}' must be an integer, not {value!r}")


