"""Small numpy programs with checks, and inputs that satisfy or break them.

Each row is a program, the specs of its inputs, and a function from a random generator to
inputs; about half of the inputs are accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import asserts
from asserts.examples.pack_words import pack_words
from asserts.examples.route_tokens import route_tokens
from asserts.trace import Spec
from shapes import Dim, Or

__all__ = ["PROGRAMS", "Program"]

Random = np.random.Generator


class Program(NamedTuple):
    """A program, its specs, and a maker of inputs."""

    function: Callable[..., Any]
    specs: dict[str, Any]
    inputs: Callable[[Random], tuple[Any, ...]]


def crop(x: Any, start: Any, size: Any) -> Any:
    """A window whose place is read from arrays."""
    at = int(start)
    width = int(size)
    asserts.check(at >= 0, "the window starts before the data")
    asserts.check(width >= 1, "the window is empty")
    asserts.check(at + width <= x.shape[0], "the window leaves the data")
    asserts.check(width <= x.shape[0])
    return x[at : at + width].reshape(width, 2).sum(axis=1)


def selected_pairs(x: Any, mask: Any) -> Any:
    """Rows selected by a mask, in pairs."""
    rows = x[mask]
    count = rows.shape[0]
    asserts.check(count % 2 == 0, "an even number of rows")
    asserts.check(count <= x.shape[0], "no more rows than there are")
    pairs = rows.reshape(count // 2, 2)
    return pairs[:, 0] - pairs[:, 1]


def weighted(values: Any, weights: Any) -> Any:
    """Two inputs of one length, at least three entries."""
    asserts.check(values.shape[0] == weights.shape[0], "one weight for each value")
    asserts.check(values.shape[0] >= 3)
    asserts.check(values.shape[0] >= 2)
    return values * weights


def padded_to_multiple(x: Any) -> Any:
    """Padding to a multiple of eight, then blocks."""
    n = x.shape[0]
    missing = -n % 8
    padded = np.pad(x, (0, missing))
    asserts.check(missing < 8)
    blocks = padded.reshape(-(-n // 8), 8)
    asserts.check(blocks.shape[0] * 8 >= n)
    return blocks.max(axis=1) if n > 0 else blocks


def split_by_count(x: Any, count: Any) -> Any:
    """Equal parts, whose number is read from an array."""
    parts = int(count)
    asserts.check(parts >= 1, "no parts")
    asserts.check(x.shape[0] % parts == 0, "equal parts")
    return x.reshape(parts, x.shape[0] // parts).sum(axis=0)


def joined(x: Any, y: Any) -> Any:
    """Concatenation and a product of matrices whose inner sizes must agree."""
    z = np.concatenate([x, x], axis=1)
    asserts.check(z.shape[1] == y.shape[0])
    return z @ y


def both_or_neither(x: Any, flag: Any) -> Any:
    """A condition with a guarded division."""
    n = x.shape[0]
    k = int(flag)
    if hasattr(k, "expr"):
        asserts.check(Or(k == 0, n // k >= 1), "k is nought or at most n")
    else:
        asserts.check(k == 0 or n // k >= 1, "k is nought or at most n")
    return x * k


def _crop_inputs(r: Random) -> tuple[Any, ...]:
    n = int(r.integers(0, 7))
    return r.normal(size=(n, 2)), r.integers(-1, 5), r.integers(0, 5)


def _pairs_inputs(r: Random) -> tuple[Any, ...]:
    n = int(r.integers(0, 8))
    return r.normal(size=n), r.integers(0, 2, size=n).astype(bool)


def _weighted_inputs(r: Random) -> tuple[Any, ...]:
    n = int(r.integers(1, 6))
    return r.normal(size=n), r.normal(size=n if r.integers(0, 3) else int(r.integers(1, 6)))


def _split_inputs(r: Random) -> tuple[Any, ...]:
    return r.normal(size=int(r.integers(0, 13))), r.integers(0, 5)


def _joined_inputs(r: Random) -> tuple[Any, ...]:
    k = int(r.integers(1, 4))
    rows = 2 * k if r.integers(0, 2) else int(r.integers(1, 7))
    return r.normal(size=(2, k)), r.normal(size=(rows, 3))


def _words_inputs(r: Random) -> tuple[Any, ...]:
    lengths = r.integers(0, 6, size=int(r.integers(0, 40)))
    if r.integers(0, 4) == 0 and len(lengths):
        lengths[0] = r.integers(30, 50)
    total = max(1, int(lengths.sum()) + int(r.integers(0, 4) == 0))
    return r.integers(97, 123, size=total), lengths


def _tokens_inputs(r: Random) -> tuple[Any, ...]:
    t = int(r.integers(0, 200))
    return r.normal(size=(t, 3)), r.normal(size=(t, 4))


_SCALAR = Spec((), "int64")

PROGRAMS: tuple[Program, ...] = (
    Program(crop, {"x": ("n", 2), "start": _SCALAR, "size": _SCALAR}, _crop_inputs),
    Program(selected_pairs, {"x": ("n",), "mask": Spec(("n",), "bool")}, _pairs_inputs),
    Program(weighted, {"values": ("a",), "weights": ("b",)}, _weighted_inputs),
    Program(
        padded_to_multiple,
        {"x": Spec((Dim("n", min=1),))},
        lambda r: (r.normal(size=int(r.integers(0, 30))),),
    ),
    Program(split_by_count, {"x": ("n",), "count": _SCALAR}, _split_inputs),
    Program(joined, {"x": ("m", "k"), "y": ("l", 3)}, _joined_inputs),
    Program(
        both_or_neither,
        {"x": ("n",), "flag": _SCALAR},
        lambda r: (r.normal(size=int(r.integers(0, 5))), r.integers(-1, 5)),
    ),
    Program(pack_words, pack_words.__shapeproof_inputs__, _words_inputs),  # type: ignore[attr-defined]
    Program(route_tokens, route_tokens.__shapeproof_inputs__, _tokens_inputs),  # type: ignore[attr-defined]
)
