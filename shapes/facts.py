"""What is known: facts with their provenance, as an immutable value.

A fact about a linear combination is kept under its primitive *direction* (see
`linear.direction`): an interval and a congruence, each end with the facts that it rests on.
So a bound on ``2*x`` answers for ``4*x + 1``, and ``x - y <= 3`` for ``y - x``. An equality
with a unit coefficient is solved for its youngest symbol (inputs are older than what is read
at run time, so they stay) and substituted everywhere. What a relation says about its
atoms' ranges is propagated at once, within a budget of steps.

`Facts.given` answers with new facts; the old ones stay as they were, share their structure
with the new, and asking never changes either. Everything learned from `a` is remembered
with `a` among its reasons, so proofs can name what they used, and a contradiction names a
minimal set of culprits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from math import gcd
from typing import Any, Final, Literal

from shapes.domains import Congruence, ValueRanges
from shapes.doubles import compared_with_constant
from shapes.errors import ContradictionError
from shapes.expr import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    SYMBOL,
    TRUE,
    BoolExpr,
    Expr,
    IntAtom,
    IntConstant,
    IntExpr,
    Product,
    Sum,
    birth_of,
    combine,
    constant,
)
from shapes.infinity import Bound, IntInfinity, int_oo
from shapes.interpret import free_symbols
from shapes.linear import direction, eq_zero, le_zero, negated_relation, scale
from shapes.location import Location
from shapes.persistent import PersistentMap
from shapes.show import brief
from shapes.substitute import substitute
from shapes.views import parts

__all__ = ["Fact", "Facts", "Knowledge", "Origin", "Reasons", "contradiction", "scaled"]

Origin = Literal["declared", "contract", "assumed", "guard", "operation", "check", "given"]
"""Who says so: a declared range, the input contract, an assumption of the user, a guard that
the caller checks, an operation's own guarantee, a check in the program, a question."""


@dataclass(frozen=True, eq=False, slots=True)
class Fact:
    """A claim that holds, with who stated it and where.

    `text` is the user's own spelling, `operation` the operation that guarantees it, `node`
    the name of the graph node behind which it holds (None: from the start).
    """

    claim: BoolExpr
    origin: Origin = "assumed"
    text: str | None = None
    message: str | None = None
    operation: str | None = None
    node: str | None = None
    location: Location | None = None

    @property
    def spelled(self) -> str:
        """The claim as it was written, or else its normal form."""
        return self.text if self.text is not None else brief(self.claim)

    @property
    def whence(self) -> str:
        """Where it comes from, in a few words."""
        words = {
            "declared": "declared range",
            "contract": "input contract",
            "assumed": "assumed",
            "guard": "guard on the inputs",
            "operation": f"guaranteed by {self.operation or 'the operation'}",
            "check": f"checked by {self.operation}" if self.operation else "checked",
            "given": "given with the question",
        }[self.origin]
        return f"{words} ({self.location})" if self.location is not None else words

    def __str__(self) -> str:
        return f"{self.spelled}  [{self.whence}]"


