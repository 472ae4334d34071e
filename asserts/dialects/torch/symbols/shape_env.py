"""torch's `ShapeEnv` as ours: its symbols, what callers are held to, and its checks.

torch keeps one range per symbol, in which three kinds of knowledge are mixed: what the
caller's inputs are checked for, what the program checks itself, and what the tracer merely
assumes (an input's size is at least 2; a size that is read at run time may be treated as
such). Here they are separated:

- *enforced at entry*: a size is not negative; a range of an input beyond the assumption;
  guards; dimensions that are equal by their metadata. These are facts, and never emitted.
- *checked*: deferred asserts, and the checks that `record` has seen, which include
  those that torch believed to be always true. These are obligations.
- *assumed*: used for nothing. A bound of a run-time value that torch may have derived with an
  assumption's help is neither a check nor a fact (see `assumed`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import sympy
import torch
from torch.fx.experimental.symbolic_shapes import ShapeEnv as TorchShapeEnv
from torch.utils._sympy import functions
from torch.utils._sympy.numbers import int_oo as torch_int_oo

from asserts.dialects.torch.symbols.arguments import named_argument
from asserts.dialects.torch.symbols.assumed import Derived, derived_ends
from asserts.dialects.torch.symbols.enforced import ENFORCED, ENTRY
from asserts.dialects.torch.symbols.linear import Linear, linear_sum, text_of
from asserts.dialects.torch.symbols.loaded import is_unbacked
from asserts.dialects.torch.symbols.ops import in_domain
from asserts.dialects.torch.symbols.record import RecordedCheck, deferred_as, recorded_checks
from shapes.base import Bound, IntInfinity, int_oo
from shapes.domains import ValueRanges
from shapes.env import Check, ShapeEnv, SymbolInfo
from shapes.errors import ContradictionError, ShapeproofError
from shapes.expr import (
    LE_ZERO,
    OPERATORS,
    RELATIONS,
    SYMBOL,
    BoolExpr,
    Expr,
    Kind,
    as_condition,
    as_expr,
    conjunction,
    equal,
    make,
    side_of,
)
from shapes.expr import symbol as new_symbol
from shapes.facts import Fact, Facts, bounds
from shapes.prove import entails
from shapes.traversal import defined, free_symbols, from_sympy, show, walk

__all__ = ["ENTRY", "TorchEnv", "UnreadableError", "is_unbacked"]

ASSUMED_LEAST = 2
"""The least size that torch's tracer assumes of an input and does not check."""

_NO_ENDS = (-int_oo, int_oo)

UNLIMITED = (sys.maxsize, sys.maxsize - 1)
"""Upper ends that torch writes for "any integer"."""


class UnreadableError(ShapeproofError):
    """An expression of torch's that has no counterpart here."""


class _Environment(ShapeEnv):
    """An environment that learns what is stated when its facts are asked for.

    Insertion states hundreds of checks, and finds the facts around each of them by itself.
    """

    def __init__(self) -> None:
        self._unlearned: list[tuple[SymbolInfo, int] | Fact | Check] = []
        super().__init__()
        self._told.covered = False  # (what is taken unlearned is not compared with the model)

    @property
    def facts(self) -> Facts:
        """All that is known; what contradicts it is left out."""
        known = super().facts
        if self._unlearned:
            for item in self._unlearned:
                with suppress(ContradictionError):
                    known = _with(known, item)
            self.facts = known
        return known

    @facts.setter
    def facts(self, facts: Facts) -> None:
        self._know(facts)

    def _know(self, facts: Facts) -> None:
        self._unlearned.clear()
        super()._know(facts)

    def bounds(self, e: Any, effort: str = "default") -> ValueRanges:
        """As an environment's; what is not learned yet is learned first."""
        _ = self.facts
        return super().bounds(e, effort)

    def take_symbol(self, info: SymbolInfo) -> None:
        """Declare a symbol."""
        self._unlearned.append((info, len(self.symbols)))
        self.symbols[info.name] = info

    def take_axiom(self, fact: Fact) -> None:
        """State what needs no check."""
        self._unlearned.append(fact)
        self._told.axioms.append(fact)

    def take_check(self, check: Check) -> None:
        """State a check."""
        self._unlearned.append(check)
        self._told.checks.append(check)


