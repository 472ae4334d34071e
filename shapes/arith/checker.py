"""The independent checker of certificates.

It re-computes every row from the step alone and shares no code with the search for proofs.
It trusts the kernel's normal forms, the meaning of facts (`Facts`: conjuncts and solved
equalities), interval analysis where a step says so, and the table of lemma schemas.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from itertools import product
from math import gcd
from typing import Final, TypeAlias

from shapes.arith.certificate import (
    Certificate,
    CertificateError,
    Combination,
    Definition,
    Denial,
    Key,
    Lemma,
    Linear,
    Parameter,
    Parts,
    Premise,
    Refutation,
    Replacement,
    Rests,
    Split,
    Squeeze,
    Step,
    Strict,
    ZerosAndOnes,
)
from shapes.arith.lemma_schemas import SchemaError, state
from shapes.arith.statements import le
from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr.booleans import conjunction, conjuncts, negation
from shapes.expr.integers import floor_division, modulo
from shapes.expr.linear import eq_zero, le_zero
from shapes.expr.nodes import (
    EQ_ZERO,
    FALSE,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    RELATIONS,
    TRUE,
    BoolExpr,
    Expr,
    Infinity,
    IntConstant,
    IntExpr,
    combine,
    constant,
    int_operands,
    side_of,
)
from shapes.facts.bounds import bounds, congruence
from shapes.facts.store import Fact, Facts
from shapes.traversal.definedness import defined, has_value_beside
from shapes.traversal.substitute import substitute

__all__ = ["check", "conclusions"]


_MALFORMED: Final = (
    ArithmeticError, AssertionError, AttributeError, LookupError, SchemaError, TypeError,
    ValueError,
)  # fmt: skip
"""What reading raises where something of another kind is in a certificate."""

_Pending = tuple[object, tuple[Fact, ...], BoolExpr]
"""A certificate that is still to be checked, the facts, and what it must prove."""


def check(certificate: Certificate, facts: Iterable[Fact], claim: BoolExpr) -> None:
    """Raises `CertificateError` unless the certificate proves the claim from the facts."""
    pending: list[_Pending] = [(certificate, tuple(facts), claim)]
    while pending:
        try:
            pending += _left_of(*pending.pop())
        except _MALFORMED as error:
            raise CertificateError(f"the certificate is wrong: {error!r}") from error


def _left_of(part: object, known: tuple[Fact, ...], goal: BoolExpr) -> Iterable[_Pending]:
    """What is left to check once the outermost part is."""
    if isinstance(part, Linear):
        _check_linear(part, known, goal)
    elif isinstance(part, Parts):
        _require(_same_parts(goal, [p for p, _ in part.parts]), "parts of another claim")
        return [(inner, known, p) for p, inner in part.parts]
    elif isinstance(part, Refutation):
        _require(part.assumed.claim is negation(goal), "another claim's negation")
        return [(part.inner, (*known, part.assumed), FALSE)]
    elif isinstance(part, Denial):
        _check_premise(part.premise, known, goal)
        return [(part.inner, known, negation(part.premise.claim))]
    elif isinstance(part, Rests):
        _require(all(f in known for f in part.facts), "a fact that is not given")
        shown = goal if part.method == "ranges" else FALSE
        _require(_rests(part.facts, shown), f"`{goal}` does not follow by {part.method}")
    elif isinstance(part, Replacement):
        for premise in (part.source, *part.premises):
            _check_premise(premise, known, goal)
        _require(_replaced(part) is part.made.claim, "something else was put in")
        return [(part.inner, (*known, part.made), goal)]
    elif isinstance(part, Split):
        for premise in part.premises:
            _check_premise(premise, known, goal)
        _require(_exhaustive(part), f"cases are missing ({part.rule})")
        _require(len(part.cases) == len(part.branches), "a case without a proof")
        return [(b, (*known, case), goal) for case, b in zip(part.cases, part.branches)]
    elif isinstance(part, ZerosAndOnes):
        _check_zeros_and_ones(part, known, goal)
    else:
        raise CertificateError(f"{part!r} is not a certificate")
    return ()


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise CertificateError(f"the certificate is wrong: {reason}")


def _require_integers(*numbers: object) -> None:
    """(Names stand for integers, and doubles are rounded.)"""
    _require(all(type(number) is int for number in numbers), "a number that is no integer")


def _replaced(part: Replacement) -> Expr:
    """The source's condition with the atoms replaced, every identity being a theorem's."""
    held = {TRUE, *(premise.claim for premise in part.premises)}
    values: dict[Expr, Expr] = {}
    for schema, operands, atom, value in part.identities:
        statement = state(schema, operands)
        says = statement.conclusion is eq_zero(combine(1, atom, -1, value))
        _require(says and held.issuperset(statement.premises), f"{schema!r} says otherwise")
        values[atom] = value
    return substitute(part.source.claim, values)


def _same_parts(claim: BoolExpr, parts: Sequence[BoolExpr]) -> bool:
    if claim.op is EQ_ZERO:
        e = side_of(claim)
        return {le_zero(e), le_zero(combine(-1, e, 0, e))} <= set(parts)
    return claim.op is OPERATORS["And"] and set(claim.args) <= set(parts)


def _check_premise(premise: Premise, known: Sequence[Fact], goal: BoolExpr) -> None:
    claim = premise.claim
    _require(all(f in known for f in premise.facts), f"`{claim}` rests on no given fact")
    try:
        holds = _holds(premise, goal)
    except ContradictionError:
        holds = True  # facts that contradict each other show any condition
    _require(holds, f"`{claim}` is not known ({premise.source})")
    asked = (goal, *(f.claim for f in known))
    if premise.source == "range" and not has_value_beside(claim, *asked):
        _require(_rests(premise.facts, defined(claim)), f"`{claim}` may have no value")


def _holds(premise: Premise, goal: BoolExpr) -> bool:
    """Whether a premise's own facts, and what denies the goal, say it."""
    claim = premise.claim
    if premise.source == "goal":
        opposite = negation(goal)
        said = claim in conjuncts(opposite)
        return said or _says(Facts().given(*premise.facts), opposite, claim)
    if claim is TRUE or any(claim in conjuncts(f.claim) for f in premise.facts):
        return True
    if premise.source != "fact":
        return _rests(premise.facts, claim)
    learned = Facts().given(*premise.facts)
    said = any(_says(learned, f.claim, claim) for f in premise.facts)
    return said or learned.holds(claim) is not None


