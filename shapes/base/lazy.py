"""Names of a package that are loaded at first use, so that importing it stays quick."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

__all__ = ["lazy_exports"]


def lazy_exports(
    package: str, modules: Mapping[str, Sequence[str]]
) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package (PEP 562) that offers names of its `modules`.

    A name must not be that of a module of the package: importing the module would hide it.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> Any:
        module = homes.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        found = getattr(import_module(f"{package}.{module}"), name)
        setattr(sys.modules[package], name, found)
        return found

    return load
