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
from typing import Any, TypeVar

from shapes.base.budget import spend
from shapes.base.digits import excerpt
from shapes.errors import ExpressionTypeError, UnboundSymbolError
from shapes.expr.nodes import (
    CONSTANT,
    EQ_ZERO,
    LE_ZERO,
    MANY,
    NE_ZERO,
    PRODUCT,
    SYMBOL,
    BoolAtom,
    Expr,
    IntExpr,
    IntSymbol,
    Product,
    Sum,
)
from shapes.expr.operators import BY_HANDLER
from shapes.expr.remainders import parts, sides
from shapes.traversal.analysis import Analysis

__all__ = [
    "free_symbols", "interpret", "interpret_in_order", "operands_read", "symbols_of", "walk",
]  # fmt: skip

Finish = Callable[[list[Any]], Any]
Plan = tuple[Sequence[Any], Finish]
Reader = Callable[[Any, Mapping[Any, Any], Any], Plan]

V = TypeVar("V")

OFTEN = 256
"""Nodes and operands after which the steps are counted."""

_RELATIONS = frozenset((LE_ZERO, EQ_ZERO, NE_ZERO))


def interpret(
    analysis: Analysis[V],
    bindings: Mapping[Any, object],
    expr: object,
    memo: dict[Any, V] | None = None,
) -> V:
    """The value of an expression, ours or sympy's, under an analysis.

    `bindings` gives values of symbols, by symbol or by name. `memo` may be kept by the
    caller, as long as analysis and bindings stay the same. Raises `UnboundSymbolError` for
    a symbol without a value if the analysis has none for it either.
    """
    known: dict[Any, V] = {} if memo is None else memo
    if expr in known:
        return known[expr]
    if isinstance(expr, Expr):
        return _interpret(analysis, bindings, expr, known)
    from shapes.traversal.sympy import is_sympy, read_sympy

    if is_sympy(expr):
        found: V = _interpret_foreign(analysis, bindings, expr, known, read_sympy)
        return found
    raise ExpressionTypeError(f"{expr!r} is neither an expression of ours nor of sympy's")


def _interpret(
    analysis: Analysis[V], bindings: Mapping[Any, object], expr: Expr, known: dict[Any, V]
) -> V:
    """The loop over our nodes. A node is looked at twice at most: once for what its operands
    lack, once to be finished; leaves are finished where they are met."""
    refine = getattr(analysis, "refine", None)
    two_sided: dict[Expr, tuple[str, Expr, Expr]] = {}
    stack = [expr]
    visited = 0
    while stack:
        node = stack[-1]
        if node in known:
            stack.pop()
            continue
        op = node.op
        method = None
        operands: Sequence[Any]
        if type(node) is Sum:
            k, operands, coefficients = parts(node)
        else:
            operands = node.args
            if operands and op is not PRODUCT:
                method = getattr(analysis, op.handler, None)
                if method is None and op in _RELATIONS:
                    operands = _sides(two_sided, node)
        visited += 1 + len(operands)
        if visited > OFTEN:
            spend(visited)
            visited = 0
        values = []
        missing = False
        for child in operands:
            if child in known:
                values.append(known[child])
            elif child.op is SYMBOL or child.op is CONSTANT:
                value = _leaf(analysis, bindings, child)
                known[child] = value if refine is None else refine(child, value)
                values.append(known[child])
            else:
                stack.append(child)
                missing = True
        if missing:
            continue
        stack.pop()
        if type(node) is Sum:
            value = _linear(analysis, k, coefficients, values)
        elif method is not None:
            value = method(*values)
        elif node in two_sided:
            value = apply(analysis, two_sided[node][0], values)
        else:
            value = _without_handler(analysis, bindings, node, values)
        known[node] = value if refine is None else refine(node, value)
    spend(visited)
    return known[expr]


def interpret_in_order(
    analysis: Analysis[V], nodes: Sequence[Expr], known: dict[Expr, V]
) -> None:
    """The same for nodes of ours of which each comes after its operands, with sums as the
    kernel keeps them (`walk` has such an order); `known` has the values of other operands, and
    gets theirs. Relations are in one-sided form."""
    refine = getattr(analysis, "refine", None)
    spend(len(nodes))
    for node in nodes:
        op = node.op
        if isinstance(node, Sum):
            terms = node.terms()
            spend(len(terms))
            coefficients = list(terms.values())
            value = _linear(analysis, node.constant, coefficients, [known[t] for t in terms])
        else:
            values = [known[x] for x in node.args]
            method = getattr(analysis, op.handler, None) if values else None
            if method is None or op is PRODUCT:
                value = _without_handler(analysis, {}, node, values)
            else:
                value = method(*values)
        known[node] = value if refine is None else refine(node, value)


def _without_handler(
    analysis: Analysis[V], bindings: Mapping[Any, object], node: Expr, values: Sequence[V]
) -> V:
    """The value of a leaf, a product, or an operator that the analysis does not know."""
    if node.op is PRODUCT:
        return _product(analysis, node, values)
    if node.op is SYMBOL or node.op is CONSTANT:
        return _leaf(analysis, bindings, node)
    return analysis.unknown(node.op, values)


def _sides(known: dict[Expr, tuple[str, Expr, Expr]], node: Expr) -> Sequence[Expr]:
    """The two sides of a relation, remembered."""
    if node not in known:
        known[node] = sides(node)
    return known[node][1:]