def _says(facts: Facts, whole: BoolExpr, part: BoolExpr) -> bool:
    """Whether a condition is a part of another one under the facts. (Which symbol of an
    equality is replaced depends on which was declared first, so both are normalized here.)"""
    parts = conjuncts(facts.normalized(whole)[0])
    return part in parts or facts.normalized(part)[0] in parts


def _in_range(facts: Facts, claim: BoolExpr) -> bool:
    """Whether interval analysis proves a condition."""
    normal, _ = facts.normalized(claim)
    if normal is TRUE or facts.holds(normal) is not None:
        return True
    value = bounds(facts, normal)
    if value.is_singleton and value.lower:
        return True
    if normal.op not in RELATIONS:
        return False
    lower, upper = bounds(facts, side_of(normal)).int_bounds()
    if normal.op is LE_ZERO:
        return upper <= 0
    if normal.op is EQ_ZERO:
        return lower == upper == 0
    return lower > 0 or upper < 0 or not congruence(facts, side_of(normal)).admits(0)


def _rests(stated: Sequence[Fact], claim: BoolExpr) -> bool:
    """Whether ranges under facts, stated in either order, show it: contradicting ones do."""
    try:
        return any(_in_range(Facts().given(*o), claim) for o in (stated, stated[::-1]))
    except ContradictionError:
        return True


