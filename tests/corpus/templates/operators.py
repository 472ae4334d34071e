"""Templates of the other operators, of connectives and of combined remainders.

Each docstring's first line stands above the draws in the files.
"""

from __future__ import annotations

from math import gcd
from random import Random

from tests.corpus.templates.draw import Draw, plus, total

# --------------------------------------------------------------------------- minima, maxima


def shifted_maximum(r: Random) -> Draw:
    """A constant on every operand leaves the maximum (minimum)."""
    a, b, k = r.randint(-5, 5), r.randint(-5, 5), r.randint(1, 6)
    name = r.choice(("Min", "Max"))
    left = f"{name}({plus('x', a + k)}, {plus('y', b + k)})"
    right = f"{name}({plus('x', a)}, {plus('y', b)})"
    return Draw("", f"{left} == {right} + {k}", "cases", (f"{left} == {right} + {k + 1}!",))


def clamp(r: Random) -> Draw:
    """A clamped value lies between the ends."""
    low = r.randint(-6, 4)
    high = low + r.randint(2, 9)
    side = f"Max({low}, Min(x, {high}))"
    if r.random() < 0.5:
        return Draw("", f"{side} <= {high}", "ranges", (f"{side} < {high}",), "-12..15")
    return Draw("", f"{side} >= {low}", "ranges", (f"{side} > {low}",), "-12..15")


def known_order(r: Random) -> Draw:
    """Where the order is known, the minimum is."""
    k, j = r.randint(-4, 6), r.randint(0, 5)
    return Draw(
        f"x <= {plus('y', k)}", f"Min(x, {plus('y', k + j)}) == x", "linear",
        (f"without x <= {plus('y', k)}", f"Min(x, {plus('y', k - 1)}) == x"), "-9..9",
    )  # fmt: skip


def distance(r: Random) -> Draw:
    """A bound on a distance is a bound on both sides."""
    a, b = r.randint(-5, 5), r.randint(0, 6)
    fact = f"abs({plus('x', -a)}) <= {b}"
    return Draw(
        fact, f"{a - b} <= x and x <= {a + b}", "cases",
        (f"{a - b} <= x and x < {a + b}",), "-14..14",
    )  # fmt: skip


def scaled_maximum(r: Random) -> Draw:
    """A positive factor leaves the maximum, a negative one turns it."""
    c, k = r.randint(2, 6), r.randint(-4, 4)
    inner = f"Max(x, {plus('y', k)})"
    if r.random() < 0.5:
        left = f"Max({c}*x, {total([(c, 'y')], c * k)})"
        return Draw("", f"{left} == {c}*{inner}", "cases", (f"{left} == {c + 1}*{inner}",))
    left = f"Min(-{c}*x, {total([(-c, 'y')], -c * k)})"
    return Draw("", f"{left} == -{c}*{inner}", "cases", (f"{left} == -{c + 1}*{inner}",))


# --------------------------------------------------------------------------- where


def where_as_maximum(r: Random) -> Draw:
    """A choice by comparison is a maximum (minimum)."""
    a = r.randint(-5, 7)
    if r.random() < 0.5:
        return Draw(
            "", f"Where(x <= {a}, {a}, x) == Max(x, {a})", "cases",
            (f"Where(x <= {a}, {a + 1}, x) == Max(x, {a})",), "-9..12",
        )  # fmt: skip
    return Draw(
        "", f"Where(x < {a}, x, {a}) == Min(x, {a})", "cases",
        (f"Where(x < {a + 2}, x, {a}) == Min(x, {a})",), "-9..12",
    )  # fmt: skip


def both_arms(r: Random) -> Draw:
    """What holds of both arms holds of the choice."""
    a, b = r.randint(-4, 5), r.randint(-4, 5)
    low, side = min(a, b), "Where(p, x, y)"
    return Draw(
        f"p: bool; x >= {a}; y >= {b}", f"{side} >= {low}", "ranges",
        (f"{side} > {low}", f"without {'x' if a == low else 'y'} >= {low}"),
    )  # fmt: skip


def arm_under_its_condition(r: Random) -> Draw:
    """An arm is needed only where its condition holds."""
    a, k = r.randint(-3, 5), r.randint(1, 5)
    side = f"Where(x >= {a}, {plus('x', k)}, {a + k})"
    return Draw("", f"{side} >= {a + k}", "cases", (f"{side} > {a + k}",))


