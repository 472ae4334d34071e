"""The inputs of a traced program: how they are specified, and what is known of them.

Every size of an input is a symbol of its own, so that every one of them is checked: the
first size that is called ``b`` is the symbol `b`; a further one, a constant or a text
expression is the symbol of its place (``lengths.shape[0]``), with the contract that it is
equal to what was specified. The traced program computes with what was specified.

A name that occurs in expressions only (``2*a``) is solved for (see `derived`) and computed
behind the inputs; all else that is specified with it are contracts on the sizes.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from asserts.errors import InputError, TraceError
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.structure import Structure
from asserts.graph.values import ArrayValue
from asserts.trace.derived import Equation, Solution, solve
from asserts.trace.dtypes import as_dtype
from asserts.trace.outside import stand_in_for
from asserts.trace.structures import built, flattened, inputs_in, is_structure
from asserts.trace.symarray import SymArray
from asserts.trace.tracer import Tracer
from shapes.base import Bound, IntInfinity, as_integer, int_oo
from shapes.env import Dim, ShapeEnv, SymInt, exact_hint, exact_range
from shapes.errors import ShapeproofError
from shapes.expr import BoolExpr, Expr, IntExpr, as_expr, constant, equal, less_equal
from shapes.traversal import (
    Spelled,
    evaluate,
    free_symbols,
    is_name,
    made_total,
    parse_spelled,
    show,
)

__all__ = ["DERIVED", "BoundSpecs", "Spec", "bound_specs", "check_inputs", "make_inputs"]

DERIVED = "derived"
"""Where a node that computes a derived name keeps how (in its `meta`)."""


@dataclass(frozen=True, init=False)
class Spec:
    """An array input: its sizes (names, numbers, `Dim`s, or text such as ``"2*b"``), dtype.

    `Spec.int` specifies a symbolic integer instead. Raises `TraceError` for sizes that are
    none of these.
    """

    shape: tuple[Any, ...]
    dtype: np.dtype[Any]

    def __init__(self, shape: Any, dtype: Any = "float64") -> None:
        single = isinstance(shape, (str, int, Dim, range, slice))
        sizes = (shape,) if single else tuple(shape)
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


_RANGE = "{} is a range; a size with a range is a Dim: Dim('n', min=1, max=5)"


def _require_size(size: Any) -> None:
    if isinstance(size, (range, slice)) or (isinstance(size, str) and ".." in size):
        raise TraceError(_RANGE.format(repr(size)))
    if isinstance(size, (str, Dim)):
        return
    if as_integer(size) is None:
        raise TraceError(
            f"{size!r} is not a size; a size is a name, a number, a Dim, or text like '2*b'"
        )
    if int(size) < 0:
        raise TraceError(f"a size cannot be negative: {size!r}")


@dataclass(frozen=True)
class BoundSpecs:
    """The specifications of a function's inputs by name, and what the function takes."""

    flat: dict[str, Any]
    call: Callable[[Mapping[str, Any]], Any]
    """Calls the function on the values of the inputs."""
    arguments: Callable[[Mapping[str, Any]], dict[str, Any]]
    """The values of the parameters."""
    structure: tuple[tuple[str, Structure], ...] | None = None
    """What parameters are made of, if one of them is made of several inputs."""


def bound_specs(
    function: Callable[..., Any], specs: Sequence[Any], named: Mapping[str, Any]
) -> BoundSpecs:
    """The specification of every input by name, and how to call the function on values.

    Raises `TraceError` for specifications that don't fit the parameters.
    """
    try:
        signature = inspect.signature(function)
        bound = signature.bind(*specs, **named)
    except (TypeError, ValueError) as error:
        raise TraceError(f"the specified inputs don't fit the function: {error}") from None
    given: dict[str, Any] = {}
    places: list[tuple[str, str | None]] = []
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            for i, one in enumerate(value):
                given[f"{name}_{i}"] = one
                places.append((f"{name}_{i}", None))
        elif kind is inspect.Parameter.VAR_KEYWORD:
            given.update(value)
            places += [(key, key) for key in value]
        else:
            given[name] = value
            keyword = name if kind is inspect.Parameter.KEYWORD_ONLY else None
            places.append((name, keyword))
    flat: dict[str, Any] = {n: v for n, v in given.items() if not is_structure(v, _is_spec)}
    nested = {n: flattened(n, v, _is_spec, flat) for n, v in given.items() if n not in flat}

    def arguments(values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: built(nested[name], given[name], values) if name in nested else values[name]
            for name in given
        }

    def call(values: Mapping[str, Any]) -> Any:
        found = arguments(values)
        positional = [found[name] for name, keyword in places if keyword is None]
        keywords = {keyword: found[name] for name, keyword in places if keyword is not None}
        return function(*positional, **keywords)

    structure = None
    if nested:
        flat = _in_order(given, nested, flat)
        structure = tuple(
            (name, nested.get(name, ("input", name)))
            for name, value in given.items()
            if name in nested or _is_input(value)
        )
    return BoundSpecs(flat, call, arguments, structure)


