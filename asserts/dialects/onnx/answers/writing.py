"""The analysis that writes a condition on input sizes as nodes of standard operators.

Every value is a tensor of one element. A size is read from its input's shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from asserts.dialects.onnx.infer.symbols import Origin
from asserts.errors import GraphError
from shapes.expr import Expr, Op
from shapes.traversal import interpret, walk

__all__ = ["MARK", "OLDEST", "Writer", "is_writable", "written_text"]

MARK: Final = "shapeproof/"
"""What the names of all values that are written begin with."""

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
_DIVISIONS: Final = frozenset(("floordiv", "mod", "truncdiv"))
_WRITABLE: Final = frozenset(_PLAIN) | {
    "floordiv", "ne", "le", "ge", "min", "max", "pow", "linear", "le_zero", "eq_zero",
    "ne_zero", "symbol", "constant",
}  # fmt: skip


def is_writable(condition: Expr) -> bool:
    """Whether a condition can be written: its operators are among the standard ones, and no
    division can be by 0 (which ends the process)."""
    return all(
        node.op.handler in _WRITABLE
        and (node.op.handler not in _DIVISIONS or node.args[1].is_constant)
        for node in walk(condition)
    )


class Writer:
    """Writes conditions; `nodes` and `constants` are what was written."""

    def __init__(self, origins: Mapping[str, Origin], dtypes: Mapping[str, int]) -> None:
        self._origins = origins
        self._dtypes = dtypes
        self._written: dict[Expr, str] = {}
        self._constants: dict[tuple[int, ...], str] = {}
        self._shapes: dict[str, str] = {}
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def write(self, condition: Expr) -> str:
        """The value that computes a condition."""
        return str(interpret(self, {}, condition, self._written))

    def node(self, op: str, inputs: Sequence[str], label: str = "", **attributes: Any) -> str:
        """A new node with one result."""
        output = f"{MARK}{len(self.nodes)}/{label or op}"
        made = helper.make_node(op, list(inputs), [output], name=output, **attributes)
        self.nodes.append(made)
        return output

    def numbers(self, *values: int) -> str:
        """A constant vector of integers."""
        found = self._constants.get(values)
        if found is None:
            found = f"{MARK}constant/{'_'.join(map(str, values))}"
            self._constants[values] = found
            array = np.array(values, dtype=np.int64)
            self.constants.append(numpy_helper.from_array(array, found))
        return found

    def shape_of(self, name: str) -> str:
        """The shape of an input."""
        if name not in self._shapes:
            self._shapes[name] = self.node("Shape", [name])
        return self._shapes[name]

    # ---------------------------------------------------------------- handlers

    def constant(self, value: Any) -> str:
        if isinstance(value, bool):
            zero = self.numbers(0)
            return self.node("Equal", [zero, zero if value else self.numbers(1)])
        return self.numbers(int(value))

    def symbol(self, sym: Expr) -> str:
        where = self._origins[sym.name].where
        name, _, place = where.rpartition("[")
        index = self.numbers(int(place.rstrip("]")))
        if name.endswith(".shape"):
            return self.node("Gather", [self.shape_of(name.removesuffix(".shape")), index])
        flat = self.node("Reshape", [name, self.numbers(-1)])
        element = self.node("Gather", [flat, index])
        if self._dtypes.get(name) == TensorProto.INT64:
            return element
        return self.node("Cast", [element], to=TensorProto.INT64)

    def floordiv(self, a: str, b: str) -> str:
        """``Div`` rounds towards zero; what is left of the remainder divides exactly."""
        return self.node("Div", [self.node("Sub", [a, self.node("Mod", [a, b])]), b])

    def le(self, a: str, b: str) -> str:
        return self.node("Not", [self.node("Greater", [a, b])])

    def ge(self, a: str, b: str) -> str:
        return self.node("Not", [self.node("Less", [a, b])])

    def pow(self, a: str, b: str) -> str:
        """In doubles, which old operator sets need: exact for values below 2**53."""
        wide = [self.node("Cast", [x], to=TensorProto.DOUBLE) for x in (a, b)]
        return self.node("Cast", [self.node("Pow", wide)], to=TensorProto.INT64)

    def min(self, *values: str) -> str:
        return self._extreme("Less", values)

    def max(self, *values: str) -> str:
        return self._extreme("Greater", values)

    def _extreme(self, first: str, values: Sequence[str]) -> str:
        result = values[0]
        for value in values[1:]:
            result = self.node("Where", [self.node(first, [result, value]), result, value])
        return result

    def ne(self, a: str, b: str) -> str:
        return self.node("Not", [self.node("Equal", [a, b])])

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


def written_text(model: ModelProto) -> str:
    """The nodes that were written into a model, one on a line."""
    ours = [n for n in model.graph.node if any(o.startswith(MARK) for o in n.output)]
    return "\n".join(
        f"{', '.join(n.output)} = {n.op_type}({', '.join(n.input)})"
        + (f"  # {n.name}" if n.name != n.output[0] else "")
        for n in ours
    )
