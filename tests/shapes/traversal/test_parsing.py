"""Text to expressions and back."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shapes.errors import ExpressionSyntaxError, ExpressionTypeError, UnknownSymbolError
from shapes.expr.nodes import TRUE, Expr, constant, make, symbol
from shapes.traversal.evaluate import evaluate
from shapes.traversal.parsing import is_name, parse, parse_spelled
from shapes.traversal.printing import show
from shapes.traversal.saved import parse_saved, saved_in_parts
from tests.oracle import Tree, Undefined, ours, same
from tests.strategies import KINDS, any_trees, small_values

SYMBOLS = {n: symbol(n, kind) for n, kind in KINDS.items()}  # type: ignore[arg-type]
x, y, z = SYMBOLS["x"], SYMBOLS["y"], SYMBOLS["z"]


# ---- round trips ----


@given(any_trees(5))
def test_what_is_shown_is_parsed_to_the_same_object(tree: Tree) -> None:
    e = tree.built()
    assert parse(show(e), SYMBOLS) is e
    assert parse(repr(e)[len(f"<{e.kind} ") : -1], SYMBOLS) is e or repr(e).endswith("...>")


@given(any_trees(5), small_values())
def test_text_by_name_is_parsed_to_what_is_built(tree: Tree, values: dict[str, Any]) -> None:
    expr, defined = parse_spelled(tree.text(), SYMBOLS)
    assert (expr, defined) == tree.spelled()
    meant = tree.known(values)
    assert ours(defined, values) is (meant is not Undefined)
    if meant is not Undefined:
        assert same(ours(expr, values), meant)


@given(any_trees(4))
def test_what_is_saved_is_found_again(tree: Tree) -> None:
    e = tree.built()
    assert parse_saved(*saved_in_parts(e)) is e


@given(any_trees(3))
def test_renamed_symbols_are_shown_as_such(tree: Tree) -> None:
    e = tree.built()
    text = show(e, lambda n: f"batch.shape[{'xyzpqts'.index(n)}]")
    renamed = {f"batch.shape[{i}]": SYMBOLS[n] for i, n in enumerate("xyzpqts")}
    assert parse(text, renamed) is e


@pytest.mark.parametrize("digits", [10, 3000, 4000, 4300, 5000, 20_000])
def test_integers_of_any_length(digits: int) -> None:
    for sign in (1, -1):
        e = x + sign * (10**digits + 7)
        assert parse(show(e)) is e


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-323, 1.7976931348623157e308, 0.1, 1 / 3, 1e22,
                                   math.inf, -math.inf, math.nan])  # fmt: skip
def test_floats_of_any_size(value: float) -> None:
    t = SYMBOLS["t"]
    for e in (
        t + value,
        value - t,
        t * value,
        make("FloatPow", value, t),
        make("Min", value, t),
    ):
        assert parse(show(e), SYMBOLS) is e
    assert same(evaluate(parse(show(make("Add", value, 0.0))), {}), value + 0.0)


# ---- Python's grammar ----


def _python_text(rng: random.Random, depth: int) -> str:
    """Integer text as a person may write it, with few parentheses."""
    if depth == 0:
        return rng.choice(["x", "y", "z", "1", "2", "3", "7", "0x1f", "0b101", "1_000"])
    a = _python_text(rng, depth - 1)
    b = _python_text(rng, rng.randrange(depth))
    form = rng.randrange(7)
    if form < 4:
        operator = rng.choice(["+", "-", "*", "//", "%", "&", "|", "^"])
        return f"{a} {operator} {b}"
    if form == 4:
        return f"({a})"
    if form == 5:
        return rng.choice(["-", "+", "~"]) + a
    return f"{a} {rng.choice(['<<', '>>', '**'])} {rng.choice('123')}"


def _python_condition(rng: random.Random, depth: int) -> str:
    if depth == 0:
        comparisons = ["<", "<=", ">", ">=", "==", "!="]
        parts = [_python_text(rng, rng.randrange(3)) for _ in range(rng.choice([2, 2, 3, 4]))]
        return "".join(f"{part} {rng.choice(comparisons)} " for part in parts[:-1]) + parts[-1]
    a, b = (_python_condition(rng, rng.randrange(depth)) for _ in range(2))
    return rng.choice([f"{a} and {b}", f"{a} or {b}", f"not {a}", f"({a})"])


def _python(text: str, values: dict[str, int]) -> Any:
    """Python's own reading of the text (in tests only)."""
    try:
        return eval(text, {"__builtins__": {}}, values)
    except (ArithmeticError, ValueError):
        return Undefined


