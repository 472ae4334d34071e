"""Difference logic: shortest paths in the graph of constraints ``x - y <= c``
(Bellman 1958; Pratt 1977; Cotton & Maler, SAT 2006).

What facts say of ``x - y`` is an interval; its ends are edges of a graph: ``x <= y + w``. A
claim ``x <= y + k`` follows if a path from x to y has a length of at most k. The search
starts at x, follows the edges in the order in which they are found, and stops where the claim
follows: it looks at what lies on the way and builds no rows, so neither a long path nor a
large component around a short one costs much. The sum of the relations on the path is the
certificate.

Guarantees: facts are not changed; budgets count steps.
Limits: the claim is about the difference of two atoms. Bounds on single atoms take part only
as far as learning has spread them, and a negative cycle is left for the methods that name its
facts (see `constraint`).
"""

from __future__ import annotations

from collections import deque
from typing import Final

from shapes.arith.certificate import Combination, Linear, Premise
from shapes.base.budget import spend
from shapes.expr.booleans import negation
from shapes.expr.linear import le_zero
from shapes.expr.nodes import LE_ZERO, BoolExpr, Expr, IntExpr, Sum, combine
from shapes.facts.store import Fact, Facts, Reasons
from shapes.facts.verdict import Proof

__all__ = ["by_differences", "one_fact_each"]

METHOD: Final = "linear arithmetic"

STEPS: Final = 20_000
"""Relations that one search looks at."""


BACKWARDS: Final = 60
"""Of these the relations that are looked at from the end first."""


def by_differences(facts: Facts, claim: BoolExpr, steps: int = STEPS) -> Proof | None:
    """A proof of ``x - y + k <= 0`` by a path of differences, with its certificate; `steps`
    limits how many relations are looked at."""
    if claim.op is not LE_ZERO or not facts.has_relations:
        return None
    normal, why = facts.normalized(claim)
    ends = _difference(normal)
    if ends is None:
        return None
    assert isinstance(normal, BoolExpr)
    x, y, most = ends
    if _is_cut_off(facts, y, x):
        return None
    path = _path(facts, x, y, most, steps)
    return None if path is None else _told(facts, normal, why, path)


def one_fact_each(proof: Proof) -> bool:
    """Whether each edge of the path is a fact as it was stated, and nothing else is used, so
    that none can be left out: some of the edges of a path are no path."""
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
    e = claim.args[0]
    assert isinstance(e, IntExpr)
    if len(e.terms()) != 2:
        return None
    (x, c), (y, d) = e.terms().items()
    if c * d != -1:
        return None
    return (x, y, -e.constant) if c > 0 else (y, x, -e.constant)


def _path(
    facts: Facts, start: IntExpr, end: IntExpr, most: int, steps: int
) -> list[tuple[IntExpr, IntExpr, Sum]] | None:
    """A path between two atoms that is not longer than `most`: each edge with the direction
    that it comes from."""
    best: dict[IntExpr, int] = {start: 0}
    came: dict[IntExpr, tuple[IntExpr, Sum]] = {}
    queue = deque([start])
    waiting = {start}
    while queue:
        x = queue.popleft()
        waiting.discard(x)
        spend(1)
        so_far = best[x]
        back = came[x][1] if x in came else None
        cell = facts.related(x)
        while cell is not None:
            d = cell[0]
            cell = cell[1]
            steps -= 1
            if steps < 0:
                return None
            y = None if d is back else _neighbour(d, x)
            if y is None:
                continue
            # sign*(x - y) is the direction: x <= y + upper, or x <= y - lower
            known = facts.knowledge(d)
            sign = d.terms()[x]
            w = known.upper if sign > 0 else known.lower
            if not isinstance(w, int):
                continue
            length = so_far + sign * w
            held = best.get(y)
            if held is not None and held <= length:
                continue
            if y is start:
                return None  # a circle that cannot be closed: the facts contradict each other
            best[y] = length
            came[y] = (x, d)
            if y is end and length <= most:
                return _back(came, start, end)
            if y not in waiting:
                waiting.add(y)
                queue.append(y)
    return None


def _is_cut_off(facts: Facts, end: IntExpr, start: IntExpr) -> bool:
    """Whether a short look backwards from the end of a path comes to all atoms from which it
    can be reached, and not to the start: then there is no need to look at what lies around
    the start."""
    steps = BACKWARDS
    seen = {end}
    waiting = [end]
    while waiting:
        y = waiting.pop()
        cell = facts.related(y)
        while cell is not None:
            d = cell[0]
            cell = cell[1]
            steps -= 1
            if steps < 0:
                return False
            x = _neighbour(d, y)
            if x is None or x in seen:
                continue
            known = facts.knowledge(d)
            if isinstance(known.upper if d.terms()[x] > 0 else known.lower, int):
                if x is start:
                    return False
                seen.add(x)
                waiting.append(x)
    return True


def _neighbour(d: Expr, x: IntExpr) -> IntExpr | None:
    """The other atom of a direction that is the difference of two."""
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
    return None if total else y  # a direction is primitive: these are 1 and -1


def _back(
    came: dict[IntExpr, tuple[IntExpr, Sum]], start: IntExpr, end: IntExpr
) -> list[tuple[IntExpr, IntExpr, Sum]] | None:
    """The edges from one end to the other; None if a circle lies between them."""
    path: list[tuple[IntExpr, IntExpr, Sum]] = []
    y = end
    while y is not start:
        if len(path) > len(came):
            return None
        x, d = came[y]
        path.append((x, y, d))
        y = x
    path.reverse()
    return path


# --------------------------------------------------------------------------- telling it


def _told(
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
    e = claim.args[0]
    assert isinstance(e, IntExpr)
    terms = e.terms()
    return (
        e.constant == -w and len(terms) == 2 and terms.get(x) == 1 and terms.get(y) == -1
    )
