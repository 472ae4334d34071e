"""What the schemas of onnx say: element types of results, and bodies of operators that are
functions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import onnx.defs
from onnx import TensorProto

from asserts.dialects.onnx.model.types import Tensor
from asserts.dialects.onnx.rules.record import Call

__all__ = ["body_of", "dtypes_of", "kinds_of", "schema_of"]


@cache
def schema_of(domain: str, name: str, version: int) -> Any:
    """The schema of an operator; None if onnx does not know it."""
    try:
        return onnx.defs.get_schema(name, version, domain)
    except onnx.defs.SchemaError:
        return None


Plan = tuple["int | str | None", ...]


@cache
def _plan(domain: str, name: str, version: int) -> tuple[Plan, bool] | None:
    """For each result: the type itself, or the number of the input that it has the type of;
    and whether the last one stands for more."""
    schema = schema_of(domain, name, version)
    if schema is None:
        return None
    inputs: dict[str, int] = {}
    for i, formal in enumerate(schema.inputs):
        inputs.setdefault(formal.type_str, i)
    plan = tuple(_source(formal.type_str, inputs, schema) for formal in schema.outputs)
    return plan, bool(plan)


def _source(text: str, inputs: dict[str, int], schema: Any) -> int | str | None:
    if text in inputs:
        return inputs[text]
    for constraint in schema.type_constraints:
        if constraint.type_param_str == text:
            allowed = constraint.allowed_type_strs
            return allowed[0] if len(allowed) == 1 else None
    return text


def dtypes_of(call: Call, domain: str) -> Sequence[int]:
    """The element type of each result, as the schema has it; 0 if it does not say."""
    count = len(call.node.output)
    found = _plan(domain, call.node.op_type, call.version)
    if found is None or not found[0]:
        return [0] * count
    plan = found[0]
    return [_dtype(call, plan[min(i, len(plan) - 1)]) for i in range(count)]


def _dtype(call: Call, source: int | str | None) -> int:
    if source is None:
        return 0
    if isinstance(source, str):
        return int(_NAMED.get(source, 0))
    for i in range(source, len(call.inputs)):
        found = call.inputs[i]
        if isinstance(found, Tensor) and found.dtype:
            return found.dtype
        if source + 1 < len(call.inputs):
            break
    return 0


@cache
def kinds_of(domain: str, name: str, version: int) -> tuple[str, ...]:
    """For each result whether it is a "tensor", a "seq" or an "optional", as far as the schema
    says."""
    schema = schema_of(domain, name, version)
    if schema is None:
        return ()
    kinds = ({text.partition("(")[0] for text in formal.types} for formal in schema.outputs)
    return tuple(next(iter(kind)) if len(kind) == 1 else "any" for kind in kinds)


_NAMED = {f"tensor({name.lower()})": value for name, value in TensorProto.DataType.items()}


@cache
def body_of(domain: str, name: str, version: int) -> Any:
    """The body of an operator that is a function of others, if its schema has one."""
    schema = schema_of(domain, name, version)
    return None if schema is None or not schema.has_function else schema.function_body
