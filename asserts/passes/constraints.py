"""Ranges and input contracts to asserts: what is missing in the graph is added.

For every symbol there is an interval that it has to lie in (declared in the environment, or
given with the pass) and one that the asserts of the graph make sure of. They are compared
end by end at the place where the symbol becomes known, and only an end that is not made sure
of becomes an assert: with ``u >= 0`` in the graph and ``0 <= u <= 10`` wanted, ``u <= 10`` is
added. Conditions of the contract that are not ranges (``rows == b``) are added unless the
asserts there imply them.

An exported program of torch's states the ranges of its run-time values itself, and these are
wanted then. What only follows with the help of what the tracer assumed of its inputs (sizes
of at least 2) is not asserted: it would reject what eager accepts; the report says so. What
its callers are held to by checks outside of the graph counts as made sure of; with
``entry="graph"`` it is written into the graph instead, for use without these checks.

Guarantees: an assert that stands later (behind a computation) makes nothing sure; the
strongest bound is written first, so a weaker one is not written at all; what is asserted
already is not asserted again, in any spelling whose intervals say so; running the pass again
changes nothing. Unlike `insert`, the environment's checks, and its facts that nothing in the
graph enforces, play no part. Limits: a wanted bound that contradicts the asserts is written
all the same, and always fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from asserts.conditions.lift import lift
from asserts.conditions.points import Points
from asserts.conditions.report import Report, Row
from asserts.dialects.interfaces import having
from asserts.errors import GraphError
from asserts.graph.module import GraphModule
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import Obligation, obligations_of
from asserts.passes.writing import Writer
from shapes.base import IntInfinity
from shapes.domains import ValueRanges
from shapes.env import ShapeEnv
from shapes.errors import ContradictionError, UndefinedError
from shapes.expr import BoolExpr, Expr, IntExpr, as_condition, direction, side_of
from shapes.facts import Fact, Facts, Proof
from shapes.prove import decide, entails
from shapes.traversal import free_symbols, made_total

__all__ = ["AddConstraintAsserts", "Range"]

Range = ValueRanges | tuple[Any, Any]
"""Both ends of an interval of integers, included; None or an infinity where there is none."""


@dataclass(frozen=True)
class AddConstraintAsserts(Pass):
    """Assert the wanted ranges and the input contract, as far as the graph does not.

    `ranges` gives intervals by the names of symbols; `contract` says whether the
    environment's declared ranges and contract are wanted, too. Ends of `unbounded` or more
    (in absolute value) count as infinite. `entry` says who holds callers to what an exported
    program demands of its inputs: the caller of the graph, or the graph itself. Raises
    `GraphError` for an empty range, for a name that no node of the program defines, and for a
    program without an environment if no range is given.
    """

    name: ClassVar[str] = "add constraint asserts"
    needs = ("constraints",)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    contract: bool = True
    unbounded: int | None = None
    effort: str = "default"
    entry: Literal["caller", "graph"] = field(default="caller", kw_only=True)

    def run(self, graph_module: GraphModule) -> PassResult:
        outer = self.dialect.environment(graph_module)
        if not isinstance(outer, ShapeEnv):
            if not self.ranges:
                raise GraphError(
                    "the program has no `shape_env`, and no ranges were given: there is "
                    "nothing to assert"
                )
            outer = None
        given: dict[str, Range] = dict(self.ranges)
        stated: dict[str, Range] = {}
        if self.contract:
            ranges = having(self.dialect.constraints).wanted_ranges(graph_module)
            stated = {name: span for name, span in ranges.items() if name not in given}
        open_: dict[int, list[Obligation]] = {}
        rows: list[Row] = []
        modified = False
        for module in self.dialect.modules(graph_module):
            own = self.dialect.environment(module)
            env = own if isinstance(own, ShapeEnv) else outer
            work = _Constraints(self, module, env)
            if env is outer:
                work.take(self._given(work, given, "given range"))
                work.take(self._given(work, stated, "stated range"))
            if env is not None and self.contract:
                wanted = open_.get(id(env))
                if wanted is None:
                    wanted = [o for o in obligations_of(env) if o.kind == "contract"]
                    wanted += self._entry(graph_module)
                open_[id(env)] = work.take(wanted)
            rows += work.write()
            modified = modified or work.modified
        if given:
            name = next(iter(given))
            raise GraphError(f"no node of the program defines the symbol '{name}'")
        rows += [_left_out(one) for left in open_.values() for one in left]
        rows += [_nowhere(name) for name in stated]
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _entry(self, graph_module: GraphModule) -> list[Obligation]:
        """What callers are held to, if the graph is to see to it."""
        if self.entry == "caller":
            return []
        return [
            Obligation(fact.claim, fact.spelled, "contract", "the program's callers")
            for fact in having(self.dialect.constraints).entry_facts(graph_module)
        ]

    def _given(
        self, work: _Constraints, given: dict[str, Range], who: str
    ) -> list[Obligation]:
        """The given ranges of symbols that this graph defines; they are done with then."""
        found: list[Obligation] = []
        for name in list(given):
            symbol = work.symbols.get(name)
            if symbol is None:
                continue
            found += self._ends(symbol, given.pop(name), who)
        return found

    def _ends(self, symbol: Expr, wanted: Range, who: str) -> list[Obligation]:
        name = symbol.name
        if not isinstance(symbol, IntExpr):
            raise GraphError(f"the symbol '{name}' is not an integer and has no range")
        ends: tuple[Any, ...] = (
            (wanted.lower, wanted.upper) if isinstance(wanted, ValueRanges) else tuple(wanted)
        )
        if len(ends) != 2:
            raise GraphError(f"the range of '{name}' needs two ends, not {ends!r}")
        lower, upper = (self._finite(name, end) for end in ends)
        if lower is not None and upper is not None and lower > upper:
            raise GraphError(f"the range of '{name}' is empty ({lower} > {upper})")
        found: list[Obligation] = []
        for claim, text in (
            (None if lower is None else symbol >= lower, f"{name} >= {lower}"),
            (None if upper is None else symbol <= upper, f"{name} <= {upper}"),
        ):
            if claim is not None:
                found.append(Obligation(claim, text, "contract", who))
        return found

    def _finite(self, name: str, end: object) -> int | None:
        if end is None or isinstance(end, IntInfinity):
            return None
        if type(end) is not int:
            raise GraphError(f"{end!r} is not an end of an integer range (of '{name}')")
        return None if self.unbounded is not None and abs(end) >= self.unbounded else end


def _left_out(obligation: Obligation) -> Row:
    names = ", ".join(s.name for s in free_symbols(obligation.claim))
    note = f"not asserted: the program does not define all of {names}"
    return Row(obligation.text, obligation.stated_by, "kept", note=note)


def _nowhere(name: str) -> Row:
    note = f"not asserted: no node of the program defines {name}"
    return Row(f"the range of {name}", "stated range", "kept", note=note)


class _Constraints:
    """The work on one graph."""

    def __init__(
        self, options: AddConstraintAsserts, module: GraphModule, env: ShapeEnv | None
    ) -> None:
        self._effort = options.effort
        self._dialect = options.dialect
        self._constraints = having(options.dialect.constraints)
        self._module = module
        self._from_callers: set[BoolExpr] = set()
        if options.contract and options.entry == "graph":
            facts = self._constraints.entry_facts(module)
            self._from_callers = {fact.claim for fact in facts}
        self._graph = module.graph
        self._env = env
        self._points = Points(list(module.graph.nodes), self._dialect)
        self.symbols = {symbol.name: symbol for symbol in self._points.binders}
        self._wanted: list[tuple[int, Obligation]] = []
        self._taken: set[BoolExpr] = set()
        self.modified = False

    def take(self, obligations: Iterable[Obligation]) -> list[Obligation]:
        """Place what can be placed in this graph; the rest is for another."""
        rest = []
        for obligation in obligations:
            if obligation.claim in self._taken:
                continue
            point = self._points.of_claim(obligation.claim)
            if point is None:
                rest.append(obligation)
            else:
                self._taken.add(obligation.claim)
                self._wanted.append((point, obligation))
        return rest

    # ------------------------------------------------------------------ what is made sure of

    def _made_sure(self) -> list[tuple[int, Fact]]:
        """What holds from which point on: asserts, and what operations guarantee."""
        found = [(point, Fact(claim, "check")) for point, claim in self._asserted()]
        if self._env is not None:
            for fact in self._env.axioms:
                if fact.origin != "operation" or fact.claim in self._from_callers:
                    continue
                point = self._points.of_claim(fact.claim)
                if point is not None:
                    found.append((point, fact))
        return sorted(found, key=lambda pair: pair[0])

    def _asserted(self) -> list[tuple[int, BoolExpr]]:
        """The conditions of the graph's asserts, each with the point where it stands."""
        return [
            (self._points.of_asserts[lifted.node], lifted.claim)
            for lifted in lift(self._graph, self._dialect)
            if lifted.claim is not None
        ]

    # ------------------------------------------------------------------ writing

    def write(self) -> list[Row]:
        """Write what is missing; the report's rows, in program order."""
        by_point: dict[int, list[Obligation]] = {}
        for point, obligation in self._wanted:
            by_point.setdefault(point, []).append(obligation)
        arriving = self._made_sure()
        facts = Facts()
        self._writer = Writer(
            self._graph, self._dialect, self._points, self._env, after_asserts=True
        )
        rows: list[Row] = []
        for point in sorted(by_point):
            while arriving and arriving[0][0] <= point:
                facts = _learned(facts, arriving.pop(0)[1])
            for obligation in sorted(by_point[point], key=_strength):
                proof = self._proof(facts, obligation.claim)
                rows.append(self._row(facts, obligation, point, proof))
                known = Fact(obligation.claim, "contract", obligation.text)
                facts = _learned(facts, known)
        return rows

    def _proof(self, facts: Facts, claim: BoolExpr) -> Proof | None:
        effort = "cheap" if len(free_symbols(claim)) <= 1 else self._effort
        try:
            return entails(facts, claim, effort)
        except (ContradictionError, UndefinedError):
            return None

    def _row(
        self, facts: Facts, obligation: Obligation, point: int, proof: Proof | None
    ) -> Row:
        count = 0
        if proof is None:
            total = made_total(obligation.claim, lambda claim: decide(facts, claim))
            condition = as_condition(total)
            count = self._writer.write(point, obligation, condition, obligation.text)
            self.modified = True
        return Row(
            condition=obligation.text,
            stated_by=obligation.stated_by,
            outcome="inserted" if proof is None else "discharged",
            place=self._points.name(point),
            proof=proof,
            message=obligation.message,
            location=obligation.location,
            nodes=count,
        )


def _learned(facts: Facts, fact: Fact) -> Facts:
    with suppress(ContradictionError):
        return facts.given(fact)
    return facts  # the assert always fails, so what is behind it does not matter


def _strength(obligation: Obligation) -> tuple[int, int]:
    """Ranges of single symbols first, the stronger ones before the weaker."""
    claim = obligation.claim
    if len(free_symbols(claim)) != 1 or claim.op.name != "LeZero":
        is_value = len(free_symbols(claim)) == 1 and claim.op.name == "EqZero"
        return (0 if is_value else 2, 0)
    difference = side_of(claim)
    factor, _ = direction(difference)
    # f * d + c <= 0: for one symbol, the greater c / |f|, the stronger the bound.
    return (1, -(difference.constant // max(abs(factor), 1)))
