"""The record of an operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from shapes.base.infinity import IntInfinity
from shapes.base.records import record

if TYPE_CHECKING:
    from shapes.expr.nodes import Expr

__all__ = ["Kind", "Op", "Value"]

Kind: TypeAlias = Literal["int", "bool", "float"]
Value: TypeAlias = int | bool | float | IntInfinity
"""A concrete value of an expression (and the ends of an integer range)."""


@record(frozen=True, eq=False, slots=True)
class Op:
    """One operator: everything that is to be known of it, in one record.

    Required are, besides the name:

    - `handler`: the name of an analysis's method for it;
    - `operands`: one letter for each operand (the last one repeats for a `variadic`
      operator): ``i`` integer, ``b`` condition, ``f`` float, ``n`` number, ``a`` anything;
    - `result`: the kind of the result;
    - `build`, which makes the normal form, and `python`, the meaning on Python values (which
      evaluation, code and graphs of Python functions call);
    - `example`: how it is written.

    The others have defaults that are right for every operator:

    - `defined`: the condition under which it means something (None: always); then
      `undefined` says what is wrong where it does not, for errors, and `totalised` makes, of
      the last operand and that condition, an operand for which it always has a value;
    - `infix` and `text`: its sign, or else the name by which text calls it (`name`);
    - `laws`: "commutative", "associative", "idempotent";
    - `work`: what it costs to compute, in additions; `written`: as how many operators it
      counts where expressions are compared by length;
    - `closed`: the result fits into a machine integer whenever the operands do;
    - `numpy`: the function of numpy that computes the same of machine integers, as long as
      it is defined and the result fits;
    - `code`: the Python function in generated code (that of `python`);
    - `simpler`: the same by simpler operators, for those who lack it (dialects); the
      operands are called a, b, c;
    - `sympy`: the name of its function in sympy (`name`);
    - `on_ints`: `build` for operands that are all integer expressions, without the look at
      kinds; `on_floats`: the operator that it is if an operand is a float.
    """

    name: str
    handler: str
    operands: str
    result: Kind | Literal["same"]
    build: Callable[..., Expr] | None = None
    python: Callable[..., Any] | None = None
    defined: Callable[..., Expr] | None = None
    undefined: str = "has no value"
    totalised: Callable[..., Expr] | None = None
    variadic: bool = False
    infix: str | None = None
    text: str = ""
    laws: frozenset[str] = frozenset()
    example: str = ""
    work: int = 1
    written: int = 1
    closed: bool = False
    numpy: str | None = None
    code: str | None = None
    simpler: str | None = None
    sympy: str = ""
    on_ints: Callable[..., Expr] | None = None
    on_floats: str | None = None

    @property
    def result_kind(self) -> Kind:
        """The kind of the result (of `Where`, whose result is of its operands' kind: int)."""
        return "int" if self.result == "same" else self.result

    def __repr__(self) -> str:
        return f"<operator {self.name}>"