@pytest.mark.parametrize("seed", range(300))
def test_precedence_is_pythons(seed: int) -> None:
    rng = random.Random(seed)
    build = _python_text if seed % 2 else _python_condition
    text = build(rng, 1 + seed % 4)
    expr, defined = parse_spelled(text)
    for point in itertools.product((-3, 0, 1, 4), repeat=3):
        values = dict(zip("xyz", point))
        meant = _python(text, values)
        assert ours(defined, values) is (meant is not Undefined), (text, values)
        if meant is not Undefined:
            assert ours(expr, values) == meant, (text, values)


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("-x**2", "-(x**2)"),
        ("x**y**2", "x**(y**2)"),
        ("-x % 3", "(-x) % 3"),
        ("not x < y and y < z", "(not (x < y)) and (y < z)"),
        ("x < y == z", "x < y and y == z"),
        ("x - y - z", "(x - y) - z"),
        ("x // y * z", "(x // y) * z"),
        ("x & y == z", "(x & y) == z"),
        ("x | y ^ z & x << 1", "x | (y ^ (z & (x << 1)))"),
        ("~x + 1", "(~x) + 1"),
        ("abs(-x)", "Abs(Neg(x))"),
        ("Min(x, y, z)", "Min(x, Min(y, z))"),
        ("ceildiv(x, 8)", "CeilDiv(x, 8)"),
        ("\tx\n+ y ", "x+y"),
        ("((((x))))", "x"),
        ("+x", "x"),
        ("1_0 + 0xA + 0b1", "21"),
        ("2**-x", "2**(-x)"),
        ("(x < y) == (y < z)", "Iff(x < y, y < z)"),
    ],
)
def test_spellings_of_one_expression(text: str, same_as: str) -> None:
    assert parse(text) is parse(same_as)


def test_paths_are_names() -> None:
    e = parse("tokens.shape[0] * 2 - a.b[12].c")
    assert show(e) == "2 * tokens.shape[0] - a.b[12].c"
    assert parse("größe + 1") is symbol("größe") + 1


# ---- errors point at their column ----


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "no expression"),
        ("   ", 4, "no expression"),
        ("x +", 4, "an operand is missing"),
        ("x + * y", 5, "an operand is missing before `*`"),
        ("* x", 1, "an operand is missing before `*`"),
        ("x y", 3, "an operator is missing before `y`"),
        ("x 3", 3, "an operator is missing"),
        ("3x", 2, "an operator is missing before `x`"),
        ("x (y)", 1, "unknown function `x`"),
        ("(x", 1, "never closed"),
        ("Min(x, y", 1, "never closed"),
        ("x)", 2, "never opened"),
        ("()", 2, "an operand is missing before `)`"),
        ("Min()", 1, "takes at least 2 operands, not 0"),
        ("Mod(x)", 1, "takes 2 operands, not 1"),
        ("Mod(x, y, z)", 1, "takes 2 operands, not 3"),
        ("Min(x,)", 7, "an operand is missing before `)`"),
        ("(x, y)", 3, "a comma outside of a call"),
        ("x, y", 2, "a comma outside of a call"),
        ("foo(x)", 1, "unknown function `foo`"),
        ("x.y(3)", 1, "unknown function `x.y`"),
        ("x = 3", 3, "unexpected '='"),
        ("x ? y", 3, "unexpected '?'"),
        ("'x'", 1, 'unexpected "\'"'),
        ("x[y]", 2, "unexpected '['"),
        ("x if y else z", 3, "an operator is missing before `if`"),
        ("lambda + 0", 1, "`lambda` is not part of the grammar"),
        ("None", 1, "`None` is not part of the grammar"),
        ("x is y", 3, "an operator is missing before `is`"),
        ("Min", 1, "is a function and needs parentheses"),
        ("x + abs", 5, "is a function and needs parentheses"),
        ("x == not y", 6, "`not` after an operator needs parentheses"),
        ("- not x", 3, "`not` after an operator needs parentheses"),
        ("x ! y", 3, "unexpected '!'"),
        ("007", 1, "does not begin with 0"),
        ("x + ٣", 5, "unexpected"),
        ("t.5", 2, "an operator is missing"),
        ("int_oo - int_oo", 8, "has no value"),
        ("0 * int_oo", 3, "has no value"),
        ("int_oo // 2", 8, "end of a range"),
        ("x * int_oo", 3, "no integer value"),
        ("1.5 & 2", 5, "float where an integer is needed"),
        ("RoundDecimal(x, 2)", 1, "RoundDecimal"),
        ("x + " + "9" * 4001, 5, "hexadecimal"),
        ("(" * 50 + "x", 50, "never closed"),
        ("x <> y", 4, "an operand is missing before `>`"),
        ("x ** ", 6, "an operand is missing"),
        ("not", 4, "an operand is missing"),
        ("x and or y", 7, "an operand is missing before `or`"),
        ("__import__(os)", 1, "unknown function `__import__`"),
    ],
)
def test_an_error_points_at_its_column(text: str, column: int, reason: str) -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse(text)
    assert caught.value.column == column == caught.value.offset
    assert reason in caught.value.reason
    assert str(caught.value).startswith(f"column {column}: ")
    assert caught.value.text == text


