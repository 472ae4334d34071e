"""The first half of the pair for torch: insert deferred runtime asserts.

It works in place, takes what torch's own pass takes, and does what that does besides:
asserts of a person are converted to `aten._assert_scalar` and kept, ranges that were stated
by `sym_constrain_range` become asserts, sizes of intermediate results are computed from the
inputs' where possible, and what is not used then goes.
"""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any, Final

import torch
from torch import fx
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv

from asserts.conditions.emit import Emitter
from asserts.conditions.lift import lift
from asserts.conditions.report import Report
from asserts.dialects.torch.answers.calls import value_key
from asserts.dialects.torch.answers.code import recompile_when_used
from asserts.dialects.torch.answers.graph import (
    CHECKS,
    PRESERVED,
    RANGES,
    SCALAR_ASSERTS,
    TorchDialect,
    is_exact_size,
)
from asserts.dialects.torch.symbols.record import constant_text, note_placed, was_placed
from asserts.dialects.torch.symbols.shape_env import TorchEnv
from asserts.errors import GraphError
from asserts.graph.module import attribute_at
from asserts.passes.base import PassResult
from asserts.passes.discharge import Policy
from asserts.passes.insert import InsertRuntimeAsserts
from asserts.passes.minimise import MinimiseRuntimeAsserts
from shapes.expr import IntExpr, conjuncts
from shapes.prove import Effort
from shapes.traversal import show

__all__ = ["UncheckedWarning", "insert_deferred_runtime_asserts"]

_ATEN: Final = torch.ops.aten

INNER: Final = ("reenter_make_fx", "invoke_subgraph", "speculate_subgraph")
"""What torch calls a graph that another graph calls."""


SWIFT: Final = Effort(("canonical", "ranges", "linear"), search=0, rlimit=0)
"""What is spent on a proof while torch traces; `minimise` tries harder."""


class UncheckedWarning(UserWarning):
    """A check that no node of the graph has the values for."""


def insert_deferred_runtime_asserts(
    gm: Any,
    shape_env: TorchShapeEnv,
    name: str,
    export: bool = False,
    *,
    policy: Policy = "preserve-user",
    effort: str | Effort = SWIFT,
    check_guards: bool = True,
) -> PassResult:
    """Put every check that torch has accepted and that cannot be proved into the graph.

    In place, with the signature of torch's pass (which returns nothing). The module's code
    is made again when it is used (torch's pass leaves that to its callers). `name` says what
    the graph is; in the graphs of branches and bodies (`INNER`), checks on inputs alone are
    left to the caller. With `check_guards`, callers are held to torch's guards, which may
    discharge checks then. Raises `GraphError` for a check that torch's graphs cannot compute.
    Warns (`UncheckedWarning`) of one on values that the graph does not have.
    """
    symbols = TorchEnv(shape_env)
    dialect = TorchDialect(symbols, value_key(gm.graph))
    dialect.saved = export
    symbols.state_entry_ranges(shape_env.var_to_range)
    if check_guards:
        symbols.state_guards()
    dialect.learn(gm)
    symbols.state_checks()
    _state_declared(gm, dialect)
    _convert_user_asserts(gm, dialect)
    inner = any(name.startswith(word) for word in INNER)
    options = InsertRuntimeAsserts(
        dialect=dialect, policy=policy, effort=effort, entry=not inner, unplaced="report"
    )
    dropped = _drop_ranges(gm)
    had_asserts = any(dialect.is_assert(node) for node in gm.graph.nodes)
    result = options.run(gm)
    rows = result.report.rows
    if had_asserts:  # what is checked earlier now need not be checked where it was
        minimise = MinimiseRuntimeAsserts(dialect=dialect, policy=policy, effort=effort)
        rows += minimise.run(gm).report.rows
    _recompute_sizes(gm.graph, dialect)
    recompile_when_used(gm)
    report = Report(options.name, rows)
    if export and not inner:
        _warn(report, shape_env)
    return PassResult(gm, result.modified or dropped, report)


