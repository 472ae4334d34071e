"""Symbols of a model: dimension names, and sizes that depend on data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from shapes.env import ShapeEnv
from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr import (
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    BoolExpr,
    IntExpr,
    as_integer,
    less_equal,
)
from shapes.facts import Fact, Facts
from shapes.prove import decide
from shapes.traversal import free_symbols, is_name, parse

__all__ = ["Read", "Symbols", "identifier"]

LARGEST = (1 << 63) - 1
"""Sizes are 64-bit integers in the format."""


def identifier(text: str) -> str:
    """A name of a symbol, from any text."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII) or "_"
    name = f"_{name}" if name[0].isdigit() else name
    return name if is_name(name) else f"{name}_"


@dataclass(frozen=True)
class Origin:
    """Where a symbol comes from: an input's axis or element, or a node whose data decide."""

    name: str
    where: str
    data: bool


@dataclass(frozen=True)
class Read:
    """How a number is read from a value at run time: the size of an axis, an element in
    order, or the least or the greatest element (and 0 or -1, so that there is one).

    `scope` is the path of the graph in which the value has that name.
    """

    scope: str
    value: str
    step: str
    index: int = 0

    @property
    def where(self) -> str:
        """The number in words."""
        if self.step == "size":
            return f"{self.value}.shape[{self.index}]"
        if self.step == "element":
            return f"{self.value}[{self.index}]"
        return f"{'min' if self.step == 'least' else 'max'}({self.value})"