def flag(r: Random) -> Draw:
    """A number that is 0 or 1 chooses like a condition."""
    a, b = r.randint(-5, 9), r.randint(-5, 9)
    if a == b:
        b += 1
    side = f"Where(q == 1, {a}, {b})"
    return Draw(
        "q in 0..1", f"{side} == {total([(a - b, 'q')], b)}", "cases",
        (f"{side} == {total([(a - b, 'q')], b + 1)}!", "with q in 0..2 for q in 0..1"),
    )  # fmt: skip


# --------------------------------------------------------------------------- products


def product_of_lower_bounds(r: Random) -> Draw:
    """A product of what is not negative grows with both factors."""
    a, b, k = r.randint(1, 5), r.randint(1, 5), r.randint(1, 4)
    side = total([(k, "x*y")])
    return Draw(
        f"x >= {a}; y >= {b}", f"{side} >= {k * a * b}", "ranges",
        (f"{side} > {k * a * b}", f"without y >= {b}"),
    )  # fmt: skip


def product_of_ranges(r: Random) -> Draw:
    """A product over a box is extreme in a corner."""
    ends = [(low := r.randint(-6, 4), low + r.randint(1, 7)) for _ in range(2)]
    corners = [x * y for x in ends[0] for y in ends[1]]
    declared = "; ".join(f"{n} in {low}..{high}" for n, (low, high) in zip("xy", ends))
    low, top = min(corners), max(corners)
    if r.random() < 0.5:
        return Draw(declared, f"x*y <= {top}", "ranges", (f"x*y < {top}",), "-9..12")
    return Draw(declared, f"x*y >= {low}", "ranges", (f"x*y > {low}",), "-9..12")


def expanded(r: Random) -> Draw:
    """Products of sums are multiplied out."""
    a, b, c = r.randint(-4, 5), r.randint(-4, 5), r.randint(1, 4)
    left = f"({total([(c, 'x')], a)})*({plus('y', b)})"
    parts = [(c, "x*y"), (c * b, "x"), (a, "y")]
    return Draw(
        "", f"{left} == {total(parts, a * b)}", "canonical",
        (f"{left} == {total(parts, a * b + 1)}!",),
    )  # fmt: skip


def index_into_rows(r: Random) -> Draw:
    """An index within a row of n stays within k rows."""
    k = r.randint(2, 9)
    return Draw(
        f"n >= 1; i in 0..{k - 1}; j >= 0; j < n", f"i*n + j < {k}*n", "linear",
        (f"i*n + j < {k}*n - 1", "with j <= n for j < n"), "n 1..5, i 0..9, j 0..6",
    )  # fmt: skip


def common_positive_factor(r: Random) -> Draw:
    """A factor that is at least one may be cancelled in a comparison."""
    a, b = r.randint(1, 4), r.randint(-4, 5)
    known = f"n >= 1; {total([(a, 'n*x')])} <= {total([(a, 'n*y'), (a * b, 'n')])}"
    return Draw(
        known, f"x <= {plus('y', b)}", "linear",
        (f"x <= {plus('y', b - 1)}", "with n >= 0 for n >= 1"), "n 0..4, x -9..9, y -9..9",
    )  # fmt: skip


def exact_cancelling(r: Random) -> Draw:
    """A divisibility of products is freed from what both sides share."""
    g, a, b = r.randint(2, 9), r.randint(2, 6), r.randint(2, 5)
    if gcd(a, b) > 1:
        b = a + 1
    known = f"r >= 1; ({g * a}*s) % ({g * b}*r) == 0"
    return Draw(
        known, f"({a}*s) // ({b}*r) * ({b}*r) == {a}*s", "canonical",
        (f"without ({g * a}*s) % ({g * b}*r) == 0",), "r 1..6, s -9..12",
    )  # fmt: skip


# --------------------------------------------------------------------------- powers, shifts


def shift_by_constant(r: Random) -> Draw:
    """Shifts by constants are products and quotients."""
    s, k = r.randint(1, 6), r.randint(0, 9)
    if r.random() < 0.5:
        left = f"({plus('x', k)}) << {s}"
        right = total([(2**s, "x")], k * 2**s)
        return Draw("", f"{left} == {right}", "canonical", (f"{left} == {right} + 1!",))
    left = f"(x + {k * 2**s}) >> {s}"
    return Draw(
        "", f"{left} == x // {2**s} + {k}", "canonical", (f"{left} == x // {2**s} + {k + 1}!",)
    )


