"""Difference logic: shortest paths in the graph of constraints ``x - y <= c``, and negative
cycles in it (Bellman 1958; Pratt 1977; Cotton & Maler, SAT 2006).

``x <= y + w`` is an edge from x to y of length w. A claim ``x <= y + k`` follows if a path
from x to y has a length of at most k. There is one search (Bellman and Ford's, with a queue):
it starts at x, follows the edges in the order in which they are found, and stops where the
claim follows. The sum of the relations on the path is the certificate. There are two graphs:

- what facts say of ``x - y`` (`by_differences`): the edges are the ends of its interval, found
  as the search goes along. It looks at what lies on the way and builds no rows, so neither a
  long path nor a large component around a short one costs much;
- rows (`path_refutation`): the edges are the connected facts as rows, and bounds on single
  atoms take part as differences from 0. Here a negative cycle refutes the facts themselves.

Guarantees: facts are not changed; budgets count steps.
Limits: the claim is about the difference of two atoms (over rows: or about one). A path that
another negative cycle lies on is not found.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, TypeAlias, TypeVar

from shapes.arith.certificate import Combination, Key, Linear, Premise
from shapes.arith.constraint import Row
from shapes.base.budget import spend
from shapes.expr.booleans import negation
from shapes.expr.linear import le_zero
from shapes.expr.nodes import LE_ZERO, BoolExpr, Expr, IntExpr, Sum, combine, side_of
from shapes.facts.store import Fact, Facts, Reasons
from shapes.facts.verdict import Proof

__all__ = ["Graph", "by_differences", "enter_edges", "one_fact_each", "path_refutation"]

METHOD: Final = "linear arithmetic"

STEPS: Final = 20_000
"""Relations that one search looks at."""

BACKWARDS: Final = 60
"""Of these the relations that are looked at from the end first."""

N = TypeVar("N")
L = TypeVar("L")


# --------------------------------------------------------------------------- the search


def _shortest(
    edges_of: Callable[[N, L | None, int], tuple[Sequence[tuple[N, int, L]], int]],
    start: N,
    end: N,
    most: int,
    budget: int,
) -> list[tuple[N, N, L]] | None:
    """The labelled edges of a path from start to end that is not longer than `most`, or of a
    negative cycle through the start; None if there is neither, or the budget runs out.

    `edges_of` gets a node, the label of the edge by which it was reached, and how many
    relations it may look at: it answers with edges (node, length, label), and with how many
    it looked at (one more than it may, if there are more).
    """
    best: dict[N, int] = {start: 0}
    came: dict[N, tuple[N, L]] = {}
    queue = deque([start])
    pending = {start}
    while queue:
        x = queue.popleft()
        pending.discard(x)
        spend(1)
        so_far = best[x]
        edges, looked = edges_of(x, came[x][1] if x in came else None, budget)
        for y, w, label in edges:
            length = so_far + w
            held = best.get(y)
            if held is not None and held <= length:
                continue
            if y is start:
                back = _way_back(came, start, x)
                return None if back is None else [*back, (x, y, label)]
            best[y] = length
            came[y] = (x, label)
            if y is end and length <= most:
                return _way_back(came, start, end)
            if y not in pending:
                pending.add(y)
                queue.append(y)
        budget -= looked
        if budget < 0:
            return None
    return None


def _way_back(came: dict[N, tuple[N, L]], start: N, end: N) -> list[tuple[N, N, L]] | None:
    """The edges from one end to the other; None if a negative cycle lies between them."""
    path: list[tuple[N, N, L]] = []
    y = end
    while y is not start:
        if len(path) > len(came):
            return None
        x, label = came[y]
        path.append((x, y, label))
        y = x
    path.reverse()
    return path


# --------------------------------------------------------------------------- over facts


def by_differences(facts: Facts, claim: BoolExpr, steps: int = STEPS) -> Proof | None:
    """A proof of ``x - y + k <= 0`` by a path of differences, with its certificate; `steps`
    limits how many relations are looked at."""
    if claim.op is not LE_ZERO or not facts.has_relations:
        return None
    normal, why = facts.normalized(claim)
    ends = _difference(normal)
    if ends is None:
        return None
    x, y, most = ends
    if _is_cut_off(facts, y, x):
        return None

    path = _shortest(partial(_edges, facts), x, y, most, steps)
    if path is None or path[-1][1] is x:
        return None  # (a negative cycle is left for the methods that name its facts)
    return _proof(facts, normal, why, path)


def one_fact_each(proof: Proof) -> bool:
    """Whether each edge of the path is a fact as it was stated, and nothing else is used, so
    that none can be left out: some of the edges of a path don't form a path."""
    certificate = proof.certificate
    assert isinstance(certificate, Linear)
    goal, *edges, _ = certificate.steps
    if not isinstance(goal, Premise) or goal.facts:
        return False
    return all(isinstance(edge, Premise) and edge.source == "fact" for edge in edges)