def _is_spec(value: Any) -> bool:
    return isinstance(value, (Spec, IntSpec, Dim))


def _is_input(value: Any) -> bool:
    """Whether an argument is a specification of an input, and not a constant."""
    return _is_spec(value) or isinstance(value, (tuple, list, np.ndarray))


def _in_order(
    given: Mapping[str, Any], nested: Mapping[str, Structure], flat: Mapping[str, Any]
) -> dict[str, Any]:
    """The inputs in the order of the parameters that they belong to."""
    parts = [inputs_in(nested[name]) if name in nested else [name] for name in given]
    return {name: flat[name] for part in parts for name in part}


def _normal(name: str, spec: Any) -> Any:
    """A `Spec`, an `IntSpec`, or a constant as it is (generators of random numbers as what
    stands for them). Raises `TraceError` for what only looks like a specification."""
    if isinstance(spec, type) and issubclass(spec, (Spec, IntSpec, Dim)):
        raise TraceError(f"the argument '{name}' is the class {spec.__name__}, without a size")
    if isinstance(spec, range):
        raise TraceError(f"the argument '{name}': {_RANGE.format(spec)}")
    if isinstance(spec, (tuple, list)):
        return Spec(spec)
    if isinstance(spec, np.ndarray):
        return Spec(spec.shape, spec.dtype)
    if isinstance(spec, Dim):
        return IntSpec(spec.name, spec.min, spec.max, spec.hint)
    stand_in = stand_in_for(spec)
    return spec if stand_in is None else stand_in


def make_inputs(t: Tracer, specs: Mapping[str, Any]) -> dict[str, Any]:
    """The placeholders; the value of every parameter."""
    normal = {name: _normal(name, spec) for name, spec in specs.items()}
    table = _Sizes(t, normal)
    table.name_sizes()
    table.derive_sizes()
    table.require_no_text()
    values: dict[str, Any] = {}
    for name, spec in normal.items():
        if isinstance(spec, Spec):
            values[name] = table.array_input(name, spec)
        elif isinstance(spec, IntSpec):
            values[name] = table.integer_input(name, spec)
        else:
            values[name] = spec
    table.compute_derived()
    table.state_contracts()
    return values


