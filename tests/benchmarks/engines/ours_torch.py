"""Shapeproof's insertion pass in the place of torch's, on torch's own graphs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.engines.torch import outcomes, traced

__all__ = ["ENGINES", "OursTorch"]


class OursTorch(Engine):
    """The graph is traced with our passes installed, as `torch.export` does then."""

    name: ClassVar[str] = "ours-torch"
    peer: ClassVar[str] = "ours"
    module: ClassVar[str] = "torch"
    what: ClassVar[str] = "Shapeproof: the pass of `asserts.dialects.torch`"

    def __init__(self) -> None:
        super().__init__()
        import asserts.dialects.torch  # noqa: F401

    def version(self) -> str:
        from importlib.metadata import version

        return version("shapeproof")

    def insertion(self, n: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
        from asserts.dialects.torch import insert_deferred_runtime_asserts, installed

        with installed():
            module, env = traced(n)

        def run() -> Any:
            insert_deferred_runtime_asserts(module, env, "benchmark")
            return module

        return run, lambda done: outcomes(done, n)


ENGINES = [OursTorch]
