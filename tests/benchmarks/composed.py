"""Composed index arithmetic: identities nested in each other, ours beside z3.

    python -m tests.benchmarks.composed [--claims 200] [--seed 0] [--show 12] [--seconds 5]

Each claim is an identity whose operands are other identities' sides, two or three deep: the
left sides on the left, the right sides on the right, so it always holds; one claim in four has
a number changed, and most of these do not. ``ours`` is `env.prove` from text to verdict in a
fresh environment, ``z3`` the same question as it is written (z3's own quotients: divisors are
positive), translated and checked by a fresh solver. Both take turns in one run; figures are
milliseconds of CPU time.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from shapes import ShapeEnv, int_oo
from tests.corpus.terms import Term, read_term

__all__ = ["Claim", "claims", "main", "ours", "theirs"]

IDENTITIES: Final = (
    ("{X}//{k}//{m}", "{X}//{km}"),
    ("({X} % {km})//{k}", "({X}//{k}) % {m}"),
    ("{X}//{k}*{k} + {X} % {k}", "{X}"),
    ("({X} % {km}) % {k}", "{X} % {k}"),
    ("CeilDiv({X}, {k})", "({X} + {k} - 1)//{k}"),
    ("({k}*{X} + {Y} % {k})//{k}", "{X}"),
    ("({X} + {k}*{Y})//{k}", "{X}//{k} + {Y}"),
    ("({X} + {k}*{Y}) % {k}", "{X} % {k}"),
    ("Min(Max({X}, {Y}), Max({X}, {Z}))", "Max({X}, Min({Y}, {Z}))"),
    ("Max({X}, {Y}) + Min({X}, {Y})", "{X} + {Y}"),
    ("Where({X} < {Y}, {X}, {Y})", "Min({X}, {Y})"),
    ("Max({X}, {Y}) - Min({X}, {Y})", "abs({X} - {Y})"),
    ("Where({X} >= 0, {X}//{k}, -(-{X}//{k}))", "Max({X}, 0)//{k} - Max(-{X}, 0)//{k}"),
    ("Min({X}, {Y})//{k}", "Min({X}//{k}, {Y}//{k})"),
    ("Max({X} + {Z}, {Y} + {Z})", "Max({X}, {Y}) + {Z}"),
    ("Where({X} % {k} == 0, {X}//{k}, {X}//{k} + 1)", "CeilDiv({X}, {k})"),
    ("Min({X}, Max({X}, {Y}))", "{X}"),
    ("Where({X} > {Y}, {X} - {Y}, 0)", "Max({X} - {Y}, 0)"),
    ("Max({X}, {Y})//{k}*{k}", "Max({X}//{k}*{k}, {Y}//{k}*{k})"),
    ("CeilDiv({X}, {k})*{k} - {X}", "-{X} % {k}"),
)
"""Sides that are equal for all integers and all constants k, m >= 1."""

RANGES: Final = ((None, None), (0, None), (1, None), (0, 4095), (-50, 50))
NAMES: Final = ("x", "y", "z")
REPEATS: Final = 3


@dataclass(frozen=True)
class Claim:
    """A claim, the ends of its symbols, and whether it was built to hold."""

    text: str
    ends: tuple[tuple[str, int | None, int | None], ...]
    built: bool


def claims(count: int, seed: int) -> Iterator[Claim]:
    """That many claims; the same for the same seed."""
    for number in range(count):
        draw = random.Random(f"{seed}/{number}")
        left, right = _sides(draw, 2 if number % 3 else 3)
        built = number % 4 != 3
        if not built:
            left = f"{left} + {draw.choice((1, -1))}*({_leaf(draw)} % 2)"
        relation = draw.choice(("==", "==", "<=", ">="))
        ends = tuple((name, *draw.choice(RANGES)) for name in NAMES)
        yield Claim(f"{left} {relation} {right}", ends, built)


def _leaf(draw: random.Random) -> str:
    return draw.choice(NAMES)


def _sides(draw: random.Random, depth: int) -> tuple[str, str]:
    """Two texts of the same value."""
    if depth == 0:
        leaf = _leaf(draw)
        return leaf, leaf
    left, right = draw.choice(IDENTITIES)
    k, m = draw.choice((2, 3, 4, 8)), draw.choice((2, 3, 4))
    numbers = {"k": str(k), "m": str(m), "km": str(k * m)}
    inner = draw.choice("XYZ")
    parts: dict[str, tuple[str, str]] = {}
    for hole in "XYZ":
        deep = hole == inner or (hole == "X" and f"{{{inner}}}" not in left)
        parts[hole] = _sides(draw, depth - 1 if deep else 0)
    lefts = {hole: _held(pair[0]) for hole, pair in parts.items()}
    rights = {hole: _held(pair[1]) for hole, pair in parts.items()}
    return left.format(**lefts, **numbers), right.format(**rights, **numbers)


def _held(text: str) -> str:
    return text if text.isidentifier() else f"({text})"


# --------------------------------------------------------------------------- both sides


def ours(claim: Claim) -> tuple[str, float, str]:
    """The verdict, the seconds, and the method of the proof."""
    started = time.process_time()
    env = ShapeEnv()
    for name, low, high in claim.ends:
        env.integer(
            name, min=-int_oo if low is None else low, max=int_oo if high is None else high
        )
    verdict = env.prove(claim.text)
    seconds = time.process_time() - started
    return verdict.status.name, seconds, verdict.proof.method if verdict.proof else ""


def theirs(claim: Claim, seconds: float) -> tuple[str, float]:
    """What z3 says of the claim as it is written, and the seconds."""
    import z3

    term = read_term(claim.text)
    started = time.process_time()
    symbols = {name: z3.Int(name) for name, _, _ in claim.ends}
    solver = z3.Solver()
    solver.set("timeout", int(1000 * seconds))
    for name, low, high in claim.ends:
        if low is not None:
            solver.add(symbols[name] >= low)
        if high is not None:
            solver.add(symbols[name] <= high)
    solver.add(z3.Not(_translated(z3, term, symbols)))
    answer = solver.check()
    found = {"unsat": "ALWAYS", "sat": "not ALWAYS"}.get(str(answer), "UNKNOWN")
    return found, time.process_time() - started


def _translated(z3: Any, term: Term, symbols: dict[str, Any]) -> Any:
    """A term in z3's own operators; every divisor is a positive number."""
    if term.op == "Constant":
        return z3.IntVal(term.value)
    if term.op == "Symbol":
        return symbols[str(term.value)]
    a, *others = (_translated(z3, arg, symbols) for arg in term.args)
    b = others[0] if others else None
    extremes = {"Min": lambda: z3.If(a <= b, a, b), "Max": lambda: z3.If(a >= b, a, b)}
    made = {
        "Add": lambda: a + b, "Sub": lambda: a - b, "Mul": lambda: a * b, "Neg": lambda: -a,
        "FloorDiv": lambda: a / b, "Mod": lambda: a % b, "CeilDiv": lambda: -((-a) / b),
        "Abs": lambda: z3.If(a >= 0, a, -a), "Where": lambda: z3.If(a, b, others[1]),
        "Lt": lambda: a < b, "Le": lambda: a <= b, "Gt": lambda: a > b, "Ge": lambda: a >= b,
        "Eq": lambda: a == b, "Ne": lambda: a != b, **extremes,
    }  # fmt: skip
    return made[term.op]()


