"""What to write into a program so that a condition which torch cannot decide is decided.

The weakest checks that settle the condition one way or the other are searched for and
verified by our prover (see `shapes.queries.suggest`); here they are spelled with the names
that the user's own code has for the values: a local variable, a size of one, an item that
is read from it, or what torch knows of an input. Finding names is quick and happens when the
error is raised, while the local variables have their values; the search runs only when
the message is read, because torch catches many of these errors itself.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final

import torch
from torch._dynamo.variables.constant import ConstantVariable
from torch._dynamo.variables.lazy import LazyVariableTracker
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode
from torch.utils import _pytree as pytree

from asserts.dialects.torch.export.asking import (
    Asker,
    Site,
    asker_of,
    is_inline,
    statement_line,
)
from asserts.dialects.torch.export.interpreted import DYNAMO
from asserts.dialects.torch.symbols.shape_env import TorchEnv
from shapes.base import is_internal, shown_file
from shapes.errors import ShapeproofError
from shapes.expr import OPERATORS, BoolExpr, Expr, Op, negation
from shapes.prove import METHODS, Effort
from shapes.queries.suggest import suggest
from shapes.traversal import (
    PRECEDENCE,
    Printer,
    Shown,
    composed,
    free_symbols,
    interpret,
    join,
)

__all__ = [
    "AdvisedError",
    "Place",
    "UndecidedError",
    "asking",
    "best_place",
    "is_users",
    "places_of",
    "torch_text",
]

EFFORT: Final = Effort(tuple(METHODS), search=100, rlimit=0)
"""What is spent on each proof of the search for suggestions."""

EXAMPLE: Final = "Or go the way of the example, which is asserted: decide='example'."

EACH_WAY: Final = 3
"""Suggestions for the condition, and as many for its negation."""

MOST_FRAMES: Final = 8
"""Functions of the user, the innermost first, that are searched for names."""

MOST_LEAVES: Final = 400
"""Values in the local variables of one function that are looked at."""

_TORCH: Final = os.path.dirname(torch.__file__) + os.sep
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
        line = statement_line(self.file, self.line)
        return f"{shown_file(self.file)}:{line} in {self.function}"


class AdvisedError(GuardOnDataDependentSymNode):  # type: ignore[misc]
    """torch's error for something that depends on data, which also says what to do."""

    def __init__(
        self,
        error: GuardOnDataDependentSymNode,
        symbols: TorchEnv,
        claim: Expr,
        places: Sequence[Place],
        asker: Asker | None = None,
    ) -> None:
        super().__init__(error.cond, *error.args)
        self.claim = claim
        self.asker = asker
        self._facts = symbols.env.facts
        self._sources = {
            name: str(info.source)
            for name, info in symbols.env.symbols.items()
            if info.source not in (None, name)
        }
        self._places = places
        self._advice: str | None = None
        self.example_is_left = False
        self.how_sure = "verified"
        self.dropped: frozenset[str] = frozenset()
        """Lines with which the export ends at the same place: they are not shown."""

    def __str__(self) -> str:
        text = super().__str__()
        # (torch writes what an error says into the arguments of the same error.)
        return text if self.advice in text else f"{text}\n{self.advice}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The suggested lines of code."""
        return ()

    @property
    def reading(self) -> tuple[ast.expr, str, str] | None:
        """Of lines about a tested expression that no variable holds: the expression, the name
        that it gets, and the line that gives it the name."""
        return None

    def keep(self, without: Collection[str], how_sure: str) -> None:
        """Show no line that is among those, and say how sure the others are."""
        self.dropped, self.how_sure, self._advice = frozenset(without), how_sure, None

    @property
    def place(self) -> Place | None:
        """Where the lines stand."""
        return self._place()

    @property
    def advice(self) -> str:
        """What would settle it, in the user's names."""
        if self._advice is None:
            try:
                self._advice = self._written()
                if self.example_is_left:
                    self._advice += f"\n{EXAMPLE}"
            except (ShapeproofError, RecursionError) as error:
                self._advice = f"Shapeproof: (no check that settles it was found: {error})"
        return self._advice

    def _written(self) -> str:
        raise NotImplementedError

    def _site(self) -> Site | None:
        return None if self.asker is None else self.asker.site()

    def _named(self, claim: Expr) -> str:
        place = self._place()
        return torch_text(claim, self._sources, {} if place is None else place.names)

    def _place(self) -> Place | None:
        return best_place(self._places, self.claim, self._sources)

    def _missing(self, claim: Expr | None = None) -> list[str]:
        """Symbols of the claim (or of another one) that have no name at the place: what names
        them cannot be written there."""
        place = self._place()
        names = {} if place is None else place.names
        return [
            s.name
            for s in free_symbols(self.claim if claim is None else claim)
            if s not in names and s.name not in self._sources
        ]

    def _legend(self) -> list[str]:
        unnamed = "no variable holds it; give it a name first"
        return [f"  ({name}: {unnamed})" for name in self._missing()]

    def _where(self) -> str:
        place = self._place()
        return "" if place is None else f" before {place}"


