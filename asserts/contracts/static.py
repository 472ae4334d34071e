"""A module's contracts without a call: every function with one is traced, and each of its
checks is proved, will be asserted, or certainly fails.

A function is traced once for every number of axes that ``*name`` and ``...`` may stand for (up
to two), for every choice of arrays that are None, and for every axis behind ``#`` being 1 or
not. What is said of a check is what holds in all of these traces: it is proved only if it was
proved in each. What was not traced is said.
"""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Final, Literal

import numpy as np

from asserts.annotations import ATTRIBUTE
from asserts.contracts.drawing import AXES, Drawer, Layout
from asserts.contracts.explain import axes_text
from asserts.contracts.function import FunctionContract
from asserts.contracts.places import Place
from asserts.errors import ContractError, TraceError
from asserts.graph.module import GraphModule
from asserts.passes.insert import InsertRuntimeAsserts
from asserts.trace import Spec, trace
from asserts.trace.annotated import names_in
from asserts.trace.names import unused
from asserts.trace.sources import module_named
from shapes.env import Check, ShapeEnv
from shapes.errors import ContradictionError, ShapeproofError
from shapes.facts import STATED_BY, Status
from shapes.tensors import ShapeError

__all__ = ["Finding", "Outcome", "Traced", "check_file", "check_module"]

Outcome = Literal["proved", "asserted", "wrong", "unknown"]

WORST_FIRST: Final[tuple[Outcome, ...]] = ("wrong", "unknown", "asserted", "proved")
_Kind = inspect.Parameter
TRACES: Final = 32
"""The most traces of one function."""


@dataclass(frozen=True)
class Finding:
    """What becomes of one check: a condition at a line, who states it, and why or when it
    fails."""

    outcome: Outcome
    file: str
    line: int
    condition: str
    stated_by: str
    why: str = ""
    message: str | None = None


@dataclass
class Traced:
    """One function: its checks, the most severe first within a line, and how often it was
    traced."""

    name: str
    file: str
    line: int
    findings: list[Finding] = field(default_factory=list)
    traces: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> Outcome:
        """The worst of its checks."""
        there = {one.outcome for one in self.findings}
        return next((one for one in WORST_FIRST if one in there), "proved")


def check_file(place: str, if_any: bool = False) -> list[Traced]:
    """Every function with a contract in ``FILE.py`` or a module by name.

    Raises `TraceError` for what cannot be loaded, and (unless `if_any`) where there is none.
    """
    with module_named(place) as module:
        found = check_module(module)
    if not found and not if_any:
        raise TraceError(
            f"{place!r} has no function with a contract: decorate one with asserts.contract"
        )
    return found


def check_module(module: ModuleType) -> list[Traced]:
    """Every function with a contract that the module defines, by line."""
    found = [_checked(name, one, make) for name, one, make in _functions(module)]
    return sorted(found, key=lambda one: one.line)


# --------------------------------------------------------------------------- functions


Maker = Callable[[], Any]


@dataclass(frozen=True)
class _Case:
    """The specifications of one trace, and in words what sets it apart from others."""

    specs: Mapping[str, Any]
    words: str


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionContract, Maker | None]]:
    """The contracts of a module by name; methods with what makes their first argument."""
    seen: set[int] = set()
    for name, value in vars(module).items():
        if getattr(value, "__module__", None) != module.__name__ or id(value) in seen:
            continue
        seen.add(id(value))
        contract = getattr(value, ATTRIBUTE, None)
        if isinstance(contract, FunctionContract):
            yield name, contract, None
        elif inspect.isclass(value):
            yield from _methods(name, value)


def _methods(name: str, cls: type) -> Iterator[tuple[str, FunctionContract, Maker | None]]:
    for own, raw in vars(cls).items():
        function = raw.__func__ if isinstance(raw, (staticmethod, classmethod)) else raw
        contract = getattr(function, ATTRIBUTE, None)
        if isinstance(contract, FunctionContract):
            of_class = isinstance(raw, classmethod)
            make: Maker | None = (lambda: cls) if of_class else cls
            if isinstance(raw, staticmethod):
                make = None
            yield f"{name}.{own}", contract, make


def _checked(name: str, contract: FunctionContract, make: Maker | None) -> Traced:
    place = contract.place
    found = Traced(name, place.file, place.line)
    try:
        given = _given(contract, make)
        cases = list(_cases(contract, found))
    except ShapeproofError as error:
        found.findings.append(_unknown(found, error))
        return found
    merged: dict[tuple[int, str], Finding] = {}
    for case in cases:
        for one in _of_case(contract, {**given, **case.specs}, found):
            key = (one.line, one.condition)
            before = merged.get(key)
            if before is None or _severity(one) < _severity(before):
                merged[key] = _where(one, case)
        found.traces += 1
    found.findings = sorted(merged.values(), key=lambda one: (one.line, _severity(one)))
    return found