# --------------------------------------------------------------------------- the table


def _share(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; returns how many answers disagree."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.composed", description=__doc__)
    parser.add_argument("--claims", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=5.0, help="of z3 for one claim")
    parser.add_argument("--show", type=int, default=0, help="the claims that lose most")
    chosen = parser.parse_args(arguments)
    rows, wrong = [], 0
    warm = next(claims(1, 999))
    ours(warm)
    theirs(warm, 1)
    for claim in claims(chosen.claims, chosen.seed):
        own, other = [], []
        for _ in range(REPEATS):
            word, seconds, method = ours(claim)
            own.append(seconds)
            answer, seconds = theirs(claim, chosen.seconds)
            other.append(seconds)
            if max(own[0], other[0]) > 0.2:
                break
        if "UNKNOWN" not in (word, answer) and (word == "ALWAYS") is not (answer == "ALWAYS"):
            wrong += 1
            print(f"DISAGREE {word} {answer}: {claim}")
        rows.append((1000 * min(own), 1000 * min(other), word, answer, method, claim))
    for title, part in (
        ("built to hold", [r for r in rows if r[5].built]),
        ("with a number changed", [r for r in rows if not r[5].built]),
        ("all", rows),
    ):
        mine, z3s, ratios = (
            [r[0] for r in part], [r[1] for r in part], [r[0] / r[1] for r in part],
        )  # fmt: skip
        print(f"{title}: {len(part)} claims")
        for name, values in (("ours", mine), ("z3", z3s), ("ours/z3", ratios)):
            figures = (median(values), _share(values, 0.9), _share(values, 0.99), max(values))
            print(f"  {name:8} median, 90 %, 99 %, most", *(f"{f:9.2f}" for f in figures))
        unknown = [sum(r[i] == "UNKNOWN" for r in part) for i in (2, 3)]
        slower = sum(r > 0.5 for r in ratios)
        print(f"  unknown {unknown[0]}, z3 {unknown[1]}; above half of z3's time: {slower}")
    for row in sorted(rows, key=lambda r: -r[0] / r[1])[: chosen.show]:
        print(f"{row[0]:9.2f} {row[1]:9.2f} {row[2]} {row[3]} {row[4]}: {row[5].text}", end="")
        print("  ", *(f"{n} in {a}..{b}" for n, a, b in row[5].ends), sep="; ")
    return wrong


if __name__ == "__main__":
    raise SystemExit(main())