def _warn(report: Report, shape_env: TorchShapeEnv) -> None:
    note_placed(shape_env, (row.condition for row in report if row.outcome != "unplaced"))
    for row in report.with_outcome("unplaced"):
        # (torch also traces for itself, and leaves checks on symbols of graphs it dropped.)
        if row.by_user and not was_placed(shape_env, row.condition):
            text = f"the check `{row.condition}` is not made: it {row.note}"
            warnings.warn(text, UncheckedWarning, stacklevel=4)


def _convert_user_asserts(gm: Any, dialect: TorchDialect) -> None:
    """`torch._check` and its like as `aten._assert_scalar`, marked to be kept; a check of a
    constant truth goes."""
    graph = gm.graph
    for node in list(graph.nodes):
        if node.op != "call_function" or node.target not in SCALAR_ASSERTS:
            continue
        if node.target in RANGES or node.users:
            continue
        condition = node.args[0] if node.args else node.kwargs.get("cond")
        if condition is True:
            graph.erase_node(node)
        elif node.target in CHECKS:
            node_arguments = list(node.all_input_nodes)
            message = dialect.info_of(node).message or _message_attribute(gm, node)
            text = message or f"Runtime assertion failed on node '{condition}'"
            with graph.inserting_before(node):
                target = _ATEN._assert_scalar.default
                made = graph.call_function(target, (condition, text))
            made.meta.update(node.meta)
            made.meta[PRESERVED] = True
            graph.erase_node(node)
            for source in node_arguments:
                if source.op == "get_attr" and not source.users:
                    graph.erase_node(source)


def _message_attribute(gm: Any, node: Any) -> str | None:
    """The message that dynamo keeps as an attribute of the module: text, or a function that
    can only return text."""
    message = node.args[1] if len(node.args) > 1 else node.kwargs.get("message")
    if not isinstance(message, fx.Node) or message.op != "get_attr":
        return None
    return constant_text(attribute_at(gm, message.target))


def _state_declared(gm: Any, dialect: TorchDialect) -> None:
    """Ranges that the program declares are checks. (torch's environment has them, too, but
    mixed with what it has derived.)"""
    for lifted in lift(gm.graph, dialect):
        if lifted.node.target in RANGES and lifted.claim is not None:
            for claim in conjuncts(lifted.claim):
                operation = "a declared range"
                dialect.symbols.check(
                    claim, show(claim), origin="operation", operation=operation
                )


def _drop_ranges(gm: Any) -> bool:
    """`sym_constrain_range` declares what is a check by now (see `_state_declared`)."""
    changed = False
    for node in list(gm.graph.nodes):
        if node.op == "call_function" and node.target in RANGES and not node.users:
            gm.graph.erase_node(node)
            changed = True
    return changed


def _recompute_sizes(graph: Any, dialect: TorchDialect) -> None:
    """Sizes of intermediate results from those of inputs, so that the results are needed no
    longer for that; equal scalars once."""
    if all(_recomputable(node, dialect) is None for node in graph.nodes):
        return
    emitter = Emitter(graph, dialect)
    for node in list(graph.nodes):
        value = _recomputable(node, dialect)
        made: Any = None
        if value is not None:
            emitter.meta = dict(dialect.metadata_beside(node, None))
            with graph.inserting_before(node), suppress(GraphError):
                made = emitter.emit(value)
        if isinstance(made, fx.Node) and made is not node:
            node.replace_all_uses_with(made)
            graph.erase_node(node)
        else:
            emitter.arrive(node)


def _recomputable(node: Any, dialect: TorchDialect) -> IntExpr | None:
    """What a size of an intermediate result is, if that is sure (see `is_exact_size`)."""
    read = dialect.read_of(node)
    if read is None or not node.users or dialect.bindings(node):
        return None
    source = read[0]
    if source.op == "placeholder" or dialect.bindings(source):
        return None
    if not isinstance(source.meta.get(dialect.key), torch.Tensor):
        return None
    value = dialect.value_of(node)
    if not isinstance(value, IntExpr) or value.is_constant:
        return None
    return value if is_exact_size(value) else None
