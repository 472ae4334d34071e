"""The root of the expression classes: how Python's operators build expressions.

`Expr` has the operators, the text and the pickle form that all expressions share. Every
operator goes through `make`, which looks up the builder of the normal form in the table
`OPERATORS`; operands that are not expressions are converted by
`nodes.as_expr`, which is above and enters itself in `CONVERSIONS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, overload

from shapes.base.infinity import IntInfinity
from shapes.base.pretty import shown_as_text
from shapes.errors import ExpressionTypeError
from shapes.expr.opdef import Kind, Op, Value
from shapes.expr.optable import CONSTANT, OPERATORS, SYMBOL

__all__ = ["CONVERSIONS", "BoolExpr", "Expr", "ExprLike", "FloatExpr", "make"]


class Expr:
    """An expression; `op` and `args` say what it is made of, `kind` what values it takes.

    ``==`` between expressions is identity, which is equality of normal forms; the relation
    is written ``Eq(a, b)``. The other operators build expressions.
    """

    __slots__ = ("__weakref__",)
    kind: Kind
    op: Op
    _weakrefs: Any
    """Where the compiled build keeps what `__weakref__` stands for (see `_native.c`)."""

    @property
    def args(self) -> tuple[Expr, ...]:
        """The operands."""
        raise NotImplementedError

    @property
    def is_constant(self) -> bool:
        """Whether this is a number or a truth value."""
        return self.op is CONSTANT

    @property
    def value(self) -> Value:
        """The value of a constant; raises `ExpressionTypeError` for anything else."""
        raise ExpressionTypeError(f"`{self}` is not a constant")

    @property
    def is_symbol(self) -> bool:
        """Whether this is a symbol."""
        return self.op is SYMBOL

    @property
    def name(self) -> str:
        """The name of a symbol; raises `ExpressionTypeError` for anything else."""
        raise ExpressionTypeError(f"`{self}` is not a symbol")

    def __str__(self) -> str:
        from shapes.traversal.printing import abbreviated

        return abbreviated(self)

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        shown_as_text(self, printer, cycle)  # (a method of its own: the class is compiled)

    def __repr__(self) -> str:
        from shapes.traversal.printing import brief

        return f"<{self.kind} {brief(self, 400)}>"

    def __reduce__(self) -> tuple[Any, ...]:
        from shapes.traversal.saved import parse_saved, saved_in_parts

        return parse_saved, saved_in_parts(self)

    def __copy__(self) -> Expr:
        return self

    def __deepcopy__(self, memo: object) -> Expr:
        return self

    def __bool__(self) -> bool:
        if self.is_constant:
            return bool(self.value)
        raise ExpressionTypeError(
            f"the truth of `{self}` is not known here; ask an environment: env.prove(...)"
        )

    def __lt__(self, other: ExprLike) -> BoolExpr:
        return make("Lt", self, other)

    def __le__(self, other: ExprLike) -> BoolExpr:
        return make("Le", self, other)

    def __gt__(self, other: ExprLike) -> BoolExpr:
        return make("Gt", self, other)

    def __ge__(self, other: ExprLike) -> BoolExpr:
        return make("Ge", self, other)

    def __add__(self, other: ExprLike) -> Expr:
        return make("Add", self, other)

    def __radd__(self, other: ExprLike) -> Expr:
        return make("Add", other, self)

    def __sub__(self, other: ExprLike) -> Expr:
        return make("Sub", self, other)

    def __rsub__(self, other: ExprLike) -> Expr:
        return make("Sub", other, self)

    def __mul__(self, other: ExprLike) -> Expr:
        return make("Mul", self, other)

    def __rmul__(self, other: ExprLike) -> Expr:
        return make("Mul", other, self)

    def __floordiv__(self, other: ExprLike) -> Expr:
        return make("FloorDiv", self, other)

    def __rfloordiv__(self, other: ExprLike) -> Expr:
        return make("FloorDiv", other, self)

    def __truediv__(self, other: ExprLike) -> Expr:
        return make("TrueDiv", self, other)

    def __rtruediv__(self, other: ExprLike) -> Expr:
        return make("TrueDiv", other, self)

    def __mod__(self, other: ExprLike) -> Expr:
        return make("Mod", self, other)

    def __rmod__(self, other: ExprLike) -> Expr:
        return make("Mod", other, self)

    def __pow__(self, other: ExprLike) -> Expr:
        return make("Pow", self, other)

    def __rpow__(self, other: ExprLike) -> Expr:
        return make("Pow", other, self)

    def __lshift__(self, other: ExprLike) -> Expr:
        return make("LShift", self, other)

    def __rlshift__(self, other: ExprLike) -> Expr:
        return make("LShift", other, self)

    def __rshift__(self, other: ExprLike) -> Expr:
        return make("RShift", self, other)

    def __rrshift__(self, other: ExprLike) -> Expr:
        return make("RShift", other, self)

    def __and__(self, other: ExprLike) -> Expr:
        return make("BitAnd", self, other)

    def __rand__(self, other: ExprLike) -> Expr:
        return make("BitAnd", other, self)

    def __or__(self, other: ExprLike) -> Expr:
        return make("BitOr", self, other)

    def __ror__(self, other: ExprLike) -> Expr:
        return make("BitOr", other, self)

    def __xor__(self, other: ExprLike) -> Expr:
        return make("BitXor", self, other)

    def __rxor__(self, other: ExprLike) -> Expr:
        return make("BitXor", other, self)

    def __invert__(self) -> Expr:
        return make("BitNot", self)

    def __neg__(self) -> Expr:
        return make("Neg", self)

    def __pos__(self) -> Expr:
        return make("Add", self, 0)

    def __abs__(self) -> Expr:
        return make("Abs", self)


class BoolExpr(Expr):
    """A condition."""

    __slots__ = ()
    kind: Kind = "bool"


class FloatExpr(Expr):
    """An IEEE double."""

    __slots__ = ()
    kind: Kind = "float"


ExprLike: TypeAlias = Expr | int | bool | float | IntInfinity


Comparison: TypeAlias = Literal["Lt", "Le", "Gt", "Ge", "Eq", "Ne"]


@overload
def make(name: Comparison, *args: ExprLike) -> BoolExpr: ...
@overload
def make(name: str, *args: ExprLike) -> Expr: ...
def make(name: str, *args: ExprLike) -> Expr:
    """The normal form of an operator of the grammar on these operands.

    Raises `ExpressionTypeError` for operands that the operator does not take.
    """
    operator = OPERATORS.get(name) if isinstance(name, str) else None
    build = None if operator is None else operator.build
    if build is None:
        raise ExpressionTypeError(f"{name} cannot be built by name")
    return build(*[a if isinstance(a, Expr) else CONVERSIONS[0](a) for a in args])


CONVERSIONS: Final[list[Callable[[ExprLike], Expr]]] = []
"""How a Python value becomes an expression: `nodes.as_expr`, once that is loaded."""
