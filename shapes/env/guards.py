"""Guards: what the example sizes decided, to be checked by the caller.

All guards of an environment are compiled into one Python function of the backed symbols. A
guard that fails is explained with the values and where they come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from shapes.base.digits import short
from shapes.base.location import Location
from shapes.base.pretty import shown_as_text
from shapes.base.records import record
from shapes.errors import EvaluationError, GuardError, UndefinedError
from shapes.expr.nodes import BoolExpr, Expr, Value
from shapes.traversal.evaluate import evaluated, value_of
from shapes.traversal.interpret import free_symbols
from shapes.traversal.printing import show

if TYPE_CHECKING:
    from shapes.env.codegen.rows import Plan

__all__ = ["Guard", "GuardFunction"]

_TYPES: Final[Mapping[str, Any]] = {"int": int, "bool": bool, "float": float}
"""Python's types of values, which are taken as they are."""


@record(frozen=True, eq=False, slots=True)
class Guard:
    """A condition on inputs that held for the examples, and the line that asked for it."""

    claim: BoolExpr
    location: Location | None = None

    def __str__(self) -> str:
        return show(self.claim)

    _repr_pretty_ = shown_as_text


class GuardFunction:
    """All guards as one function: ``guard(b=8, k=3)`` tells whether all hold.

    Arguments are the values of the backed symbols that occur, by name (a path such as
    ``tokens.shape[0]`` in a mapping given as the only positional argument). `source` is the
    Python text that was compiled.
    """

    def __init__(
        self, guards: Sequence[Guard], sources: Mapping[str, str | None]
    ) -> None:
        from shapes.env.codegen.python import compile_conditions

        self.guards = tuple(guards)
        self._sources = dict(sources)
        self._symbols: list[Expr] = free_symbols(*(guard.claim for guard in guards))
        names = {sym: f"s{index}" for index, sym in enumerate(self._symbols)}
        claims = [guard.claim for guard in guards]
        self._function, self.source = compile_conditions("guard", claims, names)
        self._types = [_TYPES[sym.kind] for sym in self._symbols]
        self._names = [sym.name for sym in self._symbols]
        self._plan: Plan | None = None

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the symbols whose values decide."""
        return tuple(sym.name for sym in self._symbols)

    def __call__(self, values: Mapping[str, Value] | None = None, /, **named: Value) -> bool:
        """Whether all guards hold; raises `EvaluationError` for a missing value, or one that
        is not an exact number of its symbol's kind."""
        arguments = self._exact(values, named)
        try:
            return bool(self._function(*arguments))
        except (ArithmeticError, ValueError):
            # An operand without a value may not matter: ask each guard as a whole.
            return not self._failed(dict(zip(self._symbols, arguments)))

    def over(self, values: Mapping[str, object] | None = None, /, **named: object) -> Any:
        """Whether all guards hold, for every row of inputs: a numpy array of truth values.

        Each value is a one-dimensional array, or one number for all rows. Raises
        `EvaluationError` for a missing value or for arrays that do not belong together.
        """
        from shapes.env.codegen.rows import hold_over_rows

        arguments = self._arguments(values, named)
        held, self._plan = hold_over_rows(
            dict(zip(self._symbols, arguments)),
            [guard.claim for guard in self.guards],
            self._plan,
        )
        return held

    def check(self, values: Mapping[str, Value] | None = None, /, **named: Value) -> None:
        """Raise `GuardError` with the guards that fail, if any does."""
        explanation = self.explain(values, **named)
        if explanation is not None:
            raise GuardError(explanation)

    def explain(
        self, values: Mapping[str, Value] | None = None, /, **named: Value
    ) -> str | None:
        """Which guards fail and why, with values and sources; None if all hold."""
        bound = dict(zip(self._symbols, self._exact(values, named)))
        failed = self._failed(bound)
        return "\n".join(self._described(guard, bound) for guard in failed) or None

    def _arguments(
        self, values: Mapping[str, object] | None, named: Mapping[str, object]
    ) -> list[Any]:
        given = named
        if values:
            # (A mapping of another type may make values up when it is asked.)
            given = {**values, **named} if named or type(values) is not dict else values
        try:
            return [given[name] for name in self._names]
        except KeyError:
            missing = [name for name in self._names if name not in given]
            raise EvaluationError(f"no value was given for {', '.join(missing)}") from None

    def _exact(
        self, values: Mapping[str, object] | None, named: Mapping[str, object]
    ) -> list[Value]:
        """The arguments as Python's numbers."""
        arguments = self._arguments(values, named)
        if list(map(type, arguments)) == self._types:
            return arguments
        return [
            value if type(value) is own else value_of(sym, value)
            for sym, own, value in zip(self._symbols, self._types, arguments)
        ]

    def _failed(self, bound: Mapping[Expr, Value]) -> list[Guard]:
        failed = []
        for guard in self.guards:
            try:
                if not evaluated(guard.claim, bound):
                    failed.append(guard)
            except UndefinedError:
                failed.append(guard)
        return failed

    def _described(self, guard: Guard, bound: Mapping[Expr, Value]) -> str:
        parts = []
        for sym in free_symbols(guard.claim):
            source = self._sources.get(sym.name)
            origin = f" (from {source})" if source and source != sym.name else ""
            parts.append(f"{sym.name} = {short(bound[sym])}{origin}")
        where = f"\n    guarded at {guard.location}" if guard.location is not None else ""
        return f"the guard `{guard}` does not hold: {', '.join(parts)}{where}"