Reasons = frozenset[Fact]
_NONE: Final[Reasons] = frozenset()
_ANY: Final = Congruence.anything()
_ANY_DOUBLE: Final = ValueRanges.unknown_float()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Interval and congruence of one direction, each with its reasons."""

    lower: Bound = -int_oo
    upper: Bound = int_oo
    congruence: Congruence = _ANY
    why_lower: Reasons = _NONE
    why_upper: Reasons = _NONE
    why_congruence: Reasons = _NONE


NOTHING: Final = Knowledge()

PROPAGATION_STEPS: Final = 400
"""Relations visited to spread what one statement says about ranges."""


class Facts:
    """An immutable set of facts, indexed for questions."""

    __slots__ = (
        "__weakref__", "_about", "_by_symbol", "_claims", "_count", "_declared", "_doubles",
        "_known", "_solved", "_stated", "has_residues", "memo",
    )  # fmt: skip

    def __init__(self) -> None:
        self._stated: tuple[Fact, object] | None = None
        self._count = 0
        self._declared: PersistentMap[Expr, tuple[bool, int]] = PersistentMap()
        self._claims: PersistentMap[Expr, Reasons] = PersistentMap()
        self._doubles: PersistentMap[Expr, tuple[ValueRanges, Reasons]] = PersistentMap()
        self._known: PersistentMap[IntExpr, Knowledge] = PersistentMap()
        self._solved: PersistentMap[Expr, tuple[Expr, Reasons]] = PersistentMap()
        self._about: PersistentMap[Expr, tuple[Expr, object] | None] = PersistentMap()
        self._by_symbol: PersistentMap[Expr, object] = PersistentMap()
        self.has_residues = False  # whether a congruence of any direction is known
        self.memo: dict[object, object] = {}

    def _copied(self) -> Facts:
        """The same facts as a value of its own, for a learner to extend."""
        new: Facts = object.__new__(Facts)
        new._stated = self._stated
        new._count = self._count
        new._declared = self._declared
        new._claims = self._claims
        new._doubles = self._doubles
        new._known = self._known
        new._solved = self._solved
        new._about = self._about
        new._by_symbol = self._by_symbol
        new.has_residues = self.has_residues
        new.memo = {}
        return new

    def __iter__(self) -> Iterator[Fact]:
        return iter(list(_linked(self._stated))[::-1])

    def __len__(self) -> int:
        return self._count

    # ------------------------------------------------------------------ asking

    def knowledge(self, d: IntExpr) -> Knowledge:
        """What was learned about a direction as such (not what follows from its parts)."""
        return self._known.get(d) or NOTHING

    def known(self, d: IntExpr) -> Knowledge | None:
        """The same, or None where nothing was learned."""
        return self._known.get(d)

    def range_of(self, e: IntExpr) -> tuple[Bound, Bound]:
        """The interval that is kept for a combination under its direction."""
        f, d = direction(e)
        known = self._known.get(d)
        if known is None:
            return -int_oo, int_oo
        ends = scaled(known.lower, f, e.constant), scaled(known.upper, f, e.constant)
        return ends if f > 0 else (ends[1], ends[0])

    def holds(self, claim: Expr) -> Reasons | None:
        """The reasons of a claim that was stated in just this form."""
        return self._claims.get(claim)

    @property
    def has_solved(self) -> bool:
        """Whether any equality was solved."""
        return bool(self._solved._layers)

    def normalized(self, expr: Expr) -> tuple[Expr, Reasons]:
        """The expression with solved symbols replaced, and the equalities that this used."""
        if not self.has_solved:
            return expr, _NONE
        reasons: Reasons = _NONE
        while True:
            replaced: dict[Expr, Expr] = {}
            for sym in free_symbols(expr):
                found = self._solved.get(sym)
                if found is not None:
                    replaced[sym], why = found
                    reasons |= why
            if not replaced:
                return expr, reasons
            expr = substitute(expr, replaced)

    def double_range(self, sym: Expr) -> tuple[ValueRanges, Reasons]:
        """The range of a float symbol, with its reasons."""
        return self._doubles.get(sym) or (_ANY_DOUBLE, _NONE)

    def relations_about(self, atom: IntExpr) -> list[IntExpr]:
        """The directions of two and more atoms, one of them this one, about which something
        is known; newest first."""
        cell = self._about.get(atom)
        if cell is None:
            return []
        found = [item for item in _linked(cell) if type(item) is Sum]
        return [d for d in dict.fromkeys(found) if atom in d.terms()]

    def connected(self, expr: Expr) -> list[Fact]:
        """The facts that share a symbol with the expression, directly or through others, in
        the order in which they were stated."""
        seen: set[Expr] = set()
        found: dict[Fact, int] = {}
        waiting = free_symbols(expr)
        while waiting:
            sym = waiting.pop()
            if sym in seen:
                continue
            seen.add(sym)
            for place, fact in _linked(self._by_symbol.get(sym)):
                if fact not in found:
                    found[fact] = place
                    waiting.extend(free_symbols(fact.claim))
        return sorted(found, key=found.__getitem__)

    # ------------------------------------------------------------------ learning

    def declaring(self, sym: Expr, backed: bool, place: int) -> Facts:
        """The same facts, which also know whether a symbol is an input and in which place it
        was declared. An equation is solved for what is read at run time, and among equals
        for the last declared; nodes are shared with others, whose order must not matter."""
        new = self._copied()
        new._declared = new._declared.assoc(sym, (not backed, place))
        return new

    def given(self, *facts: Fact | BoolExpr) -> Facts:
        """These facts and more. Raises `ContradictionError` with a minimal set of culprits
        if they cannot hold together as far as ranges, congruences and equalities show."""
        result = self
        for fact in facts:
            stated = fact if isinstance(fact, Fact) else Fact(fact, "given")
            result = _Learner(result).learn(stated)
        return result


def _linked(cell: Any) -> Iterator[Any]:
    """The items of a linked list ``(newest, older)``."""
    while cell is not None:
        yield cell[0]
        cell = cell[1]


def scaled(end: Bound, f: int, k: int) -> Bound:
    """An end of d as an end of ``f*d + k``."""
    if isinstance(end, IntInfinity):
        return end if f > 0 else -end
    return f * end + k


class _ContradictionFoundError(Exception):
    def __init__(self, reasons: Reasons) -> None:
        self.reasons = reasons


class _Learner:
    """One statement's way into new facts."""

    def __init__(self, facts: Facts) -> None:
        self._old = facts
        self._new = facts._copied()
        self._steps = PROPAGATION_STEPS
        self._improved: list[IntExpr] = []

    def learn(self, fact: Fact) -> Facts:
        new = self._new
        try:
            new._stated = (fact, new._stated)
            new._count += 1
            placed = (new._count, fact)
            for sym in free_symbols(fact.claim):
                new._by_symbol = new._by_symbol.assoc(sym, (placed, new._by_symbol.get(sym)))
            self._state(fact.claim, frozenset((fact,)))
            self._spread()
        except _ContradictionFoundError as found:
            stated = [f for f in new if f in found.reasons or f is fact]
            raise _explained(stated) from None
        return new

    def _state(self, claim: Expr, why: Reasons) -> None:
        """Take in a claim and everything it directly says."""
        waiting = [(claim, why)]
        while waiting:
            claim, why = waiting.pop()
            claim, used = self._new.normalized(claim)
            why = why | used
            if claim is TRUE:
                continue
            if claim is FALSE:
                raise _ContradictionFoundError(why)
            complement = _complement(claim)
            opposite = None if complement is None else self._new.holds(complement)
            if opposite is not None:
                raise _ContradictionFoundError(why | opposite)
            if self._new.holds(claim) is None:
                self._new._claims = self._new._claims.assoc(claim, why)
            if claim.op is OPERATORS["And"]:
                waiting.extend((part, why) for part in claim.args)
            elif claim.op in (LE_ZERO, EQ_ZERO, NE_ZERO):
                self._relation(claim, why)
            else:
                self._index(claim, claim)
                self._fix_condition(claim, why)
                self._compare_double(claim, why)

    def _fix_condition(self, claim: Expr, why: Reasons) -> None:
        """A condition's symbol that is stated (denied) is true (false) from now on."""
        denied = claim.op is OPERATORS["Not"]
        p = claim.args[0] if denied else claim
        if p.op is SYMBOL:
            self._solve(p, FALSE if denied else TRUE, why)

    def _compare_double(self, claim: Expr, why: Reasons) -> None:
        """A comparison of a float symbol with a constant, which holds for no NaN."""
        narrowed = compared_with_constant(claim)
        if narrowed is None:
            return
        sym, found = narrowed
        known, reasons = self._new.double_range(sym)
        met = known.meet(found)
        if met is None:
            raise _ContradictionFoundError(reasons | why)
        if met != known:
            self._new._doubles = self._new._doubles.assoc(sym, (met, reasons | why))

    def _relation(self, claim: Expr, why: Reasons) -> None:
        e = claim.args[0]
        assert isinstance(e, IntExpr)
        f, d = direction(e)
        if claim.op is LE_ZERO:
            # f*d + k <= 0, and f is 1 or -1 because relations are primitive
            if f > 0:
                self._bound(d, upper=-e.constant, why=why)
            else:
                self._bound(d, lower=e.constant, why=why)
            self._index_direction(d)
        elif claim.op is EQ_ZERO:
            if not self._solved_for(e, why):
                k = -e.constant * f
                self._bound(d, lower=k, upper=k, why=why)
                self._index_direction(d)
                self._remainder(e, why)
        else:
            self._index(claim, claim)
            self._exclude(d, -e.constant * f, why)

    def _solved_for(self, e: IntExpr, why: Reasons) -> bool:
        """Solve ``e == 0`` for its youngest symbol with a unit coefficient (one that is read
        at run time counts as younger than inputs), if it does not occur inside the rest."""
        candidates = [t for t, c in e.terms().items() if c in (1, -1) and t.op is SYMBOL]
        for sym in sorted(candidates, key=self._youth, reverse=True):
            c = e.terms()[sym]
            rest = combine(1, e, -c, sym)
            if sym not in free_symbols(rest):
                self._solve(sym, scale(-c, rest), why)
                return True
        return False

    def _youth(self, sym: IntExpr) -> tuple[bool, int]:
        return self._new._declared.get(sym) or (False, birth_of(sym))

    def _solve(self, sym: Expr, value: Expr, why: Reasons) -> None:
        """Replace a symbol for good: what was known of it is stated again of its value."""
        new = self._new
        new._solved = new._solved.assoc(sym, (value, why))
        affected = list(_linked(new._about.get(sym)))
        if isinstance(sym, IntExpr):
            affected.append(sym)
        for item in affected:
            self._restate(item, why)

    def _restate(self, item: Expr, why: Reasons) -> None:
        if isinstance(item, BoolExpr):
            stated = self._new.holds(item)
            if stated is not None:
                self._state(item, stated | why)
            return
        assert isinstance(item, IntExpr)
        known = self._new.knowledge(item)
        if not isinstance(known.upper, IntInfinity):
            high = le_zero(combine(1, item, 0, item, -known.upper))
            self._state(high, known.why_upper | why)
        if not isinstance(known.lower, IntInfinity):
            low = le_zero(combine(-1, item, 0, item, known.lower))
            self._state(low, known.why_lower | why)
        if known.congruence.modulus != 1:
            m, r = known.congruence
            build = OPERATORS["Mod"].build
            assert build is not None
            remainder = build(item, constant(m)) if m else item
            self._state(
                eq_zero(combine(1, remainder, 0, remainder, -r)),  # type: ignore[arg-type]
                known.why_congruence | why,
            )

    # ------------------------------------------------------------------ directions

    def _bound(
        self,
        d: IntExpr,
        lower: Bound = -int_oo,
        upper: Bound = int_oo,
        why: Reasons = _NONE,
    ) -> None:
        """Narrow the interval of a direction, its ends rounded by its congruence."""
        old = self._new.knowledge(d)
        new = old
        if lower > old.lower:
            new = replace(new, lower=lower, why_lower=why)
        if upper < old.upper:
            new = replace(new, upper=upper, why_upper=why)
        if new is not old:
            self._keep(d, new)

    def _congruent(self, d: IntExpr, congruence: Congruence, why: Reasons) -> None:
        old = self._new.knowledge(d)
        met = old.congruence.meet(congruence)
        if met is None:
            raise _ContradictionFoundError(old.why_congruence | why)
        if met != old.congruence:
            reasons = old.why_congruence | why
            self._new.has_residues = True
            self._keep(d, replace(old, congruence=met, why_congruence=reasons))

    def _keep(self, d: IntExpr, known: Knowledge) -> None:
        known = _rounded(known)
        if known.lower > known.upper:
            raise _ContradictionFoundError(known.why_lower | known.why_upper)
        self._new._known = self._new._known.assoc(d, known)
        self._improved.append(d)

    def _exclude(self, d: IntExpr, value: int, why: Reasons) -> None:
        """``d != value``: an end that is excluded moves by one."""
        known = self._new.knowledge(d)
        if known.lower == value:
            self._bound(d, lower=value + 1, why=known.why_lower | why)
        if known.upper == value:
            self._bound(d, upper=value - 1, why=known.why_upper | why)

    def _remainder(self, e: IntExpr, why: Reasons) -> None:
        """``a % m == r`` says that a is congruent to r."""
        if type(e) is not Sum:
            return
        k, operands, coefficients = parts(e)
        if len(operands) != 1 or coefficients[0] not in (1, -1):
            return
        remainder = operands[0]
        if remainder.op is not OPERATORS["Mod"] or isinstance(remainder, IntAtom):
            return
        a, m = remainder.args
        if type(m) is not IntConstant or not isinstance(a, IntExpr):
            return
        modulus = abs(m.constant)
        f, d = direction(a)
        residue = (-k * coefficients[0] - a.constant) % modulus
        solution = _divided(f, residue, modulus)
        if solution is None:
            raise _ContradictionFoundError(why)
        self._congruent(d, solution, why)

    def _index_direction(self, d: IntExpr) -> None:
        if type(d) is Sum or not d.is_symbol:
            self._index(d, d)

    def _index(self, e: Expr, item: Expr) -> None:
        """Find an item again by the symbols in it, and a relation by its atoms."""
        about = self._new._about
        keys: dict[Expr, None] = dict.fromkeys(free_symbols(e))
        if isinstance(e, IntExpr):
            keys.update(dict.fromkeys(e.terms()))
        for key in keys:
            cell = about.get(key)
            if cell is None or item not in _linked_first(cell):
                about = about.assoc(key, (item, cell))
        self._new._about = about

    # ------------------------------------------------------------------ propagation

    def _spread(self) -> None:
        """Tell the atoms of relations what the relations and the other atoms say."""
        while self._improved and self._steps > 0:
            d = self._improved.pop()
            if type(d) is Sum:
                self._narrow_atoms(d)
            else:
                self._narrow_operands(d)
                for item in _linked(self._new._about.get(d)):
                    if type(item) is Sum and self._steps > 0:
                        self._narrow_atoms(item)
        self._improved.clear()

    def _narrow_atoms(self, d: IntExpr) -> None:
        """From ``lower <= sum(c_i*x_i) <= upper``, each ``c_i*x_i`` lies between what is left
        when the other terms are at their extremes."""
        self._steps -= 1
        known = self._new.knowledge(d)
        if len(d.terms()) > 16:
            return
        ends = []
        for t, c in d.terms().items():
            k = self._new.knowledge(t)
            low, high = (k.lower, k.upper) if c > 0 else (k.upper, k.lower)
            why_low, why_high = (k.why_lower, k.why_upper)
            if c < 0:
                why_low, why_high = why_high, why_low
            ends.append((t, c, scaled(low, c, 0), scaled(high, c, 0), why_low, why_high))
        for index, (t, c, *_rest) in enumerate(ends):
            others = ends[:index] + ends[index + 1 :]
            self._narrow_atom(t, c, known, others)

    def _narrow_atom(
        self,
        t: IntExpr,
        c: int,
        known: Knowledge,
        others: list[tuple[IntExpr, int, Bound, Bound, Reasons, Reasons]],
    ) -> None:
        most = _rest(known.upper, [o[2] for o in others])
        least = _rest(known.lower, [o[3] for o in others])
        if most is not None:
            why = known.why_upper.union(*(o[4] for o in others))
            if c > 0:
                self._bound(t, upper=most // c, why=why)
            else:
                self._bound(t, lower=-((-most) // c), why=why)
        if least is not None:
            why = known.why_lower.union(*(o[5] for o in others))
            if c > 0:
                self._bound(t, lower=-((-least) // c), why=why)
            else:
                self._bound(t, upper=least // c, why=why)

    def _narrow_operands(self, t: IntExpr) -> None:
        """What a bound on an atom says about its operands, where the operator is monotone."""
        if isinstance(t, Product) or t.is_symbol:
            return
        self._steps -= 1
        known = self._new.knowledge(t)
        if t.op is OPERATORS["FloorDiv"] and type(t.args[1]) is IntConstant:
            c = t.args[1].constant
            if c > 0:
                # q <= u implies a <= c*u + c - 1, q >= l implies a >= c*l
                self._bound_operand(t.args[0], scaled(known.lower, c, 0), known.why_lower, 1)
                self._bound_operand(
                    t.args[0], scaled(known.upper, c, c - 1), known.why_upper, -1
                )
        elif t.op is OPERATORS["Max"]:
            for operand in t.args:
                self._bound_operand(operand, known.upper, known.why_upper, -1)
        elif t.op is OPERATORS["Min"]:
            for operand in t.args:
                self._bound_operand(operand, known.lower, known.why_lower, 1)

    def _bound_operand(self, e: Expr, end: Bound, why: Reasons, sign: int) -> None:
        """Bound an operand from below (sign 1) or above (sign -1)."""
        if isinstance(end, IntInfinity) or not isinstance(e, IntExpr) or not e.terms():
            return
        claim = le_zero(combine(-sign, e, 0, e, sign * end))
        if claim is FALSE:
            raise _ContradictionFoundError(why)
        if claim is TRUE:
            return
        bounded = claim.args[0]
        assert isinstance(bounded, IntExpr)
        f, d = direction(bounded)
        if f > 0:
            self._bound(d, upper=-bounded.constant, why=why)
        else:
            self._bound(d, lower=bounded.constant, why=why)


def _linked_first(cell: Any) -> list[Any]:
    """The newest few items of a list, to keep obvious repetitions out."""
    return list(islice(_linked(cell), 4))


def _complement(claim: Expr) -> Expr | None:
    relation = negated_relation(claim)
    if relation is not None:
        return relation
    if claim.op is OPERATORS["And"] or claim.op is OPERATORS["Or"]:
        return None  # not worth building: connectives are decided by their parts
    build = OPERATORS["Not"].build
    assert build is not None
    return build(claim)


def _rounded(known: Knowledge) -> Knowledge:
    """The ends moved inwards to the next value that the congruence admits."""
    m, r = known.congruence
    if m == 1:
        return known
    lower, upper = known.lower, known.upper
    if m == 0:
        lower = max(lower, r)
        upper = min(upper, r)
    else:
        if not isinstance(lower, IntInfinity):
            lower = lower + (r - lower) % m
        if not isinstance(upper, IntInfinity):
            upper = upper - (upper - r) % m
    result = known
    if lower != known.lower:
        why = known.why_lower | known.why_congruence
        result = replace(result, lower=lower, why_lower=why)
    if upper != known.upper:
        why = known.why_upper | known.why_congruence
        result = replace(result, upper=upper, why_upper=why)
    return result


def _divided(f: int, residue: int, modulus: int) -> Congruence | None:
    """The x with ``f*x == residue`` modulo `modulus`; None if there is none."""
    g = gcd(f, modulus)
    if residue % g:
        return None
    m = modulus // g
    if m == 1:
        return Congruence(1, 0)
    return Congruence(m, (residue // g) * pow(f // g, -1, m) % m)


def _rest(end: Bound, others: list[Bound]) -> int | None:
    """``end - sum(others)`` if all of them are finite."""
    if isinstance(end, IntInfinity):
        return None
    total = end
    for other in others:
        if isinstance(other, IntInfinity):
            return None
        total -= other
    return total


def _explained(stated: list[Fact]) -> ContradictionError:
    """The error for facts that contradict each other, with as few of them as possible, in
    the order in which they were stated."""
    return contradiction(_minimal(stated))


def contradiction(culprits: Sequence[Fact]) -> ContradictionError:
    """The error that names facts which cannot hold together."""
    lines = "\n".join(f"    {fact}" for fact in culprits)
    if len(culprits) == 1:
        return ContradictionError(f"this can never hold:\n{lines}", culprits)
    return ContradictionError(f"these facts contradict each other:\n{lines}", culprits)


def _minimal(facts: list[Fact]) -> list[Fact]:
    """Leave out one fact after the other, as long as the rest still contradicts itself."""
    kept = list(facts)
    for fact in facts:
        fewer = [f for f in kept if f is not fact]
        if fewer and _contradict(fewer):
            kept = fewer
    return kept


def _contradict(facts: Iterable[Fact]) -> bool:
    known = Facts()
    try:
        for fact in facts:
            known = _Quiet(known).learn(fact)
    except _ContradictionFoundError:
        return True
    return False


class _Quiet(_Learner):
    """Learning that reports a contradiction without explaining it again."""

    def learn(self, fact: Fact) -> Facts:
        self._new._stated = (fact, self._new._stated)
        self._state(fact.claim, frozenset((fact,)))
        self._spread()
        return self._new
