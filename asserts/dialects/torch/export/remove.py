"""Remove runtime asserts from torch's graphs: all of them, or only those that are proved.

What torch's own pass removes (its five targets), and their relatives: the functional asserts
that pass a token on, the checks of dynamo's graphs, and, when asked for, the call of the
guards of an exported program's module. A functional assert is taken out of its chain: what
took its token takes the one before it.

``only="proved"`` asks `minimise` which asserts are redundant, each with its proof, and takes
out these alone.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import torch
from torch import fx

from asserts.conditions.report import Report, Row
from asserts.dialects.torch.answers.effects import TOKEN
from asserts.dialects.torch.answers.graph import METADATA, SCALAR_ASSERTS, TorchDialect, copied
from asserts.dialects.torch.answers.metadata import redundant_metadata_asserts
from asserts.dialects.torch.export.programs import NO_NUMBERS, shape_env_of
from asserts.dialects.torch.symbols.shape_env import TorchEnv
from asserts.errors import GraphError
from asserts.passes.base import PassResult
from asserts.passes.discharge import Policy
from asserts.passes.minimise import MinimiseRuntimeAsserts

__all__ = ["remove_runtime_asserts"]

Which = Literal["all", "proved"]

_ATEN: Final = torch.ops.aten

_PLAIN: Final[dict[Any, Any]] = {
    _ATEN._functional_assert_async.msg: _ATEN._assert_async.msg,
    _ATEN._functional_assert_scalar.default: _ATEN._assert_scalar.default,
    _ATEN._functional_sym_constrain_range.default: _ATEN.sym_constrain_range.default,
    _ATEN._functional_sym_constrain_range_for_size.default:
        _ATEN.sym_constrain_range_for_size.default,
}  # fmt: skip
"""Functional asserts, with those that are called for their effect."""

_CHECKS: Final = frozenset(
    getattr(torch, name)
    for name in ("_check", "_check_is_size", "_check_index", "_check_value", "_check_type",
                 "_check_not_implemented", "_check_with", "_assert_scalar", "_assert")
)  # fmt: skip

_REMOVED: Final = frozenset((*SCALAR_ASSERTS, *_CHECKS, *_PLAIN, METADATA))

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
    removes the call of the guards. `sweep` also erases the comparisons and sizes that nobody
    needs then; torch's pass leaves them to the caller's dead-code elimination. Raises
    `GraphError` for anything else than a graph module, `ValueError` for another `only`.
    """
    if not isinstance(gm, fx.GraphModule):
        raise GraphError(f"a graph module of torch's is needed, not {type(gm).__name__}")
    if only not in ("all", "proved"):
        raise ValueError(f"`only` is 'all' or 'proved', not {only!r}")
    dialect = TorchDialect(TorchEnv(None), _value_key(gm.graph))
    proved = _proved(gm, dialect.key, policy, effort) if only == "proved" else None
    rows: list[Row] = []
    for module in list(dialect.modules(gm)):
        changed = False
        for node in list(module.graph.nodes):
            if _is_assert(node):
                row = _settled(node, dialect, proved)
            elif guards and node.op == "call_module" and str(node.target) == GUARDS:
                row = Row("the guards", "torch", "removed")
            else:
                continue
            rows.append(row)
            if row.outcome != "kept":
                _take_out(node)
                changed = True
        if sweep:
            changed = dialect.sweep(module.graph) or changed
        if changed:
            module.recompile()
    modified = any(row.outcome != "kept" for row in rows)
    return PassResult(gm, modified, Report("remove runtime asserts", tuple(rows)))


def _is_assert(node: fx.Node) -> bool:
    try:
        return node.op == "call_function" and node.target in _REMOVED
    except TypeError:  # a target that cannot be hashed
        return False


def _settled(node: fx.Node, dialect: TorchDialect, proved: dict[fx.Node, Row] | None) -> Row:
    """What becomes of an assert, and why."""
    if proved is not None and node in proved:
        return proved[node]
    info = dialect.info_of(node)
    used = bool(node.users) and node.target not in _PLAIN
    kept = used or proved is not None
    return Row(
        info.condition,
        "assert in the graph",
        "kept" if kept else "removed",
        note="its result is used" if used else "",
        message=info.message,
        location=info.location,
    )


def _take_out(node: fx.Node) -> None:
    if node.target in _PLAIN:
        node.replace_all_uses_with(_token_of(node))
    node.graph.erase_node(node)


def _token_of(node: fx.Node) -> Any:
    if TOKEN in node.kwargs:
        return node.kwargs[TOKEN]
    return node.args[len(_PLAIN[node.target]._schema.arguments)]


# --------------------------------------------------------------------------- proving


def _proved(gm: fx.GraphModule, key: str, policy: Policy, effort: str) -> dict[fx.Node, Row]:
    """Every assert that can be read, with the row that says whether it is implied by what
    stays; decided on a copy, in which functional asserts are plain ones."""
    trial = copied(gm)
    dialect = TorchDialect(TorchEnv(shape_env_of(trial)), key)
    pairs: dict[fx.Node, fx.Node] = {}
    copies = dict(trial.named_modules())
    for name, module in gm.named_modules():
        if not isinstance(module, fx.GraphModule):
            continue
        for node, twin in zip(list(module.graph.nodes), list(copies[name].graph.nodes)):
            if _is_assert(node):
                pairs[_plain(twin)] = node
    dialect.learn(trial)
    nodes = [node for module in dialect.modules(trial) for node in module.graph.nodes]
    in_order = [node for node in nodes if dialect.is_assert(node)]
    metadata = _redundant_metadata(dialect, trial)
    minimise = MinimiseRuntimeAsserts(dialect=dialect, policy=policy, effort=effort)
    report = minimise(trial, in_place=True).report
    found = [(n, row) for n, row in zip(in_order, report) if row.note != NO_NUMBERS]
    # (A module that is used under two names has two copies, which are judged alike.)
    return {pairs[n]: row for n, row in (*found, *metadata.items()) if n in pairs}


def _plain(node: fx.Node) -> fx.Node:
    """The assert, or in the place of a functional one the plain one."""
    target = _PLAIN.get(node.target)
    if target is None:
        return node
    kwargs = {name: value for name, value in node.kwargs.items() if name != TOKEN}
    arguments = node.args[: len(target._schema.arguments)]
    token = _token_of(node)
    with node.graph.inserting_before(node):
        made = node.graph.call_function(target, arguments, kwargs)
    made.meta.update(node.meta)
    node.replace_all_uses_with(token)
    node.graph.erase_node(node)
    return made


def _redundant_metadata(dialect: TorchDialect, trial: fx.GraphModule) -> dict[fx.Node, Row]:
    found: dict[fx.Node, Row] = {}
    for module in dialect.modules(trial):
        for node, reason in redundant_metadata_asserts(module.graph):
            text = dialect.info_of(node).condition
            found[node] = Row(text, "assert in the graph", "discharged", note=reason)
    return found


def _value_key(graph: Any) -> str:
    """Where nodes keep their values: graphs of dynamo have another name for it."""
    return "example_value" if any("example_value" in n.meta for n in graph.nodes) else "val"
