"""A module of the user's that makes no conversions itself."""

from __future__ import annotations

import numbers
from functools import cache, singledispatch
from typing import Any


def by_class(value: Any) -> int:
    return 2 if isinstance(value, int) else 3


def by_abstract_class(value: Any) -> int:
    return 2 if isinstance(value, numbers.Integral) else 3


def by_real(value: Any) -> int:
    return 2 if isinstance(value, float) else 3


@singledispatch
def by_dispatch(value: Any) -> int:
    return 3


@by_dispatch.register
def _(value: int) -> int:
    return 2


@cache
def remembered(value: Any) -> Any:
    return value + 1


def by_type(value: Any) -> int:
    return 2 if type(value) is int else 3


def by_equal_type(value: Any) -> int:
    return 2 if type(value) == int else 3  # noqa: E721


def by_some_type(value: Any) -> int:
    kinds = {int: 2, float: 5}
    return kinds.get(type(value), 3)
