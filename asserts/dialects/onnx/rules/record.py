"""What a record of an operator is, and the call that its functions are given.

A `Call` is one node where it runs: types of its inputs, attributes, the version of its
operator set, and the walk's answers: `known` (is this condition known to hold), `need` (the
operator requires it), `fresh` (a size that depends on data).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from asserts.dialects.onnx.model.elements import OPERATIONS, elements_of
from asserts.dialects.onnx.model.types import (
    ELEMENTS,
    Elements,
    Shape,
    Span,
    Tensor,
    Type,
)
from shapes.expr import BoolExpr, Expr, IntExpr, constant, disjunction, equal
from shapes.tensors import ShapeResult

if TYPE_CHECKING:
    from onnx import NodeProto

__all__ = [
    "ONE",
    "ZERO",
    "Call",
    "Operator",
    "UnknownShapeError",
    "Walk",
    "collect",
    "is_empty",
    "operator",
    "same_shape",
]

ZERO: Final = constant(0)
ONE: Final = constant(1)


class UnknownShapeError(Exception):
    """A rule needs a rank or an element that is not known; the results' shapes are unknown."""


Reason = str | Callable[[], str]
"""Words, or what makes them where they are wanted."""


class Walk(Protocol):
    """What a call may ask and tell."""

    def known(self, condition: BoolExpr) -> bool | None: ...

    def need(self, condition: BoolExpr, reason: Reason, exact: bool = True) -> None: ...

    def fresh(
        self, label: str, least: IntExpr | int = 0, most: IntExpr | int | None = None
    ) -> IntExpr: ...

    def fail(self, reason: str) -> Exception: ...

    def read(self, value: str, step: str, index: int = 0) -> IntExpr: ...

    def renewed(self, found: Type) -> Type: ...


