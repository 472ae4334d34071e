"""Answers to questions: a verdict with its proof, its counterexample, or what was tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from shapes.base.digits import written
from shapes.base.pretty import shown_as_text
from shapes.base.records import record
from shapes.expr.nodes import BoolExpr, Expr, Value
from shapes.facts.store import Fact
from shapes.traversal.printing import brief

__all__ = ["Counterexample", "Proof", "Status", "Verdict"]


class Status(Enum):
    """What is known about a claim under the facts."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends"
    UNKNOWN = "unknown"


@record(frozen=True)
class Proof:
    """Why a claim always (or never) holds: the method that found it, and the facts used.

    `certificate` holds the method's own evidence where it has any, for a checker.
    """

    method: str
    facts: tuple[Fact, ...] = ()
    certificate: object | None = None

    def __str__(self) -> str:
        if not self.facts:
            return f"by {self.method}"
        used = "; ".join(fact.spelled for fact in self.facts)
        return f"by {self.method} from {used}"

    _repr_pretty_ = shown_as_text


class Counterexample(Mapping[str, Value]):
    """Values by name of symbol, re-evaluated: they satisfy every fact and break the claim
    (a witness: and satisfy the claim). `found_by` is "search" or "z3"."""

    def __init__(self, values: Mapping[Expr, Value], found_by: str = "search") -> None:
        self._of_symbols = values
        self._made: dict[str, Value] | None = None
        self.found_by = found_by

    @property
    def _values(self) -> dict[str, Value]:
        """The values by name; there may be thousands, which hardly anybody reads."""
        if self._made is None:
            self._made = {sym.name: value for sym, value in self._of_symbols.items()}
        return self._made

    def __getitem__(self, name: str) -> Value:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __str__(self) -> str:
        return ", ".join(f"{name} = {written(value)}" for name, value in self._values.items())

    _repr_pretty_ = shown_as_text

    __repr__ = __str__


@record(frozen=True)
class Verdict:
    """The answer to a question.

    `status` is `ALWAYS` (with `proof`), `NEVER` (with a proof of the negation), `DEPENDS`
    (with `counterexample` and `witness`) or `UNKNOWN` (with `tried`). `premises` are the
    conditions of being defined which the question assumed and which do not follow. `written`
    is how the claim was put, if as text.
    """

    status: Status
    claim: BoolExpr
    written: str | None = None
    proof: Proof | None = None
    counterexample: Counterexample | None = None
    witness: Counterexample | None = None
    premises: tuple[BoolExpr, ...] = ()
    tried: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The claim as it was written, or else its normal form."""
        return brief(self.claim) if self.written is None else self.written

    @property
    def proved(self) -> bool:
        """Whether the claim always holds (where it means something)."""
        return self.status is Status.ALWAYS

    @property
    def disproved(self) -> bool:
        """Whether the claim never holds."""
        return self.status is Status.NEVER

    def __bool__(self) -> bool:
        return self.proved

    def explain(self) -> str:
        """The answer in a few sentences."""
        from shapes.env.explain import explain

        return explain(self)

    def __str__(self) -> str:
        return self.explain()

    def __repr__(self) -> str:
        return f"<{self.status.name}: {self.explain().splitlines()[0]}>"

    def _repr_html_(self) -> str:
        from shapes.env.display import verdict_html

        return verdict_html(self)

    def _repr_latex_(self) -> str:
        from shapes.env.display import verdict_latex

        return verdict_latex(self)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(self.explain())
