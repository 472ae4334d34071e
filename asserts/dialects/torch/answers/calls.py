"""Tables of torch's functions (what asserts, reads a size, chooses elements), and the assert
nodes: what they are given, what their messages say and which line they come from."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

import torch
from torch import fx

from asserts.dialects.base import AssertInfo, Claim
from asserts.dialects.torch.symbols.lines import line_of
from shapes.base import Location
from shapes.expr import Expr, conjunction, make

__all__ = [
    "ATEN",
    "CHECKS",
    "CHOOSING",
    "EFFECTFUL",
    "GENERIC",
    "METADATA",
    "PASSED_OVER",
    "PRESERVED",
    "RANGES",
    "READS_BY_METHOD",
    "SCALAR_ASSERTS",
    "SIZE_READS",
    "TOKEN",
    "argument_of",
    "condition_of",
    "plain_target",
    "range_of",
    "text_of",
    "token_of",
    "torch_fn",
    "trace_of",
    "user_line",
    "value_key",
]

ATEN: Final = torch.ops.aten

PRESERVED: Final = "_fx_runtime_assert_preserve"
"""torch's mark on the asserts that a person wrote."""

GENERIC: Final = "Runtime assertion failed for expression"
"""How a message begins that no person wrote."""

RANGES: Final = (
    ATEN.sym_constrain_range.default,
    ATEN.sym_constrain_range_for_size.default,
)
METADATA: Final = ATEN._assert_tensor_metadata.default
CHECKS: Final = (torch._check, torch._assert_scalar, torch._assert)
SCALAR_ASSERTS: Final = frozenset(
    (
        ATEN._assert_scalar.default,
        ATEN._assert_async.default,
        ATEN._assert_async.msg,
        *CHECKS,
        *RANGES,
    )
)
EFFECTFUL: Final[dict[Any, Any]] = {
    ATEN._functional_assert_async.msg: ATEN._assert_async.msg,
    ATEN._functional_assert_scalar.default: ATEN._assert_scalar.default,
    ATEN._functional_sym_constrain_range.default: ATEN.sym_constrain_range.default,
    ATEN._functional_sym_constrain_range_for_size.default:
        ATEN.sym_constrain_range_for_size.default,
}  # fmt: skip
"""Asserts that take a token and return one, with those that are called for their effect."""

TOKEN: Final = "dep_token"
"""The parameter by which functional asserts take their token."""

SIZE_READS: Final[dict[Any, str]] = {
    ATEN.sym_size.int: "size",
    ATEN.sym_stride.int: "stride",
    ATEN.sym_storage_offset.default: "offset",
    ATEN.sym_numel.default: "numel",
}
PASSED_OVER: Final = frozenset(
    (
        ATEN.item.default,
        ATEN._local_scalar_dense.default,
        ATEN.select.int,
        ATEN.unbind.int,
        ATEN.detach.default,
        ATEN.alias.default,
    )
)
"""What reads an input; with constants for indices, and of a tensor whose sizes are known at
entry, it needs no check."""

CHOOSING: Final = frozenset(
    (ATEN.nonzero.default, ATEN._unique2.default, ATEN.unique_consecutive.default)
)
"""Operations whose result is at most as long as their argument has elements."""

READS_BY_METHOD: Final = {"size": "size", "stride": "stride", "storage_offset": "offset"}


def argument_of(node: fx.Node, index: int, *names: str) -> Any:
    if len(node.args) > index:
        return node.args[index]
    return next((node.kwargs[name] for name in names if name in node.kwargs), None)


def token_of(node: fx.Node) -> Any:
    """The token that a functional assert takes. (torch's loader writes positional ones.)"""
    if TOKEN in node.kwargs:
        return node.kwargs[TOKEN]
    parameters = [argument.name for argument in node.target._schema.arguments]
    return node.args[parameters.index(TOKEN)]


def value_key(graph: fx.Graph) -> str:
    """Where the nodes of a graph keep their values: dynamo has another name for it than all
    that comes after. In a graph with both (a pass of the other kind has added nodes, or left
    its values behind) it is the one that more nodes have."""
    dynamo = sum("example_value" in node.meta for node in graph.nodes)
    return "example_value" if dynamo > sum("val" in n.meta for n in graph.nodes) else "val"


def plain_target(node: fx.Node) -> Any:
    """What an assert calls, or would call if it were not a functional one."""
    return EFFECTFUL.get(node.target, node.target)


def range_of(node: fx.Node, expr_of: Callable[[Any], Expr | None]) -> Claim:
    """What the constraint of a range demands."""
    claim = Claim.of(argument_of(node, 0, "size", "symbol"), expr_of)
    value = claim.expr
    if value is None:
        return claim
    low, high = argument_of(node, 1, "min"), argument_of(node, 2, "max")
    if low is None and plain_target(node) is ATEN.sym_constrain_range_for_size.default:
        low = 0
    lower = [] if low is None else [make("Ge", value, int(low))]
    upper = [] if high is None else [make("Le", value, int(high))]
    return Claim(conjunction(*lower, *upper))


def condition_of(node: fx.Node) -> Any:
    """What an assert is given; a condition that was made a tensor for it as it was before."""
    found = argument_of(node, 0, "cond", "self", "condition")
    if isinstance(found, fx.Node) and found.target is ATEN.scalar_tensor.default:
        source = found.args[0]
        if isinstance(source, fx.Node) and not _is_quantity(source):
            return source
    return found


def _is_quantity(node: fx.Node) -> bool:
    values = (node.meta.get("val"), node.meta.get("example_value"))
    return not any(isinstance(value, (bool, torch.SymBool)) for value in values)


@cache
def torch_fn(target: object) -> tuple[str, str]:
    name = getattr(target, "__name__", str(target))
    return f"{name}_0", f"{type(target).__name__}.{name}"


def user_line(node: fx.Node) -> str | None:
    location = line_of(node)
    return None if location is None else str(location)


def trace_of(location: Location) -> str:
    """A line of code as torch writes it."""
    head = f'File "{location.file}", line {location.line}, in {location.function}'
    return f"{head}\n    {location.code}" if location.code else head


def text_of(condition: object, info: AssertInfo) -> str:
    """The message of an assert: torch's own wording first, for those who search for it."""
    lines = [f"{GENERIC} {info.condition} on node '{condition}'"]
    if info.message:
        lines.insert(0, info.message)
    lines += [f"  {name} is {source}" for name, source in info.sources.items()]
    if info.location:
        lines.append(f"  checked at {info.location}")
    return "\n".join(lines)
