"""Insert deferred runtime asserts.

Before::

    def program(tokens, lengths):             # tokens: i64[b, 128], lengths: i64[n]
        widest = item(max(lengths))           # u0
        ...

After::

    def program(tokens, lengths):
        ... assert lengths.shape[0] == tokens.shape[0]     (the input contract, at entry)
        widest = item(max(lengths))
        ... assert widest <= 128                           (behind the value that it reads)

Every obligation goes right behind the first point at which all its symbols are known, in a
stable order, ranges first; what is implied there is proved instead of checked
(see `discharge`). Conditions are built from values that the graph already has. Nested graph
modules get the obligations of their own environments, or those of an environment they share
whose symbols they bind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from asserts.conditions.emit import Emitter
from asserts.conditions.known import has_value
from asserts.conditions.lift import lift
from asserts.conditions.report import Outcome, Report, Row
from asserts.dialects.base import AssertInfo, Dialect
from asserts.errors import GraphError
from asserts.graph.graph import Node
from asserts.graph.module import GraphModule
from asserts.graph.raising import domain_of
from asserts.passes.base import Pass, PassResult
from asserts.passes.discharge import (
    Decision,
    Obligation,
    Policy,
    discharge,
    obligations_of,
)
from shapes.env import ShapeEnv
from shapes.errors import ExpressionTypeError
from shapes.expr import OPERATORS, TRUE, BoolExpr, Expr, as_expr
from shapes.facts import Facts
from shapes.prove import Effort
from shapes.traversal import free_symbols

__all__ = ["InsertRuntimeAsserts"]


@dataclass(frozen=True)
class InsertRuntimeAsserts(Pass):
    """Put every check that could not be proved into the graph.

    `policy` and `effort` decide what may be proved instead (see `discharge`). With `entry`
    turned off, checks on inputs alone are left to the graph that calls this one. Raises
    `GraphError` for a program without an environment, or (if it is to `refuse`) with a check
    on a value that no node of it defines; otherwise the report names such a check.
    """

    name: ClassVar[str] = "insert runtime asserts"
    policy: Policy = "preserve-user"
    effort: str | Effort = "default"
    entry: bool = True
    unplaced: Literal["refuse", "report"] = "refuse"

    def run(self, graph_module: GraphModule) -> PassResult:
        result = self.inserted(graph_module)
        if result.modified:
            graph_module.recompile()
        return result

    def inserted(self, graph_module: GraphModule) -> PassResult:
        """Do the work, in place; the code of the module is not made again."""
        shared: dict[int, tuple[ShapeEnv, list[GraphModule]]] = {}
        self._collect(graph_module, shared)
        rows: list[Row] = []
        modified = False
        for env, modules in shared.values():
            open_obligations = obligations_of(env)
            for module in modules:
                work = _Insertion(self, module, env)
                open_obligations = work.take(open_obligations)
                rows += work.insert()
                modified = modified or work.modified
            rows += self._unplaced(open_obligations)
        return PassResult(graph_module, modified, Report(self.name, tuple(rows)))

    def _collect(
        self, graph_module: GraphModule, shared: dict[int, tuple[ShapeEnv, list[GraphModule]]]
    ) -> None:
        """The modules of every environment, outer ones first; a module without one of its own
        belongs to the environment of the program."""
        outer = self.dialect.environment(graph_module)
        if not isinstance(outer, ShapeEnv):
            raise GraphError("the program has no `shape_env`: trace it, or set one")
        for module in self.dialect.modules(graph_module):
            own = self.dialect.environment(module)
            env = own if isinstance(own, ShapeEnv) else outer
            shared.setdefault(id(env), (env, []))[1].append(module)

    def _unplaced(self, left: list[Obligation]) -> list[Row]:
        """A check on a value that the graph does not have must not be lost silently; an axiom
        about one is of no use to any proof here."""
        rows = []
        for obligation in left:
            if obligation.kind == "contract":
                continue
            names = ", ".join(s.name for s in free_symbols(obligation.claim))
            note = f"needs {names}, not all of which are defined by a node of the graph"
            if self.unplaced == "refuse":
                raise GraphError(f"the check `{obligation.text}` {note}")
            row = Row(obligation.text, obligation.stated_by, "unplaced", note=note)
            rows.append(row)
        return rows


class _Insertion:
    """The work on one graph."""

    def __init__(
        self, options: InsertRuntimeAsserts, module: GraphModule, env: ShapeEnv
    ) -> None:
        self._options = options
        self._dialect = options.dialect
        self._graph = module.graph
        self._env = env
        self._nodes = list(module.graph.nodes)
        self._points = Points(self._nodes, self._dialect)
        self._placed: list[tuple[int, Obligation]] = []
        computed = (node for node in self._nodes if node.op != "placeholder")
        self._first_computed = next(computed)
        self.modified = False

    # ------------------------------------------------------------------ placing

    def take(self, obligations: list[Obligation]) -> list[Obligation]:
        """Place what can be placed in this graph; the rest is for another."""
        rest = []
        for obligation in obligations:
            point = self._points.of_claim(obligation.claim)
            if point is None or not (self._options.entry or self._reads_here(obligation)):
                rest.append(obligation)
            else:
                self._placed.append((point, obligation))
        return rest

    def _reads_here(self, obligation: Obligation) -> bool:
        """Whether a value that this graph itself defines is in the claim."""
        return any(self._points.binders[symbol] for symbol in free_symbols(obligation.claim))

    def _existing(self) -> dict[BoolExpr, int]:
        """The checks that the graph makes already, with the points where they stand."""
        found: dict[BoolExpr, int] = {}
        for lifted in lift(self._graph, self._dialect):
            if lifted.claim is not None:
                for part in clauses(lifted.claim):
                    found.setdefault(part, self._points.of_asserts[lifted.node])
        return found

    # ------------------------------------------------------------------ writing

    def insert(self) -> list[Row]:
        """Write what has to be checked; the report's rows, in program order."""
        decisions = discharge(
            self._env,
            self._placed,
            self._points.of_claim,
            self._existing(),
            self._options.policy,
            self._options.effort,
            self._dialect.as_written,
            self._points.stretch_of,
        )
        by_point: dict[int, list[Decision]] = {}
        for decision in decisions:
            by_point.setdefault(decision.point, []).append(decision)
        emitter = Emitter(self._graph, self._dialect)
        rows: list[Row] = []
        entry = self._points.entry
        position = 0
        for point in sorted(by_point):
            target = max(entry, point + 1 if point else entry)
            position = self._advance(emitter, position, target)
            anchor = self._nodes[position] if position < len(self._nodes) else None
            with self._graph.inserting_before(anchor):
                rows += [self._write(emitter, decision, point) for decision in by_point[point]]
        return rows

    def _advance(self, emitter: Emitter, position: int, target: int) -> int:
        """Pass the nodes before `target`, and the plain reads that follow them."""
        while position < len(self._nodes):
            node = self._nodes[position]
            if position >= target and self._dialect.read_of(node) is None:
                break
            emitter.arrive(node)
            position += 1
        return position

    def _write(self, emitter: Emitter, decision: Decision, point: int) -> Row:
        obligation = decision.obligation
        outcome: Outcome = "discharged" if decision.proof is not None else "inserted"
        if decision.present:
            outcome = "present"
        count = 0
        if outcome == "inserted":
            emitter.meta = self._metadata(decision, point)
            before = len(emitter.created)
            condition = self._written(emitter, decision)
            # A condition in the user's words is told with all values that it names.
            symbols = free_symbols(
                obligation.claim if obligation.kind == "user" else decision.condition
            )
            names = self._env.names
            values = {names.get(s.name, s.name): emitter.emit(s) for s in symbols}
            info = AssertInfo(
                decision.text,
                obligation.message,
                self._sources(symbols),
                obligation.location,
                obligation.kind == "user",
            )
            node = self._dialect.create_assert(self._graph, condition, info, values)
            node.meta.update(emitter.meta)
            count = len(emitter.created) - before + 1
            self.modified = True
        return Row(
            condition=decision.text,
            stated_by=obligation.stated_by,
            outcome=outcome,
            place=self._nodes[point].name if point else "",
            proof=decision.proof,
            message=obligation.message,
            location=obligation.location,
            nodes=count,
        )

    def _written(self, emitter: Emitter, decision: Decision) -> Any:
        try:
            return emitter.emit(decision.condition)
        except GraphError as error:
            obligation = decision.obligation
            where = f" ({obligation.location})" if obligation.location else ""
            raise GraphError(f"the check `{obligation.text}`{where}: {error}") from error

    def _metadata(self, decision: Decision, point: int) -> dict[str, Any]:
        beside = self._nodes[point] if point else self._first_computed
        taken = self._dialect.metadata_beside(beside, decision.obligation.where)
        return {"runtime_assert": decision.text, **taken}

    def _sources(self, symbols: list[Expr]) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for symbol in symbols:
            info = self._env.symbols.get(symbol.name)
            if info is not None and info.source not in (None, symbol.name):
                found[self._env.names.get(symbol.name, symbol.name)] = str(info.source)
        return found