def _where(one: Finding, case: _Case) -> Finding:
    """A finding that may not hold in other cases, with this one."""
    if one.outcome == "proved" or not case.words:
        return one
    return replace(one, why=f"{one.why} (with {case.words})".lstrip())


def _severity(one: Finding) -> int:
    return WORST_FIRST.index(one.outcome)


def _given(contract: FunctionContract, make: Maker | None) -> dict[str, Any]:
    """Arguments that are the same in all traces: an instance for a method."""
    given: dict[str, Any] = {}
    notes = contract.terms.notes
    for index, one in enumerate(notes.parameters):
        known = one.note is not None or one.name in contract.terms.integers
        if index == 0 and make is not None and not known:
            try:
                given[one.name] = make()
            except Exception as error:
                raise TraceError(
                    f"an instance for `{one.name}` cannot be made without arguments: {error}"
                ) from error
        elif not known and one.is_integer and one.required:
            given[one.name] = Spec.int(one.name)
        elif not known and one.required:
            raise TraceError(f"nothing is known of the parameter `{one.name}`")
    return given


# --------------------------------------------------------------------------- cases


def _cases(contract: FunctionContract, found: Traced) -> Iterator[_Case]:
    """The specifications of arrays and integers, case by case."""
    terms, drawer = contract.terms, Drawer(contract.terms)
    for leaf in terms.notes.leaves:
        kinds = leaf.note.types
        if kinds and not any(issubclass(np.ndarray, kind) for kind in kinds):
            raise TraceError(f"`{leaf.name}` is not a numpy array, and only those are traced")
        if leaf.path:
            raise TraceError(f"`{leaf.parameter}` is a tuple of arrays, which is not traced")
    integers = {name: Spec.int(name) for name in terms.integers}
    cases = [
        (layout, ones) for layout in drawer.layouts() for ones in _ones(drawer, layout)
    ]
    if any(layout.counts for layout, _ in cases):
        found.notes.append(f"traced for up to {AXES} axes where any number may stand")
    leaves = terms.notes.leaves
    several = [leaf.name for leaf in leaves if len(leaf.note.dtypes.of_numpy()) > 1]
    if several:
        found.notes.append(f"traced for one dtype of {', '.join(several)}")
    if len(cases) > TRACES:
        raise TraceError(f"{len(cases)} traces would be needed (the limit is {TRACES})")
    for layout, ones in cases:
        absent = dict.fromkeys(sorted(layout.absent), None)
        specs = {**integers, **absent, **_specs(drawer, layout, ones)}
        yield _Case(specs, _words(layout, ones) if len(cases) > 1 else "")


def _words(layout: Layout, ones: frozenset[str]) -> str:
    """What is special about a case."""
    parts = [f"{name} None" for name in sorted(layout.absent)]
    parts += [f"{axes_text(count)} for {name}" for name, count in layout.counts]
    parts += [f"{place} = 1" for place in sorted(ones)]
    return ", ".join(parts) or "no axis of 1 and no None"


def _ones(drawer: Drawer, layout: Layout) -> Iterator[frozenset[str]]:
    """Which axes behind ``#`` are 1; a name of which all would be (and which nothing else
    says) is the size 1 itself, which the case with none includes."""
    places = drawer.sizes(layout).entry.places
    spread = [place for place in places if place.what.broadcast]
    plain = {place.what.size for place in places if not place.what.broadcast}
    for flags in itertools.product((False, True), repeat=len(spread)):
        ones = frozenset(place.text for place, one in zip(spread, flags) if one)
        left = {place.what.size for place in spread if place.text not in ones} | plain
        if all(place.what.size in left for place in spread):
            yield ones


def _specs(drawer: Drawer, layout: Layout, ones: frozenset[str]) -> dict[str, Spec]:
    places: dict[str, list[Place]] = {}
    for place in drawer.sizes(layout).entry.places:
        places.setdefault(place.leaf.name, []).append(place)
    names = names_in(drawer.terms.notes)
    found = {}
    for leaf in drawer.terms.leaves(layout.absent):
        sizes = [_size(place, ones, names) for place in places.get(leaf.name, [])]
        dtypes = leaf.note.dtypes.of_numpy()
        if not dtypes:
            raise TraceError(f"`{leaf.name}`: numpy has no {leaf.note.dtypes.text}")
        found[leaf.name] = Spec(sizes, dtypes[0])
    return found


