"""The one traversal: every analysis of expressions runs through `interpret`.

An analysis is any object with handler methods named by the `handler` column of the operator
table; what an operator lacks is answered by its ``unknown(op, values)``. Evaluation,
ranges, congruences, z3, printing, code and emitted graph nodes differ in their handlers
only. Expressions are read through `views`, so a handler ``mod`` sees remainders although
the kernel keeps them as sums.

Besides the operators' handlers an analysis has ``constant(value)`` and may have

- ``symbol(sym)`` for symbols without a binding (otherwise that is an error),
- ``linear(k, coefficients, values)`` for sums (otherwise ``add``, ``sub``, ``mul``),
- ``le_zero(v)``, ``eq_zero(v)``, ``ne_zero(v)`` for integer relations in one-sided form
  (otherwise ``le``, ``lt``, ``eq``, ``ne`` on two sides),
- ``refine(node, value)``, applied to the result of every node of ours.

The traversal is iterative and memoised over the shared graph: depth costs no recursion, and
a sub-expression that occurs a thousand times is handled once. sympy's expressions are
traversed by the same loop (see `sympy_bridge`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shapes.errors import ExpressionTypeError, UnboundSymbolError
from shapes.expr import (
    CONSTANT,
    EQ_ZERO,
    LE_ZERO,
    NE_ZERO,
    OPERATORS,
    PRODUCT,
    SUM,
    SYMBOL,
    Expr,
    Op,
    Product,
)
from shapes.views import parts, sides

__all__ = ["free_symbols", "interpret", "walk"]

Finish = Callable[[list[Any]], Any]
Plan = tuple[Sequence[Any], Finish]
Reader = Callable[[Any, Mapping[Any, Any], Any], Plan]

_RELATIONS = frozenset((LE_ZERO, EQ_ZERO, NE_ZERO))


def interpret(
    analysis: Any,
    bindings: Mapping[Any, Any],
    expr: Any,
    memo: dict[Any, Any] | None = None,
) -> Any:
    """The value of an expression, ours or sympy's, under an analysis.

    `bindings` gives values of symbols, by symbol or by name. `memo` may be kept by the
    caller, as long as analysis and bindings stay the same. Raises `UnboundSymbolError` for
    a symbol without a value if the analysis has none for it either.
    """
    known: dict[Any, Any] = {} if memo is None else memo
    if expr in known:
        return known[expr]
    read = _reader(expr)
    plans: dict[Any, Plan] = {}
    stack = [expr]
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
            continue
        plan = plans.get(node)
        if plan is None:
            plan = read(analysis, bindings, node)
            missing = [child for child in plan[0] if child not in known]
            if missing:
                plans[node] = plan
                stack.extend(missing)
                continue
        children, finish = plan
        known[node] = finish([known[child] for child in children])
        stack.pop()
    return known[expr]


def _reader(expr: Any) -> Reader:
    if isinstance(expr, Expr):
        return _read
    from shapes.sympy_bridge import is_sympy, read_sympy

    if is_sympy(expr):
        return read_sympy
    raise ExpressionTypeError(f"{expr!r} is neither an expression of ours nor of sympy's")


def _read(analysis: Any, bindings: Mapping[Any, Any], node: Expr) -> Plan:
    children, finish = _steps(analysis, bindings, node)
    refine = getattr(analysis, "refine", None)
    if refine is None:
        return children, finish
    return children, lambda values: refine(node, finish(values))


def _steps(analysis: Any, bindings: Mapping[Any, Any], node: Expr) -> Plan:
    op = node.op
    if op is SUM:
        k, operands, coefficients = parts(node)  # type: ignore[arg-type]
        return operands, lambda values: _linear(analysis, k, coefficients, values)
    if op is SYMBOL:
        return (), lambda _: _symbol(analysis, bindings, node)
    if op is CONSTANT:
        return (), lambda _: analysis.constant(node.value)
    if op is PRODUCT:
        return _product(analysis, node)
    if op in _RELATIONS:
        one_sided = getattr(analysis, op.handler, None)
        if one_sided is not None:
            return node.args, lambda values: one_sided(*values)
        handler, left, right = sides(node)
        return (left, right), lambda values: apply(analysis, handler, values)
    method = getattr(analysis, op.handler, None)
    if method is None:
        return node.args, lambda values: analysis.unknown(op, values)
    return node.args, lambda values: method(*values)


def _symbol(analysis: Any, bindings: Mapping[Any, Any], node: Any) -> Any:
    for key in (node, node.name):
        if key in bindings:
            return bindings[key]
    symbol = getattr(analysis, "symbol", None)
    if symbol is None:
        raise UnboundSymbolError(f"no value was given for the symbol `{node.name}`")
    return symbol(node)


def apply(analysis: Any, handler: str, values: Sequence[Any]) -> Any:
    """A handler by name, or the analysis's answer to an operator that it does not know."""
    method = getattr(analysis, handler, None)
    if method is not None:
        return method(*values)
    return analysis.unknown(_by_handler(handler), list(values))


