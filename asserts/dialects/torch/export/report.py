"""What becomes of every assert of a torch program: its report, without a change to it.

The asserts are judged by `MinimiseRuntimeAsserts` on a copy, and those of dtype, device and
layout by plain dataflow, as `asserts.minimise` does; conditions and the facts of proofs are
spelled with the author's names for the values (see `names`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from asserts.conditions.lift import LiftedAssert, lift
from asserts.conditions.points import Points, is_scalar
from asserts.conditions.report import Report, Row
from asserts.dialects.base import AssertInfo
from asserts.dialects.torch.answers.graph import TorchDialect
from asserts.dialects.torch.answers.names import source_names
from asserts.dialects.torch.symbols.lines import line_of
from asserts.passes.discharge import Policy
from asserts.passes.minimise import MinimiseRuntimeAsserts
from shapes.facts import Proof
from shapes.traversal import show

__all__ = ["report"]


def report(
    program: Any, module: Any, dialect: TorchDialect, policy: Policy, effort: str
) -> Report:
    """For every assert of a program: its condition in source names, the line of code, whether
    it must stay or follows (and from what), and how many nodes of the graph are there for it
    alone. `module` is a copy of its graph module, which is used up.

    An assert whose condition cannot be read is kept, and the row says so.
    """
    stands = _stands(program, module, dialect)
    named = _Named(dialect, {stand.node: stand for stand in stands})
    judge = MinimiseRuntimeAsserts(dialect=named, policy=policy, effort=effort)
    judged = judge(module, in_place=True).report
    rows = tuple(stand.row(row) for stand, row in zip(stands, judged))
    return Report("runtime asserts", rows)


@dataclass(frozen=True)
class _Stand:
    """An assert as it stands in the graph, before anything is done to it."""

    node: Any
    condition: str
    location: str | None
    place: str
    nodes: int
    names: Mapping[str, str]

    def row(self, judged: Row) -> Row:
        """The row of the judgement, completed."""
        row = replace(judged, place=self.place, nodes=self.nodes, location=self.location)
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


def _stands(program: Any, module: Any, dialect: TorchDialect) -> list[_Stand]:
    found: list[_Stand] = []
    for inner in dialect.modules(module):
        names = source_names(program, inner, dialect)
        points = Points(list(inner.graph.nodes), dialect, as_it_stands=True)
        for lifted in lift(inner.graph, dialect):
            node = lifted.node
            location = line_of(node)
            found.append(
                _Stand(
                    node,
                    _condition(lifted, dialect, names),
                    None if location is None else str(location),
                    points.name(points.of_asserts[node]),
                    _cost(node, dialect),
                    names,
                )
            )
    return found


def _condition(lifted: LiftedAssert, dialect: TorchDialect, names: Mapping[str, str]) -> str:
    if lifted.claim is None:
        return dialect.info_of(lifted.node).condition
    return show(lifted.claim, lambda name: names.get(name, name))


def _cost(node: Any, dialect: TorchDialect) -> int:
    """The nodes that would go with the assert: it, and the sizes and scalars that nothing
    else needs."""
    gone = {node}
    worklist = list(node.all_input_nodes)
    while worklist:
        source = worklist.pop()
        if source in gone or not gone.issuperset(source.users) or dialect.bindings(source):
            continue
        if not is_scalar(source, dialect):
            continue
        gone.add(source)
        worklist += source.all_input_nodes
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
