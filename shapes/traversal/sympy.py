"""sympy at the border: its expressions are read by the one traversal, ours are written as
sympy's.

Operators that sympy lacks become functions of the same name as in the table (`FloorDiv`,
`CeilDiv`, ...), which are read back by name, so that other frameworks' functions of these
names are understood as well. ``int_oo`` is a symbol of that name, distinct from sympy's
``oo``. sympy is imported at first use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from shapes.base.foreign import number
from shapes.base.infinity import IntInfinity, int_oo
from shapes.errors import ExpressionTypeError
from shapes.expr.nodes import OPERATORS, BoolExpr, Expr, Kind, Op, Value, symbol
from shapes.traversal.analysis import Analysis
from shapes.traversal.compose import composed
from shapes.traversal.interpret import Plan, apply, interpret
from shapes.traversal.substitute import Builder

__all__ = ["from_sympy", "is_sympy", "read_sympy", "to_sympy"]

INFINITY = "int_oo"


@cache
def _sympy() -> Any:
    import sympy

    return sympy


def is_sympy(expr: object) -> bool:
    """Whether this is an expression (or a truth value) of sympy's; never imports it."""
    # (The class of an undefined function has no module at all.)
    return any((base.__module__ or "").startswith("sympy.") for base in type(expr).__mro__)


# --------------------------------------------------------------------------- reading


def read_sympy(analysis: Analysis[Any], bindings: Mapping[Any, Any], node: Any) -> Plan:
    """The operands of a sympy node, and what the analysis makes of their values."""
    sp = _sympy()
    if node.is_Symbol:
        return (), lambda _: _read_symbol(analysis, bindings, node)
    leaf = _constant(node)
    if leaf is not None:
        return (), lambda _: analysis.constant(leaf)
    if node.is_Add:
        return node.args, lambda values: _fold(analysis, "add", values)
    if node.is_Mul:
        return _read_product(analysis, node)
    if isinstance(node, sp.Pow):
        return _read_power(analysis, node)
    if isinstance(node, (sp.floor, sp.ceiling)):
        return _read_rounding(analysis, node)
    if isinstance(node, sp.Piecewise):
        return _read_piecewise(analysis, node)
    if isinstance(node, sp.logic.boolalg.ITE):
        return node.args, lambda values: apply(analysis, "where", values)
    if isinstance(node, sp.Xor):
        return node.args, lambda values: _read_xor(analysis, values)
    if isinstance(node, sp.sign):
        return node.args, lambda values: _read_sign(analysis, values[0])
    op = _operators().get(type(node).__name__)
    if isinstance(node, sp.core.relational.Relational):
        whole = _without_fractions(node)
        if op is not None and whole is not None:
            return whole, lambda values: _apply(analysis, op, values)
    if op is None:
        raise ExpressionTypeError(f"sympy's {type(node).__name__} is not known here: {node}")
    return node.args, lambda values: _apply(analysis, op, values)


def _constant(node: Any) -> Value | None:
    sp = _sympy()
    if node is sp.true or node is sp.false:
        return bool(node)
    if node.is_Integer:
        return int(node)
    if node.is_Float:
        found = number(node)
        if found is None:
            raise ExpressionTypeError(f"sympy's {node} is not exactly a double")
        return found
    if node is sp.nan:
        return float("nan")
    if node is sp.oo or node is -sp.oo:
        return float("inf") if node is sp.oo else float("-inf")
    if isinstance(node, sp.Rational):
        raise ExpressionTypeError(f"the fraction {node} is not an integer")
    if node.is_number and node.is_Atom:
        raise ExpressionTypeError(f"sympy's constant {node} is not an integer or a double")
    return None


def _read_symbol(analysis: Analysis[Any], bindings: Mapping[Any, Any], node: Any) -> Any:
    if node.name == INFINITY:
        return analysis.constant(int_oo)
    for key in (node, node.name):
        if key in bindings:
            return bindings[key]
    ours = symbol(node.name, _kind(node))
    if ours in bindings:
        return bindings[ours]
    read = getattr(analysis, "symbol", None)
    if read is None:
        from shapes.errors import UnboundSymbolError

        raise UnboundSymbolError(f"no value was given for the symbol `{node.name}`")
    return read(ours)


def _kind(node: Any) -> Kind:
    """What a sympy symbol stands for: a real that is not said to be an integer is a float,
    anything else an integer (conditions are given by name)."""
    if node.is_integer is False or (node.is_real and not node.is_integer):
        return "float"
    return "int"


def _fold(analysis: Analysis[Any], handler: str, values: Sequence[object]) -> Any:
    result = values[0]
    for value in values[1:]:
        result = apply(analysis, handler, (result, value))
    return result