def _size(place: Place, ones: frozenset[str], names: Collection[str]) -> str | int:
    size = place.what.size
    if place.text in ones:
        return 1
    if size is None:
        return unused(f"{place.leaf.name}_{place.axis}", names)
    if size.isdecimal():
        return int(size)
    if not place.what.variadic:
        return size
    return unused(size.replace("[", "_").replace("]", ""), names)


# --------------------------------------------------------------------------- one trace


def _of_case(
    contract: FunctionContract, specs: Mapping[str, object], found: Traced
) -> Iterator[Finding]:
    """The checks of one trace."""
    positional, named = _bound(contract, specs)
    try:
        program = trace(contract.guarded, *positional, **named)
    except (ContractError, ShapeError, ContradictionError) as error:
        yield _error(found, error, "wrong")
    except Exception as error:  # (a program may raise anything)
        yield _error(found, error, "unknown")
    else:
        call = contract.last_traced
        for text in call.by_form if call is not None else ():
            yield Finding("proved", found.file, found.line, text, "the program", "by its form")
        yield from _of_program(program, found)


def _bound(
    contract: FunctionContract, specs: Mapping[str, object]
) -> tuple[list[Any], dict[str, Any]]:
    """Specifications by position as far as possible (a parameter may be called like one of
    `trace`)."""
    left = dict(specs)
    positional: list[Any] = []
    for one in contract.terms.notes.parameters:
        by_place = one.kind in (_Kind.POSITIONAL_ONLY, _Kind.POSITIONAL_OR_KEYWORD)
        if not by_place or one.name not in left:
            break
        positional.append(left.pop(one.name))
    return positional, left


def _of_program(program: GraphModule, found: Traced) -> Iterator[Finding]:
    """What insertion does with every check that is not the callers' to satisfy."""
    env = program.shape_env
    assert isinstance(env, ShapeEnv)
    checks = {(check.text, str(check.location)): check for check in env.checks}
    for row in InsertRuntimeAsserts()(program).report:
        if row.stated_by == STATED_BY["contract"]:
            continue
        check = checks.get((row.condition, str(row.location)))
        file, line = _place(row.line, check, found)
        one = Finding(
            "proved" if row.outcome == "discharged" else "asserted",
            file, line, row.condition, row.stated_by, "", row.message,
        )  # fmt: skip
        if row.proof is not None:
            yield replace(one, why=str(row.proof))
        else:
            yield _asserted(one, env, check)


def _place(shown: str, check: Check | None, found: Traced) -> tuple[str, int]:
    """File and line of a check; the function's own if they are not known."""
    if check is not None and check.location is not None and check.location.line:
        return check.location.file, check.location.line
    file, _, line = shown.rpartition(":")
    if file == os.path.basename(found.file) and line.isdecimal():
        return found.file, int(line)
    return found.file, found.line


def _asserted(one: Finding, env: ShapeEnv, check: Check | None) -> Finding:
    """A check that stays: whether it fails for some inputs, or always."""
    if check is None:
        return one
    try:
        verdict = _without_checks(env).prove(check.claim)
    except ShapeproofError:
        return one
    if verdict.status is Status.NEVER:
        return replace(one, outcome="wrong", why="it never holds")
    if verdict.counterexample is not None:
        return replace(one, why=f"fails for {verdict.counterexample}")
    return one


def _without_checks(env: ShapeEnv) -> ShapeEnv:
    """What is known before any check was made."""
    own = ShapeEnv()
    for name, info in env.symbols.items():
        if info.kind != "int":
            own.unbacked(name, info.kind)
        elif info.backed:
            (own.size if info.size_like else own.integer)(name)
        else:
            own.unbacked(name, size_like=info.size_like)
    for fact in env.axioms:
        own.assume(fact.claim)
    return own


# --------------------------------------------------------------------------- errors


def _error(found: Traced, error: Exception, outcome: Outcome) -> Finding:
    """A trace that came to an end, at the innermost line of the function's file."""
    line, frame = found.line, error.__traceback__
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == found.file:
            line = frame.tb_lineno
        frame = frame.tb_next
    return replace(_unknown(found, error), outcome=outcome, line=line)


def _unknown(found: Traced, error: Exception) -> Finding:
    try:
        text = str(error).strip()
    except Exception:  # (a program's own class may fail)
        text = ""
    first = text.splitlines()[0] if text else ""
    if not isinstance(error, ShapeproofError):
        first = f"{type(error).__name__}: {first}".rstrip(": ")
    return Finding("unknown", found.file, found.line, first, "the trace")
