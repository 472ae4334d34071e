"""The tracer: writes nodes, keeps their metadata, and states what operations need.

A rule hands over what is called with which arguments and the shape that comes out; the
tracer turns symbolic numbers among the arguments into nodes, constants into attributes, and
conditions into checks of the environment. A value that is read twice, from one node or at one
place of an array, is one symbol; so is the number of true elements of a mask, wherever it
appears.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asserts.conditions.emit import Emitter
from asserts.dialects.numpy.graph import NumpyGraphs
from asserts.errors import TraceError
from asserts.graph import runtime
from asserts.graph.graph import Graph, Node
from asserts.graph.module import GraphModule
from asserts.graph.values import ArrayValue
from asserts.trace.floats import float_power_needs, require_same_errors
from asserts.trace.names import described, learn_names, text_of_claim
from asserts.trace.symarray import ANY, Elements, SymArray, Total, count_key, sum_key
from shapes import tensors
from shapes.base import DEBUG, Location, Log, user_location
from shapes.env import ShapeEnv, Symbolic, SymFloat
from shapes.errors import ContradictionError
from shapes.expr import (
    FALSE,
    LE_ZERO,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    Kind,
    as_integer,
    conjunction,
    conjuncts,
    constant,
    equal,
    less_equal,
)
from shapes.prove import decide
from shapes.tensors import Shape, ShapeError, ShapeResult
from shapes.traversal import defined, free_symbols

__all__ = ["Tracer"]

Path = tuple[tuple[Any, ...], ...]

LOG: Final = Log("trace")

PLAIN_ARRAYS: Final = (np.ndarray, np.memmap)
"""Kinds of arrays with the operations of an array. (While a program is traced, `np.memmap` is
a function that refuses to read a file.)"""


NO_SIZE: Final = 1 << 200
LARGEST: Final = constant(1 << 64)
"""More than any size of an array (numpy's are 64-bit integers), and more than any that is
computed from one for a name of a specification."""


class _Constant(NamedTuple):
    """An array of the traced program (held, so that its identity stays its own), what it
    contained when it was used, and the node that reads that."""

    value: Any
    copy: NDArray[Any]
    node: Node


def _same_content(a: NDArray[Any], value: Any) -> bool:
    """Whether shape, dtype and every byte are the same (so NaN is itself)."""
    b = np.asarray(value)
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


class Tracer:
    """One program being traced into one graph."""

    def __init__(self, env: ShapeEnv, name: str) -> None:
        self.env = env
        self.name = name
        self.graph = Graph()
        self.module = GraphModule(None, self.graph, "GraphModule")
        self.emitter = Emitter(self.graph, NumpyGraphs())
        self.contracts: list[Expr] = []
        self.guarantees: list[Expr] = []
        self.inputs: dict[str, Expr | tuple[Expr, ...]] = {}
        self._constants: dict[int, _Constant] = {}
        self._constant_number = 0
        self._reads: dict[Hashable, Expr] = {}
        self._totals: dict[Total, IntExpr] = {}
        self.numbers: dict[tuple[Any, ...], Expr] = {}
        """The symbols of numbers that the graph computes by `math`, by what is called."""
        self._required: set[Expr] = set()
        self._computed: dict[Expr, tuple[BoolExpr, Location | None]] = {}
        self._operation: list[tuple[str, Any]] = []
        self._end: str | None = None
        self._float_errors = np.geterr()

    @contextmanager
    def calling(self, name: str, function: Any) -> Iterator[None]:
        """Within the block, nodes and checks belong to that function."""
        self._operation.append((name, function))
        try:
            yield
        finally:
            self._operation.pop()

    @property
    def operation(self) -> str:
        """The name of the function that the user called."""
        return self._operation[0][0] if self._operation else "operation"

    @property
    def called(self) -> Any:
        """The numpy function that is being recorded."""
        return self._operation[-1][1]

    # -- asking ----------------------------------------------------------------------------

    def decide(self, condition: BoolExpr) -> bool | None:
        """Whether a condition holds, if that is known cheaply."""
        return self.env.decide(condition)

    def shape_of(self, value: Any) -> Shape:
        """The shape of an operand: an array, a number, or nested lists of them."""
        if isinstance(value, SymArray):
            return value._dims
        if isinstance(value, (Symbolic, bool, int, float, complex, np.generic)):
            return ()
        if isinstance(value, (list, tuple)):
            inner = [self.shape_of(v) for v in value]
            if not inner:
                return (constant(0),)
            return self.require(tensors.stack(inner))
        return tensors.as_shape(np.shape(value))

    def dim_of(self, value: Any) -> IntExpr:
        """A size or index as an expression: a number, a symbolic one, an array scalar."""
        if isinstance(value, SymArray):
            if value._dims or value.dtype.kind not in "iu":
                raise TypeError("only integer scalar arrays can be converted to an index")
            value = self.read(value)
        if isinstance(value, Symbolic):
            self.require_defined(value)
            if isinstance(value, SymFloat):
                raise TypeError("'float' object cannot be interpreted as an integer")
            return as_integer(value.expr)
        return constant(operator.index(value))

    def dims_of(self, shape: Any) -> Shape:
        """The sizes in a shape argument: one, or a sequence of them."""
        if isinstance(shape, SymArray):
            if shape.ndim != 1:
                return (self.dim_of(shape),)
            shape = list(shape)
        if isinstance(shape, (list, tuple, np.ndarray)):
            return tuple(self.dim_of(s) for s in shape)
        return (self.dim_of(shape),)

    # -- stating ---------------------------------------------------------------------------

    def require_defined(self, value: Symbolic) -> None:
        """A symbolic number is used, so what it is made of must have a value."""
        if value.defined is not TRUE:
            self._check(value.defined, f"`{value.expr}` has no value", "arithmetic")

    def computed(self, value: Symbolic) -> None:
        """The program computes a number that may have no value, which raises there even if
        the result is never used (`require_computed` states what is left of that)."""
        if value.expr not in self._computed:
            self._computed[value.expr] = (value.defined, user_location())
        if value.defined is FALSE:
            self.require_defined(value)

    def guarded(self, value: Symbolic) -> None:
        """An operator evaluates a value only under a condition, and says itself when it has
        one: what the value was computed from need have none."""
        needed, symbols = set(conjuncts(value.defined)), set(free_symbols(value.expr))
        for expr, (condition, _) in list(self._computed.items()):
            own = symbols.issuperset(free_symbols(expr))
            if own and needed.issuperset(conjuncts(condition)):
                del self._computed[expr]

    def powered(self, value: Symbolic) -> None:
        """The program computes a power of floats, which raises in Python where C's has an
        infinity, and is complex where C's is no number."""
        for need in float_power_needs(value.expr, self._is_of_array):
            if self.decide(need.condition) is not True:
                self._check(need.condition, need.reason, "arithmetic")

    def _is_of_array(self, expr: Expr) -> bool:
        """Whether it is the size of an array."""
        info = self.env.symbols.get(expr.name) if expr.is_symbol else None
        return info is not None and info.size_like

    def require_computed(self) -> None:
        """State that all arithmetic of the program has values, as far as no use of it did."""
        for expr, (condition, location) in self._computed.items():
            if self.decide(condition) is not True:
                self._check(condition, f"`{expr}` has no value", "arithmetic", location)
        self._computed.clear()

    def require(self, result: ShapeResult, operation: str | None = None) -> Shape:
        """State the needs of an operation; the shape of its result.

        Raises `ShapeError` if one of them certainly fails.
        """
        for need in result.needs:
            self._check(need.condition, need.reason, operation or self.operation)
        return result.shape

    def _check(
        self, condition: Expr, reason: str, operation: str, location: Location | None = None
    ) -> None:
        parts = conjuncts(conjunction(defined(condition), condition))
        whole = conjunction(*(one for one in parts if not self._is_size(one)))
        if whole is TRUE or whole in self._required:
            return
        if whole is FALSE or self.decide(whole) is False:
            raise ShapeError(f"{operation}: {reason}")
        learn_names(self)
        try:
            self.env.check(
                whole, origin="operation", operation=operation,
                location=location or user_location(),
                written=text_of_claim(self.env, condition),
            )  # fmt: skip
        except ContradictionError as error:
            raise ShapeError(f"{operation}: {reason}") from error
        self._required.add(whole)

    def _is_size(self, condition: BoolExpr) -> bool:
        """Whether it says of a size no more than that it is one: that it is not negative, or
        (where integers become doubles) at most some number that no size comes near to."""
        if condition.op is not LE_ZERO:
            return False
        side = condition.args[0]
        if self._is_of_array(-side):
            return True
        if not isinstance(side, IntExpr) or abs(side.constant) < NO_SIZE:
            return False
        sizes = [s for s in free_symbols(side) if self._is_of_array(s)]
        facts = self.env.facts.given(*(less_equal(s, LARGEST) for s in sizes))
        return decide(facts, condition) is True

    def contract(self, condition: BoolExpr) -> None:
        """State what every caller's inputs satisfy."""
        if condition is not TRUE:
            self.env.contract(condition)
            self.contracts.append(condition)

    def guarantee(self, condition: BoolExpr, node: Node) -> None:
        """State what the operation itself ensures."""
        if condition is not TRUE:
            self.env.guarantee(condition, self.operation, node.name)
            self.guarantees.append(condition)

    # -- recording -------------------------------------------------------------------------

    def record(
        self,
        target: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None = None,
        val: Any = None,
        op: str = "call_function",
        name: str | None = None,
    ) -> Node:
        """A new node; symbolic arguments become nodes before it, constants attributes."""
        require_same_errors(self._float_errors)
        trace = self._stack_trace()
        self.emitter.meta = {"stack_trace": trace}
        inputs = tuple(self.argument(a) for a in args)
        named = {key: self.argument(value) for key, value in (kwargs or {}).items()}
        node = self.graph.create_node(op, target, inputs, named, name)
        node.meta["val"] = val
        node.meta["stack_trace"] = trace
        self.emitter.arrive(node)
        if LOG.listens(DEBUG):
            LOG.say(DEBUG, "%s", node.format_node())
        return node

    def _stack_trace(self) -> str:
        return stack_text(user_location()) if self._end is None else self._end

    def returned(self) -> None:
        """The function has returned: what is still recorded belongs to its last line."""
        *_, last = self.graph.nodes or [None]
        self._end = str(last.meta.get("stack_trace", "")) if last is not None else ""

    def argument(self, value: Any) -> Any:
        """A value as an argument of a node."""
        if isinstance(value, SymArray):
            self.require_own(value)
            return value._node
        if isinstance(value, Symbolic):
            return self.node_of(value)
        if isinstance(value, Expr):
            return self.emitter.emit(value)
        if isinstance(value, (np.ndarray, np.generic)):
            return self.constant(value)
        if isinstance(value, np.dtype):
            return value.name if value.isnative else value.str
        if isinstance(value, (list, tuple)):
            return type(value)(self.argument(v) for v in value)
        if isinstance(value, dict):
            return {key: self.argument(v) for key, v in value.items()}
        if isinstance(value, slice):
            parts = (value.start, value.stop, value.step)
            return slice(*(self.argument(p) for p in parts))
        return value

    def require_own(self, array: SymArray) -> None:
        """Raises `TraceError` for an array of another trace."""
        if array._tracer is not self:
            raise TraceError(
                f"the traced array '{array._node.name}' belongs to another trace "
                f"('{array._tracer.name}'); return it from there instead of keeping it"
            )

    def node_of(self, value: Symbolic) -> Any:
        """A symbolic number as a node (or a constant)."""
        if value.env is not self.env:
            raise TraceError(f"`{value}` belongs to another environment")
        self.require_defined(value)
        self.emitter.meta = {"stack_trace": self._stack_trace()}
        return self.emitter.emit(value.expr)

    def constant(self, value: Any) -> Node:
        """The node that reads a constant array of the module: its elements as they are now,
        for the traced program may change an array of its own between two uses.

        Raises `TraceError` for an array of another kind: a mask, say, would be lost.
        """
        kind = type(value)
        if isinstance(value, np.ndarray) and kind not in PLAIN_ARRAYS:
            raise TraceError(
                f"{self.operation}: an array of the program is a {kind.__name__}, whose "
                "operations may mean something else than an array's: use np.asarray of it"
            )
        held = self._constants.get(id(value))
        if held is not None and _same_content(held.copy, value):
            return held.node
        array = np.array(value)
        array.flags.writeable = False
        name = f"constant_{self._constant_number}"
        self._constant_number += 1
        self.module.set_attr(name, array)
        val = ArrayValue(tensors.as_shape(array.shape), array.dtype)
        node = self.record(name, (), None, val, op="get_attr", name=name)
        self._constants[id(value)] = _Constant(value, array, node)
        return node

    def lift(self, value: Any) -> SymArray:
        """Any operand as a traced array."""
        if isinstance(value, SymArray):
            return value
        from asserts.trace.rules.create import from_values

        return from_values(self, value)

    def array(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        shape: ShapeResult | Sequence[IntExpr],
        dtype: np.dtype[Any],
        *,
        target: Callable[..., Any] | None = None,
        elements: Elements = ANY,
        view_of: SymArray | None = None,
    ) -> SymArray:
        """Record a call with one array as its result.

        `target` is the function that is being recorded, unless said otherwise; a `view_of`
        an array may share its memory.
        """
        dims = self.require(shape) if isinstance(shape, ShapeResult) else tuple(shape)
        function = self.called if target is None else target
        node = self.record(function, args, kwargs, ArrayValue(dims, dtype))
        result = SymArray(self, node, dims, dtype, elements, fresh=view_of is None)
        if view_of is not None:
            view_of.share(result)
        return result

    def arrays(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        values: Sequence[ArrayValue],
        *,
        kind: type[tuple[Any, ...]] | type[list[Any]] = tuple,
        target: Callable[..., Any] | None = None,
        elements: Sequence[Elements] | None = None,
        views: bool = False,
        bindings: Mapping[Expr, Path] | None = None,
    ) -> Any:
        """Record a call with a sequence of arrays as its result."""
        function = self.called if target is None else target
        node = self.record(function, args, kwargs, kind(values))
        if bindings:
            self.bind(node, bindings)
        known = elements or [ANY] * len(values)
        return kind(
            self.part(node, i, value, bound, not views)
            for i, (value, bound) in enumerate(zip(values, known))
        )

    def part(
        self,
        node: Node,
        index: Any,
        value: ArrayValue,
        elements: Elements = ANY,
        fresh: bool = False,
    ) -> SymArray:
        """One array among the results of a node."""
        item = self.record(operator.getitem, (node_argument(node), index), None, value)
        return SymArray(self, item, value.shape, value.dtype, elements, fresh)

    def bind(self, node: Node, bindings: Mapping[Expr, Path]) -> None:
        """The node's result defines these symbols."""
        node.meta["bindings"] = {**node.meta.get("bindings", {}), **bindings}
        for symbol, path in bindings.items():
            self.emitter.bind(symbol, node, path)
        self.emitter.arrive(node)

    # -- values ----------------------------------------------------------------------------

    def unbacked(self, source: str, kind: Kind = "int", size_like: bool = False) -> Any:
        """A fresh symbol for a value that is known only when the program runs."""
        return self.env.unbacked(kind=kind, size_like=size_like, source=source)

    def read(self, x: Any) -> Any:
        """The only element of an array as a symbolic number (or a number, if known)."""
        if not isinstance(x, SymArray):
            return x.item() if isinstance(x, (np.ndarray, np.generic)) else x
        self.require(_one_element(x._dims), "item")
        kind = _KINDS.get(x.dtype.kind)
        if kind is None or x.dtype.itemsize > 8:
            raise TraceError(f"reading a {x.dtype} value cannot be traced")
        lower, upper = x._elements
        if kind == "int" and lower is not None and lower is upper:
            return self.env.wrap(lower)
        held = self._reads.get(_place(x._node))
        if held is None:
            held = self._new_read(x, kind)
        return self.env.wrap(held)

    def _new_read(self, x: SymArray, kind: Kind) -> Expr:
        total = self._totals.get(x._total_of) if x._total_of is not None else None
        if total is not None:
            return total
        value = self.unbacked(described(x._node), kind)
        expr: Expr = value.expr
        with self.calling("item", runtime.item):
            node = self.record(runtime.item, (x,), None, expr)
        self.bind(node, {expr: ()})
        self._reads[_place(x._node)] = expr
        if kind == "int":
            assert isinstance(expr, IntExpr)
            self._guarantee_integer(expr, x, node)
            if x._total_of is not None:
                self._totals[x._total_of] = expr
        return expr

    def _guarantee_integer(self, value: IntExpr, x: SymArray, node: Node) -> None:
        lower, upper = x._elements
        info = np.iinfo(x.dtype)
        for low in (constant(int(info.min)), lower):
            if low is not None and self.decide(less_equal(low, value)) is not True:
                self.guarantee(less_equal(low, value), node)
        for high in (constant(int(info.max)), upper):
            if high is not None and self.decide(less_equal(value, high)) is not True:
                self.guarantee(less_equal(value, high), node)

    def total_of(self, total: Total) -> IntExpr | None:
        """The symbol of a total (see `count_key` and `sum_key`), if it has one."""
        return self._totals.get(total)

    def remember_total(self, total: Total, symbol: IntExpr) -> None:
        """The total has this symbol."""
        self._totals.setdefault(total, symbol)

    def same_totals(self, x: SymArray, other: SymArray) -> None:
        """The second array has the same elements, in whatever integer dtype: what is known
        of the totals of the first is known of its own."""
        for key in (count_key, sum_key):
            known = self.total_of(key(x))
            if known is not None:
                self.remember_total(key(other), known)

    # -- changing in place -----------------------------------------------------------------

    def require_fresh(self, x: SymArray, what: str, instead: str) -> None:
        """Raises `TraceError` if a change of the array could be seen elsewhere."""
        self.require_own(x)
        base = x._part_of[0] if x._part_of is not None else None
        indirect = base is not None and base._part_of is not None
        if x._memory is None or indirect or x._memory.is_seen_by_others(x, base):
            raise TraceError(
                f"`{what}` changes the array '{x._node.name}' in place, which is an input, a "
                f"view, or has views, so others could see the change; {instead}"
            )

    def changed(self, x: SymArray, what: str, result: SymArray) -> None:
        """The array is the result from here on."""
        self.require_fresh(x, what, "work on x.copy(), or make a new array")
        x._node = result._node
        x._elements = result._elements
        x._total_of = result._total_of
        if x._part_of is not None:
            base, _, key = x._part_of
            with self.calling("index assignment", runtime.set_item):
                whole = self.array((base, key, x), None, base._dims, base.dtype)
            base._node, base._elements, base._total_of = whole._node, ANY, None


def node_argument(node: Node) -> Any:
    """A node as an argument (it stands for itself)."""
    return node


def _one_element(dims: Shape) -> ShapeResult:
    needs = tensors.Needs()
    needs.add(
        equal(tensors.product(dims), constant(1)),
        "can only convert an array of size 1 to a Python scalar, not one of shape "
        + tensors.show_shape(dims),
    )
    return needs.result(())


def stack_text(location: Location | None) -> str:
    """A location in the form of Python's tracebacks."""
    return "" if location is None else location.as_traceback()


def _place(node: Node) -> Hashable:
    """What tells an array of one element from others: its node, or the array and the places in
    it that it was indexed with. (What changes an array makes another node.)"""
    if node.target is not operator.getitem:
        return node
    array, places = node.args
    places = places if isinstance(places, tuple) else (places,)
    if not isinstance(array, Node) or not all(type(p) in (int, Node) for p in places):
        return node
    return _place(array), places


_KINDS: Final[dict[str, Kind]] = {"b": "bool", "i": "int", "u": "int", "f": "float"}
"""The kinds of the elements of arrays, by numpy's letter for them."""
