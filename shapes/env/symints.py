"""`SymInt`, `SymBool`, `SymFloat`: expressions that know their environment.

They are what people, tracers and frameworks compute with. Operators build expressions (and
the condition under which what was written has a value); a truth test asks the environment,
which answers from what is known, records a guard from the example sizes, or raises
`DataDependentError`. A result that is constant comes back as a plain Python number.

The operators of `SymInt` between integers are the hot path of everybody who traces: they go
straight to the kernel, sums without anything in between.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeVar

from shapes.base.foreign import held, is_numeric, is_numpys_own, is_sympy, number
from shapes.base.infinity import IntInfinity
from shapes.base.pretty import shown_as_text
from shapes.errors import ExpressionTypeError
from shapes.expr.booleans import conjunction
from shapes.expr.hash_consing import completed
from shapes.expr.nodes import (
    CONSTANT,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    IntExpr,
    as_expr,
    combine,
    constant,
    minus,
    plus,
)
from shapes.traversal.definedness import Spelled, defined, spell

if TYPE_CHECKING:
    from shapes.env.shape_env import ShapeEnv

__all__ = [
    "SymBool",
    "SymFloat",
    "SymInt",
    "Symbolic",
    "spelled_of",
    "spelled_of_sympy",
    "symbolic",
]

T = TypeVar("T")


class Symbolic:
    """What the three have in common; `ShapeEnv` and the operators make them."""

    __slots__ = ("__weakref__", "defined", "env", "expr", "written")
    env: ShapeEnv
    expr: Expr
    defined: BoolExpr
    written: str | None  # (of a simplified text: that text, if the normal form is larger)
    _weakrefs: Any
    _op_priority: ClassVar[float] = 20.0
    """sympy leaves its operators to the operand with the higher one."""

    def __str__(self) -> str:
        _watched(self, "text")
        return self.written or str(self.expr)

    def _repr_pretty_(self, printer: object, cycle: bool) -> None:
        shown_as_text(self, printer, cycle)  # (a method of its own: the class is compiled)

    def __repr__(self) -> str:
        _watched(self, "text")
        return f"{type(self).__name__}({self.written or self.expr})"

    def __format__(self, spec: str) -> str:
        _watched(self, "text")
        return object.__format__(self, spec)

    def _repr_html_(self) -> str:
        from shapes.env.display import symbolic_html

        return symbolic_html(self)

    def _repr_latex_(self) -> str:
        from shapes.traversal.mathematics import latex

        return f"${latex(self.expr)}$"

    def __copy__(self: T) -> T:
        return self

    def __deepcopy__(self: T, memo: object) -> T:
        return self  # an expression is immutable, and the environment is meant to be shared

    def __array_ufunc__(self, ufunc: object, how: str, *inputs: object, **kw: object) -> Any:
        from shapes.env.arrays import answered

        return answered(ufunc, how, inputs, kw)

    def _sympy_(self) -> Any:
        raise sys.modules["sympy"].SympifyError(str(self))  # not to be made a float

    def __hash__(self) -> int:
        _watched(self, "hash")
        return hash(self.expr)

    def __reduce__(self) -> tuple[Any, ...]:
        return symbolic, (self.env, self.expr, self.defined)

    def __add__(self, other: object) -> Any:
        return _beside("Add", self, other)

    def __radd__(self, other: object) -> Any:
        return _reflected("Add", self, other)

    def __sub__(self, other: object) -> Any:
        return _beside("Sub", self, other)

    def __rsub__(self, other: object) -> Any:
        return _reflected("Sub", self, other)

    def __mul__(self, other: object) -> Any:
        return _beside("Mul", self, other)

    def __rmul__(self, other: object) -> Any:
        return _reflected("Mul", self, other)

    def __floordiv__(self, other: object) -> Any:
        return _beside("FloorDiv", self, other)

    def __rfloordiv__(self, other: object) -> Any:
        return _reflected("FloorDiv", self, other)

    def __truediv__(self, other: object) -> Any:
        return _beside("TrueDiv", self, other)

    def __rtruediv__(self, other: object) -> Any:
        return _reflected("TrueDiv", self, other)

    def __mod__(self, other: object) -> Any:
        return _beside("Mod", self, other)

    def __rmod__(self, other: object) -> Any:
        return _reflected("Mod", self, other)

    def __pow__(self, other: object) -> Any:
        return _beside("Pow", self, other)

    def __rpow__(self, other: object) -> Any:
        return _reflected("Pow", self, other)

    def __lt__(self, other: object) -> Any:
        return _beside("Lt", self, other)

    def __le__(self, other: object) -> Any:
        return _beside("Le", self, other)

    def __gt__(self, other: object) -> Any:
        return _beside("Gt", self, other)

    def __ge__(self, other: object) -> Any:
        return _beside("Ge", self, other)

    def __eq__(self, other: object) -> Any:
        return _beside("Eq", self, other)

    def __ne__(self, other: object) -> Any:
        return _beside("Ne", self, other)


def _watched(value: Symbolic, what: str) -> None:
    """Notify the environment's watcher of what is asked for (see `ShapeEnv.watch`)."""
    watch = value.env.watch
    if watch is not None:
        watch(value, what)