class Call:
    """One node with the types of its inputs."""

    __slots__ = ("attributes", "inputs", "node", "version", "walk")

    def __init__(
        self,
        node: NodeProto,
        inputs: Sequence[Type | None],
        attributes: dict[str, Any],
        version: int,
        walk: Walk,
    ) -> None:
        self.node = node
        self.inputs = inputs
        self.attributes = attributes
        self.version = version
        self.walk = walk

    # ---------------------------------------------------------------- inputs

    def has(self, i: int) -> bool:
        """Whether there is an input i."""
        return i < len(self.inputs) and self.inputs[i] is not None

    def tensor(self, i: int) -> Tensor:
        """Input i, which is a tensor; one that is not known has no shape."""
        found = self.inputs[i] if i < len(self.inputs) else None
        return found if isinstance(found, Tensor) else Tensor(0)

    def shape(self, i: int) -> Shape:
        """The shape of input i; raises `UnknownShapeError` if its rank is not known."""
        shape = self.tensor(i).shape
        if shape is None:
            raise UnknownShapeError(f"the rank of input {i}")
        return shape

    def elements(self, i: int) -> Elements | None:
        """The elements of input i, if it has any that may be known."""
        return self.tensor(i).elements

    def listed(self, i: int) -> list[Any] | None:
        """The elements of input i in order, as integers; None where one is not known. Raises
        `UnknownShapeError` if not even their number is known."""
        tensor = self.tensor(i)
        if tensor.elements is not None:
            return [e if isinstance(e, IntExpr) else None for e in tensor.elements.reshape(-1)]
        shape = self.shape(i)
        if len(shape) <= 1 and all(d.is_constant for d in shape):
            return [None] * int(shape[0].constant if shape else 1)
        raise UnknownShapeError(f"the number of elements of input {i}")

    def element(self, i: int, place: int) -> IntExpr:
        """An element of input i that is only known at run time, as a symbol."""
        return self.walk.read(self.node.input[i], "element", place)

    def extremes(self, i: int) -> tuple[IntExpr, IntExpr]:
        """The least and the greatest element of input i, as symbols."""
        name = self.node.input[i]
        return self.walk.read(name, "least"), self.walk.read(name, "greatest")

    def complete(self, i: int) -> list[IntExpr]:
        """The elements of input i in order, as symbols where they are only known at run time.
        Raises `UnknownShapeError` if not even their number is known."""
        found = self.listed(i) or []
        return [self.element(i, k) if e is None else e for k, e in enumerate(found)]

    def numbers(self, i: int) -> list[int] | None:
        """The elements of input i in order, if all are known numbers."""
        found = self.elements(i)
        if found is None or not all(
            isinstance(e, IntExpr) and e.is_constant for e in found.flat
        ):
            return None
        return [int(e.constant) for e in found.flat]

    # ---------------------------------------------------------------- attributes

    def integer(self, name: str, default: int = 0) -> int:
        """An integer attribute."""
        return int(self.attributes.get(name, default))

    def integers(self, name: str, default: Sequence[int] | None = None) -> list[int] | None:
        """An attribute of integers, or the default."""
        found = self.attributes.get(name)
        return (None if default is None else list(default)) if found is None else list(found)

    def text(self, name: str, default: str = "") -> str:
        """A string attribute."""
        found = self.attributes.get(name, default)
        return found.decode() if isinstance(found, bytes) else str(found)

    def axes(self, i: int = 1, name: str = "axes") -> list[int] | None:
        """Axes, of an attribute or (newer operator sets) an input; None for none given.
        Raises `UnknownShapeError` if an input has them that is not known."""
        if name in self.attributes:
            return [int(axis) for axis in self.attributes[name]]
        if not self.has(i):
            return None
        found = self.numbers(i)
        if found is None:
            raise UnknownShapeError("axes that are computed")
        return found

    # ---------------------------------------------------------------- the walk

    def known(self, condition: Expr) -> bool | None:
        """Whether a condition is known to hold, or not to."""
        assert isinstance(condition, BoolExpr)
        return self.walk.known(condition)

    def need(self, condition: BoolExpr, reason: Reason, exact: bool = True) -> None:
        """The operator accepts its inputs only if this holds."""
        self.walk.need(condition, reason, exact)

    def checked(self, result: ShapeResult) -> Shape:
        """The shape of a result, with what is needed for it."""
        for need in result.needs:
            self.need(need.condition, need.reason)
        return result.shape

    def same(self, a: IntExpr, b: IntExpr, reason: str) -> IntExpr:
        """Two sizes that must be equal; the simpler one."""
        if a is not b:
            self.need(equal(a, b), f"{reason}: {a} and {b}")
        return a if a.is_constant or not b.is_constant else b

    def fresh(
        self, label: str, least: IntExpr | int = 0, most: IntExpr | int | None = None
    ) -> IntExpr:
        """A size that depends on data: at least `least`, and at most `most`."""
        return self.walk.fresh(label, least, most)

    def rank_is(self, i: int, rank: int) -> Shape:
        """The shape of input i, which must have so many axes."""
        shape = self.shape(i)
        if len(shape) != rank:
            raise self.walk.fail(f"input {i} must have {rank} axes, but has {len(shape)}")
        return shape

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front; fails if there is none such."""
        if not -rank <= axis < rank:
            raise self.walk.fail(f"there is no axis {axis} in {rank} axes")
        return axis % rank

    def operation(self, name: str, *elements: Any) -> Elements | None:
        """An operation on arrays of elements that broadcast together."""
        return on_elements(name, self.known, *elements)


def on_elements(name: str, known: Any, *arrays: Any) -> Elements | None:
    """An operation on arrays of elements that broadcast together; None for large results."""
    import numpy as np

    operation = OPERATIONS[name]
    try:
        together = np.broadcast_arrays(*arrays)
    except ValueError:
        return None
    if together[0].size > ELEMENTS:
        return None
    flat = zip(*(a.reshape(-1) for a in together), strict=True)
    return elements_of((_applied(operation, row, known) for row in flat), together[0].shape)


_PARTIAL = frozenset(("And", "Or", "Where"))


def _applied(operation: Callable[..., Any], row: tuple[Any, ...], known: Any) -> Any:
    if None in row and operation not in _ACCEPT_NONE:
        return None
    return operation(*row, known)


_ACCEPT_NONE = frozenset(OPERATIONS[name] for name in _PARTIAL)


Shapes = Callable[[Call], "Sequence[Shape | None]"]


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator: its name, and functions of a call.

    `shapes` gives the shape of each result; what the operator requires it tells the call.
    `dtypes` gives element types that do not follow from the schema. `elements` gives the
    elements of the first result, if they can be known. `span` bounds them. `types` gives whole
    types instead, for operators of sequences and optionals. `lenient` gives the sizes with
    which onnxruntime may accept more than the operator requires.
    """

    name: str
    shapes: Shapes | None = None
    dtypes: Callable[[Call], Sequence[int]] | None = None
    elements: Callable[[Call], Elements | None] | None = None
    span: Callable[[Call], Span | None] | None = None
    types: Callable[[Call], Sequence[Type]] | None = None
    lenient: Callable[[Call], BoolExpr] | None = None
    domain: str = ""


@dataclass(slots=True)
class Table:
    """Records by domain and name."""

    records: dict[tuple[str, str], Operator] = field(default_factory=dict)


TABLE: Final = Table()


def operator(name: str, shapes: Shapes | None = None, **columns: Any) -> None:
    """Enter a record; the name may be several, separated by blanks."""
    for one in name.split():
        record = Operator(one, shapes, **columns)
        TABLE.records[record.domain, one] = record


def collect(domain: str, name: str) -> Operator | None:
    """The record of an operator, if there is one."""
    return TABLE.records.get((domain, name))


def same_shape(call: Call) -> Sequence[Shape | None]:
    """All results have the shape of the first input."""
    return [call.shape(0)] * len(call.node.output)


def is_empty(call: Call, i: int = 0) -> BoolExpr:
    """Whether an input has no elements."""
    return disjunction(*(equal(d, ZERO) for d in call.shape(i)))
