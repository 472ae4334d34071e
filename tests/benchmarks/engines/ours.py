"""Shapeproof, at its two levels: symbolic values of an environment, and bare expressions."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Bounds, Engine
from tests.benchmarks.plain import MEANING, Declared, Relation, build

__all__ = ["ENGINES", "Expressions", "Ours", "stated"]


class _Shapeproof(Engine):
    peer: ClassVar[str] = "ours"
    module: ClassVar[str] = "shapes"

    def __init__(self) -> None:
        super().__init__()
        # What peers load when they are imported, we load when it is first needed (a module, or
        # the initializer of a record, with the first statement): neither is part of a
        # measurement (what imports cost is a table of its own).
        import shapes

        for module in pkgutil.walk_packages(shapes.__path__, "shapes."):
            importlib.import_module(module.name)
        env = shapes.ShapeEnv()
        env.check(env.unbacked("first") >= 0)

    def version(self) -> str:
        from importlib.metadata import version

        return version("shapeproof")

    def evaluate(self, e: Any, point: Mapping[str, int]) -> int:
        from shapes import evaluate, free_symbols

        inner = getattr(e, "expr", e)
        if isinstance(inner, int):
            return inner
        return int(evaluate(inner, {s: point[s.name] for s in free_symbols(inner)}))

    def distinct(self, results: Sequence[Any]) -> int:
        return len({getattr(e, "expr", e) for e in results})


class Ours(_Shapeproof):
    """`SymInt` and `ShapeEnv`: what people and tracers use."""

    name: ClassVar[str] = "ours"
    what: ClassVar[str] = "Shapeproof: `SymInt` of a `ShapeEnv`"
    importing: ClassVar[str | None] = "import shapes"

    def __init__(self) -> None:
        super().__init__()
        from shapes import Max, Min, ShapeEnv

        self.env = ShapeEnv()
        self.operators = {**self.operators, "min": Min, "max": Max}

    def symbols(self, declared: Sequence[Declared]) -> list[Any]:
        from shapes import int_oo

        return [
            self.env.integer(s.name, s.hint, s.low, int_oo if s.high is None else s.high)
            for s in declared
        ]

    def total(self, terms: Sequence[Any]) -> Any:
        return sum(terms)

    def same(self, a: Any, b: Any) -> bool:
        return getattr(a, "expr", a) is getattr(b, "expr", b)

    def bounds(self, e: Any) -> Bounds:
        lower, upper = self.env.bounds(e).int_bounds()
        return _plain(lower), _plain(upper)

    def at_least(self, a: Any, b: Any) -> bool:
        claim = a >= b
        return claim if isinstance(claim, bool) else self.env.decide(claim) is True

    def equal(self, a: Any, b: Any) -> bool:
        claim = a == b
        return claim if isinstance(claim, bool) else self.env.decide(claim) is True

    def reaches(self, a: Any, b: Any) -> bool:
        return self.env.prove(a <= b).proved

    def ordered_chain(self, n: int) -> Callable[[], list[Any]]:
        env = self.env
        symbols = [env.unbacked() for _ in range(n + 1)]

        def run() -> list[Any]:
            for a, b in pairwise(symbols):
                env.check(a <= b)
            return symbols

        return run

    def equal_chain(self, n: int) -> Callable[[], list[Any]]:
        env = self.env
        symbols = [env.unbacked() for _ in range(n + 1)]

        def run() -> list[Any]:
            for a, b in pairwise(symbols):
                env.check(a == b)
            return symbols

        return run

    def entailments(
        self, names: Sequence[str], facts: Sequence[Relation], questions: Sequence[Relation]
    ) -> Callable[[], list[bool]]:
        env, claims = stated(names, facts, questions)
        return lambda: [env.prove(claim, prepare=True).proved for claim in claims]

    def guards(
        self, declared: Sequence[Declared], guards: Sequence[Relation]
    ) -> Callable[[], Callable[[Mapping[str, Any]], Any]]:
        from shapes import Guard, GuardFunction

        symbols = {s.name: x for s, x in zip(declared, self.symbols(declared))}
        operators = {**MEANING, **self.operators}

        def run() -> Callable[[Mapping[str, Any]], Any]:
            claims = [build(guard, symbols, operators).expr for guard in guards]
            return GuardFunction([Guard(claim) for claim in claims], {})

        return run

    def guards_of_many(
        self, declared: Sequence[Declared], guards: Sequence[Relation]
    ) -> Callable[[], Callable[[Mapping[str, Any]], Any]]:
        compiled = self.guards(declared, guards)
        return lambda: compiled().over  # type: ignore[attr-defined]


def stated(
    names: Sequence[str], facts: Sequence[Relation], questions: Sequence[Relation]
) -> tuple[Any, list[Any]]:
    """An environment in which the facts are assumed, and the questions as claims in it."""
    from shapes import Max, Min, ShapeEnv

    env = ShapeEnv()
    symbols = {name: env.integer(name) for name in names}
    operators = {**MEANING, "min": Min, "max": Max}
    for fact in facts:
        env.assume(build(fact, symbols, operators))
    return env, [build(question, symbols, operators) for question in questions]


class Expressions(_Shapeproof):
    """The kernel's expressions with a `Facts` value: what passes use."""

    name: ClassVar[str] = "ours-expr"
    what: ClassVar[str] = "Shapeproof: bare expressions and `Facts`"

    def __init__(self) -> None:
        super().__init__()
        from shapes import Facts, make

        self.facts = Facts()
        self.operators = {
            **self.operators,
            "min": lambda a, b: make("Min", a, b),
            "max": lambda a, b: make("Max", a, b),
        }

    def symbols(self, declared: Sequence[Declared]) -> list[Any]:
        from shapes import symbol

        found = []
        for s in declared:
            x = symbol(s.name)
            self.facts = self.facts.given(x >= s.low)
            if s.high is not None:
                self.facts = self.facts.given(x <= s.high)
            found.append(x)
        return found

    def total(self, terms: Sequence[Any]) -> Any:
        return sum(terms)

    def same(self, a: Any, b: Any) -> bool:
        return a is b

    def bounds(self, e: Any) -> Bounds:
        from shapes.facts.bounds import bounds

        lower, upper = bounds(self.facts, e).int_bounds()
        return _plain(lower), _plain(upper)

    def at_least(self, a: Any, b: Any) -> bool:
        from shapes.prove.ladder import decide

        return decide(self.facts, a >= b) is True

    def equal(self, a: Any, b: Any) -> bool:
        from shapes import make
        from shapes.prove.ladder import decide

        return decide(self.facts, make("Eq", a, b)) is True  # type: ignore[arg-type]

    def reaches(self, a: Any, b: Any) -> bool:
        from shapes.prove.ladder import entails

        return entails(self.facts, a <= b) is not None

    def ordered_chain(self, n: int) -> Callable[[], list[Any]]:
        return self._chain(n, "Le")

    def equal_chain(self, n: int) -> Callable[[], list[Any]]:
        return self._chain(n, "Eq")

    def _chain(self, n: int, relation: str) -> Callable[[], list[Any]]:
        from shapes import make, symbol

        symbols = [symbol(f"u{i}") for i in range(n + 1)]

        def run() -> list[Any]:
            for a, b in pairwise(symbols):
                self.facts = self.facts.given(make(relation, a, b))  # type: ignore[arg-type]
            return symbols

        return run


def _plain(end: Any) -> int | None:
    return end if isinstance(end, int) else None


ENGINES = [Ours, Expressions]
