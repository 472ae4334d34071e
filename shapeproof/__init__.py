"""Everything public of `shapes` (the engine) and `asserts` (the graph passes) in one place.

    import shapeproof as sp

    env = sp.ShapeEnv()
    program = sp.trace(function, x=("n", 8))
    print(sp.insert(program).report)

Each package is imported when a name of it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from asserts import *  # noqa: F403
    from asserts.trace import Spec as Spec
    from asserts.trace import trace as trace
    from shapes import *  # noqa: F403

__version__: Final = "0.1.0"

_MODULES: Final = ("shapes", "asserts", "asserts.trace")
_FURTHER: Final = ("Spec", "trace")
"""What `asserts.trace` has, besides the public names of the two packages."""


def _public(module: str) -> list[str]:
    names: list[str] = import_module(module).__all__
    return [name for name in names if module != "asserts.trace" or name in _FURTHER]


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return sorted({name for module in _MODULES for name in _public(module)})
    if not name.startswith("__"):
        for module in _MODULES:
            if name in _public(module):
                return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