def test_the_mark_stands_below_the_column() -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse("x + " * 100 + "? y")
    _, shown, mark = str(caught.value).splitlines()
    assert shown[mark.index("^")] == "?"
    assert len(shown) < 100


@given(st.text("xyz0189 .+-*/%<>=!&|^~()[],_eandortMi", max_size=25))
def test_any_text_is_an_expression_or_one_clear_error(text: str) -> None:
    try:
        found = parse(text)
    except ExpressionSyntaxError as error:
        column = error.column
    else:
        assert isinstance(found, Expr)
        assert parse(show(found)) is found
        return
    assert 1 <= column <= len(text) + 1


@pytest.mark.parametrize("value", [None, 3, b"x", ["x"]])
def test_what_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ExpressionTypeError, match="an expression is text"):
        parse(value)


# ---- names ----


def test_unknown_names() -> None:
    with pytest.raises(ExpressionSyntaxError) as caught:
        parse("x + w", {"x": x})
    assert (caught.value.column, caught.value.reason) == (5, "unknown symbol `w`")

    def lookup(name: str) -> Expr:
        raise UnknownSymbolError(f"no {name}")

    with pytest.raises(UnknownSymbolError, match="no x"):
        parse("x", lookup)


@pytest.mark.parametrize("name", ["x", "n0", "_a", "tokens.shape[0]", "größe", "a[1][2].b"])
def test_names(name: str) -> None:
    assert is_name(name)
    assert parse(name) is symbol(name)


@pytest.mark.parametrize("name", ["", "0x", "a b", "x[y]", "a.", "if", "int_oo", "Min", "abs",
                                  "True", "and", "a-b", "x[-1]", "a..b", 3, None])  # fmt: skip
def test_what_is_no_name(name: Any) -> None:
    assert not is_name(name)


# ---- definedness is kept beside ----


def test_what_cancels_still_needs_its_value() -> None:
    assert parse_spelled("x // y - x // y") == (constant(0), make("Ne", y, 0))
    assert parse_spelled("0 * (x % y)") == (constant(0), make("Ne", y, 0))
    assert parse_spelled("x // x") == (constant(1), make("Ne", x, 0))
    assert parse_spelled("x // 4").defined is TRUE
    assert parse_spelled("y != 0 and x // y > 1").defined is TRUE
    assert parse_spelled("x // y > 1 and y != 0").defined is make("Ne", y, 0)
    assert parse_spelled("y == 0 or x % y == 0").defined is TRUE
    assert parse_spelled("Where(y != 0, x // y, 0)").defined is TRUE
    assert parse_spelled("x << y").defined is (y >= 0)
    assert parse_spelled("1 < x // y < z").defined.args[0] is make("Ne", y, 0)


def test_deep_text_costs_no_recursion() -> None:
    depth = 30_000
    assert parse("(" * depth + "x" + ")" * depth) is x
    assert parse("-" * depth + "x") is x
    assert parse("not " * depth + "x < y") is parse("x < y")
    assert parse("abs(" * depth + "x" + ")" * depth) is parse("abs(x)")
    assert parse(" + ".join(["x"] * depth)) is depth * x