class Symbols:
    """The symbols of one model, and questions about them."""

    def __init__(self) -> None:
        self.env = ShapeEnv()
        self.origins: dict[str, Origin] = {}
        self.spelled: dict[str, str] = {}
        """How the file spells a symbol, if not as the symbol is called."""
        self.reads: dict[str, Read] = {}
        """How symbols are read that a rule has asked for."""
        self._by_text: dict[str, IntExpr] = {}
        self._known: dict[BoolExpr, bool] = {}
        self._unknown: set[BoolExpr] = set()

    # ---------------------------------------------------------------- making

    def dimension(self, text: str, where: str) -> IntExpr:
        """The size that a dimension's text in the file stands for: a symbol, or an expression
        of symbols. The same text is the same size."""
        found = self._by_text.get(text)
        if found is None:
            found = self._by_text[text] = self._read(text, where)
        return found

    def _read(self, text: str, where: str) -> IntExpr:
        if not is_name(text):
            parsed = self._expression(text, where)
            if parsed is not None:
                return parsed
        return self._size(text, where, data=False)

    def _expression(self, text: str, where: str) -> IntExpr | None:
        """A text in our grammar; None for one that is not."""
        try:
            names = parse(text, None)
        except ShapeproofError:
            return None
        if not isinstance(names, IntExpr):
            return None
        return as_integer(parse(text, lambda name: self.dimension(name, where)))

    def _size(self, text: str, where: str, data: bool) -> IntExpr:
        name = self._unused(identifier(text))
        if name != text and not data:
            self.spelled[name] = text
        made = self.env.size(name, max=LARGEST, source=where) if not data else None
        self.origins[name] = Origin(name, where, data)
        assert made is not None
        return as_integer(made.expr)

    def input_element(self, name: str, where: str) -> IntExpr:
        """The value of an element of an integer input."""
        name = self._unused(identifier(name))
        self.origins[name] = Origin(name, where, False)
        return as_integer(self.env.integer(name, source=where).expr)

    def fresh(
        self, label: str, where: str, least: Any = 0, most: Any = None, size: bool = True
    ) -> IntExpr:
        """An integer that depends on data, in a range whose ends may be expressions."""
        name = self._unused(identifier(label))
        low = _number(least) if size or least is not None else None
        high = _number(most)
        made: IntExpr = self.env.unbacked(
            name,
            size_like=size,
            min=max(low or 0, 0) if size else low,
            max=LARGEST if high is None and size else high,
            source=where,
        ).expr
        self.origins[name] = Origin(name, where, True)
        for claim in self._ends(made, least, most):
            self.env.guarantee(claim, operation=where)
        self._unknown.clear()
        return made

    def read(self, read: Read) -> IntExpr:
        """A number that is read from a value at run time, as a new symbol."""
        label = {"least": "min", "greatest": "max"}.get(read.step, str(read.index))
        low = -1 if read.step == "greatest" else None
        high = 0 if read.step == "least" else None
        where = read.scope + read.value
        size = read.step == "size"
        label = f"{read.value}_d{read.index}" if size else f"{read.value}_{label}"
        made = self.fresh(label, where, 0 if size else low, high, size)
        self.reads[made.name] = read
        return made

    def symbol(self, name: str) -> IntExpr:
        """The symbol of that name, which is declared."""
        return as_integer(self.env.symbols[name].symbol)

    def found(self, read: Read) -> IntExpr:
        """The first symbol that is read so, a new one if there is none."""
        for name, other in self.reads.items():
            if other == read:
                return self.symbol(name)
        return self.read(read)

    def _ends(self, made: IntExpr, least: Any, most: Any) -> Iterator[BoolExpr]:
        if isinstance(least, IntExpr) and not least.is_constant:
            yield less_equal(least, made)
        if isinstance(most, IntExpr) and not most.is_constant:
            yield less_equal(made, most)

    def _unused(self, name: str) -> str:
        if name not in self.env.symbols:
            return name
        i = 1
        while f"{name}_{i}" in self.env.symbols:
            i += 1
        return f"{name}_{i}"

    # ---------------------------------------------------------------- asking

    def known(self, condition: BoolExpr) -> bool | None:
        """Whether a condition is known to hold, or not to, by cheap methods."""
        found = self._known.get(condition)
        if found is not None or condition in self._unknown:
            return found
        with suppress(ContradictionError):  # (of what is required, which nobody has seen yet)
            found = decide(self.env.facts, condition)
        if found is None:
            self._unknown.add(condition)
        else:
            self._known[condition] = found
        return found

    @contextmanager
    def assuming(self, condition: BoolExpr) -> Iterator[None]:
        """Questions in this block are asked where the condition holds."""
        known, facts = dict(self._known), self.env.facts
        stated, symbols = len(self.env.axioms), len(self.env.symbols)
        self._unknown.clear()
        self._state(condition, "the branch", "the branch")
        try:
            yield
        finally:
            for place, info in enumerate(list(self.env.symbols.values())[symbols:], symbols):
                facts = facts.declaring(info.symbol, info.backed, place)
            self.env.facts = facts.given(*self.env.axioms[stated:])
            self._known = known
            self._unknown.clear()

    def enforced(self, condition: BoolExpr, reason: str, node: str) -> None:
        """Take for known what a node enforces, if that is a relation between sizes. What
        contradicts what is known stays a requirement that never holds."""
        self._state(condition, reason, node)

    def _state(self, condition: BoolExpr, reason: str, node: str) -> None:
        relations = (LE_ZERO, EQ_ZERO, NE_ZERO)
        if condition.op not in relations and condition.op is not OPERATORS["And"]:
            return
        fact = Fact(condition, "check", None, reason, None, node)
        learned = self.env.facts.extended(fact)
        if isinstance(learned, Facts):
            self.env.facts = learned
            self._unknown.clear()

    def normal(self, size: IntExpr) -> IntExpr:
        """A size with what is solved put in place."""
        if not self.env.facts.has_solved:
            return size
        return self.env.facts.normalized(size)[0]

    def has_data(self, size: IntExpr) -> bool:
        """Whether a size depends on data."""
        return any(self.is_data(symbol.name) for symbol in free_symbols(size))

    def is_data(self, name: str) -> bool:
        """Whether a symbol's value depends on data."""
        origin = self.origins.get(name)
        return origin is None or origin.data


def _number(end: Any) -> int | None:
    """An end of a range that is a number."""
    if isinstance(end, IntExpr):
        return int(end.constant) if end.is_constant else None
    number: int | None = end
    return number
