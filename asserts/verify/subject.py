"""What `verify` must know of a program, and what it makes: inputs, checks, trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from shapes.expr import BoolExpr, Expr

__all__ = ["Condition", "Input", "Number", "Sized", "Stopping", "Subject", "Trial", "Values"]

Number = int | float
"""A value of a symbol when a program runs (a truth value is one, too)."""

Values = dict[Expr, Number]


@dataclass(frozen=True)
class Input:
    """An input of a program: an array with symbolic sizes, a symbolic number (`value`), or
    anything else, which stays as in the example."""

    name: str
    shape: tuple[Expr, ...] | None = None
    dtype: str = ""
    value: Expr | None = None
    example: Any = None

    @property
    def kind(self) -> tuple[Any, ...]:
        """What another program's input must have in common with it."""
        return (self.dtype, None if self.shape is None else len(self.shape))

    def __str__(self) -> str:
        if self.shape is None:
            return self.name
        return f"{self.name}: {self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Condition:
    """What a program checks; `entry`: of the inputs alone, before it begins; `inner`: in a
    part of it that may not run, so that only a run which it stops shows that it is broken."""

    text: str
    claim: BoolExpr
    entry: bool = False
    inner: bool = False


@dataclass(frozen=True)
class Trial:
    """Inputs, and what is tried with them."""

    purpose: str
    inputs: tuple[Any, ...]

    @property
    def key(self) -> tuple[Any, ...]:
        """Equal for equal inputs."""
        return tuple(
            (i.shape, str(i.dtype), i.tobytes()) if isinstance(i, np.ndarray) else repr(i)
            for i in self.inputs
        )

    def __str__(self) -> str:
        return "\n".join(map(repr, self.inputs))


class Subject(Protocol):
    """A program that is tried; numpy arrays and numbers stand for its inputs."""

    @property
    def inputs(self) -> Sequence[Input]:
        """What the program takes; nothing if that is not known."""

    @property
    def sure(self) -> Sequence[BoolExpr]:
        """What holds of every run, whatever the inputs are."""

    @property
    def conditions(self) -> Sequence[Condition]:
        """What the program checks."""

    @property
    def run_time(self) -> Sequence[Expr]:
        """The symbols that the program reads, in its order."""

    @property
    def names(self) -> Mapping[str, str]:
        """Better names for symbols."""

    def measure(self, inputs: Sequence[object]) -> Mapping[Expr, Number]:
        """The values of symbols that are read at run time, as far as they are reached."""

    def run(self, inputs: Sequence[object]) -> Any:
        """What the program computes; raises if it rejects the inputs."""

    def difference(self, first: object, second: object) -> str | None:
        """How two results differ; None if they don't."""

    def shown(self, trial: Trial) -> str:
        """The inputs of a trial, one in a line or more."""


@runtime_checkable
class Sized(Protocol):
    """A program that can say beforehand how much it computes."""

    def work(self, inputs: Sequence[object]) -> int:
        """About how many elements a run on these inputs makes."""


@runtime_checkable
class Stopping(Protocol):
    """A program whose errors say which of its checks has stopped it."""

    @property
    def stopped(self) -> set[str]:
        """The texts of the checks that have stopped a run."""
