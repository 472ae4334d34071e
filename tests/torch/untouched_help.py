"""A module of the user's with something to change, as another module sees it."""

from __future__ import annotations

from typing import Any

count = 0
kept: list[Any] = []


def keeps(x: Any) -> Any:
    kept.append(1)
    return x * 2
