"""The frame of every pass.

A pass is a small frozen record with its options as fields. Calling it copies the program
(unless it is to work in place), checks what the pass requires, runs it, checks what it
ensures, and compares what it says about having modified something with what happened.

A program is one of our graph modules, a `torch.fx.GraphModule` or an `ExportedProgram`; for
torch's, the pass gets a dialect made for that one program, and an exported program comes
back as a valid one (torch's own verifier says so). A pipeline carries invariants: they are
observed at its start and checked behind every pass, and an error names the pass and the node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Final, Protocol, TypeVar

from asserts.conditions.report import Report, Row
from asserts.dialects.base import Dialect, require
from asserts.dialects.hosts import Adapter, ModuleAdapter, adapter_of
from asserts.dialects.interfaces import Interface
from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError
from asserts.graph.module import GraphModule
from shapes.base import INFO, Log

__all__ = ["Invariant", "Pass", "PassResult", "Pipeline"]

P = TypeVar("P", bound="Pass")
LOG: Final = Log("asserts")


def _told(row: Row) -> str:
    """What became of an assert, in one line."""
    parts = [f"`{row.condition}`", row.word, row.why, row.line]
    return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class PassResult:
    """The program after a pass, whether it was modified, and what happened. `around` is what
    stands around the graph module (an exported program), if anything does."""

    graph_module: GraphModule
    modified: bool
    report: Report
    around: Any = field(default=None, kw_only=True, repr=False)

    @property
    def program(self) -> Any:
        """A program of the kind that the pass was given: an exported program for an exported
        program, else the graph module."""
        return self.graph_module if self.around is None else self.around

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self.report))


@dataclass(frozen=True)
class Pass:
    """A pass; subclasses add options as fields and implement `run`."""

    name: ClassVar[str] = "pass"
    functional: ClassVar[bool] = True
    """Whether a functional program is still functional behind it (it writes to nothing)."""
    needs: ClassVar[tuple[Interface, ...]] = ()
    """What it asks of a dialect besides the core questions."""
    in_source_names: ClassVar[bool] = False
    """Whether its report names symbols in the words of the program's author."""
    dialect: Dialect = field(default=NUMPY, kw_only=True)

    def run(self, graph_module: GraphModule) -> PassResult:
        """Do the work, in place; the code of the graphs is made again behind it."""
        raise NotImplementedError(self.name)

    def requires(self, graph_module: GraphModule) -> None:
        """Raise `GraphError` unless the program is what the pass takes: a valid graph."""
        self.dialect.lint(graph_module)

    def ensures(self, graph_module: GraphModule) -> None:
        """Raise `GraphError` unless the program is what the pass promises: a valid graph."""
        self.dialect.lint(graph_module)

    def bound(self: P, dialect: Dialect) -> P:
        """The same pass, for programs of that dialect."""
        return replace(self, dialect=dialect)

    def prepared(self: P, adapter: Adapter) -> P:
        """The same pass, for that program."""
        return self.bound(adapter.dialect)

    def __call__(self, program: object, in_place: bool = False) -> PassResult:
        """Run the pass on a copy of the program (or, `in_place`, on the program itself).

        Raises `GraphError`, naming the pass, if the program is not valid before or after, if
        its dialect lacks what the pass needs, and for an exported program that is to be
        changed in place: it cannot be.
        """
        adapter = self._adapter(program, in_place)
        if adapter is None:
            raise GraphError(
                f"{type(program).__name__} is not a program with asserts: {self.name} takes a "
                "graph module or an exported program"
            )
        if in_place and not adapter.dialect.accepts(program):
            raise GraphError(
                f"{self.name} cannot change a program of type {type(program).__name__} in "
                "place: take `program` of the result"
            )
        return self.on(adapter)

    def on(self, adapter: Adapter) -> PassResult:
        """Run the pass on the graph module of an adapter, and put the program together."""
        names = adapter.names() if self.in_source_names else {}
        result = self.prepared(adapter)._on(adapter.graph_module)
        result = replace(result, report=result.report.renamed(names))
        if LOG.listens(INFO):
            for row in result.report.rows:
                LOG.say(INFO, "%s: %s", self.name, _told(row))
        try:
            found = adapter.finished(self.functional) if result.modified else adapter.given
        except GraphError as error:
            broken = f"behind the pass {self.name!r} the program is not valid: {error}"
            raise GraphError(broken) from error
        if adapter.dialect.accepts(found):
            return replace(result, graph_module=found)
        return replace(result, graph_module=found.graph_module, around=found)

    def _adapter(self, program: Any, in_place: bool) -> Adapter | None:
        if not self.dialect.accepts(program):
            return adapter_of(program, copy=not in_place)
        own = program if in_place else self.dialect.copy(program)
        return ModuleAdapter(self.dialect, own)

    def _on(self, graph_module: GraphModule) -> PassResult:
        require(self.dialect, self.needs, f"the pass '{self.name}'")
        self._checked(self.requires, graph_module, "requires")
        result = self.run(graph_module)
        self._checked(self.ensures, result.graph_module, "ensures")
        return result

    def _checked(
        self, promise: Callable[[GraphModule], None], graph_module: GraphModule, word: str
    ) -> None:
        try:
            promise(graph_module)
        except GraphError as error:
            broken = f"what the pass {self.name!r} {word} does not hold: {error}"
            raise GraphError(broken) from error


