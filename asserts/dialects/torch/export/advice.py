"""What to write into a program so that a condition which torch cannot decide is decided.

The weakest checks that settle the condition one way or the other are searched for and
verified by our prover (see `shapes.queries.suggest`); here they are spelled with the names
that the user's own code has for the values: a local variable, a size of one, an item that
is read from it, or what torch knows of an input. Finding names is quick and happens when the
error is raised, while the local variables have their values; the search waits until somebody
reads the message, because torch catches many of these errors itself.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import torch
from torch._dynamo.variables.lazy import LazyVariableTracker
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils import _pytree as pytree

from asserts.dialects.torch.symbols.shape_env import TorchEnv
from shapes.base import is_internal
from shapes.errors import ShapeproofError
from shapes.expr import OPERATORS, BoolExpr, Expr, Op, negation
from shapes.prove import METHODS, Effort
from shapes.queries.suggest import suggest
from shapes.traversal import PRECEDENCE, Printer, Shown, free_symbols, interpret, join

__all__ = ["Place", "UndecidedError", "places_of", "torch_text"]

EFFORT: Final = Effort(tuple(METHODS), search=100, rlimit=0)
"""What is spent on each proof of the search for suggestions."""

EACH_WAY: Final = 3
"""Suggestions for the condition, and as many for its negation."""

MOST_FRAMES: Final = 8
"""Functions of the user, the innermost first, that are searched for names."""

MOST_LEAVES: Final = 400
"""Values in the local variables of one function that are looked at."""

_TORCH: Final = os.path.dirname(torch.__file__) + os.sep
_DYNAMO: Final = os.path.join(_TORCH, "_dynamo", "symbolic_convert.py")
_EXPORT: Final = (os.path.join(_TORCH, "export", ""), os.path.join(_TORCH, "_export", ""))


@dataclass(frozen=True)
class Place:
    """A line of the user's code, and the names that symbols, and what is computed from
    them, have there."""

    file: str
    line: int
    function: str
    names: Mapping[Expr, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


class UndecidedError(GuardOnDataDependentSymNode):  # type: ignore[misc]
    """torch's error for a condition that depends on data, which also says what settles it."""

    def __init__(
        self,
        error: GuardOnDataDependentSymNode,
        symbols: TorchEnv,
        claim: BoolExpr,
        places: Sequence[Place],
    ) -> None:
        super().__init__(error.cond, *error.args)
        self.claim = claim
        self._facts = symbols.env.facts
        self._sources = {
            name: str(info.source)
            for name, info in symbols.env.symbols.items()
            if info.source not in (None, name)
        }
        self._places = places
        self._advice: str | None = None

    def __str__(self) -> str:
        return f"{super().__str__()}\n{self.advice}"

    @property
    def advice(self) -> str:
        """The checks that would settle the condition, in the user's names."""
        if self._advice is None:
            try:
                self._advice = self._written()
            except (ShapeproofError, RecursionError) as error:
                self._advice = f"(no check that settles it was found: {error})"
        return self._advice

    @property
    def lines(self) -> tuple[str, ...]:
        """The suggested lines of code, each of which (or each group joined by ``;``) settles
        the condition."""
        return tuple(line for _, lines in self._found() for line in lines)

    def _written(self) -> str:
        place = self._place()
        where = f" before {place}" if place is not None else ""
        out = [f"Shapeproof: what is checked so far leaves `{self._named(self.claim)}` open."]
        out.append(f"Any one of these lines{where} settles it (verified):")
        for outcome, lines in self._found():
            out.append(f"  so that `{outcome}`:")
            out += [f"    {line}" for line in lines]
        out += self._legend(place)
        return "\n".join(out)

    def _found(self) -> Iterator[tuple[str, list[str]]]:
        for outcome in (self.claim, negation(self.claim)):
            found = suggest(self._facts, outcome, EACH_WAY, effort=EFFORT)
            lines = list(dict.fromkeys(self._line(one.claim) for one in found))
            if lines:
                yield self._named(outcome), lines

    def _line(self, claim: BoolExpr) -> str:
        parts = claim.args if claim.op is OPERATORS["And"] else (claim,)
        return "; ".join(f"torch._check({self._named(part)})" for part in parts)

    def _named(self, claim: Expr) -> str:
        place = self._place()
        return torch_text(claim, self._sources, {} if place is None else place.names)

    def _place(self) -> Place | None:
        """The innermost function that has names for all symbols, or for the most."""
        wanted = {s for s in free_symbols(self.claim) if s.name not in self._sources}
        best: Place | None = None
        for place in self._places:
            known = len(wanted & set(place.names))
            if best is None or known > len(wanted & set(best.names)):
                best = place
        return best

    def _legend(self, place: Place | None) -> list[str]:
        names = {} if place is None else place.names
        missing = [
            s.name
            for s in free_symbols(self.claim)
            if s not in names and s.name not in self._sources
        ]
        return [f"  ({name}: no variable holds it; give it a name first)" for name in missing]


# --------------------------------------------------------------------------- spelling