# --------------------------------------------------------------------------- lattices

MOST_OPERANDS: Final = 10
"""Operands of a relation whose zeros and ones are tried."""

_Term: TypeAlias = "int | tuple[bool, list[_Term]]"
"""An operand by its number, or whether terms are a minimum, and these."""


def _check_zeros_and_ones(
    part: ZerosAndOnes, known: Sequence[Fact], goal: BoolExpr
) -> None:
    """A value v of the left side that the right one does not reach maps every operand to
    whether it is at least v: minima, maxima and orders are kept, and the left side is 1, the
    right one 0. So it suffices to try zeros and ones."""
    for premise in (part.denied, *part.orders):
        _check_premise(premise, known, goal)
    relation = negation(part.denied.claim)
    _require(relation.op in (LE_ZERO, EQ_ZERO), f"`{relation}` is no relation of integers")
    e = side_of(relation)
    wanted = {e} if relation.op is LE_ZERO else {e, combine(-1, e, 0, e)}
    stated = {combine(1, left, -1, right) for left, right in part.sides}
    _require(wanted <= stated, "sides of another relation")
    orders = {TRUE, *(premise.claim for premise in part.orders)}
    for left, right in part.sides:
        _require(_never_above(left, right, orders), "zeros and ones that break it")


def _never_above(left: IntExpr, right: IntExpr, orders: Container[BoolExpr]) -> bool:
    """Whether the left side is at most the right one, for all zeros and ones that keep the
    orders."""
    operands: dict[IntExpr, int] = {}
    below, above = _as_term(left, operands), _as_term(right, operands)
    ordered = [
        (i, j)
        for a, i in operands.items()
        for b, j in operands.items()
        if i != j and le_zero(combine(1, a, -1, b)) in orders
    ]
    return not any(
        _at(below, point) > _at(above, point)
        for point in product((0, 1), repeat=len(operands))
        if all(point[i] <= point[j] for i, j in ordered)
    )


def _as_term(e: IntExpr, operands: dict[IntExpr, int]) -> _Term:
    """What is added to a minimum is added to its operands; a negative factor turns it."""
    _require(not isinstance(e, Infinity), "an operand without end")
    for atom, c in e.terms().items():
        if atom.op is OPERATORS["Min"] or atom.op is OPERATORS["Max"]:
            rest = combine(1, e, -c, atom)
            arms = [a for a in atom.args if isinstance(a, IntExpr)]
            _require(not any(isinstance(a, Infinity) for a in arms), "an operand without end")
            least = (atom.op is OPERATORS["Min"]) is (c > 0)
            return least, [_as_term(combine(1, rest, c, arm), operands) for arm in arms]
    number = operands.setdefault(e, len(operands))
    _require(number < MOST_OPERANDS, "too many operands")
    return number


def _at(term: _Term, point: Sequence[int]) -> int:
    if isinstance(term, int):
        return point[term]
    least, arms = term
    return (min if least else max)(_at(arm, point) for arm in arms)


# --------------------------------------------------------------------------- rows

_Rule: TypeAlias = Callable[[Split, Sequence[Expr], Sequence[BoolExpr]], bool]
_Row = tuple[Mapping[Key, int], int, bool]
"""Coefficients, constant, and whether the sum is 0 (rather than at most 0)."""


def conclusions(
    part: Linear, known: Sequence[Fact], goal: BoolExpr
) -> Sequence[_Row | BoolExpr]:
    """What each step of a linear proof says: a row, or a condition that is none.

    Raises `CertificateError` at the first step that does not follow.
    """
    rows: list[_Row | BoolExpr] = []
    for number, step in enumerate(part.steps):
        try:
            rows.append(_conclusion(step, rows, known, goal))
        except (CertificateError, ShapeproofError, IndexError) as error:
            raise CertificateError(f"step {number}: {error}") from None
    return rows