def _difference(claim: Expr) -> tuple[IntExpr, IntExpr, int] | None:
    """``(x, y, k)`` for a claim ``x - y <= k``."""
    if claim.op is not LE_ZERO:
        return None
    e = side_of(claim)
    if len(e.terms()) != 2:
        return None
    (x, c), (y, d) = e.terms().items()
    if c * d != -1:
        return None
    return (x, y, -e.constant) if c > 0 else (y, x, -e.constant)


def _edges(
    facts: Facts, x: IntExpr, back: Sum | None, limit: int
) -> tuple[list[tuple[IntExpr, int, Sum]], int]:
    """The edges from an atom, each labelled with its direction, but for the one back; and how
    many relations were looked at."""
    found: list[tuple[IntExpr, int, Sum]] = []
    looked = 0
    cell = facts.related(x)
    while cell is not None:
        d = cell[0]
        cell = cell[1]
        looked += 1
        if looked > limit:
            break
        pair = None if d is back else _neighbour(d, x)
        if pair is None:
            continue
        # sign*(x - y) is the direction: x <= y + upper, or x <= y - lower
        known = facts.knowledge(d)
        y, sign = pair
        w = known.upper if sign > 0 else known.lower
        if isinstance(w, int):
            found.append((y, sign * w, d))
    return found, looked


def _is_cut_off(facts: Facts, end: IntExpr, start: IntExpr) -> bool:
    """Whether a short look backwards from the end of a path comes to all atoms from which it
    can be reached, and not to the start: then there is no need to look at what lies around
    the start."""
    steps = BACKWARDS
    seen = {end}
    pending = [end]
    while pending:
        y = pending.pop()
        cell = facts.related(y)
        while cell is not None:
            d = cell[0]
            cell = cell[1]
            steps -= 1
            if steps < 0:
                return False
            pair = _neighbour(d, y)
            if pair is None or pair[0] in seen:
                continue
            x, sign = pair
            known = facts.knowledge(d)
            if isinstance(known.lower if sign > 0 else known.upper, int):
                if x is start:
                    return False
                seen.add(x)
                pending.append(x)
    return True


def _neighbour(d: Expr, x: IntExpr) -> tuple[IntExpr, int] | None:
    """The other atom y of a direction that is a difference, with the sign of ``x - y``."""
    if type(d) is not Sum:
        return None
    terms = d.terms()
    if len(terms) != 2 or x not in terms:
        return None  # of a sum, or with x inside of an atom
    y = x
    total = 0
    for atom, c in terms.items():
        total += c
        if atom is not x:
            y = atom
    return None if total else (y, terms[x])  # a direction is primitive: these are 1 and -1


