"""The frame of every pass.

A pass is a small frozen record with its options as fields. Calling it copies the program
(unless told to work in place), checks what the pass requires, runs it, checks what it
ensures, and compares what it says about having modified something with what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from asserts.dialects.base import Dialect
from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError
from asserts.graph_module import GraphModule
from asserts.report import Report, Row

__all__ = ["Pass", "PassResult", "Pipeline"]


@dataclass(frozen=True)
class PassResult:
    """The program after a pass, whether it was modified, and what happened."""

    graph_module: GraphModule
    modified: bool
    report: Report

    @property
    def program(self) -> Any:
        """The same, for those who gave something around a graph module (an exported
        program)."""
        return self.graph_module


@dataclass(frozen=True)
class Pass:
    """A pass; subclasses add options as fields and implement `run`."""

    name: ClassVar[str] = "pass"
    dialect: Dialect = field(default=NUMPY, kw_only=True)

    def run(self, graph_module: GraphModule) -> PassResult:
        """Do the work, in place."""
        raise NotImplementedError(self.name)

    def requires(self, graph_module: GraphModule) -> None:
        """Raise `GraphError` unless the program is what the pass takes: a valid graph."""
        self.dialect.lint(graph_module)

    def ensures(self, graph_module: GraphModule) -> None:
        """Raise `GraphError` unless the program is what the pass promises: a valid graph."""
        self.dialect.lint(graph_module)

    def __call__(self, graph_module: GraphModule, in_place: bool = False) -> PassResult:
        """Run the pass on a copy of the program (or, if told so, on the program itself).

        Raises `GraphError`, naming the pass, if the program is not valid before or after.
        """
        if not self.dialect.accepts(graph_module):
            raise GraphError(
                f"{self.name} takes a graph module, not {type(graph_module).__name__}"
            )
        self._checked(self.requires, graph_module, "requires")
        target = graph_module if in_place else self.dialect.copy(graph_module)
        result = self.run(target)
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


Between = Callable[[Pass, PassResult], None]


@dataclass(frozen=True)
class Pipeline:
    """Passes one after the other; `between` is called after each of them (for timing,
    printing or verification)."""

    passes: Sequence[Pass]
    between: Sequence[Between] = field(default=())

    def __call__(self, graph_module: GraphModule, in_place: bool = False) -> PassResult:
        """Run all passes; the result says whether any of them modified the program."""
        current = graph_module
        if not in_place and self.passes:
            current = self.passes[0].dialect.copy(graph_module)
        modified = False
        rows: list[Row] = []
        for one in self.passes:
            result = one(current, in_place=True)
            current = result.graph_module
            modified = modified or result.modified
            rows += result.report.rows
            for callback in self.between:
                callback(one, result)
        title = " then ".join(one.name for one in self.passes)
        return PassResult(current, modified, Report(title, tuple(rows)))
