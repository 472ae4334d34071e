"""Runtime asserts in a model: put in, taken out, made fewer, reported on.

What is asserted: the conditions of the model's contract, as far as they are exact; what
operations require of values that are known only at run time; and conditions that the caller
adds. `discharge` decides, as for other programs, what need not be: a check goes if what
operations guarantee and the checks that stand before it imply it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from onnx import ModelProto

from asserts.conditions.report import Report, Row
from asserts.dialects.onnx.answers.contract import Contract, contract, fewest
from asserts.dialects.onnx.answers.describe import TRIED, is_met
from asserts.dialects.onnx.checks.guarding import (
    refuse_reserved,
    too_old,
    with_asserts,
    without_asserts,
)
from asserts.dialects.onnx.checks.placing import Placed, data_checks, placed
from asserts.dialects.onnx.checks.scopes import Scope, scopes_of
from asserts.dialects.onnx.checks.stated import Check, read_check, recorded, stated, texts
from asserts.dialects.onnx.checks.writing import is_writable, safe
from asserts.dialects.onnx.infer.model import Inferred
from asserts.dialects.onnx.infer.walk import Requirement
from asserts.dialects.onnx.model.reading import load_model
from asserts.errors import GraphError
from asserts.passes.discharge import Decision, Obligation, Policy, discharge
from shapes.env import ShapeEnv
from shapes.expr import FALSE, BoolExpr
from shapes.prove import Effort
from shapes.traversal import free_symbols

__all__ = ["Changed", "Options", "insert", "insert_like", "minimise", "remove", "report"]


@dataclass(frozen=True)
class Changed:
    """The model after a change, whether it was modified, and what happened."""

    program: ModelProto
    modified: bool
    report: Report


@dataclass(frozen=True)
class Options:
    """What may be proved instead of checked (see `discharge`), and whether the model that was
    given is changed."""

    policy: Policy = "preserve-user"
    effort: str | Effort = "default"
    in_place: bool = False


def insert(
    model: Any,
    checks: Iterable[Any] = (),
    policy: Policy = "preserve-user",
    effort: str | Effort = "default",
    in_place: bool = False,
) -> Changed:
    """The model with an assert for every condition of its contract, for what operations
    require of run-time values, and for the caller's own `checks`: texts, or pairs of a text
    and a message.

    What follows from nothing, or from checks before, is not asserted. The given model stays
    as it is, unless it is an ``onnx.ModelProto`` to be changed `in_place`. Raises
    `GraphError` for what is not a model, and for another one that is to be changed in place.
    """
    given = _loaded(model, in_place)
    refuse_reserved(given)
    bare = without_asserts(given)
    found = contract(bare)
    asked = [read_check(found.inferred, one) for one in checks]
    return _inserted(given, bare, found, asked, Options(policy, effort, in_place))


def insert_like(
    model: Any,
    program: Any,
    policy: Policy = "preserve-user",
    effort: str | Effort = "default",
    in_place: bool = False,
) -> Changed:
    """The model with the asserts of `insert`, and with what the torch program (an
    ``ExportedProgram``) checks from which it was exported: at its entry, and of run-time
    values. What cannot be carried over is in the report, with the reason.

    Raises `GraphError` for what is not a model, or not a program.
    """
    from asserts.dialects.onnx.checks.from_torch import carried_over

    given = _loaded(model, in_place)
    refuse_reserved(given)
    bare = without_asserts(given)
    found = contract(bare)
    carried, lost = carried_over(program, found.inferred, policy, effort)
    result = _inserted(given, bare, found, carried, Options(policy, effort, in_place))
    return replace(result, report=_report([*result.report.rows, *lost]))


def _inserted(
    given: ModelProto,
    bare: ModelProto,
    found: Contract,
    asked: Sequence[Check],
    options: Options,
) -> Changed:
    there = list(stated(given, found.inferred))
    own = [*_entry_checks(found), *data_checks(found)]
    rows, wanted = _decided(bare, found.inferred, [*there, *own, *asked], options)
    if given is not bare and _same(wanted, given):
        return Changed(given, False, _report([_present(row) for row in rows]))
    if not wanted:
        return _finished(given, bare, given is not bare, rows, options.in_place)
    after, counts = with_asserts(bare, found.inferred, wanted)
    rows = _counted(rows, wanted, counts)
    return _finished(given, after, True, rows, options.in_place)


def remove(model: Any, sweep: bool = True, in_place: bool = False) -> Changed:
    """The model without asserts, as it was before `insert`.

    Raises `GraphError` if what only computes their conditions is to stay (not `sweep`): it is
    not told apart from the asserts.
    """
    if not sweep:
        raise GraphError(
            "an ONNX model: what computes the conditions goes with its asserts (sweep=False)"
        )
    given = _loaded(model, in_place)
    rows = [
        Row(entry["condition"], entry["stated_by"], "removed", message=entry.get("message"))
        for entry in recorded(given)
    ]
    bare = without_asserts(given)
    return _finished(given, bare, bare is not given, rows, in_place)


def minimise(
    model: Any, policy: Policy = "preserve-user", effort: str | Effort = "default"
) -> Changed:
    """The model without those asserts that others imply."""
    given = load_model(model)
    bare = without_asserts(given)
    if bare is given:
        return Changed(given, False, _report([]))
    found = contract(bare).inferred
    rows, wanted = _decided(bare, found, list(stated(given, found)), Options(policy, effort))
    rows = [replace(row, outcome="kept") if row.outcome == "inserted" else row for row in rows]
    if _same(wanted, given):
        return Changed(given, False, _report(rows))
    if not wanted:
        return Changed(bare, True, _report(rows))
    after, counts = with_asserts(bare, found, wanted)
    return Changed(after, True, _report(_counted(rows, wanted, counts)))


def report(
    model: Any, policy: Policy = "preserve-user", effort: str | Effort = "default"
) -> Report:
    """What `insert` would say; the model stays as it is."""
    return insert(model, policy=policy, effort=effort).report


# ------------------------------------------------------------------------ programs


def _loaded(model: Any, in_place: bool) -> ModelProto:
    if in_place and not isinstance(model, ModelProto):
        raise GraphError(
            f"{type(model).__name__}: only an onnx.ModelProto can be changed in place"
        )
    return load_model(model)


def _finished(
    given: ModelProto, after: ModelProto, modified: bool, rows: Sequence[Row], in_place: bool
) -> Changed:
    if in_place and modified:
        given.CopyFrom(after)
        after = given
    return Changed(after, modified, _report(rows))


def _same(wanted: Sequence[Placed], model: ModelProto) -> bool:
    """Whether these are the asserts that the model has."""
    return texts(one.check for one in wanted) == recorded(model)


def _report(rows: Sequence[Row]) -> Report:
    return Report("runtime asserts", tuple(rows))


def _counted(
    rows: Sequence[Row], wanted: Sequence[Placed], counts: Mapping[Check, int]
) -> list[Row]:
    """The rows with the number of nodes that each assert has."""
    left = [counts.get(one.check, 0) for one in wanted]
    asserted = ("inserted", "kept")
    return [
        replace(row, nodes=left.pop(0)) if row.outcome in asserted and left else row
        for row in rows
    ]


def _present(row: Row) -> Row:
    return replace(row, outcome="present") if row.outcome == "inserted" else row


# ------------------------------------------------------------------------ what is asserted


def _entry_checks(found: Contract) -> Iterator[Check]:
    """The exact conditions of the contract, each with the first operation that needs it."""
    every = found.requirements
    exact = [one for one in every if one.exact and found.left_to_data(one) is FALSE]
    for condition in fewest(found, [one.whole for one in exact]):
        source = _source(condition, exact)
        words = "the model" if source is None else f"{source.node} ({source.operator})"
        yield Check(condition, words)


def _source(condition: BoolExpr, exact: Sequence[Requirement]) -> Requirement | None:
    """The first operation that needs a condition: if it is one on a single size, the first
    that fails at the least size with which the condition does not hold."""
    symbols = free_symbols(condition)
    if len(symbols) == 1:
        tried = ({symbols[0]: n} for n in range(TRIED))
        sizes = next((sizes for sizes in tried if not is_met(condition, sizes)), {})
        for one in exact if sizes else ():
            if free_symbols(one.whole) == symbols and not is_met(one.whole, sizes):
                return one
    every = [r for r in exact if set(symbols) <= set(free_symbols(r.whole))]
    return next((r for r in every if r.whole is condition), every[0] if every else None)


def _decided(
    model: ModelProto,
    inferred: Inferred,
    checks: Iterable[Check],
    options: Options,
) -> tuple[list[Row], list[Placed]]:
    """What becomes of every check, and those that are asserted, in program order."""
    scopes = scopes_of(model.graph, inferred)
    distinct: dict[tuple[BoolExpr, str, str], Check] = {}
    for check in checks:  # (the first of equal ones, at its place)
        distinct.setdefault((check.condition, check.scope, check.result), check)
    work = _Deciding(inferred, options)
    old = too_old(model)
    places = [
        placed(one, scopes) if one.by_user or not old else Placed(one, None, note=old)
        for one in distinct.values()
    ]
    unique: dict[tuple[BoolExpr, str, int], Placed] = {}
    for one in places:
        if one.scope is None or not is_writable(safe(one.check.condition)):
            work.unplaced(one)
        else:
            unique.setdefault((one.check.condition, one.scope.path, one.position), one)
    for scope in scopes.values():
        own = [one for one in unique.values() if one.scope is scope]
        work.decide(scope, own)
    return work.rows, work.wanted


class _Deciding:
    """The decisions of one model, graph by graph, outer ones first."""

    def __init__(self, inferred: Inferred, options: Options) -> None:
        self._env = _environment(inferred)
        self._options = options
        self._left: list[Row] = []
        self._rows: list[Row] = []
        self.wanted: list[Placed] = []

    @property
    def rows(self) -> list[Row]:
        """The rows of all checks; those without a place last."""
        return [*self._rows, *self._left]

    def unplaced(self, one: Placed) -> None:
        """Note a check that cannot be asserted."""
        note = one.note or "it has no form in standard operators"
        self._left.append(replace(_row(one), outcome="unplaced", note=note))

    def decide(self, scope: Scope, own: Sequence[Placed]) -> None:
        """Decide the checks of one graph."""
        if not own and scope.outer is not None:
            return  # (the main graph's options are looked at in any case)
        obligations = {_obligation(one): one for one in own}
        decisions = discharge(
            self._env,
            [(one.position, obligation) for obligation, one in obligations.items()],
            lambda claim: _position(claim, scope),
            self._around(scope),
            self._options.policy,
            self._options.effort,
        )
        for decision in decisions:
            self._settle(obligations[decision.obligation], decision)

    def _settle(self, one: Placed, decision: Decision) -> None:
        row = _row(one)
        if decision.proof is not None:
            row = replace(row, outcome="discharged", proof=decision.proof)
        elif decision.present:
            row = replace(row, outcome="present", note="asserted before its graph runs")
        else:
            self.wanted.append(one)
        self._rows.append(row)

    def _around(self, scope: Scope) -> dict[BoolExpr, int]:
        """What is asserted before a subgraph runs."""
        found: dict[BoolExpr, int] = {}
        inner, outer = scope, scope.outer
        while outer is not None:
            for one in self.wanted:
                if one.scope is outer and one.position <= inner.place:
                    found.setdefault(one.check.condition, 0)
            inner, outer = outer, outer.outer
        return found


def _environment(inferred: Inferred) -> ShapeEnv:
    """The symbols of a model, with what operations guarantee of them."""
    known = inferred.symbols
    env = ShapeEnv()
    for name in known.env.symbols:
        if known.is_data(name):
            env.unbacked(name)
        else:
            env.integer(name)
    for fact in known.env.axioms:
        env.guarantee(fact.claim, operation=fact.operation or "the format")
    return env


def _position(claim: BoolExpr, scope: Scope) -> int | None:
    """From where on all symbols of a condition are known in a graph."""
    found = [scope.reading(symbol) for symbol in free_symbols(claim)]
    if any(reading is None for reading in found):
        return None
    return max((reading.position for reading in found if reading is not None), default=0)


def _obligation(one: Placed) -> Obligation:
    check = one.check
    return Obligation(
        check.condition,
        str(check.condition),
        "user" if check.by_user else "operation",
        check.stated_by,
        check.message,
    )


def _row(one: Placed) -> Row:
    check = one.check
    return Row(
        str(check.condition),
        check.stated_by,
        "inserted",
        place=one.behind,
        message=check.message,
        by_user=check.by_user,
    )
