"""Linear reasoning: sound by enumeration, complete on a table, near linear in size."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shapes.arith import constraint as rows_module
from shapes.arith.certificate import Linear, Parts
from shapes.arith.checker import check
from shapes.arith.constraint import Elimination, Row
from shapes.arith.system import linear, refuted
from shapes.errors import ContradictionError
from shapes.expr.nodes import FALSE, symbol
from shapes.facts.store import Fact, Facts
from shapes.prove.ladder import METHODS
from tests.builds import interpreted_only
from tests.shapes.reasoning_help import question, random_question, verified

# facts, a claim that follows, and a near one that does not
TABLE = [
    (["u <= 4*b", "b <= 64"], "u - 3*b <= 64", "u - 3*b <= 63"),
    (["2*x == 3*y", "y >= 1"], "x >= 3", "x >= 4"),
    (["2*x == 3*y", "y >= 1", "x + y <= 9"], "x == 3", "x == 6"),
    (["a < b", "b < c", "c < d"], "a + 3 <= d", "a + 4 <= d"),
    (["x + y == z", "z % 2 == 0"], "(x - y) % 2 == 0", "(x - y) % 4 == 0"),
    (["4*a + 6*b == c + 1"], "c != 6", "c != 7"),
    (["6*a + 10*b + 15*c == 1", "a == b"], "c % 16 != 1", "c % 16 != 15"),
    (["x <= y", "x != y"], "x < y", "x + 1 < y"),
    (["0 <= x", "x != 0", "x != 1"], "x >= 2", "x >= 3"),
    ([], "(x + 3)//4 >= x//4", "(x + 3)//4 > x//4"),
    ([], "x//4*4 <= x", "x//4*4 < x"),
    ([], "(x + y)//2 <= x//2 + y//2 + 1", "(x + y)//2 <= x//2 + y//2"),
    (["x % 2 == 0", "x % 3 == 0"], "x % 6 == 0", "x % 12 == 0"),
    (["x % 4 == 1"], "x % 2 == 1", "x % 8 == 1"),
    (["n == 4*m", "k <= n//4"], "k <= m", "k < m"),
    (["y >= 1"], "x % y < y", "x % y < y - 1"),
    (["y <= -1"], "x % y > y", "x % y > y + 1"),
    (["b >= 1", "a <= n*b"], "a//b <= n", "a//b < n"),
    (["b >= 1", "a >= n*b"], "a//b >= n", "a//b > n"),
    (["b >= 1", "a <= c"], "a//b <= c//b", "a//b < c//b"),
    (["b >= 1"], "(a + b - 1)//b <= a//b + 1", "(a + b - 1)//b <= a//b"),
    (["a >= 0", "b >= 1", "c >= b"], "a//c <= a//b", "a//b <= a//c"),
    (["n >= 1", "k >= 2"], "n//k < n", "n//k < n - 1"),
    (["h + 2*p >= k", "s >= 1"], "(h + 2*p - k)//s + 1 >= 1", "(h + 2*p - k)//s >= 1"),
    (["s >= 1", "k >= 1", "k <= h"], "((h - k)//s + 1)*s >= h - k + 1",
     "((h - k)//s + 1)*s >= h - k + 2"),
    (["s1 >= 1", "s0 >= 0"], "s0*s1 >= s0", "s0*s1 > s0"),
    ([], "b*b >= b", "b*b > b"),
    (["x >= 3"], "x*x >= 3*x", "x*x > 3*x"),
    (["a <= b", "c >= 0"], "a*c <= b*c", "a*c < b*c"),
    (["0 <= i", "i < n", "0 <= j", "j < m"], "i*m + j < n*m", "i*m + j < n*m - 1"),
    (["a >= 1", "b >= 1", "c >= 1"], "a*b*c >= a", "a*b*c > a"),
    (["0 <= p", "p <= 1"], "p*p == p", "p*p == 1"),
    ([], "Min(x, y) + Max(x, y) == x + y", "Min(x, y) + Max(x, y) > x + y"),
    (["x <= y"], "Min(x, y) == x", "Max(x, y) == x"),
    (["x >= 0"], "abs(x) == x", "abs(x) == x + 1"),
    (["p > 0", "Where(p > 0, x, y) >= 5"], "x >= 5", "y >= 5"),
    (["a >= 0", "b >= 1"], "TruncDiv(a, b) == a//b", "TruncDiv(a, b) < a//b"),
    ([], "3*TruncDiv(x, 3) <= x + 2", "3*TruncDiv(x, 3) <= x + 1"),
    (["s >= 0"], "2**s >= s + 1", "2**s > s + 1"),
    (["0 <= s", "s <= t"], "2**s <= 2**t", "2**s < 2**t"),
    (["s >= 0"], "2**(s + 2) == 4*2**s", "2**(s + 2) == 2*2**s"),
    (["x >= 0", "y >= 0"], "x & y <= x", "x & y < x"),
    (["x >= 0", "y >= 0"], "x | y >= y", "x | y > y"),
    ([], "(x | y) + (x & y) == x + y", "(x | y) == x + y"),
    ([], "(x ^ y) + 2*(x & y) == x + y", "(x ^ y) == x + y"),
    (["r >= 1", "(1600*s) % (32*r) == 0"], "50*s == r*((50*s)//r)", "25*s == r*((25*s)//r)"),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "claim", "neighbour"), TABLE, ids=[t[1] for t in TABLE])
def test_proves_what_follows_and_not_its_neighbour(
    facts: list[str], claim: str, neighbour: str
) -> None:
    asked = question(claim, *facts)
    before = [METHODS[name](asked.facts, asked.claim) for name in ("canonical", "ranges")]
    assert verified(asked, linear(asked.facts, asked.claim)) or any(before)
    near = question(neighbour, *facts)
    assert linear(near.facts, near.claim) is None


@settings(max_examples=300)
@given(st.integers(0, 10**9), st.booleans())
def test_whatever_is_proved_holds(seed: int, rich: bool) -> None:
    asked = random_question(seed, rich)
    if asked is None or not verified(asked, linear(asked.facts, asked.claim)):
        return
    assert asked.counterexample() is None, asked.text


def test_the_proof_names_only_what_it_uses() -> None:
    asked = question("a < c", "a < b", "b < c", "c < d", "a >= 0", "b % 2 == 0")
    proof = linear(asked.facts, asked.claim)
    assert proof is not None
    assert [fact.text for fact in proof.facts] == ["a < b", "b < c"]
    assert proof.method == "linear arithmetic"


def test_solved_equalities_are_named() -> None:
    asked = question("k <= m", "n == 4*m", "k <= n//4")
    proof = linear(asked.facts, asked.claim)
    assert proof is not None
    assert {fact.text for fact in proof.facts} == {"n == 4*m", "k <= n//4"}


def test_an_equality_is_proved_from_both_sides() -> None:
    asked = question("x == y", "x <= y", "y <= z", "z <= x")
    proof = linear(asked.facts, asked.claim)
    assert verified(asked, proof)
    assert proof is not None
    assert isinstance(proof.certificate, Parts)


@pytest.mark.parametrize(
    ("facts", "culprits"),
    [
        (["a <= b", "b <= c", "c < a", "d <= a"], 3),
        (["a + b <= 1", "b + c <= 1", "a + c <= 1", "a + b + c >= 2", "d <= a"], 4),
    ],
)
def test_contradictory_facts_are_refuted(facts: list[str], culprits: int) -> None:
    asked = question("a + b + c + d >= 0", *facts)
    found = refuted(asked.facts, FALSE, asked.claim)
    assert found is not None
    certificate, used = found
    assert len(used) == culprits
    check(certificate, list(used), FALSE)


def test_what_propagation_sees_is_refused_at_the_statement() -> None:
    with pytest.raises(ContradictionError) as caught:
        question("a + b + c + d >= 0", "a <= 2*b", "a >= 2*b", "a % 2 == 1")
    assert len(caught.value.culprits) == 3


def test_facts_are_left_as_they_were() -> None:
    asked = question("u - 3*b <= 64", "u <= 4*b", "b <= 64")
    before = list(asked.facts)
    linear(asked.facts, asked.claim)
    assert list(asked.facts) == before


def test_conditions_that_are_no_relations_are_left_to_others() -> None:
    asked = question("x < y or y < x", "x != y")
    assert linear(asked.facts, asked.claim) is None


def test_huge_constants_are_exact() -> None:
    big = 10**30
    asked = question(f"x - z <= {2 * big}", f"x <= y + {big}", f"y <= z + {big}")
    assert verified(asked, linear(asked.facts, asked.claim))
    near = question(f"x - z <= {2 * big - 1}", f"x <= y + {big}", f"y <= z + {big}")
    assert linear(near.facts, near.claim) is None


# --------------------------------------------------------------------------- growth


def _chain(length: int) -> tuple[list[object], Facts]:
    u = [symbol(f"u{i}") for i in range(length + 1)]
    facts = Facts()
    for i in range(length):
        facts = facts.given(Fact(u[i] <= u[i + 1]))
    return u, facts  # type: ignore[return-value]


@interpreted_only
@pytest.mark.parametrize("length", [30, 600])
def test_a_chain_takes_one_step_per_fact(length: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The budget of the path search is the number of steps: it is set to just that."""
    import shapes.arith.system as elimination

    monkeypatch.setattr(elimination, "PATH_STEPS", 2)
    u, facts = _chain(length)
    proof = linear(facts, u[0] <= u[length])  # type: ignore[operator]
    assert proof is not None
    assert len(proof.facts) == length
    assert isinstance(proof.certificate, Linear)
    assert len(proof.certificate.steps) == length + 2
    check(proof.certificate, list(facts), u[0] <= u[length])  # type: ignore[operator]
    assert linear(facts, u[length] <= u[0]) is None  # type: ignore[operator]


@interpreted_only
def test_unrelated_facts_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    _, facts = _chain(300)
    a, b, c = symbol("a"), symbol("b"), symbol("c")
    facts = facts.given(Fact(a <= 4 * b), Fact(b <= 2 * c))
    seen: list[int] = []
    original = Elimination.__init__

    def counted(self: Elimination, rows: list[Row], budget: int) -> None:
        seen.append(len(rows))
        original(self, rows, budget)

    monkeypatch.setattr(Elimination, "__init__", counted)
    assert linear(facts, a - 3 * b <= 2 * c) is not None
    assert seen
    assert max(seen) < 12


def test_the_budget_of_elimination_holds() -> None:
    """A system that elimination cannot finish ends within its steps, and is not decided."""
    names = [symbol(f"x{i}") for i in range(24)]
    rows = []
    for i in range(90):
        terms = {names[(i * k + k) % 24]: (-1) ** (i + k) * (k + 2) for k in range(1, 7)}
        rows.append(Row(dict(terms), -1000, False, leaf="given"))  # type: ignore[arg-type]
    elimination = Elimination(rows, 500)
    assert elimination.refutation() is None
    assert elimination.budget >= -2
    assert rows_module.ROW_LIMIT <= 1000
