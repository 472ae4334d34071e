"""PyTorch's `ShapeEnv` with backed and unbacked `SymInt`s (sympy underneath)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Bounds, Engine
from tests.benchmarks.plain import Declared

__all__ = ["ENGINES", "Torch"]


class Torch(Engine):
    """Symbols are backed where they have examples, as sizes of inputs are."""

    name: ClassVar[str] = "torch"
    peer: ClassVar[str] = "torch"
    module: ClassVar[str] = "torch"
    what: ClassVar[str] = "PyTorch: `SymInt` of `torch.fx`'s `ShapeEnv`"
    importing: ClassVar[str | None] = "import torch.fx.experimental.symbolic_shapes"

    def __init__(self) -> None:
        super().__init__()
        import torch
        from torch.fx.experimental.symbolic_shapes import ShapeEnv

        self.env = ShapeEnv()
        self.operators = {**self.operators, "min": torch.sym_min, "max": torch.sym_max}
        self._names: dict[Any, str] = {}

    def version(self) -> str:
        import torch

        return str(torch.__version__)

    def symbols(self, declared: Sequence[Declared]) -> list[Any]:
        return [self._backed(s) for s in declared]

    def _backed(self, s: Declared) -> Any:
        from torch._dynamo.source import ConstantSource
        from torch.fx.experimental.symbolic_shapes import (
            DimDynamic,
            StrictMinMaxConstraint,
        )
        from torch.utils._sympy.numbers import int_oo
        from torch.utils._sympy.value_ranges import ValueRanges

        source = ConstantSource(s.name)
        allowed = ValueRanges(s.low, int_oo if s.high is None else s.high)
        made = self.env.create_symbol(
            s.hint,
            source=source,
            dynamic_dim=DimDynamic.DYNAMIC,
            constraint_dim=StrictMinMaxConstraint(warn_only=False, vr=allowed),
        )
        self._names[made] = s.name
        return self.env.create_symintnode(made, hint=s.hint, source=source)

    def total(self, terms: Sequence[Any]) -> Any:
        import torch

        return torch.sym_sum(list(terms))

    def evaluate(self, e: Any, point: Mapping[str, int]) -> int:
        if isinstance(e, int):
            return e
        expr = e.node.expr
        known = {s: point[self._names[s]] for s in expr.free_symbols}
        return int(expr.xreplace(known))

    def same(self, a: Any, b: Any) -> bool:
        return bool(a.node.expr == b.node.expr)

    def distinct(self, results: Sequence[Any]) -> int:
        return len({e if isinstance(e, int) else e.node.expr for e in results})

    def bounds(self, e: Any) -> Bounds:
        found = self.env.bound_sympy(e.node.expr)
        return _plain(found.lower), _plain(found.upper)

    def at_least(self, a: Any, b: Any) -> bool:
        from torch.fx.experimental.symbolic_shapes import statically_known_true

        return statically_known_true(a >= b)

    def equal(self, a: Any, b: Any) -> bool:
        from torch.fx.experimental.symbolic_shapes import statically_known_true

        return statically_known_true(a == b)

    def ordered_chain(self, n: int) -> Callable[[], list[Any]]:
        import torch

        symbols = [self.env.create_unbacked_symint() for _ in range(n + 1)]

        def run() -> list[Any]:
            for a, b in pairwise(symbols):
                torch._check(a <= b)
            return symbols

        return run

    def equal_chain(self, n: int) -> Callable[[], list[Any]]:
        """Backed symbols with equal examples: torch does not replace unbacked ones by each
        other, and so proves nothing about a chain of them."""
        import torch

        symbols = self.symbols([Declared(f"u{i}", 2, None, 5) for i in range(n + 1)])

        def run() -> list[Any]:
            for a, b in pairwise(symbols):
                torch._check(a == b)
            return symbols

        return run

    def insertion(self, n: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
        from torch.fx.passes.runtime_assert import insert_deferred_runtime_asserts

        module, env = traced(n)

        def run() -> Any:
            insert_deferred_runtime_asserts(module, env, "benchmark")
            return module

        return run, lambda done: outcomes(done, n)


# --------------------------------------------------------------------------- graphs


def traced(n: int) -> tuple[Any, Any]:
    """A graph that reads n values of its input, with two checks of each that were deferred
    while tracing; and its environment."""
    import torch
    from torch.fx.experimental.proxy_tensor import make_fx

    def program(x: Any) -> list[Any]:
        values: list[Any] = []
        for i in range(n):
            u = x[i].item()
            torch._check(u >= 2 + i % 5)
            torch._check(2 * u <= (values[-1] if values else 0) + 1000)
            values.append(u)
        return values

    module = make_fx(program, tracing_mode="symbolic")(torch.full((n,), 10))
    for node in module.graph.nodes:
        value = node.meta.get("val")
        if isinstance(value, torch.SymInt):
            return module, value.node.shape_env
    raise AssertionError("the graph reads no values")


def outcomes(module: Any, n: int) -> list[str]:
    """What the graph does with inputs that pass, and that fail a check of the first, a
    middle and the last value."""
    import torch

    module.recompile()
    inputs = [torch.full((n,), 10), torch.full((n,), 400)]
    for place in (0, n // 2, n - 1):
        for wrong in (1, 600):
            x = torch.full((n,), 10)
            x[place] = wrong
            inputs.append(x)
    found = []
    for x in inputs:
        try:
            module(x)
            found.append("accepted")
        except (RuntimeError, AssertionError):
            found.append("rejected")
    return found


def _plain(end: Any) -> int | None:
    return int(end) if end.is_Integer else None


ENGINES = [Torch]