class _Sizes:
    """The symbols of all sizes, and what they are specified to be."""

    def __init__(self, t: Tracer, specs: Mapping[str, Any]) -> None:
        self._t = t
        self._specs = specs
        self._named: dict[str, IntExpr] = {}
        self._first: dict[str, tuple[str, int | None]] = {}
        self._contracts: list[BoolExpr] = []
        self._derived: dict[tuple[str, int], Equation] = {}
        self._solutions: list[Solution] = []

    def name_sizes(self) -> None:
        """A symbol for every name, at the place where it occurs first."""
        for name, spec in self._specs.items():
            if isinstance(spec, IntSpec):
                self._declare(spec.name or name, name, None, spec)
            elif isinstance(spec, Spec):
                for axis, size in enumerate(spec.shape):
                    wanted = _plain_name(size)
                    if wanted is not None:
                        self._declare(wanted, name, axis, size)

    def derive_sizes(self) -> None:
        """Solve what is specified of sizes for the names that are none by themselves."""
        places = [
            (name, axis, size)
            for name, spec in self._specs.items()
            if isinstance(spec, Spec)
            for axis, size in enumerate(spec.shape)
            if isinstance(size, str) and _plain_name(size) is None
        ]
        spelled = [_spelled(size) for _, _, size in places]
        parsed = [(place, _integer(place[2], one)) for place, one in zip(places, spelled)]
        unknown = [
            s
            for place, expr in parsed
            for s in sorted(free_symbols(expr), key=partial(_first_place, place[2]))
            if s.name not in self._named and isinstance(s, IntExpr)
        ]
        for (name, axis, size), expr in parsed:
            if any(s in unknown for s in free_symbols(expr)):
                own = self._new_own(name, axis, self._hint_of(expr))
                self._derived[name, axis] = Equation(own, expr, size)
        equations = [*self._derived.values()]
        solutions, others = solve(equations, unknown, self._t.env.decide)
        for solution in solutions:
            self._declare_derived(solution)
        self._contracts += [one.defined for one in spelled]
        self._contracts += [c for solution in solutions for c in solution.conditions]
        self._contracts += [equation.holds for equation in others]

    def _declare_derived(self, solution: Solution) -> None:
        """A name that is computed from sizes."""
        name = solution.name.name
        env = self._t.env
        if name not in env.symbols:
            env.size(name, source=show(solution.value))
        self._named[name] = solution.name
        self._solutions.append(solution)

    def compute_derived(self) -> None:
        """The nodes that compute the derived names, behind the inputs."""
        t = self._t
        t.emitter.meta = {}
        for solution in self._solutions:
            # It is computed before the contract is checked, so it must have a value anyway.
            value = made_total(solution.value, lambda condition: t.decide(condition))
            node = t.emitter.emit(value)
            node.meta["val"] = solution.name
            node.meta[DERIVED] = value
            node.meta["impure"] = True  # what the contract says of it must not be lost
            t.bind(node, {solution.name: ()})
            with t.calling(f"how `{solution.name}` is read", node.target):
                t.guarantee(equal(solution.name, value), node)

    def require_no_text(self) -> None:
        """Raises `TraceError` for a constant text that is the name of a size."""
        for parameter, spec in self._specs.items():
            if isinstance(spec, str) and spec in self._named:
                raise TraceError(
                    f"the argument '{parameter}' is the text {spec!r}, the name of a size; an "
                    f"array is specified by a tuple, {parameter}=({spec!r},), a symbolic "
                    f"integer by {parameter}=Spec.int({spec!r})"
                )

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
            made = self._t.env.integer(name, source=name).expr
            assert isinstance(made, IntExpr)
            own = made
            self._contracts.append(equal(own, meant))
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
        return _parsed(size)

    def _own(self, name: str, axis: int, size: Any, meant: IntExpr) -> Expr:
        """The symbol of this very place."""
        wanted = _plain_name(size)
        if wanted is not None and self._first.get(wanted) == (name, axis):
            return meant
        derived = self._derived.get((name, axis))
        if derived is not None:
            return derived.own
        own = self._new_own(name, axis, self._hint_of(meant))
        self._contracts.append(equal(own, meant))
        return own

    def _new_own(self, name: str, axis: int, hint: int | None) -> IntExpr:
        path = f"{name}.shape[{axis}]"
        own = self._t.env.size(path, hint, source=path).expr
        assert isinstance(own, IntExpr)
        return own

    def _hint_of(self, meant: IntExpr) -> int | None:
        """An example of a size, if there are some for all that it is made of."""
        hints: dict[Expr, Any] = {}
        for sym in free_symbols(meant):
            info = self._t.env.symbols.get(sym.name)
            if info is None or type(info.hint) is not int:
                return None
            hints[sym] = info.hint
        try:
            found = evaluate(meant, hints)
        except ShapeproofError:
            return None
        return found if type(found) is int and found >= 0 else None

    def state_contracts(self) -> None:
        """Every place is what it was specified to be."""
        for condition in self._contracts:
            self._t.contract(condition)


def _first_place(text: str, symbol: Expr) -> int:
    """Where a text names a symbol first. (What was built before decides the order of terms in
    an expression.)"""
    found = re.search(rf"(?<!\w){re.escape(symbol.name)}(?!\w)", text)
    return len(text) if found is None else found.start()


def _plain_name(size: Any) -> str | None:
    """The name of a size that is one by itself."""
    if isinstance(size, Dim):
        return size.name
    if not isinstance(size, str) or is_name(size):
        return size if isinstance(size, str) else None
    expr = _parsed(size)
    return expr.name if expr.is_symbol else None


def _parsed(size: str) -> IntExpr:
    return _integer(size, _spelled(size))


