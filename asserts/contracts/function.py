"""`contract` for functions: the decorator, and what a function with a contract offers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from asserts.annotations import ATTRIBUTE, annotated
from asserts.contracts.checking import Call, Checker
from asserts.contracts.compiling import Ways, compile_guard
from asserts.contracts.system import where_of
from asserts.contracts.terms import Terms, terms_of
from asserts.contracts.traced import TracedCall, is_traced
from asserts.errors import AnnotationError, ContractError
from asserts.trace.context import current_tracer
from shapes.base import Location, shown_as_text

__all__ = ["FunctionContract", "contracted"]

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from asserts.contracts.drawing import Drawer
    from asserts.contracts.strategies import Violation

F = TypeVar("F", bound=Callable[..., Any])


class FunctionContract:
    """What a function requires of its arguments' shapes, and promises of its result's.

    `function` is the function without its guard, `guard` the text of the guard.
    """

    def __init__(self, function: Callable[..., object], terms: Terms) -> None:
        self.function = function
        self.terms = terms
        self._checker = Checker(terms)
        self.last_traced: TracedCall | None = None
        """The call in the last trace of the function."""
        self._guards: dict[frozenset[str], tuple[Callable[..., Any], str]] = {}

    @functools.cached_property
    def place(self) -> Location:
        """The line of ``def`` (line 0 of a file without a name if there is none)."""
        inner = inspect.unwrap(self.function)
        code = getattr(inner, "__code__", None)
        if code is None:
            return Location("", 0, self.terms.notes.name)
        first = code.co_firstlineno  # (that of the decorators)
        try:
            lines = inspect.getsourcelines(inner)[0]
        except (OSError, TypeError):
            lines = []
        offsets = (i for i, line in enumerate(lines) if line.lstrip().startswith("def "))
        return Location(code.co_filename, first + next(offsets, 0), code.co_name)

    @property
    def guarded(self) -> Callable[..., Any]:
        """The function with its guard."""
        return self._guard_of(frozenset())[0]

    @property
    def guard(self) -> str:
        """The guard as Python text."""
        return self._guard_of(frozenset())[1]

    @property
    def clauses(self) -> list[str]:
        """What is required, one line each."""
        notes = self.terms.notes
        lines = []
        for leaf in (*notes.leaves, *notes.results):
            may = " or None" if leaf.note.optional else ""
            lines.append(f'{leaf.name}: {leaf.note.dtypes.text} "{leaf.note.text}"{may}')
        return [*lines, *(f"where {one.text}" for one in self.terms.wheres)]

    def check(self, *args: object, **kwargs: object) -> None:
        """Check arguments without a call; raises `ContractError`."""
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        bound.apply_defaults()
        self._checker.entered(bound.arguments)

    def accepts(self, *args: object, **kwargs: object) -> bool:
        """Whether the contract admits these arguments."""
        try:
            self.check(*args, **kwargs)
        except ContractError:
            return False
        return True

    @functools.cached_property
    def _drawer(self) -> Drawer:
        from asserts.contracts.drawing import Drawer

        return Drawer(self.terms)

    def inputs(self, **given: object) -> SearchStrategy[dict[str, Any]]:
        """A strategy of hypothesis for arguments (by name of parameter) that satisfy the
        contract, corners first; `given` are strategies or values for other parameters.

        Raises `InputError` for a parameter of which nothing is known.
        """
        from asserts.contracts.strategies import inputs

        return inputs(self._drawer, given)

    def violations(self, **given: object) -> SearchStrategy[tuple[Violation, dict[str, Any]]]:
        """A strategy for arguments that break exactly one clause, with its `Violation`."""
        from asserts.contracts.strategies import violations

        return violations(self._drawer, given)

    def __str__(self) -> str:
        head = f"contract of {self.terms.notes.name}"
        return "\n".join([head, *map("  {}".format, self.clauses)])

    _repr_pretty_ = shown_as_text

    def __repr__(self) -> str:
        return f"<contract of {self.terms.notes.name}: {'; '.join(self.clauses)}>"

    # ---------------------------------------------------------------- the guard

    def _guard_of(self, absent: frozenset[str]) -> tuple[Callable[..., Any], str]:
        found = self._guards.get(absent)
        if found is None:
            ways = Ways(
                self.function,
                self._slowly,
                self._leave,
                functools.partial(self._without, absent),
                self._checker.seen,
            )
            found = self._guards[absent] = compile_guard(self.terms, absent, ways)
        return found

    def _without(self, absent: frozenset[str], name: str) -> Callable[..., Any]:
        """The guard for calls in which one more array is None, made at the first of them."""

        def call(*args: object, **kwargs: object) -> Any:
            return self._guard_of(absent | {name})[0](*args, **kwargs)

        return call

    def _slowly(self, arguments: Mapping[str, object]) -> Any:
        tracer = current_tracer()
        if tracer is not None and is_traced(arguments):
            inner = TracedCall(tracer, self.terms, False)
            inner.entered(arguments)
            result = self._called(arguments)
            inner.returned(result)
            return result
        call = self._checker.entered(arguments)
        return self._returned(call, self._called(arguments))

    def _leave(
        self, result: object, shapes: Mapping[str, Sequence[int]], integers: Mapping[str, int]
    ) -> Any:
        call = Call({name: tuple(shape) for name, shape in shapes.items()}, integers)
        return self._returned(call, result)

    def _returned(self, call: Call, result: object) -> Any:
        if self.terms.notes.result is None:
            return result
        tracer = current_tracer()
        if tracer is not None and is_traced({"result": result}):
            TracedCall(tracer, self.terms, False).resumed(call).returned(result)
        else:
            self._checker.returned(call, result)
        return result

    def _called(self, arguments: Mapping[str, Any]) -> Any:
        positional: list[Any] = []
        named: dict[str, Any] = {}
        for one in self.terms.notes.parameters:
            value = arguments[one.name]
            if one.kind is inspect.Parameter.VAR_POSITIONAL:
                positional += value
            elif one.kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            elif one.kind is inspect.Parameter.KEYWORD_ONLY:
                named[one.name] = value
            else:
                positional.append(value)
        return self.function(*positional, **named)

    # ---------------------------------------------------------------- traces

    def traced(self, tracer: Any, arguments: Mapping[str, Any]) -> TracedCall:
        """State in a trace of the function what its callers satisfy; what is returned states
        what its result must be."""
        call = self.last_traced = TracedCall(tracer, self.terms, True, self.place)
        call.entered(arguments)
        return call


def contracted(function: F, where: Sequence[str]) -> F:
    """The function, guarded by its contract, which is its attribute `contract`.

    Raises `AnnotationError` for annotations that make none.
    """
    if isinstance(function, (staticmethod, classmethod)):
        return cast(F, type(function)(contracted(function.__func__, where)))
    if not callable(function) or inspect.isclass(function):
        raise AnnotationError(f"{function!r} is not a function; decorate its methods instead")
    kinds = (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    )
    if any(kind(function) for kind in kinds):
        raise AnnotationError(
            f"{function.__qualname__} is a coroutine or a generator, whose result comes "
            "later than its call returns; put the contract on a function that it calls"
        )
    notes = annotated(function)
    if not notes.leaves and not notes.results:
        raise AnnotationError(
            f"{notes.name}: no annotation speaks of the shape of an array; write "
            'Float[np.ndarray, "n m"] (jaxtyping) or Annotated[np.ndarray, "f4[n, m]"]'
        )
    found = FunctionContract(function, terms_of(notes, [where_of(one) for one in where]))
    guard = found.guarded
    functools.update_wrapper(guard, function)
    setattr(guard, ATTRIBUTE, found)
    guard.contract = found  # type: ignore[attr-defined]
    return cast(F, guard)