class _Number(Symbolic):
    """A symbolic integer or float."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __divmod__(self, other: object) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: object) -> tuple[Any, Any]:
        return other // self, other % self

    def __pos__(self: T) -> T:
        return self

    def __neg__(self) -> Any:
        return applied(self.env, "Neg", (self,))

    def __abs__(self) -> Any:
        return applied(self.env, "Abs", (self,))


class _Direct:
    """An operator between integers, straight to the kernel beside another `SymInt` or a plain
    integer, and by the long way beside anything else."""

    __slots__ = ("build", "condition", "name")
    name: str
    build: Any
    condition: Any

    def __init__(self, name: str) -> None:
        op = OPERATORS[name]
        self.name = name
        self.build = op.on_ints
        self.condition = op.defined

    def beside(self, one: SymInt, other: object) -> Any:
        """The operator on `one` and `other`."""
        b: Expr
        defined = one.defined
        if type(other) is SymInt and other.env is one.env:
            b = other.expr
            if other.defined is not TRUE:
                defined = conjunction(defined, other.defined)
        elif type(other) is int:
            b = constant(other)
        else:
            return _beside(self.name, one, other)
        return self._made(one.env, one.expr, b, defined)

    def reflected(self, one: SymInt, other: object) -> Any:
        """The operator on `other` and `one`."""
        if type(other) is int:
            return self._made(one.env, constant(other), one.expr, one.defined)
        return _reflected(self.name, one, other)

    def _made(self, env: ShapeEnv, a: Expr, b: Expr, defined: BoolExpr) -> Any:
        if self.condition is not None:
            own: BoolExpr = self.condition(a, b)
            if own is not TRUE:
                defined = conjunction(defined, own)
        expr: Expr = self.build(a, b)
        if expr.op is CONSTANT and defined is TRUE:
            return expr.value
        made: Symbolic = SymBool() if isinstance(expr, BoolExpr) else SymInt()
        made.env = env
        made.expr = expr
        made.defined = defined
        made.written = None
        if defined is not TRUE and env.watch is not None:
            env.watch(made, "value")
        return made


_ADD: Final = _Direct("Add")
_SUB: Final = _Direct("Sub")
_MUL: Final = _Direct("Mul")
_FLOORDIV: Final = _Direct("FloorDiv")
_MOD: Final = _Direct("Mod")
_POW: Final = _Direct("Pow")
_AND: Final = _Direct("BitAnd")
_OR: Final = _Direct("BitOr")
_XOR: Final = _Direct("BitXor")
_LSHIFT: Final = _Direct("LShift")
_RSHIFT: Final = _Direct("RShift")
_LT: Final = _Direct("Lt")
_LE: Final = _Direct("Le")
_GT: Final = _Direct("Gt")
_GE: Final = _Direct("Ge")
_EQ: Final = _Direct("Eq")
_NE: Final = _Direct("Ne")


class SymInt(_Number):
    """An integer that is not known yet."""

    __slots__ = ()

    def __index__(self) -> int:
        return self.env.specialize(self)

    def __int__(self) -> int:
        return self.env.specialize(self)

    def __float__(self) -> float:
        return float(self.env.specialize(self))

    def __trunc__(self) -> SymInt:
        return self

    def __floor__(self) -> SymInt:
        return self

    def __ceil__(self) -> SymInt:
        return self

    def __round__(self, digits: int | None = None) -> Any:
        if digits is not None and digits < 0:
            raise ExpressionTypeError("rounding a symbolic integer to tens is not supported")
        return self

    def __invert__(self) -> Any:
        return applied(self.env, "BitNot", (self,))

    def __hash__(self) -> int:  # Python wants it beside `__eq__`
        _watched(self, "hash")
        return hash(self.expr)

    def __add__(self, other: object) -> Any:
        a: Any = self.expr
        if type(other) is SymInt and other.env is self.env and other.defined is TRUE:
            return _sum(self, plus(a, other.expr))  # type: ignore[arg-type]
        if type(other) is int:
            return _sum(self, combine(1, a, 0, a, other))
        return _ADD.beside(self, other)

    def __radd__(self, other: object) -> Any:
        if type(other) is int:
            a: Any = self.expr
            return _sum(self, combine(1, a, 0, a, other))
        return _ADD.reflected(self, other)

    def __sub__(self, other: object) -> Any:
        a: Any = self.expr
        if type(other) is SymInt and other.env is self.env and other.defined is TRUE:
            return _sum(self, minus(a, other.expr))  # type: ignore[arg-type]
        if type(other) is int:
            return _sum(self, combine(1, a, 0, a, -other))
        return _SUB.beside(self, other)

    def __rsub__(self, other: object) -> Any:
        if type(other) is int:
            a: Any = self.expr
            return _sum(self, combine(-1, a, 0, a, other))
        return _SUB.reflected(self, other)

    def __mul__(self, other: object) -> Any:
        return _MUL.beside(self, other)

    def __rmul__(self, other: object) -> Any:
        return _MUL.reflected(self, other)

    def __floordiv__(self, other: object) -> Any:
        return _FLOORDIV.beside(self, other)

    def __rfloordiv__(self, other: object) -> Any:
        return _FLOORDIV.reflected(self, other)

    def __mod__(self, other: object) -> Any:
        return _MOD.beside(self, other)

    def __rmod__(self, other: object) -> Any:
        return _MOD.reflected(self, other)

    def __pow__(self, other: object) -> Any:
        return _POW.beside(self, other)

    def __rpow__(self, other: object) -> Any:
        return _POW.reflected(self, other)

    def __and__(self, other: object) -> Any:
        return _AND.beside(self, other)

    def __rand__(self, other: object) -> Any:
        return _AND.reflected(self, other)

    def __or__(self, other: object) -> Any:
        return _OR.beside(self, other)

    def __ror__(self, other: object) -> Any:
        return _OR.reflected(self, other)

    def __xor__(self, other: object) -> Any:
        return _XOR.beside(self, other)

    def __rxor__(self, other: object) -> Any:
        return _XOR.reflected(self, other)

    def __lshift__(self, other: object) -> Any:
        return _LSHIFT.beside(self, other)

    def __rlshift__(self, other: object) -> Any:
        return _LSHIFT.reflected(self, other)

    def __rshift__(self, other: object) -> Any:
        return _RSHIFT.beside(self, other)

    def __rrshift__(self, other: object) -> Any:
        return _RSHIFT.reflected(self, other)

    def __lt__(self, other: object) -> Any:
        return _LT.beside(self, other)

    def __le__(self, other: object) -> Any:
        return _LE.beside(self, other)

    def __gt__(self, other: object) -> Any:
        return _GT.beside(self, other)

    def __ge__(self, other: object) -> Any:
        return _GE.beside(self, other)

    def __eq__(self, other: object) -> Any:
        return _EQ.beside(self, other)

    def __ne__(self, other: object) -> Any:
        return _NE.beside(self, other)


def _sum(one: SymInt, expr: IntExpr) -> Any:
    """The sum of a `SymInt` and something of which all is defined."""
    if expr.op is CONSTANT and one.defined is TRUE:
        return expr.value
    made = SymInt()
    made.env = one.env
    made.expr = expr
    made.defined = one.defined
    made.written = None
    return made


class SymFloat(_Number):
    """A double that is not known yet."""

    __slots__ = ()

    def __float__(self) -> float:
        return self.env.specialize_float(self)

    def __int__(self) -> int:
        return int(self.__trunc__())

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return applied(self.env, "RoundToInt", (self,))
        return applied(self.env, "RoundDecimal", (self, digits))

    def __trunc__(self) -> Any:
        return applied(self.env, "TruncToInt", (self,))

    def __floor__(self) -> Any:
        return applied(self.env, "FloorToInt", (self,))

    def __ceil__(self) -> Any:
        return applied(self.env, "CeilToInt", (self,))


class SymBool(Symbolic):
    """A condition that is not known yet."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.env.truth(self)

    def __int__(self) -> int:
        return int(bool(self))

    def __neg__(self) -> Any:  # a truth value counts as an integer
        return 0 - self

    def __invert__(self) -> Any:
        _watched(self, "inversion")
        return applied(self.env, "Not", (self,))

    def __and__(self, other: object) -> Any:
        return _beside("BitAnd", self, other)

    def __rand__(self, other: object) -> Any:
        return _reflected("BitAnd", self, other)

    def __or__(self, other: object) -> Any:
        return _beside("BitOr", self, other)

    def __ror__(self, other: object) -> Any:
        return _reflected("BitOr", self, other)

    def __xor__(self, other: object) -> Any:
        return _beside("BitXor", self, other)

    def __rxor__(self, other: object) -> Any:
        return _reflected("BitXor", self, other)

    def __lshift__(self, other: object) -> Any:
        return _beside("LShift", self, other)

    def __rlshift__(self, other: object) -> Any:
        return _reflected("LShift", self, other)

    def __rshift__(self, other: object) -> Any:
        return _beside("RShift", self, other)

    def __rrshift__(self, other: object) -> Any:
        return _reflected("RShift", self, other)


