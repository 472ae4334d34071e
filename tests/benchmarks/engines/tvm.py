"""TVM's expressions and its `Analyzer` (C++ behind a foreign-function interface).

TVM builds plain trees and simplifies on request: once at the end (`tvm`), or after each
operation (`tvm-each`), which is what the other engines do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from itertools import pairwise
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Bounds, Engine
from tests.benchmarks.plain import Declared

__all__ = ["ENGINES", "Tvm"]


class Tvm(Engine):
    """The analyzer with its extension for transitive inequalities, which a chain needs."""

    name: ClassVar[str] = "tvm"
    peer: ClassVar[str] = "tvm"
    module: ClassVar[str] = "tvm"
    what: ClassVar[str] = "TVM: `sym.Analyzer`; a sum is built, then simplified once"
    importing: ClassVar[str | None] = "import tvm.sym"
    lazy: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        from tvm import sym, tirx

        self._analyzer = sym.Analyzer()
        self._scopes = ExitStack()
        self._symbols: dict[str, Any] = {}
        self.operators = {
            **self.operators,
            "//": tirx.floordiv,
            "%": tirx.floormod,
            "min": tirx.min,
            "max": tirx.max,
        }

    def version(self) -> str:
        import tvm

        return str(tvm.__version__)

    def symbols(self, declared: Sequence[Declared]) -> list[Any]:
        from tvm import ir, sym

        found = self._variables([s.name for s in declared])
        for s, x in zip(declared, found):
            if s.high is not None:
                self._analyzer.bind(x, ir.Range(s.low, s.high + 1))
            else:
                above = sym.ConstIntBound(s.low, sym.ConstIntBound.POS_INF)
                self._analyzer.update(x, above)
        return found

    def _variables(self, names: Sequence[str]) -> list[Any]:
        from tvm import tirx

        self._symbols.update({name: tirx.Var(name, "int64") for name in names})
        return [self._symbols[name] for name in names]

    def canonical(self, e: Any) -> Any:
        return self._analyzer.simplify(e)

    def evaluate(self, e: Any, point: Mapping[str, int]) -> int:
        from tvm import sym, tirx

        if isinstance(e, int):
            return e
        there = sym.Analyzer()
        for name, x in self._symbols.items():
            there.bind(x, tirx.const(point[name], "int64"))
        return int(there.simplify(e))

    def same(self, a: Any, b: Any) -> bool:
        from tvm_ffi import structural_equal

        return bool(structural_equal(a, b))

    def bounds(self, e: Any) -> Bounds:
        from tvm.sym import ConstIntBound

        found = self._analyzer.const_int_bound(e)
        lower, upper = int(found.min_value), int(found.max_value)
        return (
            None if lower <= ConstIntBound.NEG_INF else lower,
            None if upper >= ConstIntBound.POS_INF else upper,
        )

    def at_least(self, a: Any, b: Any) -> bool:
        return bool(self._analyzer.can_prove(a >= b))

    def equal(self, a: Any, b: Any) -> bool:
        return bool(self._analyzer.can_prove_equal(a, b))

    def ordered_chain(self, n: int) -> Callable[[], list[Any]]:
        from tvm.sym import Extension

        symbols = self._variables([f"u{i}" for i in range(n + 1)])
        self._analyzer.enabled_extensions = Extension.TransitivelyProveInequalities

        def run() -> list[Any]:
            for a, b in pairwise(symbols):
                self._scopes.enter_context(self._analyzer.constraint_scope(a <= b))
            return symbols

        return run

    def equal_chain(self, n: int) -> Callable[[], list[Any]]:
        symbols = self._variables([f"u{i}" for i in range(n + 1)])

        def run() -> list[Any]:
            for a, b in pairwise(symbols):
                self._analyzer.bind(b, a)
            return symbols

        return run


class Stepwise(Tvm):
    """Normal form after each operation."""

    name: ClassVar[str] = "tvm-each"
    what: ClassVar[str] = "TVM: simplified after each operation, as the others are"
    stepwise: ClassVar[bool] = True
    importing: ClassVar[str | None] = None


ENGINES = [Tvm, Stepwise]
