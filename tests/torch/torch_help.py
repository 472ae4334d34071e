"""Exporting with torch's pass and with ours, running, counting asserts, comparing."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch
from torch.export import ExportedProgram

from asserts.dialects.torch import installed
from asserts.dialects.torch.answers.graph import METADATA, SCALAR_ASSERTS
from tests.torch.programs import Inputs, Program


def exported(program: Program, ours: bool = True, deferred: bool = False) -> ExportedProgram:
    """The program, exported with our passes installed or with torch's own; with a second
    opinion if it needs one."""
    with installed(decide=program.undecided) if ours else nullcontext():
        return torch.export.export(
            program.make(),
            program.example,
            dynamic_shapes=program.shapes,
            strict=False,
            prefer_deferred_runtime_asserts_over_guards=deferred,
        )


@cache
def shared(program: Program, ours: bool = True, deferred: bool = False) -> ExportedProgram:
    """The same, made once: for tests of what leaves a program as it is."""
    return exported(program, ours, deferred)


@cache
def shared_decomposed(program: Program, ours: bool = True) -> ExportedProgram:
    """The shared program after another tracing, made once."""
    return decomposed(shared(program, ours), ours)


def decomposed(program: ExportedProgram, ours: bool = True) -> ExportedProgram:
    """The program after another tracing, with our passes or with torch's own."""
    with installed(decide=True) if ours else nullcontext():
        return program.run_decompositions()


def reloaded(program: ExportedProgram) -> ExportedProgram:
    """The program, saved and loaded."""
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    buffer.seek(0)
    return torch.export.load(buffer)


def asserts_of(program: ExportedProgram) -> list[Any]:
    """The nodes that assert something of numbers, nested graphs included."""
    return [n for n in _nodes(program.graph_module) if n.target in SCALAR_ASSERTS]


def metadata_asserts_of(program: ExportedProgram) -> list[Any]:
    """The nodes that assert a dtype, a device or a layout."""
    return [n for n in _nodes(program.graph_module) if n.target is METADATA]


def _nodes(graph_module: Any) -> Iterator[Any]:
    for module in graph_module.modules():
        if isinstance(module, torch.fx.GraphModule):
            yield from module.graph.nodes


def outcome(function: Any, inputs: Inputs) -> Any:
    """The result, or that the inputs were rejected."""
    try:
        return function(*[i.clone() for i in inputs])
    except (RuntimeError, AssertionError, ValueError, IndexError, ZeroDivisionError):
        return "rejected"


def accepts(function: Any, inputs: Inputs) -> bool:
    return not isinstance(outcome(function, inputs), str)


def disagreements(program: Program, made: ExportedProgram) -> list[str]:
    """Inputs on which eager and the exported program differ, with what each does."""
    eager, run = program.make(), made.module()
    found = []
    for inputs in (program.example, *program.valid, *program.invalid):
        expected, got = outcome(eager, inputs), outcome(run, inputs)
        if not _same(got, expected):
            found.append(f"{[tuple(i.shape) or i.item() for i in inputs]}: eager "
                         f"{_brief(expected)}, exported {_brief(got)}")  # fmt: skip
    return found


def _same(got: Any, expected: Any) -> bool:
    if isinstance(got, str) or isinstance(expected, str):
        return isinstance(got, str) and isinstance(expected, str)
    try:
        torch.testing.assert_close(got, expected)
    except AssertionError:
        return False
    return True


def _brief(result: Any) -> str:
    return result if isinstance(result, str) else "accepted"
