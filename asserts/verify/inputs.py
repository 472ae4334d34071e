"""Inputs that show what a program accepts: from its checks, by aim, and by chance.

The engine says which sizes and run-time values satisfy all that a program checks, and which
break one check and satisfy the others. Arrays are then made whose sizes are these, and whose
contents make the program read these values (see `verify_arrays`). What an array really leads
to is measured by running the part of the program that reads values, so a failed attempt is
noticed; it is run all the same. Everything is deterministic for a seed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard

import numpy as np

from asserts.verify.arrays import Maker, same
from asserts.verify.subject import Condition, Input, Number, Subject, Trial, Values
from shapes.base import IntInfinity
from shapes.errors import ShapeproofError, UndefinedError
from shapes.expr import TRUE, BoolExpr, Expr, as_expr, conjunction, equal, make
from shapes.facts import Counterexample, Fact, Facts, bounds
from shapes.prove import prove
from shapes.traversal import defined, evaluate, free_symbols, walk
from shapes.witness.search import search

__all__ = ["Generator"]

LIMIT: Final = 4096
"""The end of a range up to which sizes at the end are tried."""

ATTEMPTS: Final = 4
"""Random inputs that are made for one that is new."""

SEARCH: Final = 500
"""Combinations of values that are tried to satisfy what always holds."""

POOL: Final = 32
"""Values that satisfy everything, near which more are drawn."""

SYMBOLS: Final = 16
"""Symbols whose ends and small values are aimed at."""

NUMBERS: Final = 8
"""Numbers in one condition that are tried for a float."""


INNER: Final = 6
"""Inputs that aim at a check which may not be reached."""


WORK: Final = 1 << 29
"""Elements that all runs together may make, after a first run (some gigabytes to write)."""

LIGHT: Final = 1 << 22
"""Elements of a run that is not counted."""


@dataclass
class Generator:
    """Makes the trials for one program; `broken` collects the checks that they break.
    `left_out` counts trials that would have taken too much memory or time.

    With `welcome`, only such inputs are made as the checks at entry let in.
    """

    subject: Subject
    seed: int = 0
    welcome: bool = False
    broken: set[str] = field(default_factory=set)
    left_out: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        sizes = [_relation("Ge", s, 0) for s in _sizes_alone(self.subject.inputs)]
        self._sure = _given(Facts(), [*self.subject.sure, *sizes])
        self._sized = _sizes(self.subject.inputs)
        self._conditions = [c for c in self.subject.conditions if self._can_fail(c.claim)]
        claims = [c.claim for c in self._conditions]
        self._all = conjunction(*(conjunction(defined(c), c) for c in claims))
        self._maker = Maker(self.subject, self._random)
        self._work = 0
        self._hints = self._example_values()
        self._pool: list[Values] = [self._hints] if self._holds(self._hints) else []

    @property
    def checks(self) -> list[str]:
        """The texts of the checks that can be broken."""
        return [c.text for c in self._conditions if not (self.welcome and c.entry)]

    def trials(self, count: int) -> Iterator[Trial]:
        """Inputs with an aim, then that many random ones (fewer if there are no more); none
        of them twice."""
        seen: set[tuple[Any, ...]] = set()
        for trial in self._aimed():
            if trial.key not in seen:
                seen.add(trial.key)
                yield trial
        for _ in range(ATTEMPTS * count):
            if count <= 0:
                return
            aim = "they are drawn at random"
            for trial in self._made(aim, self._drawn(), anew=True):
                if trial.key not in seen:
                    seen.add(trial.key)
                    count -= 1
                    yield trial

    def _aimed(self) -> Iterator[Trial]:
        for purpose, values in self._aims():
            yield from self._made(purpose, values)
        if not self.welcome:
            yield from self._other_kinds()

    def _can_fail(self, claim: BoolExpr) -> bool:
        """Whether what always holds does not imply the claim."""
        with suppress(ShapeproofError):
            whole = conjunction(defined(claim), claim)
            return not prove(self._sure, whole, effort="quick").proved
        return True

    # ------------------------------------------------------------------ aims

    def _aims(self) -> Iterator[tuple[str, Values]]:
        if self._hints:
            yield "they are the example", self._hints
        valid = self._found(self._sure, self._all)
        if valid is not None:
            self._pool.append(valid)
            yield "", valid
        yield from self._at_constants()
        for index, condition in enumerate(self._conditions):
            yield from self._breaking(index, condition)
        for symbol in self._symbols()[:SYMBOLS]:
            yield from self._ends(symbol)

    def _at_constants(self) -> Iterator[tuple[str, Values]]:
        """Floats at the numbers that they are compared with, and next to them."""
        base = self._pool[0] if self._pool else self._hints
        for condition in self._conditions:
            values = [n.value for n in walk(condition.claim) if n.is_constant]
            numbers = [float(v) for v in values if isinstance(v, float) or _is_double(v)]
            floats = [s for s in free_symbols(condition.claim) if s.kind == "float"]
            for symbol in floats[:SYMBOLS]:
                for number in dict.fromkeys(numbers[:NUMBERS]):
                    for value in (number, number + 1.0, number - 1.0):
                        text = f"{self._named(symbol)} is {value!r}"
                        named = {s.name: v for s, v in base.items()}
                        yield text, self._completed({**named, symbol.name: value})

    def _breaking(self, index: int, condition: Condition) -> Iterator[tuple[str, Values]]:
        """Values that break a check and satisfy the others; where the others imply it, those
        before it; where these do, no others."""
        others = [c.claim for c in self._conditions]
        for kept in (others[:index] + others[index + 1 :], others[:index], []):
            values = self._against(_given(self._sure, kept), condition.claim)
            if values is None:
                continue
            for _ in range(INNER if condition.inner else 1):
                yield "", values
            if condition.text in self.broken:
                return
            for changed in self._nearer(condition.claim, kept, values):
                yield "", changed
                if condition.text in self.broken:
                    return

    def _nearer(
        self, claim: BoolExpr, kept: Sequence[BoolExpr], values: Values
    ) -> Iterator[Values]:
        """When the inputs have led to other values than those aimed at: first sizes that suit
        the values which they have led to, then only the values that the claim speaks of."""
        measured = dict(self._maker.measured)
        fixed = [equal(s, as_expr(v)) for s, v in measured.items()]
        aimed = {s: v for s, v in values.items() if s in free_symbols(claim)}
        if all(same(measured.get(s, v), v) for s, v in aimed.items()):
            found = self._against(_given(self._sure, [*fixed, *kept]), claim)
            if found is not None:
                yield found
        sizes = {s: v for s, v in values.items() if s in self._sized}
        yield {**sizes, **aimed}
        largest = max((v for v in aimed.values() if isinstance(v, int)), default=0)
        if 0 < largest <= LIMIT:
            grown = {s: max(int(v), largest) for s, v in sizes.items() if s not in aimed}
            yield {**sizes, **grown, **aimed}

    def _against(self, facts: Facts, claim: BoolExpr) -> Values | None:
        for limited in (self._limited(facts), facts):
            with suppress(ShapeproofError):
                verdict = prove(limited, claim, effort="quick", hints=self._hints)
                if verdict.counterexample is None and limited is facts:
                    verdict = prove(limited, claim, hints=self._hints)
                if verdict.counterexample is not None:
                    return self._completed(_numbers(verdict.counterexample))
        return None

    def _found(self, facts: Facts, claim: BoolExpr) -> Values | None:
        """Values that satisfy the facts and a claim."""
        if claim is TRUE:
            return self._completed({})
        for limited in (self._limited(facts), facts):
            with suppress(ShapeproofError):
                verdict = prove(limited, claim, hints=self._hints)
                if verdict.witness is not None:
                    return self._completed(_numbers(verdict.witness))
                if verdict.proved:
                    found = search(limited, [claim], self._hints, SEARCH)
                    if found is not None:
                        named = {symbol.name: v for symbol, v in found.items()}
                        return self._completed(_numbers(named))
        return None

    def _limited(self, facts: Facts) -> Facts:
        """Sizes no larger than necessary."""
        for symbol in self._sized:
            hint = self._hints.get(symbol, 0)
            cap = max(16, 4 * int(hint))
            with suppress(ShapeproofError):
                facts = facts.given(Fact(_relation("Le", symbol, cap), "given"))
        return facts

    def _ends(self, symbol: Expr) -> Iterator[tuple[str, Values]]:
        """A symbol at 0 and 1, and at and beyond the ends of its range."""
        known = _given(self._sure, [self._all])
        lower, upper = bounds(known, symbol).int_bounds()
        wanted = [0, 1, 2] if symbol in self._sized else [0, 1, -1]
        for end in (lower, upper):
            if not isinstance(end, IntInfinity) and abs(end) <= LIMIT:
                wanted += [end - 1, end, end + 1]
        least = 0 if symbol in self._sized else -LIMIT
        for value in dict.fromkeys(wanted):
            if not least <= value <= LIMIT + 1:
                continue
            text = f"{self._named(symbol)} is {value}"
            fixed = equal(symbol, as_expr(value))
            values = self._found(_given(self._sure, [fixed]), self._all)
            if values is not None and values.get(symbol) == value:
                yield text, values
                continue
            near = dict(self._pool[0] if self._pool else self._hints)
            near[symbol] = value
            yield text, self._completed({s.name: v for s, v in near.items()})

    def _symbols(self) -> list[Expr]:
        found = [*self._sized, *(s for s in self.subject.run_time if s.kind == "int")]
        return list(dict.fromkeys(found))

    def _named(self, symbol: Expr) -> str:
        return self.subject.names.get(symbol.name, symbol.name)

    # ------------------------------------------------------------------ values

    def _example_values(self) -> Values:
        """The values of all symbols for the example inputs, if there are any."""
        examples = [i.example for i in self.subject.inputs]
        if any(example is None for example in examples):
            return {}
        values = self._sizes_of(examples)
        values.update(self.subject.measure(examples))
        return values

    def _sizes_of(self, arrays: Sequence[Any]) -> Values:
        found: Values = {}
        for given, array in zip(self.subject.inputs, arrays):
            if given.value is not None and given.value.is_symbol:
                found[given.value] = array
            if given.shape is None:
                continue
            for size, number in zip(given.shape, np.shape(array)):
                if size.is_symbol:
                    found[size] = int(number)
        return found

    def _completed(self, named: Mapping[str, Number]) -> Values:
        """Values for every symbol: those, else the example's, else a small number."""
        values: Values = {}
        base = self._hints or (self._pool[0] if self._pool else {})
        symbols = [*self._sized, *self.subject.run_time, *free_symbols(self._all)]
        for symbol in dict.fromkeys(symbols):
            if symbol.name in named:
                values[symbol] = named[symbol.name]
            elif symbol in base:
                values[symbol] = base[symbol]
            elif symbol in self._sized:
                values[symbol] = 2
        return values

    def _holds(self, values: Values) -> bool:
        return bool(values) and _truth(self._all, values) is True

    def _drawn(self) -> Values:
        """Values near some that satisfy everything, or anywhere."""
        draw = self._random
        values = dict(draw.choice(self._pool)) if self._pool else self._completed({})
        symbols = self._symbols()
        for symbol in draw.sample(symbols, min(len(symbols), draw.randint(0, 3))):
            old = values.get(symbol)
            near = int(old) if isinstance(old, int) else 2
            others = [int(v) for v in values.values() if isinstance(v, int)] or [0]
            value = draw.choice(
                (near + 1, near - 1, 0, 1, draw.choice(others), draw.randint(0, 12),
                 draw.randint(-3, 40))
            )  # fmt: skip
            values[symbol] = max(0, value) if symbol in self._sized else value
        return values

    # ------------------------------------------------------------------ trials

    def _made(self, aim: str, values: Values, anew: bool = False) -> Iterator[Trial]:
        arrays = self._maker.make(values, anew)
        if arrays is None or (self.welcome and not self._let_in(arrays)):
            return
        measured = self._sizes_of(arrays)
        measured.update(self._maker.measured)
        truths = [(_truth(c.claim, measured), c) for c in self._conditions]
        failed = [c.text for truth, c in truths if truth is False and not c.inner]
        self.broken.update(failed)
        if self._is_too_much(arrays):
            self.left_out += 1
            return
        every = all(truth is True for truth, _ in truths)
        if every and len(self._pool) < POOL:
            self._pool.append(measured)
        yield Trial("; ".join(filter(None, (aim, _said(failed, every)))), tuple(arrays))

    def _is_too_much(self, arrays: Sequence[object]) -> bool:
        """Whether a run that is not refused at once would go beyond the work that all of them
        together may take. The first one may."""
        work = self._maker.work(arrays)
        if work <= LIGHT:
            return False
        known = self._sizes_of(arrays)
        if any(_truth(c.claim, known) is False for c in self._conditions if not c.inner):
            return False
        if self._work and self._work + work > WORK:
            return True
        self._work += work
        return False

    def _let_in(self, arrays: Sequence[object]) -> bool:
        values = self._sizes_of(arrays)
        entry = [c.claim for c in self.subject.conditions if c.entry]
        return all(_truth(claim, values) is not False for claim in entry)

    def _other_kinds(self) -> Iterator[Trial]:
        """Inputs that satisfy every check, if some do, but for one dtype or fixed size."""
        values = self._pool[0] if self._pool else self._hints
        arrays = self._maker.make(values) if values or not self._symbols() else None
        if arrays is None:
            return
        for index, given in enumerate(self.subject.inputs):
            other = _OTHER_DTYPE.get(given.dtype)
            if other is not None and isinstance(arrays[index], np.ndarray):
                changed = list(arrays)
                with np.errstate(all="ignore"):
                    changed[index] = arrays[index].astype(other)
                yield Trial(f"{given.name} is of dtype {other}", tuple(changed))
            for dim, size in enumerate(given.shape or ()):
                if size.is_constant and arrays[index].size:
                    longer = np.concatenate([arrays[index], arrays[index]], axis=dim)
                    changed = [*arrays[:index], longer, *arrays[index + 1 :]]
                    yield Trial(f"{given.name}.shape[{dim}] is not {size}", tuple(changed))
                    break


