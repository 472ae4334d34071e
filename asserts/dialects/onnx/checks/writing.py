"""The analysis that writes a condition as nodes of standard operators.

Every value is a tensor of one element. A symbol is read from a value of the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from onnx import (
    AttributeProto,
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    helper,
    numpy_helper,
)

from asserts.dialects.onnx.checks.scopes import Reading
from asserts.errors import GraphError
from shapes.expr import (
    LE_ZERO,
    SYMBOL,
    BoolExpr,
    Expr,
    Op,
    conjunction,
    negation,
    side_of,
)
from shapes.traversal import defined, interpret, made_total, walk

__all__ = [
    "MARK",
    "OLDEST",
    "RAW",
    "Bound",
    "Writer",
    "Written",
    "bound_of",
    "graphs_of",
    "is_ours",
    "is_writable",
    "safe",
    "written_text",
]

MARK: Final = "shapeproof/"
"""What the names of all values that are written begin with."""

RAW: Final = "shapeproof.before/"
"""What the name of a value begins with that others wait for, before they do."""

_PLAIN: Final = {
    "add": "Add",
    "sub": "Sub",
    "mul": "Mul",
    "neg": "Neg",
    "abs": "Abs",
    "mod": "Mod",
    "where": "Where",
    "eq": "Equal",
    "lt": "Less",
    "gt": "Greater",
    "and_": "And",
    "or_": "Or",
    "not_": "Not",
    "truncdiv": "Div",
}
"""Operators of ONNX by our handlers' names; only what takes 64-bit integers since `OLDEST`."""
OLDEST: Final = 10
"""The oldest operator set in which conditions can be written."""
_WRITABLE: Final = frozenset(_PLAIN) | {
    "floordiv", "ne", "le", "ge", "min", "max", "pow", "linear", "le_zero", "eq_zero",
    "ne_zero", "symbol", "constant",
}  # fmt: skip

_NEGATED: Final = frozenset(("not_", "ne", "ne_zero"))
"""Handlers that write a node `Not`."""
_RELATED: Final = 12
"""The operator set from which on there are `LessOrEqual`, and `Min` of integers."""
_MONOTONE: Final = frozenset(("Add", "Div", "Mul", "Mod", "Max", "Min"))
"""Operators whose results are not negative if no operand is."""


def is_writable(condition: Expr) -> bool:
    """Whether a condition can be written: its operators are among the standard ones."""
    return all(node.op.handler in _WRITABLE for node in walk(condition))


def _negations(condition: Expr) -> int:
    """How many nodes `Not` a condition takes."""
    return sum(node.op.handler in _NEGATED for node in walk(condition))


def safe(condition: BoolExpr) -> BoolExpr:
    """The condition, false where it has no value, and computed without a division by 0, which
    ends the process. Nothing else is relied on: nodes run in any order."""
    whole = conjunction(defined(condition), condition)
    total = made_total(whole, lambda _: None)
    assert isinstance(total, BoolExpr)
    return total


@dataclass(frozen=True)
class Bound:
    """A condition that a symbol, times 1 or -1, is at least a number."""

    symbol: Expr
    sign: int
    least: int


def bound_of(condition: BoolExpr) -> Bound | None:
    """A condition as a bound of one symbol, if it is one."""
    if condition.op is not LE_ZERO:
        return None
    side = side_of(condition)
    terms = list(side.terms().items())
    if len(terms) != 1 or terms[0][0].op is not SYMBOL or abs(terms[0][1]) != 1:
        return None
    [(symbol, sign)] = terms
    return Bound(symbol, -sign, side.constant)


@dataclass
class Written:
    """What all writers of a model share: the constants, which its main graph gets, and the
    number of values that they have made."""

    constants: dict[str, TensorProto] = field(default_factory=dict)
    count: int = 0

    def numbers(self, values: Any) -> str:
        """A constant of integers, a vector or a table of rows."""
        array = np.array(values, dtype=np.int64)
        rows = f"{len(array)}x" if array.ndim > 1 else ""
        name = f"{MARK}constant/{rows}{'_'.join(map(str, array.flat))}"
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(array, name)
        return name