completed(SymInt(), SymFloat(), SymBool())

_KINDS: Final = {"int": SymInt, "bool": SymBool, "float": SymFloat}


def symbolic(env: ShapeEnv, expr: Expr, defined: BoolExpr = TRUE) -> Symbolic:
    """The expression as a value of the environment."""
    made: Symbolic = _KINDS[expr.kind]()
    made.env = env
    made.expr = expr
    made.defined = defined
    made.written = None
    return made


def _beside(name: str, one: Symbolic, other: object) -> Any:
    """The operator on `one` and what is beside it, if that is an operand."""
    return applied(one.env, name, (one, other)) if _takes(one, name, other) else NotImplemented


def _reflected(name: str, one: Symbolic, other: object) -> Any:
    """The operator on what is beside it and `one`."""
    return applied(one.env, name, (other, one)) if _takes(one, name, other) else NotImplemented


def _takes(one: Symbolic, name: str, other: object) -> bool:
    return _is_operand(other) and not is_numpys(one, name, other)


def is_numpys(one: Symbolic, name: str, other: object) -> bool:
    """Whether numpy computes an operator in a traced program, for a number of its own whose
    dtype the result has. (An int64 beside an integer is one, as exact.)"""
    if one.env.watch is None or name in _COMPARED or not is_numpys_own(other):
        return False
    return not (isinstance(one, SymInt) and type(other).__name__ in ("int64", "longlong"))


