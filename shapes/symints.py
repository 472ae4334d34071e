"""`SymInt`, `SymBool`, `SymFloat`: expressions that know their environment.

They are what people, tracers and frameworks compute with. Operators build expressions (and
the condition under which what was written has a value); a truth test asks the environment,
which answers from what is known, records a guard from the example sizes, or raises
`DataDependentError`. A result that is constant comes back as a plain Python number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from shapes.booleans import conjunction
from shapes.definedness import Spelled, spell
from shapes.errors import ExpressionTypeError
from shapes.expr import (
    CONSTANT,
    OPERATORS,
    TRUE,
    BoolExpr,
    Expr,
    as_expr,
    combine,
    constant,
    minus,
    plus,
)
from shapes.infinity import IntInfinity

if TYPE_CHECKING:
    from shapes.env import ShapeEnv

__all__ = [
    "And",
    "Implies",
    "Max",
    "Min",
    "Not",
    "Or",
    "SymBool",
    "SymFloat",
    "SymInt",
    "Symbolic",
    "Where",
    "ceildiv",
    "spelled_of",
]

T = TypeVar("T")


class Symbolic:
    """What the three have in common."""

    __slots__ = ("__weakref__", "defined", "env", "expr")
    env: ShapeEnv
    expr: Expr
    defined: BoolExpr

    def __init__(self, env: ShapeEnv, expr: Expr, defined: BoolExpr = TRUE) -> None:
        self.env = env
        self.expr = expr
        self.defined = defined

    def __str__(self) -> str:
        return str(self.expr)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.expr})"

    def _repr_html_(self) -> str:
        from shapes.display import symbolic_html

        return symbolic_html(self)

    def __hash__(self) -> int:
        return hash(self.expr)

    def __copy__(self: T) -> T:
        return self

    def __deepcopy__(self: T, memo: object) -> T:
        return self  # an expression is immutable, and the environment is meant to be shared

    def _apply(self, name: str, *operands: Any) -> Any:
        return _applied(self.env, name, operands)

    def __eq__(self, other: object) -> Any:
        return self._apply("Eq", self, other) if _is_operand(other) else NotImplemented

    def __ne__(self, other: object) -> Any:
        return self._apply("Ne", self, other) if _is_operand(other) else NotImplemented


def _is_operand(value: object) -> bool:
    """Whether an operator of ours takes the value: a number, an expression, or something
    that counts as an integer (arrays are not: they have operators of their own)."""
    if isinstance(value, (int, float, Symbolic, Expr, IntInfinity)):
        return True
    return hasattr(type(value), "__index__") and not hasattr(value, "__array_function__")


def spelled_of(value: Any) -> Spelled:
    """Expression and definedness of a number, an expression or a symbolic value."""
    if isinstance(value, Symbolic):
        return Spelled(value.expr, value.defined)
    return Spelled(as_expr(value))


def _chosen(name: str, operands: tuple[Any, ...]) -> Any:
    """`Min` or `Max`: straight to the kernel for symbolic and plain integers, of which none
    has a condition."""
    env: ShapeEnv | None = None
    exprs: list[Expr] = []
    for operand in operands:
        if type(operand) is int:
            exprs.append(constant(operand))
        elif (
            type(operand) is SymInt
            and operand.defined is TRUE
            and (env is None or env is operand.env)
        ):
            env = operand.env
            exprs.append(operand.expr)
        else:
            return _applied(None, name, operands)
    build = OPERATORS[name].on_ints
    if env is None or build is None:
        return _applied(None, name, operands)
    expr = build(*exprs)
    return expr.value if expr.op is CONSTANT else SymInt(env, expr)


def _applied(env: ShapeEnv | None, name: str, operands: tuple[Any, ...]) -> Any:
    for operand in operands:
        if isinstance(operand, Symbolic):
            if env is not None and operand.env is not env:
                raise ExpressionTypeError(
                    f"`{operand}` belongs to another environment than its partner in {name}"
                )
            env = operand.env
    spelled = spell(OPERATORS[name], [spelled_of(operand) for operand in operands])
    if env is None:
        expr = spelled.expr
        if expr.op is CONSTANT and not any(isinstance(one, Expr) for one in operands):
            return expr.value  # of plain numbers, as Python's own functions
        return expr
    return env.wrap(spelled.expr, spelled.defined)


def _binary(name: str) -> Any:
    def operator(self: Symbolic, other: object) -> Any:
        return self._apply(name, self, other) if _is_operand(other) else NotImplemented

    operator.__name__ = name
    return operator


def _reflected(name: str) -> Any:
    def operator(self: Symbolic, other: object) -> Any:
        return self._apply(name, other, self) if _is_operand(other) else NotImplemented

    operator.__name__ = name
    return operator


def _unary(name: str) -> Any:
    def operator(self: Symbolic) -> Any:
        return self._apply(name, self)

    operator.__name__ = name
    return operator


def _on_integers(name: str, slow: Any, reflected: bool = False) -> Any:
    """The operator of `SymInt`: straight to the kernel beside another one or a plain integer,
    and by the long way beside anything else."""
    op = OPERATORS[name]
    build, condition = op.on_ints, op.defined
    assert build is not None
    result: type[Symbolic] = SymBool if op.result_kind == "bool" else SymInt
    new = object.__new__

    def operator(self: SymInt, other: object) -> Any:
        a, b, defined = self.expr, other, self.defined
        if type(other) is SymInt and other.env is self.env:
            b = other.expr
            if other.defined is not TRUE:
                defined = conjunction(defined, other.defined)
        elif type(other) is int:
            b = constant(other)
        else:
            return slow(self, other)
        if reflected:
            a, b = b, a
        if condition is not None:
            own = condition(a, b)
            if own is not TRUE:
                defined = conjunction(defined, own)
        expr = build(a, b)
        if expr.op is CONSTANT and defined is TRUE:
            return expr.value
        made = new(result)  # without `__init__`, which costs as much as the kernel's sum
        made.env = self.env
        made.expr = expr
        made.defined = defined
        return made

    operator.__name__ = name
    return operator


def _on_sums(name: str, slow: Any, p: int, q: int) -> Any:
    """``p*self + q*other``, the commonest operators, with nothing between them and the kernel
    beside another `SymInt` of which all is defined, or a plain integer.

    Python asks for the reflected operators beside plain integers only, so p is 1 beside a
    `SymInt`.
    """
    beside: Any = plus if q == 1 else minus
    new = object.__new__

    def operator(self: SymInt, other: object) -> Any:
        a, env, defined = self.expr, self.env, self.defined
        if type(other) is SymInt and p == 1 and other.env is env and other.defined is TRUE:
            expr = beside(a, other.expr)
        elif type(other) is int:
            expr = combine(p, a, 0, a, q * other)  # type: ignore[arg-type]
        else:
            return slow(self, other)
        if expr.op is CONSTANT and defined is TRUE:
            return expr.value
        made = new(SymInt)  # without `__init__`, as above
        made.env = env
        made.expr = expr
        made.defined = defined
        return made

    operator.__name__ = name
    return operator


_SUMS: Final = {
    "__add__": (1, 1), "__radd__": (1, 1), "__sub__": (1, -1), "__rsub__": (-1, 1)
}  # fmt: skip
_BINARY: Final = {
    "add": "Add", "sub": "Sub", "mul": "Mul", "floordiv": "FloorDiv", "truediv": "TrueDiv",
    "mod": "Mod", "pow": "Pow",
}  # fmt: skip
_BITS: Final = {"and": "BitAnd", "or": "BitOr", "xor": "BitXor"}
_SHIFTS: Final = {"lshift": "LShift", "rshift": "RShift"}
_SAME: Final = {"eq": "Eq", "ne": "Ne"}
_ORDER: Final = {"lt": "Lt", "le": "Le", "gt": "Gt", "ge": "Ge"}


class _Number(Symbolic):
    """A symbolic integer or float."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return bool(self != 0)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __pos__(self: T) -> T:
        return self

    __neg__ = _unary("Neg")
    __abs__ = _unary("Abs")


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

    __invert__ = _unary("BitNot")


