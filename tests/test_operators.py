"""Every record of the table of operators, in everything that reads the table.

Nothing here names an operator: a new one is tried as soon as it has its record, and its
meaning in `tests.oracle`. What an analysis, a prover or a framework does not know it has to
leave open, or refuse by name; what it answers has to agree with brute force.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import pytest

import shapes
from asserts.conditions.emit import Emitter
from asserts.dialects.numpy import NUMPY
from asserts.errors import GraphError
from asserts.graph.graph import Graph
from asserts.graph.module import GraphModule
from shapes import OPERATORS, Expr, Facts, ShapeEnv, Status, make, parse, show, symbol
from shapes.env.codegen.python import compile_value
from shapes.env.codegen.rows import hold_over_rows
from shapes.env.symints import applied
from shapes.expr.nodes import Op
from shapes.prove.ladder import prove
from shapes.queries.simplify import simplify
from shapes.traversal.compose import composed
from shapes.traversal.cost import cost
from shapes.traversal.evaluate import Evaluation
from shapes.traversal.interpret import interpret
from shapes.traversal.mathematics import latex, mathematical
from shapes.traversal.sympy import from_sympy, to_sympy
from shapes.traversal.totalize import made_total
from shapes.witness.smt import Question, is_available, script, solve
from tests.oracle import Undefined, leaf, node, ours, same
from tests.shapes.expr.test_operators import CASES, KINDS, SAMPLES, operands_of, symbolic

Values = dict[str, Any]
OPS = [pytest.param(op, id=name) for name, op in OPERATORS.items()]
EXACT = [case for case in CASES if "f" not in str(case.values[1])]
"""Rows without doubles."""


def points(op: str, row: str, most: int = 40) -> Iterator[tuple[Values, Any]]:
    """Values of the symbols, spread over the row's domain, and what the operator means."""
    tree, names = symbolic(op, row)
    every = operands_of(op, row)
    for operands in every[:: len(every) // most + 1]:
        values = dict(zip(names, operands))
        yield values, tree.known(values)


def expr_of(op: str, row: str) -> tuple[Any, dict[str, Any]]:
    tree, names = symbolic(op, row)
    return tree.built(), {n: symbol(n, KINDS[n[0]]) for n in names}


# ---- functions of symbolic numbers, text and files ----


@pytest.mark.parametrize(("op", "row"), CASES)
def test_it_is_a_function_of_symbolic_numbers(op: str, row: str) -> None:
    env = ShapeEnv()
    expr, symbols = expr_of(op, row)
    operands = [env.unbacked(name, kind=sym.kind) for name, sym in symbols.items()]
    assert getattr(shapes, op)(*operands).expr is expr


@pytest.mark.parametrize(("op", "row"), CASES)
def test_text_pickles_and_sympy_bring_it_back(op: str, row: str) -> None:
    expr, symbols = expr_of(op, row)
    assert parse(show(expr), symbols) is expr
    assert parse(symbolic(op, row)[0].text(), symbols) is expr
    back = from_sympy(to_sympy(expr), symbols)
    for values, meant in points(op, row):
        if back is not expr and meant is not Undefined:
            assert same(ours(back, values), meant), (str(expr), str(back), values)


@pytest.mark.parametrize(("op", "row"), CASES)
def test_it_is_shown_as_mathematics(op: str, row: str) -> None:
    expr, _ = expr_of(op, row)
    for shown in (mathematical(expr), latex(expr)):
        assert all(shown.count(a) == shown.count(b) for a, b in ("()", "{}")), shown


@pytest.mark.parametrize(("op", "row"), EXACT)
def test_an_environment_brings_it_back(op: str, row: str) -> None:
    env = ShapeEnv()
    expr, symbols = expr_of(op, row)
    for name, sym in symbols.items():
        env.unbacked(name, kind=sym.kind)
    claim: Any = expr if expr.kind == "bool" else make("Ne", expr, 3)
    env.check(claim)
    again = ShapeEnv.from_json(env.to_json())
    assert [c.claim for c in again.checks] == [c.claim for c in env.checks]


# ---- rewriting ----


@pytest.mark.parametrize(("op", "row"), CASES)
def test_what_is_simplified_or_made_total_means_the_same(op: str, row: str) -> None:
    expr, _ = expr_of(op, row)
    simple, total = simplify(Facts(), expr), made_total(expr, lambda condition: None)
    assert cost(simple) <= cost(expr)
    for values, meant in points(op, row):
        assert ours(total, values) is not Undefined, (str(total), values)
        for e in (simple, total):
            assert meant is Undefined or same(ours(e, values), meant), (str(e), values)


@pytest.mark.parametrize("op", OPS)
def test_what_it_is_composed_of_means_the_same(op: Op) -> None:
    if op.simpler is None:
        return
    letters = op.operands.replace("n", "i").replace("a", "i")
    for operands in itertools.product(*[SAMPLES[letter] for letter in letters]):
        meant = node(op.name, *map(leaf, operands)).known({})
        if meant is not Undefined:
            found = composed(Evaluation(), op, operands)
            assert found == meant or found != found, (op, operands)


@pytest.mark.parametrize("op", OPS)
def test_what_is_closed_stays_within_the_range_of_its_operands(op: Op) -> None:
    if not op.closed:
        return
    domains = {"b": (False, True)}
    kinds = op.operands.replace("n", "i").replace("a", "i")
    for operands in itertools.product(*[domains.get(k, range(-8, 8)) for k in kinds]):
        meant = node(op.name, *map(leaf, operands)).known({})
        assert meant is Undefined or -8 <= meant < 8, operands


# ---- proofs ----


@pytest.mark.skipif(not is_available(), reason="z3 is not there")
@pytest.mark.parametrize(("op", "row"), EXACT)
def test_z3_agrees_or_does_not_know(op: str, row: str) -> None:
    expr, symbols = expr_of(op, row)
    if expr.kind == "float":
        return
    for values, meant in points(op, row, 4):
        if meant is Undefined:
            continue
        given: list[Any] = [make("Eq", symbols[n], value) for n, value in values.items()]
        agrees: Any = make("Eq", expr, meant)
        denies: Any = make("Ne", expr, meant)
        assert solve(Question((agrees, *given)), Facts(), 300_000).status != "unsat", values
        exact = "o!" not in script(Question((denies,)), Facts())
        if exact:
            assert solve(Question((denies, *given)), Facts(), 300_000).status != "sat"


@pytest.mark.parametrize(("op", "row"), EXACT)
def test_verdicts_agree_with_brute_force(op: str, row: str) -> None:
    expr, symbols = expr_of(op, row)
    if expr.kind == "float" or "B" in row:
        return
    reached = {m for _, m in points(op, row, 10_000) if m is not Undefined}
    facts = Facts().given(*[_among(sym, SAMPLES[n[0]]) for n, sym in symbols.items()])
    claims = [expr] if expr.kind == "bool" else [expr >= 0, make("Ne", expr, 3), expr <= 9]
    for claim in claims:
        verdict = prove(facts, claim)
        truths = {bool(ours(claim, v)) for v, m in points(op, row, 10_000) if m is not Undefined}
        if verdict.status is Status.ALWAYS:
            assert truths <= {True}, (str(claim), reached)
        if verdict.status is Status.NEVER:
            assert truths <= {False}, (str(claim), reached)


def _among(sym: Expr, values: Sequence[Any]) -> Any:
    if sym.kind == "bool":
        return make("Or", sym, make("Not", sym))
    return make("Or", *[make("Eq", sym, value) for value in values])


# ---- code ----


@pytest.mark.parametrize(("op", "row"), CASES)
def test_code_computes_it(op: str, row: str) -> None:
    expr, symbols = expr_of(op, row)
    compute, source = compile_value("f", expr, {sym: n for n, sym in symbols.items()})
    for values, meant in points(op, row):
        if meant is not Undefined:
            assert same(compute(**values), meant), (source, values)


@pytest.mark.parametrize(("op", "row"), EXACT)
def test_code_over_arrays_computes_it(op: str, row: str) -> None:
    expr, symbols = expr_of(op, row)
    claim = expr if expr.kind == "bool" else make("Le", expr, 2)
    for defined_only in (True, False):  # numpy's box, or row by row
        rows = [(v, m) for v, m in points(op, row, 60) if m is not Undefined or not defined_only]
        columns = {symbols[n]: np.array([v[n] for v, _ in rows]) for n in symbols}
        held, _ = hold_over_rows(columns, [claim], None)
        for (values, _), found in zip(rows, held):
            assert bool(found) is (ours(claim, values) is True), values


@pytest.mark.parametrize("op", OPS)
def test_numpys_function_is_the_operator(op: Op) -> None:
    """Of machine integers for which it is defined; a ufunc takes symbolic numbers, too."""
    if op.numpy is None:
        return
    letters = op.operands.replace("n", "i").replace("a", "i")
    function = getattr(np, op.numpy)
    env = ShapeEnv()
    symbols = [env.unbacked(name) for name in "abc"][: len(letters)]
    for operands in itertools.product(*[SAMPLES[letter][:6] for letter in letters]):
        meant = node(op.name, *map(leaf, operands)).known({})
        if meant is not Undefined:
            assert function(*[np.asarray([v]) for v in operands])[0] == meant, operands
    if op.operands[0] != "b" and op.numpy not in ("minimum", "maximum"):
        assert function(*symbols).expr is applied(None, op.name, tuple(symbols)).expr


# ---- graphs ----


@pytest.mark.parametrize(("op", "row"), CASES)
def test_a_graph_of_numpy_functions_computes_it(op: str, row: str) -> None:
    expr, symbols = expr_of(op, row)
    graph = Graph()
    emitter = Emitter(graph, NUMPY)
    for n, sym in symbols.items():
        place = graph.placeholder(n)
        place.meta.update(bindings={sym: ()}, val=sym)
        emitter.arrive(place)
    graph.output(emitter.emit(expr))
    module = GraphModule(None, graph)
    for values, meant in points(op, row):
        if meant is not Undefined:
            assert same(module(*values.values()), meant), values


class _Eager:
    """The analysis that calls what a graph of torch's would call."""

    def __init__(self) -> None:
        from asserts.dialects.torch.symbols.ops import create_operator

        self._create = partial(create_operator, lambda target, *args: target(*args))

    def constant(self, value: Any) -> Any:
        return value

    def unknown(self, op: Op, operands: Sequence[Any]) -> Any:
        result = operands[0]
        for operand in operands[1:] if op.variadic else ():
            result = self._create(op, (result, operand))
        return result if op.variadic else self._create(op, operands)


@pytest.mark.parametrize(("op", "row"), CASES)
def test_a_graph_of_torchs_computes_it_or_it_is_refused_by_name(op: str, row: str) -> None:
    pytest.importorskip("torch")
    from asserts.dialects.torch.symbols.ops import in_domain

    expr, symbols = expr_of(op, row)
    for values, meant in points(op, row):
        given = {symbols[n]: value for n, value in values.items()}
        if meant is Undefined or "B" in row:
            continue
        try:
            found = interpret(_Eager(), given, expr)
        except GraphError as refusal:
            assert op in str(refusal)
            assert "torch" in str(refusal)
            return
        except (ArithmeticError, ValueError):
            inside = expr.kind != "float" or ours(in_domain(make("Le", expr, 0.0)), values)
            assert not inside or not _finite(*values.values(), meant), values
            continue
        # (Python's powers of doubles leave the reals where ours are not a number.)
        assert found == meant or found != found or not _finite(meant), values


def _finite(*values: Any) -> bool:
    return all(isinstance(v, int) or math.isfinite(v) for v in values)
