"""What a contract costs per call, beside jaxtyping with beartype on the same function.

    python -m tests.benchmarks.contracts [--calls 20000] [--rounds 9]

Each function returns at once, so its time is that of the guard. The three variants take turns
within a round; a figure is the median of rounds, in microseconds of CPU time per call. Made
once: how long the decorator takes, in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, jaxtyped

from asserts import contract

__all__ = ["CASES", "Case", "Times", "main", "measured"]

Decorate = Callable[[Callable[..., Any]], Callable[..., Any]]


@dataclass(frozen=True)
class Case:
    """A function to be decorated, and arguments that it accepts."""

    name: str
    make: Callable[[Decorate], Callable[..., Any]]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Times:
    """Microseconds per call of a case, and milliseconds for decorating it."""

    plain: float
    ours: float
    theirs: float | None
    made_ours: float
    made_theirs: float | None


def _linear(decorate: Decorate) -> Callable[..., Any]:
    @decorate
    def linear(
        x: Float[np.ndarray, "batch n"], w: Float[np.ndarray, "n m"]
    ) -> Float[np.ndarray, "batch n"]:
        return x

    return linear


def _attention(decorate: Decorate) -> Callable[..., Any]:
    @decorate
    def attention(
        q: Float[np.ndarray, "*batch q dim"],
        k: Float[np.ndarray, "*batch k dim"],
        v: Float[np.ndarray, "*batch k out"],
        mask: Bool[np.ndarray, "q k"],
    ) -> Float[np.ndarray, "*batch q dim"]:
        return q

    return attention


def _expressions(decorate: Decorate) -> Callable[..., Any]:
    @decorate
    def pooled(
        image: Float[np.ndarray, "c h w"], half: Float[np.ndarray, "c h//2 w//2"]
    ) -> Float[np.ndarray, "c h w"]:
        return image

    return pooled


def _one(decorate: Decorate) -> Callable[..., Any]:
    @decorate
    def norm(x: Float32[np.ndarray, "3"]) -> Float32[np.ndarray, "3"]:
        return x

    return norm


def _arrays(*shapes: tuple[int, ...]) -> tuple[Any, ...]:
    return tuple(np.zeros(shape) for shape in shapes)


CASES = (
    Case("one vector of 3", _one, (np.zeros(3, "float32"),)),
    Case('"batch n", "n m"', _linear, _arrays((4, 8), (8, 16))),
    Case('"c h w", "c h//2 w//2"', _expressions, _arrays((3, 8, 6), (3, 4, 3))),
    Case(
        '"*batch q dim" and three more',
        _attention,
        (*_arrays((2, 4, 8), (2, 5, 8), (2, 5, 8)), np.zeros((4, 5), bool)),
    ),
)


def _theirs() -> Decorate | None:
    """jaxtyping with beartype, if that is installed."""
    try:
        from beartype import beartype
    except ImportError:
        return None
    decorate: Decorate = jaxtyped(typechecker=beartype)
    return decorate


def measured(case: Case, calls: int, rounds: int) -> Times:
    """The times of a case."""
    theirs = _theirs()
    variants: dict[str, Callable[..., Any]] = {"plain": case.make(lambda function: function)}
    made = {}
    for name, decorate in (("ours", contract), ("theirs", theirs)):
        if decorate is not None:
            start = time.process_time()
            variants[name] = case.make(decorate)
            made[name] = (time.process_time() - start) * 1e3
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, function in variants.items():
            found[name].append(_per_call(function, case.arguments, calls))
    medians = {name: statistics.median(values) for name, values in found.items()}
    return Times(
        medians["plain"], medians["ours"], medians.get("theirs"),
        made["ours"], made.get("theirs"),
    )  # fmt: skip


def _per_call(function: Callable[..., Any], arguments: Sequence[Any], calls: int) -> float:
    function(*arguments)
    start = time.process_time()
    for _ in range(calls):
        function(*arguments)
    return (time.process_time() - start) / calls * 1e6


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What a contract costs per call.")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args(arguments)
    print("| annotation | none | contract | jaxtyping + beartype | made in (ms) |")
    print("|---|---|---|---|---|")
    for case in CASES:
        times = measured(case, options.calls, options.rounds)
        theirs = "not installed" if times.theirs is None else f"{times.theirs:.2f}"
        made = f"{times.made_ours:.1f}"
        if times.made_theirs is not None:
            made += f" / {times.made_theirs:.1f}"
        print(f"| {case.name} | {times.plain:.2f} | {times.ours:.2f} | {theirs} | {made} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