def clauses(claim: BoolExpr) -> Iterable[BoolExpr]:
    """The parts of a conjunction, or the claim."""
    if claim.op is not OPERATORS["And"]:
        return (claim,)
    return (part for part in claim.args if isinstance(part, BoolExpr))


class Points:
    """The places of a graph where checks can stand, by the index of the node before them.

    A check belongs behind the first node at which all its symbols are known, or at the
    *latest* place from which nothing in between needs it. Inputs together are the index 0,
    with the sizes that are computed from them and bound before anything else happens; behind
    these `entry` nodes the checks at entry stand.

    A number whose computation can raise ends a place, for a check before it may guard it.
    What insertion has written is made to have a value; in a graph that is to keep what it
    computes with fewer checks, only what has a value by itself passes, and what is `guarded`
    by checks that stay (None: insertion writes this graph).
    """

    def __init__(
        self, nodes: Sequence[Node], dialect: Dialect, guarded: Collection[Node] | None = None
    ) -> None:
        self._dialect = dialect
        self._guarded = guarded
        self.entry = self._find_entry(nodes)
        self._latest = self._find_latest(nodes)
        self.binders = self._find_binders(nodes)
        self._stretches = self._find_stretches(nodes)
        self.of_asserts = self._find_asserts(nodes)

    def of_claim(self, claim: BoolExpr) -> int | None:
        """The point of a condition; None if a symbol of it is not defined in the graph."""
        point = 0
        for symbol in free_symbols(claim):
            index = self.binders.get(symbol)
            if index is None:
                return None
            point = max(point, index)
        return self._latest[point]

    def _find_entry(self, nodes: Sequence[Node]) -> int:
        entry = 0
        for index, node in enumerate(nodes):
            if node.op == "placeholder":
                entry = index + 1
            elif not _is_scalar(node, self._dialect):
                break
            elif self._dialect.bindings(node):
                entry = index + 1
        return entry

    def stretch_of(self, point: int) -> int:
        """The number of the stretch of points, with no effect in between, that a point is
        in."""
        return self._stretches[point]

    def _find_stretches(self, nodes: Sequence[Node]) -> list[int]:
        """A point behind nodes which have no effect, raise nothing, and whose own checks are
        on inputs only, is in the stretch of the points before; the entry is one of its own."""
        fixed: set[Node] = set()  # what no run-time value takes part in
        stopping = self._dialect.stopping_among(nodes)
        stretches: list[int] = []
        for index, node in enumerate(nodes):
            if node.op == "placeholder" or index < self.entry:
                fixed.add(node)
                stretches.append(0)
                continue
            pure = self._dialect.is_pure(node) and fixed.issuperset(node.all_input_nodes)
            if pure and not self._dialect.bindings(node):
                fixed.add(node)
            passed = pure and node not in stopping
            passed = passed or self._dialect.is_assert(node) or self._is_passed(node)
            before = stretches[-1] if stretches else 0
            stretches.append(before if passed and before else index)
        return stretches

    def _find_binders(self, nodes: Sequence[Node]) -> dict[Expr, int]:
        """For every symbol the index of the node that defines it."""
        binders: dict[Expr, int] = {}
        for index, node in enumerate(nodes):
            for symbol in self._dialect.bindings(node):
                binders.setdefault(symbol, 0 if index < self.entry else index)
        return binders

    def _find_latest(self, nodes: Sequence[Node]) -> list[int]:
        latest = list(range(len(nodes)))
        run: int | None = None
        for index in range(len(nodes) - 1, -1, -1):
            node = nodes[index]
            if node.op == "placeholder":
                continue
            if run is not None:
                latest[index] = run
            if self._dialect.passes_over(node):
                run = index if run is None else run
            elif not self._dialect.is_assert(node):
                run = None
        if run is not None:
            latest[0] = run
        return latest

    def _find_asserts(self, nodes: Sequence[Node]) -> dict[Node, int]:
        """For every assert the last node before it that does more than read or compute
        sizes, and from there the latest point."""
        found: dict[Node, int] = {}
        point, strictly = 0, self._guarded is not None
        for index, node in enumerate(nodes):
            if self._dialect.is_assert(node):
                found[node] = self._latest[point]
            elif node.op != "placeholder" and not self._is_passed(node, strictly):
                point = index
        return found

    def _is_passed(self, node: Node, strictly: bool = True) -> bool:
        """Whether nothing happens at a node but that a number is read or computed."""
        if not _is_scalar(node, self._dialect):
            return False
        if self._guarded is None:
            sure = "runtime_assert" in node.meta
        else:
            sure = node in self._guarded
        return not strictly or sure or not can_stop(node, self._dialect)


def can_stop(node: Node, dialect: Dialect) -> bool:
    """Whether computing a number may raise for some values of its operands, or take as much
    memory as one of them says."""
    domain = domain_at(node, dialect)
    return domain is None or not has_value(Facts(), domain)


def domain_at(node: Node, dialect: Dialect) -> BoolExpr | None:
    """Where the number that a node computes has a value; None if that cannot be said."""
    computation = dialect.computation_of(node)
    if computation is None:
        return TRUE
    build, arguments = computation
    try:
        operands = [
            dialect.value_of(a) if dialect.is_node(a) else as_expr(a) for a in arguments
        ]
    except ExpressionTypeError:  # an argument that is not a number
        return None
    return domain_of(build, operands)


def _is_scalar(node: Node, dialect: Dialect) -> bool:
    return dialect.read_of(node) is not None or dialect.computation_of(node) is not None
