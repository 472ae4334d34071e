"""Checks of run-time floats that the program makes itself (pytest rewrites asserts of tests)."""

from __future__ import annotations

import math
from typing import Any

import torch


def raises_above(f: Any) -> bool:
    if f > 5:
        raise ValueError("large")
    return True


def raises_unless_at_most(f: Any) -> bool:
    if not f <= 5:
        raise ValueError("large, or none")
    return True


def raises_for_none(f: Any) -> bool:
    if f != f:
        raise ValueError("none")
    return True


def raises_for_infinity(f: Any) -> bool:
    if f == math.inf:
        raise ValueError("infinite")
    return True


def asserts_not(f: Any) -> bool:
    assert not f >= 5
    return True


def asserts_itself(f: Any) -> bool:
    assert f == f
    return True


def checks_not(f: Any) -> bool:
    torch._check(not f > 5, lambda: "large")
    return True


def is_it_positive(k: Any) -> bool:
    """(``not`` of a number that is known to be positive is False itself.)"""
    torch._check(k > 0)
    if (not k) is not False:
        raise ValueError("not False")
    return [True, False][not k]


class Context:
    """A context of the program's own, which handles nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass


def asserts_in_a_context(k: Any) -> bool:
    with Context():
        assert k > 0
    return True


def asserts_and_handles(k: Any) -> bool:
    try:
        assert k > 0
    except AssertionError:
        return True
    return True