def _is_operand(value: object) -> bool:
    """Whether an operator of ours takes the value, or refuses it by itself: an expression, or
    a number of any library (arrays are not: they have operators of their own)."""
    if isinstance(value, (int, float, Symbolic, Expr, IntInfinity)):
        return True
    return is_numeric(value)


def spelled_of(value: Any) -> Spelled:
    """Expression and definedness of a number, an expression or a symbolic value."""
    if isinstance(value, Symbolic):
        return Spelled(value.expr, value.defined)
    if is_sympy(value):
        return spelled_of_sympy(value)
    return Spelled(as_expr(value))


def spelled_of_sympy(value: object, symbols: Mapping[str, Expr] | None = None) -> Spelled:
    """The same for an expression of sympy's; `symbols` finds symbols by name."""
    from shapes.traversal.sympy import from_sympy

    found = number(value)
    expr = from_sympy(value, symbols) if found is None else as_expr(found)
    return Spelled(expr, defined(expr))


SYMBOLIC: Final = (Symbolic, Expr)
_COMPARED: Final = ("Lt", "Le", "Gt", "Ge", "Eq", "Ne")
LAZY: Final = ("And", "Or", "Implies", "Where")
"""Operators that need not evaluate all their operands."""


def applied(env: ShapeEnv | None, name: str, operands: tuple[object, ...]) -> Any:
    operands = tuple(held(operand, SYMBOLIC) for operand in operands)
    for operand in operands:
        if isinstance(operand, Symbolic):
            if env is not None and operand.env is not env:
                raise ExpressionTypeError(
                    f"`{operand.expr}` belongs to another environment than its partner in "
                    f"{name}"
                )
            env = operand.env
    spelled = spell(OPERATORS[name], [operand_of(env, operand) for operand in operands])
    if env is None:
        expr = spelled.expr
        if expr.op is CONSTANT and not any(isinstance(one, Expr) for one in operands):
            return expr.value  # of plain numbers, as Python's own functions
        return expr
    made = env.wrap(spelled.expr, spelled.defined)
    if name in LAZY:
        for operand in operands:
            if isinstance(operand, Symbolic) and operand.defined is not TRUE:
                _watched(operand, "guarded")
    if spelled.defined is not TRUE:
        _watched(made, "value")
    if name == "Pow" and isinstance(made, SymFloat):
        _watched(made, "power")
    return made


def operand_of(env: ShapeEnv | None, value: object) -> Spelled:
    """An operand; names in an expression of sympy's are those of the environment."""
    return env.spelled(value) if env is not None and is_sympy(value) else spelled_of(value)
