"""Templates of sums, equalities, divisions and remainders.

Each docstring's first line stands above the draws in the files.
"""

from __future__ import annotations

from math import gcd
from random import Random

from tests.corpus.templates.draw import Draw, plus, total

# --------------------------------------------------------------------------- linear


def sum_of_two_facts(r: Random) -> Draw:
    """A positive combination of two facts about two symbols."""
    rows = [[r.randint(-3, 4) for _ in range(2)] for _ in range(2)]
    ends = [r.randint(-4, 12) for _ in range(2)]
    m = [r.randint(1, 3) for _ in range(2)]
    c = [sum(m[i] * rows[i][j] for i in range(2)) for j in range(2)]
    g = gcd(*c) or 1
    end = (m[0] * ends[0] + m[1] * ends[1]) // g
    facts = [f"{total(list(zip(row, 'xy')))} <= {e}" for row, e in zip(rows, ends)]
    side = total([(v // g, n) for v, n in zip(c, "xy")])
    missing = f"without {facts[1]}"
    return Draw(
        "; ".join(facts), f"{side} <= {end}", "linear", (f"{side} <= {end - 1}", missing),
        "-12..12",
    )  # fmt: skip


def sum_of_three_facts(r: Random) -> Draw:
    """A positive combination of three facts about three symbols."""
    rows = [[r.randint(-2, 3) for _ in range(3)] for _ in range(3)]
    ends = [r.randint(-3, 9) for _ in range(3)]
    c = [sum(row[j] for row in rows) for j in range(3)]
    g = gcd(*c) or 1
    facts = [f"{total(list(zip(row, 'xyz')))} <= {e}" for row, e in zip(rows, ends)]
    side, end = total([(v // g, n) for v, n in zip(c, "xyz")]), sum(ends) // g
    return Draw(
        "; ".join(facts), f"{side} <= {end}", "linear",
        (f"{side} <= {end - 1}", f"without {facts[0]}"), "-9..9",
    )  # fmt: skip


def corner_of_a_box(r: Random) -> Draw:
    """A sum over a box is largest in a corner."""
    ends = [(low := r.randint(-5, 5), low + r.randint(1, 6)) for _ in range(2)]
    c = [r.choice((-3, -2, 2, 3, 4, 5)) for _ in range(2)]
    k = r.randint(-5, 5)
    top = k + sum(v * (high if v > 0 else low) for v, (low, high) in zip(c, ends))
    declared = "; ".join(f"{n} in {low}..{high}" for n, (low, high) in zip("xy", ends))
    side = total(list(zip(c, "xy")), k)
    return Draw(declared, f"{side} <= {top}", "ranges", (f"{side} < {top}",), "-9..12")


def rounded_by_the_content(r: Random) -> Draw:
    """What all coefficients share rounds the constant."""
    g, a, b = r.randint(2, 9), r.randint(1, 4), r.choice((-3, -2, -1, 1, 2, 3))
    end = g * r.randint(-4, 6) + r.randint(1, g - 1)
    side = total([(a, "x"), (b, "y")])
    known = f"{total([(g * a, 'x'), (g * b, 'y')])} <= {end}"
    return Draw(known, f"{side} <= {end // g}", "canonical", (f"{side} <= {end // g - 1}",))


def parts_of_a_whole(r: Random) -> Draw:
    """Parts that are at least so large leave at most the rest for one."""
    count = r.randint(2, 4)
    names = [f"u{i}" for i in range(count)]
    least = [r.randint(0, 3) for _ in range(count)]
    whole = sum(least) + r.randint(1, 5)
    most = whole - sum(least[1:])
    facts = [f"{n} >= {k}" for n, k in zip(names, least)] + [f"{' + '.join(names)} <= {whole}"]
    return Draw(
        "; ".join(facts), f"u0 <= {most}", "ranges",
        (f"u0 < {most}", f"without {facts[1]}"), "-2..15" if count < 4 else "-1..9",
    )  # fmt: skip


# --------------------------------------------------------------------------- differences


def path(r: Random) -> Draw:
    """Differences along a path add up."""
    count = r.randint(3, 5)
    weights = [r.randint(-2, 3) for _ in range(count - 1)]
    names = "abcde"[:count]
    facts = [f"{names[i]} <= {plus(names[i + 1], w)}" for i, w in enumerate(weights)]
    last = names[-1]
    claim = f"{names[0]} <= {plus(last, sum(weights))}"
    closer = f"{names[0]} <= {plus(last, sum(weights) - 1)}"
    gap = f"without {facts[r.randrange(len(facts))]}"
    return Draw("; ".join(facts), claim, "linear", (closer, gap), "-5..6")


def tight_cycle(r: Random) -> Draw:
    """A cycle of weight zero fixes every difference on it."""
    a, b = r.randint(-3, 3), r.randint(-3, 3)
    facts = [f"x <= {plus('y', a)}", f"y <= {plus('z', b)}", f"z <= {plus('x', -a - b)}"]
    loose = f"with z <= {plus('x', 1 - a - b)} for {facts[2]}"
    return Draw(
        "; ".join(facts), f"x == {plus('y', a)}", "linear",
        (f"x == {plus('y', a + 1)}!", loose, f"without {facts[1]}"), "-8..9",
    )  # fmt: skip


def bound_through_a_difference(r: Random) -> Draw:
    """A bound on one end of a difference bounds the other."""
    k, low, width = r.randint(-4, 5), r.randint(-3, 4), r.randint(1, 5)
    high = low + width
    if r.random() < 0.5:
        known, claim = f"y in {low}..{high}; x - y <= {k}", f"x <= {high + k}"
        return Draw(known, claim, "ranges", (f"x < {high + k}",), "-9..16")
    known, claim = f"y in {low}..{high}; x - y >= {k}", f"x >= {low + k}"
    return Draw(known, claim, "ranges", (f"x > {low + k}",), "-9..16")


def path_back_is_closed(r: Random) -> Draw:
    """Where a path leads strictly up, the way back never holds."""
    a, b = r.randint(0, 3), r.randint(0, 3)
    known = f"{plus('x', a)} < y; {plus('y', b)} <= z"
    return Draw(
        known, f"z <= {plus('x', a + b)}", "linear", (f"z <= {plus('x', a + b + 1)}",),
        "-6..9", "NEVER",
    )  # fmt: skip


# --------------------------------------------------------------------------- equalities


def remainder_of_a_solution(r: Random) -> Draw:
    """``a*x - b*y == c`` with coprime a and b fixes x modulo b."""
    b = r.randint(2, 7)
    a = r.choice([v for v in range(2, 10) if gcd(v, b) == 1])
    c = r.randint(-6, 9)
    x = c * pow(a, -1, b) % b
    known = f"{total([(a, 'x'), (-b, 'y')])} == {c}"
    return Draw(
        known, f"x % {b} == {x}", "linear",
        (f"x % {2 * b} == {x}", f"x % {b} == {(x + 1) % b}!"), "-20..24",
    )  # fmt: skip


def two_by_two(r: Random) -> Draw:
    """Two independent equations have one solution."""
    x, y = r.randint(-4, 6), r.randint(-4, 6)
    a, b, c, d = (r.choice((-3, -2, -1, 1, 2, 3)) for _ in range(4))
    if a * d == b * c:
        a, b, c, d = 1, 1, 1, -1
    facts = [f"{total([(p, 'x'), (q, 'y')])} == {p * x + q * y}" for p, q in ((a, b), (c, d))]
    return Draw(
        "; ".join(facts), f"x == {x}", "ranges",
        (f"x == {x + 1}!", f"without {facts[1]}"), "-12..12",
    )  # fmt: skip


def chain_of_definitions(r: Random) -> Draw:
    """Definitions that lean on one another are substituted."""
    a, b, c, d = r.randint(2, 4), r.randint(-3, 4), r.randint(2, 3), r.randint(-3, 4)
    known = f"u == {total([(a, 'v')], b)}; v == {total([(c, 'w')], d)}"
    right = total([(a * c, "w")], a * d + b)
    wrong = total([(a * c, "w")], a * d + b + 1)
    return Draw(
        known, f"u == {right}", "canonical", (f"u == {wrong}!",),
        "u -60..60, v -16..16, w -4..4",
    )  # fmt: skip


def bound_of_a_defined_symbol(r: Random) -> Draw:
    """What is known of one side of an equality rounds the other."""
    a, low = r.randint(3, 9), r.randint(1, 20)
    low += low % a == 0
    least = -(-low // a) * a
    return Draw(
        f"n == {a}*k; n >= {low}", f"n >= {least}", "ranges",
        (f"n > {least}", f"without n >= {low}"), "n -10..50, k -6..9",
    )  # fmt: skip


# --------------------------------------------------------------------------- floor division


def multiple_leaves_the_division(r: Random) -> Draw:
    """A multiple of the divisor leaves the division."""
    c, a, k = r.randint(2, 9), r.randint(1, 5), r.randint(-12, 12)
    left = f"({total([(a * c, 'x'), (1, 'y')], k)}) // {c} == {total([(a, 'x')])}"
    right, wrong = f"({plus('y', k)}) // {c}", f"({plus('y', k + 1)}) // {c}"
    return Draw("", f"{left} + {right}", "canonical", (f"{left} + {wrong}",))


def quotient_of_a_range(r: Random) -> Draw:
    """A floor division by a constant is monotone."""
    c, low = r.randint(2, 9), r.randint(-12, 12)
    high = low + r.randint(3, 20)
    return Draw(
        f"x in {low}..{high}", f"{low // c} <= x // {c} and x // {c} <= {high // c}", "ranges",
        (f"{low // c} <= x // {c} and x // {c} < {high // c}",), "-12..40",
    )  # fmt: skip


def dividend_of_a_quotient(r: Random) -> Draw:
    """A bound on a quotient bounds the dividend."""
    c, k = r.randint(2, 9), r.randint(-3, 4)
    if r.random() < 0.5:
        return Draw(
            f"x // {c} >= {k}", f"x >= {c * k}", "ranges", (f"x > {c * k}",), "-40..50"
        )
    end = c * k + c - 1
    return Draw(f"x // {c} <= {k}", f"x <= {end}", "ranges", (f"x < {end}",), "-40..50")


def nested_quotients(r: Random) -> Draw:
    """Nested divisions by constants are one."""
    a, b, k = r.randint(2, 6), r.randint(2, 6), r.randint(-5, 5)
    inner = f"({plus('x', k)}) // {a}"
    return Draw(
        "", f"({inner}) // {b} == ({plus('x', k)}) // {a * b}", "canonical",
        (f"({inner}) // {b} == ({plus('x', k)}) // {a * b + 1}",), "-40..40",
    )  # fmt: skip


def quotients_of_ordered_values(r: Random) -> Draw:
    """Order survives a floor division; strictness does not."""
    c, k = r.randint(2, 8), r.randint(0, 9)
    jump = k // c
    return Draw(
        f"{plus('x', k)} <= y", f"{plus(f'x // {c}', jump)} <= y // {c}", "linear",
        (f"{plus(f'x // {c}', jump + 1)} <= y // {c}",), "-9..24",
    )  # fmt: skip


def symbolic_divisor_bound(r: Random) -> Draw:
    """``x < k*b`` keeps the quotient by b below k."""
    k = r.randint(2, 6)
    return Draw(
        f"b >= 1; x < {k}*b", f"x // b <= {k - 1}", "linear",
        (f"x // b <= {k - 2}", f"with x <= {k}*b for x < {k}*b"), "b 1..7, x -6..42",
    )  # fmt: skip


def sum_of_quotients(r: Random) -> Draw:
    """The quotient of a sum exceeds the sum of the quotients by at most one."""
    c, k = r.randint(2, 9), r.randint(-6, 6)
    left = f"(x + y + {k}) // {c}" if k >= 0 else f"(x + y - {-k}) // {c}"
    right = f"x // {c} + ({plus('y', k)}) // {c}"
    return Draw("", f"{left} <= {right} + 1", "linear", (f"{left} <= {right}",), "-9..12")


# --------------------------------------------------------------------------- modulo


def coarser_modulus(r: Random) -> Draw:
    """A remainder is known modulo every divisor of the modulus."""
    m, n = r.randint(2, 6), r.randint(2, 4)
    k = r.randint(0, m * n - 1)
    return Draw(
        f"x % {m * n} == {k}", f"x % {m} == {k % m}", "ranges",
        (f"x % {2 * m * n} == {k}", f"x % {m} == {(k + 1) % m}!"), "-50..50",
    )  # fmt: skip


def chinese_remainders(r: Random) -> Draw:
    """Two remainders to coprime moduli are one remainder to their product."""
    a = r.randint(2, 5)
    b = r.choice([v for v in range(2, 8) if gcd(v, a) == 1])
    x = r.randrange(a * b)
    return Draw(
        f"x % {a} == {x % a}; x % {b} == {x % b}", f"x % {a * b} == {x}", "ranges",
        (f"x % {2 * a * b} == {x}", f"without x % {b} == {x % b}"), "-80..80",
    )  # fmt: skip


def next_with_that_remainder(r: Random) -> Draw:
    """A remainder rounds a bound to the next value that has it."""
    m = r.randint(3, 9)
    k, low = r.randrange(m), r.randint(-9, 12)
    low += low % m == k
    least = low + (k - low) % m
    facts = f"x % {m} == {k}; x >= {low}"
    return Draw(facts, f"x >= {least}", "ranges", (f"x > {least}",), "-20..30")


def period(r: Random) -> Draw:
    """Multiples of the modulus vanish."""
    m, a, k = r.randint(2, 9), r.choice((-3, -2, -1, 1, 2, 3)), r.randint(1, 30)
    left = f"({total([(1, 'x'), (a * m, 'y')], k)}) % {m}"
    right = f"({plus('x', k % m)}) % {m}"
    wrong = f"({plus('x', (k + 1) % m)}) % {m}"
    return Draw("", f"{left} == {right}", "canonical", (f"{left} == {wrong}!",))


def common_factor(r: Random) -> Draw:
    """A common factor leaves the modulo as a factor."""
    a, m = r.randint(2, 6), r.randint(2, 6)
    return Draw(
        "", f"({a}*x) % {a * m} == {a} * (x % {m})", "canonical",
        (f"({a}*x) % {a * m} == {a} * (x % {m + 1})",), "-20..20",
    )  # fmt: skip


def symbolic_modulus(r: Random) -> Draw:
    """A remainder stays below its modulus."""
    low, k = r.randint(1, 6), r.randint(1, 3)
    side = total([(k, "(x % m)")])
    return Draw(
        f"m >= {low}", f"{side} <= {total([(k, 'm')], -k)}", "linear",
        (f"{side} <= {total([(k, 'm')], -k - 1)}",), "x -6..12, m 1..12",
    )  # fmt: skip


# --------------------------------------------------------------------------- ceilings


def ceiling_of_a_range(r: Random) -> Draw:
    """A ceiling division by a constant is monotone."""
    c, low = r.randint(2, 9), r.randint(-9, 12)
    high = low + r.randint(3, 20)
    top = -(-high // c)
    claim = f"CeilDiv(x, {c}) <= {top}"
    return Draw(
        f"x in {low}..{high}", claim, "ranges", (f"CeilDiv(x, {c}) < {top}",), "-12..40"
    )


def rounded_up(r: Random) -> Draw:
    """Rounding up adds less than the divisor."""
    c, k = r.randint(2, 12), r.randint(0, 6)
    side = f"{c}*CeilDiv({plus('x', k)}, {c})"
    return Draw(
        "", f"{side} <= {plus('x', k + c - 1)}", "ranges",
        (f"{side} <= {plus('x', k + c - 2)}",), "-20..20",
    )  # fmt: skip


def ceiling_as_floor(r: Random) -> Draw:
    """A ceiling is the floor of something larger."""
    c, k = r.randint(2, 9), r.randint(-9, 9)
    left = f"CeilDiv({plus('x', k)}, {c})"
    return Draw(
        "", f"{left} == ({plus('x', k + c - 1)}) // {c}", "canonical",
        (f"{left} == ({plus('x', k + c)}) // {c}",), "-20..20",
    )  # fmt: skip


def truncation_by_sign(r: Random) -> Draw:
    """Truncation is the floor of what is not negative, the ceiling of the rest."""
    c, k = r.randint(2, 9), r.randint(0, 5)
    if r.random() < 0.5:
        side = f"TruncDiv({plus('x', k)}, {c})"
        return Draw(
            f"x >= {-k}", f"{side} == ({plus('x', k)}) // {c}", "linear",
            (f"without x >= {-k}",), "-20..20",
        )  # fmt: skip
    side = f"TruncDiv({plus('x', -k)}, {c})"
    return Draw(
        f"x <= {k}", f"{side} == CeilDiv({plus('x', -k)}, {c})", "linear",
        (f"without x <= {k}",), "-20..20",
    )  # fmt: skip


def clean_quotient(r: Random) -> Draw:
    """A clean quotient times its divisor is the dividend."""
    c = r.randint(2, 12)
    low = r.randint(1, 40)
    least = -(-low // c)
    return Draw(
        f"x % {c} == 0; x >= {low}", f"CleanDiv(x, {c}) >= {least}", "ranges",
        (f"CleanDiv(x, {c}) > {least}",), "-12..70",
    )  # fmt: skip
