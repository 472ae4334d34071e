"""Whole exported programs: what the passes do to a graph, and a valid program around it.

An exported program keeps names of its graph's inputs and outputs, which none of our passes
changes; the result is built, and verified, by torch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch.export import ExportedProgram

from asserts.conditions.report import Outcome, Report, Row
from asserts.dialects.torch.answers.graph import TorchDialect, copied
from asserts.dialects.torch.answers.guards import keep_guards, state_checked_guards
from asserts.dialects.torch.answers.metadata import METADATA, redundant_metadata_asserts
from asserts.dialects.torch.symbols.shape_env import TorchEnv
from asserts.errors import GraphError
from asserts.passes.base import PassResult
from asserts.passes.discharge import Policy
from asserts.passes.minimise import MinimiseRuntimeAsserts

__all__ = ["NO_NUMBERS", "dialect_for", "minimise", "shape_env_of"]


def minimise(
    program: Any,
    policy: Policy = "preserve-user",
    effort: str = "default",
    check_guards: bool = True,
) -> PassResult:
    """The program (an `ExportedProgram` or a `GraphModule`) without the asserts that others
    imply; a new one, `result.program`.

    Asserts of numbers are proved from what callers are held to and from the asserts that
    stay; those of dtype, device and layout go where dataflow makes them certain. Guards count
    as enforced, as they are by ``program.module()``: without `check_guards` nothing rests on
    them, so that ``program.module(check_guards=False)`` is as strict. Raises `GraphError` for
    anything else than a program of torch's.
    """
    exported = isinstance(program, ExportedProgram)
    if not exported and not isinstance(program, torch.fx.GraphModule):
        raise GraphError(f"a program of torch's is needed, not {type(program).__name__}")
    module = copied(program.graph_module if exported else program)
    dialect = dialect_for(program, module, check_guards)
    done = MinimiseRuntimeAsserts(dialect=dialect, policy=policy, effort=effort)
    result = done(module, in_place=True)
    # What is said of dtypes is decided here, not by the lifted numbers.
    rows = [row for row in result.report if row.note != NO_NUMBERS]
    own = _own_inputs(program) if exported else ()
    for inner in dialect.modules(module):
        rows += _drop_metadata(inner, own if inner is module else ())
    module.recompile()
    made = _rebuilt(program, module) if exported else module
    modified = any(row.outcome == "discharged" for row in rows)
    return PassResult(made, modified, Report("minimise runtime asserts", tuple(rows)))


NO_NUMBERS = "it asserts dtype, device or layout, which are no numbers"


def dialect_for(program: Any, module: Any, check_guards: bool = True) -> TorchDialect:
    """The dialect for a graph, with what callers of the program are held to as facts."""
    symbols = TorchEnv(shape_env_of(module))
    dialect = TorchDialect(symbols)
    if isinstance(program, ExportedProgram):
        symbols.state_entry_ranges(program.range_constraints)
        if check_guards:
            state_checked_guards(program, symbols)
    dialect.learn(module)
    return dialect


def shape_env_of(module: Any) -> Any:
    """torch's environment, from the first symbolic value that has one."""
    for value in _values(module):
        sizes = value.shape if isinstance(value, torch.Tensor) else (value,)
        for size in sizes:
            if isinstance(size, (torch.SymInt, torch.SymFloat, torch.SymBool)):
                return size.node.shape_env
    return None


def _values(module: Any) -> Iterator[Any]:
    for inner in module.modules():
        if isinstance(inner, torch.fx.GraphModule):
            for node in inner.graph.nodes:
                yield node.meta.get("val")


def _own_inputs(program: ExportedProgram) -> set[str]:
    """The placeholders that stand for what comes with the program."""
    signature = program.graph_signature
    return {
        *signature.inputs_to_parameters,
        *signature.inputs_to_buffers,
        *signature.inputs_to_lifted_tensor_constants,
    }


def _drop_metadata(module: Any, own: Any) -> list[Row]:
    """Erase the redundant asserts of metadata; rows for all of them."""
    redundant = dict(redundant_metadata_asserts(module.graph, own))
    rows = []
    for node in list(module.graph.nodes):
        if node.op != "call_function" or node.target is not METADATA:
            continue
        reason = redundant.get(node)
        wanted = ", ".join(f"{k}={v}" for k, v in node.kwargs.items() if v is not None)
        text = f"{node.args[0].name} has {wanted}"
        outcome: Outcome = "kept" if reason is None else "discharged"
        rows.append(Row(text, "the graph", outcome, note=reason or ""))
        if reason is not None:
            module.graph.erase_node(node)
    return rows


def _rebuilt(program: ExportedProgram, module: Any) -> ExportedProgram:
    made = program._update(
        graph_module=module,
        graph_signature=copy.deepcopy(program.graph_signature),
        state_dict=program.state_dict,
    )
    return keep_guards(program, made)
