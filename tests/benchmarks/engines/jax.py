"""JAX's symbolic dimensions (`jax.export.symbolic_shape`), in pure Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Bounds, Engine
from tests.benchmarks.plain import Declared

__all__ = ["ENGINES", "Jax"]


class Jax(Engine):
    """Ranges are constraints of the scope, stated as text when it is made."""

    name: ClassVar[str] = "jax"
    peer: ClassVar[str] = "jax"
    module: ClassVar[str] = "jax"
    what: ClassVar[str] = "JAX: symbolic dimensions of `jax.export`"
    importing: ClassVar[str | None] = "from jax import export"

    def __init__(self) -> None:
        super().__init__()
        from jax import core

        self.operators = {**self.operators, "min": core.min_dim, "max": core.max_dim}

    def version(self) -> str:
        import jax

        return str(jax.__version__)

    def symbols(self, declared: Sequence[Declared]) -> list[Any]:
        constraints = [f"{s.name} >= {s.low}" for s in declared if s.low > 1]
        constraints += [f"{s.name} <= {s.high}" for s in declared if s.high is not None]
        return self._scoped([s.name for s in declared], constraints)

    def _scoped(self, names: Sequence[str], constraints: Sequence[str]) -> list[Any]:
        from jax import export

        scope = export.SymbolicScope(constraints)
        return list(export.symbolic_shape(",".join(names), scope=scope))

    def evaluate(self, e: Any, point: Mapping[str, int]) -> int:
        return e if isinstance(e, int) else int(e._evaluate(dict(point)))

    def same(self, a: Any, b: Any) -> bool:
        return bool(a == b)

    def bounds(self, e: Any) -> Bounds:
        from jax._src.export.shape_poly import BoundsPrecision, _bounds_decision

        lower, upper = _bounds_decision(e, BoundsPrecision.BEST)
        return _plain(lower), _plain(upper)

    def at_least(self, a: Any, b: Any) -> bool:
        from jax.core import InconclusiveDimensionOperation

        try:
            return bool(a >= b)
        except InconclusiveDimensionOperation:
            return False

    def equal(self, a: Any, b: Any) -> bool:
        return bool(a == b)

    def ordered_chain(self, n: int) -> Callable[[], list[Any]]:
        return self._chain([f"u{i} <= u{i + 1}" for i in range(n)])

    def equal_chain(self, n: int) -> Callable[[], list[Any]]:
        """Each symbol is defined by an earlier one: the other way round, a definition is not
        put into those before it, and the question is not answered."""
        return self._chain([f"u{i + 1} == u{i}" for i in range(n)])

    def _chain(self, constraints: list[str]) -> Callable[[], list[Any]]:
        names = [f"u{i}" for i in range(len(constraints) + 1)]
        return lambda: self._scoped(names, constraints)


def _plain(end: float) -> int | None:
    return None if math.isinf(end) else int(end)


ENGINES = [Jax]
