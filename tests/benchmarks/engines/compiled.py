"""The compiled build of Shapeproof: the same engines, in a directory where it was built."""

from __future__ import annotations

from tests.benchmarks.engines.base import Engine
from tests.benchmarks.engines.ours import Expressions, Ours
from tests.benchmarks.engines.ours_torch import OursTorch

__all__ = ["ENGINES"]


def _compiled(engine: type[Engine]) -> type[Engine]:
    importing = engine.importing and f"{engine.importing}  # compiled"
    return type(
        f"Compiled{engine.__name__}",
        (engine,),
        {
            "name": f"{engine.name} compiled",
            "what": f"{engine.what}, compiled",
            "like": engine.name,
            "compiled": True,
            "importing": importing,
        },
    )


ENGINES = [_compiled(engine) for engine in (Ours, Expressions, OursTorch)]
