"""What becomes of every assert of a torch program: its report, without a change to it.

The asserts are judged by `MinimiseRuntimeAsserts` on a copy, and those of dtype, device and
layout by plain dataflow, as `asserts.minimise` does; conditions and the facts of proofs are
spelled with the author's names for the values (see `names`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.export import ExportedProgram

from asserts.conditions.lift import LiftedAssert, lift
from asserts.conditions.report import Report, Row
from asserts.dialects.base import AssertInfo
from asserts.dialects.torch.answers.graph import METADATA, TorchDialect, copied
from asserts.dialects.torch.answers.metadata import redundant_metadata_asserts
from asserts.dialects.torch.answers.names import source_names
from asserts.dialects.torch.export.decisions import decisions_of, with_cost
from asserts.dialects.torch.export.programs import dialect_for, shape_env_of
from asserts.dialects.torch.symbols.lines import line_of
from asserts.errors import GraphError
from asserts.passes.discharge import Policy
from asserts.passes.minimise import MinimiseRuntimeAsserts
from shapes.facts import Proof
from shapes.traversal import show

__all__ = ["own_inputs", "report"]


def report(
    program: Any, policy: Policy = "preserve-user", effort: str = "default"
) -> Report:
    """For every assert of an `ExportedProgram` or a `GraphModule`: its condition in source
    names, the line of code, whether it must stay or follows (and from what), and how many
    nodes of the graph are there for it alone. Besides, every question that was answered while
    the program was traced (see `rungs`), with what is checked for it.

    The program stays as it is. An assert whose condition cannot be read is kept, and the row
    says so. Raises `GraphError` for anything else than a program of torch's.
    """
    exported = isinstance(program, ExportedProgram)
    if not exported and not isinstance(program, torch.fx.GraphModule):
        raise GraphError(f"a program of torch's is needed, not {type(program).__name__}")
    module = copied(program.graph_module if exported else program)
    dialect = dialect_for(program, module)
    own = own_inputs(program) if exported else ()
    stands = _stands(program, module, dialect, own)
    named = _Named(dialect, {stand.node: stand for stand in stands})
    judge = MinimiseRuntimeAsserts(dialect=named, policy=policy, effort=effort)
    judged = judge(module, in_place=True).report
    rows = tuple(stand.row(row) for stand, row in zip(stands, judged))
    decided = with_cost(decisions_of(shape_env_of(module)), rows)
    return Report("runtime asserts", rows, decided)


def own_inputs(program: ExportedProgram) -> set[str]:
    """The placeholders that stand for what comes with the program."""
    signature = program.graph_signature
    return {
        *signature.inputs_to_parameters,
        *signature.inputs_to_buffers,
        *signature.inputs_to_lifted_tensor_constants,
    }


@dataclass(frozen=True)
class _Stand:
    """An assert as it stands in the graph, before anything is done to it."""

    node: Any
    condition: str
    location: str | None
    place: str
    nodes: int
    certain: str | None
    is_metadata: bool
    names: Mapping[str, str]

    def row(self, judged: Row) -> Row:
        """The row of the judgement, completed."""
        row = replace(judged, place=self.place, nodes=self.nodes, location=self.location)
        if self.is_metadata:
            outcome = "kept" if self.certain is None else "discharged"
            note = self.certain or "nothing before it makes that certain"
            return replace(row, outcome=outcome, note=note)  # type: ignore[arg-type]
        if row.proof is None:
            return row
        return replace(row, proof=_spelled(row.proof, self.names))


def _spelled(proof: Proof, names: Mapping[str, str]) -> Proof:
    """The proof with its facts in source names, and who states those that are no checks."""
    facts = []
    for fact in proof.facts:
        text = show(fact.claim, lambda name: names.get(name, name))
        if fact.origin == "operation" and fact.operation:
            text = f"{text} ({fact.operation})"
        facts.append(replace(fact, text=text))
    return replace(proof, facts=tuple(facts))


def _stands(
    program: Any, module: Any, dialect: TorchDialect, own: Collection[str]
) -> list[_Stand]:
    found: list[_Stand] = []
    for inner in dialect.modules(module):
        names = source_names(program, inner, dialect)
        before = _before(inner.graph, dialect)
        certain = dict(redundant_metadata_asserts(inner.graph, own if inner is module else ()))
        for lifted in lift(inner.graph, dialect):
            node = lifted.node
            location = line_of(node)
            found.append(
                _Stand(
                    node,
                    _condition(lifted, dialect, names),
                    None if location is None else str(location),
                    before[node],
                    _cost(node, dialect),
                    certain.get(node),
                    node.target is METADATA,
                    names,
                )
            )
    return found


def _before(graph: Any, dialect: TorchDialect) -> dict[Any, str]:
    """For every assert the last node before it that does more than read and compute sizes."""
    found: dict[Any, str] = {}
    name = ""
    for node in graph.nodes:
        if dialect.is_assert(node):
            found[node] = name
        elif node.op == "placeholder" or dialect.computation_of(node) is not None:
            continue
        elif dialect.read_of(node) is None or dialect.bindings(node):
            name = node.name
    return found


def _condition(lifted: LiftedAssert, dialect: TorchDialect, names: Mapping[str, str]) -> str:
    if lifted.claim is None:
        return dialect.info_of(lifted.node).condition
    return show(lifted.claim, lambda name: names.get(name, name))


def _cost(node: Any, dialect: TorchDialect) -> int:
    """The nodes that would go with the assert: it, and the sizes and scalars that nothing
    else needs."""
    gone = {node}
    waiting = list(node.all_input_nodes)
    while waiting:
        source = waiting.pop()
        if source in gone or not gone.issuperset(source.users) or dialect.bindings(source):
            continue
        if dialect.read_of(source) is None and dialect.computation_of(source) is None:
            continue
        gone.add(source)
        waiting += source.all_input_nodes
    return len(gone)


class _Named:
    """The dialect of a program, whose asserts are spelled with the author's names."""

    def __init__(self, dialect: TorchDialect, stands: Mapping[Any, _Stand]) -> None:
        self._dialect = dialect
        self._stands = stands

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dialect, name)

    def info_of(self, node: Any) -> AssertInfo:
        """What an assert says, in source names."""
        info = self._dialect.info_of(node)
        stand = self._stands[node]
        return replace(info, condition=stand.condition, location=stand.location)
