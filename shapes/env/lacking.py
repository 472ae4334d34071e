"""What Python's numbers have and symbolic ones lack (`bit_length`, `real`, ...).

A traced function that asks whether it is there would take the other branch when it runs, so
the environment's watcher hears of it. Each such name has a descriptor of its own; a
`__getattr__` would do, and would make every other attribute slower (CPython 3.11 specialises
the access of slots only where a class has none).
"""

from __future__ import annotations

from typing import Final, NoReturn

from shapes.env.symints import Symbolic, SymBool, SymFloat, SymInt

__all__ = ["NAMES"]


class _Lacking:
    """An attribute that is not there."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, value: Symbolic | None, kind: type) -> NoReturn:
        if value is None:
            of = f"type object {kind.__name__!r}"
            raise AttributeError(f"{of} has no attribute {self.name!r}")
        watch = value.env.watch
        if watch is not None:
            watch(value, f"attribute {self.name}")
        raise AttributeError(f"{kind.__name__!r} object has no attribute {self.name!r}")


def _lacked(symbolic: type[Symbolic], number: type) -> frozenset[str]:
    public = (name for name in dir(number) if not name.startswith("__"))
    return frozenset(name for name in public if not hasattr(symbolic, name))


NAMES: Final = _lacked(SymInt, int) | _lacked(SymFloat, float) | _lacked(SymBool, bool)


def _listed(value: Symbolic) -> list[str]:
    return [name for name in object.__dir__(value) if name not in NAMES]


for _name in NAMES:
    setattr(Symbolic, _name, _Lacking(_name))
setattr(Symbolic, "__dir__", _listed)  # noqa: B010 (compiled classes list what mypy sees)
