"""The table of operators: no gaps, and every operator means what Python means by it."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from shapes.domains import Congruence, CongruenceAnalysis, RangeAnalysis, ValueRanges
from shapes.errors import ExpressionTypeError
from shapes.expr.nodes import FALSE, OPERATORS, TRUE, Expr, Op, make, symbol
from shapes.expr.operators import named_functions
from shapes.traversal.interpret import interpret
from shapes.traversal.parsing import parse
from tests.oracle import LAZY, MEANINGS, Tree, Undefined, leaf, name, node, ours, same

INTS = (-7, -3, -2, -1, 0, 1, 2, 3, 6, 8)
BIG = (2**53 + 1, -(2**63) - 1, 10**30)
REALS = (-math.inf, -2.5, -1.0, -0.0, 0.0, 0.5, 1.0, 3.0, 1e308, math.inf, math.nan)
SAMPLES: dict[str, tuple[Any, ...]] = {
    "i": INTS,
    "n": (-2, 0, 1, 5),
    "b": (False, True),
    "f": REALS,
    "B": BIG,
    "s": (-1, 0, 1, 4),
}
KINDS = {"i": "int", "n": "int", "b": "bool", "f": "float", "B": "int", "s": "int"}

_INTEGER = ("ii", "bi", "Bi", "iB")
_RELATION = ("ii", "ff", "if", "fi", "bi", "bf", "Bf", "fB", "BB")
_BITS = ("ii", "bb", "bi", "iii", "bbb", "Bi")
_EXTREMUM = ("ii", "ff", "if", "nnn", "fff", "bi", "iB")
_SHIFT = ("is", "bs", "Bs")

_BY_OPERANDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("i", "int"): ("i", "b", "B"),
    ("i", "float"): ("i", "B", "b", "f"),
    ("n", "int"): ("i", "f", "b", "B"),
    ("ii", "int"): _INTEGER,
    ("ii", "float"): ("ii", "BB", "bi"),
    ("nn", "int"): ("ii", "ff", "if", "fi", "bi", "ib", "bb", "Bi", "BB"),
    ("nn", "float"): ("ii", "ff", "if", "fi", "BB"),
    ("nn", "bool"): _RELATION,
    ("aa", "bool"): (*_RELATION, "bb"),
    ("b", "bool"): ("b", "i"),
    ("bb", "bool"): ("bb", "bi"),
    ("baa", "same"): ("bii", "bff", "bbb", "bif", "bfi", "nnn", "bbi"),
    ("f", "int"): ("f", "i"),
    ("f", "float"): ("f", "i"),
    ("ff", "float"): ("ff", "fi", "if", "ii"),
    ("fi", "float"): ("fs", "fi"),
}
_OWN = {
    "Pow": ("is", "ff", "fi", "if", "bs"),
    "LShift": _SHIFT,
    "RShift": _SHIFT,
    "BitAnd": _BITS,
    "BitOr": _BITS,
    "BitXor": _BITS,
    "Min": _EXTREMUM,
    "Max": _EXTREMUM,
    "And": ("bb", "bi", "bbb"),
    "Or": ("bb", "bi", "bbb"),
}
ROWS = {
    name: _OWN.get(name) or _BY_OPERANDS[op.operands, op.result]
    for name, op in OPERATORS.items()
}
"""How every operator is exercised: kinds of operands, one letter each."""

CASES = [pytest.param(op, row, id=f"{op}-{row}") for op, rows in ROWS.items() for row in rows]


# ---- the table has no gaps ----


def test_every_operator_has_a_meaning_of_its_own() -> None:
    assert set(MEANINGS) | set(LAZY) == set(OPERATORS)


@pytest.mark.parametrize("op", OPERATORS.values(), ids=str)
def test_no_column_is_missing(op: Op) -> None:
    assert OPERATORS[op.name] is op
    assert op.handler.rstrip("_").replace("_", "").isalnum()
    assert op.operands
    assert set(op.operands) <= set("ibfna")
    assert op.result in ("int", "bool", "float", "same")
    assert op.result_kind in ("int", "bool", "float")
    assert callable(op.python)
    assert callable(op.build)
    assert op.example
    assert op.laws <= {"commutative", "associative", "idempotent"}
    assert not op.variadic or len(op.operands) == 2


SYMBOLS = {
    n: symbol(n, kind)  # type: ignore[arg-type]
    for n, kind in zip("xypqts", ("int", "int", "bool", "bool", "float", "float"))
}


@pytest.mark.parametrize("op", OPERATORS.values(), ids=str)
def test_the_example_is_in_the_grammar(op: Op) -> None:
    built = parse(op.example, SYMBOLS)
    kinds = {"same": {"int", "float", "bool"}, "int": {"int", "float"}}
    assert built.kind in kinds.get(op.result, {op.result})


def test_text_may_call_every_operator_by_name() -> None:
    functions = named_functions()
    assert set(OPERATORS) <= set(functions)
    assert functions["abs"] is OPERATORS["Abs"]
    assert functions["ceildiv"] is OPERATORS["CeilDiv"]


def test_sympy_names_are_distinct() -> None:
    names = [op.sympy for op in OPERATORS.values() if op.sympy]
    assert len(names) == len(set(names))


# ---- every row means what Python means ----


def symbolic(op: str, row: str) -> tuple[Tree, list[str]]:
    names = [f"{letter}{index}" for index, letter in enumerate(row)]
    return node(op, *[name(n, KINDS[n[0]]) for n in names]), names


def operands_of(op: str, row: str) -> list[tuple[Any, ...]]:
    every = list(itertools.product(*[SAMPLES[letter] for letter in row]))
    return [o for o in every if op != "Pow" or not _astronomic(o)]


def _astronomic(operands: tuple[Any, ...]) -> bool:
    a, b = operands
    return isinstance(a, int) and isinstance(b, int) and b > 64


@pytest.mark.parametrize(("op", "row"), CASES)
def test_on_symbols_it_means_what_python_means(op: str, row: str) -> None:
    tree, names = symbolic(op, row)
    expr, defined = tree.spelled()
    assert expr.kind == tree.kind
    for operands in operands_of(op, row):
        values = dict(zip(names, operands))
        meant = tree.known(values)
        assert ours(defined, values) is (meant is not Undefined), (values, str(defined))
        if meant is not Undefined:
            assert same(ours(expr, values), meant), (values, str(expr))


@pytest.mark.parametrize(("op", "row"), CASES)
def test_constants_are_folded_to_what_python_computes(op: str, row: str) -> None:
    for operands in operands_of(op, row):
        tree = node(op, *[leaf(value) for value in operands])
        expr, defined = tree.spelled()
        meant = tree.known({})
        assert defined is (FALSE if meant is Undefined else TRUE), tree
        if meant is not Undefined:
            assert expr.is_constant, tree
            assert same(expr.value, meant), tree


@pytest.mark.parametrize(("op", "row"), CASES)
def test_beside_constants_it_means_the_same(op: str, row: str) -> None:
    """One operand is a symbol, the others are constants: where the special cases live."""
    for position, letter in enumerate(row):
        if len(row) == 1:
            continue
        others = [SAMPLES[other] for other in row]
        others[position] = (None,)
        for operands in itertools.product(*others):
            args = [leaf(v) if v is not None else name("v", KINDS[letter]) for v in operands]
            tree = node(op, *args)
            expr, defined = tree.spelled()
            for value in SAMPLES[letter]:
                chosen = (*operands[:position], value, *operands[position + 1 :])
                if op == "Pow" and _astronomic(chosen):
                    continue
                meant = tree.known({"v": value})
                assert ours(defined, {"v": value}) is (meant is not Undefined), (tree, value)
                if meant is not Undefined:
                    assert same(ours(expr, {"v": value}), meant), (tree, value, str(expr))


# ---- analyses know it, or say soundly that they know nothing ----


class _Nothing:
    """An analysis without handlers."""

    def constant(self, value: object) -> str:
        return "constant"

    def symbol(self, sym: Expr) -> str:
        return sym.kind

    def unknown(self, op: Op, values: list[Any]) -> str:
        assert isinstance(op, Op)
        return op.result_kind


@pytest.mark.parametrize(("op", "row"), CASES)
def test_an_analysis_without_handlers_gets_an_answer(op: str, row: str) -> None:
    tree, _ = symbolic(op, row)
    assert interpret(_Nothing(), {}, tree.built()) in ("int", "bool", "float", "constant")


@pytest.mark.parametrize(("op", "row"), CASES)
def test_ranges_and_congruences_include_every_value(op: str, row: str) -> None:
    tree, names = symbolic(op, row)
    expr = tree.built()
    sampled = [SAMPLES[letter] for letter in row]
    ranges = {n: _hull(values) for n, values in zip(names, sampled)}
    classes = {n: _class(values) for n, values in zip(names, sampled)}
    found = interpret(RangeAnalysis(), ranges, expr)
    residues = interpret(CongruenceAnalysis(), classes, expr)
    assert isinstance(found, ValueRanges)
    for operands in operands_of(op, row):
        meant = tree.known(dict(zip(names, operands)))
        if meant is Undefined:
            continue
        assert meant in found, (operands, meant, found)
        if isinstance(residues, Congruence):
            assert residues.admits(meant), (operands, meant, residues)
        elif residues is not None:
            assert residues is meant


def _hull(values: tuple[Any, ...]) -> ValueRanges:
    if isinstance(values[0], float):
        return ValueRanges(-math.inf, math.inf, nan=True)
    return ValueRanges(min(values), max(values))


def _class(values: tuple[Any, ...]) -> Any:
    if not isinstance(values[0], int) or isinstance(values[0], bool):
        return None
    result = Congruence.constant(values[0])
    for value in values[1:]:
        result = result.join(Congruence.constant(value))
    return result


# ---- what is refused ----


@pytest.mark.parametrize("op", ["CeilDiv", "TruncDiv", "LShift", "BitAnd", "BitNot"])
def test_integer_operators_refuse_floats(op: str) -> None:
    operands = [symbol("t", "float")] * len(OPERATORS[op].operands)
    with pytest.raises(ExpressionTypeError, match="float where an integer is needed"):
        make(op, *operands)


def test_rounding_to_decimals_refuses_integers() -> None:
    with pytest.raises(ExpressionTypeError, match="RoundDecimal"):
        make("RoundDecimal", symbol("x"), 2)


@pytest.mark.parametrize("value", ["text", None, object(), 1j, [1]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ExpressionTypeError, match="neither an expression nor a number"):
        make("Add", symbol("x"), value)


def test_numpy_integers_are_taken() -> None:
    numpy = pytest.importorskip("numpy")
    assert symbol("x") + numpy.int64(3) is symbol("x") + 3