_handlers: dict[str, Op] = {}


def _by_handler(handler: str) -> Op:
    """The first operator of the table with that handler."""
    if handler not in _handlers:
        _handlers[handler] = next(op for op in OPERATORS.values() if op.handler == handler)
    return _handlers[handler]


def _product(analysis: Any, node: Expr) -> Plan:
    assert isinstance(node, Product)
    factors = sorted(node.factors, key=lambda f: node.args.index(f[0]))

    def finish(values: list[Any]) -> Any:
        result = None
        for value, (_, exponent) in zip(values, factors):
            part = value
            if exponent > 1:
                part = apply(analysis, "pow", (value, analysis.constant(exponent)))
            result = part if result is None else apply(analysis, "mul", (result, part))
        return result

    return [base for base, _ in factors], finish


def _linear(analysis: Any, k: int, coefficients: Sequence[int], values: list[Any]) -> Any:
    linear = getattr(analysis, "linear", None)
    if linear is not None:
        return linear(k, coefficients, values)
    return fold_linear(analysis, k, coefficients, values)


def fold_linear(
    analysis: Any, k: int, coefficients: Sequence[int], values: Sequence[Any]
) -> Any:
    """A sum through ``add``, ``sub``, ``mul`` and ``neg``: what is added first, then what is
    subtracted, so that ``y - x`` costs one operation."""
    terms = list(zip(coefficients, values))
    result: Any = None
    for coefficient, value in terms:
        if coefficient > 0:
            term = _times(analysis, coefficient, value)
            result = term if result is None else apply(analysis, "add", (result, term))
    if result is None and k > 0:
        result, k = analysis.constant(k), 0
    for coefficient, value in terms:
        if coefficient < 0:
            term = _times(analysis, -coefficient, value)
            if result is None:
                result = apply(analysis, "neg", (term,))
            else:
                result = apply(analysis, "sub", (result, term))
    if k:
        part = analysis.constant(abs(k))
        result = apply(analysis, "add" if k > 0 else "sub", (result, part))
    return result


def _times(analysis: Any, coefficient: int, value: Any) -> Any:
    if coefficient == 1:
        return value
    return apply(analysis, "mul", (analysis.constant(coefficient), value))


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node once, operands before operators (sums as the kernel keeps them)."""
    done: set[Expr] = set()
    stack: list[tuple[Expr, bool]] = [(expr, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
            continue
        if node in done:
            continue
        done.add(node)
        stack.append((node, True))
        stack.extend((child, False) for child in reversed(node.args) if child not in done)


def free_symbols(*exprs: Expr) -> list[Expr]:
    """The symbols that occur, each once, in order of first occurrence."""
    found: dict[Expr, None] = {}
    for expr in exprs:
        for node in walk(expr):
            if node.op is SYMBOL:
                found[node] = None
    return list(found)
