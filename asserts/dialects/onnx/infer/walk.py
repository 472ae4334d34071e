"""The walk through a graph: every node's rule, once its inputs are known."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, MutableMapping
from collections.abc import Sequence as Listed
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from onnx import FunctionProto, GraphProto, NodeProto, TensorProto

from asserts.dialects.onnx.infer.order import in_order
from asserts.dialects.onnx.infer.schemas import body_of, dtypes_of, kinds_of
from asserts.dialects.onnx.infer.symbols import Read, Symbols
from asserts.dialects.onnx.model.constants import of_tensor
from asserts.dialects.onnx.model.elements import elements_of
from asserts.dialects.onnx.model.reading import attributes_of, domain_of, opsets_of
from asserts.dialects.onnx.model.types import ELEMENTS, Choice, Sequence, Tensor, Type
from asserts.dialects.onnx.rules import table
from asserts.dialects.onnx.rules.merging import merged
from asserts.dialects.onnx.rules.record import Call, Operator, Reason, UnknownShapeError
from asserts.errors import GraphError
from shapes.expr import FALSE, TRUE, BoolExpr, IntExpr, conjunction, disjunction, negation
from shapes.tensors import ShapeError
from shapes.traversal.cost import cost

__all__ = ["Frame", "ImpossibleError", "Invocation", "Requirement", "Walker"]

MALFORMED = (IndexError, ValueError, TypeError, KeyError, AttributeError, AssertionError)
"""What a rule raises for a node without the inputs or attributes of its operator."""

SPLITS = 400
"""More nodes than this are not looked at twice because an input is a `Choice`."""

LONG = 4000
"""A size whose text has more parts than this becomes a symbol of its own."""


@dataclass(frozen=True)
class Requirement:
    """What an operation requires of its inputs.

    `exact` says whether the operation fails exactly where the condition does not hold; it is
    otherwise only sufficient; so it is with the sizes of `unless` (operands without elements,
    of which onnxruntime accepts more than the standard). `given` is the condition under which
    the operation runs at all, `case` the part of it that its graph does not decide. `scope` is
    the path of its graph, `result` the first value that it makes there.
    """

    condition: BoolExpr
    reason: str
    node: str
    operator: str
    exact: bool = True
    given: BoolExpr = TRUE
    case: BoolExpr = TRUE
    scope: str = ""
    result: str = ""
    unless: BoolExpr = FALSE

    @property
    def here(self) -> BoolExpr:
        """The condition, where its graph runs."""
        return disjunction(negation(self.case), self.condition)

    @property
    def whole(self) -> BoolExpr:
        """The condition, where the operation runs."""
        return disjunction(negation(self.given), self.condition)

    @property
    def only_sufficient(self) -> BoolExpr:
        """The sizes with which the operation may accept more than `whole`."""
        return self.unless if self.exact else TRUE


class ImpossibleError(Exception):
    """A rule has found that its operation can never accept these inputs."""


@dataclass
class Frame:
    """A graph or a function's body while it is walked."""

    values: MutableMapping[str, Type]
    opsets: Mapping[str, int]
    path: str = ""
    bound: Mapping[str, Any] = field(default_factory=dict)
    given: BoolExpr = TRUE
    case: BoolExpr = TRUE
    """The part of `given` that no branch around decides, but what values are like."""
    read: dict[Read, IntExpr] = field(default_factory=dict)
    """The symbols of numbers that rules read from values."""


@dataclass(frozen=True)
class Invocation:
    """A call of a function: the graph with the call, the first value that the call makes, and
    what the function's inputs are called there."""

    scope: str
    result: str
    inputs: Mapping[str, str]