class Writer:
    """Writes conditions into one graph, from its front to its back; `nodes` are what was
    written. `reading` says how a symbol is read, `names` what a value is called now."""

    def __init__(
        self, shared: Written, reading: Callable[[Expr], Reading], version: int = OLDEST
    ) -> None:
        self._shared = shared
        self._reading = reading
        self._related = version >= _RELATED
        self._natural: set[str] = set()  # (values that are not negative)
        self._equal: dict[tuple[str, str], str] = {}
        self._written: dict[Expr, str] = {}
        self._shapes: dict[str, str] = {}
        self.names: dict[str, str] = {}
        self.nodes: list[NodeProto] = []

    def write(self, condition: Expr) -> str:
        """The value that computes a condition."""
        return str(interpret(self, {}, condition, self._written))

    def failure(self, condition: BoolExpr) -> str:
        """The value that is 0 where a condition holds, and 1 elsewhere."""
        opposite = negation(condition)
        if is_writable(opposite) and _negations(opposite) <= _negations(condition) + 1:
            return self._integer(self.write(opposite))
        return self._integer(self.node("Not", [self.write(condition)]))

    def _integer(self, truth: str) -> str:
        """1 for true and 0 for false."""
        result = self.node("Cast", [truth], to=TensorProto.INT64)
        self._natural.add(result)
        return result

    def first_failure(self, name: str, rank: int, bounds: Sequence[Bound]) -> str:
        """The number of the first bound of a value's sizes that does not hold, where the last
        one has the number 1; 0 if all hold. All are compared at once, in as many rows as one
        size has bounds."""
        signs, least, numbers = np.zeros((3, len(bounds), rank), np.int64)
        taken = [0] * rank
        for i, one in enumerate(bounds):
            axis = self._reading(one.symbol).read.index
            place = taken[axis], axis
            taken[axis] += 1
            signs[place] = one.sign
            least[place] = one.least
            numbers[place] = len(bounds) - i
        rows, sizes = max(taken), self.shape_of(name)
        if signs.min() < 0:
            sizes = self.node("Mul", [sizes, self.table(signs[:rows])])
        broken = self.node("Less", [sizes, self.table(least[:rows])])
        number = self.node("Mul", [self._integer(broken), self.table(numbers[:rows])])
        return self.node("ReduceMax", [number], keepdims=0)

    def node(self, op: str, inputs: Sequence[str], label: str = "", **attributes: Any) -> str:
        """A new node with one result."""
        output = f"{MARK}{self._shared.count}/{label or op}"
        self._shared.count += 1
        made = helper.make_node(op, list(inputs), [output], name=output, **attributes)
        self.nodes.append(made)
        if op in _MONOTONE and self._natural.issuperset(inputs):
            self._natural.add(output)
        return output

    def table(self, rows: Any) -> str:
        """A constant of rows of integers."""
        return self._shared.numbers(rows)

    def numbers(self, *values: int) -> str:
        """A constant vector of integers."""
        name = self._shared.numbers(values)
        if min(values) >= 0:
            self._natural.add(name)
        return name

    def shape_of(self, name: str) -> str:
        """The shape of a value."""
        if name not in self._shapes:
            self._shapes[name] = self.node("Shape", [self.names.get(name, name)])
        return self._shapes[name]

    # ---------------------------------------------------------------- handlers

    @property
    def read(self) -> Collection[str]:
        """The values whose shapes are read."""
        return self._shapes

    def constant(self, value: Any) -> str:
        if isinstance(value, bool):
            zero = self.numbers(0)
            return self.node("Equal", [zero, zero if value else self.numbers(1)])
        return self.numbers(int(value))

    def symbol(self, sym: Expr) -> str:
        reading = self._reading(sym)
        name, step, index = reading.read.value, reading.read.step, reading.read.index
        if step == "size":
            size = self.node("Gather", [self.shape_of(name), self.numbers(index)])
            self._natural.add(size)
            return size
        flat = self.names.get(name, name)
        if not reading.alone:
            flat = self.node("Reshape", [flat, self.numbers(-1)])
        if step == "element" and not reading.alone:
            flat = self.node("Gather", [flat, self.numbers(index)])
        if reading.dtype != TensorProto.INT64:
            flat = self.node("Cast", [flat], to=TensorProto.INT64)
        if step == "element":
            return flat
        operator = "ReduceMin" if step == "least" else "ReduceMax"
        more = self.numbers(0 if step == "least" else -1)
        return self.node(operator, [self.node("Concat", [flat, more], axis=0)], keepdims=1)

    def floordiv(self, a: str, b: str) -> str:
        """``Div`` rounds towards zero; what is left of the remainder divides exactly."""
        if self._natural.issuperset((a, b)):
            return self.node("Div", [a, b])
        return self.node("Div", [self.node("Sub", [a, self.node("Mod", [a, b])]), b])

    def le(self, a: str, b: str) -> str:
        if self._related:
            return self.node("LessOrEqual", [a, b])
        return self.node("Not", [self.node("Greater", [a, b])])

    def ge(self, a: str, b: str) -> str:
        if self._related:
            return self.node("GreaterOrEqual", [a, b])
        return self.node("Not", [self.node("Less", [a, b])])

    def pow(self, a: str, b: str) -> str:
        """In doubles, which old operator sets need: exact for values below 2**53."""
        wide = [self.node("Cast", [x], to=TensorProto.DOUBLE) for x in (a, b)]
        return self.node("Cast", [self.node("Pow", wide)], to=TensorProto.INT64)

    def min(self, *values: str) -> str:
        return self._extreme("Min", "Less", values)

    def max(self, *values: str) -> str:
        return self._extreme("Max", "Greater", values)

    def _extreme(self, op: str, first: str, values: Sequence[str]) -> str:
        if self._related:
            return self.node(op, values)
        result = values[0]
        for value in values[1:]:
            result = self.node("Where", [self.node(first, [result, value]), result, value])
        return result

    def ne(self, a: str, b: str) -> str:
        return self.node("Not", [self.eq(a, b)])

    def eq(self, a: str, b: str) -> str:
        found = self._equal.get((a, b))
        if found is None:
            found = self._equal[a, b] = self.node("Equal", [a, b])
        return found

    def unknown(self, op: Op, values: Sequence[str]) -> str:
        name = _PLAIN.get(op.handler)
        if name is None:
            raise GraphError(f"`{op.name}` cannot be written with standard operators")
        if op.variadic and len(values) > 2:
            result = values[0]
            for value in values[1:]:
                result = self.node(name, [result, value])
            return result
        return self.node(name, values)


def is_ours(node: NodeProto) -> bool:
    """Whether a node was written here."""
    return any(name.startswith(MARK) for name in (node.name, *node.output))


def graphs_of(graph: GraphProto) -> Iterator[GraphProto]:
    """A graph and those in its nodes, outer ones first."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from graphs_of(attribute.g)


def written_text(model: ModelProto) -> str:
    """The nodes that were written into a model, one on a line."""
    ours = [n for graph in graphs_of(model.graph) for n in graph.node if is_ours(n)]
    return "\n".join(
        f"{', '.join(n.output)} = {n.op_type}({', '.join(n.input)})"
        + (f"  # {n.name}" if n.name != n.output[0] else "")
        for n in ours
    )
