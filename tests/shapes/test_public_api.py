"""What the façade promises: the public names, and the few verbs everywhere."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

import shapes
from shapes import ShapeEnv
from tests.builds import interpreted_only

PROMISED = {
    "BoolExpr", "Check", "Congruence", "ContradictionError", "Counterexample",
    "DataDependentError", "Dim", "EvaluationError", "Expr", "ExpressionSyntaxError",
    "ExpressionTypeError", "Fact", "Facts", "FloatExpr", "Guard", "GuardError",
    "GuardFunction", "HintError", "Implies", "IntExpr", "IntInfinity", "Max", "Min",
    "OPERATORS", "Proof", "RangeError", "SerializationError", "ShapeEnv", "ShapeproofError",
    "Status", "SymBool", "SymFloat", "SymInt", "SymbolInfo", "UnboundSymbolError",
    "UndefinedError", "UnknownSymbolError", "ValueRanges", "Verdict", "Where", "ceildiv",
    "evaluate", "free_symbols", "int_oo", "interpret", "make", "parse", "show", "substitute",
    "symbol",
}  # fmt: skip
VERBS = {
    "size", "integer", "boolean", "real", "unbacked", "assume", "contract", "guarantee",
    "check", "scope", "bounds", "congruence", "prove", "decide", "simplify", "suggest",
    "guards", "checks", "axioms", "guard_function", "to_json", "from_json",
}  # fmt: skip
ROOT = Path(shapes.__file__).parent
MODULES = [
    ".".join(("shapes", *path.relative_to(ROOT).with_suffix("").parts))
    for path in sorted(ROOT.rglob("*.py"))
    if path.name != "__init__.py"
]


def test_what_was_promised_is_there() -> None:
    assert set(shapes.__all__) >= PROMISED
    assert sorted(shapes.__all__) == list(dict.fromkeys(sorted(shapes.__all__)))
    for name in shapes.__all__:
        assert hasattr(shapes, name)


def test_the_verbs_are_there() -> None:
    assert {name for name in dir(ShapeEnv) if not name.startswith("_")} >= VERBS


@interpreted_only
def test_public_things_are_explained() -> None:
    for name in shapes.__all__:
        thing = getattr(shapes, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            assert inspect.getdoc(thing), name
    for name in VERBS:
        assert inspect.getdoc(getattr(ShapeEnv, name)), name


def test_every_error_is_one_of_ours() -> None:
    for name in shapes.__all__:
        if name.endswith("Error"):
            assert issubclass(getattr(shapes, name), shapes.ShapeproofError)


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_offers_is_there(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in getattr(loaded, "__all__", ()):
        assert hasattr(loaded, name), name


def test_the_package_is_typed() -> None:
    assert (ROOT / "py.typed").exists()


def test_an_operator_is_one_function() -> None:
    assert shapes.TruncDiv is shapes.TruncDiv
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = shapes.Nothing