def best_place(
    places: Sequence[Place], claim: Expr, sources: Mapping[str, str]
) -> Place | None:
    """The innermost function in which a statement can stand, and that has names for all
    symbols without a source, or for the most."""
    wanted = {s for s in free_symbols(claim) if s.name not in sources}
    best: Place | None = None
    for place in places:
        if is_inline(place.function):
            continue
        known = len(wanted & set(place.names))
        if best is None or known > len(wanted & set(best.names)):
            best = place
    return best


class UndecidedError(AdvisedError):
    """A condition that depends on data, and checks that settle it."""

    claim: BoolExpr

    @property
    def lines(self) -> tuple[str, ...]:
        """The suggested lines of code, each of which (or each group joined by ``;``) settles
        the condition."""
        truth = self._truth()
        if truth is not None:
            return tuple(line for line in truth.lines if line not in self.dropped)
        return tuple(line for _, lines in self._found() for line in lines)

    @property
    def reading(self) -> tuple[ast.expr, str, str] | None:
        truth, site = self._truth(), self._site()
        tested = None if site is None else site.tested()
        if truth is None or tested is None:
            return None
        return tested, truth.name, truth.assignment

    def _written(self) -> str:
        truth = self._truth()
        if truth is not None and not self.dropped & set(truth.lines):
            return self._of_truth(truth)
        out = [f"Shapeproof: the checks so far don't decide `{self._named(self.claim)}`."]
        found = list(self._found())
        if found:
            out.append(f"Any one of these lines{self._where()} settles it ({self.how_sure}):")
        elif self.dropped:
            out.append("No line was found that settles it: with each, export ends there, too.")
        for outcome, lines in found:
            out.append(f"  so that `{outcome}`:")
            out += [f"    {line}" for line in lines]
        return "\n".join(out + self._legend() + self._beside())

    def _found(self) -> Iterator[tuple[str, list[str]]]:
        for outcome in (self.claim, negation(self.claim)):
            found = suggest(self._facts, outcome, EACH_WAY, effort=EFFORT)
            named = [one.claim for one in found if not self._missing(one.claim)]
            lines = [one for one in dict.fromkeys(map(self._line, named))
                     if one not in self.dropped]  # fmt: skip
            if lines:
                yield self._named(outcome), lines

    def _line(self, claim: BoolExpr) -> str:
        parts = claim.args if claim.op is OPERATORS["And"] else (claim,)
        return "; ".join(f"torch._check({self._named(part)})" for part in parts)

    def _truth(self) -> _Truth | None:
        """The tested expression, if the condition has values in it that no variable holds."""
        asker = self.asker
        if asker is None or asker.operation is not None or not self._missing():
            return None
        site = self._site()
        tested = None if site is None else site.tested()
        bool_call = site is not None and site.called()[0] == "bool"
        if site is None or tested is None or not (asker.tests or bool_call):
            return None
        return _Truth(site.text_of(tested), site.unused("condition"), not asker.of_number)

    def _of_truth(self, truth: _Truth) -> str:
        asker = self.asker
        assert asker is not None
        where = f"{shown_file(asker.file)}:{statement_line(asker.file, asker.line)}"
        yes, no = truth.lines
        return "\n".join((
            f"Shapeproof: the checks so far don't decide the truth of `{truth.text}`.",
            f"No variable holds it. Before {where} read it once, and test that there:",
            f"    {truth.assignment}",
            f"Then any one of these lines settles it ({self.how_sure}):",
            f"  so that `{truth.name}`:",
            f"    {yes}",
            f"  so that `not {truth.name}`:",
            f"    {no}",
            *self._beside(),
        ))  # fmt: skip

    def _beside(self) -> list[str]:
        """What else is to be known of the place."""
        site = self._site()
        if site is None or self.asker is None or self.asker.operation is not None:
            return []
        if site.repeated:
            return ["  (in a loop: each turn asks again, perhaps something else)"]
        return []


