"""A normal form of choices and quotients: relations whose sides are the same after minima,
maxima, magnitudes, selections and quotients are written in one way.

``Min``, ``Max`` and ``Abs`` of sums are written as one sum and a maximum of differences,
``Max(x, y) = x + Max(0, y - x)``, with the least operand of a fixed order that does not change
when something is added to all operands; so ``Max(x, y) + Min(x, y)`` is ``x + y`` by itself.
Nested ones become a minimum of maxima without those that others make superfluous (the least
conjunctive form of a monotone function, of which there is one). Quotients by positive numbers
are monotone and go into the operands. A selection by the order of its arms is a minimum or a
maximum, one by divisibility a quotient rounded up.

Sources: Birkhoff, Lattice Theory, 1948 (free distributive lattices); Quine, The problem of
simplifying truth functions, 1952.
Where that shows nothing, choices that the facts settle are left out first (`settled`).
Guarantees: every step of the normal form is an identity of all integers and needs no fact;
nests of extrema that are too large (`extrema`) are left as they were.
Limits: identities that need cases (of sums of several choices, say) are for other methods.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any, Final, TypeAlias

from shapes.base.budget import attempted, spend
from shapes.expr.booleans import where
from shapes.expr.integers import floor_division, maximum, minimum
from shapes.expr.linear import eq_zero, le_zero, multiply, ne_zero, scale, shift
from shapes.expr.nodes import (
    CONSTANT,
    LE_ZERO,
    OPERATORS,
    RELATIONS,
    SUM,
    SYMBOL,
    BoolExpr,
    Expr,
    IntConstant,
    IntExpr,
    Product,
    Sum,
    combine,
    constant,
    int_operands,
    side_of,
)
from shapes.facts.cache import Part
from shapes.facts.justification import NO_REASONS
from shapes.facts.store import Facts, Reasons
from shapes.facts.verdict import Proof
from shapes.prove.extrema import (
    EXTREMA,
    SUMMED,
    Clauses,
    Reader,
    TooManyError,
    extremum,
    greatest,
    one_choice,
    written,
)
from shapes.prove.inner_choices import of_divided_choices
from shapes.prove.quotient_forms import first, halves, in_order, quotient_of_sum
from shapes.prove.selections import selection
from shapes.prove.settled import Added, settled
from shapes.prove.tactics import CHOICES, METHODS
from shapes.traversal.interpret import interpret, interpret_in_order, walk
from shapes.traversal.substitute import Builder

__all__ = ["by_choice_form", "in_choice_form"]

METHOD: Final = "normal form of choices"
AFTERWARDS: Final = ("canonical", "ranges", "differences")
"""The methods that are tried on what is written."""

FORM_STEPS: Final = 20_000
"""Steps (see `budget`) of writing one side of a relation; short ones take a tenth of them."""

_MIN: Final = OPERATORS["Min"]
_MAX: Final = OPERATORS["Max"]
_WHERE: Final = OPERATORS["Where"]
_QUOTIENT: Final = OPERATORS["FloorDiv"]
_CHOSEN: Final = (_MIN, _MAX, _WHERE)
_RELATION: Final = {"LeZero": le_zero, "EqZero": eq_zero, "NeZero": ne_zero}
_ZERO: Final = constant(0)

_SELECTION: Final = 1
_SHORT_MINIMUM: Final = 2
"""A minimum that is written as a sum."""
_UNSORTED: Final = 4
"""A maximum that may be written by the opposites of its operands, the quotient of a choice, or
a sum that may have halves."""

_COMPOSED: Final = 8
"""A choice or a quotient."""

Marks: TypeAlias = dict[Expr, int]
"""Which of these are in nodes."""


def by_choice_form(facts: Facts, claim: BoolExpr) -> Proof | None:
    """A proof of a condition in which choices and quotients are in normal form."""
    normal, why = facts.normalized(claim)
    assert isinstance(normal, BoolExpr)
    if _is_composed(normal):
        forms = _forms(facts, normal)
    elif _may_be_settled(normal):
        less, used = _settled(facts, normal)
        forms = iter([(less, used)] if less is not normal else ())
    else:
        return None
    for made, used in forms:
        for name in AFTERWARDS:
            found = METHODS[name](facts, made)
            if found is not None:
                return Proof(METHOD, facts.in_order(why | used | Reasons(found.facts)))
    return None


def _forms(facts: Facts, claim: BoolExpr) -> Iterator[tuple[BoolExpr, Reasons]]:
    """The claim in normal form, then without the choices that the facts settle, in normal form
    again; and what settles them."""
    made = _kept(facts, claim, in_choice_form)
    if made is not None and made is not claim:
        yield made, NO_REASONS
    less, used = _settled(facts, claim)
    if less is not claim:
        yield less, used
        made = _kept(facts, less, in_choice_form)
        if made is not None and made is not less:
            yield made, used
    if not any(map(_divides_choice, walk(less))):
        return
    of_symbols = of_divided_choices(less)
    if of_symbols is not None:
        yield of_symbols, used
        again = attempted(FORM_STEPS, in_choice_form, of_symbols)
        if again is not None and again is not of_symbols:
            yield again, used
    if made is not None:
        for again in _forms_of_remainders(facts, less, made):
            yield again, used


def _settled(facts: Facts, claim: BoolExpr) -> tuple[BoolExpr, Reasons]:
    """The claim without what the facts settle, if that does not take too long."""
    found = attempted(FORM_STEPS, settled, facts, claim)
    return (claim, NO_REASONS) if found is None else found


def _forms_of_remainders(facts: Facts, claim: BoolExpr, made: BoolExpr) -> Iterator[BoolExpr]:
    """The same with the remainders of choices, too: of what is in normal form, and of the
    claim itself (each shows identities that the others do not)."""
    if made is claim:
        return
    seen = [claim, made]
    for before, write in (
        (claim, in_choice_form_of_remainders),
        (made, in_choice_form_again),
        (claim, in_choice_form_again),
    ):
        again = _kept(facts, before, write)
        if again is not None and again not in seen:
            seen.append(again)
            yield again


def _divides_choice(node: Expr) -> bool:
    """Whether this is a quotient of a sum in which something is chosen."""
    return node.op is _QUOTIENT and any(t.op in CHOICES for t in int_operands(node)[0].terms())


def _is_composed(claim: BoolExpr) -> bool:
    """Whether a choice or a quotient is inside of another one, or a quotient of a multiple
    above its divisor. (Of others the methods that come next have proofs with certificates, as
    quickly.)"""
    inside: set[Expr] = set()
    for node in walk(claim):
        within = not inside.isdisjoint(node.args)
        chooses = node.op in CHOICES or node.op is _QUOTIENT
        if node.op is _QUOTIENT and _is_reducible(node):
            return True
        if chooses and within:
            return True
        if chooses or within:
            inside.add(node)
    return False


def _may_be_settled(claim: BoolExpr) -> bool:
    """Whether there is a quotient by a product, or a selection beside a quotient by what is no
    number."""
    chooses = divides = False
    for node in walk(claim):
        if node.op is _WHERE:
            chooses = True
        elif node.op is _QUOTIENT:
            divisor = int_operands(node)[1]
            terms = divisor.terms()
            divides = divides or type(divisor) is not IntConstant
            if len(terms) == 1 and (Product in map(type, terms) or 1 not in terms.values()):
                return True
    return chooses and divides


def _is_reducible(quotient: Expr) -> bool:
    """Whether what is divided has a coefficient above the divisor."""
    x, divisor = int_operands(quotient)
    k = divisor.constant if type(divisor) is IntConstant else 0
    return k > 0 and any(abs(c) > k for c in x.terms().values())


def _kept(facts: Facts, claim: BoolExpr, write: Callable[[Any], Any]) -> BoolExpr | None:
    """The claim in normal form, kept for its negation; None if that takes too long."""
    if claim.op not in RELATIONS:
        whole: BoolExpr | None = attempted(FORM_STEPS, write, claim)
        return whole
    e = side_of(claim)
    opposite = shift(scale(-1, e), 1)  # what ``e >= 1`` is about
    turned = claim.op is LE_ZERO and first([e, opposite]) is opposite
    asked = opposite if turned else e
    kept = _FORMS[write].of(facts)
    try:
        found = kept[asked]
    except KeyError:
        # (Another thread may empty what is kept at any time.)
        found = kept[asked] = attempted(FORM_STEPS, write, asked)
    if found is None:
        return None
    made = shift(scale(-1, found), 1) if turned else found
    return claim if made is e else _RELATION[claim.op.name](made)


def in_choice_form(e: Any) -> Any:
    """An expression of the same value, with its choices and quotients in normal form.

    What is written has a value wherever the expression has one.
    """
    return _in_maxima(_changed(_Extrema(), *_chosen(e), _COMPOSED))


def in_choice_form_of_remainders(e: Any) -> Any:
    """The same with sums as they are read, and the remainders of choices left for later."""
    return _in_maxima(interpret(_Remainders(), {}, _chosen(e)[0]))


def in_choice_form_again(e: Any) -> Any:
    """The same with sums as they are read, for what has been in normal form."""
    return _in_maxima(interpret(_Read(), {}, e))


def _chosen(e: Any) -> tuple[Any, Marks]:
    """An expression in which selections are extrema and quotients where they show it as they
    stand, with its marks."""
    marks = _marks(e)
    if not marks[e] & _SELECTION:
        return e, marks
    made = _changed(_Selections(), e, marks, _SELECTION)
    return made, _marks(made)


def _in_maxima(e: Any) -> Any:
    """An expression in which minima of few maxima are sums of these."""
    if type(e) is IntConstant:
        return e
    marks = _marks(e)
    summed = _changed(_Sums(), e, marks, _SHORT_MINIMUM)
    if summed is not e:
        marks = _marks(summed)
    return _changed(_Turned(marks), summed, marks, _UNSORTED)


def _marks(e: Expr) -> Marks:
    """What is in each node of an expression, itself included."""
    found: Marks = {}
    stack = [e]
    while stack:
        node = stack[-1]
        operands: Iterable[Expr] = node.args
        if type(node) is Sum:
            operands = node.terms()
        mark = 0
        ready = True
        for x in operands:
            inner = found.get(x)
            if inner is not None:
                mark |= inner
            elif x.op is SYMBOL or x.op is CONSTANT:
                found[x] = 0
            else:
                stack.append(x)
                ready = False
        if ready:
            stack.pop()
            found[node] = mark | _own_mark(node)
    spend(len(found))
    return found


def _own_mark(node: Expr) -> int:
    """The marks that a node has whatever it is made of."""
    op = node.op
    if op is SUM and isinstance(node, IntExpr):
        quotients = [t for t in node.terms() if t.op is _QUOTIENT]
        return _UNSORTED if len(quotients) > 1 else 0
    if op is _QUOTIENT:
        return _COMPOSED | _UNSORTED if _divides_choice(node) else _COMPOSED
    if op not in CHOICES:
        return 0
    if op is _WHERE:
        return _COMPOSED | _SELECTION
    if op is _MIN and len(node.args) <= SUMMED:
        return _COMPOSED | _SHORT_MINIMUM
    return _COMPOSED | _UNSORTED if op is _MAX and len(node.args) > 2 else _COMPOSED


def _changed(analysis: Builder, e: Any, marks: Marks, bit: int) -> Any:
    """What an analysis makes of an expression that only changes what has a mark."""
    if not marks[e] & bit:
        return e
    nodes: list[Expr] = []
    known: dict[Any, Any] = {}
    for node, mark in marks.items():
        if mark & bit:
            nodes.append(node)
        else:
            known[node] = node
    interpret_in_order(analysis, nodes, known)
    return known[e]


_FORMS: Final[dict[Callable[[Any], Any], Part[IntExpr, IntExpr | None]]] = {
    in_choice_form: Part("normal forms of choices", 64),
    in_choice_form_of_remainders: Part("normal forms of choices but for remainders", 64),
    in_choice_form_again: Part("normal forms of choices and of their remainders", 64),
}


class _Selections(Added):
    """The analysis that writes selections as extrema and quotients, where their conditions
    and arms show it as they stand."""

    def where(self, p: Any, a: Any, b: Any) -> Any:
        made: Any = where(p, a, b)
        return selection(made, floor_division, _as_it_stands) if _selects(made) else made


def _selects(e: Any) -> bool:
    """Whether this is a choice between integers by a condition (there are such of doubles)."""
    return e.op is _WHERE and isinstance(e, IntExpr)


def _as_it_stands(e: IntExpr) -> IntExpr:
    return e


class _Sorted(Added):
    """The analysis that writes sums, and quotients of choices, in one way."""

    def linear(self, k: int, coefficients: Sequence[int], values: list[Any]) -> Any:
        return halves(super().linear(k, coefficients, values))

    def floordiv(self, x: Any, y: Any) -> Any:
        return _quotient(x, y)


class _Extrema(_Sorted):
    """The analysis whose values are expressions in which choices are one sum and a minimum of
    maxima."""

    def min(self, *operands: Any) -> Any:
        return extremum(minimum(*operands))

    def max(self, *operands: Any) -> Any:
        return extremum(maximum(*operands))

    def abs(self, x: Any) -> Any:
        """``Abs(x) = 2*Max(x, 0) - x``."""
        return combine(2, extremum(maximum(x, _ZERO)), -1, x)

    def where(self, p: Any, a: Any, b: Any) -> Any:
        made: Any = where(p, a, b)
        return selection(made, _quotient, extremum) if _selects(made) else made


class _Read(_Extrema):
    """The same for sums as they are read, with remainders."""

    def mod(self, x: Any, y: Any) -> Any:
        return combine(1, x, -1, multiply(y, _quotient(x, y)))


class _Remainders(_Read):
    """The same, but for remainders of choices."""

    def mod(self, x: Any, y: Any) -> Any:
        """The quotient of a choice is left for later: what it is in is often the remainder of
        the same choice on both sides."""
        if type(y) is IntConstant and any(t.op in EXTREMA for t in x.terms()):
            return combine(1, x, -y.constant, floor_division(_in_maxima(x), y))
        return super().mod(x, y)


class _Sums(_Sorted):
    """The analysis that writes minima of few maxima as sums of maxima."""

    def min(self, *operands: Any) -> Any:
        """``Min(x, y) = x + y - Max(x, y)``, and so on (inclusion and exclusion)."""
        made = minimum(*operands)
        if made.op is not _MIN or len(made.args) > SUMMED:
            return made
        clauses = [frozenset(_maximum_of(x)) for x in int_operands(made)]
        union = frozenset[IntExpr]().union(*clauses)
        if len(union) > SUMMED:
            return made
        everything = written([union])
        return combine(1, _of_parts(clauses, _one_clause), _sign(len(clauses)), everything)


def _one_clause(clause: frozenset[IntExpr]) -> IntExpr:
    return written([clause])


def _of_parts(clauses: Clauses, write: Callable[[frozenset[IntExpr]], IntExpr]) -> IntExpr:
    """The terms of a minimum as a sum of maxima that are of fewer than all."""
    total = _ZERO
    for count in range(1, len(clauses)):
        for chosen in combinations(clauses, count):
            union = frozenset[IntExpr]().union(*chosen)
            total = combine(1, total, _sign(count), write(union))
    return total


def _sign(count: int) -> int:
    return -1 if count % 2 == 0 else 1


class _Turned(_Sorted):
    """The analysis that writes a maximum, or the opposite of a minimum, in one way, where it
    is no operand of a minimum of maxima in an expression."""

    def __init__(self, marks: Marks) -> None:
        super().__init__()
        minima = [node for node in marks if node.op is _MIN]
        self._within = {t for node in minima for x in int_operands(node) for t in x.terms()}

    def refine(self, node: Expr, value: Any) -> Any:
        if value.op is _MAX and node not in self._within:
            return _turned(frozenset(int_operands(value)))
        return value


def _turned(clause: frozenset[IntExpr]) -> IntExpr:
    """A maximum, written by that of its operands or of their opposites: by whichever has the
    lesser difference between its least operands."""
    clause = greatest(clause)
    if not 3 <= len(clause) <= SUMMED:
        return written([clause])
    ordered = in_order(clause)
    low = combine(1, ordered[1], -1, ordered[0])
    high = combine(1, ordered[-1], -1, ordered[-2])
    if low is high or in_order([low, high])[0] is low:
        return written([clause])
    opposites = [frozenset((scale(-1, x),)) for x in ordered]
    # ``Max(x, y, z) = -Min(-x, -y, -z)``
    everything = written([frozenset[IntExpr]().union(*opposites)])
    return combine(-1, _of_parts(opposites, _turned), -_sign(len(opposites)), everything)


def _maximum_of(x: IntExpr) -> tuple[IntExpr, ...]:
    """The operands of a maximum, also of one with a sum; of anything else itself."""
    choices = [(atom, c) for atom, c in x.terms().items() if atom.op is _MAX]
    if len(choices) != 1 or choices[0][1] < 0:
        return (x,)
    ((atom, c),) = choices
    rest = combine(1, x, -c, atom)
    return tuple(combine(1, rest, c, arm) for arm in int_operands(atom))


def _quotient(x: IntExpr, divisor: IntExpr) -> IntExpr:
    """``Max(x, y) // k`` as ``Max(x // k, y // k)`` for a number k >= 1, and so for what is
    added to a choice."""
    k = divisor.constant if type(divisor) is IntConstant else 0
    if k < 1:
        return floor_division(x, divisor)
    choices = [(t, c) for t, c in x.terms().items() if t.op in _CHOSEN]
    if not choices:
        return quotient_of_sum(x, k)
    selections = [one for one in choices if one[0].op is _WHERE]
    chosen = selections[0] if len(selections) == 1 else one_choice(x)
    if chosen is None:
        x = _in_maxima(x) if len(choices) - len(selections) > 1 else x
        chosen = one_choice(x)
    if chosen is None:
        return quotient_of_sum(x, k)
    atom, c = chosen
    if atom.op is _WHERE:
        rest = combine(1, x, -c, atom)
        condition, a, b = atom.args
        if not isinstance(a, IntExpr) or not isinstance(b, IntExpr):
            return floor_division(x, divisor)
        arms = (_quotient(combine(1, rest, c, arm), divisor) for arm in (a, b))
        made = where(condition, *arms)
        assert isinstance(made, IntExpr)
        return selection(made, _quotient, extremum) if made.op is _WHERE else made
    try:
        clauses = Reader().clauses(x)
    except TooManyError:
        return floor_division(x, divisor)
    maxima = [maximum(*(_quotient(e, divisor) for e in clause)) for clause in clauses]
    return extremum(minimum(*maxima) if len(maxima) > 1 else maxima[0])