class Invariant(Protocol):
    """Something that a pass must not break."""

    @property
    def name(self) -> str:
        """What it is called in errors."""

    def observe(self, graph_module: GraphModule) -> Any:
        """What there is to compare, before the pass."""

    def check(self, observed: Any, graph_module: GraphModule) -> None:
        """Raise `GraphError`, naming the node, if the program after the pass breaks it."""

    def bound(self, dialect: Dialect) -> Invariant:
        """The same invariant, for programs of that dialect."""


def check_invariant(
    invariant: Invariant, observed: object, graph_module: GraphModule, name: str
) -> None:
    """Raise `GraphError`, naming the pass and the node, if the invariant is broken."""
    try:
        invariant.check(observed, graph_module)
    except GraphError as error:
        raise GraphError(
            f"the pass {name!r} breaks the invariant {invariant.name!r}: {error}"
        ) from error


Between = Callable[[Pass, PassResult], None]
Condition = Callable[[Any], None]
"""Raises `GraphError`, naming the node, for a program that is not as it should be."""


@dataclass(frozen=True)
class Pipeline:
    """Passes one after the other.

    `between` is called after each of them (for timing, printing or verification). The
    `invariants` are observed before the first pass and checked behind every one; `requires`
    and `ensures` are called with the program before the first and behind the last pass.
    """

    passes: Sequence[Pass]
    between: Sequence[Between] = field(default=())
    invariants: Sequence[Invariant] = field(default=(), kw_only=True)
    requires: Sequence[Condition] = field(default=(), kw_only=True)
    ensures: Sequence[Condition] = field(default=(), kw_only=True)

    def __call__(self, program: Any, in_place: bool = False) -> PassResult:
        """Run all passes; the result says whether any of them modified the program.

        Raises `GraphError`, naming the pass and the node, for the first pass that breaks an
        invariant or leaves a program that is not valid.
        """
        title = " then ".join(one.name for one in self.passes)
        self._meets(self.requires, program, f"the pipeline {title!r} requires")
        modified = False
        rows: list[Row] = []
        observed = self._observed(program)
        result = PassResult(program, False, Report(title))
        for one in self.passes:
            # What a pass has copied belongs to the pipeline.
            owned = result.around is None and result.program is not program
            result = one(result.program, in_place=in_place or owned)
            modified = modified or result.modified
            rows += result.report.rows
            self._check(observed, result, one.name)
            for callback in self.between:
                callback(one, result)
        self._meets(self.ensures, result.program, f"the pipeline {title!r} ensures")
        return replace(result, modified=modified, report=Report(title, tuple(rows)))

    def _meets(self, conditions: Sequence[Condition], program: object, who: str) -> None:
        for condition in conditions:
            try:
                condition(program)
            except GraphError as error:
                raise GraphError(f"what {who} does not hold: {error}") from error

    def _observed(self, program: object) -> list[tuple[Invariant, Any]]:
        found = []
        for invariant in self.invariants:
            bound, module = _spoken_for(invariant, program)
            found.append((invariant, bound.observe(module)))
        return found

    def _check(
        self, observed: list[tuple[Invariant, Any]], result: PassResult, name: str
    ) -> None:
        for invariant, before in observed:
            bound, module = _spoken_for(invariant, result.program)
            check_invariant(bound, before, module, name)


def _spoken_for(invariant: Invariant, program: object) -> tuple[Invariant, Any]:
    """The invariant in the dialect of a program, and the graph module to look at."""
    adapter = None
    if not isinstance(program, GraphModule):
        adapter = adapter_of(program, copy=False)
    if adapter is None:
        return invariant, program
    return invariant.bound(adapter.dialect), adapter.graph_module