def _spelled(size: str) -> Spelled:
    """A size that is text, and the condition under which it has a value."""
    try:
        return parse_spelled(size)
    except ShapeproofError as error:
        raise TraceError(f"the size {size!r} is not an expression: {error}") from None


def _integer(size: str, spelled: Spelled) -> IntExpr:
    if not isinstance(spelled.expr, IntExpr):
        raise TraceError(f"the size {size!r} is not an integer expression")
    return spelled.expr


def _declared(expr: IntExpr, lower: Bound, upper: Bound) -> list[Expr]:
    found: list[Expr] = []
    if not isinstance(lower, IntInfinity) and lower != 0:
        found.append(less_equal(as_expr(lower), expr))
    if not isinstance(upper, IntInfinity):
        found.append(less_equal(expr, as_expr(upper)))
    return found


# --------------------------------------------------------------------------- when it runs


def check_inputs(module: GraphModule, values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs, after a look at rank and dtype of every one and at the guards of the trace;
    integers of numpy's as Python's.

    Raises `InputError` with the input's name, `GuardError` for sizes for which the program
    would have branched otherwise.
    """
    placeholders = [node for node in module.graph.nodes if node.op == "placeholder"]
    values = tuple(
        accepted_input(str(node.target), node.meta.get("val"), value)
        for node, value in zip(placeholders, values)
    )
    env = module.shape_env
    if isinstance(env, ShapeEnv) and env.guards:
        env.guard_function().check(sizes_of_inputs(module, placeholders, values))
    return values


def sizes_of_inputs(
    module: GraphModule, placeholders: Sequence[Node], values: Sequence[Any]
) -> dict[str, Any]:
    """The value of every symbol of the inputs, by name."""
    sizes: dict[Expr, Any] = {}
    for node, value in zip(placeholders, values):
        for sym, path in node.meta.get("bindings", {}).items():
            sizes[sym] = value.shape[path[0][1]] if path else value
    for sym, value in derived_names(module.graph):
        sizes[sym] = evaluate(value, sizes)
    return {sym.name: value for sym, value in sizes.items()}


def derived_names(graph: Graph) -> list[tuple[Expr, Expr]]:
    """The names that are computed from sizes of inputs, each with how."""
    return [
        (sym, node.meta[DERIVED])
        for node in graph.nodes
        if DERIVED in node.meta
        for sym in node.meta.get("bindings", {})
    ]


def accepted_input(name: str, wanted: Any, value: Any) -> Any:
    """One input as the program takes it.

    An array must have the dtype and the rank that were specified (a numpy scalar stands for
    an array of rank 0); an integer of any exact kind becomes Python's. Raises `InputError`
    for anything else.
    """
    if isinstance(wanted, ArrayValue):
        _require_array(name, wanted, value)
    elif isinstance(wanted, IntExpr) and not isinstance(value, SymInt):
        return _as_integer(name, value)
    return value


def _require_array(name: str, wanted: ArrayValue, value: Any) -> None:
    kind = type(value)
    if not isinstance(value, (np.ndarray, np.generic, SymArray)):
        raise InputError(
            f"input '{name}' must be an array {wanted.describe()}, not {kind.__name__}"
        )
    if issubclass(kind, np.ndarray) and kind not in (np.ndarray, np.memmap):
        raise InputError(
            f"input '{name}' is a {kind.__name__}, whose operations may mean something else "
            "than an array's: pass np.asarray of it"
        )
    if value.ndim != wanted.ndim:
        raise InputError(
            f"input '{name}' must have {wanted.ndim} axes ({wanted.describe()}), but has "
            f"shape {tuple(value.shape)}"
        )
    if value.dtype != wanted.dtype:
        raise InputError(
            f"input '{name}' must be of dtype {_said(wanted.dtype)}, but is "
            f"{_said(value.dtype)}: convert it with astype, or trace the program for it"
        )


def _said(dtype: np.dtype[Any]) -> str:
    """A dtype by name, with its byte order if that is not the machine's."""
    return dtype.name if dtype.isnative else f"{dtype.name} of the other byte order ({dtype})"


def _as_integer(name: str, value: Any) -> int:
    found = as_integer(value)
    if found is None:
        raise InputError(f"input '{name}' must be an integer, not {value!r}")
    return found