def _check_linear(part: Linear, known: Sequence[Fact], goal: BoolExpr) -> None:
    rows = conclusions(part, known, goal)
    _require(bool(rows), "there are no steps")
    last = rows[-1]
    _require(not isinstance(last, BoolExpr) and _impossible(last), "the end is possible")


def _impossible(row: _Row) -> bool:
    terms, k, equal = row
    if any(terms.values()):
        return equal and k % gcd(*terms.values()) != 0
    return k != 0 if equal else k > 0


def _conclusion(
    step: Step, rows: Sequence[_Row | BoolExpr], known: Sequence[Fact], goal: BoolExpr
) -> _Row | BoolExpr:
    if isinstance(step, Premise):
        _check_premise(step, known, goal)
        return _as_row(step.claim)
    if isinstance(step, Lemma):
        statement = state(step.schema, step.operands)
        given = [rows[_earlier(i, rows)] for i in step.premises]
        for premise in statement.premises:
            _require(_implied(premise, given), f"`{premise}` of {step.schema!r} is open")
        _require(statement.conclusion is step.conclusion, f"{step.schema!r} says otherwise")
        return _as_row(statement.conclusion)
    if isinstance(step, Definition):
        _require(isinstance(step.parameter, Parameter), "an atom that has a meaning")
        _require_integers(step.constant, *(c for _, c in step.terms))
        used = {key for row in rows if not isinstance(row, BoolExpr) for key in row[0]}
        _require(step.parameter not in used, "a name that is taken")
        _require(all(key is not step.parameter for key, _ in step.terms), "a cycle")
        return {**_summed(step.terms), step.parameter: -1}, step.constant, True
    if isinstance(step, Squeeze):
        upper, lower = _row(step.upper, rows), _row(step.lower, rows)
        opposite = {key: -c for key, c in lower[0].items() if c}
        same = {key: c for key, c in upper[0].items() if c} == opposite
        _require(same and upper[1] == -lower[1], "two rows that are not opposite")
        return upper[0], upper[1], True
    if isinstance(step, Strict):
        return _made_strict(_row(step.row, rows), rows[_earlier(step.disequality, rows)])
    return _combined(step, rows)


def _made_strict(row: _Row, excluded: _Row | BoolExpr) -> _Row:
    terms, k, _ = row
    if not isinstance(excluded, BoolExpr) or excluded.op is not NE_ZERO:
        raise CertificateError("nothing that is excluded")
    e = side_of(excluded)
    sign = 1 if e.constant == k and dict(e.terms().items()) == dict(terms) else -1
    same = {key: sign * c for key, c in terms.items()} == dict(e.terms().items())
    _require(same and e.constant == sign * k, "another value is excluded")
    return terms, k + 1, False