def power_of_a_range(r: Random) -> Draw:
    """An even power is least at zero, an odd one is monotone."""
    low, e = r.randint(-5, 3), r.randint(2, 3)
    high = low + r.randint(1, 6)
    values = [x**e for x in range(low, high + 1)]
    if r.random() < 0.5:
        top = max(values)
        return Draw(f"x in {low}..{high}", f"x**{e} <= {top}", "ranges", (f"x**{e} < {top}",))
    least = min(values)
    return Draw(f"x in {low}..{high}", f"x**{e} >= {least}", "ranges", (f"x**{e} > {least}",))


def shift_of_a_range(r: Random) -> Draw:
    """A shift by a variable is monotone in both."""
    top, s = r.randint(3, 15), r.randint(2, 5)
    side = "x << s" if r.random() < 0.5 else "x*2**s"
    return Draw(
        f"x in 0..{top}; s in 0..{s}", f"{side} <= {top * 2**s}", "ranges",
        (f"{side} < {top * 2**s}",), "0..15",
    )  # fmt: skip


def power_of_two_range(r: Random) -> Draw:
    """A power of two over a range of exponents."""
    low = r.randint(0, 4)
    high = low + r.randint(1, 6)
    return Draw(
        f"n in {low}..{high}", f"{2**low} <= 2**n and 2**n <= {2**high}", "ranges",
        (f"{2**low} <= 2**n and 2**n < {2**high}",), "0..12",
    )  # fmt: skip


def divided_by_a_power(r: Random) -> Draw:
    """What a large power of two divides, every smaller one does."""
    top, c = r.randint(2, 4), r.choice((1, 3, 5))
    return Draw(
        f"s in 0..{top}; x % {c * 2**top} == 0", "x % 2**s == 0", "cases",
        (f"with s in 0..{top + 1} for s in 0..{top}",), "s 0..6, x -60..60",
    )  # fmt: skip


# --------------------------------------------------------------------------- bits


def mask(r: Random) -> Draw:
    """A mask of low bits is a modulo."""
    k, c = r.randint(1, 6), r.randint(0, 9)
    side = f"({plus('x', c)}) & {2**k - 1}"
    return Draw(
        "", f"{side} == ({plus('x', c)}) % {2**k}", "canonical",
        (f"{side} == ({plus('x', c + 1)}) % {2**k}!",), "-20..20",
    )  # fmt: skip


def and_with_a_constant(r: Random) -> Draw:
    """What is masked is at most the mask."""
    m = r.randint(3, 40)
    return Draw("", f"(x & {m}) <= {m}", "ranges", (f"(x & {m}) < {m}",), "-64..64")


def or_of_ranges(r: Random) -> Draw:
    """Or and exclusive or stay within the bits of the larger operand."""
    bits = r.randint(2, 5)
    a, b = r.randint(2 ** (bits - 1), 2**bits - 1), r.randint(1, 2**bits - 1)
    op = r.choice("|^")
    low = max((x | y) if op == "|" else (x ^ y) for x in range(a + 1) for y in range(b + 1))
    return Draw(
        f"x in 0..{a}; y in 0..{b}", f"x {op} y <= {2**bits - 1}", "ranges",
        (f"x {op} y < {low}",), "0..31",
    )  # fmt: skip


def disjoint_bits(r: Random) -> Draw:
    """Or of disjoint bits is a sum."""
    k = r.randint(1, 5)
    return Draw(
        f"x % {2**k} == 0; y in 0..{2**k - 1}", "x | y == x + y", "linear",
        (f"with y in 0..{2**k} for y in 0..{2**k - 1}",), "x -64..64, y 0..32",
    )  # fmt: skip


def cleared_bits(r: Random) -> Draw:
    """Clearing low bits rounds down."""
    k, c = r.randint(1, 5), r.randint(0, 5)
    side = f"({plus('x', c)}) & -{2**k}"
    return Draw(
        "", f"{side} >= {plus('x', c - 2**k + 1)}", "linear",
        (f"{side} >= {plus('x', c - 2**k + 2)}",), "-20..20",
    )  # fmt: skip


# --------------------------------------------------------------------------- boolean


def implied_bound(r: Random) -> Draw:
    """A stronger bound implies a weaker one."""
    a, k, c = r.randint(-5, 5), r.randint(1, 4), r.randint(2, 4)
    strong, weak = f"{c}*x >= {c * (a + k) - 1}", f"x >= {a}"
    return Draw("", f"Implies({strong}, {weak})", "cases", (f"Implies({weak}, {strong})",))


