"""The symbols of an environment, and what is declared of them.

A declaration takes no longer than what makes a symbol: its range becomes facts when facts are
next asked for, with all others that wait (`Declarations.facts`), and nobody sees the
difference. Statements that contradict nothing wait with them (see `statements`). What is
stated about symbols, and asked, is in `shape_env`.
"""

from __future__ import annotations

from typing import Any

from shapes.base.foreign import as_truth, refused
from shapes.base.infinity import Bound, int_oo
from shapes.base.location import said
from shapes.env.arguments import require_text
from shapes.env.dims import exact_example, exact_hint, exact_range
from shapes.env.records import SymbolInfo
from shapes.env.statements import Ledger
from shapes.env.symints import Symbolic, SymBool, SymFloat, SymInt, symbolic
from shapes.errors import (
    ContradictionError,
    ExpressionTypeError,
    RangeError,
    UnknownSymbolError,
)
from shapes.expr.nodes import Expr, IntExpr, Kind, Value, symbol
from shapes.facts.store import Fact, Facts
from shapes.traversal.parsing import is_name

__all__ = ["Declarations"]


class Declarations:
    """Symbols with their sources and examples, and the facts."""

    def __init__(self) -> None:
        self.symbols: dict[str, SymbolInfo] = {}
        self._told = Ledger()
        self._unbacked = 0
        self._examples: dict[Expr, Value] = {}
        self.names: dict[str, str] = {}
        """What people call symbols whose names are not of their making."""

    @property
    def facts(self) -> Facts:
        """All that is known, as an immutable value."""
        return self._told.facts()

    @facts.setter
    def facts(self, facts: Facts) -> None:
        self._told.facts()  # (what waits is read: its axioms stay)
        self._told.covered = False
        self._know(facts)

    def _know(self, facts: Facts) -> None:
        """Put facts in the place of all that is known."""
        self._told.know(facts)

    def size(
        self,
        name: str,
        hint: int | None = None,
        min: int = 0,
        max: Bound = int_oo,
        source: str | None = None,
    ) -> SymInt:
        """A backed size: an input's dimension, at least 0."""
        return self._integer(name, True, hint, min, max, source, size_like=True)

    def integer(
        self,
        name: str,
        hint: int | None = None,
        min: Bound = -int_oo,
        max: Bound = int_oo,
        source: str | None = None,
    ) -> SymInt:
        """A backed integer of any sign."""
        return self._integer(name, True, hint, min, max, source, size_like=False)

    def boolean(
        self, name: str, hint: bool | None = None, source: str | None = None
    ) -> SymBool:
        """A backed truth value."""
        hint = exact_example(name, hint, "bool")
        with self._told.lock:
            info = SymbolInfo(self._symbol(name, "bool"), True, source, hint)
            return self._entered(info)  # type: ignore[return-value]

    def real(
        self, name: str, hint: float | None = None, source: str | None = None
    ) -> SymFloat:
        """A backed double."""
        hint = exact_example(name, hint, "float")
        with self._told.lock:
            info = SymbolInfo(self._symbol(name, "float"), True, source, hint)
            return self._entered(info)  # type: ignore[return-value]

    def unbacked(
        self,
        name: str | None = None,
        kind: Kind = "int",
        size_like: bool = False,
        min: Bound | None = None,
        max: Bound | None = None,
        source: str | None = None,
    ) -> Any:
        """A value that is known only when the program runs: a `SymInt`, `SymBool` or
        `SymFloat`. A size-like one is at least 0. Without a name it gets the next free
        one of u0, u1, ..."""
        lower = -int_oo if min is None else min
        upper = int_oo if max is None else max
        is_size = as_truth(size_like)
        if is_size is None:
            raise ExpressionTypeError(f"size_like is True or False, not {refused(size_like)}")
        with self._told.lock:
            name = self._fresh_name() if name is None else name
            if kind == "int":
                return self._integer(name, False, None, lower, upper, source, is_size)
            if is_size or min is not None or max is not None:
                raise RangeError(f"`{name}` is not an integer: it has no range or size")
            info = SymbolInfo(self._symbol(name, kind), False, source)
            return self._entered(info)

    def _fresh_name(self) -> str:
        while f"u{self._unbacked}" in self.symbols:
            self._unbacked += 1
        return f"u{self._unbacked}"

    def _integer(
        self,
        name: str,
        backed: bool,
        hint: int | None,
        lower: Bound,
        upper: Bound,
        source: str | None,
        size_like: bool,
    ) -> SymInt:
        lower, upper = exact_range(name, lower, upper)
        if size_like and lower < 0:
            lower, upper = exact_range(name, 0, upper)
        hint = exact_hint(name, hint, lower, upper)
        with self._told.lock:
            sym = self._symbol(name, "int")
            assert isinstance(sym, IntExpr)
            info = SymbolInfo(sym, backed, source, hint, size_like)
            return self._entered(info, lower, upper)  # type: ignore[return-value]

    def _symbol(self, name: str, kind: Kind) -> Expr:
        if not is_name(name):
            raise ExpressionTypeError(f"{name!r} cannot be the name of a symbol")
        if name in self.symbols:
            raise ExpressionTypeError(f"there is a symbol `{name}` already")
        return symbol(name, kind)

    def _entered(
        self, info: SymbolInfo, lower: Bound = -int_oo, upper: Bound = int_oo
    ) -> Symbolic:
        if info.source is not None:
            require_text(info.source, f"the source of `{info.name}`")
        if info.hint is None and (lower > 0 or upper < 0):
            self._told.model.start_apart(info.symbol)
        self._told.declare(
            info.symbol, info.backed, len(self.symbols), lower, upper, info.size_like, said()
        )
        self._entered_info(info)
        return symbolic(self, info.symbol)  # type: ignore[arg-type]

    def _take(self, fact: Fact) -> None:
        """Learn a statement; what is seen to contradict the facts is refused."""
        try:
            facts = self._told.model.learned(self.facts, fact)
        except ContradictionError:
            raise
        except BaseException:  # an interrupt, say: values may be half moved
            self._told.covered = False
            raise
        self._know(facts)
        if fact.origin != "check":
            self._told.axioms.append(fact)

    def _entered_info(self, info: SymbolInfo) -> None:
        self.symbols[info.name] = info
        if info.hint is not None:
            self._told.model.suggest(info.symbol, info.hint)
            self._examples[info.symbol] = info.hint

    def _found(self, name: str) -> Expr:
        info = self.symbols.get(name)
        if info is None:
            known = ", ".join(list(self.symbols)[:20]) or "none"
            raise UnknownSymbolError(f"unknown symbol `{name}` (known: {known})", name=name)
        return info.symbol