def operands_read(node: Expr) -> Sequence[Expr]:
    """The operands of a node as an analysis sees them that reads relations on two sides."""
    if type(node) is Sum:
        return parts(node)[1]
    return sides(node)[1:] if node.op in _RELATIONS else node.args


def _leaf(analysis: Analysis[V], bindings: Mapping[Any, object], node: Expr) -> V:
    if node.op is CONSTANT:
        return analysis.constant(node.value)
    return _symbol(analysis, bindings, node)


def _interpret_foreign(
    analysis: Any, bindings: Mapping[Any, Any], expr: Any, known: dict[Any, Any], read: Reader
) -> Any:
    """The same loop over nodes of another library, of which `read` makes a plan."""
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


def _symbol(analysis: Analysis[V], bindings: Mapping[Any, Any], node: Any) -> V:
    if bindings:
        for key in (node, node.name):
            if key in bindings:
                bound: V = bindings[key]
                return bound
    symbol: Callable[[object], V] | None = getattr(analysis, "symbol", None)
    if symbol is None:
        raise UnboundSymbolError(f"no value was given for the symbol `{node.name}`")
    return symbol(node)


def apply(analysis: Analysis[V], handler: str, values: Sequence[V]) -> V:
    """A handler by name, or the analysis's answer to an operator that it does not know."""
    method: Callable[..., V] | None = getattr(analysis, handler, None)
    if method is not None:
        return method(*values)
    return analysis.unknown(BY_HANDLER[handler], list(values))


def _product(analysis: Analysis[V], node: Expr, values: Sequence[V]) -> V:
    assert isinstance(node, Product)
    exponents = dict(node.factors)
    result: Any = None
    for base, value in zip(node.args, values):
        exponent = exponents[base]
        if exponent > 1:
            value = apply(analysis, "pow", (value, analysis.constant(exponent)))
        result = value if result is None else apply(analysis, "mul", (result, value))
    product: V = result
    return product


def _linear(
    analysis: Analysis[V], k: int, coefficients: Sequence[int], values: list[V]
) -> V:
    linear: Callable[..., V] | None = getattr(analysis, "linear", None)
    if linear is not None:
        return linear(k, coefficients, values)
    return fold_linear(analysis, k, coefficients, values)


def fold_linear(
    analysis: Analysis[V], k: int, coefficients: Sequence[int], values: Sequence[V]
) -> V:
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
    total: V = result
    return total


def _times(analysis: Analysis[V], coefficient: int, value: V) -> V:
    if coefficient == 1:
        return value
    return apply(analysis, "mul", (analysis.constant(coefficient), value))


def walk(expr: Expr) -> Iterator[Expr]:
    """Every node once, operands before operators (sums as the kernel keeps them)."""
    done: set[Expr] = set()
    stack: list[tuple[Expr, bool]] = [(expr, False)]
    while stack:
        node, ready = stack.pop()
        if not ready:
            if node in done:
                continue
            done.add(node)
            args = node.args
            if args:
                stack.append((node, True))
                stack += [(child, False) for child in reversed(args) if child not in done]
                continue
        spend(1)
        yield node


def free_symbols(*exprs: Expr) -> list[Expr]:
    """The symbols that occur, each once, in order of first occurrence."""
    if len(exprs) == 1:
        return list(symbols_of(exprs[0]))
    found: dict[Expr, None] = {}
    for expr in exprs:
        if type(expr) is not BoolAtom:
            return _found_symbols(exprs)
        symbols = symbols_of(expr)  # (kept with the condition)
        if len(symbols) > MANY:
            spend(len(symbols))
        for sym in symbols:
            found[sym] = None
    return list(found)


def symbols_of(expr: Expr) -> Sequence[Expr]:
    """The same for one expression; not to be changed."""
    if type(expr) is not BoolAtom:
        return _found_symbols((expr,))
    # Facts and claims are asked again and again.
    found = expr.symbols
    if found is None:
        found = _one_or_two(expr.args[0]) if len(expr.args) == 1 else None
        if found is None:
            found = tuple(_found_symbols(expr.args))
        expr.symbols = found
    return found


def _one_or_two(e: Expr) -> tuple[Expr, ...] | None:
    """The symbols of a sum of one or two, which is what most relations are about; None for
    anything else."""
    if type(e) is not Sum:
        return None
    terms = e.terms()
    if len(terms) > 2:
        return None
    first: IntExpr | None = None
    for x in terms:
        if type(x) is not IntSymbol:
            return None
        if first is not None:
            return (first, x) if first.birth < x.birth else (x, first)
        first = x
    return None if first is None else (first,)


def _found_symbols(exprs: Sequence[Expr]) -> list[Expr]:
    for expr in exprs:
        if not isinstance(expr, Expr):
            raise ExpressionTypeError(f"{excerpt(expr)} is not an expression")
    found: list[Expr] = []
    done: set[Expr] = set()
    stack = list(reversed(exprs))
    while stack:
        node = stack.pop()
        if node in done:
            continue
        done.add(node)
        if node.op is SYMBOL:
            found.append(node)
        else:
            stack += reversed(node.args)
    if len(done) > MANY:
        spend(len(done))
    return found