def _read_product(analysis: Analysis[Any], node: Any) -> Plan:
    if node.as_numer_denom()[1] != 1:
        raise ExpressionTypeError(f"the quotient {node} is not an integer; use FloorDiv")
    return node.args, lambda values: _fold(analysis, "mul", values)


def _read_power(analysis: Analysis[Any], node: Any) -> Plan:
    base, exponent = node.args
    if exponent.is_negative:
        raise ExpressionTypeError(f"the power {node} is not an integer")
    return (base, exponent), lambda values: apply(analysis, "pow", values)


def _read_rounding(analysis: Analysis[Any], node: Any) -> Plan:
    """``floor(p/q)`` and ``ceiling(p/q)`` of integers are divisions, of reals conversions."""
    sp = _sympy()
    leaves = node.args[0].atoms(sp.Symbol, sp.Float)
    if any(leaf.is_Float or _kind(leaf) == "float" for leaf in leaves):
        handler = "floor_to_int" if isinstance(node, sp.floor) else "ceil_to_int"
        return node.args, lambda values: apply(analysis, handler, values)
    numerator, denominator = sp.fraction(sp.together(node.args[0]))
    handler = "floordiv" if isinstance(node, sp.floor) else "ceildiv"
    return (numerator, denominator), lambda values: apply(analysis, handler, values)


def _without_fractions(node: Any) -> tuple[Any, Any] | None:
    """Two integers that are in the relation of two quotients by integers, as ``3*n - 2*m`` and
    0 for ``n/2 < m/3``; None if there is no such quotient."""
    sp = _sympy()
    if all(number.is_Integer for number in node.atoms(sp.Rational)):
        return None
    leaves = node.atoms(sp.Symbol, sp.Float)
    if any(leaf.is_Float or _kind(leaf) == "float" for leaf in leaves):
        return None
    numerator, denominator = sp.fraction(sp.together(node.lhs - node.rhs))
    if not denominator.is_Integer or denominator <= 1:
        return None
    return numerator, sp.Integer(0)


def _read_xor(analysis: Analysis[Any], values: Sequence[object]) -> Any:
    found = values[0]
    for value in values[1:]:
        found = apply(analysis, "not_", (apply(analysis, "iff", (found, value)),))
    return found


def _read_sign(analysis: Analysis[Any], value: object) -> Any:
    zero, one, minus_one = (analysis.constant(number) for number in (0, 1, -1))
    below = apply(analysis, "where", (apply(analysis, "lt", (value, zero)), minus_one, zero))
    return apply(analysis, "where", (apply(analysis, "lt", (zero, value)), one, below))


def _read_piecewise(analysis: Analysis[Any], node: Any) -> Plan:
    sp = _sympy()
    pairs = list(node.args)
    if pairs[-1].args[1] is not sp.true:
        raise ExpressionTypeError(f"{node} has no value where no condition holds")
    children = [part for pair in pairs for part in pair.args]

    def finish(values: list[Any]) -> Any:
        result = values[-2]
        for index in range(len(pairs) - 2, -1, -1):
            value, condition = values[2 * index], values[2 * index + 1]
            result = apply(analysis, "where", (condition, value, result))
        return result

    return children, finish


@cache
def _operators() -> dict[str, Op]:
    """Operators by the name of their sympy class."""
    found = {op.sympy or op.name: op for op in OPERATORS.values()}
    found["PythonMod"] = OPERATORS["Mod"]
    found["Modulus"] = OPERATORS["Mod"]
    return found


def _apply(analysis: Analysis[Any], op: Op, values: Sequence[object]) -> Any:
    """An operator as the analysis knows it; what is only written, by its normal form."""
    swapped = {"ge": "le", "gt": "lt"}.get(op.handler)
    if swapped is not None:
        return apply(analysis, swapped, values[::-1])
    if op.handler in ("implies", "lshift", "rshift"):
        return composed(analysis, op, values)
    method = getattr(analysis, op.handler, None)
    return analysis.unknown(op, values) if method is None else method(*values)


def from_sympy(expr: object, symbols: Mapping[str, Expr] | None = None) -> Expr:
    """Our expression for one of sympy's; `symbols` finds symbols by name (otherwise they are
    made, integers unless sympy's assumptions say something else).

    Raises `ExpressionTypeError` for what has no meaning here (a fraction, say).
    """
    if isinstance(expr, bool):
        expr = _sympy().true if expr else _sympy().false
    if not is_sympy(expr):
        raise ExpressionTypeError(f"{expr!r} is not an expression of sympy's")
    return interpret(_TypedBuilder(), symbols or {}, expr)


class _TypedBuilder(Builder):
    """Builds from untyped operands: ``==`` of conditions and sums of floats find their
    operators by the kinds of the operands."""

    def eq(self, a: Expr, b: Expr) -> Expr:
        return _built("Eq", a, b)

    def ne(self, a: Expr, b: Expr) -> Expr:
        return _built("Ne", a, b)


