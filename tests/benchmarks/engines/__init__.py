"""The engines, one module each; a module lists its own in `ENGINES`."""

from __future__ import annotations

import importlib
import pkgutil

from tests.benchmarks.engines.base import Engine

__all__ = ["ENGINES"]

ENGINES: dict[str, type[Engine]] = {}
"""Ours first, then the peers."""

for _info in pkgutil.iter_modules(__path__):
    if _info.name != "base":
        _module = importlib.import_module(f"{__name__}.{_info.name}")
        for _engine in _module.ENGINES:
            ENGINES[_engine.name] = _engine
_ORDER = ("ours", "torch", "jax", "tvm")
ENGINES = dict(
    sorted(
        ENGINES.items(),
        key=lambda item: (
            _ORDER.index(item[1].peer) if item[1].peer in _ORDER else 9,
            item[1].compiled,
        ),
    )
)
