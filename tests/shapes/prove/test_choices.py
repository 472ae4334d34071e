"""Relations between choices, against enumeration: of lattices by zeros and ones, of all others
arm by arm."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes import (
    Abs,
    Facts,
    Implies,
    Max,
    Min,
    ShapeEnv,
    Status,
    Where,
    evaluate,
    make,
    symbol,
)
from shapes.arith.certificate import (
    CertificateError,
    Denial,
    Premise,
    Refutation,
    Split,
    ZerosAndOnes,
)
from shapes.arith.checker import _arms, _exhaustive, check
from shapes.env.proof_tree import proof_tree
from shapes.errors import ShapeproofError
from shapes.expr import BoolExpr, IntExpr, conjunction, constant, equal, negation
from shapes.expr.linear import le_zero, shift
from shapes.facts import Fact
from shapes.facts.verdict import Proof
from shapes.prove import prove
from shapes.prove.choices import by_choices
from shapes.prove.lattices import by_lattice
from shapes.traversal.substitute import substitute

x, y, z, w = SYMBOLS = [symbol(name) for name in "xyzw"]
SMALL = range(-3, 4)
CLAIMS = {
    "distributive": equal(Min(Max(x, y), Max(x, z)), Max(x, Min(y, z))),
    "dual": equal(Max(Min(x, y), Min(x, z)), Min(x, Max(y, z))),
    "median": equal(
        Max(Min(x, y), Min(y, z), Min(x, z)), Min(Max(x, y), Max(y, z), Max(x, z))
    ),
    "four operands": equal(Min(Max(x, y), Max(x, z), Max(x, w)), Max(x, Min(y, z, w))),
    "what is added": equal(Min(Max(x, y) + w, Max(x, z) + w), Max(x, Min(y, z)) + w),
    "factors": equal(2 * Min(Max(x, y), z), Max(Min(2 * x, 2 * z), Min(2 * y, 2 * z))),
    "negative": equal(-Min(x, Max(y, z)), Max(-x, Min(-y, -z))),
    "apart": Min(Max(x, y), Max(x, z)) <= Max(x + 1, Min(y, z)),
    "absorption": equal(Max(x, Min(x, Max(y, z))), x),
}


def refuting(claim: BoolExpr, facts: Any = (), values: Any = SMALL) -> Any:
    """Values that satisfy the facts and break the claim."""
    for point in product(values, repeat=len(SYMBOLS)):
        env = dict(zip(SYMBOLS, point))
        if all(evaluate(fact, env) for fact in facts) and not evaluate(claim, env):
            return point
    return None


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_lattices(claim: BoolExpr) -> None:
    proof = prove(Facts(), claim).proof
    assert proof is not None
    assert proof.method in ("zeros and ones", "normal form")
    assert by_choices(Facts(), claim) is not None or claim.is_constant
    assert refuting(claim) is None


NEIGHBOURS = {
    "not distributive": equal(Min(Max(x, y), Max(x, z)), Max(x, Min(y, w))),
    "median": Max(Min(x, y), Min(y, z)) >= Min(Max(x, y), Max(y, z), Max(x, z)),
    "too close": Min(Max(x, y), Max(x, z)) <= Max(x, Min(y, z)) - 1,
    "other factor": equal(2 * Min(Max(x, y), z), Max(Min(2 * x, 2 * z), Min(y, 2 * z))),
    "negative": equal(-Min(x, Max(y, z)), Max(-x, Max(-y, -z))),
}


@pytest.mark.parametrize("claim", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_false_neighbours_have_values(claim: BoolExpr) -> None:
    assert refuting(claim) is not None
    assert by_lattice(Facts(), claim) is None
    assert by_choices(Facts(), claim) is None
    assert not prove(Facts(), claim).proved


def test_known_orders_are_used_and_named() -> None:
    ordered, other = Fact(x <= y), Fact(z <= 40)
    facts = Facts().given(ordered, other)
    found = by_lattice(facts, Min(Max(x, z), Max(y, w)) >= Min(x, y))
    assert found is not None
    proof = by_lattice(facts, equal(Min(Max(y, z), Max(x, z)), Max(x, z)))
    assert proof is not None
    assert proof.facts == (ordered,)
    assert by_lattice(Facts(), equal(Min(Max(y, z), Max(x, z)), Max(x, z))) is None
    assert by_lattice(Facts().given(x <= y + 1), Max(x, z) <= Max(y, z)) is None


def _certified(claim: BoolExpr, facts: Facts) -> ZerosAndOnes:
    proof = by_lattice(facts, claim)
    assert proof is not None
    assert isinstance(proof.certificate, ZerosAndOnes)
    check(proof.certificate, proof.facts, claim)
    return proof.certificate


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_lattice_proofs_have_certificates(claim: BoolExpr) -> None:
    if claim.is_constant:
        return
    certificate = _certified(claim, Facts())
    for side in certificate.sides:  # each of them is needed
        others = tuple(one for one in certificate.sides if one is not side)
        with pytest.raises(CertificateError, match="another relation"):
            check(replace(certificate, sides=others), (), claim)
    for other in NEIGHBOURS.values():
        with pytest.raises(CertificateError):
            check(certificate, (), other)


@pytest.mark.parametrize("claim", NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_forged_certificates_of_lattices_are_refused(claim: BoolExpr) -> None:
    """Whatever sides are stated: zeros and ones break one of them."""
    e = claim.args[0]
    assert isinstance(e, IntExpr)
    denied = Premise(negation(claim), "goal")
    ways = [((part, constant(0)), (-part, constant(0))) for part in (e, -e)]
    ways += [((constant(0), -e), (constant(0), e))]
    for atom, c in e.terms().items():
        ways.append(((e - c * atom, -c * atom), (-c * atom, e - c * atom)))
    for sides in ways:
        with pytest.raises(CertificateError, match="zeros and ones"):
            check(ZerosAndOnes(denied, sides, ()), (), claim)


def test_orders_of_certificates_are_checked() -> None:
    ordered, other = Fact(x <= y), Fact(y <= 40)
    facts = Facts().given(ordered, other)
    claim = equal(Min(Max(y, z), Max(x, z)), Max(x, z))
    certificate = _certified(claim, facts)
    (order,) = certificate.orders
    assert order == Premise(x <= y, "range", (ordered,))
    for forged in (
        (),
        (Premise(y <= x, "range", (ordered,)),),
        (Premise(x <= y, "range", (other,)),),
        (Premise(x <= y, "range"),),
        (Premise(x <= y + 1, "range", (ordered,)),),
    ):
        with pytest.raises(CertificateError):
            check(replace(certificate, orders=forged), (ordered, other), claim)
    with pytest.raises(CertificateError):
        check(certificate, (other,), claim)


def test_certificates_need_no_order_of_the_facts() -> None:
    """What comes after a disjunction leaves one way of it."""
    one_way = (y < z) | (z < x)
    facts = Facts().given(*[Fact(p) for p in (x >= 1, one_way, x < z + 1, z <= 3, x <= 4)])
    _certified(Min(x, y) < z, facts)
    proof = by_lattice(facts, Min(x, y) < z)
    assert proof is not None
    assert proof.certificate is not None
    with pytest.raises(CertificateError):
        check(proof.certificate, [Fact(one_way)], Min(x, y) < z)


def test_certificates_under_solved_equalities() -> None:
    facts = Facts().given(Fact(equal(w, x + 3)), Fact(y >= 2))
    claim = Min(Max(w, y), Max(w, z)) <= Max(x + 3, Min(y, z))
    certificate = _certified(claim, facts)
    assert len(certificate.denied.facts) == 1


def _lattice_terms(draw: random.Random, depth: int) -> IntExpr:
    if depth == 0 or draw.random() < 0.2:
        return draw.choice(SYMBOLS) + draw.choice((0, 0, 0, 1))  # type: ignore[no-any-return]
    arms = [_lattice_terms(draw, depth - 1) for _ in range(draw.choice((2, 2, 3)))]
    return draw.choice((Min, Max))(*arms)  # type: ignore[no-any-return]


def test_random_relations_of_lattices_are_certified() -> None:
    """What zeros and ones prove, the checker takes, and enumeration does not break."""
    draw = random.Random(11)
    proved = 0
    for _ in range(600):
        known = [a <= b for a, b in pairwise(draw.sample(SYMBOLS, 3)) if draw.random() < 0.4]
        facts = Facts().given(*map(Fact, known))
        claim = _lattice_terms(draw, 2) <= _lattice_terms(draw, 2)
        if by_lattice(facts, claim) is not None:
            _certified(claim, facts)
            assert refuting(claim, known, range(-1, 3)) is None
            proved += 1
    assert proved > 40


def _quotient(a: IntExpr) -> Any:
    return Where(a >= 0, a // 4, -((-a) // 4))


def _rounded(a: IntExpr) -> Any:
    odd = conjunction(make("Ne", a % 4, 0), a < 0)  # type: ignore[arg-type]
    return Where(odd, a // 4 + 1, a // 4)


ARMS = {
    "quotients in a minimum": Min(_quotient(x), _quotient(y)) <= Max(x // 4 + 1, 0),
    "a minimum of quotients": Implies(
        x <= y, equal(Min(_quotient(x), _quotient(y)), _quotient(x))
    ),
    "two spellings": equal(_quotient(Min(x, y)), make("TruncDiv", Min(x, y), 4)),
    "rounded quotients": equal(
        Min(_rounded(x), _rounded(y)), make("TruncDiv", Min(x, y), 4)
    ),
    "absolute values": Abs(Max(x, y)) <= Max(Abs(x), Abs(y)),
    "an arm with its condition": Where(x <= y, y - x, Max(x - y, 1)) >= 0,
}


@pytest.mark.parametrize("claim", ARMS.values(), ids=ARMS)
def test_arms(claim: BoolExpr) -> None:
    assert by_choices(Facts(), claim) is not None
    assert refuting(claim, (), (-9, -8, -4, -1, 0, 3, 4, 7)) is None


def test_arms_use_facts() -> None:
    known = [Fact(x <= y), Fact(y <= z), Fact(w >= 5)]
    facts = Facts().given(*known)
    claim = equal(Where(Min(x, y) <= Max(z, 3), x, y), x)
    proof = by_choices(facts, claim)
    assert proof is not None
    assert set(proof.facts) <= set(known[:2])
    assert prove(Facts().given(*proof.facts), claim).proved
    assert by_choices(Facts(), claim) is None


def test_a_branch_that_ranges_find_empty_says_nothing_of_the_facts() -> None:
    env = ShapeEnv()
    env.integer("n")
    env.integer("c")
    env.assume("n >= 0")
    env.assume("c == CeilDiv(n, 3)")
    shares = "Min(n, c) + Min(Max(n - c, 0), c) + Max(n - 2*c, 0)"
    assert env.prove(f"{shares} == n").proved
    assert env.prove(f"{shares} == n + 1").status is Status.NEVER


def grown(draw: random.Random, depth: int) -> Any:
    """A term of symbols, sums and choices."""
    if depth == 0 or draw.random() < 0.2:
        return draw.choice((x, y, z, x, y, z, x + 1, y - 2, 2 * x, z // 2, y % 3))
    kind = draw.choice(("Min", "Max", "Min", "Max", "Where", "Abs", "Add", "Neg", "Div"))
    a = grown(draw, depth - 1)
    if kind == "Abs":
        return Abs(a)
    if kind == "Neg":
        return -a
    if kind == "Div":
        return make(draw.choice(("FloorDiv", "TruncDiv")), a, draw.choice((2, 3)))
    b = grown(draw, depth - 1)
    if kind == "Where":
        return Where(grown(draw, 0) <= grown(draw, 0), a, b)
    return a + b if kind == "Add" else (Min if kind == "Min" else Max)(a, b)


@settings(max_examples=250, deadline=None)
@given(st.integers(0, 10**9))
def test_nothing_wrong_is_proved(seed: int) -> None:
    draw = random.Random(seed)
    a, b = grown(draw, 2), grown(draw, 2)
    claim = draw.choice((lambda: a <= b, lambda: equal(a, b), lambda: a <= b + 2))()
    if not isinstance(claim, BoolExpr):
        return
    stated = draw.choice(([], [x <= y], [x <= y, y <= z + 1], [x >= 0, y <= 2]))
    facts = Facts().given(*map(Fact, stated))
    for one in (claim, negation(claim)):
        for method in (by_lattice, by_choices):
            proof = method(facts, one)
            if proof is not None:
                named = [fact.claim for fact in proof.facts]
                assert set(named) <= set(stated)
                assert refuting(one, named) is None, (method.__name__, str(one), named)


def test_what_holds_on_small_lattices_is_found() -> None:
    """Zeros and ones decide all relations of minima and maxima of three symbols."""
    draw = random.Random(3)
    terms = [x, y, z]
    while len(terms) < 60:
        a, b = draw.sample(terms, 2)
        made = draw.choice((Min, Max))(a, b)
        if made not in terms:
            terms.append(made)
    found = 0
    for _ in range(400):
        a, b = draw.sample(terms, 2)
        claim = a <= b
        if claim.is_constant or len(str(claim)) > 90:
            continue
        proved = by_lattice(Facts(), claim) is not None
        holds = refuting(claim, (), range(3)) is None
        assert proved is holds, str(claim)
        found += proved
    assert found > 20


def test_large_claims_end_early() -> None:
    many = [symbol(f"a{i}") for i in range(40)]
    claim = Min(*[Max(a, b) for a, b in pairwise(many)]) <= Max(*many[:20])
    assert by_lattice(Facts(), claim) is None
    by_choices(Facts(), claim)
    nested: Any = x
    for i, a in enumerate(many * 3):
        nested = Min(Max(nested, a), a + i)
    assert by_lattice(Facts(), nested <= x) is None
    by_choices(Facts(), nested <= x)


# --------------------------------------------------------------------------- certificates

PLAIN_FORMS = (
    "Min({}, {})", "Max({}, {})", "abs({})", "Where({} < {}, {}, {})", "({} + {})",
    "({} - {})", "(2*{} - {})", "TruncDiv({}, 3)", "Min({}, {}, {})", "({}//2)",
)  # fmt: skip
IDENTITIES = (
    "Min({0}, {1}) <= Max({0}, {1})",
    "Min({0}, {1}) + Max({0}, {1}) == {0} + {1}",
    "abs({0} - {1}) >= {0} - {1}",
    "Where({0} < {1}, {0}, {1}) == Min({0}, {1})",
    "Min({0}, {1}) <= {0} or Max({0}, {1}) <= 3",
    "Implies({0} <= {1}, Max({0}, {1}) == {1})",
    "{0} <= {1}",
    "{0} != {1}",
)


def _term(draw: random.Random, depth: int) -> str:
    if not depth or draw.random() < 0.2:
        return draw.choice("xyz") if draw.random() < 0.8 else f"({draw.randint(-3, 4)})"
    form = draw.choice(PLAIN_FORMS)
    return form.format(*(_term(draw, depth - 1) for _ in range(form.count("{}"))))


def _drawn(draw: random.Random) -> tuple[Facts, BoolExpr]:
    """Facts that are not seen to contradict each other, and a claim."""
    env = ShapeEnv()
    for name in "xyz":
        env.integer(name)
    facts = Facts()
    for _ in range(draw.choice((0, 1, 2))):
        relation = f"{_term(draw, 1)} {draw.choice(('<=', '==', '!='))} {_term(draw, 1)}"
        fact = env.spelled(relation).expr
        assert isinstance(fact, BoolExpr)
        learned = facts.extended(Fact(fact, "assumed"))
        if isinstance(learned, Facts):
            facts = learned
    form = draw.choice(IDENTITIES)
    claim = env.spelled(form.format(_term(draw, 2), _term(draw, 2))).expr
    assert isinstance(claim, BoolExpr)
    return facts, claim


def _proofs(start: int, count: int) -> Iterator[tuple[Facts, BoolExpr, Proof]]:
    for seed in range(start, start + count):
        facts, claim = _drawn(random.Random(seed))
        proof = None if claim.is_constant else by_choices(facts, claim)
        if proof is not None:
            yield facts, claim, proof


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_proofs_by_choices_have_certificates(start: int) -> None:
    """Each is accepted with the facts that the proof names, and what it proves is true."""
    found = 0
    for _, claim, proof in _proofs(start, 50):
        found += 1
        assert isinstance(proof.certificate, Refutation)
        check(proof.certificate, proof.facts, claim)
        assert refuting(claim, [fact.claim for fact in proof.facts]) is None
        assert str(proof_tree(proof, claim))
    assert found > 10


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("names", ["xyz", "xzy", "yxz", "yzx", "zxy", "zyx"])
def test_certificates_do_not_rest_on_ends_that_crept(names: str, k: int) -> None:
    """``z <= x + .. < z`` with one end each: as far as the steps go, in one order of the facts
    the ends meet and in another they do not."""
    ranges: dict[str, Any] = {"x": {"min": 0}, "y": {"min": 0, "max": 4095}, "z": {"max": 50}}
    for earlier in ("", "Max(z, x)//2 >= x - 5", "x//2 <= z//2"):
        env = ShapeEnv()
        for name in names:
            env.integer(name, **ranges[name])
        if earlier:
            env.prove(earlier)
        claim = env.spelled(f"Max(z, x)//{k}*{k} - x % 2 <= Max(z//{k}*{k}, x//{k}*{k})").expr
        assert isinstance(claim, BoolExpr)
        proof = by_choices(env.facts, claim)
        assert proof is not None
        assert proof.certificate is not None
        check(proof.certificate, proof.facts, claim)


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_certificates_by_choices_prove_one_claim(claim: BoolExpr) -> None:
    if claim.is_constant:
        return
    proof = by_choices(Facts(), claim)
    assert proof is not None
    check(proof.certificate, (), claim)  # type: ignore[arg-type]
    for other in NEIGHBOURS.values():
        with pytest.raises(CertificateError):
            check(proof.certificate, (), other)  # type: ignore[arg-type]


def _changed(part: Any, draw: random.Random) -> Any:
    """A certificate with one thing changed, somewhere inside."""
    if isinstance(part, (Refutation, Denial)):
        return replace(part, inner=_changed(part.inner, draw))
    if not isinstance(part, Split):
        return part
    way = draw.randrange(5)
    place = draw.randrange(len(part.cases)) if part.cases else 0
    if way == 0 and part.cases:
        cases = part.cases[:place] + part.cases[place + 1 :]
        return replace(
            part, cases=cases, branches=part.branches[:place] + part.branches[place + 1 :]
        )
    if way == 1 and part.branches:
        others = list(part.branches)
        others[place] = others[-1 - place]
        return replace(part, branches=tuple(others))
    if way == 2:
        subject = draw.choice([Min(x, y), Max(x, y), Abs(x), Where(x <= y, x, y)])
        return replace(part, subjects=(subject,))
    if way == 3:
        rules = ("choice", "disjunction", "disequality", "least", "greatest")
        return replace(part, rule=draw.choice(rules))
    branches = list(part.branches)
    if branches:
        branches[place] = _changed(branches[place], draw)
    return replace(part, branches=tuple(branches))


@pytest.mark.parametrize("start", range(200, 320, 40))
def test_changed_certificates_by_choices_prove_nothing_false(start: int) -> None:
    """A false neighbour of what was proved is not shown by any change of the certificate."""
    draw = random.Random(start)
    refused = 0
    for facts, claim, proof in _proofs(start, 40):
        if claim.args[0].kind != "int":
            continue
        stronger = [le_zero(shift(claim.args[0], k)) for k in (1, 3, 40)]
        for other in (negation(claim), *stronger):
            assert isinstance(proof.certificate, Refutation)
            denied = Fact(negation(other), "given")
            forged = replace(proof.certificate, assumed=denied)
            for _ in range(3):
                try:
                    check(_changed(forged, draw), list(facts), other)
                except ShapeproofError:
                    refused += 1
                    continue
                assert refuting(other, [fact.claim for fact in facts]) is None
    assert refused > 40


@pytest.mark.parametrize("start", range(0, 900, 300))
def test_the_rule_of_choices_is_exhaustive(start: int) -> None:
    """Whatever cases the checker takes for a choice: where the relation holds, one of them
    does. Right and wrong conditions are mixed at random."""
    accepted = 0
    for seed in range(start, start + 300):
        draw = random.Random(seed)
        atom: Any = draw.choice(
            [
                Min(x, y), Max(x, y), Abs(x - y), Where(x <= y, x + 1, z), Min(x, y, z),
                make("TruncDiv", x - y, constant(3)), Where(conjunction(x <= y, z <= x), y, 2 * z),
            ]
        )  # fmt: skip
        c = draw.choice((-2, -1, 1, 2, 0))
        e: Any = c * atom + draw.choice([z, -x, y, atom // 2, Min(atom, z) - x])
        if draw.random() < 0.7:
            claim = le_zero(e)
        else:
            claim = draw.choice([equal(e, constant(0)), negation(equal(e, constant(0)))])
        if claim.is_constant:
            continue
        cases = []
        for arm, when in _arms(atom):
            among = [substitute(claim, {atom: arm})]
            if claim.op.name == "LeZero" or draw.random() < 0.1:
                among.append(le_zero(e - c * atom + c * arm))
            parts = draw.sample(among, draw.randint(0, len(among)))
            parts += [p for p in when if draw.random() < 0.6]
            if draw.random() < 0.1:
                parts.append(draw.choice([x <= y, z <= 0, e <= -1]))
            cases.append(conjunction(*parts))
        if draw.random() < 0.3:
            cases.pop(draw.randrange(len(cases)))
        stated = tuple(Fact(case, "given") for case in cases if not case.is_constant)
        split = Split("choice", (atom,), (Premise(claim, "fact"),), stated, ())
        if not _exhaustive(split):
            continue
        accepted += 1
        for point in product(range(-4, 5), repeat=3):
            env = dict(zip((x, y, z), point))
            if evaluate(claim, env):
                assert any(evaluate(fact.claim, env) for fact in stated), (split, point)
    assert accepted > 30