def _built(name: str, *operands: Expr) -> Expr:
    build = OPERATORS[name].build
    assert build is not None
    return build(*operands)


# --------------------------------------------------------------------------- writing


class _Writer:
    """The analysis whose values are sympy's expressions, unevaluated where sympy would
    apply rules of its own to a function of ours.

    Comparisons of doubles are functions too: for sympy's reals ``not t < s`` is ``t >= s``
    and ``t == t`` is true, which NaN denies.
    """

    def __init__(self) -> None:
        self._doubles: set[Any] = set()

    def _relation(self, relation: Any, name: str, a: Any, b: Any) -> Any:
        if a in self._doubles or b in self._doubles:
            return _function(name)(a, b)
        return relation(a, b)

    def constant(self, value: Value) -> Any:
        sp = _sympy()
        if isinstance(value, IntInfinity):
            infinity = sp.Symbol(INFINITY, integer=True)
            return infinity if value.sign > 0 else -infinity
        if isinstance(value, bool):
            return sp.true if value else sp.false
        if not isinstance(value, float):
            return sp.Integer(value)
        if value == 0 and math.copysign(1.0, value) < 0:
            return _function("FloatNeg")(sp.Float(0.0, 17))  # sympy's zero has no sign
        return sp.Float(value, 17)

    def symbol(self, sym: Expr) -> Any:
        sp = _sympy()
        if sym.kind == "bool":
            return sp.Symbol(sym.name)
        return sp.Symbol(sym.name, integer=True) if sym.kind == "int" else (
            sp.Symbol(sym.name, real=True)
        )

    def linear(self, k: int, coefficients: Sequence[int], values: Sequence[Any]) -> Any:
        sp = _sympy()
        return sp.Add(k, *[c * v for c, v in zip(coefficients, values)])

    def mul(self, a: Any, b: Any) -> Any:
        return a * b

    def pow(self, a: Any, b: Any) -> Any:
        if b.is_Integer and b >= 0:
            return a**b
        return _function("PowByNatural")(a, b)

    def le(self, a: object, b: object) -> Any:
        return self._relation(_sympy().Le, "FloatLe", a, b)

    def lt(self, a: object, b: object) -> Any:
        return self._relation(_sympy().Lt, "FloatLt", a, b)

    def eq(self, a: object, b: object) -> Any:
        return self._relation(_sympy().Eq, "FloatEq", a, b)

    def ne(self, a: object, b: object) -> Any:
        return _sympy().Ne(a, b)

    def and_(self, *operands: object) -> Any:
        return _sympy().And(*operands)

    def or_(self, *operands: object) -> Any:
        return _sympy().Or(*operands)

    def not_(self, a: object) -> Any:
        return _sympy().Not(a)

    def iff(self, a: object, b: object) -> Any:
        return _sympy().Equivalent(a, b)

    def min(self, *operands: object) -> Any:
        return self._extremum("Min", operands)

    def max(self, *operands: object) -> Any:
        return self._extremum("Max", operands)

    def _extremum(self, name: str, operands: Sequence[object]) -> Any:
        try:
            return getattr(_sympy(), name)(*operands)
        except ValueError:  # an operand without a value is not comparable
            return _function(name)(*operands)

    def abs(self, a: object) -> Any:
        return _sympy().Abs(a)

    def mod(self, a: Any, b: Any) -> Any:
        if b.is_zero:
            return _function("Mod")(a, b)  # sympy's own raises
        return _sympy().Mod(a, b)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        sp = _sympy()
        if condition.has(sp.Piecewise):
            return _function("Where")(condition, a, b)  # sympy would lose cases of it
        # Evaluated, it puts fractions into an arm for what the condition equates.
        return sp.Piecewise((a, condition), (b, sp.true), evaluate=False)

    def unknown(self, op: Op, operands: Sequence[object]) -> Any:
        return _function(op.sympy or op.name)(*operands)

    def refine(self, node: Expr, value: object) -> Any:
        if node.kind == "float":
            self._doubles.add(value)
        return value


@cache
def _function(name: str) -> Any:
    """A function that sympy knows nothing about but its name."""
    sp = _sympy()
    condition = name in OPERATORS and OPERATORS[name].result == "bool"
    base = sp.logic.boolalg.BooleanFunction if condition else sp.Function
    return type(name, (base,), {})


def to_sympy(expr: Expr) -> Any:
    """The expression in sympy's terms; what sympy lacks becomes a function of our name."""
    if isinstance(expr, BoolExpr) and expr.is_constant:
        sp = _sympy()
        return sp.true if expr.value else sp.false
    return interpret(_Writer(), {}, expr)