class _TorchText(Printer):
    """Conditions as Python that torch traces: without ``and``, ``or``, ``not``, which would
    decide them."""

    def and_(self, *operands: Shown) -> Shown:
        return self._joined(" & ", PRECEDENCE["&"], [_guarded(o) for o in operands])

    def or_(self, *operands: Shown) -> Shown:
        return self._joined(" | ", PRECEDENCE["|"], [_guarded(o) for o in operands])

    def not_(self, a: Shown) -> Shown:
        return self._called("torch.sym_not", (a,))

    def fmin(self, *operands: Shown) -> Shown:
        return self._folded("torch.sym_min", operands)

    def fmax(self, *operands: Shown) -> Shown:
        return self._folded("torch.sym_max", operands)

    def unknown(self, op: Op, operands: Sequence[Shown]) -> Shown:
        if op.name in ("Min", "Max"):
            return self._folded(f"torch.sym_{op.name.lower()}", operands)
        if op.name in ("CleanDiv", "CeilDiv"):
            top, bottom = operands
            if op.name == "CleanDiv":
                return self.floordiv(top, bottom)
            return self.neg(self.floordiv(self.neg(top), bottom))
        return self._called(_CALLS.get(op.name, op.name), operands)

    def _folded(self, name: str, operands: Sequence[Shown]) -> Shown:
        result = operands[0]
        for operand in operands[1:]:
            result = self._called(name, (result, operand))
        return result


def _guarded(operand: Shown) -> Shown:
    """In parentheses: ``&`` and ``|`` hold tighter than comparisons."""
    if operand.precedence >= PRECEDENCE["atom"]:
        return operand
    return Shown(("(", operand.text, ")"))


_CALLS: Final = {
    "Where": "torch.sym_ite",
    "ToFloat": "torch.sym_float",
    "sqrt": "torch.sym_sqrt",
    "TruncToInt": "math.trunc",
    "CeilToInt": "math.ceil",
    "FloorToInt": "math.floor",
    "RoundToInt": "round",
}


def torch_text(
    claim: Expr, sources: Mapping[str, str], names: Mapping[Expr, str] | None = None
) -> str:
    """The expression as Python for a program of torch's: symbols are written as their
    `sources`, and expressions that have `names` by these."""
    named = {e: Shown(text) for e, text in (names or {}).items()}
    printer = _TorchText(lambda name: sources.get(name, name))
    return join(interpret(printer, {}, claim, named).text)


# --------------------------------------------------------------------------- names


def places_of(symbols: TorchEnv) -> list[Place]:
    """The user's functions that are running, innermost first, with their names for symbols:
    Python's own frames, and those that dynamo interprets."""
    found: list[Place] = []
    interpreters: list[Any] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(found) < MOST_FRAMES:
        code = frame.f_code
        if code.co_filename == _DYNAMO:
            interpreter = frame.f_locals.get("self")
            if hasattr(interpreter, "symbolic_locals") and interpreter not in interpreters:
                interpreters.append(interpreter)
                found += _interpreted(interpreter, symbols)
        elif _is_users(code.co_filename):
            if interpreters:
                break  # whoever calls what dynamo interprets is not traced
            names = _names(dict(frame.f_locals), symbols)
            found.append(Place(code.co_filename, frame.f_lineno, code.co_name, names))
        elif found and code.co_filename.startswith(_EXPORT):
            break  # nor is whoever calls export
        frame = frame.f_back
    return found


def _is_users(file: str) -> bool:
    generated = file.startswith("<")
    return not (generated or file.startswith(_TORCH) or is_internal(file))


def _interpreted(interpreter: Any, symbols: TorchEnv) -> Iterator[Place]:
    """A function that dynamo interprets: its variables stand for the user's."""
    code = interpreter.f_code
    if _is_users(code.co_filename):
        values = {name: _held(v) for name, v in interpreter.symbolic_locals.items()}
        names = _names(values, symbols)
        yield Place(code.co_filename, interpreter.lineno, code.co_name, names)


def _held(variable: Any) -> Any:
    """The symbolic value of one of dynamo's variables, or a list of those in it."""
    if isinstance(variable, LazyVariableTracker):
        if not variable.is_realized():
            return None  # looking at it would make it part of the graph
        variable = variable.unwrap()
    number = getattr(variable, "sym_num", None)
    if number is not None:
        return number
    items = getattr(variable, "items", None)
    if isinstance(items, (list, tuple)):
        return [_held(item) for item in items]
    proxy = getattr(variable, "proxy", None)
    return None if proxy is None else proxy.node.meta.get("example_value")


def _names(values: Mapping[str, Any], symbols: TorchEnv) -> dict[Expr, str]:
    """The best name of every symbolic number that can be read from local variables: one that
    is the number, else a size, then an item."""
    ranked: dict[Expr, tuple[int, int, str]] = {}
    for name, value in values.items():
        if not name.isidentifier():
            continue
        for rank, text, number in _readings(name, value):
            for expr in _exprs(number, symbols):
                entry = (rank, len(text), text)
                if expr not in ranked or entry < ranked[expr]:
                    ranked[expr] = entry
    return {expr: text for expr, (_, _, text) in ranked.items()}


def _readings(name: str, value: Any) -> Iterator[tuple[int, str, Any]]:
    """Symbolic numbers in a value, with how they are read, and how directly."""
    try:
        leaves = pytree.tree_leaves_with_path(value)
    except (ValueError, TypeError):
        return
    for path, leaf in leaves[:MOST_LEAVES]:
        text = name + pytree.keystr(path)
        if isinstance(leaf, (torch.SymInt, torch.SymFloat, torch.SymBool)):
            yield 0, text, leaf
        elif isinstance(leaf, torch.Tensor):
            for dim, size in enumerate(leaf.shape):
                yield 1, f"{text}.shape[{dim}]", size
            yield 2, f"{text}.item()", getattr(leaf, "item_memo", None)


def _exprs(number: Any, symbols: TorchEnv) -> Iterator[Expr]:
    """What a number is, as it was written, and the symbol that torch has put in its place."""
    if not isinstance(number, (torch.SymInt, torch.SymFloat, torch.SymBool)):
        return
    written = symbols.value_of(number)
    if written is not None and not written.is_constant:
        yield written
    now = getattr(number.node, "expr", None)
    if getattr(now, "is_Symbol", False):
        yield symbols.symbol(now)