class SymFloat(_Number):
    """A double that is not known yet."""

    __slots__ = ()

    def __float__(self) -> float:
        return self.env.specialize_float(self)

    def __round__(self, digits: int | None = None) -> Any:
        if digits is None:
            return self._apply("RoundToInt", self)
        return self._apply("RoundDecimal", self, digits)

    __trunc__ = _unary("TruncToInt")
    __floor__ = _unary("FloorToInt")
    __ceil__ = _unary("CeilToInt")

    def __int__(self) -> int:
        return int(self._apply("TruncToInt", self))


class SymBool(Symbolic):
    """A condition that is not known yet."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return self.env.truth(self)

    def __int__(self) -> int:
        return int(bool(self))

    __invert__ = _unary("Not")


for _method, _operator in {**_BINARY, **_ORDER}.items():
    for _class in (_Number, SymBool):
        setattr(_class, f"__{_method}__", _binary(_operator))
        if _operator not in _ORDER.values():
            setattr(_class, f"__r{_method}__", _reflected(_operator))
for _method, _operator in {**_BITS, **_SHIFTS}.items():
    for _class2 in (SymInt, SymBool):
        setattr(_class2, f"__{_method}__", _binary(_operator))
        setattr(_class2, f"__r{_method}__", _reflected(_operator))
for _method, _operator in {**_BINARY, **_ORDER, **_BITS, **_SHIFTS, **_SAME}.items():
    for _name, _is_reflected in ((f"__{_method}__", False), (f"__r{_method}__", True)):
        if OPERATORS[_operator].on_ints is not None and hasattr(SymInt, _name):
            _slow = getattr(SymInt, _name)
            _quick = _on_integers(_operator, _slow, _is_reflected)
            if _name in _SUMS:
                _quick = _on_sums(_operator, _quick, *_SUMS[_name])
            setattr(SymInt, _name, _quick)


def Min(*operands: Any) -> Any:  # noqa: N802
    """The least of numbers and symbolic numbers."""
    return _chosen("Min", operands)


def Max(*operands: Any) -> Any:  # noqa: N802
    """The greatest of numbers and symbolic numbers."""
    return _chosen("Max", operands)


def Where(condition: Any, a: Any, b: Any) -> Any:  # noqa: N802
    """`a` where the condition holds, else `b`."""
    return _applied(None, "Where", (condition, a, b))


def And(*conditions: Any) -> Any:  # noqa: N802
    """All of the conditions hold; a later one needs a value only where the earlier ones hold
    (unlike ``&``, which needs all of its operands)."""
    return _applied(None, "And", conditions)


def Or(*conditions: Any) -> Any:  # noqa: N802
    """One of the conditions holds; a later one needs a value only where no earlier one does
    (unlike ``|``, which needs all of its operands)."""
    return _applied(None, "Or", conditions)


def Not(condition: Any) -> Any:  # noqa: N802
    """The condition does not hold."""
    return _applied(None, "Not", (condition,))


def Implies(p: Any, q: Any) -> Any:  # noqa: N802
    """If `p` holds, `q` does."""
    return _applied(None, "Implies", (p, q))


def ceildiv(a: Any, b: Any) -> Any:
    """The quotient rounded up."""
    return _applied(None, "CeilDiv", (a, b))
