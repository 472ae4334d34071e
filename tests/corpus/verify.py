"""Every question of the corpus against enumeration, and against z3.

Enumeration tries, for each symbol, the values that its question states behind ``over``;
otherwise -6 to 9 cut to the declared range, or the 16 values of that range that are nearest.
ALWAYS must hold on every row that the facts admit, DEPENDS and NEVER must be seen there, and
a claim must be defined exactly where the question says so. ``python -m tests.corpus.verify
[FAMILY...]`` also asks z3 whether ALWAYS and NEVER hold without exception over all integers,
and where z3 gives up (floats, bits, powers) enumerates a much larger window.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tests.corpus.grid import Column, Undecided, column, evaluate
from tests.corpus.questions import FAMILIES, Question, Symbol, load
from tests.corpus.solver import Untranslated, refutes
from tests.corpus.terms import Term, integer, read_term

__all__ = ["problem", "table"]

DEFAULT = (-6, 9)
FLOATS = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -2.5, 2.0, 2.5, 3.0, 9.75, 1e-300, 1e300, -1e300,
    float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
MOST_ROWS = 4_000_000


def problem(question: Question, widen: int = 1) -> str | None:
    """What enumeration holds against the question; None if it agrees."""
    try:
        columns = table(question, widen)
    except Undecided as error:
        return str(error)
    if not columns:
        return None if question.verdict == "CONTRADICTION" else "no values satisfy the facts"
    if question.verdict == "CONTRADICTION":
        return f"the facts hold for {_row(columns, 0)}"
    claim = evaluate(read_term(question.claim), columns)
    size = len(next(iter(columns.values())).values)
    holds = np.broadcast_to(claim.values, size)
    defined = np.broadcast_to(claim.defined, size)
    return _premise_problem(question, columns, defined) or _verdict_problem(
        question, columns, holds & defined, ~holds & defined
    )


def _verdict_problem(
    question: Question, columns: dict[str, Column], true: Any, false: Any
) -> str | None:
    wanted = question.verdict
    if wanted == "UNDEFINED":
        return None if not true.any() and not false.any() else "it is defined somewhere"
    if wanted in ("ALWAYS", "DEPENDS") and not true.any():
        return "never true in the window"
    if wanted in ("NEVER", "DEPENDS") and not false.any():
        return "never false in the window"
    if wanted == "ALWAYS" and false.any():
        return f"false for {_row(columns, int(np.argmax(false)))}"
    if wanted == "NEVER" and true.any():
        return f"true for {_row(columns, int(np.argmax(true)))}"
    return None


def _premise_problem(
    question: Question, columns: dict[str, Column], defined: Any
) -> str | None:
    if question.verdict == "UNDEFINED":
        return None
    if question.premise is None:
        if defined.all():
            return None
        return f"undefined for {_row(columns, int(np.argmin(defined)))}, and no `if`"
    premise = evaluate(read_term(question.premise), columns)
    differs = np.asarray((premise.values & premise.defined) != defined)
    if differs.any():
        return f"`if` is not where it is defined: {_row(columns, int(np.argmax(differs)))}"
    return "it is always defined, and needs no `if`" if defined.all() else None


def _row(columns: dict[str, Column], index: int) -> str:
    return ", ".join(f"{name} = {c.values[index]}" for name, c in columns.items())


# --------------------------------------------------------------------------- tables


def table(question: Question, widen: int = 1) -> dict[str, Column]:
    """All rows of the window that satisfy the facts; empty if there are none.

    Symbols are joined one by one, and every fact cuts the table as soon as its symbols are
    there. Raises `Undecided` where it would grow too large.
    """
    facts = [read_term(fact) for fact in question.facts]
    waiting = [(fact, set(_symbols(fact))) for fact in facts]
    columns: dict[str, Column] = {}
    size = 1
    for sym in question.symbols or (Symbol("_"),):
        values = column(sym.kind, _values(question, sym, widen))
        if size * len(values) > MOST_ROWS:
            raise Undecided(f"more than {MOST_ROWS} rows: state a smaller window")
        columns = {
            name: c._replace(values=np.repeat(c.values, len(values)))
            for name, c in columns.items()
        }
        columns[sym.name] = Column(sym.kind, np.tile(values, size), np.True_)
        size *= len(values)
        ready = [fact for fact, names in waiting if names <= columns.keys()]
        waiting = [pair for pair in waiting if not pair[1] <= columns.keys()]
        for fact in ready:
            result = evaluate(fact, columns)
            kept = np.broadcast_to(result.values & result.defined, size)
            columns = {n: c._replace(values=c.values[kept]) for n, c in columns.items()}
            size = int(kept.sum())
            if size == 0:
                return {}
    return columns


def _symbols(term: Term) -> Iterator[str]:
    if term.op == "Symbol":
        yield str(term.value)
    for arg in term.args:
        yield from _symbols(arg)


def _values(question: Question, sym: Symbol, widen: int) -> list[Any]:
    if sym.kind == "bool":
        return [False, True]
    if sym.kind == "float":
        return list(FLOATS)
    if sym.name == "_":
        return [0]
    lower = None if sym.lower is None else integer(sym.lower)
    upper = None if sym.upper is None else integer(sym.upper)
    wanted: set[int] = set()
    stated = _stated(question.windows, sym.name)
    for low, high in stated or [DEFAULT]:
        if not stated and lower is not None and lower > high:
            low, high = lower, lower + 15
        elif not stated and upper is not None and upper < low:
            low, high = upper - 15, upper
        extra = (high - low) * (widen - 1) // 2
        low, high = low - extra, high + extra
        low = low if lower is None else max(low, lower)
        high = high if upper is None else min(high, upper)
        wanted.update(range(low, high + 1))
    return sorted(wanted)


def _stated(windows: str, name: str) -> list[tuple[int, int]]:
    """The intervals that ``over`` gives a symbol; the text without a name is for all."""
    found = []
    for part in filter(None, (part.strip() for part in windows.split(","))):
        named = re.match(r"([A-Za-z_]\w*) ", part)
        if named is not None and named[1] != name:
            continue
        for interval in part[named.end() if named else 0 :].split("|"):
            low, dots, high = interval.partition("..")
            ends = integer(low), integer(high if dots else low)
            found.append(ends)
    return found


# --------------------------------------------------------------------------- the long run


def confirmed(question: Question, seconds: float) -> str:
    """How a universal answer was confirmed beyond its window: by z3, by a larger window, or
    what speaks against it."""
    try:
        answer = refutes(question, seconds)
    except Untranslated:
        answer = None
    if answer:
        return "z3"
    if answer is False:
        return f"wrong: z3 has an exception to {question.place}: {question}"
    for widen in (6, 4, 3, 2):
        try:
            found = problem(question, widen)
        except Undecided:
            continue
        if found is not None and "rows" not in found and "too large" not in found:
            return f"wrong: {question.place}: {found}: {question}"
        if found is None:
            return "a larger window"
    return "the window alone"


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify families by enumeration and z3; returns how many questions are wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.corpus.verify")
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=", ".join(FAMILIES))
    parser.add_argument("--no-z3", action="store_true", help="enumeration only")
    parser.add_argument("--seconds", type=float, default=10.0, help="z3's limit per question")
    chosen = parser.parse_args(arguments)
    wrong = 0
    counts: Counter[str] = Counter()
    for question in load(chosen.families):
        found = problem(question)
        if found is not None:
            print(f"{question.place}: {found}: {question}")
            wrong += 1
            continue
        counts["enumeration"] += 1
        if chosen.no_z3 or question.verdict not in ("ALWAYS", "NEVER"):
            continue
        how = confirmed(question, chosen.seconds)
        if how.startswith("wrong"):
            print(how)
            wrong += 1
        elif how == "the window alone":
            print(f"{question.place}: only its window confirms it: {question}")
        counts["wrong" if how.startswith("wrong") else how] += 1
    print(", ".join(f"{how}: {number}" for how, number in counts.items()))
    return wrong


if __name__ == "__main__":
    raise SystemExit(1 if main() else 0)
