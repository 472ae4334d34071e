"""sympy's `lambdify`, for compiling guards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.plain import MEANING, Declared, Relation, build

__all__ = ["ENGINES", "Sympy"]


class Sympy(Engine):
    """One `lambdify` of a list with all guards, for Python's `math` (its quickest way)."""

    name: ClassVar[str] = "sympy"
    peer: ClassVar[str] = "sympy"
    module: ClassVar[str] = "sympy"
    what: ClassVar[str] = "sympy: relations, and one `lambdify` of them all"
    importing: ClassVar[str | None] = "import sympy"

    def __init__(self) -> None:
        super().__init__()
        import sympy  # noqa: F401

    def version(self) -> str:
        import sympy

        return str(sympy.__version__)

    def guards(
        self, declared: Sequence[Declared], guards: Sequence[Relation]
    ) -> Callable[[], Callable[[Mapping[str, Any]], Any]]:
        import sympy

        operators = {
            **MEANING,
            "//": lambda a, b: sympy.floor(a / b),
            "max": sympy.Max,
            "==": sympy.Eq,
        }
        symbols = {s.name: sympy.Symbol(s.name, integer=True, positive=True) for s in declared}

        def run() -> Callable[[Mapping[str, Any]], Any]:
            relations = [build(guard, symbols, operators) for guard in guards]
            function = sympy.lambdify(list(symbols.values()), relations, modules="math")
            return lambda values: all(function(**values))

        return run


ENGINES = [Sympy]
