"""Where a check stands: at the first position at which all that it reads is there.

What an operation requires is asserted in the graph of that operation, and before it. In the
body of a function there is no place: there it is asserted before the call, if all that the
condition reads is known there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from asserts.dialects.onnx.answers.contract import Contract
from asserts.dialects.onnx.checks.scopes import Reading, Scope
from asserts.dialects.onnx.checks.stated import Check
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.walk import Requirement
from shapes.expr import FALSE, BoolExpr, disjunction
from shapes.traversal import free_symbols

__all__ = ["Placed", "data_checks", "placed"]


@dataclass(frozen=True)
class Placed:
    """A check, its graph, and the position there; `note` says why there is none."""

    check: Check
    scope: Scope | None
    position: int = 0
    note: str = ""

    @property
    def behind(self) -> str:
        """The node behind which it stands, as reports name it; empty for the model's entry."""
        if self.scope is None:
            return ""
        if not self.position:
            return self.scope.path
        made = (str(name) for name in self.scope.graph.node[self.position - 1].output if name)
        return self.scope.path + next(made)


def data_checks(found: Contract) -> Iterator[Check]:
    """What operations require exactly of values that are known at run time. A requirement on
    inputs that is needless where data leave an operand empty is one of them."""
    for one in found.requirements:
        needless = found.left_to_data(one)
        if needless is not FALSE:
            yield check_of(one, found.inferred, needless)
    for one in found.data:
        if one.exact:
            yield check_of(one, found.inferred, found.left_to_data(one))


def check_of(requirement: Requirement, inferred: Inferred, needless: BoolExpr) -> Check:
    """What an operation requires where it runs, as a check; nothing where it is needless."""
    scope, result = requirement.scope, requirement.result
    while scope in inferred.calls:
        call = inferred.calls[scope]
        scope, result = call.scope, call.result
    words = f"{requirement.node} ({requirement.operator})"
    condition = disjunction(requirement.here, needless)
    return Check(condition, words, scope=scope, result=result)


def placed(check: Check, scopes: Mapping[str, Scope]) -> Placed:
    """The place of a check. One that no operation requires stands in the first graph in which
    all that it reads is known."""
    if check.result:
        scope = scopes.get(check.scope)
        if scope is None or check.result not in scope.makers:
            return Placed(check, None, note=f"the graph of {check.stated_by} is not unique")
        return _in(check, scope, scope.makers[check.result])
    found = [_in(check, scope) for scope in scopes.values()]
    return next((one for one in found if one.scope is not None), found[0])


def _in(check: Check, scope: Scope, end: int | None = None) -> Placed:
    """The place in a graph, before node `end`."""
    if not scope.once:
        return Placed(check, None, note="its graph runs for elements that differ in shape")
    position = 0
    for symbol in free_symbols(check.condition):
        reading = scope.reading(symbol)
        if reading is None or (end is not None and reading.position > end):
            when = "" if end is None else " before that"
            note = f"no value of its graph shows {symbol.name}{when}"
            return Placed(check, None, note=note)
        position = max(position, reading.position)
    return Placed(check, scope, position)


def readings(one: Placed) -> list[Reading]:
    """What a check reads."""
    assert one.scope is not None
    found = [one.scope.reading(symbol) for symbol in free_symbols(one.check.condition)]
    return [reading for reading in found if reading is not None]