def one_of_two(r: Random) -> Draw:
    """What holds in both cases holds."""
    a, b = r.randint(-5, 2), r.randint(3, 8)
    return Draw(
        f"x == {a} or x == {b}", f"{a} <= x and x <= {b}", "cases",
        (f"{a} < x and x <= {b}", f"with x == {a} or x >= {b} for x == {a} or x == {b}"),
        "-9..12",
    )  # fmt: skip


def chosen_case(r: Random) -> Draw:
    """A case that is excluded leaves the other."""
    a = r.randint(-4, 2)
    b = a + r.randint(2, 6)
    m = r.randint(a + 1, b)
    facts = f"x <= {a} or x >= {b}; x >= {m}"
    neighbours = (f"x > {b}", f"without x >= {m}")
    return Draw(facts, f"x >= {b}", "cases", neighbours, "-9..12")


def implications_with_bounds(r: Random) -> Draw:
    """An implication fires when its condition follows."""
    a, b, k = r.randint(-4, 4), r.randint(-4, 4), r.randint(0, 3)
    facts = f"Implies(x >= {a}, y >= {b}); x >= {a + k}"
    neighbours = (f"y > {b}", f"without x >= {a + k}", f"with x >= {a - 1} for x >= {a + k}")
    return Draw(facts, f"y >= {b}", "cases", neighbours)


def named_condition(r: Random) -> Draw:
    """A condition with a name."""
    a, k = r.randint(-4, 5), r.randint(0, 3)
    facts = f"p: bool; p == (x > {a}); x > {a + k}"
    neighbours = ("not p!", f"with x >= {a} for x > {a + k}", f"without x > {a + k}")
    return Draw(facts, "p", "cases", neighbours)


def negated_connective(r: Random) -> Draw:
    """De Morgan on relations."""
    a = r.randint(-4, 3)
    b = a + r.randint(1, 5)
    left = f"not (x < {a} or x > {b})"
    return Draw(
        "", f"({left}) == ({a} <= x and x <= {b})", "canonical",
        (f"({left}) == ({a} <= x or x <= {b})",), "-9..12",
    )  # fmt: skip


# --------------------------------------------------------------------------- congruences


def combination_of_remainders(r: Random) -> Draw:
    """A sum with known remainders has a known remainder."""
    m, a, b = r.randint(3, 9), r.randint(1, 5), r.choice((-3, -2, -1, 1, 2, 3))
    i, j = r.randrange(m), r.randrange(m)
    k = (a * i + b * j) % m
    side = f"({total([(a, 'x'), (b, 'y')])})"
    return Draw(
        f"x % {m} == {i}; y % {m} == {j}", f"{side} % {m} == {k}", "ranges",
        (f"{side} % {2 * m} == {k}", f"{side} % {m} == {(k + 1) % m}!"), "-20..20",
    )  # fmt: skip


def product_of_remainders(r: Random) -> Draw:
    """A product with known remainders has a known remainder."""
    m = r.randint(3, 8)
    i, j = r.randrange(m), r.randrange(m)
    k = i * j % m
    return Draw(
        f"x % {m} == {i}; y % {m} == {j}", f"(x*y) % {m} == {k}", "ranges",
        (f"(x*y) % {m * m} == {k}", f"without y % {m} == {j}"), "-20..20",
    )  # fmt: skip


def only_one_left(r: Random) -> Draw:
    """Between two bounds only one value has that remainder."""
    m = r.randint(3, 12)
    x = r.randint(-9, 15)
    low, high = x - r.randint(1, m - 1), x + r.randint(1, m - 1)
    known = f"x % {m} == {x % m}; x >= {low}; x <= {high}"
    return Draw(
        known, f"x == {x}", "ranges", (f"x == {x + 1}!", f"without x <= {high}"), "-30..40"
    )


def remainder_of_a_quotient(r: Random) -> Draw:
    """Dividing by a part of the modulus divides the remainder."""
    a, m = r.randint(2, 5), r.randint(2, 5)
    k = r.randrange(a * m)
    return Draw(
        f"n % {a * m} == {k}", f"(n // {a}) % {m} == {k // a}", "ranges",
        (
            f"(n // {a}) % {2 * m} == {k // a}",
            f"with n % {a} == {k % a} for n % {a * m} == {k}",
        ),
        "-60..60",
    )  # fmt: skip