def _with(facts: Facts, item: tuple[SymbolInfo, int] | Fact | Check) -> Facts:
    if isinstance(item, tuple):
        info, place = item
        return facts.declaring(info.symbol, info.backed, place)
    if isinstance(item, Fact):
        return facts.given(item)
    fact = Fact(
        item.claim, "check", item.text, item.message, item.operation, None, item.location
    )
    return facts.given(fact)


class TorchEnv:
    """Our environment for one of torch's (or for none: then what the graph itself says)."""

    def __init__(self, shape_env: TorchShapeEnv | None) -> None:
        self.source = shape_env
        self.env = _Environment()
        self._read: dict[Any, Expr] = {}
        self._symbols: dict[str, Expr] = {}
        self._checked: set[BoolExpr] = set()
        self._own_ends: dict[Expr, tuple[Bound, Bound]] = {}
        self._ordered: dict[sympy.Symbol, None] = {}
        self._limited: set[Expr] = set()
        if shape_env is not None:
            self.declare_symbols(shape_env)

    # ------------------------------------------------------------------ symbols

    def declare_symbols(self, shape_env: TorchShapeEnv) -> None:
        """Those that are new. Inputs first: what is solved is expressed by the older
        symbols."""
        symbols = {**shape_env.var_to_range, **shape_env.backed_var_to_val}
        new = symbols.keys() - self._ordered.keys()
        for symbol in sorted(filter(_is_symbol, new), key=_order):
            self._ordered[symbol] = None
            self.symbol(symbol)

    def symbol(self, symbol: sympy.Symbol) -> Expr:
        """Our symbol for one of torch's; a renamed one is the one that it was."""
        shape_env = self.source
        if shape_env is not None:
            symbol = shape_env.unbacked_renamings.get(symbol, symbol)
        found = self._read.get(symbol)
        if found is None:
            found = self._symbols.get(symbol.name)
            if found is None:
                found = self._symbols[symbol.name] = self._declare(symbol)
            self._read[symbol] = found
        return found

    def _declare(self, symbol: sympy.Symbol) -> Expr:
        shape_env = self.source
        kind: Kind = "int" if symbol.is_integer else "float"
        ours = new_symbol(symbol.name, kind)
        if is_unbacked(symbol):
            self.env.take_symbol(SymbolInfo(ours, False))
            return ours
        hint = source = None
        if shape_env is not None:
            hint = shape_env.backed_var_to_val.get(symbol)
            sources = shape_env.var_to_sources.get(symbol) or []
            source = _source_name(sources[0]) if sources else None
        number: int | float | None = None
        if kind == "float":
            number = None if hint is None else float(hint)
        elif isinstance(hint, (int, sympy.Integer)):
            number = int(hint)
        self.env.take_symbol(SymbolInfo(ours, True, source, number))
        return ours

    def auxiliary(self, name: str, kind: Kind = "int") -> Expr:
        """A symbol of our own, for a value that torch has no symbol for."""
        found = self._symbols.get(name)
        if found is None:
            found = self._symbols[name] = new_symbol(name, kind)
            self.env.take_symbol(SymbolInfo(found, False))
        return found

    # ------------------------------------------------------------------ expressions

    def read(self, expr: object) -> Expr:
        """Our expression for one of torch's (a sympy expression, or a Python number).

        Raises `UnreadableError` for what has no counterpart here.
        """
        if isinstance(expr, (bool, int, float)):
            return as_expr(expr)
        found = self._read.get(expr)
        if found is None:
            found = self._converted(expr)
            self._read[expr] = found
        return found

    def _converted(self, expr: object) -> Expr:
        if isinstance(expr, sympy.Symbol):
            return self.symbol(expr)
        linear = Linear.of(expr)
        found: Expr | None
        if linear is not None:
            found = linear.condition(self.symbol)
        else:
            found = linear_sum(expr, self.symbol)
        if found is not None:
            return found
        plain = _plain(expr)
        symbols = {s.name: self.symbol(s) for s in getattr(plain, "free_symbols", ())}
        try:
            return from_sympy(plain, symbols)
        except (ShapeproofError, RecursionError, TypeError) as error:
            text = f"torch's expression `{expr}` is not known here: {error}"
            raise UnreadableError(text) from error

    def value_of(self, value: object) -> Expr | None:
        """The expression of a symbolic value as it was written, before what torch has learned
        later was put into it; None for anything else."""
        if isinstance(value, (bool, int, float)):
            return as_expr(value)
        if not isinstance(value, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            return None
        try:
            return self.read(value.node._expr)
        except (UnreadableError, AttributeError):
            return None

    # ------------------------------------------------------------------ facts

    def entry_fact(self, claim: BoolExpr) -> None:
        """State what every caller's inputs satisfy because they are checked for it."""
        self.guarantee(claim, ENTRY)

    def guarantee(self, claim: BoolExpr, operation: str) -> None:
        """State what an operation ensures, under a name in `ENFORCED`. A contradiction is left
        to the caller that checks it."""
        if operation not in ENFORCED:
            raise ValueError(f"nothing is known to enforce what {operation} ensures")
        whole = _defined_too(claim)
        self._note_end(whole)
        self.env.take_axiom(Fact(whole, "operation", operation=operation))

    def state_entry_ranges(self, ranges: Any) -> None:
        """The ranges of inputs, by symbol, as far as the entry check holds callers to them:
        lower ends up to 2 are assumed and not checked."""
        for symbol, found in ranges.items():
            if not isinstance(symbol, sympy.Symbol) or is_unbacked(symbol):
                continue
            if not symbol.is_integer or not found.is_int:
                continue
            ours = self.symbol(symbol)
            lower, upper = _ends(found)
            if lower > ASSUMED_LEAST and not isinstance(lower, IntInfinity):
                self.entry_fact(_condition("Ge", ours, lower))
            if not isinstance(upper, IntInfinity):
                self.entry_fact(_condition("Le", ours, upper))

    def state_guards(self, start: int = 0) -> None:
        """Guards that torch has recorded, from one on; exported programs and compiled code
        check them.

        Not those of a loaded program: they are what its asserts say, and only these check it.
        """
        if self.source is None or not self.source.var_to_sources:
            return
        for guard in self.source.guards[start:]:
            with suppress(UnreadableError, ShapeproofError):
                claim = as_condition(self.read(guard.expr))
                if all(self.env.symbols[s.name].backed for s in free_symbols(claim)):
                    self.entry_fact(claim)

    # ------------------------------------------------------------------ checks

    def state_checks(self) -> None:
        """Everything that was accepted as a check: what was recorded, deferred asserts, and
        the remaining bounds of values read at run time."""
        if self.source is None:
            return
        for check in recorded_checks(self.source):
            if not check.made:
                self.state_recorded(check)
        deferred = [o for some in self.source.deferred_runtime_asserts.values() for o in some]
        # (Those that rest on the others come last.)
        for one in sorted(deferred, key=lambda o: bool(self._solved_in(o))):
            self.state_deferred(one)
        self.state_bounds(self.source)

    def _solved_in(self, one: Any) -> frozenset[Any]:
        """The symbols for which torch has put values into a deferred assert."""
        assert self.source is not None
        return deferred_as(self.source, one.expr).solved

    def state_deferred(self, one: Any) -> None:
        """A check that torch has kept as a deferred assert; not one that is recorded as the
        program wrote it, nor one with values for symbols that nothing enforces."""
        assert self.source is not None
        if deferred_as(self.source, one.expr).recorded:
            return
        if not all(map(self._has_its_value, self._solved_in(one))):
            return
        claim = as_condition(self.read(one.expr))
        if claim not in self._checked:
            self.check(claim, text_of(one.expr), origin="operation", operation="torch")

    def _has_its_value(self, symbol: object) -> bool:
        """Whether a symbol certainly has the value that torch has put for it. It divides by
        what it assumes not to be 0."""
        assert self.source is not None
        value = self.source.replacements.get(symbol)
        with suppress(ShapeproofError):
            claim = equal(self.symbol(symbol), self.read(value))
            is_stated = claim in self._checked
            return is_stated or entails(self.env.facts, claim, "quick") is not None
        return False

    def state_recorded(self, check: RecordedCheck) -> None:
        """A check that was recorded, with its message and line."""
        expr = check.expr if check.written is None else check.written
        ours = isinstance(expr, Expr)
        claim = as_condition(expr if ours else self.read(expr))
        if claim not in self._checked:
            text = str(expr) if ours else text_of(expr)
            self.check(claim, text, check.message, location=check.location)

    def check(self, claim: BoolExpr, text: str, message: str | None = None,
              origin: str = "user", operation: str | None = None,
              location: Any = None) -> None:  # fmt: skip
        """An obligation; one that was stated already is not stated again."""
        if claim in self._checked:
            return
        self._checked.add(claim)
        if not _is_linear(claim):
            self._limit_integers(claim)
            claim = conjunction(in_domain(claim), _defined_too(claim))
        self._note_end(claim)
        # (One that contradicts the others stays a check, and always fails.)
        self.env.take_check(Check(claim, text, message, origin, operation, location))

    def _limit_integers(self, claim: BoolExpr) -> None:
        """What is computed with doubles has a value because torch's integers have 64 bits."""
        if all(node.kind != "float" for node in walk(claim)):
            return
        for symbol in free_symbols(claim):
            if symbol.kind == "int" and symbol not in self._limited:
                self._limited.add(symbol)
                for relation, end in (("Ge", -(1 << 63)), ("Le", (1 << 63) - 1)):
                    self.guarantee(_condition(relation, symbol, end), "64-bit integers")

    def state_bounds(self, shape_env: TorchShapeEnv) -> None:
        """Bounds of run-time values that were demanded without a check of its own; not
        those that torch may have derived with what it assumes of sizes (see `assumed`)."""
        derived: Mapping[Any, Derived] | None = None
        for symbol in self._ordered:
            found = shape_env.var_to_range.get(symbol)
            if found is None or not is_unbacked(symbol) or not symbol.is_integer:
                continue
            if symbol in shape_env.unbacked_renamings:
                continue
            ours = self.symbol(symbol)
            lower, upper = _ends(found)
            stated_lower, stated_upper = self._own_ends.get(ours, _NO_ENDS)
            if lower <= stated_lower and upper >= stated_upper:
                continue
            known_lower, known_upper = bounds(self.env.facts, ours).int_bounds()
            if lower <= known_lower and upper >= known_upper:
                continue
            derived = derived_ends(shape_env) if derived is None else derived
            lower, upper = own_ends(found, derived.get(symbol, Derived()))
            if not isinstance(lower, IntInfinity) and lower > known_lower:
                self._state_bound("Ge", ours, lower)
            if not isinstance(upper, IntInfinity) and upper < known_upper:
                self._state_bound("Le", ours, upper)

    def _note_end(self, claim: BoolExpr) -> None:
        """Remember a bound of a single symbol: most of torch's ranges are just that."""
        if claim.op is not LE_ZERO:
            return
        e = side_of(claim)
        if len(e.terms()) != 1:
            return
        ((symbol, c),) = e.terms().items()
        lower, upper = self._own_ends.get(symbol, _NO_ENDS)
        if c == 1:
            self._own_ends[symbol] = (lower, min(upper, -e.constant))
        elif c == -1:
            self._own_ends[symbol] = (max(lower, e.constant), upper)

    def _state_bound(self, relation: str, ours: Expr, end: Any) -> None:
        claim = _condition(relation, ours, end)
        self.check(claim, show(claim), origin="operation", operation="a declared range")


def _is_symbol(key: object) -> bool:
    """The environment of a loaded program has ranges of sums and products, too."""
    return isinstance(key, sympy.Symbol)


def _order(symbol: sympy.Symbol) -> tuple[bool, int, str]:
    digits = "".join(c for c in symbol.name if c.isdigit())
    unbacked = is_unbacked(symbol)
    return (unbacked, int(digits or 0) if unbacked else 0, symbol.name)


def _source_name(source: Any) -> str | None:
    """A source as the user would write it: ``x.shape[0]`` for ``L['x'].size()[0]``."""
    try:
        name = str(source.name)
    except (NotImplementedError, AttributeError):
        return None
    name = name.removeprefix("L")
    if name.startswith("['") and "']" in name:
        inner, _, rest = name[2:].partition("']")
        name = inner + rest
    name = name.replace(".size()[", ".shape[").replace(".stride()[", ".stride[")
    return named_argument(name)


def _ends(found: Any) -> tuple[Bound, Bound]:
    return _end(found.lower), _end(found.upper)


def own_ends(found: object, derived: Derived) -> tuple[Bound, Bound]:
    """The ends of a range of torch's that it has not derived from relations."""
    lower, upper = _ends(found)
    least, most = _ends(derived)
    return -int_oo if lower <= least else lower, int_oo if upper >= most else upper


def _end(end: Any) -> Bound:
    if isinstance(end, sympy.Integer):
        return int_oo if end.p in UNLIMITED else int(end.p)
    if end in (torch_int_oo, sympy.oo):
        return int_oo
    if end in (-torch_int_oo, -sympy.oo):
        return -int_oo
    number = int(end)
    return int_oo if number in UNLIMITED else number


def _is_linear(claim: BoolExpr) -> bool:
    """Whether this is an integer relation over symbols; it always has a value."""
    if claim.op not in RELATIONS:
        return False
    return all(atom.op is SYMBOL for atom in side_of(claim).terms())


def _defined_too(claim: BoolExpr) -> BoolExpr:
    """The condition, and that it has a value."""
    return claim if _is_linear(claim) else conjunction(defined(claim), claim)


def _condition(name: str, left: Expr, right: int) -> BoolExpr:
    return as_condition(make(name, left, right))


_FUNCTION_NAMES = {
    **{f"OpaqueUnaryFn_{name}": name for name in (
        "sqrt", "cos", "cosh", "sin", "sinh", "tan", "tanh", "asin", "acos", "atan", "exp",
        "log", "asinh", "log2")},
    "BitwiseFn_bitwise_and": "BitAnd",
    "BitwiseFn_bitwise_or": "BitOr",
    "BitwiseFn_bitwise_xor": "BitXor",
}  # fmt: skip


def _plain(expr: object) -> Any:
    """The expression with torch's functions that have no name here expanded."""
    if not isinstance(expr, sympy.Basic) or not expr.args:
        return expr
    heads = {type(a) for a in sympy.preorder_traversal(expr)}
    if not any(_is_foreign(head) for head in heads):
        return expr
    arguments = [_plain(a) for a in expr.args]
    head = type(expr)
    if head is functions.Identity:
        return arguments[0]
    if head is functions.ModularIndexing:
        base, divisor, modulus = arguments
        return functions.PythonMod(functions.FloorDiv(base, divisor), modulus)
    if head is functions.TruncToFloat:
        return functions.ToFloat(functions.TruncToInt(arguments[0]))
    name = _FUNCTION_NAMES.get(head.__name__)
    if name is not None:
        return _stand_in(name)(*arguments)
    return expr.func(*arguments)


def _is_foreign(head: type) -> bool:
    named = head.__name__ in _FUNCTION_NAMES
    return named or head in (functions.Identity, functions.ModularIndexing,
                             functions.TruncToFloat)  # fmt: skip


def _stand_in(name: str) -> Any:
    return sympy.Function(OPERATORS[name].sympy or name)
