"""Remove runtime asserts from torch's graphs: all of them, or only those that are proved.

What torch's own pass removes (its five targets), and their relatives: the functional asserts
that pass a token on, the checks of dynamo's graphs, and, when asked for, the call of the
guards of an exported program's module. A functional assert is taken out of its chain: what
took its token takes the one before it.

``only="proved"`` takes out those that others imply, each with its proof; `minimise` does so
for a whole program.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, Literal

import torch
from torch import fx

from asserts.conditions.report import Report, Row
from asserts.dialects.torch.answers.calls import value_key
from asserts.dialects.torch.answers.graph import TorchDialect
from asserts.dialects.torch.export.hosts import TorchAdapter, adapter_of
from asserts.dialects.torch.export.programs import dialect_for
from asserts.dialects.torch.symbols.shape_env import TorchEnv
from asserts.errors import GraphError
from asserts.passes.base import PassResult
from asserts.passes.discharge import Policy
from asserts.passes.minimise import MinimiseRuntimeAsserts
from asserts.passes.remove import RemoveRuntimeAsserts

__all__ = ["minimise", "remove_runtime_asserts", "report"]

Which = Literal["all", "proved"]

_CHECKS: Final = frozenset(
    getattr(torch, name)
    for name in ("_check", "_check_is_size", "_check_index", "_check_value", "_check_type",
                 "_check_not_implemented", "_check_with", "_assert_scalar", "_assert")
)  # fmt: skip

GUARDS: Final = "_guards_fn"
"""What the module of an exported program calls to check its guards."""


def remove_runtime_asserts(
    gm: fx.GraphModule,
    *,
    sweep: bool = False,
    only: Which = "all",
    guards: bool = False,
    policy: Policy = "preserve-user",
    effort: str = "default",
) -> PassResult:
    """Erase the runtime asserts of a graph and of the graphs nested in it, in place.

    An assert whose result is used stays, unless it is a functional one, whose result stands
    for nothing. With ``only="proved"`` an assert goes if what the graph ensures before it
    implies it (see `discharge` for `policy`); the report has the proofs. `guards` also
    removes the call of the guards. `sweep` also erases the comparisons and sizes that nothing
    needs then; torch's pass leaves them to the caller's dead-code elimination. Raises
    `GraphError` for anything else than a graph module, `ValueError` for another `only`.
    """
    if not isinstance(gm, fx.GraphModule):
        raise GraphError(f"a graph module of torch's is needed, not {type(gm).__name__}")
    if only not in ("all", "proved"):
        raise ValueError(f"`only` is 'all' or 'proved', not {only!r}")
    if only == "proved":
        dialect = dialect_for(gm, gm)
    else:
        dialect = TorchDialect(TorchEnv(None), value_key(gm.graph))
    rows = _remove_guards(dialect.modules(gm)) if guards else []
    options = _Removal(dialect=dialect, sweep=sweep, only=only, policy=policy, effort=effort)
    done = options.run(gm)
    modified = done.modified or bool(rows)
    for module in dialect.modules(gm) if modified else ():
        module.recompile()
    report = replace(done.report, rows=(*rows, *done.report.rows))
    return PassResult(gm, modified, report)


class _Removal(RemoveRuntimeAsserts):
    """torch's functions that check, too, which only dynamo's graphs call."""

    def selects(self, node: Any) -> bool:
        with suppress(TypeError):  # a target that cannot be hashed
            return self.dialect.is_assert(node) or node.target in _CHECKS
        return False


def _remove_guards(modules: Iterable[fx.GraphModule]) -> list[Row]:
    found = [
        node
        for module in modules
        for node in module.graph.find_nodes(op="call_module", target=GUARDS)
    ]
    for node in found:
        node.graph.erase_node(node)
    return [Row("the guards", "torch", "removed") for _ in found]


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
    adapter = _adapter(program, check_guards)
    return MinimiseRuntimeAsserts(policy=policy, effort=effort).on(adapter)


def report(
    program: Any, policy: Policy = "preserve-user", effort: str = "default"
) -> Report:
    """What becomes of every assert of an `ExportedProgram` or a `GraphModule`, which stays as
    it is (see `asserts.report`). Raises `GraphError` for anything else."""
    return _adapter(program).report(policy, effort)


def _adapter(program: Any, check_guards: bool = True) -> TorchAdapter:
    adapter = adapter_of(program, copy=True, check_guards=check_guards)
    if adapter is None:
        raise GraphError(f"a program of torch's is needed, not {type(program).__name__}")
    return adapter