_OTHER_DTYPE: Final = {
    "float32": "float64",
    "float64": "float32",
    "int64": "int32",
    "int32": "int64",
}


def _said(failed: Sequence[str], every: bool) -> str:
    """Which checks hold, in words."""
    if every:
        return "every check holds"
    if not failed:
        return "not every check is reached"
    shown = ", ".join(f"`{text}`" for text in failed)
    return f"{shown} {'does' if len(failed) == 1 else 'do'} not hold"


def _relation(name: str, symbol: Expr, end: int) -> BoolExpr:
    found = make(name, symbol, end)
    assert isinstance(found, BoolExpr)
    return found


def _is_double(value: object) -> TypeGuard[int]:
    """Whether an integer can be converted to a double."""
    return isinstance(value, int) and abs(value) < 1 << 1000


def _numbers(named: Counterexample | Mapping[str, object]) -> dict[str, Number]:
    return {name: value for name, value in named.items() if isinstance(value, (int, float))}


def _given(facts: Facts, claims: Sequence[BoolExpr]) -> Facts:
    """Facts with claims, without those that contradict them."""
    for claim in claims:
        with suppress(ShapeproofError):
            whole = conjunction(defined(claim), claim)
            facts = facts.given(Fact(whole, "given"))
    return facts


def _truth(claim: BoolExpr, values: Values) -> bool | None:
    try:
        return bool(evaluate(claim, values))
    except UndefinedError:
        return False  # without a value a check raises, which is as good as failing
    except ShapeproofError:
        return None


def _sizes(inputs: Sequence[Input]) -> list[Expr]:
    """The symbols that sizes and numbers of inputs are made of."""
    found: list[Expr] = []
    for given in inputs:
        exprs = (*(given.shape or ()), *((given.value,) if given.value is not None else ()))
        for expr in exprs:
            found += free_symbols(expr)
    return [s for s in dict.fromkeys(found) if s.kind == "int"]


def _sizes_alone(inputs: Sequence[Input]) -> list[Expr]:
    """The symbols that are sizes of inputs as they stand."""
    sizes = [size for given in inputs for size in given.shape or () if size.is_symbol]
    return list(dict.fromkeys(sizes))