def _summed(terms: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    total: dict[Key, int] = {}
    for key, c in terms:
        total[key] = total.get(key, 0) + c
    return total


def _as_row(claim: BoolExpr) -> _Row | BoolExpr:
    if claim.op is LE_ZERO or claim.op is EQ_ZERO:
        e = side_of(claim)
        terms: dict[Key, int] = {}
        terms.update(e.terms().items())
        return terms, e.constant, claim.op is EQ_ZERO
    if claim is FALSE:
        return {}, 1, False
    return claim


def _earlier(index: int, rows: Sequence[object]) -> int:
    _require(0 <= index < len(rows), "a step that is yet to come")
    return index


def _row(index: int, rows: Sequence[_Row | BoolExpr]) -> _Row:
    row = rows[_earlier(index, rows)]
    if isinstance(row, BoolExpr):
        raise CertificateError(f"`{row}` is not an inequality")
    return row


def _implied(premise: BoolExpr, given: Sequence[_Row | BoolExpr]) -> bool:
    """Whether a premise is one of these, or the same with a weaker constant."""
    if premise is TRUE:
        return True
    wanted = _as_row(premise)
    if isinstance(wanted, BoolExpr):
        return any(premise is found for found in given)
    terms, k, equal = wanted
    for found in given:
        if isinstance(found, BoolExpr) or dict(found[0]) != dict(terms):
            continue
        if (found[2] and found[1] == k) or (not equal and not found[2] and found[1] >= k):
            return True
    return False


def _combined(step: Combination, rows: Sequence[_Row | BoolExpr]) -> _Row:
    terms: dict[Key, int] = {}
    k, equal = 0, True
    _require_integers(step.divisor, *(multiplier for multiplier, _ in step.parts))
    for multiplier, index in step.parts:
        part, part_k, part_equal = _row(index, rows)
        _require(part_equal or multiplier >= 0, "an inequality times a negative number")
        equal = equal and part_equal
        k += multiplier * part_k
        for key, c in part.items():
            terms[key] = terms.get(key, 0) + multiplier * c
    terms = {key: c for key, c in terms.items() if c}
    d = step.divisor
    _require(d >= 1 and all(c % d == 0 for c in terms.values()), "a division with a rest")
    if equal and k % d:
        return {}, 1, True
    return {key: c // d for key, c in terms.items()}, -(-k // d), equal


# --------------------------------------------------------------------------- cases


def _exhaustive(split: Split) -> bool:
    rule = _RULES.get(split.rule)
    premises = [premise.claim for premise in split.premises]
    # A case that is False in its normal form needs no proof.
    cases = [*(case.claim for case in split.cases), FALSE]
    return rule is not None and rule(split, premises, cases)


def _by_middle(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """``p`` or ``not p``."""
    return negation(cases[0]) in cases


def _by_disjunction(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """One of the operands of a disjunction that holds."""
    (p,) = premises
    return p.op is OPERATORS["Or"] and set(p.args) <= set(cases)


def _by_disequality(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """``e != 0``: it is below or above."""
    (p,) = premises
    e = side_of(p)
    below, above = le_zero(combine(1, e, 0, e, 1)), le_zero(combine(-1, e, 0, e, 1))
    return p.op is NE_ZERO and {below, above} <= set(cases)


def _by_sign(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """``e`` is below, at, or above 0."""
    (e,) = split.subjects
    assert isinstance(e, IntExpr)
    below, above = le_zero(combine(1, e, 0, e, 1)), le_zero(combine(-1, e, 0, e, 1))
    return {below, eq_zero(e), above} <= set(cases)


def _by_equivalence(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """Both sides of an equivalence hold, or none; of a denied one, just one of them."""
    (p,) = premises
    denied = p.op is OPERATORS["Not"]
    inner = p.args[0] if denied else p
    if inner.op is not OPERATORS["Iff"]:
        return False
    a, b = inner.args
    c = negation(b) if denied else b
    return {conjunction(a, c), conjunction(negation(a), negation(c))} <= set(cases)


def _by_residue(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """``e % m`` is one of 0, ..., m - 1."""
    e, m = split.subjects
    if not isinstance(e, IntExpr) or not isinstance(m, IntConstant) or m.constant < 1:
        return False
    rest = modulo(e, m)
    wanted = {eq_zero(combine(1, rest, 0, rest, -r)) for r in range(m.constant)}
    return wanted <= set(cases)


def _by_value(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """``e`` is one of low, ..., high, by the two premises."""
    e, low, high = split.subjects
    if not isinstance(low, IntConstant) or not isinstance(high, IntConstant):
        return False
    assert isinstance(e, IntExpr)
    ends = {le_zero(combine(-1, e, 1, low)), le_zero(combine(1, e, -1, high))}
    if ends != set(premises) or high.constant - low.constant > 1000:
        return False
    values = range(low.constant, high.constant + 1)
    return {eq_zero(combine(1, e, -1, constant(v))) for v in values} <= set(cases)


def _by_first(order: Callable[[IntExpr, IntExpr], BoolExpr]) -> _Rule:
    """The rule that one of the subjects is the first of them in an order."""

    def rule(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
        among = [e for e in split.subjects if isinstance(e, IntExpr)]
        firsts = {conjunction(*[order(e, f) for f in among if f is not e]) for e in among}
        return bool(firsts) and firsts <= set(cases)

    return rule


def _by_choice(split: Split, premises: Sequence[Expr], cases: Sequence[BoolExpr]) -> bool:
    """The subject is one of the things that it chooses from, and a relation of it holds: for
    each of them there is a case that says no more than what is true then."""
    (p,) = premises
    (atom,) = split.subjects
    if p.op not in RELATIONS or not isinstance(atom, IntExpr):
        return False
    assert isinstance(p, BoolExpr)
    arms = _arms(atom)
    if not arms or any(isinstance(value, Infinity) for value, _ in arms):
        return False
    anyhow = _below_all(p, atom, [value for value, _ in arms])
    for value, when in arms:
        says = [substitute(p, {atom: value})]
        outer = _with_term(p, atom, value)
        if outer is not None:
            says.append(outer)
        true = {*anyhow, *when, *says}
        # (Together they may have another normal form.)
        together = [conjunction(*when, said) for said in says]
        if not any(case in together or true.issuperset(conjuncts(case)) for case in cases):
            return False
    return True


def _arms(atom: IntExpr) -> list[tuple[IntExpr, tuple[Expr, ...]]]:
    """What a choice is, each time with conditions of which it follows: one of these holds."""
    name = atom.op.name
    if name in ("Min", "Max"):
        among = int_operands(atom)
        order = le if name == "Min" else _above
        return [(a, tuple(order(a, b) for b in among)) for a in among]
    if name == "Where":
        p = atom.args[0]
        assert isinstance(p, BoolExpr)
        a, b = int_operands(atom)
        return [(a, conjuncts(p)), (b, conjuncts(negation(p)))]
    if name in ("Abs", "TruncDiv"):
        e = int_operands(atom)[0]
        opposite = combine(-1, e, 0, e)
        natural = le_zero(opposite)
        if name == "Abs":
            return [(e, (natural,)), (opposite, (negation(natural), le_zero(e)))]
        k = atom.args[1]
        if not isinstance(k, IntConstant) or k.constant < 1:
            return []
        up = floor_division(opposite, k)
        return [
            (floor_division(e, k), (natural,)),
            (combine(-1, up, 0, up), (negation(natural), le_zero(e))),
        ]
    return []


def _with_term(p: BoolExpr, atom: IntExpr, value: IntExpr) -> BoolExpr | None:
    """``e <= 0`` with another value of a term of e."""
    e = side_of(p)
    c = dict(e.terms()).get(atom, 0)
    if p.op is not LE_ZERO or not c:
        return None
    return le_zero(combine(1, combine(1, e, -c, atom), c, value))


def _below_all(p: BoolExpr, atom: IntExpr, values: Sequence[IntExpr]) -> list[BoolExpr]:
    """What ``e <= 0`` says of every operand, where the greatest of them is a term of e (or
    the least with a negative coefficient)."""
    e = side_of(p)
    c = dict(e.terms()).get(atom, 0)
    name = atom.op.name
    if not (c > 0 and name in ("Max", "Abs")) and not (c < 0 and name == "Min"):
        return []
    return [said for v in values if (said := _with_term(p, atom, v)) is not None]


def _above(a: IntExpr, b: IntExpr) -> BoolExpr:
    return le(b, a)


_RULES: Final = {
    "excluded middle": _by_middle,
    "disjunction": _by_disjunction,
    "disequality": _by_disequality,
    "sign": _by_sign,
    "equivalence": _by_equivalence,
    "residue": _by_residue,
    "value": _by_value,
    "least": _by_first(le),
    "greatest": _by_first(_above),
    "choice": _by_choice,
}
