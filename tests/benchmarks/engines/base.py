"""What a workload asks an engine."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from tests.benchmarks.plain import Declared, Relation

__all__ = ["Bounds", "Engine", "UnsupportedError"]

Bounds = tuple["int | None", "int | None"]


class UnsupportedError(Exception):
    """The engine has nothing that answers this; the text says what is missing."""


class Engine:
    """An engine with its own expressions; methods raise `UnsupportedError` by default.

    `peer` is the column of the table it belongs to, and the extra by which it is left out.
    A `lazy` engine builds plain trees: `canonical` brings one into normal form, and has to
    be called before a result counts. A `stepwise` one calls it after each operation.
    """

    name: ClassVar[str]
    peer: ClassVar[str]
    module: ClassVar[str]
    """What has to be installed."""
    what: ClassVar[str]
    lazy: ClassVar[bool] = False
    stepwise: ClassVar[bool] = False

    like: ClassVar[str] = ""
    """The engine whose workloads it does, where it is a variant of one."""
    compiled: ClassVar[bool] = False
    """Whether it runs where the compiled build is (`SHAPEPROOF_COMPILED`)."""

    importing: ClassVar[str | None] = None
    """The statement that loads the engine, for the table of imports."""

    operators: Mapping[str, Callable[[Any, Any], Any]]

    def __init__(self) -> None:
        self.operators = {
            "+": operator.add,
            "-": operator.sub,
            "*": operator.mul,
            "//": operator.floordiv,
            "%": operator.mod,
        }

    def version(self) -> str:
        """The version of the engine."""
        raise NotImplementedError

    # ------------------------------------------------------------------ expressions

    def symbols(self, declared: Sequence[Declared]) -> list[Any]:
        """Integer symbols with ranges and examples, as far as the engine takes them."""
        raise UnsupportedError("no symbols with ranges")

    def canonical(self, e: Any) -> Any:
        """The normal form."""
        return e

    def total(self, terms: Sequence[Any]) -> Any:
        """The sum of many, by the engine's own function for that."""
        raise UnsupportedError("no sum of many operands")

    def evaluate(self, e: Any, point: Mapping[str, int]) -> int:
        """The value of an expression at a point."""
        raise UnsupportedError("no evaluation")

    def same(self, a: Any, b: Any) -> bool:
        """Whether two normal forms are one."""
        raise UnsupportedError("no identity")

    def distinct(self, results: Sequence[Any]) -> int:
        """How many different normal forms there are."""
        return len({str(e) for e in results})

    # ------------------------------------------------------------------ questions

    def bounds(self, e: Any) -> Bounds:
        """The range of an expression; None is an end that is not known."""
        raise UnsupportedError("no bounds")

    def at_least(self, a: Any, b: Any) -> bool:
        """Whether ``a >= b`` is known, the relation being built here."""
        raise UnsupportedError("no static truth")

    def equal(self, a: Any, b: Any) -> bool:
        """Whether ``a == b`` is known, the relation being built here."""
        raise UnsupportedError("no static truth")

    def reaches(self, a: Any, b: Any) -> bool:
        """Whether ``a <= b`` follows from the chain of statements between them."""
        return self.at_least(b, a)

    # ------------------------------------------------------------------ statements

    def ordered_chain(self, n: int) -> Callable[[], list[Any]]:
        """A function that states ``u[i] <= u[i+1]`` for `i < n`, one by one, and returns
        the n + 1 symbols (which are made beforehand, as far as that is possible)."""
        raise UnsupportedError("no run-time asserts")

    def equal_chain(self, n: int) -> Callable[[], list[Any]]:
        """The same with ``u[i] == u[i+1]``."""
        raise UnsupportedError("no run-time asserts")

    # ------------------------------------------------------------------ larger jobs

    def insertion(self, n: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
        """A torch graph with n values read at run time and two checks of each: a function
        that inserts the checks, and one that runs the result on inputs (see W7)."""
        raise UnsupportedError("no insertion pass")

    def entailments(
        self, names: Sequence[str], facts: Sequence[Relation], questions: Sequence[Relation]
    ) -> Callable[[], list[bool]]:
        """A function that tells for each question whether the facts, which are stated
        beforehand, imply it."""
        raise UnsupportedError("no proof from facts")

    def guards(
        self, declared: Sequence[Declared], guards: Sequence[Relation]
    ) -> Callable[[], Callable[[Mapping[str, Any]], Any]]:
        """A function that compiles the guards into one function, from values by name to
        whether all hold."""
        raise UnsupportedError("no compiled guards")

    def guards_of_many(
        self, declared: Sequence[Declared], guards: Sequence[Relation]
    ) -> Callable[[], Callable[[Mapping[str, Any]], Any]]:
        """The same from arrays by name to an array."""
        raise UnsupportedError("no guards over arrays")
