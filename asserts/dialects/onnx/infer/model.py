"""Inference of a whole model, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onnx import ModelProto, TensorProto

from asserts.dialects.onnx.infer.symbols import Symbols
from asserts.dialects.onnx.infer.walk import Frame, Invocation, Requirement, Walker
from asserts.dialects.onnx.model.elements import elements_of
from asserts.dialects.onnx.model.reading import domain_of, load_model, opsets_of, type_of
from asserts.dialects.onnx.model.types import Shape, Tensor, Type
from asserts.errors import GraphError
from shapes.expr import IntExpr, constant

__all__ = ["Inferred", "infer"]


@dataclass
class Inferred:
    """What is known of a model's values.

    `types` has the main graph's values by name, `inner` those of subgraphs by path. `notes`
    says what was not known, or taken for granted; `contradictions` what the file says
    otherwise.
    """

    source: ModelProto
    symbols: Symbols
    types: Mapping[str, Type]
    inner: Mapping[str, Type]
    requirements: tuple[Requirement, ...]
    notes: list[str] = field(default_factory=list)
    contradictions: list[str] = field(default_factory=list)
    calls: Mapping[str, Invocation] = field(default_factory=dict)
    """The calls of functions, by the path of the body."""
    alike: tuple[Requirement, ...] = ()
    """What holds where values have one shape of which the file says so."""
    texts: dict[IntExpr, str] = field(default_factory=dict, repr=False)
    """Dimensions that have been written as text."""

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of the main graph's tensors whose rank is known."""
        return {
            name: found.shape
            for name, found in self.types.items()
            if isinstance(found, Tensor) and found.shape is not None
        }

    def shape(self, name: str) -> Shape | None:
        """The shape of a value of the main graph; None if not even its rank is known. Raises
        `GraphError` if there is no such value."""
        found = self.types.get(name)
        if found is None:
            raise GraphError(f"there is no value `{name}` in the main graph")
        return found.shape if isinstance(found, Tensor) else None

    @property
    def model(self) -> ModelProto:
        """A copy of the model with all that was found in its `value_info`.

        Raises `GraphError` where that contradicts what the file says (see `annotated`).
        """
        return self.annotated()

    def annotated(self, overrule: bool = False) -> ModelProto:
        """A copy of the model with all that was found in its `value_info`.

        Raises `GraphError`, with both, where that contradicts what the file says, unless what
        was found is to `overrule` the file.
        """
        from asserts.dialects.onnx.infer.writing import annotated

        if self.contradictions and not overrule:
            raise GraphError("\n".join(self.contradictions))
        return annotated(self)


def infer(model: Any) -> Inferred:
    """The shapes of all values of a model (a path, bytes, a message, or onnx-ir's model).

    Raises `GraphError` for what is not a model, for a cycle, and for a value that nothing or
    more than one thing makes.
    """
    proto = load_model(model)
    symbols = Symbols()
    functions = {(domain_of(f.domain), f.name): f for f in proto.functions}
    walker = Walker(symbols, functions)
    frame = Frame({}, opsets_of(proto.opset_import))
    notes = _enter_inputs(proto, symbols, frame)
    walker.graph(proto.graph, frame)
    for value in proto.graph.output:
        if value.name not in frame.values:
            raise GraphError(f"nothing makes the output `{value.name}`")
    frame.values.update({n: walker.settled(t) for n, t in frame.values.items()})
    for (domain, name), node in walker.unknown.items():
        notes.append(
            f"{domain or 'ai.onnx'}.{name} has no rule: nothing is known of its results "
            f"(first at {node})"
        )
    from asserts.dialects.onnx.infer.declared import alike, reconciled

    if walker.unranked:
        nodes = list(dict.fromkeys(walker.unranked))
        notes.append(
            f"of {len(nodes)} nodes not even the rank of a result is known, nor what follows "
            f"requires of it (first at {nodes[0]})"
        )
    notes += [f"malformed node {text}" for text in walker.malformed]
    contradictions = reconciled(proto, walker, frame)
    requirements = tuple(walker.requirements.values())
    return Inferred(
        proto, symbols, frame.values, walker.results, requirements, notes, contradictions,
        walker.calls, alike=tuple(alike(proto, frame.values)),
    )  # fmt: skip


def _enter_inputs(proto: ModelProto, symbols: Symbols, frame: Frame) -> list[str]:
    """The model's inputs; those with a default value are taken for constants."""
    defaults = {t.name for t in proto.graph.initializer}
    overridable = 0
    for value in proto.graph.input:
        if value.name in defaults:
            overridable += 1
            continue
        if value.name in frame.values:
            raise GraphError(f"two inputs are called `{value.name}`")
        frame.values[value.name] = _input(value, symbols)
    if overridable and proto.ir_version >= 4:
        return [f"{overridable} inputs have default values, which are taken for constants"]
    return []


NAMELESS = frozenset(("", "?", "*", "-1", "None"))
"""What writers put in the place of a name if they have none: each is a size of its own."""


def _input(value: Any, symbols: Symbols) -> Type:
    def size(_: str, axis: int, dim: Any) -> IntExpr:
        where = f"{value.name}.shape[{axis}]"
        if dim.HasField("dim_value") and dim.dim_value >= 0:
            return constant(dim.dim_value)
        text = f"{value.name}_d{axis}" if dim.dim_param in NAMELESS else dim.dim_param
        return symbols.dimension(text, where)

    found = type_of(value.type, size)
    if isinstance(found, Tensor):
        return _with_elements(found, value.name, symbols)
    return found


FEW = 8
"""Elements of integer inputs of at most so many elements are symbols."""


def _with_elements(found: Tensor, name: str, symbols: Symbols) -> Tensor:
    if found.dtype not in (TensorProto.INT64, TensorProto.INT32) or found.shape is None:
        return found
    if not all(d.is_constant for d in found.shape):
        return found
    dims = [int(d.constant) for d in found.shape]
    count = 1
    for n in dims:
        count *= n
    if count > FEW:
        return found
    names = [name] if count == 1 else [f"{name}_{i}" for i in range(count)]
    made = [symbols.input_element(one, f"{name}[{i}]") for i, one in enumerate(names)]
    return Tensor(found.dtype, found.shape, elements_of(made, dims))
