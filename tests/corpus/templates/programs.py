"""Templates of what tensor programs ask, of definedness and of large numbers.

Each docstring's first line stands above the draws in the files.
"""

from __future__ import annotations

from math import gcd
from random import Random

from tests.corpus.templates.draw import Draw, plus, total

# --------------------------------------------------------------------------- tensor programs


def convolution(r: Random) -> Draw:
    """The size of a convolution's output is at least that for the smallest input."""
    k, s, p, d = r.choice((1, 3, 5, 7)), r.randint(1, 4), r.randint(0, 3), r.randint(1, 2)
    extent = d * (k - 1) + 1
    low = max(1, extent - 2 * p) + r.randint(0, 6)
    out = f"(h + 2*{p} - {d}*({k} - 1) - 1)//{s} + 1"
    least = (low + 2 * p - extent) // s + 1
    known = f"h >= {low}"
    weaker = f"with h >= {low - s} for {known}"
    return Draw(known, f"{out} >= {least}", "ranges", (f"{out} > {least}", weaker), "0..40")


def two_layers(r: Random) -> Draw:
    """Two layers of stride two."""
    k, low = r.choice((3, 5, 7)), r.randint(1, 30)
    p = k // 2
    first = f"((h + {2 * p} - {k})//2 + 1)"
    out = f"({first} + 2 - 3)//2 + 1"
    least = ((low - 1) // 2) // 2 + 1
    return Draw(
        f"h >= {low}", f"{out} >= {least}", "ranges", (f"{out} > {least}",), f"0..{low + 9}"
    )


def padded_to_a_multiple(r: Random) -> Draw:
    """Padding to a multiple adds less than the multiple."""
    m, low = r.choice((2, 4, 8, 16, 32)), r.randint(0, 9)
    whole = f"CeilDiv(n, {m})*{m}"
    return Draw(
        f"n >= {low}", f"{whole} - n <= {m - 1}", "ranges",
        (f"{whole} - n < {m - 1}",), "0..70",
    )  # fmt: skip


def slice_of_a_slice(r: Random) -> Draw:
    """The length of a slice of what is long enough."""
    a, b, extra = r.randint(0, 4), r.randint(5, 12), r.randint(0, 4)
    side = f"Min({b}, n) - Min({a}, n)"
    return Draw(
        f"n >= {b + extra}", f"{side} == {b - a}", "ranges",
        (f"without n >= {b + extra}", f"{side} == {b - a - 1}!"), "0..20",
    )  # fmt: skip


def crop_then_pool(r: Random) -> Draw:
    """Cropping within the image, then pooling: the output is not empty."""
    size, k = r.choice((16, 32, 64, 224)), r.randint(2, 4)
    length = f"Max(0, u1 + u3 - Min({size}, u1))"
    out = f"({length} - {k})//2 + 1"
    return Draw(
        f"u1 >= 0; u3 >= {k}; u1 + u3 <= {size}", f"{out} != 0", "linear",
        (f"with u3 >= {k - 2} for u3 >= {k}",), "u1 0..9, u3 0..9",
    )  # fmt: skip


def page_of_a_position(r: Random) -> Draw:
    """A position lies in one of the pages that its sequence takes."""
    page, top = r.choice((8, 16, 32, 64)), r.randint(2, 9)
    known, size = f"pos in 0..{page * top - 1}", page * top
    weaker = f"with pos in 0..{size} for {known}"
    return Draw(known, f"pos // {page} < {top}", "ranges", (weaker,), f"0..{size + 3}")


def capacity(r: Random) -> Draw:
    """A capacity that is rounded up holds all tokens."""
    e, k = r.randint(2, 16), r.randint(1, 3)
    side = f"{e}*CeilDiv({total([(k, 't')])}, {e})"
    if r.random() < 0.5:
        bound = total([(k, "t")], e - gcd(e, k))
        tighter = f"{side} <= {total([(k, 't')], e - gcd(e, k) - 1)}"
        return Draw("t >= 0", f"{side} <= {bound}", "ranges", (tighter,), "0..40")
    least = total([(k, "t")])
    return Draw("t >= 0", f"{side} >= {least}", "ranges", (f"{side} > {least}",), "0..40")


def elements_of_a_batch(r: Random) -> Draw:
    """A data-dependent size is at most the number of elements."""
    b, s = r.choice((4, 8, 16)), r.choice((8, 16, 32))
    top = b * s
    return Draw(
        f"b in 1..{b}; s in 1..{s}; u >= 0; u <= b*s", f"u <= {top}", "linear",
        (f"u < {top}", "without u <= b*s"),
        f"b {b - 1}..{b}, s {s - 1}..{s}, u 0..4 | {top - 3}..{top + 3}",
    )  # fmt: skip


def split_heads(r: Random) -> Draw:
    """Splitting and merging a dimension loses nothing where it divides."""
    h, extra = r.choice((2, 4, 8, 12, 16)), r.choice((1, 2, 3))
    known = f"d % {h} == 0; b >= 1"
    return Draw(
        known, f"b*(d // {h})*{h * extra} == {total([(extra, 'b*d')])}", "linear",
        (f"without d % {h} == 0",), "d -20..36, b 1..5",
    )  # fmt: skip


# --------------------------------------------------------------------------- ragged batches


def offsets(r: Random) -> Draw:
    """Offsets that never decrease, in steps of at least so much."""
    count = r.randint(3, 5)
    steps = [r.randint(0, 2) for _ in range(count - 1)]
    facts = [f"o{i + 1} - o{i} >= {k}" for i, k in enumerate(steps)]
    side, least = f"o{count - 1} - o0", sum(steps)
    return Draw(
        "; ".join(facts), f"{side} >= {least}", "linear",
        (f"{side} > {least}", f"without {facts[r.randrange(count - 1)]}"),
        "-3..8" if count < 5 else "-1..5",
    )  # fmt: skip


def lengths(r: Random) -> Draw:
    """Lengths that are at most so long fit into the padded batch."""
    count, extra = r.randint(2, 4), r.randint(0, 3)
    names = [f"l{i}" for i in range(count)]
    facts = [f"{n} <= {plus('mx', extra)}" for n in names]
    side, bound = " + ".join(names), total([(count, "mx")], count * extra)
    less = total([(count, "mx")], count * extra - 1)
    return Draw(
        "; ".join(facts), f"{side} <= {bound}", "linear",
        (f"{side} <= {less}", f"without {facts[0]}"), "0..7",
    )  # fmt: skip


def within_a_segment(r: Random) -> Draw:
    """A position within a segment is a position within the whole."""
    k = r.randint(1, 5)
    facts = f"start >= {k}; start + len <= total; pos >= 0; pos < len"
    return Draw(
        facts, f"start + pos < total and start + pos >= {k}", "linear",
        ("start + pos < total - 1", "with pos <= len for pos < len"), "0..12",
    )  # fmt: skip


# --------------------------------------------------------------------------- the rest


def divisor_known_positive(r: Random) -> Draw:
    """A divisor that is known not to be zero needs no premise."""
    c, low = r.randint(-4, 4), r.randint(1, 4)
    y = f"({plus('y', c)})" if c else "y"
    return Draw(
        f"y >= {low - c}", f"x // {y} * {y} + x % {y} == x", "canonical",
        (f"x // {y} * {y} == x",), "x -9..9, y -6..12",
    )  # fmt: skip


def large_rounding(r: Random) -> Draw:
    """Rounding of large constants is exact."""
    base = r.choice((2**31, 2**53, 2**63, 10**30))
    c, k = r.choice((3, 5, 7, 10)), r.randint(-3, 3)
    end = base + k
    least = -(-end // c)
    return Draw(
        f"{c}*x >= {end}", f"x >= {least}", "canonical", (f"x > {least}",),
        f"{least - 3}..{least + 3}",
    )  # fmt: skip


def large_remainder(r: Random) -> Draw:
    """Remainders round large bounds exactly."""
    base = r.choice((2**31, 2**53, 2**63, 10**30))
    m, k = r.choice((7, 8, 10, 12)), r.randint(-3, 3)
    x = base + k
    i = (x + r.randint(1, m - 1)) % m
    least = x + (i - x) % m
    return Draw(
        f"x % {m} == {i}; x >= {x}", f"x >= {least}", "ranges", (f"x > {least}",),
        f"{x - m}..{x + 3 * m}",
    )  # fmt: skip


def large_sum(r: Random) -> Draw:
    """Sums of large values are exact."""
    a, b = (r.choice((2**31, 2**53, 2**63, 10**30)) + r.randint(-2, 2) for _ in range(2))
    c = r.randint(2, 5)
    side = f"{c}*x + y"
    return Draw(
        f"x >= {a}; y >= {b}", f"{side} >= {c * a + b}", "ranges", (f"{side} > {c * a + b}",),
        f"x {a - 1}..{a + 2}, y {b - 1}..{b + 2}",
    )  # fmt: skip