@dataclass
class Walker:
    """One inference: the model's functions, its symbols, and what has been found."""

    symbols: Symbols
    functions: Mapping[tuple[str, str], FunctionProto]
    requirements: dict[tuple[BoolExpr, str], Requirement] = field(default_factory=dict)
    unknown: dict[tuple[str, str], str] = field(default_factory=dict)
    """Operators without a rule, with the first node of each."""
    results: dict[str, Type] = field(default_factory=dict)
    """Types of values in subgraphs and bodies, by path and name."""
    malformed: list[str] = field(default_factory=list)
    """Nodes that do not have the inputs or attributes of their operators."""
    unranked: list[str] = field(default_factory=list)
    """Nodes with a result of which not even the rank is known."""
    calls: dict[str, Invocation] = field(default_factory=dict)
    """The calls of functions, by the path of the body."""
    _node: str = ""
    _operator: str = ""
    _label: str = ""
    _given: BoolExpr = TRUE
    _case: BoolExpr = TRUE
    _lenient: BoolExpr = FALSE
    _frame: Frame = field(default_factory=lambda: Frame({}, {}))
    _quiet: int = 0
    _splits: int = 0
    _short: set[IntExpr] = field(default_factory=set)
    _loops: int = 0
    _active: list[str] = field(default_factory=list)

    # ---------------------------------------------------------------- what calls ask

    def known(self, condition: BoolExpr) -> bool | None:
        """Whether a condition is known to hold, or not to."""
        if condition is TRUE or condition is FALSE:
            return condition is TRUE
        return self.symbols.known(condition)

    def need(self, condition: BoolExpr, reason: Reason, exact: bool = True) -> None:
        """Note what the node requires."""
        if self._quiet or condition is TRUE or self.known(condition):
            return
        key = (condition, self._node)
        if key not in self.requirements:
            words = reason if isinstance(reason, str) else reason()
            self.requirements[key] = Requirement(
                condition, words, self._node, self._operator, exact, self._given,
                self._case, self._frame.path, self._label, self._lenient if exact else FALSE,
            )  # fmt: skip
            if exact and not self._loops:
                self.symbols.enforced(condition, words, self._node)

    def fresh(self, label: str, least: Any = 0, most: Any = None) -> IntExpr:
        """A size that the node's data decide."""
        return self.symbols.fresh(f"{self._label}_{label}", self._node, least, most)

    def read(self, value: str, step: str, index: int = 0) -> IntExpr:
        """A number that is read from a value of the node's graph, the same for the same."""
        key = Read(self._frame.path, value, step, index)
        found = self._frame.read.get(key)
        if found is None:
            found = self._frame.read[key] = self.symbols.read(key)
        return found

    def fail(self, reason: str) -> Exception:
        """The error of a node that can never run."""
        return ImpossibleError(reason)

    def settled(self, found: Type) -> Type:
        """A value of which it is known by now which of two it is."""
        while isinstance(found, Choice):
            holds = self.known(found.condition)
            if holds is None:
                return found
            found = found.then if holds else found.otherwise
        return found

    def renewed(self, found: Type) -> Type:
        """The type of one element of a sequence: sizes that depend on data are its own."""
        if not isinstance(found, Tensor) or found.shape is None:
            return found
        shape = tuple(
            self.fresh(f"d{i}") if self.symbols.has_data(d) else d
            for i, d in enumerate(found.shape)
        )
        return Tensor(found.dtype, shape)

    # ---------------------------------------------------------------- graphs

    def graph(self, graph: GraphProto, frame: Frame) -> None:
        """Walk through a graph whose inputs are in the frame."""
        for tensor in graph.initializer:
            frame.values[tensor.name] = of_tensor(tensor)
        for sparse in graph.sparse_initializer:
            frame.values[sparse.values.name] = Tensor(
                sparse.values.data_type, of_tensor(TensorProto(dims=sparse.dims)).shape
            )
        for node in in_order(graph.node, frame.values, frame.path):
            self.node(node, frame)

    def node(self, node: NodeProto, frame: Frame) -> None:
        """Find the types of a node's results."""
        outer = (self._node, self._operator, self._label, self._given)
        around = (self._case, self._frame)
        self._case, self._frame = frame.case, frame
        self._node = frame.path + shown_name(node)
        self._operator = node.op_type
        self._label = next((name for name in node.output if name), node.op_type)
        self._given = frame.given
        try:
            types = self._results(node, frame)
        except UnknownShapeError:
            types = self._by_schema(node, frame)
        except (ImpossibleError, ShapeError) as error:
            self.need(FALSE, str(error))
            types = self._by_schema(node, frame)
        except MALFORMED as error:
            self.malformed.append(f"{self._node}: {type(error).__name__}: {error}")
            types = self._by_schema(node, frame)
        for name, found in zip(node.output, types, strict=False):
            if name:
                frame.values[name] = self._finished(found, name)
        for name in node.output:
            if name and name not in frame.values:
                frame.values[name] = Tensor(0)
        self._node, self._operator, self._label, self._given = outer
        self._case, self._frame = around

    def _results(self, node: NodeProto, frame: Frame) -> Listed[Type]:
        domain = domain_of(node.domain)
        inputs = [frame.values.get(name) if name else None for name in node.input]
        choice = next((found for found in inputs if isinstance(found, Choice)), None)
        if choice is not None:
            return self._split(node, frame, choice.condition)
        attributes = attributes_of(node, frame.bound)
        function = self.functions.get((domain, node.op_type))
        if function is not None:
            return self._function(node, function, inputs, attributes, frame)
        call = Call(node, inputs, attributes, frame.opsets.get(domain, 1), self)
        from asserts.dialects.onnx.infer.control import CONTROL

        if domain == "" and node.op_type in CONTROL:
            return CONTROL[node.op_type](self, call, frame)
        record = table.find(domain, node.op_type)
        if record is not None:
            return self._by_record(record, call, domain)
        body = body_of(domain, node.op_type, call.version)
        if body is not None:
            self._called(node, body, frame)
            return self.body(body, inputs, attributes, frame, frame.opsets)
        self.unknown.setdefault((domain, node.op_type), self._node)
        return self._by_schema(node, frame)

    def _split(self, node: NodeProto, frame: Frame, condition: BoolExpr) -> Listed[Type]:
        """The results where a condition holds and where it does not, put together."""
        settled = self.known(condition)
        if settled is not None:
            return self._where(node, frame, condition, settled) or self._by_schema(node, frame)
        self._splits += 1
        if self._splits > SPLITS:
            raise UnknownShapeError("too many values of which two descriptions are known")
        found: list[Listed[Type] | None] = []
        given, outer = self._given, self._case
        for holds in (True, False):
            case = condition if holds else negation(condition)
            self._given, self._case = conjunction(given, case), conjunction(outer, case)
            with self.symbols.assuming(case):
                found.append(self._where(node, frame, condition, holds))
        self._given, self._case = given, outer
        possible = [types for types in found if types is not None]
        if len(possible) < 2:
            if possible and not self._loops:
                left = condition if found[1] is None else negation(condition)
                self.symbols.enforced(left, "the only possible case", self._node)
            return possible[0] if possible else self._by_schema(node, frame)
        pairs = zip(*possible, strict=True)
        return [merged(a, b, self, str(i), condition) for i, (a, b) in enumerate(pairs)]

    def _where(
        self, node: NodeProto, frame: Frame, condition: BoolExpr, holds: bool
    ) -> Listed[Type] | None:
        """The results if it is known whether a condition holds; None if the operation fails
        then, so that there are none."""
        values: dict[str, Type] = {}
        for name in node.input:
            found = frame.values.get(name)
            if isinstance(found, Choice) and found.condition is condition:
                values[name] = found.then if holds else found.otherwise
        inner = replace(frame, values=ChainMap(values, frame.values))
        inner.given, inner.case = self._given, self._case
        try:
            return self._results(node, inner)
        except (ImpossibleError, ShapeError) as error:
            self.need(FALSE, str(error))
            return None
        except UnknownShapeError:
            return self._by_schema(node, inner)

    def _by_record(self, record: Operator, call: Call, domain: str) -> Listed[Type]:
        try:
            self._lenient = FALSE if record.lenient is None else record.lenient(call)
            if record.types is not None:
                return record.types(call)
            return self._of_shapes(record, call, domain)
        except (ImpossibleError, ShapeError) as error:
            self.need(FALSE, str(error))  # (noted here: it may be lenient)
            raise
        finally:
            self._lenient = FALSE

    def _of_shapes(self, record: Operator, call: Call, domain: str) -> Listed[Type]:
        dtypes = record.dtypes(call) if record.dtypes is not None else dtypes_of(call, domain)
        assert record.shapes is not None
        try:
            shapes = record.shapes(call)
        except UnknownShapeError:
            shapes = [None] * len(call.node.output)
        types = [
            Tensor(dtype, shape if shape is None else tuple(shape))
            for dtype, shape in zip(dtypes, shapes, strict=False)
        ]
        if types and record.elements is not None and _is_small(types[0]):
            types[0] = replace(types[0], elements=record.elements(call))
        if types and record.span is not None and types[0].elements is None:
            types[0] = replace(types[0], span=record.span(call))
        return types

    def _by_schema(self, node: NodeProto, frame: Frame) -> Listed[Type]:
        """The results' element types, as far as the schema says."""
        domain = domain_of(node.domain)
        inputs = [frame.values.get(name) if name else None for name in node.input]
        call = Call(node, inputs, {}, frame.opsets.get(domain, 1), self)
        record = table.find(domain, node.op_type)
        try:
            call.attributes = attributes_of(node, frame.bound)
            own = None if record is None else record.dtypes
            dtypes = dtypes_of(call, domain) if own is None else own(call)
        except (UnknownShapeError, KeyError, AttributeError):
            dtypes = [0] * len(node.output)
        kinds = kinds_of(domain, node.op_type, call.version)
        return [
            Sequence(None) if "seq" in kinds[i : i + 1] else Tensor(dtype)
            for i, dtype in enumerate(dtypes)
        ]

    def _function(
        self,
        node: NodeProto,
        function: FunctionProto,
        inputs: Listed[Type | None],
        attributes: dict[str, Any],
        frame: Frame,
    ) -> Listed[Type]:
        """The results of a function of the model."""
        name = f"{function.domain}.{function.name}"
        if name in self._active:
            raise GraphError(f"the function {name} calls itself")
        self._called(node, function, frame)
        self._active.append(name)
        try:
            opsets = opsets_of(function.opset_import)
            return self.body(function, inputs, attributes, frame, opsets)
        finally:
            self._active.pop()

    def _called(self, node: NodeProto, function: FunctionProto, frame: Frame) -> None:
        inputs = dict(zip(function.input, node.input, strict=False))
        self.calls[f"{self._node}/"] = Invocation(frame.path, self._label, inputs)

    def body(
        self,
        function: FunctionProto,
        inputs: Listed[Type | None],
        attributes: dict[str, Any],
        frame: Frame,
        opsets: Mapping[str, int],
    ) -> Listed[Type]:
        """The results of a function's body."""
        defaults = {a.name: a for a in function.attribute_proto}
        bound = attributes_of(NodeProto(attribute=defaults.values()), {}) | attributes
        values: dict[str, Type] = {
            name: found
            for name, found in zip(function.input, inputs, strict=False)
            if found is not None
        }
        inner = Frame(values, opsets, f"{self._node}/", bound, frame.given, frame.case)
        for node in in_order(function.node, values, inner.path, strict=False):
            self.node(node, inner)
        return [values.get(name, Tensor(0)) for name in function.output]

    # ---------------------------------------------------------------- results

    def _finished(self, found: Type, name: str) -> Type:
        """A result with elements that fit its shape, and sizes of bearable length."""
        if isinstance(found, Choice):
            then, otherwise = (self._finished(t, name) for t in (found.then, found.otherwise))
            return replace(found, then=then, otherwise=otherwise)
        if isinstance(found, Tensor) and found.shape is None:
            self.unranked.append(self._node)
        if not isinstance(found, Tensor) or found.shape is None:
            return found
        shape = tuple(self._bearable(d, name, i) for i, d in enumerate(found.shape))
        elements, span = found.elements, found.span
        if not all(d.is_constant for d in shape):
            return Tensor(found.dtype, shape, None, span)
        dims = tuple(int(d.constant) for d in shape)
        if elements is not None and (elements.shape != dims or elements.size > ELEMENTS):
            elements = None
        unknown = elements is None or list(elements.flat) == [None]
        if unknown and found.dtype in _COUNTS and prod(dims) == 1:
            elements = self._unknown_element(name, dims, span)
        return Tensor(found.dtype, shape, elements, span)

    def _unknown_element(self, name: str, dims: Listed[int], span: Any) -> Any:
        """The only element of an integer tensor, as a symbol."""
        least, most = (None, None) if span is None else span[:2]
        made = self.symbols.fresh(f"{name}_value", self._node, least, most, size=False)
        return elements_of([made], dims)

    def _bearable(self, d: IntExpr, name: str, i: int) -> IntExpr:
        if d.is_constant:
            return d
        d = self.symbols.normal(d)
        if d not in self._short:
            if cost(d).nodes > LONG:
                return self.symbols.fresh(f"{name}_d{i}", self._node)
            self._short.add(d)
        return d

    def inner(self, frame: Frame, label: str, given: BoolExpr = TRUE) -> Frame:
        """The frame of a subgraph, which sees the values around it."""
        values: MutableMapping[str, Type] = ChainMap({}, frame.values)
        both = frame.given if given is TRUE else conjunction(frame.given, given)
        path = f"{self._node}/{label}/"
        return Frame(values, frame.opsets, path, frame.bound, both, frame.case)

    def keep(self, frame: Frame) -> None:
        """Remember the values of a subgraph."""
        own = frame.values.maps[0] if isinstance(frame.values, ChainMap) else frame.values
        for name, found in own.items():
            self.results[frame.path + name] = self.settled(found)


_COUNTS = (TensorProto.INT64, TensorProto.INT32)


def _is_small(tensor: Tensor) -> bool:
    return tensor.shape is not None and all(d.is_constant for d in tensor.shape)


def shown_name(node: NodeProto) -> str:
    """A node as people know it: its name, or the operator with the first result."""
    if node.name:
        return str(node.name)
    return f"{node.op_type}({next((name for name in node.output if name), '')})"