def _proof(
    facts: Facts,
    claim: BoolExpr,
    why: Reasons,
    path: list[tuple[IntExpr, IntExpr, Sum]],
) -> Proof:
    """The claim's negation and the relations on the path add up to ``1 <= 0`` or worse."""
    used: set[Fact] = set(why)
    steps = [Premise(negation(claim), "goal", facts.in_order(why))]
    for x, y, d in path:
        known = facts.knowledge(d)
        sign = d.terms()[x]
        end, reasons = (
            (known.upper, known.why_upper) if sign > 0 else (known.lower, known.why_lower)
        )
        assert isinstance(end, int)
        rests = reasons.facts()
        used |= rests
        steps.append(_premise(facts, (x, y, sign * end), rests))
    total = Combination(tuple([(1, place) for place in range(len(steps))]))
    return Proof(METHOD, facts.in_order(used), Linear((*steps, total)))


def _premise(
    facts: Facts, edge: tuple[IntExpr, IntExpr, int], rests: frozenset[Fact]
) -> Premise:
    """The relation of an edge: a fact as it was stated, or what several facts say."""
    x, y, w = edge
    if len(rests) == 1:
        (fact,) = rests
        if _says(fact.claim, x, y, w):
            return Premise(fact.claim, "fact", (fact,))
    claim = le_zero(combine(1, x, -1, y, -w))
    return Premise(claim, "range", facts.in_order(rests))


def _says(claim: BoolExpr, x: IntExpr, y: IntExpr, w: int) -> bool:
    """Whether a condition is ``x <= y + w``, as it stands."""
    if claim.op is not LE_ZERO:
        return False
    e = side_of(claim)
    terms = e.terms()
    return e.constant == -w and len(terms) == 2 and terms.get(x) == 1 and terms.get(y) == -1


# --------------------------------------------------------------------------- over rows

_Edge: TypeAlias = "tuple[Key | None, int, tuple[int, Row]]"
Graph: TypeAlias = "dict[Key | None, list[_Edge]]"
"""Edges ``x -> y`` of length w for ``x <= y + w``, which is the row times a sign; None stands
for 0."""


def enter_edges(graph: Graph, row: Row) -> None:
    """Add what a row says about one atom, or the difference of two."""
    ends = _ends(row)
    if ends is None:
        return
    x, y, k = ends
    graph.setdefault(x, []).append((y, -k, (1, row)))
    if row.equal:
        graph.setdefault(y, []).append((x, k, (-1, row)))


def _ends(row: Row) -> tuple[Key | None, Key | None, int] | None:
    """``(x, y, k)`` for a row ``x - y + k <= 0`` (or == 0)."""
    terms = row.terms
    if not 1 <= len(terms) <= 2:
        return None
    x: Key | None = None
    y: Key | None = None
    for key, c in terms.items():
        if c == 1 and x is None:
            x = key
        elif c == -1 and y is None:
            y = key
        else:
            return None
    return x, y, row.constant


def path_refutation(graphs: Sequence[Graph], goal: Row, budget: int) -> Row | None:
    """An impossible sum of rows along a path that closes the goal's edge to a negative
    cycle, or along a negative cycle without it; None if the shortest path is too long or the
    budget of steps runs out."""
    ends = _ends(goal)
    if ends is None or goal.equal:
        return None
    target, start, k = ends  # target <= start - k: a path start <= target + w with w < k

    def edges_of(
        key: Key | None, back: tuple[int, Row] | None, limit: int
    ) -> tuple[list[_Edge], int]:
        found = [edge for graph in graphs for edge in graph.get(key, ())]
        return found[:limit], len(found)

    path = _shortest(edges_of, start, target, k - 1, budget)
    if path is None:
        return None
    parts = [label for _, _, label in reversed(path)]
    return _sum_of(parts if path[-1][1] is start else [(1, goal), *parts])


def _sum_of(parts: list[tuple[int, Row]]) -> Row | None:
    """The sum of signed rows, if it is impossible."""
    terms: dict[Key, int] = {}
    k = 0
    for m, row in parts:
        k += m * row.constant
        for x, c in row.terms.items():
            terms[x] = terms.get(x, 0) + m * c
    if any(terms.values()) or k <= 0:
        return None
    return Row({}, k, False, None, tuple(parts))