@dataclass(frozen=True)
class _Truth:
    """A tested expression that gets a name."""

    text: str
    name: str
    of_tensor: bool

    @property
    def assignment(self) -> str:
        """Reads it: of a tensor, a symbolic truth value."""
        if not self.of_tensor:
            return f"{self.name} = {self.text}"
        tested = ast.parse(self.text, mode="eval").body
        atom = isinstance(tested, (ast.Name, ast.Attribute, ast.Call, ast.Subscript))
        whole = self.text if atom else f"({self.text})"
        return f"{self.name} = {whole}.{'' if _is_truth(tested) else 'bool().'}item()"

    @property
    def lines(self) -> tuple[str, str]:
        """A check that it is true, and one that it is not."""
        return f"torch._check({self.name})", f"torch._check(torch.sym_not({self.name}))"


def _is_truth(tested: ast.expr) -> bool:
    """Whether a tensor that is computed so has elements of type `torch.bool`."""
    if isinstance(tested, ast.Compare):
        return True
    called = tested.func if isinstance(tested, ast.Call) else None
    return isinstance(called, ast.Attribute) and called.attr in ("all", "any")


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

    def unknown(self, op: Op, operands: Sequence[Shown]) -> Shown:
        if op.text in ("Min", "Max"):
            return self._folded(f"torch.sym_{op.text.lower()}", operands)
        if op.name in _CALLS:
            return self._called(_CALLS[op.name], operands)
        if op.infix is None and op.simpler is not None:
            return composed(self, op, operands)
        return super().unknown(op, operands)

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
    "Abs": "abs",
    "FloatAbs": "abs",
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
        if code.co_filename == DYNAMO:
            interpreter = frame.f_locals.get("self")
            if hasattr(interpreter, "symbolic_locals") and interpreter not in interpreters:
                interpreters.append(interpreter)
                found += _interpreted(interpreter, symbols)
        elif is_users(code.co_filename):
            if interpreters:
                break  # whoever calls what dynamo interprets is not traced
            names = _names(dict(frame.f_locals), symbols)
            found.append(Place(code.co_filename, frame.f_lineno, code.co_name, names))
        elif found and code.co_filename.startswith(_EXPORT):
            break  # nor is whoever calls export
        frame = frame.f_back
    return found


def asking() -> Asker | None:
    """What made torch ask: the innermost instruction of the user that is running."""
    return asker_of(is_users, DYNAMO)


def is_users(file: str) -> bool:
    """Whether the file is neither torch's nor ours nor generated."""
    generated = file.startswith("<")
    return not (generated or file.startswith(_TORCH) or is_internal(file))


def _interpreted(interpreter: Any, symbols: TorchEnv) -> Iterator[Place]:
    """A function that dynamo interprets: its variables stand for the user's."""
    code = interpreter.f_code
    if is_users(code.co_filename):
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
    if isinstance(variable, ConstantVariable):
        return None  # (dynamo takes a text for its letters, and these for theirs)
    items = None
    with suppress(NotImplementedError):  # (some kinds try to give the items)
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
